/*
 * keys.c: P-256 keys in slots.
 *
 * Slots with ReqRandom want Random in the same session before GenKey and Sign.
 * Digests travel in the Message Digest Buffer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define SPKI_SIZE       91u
#define EXECUTION_ERROR 0x0fu
#define LIMITED_USE     0x0020u /* in SlotConfig */

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

static rot_err
stir(struct rot_chip *chip)
{
    struct atecc_command c = {.op = ATECC_OP_RANDOM};
    uint8_t rx[32];

    return atecc_run(chip, &c, rx, sizeof(rx));
}

static rot_err
load_digest(struct rot_chip *chip, const uint8_t *digest)
{
    struct atecc_command c = {.op = ATECC_OP_NONCE, .p1 = 0x43, .data = digest, .data_len = 32};

    return atecc_run(chip, &c, NULL, 0);
}

static rot_err
check_made(struct rot_chip *chip, unsigned slot)
{
    struct atecc_command c = {.op = ATECC_OP_INFO, .p1 = 0x01, .p2 = (uint16_t)slot};
    uint8_t rx[4], config[ATECC_CONFIG_SIZE];
    rot_err rc = atecc_read_config(chip, config);

    if (rc == ROT_OK && !atecc_is_config_locked(config))
        return ROT_E_EMPTY;
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, rx, sizeof(rx));
    if (rc != ROT_OK)
        return rc;
    return rx[0] == 1 ? ROT_OK : ROT_E_EMPTY;
}

/* Why a command with a key failed: ROT_E_EMPTY when there is none, or else rc. */
static rot_err
blame_key(struct rot_chip *chip, unsigned slot, rot_err rc)
{
    uint32_t status = chip->raw_status;

    if (rc != ROT_E_CHIP)
        return rc;
    if (check_made(chip, slot) == ROT_E_EMPTY)
        rc = ROT_E_EMPTY;
    chip->raw_status = status;
    return rc;
}

static void
remember_point(struct rot_chip *chip, unsigned slot, const uint8_t point[64])
{
    struct atecc_state *s = state_of(chip);

    memcpy(s->point, point, sizeof(s->point));
    s->point_slot = (uint8_t)slot;
    s->has_point = 1;
}

rot_err
atecc_point(struct rot_chip *chip, unsigned slot, uint8_t point[64])
{
    struct atecc_command c = {.op = ATECC_OP_GENKEY, .p2 = (uint16_t)slot};
    rot_err rc = atecc_run(chip, &c, point, 64);

    if (rc == ROT_OK)
        remember_point(chip, slot, point);
    return blame_key(chip, slot, rc);
}

rot_err
atecc_known_point(struct rot_chip *chip, unsigned slot, uint8_t point[64])
{
    const struct atecc_state *s = state_of(chip);

    if (!s->has_point || s->point_slot != slot)
        return atecc_point(chip, slot, point);
    memcpy(point, s->point, sizeof(s->point));
    return ROT_OK;
}

rot_err
atecc_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                   uint8_t *pub, size_t cap, size_t *ret_len)
{
    struct atecc_command c = {.op = ATECC_OP_GENKEY, .p1 = 0x04, .p2 = (uint16_t)place->where};
    uint8_t config[ATECC_CONFIG_SIZE], point[64];
    rot_err rc;

    if (alg != ROT_ALG_P256)
        return ROT_E_UNSUPPORTED;
    if (cap < SPKI_SIZE) {
        *ret_len = SPKI_SIZE;
        return ROT_E_SPACE;
    }
    rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    if (!atecc_is_config_locked(config) || atecc_is_slot_locked(config, place->where) ||
        (atecc_is_data_locked(config) && (place->flags & ROT_PLACE_REGENERATE) == 0))
        return ROT_E_STATE;
    state_of(chip)->has_point = 0;
    rc = stir(chip);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, point, sizeof(point));
    if (rc != ROT_OK)
        return rc;
    remember_point(chip, place->where, point);
    return rot_spki_from_point(ROT_ALG_P256, point, pub, cap, ret_len);
}

rot_err
atecc_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                 size_t *ret_len)
{
    uint8_t point[64];
    rot_err rc = atecc_point(chip, place->where, point);

    return rc == ROT_OK ? rot_spki_from_point(ROT_ALG_P256, point, pub, cap, ret_len) : rc;
}

