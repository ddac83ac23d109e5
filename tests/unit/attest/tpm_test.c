/*
 * tpm_test.c: a TPM's word: every rule broken once, then believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "attest/tpm.h"
#include "base/clock.h"
#include "fake_tpm.h"

static struct fake_maker maker, other;
static struct fake_tpm t;
static struct makers *roots;
static struct rs_err err;
static uint8_t nonce[32] = {7, 7, 7};

static int
make(void **state)
{
    uint8_t room[4096];

    (void)state;
    fake_maker_make(&maker);
    fake_maker_make(&other);
    fake_tpm_make(&t, &maker, 0);
    assert_int_equal(makers_new(&roots, NULL), RS_OK);
    assert_int_equal(
        makers_add(roots, "fake", fake_maker_pem(&maker, 1, 1, room, sizeof(room)), NULL), RS_OK);
    assert_int_equal(makers_check(roots, NULL), RS_OK);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    makers_free(roots);
    fake_tpm_drop(&t);
    fake_maker_drop(&maker);
    fake_maker_drop(&other);
    return 0;
}

/* err is empty again afterwards: a filled one would keep its text. */
static void
assert_says(rs_code rc, rs_code want, const char *word)
{
    if (rc != want || strstr(err.text, word) == NULL)
        fail_msg("%s (%s), not %s (%s)", rs_code_info(rc)->name, err.text, rs_code_info(want)->name,
                 word);
    memset(&err, 0, sizeof(err));
}

/* ---- Structures ---------------------------------------------------------------------------- */

static void
test_public_areas_that_are_none(void **state)
{
    uint8_t room[300];
    struct tpm_public p;
    struct rs_bytes whole = fake_tpm_iak(&t, room, sizeof(room));
    /* Offsets in TPM2B_PUBLIC: type 2, symmetric 44, scheme 46, kdf 52, x's length 54. */
    static const size_t places[] = {2, 44, 46, 52};

    (void)state;
    for (size_t cut = 0; cut < whole.len; cut++)
        assert_int_equal(tpm_public_read(rs_bytes_of(room, cut), &p, NULL), RS_E_ATTEST_INVALID);
    room[whole.len] = 0;
    assert_int_equal(tpm_public_read(rs_bytes_of(room, whole.len + 1), &p, NULL),
                     RS_E_ATTEST_INVALID);
    room[1]++; /* the area takes the byte behind it in */
    assert_int_equal(tpm_public_read(rs_bytes_of(room, whole.len + 1), &p, NULL),
                     RS_E_ATTEST_INVALID);
    room[1]--;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        room[places[i]] ^= 1;
        assert_int_equal(tpm_public_read(whole, &p, NULL), RS_E_ATTEST_INVALID);
        room[places[i]] ^= 1;
    }
    assert_int_equal(tpm_public_read(whole, &p, NULL), RS_OK);
    assert_int_equal(p.attributes, FAKE_IAK_ATTRIBUTES);
    assert_int_equal(p.x.len, 32);
}

static void
test_a_long_coordinate(void **state)
{
    uint8_t room[300], longer[302];
    struct tpm_public p;
    struct rs_bytes whole = fake_tpm_iak(&t, room, sizeof(room));

    (void)state;
    memcpy(longer, room, 56);
    longer[56] = 0; /* x with a zero in front */
    memcpy(longer + 57, room + 56, whole.len - 56);
    longer[1]++;
    longer[55]++;
    assert_int_equal(tpm_public_read(rs_bytes_of(longer, whole.len + 1), &p, NULL),
                     RS_E_ATTEST_INVALID);
}

