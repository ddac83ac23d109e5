/*
 * keystore_test.c: keys in encrypted files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "keys/keystore.h"

struct fixture {
    char dir[64];
    struct keystore store;
};

static void
open_with(struct keystore *store, const char *dir, const char *text)
{
    struct rs_secret pass;

    assert_int_equal(rs_secret_init(&pass, strlen(text), NULL), RS_OK);
    memcpy(pass.p, text, strlen(text));
    assert_int_equal(keystore_open(store, dir, &pass, NULL), RS_OK);
    rs_secret_done(&pass);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/rs-keystore-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    open_with(&f->store, f->dir, "correct horse");
    *state = f;
    return 0;
}

static int
remove_one(void *arg, const char *name)
{
    char path[640];

    return rs_path_join(arg, name, path, sizeof(path), NULL) != RS_OK || unlink(path) != 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    keystore_done(&f->store);
    if (rs_dir_list(f->dir, remove_one, f->dir, NULL) != RS_OK)
        return -1;
    (void)rmdir(f->dir);
    free(f);
    return rs_secret_count() == 0 ? 0 : -1;
}

static void
read_file(const struct fixture *f, const char *name, struct rs_buf *ret, char path[640])
{
    assert_int_equal(rs_path_join(f->dir, name, path, 640, NULL), RS_OK);
    rs_buf_init(ret, 65536);
    assert_int_equal(rs_file_read(path, 65536, ret, NULL), RS_OK);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_names_that_leave_the_directory(void **state)
{
    static const char *const bad[] = {
        "../a", "a/b", ".a", ".",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct fixture *f = *state;
    struct crypto_key *key = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(keystore_generate(&f->store, bad[i], CRYPTO_P256, &key, NULL), RS_E_USAGE);
        assert_int_equal(keystore_load(&f->store, bad[i], &key, NULL), RS_E_USAGE);
        assert_int_equal(keystore_has(&f->store, bad[i]), 0);
    }
    assert_int_equal(keystore_load(&f->store, "none", &key, NULL), RS_E_FILE_FAILED);
    assert_null(key);
}

static void
refuses_places_that_are_not_there(void **state)
{
    struct fixture *f = *state;
    struct keystore lost;
    struct rs_secret pass;
    struct crypto_key *key = NULL;
    char dir[600];

    assert_int_equal(keystore_generate(&f->store, "a", (enum crypto_alg)99, &key, NULL),
                     RS_E_CRYPTO_FAILED);
    assert_int_equal(keystore_has(&f->store, "a"), 0);
    open_with(&lost, "/nonexistent/directory", "x");
    assert_int_equal(keystore_generate(&lost, "a", CRYPTO_P256, &key, NULL), RS_E_FILE_FAILED);
    assert_null(key);
    keystore_done(&lost);
    keystore_done(NULL);
    memset(dir, 'a', sizeof(dir));
    dir[sizeof(dir) - 1] = '\0';
    assert_int_equal(rs_secret_init(&pass, 1, NULL), RS_OK);
    assert_int_equal(keystore_open(&lost, dir, &pass, NULL), RS_E_FILE_FAILED);
    rs_secret_done(&pass);
}

static void
refuses_to_write_a_key_twice(void **state)
{
    struct fixture *f = *state;
    struct crypto_key *key, *second = NULL;

    assert_int_equal(keystore_generate(&f->store, "a", CRYPTO_P256, &key, NULL), RS_OK);
    assert_int_equal(keystore_has(&f->store, "a"), 1);
    assert_int_equal(keystore_generate(&f->store, "a", CRYPTO_P256, &second, NULL), RS_E_EXISTS);
    assert_null(second);
    crypto_key_free(key);
}

static void
refuses_the_wrong_passphrase(void **state)
{
    struct fixture *f = *state;
    struct keystore other;
    struct crypto_key *key, *back = NULL;
    struct rs_err err = {0};

    assert_int_equal(keystore_generate(&f->store, "a", CRYPTO_P256, &key, NULL), RS_OK);
    open_with(&other, f->dir, "correct hors");
    assert_int_equal(keystore_load(&other, "a", &back, &err), RS_E_KEY_LOCKED);
    assert_null(strstr(err.text, "correct"));
    assert_null(back);
    keystore_done(&other);
    crypto_key_free(key);
}

/* Every byte is either bound or checked; scrypt makes each try slow, so samples only. */
static void
refuses_changed_cut_and_swapped_files(void **state)
{
    struct fixture *f = *state;
    struct crypto_key *a, *back = NULL;
    struct rs_buf file;
    char path[640];

    assert_int_equal(keystore_generate(&f->store, "a", CRYPTO_P256, &a, NULL), RS_OK);
    read_file(f, "a.key", &file, path);
    for (size_t i = 0; i < file.len; i += i < 28 ? 1 : 23) {
        file.p[i] ^= 1;
        assert_int_equal(rs_file_replace(path, rs_buf_bytes(&file), 0600, NULL), RS_OK);
        assert_int_equal(keystore_load(&f->store, "a", &back, NULL), RS_E_KEY_LOCKED);
        file.p[i] ^= 1;
    }
    for (size_t len = 0; len < file.len; len += 17) {
        assert_int_equal(rs_file_replace(path, rs_bytes_of(file.p, len), 0600, NULL), RS_OK);
        assert_int_equal(keystore_load(&f->store, "a", &back, NULL), RS_E_KEY_LOCKED);
    }
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&file), 0600, NULL), RS_OK);
    assert_int_equal(rs_path_join(f->dir, "b.key", path, sizeof(path), NULL), RS_OK);
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&file), 0600, NULL), RS_OK);
    assert_int_equal(keystore_load(&f->store, "b", &back, NULL), RS_E_KEY_LOCKED); /* a's file */
    assert_null(back);
    rs_buf_done(&file);
    crypto_key_free(a);
}

