/*
 * commands_test.c: every command: what it refuses, then what it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "sims/stsafe/uncertain.h"

/* ---- Frames ------------------------------------------------------------------------------- */

static void
frames_that_are_none(void **state)
{
    static const uint8_t wrong_crc[] = {0x14, 0x08, 0x71, 0xFF}, short_one[] = {0x00, 0x00};
    uint8_t frame[FRAME_MAX] = {0}, got[5];
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_false(part_read(&p, got, sizeof(got))); /* nothing was asked yet */
    assert_true(part_write(&p, wrong_crc, sizeof(wrong_crc)));
    assert_true(part_read(&p, got, sizeof(got)));
    assert_int_equal(got[0], 0x01);
    assert_true(part_write(&p, short_one, sizeof(short_one)));
    assert_true(part_read(&p, got, sizeof(got)));
    assert_int_equal(got[0], 0x01);
    /* 507 bytes are a frame, CRC and the length of an answer not counted; 508 are not. */
    assert_int_equal(part_send(&p, frame, 507), 0);
    assert_int_equal(p.len, 506);
    assert_int_equal(part_send(&p, frame, 508), STSAFE_U_LONG_FRAME_STATUS);
    assert_int_equal(part_send_hex(&p, "05 00 00 0000 01FA"), 0);
    assert_int_equal(p.len, 506);
    assert_int_equal(part_send_hex(&p, "05 00 00 0000 01FB"), STSAFE_U_LONG_FRAME_STATUS);
    part_done(&p);
    part_init(&p, "blank-a120");
    assert_int_equal(part_send(&p, frame, 752), 0);
    assert_int_equal(p.len, 751);
    assert_int_equal(part_send(&p, frame, 753), STSAFE_U_LONG_FRAME_STATUS);
    part_done(&p);
}

static void
an_address_is_probed_and_others_are_left_alone(void **state)
{
    static const uint8_t query[] = {0x14, 0x08, 0x71, 0xFE};
    struct part p;
    uint8_t got[6];

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(p.model->get_address(&p.chip), 0x20);
    assert_true(p.model->i2c_write(&p.chip, 0x20, NULL, 0));
    assert_false(p.model->i2c_write(&p.chip, 0x21, query, sizeof(query)));
    assert_false(p.model->i2c_write(&p.chip, 0x00, query, sizeof(query)));
    assert_int_equal(p.holder.commands, 0);
    assert_true(part_write(&p, query, sizeof(query)));
    assert_false(p.model->i2c_read(&p.chip, 0x21, got, sizeof(got)));
    assert_true(part_read(&p, got, sizeof(got)));
    /* A probe does not cost the answer; a read starts where the last one did. */
    assert_true(part_write(&p, NULL, 0));
    for (int i = 0; i < 3; i++) {
        assert_true(part_read(&p, got, sizeof(got)));
        assert_int_equal(got[3], 0x03);
    }
    part_done(&p);
}

static void
commands_that_are_not_there(void **state)
{
    static const struct refusal everywhere[] = {
        {"03 00", 0x04}, {"07 00", 0x04},         {"08 00", 0x11},
        {"0B 00", 0x04}, {"12 00", 0x04},         {"13 00", 0x04},
        {"15 00", 0x04}, {"1D 00", 0x04},         {"1E 00", 0x04},
        {"94 08", 0x07}, {"94 0800000000", 0x07}, {"D4 0800000000", 0x07},
        {"54 08", 0x02}, {"34 08", 0x02},         {"74 08", 0x02},
        {"E0", 0x16},    {"E0 000000", 0x16},     {"E0 00000000", 0x0A},
    };
    static const struct refusal a110[] = {
        {"09 03001000", 0x04}, {"0A 0200", 0x04}, {"1B 0300", 0x04}, {"1C 0300", 0x04},
        {"1F 0E", 0x04},       {"1F", 0x02},      {"14 47", 0x03},   {"14 23", 0x03},
    };
    static const struct refusal a120[] = {
        {"1F 0C", 0x04}, {"1F 0D", 0x04}, {"1F 1B", 0x04}, {"1F FF", 0x04},
        {"1F", 0x02},    {"14 17", 0x03}, {"14 0B", 0x03},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    /* Not in the part comes before not allowed. */
    for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
        if (strncmp(everywhere[i].command, "08", 2) != 0)
            expect_refusals(&p, &everywhere[i], 1);
    assert_int_equal(part_send_hex(&p, "08 00"), 0x04);
    EXPECT_REFUSALS(&p, a110);
    part_done(&p);
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, a120);
    part_done(&p);
}

/* ---- Basics --------------------------------------------------------------------------------- */

static void
basics(void **state)
{
    static const struct refusal cases[] = {
        {"01 00", 0x02},
        {"02", 0x02},
        {"02 00", 0x02},
        {"02 00 08 00", 0x02},
        {"02 01 08", 0x03},
        {"02 00 00", 0x03},
        {"0D", 0x02},
        {"0D 00", 0x03},
        {"0D 03", 0x03},
        {"19 00", 0x02},
        {"0C", 0x02},
        {"0C 08", 0x03},
        {"0C 09", 0x10},
        {"1A 00", 0x02},
        {"1A 000102030405060708090A0B0C0D0E0F", 0x10},
        {"1A 000102030405060708090A0B0C0D0E0F10", 0x02},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(part_send_hex(&p, "00"), 0);
    assert_int_equal(p.len, 0);
    assert_int_equal(part_send_hex(&p, "02 00 FF"), 0);
    assert_int_equal(p.len, 255);
    assert_int_equal(part_send_hex(&p, "01"), 0);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

static void
a_reset_forgets_what_is_volatile(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "11 13 FF FFFF 0000" P256), 0);
    assert_int_equal(part_send_hex(&p, "1F 00" SHA256), 0);
    assert_int_equal(part_send_hex(&p, "01"), 0);
    assert_int_equal(part_send_hex(&p, "18 FF 00"), 0x0A);
    assert_int_equal(part_send_hex(&p, "1F 01 00"), 0x05);
    part_done(&p);
}

/* ---- Zones ---------------------------------------------------------------------------------- */

static void
zones_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"05 00 00 0000", 0x02},
        {"05 00 00 0000 0001 00", 0x02},
        {"05", 0x02},
        {"06 00 01", 0x02},
        {"04 00 05 0000 000000", 0x02},
        {"05 00 08 0000 0001", 0x10},
        {"05 00 00 0000 03E9", 0x14},
        {"05 00 00 03E8 0001", 0x14},
        {"05 00 00 FFFF FFFF", 0x14},
        {"05 00 00 0000 01FB", 0x06},
        {"06 00 00 0000 00", 0x11}, /* the certificate stays */
        {"06 00 01 02BC 00", 0x14},
        {"06 00 01 02BB 0000", 0x14},
        {"06 00 05 0040 00", 0x14},
        {"04 00 01 0000 00000001", 0x12},
        {"04 00 05 0000 0007A121", 0x13},
        {"04 00 05 0040 00000001 00", 0x14},
        {"04 80 05 0000 00000001", 0x03},
        {"05 80 01 0000 0001", 0x03},
        {"05 20 01 0000 0001", 0x03},
        {"06 40 01 0000 00", 0x03},
        {"05 01 01 0000 0001", 0x03}, /* a condition, and no order to change it */
        {"05 12 01 0000 0001", 0x03},
        {"06 15 01 0000", 0x03},
        {"05 11 00 0000 0001", 0x11}, /* zone 0 may not be changed */
    };
    char atomic[2 * 72 + 16] = "06 80 01 0000 ";
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    EXPECT_REFUSALS(&p, cases);
    for (size_t i = 0; i < 65; i++)
        strcat(atomic, "AA");
    assert_int_equal(part_send_hex(&p, atomic), STSAFE_U_LONG_ATOMIC_STATUS);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

