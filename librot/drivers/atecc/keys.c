/*
 * keys.c: P-256 keys in slots.
 *
 * Slots with ReqRandom want Random in the same session before GenKey and Sign.
 * Digests travel in the Message Digest Buffer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define SPKI_SIZE 91u

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

rot_err
atecc_point(struct rot_chip *chip, unsigned slot, uint8_t point[64])
{
    struct atecc_command c = {.op = ATECC_OP_GENKEY, .p2 = (uint16_t)slot};
    rot_err rc = check_made(chip, slot);

    return rc == ROT_OK ? atecc_run(chip, &c, point, 64) : rc;
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
    rc = stir(chip);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, point, sizeof(point));
    if (rc != ROT_OK)
        return rc;
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
    rc = check_made(chip, place->where);
    if (rc == ROT_OK)
        rc = stir(chip);
    if (rc == ROT_OK)
        rc = load_digest(chip, digest);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, raw, sizeof(raw));
    return rc == ROT_OK ? rot_ecdsa_to_der(raw, 32, sig, cap, ret_len) : rc;
}

/* The signature comes first in data, then the key if it is not one of the part's. */
static rot_err
take_key(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub, size_t pub_len,
         struct atecc_command *c, uint8_t data[64 + 96])
{
    enum rot_alg alg = ROT_ALG_P256;
    rot_err rc;

    if (place != NULL && place->part == ROT_PART_DATA) {
        *c = (struct atecc_command){ATECC_OP_VERIFY, 0x20, (uint16_t)place->where, data, 64};
        return ROT_OK;
    }
    *c = (struct atecc_command){ATECC_OP_VERIFY, 0x22, 0x0004, data, 128};
    if (place != NULL)
        return atecc_point(chip, place->where, data + 64);
    rc = rot_spki_to_point(pub, pub_len, data + 64, &alg);
    if (rc == ROT_OK && alg != ROT_ALG_P256)
        return ROT_E_UNSUPPORTED;
    return rc;
}

rot_err
atecc_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                    size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                    size_t sig_len)
{
    struct atecc_command c;
    uint8_t data[64 + 96];
    rot_err rc;

    if (digest_len != 32)
        return ROT_E_ARG;
    rc = take_key(chip, place, pub, pub_len, &c, data);
    if (rc == ROT_OK)
        rc = rot_ecdsa_from_der(sig, sig_len, 32, data);
    if (rc == ROT_OK)
        rc = load_digest(chip, digest);
    return rc == ROT_OK ? atecc_run(chip, &c, NULL, 0) : rc;
}

rot_err
atecc_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
            size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
            size_t *ret_len)
{
    uint8_t point[96];
    struct atecc_command c = {ATECC_OP_ECDH, 0x0c, (uint16_t)place->where, point, 64};
    enum rot_alg alg = ROT_ALG_NONE;
    rot_err rc;

    if (into != NULL)
        return ROT_E_UNSUPPORTED;
    if (cap < 32) {
        *ret_len = 32;
        return ROT_E_SPACE;
    }
    rc = rot_spki_to_point(peer, peer_len, point, &alg);
    if (rc != ROT_OK || alg != ROT_ALG_P256)
        return ROT_E_FORMAT;
    rc = check_made(chip, place->where);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, secret, 32);
    /* The key is there and may agree: what the part refuses is the point. */
    if (rc == ROT_E_CHIP)
        return ROT_E_FORMAT;
    if (rc == ROT_OK)
        *ret_len = 32;
    return rc;
}
