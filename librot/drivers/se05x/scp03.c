/*
 * scp03.c: the secure channel (ref 7; GlobalPlatform Card Specification,
 * Amendment D): commands and answers encrypted by AES-128-CBC and chained by
 * AES-CMAC.
 *
 * The counter that the initial vectors come from goes up with every command, also
 * one that the part refused; the answer uses its command's.  To applets before 4.3 a
 * command without data is none: the answer to it uses the counter of the one before.
 * A refusal comes bare: the part signs no error.
 *
 * The port's AES-CBC is all the encryption that is needed: a single block with a zero
 * vector is ECB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define BLOCK 16u
#define SEEN  8u /* bytes of a MAC that travel */

#define CLASS_SECURE     0x84u
#define EXTERNAL         0x82u /* EXTERNAL AUTHENTICATE */
#define SECURITY_LEVEL   0x33u /* MAC and encryption of commands and answers */
#define ANSWER_DIRECTION 0x80u
#define PADDING          0x80u
#define WARNING_MASK     0xff00u

/* Constants of the derivation. */
#define DERIVE_CARD 0x00u
#define DERIVE_HOST 0x01u
#define DERIVE_ENC  0x04u
#define DERIVE_MAC  0x06u
#define DERIVE_RMAC 0x07u

static struct rot_bytes
key_of(const uint8_t key[BLOCK])
{
    return (struct rot_bytes){key, BLOCK};
}

/* SP 800-108 in counter mode with AES-CMAC; one block is all that is ever derived. */
static rot_err
derive(const struct rot_port *port, const uint8_t key[BLOCK], uint8_t constant, unsigned bits,
       const uint8_t challenges[16], uint8_t out[BLOCK])
{
    uint8_t label[BLOCK] = {0};
    const struct rot_bytes parts[] = {{label, BLOCK}, {challenges, 16}};

    label[11] = constant;
    se05x_store_u16(label + 13, bits);
    label[15] = 1;
    return port->ops->aes_cmac(port->self, key_of(key), parts, 2, out);
}

static rot_err
derive_cryptogram(const struct rot_port *port, const uint8_t key[BLOCK], uint8_t constant,
                  const uint8_t challenges[16], uint8_t out[SEEN])
{
    uint8_t block[BLOCK];
    rot_err rc = derive(port, key, constant, 8 * SEEN, challenges, block);

    if (rc == ROT_OK)
        memcpy(out, block, SEEN);
    rot_wipe_memory(block, sizeof(block));
    return rc;
}

rot_err
se05x_derive_session(const struct rot_port *port, const uint8_t keys[SE05X_KEYS],
                     const uint8_t challenges[16], struct se05x_channel *ch,
                     struct se05x_cryptograms *ret_cryptograms)
{
    const uint8_t *enc = keys, *mac = keys + BLOCK;
    rot_err rc = derive(port, enc, DERIVE_ENC, 8 * BLOCK, challenges, ch->enc);

    if (rc == ROT_OK)
        rc = derive(port, mac, DERIVE_MAC, 8 * BLOCK, challenges, ch->mac);
    if (rc == ROT_OK)
        rc = derive(port, mac, DERIVE_RMAC, 8 * BLOCK, challenges, ch->rmac);
    if (rc == ROT_OK)
        rc = derive_cryptogram(port, ch->mac, DERIVE_CARD, challenges, ret_cryptograms->card);
    if (rc == ROT_OK)
        rc = derive_cryptogram(port, ch->mac, DERIVE_HOST, challenges, ret_cryptograms->host);
    memset(ch->chain, 0, sizeof(ch->chain));
    ch->counter = 1;
    ch->is_on = 0;
    return rc;
}

