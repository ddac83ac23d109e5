/*
 * apdu.c: from bytes to a command and back, under the fault rules (section 5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/common/assumed.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define HEADER       4
#define STATUS_OK    0x00
#define STATUS_ERROR 0xFF
#define CLEARS_ERROR 0x80
#define CMD_OPEN     0x70

/* Only to find rows; the times are in command_us(). */
enum {
    CMD_GET_DATA = 0x01,
    CMD_SET_DATA = 0x02,
    CMD_SET_PROTECTED = 0x03,
    CMD_RANDOM = 0x0C,
    CMD_ENCRYPT_SYM = 0x14,
    CMD_DECRYPT_SYM = 0x15,
    CMD_ENCRYPT_ASYM = 0x1E,
    CMD_DECRYPT_ASYM = 0x1F,
    CMD_HASH = 0x30,
    CMD_SIGN = 0x31,
    CMD_VERIFY = 0x32,
    CMD_SHARED_SECRET = 0x33,
    CMD_DERIVE_KEY = 0x34,
    CMD_KEY_PAIR = 0x38,
    CMD_SYM_KEY = 0x39,
    CMD_CLOSE = 0x71,
};

struct command_row {
    uint8_t cmd;
    unsigned v3_only;
    optiga_handler *run;
};

static const struct command_row command_rows[] = {
    {CMD_GET_DATA, 0, optiga_do_get_data},
    {CMD_SET_DATA, 0, optiga_do_set_data},
    {CMD_SET_PROTECTED, 0, optiga_do_set_protected},
    {CMD_RANDOM, 0, optiga_do_random},
    {CMD_ENCRYPT_SYM, 1, optiga_do_encrypt_sym},
    {CMD_DECRYPT_SYM, 1, optiga_do_decrypt_sym},
    {CMD_ENCRYPT_ASYM, 0, optiga_do_encrypt_asym},
    {CMD_DECRYPT_ASYM, 0, optiga_do_decrypt_asym},
    {CMD_HASH, 0, optiga_do_hash},
    {CMD_SIGN, 0, optiga_do_sign},
    {CMD_VERIFY, 0, optiga_do_verify},
    {CMD_SHARED_SECRET, 0, optiga_do_shared_secret},
    {CMD_DERIVE_KEY, 0, optiga_do_derive_key},
    {CMD_KEY_PAIR, 0, optiga_do_key_pair},
    {CMD_SYM_KEY, 1, optiga_do_sym_key},
    {CMD_OPEN, 0, optiga_do_open},
    {CMD_CLOSE, 0, optiga_do_close},
};

static const struct command_row *
find_row(const struct optiga_chip *c, unsigned cmd)
{
    for (size_t i = 0; i < sizeof(command_rows) / sizeof(command_rows[0]); i++)
        if (command_rows[i].cmd == cmd && (c->v3 || !command_rows[i].v3_only))
            return &command_rows[i];
    return NULL;
}

/* ---- Answers and TLVs ------------------------------------------------------------------- */

void
optiga_put(struct optiga_answer *a, const void *p, size_t len)
{
    if (len > sizeof(a->data) - a->len) {
        a->overflow = 1;
        return;
    }
    memcpy(a->data + a->len, p, len);
    a->len += len;
}

void
optiga_put_tlv(struct optiga_answer *a, uint8_t tag, const void *p, size_t len)
{
    uint8_t head[3] = {tag};

    rs_set_u16(head + 1, (unsigned)len);
    optiga_put(a, head, sizeof(head));
    optiga_put(a, p, len);
}

const struct optiga_tlv *
optiga_tlv(const struct optiga_tlvs *t, uint8_t tag)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].tag == tag)
            return &t->list[i];
    return NULL;
}

int
optiga_tlv_u16(const struct optiga_tlvs *t, uint8_t tag)
{
    const struct optiga_tlv *v = optiga_tlv(t, tag);

    if (v == NULL)
        return -1;
    return v->len == 2 ? rs_get_u16(v->p) : -2;
}

int
optiga_tlv_u8(const struct optiga_tlvs *t, uint8_t tag)
{
    const struct optiga_tlv *v = optiga_tlv(t, tag);

    if (v == NULL)
        return -1;
    return v->len == 1 ? v->p[0] : -2;
}

