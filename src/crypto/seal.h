/*
 * seal.h: bytes under a passphrase or key: AES-256-GCM, scrypt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/secret.h"

#define CRYPTO_SEAL_NONCE 12
#define CRYPTO_SEAL_TAG   16

/* RFC 7914 with N = 2^15, r = 8, p = 1: about 0.1 s and 32 MiB. */
RS_MUST_USE rs_code crypto_stretch(struct rs_bytes passphrase, struct rs_bytes salt,
                                   uint8_t key[32], struct rs_err *err);

/* out gets nonce, ciphertext, tag. */
RS_MUST_USE rs_code crypto_seal(const uint8_t key[32], struct rs_bytes aad, struct rs_bytes plain,
                                struct rs_buf *out, struct rs_err *err);
/* The same back; RS_E_KEY_LOCKED when key, aad or bytes are not the ones that were sealed. */
RS_MUST_USE rs_code crypto_open(const uint8_t key[32], struct rs_bytes aad, struct rs_bytes sealed,
                                struct rs_buf *ret_plain, struct rs_err *err);

#endif /* CRYPTO_SEAL_H */
