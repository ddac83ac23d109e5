/*
 * record.h: the writer's side of the bytes in docs/protocols/ledger.md.
 *
 * Pure functions over memory: segment headers, records, batch ends, and the
 * judgement whether the end of a segment is an unfinished write or damage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include <stdint.h>

#include "ledger/ledger.h"
#include "ledger/tree.h"

#define RECORD_HEAD_SIZE     28      /* before the content */
#define RECORD_HASHED_SIZE   24      /* of these, before the CRC */
#define RECORD_BATCH_END     0xffffu /* type of a batch end: not a leaf */
#define RECORD_END_MARK      "--end-of-batch--"
#define RECORD_END_MARK_SIZE 16u
#define RECORD_END_FIXED     (4u + LEDGER_HASH_SIZE + RECORD_END_MARK_SIZE)
#define RECORD_END_MAX       (RECORD_HEAD_SIZE + RECORD_END_FIXED + TREE_HASHES_MAX * LEDGER_HASH_SIZE)
#define SEGMENT_HEAD_SIZE    72
#define SEGMENT_VERSION      1
/* The longest write: header, opening record, a full batch and its end. */
#define RECORD_WRITE_MAX                                                                           \
    (SEGMENT_HEAD_SIZE + 2 * RECORD_END_MAX +                                                      \
     (size_t)LEDGER_BATCH_MAX * (RECORD_HEAD_SIZE + LEDGER_CONTENT_MAX))

struct segment_head {
    uint16_t epoch;
    uint32_t signer_id;
    uint64_t first_index;
    uint64_t file_size;
    uint8_t previous[LEDGER_HASH_SIZE]; /* hash of the last record of the segment before; zeros */
};

/* One record as it stands in memory.  content and hashed are borrowed. */
struct record {
    unsigned type;
    uint16_t epoch;
    uint64_t index; /* of a leaf its own; of a batch end the size of the tree */
    int64_t time_ms;
    struct rs_bytes hashed; /* the first RECORD_HASHED_SIZE bytes */
    struct rs_bytes content;
    size_t size; /* of the whole record */
};

/* What a batch end says. */
struct batch_end {
    uint32_t count;
    uint8_t root[LEDGER_HASH_SIZE];
    struct tree_range range;
};

void segment_head_put(struct rs_buf *out, const struct segment_head *head);
/* 0 unless bytes begin with a segment header of this version. */
RS_MUST_USE int segment_head_read(struct rs_bytes bytes, struct segment_head *ret_head);

/* Append one record; index and content of rec are used, hashed and size are not. */
void record_put(struct rs_buf *out, const struct record *rec);
/* 0 unless bytes begin with one whole record: known type, sane length, right CRC. */
RS_MUST_USE int record_read(struct rs_bytes bytes, struct record *ret_rec);
/* RFC 6962 leaf hash of a record (also used to chain segments). */
void record_hash(struct ledger_hasher *h, const struct record *rec,
                 uint8_t ret_hash[LEDGER_HASH_SIZE]);

/* The content of a batch end, and back; 0 when it is not exactly one for this tree size. */
void batch_end_put(struct rs_buf *out, uint32_t count, const struct tree_range *range,
                   const uint8_t root[LEDGER_HASH_SIZE]);
RS_MUST_USE int batch_end_read(const struct record *rec, struct batch_end *ret_end);

enum tail_kind {
    TAIL_DAMAGED = 0, /* something was written here and then changed: never cut */
    TAIL_EMPTY = 1,   /* zeros only */
    TAIL_TORN = 2,    /* a write that did not finish */
};

/*
 * Judge the bytes after the last whole batch.  tail starts at file offset
 * `at`; bad is where the first record that is not whole begins, relative to
 * tail; used is the length up to the last byte that is not zero, nonzero how
 * many such bytes there are.
 */
enum tail_kind tail_judge(struct rs_bytes tail, uint64_t at, size_t bad, size_t used,
                          size_t nonzero);

#endif /* LEDGER_RECORD_H */
