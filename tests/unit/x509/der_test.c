/*
 * der_test.c: strict DER in, DER out; object identifiers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include "x509/der.h"
#include "x509/oid.h"

#define B(text) rs_bytes_of(text, sizeof(text) - 1)

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_lengths_that_are_not_der(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"nothing", "", 0},
        {"a tag only", "\x04", 1},
        {"content cut", "\x04\x02\x00", 3},
        {"indefinite", "\x04\x80\x00\x00", 4},
        {"long form of a short length", "\x04\x81\x01\x00", 4},
        {"leading zero in the long form", "\x04\x82\x00\x01\x00", 5},
        {"length octets cut", "\x04\x82\x01", 3},
        {"four length octets", "\x04\x84\x00\x00\x00\x01\x00", 7},
        {"reserved 0xff", "\x04\xff\x01\x00", 4},
        {"another tag", "\x05\x00", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct der d;
        der_init(&d, rs_bytes_of(cases[i].bytes, cases[i].len));
        assert_int_equal(der_take(&d, DER_OCTET_STRING).len, 0);
        if (der_ok(&d))
            fail_msg("accepted: %s", cases[i].name);
        assert_int_equal(der_peek(&d), 0); /* sticky */
        assert_false(der_done(&d));
    }
}

static void
refuses_integers_that_are_not_der(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x02\x00", 2},                                      /* empty */
        {"\x02\x01\x80", 3},                                  /* negative */
        {"\x02\x02\x00\x01", 4},                              /* not minimal */
        {"\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", 11}, /* above the maximum */
        {"\x02\x03\x01\x00\x00", 5},                          /* 65536, above the maximum */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct der d;
        der_init(&d, rs_bytes_of(cases[i].bytes, cases[i].len));
        (void)der_take_small(&d, 65535);
        assert_false(der_ok(&d));
    }
}

static void
refuses_booleans_bits_and_deep_ends(void **state)
{
    struct der d, inner;

    (void)state;
    der_init(&d, B("\x01\x01\x01"));
    assert_int_equal(der_take_boolean(&d), 0);
    assert_false(der_ok(&d));
    der_init(&d, B("\x01\x02\xff\xff"));
    (void)der_take_boolean(&d);
    assert_false(der_ok(&d));
    der_init(&d, B("\x03\x00"));
    (void)der_take_bits(&d);
    assert_false(der_ok(&d));
    der_init(&d, B("\x03\x02\x01\x80")); /* unused bits */
    (void)der_take_bits(&d);
    assert_false(der_ok(&d));
    der_init(&d, B("\x1f\x81\x00\x00")); /* multi-byte tag */
    (void)der_take_any(&d);
    assert_false(der_ok(&d));
    der_init(&d, B("\x30\x03\x02\x01"));
    der_enter(&d, DER_SEQUENCE, &inner);
    assert_false(der_ok(&inner));
    der_init(&d, B("\x05\x00"));
    assert_int_equal(der_enter_optional(&d, DER_SEQUENCE, &inner), 0);
    assert_true(der_ok(&d));
    der_fail(&d);
    assert_false(der_ok(&d));
}

static void
refuses_times_that_rfc_5280_does_not_want(void **state)
{
    static const char *const cases[] = {
        "\x17\x0b"
        "2601010000Z", /* no seconds */
        "\x17\x11"
        "260101000000+0000", /* an offset */
        "\x17\x0d"
        "260101000000z",
        "\x17\x0d"
        "26010100000xZ",
        "\x17\x0d"
        "xx0101000000Z", /* no year */
        "\x17\x0d"
        "261301000000Z",
        "\x17\x0d"
        "260230000000Z", /* no such day */
        "\x17\x0d"
        "260101240000Z",
        "\x18\x0f"
        "20260101000000Z", /* must be UTCTime before 2050 */
        "\x18\x0f"
        "xx600101000000Z",
        "\x18\x0f"
        "20xx0101000000Z",
        "\x18\x0d"
        "600101000000Z",
        "\x18\x11"
        "20600101000000.0Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct der d;
        der_init(&d, rs_bytes_str(cases[i]));
        (void)der_take_time(&d);
        if (der_ok(&d))
            fail_msg("accepted: %s", cases[i] + 2);
    }
}

static void
refuses_to_write_past_its_buffer(void **state)
{
    uint8_t room[4];
    struct der_out o;

    (void)state;
    der_out_init(&o, room, sizeof(room));
    der_put_element(&o, DER_OCTET_STRING, B("abc"));
    assert_false(der_out_ok(&o));
    der_put_byte(&o, 1);
    assert_false(der_out_ok(&o));
    der_out_init(&o, room, sizeof(room));
    der_put_element(&o, DER_OCTET_STRING, B("ab"));
    assert_true(der_out_ok(&o));
    assert_memory_equal(room,
                        "\x04\x02"
                        "ab",
                        4);
}

