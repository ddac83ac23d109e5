/*
 * state_test.c: the fold over the ledger: a leaf that does not fit what came
 * before is damage, and found as such, whatever wrote it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cbor.h"
#include "signer/state.h"

#define TENANT rs_bytes_str("acme")

static const uint8_t b32[32] = {7, 7, 7};
static uint8_t long_name[STATE_NAME_SIZE + 4];

static struct state s;
static struct rs_buf content, document;

static int
make(void **state)
{
    (void)state;
    state_init(&s);
    memset(long_name, 'a', sizeof(long_name));
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    state_done(&s);
    state_done(NULL); /* nothing, and no harm */
    rs_buf_done(&content);
    rs_buf_done(&document);
    return 0;
}

static struct rs_buf *
blank(struct rs_buf *b)
{
    rs_buf_done(b);
    rs_buf_init(b, 65536);
    return b;
}

/* The content as the next leaf. */
static rs_code
apply(enum ledger_type type)
{
    struct ledger_leaf leaf = {.type = type,
                               .index = s.next_index,
                               .time_ms = 1000 + (int64_t)s.next_index,
                               .content = rs_buf_bytes(&content)};

    return state_apply(&s, &leaf, NULL);
}

/* ---- Documents by hand ---------------------------------------------------------------------- */

static rs_code
apply_document(const char *kind, struct rs_bytes name)
{
    struct leaf_document d = {.tenant = TENANT,
                              .kind = rs_bytes_str(kind),
                              .name = name,
                              .document = rs_buf_bytes(&document),
                              .hash = RS_BYTES(b32),
                              .who = rs_bytes_str("x")};

    leaf_document_put(blank(&content), &d);
    return apply(LEDGER_CONFIG);
}

static rs_code
add_issuer(const char *name)
{
    struct doc_issuer i = {.name = rs_bytes_str(name),
                           .subject = rs_bytes_str("CN=x"),
                           .key_alg = DOC_KEY_P256,
                           .not_after = 100,
                           .path_length = -1};

    doc_issuer_put(blank(&document), &i);
    return apply_document("issuer", i.name);
}

static rs_code
add_order(const char *name, uint64_t first_share, const char *second)
{
    struct doc_order o = {.name = rs_bytes_str(name),
                          .product = rs_bytes_str("p"),
                          .issuer = rs_bytes_str("ca"),
                          .profile = rs_bytes_str("idevid"),
                          .profile_hash = RS_BYTES(b32),
                          .quantity = 10,
                          .target = 10,
                          .state = DOC_ORDER_OPEN,
                          .valid_until = 100,
                          .shares = {{rs_bytes_str("sz-1"), first_share}},
                          .share_count = 1,
                          .rot = rs_bytes_str("soft")};

    if (second != NULL)
        o.shares[o.share_count++] = (struct doc_share){rs_bytes_str(second), 1};
    doc_order_put(blank(&document), &o);
    return apply_document("order", o.name);
}

static rs_code
add_officer(const char *name, uint64_t active, const char *key)
{
    struct doc_officer o = {
        .name = rs_bytes_str(name), .version = 1, .spki = rs_bytes_str(key), .active = active};

    doc_officer_put(blank(&document), &o);
    return apply_document("officer", o.name);
}

static rs_code
put_issued(const char *object, const char *order, const char *station, const char *device)
{
    struct leaf_issued l = {.tenant = TENANT,
                            .issuer = rs_bytes_str("ca"),
                            .profile = rs_bytes_str("p"),
                            .profile_hash = RS_BYTES(b32),
                            .request_id = RS_BYTES(b32),
                            .order = rs_bytes_str(order),
                            .station = rs_bytes_str(station),
                            .device = rs_bytes_str(device),
                            .object = rs_bytes_str(object),
                            .who = rs_bytes_str("station:sz-1"),
                            .tbs = rs_bytes_str("tbs")};

    leaf_issued_put(blank(&content), &l);
    return apply(LEDGER_ISSUED);
}

static rs_code
put_revoked(const char *issuer, struct rs_bytes serial, uint8_t reason)
{
    struct leaf_revoked l = {.tenant = TENANT,
                             .issuer = rs_bytes_str(issuer),
                             .serial = serial,
                             .request_id = RS_BYTES(b32),
                             .reason = reason,
                             .revoked_at = 50};

    leaf_revoked_put(blank(&content), &l);
    return apply(LEDGER_REVOKED);
}

