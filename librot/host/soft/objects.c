/*
 * objects.c: stored bytes and counters of the soft driver.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

rot_err
soft_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    struct soft *s = soft_of(chip);
    const struct soft_record *r;

    if (s == NULL)
        return ROT_E_BUS;
    r = soft_store_find(&s->store, place->object, place->part);
    if (r == NULL)
        return ROT_E_EMPTY;
    *ret_size = r->len;
    return ROT_OK;
}

rot_err
soft_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                 size_t cap, size_t *ret_len)
{
    struct soft *s = soft_of(chip);
    const struct soft_record *r;
    size_t n;

    if (s == NULL)
        return ROT_E_BUS;
    r = soft_store_find(&s->store, place->object, place->part);
    if (r == NULL)
        return ROT_E_EMPTY;
    n = offset < r->len ? r->len - offset : 0;
    if (n > cap)
        n = cap;
    if (n != 0)
        memcpy(buf, r->data + offset, n);
    *ret_len = n;
    return ROT_OK;
}

void
soft_drop_pending(struct soft *s)
{
    if (s->pending.data != NULL)
        rot_wipe_memory(s->pending.data, s->pending.total);
    free(s->pending.data);
    s->pending = (struct soft_pending){.place = NULL};
}

/* Take the next piece.  Pieces of another object, or out of order, start nothing and end nothing. */
static rot_err
take_piece(struct soft *s, const struct rot_place *place, size_t offset, const uint8_t *buf,
           size_t len, size_t total)
{
    struct soft_pending *p = &s->pending;

    if (offset == 0) {
        soft_drop_pending(s);
        p->data = malloc(total);
        if (p->data == NULL)
            return ROT_E_PORT;
        p->place = place;
        p->total = total;
    }
    if (p->place != place || p->total != total || p->filled != offset)
        return ROT_E_ARG;
    memcpy(p->data + offset, buf, len);
    p->filled += len;
    return ROT_OK;
}

/* A place for a public key takes nothing else. */
static rot_err
check_content(const struct rot_place *place, const uint8_t *data, size_t len)
{
    uint8_t point[96];
    enum rot_alg alg = ROT_ALG_NONE;

    if ((place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
        return ROT_OK;
    if (rot_spki_to_point(data, len, point, &alg) != ROT_OK || alg != (enum rot_alg)place->alg)
        return ROT_E_FORMAT;
    return ROT_OK;
}

rot_err
soft_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                  const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    struct soft *s = soft_of(chip);
    rot_err rc;

    (void)ret_need; /* the core has checked the place's size */
    if (s == NULL)
        return ROT_E_BUS;
    rc = soft_check_open_place(s, place);
    if (rc == ROT_OK)
        rc = take_piece(s, place, offset, buf, len, total);
    if (rc != ROT_OK || s->pending.filled < total)
        return rc;
    rc = check_content(place, s->pending.data, total);
    if (rc == ROT_OK)
        rc = soft_store_put(&s->store, place, s->pending.data, total);
    soft_drop_pending(s);
    return rc == ROT_OK ? soft_commit(chip) : rc;
}

static uint64_t
counter_value(struct soft *s, const struct rot_place *place)
{
    const struct soft_record *r = soft_store_find(&s->store, place->object, place->part);
    uint64_t value = 0;

    for (size_t i = 0; r != NULL && i < r->len; i++)
        value = value << 8 | r->data[i];
    return value;
}

rot_err
soft_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    struct soft *s = soft_of(chip);

    if (s == NULL)
        return ROT_E_BUS;
    *ret_value = counter_value(s, place);
    return ROT_OK;
}

rot_err
soft_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    struct soft *s = soft_of(chip);
    uint8_t bytes[8];
    uint64_t value;
    rot_err rc;

    if (s == NULL)
        return ROT_E_BUS;
    value = counter_value(s, place);
    if (value == UINT64_MAX)
        return ROT_E_STATE;
    value++;
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * (7 - i)));
    rc = soft_store_put(&s->store, place, bytes, sizeof(bytes));
    if (rc == ROT_OK)
        rc = soft_commit(chip);
    if (rc == ROT_OK)
        *ret_value = value;
    return rc;
}
