/*
 * issue_test.c: what the signer refuses to sign, whatever the front asks, and
 * what a certificate looks like when it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "x509/cert.h"

static struct ca ca;

static int
group_make(void **state)
{
    (void)state;
    ca_make(&ca);
    ca_order(&ca, "o-1", 1000);
    return 0;
}

static int
group_drop(void **state)
{
    (void)state;
    ca_drop(&ca);
    return 0;
}

/* Issue and read; the DER lives until the next call. */
static rs_code
issue(const struct proto_issue *m, struct cert *ret_cert)
{
    static uint8_t room[CERT_BYTES_MAX];
    struct rs_err err = {0};
    struct rs_buf der;
    rs_code rc;

    rs_buf_init_fixed(&der, room, sizeof(room));
    rc = ca_issue(&ca, m, &der, &err);
    if (rc == RS_OK)
        rc = cert_read(rs_buf_bytes(&der), ret_cert, &err);
    return rc;
}

static rs_code
issue_only(const struct proto_issue *m)
{
    struct cert cert;

    return issue(m, &cert);
}

/* ---- What must be known ------------------------------------------------------------------ */

static void
test_unknown_issuer_and_tenant(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "station", hash);
    m.issuer = rs_bytes_str("acme-other");
    assert_int_equal(issue_only(&m), RS_E_ISSUER_UNKNOWN);
    ca_claim(&ca, &m, "station", hash);
    m.tenant = rs_bytes_str("evil");
    assert_int_equal(issue_only(&m), RS_E_ISSUER_UNKNOWN);
}

/* A profile is known by its hash: one bit, and it is no approved one. */
static void
test_unapproved_profile(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "station", hash);
    hash[31] ^= 1;
    assert_int_equal(issue_only(&m), RS_E_PROFILE_UNKNOWN);
    hash[31] ^= 1;
    assert_int_equal(issue_only(&m), RS_OK);
}

static void
test_profile_of_another_issuer(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "unlisted", hash);
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    ca_claim(&ca, &m, "station", hash);
    m.issuer = rs_bytes_str(CA_ROOT);
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
}

static void
test_no_ca_by_enrolment(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "a-ca", hash);
    assert_int_equal(issue_only(&m), RS_E_CSR_EXTENSION);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static rs_code
issue_with_key(const char *profile, enum crypto_alg alg)
{
    struct crypto_key *key;
    struct proto_issue m;
    uint8_t hash[32];
    rs_code rc;

    assert_int_equal(crypto_key_generate(alg, &key, NULL), RS_OK);
    ca_claim(&ca, &m, profile, hash);
    m.spki = crypto_key_pub(key)->spki;
    rc = issue_only(&m);
    crypto_key_free(key);
    return rc;
}

static void
test_keys(void **state)
{
    static const uint8_t junk[40] = {0x30, 0x26};
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    assert_int_equal(issue_with_key("station", CRYPTO_ED25519), RS_E_KEY_WEAK);
    assert_int_equal(issue_with_key("station", CRYPTO_P521), RS_E_KEY_WEAK);
    assert_int_equal(issue_with_key("station", CRYPTO_P384), RS_OK);
    assert_int_equal(issue_with_key("tls-server", CRYPTO_ED25519), RS_OK);
    assert_int_equal(issue_with_key("tls-server", CRYPTO_RSA2048), RS_OK);
    assert_int_equal(issue_with_key("tls-server", CRYPTO_RSA3072), RS_OK);
    assert_int_equal(issue_with_key("station", CRYPTO_RSA2048), RS_E_KEY_WEAK);
    ca_claim(&ca, &m, "station", hash);
    m.spki = RS_BYTES(junk);
    assert_int_not_equal(issue_only(&m), RS_OK);
}

/* ---- Dates -------------------------------------------------------------------------------------- */

static void
test_never_past_the_issuer(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "too-long", hash);
    assert_int_equal(issue_only(&m), RS_E_ISSUER_EXPIRY);
    /* A wish that ends in time makes the same profile fine. */
    m.not_after = ca.now + 86400;
    assert_int_equal(issue_only(&m), RS_OK);
}

static void
test_wishes_stay_inside_the_profile(void **state)
{
    struct proto_issue m;
    struct cert cert;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "station", hash);
    m.not_after = ca.now + 91LL * 86400;
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    m.not_after = ca.now - 1000;
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    m.not_after = ca.now + 1000;
    assert_int_equal(issue(&m, &cert), RS_OK);
    assert_int_equal(cert.not_after, ca.now + 1000);
    m.not_after = 0;
    assert_int_equal(issue(&m, &cert), RS_OK);
    /* RFC 5280 4.1.2.5: both end seconds count. */
    assert_int_equal(cert.not_after - cert.not_before + 1, 90 * 86400);
}

