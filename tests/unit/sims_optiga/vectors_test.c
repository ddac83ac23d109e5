/*
 * vectors_test.c: every byte string of the wire reference, as it stands there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/bytes.h"
#include "desk.h"

/* ---- Section 2 ------------------------------------------------------------------------- */

static void
test_fcs(void **state)
{
    static const char *const frames[] = {"C000000A9A", "8000000CEC", "8100005630", "820000B954",
                                         "830000E388", "A000000FD7", "A10000550B"};
    uint8_t bytes[8];

    (void)state;
    assert_int_equal(optiga_fcs((const uint8_t *)"123456789", 9), 0x2189);
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        assert_int_equal(hex(frames[i], bytes, sizeof(bytes)), 5);
        assert_int_equal(optiga_fcs(bytes, 3), rs_get_u16(bytes + 3));
    }
}

/* ---- Section 1: registers ----------------------------------------------------------------- */

static void
test_registers(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_r(&d, 0x82, "08800000");
    desk_r(&d, 0x84, "00000190");
    desk_w(&d, "81 0115");
    desk_r(&d, 0x81, "0115");
    desk_w(&d, "81 FFFF");
    desk_r(&d, 0x81, "0115");
    desk_w(&d, "81 000F"); /* below the minimum: ignored */
    desk_r(&d, 0x81, "0115");
    desk_w(&d, "81 0010");
    desk_r(&d, 0x81, "0010");
    desk_r(&d, 0x89, "0003");
    desk_w(&d, "89 0007");
    desk_r(&d, 0x89, "0003");
    desk_w(&d, "89 0004");
    desk_r(&d, 0x89, "0004FFFF"); /* past the end: ones */
    desk_r(&d, 0x84, "000003E8");
    desk_r(&d, 0x85, "FFFFFFFF");
    desk_r(&d, 0x86, "FFFFFFFF");
    desk_r(&d, 0x87, "FFFFFFFF");
    desk_r(&d, 0x90, "00000000");
    desk_r(&d, 0x13, "FFFF"); /* unknown */
    desk_r(&d, 0x80, "FFFF"); /* nothing waits */
    desk_w(&d, "88 0000");    /* warm reset */
    desk_r(&d, 0x89, "0003");
    desk_r(&d, 0x81, "0115");
    desk_w(&d, "89 8004"); /* for good; the top bit reads as 0 */
    desk_w(&d, "88 0000");
    desk_r(&d, 0x89, "0004");
    desk_done(&d);
}

static void
test_address(void **state)
{
    static const uint8_t move[] = {0x83, 0x00, 0x31}, keep[] = {0x83, 0x80, 0x32};
    static const uint8_t reset[] = {0x88, 0x00, 0x00};
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(d.model->i2c_write(&d.chip, 0x20, NULL, 0), 0);
    assert_int_equal(d.model->i2c_write(&d.chip, 0x30, NULL, 0), 1);
    assert_int_equal(desk_write(&d, move, 3), 1);
    assert_int_equal(d.model->get_address(&d.chip), 0x31);
    assert_int_equal(desk_write(&d, reset, 3), 0);
    assert_int_equal(d.model->i2c_write(&d.chip, 0x31, reset, 3), 1);
    assert_int_equal(d.model->get_address(&d.chip), 0x30);
    assert_int_equal(desk_write(&d, keep, 3), 1);
    d.model->set_power(&d.chip, 0);
    d.model->set_power(&d.chip, 1);
    assert_int_equal(d.model->get_address(&d.chip), 0x32);
    desk_done(&d);
}

/* ---- Section 7.1: a real part's bus, no presentation layer ---------------------------------- */

