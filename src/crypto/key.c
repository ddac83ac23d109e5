/*
 * key.c: our own private keys.  See key.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/thread_cache.h"

#define SPKI_MAX 1024

struct crypto_key {
    uint64_t id; /* never reused: contexts are cached by it */
    EVP_PKEY *evp;
    struct crypto_pub pub;
    uint8_t spki[SPKI_MAX];
};

/* Take over evp, and read our own public key back through the strict reader. */
static rs_code
adopt(EVP_PKEY *evp, struct crypto_key **ret_key, struct rs_err *err)
{
    struct crypto_key *key = calloc(1, sizeof(*key));
    unsigned char *at;
    int len;
    rs_code rc;

    if (key == NULL) {
        EVP_PKEY_free(evp);
        return rs_fail(err, RS_E_NO_MEMORY, "no room for a key");
    }
    key->evp = evp;
    key->id = crypto_cache_new_id();
    at = key->spki;
    len = i2d_PUBKEY(evp, NULL);
    if (len <= 0 || len > SPKI_MAX || i2d_PUBKEY(evp, &at) != len)
        rc = rs_fail(err, RS_E_KEY_WEAK, "key: its public part cannot be written");
    else
        rc = crypto_pub_read(rs_bytes_of(key->spki, (size_t)len), &key->pub, err);
    if (rc != RS_OK) {
        crypto_key_free(key);
        return rc;
    }
    *ret_key = key;
    return RS_OK;
}

rs_code
crypto_key_generate(enum crypto_alg alg, struct crypto_key **ret_key, struct rs_err *err)
{
    EVP_PKEY *evp = NULL;

    switch (alg) {
    case CRYPTO_P256:
        evp = EVP_EC_gen("P-256");
        break;
    case CRYPTO_P384:
        evp = EVP_EC_gen("P-384");
        break;
    case CRYPTO_P521:
        evp = EVP_EC_gen("P-521");
        break;
    case CRYPTO_ED25519:
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case CRYPTO_RSA2048:
        evp = EVP_RSA_gen(2048);
        break;
    case CRYPTO_RSA3072:
        evp = EVP_RSA_gen(3072);
        break;
    case CRYPTO_RSA4096:
        evp = EVP_RSA_gen(4096);
        break;
    default:
        break;
    }
    if (evp == NULL)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "cannot make a key of kind %s",
                       crypto_alg_name(alg));
    return adopt(evp, ret_key, err);
}

rs_code
crypto_key_from_pkcs8(struct rs_bytes der, struct crypto_key **ret_key, struct rs_err *err)
{
    const unsigned char *at = der.p;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    EVP_PKEY *evp = NULL;

    if (info != NULL && at == der.p + der.len)
        evp = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (evp == NULL)
        return rs_fail(err, RS_E_KEY_LOCKED, "not a PKCS#8 private key");
    return adopt(evp, ret_key, err);
}

rs_code
crypto_key_to_pkcs8(const struct crypto_key *key, struct rs_buf *out, struct rs_err *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->evp);
    unsigned char *at;
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;

    at = len > 0 ? rs_buf_extend(out, (size_t)len) : NULL;
    if (at != NULL)
        (void)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (at == NULL)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "cannot write the key as PKCS#8");
    return RS_OK;
}

void
crypto_key_free(struct crypto_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->evp);
    free(key);
}

enum crypto_alg
crypto_key_alg(const struct crypto_key *key)
{
    return key->pub.alg;
}

const struct crypto_pub *
crypto_key_pub(const struct crypto_key *key)
{
    return &key->pub;
}

struct evp_pkey_st *
crypto_key_evp(const struct crypto_key *key)
{
    return key->evp;
}

rs_code
crypto_sign(const struct crypto_key *key, struct rs_bytes message, uint8_t *sig, size_t cap,
            size_t *ret_len, struct rs_err *err)
{
    size_t len = cap;

    if (cap < CRYPTO_SIGNATURE_MAX)
        return rs_fail(err, RS_E_INTERNAL, "signature buffer of %zu bytes", cap);
    if (!crypto_cache_sign(key->id, key->evp, crypto_sig_for(key->pub.alg), message, sig, &len))
        return rs_fail(err, RS_E_CRYPTO_FAILED, "signing failed");
    *ret_len = len;
    return RS_OK;
}

void
crypto_verify_own_all(const struct crypto_key *key, struct crypto_own *list, size_t count)
{
    crypto_cache_verify_own(key->id, key->evp, crypto_sig_for(key->pub.alg), list, count);
}

rs_code
crypto_verify_own(const struct crypto_key *key, struct rs_bytes message, struct rs_bytes signature,
                  struct rs_err *err)
{
    struct crypto_own own = {.message = message, .signature = signature};

    crypto_verify_own_all(key, &own, 1);
    if (!own.good)
        return rs_fail(err, RS_E_CRYPTO_SELF_CHECK, "our own signature does not verify");
    return RS_OK;
}
