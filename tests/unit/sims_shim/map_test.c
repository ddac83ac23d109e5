/*
 * map_test.c: the map in the environment, where paths lead, and what is written to a GPIO line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sims/shim/map.h"

static const char good[] = "i2c-1=main i2c-12=desk.2  spi-0.1=spi-0/ta100 gpio-17=main/u1 "
                           "/dev/ttyUSB0=/dev/pts/4";

static void
bad_maps_are_refused(void **state)
{
    static const char *const bad[] = {
        "i2c",
        "i2c-",
        "i2c-1",
        "i2c-1=",
        "i2c-x=main",
        "i2c-01=main",
        "i2c-65536=main",
        "i2c-99999999999=main",
        "i2c-1 =main",
        "i2c-1=main i2c-1=desk",
        "spi-0=a/b",
        "spi-0.=a/b",
        "spi-0.0x=a/b",
        "gpio-=a/b",
        "usb-1=a",
        "=a",
        "/=",
        "/dev/ttyUSB0",
        "/dev/ttyUSB0=",
        "/dev/x=/dev/pts/1 /dev/x=/dev/pts/2",
        "i2c-1=1234567890123456789012345678901234567890123456789012345678901234",
        "/dev/67890123456789012345678901234567890123456789012345678901234567=a",
    };
    struct shim_map map;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (shim_map_read(&map, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void
no_more_than_there_is_room_for(void **state)
{
    char text[SHIM_ENTRIES_MAX * 16 + 32] = "";
    struct shim_map map;
    size_t len = 0;

    (void)state;
    for (unsigned i = 0; i < SHIM_ENTRIES_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "i2c-%u=m ", i);
    assert_int_equal(shim_map_read(&map, text), 1);
    assert_int_equal(map.count, SHIM_ENTRIES_MAX);
    (void)snprintf(text + len, sizeof(text) - len, "i2c-99=m");
    assert_int_equal(shim_map_read(&map, text), 0);
}

static void
a_map_is_read(void **state)
{
    struct shim_map map;

    (void)state;
    assert_int_equal(shim_map_read(&map, ""), 1);
    assert_int_equal(map.count, 0);
    assert_int_equal(shim_map_read(&map, good), 1);
    assert_int_equal(map.count, 5);
    assert_int_equal(map.entries[1].kind, SHIM_I2C);
    assert_int_equal(map.entries[1].number, 12);
    assert_string_equal(map.entries[1].target, "desk.2");
    assert_int_equal(map.entries[2].kind, SHIM_SPI);
    assert_int_equal(map.entries[2].number, 0);
    assert_int_equal(map.entries[2].select, 1);
    assert_string_equal(map.entries[2].target, "spi-0/ta100");
    assert_int_equal(map.entries[3].kind, SHIM_GPIO);
    assert_int_equal(map.entries[3].number, 17);
    assert_int_equal(map.entries[4].kind, SHIM_TTY);
    assert_string_equal(map.entries[4].path, "/dev/ttyUSB0");
    assert_string_equal(map.entries[4].target, "/dev/pts/4");
}

static void
paths_lead_where_they_should(void **state)
{
    static const struct {
        const char *path;
        enum shim_place place;
        int entry; /* -1: none */
    } cases[] = {
        {"/dev/i2c-1", SHIM_DEVICE, 0},
        {"/dev/i2c-12", SHIM_DEVICE, 1},
        {"/dev/spidev0.1", SHIM_DEVICE, 2},
        {"/dev/ttyUSB0", SHIM_DEVICE, 4},
        {"/dev/gpiochip0", SHIM_DEVICE, 3},
        {"/dev/gpiochip1", SHIM_ABSENT, -1},
        {"/dev/gpiochip", SHIM_ABSENT, -1},
        {"/dev/gpiochip00", SHIM_ABSENT, -1},
        {"/sys/bus/gpio/devices/gpiochip0/dev", SHIM_IN_TREE, -1},
        {"/dev/i2c-2", SHIM_ABSENT, -1},
        {"/dev/i2c-", SHIM_ABSENT, -1},
        {"/dev/i2c-1x", SHIM_ABSENT, -1},
        {"/dev/i2c-001", SHIM_ABSENT, -1},
        {"/dev/i2c-99999999999999999999", SHIM_ABSENT, -1},
        {"/dev/spidev0.0", SHIM_ABSENT, -1},
        {"/dev/spidev0", SHIM_ABSENT, -1},
        {"/dev/spidev0.1.1", SHIM_ABSENT, -1},
        {"/dev/i2c", SHIM_ELSEWHERE, -1},
        {"/dev/i2c/1", SHIM_ELSEWHERE, -1},
        {"/dev/ttyUSB1", SHIM_ELSEWHERE, -1},
        {"/dev/ttyUSB00", SHIM_ELSEWHERE, -1},
        {"/dev/null", SHIM_ELSEWHERE, -1},
        {"/devi2c-1", SHIM_ELSEWHERE, -1},
        {"", SHIM_ELSEWHERE, -1},
        {"/", SHIM_ELSEWHERE, -1},
        {"/sys/class/i2c-dev", SHIM_IN_TREE, -1},
        {"/sys/class/i2c-dev/i2c-1/name", SHIM_IN_TREE, -1},
        {"/sys/bus/i2c/devices", SHIM_IN_TREE, -1},
        {"/sys/class/gpio/export", SHIM_IN_TREE, -1},
        {"/sys/class/gpio/gpio17", SHIM_IN_TREE, -1},
        {"/sys/class/gpio/gpio17/edge", SHIM_IN_TREE, -1},
        {"/sys/class/gpio/gpio17/value", SHIM_GPIO_VALUE, 3},
        {"/sys/class/gpio/gpio17/direction", SHIM_GPIO_VALUE, 3},
        {"/sys/class/gpio/gpio18/value", SHIM_ABSENT, -1},
        {"/sys/class/i2c-devices", SHIM_ELSEWHERE, -1},
        {"/sys/class/net", SHIM_ELSEWHERE, -1},
        {"/sysclass/i2c-dev", SHIM_ELSEWHERE, -1},
    };
    struct shim_map map;

    (void)state;
    assert_int_equal(shim_map_read(&map, good), 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct shim_entry *entry = NULL;
        enum shim_place place = shim_map_find(&map, 1, cases[i].path, &entry);

        if (place != cases[i].place ||
            (cases[i].entry >= 0 && entry != &map.entries[cases[i].entry]))
            fail_msg("%s: %d", cases[i].path, (int)place);
    }
}