static void
test_data_sheet_log(void **state)
{
    const struct sim_timing timing = {.busy_us = 2000}, at_once = {.busy_us = 0};
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.model->set_timing(&d.chip, &timing);
    desk_r(&d, 0x82, "08800000");
    desk_w(&d, "80 03 0015 00 70000010 D27600000447656E417574684170706C 041A");
    desk_r(&d, 0x82, "C8800005");
    desk_r(&d, 0x80, "8000000CEC");
    desk_r(&d, 0x82, "88800000"); /* busy, nothing to fetch */
    desk_advance(&d, 2000);
    desk_r(&d, 0x82, "4880000A");
    desk_r(&d, 0x80, "00 0005 00 00000000 1487");
    desk_w(&d, "80 8000000CEC");
    desk_r(&d, 0x82, "08800000");
    d.model->set_timing(&d.chip, &at_once);
    desk_w(&d, "80 04 000B 00 01000006 E0C200000064 F09F");
    desk_r(&d, 0x82, "48800025");
    desk_r(&d, 0x80, "05 0020 00 0000001B CD16339301001C000500000A09A413000A002F002E801010712440");
    assert_int_equal(desk_fetch(&d, frame), 0x25);
    assert_int_equal(rs_get_u16(frame + 0x23), optiga_fcs(frame, 0x23));
    desk_w(&d, "80 8100005630");
    desk_r(&d, 0x82, "08800000");
    desk_done(&d);
}

/* ---- Section 7.2: the vendor library's bytes, presence and SCTR 20 ---------------------------- */

/* The frame waits and has this head; the rest is not known beforehand.  Acknowledged. */
static void
answer_begins(struct desk *d, const char *head, const char *ack)
{
    uint8_t want[64], frame[300];
    size_t len = hex(head, want, sizeof(want)), got = desk_fetch(d, frame);

    assert_true(got > len);
    assert_memory_equal(frame, want, len);
    assert_int_equal(rs_get_u16(frame + got - 2), optiga_fcs(frame, got - 2));
    desk_w(d, ack);
}

static void
answer_is(struct desk *d, const char *frame, const char *ack)
{
    desk_r(d, 0x80, frame);
    desk_w(d, ack);
}

#define ACK0 "80 8000000CEC"
#define ACK1 "80 8100005630"
#define ACK2 "80 820000B954"
#define ACK3 "80 830000E388"

static void
test_vendor_library(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_w(&d, "80 03 0016 08 20 F0000010 D27600000447656E417574684170706C BE40");
    answer_is(&d, "00 0006 08 20 00000000 1904", ACK0);
    desk_w(&d, "80 04 000C 08 20 81000006 E0C200000258 1F8E");
    answer_is(&d,
              "05 0021 08 20 0000001B CD16339301001C000500000A09A413000A002F002E801010712440 3BD7",
              ACK1);
    desk_w(&d, "80 09 0008 08 20 81010002 E0F0 79AD");
    answer_is(&d, "0A 0017 08 20 00000011 200FC00101D001FFD30100E00103E10101 F6BA", ACK2);
    desk_w(&d, "80 0E 0008 08 20 8C000002 0020 D8C4");
    answer_begins(&d, "0F 0026 08 20 00000020", ACK3);
    desk_w(&d, "80 03 000F 08 20 B8030009 010002E0F1 02000110 8DB0");
    answer_begins(&d, "00 004D 08 20 00000047 02004403420004", ACK0);
    desk_w(&d, "80 04 002E 08 20 B1110028 010020"
               "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 030002E0F1 75F7");
    answer_begins(&d, "05 00", ACK1);
    /* Here the reference leaves a frame out: the numbers go on behind it. */
    assert_int_equal(desk_frame(&d, 0x09, (const uint8_t *)"\x08\x20\x8C\0\0\2\0\x20", 8), 1);
    answer_begins(&d, "0A 0026 08 20 00000020", ACK2);
    desk_w(&d, "80 0E 000C 08 20 B0E20006 010003616263 8981");
    answer_is(&d,
              "0F 0029 08 20 00000023 010020"
              "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD F5E2",
              ACK3);
    desk_w(&d, "80 03 000F 08 20 82400009 F1D0000068656C6C6F A1A1");
    answer_begins(&d, "00 0006 08 20 00000000", ACK0);
    desk_w(&d, "80 04 000F 08 20 82010009 F1D000002003C00107 5068");
    answer_begins(&d, "05 0006 08 20 00000000", ACK1);
    desk_w(&d, "80 09 000C 08 20 81000006 F1DF00000258 A0C0");
    /* F1DF is not an object. */
    answer_is(&d, "0A 0006 08 20 FF000000 38E6", ACK2);
    desk_w(&d, "80 0E 000C 08 20 01000006 F1C200000001 C631");
    answer_is(&d, "0F 0007 08 20 00000001 01 620F", ACK3);
    desk_w(&d, "80 03 0006 08 20 F1000000 A493");
    answer_begins(&d, "00 0006 08 20 00000000", ACK0);
    desk_done(&d);
}

