/*
 * stsafe_frame.c: see stsafe_frame.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe_frame.h"

#define POLYNOMIAL 0x8408u /* 0x1021, reflected */

#define SEND_TRIES 10
#define SEND_US    10000u /* boot and wake take that long (section 1) */
#define POLL_TRIES 500
#define POLL_US    2000u
#define READ_TRIES 3

uint16_t
stsafe_frame_crc(uint16_t before, const uint8_t *p, size_t len)
{
    unsigned crc = before ^ 0xffffu;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1u) != 0 ? POLYNOMIAL : 0u);
    }
    return (uint16_t)(crc ^ 0xffffu);
}

size_t
stsafe_frame_close(uint8_t *p, size_t len)
{
    uint16_t crc = stsafe_frame_crc(0, p, len);

    p[len] = (uint8_t)(crc >> 8);
    p[len + 1] = (uint8_t)crc;
    return len + STSAFE_FRAME_CRC;
}

rot_err
stsafe_frame_check(const uint8_t *p, size_t len)
{
    uint16_t crc;

    if (len < STSAFE_FRAME_MIN || ((size_t)p[1] << 8 | p[2]) != len - STSAFE_FRAME_HEAD)
        return ROT_E_BUS;
    crc = stsafe_frame_crc(0, p, 1);
    crc = stsafe_frame_crc(crc, p + STSAFE_FRAME_HEAD, len - STSAFE_FRAME_MIN);
    return p[len - 2] == (uint8_t)(crc >> 8) && p[len - 1] == (uint8_t)crc ? ROT_OK : ROT_E_BUS;
}

static rot_err
send(const struct rot_transport *t, uint8_t address, const uint8_t *tx, size_t len)
{
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < SEND_TRIES && rc == ROT_BUSY; i++) {
        if (i != 0)
            t->line->delay_us(t->self, SEND_US);
        rc = t->i2c->write(t->self, address, tx, len);
    }
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}

/* ROT_BUSY when the part never became ready. */
static rot_err
read_ready(const struct rot_transport *t, uint8_t address, uint8_t *rx, size_t len)
{
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < POLL_TRIES && rc == ROT_BUSY; i++) {
        t->line->delay_us(t->self, POLL_US);
        rc = t->i2c->read(t->self, address, rx, len);
    }
    return rc;
}

/* Five bytes say how much there is; more than that is read from the start again. */
static rot_err
fetch(const struct rot_transport *t, uint8_t address, uint8_t *rx, size_t cap, size_t *ret_len)
{
    rot_err rc = read_ready(t, address, rx, STSAFE_FRAME_MIN);
    size_t len;

    if (rc != ROT_OK)
        return rc;
    len = STSAFE_FRAME_HEAD + ((size_t)rx[1] << 8 | rx[2]);
    if (len < STSAFE_FRAME_MIN || len > cap)
        return ROT_E_BUS;
    if (len > STSAFE_FRAME_MIN)
        rc = read_ready(t, address, rx, len);
    if (rc != ROT_OK)
        return rc;
    *ret_len = len;
    return stsafe_frame_check(rx, len);
}

rot_err
stsafe_frame_exchange(const struct rot_transport *t, uint8_t address, uint8_t *tx, size_t len,
                      uint8_t *rx, size_t cap, size_t *ret_len)
{
    rot_err rc = send(t, address, tx, stsafe_frame_close(tx, len));

    if (rc != ROT_OK)
        return rc;
    rc = ROT_E_BUS;
    for (int i = 0; i < READ_TRIES && rc == ROT_E_BUS; i++)
        rc = fetch(t, address, rx, cap, ret_len);
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}
