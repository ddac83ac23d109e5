/*
 * wire.c: one command after another.
 *
 * A host writes a command, asks the status register until an answer is ready, and reads
 * the answer, first its length and then the rest.  An answer stands until the next
 * command, so a damaged one is read again; a command is sent again only when the part
 * says that it could not read it.  Nothing in an answer says which command it is for:
 * who sits on the bus can give an old one.
 *
 * Bounds: a part that does not acknowledge is given 60 ms, one that works 1 s; one that
 * works acknowledges its status register, and is given up after 20 ms when it does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define WAKE_TRIES  12u /* longer than any command of somebody before us takes */
#define POLLS       500u
#define TRIES       3u
#define SILENT_MAX  10u /* polls that nobody acknowledges: longer than a part takes to wake */
#define STRANGE_MAX 3u  /* states that there are not: something else answers */
#define HEADER      7u  /* instruction, length, opcode, mode, handle */
#define LENGTH      2u
#define CRC         2u
#define AT_LENGTH   1u
#define AT_OPCODE   3u

/* Bytes that an off-by-some, planted to prove the fuzz target, reads too far. */
#ifdef RS_PLANTED_BUG_ta100_response
#define SLACK 16u
#else
#define SLACK 0u
#endif

/* ---- A command under construction --------------------------------------------------- */

void
ta100_begin(struct rot_chip *chip, enum ta100_op op, unsigned mode, uint32_t handle)
{
    struct ta100_state *s = ta100_of(chip);
    const uint8_t head[] = {(uint8_t)op, (uint8_t)mode, (uint8_t)(handle >> 8), (uint8_t)handle};

    s->buf[0] = TA100_WORD_COMMAND;
    memcpy(s->buf + AT_OPCODE, head, sizeof(head));
    s->len = HEADER;
    s->is_bad = 0;
}

void
ta100_put(struct rot_chip *chip, const void *p, size_t len)
{
    struct ta100_state *s = ta100_of(chip);

    if (len > sizeof(s->buf) - CRC - s->len) {
        s->is_bad = 1;
        return;
    }
    if (len != 0)
        memcpy(s->buf + s->len, p, len);
    s->len += len;
}

void
ta100_put_u16(struct rot_chip *chip, size_t v)
{
    const uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

    ta100_put(chip, b, sizeof(b));
}

void
ta100_put_field(struct rot_chip *chip, struct rot_bytes field)
{
    ta100_put_u16(chip, field.len);
    ta100_put(chip, field.p, field.len);
}

void
ta100_forget(struct rot_chip *chip)
{
    struct ta100_state *s = ta100_of(chip);

    rot_wipe_memory(s->buf, sizeof(s->buf));
}

/* ---- The bus ---------------------------------------------------------------------------- */

/* Not acknowledged: asleep, just powered, or still at what somebody else asked. */
static rot_err
write_patiently(struct rot_chip *chip, const uint8_t *tx, size_t len)
{
    const struct rot_transport *t = chip->setup.transport;

    for (unsigned i = 0; i < WAKE_TRIES; i++) {
        rot_err rc = t->i2c->write(t->self, ta100_of(chip)->address, tx, len);

        if (rc != ROT_BUSY)
            return rc;
        t->line->delay_us(t->self, TA100_WAKE_US);
    }
    return ROT_E_BUS;
}

static rot_err
choose(struct rot_chip *chip, uint8_t word)
{
    const struct rot_transport *t = chip->setup.transport;

    return t->i2c->write(t->self, ta100_of(chip)->address, &word, 1);
}

static rot_err
take(struct rot_chip *chip, uint8_t *rx, size_t len)
{
    const struct rot_transport *t = chip->setup.transport;

    return t->i2c->read(t->self, ta100_of(chip)->address, rx, len);
}

/* ROT_BUSY: not acknowledged. */
static rot_err
read_state(struct rot_chip *chip, uint8_t *ret_state)
{
    rot_err rc = choose(chip, TA100_WORD_STATUS);

    return rc == ROT_OK ? take(chip, ret_state, 1) : rc;
}

static int
is_state(uint8_t state)
{
    return state == TA100_STATUS_NOTHING || state == TA100_STATUS_READY ||
           state == TA100_STATUS_RUNNING;
}

