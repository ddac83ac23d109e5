/*
 * ec.c: elliptic curve keys of the host, from and to raw numbers.
 *
 * OpenSSL's key objects are made for one operation and freed.  That costs a
 * little for each, which is nothing beside a chip's own time, and it leaves no
 * copy of a private key behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <rot/rot_driver.h>

struct curve {
    const char *name; /* group, or key type */
    size_t size;      /* of a private number, and of a coordinate */
    enum rot_alg alg;
    int nid; /* 0: a raw key (RFC 7748, RFC 8032) */
};

static const struct curve *
find_curve(enum rot_alg alg)
{
    static const struct curve curves[] = {
        {"prime256v1", 32, ROT_ALG_P256, NID_X9_62_prime256v1},
        {"secp384r1", 48, ROT_ALG_P384, NID_secp384r1},
        {"ED25519", 32, ROT_ALG_ED25519, 0},
        {"X25519", 32, ROT_ALG_X25519, 0},
    };

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].alg == alg)
            return &curves[i];
    }
    return NULL;
}

/* Encode X || Y as OpenSSL wants it: 04 in front. */
static void
put_point(uint8_t encoded[97], const uint8_t *point, size_t size)
{
    encoded[0] = 0x04;
    memcpy(encoded + 1, point, 2 * size);
}

static EVP_PKEY *
make_ec_key(const struct curve *c, const BIGNUM *priv, const uint8_t *encoded, size_t encoded_len)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    int ok = build != NULL && ctx != NULL &&
             OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) == 1;

    if (ok && priv != NULL)
        ok = OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, priv, c->size) == 1;
    if (ok && encoded != NULL)
        ok = OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, encoded,
                                              encoded_len) == 1;
    if (ok)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, priv != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *
make_private(const struct curve *c, const uint8_t *priv)
{
    BIGNUM *n;
    EVP_PKEY *key = NULL;

    if (c->nid == 0)
        return EVP_PKEY_new_raw_private_key_ex(NULL, c->name, NULL, priv, c->size);
    n = BN_secure_new();
    if (n != NULL && BN_bin2bn(priv, (int)c->size, n) != NULL) {
        BN_set_flags(n, BN_FLG_CONSTTIME);
        key = make_ec_key(c, n, NULL, 0);
    }
    BN_clear_free(n);
    return key;
}

/* NULL when the point is not on the curve. */
static EVP_PKEY *
make_public(const struct curve *c, const uint8_t *pub)
{
    uint8_t encoded[97];

    if (c->nid == 0)
        return EVP_PKEY_new_raw_public_key_ex(NULL, c->name, NULL, pub, c->size);
    put_point(encoded, pub, c->size);
    return make_ec_key(c, NULL, encoded, 1 + 2 * c->size);
}

/* The point of n times the generator, n in 1..order-1. */
static int
compute_point(const struct curve *c, const uint8_t *priv, uint8_t *pub)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    BIGNUM *n = BN_secure_new();
    uint8_t encoded[97];
    int ok = point != NULL && n != NULL && BN_bin2bn(priv, (int)c->size, n) != NULL &&
             !BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0;

    if (ok) {
        BN_set_flags(n, BN_FLG_CONSTTIME);
        ok = EC_POINT_mul(group, point, n, NULL, NULL, NULL) == 1 &&
             EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded,
                                sizeof(encoded), NULL) == 1 + 2 * c->size;
    }
    if (ok)
        memcpy(pub, encoded + 1, 2 * c->size);
    BN_clear_free(n);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return ok;
}

rot_err
port_ec_public(void *self, enum rot_alg alg, const uint8_t *priv, uint8_t *pub)
{
    const struct curve *c = find_curve(alg);
    size_t len;
    EVP_PKEY *key;
    int ok;

    (void)self;
    if (c == NULL)
        return ROT_E_PORT;
    if (c->nid != 0)
        return compute_point(c, priv, pub) ? ROT_OK : ROT_E_FORMAT;
    len = c->size;
    key = make_private(c, priv);
    ok = key != NULL && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1;
    EVP_PKEY_free(key);
    return ok ? ROT_OK : ROT_E_PORT;
}

static int
read_generated(const struct curve *c, const EVP_PKEY *key, uint8_t *priv)
{
    BIGNUM *n = NULL;
    size_t len = c->size;
    int ok;

    if (c->nid == 0)
        return EVP_PKEY_get_raw_private_key(key, priv, &len) == 1;
    ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &n) == 1 &&
         BN_bn2binpad(n, priv, (int)c->size) == (int)c->size;
    BN_clear_free(n);
    return ok;
}

