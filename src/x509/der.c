/*
 * der.c: see der.h.  X.690 section 10 and 11; RFC 5280 4.1.2.5 for times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/der.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define LENGTH_MAX 0xffffffu

/* ---- Reading ------------------------------------------------------------------- */

void
der_init(struct der *d, struct rs_bytes bytes)
{
    rs_reader_init(&d->in, bytes);
}

int
der_ok(const struct der *d)
{
    return rs_reader_ok(&d->in);
}

int
der_done(const struct der *d)
{
    return rs_reader_done(&d->in);
}

void
der_fail(struct der *d)
{
    d->in.failed = 1;
}

unsigned
der_peek(const struct der *d)
{
    return d->in.failed || d->in.left == 0 ? 0 : d->in.p[0];
}

/* Length octets: short form, or the shortest long form of at most three octets. */
static size_t
take_length(struct der *d)
{
    unsigned first = rs_read_u8(&d->in), count = first & 0x7f;
    size_t len = 0;

    if (first < 0x80)
        return first;
    if (count == 0 || count > 3)
        der_fail(d);
    for (unsigned i = 0; i < count && der_ok(d); i++)
        len = (len << 8) | rs_read_u8(&d->in);
    if (len < 0x80 || (count > 1 && len >> (8 * (count - 1)) == 0))
        der_fail(d);
    return len;
}

struct rs_bytes
der_take(struct der *d, unsigned tag)
{
    size_t len;

    if (rs_read_u8(&d->in) != tag)
        der_fail(d);
    len = take_length(d);
    return rs_read_bytes(&d->in, len);
}

struct rs_bytes
der_take_whole(struct der *d, unsigned tag)
{
    const uint8_t *start = d->in.p;

    (void)der_take(d, tag);
    if (!der_ok(d))
        return (struct rs_bytes){NULL, 0};
    return rs_bytes_of(start, (size_t)(d->in.p - start));
}

struct rs_bytes
der_take_any(struct der *d)
{
    unsigned tag = der_peek(d);

    if (tag == 0 || (tag & 0x1f) == 0x1f) /* multi-byte tags occur nowhere in our protocols */
        der_fail(d);
    return der_take_whole(d, tag);
}

void
der_enter(struct der *d, unsigned tag, struct der *ret_inner)
{
    der_init(ret_inner, der_take(d, tag));
    if (!der_ok(d))
        der_fail(ret_inner);
}

int
der_enter_optional(struct der *d, unsigned tag, struct der *ret_inner)
{
    if (der_peek(d) != tag)
        return 0;
    der_enter(d, tag, ret_inner);
    return 1;
}

struct rs_bytes
der_take_uint(struct der *d, size_t max)
{
    struct rs_bytes v = der_take(d, DER_INTEGER);

    if (v.len == 0 || (v.p[0] & 0x80) != 0 || (v.len > 1 && v.p[0] == 0 && (v.p[1] & 0x80) == 0)) {
        der_fail(d);
        return (struct rs_bytes){NULL, 0};
    }
    if (v.len > 1 && v.p[0] == 0) {
        v.p++;
        v.len--;
    }
    if (v.len > max) {
        der_fail(d);
        return (struct rs_bytes){NULL, 0};
    }
    return v;
}

uint64_t
der_take_small(struct der *d, uint64_t max)
{
    struct rs_bytes v = der_take_uint(d, 8);
    uint64_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n = (n << 8) | v.p[i];
    if (n > max)
        der_fail(d);
    return n;
}

int
der_take_boolean(struct der *d)
{
    struct rs_bytes v = der_take(d, DER_BOOLEAN);

    if (v.len != 1 || (v.p[0] != 0 && v.p[0] != 0xff)) {
        der_fail(d);
        return 0;
    }
    return v.p[0] != 0;
}

struct rs_bytes
der_take_bits(struct der *d)
{
    struct rs_bytes v = der_take(d, DER_BIT_STRING);

    if (v.len == 0 || v.p[0] != 0) {
        der_fail(d);
        return (struct rs_bytes){NULL, 0};
    }
    return rs_bytes_of(v.p + 1, v.len - 1);
}

