/*
 * config.c: YAML by schema.  See config.h.
 *
 * libyaml's events become a small tree in the arena that keeps every mark; the
 * schema walks the tree.  Checks that come later find a node again by its
 * dotted path and complain at its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/config.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/clock.h"
#include "base/io.h"

#define DEPTH_MAX        8
#define FILE_MAX_BYTES   ((size_t)1 << 20)
#define ITEMS_MAX        256
#define TEXT_DEFAULT_MAX 4096
#define NO_MEMORY        "no memory for what stands here"

enum node_kind {
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind kind;
    size_t line, column; /* from 1 */
    const char *key;     /* inside a map */
    size_t key_line, key_column;
    const char *text; /* scalar */
    size_t text_len;
    int plain; /* not quoted */
    struct node *first, *last, *next;
    size_t count;
};

struct rs_config_file {
    const char *name;
    struct rs_bytes text;
    struct node *root;
};

struct rs_config_error {
    struct rs_config_error *next;
    const struct rs_config_file *file;
    const char *file_name;
    size_t line, column, width;
    const char *text;
    const char *hint; /* after the caret; "" none */
};

/* ---- Mistakes ---------------------------------------------------------------------------- */

void
rs_config_errors_init(struct rs_config_errors *errors, struct rs_arena *arena)
{
    memset(errors, 0, sizeof(*errors));
    errors->arena = arena;
}

static int
is_before(const struct rs_config_error *a, const struct rs_config_error *b)
{
    int c = strcmp(a->file_name, b->file_name);

    if (c != 0)
        return c < 0;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Kept sorted by file and position. */
static void
insert(struct rs_config_errors *errors, struct rs_config_error *e)
{
    struct rs_config_error **at = &errors->list;
    int known = 0;

    for (const struct rs_config_error *x = errors->list; x != NULL; x = x->next)
        known |= strcmp(x->file_name, e->file_name) == 0;
    errors->file_count += !known;
    while (*at != NULL && !is_before(e, *at))
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    errors->count++;
}

static RS_PRINTF(7, 0) void add_error(struct rs_config_errors *errors,
                                      const struct rs_config_file *file, size_t line, size_t column,
                                      size_t width, const char *hint, const char *fmt, va_list ap)
{
    struct rs_config_error *e = rs_arena_alloc(errors->arena, sizeof(*e));
    char text[400];

    if (e == NULL) {
        errors->count++;
        return;
    }
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    rs_text_clean(text);
    e->file = file;
    e->file_name = file->name;
    e->line = line;
    e->column = column;
    e->width = width > 0 ? width : 1;
    e->text = rs_arena_text(errors->arena, text, strlen(text));
    if (e->text == NULL)
        e->text = "no memory to say what is wrong here";
    e->hint = hint != NULL ? hint : "";
    insert(errors, e);
}

struct load {
    struct rs_arena *arena;
    struct rs_config_file *file;
    struct rs_config_errors *errors;
    size_t mistakes;
    int no_memory;
};

static RS_PRINTF(4, 5) void complain(struct load *l, const struct node *node, const char *hint,
                                     const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_error(l->errors, l->file, node->line, node->column, node->text_len, hint, fmt, ap);
    va_end(ap);
    l->mistakes++;
}

static RS_PRINTF(3, 4) void complain_key(struct load *l, const struct node *node, const char *fmt,
                                         ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_error(l->errors, l->file, node->key_line, node->key_column, strlen(node->key), NULL, fmt,
              ap);
    va_end(ap);
    l->mistakes++;
}

static RS_PRINTF(4, 5) void complain_at(struct load *l, size_t line, size_t column, const char *fmt,
                                        ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_error(l->errors, l->file, line, column, 1, NULL, fmt, ap);
    va_end(ap);
    l->mistakes++;
}

/* ---- The tree ---------------------------------------------------------------------------- */

static struct node *
new_node(struct load *l, enum node_kind kind, const yaml_event_t *event)
{
    struct node *n = rs_arena_alloc(l->arena, sizeof(*n));

    l->no_memory |= n == NULL;
    if (n != NULL) {
        n->kind = kind;
        n->line = event->start_mark.line + 1;
        n->column = event->start_mark.column + 1;
    }
    return n;
}

static void
append(struct node *parent, struct node *child)
{
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

/* Line and column of a byte: libyaml gives no mark for bytes that are no text. */
static void
place_of(struct rs_bytes text, size_t offset, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.p[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

static int
next_event(struct load *l, yaml_parser_t *parser, yaml_event_t *event)
{
    if (yaml_parser_parse(parser, event))
        return 1;
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR)
        place_of(l->file->text, parser->problem_offset, &line, &column);
    complain_at(l, line, column, "cannot be read as YAML: %s",
                parser->problem ? parser->problem : "unknown");
    return 0;
}

/* Anchors, aliases and tags would make one file mean more than it shows. */
static int
is_forbidden(struct load *l, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    switch ((int)e->type) {
    case YAML_ALIAS_EVENT:
        anchor = e->data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor == NULL && tag == NULL)
        return 0;
    complain_at(l, e->start_mark.line + 1, e->start_mark.column + 1,
                anchor != NULL ? "anchors and aliases are not used here"
                               : "tags are not used here: the schema says what a value is");
    return 1;
}

static struct node *read_node(struct load *l, yaml_parser_t *parser, yaml_event_t *event,
                              unsigned depth);

static int
read_list(struct load *l, yaml_parser_t *parser, struct node *list, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(l, parser, &event))
            return 0;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return 1;
        }
        struct node *item = read_node(l, parser, &event, depth);
        if (item == NULL)
            return 0;
        append(list, item);
    }
}

