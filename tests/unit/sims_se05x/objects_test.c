/*
 * objects_test.c: objects, policies, attributes, memory: refusals first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define G                                                                                          \
    "04"                                                                                           \
    "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"                             \
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"

/* ---- Commands that are none ---------------------------------------------------------------- */

static void
frames(void **state)
{
    static const struct {
        const char *apdu;
        unsigned sw;
    } rows[] = {
        {"80", 0x6700},
        {"800400", 0x6700},
        {"80040020 02 00", 0x6700},           /* Lc and too little */
        {"80040020 01 00 00 00", 0x6700},     /* too much */
        {"80040020 00 0001", 0x9000},         /* extended Le: a case of ISO 7816-4 */
        {"80040020 00 0001 41", 0x6A80},      /* extended Lc without Le */
        {"80040020 00 0001 41 0000", 0x6A80}, /* and with it */
        {"80040020 00 0001 41 00", 0x6700},
        {"80040020 00 0000 00", 0x6700},
        {"80040020", 0x9000},
        {"80040020 00", 0x9000},
        {"00040020 00", 0x6E00},
        {"90040020 00", 0x6E00},
        {"81040020 00", 0x6E00},
        {"80070020 00", 0x6D00},
        {"80FF0020 00", 0x6D00},
        {"80060000 00", 0x6D00}, /* ImportExternalObject is not there */
        {"80040021 00", 0x9000},
        {"80040120 00", 0x6A86},
        {"800400EE 00", 0x6A86},
        {"80240020 00", 0x6A86}, /* attested version */
        {"80020019 00", 0x6A86}, /* ExportObject */
        {"80030030 00", 0x6A86}, /* I2C master */
        {"80050001 00", 0x6D00}, /* nothing but sessions */
        {"80040049 03 410110", 0x6A80},
        {"80040049 04 41020000", 0x6A80},
        {"80040049 04 4102FFFF", 0x6700},
        {"80040049 08 41020001 41020001", 0x6A80}, /* twice */
        {"80040049 04 42020001", 0x6A80},          /* not a tag of this command */
        {"80040049 04 50020001", 0x6A80},
        {"80040049 04 41830001", 0x6A80},
        {"80040049 03 418200", 0x6A80},
        {"00A4040002 A000", 0x6A82},
        {"00A4000010 A0000003965453000000010300000000 00", 0x6A86},
    };
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned sw = part_apdu(&p, rows[i].apdu);

        if (sw != rows[i].sw)
            fail_msg("%s: %04X instead of %04X", rows[i].apdu, sw, rows[i].sw);
    }
    assert_int_equal(p.stored, 0);
    part_done(&p);
}

/* 892 bytes of payload, 1024 from applet 7.2. */
static void
longest_payload(void **state)
{
    static const struct sim_model *const models[2] = {&se050_model, &se051_model};
    static const size_t most[2] = {892, 1024};
    uint8_t data[1025] = {0x41, 0x01, 0x04, 0x42, 0x82};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct part p;

        part_ready(&p, models[i]);
        rs_set_u16(data + 5, (unsigned)most[i] - 7);
        assert_int_equal(part_run_bytes(&p, "8003000E", data, most[i]), 0x9000);
        rs_set_u16(data + 5, (unsigned)most[i] - 6);
        assert_int_equal(part_run_bytes(&p, "8003000E", data, most[i] + 1), 0x6700);
        part_done(&p);
    }
}

static void
before_an_applet(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    assert_int_equal(part_apdu(&p, "8004002000"), 0x6D00);
    assert_int_equal(part_apdu(&p, "80500B00080001020304050607"), 0x6D00);
    assert_int_equal(part_apdu(&p, "80CA00FF02DF2800"), 0x6A86);
    assert_int_equal(part_apdu(&p, "80CA00FE02DF2900"), 0x6A80);
    /* Fields of their lengths, and the OEF in the first. */
    assert_int_equal(part_apdu(&p, "80CA00FE02DF2800"), 0x9000);
    assert_int_equal(p.len, 2 + 3 + 14 + 10 + 26 + 3 + 3 + 10);
    assert_memory_equal(p.answer, "\xFE\x45\xDF\x28\x42\x01\x0C\x00\x01\xA8\xFA", 11);
    assert_memory_equal(p.answer + 19, "\x02\x08", 2);
    assert_memory_equal(p.answer + 29, "\x03\x18", 2);
    assert_memory_equal(p.answer + 55, "\x05\x01\x00\x07\x01\x00\x08\x08", 8);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_apdu(&p, "80CA00FE02DF2800"), 0x6D00);
    part_done(&p);
    part_init(&p, &se050_model);
    assert_int_equal(part_apdu(&p, "80CA00FE02DF2800"), 0x9000);
    assert_memory_equal(p.answer + 9, "\xA1\xF4", 2);
    part_done(&p);
}

