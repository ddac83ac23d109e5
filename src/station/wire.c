/*
 * wire.c: see wire.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "station/pin.h"
#include "station/sysfs.h"

#define SETTLE_US    20000u /* a part starts */
#define DISCHARGE_US 50000u /* what is in its capacitors is gone */
#define RESET_US     2000u
#define WAKE_LOW_US  80u
#define WAKE_WAIT_US 1500u

/* ---- Copper ---------------------------------------------------------------------- */

static int
is_same_place(const struct adapter *a, const struct adapter *b)
{
    return a->kind == b->kind && a->bus == b->bus && strcmp(a->usb, b->usb) == 0 &&
           strcmp(a->sim, b->sim) == 0;
}

static struct wire_copper *
copper_of(struct wire *w)
{
    const struct nest_file *f = w->all->file;
    size_t i = 0;

    while (!is_same_place(&f->adapters[i], &f->adapters[w->nest->adapter]))
        i++;
    return &w->all->copper[i];
}

static rot_err
tell_mux(struct wire *w, const struct adapter *a, uint8_t channels)
{
    const struct rot_transport *t = &w->lin.transport;
    rot_err rc = t->i2c->write(t->self, a->mux_address, &channels, 1);

    return rc == ROT_BUSY ? ROT_E_BUS : rc; /* a mux is never busy: it is not there */
}

/* Other muxes of this place let go, for their parts may have the same address. */
static rot_err
let_others_go(struct wire *w, const struct wire_copper *c)
{
    const struct nest_file *f = w->all->file;
    rot_err rc = ROT_OK;

    for (size_t i = 0; i < f->adapter_count && rc == ROT_OK; i++) {
        if ((int)i != w->nest->adapter && (c->adapter < 0 || c->adapter == (int)i) &&
            f->adapters[i].mux == MUX_OURS &&
            is_same_place(&f->adapters[i], &f->adapters[w->nest->adapter]))
            rc = tell_mux(w, &f->adapters[i], 0);
    }
    return rc;
}

/* The lock is held. */
static rot_err
choose_channel(struct wire *w, struct wire_copper *c)
{
    const struct adapter *a = &w->all->file->adapters[w->nest->adapter];
    rot_err rc;

    if (c->adapter == w->nest->adapter && c->channel == w->nest->channel)
        return ROT_OK;
    rc = let_others_go(w, c);
    c->adapter = -1;
    if (rc == ROT_OK && a->mux == MUX_OURS)
        rc = tell_mux(w, a, (uint8_t)(1u << w->nest->channel));
    if (rc != ROT_OK)
        return rc;
    c->adapter = w->nest->adapter;
    c->channel = w->nest->channel;
    return ROT_OK;
}

static rot_err
hold(struct wire *w, struct wire_copper **ret_copper)
{
    rot_err rc;

    *ret_copper = copper_of(w);
    (void)pthread_mutex_lock(&(*ret_copper)->lock);
    rc = choose_channel(w, *ret_copper);
    if (rc != ROT_OK)
        (void)pthread_mutex_unlock(&(*ret_copper)->lock);
    return rc;
}

/* After a fault of the wire nobody knows what the mux has selected. */
static rot_err
release(struct wire_copper *c, rot_err rc)
{
    if (rc == ROT_E_BUS)
        c->adapter = -1;
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    struct wire *w = self;
    struct wire_copper *c;
    rot_err rc = hold(w, &c);

    if (rc != ROT_OK)
        return rc;
    return release(c, w->lin.transport.i2c->write(w->lin.transport.self, address, tx, tx_len));
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct wire *w = self;
    struct wire_copper *c;
    rot_err rc = hold(w, &c);

    if (rc != ROT_OK)
        return rc;
    return release(c, w->lin.transport.i2c->read(w->lin.transport.self, address, rx, rx_len));
}

static rot_err
on_wake(void *self, uint32_t low_us)
{
    struct wire *w = self;
    struct wire_copper *c;
    rot_err rc = hold(w, &c);

    if (rc != ROT_OK)
        return rc;
    return release(c, w->lin.transport.i2c->wake(w->lin.transport.self, low_us));
}

static rot_err
on_set_speed(void *self, uint32_t speed_hz)
{
    struct wire *w = self;

    return w->lin.transport.i2c->set_speed(w->lin.transport.self, speed_hz);
}

static const struct rot_i2c_ops plain_ops = {.write = on_write, .read = on_read, .wake = on_wake};
static const struct rot_i2c_ops speed_ops = {
    .write = on_write, .read = on_read, .wake = on_wake, .set_speed = on_set_speed};

/* ---- Lines ----------------------------------------------------------------------- */

