/*
 * provider.h: what the files of the OpenSSL provider share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BINDINGS_PROVIDER_PROVIDER_H
#define BINDINGS_PROVIDER_PROVIDER_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#include "rot_provider.h"
#include "shared/chips.h"
#include "shared/uri.h"

#define PROVIDER_NAME    "rot"
#define REFERENCE_FORMAT "rot-key-reference" /* between our two decoders */

/* A part that stays ours between the keys that are used: opening one takes time. */
struct kept {
    struct kept *next;
    struct chips *chips;
};

/* One loaded provider. */
struct provider {
    const OSSL_CORE_HANDLE *handle;
    OSSL_LIB_CTX *ctx; /* of our own, with the provider "default": public keys and digests */
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    CRYPTO_RWLOCK *guard; /* of kept */
    struct kept *kept;
    char random_chip[ROT_URI_CHIP_MAX]; /* "random = CHIP" of the configuration; "": none */
    int may_agree_in_clear;             /* "exchange = in-clear" of the configuration */
};

/* Put a reason, and a sentence, on the program's error queue; gives 0. */
int provider_fail(const struct provider *p, rot_err rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The reasons, for the provider's table. */
extern const OSSL_ITEM provider_reasons[];

/* The part of a name, kept until the provider goes; NULL and an error when refused. */
struct chips *provider_chips(struct provider *p, const char *name);

/* Lock it; 0 and an error when that fails. */
int provider_lock(const struct provider *p, struct chips *chips, struct rot_chip **ret_chip);

/* ---- Keys (key.c) ------------------------------------------------------------- */

/* A public key, and perhaps where its private half is.  Constant once it is made. */
struct key {
    struct provider *provider;
    struct key *self; /* for a copy, which is asked for by const */
    int count;
    struct chips *chips; /* NULL: public only; else kept by the provider */
    rot_object object;
    enum rot_alg alg;  /* ROT_ALG_NONE: empty, until something is imported */
    size_t size;       /* bytes of a coordinate, and of a digest */
    uint8_t point[97]; /* 04 X Y */
    uint8_t spki[160];
    size_t spki_len;
    EVP_PKEY *pub; /* in the provider's own context */
};

/* How a store or a decoder hands a key to OpenSSL, which loads it, or does not. */
struct handle {
    struct key *key;
    int *is_taken;
};

/* Pass a key on by that way, with the object's type and data type; it is gone afterwards. */
int key_give(struct key *key, OSSL_CALLBACK *callback, void *arg);

/* An empty one, to import into. */
struct key *key_new(struct provider *p);
void key_free(struct key *key);
void key_hold(struct key *key);

/* Make an empty key that public one; 0 and an error when it is none of ours. */
int key_set_public(struct key *key, const uint8_t *spki, size_t len);

/* A key by its URI, public half known (spki) or asked for in the part (NULL). */
struct key *key_by_uri(struct provider *p, const struct rot_uri *uri, const uint8_t *spki,
                       size_t spki_len);

const char *key_group(const struct key *key);

/* Bytes that a signature takes at most. */
size_t key_signature_size(const struct key *key);

/* ---- The tables ------------------------------------------------------------------ */

extern const OSSL_DISPATCH keymgmt_functions[];
extern const OSSL_DISPATCH signature_functions[];
extern const OSSL_DISPATCH exchange_functions[];
extern const OSSL_DISPATCH store_functions[];
extern const OSSL_DISPATCH pem_decoder_functions[];
extern const OSSL_DISPATCH reference_decoder_functions[];
extern const OSSL_DISPATCH random_functions[];

#define FUNCTION(id, f) {(id), (void (*)(void))(f)}
#define FUNCTIONS_END   {0, NULL}

#endif /* BINDINGS_PROVIDER_PROVIDER_H */
