/*
 * t1.c: the part as the bus sees it: T=1 blocks over I2C, power, time, faults.
 *
 * A write is one block.  What the part has to say stands in a queue that reads
 * consume, however they cut it; an empty queue does not acknowledge.  A command
 * runs when its last block arrives; its answer is queued when the execution
 * time has passed, and a part that takes long asks for time meanwhile.  Nothing
 * happens on its own: every call first settles what time has done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/se05x/chip.h"

enum {
    NAD_TO_CHIP = 0x5A,
    NAD_TO_HOST = 0xA5,
};

/* PCB. */
enum {
    I_SEQUENCE = 0x40,
    I_MORE = 0x20,
    R_BLOCK = 0x80,
    R_SEQUENCE = 0x10,
    S_REQUEST = 0xC0,
    S_RESPONSE = 0xE0,
};

enum {
    ERROR_CRC = 1,
    ERROR_OTHER = 2,
};

/* S-blocks of both profiles, then of one. */
enum {
    S_RESYNC = 0x00,
    S_IFS = 0x01,
    S_ABORT = 0x02,
    S_WTX = 0x03,
    S_GP_CIP = 0x04,
    S_END_APDU = 0x05,
    S_CHIP_RESET = 0x06,
    S_GP_RELEASE = 0x06,
    S_GET_ATR = 0x07,
    S_SOFT_RESET = 0x0F,
    S_GP_COLD_RESET = 0x1E,
    S_DEEP_POWER_DOWN = 0x1F,
};

static const uint8_t atr[35] = {0x00, 0xA0, 0x00, 0x00, 0x03, 0x96, 0x04, 0x03, 0xE8,
                                0x00, 0xFE, 0x02, 0x0B, 0x03, 0xE8, 0x08, 0x01, 0x00,
                                0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x0A, 0x4A, 0x43,
                                0x4F, 0x50, 0x34, 0x20, 0x41, 0x54, 0x50, 0x4F};

/* CRC-16/X-25 over all but itself. */
uint16_t
se05x_crc(const uint8_t *p, size_t len)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ p[i]);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1);
    }
    return (uint16_t)~crc;
}

/* ---- Sending ------------------------------------------------------------------------------- */

static int
is_gp(const struct se05x_chip *c)
{
    return c->quirk == SE05X_QUIRK_GP_PROFILE;
}

static size_t
head_size(const struct se05x_chip *c)
{
    return is_gp(c) ? 4 : 3;
}

/* The low byte of the CRC is first, but not in the GP profile. */
static void
put_crc(const struct se05x_chip *c, uint8_t *p, uint16_t crc)
{
    p[is_gp(c) ? 1 : 0] = (uint8_t)crc;
    p[is_gp(c) ? 0 : 1] = (uint8_t)(crc >> 8);
}

/* Queue the last block (again), bent by a quirk. */
static void
queue_last(struct se05x_chip *c)
{
    struct se05x_link *l = &c->link;
    size_t skip = c->quirk == SE05X_QUIRK_STRAY_BYTE;

    l->fifo[0] = 0x00;
    memcpy(l->fifo + skip, l->last, l->last_len);
    l->fifo_len = l->last_len + skip;
    l->fifo_at = 0;
    if (c->quirk == SE05X_QUIRK_GARBAGE)
        c->host->random(c->host->self, l->fifo, l->fifo_len);
}

static void
send_block(struct se05x_chip *c, unsigned pcb, const uint8_t *inf, size_t len)
{
    struct se05x_link *l = &c->link;
    size_t head = head_size(c);

    l->last[0] = NAD_TO_HOST;
    l->last[1] = (uint8_t)pcb;
    if (is_gp(c))
        rs_set_u16(l->last + 2, (unsigned)len);
    else
        l->last[2] = (uint8_t)len;
    if (len > 0)
        memcpy(l->last + head, inf, len);
    put_crc(c, l->last + head + len, se05x_crc(l->last, head + len));
    l->last_len = head + len + 2;
    queue_last(c);
}

static void
send_r(struct se05x_chip *c, unsigned error)
{
    send_block(c, R_BLOCK | (c->link.expect_ns ? R_SEQUENCE : 0u) | error, NULL, 0);
}

/* A fault rule spoils what is in the queue, not what is kept for repetition. */
static void
spoil(struct se05x_link *l)
{
    if (l->spoil_crc)
        l->fifo[l->fifo_len - 1] ^= 0x01;
    if (l->spoil_bit >= 0 && (size_t)l->spoil_bit / 8 < l->fifo_len)
        l->fifo[l->spoil_bit / 8] ^= (uint8_t)(1u << (l->spoil_bit % 8));
    l->spoil_crc = 0;
    l->spoil_bit = -1;
}

