/*
 * holder.h: who holds a simulated part in its tests: random bytes that the test chooses, one fate
 * for the next command, and a count of memory writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_HOLDER_H
#define TESTS_SIMS_HOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "sims/common/sim.h"

struct sim_holder {
    struct sim_host host; /* what the part is given; its self is this struct */
    uint8_t random[64];   /* given out once, then a counter */
    size_t random_len;
    uint8_t random_next;
    struct sim_fate fate; /* of the next command */
    unsigned stored, commands;
};

void sim_holder_init(struct sim_holder *h);

#endif /* TESTS_SIMS_HOLDER_H */
