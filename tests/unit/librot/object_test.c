/*
 * object_test.c: names of objects and codes, layouts, memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rot/rot_driver.h>

static void
names_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",          "idev",       "idevidx",   "idevid/0",  "idevid/",    "IDEVID",
        "ldevid/",   "ldevid/-1",  "ldevid/01", "ldevid/00", "ldevid/256", "ldevid/999999999999",
        "ldevid/1 ", "ldevid/1/2", "ldevid//1", "ldevid/a",  "/0",         " ldevid",
        "trust/0x1", "unknown/0",
    };
    rot_object obj = 0x1234;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rot_object_parse(bad[i], &obj), ROT_E_FORMAT);
        assert_int_equal(obj, 0x1234);
    }
    assert_int_equal(rot_object_parse(NULL, &obj), ROT_E_ARG);
    assert_int_equal(rot_object_parse("idevid", NULL), ROT_E_ARG);
}

static void
objects_that_have_no_name(void **state)
{
    char name[ROT_NAME_MAX] = "keep";

    (void)state;
    assert_int_equal(rot_object_name(0, name), ROT_E_ARG);
    assert_int_equal(rot_object_name(ROT_OBJECT(11, 0), name), ROT_E_ARG);
    assert_int_equal(rot_object_name(ROT_OBJECT(ROT_KIND_IDEVID, 1), name), ROT_E_ARG);
    assert_string_equal(name, "keep");
    assert_int_equal(rot_object_name(ROT_IDEVID, NULL), ROT_E_ARG);
}

static void
short_names(void **state)
{
    rot_object obj = 0;

    (void)state;
    assert_int_equal(rot_object_parse("idevid", &obj), ROT_OK);
    assert_int_equal(obj, ROT_IDEVID);
    assert_int_equal(rot_object_parse("ldevid", &obj), ROT_OK);
    assert_int_equal(obj, ROT_LDEVID(0));
    assert_int_equal(rot_object_parse("data/255", &obj), ROT_OK);
    assert_int_equal(obj, ROT_DATA(255));
}

static void
every_object_round_trips(void **state)
{
    (void)state;
    for (unsigned kind = ROT_KIND_IDEVID; kind <= ROT_KIND_CHANNEL; kind++) {
        for (unsigned index = 0; index < (kind == ROT_KIND_IDEVID ? 1u : 256u); index++) {
            char name[ROT_NAME_MAX];
            rot_object obj = 0;

            assert_int_equal(rot_object_name(ROT_OBJECT(kind, index), name), ROT_OK);
            assert_int_equal(rot_object_parse(name, &obj), ROT_OK);
            assert_int_equal(obj, ROT_OBJECT(kind, index));
        }
    }
}

static void
codes_have_names_of_their_own(void **state)
{
    (void)state;
    for (int a = ROT_E_PORT; a <= ROT_BUSY; a++) {
        assert_string_not_equal(rot_err_name((rot_err)a), "unknown");
        for (int b = a + 1; b <= ROT_BUSY; b++)
            assert_string_not_equal(rot_err_name((rot_err)a), rot_err_name((rot_err)b));
    }
    assert_string_equal(rot_err_name((rot_err)-99), "unknown");
}

static void
layouts_find_what_they_have(void **state)
{
    static const struct rot_place places[] = {
        {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, 0, 0, 0, 7, 0},
        {ROT_IDEVID, ROT_PART_CERT, ROT_ALG_NONE, 0, 0, 72, 10, 0},
    };
    static const struct rot_layout layout = {
        .name = "x", .driver = "x", .places = places, .place_count = 2};

    (void)state;
    assert_null(rot_layout_find(NULL, ROT_IDEVID, ROT_PART_KEY));
    assert_null(rot_layout_find(&layout, ROT_LDEVID(0), ROT_PART_KEY));
    assert_null(rot_layout_find(&layout, ROT_IDEVID, ROT_PART_CHAIN));
    assert_ptr_equal(rot_layout_find(&layout, ROT_IDEVID, ROT_PART_CERT), &places[1]);
}

static void
memory_is_wiped_and_compared(void **state)
{
    uint8_t a[33], b[33];

    (void)state;
    memset(a, 0x5a, sizeof(a));
    memset(b, 0x5a, sizeof(b));
    assert_int_equal(rot_equal(a, b, sizeof(a)), 1);
    for (size_t i = 0; i < sizeof(a); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(rot_equal(a, b, sizeof(a)), 0);
            b[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(rot_equal(a, b, 0), 1);
    rot_wipe_memory(a, 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(a[i], 0);
    assert_int_equal(a[32], 0x5a);
    rot_wipe_memory(NULL, 4);
    rot_wipe_memory(a + 32, 0);
    assert_int_equal(a[32], 0x5a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(objects_that_have_no_name),
        cmocka_unit_test(short_names),
        cmocka_unit_test(every_object_round_trips),
        cmocka_unit_test(codes_have_names_of_their_own),
        cmocka_unit_test(layouts_find_what_they_have),
        cmocka_unit_test(memory_is_wiped_and_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