static int
take_key(struct load *l, const yaml_event_t *event, struct node *map, struct node *key)
{
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length == 0 ||
        memchr(event->data.scalar.value, 0, event->data.scalar.length) != NULL) {
        complain_at(l, event->start_mark.line + 1, event->start_mark.column + 1,
                    "a key must be a word");
        return 0;
    }
    key->key =
        rs_arena_text(l->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
    key->key_line = event->start_mark.line + 1;
    key->key_column = event->start_mark.column + 1;
    l->no_memory |= key->key == NULL;
    if (key->key == NULL)
        return 0;
    if (map->count == ITEMS_MAX) {
        complain_key(l, key, "more than %d keys in one map", ITEMS_MAX);
        return 0;
    }
    for (const struct node *n = map->first; n != NULL; n = n->next) {
        if (strcmp(n->key, key->key) == 0) {
            complain_key(l, key, "\"%s\" stands twice; first in line %zu", key->key, n->key_line);
            break;
        }
    }
    return 1;
}

static int
read_map(struct load *l, yaml_parser_t *parser, struct node *map, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        struct node key = {0}, *value;
        int ok;

        if (!next_event(l, parser, &event))
            return 0;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return 1;
        }
        ok = !is_forbidden(l, &event) && take_key(l, &event, map, &key);
        yaml_event_delete(&event);
        if (!ok || !next_event(l, parser, &event))
            return 0;
        value = read_node(l, parser, &event, depth);
        if (value == NULL)
            return 0;
        value->key = key.key;
        value->key_line = key.key_line;
        value->key_column = key.key_column;
        append(map, value);
    }
}

/* Takes over the event. */
static struct node *
read_node(struct load *l, yaml_parser_t *parser, yaml_event_t *event, unsigned depth)
{
    struct node *n = NULL;
    int ok = 1;

    if (is_forbidden(l, event)) {
        yaml_event_delete(event);
        return NULL;
    }
    if (depth > DEPTH_MAX) {
        complain_at(l, event->start_mark.line + 1, event->start_mark.column + 1,
                    "nested deeper than %d", DEPTH_MAX);
        yaml_event_delete(event);
        return NULL;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        n = new_node(l, NODE_SCALAR, event);
        if (n != NULL) {
            n->text_len = event->data.scalar.length;
            n->text = rs_arena_text(l->arena, (const char *)event->data.scalar.value, n->text_len);
            n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
            ok = n->text != NULL;
            l->no_memory |= !ok;
        }
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        n = new_node(l, NODE_LIST, event);
        ok = n != NULL && read_list(l, parser, n, depth + 1);
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        n = new_node(l, NODE_MAP, event);
        ok = n != NULL && read_map(l, parser, n, depth + 1);
    }
    yaml_event_delete(event);
    return ok ? n : NULL;
}

/* Stream start, document start, one node, document end, stream end. */
static struct node *
read_document(struct load *l, yaml_parser_t *parser)
{
    struct node *root = NULL;
    int done = 0;

    while (!done) {
        yaml_event_t event;
        if (!next_event(l, parser, &event))
            return NULL;
        if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL) {
            complain_at(l, event.start_mark.line + 1, event.start_mark.column + 1,
                        "one document in one file");
            yaml_event_delete(&event);
            return NULL;
        }
        if (event.type == YAML_MAPPING_START_EVENT || event.type == YAML_SCALAR_EVENT ||
            event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT) {
            root = read_node(l, parser, &event, 1);
            if (root == NULL)
                return NULL;
            continue;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return root;
}

/* ---- Values --------------------------------------------------------------------------------- */

static size_t
distance(const char *a, const char *b)
{
    size_t row[64], la = strlen(a), lb = strlen(b);

    if (la >= 64 || lb >= 64)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (up + 1 < best)
                best = up + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *
rs_nearest(const char *word, const char *const *known, size_t count)
{
    const char *best = NULL;
    size_t least = 3;

    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, known[i]);
        if (d < least) {
            least = d;
            best = known[i];
        }
    }
    return best;
}

