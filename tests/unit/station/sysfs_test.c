/*
 * sysfs_test.c: adapters on a tree as the kernel draws it, hubs, muxes and all.
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
#include <sys/stat.h>
#include <unistd.h>

#include "station/sysfs.h"

static char root[] = "/tmp/rs-sysfs-XXXXXX";

static void
make(const char *way)
{
    char path[600], command[700];

    (void)snprintf(path, sizeof(path), "%s/%s", root, way);
    (void)snprintf(command, sizeof(command), "mkdir -p '%s'", path);
    assert_int_equal(system(command), 0);
}

/* What the kernel does for a bus: its directory, and a link to it. */
static void
add_link(const char *way)
{
    char target[600], link[600];

    (void)snprintf(target, sizeof(target), "../../../%s", way);
    (void)snprintf(link, sizeof(link), "%s/bus/i2c/devices/%s", root, strrchr(way, '/') + 1);
    make(way);
    assert_int_equal(symlink(target, link), 0);
}

static void
add_channel(const char *mux, int channel, const char *bus)
{
    char target[64], link[600];

    (void)snprintf(target, sizeof(target), "../%s", bus);
    (void)snprintf(link, sizeof(link), "%s/%s/channel-%d", root, mux, channel);
    assert_int_equal(symlink(target, link), 0);
}

static void
pull(const char *name)
{
    char path[600];

    (void)snprintf(path, sizeof(path), "%s/bus/i2c/devices/%s", root, name);
    assert_int_equal(unlink(path), 0);
}

#define USB "devices/pci0000:00/0000:00:14.0/usb1/1-1"

static int
build(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL)
        return 1;
    make("bus/i2c/devices");
    add_link(USB "/1-1.4/1-1.4:1.0/i2c-7");
    add_link(USB "/1-1.4/1-1.4:1.0/i2c-7/7-0070"); /* a mux that the kernel drives */
    add_link(USB "/1-1.4/1-1.4:1.0/i2c-7/i2c-9");
    add_link(USB "/1-1.4/1-1.4:1.0/i2c-7/i2c-10");
    add_channel("bus/i2c/devices/7-0070", 0, "i2c-9");
    add_channel("bus/i2c/devices/7-0070", 3, "i2c-10");
    add_link(USB "/1-1.2/1-1.2.1/1-1.2.1:1.0/0003:10C4:EA90.0001/i2c-11"); /* behind a hub */
    add_link(USB "/1-1.3/1-1.3:1.0/i2c-12");                               /* two interfaces */
    add_link(USB "/1-1.3/1-1.3:1.1/i2c-13");
    add_link("devices/platform/soc/fe804000.i2c/i2c-1");
    add_link("devices/platform/soc/fe804000.i2c/i2c-1/1-0060");
    return 0;
}

static int
clear(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static struct adapter
on_usb(const char *place, enum adapter_mux mux)
{
    struct adapter a = {.name = "a", .kind = ADAPTER_USB, .mux = mux};

    (void)snprintf(a.usb, sizeof(a.usb), "%s", place);
    return a;
}

static void
misses(const struct adapter *a, int channel, rs_code code, const char *words)
{
    struct rs_err err = {0};
    unsigned bus = 0;

    assert_int_equal(sysfs_find_bus(root, a, channel, &bus, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

static unsigned
finds(const struct adapter *a, int channel)
{
    struct rs_err err = {0};
    unsigned bus = 0;

    if (sysfs_find_bus(root, a, channel, &bus, &err) != RS_OK)
        fail_msg("%s", err.text);
    return bus;
}

static void
what_is_not_there_is_named(void **state)
{
    struct adapter a = on_usb("1-1.1", MUX_NONE);
    struct rs_err err = {0};
    unsigned bus;

    (void)state;
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "adapter 1-1.1 is not there");
    a = on_usb("1-1.2", MUX_NONE); /* a hub: what hangs on it is not it */
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "adapter 1-1.2 is not there");
    a = on_usb("1-1", MUX_NONE);
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "adapter 1-1 is not there");
    a = on_usb("1-1.3", MUX_NONE);
    misses(&a, -1, RS_E_CONFIG_INVALID, "name the interface, as in 1-1.3:1.0");
    a = on_usb("1-1.4:1.1", MUX_NONE);
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "adapter 1-1.4:1.1 is not there");
    a = on_usb("1-1.4", MUX_KERNEL);
    misses(&a, 1, RS_E_FIXTURE_ABSENT, "no channel 1");
    a = on_usb("1-1.2.1", MUX_KERNEL);
    misses(&a, 0, RS_E_FIXTURE_ABSENT, "no mux on i2c-11");
    a = (struct adapter){.name = "soc", .kind = ADAPTER_BUS, .bus = 2};
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "there is no bus 2");
    a = on_usb("1-1.4", MUX_NONE);
    assert_int_equal(sysfs_find_bus("/nonexistent", &a, -1, &bus, &err), RS_E_FIXTURE_ABSENT);
}

static void
what_is_there_is_found(void **state)
{
    struct adapter a = on_usb("1-1.4", MUX_NONE);

    (void)state;
    assert_int_equal(finds(&a, -1), 7);
    a = on_usb("1-1.4", MUX_OURS);
    assert_int_equal(finds(&a, 3), 7);
    a = on_usb("1-1.4", MUX_KERNEL);
    assert_int_equal(finds(&a, 0), 9);
    assert_int_equal(finds(&a, 3), 10);
    a = on_usb("1-1.4:1.0", MUX_NONE);
    assert_int_equal(finds(&a, -1), 7);
    a = on_usb("1-1.2.1", MUX_NONE);
    assert_int_equal(finds(&a, -1), 11);
    a = on_usb("1-1.3:1.1", MUX_NONE);
    assert_int_equal(finds(&a, -1), 13);
    a = (struct adapter){.name = "soc", .kind = ADAPTER_BUS, .bus = 1};
    assert_int_equal(finds(&a, -1), 1);
}

/* Pulled and plugged in again: another number, the same adapter. */
static void
it_comes_back_under_another_number(void **state)
{
    struct adapter a = on_usb("1-1.2.1", MUX_NONE);

    (void)state;
    assert_int_equal(finds(&a, -1), 11);
    pull("i2c-11");
    misses(&a, -1, RS_E_FIXTURE_ABSENT, "adapter 1-1.2.1 is not there");
    add_link(USB "/1-1.2/1-1.2.1/1-1.2.1:1.0/0003:10C4:EA90.0002/i2c-14");
    assert_int_equal(finds(&a, -1), 14);
}

static void
two_muxes_are_not_guessed_at(void **state)
{
    struct adapter a = on_usb("1-1.4", MUX_KERNEL);

    (void)state;
    add_link(USB "/1-1.4/1-1.4:1.0/i2c-7/7-0071");
    add_channel("bus/i2c/devices/7-0071", 0, "i2c-15");
    misses(&a, 0, RS_E_CONFIG_INVALID, "two muxes");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_named),
        cmocka_unit_test(what_is_there_is_found),
        cmocka_unit_test(it_comes_back_under_another_number),
        cmocka_unit_test(two_muxes_are_not_guessed_at),
    };

    return cmocka_run_group_tests(tests, build, clear);
}
