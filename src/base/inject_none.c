/*
 * inject_none.c: a release build injects nothing and reads no environment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/inject.h"

int
rs_inject_built(void)
{
    return 0;
}

void
rs_inject_program(const char *name)
{
    (void)name;
}

int
rs_inject_before(const char *point)
{
    (void)point;
    return 0;
}

void
rs_inject_after(const char *point)
{
    (void)point;
}

size_t
rs_inject_torn(const char *point, size_t len)
{
    (void)point;
    return len;
}

void
rs_inject_mark(const char *mark)
{
    (void)mark;
}

int64_t
rs_inject_clock(void)
{
    return 0;
}
