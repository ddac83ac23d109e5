/*
 * alg.c: sizes of algorithms, one row each.
 *
 * A zero means that there is no such thing, or that librot does not handle it
 * (an RSA or ML-DSA key may live in a part whose driver knows its sizes).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

struct alg_sizes {
    uint8_t alg;
    uint8_t digest;
    uint8_t point;
    uint8_t spki;
    uint8_t signature;
    uint8_t secret;
};

/*
 * Signatures: DER SEQUENCE of two INTEGERs with a sign byte each.  P-384:
 * 2 + 2 x (2 + 49); P-521: 3 + 2 x (2 + 66), where the order has 521 bits and
 * so needs no sign byte.
 */
static const struct alg_sizes sizes[] = {
    {ROT_ALG_P256, 32, 64, 91, 72, 0},    {ROT_ALG_P384, 48, 96, 120, 104, 0},
    {ROT_ALG_P521, 64, 132, 158, 139, 0}, {ROT_ALG_ED25519, 0, 32, 44, 64, 0},
    {ROT_ALG_X25519, 0, 32, 44, 0, 0},    {ROT_ALG_AES128, 0, 0, 0, 0, 16},
    {ROT_ALG_AES256, 0, 0, 0, 0, 32},     {ROT_ALG_HMAC_SHA256, 0, 0, 0, 0, 32},
};

static const struct alg_sizes *
find(enum rot_alg alg)
{
    static const struct alg_sizes none = {0, 0, 0, 0, 0, 0};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i].alg == (uint8_t)alg)
            return &sizes[i];
    }
    return &none;
}

size_t
rot_alg_digest_size(enum rot_alg alg)
{
    return find(alg)->digest;
}

size_t
rot_alg_point_size(enum rot_alg alg)
{
    return find(alg)->point;
}

size_t
rot_alg_spki_size(enum rot_alg alg)
{
    return find(alg)->spki;
}

size_t
rot_alg_signature_size(enum rot_alg alg)
{
    return find(alg)->signature;
}

size_t
rot_alg_secret_size(enum rot_alg alg)
{
    return find(alg)->secret;
}

int
rot_alg_is_ecdsa(enum rot_alg alg)
{
    return alg == ROT_ALG_P256 || alg == ROT_ALG_P384 || alg == ROT_ALG_P521;
}

int
rot_alg_is_secret(enum rot_alg alg)
{
    return find(alg)->secret != 0;
}

int
rot_alg_is_aes(enum rot_alg alg)
{
    return alg == ROT_ALG_AES128 || alg == ROT_ALG_AES256;
}

enum rot_hash
rot_alg_hash(enum rot_alg alg)
{
    if (alg == ROT_ALG_P384)
        return ROT_HASH_SHA384;
    if (alg == ROT_ALG_P521)
        return ROT_HASH_SHA512;
    return ROT_HASH_SHA256;
}