/* ---- Keys ------------------------------------------------------------------------------------- */

static void
ec_keys_refused(void **state)
{
    static const struct {
        const char *header, *data;
        unsigned sw;
    } rows[] = {
        {"80016100", "4104 20000001 4201 04", 0x6985}, /* the curve is not there */
        {"80016100", "4104 20000001 4201 43", 0x6A80}, /* X448 is no curve of this part */
        {"80016100", "4104 20000001", 0x6A80},         /* new, without a curve */
        {"80016100", "4201 03", 0x6A80},               /* without an id */
        {"80016100", "4104 00000000 4201 03", 0x6A80},
        {"80016100", "4103 200000 4201 03", 0x6A80},
        {"80016100", "4104 7FFF0201 4201 03", 0x6986},          /* the factory made it */
        {"80016100", "4104 7FFF0300 4201 03", 0x6985},          /* the applet keeps these */
        {"80016100", "4104 F0000200 4201 03", 0x6985},          /* the factory's */
        {"80016100", "4104 20000001 4201 03 4320" ONE, 0x6A80}, /* half a pair */
        {"80016100", "4104 20000001 4201 03 4441" G, 0x6A80},
        {"80016100", "4104 20000001 4201 03 431F 01 4441" G, 0x6A80},
        {"80014100", "4104 20000001 4201 03", 0x6A80}, /* private, and none given */
        {"80014100", "4104 20000001 4201 03 4320" ONE "4441" G, 0x6A80},
        {"80012100", "4104 20000001 4201 03", 0x6A80},
        {"80012100", "4104 20000001 4201 03 4320" ONE, 0x6A80},
        {"80012100", "4104 20000001 4201 03 4403 040101", 0x6A80},
        {"80016100", "1100 4104 20000001 4201 03", 0x6A80}, /* no rules */
        {"80016100", "1108 07 00000000 183C00 4104 20000001 4201 03", 0x6A80},
        {"80016100", "1109 09 00000000 183C0000 4104 20000001 4201 03", 0x6A80},
        {"80016100", "1109 08 00000000 00010000 4104 20000001 4201 03", 0x6A80}, /* a PCR */
        {"80016100", "1202 0003 4104 20000001 4201 03", 0x6A80},                 /* no credential */
        {"80011100", "4104 20000001 4201 03", 0x6A86},
        {"80016100", "4104 20000001 4201 03 4B04 00000001", 0x6A80}, /* 7.2's */
    };
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x6985, ""); /* not made yet */
    expect(&p, "80010B04", "4101 03", 0x9000, "");
    expect(&p, "80016100", "4104 20000001 4201 03", 0x6985, ""); /* without parameters */
    expect(&p, "80040B28", "4101 03", 0x9000, "");
    make_curve(&p, 0x03);
    p.stored = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&p, rows[i].header, rows[i].data, rows[i].sw, "");
    /* The length of a point that is not on the curve. */
    expect(&p, "80012100",
           "4104 20000001 4201 03 4441 04"
           "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F6",
           0x6A80, "");
    assert_int_equal(p.stored, 0);
    assert_int_equal(p.chip->object_count, 8);
    part_done(&p);
}

