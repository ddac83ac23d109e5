/*
 * cmd_write.c: objects come into being and change.
 *
 * Every write starts the same way: the object is there, of the same kind and
 * with the right to change it; or it is not, and a new row is begun with
 * policy, owner and flags.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define PCR_SIZE    32
#define COUNTER_MAX 8
#define HMAC_MAX    256

enum {
    FLAG_TRANSIENT = 0x80,
    FLAG_AUTH = 0x40,
};

/* A write under way: fresh becomes the object. */
struct draft {
    struct se05x_object *old; /* NULL: new */
    struct se05x_object fresh;
    struct rs_bytes policy;
};

/* Applet and factory keep ids to themselves; of the applet's, credentials may be made. */
static int
id_is_free(uint32_t id, int auth)
{
    if (id < 0x7FFF0000u || (id >= 0x80000000u && id < 0xF0000000u))
        return 1;
    return auth &&
           (id == SE05X_ID_TRANSPORT || id == SE05X_ID_FEATURE || id == SE05X_ID_FACTORY_RESET ||
            id == SE05X_ID_PLATFORM_SCP || id == SE05X_ID_RESTRICT);
}

static unsigned
begin_new(const struct se05x_call *call, enum se05x_kind kind, uint32_t id, struct draft *d)
{
    int auth = (call->ins & FLAG_AUTH) != 0;
    uint32_t attempts = 0;

    if (call->c->restricted != 0)
        return SE05X_U_CREATION_OFF_SW;
    if (!id_is_free(id, auth))
        return SE05X_U_RESERVED_ID_SW;
    if (se05x_has(call, SE05X_AT_POLICY) && !se05x_policy_ok(call->arg[SE05X_AT_POLICY]))
        return SE05X_E_WRONG_DATA;
    if (se05x_has(call, SE05X_AT_MAX_ATTEMPTS) &&
        (!auth || !se05x_arg_number(call, SE05X_AT_MAX_ATTEMPTS, 2, &attempts)))
        return SE05X_E_WRONG_DATA;
    d->policy = call->arg[SE05X_AT_POLICY];
    d->fresh = (struct se05x_object){
        .id = id,
        .owner = call->session != NULL ? call->session->auth : 0,
        .kind = kind,
        .origin = SE05X_EXTERNAL,
        .transient = (call->ins & FLAG_TRANSIENT) != 0,
        .auth = auth != 0,
        .max_attempts = (uint16_t)attempts,
    };
    return SE05X_OK;
}

static unsigned
begin_old(const struct se05x_call *call, enum se05x_kind kind, struct draft *d)
{
    struct rs_bytes check = call->arg[SE05X_AT_POLICY_CHECK];

    if (call->c->restricted == SE05X_U_RESTRICT_ALL)
        return SE05X_U_CREATION_OFF_SW;
    if (d->old->kind != kind)
        return SE05X_E_CONDITIONS;
    if (check.p != NULL && !rs_bytes_equal(check, se05x_policy(call->c, d->old)))
        return SE05X_U_VERSION_SW;
    d->fresh = *d->old;
    return SE05X_OK;
}

static unsigned
begin(const struct se05x_call *call, enum se05x_kind kind, struct draft *d)
{
    uint32_t id, version;
    unsigned sw;

    memset(d, 0, sizeof(*d));
    if (!se05x_arg_number(call, SE05X_AT_T(1), 4, &id) || id == 0)
        return SE05X_E_WRONG_DATA;
    d->old = se05x_find(call->c, id);
    sw = d->old != NULL ? begin_old(call, kind, d) : begin_new(call, kind, id, d);
    if (sw != SE05X_OK || !se05x_has(call, SE05X_AT_T(11)))
        return sw;
    if (!se05x_arg_number(call, SE05X_AT_T(11), 4, &version))
        return SE05X_E_WRONG_DATA;
    if (version < d->fresh.version)
        return SE05X_U_VERSION_SW;
    d->fresh.version = version;
    return SE05X_OK;
}

