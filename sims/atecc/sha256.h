/*
 * sha256.h: SHA-256 whose inner state can be looked at (FIPS 180-4).
 *
 * The chip hands out and takes back running SHA contexts; OpenSSL 3 does not
 * show its own, so this is a plain implementation for the simulator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_SHA256_H
#define SIMS_ATECC_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct atecc_sha256 {
    uint32_t state[8];
    uint64_t count; /* bytes so far; count % 64 of them wait in block */
    uint8_t block[64];
};

void atecc_sha256_init(struct atecc_sha256 *h);
void atecc_sha256_add(struct atecc_sha256 *h, const void *p, size_t len);
void atecc_sha256_zeros(struct atecc_sha256 *h, size_t len);
void atecc_sha256_u8(struct atecc_sha256 *h, unsigned byte);
void atecc_sha256_end(struct atecc_sha256 *h, uint8_t digest[32]);

/* HMAC-SHA256 (RFC 2104), streaming: add between start and end; the key comes twice. */
void atecc_hmac_init(struct atecc_sha256 *h, const uint8_t *key, size_t key_len);
void atecc_hmac_end(struct atecc_sha256 *h, const uint8_t *key, size_t key_len, uint8_t mac[32]);

#endif /* SIMS_ATECC_SHA256_H */
