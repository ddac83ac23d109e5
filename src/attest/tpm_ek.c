/*
 * tpm_ek.c: endorsement certificates.
 *
 * The subjectAltName of an EK certificate is critical and names maker, model and
 * version (TCG EK Credential Profile 2.5, 3.2.9): it is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/tpm_inner.h"
#include "crypto/hash.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/oid.h"

#define KU_KEY_ENCIPHERMENT (1u << 2)
#define KU_KEY_AGREEMENT    (1u << 4)

/* ---- Endorsement ----------------------------------------------------------------------- */

/* The maker's id in the subjectAltName's directory name. */
static rs_code
read_maker_name(const struct cert *cert, struct rs_bytes *ret_maker, struct rs_err *err)
{
    struct san sans[8];
    size_t count = 0;

    if (cert->san.len == 0)
        return RS_OK;
    if (!san_read(cert->san, sans, 8, &count))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK certificate: malformed subjectAltName");
    for (size_t i = 0; i < count && ret_maker->len == 0; i++) {
        if (sans[i].kind == SAN_DIRECTORY)
            *ret_maker = name_find(sans[i].value, oid_tpm_manufacturer);
    }
    return RS_OK;
}

/* RSA keys encipher, elliptic ones agree (TCG EK Credential Profile 2.5, 3.2.4). */
static int
may_decrypt(const struct cert *cert, const struct crypto_pub *pub)
{
    uint32_t want = pub->alg == CRYPTO_RSA2048 ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT;

    return cert->key_usage == 0 || (cert->key_usage & want) != 0;
}

static rs_code
check_ek(const struct cert *cert, struct tpm_ek *ek, struct rs_err *err)
{
    struct rs_err why = {0};

    if (crypto_pub_read(cert->spki, &ek->pub, &why) != RS_OK)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK certificate: %.180s", why.text);
    if (ek->pub.alg != CRYPTO_RSA2048 && ek->pub.alg != CRYPTO_P256)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: a %s key, not RSA of 2048 bits or P-256",
                       crypto_alg_name(ek->pub.alg));
    if (cert->is_ca || cert->unknown_critical)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: a CA's, or an unknown critical extension");
    if (!cert_has_eku(cert, oid_eku_tpm_ek))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: its purpose is not 2.23.133.8.1");
    if (!may_decrypt(cert, &ek->pub))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: its key usage does not let it decrypt");
    return read_maker_name(cert, &ek->maker, err);
}

rs_code
tpm_ek_check(const struct makers *makers, struct rs_bytes der, int64_t now, struct tpm_ek *ret_ek,
             struct rs_err *err)
{
    struct tpm_ek ek = {0};
    struct rs_err why = {0};
    struct cert cert;
    rs_code rc = cert_read(der, &cert, &why);

    if (rc != RS_OK)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK %.180s", why.text);
    rc = check_ek(&cert, &ek, err);
    if (rc != RS_OK)
        return rc;
    if (now < cert.not_before || now > cert.not_after)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK certificate: not valid at this time");
    if (!makers_stand_for(makers, &cert, now))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: it leads to no TPM maker that is configured");
    crypto_sha256(cert.spki, ek.digest);
    *ret_ek = ek;
    return RS_OK;
}
