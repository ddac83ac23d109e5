/*
 * cycle.h: how long boards take, step by step: median, 95th percentile, the slowest step.
 *
 * Of the newest boards that were made; percentiles by nearest rank, so that each is a time
 * that some board took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_CYCLE_H
#define STATION_CYCLE_H

#include "base/json.h"

#include "station/recipe.h"

#define CYCLE_KEEP 500

struct cycle {
    int32_t ms[STEP_COUNT + 1][CYCLE_KEEP]; /* the last row: the whole board */
    size_t count;                           /* boards ever added */
};

struct cycle_time {
    int32_t median_ms, p95_ms;
};

struct cycle_summary {
    size_t boards; /* that the figures are of */
    struct cycle_time whole, steps[STEP_COUNT];
    enum recipe_step slowest; /* by median */
};

/* A board that was made: its steps, and from its scan to its result. */
void cycle_add(struct cycle *c, const int64_t step_us[STEP_COUNT], int64_t took_ms);
/* The same from the event of its end; others are left out. */
void cycle_add_event(struct cycle *c, const json_t *board_end);

/* All zero as long as no board was added. */
void cycle_summarise(const struct cycle *c, struct cycle_summary *ret_summary);

/*
 * {"boards":12,"median_ms":3600,"p95_ms":4100,"slowest":"certificate",
 *  "steps":{"contact":{"median_ms":12,"p95_ms":15},...}}; NULL when out of memory
 */
json_t *cycle_json(const struct cycle_summary *summary);

#endif /* STATION_CYCLE_H */
