/*
 * dispatch.c: from a frame to a command and back: who may, which command, how long.
 *
 * A frame passes its CRC, its C-MAC, the life cycle and the authorisation
 * table, in this order, before its payload is looked at.  Times are what hosts
 * wait when they do not poll (reference section 8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_stsafe_command
#define SLACK 1u
#else
#define SLACK 0u
#endif

#define CODE_ECHO       0x00
#define CODE_QUERY      0x14
#define ENCRYPT_COMMAND 0x02u
#define ENCRYPT_ANSWER  0x01u
#define UNKNOWN         STSAFE_U_TIME_MS
#define A100            (1u << STSAFE_A100)
#define A110            (1u << STSAFE_A110)
#define A120            (1u << STSAFE_A120)
#define ALL             (A100 | A110 | A120)

struct command_row {
    uint8_t code, extended;
    uint8_t parts;                       /* which have it */
    uint16_t time_ms[STSAFE_KIND_COUNT]; /* A100, A110, A120 */
    stsafe_handler *run;
};

static const struct command_row command_rows[] = {
    {0x00, 0, ALL, {5, 0, 2}, stsafe_do_echo},
    {0x01, 0, ALL, {30, UNKNOWN, 2}, stsafe_do_reset},
    {0x02, 0, ALL, {15, UNKNOWN, 4}, stsafe_do_random},
    {0x04, 0, ALL, {15, UNKNOWN, 23}, stsafe_do_decrement},
    {0x05, 0, ALL, {110, 0, 23}, stsafe_do_read},
    {0x06, 0, ALL, {100, 15, 22}, stsafe_do_update},
    {0x09, 0, A120, {UNKNOWN, UNKNOWN, 23}, stsafe_do_make_mac},
    {0x0A, 0, A120, {UNKNOWN, UNKNOWN, 23}, stsafe_do_check_mac},
    {0x0C, 0, ALL, {15, UNKNOWN, UNKNOWN}, stsafe_do_delete},
    {0x0D, 0, ALL, {50, UNKNOWN, UNKNOWN}, stsafe_do_hibernate},
    {0x0E, 0, ALL, {40, 125, 3}, stsafe_do_wrap},
    {0x0F, 0, ALL, {45, 150, 3}, stsafe_do_unwrap},
    {0x10, 0, ALL, {15, UNKNOWN, UNKNOWN}, stsafe_do_put},
    {0x11, 0, ALL, {110, 160, 32}, stsafe_do_generate},
    {0x14, 0, ALL, {5, 1, 5}, stsafe_do_query},
    {0x16, 0, ALL, {80, 80, 37}, stsafe_do_sign},
    {0x17, 0, ALL, {150, 150, 62}, stsafe_do_verify},
    {0x18, 0, ALL, {170, 260, 83}, stsafe_do_establish},
    {0x19, 0, ALL, {UNKNOWN, UNKNOWN, UNKNOWN}, stsafe_do_standby},
    {0x1A, 0, ALL, {15, UNKNOWN, UNKNOWN}, stsafe_do_password},
    {0x1B, 0, A120, {UNKNOWN, UNKNOWN, 5}, stsafe_do_encrypt},
    {0x1C, 0, A120, {UNKNOWN, UNKNOWN, 6}, stsafe_do_decrypt},
    {0x1F, 0x00, A120, {0, 0, UNKNOWN}, stsafe_do_hash_start},
    {0x1F, 0x01, A120, {0, 0, UNKNOWN}, stsafe_do_hash_process},
    {0x1F, 0x02, A120, {0, 0, UNKNOWN}, stsafe_do_hash_finish},
    {0x1F, 0x03, A120, {0, 0, UNKNOWN}, stsafe_do_kek_start},
    {0x1F, 0x04, A120, {0, 0, UNKNOWN}, stsafe_do_symmetric_establish},
    {0x1F, 0x05, A120, {0, 0, UNKNOWN}, stsafe_do_symmetric_confirm},
    {0x1F, 0x06, A120, {0, 0, UNKNOWN}, stsafe_do_kek_stop},
    {0x1F, 0x07, A120, {0, 0, UNKNOWN}, stsafe_do_host_plain},
    {0x1F, 0x08, A120, {0, 0, UNKNOWN}, stsafe_do_host_wrapped},
    {0x1F, 0x09, A120, {0, 0, UNKNOWN}, stsafe_do_symmetric_wrapped},
    {0x1F, 0x0A, A120, {0, 0, UNKNOWN}, stsafe_do_public_write},
    {0x1F, 0x0B, A120, {0, 0, UNKNOWN}, stsafe_do_ecdhe},
    {0x1F, 0x0E, A120, {0, 0, UNKNOWN}, stsafe_do_challenge},
    {0x1F, 0x0F, A120, {0, 0, UNKNOWN}, stsafe_do_entity},
    {0x1F, 0x10, A120, {0, 0, UNKNOWN}, stsafe_do_derive},
    {0x1F, 0x11, A120, {0, 0, UNKNOWN}, stsafe_do_encrypt_start},
    {0x1F, 0x12, A120, {0, 0, UNKNOWN}, stsafe_do_encrypt_process},
    {0x1F, 0x13, A120, {0, 0, UNKNOWN}, stsafe_do_encrypt_finish},
    {0x1F, 0x14, A120, {0, 0, UNKNOWN}, stsafe_do_decrypt_start},
    {0x1F, 0x15, A120, {0, 0, UNKNOWN}, stsafe_do_decrypt_process},
    {0x1F, 0x16, A120, {0, 0, UNKNOWN}, stsafe_do_decrypt_finish},
    {0x1F, 0x17, A120, {0, 0, UNKNOWN}, stsafe_do_symmetric_plain},
    {0x1F, 0x18, A120, {0, 0, UNKNOWN}, stsafe_do_host_establish},
    {0x1F, 0x19, A120, {0, 0, UNKNOWN}, stsafe_do_symmetric_erase},
    {0x1F, 0x1A, A120, {0, 0, UNKNOWN}, stsafe_do_decompress},
};

