/*
 * attest.c: the vendor's certificate, and what its key says.
 *
 * Zone 0 holds the leaf that ST issued over the key of slot 0 (section 5); its
 * serial number ends in the part's ST number.  Evidence is that leaf and a
 * signature by that key over a fresh nonce and a public key, so that whoever
 * reads it needs nothing but the nonce and ST's CA:
 *
 *   length (2) | leaf, DER | length (2) | SubjectPublicKeyInfo of the object's key |
 *   length (2) | ECDSA-Sig-Value by the leaf's key over
 *                SHA-256("rootsmith stsafe 1" 00 | nonce (32) | SubjectPublicKeyInfo)
 *
 * When the object's key is the leaf's own, the part vouches for it.  For another
 * slot it only shows that a genuine part was there: an STSAFE signs any digest
 * that its host gives it, and has no word for where a key was born.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define VENDOR_SLOT 0u
#define VENDOR_ZONE 0u
#define LEAF_MAX    2048u
#define SKIPS       6 /* version, serial, algorithm, issuer, validity, subject */

/* ---- The leaf ---------------------------------------------------------------------------- */

/* ST's tools find it the same way: a SEQUENCE with two length bytes; padding follows. */
rot_err
stsafe_leaf_size(struct rot_chip *chip, unsigned zone, size_t *ret_len)
{
    struct rot_bytes b;
    rot_err rc = stsafe_zone_read(chip, zone, 0, 4, &b);
    size_t len;

    if (rc != ROT_OK)
        return rc;
    if (b.p[0] != 0x30 || b.p[1] != 0x82)
        return ROT_E_EMPTY;
    len = ((size_t)b.p[2] << 8 | b.p[3]) + 4;
    if (len > LEAF_MAX)
        return ROT_E_FORMAT;
    *ret_len = len;
    return ROT_OK;
}

/* A piece of the leaf, in rx until the next command. */
struct window {
    unsigned zone;
    size_t leaf_len;
    size_t start;
    struct rot_bytes b;
};

/* So many bytes from that place on are in the window afterwards. */
static rot_err
see(struct rot_chip *chip, struct window *w, size_t at, size_t want)
{
    size_t left = w->leaf_len - at;

    if (at > w->leaf_len || left < want)
        return ROT_E_FORMAT;
    if (at >= w->start && at - w->start + want <= w->b.len)
        return ROT_OK;
    w->start = at;
    return stsafe_zone_read(chip, w->zone, at, left < STSAFE_CHUNK ? left : STSAFE_CHUNK, &w->b);
}

/* X.690 8.1.3: where the content of an element begins, and where it ends. */
static rot_err
measure(struct rot_chip *chip, struct window *w, size_t at, size_t *ret_in, size_t *ret_end)
{
    const uint8_t *p;
    size_t head = 2, len;
    rot_err rc = see(chip, w, at, 4);

    if (rc != ROT_OK)
        return rc;
    p = w->b.p + (at - w->start);
    len = p[1];
    if (len == 0x81) {
        head = 3;
        len = p[2];
    } else if (len == 0x82) {
        head = 4;
        len = (size_t)p[2] << 8 | p[3];
    } else if (len >= 0x80) {
        return ROT_E_FORMAT;
    }
    if (len > w->leaf_len - at - head)
        return ROT_E_FORMAT;
    *ret_in = at + head;
    *ret_end = at + head + len;
    return ROT_OK;
}

/* RFC 5280 4.1: the key stands behind the subject. */
static rot_err
find_spki(struct rot_chip *chip, struct window *w, size_t *ret_at)
{
    size_t at = 0, end = 0;
    rot_err rc = measure(chip, w, 0, &at, &end);

    if (rc == ROT_OK)
        rc = measure(chip, w, at, &at, &end); /* into the TBSCertificate */
    for (int i = 0; i < SKIPS && rc == ROT_OK; i++)
        rc = measure(chip, w, at, &end, &at);
    *ret_at = at;
    return rc;
}

