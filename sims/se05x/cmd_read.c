/*
 * cmd_read.c: what the part tells about its objects, and how they go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    FLAG_ATTEST = 0x20,
};

/* Every command but CheckObjectExists: SE05X_OK with the object, or why not. */
static unsigned
find_named(struct se05x_call *call, struct se05x_object **ret_object)
{
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 4, &id))
        return SE05X_E_WRONG_DATA;
    *ret_object = se05x_find(call->c, id);
    return *ret_object != NULL ? SE05X_OK : SE05X_U_MISSING_SW;
}

static uint32_t
size_of(const struct se05x_object *o)
{
    return se05x_is_ec(o) ? se05x_curve_find(o->curve)->size : o->len;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Offset and length are for files. */
static unsigned
part_of_file(const struct se05x_call *call, const struct se05x_object *o, struct rs_bytes *value)
{
    uint32_t offset = 0, len;

    if (se05x_has(call, SE05X_AT_T(2)) && !se05x_arg_number(call, SE05X_AT_T(2), 2, &offset))
        return SE05X_E_WRONG_DATA;
    if (offset > o->len)
        return SE05X_U_READ_RANGE_SW;
    len = o->len - offset;
    if (se05x_has(call, SE05X_AT_T(3)) && !se05x_arg_number(call, SE05X_AT_T(3), 2, &len))
        return SE05X_E_WRONG_DATA;
    if (len > o->len - offset)
        return SE05X_U_READ_RANGE_SW;
    *value = rs_bytes_of(value->p + offset, len);
    return SE05X_OK;
}

static unsigned
readable(struct se05x_call *call, const struct se05x_object *o, struct rs_bytes *value)
{
    if (o->kind == SE05X_EC_PRIVATE || o->kind == SE05X_AES || o->kind == SE05X_HMAC ||
        o->kind == SE05X_USER_ID || !o->set)
        return SE05X_E_CONDITIONS;
    *value = se05x_is_ec(o) ? se05x_public(call->c, o) : se05x_value(call->c, o);
    if (o->kind == SE05X_BINARY)
        return part_of_file(call, o, value);
    return se05x_has(call, SE05X_AT_T(2)) || se05x_has(call, SE05X_AT_T(3)) ? SE05X_E_WRONG_DATA
                                                                            : SE05X_OK;
}

/* Three tags that stand in every attested read and in no other. */
static int
attest_tags_fit(const struct se05x_call *call)
{
    int wanted = (call->ins & FLAG_ATTEST) != 0;

    return se05x_has(call, SE05X_AT_T(5)) == wanted && se05x_has(call, SE05X_AT_T(6)) == wanted &&
           se05x_has(call, SE05X_AT_T(7)) == wanted;
}

unsigned
se05x_do_read(struct se05x_call *call)
{
    struct rs_bytes value = {NULL, 0};
    struct se05x_object *o = NULL;
    unsigned sw;

    if (!attest_tags_fit(call))
        return SE05X_E_WRONG_DATA;
    sw = find_named(call, &o);
    if (sw != SE05X_OK)
        return sw;
    if ((call->c->locked || call->c->locked_now) && o->id != SE05X_ID_UNIQUE)
        return SE05X_U_LOCKED_SW;
    sw = readable(call, o, &value);
    if (sw == SE05X_OK)
        sw = se05x_may(call, o, SE05X_MAY_READ);
    if (sw != SE05X_OK)
        return sw;
    if (value.len > call->c->gen->payload_max)
        return SE05X_U_READ_LONG_SW;
    if (call->ins & FLAG_ATTEST)
        return se05x_attest(call, o, value);
    se05x_put(call->out, 0x41, value.p, value.len);
    return SE05X_OK;
}

void
se05x_attributes(const struct se05x_chip *c, const struct se05x_object *o, struct rs_buf *out)
{
    rs_buf_put_u32(out, o->id);
    rs_buf_put_u8(out, se05x_type(c, o));
    rs_buf_put_u8(out, o->auth ? 2 : 1);
    rs_buf_put_u16(out, o->auth ? o->failed : o->min_tag);
    rs_buf_put_u32(out, o->owner);
    rs_buf_put_u16(out, o->auth ? o->max_attempts : 0);
    se05x_policy_show(c, o, out);
    rs_buf_put_u8(out, (unsigned)o->origin);
    if (c->gen->newer)
        rs_buf_put_u32(out, o->version);
}

unsigned
se05x_do_attributes(struct se05x_call *call)
{
    uint8_t room[64 + SE05X_POLICY_MAX];
    struct se05x_object *o = NULL;
    struct rs_buf block;
    unsigned sw;

    if (!attest_tags_fit(call))
        return SE05X_E_WRONG_DATA;
    sw = find_named(call, &o);
    if (sw != SE05X_OK)
        return sw;
    if (call->ins & FLAG_ATTEST)
        return se05x_attest(call, o, rs_bytes_of(NULL, 0));
    rs_buf_init_fixed(&block, room, sizeof(room));
    se05x_attributes(call->c, o, &block);
    se05x_put(call->out, call->c->gen->newer ? 0x43 : 0x42, block.p, block.len);
    return SE05X_OK;
}

unsigned
se05x_do_size(struct se05x_call *call)
{
    struct se05x_object *o = NULL;
    unsigned sw = find_named(call, &o);

    if (sw != SE05X_OK)
        return sw;
    se05x_put_u16(call->out, 0x41, size_of(o));
    return SE05X_OK;
}

unsigned
se05x_do_type(struct se05x_call *call)
{
    struct se05x_object *o = NULL;
    unsigned sw = find_named(call, &o);

    if (sw != SE05X_OK)
        return sw;
    se05x_put_u8(call->out, 0x41, se05x_type(call->c, o));
    se05x_put_u8(call->out, 0x42, o->transient ? 2 : 1);
    return SE05X_OK;
}

/* offset counts the ids that fit the filter. */
unsigned
se05x_do_list(struct se05x_call *call)
{
    uint8_t room[SE05X_VALUE_MAX];
    struct rs_buf ids;
    uint32_t offset, filter;
    size_t seen = 0, most = (call->c->gen->payload_max - 8) / 4;
    int more = 0;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 2, &offset) ||
        !se05x_arg_number(call, SE05X_AT_T(2), 1, &filter))
        return SE05X_E_WRONG_DATA;
    rs_buf_init_fixed(&ids, room, 4 * most);
    for (size_t i = 0; i < call->c->object_count; i++) {
        const struct se05x_object *o = &call->c->objects[i];

        if ((filter != 0xFF && filter != se05x_type(call->c, o)) || seen++ < offset)
            continue;
        if (ids.len == 4 * most)
            more = 1;
        else
            rs_buf_put_u32(&ids, o->id);
    }
    se05x_put_u8(call->out, 0x41, more ? 2 : 1);
    se05x_put(call->out, 0x42, ids.p, ids.len);
    return SE05X_OK;
}

