/*
 * check.c: what a layout must keep to, so that it is refused on a desk and not at the first board.
 *
 * Of each family the table below says which places it has and what they hold;
 * sizes are those of the parts, as docs/chips/ has them.  What a driver keeps
 * behind the bytes (a length, a sequence) counts as used.  Places that overlap
 * are one place used twice, except where two names are meant for one key that
 * the vendor made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rot/registry.h>

#include "layout/layout.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define SPANS_MAX  (2 * LAYOUT_PLACES_MAX)
#define ALG(a)     (1ul << (a))
#define WHOLE      0xffffffffu
#define ANY_NUMBER 0xffffffffu

/* Numbers of one kind of place; a key slot and a zone of one number are two places. */
enum space { SPACE_ALL = 0, SPACE_KEY, SPACE_DATA, SPACE_COUNTER, SPACE_SECRET };

struct room {
    enum space space;
    uint32_t from, to;
    uint32_t bytes; /* that one holds, all told; 0: keys only, or as many as there is memory */
};

struct family {
    const char *driver;
    const char *place; /* what data sheets call one */
    unsigned long algorithms;
    unsigned tail;      /* bytes that the driver keeps behind what is stored */
    unsigned key_bytes; /* of a public key that is kept beside its pair, all told */
    int one_space;      /* keys and data are in the same slots */
    int bound;          /* places have rules that only the driver's layout gives */
    const struct room *rooms;
    size_t room_count;
};

static const struct room atecc_rooms[] = {
    {SPACE_ALL, 0, 7, 36},    {SPACE_ALL, 8, 8, 416},         {SPACE_ALL, 9, 15, 72},
    {SPACE_COUNTER, 0, 1, 0}, {SPACE_ALL, 0xffff, 0xffff, 0}, /* TempKey */
};
static const struct room stsafe_rooms[] = {
    {SPACE_KEY, 0, 4, 0},     {SPACE_DATA, 0, 0, 1000}, {SPACE_DATA, 1, 1, 700},
    {SPACE_DATA, 2, 3, 600},  {SPACE_DATA, 4, 4, 1696}, {SPACE_DATA, 7, 7, 1578},
    {SPACE_COUNTER, 5, 6, 0}, {SPACE_SECRET, 0, 15, 0}, {SPACE_SECRET, 0x100, 0x10f, 0},
};
static const struct room optiga_rooms[] = {
    {SPACE_ALL, 0xe0f0, 0xe0f3, 0},     {SPACE_ALL, 0xe100, 0xe103, 0},
    {SPACE_ALL, 0xe200, 0xe200, 0},     {SPACE_ALL, 0xe0e0, 0xe0e3, 1728},
    {SPACE_ALL, 0xe0e8, 0xe0e9, 1200},  {SPACE_ALL, 0xe0ef, 0xe0ef, 1200},
    {SPACE_ALL, 0xf1d0, 0xf1db, 140},   {SPACE_ALL, 0xf1e0, 0xf1e1, 1500},
    {SPACE_COUNTER, 0xe120, 0xe123, 0}, {SPACE_ALL, 0xe120, 0xe123, 8}, /* what it counts to */
};
static const struct room se05x_rooms[] = {
    {SPACE_ALL, 0x00000001, 0x7ffeffff, 2048}, /* one command's worth, and its trailer */
    {SPACE_ALL, 0xf0000000, 0xf000ffff, 2048}, /* the vendor's */
};
static const struct room tpm2_rooms[] = {
    {SPACE_ALL, 0x81000000, 0x81ffffff, 128}, /* persistent handles */
    {SPACE_ALL, 0x01000000, 0x01ffffff, 2048},
    {SPACE_ALL, 0, 0, 0}, /* made anew each time */
};

static const struct room ta100_rooms[] = {
    {SPACE_ALL, 0x8000, 0x81ff, 8192}, /* elements */
    {SPACE_ALL, 0x4000, 0x4003, 0},    /* volatile registers */
    {SPACE_COUNTER, 0x4010, 0x4011, 0},
};

