/*
 * bench.c: see bench.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include <rot/registry.h>

#define WRITE_MAX 1024

/* ---- The wire ---------------------------------------------------------------------- */

static rot_err
wire_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    struct bench *b = self;
    uint8_t bytes[WRITE_MAX];

    assert_true(tx_len <= sizeof(bytes));
    if (tx_len != 0)
        memcpy(bytes, tx, tx_len);
    if (b->tap != NULL)
        b->tap(b, 0, bytes, tx_len);
    return far_write(b->far, b->speed_hz, address, bytes, tx_len) ? ROT_OK : ROT_BUSY;
}

static rot_err
wire_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct bench *b = self;
    int ack = far_read(b->far, b->speed_hz, address, rx, rx_len);

    if (ack && b->tap != NULL)
        b->tap(b, 1, rx, rx_len);
    return ack ? ROT_OK : ROT_BUSY;
}

static rot_err
wire_wake(void *self, uint32_t low_us)
{
    far_wake(((struct bench *)self)->far, low_us);
    return ROT_OK;
}

static rot_err
wire_speed(void *self, uint32_t speed_hz)
{
    ((struct bench *)self)->speed_hz = speed_hz;
    return ROT_OK;
}

static void
wire_delay(void *self, uint32_t us)
{
    far_delay(((struct bench *)self)->far, us);
}

static const struct rot_line_ops line = {.delay_us = wire_delay};
static const struct rot_i2c_ops i2c = {
    .write = wire_write, .read = wire_read, .wake = wire_wake, .set_speed = wire_speed};

/* ---- Chips -------------------------------------------------------------------------- */

struct bench *
bench_new(const char *kind)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct rot_driver *driver;

    assert_non_null(b);
    b->far = far_new(kind);
    IS(rot_port_openssl_init(&b->crypto), ROT_OK);
    driver = rot_registry_match(far_model(b->far));
    assert_non_null(driver);
    assert_true(driver->state_size <= sizeof(b->state));
    b->speed_hz = 100000;
    b->transport = (struct rot_transport){
        .self = b, .line = &line, .i2c = &i2c, .address = far_address(b->far)};
    b->setup = (struct rot_setup){.driver = driver,
                                  .transport = &b->transport,
                                  .port = &b->crypto.port,
                                  .state = b->state,
                                  .state_size = sizeof(b->state)};
    return b;
}

void
bench_free(struct bench *b)
{
    b->tap = NULL;
    rot_close(&b->rot);
    rot_port_openssl_done(&b->crypto);
    far_free(b->far);
    free(b);
}

void
bench_host(struct bench *b, const char *master)
{
    uint8_t bytes[ROT_CHANNEL_MASTER_SIZE] = {0};

    if (master != NULL)
        memcpy(bytes, master, strlen(master) < sizeof(bytes) ? strlen(master) : sizeof(bytes));
    rot_port_openssl_channel(&b->crypto, master != NULL ? bytes : NULL);
}

rot_err
bench_open(struct bench *b, uint32_t flags)
{
    rot_close(&b->rot);
    b->setup.flags = flags;
    b->transport.simulated = (flags & ROT_OPEN_PRODUCTION) == 0;
    return rot_open(&b->rot, &b->setup);
}

void
bench_is(rot_err got, rot_err want, const char *file, int line_number, const char *what)
{
    if (got == want)
        return;
    print_error("%s:%d: %s gave \"%s\", not \"%s\"\n", file, line_number, what, rot_err_name(got),
                rot_err_name(want));
    fail();
}
