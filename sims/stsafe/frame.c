/*
 * frame.c: bytes of the bus to a command, a payload to bytes of the bus.
 *
 * A command has no length: it ends where the master stops.  An answer has one,
 * which its CRC leaves out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define CRC_SIZE 2u

/* CRC-16/X-25: reflected polynomial 1021, preset and inverted with ones. */
uint16_t
stsafe_crc(uint16_t before, const uint8_t *p, size_t len)
{
    unsigned crc = before ^ 0xFFFFu;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x8408u : crc >> 1;
    }
    return (uint16_t)(crc ^ 0xFFFFu);
}

static int
check_flags(const struct stsafe_command *cmd)
{
    unsigned flags = cmd->header & (STSAFE_FLAG_CMAC | STSAFE_FLAG_RMAC | STSAFE_FLAG_HOST);

    if (flags == 0 ||
        (flags & (STSAFE_FLAG_CMAC | STSAFE_FLAG_HOST)) == (STSAFE_FLAG_CMAC | STSAFE_FLAG_HOST))
        return STSAFE_OK;
    /* Sessions have keys of their own, which nobody can make here. */
    return flags & STSAFE_FLAG_CMAC ? STSAFE_INVALID_SESSION : STSAFE_U_LONE_FLAG_STATUS;
}

/* Header and CRC are there; rest is what stands between them. */
static int
split(const uint8_t *rest, size_t len, struct stsafe_command *cmd)
{
    if (cmd->code == STSAFE_EXTENDED) {
        if (len < 1)
            return STSAFE_U_LENGTH_STATUS;
        cmd->extended = rest[0];
        rest++;
        len--;
    }
    if (cmd->header & STSAFE_FLAG_CMAC) {
        if (len < STSAFE_MAC_SIZE)
            return STSAFE_U_SHORT_MAC_STATUS;
        len -= STSAFE_MAC_SIZE;
        cmd->mac = rest + len;
    }
    cmd->payload = rest;
    cmd->len = len;
    return STSAFE_OK;
}

int
stsafe_frame_read(const struct stsafe_chip *c, const uint8_t *p, size_t len,
                  struct stsafe_command *cmd)
{
    int status;

    memset(cmd, 0, sizeof(*cmd));
    if (len > c->spec->frame_max + CRC_SIZE)
        return STSAFE_U_LONG_FRAME_STATUS;
    if (len < 1 + CRC_SIZE || stsafe_crc(0, p, len - CRC_SIZE) != rs_get_u16(p + len - CRC_SIZE))
        return STSAFE_COMMUNICATION;
    cmd->header = p[0];
    cmd->code = p[0] & 0x1Fu;
    status = check_flags(cmd);
    return status == STSAFE_OK ? split(p + 1, len - 1 - CRC_SIZE, cmd) : status;
}

void
stsafe_frame_answer(struct stsafe_chip *c, unsigned header, struct rs_bytes payload,
                    const uint8_t *mac)
{
    size_t mac_len = mac == NULL ? 0 : STSAFE_MAC_SIZE, body = payload.len + mac_len;
    uint16_t crc;

    if (1 + body > c->spec->frame_max) {
        header = (header & ~0x1Fu) | (unsigned)STSAFE_U_LONG_FRAME_STATUS;
        payload.len = mac_len = body = 0;
    }
    c->answer[0] = (uint8_t)header;
    rs_set_u16(c->answer + 1, (unsigned)(body + CRC_SIZE));
    if (payload.len > 0)
        memcpy(c->answer + 3, payload.p, payload.len);
    if (mac_len > 0)
        memcpy(c->answer + 3 + payload.len, mac, mac_len);
    crc = stsafe_crc(stsafe_crc(0, c->answer, 1), c->answer + 3, body);
    rs_set_u16(c->answer + 3 + body, crc);
    c->answer_len = 3 + body + CRC_SIZE;
    if (c->quirk == STSAFE_QUIRK_LONG_LENGTH)
        rs_set_u16(c->answer + 1, 0xFFFF);
}
