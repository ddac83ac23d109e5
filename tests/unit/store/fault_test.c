/*
 * fault_test.c: a disk that is full or fails, and a process that dies, at the
 * n-th write, sync, truncate or open, for every n until the work gets through.
 *
 * Only builds with -Dfaults=true can do this; others skip it.  What is in the
 * file afterwards is asked by plain SQL, not through the store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inject.h"
#include "store_test.h"

#define BATCH      12
#define POINTS_MAX 400 /* no operation here has so many */

static char rule_file[64];

/* ---- Rules ---------------------------------------------------------------------------- */

/* Set the rules; the new time of the file makes base read it again at the next mark. */
static void
set_rules(const char *fmt, const char *point, int n, const char *action)
{
    static time_t stamp = 1000000;
    struct timespec times[2];
    FILE *file = fopen(rule_file, "w");

    assert_non_null(file);
    if (fmt != NULL)
        (void)fprintf(file, "%s@%d%s\n", point, n, action);
    assert_int_equal(fclose(file), 0);
    times[0] = times[1] = (struct timespec){.tv_sec = ++stamp};
    assert_int_equal(utimensat(AT_FDCWD, rule_file, times, 0), 0);
    rs_inject_mark("test");
}

static void
fail_at(const char *point, int n, const char *action)
{
    set_rules("", point, n, action);
}

static void
no_rules(void)
{
    set_rules(NULL, "", 0, "");
}

static int
make_rules(void **state)
{
    (void)state;
    (void)snprintf(rule_file, sizeof(rule_file), "/tmp/store_rules.XXXXXX");
    int fd = mkstemp(rule_file);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(setenv("ROOTSMITH_INJECT_FILE", rule_file, 1), 0);
    rs_inject_program("store_test");
    no_rules();
    return 0;
}

static int
drop_rules(void **state)
{
    (void)state;
    (void)unlink(rule_file);
    return 0;
}

/* ---- What is written ------------------------------------------------------------------- */

struct batch {
    struct sample samples[BATCH];
    struct store_issue items[BATCH];
};

static void
make_batch(struct batch *b, unsigned first)
{
    for (unsigned i = 0; i < BATCH; i++) {
        sample_make(&b->samples[i], first + i);
        b->items[i] = b->samples[i].item;
    }
}

/* Every table has what `certs` issuances put there, and the file is sound. */
static void
assert_rows(const struct fixture *f, int64_t certs)
{
    static const char *const counts[] = {
        "SELECT count(*) FROM certificate_der",
        "SELECT count(*) FROM key_owner",
        "SELECT count(*) FROM chip",
        "SELECT count(*) FROM device",
        "SELECT count(*) FROM request",
        "SELECT coalesce(sum(certs), 0) FROM figure",
        "SELECT coalesce(sum(taken), 0) FROM order_count WHERE station = ''",
        "SELECT count(*) + (SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok')"
        " FROM certificate",
    };
    char sql[1024] = "SELECT 0";

    /* One question: how many of the counts differ. */
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        size_t len = strlen(sql);
        (void)snprintf(sql + len, sizeof(sql) - len, " + ((%s) <> %lld)", counts[i],
                       (long long)certs);
    }
    assert_int_equal(ask_sql(f, sql), 0);
}

/* ---- A disk that refuses ------------------------------------------------------------------ */

/*
 * Let the n-th call of `point` fail, n = 1, 2, ... until a batch gets through
 * untouched.  Each failed batch leaves nothing and is stored by the next try.
 */
static void
refuse_each(struct fixture *f, const char *point, const char *action, rs_code expected)
{
    struct batch b;
    int64_t rows = 0;
    int n;

    for (n = 1; n < POINTS_MAX; n++) {
        make_batch(&b, (unsigned)(n * BATCH));
        fail_at(point, n, action);
        rs_code rc = store_commit_issued(f->store, b.items, BATCH, NULL);
        no_rules();
        if (rc == RS_OK)
            break;
        assert_int_equal(rc, expected);
        assert_rows(f, rows);
        memset(&f->err, 0, sizeof(f->err));
        assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
        rows += BATCH;
        assert_rows(f, rows);
        if (n % 5 == 0)
            fixture_reopen(f);
        assert_rows(f, rows);
    }
    assert_true(n > 1 && n < POINTS_MAX);
}

static void
test_full_disk_at_each_write(void **state)
{
    refuse_each(*state, "write", "=ENOSPC", RS_E_DISK_FULL);
}

static void
test_bad_disk_at_each_write(void **state)
{
    refuse_each(*state, "write", "=EIO", RS_E_STORE_FAILED);
}

static void
test_full_disk_at_each_sync(void **state)
{
    refuse_each(*state, "sync", "=ENOSPC", RS_E_DISK_FULL);
}

/* After a failed sync nobody knows: all of the batch or none of it, and a replay settles it. */
static void
test_reopened_after_a_failed_sync(void **state)
{
    struct fixture *f = *state;
    struct batch b;
    int64_t rows;

    make_batch(&b, 1);
    fail_at("sync", 1, "=EIO");
    assert_int_equal(store_commit_issued(f->store, b.items, BATCH, NULL), RS_E_STORE_FAILED);
    no_rules();
    fixture_reopen(f);
    rows = ask_sql(f, "SELECT count(*) FROM certificate");
    assert_true(rows == 0 || rows == BATCH);
    assert_rows(f, rows);
    assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
    assert_rows(f, BATCH);
}

