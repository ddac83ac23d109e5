/*
 * verify_bytes.c: the verifier's own reading of files, headers and records
 * (docs/protocols/ledger.md sections 2, 3, 5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "ledger/verify_inner.h"

#define BUF_SIZE      (1u << 20)
#define SECTOR        512u
#define END_TYPE      0xffffu
#define LEAF_TYPE_MAX 16u

static const char end_mark[] = "--end-of-batch--";

/* ---- Bytes ------------------------------------------------------------------------- */

int
v_header_parse(struct rs_bytes bytes, struct v_header *ret_header)
{
    const uint8_t *p = bytes.p;

    if (bytes.len < V_HEADER_SIZE || memcmp(p, "rsledger", 8) != 0 || rs_get_u16(p + 8) != 1 ||
        rs_get_u32(p + 64) != 0 || rs_get_u32(p + 68) != ledger_crc32c(0, rs_bytes_of(p, 68)))
        return 0;
    ret_header->epoch = rs_get_u16(p + 10);
    ret_header->signer = rs_get_u32(p + 12);
    ret_header->first = rs_get_u64(p + 16);
    ret_header->file_size = rs_get_u64(p + 24);
    memcpy(ret_header->previous, p + 32, V_HASH);
    return 1;
}

/* The content of a batch end has a length that follows from its index. */
static int
end_content_fits(const struct v_record *r)
{
    size_t hashes = (size_t)__builtin_popcountll(r->index);

    return r->content.len == V_END_FIXED + hashes * V_HASH &&
           memcmp(r->content.p + r->content.len - 16, end_mark, 16) == 0;
}

int
v_record_parse(struct rs_bytes bytes, struct v_record *ret_record)
{
    const uint8_t *p = bytes.p;
    struct v_record r;
    uint32_t len, type;

    if (bytes.len < 28)
        return 0;
    len = rs_get_u32(p);
    type = rs_get_u16(p + 4);
    r.is_end = type == END_TYPE;
    if (len == 0 || len > 16384 || len > bytes.len - 28 || (p[8] & 0x80) != 0 ||
        (!r.is_end && (type == 0 || type > LEAF_TYPE_MAX)))
        return 0;
    r.epoch = rs_get_u16(p + 6);
    r.time_ms = (int64_t)rs_get_u64(p + 8);
    r.index = rs_get_u64(p + 16);
    r.head = rs_bytes_of(p, 24);
    r.content = rs_bytes_of(p + 28, len);
    r.size = 28 + (uint64_t)len;
    if (ledger_crc32c(ledger_crc32c(0, r.head), r.content) != rs_get_u32(p + 24) ||
        (r.is_end && !end_content_fits(&r)))
        return 0;
    r.end_count = r.is_end ? rs_get_u32(p + 28) : 0;
    *ret_record = r;
    return 1;
}

static int
all_zero(const uint8_t *p, size_t len)
{
    while (len > 0 && *p == 0) {
        p++;
        len--;
    }
    return len == 0;
}

int
v_tail_unfinished(struct rs_bytes tail, uint64_t file_offset, size_t bad, uint64_t nonzero)
{
    unsigned agree = 0;
    size_t piece;

    if (nonzero < 8 || tail.len > V_WRITE_MAX)
        return 0;
    for (size_t i = 0; i < 16 && tail.len >= 16; i++)
        agree += tail.p[tail.len - 16 + i] == (uint8_t)end_mark[i];
    if (agree < 12)
        return 1;
    for (size_t at = bad; at < tail.len; at += piece) {
        piece = (size_t)(SECTOR - (file_offset + at) % SECTOR);
        if (piece > tail.len - at)
            return 0;
        if (piece >= 6 && all_zero(tail.p + at, piece))
            return 1;
    }
    return 0;
}

/* ---- Files --------------------------------------------------------------------------- */

rs_code
v_file_open(struct v_file *f, const char *path, struct rs_err *err)
{
    rs_code rc;

    memset(f, 0, sizeof(*f));
    f->fd = -1;
    f->buf = malloc(BUF_SIZE);
    if (f->buf == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to read %s", path);
    rc = rs_file_open(path, RS_OPEN_READ, &f->fd, err);
    return rc == RS_OK ? rs_file_size(f->fd, &f->size, err) : rc;
}

void
v_file_close(struct v_file *f)
{
    rs_file_close(f->fd);
    free(f->buf);
    f->buf = NULL;
    f->fd = -1;
}

rs_code
v_file_look(struct v_file *f, struct rs_bytes *ret_bytes, struct rs_err *err)
{
    uint64_t end = f->buf_at + f->buf_len;
    rs_code rc;

    if (f->at < f->buf_at || (end < f->size && (f->at > end || end - f->at < V_RECORD_MAX))) {
        rc = rs_file_read_at(f->fd, f->at, f->buf, BUF_SIZE, &f->buf_len, err);
        if (rc != RS_OK)
            return rc;
        f->buf_at = f->at;
        end = f->buf_at + f->buf_len;
    }
    *ret_bytes = f->at < end ? rs_bytes_of(f->buf + (f->at - f->buf_at), (size_t)(end - f->at))
                             : rs_bytes_of(f->buf, 0);
    return RS_OK;
}

rs_code
v_file_rest(struct v_file *f, uint64_t from, uint64_t *ret_first, uint64_t *ret_end,
            uint64_t *ret_nonzero, struct rs_err *err)
{
    uint64_t first = f->size, end = from, nonzero = 0;

    f->buf_len = 0; /* the window is used as scratch */
    f->buf_at = f->size;
    for (uint64_t at = from; at < f->size;) {
        size_t got = 0, i = 0;
        rs_code rc = rs_file_read_at(f->fd, at, f->buf, BUF_SIZE, &got, err);
        if (rc != RS_OK)
            return rc;
        if (got == 0)
            break;
        for (; i < got; i++) {
            uint64_t word;
            /* Padding is long: step over zeros by eight. */
            if (got - i >= 8 && (memcpy(&word, f->buf + i, 8), word == 0)) {
                i += 7;
                continue;
            }
            if (f->buf[i] == 0)
                continue;
            nonzero++;
            end = at + i + 1;
            if (first > at + i)
                first = at + i;
        }
        at += got;
    }
    *ret_first = first;
    *ret_end = end;
    *ret_nonzero = nonzero;
    return RS_OK;
}
