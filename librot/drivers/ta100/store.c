/*
 * store.c: bytes and counters.
 *
 * An element has a size and no length, and a write that loses power leaves it half
 * written.  So what is stored has a trailer, at a fixed place behind the room for it:
 *
 *   "RS" | sequence (2) | length (2) | CRC over these six (2)
 *
 * It is zeroed before the first byte changes, and written when all others were read back
 * and are right; an element that we have just created is zero already.  A place with a second element (`also`) is written there in turns, under
 * the next sequence number: the old content stays until the new one is whole.
 *
 * A public key is an element of its own kind, written whole, so that the part can verify
 * with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define AT_SEQUENCE 2u
#define AT_LENGTH   4u
#define AT_CRC      6u

/* ---- Elements -------------------------------------------------------------------------- */

static rot_err
read_piece(struct rot_chip *chip, uint32_t handle, size_t offset, size_t len,
           struct rot_bytes *ret_data)
{
    rot_err rc;

    ta100_begin(chip, TA100_READ, 0, handle);
    ta100_put_u16(chip, offset);
    ta100_put_u16(chip, len);
    rc = ta100_run(chip, ret_data);
    return rc == ROT_OK && ret_data->len != len ? ROT_E_FORMAT : rc;
}

rot_err
ta100_read(struct rot_chip *chip, uint32_t handle, size_t offset, uint8_t *buf, size_t len)
{
    while (len != 0) {
        size_t n = len < TA100_CHUNK ? len : TA100_CHUNK;
        struct rot_bytes data = {NULL, 0};
        rot_err rc = read_piece(chip, handle, offset, n, &data);

        if (rc != ROT_OK)
            return rc;
        memcpy(buf, data.p, n);
        buf += n;
        offset += n;
        len -= n;
    }
    return ROT_OK;
}

static rot_err
write_piece(struct rot_chip *chip, uint32_t handle, size_t offset, const uint8_t *p, size_t len)
{
    ta100_begin(chip, TA100_WRITE, 0, handle);
    ta100_put_u16(chip, offset);
    ta100_put(chip, p, len);
    return ta100_run_plain(chip);
}

rot_err
ta100_write(struct rot_chip *chip, uint32_t handle, size_t offset, const uint8_t *p, size_t len)
{
    while (len != 0) {
        size_t n = len < TA100_CHUNK ? len : TA100_CHUNK;
        struct rot_bytes data = {NULL, 0};
        rot_err rc = write_piece(chip, handle, offset, p, n);

        if (rc == ROT_OK)
            rc = read_piece(chip, handle, offset, n, &data);
        if (rc != ROT_OK)
            return rc;
        if (memcmp(data.p, p, n) != 0)
            return ROT_E_MISMATCH;
        p += n;
        offset += n;
        len -= n;
    }
    return ROT_OK;
}

/* ---- Trailers ------------------------------------------------------------------------------ */

/* What of a place is whole. */
struct content {
    uint32_t handle;
    uint16_t sequence, len;
};

static rot_err
read_trailer(struct rot_chip *chip, const struct rot_place *place, uint32_t handle,
             struct content *ret_content)
{
    uint8_t t[TA100_TRAILER];
    uint16_t len;
    rot_err rc;

    if ((ta100_seen(chip, place, handle) & TA100_SEEN_BLANK) != 0)
        return ROT_E_EMPTY;
    rc = ta100_read(chip, handle, place->size, t, sizeof(t));
    if (rc != ROT_OK)
        return rc;
    len = (uint16_t)((unsigned)t[AT_LENGTH] << 8 | t[AT_LENGTH + 1]);
    if (t[0] != 'R' || t[1] != 'S' || len == 0 || len > place->size ||
        ta100_crc(t, AT_CRC) != ((unsigned)t[AT_CRC] << 8 | t[AT_CRC + 1]))
        return ROT_E_EMPTY;
    ta100_see(chip, place, handle, TA100_SEEN_WHOLE, 0);
    *ret_content = (struct content){
        handle, (uint16_t)((unsigned)t[AT_SEQUENCE] << 8 | t[AT_SEQUENCE + 1]), len};
    return ROT_OK;
}

static rot_err
write_trailer(struct rot_chip *chip, const struct rot_place *place, uint32_t handle,
              unsigned sequence, unsigned len)
{
    uint8_t t[TA100_TRAILER] = {
        'R', 'S', (uint8_t)(sequence >> 8), (uint8_t)sequence, (uint8_t)(len >> 8), (uint8_t)len};
    uint16_t crc = ta100_crc(t, AT_CRC);
    rot_err rc;

    t[AT_CRC] = (uint8_t)(crc >> 8);
    t[AT_CRC + 1] = (uint8_t)crc;
    rc = ta100_write(chip, handle, place->size, t, sizeof(t));
    if (rc == ROT_OK)
        ta100_see(chip, place, handle, TA100_SEEN_WHOLE, 0);
    return rc;
}

/* Sequence numbers start again after 65,535: later is less than half of them ahead. */
static int
is_later(const struct content *a, const struct content *b)
{
    return (uint16_t)(a->sequence - b->sequence) < 0x8000u;
}

