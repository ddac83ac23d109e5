/*
 * commands_test.c: every command: what it refuses, then what it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "harness.h"

#define ID       "01 1700 000000 01 00" /* signs, agrees, generated */
#define OPEN_KEY "01 3700 000000 01 00" /* and its secret may leave */
#define PUBLIC   "00 0000 000000 55 04"
#define HMAC     "42 0600 000000 55 08"
#define AES      "62 0600 000000 55 08"
#define DATA_64  "03 0040 000000 55 04"
#define ZEROS_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define COUNT_32 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define G_X      "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
#define G_Y      "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"

struct refusal {
    const char *command;
    int status;
};

static void
expect_refusals(struct part *p, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = part_send(p, cases[i].command);

        if (status != cases[i].status)
            fail_msg("%s: status %02x, not %02x", cases[i].command, (unsigned)status,
                     (unsigned)cases[i].status);
    }
}

#define EXPECT_REFUSALS(p, cases) expect_refusals(p, cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- Packets ------------------------------------------------------------------------------ */

static void
packets_that_are_none(void **state)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        uint8_t status;
    } cases[] = {
        {{0x10}, 1, 0x02},
        {{0x10, 0x00, 0x08}, 3, 0x02},
        {{0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x88}, 9, 0x01},
        {{0x10, 0x00, 0x09, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89}, 9, 0x02},
        {{0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89, 0x00}, 10, 0x02},
    };
    static const uint8_t others[][2] = {{0x00, 1}, {0x40, 1}, {0x20, 2}, {0x30, 2}};
    uint8_t answer[5], long_one[1002] = {0x10, 0x03, 0xE9};
    static const uint8_t choose = 0x20;
    struct part p;

    (void)state;
    part_init(&p);
    assert_false(part_read(&p, answer, 1)); /* nothing was chosen */
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(part_write(&p, others[i], others[i][1]));
    assert_int_equal(p.holder.commands, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(part_write(&p, cases[i].bytes, cases[i].len));
        assert_true(part_write(&p, &choose, 1));
        assert_true(part_read(&p, answer, 5));
        assert_int_equal(rs_get_u16(answer), 5);
        assert_int_equal(answer[2], cases[i].status);
    }
    assert_true(part_write(&p, long_one, sizeof(long_one)));
    assert_true(part_write(&p, &choose, 1));
    assert_true(part_read(&p, answer, 5));
    assert_int_equal(answer[2], 0x02);
    assert_int_equal(part_send(&p, "FF 00 0000"), 0x03);
    part_done(&p);
}

/* The page's example, byte by byte; the answer read in pieces and twice. */
static void
the_example_of_the_page(void **state)
{
    static const uint8_t info[] = {0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89};
    static const uint8_t status = 0x30, choose = 0x20;
    uint8_t answer[64], piece[3], byte = 0xEE;
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(ta100_crc((const uint8_t *)"123456789", 9), 0x29B1);
    assert_int_equal(ta100_model.get_address(&p.chip), 0x17);
    assert_false(ta100_model.i2c_write(&p.chip, 0x2E, info, sizeof(info)));
    assert_true(part_write(&p, NULL, 0));
    assert_true(part_write(&p, &status, 1));
    assert_true(part_read(&p, &byte, 1));
    assert_int_equal(byte, 0x00);
    assert_true(part_write(&p, info, sizeof(info)));
    assert_true(part_read(&p, &byte, 1)); /* still the status that was chosen */
    assert_int_equal(byte, 0x01);
    assert_true(part_write(&p, &choose, 1));
    assert_true(part_read(&p, answer, 43));
    assert_memory_equal(
        answer, "\x00\x2B\x00SIM-TA100-PLACEHOLDER\x01\x01\x23\x45\x67\x89\xAB\xCD\xEF", 33);
    assert_true(part_read(&p, piece, 1));
    assert_int_equal(piece[0], 0xFF);
    assert_true(part_write(&p, &choose, 1));
    for (size_t at = 0; at < 42; at += 3) {
        assert_true(part_read(&p, piece, 3));
        assert_memory_equal(piece, answer + at, 3);
    }
    part_done(&p);
}