static void
ec_keys(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 0x03);
    make_curve(&p, 0x04);
    /* Generated; its public part can be read, and once more made it is another. */
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, NULL);
    assert_int_equal(p.len, 67);
    assert_int_equal(p.answer[2], 0x04);
    expect(&p, "80016100", "4104 20000001", 0x9000, "");
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "80016100", "4104 20000001 4201 04", 0x6A80, "");  /* its curve stays */
    expect(&p, "80014100", "4104 20000001 4320" ONE, 0x6985, ""); /* and its kind */
    /* Imported: the pair must be one. */
    expect(&p, "80016100", "4104 20000002 4201 03 4320" ONE "4441" G, 0x9000, "");
    expect(&p, "80020000", "4104 20000002", 0x9000, "4141" G);
    expect(&p, "80014100", "4104 20000003 4201 03 4320" ONE, 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x6985, "");
    expect(&p, "80012100", "4104 20000004 4201 03 4441" G, 0x9000, "");
    expect(&p, "80020000", "4104 20000004", 0x9000, "4141" G);
    expect(&p, "80020026", "4104 20000001", 0x9000, "410101 420101");
    expect(&p, "80020026", "4104 20000003", 0x9000, "410102 420101");
    expect(&p, "80020026", "4104 20000004", 0x9000, "410103 420101");
    expect(&p, "80020007", "4104 20000004", 0x9000, "4102 0020");
    expect(&p, "80020B36", "4104 20000004", 0x9000, "4101 03");
    expect(&p, "80020B36", "4104 F0000101", 0x6985, "");
    expect(&p, "80016100", "4104 20000005 4201 04", 0x9000, "");
    expect(&p, "80020007", "4104 20000005", 0x9000, "4102 0030");
    expect(&p, "80016100", "4104 20000006 4201 40", 0x9000, ""); /* no creation needed */
    expect(&p, "80020000", "4104 20000006", 0x9000, NULL);
    assert_int_equal(p.len, 34);
    part_done(&p);
    part_ready(&p, &se051_model);
    make_curve(&p, 0x04);
    expect(&p, "80016100", "4104 20000005 4201 04 4B04 00000007", 0x9000, "");
    expect(&p, "80016100", "4104 20000005 4B04 00000006", 0x6985, ""); /* never down */
    expect(&p, "80020026", "4104 20000005", 0x9000, "41012D 420101");
    expect(&p, "80016100", "4104 20000006 4201 40", 0x9000, "");
    expect(&p, "80020026", "4104 20000006", 0x9000, "410165 420101");
    expect(&p, "80016100", "4104 20000007 4201 41", 0x9000, "");
    expect(&p, "80020026", "4104 20000007", 0x9000, "410169 420101");
    expect(&p, "8002003B", "4104 20000005", 0x9000,
           "43 1C 20000005 2D 01 0000 00000000 0000 08 00000000 1FFC8000 02 00000007");
    part_done(&p);
}

static void
curves(void **state)
{
    struct part p;
    char list[2 * 0x13 + 1];

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010B04", "4101 40", 0x6A80, "");
    expect(&p, "80010B04", "4101 7F", 0x6A80, "");
    expect(&p, "80010B40", "4101 03 4201 01 4301 00", 0x6985, ""); /* not made */
    expect(&p, "80040B28", "4101 03", 0x6985, "");
    expect(&p, "80010B04", "4101 03", 0x9000, "");
    expect(&p, "80010B04", "4101 03", 0x6985, "");
    expect(&p, "80010B40", "4101 03 4201 03 4301 00", 0x6A80, ""); /* no such parameter */
    expect(&p, "80010B40", "4101 03 4201 01 4301 00", 0x6A80, ""); /* not this curve's A */
    expect(&p, "80010B40", "4101 03 4201 01", 0x6A80, "");
    expect(&p, "80040B28", "4101 03", 0x9000, "");
    expect(&p, "80040B28", "4101 40", 0x6A80, "");
    for (unsigned id = 1; id <= 0x10; id++)
        if (se05x_curve_find(id) != NULL)
            make_curve(&p, id);
    expect(&p, "80020B25", "", 0x9000, NULL);
    rs_hex(rs_bytes_of(p.answer, p.len), list, sizeof(list));
    assert_string_equal(list, "4111"
                              "01010202020101010201020201010101"
                              "01"); /* 01 .. 11 */
    for (unsigned id = 1; id <= 0x41; id++) {
        char data[64];

        if (se05x_curve_find(id) == NULL)
            continue;
        (void)snprintf(data, sizeof(data), "4104 300000%02X 4201 %02X", id, id);
        expect(&p, "80016100", data, 0x9000, "");
    }
    part_done(&p);
}

