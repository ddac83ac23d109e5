/*
 * vectors_test.c: every byte string of the wire reference, at the simulated part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "harness.h"

#define ATR "00A00000039604 03E8 00FE 02 0B 03E8 08 01 000000 0064 0000 0A 4A434F5034204154504F"

/* ---- Section 2: blocks --------------------------------------------------------------------- */

static void
crc_check_value(void **state)
{
    (void)state;
    assert_int_equal(se05x_crc((const uint8_t *)"123456789", 9), 0x906E);
}

static void
session_blocks(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    part_exchange(&p, "5A C0 00 FF FC", "A5 E0 00 3F 19");
    part_exchange(&p, "5A C7 00 F7 B1", "A5 E7 23" ATR "2A 8D");
    part_exchange(&p, "5A CF 00 37 7F", "A5 EF 23" ATR "87 77");
    part_exchange(&p, "5A C5 00 47 82", "A5 E5 00 87 67");
    part_exchange(&p, "5A C6 00 2F A8", "A5 E6 00 EF 4D");
    part_exchange(&p, "5A DF 00 A6 EA", "A5 FF 00 66 0F");
    part_done(&p);
    /* The older generation has no deep power down. */
    part_init(&p, &se050_model);
    part_exchange(&p, "5A DF 00 A6 EA", "A5 82 00 DA 4F");
    part_done(&p);
}

/* What the vendor's host does when it opens, byte for byte; the drain reads 260 bytes. */
static void
open_as_the_vendor(void **state)
{
    static const uint8_t resynced[5] = {0xA5, 0xE0, 0x00, 0x3F, 0x19};
    uint8_t drain[260];
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    assert_true(part_write(&p, "5A C0 00 FF FC"));
    assert_true(p.model->i2c_read(p.chip, 0x48, drain, sizeof(drain)));
    assert_memory_equal(drain, resynced, sizeof(resynced));
    for (size_t i = sizeof(resynced); i < sizeof(drain); i++)
        assert_int_equal(drain[i], 0);
    assert_false(p.model->i2c_read(p.chip, 0x48, drain, sizeof(drain)));
    part_exchange(&p, "5A C0 00 FF FC", "A5 E0 00 3F 19");
    part_exchange(&p, "5A C7 00 F7 B1", "A5 E7 23" ATR "2A 8D");
    part_exchange(&p, "5A 00 16 00A4040010 A0000003965453000000010300000000 00 A8 C8",
                  "A5 00 09 07 02 00 6F FF 01 0B 90 00 2C A1");
    part_exchange(&p, "5A 40 05 80 04 00 20 00 22 93",
                  "A5 40 0B 41 07 07 02 00 6F FF 01 0B 90 00 C5 34");
    part_exchange(&p, "5A C5 00 47 82", "A5 E5 00 87 67");
    part_done(&p);
}

static void
select_of_the_older_applet(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    part_exchange(&p, "5A 00 16 00A4040010 A0000003965453000000010300000000 00 A8 C8",
                  "A5 00 09 03 01 00 6F FF 01 0B 90 00 19 14");
    part_done(&p);
}

/* 520 bytes leave the host in blocks of 254, 254, 12: PCB 20, 60, 00. */
static void
chained_command(void **state)
{
    uint8_t apdu[520] = {0x80, 0x03, 0x00, 0x0E, 0x00, 0x02, 0x01}, bytes[300];
    char inf[2 * 254 + 1];
    struct part p;

    (void)state;
    memcpy(apdu + 7, "\x41\x01\x04\x42\x82\x01\xFA", 7);
    part_ready(&p, &se051_model);
    part_exchange(&p, "5A C0 00 FF FC", "A5 E0 00 3F 19");
    rs_hex(rs_bytes_of(apdu, 254), inf, sizeof(inf));
    assert_true(part_block(&p, 0x20, inf));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "\xA5\x90\x00\xFB\xE9", 5);
    rs_hex(rs_bytes_of(apdu + 254, 254), inf, sizeof(inf));
    assert_true(part_block(&p, 0x60, inf));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "\xA5\x80\x00\x6A\x7C", 5);
    rs_hex(rs_bytes_of(apdu + 508, 12), inf, sizeof(inf));
    assert_true(part_block(&p, 0x00, inf));
    /* 513 bytes of payload: the digest of 506 zeros. */
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 3 + 36 + 2);
    assert_memory_equal(bytes, "\xA5\x00\x24\x41\x20", 5);
    part_done(&p);
}

