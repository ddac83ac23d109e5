/*
 * rot_provider.h: keys of a root of trust for OpenSSL 3, inside a program.
 *
 * Programs that are not ours load the module rot.so by a few lines of
 * configuration (docs/bindings/provider.md).  A program of ours links it:
 *
 *     OSSL_PROVIDER_add_builtin(ctx, "rot", rot_provider_init);
 *     OSSL_PROVIDER *rot = OSSL_PROVIDER_load(ctx, "rot");
 *     EVP_PKEY *key = rot_provider_key(ctx, "rot:i2c:1:0x60;object=ldevid/0");
 *
 * Load the provider "default" too: once one is named, none is loaded by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BINDINGS_PROVIDER_ROT_PROVIDER_H
#define BINDINGS_PROVIDER_ROT_PROVIDER_H

#include <openssl/core.h>
#include <openssl/evp.h>

/* For OSSL_PROVIDER_add_builtin(). */
int rot_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                      const OSSL_DISPATCH **out, void **ret_ctx);

/*
 * The private key that a rot: URI names (bindings/shared/uri.h), through the
 * provider loaded into ctx; NULL is the default context.  The part is asked for
 * the public key only.  The caller frees it with EVP_PKEY_free().
 *
 * NULL when there is none; why is on OpenSSL's error queue.
 */
EVP_PKEY *rot_provider_key(OSSL_LIB_CTX *ctx, const char *uri);

#endif /* BINDINGS_PROVIDER_ROT_PROVIDER_H */
