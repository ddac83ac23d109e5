/*
 * web_test.c: what web_open() refuses, and what a server's refusals become.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "client/est.h"
#include "client/web.h"

static void
refuses_what_is_no_base(void **state)
{
    static const char *const bad[] = {NULL,
                                      "",
                                      "localhost:8443",
                                      "ftp://x",
                                      "https://",
                                      "https://a/b",
                                      "https://a?b",
                                      "https://u@h",
                                      "https://a b"};
    struct web *web = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct web_config config = {.base = bad[i], .insecure = 1};
        struct rs_err err = {0};
        assert_int_equal(web_open(&config, &web, &err), RS_E_USAGE);
        assert_null(web);
    }
}

static void
refuses_https_without_trust(void **state)
{
    struct web_config config = {.base = "https://localhost:1"};
    struct rs_err err = {0};
    struct web *web = NULL;

    (void)state;
    assert_int_equal(web_open(&config, &web, &err), RS_E_USAGE);
    assert_non_null(strstr(err.text, "trust"));
}

static void
says_that_nobody_answers(void **state)
{
    struct web_config config = {.base = "https://127.0.0.1:1", .insecure = 1};
    struct web_request ask = {.method = "GET", .path = "/"};
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    struct rs_err err = {0};
    struct web *web;

    (void)state;
    assert_int_equal(web_open(&config, &web, &err), RS_OK);
    assert_int_equal(web_call(web, &ask, &reply, &err), RS_E_NET_UNREACHABLE);
    web_close(web);
    web_close(NULL);
}

static void
refuses_a_path_that_is_none(void **state)
{
    struct web_config config = {.base = "https://127.0.0.1:1", .insecure = 1};
    struct web_request ask = {.method = "GET", .path = "no-slash"};
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    struct rs_err err = {0};
    struct web *web;

    (void)state;
    assert_int_equal(web_open(&config, &web, &err), RS_OK);
    assert_int_equal(web_call(web, &ask, &reply, &err), RS_E_USAGE);
    web_close(web);
}

static void
expect_refusal(int status, const char *type, const char *body, rs_code want, const char *text)
{
    RS_AUTO(web_reply_done) struct web_reply reply = {.status = status};
    struct rs_err err = {0};

    rs_buf_init(&reply.body, 65536);
    (void)snprintf(reply.type, sizeof(reply.type), "%s", type);
    rs_buf_put_str(&reply.body, body);
    assert_int_equal(web_check(&reply, &err), want);
    assert_non_null(strstr(err.text, text));
}

static void
refusals_keep_their_code(void **state)
{
    (void)state;
    expect_refusal(403, "text/plain", "order.exhausted: 9 of 9 are made\n", RS_E_ORDER_EXHAUSTED,
                   "9 of 9 are made");
    expect_refusal(409, "application/problem+json",
                   "{\"code\":\"key.unique\",\"detail\":\"of X2-1\"}", RS_E_KEY_UNIQUE, "of X2-1");
    expect_refusal(409, "application/problem+json", "{\"code\":\"key.unique\"}", RS_E_KEY_UNIQUE,
                   "already belongs");
}

static void
other_refusals_become_the_nearest(void **state)
{
    (void)state;
    expect_refusal(503, "text/html", "<h1>proxy</h1>", RS_E_NET_UNREACHABLE, "503");
    expect_refusal(404, "text/plain", "nothing here", RS_E_REQUEST_UNKNOWN, "404");
    expect_refusal(404, "text/plain", "no.such.code: x", RS_E_REQUEST_UNKNOWN, "404");
    expect_refusal(500, "application/json", "{\"code\":7}", RS_E_INTERNAL, "500");
    expect_refusal(400, "application/json", "{", RS_E_REQUEST_FORMAT, "400");
    expect_refusal(429, "", "", RS_E_REQUEST_LIMIT, "429");
    expect_refusal(301, "", "", RS_E_REQUEST_FORMAT, "301");
}

static void
success_is_success(void **state)
{
    struct web_reply reply = {.status = 201};
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(web_check(&reply, &err), RS_OK);
}

/* What the server says about waiting, in seconds. */
static int64_t
wait_after(const char *const lines[], int status)
{
    RS_AUTO(web_reply_done) struct web_reply reply = {0};

    web_reply_begin(&reply);
    for (size_t i = 0; lines[i] != NULL; i++)
        web_reply_line(&reply, lines[i], strlen(lines[i]));
    web_reply_end(&reply, status);
    return reply.retry_after_s;
}

static void
nobody_is_sent_away_for_ages(void **state)
{
    static const char date[] = "Date: Sun, 29 Nov 2026 10:00:00 GMT\r\n";

    (void)state;
#define WAIT(...) wait_after((const char *const[]){__VA_ARGS__, NULL}, 503)
    assert_int_equal(WAIT("Server: x\r\n"), -1);
    assert_int_equal(WAIT("Retry-After: 99999999999999999999\r\n"), WEB_RETRY_MAX_S);
    assert_int_equal(WAIT("Retry-After: Sun, 29 Nov 2099 10:00:00 GMT\r\n", date), WEB_RETRY_MAX_S);
    assert_int_equal(WAIT("retry-after:300\r\n"), 300);
    assert_int_equal(WAIT("Retry-After: Sun, 29 Nov 2026 10:02:00 GMT\r\n", date), 120);
    assert_int_equal(WAIT("Retry-After: Sun, 29 Nov 2026 09:00:00 GMT\r\n", date), 0);
    assert_int_equal(WAIT("Retry-After: 9\r\n", "HTTP/1.1 503 Away\r\n"), -1);
#undef WAIT
}

static void
labels_are_checked_before_anything_is_sent(void **state)
{
    struct web_config config = {.base = "https://127.0.0.1:1", .insecure = 1};
    RS_AUTO(rs_buf_done) struct rs_buf cert = {0};
    struct rs_err err = {0};
    struct web *web;
    int64_t wait_s;

    (void)state;
    rs_buf_init(&cert, 100);
    assert_int_equal(web_open(&config, &web, &err), RS_OK);
    assert_int_equal(client_est_enroll(web, "a/b", rs_bytes_str("x"), &cert, &wait_s, &err),
                     RS_E_USAGE);
    web_close(web);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_base),
        cmocka_unit_test(refuses_https_without_trust),
        cmocka_unit_test(says_that_nobody_answers),
        cmocka_unit_test(refuses_a_path_that_is_none),
        cmocka_unit_test(refusals_keep_their_code),
        cmocka_unit_test(other_refusals_become_the_nearest),
        cmocka_unit_test(success_is_success),
        cmocka_unit_test(nobody_is_sent_away_for_ages),
        cmocka_unit_test(labels_are_checked_before_anything_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
