/*
 * soft_format_test.c: the content of a soft key store, which has one form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../librot/host/soft/soft.h"

/* Where things stand in the content below. */
enum {
    AT_VERSION = 1,
    AT_SEALED = 21,
    AT_COUNT = 23,
    FIRST = 24,
    AT_FLAGS = FIRST + 4,
    AT_LEN = FIRST + 8,
    SECOND = FIRST + 9 + 16,
};

/* Two records: an AES-128 key of session/0, and three bytes of data/1. */
static size_t
make(uint8_t out[128])
{
    static const uint8_t head[] = {0,   1,   'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
                                   'u', 'u', 'u', 'u', 'u', 'u', 0,   0,   0,   2,   0,   2};
    static const uint8_t key[] = {5, 0, 1, 32, 0, 0, 0, 0, 16};
    static const uint8_t data[] = {6, 1, 4, 0, 1, 0, 0, 0, 3, 'x', 'y', 'z'};

    memset(out, 0, 128);
    memcpy(out, head, sizeof(head));
    memcpy(out + FIRST, key, sizeof(key));
    memset(out + FIRST + 9, 'k', 16);
    memcpy(out + SECOND, data, sizeof(data));
    return SECOND + sizeof(data);
}

static struct soft_store store;

static void
is_refused(const uint8_t *p, size_t len)
{
    assert_int_equal(soft_store_read(p, len, &store), ROT_E_FORMAT);
    assert_int_equal(store.count, 0);
}

static void
other_forms_are_refused(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"version", AT_VERSION, 2},
        {"unknown seal", AT_SEALED, 4},
        {"one record more than there is", AT_COUNT, 3},
        {"one record less: bytes left", AT_COUNT, 1},
        {"more records than fit", AT_COUNT - 1, 1},
        {"unknown flag", AT_FLAGS, 2},
        {"part 0", FIRST + 2, 0},
        {"part 5", FIRST + 2, 5},
        {"unknown algorithm of a key", FIRST + 3, 6},
        {"a key of another size", FIRST + 3, 33},
        {"length past the end", AT_LEN, 200},
        {"length one short", AT_LEN, 15},
        {"length of megabytes", AT_LEN - 2, 1},
        {"not sorted", FIRST, 7},
        {"the second before the first", SECOND, 4},
    };
    uint8_t p[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = make(p);

        p[cases[i].at] = cases[i].value;
        if (soft_store_read(p, len, &store) != ROT_E_FORMAT)
            fail_msg("taken: %s", cases[i].what);
        assert_int_equal(store.count, 0);
    }
}

static void
one_record_stands_once(void **state)
{
    uint8_t p[128];
    size_t len = make(p);

    (void)state;
    /* data/1 twice: the first becomes three bytes of it, too. */
    memmove(p + FIRST, p + SECOND, 12);
    memcpy(p + FIRST + 12, p + FIRST, 12);
    is_refused(p, FIRST + 24);
    p[FIRST + 13] = 2; /* data/2 */
    assert_int_equal(soft_store_read(p, FIRST + 24, &store), ROT_OK);
    soft_store_clear(&store);
    (void)len;
}

static void
counters_have_eight_bytes(void **state)
{
    uint8_t p[128];
    size_t len = make(p);

    (void)state;
    p[SECOND] = 7;
    is_refused(p, len);
    p[SECOND + 8] = 8;
    assert_int_equal(soft_store_read(p, len + 5, &store), ROT_OK);
    soft_store_clear(&store);
}

static void
every_length_but_one_is_refused(void **state)
{
    uint8_t p[128];
    size_t len = make(p);

    (void)state;
    for (size_t n = 0; n < sizeof(p); n++) {
        if (n != len)
            is_refused(p, n);
    }
}

static void
what_is_read_is_written(void **state)
{
    uint8_t p[128], back[128];
    size_t len = make(p);

    (void)state;
    assert_int_equal(soft_store_read(p, len, &store), ROT_OK);
    assert_int_equal(store.count, 2);
    assert_int_equal(store.records[1].flags, SOFT_LOCKED);
    assert_int_equal(store.sealed, 1u << ROT_STAGE_DATA);
    assert_int_equal(soft_store_size(&store), len);
    soft_store_write(&store, back);
    assert_memory_equal(back, p, len);
    soft_store_clear(&store);
}

/* A store keeps its order whatever comes first, and ends when it is full. */
static void
records_are_sorted_and_bounded(void **state)
{
    static uint8_t big[SOFT_RECORD_MAX + 1], image[8192];
    struct rot_place place = {.part = ROT_PART_DATA};
    uint8_t byte = 1;

    (void)state;
    memset(&store, 0, sizeof(store));
    for (unsigned i = SOFT_RECORDS_MAX; i > 0; i--) {
        place.object = ROT_DATA(i);
        assert_int_equal(soft_store_put(&store, &place, &byte, 1), ROT_OK);
    }
    place.object = ROT_DATA(0);
    assert_int_equal(soft_store_put(&store, &place, &byte, 1), ROT_E_SPACE);
    place.object = ROT_DATA(1);
    assert_int_equal(soft_store_put(&store, &place, big, sizeof(big)), ROT_E_SPACE);
    assert_int_equal(soft_store_put(&store, &place, &byte, 0), ROT_OK);
    soft_store_remove(&store, soft_store_find(&store, ROT_DATA(7), ROT_PART_DATA));
    assert_null(soft_store_find(&store, ROT_DATA(7), ROT_PART_DATA));
    assert_non_null(soft_store_find(&store, ROT_DATA(8), ROT_PART_DATA));
    assert_true(soft_store_size(&store) < sizeof(image));
    soft_store_write(&store, image);
    {
        size_t len = soft_store_size(&store);

        soft_store_clear(&store);
        assert_int_equal(soft_store_read(image, len, &store), ROT_OK);
        assert_int_equal(store.count, SOFT_RECORDS_MAX - 1);
        soft_store_clear(&store);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(one_record_stands_once),
        cmocka_unit_test(counters_have_eight_bytes),
        cmocka_unit_test(every_length_but_one_is_refused),
        cmocka_unit_test(what_is_read_is_written),
        cmocka_unit_test(records_are_sorted_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
