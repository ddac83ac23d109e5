/*
 * cmd_zone.c: Read, Write, Lock, UpdateExtra: the three zones and their locks.
 *
 * An address is a word inside a 32-byte block: block and word for configuration
 * and OTP, slot, block and word for data.  What may be touched follows from the
 * two zone locks first, then from SlotConfig, then from the slot's own lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

enum {
    ZONE_CONFIG = 0,
    ZONE_OTP = 1,
    ZONE_DATA = 2,
};

#define P1_BLOCK     0x80
#define P1_ENCRYPTED 0x40

/* Where an access goes. */
struct place {
    unsigned zone, slot;
    uint8_t *base; /* of the zone or slot */
    size_t offset, size, len;
};

/* 0: no such place.  A 32-byte write may reach over the end of a slot: see room(). */
static int
find_place(struct atecc_chip *c, const struct atecc_command *cmd, struct place *ret_place)
{
    struct place at = {.zone = cmd->p1 & 3u, .len = cmd->p1 & P1_BLOCK ? 32 : 4};
    unsigned word = cmd->p2 & 7u, block = (cmd->p2 >> 3) & 0x1Fu;

    if (at.zone == ZONE_DATA) {
        at.slot = (cmd->p2 >> 3) & 0x0Fu;
        block = cmd->p2 >> 8;
        at.base = atecc_slot(c, at.slot);
        at.size = atecc_slot_size(at.slot);
        if (cmd->p2 & 0x80)
            return 0;
    } else {
        at.base = at.zone == ZONE_CONFIG ? c->config : c->otp;
        at.size = at.zone == ZONE_CONFIG ? ATECC_CONFIG_SIZE : ATECC_OTP_SIZE;
        if (cmd->p2 > 0xFF)
            return 0;
    }
    at.offset = (size_t)block * 32 + (at.len == 4 ? (size_t)word * 4 : 0);
    if (at.offset >= at.size)
        return 0;
    *ret_place = at;
    return 1;
}

/* Bytes of the access that exist: the last block of a slot is short. */
static size_t
room(const struct place *at)
{
    return at->size - at->offset < at->len ? at->size - at->offset : at->len;
}

/* ---- Read ------------------------------------------------------------------ */

/* TempKey made by GenDig with the given key, from the chip's own random number. */
static int
session_with(const struct atecc_chip *c, unsigned key)
{
    const struct atecc_temp_key *t = &c->v.temp_key;

    return t->valid && t->gen_dig && !t->from_input && t->key_id == key;
}

static int
read_data(struct atecc_chip *c, const struct place *at, uint8_t out[32])
{
    unsigned config = atecc_slot_config(c, at->slot), key = atecc_key_config(c, at->slot);

    if (ATECC_KEY_PRIVATE(key))
        return ATECC_EXEC;
    if (ATECC_KEY_PERSISTENT_DISABLE(key) && !c->latch)
        return ATECC_EXEC;
    if (!ATECC_SLOT_ENCRYPT_READ(config))
        return ATECC_SLOT_SECRET(config) ? ATECC_EXEC : ATECC_OK;
    if (at->len != 32 || !session_with(c, ATECC_SLOT_READ_KEY(config)))
        return ATECC_EXEC;
    for (size_t i = 0; i < 32; i++)
        out[i] ^= c->v.temp_key.value[i];
    atecc_temp_key_clear(c);
    return ATECC_OK;
}

int
atecc_do_read(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    struct place at;
    uint8_t out[32];
    int status = ATECC_OK;

    if ((cmd->p1 & 0x7C) != 0 || (cmd->p1 & 3) == 3 || cmd->len != 0)
        return ATECC_PARSE;
    if (!find_place(c, cmd, &at) || room(&at) == 0 || (at.zone != ZONE_DATA && room(&at) < at.len))
        return ATECC_U_READ_RANGE_STATUS;
    if (at.zone != ZONE_CONFIG && !atecc_data_locked(c))
        return ATECC_EXEC;
    if (at.zone == ZONE_CONFIG &&
        !atecc_config_locked(c)) { /* as it left the maker, or so we think */
        ATECC_U_BLANK_CONFIG_NOTED;
        ATECC_U_BLANK_AES_ENABLE_NOTED;
    }
    memset(out, ATECC_U_PAST_SLOT, sizeof(out));
    memcpy(out, at.base + at.offset, room(&at) < at.len ? room(&at) : at.len);
    if (at.zone == ZONE_DATA)
        status = read_data(c, &at, out);
    if (status != ATECC_OK)
        return status;
    atecc_reply_put(reply, out, at.len);
    return ATECC_OK;
}

