/*
 * wrap.h: secrets for the holder of another key: OAEP, ephemeral ECDH, AES-CFB.
 *
 * What TPM credentials are made of (src/attest/tpm.h); nothing else should use
 * AES-CFB, which protects nothing without the MAC around it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_WRAP_H
#define CRYPTO_WRAP_H

#include "crypto/pub.h"

#define CRYPTO_OAEP_MAX 512 /* bytes of what crypto_oaep() makes */
#define CRYPTO_P256_X   32  /* bytes of a coordinate */

/*
 * RSAES-OAEP (RFC 8017 7.1) with SHA-256 in both places; the label is used as it
 * is given.  Appends as many bytes as the modulus has.  RS_E_KEY_WEAK: not an
 * RSA key; RS_E_CRYPTO_FAILED.
 */
RS_MUST_USE rs_code crypto_oaep(const struct crypto_pub *pub, struct rs_bytes label,
                                struct rs_bytes plain, struct rs_buf *out, struct rs_err *err);

/*
 * A fresh P-256 key, used once: its point (04 X Y), and the x coordinate that it
 * shares with pub.  RS_E_KEY_WEAK: pub is on another curve.
 */
RS_MUST_USE rs_code crypto_agree_once(const struct crypto_pub *pub, uint8_t point[65],
                                      uint8_t shared[CRYPTO_P256_X], struct rs_err *err);

/* AES-128-CFB with an IV of zeros, in place: each key once. */
RS_MUST_USE rs_code crypto_aes_cfb(const uint8_t key[16], uint8_t *bytes, size_t len,
                                   struct rs_err *err);

#endif /* CRYPTO_WRAP_H */