static void
refuses_text_that_is_no_oid(void **state)
{
    static const char *const cases[] = {"",
                                        "1",
                                        "1.",
                                        ".1",
                                        "3.1",
                                        "1.40",
                                        "1.2.",
                                        "1.02.3",
                                        "1.2,3",
                                        "1.2x",
                                        "1.2.99999999999999999999",
                                        "1.2.-3"};
    uint8_t out[16];
    size_t len = 7;
    char text[8];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(oid_read(rs_bytes_str(cases[i]), out, sizeof(out), &len), 0);
    assert_int_equal(oid_read(rs_bytes_str("1.2.3.4"), out, 2, &len), 0); /* no room */
    assert_int_equal(oid_read(rs_bytes_str("2.4294967295"), out, 0, &len), 0);
    assert_int_equal(len, 7);
    oid_text(oid_ocsp_basic, text, sizeof(text)); /* does not fit */
    assert_string_equal(text, "");
    oid_text(B("\x55\x04\x83"), text, sizeof(text)); /* ends inside an arc */
    assert_string_equal(text, "");
    oid_text(B(""), text, sizeof(text));
    assert_string_equal(text, "");
}

/* ---- What works ---------------------------------------------------------------------- */

static void
lengths_round_trip_at_their_edges(void **state)
{
    static const size_t lengths[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 70000};
    static uint8_t content[70000], room[70016];

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct der_out o;
        struct der d;
        der_out_init(&o, room, sizeof(room));
        der_put_element(&o, DER_OCTET_STRING, rs_bytes_of(content, lengths[i]));
        assert_true(der_out_ok(&o));
        der_init(&d, der_out_bytes(&o));
        assert_int_equal(der_take(&d, DER_OCTET_STRING).len, lengths[i]);
        assert_true(der_done(&d));
        der_init(&d, der_out_bytes(&o));
        assert_int_equal(der_take_any(&d).len, der_mark(&o));
    }
}

static void
numbers_round_trip(void **state)
{
    static const uint64_t numbers[] = {0,         1, 127, 128, 255, 256, 65535, 0x8000000000000000u,
                                       UINT64_MAX};
    uint8_t room[32];

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct der_out o;
        struct der d;
        der_out_init(&o, room, sizeof(room));
        der_put_small(&o, numbers[i]);
        der_init(&d, der_out_bytes(&o));
        assert_true(der_take_small(&d, UINT64_MAX) == numbers[i]);
        assert_true(der_done(&d));
    }
}

/* X.690 11.2.2: no trailing zero bits in named bits. */
static void
named_bits_are_minimal(void **state)
{
    static const struct {
        uint32_t value;
        const char *bytes;
        size_t len;
    } cases[] = {
        {0, "\x03\x01\x00", 3},
        {1, "\x03\x02\x07\x80", 4},
        {1 << 5 | 1 << 6, "\x03\x02\x01\x06", 4},
        {1 << 7, "\x03\x02\x00\x01", 4},
        {1 << 8, "\x03\x03\x07\x00\x80", 5},
    };
    uint8_t room[16];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct der_out o;
        der_out_init(&o, room, sizeof(room));
        der_put_named_bits(&o, cases[i].value, 9);
        assert_true(rs_bytes_equal(der_out_bytes(&o), rs_bytes_of(cases[i].bytes, cases[i].len)));
    }
}

static void
times_round_trip(void **state)
{
    static const struct {
        int64_t t;
        const char *bytes;
    } cases[] = {
        {0, "\x17\x0d"
            "700101000000Z"},
        {-631152000, "\x17\x0d"
                     "500101000000Z"},
        {2524607999, "\x17\x0d"
                     "491231235959Z"},
        {2524608000, "\x18\x0f"
                     "20500101000000Z"},
        {INT64_MAX, "\x18\x0f"
                    "99991231235959Z"},
    };
    uint8_t room[32];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct der_out o;
        struct der d;
        der_out_init(&o, room, sizeof(room));
        der_put_time(&o, cases[i].t);
        assert_true(rs_bytes_equal(der_out_bytes(&o), rs_bytes_str(cases[i].bytes)));
        der_init(&d, der_out_bytes(&o));
        assert_true(der_take_time(&d) == cases[i].t);
        assert_true(der_done(&d));
    }
}

static void
oids_round_trip(void **state)
{
    static const char *const cases[] = {"0.0", "1.2.840.113549.1.1.11", "2.5.29.15",
                                        "2.999.4294967295", "1.39.0"};
    uint8_t out[32];
    char text[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(oid_read(rs_bytes_str(cases[i]), out, sizeof(out), &len), 1);
        oid_text(rs_bytes_of(out, len), text, sizeof(text));
        assert_string_equal(text, cases[i]);
    }
    assert_int_equal(oid_read(rs_bytes_str("2.5.29.15"), out, sizeof(out), &len), 1);
    assert_true(rs_bytes_equal(rs_bytes_of(out, len), oid_key_usage));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_lengths_that_are_not_der),
        cmocka_unit_test(refuses_integers_that_are_not_der),
        cmocka_unit_test(refuses_booleans_bits_and_deep_ends),
        cmocka_unit_test(refuses_times_that_rfc_5280_does_not_want),
        cmocka_unit_test(refuses_to_write_past_its_buffer),
        cmocka_unit_test(refuses_text_that_is_no_oid),
        cmocka_unit_test(lengths_round_trip_at_their_edges),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(named_bits_are_minimal),
        cmocka_unit_test(times_round_trip),
        cmocka_unit_test(oids_round_trip),
    };

    return cmocka_run_group_tests_name("x509/der", tests, NULL, NULL);
}
