/*
 * cbor.c: deterministic CBOR, written and read in place.  See cbor.h.
 *
 * RFC 8949 4.2.1: shortest form of every length and number, definite lengths.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include <string.h>

#define MAJOR_UINT     0u
#define MAJOR_NEGATIVE 1u
#define MAJOR_BYTES    2u
#define MAJOR_TEXT     3u
#define MAJOR_ARRAY    4u
#define MAJOR_MAP      5u
#define SIMPLE_FALSE   0xf4u
#define SIMPLE_TRUE    0xf5u
#define SIMPLE_NULL    0xf6u
#define DEPTH_MAX      8u
#define ITEMS_MAX      65536u

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_cbor
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* ---- Writing ------------------------------------------------------------------ */

static void
put_head(struct rs_buf *b, unsigned major, uint64_t v)
{
    unsigned top = major << 5;

    if (v < 24) {
        rs_buf_put_u8(b, top | (unsigned)v);
    } else if (v <= 0xff) {
        rs_buf_put_u8(b, top | 24);
        rs_buf_put_u8(b, (unsigned)v);
    } else if (v <= 0xffff) {
        rs_buf_put_u8(b, top | 25);
        rs_buf_put_u16(b, (unsigned)v);
    } else if (v <= UINT32_MAX) {
        rs_buf_put_u8(b, top | 26);
        rs_buf_put_u32(b, (uint32_t)v);
    } else {
        rs_buf_put_u8(b, top | 27);
        rs_buf_put_u64(b, v);
    }
}

void
rs_cbor_put_uint(struct rs_buf *b, uint64_t v)
{
    put_head(b, MAJOR_UINT, v);
}

void
rs_cbor_put_int(struct rs_buf *b, int64_t v)
{
    if (v >= 0)
        put_head(b, MAJOR_UINT, (uint64_t)v);
    else
        put_head(b, MAJOR_NEGATIVE, (uint64_t)(-(v + 1)));
}

void
rs_cbor_put_bytes(struct rs_buf *b, struct rs_bytes v)
{
    put_head(b, MAJOR_BYTES, v.len);
    rs_buf_put_bytes(b, v);
}

void
rs_cbor_put_text_bytes(struct rs_buf *b, struct rs_bytes v)
{
    put_head(b, MAJOR_TEXT, v.len);
    rs_buf_put_bytes(b, v);
}

void
rs_cbor_put_text(struct rs_buf *b, const char *v)
{
    rs_cbor_put_text_bytes(b, rs_bytes_str(v));
}

void
rs_cbor_put_bool(struct rs_buf *b, int v)
{
    rs_buf_put_u8(b, v ? SIMPLE_TRUE : SIMPLE_FALSE);
}

void
rs_cbor_put_null(struct rs_buf *b)
{
    rs_buf_put_u8(b, SIMPLE_NULL);
}

void
rs_cbor_put_array(struct rs_buf *b, size_t count)
{
    put_head(b, MAJOR_ARRAY, count);
}

void
rs_cbor_put_map(struct rs_buf *b, size_t pairs)
{
    put_head(b, MAJOR_MAP, pairs);
}

/* ---- Reading ------------------------------------------------------------------- */

void
rs_cbor_init(struct rs_cbor *c, struct rs_bytes bytes)
{
    rs_reader_init(&c->in, bytes);
    c->depth = 0;
}

int
rs_cbor_ok(const struct rs_cbor *c)
{
    return rs_reader_ok(&c->in);
}

int
rs_cbor_done(const struct rs_cbor *c)
{
    return rs_reader_done(&c->in);
}

enum rs_cbor_type
rs_cbor_peek(const struct rs_cbor *c)
{
    static const enum rs_cbor_type majors[] = {RS_CBOR_UINT, RS_CBOR_NEGATIVE, RS_CBOR_BYTES,
                                               RS_CBOR_TEXT, RS_CBOR_ARRAY,    RS_CBOR_MAP};
    unsigned first;

    if (c->in.failed || c->in.left == 0)
        return RS_CBOR_END;
    first = c->in.p[0];
    if (first >> 5 < 6)
        return majors[first >> 5];
    if (first == SIMPLE_NULL)
        return RS_CBOR_NULL;
    return first == SIMPLE_TRUE || first == SIMPLE_FALSE ? RS_CBOR_BOOL : RS_CBOR_END;
}

/* The number of a head of this major type; anything but its shortest form fails. */
static uint64_t
get_head(struct rs_cbor *c, unsigned major)
{
    unsigned first = rs_read_u8(&c->in), info = first & 31;
    uint64_t v = info, least = 0;

    if (first >> 5 != major || info > 27) {
        c->in.failed = 1;
        return 0;
    }
    if (info == 24) {
        v = rs_read_u8(&c->in);
        least = 24;
    } else if (info == 25) {
        v = rs_read_u16(&c->in);
        least = 0x100;
    } else if (info == 26) {
        v = rs_read_u32(&c->in);
        least = 0x10000;
    } else if (info == 27) {
        v = rs_read_u64(&c->in);
        least = 0x100000000u;
    }
    if (v < least)
        c->in.failed = 1;
    return c->in.failed ? 0 : v;
}

