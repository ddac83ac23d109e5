/*
 * seal.c: zones that take no other bytes, and the life cycle.
 *
 * A zone's access condition for updates is changed by an update that carries the
 * new one (section 3.1).  Each zone is a step of its own; a seal that was cut is
 * open, and goes on where it stopped.  The conditions of all are read before the first
 * is closed, and after the last.
 *
 *   DATA       zones without anything renewable: never again.  The others: only by
 *              the host's MAC, once the part is spoken to by it
 *   OBJECT     the object's zone, which it has for itself: never again
 *   LIFECYCLE  operational
 *
 * The configuration of an STSAFE is the vendor's: there is no such stage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define OPTION_CHANGE     0x10u
#define OPTION_MAY_CHANGE 0x08u

#define LIFE_BORN        0x01u
#define LIFE_OPERATIONAL 0x03u
#define LIFE_TERMINATED  0x04u
#define LIFE_STATE       0x7fu /* the upper bit: locked */

#define ZONES 32u /* numbers that a layout may use */

/* ---- Which zone wants what ------------------------------------------------------------ */

/* Where the bytes of a place are; ROT_E_UNSUPPORTED when none of them are ours. */
static rot_err
zone_of(const struct rot_place *place, unsigned *ret_zone)
{
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0 ||
        ROT_OBJECT_KIND(place->object) == ROT_KIND_COUNTER)
        return ROT_E_UNSUPPORTED;
    if (place->part == ROT_PART_KEY && place->also == 0)
        return ROT_E_UNSUPPORTED;
    *ret_zone = place->part == ROT_PART_KEY ? place->also >> 16 : place->where;
    return *ret_zone < ZONES ? ROT_OK : ROT_E_UNSUPPORTED;
}

/* Bits of the zones that the layout writes to, and of those among them that stay renewable. */
static void
sort_zones(const struct rot_layout *l, uint32_t *ret_ours, uint32_t *ret_renewable)
{
    unsigned zone;

    *ret_ours = *ret_renewable = 0;
    for (size_t i = 0; i < l->place_count; i++) {
        if (zone_of(&l->places[i], &zone) != ROT_OK)
            continue;
        *ret_ours |= 1u << zone;
        if ((l->places[i].flags & ROT_PLACE_REGENERATE) != 0)
            *ret_renewable |= 1u << zone;
    }
}

/* What is stricter than wanted was an object's seal. */
static enum rot_seal_state
compare(const struct stsafe_zone *z, unsigned want)
{
    if (z->access == want || z->access == STSAFE_AC_NEVER)
        return ROT_SEAL_DONE;
    return z->may_change ? ROT_SEAL_OPEN : ROT_SEAL_FOREIGN;
}

/* ---- Zones ---------------------------------------------------------------------------------- */

/* A condition for each of some zones. */
struct wanted {
    uint32_t zones, never; /* bits; the zones in never take no update, the others the host's */
};

static unsigned
want_of(const struct wanted *w, unsigned zone)
{
    return (w->never >> zone & 1u) != 0 ? STSAFE_AC_NEVER : STSAFE_AC_HOST;
}

/* In *ret_open the zones that are still open; *ret_state as for all of them together. */
static rot_err
look_at_zones(struct rot_chip *chip, const struct wanted *w, uint32_t *ret_open,
              enum rot_seal_state *ret_state)
{
    struct stsafe_reader all;
    rot_err rc = stsafe_query(chip, STSAFE_TAG_PARTITION, &all);

    *ret_open = 0;
    *ret_state = ROT_SEAL_DONE;
    for (unsigned zone = 0; zone < ZONES && rc == ROT_OK; zone++) {
        struct stsafe_reader r = all;
        enum rot_seal_state one;
        struct stsafe_zone z;

        if ((w->zones >> zone & 1u) == 0)
            continue;
        rc = stsafe_read_zone(&r, zone, &z);
        if (rc != ROT_OK)
            break;
        one = compare(&z, want_of(w, zone));
        if (one == ROT_SEAL_OPEN)
            *ret_open |= 1u << zone;
        if (one == ROT_SEAL_FOREIGN || *ret_state == ROT_SEAL_DONE)
            *ret_state = one;
    }
    return rc;
}

/* Its first byte is written as it is; the condition comes with it. */
static rot_err
close_zone(struct rot_chip *chip, unsigned zone, unsigned want)
{
    unsigned option = OPTION_CHANGE | want | (want == STSAFE_AC_NEVER ? 0 : OPTION_MAY_CHANGE);
    uint8_t same[STSAFE_U_CHANGE_LENGTH];
    struct rot_bytes b;
    rot_err rc = stsafe_zone_read(chip, zone, 0, sizeof(same), &b);

    if (rc != ROT_OK)
        return rc;
    memcpy(same, b.p, sizeof(same));
    return stsafe_zone_update(chip, option, zone, 0, same, sizeof(same));
}

