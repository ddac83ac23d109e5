/*
 * fixed.c: see fixed.h.
 *
 * The library makes the multiples for any generator (EC_GROUP_precompute_mult),
 * so the key's point becomes the generator of a second group of the same curve.
 * The call is deprecated, but has no successor; where it does nothing, the
 * products below are right and only slower.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/fixed.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "crypto/hash.h"

#define POINT   65
#define RUN_MAX 32 /* signatures to one division: what is left of it is little */

struct crypto_fixed {
    EC_GROUP *base, *key; /* generator: that of the curve; the public key */
    EC_POINT *by_base, *by_key;
    BN_CTX *ctx;
};

void
crypto_fixed_free(struct crypto_fixed *f)
{
    if (f == NULL)
        return;
    EC_POINT_free(f->by_base);
    EC_POINT_free(f->by_key);
    EC_GROUP_free(f->base);
    EC_GROUP_free(f->key);
    BN_CTX_free(f->ctx);
    free(f);
}

static int
fill(struct crypto_fixed *f, const uint8_t point[POINT])
{
    f->base = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    f->key = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    f->ctx = BN_CTX_new();
    if (f->base == NULL || f->key == NULL || f->ctx == NULL)
        return 0;
    f->by_base = EC_POINT_new(f->base);
    f->by_key = EC_POINT_new(f->base);
    return f->by_base != NULL && f->by_key != NULL &&
           EC_POINT_oct2point(f->base, f->by_key, point, POINT, f->ctx) == 1 &&
           EC_GROUP_set_generator(f->key, f->by_key, EC_GROUP_get0_order(f->base),
                                  BN_value_one()) == 1 &&
           EC_GROUP_precompute_mult(f->key, f->ctx) == 1;
}

struct crypto_fixed *
crypto_fixed_new(const EVP_PKEY *key)
{
    struct crypto_fixed *f;
    char curve[32] = "";
    uint8_t point[POINT];
    size_t len = 0;

    if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
        strcmp(curve, SN_X9_62_prime256v1) != 0 ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) !=
            1 ||
        len != POINT)
        return NULL;
    f = calloc(1, sizeof(*f));
    if (f != NULL && fill(f, point))
        return f;
    crypto_fixed_free(f);
    return NULL;
}

/* DER that says the same in one way only; r and s from 1 to below the order. */
static ECDSA_SIG *
read_signature(const struct crypto_fixed *f, struct rs_bytes signature)
{
    const BIGNUM *order = EC_GROUP_get0_order(f->base), *r, *s;
    const unsigned char *at = signature.p;
    uint8_t again[80], *to = again;
    ECDSA_SIG *sig;

    if (signature.len > 72 || (sig = d2i_ECDSA_SIG(NULL, &at, (long)signature.len)) == NULL)
        return NULL;
    ECDSA_SIG_get0(sig, &r, &s);
    if (at == signature.p + signature.len && !BN_is_negative(r) && !BN_is_negative(s) &&
        !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, order) < 0 && BN_cmp(s, order) < 0 &&
        i2d_ECDSA_SIG(sig, &to) == (int)signature.len &&
        memcmp(again, signature.p, signature.len) == 0)
        return sig;
    ECDSA_SIG_free(sig);
    return NULL;
}

/* ---- 1/s, of all by one division ------------------------------------------------------- */

/* One run of a list: the signatures that were read, and the inverse of each one's s. */
struct run {
    ECDSA_SIG *sig[RUN_MAX]; /* NULL: cannot be a signature */
    BIGNUM *w[RUN_MAX];
    size_t count;
};

/*
 * Montgomery's trick: the inverse of the product of all, from which each one's is the product
 * of the others.  None is zero and the order is a prime, so the product has an inverse.
 */
