/*
 * cmd_cipher.c: AES: ciphers and AEAD, in one command or in steps (see cmd_crypto.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    P2_UPDATE = 0x0C,
    P2_ENCRYPT = 0x37,
    P2_ENCRYPT_INIT = 0x42,
};

#define BLOCK      16
#define GCM_IV     12 /* of the part's own, where the command does not say how long */
#define GCM_IV_MAX 60
#define IV_LENGTH  2 /* what stands in the IV's place when the part is to make one */
#define TAG_FULL   16

/* ---- Ciphers --------------------------------------------------------------------------------------- */

/* The cipher of a mode for a key; NULL: none. */
static const EVP_CIPHER *
find_cipher(unsigned mode, size_t key_len)
{
    size_t column = key_len / 8 - 2;

    if (key_len != 16 && key_len != 24 && key_len != 32)
        return NULL;
    switch (mode) {
    case SE05X_AES_ECB: {
        const EVP_CIPHER *ecb[3] = {EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb()};
        return ecb[column];
    }
    case SE05X_AES_CBC:
    case SE05X_AES_CBC_ZEROS:
    case SE05X_AES_CBC_BIT: {
        const EVP_CIPHER *cbc[3] = {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc()};
        return cbc[column];
    }
    case SE05X_AES_CTR: {
        const EVP_CIPHER *ctr[3] = {EVP_aes_128_ctr(), EVP_aes_192_ctr(), EVP_aes_256_ctr()};
        return ctr[column];
    }
    case SE05X_AES_GCM:
    case SE05X_AES_GCM_CHIP_IV: {
        const EVP_CIPHER *gcm[3] = {EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()};
        return gcm[column];
    }
    case SE05X_AES_CCM: {
        const EVP_CIPHER *ccm[3] = {EVP_aes_128_ccm(), EVP_aes_192_ccm(), EVP_aes_256_ccm()};
        return ccm[column];
    }
    default:
        return NULL;
    }
}

/* An AES key with the right for the direction. */
static unsigned
use_aes(struct se05x_call *call, int encrypt, struct se05x_object **ret_key)
{
    unsigned sw = se05x_use_key(call, SE05X_AT_T(1),
                                encrypt ? SE05X_MAY_ENCRYPT : SE05X_MAY_DECRYPT, ret_key);

    if (sw == SE05X_OK && (*ret_key)->kind != SE05X_AES)
        sw = SE05X_E_CONDITIONS;
    return sw;
}

/* A cipher that is ready; without an IV in the command it is zero, and ECB takes none. */
static EVP_CIPHER_CTX *
start_cipher(const struct se05x_call *call, const struct se05x_object *key, unsigned mode,
             int encrypt)
{
    static const uint8_t zero[BLOCK] = {0};
    struct rs_bytes iv = call->arg[SE05X_AT_T(4)];
    const EVP_CIPHER *cipher = find_cipher(mode, key->len);
    EVP_CIPHER_CTX *ctx;

    if (cipher == NULL || mode == SE05X_AES_GCM || mode == SE05X_AES_GCM_CHIP_IV ||
        mode == SE05X_AES_CCM || (iv.p != NULL && (mode == SE05X_AES_ECB || iv.len != BLOCK)))
        return NULL;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && (EVP_CipherInit_ex(ctx, cipher, NULL, se05x_value(call->c, key).p,
                                          iv.p != NULL ? iv.p : zero, encrypt) != 1 ||
                        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* The data of a command with the padding of its mode; its length, 0 when there is none. */
static size_t
pad(unsigned mode, int encrypt, struct rs_bytes data, uint8_t *room)
{
    size_t len = data.len;

    if (len > 0)
        memcpy(room, data.p, len);
    if (encrypt && mode == SE05X_AES_CBC_BIT)
        room[len++] = 0x80;
    while (encrypt && (mode == SE05X_AES_CBC_BIT || mode == SE05X_AES_CBC_ZEROS) &&
           len % BLOCK != 0)
        room[len++] = 0x00;
    return len;
}

/* Padding method 2 comes off again; method 1 cannot. */
static size_t
unpad(unsigned mode, int encrypt, const uint8_t *p, size_t len)
{
    size_t end = len;

    if (encrypt || mode != SE05X_AES_CBC_BIT)
        return len;
    while (end > 0 && p[end - 1] == 0x00)
        end--;
    return end > 0 && p[end - 1] == 0x80 ? end - 1 : len;
}

unsigned
se05x_do_cipher_once(struct se05x_call *call)
{
    int encrypt = call->p2 == P2_ENCRYPT, done = 0, ok;
    uint8_t in[SE05X_VALUE_MAX + BLOCK], out[SE05X_VALUE_MAX + 2 * BLOCK];
    struct rs_bytes data = call->arg[SE05X_AT_T(3)];
    struct se05x_object *key = NULL;
    EVP_CIPHER_CTX *ctx;
    uint32_t mode;
    size_t len;
    unsigned sw = use_aes(call, encrypt, &key);

    if (sw != SE05X_OK)
        return sw;
    if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &mode) || data.p == NULL)
        return SE05X_E_WRONG_DATA;
    ctx = start_cipher(call, key, mode, encrypt);
    len = pad(mode, encrypt, data, in);
    ok = ctx != NULL && (mode == SE05X_AES_CTR || len % BLOCK == 0) &&
         EVP_CipherUpdate(ctx, out, &done, in, (int)len) == 1 && (size_t)done == len;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        se05x_put(call->out, 0x41, out, unpad(mode, encrypt, out, len));
    return ok ? SE05X_OK : SE05X_E_WRONG_DATA;
}

