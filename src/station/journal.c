/*
 * journal.c: see journal.h.
 *
 * Reading goes through a window over the file.  A frame that does not check is
 * the unfinished tail if no good frame follows it: records that were synced
 * are never behind one that was not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/journal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"

#define WINDOW_SIZE   (1u << 20)
#define CONTENT_FIXED 25 /* number, time, board, type */

struct journal {
    int fd;
    uint64_t size;   /* of what is in the file */
    uint64_t number; /* of the next record */
    int broken;
    pthread_mutex_t lock;
    struct rs_buf frame;
};

/* ---- Frames -------------------------------------------------------------------- */

const char *
journal_type_name(enum journal_type type)
{
    static const char *const names[] = {"?",   "begin",  "seal",  "ask",   "cert",
                                        "end", "posted", "event", "count", "check"};

    return type >= JOURNAL_BEGIN && type <= JOURNAL_TYPE_LAST ? names[type] : names[0];
}

rs_code
journal_frame_put(struct rs_buf *out, const struct journal_record *record, struct rs_err *err)
{
    size_t start = out->len, len;
    struct rs_bytes content;

    rs_buf_put_u32(out, 0);
    rs_buf_put_u32(out, 0);
    rs_buf_put_u64(out, record->number);
    rs_buf_put_u64(out, (uint64_t)record->time_ms);
    rs_buf_put_u64(out, record->board);
    rs_buf_put_u8(out, record->type);
    for (unsigned i = 1; i < JOURNAL_FIELDS; i++) {
        if (record->field[i].p == NULL)
            continue;
        if (record->field[i].len > UINT16_MAX)
            return rs_fail(err, RS_E_INTERNAL, "journal: field %u is too large", i);
        rs_buf_put_u8(out, i);
        rs_buf_put_u16_bytes(out, record->field[i]);
    }
    if (!rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "journal: no memory for a record");
    len = out->len - start - JOURNAL_HEAD_SIZE;
    if (len > JOURNAL_CONTENT_MAX)
        return rs_fail(err, RS_E_INTERNAL, "journal: a record of %zu bytes is too large", len);
    content = rs_bytes_of(out->p + start + JOURNAL_HEAD_SIZE, len);
    rs_buf_set_u32(out, start, (uint32_t)len);
    rs_buf_set_u32(out, start + 4, rs_crc32c(0, content));
    return RS_OK;
}

/* Fields in rising order, each at most once. */
static int
read_fields(struct rs_reader *r, struct journal_record *record)
{
    unsigned last = 0;

    while (r->left > 0) {
        unsigned i = rs_read_u8(r);
        struct rs_bytes value = rs_read_u16_bytes(r, UINT16_MAX);
#ifdef RS_PLANTED_BUG_journal
        if (!rs_reader_ok(r) || i <= last || i > JOURNAL_FIELDS)
#else
        if (!rs_reader_ok(r) || i <= last || i >= JOURNAL_FIELDS)
#endif
            return 0;
        record->field[i] = value;
        last = i;
    }
    return rs_reader_done(r);
}

int
journal_frame_read(struct rs_bytes data, struct journal_record *ret_record, size_t *ret_len)
{
    struct journal_record record = {0};
    struct rs_bytes content;
    struct rs_reader r;
    unsigned type;
    uint32_t len, crc;

    rs_reader_init(&r, data);
    len = rs_read_u32(&r);
    crc = rs_read_u32(&r);
    if (len < CONTENT_FIXED || len > JOURNAL_CONTENT_MAX)
        return 0;
    content = rs_read_bytes(&r, len);
    if (!rs_reader_ok(&r) || rs_crc32c(0, content) != crc)
        return 0;
    rs_reader_init(&r, content);
    record.number = rs_read_u64(&r);
    record.time_ms = (int64_t)rs_read_u64(&r);
    record.board = rs_read_u64(&r);
    type = rs_read_u8(&r);
    if (type < JOURNAL_BEGIN || type > JOURNAL_TYPE_LAST || !read_fields(&r, &record))
        return 0;
    record.type = (enum journal_type)type;
    *ret_record = record;
    *ret_len = JOURNAL_HEAD_SIZE + len;
    return 1;
}

