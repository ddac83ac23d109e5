/*
 * makers.c: see makers.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attest/makers.h"

#include <stdlib.h>
#include <string.h>

#include "x509/der.h"
#include "x509/name.h"

#define MAKERS_MAX 256
#define DEPTH_MAX  5

#define KU_KEY_CERT_SIGN (1u << 5)

struct maker {
    struct cert cert;
    struct crypto_pub pub;
    int is_root; /* it signed itself */
    uint8_t *der;
};

struct makers {
    struct maker list[MAKERS_MAX];
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
find_root(const struct makers *makers, const struct cert *cert, unsigned below, int64_t now)
{
    for (size_t i = 0; i < makers->count && below <= DEPTH_MAX; i++) {
        const struct maker *m = &makers->list[i], *root;
        if ((m->cert.path_length >= 0 && (unsigned)m->cert.path_length < below) ||
            (now != 0 && !is_in_time(&m->cert, now)) || !is_signed_by(cert, m))
            continue;
        root = m->is_root ? m : find_root(makers, &m->cert, below + 1, now);
        if (root != NULL)
            return root;
    }
    return NULL;
}

/* ---- Configuration ------------------------------------------------------------------ */

rs_code
makers_new(struct makers **ret_makers, struct rs_err *err)
{
    struct makers *makers = calloc(1, sizeof(*makers));

    if (makers == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "makers of chips");
    *ret_makers = makers;
    return RS_OK;
}

void
makers_free(struct makers *makers)
{
    for (size_t i = 0; makers != NULL && i < makers->count; i++)
        free(makers->list[i].der);
    free(makers);
}

size_t
makers_count(const struct makers *makers)
{
    return makers->count;
}

static int
is_known(const struct makers *makers, struct rs_bytes der)
{
    for (size_t i = 0; i < makers->count; i++) {
        if (rs_bytes_equal(makers->list[i].cert.whole, der))
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
add_maker(struct makers *makers, const char *name, struct rs_bytes der, struct rs_err *err)
{
    struct maker m = {0};
    rs_code rc;

    if (makers->count == MAKERS_MAX)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: more than %d certificates", name, MAKERS_MAX);
    if (is_known(makers, der))
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: a certificate stands twice", name);
    m.der = malloc(der.len + 1);
    if (m.der == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "makers of chips");
    memcpy(m.der, der.p, der.len);
    rc = read_maker(&m, rs_bytes_of(m.der, der.len), name, err);
    if (rc == RS_OK)
        makers->list[makers->count++] = m;
    else
        free(m.der);
    return rc;
}

rs_code
makers_add(struct makers *makers, const char *name, struct rs_bytes file, struct rs_err *err)
{
    struct rs_err why = {0};
    size_t count = 0;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    if (file.len > 4 && file.p[0] == DER_SEQUENCE && file.p[1] >= 0x80) /* no text */
        return add_maker(makers, name, file, err);
    rs_buf_init(&der, CERT_BYTES_MAX);
    while ((rc = cert_next_pem(&file, "CERTIFICATE", &der, &why)) == RS_OK) {
        rc = add_maker(makers, name, rs_buf_bytes(&der), err);
        if (rc != RS_OK)
            return rc;
        count++;
    }
    if (rc != RS_E_REQUEST_UNKNOWN)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s: %.180s", name, why.text);
    return count > 0 ? RS_OK : rs_fail(err, RS_E_CONFIG_INVALID, "%s: no certificate in it", name);
}

rs_code
makers_check(const struct makers *makers, struct rs_err *err)
{
    for (size_t i = 0; i < makers->count; i++) {
        const struct maker *m = &makers->list[i];
        char text[NAME_TEXT_MAX];
        if (m->is_root || find_root(makers, &m->cert, 1, 0) != NULL)
            continue;
        name_text(m->cert.subject, text, sizeof(text));
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "makers: \"%.100s\" leads to no certificate that signed itself", text);
    }
    return RS_OK;
}

int
makers_have_simulator(const struct makers *makers)
{
    for (size_t i = 0; i < makers->count; i++) {
        char text[NAME_TEXT_MAX];

        name_text(makers->list[i].cert.subject, text, sizeof(text));
        if (strstr(text, "SIMULATOR") != NULL)
            return 1;
    }
    return 0;
}

/* ---- Use -------------------------------------------------------------------------------- */

int
makers_stand_for(const struct makers *makers, const struct cert *cert, int64_t now)
{
    return is_in_time(cert, now) && find_root(makers, cert, 0, now) != NULL;
}

const struct cert *
makers_root(const struct makers *makers, size_t n)
{
    for (size_t i = 0; i < makers->count; i++) {
        if (makers->list[i].is_root && n-- == 0)
            return &makers->list[i].cert;
    }
    return NULL;
}
