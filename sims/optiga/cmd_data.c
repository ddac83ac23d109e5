/*
 * cmd_data.c: GetDataObject, SetDataObject (sections 5.1, 6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/common/assumed.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    GET_DATA = 0x00,
    GET_META = 0x01,
    SET_WRITE = 0x00,
    SET_META = 0x01,
    SET_COUNT = 0x02,
    SET_ERASE = 0x40,
};

#define OID_LEN     2
#define SELECT_LEN  6
#define WRITE_HEAD  4
#define SLEEP_MIN   20
#define CURRENT_MIN 6
#define CURRENT_MAX 15

/* ---- Reading ------------------------------------------------------------------------------- */

/* Where a status or error object really lives; NULL: in its object. */
static uint8_t *
volatile_byte(struct optiga_chip *c, unsigned oid)
{
    if (oid == OPTIGA_OID_STATUS_G)
        return &c->app.kept.status_g;
    if (oid == OPTIGA_OID_STATUS_A)
        return &c->app.kept.status_a;
    return oid == OPTIGA_OID_ERROR ? &c->last_error : NULL;
}

static int
get_meta(const struct optiga_command *cmd, const struct optiga_object *o, struct optiga_answer *a)
{
    uint8_t out[OPTIGA_META_MAX];

    if (cmd->len != OID_LEN)
        return OPTIGA_E_LENGTH;
    optiga_put(a, out, optiga_meta_write(&o->meta, out));
    return OPTIGA_OK;
}

/* The whole object, or from an offset and at most a length. */
static int
put_range(const struct optiga_command *cmd, struct rs_bytes data, struct optiga_answer *a)
{
    size_t offset = cmd->len == SELECT_LEN ? rs_get_u16(cmd->data + 2) : 0;
    size_t wanted = cmd->len == SELECT_LEN ? rs_get_u16(cmd->data + 4) : OPTIGA_DATA_MAX;

    if (offset > data.len)
        return OPTIGA_E_BOUNDS;
    if (offset == data.len && data.len > 0)
        return OPTIGA_U_READ_AT_END_ERROR;
    if (wanted > data.len - offset)
        wanted = data.len - offset;
    if (wanted > OPTIGA_DATA_MAX)
        wanted = OPTIGA_DATA_MAX;
    optiga_put(a, data.p + offset, wanted);
    return OPTIGA_OK;
}

static int
get_data(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_object *o,
         struct optiga_answer *a)
{
    uint8_t *byte = volatile_byte(c, o->place->oid);
    int status;

    if (cmd->len != OID_LEN && cmd->len != SELECT_LEN)
        return OPTIGA_E_LENGTH;
    if (o->place->kind != OPTIGA_KIND_DATA)
        return OPTIGA_E_ACCESS;
    status = optiga_may(c, o, OPTIGA_READ, cmd);
    if (status != OPTIGA_OK)
        return status;
    if (o->place->oid == OPTIGA_OID_SEC)
        optiga_monitor_settle(c);
    if (byte == NULL)
        return put_range(cmd, optiga_content(c, o), a);
    status = put_range(cmd, rs_bytes_of(byte, 1), a);
    if (status == OPTIGA_OK && o->place->oid == OPTIGA_OID_ERROR) {
        c->last_error = 0;
        sim_note_kept();
    }
    return status;
}

