/*
 * layout.c: from objects to places.
 *
 * A layout has some dozens of places, and each call looks one up: a walk is
 * cheaper than an index that somebody must keep sorted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

const struct rot_place *
rot_layout_find(const struct rot_layout *layout, rot_object obj, enum rot_part part)
{
    if (layout == NULL)
        return NULL;
    for (size_t i = 0; i < layout->place_count; i++) {
        const struct rot_place *place = &layout->places[i];

        if (place->object == obj && place->part == (uint8_t)part)
            return place;
    }
    return NULL;
}

const struct rot_place *
rot_find_lockable(const struct rot_layout *layout, rot_object obj)
{
    for (size_t i = 0; i < layout->place_count; i++) {
        const struct rot_place *place = &layout->places[i];

        if (place->object == obj && (place->flags & ROT_PLACE_LOCKABLE) != 0)
            return place;
    }
    return NULL;
}
