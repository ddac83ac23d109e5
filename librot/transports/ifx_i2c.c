/*
 * ifx_i2c.c: see ifx_i2c.h.
 *
 * A part that is busy or asleep does not acknowledge its address, or says BUSY
 * in I2C_STATE: both are waited out.  A part that is idle and silent has not got
 * the frame: it is sent again after 10 ms, three times, then the counters are
 * set back and it is sent as the first frame (protocol, data link layer).  A
 * frame is built anew each time from what the caller still has, so that one
 * buffer serves both directions.
 *
 * Whoever answers garbage, answers the wrong number or never ends is given up
 * after FRAMES_MAX frames, or after WAIT_US for a whole command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ifx_i2c.h"

#include <rot/rot_mem.h>

#define REG_DATA     0x80u
#define REG_DATA_LEN 0x81u
#define REG_STATE    0x82u
#define REG_MAX_FREQ 0x84u
#define REG_RESET    0x88u

/* I2C_STATE, first byte; the rest of the upper half is constant for Trust M (data sheet). */
#define STATE_BUSY  0x80u
#define STATE_READY 0x40u
#define STATE_FIXED 0x3fu
#define STATE_TRUST 0x08u /* soft reset, no stretching, no repeated start */
#define STATE_LAYER 0x80u /* second byte: there is a presentation layer */

#define DATA_LEN_MIN  16u
#define SEQCTR        0x60u
#define RFU           0x10u
#define NUMBER        0x03u
#define FRNR_SHIFT    2u
#define COUNTER_RESET 3u

#define GUARD_US     50u
#define RESET_US     20000u /* the longer of the two startup times */
#define ACCESS_TRIES 200
#define ACCESS_US    1000u
#define TIMEOUT_US   10000u /* TRANS_TIMEOUT */
#define REPEATS      3      /* TRANS_REPEAT */
#define POLL_US      1000u
#define POLL_LONG_US 5000u /* as the vendor's library polls */
#define SOON_US      50000u
#define WAIT_US      30000000u
#define FRAMES_MAX   16
#define SLOW_HZ      100000u
#define SLOW_KHZ     100u
#define FAST_KHZ     400u

/* Bytes that an off-by-some, planted to prove the fuzz target, copies too far. */
#ifdef RS_PLANTED_BUG_optiga_response
#define SLACK IFX_I2C_FRAME_MAX
#else
#define SLACK 0u
#endif

/* ---- Frames ------------------------------------------------------------------------ */

/* CRC-16/KERMIT: reflected, start 0, no final xor. */
uint16_t
ifx_i2c_fcs(const uint8_t *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0x8408u : 0u);
    }
    return (uint16_t)crc;
}

size_t
ifx_i2c_close_frame(uint8_t *frame, unsigned fctr, size_t packet_len)
{
    uint16_t fcs;

    frame[0] = (uint8_t)fctr;
    frame[1] = (uint8_t)(packet_len >> 8);
    frame[2] = (uint8_t)packet_len;
    fcs = ifx_i2c_fcs(frame, 3 + packet_len);
    frame[3 + packet_len] = (uint8_t)(fcs >> 8);
    frame[4 + packet_len] = (uint8_t)fcs;
    return packet_len + IFX_I2C_OVERHEAD;
}

rot_err
ifx_i2c_check_frame(const uint8_t *frame, size_t len)
{
    uint16_t fcs;

    if (len < IFX_I2C_OVERHEAD || (size_t)frame[1] << 8 != ((len - IFX_I2C_OVERHEAD) & 0xff00u) ||
        frame[2] != (uint8_t)(len - IFX_I2C_OVERHEAD))
        return ROT_E_BUS;
    fcs = ifx_i2c_fcs(frame, len - 2);
    if (frame[len - 2] != (uint8_t)(fcs >> 8) || frame[len - 1] != (uint8_t)fcs)
        return ROT_E_BUS;
    if ((frame[0] & SEQCTR) == SEQCTR || (frame[0] & RFU) != 0)
        return ROT_E_BUS;
    /* A packet is never empty, and only a data frame has one. */
    if (((frame[0] & IFX_I2C_CONTROL) != 0) != (len == IFX_I2C_OVERHEAD))
        return ROT_E_BUS;
    return (frame[0] & (IFX_I2C_CONTROL | SEQCTR)) == IFX_I2C_RESYNC ? ROT_E_BUS : ROT_OK;
}

/* ---- Registers ------------------------------------------------------------------------ */

static void
pause_us(const struct ifx_i2c *l, uint32_t us)
{
    l->wire->line->delay_us(l->wire->self, us);
}

