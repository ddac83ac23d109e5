/*
 * recognise.h: what is in a nest, told without changing it.
 *
 * Reels are mixed: blank parts, parts that their maker configured, boards that another
 * run left half done, parts of another family, parts at another address.  Each is named in well
 * under 200 ms on the wire (tests/e2e/reels.sh counts), so that a person with the board
 * in hand reads what it is and where it goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_RECOGNISE_H
#define STATION_RECOGNISE_H

#include <rot/rot.h>

#include "station/wire.h"

enum reel_kind {
    REEL_EMPTY = 0,         /* nobody answers */
    REEL_BLANK = 1,         /* as its maker ships it, to be configured here */
    REEL_VENDOR = 2,        /* configured and sealed by its maker: TrustFLEX, Trust&GO */
    REEL_HALF = 3,          /* begun as the layout wants it, and not finished */
    REEL_DONE = 4,          /* an identity is in it */
    REEL_FOREIGN = 5,       /* somebody else configured or locked it */
    REEL_WRONG_ADDRESS = 6, /* the right family, where the nest does not expect it */
    REEL_WRONG_PART = 7,    /* another part */
    REEL_UNKNOWN = 8,       /* something acknowledges that no driver knows */
    REEL_FAULT = 9,         /* it answers, and wrongly; or is at its life's end */
};
#define REEL_KINDS 10

struct recognised {
    enum reel_kind kind;
    uint8_t address;        /* where it answers; 0: not on I2C, or nobody does */
    struct rot_identity id; /* model "" when nobody could be asked */
    int is_stranger;        /* found by a scan, where the nest does not expect it */
    char device[64];        /* by recognise_device(): the serial in its certificate */
    char text[160];         /* what it is: "atecc608b at 0x60, blank" */
    char todo[80];          /* what the person does with it */
};

const char *reel_name(enum reel_kind kind); /* "wrong-address" */
/* What a board with it ends with where a blank or half-done part is wanted; RS_OK: it goes on. */
rs_code reel_code(enum reel_kind kind);

/*
 * Open the part of a nest for work: the nest's own part at one of its addresses.
 *
 * layout: name, or "" for the driver's default; flags: ROT_OPEN_...
 * RS_E_CHIP_ABSENT   nobody answers
 * RS_E_CHIP_WRONG_PART, RS_E_CHIP_WRONG_ADDRESS, RS_E_CHIP_FOREIGN, RS_E_CHIP_FAULT...
 *                    something else is in it: *ret_what says what, the chip is not open
 */
RS_MUST_USE rs_code recognise_open(struct wire *w, const char *layout, uint32_t flags,
                                   struct rot_chip *chip, struct recognised *ret_what,
                                   struct rs_err *err);

/* What an open chip is; reads only.  part: the model that is wanted, "" for any. */
void recognise_chip(struct rot_chip *chip, const char *part, struct recognised *ret_what);

/* Whose identity a finished one has: its whole certificate, which takes longer than all else. */
void recognise_device(struct rot_chip *chip, struct recognised *what);

/* All that, and closed again: for whoever only looks.  whose: read the certificate of a finished one. */
void recognise(struct wire *w, const char *layout, uint32_t flags, int whose,
               struct recognised *ret_what);

#endif /* STATION_RECOGNISE_H */
