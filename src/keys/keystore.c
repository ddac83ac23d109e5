/*
 * keystore.c: see keystore.h.
 *
 * File: magic "RSKY" and version 1 (8 bytes with a zero pad), salt (16), public
 * key (u16 length, SPKI), sealed PKCS#8 (u32 length: nonce, ciphertext, tag).
 * Associated data: everything before the sealed part, and the key's name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys/keystore.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/random.h"
#include "crypto/seal.h"

#define MAGIC          0x52534b59u
#define VERSION        1u
#define FILE_MAX_BYTES 16384
#define PKCS8_MAX      8192

rs_code
keystore_open(struct keystore *store, const char *dir, const struct rs_secret *passphrase,
              struct rs_err *err)
{
    rs_code rc;

    memset(store, 0, sizeof(*store));
    if (snprintf(store->dir, sizeof(store->dir), "%s", dir) >= (int)sizeof(store->dir))
        return rs_fail(err, RS_E_FILE_FAILED, "key store: path too long");
    rc = rs_secret_init(&store->passphrase, passphrase->len, err);
    if (rc == RS_OK)
        memcpy(store->passphrase.p, passphrase->p, passphrase->len);
    return rc;
}

void
keystore_done(struct keystore *store)
{
    if (store == NULL)
        return;
    rs_secret_done(&store->passphrase);
    rs_secret_done(&store->wrap);
}

static rs_code
key_path(const struct keystore *store, const char *name, char path[640], struct rs_err *err)
{
    char file[96];

    if (strchr(name, '/') != NULL || name[0] == '.' ||
        snprintf(file, sizeof(file), "%s.key", name) >= (int)sizeof(file))
        return rs_fail(err, RS_E_USAGE, "key store: \"%.60s\" is not a name", name);
    return rs_path_join(store->dir, file, path, 640, err);
}

int
keystore_has(struct keystore *store, const char *name)
{
    char path[640];

    return key_path(store, name, path, NULL) == RS_OK && rs_path_exists(path);
}

/* The file key from passphrase and salt; the one before is kept for files with the same salt. */
static rs_code
stretch(struct keystore *store, struct rs_bytes salt, struct rs_err *err)
{
    struct rs_secret wrap = {0};
    rs_code rc;

    if (store->wrap.len > 0 && rs_bytes_equal(salt, RS_BYTES(store->salt)))
        return RS_OK;
    rc = rs_secret_init(&wrap, 32, err);
    if (rc == RS_OK)
        rc = crypto_stretch(rs_bytes_of(store->passphrase.p, store->passphrase.len), salt, wrap.p,
                            err);
    if (rc != RS_OK) {
        rs_secret_done(&wrap);
        return rc;
    }
    rs_secret_done(&store->wrap);
    store->wrap = wrap;
    memcpy(store->salt, salt.p, sizeof(store->salt));
    return RS_OK;
}

/* The salt of the store's other keys; a new one for its first. */
static rs_code
stretch_for_new(struct keystore *store, struct rs_err *err)
{
    uint8_t salt[KEYSTORE_SALT_SIZE];
    rs_code rc;

    if (store->wrap.len > 0)
        return RS_OK;
    rc = rs_random(salt, sizeof(salt), err);
    return rc == RS_OK ? stretch(store, RS_BYTES(salt), err) : rc;
}

static void
put_aad(struct rs_buf *aad, struct rs_bytes head, const char *name)
{
    rs_buf_put_bytes(aad, head);
    rs_buf_put_str(aad, name);
}

