/*
 * fault_test.c: the n-th call fails, or the process dies there, for every n.
 *
 * The oracle is simple: what append() acknowledged is there after the next
 * start, in order and whole, and the verifier finds nothing but perhaps an
 * unfinished write.  Needs a build with -Dfaults=true; skipped without.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inject.h"

#define LEAVES 120

/* From here on, these rules; "" for none. */
static void
inject(const char *rules)
{
    assert_int_equal(setenv("ROOTSMITH_INJECT", rules[0] == '\0' ? "none@1=EIO" : rules, 1), 0);
    rs_inject_program("test");
}

/* Leaves as help_append() makes them, until the first failure; *acked counts. */
static rs_code
run(struct help *t, volatile uint64_t *acked)
{
    struct ledger *ledger = NULL;
    struct ledger_opened opened;
    struct rs_buf note;
    uint8_t content[64];
    rs_code rc = ledger_open(&t->config, &ledger, &opened, NULL);

    if (rc != RS_OK)
        return rc;
    rs_buf_init(&note, 4096);
    memset(content, 0x3c, sizeof(content));
    for (uint64_t i = opened.head.size; rc == RS_OK && i < LEAVES; i += 6) {
        struct ledger_leaf leaves[6];
        for (size_t k = 0; k < 6; k++)
            leaves[k] = (struct ledger_leaf){.type = LEDGER_ISSUED,
                                             .time_ms = HELP_TIME + (int64_t)i,
                                             .content = {content, sizeof(content)}};
        rc = ledger_append(ledger, leaves, 6, NULL);
        if (rc == RS_OK)
            *acked = leaves[5].index + 1;
        if (rc == RS_OK && i % 30 == 0)
            rc = ledger_checkpoint(ledger, &note, NULL);
        if (rc != RS_OK && rc != RS_E_DISK_FULL) {
            /* Broken stays broken, until it is opened again. */
            rs_code again = ledger_append(ledger, leaves, 6, NULL);
            if (again == RS_OK)
                *acked = leaves[5].index + 1;
        }
    }
    rs_buf_done(&note);
    ledger_close(ledger);
    return rc;
}

static int
count_leaf(void *arg, const struct ledger_leaf *leaf)
{
    uint64_t *next = arg;

    assert_int_equal(leaf->index, *next);
    (*next)++;
    return 0;
}

/* After whatever happened: everything acknowledged is there, and all is whole. */
static void
check_after(struct help *t, uint64_t acked)
{
    struct ledger_verify_config config = {.dir = t->dir,
                                          .witness_dir = t->witness,
                                          .public_key = t->config.public_key,
                                          .origin = HELP_ORIGIN};
    struct ledger_verdict verdict;
    struct ledger_opened opened;
    struct ledger *ledger;
    uint64_t next = 0;

    inject("");
    if (rs_path_exists(t->dir)) {
        assert_int_equal(ledger_verify(&config, &verdict, NULL), RS_OK);
        if (verdict.damage != LEDGER_WHOLE && verdict.damage != LEDGER_TORN_TAIL)
            fail_msg("before the start: %s", verdict.text);
        assert_true(verdict.entries >= acked);
    }
    ledger = help_open(t, &opened);
    assert_true(opened.head.size >= acked);
    assert_int_equal(ledger_read(ledger, 0, count_leaf, &next, NULL), RS_OK);
    assert_int_equal(next, opened.head.size);
    ledger_close(ledger);
    assert_int_equal(ledger_verify(&config, &verdict, NULL), RS_OK);
    if (verdict.damage != LEDGER_WHOLE)
        fail_msg("after the start: %s", verdict.text);
}

static void
clear(struct help *t)
{
    char command[HELP_PATH * 3];

    (void)snprintf(command, sizeof(command), "rm -rf '%s' '%s'", t->dir, t->witness);
    assert_int_equal(system(command), 0);
}

