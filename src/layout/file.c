/*
 * file.c: a layout from text: the driver's own, with what the file says put over it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rot/registry.h>

#include "layout/layout.h"

/* ---- What stands in a file --------------------------------------------------------------------- */

struct place_text {
    const char *slot, *also; /* decimal, or 0x... as data sheets have ids */
    int64_t offset, size;
    const char *algorithm;
    struct rs_config_list may;
};

struct object_text {
    const char *name;
    int remove;
    struct place_text main; /* of the part that the object is about */
    struct place_text part[5];
};

struct layout_text {
    int kind;
    const char *name, *rot, *from;
    struct rs_config_items objects;
};

#define SIZE_MAX_BYTES 16384
/* What a place has, of a place_text that lies at `base` in whatever holds it. */
#define FIELD(word, kind, base, most)                                                              \
    {.name = #word, .type = (kind), .at = (base) + offsetof(struct place_text, word), .max = (most)}
#define PLACE_FIELDS(base)                                                                         \
    FIELD(slot, RS_CONFIG_TEXT, base, 12), FIELD(also, RS_CONFIG_TEXT, base, 12),                  \
        FIELD(offset, RS_CONFIG_INT, base, SIZE_MAX_BYTES),                                        \
        FIELD(size, RS_CONFIG_INT, base, SIZE_MAX_BYTES),                                          \
        FIELD(algorithm, RS_CONFIG_TEXT, base, 16), FIELD(may, RS_CONFIG_LIST, base, 0)

static const struct rs_config_field place_schema[] = {
    PLACE_FIELDS(0),
    {.name = NULL},
};

#define PART(text, number)                                                                         \
    {.name = (text),                                                                               \
     .type = RS_CONFIG_MAP,                                                                        \
     .at = offsetof(struct object_text, part[number]),                                             \
     .fields = place_schema}

static const struct rs_config_field object_schema[] = {
    {.name = "object", .type = RS_CONFIG_TEXT, .at = offsetof(struct object_text, name)},
    {.name = "remove", .type = RS_CONFIG_BOOL, .at = offsetof(struct object_text, remove)},
    PLACE_FIELDS(offsetof(struct object_text, main)),
    PART("key", ROT_PART_KEY),
    PART("cert", ROT_PART_CERT),
    PART("chain", ROT_PART_CHAIN),
    PART("data", ROT_PART_DATA),
    {.name = NULL},
};

static const char *const kinds[] = {"layout", NULL};

static const struct rs_config_field file_schema[] = {
    {.name = "kind",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct layout_text, kind),
     .otherwise = "layout",
     .choices = kinds},
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct layout_text, name),
     .required = 1},
    {.name = "rot", .type = RS_CONFIG_NAME, .at = offsetof(struct layout_text, rot), .required = 1},
    {.name = "from", .type = RS_CONFIG_NAME, .at = offsetof(struct layout_text, from)},
    {.name = "objects",
     .type = RS_CONFIG_TABLE,
     .at = offsetof(struct layout_text, objects),
     .fields = object_schema,
     .item_size = sizeof(struct object_text)},
    {.name = NULL},
};

/* ---- Building ------------------------------------------------------------------------------------ */

struct build {
    struct rs_arena *arena;
    struct rs_config_file *file;
    struct rs_config_errors *errors;
    const char *model;
    size_t mistakes;
    struct rot_layout *layout;
    struct rot_place *places; /* of the layout, LAYOUT_PLACES_MAX of them */
    const char **paths;       /* where in the file each was changed; NULL: it was not */
};

#define COMPLAIN(b, ...)                                                                           \
    do {                                                                                           \
        (b)->mistakes++;                                                                           \
        rs_config_complain((b)->errors, (b)->file, __VA_ARGS__);                                   \
    } while (0)

static int
is_given(const struct place_text *t)
{
    return t->slot != NULL || t->also != NULL || t->offset != 0 || t->size != 0 ||
           t->algorithm != NULL || t->may.count != 0;
}

/* A short form is about the key, where the kind of object has one. */
static enum rot_part
main_part(rot_object object)
{
    switch (ROT_OBJECT_KIND(object)) {
    case ROT_KIND_TRUST:
    case ROT_KIND_FIRMWARE:
    case ROT_KIND_DATA:
    case ROT_KIND_COUNTER:
        return ROT_PART_DATA;
    case ROT_KIND_IDEVID:
    case ROT_KIND_LDEVID:
    case ROT_KIND_SESSION:
    case ROT_KIND_ATTEST:
    case ROT_KIND_VENDOR:
    case ROT_KIND_CHANNEL:
    default:
        return ROT_PART_KEY;
    }
}

