/*
 * meta_test.c: metadata, by what real parts have (dumps, section 6 of the public
 * reference).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "optiga.h"
#include "script.h"

static uint8_t buf[SCRIPT_MAX];

static rot_err
read_hex(const char *hex, struct optiga_meta *m)
{
    size_t len = script_bytes(hex, buf);

    return optiga_meta_read((struct rot_bytes){buf, len}, m);
}

static int
is(struct rot_bytes have, const char *hex)
{
    uint8_t want[32];
    size_t len = script_bytes(hex, want);

    return len == 0 ? have.len == 0 : optiga_is_condition(have, (struct rot_bytes){want, len});
}

/* Those of a V3, and of the Express. */
static const struct {
    const char *hex;
    unsigned life, max, used, alg;
    const char *change, *read;
} dumps[] = {
    {"= 2017 C00101 C40206C0 C5020204 D001FF D10100 D30100 E80112", 1, 1728, 516, 0, "= FF",
     "= 00"},
    {"= 2019 C00101 C40206C0 C50206C0 D003E1FC07 D10100 D30100 E80112", 1, 1728, 1728, 0,
     "= E1FC07", "= 00"},
    {"= 2019 C00101 C40204B0 C50204B0 D003E1FC07 D10100 D30100 E80111", 1, 1200, 1200, 0,
     "= E1FC07", "= 00"},
    {"= 200F C00101 D001FF D30100 E00103 E10101", 1, 0, 0, 3, "= FF", "="},
    {"= 200B C00101 D003E1FC07 D30100", 1, 0, 0, 0, "= E1FC07", "="},
    {"= 2017 C00101 C40108 C50108 D003E1FC07 D10100 D30100 E80101", 1, 8, 8, 0, "= E1FC07", "= 00"},
    {"= 201D C00101 C40140 C50140 D007E1FC07FE20E140 D103E1FC07 D30100 E80122", 1, 64, 64, 0,
     "= E1FC07FE20E140", "= E1FC07"},
    {"= 2011 C00101 C4018C C50164 D003E1FC07 D10100", 1, 140, 100, 0, "= E1FC07", "= 00"},
    {"= 2013 C00101 C40205DC C50205DC D003E1FC07 D10100", 1, 1500, 1500, 0, "= E1FC07", "= 00"},
    {"= 2006 C40102 D10100", 7, 2, 2, 0, "=", "= 00"},
    {"= 200C C00107 D00720E140FD23F1D0", 7, 0, 0, 0, "= 20E140FD23F1D0", "="},
};

static void
real_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
        struct optiga_meta m;

        assert_int_equal(read_hex(dumps[i].hex, &m), ROT_OK);
        assert_int_equal(m.life, dumps[i].life);
        assert_int_equal(m.max, dumps[i].max);
        assert_int_equal(m.used, dumps[i].used);
        assert_int_equal(m.alg, dumps[i].alg);
        assert_true(is(m.change, dumps[i].change));
        assert_true(is(m.read, dumps[i].read));
    }
}

static void
malformed(void **state)
{
    static const char *const bad[] = {"=",
                                      "= 20",
                                      "= 2001",
                                      "= 2100",
                                      "= 2002 C001",
                                      "= 2001 C0",
                                      "= 2003 C00201",
                                      "= 2004 C0020101",
                                      "= 2002 C000",
                                      "= 2005 C403000001",
                                      "= 2002 C500",
                                      "= 2006 C40105 C50106",
                                      "= 2004 C00101",
                                      "= 2003 C0010100",
                                      "= 2002 E000"};
    struct optiga_meta m = {.life = 0x55};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_hex(bad[i], &m), ROT_E_FORMAT);
    assert_int_equal(m.life, 0x55);
    /* 44 bytes are the most. */
    memset(buf, 0, sizeof(buf));
    buf[0] = 0x20;
    for (size_t len = 44; len < 46; len++) {
        buf[1] = (uint8_t)(len - 2);
        buf[2] = 0xf0;
        buf[3] = (uint8_t)(len - 4);
        assert_int_equal(optiga_meta_read((struct rot_bytes){buf, len}, &m),
                         len == 44 ? ROT_OK : ROT_E_FORMAT);
    }
    assert_int_equal(read_hex("= 2000", &m), ROT_OK);
    assert_int_equal(m.life, OPTIGA_LIFE_OPERATIONAL);
}

static void
conditions(void **state)
{
    static const struct {
        const char *condition;
        rot_err before, after, before_by_channel, after_by_channel;
    } rows[] = {
        {"= 00", ROT_OK, ROT_OK, ROT_OK, ROT_OK},
        {"= FF", ROT_E_STATE, ROT_E_STATE, ROT_E_STATE, ROT_E_STATE},
        {"=", ROT_E_STATE, ROT_E_STATE, ROT_E_STATE, ROT_E_STATE},
        {"= E1FC07", ROT_OK, ROT_E_STATE, ROT_OK, ROT_E_STATE},
        {"= 20E140", ROT_E_AUTH, ROT_E_AUTH, ROT_OK, ROT_OK},
        {"= E1FC07FE20E140", ROT_OK, ROT_E_AUTH, ROT_OK, ROT_OK},
        {"= 20E140FE20E140FD21E0E9", ROT_E_AUTH, ROT_E_AUTH, ROT_OK, ROT_OK},
        {"= 21E0E8", ROT_E_STATE, ROT_E_STATE, ROT_E_STATE, ROT_E_STATE},
        {"= 20E141", ROT_E_STATE, ROT_E_STATE, ROT_E_STATE, ROT_E_STATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[32];
        struct rot_bytes c = {bytes, script_bytes(rows[i].condition, bytes)};
        const struct optiga_meta before = {.life = 1}, after = {.life = 7};

        assert_int_equal(optiga_meta_allows(&before, c, 0), rows[i].before);
        assert_int_equal(optiga_meta_allows(&after, c, 0), rows[i].after);
        assert_int_equal(optiga_meta_allows(&before, c, 1), rows[i].before_by_channel);
        assert_int_equal(optiga_meta_allows(&after, c, 1), rows[i].after_by_channel);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_parts),
        cmocka_unit_test(malformed),
        cmocka_unit_test(conditions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