static void
test_a_point_off_the_curve(void **state)
{
    uint8_t room[300], spki[TPM_SPKI_SIZE];
    struct tpm_public p;
    struct rs_bytes whole = fake_tpm_iak(&t, room, sizeof(room));

    (void)state;
    room[60] ^= 1;
    assert_int_equal(tpm_public_read(whole, &p, NULL), RS_OK);
    assert_int_equal(tpm_public_spki(&p, spki, NULL), RS_E_KEY_WEAK);
    p.curve = 4;
    assert_int_equal(tpm_public_spki(&p, spki, NULL), RS_E_KEY_WEAK);
}

static void
test_evidence_cut_anywhere(void **state)
{
    uint8_t room[2100];
    struct tpm_evidence e;
    struct rs_bytes whole = fake_tpm_evidence(&t, nonce, room, sizeof(room));

    (void)state;
    for (size_t cut = 0; cut < whole.len; cut++)
        assert_int_equal(tpm_evidence_read(rs_bytes_of(room, cut), &e, NULL), RS_E_ATTEST_INVALID);
    room[whole.len] = 0;
    assert_int_equal(tpm_evidence_read(rs_bytes_of(room, whole.len + 1), &e, NULL),
                     RS_E_ATTEST_INVALID);
    assert_int_equal(tpm_evidence_read(rs_bytes_of(room, sizeof(room)), &e, NULL),
                     RS_E_ATTEST_INVALID);
    assert_int_equal(tpm_evidence_read(whole, &e, NULL), RS_OK);
    assert_memory_equal(e.attest.extra.p, nonce, 32);
}

/* ---- Evidence --------------------------------------------------------------------------------- */

static rs_code
believe(const struct fake_tpm *from, const uint8_t said[32])
{
    uint8_t room[2048], iak[300], spki[100], name[TPM_NAME_SIZE];
    struct tpm_expect expect = {name, nonce, fake_tpm_spki(&t, spki, sizeof(spki))};
    struct tpm_evidence e;
    struct tpm_public p;
    rs_code rc;

    memset(&err, 0, sizeof(err));
    assert_int_equal(tpm_public_read(fake_tpm_iak(&t, iak, sizeof(iak)), &p, NULL), RS_OK);
    tpm_public_name(&p, name);
    rc = tpm_evidence_read(fake_tpm_evidence(from, said, room, sizeof(room)), &e, &err);
    return rc == RS_OK ? tpm_evidence_check(&e, &expect, &err) : rc;
}

static void
test_evidence_that_lies(void **state)
{
    uint8_t wrong[32] = {1};
    struct fake_tpm bad, stranger;

    (void)state;
    fake_tpm_make(&stranger, &maker, 0);
    bad = t;
    bad.magic ^= 1;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "magic");
    bad = t;
    bad.type = 0x8018; /* a quote */
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "type");
    bad = t;
    bad.safe = 2;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "attest");
    assert_says(believe(&t, wrong), RS_E_ATTEST_INVALID, "nonce");
    bad = t;
    bad.iak = stranger.iak;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "not the one that was activated");
    bad = t;
    bad.idevid = stranger.idevid;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "not the one of the request");
    bad = t;
    bad.attested = stranger.idevid;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "another key was certified");
    bad = t;
    bad.signs = stranger.iak;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "signature");
    fake_tpm_drop(&stranger);
    assert_int_equal(believe(&t, nonce), RS_OK);
}

/* The templates: each attribute taken away or added, policy, hash, curve. */
static void
test_keys_that_are_not_the_templates(void **state)
{
    struct fake_tpm bad;

    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        bad = t;
        bad.idevid_attributes ^= 1u << bit;
        assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "IDevID: attributes");
    }
    bad = t;
    bad.idevid_attributes &= ~2u;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "not born in that TPM");
    bad = t;
    bad.idevid_policy[31] ^= 1;
    assert_says(believe(&bad, nonce), RS_E_ATTEST_INVALID, "IDevID: its policy");
}

static rs_code
check_iak(const struct fake_tpm *from)
{
    uint8_t room[300];
    struct tpm_public p;

    memset(&err, 0, sizeof(err));
    assert_int_equal(tpm_public_read(fake_tpm_iak(from, room, sizeof(room)), &p, NULL), RS_OK);
    return tpm_check_iak(&p, &err);
}

