/*
 * run.h: one board, or two that are exchanged, through a hostile fixture and to its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_RUN_H
#define TESTS_HOSTILE_RUN_H

#include "judge.h"
#include "line.h"
#include "plan.h"

#define RUN_ENDS_MAX 12
#define RUN_PROBLEMS 6

/* What all runs of a process have in common. */
struct run_line {
    struct line *line;
    struct judge *judge;
    struct far *parts[LINE_FIXTURES]; /* taken for each run anew */
    const char *model;
    uint64_t seed;
    unsigned length; /* transactions of a board that nobody disturbs */
    FILE *secrets;   /* NULL: not asked for */
};

/* One label's way. */
struct run_board {
    char label[64];
    struct line_end ends[RUN_ENDS_MAX];
    unsigned end_count;
    unsigned hits; /* faults that struck */
    unsigned part; /* that the last attempt was about */
    /* Of that part. */
    enum judge_verdict verdict;
    char why[JUDGE_TEXT], key[65];
};

/* What an exchange was and did. */
struct run_swap {
    int happened;
    int was_known[LINE_FIXTURES]; /* the fixture's part had told its id */
    int is_back;
    int had_effect; /* something that a part keeps changed in between, or it was for good */
    int noticed;    /* at least one of the two was stopped */
};

struct run {
    const struct run_line *at;
    const char *name; /* of family and variant, in labels */
    uint64_t number;
    struct plan plan;
    char uids[LINE_FIXTURES][65]; /* of the parts */
    struct run_board boards[LINE_FIXTURES];
    unsigned board_count;
    unsigned is_crossed; /* each label was begun with the other's board */
    struct run_swap swap;
    char problems[RUN_PROBLEMS][400];
    unsigned problem_count;
};

/* A board that nobody disturbs, for the judge and for its length.  0: even that one is wrong. */
int run_learn(struct run_line *at, const char *label, char why[JUDGE_TEXT]);

void run_do(struct run *run, const struct run_line *at, const char *name, uint64_t number);

#endif /* TESTS_HOSTILE_RUN_H */
