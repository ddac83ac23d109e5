/*
 * apdu_test.c: commands and answers as bytes, by the vectors of the public
 * reference (what the vendor's library sends, section 7.2; encodings, 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "optiga.h"
#include "script.h"

static uint8_t buf[SCRIPT_MAX];

static void
is_hex(struct optiga_apdu *a, const char *hex)
{
    uint8_t want[SCRIPT_MAX];
    size_t len = script_bytes(hex, want);

    assert_int_equal(optiga_apdu_end(a), ROT_OK);
    assert_int_equal(a->len, len);
    assert_memory_equal(a->p, want, len);
}

static struct optiga_apdu *
begin(enum optiga_cmd cmd, unsigned param)
{
    static struct optiga_apdu a;

    optiga_apdu_begin(&a, buf, sizeof(buf), cmd, param);
    return &a;
}

static void
commands_are_the_library_s(void **state)
{
    uint8_t digest[32];
    struct optiga_apdu *a;

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        digest[i] = (uint8_t)i;
    a = begin(OPTIGA_GET, OPTIGA_META);
    optiga_put_u16(a, OPTIGA_OID_VENDOR_KEY);
    is_hex(a, "= 81 01 00 02 E0 F0");
    a = begin(OPTIGA_GET, OPTIGA_DATA);
    optiga_put_u16(a, OPTIGA_OID_UID);
    optiga_put_u16(a, 0);
    optiga_put_u16(a, 0x258);
    is_hex(a, "= 81 00 00 06 E0 C2 00 00 02 58");
    a = begin(OPTIGA_RANDOM, 0);
    optiga_put_u16(a, 32);
    is_hex(a, "= 8C 00 00 02 00 20");
    a = begin(OPTIGA_MAKE_PAIR, optiga_curve(ROT_ALG_P256));
    optiga_put_tlv_u16(a, 0x01, 0xe0f1);
    optiga_put_tlv_u8(a, 0x02, OPTIGA_USE_SIGN);
    is_hex(a, "= B8 03 00 09 01 00 02 E0 F1 02 00 01 10");
    a = begin(OPTIGA_SIGN, OPTIGA_ECDSA);
    optiga_put_tlv(a, 0x01, digest, 32);
    optiga_put_tlv_u16(a, 0x03, 0xe0f1);
    is_hex(a, "= B1 11 00 28 01 00 20 "
              "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 03 00 02 E0 F1");
    a = begin(OPTIGA_SET, OPTIGA_ERASE);
    optiga_put_u16(a, 0xf1d0);
    optiga_put_u16(a, 0);
    optiga_put(a, "hello", 5);
    is_hex(a, "= 82 40 00 09 F1 D0 00 00 68 65 6C 6C 6F");
    a = begin(OPTIGA_GET_ERROR, OPTIGA_DATA);
    optiga_put_u16(a, OPTIGA_OID_ERROR);
    optiga_put_u16(a, 0);
    optiga_put_u16(a, 1);
    is_hex(a, "= 01 00 00 06 F1 C2 00 00 00 01");
    is_hex(begin(OPTIGA_CLOSE, 0), "= F1 00 00 00");
}

static void
what_does_not_fit_is_not_sent(void **state)
{
    struct optiga_apdu a;

    (void)state;
    memset(buf, 0x77, sizeof(buf));
    optiga_apdu_begin(&a, buf, 10, OPTIGA_SET, 0);
    optiga_put(&a, "123456", 6);
    assert_int_equal(optiga_apdu_end(&a), ROT_OK);
    optiga_put(&a, "7", 1);
    optiga_put(&a, NULL, 0);
    assert_int_equal(optiga_apdu_end(&a), ROT_E_ARG);
    assert_int_equal(buf[10], 0x77);
    optiga_apdu_begin(&a, buf, 10, OPTIGA_SET, 0);
    optiga_put_tlv(&a, 1, "1234", 4);
    assert_int_equal(optiga_apdu_end(&a), ROT_E_ARG);
}

static rot_err
read_answer(const char *hex, struct rot_bytes *out)
{
    size_t len = script_bytes(hex, buf);

    return optiga_apdu_read((struct rot_bytes){buf, len}, out);
}

static void
answers(void **state)
{
    static const char *const bad[] = {"=",
                                      "= 00 00 00",
                                      "= 00 00 00 01",
                                      "= 00 00 00 00 00",
                                      "= 00 00 01 00 00",
                                      "= 01 00 00 00",
                                      "= FE 00 00 00",
                                      "= FF 00 00 01 07"};
    struct rot_bytes out = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_answer(bad[i], &out), ROT_E_FORMAT);
    assert_null(out.p);
    assert_int_equal(read_answer("= FF 00 00 00", &out), ROT_E_CHIP);
    assert_int_equal(read_answer("= 00 00 00 00", &out), ROT_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(read_answer("= 00 55 00 01 01", &out),
                     ROT_OK); /* the second byte says nothing */
    assert_int_equal(out.len, 1);
    assert_int_equal(out.p[0], 1);
}

