/*
 * cmd_basic.c: Info, Random, Nonce, Counter, SelfTest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

static int
info_key_valid(struct atecc_chip *c, unsigned slot)
{
    uint8_t *key = atecc_slot(c, slot);

    if (atecc_slot_is_private(c, slot))
        return atecc_p256_key_ok(c->p256, key + 4);
    return atecc_slot_has_validity(c, slot) && atecc_slot_is_valid(c, slot);
}

static void
info_state(const struct atecc_chip *c, uint8_t out[4])
{
    const struct atecc_temp_key *t = &c->v.temp_key;
    unsigned state = t->key_id | (unsigned)t->from_input << ATECC_U_STATE_SOURCE_BIT |
                     (unsigned)t->gen_dig << ATECC_U_STATE_GENDIG_BIT |
                     (unsigned)t->gen_key << ATECC_U_STATE_GENKEY_BIT |
                     (unsigned)t->no_mac << ATECC_U_STATE_NOMAC_BIT |
                     (unsigned)c->v.auth_valid << ATECC_U_STATE_AUTH_BIT |
                     (unsigned)t->valid << ATECC_U_STATE_VALID_BIT;

    out[0] = (uint8_t)state;
    out[1] = (uint8_t)(state >> 8);
}

/* Bit 1 of param2: set the latch to bit 0.  Setting it to 1 takes an authorisation. */
static int
info_latch(struct atecc_chip *c, unsigned p2, uint8_t out[4])
{
    uint8_t permission = c->config[ATECC_AT_VOLATILE_KEY];

    if (p2 > 3)
        return ATECC_PARSE;
    if (p2 == 3 &&
        (!(permission & 0x80) || !c->v.auth_valid || c->v.auth_key != (permission & 0x0Fu)))
        return ATECC_EXEC;
    if (p2 & 2)
        c->latch = p2 & 1;
    out[0] = c->latch;
    return ATECC_OK;
}

int
atecc_do_info(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t out[4] = {0};
    int status = ATECC_OK;

    if (cmd->len != 0)
        return ATECC_PARSE;
    switch (cmd->p1) {
    case 0:
        out[2] = 0x60;
        out[3] = c->revision;
        break;
    case 1:
        if (cmd->p2 >= ATECC_SLOT_COUNT)
            return ATECC_PARSE;
        out[0] = (uint8_t)info_key_valid(c, cmd->p2);
        break;
    case 2:
        info_state(c, out);
        break;
    case 3:
        return ATECC_U_INFO_GPIO_STATUS;
    case 4:
        status = info_latch(c, cmd->p2, out);
        break;
    default:
        return ATECC_PARSE;
    }
    if (status == ATECC_OK)
        atecc_reply_put(reply, out, sizeof(out));
    return status;
}

/* Until the configuration is locked the generator gives a fixed pattern. */
static void
draw(struct atecc_chip *c, uint8_t out[32])
{
    static const uint8_t pattern[4] = {0xFF, 0xFF, 0x00, 0x00};

    if (atecc_config_locked(c)) {
        c->run.host->random(c->run.host->self, out, 32);
        return;
    }
    for (size_t i = 0; i < 32; i++)
        out[i] = pattern[i % 4];
}

int
atecc_do_random(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t out[32];

    if (cmd->p1 > 1 || cmd->p2 != 0 || cmd->len != 0)
        return ATECC_PARSE;
    draw(c, out);
    if (cmd->p1 == 0)
        c->v.seed_updated = 1;
    atecc_reply_put(reply, out, sizeof(out));
    return ATECC_OK;
}

/* Param2 bit 15: the nonce is made of TempKey instead of a draw, and given out. */
static int
nonce_from_temp_key(struct atecc_chip *c, const struct atecc_command *cmd,
                    struct atecc_reply *reply)
{
    struct atecc_temp_key *t = &c->v.temp_key;

    if (!t->valid)
        return ATECC_EXEC;
    atecc_digest_nonce(t->value, cmd->data, cmd, t->value);
    atecc_reply_put(reply, t->value, 32);
    return ATECC_OK;
}

static int
nonce_random(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t out[32], digest[32];

    if ((cmd->p1 & ~0x01u) != 0 || (cmd->p2 & 0x7FFFu) != 0 || cmd->len != 20)
        return ATECC_PARSE;
    if (cmd->p2 & 0x8000)
        return nonce_from_temp_key(c, cmd, reply);
    draw(c, out);
    atecc_digest_nonce(out, cmd->data, cmd, digest);
    atecc_temp_key_set(c, digest, 0);
    if (cmd->p1 == 0)
        c->v.seed_updated = 1;
    atecc_reply_put(reply, out, sizeof(out));
    return ATECC_OK;
}

static int
nonce_pass_through(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned target = cmd->p1 >> 6;
    unsigned is64 = (cmd->p1 >> 5) & 1u;

    if ((cmd->p1 & 0x1C) != 0 || target == 3 || (target == 2 && is64) || cmd->p2 != 0 ||
        cmd->len != (is64 ? 64u : 32u))
        return ATECC_PARSE;
    if (target == 0 || ATECC_U_NONCE_OTHER_CLEARS_TEMPKEY)
        atecc_temp_key_clear(c);
    if (target == 0) {
        atecc_temp_key_set(c, cmd->data, 1);
        memcpy(c->v.temp_key.value, cmd->data, cmd->len);
        c->v.temp_key.is64 = is64 & 1u;
    } else if (target == 1) {
        memcpy(c->v.digest, cmd->data, cmd->len);
        c->v.digest_valid = 1;
        c->v.digest_is64 = is64 & 1u;
    } else {
        memcpy(c->v.alt_key, cmd->data, sizeof(c->v.alt_key));
        c->v.alt_key_valid = 1;
    }
    return ATECC_OK;
}

int
atecc_do_nonce(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    switch (cmd->p1 & 3) {
    case 0:
    case 1:
        return nonce_random(c, cmd, reply);
    case 3:
        return nonce_pass_through(c, cmd);
    default:
        return ATECC_PARSE;
    }
}

int
atecc_do_counter(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint32_t value;
    int status = ATECC_OK;

    if (cmd->p1 > 1 || cmd->p2 > 1 || cmd->len != 0)
        return ATECC_PARSE;
    if (cmd->p1 == 1)
        status = atecc_config_locked(c) ? atecc_counter_increment(c, cmd->p2) : ATECC_EXEC;
    if (status != ATECC_OK)
        return status;
    value = atecc_counter(c, cmd->p2);
    for (unsigned shift = 0; shift < 32; shift += 8) {
        uint8_t byte = (uint8_t)(value >> shift);

        atecc_reply_put(reply, &byte, 1);
    }
    return ATECC_OK;
}

/* Any map of tests is taken (the vendor's "all" sets a bit without a test); none fails. */
int
atecc_do_self_test(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    static const uint8_t failed = 0;

    (void)c;
    if (cmd->p2 != 0 || cmd->len != 0)
        return ATECC_PARSE;
    atecc_reply_put(reply, &failed, 1);
    return ATECC_OK;
}