static void
zones_and_counters(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "06 00 01 02B8 01020304"), 0);
    assert_int_equal(part_send_hex(&p, "05 00 01 02B7 0005"), 0);
    part_expect(&p, "00 01020304");
    assert_int_equal(part_send_hex(&p, "05 00 02 0000 0004"), 0);
    part_expect(&p, "00000000"); /* the next zone is another one */
    assert_int_equal(part_send_hex(&p, "05 00 01 0000 0000"), 0);
    assert_int_equal(p.len, 0);
    /* A one-way counter, with data of its own. */
    assert_int_equal(part_send_hex(&p, "05 00 05 0000 0000"), 0);
    part_expect(&p, "0007A120");
    assert_int_equal(part_send_hex(&p, "04 00 05 0000 00000001"), 0);
    part_expect(&p, "0007A11F");
    assert_int_equal(part_send_hex(&p, "04 00 05 003E 0007A11F BEEF"), 0);
    part_expect(&p, "00000000");
    assert_int_equal(part_send_hex(&p, "04 00 05 0000 00000001"), 0x13);
    assert_int_equal(part_send_hex(&p, "04 00 05 0000 00000000"), 0);
    assert_int_equal(part_send_hex(&p, "05 00 05 003C 0004"), 0);
    part_expect(&p, "00000000 0000BEEF");
    /* Which change with it only; what does not change them is no matter. */
    assert_int_equal(part_send_hex(&p, "06 00 05 0000 77"), 0x12);
    assert_int_equal(part_send_hex(&p, "06 80 06 0000 77"), 0x12);
    assert_int_equal(part_send_hex(&p, "05 00 05 0000 0001"), 0);
    part_expect(&p, "00000000 00");
    assert_int_equal(part_send_hex(&p, "06 17 05 0000"), 0);
    assert_int_equal(part_send_hex(&p, "04 00 05 0000 00000000"), 0x11);
    part_done(&p);
}

static void
access_conditions_close(void **state)
{
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    channel_init(&ch, &p);
    /* Update only for the host, and changeable; read as well. */
    assert_int_equal(part_send_hex(&p, "06 19 01 0000 55"), 0);
    assert_int_equal(part_send_hex(&p, "06 00 01 0000 66"), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 01 0000 66"), 0);
    assert_int_equal(part_send_hex(&p, "05 19 01 0000 0001"), 0);
    part_expect(&p, "66");
    assert_int_equal(part_send_hex(&p, "05 00 01 0000 0001"), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x05, "00 01 0000 0001"), 0);
    part_expect(&p, "66");
    /* Never looser. */
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "18 01 0000"), 0x11);
    /* Never again, with the right given up. */
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "17 01 0000"), 0);
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 01 0000 77"), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "1F 01 0000 77"), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x05, "00 01 0000 0001"), 0);
    part_expect(&p, "66");
    /* "Authenticated host" needs an entity's answer, for which an A110 has no command. */
    assert_int_equal(part_send_hex(&p, "06 16 02 0000"), 0);
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 02 0000 01"), 0x11);
    assert_int_equal(part_send_hex(&p, "04 17 05 0000 00000001"), 0);
    assert_int_equal(part_send_hex(&p, "04 00 05 0000 00000001"), 0x11);
    assert_int_equal(part_send_hex(&p, "14 12"), 0);
    assert_int_equal(p.payload[1 + 5 + 2], 0x97); /* read: host, changeable; update: never */
    part_done(&p);
}

/* ---- Attributes ------------------------------------------------------------------------------- */

static void
attributes_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"14", 0x02},
        {"14 08 00", 0x02},
        {"14 00", 0x03},
        {"14 01", 0x03},
        {"14 09", 0x03},
        {"14 29", 0x03},
        {"14 2A", 0x03},
        {"14 3F", 0x03},
        {"10", 0x02},
        {"10 11 00", 0x03},
        {"10 24 00", 0x03},
        {"10 08", 0x02},
        {"10 08 00", 0x03},
        {"10 08 05", 0x03},
        {"10 08 01", 0x0F},
        {"10 08 03", 0x0F},
        {"10 08 0303", 0x02},
        {"10 0A 40", 0x02},
        {"10 0A 4100", 0x03},
        {"10 0A 0E00", 0x03},
        {"10 0A F000", 0x03},
        {"10 0A 400000", 0x02},
        {"10 17 00", 0x02},
        {"10 0B 00", 0x02},
        {"10 0B" P521 "00", 0x03},
        {"10 0B" P256 "04 0001 00 0020 00", 0x02},
        {"10 0B" P256 "04 0020" DIGEST_256 "0020" DIGEST_256, 0x19},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

static void
the_parts_say_who_they_are(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "14 11"), 0);
    part_expect(&p, "0103AA4602 0209A021E021C4E1D00139 030201FB 04020040 050218E8 06029311 070145"
                    "08029351 0903000000 0A03000000 0B03000000 0C03000000 0D03000000");
    assert_int_equal(part_send_hex(&p, "14 24"), 0);
    part_expect(&p, "00 09 080000 090000 0A0000 0E0302 0F0301 160100 180100 1B0000 1C0000");
    assert_int_equal(part_send_hex(&p, "14 12"), 0);
    part_expect(&p, "08 00000703E8 01008802BC 0200880258 0300880258 04008806A0"
                    "0501880040 0007A120 0601880040 0007A120 070088062A");
    assert_int_equal(part_send_hex(&p, "14 0A"), 0);
    part_expect(&p, "4000");
    assert_int_equal(part_send_hex(&p, "14 17"), 0);
    part_expect(&p, "00000000");
    assert_int_equal(part_send_hex(&p, "14 07"), 0);
    part_expect(&p, "02 0000 0100");
    assert_int_equal(part_send_hex(&p, "14 0B"), 0);
    part_expect(&p, "00");
    part_done(&p);
    part_init(&p, "blank-a100");
    assert_int_equal(part_send_hex(&p, "14 11"), 0);
    assert_int_equal(p.payload[3], 0x40);
    assert_int_equal(p.len, 5 + 11 + 4 * 5 + 3);
    part_done(&p);
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "14 0A"), 0);
    part_expect(&p, "4000");
    assert_int_equal(part_send_hex(&p, "14 47"), 0);
    part_expect(&p, "0000 00000000");
    assert_int_equal(part_send_hex(&p, "14 48"), 0);
    part_expect(&p, "03 0000 0100 0200");
    assert_int_equal(part_send_hex(&p, "14 4A"), 0);
    part_expect(&p, "0FFF");
    assert_int_equal(part_send_hex(&p, "14 4B 0F"), 0);
    assert_int_equal(p.len, 3);
    assert_int_equal(part_send_hex(&p, "14 23"), 0);
    assert_int_equal(p.len, 1 + 16);
    assert_int_equal(part_send_hex(&p, "14 14"), 0);
    assert_int_equal(p.payload[0], 5);
    assert_int_equal(part_send_hex(&p, "14 4C"), 0x02);
    assert_int_equal(part_send_hex(&p, "14 4C 03"), 0x03);
    part_done(&p);
}

