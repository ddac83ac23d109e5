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
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inject.h"
#include "store_test.h"

#define BATCH       12
#define POINTS_MAX  400 /* no operation here has so many */
#define READ_CALLS  19
#define WRITE_CALLS 11

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

/* ---- Memory --------------------------------------------------------------------------- */

static sqlite3_mem_methods memory;
static long allocations_left; /* the last of them fails; 0: none fails */

static int
allocation_fails(void)
{
    return allocations_left > 0 && --allocations_left == 0;
}

static void *
failing_malloc(int size)
{
    return allocation_fails() ? NULL : memory.xMalloc(size);
}

static void *
failing_realloc(void *p, int size)
{
    return allocation_fails() ? NULL : memory.xRealloc(p, size);
}

/* Before SQLite is first used: its memory comes from us, every piece of it. */
static void
take_over_memory(void)
{
    sqlite3_mem_methods ours;

    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    ours = memory;
    ours.xMalloc = failing_malloc;
    ours.xRealloc = failing_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    (void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
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
        "SELECT count(*) FROM key_owner WHERE length(requests) > 0",
        "SELECT coalesce(sum(certs), 0) FROM figure",
        "SELECT coalesce(sum(taken), 0) FROM order_count WHERE station = ''",
        "SELECT count(*) FROM certificate",
    };
    char sql[1024] = "SELECT (SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok')";

    /* One question: how many findings there are, and how many counts differ. */
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

/* Raising the mark waits for no sync; the commit after it does, for both. */
static void
test_only_the_mark_is_not_synced(void **state)
{
    struct fixture *f = *state;
    struct batch b;
    uint64_t leaf = 0;

    make_batch(&b, 1);
    assert_int_equal(store_commit_issued(f->store, b.items, BATCH, &f->err), RS_OK);
    fail_at("sync", 1, "=EIO");
    assert_int_equal(store_set_next_leaf(f->store, 1, 5, &f->err), RS_OK);
    make_batch(&b, 100);
    assert_int_equal(store_commit_issued(f->store, b.items, BATCH, NULL), RS_E_STORE_FAILED);
    no_rules();
    assert_int_equal(store_next_leaf(f->store, 1, &leaf, &f->err), RS_OK);
    assert_int_equal(leaf, 5);
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

/* ---- A page that cannot be read, under every call ---------------------------------------------- */

static int
skip_cert(void *arg, const struct store_cert *cert)
{
    (void)arg;
    (void)cert;
    return 0;
}

static int
skip_device(void *arg, const struct store_device *device)
{
    (void)arg;
    (void)device;
    return 0;
}

static int
skip_order(void *arg, const struct store_order *order)
{
    (void)arg;
    (void)order;
    return 0;
}

static int
skip_board(void *arg, const struct store_board *board)
{
    (void)arg;
    (void)board;
    return 0;
}

static int
skip_object(void *arg, const struct store_object *object)
{
    (void)arg;
    (void)object;
    return 0;
}

static const uint8_t token_hash[32] = {7};
static int64_t next_board;

/* Reading calls by number; RS_E_INTERNAL: there is no such number. */
static rs_code
read_call(struct fixture *f, struct sample *s, int number)
{
    const struct store_cert_filter certs = {.limit = 100};
    const struct store_device_filter devices = {.limit = 100};
    struct rs_arena *a = &f->arena;
    struct rs_bytes serial = RS_BYTES(s->serial), note;
    struct store_cert cert;
    struct store_device device;
    struct store_status status;
    struct store_order order;
    struct store_share share;
    struct store_object object;
    struct store_stats stats;
    struct store_key key;
    const char *name;
    uint64_t leaf;

    switch (number) {
    case 0:
        return find_request(f, &s->item.cert, &cert);
    case 1:
        return store_find_key(f->store, T, s->item.cert.key_hash, a, &key, NULL);
    case 2:
        return store_find_chip(f->store, T, "atecc608b", RS_BYTES(s->uid), a, &name, NULL);
    case 3:
        return store_next_leaf(f->store, 1, &leaf, NULL);
    case 4:
        return store_find_cert(f->store, T, "issuing", serial, a, &cert, NULL);
    case 5:
        return store_cert_status(f->store, T, "issuing", serial, &status, NULL);
    case 6:
        return store_list_certs(f->store, T, &certs, skip_cert, NULL, NULL);
    case 7:
        return store_find_device(f->store, T, s->device, a, &device, NULL);
    case 8:
        return store_list_devices(f->store, T, &devices, skip_device, NULL, NULL);
    case 9:
        return store_find_order(f->store, T, "order-7", a, &order, NULL);
    case 10:
        return store_find_share(f->store, T, "order-7", "sz-1", &share, NULL);
    case 11:
        return store_list_orders(f->store, T, "", 10, skip_order, NULL, NULL);
    case 12:
        return store_list_boards(f->store, T, "sz-1", 0, 10, skip_board, NULL, NULL);
    case 13:
        return store_find_object(f->store, T, "ca", "root", 1, a, &object, NULL);
    case 14:
        return store_list_objects(f->store, T, "ca", "", 10, skip_object, NULL, NULL);
    case 15:
        return store_find_checkpoint(f->store, 1, a, &note, NULL);
    case 16:
        return store_get_stats(f->store, T, &stats, NULL);
    case 17:
        return store_find_record(f->store, T, "issuing", serial, a, &cert, NULL);
    case 18:
        return store_check(f->store, NULL);
    default:
        return RS_E_INTERNAL;
    }
}

/* A batch with an item for each way to be refused, and a replay. */
static rs_code
commit_mixed(struct fixture *f, unsigned first)
{
    static struct sample s[5];
    struct store_issue items[5];

    for (unsigned i = 0; i < 5; i++)
        sample_make(&s[i], i < 4 ? first + i : 1);
    memset(s[1].uid, 0x22, sizeof(s[1].uid));
    memcpy(s[2].uid, s[0].uid, sizeof(s[2].uid));
    memcpy(s[3].item.cert.key_hash, s[0].item.cert.key_hash, 32);
    s[1].item.device.device = s[1].item.cert.device = s[0].device;
    for (unsigned i = 0; i < 5; i++)
        items[i] = s[i].item;
    return store_commit_issued(f->store, items, 5, NULL);
}

/* Writing calls by number; each may be repeated. */
static rs_code
write_call(struct fixture *f, struct sample *s, int number)
{
    struct store_revocation r[2] = {{.tenant = T,
                                     .issuer = "issuing",
                                     .serial = RS_BYTES(s->serial),
                                     .revoked_at = 5,
                                     .leaf = 900}};
    struct store_order order = {
        .tenant = T, .order = "order-7", .state = STORE_ORDER_OPEN, .quantity = 10};
    struct store_share share = {.station = "sz-1", .size = 5};
    struct store_object object = {.tenant = T, .kind = "ca", .name = "root"};
    struct store_board board = {
        .tenant = T, .station = "sz-1", .seq = next_board, .device = s->device, .order = "order-7"};
    static unsigned first = 5000;
    uint8_t token[32] = {1};
    struct rs_bytes doc = rs_bytes_str("x");

    r[1] = r[0];
    r[1].leaf = 901;
    rs_set_u32(token + 28, ++first);
    switch (number) {
    case 0:
        return commit_mixed(f, first += 10);
    case 1:
        return store_revoke(f->store, r, 2, NULL);
    case 2:
        return store_set_next_leaf(f->store, 2, ++first, NULL);
    case 3:
        return store_set_device_state(f->store, T, s->device, STORE_DEVICE_MADE, "", 0, NULL);
    case 4:
        return store_put_order(f->store, &order, &share, 1, NULL);
    case 5:
    case 6:
        board.state = number == 5 ? "pass" : "scrap";
        return store_add_boards(f->store, &board, 1, &next_board, NULL);
    case 7:
        return store_put_object(f->store, &object, -1, NULL, NULL);
    case 8:
        return store_put_token(f->store, T, token, 1, 100, doc, NULL);
    case 9:
        return store_take_token(f->store, T, token_hash, 1, &f->arena, &doc, NULL);
    case 10:
        return store_put_checkpoint(f->store, 1, ++first, doc, NULL);
    default:
        return RS_E_INTERNAL;
    }
}

static rs_code
any_call(struct fixture *f, struct sample *s, int number, int writes)
{
    return writes ? write_call(f, s, number) : read_call(f, s, number);
}

/* With the n-th read failing, on a reader's cold cache, until the call gets through. */
static void
check_reading(struct fixture *f, struct sample *s, int number)
{
    struct store *writer = f->store;
    rs_code rc = RS_E_STORE_FAILED;

    for (int n = 1; rc != RS_OK; n++) {
        assert_true(n < POINTS_MAX);
        rs_arena_reset(&f->arena);
        assert_int_equal(store_open(f->path, 0, &f->store, &f->err), RS_OK);
        fail_at("read", n, "=EIO");
        rc = read_call(f, s, number);
        no_rules();
        /* The full check reports a page that cannot be read as a finding. */
        assert_true(rc == RS_OK || rc == RS_E_STORE_FAILED ||
                    (number == READ_CALLS - 1 && rc == RS_E_STORE_DAMAGED));
        store_close(f->store);
        f->store = writer;
    }
}

/* With the n-th allocation inside SQLite failing, until the call gets through. */
static void
check_memory(struct fixture *f, struct sample *s, int number, int writes)
{
    rs_code rc = RS_E_NO_MEMORY;
    long n;

    for (n = 1; rc != RS_OK; n += 1 + n / 30) {
        assert_true(n < 100000);
        fixture_reopen(f);
        rs_arena_reset(&f->arena);
        allocations_left = n;
        rc = any_call(f, s, number, writes);
        allocations_left = 0;
        assert_true(rc == RS_OK || rc == RS_E_NO_MEMORY);
    }
    assert_true(n > 2);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM pragma_integrity_check"
                                " WHERE integrity_check <> 'ok'"),
                     0);
}

