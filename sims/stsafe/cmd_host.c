/*
 * cmd_host.c: the one place where a host key is written, and the command that has it in clear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define RECORD_HEAD 4 /* 00 00 00 type */

/* The first key goes in the way that control allows; the next needs reprovisioning and its holder. */
static int
may_write(const struct stsafe_chip *c, const struct stsafe_command *cmd, int is_open)
{
    if (!is_open)
        return 0;
    if (c->nvm.host.len == 0)
        return 1;
    return c->nvm.host_control.flags & STSAFE_CONTROL_REPROVISION &&
           (cmd->host || !STSAFE_U_REPLACE_NEEDS_HOST);
}

int
stsafe_host_key_write(struct stsafe_chip *c, const struct stsafe_command *cmd, int is_open,
                      unsigned type, struct rs_bytes keys)
{
    struct stsafe_host_key key = {
        .len = (uint8_t)(keys.len / 2), .type = (uint8_t)type, .counter = STSAFE_U_COUNTER_START};

    if (keys.len != 32 && keys.len != 64)
        return STSAFE_U_LENGTH_STATUS;
    if (type != (key.len == 16 ? STSAFE_U_HOST_TYPE_AES128 : STSAFE_U_HOST_TYPE_AES256))
        return STSAFE_U_RANGE_STATUS;
    if (!may_write(c, cmd, is_open))
        return STSAFE_ACCESS;
    memcpy(key.mac, keys.p, key.len);
    memcpy(key.cipher, keys.p + key.len, key.len);
    return stsafe_store_whole(c, &c->nvm.host, &key, sizeof(key));
}

int
stsafe_host_record_write(struct stsafe_chip *c, const struct stsafe_command *cmd, int is_open,
                         struct rs_bytes record)
{
    static const uint8_t zeros[RECORD_HEAD - 1] = {0};

    if (record.len < RECORD_HEAD)
        return STSAFE_U_LENGTH_STATUS;
    if (memcmp(record.p, zeros, sizeof(zeros)) != 0)
        return STSAFE_U_RANGE_STATUS;
    return stsafe_host_key_write(c, cmd, is_open, record.p[RECORD_HEAD - 1],
                                 rs_bytes_of(record.p + RECORD_HEAD, record.len - RECORD_HEAD));
}

int
stsafe_do_host_plain(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                     struct rs_buf *out)
{
    (void)out;
    return stsafe_host_record_write(c, cmd, c->nvm.host_control.flags & STSAFE_CONTROL_PLAIN,
                                    rs_read_bytes(in, in->left));
}