/* ---- Write ----------------------------------------------------------------- */

/* Bytes 0-15 are the factory's; 84-87 have commands of their own. */
static int
write_config_allowed(const struct atecc_chip *c, const struct place *at)
{
    size_t end = at->offset + at->len;

    return !atecc_config_locked(c) && at->offset >= 16 &&
           (end <= ATECC_AT_USER_EXTRA || at->offset > ATECC_AT_LOCK_CONFIG);
}

static int
write_slot_locked_zone(struct atecc_chip *c, const struct atecc_command *cmd,
                       const struct place *at)
{
    unsigned write = ATECC_SLOT_WRITE_CONFIG(atecc_slot_config(c, at->slot));
    int encrypted = (cmd->p1 & P1_ENCRYPTED) != 0;

    if (write & ATECC_WRITE_ENCRYPTED)
        return encrypted;
    if (write & (ATECC_WRITE_GENKEY | ATECC_WRITE_NEVER))
        return 0;
    if ((write & ATECC_WRITE_PUB_INVALID) && atecc_slot_has_validity(c, at->slot) &&
        atecc_slot_is_valid(c, at->slot))
        return 0;
    return !encrypted;
}

static int
write_data_allowed(struct atecc_chip *c, const struct atecc_command *cmd, const struct place *at)
{
    if (ATECC_KEY_PRIVATE(atecc_key_config(c, at->slot)) || atecc_slot_locked(c, at->slot))
        return 0;
    return atecc_data_locked(c) ? write_slot_locked_zone(c, cmd, at) : at->len == 32;
}

static int
write_allowed(struct atecc_chip *c, const struct atecc_command *cmd, const struct place *at)
{
    if (at->zone == ZONE_CONFIG)
        return write_config_allowed(c, at);
    if (!atecc_config_locked(c))
        return 0;
    if (at->zone == ZONE_OTP)
        return !atecc_data_locked(c) && at->len == 32;
    return write_data_allowed(c, cmd, at);
}

/* Undo the mask of the session and check the MAC over the plain bytes. */
static int
write_decrypt(struct atecc_chip *c, const struct atecc_command *cmd, const struct place *at,
              uint8_t bytes[32])
{
    unsigned key = ATECC_SLOT_WRITE_KEY(atecc_slot_config(c, at->slot));
    uint8_t params[4], mac[32];

    if (at->zone != ZONE_DATA || !session_with(c, key))
        return ATECC_EXEC;
    for (size_t i = 0; i < 32; i++)
        bytes[i] ^= c->v.temp_key.value[i];
    atecc_digest_params(cmd, params);
    atecc_digest_row(c, c->v.temp_key.value, params, NULL, bytes, 32, mac);
    atecc_temp_key_clear(c);
    return memcmp(mac, cmd->data + 32, 32) == 0 ? ATECC_OK : ATECC_U_WRITE_MAC_STATUS;
}

/* A key that was written is not a validated key any more; its mark goes first. */
static int
write_store(struct atecc_chip *c, const struct place *at, uint8_t *bytes)
{
    int marked = at->zone == ZONE_DATA && atecc_slot_has_validity(c, at->slot);
    int status = ATECC_OK;

    if (marked && atecc_slot(c, at->slot)[0] >> 4 != 0xA)
        status = atecc_store_validity(c, at->slot, 0xA);
    if (status != ATECC_OK)
        return status;
    if (marked && at->offset == 0)
        bytes[0] = (uint8_t)((bytes[0] & 0x0Fu) | 0xA0u);
    return atecc_store(c, at->base + at->offset, bytes, room(at));
}

