/*
 * tlv.c: arguments of commands and pieces of answers (section 3 of the reference).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_se05x_command
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* 00 .. 7F, 81 xx, 82 xxxx. */
static int
read_length(struct rs_reader *r, size_t *ret_len)
{
    unsigned first = rs_read_u8(r);

    if (first < 0x80)
        *ret_len = first;
    else if (first == 0x81)
        *ret_len = rs_read_u8(r);
    else if (first == 0x82)
        *ret_len = rs_read_u16(r);
    else
        return 0;
    return rs_reader_ok(r) && *ret_len <= r->left + SLACK;
}

static int
place_of(unsigned tag)
{
    if (tag > 0x40 && tag <= 0x4B)
        return (int)(tag - 0x40);
    if (tag >= 0x10 && tag <= 0x15)
        return (int)(tag - 0x10) + SE05X_AT_SESSION;
    return -1;
}

int
se05x_args_read(struct rs_bytes data, uint32_t allowed, struct rs_bytes arg[SE05X_TAGS])
{
    struct rs_reader r;
    size_t len;

    memset(arg, 0, SE05X_TAGS * sizeof(arg[0]));
    rs_reader_init(&r, data);
    while (r.left > 0) {
        int place = place_of(rs_read_u8(&r));

        if (place < 0 || !(allowed >> place & 1) || arg[place].p != NULL || !read_length(&r, &len))
            return 0;
        /* Not rs_read_bytes(): the value's place counts even when it is empty. */
        arg[place] = rs_bytes_of(r.p, len);
        r.p += len;
        r.left -= len;
    }
    return 1;
}

int
se05x_has(const struct se05x_call *call, unsigned place)
{
    return call->arg[place].p != NULL;
}

int
se05x_arg_number(const struct se05x_call *call, unsigned place, size_t size, uint32_t *ret)
{
    struct rs_bytes a = call->arg[place];
    uint32_t value = 0;

    if (a.p == NULL || a.len != size)
        return 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | a.p[i];
    *ret = value;
    return 1;
}

void
se05x_put(struct rs_buf *out, unsigned tag, const void *p, size_t len)
{
    rs_buf_put_u8(out, tag);
    if (len < 0x80) {
        rs_buf_put_u8(out, (unsigned)len);
    } else if (len < 0x100) {
        rs_buf_put_u8(out, 0x81);
        rs_buf_put_u8(out, (unsigned)len);
    } else {
        rs_buf_put_u8(out, 0x82);
        rs_buf_put_u16(out, (unsigned)len);
    }
    rs_buf_put(out, p, len);
}

void
se05x_put_long(struct rs_buf *out, unsigned tag, const void *p, size_t len)
{
    rs_buf_put_u8(out, tag);
    rs_buf_put_u8(out, 0x82);
    rs_buf_put_u16(out, (unsigned)len);
    rs_buf_put(out, p, len);
}

void
se05x_put_u8(struct rs_buf *out, unsigned tag, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    se05x_put(out, tag, &byte, 1);
}

void
se05x_put_u16(struct rs_buf *out, unsigned tag, unsigned value)
{
    uint8_t bytes[2];

    rs_set_u16(bytes, value);
    se05x_put(out, tag, bytes, sizeof(bytes));
}

void
se05x_put_result(struct rs_buf *out, int ok)
{
    se05x_put_u8(out, 0x41, ok ? 1 : 2);
}

int
se05x_tlv_next(struct rs_reader *r, unsigned *ret_tag, struct rs_bytes *ret_value)
{
    unsigned tag = rs_read_u8(r);
    size_t len;

    if ((tag & 0x1F) == 0x1F)
        tag = tag << 8 | rs_read_u8(r);
    if (!rs_reader_ok(r) || !read_length(r, &len))
        return 0;
    *ret_tag = tag;
    *ret_value = rs_read_bytes(r, len);
    return rs_reader_ok(r);
}
