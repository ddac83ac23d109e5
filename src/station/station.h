/*
 * station.h: a running line: nests, boards, orders.
 *
 * Each nest is a thread that takes boards from its queue, runs the recipe
 * on the chip in it, and decides by the failure table what the tile shows.
 * One more thread carries reports to the server, one looks which adapters are there.
 * Everything that lasts goes through the journal first.
 *
 * A line with several kinds of parts works for several orders at once.  Nobody binds a
 * nest to an order: a board's label says which order it is of, and the nest's part must
 * be that order's.  A label that fits two of them is refused.
 *
 *     station_open(&home, &config, &st, err);    journal, order, connection
 *     station_start(st, err);
 *     station_put(st, &board, err);              a scan, or a line of a list
 *     station_finish(st);                        no more boards; waits for all
 *     station_close(st);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_STATION_H
#define STATION_STATION_H

#include "station/cycle.h"
#include "station/failures.h"
#include "station/foreign.h"
#include "station/home.h"
#include "station/memory.h"
#include "station/nests.h"
#include "station/recipe.h"

#define STATION_FIXTURES_MAX NESTS_MAX
#define STATION_ORDERS_MAX   16
#define STATION_TEXT_MAX     64
#define STATION_URI_MAX      512
#define STATION_RECENT       5
#define STATION_RECENT_TEXT  160
#define STATION_TRIES        3 /* of one board from a list, when the tile says AGAIN */

/* A nest that was named with its chip.  "{serial}" in that is the board's device serial. */
struct station_fixture {
    char name[STATION_TEXT_MAX];
    char chip[STATION_URI_MAX];
};

struct station_board {
    char fixture[STATION_TEXT_MAX]; /* "": the next free one */
    char device[STATION_TEXT_MAX];
    char chip[STATION_URI_MAX]; /* "": the fixture's */
};

/* An order as the server gives it to this station. */
struct station_order {
    char name[STATION_TEXT_MAX], rot[STATION_TEXT_MAX], layout[STATION_TEXT_MAX];
    char
        provenance[STATION_TEXT_MAX]; /* that its parts must prove: "attested" "vendor" "station" */
    int production;                   /* of the server: no simulators */
    char serials[STATION_TEXT_MAX];   /* pattern of device serials: * any, ? one, # a digit */
    int64_t quantity, target, signed_, good, share, taken;
};

/* How a board ended. */
struct station_end {
    uint64_t event;
    const char *fixture, *device;
    enum tile tile;
    const char *state; /* "pass" "reject" "again" "scrap" "label" "stop"; "checked" "failed" */
    const char *operator_;
    const char *what; /* what was found in the nest, where that is not what belongs; "" */
    const struct failure *failure; /* NULL after a pass */
    const struct recipe_result *result;
    int64_t took_ms;
};

/* Called by the station's threads; each of the two by one thread at a time.  Both are optional. */
struct station_listener {
    void *arg;
    void (*on_end)(void *arg, const struct station_end *end);
    /* Every event's line, in order.  Must not call the station: it is locked. */
    void (*on_event)(void *arg, const char *json);
};

struct station_config {
    /* Which orders; none: for each part among the nests the only one that is open. */
    const char *orders[STATION_ORDERS_MAX];
    size_t order_count;
    const struct nest_file *nests;
    int only_check;         /* reference boards only: no order, and no server is asked */
    unsigned wait_s;        /* how long a board waits for the server, or for its adapter */
    unsigned tries;         /* of a board, without somebody placing it again; 1: never by itself */
    struct station_est est; /* another PKI; server NULL: none */
    const char *channel_secret;      /* file with the master; NULL: that of home, if it is there */
    const char *const *vendor_roots; /* files of makers that this station itself believes */
    size_t vendor_root_count;
    const char *firmware_key; /* PEM file for the boards' boot loaders; NULL: none is written */
    int production;           /* no simulators, no published secrets */
    const char *channel_out;  /* directory for parts' own secrets; NULL: none are written */
    struct station_listener listener;
};

struct station;

