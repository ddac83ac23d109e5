/*
 * seal.c: the configuration and the locks.
 *
 * The configuration is written word by word where it differs (blocks fail that
 * touch bytes below 16 or 84 to 87), read back, and locked with its CRC.  The
 * data zone cannot be read before it is locked and holds bytes of the maker's
 * that nobody knows, so that its lock is taken without a CRC.
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

int
atecc_is_config_locked(const uint8_t *config)
{
    return config[AT_LOCK_CONFIG] != 0x55;
}

int
atecc_is_data_locked(const uint8_t *config)
{
    return config[AT_LOCK_DATA] != 0x55;
}

int
atecc_is_slot_locked(const uint8_t *config, unsigned slot)
{
    return ((unsigned)config[AT_SLOT_LOCKED + slot / 8] >> (slot % 8) & 1u) == 0;
}

rot_err
atecc_read_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    rot_err rc = ROT_OK;

    for (unsigned b = 0; b < 4 && rc == ROT_OK; b++) {
        struct atecc_command c = {.op = ATECC_OP_READ, .p1 = 0x80, .p2 = (uint16_t)(b << 3)};

        rc = atecc_run(chip, &c, config + b * 32u, 32);
    }
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
write_word(struct rot_chip *chip, unsigned at, const uint8_t *config)
{
    struct atecc_command c = {.op = ATECC_OP_WRITE, .p2 = (uint16_t)(at / 4), .data_len = 4};
    uint8_t want[4];
    rot_err rc = ROT_OK;

    for (unsigned i = 0; i < 4; i++)
        want[i] = wanted(chip->setup.layout, config, at + i);
    if (memcmp(want, config + at, 4) == 0)
        return ROT_OK;
    if (at != AT_EXTRA) {
        c.data = want;
        return atecc_run(chip, &c, NULL, 0);
    }
    for (unsigned i = 0; i < 2 && rc == ROT_OK; i++) {
        if (want[i] != config[at + i])
            rc = write_extra(chip, i, want[i]);
    }
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
    rc = atecc_read_config(chip, config);
    if (rc != ROT_OK || stage != ROT_STAGE_CONFIG)
        return rc;
    if (atecc_is_config_locked(config))
        return is_as_wanted(chip->setup.layout, config) ? ROT_OK : ROT_E_MISMATCH;
    for (unsigned at = FIRST; at < ATECC_CONFIG_SIZE && rc == ROT_OK; at += 4)
        rc = write_word(chip, at, config);
    if (rc == ROT_OK)
        rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    return is_as_wanted(chip->setup.layout, config) ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
lock(struct rot_chip *chip, unsigned p1, uint16_t crc)
{
    struct atecc_command c = {.op = ATECC_OP_LOCK, .p1 = (uint8_t)p1, .p2 = crc};

    return atecc_run(chip, &c, NULL, 0);
}

rot_err
atecc_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    enum rot_seal_state state = ROT_SEAL_OPEN;
    rot_err rc = atecc_seal_state(chip, stage, p, &state);

    if (rc == ROT_OK && state != ROT_SEAL_OPEN)
        return state == ROT_SEAL_DONE ? ROT_OK : ROT_E_MISMATCH;
    if (rc == ROT_OK)
        rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    if (!is_as_wanted(chip->setup.layout, config))
        return ROT_E_MISMATCH;
    if (stage == ROT_STAGE_CONFIG)
        return lock(chip, 0x00, atecc_crc(config, sizeof(config), 0));
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
    int done;

    if (stage == ROT_STAGE_LIFECYCLE)
        return ROT_E_UNSUPPORTED;
    rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    if (stage == ROT_STAGE_CONFIG)
        done = atecc_is_config_locked(config);
    else if (stage == ROT_STAGE_DATA)
        done = atecc_is_data_locked(config);
    else
        done = atecc_is_slot_locked(config, p->where);
    *ret_state = done ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    if (atecc_is_config_locked(config) && done && !is_as_wanted(chip->setup.layout, config))
        *ret_state = ROT_SEAL_FOREIGN;
    return ROT_OK;
}
