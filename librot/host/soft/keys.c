/*
 * keys.c: what the soft driver does with keys.
 *
 * A key pair is stored as private number and point.  Secrets of SESSION
 * objects are in memory only and end with reset or close; those of other
 * objects are records like everything else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <string.h>

#define KEY_MAX 144 /* P-384: 48 + 96 */

/* All that these slots need of the port, or ROT_E_PORT. */
#define NEED(chip, slot)                                                                           \
    do {                                                                                           \
        if ((chip)->setup.port->ops->slot == NULL)                                                 \
            return ROT_E_PORT;                                                                     \
    } while (0)

static size_t
private_size(enum rot_alg alg)
{
    size_t point = rot_alg_point_size(alg);

    return rot_alg_digest_size(alg) != 0 ? point / 2 : point; /* X || Y, or one raw key */
}

/* A key pair that is there and is of the layout's algorithm. */
static rot_err
find_pair(const struct rot_chip *chip, const struct rot_place *place,
          const struct soft_record **ret_record)
{
    struct soft *s = soft_of(chip);
    const struct soft_record *r;

    if (s == NULL)
        return ROT_E_BUS;
    r = soft_store_find(&s->store, place->object, ROT_PART_KEY);
    if (r == NULL)
        return ROT_E_EMPTY;
    if (r->alg != place->alg)
        return ROT_E_STATE; /* made under another layout */
    *ret_record = r;
    return ROT_OK;
}

static const uint8_t *
point_of(const struct soft_record *r)
{
    return r->data + private_size((enum rot_alg)r->alg);
}

/* ---- Secrets ----------------------------------------------------------------- */

static struct soft_session *
find_session(struct soft *s, rot_object object)
{
    for (size_t i = 0; i < SOFT_SESSIONS_MAX; i++) {
        if (s->sessions[i].object == object)
            return &s->sessions[i];
    }
    return NULL;
}

static rot_err
find_secret(const struct rot_chip *chip, const struct rot_place *place,
            struct rot_bytes *ret_secret)
{
    struct soft *s = soft_of(chip);
    const struct soft_session *session;
    const struct soft_record *r;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_SESSION) {
        session = find_session(s, place->object);
        if (session == NULL)
            return ROT_E_EMPTY;
        *ret_secret = (struct rot_bytes){session->key, session->len};
        return ROT_OK;
    }
    rc = find_pair(chip, place, &r);
    if (rc == ROT_OK)
        *ret_secret = (struct rot_bytes){r->data, r->len};
    return rc;
}

static rot_err
put_secret(struct rot_chip *chip, const struct rot_place *place, const uint8_t *key, size_t len)
{
    struct soft *s = soft_of(chip);
    struct soft_session *session;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_SESSION) {
        session = find_session(s, place->object);
        if (session == NULL)
            session = find_session(s, 0);
        if (session == NULL || len > sizeof(session->key))
            return ROT_E_SPACE;
        session->object = place->object;
        session->len = (uint8_t)len;
        memcpy(session->key, key, len);
        return ROT_OK;
    }
    rc = soft_check_open_place(s, place);
    if (rc == ROT_OK && len != rot_alg_secret_size((enum rot_alg)place->alg))
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK)
        rc = soft_store_put(&s->store, place, key, len);
    return rc == ROT_OK ? soft_commit(chip) : rc;
}

/* ---- Making and ending keys ------------------------------------------------------ */

static rot_err
put_pair(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pair)
{
    struct soft *s = soft_of(chip);
    enum rot_alg alg = (enum rot_alg)place->alg;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    rc = soft_check_open_place(s, place);
    if (rc == ROT_OK)
        rc = soft_store_put(&s->store, place, pair, private_size(alg) + rot_alg_point_size(alg));
    return rc == ROT_OK ? soft_commit(chip) : rc;
}

static rot_err
generate_secret(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg)
{
    uint8_t key[32];
    size_t len = rot_alg_secret_size(alg);
    rot_err rc;

    NEED(chip, random);
    rc = chip->setup.port->ops->random(chip->setup.port->self, key, len);
    if (rc == ROT_OK)
        rc = put_secret(chip, place, key, len);
    rot_wipe_memory(key, sizeof(key));
    return rc;
}