/* ---- Device -------------------------------------------------------------------------------- */

static void
the_device(void **state)
{
    static const struct refusal cases[] = {
        {"01 00 0000 00", 0x02},        {"01 03 0000", 0x04},
        {"01 02 8000", 0x05},           {"02 01 0000", 0x04},
        {"02 00 0000 00", 0x02},        {"03 00 0000", 0x02},
        {"03 01 0000 0001", 0x04},      {"03 00 0000 0000", 0x09},
        {"03 00 0000 0201", 0x09},      {"04 02 0000", 0x04},
        {"04 00 0000 00", 0x02},        {"05 03 0000", 0x04},
        {"05 00 0000 00", 0x02},        {"05 02 8000", 0x05},
        {"06 00 4012", 0x05},           {"06 00 400F", 0x05},
        {"06 02 4010", 0x04},           {"06 00 4010 00", 0x02},
        {"12 00 4020 000F 00", 0x09},   {"12 00 4020 0030 00", 0x09},
        {"12 00 4020 002F 0000", 0x09}, {"12 00 4020 0011", 0x02},
        {"13 00 4020 0030 0001", 0x09}, {"13 00 4020 0000 0000", 0x09},
    };
    struct part p;

    (void)state;
    part_init(&p);
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    assert_int_equal(part_send(&p, "01 01 0000"), 0);
    part_expect(&p, "00");
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    part_expect(&p, "00");
    memcpy(p.holder.random, "\xAA\xBB\xCC", 3);
    p.holder.random_len = 3;
    assert_int_equal(part_send(&p, "03 00 0000 0003"), 0);
    part_expect(&p, "AABBCC");
    assert_int_equal(part_send(&p, "03 00 0000 0200"), 0);
    assert_int_equal(p.len, 512);
    assert_int_equal(part_send(&p, "06 00 4011"), 0);
    part_expect(&p, "00000000");
    assert_int_equal(part_send(&p, "06 01 4011"), 0);
    part_expect(&p, "00000001");
    assert_int_equal(part_send(&p, "06 00 4010"), 0);
    part_expect(&p, "00000000");
    p.chip.nvm.counters[0] = 0xFFFFFFFF;
    assert_int_equal(part_send(&p, "06 01 4010"), 0x0E);
    part_done(&p);
}

static void
the_configuration(void **state)
{
    char locks[80];
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "12 00 4020 0010 30 AABB"), 0);
    assert_int_equal(part_send(&p, "13 00 4020 0000 0014"), 0);
    part_expect(&p, "0123456789ABCDEF 0000000000000000 30 AABB 00");
    assert_int_equal(ta100_model.get_address(&p.chip), 0x17);
    ta100_model.set_power(&p.chip, 0);
    ta100_model.set_power(&p.chip, 1);
    part_advance(&p, 5000);
    assert_int_equal(ta100_model.get_address(&p.chip), 0x18);
    assert_int_equal(part_send(&p, "05 00 0000"), 0);
    assert_int_equal(part_send(&p, "05 00 0000"), 0x08);
    assert_int_equal(part_send(&p, "12 00 4020 0011 00"), 0x08);
    assert_int_equal(part_send(&p, "10 00 8000" DATA_64), 0);
    assert_int_equal(part_send(&p, "05 01 0000"), 0);
    assert_int_equal(part_send(&p, "05 01 0000"), 0x08);
    assert_int_equal(part_send(&p, "10 00 8001" DATA_64), 0x08);
    assert_int_equal(part_send(&p, "11 00 8000"), 0x08);
    assert_int_equal(part_send(&p, "12 00 8000 0000 77"), 0); /* contents are another matter */
    assert_int_equal(part_send(&p, "05 02 8000"), 0);
    assert_int_equal(part_send(&p, "01 00 0000"), 0);
    assert_int_equal(p.data[34], 0x03);
    ta100_model.get_locks(&p.chip, locks, sizeof(locks));
    assert_string_equal(locks, "config,setup,8000");
    part_done(&p);
}

/* ---- Elements ------------------------------------------------------------------------------- */

