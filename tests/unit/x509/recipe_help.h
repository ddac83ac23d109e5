/*
 * recipe_help.h: certificates with whatever is wrong with them, made by OpenSSL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RECIPE_HELP_H
#define TESTS_RECIPE_HELP_H

#include "x509_help.h"

#define RECIPE_NOW   ((time_t)1800000000)
#define RECIPE_START (RECIPE_NOW - 1000)
#define RECIPE_END   (RECIPE_NOW + 1000)

/* What a certificate of the tests is made of; NULL: no such extension. */
struct recipe {
    const char *subject;
    X509 *issuer; /* NULL: self-signed */
    EVP_PKEY *issuer_key, *key;
    time_t from, until;
    const char *constraints, *usage, *eku, *names, *unknown;
};

static inline void
recipe_extend(X509 *cert, X509 *issuer, const char *name, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    if (value == NULL)
        return;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf(NULL, &ctx, name, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

static inline X509 *
recipe_make(const struct recipe *r)
{
    static long serial = 1000;
    X509 *cert = X509_new(), *issuer = r->issuer != NULL ? r->issuer : cert;
    X509_NAME *name = X509_get_subject_name(cert);

    assert_int_equal(X509_set_version(cert, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const uint8_t *)r->subject, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer)), 1);
    ASN1_TIME_set(X509_getm_notBefore(cert), r->from);
    ASN1_TIME_set(X509_getm_notAfter(cert), r->until);
    assert_int_equal(X509_set_pubkey(cert, r->key), 1);
    recipe_extend(cert, issuer, "subjectKeyIdentifier", "hash");
    if (r->issuer != NULL)
        recipe_extend(cert, issuer, "authorityKeyIdentifier", "keyid");
    recipe_extend(cert, issuer, "basicConstraints", r->constraints);
    recipe_extend(cert, issuer, "keyUsage", r->usage);
    recipe_extend(cert, issuer, "extendedKeyUsage", r->eku);
    recipe_extend(cert, issuer, "nameConstraints", r->names);
    recipe_extend(cert, issuer, "1.2.3.4.5", r->unknown);
    assert_true(X509_sign(cert, r->issuer_key, EVP_sha256()) > 0);
    return cert;
}

/* A CA of RECIPE_START to RECIPE_END. */
static inline struct recipe
recipe_ca(const char *subject, X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key)
{
    return (struct recipe){.subject = subject,
                           .issuer = issuer,
                           .issuer_key = issuer_key,
                           .key = key,
                           .from = RECIPE_START,
                           .until = RECIPE_END,
                           .constraints = "critical,CA:TRUE",
                           .usage = "critical,keyCertSign,cRLSign"};
}

#endif /* TESTS_RECIPE_HELP_H */
