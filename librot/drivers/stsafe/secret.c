/*
 * secret.c: secrets that only this part can open.
 *
 * An STSAFE agrees, but gives what it agreed on out, and an A110 computes with no
 * secret of ours (docs/chips/stsafe.md).  What it has is a local envelope: a key
 * of its own that wraps (RFC 3394) what it is given.  A session's secret is kept
 * wrapped, here while the chip is open, and unwrapped for each use: the part
 * keeps it, the host computes, and between uses it is nowhere in the clear.  Both
 * ways it is encrypted on the bus, where the part's rules say so; where they do
 * not let us, there are no sessions.
 *
 * An A120 also computes with secrets itself: inside.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define SUBJECT_ENVELOPE 0x07u
#define MAC_OF_MESSAGE   0x03u
#define WRAP_EXTRA       8u
#define RANDOM_MAX       128u

int
stsafe_has_envelopes(const struct rot_chip *chip)
{
    return stsafe_may(chip, STSAFE_WRAP) == ROT_OK && stsafe_may(chip, STSAFE_UNWRAP) == ROT_OK;
}

static int
is_inside(const struct rot_place *place)
{
    return (place->where & STSAFE_SYMMETRIC) != 0;
}

/* ---- Envelopes ------------------------------------------------------------------------ */

static struct stsafe_envelope *
find(struct rot_chip *chip, rot_object object)
{
    struct stsafe_state *s = stsafe_of(chip);

    for (unsigned i = 0; i < STSAFE_ENVELOPES; i++) {
        if (s->envelopes[i].object == object)
            return &s->envelopes[i];
    }
    return NULL;
}

void
stsafe_secrets_forget(struct rot_chip *chip)
{
    struct stsafe_state *s = stsafe_of(chip);

    rot_wipe_memory(s->envelopes, sizeof(s->envelopes));
    memset(s->inside, 0, sizeof(s->inside));
    s->is_tidy = 0;
}

static rot_err
make_envelope_key(struct rot_chip *chip, unsigned slot)
{
    stsafe_begin(chip, STSAFE_GENERATE_KEY);
    stsafe_put_u8(chip, SUBJECT_ENVELOPE);
    stsafe_put_u8(chip, slot);
    stsafe_put_u8(chip, STSAFE_U_ENVELOPE_AES256);
    return stsafe_run_plain(chip);
}

static rot_err
wrap(struct rot_chip *chip, unsigned slot, const uint8_t *secret, size_t len,
     struct stsafe_envelope *ret)
{
    rot_err rc;

    stsafe_begin(chip, STSAFE_WRAP);
    stsafe_put_u8(chip, slot);
    stsafe_put(chip, secret, len);
    rc = stsafe_run_into(chip, ret->bytes, len + WRAP_EXTRA);
    if (rc == ROT_OK)
        ret->len = (uint8_t)(len + WRAP_EXTRA);
    return rc;
}

/* The length that a place's secret may have: an AES key its own, others 32 to 64 bytes. */
static int
is_size_for(const struct rot_place *place, size_t len)
{
    size_t want = rot_alg_secret_size((enum rot_alg)place->alg);

    return place->alg == ROT_ALG_HMAC_SHA256 ? len >= want && len <= ROT_SECRET_MAX : len == want;
}

rot_err
stsafe_secret_keep(struct rot_chip *chip, const struct rot_place *place, const uint8_t *secret,
                   size_t len)
{
    struct stsafe_envelope *to = find(chip, place->object);
    rot_err rc;

    if (is_inside(place))
        return stsafe_inside_keep(chip, place, secret, len);
    if (!is_size_for(place, len))
        return ROT_E_UNSUPPORTED;
    if (to == NULL)
        to = find(chip, 0);
    if (to == NULL)
        return ROT_E_SPACE;
    rc = wrap(chip, place->where, secret, len, to);
    if (rc == ROT_E_EMPTY) {
        rc = make_envelope_key(chip, place->where);
        if (rc == ROT_OK)
            rc = wrap(chip, place->where, secret, len, to);
    }
    if (rc == ROT_OK)
        to->object = place->object;
    return rc;
}

static rot_err
open_secret(struct rot_chip *chip, const struct rot_place *place, uint8_t out[ROT_SECRET_MAX],
            size_t *ret_len)
{
    const struct stsafe_envelope *e = find(chip, place->object);
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc;

    if (e == NULL)
        return ROT_E_EMPTY;
    stsafe_begin(chip, STSAFE_UNWRAP);
    stsafe_put_u8(chip, place->where);
    stsafe_put(chip, e->bytes, e->len);
    *ret_len = e->len - WRAP_EXTRA;
    rc = stsafe_run_into(chip, out, *ret_len);
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return rc;
}

/* ---- A secret's life -------------------------------------------------------------------- */

rot_err
stsafe_random(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < RANDOM_MAX ? len : RANDOM_MAX;

        stsafe_begin(chip, STSAFE_RANDOM);
        stsafe_put_u16(chip, (unsigned)n); /* 00, size */
        rc = stsafe_run_into(chip, buf, n);
        buf += n;
        len -= n;
    }
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return rc;
}

