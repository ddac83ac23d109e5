/*
 * dispatch.c: from a packet to a command and back: Count, CRC, opcodes, times.
 *
 * CRC errors come before everything else.  Times are the reference's maxima for
 * the three clock dividers (ChipMode bits 3-7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/uncertain.h"

#define PACKET_MIN 7

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_atecc_command
#define SLACK 1u
#else
#define SLACK 0u
#endif

struct command_row {
    uint8_t opcode;
    uint16_t max_ms[3]; /* M0, M1, M2 */
    atecc_handler *run;
};

static const struct command_row command_rows[] = {
    {0x51, {27, 27, 27}, atecc_do_aes},
    {0x28, {40, 40, 40}, atecc_do_checkmac},
    {0x24, {25, 25, 25}, atecc_do_counter},
    {0x1C, {50, 50, 50}, atecc_do_derivekey},
    {0x43, {75, 172, 531}, atecc_do_ecdh},
    {0x15, {25, 35, 35}, atecc_do_gendig},
    {0x40, {115, 215, 653}, atecc_do_genkey},
    {0x30, {5, 5, 5}, atecc_do_info},
    {0x56, {165, 165, 165}, atecc_do_kdf},
    {0x17, {35, 35, 35}, atecc_do_lock},
    {0x08, {55, 55, 55}, atecc_do_mac},
    {0x16, {20, 20, 20}, atecc_do_nonce},
    {0x46, {50, 50, 50}, atecc_do_privwrite},
    {0x1B, {23, 23, 23}, atecc_do_random},
    {0x02, {5, 5, 5}, atecc_do_read},
    {0x80, {80, 160, 480}, atecc_do_secureboot},
    {0x77, {250, 625, 2324}, atecc_do_self_test},
    {0x47, {36, 42, 75}, atecc_do_sha},
    {0x41, {115, 220, 665}, atecc_do_sign},
    {0x20, {10, 10, 10}, atecc_do_update_extra},
    {0x45, {105, 295, 1085}, atecc_do_verify},
    {0x12, {45, 45, 45}, atecc_do_write},
};

static const struct command_row *
find_row(uint8_t opcode)
{
    for (size_t i = 0; i < sizeof(command_rows) / sizeof(command_rows[0]); i++)
        if (command_rows[i].opcode == opcode)
            return &command_rows[i];
    return NULL;
}

/* Bits go in least significant first, the register shifts left and is not reflected. */
uint16_t
atecc_crc(const uint8_t *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned in = (p[i] >> bit) & 1u, top = (crc >> 15) & 1u;

            crc = (crc << 1) & 0xFFFFu;
            if (in != top)
                crc ^= 0x8005u;
        }
    }
    return (uint16_t)crc;
}

void
atecc_reply_put(struct atecc_reply *reply, const void *p, size_t len)
{
    if (len > sizeof(reply->data) - reply->len)
        len = sizeof(reply->data) - reply->len;
    memcpy(reply->data + reply->len, p, len);
    reply->len += len;
}

void
atecc_answer(struct atecc_chip *c, const uint8_t *payload, size_t len)
{
    uint16_t crc;

    if (len > sizeof(c->answer) - 3)
        len = sizeof(c->answer) - 3;
    c->answer[0] = (uint8_t)(len + 3);
    memcpy(c->answer + 1, payload, len);
    crc = atecc_crc(c->answer, len + 1);
    c->answer[len + 1] = (uint8_t)crc;
    c->answer[len + 2] = (uint8_t)(crc >> 8);
    c->answer_len = len + 3;
    c->answer_pos = 0;
}

void
atecc_answer_status(struct atecc_chip *c, int status)
{
    uint8_t byte = (uint8_t)status;

    atecc_answer(c, &byte, 1);
}

uint32_t
atecc_time_max_us(const struct atecc_chip *c, const uint8_t *packet, size_t len)
{
    unsigned divider = c->config[ATECC_AT_CHIP_MODE] >> 3;
    const struct command_row *row = len + SLACK > 1 ? find_row(packet[1]) : NULL;
    size_t column = 0;

    if (divider == 0x05)
        column = 1;
    else if (divider == 0x0D)
        column = 2;
    return row == NULL ? 0 : row->max_ms[column] * 1000u;
}

/* Count and CRC hold? */
static int
packet_ok(const uint8_t *packet, size_t len)
{
    size_t count = len > 0 ? packet[0] : 0;
    uint16_t crc;

    if (count < PACKET_MIN || count > ATECC_PACKET_MAX || len < count ||
        (len > count && !ATECC_U_LONG_PACKET_IGNORED))
        return 0;
    crc = atecc_crc(packet, count - 2);
    return packet[count - 2] == (crc & 0xFF) && packet[count - 1] == crc >> 8;
}

int
atecc_run(struct atecc_chip *c, const uint8_t *packet, size_t len)
{
    struct atecc_reply reply = {.len = 0};
    struct atecc_command cmd;
    const struct command_row *row;
    int status;

    if (!packet_ok(packet, len)) {
        atecc_answer_status(c, ATECC_U_SHORT_PACKET_STATUS);
        return ATECC_OK;
    }
    cmd.opcode = packet[1];
    cmd.p1 = packet[2];
    cmd.p2 = (uint16_t)(packet[3] | packet[4] << 8);
    cmd.data = packet + 5;
    cmd.len = packet[0] - (size_t)PACKET_MIN;
    row = find_row(cmd.opcode);
    status = row == NULL ? ATECC_PARSE : row->run(c, &cmd, &reply);
    if (status == ATECC_LOST)
        return ATECC_LOST;
    if (status == ATECC_OK && reply.len > 0)
        atecc_answer(c, reply.data, reply.len);
    else
        atecc_answer_status(c, status);
    return ATECC_OK;
}
