/*
 * seal.c: locks, all of which are for ever.
 *
 *   CONFIG   every element of the layout is there, with its attributes; then the
 *            configuration is locked, and the setup: no element comes or goes any more
 *   DATA     what the identity is made of, and the key that speaks for the part if there
 *            is one: each element is locked
 *   OBJECT   one element
 *
 * A cut between two locks of a stage leaves it open, and the same call completes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

static rot_err
lock(struct rot_chip *chip, unsigned mode, uint32_t handle)
{
    ta100_begin(chip, TA100_LOCK, mode, handle);
    return ta100_run_plain(chip);
}

/* ---- Configuration ------------------------------------------------------------------------ */

/* Do it for each element of the layout until one fails. */
static rot_err
for_each(struct rot_chip *chip,
         rot_err (*do_one)(struct rot_chip *chip, const struct rot_place *place, uint32_t handle))
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = ROT_OK;

    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        const struct rot_place *place = &l->places[i];

        if (!ta100_is_element(place))
            continue;
        rc = do_one(chip, place, place->where);
        if (rc == ROT_OK && place->also != 0)
            rc = do_one(chip, place, place->also);
    }
    return rc;
}

static rot_err
compare(struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    struct ta100_element e;
    rot_err rc = ta100_check(chip, place, handle, &e);

    return rc == ROT_E_EMPTY ? ROT_E_MISMATCH : rc;
}

/* An address that changes with the next power-up would be locked in with the rest. */
static rot_err
compare_address(struct rot_chip *chip)
{
    uint8_t b = 0;
    rot_err rc = ta100_read(chip, TA100_CONFIGURATION, TA100_AT_ADDRESS, &b, 1);

    return rc == ROT_OK && b >> 1 != ta100_of(chip)->address ? ROT_E_MISMATCH : rc;
}

static rot_err
seal_config(struct rot_chip *chip)
{
    struct ta100_identity id = {.locks = 0};
    rot_err rc = for_each(chip, compare);

    if (rc == ROT_OK)
        rc = compare_address(chip);
    if (rc == ROT_OK)
        rc = ta100_identity(chip, &id);
    if (rc == ROT_OK && (id.locks & TA100_CONFIG_LOCKED) == 0)
        rc = lock(chip, TA100_LOCK_CONFIG, 0);
    if (rc == ROT_OK && (id.locks & TA100_SETUP_LOCKED) == 0)
        rc = lock(chip, TA100_LOCK_SETUP, 0);
    return rc;
}

static rot_err
config_state(struct rot_chip *chip, enum rot_seal_state *ret_state)
{
    struct ta100_identity id;
    rot_err rc = ta100_identity(chip, &id);

    if (rc != ROT_OK)
        return rc;
    *ret_state = ROT_SEAL_OPEN;
    if ((id.locks & TA100_SETUP_LOCKED) == 0)
        return ROT_OK;
    rc = for_each(chip, compare);
    if (rc == ROT_E_MISMATCH)
        *ret_state = ROT_SEAL_FOREIGN;
    else if ((id.locks & TA100_CONFIG_LOCKED) != 0)
        *ret_state = ROT_SEAL_DONE;
    chip->raw_status = rc == ROT_E_MISMATCH ? 0 : chip->raw_status;
    return rc == ROT_E_MISMATCH ? ROT_OK : rc;
}

/* ---- Elements ------------------------------------------------------------------------------- */

