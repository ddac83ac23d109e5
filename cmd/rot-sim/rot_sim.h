/*
 * rot_sim.h: the parts of the rot-sim program.
 *
 * main.c reads the command line, panel_file.c the panel file, serve.c holds the
 * socket and its connections, report.c says what the chips did, client.c talks to a
 * running rot-sim.  exec.c runs somebody else's program over simulated devices:
 * exec_options.c reads what is wanted, exec_tree.c makes the files that the program
 * finds, exec_tty.c its serial lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CMD_ROT_SIM_H
#define CMD_ROT_SIM_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "sims/panel/panel.h"

#define PANEL_MUXES_MAX 16

/* ---- Panel file -------------------------------------------------------------- */

struct panel_chip {
    char name[SIM_NAME_MAX + 1];
    char kind[32];
    unsigned behind; /* which channel of its bus's mux, plus one; 0: in front of it */
    unsigned line;
};

struct panel_mux {
    char bus[SIM_NAME_MAX + 1];
    unsigned address;
};

/* What a panel file and the command line agree on; "" is "not said". */
struct panel_config {
    char listen[256], state[400], trace[400];
    int real_time, timing_said;
    unsigned busy_us;
    struct panel_chip chips[SIM_CHIPS_MAX];
    size_t chip_count;
    struct panel_mux muxes[PANEL_MUXES_MAX];
    size_t mux_count;
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

/* The same in steps, for whoever has more to do meanwhile. */
struct server;

/* Make the chips and listen; *config stays.  No connection is taken yet. */
RS_MUST_USE rs_code serve_begin(const struct panel_config *config, struct server **ret_server,
                                struct rs_err *err);
/* Take connections until serve_stop(), which another thread may call. */
RS_MUST_USE rs_code serve_run(struct server *server, struct rs_err *err);
void serve_stop(struct server *server);
struct sim_panel *serve_panel_of(struct server *server);
/* How many connections there were so far. */
unsigned serve_count(struct server *server);
/* End all connections, remove the socket file, save the chips. */
RS_MUST_USE rs_code serve_hang_up(struct server *server, struct rs_err *err);
void serve_free(struct server *server);

/* ---- What the chips did (report.c) ------------------------------------------------ */

/* "stats" of every chip, an array of the caller's. */
json_t *panel_stats(struct sim_panel *panel);
/* The same for people, or as a JSON object a line. */
void say_done(struct sim_panel *panel, FILE *out, int json);

/* ---- exec ----------------------------------------------------------------------------- */

#define EXEC_CHIPS_MAX 16
#define EXEC_TTYS_MAX  4
#define EXEC_GPIOS_MAX 16

/* A chip on a bus of the program's: --chip. */
struct exec_chip {
    char name[SIM_NAME_MAX + 1]; /* "bus/chip" on the panel */
    char kind[32];               /* "" when the panel runs already */
    int is_spi;
    unsigned bus, select; /* /dev/i2c-BUS, or /dev/spidevBUS.SELECT */
    int address;          /* as asked for; -1: its own */
};

/* --tty NAME=SOCKET: what the program writes to NAME goes to a Unix socket. */
struct exec_tty {
    char name[64], socket[108];
};

/* --gpio N=CHIP: line N of /sys/class/gpio feeds a chip, by its place in chips[]. */
struct exec_gpio {
    unsigned line;
    size_t chip;
};

struct exec_plan {
    struct panel_config config; /* of the private panel */
    char socket[108];           /* of the panel that runs already; "" for a private one */
    struct exec_chip chips[EXEC_CHIPS_MAX];
    struct exec_tty ttys[EXEC_TTYS_MAX];
    struct exec_gpio gpios[EXEC_GPIOS_MAX];
    size_t chip_count, tty_count, gpio_count;
    char **program; /* and its arguments, up to NULL */
    int json, quiet, help;
};

/* What follows the word "exec" on the command line. */
RS_MUST_USE rs_code exec_options(int argc, char **argv, struct exec_plan *plan, struct rs_err *err);

/* Run it; *ret_exit is the program's exit code, or 128 and its signal. */
RS_MUST_USE rs_code exec_run(struct exec_plan *plan, int *ret_exit, struct rs_err *err);

/* The files that a program finds below dir/sys. */
RS_MUST_USE rs_code exec_tree_make(const struct exec_plan *plan, const char *dir,
                                   struct rs_err *err);
/* A folder with all that is in it. */
void exec_tree_remove(const char *dir);

/* A terminal whose far side is the socket, moved by a thread; path is what to open. */
struct exec_line;
RS_MUST_USE rs_code exec_line_start(const struct exec_tty *tty, struct exec_line **ret_line,
                                    char *path, size_t cap, struct rs_err *err);
void exec_line_end(struct exec_line *line);

/* ---- Asking -------------------------------------------------------------------- */

/* One control request to a running rot-sim; the answer is the caller's. */
RS_MUST_USE rs_code client_ask(const char *socket, const json_t *request, json_t **ret_answer,
                               struct rs_err *err);

#endif /* CMD_ROT_SIM_H */
