/*
 * cmd_ec.c: curves, signatures, agreement (section 3.3 of the reference).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    ECDSA_PLAIN = 0x09,
    EDDSA_PURE = 0xA3,
    REVERSED = 0x59,
};

/* The list of curves ends with 11, the last that must be made: the vendor's library has no room for more. */
#define WEIERSTRASS_COUNT 0x11

/* ---- Curves ------------------------------------------------------------------------------------ */

/* Curves that must be made before use; the id is the argument. */
static const struct se05x_curve *
named_curve(const struct se05x_call *call)
{
    uint32_t id;

    return se05x_arg_number(call, SE05X_AT_T(1), 1, &id) ? se05x_curve_find(id) : NULL;
}

static unsigned
param_bit(unsigned param)
{
    return param == 0x01 || param == 0x02 || param == 0x04 || param == 0x08 || param == 0x10 ? param
                                                                                             : 0;
}

unsigned
se05x_do_curve_create(struct se05x_call *call)
{
    const struct se05x_curve *curve = named_curve(call);
    uint8_t *at, made = SE05X_CURVE_MADE;

    if (curve == NULL || curve->kind != SE05X_WEIERSTRASS)
        return SE05X_E_WRONG_DATA;
    at = &call->c->curves[se05x_curve_index(curve)];
    return *at != 0 ? SE05X_U_CURVE_STATE_SW : se05x_store_field(call->c, at, &made, 1);
}

unsigned
se05x_do_curve_param(struct se05x_call *call)
{
    const struct se05x_curve *curve = named_curve(call);
    struct rs_bytes given = call->arg[SE05X_AT_T(3)];
    uint8_t right[SE05X_POINT_MAX], now, *at;
    uint32_t param;

    if (curve == NULL || curve->kind != SE05X_WEIERSTRASS || given.p == NULL ||
        !se05x_arg_number(call, SE05X_AT_T(2), 1, &param) || param_bit(param) == 0)
        return SE05X_E_WRONG_DATA;
    at = &call->c->curves[se05x_curve_index(curve)];
    if (*at == 0)
        return SE05X_U_CURVE_STATE_SW;
    if (!rs_bytes_equal(given, rs_bytes_of(right, se05x_curve_param(curve, param, right))))
        return SE05X_U_CURVE_VALUE_SW;
    now = (uint8_t)(*at | param);
    return se05x_store_field(call->c, at, &now, 1);
}

/* One byte for each id from 01; the two of RFC 7748 and RFC 8032 are always there. */
unsigned
se05x_do_curve_list(struct se05x_call *call)
{
    uint8_t said[WEIERSTRASS_COUNT];

    memset(said, 1, sizeof(said));
    for (size_t i = 0; i < se05x_curve_count(); i++) {
        const struct se05x_curve *curve = se05x_curve_at(i);

        if (curve->kind == SE05X_WEIERSTRASS && call->c->curves[i] == SE05X_CURVE_WHOLE)
            said[curve->id - 1] = 2;
    }
    se05x_put(call->out, 0x41, said, sizeof(said));
    return SE05X_OK;
}

unsigned
se05x_do_curve_id(struct se05x_call *call)
{
    struct se05x_object *o;
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 4, &id))
        return SE05X_E_WRONG_DATA;
    o = se05x_find(call->c, id);
    if (o == NULL || !se05x_is_ec(o))
        return SE05X_U_MISSING_SW;
    se05x_put_u8(call->out, 0x41, o->curve);
    return SE05X_OK;
}

unsigned
se05x_do_curve_delete(struct se05x_call *call)
{
    const struct se05x_curve *curve = named_curve(call);
    uint8_t *at, none = 0;

    if (curve == NULL || curve->kind != SE05X_WEIERSTRASS)
        return SE05X_E_WRONG_DATA;
    at = &call->c->curves[se05x_curve_index(curve)];
    return *at == 0 ? SE05X_U_CURVE_STATE_SW : se05x_store_field(call->c, at, &none, 1);
}

/* ---- Signatures ----------------------------------------------------------------------------------- */

