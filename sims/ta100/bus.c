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
    c->stuck = 0;
    c->sleep_next = 0;
    c->cut_when_answered = 0;
}

void
ta100_set_time(void *state, uint64_t now_us)
{
    struct ta100_chip *c = state;

    if (now_us > c->now_us)
        c->now_us = now_us;
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

    if (c->powered == (on != 0))
        return;
    c->powered = on != 0;
    c->tear_after = INT_MAX;
    ta100_volatile_clear(c);
    drop_answer(c);
    c->asleep = 0;
    c->selected = 0;
    memset(&c->spi, 0, sizeof(c->spi));
    c->address = configured_address(c);
    c->busy_until_us = 0;
    c->ready_at_us = c->now_us + TA100_P_BOOT_US;
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
    if (!c->powered)
        return 0;
    if (c->asleep) {
        c->asleep = 0;
        c->ready_at_us = c->now_us + TA100_P_BOOT_US;
    }
    return c->now_us >= c->ready_at_us;
}

/* Does the part take part in this transaction? */
static int
listens(struct ta100_chip *c, uint8_t address)
{
    return c->powered && address == c->address && ta100_is_awake(c);
}

int
ta100_is_executing(const struct ta100_chip *c)
{
    return c->stuck || c->now_us < c->busy_until_us;
}

/* ---- Commands under fault rules ----------------------------------------------------------- */

static uint32_t
execution_us(struct ta100_chip *c, uint32_t reference_us)
{
    uint32_t permille = c->timing.typical_permille;

    c->chip_time_us += (uint64_t)reference_us * SIM_TYPICAL_PERMILLE / 1000;
    return permille == 0 ? c->timing.busy_us : (uint32_t)((uint64_t)reference_us * permille / 1000);
}

static void
bend_answer(struct ta100_chip *c, const struct sim_fate *fate)
{
    if (fate->kind == SIM_FATE_LIE)
        ta100_answer(c, (unsigned)fate->arg, rs_bytes_of(NULL, 0));
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
run_packet(struct ta100_chip *c, const uint8_t *p, size_t len, const struct sim_fate *fate)
{
    int status;

    drop_answer(c);
    c->busy_until_us = c->now_us + execution_us(c, ta100_time_us(p, len));
    if (fate->kind == SIM_FATE_STATUS) {
        ta100_answer(c, (unsigned)fate->arg, rs_bytes_of(NULL, 0));
        return;
    }
    c->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
    status = ta100_run(c, p, len);
    c->tear_after = INT_MAX;
    if (status == TA100_LOST || fate->kind == SIM_FATE_CUT_AFTER ||
        fate->kind == SIM_FATE_CUT_WRITE) {
        ta100_set_power(c, 0);
        return;
    }
    bend_answer(c, fate);
}

int
ta100_take_packet(struct ta100_chip *c, const uint8_t *p, size_t len)
{
    struct sim_fate fate = c->host->command(c->host->self);

    switch (fate.kind) {
    case SIM_FATE_NAK:
        return 0;
    case SIM_FATE_CUT_BEFORE:
        ta100_set_power(c, 0);
        return 1;
    case SIM_FATE_BROWNOUT:
        ta100_set_power(c, 0);
        ta100_set_power(c, 1);
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
    if (c->cut_when_answered) {
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