#define EC2         (ALG(ROT_ALG_P256) | ALG(ROT_ALG_P384))
#define SECRET      (ALG(ROT_ALG_AES128) | ALG(ROT_ALG_HMAC_SHA256))
#define ROOMS(list) (list), COUNT(list)

static const struct family families[] = {
    {"atecc", "slot", ALG(ROT_ALG_P256) | SECRET, 4, 0, 1, 1, ROOMS(atecc_rooms)},
    {"stsafe", "zone or key slot", EC2 | SECRET, 12, 76, 0, 0, ROOMS(stsafe_rooms)},
    {"optiga", "object", EC2 | SECRET, 4, 140, 1, 1, ROOMS(optiga_rooms)},
    {"se05x", "object id", EC2 | SECRET | ALG(ROT_ALG_AES256), 8, 0, 1, 0, ROOMS(se05x_rooms)},
    {"ta100", "element", ALG(ROT_ALG_P256) | SECRET | ALG(ROT_ALG_AES256), 8, 0, 1, 0,
     ROOMS(ta100_rooms)},
    {"tpm2", "handle or index", EC2 | ALG(ROT_ALG_RSA2048) | ALG(ROT_ALG_HMAC_SHA256), 8, 0, 1, 0,
     ROOMS(tpm2_rooms)},
    {"soft", "", EC2 | SECRET | ALG(ROT_ALG_AES256) | ALG(ROT_ALG_ED25519) | ALG(ROT_ALG_X25519), 0,
     0, 1, 0, NULL, 0},
};

struct check {
    const struct rot_layout *layout;
    const struct family *family;
    const char *model;
    layout_report report;
    void *arg;
    size_t count;
};

/* What one place takes up; a place of two copies has two. */
struct span {
    size_t place;
    enum space space;
    uint32_t where, from, to;
};

static RS_PRINTF(3, 4) void complain(struct check *c, size_t place, const char *fmt, ...)
{
    char text[240];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->count++;
    c->report(c->arg, place, place, text);
}

/* Both are named, whichever of them the file has moved. */
static void
complain_twice(struct check *c, size_t place, size_t other, const char *number)
{
    const struct rot_place *p = &c->layout->places[place], *q = &c->layout->places[other];
    char text[240], one[ROT_NAME_MAX] = "", two[ROT_NAME_MAX] = "";

    (void)!rot_object_name(p->object, one);
    (void)!rot_object_name(q->object, two);
    (void)snprintf(text, sizeof(text), "double use: %s is for %s of %s and for %s of %s", number,
                   layout_part_name(q->part), two, layout_part_name(p->part), one);
    c->count++;
    c->report(c->arg, place, other, text);
}

static const struct family *
find_family(const char *driver)
{
    for (size_t i = 0; i < COUNT(families); i++) {
        if (strcmp(families[i].driver, driver) == 0)
            return &families[i];
    }
    return NULL;
}

/* ---- Places ----------------------------------------------------------------------------------- */

static int
is_secret(const struct rot_place *p)
{
    return p->part == ROT_PART_KEY && rot_alg_secret_size((enum rot_alg)p->alg) != 0;
}

static enum space
space_of(const struct family *f, const struct rot_place *p)
{
    if (ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER)
        return strcmp(f->driver, "tpm2") == 0 || strcmp(f->driver, "se05x") == 0 ? SPACE_ALL
                                                                                 : SPACE_COUNTER;
    if (f->one_space)
        return SPACE_ALL;
    if (is_secret(p))
        return SPACE_SECRET;
    return p->part == ROT_PART_KEY ? SPACE_KEY : SPACE_DATA;
}

static const struct room *
find_room(const struct family *f, enum space space, uint32_t where)
{
    for (size_t i = 0; i < f->room_count; i++) {
        const struct room *r = &f->rooms[i];

        if (r->space == space && where >= r->from && where <= r->to)
            return r;
    }
    return NULL;
}