static int
two_digits(const uint8_t *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ; nothing else, and each only for its years. */
int64_t
der_take_time(struct der *d)
{
    int utc_time = der_peek(d) == DER_UTC_TIME;
    struct rs_bytes v = der_take(d, utc_time ? DER_UTC_TIME : DER_GENERALIZED_TIME);
    size_t want = utc_time ? 13 : 15, at = want - 11;
    struct rs_utc u;
    int64_t t = 0;

    if (v.len != want || v.p[want - 1] != 'Z') {
        der_fail(d);
        return 0;
    }
    u.year = two_digits(v.p);
    if (u.year < 0 || (!utc_time && two_digits(v.p + 2) < 0))
        der_fail(d);
    if (utc_time)
        u.year += u.year < 50 ? 2000 : 1900;
    else
        u.year = u.year * 100 + two_digits(v.p + 2);
    u.month = two_digits(v.p + at);
    u.day = two_digits(v.p + at + 2);
    u.hour = two_digits(v.p + at + 4);
    u.minute = two_digits(v.p + at + 6);
    u.second = two_digits(v.p + at + 8);
    if (!rs_utc_to_time(&u, &t) || (!utc_time && u.year < 2050))
        der_fail(d);
    if (memcmp(v.p, "99991231235959", 14 < v.len ? 14 : v.len) == 0 && !utc_time)
        return INT64_MAX;
    return t;
}

/* ---- Writing --------------------------------------------------------------------- */

void
der_out_init(struct der_out *o, uint8_t *buf, size_t cap)
{
    o->start = buf;
    o->end = buf + cap;
    o->at = o->end;
    o->failed = 0;
}

int
der_out_ok(const struct der_out *o)
{
    return !o->failed;
}

struct rs_bytes
der_out_bytes(const struct der_out *o)
{
    return rs_bytes_of(o->at, (size_t)(o->end - o->at));
}

size_t
der_mark(const struct der_out *o)
{
    return (size_t)(o->end - o->at);
}

void
der_put(struct der_out *o, struct rs_bytes bytes)
{
    if (o->failed || (size_t)(o->at - o->start) < bytes.len) {
        o->failed = 1;
        return;
    }
    o->at -= bytes.len;
    if (bytes.len > 0)
        memcpy(o->at, bytes.p, bytes.len);
}

void
der_put_byte(struct der_out *o, unsigned byte)
{
    uint8_t b = (uint8_t)byte;

    der_put(o, rs_bytes_of(&b, 1));
}

void
der_put_header(struct der_out *o, unsigned tag, size_t mark)
{
    size_t len = der_mark(o) - mark;
    unsigned count = 0;

    if (len > LENGTH_MAX)
        o->failed = 1;
    if (len >= 0x80) {
        for (size_t rest = len; rest > 0; rest >>= 8, count++)
            der_put_byte(o, (unsigned)(rest & 0xff));
        der_put_byte(o, 0x80 | count);
    } else {
        der_put_byte(o, (unsigned)len);
    }
    der_put_byte(o, tag);
}

void
der_put_element(struct der_out *o, unsigned tag, struct rs_bytes content)
{
    size_t mark = der_mark(o);

    der_put(o, content);
    der_put_header(o, tag, mark);
}

void
der_put_uint(struct der_out *o, struct rs_bytes value)
{
    size_t mark = der_mark(o);

    while (value.len > 1 && value.p[0] == 0) {
        value.p++;
        value.len--;
    }
    der_put(o, value);
    if (value.len == 0 || (value.p[0] & 0x80) != 0)
        der_put_byte(o, 0);
    der_put_header(o, DER_INTEGER, mark);
}

void
der_put_small(struct der_out *o, uint64_t value)
{
    uint8_t bytes[8];

    rs_set_u64(bytes, value);
    der_put_uint(o, RS_BYTES(bytes));
}

void
der_put_boolean(struct der_out *o, int value)
{
    uint8_t b = value ? 0xff : 0;

    der_put_element(o, DER_BOOLEAN, rs_bytes_of(&b, 1));
}

void
der_put_bits(struct der_out *o, struct rs_bytes bytes)
{
    size_t mark = der_mark(o);

    der_put(o, bytes);
    der_put_byte(o, 0);
    der_put_header(o, DER_BIT_STRING, mark);
}

void
der_put_named_bits(struct der_out *o, uint32_t value, unsigned count)
{
    uint8_t bytes[5] = {0};
    unsigned last = 0, used = 0;

    for (unsigned n = 0; n < count && n < 32; n++) {
        if ((value >> n & 1) != 0) {
            bytes[1 + n / 8] = (uint8_t)(bytes[1 + n / 8] | (0x80u >> (n % 8)));
            last = n;
            used = 1;
        }
    }
    bytes[0] = (uint8_t)(used ? 7 - last % 8 : 0);
    der_put_element(o, DER_BIT_STRING, rs_bytes_of(bytes, used ? 2 + last / 8 : 1));
}

void
der_put_generalized_time(struct der_out *o, int64_t seconds)
{
    char text[96];
    struct rs_utc u = {9999, 12, 31, 23, 59, 59};

    if (seconds != INT64_MAX)
        rs_utc_from_time(seconds, &u);
    if (u.year < 1 || u.year > 9999)
        o->failed = 1;
    (void)snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", u.year, u.month, u.day, u.hour,
                   u.minute, u.second);
    der_put_element(o, DER_GENERALIZED_TIME, rs_bytes_of(text, 15));
}

void
der_put_time(struct der_out *o, int64_t seconds)
{
    char text[96];
    struct rs_utc u;

    if (seconds != INT64_MAX) {
        rs_utc_from_time(seconds, &u);
        if (u.year >= 1950 && u.year < 2050) {
            (void)snprintf(text, sizeof(text), "%02d%02d%02d%02d%02d%02dZ", u.year % 100, u.month,
                           u.day, u.hour, u.minute, u.second);
            der_put_element(o, DER_UTC_TIME, rs_bytes_of(text, 13));
            return;
        }
    }
    der_put_generalized_time(o, seconds);
}
