/*
 * frame.c: packets of the ATECC608 as pure functions.
 *
 * Count | opcode | param1 | param2 (little-endian) | data | CRC (low byte first);
 * an answer is Count | bytes | CRC, and one byte alone is a status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define POLYNOMIAL 0x8005u

/* Bits go in LSB first, the register shifts left; start is 0, or where a piece before ended. */
uint16_t
atecc_crc(const uint8_t *p, size_t len, uint16_t start)
{
    unsigned crc = start;

    for (size_t i = 0; i < len * 8; i++) {
        unsigned bit = ((unsigned)p[i / 8] >> (i % 8)) & 1u;
        unsigned top = (crc >> 15) & 1u;

        crc = (crc << 1) & 0xffffu;
        if (bit != top)
            crc ^= POLYNOMIAL;
    }
    return (uint16_t)crc;
}

size_t
atecc_build_command(const struct atecc_command *c, uint8_t out[ATECC_PACKET_MAX])
{
    size_t count = 7 + c->data_len;
    uint16_t crc;

    if (count > ATECC_PACKET_MAX)
        return 0;
    out[0] = (uint8_t)count;
    out[1] = c->op;
    out[2] = c->p1;
    out[3] = (uint8_t)c->p2;
    out[4] = (uint8_t)(c->p2 >> 8);
    if (c->data_len != 0)
        memcpy(out + 5, c->data, c->data_len);
    crc = atecc_crc(out, count - 2, 0);
    out[count - 2] = (uint8_t)crc;
    out[count - 1] = (uint8_t)(crc >> 8);
    return count;
}

rot_err
atecc_check_response(const uint8_t *p, size_t len)
{
    uint16_t crc;

    if (len < 4 || p[0] != len)
        return ROT_E_BUS;
    crc = atecc_crc(p, len - 2, 0);
    if (p[len - 2] != (uint8_t)crc || p[len - 1] != (uint8_t)(crc >> 8))
        return ROT_E_BUS;
    return ROT_OK;
}

rot_err
atecc_map_status(uint8_t status)
{
    switch (status) {
    case 0x00:
        return ROT_OK;
    case 0x01:
        return ROT_E_MISMATCH;
    case 0xee: /* the watchdog is about to bark: nothing ran */
    case 0xff: /* the part saw a bad CRC: nothing ran */
        return ROT_E_BUS;
    default:
        return ROT_E_CHIP;
    }
}
