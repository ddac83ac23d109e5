/*
 * cbor_test.c: every form that is not the deterministic one is refused; the
 * examples of RFC 8949 appendix A that we allow read back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include <string.h>

#include "base_test.h"

/* From hex; at most 64 bytes. */
static struct rs_bytes
bytes_of(const char *hex)
{
    static uint8_t room[64];
    size_t len = 0;

    assert_int_equal(rs_hex_read(hex, strlen(hex), room, sizeof(room), &len), 1);
    return rs_bytes_of(room, len);
}

static int
is_read(const char *hex)
{
    struct rs_cbor c;

    rs_cbor_init(&c, bytes_of(hex));
    rs_cbor_skip(&c);
    return rs_cbor_done(&c);
}

static void
other_forms_are_refused(void **state)
{
    static const char *const bad[] = {
        "",                   /* nothing */
        "1817",               /* 23 in two bytes */
        "1900ff",             /* 255 in three */
        "1a0000ffff",         /* 65535 in five */
        "1b00000000ffffffff", /* 2^32-1 in nine */
        "3817",
        "5801aa",
        "780161", /* the same for other types */
        "980100",
        "b8010000",
        "1c",
        "1d",
        "1e",
        "1f", /* reserved and indefinite */
        "5f4100ff",
        "7f6161ff",
        "9f00ff",
        "bf0000ff",
        "c000", /* a tag */
        "f90000",
        "fa00000000",
        "fb0000000000000000", /* floats */
        "f7",
        "e0",
        "f0",
        "f8ff",
        "ff", /* other simple values */
        "18",
        "19ff",
        "1affffff",
        "1bffffffffffffff", /* cut */
        "42aa",
        "6261",
        "8200",
        "a100",
        "a2000001",
        "0000", /* something after the end */
        "a200000000",
        "a201000000", /* keys equal, keys falling */
        "a1616100",
        "a1200000",
        "a1f600", /* keys that are no unsigned integer */
        "61ff",
        "62c080",
        "63eda080",
        "61c3",               /* text that is not UTF-8 */
        "818181818181818100", /* nine deep */
        "5bffffffffffffffff",
        "9bffffffffffffffff",
        "bbffffffffffffffff", /* huge */
        "9a00010001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (is_read(bad[i]))
            fail_msg("%s was read", bad[i]);
    }
}

/* RFC 8949 appendix A. */
static void
allowed_forms_are_read(void **state)
{
    static const char *const good[] = {
        "00",
        "17",
        "1818",
        "18ff",
        "190100",
        "1a00010000",
        "1b0000000100000000",
        "1bffffffffffffffff",
        "20",
        "3903e7",
        "3bffffffffffffffff",
        "f4",
        "f5",
        "f6",
        "40",
        "4401020304",
        "60",
        "6449455446",
        "63e6b0b4",
        "64f0908591",
        "80",
        "83010203",
        "8301820203820405",
        "a0",
        "a201020304",
        "8181818181818100",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!is_read(good[i]))
            fail_msg("%s was refused", good[i]);
    }
}

static void
wrong_types_fail_and_stay_failed(void **state)
{
    struct rs_cbor c;

    (void)state;
    rs_cbor_init(&c, bytes_of("6161"));
    assert_int_equal(rs_cbor_uint(&c), 0);
    assert_int_equal(rs_cbor_ok(&c), 0);
    assert_int_equal(rs_cbor_peek(&c), RS_CBOR_END);
    assert_int_equal(rs_cbor_text(&c, 10).len, 0);
    rs_cbor_init(&c, bytes_of("00"));
    assert_int_equal(rs_cbor_bool(&c), 0);
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("1b8000000000000000"));
    assert_int_equal(rs_cbor_int(&c), 0); /* does not fit an int64_t */
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("3b8000000000000000"));
    assert_int_equal(rs_cbor_int(&c), 0);
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("43010203"));
    assert_int_equal(rs_cbor_bytes(&c, 2).len, 0); /* longer than allowed */
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("83010203"));
    assert_int_equal(rs_cbor_array(&c, 2), 0);
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("a10100"));
    assert_int_equal(rs_cbor_map(&c, 1), 1);
    rs_cbor_key(&c, 2);
    assert_int_equal(rs_cbor_ok(&c), 0);
    rs_cbor_init(&c, bytes_of("a1"));
    assert_int_equal(rs_cbor_item(&c).len, 0);
}

static void
what_is_put_is_read(void **state)
{
    static const uint64_t numbers[] = {0,     23,    24,         255,         256,
                                       65535, 65536, 0xffffffff, 0x100000000, UINT64_MAX};
    static const int64_t signed_numbers[] = {0, -1, -24, -25, -256, -257, INT64_MIN, INT64_MAX};
    RS_AUTO(rs_buf_done) struct rs_buf b;
    struct rs_cbor c;

    (void)state;
    rs_buf_init(&b, 1000);
    for (size_t i = 0; i < 10; i++)
        rs_cbor_put_uint(&b, numbers[i]);
    for (size_t i = 0; i < 8; i++)
        rs_cbor_put_int(&b, signed_numbers[i]);
    rs_cbor_init(&c, rs_buf_bytes(&b));
    for (size_t i = 0; i < 10; i++)
        assert_true(rs_cbor_uint(&c) == numbers[i]);
    for (size_t i = 0; i < 8; i++)
        assert_true(rs_cbor_int(&c) == signed_numbers[i]);
    assert_int_equal(rs_cbor_done(&c), 1);
}

static void
a_document_is_walked(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;
    struct rs_bytes item;
    struct rs_cbor c;

    (void)state;
    rs_buf_init(&b, 1000);
    rs_cbor_put_map(&b, 4);
    rs_cbor_put_uint(&b, 1);
    rs_cbor_put_text(&b, "name");
    rs_cbor_put_uint(&b, 2);
    rs_cbor_put_bytes(&b, rs_bytes_str("abc"));
    rs_cbor_put_uint(&b, 3);
    rs_cbor_put_array(&b, 2);
    rs_cbor_put_bool(&b, 1);
    rs_cbor_put_null(&b);
    rs_cbor_put_uint(&b, 9);
    rs_cbor_put_null(&b);
    rs_cbor_init(&c, rs_buf_bytes(&b));
    assert_int_equal(rs_cbor_map(&c, 4), 4);
    rs_cbor_key(&c, 1);
    assert_int_equal(rs_bytes_equal(rs_cbor_text(&c, 4), rs_bytes_str("name")), 1);
    rs_cbor_key(&c, 2);
    assert_int_equal(rs_cbor_null(&c), 0);
    assert_int_equal(rs_cbor_peek(&c), RS_CBOR_BYTES);
    assert_int_equal(rs_bytes_equal(rs_cbor_bytes(&c, 3), rs_bytes_str("abc")), 1);
    rs_cbor_key(&c, 3);
    item = rs_cbor_item(&c);
    assert_int_equal(item.len, 3);
    assert_memory_equal(item.p, "\x82\xf5\xf6", 3);
    rs_cbor_key(&c, 9);
    assert_int_equal(rs_cbor_null(&c), 1);
    assert_int_equal(rs_cbor_done(&c), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(allowed_forms_are_read),
        cmocka_unit_test(wrong_types_fail_and_stay_failed),
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(a_document_is_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
