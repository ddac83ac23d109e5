/*
 * meta.c: metadata in and out (section 6.2).
 *
 * An outer tag 20, then tags with one byte of length, at most 44 bytes in all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    TAG_OUTER = 0x20,
    TAG_LCSO = 0xC0,
    TAG_VERSION = 0xC1,
    TAG_MAX = 0xC4,
    TAG_USED = 0xC5,
    TAG_CHANGE = 0xD0,
    TAG_READ = 0xD1,
    TAG_EXECUTE = 0xD3,
    TAG_UPDATE = 0xD8,
    TAG_ALG = 0xE0,
    TAG_USAGE = 0xE1,
    TAG_TYPE = 0xE8,
    TAG_RESET = 0xF0,
};

#define HEADER 2

uint8_t
optiga_lcso(const struct optiga_meta *m)
{
    return m->has & OPTIGA_HAS_LCSO ? m->lcso : OPTIGA_OPERATIONAL;
}

/* ---- Out ----------------------------------------------------------------------------------- */

static void
put(struct rs_buf *b, uint8_t tag, const uint8_t *p, size_t len)
{
    rs_buf_put_u8(b, tag);
    rs_buf_put_u8(b, (unsigned)len);
    rs_buf_put(b, p, len);
}

static void
put_u8(struct rs_buf *b, const struct optiga_meta *m, unsigned has, uint8_t tag, uint8_t v)
{
    if (m->has & has)
        put(b, tag, &v, 1);
}

/* Sizes take one byte where that is enough. */
static void
put_size(struct rs_buf *b, const struct optiga_meta *m, unsigned has, uint8_t tag, uint16_t v)
{
    uint8_t bytes[2];
    int small = v < 0x100 && OPTIGA_U_USED_SIZE_SHORT;

    rs_set_u16(bytes, v);
    if (m->has & has)
        put(b, tag, bytes + small, small ? 1 : 2);
}

static void
put_expr(struct rs_buf *b, uint8_t tag, const struct optiga_expr *e)
{
    if (e->len > 0)
        put(b, tag, e->p, e->len);
}

size_t
optiga_meta_write(const struct optiga_meta *m, uint8_t out[OPTIGA_META_MAX])
{
    uint8_t version[2];
    struct rs_buf b;

    rs_buf_init_fixed(&b, out, OPTIGA_META_MAX);
    rs_buf_put_u8(&b, TAG_OUTER);
    rs_buf_put_u8(&b, 0);
    put_u8(&b, m, OPTIGA_HAS_LCSO, TAG_LCSO, m->lcso);
    rs_set_u16(version, m->version);
    if (m->has & OPTIGA_HAS_VERSION)
        put(&b, TAG_VERSION, version, 2);
    put_size(&b, m, OPTIGA_HAS_MAX, TAG_MAX, m->max);
    put_size(&b, m, OPTIGA_HAS_USED, TAG_USED, m->used);
    put_expr(&b, TAG_CHANGE, &m->change);
    put_expr(&b, TAG_READ, &m->read);
    put_expr(&b, TAG_EXECUTE, &m->execute);
    put_expr(&b, TAG_UPDATE, &m->update);
    put_u8(&b, m, OPTIGA_HAS_ALG, TAG_ALG, m->alg);
    put_u8(&b, m, OPTIGA_HAS_USAGE, TAG_USAGE, m->usage);
    put_u8(&b, m, OPTIGA_HAS_TYPE, TAG_TYPE, m->type);
    put_u8(&b, m, OPTIGA_HAS_RESET, TAG_RESET, m->reset);
    if (!rs_buf_ok(&b))
        return 0;
    out[1] = (uint8_t)(b.len - HEADER);
    return b.len;
}

/* ---- In ------------------------------------------------------------------------------------- */

static int
take_u8(struct optiga_meta *m, unsigned has, struct rs_bytes v, uint8_t *field)
{
    if (v.len != 1)
        return 0;
    *field = v.p[0];
    m->has = (uint16_t)(m->has | has);
    return 1;
}

static int
take_number(struct optiga_meta *m, unsigned has, struct rs_bytes v, uint16_t *field)
{
    if (v.len != 1 && v.len != 2)
        return 0;
    *field = v.len == 2 ? rs_get_u16(v.p) : v.p[0];
    m->has = (uint16_t)(m->has | has);
    return 1;
}

static int
take_expr(struct rs_bytes v, struct optiga_expr *e)
{
    if (v.len == 0 || v.len > sizeof(e->p))
        return 0;
    e->len = (uint8_t)v.len;
    memcpy(e->p, v.p, v.len);
    return 1;
}

/* 0: not a tag, or not with this length. */
static int
take(struct optiga_meta *m, unsigned tag, struct rs_bytes v)
{
    switch (tag) {
    case TAG_LCSO:
        return take_u8(m, OPTIGA_HAS_LCSO, v, &m->lcso);
    case TAG_VERSION:
        return v.len == 2 && take_number(m, OPTIGA_HAS_VERSION, v, &m->version);
    case TAG_MAX:
        return take_number(m, OPTIGA_HAS_MAX, v, &m->max);
    case TAG_USED:
        return take_number(m, OPTIGA_HAS_USED, v, &m->used);
    case TAG_CHANGE:
        return take_expr(v, &m->change);
    case TAG_READ:
        return take_expr(v, &m->read);
    case TAG_EXECUTE:
        return take_expr(v, &m->execute);
    case TAG_UPDATE:
        return take_expr(v, &m->update);
    case TAG_ALG:
        return take_u8(m, OPTIGA_HAS_ALG, v, &m->alg);
    case TAG_USAGE:
        return take_u8(m, OPTIGA_HAS_USAGE, v, &m->usage);
    case TAG_TYPE:
        return take_u8(m, OPTIGA_HAS_TYPE, v, &m->type);
    case TAG_RESET:
        return take_u8(m, OPTIGA_HAS_RESET, v, &m->reset);
    default:
        return 0;
    }
}

