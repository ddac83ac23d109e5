/*
 * cmd_crypto.c: crypto objects; digests and MACs, in one command or in steps.
 *
 * The steps of an operation hang on a crypto object.  The object stays in
 * memory; the operation is lost with the selection, and when it fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    P2_INIT = 0x0B,
    P2_UPDATE = 0x0C,
    P2_MAC_VALIDATE_INIT = 0x44,
    P2_MAC_VALIDATE = 0x46,
};

#define MAC_CMAC 0x31

/* ---- Crypto objects -------------------------------------------------------------------------- */

void
se05x_crypto_forget(struct se05x_crypto *k)
{
    EVP_MD_CTX_free(k->digest);
    EVP_CIPHER_CTX_free(k->cipher);
    EVP_MAC_CTX_free(k->mac);
    k->digest = NULL;
    k->cipher = NULL;
    k->mac = NULL;
}

static struct se05x_crypto *
find_crypto(struct se05x_chip *c, uint32_t id)
{
    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        if (c->crypto[i].context != SE05X_CONTEXT_NONE && c->crypto[i].id == id)
            return &c->crypto[i];
    return NULL;
}

/* The digest of an HMAC by its number; NULL: none. */
static const EVP_MD *
hmac_digest(unsigned algorithm)
{
    switch (algorithm) {
    case 0x18:
        return EVP_sha1();
    case 0x19:
        return EVP_sha256();
    case 0x1A:
        return EVP_sha384();
    case 0x1B:
        return EVP_sha512();
    default:
        return NULL;
    }
}

int
se05x_subtype_ok(const struct se05x_chip *c, unsigned context, unsigned subtype)
{
    switch (context) {
    case SE05X_CONTEXT_DIGEST:
        return se05x_digest(subtype) != NULL;
    case SE05X_CONTEXT_CIPHER:
        return subtype == SE05X_AES_ECB || subtype == SE05X_AES_CBC || subtype == SE05X_AES_CTR;
    case SE05X_CONTEXT_MAC:
        return subtype == MAC_CMAC || hmac_digest(subtype) != NULL;
    case SE05X_CONTEXT_AEAD:
        return c->gen->newer && subtype == SE05X_AES_GCM;
    default:
        return 0;
    }
}

unsigned
se05x_do_crypto_create(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;
    uint32_t id, context, subtype;
    struct se05x_crypto fresh = {0};

    if (!se05x_arg_number(call, SE05X_AT_T(1), 2, &id) ||
        !se05x_arg_number(call, SE05X_AT_T(2), 1, &context) ||
        !se05x_arg_number(call, SE05X_AT_T(3), 1, &subtype) ||
        !se05x_subtype_ok(c, context, subtype))
        return SE05X_E_WRONG_DATA;
    if (find_crypto(c, id) != NULL)
        return SE05X_E_CONDITIONS;
    fresh.id = (uint16_t)id;
    fresh.context = (uint8_t)context;
    fresh.subtype = (uint8_t)subtype;
    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        if (c->crypto[i].context == SE05X_CONTEXT_NONE)
            return se05x_store_field(c, &c->crypto[i], &fresh, sizeof(fresh));
    return SE05X_E_NO_MEMORY;
}

unsigned
se05x_do_crypto_list(struct se05x_call *call)
{
    uint8_t ids[2 * SE05X_CRYPTO_MAX];
    size_t len = 0;

    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        if (call->c->crypto[i].context != SE05X_CONTEXT_NONE) {
            rs_set_u16(ids + len, call->c->crypto[i].id);
            len += 2;
        }
    se05x_put(call->out, 0x41, ids, len);
    return SE05X_OK;
}

unsigned
se05x_do_crypto_delete(struct se05x_call *call)
{
    struct se05x_crypto *k, none = {0};
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 2, &id))
        return SE05X_E_WRONG_DATA;
    k = find_crypto(call->c, id);
    if (k == NULL)
        return SE05X_U_MISSING_SW;
    se05x_crypto_forget(k);
    return se05x_store_field(call->c, k, &none, sizeof(none));
}

/* The object named in tag 42, of the right kind. */
unsigned
se05x_use_crypto(struct se05x_call *call, enum se05x_context context, struct se05x_crypto **ret)
{
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(2), 2, &id))
        return SE05X_E_WRONG_DATA;
    *ret = find_crypto(call->c, id);
    if (*ret == NULL || (*ret)->context != context)
        return SE05X_U_MISSING_SW;
    return SE05X_OK;
}

/* A step went wrong: so did the operation. */
unsigned
se05x_fail_step(struct se05x_crypto *k, unsigned sw)
{
    se05x_crypto_forget(k);
    return sw;
}

/* ---- Digests ------------------------------------------------------------------------------------- */

unsigned
se05x_do_digest_once(struct se05x_call *call)
{
    struct rs_bytes data = call->arg[SE05X_AT_T(2)];
    uint8_t digest[EVP_MAX_MD_SIZE];
    const EVP_MD *md;
    uint32_t mode;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 1, &mode) || data.p == NULL)
        return SE05X_E_WRONG_DATA;
    md = se05x_digest(mode);
    if (md == NULL)
        return SE05X_E_WRONG_DATA;
    if (!se05x_hash(md, data, rs_bytes_of(NULL, 0), digest))
        return SE05X_E_CONDITIONS;
    se05x_put(call->out, 0x41, digest, (size_t)EVP_MD_get_size(md));
    return SE05X_OK;
}

