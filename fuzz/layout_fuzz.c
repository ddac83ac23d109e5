/*
 * layout_fuzz.c: a layout file of anybody.  What is taken keeps every rule when it is asked again,
 * and no object has two places; what is not has at least one mistake to show.
 *
 * The first byte chooses how little memory there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "layout/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_rule(void *arg, size_t place, size_t other, const char *text)
{
    (void)arg;
    (void)place;
    (void)other;
    (void)text;
}

static void
check_taken(const struct rot_layout *l)
{
    if (l->place_count > LAYOUT_PLACES_MAX || layout_check(l, l->driver, on_rule, NULL) != 0)
        abort();
    for (size_t i = 0; i < l->place_count; i++) {
        const struct rot_place *p = &l->places[i];

        if (rot_layout_find(l, p->object, (enum rot_part)p->part) != p)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    struct rs_config_errors errors;
    const struct rot_layout *l;

    RS_AUTO(rs_buf_done) struct rs_buf out;
    if (size == 0)
        return 0;
    rs_buf_init(&out, 4 << 20);
    rs_arena_init(&arena, data[0] & 1 ? 4096 * (size_t)data[0] : 8 << 20);
    rs_config_errors_init(&errors, &arena);
    l = layout_read(&arena, "l.yaml", rs_bytes_of(data + 1, size - 1), &errors);
    if (l != NULL)
        check_taken(l);
    else if (errors.count == 0)
        abort();
    rs_config_errors_put(&errors, &out);
    return 0;
}
