/*
 * cmd_ecc.c: GenKey, Sign, ECDH, PrivWrite: what is done with private keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

/* Draws tried before an ECC fault is reported; each fails with a chance of 2^-32. */
enum { DRAWS_MAX = 8 };

static int
draw_scalar(struct atecc_chip *c, uint8_t out[32])
{
    for (int i = 0; i < DRAWS_MAX; i++) {
        c->run.host->random(c->run.host->self, out, 32);
        if (atecc_p256_key_ok(c->p256, out))
            return 1;
    }
    return 0;
}

/* ---- GenKey ---------------------------------------------------------------- */

#define GENKEY_CREATE        0x04
#define GENKEY_DIGEST        0x08
#define GENKEY_DIGEST_STORED 0x10
#define GENKEY_EPHEMERAL     0xFFFF

static int
genkey_allowed(struct atecc_chip *c, unsigned slot)
{
    unsigned write = ATECC_SLOT_WRITE_CONFIG(atecc_slot_config(c, slot));

    if (!atecc_slot_is_private(c, slot) || atecc_slot_locked(c, slot))
        return 0;
    if (atecc_data_locked(c) && !(write & ATECC_WRITE_GENKEY))
        return 0;
    if (ATECC_U_GENKEY_NEEDS_SEED && ATECC_KEY_REQ_RANDOM(atecc_key_config(c, slot)) &&
        !c->v.seed_updated)
        return 0;
    return 1;
}

/* TempKey becomes a digest over itself and a public key, and remembers whose. */
static void
genkey_digest(struct atecc_chip *c, unsigned slot, const uint8_t params[4], const uint8_t xy[64])
{
    struct atecc_temp_key *t = &c->v.temp_key;

    atecc_digest_row(c, t->value, params, NULL, xy, 64, t->value);
    t->is64 = 0;
    t->gen_dig = 0;
    t->gen_key = 1;
    t->no_mac = 0;
    t->key_id = slot & 0x0F;
}

static int
genkey_ephemeral(struct atecc_chip *c, struct atecc_reply *reply)
{
    uint8_t key[32], xy[64];

    if (!draw_scalar(c, key) || !atecc_p256_public(c->p256, key, xy))
        return ATECC_ECC_FAULT;
    atecc_temp_key_set(c, key, 0);
    c->v.temp_key.valid = 0;
    c->v.temp_key.is_private = 1;
    atecc_reply_put(reply, xy, sizeof(xy));
    return ATECC_OK;
}

static int
genkey_create(struct atecc_chip *c, unsigned slot)
{
    uint8_t key[36] = {0};
    unsigned config = atecc_key_config(c, slot);

    if (!genkey_allowed(c, slot))
        return ATECC_EXEC;
    if (ATECC_KEY_REQ_AUTH(config) &&
        (!c->v.auth_valid || c->v.auth_key != ATECC_KEY_AUTH_KEY(config)))
        return ATECC_EXEC;
    if (!draw_scalar(c, key + 4))
        return ATECC_ECC_FAULT;
    return atecc_store(c, atecc_slot(c, slot), key, sizeof(key));
}

static int
genkey_stored(struct atecc_chip *c, const struct atecc_command *cmd)
{
    uint8_t xy[64], params[4] = {cmd->opcode};

    if (cmd->len != 3 || cmd->p2 >= ATECC_SLOT_COUNT)
        return ATECC_PARSE;
    if (!c->v.temp_key.valid || !atecc_slot_is_public(c, cmd->p2))
        return ATECC_EXEC;
    memcpy(params + 1, cmd->data, 3);
    atecc_slot_public(c, cmd->p2, xy);
    genkey_digest(c, cmd->p2, params, xy);
    return ATECC_OK;
}

static int
genkey_slot(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t xy[64], params[4];
    int status = ATECC_OK;

    if ((cmd->p1 & GENKEY_DIGEST) && !c->v.temp_key.valid)
        return ATECC_EXEC;
    if (cmd->p1 & GENKEY_CREATE)
        status = genkey_create(c, cmd->p2);
    else if (!atecc_slot_is_private(c, cmd->p2) ||
             !ATECC_KEY_PUB_INFO(atecc_key_config(c, cmd->p2)))
        status = ATECC_EXEC;
    if (status != ATECC_OK)
        return status;
    if (!atecc_p256_public(c->p256, atecc_slot(c, cmd->p2) + 4, xy))
        return ATECC_U_BAD_KEY_STATUS;
    if (cmd->p1 & GENKEY_DIGEST) {
        atecc_digest_params(cmd, params);
        genkey_digest(c, cmd->p2, params, xy);
    }
    atecc_reply_put(reply, xy, sizeof(xy));
    return ATECC_OK;
}

