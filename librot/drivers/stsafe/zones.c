/*
 * zones.c: bytes and counters in the part's data zones.
 *
 * Content comes first, so that whoever reads the zone by other means finds a
 * certificate at its start; behind the room for it stands a trailer of 12 bytes:
 *
 *   "RS" | version 1 | 0 | sequence (4) | length (2) | CRC of these 10 (2)
 *
 * It is taken back before the first byte of new content is written, and put
 * back, atomically, after the last: cut anywhere, an object is whole or is not
 * there.  A place with a second copy (`also`) writes to the one that is not in
 * use, and the newer whole one counts: cut anywhere, the old content stays.
 *
 * What the vendor wrote has no trailer: a certificate is as long as its DER says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#include "../../transports/stsafe_frame.h"

#define OPTION_ATOMIC 0x80u

/* ---- Zones --------------------------------------------------------------------------- */

static void
begin(struct rot_chip *chip, enum stsafe_code code, unsigned option, unsigned zone, size_t offset)
{
    stsafe_begin(chip, code);
    stsafe_put_u8(chip, option);
    stsafe_put_u8(chip, zone);
    stsafe_put_u16(chip, (unsigned)offset);
}

rot_err
stsafe_zone_read(struct rot_chip *chip, unsigned zone, size_t offset, size_t len,
                 struct rot_bytes *ret_bytes)
{
    struct stsafe_reader r;
    rot_err rc;

    begin(chip, STSAFE_READ, 0, zone, offset);
    stsafe_put_u16(chip, (unsigned)len);
    rc = stsafe_run(chip, &r);
    if (rc == ROT_E_CHIP && chip->raw_status == STSAFE_BOUNDARY)
        return ROT_E_UNSUPPORTED; /* this part's zone is smaller than the layout says */
    if (rc != ROT_OK)
        return rc;
    *ret_bytes = stsafe_get(&r, len);
    return stsafe_get_end(&r);
}

rot_err
stsafe_zone_find(struct rot_chip *chip, unsigned zone, struct stsafe_zone *ret_zone)
{
    struct stsafe_reader r;
    rot_err rc = stsafe_query(chip, STSAFE_TAG_PARTITION, &r);

    return rc == ROT_OK ? stsafe_read_zone(&r, zone, ret_zone) : rc;
}

/* A zone that takes no updates any more is sealed; one that wants another says so. */
static rot_err
why_refused(struct rot_chip *chip, unsigned zone)
{
    uint32_t status = chip->raw_status;
    struct stsafe_zone z;
    rot_err rc = stsafe_zone_find(chip, zone, &z);

    chip->raw_status = status;
    return rc == ROT_OK && z.access == STSAFE_AC_NEVER ? ROT_E_STATE : ROT_E_AUTH;
}

rot_err
stsafe_zone_update(struct rot_chip *chip, unsigned option, unsigned zone, size_t offset,
                   const uint8_t *p, size_t len)
{
    rot_err rc;

    begin(chip, STSAFE_UPDATE, option, zone, offset);
    stsafe_put(chip, p, len);
    rc = stsafe_run_plain(chip);
    if (rc == ROT_E_AUTH && chip->raw_status == STSAFE_NO_ACCESS)
        return why_refused(chip, zone);
    if (rc == ROT_E_CHIP && chip->raw_status == STSAFE_BOUNDARY)
        return ROT_E_SPACE;
    return rc;
}

/* ---- Areas ------------------------------------------------------------------------------ */

/* Room for one copy of one object; its trailer stands right behind. */
struct area {
    unsigned zone;
    size_t offset, size;
};

static struct area
area_of(const struct rot_place *place, unsigned copy)
{
    if (copy == 0)
        return (struct area){place->where, place->offset, place->size};
    return (struct area){place->also >> 16, place->also & 0xffffu, place->size};
}

static struct area
area_of_point(const struct rot_place *key)
{
    return (struct area){key->also >> 16, key->also & 0xffffu,
                         rot_alg_point_size((enum rot_alg)key->alg)};
}

static void
put_trailer(uint8_t t[STSAFE_TRAILER], uint32_t sequence, size_t len)
{
    uint16_t crc;

    t[0] = 'R';
    t[1] = 'S';
    t[2] = 1;
    t[3] = 0;
    for (unsigned i = 0; i < 4; i++)
        t[4 + i] = (uint8_t)(sequence >> (24 - 8 * i));
    t[8] = (uint8_t)(len >> 8);
    t[9] = (uint8_t)len;
    crc = stsafe_frame_crc(0, t, 10);
    t[10] = (uint8_t)(crc >> 8);
    t[11] = (uint8_t)crc;
}

/* Of a trailer that was never written, or taken back. */
static const uint8_t nothing[STSAFE_TRAILER] = {0};

