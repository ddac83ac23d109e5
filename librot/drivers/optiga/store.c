/*
 * store.c: bytes and counters in data objects.
 *
 * A part does not write an object in one step, and has one place for each.  So
 * an object that is being written is empty from the first step to the last, and
 * whole or empty wherever power fails:
 *
 *   1  one zero byte, erasing what was there
 *   2  the bytes from the second on, each piece read back and compared
 *   3  unless the content tells its length: "S", its first byte, the length (2 bytes)
 *   4  the first byte, or an "R" when step 3 has it
 *
 * The first byte goes first and comes last, because large objects are not
 * erased in one step either (SRM, notes to the objects).
 *
 * Content that is one DER element from the first byte to the last (X.690 8.1.3)
 * tells its length: it stands there bare, as the part's own commands want
 * certificates, and its first byte is what completes it.  Whoever must not lose
 * the old content before the new one is there has two objects for it: that is
 * what ldevid/0 and ldevid/1 are for.
 *
 * The vendor's certificate is bare, or a TLS identity: C0, length (2), length of
 * the list (3), length of the first certificate (3), that certificate (SRM,
 * certificate formats).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define HEAD           16u
#define TLS_IDENTITY   0xc0u
#define AT_CERTIFICATE 9u
#define WHOLE          'R'
#define TRAILER        'S'

/* ---- Objects ------------------------------------------------------------------------ */

rot_err
optiga_get_meta(struct rot_chip *chip, unsigned oid, struct optiga_meta *ret_meta)
{
    struct rot_bytes out;
    rot_err rc;

    optiga_put_u16(optiga_begin(chip, OPTIGA_GET, OPTIGA_META), oid);
    rc = optiga_run(chip, &out);
    return rc == ROT_OK ? optiga_meta_read(out, ret_meta) : rc;
}

rot_err
optiga_get_piece(struct rot_chip *chip, unsigned oid, size_t offset, size_t len,
                 struct rot_bytes *ret_piece)
{
    struct optiga_apdu *a = optiga_begin(chip, OPTIGA_GET, OPTIGA_DATA);
    rot_err rc;

    optiga_put_u16(a, oid);
    optiga_put_u16(a, (unsigned)offset);
    optiga_put_u16(a, (unsigned)len);
    rc = optiga_run(chip, ret_piece);
    return rc == ROT_OK && ret_piece->len != len ? ROT_E_FORMAT : rc;
}

rot_err
optiga_get(struct rot_chip *chip, unsigned oid, size_t offset, uint8_t *buf, size_t len)
{
    while (len != 0) {
        size_t n = len < OPTIGA_CHUNK ? len : OPTIGA_CHUNK;
        struct rot_bytes piece;
        rot_err rc = optiga_get_piece(chip, oid, offset, n, &piece);

        if (rc != ROT_OK)
            return rc;
        memcpy(buf, piece.p, n);
        offset += n;
        buf += n;
        len -= n;
    }
    return ROT_OK;
}

rot_err
optiga_set(struct rot_chip *chip, unsigned param, unsigned oid, size_t offset, const uint8_t *p,
           size_t len)
{
    struct optiga_apdu *a = optiga_begin(chip, OPTIGA_SET, param);

    optiga_put_u16(a, oid);
    optiga_put_u16(a, (unsigned)offset);
    optiga_put(a, p, len);
    return optiga_run_plain(chip);
}

rot_err
optiga_check_change(struct rot_chip *chip, unsigned oid)
{
    struct optiga_meta meta;
    rot_err rc = optiga_get_meta(chip, oid, &meta);

    return rc == ROT_OK ? optiga_meta_allows(&meta, meta.change, optiga_of(chip)->secret_len != 0)
                        : rc;
}

/* ---- Where the bytes are ----------------------------------------------------------------- */

/* Bytes of the SEQUENCE that begins here; 0: it is none. */
static size_t
der_size(const uint8_t *p, size_t len)
{
    if (len < OPTIGA_TRAILER || p[0] != 0x30)
        return 0;
    if (p[1] < 0x80)
        return 2u + p[1];
    if (p[1] == 0x81)
        return 3u + p[2];
    return p[1] == 0x82 ? 4u + ((size_t)p[2] << 8 | p[3]) : 0;
}

