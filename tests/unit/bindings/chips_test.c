/*
 * chips_test.c: one part, many threads and processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/chips.h"

static char dir[64], name[128];

static int
make_place(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/rs-chips-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(name, sizeof(name), "soft:%s/a.rot", dir);
    (void)setenv("ROOTSMITH_LOCK_DIR", dir, 1);
    (void)unsetenv("ROOTSMITH_LOCK_WAIT");
    (void)unsetenv("ROOTSMITH_CHIP");
    return 0;
}

static int
remove_place(void **state)
{
    char path[512];
    struct dirent *e;
    DIR *d = opendir(dir);

    (void)state;
    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    return rmdir(dir);
}

static struct chips *
take(const char *uri)
{
    char error[ROT_LINUX_ERROR_MAX];
    struct chips *c = NULL;

    if (chips_take(uri, &c, error) != ROT_OK)
        fail_msg("%s", error);
    assert_string_equal(error, "");
    return c;
}

static void
names_are_refused(void **state)
{
    char error[ROT_LINUX_ERROR_MAX], huge[2048];
    struct chips *c = NULL;
    struct rot_chip *chip;

    (void)state;
    assert_int_equal(chips_take(NULL, &c, error), ROT_E_ARG);
    assert_int_equal(chips_take("auto", NULL, error), ROT_E_ARG);
    assert_int_equal(chips_take("", &c, error), ROT_E_FORMAT);
    assert_int_equal(chips_take("rot:", &c, error), ROT_E_FORMAT);
    assert_true(error[0] != '\0');
    memset(huge, 'a', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    assert_int_equal(chips_take(huge, &c, NULL), ROT_E_FORMAT);
    (void)setenv("ROOTSMITH_CHIP", huge, 1);
    assert_int_equal(chips_take("auto", &c, NULL), ROT_E_FORMAT);
    assert_null(c);
    assert_int_equal(chips_lock(NULL, &chip), ROT_E_ARG);
    chips_unlock(NULL);
    chips_drop(NULL);
}

static void
parts_that_do_not_open(void **state)
{
    struct rot_chip *chip = NULL;
    struct chips *c = take("nonsense:1");
    char uri[256];

    (void)state;
    assert_int_equal(chips_lock(c, &chip), ROT_E_FORMAT);
    assert_non_null(strstr(chips_error(), "nonsense"));
    assert_int_equal(chips_lock(c, NULL), ROT_E_ARG);
    chips_drop(c);
    (void)snprintf(uri, sizeof(uri), "rot:%s;layout=other", name);
    c = take(uri);
    assert_int_equal(chips_lock(c, &chip), ROT_E_UNSUPPORTED);
    assert_non_null(strstr(chips_error(), "no layout other"));
    chips_drop(c);
    (void)setenv("ROOTSMITH_LOCK_DIR", "/nonexistent", 1);
    c = take(name);
    assert_int_equal(chips_lock(c, &chip), ROT_E_BUS);
    assert_non_null(strstr(chips_error(), "lock file"));
    (void)setenv("ROOTSMITH_LOCK_DIR", dir, 1);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    assert_string_equal(chips_error(), "");
    chips_unlock(c);
    chips_drop(c);
}

static void
a_name_is_one_part(void **state)
{
    struct chips *a = take(name), *b;
    char uri[256];

    (void)state;
    (void)setenv("ROOTSMITH_CHIP", name, 1);
    b = take("auto");
    assert_ptr_equal(a, b);
    chips_drop(b);
    (void)snprintf(uri, sizeof(uri), "rot:%s;object=ldevid/1", name);
    b = take(uri);
    assert_ptr_equal(a, b);
    chips_drop(b);
    (void)snprintf(uri, sizeof(uri), "rot:%s;layout=soft-p384", name);
    b = take(uri);
    assert_ptr_not_equal(a, b);
    chips_drop(b);
    assert_string_equal(chips_name(a), name);
    chips_drop(a);
}

/* Twice in one thread would wait for ever: it is refused.  So is a part that others hold. */
static void
who_waits_in_vain(void **state)
{
    struct rot_chip *chip, *other;
    struct chips *c = take(name), *d;
    char alias[256];

    (void)state;
    (void)setenv("ROOTSMITH_LOCK_WAIT", "0", 1);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    assert_int_equal(chips_lock(c, &other), ROT_BUSY);
    assert_non_null(strstr(chips_error(), "this thread"));
    /* The same file by another path: another part here, one lock file. */
    (void)snprintf(alias, sizeof(alias), "soft:%s/./a.rot", dir);
    d = take(alias);
    assert_ptr_not_equal(c, d);
    chips_unlock(c);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    assert_int_equal(chips_lock(d, &other), ROT_BUSY);
    assert_non_null(strstr(chips_error(), "another process"));
    chips_unlock(c);
    assert_int_equal(chips_lock(d, &other), ROT_OK);
    chips_unlock(d);
    chips_drop(c);
    chips_drop(d);
}

