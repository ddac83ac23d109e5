/*
 * fake_tpm.h: the other end of the TPM driver, written from the TCG's text with
 * OpenSSL's key derivations, so that the two share nothing.
 *
 * It knows every command that the driver sends, checks the HMAC of every
 * session and the names of what the command is about, and answers with bytes of
 * the right form; it keeps objects and indices, not secrets.  A test may change
 * an answer before it is protected (`lie`) or afterwards (`tamper`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_TPM2_FAKE_TPM_H
#define TESTS_UNIT_LIBROT_TPM2_FAKE_TPM_H

#include <rot/rot_transport.h>

#define FAKE_OBJECTS 12
#define FAKE_INDICES 12
#define FAKE_MAX     4096

struct fake_answer {
    uint32_t code;
    uint32_t handle;
    uint8_t params[FAKE_MAX];
    size_t len;
};

struct fake_object {
    uint32_t handle; /* 0: free */
    uint8_t area[512];
    size_t len;
    uint8_t sealed[128];
    size_t sealed_len;
};

struct fake_index {
    uint32_t index; /* 0: free */
    uint32_t attributes;
    uint16_t size;
    uint8_t data[2048];
};

struct fake_session {
    uint32_t handle;
    int is_policy;
    uint8_t key[32], nonce_tpm[32], nonce_caller[32];
};

struct fake_tpm {
    struct rot_transport transport;
    struct fake_object objects[FAKE_OBJECTS];
    struct fake_index indices[FAKE_INDICES];
    struct fake_session sessions[3];
    uint32_t next_object, next_session;
    uint8_t counter; /* of nonces and random bytes */

    /* What happened. */
    unsigned commands, waits;
    unsigned wrong_hmacs;    /* commands whose HMAC or names did not hold */
    unsigned seen[0x200];    /* commands by code */
    uint8_t plain[FAKE_MAX]; /* parameters of the last command, as they were meant */
    size_t plain_len;
    uint8_t bus[FAKE_MAX]; /* and as they were on the bus */

    /* What is different from an honest TPM; all optional. */
    void *arg;
    void (*lie)(void *arg, uint32_t cc, struct fake_answer *a);
    size_t (*tamper)(void *arg, uint32_t cc, uint8_t *rx, size_t len, size_t cap);
    /* For fuzzing, without crypto: hashes are 0xaa, HMACs 0xbb, encryption leaves all as it is. */
    int is_cheap;
};

/* Ready, empty, with an endorsement key at 0x81010001 and its certificate in 0x01c00002. */
void fake_tpm_init(struct fake_tpm *t);

struct fake_object *fake_find_object(struct fake_tpm *t, uint32_t handle);
struct fake_index *fake_find_index(struct fake_tpm *t, uint32_t index);

#endif /* TESTS_UNIT_LIBROT_TPM2_FAKE_TPM_H */
