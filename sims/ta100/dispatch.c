/*
 * dispatch.c: from a packet to a command and back: length, CRC, opcodes, times.
 *
 * NOT TA100 WIRE PROTOCOL: see placeholder.h.  Public are only the answer's
 * two-byte length, its status byte and that a CRC of two bytes ends it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

#define PACKET_MIN 8 /* length, opcode, mode, handle, CRC */
#define ANSWER_MIN 5 /* length, status, CRC */
#define CRC_SIZE   2

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_ta100_command
#define SLACK 1u
#else
#define SLACK 0u
#endif

static const struct {
    uint8_t opcode;
    uint16_t time_ms;
    ta100_handler *run;
} rows[] = {
    {TA100_P_INFO, TA100_P_TIME_SHORT_MS, ta100_do_info},
    {TA100_P_SELF_TEST, TA100_P_TIME_CURVE_MS, ta100_do_self_test},
    {TA100_P_RANDOM, TA100_P_TIME_SHORT_MS, ta100_do_random},
    {TA100_P_POWER, TA100_P_TIME_SHORT_MS, ta100_do_power},
    {TA100_P_LOCK, TA100_P_TIME_WRITE_MS, ta100_do_lock},
    {TA100_P_COUNTER, TA100_P_TIME_WRITE_MS, ta100_do_counter},
    {TA100_P_CREATE, TA100_P_TIME_WRITE_MS, ta100_do_create},
    {TA100_P_DELETE, TA100_P_TIME_WRITE_MS, ta100_do_delete},
    {TA100_P_WRITE, TA100_P_TIME_WRITE_MS, ta100_do_write},
    {TA100_P_READ, TA100_P_TIME_SHORT_MS, ta100_do_read},
    {TA100_P_GENKEY, TA100_P_TIME_CURVE_MS, ta100_do_genkey},
    {TA100_P_SIGN, TA100_P_TIME_CURVE_MS, ta100_do_sign},
    {TA100_P_VERIFY, TA100_P_TIME_CURVE_MS, ta100_do_verify},
    {TA100_P_ECDH, TA100_P_TIME_CURVE_MS, ta100_do_ecdh},
    {TA100_P_KDF, TA100_P_TIME_SHORT_MS, ta100_do_kdf},
    {TA100_P_MAC, TA100_P_TIME_SHORT_MS, ta100_do_mac},
    {TA100_P_GCM, TA100_P_TIME_SHORT_MS, ta100_do_gcm},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Most significant bit first, nothing reflected, nothing inverted. */
uint16_t
ta100_crc(const uint8_t *p, size_t len)
{
    unsigned crc = TA100_P_CRC_START;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u ? crc << 1 ^ TA100_P_CRC_POLY : crc << 1) & 0xFFFFu;
    }
    return (uint16_t)crc;
}

void
ta100_answer(struct ta100_chip *c, unsigned status, struct rs_bytes data)
{
    size_t len = ANSWER_MIN + data.len;

    rs_set_u16(c->answer, (unsigned)len);
    c->answer[2] = (uint8_t)status;
    if (data.len > 0)
        memcpy(c->answer + 3, data.p, data.len);
    rs_set_u16(c->answer + len - CRC_SIZE, ta100_crc(c->answer, len - CRC_SIZE));
    c->answer_len = len;
    c->answer_pos = 0;
    if (c->quirk == TA100_QUIRK_LONG_LENGTH)
        rs_set_u16(c->answer, 0xFFFF);
}

uint32_t
ta100_time_us(const uint8_t *p, size_t len)
{
    for (size_t i = 0; len + SLACK > 2 && i < ROW_COUNT; i++)
        if (rows[i].opcode == p[2])
            return rows[i].time_ms * 1000u;
    return 0;
}

static int
run_command(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
            struct rs_buf *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].opcode == cmd->opcode)
            return rows[i].run(c, cmd, in, out);
    return TA100_P_E_OPCODE;
}

static int
read_packet(const uint8_t *p, size_t len, struct ta100_command *cmd, struct rs_reader *in)
{
    if (len < PACKET_MIN || len > TA100_P_PACKET_MAX || rs_get_u16(p) != len)
        return TA100_P_E_LENGTH;
    if (ta100_crc(p, len - CRC_SIZE) != rs_get_u16(p + len - CRC_SIZE))
        return TA100_P_E_CRC;
    *cmd = (struct ta100_command){.opcode = p[2], .mode = p[3], .handle = rs_get_u16(p + 4)};
    rs_reader_init(in, rs_bytes_of(p + 6, len - PACKET_MIN));
    return TA100_P_OK;
}

int
ta100_run(struct ta100_chip *c, const uint8_t *p, size_t len)
{
    uint8_t room[TA100_P_PACKET_MAX - ANSWER_MIN];
    struct ta100_command cmd;
    struct rs_reader in;
    struct rs_buf out;
    int status = read_packet(p, len, &cmd, &in);

    rs_buf_init_fixed(&out, room, sizeof(room));
    if (status == TA100_P_OK)
        status = run_command(c, &cmd, &in, &out);
    if (status == TA100_LOST)
        return TA100_LOST;
    if (status == TA100_P_OK && !rs_buf_ok(&out))
        status = TA100_P_E_RANGE;
    ta100_answer(c, (unsigned)status,
                 status == TA100_P_OK ? rs_buf_bytes(&out) : rs_bytes_of(NULL, 0));
    return TA100_P_OK;
}
