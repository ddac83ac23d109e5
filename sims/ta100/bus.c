/*
 * bus.c: the part as the bus sees it: power, sleep, instructions, packets, status.
 *
 * Every write starts with an instruction byte; a read gives what the last
 * instruction chose.  The part acknowledges while it executes, and then says so
 * in its status byte: it is polled there and not by NACKs.  Fault rules act
 * here, around the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/ta100/chip.h"

#define FILL 0xFF /* past the end of an answer the bus reads as ones */

static void
drop_answer(struct ta100_chip *c)
{
    c->answer_len = 0;
    c->answer_pos = 0;
    c->run.stuck = 0;
    c->sleep_next = 0;
    c->run.cut_when_answered = 0;
}

void
ta100_set_time(void *state, uint64_t now_us)
{
    struct ta100_chip *c = state;

    sim_runner_set_time(&c->run, now_us);
}

/* An address that no part may have (I2C 3.1.12) is not taken. */
static uint8_t
configured_address(const struct ta100_chip *c)
{
    uint8_t address = c->nvm.config[TA100_AT_ADDRESS] >> 1;

    return address < 0x08 || address > 0x77 ? TA100_ADDRESS : address;
}

void
ta100_set_power(void *state, int on)
{
    struct ta100_chip *c = state;

    if (c->run.powered == (on != 0))
        return;
    c->run.powered = on != 0;
    c->run.tear_after = INT_MAX;
    ta100_volatile_clear(c);
    drop_answer(c);
    c->asleep = 0;
    c->selected = 0;
    memset(&c->spi, 0, sizeof(c->spi));
    c->address = configured_address(c);
    c->run.busy_until_us = 0;
    c->ready_at_us = c->run.now_us + TA100_P_BOOT_US;
}

/* The part wakes by its address; SDA held low means nothing to it. */
void
ta100_wake(void *state, uint32_t low_us)
{
    (void)state;
    (void)low_us;
}

int
ta100_is_awake(struct ta100_chip *c)
{
    if (!c->run.powered)
        return 0;
    if (c->asleep) {
        c->asleep = 0;
        c->ready_at_us = c->run.now_us + TA100_P_BOOT_US;
    }
    return c->run.now_us >= c->ready_at_us;
}

/* Does the part take part in this transaction? */
static int
listens(struct ta100_chip *c, uint8_t address)
{
    return c->run.powered && address == c->address && ta100_is_awake(c);
}

int
ta100_is_executing(const struct ta100_chip *c)
{
    return c->run.stuck || c->run.now_us < c->run.busy_until_us;
}

/* ---- Commands under fault rules ----------------------------------------------------------- */

static int
begin(void *chip, const uint8_t *p, size_t len)
{
    struct ta100_chip *c = chip;

    drop_answer(c);
    c->run.busy_until_us = c->run.now_us + sim_runner_execution_us(&c->run, ta100_time_us(p, len));
    return 1;
}

static int
run(void *chip, const uint8_t *p, size_t len)
{
    return ta100_run(chip, p, len) != TA100_LOST;
}

static void
answer_status(void *chip, int status)
{
    ta100_answer(chip, (unsigned)status, rs_bytes_of(NULL, 0));
}

static uint8_t *
get_answer(void *chip, size_t *ret_len)
{
    struct ta100_chip *c = chip;

    *ret_len = c->answer_len;
    return c->answer;
}

static const struct sim_runner_ops ops = {ta100_set_power, begin, run, answer_status, get_answer};

int
ta100_take_packet(struct ta100_chip *c, const uint8_t *p, size_t len)
{
    return sim_runner_take(&c->run, &ops, c, p, len);
}

int
ta100_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct ta100_chip *c = state;

    if (!listens(c, address))
        return 0;
    if (len == 0)
        return 1;
    switch (p[0]) {
    case TA100_P_READ_STATUS:
        c->selected = p[0];
        return len == 1;
    case TA100_P_READ_RESPONSE:
        if (ta100_is_executing(c) || len != 1)
            return 0;
        c->selected = p[0];
        c->answer_pos = 0;
        return 1;
    case TA100_P_WRITE_COMMAND:
        return ta100_is_executing(c) ? 0 : ta100_take_packet(c, p + 1, len - 1);
    default:
        return 0;
    }
}

uint8_t
ta100_status_byte(const struct ta100_chip *c)
{
    if (ta100_is_executing(c) || c->quirk == TA100_QUIRK_NEVER_READY)
        return TA100_P_EXECUTING;
    return c->answer_len > 0 ? TA100_P_READY : TA100_P_IDLE;
}

void
ta100_answer_was_read(struct ta100_chip *c)
{
    if (c->run.cut_when_answered) {
        ta100_set_power(c, 0);
        return;
    }
    c->asleep = c->sleep_next;
    c->sleep_next = 0;
}

int
ta100_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len)
{
    struct ta100_chip *c = state;

    if (!listens(c, address) || c->selected == 0)
        return 0;
    if (c->selected == TA100_P_READ_STATUS) {
        memset(p, ta100_status_byte(c), len);
        return 1;
    }
    if (ta100_is_executing(c) || c->answer_len == 0)
        return 0;
    for (size_t i = 0; i < len; i++)
        p[i] = c->answer_pos < c->answer_len ? c->answer[c->answer_pos++] : FILL;
    if (c->answer_pos == c->answer_len)
        ta100_answer_was_read(c);
    return 1;
}
