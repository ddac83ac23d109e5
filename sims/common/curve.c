/*
 * curve.c: see curve.h.  ECDSA by FIPS 186-5 section 6.4 over OpenSSL's points.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/curve.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

enum { DRAWS_MAX = 16 };

static const struct sim_curve_info rows[SIM_CURVE_COUNT] = {
    [SIM_CURVE_P256] =
        {"P-256", {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}, 8, 32, NID_X9_62_prime256v1, 0},
    [SIM_CURVE_P384] = {"P-384", {0x2B, 0x81, 0x04, 0x00, 0x22}, 5, 48, NID_secp384r1, 0},
    [SIM_CURVE_P521] = {"P-521", {0x2B, 0x81, 0x04, 0x00, 0x23}, 5, 66, NID_secp521r1, 0},
    [SIM_CURVE_BP256] = {"brainpoolP256r1",
                         {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07},
                         9,
                         32,
                         NID_brainpoolP256r1,
                         0},
    [SIM_CURVE_BP384] = {"brainpoolP384r1",
                         {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0B},
                         9,
                         48,
                         NID_brainpoolP384r1,
                         0},
    [SIM_CURVE_BP512] = {"brainpoolP512r1",
                         {0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0D},
                         9,
                         64,
                         NID_brainpoolP512r1,
                         0},
    [SIM_CURVE_ED25519] = {"Ed25519", {0x2B, 0x65, 0x70}, 3, 32, EVP_PKEY_ED25519, 1},
    [SIM_CURVE_X25519] = {"X25519", {0x2B, 0x65, 0x6E}, 3, 32, EVP_PKEY_X25519, 1},
};

const struct sim_curve_info *
sim_curve_info(enum sim_curve curve)
{
    return curve > SIM_CURVE_NONE && curve < SIM_CURVE_COUNT ? &rows[curve] : NULL;
}

enum sim_curve
sim_curve_of_oid(const uint8_t *oid, size_t len)
{
    for (unsigned i = SIM_CURVE_NONE + 1; i < SIM_CURVE_COUNT; i++)
        if (rows[i].oid_len == len && memcmp(rows[i].oid, oid, len) == 0)
            return (enum sim_curve)i;
    return SIM_CURVE_NONE;
}

enum sim_curve
sim_curve_of_name(const char *name)
{
    for (unsigned i = SIM_CURVE_NONE + 1; i < SIM_CURVE_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum sim_curve)i;
    return SIM_CURVE_NONE;
}

size_t
sim_curve_point_size(enum sim_curve curve)
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info == NULL)
        return 0;
    return info->is_25519 ? info->size : 2 * info->size;
}

/* ---- Curves with X and Y ----------------------------------------------------------------- */

/* Scratch of one operation: each function says what it keeps where. */
struct work {
    EC_GROUP *group;
    EC_POINT *point;
    BN_CTX *ctx;
    BIGNUM *n[6];
    int size;
};

static void
work_done(struct work *w)
{
    if (w->ctx != NULL)
        BN_CTX_end(w->ctx);
    BN_CTX_free(w->ctx);
    EC_POINT_free(w->point);
    EC_GROUP_free(w->group);
}

static int
work_init(struct work *w, const struct sim_curve_info *info)
{
    int ok;

    memset(w, 0, sizeof(*w));
    w->size = (int)info->size;
    w->group = EC_GROUP_new_by_curve_name(info->nid);
    w->point = w->group == NULL ? NULL : EC_POINT_new(w->group);
    w->ctx = BN_CTX_secure_new();
    ok = w->point != NULL && w->ctx != NULL;
    if (w->ctx != NULL)
        BN_CTX_start(w->ctx);
    for (size_t i = 0; ok && i < sizeof(w->n) / sizeof(w->n[0]); i++)
        ok = (w->n[i] = BN_CTX_get(w->ctx)) != NULL;
    if (!ok)
        work_done(w);
    return ok;
}

static int
read_scalar(struct work *w, const uint8_t *bytes, BIGNUM *n)
{
    return BN_bin2bn(bytes, w->size, n) != NULL && !BN_is_zero(n) &&
           BN_cmp(n, EC_GROUP_get0_order(w->group)) < 0;
}

/* A coordinate; the library would reduce one that is too large. */
static int
read_coordinate(struct work *w, const uint8_t *bytes, BIGNUM *n)
{
    return BN_bin2bn(bytes, w->size, n) != NULL && BN_cmp(n, EC_GROUP_get0_field(w->group)) < 0;
}

