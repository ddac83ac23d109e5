/*
 * verify.h: is a ledger directory what was written?
 *
 * For auditors, `rootsmith ledger verify` and tests.  Shares no code with the
 * writer but the hash function: it has its own reading of docs/protocols/ledger.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include <stdint.h>

#include "base/bytes.h"

/* What is wrong, as a word for people and programs. */
enum ledger_damage {
    LEDGER_WHOLE = 0,
    LEDGER_CHANGED = 1,   /* content or frame of a record differs from what was hashed */
    LEDGER_MISSING = 2,   /* a record is not there, its neighbours are */
    LEDGER_INSERTED = 3,  /* a record too many, or twice */
    LEDGER_REORDERED = 4, /* records have changed places */
    LEDGER_CUT = 5,       /* ends before a checkpoint that was seen */
    LEDGER_FORKED = 6,    /* whole in itself, but another history than a checkpoint says */
    LEDGER_TORN_TAIL = 7, /* an unfinished last batch: normal after a power cut, not damage */
    LEDGER_UNSIGNED = 8,  /* a checkpoint's signature does not verify */
};

const char *ledger_damage_name(enum ledger_damage damage); /* "changed", ... */

struct ledger_verify_config {
    const char *dir;
    const char *witness_dir;      /* second directory with a checkpoint; NULL: none */
    const uint8_t *public_key;    /* 32 bytes; NULL: signatures are not checked (and said so) */
    const char *origin;           /* expected first line of checkpoints; NULL: any */
    const struct rs_bytes *notes; /* checkpoints kept outside: store, stations, witnesses */
    size_t note_count;
    void (*progress)(void *arg, uint64_t done); /* every 65,536 records; NULL: none */
    void *progress_arg;
};

struct ledger_verdict {
    enum ledger_damage damage; /* the first found, in order of index */
    uint64_t entries;          /* whole records read */
    uint64_t first_bad;        /* index; valid when damage is not WHOLE */
    char segment[64];          /* file in which it lies */
    uint64_t offset;           /* bytes into that file */
    uint8_t root[32];          /* of the whole records */
    unsigned checkpoints;      /* how many were compared */
    int64_t first_time_ms;
    int64_t last_time_ms;
    char text[320]; /* one sentence */
};

/* RS_OK and a verdict, or an error when the directory cannot be read at all. */
RS_MUST_USE rs_code ledger_verify(const struct ledger_verify_config *config,
                                  struct ledger_verdict *ret_verdict, struct rs_err *err);

#endif /* LEDGER_VERIFY_H */
