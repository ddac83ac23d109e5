/*
 * signature.c: ECDSA; the host hashes, the part signs, the host verifies what it gave.
 *
 * A signature is checked with the public key before it is given out.  That costs
 * a tenth of a millisecond; it finds a part that was given another key since
 * the reference was written, and a fault in the computation, which would tell
 * whoever sees it the private key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <rot/rot_driver.h>

#define DIGEST_LEAST 32 /* bytes: nothing weaker than SHA-256 is signed */

struct signing {
    struct provider *provider;
    struct key *key;
    EVP_MD *md;
    EVP_MD_CTX *hash;
};

static void *
signature_new(void *ctx, const char *properties)
{
    struct signing *s = calloc(1, sizeof(*s));

    (void)properties;
    if (s != NULL)
        s->provider = ctx;
    return s;
}

static void
signature_free(void *ctx)
{
    struct signing *s = ctx;

    if (s == NULL)
        return;
    EVP_MD_CTX_free(s->hash);
    EVP_MD_free(s->md);
    key_free(s->key);
    free(s);
}

static void *
signature_dup(void *ctx)
{
    const struct signing *from = ctx;
    struct signing *s = signature_new(from->provider, NULL);

    if (s == NULL)
        return NULL;
    if (from->md != NULL && EVP_MD_up_ref(from->md))
        s->md = from->md;
    if (from->key != NULL) {
        key_hold(from->key);
        s->key = from->key;
    }
    if (from->hash != NULL) {
        s->hash = EVP_MD_CTX_new();
        if (s->hash == NULL || !EVP_MD_CTX_copy_ex(s->hash, from->hash)) {
            signature_free(s);
            return NULL;
        }
    }
    return s;
}

/* ---- The digest ------------------------------------------------------------------------ */

static int
set_digest(struct signing *s, const char *name)
{
    EVP_MD *md = EVP_MD_fetch(s->provider->ctx, name, NULL);

    if (md == NULL || EVP_MD_get_size(md) < DIGEST_LEAST || EVP_MD_get_size(md) > EVP_MAX_MD_SIZE) {
        EVP_MD_free(md);
        return provider_fail(s->provider, ROT_E_UNSUPPORTED, "the digest %.40s is not signed",
                             name);
    }
    EVP_MD_free(s->md);
    s->md = md;
    return 1;
}

static int
set_key(struct signing *s, struct key *key)
{
    if (key == NULL)
        return s->key != NULL; /* started again with the key it has */
    if (key->alg == ROT_ALG_NONE)
        return 0;
    key_hold(key);
    key_free(s->key);
    s->key = key;
    return 1;
}

/* As FIPS 186-5 6.4 takes it: the leftmost bits of a longer digest; a shorter one is a number. */
static void
fit_digest(uint8_t out[ROT_DIGEST_MAX], size_t want, const uint8_t *digest, size_t len)
{
    memset(out, 0, ROT_DIGEST_MAX);
    if (len >= want)
        memcpy(out, digest, want);
    else
        memcpy(out + want - len, digest, len);
}

/* ---- Signing and verifying a digest -------------------------------------------------------- */

static int
verify_digest(const struct signing *s, const uint8_t *sig, size_t sig_len, const uint8_t *digest,
              size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(s->provider->ctx, s->key->pub, NULL);
    int rc = 0;

    if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1)
        rc = EVP_PKEY_verify(ctx, sig, sig_len, digest, len);
    EVP_PKEY_CTX_free(ctx);
    return rc == 1;
}

/* A wire that failed is tried once more: a part that went away and came back is opened afresh. */
static int
sign_in_part(const struct signing *s, const uint8_t *digest, uint8_t *sig, size_t cap,
             size_t *ret_len)
{
    struct rot_chip *chip;
    uint32_t status = 0;
    rot_err rc = ROT_E_BUS;

    for (int tries = 0; tries < 2 && rc == ROT_E_BUS; tries++) {
        if (!provider_lock(s->provider, s->key->chips, &chip))
            return 0;
        rc = rot_sign_digest(chip, s->key->object, digest, s->key->size, sig, cap, ret_len);
        status = rot_raw_status(chip);
        chips_unlock(s->key->chips);
    }
    if (rc != ROT_OK)
        return provider_fail(s->provider, rc, "%s: sign: the part says %s, status word 0x%08x",
                             chips_name(s->key->chips), rot_err_name(rc), (unsigned)status);
    return 1;
}

static int
signature_sign(void *ctx, unsigned char *sig, size_t *ret_len, size_t cap,
               const unsigned char *digest, size_t len)
{
    const struct signing *s = ctx;
    uint8_t fitted[ROT_DIGEST_MAX], made[ROT_SIGNATURE_MAX];
    size_t made_len = 0;

    if (s->key == NULL || s->key->chips == NULL)
        return provider_fail(s->provider, ROT_E_EMPTY, "a public key signs nothing");
    if (sig == NULL) {
        *ret_len = key_signature_size(s->key);
        return 1;
    }
    if (len < DIGEST_LEAST || len > ROT_DIGEST_MAX ||
        (s->md != NULL && len != (size_t)EVP_MD_get_size(s->md)))
        return provider_fail(s->provider, ROT_E_ARG, "a digest of %zu bytes is not signed", len);
    fit_digest(fitted, s->key->size, digest, len);
    if (!sign_in_part(s, fitted, made, sizeof(made), &made_len))
        return 0;
    if (!verify_digest(s, made, made_len, fitted, s->key->size))
        return provider_fail(s->provider, ROT_E_MISMATCH,
                             "%s: what the part signed is not by the key that was named",
                             chips_name(s->key->chips));
    if (made_len > cap)
        return provider_fail(s->provider, ROT_E_SPACE, "no room for a signature");
    memcpy(sig, made, made_len);
    *ret_len = made_len;
    return 1;
}

