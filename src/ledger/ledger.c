/*
 * ledger.c: opening and appending.  See ledger.h.
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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/inject.h"
#include "base/io.h"
#include "ledger/inner.h"
#include "ledger/leaf.h"

#define CLOCK_SLACK_MS   2000
#define SEGMENT_ROUND    4096u
#define SEGMENT_SIZE_MAX ((uint64_t)1 << 40)

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

static void
publish(struct ledger *ledger)
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
    publish(ledger);
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

/* ---- Opening ------------------------------------------------------------------------ */

static rs_code
copy_config(struct ledger *ledger, const struct ledger_config *config, struct rs_err *err)
{
    ledger->config = *config;
    ledger->dir = strdup(config->dir);
    ledger->origin = strdup(config->origin);
    if (config->witness_dir != NULL)
        ledger->witness_dir = strdup(config->witness_dir);
    if (ledger->dir == NULL || ledger->origin == NULL ||
        (config->witness_dir != NULL && ledger->witness_dir == NULL))
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to open");
    ledger->config.dir = ledger->dir;
    ledger->config.origin = ledger->origin;
    ledger->config.witness_dir = ledger->witness_dir;
    if (config->segment_size == 0)
        ledger->config.segment_size = LEDGER_SEGMENT_SIZE;
    rs_buf_init(&ledger->batch, RECORD_WRITE_MAX);
    return ledger_hasher_init(&ledger->hasher, err);
}

static rs_code
check_config(const struct ledger_config *config, struct rs_err *err)
{
    if (config->dir == NULL || config->origin == NULL || config->sign == NULL)
        return rs_fail(err, RS_E_INTERNAL, "ledger: directory, origin and signer are needed");
    if (!note_origin_ok(config->origin))
        return rs_fail(
            err, RS_E_CONFIG_INVALID,
            "ledger: signed-note: an origin has no spaces, plus signs or controls: %.80s",
            config->origin);
    if (!note_origin_names(config->origin, config->signer_id))
        return rs_fail(err, RS_E_CONFIG_INVALID, "ledger: origin %.80s is not of signer %u",
                       config->origin, config->signer_id);
    if (config->segment_size > SEGMENT_SIZE_MAX)
        return rs_fail(err, RS_E_CONFIG_INVALID, "ledger: a segment has at most 2^40 bytes");
    return RS_OK;
}

/* The lock file stays empty; what counts is who holds it. */
static rs_code
take_lock(struct ledger *ledger, struct rs_err *err)
{
    char path[LEDGER_PATH_MAX];
    rs_code rc;

    rc = rs_dir_make(ledger->dir, 0700, err);
    if (rc == RS_OK && ledger->witness_dir != NULL)
        rc = rs_dir_make(ledger->witness_dir, 0700, err);
    if (rc == RS_OK)
        rc = ledger_path(ledger, "lock", path, err);
    if (rc == RS_OK)
        rc = rs_file_open(path, RS_OPEN_CREATE, &ledger->lock_fd, err);
    return rc == RS_OK ? rs_file_lock(ledger->lock_fd, err) : rc;
}

struct found {
    unsigned count; /* segments 1 to count are there */
    int gap;        /* a number is missing before this one */
};

static int
on_name(void *arg, const char *name)
{
    struct found *found = arg;
    unsigned number;

    if (!segment_name_read(name, &number))
        return 0;
    if (number != found->count + 1)
        found->gap = 1;
    else
        found->count = number;
    return found->gap;
}

/* The first segment starts with nothing before it, each other one behind the one before. */
static int
head_follows(const struct ledger *ledger, unsigned number, const struct segment_head *head)
{
    static const uint8_t nothing[LEDGER_HASH_SIZE];

    if (number == 1)
        return head->first_index == 0 && memcmp(head->previous, nothing, sizeof(nothing)) == 0;
    return head->first_index > ledger->first_index[number - 2];
}