static void
test_iaks_that_are_not_the_template(void **state)
{
    struct fake_tpm bad;

    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        bad = t;
        bad.iak_attributes ^= 1u << bit;
        assert_says(check_iak(&bad), RS_E_ATTEST_INVALID, "IAK: attributes");
    }
    bad = t;
    bad.iak_policy[0] ^= 1;
    assert_says(check_iak(&bad), RS_E_ATTEST_INVALID, "IAK: its policy");
    bad = t;
    bad.curve = 4;
    assert_says(check_iak(&bad), RS_E_ATTEST_INVALID, "IAK: its curve");
    bad = t;
    bad.hash = 0x0c;
    assert_says(check_iak(&bad), RS_E_ATTEST_INVALID, "IAK: its hash");
    assert_int_equal(check_iak(&t), RS_OK);
}

/* ---- Endorsement ------------------------------------------------------------------------------- */

static rs_code
endorse(const struct fake_cert *how)
{
    struct fake_tpm bad = t;
    struct tpm_ek ek;

    memset(&err, 0, sizeof(err));
    fake_tpm_certify(&bad, &maker, how);
    return tpm_ek_check(roots, rs_bytes_of(bad.cert, bad.cert_len), rs_now(), &ek, &err);
}

static void
test_endorsements_that_nobody_stands_for(void **state)
{
    const rs_code no = RS_E_CHIP_NOT_GENUINE;
    struct tpm_ek ek;

    (void)state;
    assert_says(tpm_ek_check(roots, rs_bytes_str("junk"), rs_now(), &ek, &err), no, "EK");
    assert_says(endorse(&(struct fake_cert){.eku = ""}), no, "purpose");
    assert_says(endorse(&(struct fake_cert){.eku = "clientAuth"}), no, "purpose");
    assert_says(endorse(&(struct fake_cert){.usage = "digitalSignature"}), no, "key usage");
    assert_says(endorse(&(struct fake_cert){.constraints = "critical,CA:TRUE"}), no, "a CA's");
    assert_says(endorse(&(struct fake_cert){.signer = other.ca_key}), no, "no TPM maker");
    assert_says(endorse(&(struct fake_cert){.signer = maker.root_key}), no, "no TPM maker");
    assert_says(endorse(&(struct fake_cert){.from_s = 3600}), no, "at this time");
    assert_says(endorse(&(struct fake_cert){.from_s = -3600, .until_s = -60}), no, "at this time");
    assert_says(endorse(&(struct fake_cert){.san = "RID:1.2.3"}), no, "subjectAltName");
    assert_int_equal(endorse(&(struct fake_cert){.san = ""}), RS_OK);
    assert_int_equal(endorse(&(struct fake_cert){.usage = ""}), RS_OK);
    assert_int_equal(endorse(&(struct fake_cert){0}), RS_OK);
    /* In time itself, and its maker's certificates are not. */
    assert_says(tpm_ek_check(roots, rs_bytes_of(t.cert, t.cert_len), rs_now() - 1800, &ek, &err),
                no, "at this time");
    assert_int_equal(tpm_ek_check(roots, rs_bytes_of(t.cert, t.cert_len), rs_now(), &ek, &err),
                     RS_OK);
    assert_int_equal(ek.maker.len, 11);
    assert_memory_equal(ek.maker.p, "id:46414B45", 11);
}

static void
test_keys_no_credential_is_made_for(void **state)
{
    struct fake_tpm big = t;
    struct tpm_ek ek;
    const struct fake_cert how = {0};

    (void)state;
    big.ek = EVP_EC_gen("P-384");
    fake_tpm_certify(&big, &maker, &how);
    assert_says(tpm_ek_check(roots, rs_bytes_of(big.cert, big.cert_len), rs_now(), &ek, &err),
                RS_E_CHIP_NOT_GENUINE, "p384");
    EVP_PKEY_free(big.ek);
}

