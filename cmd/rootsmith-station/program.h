/*
 * program.h: what the files of rootsmith-station share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROOTSMITH_STATION_PROGRAM_H
#define ROOTSMITH_STATION_PROGRAM_H

#include <stdio.h>

#include "base/arena.h"
#include "base/config.h"
#include "station/nests.h"
#include "station/station.h"

/* Exit codes (experience 2.2, 2.4). */
#define EXIT_DONE        0
#define EXIT_REFUSED     1
#define EXIT_USAGE       2
#define EXIT_AGAIN       5
#define EXIT_LINE_STOP   6
#define EXIT_INTERRUPTED 130

enum ui {
    UI_AUTO = 0,
    UI_FULL,
    UI_PLAIN,
    UI_NONE,
};

struct options {
    const char *verb, *object; /* "run", "journal" "show" */
    const char *data;
    const char *config; /* station.yaml; NULL: that of the data directory, if there is one */
    const char *url, *token, *name, *key; /* enroll */
    const char *orders[STATION_ORDERS_MAX];
    size_t order_count;
    const char *boards, *serial;
    const char *yes[STATION_ORDERS_MAX]; /* models that may be locked without asking */
    size_t yes_count;
    int dry_run;
    struct station_fixture fixtures[STATION_FIXTURES_MAX];
    size_t fixture_count;
    int fixtures_in_file;      /* they are of station.yaml, not of the command line */
    const char *fixtures_file; /* NULL: fixtures.yaml of the data directory, if there is one */
    enum ui ui;
    int once, json, verbose;
    unsigned wait_s;
    int has_wait;
    const char *firmware_key; /* of the configuration; NULL: none */
    struct rs_config_list vendor_roots;
    int production;
    const char *channel_secret, *channel_out; /* files for secure channels; NULL: not said */
    struct station_est est;                   /* of the configuration; server NULL: ours */
};

/* 1 go on, 0 wrong usage (said on stderr), -1 done (help or version was printed). */
int options_read(int argc, char **argv, struct options *ret_options);

/*
 * The station's directory, and what the command line leaves open from its
 * station.yaml; ret has pointers into arena.  The exit code, 0 to go on; what is
 * wrong is said on stderr, after "what".
 */
int options_complete(const struct options *o, const char *what, struct home *ret_home,
                     struct rs_arena *arena, struct options *ret);

/* The nests: of fixtures.yaml, or those that were named one by one.  Exit code as above. */
int options_nests(const struct options *o, const char *what, struct nest_file *ret_file);

int program_enroll(const struct options *o);
int program_run(const struct options *o);
int program_check(const struct options *o);
int program_status(const struct options *o);
int program_fixtures(const struct options *o);
int program_shift(const struct options *o);
/* Draw what is in each nest; exit code 3 when one is missing or wrong. */
int fixtures_look(const struct options *o, const struct nest_file *nests);
int program_orders(const struct options *o);
int program_journal(const struct options *o);

/* What, why, do on stderr (or one JSON line); gives the exit code of the code. */
int program_refuse(const struct options *o, const char *what, const struct rs_err *err);

/* "FIXTURE SERIAL [CHIP]", or "SERIAL"; 0: an empty line or a comment.  line is cut up. */
int board_read(char *line, struct station_board *ret_board);

/* A run without its effects; list NULL: whatever is in the nests. */
int dry_run(const struct options *o, const struct home *home, const struct nest_file *nests,
            FILE *list);

/* Have somebody name what will be locked for good, for each order.  RS_E_UNCONFIRMED. */
RS_MUST_USE rs_code confirm_orders(const struct options *o, const struct station_view *v,
                                   struct rs_err *err);

/* The plain view: a listener that prints a paragraph per board (experience 2.6 item 6). */
void plain_on_end(void *arg, const struct station_end *end);
/* The terminal is one that shows UTF-8. */
int terminal_is_utf8(void);

/* The full view: tiles, until there are no more boards.  Scans come from the keyboard. */
int full_fits(void); /* a terminal of at least 80x24 */
void full_run(struct station *st, const char *name, int takes_scans, int (*is_over)(void *arg),
              void *arg);

#endif /* ROOTSMITH_STATION_PROGRAM_H */