int
optiga_tlvs_read(const uint8_t *p, size_t len, struct rs_bytes allowed, struct optiga_tlvs *ret)
{
    struct rs_reader r;

    rs_reader_init(&r, rs_bytes_of(p, len));
    ret->count = 0;
    while (r.left > 0) {
        uint8_t tag = (uint8_t)rs_read_u8(&r);
        struct rs_bytes value = rs_read_u16_bytes(&r, OPTIGA_DATA_MAX);

        if (!rs_reader_ok(&r))
            return OPTIGA_E_LENGTH;
        if (memchr(allowed.p, tag, allowed.len) == NULL || optiga_tlv(ret, tag) != NULL ||
            ret->count == OPTIGA_TLV_MAX)
            return OPTIGA_E_PARAMETER;
        ret->list[ret->count++] = (struct optiga_tlv){tag, value.p, value.len};
    }
    return OPTIGA_OK;
}

/* ---- Times ------------------------------------------------------------------------------ */

/* A number in the data of CalcSign or DecryptAsym. */
static int
u16_in_data(const uint8_t *apdu, size_t len, uint8_t tag)
{
    struct optiga_tlvs t;

    if (optiga_tlvs_read(apdu + HEADER, len - HEADER, OPTIGA_TAGS(0x01, 0x02, 0x03, 0x61), &t) !=
        OPTIGA_OK)
        return -1;
    return optiga_tlv_u16(&t, tag);
}

/* Signing and decrypting: by the kind of key that is named. */
static uint32_t
private_us(struct optiga_chip *c, const uint8_t *apdu, size_t len)
{
    int oid = u16_in_data(apdu, len, 0x03);
    const struct optiga_object *o = oid < 0 ? NULL : optiga_object(c, (unsigned)oid);

    return o != NULL && o->place->kind == OPTIGA_KIND_RSA ? 310000 : 65000;
}

static uint32_t
key_pair_us(uint8_t alg)
{
    if (alg == OPTIGA_RSA_2048)
        return 2900000;
    return alg == OPTIGA_RSA_1024 ? OPTIGA_U_TIME_RSA_1024_US : 55000;
}

/* Reading 256 bytes takes 30 ms, writing them 55 ms. */
static uint32_t
read_us(const uint8_t *apdu, size_t len)
{
    unsigned wanted = len >= HEADER + 6 ? rs_get_u16(apdu + HEADER + 4) : 0;

    return 5000 + (wanted > 256 ? 256 : wanted) * 100u;
}

/* Typical, by the reference where it gives a time. */
static uint32_t
command_us(struct optiga_chip *c, const uint8_t *apdu, size_t len)
{
    switch (apdu[0] & ~CLEARS_ERROR) {
    case CMD_OPEN:
        return OPTIGA_U_TIME_OPEN_US;
    case CMD_CLOSE:
        return OPTIGA_U_TIME_CLOSE_US;
    case CMD_GET_DATA:
        return read_us(apdu, len);
    case CMD_SET_DATA:
        return 10000 + (uint32_t)len * 175;
    case CMD_SET_PROTECTED:
        return len > HEADER && apdu[HEADER] == 0x30 ? OPTIGA_U_TIME_MANIFEST_US
                                                    : OPTIGA_U_TIME_FRAGMENT_US;
    case CMD_RANDOM:
        return OPTIGA_U_TIME_RANDOM_US;
    case CMD_ENCRYPT_SYM:
    case CMD_DECRYPT_SYM:
        return 28000; /* of 128 bytes */
    case CMD_ENCRYPT_ASYM:
        return OPTIGA_U_TIME_RSA_PUBLIC_US;
    case CMD_DECRYPT_ASYM:
    case CMD_SIGN:
        return private_us(c, apdu, len);
    case CMD_HASH:
        return (uint32_t)len * 67; /* 15 kB/s */
    case CMD_VERIFY:
        return apdu[1] == 0x11 ? 85000 : OPTIGA_U_TIME_RSA_PUBLIC_US;
    case CMD_SHARED_SECRET:
        return 60000;
    case CMD_DERIVE_KEY:
        return apdu[1] >= 0x08 ? 130000 : 50000;
    case CMD_KEY_PAIR:
        return key_pair_us(apdu[1]);
    case CMD_SYM_KEY:
        return OPTIGA_U_TIME_SYM_KEY_US;
    default:
        return OPTIGA_U_TIME_OTHER_US;
    }
}

/* ---- Running one ------------------------------------------------------------------------- */

/* The highest code since it was cleared stays. */
static void
note_error(struct optiga_chip *c, int code)
{
    if (code > c->last_error) {
        c->last_error = (uint8_t)code;
        sim_keep_notes();
    }
}

