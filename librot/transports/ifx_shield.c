/*
 * ifx_shield.c: see ifx_shield.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ifx_shield.h"

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#define KEY        16u
#define AT_PREFIX  32u
#define PREFIX     4u
#define SEQUENCE   4u
#define HASH       32u
#define FIRST_MAX  0x0000ffffu /* what a handshake may draw */
#define LAST       0xfffffff0u /* above it, shake hands again */
#define WINDOW     3u          /* numbers that an answer may skip, and the next one */
#define HELLO_LEN  (2u + IFX_SHIELD_RND + SEQUENCE)
#define PROOF      (IFX_SHIELD_RND + SEQUENCE)
#define FINISH_LEN (IFX_SHIELD_HEAD + PROOF + IFX_SHIELD_MAC)

/* Who encrypts: place of the key, and of the nonce's beginning, in the derived bytes. */
enum side {
    HOST = 0,
    PART = 1,
};

static void
store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t
load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

rot_err
ifx_shield_derive(const struct rot_port *port, struct rot_bytes secret,
                  const uint8_t rnd[IFX_SHIELD_RND], uint8_t keys[IFX_SHIELD_KEYS])
{
    static const uint8_t label[] = {'P', 'l', 'a', 't', 'f', 'o', 'r', 'm',
                                    ' ', 'B', 'i', 'n', 'd', 'i', 'n', 'g'};
    uint8_t chain[HASH], block[HASH];
    struct rot_bytes parts[] = {{chain, HASH}, {label, sizeof(label)}, {rnd, IFX_SHIELD_RND}};
    rot_err rc;

    if (port->ops->hmac == NULL)
        return ROT_E_PORT;
    rc = port->ops->hmac(port->self, ROT_HASH_SHA256, secret, parts + 1, 2, chain);
    if (rc == ROT_OK)
        rc = port->ops->hmac(port->self, ROT_HASH_SHA256, secret, parts, 3, keys);
    if (rc == ROT_OK) {
        memcpy(block, chain, HASH);
        parts[0].p = block;
        rc = port->ops->hmac(port->self, ROT_HASH_SHA256, secret, parts, 1, chain);
    }
    parts[0].p = chain;
    if (rc == ROT_OK)
        rc = port->ops->hmac(port->self, ROT_HASH_SHA256, secret, parts, 3, block);
    if (rc == ROT_OK)
        memcpy(keys + HASH, block, IFX_SHIELD_KEYS - HASH);
    rot_wipe_memory(block, sizeof(block));
    rot_wipe_memory(chain, sizeof(chain));
    return rc;
}

/*
 * len bytes of plaintext at p + IFX_SHIELD_HEAD, in place.  What stands in front
 * of them is authenticated too.
 */
static rot_err
box(const struct ifx_shield *s, const struct rot_port *port, enum side side, int seal, uint8_t *p,
    size_t len)
{
    uint8_t nonce[PREFIX + SEQUENCE], aad[IFX_SHIELD_HEAD + 3];
    const struct rot_bytes key = {s->keys + (size_t)side * KEY, KEY};
    const struct rot_bytes in = {p + IFX_SHIELD_HEAD, seal ? len : len + IFX_SHIELD_MAC};

    if (port->ops->aead == NULL)
        return ROT_E_PORT;
    memcpy(nonce, s->keys + AT_PREFIX + (size_t)side * PREFIX, PREFIX);
    memcpy(nonce + PREFIX, p + 1, SEQUENCE);
    memcpy(aad, p, IFX_SHIELD_HEAD);
    aad[5] = IFX_SHIELD_VERSION;
    aad[6] = (uint8_t)(len >> 8);
    aad[7] = (uint8_t)len;
    return port->ops->aead(port->self, ROT_AEAD_AES_CCM_8, key,
                           (struct rot_bytes){nonce, sizeof(nonce)},
                           (struct rot_bytes){aad, sizeof(aad)}, seal, in, p + IFX_SHIELD_HEAD);
}

/* ---- Records ------------------------------------------------------------------------- */

rot_err
ifx_shield_seal(struct ifx_shield *s, const struct rot_port *port, uint8_t *p, size_t len,
                size_t *ret_len)
{
    if (s->sent >= LAST || s->received >= LAST)
        return ROT_E_STATE;
    s->sent++;
    p[0] = IFX_SHIELD_BOTH;
    store_u32(p + 1, s->sent);
    *ret_len = IFX_SHIELD_HEAD + len + IFX_SHIELD_MAC;
    return box(s, port, HOST, 1, p, len);
}