static rs_code
put_crl(const char *issuer, uint64_t number, int64_t this_update)
{
    struct leaf_crl l = {.tenant = TENANT,
                         .issuer = rs_bytes_str(issuer),
                         .number = number,
                         .this_update = this_update,
                         .next_update = this_update + 10,
                         .tbs_hash = RS_BYTES(b32)};

    leaf_crl_put(blank(&content), &l);
    return apply(LEDGER_CRL);
}

static rs_code
put_epoch(uint64_t number)
{
    struct leaf_note n = {.text = rs_bytes_str("created"), .number = number};

    leaf_note_put(blank(&content), &n);
    return apply(LEDGER_EPOCH);
}

/* ---- Order and form ---------------------------------------------------------------------------- */

static void
test_leaves_come_in_order(void **state)
{
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .index = 1, .time_ms = 5};

    (void)state;
    assert_int_equal(state_apply(&s, &leaf, NULL), RS_E_LEDGER_DAMAGED);
    leaf.index = 0;
    assert_int_equal(state_apply(&s, &leaf, NULL), RS_OK);
    assert_int_equal(state_apply(&s, &leaf, NULL), RS_E_LEDGER_DAMAGED);
    assert_int_equal(s.next_index, 1);
}

/* The floor is the largest time of all: one leaf of a slow clock does not lower it. */
static void
test_the_floor_only_rises(void **state)
{
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .time_ms = 5000};

    (void)state;
    assert_int_equal(state_apply(&s, &leaf, NULL), RS_OK);
    leaf.index = 1;
    leaf.time_ms = 3000;
    assert_int_equal(state_apply(&s, &leaf, NULL), RS_OK);
    assert_int_equal(s.floor_ms, 5000);
}

static void
test_content_that_is_none(void **state)
{
    static const enum ledger_type types[] = {LEDGER_ISSUED,   LEDGER_REVOKED, LEDGER_CRL,
                                             LEDGER_ORDER,    LEDGER_CONFIG,  LEDGER_PROFILE,
                                             LEDGER_APPROVAL, LEDGER_EPOCH};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        rs_buf_put_str(blank(&content), "junk");
        assert_int_equal(apply(types[i]), RS_E_LEDGER_DAMAGED);
    }
    assert_int_equal(s.next_index, 0);
    assert_int_equal(apply((enum ledger_type)250), RS_E_LEDGER_DAMAGED);
}

static void
test_facts_for_auditors_change_nothing(void **state)
{
    static const enum ledger_type types[] = {LEDGER_SSH,  LEDGER_KRL,  LEDGER_TRUST,   LEDGER_LOGIN,
                                             LEDGER_TORN, LEDGER_SEEN, LEDGER_REFUSED, LEDGER_LOST};

    (void)state;
    rs_buf_put_str(blank(&content), "anything");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(apply(types[i]), RS_OK);
    assert_int_equal(s.next_index, sizeof(types) / sizeof(types[0]));
}

/* ---- Documents ---------------------------------------------------------------------------------- */

static void
test_documents_that_are_none(void **state)
{
    static const char *const kinds[] = {"profile", "issuer",    "order", "officer",
                                        "claim",   "bootstrap", "wish"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        rs_buf_put_str(blank(&document), "junk");
        assert_int_not_equal(apply_document(kinds[i], rs_bytes_str("x")), RS_OK);
    }
}

static void
put_bootstrap(struct rs_bytes name, size_t hash_len)
{
    blank(&document);
    rs_cbor_put_array(&document, 4);
    rs_cbor_put_text_bytes(&document, name);
    rs_cbor_put_bool(&document, 1);
    rs_cbor_put_bytes(&document, rs_bytes_of(b32, hash_len));
    rs_cbor_put_int(&document, 99);
}

static void
test_bootstrap(void **state)
{
    (void)state;
    put_bootstrap(rs_bytes_str("acme"), 31);
    assert_int_equal(apply_document("bootstrap", rs_bytes_str("acme")), RS_E_LEDGER_DAMAGED);
    put_bootstrap(RS_BYTES(long_name), 32);
    assert_int_equal(apply_document("bootstrap", rs_bytes_str("acme")), RS_E_LEDGER_DAMAGED);
    put_bootstrap(rs_bytes_str("acme"), 32);
    rs_buf_put_u8(&document, 0); /* something behind it */
    assert_int_equal(apply_document("bootstrap", rs_bytes_str("acme")), RS_E_LEDGER_DAMAGED);
    put_bootstrap(rs_bytes_str("acme"), 32);
    assert_int_equal(apply_document("bootstrap", rs_bytes_str("acme")), RS_OK);
    assert_string_equal(s.installation, "acme");
    assert_int_equal(s.claims_left, 2);
    assert_int_equal(state_approvals_needed(&s, rs_bytes_str("order")), 2);
}

