/*
 * store.c: rot: URIs as a store: keys, certificates, chains, trust anchors.
 *
 * The part is asked at the first load, when it is known what is wanted, once
 * for all.  Without an object the URI means every object of the layout.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/store.h>

#include <rot/rot_driver.h>

#define ITEMS_MAX 64

/* A key, or the bytes of a certificate. */
struct item {
    struct key *key;
    uint8_t *der;
    size_t len;
};

struct loader {
    struct provider *provider;
    struct rot_uri uri;
    int expect; /* OSSL_STORE_INFO_...; 0: anything */
    int is_gathered;
    struct item items[ITEMS_MAX];
    size_t count, next;
};

static void *
store_open(void *ctx, const char *text)
{
    struct provider *p = ctx;
    struct loader *l;

    if (strncmp(text, "rot:", 4) != 0)
        return NULL;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->provider = p;
    if (rot_uri_parse(text, &l->uri) == ROT_OK)
        return l;
    (void)provider_fail(p, ROT_E_FORMAT, "%.120s: want rot:CHIP;object=NAME;type=TYPE", text);
    free(l);
    return NULL;
}

static int
store_close(void *ctx)
{
    struct loader *l = ctx;

    for (size_t i = 0; i < l->count; i++) {
        key_free(l->items[i].key);
        free(l->items[i].der);
    }
    free(l);
    return 1;
}

static const OSSL_PARAM *
store_settable(void *ctx)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_END,
    };

    (void)ctx;
    return known;
}

static int
store_set(void *ctx, const OSSL_PARAM params[])
{
    struct loader *l = ctx;
    const OSSL_PARAM *p =
        params != NULL ? OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT) : NULL;

    return p == NULL || OSSL_PARAM_get_int(p, &l->expect);
}

/* ---- Asking the part -------------------------------------------------------------------------- */

static int
wants(const struct loader *l, enum rot_uri_type type)
{
    if (l->uri.type != ROT_URI_ALL && l->uri.type != type)
        return 0;
    switch (l->expect) {
    case 0:
        return 1;
    case OSSL_STORE_INFO_PKEY:
        return type == ROT_URI_PRIVATE;
    case OSSL_STORE_INFO_PUBKEY:
        return type == ROT_URI_PUBLIC || (type == ROT_URI_TRUST && l->uri.type == type);
    case OSSL_STORE_INFO_CERT:
        return type >= ROT_URI_CERT;
    default:
        return 0;
    }
}

static void
add_certificate(struct loader *l, const uint8_t *der, size_t len)
{
    struct item *item = &l->items[l->count];

    if (l->count == ITEMS_MAX)
        return;
    item->der = malloc(len);
    if (item->der == NULL)
        return;
    memcpy(item->der, der, len);
    item->len = len;
    l->count++;
}

/* Bytes of the DER element at p; 0 when it does not end there. */
static size_t
element(const uint8_t *p, size_t len)
{
    size_t n;

    if (len < 4 || p[0] != 0x30)
        return 0;
    if (p[1] < 0x80)
        n = 2 + (size_t)p[1];
    else if (p[1] == 0x81)
        n = 3 + (size_t)p[2];
    else if (p[1] == 0x82)
        n = 4 + ((size_t)p[2] << 8 | p[3]);
    else
        return 0;
    return n <= len ? n : 0;
}

/* A public key of an anchor, where the part has no room for its certificate. */
static void
add_public(struct loader *l, const uint8_t *spki, size_t len)
{
    struct key *key = key_new(l->provider);

    if (key != NULL && l->count < ITEMS_MAX && key_set_public(key, spki, len))
        l->items[l->count++].key = key;
    else
        key_free(key);
}

static int
is_public_key(const uint8_t *der, size_t len)
{
    uint8_t point[96];
    enum rot_alg alg;

    return rot_spki_to_point(der, len, point, &alg) == ROT_OK;
}

/* Certificates, one after the other as a chain is kept. */
static rot_err
read_certificates(struct loader *l, struct rot_chip *chip, rot_object obj, enum rot_part part)
{
    uint8_t *der = malloc(ROT_CERTIFICATE_MAX);
    size_t len = 0, n;
    rot_err rc;

    if (der == NULL)
        return ROT_E_PORT;
    rc = rot_object_read(chip, obj, part, 0, der, ROT_CERTIFICATE_MAX, &len);
    if (rc == ROT_OK && part == ROT_PART_DATA && is_public_key(der, len)) {
        if (l->expect != OSSL_STORE_INFO_CERT)
            add_public(l, der, len);
    } else if (rc == ROT_OK && l->expect != OSSL_STORE_INFO_PUBKEY) {
        for (const uint8_t *p = der; (n = element(p, len)) != 0; p += n, len -= n)
            add_certificate(l, p, n);
    }
    free(der);
    return rc;
}

