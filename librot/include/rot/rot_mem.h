/*
 * rot_mem.h: the four functions that librot needs from its surroundings.
 *
 * A freestanding compiler brings no <string.h>, yet emits calls to these four
 * by itself (C11 4 p6; the GCC and Clang manuals say so), so every tool chain
 * has them.  They are declared here once for the core and for drivers, and are
 * the only symbols that librot leaves undefined.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_MEM_H
#define ROT_ROT_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *p, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif /* ROT_ROT_MEM_H */