static void
test_claims(void **state)
{
    (void)state;
    rs_cbor_put_array(blank(&document), 2);
    rs_cbor_put_bytes(&document, rs_bytes_of(b32, 20));
    rs_cbor_put_int(&document, 500);
    assert_int_equal(apply_document("claim", rs_bytes_str("claim")), RS_E_LEDGER_DAMAGED);
    rs_cbor_put_array(blank(&document), 2);
    rs_cbor_put_bytes(&document, RS_BYTES(b32));
    rs_cbor_put_int(&document, 500);
    assert_int_equal(apply_document("claim", rs_bytes_str("claim")), RS_OK);
    assert_int_equal(s.claims_left, 1);
    assert_int_equal(s.claim_until, 500);
    /* The officer who came by it uses it up. */
    assert_int_equal(add_officer("m", 1, "key"), RS_OK);
    assert_int_equal(s.claims_left, 0);
    assert_int_equal(s.claim_until, 0);
    assert_int_equal(add_officer("n", 1, "key 2"), RS_OK);
    assert_int_equal(s.claims_left, 0);
}

static void
test_officers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) { /* more than one growth */
        char name[16];
        (void)snprintf(name, sizeof(name), "officer-%u", i);
        assert_int_equal(add_officer(name, 1, name), RS_OK);
    }
    assert_int_equal(s.officer_count, 20);
    uint8_t hash[32];
    memcpy(hash, s.officers[7].key_hash, 32);
    assert_non_null(state_find_officer(&s, TENANT, hash));
    assert_null(state_find_officer(&s, rs_bytes_str("evil"), hash));
    assert_null(state_find_officer(&s, TENANT, b32));
    /* A new version in the place of the old one. */
    assert_int_equal(add_officer("officer-7", 0, "officer-7"), RS_OK);
    assert_int_equal(s.officer_count, 20);
    assert_null(state_find_officer(&s, TENANT, hash));
}

static void
test_orders(void **state)
{
    struct state_order *o;

    (void)state;
    assert_int_equal(put_issued("idevid", "o-1", "sz-1", "d"), RS_E_LEDGER_DAMAGED);
    assert_int_equal(add_order("o-1", 5, "sz-2"), RS_OK);
    assert_int_equal(put_issued("idevid", "o-1", "sz-1", "d"), RS_OK);
    assert_int_equal(put_issued("idevid", "o-1", "sz-2", "e"), RS_OK);
    assert_int_equal(put_issued("idevid", "o-1", "sz-9", "f"), RS_OK); /* a share of before */
    assert_int_equal(put_issued("ldevid/0", "", "", "d"), RS_OK);      /* under no order */
    o = state_find_order(&s, TENANT, rs_bytes_str("o-1"));
    assert_non_null(o);
    assert_int_equal(o->taken, 3);
    assert_int_equal(state_find_share(o, rs_bytes_str("sz-1"))->taken, 1);
    assert_null(state_find_share(o, rs_bytes_str("sz-9")));
    assert_null(state_find_order(&s, rs_bytes_str("evil"), rs_bytes_str("o-1")));
    /* The next version: what is taken stays, with the station too. */
    assert_int_equal(add_order("o-1", 7, "sz-3"), RS_OK);
    o = state_find_order(&s, TENANT, rs_bytes_str("o-1"));
    assert_int_equal(s.order_count, 1);
    assert_int_equal(o->taken, 3);
    assert_int_equal(state_find_share(o, rs_bytes_str("sz-1"))->taken, 1);
    assert_int_equal(state_find_share(o, rs_bytes_str("sz-1"))->size, 7);
    assert_int_equal(state_find_share(o, rs_bytes_str("sz-3"))->taken, 0);
}

/* ---- Certificates, revocations, lists --------------------------------------------------------------- */

static void
test_a_ca_is_certified_once(void **state)
{
    (void)state;
    assert_int_equal(put_issued("ca", "", "", "ca"), RS_E_LEDGER_DAMAGED);
    assert_int_equal(add_issuer("ca"), RS_OK);
    assert_int_equal(put_issued("ca", "", "", "ca"), RS_OK);
    assert_int_equal(put_issued("ca", "", "", "ca"), RS_E_LEDGER_DAMAGED);
}