/* A CA whose own certificate allows no CA below it, and one whose time is over. */
static void
test_paths_that_are_too_long_or_too_old(void **state)
{
    uint8_t room[4096];
    struct makers *r;
    struct tpm_ek ek;

    (void)state;
    assert_int_equal(makers_new(&r, NULL), RS_OK);
    assert_int_equal(makers_add(r, "f", fake_maker_pem(&other, 1, 1, room, sizeof(room)), NULL),
                     RS_OK);
    assert_int_equal(tpm_ek_check(r, rs_bytes_of(t.cert, t.cert_len), rs_now(), &ek, NULL),
                     RS_E_CHIP_NOT_GENUINE);
    makers_free(r);
    /* The CA may have none below it, so nothing leads from the one below to the root. */
    struct fake_maker below;
    fake_maker_make_below(&below, &maker);
    assert_int_equal(makers_new(&r, NULL), RS_OK);
    assert_int_equal(makers_add(r, "f", fake_maker_pem(&maker, 1, 1, room, sizeof(room)), NULL),
                     RS_OK);
    assert_int_equal(makers_add(r, "f", fake_maker_pem(&below, 0, 1, room, sizeof(room)), NULL),
                     RS_OK);
    assert_int_equal(makers_check(r, NULL), RS_E_CONFIG_INVALID);
    struct fake_tpm deep = t;
    fake_tpm_certify(&deep, &below, &(struct fake_cert){0});
    assert_int_equal(tpm_ek_check(r, rs_bytes_of(deep.cert, deep.cert_len), rs_now(), &ek, NULL),
                     RS_E_CHIP_NOT_GENUINE);
    fake_maker_drop(&below);
    makers_free(r);
    /* Ten years and a day later the EK still may be good, its makers are not. */
    memset(&err, 0, sizeof(err));
    struct fake_tpm late = t;
    fake_tpm_certify(&late, &maker, &(struct fake_cert){.until_s = 86400L * 9000});
    assert_says(tpm_ek_check(roots, rs_bytes_of(late.cert, late.cert_len),
                             rs_now() + 86400LL * 3651, &ek, &err),
                RS_E_CHIP_NOT_GENUINE, "no TPM maker");
}

static rs_code
add(struct makers *r, struct rs_bytes pem)
{
    memset(&err, 0, sizeof(err));
    return makers_add(r, "roots.pem", pem, &err);
}

