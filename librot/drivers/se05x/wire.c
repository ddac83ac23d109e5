/*
 * wire.c: one command, one answer.
 *
 * A command is built in s->apdu and its answer comes to the same place: what is
 * to be kept of an answer is copied before the next command.
 *
 * A part that lost its power, or that another program has put to sleep, does not know
 * the conversation any more.  That shows in a few status words, and nothing was
 * done then: the command is sent again in a new one, once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define CLASS 0x80u

void
se05x_drop(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);

    rot_wipe_memory(&s->scp, sizeof(s->scp));
    s->is_ready = 0;
}

rot_err
se05x_exchange(struct rot_chip *chip, size_t start, size_t end, size_t *ret_len)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc;

    chip->raw_status = 0; /* without an answer there is none, nor an older one */
    rc = t1_i2c_exchange(&s->t1, s->apdu + start, end - start, s->apdu, sizeof(s->apdu), ret_len);
    if (rc == ROT_OK && *ret_len < 2)
        rc = ROT_E_FORMAT;
    if (rc != ROT_OK)
        se05x_drop(chip);
    return rc;
}

rot_err
se05x_status(struct rot_chip *chip, size_t len)
{
    const uint8_t *p = se05x_of(chip)->apdu + len - 2;
    uint32_t sw = (uint32_t)p[0] << 8 | p[1];

    chip->raw_status = sw == SE05X_SW_OK ? 0 : sw;
    return se05x_map_status(sw);
}

/* ---- Building ------------------------------------------------------------------- */

void
se05x_begin(struct rot_chip *chip, uint32_t op)
{
    struct se05x_state *s = se05x_of(chip);

    s->error = s->is_ready ? ROT_OK : se05x_connect(chip);
    s->command = (struct se05x_command){
        .header = {CLASS, (uint8_t)(op >> 16), (uint8_t)(op >> 8), (uint8_t)op},
        .is_long = (op & SE05X_LONG) != 0};
    s->about = 0;
}

void
se05x_begin_on(struct rot_chip *chip, uint32_t op, uint32_t id)
{
    se05x_begin(chip, op);
    se05x_put_number(chip, SE05X_TAG_1, id, 4);
    se05x_of(chip)->about = id;
}

/* One rule: its length, whom it is for (everybody), the rights. */
void
se05x_begin_new(struct rot_chip *chip, uint32_t op, uint32_t id, uint32_t rights)
{
    uint8_t rule[9] = {8};

    se05x_begin(chip, op);
    se05x_store_u32(rule + 5, rights);
    se05x_put(chip, SE05X_TAG_POLICY, rule, sizeof(rule));
    se05x_put_number(chip, SE05X_TAG_1, id, 4);
}

void
se05x_put(struct rot_chip *chip, enum se05x_tag tag, const void *p, size_t len)
{
    struct se05x_state *s = se05x_of(chip);

    se05x_add(&s->command, s->apdu, (uint8_t)tag, p, len);
}

void
se05x_put_number(struct rot_chip *chip, enum se05x_tag tag, uint32_t v, size_t len)
{
    uint8_t b[4];

    se05x_store_u32(b, v);
    se05x_put(chip, tag, b + 4 - len, len);
}

/* ---- Sending ---------------------------------------------------------------------- */

/* In a secure channel or in the clear. */
static rot_err
exchange(struct rot_chip *chip, size_t *ret_len)
{
    struct se05x_state *s = se05x_of(chip);
    size_t start = 0, end = 0;
    rot_err rc = ROT_OK;

    if (s->scp.is_on) {
        rc = se05x_wrap(chip->setup.port, &s->scp, &s->command, s->apdu, &start, &end);
    } else {
        start = se05x_put_head(&s->command, s->apdu, s->command.len);
        end = se05x_put_tail(&s->command, s->apdu, s->command.len);
    }
    return rc == ROT_OK ? se05x_exchange(chip, start, end, ret_len) : rc;
}

/* Status words of a part that does not know what we are talking about. */
static int
is_forgotten(uint32_t sw)
{
    return sw == SE05X_SW_SECURITY || sw == SE05X_SW_SM_MISSING || sw == SE05X_SW_SM_WRONG ||
           sw == SE05X_SW_INSTRUCTION || sw == SE05X_SW_CLASS;
}