static void
prepare_calls(struct fixture *f, struct sample *s)
{
    next_board = 1;
    sample_make(s, 1);
    assert_int_equal(commit_one(f, s), RS_OK);
    assert_int_equal(store_put_token(f->store, T, token_hash, 100000, 100, rs_bytes_str("x"), NULL),
                     RS_OK);
    for (int i = 0; i < WRITE_CALLS; i++)
        assert_int_equal(write_call(f, s, i), RS_OK);
}

static void
test_unreadable_pages_under_each_call(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    prepare_calls(f, &s);
    for (int i = 0; i < READ_CALLS; i++)
        check_reading(f, &s, i);
}

static void
test_no_memory_under_each_call(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    prepare_calls(f, &s);
    for (int i = 0; i < READ_CALLS; i++)
        check_memory(f, &s, i, 0);
    for (int i = 0; i < WRITE_CALLS; i++)
        check_memory(f, &s, i, 1);
}

static void
test_no_memory_to_open(void **state)
{
    struct fixture *f = *state;
    rs_code rc = RS_E_NO_MEMORY;

    for (long n = 1; rc != RS_OK; n += 1 + n / 30) {
        store_close(f->store);
        f->store = NULL;
        allocations_left = n;
        rc = store_open(f->path, n % 2 == 0, &f->store, NULL);
        allocations_left = 0;
        assert_true(rc == RS_OK || rc == RS_E_NO_MEMORY);
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
        TEST(test_full_disk_at_each_write),
        TEST(test_bad_disk_at_each_write),
        TEST(test_full_disk_at_each_sync),
        TEST(test_reopened_after_a_failed_sync),
        TEST(test_only_the_mark_is_not_synced),
        TEST(test_full_disk_while_folding),
        TEST(test_failed_sync_while_folding),
        TEST(test_unreadable_pages),
        TEST(test_making_fails_at_each_point),
        TEST(test_killed_at_each_write),
        TEST(test_torn_at_each_write),
        TEST(test_killed_at_each_sync),
        TEST(test_killed_while_making),
        TEST(test_killed_around_the_commit),
        TEST(test_unreadable_pages_under_each_call),
        TEST(test_no_memory_under_each_call),
        TEST(test_no_memory_to_open),
    };

    if (!rs_inject_built())
        return 77; /* skipped: this build cannot inject */
    take_over_memory();
    return cmocka_run_group_tests_name("store/fault", tests, make_rules, drop_rules);
}
