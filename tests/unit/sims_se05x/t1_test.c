/*
 * t1_test.c: what goes wrong between host and part, and how both get on again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define SELECT_BLOCK "00A4040010A000000396545300000001030000000000"

/* The next block of the part: its PCB, or -1 when nobody acknowledges. */
static int
next_pcb(struct part *p)
{
    uint8_t bytes[300];
    size_t len = part_read(p, bytes, sizeof(bytes));

    if (len == 0)
        return -1;
    assert_true(len >= 5);
    assert_int_equal(bytes[0], 0xA5);
    assert_int_equal(len, bytes[2] + 5u);
    assert_int_equal(se05x_crc(bytes, len - 2), bytes[len - 2] | bytes[len - 1] << 8);
    return bytes[1];
}

static int
block(struct part *p, unsigned pcb, const char *inf)
{
    assert_true(part_block(p, pcb, inf));
    return next_pcb(p);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void
bad_blocks(void **state)
{
    static const char *const wrong[] = {
        "5A",             /* no block at all */
        "5A C0 00 FF",    /* one byte short */
        "5A C0 01 EE ED", /* LEN says more than there is; CRC is checked first */
        "5B C0 00 A3 C1", /* another NAD */
        "5A C0 00 FC FF", /* the CRC's bytes the other way round */
        "5A C0 00 FF FD", /* a wrong CRC */
    };
    uint8_t bytes[16];
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_true(part_write(&p, wrong[i]));
        assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 5);
        assert_int_equal(bytes[1] & 0xFC, 0x80);
        assert_true((bytes[1] & 3) == 1 || (bytes[1] & 3) == 2);
    }
    assert_true(part_write(&p, "5A C0 00 FF FD"));
    assert_int_equal(next_pcb(&p), 0x81);
    assert_int_equal(p.commands, 0);
    part_done(&p);
}

static void
unknown_blocks(void **state)
{
    static const struct {
        unsigned pcb;
        const char *inf;
    } wrong[] = {
        {0x01, "00"}, {0x10, "00"},               /* I with bits that are reserved */
        {0x84, ""},   {0xA0, ""},   {0x80, "00"}, /* R with more than an error, or with bytes */
        {0xC4, ""},   {0xC8, ""},   {0xDE, ""},   /* S of no kind, or of the other profile */
        {0xC0, "00"}, {0xC7, "00"},               /* bytes where none belong */
        {0xC1, ""},   {0xC1, "00"}, {0xC1, "FF"}, {0xC1, "0102"},
        {0xC3, "01"}, {0xE0, ""},   {0xE3, "01"}, /* granted, but nobody asked */
    };
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (block(&p, wrong[i].pcb, wrong[i].inf) != 0x82)
            fail_msg("taken: %02X %s", wrong[i].pcb, wrong[i].inf);
    assert_int_equal(p.commands, 0);
    part_done(&p);
}

static void
nobody_there(void **state)
{
    uint8_t byte;
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    assert_false(p.model->i2c_write(p.chip, 0x49, (const uint8_t *)"", 0));
    assert_true(p.model->i2c_write(p.chip, 0x48, (const uint8_t *)"", 0)); /* a probe */
    assert_false(p.model->i2c_read(p.chip, 0x48, &byte, 1));               /* nothing to say */
    p.model->set_power(p.chip, 0);
    assert_false(p.model->i2c_write(p.chip, 0x48, (const uint8_t *)"", 0));
    p.model->set_power(p.chip, 1);
    p.model->wake(p.chip, 80);
    assert_true(p.model->i2c_write(p.chip, 0x48, (const uint8_t *)"", 0));
    part_done(&p);
}

/* ---- Numbers ------------------------------------------------------------------------------------ */