/* NULL: not one of this part's. */
static const struct command_row *
find_row(const struct stsafe_chip *c, unsigned code, unsigned extended)
{
    for (size_t i = 0; i < sizeof(command_rows) / sizeof(command_rows[0]); i++) {
        const struct command_row *row = &command_rows[i];

        if (row->code == code && row->extended == extended && row->parts >> c->spec->kind & 1u)
            return row;
    }
    return NULL;
}

uint32_t
stsafe_time_us(const struct stsafe_chip *c, const uint8_t *p, size_t len)
{
    unsigned code = len > 0 ? p[0] & 0x1Fu : 0;
    unsigned extended = code == STSAFE_EXTENDED && len + SLACK > 1 ? p[1] : 0;
    const struct command_row *row = find_row(c, code, extended);

    return row == NULL ? 0 : row->time_ms[c->spec->kind] * 1000u;
}

/* A command that is not in the table is free and plain. */
static const struct stsafe_record *
find_record(const struct stsafe_chip *c, const struct stsafe_command *cmd)
{
    static const struct stsafe_record free_record = {0, 0, STSAFE_COMMAND_FREE, 0};

    for (unsigned i = 0; i < c->nvm.record_count; i++) {
        const struct stsafe_record *r = &c->nvm.records[i];

        if (r->code == cmd->code && r->extended == cmd->extended)
            return r;
    }
    return &free_record;
}

static int
allowed(const struct stsafe_record *record, const struct stsafe_command *cmd)
{
    return record->access == STSAFE_COMMAND_FREE ||
           (record->access == STSAFE_COMMAND_HOST && cmd->host);
}

static int
alive(const struct stsafe_chip *c, const struct stsafe_command *cmd)
{
    return (c->nvm.life_cycle & ~STSAFE_U_LIFE_CYCLE_LOCK) != STSAFE_TERMINATED ||
           cmd->code == CODE_QUERY || cmd->code == CODE_ECHO;
}

/* The command itself, in clear inside and in the table's form outside. */
static int
run_row(struct stsafe_chip *c, const struct command_row *row, const struct stsafe_record *record,
        const struct stsafe_command *cmd, struct rs_buf *out)
{
    uint8_t plain[STSAFE_FRAME_MAX];
    struct rs_reader in;
    struct rs_bytes payload = rs_bytes_of(cmd->payload, cmd->len);
    int status = STSAFE_OK;

    if (cmd->host && record->encrypted & ENCRYPT_COMMAND) {
        status = stsafe_channel_decrypt(c, cmd, plain, &payload.len);
        payload.p = plain;
    }
    if (status != STSAFE_OK)
        return status;
    rs_reader_init(&in, payload);
    status = row->run(c, cmd, &in, out);
    if (status == STSAFE_OK && !rs_buf_ok(out))
        status = STSAFE_U_LONG_FRAME_STATUS;
    if (status == STSAFE_OK && cmd->host && record->encrypted & ENCRYPT_ANSWER)
        status = stsafe_channel_encrypt(c, cmd, out);
    return status;
}

static int
run_command(struct stsafe_chip *c, struct stsafe_command *cmd, struct rs_buf *out)
{
    const struct command_row *row = find_row(c, cmd->code, cmd->extended);
    const struct stsafe_record *record = find_record(c, cmd);
    int status = stsafe_channel_open(c, cmd);

    if (status != STSAFE_OK)
        return status;
    if (row == NULL)
        return STSAFE_UNSUPPORTED;
    if (!alive(c, cmd))
        return STSAFE_LIFE_CYCLE;
    if (!allowed(record, cmd))
        return STSAFE_U_NOT_ALLOWED_STATUS;
    return run_row(c, row, record, cmd, out);
}

static void
answer(struct stsafe_chip *c, const struct stsafe_command *cmd, int status, struct rs_bytes payload)
{
    unsigned header = (unsigned)status;
    uint8_t mac[STSAFE_MAC_SIZE];
    int with_mac = cmd->host && cmd->header & STSAFE_FLAG_RMAC &&
                   (status == STSAFE_OK || STSAFE_U_RMAC_ON_REFUSAL);

    if (cmd->header & 0xE0u)
        header |= (unsigned)STSAFE_U_ANSWER_FLAGS;
    if (c->quirk == STSAFE_QUIRK_HEADER_FLAGS)
        header |= cmd->header & 0xE0u;
    if (status != STSAFE_OK)
        payload.len = 0;
    if (with_mac)
        stsafe_channel_rmac(c, cmd, header, payload, mac);
    stsafe_frame_answer(c, header, payload, with_mac ? mac : NULL);
}

int
stsafe_run(struct stsafe_chip *c, const uint8_t *p, size_t len)
{
    uint8_t room[STSAFE_FRAME_MAX];
    struct stsafe_command cmd;
    struct rs_buf out;
    int status = stsafe_frame_read(c, p, len, &cmd);

    rs_buf_init_fixed(&out, room, sizeof(room));
    if (status == STSAFE_OK)
        status = run_command(c, &cmd, &out);
    if (status == STSAFE_LOST)
        return STSAFE_LOST;
    answer(c, &cmd, status, rs_buf_bytes(&out));
    return STSAFE_OK;
}
