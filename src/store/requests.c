/*
 * requests.c: the list of a key's newest requests.  See requests.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/requests.h"

/* The next entry; 0 at the end and where the bytes are none. */
static int
read_entry(struct rs_reader *r, struct requests_entry *e)
{
    if (rs_reader_done(r))
        return 0;
    e->until = (int64_t)rs_read_u64(r);
    e->id = rs_read_bytes(r, 32);
    e->issuer = rs_read_bytes(r, rs_read_u8(r));
    e->serial = rs_read_bytes(r, rs_read_u8(r));
    if (e->issuer.len == 0 || e->issuer.len >= STORE_NAME_MAX || e->serial.len == 0 ||
        e->serial.len > STORE_SERIAL_MAX)
        r->failed = 1;
    return rs_reader_ok(r);
}

static rs_code
check_end(const struct rs_reader *r, struct rs_err *err)
{
    if (rs_reader_done(r))
        return RS_OK;
    return rs_fail(err, RS_E_STORE_DAMAGED, "store: a key's list of requests is damaged");
}

static void
put_live(struct rs_buf *out, const struct requests_entry *e, int64_t now, int *left)
{
    if (*left == 0 || e->until <= now)
        return;
    rs_buf_put_u64(out, (uint64_t)e->until);
    rs_buf_put_bytes(out, e->id);
    rs_buf_put_u8(out, (unsigned)e->issuer.len);
    rs_buf_put_bytes(out, e->issuer);
    rs_buf_put_u8(out, (unsigned)e->serial.len);
    rs_buf_put_bytes(out, e->serial);
    (*left)--;
}

rs_code
requests_find(struct rs_bytes list, const uint8_t id[32], int64_t now,
              struct requests_entry *ret_entry, int *ret_found, struct rs_err *err)
{
    struct requests_entry e;
    struct rs_reader r;

    *ret_found = 0;
    rs_reader_init(&r, list);
    while (read_entry(&r, &e)) {
        if (e.until > now && memcmp(e.id.p, id, 32) == 0) {
            *ret_entry = e;
            *ret_found = 1;
        }
    }
    return check_end(&r, err);
}

rs_code
requests_add(struct rs_bytes list, const struct requests_entry *entry, int64_t now,
             struct rs_buf *out, struct rs_err *err)
{
    struct requests_entry e;
    struct rs_reader r;
    int left = REQUESTS_MAX, placed = 0;

    rs_reader_init(&r, list);
    while (read_entry(&r, &e)) {
        if (!placed && entry->until >= e.until) {
            put_live(out, entry, now, &left);
            placed = 1;
        }
        put_live(out, &e, now, &left);
    }
    if (!placed)
        put_live(out, entry, now, &left);
    return check_end(&r, err);
}