static rot_err
find_vendor(struct rot_bytes head, size_t used, struct optiga_content *c)
{
    size_t start, len;

    if (head.len < HEAD || head.p[0] == 0)
        return ROT_E_EMPTY;
    start = head.p[0] == TLS_IDENTITY ? AT_CERTIFICATE : 0;
    len = der_size(head.p + start, HEAD - start);
    if (len == 0 || len > used || start > used - len)
        return ROT_E_FORMAT;
    c->start = (uint16_t)start;
    c->len = (uint16_t)len;
    c->first = head.p[start];
    return ROT_OK;
}

static rot_err
find_own(struct rot_chip *chip, struct rot_bytes head, size_t used, struct optiga_content *c)
{
    const uint8_t *p = head.p;
    struct rot_bytes t;
    rot_err rc;

    c->start = 0;
    c->len = (uint16_t)used;
    c->first = p[0];
    if (der_size(p, head.len) == used)
        return ROT_OK;
    if (used <= OPTIGA_TRAILER || p[0] != WHOLE)
        return ROT_E_EMPTY;
    c->len = (uint16_t)(used - OPTIGA_TRAILER);
    rc = optiga_get_piece(chip, c->oid, c->len, OPTIGA_TRAILER, &t);
    if (rc != ROT_OK)
        return rc;
    c->first = t.p[1];
    return t.p[0] == TRAILER && ((unsigned)t.p[2] << 8 | t.p[3]) == c->len ? ROT_OK : ROT_E_EMPTY;
}

static uint32_t
load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* SRM, counters: value (4), threshold (4). */
static rot_err
read_counter(struct rot_chip *chip, unsigned oid, uint32_t *ret_value, uint32_t *ret_threshold)
{
    struct rot_bytes b;
    rot_err rc = optiga_get_piece(chip, oid, 0, 8, &b);

    if (rc != ROT_OK)
        return rc;
    *ret_value = load_u32(b.p);
    *ret_threshold = load_u32(b.p + OPTIGA_AT_THRESHOLD);
    return ROT_OK;
}

/* What a counter counts to: four bytes as they are; 0 is what a new part has there. */
static rot_err
find_limit(struct rot_chip *chip, const struct rot_place *place, struct optiga_content *ret_content)
{
    uint32_t value, limit = 0;
    rot_err rc = read_counter(chip, place->where, &value, &limit);

    if (rc == ROT_OK && limit == 0)
        rc = ROT_E_EMPTY;
    if (rc == ROT_OK)
        *ret_content = (struct optiga_content){(uint16_t)place->where, place->offset, place->size,
                                               (uint8_t)(limit >> 24)};
    return rc;
}

/* Bytes in use; ROT_E_AUTH in *ret_denied when who has no channel may not read them. */
static rot_err
find_used(struct rot_chip *chip, unsigned oid, size_t *ret_used, rot_err *ret_denied)
{
    struct optiga_meta meta;
    rot_err rc = optiga_get_meta(chip, oid, &meta);

    if (rc != ROT_OK)
        return rc;
    *ret_used = meta.used;
    *ret_denied = optiga_meta_allows(&meta, meta.read, optiga_of(chip)->secret_len != 0);
    return ROT_OK;
}

static rot_err
find(struct rot_chip *chip, unsigned oid, int is_vendor, struct optiga_content *ret_content)
{
    struct rot_bytes head;
    size_t used = 0;
    rot_err denied = ROT_OK, rc = find_used(chip, oid, &used, &denied);

    if (rc == ROT_OK && used == 0)
        rc = ROT_E_EMPTY;
    if (rc != ROT_OK)
        return rc;
    rc = optiga_get_piece(chip, oid, 0, used < HEAD ? used : HEAD, &head);
    if (rc == ROT_E_STATE && denied == ROT_E_AUTH)
        rc = ROT_E_AUTH;
    if (rc != ROT_OK)
        return rc;
    ret_content->oid = (uint16_t)oid;
    return is_vendor ? find_vendor(head, used, ret_content)
                     : find_own(chip, head, used, ret_content);
}