rot_err
atecc_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                  size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    struct atecc_command c = {.op = ATECC_OP_SIGN, .p1 = 0xa0, .p2 = (uint16_t)place->where};
    uint8_t raw[64];
    rot_err rc;

    if (digest_len != 32)
        return ROT_E_ARG;
    rc = stir(chip);
    if (rc == ROT_OK)
        rc = load_digest(chip, digest);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, raw, sizeof(raw));
    rc = blame_key(chip, place->where, rc);
    /* Everything else is right: the uses of the key are at their limit. */
    if (rc == ROT_E_CHIP && chip->raw_status == EXECUTION_ERROR &&
        (atecc_slot_config(chip->setup.layout, place->where) & LIMITED_USE) != 0)
        return ROT_E_STATE;
    return rc == ROT_OK ? rot_ecdsa_to_der(raw, 32, sig, cap, ret_len) : rc;
}

/* ---- Verify ------------------------------------------------------------------------- */

struct verify {
    uint8_t p1;
    uint16_t p2;
    uint8_t data[64 + 96]; /* the signature, then the key if it is not one of the part's */
    size_t len;
};

static rot_err
take_key(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub, size_t pub_len,
         struct verify *v)
{
    enum rot_alg alg = ROT_ALG_P256;
    rot_err rc;

    if (place != NULL && place->part == ROT_PART_DATA) {
        v->p1 = 0x20;
        v->p2 = (uint16_t)place->where;
        v->len = 64;
        return ROT_OK;
    }
    v->p1 = 0x22;
    v->p2 = 0x0004;
    v->len = 128;
    if (place != NULL)
        return atecc_point(chip, place->where, v->data + 64);
    rc = rot_spki_to_point(pub, pub_len, v->data + 64, &alg);
    if (rc == ROT_OK && alg != ROT_ALG_P256)
        return ROT_E_UNSUPPORTED;
    return rc;
}

static rot_err
verify_plain(struct rot_chip *chip, const struct verify *v, const uint8_t *digest)
{
    struct atecc_command c = {ATECC_OP_VERIFY, v->p1, v->p2, v->data, v->len};
    rot_err rc = load_digest(chip, digest);

    return rc == ROT_OK ? atecc_run(chip, &c, NULL, 0) : rc;
}

/* With the IO protection key: the verdict has a MAC, over a nonce of ours too. */
static rot_err
verify_with_mac(struct rot_chip *chip, const struct verify *v, const uint8_t *digest)
{
    const struct rot_port *port = chip->setup.port;
    const struct atecc_mac_input in = {ATECC_OP_VERIFY, v->p1 | 0x80u, v->p2, NULL};
    uint8_t message[64], got[32], want[32];
    struct atecc_command load = {.op = ATECC_OP_NONCE, .p1 = 0x63, .data = message, .data_len = 64};
    struct atecc_command c = {ATECC_OP_VERIFY, v->p1 | 0x80u, v->p2, v->data, v->len};
    rot_err rc =
        port->ops->random == NULL ? ROT_E_PORT : port->ops->random(port->self, message + 32, 32);

    memcpy(message, digest, 32);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &load, NULL, 0);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, got, sizeof(got));
    if (rc == ROT_OK)
        rc = atecc_verify_mac(port, &in, state_of(chip)->io_key, digest, message + 32, v->data,
                              want);
    return rc == ROT_OK && !rot_equal(got, want, 32) ? ROT_E_BUS : rc;
}

/*
 * SecureBoot, FullCopy: verified with the part's boot key, and the digest kept for the
 * boot loader's own comparison.  With the IO protection key the digest goes there
 * encrypted and the verdict has a MAC.
 */
