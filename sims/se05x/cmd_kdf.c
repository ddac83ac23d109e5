/*
 * cmd_kdf.c: HKDF, PBKDF2 and the key schedule of TLS 1.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    EXTRACT_AND_EXPAND = 0x2D,
    PRF_SERVER_HELLO = 0x4C,
    PRF_CLIENT_RANDOM = 0x4D,
    PRF_BOTH = 0x5A,
};

/* Rights of applet 7.2 that older policies say with the general one. */
#define MAY_TLS_KDF 0x80000000u
#define MAY_TLS_PMS 0x40000000u
#define MAY_PBKDF   0x00000080u

#define TLS_RANDOM 32
#define INFO_MAX   256
#define PSK_MAX    256

/* A symmetric key for a derivation; right in either of its forms. */
static unsigned
use_secret(struct se05x_call *call, unsigned place, uint32_t newer_right,
           struct se05x_object **ret_key)
{
    uint32_t right = SE05X_MAY_DERIVE | (call->c->gen->newer ? newer_right : 0);
    unsigned sw = se05x_use_key(call, place, right, ret_key);

    if (sw == SE05X_OK && (*ret_key)->kind != SE05X_HMAC && (*ret_key)->kind != SE05X_AES)
        sw = SE05X_E_CONDITIONS;
    return sw;
}

/* Salt as bytes in the command, or as an object (applet 7.2), or none; not both. */
static unsigned
choose_salt(struct se05x_call *call, struct rs_bytes given, unsigned id_place,
            struct rs_bytes *ret_salt)
{
    struct se05x_object *o = NULL;
    uint32_t id;
    unsigned sw;

    *ret_salt = given;
    if (!se05x_has(call, id_place))
        return SE05X_OK;
    if (given.p != NULL || !se05x_arg_number(call, id_place, 4, &id))
        return SE05X_E_WRONG_DATA;
    if (id == SE05X_U_NO_SALT_ID)
        return SE05X_OK;
    if (!call->c->gen->newer)
        return SE05X_E_WRONG_DATA;
    sw = use_secret(call, id_place, 0, &o);
    if (sw == SE05X_OK)
        *ret_salt = se05x_value(call->c, o);
    return sw;
}

/* What was derived goes into the object that tag 47 names, or out. */
static unsigned
hand_over(struct se05x_call *call, const struct se05x_object *key, struct rs_bytes secret)
{
    uint32_t target;

    if (secret.len < key->min_derived)
        return SE05X_U_SHORT_DERIVED_SW;
    if (se05x_has(call, SE05X_AT_T(7)))
        return se05x_arg_number(call, SE05X_AT_T(7), 4, &target)
                   ? se05x_derive_into(call, target, secret)
                   : (unsigned)SE05X_E_WRONG_DATA;
    if (call->c->gen->newer && (se05x_rights(call, key) & SE05X_NO_OUTPUT))
        return SE05X_E_NOT_ALLOWED;
    se05x_put(call->out, 0x41, secret.p, secret.len);
    return SE05X_OK;
}

static int
read_length(const struct se05x_call *call, unsigned place, uint32_t *ret_len)
{
    return se05x_arg_number(call, place, 2, ret_len) && *ret_len > 0 &&
           *ret_len <= call->c->gen->payload_max;
}

unsigned
se05x_do_hkdf(struct se05x_call *call)
{
    uint8_t out[SE05X_VALUE_MAX];
    struct se05x_object *key = NULL;
    struct rs_bytes salt = {NULL, 0}, info = call->arg[SE05X_AT_T(4)];
    const EVP_MD *md;
    uint32_t mode, len;
    unsigned sw = use_secret(call, SE05X_AT_T(1), 0, &key);

    if (sw == SE05X_OK)
        sw = choose_salt(call, call->arg[SE05X_AT_T(3)], SE05X_AT_T(6), &salt);
    if (sw != SE05X_OK)
        return sw;
    if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &mode) ||
        !read_length(call, SE05X_AT_T(5), &len) || info.len > INFO_MAX)
        return SE05X_E_WRONG_DATA;
    md = se05x_digest(mode);
    if (md == NULL || !se05x_hkdf(md, call->p2 == EXTRACT_AND_EXPAND, se05x_value(call->c, key),
                                  salt, info, out, len))
        return SE05X_E_WRONG_DATA;
    sw = hand_over(call, key, rs_bytes_of(out, len));
    rs_wipe(out, sizeof(out));
    return sw;
}

