/*
 * driver.c: EdgeLock SE050, SE051 and their relatives behind rot.h.
 *
 * The version of the applet decides between forms, never the model's name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define RANDOM_MAX 512u /* bytes of one command */
#define OFF_US     50000u

static rot_err
probe(struct rot_chip *chip)
{
    return se05x_connect(chip);
}

static void
close(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);

    if (s->t1.transport != NULL)
        t1_i2c_close(&s->t1);
    se05x_drop(chip);
}

/* By its line or its supply where the host has them, or else by its own word. */
static rot_err
restart(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    rot_err rc;

    if (t->line->pulse_reset != NULL)
        return t->line->pulse_reset(t->self);
    if (t->line->set_power != NULL) {
        rc = t->line->set_power(t->self, 0);
        t->line->delay_us(t->self, OFF_US);
        return rc == ROT_OK ? t->line->set_power(t->self, 1) : rc;
    }
    (void)!t1_i2c_reset(&se05x_of(chip)->t1);
    return ROT_OK;
}

static rot_err
reset(struct rot_chip *chip)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc;

    s->pending = NULL;
    se05x_drop(chip);
    rc = restart(chip);
    s->t1.is_open = 0;
    chip->raw_status = 0;
    return rc == ROT_OK ? se05x_connect(chip) : rc;
}

/* ---- Who ------------------------------------------------------------------------------- */

/* Blank without an identity key, provisioned with its certificate. */
static rot_err
find_lifecycle(struct rot_chip *chip, struct rot_identity *id)
{
    const struct rot_place *key = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_KEY);
    const struct rot_place *cert = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_CERT);
    size_t n = 0;
    int there = 0;
    rot_err rc = key == NULL ? ROT_OK : se05x_exists(chip, key->where, &there);

    id->lifecycle = ROT_LIFE_BLANK;
    if (rc != ROT_OK || !there)
        return rc;
    id->lifecycle = ROT_LIFE_CONFIGURED;
    rc = cert == NULL ? ROT_E_EMPTY : se05x_object_size(chip, cert, &n);
    if (rc == ROT_OK)
        id->lifecycle = ROT_LIFE_PROVISIONED;
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

/* A part that wants its channel first has not told it yet. */
static rot_err
find_uid(struct rot_chip *chip, struct rot_identity *id)
{
    struct se05x_state *s = se05x_of(chip);
    struct rot_bytes b = {s->uid, SE05X_UID};
    rot_err rc = ROT_OK;

    if (!s->has_uid) {
        se05x_begin_on(chip, SE05X_OP_READ, SE05X_ID_UID);
        rc = se05x_run_value(chip, SE05X_UID, &b);
    }
    if (rc != ROT_OK)
        return rc;
    memcpy(id->uid, b.p, SE05X_UID);
    id->uid_len = SE05X_UID;
    return ROT_OK;
}

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    const struct se05x_state *s = se05x_of(chip);
    rot_err rc = find_lifecycle(chip, id);

    if (rc == ROT_OK)
        rc = find_uid(chip, id);
    if (rc != ROT_OK)
        return rc;
    memcpy(id->vendor, "nxp", sizeof("nxp"));
    memcpy(id->model, "se050", sizeof("se050"));
    if (s->model == 'a')
        memcpy(id->model, "a5000", sizeof("a5000"));
    else
        id->model[4] = (char)s->model;
    id->revision = (uint32_t)s->version[0] << 16 | (uint32_t)s->version[1] << 8 | s->version[2];
    chip->raw_status = 0;
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    struct rot_bytes b = {out, SE05X_UID};
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_READ, SE05X_ID_UID);
    rc = se05x_run_value(chip, SE05X_UID, &b);
    if (rc != ROT_OK)
        return rc;
    memcpy(out, b.p, SE05X_UID);
    *ret_len = SE05X_UID;
    return ROT_OK;
}

/* ---- What ---------------------------------------------------------------------------------- */

