/*
 * apdu_test.c: commands and answers of the applet, without a part.
 *
 * The commands are those of the reference, section 8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rot/registry.h>

#include "hex.h"
#include "se05x.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t buf[SE05X_BUFFER];

/* ---- Commands ------------------------------------------------------------------------------ */

/* What a command is made of: TLVs as "tag value". */
struct vector {
    const char *bytes;
    uint32_t op;
    const char *tlvs[4];
};

static const struct vector vectors[] = {
    {"80 04 00 20 00", 0x040020, {NULL}},
    {"80 04 00 49 00 00 04 41 02 00 10 00 00", SE05X_OP_RANDOM, {"41 0010"}},
    {"80 02 00 00 00 00 06 41 04 7F FF 02 06 00 00", SE05X_OP_READ, {"41 7FFF0206"}},
    {"80 02 00 00 00 00 0E 41 04 F0 00 01 01 42 02 01 00 43 02 00 80 00 00",
     SE05X_OP_READ,
     {"41 F0000101", "42 0100", "43 0080"}},
    {"80 04 00 27 06 41 04 7F FF 02 06", SE05X_OP_EXISTS, {"41 7FFF0206"}},
    {"80 02 00 07 06 41 04 F0 00 01 01", SE05X_OP_READ_SIZE, {"41 F0000101"}},
    {"80 02 00 26 06 41 04 F0 00 01 00", 0x020026, {"41 F0000100"}},
    {"80 02 00 25 00 00 07 41 02 00 00 42 01 FF 00 00",
     SE05X_LONG | 0x020025,
     {"41 0000", "42 FF"}},
    {"80 02 0B 25 00", SE05X_OP_READ_CURVES, {NULL}},
    {"80 01 0B 04 03 41 01 03", SE05X_OP_CREATE_CURVE, {"41 03"}},
    {"80 01 61 00 09 41 04 20 00 00 01 42 01 03", SE05X_OP_WRITE_PAIR, {"41 20000001", "42 03"}},
    {"80 03 0C 09 2B 41 04 20 00 00 01 42 01 21 43 20 "
     "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
     SE05X_OP_SIGN,
     {"41 20000001", "42 21",
      "43 BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}},
    {"80 04 00 28 06 41 04 20 00 00 01", SE05X_OP_DELETE, {"41 20000001"}},
    {"80 01 06 00 10 41 04 20 00 00 02 43 02 00 04 44 04 DE AD BE EF",
     SE05X_OP_WRITE_BINARY,
     {"41 20000002", "43 0004", "44 DEADBEEF"}},
    {"80 04 00 22 03 41 01 01", 0x040022, {"41 01"}},
    {"80 04 00 1B 06 41 04 7D A0 00 01", 0x04001b, {"41 7DA00001"}},
    {"80 05 00 00 18 10 08 1112131415161718 41 0C 80 04 00 2C 07 41 05 C0 01 02 03 04",
     0x050000,
     {"10 1112131415161718", "41 8004002C074105C001020304"}},
    {"80 05 00 00 10 10 08 1112131415161718 41 04 80 04 00 1C",
     0x050000,
     {"10 1112131415161718", "41 8004001C"}},
    {"80 04 00 2A 00", 0x04002a, {NULL}},
};

static struct se05x_command
command_of(uint32_t op)
{
    struct se05x_command c = {
        .header = {0x80, (uint8_t)(op >> 16), (uint8_t)(op >> 8), (uint8_t)op},
        .is_long = (op & SE05X_LONG) != 0};

    return c;
}

static void
commands_are_the_reference_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct se05x_command c = command_of(vectors[i].op);
        uint8_t want[128], tlv[64];
        size_t len = hex(vectors[i].bytes, want), start, end;

        for (size_t k = 0; k < 4 && vectors[i].tlvs[k] != NULL; k++) {
            size_t n = hex(vectors[i].tlvs[k], tlv);

            se05x_add(&c, buf, tlv[0], tlv + 1, n - 1);
        }
        assert_false(c.is_bad);
        start = se05x_put_head(&c, buf, c.len);
        end = se05x_put_tail(&c, buf, c.len);
        assert_int_equal(end - start, len);
        assert_memory_equal(buf + start, want, len);
    }
}

