/*
 * fault.h: rules that make a simulated chip fail on purpose.
 *
 *     KIND@N   KIND@N-M   KIND@N+        each with :ARG where the kind takes one
 *
 * N counts the commands that arrive after the rule was added.  The kinds are
 * listed in docs/protocols/simulator.md section 5.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_FAULT_H
#define SIMS_COMMON_FAULT_H

#include <stdint.h>

#include "sims/common/sim.h"

#define SIM_RULES_MAX     32
#define SIM_RULE_TEXT_MAX 48

struct sim_rule {
    unsigned id;
    char text[SIM_RULE_TEXT_MAX];
    struct sim_fate fate;
    uint32_t from, to; /* inclusive; to UINT32_MAX: for ever */
    uint32_t seen;     /* commands since it was added */
};

struct sim_rules {
    struct sim_rule list[SIM_RULES_MAX];
    unsigned count, last_id;
};

/* RS_E_USAGE names what is wrong with the text. */
RS_MUST_USE rs_code sim_rules_add(struct sim_rules *rules, const char *text, unsigned *ret_id,
                                  struct rs_err *err);
/* id 0: all of them.  Returns how many went. */
unsigned sim_rules_clear(struct sim_rules *rules, unsigned id);
/* A command arrived: what is to happen to it.  Rules that are over are dropped. */
struct sim_fate sim_rules_next(struct sim_rules *rules);

#endif /* SIMS_COMMON_FAULT_H */
