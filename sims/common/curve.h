/*
 * curve.h: elliptic curves for simulated parts, over OpenSSL.
 *
 * Keys and points are plain bytes, as chips have them: numbers big-endian and
 * as long as the curve's field, a point X, Y without a prefix; keys and points
 * of the two 25519 curves are the 32 bytes of RFC 7748 and RFC 8032.  Random
 * numbers come from the caller, so that a part in a test repeats itself.
 * Outputs are as long as the curve's numbers; the maxima below hold for all.
 * Nothing here is constant in time: a simulator holds no secret worth the name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_CURVE_H
#define SIMS_COMMON_CURVE_H

#include <stddef.h>
#include <stdint.h>

#define SIM_KEY_MAX    66
#define SIM_POINT_MAX  132
#define SIM_DIGEST_MAX 64

enum sim_curve {
    SIM_CURVE_NONE = 0,
    SIM_CURVE_P256,
    SIM_CURVE_P384,
    SIM_CURVE_P521,
    SIM_CURVE_BP256,
    SIM_CURVE_BP384,
    SIM_CURVE_BP512,
    SIM_CURVE_ED25519,
    SIM_CURVE_X25519,
    SIM_CURVE_COUNT,
};

struct sim_curve_info {
    const char *name;
    uint8_t oid[9]; /* content of the OBJECT IDENTIFIER */
    size_t oid_len;
    size_t size; /* of a key, a coordinate, r and s */
    int nid;
    int is_25519; /* one of the two without X and Y */
};

/* NULL for a curve that there is not. */
const struct sim_curve_info *sim_curve_info(enum sim_curve curve);
/* By OID or by name; SIM_CURVE_NONE: no such curve. */
enum sim_curve sim_curve_of_oid(const uint8_t *oid, size_t len);
enum sim_curve sim_curve_of_name(const char *name);
size_t sim_curve_point_size(enum sim_curve curve);

/* len random bytes, as struct sim_host gives them. */
typedef void sim_random(void *self, uint8_t *p, size_t len);

/* A private key; 0 when the random numbers would not do. */
int sim_curve_draw(enum sim_curve curve, sim_random *draw, void *self, uint8_t *key);
/* The public key of a private one; 0 when that is no key. */
int sim_curve_public(enum sim_curve curve, const uint8_t *key, uint8_t *point);
int sim_curve_point_ok(enum sim_curve curve, const uint8_t *point);
/* The other coordinate; odd: the one that ends with 1.  0: no such point. */
int sim_curve_decompress(enum sim_curve curve, const uint8_t *x, int odd, uint8_t *ret_y);

/*
 * r and s one after the other over a digest (Ed25519: R and S over the message).  0 when the
 * key is no key of a curve that signs.
 */
int sim_curve_sign(enum sim_curve curve, const uint8_t *key, const uint8_t *digest, size_t len,
                   sim_random *draw, void *self, uint8_t *rs);
int sim_curve_verify(enum sim_curve curve, const uint8_t *point, const uint8_t *digest, size_t len,
                     const uint8_t *rs);
/* X of the shared point; 0 for a bad key or point, or a curve that only signs. */
int sim_curve_agree(enum sim_curve curve, const uint8_t *key, const uint8_t *point,
                    uint8_t *secret);

#endif /* SIMS_COMMON_CURVE_H */