int
atecc_do_write(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    int encrypted = (cmd->p1 & P1_ENCRYPTED) != 0;
    struct place at;
    uint8_t bytes[32];
    int status = ATECC_OK;

    (void)reply;
    if ((cmd->p1 & 0x3C) != 0 || (cmd->p1 & 3) == 3 || (encrypted && !(cmd->p1 & P1_BLOCK)) ||
        cmd->len != (cmd->p1 & P1_BLOCK ? 32u : 4u) + (encrypted ? 32u : 0u))
        return ATECC_PARSE;
    if (!find_place(c, cmd, &at))
        return ATECC_PARSE;
    if (!write_allowed(c, cmd, &at))
        return ATECC_EXEC;
    memcpy(bytes, cmd->data, at.len);
    if (encrypted)
        status = write_decrypt(c, cmd, &at, bytes);
    return status == ATECC_OK ? write_store(c, &at, bytes) : status;
}

/* ---- Lock ------------------------------------------------------------------ */

#define LOCK_NO_CRC 0x80

enum {
    LOCK_CONFIG = 0,
    LOCK_DATA = 1,
    LOCK_SLOT = 2,
};

/* Summary of what is about to be locked; private slots are left out. */
static uint16_t
lock_summary(struct atecc_chip *c, unsigned what)
{
    uint8_t all[ATECC_DATA_SIZE + ATECC_OTP_SIZE];
    size_t len = 0;

    if (what == LOCK_CONFIG)
        return atecc_crc(c->config, sizeof(c->config));
    for (unsigned slot = 0; slot < ATECC_SLOT_COUNT; slot++) {
        if (ATECC_KEY_PRIVATE(atecc_key_config(c, slot)))
            continue;
        memcpy(all + len, atecc_slot(c, slot), atecc_slot_size(slot));
        len += atecc_slot_size(slot);
    }
    memcpy(all + len, c->otp, sizeof(c->otp));
    return atecc_crc(all, len + sizeof(c->otp));
}

static int
lock_zone(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned what = cmd->p1 & 3u;
    uint8_t *at = c->config + (what == LOCK_CONFIG ? ATECC_AT_LOCK_CONFIG : ATECC_AT_LOCK_VALUE);
    static const uint8_t locked = 0x00;

    if (*at == locked || (what == LOCK_DATA && !atecc_config_locked(c)))
        return ATECC_EXEC;
    if (!(cmd->p1 & LOCK_NO_CRC) && lock_summary(c, what) != cmd->p2)
        return ATECC_U_LOCK_CRC_STATUS;
    return atecc_store(c, at, &locked, 1);
}

static int
lock_slot(struct atecc_chip *c, unsigned slot)
{
    uint8_t *at = c->config + ATECC_AT_SLOT_LOCKED + slot / 8;
    uint8_t byte = (uint8_t)(*at & ~(1u << (slot % 8)));

    if (!atecc_config_locked(c) || !atecc_data_locked(c) || atecc_slot_locked(c, slot) ||
        !ATECC_KEY_LOCKABLE(atecc_key_config(c, slot)))
        return ATECC_EXEC;
    return atecc_store(c, at, &byte, 1);
}

int
atecc_do_lock(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned what = cmd->p1 & 3u, slot = (cmd->p1 >> 2) & 0x0Fu;

    (void)reply;
    if ((cmd->p1 & 0x40) || what > LOCK_SLOT || (what != LOCK_SLOT && slot != 0) || cmd->len != 0)
        return ATECC_PARSE;
    return what == LOCK_SLOT ? lock_slot(c, slot) : lock_zone(c, cmd);
}

/* ---- UpdateExtra ----------------------------------------------------------- */

int
atecc_do_update_extra(struct atecc_chip *c, const struct atecc_command *cmd,
                      struct atecc_reply *reply)
{
    uint8_t *at = c->config + ATECC_AT_USER_EXTRA + (cmd->p1 & 1u);
    uint8_t byte = (uint8_t)cmd->p2;

    (void)reply;
    if (cmd->p1 == 2)
        return ATECC_U_UPDATE_EXTRA_2_STATUS;
    if (cmd->p1 > 1 || cmd->p2 > 0xFF || cmd->len != 0)
        return ATECC_PARSE;
    if (atecc_config_locked(c) && *at != 0)
        return ATECC_EXEC;
    return atecc_store(c, at, &byte, 1);
}
