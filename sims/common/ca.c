/*
 * ca.c: see ca.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"

#define FORMAT     "rot-sim ca 1"
#define FILE_MAX   16384
#define KEY_MAX    256 /* PKCS#8 of a key on P-256 */
#define CERT_MAX   1024
#define CA_YEARS   40
#define PART_YEARS 30
#define NAME_SIZE  64

struct held {
    EVP_PKEY *key;
    uint8_t der[CERT_MAX];
    size_t der_len;
};

struct sim_ca {
    char vendor[32];
    struct held root, signer;
};

static rs_code
fail(struct rs_err *err, const char *what)
{
    return rs_fail(err, RS_E_CRYPTO_FAILED, "simulator: the maker's CA: %s", what);
}

/* ---- Certificates -------------------------------------------------------------------- */

struct wanted {
    const char *name;
    EVP_PKEY *key;
    const struct held *issuer; /* NULL: itself */
    EVP_PKEY *by;
    int path_len;           /* -1: no CA */
    struct rs_bytes serial; /* empty: a random one */
};

static int
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    int ok;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static int
set_name(X509 *x, const char *text)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)text, -1, -1, 0) == 1;
}

static int
set_serial(X509 *x, struct rs_bytes given)
{
    BIGNUM *bn = BN_new();
    int ok = bn != NULL &&
             (given.len > 0 ? BN_bin2bn(given.p, (int)given.len, bn) != NULL
                            : BN_rand(bn, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1) &&
             BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;

    BN_free(bn);
    return ok;
}

static int
fill(X509 *x, X509 *issuer, const struct wanted *w)
{
    int years = w->path_len >= 0 ? CA_YEARS : PART_YEARS;
    char basic[48];

    if (w->path_len >= 0)
        (void)snprintf(basic, sizeof(basic), "critical,CA:TRUE,pathlen:%d", w->path_len);
    else
        (void)snprintf(basic, sizeof(basic), "critical,CA:FALSE");
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x, w->serial) &&
           ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(rs_now() - 3600)) != NULL &&
           ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)rs_now(), years * 365, 0) != NULL &&
           X509_set_pubkey(x, w->key) == 1 && set_name(x, w->name) &&
           X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
           add_extension(x, issuer, NID_basic_constraints, basic) &&
           add_extension(x, issuer, NID_key_usage,
                         w->path_len >= 0 ? "critical,keyCertSign,cRLSign"
                                          : "critical,digitalSignature") &&
           add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
           (issuer == x || add_extension(x, issuer, NID_authority_key_identifier, "keyid")) &&
           X509_sign(x, w->by, EVP_sha256()) > 0;
}

static rs_code
make_cert(const struct wanted *w, struct rs_buf *der, struct rs_err *err)
{
    const unsigned char *at = w->issuer != NULL ? w->issuer->der : NULL;
    X509 *x = X509_new();
    X509 *issuer = w->issuer != NULL ? d2i_X509(NULL, &at, (long)w->issuer->der_len) : x;
    unsigned char *out = NULL;
    int len = -1;

    if (x != NULL && issuer != NULL && fill(x, issuer, w))
        len = i2d_X509(x, &out);
    if (len > 0)
        rs_buf_put(der, out, (size_t)len);
    OPENSSL_free(out);
    if (issuer != x)
        X509_free(issuer);
    X509_free(x);
    return len > 0 && rs_buf_ok(der) ? RS_OK : fail(err, "a certificate could not be made");
}

static rs_code
certify(struct held *h, const char *vendor, const char *what, const struct held *issuer,
        struct rs_err *err)
{
    char name[NAME_SIZE];
    struct wanted w = {.name = name,
                       .key = h->key,
                       .issuer = issuer,
                       .by = issuer != NULL ? issuer->key : h->key,
                       .path_len = issuer != NULL ? 0 : 1};
    struct rs_buf der;
    rs_code rc;

    (void)snprintf(name, sizeof(name), "SIMULATOR %s %s", vendor, what);
    rs_buf_init_fixed(&der, h->der, sizeof(h->der));
    rc = make_cert(&w, &der, err);
    h->der_len = der.len;
    return rc;
}

/* ---- The file ------------------------------------------------------------------------- */

static rs_code
read_held(const json_t *object, const char *what, struct held *h, struct rs_err *err)
{
    uint8_t key[KEY_MAX];
    const unsigned char *at = key;
    char name[32];
    size_t len = 0;
    rs_code rc;

    (void)snprintf(name, sizeof(name), "%s_key", what);
    rc = rs_json_hex(object, name, key, sizeof(key), &len, err);
    if (rc == RS_OK) {
        h->key = d2i_AutoPrivateKey(NULL, &at, (long)len);
        rs_wipe(key, sizeof(key));
        (void)snprintf(name, sizeof(name), "%s_certificate", what);
        rc = h->key == NULL ? fail(err, "a key of its file is no key")
                            : rs_json_hex(object, name, h->der, sizeof(h->der), &h->der_len, err);
    }
    return rc;
}

static rs_code
read_ca(const char *path, struct sim_ca *ca, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_json_done) json_t *object = NULL;
    rs_code rc;

    rs_buf_init(&text, FILE_MAX);
    text.secret = 1;
    rc = rs_file_read(path, FILE_MAX, &text, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&text), &object, err);
    if (rc == RS_OK)
        rc = read_held(object, "root", &ca->root, err);
    if (rc == RS_OK)
        rc = read_held(object, "signer", &ca->signer, err);
    return rc;
}

static void
put_hex(struct rs_buf *out, const char *name, struct rs_bytes bytes, const char *end)
{
    rs_buf_printf(out, "  \"%s\": \"", name);
    for (size_t i = 0; i < bytes.len; i++)
        rs_buf_printf(out, "%02x", bytes.p[i]);
    rs_buf_printf(out, "\"%s\n", end);
}

