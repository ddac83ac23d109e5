/*
 * driver.c: OPTIGA Trust M behind rot.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define RANDOM_MIN 8u /* SRM, GetRandom */
#define RANDOM_MAX 256u
#define TRNG       0x00u

/* ---- Who ------------------------------------------------------------------------ */

/* Names of ours, all of which fit. */
_Static_assert(sizeof(OPTIGA_MODEL_EXPRESS) <= ROT_NAME_MAX, "the longest name");

static void
put_text(char out[ROT_NAME_MAX], const char *text)
{
    size_t n = 0;

    do
        out[n] = text[n];
    while (text[n++] != '\0');
}

/* Express and MTR differ in who may change the vendor's certificate (dumps). */
static rot_err
find_model(struct rot_chip *chip, const char **ret_model)
{
    const struct optiga_state *s = optiga_of(chip);
    const uint8_t *p = s->uid + OPTIGA_AT_FIRMWARE;
    uint32_t firmware = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    struct optiga_meta m;
    rot_err rc;

    *ret_model = s->is_old ? OPTIGA_MODEL_V1 : OPTIGA_MODEL_V3;
    if (s->is_old || firmware != OPTIGA_FIRMWARE_CLOUD)
        return ROT_OK;
    rc = optiga_get_meta(chip, OPTIGA_OID_VENDOR_CERT, &m);
    if (rc == ROT_OK)
        *ret_model =
            m.change.len != 0 && m.change.p[0] == 0xe1 ? OPTIGA_MODEL_MTR : OPTIGA_MODEL_EXPRESS;
    return rc;
}

static rot_err
find_seal(struct rot_chip *chip, enum rot_stage stage, struct rot_identity *id)
{
    int done = 0;
    rot_err rc = optiga_is_sealed(chip, stage, &done);

    if (done)
        id->sealed |= 1u << stage;
    return rc;
}

static rot_err
find_lifecycle(struct rot_chip *chip, struct rot_identity *id)
{
    uint8_t life = 0;
    rot_err rc = optiga_get(chip, OPTIGA_OID_LIFE, 0, &life, 1);

    if (rc == ROT_OK)
        rc = find_seal(chip, ROT_STAGE_CONFIG, id);
    if (rc == ROT_OK)
        rc = find_seal(chip, ROT_STAGE_DATA, id);
    if (rc != ROT_OK)
        return rc;
    if (life == OPTIGA_LIFE_TERMINATED)
        id->lifecycle = ROT_LIFE_END;
    else if (id->sealed == (1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA))
        id->lifecycle = ROT_LIFE_SEALED;
    else if ((id->sealed & 1u << ROT_STAGE_DATA) != 0)
        id->lifecycle = ROT_LIFE_PROVISIONED;
    else
        id->lifecycle = id->sealed != 0 ? ROT_LIFE_CONFIGURED : ROT_LIFE_BLANK;
    return ROT_OK;
}

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    const struct optiga_state *s = optiga_of(chip);
    const char *model = NULL;
    rot_err rc = find_model(chip, &model);

    if (rc == ROT_OK)
        rc = find_lifecycle(chip, id);
    if (rc != ROT_OK)
        return rc;
    put_text(id->vendor, "infineon");
    put_text(id->model, model);
    id->revision = (uint32_t)s->uid[OPTIGA_AT_BUILD] << 8 | s->uid[OPTIGA_AT_BUILD + 1];
    memcpy(id->uid, s->uid, OPTIGA_UID);
    id->uid_len = OPTIGA_UID;
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    *ret_len = OPTIGA_UID;
    return optiga_get(chip, OPTIGA_OID_UID, 0, out, OPTIGA_UID);
}

/* ---- What -------------------------------------------------------------------------- */

/* What V1 lacks (configuration guide), and what a session cannot be given. */
static void
forbid_for_key(const struct rot_chip *chip, const struct rot_place *key, struct rot_capability *cap)
{
    int is_old = optiga_of(chip)->is_old, is_secret = rot_alg_secret_size(cap->alg) != 0;

    if (!optiga_takes_sets(chip, key))
        cap->where[ROT_CAN_IMPORT] = ROT_NOWHERE;
    if (is_secret && (is_old || key->alg != ROT_ALG_AES128))
        cap->where[ROT_CAN_GENERATE] = ROT_NOWHERE;
    if (key->alg == ROT_ALG_AES128)
        cap->where[ROT_CAN_DERIVE] = ROT_NOWHERE;
    if (is_old)
        cap->where[ROT_CAN_MAC] = ROT_NOWHERE;
}

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
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
        forbid_for_key(chip, key, cap);
}

static rot_err
random_bytes(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < RANDOM_MAX ? len : RANDOM_MAX, ask = n < RANDOM_MIN ? RANDOM_MIN : n;
        struct rot_bytes out;

        optiga_put_u16(optiga_begin(chip, OPTIGA_RANDOM, TRNG), (unsigned)ask);
        rc = optiga_run(chip, &out);
        if (rc == ROT_OK && out.len != ask)
            rc = ROT_E_FORMAT;
        if (rc != ROT_OK)
            break;
        memcpy(buf, out.p, n);
        buf += n;
        len -= n;
    }
    rot_wipe_memory(optiga_of(chip)->buf, OPTIGA_BUFFER);
    return rc;
}

extern const struct rot_driver rot_driver_optiga;

const struct rot_driver rot_driver_optiga = {
    .name = "optiga",
    .vendor = "infineon",
    .bus = ROT_BUS_I2C,
    .state_size = sizeof(struct optiga_state),
    .layouts = optiga_layouts,
    .channel_size = ROT_SECRET_MAX,
    .probe = optiga_probe,
    .close = optiga_close,
    .reset = optiga_reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = random_bytes,
    .key_generate = optiga_key_generate,
    .key_public = optiga_key_public,
    .key_import = optiga_key_import,
    .sign_digest = optiga_sign_digest,
    .verify_digest = optiga_verify_digest,
    .agree = optiga_agree,
    .derive = optiga_derive,
    .mac = optiga_mac,
    .object_size = optiga_object_size,
    .object_read = optiga_object_read,
    .object_write = optiga_object_write,
    .counter_read = optiga_counter_read,
    .counter_increment = optiga_counter_increment,
    .attest = optiga_attest,
    .seal_prepare = optiga_seal_prepare,
    .seal = optiga_seal,
    .seal_state = optiga_seal_state,
    .channel_rotate = optiga_channel_rotate,
};
