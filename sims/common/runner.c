/*
 * runner.c: see runner.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/runner.h"

#include <limits.h>
#include <string.h>

void
sim_runner_init(struct sim_runner *r, const struct sim_host *host)
{
    r->host = host;
    r->tear_after = INT_MAX;
}

void
sim_runner_set_time(struct sim_runner *r, uint64_t now_us)
{
    if (now_us > r->now_us)
        r->now_us = now_us;
}

uint32_t
sim_runner_execution_us(struct sim_runner *r, uint32_t reference_us)
{
    uint32_t permille = r->timing.typical_permille;

    r->chip_time_us += (uint64_t)reference_us * SIM_TYPICAL_PERMILLE / 1000;
    return permille == 0 ? r->timing.busy_us : (uint32_t)((uint64_t)reference_us * permille / 1000);
}

/* ---- Commands under fault rules ----------------------------------------------------------- */

static void
bend_answer(struct sim_runner *r, const struct sim_runner_ops *ops, void *chip,
            const struct sim_fate *fate)
{
    size_t len = 0;
    uint8_t *answer = ops->get_answer(chip, &len);

    if (fate->kind == SIM_FATE_LIE)
        ops->answer_status(chip, fate->arg);
    else if (fate->kind == SIM_FATE_CRC && len > 0)
        answer[len - 1] ^= 0x01;
    else if (fate->kind == SIM_FATE_FLIP && fate->arg >= 0 && (size_t)fate->arg / 8 < len)
        answer[fate->arg / 8] ^= (uint8_t)(1u << (fate->arg % 8));
    else if (fate->kind == SIM_FATE_BUSY)
        r->stuck = 1;
    else if (fate->kind == SIM_FATE_CUT_ANSWERED)
        r->cut_when_answered = 1;
    else if (fate->kind == SIM_FATE_SLOW)
        r->busy_until_us += (uint64_t)fate->arg * 1000;
}

static void
run_command(struct sim_runner *r, const struct sim_runner_ops *ops, void *chip, const uint8_t *p,
            size_t len, const struct sim_fate *fate)
{
    int done;

    if (!ops->begin(chip, p, len))
        return;
    if (fate->kind == SIM_FATE_STATUS) {
        ops->answer_status(chip, fate->arg);
        return;
    }
    r->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
    done = ops->run(chip, p, len);
    r->tear_after = INT_MAX;
    if (!done || fate->kind == SIM_FATE_CUT_AFTER || fate->kind == SIM_FATE_CUT_WRITE) {
        ops->set_power(chip, 0);
        return;
    }
    bend_answer(r, ops, chip, fate);
}

int
sim_runner_take(struct sim_runner *r, const struct sim_runner_ops *ops, void *chip,
                const uint8_t *p, size_t len)
{
    struct sim_fate fate = r->host->command(r->host->self);

    switch (fate.kind) {
    case SIM_FATE_NAK:
        return 0;
    case SIM_FATE_CUT_BEFORE:
        ops->set_power(chip, 0);
        return 1;
    case SIM_FATE_BROWNOUT:
        ops->set_power(chip, 0);
        ops->set_power(chip, 1);
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
    run_command(r, ops, chip, p, len, &fate);
    return 1;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

int
sim_runner_store(struct sim_runner *r, void *at, const void *bytes, size_t len)
{
    size_t through = len;

    if (r->tear_after != INT_MAX) {
        through = r->tear_after < 0 ? len / 2 : (size_t)r->tear_after;
        if (through > len)
            through = len;
    }
    memcpy(at, bytes, through);
    r->host->stored(r->host->self);
    return r->tear_after == INT_MAX;
}

int
sim_runner_store_whole(struct sim_runner *r, void *at, const void *bytes, size_t len)
{
    if (r->tear_after == INT_MAX)
        memcpy(at, bytes, len);
    r->host->stored(r->host->self);
    return r->tear_after == INT_MAX;
}