static void
loses_nothing_when_a_call_fails(void **state)
{
    static const char *const points[] = {"open", "read", "write", "sync", "truncate", "rename"};
    static const char *const errors[] = {"EIO", "ENOSPC"};
    struct help *t = *state;

    if (!rs_inject_built())
        skip();
    for (size_t p = 0; p < 12; p++) {
        rs_code rc = RS_E_INTERNAL;
        for (int n = 1; n < 400; n++) {
            volatile uint64_t acked = 0;
            char rule[64];
            (void)snprintf(rule, sizeof(rule), "%s@%d=%s", points[p / 2], n, errors[p % 2]);
            inject(rule);
            rc = run(t, &acked);
            check_after(t, acked);
            clear(t);
            if (rc == RS_OK && acked == LEAVES && n > 40)
                break;
        }
        assert_int_equal(rc, RS_OK);
    }
}

static void
stays_broken_after_a_failed_sync(void **state)
{
    struct help *t = *state;
    struct ledger *ledger;
    uint8_t content = 1;
    struct ledger_leaf leaf = {
        .type = LEDGER_LOGIN, .time_ms = HELP_TIME, .content = {&content, 1}};

    if (!rs_inject_built())
        skip();
    inject("");
    ledger = help_open(t, NULL);
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    inject("sync@1=EIO");
    leaf.index = 55;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_FILE_FAILED);
    inject("");
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_FILE_FAILED);
    assert_int_equal(leaf.index, 55);
    ledger_close(ledger);
}

/* No room for a new segment: nothing is written, and it goes on when there is room. */
static void
goes_on_after_a_full_disk(void **state)
{
    struct help *t = *state;
    struct ledger *ledger;
    uint8_t content = 1;
    struct ledger_leaf leaf = {
        .type = LEDGER_LOGIN, .time_ms = HELP_TIME, .content = {&content, 1}};

    if (!rs_inject_built())
        skip();
    inject("");
    ledger = help_open(t, NULL);
    inject("write@1=ENOSPC");
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_DISK_FULL);
    inject("");
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    assert_int_equal(leaf.index, 0);
    ledger_close(ledger);
    check_after(t, 1);
}

static void
loses_nothing_when_it_is_killed(void **state)
{
    static const char *const rules[][2] = {
        {"write", "=kill"},   {"write", "+=kill"},         {"write", "=torn"},
        {"sync", "=kill"},    {"sync", "+=kill"},          {"rename", "=kill"},
        {"rename", "+=kill"}, {"ledger-written", "=kill"}, {"ledger-synced", "=kill"},
    };
    struct help *t = *state;
    volatile uint64_t *acked =
        mmap(NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (!rs_inject_built())
        skip();
    assert_ptr_not_equal(acked, MAP_FAILED);
    for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        int killed = 1;
        for (int n = 1; killed; n += 1 + n / 12) {
            int status = 0;
            pid_t child;
            *acked = 0;
            child = fork();
            if (child == 0) {
                char rule[64];
                (void)snprintf(rule, sizeof(rule), "%s@%d%s", rules[r][0], n, rules[r][1]);
                (void)setenv("ROOTSMITH_INJECT", rule, 1);
                rs_inject_program("test");
                _exit(run(t, acked) == RS_OK ? 0 : 1);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            killed = WIFSIGNALED(status);
            if (!killed)
                assert_int_equal(WEXITSTATUS(status), 0);
            check_after(t, *acked);
            clear(t);
        }
    }
    (void)munmap((void *)(uintptr_t)acked, sizeof(*acked));
}

/* ---- Reading ------------------------------------------------------------------------ */

struct question {
    struct help *t;
    struct ledger *ledger;
    struct rs_bytes note;
    enum ledger_damage damage; /* what verify must say when it says something */
};

static rs_code
ask_verifier(struct question *q)
{
    struct ledger_verify_config config = {.dir = q->t->dir,
                                          .witness_dir = q->t->witness,
                                          .public_key = q->t->config.public_key,
                                          .notes = &q->note,
                                          .note_count = q->note.len > 0};
    struct ledger_verdict verdict;
    rs_code rc = ledger_verify(&config, &verdict, NULL);

    if (rc == RS_OK && verdict.damage != q->damage)
        fail_msg("%s instead of %s: %s", ledger_damage_name(verdict.damage),
                 ledger_damage_name(q->damage), verdict.text);
    return rc;
}

static rs_code
ask_reader(struct question *q)
{
    struct ledger_head head;
    uint64_t next = 0;
    rs_code rc = ledger_read(q->ledger, 0, count_leaf, &next, NULL);

    ledger_get_head(q->ledger, &head);
    if (rc == RS_OK)
        assert_int_equal(next, head.size);
    return rc;
}

static rs_code
ask_proof(struct question *q)
{
    uint8_t path[64][32];
    size_t count;

    return ledger_proof(q->ledger, 3, 300, path, 64, &count, NULL);
}

static rs_code
ask_seen(struct question *q)
{
    return ledger_check_seen(q->ledger, q->note, NULL);
}

static rs_code
ask_export(struct question *q)
{
    char command[HELP_PATH * 2];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", q->t->out);
    assert_int_equal(system(command), 0);
    return ledger_export(q->ledger, q->t->out, NULL);
}

/* The n-th open or read or write fails: an error, or the right answer; never a wrong one. */
static void
ask_with_faults(struct question *q, rs_code (*ask)(struct question *q))
{
    static const char *const points[] = {"open", "read", "write", "sync", "rename"};

    for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
        int failures = 0;
        for (int n = 1; n < 60; n++) {
            char rule[32];
            rs_code rc;
            (void)snprintf(rule, sizeof(rule), "%s@%d=EIO", points[p], n);
            inject(rule);
            rc = ask(q);
            failures += rc != RS_OK;
            if (rc != RS_OK)
                assert_int_equal(rc, RS_E_FILE_FAILED);
        }
        if (p < 2)
            assert_int_not_equal(failures, 0);
    }
    inject("");
    assert_int_equal(ask(q), RS_OK);
}