static rot_err
verify_boot(struct rot_chip *chip, const struct verify *v, const uint8_t *digest)
{
    const struct rot_port *port = chip->setup.port;
    const struct atecc_state *s = state_of(chip);
    const struct atecc_mac_input in = {ATECC_OP_SECUREBOOT, 0x87, 0, NULL};
    uint8_t data[32 + 64], tempkey[32], hashed[32], got[32], want[32];
    struct atecc_command c = {ATECC_OP_SECUREBOOT, 0x07, 0, data, sizeof(data)};
    rot_err rc;

    memcpy(data, digest, 32);
    memcpy(data + 32, v->data, 64);
    if (!s->has_io)
        return atecc_run(chip, &c, NULL, 0);
    c.p1 = 0x87;
    rc = atecc_nonce(chip, tempkey);
    if (rc == ROT_OK)
        rc = atecc_boot_key(port, s->io_key, tempkey, hashed);
    for (unsigned i = 0; i < 32 && rc == ROT_OK; i++)
        data[i] ^= hashed[i];
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, got, sizeof(got));
    if (rc == ROT_OK)
        rc = atecc_boot_mac(port, &in, hashed, digest, v->data, want);
    rot_wipe_memory(hashed, sizeof(hashed));
    return rc == ROT_OK && !rot_equal(got, want, 32) ? ROT_E_BUS : rc;
}

static rot_err
use_secure_boot(struct rot_chip *chip, const struct rot_place *place, int *ret_use)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc;

    *ret_use = 0;
    if (place == NULL || place->part != ROT_PART_DATA ||
        !atecc_is_boot_key(chip->setup.layout, place->where))
        return ROT_OK;
    rc = atecc_read_config(chip, config);
    *ret_use = rc == ROT_OK && (!ATECC_U_SECUREBOOT_NEEDS_DATA || atecc_is_data_locked(config));
    return rc;
}

rot_err
atecc_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                    size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                    size_t sig_len)
{
    struct verify v;
    int boots = 0;
    rot_err rc;

    if (digest_len != 32)
        return ROT_E_ARG;
    rc = take_key(chip, place, pub, pub_len, &v);
    if (rc == ROT_OK)
        rc = rot_ecdsa_from_der(sig, sig_len, 32, v.data);
    if (rc == ROT_OK)
        rc = use_secure_boot(chip, place, &boots);
    if (rc != ROT_OK)
        return rc;
    if (boots)
        return verify_boot(chip, &v, digest);
    return state_of(chip)->has_io ? verify_with_mac(chip, &v, digest)
                                  : verify_plain(chip, &v, digest);
}

/* ---- Agree ----------------------------------------------------------------------------- */

/* The secret leaves the part, masked where both have the IO protection key. */
static rot_err
agree_out(struct rot_chip *chip, unsigned slot, const uint8_t point[64], uint8_t secret[32])
{
    const struct atecc_state *s = state_of(chip);
    struct atecc_command c = {ATECC_OP_ECDH, 0x0c, (uint16_t)slot, point, 64};
    uint8_t masked[64];
    rot_err rc;

    if (!s->has_io)
        return atecc_run(chip, &c, secret, 32);
    c.p1 = 0x0e;
    rc = atecc_run(chip, &c, masked, sizeof(masked));
    if (rc == ROT_OK)
        rc = atecc_unmask(chip->setup.port, s->io_key, masked + 32, masked, 32);
    if (rc == ROT_OK)
        memcpy(secret, masked, 32);
    rot_wipe_memory(masked, sizeof(masked));
    return rc;
}

rot_err
atecc_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
            size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
            size_t *ret_len)
{
    uint8_t point[96];
    enum rot_alg alg = ROT_ALG_NONE;
    rot_err rc;

    if (into == NULL && cap < 32) {
        *ret_len = 32;
        return ROT_E_SPACE;
    }
    rc = rot_spki_to_point(peer, peer_len, point, &alg);
    if (rc != ROT_OK || alg != ROT_ALG_P256)
        return ROT_E_FORMAT;
    if (into != NULL && into->where != ATECC_TEMPKEY)
        return ROT_E_UNSUPPORTED; /* a raw secret goes to no other place */
    rc = into != NULL ? atecc_agree_inside(chip, place->where, point)
                      : agree_out(chip, place->where, point, secret);
    rc = blame_key(chip, place->where, rc);
    /* The key is there and may agree: what the part refuses is the point. */
    if (rc == ROT_E_CHIP)
        return ROT_E_FORMAT;
    if (rc == ROT_OK && into == NULL)
        *ret_len = 32;
    return rc;
}
