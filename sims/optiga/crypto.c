/*
 * crypto.c: see crypto.h.
 *
 * The state of a SHA-256 must be able to leave the part and come back, which
 * only the old interface of the library can do: one file, here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sims/optiga/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include "sims/common/cipher.h"

#define TAG_LEN    8
#define DIGEST_MAX 64
#define BLOCK      16
#define NAME_SIZE  16 /* of an algorithm */

static const EVP_MD *
md_of(unsigned bits)
{
    if (bits == 512)
        return EVP_sha512();
    return bits == 384 ? EVP_sha384() : EVP_sha256();
}

int
optiga_hmac(unsigned bits, struct rs_bytes key, struct rs_bytes data, uint8_t *mac)
{
    static const uint8_t none[1];
    unsigned len = 0;

    return HMAC(md_of(bits), key.len > 0 ? key.p : none, (int)key.len, data.p, data.len, mac,
                &len) != NULL &&
           len == bits / 8;
}

/* ---- Key derivation -------------------------------------------------------------------------- */

static int
derive(const char *name, OSSL_PARAM *params, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    int ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static OSSL_PARAM
octets(const char *name, struct rs_bytes v)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } p = {.in = v.p}; /* the library does not write to it */

    return OSSL_PARAM_construct_octet_string(name, p.out, v.len);
}

/* The library takes names that it could write to; name has room for one. */
static OSSL_PARAM
name_param(const char *key, const char *value, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s", value);
    return OSSL_PARAM_construct_utf8_string(key, name, 0);
}

static OSSL_PARAM
digest_param(unsigned bits, char name[NAME_SIZE])
{
    return name_param(OSSL_KDF_PARAM_DIGEST, EVP_MD_get0_name(md_of(bits)), name);
}

int
optiga_prf(unsigned bits, struct rs_bytes secret, struct rs_bytes label_seed, uint8_t *out,
           size_t len)
{
    char md[NAME_SIZE];
    OSSL_PARAM params[] = {digest_param(bits, md), octets(OSSL_KDF_PARAM_SECRET, secret),
                           octets(OSSL_KDF_PARAM_SEED, label_seed), OSSL_PARAM_construct_end()};

    return derive("TLS1-PRF", params, out, len);
}

int
optiga_hkdf(unsigned bits, struct rs_bytes secret, struct rs_bytes salt, struct rs_bytes info,
            uint8_t *out, size_t len)
{
    char md[NAME_SIZE];
    OSSL_PARAM params[] = {digest_param(bits, md), octets(OSSL_KDF_PARAM_KEY, secret),
                           octets(OSSL_KDF_PARAM_INFO, info), octets(OSSL_KDF_PARAM_SALT, salt),
                           OSSL_PARAM_construct_end()};

    if (salt.len == 0)
        params[3] = OSSL_PARAM_construct_end();
    return derive("HKDF", params, out, len);
}

/* ---- CCM ------------------------------------------------------------------------------------------ */

static struct sim_aead_input
aead(const struct optiga_ccm *ccm)
{
    return (struct sim_aead_input){.mode = SIM_AEAD_CCM,
                                   .aes = {ccm->key, sizeof(ccm->key)},
                                   .nonce = rs_bytes_of(ccm->nonce, ccm->nonce_len),
                                   .aad = rs_bytes_of(ccm->aad, ccm->aad_len),
                                   .tag_len = TAG_LEN};
}

int
optiga_ccm_seal(const struct optiga_ccm *ccm, struct rs_bytes plain, uint8_t *out)
{
    const struct sim_aead_input how = aead(ccm);

    return sim_aead_seal(&how, plain, out, out + plain.len);
}

int
optiga_ccm_open(const struct optiga_ccm *ccm, struct rs_bytes in, uint8_t *plain)
{
    const struct sim_aead_input how = aead(ccm);

    if (in.len < TAG_LEN)
        return 0;
    in.len -= TAG_LEN;
    return sim_aead_open(&how, in, in.p + in.len, plain);
}

/* ---- SHA-256 ---------------------------------------------------------------------------------------- */

void
optiga_hash_start(struct optiga_hash *hash)
{
    SHA256_CTX ctx;

    (void)SHA256_Init(&ctx);
    memset(hash, 0, sizeof(*hash));
    memcpy(hash->h, ctx.h, sizeof(hash->h));
    hash->active = 1;
}

