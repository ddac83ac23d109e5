/*
 * publish_test.c: lists as files: whole, never older, whenever the writer dies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base_test.h"
#include "server/publish.h"
#include "x509/crl.h"

#define ENTRIES 200 /* long enough for a torn write */

static const uint8_t name_a[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                                "a";
static const uint8_t name_b[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                                "b";
static struct crypto_key *key;
static struct help_der first, second, third, others;
static const struct help_der *to_publish;
static const char *dir;

static void
entry(void *arg, size_t i, struct crl_entry *ret_entry)
{
    static uint8_t serial[2];

    (void)arg;
    serial[0] = (uint8_t)(i / 256 + 1);
    serial[1] = (uint8_t)i;
    *ret_entry = (struct crl_entry){.serial = RS_BYTES(serial), .revoked_at = 1700000000};
}

static void
make(uint64_t number, const uint8_t *issuer, struct help_der *ret)
{
    struct crl_spec spec = {.sig_alg = CRYPTO_ECDSA_SHA256,
                            .issuer_name = rs_bytes_of(issuer, sizeof(name_a) - 1),
                            .this_update = 1700000000,
                            .next_update = 1700086400,
                            .number = number,
                            .entry_count = ENTRIES,
                            .entry = entry};
    uint8_t *room = malloc(crl_capacity(&spec)), sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    struct rs_buf out;
    size_t len;

    assert_non_null(room);
    assert_int_equal(crl_build(&spec, room, crl_capacity(&spec), &tbs, NULL), RS_OK);
    assert_int_equal(crypto_sign(key, tbs, sig, sizeof(sig), &len, NULL), RS_OK);
    rs_buf_init_fixed(&out, ret->p, sizeof(ret->p));
    assert_int_equal(x509_assemble(tbs, spec.sig_alg, rs_bytes_of(sig, len), &out, NULL), RS_OK);
    ret->len = out.len;
    free(room);
}

static int
set_up(void **state)
{
    if (base_test_setup(state) != 0)
        return -1;
    key = help_key(CRYPTO_P256);
    make(1, name_a, &first);
    make(2, name_a, &second);
    make(300, name_a, &third);
    make(9, name_b, &others);
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    return at->level > 0 ? remove(path) : 0;
}

static int
tear_down(void **state)
{
    (void)nftw(base_test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    crypto_key_free(key);
    return base_test_teardown(state);
}

/* A new directory with the first list. */
static void
begin(const char *name)
{
    static char path[200];

    (void)snprintf(path, sizeof(path), "%s", base_test_path(name));
    dir = path;
    assert_int_equal(rs_dir_make(dir, 0755, NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&first), NULL), RS_OK);
}

static int
file_is(const struct help_der *d)
{
    char path[256];
    struct rs_buf got;
    int same;

    (void)snprintf(path, sizeof(path), "%s/ca.crl", dir);
    rs_buf_init(&got, HELP_MAX);
    assert_int_equal(rs_file_read(path, HELP_MAX, &got, NULL), RS_OK);
    same = rs_bytes_equal(rs_buf_bytes(&got), help_bytes(d));
    rs_buf_done(&got);
    return same;
}

static int
count_one(void *arg, const char *name)
{
    (void)name;
    ++*(int *)arg;
    return 0;
}

static int
files(void)
{
    int n = 0;

    assert_int_equal(rs_dir_list(dir, count_one, &n, NULL), RS_OK);
    return n;
}

/* ---- Refusals ---------------------------------------------------------------------------- */

static void
refuses_what_is_no_list_or_no_name(void **state)
{
    static const uint8_t rubbish[] = {0x30, 0x00};

    (void)state;
    begin("refuse");
    assert_int_not_equal(publish_crl(dir, "ca", RS_BYTES(rubbish), NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "../ca", help_bytes(&second), NULL), RS_E_FILE_FAILED);
    assert_int_equal(publish_crl(dir, ".ca", help_bytes(&second), NULL), RS_E_FILE_FAILED);
    assert_int_equal(publish_crl("/nowhere/at/all", "ca", help_bytes(&second), NULL),
                     RS_E_FILE_FAILED);
    assert_true(file_is(&first));
}

static void
refuses_somebody_elses_file(void **state)
{
    char path[256];

    (void)state;
    begin("theirs");
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&others), NULL), RS_E_FILE_FAILED);
    assert_true(file_is(&first));
    (void)snprintf(path, sizeof(path), "%s/ca.crl", dir);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("hello"), 0644, NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&second), NULL), RS_E_FILE_FAILED);
}