static void
forbid(struct rot_capability *cap, enum rot_primitive primitive, int forbidden)
{
    if (forbidden)
        cap->where[primitive] = ROT_NOWHERE;
}

static void
capability_of_key(const struct rot_chip *chip, const struct rot_place *key,
                  struct rot_capability *cap)
{
    enum rot_alg alg = (enum rot_alg)key->alg;
    int secret = rot_alg_secret_size(alg) != 0, pair = se05x_curve_of(alg) != 0;

    forbid(cap, ROT_CAN_GENERATE, !pair);
    forbid(cap, ROT_CAN_PUBLIC, !pair);
    forbid(cap, ROT_CAN_IMPORT, !secret);
    forbid(cap, ROT_CAN_DELETE, !secret && (key->flags & ROT_PLACE_REGENERATE) == 0);
    forbid(cap, ROT_CAN_SIGN, !pair);
    forbid(cap, ROT_CAN_VERIFY, !pair);
    forbid(cap, ROT_CAN_AGREE, !pair);
    /* What older applets derive leaves them. */
    forbid(cap, ROT_CAN_DERIVE,
           alg != ROT_ALG_HMAC_SHA256 ||
               (!se05x_is_modern(chip) && (key->flags & ROT_PLACE_EXPORT) == 0));
    forbid(cap, ROT_CAN_AEAD, !SE05X_HAS_AEAD(se05x_of(chip)->version[0]));
    forbid(cap, ROT_CAN_ATTEST,
           !pair || chip->setup.port->ops->hash == NULL ||
               rot_layout_find(chip->setup.layout, ROT_VENDOR(0), ROT_PART_KEY) == NULL);
}

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
    for (unsigned i = 0; i < ROT_PRIMITIVES; i++)
        cap->where[i] = ROT_IN_CHIP;
    if (key != NULL)
        capability_of_key(chip, key, cap);
    if (key != NULL)
        cap->alg = key->alg;
    else if (data != NULL)
        cap->alg = data->alg;
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
    /* The host's secret is found by the unique id, and that must be readable before the channel. */
    forbid(cap, ROT_CAN_CHANNEL,
           chip->protection == ROT_PROTECTION_NONE || !se05x_of(chip)->has_uid);
}

static rot_err
random_bytes(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    size_t n;
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < len && rc == ROT_OK; at += n) {
        n = len - at < RANDOM_MAX ? len - at : RANDOM_MAX;
        se05x_begin(chip, SE05X_OP_RANDOM);
        se05x_put_number(chip, SE05X_TAG_1, (unsigned)n, 2);
        rc = se05x_run_secret(chip, buf + at, n);
    }
    return rc;
}

extern const struct rot_driver rot_driver_se05x;

const struct rot_driver rot_driver_se05x = {
    .name = "se05x",
    .vendor = "nxp",
    .bus = ROT_BUS_I2C,
    .state_size = sizeof(struct se05x_state),
    .layouts = se05x_layouts,
    .channel_size = SE05X_KEYS,
    .probe = probe,
    .close = close,
    .reset = reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = random_bytes,
    .key_generate = se05x_key_generate,
    .key_public = se05x_key_public,
    .key_import = se05x_key_import,
    .key_delete = se05x_key_delete,
    .sign_digest = se05x_sign_digest,
    .verify_digest = se05x_verify_digest,
    .agree = se05x_agree,
    .derive = se05x_derive,
    .mac = se05x_mac,
    .aead = se05x_aead,
    .object_size = se05x_object_size,
    .object_read = se05x_object_read,
    .object_write = se05x_object_write,
    .counter_read = se05x_counter_read,
    .counter_increment = se05x_counter_increment,
    .attest = se05x_attest,
    .seal = se05x_seal,
    .seal_state = se05x_seal_state,
    .wipe = se05x_wipe,
    .channel_rotate = se05x_channel_rotate,
};