/* ---- Reading a file --------------------------------------------------------------- */

struct window {
    int fd;
    uint64_t at;   /* file offset of buf[pos] */
    uint64_t size; /* of the file */
    size_t pos, len;
    uint8_t *buf;
};

/* Have a whole frame in the window, if the file has one. */
static rs_code
fill_window(struct window *w, struct rs_err *err)
{
    size_t got = 0;
    rs_code rc;

    if (w->len - w->pos >= JOURNAL_FRAME_MAX || w->at + (w->len - w->pos) >= w->size)
        return RS_OK;
    memmove(w->buf, w->buf + w->pos, w->len - w->pos);
    w->len -= w->pos;
    w->pos = 0;
    rc = rs_file_read_at(w->fd, w->at + w->len, w->buf + w->len, WINDOW_SIZE - w->len, &got, err);
    w->len += got;
    return rc;
}

static void
advance(struct window *w, size_t n)
{
    w->pos += n;
    w->at += n;
}

/* Is there a good frame of a later number anywhere in the rest? */
static rs_code
check_rest(struct window *w, uint64_t number, struct rs_err *err)
{
    struct journal_record record;
    uint64_t bad_at = w->at;
    size_t len;
    rs_code rc;

    while (w->at < w->size) {
        rc = fill_window(w, err);
        if (rc != RS_OK)
            return rc;
        if (journal_frame_read(rs_bytes_of(w->buf + w->pos, w->len - w->pos), &record, &len) &&
            record.number > number)
            return rs_fail(
                err, RS_E_JOURNAL_DAMAGED,
                "journal: record %llu at byte %llu is damaged; record %llu after it is not",
                (unsigned long long)number, (unsigned long long)bad_at,
                (unsigned long long)record.number);
        advance(w, 1);
    }
    return RS_OK;
}

/* All good records; *ret_end is where they end, *ret_number the number after the last. */
static rs_code
read_records(struct window *w, journal_each_fn each, void *arg, uint64_t *ret_end,
             uint64_t *ret_number, struct rs_err *err)
{
    struct journal_record record;
    uint64_t number = 1;
    size_t len;
    rs_code rc = RS_OK;

    for (;;) {
        rc = fill_window(w, err);
        if (rc != RS_OK)
            return rc;
        if (!journal_frame_read(rs_bytes_of(w->buf + w->pos, w->len - w->pos), &record, &len))
            break;
        if (record.number != number)
            return rs_fail(err, RS_E_JOURNAL_DAMAGED, "journal: record %llu where %llu should be",
                           (unsigned long long)record.number, (unsigned long long)number);
        rc = each != NULL ? each(arg, &record, err) : RS_OK;
        if (rc != RS_OK)
            return rc;
        number++;
        advance(w, len);
    }
    *ret_end = w->at;
    *ret_number = number;
    return check_rest(w, number, err);
}

/* 0: an empty or unfinished new file. */
static rs_code
check_magic(struct window *w, int *ret_has_magic, struct rs_err *err)
{
    uint8_t magic[JOURNAL_MAGIC_SIZE];
    size_t got = 0;
    rs_code rc = rs_file_read_at(w->fd, 0, magic, sizeof(magic), &got, err);

    if (rc != RS_OK)
        return rc;
    if (memcmp(magic, JOURNAL_MAGIC, got) != 0)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED, "journal: the file does not begin as one");
    *ret_has_magic = got == sizeof(magic);
    return RS_OK;
}

static rs_code
read_file(int fd, journal_each_fn each, void *arg, uint64_t *ret_end, uint64_t *ret_number,
          struct rs_err *err)
{
    struct window w = {.fd = fd, .at = JOURNAL_MAGIC_SIZE};
    int has_magic = 0;
    rs_code rc = rs_file_size(fd, &w.size, err);