static const char *
did_you_mean(struct rs_arena *arena, const char *nearest)
{
    char text[128];

    if (nearest == NULL)
        return NULL;
    (void)snprintf(text, sizeof(text), "did you mean \"%s\"?", nearest);
    return rs_arena_text(arena, text, strlen(text));
}

/* Digits only; 0 when there are none or they do not fit. */
static int
read_number(const char **text, int64_t *ret_value)
{
    const char *p = *text;
    int64_t v = 0;

    if (*p < '0' || *p > '9')
        return 0;
    while (*p >= '0' && *p <= '9') {
        if (v > (INT64_MAX - 9) / 10)
            return 0;
        v = v * 10 + (*p++ - '0');
    }
    *text = p;
    *ret_value = v;
    return 1;
}

struct unit {
    const char *name;
    int64_t factor;
};

static int
read_units(const char *text, const struct unit *units, size_t count, int64_t *ret_value)
{
    int64_t v;

    if (!read_number(&text, &v))
        return 0;
    while (*text == ' ')
        text++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, text) == 0) {
            if (v > INT64_MAX / units[i].factor)
                return 0;
            *ret_value = v * units[i].factor;
            return 1;
        }
    }
    return 0;
}

int
rs_duration_read(const char *text, int64_t *ret_seconds)
{
    static const struct unit units[] = {{"s", 1},     {"min", 60},     {"h", 3600},
                                        {"d", 86400}, {"y", 31557600}, {"w", 604800}};

    if (strcmp(text, "never") == 0) {
        *ret_seconds = INT64_MAX;
        return 1;
    }
    return read_units(text, units, sizeof(units) / sizeof(units[0]), ret_seconds);
}

static int
size_read(const char *text, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};

    return read_units(text, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

int
rs_date_read(const char *text, int64_t *ret_seconds)
{
    char full[RS_TIME_TEXT_SIZE];

    if (strcmp(text, "never") == 0) {
        *ret_seconds = INT64_MAX;
        return 1;
    }
    if (strlen(text) == 10) {
        (void)snprintf(full, sizeof(full), "%sT00:00:00Z", text);
        return rs_time_read(full, ret_seconds);
    }
    return rs_time_read(text, ret_seconds);
}

static int
bool_read(const char *text, int *ret_value)
{
    static const char *const yes[] = {"true", "on", "yes"};
    static const char *const no[] = {"false", "off", "no"};

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret_value = strcmp(text, yes[i]) == 0;
            return 1;
        }
    }
    return 0;
}

static int
is_name(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        int alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return 0;
    }
    return n >= 1 && n <= 63;
}

/* ---- Fields ------------------------------------------------------------------------------------ */

static void
put_int64(void *target, const struct rs_config_field *f, int64_t v)
{
    memcpy((char *)target + f->at, &v, sizeof(v));
}

static void
put_int(void *target, const struct rs_config_field *f, int v)
{
    memcpy((char *)target + f->at, &v, sizeof(v));
}

static void
put_text(void *target, const struct rs_config_field *f, const char *v)
{
    memcpy((char *)target + f->at, &v, sizeof(v));
}

static void
check_range(struct load *l, const struct rs_config_field *f, const struct node *n, int64_t v)
{
    if ((f->min != 0 || f->max != 0) && v != INT64_MAX && (v < f->min || v > f->max))
        complain(l, n, NULL, "%s must be %lld to %lld", f->name, (long long)f->min,
                 (long long)f->max);
}

static void
set_text(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    size_t max = f->max > 0 ? (size_t)f->max : TEXT_DEFAULT_MAX;

    if (f->type == RS_CONFIG_NAME && !is_name(n->text))
        complain(l, n, NULL, "%s must be a name: letters, digits, \".\", \"_\", \"-\", at most 63",
                 f->name);
    else if (n->text_len > max || n->text_len < (size_t)f->min)
        complain(l, n, NULL, "%s must have %lld to %zu characters", f->name, (long long)f->min,
                 max);
    else
        put_text(target, f, n->text);
}