/* The right to change an object that is there. */
static unsigned
may_change(const struct se05x_call *call, const struct draft *d, uint32_t right)
{
    return d->old == NULL ? (unsigned)SE05X_OK : se05x_may(call, d->old, right);
}

static unsigned
finish(struct se05x_call *call, const struct draft *d, struct rs_bytes value)
{
    return d->old == NULL ? se05x_store_object(call->c, &d->fresh, d->policy, value)
                          : se05x_store_value(call->c, &d->fresh, value);
}

/* ---- EC keys ---------------------------------------------------------------------------------- */

static unsigned
choose_curve(const struct se05x_call *call, struct draft *d, const struct se05x_curve **ret_curve)
{
    const struct se05x_curve *curve;
    uint32_t id = d->fresh.curve;

    if (d->old == NULL || se05x_has(call, SE05X_AT_T(2)))
        if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &id))
            return SE05X_E_WRONG_DATA;
    curve = se05x_curve_find(id);
    if (curve == NULL || (d->old != NULL && id != d->old->curve))
        return SE05X_E_WRONG_DATA;
    if (d->old == NULL && curve->kind == SE05X_WEIERSTRASS &&
        call->c->curves[se05x_curve_index(curve)] != SE05X_CURVE_WHOLE)
        return SE05X_U_CURVE_UNSET_SW;
    d->fresh.curve = (uint8_t)id;
    *ret_curve = curve;
    return SE05X_OK;
}

static unsigned
generate(struct se05x_call *call, struct draft *d, const struct se05x_curve *curve)
{
    uint8_t value[SE05X_SCALAR_MAX + SE05X_POINT_MAX];
    unsigned sw = may_change(call, d, SE05X_MAY_GENERATE);

    if (sw != SE05X_OK)
        return sw;
    se05x_take(call->c, SE05X_U_TIME_GENERATE_US);
    if (!se05x_key_generate(curve, call->c->host, value, value + curve->size))
        return SE05X_E_CONDITIONS;
    d->fresh.origin = SE05X_INTERNAL;
    sw = finish(call, d, rs_bytes_of(value, curve->size + se05x_point_size(curve)));
    rs_wipe(value, sizeof(value));
    return sw;
}

/* Does the private number belong to the point, where both are given? */
static int
key_fits(const struct se05x_curve *curve, struct rs_bytes key, struct rs_bytes point)
{
    uint8_t made[SE05X_POINT_MAX];

    if (key.p != NULL) {
        if (key.len != curve->size || !se05x_key_public(curve, key.p, made))
            return 0;
        return point.p == NULL || rs_bytes_equal(point, rs_bytes_of(made, se05x_point_size(curve)));
    }
    return se05x_point_ok(curve, point);
}

unsigned
se05x_do_write_ec(struct se05x_call *call)
{
    static const enum se05x_kind kinds[4] = {0, SE05X_EC_PUBLIC, SE05X_EC_PRIVATE, SE05X_EC_PAIR};
    enum se05x_kind kind = kinds[call->p1 >> 5 & 3];
    struct rs_bytes key = call->arg[SE05X_AT_T(3)], point = call->arg[SE05X_AT_T(4)];
    uint8_t value[SE05X_SCALAR_MAX + SE05X_POINT_MAX];
    const struct se05x_curve *curve = NULL;
    struct draft d;
    unsigned sw = begin(call, kind, &d);

    if (sw == SE05X_OK)
        sw = choose_curve(call, &d, &curve);
    if (sw != SE05X_OK || curve == NULL)
        return sw;
    if (kind == SE05X_EC_PAIR && key.p == NULL && point.p == NULL)
        return generate(call, &d, curve);
    if ((key.p != NULL) != (kind != SE05X_EC_PUBLIC) ||
        (point.p != NULL) != (kind != SE05X_EC_PRIVATE) || !key_fits(curve, key, point))
        return SE05X_E_WRONG_DATA;
    sw = may_change(call, &d, SE05X_MAY_WRITE);
    if (sw != SE05X_OK)
        return sw;
    if (key.p != NULL)
        memcpy(value, key.p, key.len);
    if (point.p != NULL)
        memcpy(value + key.len, point.p, point.len);
    d.fresh.origin = SE05X_EXTERNAL;
    sw = finish(call, &d, rs_bytes_of(value, key.len + point.len));
    rs_wipe(value, sizeof(value));
    return sw;
}

