/*
 * station_inner.h: what the files of a running station share.
 *
 * One lock guards everything that changes; it is never held over a call to the
 * server or the chip, and over a sync only where a board ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_STATION_INNER_H
#define STATION_STATION_INNER_H

#include <pthread.h>

#include "attest/makers.h"
#include "base/arena.h"
#include "base/json.h"
#include "client/est.h"
#include "station/station.h"
#include "station/wire.h"

/* An order that this run works for. */
struct work_order {
    struct station_order order;
    uint64_t passed;
    rs_code stopped_by;
    char stop_text[240];
    struct {
        char class[4];
        unsigned count;
    } in_a_row;
    struct cycle cycle;
    struct cycle_summary summary; /* of it */
};

struct job {
    struct station_board board;
    struct work_order *order;               /* NULL until a nest takes it */
    const struct nest_reference *reference; /* NULL: a board of an order */
    unsigned tries;
    char again[4]; /* class of the last try's failure; "" */
    uint64_t put_us;
    struct job *next;
};

struct queue {
    struct job *first, **end;
};

struct fixture {
    struct station *st;
    const struct nest *nest;
    struct station_tile tile;
    struct queue queue;
    pthread_t thread;
    int has_thread;
    struct web *web;
    unsigned contact_failures;     /* in a row */
    int is_gone;                   /* its adapter is not there: it waits for it */
    char gone[160];                /* why */
    uint64_t ended_us;             /* when it last got free; 0: it had none yet */
    char device[STATION_TEXT_MAX]; /* in work; "" none */
};

struct station {
    struct home home;
    struct station_listener listener;
    struct work_order orders[STATION_ORDERS_MAX];
    size_t order_count;
    struct nest_file nests;
    struct wires wires;
    struct station_est est; /* server NULL: ours */
    int only_check;
    unsigned wait_s, tries;
    char channel_secret[HOME_PATH_MAX + 32]; /* file; "": none */
    char channel_out[STATION_URI_MAX];       /* directory; "": none */
    struct rs_arena arena;                   /* CA certificates */
    struct rs_bytes ca_certs[CLIENT_EST_CERTS_MAX];
    size_t ca_count;
    struct rs_bytes root, firmware_key;
    int production;
    struct makers *vendors; /* NULL: none */
    struct journal *journal;
    int events_fd;
    uint64_t events_size;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct memory *memory;
    uint64_t next_board;
    struct fixture fixtures[STATION_FIXTURES_MAX];
    size_t fixture_count;
    struct queue shared;
    int is_open;  /* between shift.open and shift.close */
    int no_more;  /* station_finish(): leave when the queues are empty */
    int stopping; /* leave after the board in hand */
    rs_code stopped_by;
    char stop_text[240];
    uint64_t passed, rejected, scrapped, again;
    char recent[STATION_RECENT][STATION_RECENT_TEXT];
    uint64_t started_us;

    pthread_t poster;
    int has_poster, poster_leaves;
    pthread_t watcher;
    int has_watcher, watcher_leaves;
    struct web *poster_web;
    int server_ok;
    int64_t server_ms;
    pthread_mutex_t listening; /* one call to the listener at a time */
};

/* ---- events.c ----------------------------------------------------------------------------- */

/* Open events.jsonl and bring it up to what the journal has. */
RS_MUST_USE rs_code events_open(struct station *st, struct rs_err *err);
void events_close(struct station *st);
/*
 * Give an event its head (v, seq, station, time, order) and put it into the
 * record; the lock is held.  order: NULL when it is of none, or of the only one.
 * extra: a JSON object, taken over.  The text is appended to line, which the record then
 * borrows.
 */
RS_MUST_USE rs_code events_head(struct station *st, const struct work_order *order,
                                const char *name, json_t *extra, struct rs_buf *line,
                                struct rs_err *err);
/* Write a line to events.jsonl and to the listener, after its record is in the journal. */
void events_publish(struct station *st, struct rs_bytes line);
/* An event without any other record. */
void events_note(struct station *st, const struct work_order *order, const char *name,
                 json_t *extra);

/* ---- orders.c ------------------------------------------------------------------------------- */

/* Those that the configuration names, or the nests' parts ask for. */
RS_MUST_USE rs_code orders_choose(struct station *st, const struct station_config *config,
                                  struct rs_err *err);
/*
 * The order that a board with this label is of, in that nest; the lock is held.
 * RS_E_LABEL_PATTERN: none, or more than one.  What it was stopped by: it is given all the same.
 */
RS_MUST_USE rs_code orders_find(struct station *st, const struct nest *nest, const char *device,
                                struct work_order **ret_order, struct rs_err *err);
/* Stop an order, once; with the last one the line stops. */
void orders_stop(struct station *st, struct work_order *order, rs_code code, const char *text);

/* ---- watch.c -------------------------------------------------------------------------------- */

/* Look at every adapter; its nests are gone or back, and their tiles and an event say so. */
void watch_look(struct station *st);
/* Let the tile of a nest say that it is gone; the lock is held. */
void watch_tile(struct fixture *fx);
/* Look again, after something failed in a nest; 1 when its adapter is gone, *err says which. */
int watch_look_at(struct fixture *fx, struct rs_err *err);
void *watch_thread(void *arg);

/* ---- reference.c ---------------------------------------------------------------------------- */

/* 1: the nest may take boards of orders, as far as its reference boards go.  The lock is held. */
int reference_is_checked(const struct station *st, const struct nest *nest);
/* The reference board of that name, or NULL. */
const struct nest_reference *reference_find(const struct nest_file *file, const char *name);
/* The next nest that it is to be shown to, or NULL: none needs it.  The lock is held. */
struct fixture *reference_next(struct station *st, const struct nest_reference *reference);
/* Show it to the nest, and record what that made of it.  0, as board_run(): not to be queued again. */
int reference_run(struct fixture *fx, struct job *job);

/* ---- station.c ------------------------------------------------------------------------------ */

/* The root that goes into chips: the first certificate of a PEM file. */
RS_MUST_USE rs_code station_load_root(struct station *st, const char *path, struct rs_err *err);

/* {"order","passed","good","target","cycle"}; the lock is held. */
json_t *station_progress(const struct work_order *order);

/* ---- board.c -------------------------------------------------------------------------------- */

/* Everything that happens to one board in one fixture.  1: put it back into the queue. */
int board_run(struct fixture *fx, struct job *job);

/* Journal and memory in one; durable as in journal_sync(). */
RS_MUST_USE rs_code station_note(struct station *st, struct journal_record *record, int durable,
                                 struct rs_err *err);
/* Stop the line, once. */
void station_stop(struct station *st, rs_code code, const char *text);

/* ---- post.c ----------------------------------------------------------------------------------- */

/* One round: everything that the server does not have.  RS_OK when nothing is left. */
RS_MUST_USE rs_code post_reports(struct station *st, struct web *web, struct rs_err *err);
void *post_thread(void *arg);

#endif /* STATION_STATION_INNER_H */
