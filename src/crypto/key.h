/*
 * key.h: our own private keys.
 *
 * A key may be used from several threads: contexts are cached per thread and
 * key, so that a signature costs no set-up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "crypto/pub.h"

struct crypto_key;
struct evp_pkey_st;

RS_MUST_USE rs_code crypto_key_generate(enum crypto_alg alg, struct crypto_key **ret_key,
                                        struct rs_err *err);
/* Takes PKCS#8 DER (RFC 5958), unencrypted. */
RS_MUST_USE rs_code crypto_key_from_pkcs8(struct rs_bytes der, struct crypto_key **ret_key,
                                          struct rs_err *err);
/* Appends PKCS#8 DER to out, which must be a secret buffer. */
RS_MUST_USE rs_code crypto_key_to_pkcs8(const struct crypto_key *key, struct rs_buf *out,
                                        struct rs_err *err);
void crypto_key_free(struct crypto_key *key); /* NULL is fine */

enum crypto_alg crypto_key_alg(const struct crypto_key *key);
/* Borrowed: lives as long as the key. */
const struct crypto_pub *crypto_key_pub(const struct crypto_key *key);
/* For TLS contexts only. */
struct evp_pkey_st *crypto_key_evp(const struct crypto_key *key);

/*
 * Sign message with the key's own algorithm (crypto_sig_for).  ECDSA as DER.
 * sig has room for CRYPTO_SIGNATURE_MAX.
 */
RS_MUST_USE rs_code crypto_sign(const struct crypto_key *key, struct rs_bytes message, uint8_t *sig,
                                size_t cap, size_t *ret_len, struct rs_err *err);
/* One of our own signatures, to be verified. */
struct crypto_own {
    struct rs_bytes message, signature;
    int good; /* out: 1 when it verifies */
};
/* Verify signatures of one key: each for itself, but many in one call cost less than one by one. */
void crypto_verify_own_all(const struct crypto_key *key, struct crypto_own *list, size_t count);
/* One of them. */
RS_MUST_USE rs_code crypto_verify_own(const struct crypto_key *key, struct rs_bytes message,
                                      struct rs_bytes signature, struct rs_err *err);

#endif /* CRYPTO_KEY_H */