/* ---- AES and HMAC keys --------------------------------------------------------------------------- */

static int
length_fits(enum se05x_kind kind, size_t len)
{
    if (kind == SE05X_AES)
        return len == 16 || len == 24 || len == 32;
    return len > 0 && len <= HMAC_MAX;
}

/* The value of the command, out of its wrapping when a KEK is named. */
static unsigned
take_value(struct se05x_call *call, uint8_t room[HMAC_MAX], struct rs_bytes *ret_value)
{
    struct rs_bytes given = call->arg[SE05X_AT_T(3)];
    struct se05x_object *kek = NULL;
    size_t len;
    unsigned sw;

    if (given.p == NULL)
        return SE05X_E_WRONG_DATA;
    *ret_value = given;
    if (!se05x_has(call, SE05X_AT_T(2)))
        return SE05X_OK;
    sw = se05x_use_key(call, SE05X_AT_T(2), SE05X_MAY_WRAP, &kek);
    if (sw != SE05X_OK)
        return sw;
    if (kek->kind != SE05X_AES || given.len > HMAC_MAX)
        return SE05X_E_CONDITIONS;
    len = se05x_aes_unwrap(se05x_value(call->c, kek), given, room);
    *ret_value = rs_bytes_of(room, len);
    return len > 0 ? SE05X_OK : SE05X_U_UNWRAP_SW;
}

unsigned
se05x_do_write_symm(struct se05x_call *call)
{
    enum se05x_kind kind = call->p1 == 0x03 ? SE05X_AES : SE05X_HMAC;
    uint8_t room[HMAC_MAX + 16];
    struct rs_bytes value = {NULL, 0};
    uint32_t min_tag, min_derived;
    struct draft d;
    unsigned sw = begin(call, kind, &d);

    if (sw == SE05X_OK)
        sw = take_value(call, room, &value);
    if (sw != SE05X_OK)
        return sw;
    if (!length_fits(kind, value.len) ||
        (d.old != NULL && kind == SE05X_AES && d.old->len != value.len))
        return SE05X_E_WRONG_DATA;
    if (se05x_has(call, SE05X_AT_T(4))) {
        if (!se05x_arg_number(call, SE05X_AT_T(4), 2, &min_tag) || min_tag > 16)
            return SE05X_E_WRONG_DATA;
        d.fresh.min_tag = (uint16_t)min_tag;
    }
    if (se05x_has(call, SE05X_AT_T(5))) {
        if (!se05x_arg_number(call, SE05X_AT_T(5), 2, &min_derived))
            return SE05X_E_WRONG_DATA;
        d.fresh.min_derived = (uint16_t)min_derived;
    }
    sw = may_change(call, &d, SE05X_MAY_WRITE);
    d.fresh.origin = SE05X_EXTERNAL;
    if (sw == SE05X_OK)
        sw = finish(call, &d, value);
    rs_wipe(room, sizeof(room));
    return sw;
}

/* ---- Files, credentials, counters, PCRs -------------------------------------------------------------- */

unsigned
se05x_do_write_binary(struct se05x_call *call)
{
    struct rs_bytes data = call->arg[SE05X_AT_T(4)];
    uint32_t offset = 0, size = 0;
    struct draft d;
    unsigned sw = begin(call, SE05X_BINARY, &d);

    if (sw != SE05X_OK)
        return sw;
    if ((se05x_has(call, SE05X_AT_T(2)) && !se05x_arg_number(call, SE05X_AT_T(2), 2, &offset)) ||
        (se05x_has(call, SE05X_AT_T(3)) && !se05x_arg_number(call, SE05X_AT_T(3), 2, &size)))
        return SE05X_E_WRONG_DATA;
    if (d.old != NULL && size == 0)
        size = d.old->len;
    if (size == 0 || (d.old != NULL && (size != d.old->len || data.len == 0)) ||
        offset + data.len > size)
        return SE05X_E_WRONG_DATA;
    sw = may_change(call, &d, SE05X_MAY_WRITE);
    if (sw != SE05X_OK)
        return sw;
    if (d.old == NULL)
        return se05x_store_file(call->c, &d.fresh, d.policy, size, offset, data);
    d.old->version = d.fresh.version;
    return se05x_store_part(call->c, d.old, offset, data);
}