/* The rows are on the disk already; folding them may fail as often as it likes. */
static void
check_tidy(struct fixture *f, const char *point, rs_code expected)
{
    struct batch b;
    int64_t rows = 0;
    int n;

    for (n = 1; n < POINTS_MAX; n++) {
        make_batch(&b, (unsigned)(n * BATCH));
        assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
        rows += BATCH;
        fail_at(point, n, "=ENOSPC");
        rs_code rc = store_tidy(f->store, NULL);
        no_rules();
        assert_rows(f, rows);
        if (rc == RS_OK)
            break;
        assert_int_equal(rc, expected);
    }
    assert_true(n > 1 && n < POINTS_MAX);
    fixture_reopen(f);
    assert_rows(f, rows);
}

static void
test_full_disk_while_folding(void **state)
{
    check_tidy(*state, "write", RS_E_DISK_FULL);
}

static void
test_failed_sync_while_folding(void **state)
{
    check_tidy(*state, "sync", RS_E_DISK_FULL);
}

static void
test_unreadable_pages(void **state)
{
    struct fixture *f = *state;
    struct batch b;
    struct store *reader = NULL;
    int n;

    make_batch(&b, 1);
    assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
    for (n = 1; n < POINTS_MAX; n++) {
        fail_at("read", n, "=EIO");
        rs_code rc = store_open(f->path, 0, &reader, NULL);
        no_rules();
        if (rc == RS_OK)
            break;
        assert_int_equal(rc, RS_E_STORE_FAILED);
    }
    assert_true(n > 1 && n < POINTS_MAX);
    store_close(reader);
}

/* Making a database on a full disk fails, and succeeds when there is space again. */
static void
test_making_fails_at_each_point(void **state)
{
    static const char *const points[] = {"write", "sync", "open"};
    struct fixture *f = *state;

    for (size_t p = 0; p < 3; p++) {
        for (int n = 1;; n++) {
            assert_true(n < POINTS_MAX);
            store_close(f->store);
            f->store = NULL;
            (void)unlink(f->path);
            fail_at(points[p], n, "=ENOSPC");
            rs_code rc = store_open(f->path, 1, &f->store, NULL);
            no_rules();
            if (rc == RS_OK)
                break;
            assert_int_equal(rc, RS_E_DISK_FULL);
            assert_int_equal(store_open(f->path, 1, &f->store, &f->err), RS_OK);
            assert_rows(f, 0);
        }
    }
}

/* ---- A process that dies -------------------------------------------------------------------- */

/* In a child: open, commit the batch.  1 when a rule killed it, 0 when all went through. */
static int
child_dies(struct fixture *f, struct batch *b, const char *point, int n, const char *action)
{
    int status = 0;
    pid_t pid;

    fail_at(point, n, action);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *store = NULL;
        if (store_open(f->path, 1, &store, NULL) != RS_OK)
            _exit(1);
        if (store_commit_issued(store, b->items, BATCH, NULL) != RS_OK)
            _exit(2);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    no_rules();
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

/* Whatever the moment: all of the batch or none of it, and a replay completes it. */
static void
kill_each(struct fixture *f, const char *point, const char *action, int fresh)
{
    struct batch b;
    int64_t rows = 0;
    int n, died = 1;

    for (n = 1; died; n++) {
        assert_true(n < POINTS_MAX);
        store_close(f->store);
        f->store = NULL;
        if (fresh) {
            (void)unlink(f->path);
            rows = 0;
        }
        make_batch(&b, (unsigned)(n * BATCH));
        died = child_dies(f, &b, point, n, action);
        assert_int_equal(store_open(f->path, 1, &f->store, &f->err), RS_OK);
        int64_t found = ask_sql(f, "SELECT count(*) FROM certificate");
        assert_true(found == rows || found == rows + BATCH);
        if (!died)
            assert_int_equal(found, rows + BATCH);
        assert_rows(f, found);
        assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
        for (int i = 0; i < BATCH; i++)
            assert_int_equal(b.items[i].result, RS_OK);
        rows += BATCH;
        assert_rows(f, rows);
    }
    assert_true(n > 2);
}

static void
test_killed_at_each_write(void **state)
{
    kill_each(*state, "write", "=kill", 0);
}

static void
test_torn_at_each_write(void **state)
{
    kill_each(*state, "write", "=torn", 0);
}

static void
test_killed_at_each_sync(void **state)
{
    kill_each(*state, "sync", "+=kill", 0);
}

static void
test_killed_while_making(void **state)
{
    kill_each(*state, "write", "=kill", 1);
    kill_each(*state, "sync", "=kill", 1);
    kill_each(*state, "open", "+=kill", 1);
}

static void
test_killed_around_the_commit(void **state)
{
    struct fixture *f = *state;
    struct batch b;

    make_batch(&b, 1);
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(child_dies(f, &b, "store-commit-begin", 1, "=kill"), 1);
    assert_rows(f, 0);
    assert_int_equal(child_dies(f, &b, "store-committed", 1, "=kill"), 1);
    assert_rows(f, BATCH);
    assert_int_equal(store_open(f->path, 1, &f->store, &f->err), RS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_full_disk_at_each_write),  TEST(test_bad_disk_at_each_write),
        TEST(test_full_disk_at_each_sync),   TEST(test_reopened_after_a_failed_sync),
        TEST(test_full_disk_while_folding),  TEST(test_failed_sync_while_folding),
        TEST(test_unreadable_pages),         TEST(test_making_fails_at_each_point),
        TEST(test_killed_at_each_write),     TEST(test_torn_at_each_write),
        TEST(test_killed_at_each_sync),      TEST(test_killed_while_making),
        TEST(test_killed_around_the_commit),
    };

    if (!rs_inject_built())
        return 77; /* skipped: this build cannot inject */
    return cmocka_run_group_tests_name("store/fault", tests, make_rules, drop_rules);
}