static size_t
write_response(struct optiga_chip *c, int status, const struct optiga_answer *a,
               uint8_t response[OPTIGA_APDU_MAX])
{
    size_t len = status == OPTIGA_OK ? a->len : 0;

    if (status != OPTIGA_OK)
        note_error(c, status);
    response[0] = status == OPTIGA_OK ? STATUS_OK : STATUS_ERROR;
    response[1] = 0;
    rs_set_u16(response + 2, (unsigned)len);
    memcpy(response + HEADER, a->data, len);
    return len + HEADER;
}

static int
run(struct optiga_chip *c, const uint8_t *apdu, size_t len, unsigned protection,
    struct optiga_answer *a)
{
    struct optiga_command cmd = {.protection = protection};
    const struct command_row *row;
    int status;

    if (len < HEADER || rs_get_u16(apdu + 2) != len - HEADER)
        return OPTIGA_E_LENGTH;
    row = find_row(c, apdu[0] & ~(unsigned)CLEARS_ERROR);
    if (!c->app.open && (row == NULL || row->cmd != CMD_OPEN))
        return OPTIGA_E_CLOSED;
    if (row == NULL)
        return OPTIGA_E_COMMAND;
    cmd.param = apdu[1];
    cmd.data = apdu + HEADER;
    cmd.len = len - HEADER;
    status = row->run(c, &cmd, a);
    return status == OPTIGA_OK && a->overflow ? OPTIGA_E_MEMORY : status;
}

static void
bend_answer(struct optiga_chip *c, const struct sim_fate *fate)
{
    if (fate->kind == SIM_FATE_CRC)
        c->comms.link.spoil_fcs = 1;
    else if (fate->kind == SIM_FATE_FLIP)
        c->comms.link.spoil_bit = fate->arg;
    else if (fate->kind == SIM_FATE_BUSY)
        c->stuck = 1;
    else if (fate->kind == SIM_FATE_CUT_ANSWERED)
        c->cut_when_answered = 1;
    else if (fate->kind == SIM_FATE_SLOW)
        c->busy_until_us += (uint64_t)fate->arg * 1000;
}

static size_t
run_fated(struct optiga_chip *c, const uint8_t *apdu, size_t len, unsigned protection,
          const struct sim_fate *fate, uint8_t response[OPTIGA_APDU_MAX])
{
    struct optiga_answer a;
    int status = fate->arg;
    size_t response_len;

    a.len = 0;
    a.overflow = 0;
    c->cut_when_answered = 0;
    if (len > 0 && (apdu[0] & CLEARS_ERROR))
        c->last_error = 0;
    optiga_work(c, len >= HEADER ? command_us(c, apdu, len) : OPTIGA_U_TIME_OTHER_US);
    if (fate->kind != SIM_FATE_STATUS) {
        c->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
        status = run(c, apdu, len, protection, &a);
        c->tear_after = INT_MAX;
    }
    if (status == OPTIGA_LOST || fate->kind == SIM_FATE_CUT_AFTER ||
        fate->kind == SIM_FATE_CUT_WRITE) {
        optiga_set_power(c, 0);
        return 0;
    }
    if (fate->kind == SIM_FATE_LIE || fate->kind == SIM_FATE_STATUS) {
        status = fate->arg;
        a.len = 0;
    }
    response_len = write_response(c, status, &a, response);
    bend_answer(c, fate);
    rs_wipe(&a, sizeof(a));
    return response_len;
}

size_t
optiga_apdu(struct optiga_chip *c, const uint8_t *apdu, size_t len, unsigned protection,
            uint8_t response[OPTIGA_APDU_MAX])
{
    struct sim_fate fate = c->host->command(c->host->self);

    switch (fate.kind) {
    case SIM_FATE_NAK:
        c->refused = 1;
        return 0;
    case SIM_FATE_CUT_BEFORE:
        optiga_set_power(c, 0);
        return 0;
    case SIM_FATE_BROWNOUT:
        optiga_set_power(c, 0);
        optiga_set_power(c, 1);
        return 0;
    case SIM_FATE_RUN:
    case SIM_FATE_CUT_WRITE:
    case SIM_FATE_CUT_AFTER:
    case SIM_FATE_CUT_ANSWERED:
    case SIM_FATE_BUSY:
    case SIM_FATE_CRC:
    case SIM_FATE_FLIP:
    case SIM_FATE_STATUS:
    case SIM_FATE_LIE:
    case SIM_FATE_SLOW:
        break;
    }
    return run_fated(c, apdu, len, protection, &fate, response);
}
