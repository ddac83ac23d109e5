/*
 * seal.c: objects that cannot change any more, and those that can be taken away.
 *
 * A key pair that stays is created so; sealing it is a look at its rights and its
 * origin.  Bytes and public keys are created anew without the rights to write and
 * to delete, in both of their ids, so that nothing newer can ever be put beside
 * them:
 *
 *   1  a locked copy goes to the id that is not in use, newer than the content
 *   2  the old object is deleted
 *   3  a locked copy of the copy takes its place
 *
 * Cut anywhere, the content is there once or twice, and the next call goes on.  A part that
 * tears what it creates leaves a piece that nobody can take away: then the other id is
 * locked in its own place.
 *
 * The life cycle is not sealed (ref 3.3): a transport lock stops all use, and a part that
 * insists on its channel hides the unique id that the host's secret depends on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define COMPARED 64u /* bytes at a time */

enum lock {
    LOCK_NONE,   /* no such object */
    LOCK_OPEN,   /* as a write leaves it */
    LOCK_CLOSED, /* as a seal leaves it */
    LOCK_FOREIGN,
};

static rot_err
lock_of(struct rot_chip *chip, const struct rot_place *place, uint32_t id, enum lock *ret_lock)
{
    struct se05x_attributes a;
    rot_err rc = se05x_attributes(chip, id, &a);

    *ret_lock = LOCK_NONE;
    if (rc != ROT_OK)
        return rc == ROT_E_EMPTY ? ROT_OK : rc;
    *ret_lock = LOCK_FOREIGN;
    if (se05x_has_rights(&a, se05x_rights(chip, place, 1)))
        *ret_lock = LOCK_CLOSED;
    else if (se05x_has_rights(&a, se05x_rights(chip, place, 0)))
        *ret_lock = LOCK_OPEN;
    return ROT_OK;
}

/* ---- Key pairs -------------------------------------------------------------------------- */

static rot_err
pair_state(struct rot_chip *chip, const struct rot_place *place, enum rot_seal_state *ret_state)
{
    struct se05x_attributes a;
    rot_err rc = se05x_attributes(chip, place->where, &a);

    if (rc == ROT_E_EMPTY) {
        *ret_state = ROT_SEAL_OPEN;
        return ROT_OK;
    }
    if (rc != ROT_OK)
        return rc;
    *ret_state =
        a.origin == SE05X_ORIGIN_INTERNAL && se05x_has_rights(&a, se05x_rights(chip, place, 0))
            ? ROT_SEAL_DONE
            : ROT_SEAL_FOREIGN;
    return ROT_OK;
}

/* ---- Copies ------------------------------------------------------------------------------- */

static rot_err
clear(struct rot_chip *chip, uint32_t id)
{
    rot_err rc = se05x_delete(chip, id);

    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

/*
 * A file and its trailer, with another sequence, created locked by one command.  It waits at the
 * end of the buffer while what was in its place is deleted.
 */
static rot_err
copy_file(struct rot_chip *chip, const struct rot_place *place, const struct se05x_slot *from,
          const struct se05x_slot *to)
{
    struct se05x_state *s = se05x_of(chip);
    size_t len = (size_t)from->size + SE05X_TRAILER;
    uint8_t *end = s->apdu + SE05X_BUFFER - len, *p;
    struct rot_bytes b;
    rot_err rc;

    if (len > SE05X_CHUNK)
        return ROT_E_SPACE;
    rc = se05x_read_piece(chip, from->id, 0, len, &b);
    if (rc != ROT_OK)
        return rc;
    memmove(end, b.p, len);
    rc = clear(chip, to->id);
    if (rc != ROT_OK)
        return rc;
    se05x_begin_new(chip, SE05X_OP_WRITE_BINARY, to->id, se05x_rights(chip, place, 1));
    se05x_put_number(chip, SE05X_TAG_3, (unsigned)len, 2);
    p = se05x_reserve(&s->command, s->apdu, SE05X_TAG_4, len);
    if (p == NULL)
        return ROT_E_SPACE;
    memmove(p, end, len);
    se05x_store_u32(p + len - 4, to->sequence);
    return se05x_run_plain(chip);
}

static rot_err
compare_files(struct rot_chip *chip, const struct se05x_slot *a, const struct se05x_slot *b)
{
    uint8_t piece[COMPARED];
    struct rot_bytes got;
    size_t n;
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < a->size && rc == ROT_OK; at += n) {
        n = a->size - at < COMPARED ? a->size - at : COMPARED;
        rc = se05x_read_piece(chip, a->id, at, n, &got);
        if (rc != ROT_OK)
            return rc;
        memcpy(piece, got.p, n);
        rc = se05x_read_piece(chip, b->id, at, n, &got);
        if (rc == ROT_OK && memcmp(piece, got.p, n) != 0)
            rc = ROT_E_MISMATCH;
    }
    return rc;
}

static rot_err
lock_file(struct rot_chip *chip, const struct rot_place *place, const struct se05x_slot *from,
          const struct se05x_slot *to)
{
    rot_err rc = copy_file(chip, place, from, to);

    return rc == ROT_OK ? compare_files(chip, from, to) : rc;
}

