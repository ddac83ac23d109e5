/*
 * cmd_verify.c: Verify in its five modes, and SecureBoot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

enum {
    VERIFY_STORED = 0,
    VERIFY_VALIDATE_EXTERNAL = 1,
    VERIFY_EXTERNAL = 2,
    VERIFY_VALIDATE = 3,
    VERIFY_INVALIDATE = 7,
};

#define VERIFY_MODE       0x07
#define VERIFY_DIGEST_BUF 0x20
#define VERIFY_MAC        0x80
#define VERIFY_P256       0x0004

#define VALID_NIBBLE   0x5u
#define INVALID_NIBBLE 0xAu

static int
verify_parse(const struct atecc_command *cmd)
{
    if ((cmd->p1 & ~(VERIFY_MODE | VERIFY_DIGEST_BUF | VERIFY_MAC)) != 0)
        return 0;
    switch (cmd->p1 & VERIFY_MODE) {
    case VERIFY_STORED:
        return cmd->p2 < ATECC_SLOT_COUNT && cmd->len == 64;
    case VERIFY_VALIDATE_EXTERNAL:
        return cmd->p2 < ATECC_SLOT_COUNT && cmd->len == 128 && !(cmd->p1 & VERIFY_MAC);
    case VERIFY_EXTERNAL:
        return cmd->p2 == VERIFY_P256 && cmd->len == 128;
    case VERIFY_VALIDATE:
    case VERIFY_INVALIDATE:
        return cmd->p2 < ATECC_SLOT_COUNT && cmd->len == 83 && (cmd->p1 & ~VERIFY_MODE) == 0;
    default:
        return 0;
    }
}

static int
verify_message(const struct atecc_chip *c, const struct atecc_command *cmd, uint8_t message[32])
{
    int in_buffer = (cmd->p1 & VERIFY_DIGEST_BUF) != 0;

    memcpy(message, in_buffer ? c->v.digest : c->v.temp_key.value, 32);
    return in_buffer ? c->v.digest_valid : c->v.temp_key.valid;
}

/* A public key in a slot that may be verified with now. */
static int
stored_key(struct atecc_chip *c, unsigned slot, uint8_t xy[64])
{
    if (!atecc_slot_is_public(c, slot))
        return 0;
    if (atecc_slot_has_validity(c, slot) && !atecc_slot_is_valid(c, slot))
        return 0;
    atecc_slot_public(c, slot, xy);
    return 1;
}

/* ReqRandom on a verification key: the message was made with the chip's own random number. */
static int
message_random_enough(const struct atecc_chip *c, const struct atecc_command *cmd)
{
    if (!ATECC_KEY_REQ_RANDOM(atecc_key_config(c, cmd->p2)))
        return 1;
    return !(cmd->p1 & VERIFY_DIGEST_BUF) && !c->v.temp_key.from_input;
}

/* The MAC that proves to the host who answered; 0 when something for it is missing. */
static int
verify_mac(struct atecc_chip *c, const struct atecc_command *cmd, const uint8_t message[32],
           uint8_t mac[32])
{
    int in_buffer = (cmd->p1 & VERIFY_DIGEST_BUF) != 0;
    uint8_t key[32];

    if (!c->v.digest_valid || (in_buffer && !c->v.digest_is64) || !atecc_io_key(c, key))
        return 0;
    atecc_digest_verify_mac(key, message, c->v.digest + (in_buffer ? 32 : 0), cmd, mac);
    return 1;
}

static int
verify_plain(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    int external = (cmd->p1 & VERIFY_MODE) == VERIFY_EXTERNAL;
    uint8_t xy[64], message[32], mac[32];
    int status;

    if (!verify_message(c, cmd, message))
        return ATECC_EXEC;
    if (external)
        memcpy(xy, cmd->data + 64, 64);
    else if (!stored_key(c, cmd->p2, xy) || !message_random_enough(c, cmd))
        return ATECC_EXEC;
    if (!atecc_p256_point_ok(c->p256, xy))
        return ATECC_U_OFF_CURVE_STATUS;
    if ((cmd->p1 & VERIFY_MAC) && !verify_mac(c, cmd, message, mac))
        return ATECC_EXEC;
    status = external ? ATECC_OK : atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    if (!atecc_p256_verify(c->p256, xy, message, cmd->data))
        return ATECC_MISCOMPARE;
    if (cmd->p1 & VERIFY_MAC)
        atecc_reply_put(reply, mac, sizeof(mac));
    return ATECC_OK;
}

/* Byte 53 of the signed message: whether the slot was valid when it was signed. */
#define OTHER_VALID 17

