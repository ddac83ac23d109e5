/*
 * seal.c: zones that take no other bytes, and the life cycle.
 *
 * A zone's access condition for updates is changed by an update that carries the
 * new one (section 3.1).  Each zone is a step of its own; a seal that was cut is
 * open, and goes on where it stopped.
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

/* ---- One zone ----------------------------------------------------------------------------- */

/* Its first byte is written as it is; the condition comes with it. */
static rot_err
close_zone(struct rot_chip *chip, unsigned zone, unsigned want)
{
    unsigned option = OPTION_CHANGE | want | (want == STSAFE_AC_NEVER ? 0 : OPTION_MAY_CHANGE);
    uint8_t same[STSAFE_U_CHANGE_LENGTH];
    struct rot_bytes b;
    struct stsafe_zone z;
    rot_err rc = stsafe_zone_find(chip, zone, &z);

    if (rc != ROT_OK)
        return rc;
    if (compare(&z, want) != ROT_SEAL_OPEN)
        return compare(&z, want) == ROT_SEAL_DONE ? ROT_OK : ROT_E_STATE;
    rc = stsafe_zone_read(chip, zone, 0, sizeof(same), &b);
    if (rc != ROT_OK)
        return rc;
    memcpy(same, b.p, sizeof(same));
    rc = stsafe_zone_update(chip, option, zone, 0, same, sizeof(same));
    if (rc == ROT_OK)
        rc = stsafe_zone_find(chip, zone, &z);
    if (rc == ROT_OK && compare(&z, want) != ROT_SEAL_DONE)
        rc = ROT_E_MISMATCH;
    return rc;
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

/* Whether the zone has a condition to get in this conversation, and which. */
static int
wants(const struct rot_chip *chip, uint32_t ours, uint32_t renewable, unsigned zone,
      unsigned *ret_want)
{
    if ((ours >> zone & 1u) == 0)
        return 0;
    *ret_want = (renewable >> zone & 1u) != 0 ? STSAFE_AC_HOST : STSAFE_AC_NEVER;
    return *ret_want == STSAFE_AC_NEVER || stsafe_of(chip)->channel.is_open;
}

static rot_err
seal_data(struct rot_chip *chip)
{
    uint32_t ours, renewable;
    unsigned want;
    rot_err rc;

    sort_zones(chip->setup.layout, &ours, &renewable);
    rc = check_written(chip, renewable);
    for (unsigned zone = 0; zone < ZONES && rc == ROT_OK; zone++) {
        if (wants(chip, ours, renewable, zone, &want))
            rc = close_zone(chip, zone, want);
    }
    return rc;
}

static rot_err
data_state(struct rot_chip *chip, enum rot_seal_state *ret_state)
{
    uint32_t ours, renewable;
    enum rot_seal_state state = ROT_SEAL_DONE;
    unsigned want;

    sort_zones(chip->setup.layout, &ours, &renewable);
    for (unsigned zone = 0; zone < ZONES; zone++) {
        struct stsafe_zone z;
        enum rot_seal_state one;
        rot_err rc;

        if (!wants(chip, ours, renewable, zone, &want))
            continue;
        rc = stsafe_zone_find(chip, zone, &z);
        if (rc != ROT_OK)
            return rc;
        one = compare(&z, want);
        if (one == ROT_SEAL_FOREIGN || state == ROT_SEAL_DONE)
            state = one;
        if (state == ROT_SEAL_FOREIGN)
            break;
    }
    *ret_state = state;
    return ROT_OK;
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

rot_err
stsafe_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    size_t len = 0;
    unsigned zone = 0;
    rot_err rc;

    switch (stage) {
    case ROT_STAGE_DATA:
        return seal_data(chip);
    case ROT_STAGE_LIFECYCLE:
        return seal_life_cycle(chip);
    case ROT_STAGE_OBJECT:
        rc = zone_of(place, &zone);
        if (rc == ROT_OK)
            rc = stsafe_object_size(chip, place, &len); /* an empty object is not sealed */
        return rc == ROT_OK ? close_zone(chip, zone, STSAFE_AC_NEVER) : rc;
    case ROT_STAGE_CONFIG:
        break;
    }
    return ROT_E_UNSUPPORTED;
}

rot_err
stsafe_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                  enum rot_seal_state *ret_state)
{
    struct stsafe_zone z;
    unsigned zone = 0;
    rot_err rc;

    switch (stage) {
    case ROT_STAGE_DATA:
        return data_state(chip, ret_state);
    case ROT_STAGE_LIFECYCLE:
        return life_cycle_state(chip, ret_state);
    case ROT_STAGE_OBJECT:
        rc = zone_of(place, &zone);
        if (rc == ROT_OK)
            rc = stsafe_zone_find(chip, zone, &z);
        if (rc == ROT_OK)
            *ret_state = compare(&z, STSAFE_AC_NEVER);
        return rc;
    case ROT_STAGE_CONFIG:
        break;
    }
    return ROT_E_UNSUPPORTED;
}
