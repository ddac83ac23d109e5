/*
 * der.c: the little DER that chips need: headers and positive INTEGERs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

#define TAG_INTEGER 0x02

/* Bytes that an off-by-one, planted to prove the fuzz target, looks too far. */
#ifdef RS_PLANTED_BUG_rot_der
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* X.690 10.1: one byte below 128; else 0x81 or 0x82, and not when a shorter form would do. */
static rot_err
take_length(struct rot_bytes *in, size_t *ret_len)
{
    size_t bytes, len = 0;

    if (in->len == 0)
        return ROT_E_FORMAT;
    if (in->p[0] < 0x80) {
        *ret_len = in->p[0];
        bytes = 0;
    } else {
        bytes = in->p[0] & 0x7fu;
        if (bytes == 0 || bytes > 2 || in->len < 1 + bytes)
            return ROT_E_FORMAT;
        for (size_t i = 1; i <= bytes; i++)
            len = len << 8 | in->p[i];
        if (len < (bytes == 1 ? 0x80u : 0x100u))
            return ROT_E_FORMAT;
        *ret_len = len;
    }
    in->p += 1 + bytes;
    in->len -= 1 + bytes;
    return ROT_OK;
}

rot_err
rot_der_take(struct rot_bytes *in, uint8_t tag, struct rot_bytes *ret_content)
{
    struct rot_bytes rest = *in;
    size_t len;

    if (rest.len == 0 || rest.p[0] != tag)
        return ROT_E_FORMAT;
    rest.p++;
    rest.len--;
    if (take_length(&rest, &len) != ROT_OK || len > rest.len + SLACK)
        return ROT_E_FORMAT;

    ret_content->p = rest.p;
    ret_content->len = len;
    in->p = rest.p + len;
    in->len = rest.len - len;
    return ROT_OK;
}

rot_err
rot_der_take_uint(struct rot_bytes *in, uint8_t *out, size_t len)
{
    struct rot_bytes rest = *in, n;

    if (rot_der_take(&rest, TAG_INTEGER, &n) != ROT_OK || n.len == 0)
        return ROT_E_FORMAT;
    /* X.690 8.3.2: the first nine bits are not all alike; and ours are not negative. */
    if ((n.p[0] & 0x80u) != 0 || (n.len > 1 && n.p[0] == 0 && (n.p[1] & 0x80u) == 0))
        return ROT_E_FORMAT;
    if (n.p[0] == 0) {
        n.p++;
        n.len--;
    }
    if (n.len > len)
        return ROT_E_FORMAT;

    memset(out, 0, len - n.len);
    memcpy(out + (len - n.len), n.p, n.len);
    *in = rest;
    return ROT_OK;
}

/* Leave the zeroes in front out; one byte stays. */
static void
trim(const uint8_t **p, size_t *len)
{
    while (*len > 1 && **p == 0) {
        (*p)++;
        (*len)--;
    }
}

size_t
rot_der_uint_size(const uint8_t *magnitude, size_t len)
{
    trim(&magnitude, &len);
    return 2 + len + (size_t)(magnitude[0] >> 7);
}

uint8_t *
rot_der_put_uint(uint8_t *p, const uint8_t *magnitude, size_t len)
{
    size_t sign;

    trim(&magnitude, &len);
    sign = (size_t)(magnitude[0] >> 7);
    *p++ = TAG_INTEGER;
    *p++ = (uint8_t)(len + sign);
    if (sign != 0)
        *p++ = 0;
    memcpy(p, magnitude, len);
    return p + len;
}