static int
repeats_config(const struct atecc_chip *c, unsigned slot, const uint8_t *other)
{
    return memcmp(other + 3, c->config + ATECC_AT_SLOT_CONFIG + 2 * (size_t)slot, 2) == 0 &&
           memcmp(other + 5, c->config + ATECC_AT_KEY_CONFIG + 2 * (size_t)slot, 2) == 0;
}

/* TempKey holds the digest of this slot's public key, made by GenKey. */
static int
validate_allowed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    const struct atecc_temp_key *t = &c->v.temp_key;
    const uint8_t *other = cmd->data + 64;
    int invalidate = (cmd->p1 & VERIFY_MODE) == VERIFY_INVALIDATE;

    return atecc_slot_has_validity(c, cmd->p2) && !atecc_slot_locked(c, cmd->p2) && t->valid &&
           t->gen_key && t->key_id == cmd->p2 && (other[OTHER_VALID] & 1) == invalidate &&
           (!ATECC_U_VALIDATE_NEEDS_CONFIG || repeats_config(c, cmd->p2, other));
}

static int
verify_validate(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned parent = ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2));
    int invalidate = (cmd->p1 & VERIFY_MODE) == VERIFY_INVALIDATE;
    uint8_t xy[64], message[32];

    if (!validate_allowed(c, cmd) || !stored_key(c, parent, xy))
        return ATECC_EXEC;
    if (!atecc_p256_point_ok(c->p256, xy))
        return ATECC_U_OFF_CURVE_STATUS;
    atecc_digest_validate(c, cmd->data + 64, message);
    atecc_temp_key_clear(c);
    if (!atecc_p256_verify(c->p256, xy, message, cmd->data))
        return ATECC_MISCOMPARE;
    return atecc_store_validity(c, cmd->p2, invalidate ? INVALID_NIBBLE : VALID_NIBBLE);
}

/* The key in the command must be the parent's; what it signed makes the slot valid. */
static int
verify_validate_external(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned parent = ATECC_SLOT_READ_KEY(atecc_slot_config(c, cmd->p2));
    uint8_t xy[64], message[32];

    if (!atecc_slot_has_validity(c, cmd->p2) || atecc_slot_locked(c, cmd->p2) ||
        !stored_key(c, parent, xy) || memcmp(xy, cmd->data + 64, 64) != 0 ||
        !verify_message(c, cmd, message))
        return ATECC_EXEC;
    if (!atecc_p256_point_ok(c->p256, xy))
        return ATECC_U_OFF_CURVE_STATUS;
    if (!atecc_p256_verify(c->p256, xy, message, cmd->data))
        return ATECC_MISCOMPARE;
    return atecc_store_validity(c, cmd->p2, VALID_NIBBLE);
}

int
atecc_do_verify(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    if (!verify_parse(cmd))
        return ATECC_PARSE;
    /* An external key needs nothing of the part: the vendor's tests want it before anything is locked. */
    if (!atecc_config_locked(c) && (cmd->p1 & VERIFY_MODE) != VERIFY_EXTERNAL)
        return ATECC_EXEC;
    switch (cmd->p1 & VERIFY_MODE) {
    case VERIFY_VALIDATE:
    case VERIFY_INVALIDATE:
        return verify_validate(c, cmd);
    case VERIFY_VALIDATE_EXTERNAL:
        return verify_validate_external(c, cmd);
    default:
        return verify_plain(c, cmd, reply);
    }
}

/* ---- SecureBoot ------------------------------------------------------------ */

enum {
    BOOT_FULL = 5,
    BOOT_FULL_STORE = 6,
    BOOT_FULL_COPY = 7,
};

enum {
    BOOT_MODE_OFF = 0,
    BOOT_MODE_BOTH = 1,
    BOOT_MODE_SIG = 2,
    BOOT_MODE_DIG = 3,
};

#define BOOT_PROHIBIT 0x40
#define BOOT_MAC      0x80

/* One SecureBoot command as it goes along. */
struct boot {
    unsigned mode; /* of the configuration */
    unsigned what; /* of the command */
    unsigned digest_slot;
    const uint8_t *signature; /* given or stored; NULL: the stored digest decides */
    uint8_t digest[32], hashed_key[32];
};

static int
boot_parse(const struct atecc_command *cmd)
{
    unsigned what = cmd->p1 & 7;

    return (cmd->p1 & 0x38) == 0 && what >= BOOT_FULL && cmd->p2 == 0 &&
           cmd->len == (what == BOOT_FULL_STORE ? 32u : 96u);
}

