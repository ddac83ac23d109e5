/*
 * cmd_sha.c: SHA with its contexts, HMAC, and AES.
 *
 * A running hash can be read out and put back: count in little-endian, the
 * eight words of the state in little-endian, then the bytes that wait for a
 * full block.  A running HMAC cannot: it holds a key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/uncertain.h"

enum {
    SHA_START = 0,
    SHA_UPDATE = 1,
    SHA_END = 2,
    SHA_PUBLIC = 3,
    SHA_HMAC_START = 4,
    SHA_READ_CONTEXT = 6,
    SHA_WRITE_CONTEXT = 7,
};

#define SHA_TO_TEMP_KEY   0x00
#define SHA_TO_DIGEST_BUF 0x40
#define SHA_TO_OUTPUT     0xC0
#define SHA_CONTEXT_MIN   36
#define TEMP_KEY_ID       0xFFFF

static int
sha_start(struct atecc_chip *c, const struct atecc_command *cmd)
{
    if (cmd->p2 != 0 || cmd->len != 0)
        return ATECC_PARSE;
    atecc_sha256_init(&c->v.sha);
    c->v.sha_active = 1;
    c->v.sha_is_hmac = 0;
    return ATECC_OK;
}

static int
sha_hmac_start(struct atecc_chip *c, const struct atecc_command *cmd)
{
    int status = ATECC_OK;

    if (cmd->len != 0 || (cmd->p2 >= ATECC_SLOT_COUNT && cmd->p2 != TEMP_KEY_ID))
        return ATECC_PARSE;
    if (cmd->p2 == TEMP_KEY_ID) {
        if (!c->v.temp_key.valid)
            return ATECC_EXEC;
        memcpy(c->v.hmac_key, c->v.temp_key.value, sizeof(c->v.hmac_key));
    } else {
        if (!atecc_config_locked(c) || ATECC_KEY_PRIVATE(atecc_key_config(c, cmd->p2)))
            return ATECC_EXEC;
        status = atecc_use_key(c, cmd->p2);
        memcpy(c->v.hmac_key, atecc_slot(c, cmd->p2), sizeof(c->v.hmac_key));
    }
    if (status != ATECC_OK)
        return status;
    atecc_hmac_init(&c->v.sha, c->v.hmac_key, sizeof(c->v.hmac_key));
    c->v.sha_active = 1;
    c->v.sha_is_hmac = 1;
    return ATECC_OK;
}

static int
sha_update(struct atecc_chip *c, const struct atecc_command *cmd)
{
    if (cmd->len > ATECC_U_SHA_UPDATE_MAX || cmd->p2 != cmd->len)
        return ATECC_PARSE;
    if (!c->v.sha_active)
        return ATECC_EXEC;
    atecc_sha256_add(&c->v.sha, cmd->data, cmd->len);
    return ATECC_OK;
}

static int
sha_public(struct atecc_chip *c, const struct atecc_command *cmd)
{
    uint8_t xy[64];

    if (cmd->p2 >= ATECC_SLOT_COUNT || cmd->len != 0)
        return ATECC_PARSE;
    if (!c->v.sha_active || !atecc_slot_is_public(c, cmd->p2))
        return ATECC_EXEC;
    atecc_slot_public(c, cmd->p2, xy);
    atecc_sha256_add(&c->v.sha, xy, sizeof(xy));
    return ATECC_OK;
}

static void
sha_keep(struct atecc_chip *c, unsigned target, const uint8_t digest[32])
{
    if (target == SHA_TO_TEMP_KEY)
        atecc_temp_key_set(c, digest, ATECC_U_DERIVED_SOURCE);
    if (target != SHA_TO_DIGEST_BUF)
        return;
    memcpy(c->v.digest, digest, 32);
    c->v.digest_valid = 1;
    c->v.digest_is64 = 0;
}

static int
sha_end(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned target = cmd->p1 & 0xC0u;
    uint8_t digest[32];

    if (target == 0x80 || cmd->len > ATECC_U_SHA_UPDATE_MAX || cmd->p2 != cmd->len)
        return ATECC_PARSE;
    if (!c->v.sha_active)
        return ATECC_EXEC;
    atecc_sha256_add(&c->v.sha, cmd->data, cmd->len);
    if (c->v.sha_is_hmac)
        atecc_hmac_end(&c->v.sha, c->v.hmac_key, sizeof(c->v.hmac_key), digest);
    else
        atecc_sha256_end(&c->v.sha, digest);
    c->v.sha_active = 0;
    memset(c->v.hmac_key, 0, sizeof(c->v.hmac_key));
    sha_keep(c, target, digest);
    atecc_reply_put(reply, digest, sizeof(digest));
    return ATECC_OK;
}

static void
put_le32(struct atecc_reply *reply, uint32_t v)
{
    uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

    atecc_reply_put(reply, bytes, sizeof(bytes));
}

static uint32_t
get_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int
sha_read_context(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    const struct atecc_sha256 *h = &c->v.sha;

    if (cmd->p2 != 0 || cmd->len != 0)
        return ATECC_PARSE;
    if (!c->v.sha_active || c->v.sha_is_hmac)
        return ATECC_EXEC;
    put_le32(reply, (uint32_t)h->count);
    for (size_t i = 0; i < 8; i++)
        put_le32(reply, h->state[i]);
    atecc_reply_put(reply, h->block, (size_t)(h->count % 64));
    return ATECC_OK;
}

static int
sha_write_context(struct atecc_chip *c, const struct atecc_command *cmd)
{
    struct atecc_sha256 h = {.count = 0};
    size_t waiting;

    if (cmd->len < SHA_CONTEXT_MIN || cmd->p2 != cmd->len)
        return ATECC_PARSE;
    h.count = get_le32(cmd->data);
    waiting = (size_t)(h.count % 64);
    if (cmd->len != SHA_CONTEXT_MIN + waiting)
        return ATECC_PARSE;
    for (size_t i = 0; i < 8; i++)
        h.state[i] = get_le32(cmd->data + 4 + 4 * i);
    memcpy(h.block, cmd->data + SHA_CONTEXT_MIN, waiting);
    c->v.sha = h;
    c->v.sha_active = 1;
    c->v.sha_is_hmac = 0;
    return ATECC_OK;
}

int
atecc_do_sha(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned what = cmd->p1 & 7u;

    if ((cmd->p1 & 0x38) != 0 || (what != SHA_END && (cmd->p1 & 0xC0) != 0))
        return ATECC_PARSE;
    switch (what) {
    case SHA_START:
        return sha_start(c, cmd);
    case SHA_UPDATE:
        return sha_update(c, cmd);
    case SHA_END:
        return sha_end(c, cmd, reply);
    case SHA_PUBLIC:
        return sha_public(c, cmd);
    case SHA_HMAC_START:
        return sha_hmac_start(c, cmd);
    case SHA_READ_CONTEXT:
        return sha_read_context(c, cmd, reply);
    case SHA_WRITE_CONTEXT:
        return sha_write_context(c, cmd);
    default:
        return ATECC_PARSE;
    }
}

/* ---- AES ------------------------------------------------------------------- */