static void
set_choice(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    char all[256] = "";
    size_t count = 0;

    for (; f->choices[count] != NULL; count++) {
        if (strcmp(f->choices[count], n->text) == 0) {
            put_int(target, f, (int)count);
            return;
        }
        size_t at = strlen(all);
        (void)snprintf(all + at, sizeof(all) - at, "%s%s", count ? ", " : "", f->choices[count]);
    }
    complain(l, n, did_you_mean(l->arena, rs_nearest(n->text, f->choices, count)),
             "%s must be one of: %s", f->name, all);
}

/* NULL when text is a value of the field's type; else what it must be. */
static const char *
read_value(enum rs_config_type type, const char *text, int64_t *ret_value)
{
    switch ((int)type) {
    case RS_CONFIG_INT:
        return read_number(&text, ret_value) && *text == '\0' ? NULL : "a whole number";
    case RS_CONFIG_DURATION:
        return rs_duration_read(text, ret_value) ? NULL
                                                 : "a duration like 30s, 8h, 90d, 10y or never";
    case RS_CONFIG_SIZE:
        return size_read(text, ret_value) ? NULL : "a size like 640, 64KiB or 10MiB";
    case RS_CONFIG_DATE:
        return rs_date_read(text, ret_value) ? NULL : "a date like 2027-01-31, or never";
    default:
        return "a number";
    }
}

static void
set_number(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    int64_t v = 0;
    const char *must_be = read_value(f->type, n->text, &v);

    if (must_be != NULL) {
        complain(l, n, NULL, "%s must be %s", f->name, must_be);
        return;
    }
    check_range(l, f, n, v);
    put_int64(target, f, v);
}

static void load_map(struct load *l, const struct node *map, const struct rs_config_field *schema,
                     void *target);

static void
set_list(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    struct rs_config_list list = {NULL, 0};

    if (n->count > ITEMS_MAX) {
        complain(l, n, NULL, "%s has more than %d items", f->name, ITEMS_MAX);
        return;
    }
    list.items = rs_arena_alloc(l->arena, (n->count + 1) * sizeof(*list.items));
    if (list.items == NULL)
        complain(l, n, NULL, NO_MEMORY);
    for (const struct node *item = n->first; item != NULL && list.items != NULL;
         item = item->next) {
        if (item->kind != NODE_SCALAR || item->text_len == 0 ||
            strlen(item->text) != item->text_len)
            complain(l, item, NULL, "each item of %s must be a text", f->name);
        else
            list.items[list.count++] = item->text;
    }
    memcpy((char *)target + f->at, &list, sizeof(list));
}

/* Lists of maps, and maps of maps whose key goes into the first field. */
static void
set_items(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    struct rs_config_items items = {NULL, 0};
    char *room;

    if (n->count > ITEMS_MAX) {
        complain(l, n, NULL, "%s has more than %d items", f->name, ITEMS_MAX);
        return;
    }
    room = rs_arena_alloc(l->arena, (n->count + 1) * f->item_size);
    if (room == NULL)
        complain(l, n, NULL, NO_MEMORY);
    items.items = room;
    for (const struct node *item = n->first; item != NULL && room != NULL; item = item->next) {
        void *at = room + items.count * f->item_size;
        if (item->kind != NODE_MAP) {
            complain(l, item, NULL, "each item of %s must be a map of keys and values", f->name);
            continue;
        }
        load_map(l, item, f->type == RS_CONFIG_TABLE ? f->fields + 1 : f->fields, at);
        if (f->type == RS_CONFIG_TABLE)
            set_text(l, &f->fields[0],
                     &(struct node){.line = item->key_line,
                                    .column = item->key_column,
                                    .text = item->key,
                                    .text_len = strlen(item->key)},
                     at);
        items.count++;
    }
    memcpy((char *)target + f->at, &items, sizeof(items));
}

static enum node_kind
kind_of(enum rs_config_type type)
{
    if (type == RS_CONFIG_LIST || type == RS_CONFIG_ITEMS)
        return NODE_LIST;
    return type == RS_CONFIG_MAP || type == RS_CONFIG_TABLE ? NODE_MAP : NODE_SCALAR;
}

static void
set_bool(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    int v;

    if (bool_read(n->text, &v))
        put_int(target, f, v);
    else
        complain(l, n, NULL, "%s must be true or false", f->name);
}