static void
on_delay(void *self, uint32_t us)
{
    struct wire *w = self;

    w->lin.transport.line->delay_us(w->lin.transport.self, us);
}

static rs_code
set_switch(struct wire *w, struct wire_switch *all, const struct nest_line *line, int on,
           struct rs_err *err)
{
    struct wire_switch *s = &all[w->nest - w->all->file->nests];
    rs_code rc;

    (void)pthread_mutex_lock(&w->all->lock);
    rc = pin_set(w->all->file->sysfs, line, on, &s->fd, err);
    (void)pthread_mutex_unlock(&w->all->lock);
    return rc;
}

static rot_err
on_set_power(void *self, int on)
{
    struct wire *w = self;
    const struct rot_transport *t = &w->lin.transport;

    if (w->nest->power.kind == LINE_SIM)
        return t->line->set_power != NULL ? t->line->set_power(t->self, on) : ROT_E_BUS;
    return set_switch(w, w->all->power, &w->nest->power, on, NULL) == RS_OK ? ROT_OK : ROT_E_BUS;
}

static rot_err
on_pulse_reset(void *self)
{
    struct wire *w = self;

    if (set_switch(w, w->all->reset, &w->nest->reset, 1, NULL) != RS_OK)
        return ROT_E_BUS;
    on_delay(w, RESET_US);
    if (set_switch(w, w->all->reset, &w->nest->reset, 0, NULL) != RS_OK)
        return ROT_E_BUS;
    on_delay(w, SETTLE_US);
    return ROT_OK;
}

int
wire_has_power(const struct wire *w)
{
    return w->nest->power.kind != LINE_NONE;
}

rs_code
wire_power(struct wire *w, int on, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (!wire_has_power(w))
        return RS_OK;
    if (w->nest->power.kind != LINE_SIM)
        rc = set_switch(w, w->all->power, &w->nest->power, on, err);
    else if (on_set_power(w, on) != ROT_OK)
        rc = rs_fail(err, RS_E_FIXTURE_ABSENT, "the simulator does not switch %s",
                     w->nest->power.where);
    if (rc == RS_OK)
        on_delay(w, on ? SETTLE_US : DISCHARGE_US);
    return rc;
}

/* ---- Opening --------------------------------------------------------------------- */

void
wires_init(struct wires *w, const struct nest_file *file)
{
    memset(w, 0, sizeof(*w));
    w->file = file;
    (void)pthread_mutex_init(&w->lock, NULL);
    for (size_t i = 0; i < NESTS_MAX; i++) {
        (void)pthread_mutex_init(&w->copper[i].lock, NULL);
        w->copper[i].adapter = -1;
        w->power[i].fd = w->reset[i].fd = -1;
    }
}

void
wires_done(struct wires *w)
{
    if (w->file == NULL)
        return;
    for (size_t i = 0; i < NESTS_MAX; i++) {
        pin_let_go(&w->power[i].fd);
        pin_let_go(&w->reset[i].fd);
        (void)pthread_mutex_destroy(&w->copper[i].lock);
    }
    (void)pthread_mutex_destroy(&w->lock);
    w->file = NULL;
}

/* The name of an adapter's bus for rot_linux_open_bus(). */
static rs_code
find_bus_name(const struct wires *all, const struct adapter *a, const struct nest *n, char *out,
              size_t cap, struct rs_err *err)
{
    const char *chip = n != NULL && n->power.kind == LINE_SIM ? n->power.where : "*";
    unsigned bus = 0;
    rs_code rc;

    if (a->kind == ADAPTER_SIM) {
        if ((size_t)snprintf(out, cap, "sim:%s/%s", a->sim, chip) >= cap)
            return rs_fail(err, RS_E_CONFIG_INVALID, "adapter %s: its name is too long", a->name);
        return RS_OK;
    }
    rc = sysfs_find_bus(all->file->sysfs, a, n != NULL ? n->channel : -1, &bus, err);
    (void)snprintf(out, cap, "i2c:%u", bus);
    return rc;
}

static rs_code
open_bus(struct wires *all, const struct adapter *a, const struct nest *n, const char *secret,
         struct rot_linux *lin, struct rs_err *err)
{
    char name[NEST_PATH_MAX + 32];
    rs_code rc = find_bus_name(all, a, n, name, sizeof(name), err);
    rot_err rot;

    if (rc != RS_OK)
        return rc;
    rot = rot_linux_open_bus(lin, name, secret);
    if (rot == ROT_E_AUTH || rot == ROT_E_FORMAT) /* of a secret's file */
        return rs_fail(err, RS_E_CONFIG_INVALID, "%.200s", lin->error);
    if (rot == ROT_E_PORT)
        return rs_fail(err, RS_E_CRYPTO_FAILED, "%.200s", lin->error);
    if (rot != ROT_OK)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: %.160s", a->name, lin->error);
    return RS_OK;
}