/* w->point becomes the given one; n[4], n[5]. */
static int
read_point(struct work *w, const uint8_t *xy)
{
    return read_coordinate(w, xy, w->n[4]) && read_coordinate(w, xy + w->size, w->n[5]) &&
           EC_POINT_set_affine_coordinates(w->group, w->point, w->n[4], w->n[5], w->ctx) == 1;
}

/* X of w->point into n[4], Y into n[5]. */
static int
take_point(struct work *w)
{
    return !EC_POINT_is_at_infinity(w->group, w->point) &&
           EC_POINT_get_affine_coordinates(w->group, w->point, w->n[4], w->n[5], w->ctx) == 1;
}

static int
put_number(struct work *w, const BIGNUM *n, uint8_t *out)
{
    return BN_bn2binpad(n, out, w->size) == w->size;
}

static int
weier_public(struct work *w, const uint8_t *key, uint8_t *xy)
{
    return read_scalar(w, key, w->n[0]) &&
           EC_POINT_mul(w->group, w->point, w->n[0], NULL, NULL, w->ctx) == 1 && take_point(w) &&
           put_number(w, w->n[4], xy) && put_number(w, w->n[5], xy + w->size);
}

/* The leftmost bits of a digest, as many as the order has. */
static int
read_digest(struct work *w, const uint8_t *digest, size_t len, BIGNUM *z)
{
    int bits = EC_GROUP_order_bits(w->group);

    if (len > SIM_KEY_MAX || BN_bin2bn(digest, (int)len, z) == NULL)
        return 0;
    return (int)len * 8 <= bits || BN_rshift(z, z, (int)len * 8 - bits) == 1;
}

/* r = X(kG) mod order into n[2], s = (z + r d) / k into n[3]; d is n[0], k is n[1], z is n[3]. */
static int
sign_numbers(struct work *w)
{
    const BIGNUM *order = EC_GROUP_get0_order(w->group);

    return EC_POINT_mul(w->group, w->point, w->n[1], NULL, NULL, w->ctx) == 1 && take_point(w) &&
           BN_nnmod(w->n[2], w->n[4], order, w->ctx) == 1 && !BN_is_zero(w->n[2]) &&
           BN_mod_mul(w->n[4], w->n[2], w->n[0], order, w->ctx) == 1 &&
           BN_mod_add(w->n[4], w->n[4], w->n[3], order, w->ctx) == 1 &&
           BN_mod_inverse(w->n[5], w->n[1], order, w->ctx) != NULL &&
           BN_mod_mul(w->n[3], w->n[4], w->n[5], order, w->ctx) == 1 && !BN_is_zero(w->n[3]);
}

/* r is n[0], s is n[1], z is n[4]: z/s into n[2], r/s into n[3]. */
static int
verify_numbers(struct work *w)
{
    const BIGNUM *order = EC_GROUP_get0_order(w->group);

    return BN_mod_inverse(w->n[5], w->n[1], order, w->ctx) != NULL &&
           BN_mod_mul(w->n[2], w->n[4], w->n[5], order, w->ctx) == 1 &&
           BN_mod_mul(w->n[3], w->n[0], w->n[5], order, w->ctx) == 1;
}

static int
weier_verify(struct work *w, const uint8_t *xy, const uint8_t *digest, size_t len,
             const uint8_t *rs)
{
    if (!read_scalar(w, rs, w->n[0]) || !read_scalar(w, rs + w->size, w->n[1]) ||
        !read_digest(w, digest, len, w->n[4]) || !verify_numbers(w) || !read_point(w, xy))
        return 0;
    if (EC_POINT_mul(w->group, w->point, w->n[2], w->point, w->n[3], w->ctx) != 1 || !take_point(w))
        return 0;
    return BN_nnmod(w->n[5], w->n[4], EC_GROUP_get0_order(w->group), w->ctx) == 1 &&
           BN_cmp(w->n[5], w->n[0]) == 0;
}

/* ---- Ed25519, X25519 --------------------------------------------------------------------- */

static int
raw_public(const struct sim_curve_info *info, const uint8_t *key, uint8_t *point)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(info->nid, NULL, key, info->size);
    size_t len = info->size;
    int ok = k != NULL && EVP_PKEY_get_raw_public_key(k, point, &len) == 1;

    EVP_PKEY_free(k);
    return ok;
}

static int
raw_sign(const uint8_t *key, const uint8_t *message, size_t len, uint8_t *rs)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t rs_len = 64;
    int ok = k != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k) == 1 &&
             EVP_DigestSign(ctx, rs, &rs_len, message, len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    return ok;
}

static int
raw_verify(const uint8_t *point, const uint8_t *message, size_t len, const uint8_t *rs)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = k != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k) == 1 &&
             EVP_DigestVerify(ctx, rs, 64, message, len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    return ok;
}

