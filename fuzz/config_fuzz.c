/*
 * config_fuzz.c: a file of every type of field.  What loads without a mistake
 * is written and loads again to the same text; mistakes print without a byte
 * that a terminal would obey.
 *
 * The first byte is not YAML: its lowest bit writes defaults too, and bit 1
 * gives so little memory that loading ends in the middle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
    const char *name, *text;
    int64_t number;
};

struct all {
    const char *name, *text;
    int64_t count, every, size, until;
    int on, kind;
    struct rs_config_list hosts;
    struct item map;
    struct rs_config_items rules, boxes;
};

static const char *const kinds[] = {"soft", "atecc608b", NULL};

static const struct rs_config_field item_fields[] = {
    {.name = "name", .type = RS_CONFIG_NAME, .at = offsetof(struct item, name)},
    {.name = "text", .type = RS_CONFIG_TEXT, .at = offsetof(struct item, text)},
    {.name = "number", .type = RS_CONFIG_INT, .at = offsetof(struct item, number), .max = 99},
    {0},
};

static const struct rs_config_field schema[] = {
    {.name = "name", .type = RS_CONFIG_NAME, .at = offsetof(struct all, name)},
    {.name = "text", .type = RS_CONFIG_TEXT, .at = offsetof(struct all, text), .otherwise = "no"},
    {.name = "count", .type = RS_CONFIG_INT, .at = offsetof(struct all, count), .otherwise = "5"},
    {.name = "every", .type = RS_CONFIG_DURATION, .at = offsetof(struct all, every)},
    {.name = "size", .type = RS_CONFIG_SIZE, .at = offsetof(struct all, size), .otherwise = "1KiB"},
    {.name = "until", .type = RS_CONFIG_DATE, .at = offsetof(struct all, until)},
    {.name = "on", .type = RS_CONFIG_BOOL, .at = offsetof(struct all, on), .otherwise = "yes"},
    {.name = "kind", .type = RS_CONFIG_CHOICE, .at = offsetof(struct all, kind), .choices = kinds},
    {.name = "hosts", .type = RS_CONFIG_LIST, .at = offsetof(struct all, hosts)},
    {.name = "map", .type = RS_CONFIG_MAP, .at = offsetof(struct all, map), .fields = item_fields},
    {.name = "rules",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct all, rules),
     .fields = item_fields,
     .item_size = sizeof(struct item)},
    {.name = "boxes",
     .type = RS_CONFIG_TABLE,
     .at = offsetof(struct all, boxes),
     .fields = item_fields,
     .item_size = sizeof(struct item)},
    {0},
};

/* Load text in an arena of max bytes; 1 and written again into out if there was no mistake. */
static int
load_and_put(struct rs_bytes text, size_t max, int full, struct rs_buf *out)
{
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    struct rs_config_errors errors;
    struct rs_config_file *file = NULL;
    struct all all;
    size_t mistakes;

    rs_arena_init(&arena, max);
    rs_config_errors_init(&errors, &arena);
    rs_buf_reset(out);
    mistakes = rs_config_load(&arena, "f.yaml", text, schema, &all, &file, &errors);
    if (mistakes != errors.count)
        abort();
    if (mistakes == 0) {
        rs_config_put(out, schema, &all, full);
        return 1;
    }
    rs_config_errors_put(&errors, out);
    for (size_t i = 0; i < out->len; i++)
        if ((out->p[i] < 0x20 && out->p[i] != '\n' && out->p[i] != '\t') || out->p[i] == 0x7f)
            abort();
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RS_AUTO(rs_buf_done) struct rs_buf first, second;

    if (size == 0)
        return 0;
    rs_buf_init(&first, 4 << 20);
    rs_buf_init(&second, 4 << 20);
    if (load_and_put(rs_bytes_of(data + 1, size - 1), data[0] & 2 ? size * 4 : 8 << 20, data[0] & 1,
                     &first) &&
        rs_buf_ok(&first)) {
        if (!load_and_put(rs_buf_bytes(&first), 16 << 20, data[0] & 1, &second) ||
            !rs_bytes_equal(rs_buf_bytes(&first), rs_buf_bytes(&second)))
            abort();
    }
    return 0;
}
