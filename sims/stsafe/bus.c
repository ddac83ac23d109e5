/*
 * bus.c: the part as the bus sees it: power, boot, sleep, commands, answers, busy.
 *
 * A command runs when its bytes arrive; its answer can be read when the
 * execution time has passed, and until then the part does not acknowledge its
 * address.  Every read starts at the first byte of the answer, which stays
 * until the next command.  Fault rules act here, around the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

/* Boot, and the way out of sleep. */
#define BOOT_US 10000u

static void
drop_answer(struct stsafe_chip *c)
{
    c->answer_len = 0;
    c->stuck = 0;
    c->cut_when_answered = 0;
    c->sleep_next = STSAFE_AWAKE;
}

static void
boot(struct stsafe_chip *c)
{
    c->sleep = STSAFE_AWAKE;
    c->address = c->nvm.i2c.address >> 1;
    c->busy_until_us = c->now_us + BOOT_US;
}

void
stsafe_set_time(void *state, uint64_t now_us)
{
    struct stsafe_chip *c = state;

    if (now_us > c->now_us)
        c->now_us = now_us;
}

void
stsafe_set_power(void *state, int on)
{
    struct stsafe_chip *c = state;

    if (c->powered == (on != 0))
        return;
    c->powered = on != 0;
    c->tear_after = INT_MAX;
    stsafe_volatile_clear(c);
    drop_answer(c);
    boot(c);
}

/* A start on the bus: the first one after a sleep only wakes. */
static void
start_seen(struct stsafe_chip *c)
{
    if (c->sleep == STSAFE_AWAKE || c->sleep == STSAFE_HIBERNATE_RESET)
        return;
    c->sleep = STSAFE_AWAKE;
    c->busy_until_us = c->now_us + BOOT_US;
}

void
stsafe_wake(void *state, uint32_t low_us)
{
    struct stsafe_chip *c = state;

    if (c->powered && low_us > 0)
        start_seen(c);
}

/* Does the part take part in this transaction? */
static int
listens(struct stsafe_chip *c, uint8_t address)
{
    if (!c->powered || address != c->address || c->stuck)
        return 0;
    if (c->sleep != STSAFE_AWAKE) {
        start_seen(c);
        return 0;
    }
    return c->now_us >= c->busy_until_us;
}

/* ---- Commands under fault rules ----------------------------------------------------------- */

static uint32_t
execution_us(struct stsafe_chip *c, uint32_t reference_us)
{
    uint32_t permille = c->timing.typical_permille;

    c->chip_time_us += (uint64_t)reference_us * SIM_TYPICAL_PERMILLE / 1000;
    return permille == 0 ? c->timing.busy_us : (uint32_t)((uint64_t)reference_us * permille / 1000);
}

static void
bend_answer(struct stsafe_chip *c, const struct sim_fate *fate)
{
    if (fate->kind == SIM_FATE_LIE)
        stsafe_frame_answer(c, (unsigned)fate->arg, rs_bytes_of(NULL, 0), NULL);
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
run_frame(struct stsafe_chip *c, const uint8_t *p, size_t len, const struct sim_fate *fate)
{
    int status;

    drop_answer(c);
    c->busy_until_us = c->now_us + execution_us(c, stsafe_time_us(c, p, len));
    if (fate->kind == SIM_FATE_STATUS) {
        stsafe_frame_answer(c, (unsigned)fate->arg, rs_bytes_of(NULL, 0), NULL);
        return;
    }
    c->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
    status = stsafe_run(c, p, len);
    c->tear_after = INT_MAX;
    if (status == STSAFE_LOST || fate->kind == SIM_FATE_CUT_AFTER ||
        fate->kind == SIM_FATE_CUT_WRITE) {
        stsafe_set_power(c, 0);
        return;
    }
    bend_answer(c, fate);
}

/* 0: the command was not taken. */
static int
take_frame(struct stsafe_chip *c, const uint8_t *p, size_t len)
{
    struct sim_fate fate = c->host->command(c->host->self);

    switch (fate.kind) {
    case SIM_FATE_NAK:
        return 0;
    case SIM_FATE_CUT_BEFORE:
        stsafe_set_power(c, 0);
        return 1;
    case SIM_FATE_BROWNOUT:
        stsafe_set_power(c, 0);
        stsafe_set_power(c, 1);
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
    run_frame(c, p, len, &fate);
    return 1;
}

int
stsafe_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct stsafe_chip *c = state;

    if (!listens(c, address))
        return 0;
    return len == 0 ? 1 : take_frame(c, p, len);
}

static void
answer_was_read(struct stsafe_chip *c)
{
    if (c->cut_when_answered) {
        stsafe_set_power(c, 0);
        return;
    }
    c->sleep = c->sleep_next;
    c->sleep_next = STSAFE_AWAKE;
    if (c->sleep == STSAFE_HIBERNATE || c->sleep == STSAFE_HIBERNATE_RESET)
        stsafe_volatile_clear(c);
}

int
stsafe_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len)
{
    struct stsafe_chip *c = state;

    if (!listens(c, address) || (c->answer_len == 0 && !STSAFE_U_EMPTY_READ_ACK))
        return 0;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i < c->answer_len ? c->answer[i] : STSAFE_U_FILL);
    if (len >= c->answer_len)
        answer_was_read(c);
    return 1;
}