/* From 255 bytes on three bytes of length, without Le; TLV lengths in one, two and three bytes. */
static void
lengths_grow(void **state)
{
    static const struct {
        size_t value, head;
        uint8_t bytes[4];
    } cases[] = {{0, 2, {0x41, 0x00}},
                 {0x7f, 2, {0x41, 0x7f}},
                 {0x80, 3, {0x41, 0x81, 0x80}},
                 {0xff, 3, {0x41, 0x81, 0xff}},
                 {0x100, 4, {0x41, 0x82, 0x01, 0x00}}};
    static uint8_t zero[SE05X_BUFFER];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct se05x_command c = command_of(SE05X_OP_WRITE_BINARY);

        se05x_add(&c, buf, 0x41, zero, cases[i].value);
        assert_int_equal(c.len, cases[i].head + cases[i].value);
        assert_memory_equal(buf + SE05X_HEAD, cases[i].bytes, cases[i].head);
    }
    for (size_t len = 0xfe; len <= 0xff; len++) {
        struct se05x_command c = command_of(SE05X_OP_WRITE_BINARY);
        size_t start = se05x_put_head(&c, buf, len), end = se05x_put_tail(&c, buf, len);

        assert_int_equal(end - start, 4 + len + (len == 0xfe ? 1 : 3));
        assert_int_equal(buf[start + 4], len == 0xfe ? 0xfe : 0);
    }
}

static void
what_does_not_fit_is_bad(void **state)
{
    struct se05x_command c = command_of(SE05X_OP_WRITE_BINARY);
    static uint8_t zero[SE05X_BUFFER];

    (void)state;
    se05x_add(&c, buf, 0x41, zero, SE05X_DATA_MAX - 4);
    assert_false(c.is_bad);
    assert_int_equal(c.len, SE05X_DATA_MAX);
    se05x_add(&c, buf, 0x42, zero, 0);
    assert_true(c.is_bad);
    c = command_of(SE05X_OP_WRITE_BINARY);
    se05x_add(&c, buf, 0x41, zero, SE05X_DATA_MAX - 3);
    assert_true(c.is_bad);
    se05x_add(&c, buf, 0x41, zero, 1); /* and stays so */
    assert_true(c.is_bad);
    c = command_of(SE05X_OP_WRITE_BINARY);
    assert_null(se05x_reserve(&c, buf, 0x41, SIZE_MAX));
}

