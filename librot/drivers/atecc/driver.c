/*
 * driver.c: the ATECC608A and ATECC608B behind rot.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define COUNTER_MAX 2097151u

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

static rot_err
read_revision(struct rot_chip *chip)
{
    struct atecc_command c = {.op = ATECC_OP_INFO};
    uint8_t *revision = state_of(chip)->revision;
    rot_err rc = atecc_run(chip, &c, revision, 4);

    if (rc == ROT_OK && revision[2] != 0x60)
        return ROT_E_WRONG_PART;
    return rc;
}

static rot_err
probe(struct rot_chip *chip)
{
    rot_err rc = atecc_find(chip);

    if (rc == ROT_OK)
        rc = read_revision(chip);
    return rc == ROT_OK ? atecc_io_open(chip) : rc;
}

static void
forget(struct rot_chip *chip)
{
    atecc_forget_config(chip, ATECC_BLOCKS);
    state_of(chip)->has_point = 0;
}

static rot_err
reset(struct rot_chip *chip)
{
    atecc_sleep(chip);
    forget(chip);
    return read_revision(chip);
}

static int
is_serial_equal(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 4) == 0 && memcmp(a + 8, b + 8, 5) == 0;
}

/* Another part than the one that was opened says its revision itself, and everything else. */
static rot_err
meet_again(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE])
{
    const struct atecc_state *s = state_of(chip);
    uint8_t before[ATECC_CONFIG_SIZE];
    int was_known = (s->config_known & ATECC_BLOCK_SERIAL) != 0;
    rot_err rc;

    memcpy(before, s->config, sizeof(before));
    atecc_forget_config(chip, ATECC_BLOCK_SERIAL | ATECC_BLOCK_LOCKS);
    rc = atecc_read_config(chip, config);
    if (rc != ROT_OK || (was_known && is_serial_equal(before, config)))
        return rc;
    forget(chip);
    rc = read_revision(chip);
    return rc == ROT_OK ? atecc_read_config(chip, config) : rc;
}

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    const uint8_t *revision = state_of(chip)->revision;
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc = meet_again(chip, config);

    if (rc != ROT_OK)
        return rc;
    memcpy(id->vendor, "microchip", sizeof("microchip"));
    memcpy(id->model, "atecc608b", sizeof("atecc608b"));
    if (revision[3] < 3)
        id->model[8] = 'a';
    id->revision = (uint32_t)revision[0] << 24 | (uint32_t)revision[1] << 16 |
                   (uint32_t)revision[2] << 8 | revision[3];
    memcpy(id->uid, config, 4);
    memcpy(id->uid + 4, config + 8, 5);
    id->uid_len = 9;
    id->lifecycle = ROT_LIFE_BLANK;
    if (atecc_is_config_locked(config)) {
        id->sealed |= 1u << ROT_STAGE_CONFIG;
        id->lifecycle = ROT_LIFE_CONFIGURED;
    }
    if (atecc_is_data_locked(config)) {
        id->sealed |= 1u << ROT_STAGE_DATA;
        id->lifecycle = ROT_LIFE_PROVISIONED;
    }
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    struct atecc_command c = {.op = ATECC_OP_READ, .p1 = 0x80};
    uint8_t block[32];
    rot_err rc = atecc_run(chip, &c, block, sizeof(block));

    if (rc != ROT_OK)
        return rc;
    memcpy(out, block, 4);
    memcpy(out + 4, block + 8, 5);
    *ret_len = 9;
    return ROT_OK;
}

/* Modes over the part's AES are the host's work; what is derived stays inside. */
static void
secret_capability(const struct rot_chip *chip, const struct rot_place *key,
                  struct rot_capability *cap)
{
    int is_aes = key->alg == ROT_ALG_AES128;
    int is_brought = (atecc_slot_config(chip->setup.layout, key->where & 0xfu) & 0x4000u) != 0;

