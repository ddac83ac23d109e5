/*
 * arena.h: memory that goes away together.
 *
 * What lives as long as a request comes from the request's arena: no frees on
 * the way, one at the end.  An arena has a maximum; past it allocation fails
 * (NULL), which callers turn into RS_E_NO_MEMORY.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"

struct rs_arena_block;

struct rs_arena {
    struct rs_arena_block *blocks;
    size_t used;
    size_t max;
};

void rs_arena_init(struct rs_arena *a, size_t max);
void rs_arena_done(struct rs_arena *a);
RS_AUTO_DEFINE(struct rs_arena, rs_arena_done);
void rs_arena_reset(struct rs_arena *a); /* everything gone, first block kept */

/* Zeroed memory, aligned for any type; NULL when the arena's maximum is reached. */
void *rs_arena_alloc(struct rs_arena *a, size_t len);
/* Copies; text gets a NUL. */
char *rs_arena_text(struct rs_arena *a, const char *text, size_t len);
struct rs_bytes rs_arena_copy(struct rs_arena *a, struct rs_bytes bytes);

#endif /* BASE_ARENA_H */
