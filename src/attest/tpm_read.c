/*
 * tpm_read.c: the structures that a TPM marshals (TPM 2.0 Library, Part 2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/tpm_inner.h"
#include "crypto/hash.h"

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_tpm
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* SubjectPublicKeyInfo of a P-256 key up to its coordinates (RFC 5480 2). */
static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

#define COORDINATE 32

/* ---- TPMT_PUBLIC (12.2.4) -------------------------------------------------------- */

/* TPMS_ECC_PARMS (12.2.3.6) of a key that signs: no inner cipher, no KDF. */
static int
read_ecc_parms(struct rs_reader *r, struct tpm_public *p)
{
    if (rs_read_u16(r) != TPM_ALG_NULL)
        return 0;
    p->scheme = (uint16_t)rs_read_u16(r);
    if (p->scheme != TPM_ALG_ECDSA)
        return 0;
    p->scheme_hash = (uint16_t)rs_read_u16(r);
    p->curve = (uint16_t)rs_read_u16(r);
    return rs_read_u16(r) == TPM_ALG_NULL && rs_reader_ok(r);
}

static int
read_public_area(struct rs_bytes area, struct tpm_public *p)
{
    struct rs_reader r;

    rs_reader_init(&r, area);
    p->area = area;
    if (rs_read_u16(&r) != TPM_ALG_ECC)
        return 0;
    p->name_alg = (uint16_t)rs_read_u16(&r);
    p->attributes = rs_read_u32(&r);
    p->policy = rs_read_u16_bytes(&r, 64);
    if (!read_ecc_parms(&r, p))
        return 0;
    p->x = rs_read_u16_bytes(&r, COORDINATE);
    p->y = rs_read_u16_bytes(&r, COORDINATE);
    return rs_reader_done(&r);
}

/* The next TPM2B_PUBLIC of a longer text. */
static rs_code
next_public(struct rs_reader *r, const char *what, struct tpm_public *ret_public,
            struct rs_err *err)
{
    struct tpm_public p = {0};
    struct rs_bytes area = rs_read_u16_bytes(r, TPM_PUBLIC_MAX);

    if (!rs_reader_ok(r) || !read_public_area(area, &p))
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "tpm: %s: not the public area of an ECDSA key (Part 2, 12.2.4)", what);
    *ret_public = p;
    return RS_OK;
}

rs_code
tpm_public_read(struct rs_bytes bytes, struct tpm_public *ret_public, struct rs_err *err)
{
    struct tpm_public p;
    struct rs_reader r;
    rs_code rc;

    rs_reader_init(&r, bytes);
    rc = next_public(&r, "public", &p, err);
    if (rc == RS_OK && r.left > SLACK)
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "tpm: public: bytes stand behind it");
    if (rc == RS_OK)
        *ret_public = p;
    return rc;
}

void
tpm_public_name(const struct tpm_public *pub, uint8_t name[TPM_NAME_SIZE])
{
    rs_set_u16(name, TPM_ALG_SHA256);
    crypto_sha256(pub->area, name + 2);
}

/* Some TPMs leave leading zeros out. */
static void
put_coordinate(uint8_t out[COORDINATE], struct rs_bytes v)
{
    memset(out, 0, COORDINATE);
    if (v.len > 0)
        memcpy(out + COORDINATE - v.len, v.p, v.len);
}

rs_code
tpm_public_spki(const struct tpm_public *pub, uint8_t spki[TPM_SPKI_SIZE], struct rs_err *err)
{
    struct crypto_pub checked;

    if (pub->curve != TPM_ECC_NIST_P256)
        return rs_fail(err, RS_E_KEY_WEAK, "tpm: curve 0x%04x is not P-256", pub->curve);
    memcpy(spki, spki_head, sizeof(spki_head));
    put_coordinate(spki + sizeof(spki_head), pub->x);
    put_coordinate(spki + sizeof(spki_head) + COORDINATE, pub->y);
    return crypto_pub_read(rs_bytes_of(spki, TPM_SPKI_SIZE), &checked, err);
}

/* ---- TPMS_ATTEST (10.12.12) --------------------------------------------------------- */

rs_code
tpm_attest_read(struct rs_bytes bytes, struct tpm_attest *ret_attest, struct rs_err *err)
{
    struct tpm_attest a = {0};
    struct rs_reader r;
    unsigned safe;

    rs_reader_init(&r, bytes);
    if (rs_read_u32(&r) != TPM_GENERATED)
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "tpm: magic: not made by a TPM (Part 2, 10.12.12)");
    if (rs_read_u16(&r) != TPM_ST_ATTEST_CERTIFY)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: type: not what TPM2_Certify makes");
    a.signer = rs_read_u16_bytes(&r, TPM_NAME_MAX);
    a.extra = rs_read_u16_bytes(&r, 64);
    a.clock = rs_read_u64(&r);
    a.resets = rs_read_u32(&r);
    a.restarts = rs_read_u32(&r);
    safe = rs_read_u8(&r);
    a.clock_is_safe = safe == 1;
    a.firmware = rs_read_u64(&r);
    a.name = rs_read_u16_bytes(&r, TPM_NAME_MAX);
    a.qualified_name = rs_read_u16_bytes(&r, TPM_NAME_MAX);
    if (!rs_reader_done(&r) || safe > 1)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: attest: malformed (Part 2, 10.12.12)");
    *ret_attest = a;
    return RS_OK;
}

/* ---- Evidence ---------------------------------------------------------------------------- */

/* TPMT_SIGNATURE (11.3.4): ECDSA with SHA-256 and nothing else. */
static int
read_signature(struct rs_reader *r, struct tpm_evidence *e)
{
    if (rs_read_u16(r) != TPM_ALG_ECDSA || rs_read_u16(r) != TPM_ALG_SHA256)
        return 0;
    e->r = rs_read_u16_bytes(r, COORDINATE);
    e->s = rs_read_u16_bytes(r, COORDINATE);
    return rs_reader_done(r) && e->r.len > 0 && e->s.len > 0;
}

rs_code
tpm_evidence_read(struct rs_bytes bytes, struct tpm_evidence *ret_evidence, struct rs_err *err)
{
    struct tpm_evidence e = {0};
    struct rs_reader r;
    rs_code rc;

    if (bytes.len > TPM_EVIDENCE_MAX)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: evidence: more than %d bytes",
                       TPM_EVIDENCE_MAX);
    rs_reader_init(&r, bytes);
    rc = next_public(&r, "IAK", &e.iak, err);
    if (rc == RS_OK)
        rc = next_public(&r, "key", &e.key, err);
    if (rc != RS_OK)
        return rc;
    e.signed_bytes = rs_read_u16_bytes(&r, TPM_EVIDENCE_MAX);
    if (!rs_reader_ok(&r))
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: attest: its end is missing");
    rc = tpm_attest_read(e.signed_bytes, &e.attest, err);
    if (rc == RS_OK && !read_signature(&r, &e))
        rc = rs_fail(err, RS_E_ATTEST_INVALID,
                     "tpm: signature: not one ECDSA signature with SHA-256 (Part 2, 11.3.4)");
    if (rc == RS_OK)
        *ret_evidence = e;
    return rc;
}
