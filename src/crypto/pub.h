/*
 * pub.h: public keys from outside: strict, checked, and fast to verify with.
 *
 * SubjectPublicKeyInfo is read by our own reader and compared with an allow
 * list at DER level before libcrypto sees a byte (named curves only, so no
 * explicit parameters).  The library key is then set from the raw point, with
 * parameters cached per thread: decoding a key through libcrypto costs more
 * than verifying a signature on OpenSSL 3.0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRYPTO_PUB_H
#define CRYPTO_PUB_H

#include "base/bytes.h"

/* Key algorithms.  Stable numbers: they stand in files. */
enum crypto_alg {
    CRYPTO_P256 = 1,
    CRYPTO_P384 = 2,
    CRYPTO_P521 = 3,
    CRYPTO_ED25519 = 4,
    CRYPTO_RSA2048 = 5,
    CRYPTO_RSA3072 = 6,
    CRYPTO_RSA4096 = 7,
};

/* Signature algorithms. */
enum crypto_sig {
    CRYPTO_ECDSA_SHA256 = 1,
    CRYPTO_ECDSA_SHA384 = 2,
    CRYPTO_ECDSA_SHA512 = 3,
    CRYPTO_ED25519_SIG = 4,
    CRYPTO_RSA_SHA256 = 5,
    CRYPTO_RSA_SHA384 = 6,
    CRYPTO_RSA_SHA512 = 7,
};

#define CRYPTO_SIGNATURE_MAX 512

const char *crypto_alg_name(enum crypto_alg alg);                /* "p256" */
int crypto_alg_find(const char *name, enum crypto_alg *ret_alg); /* 0 when unknown */
/* What a key of this algorithm signs certificates with. */
enum crypto_sig crypto_sig_for(enum crypto_alg alg);
/* AlgorithmIdentifier, DER, constant. */
struct rs_bytes crypto_sig_identifier(enum crypto_sig sig);
/* The algorithm of an AlgorithmIdentifier's bytes; 0 when it is not allowed. */
int crypto_sig_find(struct rs_bytes identifier, enum crypto_sig *ret_sig);

/* A public key as read.  Borrows the SPKI's bytes. */
struct crypto_pub {
    enum crypto_alg alg;
    struct rs_bytes spki;
    struct rs_bytes key; /* BIT STRING content: 04 X Y, raw Ed25519, or RSAPublicKey */
    struct rs_bytes modulus, exponent; /* RSA only, without leading zeros */
};

/*
 * Read and check (TM-441): algorithm and curve on the allow list, point on its
 * curve and not infinity, RSA of 2048, 3072 or 4096 bits with e = 65537, no
 * small factor, not close primes, not the ROCA pattern.
 *
 * RS_E_KEY_WEAK names the rule; RS_E_CSR_FORMAT: not DER.
 */
RS_MUST_USE rs_code crypto_pub_read(struct rs_bytes spki, struct crypto_pub *ret_pub,
                                    struct rs_err *err);

/* SHA-256 of the SPKI: the key's identity (L8). */
void crypto_pub_hash(const struct crypto_pub *pub, uint8_t out[32]);

/*
 * Verify a signature over message.  RS_E_KEY_PROOF when it is wrong or the
 * algorithm does not fit the key.
 */
RS_MUST_USE rs_code crypto_verify(const struct crypto_pub *pub, enum crypto_sig sig,
                                  struct rs_bytes message, struct rs_bytes signature,
                                  struct rs_err *err);

/*
 * A public key that many signatures will be verified with, such as a CA's: contexts
 * and, in time, its multiples are kept per thread.  Any thread may use it.
 */
struct crypto_known;
RS_MUST_USE rs_code crypto_known_new(const struct crypto_pub *pub, struct crypto_known **ret_known,
                                     struct rs_err *err);
void crypto_known_free(struct crypto_known *known); /* NULL is fine */
/* 1 when it verifies; the algorithm must be the key's own (crypto_sig_for). */
RS_MUST_USE int crypto_known_verify(const struct crypto_known *known, enum crypto_sig sig,
                                    struct rs_bytes message, struct rs_bytes signature);

#endif /* CRYPTO_PUB_H */