    if (rc == RS_OK)
        rc = check_magic(&w, &has_magic, err);
    if (rc != RS_OK || !has_magic) {
        *ret_end = 0;
        *ret_number = 1;
        return rc;
    }
    w.buf = malloc(WINDOW_SIZE);
    if (w.buf == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "journal: no memory to read it");
    rc = read_records(&w, each, arg, ret_end, ret_number, err);
    free(w.buf);
    return rc;
}

rs_code
journal_look(const char *path, journal_each_fn each, void *arg, struct rs_err *err)
{
    uint64_t end, number;
    int fd = -1;
    rs_code rc = rs_file_open(path, RS_OPEN_READ, &fd, err);

    if (rc == RS_OK)
        rc = read_file(fd, each, arg, &end, &number, err);
    rs_file_close(fd);
    return rc;
}

/* ---- Opening and writing --------------------------------------------------------------- */

/* What lies behind the last good record was never promised to anybody. */
static rs_code
start_writing(struct journal *j, struct rs_err *err)
{
    uint64_t size = 0;
    rs_code rc = rs_file_size(j->fd, &size, err);

    if (rc == RS_OK && size > j->size)
        rc = rs_file_truncate(j->fd, j->size, err);
    if (rc == RS_OK && j->size == 0) {
        rc = rs_file_write_at(j->fd, 0, rs_bytes_str(JOURNAL_MAGIC), err);
        j->size = JOURNAL_MAGIC_SIZE;
    }
    return rc == RS_OK ? rs_file_sync(j->fd, err) : rc;
}

static rs_code
lock_file(int fd, struct rs_err *err)
{
    struct rs_err why = {0};

    if (rs_file_lock(fd, &why) == RS_OK)
        return RS_OK;
    return rs_fail(err, why.code == RS_E_STORE_BUSY ? RS_E_STATION_RUNNING : why.code,
                   "another rootsmith-station works on this directory");
}

rs_code
journal_open(const char *path, journal_each_fn each, void *arg, struct journal **ret_journal,
             struct rs_err *err)
{
    struct journal *j = calloc(1, sizeof(*j));
    rs_code rc;

    if (j == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "journal: no memory to open it");
    j->fd = -1;
    (void)pthread_mutex_init(&j->lock, NULL);
    rs_buf_init(&j->frame, JOURNAL_FRAME_MAX + UINT16_MAX);
    rc = rs_file_open(path, RS_OPEN_CREATE, &j->fd, err);
    if (rc == RS_OK)
        rc = lock_file(j->fd, err);
    if (rc == RS_OK)
        rc = read_file(j->fd, each, arg, &j->size, &j->number, err);
    if (rc == RS_OK)
        rc = start_writing(j, err);
    if (rc != RS_OK) {
        journal_close(j);
        return rc;
    }
    *ret_journal = j;
    return RS_OK;
}

void
journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    rs_file_close(j->fd);
    rs_buf_done(&j->frame);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}

static rs_code
put_locked(struct journal *j, struct journal_record *record, struct rs_err *err)
{
    rs_code rc;

    if (j->broken)
        return rs_fail(err, RS_E_FILE_FAILED, "journal: an earlier write failed");
    record->number = j->number;
    record->time_ms = rs_now_ms();
    rs_buf_reset(&j->frame);
    rc = journal_frame_put(&j->frame, record, err);
    if (rc != RS_OK)
        return rc;
    rc = rs_file_write_at(j->fd, j->size, rs_buf_bytes(&j->frame), err);
    if (rc != RS_OK) {
        j->broken = 1;
        return rc;
    }
    j->size += j->frame.len;
    j->number++;
    return RS_OK;
}

rs_code
journal_put(struct journal *j, struct journal_record *record, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&j->lock);
    rc = put_locked(j, record, err);
    (void)pthread_mutex_unlock(&j->lock);
    return rc;
}

rs_code
journal_sync(struct journal *j, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&j->lock);
    if (j->broken)
        rc = rs_fail(err, RS_E_FILE_FAILED, "journal: an earlier write failed");
    else
        rc = rs_file_sync(j->fd, err);
    if (rc != RS_OK)
        j->broken = 1;
    (void)pthread_mutex_unlock(&j->lock);
    return rc;
}
