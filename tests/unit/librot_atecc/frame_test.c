/*
 * frame_test.c: packets of the ATECC608, refusals first.
 *
 * The strings are those of the public reference (Info, Random, Read, Sign).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "atecc.h"

static void
test_bad_answers(void **state)
{
    static const uint8_t good[] = {0x04, 0x11, 0x33, 0x43};
    uint8_t p[4];

    (void)state;
    for (size_t bit = 0; bit < 32; bit++) {
        memcpy(p, good, sizeof(p));
        p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(atecc_check_response(p, sizeof(p)), ROT_E_BUS);
    }
    assert_int_equal(atecc_check_response(good, 3), ROT_E_BUS);
    assert_int_equal(atecc_check_response(good, sizeof(good)), ROT_OK);
}

static void
test_status(void **state)
{
    (void)state;
    assert_int_equal(atecc_map_status(0x00), ROT_OK);
    assert_int_equal(atecc_map_status(0x01), ROT_E_MISMATCH);
    assert_int_equal(atecc_map_status(0x0f), ROT_E_CHIP);
    assert_int_equal(atecc_map_status(0xee), ROT_E_BUS);
    assert_int_equal(atecc_map_status(0xff), ROT_E_BUS);
}

static void
check_command(struct atecc_command c, const uint8_t *want, size_t len)
{
    uint8_t out[ATECC_PACKET_MAX];

    assert_int_equal(atecc_build_command(&c, out), len);
    assert_memory_equal(out, want, len);
}

static void
test_commands(void **state)
{
    static const uint8_t info[] = {0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5d};
    static const uint8_t sign[] = {0x07, 0x41, 0xa0, 0x00, 0x00, 0x7b, 0x85};
    static const uint8_t write[] = {0x0b, 0x12, 0x00, 0x04, 0x00, 0x00,
                                    0x01, 0x02, 0x03, 0x03, 0x47};
    static const uint8_t bytes[ATECC_PACKET_MAX] = {0, 1, 2, 3};
    struct atecc_command big = {ATECC_OP_WRITE, 0, 0, bytes, sizeof(bytes)};
    uint8_t out[ATECC_PACKET_MAX];

    (void)state;
    assert_int_equal(atecc_build_command(&big, out), 0);
    check_command((struct atecc_command){.op = ATECC_OP_INFO}, info, sizeof(info));
    check_command((struct atecc_command){.op = ATECC_OP_SIGN, .p1 = 0xa0}, sign, sizeof(sign));
    check_command((struct atecc_command){ATECC_OP_WRITE, 0, 4, bytes, 4}, write, sizeof(write));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
