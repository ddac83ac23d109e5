/*
 * frame.c: packets, as pure functions over bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

uint16_t
ta100_crc(const uint8_t *p, size_t len)
{
    unsigned crc = TA100_CRC_START;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u) != 0 ? crc << 1 ^ TA100_CRC_POLY : crc << 1;
    }
    return (uint16_t)crc;
}

void
ta100_command_end(uint8_t *packet, size_t len)
{
    uint16_t crc;

    packet[0] = (uint8_t)(len >> 8);
    packet[1] = (uint8_t)len;
    crc = ta100_crc(packet, len - 2);
    packet[len - 2] = (uint8_t)(crc >> 8);
    packet[len - 1] = (uint8_t)crc;
}

rot_err
ta100_answer_read(const uint8_t *packet, size_t len, uint8_t *ret_status,
                  struct rot_bytes *ret_data)
{
    if (len < TA100_ANSWER_MIN || ((size_t)packet[0] << 8 | packet[1]) != len)
        return ROT_E_BUS;
    if (ta100_crc(packet, len - 2) != ((unsigned)packet[len - 2] << 8 | packet[len - 1]))
        return ROT_E_BUS;
    if (packet[2] != TA100_DONE && len != TA100_ANSWER_MIN)
        return ROT_E_FORMAT;
    *ret_status = packet[2];
    *ret_data = (struct rot_bytes){packet + 3, len - TA100_ANSWER_MIN};
    return ROT_OK;
}

rot_err
ta100_map_status(unsigned status)
{
    switch (status) {
    case TA100_DONE:
        return ROT_OK;
    case TA100_E_CRC: /* after as many repeats as we make */
        return ROT_E_BUS;
    case TA100_E_OPCODE:
    case TA100_E_MODE:
        return ROT_E_UNSUPPORTED;
    case TA100_E_ELEMENT:
    case TA100_E_EMPTY:
        return ROT_E_EMPTY;
    case TA100_E_EXISTS:
    case TA100_E_DENIED:
    case TA100_E_LOCKED:
    case TA100_E_COUNTER:
        return ROT_E_STATE;
    case TA100_E_FULL:
        return ROT_E_SPACE;
    case TA100_E_KEY:
        return ROT_E_FORMAT;
    case TA100_E_TAG:
        return ROT_E_MISMATCH;
    default: /* lengths and numbers of ours that the part does not like; broken inside */
        return ROT_E_CHIP;
    }
}