static void
attributes_are_put(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "10 0A 4253"), 0);
    assert_int_equal(p.model->get_address(&p.chip), 0x20); /* not before power comes again */
    assert_int_equal(part_send_hex(&p, "14 0A"), 0);
    part_expect(&p, "4253");
    assert_int_equal(part_send_hex(&p, "10 0A 4000"), 0x11); /* locked */
    p.model->set_power(&p.chip, 0);
    p.model->set_power(&p.chip, 1);
    part_advance(&p, 10000);
    assert_int_equal(p.model->get_address(&p.chip), 0x21);
    assert_int_equal(part_send_hex(&p, "14 0A"), 0);
    /* A public key, of G itself. */
    assert_int_equal(
        part_send_hex(&p, "10 0B" P256 "04"
                          "0020 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
                          "0020 4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"),
        0);
    assert_int_equal(part_send_hex(&p, "14 0B"), 0);
    assert_int_equal(p.len, 1 + 10 + 69);
    part_done(&p);
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "10 4A 0002"), 0);
    assert_int_equal(part_send_hex(&p, "10 4A 0F02"), 0x11);
    assert_int_equal(part_send_hex(&p, "10 4A 1002"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4B 10 00FFFF"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4B 0F 00FFFF"), 0);
    assert_int_equal(part_send_hex(&p, "10 4B 0F 02FFFF"), 0x11);
    part_done(&p);
}

static void
the_life_cycle_goes_forward(void **state)
{
    char locks[80];
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    p.model->get_locks(&p.chip, locks, sizeof(locks));
    assert_string_equal(locks, "0");
    assert_int_equal(part_send_hex(&p, "10 08 83"), 0);
    assert_int_equal(part_send_hex(&p, "10 08 04"), 0x0F);
    assert_int_equal(part_send_hex(&p, "10 08 03"), 0x0F);
    p.model->get_locks(&p.chip, locks, sizeof(locks));
    assert_string_equal(locks, "life-cycle,0");
    part_done(&p);
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "10 08 04"), 0);
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    part_expect(&p, "04");
    assert_int_equal(part_send_hex(&p, "00 77"), 0);
    assert_int_equal(part_send_hex(&p, "05 00 00 0000 0001"), 0x0F);
    assert_int_equal(part_send_hex(&p, "16 00 0020" DIGEST_256), 0x0F);
    assert_int_equal(part_send_hex(&p, "10 08 03"), 0x0F);
    part_done(&p);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static void
keys_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"11", 0x02},
        {"11 12 01 FFFF 0000" P256, 0x03},
        {"11 13 01 FFFF 0000", 0x02},
        {"11 13 01 FFFF 0000" P256 "00", 0x02},
        {"11 13 02 FFFF 0000" P256, 0x03},
        {"11 13 00 FFFF 0000" P256, STSAFE_U_SLOT_0_STATUS},
        {"11 13 01 FFFF 0000" P521, 0x03}, /* an A120's */
        {"11 13 01 FFFF 0000 0000", 0x03},
        {"11 07 00", 0x02},
        {"11 07 02 00", 0x03},
        {"11 07 00 02", 0x03},
        {"11 07 00 10", 0x03}, /* the text's length: ST's host names the kind */
        {"16 00 0020", 0x02},
        {"16 00 0020" DIGEST_256 "00", 0x02},
        {"16 01 0020" DIGEST_256, 0x0A},
        {"16 02 0020" DIGEST_256, 0x03},
        {"16 FF 0020" DIGEST_256, 0x0A},
        {"16 00 001F 00" /* too short */, 0x02},
        {"16 00 0001 00", 0x03},
        {"16 00 0040" DIGEST_256 DIGEST_256, 0x03},
        {"17 00", 0x02},
        {"17 01" P256, 0x03},
        {"17 00" P521, 0x03},
        {"17 00" P256 "04 0020" DIGEST_256 "0020" DIGEST_256 "0020" DIGEST_256 "0020" DIGEST_256
         "0020" DIGEST_256,
         0x19},
        {"18", 0x02},
        {"18 00 04 0020" DIGEST_256 "0020" DIGEST_256, STSAFE_U_KEY_MODE_STATUS},
        {"18 01 04 0020" DIGEST_256 "0020" DIGEST_256, 0x0A},
        {"18 05 04", 0x03},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

/* Make a key, sign with it, let the chip and our own library verify; then one bit is wrong. */
static void
sign_and_verify(struct part *p, const char *oid, enum sim_curve curve, unsigned digest_len)
{
    size_t size = sim_curve_info(curve)->size;
    uint8_t xy[SIM_POINT_MAX], rs[SIM_POINT_MAX], digest[64];
    char text[1600], hex[2 * 64 + 1], numbers[2 * SIM_POINT_MAX + 1];

    for (unsigned i = 0; i < sizeof(digest); i++)
        digest[i] = (uint8_t)(0xF0 + i);
    put_hex(hex, digest, digest_len);
    (void)snprintf(text, sizeof(text), "11 13 01 FFFF 0000 %s", oid);
    assert_int_equal(part_send_hex(p, text), 0);
    assert_int_equal(p->len, 5 + 2 * size);
    take_point(p->payload, size, xy);
    (void)snprintf(text, sizeof(text), "16 01 00%02X %s", digest_len, hex);
    assert_int_equal(part_send_hex(p, text), 0);
    assert_int_equal(p->len, 4 + 2 * size);
    memcpy(rs, p->payload + 2, size);
    memcpy(rs + size, p->payload + 4 + size, size);
    assert_true(sim_curve_verify(curve, xy, digest, digest_len, rs));
    for (int tampered = 0; tampered < 2; tampered++) {
        int n = snprintf(text, sizeof(text), "17 00 %s 04 00%02X", oid, (unsigned)size);

        put_hex(numbers, xy, size);
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s 00%02X", numbers, (unsigned)size);
        put_hex(numbers, xy + size, size);
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s 00%02X", numbers, (unsigned)size);
        rs[0] ^= (uint8_t)tampered;
        put_hex(numbers, rs, size);
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s 00%02X", numbers, (unsigned)size);
        put_hex(numbers, rs + size, size);
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "%s 00%02X %s", numbers, digest_len,
                       hex);
        assert_int_equal(part_send_hex(p, text), 0);
        part_expect(p, tampered ? "00" : "01");
    }
}

static void
every_curve_signs(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    sign_and_verify(&p, P256, SIM_CURVE_P256, 32);
    sign_and_verify(&p, P256, SIM_CURVE_P256, 48);
    sign_and_verify(&p, P384, SIM_CURVE_P384, 48);
    sign_and_verify(&p, P384, SIM_CURVE_P384, 32);
    sign_and_verify(&p, "0009 2B2403030208010107", SIM_CURVE_BP256, 32);
    sign_and_verify(&p, "0009 2B240303020801010B", SIM_CURVE_BP384, 48);
    part_done(&p);
    part_init(&p, "blank-a120");
    sign_and_verify(&p, P521, SIM_CURVE_P521, 64);
    sign_and_verify(&p, "0009 2B240303020801010D", SIM_CURVE_BP512, 64);
    part_done(&p);
}

