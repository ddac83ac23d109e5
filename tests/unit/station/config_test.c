/*
 * config_test.c: station.yaml: mistakes at their place, and what is read.
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
#include <unistd.h>

#include "base/io.h"
#include "station/config.h"

static struct home home = {.name = "sz-1", .server = "https://pki.example:8443"};
static struct rs_arena arena;
static struct rs_buf said;

static rs_code
read_text(const char *text, struct station_file *file)
{
    char path[] = "/tmp/rs-station-XXXXXX";
    struct rs_err err = {0};
    int fd = mkstemp(path);
    rs_code rc;

    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(rs_file_replace(path, rs_bytes_str(text), 0600, &err), RS_OK);
    rs_buf_reset(&said);
    rc = station_file_read(path, &home, &arena, file, &said, &err);
    (void)unlink(path);
    return rc;
}

static void
refuses(const char *text, const char *place)
{
    struct station_file file;
    char all[4096];

    assert_int_equal(read_text(text, &file), RS_E_CONFIG_INVALID);
    (void)snprintf(all, sizeof(all), "%.*s", (int)said.len, (const char *)said.p);
    assert_non_null(strstr(all, place));
}

static void
mistakes_are_shown_at_their_place(void **state)
{
    (void)state;
    refuses("fixtures: 7\n", ":1:");
    refuses("fixtures:\n  - {name: 1}\n", ":2:");
    refuses("fixtures:\n  - {name: 1, chip: \"\"}\n", ":2:");
    refuses("name: sz-2\nfixtures:\n  - {name: 1, chip: \"soft:a\"}\n", ":1:7");
    refuses("server: https://x:1\nfixtures:\n  - {name: 1, chip: \"soft:a\"}\n", ":1:9");
    refuses("fixtures:\n  - {name: 1, chip: a}\n  - {name: 1, chip: b}\n", ":3:");
    refuses("fixture:\n  - {name: 1, chip: a}\n", "fixtures");
    refuses("est: {trust: r.pem, rot: soft, quantity: 1}\nfixtures:\n  - {name: 1, chip: a}\n",
            "est needs server");
    refuses("wait: 2d\nfixtures:\n  - {name: 1, chip: a}\n", ":1:7");
}

static void
a_missing_file_is_a_mistake(void **state)
{
    struct station_file file;
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(
        station_file_read("/nonexistent/station.yaml", &home, &arena, &file, &said, &err),
        RS_E_CONFIG_INVALID);
}

static void
what_is_said_is_read(void **state)
{
    struct station_file file;

    (void)state;
    assert_int_equal(read_text("name: sz-1\n"
                               "server: https://pki.example:8443\n"
                               "order: o-1\n"
                               "wait: 90s\n"
                               "fixtures:\n"
                               "  - {name: 1, chip: \"i2c:1:0x60\"}\n"
                               "  - {name: b, chip: \"soft:/x/{serial}.rot\"}\n",
                               &file),
                     RS_OK);
    assert_string_equal(file.order, "o-1");
    assert_int_equal(file.wait_s, 90);
    assert_int_equal(file.fixture_count, 2);
    assert_string_equal(file.fixtures[0].name, "1");
    assert_string_equal(file.fixtures[1].chip, "soft:/x/{serial}.rot");
    assert_int_equal(read_text("fixtures:\n  - {name: 1, chip: a}\n", &file), RS_OK);
    assert_null(file.order);
    assert_int_equal(file.wait_s, 60);
    assert_int_equal(read_text("name: sz-1\n", &file), RS_OK);
    assert_int_equal(file.fixture_count, 0);
}

static void
serials_fit_or_not(void **state)
{
    (void)state;
    assert_false(station_serial_fits("X2-#######", "X2-123"));
    assert_false(station_serial_fits("X2-#", "X2-a"));
    assert_false(station_serial_fits("X2-*", "Y2-1"));
    assert_false(station_serial_fits("?", ""));
    assert_false(station_serial_fits("*-9", "X2-1"));
    assert_true(station_serial_fits("", "anything"));
    assert_true(station_serial_fits("X2-####", "X2-0123"));
    assert_true(station_serial_fits("*-9", "a-9-9"));
    assert_true(station_serial_fits("X?-*", "X2-"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_shown_at_their_place),
        cmocka_unit_test(a_missing_file_is_a_mistake),
        cmocka_unit_test(what_is_said_is_read),
        cmocka_unit_test(serials_fit_or_not),
    };
    int failed;

    rs_arena_init(&arena, 1u << 22);
    rs_buf_init(&said, 1u << 16);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rs_arena_done(&arena);
    rs_buf_done(&said);
    return failed;
}
