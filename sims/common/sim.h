/*
 * sim.h: what every simulated chip is, whatever its family.
 *
 * A model is a constant table of functions over a state of its own.  It stands
 * on the far side of the wire: it sees transactions, wake pulses, power and
 * time, and nothing of who is talking.  It never sleeps, reads no clock and
 * opens no file; time is told to it, and memory writes and random bytes go
 * through the host that owns it (struct sim_host).  So one process holds any
 * number of chips, and tests hold them still.
 *
 * A model is called by one thread at a time; different chips are independent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_SIM_H
#define SIMS_COMMON_SIM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SIM_SERIAL_MAX 32

/* Share of the reference's maximum execution times that a part takes with real timing. */
#define SIM_TYPICAL_PERMILLE 300

/* What is to happen to one command, decided by the fault rules when it arrives. */
enum sim_fate_kind {
    SIM_FATE_RUN = 0,
    SIM_FATE_CUT_BEFORE,
    SIM_FATE_CUT_WRITE, /* arg: bytes that still reach the memory; -1: half */
    SIM_FATE_CUT_AFTER,
    SIM_FATE_CUT_ANSWERED,
    SIM_FATE_BROWNOUT,
    SIM_FATE_NAK,
    SIM_FATE_BUSY,
    SIM_FATE_CRC,
    SIM_FATE_FLIP,   /* arg: bit of the answer */
    SIM_FATE_STATUS, /* arg: status byte or word; the command does not run */
    SIM_FATE_LIE,    /* arg: the same; the command runs */
    SIM_FATE_SLOW,   /* arg: milliseconds */
};

struct sim_fate {
    enum sim_fate_kind kind;
    int arg;
};

/* What a model may ask of whoever holds it. */
struct sim_host {
    void *self;
    /* A whole command has arrived; called once for each. */
    struct sim_fate (*command)(void *self);
    /* One memory write of the chip is done, whole or torn: make the state durable. */
    void (*stored)(void *self);
    /* len random bytes. */
    void (*random)(void *self, uint8_t *p, size_t len);
};

/* How long things take.  All zero: at once. */
struct sim_timing {
    uint32_t typical_permille; /* of the reference's maximum execution times */
    uint32_t busy_us;          /* instead, when typical_permille is 0 */
};

/* Who makes parts that come with a certificate: the ATECC's maker, and any other's (ca.h). */
struct sim_vendor;
struct sim_ca;

/* What a new part looks like. */
struct sim_create {
    const char *personality;         /* NULL: the model's blank one */
    const struct sim_vendor *vendor; /* NULL is fine for blank parts */
    struct sim_ca *ca;               /* of model->vendor; NULL when that is NULL */
    uint8_t unique[8];               /* random: what makes this part's serial number unique */
};

struct sim_assumption;

struct sim_model {
    const char *name;                         /* "atecc608b" */
    const char *vendor;                       /* whose CA its parts need ("nxp"); NULL: none */
    const char *const *personalities;         /* ends with NULL; the first is blank */
    size_t state_size;                        /* the holder brings zeroed memory of this size */
    const struct sim_assumption *assumptions; /* what its reference leaves open; NULL: all of it */

    /* A new part, powered and asleep.  host stays valid until done(). */
    rs_code (*create)(void *state, const struct sim_host *host, const struct sim_create *how,
                      struct rs_err *err);
    /* The same from a saved object; the part has just got power. */
    rs_code (*load)(void *state, const struct sim_host *host, const json_t *object,
                    struct rs_err *err);
    void (*done)(void *state);
    /* What survives without power, as members of object.  0 when out of memory. */
    int (*save)(const void *state, json_t *object);

    void (*set_timing)(void *state, const struct sim_timing *timing);
    /* The bus clock; never goes back. */
    void (*set_time)(void *state, uint64_t now_us);
    void (*set_power)(void *state, int on);
    int (*get_power)(const void *state);
    /* A lasting oddity by name, "none" for none; 0 when this model has no such thing. */
    int (*set_quirk)(void *state, const char *name);
    /* SDA was held low for so long. */
    void (*wake)(void *state, uint32_t low_us);
    /* 1 acknowledged, 0 not (nothing happened, or nothing is read). */
    int (*i2c_write)(void *state, uint8_t address, const uint8_t *p, size_t len);
    int (*i2c_read)(void *state, uint8_t address, uint8_t *p, size_t len);
    /*
     * SPI; NULL on parts without.  Chip select falls unless it was held, len
     * bytes go both ways, and it rises again unless keep.  len 0 only lets go
     * (or only selects).  The bus is no part of the state that is saved.
     */
    void (*spi)(void *state, const uint8_t *tx, uint8_t *rx, size_t len, int keep);

    uint8_t (*get_address)(const void *state); /* 7 bit */
    size_t (*get_serial)(const void *state, uint8_t serial[SIM_SERIAL_MAX]);
    /* "config,data,8": what is locked; "" for nothing. */
    void (*get_locks)(const void *state, char *text, size_t cap);
    /* Time that this chip spent executing so far, by the reference's times. */
    uint64_t (*get_chip_time_us)(const void *state);
    /* Memory for people, secrets left out.  NULL when out of memory. */
    json_t *(*dump)(const void *state);
};

#endif /* SIMS_COMMON_SIM_H */