static void
elements_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"10 00 8000 03 0040 000000 55", 0x02},
        {"10 00 8000" DATA_64 "00", 0x02},
        {"10 01 8000" DATA_64, 0x04},
        {"10 00 7FFF" DATA_64, 0x05},
        {"10 00 8200" DATA_64, 0x05},
        {"10 00 8000 03 0000 000000 55 04", 0x09},
        {"10 00 8000 0B 0040 000000 55 04", 0x09}, /* data of a type */
        {"10 00 8000 04 0000 000000 55 04", 0x09}, /* no such class */
        {"10 00 8000 0A 0600 000000 55 08", 0x09}, /* a symmetric key of an unknown type */
        {"10 00 8000 09 1700 000000 01 00", 0x09}, /* another curve */
        {"10 00 8000 01 0800 000000 01 00", 0x09}, /* an unknown property */
        {"10 00 8000 00 0100 000000 55 04", 0x09},
        {"10 00 8000 42 0100 000000 55 08", 0x09},
        {"10 00 8000 03 0040 010000 55 04", 0x09}, /* keys of sessions */
        {"10 00 8000 03 0040 000100 55 04", 0x09},
        {"10 00 8000 03 0040 000001 55 04", 0x09},
        {"10 00 8000 03 0040 000000 D5 04", 0x09}, /* permission 3 */
        {"10 00 8000 03 0040 000000 55 10", 0x09},
        {"10 00 8000 03 2001 000000 55 04", 0x0A},
        {"11 00 8000", 0x05},
        {"11 01 8000", 0x04},
        {"12 00 8000 0000 00", 0x05},
        {"12 00 8000 0000", 0x02},
        {"12 01 8000 0000 00", 0x04},
        {"13 00 8000 0000 0001", 0x05},
        {"13 00 8000 0000", 0x02},
        {"13 01 8000 0000 0001", 0x04},
    };
    struct part p;

    (void)state;
    part_init(&p);
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

static void
data_elements(void **state)
{
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "10 00 8101" DATA_64), 0);
    assert_int_equal(part_send(&p, "10 00 8101" DATA_64), 0x06);
    assert_int_equal(part_send(&p, "10 00 8102 03 0008 000000 55 00"), 0);
    assert_int_equal(part_send(&p, "10 00 8103 03 0004 000000 55 08"), 0);
    assert_int_equal(part_send(&p, "10 00 8104 03 0004 000000 00 04"), 0);
    assert_int_equal(part_send(&p, "10 00 8105 03 0004 000000 AA 04"), 0);
    assert_int_equal(part_send(&p, "01 01 0000"), 0);
    part_expect(&p, "05 8101 8102 8103 8104 8105");
    assert_int_equal(part_send(&p, "01 02 8101"), 0);
    part_expect(&p, DATA_64 "01 0040");
    assert_int_equal(part_send(&p, "12 00 8101 003E AABBCC"), 0x09);
    assert_int_equal(part_send(&p, "12 00 8101 003E AABB"), 0);
    assert_int_equal(part_send(&p, "13 00 8101 003D 0003"), 0);
    part_expect(&p, "00AABB");
    assert_int_equal(part_send(&p, "13 00 8101 003D 0004"), 0x09);
    assert_int_equal(part_send(&p, "13 00 8101 FFFF FFFF"), 0x09);
    /* Not lockable; secret; never; authorised. */
    assert_int_equal(part_send(&p, "05 02 8102"), 0x07);
    assert_int_equal(part_send(&p, "13 00 8103 0000 0004"), 0x07);
    assert_int_equal(part_send(&p, "13 00 8104 0000 0004"), 0x07);
    assert_int_equal(part_send(&p, "12 00 8104 0000 01"), 0x07);
    assert_int_equal(part_send(&p, "11 00 8104"), 0x07);
    assert_int_equal(part_send(&p, "12 00 8105 0000 01"), 0x07);
    /* What is locked stays. */
    assert_int_equal(part_send(&p, "05 02 8101"), 0);
    assert_int_equal(part_send(&p, "05 02 8101"), 0x08);
    assert_int_equal(part_send(&p, "12 00 8101 0000 01"), 0x08);
    assert_int_equal(part_send(&p, "11 00 8101"), 0x08);
    part_done(&p);
}