/* The next piece of the answer. */
static void
send_answer(struct se05x_chip *c)
{
    struct se05x_link *l = &c->link;
    size_t left = c->answer_len - l->out_at, n = left < l->ifsd ? left : l->ifsd;
    unsigned ns = c->quirk == SE05X_QUIRK_WRONG_SEQUENCE ? !l->next_ns : l->next_ns;

    l->more = n < left;
    send_block(c, (ns ? I_SEQUENCE : 0u) | (l->more ? I_MORE : 0u), c->answer + l->out_at, n);
    l->out_at += n;
    l->next_ns = !l->next_ns;
    spoil(l);
}

/* ---- Time and power --------------------------------------------------------------------------- */

void
se05x_link_reset(struct se05x_link *l)
{
    size_t ifsd = l->ifsd;

    memset(l, 0, sizeof(*l));
    l->ifsd = ifsd;
    l->spoil_bit = -1;
}

void
se05x_take(struct se05x_chip *c, uint64_t us)
{
    c->took_us += us;
}

static void
settle(struct se05x_chip *c)
{
    static const uint8_t multiplier = SE05X_U_WTX_MULTIPLIER;
    struct se05x_link *l = &c->link;

    if (!l->pending || l->asked_time)
        return;
    if (l->ask_at_us <= l->done_at_us && c->now_us >= l->ask_at_us) {
        l->asked_time = 1;
        send_block(c, S_REQUEST | S_WTX, &multiplier, 1);
    } else if (c->now_us >= l->done_at_us) {
        l->pending = 0;
        send_answer(c);
    }
}

void
se05x_set_time(void *state, uint64_t now_us)
{
    struct se05x_chip *c = state;

    if (now_us > c->now_us)
        c->now_us = now_us;
    settle(c);
}

/* The end of a session of the host: selection and everything below it. */
static void
start_anew(struct se05x_chip *c)
{
    se05x_deselect(c);
    c->link.ifsd = SE05X_INF_MAX;
    se05x_link_reset(&c->link);
}

/* The part starts: everything but its memory. */
static void
restart(struct se05x_chip *c)
{
    c->counted = 0;
    c->locked_now = 0;
    c->started_us = c->now_us;
    start_anew(c);
}

void
se05x_set_power(void *state, int on)
{
    struct se05x_chip *c = state;

    if (c->powered == (on != 0))
        return;
    c->powered = on != 0;
    c->stuck = 0;
    c->tear_after = INT_MAX;
    c->forced_sw = 0;
    restart(c);
}

/* ---- Commands under fault rules ------------------------------------------------------------------ */

static uint64_t
execution_us(struct se05x_chip *c)
{
    uint32_t permille = c->timing.typical_permille;

    c->chip_time_us += c->took_us;
    return permille == 0 ? c->timing.busy_us : c->took_us * permille / SIM_TYPICAL_PERMILLE;
}

/* Rules give one byte or two; of one it is the second, as in 69xx. */
static unsigned
status_word(int arg)
{
    return arg > 0xFF ? (unsigned)arg : 0x6900u | (unsigned)arg;
}

static void
bend_answer(struct se05x_chip *c, const struct sim_fate *fate)
{
    struct se05x_link *l = &c->link;

    if (fate->kind == SIM_FATE_LIE) {
        rs_set_u16(c->answer, status_word(fate->arg));
        c->answer_len = 2;
    } else if (fate->kind == SIM_FATE_CRC) {
        l->spoil_crc = 1;
    } else if (fate->kind == SIM_FATE_FLIP) {
        l->spoil_bit = fate->arg;
    } else if (fate->kind == SIM_FATE_BUSY) {
        c->stuck = 1;
    } else if (fate->kind == SIM_FATE_CUT_ANSWERED) {
        l->cut_answered = 1;
    } else if (fate->kind == SIM_FATE_SLOW) {
        l->done_at_us += (uint64_t)fate->arg * 1000;
    }
}