static rot_err
run_once(struct rot_chip *chip, struct se05x_reader *ret_answer)
{
    struct se05x_state *s = se05x_of(chip);
    size_t len = 0, body;
    rot_err rc = exchange(chip, &len);

    if (rc != ROT_OK)
        return rc;
    body = len - 2;
    if (s->scp.is_on)
        rc = se05x_unwrap(chip->setup.port, &s->scp, s->apdu, len, &body);
    if (rc != ROT_OK) {
        se05x_drop(chip);
        return rc;
    }
    *ret_answer = (struct se05x_reader){s->apdu, body, 0};
    return se05x_status(chip, len);
}

/* Of the command only two bytes of its header are gone: the answer was a bare status word. */
static rot_err
begin_again(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    uint8_t *data = s->apdu + SE05X_HEAD, *aside = s->apdu + SE05X_ASIDE;
    rot_err rc = se05x_unwrap_command(chip->setup.port, &s->scp, &s->command, s->apdu);

    memmove(aside, data, s->command.len);
    if (rc == ROT_OK)
        rc = se05x_connect(chip);
    memmove(data, aside, s->command.len);
    return rc;
}

static rot_err
run(struct rot_chip *chip, struct se05x_reader *ret_answer)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc = s->error;

    if (rc == ROT_OK && s->command.is_bad)
        rc = ROT_E_ARG;
    if (rc != ROT_OK)
        return rc;
    rc = run_once(chip, ret_answer);
    if (rc == ROT_OK || !is_forgotten(chip->raw_status))
        return rc;
    rc = begin_again(chip);
    if (rc == ROT_OK)
        rc = run_once(chip, ret_answer);
    if (is_forgotten(chip->raw_status))
        se05x_drop(chip);
    return rc;
}

/* Yes or no. */
static rot_err
take_answer(struct se05x_reader *r, int *ret_yes)
{
    uint32_t answer = se05x_take_number(r, SE05X_TAG_1, 1);

    *ret_yes = answer == SE05X_YES;
    return se05x_take_end(r) == ROT_OK && (*ret_yes || answer == SE05X_NO) ? ROT_OK : ROT_E_FORMAT;
}

rot_err
se05x_exists(struct rot_chip *chip, uint32_t id, int *ret_there)
{
    struct se05x_reader r;
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_EXISTS, id);
    rc = run(chip, &r);
    return rc == ROT_OK ? take_answer(&r, ret_there) : rc;
}

/* The part has one word for many refusals. */
rot_err
se05x_run(struct rot_chip *chip, struct se05x_reader *ret_answer)
{
    uint32_t id = se05x_of(chip)->about, sw;
    int there = 1;
    rot_err rc = run(chip, ret_answer), asked;

    sw = chip->raw_status;
    if (rc == ROT_OK || sw != SE05X_SW_ABSENT || id == 0)
        return rc;
    asked = se05x_exists(chip, id, &there);
    if (asked != ROT_OK)
        return asked;
    chip->raw_status = sw;
    return there ? rc : ROT_E_EMPTY;
}

rot_err
se05x_run_plain(struct rot_chip *chip)
{
    struct se05x_reader r;
    rot_err rc = se05x_run(chip, &r);

    return rc == ROT_OK ? se05x_take_end(&r) : rc;
}

rot_err
se05x_run_value(struct rot_chip *chip, size_t len, struct rot_bytes *ret_value)
{
    struct se05x_reader r;
    rot_err rc = se05x_run(chip, &r);

    if (rc != ROT_OK)
        return rc;
    *ret_value = se05x_take(&r, SE05X_TAG_1);
    if (se05x_take_end(&r) != ROT_OK || ret_value->len == 0 || (len != 0 && ret_value->len != len))
        return ROT_E_FORMAT;
    return ROT_OK;
}

rot_err
se05x_run_secret(struct rot_chip *chip, uint8_t *out, size_t len)
{
    struct rot_bytes value;
    rot_err rc = se05x_run_value(chip, len, &value);

    if (rc == ROT_OK)
        memcpy(out, value.p, len);
    rot_wipe_memory(se05x_of(chip)->apdu, SE05X_BUFFER);
    return rc;
}

rot_err
se05x_run_question(struct rot_chip *chip, int *ret_yes)
{
    struct se05x_reader r;
    rot_err rc = se05x_run(chip, &r);

    return rc == ROT_OK ? take_answer(&r, ret_yes) : rc;
}