static rs_code
seal_key(struct keystore *store, const char *name, const struct crypto_key *key,
         struct rs_buf *file, struct rs_err *err)
{
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf plain, aad;
    rs_buf_init(&plain, PKCS8_MAX);
    plain.secret = 1;
    rs_buf_init(&aad, FILE_MAX_BYTES);
    rc = stretch_for_new(store, err);
    if (rc == RS_OK)
        rc = crypto_key_to_pkcs8(key, &plain, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_put_u32(file, MAGIC);
    rs_buf_put_u32(file, VERSION);
    rs_buf_put(file, store->salt, sizeof(store->salt));
    rs_buf_put_u16_bytes(file, crypto_key_pub(key)->spki);
    put_aad(&aad, rs_buf_bytes(file), name);
    rs_buf_put_u32(file, (uint32_t)(CRYPTO_SEAL_NONCE + plain.len + CRYPTO_SEAL_TAG));
    rc = crypto_seal(store->wrap.p, rs_buf_bytes(&aad), rs_buf_bytes(&plain), file, err);
    if (rc == RS_OK && !rs_buf_ok(file))
        rc = rs_fail(err, RS_E_NO_MEMORY, "key store: no room");
    return rc;
}

rs_code
keystore_generate(struct keystore *store, const char *name, enum crypto_alg alg,
                  struct crypto_key **ret_key, struct rs_err *err)
{
    struct crypto_key *key;
    char path[640];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, FILE_MAX_BYTES);
    rc = key_path(store, name, path, err);
    if (rc != RS_OK)
        return rc;
    if (rs_path_exists(path))
        return rs_fail(err, RS_E_EXISTS, "key store: there is a key \"%s\" already", name);
    rc = crypto_key_generate(alg, &key, err);
    if (rc != RS_OK)
        return rc;
    rc = seal_key(store, name, key, &file, err);
    if (rc == RS_OK)
        rc = rs_file_replace(path, rs_buf_bytes(&file), 0600, err);
    if (rc != RS_OK) {
        crypto_key_free(key);
        return rc;
    }
    *ret_key = key;
    return RS_OK;
}

/* Open the sealed part of a file that was read. */
static rs_code
open_key(struct keystore *store, const char *name, struct rs_bytes file, struct rs_buf *plain,
         struct rs_bytes *ret_spki, struct rs_err *err)
{
    struct rs_reader r;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf aad;
    rs_buf_init(&aad, FILE_MAX_BYTES);
    rs_reader_init(&r, file);
    if (rs_read_u32(&r) != MAGIC || rs_read_u32(&r) != VERSION)
        return rs_fail(err, RS_E_KEY_LOCKED, "key store: %s is not a key file of version 1", name);
    struct rs_bytes salt = rs_read_bytes(&r, KEYSTORE_SALT_SIZE);
    *ret_spki = rs_read_u16_bytes(&r, 2048);
    if (!rs_reader_ok(&r))
        return rs_fail(err, RS_E_KEY_LOCKED, "key store: %s is cut short", name);
    put_aad(&aad, rs_bytes_of(file.p, (size_t)(r.p - file.p)), name);
    struct rs_bytes sealed = rs_read_u32_bytes(&r, PKCS8_MAX);
    if (!rs_reader_done(&r))
        return rs_fail(err, RS_E_KEY_LOCKED, "key store: %s is damaged", name);
    rc = stretch(store, salt, err);
    return rc == RS_OK ? crypto_open(store->wrap.p, rs_buf_bytes(&aad), sealed, plain, err) : rc;
}

rs_code
keystore_load(struct keystore *store, const char *name, struct crypto_key **ret_key,
              struct rs_err *err)
{
    struct crypto_key *key;
    struct rs_bytes spki;
    char path[640];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf file, plain;
    rs_buf_init(&file, FILE_MAX_BYTES);
    rs_buf_init(&plain, PKCS8_MAX);
    plain.secret = 1;
    rc = key_path(store, name, path, err);
    if (rc == RS_OK)
        rc = rs_file_read(path, FILE_MAX_BYTES, &file, err);
    if (rc == RS_OK)
        rc = open_key(store, name, rs_buf_bytes(&file), &plain, &spki, err);
    if (rc == RS_OK)
        rc = crypto_key_from_pkcs8(rs_buf_bytes(&plain), &key, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_bytes_equal(crypto_key_pub(key)->spki, spki)) {
        crypto_key_free(key);
        return rs_fail(err, RS_E_KEY_LOCKED, "key store: %s holds another key than it says", name);
    }
    *ret_key = key;
    return RS_OK;
}