rot_err
optiga_find(struct rot_chip *chip, const struct rot_place *place,
            struct optiga_content *ret_content)
{
    if (place->offset == OPTIGA_AT_THRESHOLD)
        return find_limit(chip, place, ret_content);
    return find(chip, place->where, (place->flags & ROT_PLACE_READ_ONLY) != 0, ret_content);
}

rot_err
optiga_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    struct optiga_content c;
    rot_err rc = optiga_find(chip, place, &c);

    if (rc == ROT_OK)
        *ret_size = c.len;
    return rc;
}

rot_err
optiga_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                   uint8_t *buf, size_t cap, size_t *ret_len)
{
    struct optiga_content c;
    size_t n;
    rot_err rc = optiga_find(chip, place, &c);

    if (rc != ROT_OK)
        return rc;
    n = offset < c.len ? c.len - offset : 0;
    if (n > cap)
        n = cap;
    rc = optiga_get(chip, c.oid, c.start + offset, buf, n);
    if (rc != ROT_OK)
        return rc;
    if (offset == 0 && n != 0)
        buf[0] = c.first;
    *ret_len = n;
    return ROT_OK;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* What is refused is as it was; who has no channel may hear that he lacks it. */
rot_err
optiga_clear(struct rot_chip *chip, unsigned oid)
{
    static const uint8_t nothing = 0;
    rot_err rc = optiga_set(chip, OPTIGA_ERASE, oid, 0, &nothing, 1), why;
    uint32_t status = chip->raw_status;

    if (rc == ROT_OK || rc == ROT_E_BUS)
        return rc;
    why = optiga_check_change(chip, oid);
    chip->raw_status = status;
    return why == ROT_OK ? rc : why;
}

static rot_err
set_and_compare(struct rot_chip *chip, unsigned oid, size_t offset, const uint8_t *p, size_t len)
{
    while (len != 0) {
        size_t n = len < OPTIGA_CHUNK ? len : OPTIGA_CHUNK;
        struct rot_bytes back;
        rot_err rc = optiga_set(chip, OPTIGA_DATA, oid, offset, p, n);

        if (rc == ROT_OK)
            rc = optiga_get_piece(chip, oid, offset, n, &back);
        if (rc != ROT_OK)
            return rc;
        if (memcmp(back.p, p, n) != 0)
            return ROT_E_MISMATCH;
        offset += n;
        p += n;
        len -= n;
    }
    return ROT_OK;
}

/* Steps 3 and 4, and all of it is found. */
static rot_err
complete(struct rot_chip *chip, const struct optiga_pending *w)
{
    static const uint8_t whole = WHOLE;
    const uint8_t trailer[OPTIGA_TRAILER] = {TRAILER, w->first, (uint8_t)(w->total >> 8),
                                             (uint8_t)w->total};
    struct optiga_content c;
    rot_err rc = ROT_OK;

    if (!w->is_bare)
        rc = set_and_compare(chip, w->oid, w->total, trailer, sizeof(trailer));
    if (rc == ROT_OK)
        rc = optiga_set(chip, OPTIGA_DATA, w->oid, 0, w->is_bare ? &w->first : &whole, 1);
    if (rc == ROT_OK)
        rc = find(chip, w->oid, 0, &c);
    if (rc == ROT_E_EMPTY || (rc == ROT_OK && (c.len != w->total || c.first != w->first)))
        return ROT_E_MISMATCH;
    return rc;
}

/* The next piece of what is being written; the caller has looked that it fits. */
static rot_err
write_piece(struct rot_chip *chip, struct optiga_pending *w, const uint8_t *p, size_t len)
{
    size_t skip = w->filled == 0 ? 1 : 0;
    rot_err rc = set_and_compare(chip, w->oid, w->filled + skip, p + skip, len - skip);

    w->filled = (uint16_t)(w->filled + len);
    return rc == ROT_OK && w->filled == w->total ? complete(chip, w) : rc;
}

rot_err
optiga_keep(struct rot_chip *chip, unsigned oid, const uint8_t *p, size_t len)
{
    struct optiga_pending w = {NULL, (uint16_t)oid, (uint16_t)len, 0, p[0], 1};

    return write_piece(chip, &w, p, len);
}

/* A place for a public key takes nothing else, and takes it whole. */
static rot_err
check_content(const struct rot_place *place, const uint8_t *buf, size_t len, size_t total)
{
    struct rot_bytes bits;
    enum rot_alg alg = ROT_ALG_NONE;

    if ((place->flags & ROT_PLACE_PUBLIC_KEY) != 0)
        return len == total &&
                       optiga_bit_string((struct rot_bytes){buf, len}, &alg, &bits) == ROT_OK &&
                       alg == (enum rot_alg)place->alg
                   ? ROT_OK
                   : ROT_E_FORMAT;
    /* Its form is told by four bytes. */
    return len < OPTIGA_TRAILER && len < total ? ROT_E_UNSUPPORTED : ROT_OK;
}

static rot_err
begin_write(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len,
            size_t total)
{
    struct optiga_state *s = optiga_of(chip);
    rot_err rc = check_content(place, buf, len, total);

    if (rc == ROT_OK)
        rc = optiga_clear(chip, place->where);
    if (rc == ROT_OK)
        s->pending = (struct optiga_pending){place,  (uint16_t)place->where,     (uint16_t)total, 0,
                                             buf[0], der_size(buf, len) == total};
    return rc;
}

static rot_err
write_limit(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len)
{
    rot_err rc = len == place->size ? optiga_check_change(chip, place->where) : ROT_E_FORMAT;

    return rc == ROT_OK ? set_and_compare(chip, place->where, place->offset, buf, len) : rc;
}

rot_err
optiga_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                    const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    struct optiga_pending w;
    rot_err rc;

    (void)ret_need; /* the core has looked at the size */
    if (place->offset == OPTIGA_AT_THRESHOLD)
        return write_limit(chip, place, buf, len);
    if (offset == 0) {
        optiga_of(chip)->pending.place = NULL;
        rc = begin_write(chip, place, buf, len, total);
        if (rc != ROT_OK)
            return rc;
    }
    w = optiga_of(chip)->pending;
    if (w.place != place || w.total != total || w.filled != offset)
        return ROT_E_ARG; /* pieces come in order, and one object after another */
    optiga_of(chip)->pending.place = NULL;
    rc = write_piece(chip, &w, buf, len);
    if (rc == ROT_OK && w.filled != total)
        optiga_of(chip)->pending = w;
    return rc;
}

