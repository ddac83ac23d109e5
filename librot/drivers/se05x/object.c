/*
 * object.c: what is there, and what may be done with it.
 *
 * Rights are given once, when an object is created (ref 4).  So what other parts
 * seal in a step of its own is here a policy without the rights to write, to
 * generate and to delete.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

rot_err
se05x_delete(struct rot_chip *chip, uint32_t id)
{
    se05x_begin_on(chip, SE05X_OP_DELETE, id);
    return se05x_run_plain(chip);
}

/* The block's tag is another one in newer applets. */
rot_err
se05x_attributes(struct rot_chip *chip, uint32_t id, struct se05x_attributes *a)
{
    struct se05x_reader r;
    struct rot_bytes block;
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_READ_ATTRIBUTES, id);
    rc = se05x_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    block = se05x_take(&r, se05x_is_modern(chip) ? SE05X_TAG_3 : SE05X_TAG_2);
    if (se05x_take_end(&r) != ROT_OK)
        return ROT_E_FORMAT;
    return se05x_take_attributes(block, id, a);
}

/* ---- Rights ------------------------------------------------------------------------- */

static uint32_t
rights_of_pair(const struct rot_place *place, int is_modern)
{
    uint32_t rights = SE05X_ALLOW_READ | SE05X_ALLOW_VERIFY;

    if ((place->flags & ROT_PLACE_SIGN) != 0)
        rights |= SE05X_ALLOW_SIGN;
    if ((place->flags & ROT_PLACE_AGREE) != 0) {
        rights |= SE05X_ALLOW_AGREE;
        if (is_modern && (place->flags & ROT_PLACE_EXPORT) == 0)
            rights |= SE05X_FORBID_OUTPUT;
    }
    if ((place->flags & ROT_PLACE_REGENERATE) != 0)
        rights |= SE05X_ALLOW_WRITE | SE05X_ALLOW_GENERATE | SE05X_ALLOW_DELETE;
    return rights;
}

static uint32_t
rights_of_secret(const struct rot_place *place, int is_modern)
{
    uint32_t rights = SE05X_ALLOW_SIGN | SE05X_ALLOW_VERIFY | SE05X_ALLOW_KDF | SE05X_ALLOW_WRITE |
                      SE05X_ALLOW_DELETE;

    if (place->alg != ROT_ALG_HMAC_SHA256)
        rights |= SE05X_ALLOW_ENCRYPT | SE05X_ALLOW_DECRYPT;
    if (is_modern) {
        rights |= SE05X_ALLOW_INPUT;
        if ((place->flags & ROT_PLACE_EXPORT) == 0)
            rights |= SE05X_FORBID_OUTPUT;
    }
    return rights;
}

static uint32_t
rights_of_bytes(const struct rot_place *place, int is_locked)
{
    uint32_t rights = SE05X_ALLOW_READ;

    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_COUNTER)
        return rights | SE05X_ALLOW_WRITE;
    if ((place->flags & ROT_PLACE_PUBLIC_KEY) != 0)
        rights |= SE05X_ALLOW_VERIFY;
    if (!is_locked)
        rights |= SE05X_ALLOW_WRITE | SE05X_ALLOW_DELETE;
    return rights;
}

uint32_t
se05x_rights(const struct rot_chip *chip, const struct rot_place *place, int is_locked)
{
    int is_modern = se05x_is_modern(chip);
    uint32_t rights;

    if (place->part != ROT_PART_KEY)
        rights = rights_of_bytes(place, is_locked);
    else if (rot_alg_secret_size((enum rot_alg)place->alg) != 0)
        rights = rights_of_secret(place, is_modern);
    else
        rights = rights_of_pair(place, is_modern);
    if ((place->flags & ROT_PLACE_ENCRYPTED) != 0)
        rights |= SE05X_ALLOW_CHANNEL_ONLY;
    return rights;
}

int
se05x_has_rights(const struct se05x_attributes *a, uint32_t rights)
{
    return a->rule_count == 1 && a->auth == 0 && a->rights == rights;
}

rot_err
se05x_check_place(const struct rot_chip *chip, const struct rot_place *place)
{
    int wanted = (place->flags & ROT_PLACE_ENCRYPTED) != 0;

    if (place->where > SE05X_ID_CUSTOMER_MAX || place->also > SE05X_ID_CUSTOMER_MAX)
        return ROT_E_UNSUPPORTED;
    return wanted && chip->protection == ROT_PROTECTION_NONE ? ROT_E_AUTH : ROT_OK;
}
