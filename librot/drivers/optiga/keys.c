/*
 * keys.c: key pairs.
 *
 * A part tells a public key once, when it makes the pair, and never again: it is
 * kept as a SubjectPublicKeyInfo in the small object that the place names in
 * `also`.  That object is emptied before the key changes and filled afterwards,
 * so that after a cut in between there is no public key rather than a wrong one;
 * a part that refuses keeps its key, and gets the public key back.  The vendor's
 * is taken out of its certificate.
 *
 * The part speaks of signatures as two DER INTEGERs without a SEQUENCE around
 * them, and of public keys as DER BIT STRINGs, which is what a
 * SubjectPublicKeyInfo ends with (SRM, encodings).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define TAG_DIGEST    0x01u
#define TAG_SIGNATURE 0x02u
#define TAG_KEY       0x03u
#define TAG_ALG       0x05u
#define TAG_PUBLIC    0x06u

/* Of GenKeyPair. */
#define TAG_MADE_IN  0x01u
#define TAG_USAGE    0x02u
#define TAG_MADE_KEY 0x02u

/* Of SetObjectProtected. */
#define TAG_MANIFEST 0x30u
#define TAG_FINAL    0x31u

#define MANIFEST_FORMAT 0x01u
#define SPKI_MAX        120u
#define SPKI_P256       91u
#define BITS_P256       68u /* BIT STRING with tag, length, unused bits and 04 */
#define BITS_P384       100u

unsigned
optiga_curve(enum rot_alg alg)
{
    if (alg == ROT_ALG_P256)
        return 0x03;
    return alg == ROT_ALG_P384 ? 0x04 : 0;
}

rot_err
optiga_bit_string(struct rot_bytes spki, enum rot_alg *ret_alg, struct rot_bytes *ret_bit_string)
{
    uint8_t point[96];
    size_t n;
    rot_err rc = rot_spki_to_point(spki.p, spki.len, point, ret_alg);

    if (rc != ROT_OK)
        return rc;
    if (optiga_curve(*ret_alg) == 0)
        return ROT_E_UNSUPPORTED;
    n = *ret_alg == ROT_ALG_P256 ? BITS_P256 : BITS_P384;
    *ret_bit_string = (struct rot_bytes){spki.p + spki.len - n, n};
    return ROT_OK;
}

/* ---- Kept public keys ---------------------------------------------------------------- */

/* Where it stands in the state until the next command. */
static rot_err
kept_public(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes *ret_spki)
{
    const struct rot_place kept = {.where = place->also};
    enum rot_alg alg = ROT_ALG_NONE;
    struct rot_bytes bits;
    struct optiga_content c;
    rot_err rc = optiga_find(chip, &kept, &c);

    if (rc == ROT_OK && c.len > SPKI_MAX)
        rc = ROT_E_EMPTY;
    if (rc == ROT_OK)
        rc = optiga_get_piece(chip, c.oid, 0, c.len, ret_spki);
    if (rc == ROT_OK)
        rc = optiga_bit_string(*ret_spki, &alg, &bits);
    return rc == ROT_E_FORMAT || (rc == ROT_OK && alg != (enum rot_alg)place->alg) ? ROT_E_EMPTY
                                                                                   : rc;
}

/*
 * Before the key of a place changes, which it may.  Where the object beside may not,
 * nothing is begun; what was kept is in old, which has room for SPKI_MAX bytes.
 */
static rot_err
take_kept(struct rot_chip *chip, const struct rot_place *place, uint8_t *old, size_t *old_len)
{
    struct rot_bytes spki = {NULL, 0};
    rot_err rc = kept_public(chip, place, &spki);

    *old_len = 0;
    if (rc == ROT_OK) {
        memcpy(old, spki.p, spki.len);
        *old_len = spki.len;
    }
    return rc == ROT_OK || rc == ROT_E_EMPTY ? optiga_clear(chip, place->also) : rc;
}

/* After the part has refused to change the key; what it said stays. */
static rot_err
put_back(struct rot_chip *chip, const struct rot_place *place, const uint8_t *old, size_t old_len,
         rot_err rc)
{
    uint32_t status = chip->raw_status;

    if (status != 0 && rc != ROT_E_BUS && old_len != 0)
        (void)!optiga_keep(chip, place->also, old, old_len);
    chip->raw_status = status;
    return rc;
}