/* The later one of what is whole. */
static rot_err
find(struct rot_chip *chip, const struct rot_place *place, struct content *ret_content)
{
    struct content second;
    rot_err rc = read_trailer(chip, place, place->where, ret_content), rc2;

    if (place->also == 0 || (rc != ROT_OK && rc != ROT_E_EMPTY))
        return rc;
    rc2 = read_trailer(chip, place, place->also, &second);
    if (rc2 == ROT_E_EMPTY)
        return rc;
    if (rc2 == ROT_OK && (rc != ROT_OK || is_later(&second, ret_content)))
        *ret_content = second;
    return rc2;
}

/* ---- Public keys ------------------------------------------------------------------------------ */

static int
is_public_key(const struct rot_place *place)
{
    return (place->flags & ROT_PLACE_PUBLIC_KEY) != 0;
}

static rot_err
read_public(struct rot_chip *chip, const struct rot_place *place, uint8_t spki[TA100_SPKI])
{
    uint8_t point[TA100_POINT];
    size_t n;
    rot_err rc;

    if ((ta100_seen(chip, place, place->where) & TA100_SEEN_BLANK) != 0)
        return ROT_E_EMPTY;
    rc = ta100_read(chip, place->where, 0, point, sizeof(point));
    if (rc != ROT_OK)
        return rc;
    return rot_spki_from_point(ROT_ALG_P256, point, spki, TA100_SPKI, &n);
}

static rot_err
write_public(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes spki,
             size_t total)
{
    uint8_t point[TA100_POINT];
    rot_err rc = spki.len == total ? ta100_point_of(spki, point) : ROT_E_FORMAT;

    if (rc == ROT_OK)
        rc = ta100_ensure(chip, place, place->where);
    ta100_see(chip, place, place->where, 0, TA100_SEEN_CONTENT);
    return rc == ROT_OK ? ta100_write(chip, place->where, 0, point, sizeof(point)) : rc;
}

/* ---- Reading ------------------------------------------------------------------------------------ */

rot_err
ta100_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    uint8_t spki[TA100_SPKI];
    struct content c = {.len = TA100_SPKI};
    rot_err rc = is_public_key(place) ? read_public(chip, place, spki) : find(chip, place, &c);

    if (rc == ROT_OK)
        *ret_size = c.len;
    return rc;
}

rot_err
ta100_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                  size_t cap, size_t *ret_len)
{
    uint8_t spki[TA100_SPKI];
    struct content c = {.len = TA100_SPKI};
    size_t n;
    rot_err rc = is_public_key(place) ? read_public(chip, place, spki) : find(chip, place, &c);

    if (rc != ROT_OK)
        return rc;
    n = offset < c.len ? c.len - offset : 0;
    n = n < cap ? n : cap;
    if (!is_public_key(place))
        rc = ta100_read(chip, c.handle, offset, buf, n);
    else if (n != 0)
        memcpy(buf, spki + offset, n);
    if (rc == ROT_OK)
        *ret_len = n;
    return rc;
}

/* ---- Writing -------------------------------------------------------------------------------------- */

/* The element that does not hold what is there now, and what it will be. */
static rot_err
begin_write(struct rot_chip *chip, const struct rot_place *place, size_t total,
            struct ta100_pending *ret_pending)
{
    static const uint8_t nothing[TA100_TRAILER];
    struct content now = {0};
    uint32_t handle = place->where;
    rot_err rc = find(chip, place, &now);

    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    if (rc == ROT_OK && place->also != 0 && now.handle == place->where)
        handle = place->also;
    rc = ta100_ensure(chip, place, handle);
    if (rc == ROT_OK && (ta100_seen(chip, place, handle) & TA100_SEEN_BLANK) == 0)
        rc = write_piece(chip, handle, place->size, nothing, sizeof(nothing));
    ta100_see(chip, place, handle, 0, TA100_SEEN_CONTENT);
    if (rc == ROT_OK)
        *ret_pending = (struct ta100_pending){place, (uint16_t)handle, (uint16_t)total, 0,
                                              (uint16_t)(now.sequence + 1u)};
    return rc;
}

rot_err
ta100_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                   const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    struct ta100_state *s = ta100_of(chip);
    struct ta100_pending w = s->pending;
    rot_err rc = ROT_OK;

    (void)ret_need; /* the core has looked at the size */
    s->pending.place = NULL;
    if (is_public_key(place))
        return write_public(chip, place, (struct rot_bytes){buf, len}, total);
    if (offset == 0)
        rc = begin_write(chip, place, total, &w);
    if (rc != ROT_OK)
        return rc;
    if (w.place != place || w.total != total || w.filled != offset)
        return ROT_E_ARG; /* pieces come in order, and one object after another */
    rc = ta100_write(chip, w.handle, offset, buf, len);
    w.filled = (uint16_t)(offset + len);
    if (rc == ROT_OK && w.filled == total)
        return write_trailer(chip, place, w.handle, w.sequence, w.total);
    if (rc == ROT_OK)
        s->pending = w;
    return rc;
}

/* ---- Counters --------------------------------------------------------------------------------------- */

static rot_err
count(struct rot_chip *chip, const struct rot_place *place, unsigned mode, uint64_t *ret_value)
{
    uint8_t b[4];
    rot_err rc;

    ta100_begin(chip, TA100_COUNTER, mode, place->where);
    rc = ta100_run_into(chip, b, sizeof(b));
    if (rc == ROT_OK)
        *ret_value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return rc;
}

rot_err
ta100_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    return count(chip, place, TA100_COUNTER_READ, ret_value);
}

rot_err
ta100_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    return count(chip, place, TA100_COUNTER_ADD, ret_value);
}
