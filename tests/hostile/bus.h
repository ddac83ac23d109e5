/*
 * bus.h: a wire between a driver and simulated parts that flips, loses, repeats and exchanges.
 *
 * A bus is one fixture: the part that is in it, and what goes wrong.  Transactions (writes, reads,
 * wake pulses) are counted from 0 in each attempt; a fault strikes at the first one from its
 * number on that it fits.  What a fault does is decided by its own seed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_BUS_H
#define TESTS_HOSTILE_BUS_H

#include <stdio.h>

#include <rot/rot_driver.h>

#include "../meet/far.h"
#include "chance.h"

#define BUS_FAULTS_MAX 4
#define BUS_BYTES_MAX  1024
#define BUS_PAST       64 /* earlier transactions of a kind that are remembered */

enum bus_kind {
    BUS_FLIP,  /* one to four bits are others */
    BUS_DROP,  /* a write that nobody gets but somebody acknowledges; an answer that is lost */
    BUS_NACK,  /* nobody acknowledges, count times */
    BUS_STUCK, /* nobody ever acknowledges again */
    BUS_AGAIN, /* an earlier write, before, behind or instead of this one */
    BUS_OLD,   /* earlier answers, count times */
    BUS_EXTRA, /* bytes more */
    BUS_SHORT, /* bytes less */
    BUS_FLAT,  /* reads give ones or zeros, count times */
    BUS_KINDS
};

extern const char *const bus_kind_names[BUS_KINDS];

struct bus_fault {
    unsigned at;
    enum bus_kind kind;
    unsigned count;
    uint64_t seed;
};

struct bus_strike {
    struct bus_fault f;
    unsigned done; /* times that it struck in this attempt */
};

struct bus_past {
    struct {
        uint16_t len;
        uint8_t bytes[BUS_BYTES_MAX];
    } entries[BUS_PAST];
    unsigned count;
};

struct bus {
    struct far *chip;
    struct rot_transport transport;
    uint32_t speed_hz;
    unsigned at;       /* transactions of this attempt so far */
    struct far *known; /* the part that told its unique id in this attempt; NULL: none yet */
    int is_closing;    /* the recipe is over, the conversation ends */
    unsigned heard;    /* answers that it was given before that */
    struct bus_strike faults[BUS_FAULTS_MAX];
    size_t fault_count;
    struct bus_past writes, reads;
    /* Before each transaction; may exchange the parts. */
    void (*gate)(struct bus *b);
    void *gate_self;
    FILE *trace; /* NULL: none */
    const char *name;
};

void bus_init(struct bus *b, const char *name);
/* Another board, or the same one again: no transactions, these faults. */
void bus_begin(struct bus *b, const struct bus_fault *faults, size_t count);
/* Other boards: what was on the wire before is not repeated. */
void bus_forget(struct bus *b);
/* So many of the faults struck. */
unsigned bus_hits(const struct bus *b);

#endif /* TESTS_HOSTILE_BUS_H */