    cap->where[ROT_CAN_GENERATE] = ROT_NOWHERE;
    cap->where[ROT_CAN_IMPORT] = is_aes && is_brought ? ROT_IN_CHIP : ROT_NOWHERE;
    cap->where[ROT_CAN_MAC] = is_aes ? ROT_ON_HOST : ROT_IN_CHIP;
    cap->where[ROT_CAN_AEAD] = ROT_ON_HOST;
}

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
    for (unsigned i = 0; i < ROT_PRIMITIVES; i++)
        cap->where[i] = ROT_IN_CHIP;
    if (key != NULL && rot_alg_secret_size((enum rot_alg)key->alg) != 0)
        secret_capability(chip, key, cap);
    else
        cap->where[ROT_CAN_IMPORT] = ROT_NOWHERE; /* key pairs are born here */
    if (key != NULL)
        cap->alg = key->alg;
    else if (data != NULL)
        cap->alg = data->alg;
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
}

static rot_err
random_bytes(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    struct atecc_command c = {.op = ATECC_OP_RANDOM};

    for (size_t at = 0; at < len; at += 32) {
        uint8_t rx[32];
        rot_err rc = atecc_run(chip, &c, rx, sizeof(rx));

        if (rc != ROT_OK)
            return rc;
        memcpy(buf + at, rx, len - at < 32 ? len - at : 32);
    }
    return ROT_OK;
}

static rot_err
count(struct rot_chip *chip, const struct rot_place *place, uint8_t p1, uint64_t *ret_value)
{
    struct atecc_command c = {ATECC_OP_COUNTER, p1, (uint16_t)place->where, NULL, 0};
    uint8_t rx[4];
    uint32_t value;
    rot_err rc = atecc_run(chip, &c, rx, sizeof(rx));

    if (rc != ROT_OK)
        return rc;
    value = rx[0] | (uint32_t)rx[1] << 8 | (uint32_t)rx[2] << 16 | (uint32_t)rx[3] << 24;
    if (value > COUNTER_MAX)
        return ROT_E_FORMAT;
    *ret_value = value;
    return ROT_OK;
}

static rot_err
counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    return count(chip, place, 0, ret_value);
}

static rot_err
counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    return count(chip, place, 1, ret_value);
}

static rot_err
self_test(struct rot_chip *chip)
{
    struct atecc_command c = {.op = ATECC_OP_SELFTEST, .p1 = 0x3b};
    uint8_t failed = 0;
    rot_err rc = atecc_run(chip, &c, &failed, 1);

    if (rc != ROT_OK)
        return rc;
    chip->raw_status = failed;
    return failed == 0 ? ROT_OK : ROT_E_CHIP;
}

extern const struct rot_driver rot_driver_atecc;

const struct rot_driver rot_driver_atecc = {
    .name = "atecc",
    .vendor = "microchip",
    .bus = ROT_BUS_I2C,
    .state_size = sizeof(struct atecc_state),
    .layouts = atecc_layouts,
    .channel_size = 32,
    .probe = probe,
    .close = atecc_sleep,
    .reset = reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = random_bytes,
    .key_generate = atecc_key_generate,
    .key_public = atecc_key_public,
    .key_import = atecc_key_import,
    .sign_digest = atecc_sign_digest,
    .verify_digest = atecc_verify_digest,
    .agree = atecc_agree,
    .derive = atecc_derive,
    .mac = atecc_mac,
    .aead = atecc_aead,
    .object_size = atecc_object_size,
    .object_read = atecc_object_read,
    .object_write = atecc_object_write,
    .counter_read = counter_read,
    .counter_increment = counter_increment,
    .attest = atecc_attest,
    .seal_prepare = atecc_seal_prepare,
    .seal = atecc_seal,
    .seal_state = atecc_seal_state,
    .channel_rotate = atecc_channel_rotate,
    .channel_has = atecc_channel_has,
    .self_test = self_test,
};