static void
test_an_idevid_has_no_end(void **state)
{
    struct proto_issue m;
    struct cert cert;
    uint8_t hash[32];

    (void)state;
    ca_claim_board(&ca, &m, "o-1", "X2-1", hash);
    m.not_after = ca.now + 1000;
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    m.not_after = INT64_MAX;
    assert_int_equal(issue(&m, &cert), RS_OK);
    assert_true(cert.not_after == INT64_MAX);
    assert_true(cert.not_before <= rs_now());
    assert_true(cert.not_before >= ca.now - 60);
}

/* ---- Names ---------------------------------------------------------------------------------------- */

static rs_code
issue_named(const char *profile, enum doc_value kind, const char *name)
{
    struct proto_issue m;
    uint8_t hash[32];

    ca_claim(&ca, &m, profile, hash);
    m.values[m.value_count++] = (struct proto_value){kind, rs_bytes_str(name)};
    return issue_only(&m);
}

static void
test_names_outside_the_profile(void **state)
{
    static const char label64[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.acme.example";

    (void)state;
    assert_int_equal(issue_named("station", DOC_VALUE_DNS, "a.acme.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("station", DOC_VALUE_IP, "127.0.0.1"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "evil.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "a.b.acme.example"),
                     RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, ".acme.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "acme"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, ""), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "A.acme.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "*.acme.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, label64), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_DNS, "a-1.acme.example"), RS_OK);
}

static void
test_addresses(void **state)
{
    static const char *const bad[] = {"",        "1.2.3",  "1.2.3.4.5",  "1.2.3.256",
                                      "1.2.3.x", "1..3.4", "1.2.3.1000", "::1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(issue_named("tls-server", DOC_VALUE_IP, bad[i]), RS_E_CSR_SUBJECT);
    assert_int_equal(issue_named("tls-server", DOC_VALUE_IP, "10.0.255.1"), RS_OK);
}

static void
test_number_of_names(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "tls-server", hash);
    while (m.value_count < PROTO_VALUES_MAX)
        m.values[m.value_count++] =
            (struct proto_value){DOC_VALUE_DNS, rs_bytes_str("a.acme.example")};
    assert_int_equal(issue_only(&m), RS_E_CSR_SUBJECT);
    ca_claim(&ca, &m, "tls-server", hash);
    while (m.value_count < PROTO_VALUES_MAX)
        m.values[m.value_count++] = (struct proto_value){DOC_VALUE_IP, rs_bytes_str("10.0.0.1")};
    assert_int_equal(issue_only(&m), RS_E_CSR_SUBJECT);
}

static void
test_values_that_are_missing(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "ldevid", hash);
    assert_int_equal(issue_only(&m), RS_E_CSR_SUBJECT);
    m.values[0].id = DOC_VALUE_DEVICE_SERIAL;
    assert_int_equal(issue_only(&m), RS_OK);
    ca_claim(&ca, &m, "station", hash);
    m.value_count = 0;
    assert_int_not_equal(issue_only(&m), RS_OK);
}

static void
test_size_limit(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "tiny", hash);
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
}

/* ---- Orders (L7) --------------------------------------------------------------------------------- */

static void
test_quantity(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_order(&ca, "o-two", 2);
    for (int i = 0; i < 2; i++) {
        ca_claim_board(&ca, &m, "o-two", i ? "Q-1" : "Q-0", hash);
        assert_int_equal(issue_only(&m), RS_OK);
    }
    ca_claim_board(&ca, &m, "o-two", "Q-2", hash);
    assert_int_equal(issue_only(&m), RS_E_ORDER_EXHAUSTED);
}

/* Ten claims in one message: the batch itself counts. */
struct counted {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int good, exhausted, other;
};

static void
count_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct counted *c = arg;

    (void)item;
    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    if (rc == RS_OK)
        c->good++;
    else if (rc == RS_E_ORDER_EXHAUSTED)
        c->exhausted++;
    else
        c->other++;
    (void)pthread_cond_signal(&c->done);
    (void)pthread_mutex_unlock(&c->lock);
}