/* The digest of PBKDF2's HMAC, named as a MAC. */
static const EVP_MD *
pbkdf_digest(const struct se05x_call *call)
{
    uint32_t algorithm = SE05X_U_PBKDF_MAC;

    if (se05x_has(call, SE05X_AT_T(5)) && !se05x_arg_number(call, SE05X_AT_T(5), 1, &algorithm))
        return NULL;
    return algorithm == 0x18   ? EVP_sha1()
           : algorithm == 0x19 ? EVP_sha256()
           : algorithm == 0x1A ? EVP_sha384()
           : algorithm == 0x1B ? EVP_sha512()
                               : NULL;
}

unsigned
se05x_do_pbkdf2(struct se05x_call *call)
{
    uint8_t out[SE05X_VALUE_MAX];
    struct se05x_object *key = NULL;
    struct rs_bytes salt = {NULL, 0}, value;
    const EVP_MD *md = pbkdf_digest(call);
    uint32_t count, len;
    unsigned sw = use_secret(call, SE05X_AT_T(1), MAY_PBKDF, &key);

    if (sw == SE05X_OK)
        sw = choose_salt(call, call->arg[SE05X_AT_T(2)], SE05X_AT_T(6), &salt);
    if (sw != SE05X_OK)
        return sw;
    if (md == NULL || salt.p == NULL || !se05x_arg_number(call, SE05X_AT_T(3), 2, &count) ||
        count == 0 || !read_length(call, SE05X_AT_T(4), &len))
        return SE05X_E_WRONG_DATA;
    se05x_take(call->c, (uint64_t)count * SE05X_U_TIME_PBKDF_US);
    value = se05x_value(call->c, key);
    if (PKCS5_PBKDF2_HMAC((const char *)value.p, (int)value.len, salt.p, (int)salt.len, (int)count,
                          md, (int)len, out) != 1)
        return SE05X_E_CONDITIONS;
    sw = hand_over(call, key, rs_bytes_of(out, len));
    rs_wipe(out, sizeof(out));
    return sw;
}

/* ---- TLS 1.2 ------------------------------------------------------------------------------------ */

unsigned
se05x_do_tls_random(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;

    c->host->random(c->host->self, c->tls_random, sizeof(c->tls_random));
    c->tls_ready = 1;
    se05x_put(call->out, 0x41, c->tls_random, sizeof(c->tls_random));
    return SE05X_OK;
}

/* The secret agreed with the peer's point (tags 42, 44); its length goes to *len. */
static unsigned
agree_with_peer(struct se05x_call *call, uint8_t secret[SE05X_SCALAR_MAX], size_t *len)
{
    struct se05x_object *pair = NULL;
    struct rs_bytes peer = call->arg[SE05X_AT_T(4)], private;
    const struct se05x_curve *curve;
    unsigned sw = se05x_use_key(call, SE05X_AT_T(2), SE05X_MAY_AGREE, &pair);

    if (sw != SE05X_OK)
        return sw;
    private = se05x_private(call->c, pair);
    if (private.p == NULL)
        return SE05X_E_CONDITIONS;
    curve = se05x_curve_find(pair->curve);
    if (peer.p == NULL || !se05x_agree(curve, private.p, peer, secret))
        return SE05X_E_WRONG_DATA;
    *len = curve->size;
    return SE05X_OK;
}

