/*
 * path_test.c: which clients' certificates pass without the library.
 *
 * Certificates are made by OpenSSL, and OpenSSL is the judge: what passes here must
 * pass X509_verify_cert() for a client at any time in the window, and at none outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recipe_help.h"

#include <stdlib.h>

#include <openssl/x509_vfy.h>

#include "x509/path.h"

#define NOW   RECIPE_NOW
#define START RECIPE_START
#define END   RECIPE_END

static EVP_PKEY *root_key, *ca_key, *other_key, *leaf_key;
static X509 *root, *ca;

static struct recipe
a_leaf(void)
{
    return (struct recipe){.subject = "board-1",
                           .issuer = ca,
                           .issuer_key = ca_key,
                           .key = leaf_key,
                           .from = NOW - 100,
                           .until = NOW + 100,
                           .constraints = "critical,CA:FALSE",
                           .usage = "critical,digitalSignature",
                           .eku = "clientAuth"};
}

static struct help_der
der_of(X509 *cert)
{
    struct help_der d;
    uint8_t *p = d.p;

    d.len = (size_t)i2d_X509(cert, NULL);
    assert_true(d.len <= sizeof(d.p));
    (void)i2d_X509(cert, &p);
    return d;
}

/* The library's answer, at this time. */
static int
library_says(X509 *const *cas, size_t count, X509 *leaf, time_t now)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int ok;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(X509_STORE_add_cert(store, cas[i]), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
    X509_STORE_CTX_set_time(ctx, 0, now);
    assert_int_equal(X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT), 1);
    ok = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return ok;
}

static int
path_says(X509 *const *cas, size_t count, struct rs_bytes leaf, struct path_window *w)
{
    static struct help_der ders[4];
    struct rs_bytes list[4];
    struct path_trust *trust;
    int ok;

    for (size_t i = 0; i < count; i++) {
        ders[i] = der_of(cas[i]);
        list[i] = help_bytes(&ders[i]);
    }
    assert_int_equal(path_trust_new(list, count, &trust, NULL), RS_OK);
    memset(ders, 0, sizeof(ders)); /* it has copies */
    ok = path_check_client(trust, leaf, w);
    path_trust_free(trust);
    return ok;
}

/* What passes here passes there, within the window and nowhere else. */
static int
check(X509 *const *cas, size_t count, X509 *leaf)
{
    struct help_der d = der_of(leaf);
    struct path_window w;

    if (!path_says(cas, count, help_bytes(&d), &w))
        return 0;
    assert_true(library_says(cas, count, leaf, (time_t)w.from));
    assert_true(library_says(cas, count, leaf, (time_t)w.until - 1));
    assert_false(library_says(cas, count, leaf, (time_t)w.from - 1));
    assert_false(library_says(cas, count, leaf, (time_t)w.until));
    return 1;
}

static int
check_recipe(const struct recipe *r)
{
    X509 *const cas[] = {root, ca};
    X509 *leaf = recipe_make(r);
    int ok = check(cas, 2, leaf);

    X509_free(leaf);
    return ok;
}

static int
set_up(void **state)
{
    struct recipe r;

    (void)state;
    root_key = EVP_EC_gen("P-256");
    ca_key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    leaf_key = EVP_EC_gen("P-256");
    r = recipe_ca("root", NULL, root_key, root_key);
    root = recipe_make(&r);
    r = recipe_ca("devices", root, root_key, ca_key);
    ca = recipe_make(&r);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    X509_free(ca);
    X509_free(root);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(root_key);
    return 0;
}

/* ---- Refusals ---------------------------------------------------------------------------- */

static void
refuses_other_signers(void **state)
{
    struct recipe r = a_leaf(), stranger = recipe_ca("devices", NULL, other_key, other_key);

    (void)state;
    r.issuer_key = other_key; /* our CA's name and key identifier, another key's signature */
    assert_false(check_recipe(&r));
    r.issuer = recipe_make(&stranger); /* the same name, another CA */
    assert_false(check_recipe(&r));
    X509_free(r.issuer);
}

static void
refuses_other_purposes(void **state)
{
    static const char *const ekus[] = {"serverAuth", "OCSPSigning", "anyExtendedKeyUsage",
                                       "1.2.3.4.5.6"};
    struct recipe r = a_leaf();

    (void)state;
    for (size_t i = 0; i < sizeof(ekus) / sizeof(ekus[0]); i++) {
        r.eku = ekus[i];
        assert_false(check_recipe(&r));
    }
    r = a_leaf();
    r.usage = "critical,keyEncipherment";
    assert_false(check_recipe(&r));
}

static void
refuses_a_ca_as_client(void **state)
{
    struct recipe r = a_leaf();

    (void)state;
    r.constraints = "critical,CA:TRUE";
    assert_false(check_recipe(&r));
    r = a_leaf();
    r.usage = "critical,digitalSignature,keyCertSign";
    assert_false(check_recipe(&r));
}

static void
refuses_unknown_critical(void **state)
{
    struct recipe r = a_leaf();

    (void)state;
    r.unknown = "critical,DER:05:00";
    assert_false(check_recipe(&r));
    r.unknown = "DER:05:00";
    assert_true(check_recipe(&r));
}