/* Deleting one leaves the others' contents, and makes its room free again. */
static void
elements_come_and_go(void **state)
{
    char create[] = "10 00 8000 03 0100 000000 55 04", write[] = "12 00 8000 0000 00";
    struct part p;

    (void)state;
    part_init(&p);
    for (unsigned i = 0; i < 32; i++) {
        create[9] = write[9] = "0123456789ABCDEF"[i % 16];
        create[8] = write[8] = i < 16 ? '0' : '1';
        write[17] = write[9];
        assert_int_equal(part_send(&p, create), 0);
        assert_int_equal(part_send(&p, write), 0);
    }
    assert_int_equal(part_send(&p, "10 00 8100 03 0001 000000 55 04"), 0x0A);
    assert_int_equal(part_send(&p, "01 00 0000"), 0);
    assert_memory_equal(p.data + 35, "\x00\x00\x00", 3);
    assert_int_equal(part_send(&p, "11 00 8005"), 0);
    assert_int_equal(part_send(&p, "13 00 8005 0000 0001"), 0x05);
    for (unsigned i = 0; i < 32; i++) {
        char read[] = "13 00 8000 0000 0001";

        read[9] = "0123456789ABCDEF"[i % 16];
        read[8] = i < 16 ? '0' : '1';
        if (i == 5)
            continue;
        assert_int_equal(part_send(&p, read), 0);
        assert_int_equal(p.data[0], i % 16);
    }
    assert_int_equal(part_send(&p, "10 00 8100 03 0101 000000 55 04"), 0x0A);
    assert_int_equal(part_send(&p, "10 00 8100 03 0100 000000 55 04"), 0);
    assert_int_equal(part_send(&p, "13 00 8100 0000 0100"), 0);
    assert_int_equal(p.data[0], 0); /* nothing of what was there */
    part_done(&p);
}

/* ---- P-256 ------------------------------------------------------------------------------------- */

static void
keys_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"20 00 8000 00", 0x02},
        {"20 02 8000", 0x04},
        {"20 00 8001", 0x05},
        {"20 00 8002", 0x05}, /* a public key */
        {"20 01 8000", 0x0B},
        {"20 01 4000", 0x05},
        {"20 00 8003", 0x07}, /* not to be generated */
        {"21 00 8000", 0x02},
        {"21 02 8000" ZEROS_32, 0x04},
        {"21 00 8000" ZEROS_32 "00", 0x02},
        {"21 00 8000" ZEROS_32, 0x0B},
        {"21 00 8002" ZEROS_32, 0x05},
        {"21 00 8003" ZEROS_32, 0x07},
        {"21 00 4000" ZEROS_32, 0x05},
        {"21 01 8000 8000" ZEROS_32, 0x0B},
        {"22 00 0000" ZEROS_32 ZEROS_32 ZEROS_32, 0x02},
        {"22 00 0000" ZEROS_32 ZEROS_32 ZEROS_32 ZEROS_32 ZEROS_32, 0x0C},
        {"22 01 8000" ZEROS_32 ZEROS_32 ZEROS_32, 0x05},
        {"22 01 8002" ZEROS_32 ZEROS_32 ZEROS_32, 0x0B},
        {"22 02 8002" ZEROS_32 ZEROS_32 ZEROS_32, 0x04},
        {"23 00 8000" ZEROS_32, 0x02},
        {"23 00 8000" G_X G_Y, 0x0B},
        {"23 02 8000" G_X G_Y, 0x04},
        {"23 01 8000" G_X G_Y "8000", 0x05},
        {"23 01 8000" G_X G_Y "4004", 0x05},
        {"23 00 4000" G_X G_Y, 0x0B},
        {"23 00 8003" G_X G_Y, 0x07},
        {"12 00 8002 0000" ZEROS_32 ZEROS_32, 0x0C},
        {"12 00 8002 0000" G_X, 0x09},
        {"12 00 8002 0001" G_X G_Y, 0x09},
        {"12 00 8000 0000" COUNT_32, 0x07}, /* no import: permission 01 */
        {"12 00 8003 0000" ZEROS_32, 0x0C},
        {"13 00 8000 0000 0020", 0x07},
        {"13 00 8003 0000 0020", 0x07},
        {"05 02 8000", 0x0B},
    };
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "10 00 8000" ID), 0);
    assert_int_equal(part_send(&p, "10 00 8002" PUBLIC), 0);
    assert_int_equal(part_send(&p, "10 00 8003 01 0000 000000 55 00"), 0);
    p.holder.stored = 0;
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