static int
boot_allowed(const struct atecc_chip *c, const struct atecc_command *cmd, const struct boot *b)
{
    unsigned config = c->config[ATECC_AT_SECURE_BOOT];

    if (!atecc_config_locked(c) || c->secure_boot_prohibited || b->mode == BOOT_MODE_OFF)
        return 0;
    if (b->what != BOOT_FULL && b->mode == BOOT_MODE_BOTH)
        return 0;
    if (b->what == BOOT_FULL && b->mode != BOOT_MODE_BOTH && !ATECC_U_SECUREBOOT_FULL_ALWAYS)
        return 0;
    if ((config & 0x10) && (!(cmd->p1 & BOOT_MAC) || c->v.temp_key.from_input))
        return 0;
    return !(cmd->p1 & BOOT_MAC) || c->v.temp_key.valid;
}

/* hk = H(IO key | TempKey); the digest came in under it. */
static int
boot_decrypt(struct atecc_chip *c, struct boot *b)
{
    uint8_t key[32];

    if (!atecc_io_key(c, key))
        return 0;
    atecc_digest_boot_key(key, c->v.temp_key.value, b->hashed_key);
    for (size_t i = 0; i < 32; i++)
        b->digest[i] ^= b->hashed_key[i];
    atecc_temp_key_clear(c);
    return 1;
}

static int
boot_check(struct atecc_chip *c, const struct boot *b)
{
    unsigned key_slot = c->config[ATECC_AT_SECURE_BOOT + 1] >> 4;
    uint8_t xy[64];

    if (b->signature == NULL)
        return memcmp(atecc_slot(c, b->digest_slot), b->digest, 32) == 0 ? ATECC_OK
                                                                         : ATECC_MISCOMPARE;
    if (!stored_key(c, key_slot, xy))
        return ATECC_EXEC;
    if (!atecc_p256_point_ok(c->p256, xy))
        return ATECC_U_OFF_CURVE_STATUS;
    return atecc_p256_verify(c->p256, xy, b->digest, b->signature) ? ATECC_OK : ATECC_MISCOMPARE;
}

/* FullCopy keeps what the next FullStore compares with. */
static int
boot_store(struct atecc_chip *c, const struct boot *b)
{
    uint8_t *at = atecc_slot(c, b->digest_slot);

    if (b->what != BOOT_FULL_COPY)
        return ATECC_OK;
    if (atecc_slot_locked(c, b->digest_slot))
        return ATECC_EXEC;
    if (b->mode == BOOT_MODE_DIG)
        return atecc_store(c, at, b->digest, 32);
    return atecc_slot_size(b->digest_slot) < 64 ? ATECC_EXEC : atecc_store(c, at, b->signature, 64);
}

static void
boot_passed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    if (c->config[ATECC_AT_SECURE_BOOT] & 0x08)
        c->latch = 1;
    if (cmd->p1 & BOOT_PROHIBIT)
        c->secure_boot_prohibited = 1;
}

int
atecc_do_secureboot(struct atecc_chip *c, const struct atecc_command *cmd,
                    struct atecc_reply *reply)
{
    struct boot b = {.mode = c->config[ATECC_AT_SECURE_BOOT] & 3u,
                     .what = cmd->p1 & 7u,
                     .digest_slot = c->config[ATECC_AT_SECURE_BOOT + 1] & 0x0Fu};
    uint8_t stored[64], mac[32];
    int status;

    if (!boot_parse(cmd))
        return ATECC_PARSE;
    if (!boot_allowed(c, cmd, &b))
        return ATECC_EXEC;
    memcpy(b.digest, cmd->data, 32);
    if ((cmd->p1 & BOOT_MAC) && !boot_decrypt(c, &b))
        return ATECC_EXEC;
    if (b.what != BOOT_FULL_STORE) {
        b.signature = cmd->data + 32;
    } else if (b.mode == BOOT_MODE_SIG) {
        if (atecc_slot_size(b.digest_slot) < sizeof(stored))
            return ATECC_EXEC;
        memcpy(stored, atecc_slot(c, b.digest_slot), sizeof(stored));
        b.signature = stored;
    }
    status = boot_check(c, &b);
    if (status == ATECC_OK)
        status = boot_store(c, &b);
    if (status != ATECC_OK)
        return status;
    boot_passed(c, cmd);
    if (cmd->p1 & BOOT_MAC) {
        atecc_digest_boot_mac(b.hashed_key, b.digest, b.signature, cmd, mac);
        atecc_reply_put(reply, mac, sizeof(mac));
    }
    return ATECC_OK;
}