/* The next chaining value, over what stands from start to end; its first bytes go behind that. */
static rot_err
chain(const struct rot_port *port, struct se05x_channel *ch, uint8_t *buf, size_t start, size_t end)
{
    const struct rot_bytes parts[] = {{ch->chain, BLOCK}, {buf + start, end - start}};
    uint8_t next[BLOCK];
    rot_err rc = port->ops->aes_cmac(port->self, key_of(ch->mac), parts, 2, next);

    if (rc != ROT_OK)
        return rc;
    memcpy(ch->chain, next, BLOCK);
    memcpy(buf + end, next, SEEN);
    return ROT_OK;
}

rot_err
se05x_put_authenticate(const struct rot_port *port, struct se05x_channel *ch, const uint8_t host[8],
                       uint8_t *buf, size_t *ret_start, size_t *ret_end)
{
    const struct se05x_command c = {.header = {CLASS_SECURE, EXTERNAL, SECURITY_LEVEL, 0}};

    memcpy(buf + SE05X_HEAD, host, 8);
    *ret_start = se05x_put_head(&c, buf, 8 + SEEN);
    *ret_end = SE05X_HEAD + 8 + SEEN;
    return chain(port, ch, buf, *ret_start, SE05X_HEAD + 8);
}

/* The initial vector of a command, or of the answer to it. */
static rot_err
make_iv(const struct rot_port *port, const struct se05x_channel *ch, uint8_t direction,
        uint8_t iv[BLOCK])
{
    uint8_t zero[BLOCK] = {0};

    memset(iv, 0, BLOCK);
    iv[0] = direction;
    se05x_store_u32(iv + 12, ch->counter);
    return port->ops->aes_cbc(port->self, key_of(ch->enc), zero, 1, iv, BLOCK, iv);
}

static size_t
pad(uint8_t *p, size_t len)
{
    p[len++] = PADDING;
    while (len % BLOCK != 0)
        p[len++] = 0;
    return len;
}

rot_err
se05x_wrap(const struct rot_port *port, struct se05x_channel *ch, const struct se05x_command *c,
           uint8_t *buf, size_t *ret_start, size_t *ret_end)
{
    struct se05x_command secure = *c;
    uint8_t iv[BLOCK], *data = buf + SE05X_HEAD;
    size_t len = 0;
    rot_err rc = ROT_OK;

    secure.header[0] |= 0x04u;
    secure.is_long = c->is_long && c->len != 0;
    if (c->len == 0 && ch->skips_dataless)
        ch->counter--;
    if (c->len != 0) {
        len = pad(data, c->len);
        rc = make_iv(port, ch, 0, iv);
        if (rc == ROT_OK)
            rc = port->ops->aes_cbc(port->self, key_of(ch->enc), iv, 1, data, len, data);
    }
    *ret_start = se05x_put_head(&secure, buf, len + SEEN);
    if (rc == ROT_OK)
        rc = chain(port, ch, buf, *ret_start, SE05X_HEAD + len);
    *ret_end = se05x_put_tail(&secure, buf, len + SEEN);
    return rc;
}

rot_err
se05x_unwrap_command(const struct rot_port *port, struct se05x_channel *ch,
                     const struct se05x_command *c, uint8_t *buf)
{
    uint8_t iv[BLOCK], *data = buf + SE05X_HEAD;
    rot_err rc;

    if (!ch->is_on || c->len == 0)
        return ROT_OK;
    ch->counter--; /* the refusal has counted */
    rc = make_iv(port, ch, 0, iv);
    return rc == ROT_OK ? port->ops->aes_cbc(port->self, key_of(ch->enc), iv, 0, data,
                                             c->len + BLOCK - c->len % BLOCK, data)
                        : rc;
}

/* ---- Answers --------------------------------------------------------------------------- */

/* Whether an answer with this status word carries a MAC. */
static int
is_signed(unsigned sw)
{
    return sw == SE05X_SW_OK || (sw & WARNING_MASK) == 0x6200u || (sw & WARNING_MASK) == 0x6300u;
}

/* The bytes in front of the padding; ROT_E_BUS when there is none. */
static rot_err
unpad(const uint8_t *p, size_t len, size_t *ret_len)
{
    while (len != 0 && p[len - 1] == 0)
        len--;
    if (len == 0 || p[len - 1] != PADDING)
        return ROT_E_BUS;
    *ret_len = len - 1;
    return ROT_OK;
}

