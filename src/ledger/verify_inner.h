/*
 * verify_inner.h: what the files of the verifier share.
 *
 * Written from docs/protocols/ledger.md, not from the writer: constants stand
 * here a second time on purpose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_VERIFY_INNER_H
#define LEDGER_VERIFY_INNER_H

#include "ledger/hash.h"
#include "ledger/verify.h"

#define V_HASH     32u
#define V_NOTE_MAX 16384u
#define V_LEVELS   64u

/* One checkpoint to compare with. */
struct v_note {
    const char *whose; /* "checkpoint", "the witness directory", "a note kept outside" */
    uint64_t size;
    uint8_t root[V_HASH];
    uint8_t computed[V_HASH]; /* our root at that size */
    int reached;              /* computed is filled in */
};

/* Where the last component of an origin is a number, it is the signer id; -1: it is not. */
int64_t v_origin_signer(const char *origin, size_t len);

/*
 * Read a note.  key is 32 bytes or NULL, origin the expected one or NULL.
 * 0 when it is malformed, of another origin, or not signed by the key;
 * *ret_signer is v_origin_signer() of its origin.
 */
int v_note_read(struct ledger_hasher *h, struct rs_bytes text, const uint8_t *key,
                const char *origin, struct v_note *ret_note, int64_t *ret_signer);

/* ---- Records ----------------------------------------------------------------- */

struct v_record {
    int is_end;
    uint16_t epoch;
    int64_t time_ms;
    uint64_t index;
    struct rs_bytes head; /* 24 bytes */
    struct rs_bytes content;
    uint64_t size;
    uint32_t end_count; /* of a batch end */
};

struct v_header {
    uint16_t epoch;
    uint32_t signer;
    uint64_t first, file_size;
    uint8_t previous[V_HASH];
};

#define V_HEADER_SIZE 72u
#define V_RECORD_MAX  (28u + 16384u)
#define V_WRITE_MAX   4205800u
#define V_END_FIXED   52u /* count, root, end mark */

/* 1 when bytes begin with a whole header or record. */
int v_header_parse(struct rs_bytes bytes, struct v_header *ret_header);
int v_record_parse(struct rs_bytes bytes, struct v_record *ret_record);

/* Section 5: 1 if the tail [g, e) may be an unfinished write.  Offsets are relative to tail.p. */
int v_tail_unfinished(struct rs_bytes tail, uint64_t file_offset, size_t bad, uint64_t nonzero);

/* ---- A file, through a window ---------------------------------------------------- */

struct v_file {
    int fd;
    uint64_t size;
    uint64_t at; /* where the next bytes are looked at */
    uint8_t *buf;
    uint64_t buf_at;
    size_t buf_len;
};

RS_MUST_USE rs_code v_file_open(struct v_file *f, const char *path, struct rs_err *err);
void v_file_close(struct v_file *f);
/* At least V_RECORD_MAX bytes from f->at on, or all up to the end. */
RS_MUST_USE rs_code v_file_look(struct v_file *f, struct rs_bytes *ret_bytes, struct rs_err *err);
/* Zeros only from `from` to the end?  First and past-the-last other byte, and how many. */
RS_MUST_USE rs_code v_file_rest(struct v_file *f, uint64_t from, uint64_t *ret_first,
                                uint64_t *ret_end, uint64_t *ret_nonzero, struct rs_err *err);

#endif /* LEDGER_VERIFY_INNER_H */
