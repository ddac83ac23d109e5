/*
 * clock.c: the system's clocks, shifted by tests, and the calendar.  See clock.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/inject.h"

int64_t
rs_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return ((int64_t)ts.tv_sec + rs_inject_clock()) * 1000 + ts.tv_nsec / 1000000;
}

int64_t
rs_now(void)
{
    int64_t ms = rs_now_ms();

    return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

uint64_t
rs_mono_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void
rs_sleep_us(uint64_t us)
{
    struct timespec ts = {(time_t)(us / 1000000u), (long)(us % 1000000u) * 1000};

    while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
        continue;
}

/* ---- Calendar -------------------------------------------------------------------- */

/* Days since 1970-01-01 of a date; the year begins in March, so that leap days come last. */
static int64_t
days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define TIME_FIRST INT64_C(-62135596800)
#define TIME_LAST  INT64_C(253402300799)

static int64_t
clamp(int64_t seconds)
{
    if (seconds < TIME_FIRST)
        return TIME_FIRST;
    return seconds > TIME_LAST ? TIME_LAST : seconds;
}

void
rs_utc_from_time(int64_t any_seconds, struct rs_utc *ret_utc)
{
    int64_t seconds = clamp(any_seconds);
    int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    int64_t rest = seconds - days * 86400;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;

    ret_utc->day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    ret_utc->month = (int)(m < 10 ? m + 3 : m - 9);
    ret_utc->year = (int)(year_of_era + era * 400 + (ret_utc->month <= 2));
    ret_utc->hour = (int)(rest / 3600);
    ret_utc->minute = (int)(rest / 60 % 60);
    ret_utc->second = (int)(rest % 60);
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

int
rs_utc_to_time(const struct rs_utc *utc, int64_t *ret_seconds)
{
    if (utc->year < 1 || utc->year > 9999 || utc->month < 1 || utc->month > 12 || utc->day < 1 ||
        utc->day > days_in_month(utc->year, utc->month) || utc->hour < 0 || utc->hour > 23 ||
        utc->minute < 0 || utc->minute > 59 || utc->second < 0 || utc->second > 59)
        return 0;
    *ret_seconds = days_from_date(utc->year, utc->month, utc->day) * 86400 + utc->hour * 3600 +
                   utc->minute * 60 + utc->second;
    return 1;
}

void
rs_time_text(int64_t seconds, char text[RS_TIME_TEXT_SIZE])
{
    struct rs_utc u;
    char wide[96];

    rs_utc_from_time(seconds, &u);
    (void)snprintf(wide, sizeof(wide), "%04d-%02d-%02dT%02d:%02d:%02dZ", u.year, u.month, u.day,
                   u.hour, u.minute, u.second);
    memcpy(text, wide, RS_TIME_TEXT_SIZE - 1);
    text[RS_TIME_TEXT_SIZE - 1] = '\0';
}

/* Digits of a fixed width; -1 for anything else. */
static int
digits(const char *p, int count)
{
    int v = 0;

    for (int i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

int
rs_time_read(const char *text, int64_t *ret_seconds)
{
    struct rs_utc u;

    if (strlen(text) != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z')
        return 0;
    u.year = digits(text, 4);
    u.month = digits(text + 5, 2);
    u.day = digits(text + 8, 2);
    u.hour = digits(text + 11, 2);
    u.minute = digits(text + 14, 2);
    u.second = digits(text + 17, 2);
    return rs_utc_to_time(&u, ret_seconds);
}
