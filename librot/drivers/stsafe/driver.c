/*
 * driver.c: STSAFE-A100, -A110 and -A120 behind rot.h.
 *
 * Opening reads who the part is and what its rules are, in the clear, and then
 * opens the host channel if the part has host keys and the port has the secret
 * for it.  Without either the part is spoken to in the clear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define BOOT_US         10000u
#define LIFE_TERMINATED 0x04u
#define LIFE_SEALED     0x03u /* operational */

/* ---- Opening ------------------------------------------------------------------------- */

static rot_err
read_product(struct rot_chip *chip)
{
    struct stsafe_state *s = stsafe_of(chip);
    struct stsafe_reader r;
    rot_err rc = stsafe_query(chip, STSAFE_TAG_PRODUCT, &r);

    return rc == ROT_OK ? stsafe_read_product(&r, s->mask, s->uid, &s->model) : rc;
}

/* Whether somebody is at the address, whatever it says. */
static int
is_there(const struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    static const uint8_t echo = 0;

    return t->i2c->write(t->self, stsafe_of(chip)->address, &echo, 1) == ROT_OK;
}

/* The address asked for, or else the two that parts were seen at (section 1). */
static rot_err
find_part(struct rot_chip *chip)
{
    static const uint8_t usual[] = {0x20, 0x21};
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = ROT_E_BUS;

    /* Until the part's own rules are read, it is asked what anybody may ask. */
    memset(s->rules.who, STSAFE_RULE_FREE, sizeof(s->rules.who));
    memset(s->rules.hidden, 0, sizeof(s->rules.hidden));
    s->address = chip->setup.transport->address;
    if (s->address != 0) {
        rc = read_product(chip);
    } else {
        for (size_t i = 0; i < sizeof(usual) && rc == ROT_E_BUS; i++) {
            s->address = usual[i];
            rc = read_product(chip);
        }
    }
    /* Something that answers, and not to this question; or takes it and has no frame to say. */
    if (rc == ROT_OK || (rc == ROT_E_BUS && !is_there(chip)))
        return rc;
    return ROT_E_WRONG_PART;
}

/* ROT_E_EMPTY: the part has no host keys, or the port no secret for it. */
static rot_err
find_secret(struct rot_chip *chip, uint8_t secret[STSAFE_SECRET], uint32_t *ret_counter)
{
    const struct rot_port *port = chip->setup.port;
    struct stsafe_state *s = stsafe_of(chip);
    int present = 0;
    rot_err rc = stsafe_host_key(chip, &present, ret_counter);

    if (rc != ROT_OK)
        return rc;
    if (!present || port->ops->channel_secret == NULL)
        return ROT_E_EMPTY;
    return port->ops->channel_secret(port->self, "stsafe", (struct rot_bytes){s->uid, STSAFE_UID},
                                     secret, STSAFE_SECRET);
}

static rot_err
open_channel(struct rot_chip *chip)
{
    uint8_t secret[STSAFE_SECRET];
    uint32_t counter = 0;
    rot_err rc = find_secret(chip, secret, &counter);

    if (rc == ROT_OK)
        rc = stsafe_open_channel(chip, secret, counter);
    rot_wipe_memory(secret, sizeof(secret));
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

static rot_err
probe(struct rot_chip *chip)
{
    struct stsafe_state *s = stsafe_of(chip);
    struct stsafe_reader r;
    rot_err rc = find_part(chip);

    if (rc == ROT_OK)
        rc = stsafe_query(chip, STSAFE_TAG_RULES, &r);
    if (rc == ROT_OK)
        rc = stsafe_read_rules(&r, &s->rules);
    if (rc == ROT_OK)
        rc = open_channel(chip);
    return rc;
}

/* Host keys stay; what was agreed on or half written is gone. */
static rot_err
reset(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc;

    stsafe_begin(chip, STSAFE_RESET);
    rc = t->line->pulse_reset != NULL ? t->line->pulse_reset(t->self) : stsafe_run_plain(chip);
    if (rc != ROT_OK && rc != ROT_E_BUS)
        return rc;
    t->line->delay_us(t->self, BOOT_US);
    stsafe_secrets_forget(chip);
    s->pending = NULL;
    s->channel.is_unsure = s->channel.is_open;
    chip->raw_status = 0;
    return read_product(chip);
}

/* ---- Who ------------------------------------------------------------------------------- */

static rot_err
is_sealed(struct rot_chip *chip, enum rot_stage stage, int *ret_done)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    rot_err rc = stsafe_seal_state(chip, stage, NULL, &state);

    *ret_done = state == ROT_SEAL_DONE;
    /* A part whose zones are not the layout's has sealed none of them. */
    return rc == ROT_E_UNSUPPORTED ? ROT_OK : rc;
}