static rot_err
wait_ready(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    unsigned silent = 0, strange = 0;

    for (unsigned i = 0; i < POLLS && silent < SILENT_MAX; i++) {
        uint8_t state = TA100_STATUS_RUNNING;
        rot_err rc;

        t->line->delay_us(t->self, TA100_POLL_US);
        rc = read_state(chip, &state);
        if (rc != ROT_OK && rc != ROT_BUSY)
            return rc;
        silent = rc == ROT_OK ? 0 : silent + 1;
        if (state == TA100_STATUS_READY)
            return ROT_OK;
        if (state == TA100_STATUS_NOTHING) /* it has lost power, and the command with it */
            return ROT_E_BUS;
        if (!is_state(state) && ++strange == STRANGE_MAX)
            return ROT_E_FORMAT;
    }
    return ROT_E_BUS;
}

/* One of ours takes no byte that is none of its instructions, and has three states. */
int
ta100_is_another(struct rot_chip *chip)
{
    static const uint8_t nothing = 0;
    const struct rot_transport *t = chip->setup.transport;
    uint8_t state = TA100_STATUS_NOTHING;

    if (t->i2c->write(t->self, ta100_of(chip)->address, &nothing, 1) == ROT_OK)
        return 1;
    return read_state(chip, &state) == ROT_OK && !is_state(state);
}

/* An answer of five bytes leaves the command in the buffer, so that it can be sent again. */
static rot_err
read_answer(struct rot_chip *chip, uint8_t *ret_status, struct rot_bytes *ret_data)
{
    uint8_t *buf = ta100_of(chip)->buf, head[TA100_ANSWER_MIN];
    size_t n;
    int is_short;
    rot_err rc = choose(chip, TA100_WORD_ANSWER);

    if (rc == ROT_OK)
        rc = take(chip, head, LENGTH);
    if (rc != ROT_OK)
        return rc;
    n = (size_t)head[0] << 8 | head[1];
    if (n < TA100_ANSWER_MIN || n > TA100_PACKET_MAX + SLACK)
        return ROT_BUSY;
    is_short = n == TA100_ANSWER_MIN;
    if (!is_short)
        memcpy(buf, head, LENGTH);
    rc = take(chip, (is_short ? head : buf) + LENGTH, n - LENGTH);
    if (rc != ROT_OK)
        return rc;
    rc = ta100_answer_read(is_short ? head : buf, n, ret_status, ret_data);
    if (is_short)
        *ret_data = (struct rot_bytes){NULL, 0};
    return rc == ROT_E_BUS ? ROT_BUSY : rc;
}

/* ROT_BUSY from above: damaged, or not acknowledged; it is there to be read again. */
static rot_err
read_repeatedly(struct rot_chip *chip, uint8_t *ret_status, struct rot_bytes *ret_data)
{
    rot_err rc = ROT_BUSY;

    for (unsigned i = 0; i < TRIES && rc == ROT_BUSY; i++)
        rc = read_answer(chip, ret_status, ret_data);
    return rc == ROT_BUSY ? ROT_E_BUS : rc;
}

/* ---- Commands ---------------------------------------------------------------------------- */

rot_err
ta100_run(struct rot_chip *chip, struct rot_bytes *ret_data)
{
    struct ta100_state *s = ta100_of(chip);
    uint8_t status = TA100_E_CRC;
    size_t n = s->len + CRC;
    rot_err rc = ROT_OK;

    if (s->is_bad)
        return ROT_E_ARG;
    ta100_command_end(s->buf + AT_LENGTH, n - AT_LENGTH);
    for (unsigned i = 0; i < TRIES && rc == ROT_OK && status == TA100_E_CRC; i++) {
        rc = write_patiently(chip, s->buf, n);
        if (rc == ROT_OK)
            rc = wait_ready(chip);
        if (rc == ROT_OK)
            rc = read_repeatedly(chip, &status, ret_data);
    }
    if (rc == ROT_OK) {
        chip->raw_status = status;
        rc = ta100_map_status(status);
    }
    if (rc == ROT_E_BUS) /* it has lost its power, perhaps: what we know may be old */
        ta100_see_nothing(chip);
    return rc;
}

rot_err
ta100_run_into(struct rot_chip *chip, uint8_t *out, size_t len)
{
    struct rot_bytes data = {NULL, 0};
    rot_err rc = ta100_run(chip, &data);

    if (rc == ROT_OK && data.len != len)
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK && len != 0)
        memcpy(out, data.p, len);
    return rc;
}

rot_err
ta100_run_plain(struct rot_chip *chip)
{
    return ta100_run_into(chip, NULL, 0);
}
