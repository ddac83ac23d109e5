/*
 * crypto.c: see crypto.h.  ECDSA by FIPS 186-4 section 6 over OpenSSL's points.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/atecc/crypto.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

enum { NUMBER_COUNT = 6 };

struct atecc_p256 {
    EC_GROUP *group;
    EC_POINT *point;
    BN_CTX *ctx;
    BIGNUM *n[NUMBER_COUNT]; /* scratch: each function says what it keeps where */
};

struct atecc_p256 *
atecc_p256_new(void)
{
    struct atecc_p256 *p = calloc(1, sizeof(*p));
    int ok;

    if (p == NULL)
        return NULL;
    p->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    p->ctx = BN_CTX_new();
    p->point = p->group == NULL ? NULL : EC_POINT_new(p->group);
    ok = p->point != NULL && p->ctx != NULL;
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        ok = (p->n[i] = BN_new()) != NULL && ok;
    if (ok)
        return p;
    atecc_p256_free(p);
    return NULL;
}

void
atecc_p256_free(struct atecc_p256 *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        BN_clear_free(p->n[i]);
    EC_POINT_free(p->point);
    EC_GROUP_free(p->group);
    BN_CTX_free(p->ctx);
    free(p);
}

static int
read_scalar(struct atecc_p256 *p, const uint8_t bytes[32], BIGNUM *n)
{
    return BN_bin2bn(bytes, 32, n) != NULL && !BN_is_zero(n) &&
           BN_cmp(n, EC_GROUP_get0_order(p->group)) < 0;
}

int
atecc_p256_key_ok(struct atecc_p256 *p, const uint8_t key[32])
{
    return read_scalar(p, key, p->n[0]);
}

/* p->point becomes the given one. */
static int
read_point(struct atecc_p256 *p, const uint8_t xy[64])
{
    return BN_bin2bn(xy, 32, p->n[4]) != NULL && BN_bin2bn(xy + 32, 32, p->n[5]) != NULL &&
           EC_POINT_set_affine_coordinates(p->group, p->point, p->n[4], p->n[5], p->ctx) == 1;
}

int
atecc_p256_point_ok(struct atecc_p256 *p, const uint8_t xy[64])
{
    return read_point(p, xy);
}

/* X of p->point into n[4], Y into n[5]. */
static int
take_point(struct atecc_p256 *p)
{
    return EC_POINT_get_affine_coordinates(p->group, p->point, p->n[4], p->n[5], p->ctx) == 1;
}

int
atecc_p256_public(struct atecc_p256 *p, const uint8_t key[32], uint8_t xy[64])
{
    return read_scalar(p, key, p->n[0]) &&
           EC_POINT_mul(p->group, p->point, p->n[0], NULL, NULL, p->ctx) == 1 && take_point(p) &&
           BN_bn2binpad(p->n[4], xy, 32) == 32 && BN_bn2binpad(p->n[5], xy + 32, 32) == 32;
}

/* r = X(kG) mod order into n[2]; k is n[1]. */
static int
sign_r(struct atecc_p256 *p)
{
    return EC_POINT_mul(p->group, p->point, p->n[1], NULL, NULL, p->ctx) == 1 && take_point(p) &&
           BN_nnmod(p->n[2], p->n[4], EC_GROUP_get0_order(p->group), p->ctx) == 1 &&
           !BN_is_zero(p->n[2]);
}

/* s = (z + r d) / k into n[3]; d is n[0], k is n[1], r is n[2]. */
static int
sign_s(struct atecc_p256 *p, const uint8_t digest[32])
{
    const BIGNUM *order = EC_GROUP_get0_order(p->group);

    return BN_bin2bn(digest, 32, p->n[3]) != NULL &&
           BN_mod_mul(p->n[4], p->n[2], p->n[0], order, p->ctx) == 1 &&
           BN_mod_add(p->n[4], p->n[4], p->n[3], order, p->ctx) == 1 &&
           BN_mod_inverse(p->n[5], p->n[1], order, p->ctx) != NULL &&
           BN_mod_mul(p->n[3], p->n[4], p->n[5], order, p->ctx) == 1 && !BN_is_zero(p->n[3]);
}

int
atecc_p256_sign(struct atecc_p256 *p, const uint8_t key[32], const uint8_t digest[32],
                const uint8_t nonce[32], uint8_t rs[64])
{
    return read_scalar(p, key, p->n[0]) && read_scalar(p, nonce, p->n[1]) && sign_r(p) &&
           sign_s(p, digest) && BN_bn2binpad(p->n[2], rs, 32) == 32 &&
           BN_bn2binpad(p->n[3], rs + 32, 32) == 32;
}

/* u1 = z/s into n[2], u2 = r/s into n[3]; r is n[0], s is n[1]. */
static int
verify_scalars(struct atecc_p256 *p, const uint8_t digest[32])
{
    const BIGNUM *order = EC_GROUP_get0_order(p->group);

    return BN_mod_inverse(p->n[5], p->n[1], order, p->ctx) != NULL &&
           BN_bin2bn(digest, 32, p->n[4]) != NULL &&
           BN_mod_mul(p->n[2], p->n[4], p->n[5], order, p->ctx) == 1 &&
           BN_mod_mul(p->n[3], p->n[0], p->n[5], order, p->ctx) == 1;
}

int
atecc_p256_verify(struct atecc_p256 *p, const uint8_t xy[64], const uint8_t digest[32],
                  const uint8_t rs[64])
{
    if (!read_scalar(p, rs, p->n[0]) || !read_scalar(p, rs + 32, p->n[1]) ||
        !verify_scalars(p, digest) || !read_point(p, xy))
        return 0;
    if (EC_POINT_mul(p->group, p->point, p->n[2], p->point, p->n[3], p->ctx) != 1 ||
        EC_POINT_is_at_infinity(p->group, p->point) || !take_point(p))
        return 0;
    return BN_nnmod(p->n[5], p->n[4], EC_GROUP_get0_order(p->group), p->ctx) == 1 &&
           BN_cmp(p->n[5], p->n[0]) == 0;
}

int
atecc_p256_ecdh(struct atecc_p256 *p, const uint8_t key[32], const uint8_t xy[64],
                uint8_t shared[32])
{
    return read_point(p, xy) && read_scalar(p, key, p->n[0]) &&
           EC_POINT_mul(p->group, p->point, NULL, p->point, p->n[0], p->ctx) == 1 &&
           take_point(p) && BN_bn2binpad(p->n[4], shared, 32) == 32;
}

int
atecc_aes_block(const uint8_t key[16], int encrypt, const uint8_t in[16], uint8_t out[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t block[32];
    int len = 0;
    int ok = ctx != NULL &&
             EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) == 1 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
             EVP_CipherUpdate(ctx, block, &len, in, 16) == 1 && len == 16;

    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        memcpy(out, block, 16);
    return ok;
}

void
atecc_gf_multiply(const uint8_t a[16], const uint8_t b[16], uint8_t out[16])
{
    uint8_t z[16] = {0}, v[16];

    memcpy(v, b, 16);
    for (size_t bit = 0; bit < 128; bit++) {
        unsigned carry = v[15] & 1u;

        if ((a[bit / 8] >> (7 - bit % 8)) & 1)
            for (size_t i = 0; i < 16; i++)
                z[i] ^= v[i];
        for (size_t i = 15; i > 0; i--)
            v[i] = (uint8_t)(v[i] >> 1 | v[i - 1] << 7);
        v[0] >>= 1;
        if (carry)
            v[0] ^= 0xE1;
    }
    memcpy(out, z, 16);
}