static int
signature_verify(void *ctx, const unsigned char *sig, size_t sig_len, const unsigned char *digest,
                 size_t len)
{
    const struct signing *s = ctx;

    return s->key != NULL && verify_digest(s, sig, sig_len, digest, len);
}

static int
signature_init(void *ctx, void *key, const OSSL_PARAM params[])
{
    struct signing *s = ctx;
    const OSSL_PARAM *p =
        params != NULL ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST) : NULL;
    const char *name = NULL;

    if (!set_key(s, key))
        return 0;
    return p == NULL || (OSSL_PARAM_get_utf8_string_ptr(p, &name) && set_digest(s, name));
}

/* ---- Messages ------------------------------------------------------------------------------- */

static int
message_init(void *ctx, const char *name, void *key, const OSSL_PARAM params[])
{
    struct signing *s = ctx;

    if (!signature_init(s, key, params))
        return 0;
    if (name == NULL || name[0] == '\0')
        name = s->key->alg == ROT_ALG_P384 ? "SHA384" : "SHA256";
    if (!set_digest(s, name))
        return 0;
    if (s->hash == NULL)
        s->hash = EVP_MD_CTX_new();
    return s->hash != NULL && EVP_DigestInit_ex2(s->hash, s->md, NULL) == 1;
}

static int
message_update(void *ctx, const unsigned char *data, size_t len)
{
    struct signing *s = ctx;

    return s->hash != NULL && EVP_DigestUpdate(s->hash, data, len) == 1;
}

static int
message_sign(void *ctx, unsigned char *sig, size_t *ret_len, size_t cap)
{
    struct signing *s = ctx;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (s->hash == NULL)
        return 0;
    if (sig == NULL)
        return signature_sign(s, NULL, ret_len, 0, NULL, 0);
    return EVP_DigestFinal_ex(s->hash, digest, &len) == 1 &&
           signature_sign(s, sig, ret_len, cap, digest, len);
}

static int
message_verify(void *ctx, const unsigned char *sig, size_t sig_len)
{
    struct signing *s = ctx;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return s->hash != NULL && EVP_DigestFinal_ex(s->hash, digest, &len) == 1 &&
           signature_verify(s, sig, sig_len, digest, len);
}

/* ---- Parameters ------------------------------------------------------------------------------ */

/* AlgorithmIdentifier ecdsa-with-SHA2 (RFC 5758 3.2): the last byte is the digest's. */
static size_t
algorithm_id(const struct signing *s, uint8_t id[12])
{
    static const uint8_t sha256[12] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

    memcpy(id, sha256, sizeof(sha256));
    if (s->md == NULL)
        return 0;
    if (EVP_MD_is_a(s->md, "SHA384"))
        id[11] = 0x03;
    else if (EVP_MD_is_a(s->md, "SHA512"))
        id[11] = 0x04;
    else if (!EVP_MD_is_a(s->md, "SHA256"))
        return 0;
    return sizeof(sha256);
}

static int
signature_get(void *ctx, OSSL_PARAM params[])
{
    const struct signing *s = ctx;
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
    uint8_t id[12];
    size_t len;

    if (p != NULL) {
        len = algorithm_id(s, id);
        if (len == 0 || !OSSL_PARAM_set_octet_string(p, id, len))
            return 0;
    }
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST_SIZE);
    if (p != NULL && !OSSL_PARAM_set_size_t(p, s->md != NULL ? (size_t)EVP_MD_get_size(s->md) : 0))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
    return p == NULL || OSSL_PARAM_set_utf8_string(p, s->md != NULL ? EVP_MD_get0_name(s->md) : "");
}

static const OSSL_PARAM *
signature_gettable(void *ctx, void *provider)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
        OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    (void)provider;
    return known;
}

static int
signature_set(void *ctx, const OSSL_PARAM params[])
{
    struct signing *s = ctx;
    const OSSL_PARAM *p =
        params != NULL ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST) : NULL;
    const char *name = NULL;

    return p == NULL || (OSSL_PARAM_get_utf8_string_ptr(p, &name) && set_digest(s, name));
}

static const OSSL_PARAM *
signature_settable(void *ctx, void *provider)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)ctx;
    (void)provider;
    return known;
}

const OSSL_DISPATCH signature_functions[] = {
    FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
    FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signature_free),
    FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dup),
    FUNCTION(OSSL_FUNC_SIGNATURE_SIGN_INIT, signature_init),
    FUNCTION(OSSL_FUNC_SIGNATURE_SIGN, signature_sign),
    FUNCTION(OSSL_FUNC_SIGNATURE_VERIFY_INIT, signature_init),
    FUNCTION(OSSL_FUNC_SIGNATURE_VERIFY, signature_verify),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, message_init),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, message_update),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, message_sign),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, message_init),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, message_update),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, message_verify),
    FUNCTION(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signature_get),
    FUNCTION(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signature_gettable),
    FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set),
    FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable),
    FUNCTIONS_END,
};
