/*
 * rsa.h: RSA of the part, 1024 and 2048 bits, PKCS #1 v1.5.
 *
 * A private key is stored as modulus, exponent (4 bytes), private exponent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_RSA_H
#define SIMS_OPTIGA_RSA_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define OPTIGA_RSA_1024 0x41
#define OPTIGA_RSA_2048 0x42
#define OPTIGA_RSA_MAX  256

struct optiga_rsa_public {
    size_t size; /* of the modulus */
    uint8_t n[OPTIGA_RSA_MAX];
    uint32_t e;
};

/* Bytes of the modulus; 0: not an RSA algorithm. */
size_t optiga_rsa_size(unsigned alg);
size_t optiga_rsa_key_size(unsigned alg); /* of a stored private key */

/* All return 1, or 0. */
int optiga_rsa_draw(unsigned alg, uint8_t *key);
int optiga_rsa_public(unsigned alg, const uint8_t *key, struct optiga_rsa_public *ret);
/* Modulus and both exponents belong together. */
int optiga_rsa_key_ok(unsigned alg, const uint8_t *key);
/* bits: of the hash. */
int optiga_rsa_sign(unsigned alg, const uint8_t *key, unsigned bits, struct rs_bytes digest,
                    uint8_t *sig);
int optiga_rsa_verify(const struct optiga_rsa_public *key, unsigned bits, struct rs_bytes digest,
                      struct rs_bytes sig);
int optiga_rsa_encrypt(const struct optiga_rsa_public *key, struct rs_bytes plain, uint8_t *out);
int optiga_rsa_decrypt(unsigned alg, const uint8_t *key, struct rs_bytes in,
                       uint8_t plain[OPTIGA_RSA_MAX], size_t *ret_len);

#endif /* SIMS_OPTIGA_RSA_H */
