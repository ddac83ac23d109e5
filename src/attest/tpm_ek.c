/*
 * tpm_ek.c: endorsement certificates and the makers behind them.
 *
 * Paths are found by name and key identifier, and every certificate on one is
 * checked: signature, time, CA rights, path length, unknown critical extensions
 * (RFC 5280 6.1).  The subjectAltName of an EK certificate is critical and names
 * maker, model and version (TCG EK Credential Profile 2.5, 3.2.9): it is read.
 * Revocation lists of makers are not fetched (docs/design/attest.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "attest/tpm_inner.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/oid.h"

#define ROOTS_MAX 256
#define DEPTH_MAX 5

#define KU_KEY_ENCIPHERMENT (1u << 2)
#define KU_KEY_AGREEMENT    (1u << 4)
#define KU_KEY_CERT_SIGN    (1u << 5)

struct maker {
    struct cert cert;
    struct crypto_pub pub;
    int is_root; /* it signed itself */
    uint8_t *der;
};

struct tpm_roots {
    struct maker list[ROOTS_MAX];
    size_t count;
};

/* ---- Paths -------------------------------------------------------------------------- */

static int
is_signed_by(const struct cert *cert, const struct maker *m)
{
    if (!rs_bytes_equal(cert->issuer, m->cert.subject) ||
        (cert->aki.len > 0 && m->cert.ski.len > 0 && !rs_bytes_equal(cert->aki, m->cert.ski)))
        return 0;
    return crypto_verify(&m->pub, cert->sig_alg, cert->tbs, cert->signature, NULL) == RS_OK;
}

static int
is_in_time(const struct cert *cert, int64_t now)
{
    return now >= cert->not_before && now <= cert->not_after;
}

/*
 * The trusted certificate that this one leads to; below: CAs between it and the end.
 * now 0: at any time.
 */
static const struct maker *
find_root(const struct tpm_roots *roots, const struct cert *cert, unsigned below, int64_t now)
{
    for (size_t i = 0; i < roots->count && below <= DEPTH_MAX; i++) {
        const struct maker *m = &roots->list[i], *root;
        if ((m->cert.path_length >= 0 && (unsigned)m->cert.path_length < below) ||
            (now != 0 && !is_in_time(&m->cert, now)) || !is_signed_by(cert, m))
            continue;
        root = m->is_root ? m : find_root(roots, &m->cert, below + 1, now);
        if (root != NULL)
            return root;
    }
    return NULL;
}

/* ---- Configuration ------------------------------------------------------------------ */

rs_code
tpm_roots_new(struct tpm_roots **ret_roots, struct rs_err *err)
{
    struct tpm_roots *roots = calloc(1, sizeof(*roots));

    if (roots == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "TPM makers");
    *ret_roots = roots;
    return RS_OK;
}

void
tpm_roots_free(struct tpm_roots *roots)
{
    for (size_t i = 0; roots != NULL && i < roots->count; i++)
        free(roots->list[i].der);
    free(roots);
}

size_t
tpm_roots_count(const struct tpm_roots *roots)
{
    return roots->count;
}

static int
is_known(const struct tpm_roots *roots, struct rs_bytes der)
{
    for (size_t i = 0; i < roots->count; i++) {
        if (rs_bytes_equal(roots->list[i].cert.whole, der))
            return 1;
    }
    return 0;
}

/* The rules for a maker's certificate; m->der is there and freed by the caller on failure. */
static rs_code
read_maker(struct maker *m, struct rs_bytes der, const char *name, struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code rc = cert_read(der, &m->cert, &why);

    if (rc == RS_OK)
        rc = crypto_pub_read(m->cert.spki, &m->pub, &why);
    if (rc != RS_OK)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: %.180s", name, why.text);
    if (!m->cert.is_ca || (m->cert.key_usage != 0 && (m->cert.key_usage & KU_KEY_CERT_SIGN) == 0))
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: a certificate in it is no CA's", name);
    if (m->cert.unknown_critical)
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "%s: a certificate in it has a critical extension that is not known", name);
    m->is_root = is_signed_by(&m->cert, m);
    return RS_OK;
}

static rs_code
add_maker(struct tpm_roots *roots, const char *name, struct rs_bytes der, struct rs_err *err)
{
    struct maker m = {0};
    rs_code rc;

    if (roots->count == ROOTS_MAX)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: more than %d certificates", name, ROOTS_MAX);
    if (is_known(roots, der))
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: a certificate stands twice", name);
    m.der = malloc(der.len + 1);
    if (m.der == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "TPM makers");
    memcpy(m.der, der.p, der.len);
    rc = read_maker(&m, rs_bytes_of(m.der, der.len), name, err);
    if (rc == RS_OK)
        roots->list[roots->count++] = m;
    else
        free(m.der);
    return rc;
}

rs_code
tpm_roots_add(struct tpm_roots *roots, const char *name, struct rs_bytes pem, struct rs_err *err)
{
    struct rs_err why = {0};
    size_t count = 0;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CERT_BYTES_MAX);
    while ((rc = cert_next_pem(&pem, "CERTIFICATE", &der, &why)) == RS_OK) {
        rc = add_maker(roots, name, rs_buf_bytes(&der), err);
        if (rc != RS_OK)
            return rc;
        count++;
    }
    if (rc != RS_E_REQUEST_UNKNOWN)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: %.180s", name, why.text);
    return count > 0 ? RS_OK : rs_fail(err, RS_E_CONFIG_INVALID, "%s: no certificate in it", name);
}

rs_code
tpm_roots_check(const struct tpm_roots *roots, struct rs_err *err)
{
    for (size_t i = 0; i < roots->count; i++) {
        const struct maker *m = &roots->list[i];
        char text[NAME_TEXT_MAX];
        if (m->is_root || find_root(roots, &m->cert, 1, 0) != NULL)
            continue;
        name_text(m->cert.subject, text, sizeof(text));
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "TPM makers: \"%.100s\" leads to no certificate that signed itself", text);
    }
    return RS_OK;
}

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
tpm_ek_check(const struct tpm_roots *roots, struct rs_bytes der, int64_t now, struct tpm_ek *ret_ek,
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
    if (!is_in_time(&cert, now))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK certificate: not valid at this time");
    if (find_root(roots, &cert, 0, now) == NULL)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "tpm: EK certificate: it leads to no TPM maker that is configured");
    crypto_sha256(cert.spki, ek.digest);
    *ret_ek = ek;
    return RS_OK;
}
