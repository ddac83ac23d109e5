/*
 * json_test.c: JSON that is refused, and where; members by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base_test.h"

static rs_code
read_text(const char *text, json_t **ret_json, struct rs_err *err)
{
    return rs_json_read(rs_bytes_str(text), ret_json, err);
}

static void
bad_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[1",
        "1",
        "\"a\"",
        "null",
        "{} {}",
        "{}x",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{a:1}",
        "{'a':1}",
        "[01]",
        "[+1]",
        "[.5]",
        "[1.]",
        "[NaN]",
        "[Infinity]",
        "[0x10]",
        "[\"\\u0000\"]",
        "{\"\\u0000\":1}",
        "[\"\\ud800\"]",
        "[\"\\x41\"]",
        "[\"\xff\"]",
        "[\"a\nb\"]",
        "// c\n[]",
        "[\"abc",
        "[\"abc\\",
        "[9223372036854775808]",
        "[-9223372036854775809]",
        "[123456789012345678901]",
        "[0.1234567890123456789]",
        "[1e000000000000000000001]",
        "[[[[[[[[[1]]]]]]]]]",
        "{\"a\":[[[[[[[[]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rs_err err = {0};
        json_t *j = NULL;
        if (read_text(bad[i], &j, &err) != RS_E_REQUEST_FORMAT)
            fail_msg("%s was read", bad[i]);
        assert_null(j);
        assert_memory_equal(err.text, "JSON: ", 6);
    }
}

static void
too_many_members_are_refused(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;
    json_t *j = NULL;

    (void)state;
    rs_buf_init(&b, 100000);
    for (int max = 256; max <= 257; max++) {
        rs_buf_reset(&b);
        for (int i = 0; i < max; i++)
            rs_buf_printf(&b, "%c\"m%d\":1", i ? ',' : '{', i);
        rs_buf_put_str(&b, "}");
        assert_int_equal(rs_json_read(rs_buf_bytes(&b), &j, NULL),
                         max == 256 ? RS_OK : RS_E_REQUEST_FORMAT);
    }
    json_decref(j);
}

static void
the_place_is_named(void **state)
{
    struct rs_err err = {0};
    json_t *j = NULL;

    (void)state;
    assert_int_equal(read_text("{\n  \"a\": x\n}", &j, &err), RS_E_REQUEST_FORMAT);
    assert_non_null(strstr(err.text, "line 2, column 8"));
}

static void
members_of_the_wrong_type_are_refused(void **state)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};
    const char *text = NULL;
    uint8_t bytes[4];
    int64_t v = 7;
    size_t len = 7;

    (void)state;
    assert_int_equal(read_text("{\"n\":5,\"t\":\"x\",\"f\":1.5,\"up\":\"AB\",\"odd\":\"abc\","
                               "\"long\":\"0011223344\",\"hex\":\"00ff\"}",
                               &j, NULL),
                     RS_OK);
    assert_int_equal(rs_json_text(j, "none", &text, &err), RS_E_REQUEST_FORMAT);
    assert_non_null(strstr(err.text, "\"none\""));
    assert_int_equal(rs_json_text(j, "n", &text, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_text(NULL, "n", &text, NULL), RS_E_REQUEST_FORMAT);
    assert_null(text);
    assert_int_equal(rs_json_int(j, "t", 0, 9, &v, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_int(j, "f", 0, 9, &v, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_int(j, "n", 0, 4, &v, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_int(j, "n", 6, 9, &v, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(v, 7);
    assert_int_equal(rs_json_hex(j, "up", bytes, 4, &len, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_hex(j, "odd", bytes, 4, &len, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_hex(j, "long", bytes, 4, &len, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(rs_json_hex(j, "n", bytes, 4, &len, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(len, 7);
    assert_int_equal(rs_json_text(j, "t", &text, NULL), RS_OK);
    assert_string_equal(text, "x");
    assert_int_equal(rs_json_int(j, "n", 5, 5, &v, NULL), RS_OK);
    assert_int_equal(rs_json_hex(j, "hex", bytes, 4, &len, NULL), RS_OK);
    assert_int_equal(len, 2);
    assert_string_equal(rs_json_text_or(j, "t", "y"), "x");
    assert_string_equal(rs_json_text_or(j, "none", "y"), "y");
}

static void
what_is_read_is_written(void **state)
{
    static const char text[] = "{\"z\":[1,-2,true,null,\"\xc3\xa9\\n\"],\"a\":{}}";
    RS_AUTO(rs_json_done) json_t *j = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf b;
    uint8_t room[4];
    struct rs_buf small;

    (void)state;
    assert_int_equal(read_text(text, &j, NULL), RS_OK);
    rs_buf_init(&b, 1000);
    rs_json_put(&b, j);
    assert_int_equal(rs_bytes_equal(rs_buf_bytes(&b), rs_bytes_str(text)), 1);
    rs_buf_init_fixed(&small, room, sizeof(room));
    rs_json_put(&small, j);
    assert_int_equal(rs_buf_ok(&small), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_json_is_refused),
        cmocka_unit_test(too_many_members_are_refused),
        cmocka_unit_test(the_place_is_named),
        cmocka_unit_test(members_of_the_wrong_type_are_refused),
        cmocka_unit_test(what_is_read_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
