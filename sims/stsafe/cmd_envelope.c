/*
 * cmd_envelope.c: Wrap and Unwrap local envelope.
 *
 * RFC 3394 under a key that only this part has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define PLAIN_MIN  16u /* RFC 3394 needs two blocks */
#define PLAIN_MAX  480u
#define CHECK_SIZE 8u

static int
read_request(struct stsafe_chip *c, struct rs_reader *in, size_t more, struct sim_aes *aes,
             struct rs_bytes *ret_data)
{
    unsigned slot = rs_read_u8(in);
    struct rs_bytes data = rs_read_bytes(in, in->left);

    if (!rs_reader_ok(in) || data.len % 8 != 0 || data.len < PLAIN_MIN + more ||
        data.len > PLAIN_MAX + more)
        return STSAFE_U_LENGTH_STATUS;
    if (slot >= STSAFE_ENVELOPE_MAX)
        return STSAFE_U_RANGE_STATUS;
    if (c->nvm.envelope[slot].len == 0)
        return STSAFE_KEY_NOT_FOUND;
    *aes = (struct sim_aes){c->nvm.envelope[slot].key, c->nvm.envelope[slot].len};
    *ret_data = data;
    return STSAFE_OK;
}

int
stsafe_do_wrap(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    struct sim_aes aes;
    struct rs_bytes data;
    uint8_t *room;
    int status = read_request(c, in, 0, &aes, &data);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    room = rs_buf_extend(out, data.len + CHECK_SIZE);
    if (room == NULL)
        return STSAFE_U_LONG_FRAME_STATUS;
    return sim_aes_wrap(aes, data, room) ? STSAFE_OK : STSAFE_UNEXPECTED;
}

int
stsafe_do_unwrap(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    struct sim_aes aes;
    struct rs_bytes data;
    uint8_t *room;
    int status = read_request(c, in, CHECK_SIZE, &aes, &data);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    room = rs_buf_extend(out, data.len - CHECK_SIZE);
    if (room == NULL)
        return STSAFE_U_LONG_FRAME_STATUS;
    return sim_aes_unwrap(aes, data, room) ? STSAFE_OK : STSAFE_U_UNWRAP_STATUS;
}
