/*
 * keys.c: EC key pairs and public keys.
 *
 * A key of a place without ROT_PLACE_REGENERATE is there for good: the part neither
 * overwrites nor deletes it.  Asked to make it again, the driver looks whether it is
 * one that was made inside and has just the rights it should have, and gives it: so a
 * recipe that was cut off between the key and its record goes on with it.
 *
 * Public keys that somebody shows are verified with by a transient object, which is
 * overwritten each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

static uint8_t
ecdsa_of(enum rot_alg alg)
{
    return alg == ROT_ALG_P256 ? SE05X_ECDSA_SHA256 : SE05X_ECDSA_SHA384;
}

/* ---- Points ------------------------------------------------------------------------- */

rot_err
se05x_keep_spki(struct rot_chip *chip, const uint8_t *spki, size_t len, enum rot_alg *ret_alg)
{
    uint8_t *point = se05x_kept(chip);

    point[0] = 0x04;
    return rot_spki_to_point(spki, len, point + 1, ret_alg);
}

/* The same for a key that must be of this algorithm. */
static rot_err
keep_spki_of(struct rot_chip *chip, struct rot_bytes spki, enum rot_alg alg)
{
    enum rot_alg got = ROT_ALG_NONE;
    rot_err rc = se05x_keep_spki(chip, spki.p, spki.len, &got);

    return rc == ROT_OK && got != alg ? ROT_E_FORMAT : rc;
}

rot_err
se05x_read_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg, const uint8_t **ret_point)
{
    struct rot_bytes b;
    rot_err rc;

    if (se05x_curve_of(alg) == 0)
        return ROT_E_UNSUPPORTED;
    se05x_begin_on(chip, SE05X_OP_READ, id);
    rc = se05x_run_value(chip, 1 + rot_alg_point_size(alg), &b);
    if (rc == ROT_OK && b.p[0] != 0x04)
        rc = ROT_E_FORMAT;
    *ret_point = b.p;
    return rc;
}

rot_err
se05x_keep_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg)
{
    const uint8_t *point;
    rot_err rc = se05x_read_point(chip, id, alg, &point);

    if (rc == ROT_OK)
        memcpy(se05x_kept(chip), point, 1 + rot_alg_point_size(alg));
    return rc;
}

/* A new object was refused, perhaps for half a curve: whether that is worth another try. */
static int
lacks_curve(struct rot_chip *chip, rot_err rc, uint8_t curve)
{
    return rc == ROT_E_STATE && chip->raw_status == SE05X_SW_NO_CURVE &&
           se05x_finish_curve(chip, curve) == ROT_OK;
}

static rot_err
send_point(struct rot_chip *chip, enum rot_alg alg)
{
    se05x_put(chip, SE05X_TAG_4, se05x_kept(chip), 1 + rot_alg_point_size(alg));
    return se05x_run_plain(chip);
}

static rot_err
create_point(struct rot_chip *chip, uint32_t op, uint32_t id, enum rot_alg alg, uint32_t rights)
{
    se05x_begin_new(chip, op, id, rights);
    se05x_put_number(chip, SE05X_TAG_2, se05x_curve_of(alg), 1);
    return send_point(chip, alg);
}

/* Over an object that is there all goes in one command, so never half of it. */
static rot_err
write_point(struct rot_chip *chip, uint32_t op, uint32_t id, enum rot_alg alg, uint32_t rights)
{
    uint8_t curve = se05x_curve_of(alg);
    int there = 0;
    rot_err rc = se05x_exists(chip, id, &there);

    if (rc == ROT_OK && there) {
        se05x_begin_on(chip, op, id);
        rc = send_point(chip, alg);
        if (rc == ROT_OK || rc == ROT_E_BUS)
            return rc;
        rc = se05x_delete(chip, id); /* one of another curve, perhaps */
    }
    if (rc == ROT_OK)
        rc = se05x_need_curve(chip, curve);
    if (rc != ROT_OK)
        return rc;
    rc = create_point(chip, op, id, alg, rights);
    return lacks_curve(chip, rc, curve) ? create_point(chip, op, id, alg, rights) : rc;
}

rot_err
se05x_write_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg, uint32_t rights)
{
    const uint8_t *back;
    rot_err rc = write_point(chip, SE05X_OP_WRITE_PUBLIC, id, alg, rights);

    if (rc == ROT_OK)
        rc = se05x_read_point(chip, id, alg, &back);
    if (rc != ROT_OK)
        return rc;
    return memcmp(se05x_kept(chip), back, 1 + rot_alg_point_size(alg)) == 0 ? ROT_OK
                                                                            : ROT_E_MISMATCH;
}

