/*
 * fake_ta100.h: the other end of the TA100 driver, for its tests and its fuzz target,
 * from docs/chips/ta100-placeholder.md.
 *
 * It keeps elements under their attributes, registers, counters and locks.  A test may
 * change what is answered before it has its CRC (`lie`) or afterwards (`tamper`), let the
 * part be slow, asleep, deaf or another one, and cut its power.
 *
 * Crypto comes from the port that it is given: OpenSSL's for tests, one that costs nothing
 * for fuzzing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_TA100_FAKE_TA100_H
#define TESTS_UNIT_LIBROT_TA100_FAKE_TA100_H

#include <rot/rot_port.h>
#include <rot/rot_transport.h>

#define FAKE_ELEMENTS 32
#define FAKE_BYTES    8192
#define FAKE_MAX      1000

struct fake_element {
    uint16_t handle; /* 0: free */
    uint8_t attributes[8];
    uint8_t has_content, is_locked;
    uint16_t size;
    uint8_t content[1200]; /* of a private key, too */
    uint8_t point[64];
};

struct fake_register {
    uint8_t what; /* 0 nothing, 1 a secret, 2 a private key */
    uint8_t len;
    uint8_t bytes[64];
};

struct fake_answer {
    uint8_t status;
    uint8_t data[FAKE_MAX * 2];
    size_t len;
};

struct fake_ta100 {
    struct rot_transport transport;
    const struct rot_port *port;
    struct fake_element elements[FAKE_ELEMENTS];
    struct fake_register registers[4];
    uint32_t counters[2];
    uint8_t config[48];
    uint8_t locks;
    uint8_t address; /* taken from the configuration when power comes */

    uint8_t answer[FAKE_MAX * 3];
    size_t answer_len, answer_at; /* len 0: there is none */
    uint8_t chosen;               /* 0x20 or 0x30 */
    unsigned left;                /* polls until the answer is there */
    int is_asleep, will_sleep;

    /* What happened. */
    unsigned commands, transfers, waits_us, polls;
    unsigned seen[256];
    uint8_t heard[1 + FAKE_MAX]; /* the last command, as it was on the bus */
    size_t heard_len;

    /* What is different from an honest part; all optional. */
    void *arg;
    void (*lie)(void *arg, const uint8_t *command, size_t len, struct fake_answer *a);
    size_t (*tamper)(void *arg, uint8_t *answer, size_t len);
    unsigned busy;        /* polls that every command takes */
    unsigned nak;         /* so many writes are not acknowledged */
    unsigned bad_crcs;    /* so many commands arrive damaged */
    int is_deaf;          /* nobody there */
    int takes_all;        /* acknowledges any write */
    uint8_t status_byte;  /* other than 0: what the status register says */
    unsigned cut_at;      /* the transfer at which power fails, counting from 1: before it... */
    int cut_after;        /* ...or after */
    unsigned tear_at;     /* the Write that is torn, counting from 1 */
    unsigned writes;      /* Writes so far */
    unsigned brownout;    /* the command, counting from 1, at which power fails and comes back */
    int is_cut;           /* power is gone */
    const char *marker;   /* instead of the real one */
    uint8_t test_result;  /* of the self-test */
    uint8_t failing;      /* status of the next command with this opcode... */
    uint8_t failing_with; /* ...once */
};

/* Ready, as it leaves the factory: empty. */
void fake_ta100_init(struct fake_ta100 *f, const struct rot_port *port);
/* What power-on does; ends a cut. */
void fake_ta100_power(struct fake_ta100 *f);
struct fake_element *fake_find(struct fake_ta100 *f, unsigned handle);
/* An element as if somebody had created it. */
struct fake_element *fake_create(struct fake_ta100 *f, unsigned handle,
                                 const uint8_t attributes[8]);

#endif /* TESTS_UNIT_LIBROT_TA100_FAKE_TA100_H */