static void
set_field(struct load *l, const struct rs_config_field *f, const struct node *n, void *target)
{
    static const char *const words[] = {"a single value", "a list", "a map of keys and values"};

    if (n->kind != kind_of(f->type)) {
        complain(l, n, NULL, "%s must be %s", f->name, words[kind_of(f->type)]);
        return;
    }
    if (n->kind == NODE_SCALAR && strlen(n->text) != n->text_len) {
        complain(l, n, NULL, "%s must not contain a NUL", f->name);
        return;
    }
    switch (f->type) {
    case RS_CONFIG_TEXT:
    case RS_CONFIG_NAME:
        set_text(l, f, n, target);
        break;
    case RS_CONFIG_BOOL:
        set_bool(l, f, n, target);
        break;
    case RS_CONFIG_CHOICE:
        set_choice(l, f, n, target);
        break;
    case RS_CONFIG_INT:
    case RS_CONFIG_DURATION:
    case RS_CONFIG_SIZE:
    case RS_CONFIG_DATE:
        set_number(l, f, n, target);
        break;
    case RS_CONFIG_LIST:
        set_list(l, f, n, target);
        break;
    case RS_CONFIG_MAP:
        load_map(l, n, f->fields, (char *)target + f->at);
        break;
    case RS_CONFIG_ITEMS:
    case RS_CONFIG_TABLE:
    default:
        set_items(l, f, n, target);
    }
}

/* A default is text of the file, so it goes through the same reading. */
static void
set_default(struct load *l, const struct node *map, const struct rs_config_field *f, void *target)
{
    struct node n = {.kind = NODE_SCALAR, .line = map->line, .column = map->column, .plain = 1};
    struct node none = {.kind = NODE_MAP, .line = map->line, .column = map->column};

    if (f->required) {
        complain(l, map, NULL, "\"%s\" is missing", f->name);
    } else if (f->type == RS_CONFIG_MAP) {
        load_map(l, &none, f->fields, (char *)target + f->at);
    } else if (f->otherwise != NULL) {
        n.text = f->otherwise;
        n.text_len = strlen(f->otherwise);
        if (n.text_len == 0 && f->type == RS_CONFIG_TEXT)
            put_text(target, f, "");
        else
            set_field(l, f, &n, target);
    }
}

static void
unknown_key(struct load *l, const struct node *n, const struct rs_config_field *schema)
{
    const char *names[64];
    size_t count = 0;
    const char *nearest;

    for (; schema[count].name != NULL && count < 64; count++)
        names[count] = schema[count].name;
    nearest = rs_nearest(n->key, names, count);
    if (nearest != NULL)
        complain_key(l, n, "unknown key \"%s\", did you mean \"%s\"?", n->key, nearest);
    else
        complain_key(l, n, "unknown key \"%s\"", n->key);
}

static void
load_map(struct load *l, const struct node *map, const struct rs_config_field *schema, void *target)
{
    for (const struct node *n = map->first; n != NULL; n = n->next) {
        const struct rs_config_field *f = schema;
        while (f->name != NULL && strcmp(f->name, n->key) != 0)
            f++;
        if (f->name == NULL)
            unknown_key(l, n, schema);
        else
            set_field(l, f, n, target);
    }
    for (const struct rs_config_field *f = schema; f->name != NULL; f++) {
        const struct node *n = map->first;
        while (n != NULL && strcmp(n->key, f->name) != 0)
            n = n->next;
        if (n == NULL)
            set_default(l, map, f, target);
    }
}

/* ---- Loading ----------------------------------------------------------------------------------- */

static size_t
target_size(const struct rs_config_field *schema)
{
    size_t size = 0;

    for (; schema->name != NULL; schema++) {
        size_t end = schema->at + sizeof(int64_t);
        if (schema->type == RS_CONFIG_LIST || schema->type == RS_CONFIG_ITEMS ||
            schema->type == RS_CONFIG_TABLE)
            end = schema->at + sizeof(struct rs_config_items);
        else if (schema->type == RS_CONFIG_MAP)
            end = schema->at + target_size(schema->fields);
        else if (schema->type == RS_CONFIG_BOOL || schema->type == RS_CONFIG_CHOICE)
            end = schema->at + sizeof(int);
        if (end > size)
            size = end;
    }
    return size;
}

size_t
rs_config_load(struct rs_arena *arena, const char *name, struct rs_bytes text,
               const struct rs_config_field *schema, void *target, struct rs_config_file **ret_file,
               struct rs_config_errors *errors)
{
    struct rs_config_file *file = rs_arena_alloc(arena, sizeof(*file));
    struct load l = {arena, file, errors, 0, 0};
    struct node empty = {.kind = NODE_MAP, .line = 1, .column = 1};
    yaml_parser_t parser;