/* Any bit of the certificate: another signature, another content, or no certificate at all. */
static void
refuses_any_changed_bit(void **state)
{
    X509 *const cas[] = {root, ca};
    struct recipe r = a_leaf();
    X509 *leaf = recipe_make(&r);
    struct help_der d = der_of(leaf);
    struct path_window w;

    (void)state;
    assert_true(path_says(cas, 2, help_bytes(&d), &w));
    for (size_t i = 0; i < d.len; i++) {
        d.p[i] ^= (uint8_t)(1u << i % 8);
        assert_false(path_says(cas, 2, help_bytes(&d), &w));
        d.p[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < d.len; len += 7)
        assert_false(path_says(cas, 2, rs_bytes_of(d.p, len), &w));
    X509_free(leaf);
}

static void
refuses_weak_keys(void **state)
{
    struct recipe r = a_leaf();

    (void)state;
    r.key = EVP_EC_gen("P-224");
    assert_false(check_recipe(&r));
    EVP_PKEY_free(r.key);
    r.key = EVP_RSA_gen(1024);
    assert_false(check_recipe(&r));
    EVP_PKEY_free(r.key);
}

/* The leaf is right; its CA is none of ours, or may not do this. */
static int
check_under(const struct recipe *of_ca)
{
    struct recipe r = a_leaf();
    X509 *under = recipe_make(of_ca), *cas[] = {root, under}, *leaf;
    int ok;

    r.issuer = under;
    leaf = recipe_make(&r);
    ok = check(cas, 2, leaf);
    X509_free(leaf);
    X509_free(under);
    return ok;
}

static void
refuses_what_hangs_under_no_good_ca(void **state)
{
    struct recipe r = recipe_ca("devices", root, root_key, ca_key);

    (void)state;
    assert_true(check_under(&r));
    r.constraints = "critical,CA:FALSE";
    assert_false(check_under(&r));
    r.constraints = NULL;
    assert_false(check_under(&r));
    r = recipe_ca("devices", root, root_key, ca_key);
    r.usage = "critical,cRLSign";
    assert_false(check_under(&r));
    r = recipe_ca("devices", root, root_key, ca_key);
    r.eku = "serverAuth";
    assert_false(check_under(&r));
    r = recipe_ca("devices", root, root_key, ca_key);
    r.unknown = "critical,DER:05:00";
    assert_false(check_under(&r));
    r = recipe_ca("devices", root, other_key, ca_key); /* not signed by the root */
    assert_false(check_under(&r));
    r = recipe_ca("devices", root, root_key, ca_key);
    r.names = "critical,permitted;DNS:example.org";
    assert_false(check_under(&r));
}

static void
refuses_a_ca_without_its_root(void **state)
{
    X509 *const cas[] = {ca};
    struct recipe r = a_leaf();
    X509 *leaf = recipe_make(&r);

    (void)state;
    assert_false(check(cas, 1, leaf));
    X509_free(leaf);
}

static void
refuses_a_path_that_is_too_long(void **state)
{
    struct recipe r = recipe_ca("short root", NULL, root_key, root_key), leaf_recipe = a_leaf();
    X509 *cas[3], *leaf;

    (void)state;
    r.constraints = "critical,CA:TRUE,pathlen:0";
    cas[0] = recipe_make(&r);
    r = recipe_ca("under it", cas[0], root_key, ca_key);
    cas[1] = recipe_make(&r);
    leaf_recipe.issuer = cas[1];
    leaf = recipe_make(&leaf_recipe);
    assert_false(check(cas, 2, leaf));
    X509_free(leaf);
    leaf_recipe.issuer = cas[0]; /* directly under it: long enough */
    leaf_recipe.issuer_key = root_key;
    leaf = recipe_make(&leaf_recipe);
    assert_true(check(cas, 2, leaf));
    X509_free(leaf);
    X509_free(cas[1]);
    X509_free(cas[0]);
}

/* ---- Windows ----------------------------------------------------------------------------- */

static void
window_is_that_of_the_whole_path(void **state)
{
    X509 *const cas[] = {ca, root}; /* in any order */
    struct recipe r = a_leaf();
    struct path_window w;
    struct help_der d;
    X509 *leaf = recipe_make(&r);

    (void)state;
    d = der_of(leaf);
    assert_true(path_says(cas, 2, help_bytes(&d), &w));
    assert_int_equal(w.from, NOW - 100);
    assert_int_equal(w.until, NOW + 100);
    X509_free(leaf);
    r.from = START - 500;
    r.until = END + 500; /* outlives its CA */
    leaf = recipe_make(&r);
    d = der_of(leaf);
    assert_true(path_says(cas, 2, help_bytes(&d), &w));
    assert_int_equal(w.from, START);
    assert_int_equal(w.until, END);
    X509_free(leaf);
}

static void
passes_clients_of_every_kind(void **state)
{
    struct recipe r = a_leaf();

    (void)state;
    assert_true(check_recipe(&r));
    r.eku = NULL;
    assert_true(check_recipe(&r));
    r.usage = NULL;
    assert_true(check_recipe(&r));
    r.eku = "serverAuth,clientAuth";
    r.constraints = NULL;
    assert_true(check_recipe(&r));
    r.key = EVP_RSA_gen(2048);
    assert_true(check_recipe(&r));
    EVP_PKEY_free(r.key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_other_signers),
        cmocka_unit_test(refuses_other_purposes),
        cmocka_unit_test(refuses_a_ca_as_client),
        cmocka_unit_test(refuses_unknown_critical),
        cmocka_unit_test(refuses_any_changed_bit),
        cmocka_unit_test(refuses_weak_keys),
        cmocka_unit_test(refuses_what_hangs_under_no_good_ca),
        cmocka_unit_test(refuses_a_ca_without_its_root),
        cmocka_unit_test(refuses_a_path_that_is_too_long),
        cmocka_unit_test(window_is_that_of_the_whole_path),
        cmocka_unit_test(passes_clients_of_every_kind),
    };

    return cmocka_run_group_tests_name("x509/path", tests, set_up, tear_down);
}