static void
ed25519_signs_messages(void **state)
{
    uint8_t point[32], rs[64];
    char text[600], hex[130];
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "11 13 02 FFFF 0000" ED25519), 0);
    assert_int_equal(p.len, 34);
    memcpy(point, p.payload + 2, 32);
    assert_int_equal(part_send_hex(&p, "16 02 0003 616263"), 0);
    assert_int_equal(p.len, 68);
    memcpy(rs, p.payload + 2, 32);
    memcpy(rs + 32, p.payload + 36, 32);
    assert_true(sim_curve_verify(SIM_CURVE_ED25519, point, (const uint8_t *)"abc", 3, rs));
    put_hex(hex, point, 32);
    (void)snprintf(text, sizeof(text), "17 00" ED25519 "0020 %s 0020", hex);
    put_hex(hex, rs, 32);
    strcat(text, hex);
    strcat(text, "0020");
    put_hex(hex, rs + 32, 32);
    strcat(text, hex);
    assert_int_equal(part_send_hex(&p, text), 0x02);
    strcat(text, "00 0003 616263");
    assert_int_equal(part_send_hex(&p, text), 0);
    part_expect(&p, "01");
    text[strlen(text) - 1] = '4';
    assert_int_equal(part_send_hex(&p, text), 0);
    part_expect(&p, "00");
    assert_int_equal(part_send_hex(&p, "18 02 0020" DIGEST_256), STSAFE_U_KEY_KIND_STATUS);
    assert_int_equal(part_send_hex(&p, "11 13 03 FFFF 0000" X25519), 0);
    assert_int_equal(part_send_hex(&p, "16 03 0003 616263"), STSAFE_U_KEY_KIND_STATUS);
    part_done(&p);
}

static void
secrets_are_agreed(void **state)
{
    static const uint8_t key[32] = {[31] = 0x02};
    uint8_t own[64], peer[SIM_POINT_MAX], secret[SIM_KEY_MAX];
    char text[400], hex[2 * 64 + 1];
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_true(sim_curve_public(SIM_CURVE_P256, key, peer));
    assert_int_equal(part_send_hex(&p, "11 13 FF FFFF 0000" P256), 0);
    take_point(p.payload, 32, own);
    assert_true(sim_curve_agree(SIM_CURVE_P256, key, own, secret));
    put_hex(hex, peer, 32);
    (void)snprintf(text, sizeof(text), "18 FF 04 0020 %s 0020", hex);
    put_hex(hex, peer + 32, 32);
    strcat(text, hex);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_int_equal(p.len, 34);
    assert_memory_equal(p.payload + 2, secret, 32);
    assert_int_equal(part_send_hex(&p, "16 FF 0020" DIGEST_256), STSAFE_U_KEY_KIND_STATUS);
    part_done(&p);
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "1F 0B" X25519), 0);
    assert_int_equal(p.len, 5 + 34);
    memcpy(own, p.payload + 7, 32);
    assert_true(sim_curve_public(SIM_CURVE_X25519, key, peer));
    assert_true(sim_curve_agree(SIM_CURVE_X25519, key, own, secret));
    put_hex(hex, peer, 32);
    (void)snprintf(text, sizeof(text), "18 FF 0020 %s", hex);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_memory_equal(p.payload + 2, secret, 32);
    /* A peer of low order gives nothing. */
    (void)snprintf(text, sizeof(text), "18 FF 0020 %064d", 0);
    assert_int_equal(part_send_hex(&p, text), 0x19);
    part_done(&p);
}

static void
use_is_counted(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "11 13 01 0002 0000" P256), 0);
    assert_int_equal(part_send_hex(&p, "16 01 0020" DIGEST_256), 0);
    assert_int_equal(part_send_hex(&p, "16 01 0020" DIGEST_256), 0);
    assert_int_equal(part_send_hex(&p, "16 01 0020" DIGEST_256), 0x1B);
    assert_int_equal(p.holder.stored, 3);
    /* A key for one purpose only. */
    assert_int_equal(part_send_hex(&p, "11 13 01 FFFF 0001" P256), 0);
    assert_int_equal(part_send_hex(&p, "16 01 0020" DIGEST_256), STSAFE_U_KEY_MODE_STATUS);
    assert_int_equal(part_send_hex(&p, "14 14"), 0);
    assert_memory_equal(p.payload + 4 + 14, "\x01\x01\x00\x01", 4);
    part_done(&p);
}

static void
points_are_decompressed(void **state)
{
    static const struct refusal cases[] = {
        {"1F 1A" P256, 0x02},
        {"1F 1A" P256 "04" DIGEST_256, 0x03},
        {"1F 1A" X25519 "02" DIGEST_256, 0x03},
        {"1F 1A" P256 "02" DIGEST_256 "00", 0x02},
        {"1F 1A" P256 "02 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 0x19},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(
        part_send_hex(&p, "1F 1A" P256
                          "03 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"),
        0);
    part_expect(&p, "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5");
    assert_int_equal(
        part_send_hex(&p, "1F 1A" P256
                          "02 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"),
        0);
    assert_int_equal(p.payload[0], 0xB0);
    part_done(&p);
}

/* ---- Envelopes ------------------------------------------------------------------------------- */

static void
envelopes(void **state)
{
    uint8_t wrapped[1 + 24] = {0};
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "0E 00" DIGEST_256), 0x11); /* for the host only */
    channel_init(&ch, &p);
    ch.encrypt_command = 1;
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "00" DIGEST_256), 0x0A);
    assert_int_equal(part_send_hex(&p, "11 07 00 00"), 0);
    assert_int_equal(part_send_hex(&p, "11 07 01 01"), 0);
    assert_int_equal(part_send_hex(&p, "14 07"), 0);
    part_expect(&p, "02 000110 010120");
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "02" DIGEST_256), 0x03);
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "00 0001020304050607"), 0x02);
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "00 000102030405060708"), 0x02);
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "01 000102030405060708090A0B0C0D0E0F"), 0);
    assert_int_equal(p.len, 24);
    wrapped[0] = 0x01;
    memcpy(wrapped + 1, p.payload, 24);
    ch.encrypt_command = 0;
    ch.encrypt_answer = 1;
    assert_int_equal(channel_send(&ch, &p, 0x0F, wrapped, sizeof(wrapped)), 0);
    part_expect(&p, "000102030405060708090A0B0C0D0E0F");
    wrapped[0] = 0x00; /* the other key */
    assert_int_equal(channel_send(&ch, &p, 0x0F, wrapped, sizeof(wrapped)), STSAFE_U_UNWRAP_STATUS);
    part_done(&p);
}

/* ---- The host channel --------------------------------------------------------------------------- */

