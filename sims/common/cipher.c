/*
 * cipher.c: see cipher.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/cipher.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define INFO_MAX 320 /* of one HKDF: two points of the largest curve, and some */

/* ---- AES --------------------------------------------------------------------------------- */

static int
run_aes(const EVP_CIPHER *cipher, const struct sim_aes *aes, int encrypt, const uint8_t *iv,
        struct rs_bytes in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, ok;

    if (ctx == NULL)
        return 0;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ok = EVP_CipherInit_ex(ctx, cipher, NULL, aes->key, iv, encrypt) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
         EVP_CipherUpdate(ctx, out, &len, in.p, (int)in.len) == 1 && len > 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static int
whole_blocks(struct rs_bytes in)
{
    return in.len > 0 && in.len % SIM_AES_BLOCK == 0 && in.len < INT_MAX;
}

int
sim_aes_ecb(struct sim_aes aes, int encrypt, struct rs_bytes in, uint8_t *out)
{
    return whole_blocks(in) && run_aes(aes.len == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb(), &aes,
                                       encrypt, NULL, in, out);
}

int
sim_aes_cbc(struct sim_aes aes, int encrypt, const uint8_t iv[SIM_AES_BLOCK], struct rs_bytes in,
            uint8_t *out)
{
    return whole_blocks(in) && run_aes(aes.len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc(), &aes,
                                       encrypt, iv, in, out);
}

int
sim_aes_wrap(struct sim_aes aes, struct rs_bytes in, uint8_t *out)
{
    return in.len >= 16 && in.len % 8 == 0 && in.len < INT_MAX &&
           run_aes(aes.len == 32 ? EVP_aes_256_wrap() : EVP_aes_128_wrap(), &aes, 1, NULL, in, out);
}

int
sim_aes_unwrap(struct sim_aes aes, struct rs_bytes in, uint8_t *out)
{
    return in.len >= 24 && in.len % 8 == 0 && in.len < INT_MAX &&
           run_aes(aes.len == 32 ? EVP_aes_256_wrap() : EVP_aes_128_wrap(), &aes, 0, NULL, in, out);
}

/* ---- MACs -------------------------------------------------------------------------------- */

static int
run_mac(const char *algorithm, const char *option, char *value, struct rs_bytes key,
        struct rs_bytes in, uint8_t *mac, size_t cap)
{
    EVP_MAC *fetched = EVP_MAC_fetch(NULL, algorithm, NULL);
    EVP_MAC_CTX *ctx = fetched == NULL ? NULL : EVP_MAC_CTX_new(fetched);
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(option, value, 0),
                            OSSL_PARAM_construct_end()};
    static const uint8_t none = 0; /* an empty key is a key, NULL is not */
    size_t len = 0;
    int ok = ctx != NULL && EVP_MAC_init(ctx, key.len == 0 ? &none : key.p, key.len, params) == 1 &&
             EVP_MAC_update(ctx, in.p, in.len) == 1 && EVP_MAC_final(ctx, mac, &len, cap) == 1 &&
             len == cap;

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(fetched);
    return ok;
}

int
sim_aes_cmac(struct sim_aes aes, struct rs_bytes in, uint8_t mac[SIM_AES_BLOCK])
{
    char small[] = "AES-128-CBC", large[] = "AES-256-CBC";

    return run_mac("CMAC", OSSL_MAC_PARAM_CIPHER, aes.len == 32 ? large : small,
                   rs_bytes_of(aes.key, aes.len), in, mac, SIM_AES_BLOCK);
}

int
sim_hmac_sha256(struct rs_bytes key, struct rs_bytes in, uint8_t mac[32])
{
    char digest[] = "SHA256";

    return run_mac("HMAC", OSSL_MAC_PARAM_DIGEST, digest, key, in, mac, 32);
}

/* ---- AEAD -------------------------------------------------------------------------------- */

static const EVP_CIPHER *
aead_cipher(const struct sim_aead_input *how)
{
    if (how->mode == SIM_AEAD_CCM)
        return how->aes.len == 32 ? EVP_aes_256_ccm() : EVP_aes_128_ccm();
    return how->aes.len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
}

