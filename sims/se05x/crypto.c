/*
 * crypto.c: digests, MACs, AES and derivations (crypto.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/se05x/crypto.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

/* ---- Digests and MACs --------------------------------------------------------------------- */

const EVP_MD *
se05x_digest(unsigned mode)
{
    switch (mode) {
    case 0x01:
        return EVP_sha1();
    case 0x07:
        return EVP_sha224();
    case 0x04:
        return EVP_sha256();
    case 0x05:
        return EVP_sha384();
    case 0x06:
        return EVP_sha512();
    default:
        return NULL;
    }
}

size_t
se05x_ecdsa_digest_size(unsigned algorithm)
{
    switch (algorithm) {
    case 0x11:
        return 20;
    case 0x25:
        return 28;
    case 0x21:
        return 32;
    case 0x22:
        return 48;
    case 0x26:
        return 64;
    default:
        return 0;
    }
}

int
se05x_hash(const EVP_MD *md, struct rs_bytes a, struct rs_bytes b, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
             EVP_DigestUpdate(ctx, a.p, a.len) == 1 && EVP_DigestUpdate(ctx, b.p, b.len) == 1 &&
             EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static const char *
cbc_name(size_t key_len)
{
    return key_len == 16 ? "AES-128-CBC" : key_len == 24 ? "AES-192-CBC" : "AES-256-CBC";
}

EVP_MAC_CTX *
se05x_mac_new(const EVP_MD *md, struct rs_bytes key)
{
    /* OpenSSL takes NULL for "the key as before". */
    static const uint8_t none[1] = {0};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, md != NULL ? "HMAC" : "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    char text[32];
    OSSL_PARAM params[2];

    (void)snprintf(text, sizeof(text), "%s", md != NULL ? EVP_MD_get0_name(md) : cbc_name(key.len));
    params[0] = OSSL_PARAM_construct_utf8_string(
        md != NULL ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER, text, 0);
    params[1] = OSSL_PARAM_construct_end();
    EVP_MAC_free(mac);
    if (ctx != NULL && EVP_MAC_init(ctx, key.len > 0 ? key.p : none, key.len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* One MAC over two pieces. */
static int
mac_over(const EVP_MD *md, struct rs_bytes key, struct rs_bytes a, struct rs_bytes b, uint8_t *out,
         size_t cap)
{
    EVP_MAC_CTX *ctx = se05x_mac_new(md, key);
    size_t len = 0;
    int ok = ctx != NULL && EVP_MAC_update(ctx, a.p, a.len) == 1 &&
             EVP_MAC_update(ctx, b.p, b.len) == 1 && EVP_MAC_final(ctx, out, &len, cap) == 1;

    EVP_MAC_CTX_free(ctx);
    return ok;
}

int
se05x_hmac(const EVP_MD *md, struct rs_bytes key, struct rs_bytes a, struct rs_bytes b,
           uint8_t *out)
{
    return mac_over(md, key, a, b, out, (size_t)EVP_MD_get_size(md));
}

int
se05x_cmac(const uint8_t *key, size_t key_len, struct rs_bytes a, struct rs_bytes b,
           uint8_t out[16])
{
    return mac_over(NULL, rs_bytes_of(key, key_len), a, b, out, 16);
}

/* ---- AES -------------------------------------------------------------------------------------- */

int
se05x_aes_cbc(const uint8_t *key, size_t key_len, const uint8_t iv[16], int encrypt, uint8_t *p,
              size_t len)
{
    const EVP_CIPHER *cipher = key_len == 16   ? EVP_aes_128_cbc()
                               : key_len == 24 ? EVP_aes_192_cbc()
                                               : EVP_aes_256_cbc();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    int ok = ctx != NULL && len % 16 == 0 &&
             EVP_CipherInit_ex(ctx, cipher, NULL, key, iv, encrypt) == 1 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
             EVP_CipherUpdate(ctx, p, &done, p, (int)len) == 1 && (size_t)done == len;

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

int
se05x_aes_block(const uint8_t *key, size_t key_len, const uint8_t in[16], uint8_t out[16])
{
    static const uint8_t zero[16] = {0};

    memmove(out, in, 16);
    return se05x_aes_cbc(key, key_len, zero, 1, out, 16);
}

size_t
se05x_aes_unwrap(struct rs_bytes kek, struct rs_bytes wrapped, uint8_t *out)
{
    const EVP_CIPHER *cipher = kek.len == 16   ? EVP_aes_128_wrap()
                               : kek.len == 24 ? EVP_aes_192_wrap()
                                               : EVP_aes_256_wrap();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    int ok = ctx != NULL && wrapped.len >= 24 && wrapped.len % 8 == 0;

    if (ok) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        ok = EVP_DecryptInit_ex(ctx, cipher, NULL, kek.p, NULL) == 1 &&
             EVP_DecryptUpdate(ctx, out, &done, wrapped.p, (int)wrapped.len) == 1 && done > 0;
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok ? (size_t)done : 0;
}

/* ---- Derivations --------------------------------------------------------------------------------- */

int
se05x_tls_prf(const EVP_MD *md, struct rs_bytes secret, struct rs_bytes label, struct rs_bytes seed,
              uint8_t *out, size_t len)
{
    uint8_t a[EVP_MAX_MD_SIZE], block[EVP_MAX_MD_SIZE], rest[128];
    size_t size = (size_t)EVP_MD_get_size(md), rest_len = label.len + seed.len;

    if (rest_len > sizeof(rest) || !se05x_hmac(md, secret, label, seed, a))
        return 0;
    memcpy(rest, label.p, label.len);
    memcpy(rest + label.len, seed.p, seed.len);
    for (size_t at = 0; at < len; at += size) {
        size_t n = len - at < size ? len - at : size;

        if (!se05x_hmac(md, secret, rs_bytes_of(a, size), rs_bytes_of(rest, rest_len), block) ||
            !se05x_hmac(md, secret, rs_bytes_of(a, size), rs_bytes_of(NULL, 0), a))
            return 0;
        memcpy(out + at, block, n);
    }
    return 1;
}

/* RFC 5869; without extract the key is the pseudo-random key. */
int
se05x_hkdf(const EVP_MD *md, int extract, struct rs_bytes key, struct rs_bytes salt,
           struct rs_bytes info, uint8_t *out, size_t len)
{
    static const uint8_t zeros[EVP_MAX_MD_SIZE] = {0};
    uint8_t prk[EVP_MAX_MD_SIZE], block[EVP_MAX_MD_SIZE + 256 + 1];
    size_t size = (size_t)EVP_MD_get_size(md), have = 0;

    if (info.len > 256 || len > 255 * size)
        return 0;
    if (extract) {
        if (salt.len == 0)
            salt = rs_bytes_of(zeros, size);
        if (!se05x_hmac(md, salt, key, rs_bytes_of(NULL, 0), prk))
            return 0;
        key = rs_bytes_of(prk, size);
    }
    for (size_t at = 0, i = 1; at < len; at += size, i++) {
        uint8_t t[EVP_MAX_MD_SIZE];

        if (info.len > 0)
            memcpy(block + have, info.p, info.len);
        block[have + info.len] = (uint8_t)i;
        if (!se05x_hmac(md, key, rs_bytes_of(block, have + info.len + 1), rs_bytes_of(NULL, 0), t))
            return 0;
        memcpy(out + at, t, len - at < size ? len - at : size);
        memcpy(block, t, size);
        have = size;
    }
    return 1;
}