static rs_code
put_held(struct rs_buf *out, const char *what, const struct held *h, const char *end,
         struct rs_err *err)
{
    unsigned char *key = NULL;
    int len = i2d_PrivateKey(h->key, &key);
    char name[32];

    if (len <= 0)
        return fail(err, "a key could not be written");
    (void)snprintf(name, sizeof(name), "%s_key", what);
    put_hex(out, name, rs_bytes_of(key, (size_t)len), ",");
    OPENSSL_clear_free(key, (size_t)len);
    (void)snprintf(name, sizeof(name), "%s_certificate", what);
    put_hex(out, name, rs_bytes_of(h->der, h->der_len), end);
    return rs_buf_ok(out) ? RS_OK : fail(err, "its file is too long");
}

/* The certificates that people put into their trust stores. */
static rs_code
write_cert(const char *dir, const char *vendor, const char *what, const struct held *h,
           struct rs_err *err)
{
    char name[NAME_SIZE], path[512];
    rs_code rc;

    (void)snprintf(name, sizeof(name), "simulator-%s-%s.der", vendor, what);
    rc = rs_path_join(dir, name, path, sizeof(path), err);
    return rc == RS_OK ? rs_file_replace(path, rs_bytes_of(h->der, h->der_len), 0644, err) : rc;
}

static rs_code
write_ca(const char *dir, const char *path, const struct sim_ca *ca, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_code rc;

    rs_buf_init(&text, FILE_MAX);
    text.secret = 1;
    rs_buf_put_str(&text, "{\n  \"format\": \"" FORMAT "\",\n");
    rc = put_held(&text, "root", &ca->root, ",", err);
    if (rc == RS_OK)
        rc = put_held(&text, "signer", &ca->signer, "", err);
    rs_buf_put_str(&text, "}\n");
    if (rc == RS_OK)
        rc = write_cert(dir, ca->vendor, "root", &ca->root, err);
    if (rc == RS_OK)
        rc = write_cert(dir, ca->vendor, "signer", &ca->signer, err);
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&text), 0600, err) : rc;
}

/* ---- The CA ----------------------------------------------------------------------------- */

static rs_code
draw_ca(struct sim_ca *ca, struct rs_err *err)
{
    rs_code rc;

    ca->root.key = EVP_EC_gen("P-256");
    ca->signer.key = EVP_EC_gen("P-256");
    if (ca->root.key == NULL || ca->signer.key == NULL)
        return fail(err, "no keys");
    rc = certify(&ca->root, ca->vendor, "root", NULL, err);
    return rc == RS_OK ? certify(&ca->signer, ca->vendor, "signer", &ca->root, err) : rc;
}

static rs_code
open_in(const char *dir, struct sim_ca *ca, struct rs_err *err)
{
    char name[NAME_SIZE], path[512];
    rs_code rc;

    (void)snprintf(name, sizeof(name), "simulator-%s.json", ca->vendor);
    rc = rs_path_join(dir, name, path, sizeof(path), err);
    if (rc == RS_OK && rs_path_exists(path))
        return read_ca(path, ca, err);
    if (rc == RS_OK)
        rc = draw_ca(ca, err);
    return rc == RS_OK ? write_ca(dir, path, ca, err) : rc;
}

rs_code
sim_ca_open(const char *dir, const char *vendor, struct sim_ca **ret_ca, struct rs_err *err)
{
    struct sim_ca *ca = calloc(1, sizeof(*ca));
    rs_code rc;

    if (ca == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a maker's CA");
    (void)snprintf(ca->vendor, sizeof(ca->vendor), "%s", vendor);
    rc = dir != NULL ? open_in(dir, ca, err) : draw_ca(ca, err);
    if (rc == RS_OK)
        *ret_ca = ca;
    else
        sim_ca_free(ca);
    return rc;
}

void
sim_ca_free(struct sim_ca *ca)
{
    if (ca == NULL)
        return;
    EVP_PKEY_free(ca->root.key);
    EVP_PKEY_free(ca->signer.key);
    free(ca);
}

struct rs_bytes
sim_ca_root(const struct sim_ca *ca)
{
    return rs_bytes_of(ca->root.der, ca->root.der_len);
}

struct rs_bytes
sim_ca_signer(const struct sim_ca *ca)
{
    return rs_bytes_of(ca->signer.der, ca->signer.der_len);
}

/* NULL: not on the curve. */
static EVP_PKEY *
key_of_point(const uint8_t point[64])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    uint8_t octets[65] = {4};

    memcpy(octets + 1, point, 64);
    if (ctx != NULL && b != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)) == 1)
        params = OSSL_PARAM_BLD_to_param(b);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

rs_code
sim_ca_issue_numbered(struct sim_ca *ca, const char *name, struct rs_bytes serial,
                      const uint8_t point[64], struct rs_buf *der, struct rs_err *err)
{
    char full[NAME_SIZE];
    struct wanted w = {.name = full,
                       .key = key_of_point(point),
                       .issuer = &ca->signer,
                       .by = ca->signer.key,
                       .path_len = -1,
                       .serial = serial};
    rs_code rc;

    (void)snprintf(full, sizeof(full), "SIMULATOR %s", name);
    rc = w.key == NULL ? fail(err, "a part's key is not on its curve") : make_cert(&w, der, err);
    EVP_PKEY_free(w.key);
    return rc;
}

rs_code
sim_ca_issue(struct sim_ca *ca, const char *name, const uint8_t point[64], struct rs_buf *der,
             struct rs_err *err)
{
    return sim_ca_issue_numbered(ca, name, rs_bytes_of(NULL, 0), point, der, err);
}