/* Sealed when the data is, provisioned with a certificate of ours. */
static rot_err
find_lifecycle(struct rot_chip *chip, struct rot_identity *id)
{
    const struct rot_place *cert = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_CERT);
    uint8_t life = 0;
    int done = 0;
    size_t len = 0;
    rot_err rc = stsafe_life_cycle(chip, &life);

    if (rc == ROT_OK && life == LIFE_TERMINATED) {
        id->lifecycle = ROT_LIFE_END; /* it answers nothing but such questions any more */
        return ROT_OK;
    }
    if (rc == ROT_OK)
        rc = is_sealed(chip, ROT_STAGE_DATA, &done);
    if (rc != ROT_OK)
        return rc;
    id->lifecycle = ROT_LIFE_BLANK;
    if (life == LIFE_SEALED) {
        id->sealed |= 1u << ROT_STAGE_LIFECYCLE;
        id->lifecycle = ROT_LIFE_CONFIGURED;
    }
    if (done)
        id->sealed |= 1u << ROT_STAGE_DATA;
    rc = cert == NULL ? ROT_E_EMPTY : stsafe_object_size(chip, cert, &len);
    if (rc == ROT_OK)
        id->lifecycle = done ? ROT_LIFE_SEALED : ROT_LIFE_PROVISIONED;
    return rc == ROT_E_EMPTY || rc == ROT_E_UNSUPPORTED ? ROT_OK : rc;
}

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    struct stsafe_state *s = stsafe_of(chip);
    uint8_t before[STSAFE_UID];
    rot_err rc;

    memcpy(before, s->uid, STSAFE_UID);
    rc = read_product(chip);
    /* Now through the channel, if there is one: who was asked for a secret must be who answers. */
    if (rc == ROT_OK && memcmp(before, s->uid, STSAFE_UID) != 0)
        rc = ROT_E_WRONG_PART;
    if (rc == ROT_OK)
        rc = find_lifecycle(chip, id);
    if (rc != ROT_OK)
        return rc;
    memcpy(id->vendor, "st", sizeof("st"));
    memcpy(id->model, "stsafe-a100", sizeof("stsafe-a100"));
    id->model[9] = (char)('0' + s->model);
    id->revision = (uint32_t)s->mask[0] << 16 | (uint32_t)s->mask[1] << 8 | s->mask[2];
    memcpy(id->uid, s->uid, STSAFE_UID);
    id->uid_len = STSAFE_UID;
    chip->raw_status = 0;
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    struct stsafe_reader r;
    uint8_t mask[3], model;
    rot_err rc = stsafe_query(chip, STSAFE_TAG_PRODUCT, &r);

    if (rc == ROT_OK)
        rc = stsafe_read_product(&r, mask, out, &model);
    *ret_len = STSAFE_UID;
    return rc;
}

/* ---- What ---------------------------------------------------------------------------------- */

/* In an envelope the part keeps it and the host computes; in slots the part does both. */
static void
secret_capability(const struct rot_place *key, struct rot_capability *cap)
{
    static const uint8_t uses[] = {ROT_CAN_DELETE, ROT_CAN_DERIVE, ROT_CAN_MAC, ROT_CAN_AEAD};
    int inside = (key->where & STSAFE_SYMMETRIC) != 0;

    for (size_t i = 0; i < sizeof(uses); i++)
        cap->where[uses[i]] = inside ? ROT_IN_CHIP : ROT_ON_HOST;
    if (!inside)
        cap->where[ROT_CAN_GENERATE] = ROT_ON_HOST;
    else if (key->alg != ROT_ALG_HMAC_SHA256)
        cap->where[ROT_CAN_DERIVE] = ROT_NOWHERE;
}

static void
pair_capability(struct rot_capability *cap)
{
    static const uint8_t inside[] = {ROT_CAN_GENERATE, ROT_CAN_PUBLIC, ROT_CAN_SIGN,
                                     ROT_CAN_VERIFY,   ROT_CAN_AGREE,  ROT_CAN_ATTEST};

    for (size_t i = 0; i < sizeof(inside); i++)
        cap->where[inside[i]] = ROT_IN_CHIP;
}

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
    static const uint8_t all[] = {ROT_CAN_RANDOM, ROT_CAN_READ, ROT_CAN_WRITE,
                                  ROT_CAN_COUNT,  ROT_CAN_SEAL, ROT_CAN_CHANNEL};

    for (size_t i = 0; i < sizeof(all); i++)
        cap->where[all[i]] = ROT_IN_CHIP;
    if (key != NULL)
        cap->alg = key->alg;
    else if (data != NULL)
        cap->alg = data->alg;
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
    cap->where[ROT_CAN_VERIFY] = ROT_IN_CHIP; /* with a key that is stored */
    if (key == NULL)
        return;
    cap->where[ROT_CAN_VERIFY] = ROT_NOWHERE;
    if (!stsafe_has_slot(chip, key))
        return;
    if (rot_alg_secret_size((enum rot_alg)key->alg) != 0)
        secret_capability(key, cap);
    else
        pair_capability(cap);
}

extern const struct rot_driver rot_driver_stsafe;

const struct rot_driver rot_driver_stsafe = {
    .name = "stsafe",
    .vendor = "st",
    .bus = ROT_BUS_I2C,
    .state_size = sizeof(struct stsafe_state),
    .layouts = stsafe_layouts,
    .channel_size = STSAFE_SECRET,
    .probe = probe,
    .reset = reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = stsafe_random,
    .key_generate = stsafe_key_generate,
    .key_public = stsafe_key_public,
    .key_delete = stsafe_key_delete,
    .sign_digest = stsafe_sign_digest,
    .verify_digest = stsafe_verify_digest,
    .agree = stsafe_agree,
    .derive = stsafe_derive,
    .mac = stsafe_mac,
    .aead = stsafe_aead,
    .object_size = stsafe_object_size,
    .object_read = stsafe_object_read,
    .object_write = stsafe_object_write,
    .counter_read = stsafe_counter_read,
    .counter_increment = stsafe_counter_increment,
    .attest = stsafe_attest,
    .seal = stsafe_seal,
    .seal_state = stsafe_seal_state,
    .channel_rotate = stsafe_channel_rotate,
};