/* Do key, algorithm and input go together? */
static int
algorithm_fits(const struct se05x_curve *curve, unsigned algorithm, size_t len)
{
    if (curve->kind == SE05X_EDWARDS)
        return algorithm == EDDSA_PURE;
    if (curve->kind != SE05X_WEIERSTRASS)
        return 0;
    if (algorithm == ECDSA_PLAIN)
        return len > 0 && len <= 64;
    return len > 0 && se05x_ecdsa_digest_size(algorithm) == len;
}

static unsigned
key_for_signature(struct se05x_call *call, uint32_t right, struct se05x_object **ret_key)
{
    struct rs_bytes input = call->arg[SE05X_AT_T(3)];
    uint32_t algorithm;
    unsigned sw = se05x_use_key(call, SE05X_AT_T(1), right, ret_key);

    if (sw != SE05X_OK)
        return sw;
    if (!se05x_is_ec(*ret_key))
        return SE05X_E_CONDITIONS;
    if (input.p == NULL || !se05x_arg_number(call, SE05X_AT_T(2), 1, &algorithm) ||
        !algorithm_fits(se05x_curve_find((*ret_key)->curve), algorithm, input.len))
        return SE05X_E_WRONG_DATA;
    return SE05X_OK;
}

unsigned
se05x_do_sign(struct se05x_call *call)
{
    struct se05x_object *key = NULL;
    uint8_t room[SE05X_SIG_MAX];
    struct rs_bytes private;
    struct rs_buf sig;
    unsigned sw = key_for_signature(call, SE05X_MAY_SIGN, &key);

    if (sw != SE05X_OK)
        return sw;
    private = se05x_private(call->c, key);
    rs_buf_init_fixed(&sig, room, sizeof(room));
    if (private.p == NULL || !se05x_sign(se05x_curve_find(key->curve), call->c->host, private.p,
                                         call->arg[SE05X_AT_T(3)], &sig))
        return SE05X_E_CONDITIONS;
    se05x_put(call->out, 0x41, sig.p, sig.len);
    return SE05X_OK;
}

unsigned
se05x_do_verify(struct se05x_call *call)
{
    struct se05x_object *key = NULL;
    struct rs_bytes sig = call->arg[SE05X_AT_T(5)], point;
    unsigned sw = key_for_signature(call, SE05X_MAY_VERIFY, &key);

    if (sw != SE05X_OK)
        return sw;
    if (sig.p == NULL)
        return SE05X_E_WRONG_DATA;
    point = se05x_public(call->c, key);
    if (point.p == NULL)
        return SE05X_E_CONDITIONS;
    se05x_put_result(call->out, se05x_verify(se05x_curve_find(key->curve), point,
                                             call->arg[SE05X_AT_T(3)], sig));
    return SE05X_OK;
}

/* ---- Agreement -------------------------------------------------------------------------------------- */

static void
reverse(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t byte = p[i];

        p[i] = p[len - 1 - i];
        p[len - 1 - i] = byte;
    }
}

unsigned
se05x_do_agree(struct se05x_call *call)
{
    struct se05x_object *key = NULL;
    struct rs_bytes peer = call->arg[SE05X_AT_T(2)], private;
    uint8_t secret[SE05X_SCALAR_MAX];
    const struct se05x_curve *curve;
    uint32_t target = 0;
    unsigned sw = se05x_use_key(call, SE05X_AT_T(1), SE05X_MAY_AGREE, &key);

    if (sw != SE05X_OK)
        return sw;
    private = se05x_private(call->c, key);
    if (private.p == NULL)
        return SE05X_E_CONDITIONS;
    curve = se05x_curve_find(key->curve);
    if (peer.p == NULL ||
        (se05x_has(call, SE05X_AT_T(7)) && !se05x_arg_number(call, SE05X_AT_T(7), 4, &target)))
        return SE05X_E_WRONG_DATA;
    if (target == 0 && (se05x_rights(call, key) & SE05X_NO_OUTPUT) && call->c->gen->newer)
        return SE05X_E_NOT_ALLOWED;
    if (!se05x_agree(curve, private.p, peer, secret))
        return SE05X_E_WRONG_DATA;
    if (call->p2 == REVERSED)
        reverse(secret, curve->size);
    if (target != 0)
        sw = se05x_derive_into(call, target, rs_bytes_of(secret, curve->size));
    else
        se05x_put(call->out, 0x41, secret, curve->size);
    rs_wipe(secret, sizeof(secret));
    return sw;
}