static void
symmetric_keys(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010300", "4104 20000001", 0x6A80, "");
    expect(&p, "80010300", "4104 20000001 430F 000102030405060708090A0B0C0D0E", 0x6A80, "");
    expect(&p, "80010500", "4104 20000001 4300", 0x6A80, "");
    expect(&p, "80010400", "4104 20000001 4308 0001020304050607", 0x6A86, ""); /* no DES */
    expect(&p, "80010300", "4104 20000001 4310 000102030405060708090A0B0C0D0E0F", 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x6985, "");
    expect(&p, "80020026", "4104 20000001", 0x9000, "410109 420101");
    expect(&p, "80020007", "4104 20000001", 0x9000, "4102 0010");
    /* Another length is another key. */
    expect(&p, "80010300", "4104 20000001 4318 000102030405060708090A0B0C0D0E0F1011121314151617",
           0x6A80, "");
    expect(&p, "80010500", "4104 20000001 4304 01020304", 0x6985, "");
    expect(&p, "80010500", "4104 20000002 4304 01020304", 0x9000, "");
    expect(&p, "80020026", "4104 20000002", 0x9000, "410111 420101");
    /* RFC 3394 4.1: the key data 00112233.. under 000102.. */
    expect(&p, "80010300",
           "4104 20000003 4204 20000001 4318 1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
           0x9000, "");
    expect(&p, "8003000E", "4101 04 4200", 0x9000, NULL);
    expect(&p, "80030D45", "4104 20000003 4201 31 4300", 0x9000, NULL);
    expect(&p, "80010300",
           "4104 20000004 4204 20000001 4318 1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE6",
           0x6984, "");
    expect(&p, "80010300",
           "4104 20000004 4204 20000002 4318"
           "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
           0x6985, "");
    expect(&p, "80010300",
           "4104 20000004 4204 20000009 4318"
           "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
           0x6985, "");
    expect(&p, "80010300", "4104 20000004 4402 0008 4310 000102030405060708090A0B0C0D0E0F", 0x6A80,
           ""); /* 7.2's */
    {
        struct se05x_object *o = se05x_find(p.chip, 0x20000003);

        assert_memory_equal(se05x_value(p.chip, o).p,
                            "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", 16);
    }
    part_done(&p);
}

/* ---- Files ------------------------------------------------------------------------------------------ */

static void
files(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010600", "4104 20000001 4402 0102", 0x6A80, ""); /* no length */
    expect(&p, "80010600", "4104 20000001 4302 0000", 0x6A80, "");
    expect(&p, "80010600", "4104 20000001 4302 0002 4403 010203", 0x6A80, "");
    expect(&p, "80010600", "4104 20000001 4202 0001 4302 0002 4402 0102", 0x6A80, "");
    expect(&p, "80010600", "4104 20000001 4301 04", 0x6A80, "");
    assert_int_equal(p.stored, 0);
    expect(&p, "80010600", "4104 20000001 4302 0008 4404 01020304", 0x9000, "");
    assert_int_equal(p.stored, 1);
    expect(&p, "80020000", "4104 20000001", 0x9000, "4108 0102030400000000");
    expect(&p, "80010600", "4104 20000001 4202 0004 4404 05060708", 0x9000, "");
    expect(&p, "80010600", "4104 20000001 4202 0006 4403 010203", 0x6A80, "");
    expect(&p, "80010600", "4104 20000001 4302 0009 4401 01", 0x6A80, "");
    expect(&p, "80010600", "4104 20000001 4302 0008 4401 09", 0x9000, "");
    expect(&p, "80010600", "4104 20000001", 0x6A80, "");
    expect(&p, "80020000", "4104 20000001 4202 0004", 0x9000, "4104 05060708");
    expect(&p, "80020000", "4104 20000001 4202 0002 4302 0003", 0x9000, "4103 030405");
    expect(&p, "80020000", "4104 20000001 4202 0008", 0x9000, "4100");
    expect(&p, "80020000", "4104 20000001 4202 0009", 0x6985, "");
    expect(&p, "80020000", "4104 20000001 4202 0007 4302 0002", 0x6985, "");
    expect(&p, "80020000", "4104 20000001 4201 00", 0x6A80, "");
    expect(&p, "80020000", "4104 20000001 4301 00", 0x6A80, "");
    expect(&p, "80020000", "4104 20000001 4504 F0000012", 0x6A80, ""); /* attested only */
    expect(&p, "80020000", "4104 20000009", 0x6985, "");
    expect(&p, "80020007", "4104 20000001", 0x9000, "4102 0008");
    expect(&p, "80020007", "4104 20000009", 0x6985, "");
    expect(&p, "80020026", "4104 20000009", 0x6985, "");
    expect(&p, "8002003B", "4104 20000009", 0x6985, "");
    expect(&p, "80040027", "4104 20000009", 0x9000, "410102");
    expect(&p, "80040027", "4103 200000", 0x6A80, "");
    expect(&p, "80040028", "4104 20000009", 0x6985, "");
    /* More than an answer holds. */
    expect(&p, "80010600", "4104 20000002 4302 2000", 0x9000, "");
    expect(&p, "80020000", "4104 20000002", 0x6700, "");
    expect(&p, "80020000", "4104 20000002 4202 1F00 4302 0100", 0x9000, NULL);
    assert_int_equal(p.len, 260);
    part_done(&p);
}