static void
policy_is_the_reference_s(void **state)
{
    (void)state;
    assert_int_equal(SE05X_ALLOW_SIGN | SE05X_ALLOW_VERIFY | SE05X_ALLOW_READ | SE05X_ALLOW_WRITE |
                         SE05X_ALLOW_GENERATE | SE05X_ALLOW_DELETE,
                     0x183c0000);
    assert_int_equal(SE05X_ALLOW_AGREE | SE05X_ALLOW_READ | SE05X_ALLOW_WRITE |
                         SE05X_ALLOW_GENERATE | SE05X_ALLOW_DELETE,
                     0x043c0000);
    assert_int_equal(SE05X_ALLOW_AGREE | SE05X_ALLOW_READ | SE05X_ALLOW_DELETE, 0x04240000);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static struct se05x_reader
reader_of(const char *text)
{
    static uint8_t bytes[512];
    size_t len = hex(text, bytes);

    return (struct se05x_reader){bytes, len, 0};
}

static void
broken_tlvs_are_refused(void **state)
{
    static const char *const texts[] = {"",           "41",     "4101",     "4181",
                                        "418101",     "418200", "41820001", "4180",
                                        "4183000001", "41FF",   "42 01 01", "41 02 01"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct se05x_reader r = reader_of(texts[i]);
        struct rot_bytes b = se05x_take(&r, 0x41);

        assert_true(r.is_bad);
        assert_null(b.p);
        assert_int_equal(b.len, 0);
        assert_int_equal(se05x_take_end(&r), ROT_E_FORMAT);
        (void)se05x_take(&r, 0x41);
        assert_true(r.is_bad);
    }
}

static void
tlvs_are_taken_in_order(void **state)
{
    struct se05x_reader r = reader_of("41 81 02 0102 42 82 0001 07 43 00 44 02 0203");
    struct rot_bytes b = se05x_take(&r, 0x41);

    (void)state;
    assert_int_equal(b.len, 2);
    assert_int_equal(b.p[1], 2);
    assert_int_equal(se05x_take_number(&r, 0x42, 1), 7);
    assert_int_equal(se05x_take(&r, 0x43).len, 0);
    assert_int_equal(se05x_take_end(&r), ROT_E_FORMAT); /* something is left */
    assert_int_equal(se05x_take_number(&r, 0x44, 2), 0x0203);
    assert_int_equal(se05x_take_end(&r), ROT_OK);
    r = reader_of("41 02 0102");
    (void)se05x_take_number(&r, 0x41, 1);
    assert_true(r.is_bad);
}

static void
status_words(void **state)
{
    static const struct {
        uint32_t sw;
        rot_err rc;
    } cases[] = {
        {0x9000, ROT_OK},
        {0x6700, ROT_E_CHIP},
        {0x6982, ROT_E_AUTH},
        {0x6983, ROT_E_AUTH},
        {0x6984, ROT_E_CHIP},
        {0x6985, ROT_E_STATE},
        {0x6986, ROT_E_STATE},
        {0x6a80, ROT_E_CHIP},
        {0x6a82, ROT_E_EMPTY},
        {0x6a84, ROT_E_SPACE},
        {0x6a86, ROT_E_UNSUPPORTED},
        {0x6d00, ROT_E_UNSUPPORTED},
        {0x6e00, ROT_E_UNSUPPORTED},
        {0x66a6, ROT_BUSY},
        {0x6283, ROT_E_CHIP},
        {0x0000, ROT_E_CHIP},
        {0xffff, ROT_E_CHIP},
        {0x9001, ROT_E_CHIP},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(se05x_map_status(cases[i].sw), cases[i].rc);
}

static void
attributes(void **state)
{
    static const struct {
        const char *text;
        rot_err rc;
        uint32_t rights;
        uint8_t rules, origin;
    } cases[] = {
        {"52530001 01 01 0000 00000000 0000 02", ROT_OK, 0, 0, 2},
        {"52530001 01 01 0000 00000000 0000 02 00000000", ROT_OK, 0, 0, 2},
        {"52530001 01 01 0000 00000000 0000 08 00000000 183C0000 02", ROT_OK, 0x183c0000, 1, 2},
        {"52530001 01 01 0000 00000000 0000 08 00000000 183C0000 02 00000001", ROT_OK, 0x183c0000,
         1, 2},
        {"52530001 01 01 0000 00000000 0000 08 00000000 183C0000 08 7DA00001 00200000 01", ROT_OK,
         0x183c0000, 2, 1},
        {"52530002 01 01 0000 00000000 0000 02", ROT_E_FORMAT, 0, 0, 0},
        {"52530001 01 01 0000 00000000 0000", ROT_E_FORMAT, 0, 0, 0},
        {"52530001 01 01 0000 00000000 0000 08 00000000 183C0000", ROT_E_FORMAT, 0, 0, 0},
        {"52530001 01 01 0000 00000000 0000 08 00000000 183C", ROT_E_FORMAT, 0, 0, 0},
        {"52530001 01 01 0000 00000000 0000 FF 00000000 183C0000 02", ROT_E_FORMAT, 0, 0, 0},
        {"52530001 01 01 0000 00000000 0000 02 0000", ROT_E_FORMAT, 0, 0, 0},
        {"5253", ROT_E_FORMAT, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t b[64];
        struct rot_bytes block = {b, hex(cases[i].text, b)};
        struct se05x_attributes a;

        assert_int_equal(se05x_take_attributes(block, 0x52530001, &a), cases[i].rc);
        if (cases[i].rc != ROT_OK)
            continue;
        assert_int_equal(a.rights, cases[i].rights);
        assert_int_equal(a.rule_count, cases[i].rules);
        assert_int_equal(a.origin, cases[i].origin);
        assert_int_equal(se05x_has_rights(&a, 0x183c0000),
                         cases[i].rules == 1 && cases[i].rights == 0x183c0000);
    }
}

static void
der_sizes(void **state)
{
    (void)state;
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x00zz"), 2);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x7fzz"), 0x81);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x81\x80z"), 0x83);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x82\x01\x02"), 0x106);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x83\x01\x02"), 0);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x30\x80\x01\x02"), 0);
    assert_int_equal(se05x_der_size((const uint8_t *)"\x31\x02\x01\x02"), 0);
}

/* ---- Names -------------------------------------------------------------------------------------- */

static void
models_find_their_driver(void **state)
{
    static const char *const ours[] = {"se050", "se050c", "se051h", "se05x", "se052"};
    static const char *const others[] = {"se05", "se5050", "atecc608b", "xe050", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(ours); i++) {
        const struct rot_driver *d = rot_registry_match(ours[i]);

        assert_non_null(d);
        assert_string_equal(d->name, "se05x");
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        const struct rot_driver *d = rot_registry_match(others[i]);

        assert_true(d == NULL || strcmp(d->name, "se05x") != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_the_reference_s),
        cmocka_unit_test(lengths_grow),
        cmocka_unit_test(what_does_not_fit_is_bad),
        cmocka_unit_test(policy_is_the_reference_s),
        cmocka_unit_test(broken_tlvs_are_refused),
        cmocka_unit_test(tlvs_are_taken_in_order),
        cmocka_unit_test(status_words),
        cmocka_unit_test(attributes),
        cmocka_unit_test(der_sizes),
        cmocka_unit_test(models_find_their_driver),
    };

    return cmocka_run_group_tests_name("librot_se05x apdu", tests, NULL, NULL);
}