/* ---- Making ------------------------------------------------------------------------- */

/* pub has room for SPKI_MAX bytes, and is touched when the part has made one. */
static rot_err
make_pair(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg, uint8_t *pub,
          size_t *ret_len)
{
    struct optiga_apdu *a = optiga_begin(chip, OPTIGA_MAKE_PAIR, optiga_curve(alg));
    size_t n = alg == ROT_ALG_P256 ? BITS_P256 : BITS_P384;
    struct rot_bytes out, bits = {NULL, 0}, again;
    enum rot_alg found = ROT_ALG_NONE;
    rot_err rc;

    optiga_put_tlv_u16(a, TAG_MADE_IN, place->where);
    optiga_put_tlv_u8(a, TAG_USAGE,
                      ((place->flags & ROT_PLACE_SIGN) != 0 ? OPTIGA_USE_SIGN : 0) |
                          ((place->flags & ROT_PLACE_AGREE) != 0 ? OPTIGA_USE_AGREE : 0));
    rc = optiga_run(chip, &out);
    if (rc == ROT_OK)
        rc = optiga_take_tlv(&out, TAG_MADE_KEY, &bits);
    if (rc != ROT_OK)
        return rc;
    if (out.len != 0 || bits.len != n)
        return ROT_E_FORMAT;
    rc = rot_spki_from_point(alg, bits.p + n - rot_alg_point_size(alg), pub, SPKI_MAX, ret_len);
    if (rc == ROT_OK)
        rc = optiga_bit_string((struct rot_bytes){pub, *ret_len}, &found, &again);
    return rc == ROT_OK && memcmp(again.p, bits.p, n) != 0 ? ROT_E_FORMAT : rc;
}

rot_err
optiga_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                    uint8_t *pub, size_t cap, size_t *ret_len)
{
    uint8_t spki[SPKI_MAX]; /* the old key's, then the new one's */
    size_t n = 0;
    rot_err rc;

    if (rot_alg_secret_size(alg) != 0) {
        *ret_len = 0;
        return optiga_secret_generate(chip, place);
    }
    if (optiga_curve(alg) == 0 || place->also == 0)
        return ROT_E_UNSUPPORTED;
    rc = optiga_check_change(chip, place->where);
    if (rc == ROT_OK)
        rc = take_kept(chip, place, spki, &n);
    if (rc != ROT_OK)
        return rc;
    rc = make_pair(chip, place, alg, spki, &n);
    if (rc != ROT_OK)
        return put_back(chip, place, spki, n, rc);
    rc = optiga_keep(chip, place->also, spki, n);
    if (rc != ROT_OK)
        return rc;
    (void)cap; /* the core has checked it */
    memcpy(pub, spki, n);
    *ret_len = n;
    return ROT_OK;
}

/* ---- Showing --------------------------------------------------------------------------- */

/* The SubjectPublicKeyInfo that the certificate has somewhere; pieces overlap by its length. */
static rot_err
certified_public(struct rot_chip *chip, const struct rot_place *cert, struct rot_bytes *ret_spki)
{
    enum rot_alg alg = ROT_ALG_NONE;
    struct rot_bytes bits, piece;
    struct optiga_content c;
    rot_err rc = optiga_find(chip, cert, &c);

    for (size_t at = 0; rc == ROT_OK && at + SPKI_P256 <= c.len; at += OPTIGA_CHUNK - SPKI_P256) {
        size_t n = c.len - at < OPTIGA_CHUNK ? c.len - at : OPTIGA_CHUNK;

        rc = optiga_get_piece(chip, c.oid, c.start + at, n, &piece);
        for (size_t i = 0; rc == ROT_OK && i + SPKI_P256 <= n; i++) {
            *ret_spki = (struct rot_bytes){piece.p + i, SPKI_P256};
            if (optiga_bit_string(*ret_spki, &alg, &bits) == ROT_OK)
                return ROT_OK;
        }
    }
    return rc == ROT_OK ? ROT_E_FORMAT : rc;
}

/* Where it stands in the state until the next command. */
static rot_err
find_public(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes *ret_spki)
{
    const struct rot_place *cert;

    if (place->also != 0)
        return kept_public(chip, place, ret_spki);
    cert = rot_layout_find(chip->setup.layout, place->object, ROT_PART_CERT);
    return cert == NULL ? ROT_E_UNSUPPORTED : certified_public(chip, cert, ret_spki);
}

