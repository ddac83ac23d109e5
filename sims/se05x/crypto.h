/*
 * crypto.h: what the simulated part calculates, over OpenSSL and sims/common/curve.h.
 *
 * Keys and points are plain bytes as in the chip: numbers with their most
 * significant byte first, points 04 X Y, Ed25519 and X25519 as uncertain.h says.
 * Random numbers come from the caller, so that a chip in a test repeats itself.
 * Nothing here is constant in time: a simulator holds no secret worth the name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SE05X_CRYPTO_H
#define SIMS_SE05X_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "sims/common/curve.h"
#include "sims/common/sim.h"

#define SE05X_SCALAR_MAX 66
#define SE05X_POINT_MAX  133
#define SE05X_SIG_MAX    144

enum se05x_curve_kind {
    SE05X_WEIERSTRASS = 1,
    SE05X_EDWARDS,
    SE05X_MONTGOMERY,
};

struct se05x_curve {
    uint8_t id;
    enum se05x_curve_kind kind;
    enum sim_curve curve;
    uint8_t size;      /* of a private number */
    uint8_t pair_type; /* from applet 7.2: ReadType of a pair; private and public follow */
    const char *name;
};

const struct se05x_curve *se05x_curve_find(unsigned id); /* NULL: not one of this part's */
const struct se05x_curve *se05x_curve_named(const char *name);
size_t se05x_curve_index(const struct se05x_curve *curve); /* dense, from 0 */
size_t se05x_curve_count(void);
const struct se05x_curve *se05x_curve_at(size_t index);
size_t se05x_point_size(const struct se05x_curve *curve);
/* A parameter by its number (01 A, 02 B, 04 G, 08 N, 10 prime); its length, 0 for none. */
size_t se05x_curve_param(const struct se05x_curve *curve, unsigned param,
                         uint8_t value[SE05X_POINT_MAX]);

/* All of these: 1, or 0 when a number or point is none of the curve's. */
int se05x_key_generate(const struct se05x_curve *curve, const struct sim_host *host, uint8_t *key,
                       uint8_t *point);
int se05x_key_public(const struct se05x_curve *curve, const uint8_t *key, uint8_t *point);
int se05x_point_ok(const struct se05x_curve *curve, struct rs_bytes point);
/* ECDSA over a digest, DER; EdDSA over a message, 64 bytes. */
int se05x_sign(const struct se05x_curve *curve, const struct sim_host *host, const uint8_t *key,
               struct rs_bytes input, struct rs_buf *sig);
int se05x_verify(const struct se05x_curve *curve, struct rs_bytes point, struct rs_bytes input,
                 struct rs_bytes sig);
/* X of the shared point, or the X25519 secret: curve->size bytes. */
int se05x_agree(const struct se05x_curve *curve, const uint8_t *key, struct rs_bytes peer,
                uint8_t *secret);

/* Digest by its number in commands (01, 04 .. 07); NULL: none. */
const EVP_MD *se05x_digest(unsigned mode);
/* Digest of an ECDSA algorithm by its number (11, 25, 21, 22, 26); 0: none. */
size_t se05x_ecdsa_digest_size(unsigned algorithm);
int se05x_hash(const EVP_MD *md, struct rs_bytes a, struct rs_bytes b, uint8_t *out);
/* HMAC, or AES-CMAC where md is NULL; NULL: no crypto. */
EVP_MAC_CTX *se05x_mac_new(const EVP_MD *md, struct rs_bytes key);
int se05x_hmac(const EVP_MD *md, struct rs_bytes key, struct rs_bytes a, struct rs_bytes b,
               uint8_t *out);
/* AES-CMAC over a and b. */
int se05x_cmac(const uint8_t *key, size_t key_len, struct rs_bytes a, struct rs_bytes b,
               uint8_t out[16]);
int se05x_aes_block(const uint8_t *key, size_t key_len, const uint8_t in[16], uint8_t out[16]);
/* CBC in place over whole blocks. */
int se05x_aes_cbc(const uint8_t *key, size_t key_len, const uint8_t iv[16], int encrypt, uint8_t *p,
                  size_t len);
/* RFC 3394; the length of what was wrapped, 0 when it was not by this key. */
size_t se05x_aes_unwrap(struct rs_bytes kek, struct rs_bytes wrapped, uint8_t *out);
/* HMAC-based P_hash of TLS 1.2 (RFC 5246 5). */
int se05x_tls_prf(const EVP_MD *md, struct rs_bytes secret, struct rs_bytes label,
                  struct rs_bytes seed, uint8_t *out, size_t len);
int se05x_hkdf(const EVP_MD *md, int extract, struct rs_bytes key, struct rs_bytes salt,
               struct rs_bytes info, uint8_t *out, size_t len);

#endif /* SIMS_SE05X_CRYPTO_H */