static void
keys_sign(void **state)
{
    uint8_t xy[64], digest[32], rs[64];
    char text[600] = "22 00 0000" COUNT_32;
    struct part p;

    (void)state;
    part_init(&p);
    (void)hex_read(COUNT_32, digest, 32);
    assert_int_equal(part_send(&p, "10 00 8000" ID), 0);
    assert_int_equal(part_send(&p, "20 00 8000"), 0);
    assert_int_equal(p.len, 64);
    memcpy(xy, p.data, 64);
    assert_int_equal(part_send(&p, "20 01 8000"), 0);
    assert_memory_equal(p.data, xy, 64);
    assert_int_equal(part_send(&p, "21 00 8000" COUNT_32), 0);
    memcpy(rs, p.data, 64);
    assert_true(sim_curve_verify(SIM_CURVE_P256, xy, digest, 32, rs));
    hex_add(text, rs, 64);
    hex_add(text, xy, 64);
    assert_int_equal(part_send(&p, text), 0);
    part_expect(&p, "01");
    rs[5] ^= 1;
    strcpy(text, "22 00 0000" COUNT_32);
    hex_add(text, rs, 64);
    hex_add(text, xy, 64);
    assert_int_equal(part_send(&p, text), 0);
    part_expect(&p, "00");
    rs[5] ^= 1;
    /* The same with the key in an element. */
    assert_int_equal(part_send(&p, "10 00 8001" PUBLIC), 0);
    strcpy(text, "12 00 8001 0000");
    hex_add(text, xy, 64);
    assert_int_equal(part_send(&p, text), 0);
    strcpy(text, "22 01 8001" COUNT_32);
    hex_add(text, rs, 64);
    assert_int_equal(part_send(&p, text), 0);
    part_expect(&p, "01");
    /* A new key replaces the old one, until it is locked. */
    assert_int_equal(part_send(&p, "20 00 8000"), 0);
    assert_memory_not_equal(p.data, xy, 64);
    assert_int_equal(part_send(&p, "05 02 8000"), 0);
    assert_int_equal(part_send(&p, "20 00 8000"), 0x08);
    assert_int_equal(part_send(&p, "21 00 8000" COUNT_32), 0);
    part_done(&p);
}

/* By section 5 of the page. */
static void
the_part_speaks_of_itself(void **state)
{
    uint8_t own[64], target[64], said[256], digest[64];
    char text[200];
    struct part p;
    size_t n;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "10 00 8000" ID), 0);
    assert_int_equal(part_send(&p, "10 00 8001" ID), 0);
    assert_int_equal(part_send(&p, "10 00 8002" HMAC), 0);
    assert_int_equal(part_send(&p, "12 00 8002 0000" COUNT_32), 0);
    assert_int_equal(part_send(&p, "20 00 8000"), 0);
    memcpy(own, p.data, 64);
    assert_int_equal(part_send(&p, "21 01 8000 8001" COUNT_32), 0x0B);
    assert_int_equal(part_send(&p, "21 01 8000 8002" COUNT_32), 0x07);
    assert_int_equal(part_send(&p, "21 01 8000 8003" COUNT_32), 0x05);
    assert_int_equal(part_send(&p, "21 01 8000" COUNT_32), 0x02);
    assert_int_equal(part_send(&p, "20 00 8001"), 0);
    memcpy(target, p.data, 64);
    assert_int_equal(part_send(&p, "05 02 8001"), 0);
    strcpy(text, "5349 4D2D5441 3130302D 504C414345484F4C444552 01 0123456789ABCDEF 8001" ID "03");
    n = hex_read(text, said, sizeof(said));
    assert_int_equal(n, 21 + 1 + 8 + 2 + 8 + 1);
    memcpy(said + n, target, 64);
    (void)hex_read(COUNT_32, said + n + 64, 32);
    assert_int_equal(sim_hash(SIM_HASH_SHA256, rs_bytes_of(said, n + 96), digest), 32);
    assert_int_equal(part_send(&p, "21 01 8000 8001" COUNT_32), 0);
    assert_true(sim_curve_verify(SIM_CURVE_P256, own, digest, 32, p.data));
    part_done(&p);
}

