/*
 * chip_record.c: see chip_record.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/chip_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static struct record_event *
add(struct record *r, enum record_kind kind, uint8_t address, const uint8_t *p, size_t len)
{
    struct record_event *e;

    if (r->count == RECORD_EVENTS_MAX || r->bytes.len + len > RECORD_BYTES_MAX) {
        r->is_full = 1;
        return NULL;
    }
    if (r->count == 0)
        r->started_us = rs_mono_us();
    e = &r->events[r->count++];
    *e = (struct record_event){.kind = kind,
                               .address = address,
                               .step = r->step,
                               .at_us = rs_mono_us() - r->started_us,
                               .start = r->bytes.len,
                               .len = len};
    if (p != NULL)
        rs_buf_put(&r->bytes, p, len);
    return e;
}

static void
finish(struct record *r, struct record_event *e, int ack)
{
    if (e == NULL)
        return;
    e->ack = ack != 0;
    e->took_us = (uint32_t)(rs_mono_us() - r->started_us - e->at_us);
}

static rot_err
write_bytes(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    struct record *r = self;
    struct record_event *e = add(r, RECORD_WRITE, address, tx, tx_len);
    rot_err rot = r->below->i2c->write(r->below->self, address, tx, tx_len);

    finish(r, e, rot == ROT_OK);
    return rot;
}

/* The bytes are known when they came; who did not acknowledge sent none. */
static rot_err
read_bytes(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct record *r = self;
    struct record_event *e = add(r, RECORD_READ, address, NULL, rx_len);
    rot_err rot = r->below->i2c->read(r->below->self, address, rx, rx_len);

    if (e != NULL && rot == ROT_OK)
        rs_buf_put(&r->bytes, rx, rx_len);
    finish(r, e, rot == ROT_OK);
    return rot;
}

static rot_err
wake(void *self, uint32_t low_us)
{
    struct record *r = self;
    struct record_event *e = add(r, RECORD_WAKE, 0, NULL, 0);
    rot_err rot = r->below->i2c->wake(r->below->self, low_us);

    if (e != NULL)
        e->number = low_us;
    finish(r, e, rot == ROT_OK);
    return rot;
}

static rot_err
set_speed(void *self, uint32_t speed_hz)
{
    struct record *r = self;

    return r->below->i2c->set_speed(r->below->self, speed_hz);
}

static void
delay_us(void *self, uint32_t us)
{
    struct record *r = self;
    struct record_event *e = add(r, RECORD_DELAY, 0, NULL, 0);

    if (e != NULL)
        e->number = us;
    r->below->line->delay_us(r->below->self, us);
    finish(r, e, 1);
}

static rot_err
set_power(void *self, int on)
{
    struct record *r = self;
    struct record_event *e = add(r, RECORD_POWER, 0, NULL, 0);
    rot_err rot = r->below->line->set_power(r->below->self, on);

    if (e != NULL)
        e->number = on != 0;
    finish(r, e, rot == ROT_OK);
    return rot;
}

/* What the wire cannot do stays NULL: a driver asks for what is there. */
static const struct rot_line_ops line_power = {.delay_us = delay_us, .set_power = set_power};
static const struct rot_line_ops line_only = {.delay_us = delay_us};

static const struct rot_i2c_ops i2c_ops[2][2] = {
    {{.write = write_bytes, .read = read_bytes},
     {.write = write_bytes, .read = read_bytes, .set_speed = set_speed}},
    {{.write = write_bytes, .read = read_bytes, .wake = wake},
     {.write = write_bytes, .read = read_bytes, .wake = wake, .set_speed = set_speed}},
};

rot_err
record_init(struct record *r, const struct rot_transport *below)
{
    memset(r, 0, sizeof(*r));
    rs_buf_init(&r->bytes, RECORD_BYTES_MAX);
    if (below == NULL || below->i2c == NULL || below->line == NULL)
        return ROT_E_UNSUPPORTED;
    r->events = calloc(RECORD_EVENTS_MAX, sizeof(*r->events));
    if (r->events == NULL)
        return ROT_E_PORT;
    r->below = below;
    r->transport = *below;
    r->transport.self = r;
    r->transport.line = below->line->set_power != NULL ? &line_power : &line_only;
    r->transport.i2c = &i2c_ops[below->i2c->wake != NULL][below->i2c->set_speed != NULL];
    return ROT_OK;
}

void
record_done(struct record *r)
{
    free(r->events);
    r->events = NULL;
    r->count = 0;
    rs_buf_done(&r->bytes);
}

void
record_step(struct record *r, uint16_t step)
{
    r->step = step;
}

struct rs_bytes
record_bytes(const struct record *r, const struct record_event *e)
{
    int has = (e->kind == RECORD_WRITE || (e->kind == RECORD_READ && e->ack)) && e->len != 0;

    return has ? rs_bytes_of(r->bytes.p + e->start, e->len) : rs_bytes_of(NULL, 0);
}