unsigned
se05x_do_cipher_init(struct se05x_call *call)
{
    int encrypt = call->p2 == P2_ENCRYPT_INIT;
    struct se05x_object *key = NULL;
    struct se05x_crypto *k = NULL;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_CIPHER, &k);

    if (sw == SE05X_OK)
        sw = use_aes(call, encrypt, &key);
    if (sw != SE05X_OK)
        return sw;
    se05x_crypto_forget(k);
    k->cipher = start_cipher(call, key, k->subtype, encrypt);
    k->encrypt = encrypt != 0;
    return k->cipher != NULL ? SE05X_OK : SE05X_E_WRONG_DATA;
}

unsigned
se05x_do_cipher_step(struct se05x_call *call)
{
    uint8_t out[SE05X_VALUE_MAX + 2 * BLOCK];
    struct rs_bytes data = call->arg[SE05X_AT_T(3)];
    struct se05x_crypto *k = NULL;
    int done = 0, rest = 0;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_CIPHER, &k);

    if (sw != SE05X_OK)
        return sw;
    if (k->cipher == NULL)
        return SE05X_E_CONDITIONS;
    if (call->p2 == P2_UPDATE && data.p == NULL)
        return se05x_fail_step(k, SE05X_E_WRONG_DATA);
    if (data.len > 0 && EVP_CipherUpdate(k->cipher, out, &done, data.p, (int)data.len) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (call->p2 != P2_UPDATE) {
        if (EVP_CipherFinal_ex(k->cipher, out + done, &rest) != 1)
            return se05x_fail_step(k, SE05X_E_WRONG_DATA);
        se05x_crypto_forget(k);
    }
    se05x_put(call->out, 0x41, out, (size_t)(done + rest));
    return SE05X_OK;
}

/* ---- AEAD --------------------------------------------------------------------------------------------- */

struct aead {
    uint32_t mode;
    int encrypt, own_iv;                /* own_iv: the part made it */
    struct rs_bytes data, aad, iv, tag; /* tag: when decrypting */
    size_t tag_len;
    uint8_t room[GCM_IV_MAX]; /* for an IV of the part's own */
};

/* The tag's length in one byte or two; TAG_FULL without. */
static int
read_tag_len(const struct se05x_call *call, size_t *ret_len)
{
    uint32_t len = TAG_FULL;

    if (se05x_has(call, SE05X_AT_T(6)) && !se05x_arg_number(call, SE05X_AT_T(6), 1, &len) &&
        !se05x_arg_number(call, SE05X_AT_T(6), 2, &len))
        return 0;
    *ret_len = len;
    return 1;
}

static int
gcm_iv_fits(size_t len)
{
    return len >= SE05X_U_GCM_IV_MIN && len <= GCM_IV_MAX;
}

static int
lengths_fit(const struct aead *a, const struct se05x_object *key)
{
    if (a->tag_len < 4 || a->tag_len > TAG_FULL || a->tag_len < key->min_tag)
        return 0;
    if (a->mode == SE05X_AES_CCM)
        return a->iv.len >= 7 && a->iv.len <= 13 && a->tag_len % 2 == 0;
    return gcm_iv_fits(a->iv.len);
}

/*
 * Must the part make the IV?  Mode F3 says so without a word; in mode B0 two bytes are never an
 * IV when encrypting but the length of one, so that nobody encrypts twice under a length.
 */
