/*
 * cycle.c: see cycle.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/cycle.h"

#include <stdlib.h>
#include <string.h>

static int32_t
clamp(int64_t ms)
{
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int32_t)ms;
}

void
cycle_add(struct cycle *c, const int64_t step_us[STEP_COUNT], int64_t took_ms)
{
    size_t at = c->count++ % CYCLE_KEEP;

    for (size_t i = 0; i < STEP_COUNT; i++)
        c->ms[i][at] = clamp(step_us[i] / 1000);
    c->ms[STEP_COUNT][at] = clamp(took_ms);
}

void
cycle_add_event(struct cycle *c, const json_t *board_end)
{
    const json_t *times = json_object_get(board_end, "times");
    int64_t step_us[STEP_COUNT];

    if (strcmp(rs_json_text_or(board_end, "event", ""), "board.end") != 0 ||
        strcmp(rs_json_text_or(board_end, "state", ""), "pass") != 0 ||
        rs_json_text_or(board_end, "code", "-")[0] != '\0' || !json_is_object(times))
        return;
    for (unsigned i = 0; i < STEP_COUNT; i++)
        step_us[i] =
            1000 * (int64_t)json_integer_value(json_object_get(times, recipe_step_name(i)));
    cycle_add(c, step_us, (int64_t)json_integer_value(json_object_get(board_end, "took_ms")));
}

static int
compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* The smallest value that at least percent of all do not exceed. */
static int32_t
rank(const int32_t *sorted, size_t n, size_t percent)
{
    return sorted[(n * percent + 99) / 100 - 1];
}

static struct cycle_time
time_of(const int32_t *row, size_t n)
{
    int32_t sorted[CYCLE_KEEP];

    memcpy(sorted, row, n * sizeof(*row));
    qsort(sorted, n, sizeof(*sorted), compare);
    return (struct cycle_time){rank(sorted, n, 50), rank(sorted, n, 95)};
}

void
cycle_summarise(const struct cycle *c, struct cycle_summary *ret_summary)
{
    size_t n = c->count < CYCLE_KEEP ? c->count : CYCLE_KEEP;

    memset(ret_summary, 0, sizeof(*ret_summary));
    ret_summary->boards = n;
    if (n == 0)
        return;
    ret_summary->whole = time_of(c->ms[STEP_COUNT], n);
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        ret_summary->steps[i] = time_of(c->ms[i], n);
        if (ret_summary->steps[i].median_ms > ret_summary->steps[ret_summary->slowest].median_ms)
            ret_summary->slowest = (enum recipe_step)i;
    }
}

json_t *
cycle_json(const struct cycle_summary *summary)
{
    json_t *steps = json_object();

    for (unsigned i = 0; i < STEP_COUNT; i++)
        (void)json_object_set_new(steps, recipe_step_name((enum recipe_step)i),
                                  json_pack("{s:i, s:i}", "median_ms", summary->steps[i].median_ms,
                                            "p95_ms", summary->steps[i].p95_ms));
    return json_pack("{s:I, s:i, s:i, s:s, s:o}", "boards", (json_int_t)summary->boards,
                     "median_ms", summary->whole.median_ms, "p95_ms", summary->whole.p95_ms,
                     "slowest", summary->boards > 0 ? recipe_step_name(summary->slowest) : "",
                     "steps", steps);
}
