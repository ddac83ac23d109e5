/*
 * t1_i2c.c: T=1 over I2C.
 *
 * The part does not acknowledge its address while it works, and gives an
 * answer as a queue of bytes that consecutive reads take from.  So a block is
 * read in three pieces: address and kind, length, the rest.
 *
 * There is one loop: say something, hear something, and find out whether that
 * is the answer to it, a request to say it again, or a request for patience.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "t1_i2c.h"

#include <rot/rot_mem.h>

#define NAD_HOST 0x5au
#define NAD_PART 0xa5u

#define POLYNOMIAL 0x8408u /* 1021, bits reversed */

#define HEADER 3u
#define CRC    2u

#define WAKE_US     5000u
#define RECOVERY_US 3500u /* before anything is said after a fault */
#define RESET_US    20000u
#define WRITE_TRIES 8u /* waits of 1, 2, ... 8 ms between them */
#define DRAIN_MAX   3
#define MARGIN_MS   200u /* for the bus, on top of the part's own promise */

/* Until the part has said what it promises: what it is asked before that takes it no time. */
#define BWT_DEFAULT_MS 100u
#define BWT_MIN_MS     100u
#define BWT_MAX_MS     10000u

/* ---- Blocks --------------------------------------------------------------------- */

uint16_t
t1_crc(const uint8_t *p, size_t len)
{
    unsigned crc = 0xffffu;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
    }
    return (uint16_t)~crc;
}

size_t
t1_build(uint8_t pcb, const uint8_t *inf, size_t inf_len, uint8_t frame[T1_FRAME_MAX])
{
    size_t n = HEADER + inf_len;
    uint16_t crc;

    frame[0] = NAD_HOST;
    frame[1] = pcb;
    frame[2] = (uint8_t)inf_len;
    if (inf_len != 0)
        memcpy(frame + HEADER, inf, inf_len);
    crc = t1_crc(frame, n);
    frame[n] = (uint8_t)crc;
    frame[n + 1] = (uint8_t)(crc >> 8);
    return n + CRC;
}

rot_err
t1_check(const uint8_t *frame, size_t len)
{
    uint16_t crc;

    if (len < HEADER + CRC || frame[0] != NAD_PART || frame[2] > T1_INF_MAX ||
        len != HEADER + frame[2] + CRC)
        return ROT_E_BUS;
    crc = t1_crc(frame, len - CRC);
    if (frame[len - 2] != (uint8_t)crc || frame[len - 1] != (uint8_t)(crc >> 8))
        return ROT_E_BUS;
    return ROT_OK;
}

static uint16_t
load_u16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

/* version | vendor (5) | length, BWT, IFSC ... | physical layer | length ... | length, history */
rot_err
t1_read_atr(const uint8_t *p, size_t len, struct t1_atr *ret_atr)
{
    size_t at = 6;
    uint16_t bwt, ifsc;

    if (len < at + 5 || p[at] < 4)
        return ROT_E_FORMAT;
    bwt = load_u16(p + at + 1);
    ifsc = load_u16(p + at + 3);
    at += 1u + p[at];
    if (len < at + 2)
        return ROT_E_FORMAT;
    at += 2u + p[at + 1];
    if (len < at + 1 || len - at - 1 < p[at] || ifsc == 0)
        return ROT_E_FORMAT;
    bwt = bwt < BWT_MIN_MS ? BWT_MIN_MS : bwt;
    ret_atr->bwt_ms = bwt > BWT_MAX_MS ? BWT_MAX_MS : bwt;
    ret_atr->ifsc = (uint8_t)(ifsc > T1_INF_MAX ? T1_INF_MAX : ifsc);
    return ROT_OK;
}

/* ---- The bus ------------------------------------------------------------------------ */

static void
delay_us(const struct t1_i2c *t, uint32_t us)
{
    t->transport->line->delay_us(t->transport->self, us);
}

/* Wait, out of what is left for this exchange. */
static rot_err
spend_ms(struct t1_i2c *t, uint32_t ms)
{
    if (t->left_ms < ms)
        return ROT_E_BUS;
    t->left_ms -= ms;
    delay_us(t, ms * 1000u);
    return ROT_OK;
}

static rot_err
read_bytes(const struct t1_i2c *t, uint8_t *p, size_t len)
{
    return t->transport->i2c->read(t->transport->self, t->address, p, len);
}

struct block {
    uint8_t pcb;
    uint8_t len;
    const uint8_t *inf;
};

static rot_err
send(struct t1_i2c *t, const struct block *b)
{
    const struct rot_transport *wire = t->transport;
    size_t n = t1_build(b->pcb, b->inf, b->len, t->frame);

    for (unsigned i = 1; i <= WRITE_TRIES; i++) {
        rot_err rc = wire->i2c->write(wire->self, t->address, t->frame, n);

        t->is_there |= rc == ROT_OK;
        if (rc != ROT_BUSY)
            return rc;
        if (spend_ms(t, i) != ROT_OK)
            break;
    }
    return ROT_E_BUS;
}

