/*
 * keymgmt.c: what OpenSSL may know of a key, and give to others: its public half.
 *
 * A private key is never exported.  OpenSSL asks for that first when it looks
 * for a provider that could do the work; the refusal sends it here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <rot/rot_driver.h>

static void *
keymgmt_new(void *ctx)
{
    return key_new(ctx);
}

static void
keymgmt_free(void *key)
{
    key_free(key);
}

static void *
keymgmt_load(const void *reference, size_t size)
{
    const struct handle *handle = reference;

    if (size != sizeof(*handle) || *handle->is_taken)
        return NULL;
    *handle->is_taken = 1;
    return handle->key;
}

static int
keymgmt_has(const void *keydata, int selection)
{
    const struct key *key = keydata;

    if (key == NULL)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->chips == NULL)
        return 0;
    return (selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS)) ==
               0 ||
           key->alg != ROT_ALG_NONE;
}

static int
keymgmt_match(const void *a, const void *b, int selection)
{
    const struct key *one = a, *two = b;

    if (one->alg == ROT_ALG_NONE || one->alg != two->alg)
        return 0;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0 ||
           CRYPTO_memcmp(one->point, two->point, 1 + 2 * one->size) == 0;
}

/* A point that is not on its curve does not become a key at all. */
static int
keymgmt_validate(const void *keydata, int selection, int type)
{
    (void)type;
    return keymgmt_has(keydata, selection);
}

/* ---- Parameters --------------------------------------------------------------------- */

static const OSSL_PARAM *
keymgmt_gettable(void *ctx)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, NULL),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    return known;
}

static int
set_int(OSSL_PARAM params[], const char *name, int value)
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

    return p == NULL || OSSL_PARAM_set_int(p, value);
}

static int
set_text(OSSL_PARAM params[], const char *name, const char *value)
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

    return p == NULL || OSSL_PARAM_set_utf8_string(p, value);
}

static int
set_point(OSSL_PARAM params[], const char *name, const struct key *key)
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

    return p == NULL || OSSL_PARAM_set_octet_string(p, key->point, 1 + 2 * key->size);
}

static int
set_coordinate(OSSL_PARAM params[], const char *name, const uint8_t *number, size_t size)
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, name);
    BIGNUM *n;
    int ok;

    if (p == NULL)
        return 1;
    n = BN_bin2bn(number, (int)size, NULL);
    ok = n != NULL && OSSL_PARAM_set_BN(p, n);
    BN_free(n);
    return ok;
}

static int
keymgmt_get_params(void *keydata, OSSL_PARAM params[])
{
    const struct key *key = keydata;
    int p384 = key->alg == ROT_ALG_P384;

    if (key->alg == ROT_ALG_NONE)
        return 0;
    return set_int(params, OSSL_PKEY_PARAM_BITS, p384 ? 384 : 256) &&
           set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, p384 ? 192 : 128) &&
           set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, (int)key_signature_size(key)) &&
           set_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, p384 ? "SHA384" : "SHA256") &&
           set_text(params, OSSL_PKEY_PARAM_GROUP_NAME, key_group(key)) &&
           set_text(params, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP) &&
           set_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                    OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) &&
           set_int(params, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, 0) &&
           set_point(params, OSSL_PKEY_PARAM_PUB_KEY, key) &&
           set_point(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, key) &&
           set_coordinate(params, OSSL_PKEY_PARAM_EC_PUB_X, key->point + 1, key->size) &&
           set_coordinate(params, OSSL_PKEY_PARAM_EC_PUB_Y, key->point + 1 + key->size, key->size);
}

/* ---- To and from other providers ------------------------------------------------------- */

static const OSSL_PARAM *
keymgmt_types(int selection)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : known;
}

static int
keymgmt_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
    struct key *key = keydata;
    char group[16];
    OSSL_PARAM params[3], *p = params;

    if (key->alg == ROT_ALG_NONE)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->chips != NULL)
        return 0;
    memcpy(group, key_group(key), strlen(key_group(key)) + 1);
    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point,
                                                 1 + 2 * key->size);
    *p = OSSL_PARAM_construct_end();
    return callback(params, arg);
}

/* Public keys only, uncompressed, on a curve by its name: peers, and keys to compare with. */
static int
keymgmt_import(void *keydata, int selection, const OSSL_PARAM params[])
{
    struct key *key = keydata;
    const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    const OSSL_PARAM *pub = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    enum rot_alg alg = ROT_ALG_NONE;
    const char *name = NULL;
    const void *point = NULL;
    uint8_t spki[160];
    size_t len = 0, spki_len = 0;

    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 &&
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != NULL)
        return 0;
    if (group == NULL || pub == NULL || !OSSL_PARAM_get_utf8_string_ptr(group, &name) ||
        !OSSL_PARAM_get_octet_string_ptr(pub, &point, &len))
        return 0;
    if (OPENSSL_strcasecmp(name, "prime256v1") == 0 || OPENSSL_strcasecmp(name, "P-256") == 0)
        alg = ROT_ALG_P256;
    else if (OPENSSL_strcasecmp(name, "secp384r1") == 0 || OPENSSL_strcasecmp(name, "P-384") == 0)
        alg = ROT_ALG_P384;
    if (alg == ROT_ALG_NONE || len != 1 + rot_alg_point_size(alg) ||
        ((const uint8_t *)point)[0] != 0x04 ||
        rot_spki_from_point(alg, (const uint8_t *)point + 1, spki, sizeof(spki), &spki_len) !=
            ROT_OK)
        return 0;
    return key_set_public(key, spki, spki_len);
}

/* Keys do not change: a copy is one more reference. */
static void *
keymgmt_dup(const void *keydata, int selection)
{
    struct key *key = ((const struct key *)keydata)->self;

    (void)selection;
    key_hold(key);
    return key;
}

static const char *
keymgmt_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : operation == OSSL_OP_KEYEXCH ? "ECDH" : NULL;
}

const OSSL_DISPATCH keymgmt_functions[] = {
    FUNCTION(OSSL_FUNC_KEYMGMT_NEW, keymgmt_new),
    FUNCTION(OSSL_FUNC_KEYMGMT_FREE, keymgmt_free),
    FUNCTION(OSSL_FUNC_KEYMGMT_LOAD, keymgmt_load),
    FUNCTION(OSSL_FUNC_KEYMGMT_DUP, keymgmt_dup),
    FUNCTION(OSSL_FUNC_KEYMGMT_HAS, keymgmt_has),
    FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, keymgmt_match),
    FUNCTION(OSSL_FUNC_KEYMGMT_VALIDATE, keymgmt_validate),
    FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, keymgmt_get_params),
    FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, keymgmt_gettable),
    FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, keymgmt_export),
    FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, keymgmt_types),
    FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, keymgmt_import),
    FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, keymgmt_types),
    FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, keymgmt_operation),
    FUNCTIONS_END,
};
