/*
 * fake_atecc.h: the other end of the ATECC608 driver, written from the reference's
 * text with OpenSSL's algorithms, so that the two share nothing.
 *
 * It keeps configuration, slots and buffers, and does what the driver's secrets
 * need: Nonce, GenDig, encrypted Read and Write, MAC, ECDH, KDF, AES, HMAC, Verify
 * with a MAC, SecureBoot, internal Sign.  A test may change an answer (`lie`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_ATECC_FAKE_ATECC_H
#define TESTS_UNIT_LIBROT_ATECC_FAKE_ATECC_H

#include <rot/rot_transport.h>

#include <openssl/evp.h>

struct fake_atecc {
    struct rot_transport transport;
    uint8_t config[128];
    uint8_t slots[16][416];
    EVP_PKEY *keys[16];
    uint8_t tempkey[64], digest[64], alt[32];
    uint8_t has_tempkey, is_random, is_gendig, is_genkey, key_id;
    uint8_t hmac_key[32];
    uint8_t text[2048]; /* of an HMAC under way */
    size_t text_len;
    uint8_t seed;  /* of what is random */
    unsigned uses; /* of keys that are counted */

    /* What happened. */
    unsigned seen[256];
    uint8_t command[160]; /* the last */

    /* What is different from an honest part; all optional. */
    void *arg;
    void (*lie)(void *arg, const uint8_t *command, uint8_t *payload, size_t *len);
    int refuses_keys; /* the MAC command, as before the data zone is locked perhaps */

    uint8_t answer[256];
    size_t answer_len, answer_at;
};

/* A part whose zones are locked with this configuration (from byte 16 on). */
void fake_atecc_init(struct fake_atecc *p, const uint8_t *config);
void fake_atecc_done(struct fake_atecc *p);
void fake_atecc_point(const EVP_PKEY *key, uint8_t xy[64]);

#endif /* TESTS_UNIT_LIBROT_ATECC_FAKE_ATECC_H */