/* What the part refuses in a point that a caller brought is the point. */
static rot_err
blame_point(const struct rot_chip *chip, rot_err rc)
{
    uint32_t sw = chip->raw_status;
    int refused = sw == SE05X_SW_WRONG_DATA || sw == SE05X_SW_DATA || sw == SE05X_SW_CONDITIONS;

    return (rc == ROT_E_CHIP || rc == ROT_E_STATE) && refused ? ROT_E_FORMAT : rc;
}

/* ---- Pairs ---------------------------------------------------------------------------- */

static rot_err
send_generate(struct rot_chip *chip, const struct rot_place *place, uint8_t curve, int there)
{
    if (there) {
        se05x_begin_on(chip, SE05X_OP_WRITE_PAIR, place->where);
    } else {
        se05x_begin_new(chip, SE05X_OP_WRITE_PAIR, place->where, se05x_rights(chip, place, 0));
        se05x_put_number(chip, SE05X_TAG_2, curve, 1);
    }
    return se05x_run_plain(chip);
}

/*
 * What to do with a key that is there: keep it (*ret_keep), or another in its
 * place, or away with it because it was created with other rights (*there is 0).
 */
static rot_err
look_at_pair(struct rot_chip *chip, const struct rot_place *place, int *there, int *ret_keep)
{
    struct se05x_attributes a;
    int same, fixed = (place->flags & ROT_PLACE_REGENERATE) == 0;
    rot_err rc = se05x_attributes(chip, place->where, &a);

    if (rc != ROT_OK)
        return rc;
    same = se05x_has_rights(&a, se05x_rights(chip, place, 0));
    *ret_keep = fixed && same && a.origin == SE05X_ORIGIN_INTERNAL;
    if (fixed)
        return *ret_keep ? ROT_OK : ROT_E_STATE;
    if (same)
        return ROT_OK;
    rc = se05x_delete(chip, place->where);
    *there = rc != ROT_OK;
    return rc;
}

static rot_err
generate(struct rot_chip *chip, const struct rot_place *place, uint8_t curve)
{
    int there = 0, keep = 0;
    rot_err rc = se05x_need_curve(chip, curve);

    if (rc == ROT_OK)
        rc = se05x_exists(chip, place->where, &there);
    if (rc == ROT_OK && there)
        rc = look_at_pair(chip, place, &there, &keep);
    if (rc != ROT_OK || keep)
        return rc;
    rc = send_generate(chip, place, curve, there);
    return !there && lacks_curve(chip, rc, curve) ? send_generate(chip, place, curve, there) : rc;
}

rot_err
se05x_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                 size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    const uint8_t *point;
    rot_err rc = se05x_read_point(chip, place->where, alg, &point);

    return rc == ROT_OK ? rot_spki_from_point(alg, point + 1, pub, cap, ret_len) : rc;
}

rot_err
se05x_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                   uint8_t *pub, size_t cap, size_t *ret_len)
{
    uint8_t curve = se05x_curve_of(alg);
    rot_err rc;

    if (curve == 0)
        return ROT_E_UNSUPPORTED;
    rc = se05x_check_place(chip, place);
    if (rc == ROT_OK)
        rc = generate(chip, place, curve);
    return rc == ROT_OK ? se05x_key_public(chip, place, pub, cap, ret_len) : rc;
}

rot_err
se05x_key_delete(struct rot_chip *chip, const struct rot_place *place)
{
    /* What was created without the right to be deleted stays. */
    if (rot_alg_secret_size((enum rot_alg)place->alg) == 0 &&
        (place->flags & ROT_PLACE_REGENERATE) == 0)
        return ROT_E_UNSUPPORTED;
    return se05x_delete(chip, place->where);
}

/* ---- Signatures ----------------------------------------------------------------------------- */

rot_err
se05x_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                  size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    struct rot_bytes b;
    rot_err rc;

    if (se05x_curve_of(alg) == 0)
        return ROT_E_UNSUPPORTED;
    se05x_begin_on(chip, SE05X_OP_SIGN, place->where);
    se05x_put_number(chip, SE05X_TAG_2, ecdsa_of(alg), 1);
    se05x_put(chip, SE05X_TAG_3, digest, digest_len);
    rc = se05x_run_value(chip, 0, &b);
    /* There is one form of each signature: what can be read is it. */
    if (rc == ROT_OK)
        rc = rot_ecdsa_from_der(b.p, b.len, rot_alg_point_size(alg) / 2, se05x_kept(chip));
    if (rc == ROT_OK && b.len > cap)
        rc = ROT_E_SPACE;
    if (rc != ROT_OK)
        return rc;
    memcpy(sig, b.p, b.len);
    *ret_len = b.len;
    return ROT_OK;
}

