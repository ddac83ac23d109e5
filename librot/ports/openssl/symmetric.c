/*
 * symmetric.c: hashes, MACs, and AES without authentication.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define BLOCK 16u

static const char *
hash_name(enum rot_hash alg)
{
    switch (alg) {
    case ROT_HASH_SHA256:
        return "SHA256";
    case ROT_HASH_SHA384:
        return "SHA384";
    case ROT_HASH_SHA512:
        return "SHA512";
    }
    return NULL;
}

rot_err
port_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t part_count,
          uint8_t *out)
{
    struct rot_port_openssl *p = self;
    EVP_MD_CTX *ctx;
    int ok;

    if (hash_name(alg) == NULL)
        return ROT_E_PORT;
    ctx = EVP_MD_CTX_new();
    ok = ctx != NULL && EVP_DigestInit_ex2(ctx, p->md[alg - ROT_HASH_SHA256], NULL) == 1;
    for (size_t i = 0; ok && i < part_count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? ROT_OK : ROT_E_PORT;
}

/* HMAC or CMAC: they differ in one parameter. */
static rot_err
run_mac(EVP_MAC *mac, const char *param, const char *value, struct rot_bytes key,
        const struct rot_bytes *parts, size_t part_count, uint8_t *out)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    char name[16];
    OSSL_PARAM params[2];
    size_t len = 0;
    int ok;

    strncpy(name, value, sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    params[0] = OSSL_PARAM_construct_utf8_string(param, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    /* An empty key is a key (HMAC); OpenSSL takes NULL as "the key from before". */
    ok = ctx != NULL &&
         EVP_MAC_init(ctx, key.len != 0 ? key.p : (const uint8_t *)"", key.len, params) == 1;
    for (size_t i = 0; ok && i < part_count; i++)
        ok = EVP_MAC_update(ctx, parts[i].p, parts[i].len) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &len, ROT_DIGEST_MAX) == 1;
    EVP_MAC_CTX_free(ctx);
    return ok ? ROT_OK : ROT_E_PORT;
}

rot_err
port_hmac(void *self, enum rot_hash alg, struct rot_bytes key, const struct rot_bytes *parts,
          size_t part_count, uint8_t *out)
{
    struct rot_port_openssl *p = self;

    if (hash_name(alg) == NULL)
        return ROT_E_PORT;
    return run_mac(p->hmac, OSSL_MAC_PARAM_DIGEST, hash_name(alg), key, parts, part_count, out);
}

rot_err
port_aes_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts, size_t part_count,
              uint8_t mac[16])
{
    struct rot_port_openssl *p = self;
    uint8_t full[ROT_DIGEST_MAX];
    rot_err rc;

    if (key.len != 16 && key.len != 32)
        return ROT_E_PORT;
    rc = run_mac(p->cmac, OSSL_MAC_PARAM_CIPHER, key.len == 16 ? "AES-128-CBC" : "AES-256-CBC", key,
                 parts, part_count, full);
    if (rc == ROT_OK)
        memcpy(mac, full, BLOCK);
    return rc;
}

static rot_err
run_aes(const struct rot_port_openssl *p, enum cipher_mode mode, struct rot_bytes key,
        const uint8_t *iv, int encrypt, struct rot_bytes in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx;
    int n = 0, tail = 0, ok;

    if ((key.len != 16 && key.len != 32) || in.len > SIZE_INT_MAX - BLOCK)
        return ROT_E_PORT;
    if (mode != MODE_CFB && in.len % BLOCK != 0)
        return ROT_E_PORT;
    ctx = EVP_CIPHER_CTX_new();
    ok = ctx != NULL &&
         EVP_CipherInit_ex2(ctx, p->cipher[mode][key.len == 32], key.p, iv, encrypt, NULL) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
         EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.len) == 1 &&
         EVP_CipherFinal_ex(ctx, out + n, &tail) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok && (size_t)n + (size_t)tail == in.len ? ROT_OK : ROT_E_PORT;
}

rot_err
port_aes_ecb(void *self, struct rot_bytes key, int encrypt, const uint8_t *in, size_t len,
             uint8_t *out)
{
    return run_aes(self, MODE_ECB, key, NULL, encrypt, (struct rot_bytes){in, len}, out);
}

/* In CBC and CFB alike, the last block of ciphertext is what the next call chains on. */
static rot_err
run_chained(const struct rot_port_openssl *p, enum cipher_mode mode, struct rot_bytes key,
            uint8_t iv[16], int encrypt, struct rot_bytes in, uint8_t *out)
{
    size_t whole = in.len / BLOCK * BLOCK;
    uint8_t next[BLOCK] = {0};
    rot_err rc;

    if (!encrypt && whole != 0)
        memcpy(next, in.p + whole - BLOCK, BLOCK); /* before out, which may be in, is written */
    rc = run_aes(p, mode, key, iv, encrypt, in, out);
    if (rc != ROT_OK || whole == 0)
        return rc;
    memcpy(iv, encrypt ? out + whole - BLOCK : next, BLOCK);
    return ROT_OK;
}

rot_err
port_aes_cbc(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt, const uint8_t *in,
             size_t len, uint8_t *out)
{
    return run_chained(self, MODE_CBC, key, iv, encrypt, (struct rot_bytes){in, len}, out);
}

rot_err
port_aes_cfb(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt, const uint8_t *in,
             size_t len, uint8_t *out)
{
    return run_chained(self, MODE_CFB, key, iv, encrypt, (struct rot_bytes){in, len}, out);
}
