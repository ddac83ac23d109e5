/*
 * known.c: public keys that stay: see pub.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include <openssl/x509.h>

#include "crypto/thread_cache.h"

struct crypto_known {
    uint64_t id; /* never reused: contexts are cached by it */
    enum crypto_alg alg;
    EVP_PKEY *evp;
};

rs_code
crypto_known_new(const struct crypto_pub *pub, struct crypto_known **ret_known, struct rs_err *err)
{
    const unsigned char *at = pub->spki.p;
    struct crypto_known *known = calloc(1, sizeof(*known));

    if (known == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "key");
    known->id = crypto_cache_new_id();
    known->alg = pub->alg;
    known->evp = d2i_PUBKEY(NULL, &at, (long)pub->spki.len);
    if (known->evp == NULL) {
        free(known);
        return rs_fail(err, RS_E_CRYPTO_FAILED, "a public key cannot be used");
    }
    *ret_known = known;
    return RS_OK;
}

void
crypto_known_free(struct crypto_known *known)
{
    if (known == NULL)
        return;
    EVP_PKEY_free(known->evp);
    free(known);
}

int
crypto_known_verify(const struct crypto_known *known, enum crypto_sig sig, struct rs_bytes message,
                    struct rs_bytes signature)
{
    struct crypto_own own = {.message = message, .signature = signature};

    /* One context of a key is kept, so it has one algorithm: the one that its owner uses. */
    if (sig != crypto_sig_for(known->alg))
        return 0;
    crypto_cache_verify_own(known->id, known->evp, sig, &own, 1);
    return own.good;
}
