/*
 * curve.c: the curves of the part, as its commands number them, over sims/common/curve.h.
 *
 * Here a point of a Weierstrass curve has 04 in front, an ECDSA signature is
 * DER, and numbers of Ed25519 and X25519 are turned round, but for the private
 * ones of Ed25519 (uncertain.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

static const struct se05x_curve curves[] = {
    {0x03, SE05X_WEIERSTRASS, SIM_CURVE_P256, 32, 0x29, "nist-p256"},
    {0x04, SE05X_WEIERSTRASS, SIM_CURVE_P384, 48, 0x2D, "nist-p384"},
    {0x05, SE05X_WEIERSTRASS, SIM_CURVE_P521, 66, 0x31, "nist-p521"},
    {0x09, SE05X_WEIERSTRASS, SIM_CURVE_BP256, 32, 0x41, "brainpool-256"},
    {0x0B, SE05X_WEIERSTRASS, SIM_CURVE_BP384, 48, 0x49, "brainpool-384"},
    {0x0C, SE05X_WEIERSTRASS, SIM_CURVE_BP512, 64, 0x4D, "brainpool-512"},
    {0x40, SE05X_EDWARDS, SIM_CURVE_ED25519, 32, 0x65, "ed25519"},
    {0x41, SE05X_MONTGOMERY, SIM_CURVE_X25519, 32, 0x69, "x25519"},
};

#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))

const struct se05x_curve *
se05x_curve_find(unsigned id)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

const struct se05x_curve *
se05x_curve_named(const char *name)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (strcmp(curves[i].name, name) == 0)
            return &curves[i];
    return NULL;
}

size_t
se05x_curve_index(const struct se05x_curve *curve)
{
    return (size_t)(curve - curves);
}

size_t
se05x_curve_count(void)
{
    return CURVE_COUNT;
}

const struct se05x_curve *
se05x_curve_at(size_t index)
{
    return index < CURVE_COUNT ? &curves[index] : NULL;
}

size_t
se05x_point_size(const struct se05x_curve *curve)
{
    return curve->kind == SE05X_WEIERSTRASS ? 1 + 2 * (size_t)curve->size : curve->size;
}

static size_t
put_number(const struct se05x_curve *curve, const BIGNUM *n, uint8_t *value)
{
    return BN_bn2binpad(n, value, curve->size) == curve->size ? curve->size : 0;
}

size_t
se05x_curve_param(const struct se05x_curve *curve, unsigned param, uint8_t value[SE05X_POINT_MAX])
{
    const struct sim_curve_info *info = sim_curve_info(curve->curve);
    EC_GROUP *group =
        curve->kind == SE05X_WEIERSTRASS ? EC_GROUP_new_by_curve_name(info->nid) : NULL;
    BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new();
    size_t len = 0;

    if (group != NULL && p != NULL && a != NULL && b != NULL &&
        EC_GROUP_get_curve(group, p, a, b, NULL) == 1) {
        if (param == 0x04)
            len = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                     POINT_CONVERSION_UNCOMPRESSED, value, SE05X_POINT_MAX, NULL);
        else if (param == 0x08)
            len = put_number(curve, EC_GROUP_get0_order(group), value);
        else if (param == 0x01 || param == 0x02 || param == 0x10)
            len = put_number(curve, param == 0x01 ? a : param == 0x02 ? b : p, value);
    }
    BN_free(p);
    BN_free(a);
    BN_free(b);
    EC_GROUP_free(group);
    return len;
}

/* ---- Numbers between the chip and the common code --------------------------------------- */

/* A number of one of the 25519 curves, turned round; others stay. */
static void
turn(const struct se05x_curve *curve, int turned, const uint8_t *in, uint8_t *out)
{
    int round = turned && curve->kind != SE05X_WEIERSTRASS;

    for (size_t i = 0; i < curve->size; i++)
        out[i] = in[round ? curve->size - 1u - i : i];
}

static void
turn_private(const struct se05x_curve *curve, const uint8_t *in, uint8_t *out)
{
    turn(curve,
         curve->kind == SE05X_EDWARDS ? SE05X_U_ED25519_SEED_BIG_ENDIAN
                                      : SE05X_U_EDWARDS_BIG_ENDIAN,
         in, out);
}

/* Points, and what two keys agree on. */
static void
turn_public(const struct se05x_curve *curve, const uint8_t *in, uint8_t *out)
{
    turn(curve, SE05X_U_EDWARDS_BIG_ENDIAN, in, out);
}

/* The point as the common code has it; 0: not of this curve's form. */
static int
read_point(const struct se05x_curve *curve, struct rs_bytes point, uint8_t xy[SIM_POINT_MAX])
{
    if (point.len != se05x_point_size(curve))
        return 0;
    if (curve->kind != SE05X_WEIERSTRASS) {
        turn_public(curve, point.p, xy);
        return 1;
    }
    memcpy(xy, point.p + 1, point.len - 1);
    return point.p[0] == 0x04;
}

int
se05x_key_public(const struct se05x_curve *curve, const uint8_t *key, uint8_t *point)
{
    uint8_t plain[SIM_KEY_MAX], xy[SIM_POINT_MAX];
    int ok;

    turn_private(curve, key, plain);
    ok = sim_curve_public(curve->curve, plain, xy);
    rs_wipe(plain, sizeof(plain));
    if (!ok)
        return 0;
    if (curve->kind != SE05X_WEIERSTRASS) {
        turn_public(curve, xy, point);
        return 1;
    }
    point[0] = 0x04;
    memcpy(point + 1, xy, 2 * (size_t)curve->size);
    return 1;
}