static void
submit_boards(const char *order, int count, struct counted *c)
{
    static const char *const serials[] = {"B-0", "B-1", "B-2", "B-3", "B-4", "B-5"};

    for (int i = 0; i < count; i++) {
        struct proto_item item = {.type = PROTO_ISSUE};
        uint8_t hash[32];
        ca_claim_board(&ca, &item.as.issue, order, serials[i % 6], hash);
        assert_int_equal(signer_client_submit(ca.client, &item, count_answer, c, NULL), RS_OK);
    }
    (void)pthread_mutex_lock(&c->lock);
    while (c->good + c->exhausted + c->other < count)
        (void)pthread_cond_wait(&c->done, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

static void
test_quantity_inside_batches(void **state)
{
    struct counted c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

    (void)state;
    ca_order(&ca, "o-batch", 70);
    submit_boards("o-batch", 200, &c);
    assert_int_equal(c.good, 70);
    assert_int_equal(c.exhausted, 130);
    assert_int_equal(c.other, 0);
}

static void
test_share_of_a_station(void **state)
{
    struct doc_order doc;
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_order_doc(&ca, &doc, "o-share", 5, "sz-1", 1, hash);
    doc.shares[doc.share_count++] = (struct doc_share){rs_bytes_str("sz-2"), 4};
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    ca_claim_board(&ca, &m, "o-share", "S-1", hash);
    assert_int_equal(issue_only(&m), RS_OK);
    assert_int_equal(issue_only(&m), RS_E_ORDER_EXHAUSTED);
    m.station = rs_bytes_str("sz-2");
    assert_int_equal(issue_only(&m), RS_OK);
    m.station = rs_bytes_str("sz-3");
    assert_int_equal(issue_only(&m), RS_E_ORDER_STATION);
}

/* A claim that fails after it was counted gives back what it took. */
static void
test_a_refusal_takes_nothing(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_order(&ca, "o-one", 1);
    for (int i = 0; i < 3; i++) {
        ca_claim_board(&ca, &m, "o-one", "R-1", hash);
        m.not_after = ca.now + 1000;
        assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    }
    ca_claim_board(&ca, &m, "o-one", "R-1", hash);
    assert_int_equal(issue_only(&m), RS_OK);
}

static void
test_order_terms(void **state)
{
    struct doc_order doc;
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim_board(&ca, &m, "o-none", "T-1", hash);
    assert_int_equal(issue_only(&m), RS_E_ORDER_CLOSED);

    ca_order_doc(&ca, &doc, "o-early", 5, "sz-1", 5, hash);
    doc.valid_from = ca.now + 3600;
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    ca_claim_board(&ca, &m, "o-early", "T-1", hash);
    assert_int_equal(issue_only(&m), RS_E_ORDER_CLOSED);

    ca_order_doc(&ca, &doc, "o-late", 5, "sz-1", 5, hash);
    doc.valid_until = ca.now - 1;
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    ca_claim_board(&ca, &m, "o-late", "T-1", hash);
    assert_int_equal(issue_only(&m), RS_E_ORDER_CLOSED);

    ca_order_doc(&ca, &doc, "o-paused", 5, "sz-1", 5, hash);
    doc.state = DOC_ORDER_PAUSED;
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    ca_claim_board(&ca, &m, "o-paused", "T-1", hash);
    assert_int_equal(issue_only(&m), RS_E_ORDER_CLOSED);
}

/* The order names profile and issuer; a claim cannot use it for others. */
static void
test_order_binds_profile(void **state)
{
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "station", hash);
    m.order = rs_bytes_str("o-1");
    m.station = rs_bytes_str("sz-1");
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
    ca_claim_board(&ca, &m, "o-1", "U-1", hash);
    m.order = rs_bytes_str("");
    assert_int_equal(issue_only(&m), RS_E_ORDER_CLOSED);
}

static void
test_order_of_another_profile_version(void **state)
{
    struct doc_order doc;
    struct doc_profile p;
    struct proto_issue m;
    uint8_t hash[32], room[DOC_BYTES_MAX];
    struct rs_buf b;

    (void)state;
    /* A second version of idevid is approved; the order still names the first. */
    assert_int_equal(doc_profile_read(rs_buf_bytes(&ca.documents[0]), &p, NULL), RS_OK);
    p.version = 2;
    rs_buf_init_fixed(&b, room, sizeof(room));
    doc_profile_put(&b, &p);
    assert_int_equal(ca_document(&ca, "profile", "idevid", rs_buf_bytes(&b), NULL), RS_OK);
    ca_order_doc(&ca, &doc, "o-first", 5, "sz-1", 5, hash);
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    ca_claim_board(&ca, &m, "o-first", "V-1", hash);
    assert_int_equal(issue_only(&m), RS_OK);
    uint8_t second[32];
    crypto_sha256(rs_buf_bytes(&b), second);
    m.profile_hash = RS_BYTES(second);
    assert_int_equal(issue_only(&m), RS_E_PROFILE_LIMIT);
}

static void
test_serial_patterns(void **state)
{
    static const struct {
        const char *pattern, *serial;
        rs_code want;
    } cases[] = {
        {"X2-####", "X2-0001", RS_OK},
        {"X2-####", "X2-001", RS_E_CSR_SUBJECT},
        {"X2-####", "X2-00011", RS_E_CSR_SUBJECT},
        {"X2-####", "X2-000a", RS_E_CSR_SUBJECT},
        {"X?-*", "XA-anything", RS_OK},
        {"X?-*", "YA-anything", RS_E_CSR_SUBJECT},
        {"*-7", "1-2-3-7", RS_OK},
        {"*-7", "1-2-3-8", RS_E_CSR_SUBJECT},
        {"A*B*", "AxxBB", RS_OK},
        {"A**", "A", RS_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct doc_order doc;
        struct proto_issue m;
        uint8_t hash[32];
        char name[] = "o-pattern-a";

        name[sizeof(name) - 2] = (char)('a' + i);
        ca_order_doc(&ca, &doc, name, 5, "sz-1", 5, hash);
        doc.serial_match = rs_bytes_str(cases[i].pattern);
        assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
        ca_claim_board(&ca, &m, name, cases[i].serial, hash);
        if (issue_only(&m) != cases[i].want)
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].serial);
    }
}

