/*
 * link.c: frames with numbers and a checksum (section 2).
 *
 * Two kinds of frame can wait for the host: a control frame, and a data frame
 * with a packet.  A data frame that is ready carries the acknowledgement with
 * it, so that a control frame that only acknowledges is left out, unless the
 * host was already told of it.  What was announced stays until it is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    CONTROL = 0x80,
    ACK = 0x00,
    NAK = 0x20,
    RESYNC = 0x40,
    KIND = 0x60,
};

#define NUMBER(n)   ((uint8_t)((n) & 3u))
#define RESENDS_MAX 3
#define HEADER      3

/* Reflected CRC-16/CCITT with seed 0; the high byte goes first on the wire. */
uint16_t
optiga_fcs(const uint8_t *p, size_t len)
{
    unsigned fcs = 0;

    for (size_t i = 0; i < len; i++) {
        fcs ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            fcs = fcs & 1 ? fcs >> 1 ^ 0x8408u : fcs >> 1;
    }
    return (uint16_t)fcs;
}

void
optiga_link_reset(struct optiga_link *l)
{
    l->rx = 3;
    l->tx = 3;
    l->control = 0;
    l->out = OPTIGA_OUT_NONE;
    l->announced = OPTIGA_ANNOUNCED_NOTHING;
    l->resends = 0;
    l->spoil_bit = -1;
    l->spoil_fcs = 0;
}

/* ---- Out --------------------------------------------------------------------------------- */

void
optiga_link_send(struct optiga_chip *c, const uint8_t *packet, size_t len)
{
    struct optiga_link *l = &c->comms.link;

    memcpy(l->packet, packet, len);
    l->packet_len = len;
    l->tx = NUMBER(l->tx + 1);
    l->out = OPTIGA_OUT_READY;
    l->resends = 0;
}

static size_t
finish(uint8_t *frame, size_t packet_len)
{
    rs_set_u16(frame + 1, (unsigned)packet_len);
    rs_set_u16(frame + HEADER + packet_len, optiga_fcs(frame, HEADER + packet_len));
    return packet_len + OPTIGA_FRAME_EXTRA;
}

/*
 * The host read the frame and did not acknowledge it in time: it is offered
 * again, after the third time with fresh numbers on both sides.
 */
static void
resend_if_due(struct optiga_chip *c)
{
    struct optiga_link *l = &c->comms.link;

    if (l->out != OPTIGA_OUT_READ || c->now_us < l->read_at_us + OPTIGA_U_RESEND_AFTER_READ_US)
        return;
    l->out = OPTIGA_OUT_READY;
    if (l->resends++ < RESENDS_MAX)
        return;
    l->control = CONTROL | RESYNC;
    l->rx = 3;
    l->tx = 0;
    l->resends = 0;
}

static int
only_acknowledges(uint8_t fctr)
{
    return (fctr & (CONTROL | KIND)) == (CONTROL | ACK);
}

static enum optiga_announced
choose(struct optiga_chip *c)
{
    struct optiga_link *l = &c->comms.link;
    int data = l->out == OPTIGA_OUT_READY && !optiga_busy(c);
    int carried = only_acknowledges(l->control) && c->quirk != OPTIGA_QUIRK_ACK_FIRST;

    if (l->control != 0 && !(data && carried))
        return OPTIGA_ANNOUNCED_CONTROL;
    return data ? OPTIGA_ANNOUNCED_DATA : OPTIGA_ANNOUNCED_NOTHING;
}

size_t
optiga_link_offer(struct optiga_chip *c, uint8_t frame[OPTIGA_REG_LEN_MAX])
{
    struct optiga_link *l = &c->comms.link;
    size_t len;

    resend_if_due(c);
    if (l->announced == OPTIGA_ANNOUNCED_NOTHING)
        l->announced = choose(c);
    if (l->announced == OPTIGA_ANNOUNCED_NOTHING)
        return 0;
    if (l->announced == OPTIGA_ANNOUNCED_CONTROL) {
        frame[0] = l->control;
        return finish(frame, 0);
    }
    frame[0] = (uint8_t)(l->tx << 2 | l->rx);
    memcpy(frame + HEADER, l->packet, l->packet_len);
    len = finish(frame, l->packet_len);
    if (l->spoil_fcs)
        frame[len - 1] ^= 0x01;
    if (l->spoil_bit >= 0 && (size_t)l->spoil_bit / 8 < len)
        frame[l->spoil_bit / 8] ^= (uint8_t)(1u << (l->spoil_bit % 8));
    return len;
}