static void
test_roots_that_are_not_taken(void **state)
{
    uint8_t room[4096], text[4096];
    struct makers *r;
    struct rs_buf b;

    (void)state;
    assert_int_equal(makers_new(&r, NULL), RS_OK);
    assert_says(add(r, rs_bytes_str("nothing")), RS_E_CONFIG_INVALID, "no certificate");
    assert_says(add(r, rs_bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n")), RS_E_CONFIG_INVALID,
                "malformed");
    assert_says(
        add(r, rs_bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        RS_E_CONFIG_INVALID, "strict DER");
    rs_buf_init_fixed(&b, text, sizeof(text));
    rs_buf_put_str(&b, "-----BEGIN CERTIFICATE-----\n");
    rs_base64_put(&b, rs_bytes_of(t.cert, t.cert_len), 64);
    rs_buf_put_str(&b, "-----END CERTIFICATE-----\n");
    assert_says(add(r, rs_buf_bytes(&b)), RS_E_CONFIG_INVALID, "no CA's");
    assert_int_equal(add(r, fake_maker_pem(&maker, 0, 1, room, sizeof(room))), RS_OK);
    assert_says(add(r, fake_maker_pem(&maker, 0, 1, room, sizeof(room))), RS_E_CONFIG_INVALID,
                "twice");
    assert_says(makers_check(r, &err), RS_E_CONFIG_INVALID, "leads to no certificate");
    memset(&err, 0, sizeof(err));
    assert_int_equal(add(r, fake_maker_pem(&maker, 1, 0, room, sizeof(room))), RS_OK);
    assert_int_equal(makers_check(r, &err), RS_OK);
    assert_int_equal(makers_count(r), 2);
    makers_free(r);
    makers_free(NULL);
}

/* ---- Credentials --------------------------------------------------------------------------------- */

static void
open_credential(int rsa)
{
    uint8_t room[TPM_CREDENTIAL_MAX], iak[300], name[TPM_NAME_SIZE], got[32];
    uint8_t secret[TPM_SECRET_SIZE];
    struct fake_tpm mine, second;
    struct tpm_public p;
    struct tpm_ek ek;
    struct rs_buf b;

    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(i * 5);
    fake_tpm_make(&mine, &maker, rsa);
    assert_int_equal(
        tpm_ek_check(roots, rs_bytes_of(mine.cert, mine.cert_len), rs_now(), &ek, NULL), RS_OK);
    assert_int_equal(tpm_public_read(fake_tpm_iak(&mine, iak, sizeof(iak)), &p, NULL), RS_OK);
    tpm_public_name(&p, name);
    rs_buf_init_fixed(&b, room, sizeof(room));
    assert_int_equal(tpm_make_credential(&ek.pub, name, secret, &b, NULL), RS_OK);
    second = mine;
    second.ek = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    assert_false(fake_tpm_activate(&second, rs_buf_bytes(&b), got)); /* another endorsement */
    EVP_PKEY_free(second.ek);
    second = mine;
    second.iak_attributes ^= 0x400; /* the same key with another name */
    assert_false(fake_tpm_activate(&second, rs_buf_bytes(&b), got));
    for (size_t i = 0; i < b.len; i += 7) { /* nothing of it can be changed */
        room[i] ^= 1;
        assert_false(fake_tpm_activate(&mine, rs_buf_bytes(&b), got) &&
                     memcmp(got, secret, 32) == 0 && i < 70);
        room[i] ^= 1;
    }
    assert_true(fake_tpm_activate(&mine, rs_buf_bytes(&b), got));
    assert_memory_equal(got, secret, 32);
    fake_tpm_drop(&mine);
}

static void
test_credentials(void **state)
{
    (void)state;
    open_credential(1);
    open_credential(0);
}

static void
test_no_credential_for_other_keys(void **state)
{
    uint8_t spki[200], room[512], name[TPM_NAME_SIZE] = {0}, secret[32] = {0};
    EVP_PKEY *key = EVP_EC_gen("P-384");
    uint8_t *at = spki;
    int len = i2d_PUBKEY(key, &at);
    struct crypto_pub pub;
    struct rs_buf b;

    (void)state;
    rs_buf_init_fixed(&b, room, sizeof(room));
    assert_int_equal(crypto_pub_read(rs_bytes_of(spki, (size_t)len), &pub, NULL), RS_OK);
    assert_int_equal(tpm_make_credential(&pub, name, secret, &b, NULL), RS_E_CHIP_NOT_GENUINE);
    EVP_PKEY_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_areas_that_are_none),
        cmocka_unit_test(test_a_long_coordinate),
        cmocka_unit_test(test_a_point_off_the_curve),
        cmocka_unit_test(test_evidence_cut_anywhere),
        cmocka_unit_test(test_evidence_that_lies),
        cmocka_unit_test(test_keys_that_are_not_the_templates),
        cmocka_unit_test(test_iaks_that_are_not_the_template),
        cmocka_unit_test(test_endorsements_that_nobody_stands_for),
        cmocka_unit_test(test_keys_no_credential_is_made_for),
        cmocka_unit_test(test_paths_that_are_too_long_or_too_old),
        cmocka_unit_test(test_roots_that_are_not_taken),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_no_credential_for_other_keys),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
