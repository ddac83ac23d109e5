/*
 * key.c: public keys, and where their private halves are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <rot/rot_driver.h>

struct key *
key_new(struct provider *p)
{
    struct key *key = calloc(1, sizeof(*key));

    if (key == NULL)
        return NULL;
    key->provider = p;
    key->self = key;
    key->count = 1;
    return key;
}

void
key_hold(struct key *key)
{
    (void)__atomic_add_fetch(&key->count, 1, __ATOMIC_RELAXED);
}

void
key_free(struct key *key)
{
    if (key == NULL || __atomic_sub_fetch(&key->count, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    EVP_PKEY_free(key->pub);
    free(key);
}

int
key_set_public(struct key *key, const uint8_t *spki, size_t len)
{
    const unsigned char *p = spki;
    enum rot_alg alg = ROT_ALG_NONE;

    if (key->alg != ROT_ALG_NONE || len > sizeof(key->spki) ||
        rot_spki_to_point(spki, len, key->point + 1, &alg) != ROT_OK ||
        (alg != ROT_ALG_P256 && alg != ROT_ALG_P384))
        return provider_fail(key->provider, ROT_E_UNSUPPORTED,
                             "only keys on P-256 and P-384 are served");
    key->pub = d2i_PUBKEY_ex(NULL, &p, (long)len, key->provider->ctx, NULL);
    if (key->pub == NULL)
        return provider_fail(key->provider, ROT_E_FORMAT, "the point is not on its curve");
    key->point[0] = 0x04;
    memcpy(key->spki, spki, len);
    key->spki_len = len;
    key->size = alg == ROT_ALG_P256 ? 32 : 48;
    key->alg = alg;
    return 1;
}

/* Ask the part. */
static int
read_public(struct key *key, const char *uri)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    struct rot_chip *chip;
    size_t len = 0;
    rot_err rc;

    if (!provider_lock(key->provider, key->chips, &chip))
        return 0;
    rc = rot_key_public(chip, key->object, spki, sizeof(spki), &len);
    chips_unlock(key->chips);
    if (rc != ROT_OK)
        return provider_fail(key->provider, rc, "%s: public key: the part says %s", uri,
                             rot_err_name(rc));
    return key_set_public(key, spki, len);
}

struct key *
key_by_uri(struct provider *p, const struct rot_uri *uri, const uint8_t *spki, size_t spki_len)
{
    struct rot_uri bare = *uri;
    char text[ROT_URI_MAX];
    struct key *key;
    int ok;

    bare.type = ROT_URI_ALL;
    if (bare.object == 0 || rot_uri_format(&bare, text, sizeof(text)) != ROT_OK) {
        (void)provider_fail(p, ROT_E_FORMAT, "rot:%.80s: which key? Name an object", uri->chip);
        return NULL;
    }
    key = key_new(p);
    if (key == NULL)
        return NULL;
    key->object = bare.object;
    key->chips = provider_chips(p, text);
    ok = key->chips != NULL &&
         (spki != NULL ? key_set_public(key, spki, spki_len) : read_public(key, text));
    if (ok)
        return key;
    key_free(key);
    return NULL;
}

int
key_give(struct key *key, OSSL_CALLBACK *callback, void *arg)
{
    char type[] = "EC";
    int object = OSSL_OBJECT_PKEY, is_taken = 0, ok;
    struct handle handle = {key, &is_taken};
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, type, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &handle, sizeof(handle)),
        OSSL_PARAM_construct_end(),
    };

    ok = callback(params, arg);
    if (!is_taken)
        key_free(key);
    return ok;
}

const char *
key_group(const struct key *key)
{
    return key->alg == ROT_ALG_P384 ? "secp384r1" : "prime256v1";
}

size_t
key_signature_size(const struct key *key)
{
    return rot_alg_signature_size(key->alg);
}