static unsigned
start_digest(struct se05x_crypto *k)
{
    se05x_crypto_forget(k);
    k->digest = EVP_MD_CTX_new();
    if (k->digest == NULL || EVP_DigestInit_ex(k->digest, se05x_digest(k->subtype), NULL) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    return SE05X_OK;
}

unsigned
se05x_do_digest_step(struct se05x_call *call)
{
    struct rs_bytes data = call->arg[SE05X_AT_T(3)];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct se05x_crypto *k = NULL;
    unsigned len = 0, sw = se05x_use_crypto(call, SE05X_CONTEXT_DIGEST, &k);

    if (sw != SE05X_OK)
        return sw;
    if (call->p2 == P2_INIT)
        return start_digest(k);
    if (k->digest == NULL)
        return SE05X_E_CONDITIONS;
    if (call->p2 == P2_UPDATE && data.p == NULL)
        return se05x_fail_step(k, SE05X_E_WRONG_DATA);
    if (EVP_DigestUpdate(k->digest, data.p, data.len) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (call->p2 == P2_UPDATE)
        return SE05X_OK;
    if (EVP_DigestFinal_ex(k->digest, digest, &len) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    se05x_crypto_forget(k);
    se05x_put(call->out, 0x41, digest, len);
    return SE05X_OK;
}

/* ---- MACs ------------------------------------------------------------------------------------------------- */

/* The key that a MAC needs, with the right to make or to check it. */
static unsigned
use_mac_key(struct se05x_call *call, unsigned algorithm, int validate, struct se05x_object **ret)
{
    unsigned sw =
        se05x_use_key(call, SE05X_AT_T(1), validate ? SE05X_MAY_VERIFY : SE05X_MAY_SIGN, ret);

    if (sw == SE05X_OK && (*ret)->kind != (algorithm == MAC_CMAC ? SE05X_AES : SE05X_HMAC))
        sw = SE05X_E_CONDITIONS;
    return sw;
}

static size_t
mac_size(unsigned algorithm)
{
    const EVP_MD *md = hmac_digest(algorithm);

    return md != NULL ? (size_t)EVP_MD_get_size(md) : 16;
}

unsigned
se05x_do_mac_once(struct se05x_call *call)
{
    int validate = call->p2 == P2_MAC_VALIDATE, ok;
    struct rs_bytes data = call->arg[SE05X_AT_T(3)], given = call->arg[SE05X_AT_T(5)], none = {0};
    uint8_t mac[EVP_MAX_MD_SIZE];
    struct se05x_object *key = NULL;
    uint32_t algorithm;
    struct rs_bytes value;
    unsigned sw;

    if (!se05x_arg_number(call, SE05X_AT_T(2), 1, &algorithm) ||
        !se05x_subtype_ok(call->c, SE05X_CONTEXT_MAC, algorithm) || data.p == NULL ||
        (given.p != NULL) != validate)
        return SE05X_E_WRONG_DATA;
    sw = use_mac_key(call, algorithm, validate, &key);
    if (sw != SE05X_OK)
        return sw;
    value = se05x_value(call->c, key);
    ok = algorithm == MAC_CMAC ? se05x_cmac(value.p, value.len, data, none, mac)
                               : se05x_hmac(hmac_digest(algorithm), value, data, none, mac);
    if (!ok)
        return SE05X_E_CONDITIONS;
    if (validate)
        se05x_put_result(call->out, rs_bytes_equal(given, rs_bytes_of(mac, mac_size(algorithm))));
    else
        se05x_put(call->out, 0x41, mac, mac_size(algorithm));
    return SE05X_OK;
}

unsigned
se05x_do_mac_init(struct se05x_call *call)
{
    int validate = call->p2 == P2_MAC_VALIDATE_INIT;
    struct se05x_object *key = NULL;
    struct se05x_crypto *k = NULL;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_MAC, &k);

    if (sw == SE05X_OK)
        sw = use_mac_key(call, k->subtype, validate, &key);
    if (sw != SE05X_OK)
        return sw;
    se05x_crypto_forget(k);
    k->validate = validate != 0;
    k->mac = se05x_mac_new(hmac_digest(k->subtype), se05x_value(call->c, key));
    return k->mac != NULL ? SE05X_OK : SE05X_E_CONDITIONS;
}

unsigned
se05x_do_mac_step(struct se05x_call *call)
{
    struct rs_bytes data = call->arg[SE05X_AT_T(1)], given = call->arg[SE05X_AT_T(3)];
    uint8_t mac[EVP_MAX_MD_SIZE];
    struct se05x_crypto *k = NULL;
    size_t len = 0;
    unsigned sw = se05x_use_crypto(call, SE05X_CONTEXT_MAC, &k);

    if (sw != SE05X_OK)
        return sw;
    if (k->mac == NULL)
        return SE05X_E_CONDITIONS;
    if (data.p == NULL || (call->p2 == P2_UPDATE ? 0 : (given.p != NULL) != k->validate))
        return se05x_fail_step(k, SE05X_E_WRONG_DATA);
    if (EVP_MAC_update(k->mac, data.p, data.len) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (call->p2 == P2_UPDATE)
        return SE05X_OK;
    if (EVP_MAC_final(k->mac, mac, &len, sizeof(mac)) != 1)
        return se05x_fail_step(k, SE05X_E_CONDITIONS);
    if (k->validate)
        se05x_put_result(call->out, rs_bytes_equal(given, rs_bytes_of(mac, len)));
    else
        se05x_put(call->out, 0x41, mac, len);
    se05x_crypto_forget(k);
    return SE05X_OK;
}
