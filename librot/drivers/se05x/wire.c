/*
 * wire.c: one command, one answer.
 *
 * A command is built in s->apdu and its answer comes to the same place: what is
 * to be kept of an answer is copied before the next command.
 *
 * A part that lost its power, or that another program has put to sleep, does not know
 * the conversation any more.  That shows in a few status words, and nothing was
 * done then: the call may be made again, once.
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
}

void
se05x_begin_on(struct rot_chip *chip, uint32_t op, uint32_t id)
{
    se05x_begin(chip, op);
    se05x_put_u32(chip, SE05X_TAG_1, id);
}

/* One rule: its length, whom it is for (everybody), the rights. */
void
se05x_begin_new(struct rot_chip *chip, uint32_t op, uint32_t id, uint32_t rights)
{
    uint8_t rule[9] = {8};

    se05x_begin(chip, op);
    se05x_store_u32(rule + 5, rights);
    se05x_put(chip, SE05X_TAG_POLICY, rule, sizeof(rule));
    se05x_put_u32(chip, SE05X_TAG_1, id);
}

void
se05x_put(struct rot_chip *chip, enum se05x_tag tag, const void *p, size_t len)
{
    struct se05x_state *s = se05x_of(chip);

    se05x_add(&s->command, s->apdu, (uint8_t)tag, p, len);
}

void
se05x_put_u8(struct rot_chip *chip, enum se05x_tag tag, uint8_t v)
{
    se05x_put(chip, tag, &v, 1);
}

void
se05x_put_u16(struct rot_chip *chip, enum se05x_tag tag, unsigned v)
{
    uint8_t b[2];

    se05x_store_u16(b, v);
    se05x_put(chip, tag, b, 2);
}

void
se05x_put_u32(struct rot_chip *chip, enum se05x_tag tag, uint32_t v)
{
    uint8_t b[4];

    se05x_store_u32(b, v);
    se05x_put(chip, tag, b, 4);
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

rot_err
se05x_run(struct rot_chip *chip, struct se05x_reader *ret_answer)
{
    struct se05x_state *s = se05x_of(chip);
    size_t len = 0, body;
    rot_err rc = s->error;

    if (rc == ROT_OK && s->command.is_bad)
        rc = ROT_E_ARG;
    if (rc == ROT_OK)
        rc = exchange(chip, &len);
    if (rc != ROT_OK)
        return rc;
    body = len - 2;
    if (s->scp.is_on)
        rc = se05x_unwrap(chip->setup.port, &s->scp, s->apdu, len, &body);
    if (rc != ROT_OK) {
        se05x_drop(chip);
        return rc;
    }
    rc = se05x_status(chip, len);
    if (is_forgotten(chip->raw_status)) {
        s->is_stale = 1;
        se05x_drop(chip);
    }
    *ret_answer = (struct se05x_reader){s->apdu, body, 0};
    return rc;
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
    struct rot_bytes answer;
    rot_err rc = se05x_run_value(chip, 1, &answer);

    if (rc != ROT_OK)
        return rc;
    *ret_yes = answer.p[0] == SE05X_YES;
    return *ret_yes || answer.p[0] == SE05X_NO ? ROT_OK : ROT_E_FORMAT;
}

int
se05x_is_worth_again(struct rot_chip *chip, rot_err rc, unsigned *again)
{
    return rc != ROT_OK && se05x_of(chip)->is_stale && (*again)++ == 0;
}