/* RFC 4279 2, RFC 5489 2: two length-prefixed halves, the other secret first. */
static void
put_halves(struct rs_buf *out, const uint8_t *other, size_t other_len, struct rs_bytes psk)
{
    static const uint8_t zeros[PSK_MAX] = {0};

    rs_buf_put_u16_bytes(out, other_len > 0 ? rs_bytes_of(other, other_len)
                                            : rs_bytes_of(zeros, psk.len));
    rs_buf_put_u16_bytes(out, psk);
}

unsigned
se05x_do_tls_pms(struct se05x_call *call)
{
    uint8_t secret[SE05X_SCALAR_MAX], room[2 * PSK_MAX + 4];
    struct se05x_object *psk = NULL;
    uint32_t target;
    size_t len = 0;
    struct rs_buf pms;
    unsigned sw = SE05X_OK;

    if (!se05x_arg_number(call, SE05X_AT_T(3), 4, &target) ||
        (!se05x_has(call, SE05X_AT_T(1)) && !se05x_has(call, SE05X_AT_T(2))))
        return SE05X_E_WRONG_DATA;
    if (se05x_has(call, SE05X_AT_T(1)))
        sw = use_secret(call, SE05X_AT_T(1), MAY_TLS_PMS, &psk);
    if (sw == SE05X_OK && se05x_has(call, SE05X_AT_T(2)))
        sw = agree_with_peer(call, secret, &len);
    if (sw != SE05X_OK)
        return sw;
    rs_buf_init_fixed(&pms, room, sizeof(room));
    if (psk != NULL)
        put_halves(&pms, secret, len, se05x_value(call->c, psk));
    else
        rs_buf_put(&pms, secret, len);
    sw = se05x_derive_into(call, target, rs_buf_bytes(&pms));
    rs_wipe(secret, sizeof(secret));
    rs_wipe(room, sizeof(room));
    return sw;
}

/* Both randoms in the order of the wanted secret (uncertain.h). */
static int
make_seed(const struct se05x_call *call, uint8_t seed[2 * TLS_RANDOM])
{
    struct rs_bytes given = call->arg[SE05X_AT_T(4)];
    int own_first = call->p2 == PRF_SERVER_HELLO || call->p2 == PRF_CLIENT_RANDOM;

    if (call->p2 == PRF_BOTH) {
        if (given.len != (size_t)2 * TLS_RANDOM)
            return 0;
        memcpy(seed, given.p, 2 * TLS_RANDOM);
        return 1;
    }
    if (given.len != TLS_RANDOM)
        return 0;
    memcpy(seed + (own_first ? 0 : TLS_RANDOM), call->c->tls_random, TLS_RANDOM);
    memcpy(seed + (own_first ? TLS_RANDOM : 0), given.p, TLS_RANDOM);
    return 1;
}

unsigned
se05x_do_tls_prf(struct se05x_call *call)
{
    uint8_t out[SE05X_VALUE_MAX], seed[2 * TLS_RANDOM];
    struct rs_bytes label = call->arg[SE05X_AT_T(3)];
    struct se05x_object *key = NULL;
    const EVP_MD *md;
    uint32_t mode, len;
    unsigned sw = use_secret(call, SE05X_AT_T(1), MAY_TLS_KDF, &key);

    if (sw != SE05X_OK)
        return sw;
    if (call->p2 != PRF_BOTH && !call->c->tls_ready)
        return SE05X_E_CONDITIONS;
    if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &mode) || label.len < 1 || label.len > 64 ||
        !make_seed(call, seed) || !read_length(call, SE05X_AT_T(5), &len))
        return SE05X_E_WRONG_DATA;
    md = se05x_digest(mode);
    if (md == NULL ||
        !se05x_tls_prf(md, se05x_value(call->c, key), label, RS_BYTES(seed), out, len))
        return SE05X_E_WRONG_DATA;
    sw = hand_over(call, key, rs_bytes_of(out, len));
    rs_wipe(out, sizeof(out));
    return sw;
}
