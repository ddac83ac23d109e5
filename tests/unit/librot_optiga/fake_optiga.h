/*
 * fake_optiga.h: the other end of the OPTIGA driver, for its tests and its fuzz
 * target.
 *
 * It keeps objects with metadata and access conditions, counts frames, chains
 * packets and has its side of the shielded connection.  A test may change an
 * answer before it is protected (`lie`), or a frame afterwards (`tamper`), and
 * may let the part be slow, busy or deaf.
 *
 * Crypto comes from the port that it is given: OpenSSL's for tests, one that
 * costs nothing for fuzzing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_OPTIGA_FAKE_OPTIGA_H
#define TESTS_UNIT_LIBROT_OPTIGA_FAKE_OPTIGA_H

#include <rot/rot_port.h>
#include <rot/rot_transport.h>

#define FAKE_OBJECTS 40
#define FAKE_FRAME   277
#define FAKE_MAX     2048

struct fake_bytes {
    uint8_t len, b[24];
};

struct fake_object {
    uint16_t oid; /* 0: free */
    uint8_t life;
    uint8_t alg, usage, type; /* 0: the tag is absent */
    uint16_t max, used;       /* max 0: no sizes, a key */
    struct fake_bytes change, read, exec;
    uint8_t data[1728];
    uint8_t priv[48], pub[96];
};

struct fake_answer {
    uint8_t status; /* the last error; 0: Sta is 00 */
    uint8_t out[FAKE_MAX];
    size_t len;
};

struct fake_optiga {
    struct rot_transport transport;
    const struct rot_port *port;
    struct fake_object objects[FAKE_OBJECTS];
    uint8_t sessions[4][64];
    uint8_t session_len[4];
    uint8_t mac_text[FAKE_MAX * 4];
    size_t mac_len;
    uint8_t last_error;
    int is_open; /* the application */

    /* The link. */
    uint8_t reg, last_in, last_out;
    uint16_t frame_len;                   /* DATA_REG_LEN */
    uint8_t control[5], data[FAKE_FRAME]; /* to be read */
    size_t control_len, data_len;
    uint8_t kept[FAKE_FRAME]; /* what may be asked for again */
    size_t kept_len;
    uint32_t silent_us;
    int presence; /* -1: not seen since the reset */
    uint8_t in[FAKE_MAX], out[FAKE_MAX];
    size_t in_len, out_len, out_at;
    int is_chained;

    /* The channel. */
    int is_shielded, is_greeted;
    uint8_t keys[64], rnd[32];
    uint32_t host_number, part_number;
    uint32_t drawn; /* of the next handshake: SSEQ and MSEQ come from it */

    /* What happened. */
    unsigned commands, frames, resets, resyncs, naks, waits, plain, shielded;
    uint8_t apdu[FAKE_MAX]; /* the last command, as it was meant */
    size_t apdu_len;
    uint8_t seen[32]; /* bits: Cmd & 0x7f that came */

    /* What is different from an honest part; all optional. */
    void *arg;
    void (*lie)(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a);
    /* A frame to the host, as it will be read; gives its length, 0: it is lost. */
    size_t (*tamper)(void *arg, uint8_t *frame, size_t len);
    /* After presentation: what the chain will carry. */
    size_t (*twist)(void *arg, uint8_t *p, size_t len);
    int ack_first;       /* acknowledge, then answer */
    unsigned nak_writes; /* that many accesses are not acknowledged */
    unsigned busy_polls; /* BUSY that often before an answer */
    int is_deaf;         /* nobody there */
    unsigned max_frame;  /* smaller than a real one's */
    uint8_t state_byte;  /* other than 0x08: another part */
    int has_cut;         /* power fails at the cut_at-th write of a byte to an object */
    unsigned cut_at;
    int has_cut_length; /* the object is as long as if all had been written */
};

/* Ready, as a V3 leaves the factory. */
void fake_optiga_init(struct fake_optiga *f, const struct rot_port *port);
/* What power-on does. */
void fake_optiga_reset(struct fake_optiga *f);
struct fake_object *fake_find(struct fake_optiga *f, unsigned oid);
/* Build of the firmware: V1 has 0x0809. */
void fake_set_build(struct fake_optiga *f, unsigned firmware_low, unsigned build);
/* Put a secret into E140. */
void fake_bind(struct fake_optiga *f, const uint8_t *secret, size_t len);

#endif /* TESTS_UNIT_LIBROT_OPTIGA_FAKE_OPTIGA_H */
