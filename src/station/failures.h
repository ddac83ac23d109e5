/*
 * failures.h: what a failure means on the line.
 *
 * codes.def gives every refusal and failure a class; this table says, once per
 * class, what the tile shows, what the operator reads, whether the board gets a
 * second try, when the line stops, and what is counted.  It is the only place
 * where the station decides any of that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_FAILURES_H
#define STATION_FAILURES_H

#include "base/err.h"

/* The states of a tile. */
enum tile {
    TILE_READY = 1,
    TILE_BUSY,
    TILE_PASS,
    TILE_AGAIN,
    TILE_REJECT,
    TILE_STOP, /* not a tile: the whole line */
    TILE_OFF,
};

enum failure_retry {
    RETRY_NEVER = 1,
    RETRY_ONCE,       /* AGAIN once per board and class, then REJECT */
    RETRY_ONCE_BLANK, /* the same, but only while nothing irreversible was done */
    RETRY_ALWAYS,     /* the same board, as often as needed */
    RETRY_WAIT,       /* the machine tries again by itself; nothing for the hands */
};

struct failure {
    const char *class;         /* "T1" */
    const char *name;          /* "not genuine": for the event line */
    enum tile tile;            /* at the first time */
    const char *operator_;     /* what the hands do; eight words at most where it can be */
    const char *operator_last; /* the same at the last try */
    const char *supervisor;
    enum failure_retry retry;
    unsigned stop_count; /* so many in a row (0: never) ... */
    int stops_fixture;   /* ... switch the fixture off; otherwise they stop the line */
    const char *counts;  /* what the server counts it as: "again" "reject" "scrap" "pass" "" */
};

/* The row of a code's class; codes without a class on the line give the row of S1. */
const struct failure *failure_find(rs_code code);

/* Rows by number, for tests and for the printed sheet; NULL past the end. */
const struct failure *failure_at(size_t index);

/* How a board ends after this failure: what is known about the board decides. */
struct failure_case {
    rs_code code;
    unsigned again_count; /* how often this board already got AGAIN for this class */
    int was_irreversible; /* something in the chip or at the server cannot be taken back */
};

/* TILE_AGAIN, TILE_REJECT, TILE_STOP, TILE_READY, TILE_BUSY or TILE_PASS, by the row's rule. */
enum tile failure_tile(const struct failure_case *c);

const char *tile_word(enum tile tile); /* "PASS" */

#endif /* STATION_FAILURES_H */