rot_err
soft_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                  uint8_t *pub, size_t cap, size_t *ret_len)
{
    uint8_t pair[KEY_MAX], *point = pair + private_size(alg);
    rot_err rc;

    if (rot_alg_secret_size(alg) != 0) {
        rc = generate_secret(chip, place, alg);
        if (rc == ROT_OK)
            *ret_len = 0;
        return rc;
    }
    NEED(chip, ec_generate);
    rc = chip->setup.port->ops->ec_generate(chip->setup.port->self, alg, pair, point);
    if (rc == ROT_OK)
        rc = put_pair(chip, place, pair);
    if (rc == ROT_OK)
        rc = rot_spki_from_point(alg, point, pub, cap, ret_len);
    rot_wipe_memory(pair, sizeof(pair));
    return rc;
}

rot_err
soft_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                size_t *ret_len)
{
    const struct soft_record *r;
    rot_err rc = find_pair(chip, place, &r);

    if (rc != ROT_OK)
        return rc;
    return rot_spki_from_point((enum rot_alg)r->alg, point_of(r), pub, cap, ret_len);
}

/* The one form: the raw key, which production does not take. */
rot_err
soft_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                const uint8_t *wrapped, size_t wrapped_len)
{
    uint8_t pair[KEY_MAX];
    size_t secret = rot_alg_secret_size(alg), priv = private_size(alg);
    rot_err rc;

    if ((chip->setup.flags & ROT_OPEN_PRODUCTION) != 0)
        return ROT_E_AUTH;
    if (wrapped_len != (secret != 0 ? secret : priv))
        return ROT_E_FORMAT;
    if (secret != 0)
        return put_secret(chip, place, wrapped, wrapped_len);
    NEED(chip, ec_public);
    memcpy(pair, wrapped, priv);
    rc = chip->setup.port->ops->ec_public(chip->setup.port->self, alg, pair, pair + priv);
    if (rc == ROT_OK)
        rc = put_pair(chip, place, pair);
    rot_wipe_memory(pair, sizeof(pair));
    return rc;
}

rot_err
soft_key_delete(struct rot_chip *chip, const struct rot_place *place)
{
    struct soft *s = soft_of(chip);
    struct soft_session *session;
    struct soft_record *r;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_SESSION) {
        session = find_session(s, place->object);
        if (session == NULL)
            return ROT_E_EMPTY;
        rot_wipe_memory(session, sizeof(*session));
        return ROT_OK;
    }
    rc = soft_check_open_place(s, place);
    if (rc != ROT_OK)
        return rc;
    r = soft_store_find(&s->store, place->object, ROT_PART_KEY);
    if (r == NULL)
        return ROT_E_EMPTY;
    soft_store_remove(&s->store, r);
    return soft_commit(chip);
}

/* ---- Signatures ---------------------------------------------------------------------- */

rot_err
soft_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                 size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    const struct soft_record *r;
    enum rot_alg alg = (enum rot_alg)place->alg;
    uint8_t raw[96];
    rot_err rc;

    NEED(chip, ec_sign);
    rc = find_pair(chip, place, &r);
    if (rc == ROT_OK)
        rc = chip->setup.port->ops->ec_sign(chip->setup.port->self, alg, r->data, digest,
                                            digest_len, raw);
    if (rc != ROT_OK)
        return rc;
    return rot_ecdsa_to_der(raw, private_size(alg), sig, cap, ret_len);
}

/* Reached for EdDSA only: the core hashes for ECDSA. */
rot_err
soft_sign_message(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                  size_t msg_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    const struct soft_record *r;
    rot_err rc;

    (void)cap; /* the core has checked it: an EdDSA signature has one size */
    NEED(chip, ec_sign);
    rc = find_pair(chip, place, &r);
    if (rc == ROT_OK)
        rc = chip->setup.port->ops->ec_sign(chip->setup.port->self, (enum rot_alg)place->alg,
                                            r->data, msg, msg_len, sig);
    if (rc == ROT_OK)
        *ret_len = rot_alg_signature_size((enum rot_alg)place->alg);
    return rc;
}

/* The point that verifies: given, of a key pair, or stored as an object's data. */
static rot_err
find_verifier(const struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
              size_t pub_len, uint8_t point[96], enum rot_alg *ret_alg)
{
    struct soft *s = soft_of(chip);
    const struct soft_record *r;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    if (place == NULL)
        return rot_spki_to_point(pub, pub_len, point, ret_alg);
    if (place->part == ROT_PART_KEY) {
        rc = find_pair(chip, place, &r);
        if (rc != ROT_OK)
            return rc;
        memcpy(point, point_of(r), rot_alg_point_size((enum rot_alg)r->alg));
        *ret_alg = (enum rot_alg)r->alg;
        return ROT_OK;
    }
    r = soft_store_find(&s->store, place->object, place->part);
    if (r == NULL)
        return ROT_E_EMPTY;
    return rot_spki_to_point(r->data, r->len, point, ret_alg);
}

