/*
 * leaf_test.c: contents of leaves, in their one encoding and no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/leaf.h"

static const uint8_t hash[32] = {0xaa, 0xbb};

static struct leaf_issued
whole_issued(void)
{
    return (struct leaf_issued){
        .tenant = rs_bytes_str("acme"),
        .issuer = rs_bytes_str("device-ca"),
        .profile = rs_bytes_str("idevid"),
        .profile_hash = RS_BYTES(hash),
        .request_id = RS_BYTES(hash),
        .order = rs_bytes_str("X2-2026-11"),
        .station = rs_bytes_str("sz-1"),
        .device = rs_bytes_str("X2-1"),
        .chip_model = rs_bytes_str("atecc608b"),
        .chip_uid = rs_bytes_of("\x01\x23\x00\xee", 4),
        .object = rs_bytes_str("idevid"),
        .who = rs_bytes_str("station:sz-1"),
        .tbs = rs_bytes_of("\x30\x03\x02\x01\x01", 5),
    };
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_what_is_no_leaf(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"nothing", "", 0},
        {"not a map", "\x80", 1},
        {"indefinite map", "\xbf\xff", 2},
        {"too many pairs", "\xa4\x01\x61x\x02\x01\x03\x61y\x04\x01", 11},
        {"unknown key", "\xa1\x04\x61x", 4},
        {"key 0", "\xa1\x00\x61x", 4},
        {"keys not rising", "\xa2\x02\x01\x01\x61x", 6},
        {"key twice", "\xa2\x02\x01\x02\x01", 5},
        {"text for a number", "\xa1\x02\x61x", 4},
        {"number for a text", "\xa1\x01\x01", 3},
        {"bytes for a text", "\xa1\x01\x41x", 4},
        {"empty text", "\xa1\x01\x60", 3},
        {"zero", "\xa1\x02\x00", 3},
        {"negative", "\xa1\x02\x20", 3},
        {"number not in its shortest form", "\xa1\x02\x18\x05", 4},
        {"length not in its shortest form", "\xa1\x01\x78\x01x", 5},
        {"key not in its shortest form", "\xa1\x18\x01\x61x", 5},
        {"NUL in a text", "\xa1\x01\x61\x00", 4},
        {"text that is not UTF-8", "\xa1\x01\x61\xff", 4},
        {"bytes behind the end", "\xa1\x02\x05\x00", 4},
        {"one byte short", "\xa1\x01\x62x", 4},
    };
    struct leaf_note leaf = {.number = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rs_err err = {0};
        rs_code rc = leaf_note_read(rs_bytes_of(cases[i].bytes, cases[i].len), &leaf, &err);
        if (rc != RS_E_LEDGER_DAMAGED || leaf.number != 77)
            fail_msg("%s was taken", cases[i].name);
        assert_non_null(strstr(err.text, "leaf: "));
    }
}

/* Without each needed field in turn, and with a hash of another length. */
static void
refuses_an_issued_leaf_without_its_fields(void **state)
{
    struct leaf_issued none = {0}, leaf, read;
    struct rs_buf buf;
    size_t needed[] = {
        offsetof(struct leaf_issued, tenant),     offsetof(struct leaf_issued, issuer),
        offsetof(struct leaf_issued, profile),    offsetof(struct leaf_issued, profile_hash),
        offsetof(struct leaf_issued, request_id), offsetof(struct leaf_issued, who),
        offsetof(struct leaf_issued, tbs)};

    (void)state;
    rs_buf_init(&buf, 16384);
    leaf_issued_put(&buf, &none);
    assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_E_LEDGER_DAMAGED);
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        leaf = whole_issued();
        memset((char *)&leaf + needed[i], 0, sizeof(struct rs_bytes));
        rs_buf_reset(&buf);
        leaf_issued_put(&buf, &leaf);
        assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_E_LEDGER_DAMAGED);
    }
    leaf = whole_issued();
    leaf.request_id.len = 31;
    rs_buf_reset(&buf);
    leaf_issued_put(&buf, &leaf);
    assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_E_LEDGER_DAMAGED);
    rs_buf_done(&buf);
}

static void
refuses_every_shorter_and_longer_form(void **state)
{
    struct leaf_issued leaf = whole_issued(), read;
    struct rs_buf buf;

    (void)state;
    rs_buf_init(&buf, 16384);
    leaf_issued_put(&buf, &leaf);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(leaf_issued_read(rs_bytes_of(buf.p, len), &read, NULL),
                         RS_E_LEDGER_DAMAGED);
    rs_buf_put_u8(&buf, 0);
    assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_E_LEDGER_DAMAGED);
    rs_buf_done(&buf);
}

