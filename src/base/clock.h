/*
 * clock.h: the only way to the time.
 *
 * Three clocks: wall time for what certificates say, monotonic time for
 * timeouts, and sleeping.  In builds with -Dfaults=true tests shift and freeze
 * them (see inject.h); no other file calls the system's clocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Wall time: seconds and milliseconds since 1970-01-01T00:00:00Z. */
int64_t rs_now(void);
int64_t rs_now_ms(void);

/* Monotonic microseconds since some start. */
uint64_t rs_mono_us(void);

void rs_sleep_us(uint64_t us);

/* A broken-down UTC time.  Proleptic Gregorian, years 1 to 9999. */
struct rs_utc {
    int year, month, day, hour, minute, second;
};

/* A time outside of these years becomes the first or last second of them. */
void rs_utc_from_time(int64_t seconds, struct rs_utc *ret_utc);
/* 0 when a field is out of range (no leap second). */
int rs_utc_to_time(const struct rs_utc *utc, int64_t *ret_seconds);

/* RFC 3339 in UTC, "2026-11-24T06:07:31Z": 21 bytes with NUL. */
#define RS_TIME_TEXT_SIZE 24
void rs_time_text(int64_t seconds, char text[RS_TIME_TEXT_SIZE]);
/* The same read back; 0 for anything else. */
int rs_time_read(const char *text, int64_t *ret_seconds);

#endif /* BASE_CLOCK_H */
