/*
 * requests_test.c: the list of a key's newest requests, byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/requests.h"
#include "store_test.h"

#define NOW 1000

static uint8_t id[8][32], serial[STORE_SERIAL_MAX] = {1};
static char issuer[STORE_NAME_MAX];

/* Request n, which lives until `until`. */
static struct requests_entry
entry(unsigned n, int64_t until)
{
    memset(id[n], (int)(0x40 + n), 32);
    memset(issuer, 'i', sizeof(issuer) - 1);
    return (struct requests_entry){RS_BYTES(id[n]), until, rs_bytes_str(issuer), RS_BYTES(serial)};
}

static int
has(struct rs_bytes list, unsigned n, int64_t now)
{
    struct requests_entry e;
    int found = 2;

    assert_int_equal(requests_find(list, id[n], now, &e, &found, NULL), RS_OK);
    if (found) {
        assert_memory_equal(e.id.p, id[n], 32);
        assert_true(rs_bytes_equal(e.issuer, rs_bytes_str(issuer)));
        assert_true(rs_bytes_equal(e.serial, RS_BYTES(serial)));
    }
    return found;
}

/* list with one more, in room. */
static struct rs_bytes
add(struct rs_bytes list, struct requests_entry e, int64_t now, uint8_t room[REQUESTS_BYTES_MAX])
{
    struct rs_buf out;

    rs_buf_init_fixed(&out, room, REQUESTS_BYTES_MAX);
    assert_int_equal(requests_add(list, &e, now, &out, NULL), RS_OK);
    assert_true(rs_buf_ok(&out));
    return rs_buf_bytes(&out);
}

static void
test_bytes_that_are_no_list(void **state)
{
    uint8_t room[REQUESTS_BYTES_MAX], other[REQUESTS_BYTES_MAX], bad[REQUESTS_BYTES_MAX];
    struct requests_entry e = entry(0, NOW + 5), found;
    struct rs_bytes one = add(rs_bytes_of(NULL, 0), e, NOW, room);
    struct rs_bytes two = add(one, entry(1, NOW + 5), NOW, other);
    struct rs_buf out;
    size_t refused = 0;
    int any;

    (void)state;
    assert_int_equal(two.len, 2 * one.len);
    for (size_t len = 1; len < two.len; len++) {
        if (len == one.len)
            continue;
        rs_buf_init_fixed(&out, bad, sizeof(bad));
        assert_int_equal(requests_find(rs_bytes_of(other, len), id[7], NOW, &found, &any, NULL),
                         RS_E_STORE_DAMAGED);
        assert_int_equal(requests_add(rs_bytes_of(other, len), &e, NOW, &out, NULL),
                         RS_E_STORE_DAMAGED);
        refused++;
    }
    assert_int_equal(refused, two.len - 2);
    /* No issuer; one that fits nowhere; no serial; a longer one than there are. */
    memcpy(bad, room, sizeof(bad));
    bad[40] = 0;
    assert_int_equal(requests_find(rs_bytes_of(bad, one.len), id[0], NOW, &found, &any, NULL),
                     RS_E_STORE_DAMAGED);
    memset(bad, 'i', sizeof(bad));
    bad[40] = STORE_NAME_MAX;
    bad[41 + STORE_NAME_MAX] = 1;
    assert_int_equal(
        requests_find(rs_bytes_of(bad, 43 + STORE_NAME_MAX), id[0], NOW, &found, &any, NULL),
        RS_E_STORE_DAMAGED);
    bad[40] = 1;
    bad[42] = 0;
    assert_int_equal(requests_find(rs_bytes_of(bad, 43), id[0], NOW, &found, &any, NULL),
                     RS_E_STORE_DAMAGED);
    bad[42] = 21;
    assert_int_equal(requests_find(rs_bytes_of(bad, 64), id[0], NOW, &found, &any, NULL),
                     RS_E_STORE_DAMAGED);
    bad[42] = 20;
    assert_int_equal(requests_find(rs_bytes_of(bad, 63), id[0], NOW, &found, &any, NULL), RS_OK);
}

static void
test_the_longest_living_stay(void **state)
{
    uint8_t room[2][REQUESTS_BYTES_MAX];
    struct rs_bytes list = {NULL, 0};

    (void)state;
    assert_false(has(list, 0, NOW));
    for (unsigned n = 0; n < 5; n++)
        list = add(list, entry(n, NOW + 10 + n), NOW, room[n % 2]);
    assert_int_equal(list.len, REQUESTS_BYTES_MAX); /* the longest names fill it */
    assert_false(has(list, 0, NOW));
    for (unsigned n = 1; n < 5; n++)
        assert_true(has(list, n, NOW));
    list = add(list, entry(5, NOW + 1), NOW, room[1]); /* lives shorter than each of the four */
    assert_false(has(list, 5, NOW));
    assert_true(has(list, 1, NOW));
    list = add(list, entry(6, NOW + 13), NOW, room[0]); /* between others */
    assert_false(has(list, 1, NOW));
    assert_true(has(list, 2, NOW));
    assert_true(has(list, 6, NOW));
}

static void
test_what_expired_is_gone(void **state)
{
    uint8_t room[2][REQUESTS_BYTES_MAX];
    struct rs_bytes list = {NULL, 0};

    (void)state;
    list = add(list, entry(0, NOW), NOW, room[0]); /* never lived */
    assert_int_equal(list.len, 0);
    list = add(list, entry(0, NOW + 1), NOW, room[0]);
    assert_true(has(list, 0, NOW));
    assert_false(has(list, 0, NOW + 1));
    list = add(list, entry(1, NOW + 9), NOW + 1, room[1]);
    assert_int_equal(list.len, REQUESTS_BYTES_MAX / REQUESTS_MAX);
    assert_false(has(list, 0, NOW));
    assert_true(has(list, 1, NOW));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_are_no_list),
        cmocka_unit_test(test_the_longest_living_stay),
        cmocka_unit_test(test_what_expired_is_gone),
    };

    return cmocka_run_group_tests_name("store/requests", tests, NULL, NULL);
}
