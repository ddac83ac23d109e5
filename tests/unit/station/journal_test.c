/*
 * journal_test.c: every cut, every flipped byte, and death at each write.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inject.h"
#include "base/io.h"
#include "station/journal.h"
#include "station/memory.h"

#define RECORDS   12
#define PATH_SIZE 256

static char dir[64];
static char path[PATH_SIZE];

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/rs-journal-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/journal", dir);
    return 0;
}

static int
tear_down(void **state)
{
    char other[PATH_SIZE + 8];

    (void)state;
    (void)unlink(path);
    (void)snprintf(other, sizeof(other), "%s.cut", path);
    (void)unlink(other);
    return rmdir(dir);
}

static void
make_record(unsigned i, struct journal_record *r)
{
    static uint8_t uid[9] = {1, 0x23, 4, 5, 6, 7, 8, 9, 0xee};
    static const enum journal_type types[] = {JOURNAL_BEGIN, JOURNAL_ASK, JOURNAL_CERT,
                                              JOURNAL_SEAL};
    static const uint8_t stage[3] = {1, 0, 0};

    memset(r, 0, sizeof(*r));
    r->type = types[i % 4];
    r->board = i / 4 + 1;
    uid[0] = (uint8_t)(i / 4);
    r->field[JOURNAL_UID] = RS_BYTES(uid);
    if (r->type == JOURNAL_BEGIN)
        r->field[JOURNAL_DEVICE] = rs_bytes_str("X2-1");
    if (r->type == JOURNAL_ASK)
        r->field[JOURNAL_SPKI] = rs_bytes_str("a public key");
    if (r->type == JOURNAL_CERT)
        r->field[JOURNAL_CERTDER] = rs_bytes_str("a certificate");
    if (r->type == JOURNAL_SEAL)
        r->field[JOURNAL_STAGE] = RS_BYTES(stage);
}

static rs_code
count_each(void *arg, const struct journal_record *r, struct rs_err *err)
{
    struct journal_record want;
    unsigned *n = arg;

    (void)err;
    make_record(*n, &want);
    assert_int_equal(r->number, *n + 1);
    assert_int_equal(r->type, want.type);
    assert_int_equal(r->board, want.board);
    for (unsigned i = 1; i < JOURNAL_FIELDS; i++)
        assert_true(rs_bytes_equal(r->field[i], want.field[i]));
    (*n)++;
    return RS_OK;
}

static void
write_journal(unsigned from, unsigned to)
{
    struct rs_err err = {0};
    struct journal *j;
    struct journal_record r;
    unsigned n = 0;

    assert_int_equal(journal_open(path, count_each, &n, &j, &err), RS_OK);
    assert_int_equal(n, from);
    for (unsigned i = from; i < to; i++) {
        make_record(i, &r);
        assert_int_equal(journal_put(j, &r, &err), RS_OK);
    }
    assert_int_equal(journal_sync(j, &err), RS_OK);
    journal_close(j);
}

static void
what_was_written_is_read(void **state)
{
    (void)state;
    write_journal(0, 5);
    write_journal(5, RECORDS);
    write_journal(RECORDS, RECORDS);
}

static void
one_station_at_a_time(void **state)
{
    struct rs_err err = {0};
    struct journal *first, *second = NULL;

    (void)state;
    assert_int_equal(journal_open(path, NULL, NULL, &first, &err), RS_OK);
    assert_int_equal(journal_open(path, NULL, NULL, &second, &err), RS_E_STATION_RUNNING);
    assert_null(second);
    journal_close(first);
    journal_close(NULL);
}

static void
read_all(struct rs_buf *all)
{
    struct rs_err err = {0};

    rs_buf_init(all, 1u << 20);
    assert_int_equal(rs_file_read(path, 1u << 20, all, &err), RS_OK);
}

static void
replace_all(struct rs_bytes bytes)
{
    struct rs_err err = {0};

    assert_int_equal(rs_file_replace(path, bytes, 0600, &err), RS_OK);
}

/* Wherever the file ends, what is whole before it is read, and writing goes on. */
static void
every_cut_is_a_torn_tail(void **state)
{
    struct rs_buf all;
    struct rs_err err = {0};

    (void)state;
    write_journal(0, RECORDS);
    read_all(&all);
    for (size_t cut = 0; cut <= all.len; cut++) {
        struct journal *j = NULL;
        struct journal_record r;
        unsigned n = 0;

        replace_all(rs_bytes_of(all.p, cut));
        assert_int_equal(journal_open(path, count_each, &n, &j, &err), RS_OK);
        make_record(n, &r);
        assert_int_equal(journal_put(j, &r, &err), RS_OK);
        assert_int_equal(r.number, n + 1);
        journal_close(j);
        write_journal(n + 1, n + 1);
    }
    rs_buf_done(&all);
}

