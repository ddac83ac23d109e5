/*
 * desk.h: one simulated OPTIGA on a desk, and a host that talks to it.
 *
 * The part's host is the test: it hands out the random bytes it was given, one
 * fate for the next command, and counts memory writes.  The bus master below
 * does what a good driver does, layer by layer, so that a test can step in
 * anywhere: registers, frames, packets, messages, APDUs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_OPTIGA_DESK_H
#define TESTS_SIMS_OPTIGA_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sims/common/ca.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/model.h"

struct desk {
    struct optiga_chip chip;
    const struct sim_model *model;
    struct sim_host host;
    struct sim_ca *ca;
    uint64_t now_us;
    uint8_t random[128]; /* given out once, then a counter */
    size_t random_len;
    uint8_t random_next;
    struct sim_fate fate; /* of the next command */
    unsigned stored, commands;

    /* The bus master. */
    uint8_t tx, rx; /* numbers of the last frame sent and received */
    unsigned presence;
    unsigned protection; /* 0..3: of the APDUs that follow; needs desk_pair() for more than 0 */
    uint8_t block[40];
    uint32_t mseq, sseq;
    unsigned controls; /* control frames seen */
};

/* A blank part with power: V3 or V1, UID as in the reference's dumps. */
void desk_init(struct desk *d, int v3);
void desk_done(struct desk *d);
void desk_advance(struct desk *d, uint64_t us);
/* Power off and on; the master starts over, too. */
void desk_restart(struct desk *d);
void desk_power_on(struct desk *d);

/* Text in hex with blanks; the length. */
size_t hex(const char *text, uint8_t *out, size_t cap);

/* ---- Registers ------------------------------------------------------------------ */

int desk_write(struct desk *d, const uint8_t *p, size_t len);
int desk_read(struct desk *d, uint8_t reg, uint8_t *p, size_t len);
/* The same in hex: the write is acknowledged, the register reads so. */
void desk_w(struct desk *d, const char *text);
void desk_r(struct desk *d, unsigned reg, const char *text);

/* ---- Frames ---------------------------------------------------------------------- */

/* FCTR and packet with length and checksum, into DATA; 1 when it was acknowledged. */
int desk_frame(struct desk *d, uint8_t fctr, const uint8_t *packet, size_t len);
/* Poll and read one frame; its length, 0 when nothing comes. */
size_t desk_fetch(struct desk *d, uint8_t *frame);

/* ---- Messages and APDUs ------------------------------------------------------------ */

/* Send a message, get one back: its length, 0 when none comes. */
size_t desk_message(struct desk *d, const uint8_t *message, size_t len, uint8_t *answer);

#define DESK_LOST (-1)
/*
 * One command with bit 7.  0 with the data in out (OPTIGA_DATA_MAX bytes, may be
 * NULL), the error code that the part then names, or DESK_LOST.
 */
int desk_run(struct desk *d, unsigned cmd, unsigned param, const uint8_t *data, size_t len,
             uint8_t *out, size_t *ret_len);
/* InData in hex. */
int desk_x(struct desk *d, unsigned cmd, unsigned param, const char *data, uint8_t *out,
           size_t *ret_len);
/* One APDU as it is, without the question for the error; the response, or 0. */
size_t desk_apdu(struct desk *d, const uint8_t *apdu, size_t len, uint8_t *response);

/* ---- Common steps ------------------------------------------------------------------- */

void desk_open(struct desk *d);
/* Handshake with the secret that parts are delivered with. */
void desk_pair(struct desk *d);
int desk_pair_with(struct desk *d, const uint8_t *secret, size_t len);
/* Write data (erase and write at 0), metadata in hex, read data. */
int desk_put(struct desk *d, unsigned oid, const uint8_t *p, size_t len);
int desk_meta(struct desk *d, unsigned oid, const char *meta);
size_t desk_get(struct desk *d, unsigned oid, uint8_t *out);
/* The object's metadata is exactly this. */
void desk_meta_is(struct desk *d, unsigned oid, const char *meta);

/* TLV with two bytes of length appended to p; the new length. */
size_t put_tlv(uint8_t *p, size_t at, unsigned tag, const void *v, size_t len);

#endif /* TESTS_SIMS_OPTIGA_DESK_H */
