/*
 * survey.h: all nests of a fixtures file, looked at one after another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_SURVEY_H
#define STATION_SURVEY_H

#include "station/recognise.h"

enum nest_state {
    NEST_READY = 1,   /* boards can be put in; what is in it now stands beside */
    NEST_MISSING = 2, /* its adapter or mux is not there */
    NEST_WRONG = 3,   /* what answers does not belong there */
};

struct survey_nest {
    enum nest_state state;
    struct recognised what; /* of those that are not missing */
    struct rs_err err;      /* why it is missing, or cannot be opened */
    int is_skipped;         /* its chip is made with the first board */
    int64_t took_ms;
};

struct survey {
    const struct nest_file *file;
    struct rs_err adapters[NESTS_MAX]; /* code RS_OK: it is there */
    struct survey_nest nests[NESTS_MAX];
    size_t ready;
};

const char *nest_state_name(enum nest_state state); /* "missing" */

/*
 * Look at every adapter and into every nest; changes nothing in any part.  Power lines are
 * switched on for it and off again.  whose: whose identity finished boards have, too.
 * RS_E_NO_MEMORY.
 */
RS_MUST_USE rs_code survey_take(struct wires *wires, const char *channel_secret, int whose,
                                struct survey *ret_survey, struct rs_err *err);

/* "nest 3: adapter 1-1.4 is not there; nests 1, 2, 4 are ready" */
void survey_text(const struct survey *survey, struct rs_buf *out);

#endif /* STATION_SURVEY_H */
