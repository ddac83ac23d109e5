/*
 * provider.c: loading and leaving, errors, and what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/store.h>

#define VERSION "0.1.0"

/* ---- Errors ------------------------------------------------------------------------ */

/* A reason is the code of rot.h without its sign; ROT_BUSY has a number behind them. */
#define REASON_BUSY 64

const OSSL_ITEM provider_reasons[] = {
    {-ROT_E_ARG, (char[]){"wrong use"}},
    {-ROT_E_UNSUPPORTED, (char[]){"this part, or this object, cannot do it"}},
    {-ROT_E_SPACE, (char[]){"it does not fit"}},
    {-ROT_E_BUS, (char[]){"the part does not answer"}},
    {-ROT_E_CHIP, (char[]){"the part refused or failed"}},
    {-ROT_E_STATE, (char[]){"the part's life cycle does not allow it"}},
    {-ROT_E_EMPTY, (char[]){"nothing is there"}},
    {-ROT_E_MISMATCH, (char[]){"the part holds another key"}},
    {-ROT_E_WRONG_PART, (char[]){"another part answers"}},
    {-ROT_E_FORMAT, (char[]){"malformed"}},
    {-ROT_E_AUTH, (char[]){"the part wants an authorisation"}},
    {-ROT_E_PORT, (char[]){"OpenSSL failed inside"}},
    {REASON_BUSY, (char[]){"the part is in use"}},
    {0, NULL},
};

int
provider_fail(const struct provider *p, rot_err rc, const char *format, ...)
{
    va_list args;

    if (p->new_error == NULL || p->vset_error == NULL)
        return 0;
    va_start(args, format);
    p->new_error(p->handle);
    p->vset_error(p->handle, rc == ROT_BUSY ? (uint32_t)REASON_BUSY : (uint32_t)-rc, format, args);
    va_end(args);
    return 0;
}

/* ---- Parts ---------------------------------------------------------------------------- */

struct chips *
provider_chips(struct provider *p, const char *name)
{
    char error[ROT_LINUX_ERROR_MAX];
    struct chips *chips = NULL;
    struct kept *k;
    rot_err rc = chips_take(name, &chips, error);

    if (rc != ROT_OK) {
        (void)provider_fail(p, rc, "%s", error);
        return NULL;
    }
    if (!CRYPTO_THREAD_write_lock(p->guard)) {
        chips_drop(chips);
        return NULL;
    }
    for (k = p->kept; k != NULL && k->chips != chips; k = k->next)
        continue;
    if (k != NULL) {
        chips_drop(chips); /* counted already */
    } else {
        k = calloc(1, sizeof(*k));
        if (k == NULL) {
            chips_drop(chips);
            chips = NULL;
        } else {
            k->chips = chips;
            k->next = p->kept;
            p->kept = k;
        }
    }
    (void)CRYPTO_THREAD_unlock(p->guard);
    return chips;
}

int
provider_lock(const struct provider *p, struct chips *chips, struct rot_chip **ret_chip)
{
    rot_err rc = chips_lock(chips, ret_chip);

    return rc == ROT_OK ? 1 : provider_fail(p, rc, "%s", chips_error());
}

/* ---- What there is ---------------------------------------------------------------------- */

