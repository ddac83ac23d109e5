/*
 * apdu.c: commands and answers of the applet as pure functions.
 *
 *   CLA INS P1 P2 | length | TLVs | Le
 *
 * A command is one of four forms (ref 3): without data one byte 00 follows the
 * header; a short one has one byte of length and no Le; one whose answer may be
 * longer than 256 bytes has three bytes of length and two of Le; one with 255 bytes
 * and more has three bytes of length.  Data are built at a fixed place, with room
 * for the longest header in front.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define SHORT_MAX 0xfeu

/* Bytes that an off-by-some, planted to prove the fuzz target, reads too far. */
#ifdef RS_PLANTED_BUG_se05x_response
#define SLACK SE05X_BUFFER
#else
#define SLACK 0u
#endif

void
se05x_store_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void
se05x_store_u32(uint8_t *p, uint32_t v)
{
    se05x_store_u16(p, (unsigned)(v >> 16));
    se05x_store_u16(p + 2, (unsigned)(v & 0xffffu));
}

uint32_t
se05x_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- Commands ----------------------------------------------------------------- */

uint8_t *
se05x_reserve(struct se05x_command *c, uint8_t *buf, uint8_t tag, size_t len)
{
    size_t head = len < 0x80 ? 2u : (len < 0x100 ? 3u : 4u);
    uint8_t *p = buf + SE05X_HEAD + c->len;

    if (c->is_bad || len > SE05X_DATA_MAX || head + len > SE05X_DATA_MAX - c->len) {
        c->is_bad = 1;
        return NULL;
    }
    c->len += head + len;
    *p++ = tag;
    if (head > 2)
        *p++ = (uint8_t)(0x7eu + head);
    if (head == 4)
        *p++ = (uint8_t)(len >> 8);
    *p++ = (uint8_t)len;
    return p;
}

void
se05x_add(struct se05x_command *c, uint8_t *buf, uint8_t tag, const void *p, size_t len)
{
    uint8_t *to = se05x_reserve(c, buf, tag, len);

    if (to != NULL && len != 0)
        memcpy(to, p, len);
}

static int
has_short_length(const struct se05x_command *c, size_t len)
{
    return !c->is_long && len <= SHORT_MAX;
}

size_t
se05x_put_head(const struct se05x_command *c, uint8_t *buf, size_t len)
{
    size_t start = len == 0 ? 3u : (has_short_length(c, len) ? 2u : 0u);

    memcpy(buf + start, c->header, 4);
    if (start == 2)
        buf[6] = (uint8_t)len;
    if (start == 0) {
        buf[4] = 0;
        se05x_store_u16(buf + 5, (unsigned)len);
    }
    return start;
}

size_t
se05x_put_tail(const struct se05x_command *c, uint8_t *buf, size_t len)
{
    size_t end = SE05X_HEAD + len;

    if (len == 0) {
        buf[end++] = 0;
    } else if (c->is_long) {
        buf[end++] = 0;
        buf[end++] = 0;
    }
    return end;
}

/* ---- Answers -------------------------------------------------------------------- */

/* Tag and length; 0 when there is no whole TLV. */
static size_t
head_of(const struct se05x_reader *r, size_t *ret_len)
{
    size_t head = 2, len;

    if (r->len < 2)
        return 0;
    len = r->p[1];
    if (len == 0x81 || len == 0x82) {
        head = len - 0x7eu;
        if (r->len < head)
            return 0;
        len = head == 3 ? r->p[2] : (size_t)r->p[2] << 8 | r->p[3];
    } else if (len > 0x7f) {
        return 0;
    }
    *ret_len = len;
    return len > r->len - head + SLACK ? 0 : head;
}

struct rot_bytes
se05x_take(struct se05x_reader *r, uint8_t tag)
{
    struct rot_bytes value = {NULL, 0};
    size_t len = 0, head = r->is_bad ? 0 : head_of(r, &len);

    if (head == 0 || r->p[0] != tag) {
        r->is_bad = 1;
        return value;
    }
    value = (struct rot_bytes){r->p + head, len};
    r->p += head + len;
    r->len -= head + len;
    return value;
}

uint32_t
se05x_take_number(struct se05x_reader *r, uint8_t tag, size_t len)
{
    struct rot_bytes b = se05x_take(r, tag);
    uint32_t v = 0;

    if (b.len != len)
        r->is_bad = 1;
    for (size_t i = 0; i < b.len && !r->is_bad; i++)
        v = v << 8 | b.p[i];
    return v;
}

rot_err
se05x_take_end(const struct se05x_reader *r)
{
    return r->is_bad || r->len != 0 ? ROT_E_FORMAT : ROT_OK;
}

rot_err
se05x_map_status(uint32_t sw)
{
    static const struct {
        uint16_t sw;
        int16_t rc;
    } rows[] = {
        {SE05X_SW_OK, ROT_OK},
        {SE05X_SW_THROUGHPUT, ROT_BUSY},
        {SE05X_SW_SECURITY, ROT_E_AUTH},
        {SE05X_SW_BLOCKED, ROT_E_AUTH},
        {SE05X_SW_CONDITIONS, ROT_E_STATE},
        {SE05X_SW_POLICY, ROT_E_STATE},
        {SE05X_SW_SM_MISSING, ROT_E_AUTH},
        {SE05X_SW_SM_WRONG, ROT_E_AUTH},
        {SE05X_SW_NOT_FOUND, ROT_E_EMPTY},
        {SE05X_SW_MEMORY, ROT_E_SPACE},
        {SE05X_SW_P1P2, ROT_E_UNSUPPORTED},
        {SE05X_SW_INSTRUCTION, ROT_E_UNSUPPORTED},
        {SE05X_SW_CLASS, ROT_E_UNSUPPORTED},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].sw == sw)
            return (rot_err)rows[i].rc;
    }
    return ROT_E_CHIP;
}

/*
 * id (4) | type | whether it authenticates | 2 | owner (4) | 2 | rules | origin |
 * version (4, of newer applets).  A rule is its length, at least 8, then whom it is for (4), rights
 * (4), more; an origin is at most 3.
 */
rot_err
se05x_take_attributes(struct rot_bytes block, uint32_t id, struct se05x_attributes *a)
{
    size_t at = 14;

    memset(a, 0, sizeof(*a));
    if (block.len < at + 1 || se05x_load_u32(block.p) != id)
        return ROT_E_FORMAT;
    a->type = block.p[4];
    while (block.p[at] >= 8) {
        size_t len = block.p[at];

        if (block.len - at < 1 + len + 1)
            return ROT_E_FORMAT;
        if (a->rule_count++ == 0) {
            a->auth = se05x_load_u32(block.p + at + 1);
            a->rights = se05x_load_u32(block.p + at + 5);
        }
        at += 1 + len;
    }
    a->origin = block.p[at];
    return block.len - at == 1 || block.len - at == 5 ? ROT_OK : ROT_E_FORMAT;
}

size_t
se05x_der_size(const uint8_t head[4])
{
    if (head[0] != 0x30)
        return 0;
    if (head[1] < 0x80)
        return 2u + head[1];
    if (head[1] == 0x81)
        return 3u + head[2];
    if (head[1] == 0x82)
        return 4u + ((size_t)head[2] << 8 | head[3]);
    return 0;
}