uint64_t
rs_cbor_uint(struct rs_cbor *c)
{
    return get_head(c, MAJOR_UINT);
}

int64_t
rs_cbor_int(struct rs_cbor *c)
{
    int negative = rs_cbor_peek(c) == RS_CBOR_NEGATIVE;
    uint64_t v = get_head(c, negative ? MAJOR_NEGATIVE : MAJOR_UINT);

    if (v > INT64_MAX) {
        c->in.failed = 1;
        return 0;
    }
    return negative ? -1 - (int64_t)v : (int64_t)v;
}

static struct rs_bytes
get_string(struct rs_cbor *c, unsigned major, size_t max)
{
    uint64_t len = get_head(c, major);

    if (len > max)
        c->in.failed = 1;
    return rs_read_bytes(&c->in, (size_t)len);
}

struct rs_bytes
rs_cbor_bytes(struct rs_cbor *c, size_t max)
{
    return get_string(c, MAJOR_BYTES, max);
}

struct rs_bytes
rs_cbor_text(struct rs_cbor *c, size_t max)
{
    struct rs_bytes text = get_string(c, MAJOR_TEXT, max);

    for (size_t i = 0; i < text.len;) {
        size_t n = rs_utf8_len(text.p + i, text.len - i + SLACK);
        if (n == 0) {
            c->in.failed = 1;
            return (struct rs_bytes){NULL, 0};
        }
        i += n;
    }
    return text;
}

int
rs_cbor_bool(struct rs_cbor *c)
{
    unsigned v = rs_read_u8(&c->in);

    if (v != SIMPLE_TRUE && v != SIMPLE_FALSE)
        c->in.failed = 1;
    return v == SIMPLE_TRUE;
}

static size_t
get_count(struct rs_cbor *c, unsigned major, size_t max)
{
    uint64_t n = get_head(c, major);

    if (n > max) {
        c->in.failed = 1;
        return 0;
    }
    return (size_t)n;
}

size_t
rs_cbor_array(struct rs_cbor *c, size_t max)
{
    return get_count(c, MAJOR_ARRAY, max);
}

size_t
rs_cbor_map(struct rs_cbor *c, size_t max)
{
    return get_count(c, MAJOR_MAP, max);
}

void
rs_cbor_key(struct rs_cbor *c, uint64_t key)
{
    if (rs_cbor_uint(c) != key)
        c->in.failed = 1;
}

int
rs_cbor_null(struct rs_cbor *c)
{
    if (rs_cbor_peek(c) != RS_CBOR_NULL)
        return 0;
    (void)rs_read_u8(&c->in);
    return 1;
}

static void skip_item(struct rs_cbor *c);

/* Map keys are unsigned and rise strictly, so that there is one encoding only. */
static void
skip_map(struct rs_cbor *c)
{
    size_t pairs = rs_cbor_map(c, ITEMS_MAX);
    uint64_t last = 0;

    for (size_t i = 0; i < pairs && rs_cbor_ok(c); i++) {
        uint64_t key = rs_cbor_uint(c);
        if (i > 0 && key <= last)
            c->in.failed = 1;
        last = key;
        skip_item(c);
    }
}

/* Recursion is bounded by DEPTH_MAX. */
static void
skip_item(struct rs_cbor *c)
{
    size_t n;

    if (++c->depth > DEPTH_MAX)
        c->in.failed = 1;
    switch (rs_cbor_peek(c)) {
    case RS_CBOR_UINT:
        (void)get_head(c, MAJOR_UINT);
        break;
    case RS_CBOR_NEGATIVE:
        (void)get_head(c, MAJOR_NEGATIVE);
        break;
    case RS_CBOR_BYTES:
        (void)rs_cbor_bytes(c, SIZE_MAX);
        break;
    case RS_CBOR_TEXT:
        (void)rs_cbor_text(c, SIZE_MAX);
        break;
    case RS_CBOR_ARRAY:
        n = rs_cbor_array(c, ITEMS_MAX);
        for (size_t i = 0; i < n && rs_cbor_ok(c); i++)
            skip_item(c);
        break;
    case RS_CBOR_MAP:
        skip_map(c);
        break;
    case RS_CBOR_BOOL:
    case RS_CBOR_NULL:
        (void)rs_read_u8(&c->in);
        break;
    case RS_CBOR_END:
    default:
        c->in.failed = 1;
    }
    c->depth--;
}

void
rs_cbor_skip(struct rs_cbor *c)
{
    skip_item(c);
}

struct rs_bytes
rs_cbor_item(struct rs_cbor *c)
{
    const uint8_t *start = c->in.p;

    skip_item(c);
    if (!rs_cbor_ok(c))
        return (struct rs_bytes){NULL, 0};
    return (struct rs_bytes){start, (size_t)(c->in.p - start)};
}
