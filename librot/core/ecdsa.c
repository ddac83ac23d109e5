/*
 * ecdsa.c: ECDSA signatures between r || s and DER.
 *
 * Parts answer with two numbers of fixed size; certificates want RFC 3279
 * 2.2.3.  A signature with r or s outside 1..n-1 is none (FIPS 186-5 6.4.2), and
 * no good part makes one: it is refused here, in both directions, before
 * anybody signs it into a certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

#define TAG_SEQUENCE 0x30

/* The orders of the base points: SP 800-186 3.2.1.3 and 3.2.1.4. */
static const uint8_t order_p256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t order_p384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};

static const uint8_t *
order_of(size_t half)
{
    if (half == sizeof(order_p256))
        return order_p256;
    return half == sizeof(order_p384) ? order_p384 : NULL;
}

/* 0 < n < order.  Signatures are public: no need for constant time. */
static int
is_in_range(const uint8_t *n, const uint8_t *order, size_t len)
{
    size_t i = 0;

    while (i < len && n[i] == 0)
        i++;
    return i < len && memcmp(n, order, len) < 0;
}

rot_err
rot_ecdsa_to_der(const uint8_t *raw, size_t half, uint8_t *der, size_t cap, size_t *ret_len)
{
    const uint8_t *order = order_of(half);
    size_t len;
    uint8_t *p = der;

    if (raw == NULL || der == NULL || ret_len == NULL || order == NULL)
        return ROT_E_ARG;
    if (!is_in_range(raw, order, half) || !is_in_range(raw + half, order, half))
        return ROT_E_FORMAT;
    /* At most 2 x (2 + 49): one length byte is always enough. */
    len = rot_der_uint_size(raw, half) + rot_der_uint_size(raw + half, half);
    if (rot_check_space(2 + len, cap, ret_len) != ROT_OK)
        return ROT_E_SPACE;

    *p++ = TAG_SEQUENCE;
    *p++ = (uint8_t)len;
    p = rot_der_put_uint(p, raw, half);
    p = rot_der_put_uint(p, raw + half, half);
    *ret_len = (size_t)(p - der);
    return ROT_OK;
}

rot_err
rot_ecdsa_from_der(const uint8_t *der, size_t der_len, size_t half, uint8_t *raw)
{
    const uint8_t *order = order_of(half);
    struct rot_bytes in = {der, der_len}, seq;
    uint8_t both[2 * sizeof(order_p384)];

    if (der == NULL || raw == NULL || order == NULL)
        return ROT_E_ARG;
    if (rot_der_take(&in, TAG_SEQUENCE, &seq) != ROT_OK || in.len != 0)
        return ROT_E_FORMAT;
    if (rot_der_take_uint(&seq, both, half) != ROT_OK ||
        rot_der_take_uint(&seq, both + half, half) != ROT_OK || seq.len != 0)
        return ROT_E_FORMAT;
    if (!is_in_range(both, order, half) || !is_in_range(both + half, order, half))
        return ROT_E_FORMAT;
    memcpy(raw, both, 2 * half);
    return ROT_OK;
}