/* Without a simulated /sys the real one is seen; devices are simulated all the same. */
static void
sys_is_left_alone_without_a_tree(void **state)
{
    const struct shim_entry *entry = NULL;
    struct shim_map map;

    (void)state;
    assert_int_equal(shim_map_read(&map, good), 1);
    assert_int_equal(shim_map_find(&map, 0, "/sys/class/i2c-dev", &entry), SHIM_ELSEWHERE);
    assert_int_equal(shim_map_find(&map, 0, "/sys/class/gpio/gpio17/value", &entry),
                     SHIM_ELSEWHERE);
    assert_int_equal(shim_map_find(&map, 0, "/dev/gpiochip0", &entry), SHIM_ELSEWHERE);
    assert_int_equal(shim_map_find(&map, 0, "/dev/i2c-1", &entry), SHIM_DEVICE);
}

static void
gpio_writes_are_events(void **state)
{
    static const char text[] = "out\n1\n0 10high\nlow!in\n\0001x";
    static const enum shim_gpio want[] = {
        SHIM_GPIO_OUT_LOW,  SHIM_GPIO_HIGH,    SHIM_GPIO_LOW, SHIM_GPIO_HIGH, SHIM_GPIO_LOW,
        SHIM_GPIO_OUT_HIGH, SHIM_GPIO_OUT_LOW, SHIM_GPIO_IN,  SHIM_GPIO_HIGH, SHIM_GPIO_NOTHING};
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        size_t used = 0;

        assert_int_equal(shim_gpio_next(text + at, sizeof(text) - 1 - at, &used), want[i]);
        at += used;
    }
    assert_int_equal(at, sizeof(text) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_maps_are_refused),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(a_map_is_read),
        cmocka_unit_test(paths_lead_where_they_should),
        cmocka_unit_test(sys_is_left_alone_without_a_tree),
        cmocka_unit_test(gpio_writes_are_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