static int
wants_own_iv(const struct aead *a)
{
    if (!a->encrypt)
        return 0;
    if (a->mode == SE05X_AES_GCM_CHIP_IV)
        return a->iv.p == NULL;
    return SE05X_U_GCM_LENGTH_AS_IV && a->mode == SE05X_AES_GCM && a->iv.len == IV_LENGTH;
}

/* The IV of the command or of the part; SP 800-38D 8.2.2: 12 random bytes or more. */
static unsigned
choose_iv(struct se05x_call *call, const struct se05x_object *key, struct aead *a)
{
    size_t len;

    a->iv = call->arg[SE05X_AT_T(5)];
    a->own_iv = wants_own_iv(a);
    if (!a->own_iv) {
        if (a->iv.p == NULL || a->mode == SE05X_AES_GCM_CHIP_IV)
            return SE05X_E_WRONG_DATA;
        return a->encrypt && (se05x_rights(call, key) & SE05X_NO_EXTERNAL_IV) ? SE05X_E_NOT_ALLOWED
                                                                              : SE05X_OK;
    }
    len = a->iv.p == NULL ? GCM_IV : rs_get_u16(a->iv.p);
    if (!gcm_iv_fits(len))
        return SE05X_E_WRONG_DATA;
    call->c->host->random(call->c->host->self, a->room, len);
    a->iv = rs_bytes_of(a->room, len);
    return SE05X_OK;
}

static unsigned
read_aead(struct se05x_call *call, const struct se05x_object *key, struct aead *a)
{
    unsigned sw;

    a->data = call->arg[SE05X_AT_T(3)];
    a->aad = call->arg[SE05X_AT_T(4)];
    if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &a->mode) ||
        (a->mode != SE05X_AES_GCM && a->mode != SE05X_AES_GCM_CHIP_IV && a->mode != SE05X_AES_CCM))
        return SE05X_E_WRONG_DATA;
    sw = choose_iv(call, key, a);
    if (sw != SE05X_OK)
        return sw;
    if (a->encrypt) {
        if (!read_tag_len(call, &a->tag_len))
            return SE05X_E_WRONG_DATA;
    } else {
        a->tag = call->arg[SE05X_AT_T(6)];
        a->tag_len = a->tag.len;
    }
    return lengths_fit(a, key) ? SE05X_OK : SE05X_E_WRONG_DATA;
}

static int
set_up_aead(EVP_CIPHER_CTX *ctx, const struct aead *a, struct rs_bytes key)
{
    uint8_t tag[TAG_FULL] = {0};

    if (a->tag.len > 0)
        memcpy(tag, a->tag.p, a->tag.len);
    return EVP_CipherInit_ex(ctx, find_cipher(a->mode, key.len), NULL, NULL, NULL, a->encrypt) ==
               1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->iv.len, NULL) == 1 &&
           ((a->encrypt && a->mode != SE05X_AES_CCM) ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)a->tag_len,
                                a->encrypt ? NULL : tag) == 1) &&
           EVP_CipherInit_ex(ctx, NULL, NULL, key.p, a->iv.p, a->encrypt) == 1;
}

/* 1 done, 0 not authentic or no crypto. */
static int
run_aead(const struct aead *a, struct rs_bytes key, uint8_t *out, uint8_t tag[TAG_FULL])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t none = 0;
    int done = 0, rest = 0;
    int ok =
        ctx != NULL && set_up_aead(ctx, a, key) &&
        (a->mode != SE05X_AES_CCM ||
         EVP_CipherUpdate(ctx, NULL, &done, NULL, (int)a->data.len) == 1) &&
        (a->aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &done, a->aad.p, (int)a->aad.len) == 1) &&
        EVP_CipherUpdate(ctx, out, &done, a->data.len > 0 ? a->data.p : &none, (int)a->data.len) ==
            1 &&
        (a->mode == SE05X_AES_CCM || EVP_CipherFinal_ex(ctx, out + a->data.len, &rest) == 1) &&
        (!a->encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)a->tag_len, tag) == 1);

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

