/*
 * cmd_info.c: version, time, memory, random numbers, and the states of the part as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"

enum {
    YES = 1,
    NO = 2,
};

unsigned
se05x_do_version(struct se05x_call *call)
{
    uint8_t said[7] = {0, 0, 0, 0x6F, 0xFF, 0x01, 0x0B};

    memcpy(said, call->c->gen->version, 3);
    se05x_put(call->out, 0x41, said, sizeof(said));
    return SE05X_OK;
}

unsigned
se05x_timestamp(struct se05x_chip *c, uint8_t stamp[12])
{
    uint32_t starts = c->starts + 1;

    if (!c->counted) {
        if (se05x_store_field(c, &c->starts, &starts, sizeof(starts)) == SE05X_LOST)
            return SE05X_LOST;
        c->counted = 1;
    }
    rs_set_u32(stamp, c->starts);
    rs_set_u64(stamp + 4, (c->now_us - c->started_us) / SE05X_U_TIMESTAMP_UNIT_US);
    return SE05X_OK;
}

unsigned
se05x_do_timestamp(struct se05x_call *call)
{
    uint8_t stamp[12];

    if (se05x_timestamp(call->c, stamp) == SE05X_LOST)
        return SE05X_LOST;
    se05x_put(call->out, 0x41, stamp, sizeof(stamp));
    return SE05X_OK;
}

unsigned
se05x_do_memory(struct se05x_call *call)
{
    uint32_t which, left;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 1, &which) || which < 1 || which > 3)
        return SE05X_E_WRONG_DATA;
    left = which == 1   ? se05x_free_persistent(call->c)
           : which == 2 ? SE05X_U_TRANSIENT_RESET
                        : se05x_free_transient(call->c);
    se05x_put_u16(call->out, 0x41, left < SE05X_U_FREE_MAX ? left : SE05X_U_FREE_MAX);
    return SE05X_OK;
}

unsigned
se05x_do_random(struct se05x_call *call)
{
    uint8_t bytes[SE05X_VALUE_MAX];
    uint32_t len;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 2, &len) || len == 0)
        return SE05X_E_WRONG_DATA;
    if (len > call->c->gen->payload_max)
        return SE05X_U_READ_LONG_SW;
    call->c->host->random(call->c->host->self, bytes, len);
    se05x_put(call->out, 0x41, bytes, len);
    return SE05X_OK;
}

unsigned
se05x_do_self_test(struct se05x_call *call)
{
    uint32_t what;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 2, &what))
        return SE05X_E_WRONG_DATA;
    se05x_put_result(call->out, 1);
    return SE05X_OK;
}

unsigned
se05x_do_state(struct se05x_call *call)
{
    const struct se05x_chip *c = call->c;
    const uint8_t said[SE05X_U_STATE_SIZE] = {c->locked || c->locked_now, c->restricted,
                                              c->scp_required ? YES : NO};

    se05x_put(call->out, 0x41, said, sizeof(said));
    return SE05X_OK;
}

/* ---- States that need a credential of their own ------------------------------------------------ */

static int
shows(const struct se05x_call *call, uint32_t credential)
{
    return call->session != NULL && call->session->auth == credential;
}

unsigned
se05x_do_lock(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;
    uint32_t how, state;
    uint8_t locked;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 1, &how) ||
        !se05x_arg_number(call, SE05X_AT_T(2), 1, &state) || how < SE05X_U_LOCK_TRANSIENT ||
        how > SE05X_U_LOCK_PERSISTENT || state > SE05X_U_LOCK_STATE_LOCKED)
        return SE05X_E_WRONG_DATA;
    if (!shows(call, SE05X_ID_TRANSPORT))
        return SE05X_U_NO_CREDENTIAL_SW;
    if (how == SE05X_U_LOCK_TRANSIENT) {
        c->locked_now = state != SE05X_U_LOCK_STATE_OPEN;
        return SE05X_OK;
    }
    locked = state == SE05X_U_LOCK_STATE_LOCKED;
    if (se05x_store_field(c, &c->locked, &locked, 1) == SE05X_LOST)
        return SE05X_LOST;
    c->locked_now = locked != 0;
    return SE05X_OK;
}

unsigned
se05x_do_scp_request(struct se05x_call *call)
{
    uint32_t value;
    uint8_t required;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 1, &value) || value < YES || value > NO)
        return SE05X_E_WRONG_DATA;
    if (!shows(call, SE05X_ID_PLATFORM_SCP))
        return SE05X_U_NO_CREDENTIAL_SW;
    required = value == YES;
    return se05x_store_field(call->c, &call->c->scp_required, &required, 1);
}

unsigned
se05x_do_restrict(struct se05x_call *call)
{
    uint32_t how, what;
    uint8_t restricted;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 1, &how) ||
        !se05x_arg_number(call, SE05X_AT_T(2), 1, &what) || how != SE05X_U_LOCK_PERSISTENT ||
        what < SE05X_U_RESTRICT_NEW || what > SE05X_U_RESTRICT_ALL)
        return SE05X_E_WRONG_DATA;
    if (!shows(call, SE05X_ID_RESTRICT))
        return SE05X_U_NO_CREDENTIAL_SW;
    restricted = (uint8_t)what;
    return se05x_store_field(call->c, &call->c->restricted, &restricted, 1);
}