static void
counters_and_pcrs(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010800", "4104 20000001", 0x6985, ""); /* nothing to increment */
    expect(&p, "80010800", "4104 20000001 4202 0000", 0x6A80, "");
    expect(&p, "80010800", "4104 20000001 4202 0009", 0x6A80, "");
    expect(&p, "80010800", "4104 20000001 4202 0002 4303 000000", 0x6A80, "");
    expect(&p, "80010800", "4104 20000001 4202 0002", 0x9000, "");
    expect(&p, "80010800", "4104 20000001", 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, "4102 0001");
    expect(&p, "80010800", "4104 20000001 4202 0002", 0x6A80, "");
    expect(&p, "80010800", "4104 20000001 4301 05", 0x6A80, "");
    expect(&p, "80010800", "4104 20000001 4302 FFFE", 0x9000, "");
    expect(&p, "80010800", "4104 20000001 4302 FFFD", 0x6985, ""); /* never down */
    expect(&p, "80010800", "4104 20000001", 0x9000, "");
    expect(&p, "80010800", "4104 20000001", 0x6985, ""); /* nor round */
    expect(&p, "80020000", "4104 20000001", 0x9000, "4102 FFFF");
    expect(&p, "80020000", "4104 20000001 4202 0000", 0x6A80, "");
    expect(&p, "80010800", "4104 20000002 4202 0008 4308 0000000000000010", 0x9000, "");
    expect(&p, "80020026", "4104 20000002", 0x9000, "41010D 420101");
    /* A PCR: SHA-256(old, data). */
    expect(&p, "80010900", "4104 20000003 4201 00", 0x6A80, "");
    expect(&p, "80010900", "4104 20000003", 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x9000,
           "4120 0000000000000000000000000000000000000000000000000000000000000000");
    expect(&p, "80010900", "4104 20000003", 0x6A80, "");
    expect(&p, "80010900", "4104 20000003 4320" ONE, 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x9000,
           "4120 90F4B39548DF55AD6187A1D20D731ECEE78C545B94AFD16F42EF7592D99CD365");
    part_done(&p);
}

/* ---- Rights --------------------------------------------------------------------------------------------- */