/* Read the headers of the first `count` segments, so that leaves can be found. */
static rs_code
read_heads(struct ledger *ledger, unsigned count, struct rs_err *err)
{
    for (unsigned number = 1; number <= count; number++) {
        struct segment_head head;
        uint8_t bytes[SEGMENT_HEAD_SIZE];
        char path[LEDGER_PATH_MAX];
        size_t got = 0;
        int fd = -1;
        rs_code rc;

        rc = ledger_segment_path(ledger, number, path, err);
        if (rc == RS_OK)
            rc = rs_file_open(path, RS_OPEN_READ, &fd, err);
        if (rc == RS_OK)
            rc = rs_file_read_at(fd, 0, bytes, sizeof(bytes), &got, err);
        rs_file_close(fd);
        if (rc == RS_OK && !segment_head_read(rs_bytes_of(bytes, got), &head))
            rc = rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: header of segment %u: changed", number);
        if (rc == RS_OK && !head_follows(ledger, number, &head))
            rc = rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: segment %u: reordered", number);
        if (rc == RS_OK && head.signer_id != ledger->config.signer_id)
            rc = rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: segment %u belongs to signer %u",
                         number, head.signer_id);
        if (rc == RS_OK)
            rc = ledger_add_segment(ledger, head.first_index, err);
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* Overwrite an unfinished write with zeros, durably, so that the next one starts clean. */
static rs_code
cut_tail(const char *path, uint64_t from, uint64_t to, struct rs_err *err)
{
    static const uint8_t zeros[65536];
    int fd;
    rs_code rc;

    rc = rs_file_open(path, RS_OPEN_WRITE, &fd, err);
    if (rc != RS_OK)
        return rc;
    /* From the end, so that a crash in the middle leaves less of the same tail. */
    while (rc == RS_OK && to > from) {
        uint64_t n = to - from < sizeof(zeros) ? to - from : sizeof(zeros);
        to -= n;
        rc = rs_file_write_at(fd, to, rs_bytes_of(zeros, (size_t)n), err);
    }
    if (rc == RS_OK)
        rc = rs_file_sync(fd, err);
    rs_file_close(fd);
    return rc;
}

static rs_code
check_numbered(struct ledger *ledger, unsigned number, char path[LEDGER_PATH_MAX],
               struct rs_err *err)
{
    rs_code rc = ledger_segment_path(ledger, number, path, err);

    return rc == RS_OK ? segment_check(&ledger->hasher, path, &ledger->tip, err) : rc;
}

/*
 * Check the newest segment and cut what did not finish.  One that holds no
 * batch (its first write did not finish) is removed when the one before is
 * whole to its end: a segment's file is made only after that.
 */
static rs_code
check_newest(struct ledger *ledger, unsigned *count, uint64_t *torn_bytes, struct rs_err *err)
{
    char path[LEDGER_PATH_MAX], before[LEDGER_PATH_MAX];
    struct segment_state newest;
    rs_code rc = check_numbered(ledger, *count, path, err);

    if (rc != RS_OK)
        return rc;
    *torn_bytes = ledger->tip.used - ledger->tip.end;
    if (!ledger->tip.empty)
        return *torn_bytes > 0 ? cut_tail(path, ledger->tip.end, ledger->tip.used, err) : RS_OK;
    newest = ledger->tip;
    ledger->tip = (struct segment_state){.empty = 1};
    if (--*count > 0) {
        rc = check_numbered(ledger, *count, before, err);
        if (rc == RS_OK && (ledger->tip.empty || ledger->tip.used > ledger->tip.end))
            rc = rs_fail(err, RS_E_LEDGER_DAMAGED,
                         "ledger: segment %u: cut (unfinished, and not the last)", *count);
        if (rc != RS_OK)
            return rc;
    }
    if (newest.has_head &&
        (newest.head.first_index != ledger->tip.range.size ||
         memcmp(newest.head.previous, ledger->tip.last_hash, sizeof(newest.head.previous)) != 0))
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: header of segment %u: changed",
                       *count + 1);
    return rs_file_remove(path, err);
}

static rs_code
read_segments(struct ledger *ledger, uint64_t *torn_bytes, struct rs_err *err)
{
    struct found found = {0};
    char path[LEDGER_PATH_MAX];
    rs_code rc;

    rc = rs_dir_list(ledger->dir, on_name, &found, err);
    if (rc != RS_OK)
        return rc;
    if (found.gap)
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: segment %u: missing", found.count + 1);
    ledger->tip.empty = 1;
    if (found.count > 0)
        rc = check_newest(ledger, &found.count, torn_bytes, err);
    if (rc == RS_OK)
        rc = read_heads(ledger, found.count, err);
    if (rc != RS_OK || found.count == 0)
        return rc;
    if (ledger->tip.head.epoch > ledger->config.epoch)
        return rs_fail(err, RS_E_SIGNER_FENCED,
                       "ledger: it has reached epoch %u, this signer is %u", ledger->tip.head.epoch,
                       ledger->config.epoch);
    rc = ledger_segment_path(ledger, found.count, path, err);
    return rc == RS_OK ? rs_file_open(path, RS_OPEN_WRITE, &ledger->fd, err) : rc;
}