rs_code
wires_look(const struct wires *w, size_t adapter, struct rs_err *err)
{
    const struct adapter *a = &w->file->adapters[adapter];
    static const struct nest upstream = {.channel = -1};
    struct rot_linux lin;
    char name[NEST_PATH_MAX + 32];
    rs_code rc = find_bus_name(w, a, &upstream, name, sizeof(name), err);

    /* Whether the kernel has the bus is known; a simulator answers or does not. */
    if (rc != RS_OK || a->kind != ADAPTER_SIM)
        return rc;
    if (rot_linux_open_bus(&lin, name, NULL) != ROT_OK)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: %.160s", a->name, lin.error);
    rot_linux_close(&lin);
    return RS_OK;
}

/* Nothing is taken for granted of a mux that somebody may have pulled meanwhile. */
static rs_code
select_anew(struct wire *w, const struct adapter *a, struct rs_err *err)
{
    struct wire_copper *c = copper_of(w);
    rot_err rot;

    (void)pthread_mutex_lock(&c->lock);
    c->adapter = -1;
    rot = choose_channel(w, c);
    (void)pthread_mutex_unlock(&c->lock);
    return rot == ROT_OK
               ? RS_OK
               : rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: mux 0x%02x does not answer",
                         a->name, a->mux_address);
}

static void
put_over(struct wire *w)
{
    w->line = (struct rot_line_ops){.delay_us = on_delay};
    if (w->nest->power.kind != LINE_NONE)
        w->line.set_power = on_set_power;
    if (w->nest->reset.kind != LINE_NONE)
        w->line.pulse_reset = on_pulse_reset;
    w->transport = w->lin.transport;
    w->transport.self = w;
    w->transport.line = &w->line;
    w->transport.i2c = w->lin.transport.i2c->set_speed != NULL ? &speed_ops : &plain_ops;
}

static rs_code
open_chip(struct wire *w, const char *uri, const char *secret, struct rs_err *err)
{
    rot_err rot = rot_linux_open_with(&w->lin, uri, secret);

    if (rot == ROT_OK)
        return RS_OK;
    return rs_fail(err,
                   rot == ROT_BUSY            ? RS_E_CHIP_BUSY
                   : rot == ROT_E_FORMAT      ? RS_E_CONFIG_INVALID
                   : rot == ROT_E_AUTH        ? RS_E_CONFIG_INVALID /* a secret's file */
                   : rot == ROT_E_PORT        ? RS_E_CRYPTO_FAILED
                   : rot == ROT_E_UNSUPPORTED ? RS_E_CHIP_WRONG_PART
                                              : RS_E_CHIP_ABSENT,
                   "%.200s", w->lin.error);
}

rs_code
wire_open(struct wires *all, const struct nest *nest, const char *uri, const char *channel_secret,
          struct wire *ret, struct rs_err *err)
{
    const struct adapter *a = nests_adapter(all->file, nest);
    rs_code rc;

    memset(ret, 0, sizeof(*ret));
    ret->all = all;
    ret->nest = nest;
    if (a == NULL)
        return open_chip(ret, uri, channel_secret, err);
    rc = open_bus(all, a, nest, channel_secret, &ret->lin, err);
    if (rc != RS_OK)
        return rc;
    put_over(ret);
    rc = select_anew(ret, a, err);
    if (rc == RS_OK)
        rc = wire_power(ret, 1, err);
    if (rc != RS_OK)
        wire_close(ret);
    return rc;
}

void
wire_close(struct wire *w)
{
    rot_linux_close(&w->lin);
}

rs_code
wire_choose(struct wire *w, const struct rot_driver *driver, uint8_t address, struct rs_err *err)
{
    if (w->nest->adapter < 0)
        return RS_OK; /* its name said which */
    if (rot_linux_choose(&w->lin, driver, address) != ROT_OK)
        return rs_fail(err, RS_E_CONFIG_INVALID, "nest %s: %.160s", w->nest->name, w->lin.error);
    w->transport.address = address;
    w->lin.setup.transport = &w->transport;
    return RS_OK;
}

void
wire_delay(struct wire *w, uint32_t us)
{
    on_delay(w, us);
}

void
wire_wake(struct wire *w)
{
    const struct rot_i2c_ops *i2c = w->transport.i2c;

    if (i2c->wake != NULL)
        (void)!i2c->wake(w, WAKE_LOW_US);
    on_delay(w, WAKE_WAIT_US);
}

rot_err
wire_probe(struct wire *w, uint8_t address)
{
    return on_write(w, address, NULL, 0);
}