/* ---- Counters -------------------------------------------------------------------------------- */

rot_err
optiga_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    uint32_t value = 0, threshold;
    rot_err rc = read_counter(chip, place->where, &value, &threshold);

    if (rc == ROT_OK)
        *ret_value = value;
    return rc;
}

/* Its value; a counter without threshold counts to nothing, and gets the last one there is. */
static rot_err
ready_counter(struct rot_chip *chip, unsigned oid, uint32_t *ret_value, uint32_t *ret_threshold)
{
    static const uint8_t last[4] = {OPTIGA_COUNTER_MAX, OPTIGA_COUNTER_MAX, OPTIGA_COUNTER_MAX,
                                    OPTIGA_COUNTER_MAX};
    rot_err rc = read_counter(chip, oid, ret_value, ret_threshold);

    if (rc != ROT_OK || *ret_threshold != 0)
        return rc;
    *ret_threshold = UINT32_MAX;
    return set_and_compare(chip, oid, OPTIGA_AT_THRESHOLD, last, sizeof(last));
}

rot_err
optiga_counter_set_up(struct rot_chip *chip, unsigned oid)
{
    uint32_t value, threshold;

    return ready_counter(chip, oid, &value, &threshold);
}

rot_err
optiga_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    static const uint8_t one = 1;
    uint32_t before = 0, after = 0, threshold = 0;
    rot_err rc = ready_counter(chip, place->where, &before, &threshold);

    if (rc == ROT_OK && before >= threshold)
        rc = ROT_E_STATE;
    if (rc == ROT_OK)
        rc = optiga_blame(chip, place->where, 0,
                          optiga_set(chip, OPTIGA_COUNT, place->where, 0, &one, 1));
    if (rc == ROT_OK)
        rc = read_counter(chip, place->where, &after, &threshold);
    if (rc != ROT_OK)
        return rc;
    if (after != before + 1)
        return ROT_E_MISMATCH;
    *ret_value = after;
    return ROT_OK;
}
