/*
 * apdu.c: commands and answers of the application, as pure functions.
 *
 *   command  Cmd | Param | length (2) | InData
 *   answer   Sta | - | length (2) | OutData
 *
 * Inside, TLVs with lengths of two bytes (SRM, command definitions).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define STA_OK    0x00u
#define STA_ERROR 0xffu

void
optiga_apdu_begin(struct optiga_apdu *a, uint8_t *p, size_t cap, enum optiga_cmd cmd,
                  unsigned param)
{
    a->p = p;
    a->cap = cap;
    a->len = OPTIGA_APDU_HEAD;
    a->is_bad = 0;
    p[0] = (uint8_t)cmd;
    p[1] = (uint8_t)param;
}

void
optiga_put(struct optiga_apdu *a, const void *p, size_t len)
{
    if (len > a->cap - a->len) {
        a->is_bad = 1;
        return;
    }
    if (len != 0)
        memcpy(a->p + a->len, p, len);
    a->len += len;
}

void
optiga_put_u16(struct optiga_apdu *a, unsigned v)
{
    const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    optiga_put(a, b, 2);
}

void
optiga_put_tlv(struct optiga_apdu *a, unsigned tag, const void *p, size_t len)
{
    const uint8_t t = (uint8_t)tag;

    optiga_put(a, &t, 1);
    optiga_put_u16(a, (unsigned)len);
    optiga_put(a, p, len);
}

void
optiga_put_tlv_u8(struct optiga_apdu *a, unsigned tag, unsigned v)
{
    const uint8_t b = (uint8_t)v;

    optiga_put_tlv(a, tag, &b, 1);
}

void
optiga_put_tlv_u16(struct optiga_apdu *a, unsigned tag, unsigned v)
{
    const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

    optiga_put_tlv(a, tag, b, 2);
}

rot_err
optiga_apdu_end(struct optiga_apdu *a)
{
    size_t n = a->len - OPTIGA_APDU_HEAD;

    a->p[2] = (uint8_t)(n >> 8);
    a->p[3] = (uint8_t)n;
    return a->is_bad ? ROT_E_ARG : ROT_OK;
}

rot_err
optiga_apdu_read(struct rot_bytes answer, struct rot_bytes *ret_out)
{
    size_t n;

    if (answer.len < OPTIGA_APDU_HEAD)
        return ROT_E_FORMAT;
    n = (size_t)answer.p[2] << 8 | answer.p[3];
    if (n != answer.len - OPTIGA_APDU_HEAD)
        return ROT_E_FORMAT;
    if (answer.p[0] == STA_ERROR)
        return n == 0 ? ROT_E_CHIP : ROT_E_FORMAT;
    if (answer.p[0] != STA_OK)
        return ROT_E_FORMAT;
    *ret_out = (struct rot_bytes){answer.p + OPTIGA_APDU_HEAD, n};
    return ROT_OK;
}

rot_err
optiga_take_tlv(struct rot_bytes *in, unsigned tag, struct rot_bytes *ret_value)
{
    size_t n;

    if (in->len < 3 || in->p[0] != tag)
        return ROT_E_FORMAT;
    n = (size_t)in->p[1] << 8 | in->p[2];
    if (n > in->len - 3)
        return ROT_E_FORMAT;
    *ret_value = (struct rot_bytes){in->p + 3, n};
    *in = (struct rot_bytes){in->p + 3 + n, in->len - 3 - n};
    return ROT_OK;
}

rot_err
optiga_take_number(struct rot_bytes *in, uint8_t *out, size_t half)
{
    const uint8_t *p = in->p;
    size_t n;

    if (in->len < 2 || p[0] != 0x02 || p[1] > 0x7f || p[1] > in->len - 2)
        return ROT_E_FORMAT;
    n = p[1];
    p += 2;
    *in = (struct rot_bytes){p + n, in->len - 2 - n};
    for (; n != 0 && *p == 0; n--)
        p++;
    if (n == 0 || n > half)
        return ROT_E_FORMAT;
    memset(out, 0, half - n);
    memcpy(out + half - n, p, n);
    return ROT_OK;
}

rot_err
optiga_map_error(unsigned code)
{
    switch (code) {
    case 0x01: /* no such object */
    case 0x03: /* no such Param: an algorithm of a later version */
    case 0x0a: /* no such command */
        return ROT_E_UNSUPPORTED;
    case OPTIGA_E_ACCESS:
    case 0x0e: /* the counter is at its threshold */
        return ROT_E_STATE;
    case 0x08: /* beyond the object */
    case 0x0d: /* no memory */
        return ROT_E_SPACE;
    case OPTIGA_E_CLOSED: /* somebody reset the part: open it anew and ask again */
        return ROT_E_BUS;
    case 0x0f: /* manifest */
    case 0x10: /* version of a payload */
    case 0x24: /* key usage, identifier */
    case 0x25: /* parameters */
    case 0x29: /* certificate */
    case 0x2a:
        return ROT_E_FORMAT;
    case 0x2c: /* signature */
    case 0x2d: /* MAC */
        return ROT_E_MISMATCH;
    case 0x2f: /* authorisation by HMAC */
        return ROT_E_AUTH;
    default:
        return ROT_E_CHIP;
    }
}
