/*
 * store.c: certificates, bytes, public keys and counters.
 *
 * A place of bytes has two object ids.  New content goes to the one that is not in
 * use: a file as long as the content and a trailer of 8 bytes, written piece by piece,
 * each read back; the trailer comes last, and only then the other file is deleted.
 * Cut anywhere, one of the two is whole; if both are, the newer counts.  Content
 * comes first, so that whoever reads the file by other means finds a certificate at
 * its start.
 *
 *   content | "RS" | version 1 | 0 | sequence (4 bytes, big-endian)
 *
 * What the vendor wrote has no trailer: a certificate is as long as its DER says.
 *
 * A public key to verify with is an EC object, overwritten by one command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define COUNTER_SIZE 8u
#define SPKI_AT      128u /* where in the buffer a public key is put, and the most that it takes */

static int
is_key(const struct rot_place *place)
{
    return (place->flags & ROT_PLACE_PUBLIC_KEY) != 0;
}

/* ---- Files ----------------------------------------------------------------------------- */

rot_err
se05x_read_piece(struct rot_chip *chip, uint32_t id, size_t offset, size_t len,
                 struct rot_bytes *ret_bytes)
{
    se05x_begin_on(chip, SE05X_OP_READ, id);
    se05x_put_number(chip, SE05X_TAG_2, (unsigned)offset, 2);
    se05x_put_number(chip, SE05X_TAG_3, (unsigned)len, 2);
    return se05x_run_value(chip, len, ret_bytes);
}

static rot_err
file_size(struct rot_chip *chip, uint32_t id, size_t *ret_size)
{
    struct rot_bytes b;
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_READ_SIZE, id);
    rc = se05x_run_value(chip, 2, &b);
    if (rc != ROT_OK)
        return rc;
    *ret_size = (size_t)b.p[0] << 8 | b.p[1];
    return ROT_OK;
}

static void
put_trailer(uint8_t t[SE05X_TRAILER], uint32_t sequence)
{
    t[0] = 'R';
    t[1] = 'S';
    t[2] = 1;
    t[3] = 0;
    se05x_store_u32(t + 4, sequence);
}

/* Whether the file is there, and whole. */
static rot_err
look_at(struct rot_chip *chip, uint32_t id, struct se05x_slot *slot)
{
    static const uint8_t mark[4] = {'R', 'S', 1, 0};
    struct rot_bytes t;
    size_t size = 0;
    int there = 0;
    rot_err rc = se05x_exists(chip, id, &there);

    *slot = (struct se05x_slot){.id = id};
    if (rc != ROT_OK || !there)
        return rc;
    rc = file_size(chip, id, &size);
    if (rc != ROT_OK)
        return rc == ROT_E_EMPTY ? ROT_OK : rc; /* another program has just deleted it */
    slot->is_there = 1;
    if (size < SE05X_TRAILER)
        return ROT_OK;
    size -= SE05X_TRAILER;
    rc = se05x_read_piece(chip, id, size, SE05X_TRAILER, &t);
    if (rc != ROT_OK || memcmp(t.p, mark, sizeof(mark)) != 0)
        return rc;
    slot->is_whole = 1;
    slot->size = (uint16_t)size;
    slot->sequence = se05x_load_u32(t.p + 4);
    return ROT_OK;
}

rot_err
se05x_find_slots(struct rot_chip *chip, const struct rot_place *place,
                 struct se05x_slot *ret_current, struct se05x_slot *ret_other)
{
    struct se05x_slot first, second;
    int second_counts;
    rot_err rc = look_at(chip, place->where, &first);

    if (rc == ROT_OK)
        rc = look_at(chip, place->also, &second);
    if (rc != ROT_OK)
        return rc;
    second_counts = second.is_whole && (!first.is_whole || second.sequence > first.sequence);
    *ret_current = second_counts ? second : first;
    *ret_other = second_counts ? first : second;
    return ROT_OK;
}

/* A certificate of the vendor's, perhaps with zeroes behind it. */
static rot_err
vendor_size(struct rot_chip *chip, uint32_t id, size_t *ret_size)
{
    struct rot_bytes head;
    size_t file = 0, der;
    rot_err rc = file_size(chip, id, &file);

    if (rc == ROT_OK && file < 4)
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK)
        rc = se05x_read_piece(chip, id, 0, 4, &head);
    if (rc != ROT_OK)
        return rc;
    der = se05x_der_size(head.p);
    *ret_size = der;
    return der == 0 || der > file ? ROT_E_FORMAT : ROT_OK;
}

