/*
 * fixed.h: verifying many signatures by one P-256 key.
 *
 * What a signer says is verified before it leaves.  Its key is always the same,
 * so the multiples of its public point that a verification needs are made once,
 * as the library has them for the generator; a verification then costs half.
 * The division that it begins with is done once for a whole list.
 * The equation is that of FIPS 186-5, 6.4.2, whole, with the public key.
 *
 * Private to src/crypto.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_FIXED_H
#define CRYPTO_FIXED_H

#include <openssl/evp.h>
#include <stdint.h>

#include "crypto/key.h"

struct crypto_fixed; /* of one key, for one thread; 150 KB and 20 ms of work */

/* NULL: not a P-256 key, or the library cannot: verify in the ordinary way. */
struct crypto_fixed *crypto_fixed_new(const EVP_PKEY *key);
void crypto_fixed_free(struct crypto_fixed *f);
/* Sets `good` of each of the list: its signature (DER) over the SHA-256 of its message. */
void crypto_fixed_verify(struct crypto_fixed *f, struct crypto_own *list, size_t count);

#endif /* CRYPTO_FIXED_H */
