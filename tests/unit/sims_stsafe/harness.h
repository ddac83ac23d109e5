/*
 * harness.h: one simulated STSAFE on a desk, and a host that talks to it.
 *
 * The part's host is the test: it hands out the random bytes it was given, one
 * fate for the next command, and counts memory writes.  Frames, C-MAC and
 * encryption are built here a second time, by the text of the reference and not
 * by the simulator's functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_STSAFE_HARNESS_H
#define TESTS_SIMS_STSAFE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sims/common/ca.h"
#include "sims/stsafe/chip.h"
#include "sims/stsafe/model.h"
#include "tests/unit/sims/holder.h"

#define FRAME_MAX 800

/* Ids with their lengths, and bytes to fill in. */
#define P256       "0008 2A8648CE3D030107"
#define P384       "0005 2B81040022"
#define P521       "0005 2B81040023"
#define ED25519    "0003 2B6570"
#define X25519     "0003 2B656E"
#define SHA256     "0009 608648016503040201"
#define DIGEST_256 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

struct part {
    struct stsafe_chip chip;
    const struct sim_model *model;
    struct sim_holder holder;
    struct sim_ca *ca;
    uint64_t now_us;
    unsigned header;            /* of the last answer, all bits */
    uint8_t payload[FRAME_MAX]; /* of the last answer, without MAC and CRC */
    size_t len;
};

/* personality says the model too.  The part has booted. */
void part_init(struct part *p, const char *personality);
void part_done(struct part *p);
void part_advance(struct part *p, uint64_t us);

/* Raw transactions at the part's own address. */
int part_write(struct part *p, const uint8_t *bytes, size_t len);
int part_read(struct part *p, uint8_t *bytes, size_t len);

/* A command without its CRC; the status, or -1 when nobody acknowledged. */
int part_send(struct part *p, const uint8_t *command, size_t len);
/* The same, in hex with blanks. */
int part_send_hex(struct part *p, const char *command);
/* The last answer's payload is this. */
void part_expect(const struct part *p, const char *hex);

/* One host's keys, and what it knows of the counter. */
struct channel {
    uint8_t mac[32], cipher[32];
    size_t key_len;
    uint32_t counter;
    size_t counter_size; /* 3 or 4 */
    int encrypt_command, encrypt_answer;
};

/* The vectors' keys with a counter of 5, put into the part too. */
void channel_init(struct channel *ch, struct part *p);
/* Code (extended: 1Fxx), payload; checks the R-MAC.  Status, or -1. */
int channel_send(struct channel *ch, struct part *p, unsigned code, const uint8_t *payload,
                 size_t len);
int channel_send_hex(struct channel *ch, struct part *p, unsigned code, const char *payload);
/* What is sent, without CRC; for tests that spoil it. */
size_t channel_build(const struct channel *ch, unsigned code, const uint8_t *payload, size_t len,
                     uint8_t *frame);

/* Commands and the status that each is refused with, without a payload. */
struct refusal {
    const char *command;
    int status;
};

void expect_refusals(struct part *p, const struct refusal *cases, size_t count);
#define EXPECT_REFUSALS(p, cases) expect_refusals(p, cases, sizeof(cases) / sizeof((cases)[0]))

/* Payload with a point in it -> X, Y. */
void take_point(const uint8_t *payload, size_t size, uint8_t *xy);
void put_hex(char *text, const uint8_t *p, size_t len);
size_t hex_read(const char *text, uint8_t *bytes, size_t cap);
uint16_t crc_x25(const uint8_t *p, size_t len);

#endif /* TESTS_SIMS_STSAFE_HARNESS_H */
