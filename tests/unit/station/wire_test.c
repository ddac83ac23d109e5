/*
 * wire_test.c: nests that share an adapter: whose channel is selected when, with many at once.
 *
 * The bus is a log; wire.c is included, so that a wire can be laid over it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

#include "../../../src/station/wire.c"

/* ---- A bus ------------------------------------------------------------------------ */

struct bus {
    pthread_mutex_t lock;
    uint8_t open[2]; /* what the muxes at 0x70 and 0x71 let through */
    unsigned selections;
    unsigned fail_at; /* the transaction that fails; 0: none */
    unsigned count;
    int has_mux[2];
    int wrong; /* transactions that reached another nest's part */
    uint8_t seen[64];
    size_t seen_len;
};

struct end {
    struct bus *bus;
    uint8_t expect[2]; /* of this nest: what must be open when its part is spoken to */
};

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct end *e = self;
    struct bus *b = e->bus;
    rot_err rc = ROT_OK;

    (void)pthread_mutex_lock(&b->lock);
    if (b->seen_len < sizeof(b->seen))
        b->seen[b->seen_len++] = address;
    if (++b->count == b->fail_at) {
        rc = ROT_E_BUS;
    } else if ((address & 0xfe) == 0x70) {
        rc = b->has_mux[address & 1] ? ROT_OK : ROT_BUSY;
        if (rc == ROT_OK && len == 1)
            b->open[address & 1] = tx[0];
        b->selections++;
    } else {
        b->wrong += b->open[0] != e->expect[0] || b->open[1] != e->expect[1];
    }
    (void)pthread_mutex_unlock(&b->lock);
    return rc;
}

static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    memset(rx, 0, len);
    return bus_write(self, address, NULL, 0);
}

static void
no_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops bus_line = {.delay_us = no_delay};
static const struct rot_i2c_ops bus_ops = {.write = bus_write, .read = bus_read};

static struct nest_file file;
static struct wires all;
static struct bus bus;
static struct wire nest[4];
static struct end ends[4];

static struct adapter
adapter_at(const char *name, unsigned number, uint8_t mux)
{
    struct adapter a = {.kind = ADAPTER_BUS,
                        .bus = number,
                        .mux = mux != 0 ? MUX_OURS : MUX_NONE,
                        .mux_address = mux};

    (void)snprintf(a.name, sizeof(a.name), "%s", name);
    return a;
}

static void
lay(size_t i, int adapter, int channel, uint8_t first, uint8_t second)
{
    file.nests[i] = (struct nest){.adapter = adapter, .channel = channel};
    ends[i] = (struct end){&bus, {first, second}};
    memset(&nest[i], 0, sizeof(nest[i]));
    nest[i].all = &all;
    nest[i].nest = &file.nests[i];
    nest[i].lin.transport.self = &ends[i];
    nest[i].lin.transport.line = &bus_line;
    nest[i].lin.transport.i2c = &bus_ops;
    put_over(&nest[i]);
}

/* Two muxes and a part in front of them on one bus; a fourth nest on another. */
static int
build(void **state)
{
    (void)state;
    memset(&file, 0, sizeof(file));
    memset(&bus, 0, sizeof(bus));
    (void)pthread_mutex_init(&bus.lock, NULL);
    bus.has_mux[0] = bus.has_mux[1] = 1;
    file.adapters[0] = adapter_at("a", 3, 0x70);
    file.adapters[1] = adapter_at("b", 3, 0x71);
    file.adapters[2] = adapter_at("c", 3, 0);
    file.adapter_count = 3;
    file.nest_count = 4;
    wires_init(&all, &file);
    lay(0, 0, 0, 0x01, 0);
    lay(1, 0, 7, 0x80, 0);
    lay(2, 1, 2, 0, 0x04);
    lay(3, 2, -1, 0, 0);
    return 0;
}

static int
clear(void **state)
{
    (void)state;
    wires_done(&all);
    wires_done(&all); /* once more is fine */
    (void)pthread_mutex_destroy(&bus.lock);
    return 0;
}

static rot_err
speak(struct wire *w)
{
    uint8_t byte = 0x55;

    return w->transport.i2c->write(w->transport.self, 0x60, &byte, 1);
}

/* ---- Tests ------------------------------------------------------------------------ */

