/*
 * open.c: opening a log, cutting a write that did not finish, closing.  See ledger.h.
 *
 * The newest segment is checked completely; of the others only the headers are
 * read.  Nothing on disk is changed before everything that is looked at was
 * found whole, so that a damaged log stays as it was found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "ledger/inner.h"
#include "ledger/leaf.h"

#define SEGMENT_SIZE_MAX ((uint64_t)1 << 40)

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

/* What an unfinished write has left, to be put right once all else is found good. */
struct repair {
    char path[LEDGER_PATH_MAX];
    uint64_t from, to; /* bytes to overwrite with zeros */
    int remove;        /* the whole file: it holds no batch */
};

/* Overwrite an unfinished write with zeros, durably, so that the next one starts clean. */
static rs_code
do_repair(const struct repair *repair, struct rs_err *err)
{
    static const uint8_t zeros[65536];
    uint64_t to = repair->to;
    int fd;
    rs_code rc;

    if (repair->remove)
        return rs_file_remove(repair->path, err);
    if (repair->to == repair->from)
        return RS_OK;
    rc = rs_file_open(repair->path, RS_OPEN_WRITE, &fd, err);
    if (rc != RS_OK)
        return rc;
    /* From the end, so that a crash in the middle leaves less of the same tail. */
    while (rc == RS_OK && to > repair->from) {
        uint64_t n = to - repair->from < sizeof(zeros) ? to - repair->from : sizeof(zeros);
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
 * Check the newest segment and say what is to be cut.  One that holds no batch
 * (its first write did not finish) is to be removed when the one before is
 * whole to its end: a segment's file is made only after that.
 */
static rs_code
check_newest(struct ledger *ledger, unsigned *count, struct repair *repair, struct rs_err *err)
{
    char before[LEDGER_PATH_MAX];
    struct segment_state newest;
    rs_code rc = check_numbered(ledger, *count, repair->path, err);

    if (rc != RS_OK)
        return rc;
    repair->from = ledger->tip.end;
    repair->to = ledger->tip.used;
    repair->remove = ledger->tip.empty;
    if (!ledger->tip.empty)
        return RS_OK;
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
    return RS_OK;
}

static rs_code
read_segments(struct ledger *ledger, struct repair *repair, struct rs_err *err)
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
        rc = check_newest(ledger, &found.count, repair, err);
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
    struct repair repair = {.remove = 0};
    rs_code rc;

    rc = copy_config(ledger, config, err);
    if (rc == RS_OK)
        rc = take_lock(ledger, err);
    if (rc == RS_OK)
        rc = read_segments(ledger, &repair, err);
    if (rc != RS_OK)
        return rc;
    ledger_publish(ledger);
    rc = ledger_check_stored(ledger, &opened.checkpoint_size, err);
    if (rc == RS_OK)
        rc = do_repair(&repair, err);
    opened.torn_bytes = repair.to - repair.from;
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