static void
keys_agree(void **state)
{
    uint8_t key[32] = {[31] = 5}, host[64], own[64], secret[32], mac[32];
    char text[400];
    struct part p;

    (void)state;
    part_init(&p);
    assert_true(sim_curve_public(SIM_CURVE_P256, key, host));
    assert_int_equal(part_send(&p, "10 00 8000" ID), 0);
    assert_int_equal(part_send(&p, "10 00 8001" OPEN_KEY), 0);
    assert_int_equal(part_send(&p, "20 00 8000"), 0);
    memcpy(own, p.data, 64);
    strcpy(text, "23 00 8000");
    hex_add(text, host, 64);
    assert_int_equal(part_send(&p, text), 0x07); /* not out of the part */
    text[4] = '1';
    strcat(text, "4002");
    assert_int_equal(part_send(&p, text), 0);
    assert_int_equal(p.len, 0);
    /* What is in the register shows in its MAC. */
    assert_true(sim_curve_agree(SIM_CURVE_P256, key, own, secret));
    assert_true(sim_hmac_sha256(RS_BYTES(secret), rs_bytes_str("abc"), mac));
    assert_int_equal(part_send(&p, "31 00 4002 616263"), 0);
    assert_memory_equal(p.data, mac, 32);
    assert_int_equal(part_send(&p, "20 00 8001"), 0);
    memcpy(own, p.data, 64);
    strcpy(text, "23 00 8001");
    hex_add(text, host, 64);
    assert_int_equal(part_send(&p, text), 0);
    assert_true(sim_curve_agree(SIM_CURVE_P256, key, own, secret));
    assert_memory_equal(p.data, secret, 32);
    assert_int_equal(part_send(&p, "23 00 8001" ZEROS_32 ZEROS_32), 0x0C);
    /* An ephemeral pair; its register is no secret to derive from. */
    assert_int_equal(part_send(&p, "20 00 4000"), 0);
    memcpy(own, p.data, 64);
    assert_int_equal(part_send(&p, "31 00 4000 00"), 0x0B);
    strcpy(text, "23 01 4000");
    hex_add(text, host, 64);
    strcat(text, "4000");
    assert_int_equal(part_send(&p, text), 0);
    assert_int_equal(part_send(&p, text), 0x0B); /* the secret took its place */
    assert_true(sim_curve_agree(SIM_CURVE_P256, key, own, secret));
    assert_true(sim_hmac_sha256(RS_BYTES(secret), rs_bytes_str("abc"), mac));
    assert_int_equal(part_send(&p, "31 00 4000 616263"), 0);
    assert_memory_equal(p.data, mac, 32);
    assert_int_equal(part_send(&p, "04 00 0000"), 0);
    assert_int_equal(part_send(&p, "31 00 4000 616263"), 0x0B);
    part_done(&p);
}

/* ---- Symmetric ------------------------------------------------------------------------------------ */