unsigned
se05x_do_write_user_id(struct se05x_call *call)
{
    struct rs_bytes value = call->arg[SE05X_AT_T(2)];
    struct draft d;
    unsigned sw = begin(call, SE05X_USER_ID, &d);

    if (sw != SE05X_OK)
        return sw;
    if (!(call->ins & FLAG_AUTH) || value.len < 4 || value.len > 16)
        return SE05X_E_WRONG_DATA;
    return d.old != NULL ? SE05X_U_USER_ID_AGAIN_SW : finish(call, &d, value);
}

/* One more; 0 when it is at its end. */
static int
increment(uint8_t *p, size_t len)
{
    for (size_t i = len; i > 0; i--)
        if (++p[i - 1] != 0)
            return 1;
    return 0;
}

static unsigned
create_counter(struct se05x_call *call, const struct draft *d)
{
    uint8_t value[COUNTER_MAX] = {0};
    struct rs_bytes given = call->arg[SE05X_AT_T(3)];
    uint32_t size;

    if (!se05x_has(call, SE05X_AT_T(2)))
        return SE05X_U_MISSING_SW;
    if (!se05x_arg_number(call, SE05X_AT_T(2), 2, &size) || size < 1 || size > COUNTER_MAX ||
        (given.p != NULL && given.len != size))
        return SE05X_E_WRONG_DATA;
    if (given.p != NULL)
        memcpy(value, given.p, size);
    return finish(call, d, rs_bytes_of(value, size));
}

unsigned
se05x_do_write_counter(struct se05x_call *call)
{
    uint8_t value[COUNTER_MAX];
    struct rs_bytes given = call->arg[SE05X_AT_T(3)];
    struct draft d;
    unsigned sw = begin(call, SE05X_COUNTER, &d);
    size_t len;

    if (sw != SE05X_OK)
        return sw;
    if (d.old == NULL)
        return create_counter(call, &d);
    if (se05x_has(call, SE05X_AT_T(2)) || (given.p != NULL && given.len != d.old->len))
        return SE05X_E_WRONG_DATA;
    sw = may_change(call, &d, SE05X_MAY_WRITE);
    if (sw != SE05X_OK)
        return sw;
    len = d.old->len;
    memcpy(value, se05x_value(call->c, d.old).p, len);
    if (given.p != NULL) {
        if (memcmp(given.p, value, len) < 0)
            return SE05X_U_COUNTER_SET_DOWN_SW;
        memcpy(value, given.p, len);
    } else if (!increment(value, len)) {
        return SE05X_E_CONDITIONS;
    }
    return finish(call, &d, rs_bytes_of(value, len));
}

unsigned
se05x_do_write_pcr(struct se05x_call *call)
{
    struct rs_bytes first = call->arg[SE05X_AT_T(2)], data = call->arg[SE05X_AT_T(3)];
    uint8_t value[PCR_SIZE] = {0};
    struct draft d;
    unsigned sw = begin(call, SE05X_PCR, &d);

    if (sw == SE05X_OK)
        sw = may_change(call, &d, SE05X_MAY_WRITE);
    if (sw != SE05X_OK)
        return sw;
    if ((d.old != NULL && (first.p != NULL || data.p == NULL)) ||
        (first.p != NULL && first.len != PCR_SIZE))
        return SE05X_E_WRONG_DATA;
    if (d.old != NULL)
        first = se05x_value(call->c, d.old);
    if (first.p != NULL)
        memcpy(value, first.p, PCR_SIZE);
    if (data.p != NULL &&
        !se05x_hash(se05x_digest(0x04), rs_bytes_of(value, PCR_SIZE), data, value))
        return SE05X_E_CONDITIONS;
    return finish(call, &d, rs_bytes_of(value, PCR_SIZE));
}
