/*
 * format.c: the form that the records of a key store have in the file.
 *
 * The plain content (encrypted by file.c), numbers big-endian:
 *
 *   version u16 = 1 | uid 16 bytes | sealed u32 | count u16 | records
 *   record: object u16 | part u8 | alg u8 | flags u8 | len u32 | bytes
 *
 * Records are sorted by object and part, each pair at most once, and nothing
 * follows the last: a store has one form, and every other is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

#define VERSION         1u
#define HEAD_LEN        (2u + SOFT_UID_LEN + 4u + 2u)
#define RECORD_HEAD_LEN 9u
#define SEALED_KNOWN    (1u << ROT_STAGE_DATA)

/* Bytes that an off-by-one, planted to prove the fuzz target, looks too far. */
#ifdef RS_PLANTED_BUG_rot_soft
#define SLACK 1u
#else
#define SLACK 0u
#endif

static uint8_t *
put_be(uint8_t *p, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    return p + bytes;
}

size_t
soft_store_size(const struct soft_store *s)
{
    size_t size = HEAD_LEN;

    for (size_t i = 0; i < s->count; i++)
        size += RECORD_HEAD_LEN + s->records[i].len;
    return size;
}

void
soft_store_write(const struct soft_store *s, uint8_t *out)
{
    uint8_t *p = put_be(out, VERSION, 2);

    memcpy(p, s->uid, SOFT_UID_LEN);
    p = put_be(p + SOFT_UID_LEN, s->sealed, 4);
    p = put_be(p, (uint32_t)s->count, 2);
    for (size_t i = 0; i < s->count; i++) {
        const struct soft_record *r = &s->records[i];

        p = put_be(p, r->object, 2);
        *p++ = r->part;
        *p++ = r->alg;
        *p++ = r->flags;
        p = put_be(p, r->len, 4);
        memcpy(p, r->data, r->len);
        p += r->len;
    }
}

/* A cursor that never passes the end. */
struct reader {
    const uint8_t *p;
    size_t left;
};

static int
take_be(struct reader *r, unsigned bytes, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (r->left < bytes)
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | r->p[i];
    r->p += bytes;
    r->left -= bytes;
    *ret_value = value;
    return 1;
}

static int
take_bytes(struct reader *r, uint8_t *out, size_t len)
{
    if (r->left < len)
        return 0;
    if (len != 0)
        memcpy(out, r->p, len);
    r->p += len;
    r->left -= len;
    return 1;
}

/* The sizes that a key record has; data of other parts may be anything. */
static int
is_len_right(const struct soft_record *r)
{
    enum rot_alg alg = (enum rot_alg)r->alg;
    size_t point = rot_alg_point_size(alg);

    if (r->part != ROT_PART_KEY)
        return ROT_OBJECT_KIND(r->object) != ROT_KIND_COUNTER || r->len == 8;
    if (rot_alg_secret_size(alg) != 0)
        return r->len == rot_alg_secret_size(alg);
    if (alg == ROT_ALG_ED25519 || alg == ROT_ALG_X25519)
        return r->len == 2 * point;
    return (alg == ROT_ALG_P256 || alg == ROT_ALG_P384) && r->len == point / 2 + point;
}

static int
take_record(struct reader *in, struct soft_store *s)
{
    struct soft_record r = {0};
    uint32_t object, part, alg, flags, len;

    if (!take_be(in, 2, &object) || !take_be(in, 1, &part) || !take_be(in, 1, &alg) ||
        !take_be(in, 1, &flags) || !take_be(in, 4, &len))
        return 0;
    r.object = (rot_object)object;
    r.part = (uint8_t)part;
    r.alg = (uint8_t)alg;
    r.flags = (uint8_t)flags;
    r.len = len;
    if (part < ROT_PART_KEY || part > ROT_PART_DATA || (flags & ~SOFT_LOCKED) != 0 ||
        len > SOFT_RECORD_MAX || len > in->left + SLACK || !is_len_right(&r))
        return 0;
    if (s->count != 0) {
        const struct soft_record *last = &s->records[s->count - 1];

        if (soft_record_order(last->object, last->part) >= soft_record_order(r.object, r.part))
            return 0;
    }
    r.data = malloc(len != 0 ? len : 1);
    if (r.data == NULL)
        return 0;
    (void)take_bytes(in, r.data, len); /* len <= left: checked above */
    s->records[s->count++] = r;
    return 1;
}

rot_err
soft_store_read(const uint8_t *p, size_t len, struct soft_store *ret_store)
{
    struct reader in = {p, len};
    uint32_t version, count;

    memset(ret_store, 0, sizeof(*ret_store));
    if (!take_be(&in, 2, &version) || version != VERSION ||
        !take_bytes(&in, ret_store->uid, SOFT_UID_LEN) || !take_be(&in, 4, &ret_store->sealed) ||
        (ret_store->sealed & ~SEALED_KNOWN) != 0 || !take_be(&in, 2, &count) ||
        count > SOFT_RECORDS_MAX)
        goto refuse;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_record(&in, ret_store))
            goto refuse;
    }
    if (in.left != 0)
        goto refuse;
    return ROT_OK;
refuse:
    soft_store_clear(ret_store);
    return ROT_E_FORMAT;
}