/* Address byte and kind, once the part acknowledges. */
static rot_err
await_head(struct t1_i2c *t)
{
    uint32_t limit = (uint32_t)t->atr.bwt_ms * t->multiplier + MARGIN_MS;
    rot_err rc = read_bytes(t, t->frame, 2);

    t->multiplier = 1;
    for (uint32_t waited = 0; rc == ROT_BUSY && waited < limit; waited++) {
        if (spend_ms(t, 1) != ROT_OK)
            return ROT_E_BUS;
        rc = read_bytes(t, t->frame, 2);
    }
    /* A stray byte in front of a block. */
    if (rc == ROT_OK && t->frame[0] != NAD_PART && t->frame[1] == NAD_PART) {
        t->frame[0] = NAD_PART;
        rc = read_bytes(t, t->frame + 1, 1);
    }
    return rc;
}

static rot_err
receive(struct t1_i2c *t)
{
    rot_err rc = await_head(t);

    if (rc == ROT_OK)
        rc = read_bytes(t, t->frame + 2, 1);
    if (rc != ROT_OK || t->frame[2] > T1_INF_MAX)
        return ROT_E_BUS;
    if (read_bytes(t, t->frame + HEADER, t->frame[2] + CRC) != ROT_OK)
        return ROT_E_BUS;
    rc = t1_check(t->frame, HEADER + t->frame[2] + CRC);
    t->is_known |= rc == ROT_OK;
    return rc;
}

/* Take what the part still wanted to say; it acknowledges no read after that. */
static rot_err
drain(struct t1_i2c *t)
{
    rot_err rc = ROT_OK;

    for (int i = 0; i < DRAIN_MAX && rc == ROT_OK; i++)
        rc = read_bytes(t, t->frame, sizeof(t->frame));
    return rc;
}

/* One fault more: let the part come to itself. */
static rot_err
recover(struct t1_i2c *t)
{
    if (++t->faults > T1_FAULTS_MAX)
        return ROT_E_BUS;
    delay_us(t, RECOVERY_US);
    (void)!drain(t);
    return ROT_OK;
}

/* ---- The conversation ------------------------------------------------------------------- */

enum verdict {
    IS_ANSWER,
    IS_AGAIN,    /* what we said did not arrive, or what it said was said before */
    IS_PATIENCE, /* a request of the part's that is granted */
    IS_END,      /* the part gives up */
};

static int
is_i(uint8_t pcb)
{
    return (pcb & 0x80u) == 0;
}

static int
is_s(uint8_t pcb)
{
    return (pcb & T1_S) == T1_S;
}

static enum verdict
judge_request(struct t1_i2c *t, uint8_t got)
{
    uint8_t value = t->frame[HEADER];

    if (t->frame[2] != 1 || value == 0)
        return IS_END;
    if (got == (T1_S | T1_WTX)) {
        t->multiplier = value;
        return ++t->waits > T1_WTX_MAX ? IS_END : IS_PATIENCE;
    }
    if (got == (T1_S | T1_IFS) && value <= T1_INF_MAX) {
        t->atr.ifsc = value;
        return ++t->waits > T1_WTX_MAX ? IS_END : IS_PATIENCE;
    }
    return IS_END;
}

/* An I-block with the number that is due. */
static int
is_due(const struct t1_i2c *t, uint8_t got)
{
    return (got & 0x9fu) == 0 && (got & T1_I_SEQUENCE) == (t->nr != 0 ? T1_I_SEQUENCE : 0);
}

/* The next block of our chain is wanted: no error, and another number than the one we sent. */
static int
is_next_wanted(uint8_t sent, uint8_t got)
{
    unsigned want = (sent & T1_I_SEQUENCE) != 0 ? 0 : T1_R_SEQUENCE;

    return (sent & T1_I_MORE) != 0 && got == (T1_R | want);
}

/* What the block in t->frame means after we sent this one. */
static enum verdict
judge(struct t1_i2c *t, uint8_t sent)
{
    uint8_t got = t->frame[1];
    int ok;

    if (is_s(got) && (got & T1_S_ANSWER) == 0)
        return judge_request(t, got);
    if (is_s(sent))
        ok = got == (sent | T1_S_ANSWER);
    else if (is_i(sent) && (sent & T1_I_MORE) != 0)
        ok = is_next_wanted(sent, got);
    else
        ok = is_due(t, got);
    return ok ? IS_ANSWER : IS_AGAIN;
}