static void
a_command_is_taken_once(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct channel ch;
    struct part p;
    size_t len;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    len = channel_build(&ch, 0x02, (const uint8_t *)"\x00\x08", 2, frame);
    assert_int_equal(part_send(&p, frame, len), 0);
    assert_int_equal(part_send(&p, frame, len), 0x16);
    ch.counter++;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        int status;

        (void)channel_build(&ch, 0x02, (const uint8_t *)"\x00\x08", 2, frame);
        frame[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        status = part_send(&p, frame, len);
        /* Without its flags it is another command, and its MAC is payload. */
        if (bit / 8 > 0)
            assert_int_equal(status, 0x16);
        else
            assert_int_not_equal(status, 0);
        assert_int_equal(p.chip.nvm.host.counter, 6);
    }
    assert_int_equal(channel_send_hex(&ch, &p, 0x02, "00 08"), 0);
    /* A refusal counts as well; and has no R-MAC. */
    assert_int_equal(channel_send_hex(&ch, &p, 0x02, "01 08"), 0x03);
    assert_int_equal(p.len, 0);
    assert_int_equal(channel_send_hex(&ch, &p, 0x1F0E, ""), 0);
    assert_int_equal(p.len, 16);
    assert_int_equal(channel_send_hex(&ch, &p, 0x13, ""), 0x04);
    assert_int_equal(part_send_hex(&p, "14 47"), 0);
    part_expect(&p, "01 00 0000000A");
    part_done(&p);
}

static void
a_cmac_alone_is_enough(void **state)
{
    uint8_t m[64] = {0}, frame[16] = {0xA2, 0x00, 0x08}, mac[16];
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    channel_init(&ch, &p);
    m[2] = 5;
    m[4] = 0x80;
    memcpy(m + 16, "\x00\xA2\x00\x02\x00\x08", 6);
    assert_true(sim_aes_cmac((struct sim_aes){ch.mac, 16}, rs_bytes_of(m, 22), mac));
    memcpy(frame + 3, mac, 4);
    assert_int_equal(part_send(&p, frame, 7), 0);
    assert_int_equal(p.len, 8);
    assert_int_equal(p.chip.nvm.host.counter, 6);
    part_done(&p);
}

static void
a_spent_counter_ends_the_channel(void **state)
{
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    channel_init(&ch, &p);
    ch.counter = p.chip.nvm.host.counter = 0xFFFFFE;
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "01"), 0);
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "01"), 0x09);
    assert_int_equal(p.chip.nvm.host.counter, 0xFFFFFF);
    part_done(&p);
}

static void
encryption_is_checked(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct channel ch;
    struct part p;
    size_t len;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    assert_int_equal(part_send_hex(&p, "11 07 00 00"), 0);
    /* A payload in clear, or of no whole blocks, or with no padding inside. */
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, "00" DIGEST_256), STSAFE_U_UNWRAP_STATUS);
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, DIGEST_256), STSAFE_U_UNWRAP_STATUS);
    assert_int_equal(channel_send_hex(&ch, &p, 0x0E, ""), STSAFE_U_UNWRAP_STATUS);
    ch.encrypt_command = 1;
    len = channel_build(&ch, 0x0E, frame, 0, frame);
    assert_int_equal(len, 1 + 16 + 4);
    assert_int_equal(channel_send(&ch, &p, 0x0E, frame, 0), 0x02);
    part_done(&p);
}

static void
host_keys_of_an_a110(void **state)
{
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    memset(&ch, 0, sizeof(ch));
    ch.key_len = 16;
    ch.counter_size = 3;
    (void)hex_read("00112233445566778899AABBCCDDEEFF", ch.mac, 16);
    (void)hex_read("11112222333344445555666677778888", ch.cipher, 16);
    assert_int_equal(part_send_hex(&p, "10 17 00112233445566778899AABBCCDDEEFF"
                                       "1111222233334444555566667777888800"),
                     0x02);
    assert_int_equal(part_send_hex(&p, "10 17 00112233445566778899AABBCCDDEEFF"
                                       "11112222333344445555666677778888"),
                     0);
    assert_int_equal(part_send_hex(&p, "14 17"), 0);
    part_expect(&p, "01000000");
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "0102"), 0);
    part_expect(&p, "0102");
    /* Another key: from the one who holds this one. */
    assert_int_equal(part_send_hex(&p, "10 17" DIGEST_256), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x10, "17" DIGEST_256), 0);
    part_done(&p);
}

/* ---- Hashes and symmetric keys of an A120 ---------------------------------------------------------- */