enum {
    AES_ENCRYPT = 0,
    AES_DECRYPT = 1,
    AES_GFM = 3,
};

/* 16 bytes of the named key; NULL when they are not to be had. */
static const uint8_t *
aes_key(struct atecc_chip *c, const struct atecc_command *cmd)
{
    size_t at = 16 * (size_t)(cmd->p1 >> 6);

    if (cmd->p2 == TEMP_KEY_ID)
        return c->v.temp_key.valid && (at < 32 || c->v.temp_key.is64) ? c->v.temp_key.value + at
                                                                      : NULL;
    if (!atecc_config_locked(c) || ATECC_KEY_PRIVATE(atecc_key_config(c, cmd->p2)) ||
        ATECC_KEY_TYPE(atecc_key_config(c, cmd->p2)) != ATECC_TYPE_AES ||
        at + 16 > atecc_slot_size(cmd->p2))
        return NULL;
    return atecc_slot(c, cmd->p2) + at;
}

static int
aes_crypt(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    const uint8_t *key;
    uint8_t out[16];
    int status = ATECC_OK;

    if (cmd->len != 16 || (cmd->p2 >= ATECC_SLOT_COUNT && cmd->p2 != TEMP_KEY_ID))
        return ATECC_PARSE;
    key = aes_key(c, cmd);
    if (key == NULL)
        return ATECC_EXEC;
    if (cmd->p2 != TEMP_KEY_ID)
        status = atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    if (!atecc_aes_block(key, (cmd->p1 & 7) == AES_ENCRYPT, cmd->data, out))
        return ATECC_EXEC;
    atecc_reply_put(reply, out, sizeof(out));
    return ATECC_OK;
}

int
atecc_do_aes(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned what = cmd->p1 & 7u;
    uint8_t out[16];

    if ((cmd->p1 & 0x38) != 0 || (what > AES_DECRYPT && what != AES_GFM))
        return ATECC_PARSE;
    if (!(c->config[ATECC_AT_AES_ENABLE] & 1))
        return ATECC_U_AES_OFF_STATUS;
    if (what != AES_GFM)
        return aes_crypt(c, cmd, reply);
    if (cmd->len != 32)
        return ATECC_PARSE;
    atecc_gf_multiply(cmd->data, cmd->data + 16, out);
    atecc_reply_put(reply, out, sizeof(out));
    return ATECC_OK;
}