static rot_err
close_zones(struct rot_chip *chip, const struct wanted *w)
{
    enum rot_seal_state state;
    uint32_t open;
    rot_err rc = look_at_zones(chip, w, &open, &state);

    if (rc == ROT_OK && state == ROT_SEAL_FOREIGN)
        rc = ROT_E_STATE;
    if (rc != ROT_OK || state == ROT_SEAL_DONE)
        return rc;
    for (unsigned zone = 0; zone < ZONES && rc == ROT_OK; zone++) {
        if ((open >> zone & 1u) != 0)
            rc = close_zone(chip, zone, want_of(w, zone));
    }
    if (rc == ROT_OK)
        rc = look_at_zones(chip, w, &open, &state);
    return rc == ROT_OK && state != ROT_SEAL_DONE ? ROT_E_MISMATCH : rc;
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* A certificate that closes for good must be there: ROT_E_EMPTY, and nothing was closed, otherwise. */
static rot_err
check_written(struct rot_chip *chip, uint32_t renewable)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = ROT_OK;
    size_t len;
    unsigned zone;

    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        const struct rot_place *place = &l->places[i];

        if (place->part != ROT_PART_CERT || zone_of(place, &zone) != ROT_OK ||
            (renewable >> zone & 1u) != 0)
            continue;
        rc = stsafe_object_size(chip, place, &len);
    }
    return rc;
}

/* The zones that have a condition to get in this conversation, and which. */
static struct wanted
wanted_of(const struct rot_chip *chip)
{
    uint32_t ours, renewable;

    sort_zones(chip->setup.layout, &ours, &renewable);
    return (struct wanted){stsafe_of(chip)->channel.is_open ? ours : ours & ~renewable, ~renewable};
}

static rot_err
seal_data(struct rot_chip *chip)
{
    const struct wanted w = wanted_of(chip);
    rot_err rc = check_written(chip, ~w.never);

    return rc == ROT_OK ? close_zones(chip, &w) : rc;
}

/* ---- Life cycle -------------------------------------------------------------------------------- */

rot_err
stsafe_life_cycle(struct rot_chip *chip, uint8_t *ret_state)
{
    struct stsafe_reader r;
    rot_err rc = stsafe_query(chip, STSAFE_TAG_LIFE_CYCLE, &r);

    if (rc != ROT_OK)
        return rc;
    *ret_state = stsafe_get_int(&r, 1) & LIFE_STATE;
    rc = stsafe_get_end(&r);
    if (rc == ROT_OK && (*ret_state < LIFE_BORN || *ret_state > LIFE_TERMINATED))
        rc = ROT_E_FORMAT;
    return rc;
}

static rot_err
seal_life_cycle(struct rot_chip *chip)
{
    uint8_t state = 0;
    rot_err rc = stsafe_life_cycle(chip, &state);

    if (rc != ROT_OK || state == LIFE_OPERATIONAL)
        return rc;
    if (state != LIFE_BORN)
        return ROT_E_STATE;
    stsafe_begin(chip, STSAFE_PUT_ATTRIBUTE);
    stsafe_put_u8(chip, STSAFE_TAG_LIFE_CYCLE);
    stsafe_put_u8(chip, LIFE_OPERATIONAL);
    rc = stsafe_run_plain(chip);
    if (rc == ROT_OK)
        rc = stsafe_life_cycle(chip, &state);
    return rc == ROT_OK && state != LIFE_OPERATIONAL ? ROT_E_MISMATCH : rc;
}

static rot_err
life_cycle_state(struct rot_chip *chip, enum rot_seal_state *ret_state)
{
    uint8_t state = 0;
    rot_err rc = stsafe_life_cycle(chip, &state);

    if (rc != ROT_OK)
        return rc;
    *ret_state = state == LIFE_OPERATIONAL
                     ? ROT_SEAL_DONE
                     : (state == LIFE_TERMINATED ? ROT_SEAL_FOREIGN : ROT_SEAL_OPEN);
    return ROT_OK;
}

/* ---- The slots ----------------------------------------------------------------------------------- */

static rot_err
wanted_of_place(const struct rot_place *place, struct wanted *ret)
{
    unsigned zone = 0;
    rot_err rc = zone_of(place, &zone);

    if (rc == ROT_OK)
        *ret = (struct wanted){1u << zone, UINT32_MAX};
    return rc;
}

rot_err
stsafe_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    struct wanted w = {0, 0};
    size_t len = 0;
    rot_err rc;

    switch (stage) {
    case ROT_STAGE_DATA:
        return seal_data(chip);
    case ROT_STAGE_LIFECYCLE:
        return seal_life_cycle(chip);
    case ROT_STAGE_OBJECT:
        rc = wanted_of_place(place, &w);
        if (rc == ROT_OK)
            rc = stsafe_object_size(chip, place, &len); /* an empty object is not sealed */
        return rc == ROT_OK ? close_zones(chip, &w) : rc;
    case ROT_STAGE_CONFIG:
        break;
    }
    return ROT_E_UNSUPPORTED;
}

rot_err
stsafe_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                  enum rot_seal_state *ret_state)
{
    struct wanted w = {0, 0};
    uint32_t open;
    rot_err rc = ROT_OK;

    switch (stage) {
    case ROT_STAGE_DATA:
        w = wanted_of(chip);
        break;
    case ROT_STAGE_LIFECYCLE:
        return life_cycle_state(chip, ret_state);
    case ROT_STAGE_OBJECT:
        rc = wanted_of_place(place, &w);
        break;
    case ROT_STAGE_CONFIG:
        return ROT_E_UNSUPPORTED;
    }
    return rc == ROT_OK ? look_at_zones(chip, &w, &open, ret_state) : rc;
}