rot_err
port_ec_generate(void *self, enum rot_alg alg, uint8_t *priv, uint8_t *pub)
{
    const struct curve *c = find_curve(alg);
    EVP_PKEY *key;
    int ok;

    if (c == NULL)
        return ROT_E_PORT;
    key = c->nid != 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", c->name)
                      : EVP_PKEY_Q_keygen(NULL, NULL, c->name);
    ok = key != NULL && read_generated(c, key, priv);
    EVP_PKEY_free(key);
    return ok ? port_ec_public(self, alg, priv, pub) : ROT_E_PORT;
}

static rot_err
sign_ecdsa(const struct curve *c, EVP_PKEY *key, const uint8_t *digest, size_t digest_len,
           uint8_t *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t der[160];
    size_t der_len = sizeof(der);
    rot_err rc = ROT_E_PORT;

    if (ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
        EVP_PKEY_sign(ctx, der, &der_len, digest, digest_len) == 1)
        rc = rot_ecdsa_from_der(der, der_len, c->size, sig) == ROT_OK ? ROT_OK : ROT_E_PORT;
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static rot_err
sign_eddsa(EVP_PKEY *key, const uint8_t *msg, size_t msg_len, uint8_t *sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;
    int ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
             EVP_DigestSign(ctx, sig, &len, msg, msg_len) == 1 && len == 64;

    EVP_MD_CTX_free(ctx);
    return ok ? ROT_OK : ROT_E_PORT;
}

rot_err
port_ec_sign(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *in, size_t in_len,
             uint8_t *sig)
{
    const struct curve *c = find_curve(alg);
    EVP_PKEY *key;
    rot_err rc = ROT_E_PORT;

    (void)self;
    if (c == NULL || alg == ROT_ALG_X25519)
        return ROT_E_PORT;
    key = make_private(c, priv);
    if (key != NULL)
        rc = c->nid != 0 ? sign_ecdsa(c, key, in, in_len, sig) : sign_eddsa(key, in, in_len, sig);
    EVP_PKEY_free(key);
    return rc;
}

static rot_err
verify_ecdsa(const struct curve *c, EVP_PKEY *key, const uint8_t *digest, size_t digest_len,
             const uint8_t *sig)
{
    EVP_PKEY_CTX *ctx;
    uint8_t der[160];
    size_t der_len = 0;
    rot_err rc = ROT_E_PORT;

    /* r or s out of range: no signature at all. */
    if (rot_ecdsa_to_der(sig, c->size, der, sizeof(der), &der_len) != ROT_OK)
        return ROT_E_MISMATCH;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1)
        rc = EVP_PKEY_verify(ctx, der, der_len, digest, digest_len) == 1 ? ROT_OK : ROT_E_MISMATCH;
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static rot_err
verify_eddsa(EVP_PKEY *key, const uint8_t *msg, size_t msg_len, const uint8_t *sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    rot_err rc = ROT_E_PORT;

    if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1)
        rc = EVP_DigestVerify(ctx, sig, 64, msg, msg_len) == 1 ? ROT_OK : ROT_E_MISMATCH;
    EVP_MD_CTX_free(ctx);
    return rc;
}

rot_err
port_ec_verify(void *self, enum rot_alg alg, const uint8_t *pub, const uint8_t *in, size_t in_len,
               const uint8_t *sig)
{
    const struct curve *c = find_curve(alg);
    EVP_PKEY *key;
    rot_err rc;

    (void)self;
    if (c == NULL || alg == ROT_ALG_X25519)
        return ROT_E_PORT;
    key = make_public(c, pub);
    if (key == NULL)
        return ROT_E_FORMAT;
    rc = c->nid != 0 ? verify_ecdsa(c, key, in, in_len, sig) : verify_eddsa(key, in, in_len, sig);
    EVP_PKEY_free(key);
    return rc;
}

rot_err
port_ecdh(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer, uint8_t *secret)
{
    const struct curve *c = find_curve(alg);
    EVP_PKEY *mine, *theirs;
    EVP_PKEY_CTX *ctx = NULL;
    rot_err rc = ROT_E_PORT;
    size_t len;

    (void)self;
    if (c == NULL || alg == ROT_ALG_ED25519)
        return ROT_E_PORT;
    len = c->size;
    mine = make_private(c, priv);
    theirs = make_public(c, peer);
    if (theirs == NULL)
        rc = ROT_E_FORMAT;
    else if (mine != NULL)
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
    if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, secret, &len) == 1 &&
        len == c->size)
        rc = ROT_OK;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(mine);
    return rc;
}