/* A program that has the file itself, without our lock. */
static void
a_part_in_foreign_hands(void **state)
{
    struct rot_linux lin;
    struct rot_chip own, *chip;
    struct chips *c = take(name);

    (void)state;
    (void)setenv("ROOTSMITH_LOCK_WAIT", "0", 1);
    assert_int_equal(rot_linux_open(&lin, name), ROT_OK);
    assert_int_equal(rot_open(&own, &lin.setup), ROT_OK);
    assert_int_equal(chips_lock(c, &chip), ROT_BUSY);
    rot_close(&own);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    chips_unlock(c);
    assert_int_equal(rot_open(&own, &lin.setup), ROT_OK); /* it was given back */
    rot_close(&own);
    rot_linux_close(&lin);
    chips_drop(c);
}

/* The lock file is for those whom its folder is for, and never for all. */
static void
who_may_lock(void **state)
{
    static const mode_t folders[] = {0700, 0777, 0770}, files[] = {0600, 0660, 0660};
    struct chips *c;
    struct rot_chip *chip;
    char path[512];
    struct dirent *e;
    struct stat st;
    DIR *d;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(dir, folders[i]), 0);
        c = take(name);
        assert_int_equal(chips_lock(c, &chip), ROT_OK);
        chips_unlock(c);
        chips_drop(c);
        d = opendir(dir);
        while (d != NULL && (e = readdir(d)) != NULL) {
            if (strncmp(e->d_name, "rootsmith-", 10) != 0)
                continue;
            (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            assert_int_equal(stat(path, &st), 0);
            assert_int_equal(st.st_mode & 0777, files[i]);
            assert_int_equal(unlink(path), 0);
        }
        (void)closedir(d);
    }
    /* What is no file of its own is not taken for one. */
    c = take(name);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    chips_unlock(c);
    chips_drop(c);
    d = opendir(dir);
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, "rootsmith-", 10) == 0) {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            assert_int_equal(unlink(path), 0);
            assert_int_equal(symlink("/dev/null", path), 0);
        }
    }
    (void)closedir(d);
    c = take(name);
    assert_int_equal(chips_lock(c, &chip), ROT_E_BUS);
    assert_non_null(strstr(chips_error(), "lock file"));
    chips_drop(c);
}

/* ---- Many at once ----------------------------------------------------------------- */

#define ROUNDS 40

static int *inside, *total; /* shared by processes */

/* Yes when nobody else was inside in any round. */
static int
work(struct chips *c)
{
    struct rot_chip *chip;
    uint64_t value;
    int ok = 1;

    for (int i = 0; ok && i < ROUNDS; i++) {
        if (chips_lock(c, &chip) != ROT_OK)
            return 0;
        ok = __atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST) == 1 &&
             rot_counter_increment(chip, ROT_COUNTER(0), &value) == ROT_OK;
        (void)__atomic_add_fetch(total, 1, __ATOMIC_SEQ_CST);
        (void)__atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
        chips_unlock(c);
    }
    return ok;
}

static void *
work_thread(void *arg)
{
    struct chips *c = NULL;
    int *ok = arg;

    *ok = chips_take(name, &c, NULL) == ROT_OK && work(c);
    chips_drop(c);
    return NULL;
}

static void
one_at_a_time(void **state)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct chips *c = take(name);
    struct rot_chip *chip;
    pthread_t threads[3];
    pid_t child[2];
    uint64_t value = 0;
    int status, ok[3] = {0};

    (void)state;
    assert_ptr_not_equal(shared, MAP_FAILED);
    inside = &shared[0];
    total = &shared[1];
    (void)setenv("ROOTSMITH_LOCK_WAIT", "20", 1);
    assert_int_equal(chips_lock(c, &chip), ROT_OK); /* open in the parent, and in no child */
    chips_unlock(c);
    for (size_t i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            _exit(work(c) ? 0 : 1);
        }
        assert_true(child[i] > 0);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work_thread, &ok[i]), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(ok[0] && ok[1] && ok[2]);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(*total, 5 * ROUNDS);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    assert_int_equal(rot_counter_read(chip, ROT_COUNTER(0), &value), ROT_OK);
    assert_int_equal(value, 5 * ROUNDS);
    chips_unlock(c);
    chips_drop(c);
    (void)munmap(shared, 4096);
}

/* A parent that forks while it has the part keeps it; the child waits for it. */
static void
the_childs_own(void **state)
{
    struct chips *c = take(name);
    struct rot_chip *chip, *theirs;
    pid_t child;
    int status;

    (void)state;
    (void)setenv("ROOTSMITH_LOCK_WAIT", "0", 1);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    child = fork();
    if (child == 0)
        _exit(chips_lock(c, &theirs) == ROT_BUSY ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    chips_unlock(c);
    child = fork();
    if (child == 0) {
        if (chips_lock(c, &theirs) != ROT_OK)
            _exit(1);
        chips_unlock(c);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chips_lock(c, &chip), ROT_OK);
    chips_unlock(c);
    chips_drop(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_refused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(parts_that_do_not_open, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_name_is_one_part, make_place, remove_place),
        cmocka_unit_test_setup_teardown(who_waits_in_vain, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_part_in_foreign_hands, make_place, remove_place),
        cmocka_unit_test_setup_teardown(who_may_lock, make_place, remove_place),
        cmocka_unit_test_setup_teardown(one_at_a_time, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_childs_own, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
