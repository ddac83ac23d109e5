/*
 * tpm_evidence.c: templates, and what TPM2_Certify says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/tpm_inner.h"
#include "x509/der.h"

#define BORN_AND_STAYS (TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_MADE_INSIDE)

/* Templates document, 7.3.2 (H-2: ECC P-256, SHA-256), by its attributes and policy. */
struct template
{
    const char *what;
    uint32_t attributes;
    uint8_t policy[32];
};

static const struct template iak_template = {
    "IAK",
    BORN_AND_STAYS | TPM_USER_WITH_AUTH | TPM_ADMIN_POLICY | TPM_RESTRICTED | TPM_SIGNS,
    {0x54, 0x37, 0x18, 0x23, 0x26, 0xe4, 0x14, 0xfc, 0xa7, 0x97, 0xd5,
     0xf1, 0x74, 0x61, 0x5a, 0x16, 0x41, 0xf6, 0x12, 0x55, 0x79, 0x7c,
     0x3a, 0x2b, 0x22, 0xc2, 0x1d, 0x12, 0x0b, 0x2d, 0x1e, 0x07}};

static const struct template idevid_template = {
    "IDevID",
    BORN_AND_STAYS | TPM_USER_WITH_AUTH | TPM_ADMIN_POLICY | TPM_SIGNS,
    {0xad, 0x6b, 0x3a, 0x22, 0x84, 0xfd, 0x69, 0x8a, 0x07, 0x10, 0xbf,
     0x5c, 0xc1, 0xb9, 0xbd, 0xf1, 0x5e, 0x25, 0x32, 0xe3, 0xf6, 0x01,
     0xfa, 0x4b, 0x93, 0xa6, 0xa8, 0xfa, 0x8d, 0xe5, 0x79, 0xea}};

rs_code
tpm_put_iak(struct rs_bytes spki, struct rs_buf *out, struct rs_err *err)
{
    struct crypto_pub pub;
    uint8_t room[TPM_PUBLIC_MAX];
    struct rs_buf area;
    rs_code rc = crypto_pub_read(spki, &pub, err);

    if (rc == RS_OK && pub.alg != CRYPTO_P256)
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "tpm: IAK: its curve is not P-256");
    if (rc != RS_OK)
        return rc;
    rs_buf_init_fixed(&area, room, sizeof(room));
    rs_buf_put_u16(&area, TPM_ALG_ECC);
    rs_buf_put_u16(&area, TPM_ALG_SHA256);
    rs_buf_put_u32(&area, iak_template.attributes);
    rs_buf_put_u16_bytes(&area, RS_BYTES(iak_template.policy));
    rs_buf_put_u16(&area, TPM_ALG_NULL);
    rs_buf_put_u16(&area, TPM_ALG_ECDSA);
    rs_buf_put_u16(&area, TPM_ALG_SHA256);
    rs_buf_put_u16(&area, TPM_ECC_NIST_P256);
    rs_buf_put_u16(&area, TPM_ALG_NULL);
    rs_buf_put_u16_bytes(&area, rs_bytes_of(pub.key.p + 1, 32));
    rs_buf_put_u16_bytes(&area, rs_bytes_of(pub.key.p + 33, 32));
    rs_buf_put_u16_bytes(out, rs_buf_bytes(&area));
    return RS_OK;
}

static rs_code
check_template(const struct tpm_public *pub, const struct template *t, struct rs_err *err)
{
    if ((pub->attributes & BORN_AND_STAYS) != BORN_AND_STAYS)
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "tpm: %s: attributes 0x%08x: not born in that TPM for good "
                       "(fixedTPM, fixedParent, sensitiveDataOrigin)",
                       t->what, pub->attributes);
    if (pub->attributes != t->attributes)
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "tpm: %s: attributes 0x%08x are not the template's 0x%08x", t->what,
                       pub->attributes, t->attributes);
    if (pub->name_alg != TPM_ALG_SHA256 || pub->scheme_hash != TPM_ALG_SHA256)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: %s: its hash is not SHA-256", t->what);
    if (pub->curve != TPM_ECC_NIST_P256)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: %s: its curve is not P-256", t->what);
    if (!rs_bytes_equal(pub->policy, RS_BYTES(t->policy)))
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: %s: its policy is not the template's",
                       t->what);
    return RS_OK;
}

rs_code
tpm_check_iak(const struct tpm_public *pub, struct rs_err *err)
{
    return check_template(pub, &iak_template, err);
}

rs_code
tpm_check_idevid(const struct tpm_public *pub, struct rs_err *err)
{
    return check_template(pub, &idevid_template, err);
}

/* The signature over what was attested, with the IAK. */
static rs_code
check_signature(const struct tpm_evidence *e, struct rs_err *err)
{
    uint8_t spki[TPM_SPKI_SIZE], room[80];
    struct crypto_pub pub;
    struct der_out o;
    size_t mark;
    rs_code rc = tpm_public_spki(&e->iak, spki, err);

    if (rc == RS_OK)
        rc = crypto_pub_read(RS_BYTES(spki), &pub, err);
    if (rc != RS_OK)
        return rc;
    der_out_init(&o, room, sizeof(room));
    mark = der_mark(&o);
    der_put_uint(&o, e->s);
    der_put_uint(&o, e->r);
    der_put_header(&o, DER_SEQUENCE, mark);
    if (!der_out_ok(&o) ||
        crypto_verify(&pub, CRYPTO_ECDSA_SHA256, e->signed_bytes, der_out_bytes(&o), NULL) != RS_OK)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: signature: not the IAK's");
    return RS_OK;
}

/* Is the certified key the one that is asked for? */
static rs_code
check_key(const struct tpm_evidence *e, const struct tpm_expect *expect, struct rs_err *err)
{
    uint8_t spki[TPM_SPKI_SIZE], name[TPM_NAME_SIZE];
    rs_code rc = tpm_check_idevid(&e->key, err);

    if (rc == RS_OK)
        rc = tpm_public_spki(&e->key, spki, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_bytes_equal(RS_BYTES(spki), expect->spki))
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: key: not the one of the request");
    tpm_public_name(&e->key, name);
    if (!rs_bytes_equal(RS_BYTES(name), e->attest.name))
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: name: another key was certified");
    return RS_OK;
}

rs_code
tpm_evidence_check(const struct tpm_evidence *e, const struct tpm_expect *expect,
                   struct rs_err *err)
{
    uint8_t name[TPM_NAME_SIZE];
    rs_code rc = tpm_check_iak(&e->iak, err);

    if (rc != RS_OK)
        return rc;
    tpm_public_name(&e->iak, name);
    if (memcmp(name, expect->iak_name, sizeof(name)) != 0)
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: IAK: not the one that was activated");
    if (!rs_bytes_equal_secret(e->attest.extra, rs_bytes_of(expect->nonce, TPM_NONCE_SIZE)))
        return rs_fail(err, RS_E_ATTEST_INVALID, "tpm: nonce: not ours");
    rc = check_key(e, expect, err);
    return rc == RS_OK ? check_signature(e, err) : rc;
}