static rot_err
read_key(struct loader *l, struct rot_chip *chip, rot_object obj, int is_private)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    struct rot_uri uri = l->uri;
    struct key *key;
    size_t len = 0;
    rot_err rc = rot_key_public(chip, obj, spki, sizeof(spki), &len);

    if (rc != ROT_OK || l->count == ITEMS_MAX)
        return rc;
    uri.object = obj;
    if (is_private) {
        key = key_by_uri(l->provider, &uri, spki, len);
    } else {
        key = key_new(l->provider);
        if (key != NULL && !key_set_public(key, spki, len)) {
            key_free(key);
            key = NULL;
        }
    }
    if (key == NULL)
        return ROT_E_UNSUPPORTED;
    l->items[l->count++].key = key;
    return ROT_OK;
}

/* What is wanted of one object.  ROT_E_EMPTY: it has nothing of that. */
static rot_err
read_object(struct loader *l, struct rot_chip *chip, rot_object obj)
{
    size_t before = l->count;
    struct rot_capability can;
    rot_err rc = rot_capabilities(chip, obj, &can), last = ROT_E_EMPTY;

    if (rc != ROT_OK)
        return rc;
    if (can.where[ROT_CAN_PUBLIC] != ROT_NOWHERE) {
        if (wants(l, ROT_URI_PRIVATE))
            last = read_key(l, chip, obj, 1);
        else if (wants(l, ROT_URI_PUBLIC))
            last = read_key(l, chip, obj, 0);
    }
    if (can.cert_size != 0 && wants(l, ROT_URI_CERT))
        last = read_certificates(l, chip, obj, ROT_PART_CERT);
    if (can.chain_size != 0 && wants(l, ROT_URI_CHAIN))
        last = read_certificates(l, chip, obj, ROT_PART_CHAIN);
    if (ROT_OBJECT_KIND(obj) == ROT_KIND_TRUST && wants(l, ROT_URI_TRUST))
        last = read_certificates(l, chip, obj, ROT_PART_DATA);
    return l->count > before ? ROT_OK : (last == ROT_OK ? ROT_E_EMPTY : last);
}

/* Every object of the layout once; a trust store means the trusted ones. */
static rot_err
read_all(struct loader *l, struct rot_chip *chip)
{
    const struct rot_layout *layout = chip->setup.layout;
    rot_err rc, last = ROT_E_EMPTY;

    for (size_t i = 0; i < layout->place_count; i++) {
        rot_object obj = layout->places[i].object;
        int is_seen = 0;

        for (size_t k = 0; k < i; k++)
            is_seen = is_seen || layout->places[k].object == obj;
        if (is_seen)
            continue;
        rc = read_object(l, chip, obj);
        if (rc != ROT_OK && rc != ROT_E_EMPTY && rc != ROT_E_UNSUPPORTED)
            last = rc;
    }
    return l->count > 0 ? ROT_OK : last;
}

static int
gather(struct loader *l)
{
    struct rot_uri bare = {.object = 0};
    struct rot_chip *chip;
    struct chips *chips;
    char name[ROT_URI_MAX];
    rot_err rc;

    l->is_gathered = 1;
    memcpy(bare.chip, l->uri.chip, sizeof(bare.chip));
    memcpy(bare.layout, l->uri.layout, sizeof(bare.layout));
    if (rot_uri_format(&bare, name, sizeof(name)) != ROT_OK)
        return provider_fail(l->provider, ROT_E_FORMAT, "the URI is too long");
    chips = provider_chips(l->provider, name);
    if (chips == NULL || !provider_lock(l->provider, chips, &chip))
        return 0;
    rc = l->uri.object != 0 ? read_object(l, chip, l->uri.object) : read_all(l, chip);
    chips_unlock(chips);
    if (rc != ROT_OK)
        return provider_fail(l->provider, rc, "%s: read: the part says %s", name, rot_err_name(rc));
    return 1;
}

/* ---- Giving it out ------------------------------------------------------------------------------ */

static int
give_certificate(struct item *item, OSSL_CALLBACK *callback, void *arg)
{
    int object = OSSL_OBJECT_CERT;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, item->der, item->len),
        OSSL_PARAM_construct_end(),
    };

    return callback(params, arg);
}

static int
store_load(void *ctx, OSSL_CALLBACK *callback, void *arg, OSSL_PASSPHRASE_CALLBACK *passphrase,
           void *passphrase_arg)
{
    struct loader *l = ctx;
    struct item *item;
    struct key *key;

    (void)passphrase;
    (void)passphrase_arg;
    if ((!l->is_gathered && !gather(l)) || l->next == l->count)
        return 0;
    item = &l->items[l->next++];
    key = item->key;
    item->key = NULL;
    return key != NULL ? key_give(key, callback, arg) : give_certificate(item, callback, arg);
}

static int
store_eof(void *ctx)
{
    const struct loader *l = ctx;

    return l->is_gathered && l->next == l->count;
}

const OSSL_DISPATCH store_functions[] = {
    FUNCTION(OSSL_FUNC_STORE_OPEN, store_open),
    FUNCTION(OSSL_FUNC_STORE_CLOSE, store_close),
    FUNCTION(OSSL_FUNC_STORE_LOAD, store_load),
    FUNCTION(OSSL_FUNC_STORE_EOF, store_eof),
    FUNCTION(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, store_settable),
    FUNCTION(OSSL_FUNC_STORE_SET_CTX_PARAMS, store_set),
    FUNCTIONS_END,
};
