/*
 * check.c: the checks that every call makes once, so that no driver has to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

rot_err
rot_check_open(struct rot_chip *chip)
{
    if (chip == NULL || !chip->is_open)
        return ROT_E_ARG;
    chip->raw_status = 0;
    return ROT_OK;
}

rot_err
rot_check_change(const struct rot_chip *chip)
{
    int production = (chip->setup.flags & ROT_OPEN_PRODUCTION) != 0;

    return production && chip->setup.layout->channel && chip->protection != ROT_PROTECTION_OWN
               ? ROT_E_AUTH
               : ROT_OK;
}

rot_err
rot_check_key(const struct rot_chip *chip, rot_object obj, unsigned flags,
              const struct rot_place **ret_place)
{
    const struct rot_place *place = rot_layout_find(chip->setup.layout, obj, ROT_PART_KEY);

    if (place == NULL || (place->flags & flags) != flags)
        return ROT_E_UNSUPPORTED;
    *ret_place = place;
    return ROT_OK;
}

rot_err
rot_check_stored(const struct rot_chip *chip, rot_object obj, enum rot_part part,
                 const struct rot_place **ret_place)
{
    const struct rot_place *place;

    if (part != ROT_PART_CERT && part != ROT_PART_CHAIN && part != ROT_PART_DATA)
        return part == ROT_PART_KEY ? ROT_E_UNSUPPORTED : ROT_E_ARG;
    if (ROT_OBJECT_KIND(obj) == ROT_KIND_COUNTER)
        return ROT_E_UNSUPPORTED;
    place = rot_layout_find(chip->setup.layout, obj, part);
    if (place == NULL)
        return ROT_E_UNSUPPORTED;
    *ret_place = place;
    return ROT_OK;
}

rot_err
rot_check_into(const struct rot_chip *chip, const struct rot_place *from, rot_object into,
               const uint8_t *secret, const size_t *ret_len, const struct rot_place **ret_into)
{
    const struct rot_place *place = NULL;

    if (into == 0) {
        if (secret == NULL || ret_len == NULL)
            return ROT_E_ARG;
        if ((from->flags & ROT_PLACE_EXPORT) == 0)
            return ROT_E_UNSUPPORTED;
    } else {
        if (secret != NULL)
            return ROT_E_ARG;
        place = rot_layout_find(chip->setup.layout, into, ROT_PART_KEY);
        if (place == NULL || !rot_alg_is_secret((enum rot_alg)place->alg) ||
            (place->flags & ROT_PLACE_READ_ONLY) != 0)
            return ROT_E_UNSUPPORTED;
    }
    *ret_into = place;
    return ROT_OK;
}

rot_err
rot_check_space(size_t need, size_t cap, size_t *ret_len)
{
    if (need <= cap)
        return ROT_OK;
    *ret_len = need;
    return ROT_E_SPACE;
}

int
rot_bytes_ok(struct rot_bytes b)
{
    return b.p != NULL || b.len == 0;
}
