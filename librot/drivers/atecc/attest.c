/*
 * attest.c: the part's own word for a key.
 *
 * The attestation key signs nothing that the host gives it: only what the part has
 * put together itself (Sign, internal).  A random Nonce takes the verifier's nonce
 * in, GenKey hashes the public key of the slot to it, and Sign puts the slot's
 * configuration and the serial number beside that.
 *
 * Evidence, 354 bytes, all that is needed to make that message again:
 *
 *   slot of the key | slot of the attestation key | RandOut of the Nonce (32) |
 *   configuration (128) | X, Y of the attestation key (64) | X, Y of the key (64) |
 *   R, S (64)
 *
 * NumIn was the first 20 bytes of the verifier's nonce; Nonce mode 0, GenKey mode 8,
 * Sign mode 0x40.  Whose the attestation key is, the maker's manifest says, or
 * whoever made the part's configuration and saw the key made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define EVIDENCE_LEN (2u + 32u + ATECC_CONFIG_SIZE + 3u * 64u)
#define NUM_IN       20u

/* TempKey: of the nonce, then of the slot's public key. */
static rot_err
load(struct rot_chip *chip, unsigned slot, const uint8_t *nonce, uint8_t random[32],
     uint8_t point[64])
{
    struct atecc_command stir = {.op = ATECC_OP_NONCE, .data = nonce, .data_len = NUM_IN};
    struct atecc_command hash = {.op = ATECC_OP_GENKEY, .p1 = 0x08, .p2 = (uint16_t)slot};
    rot_err rc = atecc_run(chip, &stir, random, 32);

    return rc == ROT_OK ? atecc_run(chip, &hash, point, 64) : rc;
}

/* As it is now: counters move, and a lock may have been taken. */
static rot_err
read_all(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    atecc_forget_config(chip, ATECC_BLOCKS);
    return atecc_read_config(chip, config);
}

rot_err
atecc_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
             struct rot_evidence *evidence)
{
    const struct rot_place *by = rot_layout_find(chip->setup.layout, ROT_ATTEST(0), ROT_PART_KEY);
    struct atecc_command sign = {.op = ATECC_OP_SIGN, .p1 = 0x40};
    uint8_t *p = evidence->buf, point[64];
    rot_err rc;

    if (by == NULL)
        return ROT_E_UNSUPPORTED;
    evidence->len = EVIDENCE_LEN;
    if (evidence->cap < EVIDENCE_LEN)
        return ROT_E_SPACE;
    rc = atecc_point(chip, place->where, point); /* ROT_E_EMPTY when there is no key */
    if (rc == ROT_OK)
        rc = read_all(chip, p + 34);
    if (rc == ROT_OK)
        rc = atecc_point(chip, by->where, p + 34 + ATECC_CONFIG_SIZE);
    if (rc == ROT_OK)
        rc = load(chip, place->where, nonce, p + 2, p + 34 + ATECC_CONFIG_SIZE + 64);
    if (rc != ROT_OK)
        return rc;
    p[0] = (uint8_t)place->where;
    p[1] = (uint8_t)by->where;
    sign.p2 = (uint16_t)by->where;
    rc = atecc_run(chip, &sign, p + 34 + ATECC_CONFIG_SIZE + 128, 64);
    if (rc == ROT_OK)
        evidence->format = ROT_EVIDENCE_ATECC_INTERNAL;
    return rc;
}