static void
secrets_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"30 00 8000", 0x02},
        {"30 00 8000 4000 0020 0000", 0x02},
        {"30 00 8000 4000 0020 0000 0000 00", 0x02},
        {"30 04 8000 4000 0020 0000 0000", 0x04},
        {"30 00 8000 4000 0000 0000 0000", 0x09},
        {"30 00 8000 4000 0041 0000 0000", 0x09},
        {"30 00 8000 8000 0020 0000 0000", 0x05},
        {"30 00 8000 0000 0020 0000 0000", 0x07}, /* not out of the part */
        {"30 00 8001 4000 0020 0000 0000", 0x05}, /* an AES key */
        {"30 00 8002 4000 0020 0000 0000", 0x07}, /* not for derivation */
        {"30 00 8003 4000 0020 0000 0000", 0x0B},
        {"30 00 8004 4000 0020 0000 0000", 0x05},
        {"30 00 4001 4000 0020 0000 0000", 0x0B},
        {"31 02 8000", 0x04},
        {"31 00 8001", 0x05},
        {"31 01 8000", 0x05},
        {"31 00 8003", 0x0B},
        {"32 00 8001 0000", 0x02},
        {"32 00 8001 000000000000000000000000 0001", 0x02},
        {"32 02 8001 000000000000000000000000 0000", 0x04},
        {"32 01 8001 000000000000000000000000 0000 000102030405060708090A0B0C0D0E", 0x02},
        {"32 00 8000 000000000000000000000000 0000", 0x05},
        {"12 00 8000 0000 00", 0x09},
        {"13 00 8000 0000 0001", 0x07},
    };
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "10 00 8000" HMAC), 0);
    assert_int_equal(part_send(&p, "12 00 8000 0000" COUNT_32), 0);
    assert_int_equal(part_send(&p, "10 00 8001" AES), 0);
    assert_int_equal(part_send(&p, "12 00 8001 0000 000102030405060708090A0B0C0D0E0F"), 0);
    assert_int_equal(part_send(&p, "10 00 8002 42 0200 000000 55 08"), 0);
    assert_int_equal(part_send(&p, "12 00 8002 0000" COUNT_32), 0);
    assert_int_equal(part_send(&p, "10 00 8003" HMAC), 0);
    p.holder.stored = 0;
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

/* Keys reach a register only from inside; the tests put them there. */
static void
put_register(struct part *p, const char *hex)
{
    p->chip.registers[0].len = (uint8_t)hex_read(hex, p->chip.registers[0].value, TA100_SECRET_MAX);
    p->chip.registers[0].is_private = 0;
}

static void
derivations_have_their_known_answers(void **state)
{
    uint8_t prk[32];
    struct part p;

    (void)state;
    part_init(&p);
    /* RFC 5869 A.1. */
    put_register(&p, "0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B");
    assert_int_equal(part_send(&p, "30 00 4000 0000 002A 000D 000102030405060708090A0B0C"
                                   "000A F0F1F2F3F4F5F6F7F8F9"),
                     0);
    part_expect(&p, "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF"
                    "34007208D5B887185865");
    /* TLS 1.2 PRF with SHA-256, the vector that circulates (label "test label"), its first 64 bytes. */
    put_register(&p, "9BBE436BA940F017B17652849A71DB35");
    assert_int_equal(part_send(&p, "30 01 4000 0000 0040 000A 74657374206C6162656C"
                                   "0010 A0BA9F936CDA311827A6F796FFD5198C"),
                     0);
    part_expect(&p, "E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A"
                    "6B301791E90D35C9C9A46B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB");
    /* One step of 32 bytes is one hash; counter mode is one HMAC. */
    put_register(&p, COUNT_32);
    assert_int_equal(part_send(&p, "30 03 4000 0000 0020 0001 AA 0001 BB"), 0);
    {
        uint8_t said[38] = {0, 0, 0, 1}, digest[64];

        (void)hex_read(COUNT_32 "AABB", said + 4, 34);
        assert_int_equal(sim_hash(SIM_HASH_SHA256, RS_BYTES(said), digest), 32);
        assert_memory_equal(p.data, digest, 32);
    }
    assert_int_equal(part_send(&p, "30 02 4000 0000 0030 0001 AA 0001 BB"), 0);
    {
        const uint8_t said[] = {0, 0, 0, 2, 0xAA, 0, 0xBB, 0, 0, 1, 0x80};

        assert_int_equal(p.len, 48);
        assert_true(
            sim_hmac_sha256(rs_bytes_of(p.chip.registers[0].value, 32), RS_BYTES(said), prk));
        assert_memory_equal(p.data + 32, prk, 16);
    }
    part_done(&p);
}

