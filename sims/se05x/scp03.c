/*
 * scp03.c: see scp03.h (section 7 of the reference).
 *
 * One counter serves a command and its answer.  It is 1 for the first command
 * after EXTERNAL AUTHENTICATE and moves with every command, with or without
 * data, refused or not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/se05x/scp03.h"

#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define MAC_SIZE 8

/* Derivation constants. */
enum {
    CARD_CRYPTOGRAM = 0x00,
    HOST_CRYPTOGRAM = 0x01,
    SESSION_ENC = 0x04,
    SESSION_MAC = 0x06,
    SESSION_RMAC = 0x07,
    FIRST_CHAIN = 0x08,
};

/*
 * NIST SP 800-108 counter mode over AES-CMAC: 11 zeros, constant, 00, length in bits, counter,
 * context.
 */
static int
derive(const uint8_t *key, size_t key_len, uint8_t constant, struct rs_bytes context, uint8_t *out,
       size_t len)
{
    uint8_t block[16] = {0}, mac[16];

    block[11] = constant;
    rs_set_u16(block + 13, (unsigned)(8 * len));
    for (size_t at = 0; at < len; at += sizeof(mac)) {
        block[15] = (uint8_t)(at / sizeof(mac) + 1);
        if (!se05x_cmac(key, key_len, RS_BYTES(block), context, mac))
            return 0;
        memcpy(out + at, mac, len - at < sizeof(mac) ? len - at : sizeof(mac));
    }
    return 1;
}

int
se05x_scp_start(struct se05x_scp *s, const struct se05x_keys *keys, const uint8_t host[8],
                const uint8_t card[8], uint8_t cryptogram[8])
{
    uint8_t both[16];
    struct rs_bytes context = RS_BYTES(both);
    size_t len = keys->len;

    memcpy(both, host, 8);
    memcpy(both + 8, card, 8);
    se05x_scp_end(s);
    s->len = keys->len;
    if (!derive(keys->enc, len, SESSION_ENC, context, s->enc, len) ||
        !derive(keys->mac, len, SESSION_MAC, context, s->mac, len) ||
        !derive(keys->mac, len, SESSION_RMAC, context, s->rmac, len) ||
        !derive(s->mac, len, CARD_CRYPTOGRAM, context, cryptogram, 8) ||
        !derive(s->mac, len, HOST_CRYPTOGRAM, context, s->host_cryptogram, 8))
        return 0;
    s->state = SE05X_SCP_CHALLENGED;
    return 1;
}

/*
 * Is the last piece of the data the MAC of all before it?  The header counts as it came,
 * Lc included.
 */
static int
check_mac(struct se05x_scp *s, const struct se05x_apdu *apdu)
{
    uint8_t mac[16];
    size_t covered;

    if (apdu->len < MAC_SIZE)
        return 0;
    covered = (size_t)(apdu->data - apdu->raw) + apdu->len - MAC_SIZE;
    if (!se05x_cmac(s->mac, s->len, RS_BYTES(s->chain), rs_bytes_of(apdu->raw, covered), mac) ||
        memcmp(mac, apdu->raw + covered, MAC_SIZE) != 0)
        return 0;
    memcpy(s->chain, mac, sizeof(mac));
    return 1;
}

int
se05x_scp_authenticate(struct se05x_scp *s, const struct se05x_apdu *apdu)
{
    if (s->state != SE05X_SCP_CHALLENGED || apdu->len != 8 + MAC_SIZE ||
        memcmp(apdu->data, s->host_cryptogram, 8) != 0 || !check_mac(s, apdu)) {
        se05x_scp_end(s);
        return 0;
    }
    s->state = SE05X_SCP_OPEN;
    s->next = 1;
    return 1;
}

int
se05x_scp_from_master(struct se05x_scp *s, const uint8_t master[16])
{
    const struct rs_bytes none = {NULL, 0};

    se05x_scp_end(s);
    s->len = 16;
    if (!derive(master, 16, SESSION_ENC, none, s->enc, 16) ||
        !derive(master, 16, SESSION_MAC, none, s->mac, 16) ||
        !derive(master, 16, SESSION_RMAC, none, s->rmac, 16) ||
        !derive(master, 16, FIRST_CHAIN, none, s->chain, 16))
        return 0;
    s->state = SE05X_SCP_OPEN;
    s->next = 1;
    return 1;
}

static int
first_vector(const struct se05x_scp *s, uint8_t top, uint8_t iv[16])
{
    uint8_t block[16] = {top};

    rs_set_u32(block + 12, s->now);
    return se05x_aes_block(s->enc, s->len, block, iv);
}

/* 80 and zeros up to a whole block: how long is what stands before?  0: nothing does. */
static size_t
unpadded(const uint8_t *p, size_t len)
{
    while (len > 0 && p[len - 1] == 0x00)
        len--;
    return len > 0 && p[len - 1] == 0x80 ? len - 1 : 0;
}

static int
decrypt(const struct se05x_scp *s, uint8_t *p, size_t *len)
{
    uint8_t iv[16];

    if (*len == 0)
        return 1;
    if (*len % 16 != 0 || !first_vector(s, 0x00, iv) ||
        !se05x_aes_cbc(s->enc, s->len, iv, 0, p, *len))
        return 0;
    *len = unpadded(p, *len);
    return *len > 0;
}

int
se05x_scp_open_command(struct se05x_scp *s, const struct se05x_apdu *apdu, int skip_dataless,
                       uint8_t *room, struct se05x_apdu *ret_plain)
{
    size_t len;

    if (s->state != SE05X_SCP_OPEN || !check_mac(s, apdu)) {
        se05x_scp_end(s);
        return 0;
    }
    len = apdu->len - MAC_SIZE;
    s->now = skip_dataless && len == 0 ? s->next - 1 : s->next;
    s->next = s->now + 1;
    memcpy(room, apdu->data, len);
    if (!decrypt(s, room, &len)) {
        se05x_scp_end(s);
        return 0;
    }
    *ret_plain = *apdu;
    ret_plain->cla = (uint8_t)(apdu->cla & ~0x04u);
    ret_plain->raw = NULL;
    ret_plain->data = room;
    ret_plain->len = len;
    return 1;
}

static int
encrypt(const struct se05x_scp *s, struct rs_buf *out)
{
    static const uint8_t padding[16] = {0x80};
    uint8_t iv[16];

    if (out->len == 0)
        return 1;
    rs_buf_put(out, padding, 16 - out->len % 16);
    return rs_buf_ok(out) && first_vector(s, 0x80, iv) &&
           se05x_aes_cbc(s->enc, s->len, iv, 1, out->p, out->len);
}

/* An error comes bare; 9000, 62xx and 63xx under MAC and encryption. */
int
se05x_scp_close_answer(struct se05x_scp *s, unsigned sw, struct rs_buf *out)
{
    uint8_t mac[16], covered[SE05X_ANSWER_MAX + 2];

    if (s->state != SE05X_SCP_OPEN || (sw != SE05X_OK && sw >> 8 != 0x62 && sw >> 8 != 0x63))
        return 1;
    if (!encrypt(s, out))
        return 0;
    if (out->len > 0)
        memcpy(covered, out->p, out->len);
    rs_set_u16(covered + out->len, sw);
    if (!se05x_cmac(s->rmac, s->len, RS_BYTES(s->chain), rs_bytes_of(covered, out->len + 2), mac))
        return 0;
    rs_buf_put(out, mac, MAC_SIZE);
    return rs_buf_ok(out);
}

void
se05x_scp_end(struct se05x_scp *s)
{
    rs_wipe(s, sizeof(*s));
}
