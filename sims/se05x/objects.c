/*
 * objects.c: the part's objects, where their bytes are, and the one door to memory.
 *
 * The table has one row an object; policies and values stand in one pool without
 * gaps, in the order in which they were written.  Every change of memory is one
 * of the se05x_store_*() functions: one step of the chip, where power can go.
 * On the real part keys and objects change as a whole or not at all; only bytes
 * of a file are torn (uncertain.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

/* ---- Looking ----------------------------------------------------------------------------- */

struct se05x_object *
se05x_find(struct se05x_chip *c, uint32_t id)
{
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].id == id)
            return &c->objects[i];
    return NULL;
}

struct rs_bytes
se05x_policy(const struct se05x_chip *c, const struct se05x_object *o)
{
    return rs_bytes_of(c->pool + o->at, o->policy_len);
}

struct rs_bytes
se05x_value(const struct se05x_chip *c, const struct se05x_object *o)
{
    return rs_bytes_of(c->pool + o->at + o->policy_len, o->len);
}

int
se05x_is_ec(const struct se05x_object *o)
{
    return o->kind == SE05X_EC_PAIR || o->kind == SE05X_EC_PRIVATE || o->kind == SE05X_EC_PUBLIC;
}

struct rs_bytes
se05x_private(const struct se05x_chip *c, const struct se05x_object *o)
{
    struct rs_bytes value = se05x_value(c, o);

    if (o->kind != SE05X_EC_PAIR && o->kind != SE05X_EC_PRIVATE)
        return rs_bytes_of(NULL, 0);
    return rs_bytes_of(value.p, se05x_curve_find(o->curve)->size);
}

struct rs_bytes
se05x_public(const struct se05x_chip *c, const struct se05x_object *o)
{
    struct rs_bytes value = se05x_value(c, o);
    size_t skip = o->kind == SE05X_EC_PAIR ? se05x_curve_find(o->curve)->size : 0;

    if (o->kind != SE05X_EC_PAIR && o->kind != SE05X_EC_PUBLIC)
        return rs_bytes_of(NULL, 0);
    return rs_bytes_of(value.p + skip, value.len - skip);
}

/* Section 3.4: from applet 7.2 an EC key says its curve. */
uint8_t
se05x_type(const struct se05x_chip *c, const struct se05x_object *o)
{
    static const uint8_t types[] = {
        [SE05X_EC_PAIR] = 0x01, [SE05X_EC_PRIVATE] = 0x02, [SE05X_EC_PUBLIC] = 0x03,
        [SE05X_AES] = 0x09,     [SE05X_BINARY] = 0x0B,     [SE05X_USER_ID] = 0x0C,
        [SE05X_COUNTER] = 0x0D, [SE05X_PCR] = 0x0F,        [SE05X_HMAC] = 0x11,
    };

    if (c->gen->newer && se05x_is_ec(o))
        return (uint8_t)(se05x_curve_find(o->curve)->pair_type + (int)o->kind - SE05X_EC_PAIR);
    return types[o->kind];
}

/* ---- Room ---------------------------------------------------------------------------------- */

static uint32_t
cost(const struct se05x_object *o)
{
    return SE05X_U_HEADER_COST + o->policy_len + (o->transient ? 0 : o->len);
}

uint32_t
se05x_free_persistent(const struct se05x_chip *c)
{
    uint32_t used = 0;

    SE05X_U_SE050_NVM_NOTED;
    SE05X_U_SE051_NVM_NOTED;
    for (size_t i = 0; i < c->object_count; i++)
        used += cost(&c->objects[i]);
    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        used += c->crypto[i].context != SE05X_CONTEXT_NONE ? SE05X_U_HEADER_COST : 0;
    return used < c->gen->nvm ? c->gen->nvm - used : 0;
}

uint32_t
se05x_free_transient(const struct se05x_chip *c)
{
    uint32_t used = 0;

    for (size_t i = 0; i < c->object_count; i++)
        used += c->objects[i].transient ? c->objects[i].len : 0;
    return used < SE05X_U_TRANSIENT ? SE05X_U_TRANSIENT - used : 0;
}

/* old NULL: a new one. */
static int
has_room(const struct se05x_chip *c, const struct se05x_object *old,
         const struct se05x_object *fresh)
{
    uint32_t persistent = se05x_free_persistent(c), transient = se05x_free_transient(c);

    if (old != NULL) {
        persistent += cost(old);
        transient += old->transient ? old->len : 0;
    }
    return (old != NULL || c->object_count < SE05X_OBJECTS_MAX) && cost(fresh) <= persistent &&
           (!fresh->transient || fresh->len <= transient);
}

/* ---- Changing -------------------------------------------------------------------------------- */

/* A write that happens as a whole: does it reach the memory? */
static int
reaches(const struct se05x_chip *c, size_t len)
{
    return c->tear_after == INT_MAX || (c->tear_after >= 0 && (size_t)c->tear_after >= len);
}

static unsigned
stored(struct se05x_chip *c)
{
    c->host->stored(c->host->self);
    return c->tear_after == INT_MAX ? SE05X_OK : SE05X_LOST;
}

