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
    c->stuck = 0;
    c->cut_when_answered = 0;
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
    if (c->awake == ATECC_WOKEN && c->now_us >= c->watchdog_at_us)
        fall_asleep(c);
}

void
atecc_set_time(void *state, uint64_t now_us)
{
    struct atecc_chip *c = state;

    if (now_us > c->now_us)
        c->now_us = now_us;
    settle(c);
}

void
atecc_set_power(void *state, int on)
{
    struct atecc_chip *c = state;

    if (c->powered == (on != 0))
        return;
    c->powered = on != 0;
    c->latch = 0;
    c->secure_boot_prohibited = 0;
    c->tear_after = INT_MAX;
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
    if (!c->powered || low_us < ATECC_U_WAKE_LOW_US || c->awake == ATECC_WOKEN)
        return;
    c->awake = ATECC_WOKEN;
    c->ready_at_us = c->now_us + (self_test && !was_idle ? ATECC_U_WAKE_WAIT_SELF_TEST_US
                                                         : ATECC_U_WAKE_WAIT_US);
    c->busy_until_us = c->ready_at_us;
    c->watchdog_at_us = c->now_us + (c->config[ATECC_AT_CHIP_MODE] & 4 ? ATECC_U_WATCHDOG_LONG_US
                                                                       : ATECC_U_WATCHDOG_US);
    drop_answer(c);
    answer_wake(c);
}

/* Does the part take part in this transaction? */
static int
listens(struct atecc_chip *c, uint8_t address)
{
    settle(c);
    return c->powered && c->awake == ATECC_WOKEN && address == c->address && !c->stuck &&
           c->now_us >= c->busy_until_us;
}

/* ---- Commands under fault rules --------------------------------------------- */

static uint32_t
execution_us(struct atecc_chip *c, uint32_t max_us)
{
    uint32_t permille = c->timing.typical_permille;

    c->chip_time_us += (uint64_t)max_us * SIM_TYPICAL_PERMILLE / 1000;
    return permille == 0 ? c->timing.busy_us : (uint32_t)((uint64_t)max_us * permille / 1000);
}

static void
bend_answer(struct atecc_chip *c, const struct sim_fate *fate)
{
    if (fate->kind == SIM_FATE_LIE)
        atecc_answer_status(c, fate->arg);
    else if (fate->kind == SIM_FATE_CRC && c->answer_len > 0)
        c->answer[c->answer_len - 1] ^= 0x01;
    else if (fate->kind == SIM_FATE_FLIP && fate->arg >= 0 && (size_t)fate->arg / 8 < c->answer_len)
        c->answer[fate->arg / 8] ^= (uint8_t)(1u << (fate->arg % 8));
    else if (fate->kind == SIM_FATE_BUSY)
        c->stuck = 1;
    else if (fate->kind == SIM_FATE_CUT_ANSWERED)
        c->cut_when_answered = 1;
    else if (fate->kind == SIM_FATE_SLOW)
        c->busy_until_us += (uint64_t)fate->arg * 1000;
}

static void
run_packet(struct atecc_chip *c, const uint8_t *p, size_t len, const struct sim_fate *fate)
{
    uint32_t took_us = execution_us(c, atecc_time_max_us(c, p, len));
    int status;

    drop_answer(c);
    if (c->now_us + took_us >= c->watchdog_at_us) {
        atecc_answer_status(c, ATECC_U_WATCHDOG_STATUS);
        return;
    }
    c->busy_until_us = c->now_us + took_us;
    if (fate->kind == SIM_FATE_STATUS) {
        atecc_answer_status(c, fate->arg);
        return;
    }
    c->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
    status = atecc_run(c, p, len);
    c->tear_after = INT_MAX;
    if (status == ATECC_LOST || fate->kind == SIM_FATE_CUT_AFTER ||
        fate->kind == SIM_FATE_CUT_WRITE) {
        atecc_set_power(c, 0);
        return;
    }
    bend_answer(c, fate);
}

/* 0: the packet was not taken. */
static int
take_packet(struct atecc_chip *c, const uint8_t *p, size_t len)
{
    struct sim_fate fate = c->host->command(c->host->self);

    switch (fate.kind) {
    case SIM_FATE_NAK:
        return 0;
    case SIM_FATE_CUT_BEFORE:
        atecc_set_power(c, 0);
        return 1;
    case SIM_FATE_BROWNOUT:
        atecc_set_power(c, 0);
        atecc_set_power(c, 1);
        return 1;
    case SIM_FATE_RUN:
    case SIM_FATE_CUT_WRITE:
    case SIM_FATE_CUT_AFTER:
    case SIM_FATE_CUT_ANSWERED:
    case SIM_FATE_BUSY:
    case SIM_FATE_CRC:
    case SIM_FATE_FLIP:
    case SIM_FATE_STATUS:
    case SIM_FATE_LIE:
    case SIM_FATE_SLOW:
        break;
    }
    run_packet(c, p, len, &fate);
    return 1;
}

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
        return take_packet(c, p + 1, len - 1);
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
    if (c->cut_when_answered && c->answer_pos == c->answer_len)
        atecc_set_power(c, 0);
    return 1;
}