/* ROT_E_EMPTY when nothing whole is there; *ret_len is 0 when the trailer is nothing. */
static rot_err
look(struct rot_chip *chip, const struct area *a, uint32_t *ret_sequence, size_t *ret_len)
{
    uint8_t want[STSAFE_TRAILER];
    struct rot_bytes t;
    uint32_t sequence;
    size_t len;
    rot_err rc = stsafe_zone_read(chip, a->zone, a->offset + a->size, STSAFE_TRAILER, &t);

    if (rc != ROT_OK)
        return rc;
    *ret_len = memcmp(t.p, nothing, STSAFE_TRAILER) != 0;
    sequence = (uint32_t)t.p[4] << 24 | (uint32_t)t.p[5] << 16 | (uint32_t)t.p[6] << 8 | t.p[7];
    len = (size_t)t.p[8] << 8 | t.p[9];
    put_trailer(want, sequence, len);
    if (memcmp(t.p, want, STSAFE_TRAILER) != 0 || len == 0 || len > a->size)
        return ROT_E_EMPTY;
    *ret_sequence = sequence;
    *ret_len = len;
    return ROT_OK;
}

static rot_err
invalidate(struct rot_chip *chip, const struct area *a)
{
    return stsafe_zone_update(chip, OPTION_ATOMIC, a->zone, a->offset + a->size, nothing,
                              STSAFE_TRAILER);
}

static rot_err
complete(struct rot_chip *chip, const struct area *a, uint32_t sequence, size_t len)
{
    uint8_t t[STSAFE_TRAILER];
    uint32_t there = 0;
    size_t n = 0;
    rot_err rc;

    put_trailer(t, sequence, len);
    rc = stsafe_zone_update(chip, OPTION_ATOMIC, a->zone, a->offset + a->size, t, STSAFE_TRAILER);
    if (rc == ROT_OK)
        rc = look(chip, a, &there, &n);
    if (rc == ROT_E_EMPTY || (rc == ROT_OK && (there != sequence || n != len)))
        return ROT_E_MISMATCH;
    return rc;
}

/* Into an area, and compared with what is there then. */
static rot_err
write_bytes(struct rot_chip *chip, const struct area *a, size_t at, const uint8_t *p, size_t len)
{
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < STSAFE_CHUNK ? len : STSAFE_CHUNK;
        struct rot_bytes back;

        rc = stsafe_zone_update(chip, 0, a->zone, a->offset + at, p, n);
        if (rc == ROT_OK)
            rc = stsafe_zone_read(chip, a->zone, a->offset + at, n, &back);
        if (rc == ROT_OK && memcmp(back.p, p, n) != 0)
            rc = ROT_E_MISMATCH;
        at += n;
        p += n;
        len -= n;
    }
    return rc;
}

static rot_err
read_bytes(struct rot_chip *chip, const struct area *a, size_t at, uint8_t *p, size_t len)
{
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < STSAFE_CHUNK ? len : STSAFE_CHUNK;
        struct rot_bytes piece;

        rc = stsafe_zone_read(chip, a->zone, a->offset + at, n, &piece);
        if (rc == ROT_OK)
            memcpy(p, piece.p, n);
        at += n;
        p += n;
        len -= n;
    }
    return rc;
}

/* ---- Public keys of slots ------------------------------------------------------------------ */

rot_err
stsafe_point_forget(struct rot_chip *chip, const struct rot_place *key)
{
    const struct area a = area_of_point(key);

    return invalidate(chip, &a);
}

rot_err
stsafe_point_keep(struct rot_chip *chip, const struct rot_place *key, const uint8_t *point)
{
    const struct area a = area_of_point(key);
    rot_err rc = write_bytes(chip, &a, 0, point, a.size);

    return rc == ROT_OK ? complete(chip, &a, 1, a.size) : rc;
}

rot_err
stsafe_point_find(struct rot_chip *chip, const struct rot_place *key, uint8_t *point)
{
    const struct area a = area_of_point(key);
    uint32_t sequence;
    size_t len = 0;
    rot_err rc = look(chip, &a, &sequence, &len);

    if (rc == ROT_OK && len != a.size)
        rc = ROT_E_EMPTY;
    return rc == ROT_OK ? read_bytes(chip, &a, 0, point, len) : rc;
}

/* ---- Objects ---------------------------------------------------------------------------------- */

struct content {
    struct area area;
    unsigned copy;
    uint32_t sequence;
    size_t len;
    unsigned blank; /* bits: copies whose trailer is nothing */
};

/* The newer whole copy.  ROT_E_EMPTY: none; *ret is copy 1 then, so that 0 is written first. */
static rot_err
find(struct rot_chip *chip, const struct rot_place *place, struct content *ret)
{
    unsigned copies = place->also != 0 ? 2 : 1, blank = 0;
    rot_err found = ROT_E_EMPTY;

    *ret = (struct content){.copy = 1};
    for (unsigned i = 0; i < copies; i++) {
        struct content c = {.area = area_of(place, i), .copy = i};
        rot_err rc = look(chip, &c.area, &c.sequence, &c.len);

        if (rc == ROT_E_EMPTY && c.len == 0)
            blank |= 1u << i;
        if (rc == ROT_E_EMPTY)
            continue;
        if (rc != ROT_OK)
            return rc;
        if (found == ROT_OK && (int32_t)(c.sequence - ret->sequence) < 0)
            continue;
        *ret = c;
        found = ROT_OK;
    }
    ret->blank = blank;
    return found;
}

