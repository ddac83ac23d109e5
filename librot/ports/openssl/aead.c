/*
 * aead.c: AES-GCM and AES-CCM in one piece.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <openssl/evp.h>

#include <rot/rot_driver.h>

#define TAG_MAX 16u

struct box {
    const EVP_CIPHER *cipher;
    enum rot_aead alg;
    int seal;
    struct rot_bytes key, nonce, aad, text; /* text: without the tag */
    const uint8_t *tag;                     /* when opening */
    size_t tag_len;
};

static int
is_ccm(enum rot_aead alg)
{
    return alg == ROT_AEAD_AES_CCM || alg == ROT_AEAD_AES_CCM_8;
}

/* CCM (SP 800-38C) wants all lengths, and the tag to check, before the first byte. */
static int
start(EVP_CIPHER_CTX *ctx, const struct box *b)
{
    uint8_t tag[TAG_MAX];
    void *known = NULL;

    if (!b->seal) {
        for (size_t i = 0; i < b->tag_len; i++)
            tag[i] = b->tag[i];
        known = tag;
    }
    if (EVP_CipherInit_ex2(ctx, b->cipher, NULL, NULL, b->seal, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)b->nonce.len, NULL) != 1)
        return 0;
    if ((is_ccm(b->alg) || !b->seal) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)b->tag_len, known) != 1)
        return 0;
    return EVP_CipherInit_ex2(ctx, NULL, b->key.p, b->nonce.p, b->seal, NULL) == 1;
}

static int
feed_aad(EVP_CIPHER_CTX *ctx, const struct box *b)
{
    int n;

    if (is_ccm(b->alg) && EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)b->text.len) != 1)
        return 0;
    return b->aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &n, b->aad.p, (int)b->aad.len) == 1;
}

/* 1 when all went well; for opening that means that the tag is right. */
static int
feed_text(EVP_CIPHER_CTX *ctx, const struct box *b, uint8_t *out)
{
    static const uint8_t nothing[1] = {0};
    uint8_t scratch[TAG_MAX] = {0};
    int n = 0;

    /* CCM answers for the tag in this call, so it is made for an empty text too. */
    if ((b->text.len != 0 || is_ccm(b->alg)) &&
        EVP_CipherUpdate(ctx, b->text.len != 0 ? out : scratch, &n,
                         b->text.len != 0 ? b->text.p : nothing, (int)b->text.len) != 1)
        return 0;
    if (is_ccm(b->alg) && !b->seal)
        return 1;
    return EVP_CipherFinal_ex(ctx, scratch, &n) == 1;
}

static rot_err
run(EVP_CIPHER_CTX *ctx, const struct box *b, uint8_t *out)
{
    if (!start(ctx, b) || !feed_aad(ctx, b))
        return ROT_E_PORT;
    if (!feed_text(ctx, b, out)) {
        rot_wipe_memory(out, b->text.len);
        return b->seal ? ROT_E_PORT : ROT_E_MISMATCH;
    }
    if (b->seal &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)b->tag_len, out + b->text.len) != 1)
        return ROT_E_PORT;
    return ROT_OK;
}

rot_err
port_aead(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
          struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out)
{
    struct rot_port_openssl *p = self;
    struct box b = {NULL, alg, seal, key, nonce, aad, in, NULL, alg == ROT_AEAD_AES_CCM_8 ? 8 : 16};
    EVP_CIPHER_CTX *ctx;
    rot_err rc = ROT_E_PORT;

    if ((alg != ROT_AEAD_AES_GCM && !is_ccm(alg)) || (key.len != 16 && key.len != 32) ||
        nonce.len < 7 || nonce.len > 13 || in.len > SIZE_INT_MAX - TAG_MAX ||
        aad.len > SIZE_INT_MAX)
        return ROT_E_PORT;
    if (!seal) {
        if (in.len < b.tag_len)
            return ROT_E_PORT;
        b.text.len = in.len - b.tag_len;
        b.tag = in.p + b.text.len;
    }
    b.cipher = p->cipher[alg == ROT_AEAD_AES_GCM ? MODE_GCM : MODE_CCM][key.len == 32];
    ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL)
        rc = run(ctx, &b, out);
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}
