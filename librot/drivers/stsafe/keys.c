/*
 * keys.c: key pairs in the part's private key slots, P-256 and P-384.
 *
 * The part tells a public key once, when it makes the pair.  It is kept in a zone
 * (`also` of the key's place), as a point: taken back before the slot changes and
 * put back after, so that a cut leaves no key of an older pair behind.  A slot
 * that the vendor filled (read only) has its public key in the vendor's
 * certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define SUBJECT_PRIVATE_KEY 0x13u
#define USES_UNLIMITED      0xffffu

static int
is_known_curve(enum rot_alg alg)
{
    return alg == ROT_ALG_P256 || alg == ROT_ALG_P384;
}

int
stsafe_has_slot(const struct rot_chip *chip, const struct rot_place *place)
{
    int is_a120 = stsafe_of(chip)->model == STSAFE_A120;

    if ((place->where & STSAFE_SYMMETRIC) != 0)
        return is_a120 && stsafe_may(chip, STSAFE_WRITE_SYMMETRIC) == ROT_OK;
    if (rot_alg_secret_size((enum rot_alg)place->alg) != 0)
        return stsafe_has_envelopes(chip);
    return place->where < (is_a120 ? STSAFE_U_A120_SLOTS : 2u);
}

rot_err
stsafe_point(struct rot_chip *chip, const struct rot_place *key, uint8_t *point)
{
    if (!stsafe_has_slot(chip, key) || !is_known_curve((enum rot_alg)key->alg))
        return ROT_E_UNSUPPORTED;
    if ((key->flags & ROT_PLACE_READ_ONLY) != 0)
        return stsafe_leaf_point(chip, key->also >> 16, (enum rot_alg)key->alg, point);
    return stsafe_point_find(chip, key, point);
}

static rot_err
generate_pair(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
              uint8_t *point)
{
    struct stsafe_reader r;
    rot_err rc;

    stsafe_begin(chip, STSAFE_GENERATE_KEY);
    stsafe_put_u8(chip, SUBJECT_PRIVATE_KEY);
    stsafe_put_u8(chip, place->where);
    stsafe_put_u16(chip, USES_UNLIMITED);
    stsafe_put_u16(chip, STSAFE_U_KEY_FLAGS);
    stsafe_put_curve(chip, alg);
    rc = stsafe_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    stsafe_get_point(&r, alg, point);
    return stsafe_get_end(&r);
}

rot_err
stsafe_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                    uint8_t *pub, size_t cap, size_t *ret_len)
{
    uint8_t point[STSAFE_POINT];
    rot_err rc;

    if (!stsafe_has_slot(chip, place) || (place->where & STSAFE_SYMMETRIC) != 0)
        return ROT_E_UNSUPPORTED;
    if (rot_alg_secret_size(alg) != 0) {
        *ret_len = 0;
        return stsafe_secret_generate(chip, place);
    }
    if (!is_known_curve(alg) || place->also == 0)
        return ROT_E_UNSUPPORTED;
    rc = stsafe_point_forget(chip, place);
    if (rc == ROT_OK)
        rc = generate_pair(chip, place, alg, point);
    if (rc == ROT_OK)
        rc = stsafe_point_keep(chip, place, point);
    return rc == ROT_OK ? rot_spki_from_point(alg, point, pub, cap, ret_len) : rc;
}

rot_err
stsafe_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                  size_t *ret_len)
{
    uint8_t point[STSAFE_POINT];
    rot_err rc = stsafe_point(chip, place, point);

    return rc == ROT_OK ? rot_spki_from_point((enum rot_alg)place->alg, point, pub, cap, ret_len)
                        : rc;
}

rot_err
stsafe_sign_raw(struct rot_chip *chip, unsigned slot, enum rot_alg alg, const uint8_t *digest,
                uint8_t *raw)
{
    struct stsafe_reader r;
    rot_err rc;

    stsafe_begin(chip, STSAFE_SIGN);
    stsafe_put_u8(chip, slot);
    /* An A110 reads the length as the name of the hash; the bytes are the same (3.1). */
    stsafe_put_sized(chip, digest, rot_alg_digest_size(alg));
    rc = stsafe_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    stsafe_get_pair(&r, rot_alg_point_size(alg) / 2, raw);
    return stsafe_get_end(&r);
}

rot_err
stsafe_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                   size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    uint8_t raw[STSAFE_POINT];
    rot_err rc;

    if (!stsafe_has_slot(chip, place) || !is_known_curve(alg))
        return ROT_E_UNSUPPORTED;
    if (digest_len != rot_alg_digest_size(alg))
        return ROT_E_ARG;
    rc = stsafe_sign_raw(chip, place->where, alg, digest, raw);
    return rc == ROT_OK ? rot_ecdsa_to_der(raw, rot_alg_point_size(alg) / 2, sig, cap, ret_len)
                        : rc;
}