static rot_err
write_once(const struct ifx_i2c *l, const uint8_t *p, size_t len)
{
    rot_err rc = l->wire->i2c->write(l->wire->self, l->address, p, len);

    pause_us(l, GUARD_US);
    return rc;
}

/* Two transactions: these parts know no repeated start. */
static rot_err
read_once(const struct ifx_i2c *l, uint8_t reg, uint8_t *rx, size_t len)
{
    rot_err rc = write_once(l, &reg, 1);

    if (rc == ROT_OK) {
        rc = l->wire->i2c->read(l->wire->self, l->address, rx, len);
        pause_us(l, GUARD_US);
    }
    return rc;
}

/* Until the part acknowledges: bytes to it, or when rx is given a register from it. */
static rot_err
insist(const struct ifx_i2c *l, const uint8_t *tx, uint8_t *rx, size_t len)
{
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < ACCESS_TRIES && rc == ROT_BUSY; i++) {
        if (i != 0)
            pause_us(l, ACCESS_US);
        rc = rx != NULL ? read_once(l, tx[0], rx, len) : write_once(l, tx, len);
    }
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}

static rot_err
write_bytes(const struct ifx_i2c *l, const uint8_t *p, size_t len)
{
    return insist(l, p, NULL, len);
}

static rot_err
read_register(const struct ifx_i2c *l, uint8_t reg, uint8_t *rx, size_t len)
{
    return insist(l, &reg, rx, len);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static rot_err
set_speed(const struct ifx_i2c *l, uint32_t hz)
{
    return l->wire->i2c->set_speed == NULL ? ROT_OK : l->wire->i2c->set_speed(l->wire->self, hz);
}

/* Who acknowledges and then says nothing is another part. */
static rot_err
look(const struct ifx_i2c *l)
{
    static const uint8_t reg = REG_STATE;
    uint8_t state[4] = {0};
    rot_err rc = read_register(l, REG_STATE, state, sizeof(state));

    if (rc == ROT_E_BUS && write_once(l, &reg, 1) == ROT_OK)
        return ROT_E_WRONG_PART;
    if (rc == ROT_OK && ((state[0] & STATE_FIXED) != STATE_TRUST || state[1] != STATE_LAYER))
        return ROT_E_WRONG_PART;
    return rc;
}

/* What an earlier program left behind (counters, an answer, a channel) is forgotten by a reset only. */
static rot_err
restart(struct ifx_i2c *l)
{
    static const uint8_t soft[] = {REG_RESET, 0, 0};
    const struct rot_transport *t = l->wire;
    rot_err rc = t->line->pulse_reset != NULL ? t->line->pulse_reset(t->self)
                                              : write_bytes(l, soft, sizeof(soft));

    l->sent = l->received = COUNTER_RESET;
    pause_us(l, RESET_US);
    return rc;
}

static rot_err
negotiate(struct ifx_i2c *l)
{
    static const uint8_t want[] = {REG_DATA_LEN, IFX_I2C_FRAME_MAX >> 8, IFX_I2C_FRAME_MAX & 0xff};
    uint8_t freq[4] = {0}, have[2] = {0};
    uint32_t khz;
    size_t len;
    rot_err rc = read_register(l, REG_MAX_FREQ, freq, sizeof(freq));

    if (rc != ROT_OK)
        return rc;
    khz = (uint32_t)freq[2] << 8 | freq[3];
    if (freq[0] != 0 || freq[1] != 0 || khz < SLOW_KHZ)
        return ROT_E_FORMAT;
    rc = set_speed(l, (khz < FAST_KHZ ? khz : FAST_KHZ) * 1000u);
    if (rc == ROT_OK)
        rc = write_bytes(l, want, sizeof(want));
    if (rc == ROT_OK)
        rc = read_register(l, REG_DATA_LEN, have, sizeof(have));
    if (rc != ROT_OK)
        return rc;
    len = (size_t)have[0] << 8 | have[1];
    if (len < DATA_LEN_MIN || len > IFX_I2C_FRAME_MAX)
        return ROT_E_FORMAT;
    l->packet_max = (uint16_t)(len - IFX_I2C_OVERHEAD);
    return ROT_OK;
}

rot_err
ifx_i2c_open(struct ifx_i2c *l, const struct rot_transport *wire, uint8_t address)
{
    rot_err rc;

    memset(l, 0, sizeof(*l));
    l->wire = wire;
    l->address = address;
    rc = set_speed(l, SLOW_HZ);
    if (rc == ROT_OK)
        rc = look(l);
    if (rc == ROT_OK)
        rc = restart(l);
    return rc == ROT_OK ? negotiate(l) : rc;
}

/* ---- Frames over the wire ----------------------------------------------------------------- */

static rot_err
send_frame(struct ifx_i2c *l, unsigned fctr, size_t packet_len)
{
    size_t len = ifx_i2c_close_frame(l->frame + 1, fctr, packet_len);

    l->frame[0] = REG_DATA;
    return write_bytes(l, l->frame, 1 + len);
}

/* What came is still needed when it is acknowledged. */
static rot_err
send_control(struct ifx_i2c *l, unsigned seqctr, unsigned number)
{
    uint8_t frame[1 + IFX_I2C_OVERHEAD] = {REG_DATA};

    (void)ifx_i2c_close_frame(frame + 1, IFX_I2C_CONTROL | seqctr | (number & NUMBER), 0);
    return write_bytes(l, frame, sizeof(frame));
}

static rot_err
resync(struct ifx_i2c *l)
{
    l->sent = l->received = COUNTER_RESET;
    return send_control(l, IFX_I2C_RESYNC, 0);
}

/* The next frame to l->frame + 1.  ROT_BUSY: the part is idle and silent, which is not waited for. */
static rot_err
await_frame(struct ifx_i2c *l, int is_patient, size_t *ret_len)
{
    uint32_t since_us = 0, idle_us = 0;

    while (l->waited_us < WAIT_US) {
        uint32_t step_us = since_us < SOON_US ? POLL_US : POLL_LONG_US;
        uint8_t state[4] = {0};
        rot_err rc = read_once(l, REG_STATE, state, sizeof(state));
        size_t len = (size_t)state[2] << 8 | state[3];

        if (rc != ROT_OK && rc != ROT_BUSY)
            return rc;
        if (rc == ROT_OK && (state[0] & STATE_READY) != 0 && len > 0 && len <= IFX_I2C_FRAME_MAX) {
            *ret_len = len;
            return read_register(l, REG_DATA, l->frame + 1, len);
        }
        idle_us = rc == ROT_BUSY || (state[0] & STATE_BUSY) != 0 ? 0 : idle_us + step_us;
        if (!is_patient && idle_us > TIMEOUT_US)
            return ROT_BUSY;
        pause_us(l, step_us);
        since_us += step_us;
        l->waited_us += step_us;
    }
    return ROT_E_BUS;
}

/* The same, and it is whole. */
static rot_err
await_whole(struct ifx_i2c *l, int is_patient, size_t *ret_len)
{
    rot_err rc = ROT_E_BUS;

    for (int i = 0; i <= REPEATS; i++) {
        rc = await_frame(l, is_patient, ret_len);
        if (rc != ROT_OK)
            return rc;
        if (ifx_i2c_check_frame(l->frame + 1, *ret_len) == ROT_OK)
            return ROT_OK;
        rc = send_control(l, IFX_I2C_NAK, l->received + 1u);
        if (rc != ROT_OK)
            return rc;
    }
    return ROT_E_BUS;
}

/* A control frame while one of ours is on its way: ROT_OK, or ROT_BUSY for once more. */
static rot_err
take_control(struct ifx_i2c *l, unsigned fctr)
{
    unsigned ours = (l->sent + 1u) & NUMBER;

    if ((fctr & SEQCTR) == IFX_I2C_RESYNC)
        l->sent = l->received = COUNTER_RESET;
    if ((fctr & SEQCTR) != IFX_I2C_ACK || (fctr & NUMBER) != ours)
        return ROT_BUSY;
    l->sent = (uint8_t)ours;
    return ROT_OK;
}

/*
 * What the part says to the frame that was sent: acknowledged (*ret_len is 0), or
 * answered (the packet is in l->frame + 4).  ROT_BUSY: it did not get it.  With
 * is_patient the acknowledgement was there before, and only an answer counts.
 */
static rot_err
await_answer(struct ifx_i2c *l, int is_patient, size_t *ret_len)
{
    for (int i = 0; i < FRAMES_MAX; i++) {
        unsigned ours = is_patient ? l->sent : (l->sent + 1u) & NUMBER, fctr, number;
        size_t len = 0;
        rot_err rc = await_whole(l, is_patient, &len);

        if (rc != ROT_OK)
            return rc;
        fctr = l->frame[1];
        number = fctr >> FRNR_SHIFT & NUMBER;
        *ret_len = 0;
        if ((fctr & IFX_I2C_CONTROL) != 0 && !is_patient)
            return take_control(l, fctr);
        if ((fctr & IFX_I2C_CONTROL) != 0)
            continue;
        if (number == ((l->received + 1u) & NUMBER)) {
            /* Data that acknowledges something else answers something else. */
            if ((fctr & SEQCTR) != IFX_I2C_ACK || (fctr & NUMBER) != ours)
                return is_patient ? ROT_E_BUS : ROT_BUSY;
            l->sent = (uint8_t)ours;
            l->received = (uint8_t)number;
            *ret_len = len - IFX_I2C_OVERHEAD;
            return send_control(l, IFX_I2C_ACK, number);
        }
        rc = send_control(l, IFX_I2C_ACK, l->received); /* again: the first one got lost */
        if (rc != ROT_OK)
            return rc;
    }
    return ROT_E_BUS;
}

/* ---- Packets and chains --------------------------------------------------------------------- */

static rot_err
send_packet(struct ifx_i2c *l, unsigned pctr, const uint8_t *p, size_t len, size_t *ret_len)
{
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < 2 * (REPEATS + 1) && rc == ROT_BUSY; i++) {
        rc = i == REPEATS + 1 ? resync(l) : ROT_OK;
        l->frame[4] = (uint8_t)pctr;
        memcpy(l->frame + 5, p, len);
        if (rc == ROT_OK)
            rc = send_frame(l, ((l->sent + 1u) & NUMBER) << FRNR_SHIFT | l->received, 1 + len);
        if (rc == ROT_OK)
            rc = await_answer(l, 0, ret_len);
    }
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}