/* Everything up to the message.  CCM wants tag, nonce and lengths before any of it. */
static int
aead_start(EVP_CIPHER_CTX *ctx, const struct sim_aead_input *how, int encrypt, size_t len,
           uint8_t *tag)
{
    int is_ccm = how->mode == SIM_AEAD_CCM, done = 0;

    if (EVP_CipherInit_ex(ctx, aead_cipher(how), NULL, NULL, NULL, encrypt) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)how->nonce.len, NULL) != 1)
        return 0;
    if ((is_ccm || !encrypt) && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)how->tag_len,
                                                    encrypt ? NULL : tag) != 1)
        return 0;
    if (EVP_CipherInit_ex(ctx, NULL, NULL, how->aes.key, how->nonce.p, encrypt) != 1)
        return 0;
    if (is_ccm && EVP_CipherUpdate(ctx, NULL, &done, NULL, (int)len) != 1)
        return 0;
    return how->aad.len == 0 ||
           EVP_CipherUpdate(ctx, NULL, &done, how->aad.p, (int)how->aad.len) == 1;
}

/* An empty message has a place all the same: without one, CCM would take it for nothing. */
static int
aead_message(EVP_CIPHER_CTX *ctx, const struct sim_aead_input *how, struct rs_bytes in,
             uint8_t *out)
{
    static const uint8_t none = 0;
    uint8_t nowhere;
    int done = 0;

    if (in.len == 0 && how->mode == SIM_AEAD_GCM)
        return 1;
    return EVP_CipherUpdate(ctx, in.len == 0 ? &nowhere : out, &done, in.len == 0 ? &none : in.p,
                            (int)in.len) == 1;
}

static int
aead_input_ok(const struct sim_aead_input *how, struct rs_bytes in)
{
    return in.len < INT_MAX && how->nonce.len > 0 && how->nonce.len <= 64 && how->tag_len >= 4 &&
           how->tag_len <= 16;
}

int
sim_aead_seal(const struct sim_aead_input *how, struct rs_bytes in, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t rest[SIM_AES_BLOCK];
    int done = 0;
    int ok = ctx != NULL && aead_input_ok(how, in) && aead_start(ctx, how, 1, in.len, tag) &&
             aead_message(ctx, how, in, out) && EVP_CipherFinal_ex(ctx, rest, &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)how->tag_len, tag) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* CCM tells with the message whether the tag is right, GCM at the end. */
int
sim_aead_open(const struct sim_aead_input *how, struct rs_bytes in, const uint8_t *tag,
              uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t rest[SIM_AES_BLOCK], wanted[16];
    int done = 0, ok = ctx != NULL && aead_input_ok(how, in);

    if (ok)
        memcpy(wanted, tag, how->tag_len);
    ok = ok && aead_start(ctx, how, 0, in.len, wanted) && aead_message(ctx, how, in, out) &&
         (how->mode == SIM_AEAD_CCM || EVP_CipherFinal_ex(ctx, rest, &done) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* ---- Hashes and HKDF --------------------------------------------------------------------- */

const char *
sim_hash_name(enum sim_hash hash)
{
    static const char *const names[] = {
        [SIM_HASH_SHA256] = "SHA256",     [SIM_HASH_SHA384] = "SHA384",
        [SIM_HASH_SHA512] = "SHA512",     [SIM_HASH_SHA3_256] = "SHA3-256",
        [SIM_HASH_SHA3_384] = "SHA3-384", [SIM_HASH_SHA3_512] = "SHA3-512",
    };

    return (size_t)hash < sizeof(names) / sizeof(names[0]) ? names[hash] : NULL;
}

size_t
sim_hash(enum sim_hash hash, struct rs_bytes in, uint8_t *digest)
{
    static const uint8_t none = 0;
    const char *name = sim_hash_name(hash);
    size_t len = 0;

    if (name == NULL ||
        EVP_Q_digest(NULL, name, NULL, in.len == 0 ? &none : in.p, in.len, digest, &len) != 1)
        return 0;
    return len;
}

int
sim_hkdf_extract(struct rs_bytes salt, struct rs_bytes secret, uint8_t prk[32])
{
    return sim_hmac_sha256(salt, secret, prk);
}

int
sim_hkdf_expand(const uint8_t prk[32], struct rs_bytes info, uint8_t *out, size_t len)
{
    uint8_t block[32 + INFO_MAX + 1], t[32];
    size_t before = 0;

    if (info.len > INFO_MAX || len > (size_t)255 * 32)
        return 0;
    for (uint8_t i = 1; len > 0; i++) {
        size_t take = len < 32 ? len : 32;

        memcpy(block, t, before);
        if (info.len > 0)
            memcpy(block + before, info.p, info.len);
        block[before + info.len] = i;
        if (!sim_hmac_sha256(rs_bytes_of(prk, 32), rs_bytes_of(block, before + info.len + 1), t))
            return 0;
        memcpy(out, t, take);
        out += take;
        len -= take;
        before = 32;
    }
    return 1;
}