void
optiga_hash_add(struct optiga_hash *hash, const uint8_t *p, size_t len)
{
    SHA256_CTX ctx;

    (void)SHA256_Init(&ctx);
    memcpy(ctx.h, hash->h, sizeof(hash->h));
    hash->total += len;
    while (len > 0) {
        size_t n = sizeof(hash->block) - hash->fill < len ? sizeof(hash->block) - hash->fill : len;

        memcpy(hash->block + hash->fill, p, n);
        p += n;
        len -= n;
        hash->fill = (uint8_t)(hash->fill + n);
        if (hash->fill == sizeof(hash->block)) {
            SHA256_Transform(&ctx, hash->block);
            hash->fill = 0;
        }
    }
    memcpy(hash->h, ctx.h, sizeof(hash->h));
}

/* FIPS 180-4 5.1.1: a one, zeros, the length in bits. */
void
optiga_hash_digest(const struct optiga_hash *hash, uint8_t digest[32])
{
    struct optiga_hash copy = *hash;
    uint8_t pad[128] = {0x80};
    size_t zeros = (size_t)(copy.fill < 56 ? 56 : 120) - copy.fill;

    rs_set_u64(pad + zeros, hash->total * 8);
    optiga_hash_add(&copy, pad, zeros + 8);
    for (size_t i = 0; i < 8; i++)
        rs_set_u32(digest + 4 * i, copy.h[i]);
}

/* "ctx1", state, total, fill, block, zeros: a layout of our own, since the part's is opaque. */
static const uint8_t context_mark[4] = {'c', 't', 'x', '1'};

enum {
    CONTEXT_H = 4,
    CONTEXT_TOTAL = 36,
    CONTEXT_BLOCK = 44,
    CONTEXT_END = 108,
};

void
optiga_hash_export(const struct optiga_hash *hash, uint8_t out[OPTIGA_HASH_CONTEXT])
{
    memset(out, 0, OPTIGA_HASH_CONTEXT);
    memcpy(out, context_mark, sizeof(context_mark));
    for (size_t i = 0; i < 8; i++)
        rs_set_u32(out + CONTEXT_H + 4 * i, hash->h[i]);
    rs_set_u64(out + CONTEXT_TOTAL, hash->total);
    memcpy(out + CONTEXT_BLOCK, hash->block, hash->fill);
}

int
optiga_hash_import(struct optiga_hash *hash, const uint8_t *p, size_t len)
{
    if (len != OPTIGA_HASH_CONTEXT || memcmp(p, context_mark, sizeof(context_mark)) != 0)
        return 0;
    for (size_t i = CONTEXT_END; i < len; i++)
        if (p[i] != 0)
            return 0;
    hash->active = 1;
    for (size_t i = 0; i < 8; i++)
        hash->h[i] = rs_get_u32(p + CONTEXT_H + 4 * i);
    hash->total = rs_get_u64(p + CONTEXT_TOTAL);
    hash->fill = (uint8_t)(hash->total % sizeof(hash->block));
    memcpy(hash->block, p + CONTEXT_BLOCK, sizeof(hash->block));
    return 1;
}

/* ---- Symmetric chains ----------------------------------------------------------------------------------- */

struct optiga_sym {
    unsigned mode;
    int encrypt;
    EVP_CIPHER_CTX *cipher; /* ECB, CBC, CBC-MAC */
    EVP_MAC_CTX *mac;       /* CMAC, HMAC */
    uint8_t last[BLOCK];    /* of a CBC-MAC */
};

static const EVP_CIPHER *
cipher_of(unsigned mode, size_t key_len)
{
    if (mode == OPTIGA_MODE_ECB)
        return key_len == 16   ? EVP_aes_128_ecb()
               : key_len == 24 ? EVP_aes_192_ecb()
                               : EVP_aes_256_ecb();
    return key_len == 16   ? EVP_aes_128_cbc()
           : key_len == 24 ? EVP_aes_192_cbc()
                           : EVP_aes_256_cbc();
}

