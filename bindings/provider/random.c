/*
 * random.c: ROT-RANDOM, the generator of a part: OpenSSL's seed, or all of its random bytes.
 *
 * Which part, the provider's section says: random = CHIP.  A part that has no
 * generator of its own is refused: it would hand the host's bytes back to it.
 * OpenSSL takes the system's entropy in place of a seed that is refused, and
 * fails without a generator that is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <rot/rot_driver.h>

#define STRENGTH 256

struct generator {
    struct provider *provider;
    struct chips *chips;
    int state;
};

static void *
random_new(void *ctx, void *parent, const OSSL_DISPATCH *calls)
{
    struct generator *g;

    (void)parent; /* it needs no seed from above */
    (void)calls;
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        return NULL;
    g->provider = ctx;
    g->state = EVP_RAND_STATE_UNINITIALISED;
    return g;
}

static void
random_free(void *ctx)
{
    free(ctx);
}

static int
random_start(void *ctx, unsigned strength, int resistance, const unsigned char *text, size_t len,
             const OSSL_PARAM params[])
{
    struct generator *g = ctx;
    struct rot_capability can = {.alg = ROT_ALG_NONE};
    struct rot_chip *chip;

    (void)resistance;
    (void)text;
    (void)len;
    (void)params;
    g->state = EVP_RAND_STATE_ERROR;
    if (strength > STRENGTH)
        return 0;
    if (g->provider->random_chip[0] == '\0')
        return provider_fail(g->provider, ROT_E_ARG,
                             "ROT-RANDOM: the provider's section says no random = CHIP");
    g->chips = provider_chips(g->provider, g->provider->random_chip);
    if (g->chips == NULL || !provider_lock(g->provider, g->chips, &chip))
        return 0;
    if (rot_capabilities(chip, ROT_IDEVID, &can) != ROT_OK)
        can.where[ROT_CAN_RANDOM] = ROT_NOWHERE;
    chips_unlock(g->chips);
    if (can.where[ROT_CAN_RANDOM] != ROT_IN_CHIP)
        return provider_fail(g->provider, ROT_E_UNSUPPORTED,
                             "%s: this part has no generator of its own", chips_name(g->chips));
    g->state = EVP_RAND_STATE_READY;
    return 1;
}

static int
random_stop(void *ctx)
{
    struct generator *g = ctx;

    g->state = EVP_RAND_STATE_UNINITIALISED;
    return 1;
}

static int
random_generate(void *ctx, unsigned char *out, size_t len, unsigned strength, int resistance,
                const unsigned char *extra, size_t extra_len)
{
    struct generator *g = ctx;
    struct rot_chip *chip;
    rot_err rc = ROT_OK;

    (void)resistance;
    (void)extra;
    (void)extra_len;
    if (g->state != EVP_RAND_STATE_READY || strength > STRENGTH ||
        !provider_lock(g->provider, g->chips, &chip))
        return 0;
    for (size_t n; len > 0 && rc == ROT_OK; out += n, len -= n) {
        n = len < ROT_RANDOM_MAX ? len : ROT_RANDOM_MAX;
        rc = rot_random(chip, out, n);
    }
    chips_unlock(g->chips);
    if (rc != ROT_OK)
        return provider_fail(g->provider, rc, "%s: random: the part says %s", chips_name(g->chips),
                             rot_err_name(rc));
    return 1;
}

/* A part draws afresh for every call. */
static int
random_reseed(void *ctx, int resistance, const unsigned char *text, size_t text_len,
              const unsigned char *extra, size_t extra_len)
{
    const struct generator *g = ctx;

    (void)resistance;
    (void)text;
    (void)text_len;
    (void)extra;
    (void)extra_len;
    return g->state == EVP_RAND_STATE_READY;
}

/* What a generator below asks for. */
static size_t
random_seed(void *ctx, unsigned char **out, int entropy, size_t least, size_t most, int resistance,
            const unsigned char *extra, size_t extra_len)
{
    size_t len = entropy > 0 ? (size_t)(entropy + 7) / 8 : 0;

    if (len < least)
        len = least;
    if (len == 0 || len > most)
        return 0;
    *out = OPENSSL_secure_malloc(len);
    if (*out == NULL)
        return 0;
    if (random_generate(ctx, *out, len, 0, resistance, extra, extra_len))
        return len;
    OPENSSL_secure_clear_free(*out, len);
    *out = NULL;
    return 0;
}

static void
random_clear_seed(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    OPENSSL_secure_clear_free(out, len);
}

/* Threads are kept apart where the part is. */
static int
random_locking(void *ctx)
{
    (void)ctx;
    return 1;
}

static void
random_unlock(void *ctx)
{
    (void)ctx;
}

static const OSSL_PARAM *
random_gettable(void *ctx, void *provider)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, NULL),
        OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, NULL),
        OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, NULL),
        OSSL_PARAM_END,
    };

    (void)ctx;
    (void)provider;
    return known;
}

static int
random_get(void *ctx, OSSL_PARAM params[])
{
    const struct generator *g = ctx;
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);

    if (p != NULL && !OSSL_PARAM_set_int(p, g->state))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    if (p != NULL && !OSSL_PARAM_set_uint(p, STRENGTH))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    return p == NULL || OSSL_PARAM_set_size_t(p, (size_t)16 * ROT_RANDOM_MAX);
}

const OSSL_DISPATCH random_functions[] = {
    FUNCTION(OSSL_FUNC_RAND_NEWCTX, random_new),
    FUNCTION(OSSL_FUNC_RAND_FREECTX, random_free),
    FUNCTION(OSSL_FUNC_RAND_INSTANTIATE, random_start),
    FUNCTION(OSSL_FUNC_RAND_UNINSTANTIATE, random_stop),
    FUNCTION(OSSL_FUNC_RAND_GENERATE, random_generate),
    FUNCTION(OSSL_FUNC_RAND_RESEED, random_reseed),
    FUNCTION(OSSL_FUNC_RAND_GET_SEED, random_seed),
    FUNCTION(OSSL_FUNC_RAND_CLEAR_SEED, random_clear_seed),
    FUNCTION(OSSL_FUNC_RAND_ENABLE_LOCKING, random_locking),
    FUNCTION(OSSL_FUNC_RAND_LOCK, random_locking),
    FUNCTION(OSSL_FUNC_RAND_UNLOCK, random_unlock),
    FUNCTION(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, random_gettable),
    FUNCTION(OSSL_FUNC_RAND_GET_CTX_PARAMS, random_get),
    FUNCTIONS_END,
};
