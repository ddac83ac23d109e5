/*
 * fake_part.h: the other end of the STSAFE driver, written from the reference's
 * text with OpenSSL's algorithms, so that the two share nothing.
 *
 * It keeps zones, keys and counters, checks the host's MACs, decrypts what its
 * rules say is encrypted, and answers with R-MACs.  A test may change an answer
 * before it is protected (`lie`) or afterwards (`tamper`), and cut the wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_STSAFE_FAKE_PART_H
#define TESTS_UNIT_LIBROT_STSAFE_FAKE_PART_H

#include <rot/rot_transport.h>

#include <openssl/evp.h>

#define FAKE_ZONES     8
#define FAKE_ZONE_MAX  1700
#define FAKE_SYMMETRIC 16
#define FAKE_SLOTS     5
#define FAKE_MAX       1024

struct fake_zone {
    uint16_t size;
    uint8_t is_counter;
    uint8_t access; /* the byte of tag 12 */
    uint32_t counter;
    uint8_t data[FAKE_ZONE_MAX];
};

struct fake_said {
    uint8_t status;
    uint8_t payload[FAKE_MAX];
    size_t len;
};

/* One of an A120's: key information as ST's host sends it, without the slot, and the key. */
struct fake_symmetric {
    uint8_t info[8];
    size_t info_len, len; /* len 0: empty */
    uint8_t key[32];
};

struct fake_part {
    struct rot_transport transport;
    unsigned model; /* 0: A100, 1: A110, 2: A120 */
    uint8_t number[9];
    uint8_t life;
    struct fake_zone zones[FAKE_ZONES];
    EVP_PKEY *slots[FAKE_SLOTS];
    uint8_t envelope[2][32];
    uint8_t has_envelope[2];
    struct fake_symmetric symmetric[FAKE_SYMMETRIC];
    uint8_t host[32]; /* MAC key, cipher key */
    uint8_t has_host, host_is_fixed;
    uint32_t counter;
    uint8_t rules[64]; /* the answer to tag 24 */
    size_t rules_len;
    uint8_t seed; /* of random bytes */

    /* What happened. */
    unsigned commands, transfers, waits_us, bad_macs;
    unsigned seen[2][32];
    uint8_t bus[FAKE_MAX]; /* the last command, as it was on the bus */
    size_t bus_len;
    uint8_t heard[FAKE_MAX]; /* its payload, as it was meant */
    size_t heard_len;

    /* What is different from an honest part; all optional. */
    void *arg;
    void (*lie)(void *arg, unsigned code, struct fake_said *said);
    size_t (*tamper)(void *arg, unsigned code, uint8_t *frame, size_t len);
    unsigned busy;   /* polls that are not acknowledged before each answer */
    unsigned cut_at; /* the transfer that fails, counting from 1: before it reaches the part... */
    int cut_after;   /* ...or after */
    int is_cut;      /* and all that follow */
    /* For fuzzing: no crypto; MACs are zeroes, encryption leaves all as it is, keys are constants. */
    int is_cheap;

    uint8_t answer[FAKE_MAX];
    size_t answer_len;
    unsigned busy_left;
};

/* A part as ST delivers it: a key in slot 0, its certificate in zone 0, no host keys. */
void fake_part_init(struct fake_part *p, unsigned model);
void fake_part_done(struct fake_part *p);
/* Host keys as if somebody had put them there. */
void fake_part_pair(struct fake_part *p, const uint8_t keys[32], uint32_t counter);

#endif /* TESTS_UNIT_LIBROT_STSAFE_FAKE_PART_H */
