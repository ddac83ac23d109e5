/*
 * desk.c: see desk.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

/* ---- What the part asks of its holder -------------------------------------------------- */

static struct sim_fate
on_command(void *self)
{
    struct desk *d = self;

    d->commands++;
    return d->commands == d->fate_at ? d->fate : (struct sim_fate){SIM_FATE_RUN, 0};
}

static void
on_stored(void *self)
{
    (void)self;
}

static void
on_random(void *self, uint8_t *p, size_t len)
{
    (void)self;
    assert_int_equal(RAND_bytes(p, (int)len), 1);
}

/* ---- The bus ------------------------------------------------------------------------------ */

static void
note(struct desk *d, const uint8_t *p, size_t len)
{
    size_t n = len < DESK_TRACE - d->trace_len ? len : DESK_TRACE - d->trace_len;

    memcpy(d->trace + d->trace_len, p, n);
    d->trace_len += n;
}

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    struct desk *d = self;

    note(d, tx, tx_len);
    return d->model->i2c_write(d->part, address, tx, tx_len) ? ROT_OK : ROT_BUSY;
}

static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct desk *d = self;

    if (!d->model->i2c_read(d->part, address, rx, rx_len))
        return ROT_BUSY;
    note(d, rx, rx_len);
    return ROT_OK;
}

static rot_err
bus_wake(void *self, uint32_t low_us)
{
    struct desk *d = self;

    d->model->wake(d->part, low_us);
    return ROT_OK;
}

static void
bus_delay(void *self, uint32_t us)
{
    struct desk *d = self;

    d->now_us += us;
    d->model->set_time(d->part, d->now_us);
}

static const struct rot_i2c_ops i2c_ops = {.write = bus_write, .read = bus_read, .wake = bus_wake};
static const struct rot_line_ops line_ops = {.delay_us = bus_delay};

/* ---- The part ------------------------------------------------------------------------------- */

void
desk_init(struct desk *d, const struct sim_model *model, const char *personality,
          const struct rot_driver *driver)
{
    struct sim_create how = {.personality = personality};

    memset(d, 0, sizeof(*d));
    d->model = model;
    d->host = (struct sim_host){d, on_command, on_stored, on_random};
    d->part = calloc(1, model->state_size);
    d->trace = malloc(DESK_TRACE);
    assert_non_null(d->part);
    assert_non_null(d->trace);
    if (model->vendor != NULL)
        assert_int_equal(sim_ca_open(NULL, model->vendor, &d->ca, NULL), RS_OK);
    how.ca = d->ca;
    on_random(d, how.unique, sizeof(how.unique));
    assert_int_equal(model->create(d->part, &d->host, &how, NULL), RS_OK);

    d->transport = (struct rot_transport){.self = d, .line = &line_ops, .i2c = &i2c_ops};
    assert_int_equal(rot_port_openssl_init(&d->crypto), ROT_OK);
    assert_true(driver->state_size <= sizeof(d->state));
    d->setup = (struct rot_setup){.driver = driver,
                                  .transport = &d->transport,
                                  .port = &d->crypto.port,
                                  .state = d->state,
                                  .state_size = sizeof(d->state)};
}

void
desk_done(struct desk *d)
{
    rot_close(&d->chip);
    rot_port_openssl_done(&d->crypto);
    d->model->done(d->part);
    sim_ca_free(d->ca);
    free(d->part);
    free(d->trace);
}

void
desk_power_cycle(struct desk *d)
{
    d->fate_at = 0;
    d->model->set_power(d->part, 0);
    d->model->set_power(d->part, 1);
    d->commands = 0;
}

char *
desk_save(const struct desk *d)
{
    json_t *object = json_object();
    char *text;

    assert_true(d->model->save(d->part, object));
    text = json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(1));
    assert_non_null(text);
    json_decref(object);
    return text;
}

void
desk_load(struct desk *d, const char *saved)
{
    json_t *object = json_loads(saved, 0, NULL);

    assert_non_null(object);
    d->model->done(d->part);
    memset(d->part, 0, d->model->state_size);
    assert_int_equal(d->model->load(d->part, &d->host, object, NULL), RS_OK);
    json_decref(object);
    d->model->set_time(d->part, d->now_us);
    d->fate_at = 0;
    d->commands = 0;
}

rot_err
desk_open(struct desk *d, unsigned flags, const uint8_t *master)
{
    rot_close(&d->chip);
    rot_port_openssl_channel(&d->crypto, master);
    d->setup.flags = flags;
    return rot_open(&d->chip, &d->setup);
}