static unsigned
chain_of(int is_first, int is_last)
{
    if (is_first)
        return is_last ? IFX_I2C_SINGLE : IFX_I2C_FIRST;
    return is_last ? IFX_I2C_LAST : IFX_I2C_MIDDLE;
}

/* The part wants the chain once more: a packet of this one byte. */
static int
is_broken(const struct ifx_i2c *l, size_t packet_len)
{
    return packet_len == 1 && (l->frame[4] & IFX_I2C_BROKEN) == IFX_I2C_BROKEN;
}

/* All of the command; the first packet of the answer is in l->frame then. */
static rot_err
send_chain(struct ifx_i2c *l, unsigned presence, const uint8_t *tx, size_t tx_len, size_t *ret_len)
{
    size_t at = 0, room = l->packet_max - 1u;
    rot_err rc;

    do {
        size_t n = tx_len - at < room ? tx_len - at : room;

        rc = send_packet(l, presence | chain_of(at == 0, at + n == tx_len), tx + at, n, ret_len);
        at += n;
        if (rc != ROT_OK)
            return rc;
        if (*ret_len != 0 && at != tx_len)
            return is_broken(l, *ret_len) ? ROT_OK : ROT_E_FORMAT;
    } while (at < tx_len);
    return *ret_len != 0 ? ROT_OK : await_answer(l, 1, ret_len);
}