static void
numbers_of_blocks(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    /* The first must be 0. */
    assert_int_equal(block(&p, 0x40, SELECT_BLOCK), 0x83);
    assert_int_equal(block(&p, 0x00, SELECT_BLOCK), 0x00);
    assert_int_equal(p.commands, 1);
    /* The same again: the same answer, and nothing runs. */
    assert_int_equal(block(&p, 0x00, SELECT_BLOCK), 0x00);
    assert_int_equal(p.commands, 1);
    /* Numbers go on from command to command. */
    assert_int_equal(block(&p, 0x40, "8004002000"), 0x40);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    assert_int_equal(p.commands, 3);
    /* Resynchronised they start anew, and the applet is still selected. */
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    assert_int_equal(p.chip->answer_len, 11);
    /* Interface reset likewise; chip reset and end of session forget the applet. */
    assert_int_equal(block(&p, 0xCF, ""), 0xEF);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    assert_int_equal(p.chip->answer_len, 11);
    assert_int_equal(block(&p, 0xC5, ""), 0xE5);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    assert_int_equal(p.chip->answer_len, 2);
    part_done(&p);
}

static void
the_host_asks_again(void **state)
{
    uint8_t first[300], again[300];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(part_block(&p, 0x00, "80040049 04 4102 0200"));
    assert_int_equal(part_read(&p, first, sizeof(first)), 259);
    /* CRC error, other error, and an acknowledgement of what came before. */
    for (unsigned pcb = 0x80; pcb < 0x83; pcb++) {
        assert_true(part_block(&p, pcb, ""));
        assert_int_equal(part_read(&p, again, sizeof(again)), 259);
        assert_memory_equal(first, again, 259);
    }
    assert_int_equal(block(&p, 0x90, ""), 0x60);
    assert_int_equal(block(&p, 0x91, ""), 0x60);
    assert_int_equal(block(&p, 0x80, ""), 0x00);
    assert_int_equal(p.commands, 2);
    part_done(&p);
}

static void
an_answer_is_not_fetched(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(part_block(&p, 0x00, "80040049 04 4102 0200"));
    /* The host goes on with something else: that is the truth. */
    assert_int_equal(block(&p, 0x40, "8004002000"), 0x40);
    assert_int_equal(next_pcb(&p), -1);
    /* In the middle of a chain, too. */
    assert_int_equal(block(&p, 0x00, "80040049 04 4102 0200"), 0x60 - 0x40);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_int_equal(block(&p, 0x90, ""), 0x82);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    part_done(&p);
}

static void
chained_commands_end(void **state)
{
    char inf[2 * 254 + 1];
    struct part p;

    (void)state;
    memset(inf, '0', sizeof(inf) - 1);
    inf[sizeof(inf) - 1] = '\0';
    part_ready(&p, &se050_model);
    /* Aborted. */
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_int_equal(block(&p, 0x20, "80"), 0x90);
    assert_int_equal(block(&p, 0xC2, ""), 0xE2);
    assert_int_equal(block(&p, 0x40, "8004002000"), 0x00);
    assert_int_equal(p.chip->answer_len, 11);
    /* Longer than the part's memory. */
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(block(&p, 0x20 | (i & 1) << 6, inf), 0x80 | ((i & 1) ^ 1) << 4);
    assert_int_equal(block(&p, 0x00, "00"), 0x00);
    assert_memory_equal(p.chip->answer, "\x67\x00", 2);
    /* The next one is taken. */
    assert_int_equal(block(&p, 0x40, "8004002000"), 0x40);
    assert_int_equal(p.chip->answer_len, 11);
    part_done(&p);
}

