/*
 * cycle_test.c: percentiles that some board took, and which step is the slowest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "station/cycle.h"

static struct cycle cycle;

static void
add(int64_t key_ms, int64_t certificate_ms, int64_t whole_ms)
{
    int64_t us[STEP_COUNT] = {0};

    us[STEP_KEY] = key_ms * 1000;
    us[STEP_CERTIFICATE] = certificate_ms * 1000 + 999;
    cycle_add(&cycle, us, whole_ms);
}

static void
nothing_is_no_figure(void **state)
{
    struct cycle_summary s;

    (void)state;
    memset(&cycle, 0, sizeof(cycle));
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.boards, 0);
    assert_int_equal(s.whole.median_ms, 0);
    assert_int_equal(s.whole.p95_ms, 0);
}

static void
ranks_are_of_boards(void **state)
{
    struct cycle_summary s;

    (void)state;
    memset(&cycle, 0, sizeof(cycle));
    add(5, 7, 40);
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.whole.median_ms, 40);
    assert_int_equal(s.whole.p95_ms, 40);
    assert_int_equal(s.slowest, STEP_CERTIFICATE);
    /* 1 to 20, in no order: half do not exceed 10, 19 of 20 not 19. */
    memset(&cycle, 0, sizeof(cycle));
    for (int i = 0; i < 20; i++)
        add((i * 7) % 20 + 1, 3, 100 + (i * 3) % 20 + 1);
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.boards, 20);
    assert_int_equal(s.steps[STEP_KEY].median_ms, 10);
    assert_int_equal(s.steps[STEP_KEY].p95_ms, 19);
    assert_int_equal(s.steps[STEP_CERTIFICATE].median_ms, 3);
    assert_int_equal(s.whole.median_ms, 110);
    assert_int_equal(s.whole.p95_ms, 119);
    assert_int_equal(s.slowest, STEP_KEY);
}

static void
old_boards_are_forgotten(void **state)
{
    struct cycle_summary s;

    (void)state;
    memset(&cycle, 0, sizeof(cycle));
    for (int i = 0; i < CYCLE_KEEP; i++)
        add(1, 1, 5000);
    for (int i = 0; i < CYCLE_KEEP; i++)
        add(1, 1, 7);
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.boards, CYCLE_KEEP);
    assert_int_equal(s.whole.p95_ms, 7);
    assert_int_equal(cycle.count, 2 * CYCLE_KEEP);
}

static void
what_cannot_be_is_cut(void **state)
{
    struct cycle_summary s;

    (void)state;
    memset(&cycle, 0, sizeof(cycle));
    add(-5, 0, INT64_MAX);
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.steps[STEP_KEY].median_ms, 0);
    assert_int_equal(s.whole.median_ms, INT32_MAX);
}

static void
add_text(const char *text)
{
    json_t *j = NULL;

    assert_int_equal(rs_json_read(rs_bytes_str(text), &j, NULL), RS_OK);
    cycle_add_event(&cycle, j);
    json_decref(j);
}

static void
only_boards_that_were_made_count(void **state)
{
    struct cycle_summary s;
    json_t *j;

    (void)state;
    memset(&cycle, 0, sizeof(cycle));
    add_text("{}");
    add_text("{\"event\":\"board.start\",\"state\":\"pass\",\"code\":\"\",\"times\":{}}");
    add_text("{\"event\":\"board.end\",\"state\":\"reject\",\"code\":\"x\",\"times\":{}}");
    add_text("{\"event\":\"board.end\",\"state\":\"pass\",\"code\":\"board.done\",\"times\":{}}");
    add_text("{\"event\":\"board.end\",\"state\":\"pass\",\"code\":\"\"}");
    assert_int_equal(cycle.count, 0);
    add_text("{\"event\":\"board.end\",\"state\":\"pass\",\"code\":\"\",\"took_ms\":90,"
             "\"times\":{\"key\":50,\"lock\":\"x\"}}");
    cycle_summarise(&cycle, &s);
    assert_int_equal(s.boards, 1);
    assert_int_equal(s.whole.median_ms, 90);
    assert_int_equal(s.steps[STEP_KEY].p95_ms, 50);
    j = cycle_json(&s);
    assert_string_equal(rs_json_text_or(j, "slowest", ""), "key");
    assert_int_equal(json_integer_value(json_object_get(j, "p95_ms")), 90);
    assert_int_equal(json_object_size(json_object_get(j, "steps")), STEP_COUNT);
    json_decref(j);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_figure),
        cmocka_unit_test(ranks_are_of_boards),
        cmocka_unit_test(old_boards_are_forgotten),
        cmocka_unit_test(what_cannot_be_is_cut),
        cmocka_unit_test(only_boards_that_were_made_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
