/*
 * decoder.c: key reference files (shared/reference.h) become keys.
 *
 * Two steps, as OpenSSL chains them: PEM with our label to DER, and DER to a
 * key.  What is not ours is left to others without an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include "shared/reference.h"

static void *
decoder_new(void *ctx)
{
    return ctx; /* nothing of its own */
}

static void
decoder_free(void *ctx)
{
    (void)ctx;
}

static int
any_selection(void *ctx, int selection)
{
    (void)ctx;
    (void)selection;
    return 1;
}

/* ---- PEM --------------------------------------------------------------------------------- */

static int
give_der(unsigned char *der, size_t len, OSSL_CALLBACK *callback, void *arg)
{
    char structure[] = REFERENCE_FORMAT, type[] = "EC";
    int object = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, type, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE, structure, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, der, len),
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_end(),
    };

    return callback(params, arg);
}

static int
decode_pem(void *ctx, OSSL_CORE_BIO *core, int selection, OSSL_CALLBACK *callback, void *arg,
           OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_arg)
{
    const struct provider *p = ctx;
    BIO *in = BIO_new_from_core_bio(p->ctx, core);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    int ok = 1;

    (void)selection;
    (void)passphrase;
    (void)passphrase_arg;
    if (in == NULL)
        return 0;
    (void)ERR_set_mark();
    if (PEM_read_bio(in, &name, &header, &der, &len) == 1 &&
        strcmp(name, ROT_REFERENCE_LABEL) == 0 && header[0] == '\0')
        ok = give_der(der, (size_t)len, callback, arg);
    (void)ERR_pop_to_mark();
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(in);
    return ok;
}

const OSSL_DISPATCH pem_decoder_functions[] = {
    FUNCTION(OSSL_FUNC_DECODER_NEWCTX, decoder_new),
    FUNCTION(OSSL_FUNC_DECODER_FREECTX, decoder_free),
    FUNCTION(OSSL_FUNC_DECODER_DOES_SELECTION, any_selection),
    FUNCTION(OSSL_FUNC_DECODER_DECODE, decode_pem),
    FUNCTIONS_END,
};

/* ---- DER ----------------------------------------------------------------------------------- */

static int
decode_reference(void *ctx, OSSL_CORE_BIO *core, int selection, OSSL_CALLBACK *callback, void *arg,
                 OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_arg)
{
    struct provider *p = ctx;
    BIO *in = BIO_new_from_core_bio(p->ctx, core);
    uint8_t der[ROT_REFERENCE_MAX + 1];
    struct rot_reference ref;
    struct key *key;
    size_t len = 0, n = 0;

    (void)selection;
    (void)passphrase;
    (void)passphrase_arg;
    if (in == NULL)
        return 0;
    while (len < sizeof(der) && BIO_read_ex(in, der + len, sizeof(der) - len, &n) == 1 && n > 0)
        len += n;
    BIO_free(in);
    if (rot_reference_read(der, len, &ref) != ROT_OK)
        return 1;
    key = key_by_uri(p, &ref.parsed, ref.spki.p, ref.spki.len);
    return key == NULL ? 0 : key_give(key, callback, arg);
}

const OSSL_DISPATCH reference_decoder_functions[] = {
    FUNCTION(OSSL_FUNC_DECODER_NEWCTX, decoder_new),
    FUNCTION(OSSL_FUNC_DECODER_FREECTX, decoder_free),
    FUNCTION(OSSL_FUNC_DECODER_DOES_SELECTION, any_selection),
    FUNCTION(OSSL_FUNC_DECODER_DECODE, decode_reference),
    FUNCTIONS_END,
};
