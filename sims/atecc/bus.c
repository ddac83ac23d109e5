/*
 * bus.c: the part as the bus sees it: power, wake, idle, sleep, packets, busy.
 *
 * Nothing happens on its own: every call first settles what time has done in
 * the meantime (the watchdog).  A command runs when its packet arrives; its
 * answer can be read when the execution time has passed, and until then the
 * part does not acknowledge.  Fault rules act here, around the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/uncertain.h"

enum {
    WORD_RESET = 0x00,
    WORD_SLEEP = 0x01,
    WORD_IDLE = 0x02,
    WORD_COMMAND = 0x03,
};

/* Byte 16, or byte 85 when ChipMode bit 0 says so and it is not zero. */
static uint8_t
configured_address(const struct atecc_chip *c)
{
    uint8_t other = c->config[ATECC_AT_USER_EXTRA_ADD];

    if ((c->config[ATECC_AT_CHIP_MODE] & 1) && other != 0)
        return other >> 1;
    return c->config[ATECC_AT_ADDRESS] >> 1;
}

static void
drop_answer(struct atecc_chip *c)
{
    c->answer_len = 0;
    c->answer_pos = 0;
    c->run.stuck = 0;
    c->run.cut_when_answered = 0;
}

static void
fall_asleep(struct atecc_chip *c)
{
    memset(&c->v, 0, sizeof(c->v));
    drop_answer(c);
    c->awake = ATECC_ASLEEP;
    c->address = configured_address(c);
}

static void
settle(struct atecc_chip *c)
{
    if (c->awake == ATECC_WOKEN && c->run.now_us >= c->watchdog_at_us)
        fall_asleep(c);
}

void
atecc_set_time(void *state, uint64_t now_us)
{
    struct atecc_chip *c = state;

    sim_runner_set_time(&c->run, now_us);
    settle(c);
}

void
atecc_set_power(void *state, int on)
{
    struct atecc_chip *c = state;

    if (c->run.powered == (on != 0))
        return;
    c->run.powered = on != 0;
    c->latch = 0;
    c->secure_boot_prohibited = 0;
    c->run.tear_after = INT_MAX;
    fall_asleep(c);
}

static void
answer_wake(struct atecc_chip *c)
{
    static const uint8_t vendor_crc[2] = {0xC4, 0x40};

    atecc_answer_status(c, c->wake_answer == ATECC_WAKE_OK ? ATECC_AWAKE : ATECC_SELF_TEST);
    if (c->wake_answer == ATECC_WAKE_SELF_TEST_VENDOR)
        memcpy(c->answer + 2, vendor_crc, sizeof(vendor_crc));
}

void
atecc_wake(void *state, uint32_t low_us)
{
    struct atecc_chip *c = state;
    unsigned self_test = atecc_chip_options(c) & 1u;
    int was_idle = c->awake == ATECC_IDLE;

    settle(c);
    if (!c->run.powered || low_us < ATECC_U_WAKE_LOW_US || c->awake == ATECC_WOKEN)
        return;
    c->awake = ATECC_WOKEN;
    c->ready_at_us = c->run.now_us + (self_test && !was_idle ? ATECC_U_WAKE_WAIT_SELF_TEST_US
                                                             : ATECC_U_WAKE_WAIT_US);
    c->run.busy_until_us = c->ready_at_us;
    c->watchdog_at_us =
        c->run.now_us +
        (c->config[ATECC_AT_CHIP_MODE] & 4 ? ATECC_U_WATCHDOG_LONG_US : ATECC_U_WATCHDOG_US);
    drop_answer(c);
    answer_wake(c);
}

/* Does the part take part in this transaction? */
static int
listens(struct atecc_chip *c, uint8_t address)
{
    settle(c);
    return c->run.powered && c->awake == ATECC_WOKEN && address == c->address && !c->run.stuck &&
           c->run.now_us >= c->run.busy_until_us;
}

/* ---- Commands under fault rules --------------------------------------------- */

static int
begin(void *chip, const uint8_t *p, size_t len)
{
    struct atecc_chip *c = chip;
    uint32_t took_us = sim_runner_execution_us(&c->run, atecc_time_max_us(c, p, len));

    drop_answer(c);
    if (c->run.now_us + took_us >= c->watchdog_at_us) {
        atecc_answer_status(c, ATECC_U_WATCHDOG_STATUS);
        return 0;
    }
    c->run.busy_until_us = c->run.now_us + took_us;
    return 1;
}

static int
run(void *chip, const uint8_t *p, size_t len)
{
    return atecc_run(chip, p, len) != ATECC_LOST;
}

static void
answer_status(void *chip, int status)
{
    atecc_answer_status(chip, status);
}

static uint8_t *
get_answer(void *chip, size_t *ret_len)
{
    struct atecc_chip *c = chip;

    *ret_len = c->answer_len;
    return c->answer;
}

static const struct sim_runner_ops ops = {atecc_set_power, begin, run, answer_status, get_answer};

int
atecc_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct atecc_chip *c = state;

    if (!listens(c, address))
        return 0;
    if (len == 0)
        return 1;
    switch (p[0]) {
    case WORD_RESET:
        c->answer_pos = 0;
        return 1;
    case WORD_SLEEP:
        fall_asleep(c);
        return 1;
    case WORD_IDLE:
        drop_answer(c);
        c->awake = ATECC_IDLE;
        return 1;
    case WORD_COMMAND:
        return sim_runner_take(&c->run, &ops, c, p + 1, len - 1);
    default:
        return ATECC_U_RESERVED_WORD_ACK;
    }
}

/* Past the end of the answer the bus reads as ones. */
int
atecc_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len)
{
    struct atecc_chip *c = state;

    if (!listens(c, address))
        return 0;
    for (size_t i = 0; i < len; i++)
        p[i] = c->answer_pos < c->answer_len ? c->answer[c->answer_pos++] : 0xFF;
    if (c->run.cut_when_answered && c->answer_pos == c->answer_len)
        atecc_set_power(c, 0);
    return 1;
}
