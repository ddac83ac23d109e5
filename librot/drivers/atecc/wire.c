/*
 * wire.c: one command after another over I2C.
 *
 * Each is wake, send, poll, receive, idle.  Idle keeps the part's volatile
 * buffers and starts its watchdog anew.  The part does not acknowledge while it
 * works.  Bounds: POLL_MAX polls, SEND_TRIES sends of one command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define WORD_RESET   0x00u
#define WORD_SLEEP   0x01u
#define WORD_IDLE    0x02u
#define WORD_COMMAND 0x03u

#define WAKE_LOW_US   80u
#define WAKE_DELAY_US 1500u
#define WAKE_TRIES    4
#define WAKE_SPEED_HZ 100000u
#define POLL_US       2000u
#define POLL_MAX      1500 /* 3 s: the longest command takes 2.4 s at the slowest clock */
#define READ_TRIES    3
#define SEND_TRIES    3

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

static rot_err
send_word(struct rot_chip *chip, uint8_t word)
{
    const struct rot_transport *t = chip->setup.transport;

    return t->i2c->write(t->self, state_of(chip)->address, &word, 1);
}

static void
wait_us(struct rot_chip *chip, uint32_t us)
{
    chip->setup.transport->line->delay_us(chip->setup.transport->self, us);
}

static rot_err
pull_low(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    uint8_t zero = 0;
    rot_err rc = ROT_OK;

    if (t->i2c->wake != NULL)
        return t->i2c->wake(t->self, WAKE_LOW_US);
    if (t->i2c->set_speed != NULL)
        rc = t->i2c->set_speed(t->self, WAKE_SPEED_HZ);
    if (rc != ROT_OK)
        return rc;
    /* Nobody acknowledges address 0: any answer is as good. */
    (void)t->i2c->write(t->self, 0, &zero, 1);
    return ROT_OK;
}

static rot_err
wake(struct rot_chip *chip)
{
    static const uint8_t awake[4] = {0x04, 0x11, 0x33, 0x43};
    const struct rot_transport *t = chip->setup.transport;
    int is_there = 0;
    rot_err rc = ROT_E_BUS;

    for (int i = 0; i < WAKE_TRIES; i++) {
        uint8_t rx[4] = {0};

        rc = pull_low(chip);
        if (rc != ROT_OK)
            return rc;
        wait_us(chip, i == 0 ? WAKE_DELAY_US : 10 * POLL_US);
        rc = t->i2c->read(t->self, state_of(chip)->address, rx, sizeof(rx));
        if (rc == ROT_OK && memcmp(rx, awake, sizeof(rx)) == 0)
            return ROT_OK;
        if (rc == ROT_OK && rx[1] == 0x07 && rx[0] == 4) {
            chip->raw_status = rx[1];
            return ROT_E_CHIP;
        }
        /* Awake with an older answer in its buffer, perhaps: let it idle, and again. */
        is_there |= send_word(chip, WORD_IDLE) == ROT_OK;
    }
    /* One of ours acknowledges nothing before it can say that it is awake. */
    if (rc >= 0 && is_there)
        return ROT_E_WRONG_PART;
    return rc < 0 ? rc : ROT_E_BUS;
}

static rot_err
poll_ready(struct rot_chip *chip)
{
    rot_err rc = ROT_BUSY;

    for (int i = 0; i < POLL_MAX && rc == ROT_BUSY; i++) {
        rc = send_word(chip, WORD_RESET);
        if (rc == ROT_BUSY)
            wait_us(chip, POLL_US);
    }
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}

static rot_err
receive_once(struct rot_chip *chip, size_t *ret_len)
{
    const struct rot_transport *t = chip->setup.transport;
    struct atecc_state *s = state_of(chip);
    rot_err rc = poll_ready(chip);

    if (rc == ROT_OK)
        rc = t->i2c->read(t->self, s->address, s->packet, 1);
    if (rc != ROT_OK)
        return rc < 0 ? rc : ROT_E_BUS;
    if (s->packet[0] < 4 || s->packet[0] > ATECC_PACKET_MAX)
        return ROT_E_BUS;
    rc = t->i2c->read(t->self, s->address, s->packet + 1, s->packet[0] - 1u);
    if (rc != ROT_OK)
        return rc < 0 ? rc : ROT_E_BUS;
    *ret_len = s->packet[0];
    return atecc_check_response(s->packet, s->packet[0]);
}

