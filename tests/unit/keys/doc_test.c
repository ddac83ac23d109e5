/*
 * doc_test.c: the documents that people sign: one encoding each, and their rules.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/doc.h"

static const uint8_t hash[32] = {7};
static const uint8_t spki[91] = {0x30};

static struct doc_profile
whole_profile(void)
{
    return (struct doc_profile){
        .name = rs_bytes_str("idevid"),
        .version = 3,
        .type = DOC_PROFILE_IDEVID,
        .subject = rs_bytes_str("CN={device.serial}"),
        .valid_s = DOC_NEVER,
        .backdate_s = 60,
        .key_algs = DOC_KEY_P256 | DOC_KEY_P384,
        .key_usage = 1,
        .eku = {{rs_bytes_str("1.3.6.1.5.5.7.3.2")}, 1},
        .policies = {{rs_bytes_str("1.2.3")}, 1},
        .flags = DOC_PROFILE_NEEDS_ORDER | DOC_PROFILE_NEEDS_DEVICE,
        .from_request = 1u << DOC_VALUE_DNS,
        .dns = {{rs_bytes_str("*.example"), rs_bytes_str("b")}, 2},
        .hardware_type = rs_bytes_str("1.2.3"),
        .max_size = 1000,
        .renew_before_s = 86400,
    };
}

static struct doc_issuer
whole_issuer(void)
{
    return (struct doc_issuer){
        .name = rs_bytes_str("device-ca"),
        .parent = rs_bytes_str("root"),
        .subject = rs_bytes_str("CN=Device CA"),
        .key_alg = DOC_KEY_P256,
        .not_before = 1,
        .not_after = DOC_NEVER,
        .path_length = -1,
        .profiles = {{rs_bytes_str("idevid")}, 1},
        .crl_url = rs_bytes_str("http://a/crl"),
        .crl_every_s = 3600,
    };
}

static struct doc_order
whole_order(void)
{
    return (struct doc_order){
        .name = rs_bytes_str("X2-2026-11"),
        .product = rs_bytes_str("x2"),
        .product_version = 1,
        .issuer = rs_bytes_str("device-ca"),
        .profile = rs_bytes_str("idevid"),
        .profile_hash = RS_BYTES(hash),
        .quantity = 100,
        .target = 90,
        .state = DOC_ORDER_OPEN,
        .valid_from = 10,
        .valid_until = 20,
        .shares = {{rs_bytes_str("sz-1"), 60}, {rs_bytes_str("sz-2"), 40}},
        .share_count = 2,
        .serial_match = rs_bytes_str("X2-*"),
        .rot = rs_bytes_str("soft"),
        .created_at = 9,
    };
}

static struct doc_officer
whole_officer(void)
{
    return (struct doc_officer){rs_bytes_str("ann"), 2, RS_BYTES(spki), 1};
}

static struct doc_cross
whole_cross(void)
{
    return (struct doc_cross){rs_bytes_str("acme-root-2"), rs_bytes_str("acme-root"), 1800000000};
}

#define KINDS 5

/* One kind of document behind one shape, so that every test runs over all. */
static int
again(int kind, struct rs_bytes bytes, struct rs_buf *out)
{
    static struct doc_profile profile;
    static struct doc_issuer issuer;
    static struct doc_order order;
    static struct doc_officer officer;
    static struct doc_cross cross;

    if (kind == 0 && doc_profile_read(bytes, &profile, NULL) == RS_OK)
        doc_profile_put(out, &profile);
    else if (kind == 1 && doc_issuer_read(bytes, &issuer, NULL) == RS_OK)
        doc_issuer_put(out, &issuer);
    else if (kind == 2 && doc_order_read(bytes, &order, NULL) == RS_OK)
        doc_order_put(out, &order);
    else if (kind == 3 && doc_officer_read(bytes, &officer, NULL) == RS_OK)
        doc_officer_put(out, &officer);
    else if (kind == 4 && doc_cross_read(bytes, &cross, NULL) == RS_OK)
        doc_cross_put(out, &cross);
    else
        return 0;
    return 1;
}

