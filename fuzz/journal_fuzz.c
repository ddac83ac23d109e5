/*
 * journal_fuzz.c: hostile station journals.
 *
 * The input is a list of contents (u16 length, then bytes); the target frames
 * each with a right check sum, so that the fuzzer is not stopped by it, and
 * reads the frames and then the raw input as they are.  What is read is put
 * together again and must be the same, and memory must take it or refuse it.
 * Of one input in eight the frames are then a file with the input behind them,
 * which is looked at, opened, and written to: that costs as much as all else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "station/journal.h"
#include "station/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same(const struct journal_record *record, struct rs_bytes frame)
{
    struct rs_buf again;

    rs_buf_init(&again, JOURNAL_FRAME_MAX + UINT16_MAX);
    if (journal_frame_put(&again, record, NULL) != RS_OK ||
        !rs_bytes_equal(rs_buf_bytes(&again), frame))
        abort();
    rs_buf_done(&again);
}

static void
read_frames(struct memory *m, struct rs_bytes data)
{
    struct journal_record record;
    size_t len;

    while (journal_frame_read(data, &record, &len)) {
        if (len > data.len)
            abort();
        check_same(&record, rs_bytes_of(data.p, len));
        if (memory_take(m, &record, NULL) != RS_OK)
            return;
        data = rs_bytes_of(data.p + len, data.len - len);
    }
}

/* ---- A file -------------------------------------------------------------------------- */

static char path[64];

static void
remove_file(void)
{
    (void)unlink(path);
}

static void
write_file(struct rs_bytes frames, struct rs_bytes tail)
{
    int fd = -1;

    if (path[0] == '\0') {
        (void)snprintf(path, sizeof(path), "%s/journal-fuzz-%d",
                       rs_path_exists("/dev/shm") ? "/dev/shm" : "/tmp", (int)getpid());
        (void)atexit(remove_file);
    }
    if (rs_file_open(path, RS_OPEN_CREATE, &fd, NULL) != RS_OK ||
        rs_file_truncate(fd, 0, NULL) != RS_OK ||
        rs_file_write_at(fd, 0, rs_bytes_str(JOURNAL_MAGIC), NULL) != RS_OK ||
        rs_file_write_at(fd, JOURNAL_MAGIC_SIZE, frames, NULL) != RS_OK ||
        rs_file_write_at(fd, JOURNAL_MAGIC_SIZE + frames.len, tail, NULL) != RS_OK)
        abort();
    rs_file_close(fd);
}

static rs_code
count_record(void *arg, const struct journal_record *record, struct rs_err *err)
{
    uint64_t *count = arg;

    (void)err;
    if (record->number != ++*count)
        abort();
    return RS_OK;
}

/* What can be looked at can be opened and written to, and then has one record more. */
static void
read_file_again(void)
{
    struct journal_record event = {.type = JOURNAL_EVENT};
    struct journal *j = NULL;
    uint64_t looked = 0, opened = 0, after = 0;
    rs_code look = journal_look(path, count_record, &looked, NULL);
    rs_code open = journal_open(path, count_record, &opened, &j, NULL);

    if (look != open || looked != opened)
        abort();
    if (open != RS_OK)
        return;
    event.field[JOURNAL_JSON] = rs_bytes_str("{}");
    if (journal_put(j, &event, NULL) != RS_OK || journal_sync(j, NULL) != RS_OK)
        abort();
    journal_close(j);
    if (journal_look(path, count_record, &after, NULL) != RS_OK || after != opened + 1)
        abort();
}

/* By its last byte, which is part of what stands behind the frames. */
static int
is_file(const uint8_t *data, size_t size)
{
    return size > 0 && (data[size - 1] & 7) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory *m = memory_new();
    struct rs_reader in;
    struct rs_buf frames;

    if (m == NULL)
        return 0;
    rs_buf_init(&frames, 1u << 20);
    rs_reader_init(&in, rs_bytes_of(data, size));
    while (in.left > 2) {
        struct rs_bytes content = rs_read_u16_bytes(&in, UINT16_MAX);
        if (!rs_reader_ok(&in))
            break;
        rs_buf_put_u32(&frames, (uint32_t)content.len);
        rs_buf_put_u32(&frames, rs_crc32c(0, content));
        rs_buf_put_bytes(&frames, content);
    }
    if (rs_buf_ok(&frames))
        read_frames(m, rs_buf_bytes(&frames));
    read_frames(m, rs_bytes_of(data, size));
    if (rs_buf_ok(&frames) && is_file(data, size)) {
        write_file(rs_buf_bytes(&frames), rs_bytes_of(data, size));
        read_file_again();
    }
    rs_buf_done(&frames);
    memory_free(m);
    return 0;
}
