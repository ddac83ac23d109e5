/*
 * seal.c: the configuration and the locks.
 *
 * The configuration is written where it differs: block by block, or word by word
 * where a block touches bytes below 16 or 84 to 87 and fails.  It is read back, and
 * locked with its CRC.  The data zone cannot be read before it is locked and holds
 * bytes of the maker's that nobody knows, so that its lock is taken without a CRC.
 *
 * What was read of the configuration is kept: a part changes it by our own commands
 * only.  Who it is and where its locks stand is read again when that is the question,
 * and before a lock that the part does not check by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define FIRST          16u /* nothing below can be written */
#define AT_ADDRESS     16u
#define AT_EXTRA       84u
#define AT_LOCK_DATA   86u
#define AT_LOCK_CONFIG 87u
#define AT_SLOT_LOCKED 88u
#define UNLOCKED       0x55u
#define BLOCK          32u

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

int
atecc_is_config_locked(const uint8_t *config)
{
    return config[AT_LOCK_CONFIG] != UNLOCKED;
}

int
atecc_is_data_locked(const uint8_t *config)
{
    return config[AT_LOCK_DATA] != UNLOCKED;
}

int
atecc_is_slot_locked(const uint8_t *config, unsigned slot)
{
    return ((unsigned)config[AT_SLOT_LOCKED + slot / 8] >> (slot % 8) & 1u) == 0;
}

void
atecc_forget_config(struct rot_chip *chip, unsigned blocks)
{
    struct atecc_state *s = state_of(chip);

    s->config_known = (uint8_t)(s->config_known & ~blocks);
}

static rot_err
read_unknown(struct rot_chip *chip)
{
    struct atecc_state *s = state_of(chip);
    rot_err rc = ROT_OK;

    for (unsigned b = 0; b < 4 && rc == ROT_OK; b++) {
        struct atecc_command c = {.op = ATECC_OP_READ, .p1 = 0x80, .p2 = (uint16_t)(b << 3)};
        unsigned bit = 1u << b;

        if ((s->config_known & bit) != 0)
            continue;
        rc = atecc_run(chip, &c, s->config + b * BLOCK, BLOCK);
        if (rc == ROT_OK)
            s->config_known |= (uint8_t)bit;
    }
    return rc;
}

/* Somebody else has locked it since it was read: what he locked may be something else. */
rot_err
atecc_read_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    struct atecc_state *s = state_of(chip);
    int was_open = s->config[AT_LOCK_CONFIG] == UNLOCKED;
    rot_err rc = read_unknown(chip);

    if (rc == ROT_OK && was_open && atecc_is_config_locked(s->config)) {
        atecc_forget_config(chip, ATECC_BLOCKS & ~ATECC_BLOCK_LOCKS);
        rc = read_unknown(chip);
    }
    if (rc == ROT_OK)
        memcpy(config, s->config, ATECC_CONFIG_SIZE);
    return rc;
}

/* What the byte should be; counters and locks change with use and count while open only. */
static uint8_t
wanted(const struct rot_layout *l, const uint8_t *config, unsigned at)
{
    const uint8_t *image = l->config;
    int is_locked = atecc_is_config_locked(config);

    if (at < FIRST || at == AT_ADDRESS || at == AT_LOCK_DATA || at == AT_LOCK_CONFIG)
        return config[at];
    if (is_locked && ((at >= 52 && at < 68) || at == AT_EXTRA || at == AT_EXTRA + 1 ||
                      at == AT_SLOT_LOCKED || at == AT_SLOT_LOCKED + 1))
        return config[at];
    return image[at - FIRST];
}

static int
is_as_wanted(const struct rot_layout *l, const uint8_t *config)
{
    for (unsigned at = 0; at < ATECC_CONFIG_SIZE; at++) {
        if (config[at] != wanted(l, config, at))
            return 0;
    }
    return 1;
}

static rot_err
write_extra(struct rot_chip *chip, unsigned which, uint8_t value)
{
    struct atecc_command c = {.op = ATECC_OP_UPDATE_EXTRA, .p1 = (uint8_t)which, .p2 = value};

    return atecc_run(chip, &c, NULL, 0);
}

static rot_err
write_word(struct rot_chip *chip, unsigned at, const uint8_t *config, const uint8_t *want)
{
    struct atecc_command c = {ATECC_OP_WRITE, 0, (uint16_t)(at / 4), want + at, 4};
    rot_err rc = ROT_OK;

    if (memcmp(want + at, config + at, 4) == 0)
        return ROT_OK;
    if (at != AT_EXTRA)
        return atecc_run(chip, &c, NULL, 0);
    for (unsigned i = 0; i < 2 && rc == ROT_OK; i++) {
        if (want[at + i] != config[at + i])
            rc = write_extra(chip, i, want[at + i]);
    }
    return rc;
}