static void
rights(void **state)
{
    static const struct {
        const char *header, *data;
    } denied[] = {
        {"80020000", "4104 20000001"},
        {"80010600", "4104 20000001 4401 01"},
        {"80040028", "4104 20000001"},
    };
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se050_model);
    make_user_id(&p, 0x7DA00001, 0);
    /* Nothing for anybody, all for the credential. */
    expect(&p, "80010600", "1109 08 7DA00001 003C0000 4104 20000001 4302 0002 4402 0102", 0x9000,
           "");
    for (size_t i = 0; i < 3; i++)
        expect(&p, denied[i].header, denied[i].data, 0x6986, "");
    open_user_session(&p, 0x7DA00001, session);
    assert_int_equal(part_in_session(&p, session, "80020000 06 4104 20000001"), 0x9000);
    expect_answer(&p, "4102 0102");
    assert_int_equal(part_in_session(&p, session, "80010600 09 4104 20000001 4401 09"), 0x9000);
    /* The rule for the credential wins over the one for anybody, also when it gives less. */
    expect(&p, "80010600", "1112 08 00000000 00300000 08 7DA00001 00200000 4104 20000002 4302 0002",
           0x9000, "");
    expect(&p, "80010600", "4104 20000002 4401 01", 0x9000, "");
    assert_int_equal(part_in_session(&p, session, "80010600 09 4104 20000002 4401 01"), 0x6986);
    assert_int_equal(part_in_session(&p, session, "80020000 06 4104 20000002"), 0x9000);
    /* Forbidden for all, whatever else is said. */
    expect(&p, "80010600", "1109 08 00000000 203C0000 4104 20000003 4302 0002", 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x6986, "");
    /* A policy in a later write does nothing. */
    expect(&p, "80010600", "1109 08 00000000 00200000 4104 20000004 4302 0002", 0x9000, "");
    expect(&p, "80010600", "1109 08 00000000 003C0000 4104 20000004 4401 01", 0x6986, "");
    /* The owner is the session's credential. */
    assert_int_equal(part_in_session(&p, session, "80010600 0A 4104 20000005 4302 0001"), 0x9000);
    expect(&p, "8002003B", "4104 20000005", 0x9000,
           "42 18 20000005 0B 01 0000 7DA00001 0000 08 00000000 003C0000 01");
    part_done(&p);
}

static void
rights_that_need_more(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    /* Secure messaging. */
    expect(&p, "80010600", "1109 08 00000000 00220000 4104 20000001 4302 0002 4402 0102", 0x9000,
           "");
    expect(&p, "80020000", "4104 20000001", 0x6986, "");
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    expect(&p, "80020000", "4104 20000001", 0x9000, "4102 0102");
    p.scp.open = 0;
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    /* A PCR with a value. */
    expect(&p, "80010900", "4104 20000002", 0x9000, "");
    expect(&p, "80010600",
           "112D 2C 00000000 00210000 20000002"
           "90F4B39548DF55AD6187A1D20D731ECEE78C545B94AFD16F42EF7592D99CD365"
           "4104 20000003 4302 0002",
           0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x6986, "");
    expect(&p, "80010900", "4104 20000002 4320" ONE, 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x9000, "4102 0000");
    expect(&p, "80040028", "4104 20000002", 0x9000, "");
    expect(&p, "80020000", "4104 20000003", 0x6986, "");
    part_done(&p);
}

static void
the_factory_s_objects(void **state)
{
    static const uint32_t ids[] = {0x7FFF0206, 0x7FFF0201, 0xF0000012, 0xF0000013,
                                   0xF0000100, 0xF0000101, 0xF0000102, 0xF0000103};
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 0x03);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char data[32];

        (void)snprintf(data, sizeof(data), "4104 %08X", ids[i]);
        expect(&p, "80040028", data, 0x6986, "");
        expect(&p, "8002003B", data, 0x9000, NULL);
        assert_int_equal(p.answer[p.len - 1], 3); /* provisioned */
        expect(&p, "80020000", data, 0x9000, NULL);
    }
    expect(&p, "80016100", "4104 F0000012", 0x6986, "");
    expect(&p, "80010600", "4104 F0000013 4401 00", 0x6986, "");
    expect(&p, "80010600", "4104 7FFF0206 4401 00", 0x6986, "");
    /* The attestation key signs nothing but attestations. */
    expect(&p, "80030C09",
           "4104 F0000012 4201 21 4320"
           "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
           0x6986, "");
    part_done(&p);
}

/* ---- Lists and memory ---------------------------------------------------------------------------------------- */