    memset(target, 0, target_size(schema));
    if (file != NULL) {
        file->name = rs_arena_text(arena, name, strlen(name));
        file->text = rs_arena_copy(arena, text);
    }
    if (file == NULL || file->name == NULL || file->text.p == NULL ||
        !yaml_parser_initialize(&parser)) {
        errors->count++;
        return 1;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, file->text.p, file->text.len);
    file->root = read_document(&l, &parser);
    yaml_parser_delete(&parser);
    if (l.mistakes == 0 && l.no_memory)
        complain_at(&l, 1, 1, "the file is too large to be read");
    else if (l.mistakes == 0 && file->root == NULL)
        file->root = &empty;
    if (file->root != NULL && file->root->kind != NODE_MAP)
        complain(&l, file->root, NULL, "the file must be a map of keys and values");
    else if (file->root != NULL)
        load_map(&l, file->root, schema, target);
    if (file->root == &empty)
        file->root = NULL;
    *ret_file = file;
    return l.mistakes;
}

size_t
rs_config_load_file(struct rs_arena *arena, const char *path, const struct rs_config_field *schema,
                    void *target, struct rs_config_file **ret_file, struct rs_config_errors *errors)
{
    struct rs_err err = {0};

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, FILE_MAX_BYTES);
    if (rs_file_read(path, FILE_MAX_BYTES, &text, &err) != RS_OK) {
        struct rs_config_file *file = rs_arena_alloc(arena, sizeof(*file));
        struct load l = {arena, file, errors, 0, 0};
        if (file == NULL) {
            errors->count++;
            return 1;
        }
        file->name = rs_arena_text(arena, path, strlen(path));
        if (file->name == NULL)
            file->name = "(file)";
        complain_at(&l, 1, 1, "%s", err.text);
        *ret_file = file;
        return 1;
    }
    return rs_config_load(arena, path, rs_buf_bytes(&text), schema, target, ret_file, errors);
}

/* ---- Later checks ------------------------------------------------------------------------------- */

static const struct node *
step(const struct node *n, const char *word, size_t len)
{
    const struct node *child = n->first;

    if (n->kind == NODE_LIST) {
        long index = strtol(word, NULL, 10);
        while (child != NULL && index-- > 0)
            child = child->next;
        return child;
    }
    while (child != NULL && (strlen(child->key) != len || memcmp(child->key, word, len) != 0))
        child = child->next;
    return child;
}

/* "stations[1].name": words between dots and brackets. */
static const struct node *
find_node(const struct node *root, const char *path)
{
    const struct node *n = root;

    while (n != NULL && path != NULL && *path != '\0') {
        size_t len = strcspn(path, ".[]");
        if (len > 0) {
            const struct node *child = step(n, path, len);
            if (child == NULL)
                return n;
            n = child;
        }
        path += len + (path[len] != '\0');
    }
    return n;
}

void
rs_config_complain(struct rs_config_errors *errors, const struct rs_config_file *file,
                   const char *field, const char *fmt, ...)
{
    const struct node *n = find_node(file->root, field);
    va_list ap;

    va_start(ap, fmt);
    add_error(errors, file, n != NULL ? n->line : 1, n != NULL ? n->column : 1,
              n != NULL ? n->text_len : 1, NULL, fmt, ap);
    va_end(ap);
}

/* ---- Printing ------------------------------------------------------------------------------------- */

static struct rs_bytes
source_line(struct rs_bytes text, size_t line)
{
    const uint8_t *p = text.p, *end = text.p + text.len, *stop;

    while (line > 1 && p < end) {
        const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
        p = nl != NULL ? nl + 1 : end;
        line--;
    }
    stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (stop == NULL)
        stop = end;
    if (stop > p && stop[-1] == '\r')
        stop--;
    return rs_bytes_of(p, (size_t)(stop - p));
}

/* As it stands there, but for bytes that would do something to a terminal. */
static void
put_source(struct rs_buf *out, struct rs_bytes line)
{
    for (size_t i = 0; i < line.len;) {
        size_t n = rs_utf8_len(line.p + i, line.len - i);
        int control = line.p[i] < 0x20 || line.p[i] == 0x7f ||
                      (n == 2 && line.p[i] == 0xc2 && line.p[i + 1] < 0xa0);
        if (n == 0 || (control && line.p[i] != '\t'))
            rs_buf_put_u8(out, '?');
        else
            rs_buf_put(out, line.p + i, n);
        i += n > 0 ? n : 1;
    }
    rs_buf_put_u8(out, '\n');
}