/* STSAFE: a place in a zone is written zone and offset. */
static void
split_also(const struct family *f, uint32_t also, uint32_t *ret_where, uint32_t *ret_offset)
{
    int in_zone = strcmp(f->driver, "stsafe") == 0;

    *ret_where = in_zone ? also >> 16 : also;
    *ret_offset = in_zone ? also & 0xffffu : 0;
}

/* Bytes that content takes with what stands behind it; WHOLE: nothing else fits in beside it. */
static uint32_t
need_of(const struct family *f, const struct rot_place *p)
{
    int is_atecc = strcmp(f->driver, "atecc") == 0, is_stsafe = strcmp(f->driver, "stsafe") == 0;

    if (p->part == ROT_PART_KEY || ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER)
        return WHOLE;
    if (is_atecc && (p->flags & (ROT_PLACE_PUBLIC_KEY | ROT_PLACE_COMPRESSED)) != 0)
        return WHOLE;
    if (!is_atecc && !is_stsafe)
        return WHOLE;
    return p->size + ((p->flags & ROT_PLACE_READ_ONLY) != 0 ? 0 : f->tail);
}

static void
put_number(const struct check *c, uint32_t where, char out[48])
{
    (void)snprintf(out, 48, where > 255 ? "%s 0x%04lx" : "%s %lu", c->family->place,
                   (unsigned long)where);
}

/* The place is there, and holds what is to go in. */
static void
check_room(struct check *c, size_t i, uint32_t where, uint32_t offset, uint32_t need)
{
    const struct rot_place *p = &c->layout->places[i];
    enum space space = where == p->where ? space_of(c->family, p)
                                         : (c->family->one_space ? SPACE_ALL : SPACE_DATA);
    const struct room *r = find_room(c->family, space, where);
    char number[48];

    put_number(c, where, number);
    if (r == NULL) {
        complain(c, i, "missing slot: %s has no %s", c->model, number);
        return;
    }
    if (need == WHOLE || r->bytes == 0)
        return;
    if (offset + need > r->bytes)
        complain(c, i, "too small: %s holds %lu bytes, and %lu are wanted at %lu", number,
                 (unsigned long)r->bytes, (unsigned long)need, (unsigned long)offset);
}

/* What of a place's own size fits where the whole place is its own. */
static void
check_size(struct check *c, size_t i)
{
    const struct rot_place *p = &c->layout->places[i];
    const struct room *r = find_room(c->family, space_of(c->family, p), p->where);
    int counter = ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER;
    int is_key = (p->flags & ROT_PLACE_PUBLIC_KEY) != 0;
    size_t want = is_key ? rot_alg_spki_size((enum rot_alg)p->alg) : 0;
    char number[48];

    put_number(c, p->where, number);
    if (p->part != ROT_PART_KEY && !counter && p->size == 0)
        complain(c, i, "too small: 0 bytes can hold nothing; give a size");
    if (is_key && p->size != 0 && p->size < want)
        complain(c, i, "too small: a public key of %s takes %zu bytes, and size is %u",
                 layout_algorithm_name(p->alg), want, p->size);
    if (r == NULL || r->bytes == 0 || p->part == ROT_PART_KEY || counter)
        return;
    if (is_key && strcmp(c->family->driver, "atecc") == 0 && r->bytes < 72)
        complain(c, i, "too small: a public key takes a slot of 72 bytes; %s has %lu", number,
                 (unsigned long)r->bytes);
    else if ((p->flags & ROT_PLACE_COMPRESSED) != 0 && r->bytes < 72)
        complain(c, i, "too small: a compressed certificate takes a slot of 72 bytes; %s has %lu",
                 number, (unsigned long)r->bytes);
    else if (!is_key && (p->flags & (ROT_PLACE_COMPRESSED | ROT_PLACE_READ_ONLY)) == 0 &&
             need_of(c->family, p) == WHOLE && p->size + c->family->tail > r->bytes)
        complain(c, i, "too small: %s holds %lu bytes, %u of them the driver's; size is %u", number,
                 (unsigned long)r->bytes, c->family->tail, p->size);
}

