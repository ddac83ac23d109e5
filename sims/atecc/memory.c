/*
 * memory.c: zones, slots and what their bits allow; the one door to EEPROM.
 *
 * Slots 0-7 have 36 bytes, slot 8 has 416, slots 9-15 have 72, one after the
 * other.  atecc_store() is the only function that changes EEPROM once a part
 * exists: it is one memory step of the chip, where the power can go half-way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/uncertain.h"

#define LOCKED 0x00

size_t
atecc_slot_size(unsigned slot)
{
    if (slot < 8)
        return 36;
    return slot == 8 ? 416 : 72;
}

uint8_t *
atecc_slot(struct atecc_chip *c, unsigned slot)
{
    if (slot <= 8)
        return c->data + (size_t)slot * 36;
    return c->data + (size_t)8 * 36 + 416 + (size_t)(slot - 9) * 72;
}

static unsigned
get_le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

unsigned
atecc_slot_config(const struct atecc_chip *c, unsigned slot)
{
    return get_le16(c->config + ATECC_AT_SLOT_CONFIG + 2 * (size_t)slot);
}

unsigned
atecc_key_config(const struct atecc_chip *c, unsigned slot)
{
    return get_le16(c->config + ATECC_AT_KEY_CONFIG + 2 * (size_t)slot);
}

unsigned
atecc_chip_options(const struct atecc_chip *c)
{
    return get_le16(c->config + ATECC_AT_CHIP_OPTIONS);
}

int
atecc_config_locked(const struct atecc_chip *c)
{
    return c->config[ATECC_AT_LOCK_CONFIG] == LOCKED;
}

int
atecc_data_locked(const struct atecc_chip *c)
{
    return c->config[ATECC_AT_LOCK_VALUE] == LOCKED;
}

int
atecc_slot_locked(const struct atecc_chip *c, unsigned slot)
{
    return !((get_le16(c->config + ATECC_AT_SLOT_LOCKED) >> slot) & 1);
}

int
atecc_slot_is_private(const struct atecc_chip *c, unsigned slot)
{
    unsigned key = atecc_key_config(c, slot);

    return ATECC_KEY_PRIVATE(key) && ATECC_KEY_TYPE(key) == ATECC_TYPE_P256;
}

/* A public key needs 72 bytes: slots 8 to 15. */
int
atecc_slot_is_public(const struct atecc_chip *c, unsigned slot)
{
    unsigned key = atecc_key_config(c, slot);

    return slot >= 8 && !ATECC_KEY_PRIVATE(key) && ATECC_KEY_TYPE(key) == ATECC_TYPE_P256;
}

int
atecc_slot_has_validity(const struct atecc_chip *c, unsigned slot)
{
    return atecc_slot_is_public(c, slot) && ATECC_KEY_PUB_INFO(atecc_key_config(c, slot));
}

int
atecc_slot_is_valid(struct atecc_chip *c, unsigned slot)
{
    return atecc_slot(c, slot)[0] >> 4 == 0x5;
}

void
atecc_serial(const struct atecc_chip *c, uint8_t serial[ATECC_SERIAL_SIZE])
{
    memcpy(serial, c->config, 4);
    memcpy(serial + 4, c->config + 8, 5);
}

/* Four bytes of padding before X and before Y. */
void
atecc_slot_public(struct atecc_chip *c, unsigned slot, uint8_t xy[64])
{
    const uint8_t *p = atecc_slot(c, slot);

    memcpy(xy, p + 4, 32);
    memcpy(xy + 32, p + 40, 32);
}

int
atecc_store(struct atecc_chip *c, uint8_t *at, const uint8_t *bytes, size_t len)
{
    return sim_runner_store(&c->run, at, bytes, len) ? ATECC_OK : ATECC_LOST;
}

int
atecc_store_validity(struct atecc_chip *c, unsigned slot, unsigned nibble)
{
    uint8_t *at = atecc_slot(c, slot);
    uint8_t byte = (uint8_t)((at[0] & 0x0Fu) | nibble << 4);

    return atecc_store(c, at, &byte, 1);
}

/* ---- Counters ------------------------------------------------------------- */

