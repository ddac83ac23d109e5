/*
 * spi_test.c: the part on SPI, by the frames of docs/chips/ta100-placeholder.md section 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "harness.h"

#define FRAME_MAX 1100

/* One frame; its answer, without the byte under the instruction, must be this hex. */
static void
frame(struct part *p, const char *tx_hex, const char *want_hex)
{
    uint8_t tx[FRAME_MAX], rx[FRAME_MAX], want[FRAME_MAX];
    size_t len = hex_read(tx_hex, tx, sizeof(tx)),
           want_len = hex_read(want_hex, want, sizeof(want));

    memset(rx, 0xEE, sizeof(rx));
    ta100_model.spi(&p->chip, tx, rx, len, 0);
    assert_int_equal(want_len, len - 1);
    assert_int_equal(rx[0], 0xFF);
    assert_memory_equal(rx + 1, want, want_len);
    assert_int_equal(rx[len], 0xEE);
}

#define INFO       "10 0008 01 00 0000 7A89"
#define ASK_STATUS "30 00"

static void
what_is_no_frame_is_not_heard(void **state)
{
    struct part p;

    (void)state;
    part_init(&p);
    frame(&p, ASK_STATUS, "00");
    frame(&p, "20 0000", "FFFF");             /* nothing to say */
    frame(&p, "40 0000", "FFFF");             /* no such instruction */
    frame(&p, "10", "");                      /* a command without a byte */
    assert_int_equal(p.holder.commands, 1);   /* is a short packet: */
    frame(&p, ASK_STATUS, "01");              /* it has an answer, */
    frame(&p, "20 0000000000", "000502132B"); /* and that is "length" */
    part_done(&p);
}

static void
a_command_runs_when_its_frame_ends(void **state)
{
    uint8_t tx[9], rx[9];
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(hex_read(INFO, tx, sizeof(tx)), 9);
    ta100_model.spi(&p.chip, tx, rx, 4, 1); /* held between two pieces */
    assert_int_equal(p.holder.commands, 0);
    ta100_model.spi(&p.chip, tx + 4, rx, 5, 1);
    assert_int_equal(p.holder.commands, 0);
    ta100_model.spi(&p.chip, NULL, NULL, 0, 0);
    assert_int_equal(p.holder.commands, 1);
    ta100_model.spi(&p.chip, NULL, NULL, 0, 0);
    assert_int_equal(p.holder.commands, 1);
    frame(&p, "30 000000", "010101");
    part_done(&p);
}

/* The length in one frame and the rest in the next, as the vendor's public host code reads. */
static void
an_answer_is_read_in_pieces(void **state)
{
    uint8_t tx[64] = {0x20}, first[64], again[64];
    struct part p;
    size_t len;

    (void)state;
    part_init(&p);
    frame(&p, INFO, "FFFFFFFFFFFFFFFF");
    ta100_model.spi(&p.chip, tx, first, 3, 0);
    len = (size_t)first[1] << 8 | first[2];
    assert_in_range(len, 5, 62);
    ta100_model.spi(&p.chip, tx, first + 2, len - 1, 0);
    assert_int_equal(first[3], 0x00);
    /* (the byte under the second instruction is where the length's last one was) */
    assert_memory_equal(first + 4, "SIM-TA100-PLACEHOLDER", 21);
    ta100_model.spi(&p.chip, tx, again, len + 2, 0);
    assert_int_equal((size_t)again[1] << 8 | again[2], len);
    assert_memory_equal(again + 3, first + 3, len - 2);
    assert_int_equal(again[len + 1], 0xFF); /* past its end */
    part_done(&p);
}

static void
a_part_that_works_or_sleeps_is_deaf(void **state)
{
    const struct sim_timing slow = {.busy_us = 2000};
    struct part p;

    (void)state;
    part_init(&p);
    ta100_model.set_timing(&p.chip, &slow);
    frame(&p, INFO, "FFFFFFFFFFFFFFFF");
    frame(&p, ASK_STATUS, "02");
    frame(&p, INFO, "FFFFFFFFFFFFFFFF");
    assert_int_equal(p.holder.commands, 1);
    frame(&p, "20 0000", "FFFF");
    part_advance(&p, 2000);
    frame(&p, ASK_STATUS, "01");
    ta100_model.set_power(&p.chip, 0);
    frame(&p, ASK_STATUS, "FF");
    ta100_model.set_power(&p.chip, 1);
    frame(&p, ASK_STATUS, "FF"); /* starts */
    part_advance(&p, 5000);
    frame(&p, ASK_STATUS, "00");
    part_done(&p);
}

static void
faults_act_here_too(void **state)
{
    struct part p;

    (void)state;
    part_init(&p);
    p.holder.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    frame(&p, INFO, "FFFFFFFFFFFFFFFF");
    frame(&p, ASK_STATUS, "00");
    p.holder.fate = (struct sim_fate){SIM_FATE_CUT_BEFORE, 0};
    frame(&p, INFO, "FFFFFFFFFFFFFFFF");
    frame(&p, ASK_STATUS, "FF");
    part_done(&p);
}

/* More than a packet may be: it is not cut to fit. */
static void
a_packet_that_is_too_long(void **state)
{
    uint8_t tx[FRAME_MAX] = {0x10}, rx[FRAME_MAX];
    struct part p;

    (void)state;
    part_init(&p);
    ta100_model.spi(&p.chip, tx, rx, 1002, 0);
    assert_int_equal(p.holder.commands, 0);
    ta100_model.spi(&p.chip, tx, rx, 1001, 0);
    assert_int_equal(p.holder.commands, 1);
    part_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_frame_is_not_heard),
        cmocka_unit_test(a_command_runs_when_its_frame_ends),
        cmocka_unit_test(an_answer_is_read_in_pieces),
        cmocka_unit_test(a_part_that_works_or_sleeps_is_deaf),
        cmocka_unit_test(faults_act_here_too),
        cmocka_unit_test(a_packet_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