/* Whether the content of an element that closes for good is there. */
static rot_err
check_content(struct rot_chip *chip, const struct rot_place *place, const struct ta100_element *e)
{
    size_t n;

    if ((ta100_seen(chip, place, place->where) & TA100_SEEN_WHOLE) != 0)
        return ROT_OK;
    if (place->part != ROT_PART_KEY && (place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
        return ta100_object_size(chip, place, &n);
    return (e->state & TA100_HAS_CONTENT) != 0 ? ROT_OK : ROT_E_EMPTY;
}

static rot_err
seal_element(struct rot_chip *chip, const struct rot_place *place, int may_be_empty)
{
    struct ta100_element e = {.state = 0};
    rot_err rc = ta100_check(chip, place, place->where, &e);

    if (rc != ROT_OK || (e.state & TA100_IS_LOCKED) != 0)
        return rc;
    rc = check_content(chip, place, &e);
    if (rc == ROT_E_EMPTY && may_be_empty) {
        rc = ROT_OK;
        if ((e.state & TA100_HAS_CONTENT) == 0) /* a key that nobody made: the part locks none */
            return ROT_OK;
    }
    if (rc == ROT_OK)
        rc = lock(chip, TA100_LOCK_ELEMENT, place->where);
    if (rc == ROT_OK)
        rc = ta100_check(chip, place, place->where, &e);
    return rc == ROT_OK && (e.state & TA100_IS_LOCKED) == 0 ? ROT_E_MISMATCH : rc;
}

static rot_err
element_state(struct rot_chip *chip, const struct rot_place *place, int may_be_empty,
              enum rot_seal_state *ret_state)
{
    struct ta100_element e = {.state = 0};
    rot_err rc = ta100_check(chip, place, place->where, &e);
    int is_done =
        (e.state & TA100_IS_LOCKED) != 0 || (may_be_empty && (e.state & TA100_HAS_CONTENT) == 0);

    *ret_state = ROT_SEAL_OPEN;
    if (rc == ROT_E_MISMATCH)
        *ret_state = ROT_SEAL_FOREIGN;
    else if (rc == ROT_OK && is_done)
        *ret_state = ROT_SEAL_DONE;
    chip->raw_status = rc == ROT_E_EMPTY ? 0 : chip->raw_status;
    return rc == ROT_E_MISMATCH || rc == ROT_E_EMPTY ? ROT_OK : rc;
}

/* ---- Data --------------------------------------------------------------------------------------- */

/* What nobody changes once production is done, and is not sealed one by one. */
static int
is_fixed(const struct rot_place *place)
{
    return ta100_is_element(place) &&
           (place->flags & (ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE)) == 0;
}

/* An identity without key or certificate could never have one; the others may stay as they are. */
static int
may_be_empty(const struct rot_place *place)
{
    return place->object != ROT_IDEVID || place->part == ROT_PART_CHAIN;
}

/* Nothing is locked when the identity is not there, or an element is another's. */
static rot_err
check_identity(struct rot_chip *chip, const struct rot_place *place)
{
    unsigned seen = ta100_seen(chip, place, place->where);
    struct ta100_element e = {.state = 0};
    rot_err rc = ROT_OK;

    if ((seen & TA100_SEEN_FILLED) != 0)
        e.state = TA100_HAS_CONTENT;
    if ((seen & TA100_SEEN_RIGHT) == 0 || (e.state == 0 && place->part == ROT_PART_KEY))
        rc = ta100_check(chip, place, place->where, &e);
    if (rc != ROT_OK || may_be_empty(place))
        return rc;
    return check_content(chip, place, &e);
}

static rot_err
seal_data(struct rot_chip *chip)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = ROT_OK;

    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        if (is_fixed(&l->places[i]))
            rc = check_identity(chip, &l->places[i]);
    }
    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        if (is_fixed(&l->places[i]))
            rc = seal_element(chip, &l->places[i], may_be_empty(&l->places[i]));
    }
    return rc;
}

static rot_err
data_state(struct rot_chip *chip, enum rot_seal_state *ret_state)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = ROT_OK;

    *ret_state = ROT_SEAL_DONE;
    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        const struct rot_place *place = &l->places[i];
        enum rot_seal_state one = ROT_SEAL_DONE;

        if (!is_fixed(place))
            continue;
        rc = element_state(chip, place, may_be_empty(place), &one);
        if (rc == ROT_OK && (one == ROT_SEAL_FOREIGN || *ret_state == ROT_SEAL_DONE))
            *ret_state = one;
    }
    return rc;
}

/* ---- The slots --------------------------------------------------------------------------------- */

rot_err
ta100_seal_prepare(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    (void)place;
    if (stage == ROT_STAGE_LIFECYCLE)
        return ROT_E_UNSUPPORTED;
    return stage == ROT_STAGE_CONFIG ? for_each(chip, ta100_create) : ROT_OK;
}

rot_err
ta100_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    switch (stage) {
    case ROT_STAGE_CONFIG:
        return seal_config(chip);
    case ROT_STAGE_DATA:
        return seal_data(chip);
    case ROT_STAGE_OBJECT:
        return seal_element(chip, place, 0);
    case ROT_STAGE_LIFECYCLE:
        break;
    }
    return ROT_E_UNSUPPORTED;
}

rot_err
ta100_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                 enum rot_seal_state *ret_state)
{
    switch (stage) {
    case ROT_STAGE_CONFIG:
        return config_state(chip, ret_state);
    case ROT_STAGE_DATA:
        return data_state(chip, ret_state);
    case ROT_STAGE_OBJECT:
        return element_state(chip, place, 0, ret_state);
    case ROT_STAGE_LIFECYCLE:
        break;
    }
    return ROT_E_UNSUPPORTED;
}

/* The objects that production seals one by one. */
static rot_err
are_objects_sealed(struct rot_chip *chip, int *ret_all)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = ROT_OK;

    *ret_all = 1;
    for (size_t i = 0; i < l->place_count && rc == ROT_OK && *ret_all; i++) {
        enum rot_seal_state one = ROT_SEAL_OPEN;

        if ((l->places[i].flags & ROT_PLACE_SEAL) == 0)
            continue;
        rc = element_state(chip, &l->places[i], 0, &one);
        *ret_all = one == ROT_SEAL_DONE;
    }
    return rc;
}

/* A part that is still open is not asked for its elements. */
rot_err
ta100_sealed(struct rot_chip *chip, unsigned locks, uint32_t *ret_sealed)
{
    enum rot_seal_state data = ROT_SEAL_OPEN;
    int all = 0;
    rot_err rc;

    *ret_sealed = 0;
    if (locks != (TA100_CONFIG_LOCKED | TA100_SETUP_LOCKED))
        return ROT_OK;
    *ret_sealed = 1u << ROT_STAGE_CONFIG;
    rc = data_state(chip, &data);
    if (rc != ROT_OK || data != ROT_SEAL_DONE)
        return rc;
    *ret_sealed |= 1u << ROT_STAGE_DATA;
    rc = are_objects_sealed(chip, &all);
    if (rc == ROT_OK && all)
        *ret_sealed |= 1u << ROT_STAGE_OBJECT;
    return rc;
}