static void
the_host_takes_less(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(part_block(&p, 0xC1, "10"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 6);
    assert_memory_equal(bytes, "\xA5\xE1\x01\x10", 4);
    assert_true(part_block(&p, 0x00, "80040049 04 4102 0010"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 21);
    assert_int_equal(bytes[1], 0x20);
    assert_int_equal(block(&p, 0x90, ""), 0x40);
    part_done(&p);
}

/* ---- Time ------------------------------------------------------------------------------------------- */

static void
busy_means_nobody_there(void **state)
{
    struct sim_timing timing = {.busy_us = 5000};
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    p.model->set_timing(p.chip, &timing);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(part_block(&p, 0x00, "8004002000"));
    assert_int_equal(next_pcb(&p), -1);
    assert_false(part_block(&p, 0xC0, ""));
    part_advance(&p, 4999);
    assert_int_equal(next_pcb(&p), -1);
    part_advance(&p, 1);
    assert_int_equal(next_pcb(&p), 0x00);
    assert_int_equal(p.model->get_chip_time_us(p.chip), 2 * SE05X_U_TIME_COMMAND_US);
    part_done(&p);
}

static void
real_times(void **state)
{
    struct sim_timing timing = {.typical_permille = SIM_TYPICAL_PERMILLE};
    uint64_t before;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 3);
    p.model->set_timing(p.chip, &timing);
    before = p.now_us;
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    assert_in_range(p.now_us - before, SE05X_U_TIME_GENERATE_US, 2 * SE05X_U_TIME_GENERATE_US);
    part_done(&p);
}

/* A long command: the part asks every second, and the answer comes when it is done. */
static void
long_commands_ask_for_time(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    p.fate = (struct sim_fate){SIM_FATE_SLOW, 3500};
    expect(&p, "80040020", "", 0x9000, NULL);
    assert_int_equal(p.wtx_seen, 3);
    assert_in_range(p.now_us, 3500000, 3600000);
    /* PBKDF2 takes its time by itself. */
    expect(&p, "80010500", "4104 20000001 4304 70617373", 0x9000, "");
    p.model->set_timing(p.chip, &(struct sim_timing){.typical_permille = SIM_TYPICAL_PERMILLE});
    expect(&p, "8003002E", "4104 20000001 4204 73616C74 4302 2710 4402 0020", 0x9000, NULL);
    assert_int_equal(p.wtx_seen, 5);
    part_done(&p);
}

static void
time_is_not_granted(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    p.fate = (struct sim_fate){SIM_FATE_SLOW, 5000};
    assert_true(part_block(&p, 0x00, "8004002000"));
    part_advance(&p, 1000000);
    assert_int_equal(next_pcb(&p), 0xC3);
    /* Another multiplier, then the request once more, then a new start. */
    assert_int_equal(block(&p, 0xE3, "02"), 0x92);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    part_advance(&p, 10000000);
    assert_int_equal(next_pcb(&p), -1);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    part_done(&p);
}

/* ---- Faults ------------------------------------------------------------------------------------------ */

static void
answers_are_spoilt(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    p.fate = (struct sim_fate){SIM_FATE_CRC, 0};
    assert_true(part_block(&p, 0x00, "8004002000"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 16);
    assert_int_not_equal(se05x_crc(bytes, 14), bytes[14] | bytes[15] << 8);
    /* Asked again it is right. */
    assert_int_equal(block(&p, 0x81, ""), 0x00);
    p.fate = (struct sim_fate){SIM_FATE_FLIP, 24};
    assert_true(part_block(&p, 0x40, "8004002000"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 16);
    assert_int_equal(bytes[3], 0x40);
    assert_int_equal(block(&p, 0x81, ""), 0x40);
    p.fate = (struct sim_fate){SIM_FATE_FLIP, 8191}; /* behind the end */
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    part_done(&p);
}

static void
status_and_lie(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    p.fate = (struct sim_fate){SIM_FATE_STATUS, 0x6A84};
    expect(&p, "80010600", "4104 20000001 4302 0004", 0x6A84, "");
    assert_null(se05x_find(p.chip, 0x20000001));
    p.fate = (struct sim_fate){SIM_FATE_STATUS, 0x85}; /* 69xx */
    expect(&p, "80040020", "", 0x6985, "");
    p.fate = (struct sim_fate){SIM_FATE_LIE, 0x6F00};
    expect(&p, "80010600", "4104 20000001 4302 0004", 0x6F00, "");
    assert_non_null(se05x_find(p.chip, 0x20000001));
    /* In a channel a refused command counts as one that the part refused itself. */
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    p.fate = (struct sim_fate){SIM_FATE_STATUS, 0x6985};
    expect(&p, "80040020", "", 0x6985, "");
    expect(&p, "80040020", "", 0x9000, NULL);
    part_done(&p);
}

static void
not_taken_and_busy_for_ever(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    p.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    assert_false(part_block(&p, 0x00, "8004002000"));
    assert_int_equal(next_pcb(&p), -1);
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x00);
    p.fate = (struct sim_fate){SIM_FATE_BUSY, 0};
    assert_true(part_block(&p, 0x40, "8004002000"));
    part_advance(&p, 60000000);
    assert_int_equal(next_pcb(&p), -1);
    assert_false(part_block(&p, 0xC0, ""));
    part_power_cycle(&p);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    p.fate = (struct sim_fate){SIM_FATE_BROWNOUT, 0};
    assert_true(part_block(&p, 0x00, SELECT_BLOCK));
    assert_int_equal(next_pcb(&p), -1);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    part_done(&p);
}

/* ---- Quirks ------------------------------------------------------------------------------------------- */

static void
quirks_by_name(void **state)
{
    static const char *const names[] = {"wtx-storm", "wrong-sequence",  "stray-byte", "garbage",
                                        "gp-t1",     "count-otherwise", "none"};
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    assert_false(p.model->set_quirk(p.chip, "wake-self-test"));
    assert_false(p.model->set_quirk(p.chip, ""));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(p.model->set_quirk(p.chip, names[i]));
    part_done(&p);
}

static void
a_storm_of_requests(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(p.model->set_quirk(p.chip, "wtx-storm"));
    assert_int_equal(block(&p, 0x00, "8004002000"), 0xC3);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(block(&p, 0xE3, "01"), 0xC3);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    part_done(&p);
}

static void
odd_blocks(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(block(&p, 0xC0, ""), 0xE0);
    assert_true(p.model->set_quirk(p.chip, "wrong-sequence"));
    assert_int_equal(block(&p, 0x00, "8004002000"), 0x40);
    assert_true(p.model->set_quirk(p.chip, "stray-byte"));
    assert_true(part_block(&p, 0xC0, ""));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 6);
    assert_memory_equal(bytes, "\x00\xA5\xE0\x00\x3F\x19", 6);
    assert_true(p.model->set_quirk(p.chip, "garbage"));
    assert_true(part_block(&p, 0xC0, ""));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 5);
    assert_memory_not_equal(bytes, "\xA5\xE0\x00\x3F\x19", 5);
    part_done(&p);
}