static rot_err
seal_file(struct rot_chip *chip, const struct rot_place *place)
{
    struct se05x_slot current, other;
    enum lock lock, other_lock;
    rot_err rc = se05x_find_slots(chip, place, &current, &other);

    if (rc == ROT_OK && !current.is_whole)
        rc = ROT_E_EMPTY;
    if (rc == ROT_OK)
        rc = lock_of(chip, place, current.id, &lock);
    if (rc == ROT_OK)
        rc = lock_of(chip, place, other.id, &other_lock);
    if (rc != ROT_OK)
        return rc;
    /* A copy that was torn keeps its id from anything newer for good. */
    if (lock != LOCK_CLOSED && other_lock == LOCK_CLOSED)
        return copy_file(chip, place, &current, &current);
    if (lock != LOCK_CLOSED) {
        other.sequence = current.sequence + 1;
        other.size = current.size;
        rc = lock_file(chip, place, &current, &other);
        if (rc != ROT_OK)
            return rc;
        current.sequence = other.sequence;
        return lock_file(chip, place, &other, &current);
    }
    other.sequence = current.sequence;
    return other_lock == LOCK_CLOSED ? ROT_OK : lock_file(chip, place, &current, &other);
}

static rot_err
lock_key(struct rot_chip *chip, const struct rot_place *place, uint32_t from, uint32_t to)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    rot_err rc = se05x_keep_point(chip, from, alg);

    if (rc == ROT_OK)
        rc = clear(chip, to);
    return rc == ROT_OK ? se05x_write_point(chip, to, alg, se05x_rights(chip, place, 1)) : rc;
}

/* The second id has nothing but locked copies. */
static rot_err
seal_key(struct rot_chip *chip, const struct rot_place *place)
{
    int there = 0;
    rot_err rc = se05x_exists(chip, place->also, &there);

    if (rc == ROT_OK && !there)
        rc = lock_key(chip, place, place->where, place->also);
    return rc == ROT_OK ? lock_key(chip, place, place->also, place->where) : rc;
}

/* ---- Stages --------------------------------------------------------------------------------- */

/* Files that cannot change and of which none is whole are nobody's. */
static rot_err
state_of_closed(struct rot_chip *chip, const struct rot_place *place,
                enum rot_seal_state *ret_state)
{
    struct se05x_slot current = {.is_whole = 1}, other;
    rot_err rc = ROT_OK;

    if ((place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
        rc = se05x_find_slots(chip, place, &current, &other);
    *ret_state = current.is_whole ? ROT_SEAL_DONE : ROT_SEAL_FOREIGN;
    return rc;
}

static rot_err
state_of_bytes(struct rot_chip *chip, const struct rot_place *place, enum rot_seal_state *ret_state)
{
    enum lock first, second;
    rot_err rc = lock_of(chip, place, place->where, &first);

    if (rc == ROT_OK)
        rc = lock_of(chip, place, place->also, &second);
    if (rc != ROT_OK)
        return rc;
    *ret_state = ROT_SEAL_OPEN;
    if (first == LOCK_FOREIGN || second == LOCK_FOREIGN)
        *ret_state = ROT_SEAL_FOREIGN;
    else if (first == LOCK_CLOSED && second == LOCK_CLOSED)
        rc = state_of_closed(chip, place, ret_state);
    return rc;
}

static rot_err
state_of(struct rot_chip *chip, const struct rot_place *place, enum rot_seal_state *ret_state)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    rot_err rc = place->part == ROT_PART_KEY ? pair_state(chip, place, &state)
                                             : state_of_bytes(chip, place, &state);

    if (rc == ROT_OK) {
        *ret_state = state;
        chip->raw_status = 0;
    }
    return rc;
}

rot_err
se05x_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                 enum rot_seal_state *ret_state)
{
    if (stage != ROT_STAGE_OBJECT)
        return ROT_E_UNSUPPORTED;
    return state_of(chip, place, ret_state);
}

rot_err
se05x_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    enum rot_seal_state state;
    rot_err rc;

    if (stage != ROT_STAGE_OBJECT)
        return ROT_E_UNSUPPORTED;
    rc = state_of(chip, place, &state);
    if (rc != ROT_OK || state == ROT_SEAL_DONE)
        return rc;
    if (state == ROT_SEAL_FOREIGN)
        return ROT_E_MISMATCH;
    if (place->part == ROT_PART_KEY)
        return ROT_E_EMPTY; /* it is sealed from its beginning on */
    rc =
        (place->flags & ROT_PLACE_PUBLIC_KEY) != 0 ? seal_key(chip, place) : seal_file(chip, place);
    if (rc == ROT_OK)
        chip->raw_status = 0;
    return rc;
}

/* ---- Wipe -------------------------------------------------------------------------------------- */

/* What the part keeps, because it was created so, stays. */
static rot_err
wipe_object(struct rot_chip *chip, uint32_t id)
{
    rot_err rc = id == 0 ? ROT_OK : clear(chip, id);

    return rc == ROT_E_STATE && chip->raw_status == SE05X_SW_POLICY ? ROT_OK : rc;
}

/* Counters never go down, and a key pair that stays would come back as another. */
static int
is_kept(const struct rot_place *place)
{
    int fixed = place->part == ROT_PART_KEY && rot_alg_secret_size((enum rot_alg)place->alg) == 0 &&
                (place->flags & ROT_PLACE_REGENERATE) == 0;

    return fixed || (place->flags & ROT_PLACE_READ_ONLY) != 0 ||
           ROT_OBJECT_KIND(place->object) == ROT_KIND_COUNTER;
}

rot_err
se05x_wipe(struct rot_chip *chip)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = wipe_object(chip, SE05X_ID_VERIFIER);

    se05x_of(chip)->pending = NULL;
    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++) {
        const struct rot_place *place = &l->places[i];

        if (is_kept(place))
            continue;
        rc = wipe_object(chip, place->where);
        if (rc == ROT_OK)
            rc = wipe_object(chip, place->also);
    }
    if (rc == ROT_OK)
        chip->raw_status = 0;
    return rc;
}
