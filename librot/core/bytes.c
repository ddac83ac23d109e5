/*
 * bytes.c: memory that must be gone, and comparisons that must not tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

void
rot_wipe_memory(void *p, size_t len)
{
    if (p == NULL || len == 0)
        return;
    memset(p, 0, len);
    /* The compiler must believe that somebody reads p now, or it drops the memset. */
    __asm__ volatile("" : : "r"(p) : "memory");
}

int
rot_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    unsigned differing = 0;

    for (size_t i = 0; i < len; i++)
        differing |= (unsigned)(x[i] ^ y[i]);
    return differing == 0;
}
