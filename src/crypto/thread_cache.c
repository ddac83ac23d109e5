/*
 * thread_cache.c: see thread_cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/thread_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "crypto/fixed.h"
#include "crypto/hash.h"

#define OWN_MAX   16
#define POINT_MAX 133
#define OWN_MANY  256 /* verifications after which the multiples of a key pay */

struct own_contexts {
    uint64_t id; /* 0: empty */
    EVP_PKEY_CTX *sign;
    EVP_PKEY_CTX *verify;
    size_t verified;
    struct crypto_fixed *fixed; /* NULL: not many yet, or not for this key */
};

/* A key that takes the peers' points, one after the other, and a context that goes with it. */
struct curve {
    EVP_PKEY *key;
    EVP_PKEY_CTX *verify;
};

struct cache {
    struct curve curves[3];           /* P-256, P-384, P-521 */
    EVP_PKEY *other;                  /* a peer's key of another kind */
    EVP_PKEY *peer;                   /* one of those above; NULL: none is set */
    uint8_t peer_hash_key[POINT_MAX]; /* the point that `peer` was set from */
    size_t peer_len;
    enum crypto_alg peer_alg;
    struct own_contexts own[OWN_MAX];
    unsigned next_own;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t cache_key;

static void
free_own(struct own_contexts *o)
{
    EVP_PKEY_CTX_free(o->sign);
    EVP_PKEY_CTX_free(o->verify);
    crypto_fixed_free(o->fixed);
    memset(o, 0, sizeof(*o));
}

static void
free_curve(struct curve *c)
{
    EVP_PKEY_CTX_free(c->verify);
    EVP_PKEY_free(c->key);
    memset(c, 0, sizeof(*c));
}

static void
free_cache(void *arg)
{
    struct cache *c = arg;

    for (int i = 0; i < 3; i++)
        free_curve(&c->curves[i]);
    EVP_PKEY_free(c->other);
    for (int i = 0; i < OWN_MAX; i++)
        free_own(&c->own[i]);
    free(c);
}

/* The main thread's cache is not freed by thread exit. */
static void
free_at_exit(void)
{
    struct cache *c = pthread_getspecific(cache_key);

    if (c != NULL) {
        (void)pthread_setspecific(cache_key, NULL);
        free_cache(c);
    }
}

static void
make_key(void)
{
    if (pthread_key_create(&cache_key, free_cache) != 0)
        abort();
    (void)atexit(free_at_exit);
}

static struct cache *
get_cache(void)
{
    struct cache *c;

    (void)pthread_once(&once, make_key);
    c = pthread_getspecific(cache_key);
    if (c == NULL) {
        c = calloc(1, sizeof(*c));
        if (c == NULL || pthread_setspecific(cache_key, c) != 0)
            abort();
    }
    return c;
}

/* ---- Peers ------------------------------------------------------------------------------ */

static EVP_PKEY *
empty_key(enum crypto_alg alg)
{
    /* Generating once is the documented way to parameters that can be copied. */
    EVP_PKEY *params = EVP_EC_gen(alg == CRYPTO_P256   ? "P-256"
                                  : alg == CRYPTO_P384 ? "P-384"
                                                       : "P-521");
    EVP_PKEY *key = EVP_PKEY_new();

    if (params == NULL || key == NULL || EVP_PKEY_copy_parameters(key, params) != 1)
        abort();
    EVP_PKEY_free(params);
    return key;
}

/* Setting the point checks that it is on the curve; a key whose setting failed is made anew. */
static EVP_PKEY *
set_ec(struct cache *cache, const struct crypto_pub *pub)
{
    struct curve *c = &cache->curves[pub->alg == CRYPTO_P256 ? 0 : pub->alg == CRYPTO_P384 ? 1 : 2];

    if (c->key == NULL)
        c->key = empty_key(pub->alg);
    if (EVP_PKEY_set1_encoded_public_key(c->key, pub->key.p, pub->key.len) != 1)
        free_curve(c);
    return c->key;
}

static EVP_PKEY *
set_rsa(const struct crypto_pub *pub)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n = BN_bin2bn(pub->modulus.p, (int)pub->modulus.len, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (bld != NULL && ctx != NULL && n != NULL &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, 65537) == 1)
        params = OSSL_PARAM_BLD_to_param(bld);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    return key;
}

static EVP_PKEY *
set_peer(struct cache *c, const struct crypto_pub *pub)
{
    EVP_PKEY_free(c->other);
    c->other = NULL;
    switch (pub->alg) {
    case CRYPTO_P256:
    case CRYPTO_P384:
    case CRYPTO_P521:
        return set_ec(c, pub);
    case CRYPTO_ED25519:
        c->other = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub->key.p, pub->key.len);
        return c->other;
    case CRYPTO_RSA2048:
    case CRYPTO_RSA3072:
    case CRYPTO_RSA4096:
        c->other = set_rsa(pub);
        return c->other;
    default:
        return NULL;
    }
}

/* The same key is asked for twice in a row (checked, then verified with): keep the last one. */
EVP_PKEY *
crypto_cache_peer(const struct crypto_pub *pub)
{
    struct cache *c = get_cache();

    if (c->peer != NULL && c->peer_alg == pub->alg && c->peer_len == pub->key.len &&
        memcmp(c->peer_hash_key, pub->key.p, pub->key.len) == 0)
        return c->peer;
    c->peer = set_peer(c, pub);
    c->peer_len = 0;
    if (c->peer != NULL && pub->key.len <= POINT_MAX) {
        memcpy(c->peer_hash_key, pub->key.p, pub->key.len);
        c->peer_len = pub->key.len;
        c->peer_alg = pub->alg;
    }
    return c->peer;
}

