/*
 * segment.h: one segment file, read record by record or checked as a whole.
 *
 * The writer's side: opening the log checks its last segment completely and
 * takes the tree's state from it; reading walks over leaves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_SEGMENT_H
#define LEDGER_SEGMENT_H

#include "ledger/record.h"

#define SEGMENT_NAME_SIZE  16 /* "00000001.seg" and NUL */
#define SEGMENT_NUMBER_MAX 99999999u

void segment_name(unsigned number, char name[SEGMENT_NAME_SIZE]);
/* 1 and the number when name is that of a segment. */
RS_MUST_USE int segment_name_read(const char *name, unsigned *ret_number);

/* A file being read: a window over it, so that memory stays bounded. */
struct segment_reader {
    int fd;
    uint64_t size; /* of the file */
    uint64_t at;   /* offset of the next record */
    struct segment_head head;
    int has_head; /* 0: no valid header stands at the start */
    uint8_t *window;
    uint64_t window_at;
    size_t window_len;
};

RS_MUST_USE rs_code segment_reader_open(const char *path, struct segment_reader *ret_reader,
                                        struct rs_err *err);
void segment_reader_done(struct segment_reader *reader); /* NULL and zeroed are fine */
RS_AUTO_DEFINE(struct segment_reader, segment_reader_done);

/* The next record, borrowed until the next call; *ret_whole 0 when none stands here. */
RS_MUST_USE rs_code segment_next(struct segment_reader *reader, struct record *ret_rec,
                                 int *ret_whole, struct rs_err *err);

/* What a segment holds, by its own whole batches. */
struct segment_state {
    struct segment_head head;
    int has_head; /* 0: no valid header stands at the start */
    struct tree_range range;
    int64_t last_time_ms;
    uint8_t last_hash[LEDGER_HASH_SIZE]; /* of the last record */
    uint64_t end;                        /* offset behind the last whole batch */
    uint64_t used;                       /* offset behind the last byte that is not zero */
    int empty;                           /* no batch at all, not even the opening record */
};

/*
 * Check every record of the segment.  RS_E_LEDGER_DAMAGED names the first bad
 * one; an unfinished last write is not damage: then used is above end.
 */
RS_MUST_USE rs_code segment_check(struct ledger_hasher *h, const char *path,
                                  struct segment_state *ret_state, struct rs_err *err);

#endif /* LEDGER_SEGMENT_H */
