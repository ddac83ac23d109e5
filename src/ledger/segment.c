/*
 * segment.c: reading and checking one segment file.  See segment.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define WINDOW_SIZE ((size_t)256 * 1024)
#define RECORD_MAX  ((size_t)RECORD_HEAD_SIZE + LEDGER_CONTENT_MAX)
#define NAME_DIGITS 8

void
segment_name(unsigned number, char name[SEGMENT_NAME_SIZE])
{
    (void)snprintf(name, SEGMENT_NAME_SIZE, "%08u.seg", number % (SEGMENT_NUMBER_MAX + 1));
}

int
segment_name_read(const char *name, unsigned *ret_number)
{
    unsigned number = 0;

    if (strlen(name) != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".seg") != 0)
        return 0;
    for (int i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(name[i] - '0');
    }
    *ret_number = number;
    return number > 0;
}

/* Bring at least RECORD_MAX bytes from reader->at into the window, or what the file has. */
static rs_code
fill(struct segment_reader *reader, struct rs_err *err)
{
    uint64_t window_end = reader->window_at + reader->window_len;

    if (reader->at >= reader->window_at &&
        (window_end >= reader->size || window_end - reader->at >= RECORD_MAX))
        return RS_OK;
    reader->window_at = reader->at;
    return rs_file_read_at(reader->fd, reader->at, reader->window, WINDOW_SIZE, &reader->window_len,
                           err);
}

static struct rs_bytes
window_rest(const struct segment_reader *reader)
{
    size_t skip = (size_t)(reader->at - reader->window_at);

    if (skip >= reader->window_len)
        return rs_bytes_of(reader->window, 0);
    return rs_bytes_of(reader->window + skip, reader->window_len - skip);
}

rs_code
segment_reader_open(const char *path, struct segment_reader *ret_reader, struct rs_err *err)
{
    RS_AUTO(segment_reader_done) struct segment_reader reader = {.fd = -1};
    rs_code rc;

    reader.window = malloc(WINDOW_SIZE);
    if (reader.window == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to read %s", path);
    rc = rs_file_open(path, RS_OPEN_READ, &reader.fd, err);
    if (rc == RS_OK)
        rc = rs_file_size(reader.fd, &reader.size, err);
    reader.window_at = 1; /* behind `at`: nothing is in the window yet */
    if (rc == RS_OK)
        rc = fill(&reader, err);
    if (rc != RS_OK)
        return rc;
    reader.has_head = segment_head_read(window_rest(&reader), &reader.head);
    reader.at = reader.has_head ? SEGMENT_HEAD_SIZE : 0;
    *ret_reader = reader;
    reader = (struct segment_reader){.fd = -1};
    return RS_OK;
}

void
segment_reader_done(struct segment_reader *reader)
{
    if (reader == NULL || reader->window == NULL)
        return;
    rs_file_close(reader->fd);
    free(reader->window);
    reader->window = NULL;
    reader->fd = -1;
}

rs_code
segment_next(struct segment_reader *reader, struct record *ret_rec, int *ret_whole,
             struct rs_err *err)
{
    rs_code rc = fill(reader, err);

    if (rc != RS_OK)
        return rc;
    *ret_whole = record_read(window_rest(reader), ret_rec);
    if (*ret_whole)
        reader->at += ret_rec->size;
    return RS_OK;
}

/* ---- Checking a whole segment -------------------------------------------------- */

struct checker {
    struct ledger_hasher *h;
    const char *name; /* of the file, for messages */
    struct segment_state *state;
    struct tree_range range; /* with the leaves of the open batch */
    int64_t time_ms;
    uint32_t pending; /* leaves since the last batch end */
};

static rs_code
damaged(const struct checker *c, uint64_t index, uint64_t at, const char *kind, struct rs_err *err)
{
    return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: record %llu at byte %llu of %s: %s",
                   (unsigned long long)index, (unsigned long long)at, c->name, kind);
}

static rs_code
check_leaf(struct checker *c, const struct record *rec, uint64_t at, struct rs_err *err)
{
    uint8_t hash[LEDGER_HASH_SIZE];

    if (rec->index != c->range.size)
        return damaged(c, c->range.size, at,
                       rec->index > c->range.size ? "missing or reordered" : "inserted", err);
    if (rec->epoch != c->state->head.epoch || rec->time_ms < c->time_ms ||
        c->pending >= LEDGER_BATCH_MAX)
        return damaged(c, rec->index, at, "changed (epoch, time or batch length)", err);
    record_hash(c->h, rec, hash);
    tree_range_add(c->h, &c->range, hash);
    c->time_ms = rec->time_ms;
    c->pending++;
    return RS_OK;
}

/* 1 when the end says what the leaves before it gave. */
static int
end_agrees(const struct checker *c, const struct record *rec, const struct batch_end *end)
{
    uint8_t root[LEDGER_HASH_SIZE];

    tree_range_root(c->h, &c->range, root);
    return rec->index == c->range.size && end->count == c->pending &&
           rec->epoch == c->state->head.epoch && rec->time_ms == c->time_ms &&
           memcmp(end->root, root, sizeof(root)) == 0 &&
           memcmp(end->range.hash, c->range.hash, (size_t)c->range.count * LEDGER_HASH_SIZE) == 0;
}

