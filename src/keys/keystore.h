/*
 * keystore.h: private keys in encrypted files, one file a key.
 *
 * A file holds the public key in clear and the PKCS#8 private key sealed with
 * AES-256-GCM under a key that scrypt makes of the store's passphrase; the name
 * and the public key are bound as associated data, so that files cannot be
 * swapped.  Files are written once, exclusively, mode 0600, never changed.
 *
 * scrypt is slow on purpose.  The files of one store share its salt, and what
 * it gave is kept, so that a store of many keys opens as fast as one of one key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEYS_KEYSTORE_H
#define KEYS_KEYSTORE_H

#include "base/secret.h"
#include "crypto/key.h"

#define KEYSTORE_SALT_SIZE 16

struct keystore {
    char dir[512];
    struct rs_secret passphrase; /* owned */
    struct rs_secret wrap;       /* what scrypt made of passphrase and salt; empty: nothing yet */
    uint8_t salt[KEYSTORE_SALT_SIZE];
};

/* dir must exist.  The passphrase is copied into locked memory. */
RS_MUST_USE rs_code keystore_open(struct keystore *store, const char *dir,
                                  const struct rs_secret *passphrase, struct rs_err *err);
void keystore_done(struct keystore *store);

/* Make a key and its file; RS_E_EXISTS when there is one of that name. */
RS_MUST_USE rs_code keystore_generate(struct keystore *store, const char *name, enum crypto_alg alg,
                                      struct crypto_key **ret_key, struct rs_err *err);

/* RS_E_KEY_LOCKED: wrong passphrase or damaged.  RS_E_FILE_FAILED: no such file. */
RS_MUST_USE rs_code keystore_load(struct keystore *store, const char *name,
                                  struct crypto_key **ret_key, struct rs_err *err);

int keystore_has(struct keystore *store, const char *name);

#endif /* KEYS_KEYSTORE_H */