/* ---- What comes out ------------------------------------------------------------------------------ */

static void
test_the_certificate(void **state)
{
    struct proto_issue m;
    struct cert cert;
    uint8_t hash[32];

    (void)state;
    ca_claim_board(&ca, &m, "o-1", "C-1", hash);
    assert_int_equal(issue(&m, &cert), RS_OK);
    assert_true(rs_bytes_equal(cert.spki, m.spki));
    assert_int_equal(cert.serial.len, 20);
    assert_int_equal(cert.serial.p[0], 1);
    assert_true(cert.has_basic_constraints);
    assert_false(cert.is_ca);
    assert_int_equal(cert.key_usage, 1);
    assert_true(cert.san.len > 0);
    assert_int_equal(cert.aki.len, 20);
}

/* L2: no two certificates of an issuer have one serial, and the time leads. */
static void
test_serials_differ(void **state)
{
    static uint8_t seen[64][20];
    struct proto_issue m;
    struct cert cert;
    uint8_t hash[32];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        ca_claim(&ca, &m, "station", hash);
        assert_int_equal(issue(&m, &cert), RS_OK);
        assert_int_equal(cert.serial.len, 20);
        memcpy(seen[i], cert.serial.p, 20);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[k] + 8, seen[i] + 8, 12); /* what is random */
        /* Version and time never go back; less than a minute has passed; one epoch. */
        assert_true(i == 0 || memcmp(seen[i - 1], seen[i], 6) <= 0);
        assert_true(rs_get_u32(seen[i] + 2) - rs_get_u32(seen[0] + 2) < 60 * 256);
        assert_int_equal(rs_get_u16(seen[i] + 6), ca.ready.epoch + (ca.ready.epoch == 0));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_issuer_and_tenant),
        cmocka_unit_test(test_unapproved_profile),
        cmocka_unit_test(test_profile_of_another_issuer),
        cmocka_unit_test(test_no_ca_by_enrolment),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_never_past_the_issuer),
        cmocka_unit_test(test_wishes_stay_inside_the_profile),
        cmocka_unit_test(test_an_idevid_has_no_end),
        cmocka_unit_test(test_names_outside_the_profile),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_number_of_names),
        cmocka_unit_test(test_values_that_are_missing),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_quantity),
        cmocka_unit_test(test_quantity_inside_batches),
        cmocka_unit_test(test_share_of_a_station),
        cmocka_unit_test(test_a_refusal_takes_nothing),
        cmocka_unit_test(test_order_terms),
        cmocka_unit_test(test_order_binds_profile),
        cmocka_unit_test(test_order_of_another_profile_version),
        cmocka_unit_test(test_serial_patterns),
        cmocka_unit_test(test_the_certificate),
        cmocka_unit_test(test_serials_differ),
    };

    return cmocka_run_group_tests(tests, group_make, group_drop);
}