/* A damaged answer is read again; the command is not sent again. */
static rot_err
receive(struct rot_chip *chip, size_t *ret_len)
{
    rot_err rc = ROT_E_BUS;

    for (int i = 0; i < READ_TRIES && rc == ROT_E_BUS; i++)
        rc = receive_once(chip, ret_len);
    return rc;
}

static rot_err
take_answer(struct rot_chip *chip, size_t len, uint8_t *rx, size_t rx_len, int *ret_again)
{
    const uint8_t *p = state_of(chip)->packet;

    if (len == 4 && rx_len != 1) {
        chip->raw_status = p[1];
        *ret_again = p[1] == 0xff || p[1] == 0xee;
        if (p[1] == 0 && rx_len != 0)
            return ROT_E_FORMAT;
        return atecc_map_status(p[1]);
    }
    if (len != rx_len + 3)
        return ROT_E_FORMAT;
    memcpy(rx, p + 1, rx_len);
    return ROT_OK;
}

static rot_err
run_once(struct rot_chip *chip, const struct atecc_command *c, uint8_t *rx, size_t rx_len,
         int *ret_again)
{
    const struct rot_transport *t = chip->setup.transport;
    struct atecc_state *s = state_of(chip);
    size_t len = 0;
    rot_err rc = wake(chip);

    if (rc != ROT_OK)
        return rc;
    len = atecc_build_command(c, s->packet + 1);
    s->packet[0] = WORD_COMMAND;
    rc = len == 0 ? ROT_E_ARG : t->i2c->write(t->self, s->address, s->packet, len + 1);
    if (rc == ROT_BUSY) {
        *ret_again = 1; /* not acknowledged, so not run */
        rc = ROT_E_BUS;
    }
    if (rc == ROT_OK)
        rc = receive(chip, &len);
    if (rc == ROT_OK)
        rc = take_answer(chip, len, rx, rx_len, ret_again);
    (void)send_word(chip, WORD_IDLE);
    rot_wipe_memory(s->packet, sizeof(s->packet));
    return rc;
}

/* Commands that leave something else in TempKey, or nothing. */
static int
takes_tempkey(const struct atecc_command *c)
{
    switch (c->op) {
    case ATECC_OP_NONCE:
    case ATECC_OP_GENDIG:
    case ATECC_OP_GENKEY:
    case ATECC_OP_SIGN:
    case ATECC_OP_ECDH:
    case ATECC_OP_VERIFY:
    case ATECC_OP_MAC:
    case ATECC_OP_SECUREBOOT:
    case ATECC_OP_SELFTEST:
        return 1;
    default:
        return 0;
    }
}

rot_err
atecc_run(struct rot_chip *chip, const struct atecc_command *c, uint8_t *rx, size_t rx_len)
{
    rot_err rc = ROT_E_BUS;
    int again = 1;

    if (takes_tempkey(c))
        state_of(chip)->secret_len = 0;
    for (int i = 0; i < SEND_TRIES && again; i++) {
        again = 0;
        rc = run_once(chip, c, rx, rx_len, &again);
    }
    if (rc == ROT_OK)
        chip->raw_status = 0;
    /* It has refused, or perhaps lost its power: what we know of it may be old. */
    if (rc == ROT_E_CHIP)
        atecc_forget_config(chip, ATECC_BLOCK_LOCKS);
    if (rc == ROT_E_BUS) {
        atecc_forget_config(chip, ATECC_BLOCKS);
        state_of(chip)->has_point = 0;
    }
    return rc;
}

/* The address asked for, or else the three that parts are delivered with. */
rot_err
atecc_find(struct rot_chip *chip)
{
    static const uint8_t usual[] = {0x60, 0x36, 0x35};
    struct atecc_state *s = state_of(chip);
    rot_err rc = ROT_E_BUS;

    s->address = chip->setup.transport->address;
    if (s->address != 0) {
        rc = wake(chip);
    } else {
        for (size_t i = 0; i < sizeof(usual) && rc != ROT_OK; i++) {
            s->address = usual[i];
            rc = wake(chip);
        }
    }
    if (rc == ROT_OK)
        (void)send_word(chip, WORD_IDLE);
    return rc;
}

void
atecc_sleep(struct rot_chip *chip)
{
    if (state_of(chip)->address == 0)
        return;
    state_of(chip)->secret_len = 0;
    (void)pull_low(chip);
    wait_us(chip, WAKE_DELAY_US);
    (void)send_word(chip, WORD_SLEEP);
}