rot_err
stsafe_secret_generate(struct rot_chip *chip, const struct rot_place *place)
{
    uint8_t secret[32];
    size_t len = rot_alg_secret_size((enum rot_alg)place->alg);
    rot_err rc = stsafe_random(chip, secret, len);

    if (rc == ROT_OK)
        rc = stsafe_secret_keep(chip, place, secret, len);
    rot_wipe_memory(secret, sizeof(secret));
    return rc;
}

rot_err
stsafe_key_delete(struct rot_chip *chip, const struct rot_place *place)
{
    struct stsafe_envelope *e;

    if (rot_alg_secret_size((enum rot_alg)place->alg) == 0 || !stsafe_has_slot(chip, place))
        return ROT_E_UNSUPPORTED; /* section 3.1: no command empties a private key slot */
    if (is_inside(place))
        return stsafe_inside_delete(chip, place);
    e = find(chip, place->object);
    if (e == NULL)
        return ROT_E_EMPTY;
    rot_wipe_memory(e, sizeof(*e));
    return ROT_OK;
}

/* ---- Uses --------------------------------------------------------------------------------- */

rot_err
stsafe_derive(struct rot_chip *chip, const struct rot_place *from,
              const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
              size_t cap, size_t *ret_len)
{
    const struct rot_port *port = chip->setup.port;
    uint8_t secret[ROT_SECRET_MAX], derived[ROT_SECRET_MAX];
    size_t len = 0;
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (!stsafe_has_slot(chip, from) || (into != NULL && !stsafe_has_slot(chip, into)))
        return ROT_E_UNSUPPORTED;
    if (is_inside(from))
        return into != NULL && is_inside(into) ? stsafe_inside_derive(chip, from, params, into)
                                               : ROT_E_UNSUPPORTED;
    if (port->ops->kdf == NULL)
        return ROT_E_PORT;
    rc = open_secret(chip, from, secret, &len);
    if (rc == ROT_OK)
        rc = port->ops->kdf(port->self, (struct rot_bytes){secret, len}, params, derived);
    if (rc == ROT_OK && into != NULL)
        rc = stsafe_secret_keep(chip, into, derived, params->out_len);
    if (rc == ROT_OK && into == NULL) {
        memcpy(out, derived, params->out_len);
        *ret_len = params->out_len;
    }
    rot_wipe_memory(secret, sizeof(secret));
    rot_wipe_memory(derived, sizeof(derived));
    return rc;
}

/* By a secret in an envelope: the host makes it. */
static rot_err
mac_on_host(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes msg,
            uint8_t *mac)
{
    const struct rot_port *port = chip->setup.port;
    int is_hmac = place->alg == ROT_ALG_HMAC_SHA256;
    uint8_t secret[ROT_SECRET_MAX];
    struct rot_bytes key = {secret, 0};
    rot_err rc;

    if (is_hmac ? port->ops->hmac == NULL : port->ops->aes_cmac == NULL)
        return ROT_E_PORT;
    rc = open_secret(chip, place, secret, &key.len);
    if (rc == ROT_OK && is_hmac)
        rc = port->ops->hmac(port->self, ROT_HASH_SHA256, key, &msg, 1, mac);
    else if (rc == ROT_OK)
        rc = port->ops->aes_cmac(port->self, key, &msg, 1, mac);
    rot_wipe_memory(secret, sizeof(secret));
    return rc;
}

rot_err
stsafe_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
           uint8_t *mac, size_t cap, size_t *ret_len)
{
    struct rot_bytes m = {msg, msg_len};
    size_t len = place->alg == ROT_ALG_HMAC_SHA256 ? 32 : 16;
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (!stsafe_has_slot(chip, place))
        return ROT_E_UNSUPPORTED;
    rc = is_inside(place) ? stsafe_inside_mac(chip, place, m, mac, len)
                          : mac_on_host(chip, place, m, mac);
    if (rc == ROT_OK)
        *ret_len = len;
    return rc;
}

rot_err
stsafe_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
            struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
            size_t cap, size_t *ret_len)
{
    const struct rot_port *port = chip->setup.port;
    uint8_t secret[ROT_SECRET_MAX];
    struct rot_bytes key = {secret, 0};
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (!stsafe_has_slot(chip, place))
        return ROT_E_UNSUPPORTED;
    if (is_inside(place))
        return alg == ROT_AEAD_AES_GCM
                   ? stsafe_inside_aead(chip, place, seal, nonce, aad, in, out, ret_len)
                   : ROT_E_UNSUPPORTED;
    if (port->ops->aead == NULL)
        return ROT_E_PORT;
    rc = open_secret(chip, place, secret, &key.len);
    if (rc == ROT_OK)
        rc = port->ops->aead(port->self, alg, key, nonce, aad, seal, in, out);
    if (rc == ROT_OK)
        *ret_len = seal ? in.len + 16 : in.len - 16;
    rot_wipe_memory(secret, sizeof(secret));
    return rc;
}