static void
refuses_a_reason_above_one_byte(void **state)
{
    static const char bytes[] = "\xa4\x01\x61t\x02\x61i\x03\x41s\x07\x19\x01\x00";
    struct leaf_revoked read;

    (void)state;
    assert_int_equal(leaf_revoked_read(rs_bytes_of(bytes, sizeof(bytes) - 1), &read, NULL),
                     RS_E_LEDGER_DAMAGED);
}

/* ---- There and back -------------------------------------------------------------------- */

static void
writes_the_bytes_of_the_document(void **state)
{
    struct leaf_note note = {.text = rs_bytes_str("ab"), .number = 300};
    struct rs_buf buf;

    (void)state;
    rs_buf_init(&buf, 64);
    leaf_note_put(&buf, &note);
    assert_int_equal(buf.len, 9);
    assert_memory_equal(buf.p,
                        "\xa2\x01\x62"
                        "ab\x02\x19\x01\x2c",
                        9);
    rs_buf_done(&buf);
}

static void
reads_back_issued(void **state)
{
    struct leaf_issued leaf = whole_issued(), read;
    struct rs_buf buf;

    (void)state;
    rs_buf_init(&buf, 16384);
    leaf_issued_put(&buf, &leaf);
    assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_OK);
    assert_true(rs_bytes_equal(read.tenant, leaf.tenant));
    assert_true(rs_bytes_equal(read.chip_uid, leaf.chip_uid));
    assert_true(rs_bytes_equal(read.object, leaf.object));
    assert_true(rs_bytes_equal(read.who, leaf.who));
    assert_true(rs_bytes_equal(read.tbs, leaf.tbs));
    leaf.order.len = 0;
    rs_buf_reset(&buf);
    leaf_issued_put(&buf, &leaf);
    assert_int_equal(leaf_issued_read(rs_buf_bytes(&buf), &read, NULL), RS_OK);
    assert_int_equal(read.order.len, 0);
    rs_buf_done(&buf);
}

static void
reads_back_the_others(void **state)
{
    struct leaf_revoked revoked = {.tenant = rs_bytes_str("t"),
                                   .issuer = rs_bytes_str("i"),
                                   .serial = RS_BYTES(hash),
                                   .reason = 10,
                                   .revoked_at = -5};
    struct leaf_revoked revoked_read;
    struct leaf_crl crl = {.tenant = rs_bytes_str("t"),
                           .issuer = rs_bytes_str("i"),
                           .number = UINT64_MAX,
                           .this_update = 1,
                           .next_update = INT64_MAX,
                           .tbs_hash = RS_BYTES(hash)};
    struct leaf_crl crl_read;
    struct leaf_document document = {.kind = rs_bytes_str("order"),
                                     .before = RS_BYTES(hash),
                                     .document = rs_bytes_str("text"),
                                     .hash = RS_BYTES(hash)};
    struct leaf_document document_read;
    struct leaf_refused refused = {
        .code = rs_bytes_str("order.exhausted"), .first_ms = 1, .last_ms = 2, .count = 3};
    struct leaf_refused refused_read;
    struct rs_buf buf;

    (void)state;
    rs_buf_init(&buf, 16384);
    leaf_revoked_put(&buf, &revoked);
    assert_int_equal(leaf_revoked_read(rs_buf_bytes(&buf), &revoked_read, NULL), RS_OK);
    assert_int_equal(revoked_read.reason, 10);
    assert_int_equal(revoked_read.revoked_at, -5);
    rs_buf_reset(&buf);
    leaf_crl_put(&buf, &crl);
    assert_int_equal(leaf_crl_read(rs_buf_bytes(&buf), &crl_read, NULL), RS_OK);
    assert_true(crl_read.number == UINT64_MAX && crl_read.next_update == INT64_MAX);
    assert_int_equal(crl_read.entries, 0);
    rs_buf_reset(&buf);
    leaf_document_put(&buf, &document);
    assert_int_equal(leaf_document_read(rs_buf_bytes(&buf), &document_read, NULL), RS_OK);
    assert_true(rs_bytes_equal(document_read.document, document.document));
    rs_buf_reset(&buf);
    leaf_refused_put(&buf, &refused);
    assert_int_equal(leaf_refused_read(rs_buf_bytes(&buf), &refused_read, NULL), RS_OK);
    assert_int_equal(refused_read.count, 3);
    rs_buf_done(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_leaf),
        cmocka_unit_test(refuses_an_issued_leaf_without_its_fields),
        cmocka_unit_test(refuses_every_shorter_and_longer_form),
        cmocka_unit_test(refuses_a_reason_above_one_byte),
        cmocka_unit_test(writes_the_bytes_of_the_document),
        cmocka_unit_test(reads_back_issued),
        cmocka_unit_test(reads_back_the_others),
    };

    return cmocka_run_group_tests_name("leaf", tests, NULL, NULL);
}
