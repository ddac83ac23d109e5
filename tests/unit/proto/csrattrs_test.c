/*
 * csrattrs_test.c: what we say that we want is what we take: a request that follows
 * our answer to the letter is accepted, for every profile that is enrolled for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/csr.h"
#include "msg/csrattrs.h"
#include "proto/est.h"
#include "x509/name.h"

static struct pk k;
static struct pk_got got;

static int
make(void **state)
{
    (void)state;
    pk_make(&k);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    pk_drop(&k);
    return 0;
}

/* What the server says under this label to this caller; lives until the next call. */
static const struct csrattrs *
ask(const struct pki_caller *caller, const char *label, int linking)
{
    static struct csrattrs attrs;
    static struct rs_buf der;
    struct pki_label found;
    struct rs_err err = {0};

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    rs_buf_done(&der);
    rs_buf_init(&der, CSRATTRS_BYTES_MAX);
    if (pki_find_label(k.pki, label, &arena, &found, &err) != RS_OK ||
        est_csrattrs(caller, &found, linking, &arena, &der, &err) != RS_OK ||
        csrattrs_read(rs_buf_bytes(&der), &attrs, &err) != RS_OK)
        fail_msg("no csrattrs of \"%s\": %s", label, err.text);
    return &attrs;
}

/* Ask for a certificate with a request that has what the server wants, and nothing else. */
static rs_code
enrol(const struct pki_caller *caller, const char *label, struct client_csr *csr,
      struct crypto_key *key)
{
    static struct rs_arena arena; /* csr points into it until the next call */
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_arena_done(&arena);
    rs_arena_init(&arena, 65536);
    rs_buf_init(&der, 8192);
    csr->spki = crypto_key_pub(key)->spki;
    csr->sig = crypto_sig_for(crypto_key_alg(key));
    rc = client_csr_follow(csr, ask(caller, label, 0), &arena, &err);
    if (rc == RS_OK)
        rc = client_csr_build(csr, client_sign_with_key, key, &der, &err);
    if (rc != RS_OK)
        fail_msg("no request for %s: %s", label, err.text);
    rc = pk_ask(&k, caller, label, rs_buf_bytes(&der), &got);
    if (rc != RS_OK)
        fail_msg("%s refused what it wanted: %s", label, got.err.text);
    return rc;
}

static void
test_a_label_that_nothing_has(void **state)
{
    struct pki_label found;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    (void)state;
    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_find_label(k.pki, "nothing", &arena, &found, NULL), RS_E_PROFILE_UNKNOWN);
    assert_int_equal(pki_find_label(k.pki, "unlisted", &arena, &found, NULL), RS_E_ISSUER_UNKNOWN);
}

static void
test_challenge_is_wanted_where_it_is_demanded(void **state)
{
    struct pki_caller nobody = pk_caller(PKI_NOBODY, "");

    (void)state;
    assert_int_equal(ask(&nobody, "ldevid", 0)->challenge, 0);
    assert_int_equal(ask(&nobody, "ldevid", 1)->challenge, 1);
}

static void
test_names_are_for_those_who_have_them(void **state)
{
    struct pki_caller nobody = pk_caller(PKI_NOBODY, ""), device = pk_caller(PKI_DEVICE, "X-7");
    const struct csrattrs *a = ask(&nobody, "", 0);

    (void)state;
    assert_int_equal(a->rdn_count, 2);
    assert_int_equal(a->rdns[1].tag, 0); /* the CN is the device's to fill in */
    a = ask(&device, "", 0);
    assert_true(rs_bytes_equal(a->rdns[1].value, rs_bytes_str("X-7")));
}

static void
test_a_board_follows_its_order(void **state)
{
    static const uint8_t type[] = {0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 7};
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct client_csr csr = {
        .serial = "X-1", .hardware_type = RS_BYTES(type), .chip_uid = rs_bytes_str("uid-1")};
    struct crypto_key *key = pk_key();

    (void)state;
    assert_int_equal(enrol(&station, "o-1", &csr, key), RS_OK);
    crypto_key_free(key);
}

static void
test_a_device_follows_the_profile(void **state)
{
    struct pki_caller device = pk_caller(PKI_DEVICE, "X-1");
    struct client_csr csr = {.serial = "X-1"};
    struct crypto_key *key = pk_key();

    (void)state;
    assert_int_equal(enrol(&device, "ldevid", &csr, key), RS_OK);
    /* What was wanted is what it got. */
    assert_true(name_equal(got.cert.subject, csr.subject));
    crypto_key_free(key);
}

static void
test_people_follow_the_others(void **state)
{
    static const char *const labels[] = {"station", "person", "tls-server"};
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct client_csr csr = {.cn = "a.acme.example"};
        struct crypto_key *key = pk_key();
        assert_int_equal(enrol(&person, labels[i], &csr, key), RS_OK);
        crypto_key_free(key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_label_that_nothing_has),
        cmocka_unit_test(test_challenge_is_wanted_where_it_is_demanded),
        cmocka_unit_test(test_names_are_for_those_who_have_them),
        cmocka_unit_test(test_a_board_follows_its_order),
        cmocka_unit_test(test_a_device_follows_the_profile),
        cmocka_unit_test(test_people_follow_the_others),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
