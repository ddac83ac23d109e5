/*
 * clock_test.c: the calendar from year 1 to 9999 against counting by hand, and
 * clocks that tests can shift.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base_test.h"

static void
fields_out_of_range_are_refused(void **state)
{
    static const struct rs_utc bad[] = {
        {0, 1, 1, 0, 0, 0},     {10000, 1, 1, 0, 0, 0}, {2026, 0, 1, 0, 0, 0},
        {2026, 13, 1, 0, 0, 0}, {2026, 1, 0, 0, 0, 0},  {2026, 1, 32, 0, 0, 0},
        {2026, 2, 29, 0, 0, 0}, {1900, 2, 29, 0, 0, 0}, {2024, 2, 30, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0}, {2026, 1, 1, 24, 0, 0}, {2026, 1, 1, 0, 60, 0},
        {2026, 1, 1, 0, 0, 60}, {2026, 1, 1, -1, 0, 0}, {2026, 1, 1, 0, -1, 0},
        {2026, 1, 1, 0, 0, -1}, {-1, 1, 1, 0, 0, 0},    {2026, -1, 1, 0, 0, 0},
    };
    int64_t t = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rs_utc_to_time(&bad[i], &t), 0);
    assert_int_equal(t, 77);
}

static void
other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-24",
        "2026-11-24T06:07:31",
        "2026-11-24T06:07:31z",
        "2026-11-24t06:07:31Z",
        "2026-11-24 06:07:31Z",
        "2026-11-24T06:07:31+00:00",
        "2026-11-24T06:07:3 Z",
        "2026-11-24T06:07:-1Z",
        "+026-11-24T06:07:31Z",
        "2026-02-29T06:07:31Z",
        "2026-11-24T06:07:60Z",
        "2026-11-24T24:00:00Z",
        "2026/11/24T06:07:31Z",
        "2026-11-24T06:07:31.Z",
    };
    int64_t t = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rs_time_read(bad[i], &t), 0);
    assert_int_equal(t, 77);
}

static int
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Every day of 9999 years, counted one by one. */
static void
every_day_of_the_calendar(void **state)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t t = -62135596800;

    (void)state;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            int last = days[month - 1] + (month == 2 && is_leap(year));
            for (int day = 1; day <= last; day++, t += 86400) {
                struct rs_utc utc = {year, month, day, 0, 0, 0}, back;
                int64_t seconds = 0;
                if (!rs_utc_to_time(&utc, &seconds) || seconds != t)
                    fail_msg("%04d-%02d-%02d", year, month, day);
                rs_utc_from_time(t + 86399, &back);
                if (back.year != year || back.month != month || back.day != day ||
                    back.hour != 23 || back.minute != 59 || back.second != 59)
                    fail_msg("%04d-%02d-%02d back", year, month, day);
            }
        }
    }
    assert_true(t == 253402300800);
}

static void
texts_of_known_moments(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {1795500451, "2026-11-24T06:07:31Z"},
        {2147483648, "2038-01-19T03:14:08Z"},
        {2524608000, "2050-01-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {-62135596800, "0001-01-01T00:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[RS_TIME_TEXT_SIZE];
        int64_t t = 0;
        rs_time_text(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(rs_time_read(text, &t), 1);
        assert_true(t == rows[i].seconds);
    }
}

static void
times_past_the_calendar_stay_at_its_ends(void **state)
{
    char text[RS_TIME_TEXT_SIZE];

    (void)state;
    rs_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    rs_time_text(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00Z");
}

static void
rules_shift_the_wall_clock_only(void **state)
{
    int64_t before = rs_now();
    uint64_t mono = rs_mono_us();

    (void)state;
    base_test_rules("clock=+86400");
    assert_in_range(rs_now() - before, 86400, 86402);
    assert_in_range(rs_mono_us() - mono, 0, 5000000);
    base_test_rules("clock=-3600");
    assert_in_range(before - rs_now(), 3597, 3600);
    base_test_rules("clock=@1000000000");
    assert_in_range(rs_now(), 999999999, 1000000002);
    base_test_rules("other:clock=+500,clock-read@1=EIO");
    assert_in_range(rs_now() - before, 0, 5);
    base_test_rules("base_test:clock=+500");
    assert_in_range(rs_now() - before, 500, 505);
    base_test_rules("");
    assert_in_range(rs_now_ms() / 1000 - before, 0, 5);
}

static void
sleep_takes_its_time(void **state)
{
    uint64_t start = rs_mono_us();

    (void)state;
    rs_sleep_us(20000);
    assert_true(rs_mono_us() - start >= 20000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_out_of_range_are_refused),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(every_day_of_the_calendar),
        cmocka_unit_test(texts_of_known_moments),
        cmocka_unit_test(times_past_the_calendar_stay_at_its_ends),
        cmocka_unit_test(rules_shift_the_wall_clock_only),
        cmocka_unit_test(sleep_takes_its_time),
    };

    return cmocka_run_group_tests(tests, base_test_setup, base_test_teardown);
}