/* 600 bytes: three packets of 0x110, 0x110 and 0x44 bytes, the first two acknowledged alone. */
static void
test_long_write(void **state)
{
    uint8_t message[609] = {0x20, 0x82, 0x40, 0x02, 0x5C, 0xF1, 0xE0}, packet[0x110], frame[300];
    static const uint8_t pctr[3] = {0x09, 0x0A, 0x0C};
    static const size_t sizes[3] = {0x110, 0x110, 0x44};
    size_t at = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.presence = 1;
    desk_open(&d);
    for (size_t i = 9; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < 3; i++) {
        packet[0] = pctr[i];
        memcpy(packet + 1, message + at, sizes[i] - 1);
        at += sizes[i] - 1;
        d.tx = (d.tx + 1) & 3;
        assert_int_equal(desk_frame(&d, (uint8_t)(d.tx << 2 | d.rx), packet, sizes[i]), 1);
        if (i < 2) {
            assert_int_equal(desk_fetch(&d, frame), 5);
            assert_int_equal(frame[0], 0x80 | d.tx);
        }
    }
    assert_int_equal(at, sizeof(message));
    assert_int_equal(desk_fetch(&d, frame), 11);
    assert_memory_equal(frame + 3, "\x08\x20\0\0\0\0", 6);
    assert_memory_equal(optiga_byte(&d.chip, 0xF1E0), message + 9, 600);
    desk_done(&d);
}

/* ---- Section 7.3: shielded connection ----------------------------------------------------------- */

static void
exchange(struct desk *d, const char *out, const char *in)
{
    uint8_t message[128], want[128], answer[OPTIGA_MESSAGE_MAX];
    size_t len = hex(out, message, sizeof(message)), want_len = hex(in, want, sizeof(want));

    assert_int_equal(desk_message(d, message, len, answer), want_len);
    assert_memory_equal(answer, want, want_len);
}

static void
test_shielded_connection(void **state)
{
    uint8_t block[40];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.presence = 1;
    desk_open(&d);
    assert_int_equal(desk_put(&d, 0xF1D0, (const uint8_t *)"hello", 5), 0);
    d.random_len = hex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"
                       "1234 4321",
                       d.random, sizeof(d.random));
    exchange(&d, "00 01",
             "00 01 A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF 00001234");
    exchange(&d,
             "08 00001234 E8A189373D9F4157D6D7B1084D80E145D30F69DCFBDFD72F5922990E4FC192D26FB2F29F"
             "2EEEF1F9889DF10D",
             "08 00004321 C69EC64635BE004FCC54FB7BCA7670F63E2CD9FB0B7E199A78F8724E33968D8650C7496C"
             "4A31F1946CA34223");
    (void)hex("463A396FFBA56BD0FA11398AC3FB4338 43778EA3147F90DB64BF4AAD07E7E796 AE68CFCF 8CC5010B",
              block, sizeof(block));
    assert_memory_equal(d.chip.comms.shield.keys.block, block, sizeof(block));
    exchange(&d, "23 00004322 CDE6A629A9336787BEBD9365CF4CCFF9276E",
             "23 00001235 B457E61B9D5FC95B3EDFC70F7D15C937A4");
    exchange(&d, "22 81000006F1D000000258", "22 00001236 213863A8CF19E2F78DD8283ED99AF49843");
    desk_done(&d);
}

/* ---- Section 6: what is in a new part ------------------------------------------------------------- */

