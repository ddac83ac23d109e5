/*
 * ledger.c: appending.  See ledger.h.
 *
 * An append is built in memory (leaves, then the batch end with the root over
 * them), goes to the file in one write, is synced, and only then becomes the
 * state that others see.  A new segment is made of zeros and synced before its
 * first write, which carries header, opening record and batch together: a
 * crash leaves either zeros or an unfinished write, never a third thing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/io.h"
#include "ledger/inner.h"

#define CLOCK_SLACK_MS 2000
#define SEGMENT_ROUND  4096u

/* ---- Paths and segments --------------------------------------------------------- */

rs_code
ledger_path(const struct ledger *ledger, const char *name, char path[LEDGER_PATH_MAX],
            struct rs_err *err)
{
    return rs_path_join(ledger->dir, name, path, LEDGER_PATH_MAX, err);
}

rs_code
ledger_segment_path(const struct ledger *ledger, unsigned number, char path[LEDGER_PATH_MAX],
                    struct rs_err *err)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(number, name);
    return ledger_path(ledger, name, path, err);
}

rs_code
ledger_add_segment(struct ledger *ledger, uint64_t first_index, struct rs_err *err)
{
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&ledger->state);
    if (ledger->segment_count == ledger->first_cap) {
        size_t cap = ledger->first_cap + 64;
        uint64_t *more = realloc(ledger->first_index, cap * sizeof(*more));
        if (more == NULL) {
            rc = rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory for segment %zu", cap);
        } else {
            ledger->first_index = more;
            ledger->first_cap = cap;
        }
    }
    if (rc == RS_OK)
        ledger->first_index[ledger->segment_count++] = first_index;
    (void)pthread_mutex_unlock(&ledger->state);
    return rc;
}

void
ledger_publish(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->state);
    ledger->head.size = ledger->tip.range.size;
    tree_range_root(&ledger->hasher, &ledger->tip.range, ledger->head.root);
    (void)pthread_mutex_unlock(&ledger->state);
}

void
ledger_get_head(struct ledger *ledger, struct ledger_head *ret_head)
{
    (void)pthread_mutex_lock(&ledger->state);
    *ret_head = ledger->head;
    (void)pthread_mutex_unlock(&ledger->state);
}

/* ---- Appending -------------------------------------------------------------------- */

static rs_code
check_leaves(const struct ledger *ledger, const struct ledger_leaf *leaves, size_t count,
             struct rs_err *err)
{
    int64_t floor_ms = ledger->tip.last_time_ms;

    if (count == 0 || count > LEDGER_BATCH_MAX)
        return rs_fail(err, RS_E_INTERNAL, "ledger: a batch of %zu leaves", count);
    for (size_t i = 0; i < count; i++) {
        if (leaves[i].type < LEDGER_ISSUED || leaves[i].type > LEDGER_LOST)
            return rs_fail(err, RS_E_INTERNAL, "ledger: no leaf type %d", (int)leaves[i].type);
        if (leaves[i].content.len == 0 || leaves[i].content.len > LEDGER_CONTENT_MAX)
            return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "ledger: a leaf of %zu bytes, at most %d",
                           leaves[i].content.len, LEDGER_CONTENT_MAX);
        if (leaves[i].time_ms < 0 || leaves[i].time_ms < floor_ms - CLOCK_SLACK_MS)
            return rs_fail(err, RS_E_CLOCK_BEHIND,
                           "ledger: the clock is %lld ms behind the newest leaf",
                           (long long)(floor_ms - leaves[i].time_ms));
        if (leaves[i].time_ms > floor_ms)
            floor_ms = leaves[i].time_ms;
    }
    return RS_OK;
}

/* The end of a batch (or, with count 0, the opening record) for the state in tip. */
static void
put_batch_end(struct ledger *ledger, struct segment_state *tip, uint32_t count)
{
    uint8_t content[RECORD_END_MAX];
    uint8_t root[LEDGER_HASH_SIZE];
    struct rs_buf buf;
    struct record rec = {.type = RECORD_BATCH_END,
                         .epoch = ledger->config.epoch,
                         .index = tip->range.size,
                         .time_ms = tip->last_time_ms};
    size_t start = ledger->batch.len;

    rs_buf_init_fixed(&buf, content, sizeof(content));
    tree_range_root(&ledger->hasher, &tip->range, root);
    batch_end_put(&buf, count, &tip->range, root);
    rec.content = rs_buf_bytes(&buf);
    record_put(&ledger->batch, &rec);
    if (!rs_buf_ok(&ledger->batch))
        return;
    tree_hash_leaf(&ledger->hasher, rs_bytes_of(ledger->batch.p + start, RECORD_HASHED_SIZE),
                   rec.content, tip->last_hash);
}

static void
put_leaves(struct ledger *ledger, struct segment_state *tip, const struct ledger_leaf *leaves,
           size_t count)
{
    uint8_t hash[LEDGER_HASH_SIZE];

    for (size_t i = 0; i < count; i++) {
        struct record rec = {.type = leaves[i].type,
                             .epoch = ledger->config.epoch,
                             .index = tip->range.size,
                             .time_ms = leaves[i].time_ms,
                             .content = leaves[i].content};
        size_t start = ledger->batch.len;
        /* Never earlier than the leaf before; check_leaves() has bounded the difference. */
        if (rec.time_ms < tip->last_time_ms)
            rec.time_ms = tip->last_time_ms;
        tip->last_time_ms = rec.time_ms;
        record_put(&ledger->batch, &rec);
        if (!rs_buf_ok(&ledger->batch))
            return;
        tree_hash_leaf(&ledger->hasher, rs_bytes_of(ledger->batch.p + start, RECORD_HASHED_SIZE),
                       rec.content, hash);
        tree_range_add(&ledger->hasher, &tip->range, hash);
    }
}