static void
tlvs(void **state)
{
    static const char *const bad[] = {"=",          "= 02",          "= 02 00",
                                      "= 02 00 01", "= 02 01 00 00", "= 03 00 01 55"};
    struct rot_bytes in, value;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        in = (struct rot_bytes){buf, script_bytes(bad[i], buf)};
        assert_int_equal(optiga_take_tlv(&in, 0x02, &value), ROT_E_FORMAT);
    }
    in = (struct rot_bytes){buf, script_bytes("= 02 00 02 AA BB 61 00 00", buf)};
    assert_int_equal(optiga_take_tlv(&in, 0x02, &value), ROT_OK);
    assert_int_equal(value.len, 2);
    assert_int_equal(in.len, 3);
    assert_int_equal(optiga_take_tlv(&in, 0x61, &value), ROT_OK);
    assert_int_equal(value.len + in.len, 0);
}

/* Parts pad numbers in any way that is one. */
static void
numbers(void **state)
{
    static const char *const bad[] = {"=",       "= 02",       "= 02 01",       "= 03 01 05",
                                      "= 02 00", "= 02 01 00", "= 02 81 01 05", "= 02 03 00 01"};
    static const char *const good[] = {"= 02 02 01 02", "= 02 05 00 00 00 01 02",
                                       "= 02 03 00 01 02"};
    uint8_t out[4];
    struct rot_bytes in;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        in = (struct rot_bytes){buf, script_bytes(bad[i], buf)};
        assert_int_equal(optiga_take_number(&in, out, 4), ROT_E_FORMAT);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        in = (struct rot_bytes){buf, script_bytes(good[i], buf)};
        assert_int_equal(optiga_take_number(&in, out, 4), ROT_OK);
        assert_memory_equal(out, "\0\0\1\2", 4);
        assert_int_equal(in.len, 0);
    }
    in = (struct rot_bytes){buf, script_bytes("= 02 05 01 02 03 04 05", buf)};
    assert_int_equal(optiga_take_number(&in, out, 4), ROT_E_FORMAT);
}

static void
errors_have_codes(void **state)
{
    static const struct {
        unsigned code;
        rot_err want;
    } rows[] = {
        {0x01, ROT_E_UNSUPPORTED}, {0x03, ROT_E_UNSUPPORTED}, {0x0a, ROT_E_UNSUPPORTED},
        {0x04, ROT_E_CHIP},        {0x05, ROT_E_CHIP},        {0x06, ROT_E_CHIP},
        {0x07, ROT_E_STATE},       {0x08, ROT_E_SPACE},       {0x09, ROT_E_CHIP},
        {0x0b, ROT_E_CHIP},        {0x0c, ROT_E_BUS},         {0x0d, ROT_E_SPACE},
        {0x0e, ROT_E_STATE},       {0x0f, ROT_E_FORMAT},      {0x10, ROT_E_FORMAT},
        {0x11, ROT_E_CHIP},        {0x24, ROT_E_FORMAT},      {0x25, ROT_E_FORMAT},
        {0x29, ROT_E_FORMAT},      {0x2a, ROT_E_FORMAT},      {0x2c, ROT_E_MISMATCH},
        {0x2d, ROT_E_MISMATCH},    {0x2e, ROT_E_CHIP},        {0x2f, ROT_E_AUTH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(optiga_map_error(rows[i].code), rows[i].want);
    for (unsigned code = 0; code < 256; code++)
        assert_true(optiga_map_error(code) < 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_the_library_s),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(answers),
        cmocka_unit_test(tlvs),
        cmocka_unit_test(numbers),
        cmocka_unit_test(errors_have_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