static void
put(int kind, struct rs_buf *out)
{
    struct doc_profile profile = whole_profile();
    struct doc_issuer issuer = whole_issuer();
    struct doc_order order = whole_order();
    struct doc_officer officer = whole_officer();
    struct doc_cross cross = whole_cross();

    rs_buf_reset(out);
    if (kind == 0)
        doc_profile_put(out, &profile);
    else if (kind == 1)
        doc_issuer_put(out, &issuer);
    else if (kind == 2)
        doc_order_put(out, &order);
    else if (kind == 3)
        doc_officer_put(out, &officer);
    else
        doc_cross_put(out, &cross);
    assert_true(rs_buf_ok(out));
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_every_truncation_and_other_kinds(void **state)
{
    static const uint8_t big[DOC_BYTES_MAX + 1] = {0xb2};
    RS_AUTO(rs_buf_done) struct rs_buf doc = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&doc, DOC_BYTES_MAX);
    rs_buf_init(&out, DOC_BYTES_MAX);
    for (int kind = 0; kind < KINDS; kind++) {
        put(kind, &doc);
        for (size_t len = 0; len < doc.len; len++) {
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut, doc.p, len);
            assert_int_equal(again(kind, rs_bytes_of(cut, len), &out), 0);
            free(cut);
        }
        assert_int_equal(again(kind, RS_BYTES(big), &out), 0);
        for (int other = 0; other < KINDS; other++)
            assert_int_equal(again(other, rs_buf_bytes(&doc), &out), other == kind);
        rs_buf_put_u8(&doc, 0);
        assert_int_equal(again(kind, rs_buf_bytes(&doc), &out), 0);
    }
}

/* Any change is refused, or is a document of its own whose bytes are exactly these. */
static void
there_is_one_encoding(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf doc = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&doc, DOC_BYTES_MAX);
    rs_buf_init(&out, DOC_BYTES_MAX);
    for (int kind = 0; kind < KINDS; kind++) {
        put(kind, &doc);
        for (size_t bit = 0; bit < doc.len * 8; bit++) {
            rs_buf_reset(&out);
            doc.p[bit / 8] = (uint8_t)(doc.p[bit / 8] ^ 1u << bit % 8);
            if (again(kind, rs_buf_bytes(&doc), &out) &&
                !rs_bytes_equal(rs_buf_bytes(&out), rs_buf_bytes(&doc)))
                fail_msg("kind %d: bit %zu read as something else", kind, bit);
            doc.p[bit / 8] = (uint8_t)(doc.p[bit / 8] ^ 1u << bit % 8);
        }
        rs_buf_reset(&out);
        assert_int_equal(again(kind, rs_buf_bytes(&doc), &out), 1);
        assert_true(rs_bytes_equal(rs_buf_bytes(&out), rs_buf_bytes(&doc)));
    }
}

static rs_code
read_named(const char *name)
{
    RS_AUTO(rs_buf_done) struct rs_buf doc = {0};
    struct doc_officer officer = whole_officer(), back;

    rs_buf_init(&doc, DOC_BYTES_MAX);
    officer.name = rs_bytes_str(name);
    doc_officer_put(&doc, &officer);
    return doc_officer_read(rs_buf_bytes(&doc), &back, NULL);
}

static void
refuses_names_outside_the_alphabet(void **state)
{
    static const char *const bad[] = {
        "",
        "-a",
        ".a",
        "_a",
        "a b",
        "a/b",
        "a\nb",
        "\xc3\xa9",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_named(bad[i]) != RS_E_REQUEST_FORMAT)
            fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(read_named("a-b_c.D9"), RS_OK);
}

