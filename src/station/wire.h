/*
 * wire.h: the wires of a nest: adapter, mux channel, power and reset.
 *
 * Nests that share an adapter run side by side: the adapter is held for one transaction,
 * in which the nest's channel is selected if another nest was there before.  A part's own time
 * passes with the adapter free.
 *
 *     wires_init(&wires, &file);
 *     wire_open(&wires, nest, "", secret, &w, err);   adapter found, power on
 *     wire_choose(&w, driver, 0x60, err);             w.lin.setup is for rot_open()
 *     rot_open(&chip, &w.lin.setup); ... rot_close(&chip);
 *     wire_close(&w);
 *     wire_power(&w, 0, err) before it, or wires_done(): power off
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_WIRE_H
#define STATION_WIRE_H

#include <pthread.h>

#include <rot/linux.h>

#include "station/nests.h"

/* One piece of copper: adapters of one place, whatever muxes hang on it. */
struct wire_copper {
    pthread_mutex_t lock;
    int adapter, channel; /* what is selected; adapter -1: not known */
};

struct wire_switch {
    int fd; /* of a gpiochip's line, held as long as it is to keep its value; -1 */
};

/* What the nests of a file share.  Do not move it. */
struct wires {
    const struct nest_file *file;
    struct wire_copper copper[NESTS_MAX]; /* by the first adapter of that place */
    struct wire_switch power[NESTS_MAX], reset[NESTS_MAX];
    pthread_mutex_t lock; /* the switches */
};

/* An open nest.  Do not move it. */
struct wire {
    struct wires *all;
    const struct nest *nest;
    struct rot_linux lin;
    struct rot_transport transport; /* over that of lin */
    struct rot_line_ops line;
};

void wires_init(struct wires *w, const struct nest_file *file);
/* Lets all lines go. */
void wires_done(struct wires *w);

/* RS_OK: that adapter (by index) is there.  Else RS_E_FIXTURE_ABSENT or RS_E_CONFIG_INVALID. */
RS_MUST_USE rs_code wires_look(const struct wires *w, size_t adapter, struct rs_err *err);

/*
 * Open a nest and switch its part on.  uri: the nest's chip with the serial put in, for a
 * nest without an adapter.  channel_secret: as rot_linux_open_with().
 *
 * RS_E_FIXTURE_ABSENT   adapter or mux is not there; the text names it
 * RS_E_CHIP_...         what rot_linux_open_with() says of a nest without an adapter
 */
RS_MUST_USE rs_code wire_open(struct wires *all, const struct nest *nest, const char *uri,
                              const char *channel_secret, struct wire *ret, struct rs_err *err);
void wire_close(struct wire *w); /* leaves the power as it is */

/* What rot_linux_choose() does, over this nest's wires. */
RS_MUST_USE rs_code wire_choose(struct wire *w, const struct rot_driver *driver, uint8_t address,
                                struct rs_err *err);

/*
 * Does anybody acknowledge there?  By a transaction without data: ROT_E_BUS from an adapter that
 * has no such thing.
 */
rot_err wire_probe(struct wire *w, uint8_t address);
/* Pull the line low as parts want it that sleep, and give them their time. */
void wire_wake(struct wire *w);
void wire_delay(struct wire *w, uint32_t us);

/* 1 when the nest has a power line. */
int wire_has_power(const struct wire *w);
RS_MUST_USE rs_code wire_power(struct wire *w, int on, struct rs_err *err);

#endif /* STATION_WIRE_H */