static void
older_never_replaces_newer(void **state)
{
    (void)state;
    begin("older");
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&third), NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&second), NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&first), NULL), RS_OK);
    assert_true(file_is(&third));
}

static void
waits_for_another_writer(void **state)
{
    char lock[256];
    int fd;

    (void)state;
    begin("busy");
    (void)snprintf(lock, sizeof(lock), "%s/.rootsmith-lock", dir);
    assert_int_equal(rs_file_open(lock, RS_OPEN_WRITE, &fd, NULL), RS_OK);
    assert_int_equal(rs_file_lock(fd, NULL), RS_OK);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&second), NULL), RS_E_STORE_BUSY);
    assert_true(file_is(&first));
    rs_file_close(fd);
    assert_int_equal(publish_crl(dir, "ca", help_bytes(&second), NULL), RS_OK);
    assert_true(file_is(&second));
}

/* ---- Faults -------------------------------------------------------------------------------- */

static void
publish_in_child(void)
{
    exit(publish_crl(dir, "ca", help_bytes(to_publish), NULL) == RS_OK ? 0 : 1);
}

/*
 * Every call of every kind fails, or the process dies at it.  The file is the old list or
 * the new one, whole; and the next writer brings the new one and leaves nothing beside it.
 */
static void
whole_whatever_fails(void **state)
{
    static const char *const points[] = {"open",   "write",         "sync",        "truncate",
                                         "rename", "crl-replacing", "crl-replaced"};
    static const char *const acts[] = {"EIO", "ENOSPC", "kill", "+kill", "torn"};
    unsigned hits = 0;

    (void)state;
    begin("faults");
    to_publish = &second;
    for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
        for (size_t a = 0; a < sizeof(acts) / sizeof(acts[0]); a++) {
            for (int n = 1;; n++) {
                char rule[80], path[256];
                const char *act = acts[a];
                int after = act[0] == '+', status;
                (void)snprintf(rule, sizeof(rule), "%s@%d%s=%s", points[p], n, after ? "+" : "",
                               act + after);
                base_test_rules(rule);
                status = base_test_child(publish_in_child);
                base_test_rules("");
                assert_true(file_is(&first) || file_is(&second));
                if (status == 0) {
                    assert_true(file_is(&second)); /* the rule met nothing more */
                } else {
                    assert_true(status == 1 || status == -SIGKILL);
                    hits++;
                }
                assert_int_equal(publish_crl(dir, "ca", help_bytes(&second), NULL), RS_OK);
                assert_true(file_is(&second));
                assert_int_equal(files(), 1);
                /* Back to the first one. */
                (void)snprintf(path, sizeof(path), "%s/ca.crl", dir);
                assert_int_equal(rs_file_remove(path, NULL), RS_OK);
                assert_int_equal(publish_crl(dir, "ca", help_bytes(&first), NULL), RS_OK);
                if (status == 0)
                    break;
            }
        }
    }
    assert_true(hits >= 15);
}

static void
readers_see_whole_lists(void **state)
{
    char path[256];
    pid_t reader;
    int status;

    (void)state;
    begin("readers");
    (void)snprintf(path, sizeof(path), "%s/ca.crl", dir);
    reader = fork();
    assert_true(reader >= 0);
    if (reader == 0) {
        uint64_t last = 0;
        while (last < 60) {
            struct rs_buf got;
            struct crl crl;
            rs_buf_init(&got, HELP_MAX);
            if (rs_file_read(path, HELP_MAX, &got, NULL) != RS_OK ||
                crl_read(rs_buf_bytes(&got), &crl, NULL) != RS_OK || crl.number < last)
                _exit(1);
            last = crl.number;
            rs_buf_done(&got);
        }
        _exit(0);
    }
    for (uint64_t number = 2; number <= 60; number++) {
        static struct help_der list;
        make(number, name_a, &list);
        assert_int_equal(publish_crl(dir, "ca", help_bytes(&list), NULL), RS_OK);
    }
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
}

static void
anybody_may_read_it(void **state)
{
    struct stat st;
    char path[256];

    (void)state;
    begin("mode");
    (void)snprintf(path, sizeof(path), "%s/ca.crl", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_list_or_no_name),
        cmocka_unit_test(refuses_somebody_elses_file),
        cmocka_unit_test(older_never_replaces_newer),
        cmocka_unit_test(waits_for_another_writer),
        cmocka_unit_test(whole_whatever_fails),
        cmocka_unit_test(readers_see_whole_lists),
        cmocka_unit_test(anybody_may_read_it),
    };

    return cmocka_run_group_tests_name("server/publish", tests, set_up, tear_down);
}