unsigned
se05x_do_exists(struct se05x_call *call)
{
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 4, &id))
        return SE05X_E_WRONG_DATA;
    se05x_put_result(call->out, se05x_find(call->c, id) != NULL);
    return SE05X_OK;
}

/* ---- Deleting --------------------------------------------------------------------------------- */

unsigned
se05x_do_delete(struct se05x_call *call)
{
    struct se05x_object *o = NULL;
    unsigned sw = find_named(call, &o);

    if (sw != SE05X_OK)
        return sw;
    if (o->origin == SE05X_PROVISIONED)
        return SE05X_E_NOT_ALLOWED;
    if (call->c->restricted == SE05X_U_RESTRICT_ALL)
        return SE05X_U_CREATION_OFF_SW;
    sw = se05x_may(call, o, SE05X_MAY_DELETE);
    return sw == SE05X_OK ? se05x_store_delete(call->c, o) : sw;
}

/* The factory's stay, and so do the applet's own and what nobody may delete. */
static int
stays(const struct se05x_chip *c, const struct se05x_object *o)
{
    return o->origin == SE05X_PROVISIONED || (o->id >= 0x7FFF0000u && o->id < 0x80000000u) ||
           !se05x_anybody_may(c, o, SE05X_MAY_DELETE);
}

unsigned
se05x_do_delete_all(struct se05x_call *call)
{
    struct se05x_object *doomed[SE05X_OBJECTS_MAX];
    struct se05x_chip *c = call->c;
    size_t count = 0;

    if (call->session == NULL || call->session->auth != SE05X_ID_FACTORY_RESET)
        return SE05X_U_NO_CREDENTIAL_SW;
    for (size_t i = 0; i < c->object_count; i++)
        if (!stays(c, &c->objects[i]))
            doomed[count++] = &c->objects[i];
    if (se05x_store_delete_list(c, doomed, count) == SE05X_LOST)
        return SE05X_LOST;
    if (SE05X_U_DELETE_ALL_CURVES) {
        memset(c->curves, 0, sizeof(c->curves));
        for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++) {
            se05x_crypto_forget(&c->crypto[i]);
            c->crypto[i].context = SE05X_CONTEXT_NONE;
        }
        c->host->stored(c->host->self);
    }
    return SE05X_OK;
}
