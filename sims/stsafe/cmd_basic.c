/*
 * cmd_basic.c: Echo, Reset, Generate random, Hibernate, Standby, and what there
 * is of passwords.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define RANDOM_SUBJECT 0x00
#define TAG_PASSWORD   0x09
#define PASSWORD_SIZE  16
#define WAKE_BY_START  0x01
#define WAKE_BY_RESET  0x02

int
stsafe_do_echo(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    (void)c;
    (void)cmd;
    rs_buf_put_bytes(out, rs_read_bytes(in, in->left));
    return STSAFE_OK;
}

int
stsafe_do_reset(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    stsafe_volatile_clear(c);
    return STSAFE_OK;
}

int
stsafe_do_random(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    unsigned subject = rs_read_u8(in), size = rs_read_u8(in);
    uint8_t bytes[255];
    int status = stsafe_read_end(in);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    if (subject != RANDOM_SUBJECT || size == 0)
        return STSAFE_U_RANGE_STATUS;
    c->run.host->random(c->run.host->self, bytes, size);
    rs_buf_put(out, bytes, size);
    return STSAFE_OK;
}

int
stsafe_do_hibernate(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    unsigned wake = rs_read_u8(in);
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (wake != WAKE_BY_START && wake != WAKE_BY_RESET)
        return STSAFE_U_RANGE_STATUS;
    c->sleep_next = wake == WAKE_BY_START ? STSAFE_HIBERNATE : STSAFE_HIBERNATE_RESET;
    return STSAFE_OK;
}

int
stsafe_do_standby(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                  struct rs_buf *out)
{
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status == STSAFE_OK)
        c->sleep_next = STSAFE_STANDBY;
    return status;
}

int
stsafe_do_delete(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    unsigned tag = rs_read_u8(in);
    int status = stsafe_read_end(in);

    (void)c;
    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    return tag == TAG_PASSWORD ? STSAFE_U_NO_PASSWORD_STATUS : STSAFE_U_TAG_STATUS;
}

int
stsafe_do_password(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    int status;

    (void)c;
    (void)cmd;
    (void)out;
    (void)rs_read_bytes(in, PASSWORD_SIZE);
    status = stsafe_read_end(in);
    return status == STSAFE_OK ? STSAFE_U_NO_PASSWORD_STATUS : status;
}