static rot_err
find_any(struct rot_chip *chip, const struct rot_place *place, struct content *ret)
{
    if ((place->flags & ROT_PLACE_READ_ONLY) == 0)
        return find(chip, place, ret);
    *ret = (struct content){.area = area_of(place, 0)};
    return stsafe_leaf_size(chip, place->where, &ret->len);
}

rot_err
stsafe_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    struct content c;
    rot_err rc = find_any(chip, place, &c);

    if (rc == ROT_OK)
        *ret_size = c.len;
    return rc;
}

rot_err
stsafe_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                   uint8_t *buf, size_t cap, size_t *ret_len)
{
    struct content c;
    size_t n;
    rot_err rc = find_any(chip, place, &c);

    if (rc != ROT_OK)
        return rc;
    n = offset < c.len ? c.len - offset : 0;
    if (n > cap)
        n = cap;
    rc = read_bytes(chip, &c.area, offset, buf, n);
    if (rc == ROT_OK)
        *ret_len = n;
    return rc;
}

/* A place for a public key takes nothing else, and takes it whole. */
static rot_err
check_content(const struct rot_place *place, const uint8_t *buf, size_t len, size_t total)
{
    uint8_t point[STSAFE_POINT];
    enum rot_alg alg = ROT_ALG_NONE;

    if ((place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
        return ROT_OK;
    if (len != total || rot_spki_to_point(buf, len, point, &alg) != ROT_OK ||
        alg != (enum rot_alg)place->alg)
        return ROT_E_FORMAT;
    return ROT_OK;
}

static rot_err
begin_write(struct rot_chip *chip, const struct rot_place *place, size_t total)
{
    struct stsafe_state *s = stsafe_of(chip);
    struct content old;
    struct area to;
    rot_err rc = find(chip, place, &old);

    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    s->pending_copy = place->also != 0 && old.copy == 0;
    s->pending_sequence = old.sequence + 1;
    to = area_of(place, s->pending_copy);
    rc = (old.blank >> s->pending_copy & 1u) != 0 ? ROT_OK : invalidate(chip, &to);
    if (rc != ROT_OK)
        return rc;
    s->pending = place;
    s->pending_total = total;
    s->pending_filled = 0;
    return ROT_OK;
}

static rot_err
write_piece(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len)
{
    struct stsafe_state *s = stsafe_of(chip);
    const struct area to = area_of(place, s->pending_copy);
    rot_err rc = write_bytes(chip, &to, s->pending_filled, buf, len);

    s->pending_filled += len;
    if (rc == ROT_OK && s->pending_filled == s->pending_total)
        rc = complete(chip, &to, s->pending_sequence, s->pending_total);
    if (rc != ROT_OK || s->pending_filled == s->pending_total)
        s->pending = NULL;
    return rc;
}

rot_err
stsafe_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                    const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = check_content(place, buf, len, total);

    if (rc != ROT_OK)
        return rc;
    if (offset == 0) {
        s->pending = NULL;
        rc = begin_write(chip, place, total);
    } else if (s->pending != place || s->pending_total != total || s->pending_filled != offset) {
        rc = ROT_E_ARG;
    }
    if (rc == ROT_OK)
        rc = write_piece(chip, place, buf, len);
    if (rc == ROT_E_SPACE)
        *ret_need = total;
    return rc;
}

/* ---- Counters ------------------------------------------------------------------------------------ */

/*
 * The part's counters go down and stop at zero.  Ours go up: what is told is how
 * far the part's is from the largest value that it could have, so it begins where
 * the vendor set it, and never depends on what the host remembers.
 */
static uint64_t
upwards(uint32_t counter)
{
    return UINT32_MAX - counter;
}

rot_err
stsafe_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    struct stsafe_zone z;
    rot_err rc = stsafe_zone_find(chip, place->where, &z);

    if (rc == ROT_OK && !z.is_counter)
        rc = ROT_E_UNSUPPORTED;
    if (rc == ROT_OK)
        *ret_value = upwards(z.counter);
    return rc;
}

rot_err
stsafe_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    struct stsafe_reader r;
    uint32_t counter;
    rot_err rc;

    begin(chip, STSAFE_DECREMENT, 0, place->where, 0);
    stsafe_put_u32(chip, 1);
    rc = stsafe_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    counter = stsafe_get_int(&r, 4);
    rc = stsafe_get_end(&r);
    if (rc == ROT_OK)
        *ret_value = upwards(counter);
    return rc;
}