static void
run_command(struct se05x_chip *c, const struct sim_fate *fate)
{
    struct se05x_link *l = &c->link;
    int ran;

    c->took_us = SE05X_U_TIME_COMMAND_US;
    c->forced_sw = fate->kind == SIM_FATE_STATUS ? status_word(fate->arg) : 0;
    c->tear_after = fate->kind == SIM_FATE_CUT_WRITE ? fate->arg : INT_MAX;
    ran = se05x_run(c, l->in, l->too_long ? 0 : l->in_len);
    c->tear_after = INT_MAX;
    c->forced_sw = 0;
    rs_wipe(l->in, l->in_len);
    l->in_len = 0;
    l->too_long = 0;
    if (!ran || fate->kind == SIM_FATE_CUT_AFTER || fate->kind == SIM_FATE_CUT_WRITE) {
        se05x_set_power(c, 0);
        return;
    }
    l->out_at = 0;
    l->pending = 1;
    l->done_at_us = c->now_us + execution_us(c);
    l->ask_at_us = c->now_us + SE05X_U_WTX_PERIOD_US;
    bend_answer(c, fate);
    if (c->quirk == SE05X_QUIRK_WTX_STORM) {
        l->done_at_us = UINT64_MAX;
        l->ask_at_us = c->now_us;
    }
    settle(c);
}

/* ---- Receiving --------------------------------------------------------------------------------------- */

struct block {
    unsigned pcb;
    const uint8_t *inf;
    size_t len;
};

/* 0, or the error of an R-block. */
static unsigned
read_block(const struct se05x_chip *c, const uint8_t *p, size_t len, struct block *b)
{
    size_t head = head_size(c);
    uint8_t crc[2];

    if (len < head + 2)
        return ERROR_OTHER;
    put_crc(c, crc, se05x_crc(p, len - 2));
    if (memcmp(crc, p + len - 2, 2) != 0)
        return ERROR_CRC;
    *b = (struct block){p[1], p + head, is_gp(c) ? rs_get_u16(p + 2) : p[2]};
    return p[0] == NAD_TO_CHIP && b->len == len - head - 2 && b->len <= SE05X_INF_MAX ? 0
                                                                                      : ERROR_OTHER;
}

static void
append(struct se05x_link *l, const struct block *b)
{
    size_t room = sizeof(l->in) - l->in_len, n = b->len < room ? b->len : room;

    if (n < b->len)
        l->too_long = 1;
    if (n > 0)
        memcpy(l->in + l->in_len, b->inf, n);
    l->in_len += n;
}

/* The command is whole.  0: not acknowledged, as if the block had not come. */
static int
take_command(struct se05x_chip *c, const struct block *b)
{
    struct se05x_link *l = &c->link;
    struct sim_fate fate = c->host->command(c->host->self);

    if (fate.kind == SIM_FATE_NAK)
        return 0;
    if (fate.kind == SIM_FATE_CUT_BEFORE || fate.kind == SIM_FATE_BROWNOUT) {
        se05x_set_power(c, 0);
        se05x_set_power(c, fate.kind == SIM_FATE_BROWNOUT);
        return 1;
    }
    append(l, b);
    l->expect_ns = !l->expect_ns;
    l->seen = 1;
    run_command(c, &fate);
    return 1;
}

static int
take_i(struct se05x_chip *c, const struct block *b)
{
    struct se05x_link *l = &c->link;
    unsigned ns = (b->pcb & I_SEQUENCE) != 0;

    if (b->pcb & 0x1F) {
        send_r(c, ERROR_OTHER);
        return 1;
    }
    if (ns != l->expect_ns) {
        if (l->seen)
            queue_last(c); /* the host did not get our answer */
        else
            send_r(c, (unsigned)SE05X_U_FIRST_FRAME_ERROR);
        return 1;
    }
    l->pending = 0;
    l->asked_time = 0;
    l->more = 0;
    if (!(b->pcb & I_MORE))
        return take_command(c, b);
    append(l, b);
    l->expect_ns = !l->expect_ns;
    l->seen = 1;
    send_r(c, 0);
    return 1;
}

static void
take_r(struct se05x_chip *c, const struct block *b)
{
    struct se05x_link *l = &c->link;
    unsigned nr = (b->pcb & R_SEQUENCE) != 0;

    if (b->len != 0 || (b->pcb & 0x2C) != 0) {
        send_r(c, ERROR_OTHER);
    } else if ((b->pcb & 3) != 0 || (l->more && nr != l->next_ns)) {
        if (l->last_len > 0)
            queue_last(c);
        else
            send_r(c, ERROR_OTHER);
    } else if (l->more) {
        send_answer(c);
    } else {
        send_r(c, ERROR_OTHER);
    }
}