static void
a_mux_that_is_silent_is_no_part(void **state)
{
    struct rs_err err = {0};

    (void)state;
    bus.has_mux[0] = 0;
    assert_int_equal(speak(&nest[0]), ROT_E_BUS);
    assert_int_equal(select_anew(&nest[0], &file.adapters[0], &err), RS_E_FIXTURE_ABSENT);
    assert_non_null(strstr(err.text, "adapter a: mux 0x70 does not answer"));
}

/* Selected when another nest was there before, and not otherwise. */
static void
a_channel_is_selected_once(void **state)
{
    (void)state;
    assert_int_equal(speak(&nest[0]), ROT_OK);
    assert_int_equal(bus.selections, 2); /* nobody knows what the other mux has open */
    assert_int_equal(speak(&nest[0]), ROT_OK);
    assert_int_equal(bus.selections, 2);
    assert_int_equal(speak(&nest[1]), ROT_OK);
    assert_int_equal(bus.selections, 3);
    assert_int_equal(speak(&nest[2]), ROT_OK); /* the first mux lets go */
    assert_int_equal(bus.selections, 5);
    assert_int_equal(speak(&nest[3]), ROT_OK); /* in front of both */
    assert_int_equal(bus.selections, 6);
    assert_int_equal(bus.open[0] | bus.open[1], 0);
    assert_int_equal(bus.wrong, 0);
}

static void
after_a_fault_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(speak(&nest[0]), ROT_OK);
    bus.fail_at = bus.count + 1;
    assert_int_equal(speak(&nest[0]), ROT_E_BUS);
    bus.open[0] = 0; /* the mux was without power for a moment */
    assert_int_equal(speak(&nest[0]), ROT_OK);
    assert_int_equal(bus.wrong, 0);
}

static void
opening_selects_anew(void **state)
{
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(speak(&nest[0]), ROT_OK);
    bus.open[0] = 0x40;
    assert_int_equal(select_anew(&nest[0], &file.adapters[0], &err), RS_OK);
    assert_int_equal(speak(&nest[0]), ROT_OK);
    assert_int_equal(bus.wrong, 0);
}

static void *
hammer(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        if (speak(arg) != ROT_OK)
            return arg;
    }
    return NULL;
}

static void
many_at_once_stay_apart(void **state)
{
    pthread_t threads[4];
    void *failed = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &nest[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(bus.wrong, 0);
}

static void
lines_that_cannot_be_switched(void **state)
{
    static const struct nest_line none[] = {
        {.kind = LINE_GPIO, .where = "gpiochip99", .offset = 1},
        {.kind = LINE_GPIO, .where = "null", .offset = 1},
        {.kind = LINE_SYSFS, .where = "class/gpio/gpio1/value"},
    };
    struct rs_err err;
    int fd = -1;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        err = (struct rs_err){0};
        assert_int_equal(pin_set("/nonexistent", &none[i], 1, &fd, &err), RS_E_FIXTURE_ABSENT);
        assert_int_equal(fd, -1);
        assert_non_null(strstr(err.text, "line "));
    }
    pin_let_go(&fd);
}

static void
a_file_takes_what_is_active(void **state)
{
    char root[] = "/tmp/rs-pin-XXXXXX", path[64];
    struct nest_line line = {.kind = LINE_SYSFS, .where = "value"};
    struct rs_err err = {0};
    RS_AUTO(rs_buf_done) struct rs_buf text;
    int fd = -1;

    (void)state;
    rs_buf_init(&text, 16);
    assert_non_null(mkdtemp(root));
    (void)snprintf(path, sizeof(path), "%s/value", root);
    assert_int_equal(rs_file_make(path, rs_bytes_str("0"), 0600, &err), RS_OK);
    for (int low = 0; low < 2; low++) {
        for (int on = 0; on < 2; on++) {
            line.is_low = low;
            assert_int_equal(pin_set(root, &line, on, &fd, &err), RS_OK);
            rs_buf_reset(&text);
            assert_int_equal(rs_file_read(path, 8, &text, &err), RS_OK);
            assert_int_equal(text.p[0], on != low ? '1' : '0');
        }
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(root), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, build, clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_mux_that_is_silent_is_no_part), T(a_channel_is_selected_once),
        T(after_a_fault_nothing_is_known),  T(opening_selects_anew),
        T(many_at_once_stay_apart),         T(lines_that_cannot_be_switched),
        T(a_file_takes_what_is_active),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
