/*
 * element.c: elements and their attributes.
 *
 * Attributes follow from the place, so that a layout need not repeat them: what its flags
 * allow the element allows, and nothing else.  They are those of the vendor's public
 * tests, less what a place has no flag for.  An element that is there with others was made
 * by somebody else; it is never used and never replaced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

/* The seven fields; the second takes two bytes. */
#define AT_PROPERTY   1u
#define AT_PERMISSION 6u
#define AT_LAST       7u

/* ---- What is known ---------------------------------------------------------------------- */

/* Two for each place; none beyond those that there is room for. */
static uint8_t *
seen_of(const struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    const struct rot_place *first = chip->setup.layout->places;
    size_t i = (size_t)(place - first);

    if (i >= chip->setup.layout->place_count || i >= TA100_SEEN_PLACES)
        return NULL;
    return &ta100_of(chip)->seen[2 * i + (handle != place->where)];
}

unsigned
ta100_seen(const struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    const uint8_t *p = seen_of(chip, place, handle);

    return p != NULL ? *p : 0;
}

void
ta100_see(struct rot_chip *chip, const struct rot_place *place, uint32_t handle, unsigned set,
          unsigned clear)
{
    uint8_t *p = seen_of(chip, place, handle);

    if (p != NULL)
        *p = (uint8_t)((*p & ~clear) | set);
}

void
ta100_see_nothing(struct rot_chip *chip)
{
    struct ta100_state *s = ta100_of(chip);

    memset(s->seen, 0, sizeof(s->seen));
}

/* ---- What the part says --------------------------------------------------------------- */

/* Another part than before: nothing of what was known is of this one. */
static void
meet(struct rot_chip *chip, const uint8_t serial[TA100_SERIAL])
{
    struct ta100_state *s = ta100_of(chip);

    if (memcmp(s->serial, serial, TA100_SERIAL) != 0)
        ta100_see_nothing(chip);
    memcpy(s->serial, serial, TA100_SERIAL);
}

rot_err
ta100_identity(struct rot_chip *chip, struct ta100_identity *ret_identity)
{
    static const uint8_t marker[] = TA100_MARKER;
    uint8_t b[TA100_IDENTITY_LEN];
    const uint8_t *p = b + TA100_MARKER_LEN + 1;
    rot_err rc;

    ta100_begin(chip, TA100_INFO, TA100_INFO_IDENTITY, 0);
    rc = ta100_run_into(chip, b, sizeof(b));
    if (rc != ROT_OK)
        return rc;
    if (memcmp(b, marker, TA100_MARKER_LEN) != 0 || b[TA100_MARKER_LEN] != TA100_VERSION)
        return ROT_E_WRONG_PART;
    memcpy(ret_identity->serial, p, TA100_SERIAL);
    meet(chip, p);
    p += TA100_SERIAL;
    ret_identity->revision =
        (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    ret_identity->locks = p[4];
    return ROT_OK;
}

rot_err
ta100_element(struct rot_chip *chip, uint32_t handle, struct ta100_element *ret_element)
{
    uint8_t b[TA100_ATTRIBUTES + 3];
    rot_err rc;

    ta100_begin(chip, TA100_INFO, TA100_INFO_ELEMENT, handle);
    rc = ta100_run_into(chip, b, sizeof(b));
    if (rc != ROT_OK)
        return rc;
    memcpy(ret_element->attributes, b, TA100_ATTRIBUTES);
    ret_element->state = b[TA100_ATTRIBUTES];
    ret_element->size =
        (uint16_t)((unsigned)b[TA100_ATTRIBUTES + 1] << 8 | b[TA100_ATTRIBUTES + 2]);
    return ROT_OK;
}

/* ---- What the layout says -------------------------------------------------------------- */

int
ta100_is_register(const struct rot_place *place)
{
    return place->where >= TA100_REGISTERS && place->where < TA100_REGISTERS + TA100_REGISTER_COUNT;
}

int
ta100_is_element(const struct rot_place *place)
{
    return place->where >= TA100_ELEMENTS;
}

/* What a pair is for; one that speaks for the part signs nothing that it is given. */
static unsigned
properties_of_pair(const struct rot_place *place)
{
    unsigned p = TA100_IS_MADE;

    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_ATTEST)
        return p | TA100_SIGNS_INSIDE;
    p |= (place->flags & ROT_PLACE_SIGN) != 0 ? TA100_SIGNS : 0;
    p |= (place->flags & ROT_PLACE_AGREE) != 0 ? TA100_AGREES : 0;
    p |= (place->flags & ROT_PLACE_EXPORT) != 0 ? TA100_GIVES_SECRET : 0;
    return p;
}