/*
 * Read the journal, fetch the order and the CA certificates, post what the
 * server does not have yet.
 *
 * RS_E_STATION_RUNNING, RS_E_JOURNAL_DAMAGED; RS_E_NET_UNREACHABLE;
 * RS_E_ORDER_CLOSED: no such open order for this station; RS_E_USAGE: several
 * are open for one part and none was named; RS_E_FIXTURE_ABSENT: no nest's adapter is
 * there; RS_E_FIXTURE_UNCHECKED: a nest was not shown its reference boards lately
 */
RS_MUST_USE rs_code station_open(const struct home *home, const struct station_config *config,
                                 struct station **ret_station, struct rs_err *err);
RS_MUST_USE rs_code station_start(struct station *st, struct rs_err *err);

/*
 * Queue a board, or a reference board by its name: that one goes to the next nest that is to be
 * checked with it.  A board without a nest goes to the free one that may take it and was free
 * longest; while none is, to the first that gets free.  ret_fixture: where it is to be put, "" while
 * that is open; may be NULL.  RS_E_LABEL_PATTERN, RS_E_LABEL_DUPLICATE: not taken;
 * RS_E_USAGE: no such nest; RS_E_ORDER_CLOSED...: the line has stopped, by that.
 */
RS_MUST_USE rs_code station_put(struct station *st, const struct station_board *board,
                                char ret_fixture[STATION_TEXT_MAX], struct rs_err *err);
void station_interrupt(struct station *st); /* end after the boards that are in fixtures */
int station_is_idle(struct station *st);    /* nothing queued, nothing in work */
void station_finish(struct station *st);
/* Send what is left, for at most wait_s; the rest stays in the journal. */
void station_flush(struct station *st, unsigned wait_s);
void station_close(struct station *st);

/* ---- Looking at it ------------------------------------------------------------------- */

struct station_tile {
    char name[STATION_TEXT_MAX], device[STATION_TEXT_MAX], model[STATION_TEXT_MAX];
    enum tile tile;
    enum recipe_step step;
    int waiting;      /* for the server */
    int is_reference; /* a reference board stays in it */
    int is_gone;      /* off because its adapter is not there: it comes back by itself */
    char operator_[96], code[48], class[4], what[96];
    int64_t took_ms;
    uint64_t since_us;
};

struct station_view_order {
    struct station_order order;
    uint64_t passed; /* since station_start() */
    struct cycle_summary cycle;
    rs_code stopped_by; /* RS_OK: it goes on */
    char stop_text[240];
};

struct station_view {
    struct station_view_order orders[STATION_ORDERS_MAX];
    size_t order_count;
    struct station_tile tiles[STATION_FIXTURES_MAX];
    size_t tile_count;
    char next[STATION_TEXT_MAX]; /* the nest for the next scan, if any kind of board will do; "" */
    uint64_t passed, rejected, scrapped, again; /* since station_start() */
    size_t unsent;                              /* reports that the server does not have yet */
    int server_ok;
    int64_t server_ms;  /* of the last call */
    rs_code stopped_by; /* RS_OK: running */
    char stop_text[240];
    char recent[STATION_RECENT][STATION_RECENT_TEXT]; /* newest first */
    uint64_t started_us;
};

void station_look(struct station *st, struct station_view *ret_view);

/* Which nests have not been checked lately, in a sentence; "" when all have, or none need be. */
void station_unchecked(struct station *st, char *out, size_t cap);

/* The open orders for this station into list; *ret_count may exceed cap. */
RS_MUST_USE rs_code station_orders(struct web *web, struct station_order *list, size_t cap,
                                   size_t *ret_count, struct rs_err *err);

/* Those of a list that a run with this configuration works for (see there); codes as station_open(). */
RS_MUST_USE rs_code station_choose_orders(const struct station_config *config,
                                          const struct station_order *list, size_t count,
                                          struct station_order ret[STATION_ORDERS_MAX],
                                          size_t *ret_count, struct rs_err *err);

/* 1 when a serial fits an order's pattern. */
int station_serial_fits(const char *pattern, const char *serial);

#endif /* STATION_STATION_H */