static void
test_factory_v3(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX], want[64];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    desk_meta_is(&d, 0xE0E1, "2019 C00101 C40206C0 C50206C0 D003E1FC07 D10100 D30100 E80112");
    desk_meta_is(&d, 0xE0E8, "2019 C00101 C40204B0 C50204B0 D003E1FC07 D10100 D30100 E80111");
    desk_meta_is(&d, 0xE0F0, "200F C00101 D001FF D30100 E00103 E10101");
    desk_meta_is(&d, 0xE0F1, "200B C00101 D003E1FC07 D30100");
    desk_meta_is(&d, 0xE120, "2017 C00101 C40108 C50108 D003E1FC07 D10100 D30100 E80101");
    desk_meta_is(&d, 0xE140,
                 "201D C00101 C40140 C50140 D007E1FC07FE20E140 D103E1FC07 D30100 E80122");
    desk_meta_is(&d, 0xF1D0, "2011 C00101 C4018C C50164 D003E1FC07 D10100");
    desk_meta_is(&d, 0xF1E0, "2013 C00101 C40205DC C50205DC D003E1FC07 D10100");
    desk_meta_is(&d, 0xE0C6, "2006 C40102 D10100");
    assert_int_equal(desk_get(&d, 0xE140, out), 64);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(out[i], i + 1);
    assert_int_equal(desk_get(&d, 0xF1D0, out), 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(out[i], 0);
    assert_int_equal(desk_get(&d, 0xE0C6, out), 2);
    assert_int_equal(rs_get_u16(out), 0x0615);
    assert_int_equal(desk_get(&d, 0xE0C9, out), 8);
    assert_int_equal(hex("3200050100000000", want, sizeof(want)), 8);
    assert_memory_equal(out, want, 8);
    assert_int_equal(desk_get(&d, 0xE0C1, out), 1);
    assert_int_equal(out[0], 0x20);
    assert_int_equal(desk_get(&d, 0xE0C0, out), 1);
    assert_int_equal(out[0], 0x07);
    assert_int_equal(desk_get(&d, 0xF1C0, out), 1);
    assert_int_equal(out[0], 0x01);
    desk_done(&d);
}

/* C0, then a Certificate message: list and certificate lengths each three less. */
static void
test_vendor_certificate(void **state)
{
    uint8_t out[2048], meta[OPTIGA_DATA_MAX];
    static const uint8_t oid[] = {0xE0, 0xE0};
    size_t len, meta_len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    len = desk_get(&d, 0xE0E0, out);
    assert_int_equal(out[0], 0xC0);
    assert_int_equal(rs_get_u16(out + 1), len - 3);
    assert_int_equal(rs_get_u32(out + 2) & 0xFFFFFF, len - 6);
    assert_int_equal(rs_get_u32(out + 5) & 0xFFFFFF, len - 9);
    assert_int_equal(rs_get_u16(out + 9), 0x3082);
    assert_int_equal(rs_get_u16(out + 11), len - 13);
    assert_int_equal(desk_run(&d, 0x01, 0x01, oid, 2, meta, &meta_len), 0);
    assert_memory_equal(meta, "\x20\x17\xC0\x01\x01\xC4\x02\x06\xC0\xC5\x02", 11);
    assert_int_equal(rs_get_u16(meta + 11), len);
    assert_memory_equal(meta + 13, "\xD0\x01\xFF\xD1\x01\x00\xD3\x01\x00\xE8\x01\x12", 12);
    assert_int_equal(meta_len, 25);
    desk_done(&d);
}

static void
test_v1(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX], want[64];
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_get(&d, 0xE0C2, out), 27);
    assert_int_equal(hex("cd16338201001c000500000a091b5c000700a60087801010710809", want, 64), 27);
    assert_memory_equal(out, want, 27);
    assert_int_equal(desk_get(&d, 0xE0C1, out), 1);
    assert_int_equal(out[0], 0x00);
    assert_int_equal(desk_x(&d, 0x01, 0, "E0C9", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x01, 1, "E200", NULL, NULL), OPTIGA_E_OID);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fcs),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_data_sheet_log),
        cmocka_unit_test(test_vendor_library),
        cmocka_unit_test(test_long_write),
        cmocka_unit_test(test_shielded_connection),
        cmocka_unit_test(test_factory_v3),
        cmocka_unit_test(test_vendor_certificate),
        cmocka_unit_test(test_v1),
    };

    return cmocka_run_group_tests_name("optiga vectors", tests, NULL, NULL);
}