/* A leaf of its own says that a tail was cut, and how long it was. */
static rs_code
append_torn(struct ledger *ledger, uint64_t torn_bytes, struct rs_err *err)
{
    uint8_t memory[64];
    struct rs_buf content;
    struct leaf_note note = {.text = rs_bytes_str("unfinished write cut at start"),
                             .number = torn_bytes};
    struct ledger_leaf leaf = {.type = LEDGER_TORN, .time_ms = rs_now_ms()};

    rs_buf_init_fixed(&content, memory, sizeof(memory));
    leaf_note_put(&content, &note);
    leaf.content = rs_buf_bytes(&content);
    if (leaf.time_ms < ledger->tip.last_time_ms)
        leaf.time_ms = ledger->tip.last_time_ms;
    return ledger_append(ledger, &leaf, 1, err);
}

static rs_code
open_inner(struct ledger *ledger, const struct ledger_config *config,
           struct ledger_opened *ret_opened, struct rs_err *err)
{
    struct ledger_opened opened = {0};
    rs_code rc;

    rc = copy_config(ledger, config, err);
    if (rc == RS_OK)
        rc = take_lock(ledger, err);
    if (rc == RS_OK)
        rc = read_segments(ledger, &opened.torn_bytes, err);
    if (rc != RS_OK)
        return rc;
    publish(ledger);
    rc = ledger_check_stored(ledger, &opened.checkpoint_size, err);
    if (rc == RS_OK && opened.torn_bytes > 0)
        rc = append_torn(ledger, opened.torn_bytes, err);
    if (rc != RS_OK)
        return rc;
    ledger_get_head(ledger, &opened.head);
    opened.last_time_ms = ledger->tip.last_time_ms;
    *ret_opened = opened;
    return RS_OK;
}

static void
ledger_free(struct ledger *ledger)
{
    rs_file_close(ledger->fd);
    rs_file_close(ledger->lock_fd);
    ledger_hasher_done(&ledger->hasher);
    rs_buf_done(&ledger->batch);
    (void)pthread_mutex_destroy(&ledger->appending);
    (void)pthread_mutex_destroy(&ledger->noting);
    (void)pthread_mutex_destroy(&ledger->state);
    free(ledger->first_index);
    free(ledger->dir);
    free(ledger->witness_dir);
    free(ledger->origin);
    free(ledger);
}

rs_code
ledger_open(const struct ledger_config *config, struct ledger **ret_ledger,
            struct ledger_opened *ret_opened, struct rs_err *err)
{
    struct ledger *ledger;
    rs_code rc;

    rc = check_config(config, err);
    if (rc != RS_OK)
        return rc;
    ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to open");
    ledger->fd = -1;
    ledger->lock_fd = -1;
    (void)pthread_mutex_init(&ledger->appending, NULL);
    (void)pthread_mutex_init(&ledger->noting, NULL);
    (void)pthread_mutex_init(&ledger->state, NULL);
    rc = open_inner(ledger, config, ret_opened, err);
    if (rc != RS_OK) {
        ledger_free(ledger);
        return rc;
    }
    *ret_ledger = ledger;
    return RS_OK;
}

void
ledger_close(struct ledger *ledger)
{
    RS_AUTO(rs_buf_done) struct rs_buf note = {0};
    struct ledger_head head;

    if (ledger == NULL)
        return;
    ledger_get_head(ledger, &head);
    rs_buf_init(&note, NOTE_MAX);
    /* What cannot be noted now is noted at the next start; nothing is lost by it. */
    if (!ledger->broken && (!ledger->noted || ledger->noted_size < head.size))
        (void)!ledger_checkpoint(ledger, &note, NULL);
    ledger_free(ledger);
}