/* A packet of the answer: ROT_BUSY when more follow. */
static rot_err
take_packet(const struct ifx_i2c *l, unsigned presence, size_t len, int is_first)
{
    unsigned pctr = l->frame[4], chain = pctr & IFX_I2C_BROKEN;
    int has_more = chain == IFX_I2C_FIRST || chain == IFX_I2C_MIDDLE;

    if (pctr >> 4 != 0 || (is_first && (pctr & IFX_I2C_PRESENCE) != presence))
        return ROT_E_FORMAT;
    if (chain != chain_of(is_first, !has_more) || (has_more && len != l->packet_max))
        return ROT_E_FORMAT;
    return has_more ? ROT_BUSY : ROT_OK;
}

static rot_err
receive_chain(struct ifx_i2c *l, unsigned presence, size_t len, uint8_t *rx, size_t cap,
              size_t *ret_len)
{
    size_t filled = 0;
    rot_err rc = ROT_BUSY;

    while (rc == ROT_BUSY) {
        rc = take_packet(l, presence, len, filled == 0);
        if (rc < 0 || len - 1 > cap - filled + SLACK)
            return ROT_E_FORMAT;
        memcpy(rx + filled, l->frame + 5, len - 1);
        filled += len - 1;
        if (rc == ROT_BUSY) {
            rot_err next = await_answer(l, 1, &len);

            if (next != ROT_OK)
                return next;
        }
    }
    *ret_len = filled;
    return ROT_OK;
}

rot_err
ifx_i2c_exchange(struct ifx_i2c *l, unsigned presence, const uint8_t *tx, size_t tx_len,
                 uint8_t *rx, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    rot_err rc;

    l->waited_us = 0;
    rc = send_chain(l, presence, tx, tx_len, &len);
    if (rc == ROT_OK && is_broken(l, len))
        rc = send_chain(l, presence, tx, tx_len, &len);
    return rc == ROT_OK ? receive_chain(l, presence, len, rx, cap, ret_len) : rc;
}
