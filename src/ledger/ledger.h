/*
 * ledger.h: the append-only, tamper-evident log of one signer.
 *
 * Truth is a directory of segment files, written by one process only (the
 * signer).  A record is length, type, flags, time, index, CRC-32C and content;
 * records are leaves of an RFC 6962 Merkle tree.  A batch of leaves costs one
 * write and one sync, and ends with a `batch` trailer that carries the root and
 * the compact range, so that opening reads the last segment only.  Exact bytes:
 * docs/protocols/ledger.md.
 *
 * The order of things, on which L3 rests: ledger_append() returns only after
 * the batch is durable; whoever signs does so after that.
 *
 * A failed write or sync leaves the ledger broken: every later call refuses
 * until the process opens it again, because nobody knows what is on the disk.
 *
 * Checkpoints (C2SP signed notes, Ed25519) are written next to the segments
 * and into a second directory on another volume; opening compares both with
 * what the segments say, and refuses a log that is shorter than or different
 * from a checkpoint that was seen (L6, fencing).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stdint.h>

#include "base/bytes.h"

#define LEDGER_HASH_SIZE    32
#define LEDGER_BATCH_MAX    256         /* leaves in one append */
#define LEDGER_CONTENT_MAX  16384       /* bytes of one leaf (threat model 11) */
#define LEDGER_SEGMENT_SIZE (16u << 20) /* bytes, preallocated with zeros; read at each start */

/* What a leaf says.  Stable numbers; contents are deterministic CBOR (leaf.h). */
enum ledger_type {
    LEDGER_ISSUED = 1, /* an intent: the full TBS that will be signed */
    LEDGER_REVOKED = 2,
    LEDGER_CRL = 3, /* issuer, scope, number, hash of the TBS */
    LEDGER_SSH = 4,
    LEDGER_KRL = 5,
    LEDGER_ORDER = 6, /* a signed work order, or a change of one */
    LEDGER_APPROVAL = 7,
    LEDGER_CONFIG = 8, /* issuers, officers, limits: before and after */
    LEDGER_PROFILE = 9,
    LEDGER_TRUST = 10,
    LEDGER_LOGIN = 11,
    LEDGER_REFUSED = 12, /* first, last, count of refusals of one kind */
    LEDGER_EPOCH = 13,
    LEDGER_TORN = 14, /* the tail was cut at start: how many bytes */
    LEDGER_SEEN = 15, /* a checkpoint of another log: cross-witness */
    LEDGER_LOST = 16, /* an open intent that can no longer be completed */
};

/* One leaf, to append or as read. */
struct ledger_leaf {
    enum ledger_type type;
    uint64_t index;  /* out: set by append, and by readers */
    int64_t time_ms; /* wall time, set by the caller; never earlier than the leaf before */
    struct rs_bytes content;
};

/* How long the tree is and what it hashes to. */
struct ledger_head {
    uint64_t size;
    uint8_t root[LEDGER_HASH_SIZE];
};

/* Signs checkpoints: Ed25519 over message into sig[64]. */
typedef rs_code (*ledger_sign_fn)(void *arg, struct rs_bytes message, uint8_t sig[64],
                                  struct rs_err *err);

struct ledger_config {
    const char *dir;         /* segments, checkpoint */
    const char *witness_dir; /* a second place for the newest checkpoint; NULL: none */
    const char *origin;      /* "<installation>/ledger/<signer id>": first line of checkpoints */
    uint32_t signer_id;
    uint16_t epoch;         /* of this signer's life; in each segment header */
    uint8_t public_key[32]; /* Ed25519, of checkpoints */
    ledger_sign_fn sign;
    void *sign_arg;
    uint64_t segment_size; /* 0: LEDGER_SEGMENT_SIZE; tests use small ones */
};

struct ledger;

/* What opening found. */
struct ledger_opened {
    struct ledger_head head;
    int64_t last_time_ms;     /* of the last leaf; 0 when empty */
    uint64_t torn_bytes;      /* cut from the tail; a `torn` leaf was appended when not 0 */
    uint64_t checkpoint_size; /* of the newest checkpoint that was found */
};

/*
 * Open the log, or start one when the directory is empty.  Takes a lock.
 *
 * A torn last batch is cut (nothing in it was acknowledged, because append had
 * not returned); anything else that is wrong is RS_E_LEDGER_DAMAGED and names
 * the first bad record.  RS_E_SIGNER_FENCED: shorter than, or not consistent
 * with, a checkpoint in either directory.
 */
RS_MUST_USE rs_code ledger_open(const struct ledger_config *config, struct ledger **ret_ledger,
                                struct ledger_opened *ret_opened, struct rs_err *err);
/* Write a checkpoint if anything is new, unlock, free.  NULL is fine. */
void ledger_close(struct ledger *ledger);

/*
 * Append count leaves (1 to LEDGER_BATCH_MAX) and make them durable: one write,
 * one sync.  Sets each leaf's index.  On failure nothing may be assumed.
 */
RS_MUST_USE rs_code ledger_append(struct ledger *ledger, struct ledger_leaf *leaves, size_t count,
                                  struct rs_err *err);

void ledger_get_head(struct ledger *ledger, struct ledger_head *ret_head);

/*
 * Leaves from index `from` on, in order, until each() gives non-zero or the end
 * is reached.  Safe beside one appender in the same process.
 */
RS_MUST_USE rs_code ledger_read(struct ledger *ledger, uint64_t from,
                                int (*each)(void *arg, const struct ledger_leaf *leaf), void *arg,
                                struct rs_err *err);

/* Sign the current head as a C2SP note, store it in both directories, and give its text. */
RS_MUST_USE rs_code ledger_checkpoint(struct ledger *ledger, struct rs_buf *ret_note,
                                      struct rs_err *err);

/*
 * A checkpoint that somebody else kept (the store, a station, a witness):
 * RS_OK when this log contains it; RS_E_SIGNER_FENCED when it is newer than the
 * log or of another history.
 */
RS_MUST_USE rs_code ledger_check_seen(struct ledger *ledger, struct rs_bytes note,
                                      struct rs_err *err);

/* RFC 6962 2.1.1: the audit path of a leaf in the tree of `size`; at most 64 hashes. */
RS_MUST_USE rs_code ledger_proof(struct ledger *ledger, uint64_t index, uint64_t size,
                                 uint8_t (*path)[LEDGER_HASH_SIZE], size_t cap, size_t *ret_count,
                                 struct rs_err *err);

/*
 * Export C2SP tlog-tiles (tile/0/..., tile/entries/..., partial tiles, the
 * checkpoint) below out_dir, from what was exported before to the head.
 */
RS_MUST_USE rs_code ledger_export(struct ledger *ledger, const char *out_dir, struct rs_err *err);

#endif /* LEDGER_LEDGER_H */