unsigned
se05x_do_aead_once(struct se05x_call *call)
{
    uint8_t out[SE05X_VALUE_MAX + BLOCK], tag[TAG_FULL];
    struct aead a = {.encrypt = call->p2 == P2_ENCRYPT};
    struct se05x_object *key = NULL;
    unsigned sw = use_aes(call, a.encrypt, &key);
    int ok;

    if (sw == SE05X_OK)
        sw = read_aead(call, key, &a);
    if (sw != SE05X_OK)
        return sw;
    ok = run_aead(&a, se05x_value(call->c, key), out, tag);
    if (a.encrypt && !ok)
        return SE05X_E_CONDITIONS;
    if (ok && a.data.len > 0)
        se05x_put(call->out, 0x41, out, a.data.len);
    if (a.encrypt)
        se05x_put(call->out, 0x42, tag, a.tag_len);
    else
        se05x_put_u8(call->out, 0x42, ok ? 1 : 2);
    if (a.own_iv)
        se05x_put(call->out, 0x43, a.iv.p, a.iv.len);
    return SE05X_OK;
}

unsigned
se05x_do_aead_init(struct se05x_call *call)
{
    struct aead a = {
        .mode = SE05X_AES_GCM, .encrypt = call->p2 == P2_ENCRYPT_INIT, .tag_len = TAG_FULL};
    struct se05x_object *key = NULL;
    struct se05x_crypto *k = NULL;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_AEAD, &k);

    if (sw == SE05X_OK)
        sw = use_aes(call, a.encrypt, &key);
    if (sw == SE05X_OK)
        sw = choose_iv(call, key, &a);
    if (sw != SE05X_OK)
        return sw;
    if (!lengths_fit(&a, key))
        return SE05X_E_WRONG_DATA;
    se05x_crypto_forget(k);
    k->cipher = EVP_CIPHER_CTX_new();
    k->encrypt = a.encrypt != 0;
    k->min_tag = key->min_tag;
    if (k->cipher == NULL ||
        EVP_CipherInit_ex(k->cipher, find_cipher(SE05X_AES_GCM, key->len), NULL, NULL, NULL,
                          a.encrypt) != 1 ||
        EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_IVLEN, (int)a.iv.len, NULL) != 1 ||
        EVP_CipherInit_ex(k->cipher, NULL, NULL, se05x_value(call->c, key).p, a.iv.p, a.encrypt) !=
            1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (a.own_iv)
        se05x_put(call->out, 0x43, a.iv.p, a.iv.len);
    return SE05X_OK;
}

/* Additional data or payload: one of the two. */
static unsigned
update_aead(struct se05x_call *call, struct se05x_crypto *k)
{
    struct rs_bytes data = call->arg[SE05X_AT_T(3)], aad = call->arg[SE05X_AT_T(4)];
    uint8_t out[SE05X_VALUE_MAX + BLOCK];
    int done = 0;

    if ((data.len == 0) == (aad.len == 0))
        return se05x_fail_step(k, SE05X_E_WRONG_DATA);
    if (aad.len > 0)
        return EVP_CipherUpdate(k->cipher, NULL, &done, aad.p, (int)aad.len) == 1
                   ? (unsigned)SE05X_OK
                   : se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (EVP_CipherUpdate(k->cipher, out, &done, data.p, (int)data.len) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    se05x_put(call->out, 0x41, out, (size_t)done);
    return SE05X_OK;
}

unsigned
se05x_do_aead_step(struct se05x_call *call)
{
    uint8_t tag[TAG_FULL], end[BLOCK];
    struct rs_bytes given = call->arg[SE05X_AT_T(6)];
    struct se05x_crypto *k = NULL;
    size_t len = given.len;
    int rest = 0, ok;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_AEAD, &k);

    if (sw != SE05X_OK)
        return sw;
    if (k->cipher == NULL)
        return SE05X_E_CONDITIONS;
    if (call->p2 == P2_UPDATE)
        return update_aead(call, k);
    if (se05x_has(call, SE05X_AT_T(3)) || (k->encrypt && !read_tag_len(call, &len)) || len < 4 ||
        len > TAG_FULL || len < k->min_tag)
        return se05x_fail_step(k, SE05X_E_WRONG_DATA);
    if (!k->encrypt) {
        memcpy(tag, given.p, len);
        (void)EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, (int)len, tag);
    }
    ok = EVP_CipherFinal_ex(k->cipher, end, &rest) == 1 &&
         (!k->encrypt || EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, (int)len, tag) == 1);
    if (k->encrypt && !ok)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (k->encrypt)
        se05x_put(call->out, 0x42, tag, len);
    else
        se05x_put_u8(call->out, 0x42, ok ? 1 : 2);
    se05x_crypto_forget(k);
    return SE05X_OK;
}