void
optiga_link_taken(struct optiga_chip *c)
{
    struct optiga_link *l = &c->comms.link;
    enum optiga_announced what = l->announced;

    l->announced = OPTIGA_ANNOUNCED_NOTHING;
    if (what == OPTIGA_ANNOUNCED_CONTROL || only_acknowledges(l->control))
        l->control = 0;
    if (what == OPTIGA_ANNOUNCED_CONTROL)
        return;
    l->out = OPTIGA_OUT_READ;
    l->read_at_us = c->now_us;
    l->spoil_fcs = 0;
    l->spoil_bit = -1;
    if (c->cut_when_answered && optiga_transport_is_last(c))
        optiga_set_power(c, 0);
}

/* ---- In ---------------------------------------------------------------------------------- */

static void
set_control(struct optiga_link *l, unsigned kind, unsigned number)
{
    l->control = (uint8_t)(CONTROL | kind | NUMBER(number));
    if (l->announced == OPTIGA_ANNOUNCED_CONTROL)
        l->announced = OPTIGA_ANNOUNCED_NOTHING;
}

static void
on_ack(struct optiga_chip *c, uint8_t number)
{
    struct optiga_link *l = &c->comms.link;

    if (l->out == OPTIGA_OUT_NONE || number != l->tx)
        return;
    l->out = OPTIGA_OUT_NONE;
    l->announced = OPTIGA_ANNOUNCED_NOTHING;
    if (only_acknowledges(l->control))
        l->control = 0; /* the frame carried it */
    optiga_transport_acknowledged(c);
}

/* The host refuses the frame that it names, or waits for one that it did not get. */
static void
on_nak(struct optiga_link *l, uint8_t number)
{
    if (l->out != OPTIGA_OUT_NONE && number == l->tx)
        l->out = OPTIGA_OUT_READY;
    else if (l->control == 0)
        set_control(l, ACK, l->rx);
}

static void
on_control(struct optiga_chip *c, uint8_t fctr)
{
    struct optiga_link *l = &c->comms.link;

    switch (fctr & KIND) {
    case ACK:
        on_ack(c, NUMBER(fctr));
        break;
    case NAK:
        on_nak(l, NUMBER(fctr));
        break;
    default:
        optiga_link_reset(l); /* an answer that was not acknowledged is gone */
    }
}

static void
on_data(struct optiga_chip *c, uint8_t fctr, const uint8_t *packet, size_t len)
{
    struct optiga_link *l = &c->comms.link;
    uint8_t number = NUMBER(fctr >> 2);

    if ((fctr & KIND) == ACK)
        on_ack(c, NUMBER(fctr));
    else
        on_nak(l, NUMBER(fctr));
    if (number != NUMBER(l->rx + 1)) {
        set_control(l, ACK, l->rx);
        return;
    }
    l->rx = number;
    set_control(l, ACK, number);
    /* Window 1: whoever sends on has given up the answer before. */
    l->out = OPTIGA_OUT_NONE;
    l->announced = OPTIGA_ANNOUNCED_NOTHING;
    optiga_transport_receive(c, packet, len);
}

static int
fcs_ok(const uint8_t *frame, size_t len)
{
    return len >= OPTIGA_FRAME_EXTRA && rs_get_u16(frame + len - 2) == optiga_fcs(frame, len - 2);
}

/* A packet that fits into the register, and is there. */
static int
length_ok(const struct optiga_chip *c, const uint8_t *frame, size_t len)
{
    size_t packet_len = rs_get_u16(frame + 1);

    if (frame[0] & CONTROL)
        return packet_len == 0 && len == OPTIGA_FRAME_EXTRA;
    return packet_len > 0 && packet_len + OPTIGA_FRAME_EXTRA == len && len <= c->comms.reg_len;
}

static int
kind_ok(uint8_t fctr)
{
    unsigned kind = fctr & KIND;

    return fctr & CONTROL ? kind != KIND : kind == ACK || kind == NAK;
}

void
optiga_link_receive(struct optiga_chip *c, const uint8_t *frame, size_t len)
{
    struct optiga_link *l = &c->comms.link;

    if (!fcs_ok(frame, len) || !kind_ok(frame[0])) {
        set_control(l, NAK, l->rx + 1u);
        return;
    }
    if (!length_ok(c, frame, len)) {
        if (!(frame[0] & CONTROL))
            set_control(l, NAK, l->rx + 1u);
        return;
    }
    if (frame[0] & CONTROL)
        on_control(c, frame[0]);
    else
        on_data(c, frame[0], frame + HEADER, rs_get_u16(frame + 1));
}