/* Say it until the answer to it is in t->frame. */
static rot_err
converse(struct t1_i2c *t, uint8_t pcb, const uint8_t *inf, size_t len)
{
    const struct block ours = {pcb, (uint8_t)len, inf};
    struct block now = ours;
    uint8_t value = 0;

    for (;;) {
        enum verdict verdict = IS_AGAIN;
        rot_err rc = send(t, &now);

        if (rc == ROT_OK) {
            rc = receive(t);
            if (rc == ROT_OK)
                verdict = judge(t, pcb);
            now = ours;
            if (rc != ROT_OK && !is_s(pcb)) /* it was damaged or never came: ask for it */
                now = (struct block){(uint8_t)(T1_R | T1_R_CRC | (t->nr != 0 ? T1_R_SEQUENCE : 0)),
                                     0, NULL};
        }
        if (verdict == IS_ANSWER)
            return ROT_OK;
        if (verdict == IS_PATIENCE) {
            value = t->frame[HEADER];
            now = (struct block){(uint8_t)(t->frame[1] | T1_S_ANSWER), 1, &value};
        } else if (verdict == IS_END || recover(t) != ROT_OK) {
            return ROT_E_BUS;
        }
    }
}

static void
begin(struct t1_i2c *t)
{
    t->left_ms = T1_TOTAL_MS;
    t->faults = 0;
    t->waits = 0;
    t->multiplier = 1;
}

static rot_err
ask_service(struct t1_i2c *t, enum t1_service service)
{
    begin(t);
    return converse(t, (uint8_t)(T1_S | service), NULL, 0);
}

rot_err
t1_i2c_open(struct t1_i2c *t, const struct rot_transport *transport, uint8_t address)
{
    rot_err rc;

    t->transport = transport;
    t->address = address;
    t->is_open = 0;
    t->is_there = 0;
    t->is_known = 0;
    t->ns = 0;
    t->nr = 0;
    t->atr = (struct t1_atr){BWT_DEFAULT_MS, T1_INF_MAX};
    delay_us(t, WAKE_US);
    /* Who has always something to say is a sensor or the like, and not written to. */
    if (drain(t) == ROT_OK)
        return ROT_E_WRONG_PART;
    rc = ask_service(t, T1_RESYNC);
    if (rc == ROT_OK)
        rc = ask_service(t, T1_GET_ATR);
    if (rc == ROT_E_BUS && t->is_there && !t->is_known)
        return ROT_E_WRONG_PART;
    if (rc != ROT_OK)
        return rc;
    if (t1_read_atr(t->frame + HEADER, t->frame[2], &t->atr) != ROT_OK)
        return ROT_E_WRONG_PART;
    t->is_open = 1;
    return ROT_OK;
}

static rot_err
send_command(struct t1_i2c *t, const uint8_t *tx, size_t tx_len)
{
    size_t n;
    rot_err rc;

    do {
        unsigned pcb = t->ns != 0 ? T1_I_SEQUENCE : 0;

        n = tx_len < t->atr.ifsc ? tx_len : t->atr.ifsc;
        pcb |= n < tx_len ? T1_I_MORE : 0;
        rc = converse(t, (uint8_t)pcb, tx, n);
        t->ns ^= 1;
        tx += n;
        tx_len -= n;
    } while (rc == ROT_OK && tx_len != 0);
    return rc;
}

/* Its first block is in t->frame. */
static rot_err
receive_answer(struct t1_i2c *t, uint8_t *rx, size_t cap, size_t *ret_len)
{
    size_t len = 0;

    for (;;) {
        size_t n = t->frame[2];
        int more = (t->frame[1] & T1_I_MORE) != 0;
        rot_err rc;

        if (n > cap - len)
            return ROT_E_FORMAT;
        if (n == 0 && more)
            return ROT_E_BUS; /* a chain of nothing has no end */
        memcpy(rx + len, t->frame + HEADER, n);
        len += n;
        t->nr ^= 1;
        if (!more)
            break;
        rc = converse(t, (uint8_t)(T1_R | (t->nr != 0 ? T1_R_SEQUENCE : 0)), NULL, 0);
        if (rc != ROT_OK)
            return rc;
    }
    *ret_len = len;
    return ROT_OK;
}

rot_err
t1_i2c_exchange(struct t1_i2c *t, const uint8_t *tx, size_t tx_len, uint8_t *rx, size_t cap,
                size_t *ret_len)
{
    rot_err rc;

    if (!t->is_open)
        return ROT_E_BUS;
    begin(t);
    rc = send_command(t, tx, tx_len);
    if (rc == ROT_OK)
        rc = receive_answer(t, rx, cap, ret_len);
    if (rc != ROT_OK)
        t->is_open = 0;
    rot_wipe_memory(t->frame, sizeof(t->frame));
    return rc;
}

void
t1_i2c_close(struct t1_i2c *t)
{
    if (t->is_open)
        (void)!ask_service(t, T1_END_SESSION);
    t->is_open = 0;
}

rot_err
t1_i2c_reset(struct t1_i2c *t)
{
    rot_err rc = t->is_open ? ask_service(t, T1_CHIP_RESET) : ROT_E_BUS;

    t->is_open = 0;
    delay_us(t, RESET_US);
    return rc;
}
