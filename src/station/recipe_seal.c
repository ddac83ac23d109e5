/*
 * recipe_seal.c: the steps that cannot be undone.
 *
 * Rule for all: what can be prepared is prepared, the durable record comes
 * next, the seal last; the seal compares before it locks.  Where configuration
 * and data stood was asked at the start; what is sealed already is no failure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <rot/rot_driver.h>

#include "base/inject.h"
#include "station/recipe_inner.h"

const struct rot_layout *
recipe_layout(const struct recipe *r)
{
    const struct rot_setup *setup = &r->job->chip->setup;

    return setup->layout != NULL ? setup->layout : setup->driver->layouts[0];
}

int
recipe_takes_stage(const struct recipe *r, enum rot_stage stage)
{
    return (recipe_layout(r)->stages & (1u << stage)) != 0;
}

rs_code
recipe_note_seal(struct recipe *r, enum rot_stage stage, rot_object obj, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    struct journal_record record = {.type = JOURNAL_SEAL, .board = r->job->board};
    uint8_t what[3] = {(uint8_t)stage, (uint8_t)(obj >> 8), (uint8_t)obj};

    record.field[JOURNAL_UID] = rs_bytes_of(r->identity.uid, r->identity.uid_len);
    record.field[JOURNAL_STAGE] = RS_BYTES(what);
    return host->note(host->arg, &record, 1, err);
}

/* Prepared, put on record, taken. */
static rs_code
take(struct recipe *r, enum rot_stage stage, rot_object obj, const char *what, struct rs_err *err)
{
    rot_err rot = rot_seal_prepare(r->job->chip, stage, obj);
    rs_code rc;

    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, what, err);
    rc = stage == ROT_STAGE_OBJECT ? RS_OK : recipe_same_part(r, err);
    if (rc == RS_OK)
        rc = recipe_note_seal(r, stage, obj, err);
    if (rc != RS_OK)
        return rc;
    rs_inject_mark("station-sealing");
    r->result->was_irreversible = 1;
    r->wrote = 1;
    rot = rot_seal(r->job->chip, stage, obj);
    rs_inject_mark("station-sealed");
    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, what, err);
}

static rs_code
seal(struct recipe *r, enum rot_stage stage, rot_object obj, const char *what, struct rs_err *err)
{
    enum rot_seal_state state;
    rot_err rot = rot_seal_state(r->job->chip, stage, obj, &state);

    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, what, err);
    if (state == ROT_SEAL_DONE)
        return RS_OK;
    if (state == ROT_SEAL_FOREIGN)
        return rs_fail(err, RS_E_CHIP_FOREIGN, "%s: sealed with something else than the layout",
                       what);
    return take(r, stage, obj, what, err);
}

rs_code
recipe_configure(struct recipe *r, struct rs_err *err)
{
    if (!recipe_takes_stage(r, ROT_STAGE_CONFIG) || r->is_configured)
        return RS_OK;
    return take(r, ROT_STAGE_CONFIG, 0, "lock the configuration", err);
}

/* Nothing was written there: closing it for good would keep it from whoever needs it later. */
static rot_err
find_empty(const struct recipe *r, const struct rot_place *place, int *ret_empty)
{
    size_t size;
    rot_err rot = place->part == ROT_PART_DATA
                      ? rot_object_size(r->job->chip, place->object, ROT_PART_DATA, &size)
                      : ROT_OK;

    *ret_empty = rot == ROT_E_EMPTY;
    /* An answer that did not come is none. */
    return rot == ROT_E_BUS || rot == ROT_BUSY || rot == ROT_E_FORMAT ? rot : ROT_OK;
}

/* Objects that production seals one by one. */
static rs_code
seal_objects(struct recipe *r, struct rs_err *err)
{
    const struct rot_layout *layout = recipe_layout(r);
    rs_code rc = RS_OK;

    for (size_t i = 0; i < layout->place_count && rc == RS_OK; i++) {
        const struct rot_place *place = &layout->places[i];
        int is_empty = 0;
        rot_err rot;

        if ((place->flags & ROT_PLACE_SEAL) == 0)
            continue;
        rot = find_empty(r, place, &is_empty);
        if (rot != ROT_OK)
            rc = recipe_chip_fail(r, rot, "look at an object", err);
        else if (!is_empty)
            rc = seal(r, ROT_STAGE_OBJECT, place->object, "lock an object", err);
    }
    return rc;
}

rs_code
recipe_lock(struct recipe *r, struct rs_err *err)
{
    /* While it can be written again; an ATECC's can be read only afterwards. */
    int is_late = recipe_takes_stage(r, ROT_STAGE_CONFIG) && !recipe_layout(r)->channel;
    rs_code rc = RS_OK;

    /* Between writing and reading: whoever took the last of what was written is not asked for it. */
    if (!is_late && r->unread_count > 0)
        rc = recipe_same_part(r, err);
    if (rc == RS_OK && !is_late)
        rc = recipe_check_unread(r, err);
    if (rc == RS_OK)
        rc = recipe_check_attestation(r, err);
    if (rc != RS_OK)
        return rc;
    if (recipe_takes_stage(r, ROT_STAGE_DATA) && !r->is_sealed)
        rc = take(r, ROT_STAGE_DATA, 0, "lock the data", err);
    if (rc == RS_OK && recipe_takes_stage(r, ROT_STAGE_OBJECT))
        rc = seal_objects(r, err);
    if (rc == RS_OK && recipe_takes_stage(r, ROT_STAGE_LIFECYCLE))
        rc = seal(r, ROT_STAGE_LIFECYCLE, 0, "move the life cycle", err);
    return rc;
}

/*
 * On a bus that anybody may join, a seal was compared with whoever stood there: it is asked for once
 * more at the end.
 */
rs_code
recipe_check_sealed(struct recipe *r, struct rs_err *err)
{
    enum rot_seal_state state = ROT_SEAL_DONE;
    rot_err rot;

    if (!recipe_takes_stage(r, ROT_STAGE_DATA) || !r->result->was_irreversible || r->is_sealed ||
        (recipe_layout(r)->channel && r->job->chip->protection == ROT_PROTECTION_OWN))
        return RS_OK;
    rot = rot_seal_state(r->job->chip, ROT_STAGE_DATA, 0, &state);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "read the seals", err);
    if (state == ROT_SEAL_DONE)
        return RS_OK;
    r->is_chips_word = 1;
    return rs_fail(err, RS_E_CHIP_FAULT, "the part is not sealed that was");
}
