/*
 * spi.c: the part on SPI: the same instructions, in frames of chip select.
 *
 * A frame begins with an instruction byte.  A packet follows WRITE_COMMAND and is
 * taken when chip select rises; behind READ_STATUS each byte is the status byte;
 * behind READ_RESPONSE come the next bytes of the answer, so that a host may read
 * the length in one frame and the rest in another, as the vendor's public code
 * for Linux does.  Nobody can say "no" on this bus: what is not understood is
 * not heard, and what there is not to say reads as ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

#define NOTHING 0xFF

/* The first byte of a frame says what the others are. */
static void
begin_frame(struct ta100_chip *c, uint8_t instruction)
{
    c->spi.instruction = instruction;
    c->spi.len = 0;
    c->spi.deaf = !ta100_is_awake(c);
    if (instruction == TA100_P_READ_RESPONSE && c->answer_pos == c->answer_len)
        c->answer_pos = 0; /* all was read: once more */
}

static void
take_byte(struct ta100_chip *c, uint8_t byte)
{
    if (c->spi.len < sizeof(c->spi.packet))
        c->spi.packet[c->spi.len] = byte;
    c->spi.len++;
}

static uint8_t
give_byte(struct ta100_chip *c)
{
    if (c->spi.deaf)
        return NOTHING;
    if (c->spi.instruction == TA100_P_READ_STATUS)
        return ta100_status_byte(c);
    if (c->spi.instruction != TA100_P_READ_RESPONSE || ta100_is_executing(c) ||
        c->answer_pos == c->answer_len)
        return NOTHING;
    return c->answer[c->answer_pos++];
}

/* A packet that is longer than one may be was not heard to its end. */
static void
end_frame(struct ta100_chip *c)
{
    int was_answer = c->spi.instruction == TA100_P_READ_RESPONSE && !c->spi.deaf;

    if (c->spi.instruction == TA100_P_WRITE_COMMAND && !c->spi.deaf && !ta100_is_executing(c) &&
        c->spi.len <= sizeof(c->spi.packet))
        (void)ta100_take_packet(c, c->spi.packet, c->spi.len);
    else if (was_answer && c->answer_len > 0 && c->answer_pos == c->answer_len)
        ta100_answer_was_read(c);
}

void
ta100_spi(void *state, const uint8_t *tx, uint8_t *rx, size_t len, int keep)
{
    struct ta100_chip *c = state;

    for (size_t i = 0; i < len; i++) {
        if (c->spi.is_begun) {
            rx[i] = give_byte(c);
            take_byte(c, tx[i]);
        } else {
            rx[i] = NOTHING;
            c->spi.is_begun = 1;
            begin_frame(c, tx[i]);
        }
    }
    if (keep || !c->spi.is_begun)
        return;
    end_frame(c);
    memset(&c->spi, 0, sizeof(c->spi));
}