rot_err
stsafe_leaf_point(struct rot_chip *chip, unsigned zone, enum rot_alg alg, uint8_t *point)
{
    struct stsafe_state *s = stsafe_of(chip);
    struct window w = {.zone = zone};
    uint8_t found[STSAFE_POINT];
    enum rot_alg leaf_alg = ROT_ALG_NONE;
    size_t at = 0, len = rot_alg_spki_size(alg);
    rot_err rc = alg == ROT_ALG_P256 ? ROT_OK : ROT_E_UNSUPPORTED;

    if (rc == ROT_OK && !s->has_vendor_point) {
        rc = stsafe_leaf_size(chip, zone, &w.leaf_len);
        if (rc == ROT_OK)
            rc = find_spki(chip, &w, &at);
        if (rc == ROT_OK)
            rc = see(chip, &w, at, len);
        if (rc == ROT_OK)
            rc = rot_spki_to_point(w.b.p + (at - w.start), len, found, &leaf_alg);
        if (rc == ROT_OK && leaf_alg != alg)
            rc = ROT_E_FORMAT;
        if (rc == ROT_OK)
            memcpy(s->vendor_point, found, sizeof(s->vendor_point));
        s->has_vendor_point = rc == ROT_OK;
    }
    if (rc == ROT_OK)
        memcpy(point, s->vendor_point, sizeof(s->vendor_point));
    return rc;
}

/* ---- Evidence ----------------------------------------------------------------------------------- */

static uint8_t *
put_length(uint8_t *p, size_t len)
{
    p[0] = (uint8_t)(len >> 8);
    p[1] = (uint8_t)len;
    return p + 2;
}

static rot_err
copy_leaf(struct rot_chip *chip, uint8_t *out, size_t len)
{
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < len && rc == ROT_OK; at += STSAFE_CHUNK) {
        size_t n = len - at < STSAFE_CHUNK ? len - at : STSAFE_CHUNK;
        struct rot_bytes b;

        rc = stsafe_zone_read(chip, VENDOR_ZONE, at, n, &b);
        if (rc == ROT_OK)
            memcpy(out + at, b.p, n);
    }
    return rc;
}

static rot_err
sign(struct rot_chip *chip, const uint8_t nonce[32], struct rot_bytes spki, uint8_t *sig,
     size_t cap, size_t *ret_len)
{
    static const uint8_t label[] = "rootsmith stsafe 1";
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes parts[] = {{label, sizeof(label)}, {nonce, 32}, spki};
    uint8_t digest[32], raw[64];
    rot_err rc = port->ops->hash(port->self, ROT_HASH_SHA256, parts, 3, digest);

    if (rc == ROT_OK)
        rc = stsafe_sign_raw(chip, VENDOR_SLOT, ROT_ALG_P256, digest, raw);
    return rc == ROT_OK ? rot_ecdsa_to_der(raw, 32, sig, cap, ret_len) : rc;
}

rot_err
stsafe_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
              struct rot_evidence *evidence)
{
    struct rot_bytes spki = {NULL, rot_alg_spki_size((enum rot_alg)place->alg)};
    uint8_t point[STSAFE_POINT], *p = evidence->buf;
    size_t leaf = 0, n = 0, sig_max = rot_alg_signature_size(ROT_ALG_P256);
    rot_err rc;

    if (chip->setup.port->ops->hash == NULL)
        return ROT_E_PORT;
    rc = stsafe_point(chip, place, point);
    if (rc == ROT_OK)
        rc = stsafe_leaf_size(chip, VENDOR_ZONE, &leaf);
    if (rc != ROT_OK)
        return rc;
    evidence->len = 6 + leaf + spki.len + sig_max;
    if (evidence->cap < evidence->len)
        return ROT_E_SPACE;
    p = put_length(p, leaf);
    rc = copy_leaf(chip, p, leaf);
    p = put_length(p + leaf, spki.len);
    spki.p = p;
    if (rc == ROT_OK)
        rc = rot_spki_from_point((enum rot_alg)place->alg, point, p, spki.len, &n);
    p += spki.len + 2;
    if (rc == ROT_OK)
        rc = sign(chip, nonce, spki, p, sig_max, &n);
    if (rc != ROT_OK)
        return rc;
    (void)put_length(p - 2, n);
    evidence->len = (size_t)(p - evidence->buf) + n;
    evidence->format = ROT_EVIDENCE_STSAFE_CHAIN;
    return ROT_OK;
}
