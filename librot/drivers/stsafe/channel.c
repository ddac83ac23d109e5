/*
 * channel.c: the arithmetic of the host secure channel (section 6).
 *
 * Everything begins with one kind of block: the counter, a byte that says what
 * it is for, 0x80, zeroes.  It is the first block of a MAC, or gives the IV.  A
 * command uses the part's counter for its MAC and the next value for its
 * encryption; the answer uses that next value for both.
 *
 * MACs cover what travels, so the cipher text; padding is there always.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define BLOCK 16u

enum use { COMMAND_MAC = 0x00, ANSWER_MAC = 0x40, COMMAND_CIPHER = 0x80, ANSWER_CIPHER = 0xc0 };

int
stsafe_has_crypto(const struct rot_port *port)
{
    return port->ops->aes_cmac != NULL && port->ops->aes_ecb != NULL && port->ops->aes_cbc != NULL;
}

static void
make_block(const struct stsafe_crypto *c, uint32_t counter, enum use use, uint8_t out[BLOCK])
{
    memset(out, 0, BLOCK);
    for (unsigned i = 0; i < c->width; i++)
        out[i] = (uint8_t)(counter >> 8 * (c->width - 1u - i));
    out[c->width] = (uint8_t)use;
    out[c->width + 1] = 0x80;
}

static struct rot_bytes
mac_key(const struct stsafe_crypto *c)
{
    return (struct rot_bytes){c->keys, STSAFE_KEY};
}

static struct rot_bytes
cipher_key(const struct stsafe_crypto *c)
{
    return (struct rot_bytes){c->keys + STSAFE_KEY, STSAFE_KEY};
}

static rot_err
mac(const struct stsafe_crypto *c, const struct rot_bytes *parts, size_t count,
    uint8_t out[STSAFE_MAC])
{
    uint8_t whole[BLOCK];
    rot_err rc = c->port->ops->aes_cmac(c->port->self, mac_key(c), parts, count, whole);

    if (rc == ROT_OK)
        memcpy(out, whole, STSAFE_MAC);
    rot_wipe_memory(whole, sizeof(whole));
    return rc;
}

static void
put_length(uint8_t out[2], size_t len)
{
    out[0] = (uint8_t)(len >> 8);
    out[1] = (uint8_t)len;
}

rot_err
stsafe_command_mac(const struct stsafe_crypto *c, uint32_t counter, const struct stsafe_sent *sent,
                   uint8_t out[STSAFE_MAC])
{
    uint8_t first[BLOCK + 1], len[2];
    const struct rot_bytes parts[] = {
        {first, sizeof(first)}, sent->header, {len, 2}, sent->payload};

    make_block(c, counter, COMMAND_MAC, first);
    first[BLOCK] = 0x00;
    put_length(len, sent->payload.len);
    return mac(c, parts, 4, out);
}

rot_err
stsafe_answer_mac(const struct stsafe_crypto *c, uint32_t counter, const struct stsafe_sent *sent,
                  uint8_t header, struct rot_bytes payload, uint8_t out[STSAFE_MAC])
{
    uint8_t first[BLOCK + 1], sent_len[2], head[3];
    const struct rot_bytes parts[] = {{first, sizeof(first)}, sent->header, {sent_len, 2},
                                      sent->payload,          {head, 3},    payload};

    make_block(c, counter + 1, ANSWER_MAC, first);
    first[BLOCK] = 0x80;
    put_length(sent_len, sent->payload.len);
    head[0] = header;
    put_length(head + 1, payload.len);
    return mac(c, parts, 6, out);
}

static rot_err
cipher(const struct stsafe_crypto *c, uint32_t counter, enum use use, int encrypt, uint8_t *p,
       size_t len)
{
    uint8_t iv[BLOCK];
    rot_err rc;

    make_block(c, counter + 1, use, iv);
    rc = c->port->ops->aes_ecb(c->port->self, cipher_key(c), 1, iv, BLOCK, iv);
    if (rc == ROT_OK)
        rc = c->port->ops->aes_cbc(c->port->self, cipher_key(c), iv, encrypt, p, len, p);
    rot_wipe_memory(iv, sizeof(iv));
    return rc;
}

rot_err
stsafe_encrypt_command(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p, size_t *len)
{
    size_t padded = *len + BLOCK - *len % BLOCK;

    memset(p + *len, 0, padded - *len);
    p[*len] = 0x80;
    *len = padded;
    return cipher(c, counter, COMMAND_CIPHER, 1, p, padded);
}

/* 0x80, then zeroes to the end. */
static rot_err
strip(const uint8_t *p, size_t *len)
{
    size_t n = *len;

    while (n != 0 && p[n - 1] == 0)
        n--;
    if (n == 0 || p[n - 1] != 0x80 || *len - n >= BLOCK)
        return ROT_E_FORMAT;
    *len = n - 1;
    return ROT_OK;
}

static rot_err
decrypt(const struct stsafe_crypto *c, uint32_t counter, enum use use, uint8_t *p, size_t *len)
{
    rot_err rc = *len == 0 || *len % BLOCK != 0 ? ROT_E_FORMAT : ROT_OK;

    if (rc == ROT_OK)
        rc = cipher(c, counter, use, 0, p, *len);
    return rc == ROT_OK ? strip(p, len) : rc;
}

rot_err
stsafe_decrypt_command(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p, size_t *len)
{
    return decrypt(c, counter, COMMAND_CIPHER, p, len);
}

rot_err
stsafe_decrypt_answer(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p, size_t *len)
{
    return decrypt(c, counter, ANSWER_CIPHER, p, len);
}