/* ---- What works ---------------------------------------------------------------------- */

static void
keys_come_back_and_stay_sealed(void **state)
{
    static const enum crypto_alg algs[] = {CRYPTO_P256, CRYPTO_P384, CRYPTO_ED25519,
                                           CRYPTO_RSA2048};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct crypto_key *key, *back;
        struct rs_buf file, pkcs8;
        struct stat st;
        uint8_t sig[CRYPTO_SIGNATURE_MAX];
        char name[8], leaf[16], path[640];
        size_t len;
        (void)snprintf(name, sizeof(name), "k%zu", i);
        (void)snprintf(leaf, sizeof(leaf), "k%zu.key", i);
        assert_int_equal(keystore_generate(&f->store, name, algs[i], &key, NULL), RS_OK);
        assert_int_equal(keystore_load(&f->store, name, &back, NULL), RS_OK);
        assert_int_equal(crypto_key_alg(back), algs[i]);
        assert_int_equal(crypto_sign(back, rs_bytes_str("m"), sig, sizeof(sig), &len, NULL), RS_OK);
        assert_int_equal(crypto_verify_own(key, rs_bytes_str("m"), rs_bytes_of(sig, len), NULL),
                         RS_OK);
        read_file(f, leaf, &file, path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        rs_buf_init(&pkcs8, 8192);
        pkcs8.secret = 1;
        assert_int_equal(crypto_key_to_pkcs8(key, &pkcs8, NULL), RS_OK);
        assert_null(memmem(file.p, file.len, pkcs8.p + pkcs8.len / 2 - 8, 16));
        rs_buf_done(&pkcs8);
        rs_buf_done(&file);
        crypto_key_free(key);
        crypto_key_free(back);
    }
}

/* One scrypt for all keys of a store; a file with another salt opens all the same. */
static void
keys_of_one_store_share_a_salt(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct fixture *f = *state;
    struct keystore other;
    struct crypto_key *key;
    struct rs_buf file[3];
    char name[16], path[640];

    for (int i = 0; i < 3; i++) {
        if (i == 2) { /* a store that has opened nothing knows no salt */
            open_with(&other, f->dir, "correct horse");
            assert_int_equal(keystore_generate(&other, names[i], CRYPTO_P256, &key, NULL), RS_OK);
            keystore_done(&other);
        } else {
            assert_int_equal(keystore_generate(&f->store, names[i], CRYPTO_P256, &key, NULL),
                             RS_OK);
        }
        crypto_key_free(key);
        (void)snprintf(name, sizeof(name), "%s.key", names[i]);
        read_file(f, name, &file[i], path);
    }
    assert_memory_equal(file[0].p + 8, file[1].p + 8, KEYSTORE_SALT_SIZE);
    assert_memory_not_equal(file[0].p + 8, file[2].p + 8, KEYSTORE_SALT_SIZE);
    for (int i = 5; i >= 0; i--) {
        assert_int_equal(keystore_load(&f->store, names[i % 3], &key, NULL), RS_OK);
        crypto_key_free(key);
    }
    for (int i = 0; i < 3; i++)
        rs_buf_done(&file[i]);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_names_that_leave_the_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_places_that_are_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_to_write_a_key_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_the_wrong_passphrase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_changed_cut_and_swapped_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_come_back_and_stay_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_of_one_store_share_a_salt, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("keys/keystore", tests, NULL, NULL);
}