/* ---- Signing and verifying over digests ----------------------------------------------------- */

static const EVP_MD *
hash_of(enum crypto_sig sig, struct rs_bytes message, uint8_t digest[64], size_t *len)
{
    switch (sig) {
    case CRYPTO_ECDSA_SHA256:
    case CRYPTO_RSA_SHA256:
        crypto_sha256(message, digest);
        *len = CRYPTO_SHA256_SIZE;
        return EVP_sha256();
    case CRYPTO_ECDSA_SHA384:
    case CRYPTO_RSA_SHA384:
        crypto_sha384(message, digest);
        *len = CRYPTO_SHA384_SIZE;
        return EVP_sha384();
    case CRYPTO_ECDSA_SHA512:
    case CRYPTO_RSA_SHA512:
        crypto_sha512(message, digest);
        *len = CRYPTO_SHA512_SIZE;
        return EVP_sha512();
    case CRYPTO_ED25519_SIG:
    default:
        return NULL;
    }
}

static int
is_rsa(enum crypto_sig sig)
{
    return sig >= CRYPTO_RSA_SHA256;
}

static int
verify_ed25519(EVP_PKEY *key, struct rs_bytes message, struct rs_bytes signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestVerify(ctx, signature.p, signature.len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static EVP_PKEY_CTX *
verify_context(EVP_PKEY *key, enum crypto_sig sig, const EVP_MD *md)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
        (is_rsa(sig) && EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* The context of the curve whose key this is; NULL: it is of no curve, or there is no memory. */
static EVP_PKEY_CTX *
curve_context(EVP_PKEY *key, enum crypto_sig sig)
{
    struct cache *c = get_cache();

    for (int i = 0; i < 3; i++) {
        struct curve *curve = &c->curves[i];
        if (curve->key != key)
            continue;
        if (curve->verify == NULL)
            curve->verify = verify_context(key, sig, NULL);
        return curve->verify;
    }
    return NULL;
}

int
crypto_cache_verify_peer(EVP_PKEY *key, enum crypto_sig sig, struct rs_bytes message,
                         struct rs_bytes signature)
{
    uint8_t digest[64];
    size_t len;
    const EVP_MD *md;
    EVP_PKEY_CTX *ctx;
    int ok;

    if (sig == CRYPTO_ED25519_SIG)
        return verify_ed25519(key, message, signature);
    md = hash_of(sig, message, digest, &len);
    if (!is_rsa(sig)) {
        ctx = curve_context(key, sig);
        return ctx != NULL && EVP_PKEY_verify(ctx, signature.p, signature.len, digest, len) == 1;
    }
    ctx = verify_context(key, sig, md);
    ok = ctx != NULL && EVP_PKEY_verify(ctx, signature.p, signature.len, digest, len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

uint64_t
crypto_cache_new_id(void)
{
    static atomic_uint_fast64_t next = 1;

    return atomic_fetch_add(&next, 1);
}

static struct own_contexts *
own_contexts(uint64_t id)
{
    struct cache *c = get_cache();
    struct own_contexts *o;

    for (int i = 0; i < OWN_MAX; i++) {
        if (c->own[i].id == id)
            return &c->own[i];
    }
    o = &c->own[c->next_own++ % OWN_MAX];
    free_own(o);
    o->id = id;
    return o;
}

static int
sign_ed25519(EVP_PKEY *key, struct rs_bytes message, uint8_t *out, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestSign(ctx, out, len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

int
crypto_cache_sign(uint64_t id, EVP_PKEY *key, enum crypto_sig sig, struct rs_bytes message,
                  uint8_t *out, size_t *len)
{
    struct own_contexts *o;
    uint8_t digest[64];
    size_t digest_len;
    const EVP_MD *md;

    if (sig == CRYPTO_ED25519_SIG)
        return sign_ed25519(key, message, out, len);
    md = hash_of(sig, message, digest, &digest_len);
    o = own_contexts(id);
    if (o->sign == NULL) {
        o->sign = EVP_PKEY_CTX_new(key, NULL);
        if (o->sign == NULL || EVP_PKEY_sign_init(o->sign) != 1 ||
            (is_rsa(sig) && EVP_PKEY_CTX_set_signature_md(o->sign, md) != 1)) {
            free_own(o);
            return 0;
        }
    }
    return EVP_PKEY_sign(o->sign, out, len, digest, digest_len) == 1;
}

static int
verify_own(struct own_contexts *o, EVP_PKEY *key, enum crypto_sig sig, const struct crypto_own *own)
{
    uint8_t digest[64];
    size_t len;
    const EVP_MD *md;

    if (sig == CRYPTO_ED25519_SIG)
        return verify_ed25519(key, own->message, own->signature);
    md = hash_of(sig, own->message, digest, &len);
    if (o->verify == NULL)
        o->verify = verify_context(key, sig, md);
    return o->verify != NULL &&
           EVP_PKEY_verify(o->verify, own->signature.p, own->signature.len, digest, len) == 1;
}

void
crypto_cache_verify_own(uint64_t id, EVP_PKEY *key, enum crypto_sig sig, struct crypto_own *list,
                        size_t count)
{
    struct own_contexts *o = own_contexts(id);
    size_t before = o->verified;

    o->verified += count;
    if (sig == CRYPTO_ECDSA_SHA256 && before < OWN_MANY && o->verified >= OWN_MANY)
        o->fixed = crypto_fixed_new(key);
    if (o->fixed != NULL && sig == CRYPTO_ECDSA_SHA256) {
        crypto_fixed_verify(o->fixed, list, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        list[i].good = verify_own(o, key, sig, &list[i]);
}
