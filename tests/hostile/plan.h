/*
 * plan.h: what happens in one run, all of it by seed, family and number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_PLAN_H
#define TESTS_HOSTILE_PLAN_H

#include "bus.h"

#define PLAN_DISTURBED 2 /* attempts, at most */
#define PLAN_TEXT      400

/* The board that comes in place of the first one. */
enum plan_other {
    PLAN_NOBODY,   /* no boards are exchanged */
    PLAN_BLANK,    /* one that waits beside the fixture */
    PLAN_FINISHED, /* one that passed before */
    PLAN_IN_WORK,  /* one that is in the other fixture, in the middle of its own recipe */
};

struct plan {
    struct bus_fault faults[PLAN_DISTURBED][BUS_FAULTS_MAX];
    unsigned fault_count[PLAN_DISTURBED];
    enum plan_other other;
    unsigned swap_at;    /* the first board's transactions before the exchange */
    unsigned other_at;   /* the other one's, when it is in work */
    unsigned back_after; /* transactions in between, until each is in its place again; 0: never */
    int other_goes_on;   /* the other fixture works first after the exchange */
    int stays;           /* the boards are not put right for the next attempt */
    int keeps_power; /* between attempts, and when boards are exchanged (a multiplexer's fault) */
};

/* length: transactions of a board that nobody disturbs. */
void plan_make(struct plan *plan, struct chance *c, unsigned length);
/* One line for people. */
void plan_text(const struct plan *plan, char text[PLAN_TEXT]);

#endif /* TESTS_HOSTILE_PLAN_H */
