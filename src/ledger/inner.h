/*
 * inner.h: the open ledger, as its own files see it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_INNER_H
#define LEDGER_INNER_H

#include <pthread.h>

#include "ledger/note.h"
#include "ledger/segment.h"

#define LEDGER_PATH_MAX        1024
#define LEDGER_CHECKPOINT_NAME "checkpoint"

/*
 * Three locks, taken in this order where more than one is held:
 * appending (one writer at a time), noting (checkpoints grow in order), state
 * (short: what readers may see).
 */
struct ledger {
    struct ledger_config config; /* its texts are copies, owned */
    char *dir, *witness_dir, *origin;
    int lock_fd;

    pthread_mutex_t appending;
    struct ledger_hasher hasher; /* of the appender */
    int fd;                      /* current segment; -1: none yet */
    struct segment_state tip;    /* what is durable, with the current segment's header */
    struct rs_buf batch;         /* the bytes of one write; memory is kept */
    int broken;

    pthread_mutex_t noting;
    uint64_t noted_size; /* of the newest checkpoint that was written here */
    int noted;           /* 0: none yet */

    pthread_mutex_t state;
    struct ledger_head head;
    unsigned segment_count; /* segments 1 to this one hold records */
    uint64_t *first_index;  /* of each; segment_count entries */
    size_t first_cap;
};

/* The path of a file in the ledger's directory. */
RS_MUST_USE rs_code ledger_path(const struct ledger *ledger, const char *name,
                                char path[LEDGER_PATH_MAX], struct rs_err *err);
/* The same for a segment, by its number from 1. */
RS_MUST_USE rs_code ledger_segment_path(const struct ledger *ledger, unsigned number,
                                        char path[LEDGER_PATH_MAX], struct rs_err *err);
/* Remember where a segment starts. */
RS_MUST_USE rs_code ledger_add_segment(struct ledger *ledger, uint64_t first_index,
                                       struct rs_err *err);

/* Make what is durable (tip) the head that others see. */
void ledger_publish(struct ledger *ledger);

/* RS_E_SIGNER_FENCED unless the first `head->size` leaves hash to head->root. */
RS_MUST_USE rs_code ledger_check_head(struct ledger *ledger, const struct ledger_head *head,
                                      const char *whose, struct rs_err *err);
/* Compare with the checkpoints in both directories; *ret_size is the newest one's, or 0. */
RS_MUST_USE rs_code ledger_check_stored(struct ledger *ledger, uint64_t *ret_size,
                                        struct rs_err *err);

/*
 * Records of leaves from index `from` on, below `end`, in order, as each() wants
 * them.  What is read must be there: anything else is RS_E_LEDGER_DAMAGED.
 */
RS_MUST_USE rs_code ledger_walk(struct ledger *ledger, uint64_t from, uint64_t end,
                                int (*each)(void *arg, const struct record *rec), void *arg,
                                struct rs_err *err);
/* The compact range that stands at the start of the segment that holds leaf `index`. */
RS_MUST_USE rs_code ledger_range_before(struct ledger *ledger, uint64_t index,
                                        struct tree_range *ret_range, struct rs_err *err);

#endif /* LEDGER_INNER_H */