static void
answers_nothing_wrong_when_a_read_fails(void **state)
{
    struct help *t = *state;
    struct question q = {.t = t};
    struct rs_buf note;

    if (!rs_inject_built())
        skip();
    inject("");
    rs_buf_init(&note, 4096);
    q.ledger = help_open(t, NULL);
    help_append(q.ledger, 250, 20);
    assert_int_equal(ledger_checkpoint(q.ledger, &note, NULL), RS_OK);
    q.note = rs_buf_bytes(&note);
    help_append(q.ledger, 350, 20);
    ask_with_faults(&q, ask_reader);
    ask_with_faults(&q, ask_proof);
    ask_with_faults(&q, ask_seen);
    ask_with_faults(&q, ask_export);
    ledger_close(q.ledger);
    rs_buf_done(&note);
}

static void
gives_no_wrong_verdict_when_a_read_fails(void **state)
{
    struct help *t = *state;
    struct question q = {.t = t};
    struct parts parts;
    char path[HELP_PATH];
    size_t order[PIECES_MAX], n = 0, used;

    if (!rs_inject_built())
        skip();
    inject("");
    help_make(t, 600, 20);
    ask_with_faults(&q, ask_verifier);
    /* With a record missing in the first segment, so that it looks ahead. */
    take_apart(t, "00000001.seg", &parts);
    for (size_t i = 0; i < parts.count; i++)
        if (i != 9)
            order[n++] = i;
    put_together(t, "00000001.seg", &parts, order, n);
    q.damage = LEDGER_MISSING;
    ask_with_faults(&q, ask_verifier);
    /* A segment gone behind, the others renamed. */
    help_path(t, "00000001.seg", path);
    help_store(path, parts.file.p, parts.file.len);
    rs_buf_done(&parts.file);
    help_path(t, "00000003.seg", path);
    parts.file = help_load(path);
    help_path(t, "00000002.seg", path);
    help_store(path, parts.file.p, parts.file.len);
    ask_with_faults(&q, ask_verifier);
    rs_buf_done(&parts.file);
    /* An unfinished tail below its checkpoints. */
    clear(t);
    help_make(t, 40, 20);
    help_path(t, "00000001.seg", path);
    used = help_used(path);
    help_zero(path, used - 50, used);
    q.damage = LEDGER_CUT;
    ask_with_faults(&q, ask_verifier);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
    const struct CMUnitTest tests[] = {
        TEST(stays_broken_after_a_failed_sync),
        TEST(goes_on_after_a_full_disk),
        TEST(answers_nothing_wrong_when_a_read_fails),
        TEST(gives_no_wrong_verdict_when_a_read_fails),
        TEST(loses_nothing_when_a_call_fails),
        TEST(loses_nothing_when_it_is_killed),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
