/*
 * attest.c: what the part says, signed by the vendor's key in it.
 *
 * The part has no command that states where a key comes from.  It signs, with
 * the key that the vendor's certificate is about, a digest that the host makes.
 * So the evidence shows that this part was there and answered this nonce, and it
 * binds what the host read from it to that; that the key was made inside is the
 * host's word, not the part's.  The format is in docs/chips/optiga.md:
 *
 *   version 1
 *   size (2), content of E0E0 as it stands there
 *   size (2), unique id (27)
 *   size (2), OID of the key (2) and its metadata
 *   size (2), SubjectPublicKeyInfo of the key
 *   size (2), ECDSA signature (DER) by E0F0 over SHA-256 of CONTEXT, the nonce, and all above
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define VERSION      1u
#define CERT_MAX     1728u
#define EVIDENCE_MAX 2048u /* with a P-384 key, full certificate and metadata 2,036 */
#define DIGEST       32u

static const uint8_t context[] = "rootsmith optiga evidence"; /* with its NUL */

/* Bytes whose number is known only afterwards: room for it, then fill() it in. */
static uint8_t *
append(struct rot_evidence *e)
{
    e->len += 2;
    return e->buf + e->len;
}

static void
fill(struct rot_evidence *e, size_t len)
{
    e->buf[e->len - 2] = (uint8_t)(len >> 8);
    e->buf[e->len - 1] = (uint8_t)len;
    e->len += len;
}

static rot_err
append_certificate(struct rot_chip *chip, unsigned oid, struct rot_evidence *e)
{
    struct optiga_meta m;
    rot_err rc = optiga_get_meta(chip, oid, &m);

    if (rc == ROT_OK && m.used > CERT_MAX)
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK)
        rc = optiga_get(chip, oid, 0, append(e), m.used);
    if (rc == ROT_OK)
        fill(e, m.used);
    return rc;
}

static void
append_uid(struct rot_chip *chip, struct rot_evidence *e)
{
    memcpy(append(e), optiga_of(chip)->uid, OPTIGA_UID);
    fill(e, OPTIGA_UID);
}

static rot_err
append_meta(struct rot_chip *chip, unsigned oid, struct rot_evidence *e)
{
    struct rot_bytes out;
    struct optiga_meta m;
    uint8_t *p;
    rot_err rc;

    optiga_put_u16(optiga_begin(chip, OPTIGA_GET, OPTIGA_META), oid);
    rc = optiga_run(chip, &out);
    if (rc == ROT_OK)
        rc = optiga_meta_read(out, &m);
    if (rc != ROT_OK)
        return rc;
    p = append(e);
    p[0] = (uint8_t)(oid >> 8);
    p[1] = (uint8_t)oid;
    memcpy(p + 2, out.p, out.len);
    fill(e, 2 + out.len);
    return ROT_OK;
}

static rot_err
append_public(struct rot_chip *chip, const struct rot_place *place, struct rot_evidence *e)
{
    size_t n = 0;
    rot_err rc = optiga_key_public(chip, place, append(e), e->cap - e->len, &n);

    if (rc == ROT_OK)
        fill(e, n);
    return rc;
}

static rot_err
append_signature(struct rot_chip *chip, unsigned oid, const uint8_t nonce[32],
                 struct rot_evidence *e)
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes parts[] = {{context, sizeof(context)}, {nonce, 32}, {e->buf, e->len}};
    uint8_t digest[DIGEST], *p;
    size_t n = 0;
    rot_err rc = port->ops->hash(port->self, ROT_HASH_SHA256, parts, 3, digest);

    if (rc != ROT_OK)
        return rc;
    p = append(e);
    rc = optiga_sign_with(chip, oid, ROT_ALG_P256, digest, p, e->cap - e->len, &n);
    if (rc == ROT_OK)
        fill(e, n);
    return rc;
}

rot_err
optiga_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
              struct rot_evidence *evidence)
{
    const struct rot_layout *l = chip->setup.layout;
    const struct rot_place *cert = rot_layout_find(l, ROT_VENDOR(0), ROT_PART_CERT);
    const struct rot_place *key = rot_layout_find(l, ROT_VENDOR(0), ROT_PART_KEY);
    struct rot_evidence e = *evidence;
    rot_err rc;

    if (cert == NULL || key == NULL)
        return ROT_E_UNSUPPORTED;
    if (chip->setup.port->ops->hash == NULL)
        return ROT_E_PORT;
    if (evidence->cap < EVIDENCE_MAX) {
        evidence->len = EVIDENCE_MAX;
        return ROT_E_SPACE;
    }
    e.buf[0] = VERSION;
    e.len = 1;
    rc = append_certificate(chip, cert->where, &e);
    if (rc != ROT_OK)
        return rc;
    append_uid(chip, &e);
    rc = append_meta(chip, place->where, &e);
    if (rc == ROT_OK)
        rc = append_public(chip, place, &e);
    if (rc == ROT_OK)
        rc = append_signature(chip, key->where, nonce, &e);
    if (rc != ROT_OK)
        return rc;
    evidence->len = e.len;
    evidence->format = ROT_EVIDENCE_OPTIGA_CHAIN;
    return ROT_OK;
}
