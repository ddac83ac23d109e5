/*
 * thread_test.c: the queue under many threads, log lines that stay whole, and
 * injection counters that many threads share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/thread.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/inject.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base_test.h"

#define THREADS 4
#define ITEMS   5000

/* ---- Queue -------------------------------------------------------------------------- */

static void
a_full_or_closed_queue_refuses(void **state)
{
    struct rs_queue q;
    void *got[4];
    int a, b, c;

    (void)state;
    assert_int_equal(rs_queue_init(&q, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(rs_queue_init(&q, 2, NULL), RS_OK);
    assert_int_equal(rs_queue_take_now(&q, got, 4), 0);
    assert_int_equal(rs_queue_put(&q, &a), 1);
    assert_int_equal(rs_queue_put(&q, &b), 1);
    assert_int_equal(rs_queue_put(&q, &c), 0);
    assert_int_equal(rs_queue_take_batch(&q, got, 1), 1);
    assert_ptr_equal(got[0], &a);
    assert_int_equal(rs_queue_put(&q, &c), 1);
    rs_queue_close(&q);
    assert_int_equal(rs_queue_count(&q), 2);
    assert_int_equal(rs_queue_take(&q, got, 4), 2); /* what was put is still taken, in order */
    assert_ptr_equal(got[0], &b);
    assert_ptr_equal(got[1], &c);
    assert_int_equal(rs_queue_put(&q, &a), 0); /* closed, though there is room */
    assert_int_equal(rs_queue_take(&q, got, 4), 0);
    assert_int_equal(rs_queue_take_batch(&q, got, 4), 0);
    rs_queue_done(&q);
    rs_queue_done(&q);
}

static struct rs_queue queue;
static atomic_uint taken[ITEMS * THREADS];
static unsigned items[ITEMS * THREADS];

static void *
put_items(void *arg)
{
    const unsigned *first = arg;

    for (unsigned i = 0; i < ITEMS; i++) {
        items[*first + i] = *first + i;
        while (!rs_queue_put(&queue, &items[*first + i]))
            continue;
    }
    return NULL;
}

static void *
take_items(void *arg)
{
    void *got[7];
    size_t n;

    while ((n = arg != NULL ? rs_queue_take_batch(&queue, got, 7) : rs_queue_take(&queue, got, 7)) >
           0) {
        for (size_t i = 0; i < n; i++)
            atomic_fetch_add(&taken[*(const unsigned *)got[i]], 1);
    }
    return NULL;
}

static void
every_item_is_taken_once(void **state)
{
    static unsigned first[THREADS];
    pthread_t putters[THREADS], takers[THREADS];

    (void)state;
    assert_int_equal(rs_queue_init(&queue, 16, NULL), RS_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        first[i] = i * ITEMS;
        assert_int_equal(pthread_create(&takers[i], NULL, take_items, i == 0 ? &queue : NULL), 0);
        assert_int_equal(pthread_create(&putters[i], NULL, put_items, &first[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(putters[i], NULL), 0);
    rs_queue_close(&queue);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(takers[i], NULL), 0);
    for (unsigned i = 0; i < ITEMS * THREADS; i++)
        assert_int_equal(atomic_load(&taken[i]), 1);
    rs_queue_done(&queue);
}

/* ---- Log ------------------------------------------------------------------------------ */

static int saved_stderr = -1;

static void
catch_log(void)
{
    int fd = open(base_test_path("log"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

    saved_stderr = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved_stderr >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    (void)close(fd);
}

/* What was logged since catch_log(), with a NUL. */
static char *
caught_log(struct rs_buf *b)
{
    assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved_stderr);
    rs_buf_init(b, 8 << 20);
    assert_int_equal(rs_file_read(base_test_path("log"), 4 << 20, b, NULL), RS_OK);
    rs_buf_put_u8(b, 0);
    return (char *)b->p;
}

static void
levels_by_area(void **state)
{
    (void)state;
    rs_log_setup("test", RS_LOG_TEXT, "warn,pki=debug,http=error,nonsense,x=loud,=info");
    assert_int_equal(rs_log_on(RS_LOG_INFO, "signer"), 0);
    assert_int_equal(rs_log_on(RS_LOG_WARN, "signer"), 1);
    assert_int_equal(rs_log_on(RS_LOG_DEBUG, "pki"), 1);
    assert_int_equal(rs_log_on(RS_LOG_WARN, "http"), 0);
    assert_int_equal(rs_log_on(RS_LOG_ERROR, "http"), 1);
    assert_int_equal(rs_log_on(RS_LOG_INFO, "x"), 0);
    assert_int_equal(setenv("ROOTSMITH_LOG", "debug", 1), 0);
    rs_log_setup("test", RS_LOG_TEXT, NULL);
    assert_int_equal(rs_log_on(RS_LOG_DEBUG, "http"), 1);
    assert_int_equal(unsetenv("ROOTSMITH_LOG"), 0);
    rs_log_setup("test", RS_LOG_TEXT, NULL);
    assert_int_equal(rs_log_on(RS_LOG_DEBUG, "http"), 0);
    assert_int_equal(rs_log_on(RS_LOG_INFO, "http"), 1);
}

/* A peer's name must not make a second line, nor steer a terminal. */
static void
text_lines_cannot_be_forged(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;
    const char *text;

    (void)state;
    rs_log_setup("test", RS_LOG_TEXT, "info");
    catch_log();
    rs_log(RS_LOG_INFO, "http", "request", "n=%d who=%s", 7, "a\nb\x1b[2J\xc2\x9b\xff");
    rs_log(RS_LOG_DEBUG, "http", "not shown", "n=1");
    text = caught_log(&b);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(
        strstr(text, " info  http: request  n=7 who=a\\u000ab\\u001b[2J\\u009b\\ufffd\n"));
}

static json_t *
only_line(const char *text)
{
    json_t *j = NULL;

    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_int_equal(rs_json_read(rs_bytes_of(text, strlen(text)), &j, NULL), RS_OK);
    return j;
}

static void
json_lines_are_json(void **state)
{
    static const char *const nasty[] = {"plain",    "a \"quoted\" \\ one",       "\x01\x02\n\r\t",
                                        "\xff\xfe", "\xc3\xa9 \xf0\x9f\x98\x80", ""};

    (void)state;
    rs_log_setup("test", RS_LOG_JSON, "info");
    for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++) {
        RS_AUTO(rs_buf_done) struct rs_buf b;
        RS_AUTO(rs_json_done) json_t *j = NULL;
        catch_log();
        rs_log(RS_LOG_WARN, "http", "request", "first=1 who=%s", nasty[i]);
        j = only_line(caught_log(&b));
        assert_string_equal(rs_json_text_or(j, "level", ""), "warn");
        assert_string_equal(rs_json_text_or(j, "message", ""), "request");
        assert_string_equal(rs_json_text_or(j, "first", ""), "1");
        if (i != 3)
            assert_string_equal(rs_json_text_or(j, "who", "none"), nasty[i]);
    }
}

/* However much is said, the line is closed and below 4 KiB. */
static void
long_lines_are_cut_and_closed(void **state)
{
    static char flood[3000];

    (void)state;
    rs_log_setup("test", RS_LOG_JSON, "info");
    for (int c = 0; c < 3; c++) {
        RS_AUTO(rs_buf_done) struct rs_buf b;
        RS_AUTO(rs_json_done) json_t *j = NULL;
        memset(flood, "a\x01\xff"[c], sizeof(flood) - 1);
        catch_log();
        rs_log(RS_LOG_INFO, "http", flood, "who=%s more=1", flood);
        j = only_line(caught_log(&b));
        assert_true(b.len <= 4097);
        assert_string_equal(rs_json_text_or(j, "area", ""), "http");
    }
}

static void
errors_are_three_fields(void **state)
{
    struct rs_err err = {
        .code = RS_E_DISK_FULL, .text = "cannot write a=b level=info", .detail = "code=forged"};
    RS_AUTO(rs_buf_done) struct rs_buf b;
    RS_AUTO(rs_json_done) json_t *j = NULL;

    (void)state;
    rs_log_setup("test", RS_LOG_JSON, "info");
    catch_log();
    rs_log_err(RS_LOG_ERROR, "signer", "stopped", &err);
    j = only_line(caught_log(&b));
    assert_string_equal(rs_json_text_or(j, "code", ""), "disk.full");
    assert_string_equal(rs_json_text_or(j, "why", ""), "cannot write a=b level=info");
    assert_string_equal(rs_json_text_or(j, "detail", ""), "code=forged");
    assert_string_equal(rs_json_text_or(j, "level", ""), "error");
    assert_int_equal(json_object_size(j), 8);
}

static void *
log_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++)
        rs_log(RS_LOG_INFO, "thread", "line", "n=%d end=yes", i);
    return NULL;
}

static void
lines_of_threads_stay_whole(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;
    pthread_t threads[THREADS];
    unsigned lines = 0;
    char *save = NULL;

    (void)state;
    rs_log_setup("test", RS_LOG_JSON, "info");
    catch_log();
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (char *line = strtok_r(caught_log(&b), "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save), lines++) {
        RS_AUTO(rs_json_done) json_t *j = NULL;
        assert_int_equal(rs_json_read(rs_bytes_of(line, strlen(line)), &j, NULL), RS_OK);
        assert_string_equal(rs_json_text_or(j, "end", ""), "yes");
    }
    assert_int_equal(lines, 300 * THREADS);
}

/* ---- Injection ---------------------------------------------------------------------------- */

static atomic_uint failures;

static void *
call_point(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        if (rs_inject_before("shared") != 0)
            atomic_fetch_add(&failures, 1);
        rs_inject_after("shared");
        if (rs_inject_torn("shared", 10) != 10)
            abort();
        rs_inject_mark("passing");
    }
    return NULL;
}

/* The n-th call of all threads together fails, and only that one. */
static void
one_call_of_all_threads_fails(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    base_test_rules("shared@1777=EIO,shared@3999=ENOSPC,shared@4001=EIO");
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_point, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 2);
    assert_int_equal(rs_inject_before("shared"), 5); /* EIO, the 4001st */
    base_test_rules("");
    assert_int_equal(rs_inject_before("shared"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_or_closed_queue_refuses),
        cmocka_unit_test(every_item_is_taken_once),
        cmocka_unit_test(levels_by_area),
        cmocka_unit_test(text_lines_cannot_be_forged),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(long_lines_are_cut_and_closed),
        cmocka_unit_test(errors_are_three_fields),
        cmocka_unit_test(lines_of_threads_stay_whole),
        cmocka_unit_test(one_call_of_all_threads_fails),
    };

    return cmocka_run_group_tests(tests, base_test_setup, base_test_teardown);
}