/* ---- Algorithms and rights ---------------------------------------------------------------------- */

static void
check_algorithm(struct check *c, size_t i)
{
    const struct rot_place *p = &c->layout->places[i];
    int needs = p->part == ROT_PART_KEY || (p->flags & ROT_PLACE_PUBLIC_KEY) != 0;

    if (needs && p->alg == ROT_ALG_NONE)
        complain(c, i, "no algorithm: a key has one");
    else if (p->alg != ROT_ALG_NONE && (p->alg > 62 || (c->family->algorithms & ALG(p->alg)) == 0))
        complain(c, i, "algorithm: %s does not have %s", c->model, layout_algorithm_name(p->alg));
    if (is_secret(p) && (p->flags & (ROT_PLACE_SIGN | ROT_PLACE_AGREE)) != 0)
        complain(c, i, "right: %s neither signs nor agrees", layout_algorithm_name(p->alg));
    if (p->part != ROT_PART_KEY && (p->flags & (ROT_PLACE_SIGN | ROT_PLACE_AGREE)) != 0)
        complain(c, i, "right: only a key signs or agrees");
    if ((p->flags & ROT_PLACE_COMPRESSED) != 0 &&
        (strcmp(c->family->driver, "atecc") != 0 || p->part != ROT_PART_CERT))
        complain(c, i, "right: only certificates of an ATECC608 are compressed");
    if ((p->flags & ROT_PLACE_SEAL) != 0 && (p->flags & ROT_PLACE_LOCKABLE) == 0)
        complain(c, i, "right: what is sealed must be lockable");
}

/* The driver's own layouts say which slots are keys: their configuration, or their access rules. */
static int
is_of_driver(const struct rot_layout *l, uint32_t where, int want_key)
{
    const struct rot_driver *d = rot_registry_find(l->driver);

    for (size_t k = 0; d != NULL && d->layouts[k] != NULL; k++) {
        const struct rot_layout *own = d->layouts[k];

        if (own->config != l->config)
            continue;
        for (size_t i = 0; i < own->place_count; i++) {
            const struct rot_place *p = &own->places[i];

            if ((p->where == where && (p->part == ROT_PART_KEY) == want_key) ||
                (p->also != 0 && p->also == where && !want_key))
                return 1;
        }
    }
    return 0;
}

/* ATECC608: KeyConfig, two bytes for each slot from byte 96 on; the image starts at byte 16. */
static int
is_private_slot(const struct rot_layout *l, uint32_t slot)
{
    const uint8_t *image = l->config;

    return slot < 16 && image != NULL && l->config_len == 112 && (image[80 + 2 * slot] & 1) != 0;
}

static void
check_bound(struct check *c, size_t i)
{
    const struct rot_place *p = &c->layout->places[i];
    int key = p->part == ROT_PART_KEY, pair = key && !is_secret(p);
    char number[48];

    if (!c->family->bound || ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER ||
        find_room(c->family, SPACE_ALL, p->where) == NULL)
        return;
    put_number(c, p->where, number);
    if (strcmp(c->family->driver, "atecc") == 0) {
        if (p->where < 16 && is_private_slot(c->layout, p->where) != pair)
            complain(c, i, "slot: the configuration of this layout has %s for %s", number,
                     pair ? "something else than a private key" : "a private key");
    } else if (!is_of_driver(c->layout, p->where, key)) {
        complain(c, i, "slot: this layout has no access rule for %s as %s", number,
                 key ? "a key" : "data");
    }
}

/* ---- Used twice ------------------------------------------------------------------------------------ */

static size_t
add_span(struct span *spans, size_t n, struct span s)
{
    if (n < SPANS_MAX)
        spans[n++] = s;
    return n;
}

