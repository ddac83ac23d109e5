/*
 * cert.c: the part's own idea of a certificate (section 6.3).
 *
 * Only what the commands need: the public key of a bare X.509 certificate that
 * keeps the part's rules.  A TLS or USB-C identity is not one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define CERT_MAX   1300
#define SERIAL_MAX 20

/* Whole length of the DER element at p; 0 when it is not a SEQUENCE that is all there. */
static size_t
sequence_size(struct rs_bytes in)
{
    size_t size;

    if (in.len < 4 || in.p[0] != 0x30)
        return 0;
    if (in.p[1] < 0x80)
        size = 2 + (size_t)in.p[1];
    else if (in.p[1] == 0x81)
        size = 3 + (size_t)in.p[2];
    else if (in.p[1] == 0x82)
        size = 4 + (size_t)rs_get_u16(in.p + 2);
    else
        return 0;
    return size <= in.len ? size : 0;
}

static int
rsa_key(const EVP_PKEY *key, struct optiga_rsa_public *ret)
{
    BIGNUM *n = NULL, *e = NULL;
    int ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
             EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
             (BN_num_bits(n) == 1024 || BN_num_bits(n) == 2048) && BN_num_bits(e) <= 32;

    if (ok) {
        ret->size = (size_t)BN_num_bits(n) / 8;
        ret->e = (uint32_t)BN_get_word(e);
        ok = BN_bn2binpad(n, ret->n, (int)ret->size) == (int)ret->size;
    }
    BN_free(n);
    BN_free(e);
    return ok;
}

static enum sim_curve
curve_of_nid(int nid)
{
    for (unsigned i = SIM_CURVE_NONE + 1; i < SIM_CURVE_COUNT; i++)
        if (sim_curve_info((enum sim_curve)i)->nid == nid)
            return (enum sim_curve)i;
    return SIM_CURVE_NONE;
}

static int
ec_key(const EVP_PKEY *key, unsigned v3, struct optiga_public *ret)
{
    char name[32];
    uint8_t octets[1 + SIM_POINT_MAX];
    size_t len = 0;

    if (EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1)
        return 0;
    ret->curve = optiga_curve_of(curve_of_nid(OBJ_txt2nid(name)));
    if (ret->curve == NULL || (ret->curve->v3_only && !v3) ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets),
                                        &len) != 1 ||
        len != 1 + 2 * (size_t)ret->curve->size || octets[0] != 0x04)
        return 0;
    memcpy(ret->point, octets + 1, len - 1);
    return 1;
}

/* ecdsa-with-SHA has no parameters, and the two places for the algorithm say the same. */
static int
algorithm_ok(const X509 *x)
{
    const X509_ALGOR *outer;
    const ASN1_OBJECT *name;
    int type, pkey_nid = NID_undef;

    X509_get0_signature(NULL, &outer, x);
    X509_ALGOR_get0(&name, &type, NULL, outer);
    (void)OBJ_find_sigid_algs(OBJ_obj2nid(name), NULL, &pkey_nid);
    return X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(x)) == 0 &&
           (pkey_nid != NID_X9_62_id_ecPublicKey || type == V_ASN1_UNDEF);
}

static int
rules_kept(const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

    return X509_get_version(x) == X509_VERSION_3 && ASN1_STRING_length(serial) >= 1 &&
           ASN1_STRING_length(serial) <= SERIAL_MAX &&
           X509_NAME_entry_count(X509_get_issuer_name(x)) > 0 && algorithm_ok(x);
}

/* Its key usage has one of these; what cannot be read has none. */
static int
usage_ok(const X509 *x, unsigned for_what)
{
    int found; /* -1: there is no such extension */
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(x, NID_key_usage, &found, NULL);
    int ok = usage != NULL && ASN1_STRING_length(usage) > 0 &&
             (ASN1_STRING_get0_data(usage)[0] & for_what) != 0;

    ASN1_BIT_STRING_free(usage);
    if (found == -1)
        ok = OPTIGA_U_CERT_WITHOUT_USAGE_OK;
    return ok || for_what == OPTIGA_CERT_ANYTHING;
}

static int
key_of(const X509 *x, unsigned v3, struct optiga_public *ret)
{
    const EVP_PKEY *key = X509_get0_pubkey(x);

    memset(ret, 0, sizeof(*ret));
    if (key == NULL)
        return OPTIGA_E_CERT_FORMAT;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return rsa_key(key, &ret->rsa) ? OPTIGA_OK : OPTIGA_E_CERT_UNSUPPORTED;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        return ec_key(key, v3, ret) ? OPTIGA_OK : OPTIGA_E_CERT_UNSUPPORTED;
    return OPTIGA_E_CERT_UNSUPPORTED;
}

/* Its key, if it keeps the rules and is for that. */
static int
judge(const X509 *x, unsigned v3, unsigned for_what, struct optiga_public *ret)
{
    if (!rules_kept(x))
        return OPTIGA_E_CERT_UNSUPPORTED;
    return usage_ok(x, for_what) ? key_of(x, v3, ret) : OPTIGA_U_CERT_USAGE_ERROR;
}

int
optiga_cert_key(struct rs_bytes in, unsigned v3, unsigned for_what, struct optiga_public *ret)
{
    size_t size = sequence_size(in);
    const unsigned char *at = in.p;
    X509 *x;
    int status;

    if (size == 0)
        return OPTIGA_E_CERT_FORMAT;
    if (size > CERT_MAX)
        return OPTIGA_E_CERT_UNSUPPORTED;
    x = d2i_X509(NULL, &at, (long)size);
    if (x == NULL || at != in.p + size)
        status = OPTIGA_E_CERT_FORMAT;
    else
        status = judge(x, v3, for_what, ret);
    X509_free(x);
    return status;
}