static void
elements_derive_into_registers(void **state)
{
    uint8_t prk[32], out[32], mac[32], key[32];
    struct part p;

    (void)state;
    part_init(&p);
    (void)hex_read(COUNT_32, key, 32);
    assert_int_equal(part_send(&p, "10 00 8000" HMAC), 0);
    assert_int_equal(part_send(&p, "12 00 8000 0000" COUNT_32), 0);
    assert_int_equal(part_send(&p, "30 00 8000 4003 0020 0000 0001 55"), 0);
    assert_int_equal(p.len, 0);
    assert_true(sim_hkdf_extract(rs_bytes_of(NULL, 0), RS_BYTES(key), prk));
    assert_true(sim_hkdf_expand(prk, rs_bytes_str("U"), out, 32));
    assert_true(sim_hmac_sha256(RS_BYTES(out), rs_bytes_str(""), mac));
    assert_int_equal(part_send(&p, "31 00 4003"), 0);
    assert_memory_equal(p.data, mac, 32);
    /* A register of 32 bytes is an AES-256 key, one of 24 is none. */
    assert_int_equal(part_send(&p, "31 01 4003 00"), 0);
    assert_int_equal(p.len, 16);
    assert_int_equal(part_send(&p, "30 00 8000 4002 0018 0000 0000"), 0);
    assert_int_equal(part_send(&p, "31 01 4002 00"), 0x0C);
    part_done(&p);
}

static void
messages_are_sealed(void **state)
{
    char text[200] = "32 01 8001 CAFEBABEFACEDBADDECAF888 0002 AABB";
    struct part p;

    (void)state;
    part_init(&p);
    /* The GCM specification's test case 3, as far as it goes without its additional data. */
    assert_int_equal(part_send(&p, "10 00 8000" AES), 0);
    assert_int_equal(part_send(&p, "12 00 8000 0000 FEFFE9928665731C6D6A8F9467308308"), 0);
    assert_int_equal(part_send(&p,
                               "32 00 8000 CAFEBABEFACEDBADDECAF888 0000"
                               "D9313225F88406E5A55909C5AFF5269A86A7A9531534F7DA2E4C303D8A318A72"
                               "1C3C0C95956809532FCF0E2449A6B525B16AEDF5AA0DE657BA637B391AAFD255"),
                     0);
    part_expect(&p, "42831EC2217774244B7221B784D0D49CE3AA212F2C02A4E035C17E2329ACA12E"
                    "21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC973D58E091473F5985"
                    "4D5C2AF327CD64A62CF35ABD2BA6FAB4");
    assert_int_equal(part_send(&p, "10 00 8001" AES), 0);
    assert_int_equal(part_send(&p, "12 00 8001 0000 FEFFE9928665731C6D6A8F9467308308"), 0);
    assert_int_equal(part_send(&p, "32 00 8001 CAFEBABEFACEDBADDECAF888 0002 AABB 616263"), 0);
    assert_int_equal(p.len, 3 + 16);
    hex_add(text, p.data, p.len);
    assert_int_equal(part_send(&p, text), 0);
    part_expect(&p, "616263");
    text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
    assert_int_equal(part_send(&p, text), 0x0D);
    assert_int_equal(part_send(&p, "32 00 8001 CAFEBABEFACEDBADDECAF888 0000"), 0);
    assert_int_equal(p.len, 16);
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_that_are_none),
        cmocka_unit_test(the_example_of_the_page),
        cmocka_unit_test(the_device),
        cmocka_unit_test(the_configuration),
        cmocka_unit_test(elements_refuse),
        cmocka_unit_test(data_elements),
        cmocka_unit_test(elements_come_and_go),
        cmocka_unit_test(keys_refuse),
        cmocka_unit_test(keys_sign),
        cmocka_unit_test(the_part_speaks_of_itself),
        cmocka_unit_test(keys_agree),
        cmocka_unit_test(secrets_refuse),
        cmocka_unit_test(derivations_have_their_known_answers),
        cmocka_unit_test(elements_derive_into_registers),
        cmocka_unit_test(messages_are_sealed),
    };

    return cmocka_run_group_tests_name("sims_ta100/commands", tests, NULL, NULL);
}