static size_t
add_spans(const struct check *c, size_t i, struct span *spans, size_t n)
{
    const struct rot_place *p = &c->layout->places[i];
    const struct family *f = c->family;
    uint32_t need = need_of(f, p), where = 0, offset = 0;
    struct span s = {i, space_of(f, p), p->where, need == WHOLE ? 0 : p->offset,
                     need == WHOLE ? WHOLE : p->offset + need};

    n = add_span(spans, n, s);
    if (p->also == 0)
        return n;
    split_also(f, p->also, &where, &offset);
    s.space = f->one_space ? SPACE_ALL : SPACE_DATA;
    s.where = where;
    s.from = offset;
    s.to = WHOLE;
    if (strcmp(f->driver, "stsafe") == 0)
        s.to = offset + (p->part == ROT_PART_KEY ? f->key_bytes : p->size + f->tail);
    else if ((p->flags & ROT_PLACE_COMPRESSED) != 0)
        s.to = p->size; /* from the slot's start */
    return add_span(spans, n, s);
}

/* One key by two names, which the vendor made. */
static int
may_share(const struct rot_layout *l, const struct span *a, const struct span *b)
{
    const struct rot_place *p = &l->places[a->place], *q = &l->places[b->place];

    return p->part == ROT_PART_KEY && q->part == ROT_PART_KEY && p->alg == q->alg &&
           (p->flags & q->flags & ROT_PLACE_READ_ONLY) != 0;
}

static int
overlap(const struct span *a, const struct span *b)
{
    return a->space == b->space && a->where == b->where && a->from < b->to && b->from < a->to;
}

/* Envelopes of one key, and what is made anew each time, are no places. */
static int
is_shared_number(const struct check *c, const struct span *s)
{
    return s->space == SPACE_SECRET || (strcmp(c->family->driver, "tpm2") == 0 && s->where == 0);
}

/* In each other's way?  The same object and part has one place, wherever it is. */
static void
check_pair(struct check *c, const struct span *a, const struct span *b)
{
    char number[48];

    if (!overlap(a, b) || is_shared_number(c, a) || may_share(c->layout, a, b))
        return;
    put_number(c, b->where, number);
    complain_twice(c, b->place, a->place, number);
}

static void
check_double_use(struct check *c)
{
    struct span spans[SPANS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < c->layout->place_count; i++)
        n = add_spans(c, i, spans, n);
    for (size_t b = 1; b < n; b++) {
        for (size_t a = 0; a < b; a++)
            check_pair(c, &spans[a], &spans[b]);
    }
}

/* ---- All of it --------------------------------------------------------------------------------------- */

static void
check_place(struct check *c, size_t i)
{
    const struct rot_place *p = &c->layout->places[i];
    uint32_t where = 0, offset = 0, need = need_of(c->family, p);

    check_algorithm(c, i);
    if (c->family->room_count == 0)
        return;
    check_room(c, i, p->where, p->offset, need);
    check_size(c, i);
    check_bound(c, i);
    if (p->also == 0)
        return;
    split_also(c->family, p->also, &where, &offset);
    if (strcmp(c->family->driver, "stsafe") == 0)
        need = p->part == ROT_PART_KEY ? c->family->key_bytes : p->size + c->family->tail;
    else if ((p->flags & ROT_PLACE_COMPRESSED) != 0)
        need = p->size;
    check_room(c, i, where, offset, need);
}

size_t
layout_check(const struct rot_layout *layout, const char *model, layout_report report, void *arg)
{
    struct check c = {layout, find_family(layout->driver), model, report, arg, 0};

    if (c.family == NULL) {
        complain(&c, 0, "no rules are known for layouts of the driver %s", layout->driver);
        return c.count;
    }
    if (layout->place_count > LAYOUT_PLACES_MAX) {
        complain(&c, 0, "more than %d places", LAYOUT_PLACES_MAX);
        return c.count;
    }
    for (size_t i = 0; i < layout->place_count; i++)
        check_place(&c, i);
    if (c.family->room_count != 0)
        check_double_use(&c);
    return c.count;
}
