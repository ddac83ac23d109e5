/*
 * config.h: YAML files by schema, with errors at line and column.
 *
 * A schema is a constant table: name, type, range, default, and where in the
 * caller's struct the value goes.  The loader keeps the position of each node
 * until the very end, so that later checks (cross references, sizes, dates)
 * can point at the place too, and it reports *all* mistakes of a run, sorted,
 * as  file:line:column: error: text  with the source line and a caret.
 *
 * Refused: anchors, aliases, tags, merge keys, duplicate keys, several
 * documents, unknown keys (the nearest known one is named).  Types come from
 * the schema alone: `no`, `1_000`, `0x10` mean what the field says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum rs_config_type {
    RS_CONFIG_TEXT = 1, /* const char * in the arena; min/max are lengths */
    RS_CONFIG_NAME,     /* text of [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
    RS_CONFIG_INT,      /* int64_t */
    RS_CONFIG_BOOL,     /* int; true false on off yes no */
    RS_CONFIG_CHOICE,   /* int: index into choices */
    RS_CONFIG_DURATION, /* int64_t seconds: 8h 90d 10y 30s 5min; "never" is INT64_MAX */
    RS_CONFIG_SIZE,     /* int64_t bytes: 64KiB, 10MiB, plain */
    RS_CONFIG_DATE,     /* int64_t: 2026-11-24 or RFC 3339; "never" is INT64_MAX */
    RS_CONFIG_LIST,     /* struct rs_config_list of TEXT (or NAME, by item) */
    RS_CONFIG_MAP,      /* nested: `fields` against a struct inside the struct */
    RS_CONFIG_ITEMS,    /* list of maps: struct rs_config_items of structs of item_size */
    RS_CONFIG_TABLE,    /* map with free keys to maps: as ITEMS, the key in the first TEXT field */
};

struct rs_config_list {
    const char **items;
    size_t count;
};

struct rs_config_items {
    void *items; /* item_size each */
    size_t count;
};

/* One key of a schema.  A table ends with name == NULL. */
struct rs_config_field {
    const char *name;
    enum rs_config_type type;
    size_t at; /* offsetof in the target */
    int required;
    int64_t min, max;      /* both 0: no limit */
    const char *otherwise; /* default, as text of the file; NULL: zero/NULL */
    const char *const *choices;
    const struct rs_config_field *fields; /* MAP, ITEMS, TABLE */
    size_t item_size;
    const char *help; /* one line: reference page and `show --full` */
};

struct rs_config_file;  /* a parsed file with its marks */
struct rs_config_error; /* collected mistakes */

struct rs_config_errors {
    struct rs_arena *arena;
    struct rs_config_error *list;
    size_t count;
    size_t file_count; /* files with a mistake in them */
};

void rs_config_errors_init(struct rs_config_errors *errors, struct rs_arena *arena);

/*
 * Parse text (called name in messages) against a schema into *target, which is
 * zeroed first.  Everything lives in the arena.  Returns the number of
 * mistakes found in this file; they are added to errors.
 */
RS_MUST_USE size_t rs_config_load(struct rs_arena *arena, const char *name, struct rs_bytes text,
                                  const struct rs_config_field *schema, void *target,
                                  struct rs_config_file **ret_file,
                                  struct rs_config_errors *errors);

/* The same from a file on disk; not readable is one mistake at 1:1. */
RS_MUST_USE size_t rs_config_load_file(struct rs_arena *arena, const char *path,
                                       const struct rs_config_field *schema, void *target,
                                       struct rs_config_file **ret_file,
                                       struct rs_config_errors *errors);

/*
 * A later check found something: point at the value of `field` (dotted path
 * below the root, "valid.until", "stations[1]"; NULL: the document).
 */
void rs_config_complain(struct rs_config_errors *errors, const struct rs_config_file *file,
                        const char *field, const char *fmt, ...) RS_PRINTF(4, 5);

/* Write all mistakes, sorted by file and position, each with source line and caret. */
void rs_config_errors_put(const struct rs_config_errors *errors, struct rs_buf *out);

/* The nearest known word within edit distance 2, or NULL. */
const char *rs_nearest(const char *word, const char *const *known, size_t count);

/* Write *target as canonical YAML: schema order, defaults left out unless full. */
void rs_config_put(struct rs_buf *out, const struct rs_config_field *schema, const void *target,
                   int full);

/* A duration, size or date as text of the file; used by messages. */
int rs_duration_read(const char *text, int64_t *ret_seconds);
int rs_date_read(const char *text, int64_t *ret_seconds);

#endif /* BASE_CONFIG_H */
