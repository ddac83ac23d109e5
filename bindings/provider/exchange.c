/*
 * exchange.c: ECDH with a key in a part, where its layout lets the secret out.
 *
 * What leaves a part on a bus of the board can be read there.  Unless the part
 * has a secure channel, that is refused, until the configuration says that it
 * may be (exchange = in-clear).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include <rot/rot_driver.h>

struct exchange {
    struct provider *provider;
    struct key *key, *peer;
};

static void *
exchange_new(void *ctx)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (x != NULL)
        x->provider = ctx;
    return x;
}

static void
exchange_free(void *ctx)
{
    struct exchange *x = ctx;

    if (x == NULL)
        return;
    key_free(x->key);
    key_free(x->peer);
    free(x);
}

static void *
exchange_dup(void *ctx)
{
    const struct exchange *from = ctx;
    struct exchange *x = exchange_new(from->provider);

    if (x == NULL)
        return NULL;
    x->key = from->key;
    x->peer = from->peer;
    if (x->key != NULL)
        key_hold(x->key);
    if (x->peer != NULL)
        key_hold(x->peer);
    return x;
}

static int
exchange_init(void *ctx, void *keydata, const OSSL_PARAM params[])
{
    struct exchange *x = ctx;
    struct key *key = keydata;

    (void)params;
    if (key == NULL || key->chips == NULL)
        return provider_fail(x->provider, ROT_E_EMPTY, "a public key agrees on nothing");
    key_hold(key);
    key_free(x->key);
    x->key = key;
    return 1;
}

static int
exchange_set_peer(void *ctx, void *keydata)
{
    struct exchange *x = ctx;
    struct key *peer = keydata;

    if (x->key == NULL || peer == NULL || peer->alg != x->key->alg)
        return provider_fail(x->provider, ROT_E_ARG, "the other key is not on the same curve");
    key_hold(peer);
    key_free(x->peer);
    x->peer = peer;
    return 1;
}

/* A part that could have a channel may still be spoken to in the clear, or by a published secret. */
static int
is_seen_on_the_way(const struct rot_chip *chip)
{
    enum rot_bus bus = chip->setup.driver->bus;

    return bus != ROT_BUS_NONE && bus != ROT_BUS_MESSAGE && chip->protection != ROT_PROTECTION_OWN;
}

static int
exchange_derive(void *ctx, unsigned char *secret, size_t *ret_len, size_t cap)
{
    const struct exchange *x = ctx;
    struct rot_chip *chip;
    rot_err rc;

    if (x->key == NULL || x->peer == NULL)
        return 0;
    if (secret == NULL) {
        *ret_len = x->key->size;
        return 1;
    }
    if (!provider_lock(x->provider, x->key->chips, &chip))
        return 0;
    if (!x->provider->may_agree_in_clear && is_seen_on_the_way(chip)) {
        chips_unlock(x->key->chips);
        return provider_fail(x->provider, ROT_E_STATE,
                             "%s: the secret would cross the bus in clear (exchange = in-clear)",
                             chips_name(x->key->chips));
    }
    rc = rot_agree(chip, x->key->object, x->peer->spki, x->peer->spki_len, 0, secret, cap, ret_len);
    chips_unlock(x->key->chips);
    if (rc == ROT_E_UNSUPPORTED)
        return provider_fail(x->provider, rc,
                             "%s: this object agrees on no secret that leaves the part",
                             chips_name(x->key->chips));
    if (rc != ROT_OK)
        return provider_fail(x->provider, rc, "%s: agree: the part says %s",
                             chips_name(x->key->chips), rot_err_name(rc));
    return 1;
}

const OSSL_DISPATCH exchange_functions[] = {
    FUNCTION(OSSL_FUNC_KEYEXCH_NEWCTX, exchange_new),
    FUNCTION(OSSL_FUNC_KEYEXCH_FREECTX, exchange_free),
    FUNCTION(OSSL_FUNC_KEYEXCH_DUPCTX, exchange_dup),
    FUNCTION(OSSL_FUNC_KEYEXCH_INIT, exchange_init),
    FUNCTION(OSSL_FUNC_KEYEXCH_SET_PEER, exchange_set_peer),
    FUNCTION(OSSL_FUNC_KEYEXCH_DERIVE, exchange_derive),
    FUNCTIONS_END,
};
