/*
 * open_test.c: which files are opened, by whom, and what damage is found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "store_test.h"

#define PAGE 4096

/* Raw SQL on a connection of our own, as another program would. */
static sqlite3 *
foreign(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void
close_writer(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

static rs_code
open_writer(struct fixture *f)
{
    struct rs_err err = {0};
    rs_code rc = store_open(f->path, 1, &f->store, &err);

    assert_int_equal(rc, err.code);
    if (rc != RS_OK)
        assert_true(strncmp(err.text, "store: ", 7) == 0 || rc == RS_E_STORE_BUSY ||
                    rc == RS_E_FILE_FAILED);
    return rc;
}

/* All rows in the file itself: nothing left in the log. */
static void
fold_and_close(struct fixture *f)
{
    close_writer(f);
    (void)sqlite3_close(foreign(f, "PRAGMA wal_checkpoint(TRUNCATE)"));
}

static void
overwrite(const struct fixture *f, uint64_t at, const void *p, size_t len)
{
    int fd = -1;

    assert_int_equal(rs_file_open(f->path, RS_OPEN_WRITE, &fd, NULL), RS_OK);
    assert_int_equal(rs_file_write_at(fd, at, rs_bytes_of(p, len), NULL), RS_OK);
    rs_file_close(fd);
}

static void
cut(const struct fixture *f, uint64_t size)
{
    int fd = -1;

    assert_int_equal(rs_file_open(f->path, RS_OPEN_WRITE, &fd, NULL), RS_OK);
    assert_int_equal(rs_file_truncate(fd, size, NULL), RS_OK);
    rs_file_close(fd);
}

static void
fill_store(struct fixture *f, unsigned count)
{
    static struct sample s[200];
    static struct store_issue items[200];

    for (unsigned i = 0; i < count; i++) {
        sample_make(&s[i], i + 1);
        items[i] = s[i].item;
    }
    assert_int_equal(store_commit_issued(f->store, items, count, &f->err), RS_OK);
}

/* ---- Who may open ------------------------------------------------------------------------ */

static void
test_bad_urls_are_refused(void **state)
{
    struct store *store = NULL;
    char long_path[5000];

    (void)state;
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(store_open(NULL, 1, &store, NULL), RS_E_INTERNAL);
    assert_int_equal(store_open("", 1, &store, NULL), RS_E_INTERNAL);
    assert_int_equal(store_open("x", 1, NULL, NULL), RS_E_INTERNAL);
    assert_int_equal(store_open("oracle:x", 1, &store, NULL), RS_E_STORE_FAILED);
    assert_int_equal(store_open("sqlite:", 1, &store, NULL), RS_E_STORE_FAILED);
    assert_int_equal(store_open("/no/such/folder/db", 1, &store, NULL), RS_E_FILE_FAILED);
    assert_int_equal(store_open("sqlite:/no/such/folder/db", 0, &store, NULL), RS_E_FILE_FAILED);
    assert_int_equal(store_open(long_path, 1, &store, NULL), RS_E_FILE_FAILED);
    assert_null(store);
    store_close(NULL);
}

static void
test_two_writers(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;

    assert_int_equal(store_open(f->path, 1, &second, NULL), RS_E_STORE_BUSY);
    assert_null(second);
    close_writer(f);
    assert_int_equal(store_open(f->path, 1, &second, &f->err), RS_OK);
    store_close(second);
}

static void
test_readers_see_what_is_committed(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;
    struct sample s;
    struct store_status status;
    char url[128];

    (void)snprintf(url, sizeof(url), "sqlite:%s", f->path);
    assert_int_equal(store_open(url, 0, &reader, &f->err), RS_OK);
    for (unsigned n = 1; n < 4; n++) {
        sample_make(&s, n);
        assert_int_equal(store_cert_status(reader, T, "issuing", RS_BYTES(s.serial), &status, NULL),
                         RS_E_CERT_UNKNOWN);
        assert_int_equal(commit_one(f, &s), RS_OK);
        assert_int_equal(
            store_cert_status(reader, T, "issuing", RS_BYTES(s.serial), &status, &f->err), RS_OK);
    }
    store_close(reader);
}

static void
test_readers_do_not_write(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;
    struct sample s;
    struct store_revocation r = {.tenant = T};
    struct store_order order = {.tenant = T};
    struct store_board board = {.tenant = T};
    struct store_object object = {.tenant = T};
    struct rs_bytes doc = {0};
    static const uint8_t hash[32];
    int64_t n;

    sample_make(&s, 1);
    assert_int_equal(store_open(f->path, 0, &reader, &f->err), RS_OK);
    assert_int_equal(store_commit_issued(reader, &s.item, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_revoke(reader, &r, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_set_next_leaf(reader, 1, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_set_device_state(reader, T, "d", STORE_DEVICE_MADE, "", 0, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(store_put_order(reader, &order, NULL, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(store_add_boards(reader, &board, 1, &n, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_object(reader, &object, 0, &n, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_token(reader, T, hash, 1, 1, doc, NULL), RS_E_INTERNAL);
    assert_int_equal(store_take_token(reader, T, hash, 1, &f->arena, &doc, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_checkpoint(reader, 1, 1, RS_BYTES(hash), NULL), RS_E_INTERNAL);
    store_close(reader);
}

static void
test_locked_by_another_program(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    sqlite3 *db = foreign(f, "BEGIN IMMEDIATE");

    sample_make(&s, 1);
    assert_int_equal(store_commit_issued(f->store, &s.item, 1, NULL), RS_E_STORE_BUSY);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM certificate"), 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(commit_one(f, &s), RS_OK);
}

static void
test_exclusively_locked_at_open(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;

    close_writer(f);
    db = foreign(f, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    assert_int_equal(open_writer(f), RS_E_STORE_BUSY);
    (void)sqlite3_close(db);
    assert_int_equal(open_writer(f), RS_OK);
}

/* ---- What is in the file --------------------------------------------------------------------- */

static void
test_other_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;

    close_writer(f);
    (void)unlink(f->path);
    (void)sqlite3_close(foreign(f, "CREATE TABLE t (x); PRAGMA user_version = 1"));
    assert_int_equal(open_writer(f), RS_E_STORE_FAILED);
    (void)unlink(f->path);
    (void)sqlite3_close(foreign(f, "PRAGMA application_id = 7"));
    assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
    (void)unlink(f->path);
    (void)sqlite3_close(foreign(f, "CREATE TABLE t (x); DROP TABLE t"));
    assert_int_equal(store_open(f->path, 0, &reader, NULL), RS_E_STORE_FAILED); /* no schema yet */
    assert_int_equal(open_writer(f), RS_OK);
}

/* What is committed meanwhile is seen after the look, not within it. */
static void
test_a_look_sees_one_state(void **state)
{
    struct fixture *f = *state;
    struct store_stats before, within, after;
    struct store *reader = NULL;
    struct sample s;

    assert_int_equal(store_look(f->store, NULL), RS_E_INTERNAL); /* the writer does not look */
    assert_int_equal(store_look(NULL, NULL), RS_E_INTERNAL);
    assert_int_equal(store_open(f->path, 0, &reader, &f->err), RS_OK);
    assert_int_equal(store_look(reader, &f->err), RS_OK);
    assert_int_equal(store_get_stats(reader, T, &before, &f->err), RS_OK);
    assert_int_equal(store_look(reader, NULL), RS_E_STORE_FAILED); /* no look within a look */
    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(store_get_stats(reader, T, &within, &f->err), RS_OK);
    assert_int_equal(within.certs, before.certs);
    store_look_done(reader);
    assert_int_equal(store_get_stats(reader, T, &after, &f->err), RS_OK);
    assert_int_equal(after.certs, before.certs + 1);
    assert_int_equal(store_look(reader, &f->err), RS_OK);
    store_look_done(reader);
    store_close(reader);
}

static void
test_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;

    (void)sqlite3_close(foreign(f, "PRAGMA user_version = 99"));
    assert_int_equal(store_open(f->path, 0, &reader, NULL), RS_E_STORE_FAILED);
    close_writer(f);
    assert_int_equal(open_writer(f), RS_E_STORE_FAILED);
}

static void
test_an_emptied_file_is_damage(void **state)
{
    struct fixture *f = *state;

    fold_and_close(f);
    cut(f, 0);
    assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
    (void)unlink(f->path); /* on purpose: made anew, and filled from the ledger */
    assert_int_equal(open_writer(f), RS_OK);
}

static void
test_a_cut_file_is_damage(void **state)
{
    struct fixture *f = *state;

    fill_store(f, 200);
    fold_and_close(f);
    cut(f, PAGE * 5);
    assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
    cut(f, 1000);
    assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
}

static void
test_a_damaged_header_is_found(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;

    fold_and_close(f);
    overwrite(f, 0, "SQLite formaT", 13);
    assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
    assert_int_equal(store_open(f->path, 0, &reader, NULL), RS_E_STORE_DAMAGED);
}

/* Each page in turn is overwritten: open or a full check finds all of them. */
static void
test_each_overwritten_page_is_found(void **state)
{
    struct fixture *f = *state;
    static uint8_t page[PAGE], noise[64];
    uint64_t size = 0;
    int fd = -1;
    size_t got;

    fill_store(f, 60);
    fold_and_close(f);
    memset(noise, 0xee, sizeof(noise));
    assert_int_equal(rs_file_open(f->path, RS_OPEN_READ, &fd, NULL), RS_OK);
    assert_int_equal(rs_file_size(fd, &size, NULL), RS_OK);
    for (uint64_t at = 0; at < size; at += sizeof(page)) {
        assert_int_equal(rs_file_read_at(fd, at, page, sizeof(page), &got, NULL), RS_OK);
        overwrite(f, at, noise, sizeof(noise));
        assert_int_equal(open_writer(f), RS_E_STORE_DAMAGED);
        overwrite(f, at, page, sizeof(page));
    }
    rs_file_close(fd);
    assert_int_equal(open_writer(f), RS_OK);
    assert_int_equal(store_check(f->store, &f->err), RS_OK);
}

/* An index that does not agree with its table passes the quick check only. */
static void
test_full_check_compares_indexes(void **state)
{
    struct fixture *f = *state;

    fill_store(f, 3);
    close_writer(f);
    (void)sqlite3_close(foreign(
        f, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'device)',"
           " 'holder)') WHERE name = 'certificate_device'"));
    assert_int_equal(open_writer(f), RS_OK);
    assert_int_equal(store_check(f->store, NULL), RS_E_STORE_DAMAGED);
}

static void
test_damage_while_running(void **state)
{
    struct fixture *f = *state;
    struct store *reader = NULL;
    struct store_status status;
    struct sample s;
    static uint8_t noise[PAGE];

    fill_store(f, 200);
    fold_and_close(f);
    memset(noise, 0xee, sizeof(noise));
    assert_int_equal(store_open(f->path, 0, &reader, &f->err), RS_OK);
    for (uint64_t at = PAGE; at < PAGE * 80; at += PAGE)
        overwrite(f, at, noise, sizeof(noise));
    sample_make(&s, 1);
    assert_int_equal(store_cert_status(reader, T, "issuing", RS_BYTES(s.serial), &status, NULL),
                     RS_E_STORE_DAMAGED);
    store_close(reader);
}

/* ---- The log ------------------------------------------------------------------------------------ */

static uint64_t
size_of(const struct fixture *f, const char *suffix)
{
    char path[128];
    uint64_t size = 0;
    int fd = -1;

    (void)snprintf(path, sizeof(path), "%s%s", f->path, suffix);
    assert_int_equal(rs_file_open(path, RS_OPEN_READ, &fd, NULL), RS_OK);
    assert_int_equal(rs_file_size(fd, &size, NULL), RS_OK);
    rs_file_close(fd);
    return size;
}

static void
test_tidy_folds_the_log(void **state)
{
    struct fixture *f = *state;
    struct store *tidier = NULL;
    uint64_t before = size_of(f, "");

    fill_store(f, 200);
    assert_int_equal(size_of(f, ""), before); /* a commit writes the log only */
    assert_int_equal(store_open(f->path, 0, &tidier, &f->err), RS_OK);
    assert_int_equal(store_tidy(tidier, &f->err), RS_OK);
    assert_true(size_of(f, "") > before);
    assert_int_equal(store_tidy(f->store, &f->err), RS_OK);
    store_close(tidier);
}

static void
test_the_log_does_not_grow_for_ever(void **state)
{
    struct fixture *f = *state;
    static uint8_t document[1 << 20];
    struct store_object o = {
        .tenant = T, .kind = "crl", .name = "big", .document = RS_BYTES(document)};

    for (int i = 0; i < 130; i++)
        assert_int_equal(store_put_object(f->store, &o, -1, NULL, &f->err), RS_OK);
    assert_true(size_of(f, "-wal") < 80UL << 20);
}

static void
test_database_is_private(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_sql(f, "PRAGMA page_size"), PAGE);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                                " AND sql NOT LIKE '%STRICT%'"),
                     0);
    assert_int_equal(access(f->path, R_OK | W_OK), 0);
    for (size_t i = 0; i < 3; i++) {
        static const char *const suffixes[] = {"", "-wal", ".lock"};
        char command[160];
        (void)snprintf(command, sizeof(command), "test $(stat -c %%a %s%s) = 600", f->path,
                       suffixes[i]);
        assert_int_equal(system(command), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_urls_are_refused),           TEST(test_two_writers),
        TEST(test_readers_see_what_is_committed),  TEST(test_readers_do_not_write),
        TEST(test_locked_by_another_program),      TEST(test_exclusively_locked_at_open),
        TEST(test_other_files_are_refused),        TEST(test_a_look_sees_one_state),
        TEST(test_newer_schema_is_refused),        TEST(test_an_emptied_file_is_damage),
        TEST(test_a_cut_file_is_damage),           TEST(test_a_damaged_header_is_found),
        TEST(test_each_overwritten_page_is_found), TEST(test_full_check_compares_indexes),
        TEST(test_damage_while_running),           TEST(test_tidy_folds_the_log),
        TEST(test_the_log_does_not_grow_for_ever), TEST(test_database_is_private),
    };

    return cmocka_run_group_tests_name("store/open", tests, NULL, NULL);
}