/* The file that has the content, and its length. */
static rot_err
find_file(struct rot_chip *chip, const struct rot_place *place, uint32_t *ret_id, size_t *ret_size)
{
    struct se05x_slot current, other;
    rot_err rc;

    *ret_id = place->where;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return vendor_size(chip, place->where, ret_size);
    rc = se05x_find_slots(chip, place, &current, &other);
    if (rc == ROT_OK && !current.is_whole)
        rc = ROT_E_EMPTY;
    if (rc != ROT_OK)
        return rc;
    *ret_id = current.id;
    *ret_size = current.size;
    return ROT_OK;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* The first id, or the second when a seal was cut off between the two; the key stays in the buffer. */
static rot_err
read_key(struct rot_chip *chip, const struct rot_place *place, const uint8_t **ret_spki,
         size_t *ret_len)
{
    enum rot_alg alg = (enum rot_alg)place->alg;
    uint8_t *spki = se05x_of(chip)->apdu + SPKI_AT;
    const uint8_t *point;
    rot_err rc = se05x_read_point(chip, place->where, alg, &point);

    if (rc == ROT_E_EMPTY && place->also != 0)
        rc = se05x_read_point(chip, place->also, alg, &point);
    *ret_spki = spki;
    return rc == ROT_OK ? rot_spki_from_point(alg, point + 1, spki, SPKI_AT, ret_len) : rc;
}

rot_err
se05x_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    const uint8_t *spki;
    uint32_t id;
    size_t size = 0;
    rot_err rc =
        is_key(place) ? read_key(chip, place, &spki, &size) : find_file(chip, place, &id, &size);

    if (rc == ROT_OK)
        *ret_size = size;
    return rc;
}

/* How much of size bytes is asked for. */
static size_t
wanted(size_t size, size_t offset, size_t cap)
{
    size_t left = offset < size ? size - offset : 0;

    return left < cap ? left : cap;
}

static rot_err
read_key_piece(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
               size_t cap, size_t *ret_len)
{
    const uint8_t *spki;
    size_t size = 0, len;
    rot_err rc = read_key(chip, place, &spki, &size);

    if (rc != ROT_OK)
        return rc;
    len = wanted(size, offset, cap);
    if (len != 0)
        memcpy(buf, spki + offset, len);
    *ret_len = len;
    return ROT_OK;
}