static void
put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static unsigned
get_be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* One bit falls per count for 16 counts, then rests for 16. */
static unsigned
linear(uint32_t value)
{
    return value % 32 < 16 ? 0xFFFFu >> (value % 32) : 0;
}

void
atecc_counter_encode(uint32_t value, uint8_t field[8])
{
    uint32_t second = value < 16 ? 0 : value - 16;

    put_be16(field, linear(value));
    put_be16(field + 2, linear(second));
    put_be16(field + 4, value / 32);
    put_be16(field + 6, second / 32);
}

static uint32_t
count_fallen(unsigned word)
{
    uint32_t n = 0;

    for (unsigned bit = 0; bit < 16; bit++)
        n += !((word >> bit) & 1);
    return n;
}

/*
 * The larger of what the two halves say: each rests while the other counts, and
 * after a torn increment the larger is never behind the last full one.
 */
uint32_t
atecc_counter_decode(const uint8_t field[8])
{
    uint32_t a = get_be16(field + 4) * 32u + count_fallen(get_be16(field));
    uint32_t fallen = count_fallen(get_be16(field + 2)), turns = get_be16(field + 6);
    uint32_t b = fallen == 0 && turns == 0 ? 0 : 16 + turns * 32 + fallen;
    uint32_t value = a > b ? a : b;

    return value > ATECC_COUNTER_MAX ? ATECC_COUNTER_MAX : value;
}

uint32_t
atecc_counter(const struct atecc_chip *c, unsigned counter)
{
    return atecc_counter_decode(c->config + ATECC_AT_COUNTER + 8 * (size_t)counter);
}

int
atecc_counter_increment(struct atecc_chip *c, unsigned counter)
{
    uint32_t value = atecc_counter(c, counter);
    uint8_t field[8];

    if (value >= ATECC_COUNTER_MAX)
        return ATECC_EXEC;
    atecc_counter_encode(value + 1, field);
    return atecc_store(c, c->config + ATECC_AT_COUNTER + 8 * (size_t)counter, field, 8);
}

/* ---- Permission to use a key ----------------------------------------------- */

/* CountMatch names a slot with the limit, twice in little-endian; the first is believed. */
static uint32_t
use_limit(struct atecc_chip *c)
{
    unsigned match = c->config[ATECC_AT_COUNT_MATCH];
    const uint8_t *p = atecc_slot(c, match >> 4);

    if (!(match & 1))
        return ATECC_COUNTER_MAX;
    if (ATECC_U_BOTH_LIMITS && memcmp(p, p + 4, 4) != 0)
        return 0;
    return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

int
atecc_use_key(struct atecc_chip *c, unsigned slot)
{
    unsigned key = atecc_key_config(c, slot);

    if (ATECC_KEY_PERSISTENT_DISABLE(key) && !c->latch)
        return ATECC_EXEC;
    if (ATECC_KEY_REQ_AUTH(key) && (!c->v.auth_valid || c->v.auth_key != ATECC_KEY_AUTH_KEY(key)))
        return ATECC_EXEC;
    if (!ATECC_SLOT_LIMITED_USE(atecc_slot_config(c, slot)))
        return ATECC_OK;
    if (atecc_counter(c, 0) >= use_limit(c))
        return ATECC_EXEC;
    return atecc_counter_increment(c, 0);
}

/* ---- TempKey and IO protection --------------------------------------------- */

void
atecc_temp_key_clear(struct atecc_chip *c)
{
    memset(&c->v.temp_key, 0, sizeof(c->v.temp_key));
}

void
atecc_temp_key_set(struct atecc_chip *c, const uint8_t value[32], int from_input)
{
    struct atecc_temp_key fresh = {.valid = 1, .from_input = from_input != 0};

    memcpy(fresh.value, value, 32);
    c->v.temp_key = fresh;
}

int
atecc_io_key(struct atecc_chip *c, uint8_t key[ATECC_KEY_SIZE])
{
    unsigned options = atecc_chip_options(c), slot = options >> 12;

    if (!((options >> 1) & 1) || atecc_slot_is_private(c, slot))
        return 0;
    memcpy(key, atecc_slot(c, slot), ATECC_KEY_SIZE);
    return 1;
}