static rot_err
write_block(struct rot_chip *chip, unsigned at, const uint8_t *config, const uint8_t *want)
{
    struct atecc_command c = {ATECC_OP_WRITE, 0x80, (uint16_t)(at / 4), want + at, BLOCK};
    rot_err rc = ROT_OK;

    if (memcmp(want + at, config + at, BLOCK) == 0)
        return ROT_OK;
    if (at / BLOCK == 1 || at / BLOCK == 3) /* every byte of it may be written */
        return atecc_run(chip, &c, NULL, 0);
    for (unsigned i = at; i < at + BLOCK && rc == ROT_OK; i += 4)
        rc = write_word(chip, i, config, want);
    return rc;
}

static rot_err
write_config(struct rot_chip *chip, const uint8_t *config)
{
    uint8_t want[ATECC_CONFIG_SIZE];
    rot_err rc = ROT_OK;

    for (unsigned at = 0; at < ATECC_CONFIG_SIZE; at++)
        want[at] = wanted(chip->setup.layout, config, at);
    for (unsigned at = 0; at < ATECC_CONFIG_SIZE && rc == ROT_OK; at += BLOCK)
        rc = write_block(chip, at, config, want);
    atecc_forget_config(chip, ATECC_BLOCKS);
    return rc;
}

rot_err
atecc_seal_prepare(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc;

    (void)p;
    if (stage == ROT_STAGE_LIFECYCLE)
        return ROT_E_UNSUPPORTED;
    if (stage != ROT_STAGE_CONFIG)
        return ROT_OK;
    rc = atecc_read_config(chip, config);
    if (rc == ROT_OK && !atecc_is_config_locked(config)) {
        rc = write_config(chip, config);
        if (rc == ROT_OK)
            rc = atecc_read_config(chip, config);
    }
    if (rc != ROT_OK)
        return rc;
    return is_as_wanted(chip->setup.layout, config) ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
lock(struct rot_chip *chip, unsigned p1, uint16_t crc)
{
    struct atecc_command c = {.op = ATECC_OP_LOCK, .p1 = (uint8_t)p1, .p2 = crc};
    rot_err rc = atecc_run(chip, &c, NULL, 0);

    atecc_forget_config(chip, ATECC_BLOCK_LOCKS);
    return rc;
}

/* ROT_E_MISMATCH when it is another than the layout's, read anew before that is said. */
static rot_err
compare_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    rot_err rc = atecc_read_config(chip, config);

    if (rc != ROT_OK || is_as_wanted(chip->setup.layout, config))
        return rc;
    atecc_forget_config(chip, ATECC_BLOCKS);
    rc = atecc_read_config(chip, config);
    return rc == ROT_OK && !is_as_wanted(chip->setup.layout, config) ? ROT_E_MISMATCH : rc;
}

/* The part compares its configuration with what we have read: one that is another is not locked. */
static rot_err
lock_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    rot_err rc = lock(chip, 0x00, atecc_crc(config, ATECC_CONFIG_SIZE, 0));
    uint32_t status = chip->raw_status;

    if (rc == ROT_OK)
        state_of(chip)->config[AT_LOCK_CONFIG] = 0;
    if (rc != ROT_E_CHIP)
        return rc;
    atecc_forget_config(chip, ATECC_BLOCKS);
    if (compare_config(chip, config) == ROT_E_MISMATCH)
        rc = ROT_E_MISMATCH;
    chip->raw_status = status;
    return rc;
}

static int
is_done(const uint8_t *config, enum rot_stage stage, const struct rot_place *p)
{
    if (stage == ROT_STAGE_CONFIG)
        return atecc_is_config_locked(config);
    if (stage == ROT_STAGE_DATA)
        return atecc_is_data_locked(config);
    return atecc_is_slot_locked(config, p->where);
}

rot_err
atecc_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc;

    if (stage == ROT_STAGE_LIFECYCLE)
        return ROT_E_UNSUPPORTED;
    if (stage != ROT_STAGE_CONFIG)
        atecc_forget_config(chip, ATECC_BLOCK_SERIAL | ATECC_BLOCK_LOCKS);
    rc = compare_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    if (is_done(config, stage, p))
        return ROT_OK;
    if (stage == ROT_STAGE_CONFIG)
        return lock_config(chip, config);
    if (!atecc_is_config_locked(config))
        return ROT_E_STATE;
    if (stage == ROT_STAGE_DATA)
        return lock(chip, 0x81, 0);
    if (!atecc_is_data_locked(config))
        return ROT_E_STATE;
    return lock(chip, 0x02u | p->where << 2, 0);
}

rot_err
atecc_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                 enum rot_seal_state *ret_state)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc;

    if (stage == ROT_STAGE_LIFECYCLE)
        return ROT_E_UNSUPPORTED;
    atecc_forget_config(chip, ATECC_BLOCK_LOCKS);
    rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    *ret_state = is_done(config, stage, p) ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    if (atecc_is_config_locked(config) && *ret_state == ROT_SEAL_DONE &&
        !is_as_wanted(chip->setup.layout, config))
        *ret_state = ROT_SEAL_FOREIGN;
    return ROT_OK;
}
