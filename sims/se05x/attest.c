/*
 * attest.c: attested reads, in the form of either generation (section 6 of the reference).
 *
 * Applet 3.x signs the values one behind the other, without tags or lengths.
 * Applet 7.2 signs SHA-256 of the command and then the answer's own TLVs, each
 * with its length as 82 hi lo, which is also how they go out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define FRESHNESS   16
#define STAMP       12
#define MESSAGE_MAX (SE05X_VALUE_MAX + 512)

struct evidence {
    struct rs_bytes data; /* p NULL: none */
    struct rs_bytes attributes;
    struct rs_bytes freshness;
    uint8_t stamp[STAMP];
    unsigned size;
};

/* The key and the algorithm of the command. */
static unsigned
attestation_key(struct se05x_call *call, struct se05x_object **ret_key, const EVP_MD **ret_md)
{
    static const struct {
        uint8_t algorithm, digest;
    } rows[] = {{0x11, 0x01}, {0x25, 0x07}, {0x21, 0x04}, {0x22, 0x05}, {0x26, 0x06}};
    uint32_t algorithm;
    unsigned sw = se05x_use_key(call, SE05X_AT_T(5), SE05X_MAY_ATTEST, ret_key);

    if (sw != SE05X_OK)
        return sw;
    if (se05x_private(call->c, *ret_key).p == NULL ||
        se05x_curve_find((*ret_key)->curve)->kind != SE05X_WEIERSTRASS)
        return SE05X_E_CONDITIONS;
    if (call->arg[SE05X_AT_T(7)].len != FRESHNESS ||
        !se05x_arg_number(call, SE05X_AT_T(6), 1, &algorithm))
        return SE05X_E_WRONG_DATA;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].algorithm == algorithm) {
            *ret_md = se05x_digest(rows[i].digest);
            return SE05X_OK;
        }
    return SE05X_E_WRONG_DATA;
}

/* Answer and message of applet 3.x. */
static void
put_first_form(struct se05x_call *call, const struct evidence *e, struct rs_buf *message)
{
    const uint8_t *uid = call->c->uid;
    struct rs_buf *out = call->out;

    if (e->data.p != NULL)
        se05x_put(out, 0x41, e->data.p, e->data.len);
    se05x_put(out, 0x42, e->attributes.p, e->attributes.len);
    se05x_put(out, 0x43, e->stamp, sizeof(e->stamp));
    se05x_put(out, 0x44, e->freshness.p, e->freshness.len);
    se05x_put(out, 0x45, uid, SE05X_UID_SIZE);
    rs_buf_put_bytes(message, e->data);
    rs_buf_put_bytes(message, e->attributes);
    rs_buf_put(message, e->stamp, sizeof(e->stamp));
    rs_buf_put_bytes(message, e->freshness);
    rs_buf_put(message, uid, SE05X_UID_SIZE);
}

/* Of applet 7.2. */
static int
put_second_form(struct se05x_call *call, const struct evidence *e, struct rs_buf *message)
{
    const struct se05x_apdu *apdu = call->apdu;
    const uint8_t head[7] = {SE05X_U_ATTEST_CLA,        apdu->ins,         apdu->p1, apdu->p2, 0,
                             (uint8_t)(apdu->len >> 8), (uint8_t)apdu->len};
    uint8_t hash[32], size[2];
    size_t from = call->out->len;

    if (!se05x_hash(se05x_digest(0x04), RS_BYTES(head), rs_bytes_of(apdu->data, apdu->len), hash))
        return 0;
    rs_set_u16(size, e->size);
    if (e->data.p != NULL)
        se05x_put_long(call->out, 0x41, e->data.p, e->data.len);
    se05x_put_long(call->out, 0x42, call->c->uid, SE05X_UID_SIZE);
    se05x_put_long(call->out, 0x43, e->attributes.p, e->attributes.len);
    se05x_put_long(call->out, 0x44, size, sizeof(size));
    se05x_put_long(call->out, 0x4F, e->stamp, sizeof(e->stamp));
    rs_buf_put(message, hash, sizeof(hash));
    if (rs_buf_ok(call->out))
        rs_buf_put(message, call->out->p + from, call->out->len - from);
    return 1;
}

static unsigned
sign_message(struct se05x_call *call, const struct se05x_object *key, const EVP_MD *md,
             struct rs_bytes message)
{
    uint8_t digest[EVP_MAX_MD_SIZE], room[SE05X_SIG_MAX];
    struct rs_buf sig;

    rs_buf_init_fixed(&sig, room, sizeof(room));
    if (!se05x_hash(md, message, rs_bytes_of(NULL, 0), digest) ||
        !se05x_sign(se05x_curve_find(key->curve), call->c->host, se05x_private(call->c, key).p,
                    rs_bytes_of(digest, (size_t)EVP_MD_get_size(md)), &sig))
        return SE05X_E_CONDITIONS;
    if (call->c->gen->newer)
        se05x_put_long(call->out, 0x52, sig.p, sig.len);
    else
        se05x_put(call->out, 0x46, sig.p, sig.len);
    return SE05X_OK;
}

unsigned
se05x_attest(struct se05x_call *call, const struct se05x_object *o, struct rs_bytes data)
{
    uint8_t attributes[64 + SE05X_POLICY_MAX], room[MESSAGE_MAX];
    struct se05x_object *key = NULL;
    struct evidence e = {.data = data, .freshness = call->arg[SE05X_AT_T(7)]};
    struct rs_buf block, message;
    const EVP_MD *md = NULL;
    unsigned sw = attestation_key(call, &key, &md);

    if (sw != SE05X_OK)
        return sw;
    se05x_take(call->c, SE05X_U_TIME_SIGN_US);
    sw = se05x_timestamp(call->c, e.stamp);
    if (sw != SE05X_OK)
        return sw;
    rs_buf_init_fixed(&block, attributes, sizeof(attributes));
    se05x_attributes(call->c, o, &block);
    e.attributes = rs_buf_bytes(&block);
    e.size = se05x_is_ec(o) ? se05x_curve_find(o->curve)->size : o->len;
    rs_buf_init_fixed(&message, room, sizeof(room));
    if (!call->c->gen->newer)
        put_first_form(call, &e, &message);
    else if (!put_second_form(call, &e, &message))
        return SE05X_E_CONDITIONS;
    if (!rs_buf_ok(&message) || !rs_buf_ok(call->out))
        return SE05X_E_LENGTH;
    return sign_message(call, key, md, rs_buf_bytes(&message));
}