static int
start_cipher(struct optiga_sym *sym, struct rs_bytes key, const uint8_t iv[16])
{
    static const uint8_t zero[BLOCK];

    sym->cipher = EVP_CIPHER_CTX_new();
    return sym->cipher != NULL &&
           EVP_CipherInit_ex(sym->cipher, cipher_of(sym->mode, key.len), NULL, key.p,
                             iv != NULL ? iv : zero, sym->encrypt) == 1 &&
           EVP_CIPHER_CTX_set_padding(sym->cipher, 0) == 1;
}

unsigned
optiga_hmac_bits(unsigned mode)
{
    if (mode == OPTIGA_MODE_HMAC_512)
        return 512;
    return mode == OPTIGA_MODE_HMAC_384 ? 384 : 256;
}

static int
start_mac(struct optiga_sym *sym, struct rs_bytes key)
{
    int hmac = sym->mode != OPTIGA_MODE_CMAC;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, hmac ? "HMAC" : "CMAC", NULL);
    char name[NAME_SIZE];
    OSSL_PARAM params[2] = {
        hmac ? digest_param(optiga_hmac_bits(sym->mode), name)
             : name_param(OSSL_MAC_PARAM_CIPHER,
                          EVP_CIPHER_get0_name(cipher_of(OPTIGA_MODE_CBC, key.len)), name),
        OSSL_PARAM_construct_end()};

    sym->mac = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    return sym->mac != NULL && EVP_MAC_init(sym->mac, key.p, key.len, params) == 1;
}

struct optiga_sym *
optiga_sym_new(unsigned mode, int encrypt, struct rs_bytes key, const uint8_t iv[16])
{
    struct optiga_sym *sym = calloc(1, sizeof(*sym));
    int ok;

    if (sym == NULL)
        return NULL;
    sym->mode = mode;
    sym->encrypt = encrypt;
    if (mode == OPTIGA_MODE_ECB || mode == OPTIGA_MODE_CBC || mode == OPTIGA_MODE_CBC_MAC)
        ok = start_cipher(sym, key, iv);
    else
        ok = start_mac(sym, key);
    if (ok)
        return sym;
    optiga_sym_free(sym);
    return NULL;
}

void
optiga_sym_free(struct optiga_sym *sym)
{
    if (sym == NULL)
        return;
    EVP_CIPHER_CTX_free(sym->cipher);
    EVP_MAC_CTX_free(sym->mac);
    rs_wipe(sym, sizeof(*sym));
    free(sym);
}

unsigned
optiga_sym_mode(const struct optiga_sym *sym)
{
    return sym->mode;
}

int
optiga_sym_encrypts(const struct optiga_sym *sym)
{
    return sym->encrypt;
}

/* A CBC-MAC is the last block of a CBC from zero. */
static int
add_cbc_mac(struct optiga_sym *sym, struct rs_bytes in)
{
    uint8_t out[BLOCK];
    int n = 0, ok = 1;

    for (size_t at = 0; ok && at + BLOCK <= in.len; at += BLOCK) {
        ok = EVP_CipherUpdate(sym->cipher, out, &n, in.p + at, BLOCK) == 1 && n == BLOCK;
        memcpy(sym->last, out, BLOCK);
    }
    return ok;
}

int
optiga_sym_add(struct optiga_sym *sym, struct rs_bytes in, uint8_t *out, size_t *ret_len)
{
    int n = 0;

    *ret_len = 0;
    if (in.len == 0)
        return 1;
    if (sym->mac != NULL)
        return EVP_MAC_update(sym->mac, in.p, in.len) == 1;
    if (sym->mode == OPTIGA_MODE_CBC_MAC)
        return add_cbc_mac(sym, in);
    if (EVP_CipherUpdate(sym->cipher, out, &n, in.p, (int)in.len) != 1)
        return 0;
    *ret_len = (size_t)n;
    return 1;
}

int
optiga_sym_end(struct optiga_sym *sym, uint8_t *out, size_t *ret_len)
{
    *ret_len = 0;
    if (sym->mac != NULL)
        return EVP_MAC_final(sym->mac, out, ret_len, DIGEST_MAX) == 1;
    if (sym->mode == OPTIGA_MODE_CBC_MAC) {
        memcpy(out, sym->last, BLOCK);
        *ret_len = BLOCK;
    }
    return 1;
}
