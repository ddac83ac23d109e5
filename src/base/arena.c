/*
 * arena.c: blocks in a list, bump allocation in the newest.  See arena.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 8192

struct rs_arena_block {
    struct rs_arena_block *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t data[];
};

void
rs_arena_init(struct rs_arena *a, size_t max)
{
    a->blocks = NULL;
    a->used = 0;
    a->max = max;
}

static void
free_blocks(struct rs_arena_block *b)
{
    while (b != NULL) {
        struct rs_arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void
rs_arena_done(struct rs_arena *a)
{
    if (a == NULL)
        return;
    free_blocks(a->blocks);
    rs_arena_init(a, a->max);
}

void
rs_arena_reset(struct rs_arena *a)
{
    if (a->blocks != NULL) {
        free_blocks(a->blocks->next);
        a->blocks->next = NULL;
        a->blocks->used = 0;
        a->used = a->blocks->cap;
    }
}

static struct rs_arena_block *
add_block(struct rs_arena *a, size_t need)
{
    size_t cap = need > BLOCK_SIZE ? need : BLOCK_SIZE;
    struct rs_arena_block *b;

    if (a->max - a->used < cap)
        cap = need;
    if (a->max - a->used < cap)
        return NULL;
    b = malloc(sizeof(*b) + cap);
    if (b == NULL)
        return NULL;
    b->next = a->blocks;
    b->used = 0;
    b->cap = cap;
    a->blocks = b;
    a->used += cap;
    return b;
}

void *
rs_arena_alloc(struct rs_arena *a, size_t len)
{
    const size_t align = alignof(max_align_t);
    struct rs_arena_block *b = a->blocks;
    void *p;

    if (len > a->max || len > SIZE_MAX - align)
        return NULL;
    len = (len + align - 1) / align * align;
    if (b == NULL || b->cap - b->used < len)
        b = add_block(a, len);
    if (b == NULL)
        return NULL;
    p = b->data + b->used;
    b->used += len;
    memset(p, 0, len);
    return p;
}

char *
rs_arena_text(struct rs_arena *a, const char *text, size_t len)
{
    char *p = len < SIZE_MAX ? rs_arena_alloc(a, len + 1) : NULL;

    if (p != NULL && len > 0)
        memcpy(p, text, len);
    return p;
}

struct rs_bytes
rs_arena_copy(struct rs_arena *a, struct rs_bytes bytes)
{
    uint8_t *p = rs_arena_alloc(a, bytes.len ? bytes.len : 1);

    if (p == NULL)
        return (struct rs_bytes){NULL, 0};
    if (bytes.len > 0)
        memcpy(p, bytes.p, bytes.len);
    return (struct rs_bytes){p, bytes.len};
}