/* Two bytes of length, the CRC's high byte first, other S-blocks. */
static void
gp_profile(void **state)
{
    uint8_t bytes[300];
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    assert_true(p.model->set_quirk(p.chip, "gp-t1"));
    assert_true(part_write(&p, "5A C0 00 FF FC"));
    assert_int_equal(part_read(&p, bytes, sizeof(bytes)), 6);
    assert_int_equal(bytes[1] & 0xFC, 0x80);
    for (int i = 0; i < 3; i++) {
        static const uint8_t codes[3] = {0x00, 0x04, 0x06};
        uint8_t out[6] = {0x5A, (uint8_t)(0xC0 | codes[i]), 0x00, 0x00};
        uint16_t crc = se05x_crc(out, 4);
        size_t len;

        rs_set_u16(out + 4, crc);
        assert_true(p.model->i2c_write(p.chip, 0x48, out, sizeof(out)));
        len = part_read(&p, bytes, sizeof(bytes));
        assert_int_equal(len, codes[i] == 0x04 ? 41 : 6);
        assert_int_equal(bytes[1], 0xE0 | codes[i]);
        assert_int_equal(rs_get_u16(bytes + 2), len - 6);
        assert_int_equal(rs_get_u16(bytes + len - 2), se05x_crc(bytes, len - 2));
    }
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_blocks),
        cmocka_unit_test(unknown_blocks),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(numbers_of_blocks),
        cmocka_unit_test(the_host_asks_again),
        cmocka_unit_test(an_answer_is_not_fetched),
        cmocka_unit_test(chained_commands_end),
        cmocka_unit_test(the_host_takes_less),
        cmocka_unit_test(busy_means_nobody_there),
        cmocka_unit_test(real_times),
        cmocka_unit_test(long_commands_ask_for_time),
        cmocka_unit_test(time_is_not_granted),
        cmocka_unit_test(answers_are_spoilt),
        cmocka_unit_test(status_and_lie),
        cmocka_unit_test(not_taken_and_busy_for_ever),
        cmocka_unit_test(quirks_by_name),
        cmocka_unit_test(a_storm_of_requests),
        cmocka_unit_test(odd_blocks),
        cmocka_unit_test(gp_profile),
    };

    return cmocka_run_group_tests_name("sims_se05x/t1", tests, NULL, NULL);
}