static int
raw_agree(const uint8_t *key, const uint8_t *point, uint8_t *secret)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key, 32);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, 32);
    EVP_PKEY_CTX *ctx = k == NULL ? NULL : EVP_PKEY_CTX_new(k, NULL);
    size_t len = 32;
    int ok = ctx != NULL && peer != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
             EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &len) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(k);
    return ok;
}

/* ---- Either ------------------------------------------------------------------------------ */

int
sim_curve_public(enum sim_curve curve, const uint8_t *key, uint8_t *point)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL)
        return 0;
    if (info->is_25519)
        return raw_public(info, key, point);
    if (!work_init(&w, info))
        return 0;
    ok = weier_public(&w, key, point);
    work_done(&w);
    return ok;
}

/* A number below the order; the highest bits of P-521's 66 bytes are cut off. */
static int
draw_scalar(struct work *w, sim_random *draw, void *self, uint8_t *key)
{
    int spare = 8 * w->size - EC_GROUP_order_bits(w->group);

    for (int i = 0; i < DRAWS_MAX; i++) {
        draw(self, key, (size_t)w->size);
        key[0] &= (uint8_t)(0xFFu >> spare);
        if (read_scalar(w, key, w->n[1]))
            return 1;
    }
    return 0;
}

int
sim_curve_draw(enum sim_curve curve, sim_random *draw, void *self, uint8_t *key)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL)
        return 0;
    if (info->is_25519) {
        draw(self, key, info->size);
        return 1;
    }
    if (!work_init(&w, info))
        return 0;
    ok = draw_scalar(&w, draw, self, key);
    work_done(&w);
    return ok;
}

int
sim_curve_point_ok(enum sim_curve curve, const uint8_t *point)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL)
        return 0;
    if (info->is_25519)
        return 1;
    if (!work_init(&w, info))
        return 0;
    ok = read_point(&w, point);
    work_done(&w);
    return ok;
}

int
sim_curve_decompress(enum sim_curve curve, const uint8_t *x, int odd, uint8_t *ret_y)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL || info->is_25519 || !work_init(&w, info))
        return 0;
    ok = read_coordinate(&w, x, w.n[0]) &&
         EC_POINT_set_compressed_coordinates(w.group, w.point, w.n[0], odd != 0, w.ctx) == 1 &&
         take_point(&w) && put_number(&w, w.n[5], ret_y);
    work_done(&w);
    return ok;
}

static int
weier_sign(struct work *w, const uint8_t *key, const uint8_t *digest, size_t len, sim_random *draw,
           void *self, uint8_t *rs)
{
    uint8_t nonce[SIM_KEY_MAX];

    for (int i = 0; i < DRAWS_MAX; i++) {
        if (!read_scalar(w, key, w->n[0]) || !draw_scalar(w, draw, self, nonce) ||
            !read_digest(w, digest, len, w->n[3]))
            return 0;
        if (sign_numbers(w))
            return put_number(w, w->n[2], rs) && put_number(w, w->n[3], rs + w->size);
    }
    return 0;
}

int
sim_curve_sign(enum sim_curve curve, const uint8_t *key, const uint8_t *digest, size_t len,
               sim_random *draw, void *self, uint8_t *rs)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL || curve == SIM_CURVE_X25519)
        return 0;
    if (info->is_25519)
        return raw_sign(key, digest, len, rs);
    if (!work_init(&w, info))
        return 0;
    ok = weier_sign(&w, key, digest, len, draw, self, rs);
    work_done(&w);
    return ok;
}

int
sim_curve_verify(enum sim_curve curve, const uint8_t *point, const uint8_t *digest, size_t len,
                 const uint8_t *rs)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL || curve == SIM_CURVE_X25519)
        return 0;
    if (info->is_25519)
        return raw_verify(point, digest, len, rs);
    if (!work_init(&w, info))
        return 0;
    ok = weier_verify(&w, point, digest, len, rs);
    work_done(&w);
    return ok;
}

int
sim_curve_agree(enum sim_curve curve, const uint8_t *key, const uint8_t *point, uint8_t *secret)
{
    const struct sim_curve_info *info = sim_curve_info(curve);
    struct work w;
    int ok;

    if (info == NULL || curve == SIM_CURVE_ED25519)
        return 0;
    if (info->is_25519)
        return raw_agree(key, point, secret);
    if (!work_init(&w, info))
        return 0;
    ok = read_point(&w, point) && read_scalar(&w, key, w.n[0]) &&
         EC_POINT_mul(w.group, w.point, NULL, w.point, w.n[0], w.ctx) == 1 && take_point(&w) &&
         put_number(&w, w.n[4], secret);
    work_done(&w);
    return ok;
}