/* A record that was whole once and has others behind it: damage, never skipped. */
static void
every_flipped_byte_is_found(void **state)
{
    struct rs_buf all;
    size_t last = 0, len;
    struct journal_record r;

    (void)state;
    write_journal(0, RECORDS);
    read_all(&all);
    for (size_t at = JOURNAL_MAGIC_SIZE; at < all.len; at += len) {
        assert_true(journal_frame_read(rs_bytes_of(all.p + at, all.len - at), &r, &len));
        last = at;
    }
    for (size_t i = 0; i < all.len; i++) {
        struct rs_err err = {0};
        struct journal *j = NULL;
        rs_code rc;

        all.p[i] ^= 0x10;
        replace_all(rs_buf_bytes(&all));
        rc = journal_open(path, NULL, NULL, &j, &err);
        if (i < last)
            assert_int_equal(rc, RS_E_JOURNAL_DAMAGED);
        else
            assert_int_equal(rc, RS_OK); /* the last record: it may be an unfinished write */
        journal_close(j);
        all.p[i] ^= 0x10;
    }
    rs_buf_done(&all);
}

static void
numbers_have_no_gap(void **state)
{
    struct rs_buf all, less;
    struct journal_record r;
    struct rs_err err = {0};
    struct journal *j = NULL;
    size_t first;

    (void)state;
    write_journal(0, 3);
    read_all(&all);
    assert_true(journal_frame_read(rs_bytes_of(all.p + 8, all.len - 8), &r, &first));
    rs_buf_init(&less, 1u << 20);
    rs_buf_put(&less, all.p, 8);
    rs_buf_put(&less, all.p + 8 + first, all.len - 8 - first);
    replace_all(rs_buf_bytes(&less));
    assert_int_equal(journal_open(path, NULL, NULL, &j, &err), RS_E_JOURNAL_DAMAGED);
    rs_buf_done(&all);
    rs_buf_done(&less);
}

static void
too_large_is_refused(void **state)
{
    struct rs_err err = {0};
    struct journal *j;
    struct journal_record r;
    uint8_t *big = calloc(1, UINT16_MAX + 1u);

    (void)state;
    assert_non_null(big);
    assert_int_equal(journal_open(path, NULL, NULL, &j, &err), RS_OK);
    make_record(0, &r);
    r.field[JOURNAL_CERTDER] = rs_bytes_of(big, UINT16_MAX + 1u);
    assert_int_equal(journal_put(j, &r, &err), RS_E_INTERNAL);
    memset(&err, 0, sizeof(err));
    r.field[JOURNAL_CERTDER].len = JOURNAL_CONTENT_MAX;
    assert_int_equal(journal_put(j, &r, &err), RS_E_INTERNAL);
    make_record(0, &r);
    memset(&err, 0, sizeof(err));
    assert_int_equal(journal_put(j, &r, &err), RS_OK);
    journal_close(j);
    write_journal(1, 2);
    free(big);
}

/* ---- Death and failure at each write (needs -Dfaults=true) ---------------------------- */

