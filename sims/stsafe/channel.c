/*
 * channel.c: the host's secure channel: C-MAC, R-MAC, encryption.
 *
 * Two AES keys and a counter that both sides keep (reference section 6).  A
 * C-MAC that is right raises the part's counter before the command runs, so
 * that the same bytes are never taken twice; the answer's R-MAC and both
 * initial values use the raised counter.
 *
 * All four begin with one form of block: counter, what it is for, 80, zeros.
 * For the R-MAC section 6 has a zero between the counter and 40; the vectors of
 * section 9 do not, and they decide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/crypto.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define FOR_CMAC      0x00
#define FOR_RMAC      0x40
#define FOR_COMMAND   0x80 /* its encryption */
#define FOR_ANSWER    0xC0
#define BLOCK_MARK    0x80
#define MARK_CMAC     0x00
#define MARK_RMAC     0x80
#define PADDING       0x80
#define MAC_INPUT_MAX (SIM_AES_BLOCK + 2 * (STSAFE_FRAME_MAX + 8))

static uint32_t
counter_max(const struct stsafe_chip *c)
{
    return c->spec->host_counter_size == 3 ? 0xFFFFFFu : 0xFFFFFFFFu;
}

/* The counter has 3 or 4 bytes. */
static void
make_block(const struct stsafe_chip *c, uint32_t counter, unsigned purpose,
           uint8_t block[SIM_AES_BLOCK])
{
    uint8_t four[4];
    size_t size = c->spec->host_counter_size;

    rs_set_u32(four, counter);
    memset(block, 0, SIM_AES_BLOCK);
    memcpy(block, four + 4 - size, size);
    block[size] = (uint8_t)purpose;
    block[size + 1] = BLOCK_MARK;
}

static void
put_block(const struct stsafe_chip *c, uint32_t counter, unsigned purpose, struct rs_buf *b)
{
    uint8_t block[SIM_AES_BLOCK];

    make_block(c, counter, purpose, block);
    rs_buf_put(b, block, sizeof(block));
}

static void
put_command(const struct stsafe_command *cmd, struct rs_buf *b)
{
    rs_buf_put_u8(b, cmd->header);
    if (cmd->code == STSAFE_EXTENDED)
        rs_buf_put_u8(b, cmd->extended);
    rs_buf_put_u16(b, (unsigned)cmd->len);
    rs_buf_put(b, cmd->payload, cmd->len);
}

static int
take_mac(const struct stsafe_host_key *key, const struct rs_buf *b, uint8_t mac[STSAFE_MAC_SIZE])
{
    struct sim_aes aes = {key->mac, key->len};
    uint8_t full[SIM_AES_BLOCK];

    if (!rs_buf_ok(b) || !sim_aes_cmac(aes, rs_buf_bytes(b), full))
        return 0;
    memcpy(mac, full, STSAFE_MAC_SIZE);
    return 1;
}

int
stsafe_channel_open(struct stsafe_chip *c, struct stsafe_command *cmd)
{
    const struct stsafe_host_key *key = &c->nvm.host;
    uint8_t room[MAC_INPUT_MAX], mac[STSAFE_MAC_SIZE];
    struct rs_buf b;

    if (!(cmd->header & STSAFE_FLAG_CMAC))
        return STSAFE_OK;
    if (key->len == 0)
        return STSAFE_U_NO_HOST_KEY_STATUS;
    if (key->counter >= counter_max(c))
        return STSAFE_MAC_COUNTER_SPENT;
    rs_buf_init_fixed(&b, room, sizeof(room));
    put_block(c, key->counter, FOR_CMAC, &b);
    rs_buf_put_u8(&b, MARK_CMAC);
    put_command(cmd, &b);
    if (!take_mac(key, &b, mac) || CRYPTO_memcmp(mac, cmd->mac, sizeof(mac)) != 0)
        return STSAFE_INVALID_MAC;
    stsafe_store_counter(c, key->counter + 1);
    cmd->key = *key;
    cmd->host = 1;
    return STSAFE_OK;
}

void
stsafe_channel_rmac(const struct stsafe_chip *c, const struct stsafe_command *cmd, unsigned header,
                    struct rs_bytes payload, uint8_t mac[STSAFE_MAC_SIZE])
{
    uint8_t room[MAC_INPUT_MAX];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, sizeof(room));
    put_block(c, cmd->key.counter, FOR_RMAC, &b);
    rs_buf_put_u8(&b, MARK_RMAC);
    put_command(cmd, &b);
    rs_buf_put_u8(&b, header);
    rs_buf_put_u16(&b, (unsigned)payload.len);
    rs_buf_put_bytes(&b, payload);
    if (!take_mac(&cmd->key, &b, mac))
        memset(mac, 0, STSAFE_MAC_SIZE);
    if (c->quirk == STSAFE_QUIRK_WRONG_RMAC)
        mac[0] ^= 0x01;
}

static int
make_iv(const struct stsafe_chip *c, const struct stsafe_command *cmd, unsigned purpose,
        uint8_t iv[SIM_AES_BLOCK])
{
    struct sim_aes aes = {cmd->key.cipher, cmd->key.len};
    uint8_t block[SIM_AES_BLOCK];

    make_block(c, cmd->key.counter, purpose, block);
    return sim_aes_ecb(aes, 1, RS_BYTES(block), iv);
}

/* Zeros back to the mark; 0: no padding. */
static int
strip_padding(const uint8_t *p, size_t *len)
{
    size_t n = *len;

    while (n > 0 && p[n - 1] == 0)
        n--;
    if (n == 0 || p[n - 1] != PADDING || *len - n >= SIM_AES_BLOCK)
        return 0;
    *len = n - 1;
    return 1;
}

int
stsafe_channel_decrypt(const struct stsafe_chip *c, const struct stsafe_command *cmd,
                       uint8_t *plain, size_t *ret_len)
{
    struct sim_aes aes = {cmd->key.cipher, cmd->key.len};
    uint8_t iv[SIM_AES_BLOCK];
    size_t len = cmd->len;

    if (!make_iv(c, cmd, FOR_COMMAND, iv) ||
        !sim_aes_cbc(aes, 0, iv, rs_bytes_of(cmd->payload, cmd->len), plain) ||
        !strip_padding(plain, &len))
        return STSAFE_U_UNWRAP_STATUS;
    *ret_len = len;
    return STSAFE_OK;
}

int
stsafe_channel_encrypt(const struct stsafe_chip *c, const struct stsafe_command *cmd,
                       struct rs_buf *out)
{
    struct sim_aes aes = {cmd->key.cipher, cmd->key.len};
    uint8_t iv[SIM_AES_BLOCK];

    if (out->len == 0 && !STSAFE_U_ENCRYPT_EMPTY)
        return STSAFE_OK;
    rs_buf_put_u8(out, PADDING);
    while (rs_buf_ok(out) && out->len % SIM_AES_BLOCK != 0)
        rs_buf_put_u8(out, 0);
    if (!rs_buf_ok(out))
        return STSAFE_U_LONG_FRAME_STATUS;
    if (!make_iv(c, cmd, FOR_ANSWER, iv) || !sim_aes_cbc(aes, 1, iv, rs_buf_bytes(out), out->p))
        return STSAFE_UNEXPECTED;
    return STSAFE_OK;
}