static struct rot_place *
find_place(struct build *b, rot_object object, enum rot_part part)
{
    for (size_t i = 0; i < b->layout->place_count; i++) {
        if (b->places[i].object == object && b->places[i].part == (uint8_t)part)
            return &b->places[i];
    }
    return NULL;
}

static struct rot_place *
add_place(struct build *b, rot_object object, enum rot_part part, const char *path)
{
    struct rot_place *p;

    if (b->layout->place_count == LAYOUT_PLACES_MAX) {
        COMPLAIN(b, path, "a layout has at most %d places", LAYOUT_PLACES_MAX);
        return NULL;
    }
    p = &b->places[b->layout->place_count++];
    *p = (struct rot_place){.object = object, .part = (uint8_t)part};
    return p;
}

static int
read_where(const char *text, uint32_t *ret_where)
{
    int hex = strncmp(text, "0x", 2) == 0;
    const char *digits = hex ? text + 2 : text;
    char *end = NULL;
    unsigned long value;

    if (digits[0] == '\0' ||
        strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
        return 0;
    value = strtoul(digits, &end, hex ? 16 : 10);
    if (value > UINT32_MAX)
        return 0;
    *ret_where = (uint32_t)value;
    return 1;
}

static const char *
path_of(struct build *b, const char *object, const char *part, const char *field)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "objects.%.60s%s%s%s%s", object, part[0] != '\0' ? "." : "",
                   part, field[0] != '\0' ? "." : "", field);
    return rs_arena_text(b->arena, text, strlen(text));
}

/* Rights are given whole: what the file does not list, the place does not have. */
static void
set_rights(struct build *b, const struct place_text *t, struct rot_place *p, const char *path)
{
    if (t->may.count != 0)
        p->flags = 0;
    for (size_t i = 0; i < t->may.count; i++) {
        const char *known[16], *name = NULL, *nearest;
        unsigned flag = 0;
        size_t n = 0;

        for (unsigned f = layout_right(0, &name); name != NULL; f = layout_right(n, &name)) {
            known[n++] = name;
            if (strcmp(name, t->may.items[i]) == 0)
                flag = f;
        }
        nearest = rs_nearest(t->may.items[i], known, n);
        if (flag == 0)
            COMPLAIN(b, path, "unknown right \"%.40s\"%s%s%s", t->may.items[i],
                     nearest != NULL ? ", did you mean \"" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "\"?" : "");
        p->flags = (uint16_t)(p->flags | flag);
    }
}

static void
set_where(struct build *b, const struct place_text *t, struct rot_place *p, const char *object,
          const char *part)
{
    if (t->slot != NULL && !read_where(t->slot, &p->where))
        COMPLAIN(b, path_of(b, object, part, "slot"), "slot must be a number, as 3 or 0xe0f1");
    if (t->also != NULL && !read_where(t->also, &p->also))
        COMPLAIN(b, path_of(b, object, part, "also"), "also must be a number, as 3 or 0xe0f1");
    if (t->slot != NULL && t->also == NULL)
        p->also = 0; /* a second copy moves, too, or is none */
    if (t->slot != NULL || t->offset != 0)
        p->offset = (uint16_t)t->offset;
    if (t->size != 0)
        p->size = (uint16_t)t->size;
}

static void
set_place(struct build *b, const struct place_text *t, rot_object object, enum rot_part part,
          const char *name, const char *word)
{
    struct rot_place *p = find_place(b, object, part);
    const char *path = path_of(b, name, word, "");

    if (p == NULL) {
        p = add_place(b, object, part, path);
        if (p == NULL)
            return;
        if (t->slot == NULL && strcmp(b->layout->driver, "soft") != 0)
            COMPLAIN(b, path, "slot is missing: %s has no %s in %s to take it from", name,
                     layout_part_name(part), b->layout->name);
    }
    b->paths[p - b->places] = path;
    set_where(b, t, p, name, word);
    if (t->algorithm != NULL) {
        p->alg = (uint8_t)layout_algorithm(t->algorithm);
        if (p->alg == ROT_ALG_NONE)
            COMPLAIN(b, path_of(b, name, word, "algorithm"), "unknown algorithm \"%.40s\"",
                     t->algorithm);
    }
    set_rights(b, t, p, path_of(b, name, word, "may"));
}

static void
remove_object(struct build *b, rot_object object, const char *path)
{
    size_t kept = 0, had = b->layout->place_count;

    for (size_t i = 0; i < had; i++) {
        if (b->places[i].object == object)
            continue;
        b->paths[kept] = b->paths[i];
        b->places[kept++] = b->places[i];
    }
    b->layout->place_count = kept;
    if (kept == had)
        COMPLAIN(b, path, "there is nothing to remove: %s has no such object", b->layout->name);
}

