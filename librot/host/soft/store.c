/*
 * store.c: the records of a key store in memory.
 *
 * Sorted by object, then part, so that a store has one form when it is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#include <stdlib.h>
#include <string.h>

static void
drop(struct soft_record *r)
{
    rot_wipe_memory(r->data, r->len);
    free(r->data);
    *r = (struct soft_record){0};
}

void
soft_store_clear(struct soft_store *s)
{
    for (size_t i = 0; i < s->count; i++)
        drop(&s->records[i]);
    memset(s, 0, sizeof(*s));
}

unsigned
soft_record_order(rot_object object, unsigned part)
{
    return (unsigned)object << 8 | part;
}

struct soft_record *
soft_store_find(struct soft_store *s, rot_object object, unsigned part)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->records[i].object == object && s->records[i].part == part)
            return &s->records[i];
    }
    return NULL;
}

static struct soft_record *
insert(struct soft_store *s, rot_object object, unsigned part)
{
    size_t i = 0;

    while (i < s->count && soft_record_order(s->records[i].object, s->records[i].part) <
                               soft_record_order(object, part))
        i++;
    memmove(&s->records[i + 1], &s->records[i], (s->count - i) * sizeof(s->records[0]));
    s->count++;
    s->records[i] = (struct soft_record){.object = object, .part = (uint8_t)part};
    return &s->records[i];
}

rot_err
soft_store_put(struct soft_store *s, const struct rot_place *place, const uint8_t *data, size_t len)
{
    struct soft_record *r = soft_store_find(s, place->object, place->part);
    uint8_t *copy;

    if (len > SOFT_RECORD_MAX || (r == NULL && s->count == SOFT_RECORDS_MAX))
        return ROT_E_SPACE;
    copy = malloc(len != 0 ? len : 1);
    if (copy == NULL)
        return ROT_E_PORT;
    if (len != 0)
        memcpy(copy, data, len);
    if (r == NULL) {
        r = insert(s, place->object, place->part);
    } else {
        rot_wipe_memory(r->data, r->len);
        free(r->data);
    }
    r->alg = place->alg;
    r->data = copy;
    r->len = (uint32_t)len;
    return ROT_OK;
}

void
soft_store_remove(struct soft_store *s, struct soft_record *r)
{
    size_t i = (size_t)(r - s->records);

    drop(r);
    memmove(r, r + 1, (s->count - i - 1) * sizeof(*r));
    s->count--;
    s->records[s->count] = (struct soft_record){0};
}
