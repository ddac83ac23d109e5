/*
 * sim_control.h: what is asked of a running rot-sim (docs/protocols/simulator.md section 5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SIM_CONTROL_H
#define CLI_SIM_CONTROL_H

#include <jansson.h>

#include "base/err.h"

/* A connection of its own: it attaches to no bus. */
struct sim_control {
    int fd;
};

/* RS_E_NET_UNREACHABLE: nobody speaks this protocol there. */
RS_MUST_USE rs_code sim_control_open(struct sim_control *c, const char *socket, struct rs_err *err);
void sim_control_close(struct sim_control *c);

/* One object there, one back; request is given away.  RS_E_USAGE: it was refused, in its words. */
RS_MUST_USE rs_code sim_control_ask(struct sim_control *c, json_t *request, json_t **ret_answer,
                                    struct rs_err *err);

/* "sim.sock" of "sim.sock#desk/1", or where a rot-sim listens by default; out has room for 108. */
RS_MUST_USE rs_code sim_control_socket(const char *name, char *out, struct rs_err *err);

#endif /* CLI_SIM_CONTROL_H */
