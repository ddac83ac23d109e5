/*
 * transport.c: messages as chains of packets (section 3).
 *
 * The first byte of a packet says where it stands in its chain and whether the
 * message is one of the presentation layer.  Every packet but the last is full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    CHAIN_SINGLE = 0,
    CHAIN_FIRST = 1,
    CHAIN_MIDDLE = 2,
    CHAIN_LAST = 4,
    CHAIN_ERROR = 7,
    CHAIN = 0x07,
    PRESENCE = 0x08,
};

static size_t
packet_max(const struct optiga_chip *c)
{
    return c->comms.reg_len - (size_t)OPTIGA_FRAME_EXTRA;
}

/* ---- Out ----------------------------------------------------------------------------------- */

static void
send_next(struct optiga_chip *c)
{
    struct optiga_transport *t = &c->comms.transport;
    size_t left = t->out_len - t->out_at, most = packet_max(c) - 1;
    size_t len = left > most ? most : left;
    uint8_t packet[OPTIGA_REG_LEN_MAX];

    if (t->out_at == 0)
        packet[0] = left > most ? CHAIN_FIRST : CHAIN_SINGLE;
    else
        packet[0] = left > most ? CHAIN_MIDDLE : CHAIN_LAST;
    if (t->presence)
        packet[0] |= PRESENCE;
    memcpy(packet + 1, t->out + t->out_at, len);
    t->out_at += len;
    optiga_link_send(c, packet, len + 1);
}

void
optiga_transport_send(struct optiga_chip *c, const uint8_t *message, size_t len)
{
    struct optiga_transport *t = &c->comms.transport;

    memcpy(t->out, message, len);
    t->out_len = len;
    t->out_at = 0;
    t->repeats = 0;
    send_next(c);
}

void
optiga_transport_acknowledged(struct optiga_chip *c)
{
    if (!optiga_transport_is_last(c))
        send_next(c);
}

int
optiga_transport_is_last(const struct optiga_chip *c)
{
    return c->comms.transport.out_at >= c->comms.transport.out_len;
}

/* ---- In ------------------------------------------------------------------------------------- */

static void
chain_error(struct optiga_chip *c)
{
    static const uint8_t packet[1] = {CHAIN_ERROR};
    struct optiga_transport *t = &c->comms.transport;

    t->chaining = 0;
    t->in_len = 0;
    t->out_len = 0;
    t->out_at = 0;
    optiga_link_send(c, packet, 1);
}

/* The host did not like our chain. */
static void
repeat(struct optiga_chip *c)
{
    struct optiga_transport *t = &c->comms.transport;

    if (t->out_len == 0 || t->repeats >= OPTIGA_U_CHAIN_REPEATS)
        return;
    t->repeats++;
    t->out_at = 0;
    send_next(c);
}

/* Without the presentation layer a message is an APDU. */
static void
plain_message(struct optiga_chip *c, const uint8_t *apdu, size_t len)
{
    uint8_t response[OPTIGA_APDU_MAX];
    size_t response_len = optiga_apdu(c, apdu, len, 0, response);

    if (response_len > 0)
        optiga_transport_send(c, response, response_len);
}

static void
message_complete(struct optiga_chip *c)
{
    struct optiga_transport *t = &c->comms.transport;
    uint8_t message[OPTIGA_MESSAGE_MAX];
    size_t len = t->in_len;

    t->chaining = 0;
    t->in_len = 0;
    memcpy(message, t->in, len);
    if (t->in_presence) {
        t->presence = 1;
        optiga_shield_receive(c, message, len);
    } else if (t->presence) {
        optiga_shield_alert(c, OPTIGA_U_NO_PRESENCE_ALERT);
    } else {
        plain_message(c, message, len);
    }
    rs_wipe(message, sizeof(message));
}

/* Does a packet with this CHAIN fit behind what came before? */
static int
chain_ok(const struct optiga_chip *c, unsigned chain, size_t len)
{
    const struct optiga_transport *t = &c->comms.transport;
    int begins = chain == CHAIN_SINGLE || chain == CHAIN_FIRST;
    int full = len == packet_max(c);

    if (!begins && chain != CHAIN_MIDDLE && chain != CHAIN_LAST)
        return 0;
    if (begins == (int)t->chaining)
        return 0;
    if ((chain == CHAIN_FIRST || chain == CHAIN_MIDDLE) && !full)
        return 0;
    return t->in_len + len - 1 <= sizeof(t->in);
}

void
optiga_transport_receive(struct optiga_chip *c, const uint8_t *packet, size_t len)
{
    struct optiga_transport *t = &c->comms.transport;
    unsigned chain = packet[0] & CHAIN;

    if (chain == CHAIN_ERROR && len == 1) {
        repeat(c);
        return;
    }
    if (packet[0] >> 4 != 0 || !chain_ok(c, chain, len)) {
        chain_error(c);
        return;
    }
    if (chain == CHAIN_SINGLE || chain == CHAIN_FIRST)
        t->in_presence = (packet[0] & PRESENCE) != 0;
    memcpy(t->in + t->in_len, packet + 1, len - 1);
    t->in_len += len - 1;
    if (chain == CHAIN_SINGLE || chain == CHAIN_LAST)
        message_complete(c);
    else
        t->chaining = 1;
}
