/*
 * io_test.c: files that refuse, disks that fill up, processes that die in the
 * middle, and what is on the disk afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/io.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/inject.h"
#include "base/random.h"
#include "base/secret.h"
#include "base_test.h"

/* ---- Refusals ------------------------------------------------------------------------- */

static void
opening_what_is_not_there(void **state)
{
    struct rs_err err = {0};
    int fd = -7;

    (void)state;
    assert_int_equal(rs_file_open(base_test_path("none"), RS_OPEN_READ, &fd, &err),
                     RS_E_FILE_FAILED);
    assert_non_null(strstr(err.text, "/none"));
    assert_int_equal(rs_file_open(base_test_path("none"), RS_OPEN_WRITE, &fd, NULL),
                     RS_E_FILE_FAILED);
    (void)base_test_file("there", "x");
    assert_int_equal(rs_file_open(base_test_path("there"), RS_OPEN_EXCLUSIVE, &fd, NULL),
                     RS_E_EXISTS);
    assert_int_equal(fd, -7);
    rs_file_close(-1);
}

static void
reading_too_much_or_a_directory(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    (void)state;
    rs_buf_init(&b, 100);
    (void)base_test_file("four", "1234");
    assert_int_equal(rs_file_read(base_test_path("four"), 3, &b, NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_file_read(base_test_dir, 100000, &b, NULL), RS_E_NO_MEMORY);
    rs_buf_done(&b);
    rs_buf_init(&b, 100000);
    assert_int_equal(rs_file_read(base_test_dir, 100000, &b, NULL), RS_E_FILE_FAILED);
    assert_int_equal(b.len, 0);
    assert_int_equal(rs_file_read(base_test_path("four"), 4, &b, NULL), RS_OK);
    assert_memory_equal(b.p, "1234", 4);
}

static void
a_file_is_no_directory(void **state)
{
    char out[8];

    (void)state;
    (void)base_test_file("plain", "");
    assert_int_equal(rs_dir_make(base_test_path("plain"), 0700, NULL), RS_E_EXISTS);
    assert_int_equal(rs_dir_make(base_test_path("no/such"), 0700, NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_dir_sync(base_test_path("no"), NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_path_join("abc", "defg", out, sizeof(out), NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_path_join("abc", "def", out, sizeof(out), NULL), RS_OK);
    assert_string_equal(out, "abc/def");
    assert_int_equal(rs_dir_make(base_test_path("dir"), 0700, NULL), RS_OK);
    assert_int_equal(rs_dir_make(base_test_path("dir"), 0700, NULL), RS_OK);
    assert_int_equal(rs_dir_sync(base_test_path("dir"), NULL), RS_OK);
}

static void
one_holds_the_lock(void **state)
{
    int a, b;

    (void)state;
    assert_int_equal(rs_file_open(base_test_path("lock"), RS_OPEN_CREATE, &a, NULL), RS_OK);
    assert_int_equal(rs_file_open(base_test_path("lock"), RS_OPEN_CREATE, &b, NULL), RS_OK);
    assert_int_equal(rs_file_lock(a, NULL), RS_OK);
    assert_int_equal(rs_file_lock(b, NULL), RS_E_STORE_BUSY);
    rs_file_close(a);
    assert_int_equal(rs_file_lock(b, NULL), RS_OK);
    rs_file_close(b);
}

static void
secret_files_are_for_one_person(void **state)
{
    char big[4200];
    struct rs_secret s = {0};
    const char *path = base_test_file("secret", "open sesame\n");

    (void)state;
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rs_secret_read_file(path, &s, NULL), RS_E_KEY_LOCKED);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(rs_secret_read_file(path, &s, NULL), RS_E_KEY_LOCKED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(rs_secret_read_file(path, &s, NULL), RS_OK);
    assert_int_equal(s.len, 11);
    assert_memory_equal(s.p, "open sesame", 11);
    assert_int_equal(rs_secret_count(), 1);
    rs_secret_done(&s);
    assert_int_equal(rs_secret_count(), 0);
    /* A key that happens to end in 0x0a is all there. */
    assert_int_equal(rs_secret_read_bytes(path, &s, NULL), RS_OK);
    assert_int_equal(s.len, 12);
    assert_memory_equal(s.p, "open sesame\n", 12);
    rs_secret_done(&s);
    path = base_test_file("secret", "\n");
    assert_int_equal(rs_secret_read_file(path, &s, NULL), RS_E_KEY_LOCKED);
    memset(big, 'a', sizeof(big));
    big[4097] = '\0';
    path = base_test_file("secret", big);
    assert_int_equal(rs_secret_read_file(path, &s, NULL), RS_E_KEY_LOCKED);
    assert_int_equal(rs_secret_read_file(base_test_path("none"), &s, NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_secret_init(&s, 65537, NULL), RS_E_NO_MEMORY);
    assert_int_equal(rs_secret_count(), 0);
    rs_secret_done(&s);
}

static struct rs_secret kept;

static void
look_at_secret(void)
{
    for (size_t i = 0; i < kept.len; i++) {
        if (kept.p[i] != 0)
            _exit(1);
    }
}

static void
a_child_has_no_secret(void **state)
{
    (void)state;
    assert_int_equal(rs_secret_init(&kept, 100, NULL), RS_OK);
    memset(kept.p, 0x5a, kept.len);
    assert_int_equal(base_test_child(look_at_secret), 0);
    assert_int_equal(kept.p[99], 0x5a);
    rs_secret_done(&kept);
}

/* ---- Doing it --------------------------------------------------------------------------- */

static void
bytes_land_where_they_belong(void **state)
{
    uint8_t got[16];
    size_t len;
    uint64_t size;
    int fd;

    (void)state;
    assert_int_equal(rs_file_open(base_test_path("at"), RS_OPEN_CREATE, &fd, NULL), RS_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(rs_file_preallocate(fd, 100000, NULL), RS_OK);
    assert_int_equal(rs_file_size(fd, &size, NULL), RS_OK);
    assert_int_equal(size, 100000);
    assert_int_equal(rs_file_write_at(fd, 5, rs_bytes_str("abc"), NULL), RS_OK);
    assert_int_equal(rs_file_truncate(fd, 9, NULL), RS_OK);
    assert_int_equal(rs_file_sync(fd, NULL), RS_OK);
    assert_int_equal(rs_file_read_at(fd, 4, got, sizeof(got), &len, NULL), RS_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(got, "\0abc\0", 5);
    rs_file_close(fd);
}

static int
collect(void *arg, const char *name)
{
    char *all = arg;

    (void)strcat(strcat(all, name), " ");
    return strcmp(name, "stop") == 0;
}

static void
names_come_sorted_until_told(void **state)
{
    char all[256] = "";
    const char *dir = base_test_path("list");
    static const char *const names[] = {"stop", "b", "a", ".hidden", "z"};

    (void)state;
    assert_int_equal(rs_dir_list(dir, collect, all, NULL), RS_E_FILE_FAILED);
    assert_int_equal(rs_dir_make(dir, 0700, NULL), RS_OK);
    for (size_t i = 0; i < 5; i++) {
        char path[200];
        assert_int_equal(rs_path_join(dir, names[i], path, sizeof(path), NULL), RS_OK);
        assert_int_equal(rs_file_replace(path, rs_bytes_str("x"), 0600, NULL), RS_OK);
    }
    assert_int_equal(rs_dir_list(dir, collect, all, NULL), RS_OK);
    assert_string_equal(all, "a b stop ");
    for (size_t i = 0; i < 5; i++) {
        char path[200];
        assert_int_equal(rs_path_join(dir, names[i], path, sizeof(path), NULL), RS_OK);
        assert_int_equal(rs_file_remove(path, NULL), RS_OK);
        assert_int_equal(rs_file_remove(path, NULL), RS_OK); /* gone already */
        assert_int_equal(rs_path_exists(path), 0);
    }
}

static void
expect_content(const char *name, const char *text)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, 1000);
    assert_int_equal(rs_file_read(base_test_path(name), 1000, &b, NULL), RS_OK);
    assert_int_equal(rs_bytes_equal(rs_buf_bytes(&b), rs_bytes_str(text)), 1);
}

static void
replacing_keeps_mode_and_leaves_nothing(void **state)
{
    struct stat st;
    char all[1000] = "";

    (void)state;
    (void)base_test_file("swap", "old");
    assert_int_equal(rs_file_replace(base_test_path("swap"), rs_bytes_str("new"), 0640, NULL),
                     RS_OK);
    expect_content("swap", "new");
    assert_int_equal(stat(base_test_path("swap"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(rs_dir_list(base_test_dir, collect, all, NULL), RS_OK);
    assert_null(strstr(all, ".tmp"));
}

/* ---- Faults -------------------------------------------------------------------------------- */

static void
the_errno_decides_the_code(void **state)
{
    static const struct {
        const char *name;
        rs_code code;
    } rows[] = {{"ENOSPC", RS_E_DISK_FULL},
                {"EDQUOT", RS_E_DISK_FULL},
                {"EIO", RS_E_FILE_FAILED},
                {"EMFILE", RS_E_FILE_FAILED}};
    int fd;

    (void)state;
    assert_int_equal(rs_file_open(base_test_path("faulty"), RS_OPEN_CREATE, &fd, NULL), RS_OK);
    for (size_t i = 0; i < 4; i++) {
        struct rs_err err = {0};
        char rules[128];
        uint8_t byte;
        size_t len;
        (void)snprintf(rules, sizeof(rules), "write@1=%s,sync@1=%s,truncate@1=%s,read@1=%s",
                       rows[i].name, rows[i].name, rows[i].name, rows[i].name);
        base_test_rules(rules);
        assert_int_equal(rs_file_write_at(fd, 0, rs_bytes_str("x"), &err), rows[i].code);
        assert_non_null(strstr(err.text, "/faulty")); /* people read which file */
        assert_int_equal(rs_file_sync(fd, NULL), rows[i].code);
        assert_int_equal(rs_file_truncate(fd, 0, NULL), rows[i].code);
        assert_int_equal(rs_file_read_at(fd, 0, &byte, 1, &len, NULL), rows[i].code);
        assert_int_equal(rs_file_write_at(fd, 0, rs_bytes_str("x"), NULL), RS_OK);
    }
    rs_file_close(fd);
    base_test_rules("");
}

/* Whatever fails in a replacement: the old file stands, whole, and nothing else. */
static void
a_failed_replacement_changes_nothing(void **state)
{
    static const char *const points[] = {"open", "write", "sync", "rename"};
    char all[1000];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char rules[64];
        (void)base_test_file("swap", "old");
        (void)snprintf(rules, sizeof(rules), "%s@1=ENOSPC", points[i]);
        base_test_rules(rules);
        assert_int_equal(rs_file_replace(base_test_path("swap"), rs_bytes_str("new"), 0600, NULL),
                         RS_E_DISK_FULL);
        base_test_rules("");
        expect_content("swap", "old");
        all[0] = '\0';
        assert_int_equal(rs_dir_list(base_test_dir, collect, all, NULL), RS_OK);
        assert_null(strstr(all, ".tmp"));
    }
}

static void
replace_once(void)
{
    (void)!rs_file_replace(base_test_path("swap"), rs_bytes_str("new content"), 0600, NULL);
}

/* Killed at each call, before and after: old or new, never half. */
static void
a_killed_replacement_is_old_or_new(void **state)
{
    static const struct {
        const char *rule, *content;
    } rows[] = {
        {"open@1=kill", "old"},
        {"open@1+=kill", "old"},
        {"write@1=kill", "old"},
        {"write@1=torn", "old"},
        {"write@1+=kill", "old"},
        {"sync@1=kill", "old"},
        {"sync@1+=kill", "old"},
        {"rename@1=kill", "old"},
        {"rename@1+=kill", "new content"},
        {"sync@2=kill", "new content"},
        {"sync@2+=kill", "new content"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)base_test_file("swap", "old");
        base_test_rules(rows[i].rule);
        assert_int_equal(base_test_child(replace_once), -SIGKILL);
        base_test_rules("");
        expect_content("swap", rows[i].content);
    }
}

static void
write_in_place(void)
{
    int fd;

    if (rs_file_open(base_test_path("torn"), RS_OPEN_WRITE, &fd, NULL) == RS_OK)
        (void)!rs_file_write_at(fd, 0, rs_bytes_str("12345678"), NULL);
}

static void
a_torn_write_leaves_half(void **state)
{
    (void)state;
    (void)base_test_file("torn", "");
    base_test_rules("write@1=torn");
    assert_int_equal(base_test_child(write_in_place), -SIGKILL);
    base_test_rules("");
    expect_content("torn", "1234");
    (void)base_test_file("torn", "");
    base_test_rules("write@1+=kill"); /* dies too, but after all of it */
    assert_int_equal(base_test_child(write_in_place), -SIGKILL);
    base_test_rules("");
    expect_content("torn", "12345678");
    (void)base_test_file("torn", "");
    base_test_rules("other:write@1=torn"); /* a rule for another program */
    assert_int_equal(base_test_child(write_in_place), 0);
    expect_content("torn", "12345678");
    base_test_rules("");
}

static void
reach_mark(void)
{
    for (int i = 0; i < 5; i++)
        rs_inject_mark("half-way");
}

static void
marks_kill_and_are_counted(void **state)
{
    (void)state;
    assert_int_equal(setenv("ROOTSMITH_INJECT_COUNT", base_test_path("count"), 1), 0);
    base_test_rules("half-way@3=kill");
    assert_int_equal(base_test_child(reach_mark), -SIGKILL);
    expect_content("count", "base_test half-way 3\n");
    base_test_rules("half-way@6=kill");
    assert_int_equal(base_test_child(reach_mark), 0);
    assert_int_equal(unsetenv("ROOTSMITH_INJECT_COUNT"), 0);
    base_test_rules("");
}

/* ---- Random ---------------------------------------------------------------------------------- */

static void
no_random_no_bytes(void **state)
{
    uint8_t a[600], zero[600] = {0};

    (void)state;
    memset(a, 0x5a, sizeof(a));
    base_test_rules("random@2=EIO"); /* the second chunk of 256 */
    assert_int_equal(rs_random(a, sizeof(a), NULL), RS_E_CRYPTO_RANDOM);
    assert_memory_equal(a, zero, sizeof(a));
    base_test_rules("");
}

static void
random_differs_and_fills_everything(void **state)
{
    uint8_t a[600], b[600];
    char text[33];
    unsigned seen = 0;

    (void)state;
    assert_int_equal(rs_random(a, sizeof(a), NULL), RS_OK);
    assert_int_equal(rs_random(b, sizeof(b), NULL), RS_OK);
    assert_int_equal(rs_random(a, 0, NULL), RS_OK);
    for (size_t at = 0; at < sizeof(a); at += 60)
        assert_memory_not_equal(a + at, b + at, 60);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(rs_random_text(text, 32, NULL), RS_OK);
        assert_int_equal(strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 32);
        seen |= strchr(text, '0') ? 1u : 0u;
        seen |= strchr(text, 'Z') ? 2u : 0u;
    }
    assert_int_equal(seen, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_what_is_not_there),
        cmocka_unit_test(reading_too_much_or_a_directory),
        cmocka_unit_test(a_file_is_no_directory),
        cmocka_unit_test(one_holds_the_lock),
        cmocka_unit_test(secret_files_are_for_one_person),
        cmocka_unit_test(a_child_has_no_secret),
        cmocka_unit_test(bytes_land_where_they_belong),
        cmocka_unit_test(names_come_sorted_until_told),
        cmocka_unit_test(replacing_keeps_mode_and_leaves_nothing),
        cmocka_unit_test(the_errno_decides_the_code),
        cmocka_unit_test(a_failed_replacement_changes_nothing),
        cmocka_unit_test(a_killed_replacement_is_old_or_new),
        cmocka_unit_test(a_torn_write_leaves_half),
        cmocka_unit_test(marks_kill_and_are_counted),
        cmocka_unit_test(no_random_no_bytes),
        cmocka_unit_test(random_differs_and_fills_everything),
    };

    return cmocka_run_group_tests(tests, base_test_setup, base_test_teardown);
}