/* ---- Verify --------------------------------------------------------------------------- */

/* The key that verifies: one of ours, one that is stored, or one that was brought. */
static rot_err
take_key(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub, size_t pub_len,
         uint8_t *point, enum rot_alg *ret_alg)
{
    uint8_t stored[120];
    rot_err rc;

    if (place != NULL && place->part == ROT_PART_KEY) {
        *ret_alg = (enum rot_alg)place->alg;
        return stsafe_point(chip, place, point);
    }
    if (place != NULL) {
        rc = stsafe_object_read(chip, place, 0, stored, sizeof(stored), &pub_len);
        if (rc != ROT_OK)
            return rc;
        pub = stored;
    }
    rc = rot_spki_to_point(pub, pub_len, point, ret_alg);
    if (rc == ROT_OK && !is_known_curve(*ret_alg))
        return ROT_E_UNSUPPORTED;
    return rc;
}

static rot_err
verify(struct rot_chip *chip, enum rot_alg alg, const uint8_t *point, const uint8_t *digest,
       const uint8_t *raw)
{
    size_t half = rot_alg_point_size(alg) / 2;
    struct stsafe_reader r;
    unsigned verdict;
    rot_err rc;

    stsafe_begin(chip, STSAFE_VERIFY);
    stsafe_put_u8(chip, 0); /* a key that comes with the command */
    stsafe_put_curve(chip, alg);
    stsafe_put_point(chip, alg, point);
    stsafe_put_sized(chip, raw, half);
    stsafe_put_sized(chip, raw + half, half);
    stsafe_put_sized(chip, digest, rot_alg_digest_size(alg));
    rc = stsafe_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    verdict = stsafe_get_int(&r, 1);
    if (stsafe_get_end(&r) != ROT_OK || verdict > 1)
        return ROT_E_FORMAT;
    return verdict == 1 ? ROT_OK : ROT_E_MISMATCH;
}

rot_err
stsafe_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                     size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                     size_t sig_len)
{
    uint8_t point[STSAFE_POINT], raw[STSAFE_POINT];
    enum rot_alg alg = ROT_ALG_NONE;
    rot_err rc = take_key(chip, place, pub, pub_len, point, &alg);

    if (rc != ROT_OK)
        return rc;
    if (digest_len != rot_alg_digest_size(alg))
        return ROT_E_ARG;
    rc = rot_ecdsa_from_der(sig, sig_len, rot_alg_point_size(alg) / 2, raw);
    return rc == ROT_OK ? verify(chip, alg, point, digest, raw) : rc;
}

/* ---- Agree ----------------------------------------------------------------------------- */

/* Section 3.1: the secret comes back in the answer, whatever the slot. */
static rot_err
establish(struct rot_chip *chip, const struct rot_place *place, const uint8_t *point,
          uint8_t *secret)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    size_t half = rot_alg_point_size(alg) / 2;
    struct stsafe_state *s = stsafe_of(chip);
    struct stsafe_reader r;
    struct rot_bytes b;
    rot_err rc;

    stsafe_begin(chip, STSAFE_ESTABLISH);
    stsafe_put_u8(chip, place->where);
    stsafe_put_point(chip, alg, point);
    rc = stsafe_run(chip, &r);
    if (rc == ROT_E_CHIP)
        return ROT_E_FORMAT; /* the key is there and may agree: what the part refuses is the point */
    if (rc != ROT_OK)
        return rc;
    b = stsafe_get(&r, stsafe_get_int(&r, 2));
    rc = b.len == half ? stsafe_get_end(&r) : ROT_E_FORMAT;
    if (rc == ROT_OK)
        memcpy(secret, b.p, half);
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return rc;
}

rot_err
stsafe_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
             size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
             size_t *ret_len)
{
    uint8_t point[STSAFE_POINT], agreed[STSAFE_POINT / 2];
    enum rot_alg alg = ROT_ALG_NONE;
    size_t half = rot_alg_point_size((enum rot_alg)place->alg) / 2;
    rot_err rc;

    if (!stsafe_has_slot(chip, place) || !is_known_curve((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    rc = rot_spki_to_point(peer, peer_len, point, &alg);
    if (rc != ROT_OK || alg != (enum rot_alg)place->alg)
        return ROT_E_FORMAT;
    if (into != NULL && !stsafe_has_slot(chip, into))
        return ROT_E_UNSUPPORTED;
    rc = establish(chip, place, point, agreed);
    if (rc == ROT_OK && into != NULL)
        rc = stsafe_secret_keep(chip, into, agreed, half);
    if (rc == ROT_OK && into == NULL && cap < half)
        rc = ROT_E_SPACE;
    if (rc == ROT_OK && into == NULL) {
        memcpy(secret, agreed, half);
        *ret_len = half;
    }
    rot_wipe_memory(agreed, sizeof(agreed));
    return rc;
}
