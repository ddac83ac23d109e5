/*
 * crypto.h: P-256 and AES-128 for the simulated part, over OpenSSL.
 *
 * Keys and points are plain big-endian bytes, as in the chip.  Random numbers
 * come from the caller, so that a chip in a test repeats itself.  Nothing here
 * is constant in time: a simulator holds no secret worth the name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_CRYPTO_H
#define SIMS_ATECC_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

struct atecc_p256; /* the curve and scratch numbers; one per chip */

struct atecc_p256 *atecc_p256_new(void); /* NULL: out of memory */
void atecc_p256_free(struct atecc_p256 *p);

/* 1 when 1 <= key < order. */
int atecc_p256_key_ok(struct atecc_p256 *p, const uint8_t key[32]);
/* X and Y of a key; 0 when the key is no key. */
int atecc_p256_public(struct atecc_p256 *p, const uint8_t key[32], uint8_t xy[64]);
/* 1 when the point is on the curve. */
int atecc_p256_point_ok(struct atecc_p256 *p, const uint8_t xy[64]);
/* R and S with the given nonce; 0 when key or nonce will not do (draw another nonce). */
int atecc_p256_sign(struct atecc_p256 *p, const uint8_t key[32], const uint8_t digest[32],
                    const uint8_t nonce[32], uint8_t rs[64]);
int atecc_p256_verify(struct atecc_p256 *p, const uint8_t xy[64], const uint8_t digest[32],
                      const uint8_t rs[64]);
/* X of the shared point; 0 for a bad key or point. */
int atecc_p256_ecdh(struct atecc_p256 *p, const uint8_t key[32], const uint8_t xy[64],
                    uint8_t shared[32]);

/* One block of AES-128; 0 when the library fails. */
int atecc_aes_block(const uint8_t key[16], int encrypt, const uint8_t in[16], uint8_t out[16]);
/* Product in GF(2^128) as GHASH takes it (NIST SP 800-38D 6.3). */
void atecc_gf_multiply(const uint8_t a[16], const uint8_t b[16], uint8_t out[16]);

#endif /* SIMS_ATECC_CRYPTO_H */