/* In a child: write records one by one, each synced; gives how many were acknowledged. */
static unsigned
run_with(const char *rule)
{
    int status = 0, pipe_fd[2];
    unsigned char n = 0;
    pid_t pid;

    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct journal *j;
        struct journal_record r;
        unsigned have = 0;

        (void)setenv("ROOTSMITH_INJECT", rule, 1);
        rs_inject_program("test");
        if (journal_open(path, count_each, &have, &j, NULL) != RS_OK)
            _exit(1);
        for (unsigned i = have; i < RECORDS; i++) {
            make_record(i, &r);
            if (journal_put(j, &r, NULL) != RS_OK || journal_sync(j, NULL) != RS_OK)
                _exit(2);
            n = (unsigned char)(i + 1);
            if (write(pipe_fd[1], &n, 1) != 1)
                _exit(3);
        }
        _exit(0);
    }
    (void)close(pipe_fd[1]);
    while (read(pipe_fd[0], &n, 1) == 1)
        continue;
    (void)close(pipe_fd[0]);
    (void)waitpid(pid, &status, 0);
    return n;
}

static rs_code
only_count(void *arg, const struct journal_record *r, struct rs_err *err)
{
    (void)r;
    (void)err;
    (*(unsigned *)arg)++;
    return RS_OK;
}

static void
death_at_every_write_loses_nothing_acknowledged(void **state)
{
    static const struct {
        const char *point, *what;
    } kinds[] = {{"write", "=kill"}, {"write", "+=kill"},  {"write", "=torn"}, {"sync", "=kill"},
                 {"sync", "+=kill"}, {"write", "=ENOSPC"}, {"sync", "=EIO"}};
    char rule[32];

    (void)state;
    if (!rs_inject_built())
        skip();
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        for (unsigned n = 1; n <= RECORDS + 2; n++) {
            struct rs_err err = {0};
            struct journal *j;
            unsigned have = 0, acked;

            (void)unlink(path);
            (void)snprintf(rule, sizeof(rule), "%s@%u%s", kinds[kind].point, n, kinds[kind].what);
            acked = run_with(rule);
            assert_int_equal(journal_open(path, only_count, &have, &j, &err), RS_OK);
            journal_close(j);
            assert_true(have >= acked);
            assert_true(have <= acked + 1);
        }
    }
}

/* ---- What it means ------------------------------------------------------------------------ */

static void
memory_refuses_contradictions(void **state)
{
    struct memory *m = memory_new();
    struct journal_record r;
    struct rs_err err = {0};
    uint8_t report[9] = {0, 0, 0, 0, 0, 0, 0, 2, '{'}, uid[33] = {0};

    (void)state;
    make_record(0, &r);
    r.field[JOURNAL_UID].p = NULL;
    r.field[JOURNAL_UID].len = 0;
    assert_int_equal(memory_take(m, &r, &err), RS_E_JOURNAL_DAMAGED);
    memset(&err, 0, sizeof(err));
    r.field[JOURNAL_UID] = RS_BYTES(uid);
    assert_int_equal(memory_take(m, &r, &err), RS_E_JOURNAL_DAMAGED);
    memset(&err, 0, sizeof(err));
    memset(&r, 0, sizeof(r));
    r.type = JOURNAL_END;
    r.field[JOURNAL_REPORT] = RS_BYTES(report); /* report 2 where 1 should be */
    assert_int_equal(memory_take(m, &r, &err), RS_E_JOURNAL_DAMAGED);
    memory_free(m);
    memory_free(NULL);
}

static void
memory_knows_chips_and_reports(void **state)
{
    struct memory *m = memory_new();
    const struct memory_chip *chip;
    struct memory_chip copy;
    struct journal_record r;
    struct rs_err err = {0};
    uint8_t uid[9] = {0, 0x23, 4, 5, 6, 7, 8, 9, 0xee};
    uint8_t report[9] = {0, 0, 0, 0, 0, 0, 0, 1, '{'};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        make_record(i, &r);
        assert_int_equal(memory_take(m, &r, &err), RS_OK);
    }
    chip = memory_find(m, RS_BYTES(uid));
    assert_non_null(chip);
    assert_string_equal(chip->device, "X2-1");
    assert_int_equal(chip->sealed_intents, 2);
    assert_false(chip->passed);
    assert_int_equal(memory_next_board(m), 2);
    memset(&r, 0, sizeof(r));
    r.type = JOURNAL_END;
    r.field[JOURNAL_UID] = RS_BYTES(uid);
    r.field[JOURNAL_STATE] = rs_bytes_str("again");
    r.field[JOURNAL_CODE] = rs_bytes_str("chip.absent");
    r.field[JOURNAL_REPORT] = RS_BYTES(report);
    r.field[JOURNAL_JSON] = rs_bytes_str("{}");
    assert_int_equal(memory_take(m, &r, &err), RS_OK);
    assert_int_equal(memory_again(chip, "C1"), 1);
    assert_int_equal(memory_again(chip, "F1"), 0);
    assert_int_equal(memory_next_event(m), 2);
    assert_int_equal(memory_next_report(m), 2);
    assert_int_equal(memory_reports(m)->number, 1);
    assert_int_equal(memory_copy(m, RS_BYTES(uid), &copy, &err), RS_OK);
    assert_int_equal(copy.cert.len, 13);
    memory_chip_done(&copy);
    memset(&r, 0, sizeof(r));
    r.type = JOURNAL_POSTED;
    r.board = 2;
    assert_int_equal(memory_take(m, &r, &err), RS_OK);
    assert_null(memory_reports(m));
    assert_int_equal(memory_counts(m).again, 1);
    memory_free(m);
}