rot_err
optiga_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                  size_t *ret_len)
{
    struct rot_bytes spki = {NULL, 0};
    rot_err rc = find_public(chip, place, &spki);

    (void)cap; /* the core has checked it */
    if (rc != ROT_OK)
        return rc;
    memcpy(pub, spki.p, spki.len);
    *ret_len = spki.len;
    return ROT_OK;
}

/* ---- Signing ------------------------------------------------------------------------------ */

rot_err
optiga_blame(struct rot_chip *chip, unsigned oid, int is_key, rot_err rc)
{
    uint32_t status = chip->raw_status;
    struct optiga_meta m;

    if (status == 0 || rc == ROT_OK || rc == ROT_E_BUS)
        return rc;
    if (optiga_get_meta(chip, oid, &m) == ROT_OK) {
        if (is_key && m.alg == 0)
            rc = ROT_E_EMPTY;
        else if (optiga_meta_allows(&m, m.execute, optiga_of(chip)->secret_len != 0) == ROT_E_AUTH)
            rc = ROT_E_AUTH;
    }
    chip->raw_status = status;
    return rc;
}

rot_err
optiga_sign_with(struct rot_chip *chip, unsigned oid, enum rot_alg alg, const uint8_t *digest,
                 uint8_t *sig, size_t cap, size_t *ret_len)
{
    struct optiga_apdu *a = optiga_begin(chip, OPTIGA_SIGN, OPTIGA_ECDSA);
    size_t half = rot_alg_point_size(alg) / 2;
    struct rot_bytes out = {NULL, 0};
    uint8_t raw[96];
    rot_err rc;

    optiga_put_tlv(a, TAG_DIGEST, digest, rot_alg_digest_size(alg));
    optiga_put_tlv_u16(a, TAG_KEY, oid);
    rc = optiga_run(chip, &out);
    if (rc != ROT_OK)
        return optiga_blame(chip, oid, 1, rc);
    rc = optiga_take_number(&out, raw, half);
    if (rc == ROT_OK)
        rc = optiga_take_number(&out, raw + half, half);
    if (rc != ROT_OK || out.len != 0)
        return ROT_E_FORMAT;
    return rot_ecdsa_to_der(raw, half, sig, cap, ret_len);
}

rot_err
optiga_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                   size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;

    if (optiga_curve(alg) == 0 || digest_len != rot_alg_digest_size(alg))
        return ROT_E_UNSUPPORTED;
    return optiga_sign_with(chip, place->where, alg, digest, sig, cap, ret_len);
}

/* ---- Verifying ------------------------------------------------------------------------------ */

/* The key given, that of a pair, or the one stored; found has room for SPKI_MAX bytes. */
static rot_err
find_verifier(struct rot_chip *chip, const struct rot_place *place, uint8_t *found,
              struct rot_bytes *spki)
{
    size_t n = 0;
    rot_err rc;

    if (place == NULL)
        return ROT_OK;
    if (place->part == ROT_PART_KEY)
        rc = optiga_key_public(chip, place, found, SPKI_MAX, &n);
    else
        rc = optiga_object_read(chip, place, 0, found, SPKI_MAX, &n);
    *spki = (struct rot_bytes){found, n};
    return rc;
}

/* Of the right sizes, and the one form that there is. */
static rot_err
check_signature(enum rot_alg alg, size_t digest_len, const uint8_t *sig, size_t sig_len)
{
    uint8_t raw[96];

    if (optiga_curve(alg) == 0)
        return ROT_E_UNSUPPORTED;
    if (digest_len != rot_alg_digest_size(alg))
        return ROT_E_ARG;
    return rot_ecdsa_from_der(sig, sig_len, rot_alg_point_size(alg) / 2, raw);
}