int
se05x_key_generate(const struct se05x_curve *curve, const struct sim_host *host, uint8_t *key,
                   uint8_t *point)
{
    uint8_t plain[SIM_KEY_MAX];
    int ok = sim_curve_draw(curve->curve, host->random, host->self, plain);

    if (ok)
        turn_private(curve, plain, key);
    rs_wipe(plain, sizeof(plain));
    return ok && se05x_key_public(curve, key, point);
}

int
se05x_point_ok(const struct se05x_curve *curve, struct rs_bytes point)
{
    uint8_t xy[SIM_POINT_MAX];

    return read_point(curve, point, xy) && sim_curve_point_ok(curve->curve, xy);
}

int
se05x_agree(const struct se05x_curve *curve, const uint8_t *key, struct rs_bytes peer,
            uint8_t *secret)
{
    uint8_t plain[SIM_KEY_MAX], xy[SIM_POINT_MAX], shared[SIM_KEY_MAX];
    int ok;

    turn_private(curve, key, plain);
    ok = read_point(curve, peer, xy) && sim_curve_agree(curve->curve, plain, xy, shared);
    if (ok)
        turn_public(curve, shared, secret);
    rs_wipe(plain, sizeof(plain));
    rs_wipe(shared, sizeof(shared));
    return ok;
}

/* ---- Signatures ----------------------------------------------------------------------------- */

/* INTEGER: no zero in front that need not be there. */
static void
put_integer(struct rs_buf *out, const uint8_t *p, size_t len)
{
    uint8_t room[SIM_KEY_MAX + 1] = {0};
    size_t skip = 0;

    while (skip + 1 < len && p[skip] == 0)
        skip++;
    memcpy(room + 1, p + skip, len - skip);
    if (room[1] & 0x80)
        se05x_put(out, 0x02, room, len - skip + 1);
    else
        se05x_put(out, 0x02, room + 1, len - skip);
}

static void
put_der(struct rs_buf *sig, const struct se05x_curve *curve, const uint8_t *rs)
{
    uint8_t room[SE05X_SIG_MAX];
    struct rs_buf both;

    rs_buf_init_fixed(&both, room, sizeof(room));
    put_integer(&both, rs, curve->size);
    put_integer(&both, rs + curve->size, curve->size);
    se05x_put(sig, 0x30, both.p, both.len);
}

static int
read_integer(struct rs_reader *r, const struct se05x_curve *curve, uint8_t *out)
{
    struct rs_bytes value;
    unsigned tag;

    if (!se05x_tlv_next(r, &tag, &value) || tag != 0x02)
        return 0;
    while (value.len > curve->size && value.p[0] == 0) {
        value.p++;
        value.len--;
    }
    if (value.len == 0 || value.len > curve->size)
        return 0;
    memset(out, 0, curve->size);
    memcpy(out + curve->size - value.len, value.p, value.len);
    return 1;
}

/* Only the one way to write the two numbers. */
static int
read_der(const struct se05x_curve *curve, struct rs_bytes sig, uint8_t rs[2 * SIM_KEY_MAX])
{
    uint8_t room[SE05X_SIG_MAX];
    struct rs_bytes both;
    struct rs_reader r;
    struct rs_buf again;
    unsigned tag;

    rs_reader_init(&r, sig);
    if (!se05x_tlv_next(&r, &tag, &both) || tag != 0x30)
        return 0;
    rs_reader_init(&r, both);
    if (!read_integer(&r, curve, rs) || !read_integer(&r, curve, rs + curve->size))
        return 0;
    rs_buf_init_fixed(&again, room, sizeof(room));
    put_der(&again, curve, rs);
    return rs_bytes_equal(sig, rs_buf_bytes(&again));
}

/* Both halves of an EdDSA signature. */
static void
turn_halves(const struct se05x_curve *curve, const uint8_t *in, uint8_t *out)
{
    turn(curve, SE05X_U_EDDSA_HALVES_BIG_ENDIAN, in, out);
    turn(curve, SE05X_U_EDDSA_HALVES_BIG_ENDIAN, in + curve->size, out + curve->size);
}

int
se05x_sign(const struct se05x_curve *curve, const struct sim_host *host, const uint8_t *key,
           struct rs_bytes input, struct rs_buf *sig)
{
    uint8_t plain[SIM_KEY_MAX], rs[2 * SIM_KEY_MAX], halves[2 * SIM_KEY_MAX];
    int ok;

    turn_private(curve, key, plain);
    ok = sim_curve_sign(curve->curve, plain, input.p, input.len, host->random, host->self, rs);
    rs_wipe(plain, sizeof(plain));
    if (!ok)
        return 0;
    if (curve->kind == SE05X_WEIERSTRASS) {
        put_der(sig, curve, rs);
    } else {
        turn_halves(curve, rs, halves);
        rs_buf_put(sig, halves, 2 * (size_t)curve->size);
    }
    return rs_buf_ok(sig);
}

int
se05x_verify(const struct se05x_curve *curve, struct rs_bytes point, struct rs_bytes input,
             struct rs_bytes sig)
{
    uint8_t xy[SIM_POINT_MAX], rs[2 * SIM_KEY_MAX];

    if (!read_point(curve, point, xy))
        return 0;
    if (curve->kind == SE05X_WEIERSTRASS) {
        if (!read_der(curve, sig, rs))
            return 0;
    } else {
        if (sig.len != 2 * (size_t)curve->size)
            return 0;
        turn_halves(curve, sig.p, rs);
    }
    return sim_curve_verify(curve->curve, xy, input.p, input.len, rs);
}