/* The next TLV; 0 at the end or when it is cut off (then r has failed). */
static int
next(struct rs_reader *r, unsigned *tag, struct rs_bytes *value)
{
    if (r->left == 0)
        return 0;
    *tag = rs_read_u8(r);
    *value = rs_read_bytes(r, rs_read_u8(r));
    return rs_reader_ok(r);
}

/* Reader over what is inside the outer tag; 0 when that is malformed. */
static int
enter(const uint8_t *p, size_t len, struct rs_reader *r)
{
    if (len < HEADER || len > OPTIGA_META_MAX || p[0] != TAG_OUTER || p[1] != len - HEADER)
        return 0;
    rs_reader_init(r, rs_bytes_of(p + HEADER, len - HEADER));
    return 1;
}

int
optiga_meta_read(const uint8_t *p, size_t len, struct optiga_meta *ret)
{
    struct rs_reader r;
    struct rs_bytes value;
    unsigned tag;

    memset(ret, 0, sizeof(*ret));
    if (len == HEADER || !enter(p, len, &r))
        return 0;
    while (next(&r, &tag, &value))
        if (!take(ret, tag, value))
            return 0;
    return rs_reader_ok(&r);
}

/* ---- Changes by a host -------------------------------------------------------------------------- */

static int
is_life_cycle(uint8_t v)
{
    return v == OPTIGA_CREATION || v == OPTIGA_INITIALIZATION || v == OPTIGA_OPERATIONAL ||
           v == OPTIGA_TERMINATION;
}

static int
is_type(const struct optiga_chip *c, uint8_t v)
{
    switch (v) {
    case OPTIGA_TYPE_BYTES:
    case OPTIGA_TYPE_COUNTER:
    case OPTIGA_TYPE_TRUST:
    case OPTIGA_TYPE_IDENTITY:
    case OPTIGA_TYPE_SECRET:
    case OPTIGA_TYPE_BINDING:
        return 1;
    case OPTIGA_TYPE_UPDATE:
    case OPTIGA_TYPE_AUTOREF:
        return (int)c->v3;
    default:
        return 0;
    }
}

/* Keys have a usage, data has a type. */
static int
tag_allowed(const struct optiga_chip *c, const struct optiga_object *o, unsigned tag)
{
    switch (tag) {
    case TAG_LCSO:
    case TAG_VERSION:
    case TAG_CHANGE:
    case TAG_READ:
    case TAG_EXECUTE:
        return 1;
    case TAG_USAGE:
        return o->place->kind != OPTIGA_KIND_DATA;
    case TAG_TYPE:
        return o->place->kind == OPTIGA_KIND_DATA;
    case TAG_UPDATE:
    case TAG_RESET:
        return (int)c->v3;
    default:
        return 0;
    }
}

static int
value_ok(const struct optiga_chip *c, unsigned tag, struct rs_bytes v)
{
    switch (tag) {
    case TAG_LCSO:
        return v.len == 1 && is_life_cycle(v.p[0]);
    case TAG_TYPE:
        return v.len == 1 && is_type(c, v.p[0]);
    case TAG_CHANGE:
    case TAG_READ:
    case TAG_EXECUTE:
    case TAG_UPDATE:
        return optiga_expr_ok(c, v.p, v.len);
    default:
        return 1;
    }
}

static int
change_one(const struct optiga_chip *c, const struct optiga_object *o, int by_update, unsigned tag,
           struct rs_bytes v, struct optiga_meta *m)
{
    const struct optiga_meta *before = &o->meta;

    if (!tag_allowed(c, o, tag))
        return OPTIGA_U_META_TAG_ERROR;
    if (!value_ok(c, tag, v))
        return OPTIGA_E_PARAMETER;
    if (tag == TAG_LCSO && !by_update &&
        (!(before->has & OPTIGA_HAS_LCSO) || v.p[0] < before->lcso))
        return OPTIGA_E_ACCESS;
    if (tag != TAG_LCSO && !by_update && optiga_lcso(before) >= OPTIGA_OPERATIONAL)
        return OPTIGA_E_ACCESS;
    return take(m, tag, v) ? OPTIGA_OK : OPTIGA_E_PARAMETER;
}

int
optiga_meta_change(const struct optiga_chip *c, const struct optiga_object *o, const uint8_t *p,
                   size_t len, int by_update, struct optiga_meta *m)
{
    uint8_t seen[32] = {0}, out[OPTIGA_META_MAX];
    struct rs_reader r;
    struct rs_bytes value;
    unsigned tag;

    if ((len == HEADER && !by_update) || !enter(p, len, &r))
        return OPTIGA_E_PARAMETER;
    while (next(&r, &tag, &value)) {
        int status = change_one(c, o, by_update, tag, value, m);

        if (status != OPTIGA_OK)
            return status;
        if (seen[tag / 8] & 1u << tag % 8)
            return OPTIGA_E_PARAMETER;
        seen[tag / 8] |= (uint8_t)(1u << tag % 8);
    }
    if (!rs_reader_ok(&r))
        return OPTIGA_E_PARAMETER;
    return optiga_meta_write(m, out) > 0 ? OPTIGA_OK : OPTIGA_E_META_SPACE;
}
