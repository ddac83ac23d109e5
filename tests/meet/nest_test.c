/*
 * nest_test.c: what is in a nest, over simulated parts: also behind an adapter that has no
 * transaction without data, and over a wire that fails at each transaction in turn.
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

#include "base/bytes.h"
#include "far.h"
#include "station/recognise.h"

#include "../../src/station/wire.c"

#define HZ 100000u

static struct {
    struct far *far;
    int no_probe;      /* the adapter refuses a transaction without data */
    unsigned count;    /* transactions so far */
    unsigned fail_at;  /* the one that fails; 0: none */
    unsigned fail_for; /* so many after it, too */
} bus;

static int
fails(void)
{
    bus.count++;
    return bus.fail_at != 0 && bus.count >= bus.fail_at && bus.count <= bus.fail_at + bus.fail_for;
}

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    (void)self;
    if (fails() || (len == 0 && bus.no_probe))
        return ROT_E_BUS;
    return far_write(bus.far, HZ, address, tx, len) ? ROT_OK : ROT_BUSY;
}

static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    (void)self;
    if (fails())
        return ROT_E_BUS;
    return far_read(bus.far, HZ, address, rx, len) ? ROT_OK : ROT_BUSY;
}

static rot_err
bus_wake(void *self, uint32_t low_us)
{
    (void)self;
    far_wake(bus.far, low_us);
    return ROT_OK;
}

static void
bus_delay(void *self, uint32_t us)
{
    (void)self;
    far_delay(bus.far, us);
}

static const struct rot_line_ops bus_line = {.delay_us = bus_delay};
static const struct rot_i2c_ops bus_ops = {.write = bus_write, .read = bus_read, .wake = bus_wake};

static struct nest_file file;
static struct wires all;
static struct wire w;

/* A nest for a part, over a bus with a chip. */
static void
lay(const char *kind, const char *part, uint8_t address)
{
    memset(&bus, 0, sizeof(bus));
    memset(&file, 0, sizeof(file));
    bus.far = far_new(kind);
    file.adapter_count = file.nest_count = 1;
    file.adapters[0] = (struct adapter){.name = "a", .kind = ADAPTER_BUS};
    file.nests[0] =
        (struct nest){.name = "1", .channel = -1, .addresses = {address}, .address_count = 1};
    (void)snprintf(file.nests[0].part, sizeof(file.nests[0].part), "%s", part);
    wires_init(&all, &file);
    memset(&w, 0, sizeof(w));
    w.all = &all;
    w.nest = &file.nests[0];
    w.lin.fd = -1;
    assert_int_equal(rot_port_openssl_init(&w.lin.crypto), ROT_OK);
    w.lin.transport = (struct rot_transport){.line = &bus_line, .i2c = &bus_ops};
    put_over(&w);
}

static void
clear(void)
{
    wire_close(&w);
    wires_done(&all);
    far_free(bus.far);
}

static const struct {
    const char *kind, *part;
    uint8_t address;
    enum reel_kind what, blind; /* blind: through an adapter without probes */
    const char *text;
} rows[] = {
    {"blank608b", "atecc608b", 0x60, REEL_BLANK, REEL_BLANK, "atecc608b at 0x60, blank"},
    {"tflxtls", "atecc608b", 0x36, REEL_VENDOR, REEL_VENDOR, "sealed by its maker"},
    {"tflxtls", "atecc608b", 0x60, REEL_VENDOR, REEL_EMPTY, "where 0x60 is expected"},
    {"blank608a", "atecc608b", 0x60, REEL_WRONG_PART, REEL_WRONG_PART, "where atecc608b belongs"},
    {"blank608b", "atecc608b", 0x31, REEL_WRONG_ADDRESS, REEL_EMPTY, "where 0x31 is expected"},
    {"blank-se050", "atecc608b", 0x60, REEL_WRONG_PART, REEL_EMPTY, "where atecc608b belongs"},
    {"blank608b", "se050", 0x48, REEL_WRONG_PART, REEL_EMPTY, "where se050 belongs"},
    {"blank-se050", "se050", 0x48, REEL_BLANK, REEL_BLANK, "with its maker's certificate"},
    {"blank-a110", "stsafe-a110", 0x20, REEL_BLANK, REEL_BLANK, "with its maker's certificate"},
    {"blank-m3", "optiga-trust-m3", 0x30, REEL_BLANK, REEL_BLANK, "with its maker's certificate"},
    {"blank-m3", "stsafe-a110", 0x20, REEL_WRONG_PART, REEL_EMPTY, "where stsafe-a110 belongs"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
nobody_is_nobody(void **state)
{
    struct recognised what;

    (void)state;
    for (int blind = 0; blind < 2; blind++) {
        lay("blank608b", "atecc608b", 0x60);
        bus.no_probe = blind;
        far_power(bus.far, 0);
        recognise(&w, "", 0, 0, &what);
        assert_int_equal(what.kind, REEL_EMPTY);
        clear();
    }
}

static void
each_part_is_told(void **state)
{
    struct recognised what;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        lay(rows[i].kind, rows[i].part, rows[i].address);
        recognise(&w, "", 0, 0, &what);
        if (what.kind != rows[i].what || strstr(what.text, rows[i].text) == NULL)
            fail_msg("%s in a nest for %s: %s: %s", rows[i].kind, rows[i].part,
                     reel_name(what.kind), what.text);
        clear();
    }
}

static void
without_probes_at_least_ones_own(void **state)
{
    struct recognised what;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        lay(rows[i].kind, rows[i].part, rows[i].address);
        bus.no_probe = 1;
        recognise(&w, "", 0, 0, &what);
        if (what.kind != rows[i].blind)
            fail_msg("%s in a nest for %s: %s: %s", rows[i].kind, rows[i].part,
                     reel_name(what.kind), what.text);
        clear();
    }
}

/* Whatever fails, nothing is said that would let a wrong board go on, and a good one is told again. */
static void
a_wire_that_fails(void **state)
{
    struct recognised what;
    unsigned tried = 0;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        unsigned last = 1;
        for (unsigned at = 1; at <= last; at += 1 + at / 8) {
            int goes_on;
            lay(rows[i].kind, rows[i].part, rows[i].address);
            bus.fail_at = at;
            bus.fail_for = at % 3 == 0 ? 1000000 : at % 3;
            recognise(&w, "", 0, 0, &what);
            goes_on = what.kind == REEL_BLANK || what.kind == REEL_HALF || what.kind == REEL_DONE;
            if (goes_on && rows[i].what != REEL_BLANK)
                fail_msg("%s in a nest for %s, transaction %u: %s", rows[i].kind, rows[i].part, at,
                         what.text);
            last = bus.count > last ? bus.count : last;
            bus.fail_at = 0;
            far_power(bus.far, 0);
            far_power(bus.far, 1);
            far_delay(bus.far, 100000);
            recognise(&w, "", 0, 0, &what);
            if (what.kind != rows[i].what)
                fail_msg("%s in a nest for %s, after transaction %u: %s", rows[i].kind,
                         rows[i].part, at, what.text);
            clear();
            tried++;
        }
    }
    print_message("%u failures of the wire\n", tried);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_nobody),
        cmocka_unit_test(each_part_is_told),
        cmocka_unit_test(without_probes_at_least_ones_own),
        cmocka_unit_test(a_wire_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