static void
test_revocations(void **state)
{
    static const uint8_t serials[][3] = {{5, 5, 5}, {1, 2, 3}, {9, 0, 0}, {5, 5, 4}, {5, 5, 0}};
    struct state_issuer *ca;

    (void)state;
    assert_int_equal(put_revoked("ca", RS_BYTES(serials[0]), 1), RS_E_LEDGER_DAMAGED);
    assert_int_equal(add_issuer("ca"), RS_OK);
    assert_int_equal(put_revoked("ca", (struct rs_bytes){NULL, 0}, 1), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_revoked("ca", rs_bytes_of(long_name, 21), 1), RS_E_LEDGER_DAMAGED);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(put_revoked("ca", RS_BYTES(serials[i]), (uint8_t)i), RS_OK);
    /* A prefix of one is another one; the first entry for a serial stands. */
    assert_int_equal(put_revoked("ca", rs_bytes_of(serials[0], 2), 3), RS_OK);
    assert_int_equal(put_revoked("ca", RS_BYTES(serials[0]), 9), RS_OK);
    ca = state_find_issuer(&s, TENANT, rs_bytes_str("ca"));
    assert_int_equal(ca->revoked_count, 6);
    for (size_t i = 0; i < 5; i++)
        assert_true(state_is_revoked(ca, RS_BYTES(serials[i])));
    assert_true(state_is_revoked(ca, rs_bytes_of(serials[0], 2)));
    assert_false(state_is_revoked(ca, rs_bytes_of(serials[0], 1)));
    assert_false(state_is_revoked(ca, rs_bytes_of(serials[2], 2)));
    for (size_t i = 0; i + 1 < ca->revoked_count; i++)
        assert_true(memcmp(ca->revoked[i].serial, ca->revoked[i + 1].serial, 20) <= 0);
}

static void
test_lists_grow(void **state)
{
    (void)state;
    assert_int_equal(put_crl("ca", 1, 100), RS_E_LEDGER_DAMAGED);
    assert_int_equal(add_issuer("ca"), RS_OK);
    assert_int_equal(put_crl("ca", 0, 100), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_crl("ca", 1, 100), RS_OK);
    assert_int_equal(put_crl("ca", 1, 200), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_crl("ca", 2, 99), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_crl("ca", 2, 100), RS_OK);
}

static void
test_epochs_grow(void **state)
{
    (void)state;
    assert_int_equal(put_epoch(0), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_epoch(1), RS_OK);
    assert_int_equal(put_epoch(1), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_epoch(65536), RS_E_LEDGER_DAMAGED);
    assert_int_equal(put_epoch(65535), RS_OK);
    assert_int_equal(s.epoch, 65535);
}

/* ---- Finding ------------------------------------------------------------------------------------------ */

static void
test_profiles(void **state)
{
    struct doc_profile p = {.name = rs_bytes_str("p"),
                            .version = 1,
                            .type = DOC_PROFILE_STATION,
                            .subject = rs_bytes_str("CN=x"),
                            .valid_s = 10,
                            .key_algs = 1,
                            .key_usage = 1};
    uint8_t first[32];

    (void)state;
    doc_profile_put(blank(&document), &p);
    assert_int_equal(apply_document("profile", p.name), RS_OK);
    memcpy(first, s.profiles[0].hash, 32);
    p.version = 2;
    doc_profile_put(blank(&document), &p);
    assert_int_equal(apply_document("profile", p.name), RS_OK);
    /* By name the newest, by hash each. */
    assert_int_equal(state_find_profile_named(&s, TENANT, p.name)->doc.version, 2);
    assert_int_equal(state_find_profile(&s, TENANT, RS_BYTES(first))->doc.version, 1);
    assert_null(state_find_profile(&s, TENANT, rs_bytes_of(first, 31)));
    assert_null(state_find_profile(&s, rs_bytes_str("evil"), RS_BYTES(first)));
    assert_null(state_find_profile_named(&s, rs_bytes_str("evil"), p.name));
    assert_null(state_find_profile_named(&s, TENANT, rs_bytes_str("q")));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(test_leaves_come_in_order),
        TEST(test_the_floor_only_rises),
        TEST(test_content_that_is_none),
        TEST(test_facts_for_auditors_change_nothing),
        TEST(test_documents_that_are_none),
        TEST(test_bootstrap),
        TEST(test_claims),
        TEST(test_officers),
        TEST(test_orders),
        TEST(test_a_ca_is_certified_once),
        TEST(test_revocations),
        TEST(test_lists_grow),
        TEST(test_epochs_grow),
        TEST(test_profiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