static void
set(uint8_t a[TA100_ATTRIBUTES], unsigned what, unsigned property, unsigned permission,
    unsigned last)
{
    memset(a, 0, TA100_ATTRIBUTES);
    a[0] = (uint8_t)what;
    a[AT_PROPERTY] = (uint8_t)(property >> 8);
    a[AT_PROPERTY + 1] = (uint8_t)property;
    a[AT_PERMISSION] = (uint8_t)permission;
    a[AT_LAST] = (uint8_t)last;
}

void
ta100_attributes(const struct rot_place *place, uint8_t attributes[TA100_ATTRIBUTES])
{
    if (place->part != ROT_PART_KEY && (place->flags & ROT_PLACE_PUBLIC_KEY) != 0)
        set(attributes, TA100_IS_PUBLIC, 0, TA100_ALL, TA100_LOCKABLE);
    else if (place->part != ROT_PART_KEY)
        set(attributes, TA100_IS_DATA, place->size + TA100_TRAILER, TA100_ALL, TA100_LOCKABLE);
    else if (place->alg == ROT_ALG_HMAC_SHA256)
        set(attributes, TA100_IS_HMAC, TA100_SECRET_USES, TA100_ALL, TA100_NEVER_READ);
    else if (place->alg == ROT_ALG_AES128)
        set(attributes, TA100_IS_AES128, TA100_SECRET_USES, TA100_ALL, TA100_NEVER_READ);
    else
        set(attributes, TA100_IS_PRIVATE, properties_of_pair(place), TA100_USE_ONLY, 0);
}

/* ---- Both ---------------------------------------------------------------------------------- */

rot_err
ta100_check(struct rot_chip *chip, const struct rot_place *place, uint32_t handle,
            struct ta100_element *ret_element)
{
    uint8_t want[TA100_ATTRIBUTES];
    rot_err rc = ta100_element(chip, handle, ret_element);

    if (rc != ROT_OK)
        return rc;
    ta100_attributes(place, want);
    if (memcmp(ret_element->attributes, want, sizeof(want)) != 0)
        return ROT_E_MISMATCH;
    ta100_see(chip, place, handle, TA100_SEEN_RIGHT, 0);
    if ((ret_element->state & TA100_HAS_CONTENT) != 0 && place->part == ROT_PART_KEY)
        ta100_see(chip, place, handle, TA100_SEEN_FILLED, TA100_SEEN_BLANK);
    return ROT_OK;
}

static rot_err
create(struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    uint8_t want[TA100_ATTRIBUTES];
    rot_err rc;

    ta100_attributes(place, want);
    ta100_begin(chip, TA100_CREATE, 0, handle);
    ta100_put(chip, want, sizeof(want));
    rc = ta100_run_plain(chip);
    if (rc == ROT_OK)
        ta100_see(chip, place, handle, TA100_SEEN_BLANK, 0);
    return rc;
}

rot_err
ta100_create(struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    struct ta100_element e;
    rot_err refused, rc;

    if ((ta100_seen(chip, place, handle) & (TA100_SEEN_RIGHT | TA100_SEEN_BLANK)) != 0)
        return ROT_OK;
    refused = create(chip, place, handle);
    if (refused != ROT_E_STATE)
        return refused;
    rc = ta100_check(chip, place, handle, &e);
    return rc == ROT_E_EMPTY || rc == ROT_E_MISMATCH ? ROT_E_STATE : rc;
}

rot_err
ta100_ensure(struct rot_chip *chip, const struct rot_place *place, uint32_t handle)
{
    struct ta100_element e;
    rot_err rc;

    if ((ta100_seen(chip, place, handle) & TA100_SEEN_RIGHT) != 0)
        return ROT_OK;
    rc = ta100_check(chip, place, handle, &e);
    if (rc == ROT_E_MISMATCH)
        return ROT_E_STATE;
    return rc == ROT_E_EMPTY ? create(chip, place, handle) : rc;
}
