/*
 * port_test.c: librot's transports over /dev/i2c-N and /dev/spidevB.C keep their contract.
 *
 *   rot-sim exec --chip atecc608b --chip stsafe-a110 --chip ta100@spi0.0 -- port_test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <rot/linux.h>

static struct rot_linux lin;

static const struct rot_transport *
open_bus(const char *uri)
{
    if (rot_linux_open_bus(&lin, uri, NULL) != ROT_OK)
        fail_msg("%s: %s", uri, lin.error);
    return &lin.transport;
}

static void
what_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(rot_linux_open_bus(&lin, "i2c:2", NULL), ROT_E_BUS);
    assert_int_equal(rot_linux_open_bus(&lin, "spi:0.1", NULL), ROT_E_BUS);
    assert_int_equal(rot_linux_open(&lin, "i2c:2:0x60"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/dev/i2c-2"));
    /* Nobody there: every driver asked, none answered. */
    assert_int_equal(rot_linux_open(&lin, "i2c:1:0x50"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "0x50"));
    /* No part on SPI has a driver yet. */
    assert_int_equal(rot_linux_open(&lin, "spi:0.0"), ROT_E_UNSUPPORTED);
}

static void
i2c_refuses(void **state)
{
    static uint8_t big[1025];
    const struct rot_transport *t = open_bus("i2c:1");

    (void)state;
    assert_int_equal(t->i2c->write(t->self, 0x21, big, 1), ROT_BUSY);
    assert_int_equal(t->i2c->read(t->self, 0x21, big, 1), ROT_BUSY);
    assert_int_equal(t->i2c->write(t->self, 0x20, big, sizeof(big)), ROT_E_ARG);
    assert_int_equal(t->i2c->read(t->self, 0x20, big, sizeof(big)), ROT_E_ARG);
    assert_int_equal(t->i2c->read(t->self, 0x20, big, 0), ROT_E_ARG);
    assert_null(t->i2c->set_speed);
    assert_null(t->line->set_power);
    assert_int_equal(t->simulated, 0); /* as with silicon: nothing tells it */
    rot_linux_close(&lin);
}

/* A sleeping part does not acknowledge, and is woken by address 0. */
static void
i2c_wakes(void **state)
{
    static const uint8_t want[] = {0x04, 0x11, 0x33, 0x43}, sleep_word = 0x01;
    const struct rot_transport *t = open_bus("i2c:1");
    uint8_t rx[4] = {0};

    (void)state;
    /* Who looked for a part at another address has woken this one, too. */
    (void)!t->i2c->write(t->self, 0x60, &sleep_word, 1);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, sizeof(rx)), ROT_BUSY);
    assert_int_equal(t->i2c->wake(t->self, 60), ROT_OK);
    t->line->delay_us(t->self, 1500);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, sizeof(rx)), ROT_OK);
    assert_memory_equal(rx, want, sizeof(want));
    assert_int_equal(t->i2c->write(t->self, 0x60, &sleep_word, 1), ROT_OK);
    assert_int_equal(t->i2c->write(t->self, 0x60, NULL, 0), ROT_BUSY);
    rot_linux_close(&lin);
}

static void
a_delay_is_no_shorter(void **state)
{
    const struct rot_transport *t = open_bus("i2c:1");
    struct timespec a, b;
    int64_t us;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    t->line->delay_us(t->self, 20000);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
    assert_true(us >= 20000);
    rot_linux_close(&lin);
}

/* The descriptor is closed: the wire is broken, not the part busy. */
static void
a_closed_line_is_broken(void **state)
{
    struct rot_transport t = *open_bus("i2c:1");
    uint8_t byte = 0;

    (void)state;
    rot_linux_close(&lin);
    assert_int_equal(t.i2c->write(t.self, 0x20, &byte, 1), ROT_E_BUS);
    t = *open_bus("spi:0.0");
    rot_linux_close(&lin);
    assert_int_equal(t.spi->transfer(t.self, &byte, &byte, 1, 0), ROT_E_BUS);
}

/* ---- SPI ----------------------------------------------------------------------------- */

static void
spi_speaks(void **state)
{
    static const uint8_t info[] = {0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89};
    static uint8_t big[4097];
    const struct rot_transport *t = open_bus("spi:0.0");
    uint8_t status[2] = {0x30, 0}, ask[3] = {0x20, 0, 0}, rx[64] = {0};
    unsigned tries = 0;

    (void)state;
    assert_null(t->i2c);
    assert_int_equal(t->spi->transfer(t->self, big, big, sizeof(big), 0), ROT_E_ARG);
    assert_int_equal(t->spi->set_speed(t->self, 2000000), ROT_OK);
    /* The part starts: until then its line is high. */
    do {
        t->line->delay_us(t->self, 1000);
        assert_int_equal(t->spi->transfer(t->self, status, rx, 2, 0), ROT_OK);
    } while (rx[1] == 0xFF && ++tries < 100);
    assert_int_equal(rx[1], 0x00);
    /* A command in two pieces with chip select held; one side alone in each. */
    assert_int_equal(t->spi->transfer(t->self, info, NULL, 5, 1), ROT_OK);
    assert_int_equal(t->spi->transfer(t->self, info + 5, NULL, 4, 0), ROT_OK);
    assert_int_equal(t->spi->transfer(t->self, status, rx, 2, 0), ROT_OK);
    assert_int_equal(rx[1], 0x01);
    assert_int_equal(t->spi->transfer(t->self, ask, rx, 3, 1), ROT_OK);
    assert_int_equal(rx[1], 0);
    assert_in_range(rx[2], 5, sizeof(rx));
    assert_int_equal(t->spi->transfer(t->self, NULL, rx, rx[2] - 2u, 0), ROT_OK);
    assert_int_equal(rx[0], 0x00);
    assert_memory_equal(rx + 1, "SIM-TA100-PLACEHOLDER", 21);
    rot_linux_close(&lin);
}

/* The whole way: find the driver of a part by asking. */
static void
a_part_is_found(void **state)
{
    struct rot_identity id;
    struct rot_chip chip;

    (void)state;
    assert_int_equal(rot_linux_open(&lin, "i2c:1:0x60"), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_string_equal(id.model, "atecc608b");
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_int_equal(rot_linux_open(&lin, "i2c:1:0x20"), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_string_equal(id.model, "stsafe-a110");
    rot_close(&chip);
    rot_linux_close(&lin);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(i2c_refuses),
        cmocka_unit_test(i2c_wakes),
        cmocka_unit_test(a_delay_is_no_shorter),
        cmocka_unit_test(a_closed_line_is_broken),
        cmocka_unit_test(spi_speaks),
        cmocka_unit_test(a_part_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
