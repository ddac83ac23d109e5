/*
 * sim_process.h: a rot-sim of our own, with one part, for as long as we need it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SIM_PROCESS_H
#define CLI_SIM_PROCESS_H

#include <sys/types.h>

#include "base/err.h"

struct sim_process {
    char dir[256]; /* a folder of its own; "" when there is none */
    char socket[280];
    pid_t pid;
};

/*
 * Start program (NULL: the rot-sim beside this program, or in PATH) with a part of that kind, b/u.
 * RS_E_USAGE: there is no such program, or it knows no such kind.
 */
RS_MUST_USE rs_code sim_process_start(struct sim_process *p, const char *program, const char *kind,
                                      struct rs_err *err);
/* Once it is connected to: its folder goes, so that whoever interrupts us leaves nothing behind. */
void sim_process_hide(struct sim_process *p);
/* Zeroed and started are fine. */
void sim_process_stop(struct sim_process *p);

#endif /* CLI_SIM_PROCESS_H */