/* A record of the chip with that number. */
static void
take(struct memory *m, enum journal_type type, uint8_t chip, const char *device, const char *state)
{
    struct journal_record r = {.type = type, .board = 1};

    r.field[JOURNAL_UID] = rs_bytes_of(&chip, 1);
    if (device != NULL)
        r.field[JOURNAL_DEVICE] = rs_bytes_str(device);
    if (type == JOURNAL_ASK)
        r.field[JOURNAL_SPKI] = rs_bytes_str("a public key");
    if (state != NULL)
        r.field[JOURNAL_STATE] = rs_bytes_str(state);
    assert_int_equal(memory_take(m, &r, NULL), RS_OK);
}

/* Who has that label, but for this chip; *ret: the first byte of its number, 0: nobody. */
static enum memory_holder
holder(const struct memory *m, const char *device, uint8_t chip, unsigned *ret)
{
    const struct memory_chip *at = NULL;
    enum memory_holder held = memory_holder(m, device, rs_bytes_of(&chip, 1), &at);

    *ret = at != NULL ? at->uid[0] : 0;
    return held;
}

static void
a_label_belongs_to_one_chip(void **state)
{
    static const char *const thrown_away[] = {"scrap", "reject"};
    struct memory *m = memory_new();
    unsigned who = 0;

    (void)state;
    take(m, JOURNAL_BEGIN, 1, "X2-1", NULL);
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_NOBODY); /* no identity was asked for */
    take(m, JOURNAL_ASK, 1, NULL, NULL);
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_IN_WORK);
    assert_int_equal(who, 1);
    assert_int_equal(holder(m, "X2-1", 1, &who), MEMORY_NOBODY); /* its own */
    assert_int_equal(holder(m, "X2-2", 2, &who), MEMORY_NOBODY);
    take(m, JOURNAL_END, 1, NULL, "again");
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_IN_WORK);
    for (size_t i = 0; i < 2; i++) {
        take(m, JOURNAL_END, 1, NULL, thrown_away[i]);
        assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_NOBODY);
    }
    take(m, JOURNAL_BEGIN, 1, "X2-1", NULL);
    take(m, JOURNAL_END, 1, "X2-1", "pass");
    take(m, JOURNAL_BEGIN, 3, "X2-1", NULL);
    take(m, JOURNAL_ASK, 3, NULL, NULL);
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_PASSED); /* and not the newer one */
    assert_int_equal(who, 1);
    /* Boards were exchanged while it was in work: it is whose it passed as. */
    take(m, JOURNAL_BEGIN, 1, "X2-4", NULL);
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_IN_WORK);
    assert_int_equal(who, 3);
    take(m, JOURNAL_END, 1, "X2-1", "pass");
    assert_int_equal(holder(m, "X2-4", 2, &who), MEMORY_NOBODY);
    assert_int_equal(holder(m, "X2-1", 2, &who), MEMORY_PASSED);
    /* The end of a board that lost it to another says nothing of it. */
    take(m, JOURNAL_END, 1, "X2-4", "scrap");
    assert_string_equal(memory_find(m, rs_bytes_of((const uint8_t *)"\x01", 1))->state, "pass");
    take(m, JOURNAL_END, 1, "X2-1", "scrap");
    assert_string_equal(memory_find(m, rs_bytes_of((const uint8_t *)"\x01", 1))->state, "scrap");
    memory_free(m);
}