static const OSSL_ALGORITHM keymgmts[] = {
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=rot", keymgmt_functions,
     "a key in a root of trust"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM signatures[] = {
    {"ECDSA", "provider=rot", signature_functions, "ECDSA by a root of trust"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM exchanges[] = {
    {"ECDH", "provider=rot", exchange_functions, "ECDH by a root of trust"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM stores[] = {
    {"rot", "provider=rot", store_functions, "keys and certificates of a root of trust"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM decoders[] = {
    {"DER", "provider=rot,input=pem", pem_decoder_functions, "files that name a key"},
    {"EC", "provider=rot,input=der,structure=" REFERENCE_FORMAT, reference_decoder_functions,
     "what names a key"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM randoms[] = {
    {"ROT-RANDOM", "provider=rot", random_functions, "the generator of a root of trust"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *
query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return keymgmts;
    case OSSL_OP_SIGNATURE:
        return signatures;
    case OSSL_OP_KEYEXCH:
        return exchanges;
    case OSSL_OP_STORE:
        return stores;
    case OSSL_OP_DECODER:
        return decoders;
    case OSSL_OP_RAND:
        return randoms;
    default:
        return NULL;
    }
}

static const OSSL_ITEM *
reasons(void *ctx)
{
    (void)ctx;
    return provider_reasons;
}

static const OSSL_PARAM *
gettable(void *ctx)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_NAME, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_VERSION, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_STATUS, OSSL_PARAM_INTEGER, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    return known;
}

static int
get_params(void *ctx, OSSL_PARAM params[])
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);

    (void)ctx;
    if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, "Rootsmith root of trust"))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION);
    if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, VERSION))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return p == NULL || OSSL_PARAM_set_int(p, 1);
}

/* ---- Loading and leaving ------------------------------------------------------------------ */

static void
leave(void *ctx)
{
    struct provider *p = ctx;

    while (p->kept != NULL) {
        struct kept *k = p->kept;

        p->kept = k->next;
        chips_drop(k->chips);
        free(k);
    }
    CRYPTO_THREAD_lock_free(p->guard);
    OSSL_LIB_CTX_free(p->ctx);
    free(p);
}

static const OSSL_DISPATCH provider_functions[] = {
    FUNCTION(OSSL_FUNC_PROVIDER_TEARDOWN, leave),
    FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    FUNCTION(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable),
    FUNCTION(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params),
    FUNCTION(OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, reasons),
    FUNCTIONS_END,
};

/* What the configuration says in the provider's section. */
static int
read_settings(struct provider *p, OSSL_FUNC_core_get_params_fn *get)
{
    char *random = NULL, *exchange = NULL;
    OSSL_PARAM ask[] = {OSSL_PARAM_construct_utf8_ptr("random", &random, 0),
                        OSSL_PARAM_construct_utf8_ptr("exchange", &exchange, 0), OSSL_PARAM_END};

    if (get == NULL || get(p->handle, ask) != 1)
        return 1;
    if (exchange != NULL && strcmp(exchange, "in-clear") != 0)
        return provider_fail(p, ROT_E_FORMAT, "exchange = %.40s: want in-clear", exchange);
    p->may_agree_in_clear = exchange != NULL;
    if (random == NULL)
        return 1;
    if (random[0] == '\0' || strlen(random) >= sizeof(p->random_chip))
        return provider_fail(p, ROT_E_FORMAT, "random = %.80s: no name of a chip", random);
    memcpy(p->random_chip, random, strlen(random) + 1);
    return 1;
}

int
rot_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                  const OSSL_DISPATCH **out, void **ret_ctx)
{
    OSSL_FUNC_core_get_params_fn *get = NULL;
    struct provider *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return 0;
    p->handle = handle;
    for (const OSSL_DISPATCH *f = in; f->function_id != 0; f++) {
        switch (f->function_id) {
        case OSSL_FUNC_CORE_NEW_ERROR:
            p->new_error = OSSL_FUNC_core_new_error(f);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            p->vset_error = OSSL_FUNC_core_vset_error(f);
            break;
        case OSSL_FUNC_CORE_GET_PARAMS:
            get = OSSL_FUNC_core_get_params(f);
            break;
        default:
            break;
        }
    }
    p->guard = CRYPTO_THREAD_lock_new();
    p->ctx = OSSL_LIB_CTX_new_from_dispatch(handle, in);
    if (p->guard == NULL || p->ctx == NULL || !read_settings(p, get)) {
        leave(p);
        return 0;
    }
    *out = provider_functions;
    *ret_ctx = p;
    return 1;
}

EVP_PKEY *
rot_provider_key(OSSL_LIB_CTX *ctx, const char *uri)
{
    OSSL_STORE_CTX *store;
    EVP_PKEY *key = NULL;

    if (uri == NULL)
        return NULL;
    store = OSSL_STORE_open_ex(uri, ctx, "provider=rot", NULL, NULL, NULL, NULL, NULL);
    if (store == NULL)
        return NULL;
    if (OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(store);
    return key;
}