#define REFUSE_PROFILE(change)                                                                     \
    do {                                                                                           \
        struct doc_profile p = whole_profile();                                                    \
        change;                                                                                    \
        if (doc_profile_check(&p, NULL) != RS_E_PROFILE_LIMIT)                                     \
            fail_msg("accepted: %s", #change);                                                     \
    } while (0)

static void
refuses_profiles_that_break_the_rules(void **state)
{
    struct doc_profile good = whole_profile();

    (void)state;
    assert_int_equal(doc_profile_check(&good, NULL), RS_OK);
    REFUSE_PROFILE(p.key_usage = 0);
    REFUSE_PROFILE(p.key_usage = 0x200);
    REFUSE_PROFILE(p.key_usage = 1u << 5);
    REFUSE_PROFILE(p.key_usage = 1u << 6 | 1);
    REFUSE_PROFILE(p.eku.items[0] = rs_bytes_str("2.5.29.37.0"));
    REFUSE_PROFILE(p.backdate_s = -1);
    REFUSE_PROFILE(p.backdate_s = 3601);
    REFUSE_PROFILE(p.valid_s = 0);
    REFUSE_PROFILE(p.valid_s = (int64_t)100 * 366 * 86400 + 1);
    REFUSE_PROFILE(p.type = DOC_PROFILE_LDEVID);
    REFUSE_PROFILE(p.key_algs = 0);
    REFUSE_PROFILE(p.key_algs = 0x20);
    REFUSE_PROFILE(p.flags |= DOC_PROFILE_SERIAL_FROM_KEY);
    REFUSE_PROFILE(p.flags |= 0x80);
    REFUSE_PROFILE(p.flags = 0);
    REFUSE_PROFILE(p.subject.len = p.dns.count = 0);
    good.subject.len = 0; /* the names of dns are enough */
    assert_int_equal(doc_profile_check(&good, NULL), RS_OK);
    good.type = DOC_PROFILE_CA;
    good.valid_s = 1000;
    good.key_usage = 1u << 5;
    assert_int_equal(doc_profile_check(&good, NULL), RS_OK);
}

#define REFUSE_ORDER(change)                                                                       \
    do {                                                                                           \
        struct doc_order o = whole_order();                                                        \
        change;                                                                                    \
        if (doc_order_check(&o, NULL) != RS_E_CONFIG_INVALID)                                      \
            fail_msg("accepted: %s", #change);                                                     \
    } while (0)

static void
refuses_orders_that_break_the_rules(void **state)
{
    struct doc_order good = whole_order();

    (void)state;
    assert_int_equal(doc_order_check(&good, NULL), RS_OK);
    REFUSE_ORDER(o.quantity = 0);
    REFUSE_ORDER(o.quantity = 1000000001);
    REFUSE_ORDER(o.target = 101);
    REFUSE_ORDER(o.state = 0);
    REFUSE_ORDER(o.state = 4);
    REFUSE_ORDER(o.valid_until = o.valid_from);
    REFUSE_ORDER(o.share_count = 0);
    REFUSE_ORDER(o.shares[0].size = 101);
    REFUSE_ORDER(o.shares[0].size = 61); /* L7: one more than the quantity */
    REFUSE_ORDER(o.shares[1].station = o.shares[0].station);
}

/* ---- What works ---------------------------------------------------------------------- */

static void
approvals_bind_kind_name_and_bytes(void **state)
{
    struct rs_bytes doc = rs_bytes_str("doc"), name = rs_bytes_str("n");
    struct rs_buf m[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        rs_buf_init(&m[i], 200);
    doc_approval_message("order", name, doc, &m[0]);
    doc_approval_message("profile", name, doc, &m[1]);
    doc_approval_message("order", rs_bytes_str("m"), doc, &m[2]);
    doc_approval_message("order", name, rs_bytes_str("dod"), &m[3]);
    for (size_t i = 1; i < 4; i++)
        assert_false(rs_bytes_equal(rs_buf_bytes(&m[0]), rs_buf_bytes(&m[i])));
    assert_int_equal(m[0].len, 21 + 1 + 2 + 5 + 2 + 1 + 32);
    for (size_t i = 0; i < 4; i++)
        rs_buf_done(&m[i]);
}

static void
finds_the_share_of_a_station(void **state)
{
    struct doc_order o = whole_order();

    (void)state;
    assert_null(doc_order_share(&o, rs_bytes_str("sz-3")));
    assert_null(doc_order_share(&o, rs_bytes_str("")));
    assert_int_equal(doc_order_share(&o, rs_bytes_str("sz-2"))->size, 40);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_truncation_and_other_kinds),
        cmocka_unit_test(there_is_one_encoding),
        cmocka_unit_test(refuses_names_outside_the_alphabet),
        cmocka_unit_test(refuses_profiles_that_break_the_rules),
        cmocka_unit_test(refuses_orders_that_break_the_rules),
        cmocka_unit_test(approvals_bind_kind_name_and_bytes),
        cmocka_unit_test(finds_the_share_of_a_station),
    };

    return cmocka_run_group_tests_name("keys/doc", tests, NULL, NULL);
}