static rot_err
check_mac(const struct rot_port *port, const struct se05x_channel *ch, const uint8_t *buf,
          size_t body, const uint8_t sw[2])
{
    const struct rot_bytes parts[] = {{ch->chain, BLOCK}, {buf, body}, {sw, 2}};
    uint8_t mac[BLOCK];
    rot_err rc = port->ops->aes_cmac(port->self, key_of(ch->rmac), parts, 3, mac);

    if (rc == ROT_OK && !rot_equal(mac, buf + body, SEEN))
        rc = ROT_E_BUS;
    return rc;
}

static rot_err
open_answer(const struct rot_port *port, const struct se05x_channel *ch, uint8_t *buf, size_t len,
            size_t *ret_len)
{
    uint8_t iv[BLOCK];
    size_t body = len - SEEN - 2;
    rot_err rc;

    if (body % BLOCK != 0)
        return ROT_E_BUS;
    rc = check_mac(port, ch, buf, body, buf + len - 2);
    *ret_len = 0;
    if (rc != ROT_OK || body == 0)
        return rc;
    rc = make_iv(port, ch, ANSWER_DIRECTION, iv);
    if (rc == ROT_OK)
        rc = port->ops->aes_cbc(port->self, key_of(ch->enc), iv, 0, buf, body, buf);
    return rc == ROT_OK ? unpad(buf, body, ret_len) : rc;
}

rot_err
se05x_unwrap(const struct rot_port *port, struct se05x_channel *ch, uint8_t *buf, size_t len,
             size_t *ret_len)
{
    unsigned sw = (unsigned)buf[len - 2] << 8 | buf[len - 1];
    rot_err rc = ROT_OK;

    *ret_len = 0;
    if (!is_signed(sw))
        rc = len == 2 ? ROT_OK : ROT_E_BUS;
    else if (len < SEEN + 2)
        rc = ROT_E_BUS;
    else
        rc = open_answer(port, ch, buf, len, ret_len);
    ch->counter++;
    return rc;
}

/* ---- New keys ---------------------------------------------------------------------------- */

/* One block encrypted by itself. */
static rot_err
encrypt_block(const struct rot_port *port, const uint8_t key[BLOCK], const uint8_t in[BLOCK],
              uint8_t out[BLOCK])
{
    uint8_t zero[BLOCK] = {0};

    return port->ops->aes_cbc(port->self, key_of(key), zero, 1, in, BLOCK, out);
}

/* Type, lengths, the key encrypted, and three bytes that show which key it is. */
static rot_err
put_key(const struct rot_port *port, const uint8_t dek[BLOCK], const uint8_t key[BLOCK],
        uint8_t out[SE05X_PUT_KEY_ONE])
{
    uint8_t ones[BLOCK], check[BLOCK];
    rot_err rc = encrypt_block(port, dek, key, out + 3);

    memset(ones, 1, sizeof(ones));
    if (rc == ROT_OK)
        rc = encrypt_block(port, key, ones, check);
    if (rc != ROT_OK)
        return rc;
    out[0] = SE05X_KEY_TYPE_AES;
    out[1] = BLOCK + 1;
    out[2] = BLOCK;
    out[19] = 3;
    memcpy(out + 20, check, 3);
    return ROT_OK;
}

rot_err
se05x_put_keys(const struct rot_port *port, const uint8_t dek[16], uint8_t version,
               const uint8_t keys[SE05X_KEYS], uint8_t out[SE05X_PUT_KEY_SIZE])
{
    rot_err rc = ROT_OK;

    out[0] = version;
    for (unsigned i = 0; i < 3 && rc == ROT_OK; i++)
        rc = put_key(port, dek, keys + i * BLOCK, out + 1 + i * SE05X_PUT_KEY_ONE);
    return rc;
}