static void
put_error(const struct rs_config_error *e, struct rs_buf *out)
{
    struct rs_bytes line = source_line(e->file->text, e->line);
    size_t column = e->column > line.len + 1 ? line.len + 1 : e->column;
    size_t width = e->width;

    rs_buf_printf(out, "%s:%zu:%zu: error: %s\n", e->file_name, e->line, e->column, e->text);
    if (line.len == 0)
        return;
    if (column - 1 + width > line.len)
        width = line.len > column - 1 ? line.len - (column - 1) : 1;
    int digits = snprintf(NULL, 0, "%3zu", e->line);
    rs_buf_printf(out, "%3zu | ", e->line);
    put_source(out, line);
    rs_buf_printf(out, "%*s | ", digits, "");
    for (size_t i = 1; i < column; i++)
        rs_buf_put_u8(out, i <= line.len && line.p[i - 1] == '\t' ? '\t' : ' ');
    rs_buf_put_u8(out, '^');
    for (size_t i = 1; i < width; i++)
        rs_buf_put_u8(out, '~');
    if (e->hint[0] != '\0')
        rs_buf_printf(out, " %s", e->hint);
    rs_buf_put_u8(out, '\n');
}

void
rs_config_errors_put(const struct rs_config_errors *errors, struct rs_buf *out)
{
    for (const struct rs_config_error *e = errors->list; e != NULL; e = e->next)
        put_error(e, out);
}

/* ---- Writing ---------------------------------------------------------------------------------------- */

static void
put_indent(struct rs_buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        rs_buf_put_str(out, "  ");
}

/* Quoted always: what is written reads back the same, whatever YAML would guess. */
static void
put_quoted(struct rs_buf *out, const char *text)
{
    rs_buf_put_u8(out, '"');
    for (; *text != '\0'; text++) {
        const unsigned char *p = (const unsigned char *)text;
        if (*text == '"' || *text == '\\')
            rs_buf_put_u8(out, '\\');
        if (*p < 0x20 || *p == 0x7f) {
            rs_buf_printf(out, "\\x%02x", *p);
        } else if (*p == 0xc2 && p[1] < 0xa0) { /* U+0080 to U+009F: YAML folds or refuses them */
            rs_buf_printf(out, "\\x%02x", p[1]);
            text++;
        } else if (*p == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
            rs_buf_put_str(out, p[2] == 0xa8 ? "\\L" : "\\P"); /* line and paragraph separator */
            text += 2;
        } else if (*p == 0xef && p[1] == 0xbb && p[2] == 0xbf) { /* byte order mark */
            rs_buf_put_str(out, "\\ufeff");
            text += 2;
        } else {
            rs_buf_put_u8(out, *p);
        }
    }
    rs_buf_put_u8(out, '"');
}

static void
scalar_text(const struct rs_config_field *f, const void *target, char *out, size_t cap)
{
    const char *at = (const char *)target + f->at;
    int64_t wide = 0;
    int narrow = 0;

    if (f->type == RS_CONFIG_BOOL || f->type == RS_CONFIG_CHOICE)
        memcpy(&narrow, at, sizeof(narrow));
    else
        memcpy(&wide, at, sizeof(wide));
    if (f->type == RS_CONFIG_BOOL)
        (void)snprintf(out, cap, "%s", narrow ? "true" : "false");
    else if (f->type == RS_CONFIG_CHOICE)
        (void)snprintf(out, cap, "%s", f->choices[narrow]);
    else if ((f->type == RS_CONFIG_DURATION || f->type == RS_CONFIG_DATE) && wide == INT64_MAX)
        (void)snprintf(out, cap, "never");
    else if (f->type == RS_CONFIG_DURATION)
        (void)snprintf(out, cap, wide % 86400 == 0 ? "%lldd" : "%llds",
                       (long long)(wide % 86400 == 0 ? wide / 86400 : wide));
    else if (f->type == RS_CONFIG_DATE && cap >= RS_TIME_TEXT_SIZE)
        rs_time_text(wide, out);
    else
        (void)snprintf(out, cap, "%lld", (long long)wide);
}

static void put_map(struct rs_buf *out, const struct rs_config_field *schema, const void *target,
                    int full, unsigned depth);

static void
put_list(struct rs_buf *out, const struct rs_config_field *f, const void *target)
{
    struct rs_config_list list;

    memcpy(&list, (const char *)target + f->at, sizeof(list));
    rs_buf_put_str(out, "[");
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            rs_buf_put_str(out, ", ");
        put_quoted(out, list.items[i]);
    }
    rs_buf_put_str(out, "]\n");
}

/* A map below a key or a dash; an empty one is written as such, not as nothing. */
static void
put_nested(struct rs_buf *out, const char *head, const struct rs_config_field *schema,
           const void *target, int full, unsigned depth)
{
    size_t before;

    rs_buf_printf(out, "%s\n", head);
    before = out->len;
    put_map(out, schema, target, full, depth);
    if (rs_buf_ok(out) && out->len == before) {
        out->len--;
        rs_buf_put_str(out, " {}\n");
    }
}