int
optiga_do_get_data(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    struct optiga_object *o;

    if (cmd->param != GET_DATA && cmd->param != GET_META)
        return OPTIGA_E_PARAM;
    if (cmd->len < OID_LEN)
        return OPTIGA_E_LENGTH;
    if (optiga_session(c, rs_get_u16(cmd->data)) != NULL)
        return OPTIGA_E_ACCESS;
    o = optiga_object(c, rs_get_u16(cmd->data));
    if (o == NULL)
        return OPTIGA_E_OID;
    return cmd->param == GET_META ? get_meta(cmd, o, a) : get_data(c, cmd, o, a);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static int
is_later_life(uint8_t before, uint8_t v)
{
    return v >= before && (v == OPTIGA_CREATION || v == OPTIGA_INITIALIZATION ||
                           v == OPTIGA_OPERATIONAL || v == OPTIGA_TERMINATION);
}

/* Objects of one byte whose values have a meaning. */
static int
special_value_ok(struct optiga_chip *c, unsigned oid, uint8_t v)
{
    switch (oid) {
    case OPTIGA_OID_LCSG:
    case OPTIGA_OID_LCSA:
        return is_later_life(*optiga_byte(c, oid), v);
    case OPTIGA_OID_STATUS_G:
    case OPTIGA_OID_STATUS_A:
        return (v & ~*volatile_byte(c, oid)) == 0; /* bits can only be cleared */
    case OPTIGA_OID_SLEEP:
        return v >= SLEEP_MIN;
    case OPTIGA_OID_CURRENT:
        return v >= CURRENT_MIN && v <= CURRENT_MAX;
    default:
        return 1;
    }
}

static int
set_bytes(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_object *o)
{
    size_t offset = rs_get_u16(cmd->data + 2), len = cmd->len - WRITE_HEAD;
    const uint8_t *bytes = cmd->data + WRITE_HEAD;
    uint8_t *byte = volatile_byte(c, o->place->oid);
    int status;

    if (o->place->kind != OPTIGA_KIND_DATA)
        return OPTIGA_E_ACCESS;
    if (len == 0)
        return OPTIGA_U_WRITE_NOTHING_ERROR;
    if (offset + len > o->place->size)
        return OPTIGA_E_BOUNDS;
    if (!special_value_ok(c, o->place->oid, bytes[0]))
        return OPTIGA_U_RANGE_ERROR;
    status = optiga_may(c, o, OPTIGA_CHANGE, cmd);
    if (status != OPTIGA_OK)
        return status;
    if (byte != NULL) {
        *byte = bytes[0];
        return OPTIGA_OK;
    }
    return optiga_store_data(c, o, offset, bytes, len, cmd->param == SET_ERASE);
}

static int
set_meta(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_object *o)
{
    struct optiga_meta meta = o->meta;
    int status;

    if (rs_get_u16(cmd->data + 2) != 0)
        return OPTIGA_E_PARAMETER;
    status = optiga_meta_change(c, o, cmd->data + WRITE_HEAD, cmd->len - WRITE_HEAD, 0, &meta);
    return status == OPTIGA_OK ? optiga_store_whole(c, &o->meta, &meta, sizeof(meta)) : status;
}

/* One byte that is not zero is added, by whoever may execute the counter. */
static int
set_count(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_object *o)
{
    int status;

    if (cmd->len != WRITE_HEAD + 1)
        return OPTIGA_E_LENGTH;
    if (o->meta.type != OPTIGA_TYPE_COUNTER || optiga_used(o) < 8)
        return OPTIGA_U_TYPE_ERROR;
    if (rs_get_u16(cmd->data + 2) != 0 || cmd->data[WRITE_HEAD] == 0)
        return OPTIGA_E_PARAMETER;
    status = optiga_may(c, o, OPTIGA_EXECUTE, cmd);
    return status == OPTIGA_OK ? optiga_count(c, o, cmd->data[WRITE_HEAD]) : status;
}

int
optiga_do_set_data(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    struct optiga_object *o;

    (void)a;
    if (cmd->param != SET_WRITE && cmd->param != SET_META && cmd->param != SET_COUNT &&
        cmd->param != SET_ERASE)
        return OPTIGA_E_PARAM;
    if (cmd->len < WRITE_HEAD)
        return OPTIGA_E_LENGTH;
    if (optiga_session(c, rs_get_u16(cmd->data)) != NULL)
        return OPTIGA_E_ACCESS;
    o = optiga_object(c, rs_get_u16(cmd->data));
    if (o == NULL)
        return OPTIGA_E_OID;
    if (cmd->param == SET_META)
        return set_meta(c, cmd, o);
    return cmd->param == SET_COUNT ? set_count(c, cmd, o) : set_bytes(c, cmd, o);
}
