/*
 * thread_cache.h: library objects that a thread keeps between operations.
 *
 * Private to src/crypto.  Fetching algorithms and making contexts costs more
 * than the arithmetic, so each thread keeps: empty keys with the parameters of
 * each curve, the last peer key it set, and for our own keys a signing and a
 * verifying context each.  Freed when the thread ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_THREAD_CACHE_H
#define CRYPTO_THREAD_CACHE_H

#include <openssl/evp.h>

#include "crypto/key.h"

/* The peer's key as a library object, valid until the next call on this thread; NULL: bad point. */
EVP_PKEY *crypto_cache_peer(const struct crypto_pub *pub);

/* 1 when the signature verifies. */
int crypto_cache_verify_peer(EVP_PKEY *key, enum crypto_sig sig, struct rs_bytes message,
                             struct rs_bytes signature);

/* Keys that stay, our own and others'; id is unique for the life of the process. */
uint64_t crypto_cache_new_id(void);
int crypto_cache_sign(uint64_t id, EVP_PKEY *key, enum crypto_sig sig, struct rs_bytes message,
                      uint8_t *out, size_t *len);
/* Sets `good` of each signature of the list. */
void crypto_cache_verify_own(uint64_t id, EVP_PKEY *key, enum crypto_sig sig,
                             struct crypto_own *list, size_t count);

/* 1 when this signature algorithm may be used with a key of that algorithm. */
int crypto_sig_fits(enum crypto_alg alg, enum crypto_sig sig);

#endif /* CRYPTO_THREAD_CACHE_H */
