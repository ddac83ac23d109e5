/*
 * seal.c: steps that cannot be undone, and those that undo the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

/* The stage exists, and has an object if and only if it is the one for objects. */
static rot_err
check_stage(struct rot_chip *chip, enum rot_stage stage, rot_object obj,
            const struct rot_place **ret_place)
{
    if (rot_check_open(chip) != ROT_OK || stage < ROT_STAGE_CONFIG || stage > ROT_STAGE_LIFECYCLE)
        return ROT_E_ARG;
    if (chip->setup.driver->seal == NULL || chip->setup.driver->seal_state == NULL)
        return ROT_E_UNSUPPORTED;
    *ret_place = NULL;
    if (stage != ROT_STAGE_OBJECT)
        return obj == 0 ? ROT_OK : ROT_E_ARG;
    *ret_place = rot_find_lockable(chip->setup.layout, obj);
    return *ret_place == NULL ? ROT_E_UNSUPPORTED : ROT_OK;
}

rot_err
rot_seal_prepare(struct rot_chip *chip, enum rot_stage stage, rot_object obj)
{
    const struct rot_place *place;
    rot_err rc = check_stage(chip, stage, obj, &place);

    if (rc == ROT_OK)
        rc = rot_check_change(chip);
    if (rc != ROT_OK || chip->setup.driver->seal_prepare == NULL)
        return rc;
    return chip->setup.driver->seal_prepare(chip, stage, place);
}

rot_err
rot_seal(struct rot_chip *chip, enum rot_stage stage, rot_object obj)
{
    const struct rot_place *place;
    rot_err rc = check_stage(chip, stage, obj, &place);

    if (rc == ROT_OK)
        rc = rot_check_change(chip);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->seal(chip, stage, place);
}

rot_err
rot_seal_state(struct rot_chip *chip, enum rot_stage stage, rot_object obj,
               enum rot_seal_state *ret_state)
{
    const struct rot_place *place;
    rot_err rc;

    if (ret_state == NULL)
        return ROT_E_ARG;
    rc = check_stage(chip, stage, obj, &place);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->seal_state(chip, stage, place, ret_state);
}

rot_err
rot_wipe(struct rot_chip *chip)
{
    if (rot_check_open(chip) != ROT_OK)
        return ROT_E_ARG;
    if (chip->setup.driver->wipe == NULL)
        return ROT_E_UNSUPPORTED;
    if (rot_check_change(chip) != ROT_OK)
        return ROT_E_AUTH;
    return chip->setup.driver->wipe(chip);
}

static int
is_secret_for(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    return rot_check_open(chip) == ROT_OK && secret != NULL && secret_len > 0 &&
           secret_len <= ROT_SECRET_MAX;
}

rot_err
rot_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    if (!is_secret_for(chip, secret, secret_len))
        return ROT_E_ARG;
    if (chip->setup.driver->channel_rotate == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->channel_rotate(chip, secret, secret_len);
}

rot_err
rot_channel_has(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    if (!is_secret_for(chip, secret, secret_len))
        return ROT_E_ARG;
    if (chip->setup.driver->channel_has == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->channel_has(chip, secret, secret_len);
}

rot_err
rot_channel_pair(struct rot_chip *chip)
{
    uint8_t secret[ROT_SECRET_MAX];
    struct rot_identity id;
    const struct rot_driver *d;
    const struct rot_port *port;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK)
        return ROT_E_ARG;
    d = chip->setup.driver;
    port = chip->setup.port;
    if (d->channel_rotate == NULL || d->channel_size == 0 || d->channel_size > sizeof(secret))
        return ROT_E_UNSUPPORTED;
    if (port->ops->channel_secret == NULL)
        return ROT_E_PORT;
    rc = rot_identify(chip, &id);
    if (rc == ROT_OK)
        rc = port->ops->channel_secret(port->self, d->name, (struct rot_bytes){id.uid, id.uid_len},
                                       secret, d->channel_size);
    if (rc == ROT_OK)
        rc = d->channel_rotate(chip, secret, d->channel_size);
    rot_wipe_memory(secret, sizeof(secret));
    return rc;
}