int
atecc_do_genkey(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    if (cmd->p1 == GENKEY_DIGEST_STORED)
        return atecc_config_locked(c) ? genkey_stored(c, cmd) : ATECC_EXEC;
    if ((cmd->p1 & ~(GENKEY_CREATE | GENKEY_DIGEST)) != 0 || cmd->len != 0)
        return ATECC_PARSE;
    if (cmd->p2 >= ATECC_SLOT_COUNT && (cmd->p2 != GENKEY_EPHEMERAL || cmd->p1 != GENKEY_CREATE))
        return ATECC_PARSE;
    if (!atecc_config_locked(c))
        return ATECC_EXEC;
    if (cmd->p2 == GENKEY_EPHEMERAL)
        return genkey_ephemeral(c, reply);
    return genkey_slot(c, cmd, reply);
}

/* ---- Sign ------------------------------------------------------------------ */

#define SIGN_EXTERNAL    0x80
#define SIGN_FULL_SERIAL 0x40
#define SIGN_DIGEST_BUF  0x20
#define SIGN_INVALIDATE  0x01

static int
sign_parse(const struct atecc_command *cmd)
{
    unsigned allowed = cmd->p1 & SIGN_EXTERNAL ? SIGN_EXTERNAL | SIGN_DIGEST_BUF
                                               : SIGN_FULL_SERIAL | SIGN_INVALIDATE;

    return (cmd->p1 & ~allowed) == 0 && cmd->p2 < ATECC_SLOT_COUNT && cmd->len == 0;
}

/* The 32 bytes to sign; 0 when they are not there. */
static int
sign_message(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t digest[32])
{
    const struct atecc_temp_key *t = &c->v.temp_key;

    if (cmd->p1 & SIGN_DIGEST_BUF) {
        memcpy(digest, c->v.digest, 32);
        return c->v.digest_valid;
    }
    if (!t->valid)
        return 0;
    if (cmd->p1 & SIGN_EXTERNAL)
        memcpy(digest, t->value, 32);
    else if (t->gen_dig || t->gen_key)
        atecc_digest_sign_internal(c, cmd, digest);
    else
        return 0;
    return 1;
}

static int
sign_allowed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned may = ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2));
    unsigned needs = cmd->p1 & SIGN_EXTERNAL ? ATECC_PRIV_SIGN_EXTERNAL : ATECC_PRIV_SIGN_INTERNAL;

    if (!atecc_config_locked(c) || (ATECC_U_SIGN_NEEDS_DATA_LOCK && !atecc_data_locked(c)))
        return 0;
    if (!atecc_slot_is_private(c, cmd->p2) || !(may & needs))
        return 0;
    return !ATECC_U_SIGN_NEEDS_SEED || c->v.seed_updated ||
           !ATECC_KEY_REQ_RANDOM(atecc_key_config(c, cmd->p2));
}

int
atecc_do_sign(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t digest[32], nonce[32], rs[64];
    const uint8_t *key;
    int status;

    if (!sign_parse(cmd))
        return ATECC_PARSE;
    if (!sign_allowed(c, cmd) || !sign_message(c, cmd, digest))
        return ATECC_EXEC;
    key = atecc_slot(c, cmd->p2) + 4;
    if (!atecc_p256_key_ok(c->p256, key))
        return ATECC_U_BAD_KEY_STATUS;
    status = atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    if (!draw_scalar(c, nonce) || !atecc_p256_sign(c->p256, key, digest, nonce, rs))
        return ATECC_ECC_FAULT;
    atecc_temp_key_clear(c);
    atecc_reply_put(reply, rs, sizeof(rs));
    return ATECC_OK;
}

/* ---- ECDH ------------------------------------------------------------------ */

#define ECDH_TEMP_KEY  0x01
#define ECDH_ENCRYPT   0x02
#define ECDH_TO_SLOT   0x04
#define ECDH_TO_TEMP   0x08
#define ECDH_TO_OUTPUT 0x0C
#define ECDH_TO        0x0C

/* Where the secret goes: mode 0 leaves it to the slot's configuration, as the 508 did. */
static unsigned
ecdh_target(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned to = cmd->p1 & ECDH_TO;

    if (to != 0 || (cmd->p1 & ECDH_TEMP_KEY))
        return to == 0 ? ECDH_TO_OUTPUT : to;
    return ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2)) & ATECC_PRIV_ECDH_TO_SLOT
               ? ECDH_TO_SLOT
               : ECDH_TO_OUTPUT;
}

static int
ecdh_output_allowed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned protect = (atecc_chip_options(c) >> 8) & 3;
    int from_slot = !(cmd->p1 & ECDH_TEMP_KEY);

    if (from_slot && (ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2)) & ATECC_PRIV_ECDH_TO_SLOT))
        return 0;
    return protect == ATECC_U_PROTECT_CLEAR ||
           (protect == ATECC_U_PROTECT_ENCRYPTED && (cmd->p1 & ECDH_ENCRYPT));
}

static int
ecdh_output(struct atecc_chip *c, const struct atecc_command *cmd, const uint8_t shared[32],
            struct atecc_reply *reply)
{
    uint8_t key[32], nonce[32], mask[32];

    if (!ecdh_output_allowed(c, cmd))
        return ATECC_EXEC;
    if (!(cmd->p1 & ECDH_ENCRYPT)) {
        atecc_reply_put(reply, shared, 32);
        return ATECC_OK;
    }
    if (!atecc_io_key(c, key))
        return ATECC_EXEC;
    c->run.host->random(c->run.host->self, nonce, sizeof(nonce));
    atecc_digest_io_mask(key, nonce, mask);
    for (size_t i = 0; i < 32; i++)
        mask[i] ^= shared[i];
    atecc_reply_put(reply, mask, 32);
    atecc_reply_put(reply, nonce, 32);
    return ATECC_OK;
}