rot_err
ifx_shield_open(struct ifx_shield *s, const struct rot_port *port, uint8_t *p, size_t len,
                struct rot_bytes *ret_plain)
{
    uint32_t number;
    size_t n;
    rot_err rc;

    /* Alerts and answers in the clear too: nobody but the part may end or weaken the channel. */
    if (len < IFX_SHIELD_HEAD + IFX_SHIELD_MAC || p[0] != IFX_SHIELD_BOTH)
        return ROT_E_BUS;
    number = load_u32(p + 1);
    if (number <= s->received || number - s->received > WINDOW)
        return ROT_E_BUS;
    n = len - IFX_SHIELD_HEAD - IFX_SHIELD_MAC;
    rc = box(s, port, PART, 0, p, n);
    if (rc != ROT_OK)
        return rc == ROT_E_MISMATCH ? ROT_E_BUS : rc;
    s->received = number;
    *ret_plain = (struct rot_bytes){p + IFX_SHIELD_HEAD, n};
    return ROT_OK;
}

/* ---- The handshake ---------------------------------------------------------------------- */

static rot_err
exchange(struct ifx_i2c *link, uint8_t *p, size_t len, size_t want)
{
    size_t n = 0;
    rot_err rc = ifx_i2c_exchange(link, IFX_I2C_PRESENCE, p, len, p, FINISH_LEN, &n);

    if (rc == ROT_OK && n == 1 && p[0] == IFX_SHIELD_FATAL)
        return ROT_E_AUTH;
    return rc == ROT_OK && n != want ? ROT_E_FORMAT : rc;
}

static rot_err
hello(struct ifx_shield *s, struct ifx_i2c *link, uint8_t rnd[IFX_SHIELD_RND])
{
    uint8_t p[FINISH_LEN] = {IFX_SHIELD_HELLO, IFX_SHIELD_VERSION};
    rot_err rc = exchange(link, p, 2, HELLO_LEN);

    if (rc != ROT_OK)
        return rc;
    s->sent = load_u32(p + 2 + IFX_SHIELD_RND);
    if (p[0] != IFX_SHIELD_HELLO || p[1] != IFX_SHIELD_VERSION || s->sent > FIRST_MAX)
        return ROT_E_FORMAT;
    memcpy(rnd, p + 2, IFX_SHIELD_RND);
    return ROT_OK;
}

/* Each side shows the other that it has the keys, over what the part drew. */
static rot_err
finish(struct ifx_shield *s, struct ifx_i2c *link, const struct rot_port *port,
       const uint8_t rnd[IFX_SHIELD_RND])
{
    uint8_t p[FINISH_LEN] = {IFX_SHIELD_FINISHED};
    uint8_t *proof = p + IFX_SHIELD_HEAD;
    rot_err rc;

    store_u32(p + 1, s->sent);
    memcpy(proof, rnd, IFX_SHIELD_RND);
    memcpy(proof + IFX_SHIELD_RND, p + 1, SEQUENCE);
    rc = box(s, port, HOST, 1, p, PROOF);
    if (rc == ROT_OK)
        rc = exchange(link, p, FINISH_LEN, FINISH_LEN);
    if (rc != ROT_OK)
        return rc;
    /* The part counts on from what the host began with, and the host from what the part draws now. */
    s->received = s->sent;
    s->sent = load_u32(p + 1);
    if (p[0] != IFX_SHIELD_FINISHED || s->sent > FIRST_MAX)
        return ROT_E_FORMAT;
    rc = box(s, port, PART, 0, p, PROOF);
    if (rc == ROT_OK && (memcmp(proof, rnd, IFX_SHIELD_RND) != 0 ||
                         memcmp(proof + IFX_SHIELD_RND, p + 1, SEQUENCE) != 0))
        rc = ROT_E_MISMATCH;
    return rc == ROT_E_MISMATCH ? ROT_E_AUTH : rc;
}

rot_err
ifx_shield_start(struct ifx_shield *s, struct ifx_i2c *link, const struct rot_port *port,
                 struct rot_bytes secret)
{
    uint8_t rnd[IFX_SHIELD_RND];
    rot_err rc = hello(s, link, rnd);

    if (rc == ROT_OK)
        rc = ifx_shield_derive(port, secret, rnd, s->keys);
    if (rc == ROT_OK)
        rc = finish(s, link, port, rnd);
    if (rc != ROT_OK)
        rot_wipe_memory(s, sizeof(*s));
    return rc;
}
