/*
 * driver.c: the TA100 behind rot.h, at the level of what it can do.
 *
 * Its wire protocol is not public, so the bytes of this driver are a placeholder: it says
 * so in the name of the model, takes nothing for a TA100 that does not say so too, and
 * sends no byte to a bus that is not known to be a simulator's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

/* ---- Opening --------------------------------------------------------------------------- */

static rot_err
probe(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    struct ta100_state *s = ta100_of(chip);
    struct ta100_identity id;
    rot_err rc;

    /* Bytes that we have invented mean something else to whatever is there. */
    if (TA100_IS_PLACEHOLDER && !t->simulated)
        return ROT_E_UNSUPPORTED;
    s->address = t->address != 0 ? t->address : TA100_ADDRESS;
    rc = ta100_identity(chip, &id);
    s->is_open = rc == ROT_OK;
    if (rc == ROT_OK || (rc == ROT_E_BUS && !ta100_is_another(chip)))
        return rc;
    return ROT_E_WRONG_PART;
}

/* Sleep clears the registers. */
static void
close_chip(struct rot_chip *chip)
{
    if (!ta100_of(chip)->is_open)
        return;
    ta100_begin(chip, TA100_POWER, TA100_POWER_SLEEP, 0);
    (void)!ta100_run_plain(chip);
}

static rot_err
reset(struct rot_chip *chip)
{
    struct ta100_identity id;
    rot_err rc;

    ta100_of(chip)->pending.place = NULL;
    ta100_begin(chip, TA100_POWER, TA100_POWER_RESET, 0);
    rc = ta100_run_plain(chip);
    return rc == ROT_OK ? ta100_identity(chip, &id) : rc;
}

/* ---- Who --------------------------------------------------------------------------------- */

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    struct ta100_identity said;
    rot_err rc = ta100_identity(chip, &said);

    if (rc == ROT_OK)
        rc = ta100_sealed(chip, said.locks, &id->sealed);
    if (rc != ROT_OK)
        return rc;
    memcpy(id->vendor, "microchip", sizeof("microchip"));
    memcpy(id->model, TA100_MODEL, sizeof(TA100_MODEL));
    id->revision = said.revision;
    memcpy(id->uid, said.serial, TA100_SERIAL);
    id->uid_len = TA100_SERIAL;
    id->simulated = TA100_IS_PLACEHOLDER;
    id->lifecycle = ROT_LIFE_BLANK;
    if ((id->sealed & 1u << ROT_STAGE_CONFIG) != 0)
        id->lifecycle = ROT_LIFE_CONFIGURED;
    if ((id->sealed & 1u << ROT_STAGE_DATA) != 0)
        id->lifecycle = ROT_LIFE_PROVISIONED;
    if ((id->sealed & 1u << ROT_STAGE_OBJECT) != 0)
        id->lifecycle = ROT_LIFE_SEALED;
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    struct ta100_identity said;
    rot_err rc = ta100_identity(chip, &said);

    if (rc != ROT_OK)
        return rc;
    memcpy(out, said.serial, TA100_SERIAL);
    *ret_len = TA100_SERIAL;
    return ROT_OK;
}

/* ---- What ---------------------------------------------------------------------------------- */

static void
forbid_for_key(const struct rot_place *key, struct rot_capability *cap)
{
    int is_secret = rot_alg_secret_size((enum rot_alg)key->alg) != 0;

    if (is_secret)
        cap->where[ROT_CAN_GENERATE] = ROT_NOWHERE;
    if (!is_secret || !ta100_is_element(key))
        cap->where[ROT_CAN_IMPORT] = ROT_NOWHERE;
    if (ta100_is_element(key) && key->alg != ROT_ALG_HMAC_SHA256)
        cap->where[ROT_CAN_DERIVE] = ROT_NOWHERE;
}

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
    (void)chip;
    for (unsigned i = 0; i < ROT_PRIMITIVES; i++)
        cap->where[i] = ROT_IN_CHIP;
    if (key != NULL)
        cap->alg = key->alg;
    else if (data != NULL)
        cap->alg = data->alg;
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
    if (key != NULL)
        forbid_for_key(key, cap);
}

static rot_err
random_bytes(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < TA100_RANDOM_MAX ? len : TA100_RANDOM_MAX;

        ta100_begin(chip, TA100_RANDOM, 0, 0);
        ta100_put_u16(chip, n);
        rc = ta100_run_into(chip, buf, n);
        buf += n;
        len -= n;
    }
    ta100_forget(chip);
    return rc;
}

static rot_err
self_test(struct rot_chip *chip)
{
    uint8_t failed = 0;
    rot_err rc;

    ta100_begin(chip, TA100_SELF_TEST, 0, 0);
    rc = ta100_run_into(chip, &failed, 1);
    if (rc != ROT_OK)
        return rc;
    chip->raw_status = failed;
    return failed == 0 ? ROT_OK : ROT_E_CHIP;
}

extern const struct rot_driver rot_driver_ta100;

const struct rot_driver rot_driver_ta100 = {
    .name = "ta100",
    .vendor = "microchip",
    .bus = ROT_BUS_I2C,
    .state_size = sizeof(struct ta100_state),
    .layouts = ta100_layouts,
    .probe = probe,
    .close = close_chip,
    .reset = reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = random_bytes,
    .key_generate = ta100_key_generate,
    .key_public = ta100_key_public,
    .key_import = ta100_key_import,
    .sign_digest = ta100_sign_digest,
    .verify_digest = ta100_verify_digest,
    .agree = ta100_agree,
    .derive = ta100_derive,
    .mac = ta100_mac,
    .aead = ta100_aead,
    .object_size = ta100_object_size,
    .object_read = ta100_object_read,
    .object_write = ta100_object_write,
    .counter_read = ta100_counter_read,
    .counter_increment = ta100_counter_increment,
    .attest = ta100_attest,
    .seal_prepare = ta100_seal_prepare,
    .seal = ta100_seal,
    .seal_state = ta100_seal_state,
    .self_test = self_test,
};
