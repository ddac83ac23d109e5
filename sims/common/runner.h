/*
 * runner.h: what the parts have in common that take one command at a time and answer it: power,
 * time, memory writes that can be torn, and what fault rules do to a command.
 *
 * A chip has a struct sim_runner and gives it a constant table of what is its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_RUNNER_H
#define SIMS_COMMON_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "sims/common/sim.h"

struct sim_runner {
    const struct sim_host *host;
    struct sim_timing timing;
    unsigned powered : 1;
    unsigned stuck : 1;             /* says nothing any more, until the power goes */
    unsigned cut_when_answered : 1; /* power goes when the answer was read */
    uint64_t now_us, busy_until_us;
    uint64_t chip_time_us; /* spent executing, by the reference's times */
    /* Power cut in memory writes: bytes that still get through, -1 half, INT_MAX: no cut. */
    int tear_after;
};

/* A model's own part of taking a command; chip is the state that the model is called with. */
struct sim_runner_ops {
    void (*set_power)(void *chip, int on);
    /* The last answer is gone and the part is busy; 0: it has an answer already and does not run. */
    int (*begin)(void *chip, const uint8_t *p, size_t len);
    /* 0: the power went during a memory write. */
    int (*run)(void *chip, const uint8_t *p, size_t len);
    /* An answer that is a status and nothing else. */
    void (*answer_status)(void *chip, int status);
    uint8_t *(*get_answer)(void *chip, size_t *ret_len);
};

void sim_runner_init(struct sim_runner *r, const struct sim_host *host);

/* The clock, which never goes back. */
void sim_runner_set_time(struct sim_runner *r, uint64_t now_us);
/* How long a command takes now that takes so long by the reference; counts that in chip_time_us. */
uint32_t sim_runner_execution_us(struct sim_runner *r, uint32_t reference_us);

/* A whole command has arrived: what its fate is, happens.  0: it was not taken. */
int sim_runner_take(struct sim_runner *r, const struct sim_runner_ops *ops, void *chip,
                    const uint8_t *p, size_t len);

/* One memory write, torn where the power goes; or done as a whole or not.  0: the power went. */
int sim_runner_store(struct sim_runner *r, void *at, const void *bytes, size_t len);
int sim_runner_store_whole(struct sim_runner *r, void *at, const void *bytes, size_t len);

#endif /* SIMS_COMMON_RUNNER_H */