static size_t
batch_size(const struct ledger_leaf *leaves, size_t count)
{
    size_t size = RECORD_END_MAX;

    for (size_t i = 0; i < count; i++)
        size += RECORD_HEAD_SIZE + leaves[i].content.len;
    return size;
}

/*
 * Make the next segment's file, all zeros and durable.  A failure here leaves
 * the log as it was: the file is removed and the next append tries again.
 */
static rs_code
make_segment_file(struct ledger *ledger, uint64_t size, int *ret_fd, struct rs_err *err)
{
    char path[LEDGER_PATH_MAX];
    int fd;
    rs_code rc;

    rc = ledger_segment_path(ledger, ledger->segment_count + 1, path, err);
    if (rc == RS_OK)
        rc = rs_file_open(path, RS_OPEN_EXCLUSIVE, &fd, err);
    if (rc != RS_OK)
        return rc;
    rc = rs_file_preallocate(fd, size, err);
    if (rc == RS_OK)
        rc = rs_dir_sync(ledger->dir, err);
    if (rc != RS_OK) {
        rs_file_close(fd);
        (void)!rs_file_remove(path, NULL);
        return rc;
    }
    *ret_fd = fd;
    return RS_OK;
}

/* Begin a new segment: the header and the opening record go out with the batch behind them. */
static rs_code
start_segment(struct ledger *ledger, struct segment_state *tip, size_t batch, struct rs_err *err)
{
    size_t least = batch + SEGMENT_HEAD_SIZE + RECORD_END_MAX;
    uint64_t size = ledger->config.segment_size;
    int fd;
    rs_code rc;

    if (size < least)
        size = (least + SEGMENT_ROUND - 1) / SEGMENT_ROUND * SEGMENT_ROUND;
    rc = make_segment_file(ledger, size, &fd, err);
    if (rc != RS_OK)
        return rc;
    rc = ledger_add_segment(ledger, tip->range.size, err);
    if (rc != RS_OK) {
        rs_file_close(fd);
        ledger->broken = 1; /* a file is there that the list does not know */
        return rc;
    }
    rs_file_close(ledger->fd);
    ledger->fd = fd;
    tip->head = (struct segment_head){.epoch = ledger->config.epoch,
                                      .signer_id = ledger->config.signer_id,
                                      .first_index = tip->range.size,
                                      .file_size = size};
    memcpy(tip->head.previous, tip->last_hash, LEDGER_HASH_SIZE);
    tip->end = 0;
    segment_head_put(&ledger->batch, &tip->head);
    put_batch_end(ledger, tip, 0);
    return RS_OK;
}

/* One write, one sync.  After a failure nobody knows what is on the disk. */
static rs_code
make_durable(struct ledger *ledger, uint64_t at, struct rs_err *err)
{
    rs_code rc;

    rc = rs_file_write_at(ledger->fd, at, rs_buf_bytes(&ledger->batch), err);
    if (rc != RS_OK)
        return rc;
    rs_inject_mark("ledger-written");
    rc = rs_file_sync(ledger->fd, err);
    if (rc != RS_OK)
        return rc;
    rs_inject_mark("ledger-synced");
    return RS_OK;
}

/* 1 when the current segment cannot take the batch. */
static int
needs_segment(const struct ledger *ledger, size_t batch)
{
    const struct segment_state *tip = &ledger->tip;

    return ledger->fd < 0 || tip->head.epoch != ledger->config.epoch ||
           tip->end + batch > tip->head.file_size;
}

static rs_code
append_locked(struct ledger *ledger, struct ledger_leaf *leaves, size_t count, struct rs_err *err)
{
    struct segment_state tip = ledger->tip;
    uint64_t first = tip.range.size;
    rs_code rc;

    if (ledger->broken)
        return rs_fail(err, RS_E_FILE_FAILED,
                       "ledger: an earlier write failed; it must be opened again");
    rc = check_leaves(ledger, leaves, count, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_reset(&ledger->batch);
    if (needs_segment(ledger, batch_size(leaves, count))) {
        rc = start_segment(ledger, &tip, batch_size(leaves, count), err);
        if (rc != RS_OK)
            return rc;
    }
    put_leaves(ledger, &tip, leaves, count);
    put_batch_end(ledger, &tip, (uint32_t)count);
    ledger->broken = 1; /* until the batch is known to be durable */
    if (!rs_buf_ok(&ledger->batch) || ledger->hasher.failed)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: a batch could not be built");
    rc = make_durable(ledger, tip.end, err);
    if (rc != RS_OK)
        return rc;
    ledger->broken = 0;
    tip.end += ledger->batch.len;
    tip.used = tip.end;
    ledger->tip = tip;
    ledger_publish(ledger);
    for (size_t i = 0; i < count; i++)
        leaves[i].index = first + i;
    return RS_OK;
}

rs_code
ledger_append(struct ledger *ledger, struct ledger_leaf *leaves, size_t count, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&ledger->appending);
    rc = append_locked(ledger, leaves, count, err);
    (void)pthread_mutex_unlock(&ledger->appending);
    return rc;
}
