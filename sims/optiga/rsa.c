/*
 * rsa.c: see rsa.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/optiga/rsa.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define E_SIZE 4

size_t
optiga_rsa_size(unsigned alg)
{
    if (alg == OPTIGA_RSA_2048)
        return 256;
    return alg == OPTIGA_RSA_1024 ? 128 : 0;
}

size_t
optiga_rsa_key_size(unsigned alg)
{
    size_t size = optiga_rsa_size(alg);

    return size == 0 ? 0 : 2 * size + E_SIZE;
}

/* d NULL: a public key. */
static EVP_PKEY *
make_key(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (ctx != NULL && b != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        (d == NULL || OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d) == 1))
        params = OSSL_PARAM_BLD_to_param(b);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, d == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params) !=
            1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *
public_pkey(const struct optiga_rsa_public *key)
{
    BIGNUM *n = BN_bin2bn(key->n, (int)key->size, NULL), *e = BN_new();
    EVP_PKEY *pkey = NULL;

    if (e != NULL && BN_set_word(e, key->e) == 1)
        pkey = make_key(n, e, NULL);
    BN_free(n);
    BN_free(e);
    return pkey;
}

static EVP_PKEY *
private_pkey(unsigned alg, const uint8_t *key)
{
    int size = (int)optiga_rsa_size(alg);
    BIGNUM *n = BN_bin2bn(key, size, NULL), *e = BN_bin2bn(key + size, E_SIZE, NULL);
    BIGNUM *d = BN_bin2bn(key + size + E_SIZE, size, NULL);
    EVP_PKEY *pkey = d == NULL ? NULL : make_key(n, e, d);

    BN_free(n);
    BN_free(e);
    BN_clear_free(d);
    return pkey;
}

int
optiga_rsa_draw(unsigned alg, uint8_t *key)
{
    size_t size = optiga_rsa_size(alg);
    EVP_PKEY *pkey = EVP_RSA_gen(size * 8);
    BIGNUM *n = NULL, *d = NULL, *e = NULL;
    int ok = pkey != NULL && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
             EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
             EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &d) == 1 &&
             BN_bn2binpad(n, key, (int)size) == (int)size &&
             BN_bn2binpad(e, key + size, E_SIZE) == E_SIZE &&
             BN_bn2binpad(d, key + size + E_SIZE, (int)size) == (int)size;

    BN_free(n);
    BN_free(e);
    BN_clear_free(d);
    EVP_PKEY_free(pkey);
    return ok;
}

int
optiga_rsa_public(unsigned alg, const uint8_t *key, struct optiga_rsa_public *ret)
{
    ret->size = optiga_rsa_size(alg);
    if (ret->size == 0)
        return 0;
    memcpy(ret->n, key, ret->size);
    ret->e = rs_get_u32(key + ret->size);
    return 1;
}

/* What one exponent does, the other undoes. */
int
optiga_rsa_key_ok(unsigned alg, const uint8_t *key)
{
    struct optiga_rsa_public pub;
    static const uint8_t digest[32] = {0x5A};
    uint8_t sig[OPTIGA_RSA_MAX];

    return optiga_rsa_public(alg, key, &pub) && (key[0] & 0x80) && (pub.e & 1) && pub.e > 1 &&
           optiga_rsa_sign(alg, key, 256, RS_BYTES(digest), sig) &&
           optiga_rsa_verify(&pub, 256, RS_BYTES(digest), rs_bytes_of(sig, pub.size));
}

static const EVP_MD *
md_of(unsigned bits)
{
    if (bits == 512)
        return EVP_sha512();
    return bits == 384 ? EVP_sha384() : EVP_sha256();
}

static int
set_signature(EVP_PKEY_CTX *ctx, unsigned bits)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, md_of(bits)) == 1;
}

int
optiga_rsa_sign(unsigned alg, const uint8_t *key, unsigned bits, struct rs_bytes digest,
                uint8_t *sig)
{
    EVP_PKEY *pkey = private_pkey(alg, key);
    EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    size_t len = optiga_rsa_size(alg);
    int ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && set_signature(ctx, bits) &&
             EVP_PKEY_sign(ctx, sig, &len, digest.p, digest.len) == 1 &&
             len == optiga_rsa_size(alg);

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

int
optiga_rsa_verify(const struct optiga_rsa_public *key, unsigned bits, struct rs_bytes digest,
                  struct rs_bytes sig)
{
    EVP_PKEY *pkey = public_pkey(key);
    EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    int ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && set_signature(ctx, bits) &&
             EVP_PKEY_verify(ctx, sig.p, sig.len, digest.p, digest.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

int
optiga_rsa_encrypt(const struct optiga_rsa_public *key, struct rs_bytes plain, uint8_t *out)
{
    EVP_PKEY *pkey = public_pkey(key);
    EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    size_t len = key->size;
    int ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_encrypt(ctx, out, &len, plain.p, plain.len) == 1 && len == key->size;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}

/* Raw, and the padding by hand: newer libraries answer wrong padding with random bytes. */
int
optiga_rsa_decrypt(unsigned alg, const uint8_t *key, struct rs_bytes in,
                   uint8_t plain[OPTIGA_RSA_MAX], size_t *ret_len)
{
    EVP_PKEY *pkey = private_pkey(alg, key);
    EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    uint8_t block[OPTIGA_RSA_MAX];
    size_t len = sizeof(block), at = 2;
    int ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
             EVP_PKEY_decrypt(ctx, block, &len, in.p, in.len) == 1 && block[0] == 0 &&
             block[1] == 2;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    while (ok && at < len && block[at] != 0)
        at++;
    ok = ok && at < len && at >= 10;
    if (ok) {
        *ret_len = len - at - 1;
        memcpy(plain, block + at + 1, *ret_len);
    }
    rs_wipe(block, sizeof(block));
    return ok;
}
