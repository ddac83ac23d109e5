/*
 * stored.c: bytes and counters kept in the part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

rot_err
rot_object_size(struct rot_chip *chip, rot_object obj, enum rot_part part, size_t *ret_size)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || ret_size == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->object_size == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_stored(chip, obj, part, &place);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->object_size(chip, place, ret_size);
}

rot_err
rot_object_read(struct rot_chip *chip, rot_object obj, enum rot_part part, size_t offset,
                uint8_t *buf, size_t cap, size_t *ret_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || buf == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->object_read == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_stored(chip, obj, part, &place);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->object_read(chip, place, offset, buf, cap, ret_len);
}

rot_err
rot_object_write(struct rot_chip *chip, rot_object obj, enum rot_part part, size_t offset,
                 const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    const struct rot_place *place;
    size_t need = 0;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || buf == NULL || len == 0 || offset > total ||
        len > total - offset)
        return ROT_E_ARG;
    if (chip->setup.driver->object_write == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_stored(chip, obj, part, &place);
    if (rc != ROT_OK)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return ROT_E_UNSUPPORTED;
    /* How much a compressed form takes, only the driver can say. */
    if ((place->flags & ROT_PLACE_COMPRESSED) == 0)
        rc = rot_check_space(total, place->size, &need);
    if (rc == ROT_OK)
        rc = rot_check_change(chip);
    if (rc == ROT_OK)
        rc = chip->setup.driver->object_write(chip, place, offset, buf, len, total, &need);
    if (rc == ROT_E_SPACE && ret_need != NULL)
        *ret_need = need;
    return rc;
}

static rot_err
check_counter(const struct rot_chip *chip, rot_object obj, const struct rot_place **ret_place)
{
    const struct rot_place *place;

    if (ROT_OBJECT_KIND(obj) != ROT_KIND_COUNTER)
        return ROT_E_ARG;
    place = rot_layout_find(chip->setup.layout, obj, ROT_PART_DATA);
    if (place == NULL)
        return ROT_E_UNSUPPORTED;
    *ret_place = place;
    return ROT_OK;
}

rot_err
rot_counter_read(struct rot_chip *chip, rot_object obj, uint64_t *ret_value)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || ret_value == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->counter_read == NULL)
        return ROT_E_UNSUPPORTED;
    rc = check_counter(chip, obj, &place);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->counter_read(chip, place, ret_value);
}

rot_err
rot_counter_increment(struct rot_chip *chip, rot_object obj, uint64_t *ret_value)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || ret_value == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->counter_increment == NULL)
        return ROT_E_UNSUPPORTED;
    rc = check_counter(chip, obj, &place);
    if (rc != ROT_OK)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_change(chip);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->counter_increment(chip, place, ret_value);
}