static int
invert(struct crypto_fixed *f, struct run *run)
{
    const BIGNUM *order = EC_GROUP_get0_order(f->base);
    BIGNUM *all = BN_CTX_get(f->ctx);
    int ok = all != NULL && BN_one(all);

    for (size_t i = 0; ok && i < run->count; i++) {
        if (run->sig[i] != NULL)
            ok = BN_copy(run->w[i], all) != NULL &&
                 BN_mod_mul(all, all, ECDSA_SIG_get0_s(run->sig[i]), order, f->ctx);
    }
    ok = ok && BN_mod_inverse(all, all, order, f->ctx) != NULL;
    for (size_t i = run->count; ok && i-- > 0;) {
        if (run->sig[i] != NULL)
            ok = BN_mod_mul(run->w[i], run->w[i], all, order, f->ctx) &&
                 BN_mod_mul(all, all, ECDSA_SIG_get0_s(run->sig[i]), order, f->ctx);
    }
    return ok;
}

/* ---- The equation ------------------------------------------------------------------------ */

/*
 * The sum's x is r.  It is a fraction, X / Z^2, and stays one: that spares a division.  An x
 * that the order is below (one in 2^127) counts as wrong, too.
 */
static int
is_x(struct crypto_fixed *f, const BIGNUM *r)
{
    BIGNUM *x = BN_CTX_get(f->ctx), *z = BN_CTX_get(f->ctx);
    const BIGNUM *p = EC_GROUP_get0_field(f->base);

    return z != NULL &&
           EC_POINT_get_Jprojective_coordinates_GFp(f->base, f->by_base, x, NULL, z, f->ctx) == 1 &&
           BN_mod_sqr(z, z, p, f->ctx) && BN_mod_mul(z, z, r, p, f->ctx) && BN_cmp(x, z) == 0;
}

/* x of (z w) G + (r w) Q is r; w = 1/s. */
static int
check(struct crypto_fixed *f, const uint8_t digest[32], const BIGNUM *r, const BIGNUM *w)
{
    const BIGNUM *order = EC_GROUP_get0_order(f->base);
    BIGNUM *u1 = BN_CTX_get(f->ctx), *u2 = BN_CTX_get(f->ctx);

    return u2 != NULL && BN_bin2bn(digest, 32, u1) != NULL &&
           BN_mod_mul(u1, u1, w, order, f->ctx) && BN_mod_mul(u2, r, w, order, f->ctx) &&
           EC_POINT_mul(f->base, f->by_base, u1, NULL, NULL, f->ctx) == 1 &&
           EC_POINT_mul(f->key, f->by_key, u2, NULL, NULL, f->ctx) == 1 &&
           EC_POINT_add(f->base, f->by_base, f->by_base, f->by_key, f->ctx) == 1 &&
           !EC_POINT_is_at_infinity(f->base, f->by_base) && is_x(f, r);
}

static void
verify_run(struct crypto_fixed *f, struct crypto_own *list, struct run *run)
{
    int ok = 1;

    BN_CTX_start(f->ctx);
    for (size_t i = 0; i < run->count; i++) {
        run->sig[i] = read_signature(f, list[i].signature);
        run->w[i] = BN_CTX_get(f->ctx);
        ok &= run->w[i] != NULL;
    }
    ok = ok && invert(f, run);
    for (size_t i = 0; i < run->count; i++) {
        uint8_t digest[32];

        crypto_sha256(list[i].message, digest);
        BN_CTX_start(f->ctx);
        list[i].good =
            ok && run->sig[i] != NULL && check(f, digest, ECDSA_SIG_get0_r(run->sig[i]), run->w[i]);
        BN_CTX_end(f->ctx);
        ECDSA_SIG_free(run->sig[i]);
    }
    BN_CTX_end(f->ctx);
}

void
crypto_fixed_verify(struct crypto_fixed *f, struct crypto_own *list, size_t count)
{
    struct run run;

    for (size_t at = 0; at < count; at += run.count) {
        run.count = count - at < RUN_MAX ? count - at : RUN_MAX;
        verify_run(f, list + at, &run);
    }
}