/* Two fixtures had the same part: boards were exchanged. */
static void
a_part_belongs_to_who_took_it_up_last(void **state)
{
    const uint8_t part = 1;
    struct memory *m = memory_new();
    struct journal_record r = {.type = JOURNAL_ASK, .board = 2};
    struct rs_err err = {0};

    (void)state;
    r.field[JOURNAL_UID] = rs_bytes_of(&part, 1);
    r.field[JOURNAL_DEVICE] = rs_bytes_str("X2-2");
    assert_int_equal(memory_check(m, &r, &err), RS_OK); /* nobody's */
    take(m, JOURNAL_BEGIN, part, "X2-1", NULL);
    assert_int_equal(memory_check(m, &r, &err), RS_E_CHIP_INTERRUPTED);
    r.type = JOURNAL_BEGIN; /* no identity was asked for: another board may have it */
    assert_int_equal(memory_check(m, &r, &err), RS_OK);
    take(m, JOURNAL_ASK, part, NULL, NULL);
    assert_int_equal(memory_check(m, &r, &err), RS_E_CHIP_INTERRUPTED);
    r.field[JOURNAL_DEVICE] = rs_bytes_str("X2-1"); /* its own, once more */
    assert_int_equal(memory_check(m, &r, &err), RS_OK);
    r.field[JOURNAL_DEVICE] = rs_bytes_str("X2-2");
    r.type = JOURNAL_END;
    assert_int_equal(memory_check(m, &r, &err), RS_OK);
    r.type = JOURNAL_ASK;
    r.board = 1;
    assert_int_equal(memory_check(m, &r, &err), RS_OK);
    memory_free(m);
}

static void
check(struct memory *m, const char *nest, const char *kind, const char *code, int64_t ms)
{
    struct journal_record r = {.type = JOURNAL_CHECK, .time_ms = ms};
    struct rs_err err = {0};

    r.field[JOURNAL_FIXTURE] = rs_bytes_str(nest);
    r.field[JOURNAL_STATE] = rs_bytes_str(kind);
    r.field[JOURNAL_CODE] = rs_bytes_str(code);
    assert_int_equal(memory_take(m, &r, &err), RS_OK);
}

/* A check that was wrong takes the one before it away. */
static void
memory_knows_what_nests_were_checked(void **state)
{
    struct memory *m = memory_new();

    (void)state;
    assert_null(memory_find_check(m, "1"));
    check(m, "1", "golden", "", 1000);
    check(m, "2", "golden", "", 1500);
    check(m, "1", "bad", "", 2000);
    assert_int_equal(memory_find_check(m, "1")->golden_ms, 1000);
    assert_int_equal(memory_find_check(m, "1")->bad_ms, 2000);
    assert_int_equal(memory_find_check(m, "2")->bad_ms, 0);
    check(m, "1", "golden", "fixture.failed", 3000);
    assert_int_equal(memory_find_check(m, "1")->golden_ms, 0);
    assert_int_equal(memory_find_check(m, "1")->bad_ms, 2000);
    assert_string_equal(memory_find_check(m, "1")->code, "fixture.failed");
    check(m, "1", "golden", "", 4000);
    assert_int_equal(memory_find_check(m, "1")->golden_ms, 4000);
    assert_string_equal(memory_find_check(m, "1")->code, "");
    assert_null(memory_find_check(m, "3"));
    memory_free(m);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_flipped_byte_is_found),
        T(numbers_have_no_gap),
        T(one_station_at_a_time),
        T(too_large_is_refused),
        T(every_cut_is_a_torn_tail),
        T(what_was_written_is_read),
        T(death_at_every_write_loses_nothing_acknowledged),
        cmocka_unit_test(memory_refuses_contradictions),
        cmocka_unit_test(a_label_belongs_to_one_chip),
        cmocka_unit_test(a_part_belongs_to_who_took_it_up_last),
        cmocka_unit_test(memory_knows_what_nests_were_checked),
        cmocka_unit_test(memory_knows_chips_and_reports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