rot_err
soft_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                   size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                   size_t sig_len)
{
    uint8_t point[96], raw[96];
    enum rot_alg alg = ROT_ALG_NONE;
    rot_err rc;

    NEED(chip, ec_verify);
    rc = find_verifier(chip, place, pub, pub_len, point, &alg);
    if (rc != ROT_OK)
        return rc;
    if (rot_alg_digest_size(alg) == 0)
        return ROT_E_UNSUPPORTED;
    if (rot_alg_digest_size(alg) != digest_len)
        return ROT_E_ARG;
    rc = rot_ecdsa_from_der(sig, sig_len, private_size(alg), raw);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.port->ops->ec_verify(chip->setup.port->self, alg, point, digest, digest_len,
                                            raw);
}

/* ---- Secrets at work ------------------------------------------------------------------- */

rot_err
soft_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
           size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
           size_t *ret_len)
{
    const struct soft_record *r;
    enum rot_alg alg = ROT_ALG_NONE;
    uint8_t point[96], shared[48];
    size_t len = private_size((enum rot_alg)place->alg);
    rot_err rc;

    (void)cap; /* the core has checked it */
    NEED(chip, ecdh);
    /* A shared X coordinate is no key yet: it goes where only derivations and MACs read it. */
    if (into != NULL && into->alg != ROT_ALG_HMAC_SHA256)
        return ROT_E_UNSUPPORTED;
    rc = find_pair(chip, place, &r);
    if (rc == ROT_OK)
        rc = rot_spki_to_point(peer, peer_len, point, &alg);
    if (rc == ROT_OK && alg != (enum rot_alg)place->alg)
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK)
        rc = chip->setup.port->ops->ecdh(chip->setup.port->self, alg, r->data, point, shared);
    if (rc != ROT_OK)
        goto out;
    if (into != NULL) {
        rc = put_secret(chip, into, shared, len);
    } else {
        memcpy(secret, shared, len);
        *ret_len = len;
    }
out:
    rot_wipe_memory(shared, sizeof(shared));
    return rc;
}

rot_err
soft_derive(struct rot_chip *chip, const struct rot_place *from,
            const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
            size_t cap, size_t *ret_len)
{
    struct rot_bytes secret;
    uint8_t derived[ROT_SECRET_MAX];
    rot_err rc;

    (void)cap; /* the core has checked it */
    NEED(chip, kdf);
    rc = find_secret(chip, from, &secret);
    if (rc == ROT_OK)
        rc = chip->setup.port->ops->kdf(chip->setup.port->self, secret, params, derived);
    if (rc != ROT_OK)
        goto out;
    if (into != NULL) {
        rc = put_secret(chip, into, derived, params->out_len);
    } else {
        memcpy(out, derived, params->out_len);
        *ret_len = params->out_len;
    }
out:
    rot_wipe_memory(derived, sizeof(derived));
    return rc;
}

rot_err
soft_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
         uint8_t *mac, size_t cap, size_t *ret_len)
{
    const struct rot_port *port = chip->setup.port;
    struct rot_bytes secret, m = {msg, msg_len};
    int hmac = place->alg == ROT_ALG_HMAC_SHA256;
    rot_err rc;

    (void)cap; /* the core has checked it */
    NEED(chip, hmac);
    NEED(chip, aes_cmac);
    rc = find_secret(chip, place, &secret);
    if (rc != ROT_OK)
        return rc;
    if (hmac)
        rc = port->ops->hmac(port->self, ROT_HASH_SHA256, secret, &m, 1, mac);
    else
        rc = port->ops->aes_cmac(port->self, secret, &m, 1, mac);
    if (rc == ROT_OK)
        *ret_len = hmac ? 32 : 16;
    return rc;
}

rot_err
soft_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
          struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
          size_t cap, size_t *ret_len)
{
    struct rot_bytes secret;
    rot_err rc;

    (void)cap; /* the core has checked it */
    NEED(chip, aead);
    rc = find_secret(chip, place, &secret);
    if (rc == ROT_OK)
        rc = chip->setup.port->ops->aead(chip->setup.port->self, alg, secret, nonce, aad, seal, in,
                                         out);
    if (rc == ROT_OK)
        *ret_len = seal ? in.len + SOFT_TAG_LEN : in.len - SOFT_TAG_LEN;
    return rc;
}