static void
put_items(struct rs_buf *out, const struct rs_config_field *f, const void *target, int full,
          unsigned depth)
{
    struct rs_config_items items;

    memcpy(&items, (const char *)target + f->at, sizeof(items));
    rs_buf_put_str(out, items.count > 0 ? "\n" : f->type == RS_CONFIG_TABLE ? "{}\n" : "[]\n");
    for (size_t i = 0; i < items.count; i++) {
        const char *at = (const char *)items.items + i * f->item_size;
        put_indent(out, depth + 1);
        if (f->type == RS_CONFIG_TABLE) {
            const char *key;
            memcpy(&key, at + f->fields[0].at, sizeof(key));
            put_quoted(out, key);
            put_nested(out, ":", f->fields + 1, at, full, depth + 2);
        } else {
            put_nested(out, "-", f->fields, at, full, depth + 2);
        }
    }
}

static int64_t
number_at(const struct rs_config_field *f, const void *target)
{
    int64_t wide = 0;
    int narrow = 0;

    if (f->type == RS_CONFIG_BOOL || f->type == RS_CONFIG_CHOICE) {
        memcpy(&narrow, (const char *)target + f->at, sizeof(narrow));
        return narrow;
    }
    memcpy(&wide, (const char *)target + f->at, sizeof(wide));
    return wide;
}

/* The default as the loader would read it; 0 when the schema has none. */
static int64_t
default_number(const struct rs_config_field *f)
{
    int64_t wide = 0;
    int narrow = 0;

    if (f->otherwise == NULL)
        return 0;
    if (f->type == RS_CONFIG_BOOL)
        return bool_read(f->otherwise, &narrow) ? narrow : 0;
    if (f->type == RS_CONFIG_CHOICE) {
        while (f->choices[narrow] != NULL && strcmp(f->choices[narrow], f->otherwise) != 0)
            narrow++;
        return narrow;
    }
    return read_value(f->type, f->otherwise, &wide) == NULL ? wide : 0;
}

static int
is_unset(const struct rs_config_field *f, const void *target)
{
    const char *at = (const char *)target + f->at;
    struct rs_config_items items;
    const char *text;

    switch (f->type) {
    case RS_CONFIG_TEXT:
    case RS_CONFIG_NAME:
        memcpy(&text, at, sizeof(text));
        return text == NULL || (f->otherwise != NULL && strcmp(text, f->otherwise) == 0);
    case RS_CONFIG_LIST:
    case RS_CONFIG_ITEMS:
    case RS_CONFIG_TABLE:
        memcpy(&items, at, sizeof(items));
        return items.count == 0;
    case RS_CONFIG_MAP:
        return 0;
    case RS_CONFIG_INT:
    case RS_CONFIG_BOOL:
    case RS_CONFIG_CHOICE:
    case RS_CONFIG_DURATION:
    case RS_CONFIG_SIZE:
    case RS_CONFIG_DATE:
    default:
        return number_at(f, target) == default_number(f);
    }
}

static void
put_map(struct rs_buf *out, const struct rs_config_field *schema, const void *target, int full,
        unsigned depth)
{
    for (const struct rs_config_field *f = schema; f->name != NULL; f++) {
        char scalar[64];
        int unset = is_unset(f, target);
        const char *text = NULL;

        if (unset && !f->required && !(full && f->otherwise != NULL))
            continue;
        put_indent(out, depth);
        rs_buf_printf(out, f->type == RS_CONFIG_MAP ? "%s" : "%s: ", f->name);
        if (f->type == RS_CONFIG_MAP) {
            put_nested(out, ":", f->fields, (const char *)target + f->at, full, depth + 1);
        } else if (f->type == RS_CONFIG_LIST) {
            put_list(out, f, target);
        } else if (f->type == RS_CONFIG_ITEMS || f->type == RS_CONFIG_TABLE) {
            put_items(out, f, target, full, depth);
        } else {
            if (f->type == RS_CONFIG_TEXT || f->type == RS_CONFIG_NAME) {
                memcpy(&text, (const char *)target + f->at, sizeof(text));
                put_quoted(out, text != NULL ? text : f->otherwise);
            } else {
                scalar_text(f, target, scalar, sizeof(scalar));
                rs_buf_put_str(out, scalar);
            }
            rs_buf_put_str(out, unset ? "   # default\n" : "\n");
        }
    }
}

void
rs_config_put(struct rs_buf *out, const struct rs_config_field *schema, const void *target,
              int full)
{
    put_map(out, schema, target, full, 0);
}
