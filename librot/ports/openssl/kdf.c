/*
 * kdf.c: key derivation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#define PARAMS_MAX 6

/* OSSL_PARAM wants pointers that are not const, though it only reads: this is the one place. */
static OSSL_PARAM
octets(const char *name, struct rot_bytes b)
{
    union {
        const uint8_t *in;
        void *out;
    } p = {.in = b.len != 0 ? b.p : (const uint8_t *)""};

    return OSSL_PARAM_construct_octet_string(name, p.out, b.len);
}

static rot_err
run(EVP_KDF *kdf, OSSL_PARAM *params, size_t n, uint8_t *out, size_t out_len)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int ok;

    params[n] = OSSL_PARAM_construct_end();
    ok = ctx != NULL && EVP_KDF_derive(ctx, out, out_len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    return ok ? ROT_OK : ROT_E_PORT;
}

rot_err
port_kdf(void *self, struct rot_bytes secret, const struct rot_kdf_params *in, uint8_t *out)
{
    struct rot_port_openssl *p = self;
    OSSL_PARAM params[PARAMS_MAX];
    char digest[] = "SHA256";
    int mode = in->kdf == ROT_KDF_HKDF_EXPAND ? EVP_KDF_HKDF_MODE_EXPAND_ONLY
                                              : EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
    size_t n = 0;

    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    switch (in->kdf) {
    case ROT_KDF_HKDF_SHA256:
    case ROT_KDF_HKDF_EXPAND:
        params[n++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
        params[n++] = octets(OSSL_KDF_PARAM_KEY, secret);
        if (in->salt.len != 0)
            params[n++] = octets(OSSL_KDF_PARAM_SALT, in->salt);
        if (in->info.len != 0)
            params[n++] = octets(OSSL_KDF_PARAM_INFO, in->info);
        return run(p->hkdf, params, n, out, in->out_len);
    case ROT_KDF_TLS12_PRF_SHA256:
        /* RFC 5246 5: PRF(secret, label, seed); OpenSSL joins the seeds it gets. */
        params[n++] = octets(OSSL_KDF_PARAM_SECRET, secret);
        params[n++] = octets(OSSL_KDF_PARAM_SEED, in->label);
        if (in->info.len != 0)
            params[n++] = octets(OSSL_KDF_PARAM_SEED, in->info);
        return run(p->tls_prf, params, n, out, in->out_len);
    case ROT_KDF_SINGLE_STEP:
        params[n++] = octets(OSSL_KDF_PARAM_KEY, secret);
        if (in->info.len != 0)
            params[n++] = octets(OSSL_KDF_PARAM_INFO, in->info);
        return run(p->single_step, params, n, out, in->out_len);
    }
    return ROT_E_PORT;
}

rot_err
port_stretch(void *self, struct rot_bytes passphrase, struct rot_bytes salt, uint32_t iterations,
             uint8_t *out, size_t out_len)
{
    struct rot_port_openssl *p = self;
    OSSL_PARAM params[PARAMS_MAX];
    char digest[] = "SHA256";
    size_t n = 0;

    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[n++] = octets(OSSL_KDF_PARAM_PASSWORD, passphrase);
    params[n++] = octets(OSSL_KDF_PARAM_SALT, salt);
    params[n++] = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &iterations);
    return run(p->pbkdf2, params, n, out, out_len);
}