/* The host granted time. */
static void
take_wtx(struct se05x_chip *c, const struct block *b)
{
    struct se05x_link *l = &c->link;

    if (!l->asked_time || b->len != 1 || b->inf[0] != SE05X_U_WTX_MULTIPLIER) {
        send_r(c, ERROR_OTHER);
        return;
    }
    l->asked_time = 0;
    l->ask_at_us = c->now_us;
    if (c->quirk != SE05X_QUIRK_WTX_STORM)
        l->ask_at_us += SE05X_U_WTX_PERIOD_US;
    settle(c);
}

static void
take_ifs(struct se05x_chip *c, const struct block *b)
{
    if (b->len != 1 || b->inf[0] == 0 || b->inf[0] > SE05X_INF_MAX) {
        send_r(c, ERROR_OTHER);
        return;
    }
    c->link.ifsd = b->inf[0];
    send_block(c, S_RESPONSE | S_IFS, b->inf, 1);
}

/* Requests that only one of the profiles knows.  0: this one does not. */
static int
take_profile_request(struct se05x_chip *c, unsigned code)
{
    const uint8_t *inf = NULL;
    size_t len = 0;

    if (is_gp(c)) {
        if (code != S_GP_CIP && code != S_GP_RELEASE && code != S_GP_COLD_RESET)
            return 0;
        if (code == S_GP_CIP) {
            inf = atr;
            len = sizeof(atr);
        } else if (code == S_GP_RELEASE) {
            start_anew(c);
        } else {
            restart(c);
        }
    } else if (code == S_GET_ATR) {
        inf = atr;
        len = sizeof(atr);
    } else if (code == S_END_APDU) {
        start_anew(c);
    } else if (code == S_CHIP_RESET || (code == S_DEEP_POWER_DOWN && c->gen->newer)) {
        restart(c);
    } else {
        return 0;
    }
    send_block(c, S_RESPONSE | code, inf, len);
    return 1;
}

static void
take_request(struct se05x_chip *c, const struct block *b)
{
    unsigned code = b->pcb & 0x1F;

    if (code == S_IFS) {
        take_ifs(c, b);
        return;
    }
    if (b->len != 0) {
        send_r(c, ERROR_OTHER);
    } else if (code == S_RESYNC || code == S_SOFT_RESET) {
        if (code == S_SOFT_RESET && !SE05X_U_INTERFACE_RESET_KEEPS_APPLET)
            se05x_deselect(c);
        se05x_link_reset(&c->link);
        send_block(c, S_RESPONSE | code, atr, code == S_SOFT_RESET ? sizeof(atr) : 0);
    } else if (code == S_ABORT) {
        c->link.in_len = 0;
        c->link.too_long = 0;
        c->link.more = 0;
        c->link.pending = 0;
        c->link.asked_time = 0;
        send_block(c, S_RESPONSE | code, NULL, 0);
    } else if (!take_profile_request(c, code)) {
        send_r(c, ERROR_OTHER);
    }
}

/* Whatever comes while an answer is still queued is the truth. */
static int
take_block(struct se05x_chip *c, const uint8_t *p, size_t len)
{
    struct block b;
    unsigned error = read_block(c, p, len, &b);

    c->link.fifo_len = 0;
    c->link.fifo_at = 0;
    if (error != 0) {
        send_r(c, error);
        return 1;
    }
    if (!(b.pcb & 0x80))
        return take_i(c, &b);
    if (!(b.pcb & 0x40))
        take_r(c, &b);
    else if (!(b.pcb & 0x20))
        take_request(c, &b);
    else if ((b.pcb & 0x1F) == S_WTX)
        take_wtx(c, &b);
    else
        send_r(c, ERROR_OTHER);
    return 1;
}

/* ---- The bus ---------------------------------------------------------------------------------------------- */

static int
listens(struct se05x_chip *c, uint8_t address)
{
    settle(c);
    return c->powered && !c->stuck && address == SE05X_ADDRESS;
}

int
se05x_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct se05x_chip *c = state;

    /* Busy: nobody is there. */
    if (!listens(c, address) || (c->link.pending && !c->link.asked_time))
        return 0;
    return len == 0 || take_block(c, p, len);
}

int
se05x_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len)
{
    struct se05x_chip *c = state;
    struct se05x_link *l = &c->link;

    if (!listens(c, address) || l->fifo_at == l->fifo_len)
        return 0;
    for (size_t i = 0; i < len; i++)
        p[i] = l->fifo_at < l->fifo_len ? l->fifo[l->fifo_at++] : 0x00;
    if (l->cut_answered && l->fifo_at == l->fifo_len && !l->more && !l->pending)
        se05x_set_power(c, 0);
    return 1;
}
