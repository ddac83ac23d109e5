/*
 * desk.h: a driver and a simulated part in one process, with nothing between them but a bus.
 *
 * What the panel does with sockets, files and threads is left out, so that a test can cut the
 * part's power at any of its commands, put it back as it was, and compare its memory to the byte.
 * The transport says nothing of a simulator unless a test makes it: production opens it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_MEET_DESK_H
#define TESTS_UNIT_MEET_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rot/port_openssl.h>
#include <rot/rot_driver.h>
#include <rot/rot_transport.h>

#include "sims/common/ca.h"
#include "sims/common/sim.h"

#define DESK_STATE 8192
#define DESK_TRACE (1u << 16)

struct desk {
    /* The part. */
    const struct sim_model *model;
    void *part;
    struct sim_host host;
    struct sim_ca *ca;
    uint64_t now_us;
    unsigned commands; /* since power came, or since a test set it to 0 */
    unsigned fate_at;  /* the command that the fate is for, from 1; 0: none */
    struct sim_fate fate;
    /* Bytes of both directions, one after the other. */
    uint8_t *trace;
    size_t trace_len;

    /* The host. */
    struct rot_transport transport;
    struct rot_port_openssl crypto;
    struct rot_setup setup;
    uint64_t state[DESK_STATE / sizeof(uint64_t)];
    struct rot_chip chip;
};

/* A new part of this kind, powered, and a host that has not opened it. */
void desk_init(struct desk *d, const struct sim_model *model, const char *personality,
               const struct rot_driver *driver);
void desk_done(struct desk *d);

/* Off and on again: what is volatile in the part is gone. */
void desk_power_cycle(struct desk *d);

/* The part's memory, as its file has it; free() it.  And back, as after a loss of power. */
char *desk_save(const struct desk *d);
void desk_load(struct desk *d, const char *saved);

/* Close, and open with these flags and this channel master (NULL: none). */
rot_err desk_open(struct desk *d, unsigned flags, const uint8_t *master);

#endif /* TESTS_UNIT_MEET_DESK_H */
