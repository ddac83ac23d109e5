/*
 * x509_help.h: keys, requests and certificates to test with, made by OpenSSL.
 *
 * What our readers are judged by must not come from our own writers, so the
 * requests here are built and signed by libcrypto's X509_REQ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_X509_HELP_H
#define TESTS_X509_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/key.h"
#include "x509/template.h"

#define HELP_MAX 16384

struct help_der {
    uint8_t p[HELP_MAX];
    size_t len;
};

static inline struct rs_bytes
help_bytes(const struct help_der *d)
{
    return rs_bytes_of(d->p, d->len);
}

static inline struct crypto_key *
help_key(enum crypto_alg alg)
{
    struct rs_err err = {0};
    struct crypto_key *key = NULL;

    assert_int_equal(crypto_key_generate(alg, &key, &err), RS_OK);
    return key;
}

/* One extension in openssl.cnf's words; NULL-terminated list of name, value pairs. */
static inline void
help_add_extensions(X509_REQ *req, const char *const *extensions)
{
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
    for (size_t i = 0; extensions[i] != NULL; i += 2) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, extensions[i], extensions[i + 1]);
        assert_non_null(e);
        (void)sk_X509_EXTENSION_push(list, e);
    }
    assert_int_equal(X509_REQ_add_extensions(req, list), 1);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

/* A request of this key; extensions and challenge may be NULL. */
static inline void
help_request(const struct crypto_key *key, const char *const *extensions, const char *challenge,
             struct help_der *ret)
{
    X509_REQ *req = X509_REQ_new();
    EVP_PKEY *evp = crypto_key_evp(key);
    uint8_t *p = ret->p;

    assert_int_equal(X509_REQ_set_version(req, 0), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
                                                (const uint8_t *)"board-1", -1, -1, 0),
                     1);
    if (extensions != NULL)
        help_add_extensions(req, extensions);
    if (challenge != NULL)
        assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_UTF8,
                                                   (const uint8_t *)challenge, -1),
                         1);
    assert_int_equal(X509_REQ_set_pubkey(req, evp), 1);
    assert_true(
        X509_REQ_sign(req, evp, crypto_key_alg(key) == CRYPTO_ED25519 ? NULL : EVP_sha256()) > 0);
    ret->len = (size_t)i2d_X509_REQ(req, NULL);
    assert_true(ret->len <= sizeof(ret->p));
    (void)i2d_X509_REQ(req, &p);
    X509_REQ_free(req);
}

/* Build, sign and assemble a certificate of ours. */
static inline void
help_certificate(const struct template_spec *spec, const struct template_values *values,
                 const struct crypto_key *issuer, struct help_der *ret)
{
    static struct template t;
    struct rs_err err = {0};
    uint8_t room[TEMPLATE_TBS_MAX], sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    struct rs_buf out;
    size_t sig_len;

    assert_int_equal(template_compile(spec, &t, &err), RS_OK);
    assert_int_equal(template_build(&t, values, room, sizeof(room), &tbs, &err), RS_OK);
    assert_int_equal(crypto_sign(issuer, tbs, sig, sizeof(sig), &sig_len, &err), RS_OK);
    rs_buf_init_fixed(&out, ret->p, sizeof(ret->p));
    assert_int_equal(x509_assemble(tbs, spec->sig_alg, rs_bytes_of(sig, sig_len), &out, &err),
                     RS_OK);
    ret->len = out.len;
}

/* A self-signed CA of this key named CN=Test Root,O=Acme. */
static inline void
help_root(const struct crypto_key *key, struct help_der *ret)
{
    static const uint8_t serial[] = {0x7a, 1, 2, 3};
    static const uint8_t name[] = "\x30\x23\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x0c\x04"
                                  "Acme"
                                  "\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09"
                                  "Test Root";
    struct template_spec spec = {
        .sig_alg = crypto_sig_for(crypto_key_alg(key)),
        .issuer_name = rs_bytes_of(name, sizeof(name) - 1),
        .subject = rs_bytes_str("CN=Test Root,O=Acme"),
        .ski = TEMPLATE_SKI_SHA256,
        .is_ca = 1,
        .path_length = 1,
        .key_usage = 1u << 5 | 1u << 6,
    };
    struct template_values values = {
        .serial = RS_BYTES(serial),
        .not_before = 1700000000,
        .not_after = INT64_MAX,
        .pub = crypto_key_pub(key),
    };

    help_certificate(&spec, &values, key, ret);
}

/* A copy with one byte changed, or cut, in memory that ends where it ends. */
static inline uint8_t *
help_exact(struct rs_bytes bytes)
{
    uint8_t *p = malloc(bytes.len > 0 ? bytes.len : 1);

    assert_non_null(p);
    if (bytes.len > 0)
        memcpy(p, bytes.p, bytes.len);
    return p;
}

#endif /* TESTS_X509_HELP_H */