static void
lists(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80020025", "4102 0000", 0x6A80, "");
    expect(&p, "80020025", "4102 0000 4201 0B", 0x9000,
           "410101 4210 7FFF0206 F0000013 F0000101 F0000103");
    expect(&p, "80020025", "4102 0003 4201 0B", 0x9000, "410101 4204 F0000103");
    expect(&p, "80020025", "4102 0004 4201 0B", 0x9000, "410101 4200");
    expect(&p, "80020025", "4102 0000 4201 09", 0x9000, "410101 4200");
    for (unsigned i = 0; i < 240; i++) {
        char data[64];

        (void)snprintf(data, sizeof(data), "4104 %08X 4302 0001", 0x20000000 + i);
        expect(&p, "80010600", data, 0x9000, "");
    }
    expect(&p, "80020025", "4102 0000 4201 FF", 0x9000, NULL);
    assert_memory_equal(p.answer, "\x41\x01\x02\x42\x82\x03\x74", 7);
    expect(&p, "80020025", "4102 00DD 4201 FF", 0x9000, NULL);
    assert_memory_equal(p.answer, "\x41\x01\x01\x42\x6C", 5);
    part_done(&p);
}

static void
memory_runs_out(void **state)
{
    unsigned made = 0, before;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80040022", "4101 00", 0x6A80, "");
    expect(&p, "80040022", "4101 04", 0x6A80, "");
    expect(&p, "80040022", "4101 02", 0x9000, "4102 0400");
    expect(&p, "80040022", "4101 03", 0x9000, "4102 1000");
    expect(&p, "80040022", "4101 01", 0x9000, NULL);
    before = rs_get_u16(p.answer + 2);
    assert_in_range(before, 40000, 51200);
    expect(&p, "80010600", "4104 30000000 4302 1000", 0x9000, "");
    expect(&p, "80040022", "4101 01", 0x9000, NULL);
    assert_int_equal(rs_get_u16(p.answer + 2), before - 0x1000 - SE05X_U_HEADER_COST);
    for (;; made++) {
        char data[64];
        unsigned sw;

        (void)snprintf(data, sizeof(data), "4104 %08X 4302 1000", 0x20000000 + made);
        sw = part_run(&p, "80010600", data);
        if (sw == 0x6A84)
            break;
        assert_int_equal(sw, 0x9000);
    }
    assert_int_equal(made, before / (0x1000 + SE05X_U_HEADER_COST) - 1);
    expect(&p, "80040028", "4104 30000000", 0x9000, "");
    expect(&p, "80010600", "4104 30000001 4302 1000", 0x9000, "");
    expect(&p, "80020007", "4104 20000001", 0x9000, "4102 1000");
    part_done(&p);
}

static void
transient_objects(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80810500", "4104 20000001 4304 01020304", 0x9000, "");
    assert_int_equal(p.stored, 1);
    expect(&p, "80020026", "4104 20000001", 0x9000, "410111 420102");
    expect(&p, "80040022", "4101 03", 0x9000, "4102 0FFC");
    expect(&p, "80010500", "4104 20000001 4304 05060708", 0x9000, "");
    assert_int_equal(p.stored, 1); /* its value is not in memory */
    expect(&p, "80810600", "4104 20000002 4302 0004 4404 01020304", 0x9000, "");
    expect(&p, "80020000", "4104 20000002", 0x9000, "4104 01020304");
    expect(&p, "80810600", "4104 20000003 4302 2000", 0x6A84, "");
    /* Selected anew: the places are there, the values are not. */
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "80040027", "4104 20000001", 0x9000, "410101");
    expect(&p, "80030D45", "4104 20000001 4201 19 4300", 0x6985, "");
    expect(&p, "80020000", "4104 20000002", 0x6985, "");
    expect(&p, "80010600", "4104 20000002 4402 0908", 0x9000, "");
    expect(&p, "80020000", "4104 20000002", 0x9000, "4104 09080000");
    expect(&p, "80040028", "4104 20000002", 0x9000, "");
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),
        cmocka_unit_test(longest_payload),
        cmocka_unit_test(before_an_applet),
        cmocka_unit_test(ec_keys_refused),
        cmocka_unit_test(ec_keys),
        cmocka_unit_test(curves),
        cmocka_unit_test(symmetric_keys),
        cmocka_unit_test(files),
        cmocka_unit_test(counters_and_pcrs),
        cmocka_unit_test(rights),
        cmocka_unit_test(rights_that_need_more),
        cmocka_unit_test(the_factory_s_objects),
        cmocka_unit_test(lists),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(transient_objects),
    };

    return cmocka_run_group_tests_name("sims_se05x/objects", tests, NULL, NULL);
}