/* The object to verify with; keys that are not ours may not allow it, so a copy does it. */
static rot_err
find_verifier(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
              uint32_t *ret_id)
{
    int there = 1;
    rot_err rc = ROT_OK;

    if (place != NULL && (place->flags & ROT_PLACE_READ_ONLY) == 0) {
        /* A public key whose seal was cut off may be in its second place only. */
        if (place->also != 0)
            rc = se05x_exists(chip, place->where, &there);
        *ret_id = there ? place->where : place->also;
        return rc;
    }
    if (place != NULL)
        rc = se05x_keep_point(chip, place->where, alg);
    if (rc != ROT_OK)
        return rc;
    *ret_id = SE05X_ID_VERIFIER;
    rc = write_point(chip, SE05X_OP_WRITE_PUBLIC | SE05X_TRANSIENT, SE05X_ID_VERIFIER, alg,
                     SE05X_ALLOW_VERIFY | SE05X_ALLOW_WRITE | SE05X_ALLOW_DELETE);
    return blame_point(chip, rc);
}

rot_err
se05x_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                    size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                    size_t sig_len)
{
    enum rot_alg alg = place != NULL ? (enum rot_alg)place->alg : ROT_ALG_NONE;
    uint32_t id = 0;
    int good = 0;
    rot_err rc = place == NULL ? se05x_keep_spki(chip, pub, pub_len, &alg) : ROT_OK;

    if (rc != ROT_OK)
        return rc;
    if (se05x_curve_of(alg) == 0)
        return ROT_E_UNSUPPORTED;
    if (digest_len != rot_alg_digest_size(alg))
        return ROT_E_ARG;
    /* Nothing stands at the front of the buffer yet. */
    rc = rot_ecdsa_from_der(sig, sig_len, rot_alg_point_size(alg) / 2, se05x_of(chip)->apdu);
    if (rc == ROT_OK)
        rc = find_verifier(chip, place, alg, &id);
    if (rc != ROT_OK)
        return rc;
    se05x_begin_on(chip, SE05X_OP_VERIFY, id);
    se05x_put_number(chip, SE05X_TAG_2, ecdsa_of(alg), 1);
    se05x_put(chip, SE05X_TAG_3, digest, digest_len);
    se05x_put(chip, SE05X_TAG_5, sig, sig_len);
    rc = se05x_run_question(chip, &good);
    return rc == ROT_OK && !good ? ROT_E_MISMATCH : rc;
}

/* ---- Agreement ------------------------------------------------------------------------------- */

/* The peer's point is kept; the secret is the X coordinate. */
static rot_err
agree_out(struct rot_chip *chip, const struct rot_place *place, size_t half, uint8_t *secret,
          size_t *ret_len)
{
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_AGREE, place->where);
    se05x_put(chip, SE05X_TAG_2, se05x_kept(chip), 1 + 2 * half);
    rc = se05x_run_secret(chip, secret, half);
    if (rc == ROT_OK)
        *ret_len = half;
    return rc;
}

/*
 * Newer applets name the target; in older ones the pre-master secret of TLS is what
 * stays inside: the same number (RFC 8422 5.10), in an HMAC key only.
 */
static rot_err
agree_into(struct rot_chip *chip, const struct rot_place *place, size_t half,
           const struct rot_place *into)
{
    const uint8_t *point = se05x_kept(chip);
    rot_err rc = se05x_make_target(chip, into, half);

    if (rc != ROT_OK)
        return rc;
    if (se05x_is_modern(chip)) {
        se05x_begin_on(chip, SE05X_OP_AGREE, place->where);
        se05x_put(chip, SE05X_TAG_2, point, 1 + 2 * half);
        se05x_put_number(chip, SE05X_TAG_7, into->where, 4);
    } else {
        se05x_begin(chip, SE05X_OP_PRE_MASTER);
        se05x_put_number(chip, SE05X_TAG_2, place->where, 4);
        se05x_put_number(chip, SE05X_TAG_3, into->where, 4);
        se05x_put(chip, SE05X_TAG_4, point, 1 + 2 * half);
        se05x_of(chip)->about = place->where;
    }
    return se05x_keep_target(chip, into, se05x_run_plain(chip));
}

static int
fits_target(const struct rot_chip *chip, const struct rot_place *into, size_t half)
{
    if (into->alg == ROT_ALG_HMAC_SHA256)
        return 1;
    return se05x_is_modern(chip) && rot_alg_secret_size((enum rot_alg)into->alg) == half;
}

rot_err
se05x_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
            size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
            size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    size_t half = rot_alg_point_size(alg) / 2;
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (se05x_curve_of(alg) == 0)
        return ROT_E_UNSUPPORTED;
    rc = keep_spki_of(chip, (struct rot_bytes){peer, peer_len}, alg);
    if (rc != ROT_OK)
        return rc;
    if (into != NULL && !fits_target(chip, into, half))
        return ROT_E_UNSUPPORTED;
    rc = into != NULL ? agree_into(chip, place, half, into)
                      : agree_out(chip, place, half, secret, ret_len);
    return blame_point(chip, rc);
}
