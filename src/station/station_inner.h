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

#include "base/arena.h"
#include "base/json.h"
#include "client/est.h"
#include "station/station.h"

struct job {
    struct station_board board;
    unsigned tries;
    struct job *next;
};

struct queue {
    struct job *first, **end;
};

struct fixture {
    struct station *st;
    struct station_fixture config;
    struct station_tile tile;
    struct queue queue;
    pthread_t thread;
    int has_thread;
    struct web *web;
    unsigned contact_failures;     /* in a row */
    char device[STATION_TEXT_MAX]; /* in work; "" none */
};

struct station {
    struct home home;
    struct station_listener listener;
    struct station_order order;
    struct station_est est; /* server NULL: ours */
    unsigned wait_s, tries;
    char channel_secret[HOME_PATH_MAX + 32]; /* file; "": none */
    char channel_out[STATION_URI_MAX];       /* directory; "": none */
    struct rs_arena arena;                   /* CA certificates */
    struct rs_bytes ca_certs[CLIENT_EST_CERTS_MAX];
    size_t ca_count;
    struct rs_bytes root, firmware_key;
    int production;
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
    struct {
        char class[4];
        unsigned count;
    } in_a_row;
    uint64_t passed, rejected, scrapped, again;
    char recent[STATION_RECENT][96];
    uint64_t started_us;

    pthread_t poster;
    int has_poster, poster_leaves;
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
 * record; the lock is held.  extra: a JSON object, taken over.  The text is
 * appended to line, which the record then borrows.
 */
RS_MUST_USE rs_code events_head(struct station *st, const char *name, json_t *extra,
                                struct rs_buf *line, struct rs_err *err);
/* Write a line to events.jsonl and to the listener, after its record is in the journal. */
void events_publish(struct station *st, struct rs_bytes line);
/* An event without any other record. */
void events_note(struct station *st, const char *name, json_t *extra);

/* ---- station.c ------------------------------------------------------------------------------ */

/* The root that goes into chips: the first certificate of a PEM file. */
RS_MUST_USE rs_code station_load_root(struct station *st, const char *path, struct rs_err *err);

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