void
se05x_remove(struct se05x_chip *c, struct se05x_object *o)
{
    size_t len = o->policy_len + o->len, at = o->at, index = (size_t)(o - c->objects);

    rs_wipe(c->pool + at, len);
    memmove(c->pool + at, c->pool + at + len, c->pool_used - at - len);
    c->pool_used -= len;
    c->object_count--;
    memmove(o, o + 1, (c->object_count - index) * sizeof(*o));
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].at > at)
            c->objects[i].at -= (uint32_t)len;
}

static void
insert(struct se05x_chip *c, size_t index, const struct se05x_object *o, struct rs_bytes policy,
       struct rs_bytes value)
{
    struct se05x_object *row = &c->objects[index];

    memmove(row + 1, row, (c->object_count - index) * sizeof(*row));
    *row = *o;
    row->at = (uint32_t)c->pool_used;
    if (policy.len > 0)
        memcpy(c->pool + c->pool_used, policy.p, policy.len);
    c->pool_used += policy.len;
    if (value.p != NULL && value.len > 0)
        memcpy(c->pool + c->pool_used, value.p, value.len);
    else
        memset(c->pool + c->pool_used, 0, value.len);
    c->pool_used += value.len;
    c->object_count++;
}

unsigned
se05x_store_object(struct se05x_chip *c, const struct se05x_object *o, struct rs_bytes policy,
                   struct rs_bytes value)
{
    struct se05x_object fresh = *o, *old = se05x_find(c, o->id);
    size_t index = old != NULL ? (size_t)(old - c->objects) : c->object_count;
    int in_ram = old != NULL && fresh.transient;

    fresh.policy_len = (uint16_t)policy.len;
    fresh.len = (uint32_t)value.len;
    fresh.set = 1;
    if (!has_room(c, old, &fresh))
        return SE05X_E_NO_MEMORY;
    se05x_take(c, SE05X_U_TIME_BYTE_US * value.len);
    if (!in_ram && !reaches(c, policy.len + value.len))
        return stored(c);
    if (old != NULL)
        se05x_remove(c, old);
    insert(c, index, &fresh, policy, value);
    return in_ram ? (unsigned)SE05X_OK : stored(c);
}

unsigned
se05x_store_file(struct se05x_chip *c, const struct se05x_object *o, struct rs_bytes policy,
                 size_t size, size_t offset, struct rs_bytes bytes)
{
    const struct rs_bytes zeros = {NULL, size};
    struct se05x_object fresh = *o;
    unsigned sw;

    if (bytes.len == 0)
        return se05x_store_object(c, o, policy, zeros);
    fresh.policy_len = (uint16_t)policy.len;
    fresh.len = (uint32_t)size;
    if (!has_room(c, NULL, &fresh))
        return SE05X_E_NO_MEMORY;
    insert(c, c->object_count, &fresh, policy, zeros);
    sw = se05x_store_part(c, &c->objects[c->object_count - 1], offset, bytes);
    return fresh.transient ? stored(c) : sw;
}

unsigned
se05x_store_value(struct se05x_chip *c, const struct se05x_object *o, struct rs_bytes value)
{
    uint8_t policy[SE05X_POLICY_MAX];
    struct se05x_object same = *o;
    size_t len = o->policy_len;

    memcpy(policy, c->pool + o->at, len);
    return se05x_store_object(c, &same, rs_bytes_of(policy, len), value);
}

unsigned
se05x_store_part(struct se05x_chip *c, struct se05x_object *o, size_t offset, struct rs_bytes bytes)
{
    size_t through = bytes.len;

    se05x_take(c, SE05X_U_TIME_BYTE_US * bytes.len);
    if (!o->transient && c->tear_after != INT_MAX)
        through = c->tear_after < 0 ? bytes.len / 2 : (size_t)c->tear_after;
    if (through > bytes.len)
        through = bytes.len;
    memcpy(c->pool + o->at + o->policy_len + offset, bytes.p, through);
    o->set = 1;
    return o->transient ? (unsigned)SE05X_OK : stored(c);
}

unsigned
se05x_store_delete(struct se05x_chip *c, struct se05x_object *o)
{
    if (reaches(c, cost(o)))
        se05x_remove(c, o);
    return stored(c);
}

unsigned
se05x_store_delete_list(struct se05x_chip *c, struct se05x_object *const *list, size_t count)
{
    size_t through = count;

    if (c->tear_after != INT_MAX)
        through = c->tear_after < 0 ? count / 2 : (size_t)c->tear_after;
    /* From the end, so that the rows before stay where they are. */
    for (size_t i = 0; i < through && i < count; i++)
        se05x_remove(c, list[count - 1 - i]);
    return stored(c);
}

unsigned
se05x_store_field(struct se05x_chip *c, void *at, const void *bytes, size_t len)
{
    if (reaches(c, len))
        memcpy(at, bytes, len);
    return stored(c);
}

void
se05x_forget_transient(struct se05x_chip *c)
{
    for (size_t i = 0; i < c->object_count; i++) {
        struct se05x_object *o = &c->objects[i];

        if (o->transient && o->set) {
            rs_wipe(c->pool + o->at + o->policy_len, o->len);
            o->set = 0;
        }
    }
}
