/*
 * clock.c: the time of a device whose clock may not run.
 *
 * A clock that shows less than what certainly has been (this program was
 * built, a certificate of ours began, the server was heard) is behind, and the
 * device goes on with the latest of those.  Nothing raises that mark except
 * what is proved: a server whose clock runs ahead could otherwise make every
 * certificate look expired, for good.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "agent/inner.h"

#define BUILT_AFTER      1793491200 /* 2026-11-01 */
#define DATE_AHEAD_MAX_S (10 * 366 * 86400LL)

int64_t
clock_least(const struct agent *a)
{
    return a->least > BUILT_AFTER ? a->least : BUILT_AFTER;
}

int
clock_is_behind(const struct agent *a)
{
    return rs_now() < clock_least(a);
}

int64_t
clock_now(const struct agent *a)
{
    int64_t now = rs_now() + a->clock_offset;

    return now > clock_least(a) ? now : clock_least(a);
}

void
clock_at_least(struct agent *a, int64_t seconds)
{
    if (seconds > a->least && seconds < INT64_MAX)
        a->least = seconds;
}

void
clock_hear(struct agent *a, int64_t date)
{
    if (clock_is_behind(a) && date > clock_least(a) && date - clock_least(a) < DATE_AHEAD_MAX_S)
        a->clock_offset = date - rs_now();
}
