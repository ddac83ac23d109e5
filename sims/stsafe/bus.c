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
    c->run.stuck = 0;
    c->run.cut_when_answered = 0;
    c->sleep_next = STSAFE_AWAKE;
}

static void
boot(struct stsafe_chip *c)
{
    c->sleep = STSAFE_AWAKE;
    c->address = c->nvm.i2c.address >> 1;
    c->run.busy_until_us = c->run.now_us + BOOT_US;
}

void
stsafe_set_time(void *state, uint64_t now_us)
{
    struct stsafe_chip *c = state;

    sim_runner_set_time(&c->run, now_us);
}

void
stsafe_set_power(void *state, int on)
{
    struct stsafe_chip *c = state;

    if (c->run.powered == (on != 0))
        return;
    c->run.powered = on != 0;
    c->run.tear_after = INT_MAX;
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
    c->run.busy_until_us = c->run.now_us + BOOT_US;
}

void
stsafe_wake(void *state, uint32_t low_us)
{
    struct stsafe_chip *c = state;

    if (c->run.powered && low_us > 0)
        start_seen(c);
}

/* Does the part take part in this transaction? */
static int
listens(struct stsafe_chip *c, uint8_t address)
{
    if (!c->run.powered || address != c->address || c->run.stuck)
        return 0;
    if (c->sleep != STSAFE_AWAKE) {
        start_seen(c);
        return 0;
    }
    return c->run.now_us >= c->run.busy_until_us;
}

/* ---- Commands under fault rules ----------------------------------------------------------- */

static int
begin(void *chip, const uint8_t *p, size_t len)
{
    struct stsafe_chip *c = chip;

    drop_answer(c);
    c->run.busy_until_us =
        c->run.now_us + sim_runner_execution_us(&c->run, stsafe_time_us(c, p, len));
    return 1;
}

static int
run(void *chip, const uint8_t *p, size_t len)
{
    return stsafe_run(chip, p, len) != STSAFE_LOST;
}

static void
answer_status(void *chip, int status)
{
    stsafe_frame_answer(chip, (unsigned)status, rs_bytes_of(NULL, 0), NULL);
}

static uint8_t *
get_answer(void *chip, size_t *ret_len)
{
    struct stsafe_chip *c = chip;

    *ret_len = c->answer_len;
    return c->answer;
}

static const struct sim_runner_ops ops = {stsafe_set_power, begin, run, answer_status, get_answer};

int
stsafe_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct stsafe_chip *c = state;

    if (!listens(c, address))
        return 0;
    return len == 0 ? 1 : sim_runner_take(&c->run, &ops, c, p, len);
}

static void
answer_was_read(struct stsafe_chip *c)
{
    if (c->run.cut_when_answered) {
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