/* The answer comes in blocks of 254, and the host asks for each with 90, 80. */
static void
chained_answer(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    part_exchange(&p, "5A C0 00 FF FC", "A5 E0 00 3F 19");
    assert_true(part_block(&p, 0x00, "80040049 04 4102 0200 00"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 259);
    assert_int_equal(bytes[1], 0x20);
    assert_true(part_write(&p, "5A 90 00 08 2F"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 259);
    assert_int_equal(bytes[1], 0x60);
    assert_true(part_write(&p, "5A 80 00 99 BA"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 5 + 512 + 4 + 2 - 2 * 254);
    assert_int_equal(bytes[1], 0x00);
    part_done(&p);
}

static void
host_r_blocks_repeat(void **state)
{
    static const char *const nacks[] = {"5A 81 00 41 A3", "5A 91 00 D0 36", "5A 82 00 29 89",
                                        "5A 92 00 B8 1C"};
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    part_exchange(&p, "5A C0 00 FF FC", "A5 E0 00 3F 19");
    for (size_t i = 0; i < 4; i++)
        part_exchange(&p, nacks[i], "A5 E0 00 3F 19");
    /* Nothing is chained: an acknowledgement asks for nothing. */
    part_exchange(&p, "5A 80 00 99 BA", "A5 82 00 DA 4F");
    part_exchange(&p, "5A 90 00 08 2F", "A5 82 00 DA 4F");
    part_done(&p);
}

static void
time_is_asked_for(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    p.fate = (struct sim_fate){SIM_FATE_SLOW, 1500};
    assert_true(part_write(&p, "5A 00 16 00A4040010 A0000003965453000000010300000000 00 A8 C8"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 0);
    part_advance(&p, 1000000);
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 6);
    assert_memory_equal(bytes, "\xA5\xC3\x01\x01\x1B\xDD", 6);
    assert_true(part_write(&p, "5A E3 01 01 F2 1B"));
    part_advance(&p, 600000);
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 14);
    assert_memory_equal(bytes, "\xA5\x00\x09\x07\x02\x00\x6F\xFF\x01\x0B\x90\x00\x2C\xA1", 14);
    part_done(&p);
}

/* ---- Section 7.1 and 9.1: the secure channel -------------------------------------------------- */

#define INIT_UPDATE "80500B0008 0001020304050607"
#define CARD        "1011121314151617"
#define EXT_AUTH    "8482330010 35B03A6E11B87CC8 77C0135D259ADBF7"

/* The reference's vectors are of a part with the keys of OEF A921. */
static void
has_keys_of_the_vectors(struct part *p)
{
    (void)unhex("D2DB63E7A0A5AED72A6460C4DFDCAF64", p->chip->keys.enc, 16);
    (void)unhex("738D5B798ED241B0B24768514BFBA95B", p->chip->keys.mac, 16);
    (void)unhex("6702DAC30942B2C85E7F47B42CED4E7F", p->chip->keys.dek, 16);
}

static void
challenge(struct part *p)
{
    has_keys_of_the_vectors(p);
    part_random(p, CARD);
    assert_int_equal(part_apdu(p, INIT_UPDATE), 0x9000);
    expect_answer(p, "00000000000000000000 0B0360 1011121314151617 798F3C3F25C8FA1A");
}

static void
channel_opens(void **state)
{
    uint8_t want[16];
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    challenge(&p);
    (void)unhex("195F4209775BDAEEB1A830D07D40D813", want, 16);
    assert_memory_equal(p.chip->scp.enc, want, 16);
    (void)unhex("C84B8242BEDE57A3290FEB073063DEB5", want, 16);
    assert_memory_equal(p.chip->scp.mac, want, 16);
    (void)unhex("8E0EF7F9E9E1A25D061456B876E6C0E3", want, 16);
    assert_memory_equal(p.chip->scp.rmac, want, 16);
    assert_int_equal(part_apdu(&p, EXT_AUTH), 0x9000);
    assert_int_equal(p.len, 0);
    (void)unhex("77C0135D259ADBF7BEC8FDAAA4F669BF", want, 16);
    assert_memory_equal(p.chip->scp.chain, want, 16);
    part_done(&p);
}

static void
commands_in_the_channel(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    challenge(&p);
    assert_int_equal(part_apdu(&p, EXT_AUTH), 0x9000);
    part_random(&p, "000102030405060708090A0B0C0D0E0F");
    assert_int_equal(
        part_apdu(&p, "84040049 000018 1F30D5FFF0A40F156C16CAAB425AA093 E76ED2EAB36651E2 0000"),
        0x9000);
    expect_answer(&p, "CC6388D8C89C959C1CB77E03D73F494F 535236000E4DF98C338C8C24104889C8 "
                      "7D164484991EE5FA");
    assert_int_equal(part_apdu(&p, "84040020 08 636D28BE6B3211F1"), 0x9000);
    expect_answer(&p, "BEBD8E274FEE271FE65F7864AFCFAE21 C6CDDA47D1857B09");
    part_done(&p);
}

/* As in the replay there is one object, one crypto object, which is gone when it is deleted. */
static void
replay_of_the_vendor_library(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    has_keys_of_the_vectors(&p);
    while (p.chip->object_count > 1)
        se05x_remove(p.chip, &p.chip->objects[1]);
    p.chip->crypto[0] =
        (struct se05x_crypto){.id = 1, .context = SE05X_CONTEXT_DIGEST, .subtype = 0x04};
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    part_random(&p, CARD);
    assert_true(part_write(&p, "5A 40 0D 80500B00080001020304050607 EC 7D"));
    p.ns = 0;
    {
        uint8_t block[64];

        assert_int_equal(part_read(&p, block, sizeof(block)), 31 + 5);
        assert_int_equal(block[1], 0x40);
    }
    part_exchange(&p, "5A 00 15 8482330010 35B03A6E11B87CC8 77C0135D259ADBF7 06 A3",
                  "A5 00 02 9000 02 AF");
    p.ns = 1;
    assert_int_equal(
        part_apdu(&p, "84020025 000018 3AE31E4F3343C2C94D55D0B9AC4627D6 B77C97CD3C8B57EE 0000"),
        0x9000);
    expect_answer(&p, "2B4573732EC1094BF67CABFA55BEFAD1 B613132EE7D0CE2F");
    assert_int_equal(part_apdu(&p, "84021025 08 4B38892D84EA8141"), 0x9000);
    expect_answer(&p, "8E018C62678F30D8E6EC1FC09E32F426 D9FE78E16287BE52");
    p.chip->crypto[0].context = SE05X_CONTEXT_NONE;
    assert_int_equal(part_apdu(&p, "84041028 18 371BDAF4EB3899AE87CAF962F07AFCFB 451197931511BA64"),
                     0x6985);
    assert_int_equal(p.len, 0);
    assert_int_equal(part_apdu(&p, "84040027 18 B0CED343DC64B01EE77815A99D9F6A24 60521EB593AF0F7F"),
                     0x9000);
    /* 41 01 02, padded: sixteen bytes and the MAC. */
    assert_int_equal(p.len, 24);
    part_done(&p);
}

/* ---- Section 8: plain commands ------------------------------------------------------------------ */

static void
plain_commands(void **state)
{
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se051_model);
    assert_int_equal(part_apdu(&p, "80 04 00 20 00"), 0x9000);
    expect_answer(&p, "41 07 07 02 00 6F FF 01 0B");
    part_random(&p, "000102030405060708090A0B0C0D0E0F");
    assert_int_equal(part_apdu(&p, "80 04 00 49 00 00 04 41 02 00 10 00 00"), 0x9000);
    expect_answer(&p, "41 10 000102030405060708090A0B0C0D0E0F");
    assert_int_equal(part_apdu(&p, "80 02 00 00 00 00 06 41 04 7F FF 02 06 00 00"), 0x9000);
    assert_int_equal(p.len, 20);
    assert_memory_equal(p.answer, "\x41\x12", 2);
    assert_memory_equal(p.answer + 2, p.chip->uid, 18);
    assert_int_equal(
        part_apdu(&p, "80 02 00 00 00 00 0E 41 04 F0 00 01 01 42 02 01 00 43 02 00 80 00 00"),
        0x9000);
    assert_int_equal(p.len, 0x80 + 3);
    assert_memory_equal(p.answer, "\x41\x81\x80", 3);
    assert_int_equal(part_apdu(&p, "80 04 00 27 06 41 04 7F FF 02 06"), 0x9000);
    expect_answer(&p, "41 01 01");
    assert_int_equal(part_apdu(&p, "80 02 00 07 06 41 04 F0 00 01 01"), 0x9000);
    assert_int_equal(p.len, 4);
    assert_int_equal(part_apdu(&p, "80 02 00 26 06 41 04 F0 00 01 00"), 0x9000);
    expect_answer(&p, "41 01 29 42 01 01");
    assert_int_equal(part_apdu(&p, "80 02 00 25 00 00 07 41 02 00 00 42 01 FF 00 00"), 0x9000);
    expect_answer(&p, "41 01 01 42 20 7FFF0206 7FFF0201 F0000012 F0000013 F0000100 F0000101 "
                      "F0000102 F0000103");
    assert_int_equal(part_apdu(&p, "80 02 0B 25 00"), 0x9000);
    assert_int_equal(p.len, 0x11 + 2);
    assert_int_equal(part_apdu(&p, "80 01 0B 04 03 41 01 03"), 0x9000);
    assert_int_equal(part_apdu(&p, "80 04 0B 28 03 41 01 03"), 0x9000);
    make_curve(&p, 0x03);
    assert_int_equal(part_apdu(&p, "80 01 61 00 09 41 04 20 00 00 01 42 01 03"), 0x9000);
    assert_int_equal(part_apdu(&p,
                               "80 03 0C 09 2B 41 04 20 00 00 01 42 01 21 43 20 "
                               "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
                     0x9000);
    assert_int_equal(p.answer[0], 0x41);
    assert_int_equal(p.answer[2], 0x30);
    assert_int_equal(part_apdu(&p, "80 04 00 28 06 41 04 20 00 00 01"), 0x9000);
    assert_int_equal(
        part_apdu(&p, "80 01 06 00 10 41 04 20 00 00 02 43 02 00 04 44 04 DE AD BE EF"), 0x9000);
    expect(&p, "80020000", "4104 20000002", 0x9000, "4104 DEADBEEF");
    assert_int_equal(part_apdu(&p, "80 04 00 22 03 41 01 01"), 0x9000);
    assert_int_equal(p.len, 4);
    /* The demo credential of the SDK, with the session id of the reference. */
    make_user_id(&p, 0x7DA00001, 0);
    part_random(&p, "1112131415161718");
    assert_int_equal(part_apdu(&p, "80 04 00 1B 06 41 04 7D A0 00 01"), 0x9000);
    expect_answer(&p, "41 08 1112131415161718");
    memcpy(session, p.answer + 2, 8);
    assert_int_equal(part_apdu(&p, "80 05 00 00 18 10 08 1112131415161718 41 0C 80 04 00 2C 07 41 "
                                   "05 C0 01 02 03 04"),
                     0x9000);
    assert_int_equal(part_apdu(&p, "80 05 00 00 10 10 08 1112131415161718 41 04 80 04 00 1C"),
                     0x9000);
    assert_int_equal(part_in_session(&p, session, "80040020 00"), 0x6985);
    assert_int_equal(part_apdu(&p, "80 04 00 2A 00"), 0x6982);
    part_done(&p);
}

/* The policy of section 4. */
static void
policy_example(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 0x03);
    expect(&p, "80016100", "11 09 08 00000000 183C0000 4104 20000001 4201 03", 0x9000, "");
    expect(&p, "8002003B", "4104 20000001", 0x9000,
           "42 18 20000001 01 01 0000 00000000 0000 08 00000000 183C0000 02");
    expect(&p, "8003010F",
           "4104 20000001 4241 04"
           "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
           0x6986, "");
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_check_value),
        cmocka_unit_test(session_blocks),
        cmocka_unit_test(open_as_the_vendor),
        cmocka_unit_test(select_of_the_older_applet),
        cmocka_unit_test(chained_command),
        cmocka_unit_test(chained_answer),
        cmocka_unit_test(host_r_blocks_repeat),
        cmocka_unit_test(time_is_asked_for),
        cmocka_unit_test(channel_opens),
        cmocka_unit_test(commands_in_the_channel),
        cmocka_unit_test(replay_of_the_vendor_library),
        cmocka_unit_test(plain_commands),
        cmocka_unit_test(policy_example),
    };

    return cmocka_run_group_tests_name("sims_se05x/vectors", tests, NULL, NULL);
}
