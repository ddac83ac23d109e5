/*
 * rot_sim.h: the parts of the rot-sim program.
 *
 * main.c reads the command line, panel_file.c the panel file, serve.c holds the
 * socket and its connections, client.c talks to a running rot-sim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CMD_ROT_SIM_H
#define CMD_ROT_SIM_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "sims/panel/panel.h"

/* ---- Panel file -------------------------------------------------------------- */

struct panel_chip {
    char name[SIM_NAME_MAX + 1];
    char kind[32];
    unsigned line;
};

/* What a panel file and the command line agree on; "" is "not said". */
struct panel_config {
    char listen[256], state[400], trace[400];
    int real_time, timing_said;
    unsigned busy_us;
    struct panel_chip chips[SIM_CHIPS_MAX];
    size_t chip_count;
};

/*
 * Read PATH into *config, which may hold settings already: those of the command
 * line win.  Relative paths in the file are relative to the file.  Mistakes are
 * RS_E_USAGE as "file:line: text".
 */
RS_MUST_USE rs_code panel_file_read(const char *path, struct panel_config *config,
                                    struct rs_err *err);

/* ---- Serving ------------------------------------------------------------------- */

/* Where to listen or connect when nothing is said; see the protocol document. */
void socket_default(char *path, size_t cap);

/*
 * Serve until SIGTERM or SIGINT; prints what it did and what to do next.  The
 * socket file is gone afterwards.
 */
RS_MUST_USE rs_code serve_panel(const struct panel_config *config, int json, struct rs_err *err);

/* ---- Asking -------------------------------------------------------------------- */

/* One control request to a running rot-sim; the answer is the caller's. */
RS_MUST_USE rs_code client_ask(const char *socket, const json_t *request, json_t **ret_answer,
                               struct rs_err *err);

#endif /* CMD_ROT_SIM_H */