static void
hashes(void **state)
{
    static const struct refusal cases[] = {
        {"1F 01 00", 0x05},
        {"1F 02", 0x05},
        {"1F 00", 0x02},
        {"1F 00 0009 608648016503040204", 0x03},
        {"1F 00 0008 6086480165030402", 0x03},
        {"1F 02 616263", 0x05},
    };
    static const struct {
        const char *start, *digest;
    } good[] = {
        {"1F 00 0009 608648016503040201 61",
         "0020 BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
        {"1F 00 0009 608648016503040202 61",
         "0030 CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED"
         "8086072BA1E7CC2358BAECA134C825A7"},
        {"1F 00 0009 608648016503040203 61",
         "0040 DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A"
         "2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F"},
        {"1F 00 0009 608648016503040208 61",
         "0020 3A985DA74FE225B2045C172D6BD390BD855F086E3E9D525B46BFE24511431532"},
        {"1F 00 0009 608648016503040209 61",
         "0030 EC01498288516FC926459F58E2C6AD8DF9B473CB0FC08C2596DA7CF0E49BE4B2"
         "98D88CEA927AC7F539F1EDF228376D25"},
        {"1F 00 0009 60864801650304020A 61",
         "0040 B751850B1A57168A5693CD924B6B096E08F621827444F70D884F5D0240D2712E"
         "10E116E9192AF3C91A7EC57647E3934057340B4CF408D5A56592F8274EEC53F0"},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(part_send_hex(&p, good[i].start), 0);
        assert_int_equal(part_send_hex(&p, "1F 01 62"), 0);
        assert_int_equal(part_send_hex(&p, "1F 02 63"), 0);
        part_expect(&p, good[i].digest);
    }
    assert_int_equal(part_send_hex(&p, "1F 02"), 0x05);
    part_done(&p);
}

#define AES128_KEY "2B7E151628AED2A6ABF7158809CF4F3C"
/* Behind lock and slot: type, mode, usage, limit. */
#define CMAC_128 "00 01 0003 10"
#define ECB_128  "00 02 000C"

static void
symmetric_keys_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"1F 17 00", 0x02},
        {"1F 17 00 10" CMAC_128 AES128_KEY, 0x03},
        {"1F 17 03 00" CMAC_128 AES128_KEY, 0x03},
        {"1F 17 00 00 03 01 0003 10" AES128_KEY, 0x03},
        {"1F 17 00 00 00 06 0003 10" AES128_KEY, 0x03},
        {"1F 17 00 00 00 04 0040 00" AES128_KEY, 0x03}, /* HKDF wants a generic secret */
        {"1F 17 00 00 02 01 0003 10 10" AES128_KEY, 0x03},
        {"1F 17 00 00 02 05 0003 10 0F" AES128_KEY, 0x03},
        {"1F 17 00 00 02 05 0003 10 21" AES128_KEY, 0x03},
        {"1F 17 00 00 02 05 0003 21 10" AES128_KEY, 0x03},
        {"1F 17 00 00 02 04 0040 02 10" AES128_KEY, 0x03},
        {"1F 17 00 00 00 01 0083 10" AES128_KEY, 0x03},
        {"1F 17 00 00 00 01 0003 11" AES128_KEY, 0x03},
        {"1F 17 00 00 00 01 0003 03" AES128_KEY, 0x03},
        {"1F 17 00 00 00 00 000C 05 00" AES128_KEY, 0x03},
        {"1F 17 00 00 00 00 000C 10 80" AES128_KEY, STSAFE_U_CCM_COUNTER_STATUS},
        {"1F 17 00 00 00 03 000C 05" AES128_KEY, 0x03},
        {"1F 17 00 00 01 01 0003 10" AES128_KEY, 0x02},
        {"1F 17 00 00" CMAC_128 AES128_KEY "00", 0x02},
        {"1F 19", 0x02},
        {"1F 19 10", 0x03},
        {"1F 19 00", 0x0A},
        {"09 03", 0x02},
        {"09 02 00 10", 0x03},
        {"09 03 10 10", 0x03},
        {"09 03 00 10", 0x0A},
        {"0A 03 00 10", 0x03},
        {"1B 02", 0x02},
        {"1B 03 00", 0x03},
        {"1B 02 00", 0x0A},
        {"1B 02 10", 0x03},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(part_send_hex(&p, "1F 17 00 00" CMAC_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1B 02 00" AES128_KEY), STSAFE_U_USAGE_STATUS);
    assert_int_equal(part_send_hex(&p, "09 03 00 03"), 0x1D);
    assert_int_equal(part_send_hex(&p, "09 03 00 11"), 0x1D);
    assert_int_equal(part_send_hex(&p, "0A 02 00 0F"), 0x1D); /* less than the key wants */
    assert_int_equal(part_send_hex(&p, "1F 17 00 00" ECB_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "09 03 00 10"), STSAFE_U_USAGE_STATUS);
    assert_int_equal(part_send_hex(&p, "1B 02 00 00"), 0x02);
    assert_int_equal(part_send_hex(&p, "1B 02 00"), 0x02);
    /* One that only decrypts, and one that nothing may do. */
    assert_int_equal(part_send_hex(&p, "1F 17 00 00 00 02 0004" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1B 02 00" AES128_KEY), STSAFE_U_USAGE_STATUS);
    assert_int_equal(part_send_hex(&p, "1C 02 00" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 00 00 00 01 0000 10" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "09 03 00 10"), STSAFE_U_USAGE_STATUS);
    part_done(&p);
}

static void
symmetric_keys_are_locked(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "1F 17 02 00" CMAC_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 00 00" CMAC_128 AES128_KEY), 0x11);
    assert_int_equal(part_send_hex(&p, "1F 19 00"), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 01 00" CMAC_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 00 00" CMAC_128 AES128_KEY), 0x11);
    assert_int_equal(part_send_hex(&p, "1F 19 00"), 0x11);
    /* A slot that takes no key in clear; rights that nobody changes any more. */
    assert_int_equal(part_send_hex(&p, "14 4B 01"), 0);
    part_expect(&p, "3F FF FF");
    assert_int_equal(part_send_hex(&p, "10 4B 01 40 FF FF"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4B 10 20 FF FF"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4B 01 20 FF"), 0x02);
    assert_int_equal(part_send_hex(&p, "10 4B 01 20 FF 01"), 0);
    assert_int_equal(part_send_hex(&p, "14 4B 01"), 0);
    part_expect(&p, "20 FF 01");
    assert_int_equal(part_send_hex(&p, "14 4B 10"), 0x03);
    assert_int_equal(part_send_hex(&p, "1F 17 00 01" CMAC_128 AES128_KEY), 0x11);
    assert_int_equal(part_send_hex(&p, "10 4B 01 3F FF FF"), 0x11);
    part_done(&p);
}

static void
symmetric_keys_work(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    /* RFC 4493 4, example 2; SP 800-38A F.1.1; RFC 4231 4.3 with a key filled up by zeros. */
    assert_int_equal(part_send_hex(&p, "1F 17 00 00 00 01 0003 04" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "09 03 00 08 6BC1BEE22E409F96E93D7E117393172A"), 0);
    part_expect(&p, "070A16B46B4D4144");
    assert_int_equal(part_send_hex(&p, "0A 02 00 04 070A16B4 6BC1BEE22E409F96E93D7E117393172A"), 0);
    part_expect(&p, "01");
    assert_int_equal(part_send_hex(&p, "0A 02 00 04 070A16B5 6BC1BEE22E409F96E93D7E117393172A"), 0);
    part_expect(&p, "00");
    assert_int_equal(part_send_hex(&p, "1F 17 00 01" ECB_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1B 02 01 6BC1BEE22E409F96E93D7E117393172A"), 0);
    part_expect(&p, "3AD77BB40D7A3660A89ECAF32466EF97");
    assert_int_equal(part_send_hex(&p, "1C 02 01 3AD77BB40D7A3660A89ECAF32466EF97"), 0);
    part_expect(&p, "6BC1BEE22E409F96E93D7E117393172A");
    assert_int_equal(
        part_send_hex(&p, "1F 17 02 03 02 05 0003 10 10 4A656665000000000000000000000000"), 0);
    assert_int_equal(part_send_hex(&p, "09 03 03 20 7768617420646F2079612077616E7420"
                                       "666F72206E6F7468696E673F"),
                     0);
    part_expect(&p, "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
    assert_int_equal(part_send_hex(&p, "14 23"), 0);
    assert_memory_equal(p.payload,
                        "\x10\x01\x00\x01\x00\x03\x04\x01\x00\x02\x00\x0C\x00\x05\x02\x05\x00\x03"
                        "\x10\x00",
                        20);
    part_done(&p);
}

/* The answer to Encrypt goes back in Decrypt behind head; CCM's ends with its counter's absence. */
static void
aead(struct part *p, const char *encrypt, const char *head, size_t more, const char *tail)
{
    char text[400], hex[200];

    assert_int_equal(part_send_hex(p, encrypt), 0);
    put_hex(hex, p->payload, p->len - more);
    (void)snprintf(text, sizeof(text), "%s %s", head, hex);
    assert_int_equal(part_send_hex(p, text), 0);
    part_expect(p, tail);
    text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
    assert_int_equal(part_send_hex(p, text), 0);
    part_expect(p, "00");
}

static void
symmetric_keys_seal(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(
        part_send_hex(&p, "1F 17 00 02 00 00 000C 08 00 000102030405060708090A0B0C0D0E0F"), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 00 03 01 03 000C 10" DIGEST_256), 0);
    aead(&p, "1B 02 02 101112131415161718191A1B1C 0002 AABB 0004 20212223",
         "1C 02 02 101112131415161718191A1B1C 0002 AABB 000C", 1, "01 20212223");
    aead(&p, "1B 02 03 000C 101112131415161718191A1B 0000 0004 20212223",
         "1C 02 03 000C 101112131415161718191A1B 0000 0004", 0, "01 20212223");
    aead(&p, "1B 02 03 000C 101112131415161718191A1B 0001 AA 0000",
         "1C 02 03 000C 101112131415161718191A1B 0001 AA 0000", 0, "01");
    assert_int_equal(part_send_hex(&p, "1B 02 02 101112131415161718191A1B1C 0000 0000"), 0);
    assert_int_equal(p.len, 9);
    assert_int_equal(part_send_hex(&p, "1B 02 03 0000 0000 0000"), 0x02);
    assert_int_equal(part_send_hex(&p, "1B 02 02 1011"), 0x02);
    assert_int_equal(part_send_hex(&p, "1C 02 02 101112131415161718191A1B1C 0000 0004 20212223"),
                     0x02);
    part_done(&p);
}

/* The McGrew and Viega test case 4 of GCM, and example 1 of SP 800-38C. */
#define GCM_KEY   "FEFFE9928665731C6D6A8F9467308308"
#define GCM_IV    "000C CAFEBABEFACEDBADDECAF888"
#define GCM_AAD   "FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"
#define GCM_P_20  "D9313225F88406E5A55909C5AFF5269A86A7A953"
#define GCM_P_40  "1534F7DA2E4C303D8A318A721C3C0C95956809532FCF0E2449A6B525B16AEDF5AA0DE657BA637B39"
#define GCM_C_20  "42831EC2217774244B7221B784D0D49CE3AA212F"
#define GCM_C_40  "2C02A4E035C17E2329ACA12E21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC973D58E091"
#define GCM_TAG   "5BC94FBC3221A5DB94FAE95AE7121A47"
#define CCM_START "0007 10111213141516 0008 00000004"

static void
pieces_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"1F 11", 0x02},
        {"1F 11 00 0000 0000 0000", 0x02},
        {"1F 11 10" GCM_IV "0000 0000", 0x03},
        {"1F 11 00" GCM_IV "0000 0000", 0x0A},
        {"1F 11 01" GCM_IV "0000 0000", STSAFE_U_USAGE_STATUS}, /* one that takes it at once */
        {"1F 11 02" GCM_IV "0000 0000", STSAFE_U_USAGE_STATUS}, /* CMAC's */
        {"1F 12 0000 0000", 0x05},
        {"1F 13 0000 0000", 0x05},
        {"1F 15 0000 0000", 0x05},
        {"1F 16 0000 0000" GCM_TAG, 0x05},
    };
    /* Behind a start; what went wrong has ended it. */
    static const struct refusal pieces[] = {
        {"1F 12 0000", 0x02},
        {"1F 12 0000 0001 00 00", 0x02},
        {"1F 12 0001 AA 0000", STSAFE_U_LATE_DATA_STATUS},
        {"1F 13 0000 0000" GCM_TAG, 0x02},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "1F 17 00 01 00 03 000C 10" GCM_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 17 00 02 00 01 0033 10" GCM_KEY), 0);
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(part_send_hex(&p, "1F 17 00 03 00 03 0030 10" GCM_KEY), 0);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_int_equal(part_send_hex(&p, "1F 11 03" GCM_IV "0000 0001 00"), 0);
        assert_int_equal(part_send_hex(&p, "1F 15 0000 0000"), 0x05); /* the other way */
        expect_refusals(&p, pieces + i, 1);
        assert_int_equal(part_send_hex(&p, "1F 12 0000 0000"), 0x05);
    }
    /* CCM: a nonce that leaves no room for such a length; more or less than was announced. */
    assert_int_equal(part_send_hex(&p, "1F 17 00 04 00 00 0030 04 00" GCM_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 11 04 0006 101112131415 0000 00000000 0000 0000"), 0x02);
    assert_int_equal(part_send_hex(&p, "1F 11 04 000D 101112131415161718191A1B1C 0000 00010000"
                                       "0000 0000"),
                     0x02);
    assert_int_equal(part_send_hex(&p, "1F 11 04" CCM_START "0009 000102030405060708 0000"), 0x02);
    assert_int_equal(part_send_hex(&p, "1F 11 04" CCM_START "0008 0001020304050607 0000"), 0);
    assert_int_equal(part_send_hex(&p, "1F 13 0000 0003 202122"), 0x02);
    part_done(&p);
}

static void
messages_come_in_pieces(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "1F 17 00 03 00 03 0030 10" GCM_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 11 03" GCM_IV "0000 0000"), 0);
    assert_int_equal(part_send_hex(&p, "1F 12 0014" GCM_AAD "0014" GCM_P_20), 0);
    part_expect(&p, GCM_C_20);
    assert_int_equal(part_send_hex(&p, "1F 13 0000 0028" GCM_P_40), 0);
    part_expect(&p, GCM_C_40 GCM_TAG);
    assert_int_equal(part_send_hex(&p, "1F 14 03" GCM_IV "0014" GCM_AAD "0014" GCM_C_20), 0);
    part_expect(&p, GCM_P_20);
    assert_int_equal(part_send_hex(&p, "1F 15 0000 0028" GCM_C_40), 0);
    part_expect(&p, GCM_P_40);
    assert_int_equal(part_send_hex(&p, "1F 16 0000 0000" GCM_TAG), 0);
    part_expect(&p, "01");
    assert_int_equal(part_send_hex(&p, "1F 14 03" GCM_IV "0014" GCM_AAD "0014" GCM_P_20), 0);
    assert_int_equal(part_send_hex(&p, "1F 16 0000 0028" GCM_C_40 GCM_TAG), 0);
    part_expect(&p, "00");
    assert_int_equal(
        part_send_hex(&p, "1F 17 00 04 00 00 0030 04 00 404142434445464748494A4B4C4D4E4F"), 0);
    assert_int_equal(part_send_hex(&p, "1F 11 04" CCM_START "0008 0001020304050607 0001 20"), 0);
    part_expect(&p, "71 00"); /* no counter follows */
    assert_int_equal(part_send_hex(&p, "1F 13 0000 0003 212223"), 0);
    part_expect(&p, "62015B 4DAC255D");
    assert_int_equal(part_send_hex(&p, "1F 14 04" CCM_START "0008 0001020304050607 0000"), 0);
    assert_int_equal(part_send_hex(&p, "1F 16 0000 0004 7162015B 4DAC255D"), 0);
    part_expect(&p, "01 20212223");
    /* A reset ends it. */
    assert_int_equal(part_send_hex(&p, "1F 11 03" GCM_IV "0000 0001 00"), 0);
    assert_int_equal(part_send_hex(&p, "01"), 0);
    assert_int_equal(part_send_hex(&p, "1F 12 0000 0000"), 0x05);
    part_done(&p);
}

/* ---- Derive keys ------------------------------------------------------------------------------------ */

#define SHA_256 "0009 608648016503040201"
/* RFC 5869 A.1. */
#define IKM     "0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B"
#define SALT    "000102030405060708090A0B0C"
#define INFO    "F0F1F2F3F4F5F6F7F8F9"
#define PRK     "077709362C2E32DF0DDC3F0DC47BBA6390B6C73BB50F9C3122EC844AD7C2B3E5"
#define OKM_32  "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF"
#define OKM_10  "34007208D5B887185865"
#define IN_SLOT "1F 17 00 04 02 04 0040"

static void
derivations_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"1F 10", 0x02},
        {"1F 10 01", 0x03},
        {"1F 10 00 05 0016" IKM, 0x03},
        {"1F 10 00 04 000F" IKM, 0x02},
        {"1F 10 00 04 0016" IKM, 0x02},
        {"1F 10 00 04 0016" IKM "00" SHA_256, 0x03},
        {"1F 10 00 04 0016" IKM "04" SHA_256, 0x03},
        {"1F 10 00 04 0016" IKM "02 0009 608648016503040202 00 0000", 0x03},
        {"1F 10 00 04 0016" IKM "02" SHA_256 "01 0000", 0x03},
        {"1F 10 00 04 0016" IKM "02" SHA_256 "00", 0x02},
        {"1F 10 00 04 0016" IKM "02" SHA_256 "00 0000 00", 0x02},
        {"1F 10 00 04 0016" IKM "02" SHA_256 "02 00", 0x0A},
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000", 0x02}, /* no key to derive */
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000 0003 00 0010", 0x03},
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000 0003 01 0000", 0x02},
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000 0003 01 0401", 0x02},
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000 0007 02 00 00 07 0003 10", 0x03},
        {"1F 10 00 04 0016" IKM "03" SHA_256 "00 0000 0000 0006 02 00 00 01 0003", 0x02},
        {"1F 10 00 04 0016" IKM "01" SHA_256 "0000 0003 01 0010", 0x02}, /* no PRK of 32 bytes */
        {"1F 10 02 04 02" SHA_256 "00 0000", 0x0A},
        {"1F 10 02 10 02" SHA_256 "00 0000", 0x03},
    };
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "1F 10"), 0x04);
    part_done(&p);
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    /* A key for something else, one that may not, and one whose results stay. */
    assert_int_equal(part_send_hex(&p, "1F 17 00 04 02 05 0003 10 10" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 02" SHA_256 "00 0000"), STSAFE_U_USAGE_STATUS);
    assert_int_equal(part_send_hex(&p, "1F 17 00 04 02 04 0003 01 10" AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 02" SHA_256 "00 0000"), STSAFE_U_USAGE_STATUS);
    assert_int_equal(part_send_hex(&p, IN_SLOT "00 16" IKM), 0);
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 03" SHA_256 "00 0000 0000 0003 01 0010"), 0x11);
    part_done(&p);
}

static void
keys_are_derived(void **state)
{
    uint8_t want[32];
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    /* Secret and result on the bus; then from a slot, and one step at a time. */
    assert_int_equal(part_send_hex(&p, "1F 10 00 04 0016" IKM "03" SHA_256 "00 000D" SALT
                                       "000A" INFO "0003 01 002A"),
                     0);
    part_expect(&p, OKM_32 OKM_10);
    assert_int_equal(part_send_hex(&p, IN_SLOT "01 16" IKM), 0);
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 03" SHA_256 "00 000D" SALT "000A" INFO
                                       "0003 01 0020 0003 01 000A"),
                     0);
    part_expect(&p, OKM_32 OKM_10);
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 02" SHA_256 "00 000D" SALT), 0);
    part_expect(&p, "00");
    assert_int_equal(hex_read(PRK, want, 32), 32);
    assert_memory_equal(p.chip.nvm.symmetric[0].key, want, 32);
    assert_int_equal(part_send_hex(&p, "1F 10 02 00 01" SHA_256 "000A" INFO "0003 01 0020"), 0);
    part_expect(&p, OKM_32);
    part_done(&p);
}

static void
derived_keys_go_where_there_is_room(void **state)
{
    uint8_t okm[48];
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    (void)hex_read(OKM_32 OKM_10, okm, sizeof(okm));
    assert_int_equal(part_send_hex(&p, "10 4B 00 1F FF FF"), 0); /* slot 0 takes none */
    assert_int_equal(part_send_hex(&p, "1F 17 01 01" CMAC_128 AES128_KEY), 0);
    assert_int_equal(part_send_hex(&p, IN_SLOT "00 16" IKM), 0);
    /* A generic secret for HMAC of 16 bytes and an AES key, one behind the other. */
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 03" SHA_256 "00 000D" SALT "000A" INFO
                                       "0008 02 00 02 05 0003 10 10 0007 02 00 00 01 0003 10"),
                     0);
    part_expect(&p, "02 03");
    assert_memory_equal(p.chip.nvm.symmetric[2].key, okm, 16);
    assert_memory_equal(p.chip.nvm.symmetric[3].key, okm + 16, 16);
    assert_int_equal(part_send_hex(&p, "09 03 02 10 00"), 0);
    assert_int_equal(part_send_hex(&p, "09 03 03 10 00"), 0);
    /* Full: the first that may be replaced; slot 1 is locked, 0 is not for derived ones. */
    for (unsigned slot = 5; slot < 16; slot++)
        p.chip.nvm.symmetric[slot] = p.chip.nvm.symmetric[1];
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 03" SHA_256 "00 000D" SALT "000A" INFO
                                       "0007 02 01 00 01 0003 10"),
                     0);
    part_expect(&p, "02");
    for (unsigned slot = 2; slot < 4; slot++)
        p.chip.nvm.symmetric[slot].lock = STSAFE_LOCKED;
    p.chip.nvm.symmetric[4].lock = STSAFE_ERASABLE;
    assert_int_equal(part_send_hex(&p, "1F 10 02 04 03" SHA_256 "00 000D" SALT "000A" INFO
                                       "0007 02 01 00 01 0003 10"),
                     STSAFE_U_NO_SLOT_STATUS);
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_are_none),
        cmocka_unit_test(an_address_is_probed_and_others_are_left_alone),
        cmocka_unit_test(commands_that_are_not_there),
        cmocka_unit_test(basics),
        cmocka_unit_test(a_reset_forgets_what_is_volatile),
        cmocka_unit_test(zones_refuse),
        cmocka_unit_test(zones_and_counters),
        cmocka_unit_test(access_conditions_close),
        cmocka_unit_test(attributes_refuse),
        cmocka_unit_test(the_parts_say_who_they_are),
        cmocka_unit_test(attributes_are_put),
        cmocka_unit_test(the_life_cycle_goes_forward),
        cmocka_unit_test(keys_refuse),
        cmocka_unit_test(every_curve_signs),
        cmocka_unit_test(ed25519_signs_messages),
        cmocka_unit_test(secrets_are_agreed),
        cmocka_unit_test(use_is_counted),
        cmocka_unit_test(points_are_decompressed),
        cmocka_unit_test(envelopes),
        cmocka_unit_test(a_command_is_taken_once),
        cmocka_unit_test(a_cmac_alone_is_enough),
        cmocka_unit_test(a_spent_counter_ends_the_channel),
        cmocka_unit_test(encryption_is_checked),
        cmocka_unit_test(host_keys_of_an_a110),
        cmocka_unit_test(hashes),
        cmocka_unit_test(symmetric_keys_refuse),
        cmocka_unit_test(symmetric_keys_work),
        cmocka_unit_test(symmetric_keys_are_locked),
        cmocka_unit_test(symmetric_keys_seal),
        cmocka_unit_test(pieces_refuse),
        cmocka_unit_test(messages_come_in_pieces),
        cmocka_unit_test(derivations_refuse),
        cmocka_unit_test(keys_are_derived),
        cmocka_unit_test(derived_keys_go_where_there_is_room),
    };

    return cmocka_run_group_tests_name("sims_stsafe/commands", tests, NULL, NULL);
}
