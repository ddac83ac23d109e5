/*
 * memory.h: what the journal says about each chip and each board.
 *
 * Built by reading the journal at start and kept by feeding it every record
 * that is written afterwards.  A chip is known by its unique id, so a board
 * that comes back, in whichever fixture, is continued and not begun again.
 *
 * Not safe between threads: station.c holds its lock around every call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_MEMORY_H
#define STATION_MEMORY_H

#include <stdint.h>

#include "station/journal.h"

#define MEMORY_TEXT_MAX    64
#define MEMORY_UID_MAX     32
#define MEMORY_CLASSES_MAX 4

/* What is known of one chip.  Strings are empty and bytes have length 0 while unknown. */
struct memory_chip {
    uint8_t uid[MEMORY_UID_MAX];
    size_t uid_len;
    uint64_t board; /* the newest board number of this chip */
    char device[MEMORY_TEXT_MAX];
    char order[MEMORY_TEXT_MAX];
    char state[16];          /* of its newest end; "" while it is being worked on */
    unsigned sealed_intents; /* bits 1 << stage */
    struct rs_buf spki;      /* the key that an identity was asked for */
    struct rs_buf cert;      /* the identity */
    int passed;              /* it was finished once, in this order, with this device */
    struct {
        char class[4];
        unsigned count;
    } again[MEMORY_CLASSES_MAX]; /* how often it got AGAIN */
    struct memory_chip *next, *next_device;
};

struct memory;

struct memory *memory_new(void); /* NULL: no memory */
void memory_free(struct memory *m);

/* Take one record in.  RS_E_JOURNAL_DAMAGED: it contradicts earlier ones. */
RS_MUST_USE rs_code memory_take(struct memory *m, const struct journal_record *record,
                                struct rs_err *err);

/* A chip, or NULL.  Borrowed until the next memory_take(). */
const struct memory_chip *memory_find(const struct memory *m, struct rs_bytes uid);
/* The same, copied: memory_chip_done() frees it.  *ret_chip is all zero when unknown. */
RS_MUST_USE rs_code memory_copy(const struct memory *m, struct rs_bytes uid,
                                struct memory_chip *ret_chip, struct rs_err *err);
void memory_chip_done(struct memory_chip *chip);
RS_AUTO_DEFINE(struct memory_chip, memory_chip_done);
/*
 * May this record be written?  Another fixture may have taken the part up since it was looked at: a board
 * that it belongs to no more is not begun with it, and an identity is asked for by the board that took it up
 * last.  RS_E_CHIP_INTERRUPTED otherwise.
 */
rs_code memory_check(const struct memory *m, const struct journal_record *record,
                     struct rs_err *err);
/* It belongs to its device: an identity was asked for, and its label was not the wrong one. */
int memory_is_bound(const struct memory_chip *chip);
/* How often this chip got AGAIN for a class. */
unsigned memory_again(const struct memory_chip *chip, const char *class);
/*
 * Does another chip than this one belong to a device serial: asked for an identity of that name, and
 * not thrown away since?  ret_chip: that one, may be NULL.
 */
enum memory_holder { MEMORY_NOBODY = 0, MEMORY_IN_WORK, MEMORY_PASSED };
enum memory_holder memory_holder(const struct memory *m, const char *device, struct rs_bytes uid,
                                 const struct memory_chip **ret_chip);
/* The newest chip that passed with this device serial, or NULL. */
const struct memory_chip *memory_find_device(const struct memory *m, const char *device);

/* Chips that asked for an identity under this order, without the one of that board. */
uint64_t memory_asked(const struct memory *m, const char *order, uint64_t board);

/* What the counter beside the station's key was last counted up to; 0: never. */
uint64_t memory_counter(const struct memory *m);
uint64_t memory_next_board(const struct memory *m);
uint64_t memory_next_report(const struct memory *m);
uint64_t memory_next_event(const struct memory *m);

/* Reports that the server does not have yet, oldest first. */
struct memory_report {
    uint64_t number;
    char *json;
    size_t json_len;
    struct memory_report *next;
};
const struct memory_report *memory_reports(const struct memory *m);

/* When a nest was last shown what it is checked with, and told it right; 0: never, or wrong since. */
struct memory_check {
    char nest[MEMORY_TEXT_MAX];
    int64_t golden_ms, bad_ms;
    char code[48]; /* what the newest check found wrong; "" */
    struct memory_check *next;
};
const struct memory_check *memory_find_check(const struct memory *m, const char *nest);

/* Counts over the whole journal. */
struct memory_counts {
    uint64_t passed, rejected, scrapped, again;
};
struct memory_counts memory_counts(const struct memory *m);

#endif /* STATION_MEMORY_H */