static int
ecdh_deliver(struct atecc_chip *c, const struct atecc_command *cmd, const uint8_t shared[32],
             struct atecc_reply *reply)
{
    unsigned to = ecdh_target(c, cmd), slot = cmd->p2 | 1u;

    if (to == ECDH_TO_OUTPUT)
        return ecdh_output(c, cmd, shared, reply);
    if (to == ECDH_TO_TEMP) {
        atecc_temp_key_set(c, shared, ATECC_U_DERIVED_SOURCE);
        return ATECC_OK;
    }
    if ((cmd->p1 & ECDH_TEMP_KEY) || (cmd->p2 & 1) || atecc_slot_locked(c, slot) ||
        ATECC_KEY_PRIVATE(atecc_key_config(c, slot)))
        return ATECC_EXEC;
    return atecc_store(c, atecc_slot(c, slot), shared, 32);
}

/* The key to use, or NULL. */
static const uint8_t *
ecdh_key(struct atecc_chip *c, const struct atecc_command *cmd)
{
    if (cmd->p1 & ECDH_TEMP_KEY)
        return c->v.temp_key.is_private ? c->v.temp_key.value : NULL;
    if (!atecc_slot_is_private(c, cmd->p2) ||
        !(ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2)) & ATECC_PRIV_ECDH))
        return NULL;
    return atecc_slot(c, cmd->p2) + 4;
}

int
atecc_do_ecdh(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned slots = cmd->p1 & ECDH_TEMP_KEY ? 1 : ATECC_SLOT_COUNT;
    const uint8_t *key;
    uint8_t shared[32];
    int status = ATECC_OK;

    if ((cmd->p1 & 0xF0) != 0 || cmd->p2 >= slots || cmd->len != 64)
        return ATECC_PARSE;
    key = atecc_config_locked(c) ? ecdh_key(c, cmd) : NULL;
    if (key == NULL || ((atecc_chip_options(c) >> 8) & 3) == ATECC_U_PROTECT_OFF)
        return ATECC_EXEC;
    if (!atecc_p256_key_ok(c->p256, key))
        return ATECC_U_BAD_KEY_STATUS;
    if (!atecc_p256_ecdh(c->p256, key, cmd->data, shared))
        return ATECC_U_OFF_CURVE_STATUS;
    if (!(cmd->p1 & ECDH_TEMP_KEY))
        status = atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    return ecdh_deliver(c, cmd, shared, reply);
}

/* ---- PrivWrite ------------------------------------------------------------- */

#define PRIVWRITE_ENCRYPTED 0x40

/* Undo the mask and check the MAC; 0 when it does not hold. */
static int
privwrite_decrypt(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t key[36])
{
    const uint8_t *session = c->v.temp_key.value;
    struct atecc_sha256 h;
    uint8_t more[32], mac[32];

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, session, 32);
    atecc_sha256_end(&h, more);
    for (size_t i = 0; i < 36; i++)
        key[i] = cmd->data[i] ^ (i < 32 ? session[i] : more[i - 32]);
    atecc_digest_privwrite(c, cmd, key, mac);
    return memcmp(mac, cmd->data + 36, 32) == 0;
}

static int
privwrite_allowed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    const struct atecc_temp_key *t = &c->v.temp_key;
    unsigned config = atecc_slot_config(c, cmd->p2);

    if (!atecc_config_locked(c) || !atecc_slot_is_private(c, cmd->p2) ||
        atecc_slot_locked(c, cmd->p2))
        return 0;
    if (cmd->p1 == 0)
        return !atecc_data_locked(c);
    if (atecc_data_locked(c) && !(ATECC_SLOT_WRITE_CONFIG(config) & ATECC_WRITE_ENCRYPTED))
        return 0;
    return t->valid && t->gen_dig && !t->from_input && t->key_id == ATECC_SLOT_WRITE_KEY(config);
}

int
atecc_do_privwrite(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t key[36];
    int ok = 1;

    (void)reply;
    if ((cmd->p1 & ~PRIVWRITE_ENCRYPTED) != 0 || cmd->p2 >= ATECC_SLOT_COUNT || cmd->len != 68)
        return ATECC_PARSE;
    if (!privwrite_allowed(c, cmd))
        return ATECC_EXEC;
    if (cmd->p1 == 0) {
        memcpy(key, cmd->data, sizeof(key));
    } else {
        ok = privwrite_decrypt(c, cmd, key);
        atecc_temp_key_clear(c);
    }
    if (!ok)
        return ATECC_U_WRITE_MAC_STATUS;
    if (!atecc_p256_key_ok(c->p256, key + 4))
        return ATECC_U_BAD_KEY_STATUS;
    memset(key, 0, 4);
    return atecc_store(c, atecc_slot(c, cmd->p2), key, sizeof(key));
}
