/*
 * harness.h: one simulated SE050 or SE051 on a desk, with a host in front of it.
 *
 * The part's host is the test: it hands out the random bytes it was given, one
 * fate for the next command, and counts memory writes.  Commands go through
 * T=1 as a driver sends them, and through the platform's channel when one is open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_SE05X_HARNESS_H
#define TESTS_SIMS_SE05X_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sims/common/ca.h"
#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"
#include "sims/se05x/model.h"

/* The host's end of a secure channel. */
struct host_scp {
    int open;
    uint8_t enc[16], mac[16], rmac[16], chain[16];
    uint32_t counter; /* of the last command */
    int skip_dataless;
};

struct part {
    struct se05x_chip *chip;
    const struct sim_model *model;
    struct sim_host host;
    uint64_t now_us;
    uint8_t random[64]; /* given out once, then a counter */
    size_t random_len;
    uint8_t random_next;
    struct sim_fate fate; /* of the next command */
    unsigned stored, commands;
    /* The host's T=1. */
    unsigned ns, wtx_seen;
    struct host_scp scp;
    uint8_t bend_cryptogram; /* the host's, by these bits, under a MAC that holds */
    uint8_t answer[2048];    /* without status word */
    size_t len;
};

void part_init(struct part *p, const struct sim_model *model);
/* The same with IoT applet selected. */
void part_ready(struct part *p, const struct sim_model *model);
void part_done(struct part *p);
void part_advance(struct part *p, uint64_t us);
void part_power_cycle(struct part *p);
/* Random bytes that come next, in hex. */
void part_random(struct part *p, const char *hex);

/* Hex with blanks. */
size_t unhex(const char *hex, uint8_t *bytes, size_t cap);

/* ---- Raw blocks ------------------------------------------------------------------- */

int part_write(struct part *p, const char *hex);
/* Everything that is queued, in one read; its length, 0: nobody acknowledged. */
size_t part_read(struct part *p, uint8_t *bytes, size_t cap);
/* Write a block with its CRC put right. */
int part_block(struct part *p, unsigned pcb, const char *inf);
/* Write a block, read the answer: it must be this one; "" for none. */
void part_exchange(struct part *p, const char *out, const char *in);

/* ---- Commands ------------------------------------------------------------------------ */

#define PART_SILENT 1u /* nobody answered any more */

/* A whole command in hex; its status word, the answer in p->answer. */
unsigned part_apdu(struct part *p, const char *hex);
/* Header (CLA INS P1 P2) and data in hex; Lc is put right. */
unsigned part_run(struct part *p, const char *header, const char *data);
/* Bytes instead of hex. */
unsigned part_run_bytes(struct part *p, const char *header, const uint8_t *data, size_t len);
/* The same, and both must be as said.  answer NULL: any. */
void expect(struct part *p, const char *header, const char *data, unsigned sw, const char *answer);
void expect_answer(const struct part *p, const char *hex);

/* A curve with all its parameters. */
void make_curve(struct part *p, unsigned id);
/* TLV of the last answer by its tag; fails the test when it is not there. */
struct rs_bytes answer_tlv(const struct part *p, unsigned tag);

/* ---- Channels and sessions ----------------------------------------------------------------- */

/* Session keys as the host works them out. */
void host_keys(struct host_scp *s, const uint8_t enc[16], const uint8_t mac[16],
               const uint8_t challenges[16], uint8_t card[8], uint8_t host[8]);
/* INITIALIZE UPDATE and EXTERNAL AUTHENTICATE of the platform; the last status word. */
unsigned part_open_channel(struct part *p, const char *enc, const char *mac);
/* Wrap a plain command for a channel: the whole command, and the answer apart again. */
size_t host_wrap(struct host_scp *s, const uint8_t header[4], const uint8_t *data, size_t len,
                 uint8_t *out);
/* 0: the MAC is wrong. */
int host_unwrap(struct host_scp *s, uint8_t *answer, size_t *len, unsigned sw);

/* CreateSession for a credential; the status word, the session's id at the end. */
unsigned part_create_session(struct part *p, uint32_t auth, uint8_t id[8]);
/* A plain command inside a session. */
unsigned part_in_session(struct part *p, const uint8_t id[8], const char *apdu);
/* A credential of type UserID at this id, with C0 01 02 03 04; and a session opened with it. */
void make_user_id(struct part *p, uint32_t id, unsigned max_attempts);
void open_user_session(struct part *p, uint32_t id, uint8_t session[8]);

/* The published keys of the two generations. */
#define SE050_ENC "35C256458958A34F6136155F8209D6CD"
#define SE050_MAC "AF177D5DBDF7C0D5C10A05B9F1607F78"
#define SE050_DEK "A1BC8438BF77935B361A4425FE79FA29"
#define SE051_ENC "BFC2DBE1828E035D3E7FA36B902A05C6"
#define SE051_MAC "BEF85BD7BA0497D628781CE47B188C96"
#define SE051_DEK "D873F316BE297F2FC9C0E45F54710699"

#define SELECT_IOT "00A4040010A000000396545300000001030000000000"

#endif /* TESTS_SIMS_SE05X_HARNESS_H */
