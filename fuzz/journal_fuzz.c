/*
 * journal_fuzz.c: hostile station journals.
 *
 * The input is a list of contents (u16 length, then bytes); the target frames
 * each with a right check sum, so that the fuzzer is not stopped by it, and
 * reads the frames and then the raw input as they are.  What is read is put
 * together again and must be the same, and memory must take it or refuse it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

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
    rs_buf_done(&frames);
    memory_free(m);
    return 0;
}