rot_err
se05x_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                  size_t cap, size_t *ret_len)
{
    struct rot_bytes b;
    uint32_t id;
    size_t size = 0, len, n;
    rot_err rc;

    if (is_key(place))
        return read_key_piece(chip, place, offset, buf, cap, ret_len);
    rc = find_file(chip, place, &id, &size);
    if (rc != ROT_OK)
        return rc;
    len = wanted(size, offset, cap);
    for (size_t at = 0; at < len; at += n) {
        n = len - at < SE05X_CHUNK ? len - at : SE05X_CHUNK;
        rc = se05x_read_piece(chip, id, offset + at, n, &b);
        if (rc != ROT_OK)
            return rc;
        memcpy(buf + at, b.p, n);
    }
    *ret_len = len;
    return ROT_OK;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Bytes into a file; the first ones create it, as long as it will be. */
static rot_err
write_piece(struct rot_chip *chip, const struct rot_place *place, size_t offset, const uint8_t *buf,
            size_t len)
{
    const struct se05x_state *s = se05x_of(chip);
    uint32_t id = s->pending_slot.id;
    struct rot_bytes back;
    rot_err rc;

    if (offset == 0) {
        se05x_begin_new(chip, SE05X_OP_WRITE_BINARY, id, se05x_rights(chip, place, 0));
        se05x_put_number(chip, SE05X_TAG_3, (unsigned)(s->pending_total + SE05X_TRAILER), 2);
    } else {
        se05x_begin_on(chip, SE05X_OP_WRITE_BINARY, id);
        se05x_put_number(chip, SE05X_TAG_2, (unsigned)offset, 2);
    }
    se05x_put(chip, SE05X_TAG_4, buf, len);
    rc = se05x_run_plain(chip);
    if (rc == ROT_OK)
        rc = se05x_read_piece(chip, id, offset, len, &back);
    if (rc != ROT_OK)
        return rc;
    return memcmp(back.p, buf, len) == 0 ? ROT_OK : ROT_E_MISMATCH;
}

/* What cannot be written any more stays as it is. */
static rot_err
check_unlocked(struct rot_chip *chip, const struct rot_place *place, const struct se05x_slot *slot)
{
    struct se05x_attributes a;
    rot_err rc;

    if (!slot->is_there || (place->flags & ROT_PLACE_LOCKABLE) == 0)
        return ROT_OK;
    rc = se05x_attributes(chip, slot->id, &a);
    if (rc != ROT_OK)
        return rc;
    return a.rule_count != 0 && (a.rights & SE05X_ALLOW_DELETE) == 0 ? ROT_E_STATE : ROT_OK;
}

static rot_err
start_write(struct rot_chip *chip, const struct rot_place *place, size_t total)
{
    struct se05x_state *s = se05x_of(chip);
    struct se05x_slot current, other;
    rot_err rc = se05x_find_slots(chip, place, &current, &other);

    if (rc == ROT_OK)
        rc = check_unlocked(chip, place, &current);
    if (rc != ROT_OK)
        return rc;
    s->pending_slot = current.is_whole ? other : current;
    s->pending_old = current.is_whole ? current : other;
    s->pending_slot.sequence = current.is_whole ? current.sequence + 1 : 1;
    if (s->pending_slot.is_there)
        rc = se05x_delete(chip, s->pending_slot.id);
    s->pending = place;
    s->pending_filled = 0;
    s->pending_total = total;
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

static rot_err
finish_write(struct rot_chip *chip, const struct rot_place *place)
{
    struct se05x_state *s = se05x_of(chip);
    uint8_t trailer[SE05X_TRAILER];
    rot_err rc;

    put_trailer(trailer, s->pending_slot.sequence);
    rc = write_piece(chip, place, s->pending_total, trailer, sizeof(trailer));
    if (rc == ROT_OK && s->pending_old.is_there)
        rc = se05x_delete(chip, s->pending_old.id);
    if (rc == ROT_OK || rc == ROT_E_EMPTY)
        s->pending = NULL;
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

struct piece {
    size_t offset, len, total;
    const uint8_t *p;
};

static rot_err
write_pieces(struct rot_chip *chip, const struct rot_place *place, const struct piece *piece)
{
    struct se05x_state *s = se05x_of(chip);
    rot_err rc = piece->offset == 0 ? start_write(chip, place, piece->total) : ROT_OK;
    size_t n;

    if (rc == ROT_OK && (s->pending != place || s->pending_filled != piece->offset ||
                         s->pending_total != piece->total))
        rc = ROT_E_ARG;
    for (size_t at = 0; at < piece->len && rc == ROT_OK; at += n) {
        n = piece->len - at < SE05X_CHUNK ? piece->len - at : SE05X_CHUNK;
        rc = write_piece(chip, place, piece->offset + at, piece->p + at, n);
    }
    if (rc != ROT_OK)
        return rc;
    if (piece->offset + piece->len == piece->total)
        return finish_write(chip, place);
    s->pending_filled += piece->len;
    return ROT_OK;
}

static rot_err
write_key(struct rot_chip *chip, const struct rot_place *place, const struct piece *piece)
{
    enum rot_alg alg = ROT_ALG_NONE;
    int sealed = 0;
    rot_err rc = ROT_OK;

    if (piece->offset != 0 || piece->len != piece->total)
        return ROT_E_ARG;
    if (place->also != 0)
        rc = se05x_exists(chip, place->also, &sealed);
    if (rc == ROT_OK)
        rc = se05x_keep_spki(chip, piece->p, piece->len, &alg);
    if (rc == ROT_OK && (alg != (enum rot_alg)place->alg || se05x_curve_of(alg) == 0))
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK && sealed)
        rc = ROT_E_STATE;
    if (rc == ROT_OK)
        rc = se05x_write_point(chip, place->where, alg, se05x_rights(chip, place, 0));
    return rc == ROT_E_CHIP ? ROT_E_FORMAT : rc; /* not a point of the curve */
}

rot_err
se05x_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                   const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    const struct piece piece = {offset, len, total, buf};
    rot_err rc = se05x_check_place(chip, place);

    if (rc != ROT_OK)
        return rc;
    if (is_key(place))
        return write_key(chip, place, &piece);
    rc = write_pieces(chip, place, &piece);
    if (rc != ROT_OK)
        se05x_of(chip)->pending = NULL;
    if (rc == ROT_E_SPACE)
        *ret_need = total;
    return rc;
}

/* ---- Counters ---------------------------------------------------------------------------------- */

/* One that was never counted is not there yet, and stands at 0. */
rot_err
se05x_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    struct rot_bytes b = {NULL, 0};
    uint64_t value = 0;
    rot_err rc;

    se05x_begin_on(chip, SE05X_OP_READ, place->where);
    rc = se05x_run_value(chip, 0, &b);
    if (rc == ROT_E_EMPTY)
        b.len = 0;
    else if (rc != ROT_OK || b.len > sizeof(value))
        return rc != ROT_OK ? rc : ROT_E_FORMAT;
    for (size_t i = 0; i < b.len; i++)
        value = value << 8 | b.p[i];
    *ret_value = value;
    chip->raw_status = 0;
    return ROT_OK;
}

static rot_err
count(struct rot_chip *chip, const struct rot_place *place)
{
    int there = 0;
    rot_err rc = se05x_check_place(chip, place);

    if (rc == ROT_OK)
        rc = se05x_exists(chip, place->where, &there);
    if (rc == ROT_OK && !there) {
        se05x_begin_new(chip, SE05X_OP_WRITE_COUNTER, place->where, se05x_rights(chip, place, 0));
        se05x_put_number(chip, SE05X_TAG_2, COUNTER_SIZE, 2);
        rc = se05x_run_plain(chip);
    }
    if (rc != ROT_OK)
        return rc;
    se05x_begin_on(chip, SE05X_OP_WRITE_COUNTER, place->where);
    return se05x_run_plain(chip);
}

rot_err
se05x_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    rot_err rc = count(chip, place);

    return rc == ROT_OK ? se05x_counter_read(chip, place, ret_value) : rc;
}
