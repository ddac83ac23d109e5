/*
 * keys.c: key pairs on P-256, made inside, and verifying.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define SIGNATURE 64u /* r, s */
#define HALF      32u

rot_err
ta100_point_of(struct rot_bytes spki, uint8_t point[TA100_POINT])
{
    enum rot_alg alg = ROT_ALG_NONE;
    uint8_t found[96];
    rot_err rc = rot_spki_to_point(spki.p, spki.len, found, &alg);

    if (rc != ROT_OK || alg != ROT_ALG_P256)
        return ROT_E_FORMAT;
    memcpy(point, found, TA100_POINT);
    return ROT_OK;
}

rot_err
ta100_point(struct rot_chip *chip, uint32_t handle, uint8_t point[TA100_POINT])
{
    ta100_begin(chip, TA100_GENKEY, TA100_GENKEY_PUBLIC, handle);
    return ta100_run_into(chip, point, TA100_POINT);
}

/* Attributes are looked at first: a pair must not be made in an element that gives it away. */
rot_err
ta100_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                   uint8_t *pub, size_t cap, size_t *ret_len)
{
    uint8_t point[TA100_POINT];
    rot_err rc;

    if (alg != ROT_ALG_P256)
        return ROT_E_UNSUPPORTED;
    rc = ta100_ensure(chip, place, place->where);
    if (rc != ROT_OK)
        return rc;
    ta100_see(chip, place, place->where, 0, TA100_SEEN_CONTENT);
    ta100_begin(chip, TA100_GENKEY, TA100_GENKEY_MAKE, place->where);
    rc = ta100_run_into(chip, point, sizeof(point));
    if (rc == ROT_OK)
        ta100_see(chip, place, place->where, TA100_SEEN_FILLED, 0);
    return rc == ROT_OK ? rot_spki_from_point(alg, point, pub, cap, ret_len) : rc;
}

rot_err
ta100_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                 size_t *ret_len)
{
    uint8_t point[TA100_POINT];
    rot_err rc = ta100_point(chip, place->where, point);

    return rc == ROT_OK ? rot_spki_from_point(ROT_ALG_P256, point, pub, cap, ret_len) : rc;
}

rot_err
ta100_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                  size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    uint8_t raw[SIGNATURE];
    rot_err rc;

    ta100_begin(chip, TA100_SIGN, TA100_SIGN_DIGEST, place->where);
    ta100_put(chip, digest, digest_len);
    rc = ta100_run_into(chip, raw, sizeof(raw));
    return rc == ROT_OK ? rot_ecdsa_to_der(raw, HALF, sig, cap, ret_len) : rc;
}

/* ---- Verifying ---------------------------------------------------------------------------- */

/* The key that is given, or that of a pair; none when the part has it as a public key. */
static rot_err
find_point(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes pub,
           uint8_t point[TA100_POINT], int *ret_is_stored)
{
    *ret_is_stored = place != NULL && place->part != ROT_PART_KEY;
    if (*ret_is_stored)
        return ROT_OK;
    return place == NULL ? ta100_point_of(pub, point) : ta100_point(chip, place->where, point);
}

rot_err
ta100_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                    size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                    size_t sig_len)
{
    uint8_t raw[SIGNATURE], point[TA100_POINT], right = 0;
    int is_stored = 0;
    rot_err rc;

    if (digest_len != TA100_DIGEST)
        return ROT_E_ARG;
    rc = rot_ecdsa_from_der(sig, sig_len, HALF, raw);
    if (rc == ROT_OK)
        rc = find_point(chip, place, (struct rot_bytes){pub, pub_len}, point, &is_stored);
    if (rc != ROT_OK)
        return rc;
    ta100_begin(chip, TA100_VERIFY, is_stored ? TA100_VERIFY_STORED : TA100_VERIFY_GIVEN,
                is_stored ? place->where : 0);
    ta100_put(chip, digest, digest_len);
    ta100_put(chip, raw, sizeof(raw));
    if (!is_stored)
        ta100_put(chip, point, sizeof(point));
    rc = ta100_run_into(chip, &right, 1);
    if (rc != ROT_OK)
        return rc;
    if (right > 1)
        return ROT_E_FORMAT;
    return right == 1 ? ROT_OK : ROT_E_MISMATCH;
}