static rs_code
check_end(struct checker *c, const struct record *rec, uint64_t at, struct rs_err *err)
{
    struct batch_end end = {0};
    int opening = c->state->empty;

    if (!batch_end_read(rec, &end))
        return damaged(c, c->range.size - c->pending, at, "changed (batch end)", err);
    if (opening) {
        /* The state of the tree at the start of a segment is what its first record says. */
        c->range = end.range;
        c->time_ms = rec->time_ms;
    }
    if (!end_agrees(c, rec, &end) || (opening && rec->index != c->state->head.first_index) ||
        (opening && rec->index == 0 && rec->time_ms != 0) || (!opening && end.count == 0))
        return damaged(c, c->range.size - c->pending, at,
                       "changed (batch does not hash to its root)", err);
    c->pending = 0;
    c->state->empty = 0;
    c->state->range = c->range;
    c->state->last_time_ms = c->time_ms;
    c->state->end = at + rec->size;
    record_hash(c->h, rec, c->state->last_hash);
    return RS_OK;
}

/* Most of a segment is free: all of it is read at each start, and not byte by byte. */
static int
all_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* How far a file is used from offset `from`: last byte that is not zero, and how many. */
static rs_code
measure_tail(struct segment_reader *reader, uint64_t from, uint64_t *ret_used,
             uint64_t *ret_nonzero, struct rs_err *err)
{
    uint64_t used = from, nonzero = 0;
    size_t got = 1;

    for (uint64_t at = from; got > 0; at += got) {
        rs_code rc = rs_file_read_at(reader->fd, at, reader->window, WINDOW_SIZE, &got, err);
        if (rc != RS_OK)
            return rc;
        if (all_zero(reader->window, got))
            continue;
        for (size_t i = 0; i < got; i++) {
            if (reader->window[i] != 0) {
                used = at + i + 1;
                nonzero++;
            }
        }
    }
    *ret_used = used;
    *ret_nonzero = nonzero;
    return RS_OK;
}

/* What stands behind the last whole batch: nothing, an unfinished write, or damage. */
static rs_code
check_tail(struct checker *c, struct segment_reader *reader, uint64_t bad_at, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf tail = {0};
    uint64_t used, nonzero, end = c->state->end;
    size_t got = 0, want;
    uint8_t *p;
    rs_code rc;

    rc = measure_tail(reader, end, &used, &nonzero, err);
    if (rc != RS_OK)
        return rc;
    want = used - end > RECORD_WRITE_MAX ? RECORD_WRITE_MAX : (size_t)(used - end);
    rs_buf_init(&tail, RECORD_WRITE_MAX + 1);
    p = rs_buf_extend(&tail, want + 1);
    if (p == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to read a tail");
    rc = rs_file_read_at(reader->fd, end, p, want, &got, err);
    if (rc != RS_OK)
        return rc;
    if (tail_judge(rs_bytes_of(p, got), end, (size_t)(bad_at - end), (size_t)(used - end),
                   (size_t)nonzero) == TAIL_DAMAGED)
        return damaged(c, c->range.size, bad_at, "changed", err);
    c->state->used = used;
    return RS_OK;
}

static rs_code
check_records(struct checker *c, struct segment_reader *reader, struct rs_err *err)
{
    struct record rec;
    int whole;
    rs_code rc;

    for (;;) {
        uint64_t at = reader->at;
        rc = segment_next(reader, &rec, &whole, err);
        if (rc != RS_OK)
            return rc;
        if (!whole)
            return check_tail(c, reader, at, err);
        if (rec.type == RECORD_BATCH_END)
            rc = check_end(c, &rec, at, err);
        else if (c->state->empty)
            rc = damaged(c, rec.index, at, "changed (the opening record is missing)", err);
        else
            rc = check_leaf(c, &rec, at, err);
        if (rc != RS_OK)
            return rc;
    }
}

rs_code
segment_check(struct ledger_hasher *h, const char *path, struct segment_state *ret_state,
              struct rs_err *err)
{
    RS_AUTO(segment_reader_done) struct segment_reader reader = {.fd = -1};
    const char *slash = strrchr(path, '/');
    struct segment_state state = {.empty = 1};
    struct checker c = {.h = h, .name = slash == NULL ? path : slash + 1, .state = &state};
    rs_code rc;

    rc = segment_reader_open(path, &reader, err);
    if (rc != RS_OK)
        return rc;
    state.has_head = reader.has_head;
    if (reader.has_head) {
        state.head = reader.head;
        if (reader.size != reader.head.file_size)
            return damaged(&c, state.head.first_index, reader.size,
                           "cut (the file has another size)", err);
        rc = check_records(&c, &reader, err);
    } else {
        rc = check_tail(&c, &reader, 0, err);
    }
    if (rc == RS_OK && h->failed)
        rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
    if (rc == RS_OK)
        *ret_state = state;
    return rc;
}
