/*
 * failures_test.c: every code has exactly one row, and each row's rule holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "station/failures.h"

static size_t
rows_of(const char *class)
{
    const struct failure *row;
    size_t n = 0;

    for (size_t i = 0; (row = failure_at(i)) != NULL; i++)
        n += strcmp(row->class, class) == 0;
    return n;
}

static void
every_code_has_one_row(void **state)
{
    (void)state;
    for (int code = RS_OK + 1; code < RS_CODE_COUNT; code++) {
        const struct rs_code_info *info = rs_code_info((rs_code)code);
        const struct failure *row = failure_find((rs_code)code);

        assert_non_null(row);
        if (info->station[0] == '\0') {
            assert_string_equal(row->class, "S1");
            continue;
        }
        assert_int_equal(rows_of(info->station), 1);
        assert_string_equal(row->class, info->station);
    }
}

static void
every_row_speaks(void **state)
{
    static const char *const counts[] = {"again", "reject", "scrap", "pass", ""};
    const struct failure *row;

    (void)state;
    for (size_t i = 0; (row = failure_at(i)) != NULL; i++) {
        size_t known = 0;
        assert_int_equal(rows_of(row->class), 1);
        assert_true(strlen(row->operator_) > 0 && strlen(row->operator_last) > 0);
        assert_true(strlen(row->supervisor) > 0 && strlen(row->name) > 0);
        for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
            known += strcmp(counts[k], row->counts) == 0;
        assert_int_equal(known, 1);
    }
}

static enum tile
tile_of(rs_code code, unsigned again, int irreversible)
{
    const struct failure_case c = {code, again, irreversible};

    return failure_tile(&c);
}

static void
again_is_given_once(void **state)
{
    (void)state;
    assert_int_equal(tile_of(RS_E_CHIP_ABSENT, 0, 0), TILE_AGAIN);
    assert_int_equal(tile_of(RS_E_CHIP_ABSENT, 1, 0), TILE_REJECT);
    assert_int_equal(tile_of(RS_E_CHIP_FAULT, 0, 0), TILE_AGAIN);
    assert_int_equal(tile_of(RS_E_CHIP_FAULT, 0, 1), TILE_REJECT);
    assert_int_equal(tile_of(RS_E_CHIP_FAULT, 1, 0), TILE_REJECT);
    assert_int_equal(tile_of(RS_E_CHIP_INTERRUPTED, 9, 1), TILE_AGAIN);
}

static void
what_is_never_given_again(void **state)
{
    static const rs_code rejects[] = {RS_E_CHIP_WRONG_PART,  RS_E_CHIP_FOREIGN,
                                      RS_E_CHIP_NOT_GENUINE, RS_E_CHIP_TWIN,
                                      RS_E_KEY_UNIQUE,       RS_E_DEVICE_BLOCKED};
    static const rs_code stops[] = {RS_E_ORDER_EXHAUSTED, RS_E_ORDER_CLOSED, RS_E_AUTH_REVOKED,
                                    RS_E_JOURNAL_DAMAGED, RS_E_DISK_FULL,    RS_E_INTERNAL,
                                    RS_E_CHIP_BUSY,       RS_E_CRYPTO_FAILED};

    (void)state;
    for (size_t i = 0; i < sizeof(rejects) / sizeof(rejects[0]); i++)
        assert_int_equal(tile_of(rejects[i], 0, 0), TILE_REJECT);
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
        assert_int_equal(tile_of(stops[i], 0, 0), TILE_STOP);
}

static void
no_fault_becomes_a_pass(void **state)
{
    (void)state;
    for (int code = RS_OK + 1; code < RS_CODE_COUNT; code++) {
        if (code != RS_E_BOARD_DONE)
            assert_int_not_equal(tile_of((rs_code)code, 0, 0), TILE_PASS);
    }
    assert_int_equal(tile_of(RS_E_BOARD_DONE, 0, 1), TILE_PASS);
    assert_int_equal(tile_of(RS_E_LABEL_PATTERN, 0, 0), TILE_READY);
    assert_int_equal(tile_of(RS_E_NET_UNREACHABLE, 0, 0), TILE_BUSY);
    assert_string_equal(tile_word(TILE_REJECT), "REJECT");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_one_row),  cmocka_unit_test(every_row_speaks),
        cmocka_unit_test(again_is_given_once),     cmocka_unit_test(what_is_never_given_again),
        cmocka_unit_test(no_fault_becomes_a_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
