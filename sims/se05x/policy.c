/*
 * policy.c: who may do what with an object (section 4 of the reference).
 *
 * A policy is a list of rules: length, credential (0: anybody), header of
 * rights, and for rules that ask for a PCR its id and value.  The rule for the
 * credential of the session wins over the one for anybody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"

#define RULE_HEAD     8 /* credential and header */
#define PCR_SIZE      36
#define FORBID_ALL    0x20000000u
#define NEEDS_SECURE  0x00020000u
#define NEEDS_PCR     0x00010000u
#define RULE_WITH_PCR (RULE_HEAD + PCR_SIZE)

struct rule {
    uint32_t auth, header;
    struct rs_bytes pcr; /* id and value */
};

static int
next_rule(struct rs_reader *r, struct rule *rule)
{
    unsigned len = rs_read_u8(r);

    rule->auth = rs_read_u32(r);
    rule->header = rs_read_u32(r);
    rule->pcr = rs_read_bytes(r, rule->header & NEEDS_PCR ? PCR_SIZE : 0);
    return rs_reader_ok(r) && len == RULE_HEAD + rule->pcr.len;
}

int
se05x_policy_ok(struct rs_bytes policy)
{
    struct rs_reader r;
    struct rule rule;

    if (policy.len == 0 || policy.len > SE05X_POLICY_MAX)
        return 0;
    rs_reader_init(&r, policy);
    while (r.left > 0)
        if (!next_rule(&r, &rule))
            return 0;
    return rs_reader_ok(&r);
}

static uint32_t
default_rights(const struct se05x_object *o)
{
    if (o->auth)
        return SE05X_U_DEFAULT_POLICY_AUTH;
    if (se05x_is_ec(o) || o->kind == SE05X_AES || o->kind == SE05X_HMAC)
        return SE05X_U_DEFAULT_POLICY_KEY;
    return SE05X_U_DEFAULT_POLICY_DATA;
}

static int
pcr_holds(struct se05x_chip *c, struct rs_bytes pcr)
{
    struct se05x_object *o = se05x_find(c, rs_get_u32(pcr.p));

    return o != NULL && o->kind == SE05X_PCR && o->set &&
           rs_bytes_equal(se05x_value(c, o), rs_bytes_of(pcr.p + 4, PCR_SIZE - 4));
}

static uint32_t
granted(const struct se05x_call *call, const struct rule *rule)
{
    if ((rule->header & FORBID_ALL) || ((rule->header & NEEDS_SECURE) && !call->secure) ||
        ((rule->header & NEEDS_PCR) && !pcr_holds(call->c, rule->pcr)))
        return 0;
    return rule->header;
}

uint32_t
se05x_rights(const struct se05x_call *call, const struct se05x_object *o)
{
    uint32_t auth = call->session != NULL ? call->session->auth : 0;
    struct rs_bytes policy = se05x_policy(call->c, o);
    struct rs_reader r;
    struct rule rule;
    uint32_t anybody = 0;

    if (policy.len == 0)
        return default_rights(o);
    rs_reader_init(&r, policy);
    while (r.left > 0 && next_rule(&r, &rule)) {
        if (auth != 0 && rule.auth == auth)
            return granted(call, &rule);
        if (rule.auth == 0)
            anybody |= granted(call, &rule);
    }
    return anybody;
}

unsigned
se05x_may(const struct se05x_call *call, const struct se05x_object *o, uint32_t right)
{
    return se05x_rights(call, o) & right ? SE05X_OK : SE05X_E_NOT_ALLOWED;
}

int
se05x_anybody_may(const struct se05x_chip *c, const struct se05x_object *o, uint32_t right)
{
    struct rs_reader r;
    struct rule rule;

    if (o->policy_len == 0)
        return (default_rights(o) & right) != 0;
    rs_reader_init(&r, se05x_policy(c, o));
    while (r.left > 0 && next_rule(&r, &rule))
        if ((rule.header & right) && !(rule.header & FORBID_ALL))
            return 1;
    return 0;
}

void
se05x_policy_show(const struct se05x_chip *c, const struct se05x_object *o, struct rs_buf *out)
{
    if (o->policy_len > 0) {
        rs_buf_put_bytes(out, se05x_policy(c, o));
        return;
    }
    rs_buf_put_u8(out, RULE_HEAD);
    rs_buf_put_u32(out, 0);
    rs_buf_put_u32(out, default_rights(o));
}

unsigned
se05x_use_key(struct se05x_call *call, unsigned place, uint32_t right,
              struct se05x_object **ret_key)
{
    struct se05x_object *o;
    uint32_t id;

    if (!se05x_arg_number(call, place, 4, &id))
        return SE05X_E_WRONG_DATA;
    o = se05x_find(call->c, id);
    if (o == NULL)
        return SE05X_U_MISSING_SW;
    if (o->auth)
        return SE05X_U_AUTH_OBJECT_USE_SW;
    if (!o->set)
        return SE05X_E_CONDITIONS;
    *ret_key = o;
    return se05x_may(call, o, right);
}

/* Only into what is there already, so that its rights were said when it was made. */
unsigned
se05x_derive_into(struct se05x_call *call, uint32_t target, struct rs_bytes secret)
{
    struct se05x_object *o = se05x_find(call->c, target);
    struct se05x_object fresh;
    unsigned sw;

    if (o == NULL || o->auth || (o->kind != SE05X_HMAC && o->kind != SE05X_AES) ||
        (o->kind == SE05X_AES && o->len != secret.len))
        return SE05X_U_TARGET_SW;
    sw = se05x_may(call, o, SE05X_MAY_WRITE);
    if (sw != SE05X_OK)
        return sw;
    fresh = *o;
    fresh.origin = SE05X_INTERNAL;
    return se05x_store_value(call->c, &fresh, secret);
}
