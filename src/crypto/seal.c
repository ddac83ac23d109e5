/*
 * seal.c: AES-256-GCM and scrypt over EVP.  See seal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/seal.h"

#include <openssl/evp.h>

#include "base/random.h"

rs_code
crypto_stretch(struct rs_bytes passphrase, struct rs_bytes salt, uint8_t key[32],
               struct rs_err *err)
{
    if (EVP_PBE_scrypt((const char *)passphrase.p, passphrase.len, salt.p, salt.len, 1 << 15, 8, 1,
                       64u << 20, key, 32) != 1)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "scrypt failed");
    return RS_OK;
}

/* Run the cipher over one piece in either direction; 0 when it fails (a wrong tag, on opening). */
static int
run(int seal, const uint8_t key[32], const uint8_t *nonce, struct rs_bytes aad, struct rs_bytes in,
    uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, ok;

    ok = ctx != NULL && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, seal, NULL) == 1 &&
         EVP_CipherUpdate(ctx, NULL, &n, aad.p, (int)aad.len) == 1 &&
         EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.len) == 1;
    if (ok && !seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CRYPTO_SEAL_TAG, tag) == 1;
    ok = ok && EVP_CipherFinal_ex(ctx, out + n, &n) == 1;
    if (ok && seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CRYPTO_SEAL_TAG, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

rs_code
crypto_seal(const uint8_t key[32], struct rs_bytes aad, struct rs_bytes plain, struct rs_buf *out,
            struct rs_err *err)
{
    uint8_t *p = rs_buf_extend(out, CRYPTO_SEAL_NONCE + plain.len + CRYPTO_SEAL_TAG);
    rs_code rc;

    if (p == NULL || plain.len > INT32_MAX)
        return rs_fail(err, RS_E_NO_MEMORY, "no room to seal %zu bytes", plain.len);
    rc = rs_random(p, CRYPTO_SEAL_NONCE, err);
    if (rc != RS_OK)
        return rc;
    if (!run(1, key, p, aad, plain, p + CRYPTO_SEAL_NONCE, p + CRYPTO_SEAL_NONCE + plain.len))
        return rs_fail(err, RS_E_CRYPTO_FAILED, "AES-GCM failed");
    return RS_OK;
}

rs_code
crypto_open(const uint8_t key[32], struct rs_bytes aad, struct rs_bytes sealed,
            struct rs_buf *ret_plain, struct rs_err *err)
{
    const size_t overhead = CRYPTO_SEAL_NONCE + CRYPTO_SEAL_TAG;
    uint8_t tag[CRYPTO_SEAL_TAG];
    struct rs_bytes cipher;
    size_t start = ret_plain->len;
    uint8_t *p;

    if (sealed.len < overhead || sealed.len > INT32_MAX)
        return rs_fail(err, RS_E_KEY_LOCKED, "sealed bytes are too short");
    cipher = rs_bytes_of(sealed.p + CRYPTO_SEAL_NONCE, sealed.len - overhead);
    for (size_t i = 0; i < sizeof(tag); i++)
        tag[i] = cipher.p[cipher.len + i];
    p = rs_buf_extend(ret_plain, cipher.len);
    if (p == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "no room to open %zu bytes", cipher.len);
    if (!run(0, key, sealed.p, aad, cipher, p, tag)) {
        rs_wipe(p, cipher.len);
        ret_plain->len = start;
        return rs_fail(err, RS_E_KEY_LOCKED, "wrong passphrase, or the bytes were changed");
    }
    return RS_OK;
}
