/*
 * hash.h: digests and MACs over pieces.
 *
 * Algorithms are fetched once per process.  A failure inside the library on
 * correct input cannot be handled by anyone, so these functions abort on it
 * rather than return a wrong digest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/bytes.h"

#define CRYPTO_SHA1_SIZE   20
#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_SHA384_SIZE 48
#define CRYPTO_SHA512_SIZE 64

void crypto_sha256(struct rs_bytes data, uint8_t out[CRYPTO_SHA256_SIZE]);
void crypto_sha256_parts(const struct rs_bytes *parts, size_t count,
                         uint8_t out[CRYPTO_SHA256_SIZE]);
void crypto_sha384(struct rs_bytes data, uint8_t out[CRYPTO_SHA384_SIZE]);
void crypto_sha512(struct rs_bytes data, uint8_t out[CRYPTO_SHA512_SIZE]);
/* Key identifiers and OCSP CertIDs only: never for signatures. */
void crypto_sha1(struct rs_bytes data, uint8_t out[CRYPTO_SHA1_SIZE]);

void crypto_hmac_sha256(struct rs_bytes key, const struct rs_bytes *parts, size_t count,
                        uint8_t out[CRYPTO_SHA256_SIZE]);

#endif /* CRYPTO_HASH_H */