rot_err
optiga_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                     size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                     size_t sig_len)
{
    uint8_t found[SPKI_MAX];
    struct rot_bytes spki = {pub, pub_len}, bits = {NULL, 0};
    enum rot_alg alg = place != NULL ? (enum rot_alg)place->alg : ROT_ALG_NONE;
    struct optiga_apdu *a;
    rot_err rc = place != NULL ? ROT_OK : optiga_bit_string(spki, &alg, &bits);

    if (rc == ROT_OK)
        rc = check_signature(alg, digest_len, sig, sig_len);
    if (rc == ROT_OK)
        rc = find_verifier(chip, place, found, &spki);
    if (rc == ROT_OK)
        rc = optiga_bit_string(spki, &alg, &bits);
    if (rc != ROT_OK)
        return rc;
    a = optiga_begin(chip, OPTIGA_VERIFY, OPTIGA_ECDSA);
    optiga_put_tlv(a, TAG_DIGEST, digest, digest_len);
    optiga_put_tlv(a, TAG_SIGNATURE, sig + 2, sig_len - 2); /* both curves' fit a short length */
    optiga_put_tlv_u8(a, TAG_ALG, optiga_curve(alg));
    optiga_put_tlv(a, TAG_PUBLIC, bits.p, bits.len);
    return optiga_run_plain(chip);
}

/* ---- Bringing in ---------------------------------------------------------------------------- */

/*
 * Whether a manifest is for this object: its payload ends with the target, whose
 * end is the OID (42, 2 bytes), and behind it stands the signature, a CBOR byte
 * string of 64 (ES256), 128 or 256 bytes (RSA) (SRM, protected update).
 */
static int
is_for(struct rot_bytes manifest, unsigned oid)
{
    static const struct {
        uint16_t len;
        uint8_t head_len, head[3];
    } ends[] = {{64, 2, {0x58, 0x40}}, {128, 2, {0x58, 0x80}}, {256, 3, {0x59, 0x01, 0x00}}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t end = (size_t)ends[i].len + ends[i].head_len;
        const uint8_t *p = manifest.p + (manifest.len > end ? manifest.len - end : 0);

        if (manifest.len < end + 3 || memcmp(p, ends[i].head, ends[i].head_len) != 0)
            continue;
        if (p[-3] == 0x42 && p[-2] == (uint8_t)(oid >> 8) && p[-1] == (uint8_t)oid)
            return 1;
    }
    return 0;
}

/* The set is TLVs: a manifest and one fragment, which is enough for any key. */
static rot_err
check_set(struct rot_bytes set, unsigned oid)
{
    struct rot_bytes manifest, fragment;

    if (optiga_take_tlv(&set, TAG_MANIFEST, &manifest) != ROT_OK || !is_for(manifest, oid) ||
        optiga_take_tlv(&set, TAG_FINAL, &fragment) != ROT_OK || set.len != 0)
        return ROT_E_FORMAT;
    return manifest.len > OPTIGA_CHUNK || fragment.len == 0 || fragment.len > OPTIGA_CHUNK
               ? ROT_E_FORMAT
               : ROT_OK;
}

static rot_err
send_set(struct rot_chip *chip, struct rot_bytes set)
{
    rot_err rc = ROT_OK;

    while (rc == ROT_OK && set.len != 0) {
        size_t n = 3u + ((size_t)set.p[1] << 8 | set.p[2]);

        optiga_put(optiga_begin(chip, OPTIGA_SET_PROTECTED, MANIFEST_FORMAT), set.p, n);
        rc = optiga_run_plain(chip);
        set = (struct rot_bytes){set.p + n, set.len - n};
    }
    return rc;
}

/*
 * Configuration guide: V1 takes no keys.  A place without a public key is no pair's, and one that
 * is not renewed has no condition that an anchor could open (layout.c).
 */
int
optiga_takes_sets(const struct rot_chip *chip, const struct rot_place *place)
{
    return !optiga_of(chip)->is_old && place->also != 0 && (place->flags & ROT_PLACE_REGENERATE);
}

/*
 * A signed update set, as Infineon's tools make it, for exactly this object.
 * Whether it is signed by the right anchor, new enough and meant for this part,
 * the part decides.  It does not tell the public key, so that none is kept.
 */
rot_err
optiga_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                  const uint8_t *wrapped, size_t wrapped_len)
{
    const struct rot_bytes set = {wrapped, wrapped_len};
    uint8_t old[SPKI_MAX];
    size_t old_len = 0;
    rot_err rc;

    (void)alg; /* the manifest names it */
    if (!optiga_takes_sets(chip, place))
        return ROT_E_UNSUPPORTED;
    rc = check_set(set, place->where);
    if (rc == ROT_OK)
        rc = take_kept(chip, place, old, &old_len);
    if (rc != ROT_OK)
        return rc;
    rc = send_set(chip, set);
    return rc == ROT_OK ? rc : put_back(chip, place, old, old_len, rc);
}
