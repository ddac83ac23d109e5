/*
 * wrap.c: see wrap.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/wrap.h"

#include <limits.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* Rare enough to go through the library's decoder: the bytes were read strictly before. */
static EVP_PKEY *
key_of(const struct crypto_pub *pub)
{
    const unsigned char *at = pub->spki.p;

    return d2i_PUBKEY(NULL, &at, (long)pub->spki.len);
}

/* The context takes the label over; 0 when anything fails. */
static int
set_oaep(EVP_PKEY_CTX *ctx, struct rs_bytes label)
{
    void *copy;

    if (EVP_PKEY_encrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1)
        return 0;
    copy = OPENSSL_memdup(label.p, label.len);
    if (copy != NULL && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) == 1)
        return 1;
    OPENSSL_free(copy);
    return 0;
}

rs_code
crypto_oaep(const struct crypto_pub *pub, struct rs_bytes label, struct rs_bytes plain,
            struct rs_buf *out, struct rs_err *err)
{
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    size_t len = pub->modulus.len;
    uint8_t *p;
    int ok;

    if (len == 0 || label.len > INT_MAX)
        return rs_fail(err, RS_E_KEY_WEAK, "OAEP takes an RSA key");
    p = rs_buf_extend(out, len);
    if (p == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "no room for %zu bytes", len);
    key = key_of(pub);
    ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    ok = ctx != NULL && set_oaep(ctx, label) &&
         EVP_PKEY_encrypt(ctx, p, &len, plain.p, plain.len) == 1 && len == pub->modulus.len;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "OAEP failed");
}

static int
agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t point[65], uint8_t shared[CRYPTO_P256_X])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    size_t point_len = 0, len = CRYPTO_P256_X;
    int ok;

    ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, shared, &len) == 1 &&
         len == CRYPTO_P256_X &&
         EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, 65,
                                         &point_len) == 1 &&
         point_len == 65 && point[0] == 0x04;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

rs_code
crypto_agree_once(const struct crypto_pub *pub, uint8_t point[65], uint8_t shared[CRYPTO_P256_X],
                  struct rs_err *err)
{
    EVP_PKEY *own, *peer;
    int ok;

    if (pub->alg != CRYPTO_P256)
        return rs_fail(err, RS_E_KEY_WEAK, "agreement takes a P-256 key");
    own = EVP_EC_gen("P-256");
    peer = key_of(pub);
    ok = own != NULL && peer != NULL && agree(own, peer, point, shared);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "ECDH failed");
}

rs_code
crypto_aes_cfb(const uint8_t key[16], uint8_t *bytes, size_t len, struct rs_err *err)
{
    static const uint8_t iv[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, ok;

    ok = ctx != NULL && len <= INT_MAX &&
         EVP_EncryptInit_ex2(ctx, EVP_aes_128_cfb128(), key, iv, NULL) == 1 &&
         EVP_EncryptUpdate(ctx, bytes, &n, bytes, (int)len) == 1 && (size_t)n == len;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "AES-CFB failed");
}