static void
set_object(struct build *b, const struct object_text *t)
{
    const char *path = path_of(b, t->name, "", "");
    rot_object object = 0;

    if (rot_object_parse(t->name, &object) != ROT_OK) {
        COMPLAIN(b, path,
                 "\"%.40s\" is no object: idevid, ldevid/0, trust/0, firmware/0, session/0, "
                 "data/0, counter/0, attest/0, vendor/0, channel/0",
                 t->name);
        return;
    }
    if (t->remove) {
        remove_object(b, object, path);
        return;
    }
    if (is_given(&t->main))
        set_place(b, &t->main, object, main_part(object), t->name, "");
    for (unsigned part = ROT_PART_KEY; part <= ROT_PART_DATA; part++) {
        if (is_given(&t->part[part]))
            set_place(b, &t->part[part], object, (enum rot_part)part, t->name,
                      layout_part_name(part));
    }
}

/* ---- From what it starts --------------------------------------------------------------------------- */

static const struct rot_layout *
find_base(struct build *b, const struct layout_text *t)
{
    const struct rot_driver *driver = rot_registry_match(t->rot);
    const struct rot_layout *base;
    char known[160] = "";

    if (driver == NULL) {
        COMPLAIN(b, "rot", "no driver for a \"%.40s\"", t->rot);
        return NULL;
    }
    base = rot_registry_layout(driver, t->from);
    if (base != NULL)
        return base;
    for (size_t i = 0; driver->layouts[i] != NULL; i++) {
        size_t at = strlen(known);

        (void)snprintf(known + at, sizeof(known) - at, "%s%s", at > 0 ? ", " : "",
                       driver->layouts[i]->name);
    }
    COMPLAIN(b, "from", "unknown layout \"%.40s\"; %s has: %s", t->from, driver->name, known);
    return NULL;
}

static int
start(struct build *b, const struct layout_text *t)
{
    const struct rot_layout *base = find_base(b, t);

    if (base == NULL)
        return 0;
    b->layout = rs_arena_alloc(b->arena, sizeof(*b->layout));
    b->places = rs_arena_alloc(b->arena, LAYOUT_PLACES_MAX * sizeof(*b->places));
    b->paths = rs_arena_alloc(b->arena, LAYOUT_PLACES_MAX * sizeof(*b->paths));
    if (b->layout == NULL || b->places == NULL || b->paths == NULL ||
        base->place_count > LAYOUT_PLACES_MAX) {
        COMPLAIN(b, NULL, "no memory for a layout");
        return 0;
    }
    *b->layout = *base;
    b->layout->name = t->name;
    b->layout->places = b->places;
    memcpy(b->places, base->places, base->place_count * sizeof(*b->places));
    memset(b->paths, 0, LAYOUT_PLACES_MAX * sizeof(*b->paths));
    return 1;
}

/* Said at the object that was changed; what is wrong by what others do, at the objects. */
static void
on_rule(void *arg, size_t place, size_t other, const char *text)
{
    struct build *b = arg;
    const char *path = place < b->layout->place_count ? b->paths[place] : NULL;

    if (path == NULL && other < b->layout->place_count)
        path = b->paths[other];

    COMPLAIN(b, path != NULL ? path : "objects", "%s", text);
}

static const struct rot_layout *
build(struct build *b, const struct layout_text *t)
{
    const struct object_text *objects = t->objects.items;

    if (!start(b, t))
        return NULL;
    b->model = t->rot;
    for (size_t i = 0; i < t->objects.count; i++)
        set_object(b, &objects[i]);
    if (b->mistakes == 0)
        (void)layout_check(b->layout, b->model, on_rule, b);
    return b->mistakes == 0 ? b->layout : NULL;
}

const struct rot_layout *
layout_read(struct rs_arena *arena, const char *name, struct rs_bytes text,
            struct rs_config_errors *errors)
{
    struct build b = {.arena = arena, .errors = errors};
    struct layout_text t;

    if (rs_config_load(arena, name, text, file_schema, &t, &b.file, errors) != 0)
        return NULL;
    return build(&b, &t);
}

const struct rot_layout *
layout_load(struct rs_arena *arena, const char *path, struct rs_config_errors *errors)
{
    struct build b = {.arena = arena, .errors = errors};
    struct layout_text t;

    if (rs_config_load_file(arena, path, file_schema, &t, &b.file, errors) != 0)
        return NULL;
    return build(&b, &t);
}
