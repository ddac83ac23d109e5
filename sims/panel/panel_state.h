/*
 * panel_state.h: the inside of a panel, shared by panel.c, chip_file.c and control.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_PANEL_PANEL_STATE_H
#define SIMS_PANEL_PANEL_STATE_H

#include <pthread.h>

#include "sims/common/assumed.h"
#include "sims/common/ca.h"
#include "sims/common/fault.h"
#include "sims/panel/panel.h"

struct sim_stats {
    uint64_t commands, bus_bytes, transactions, nacks, nvm_writes, bus_time_us;
};

struct sim_chip {
    struct sim_bus *bus;
    char name[SIM_NAME_MAX + 1];
    char path[512]; /* of the state file; "" when nothing is kept */
    char personality[32];
    int channel; /* of the bus's mux, behind which it is; -1: in front of it */
    const struct sim_model *model;
    void *state; /* model->state_size, owned */
    struct sim_host host;
    struct sim_rules rules;
    struct sim_stats stats;
    struct sim_assumed assumed; /* what its answers rested on since somebody asked */
    struct rs_err failed;       /* the state file could not be written; told with the next answer */
    int loaded;                 /* state is alive and must be ended with model->done() */
};

struct sim_bus {
    struct sim_panel *panel;
    char name[SIM_NAME_MAX + 1];
    pthread_mutex_t lock; /* the clock, and every chip on this bus */
    uint64_t now_us;      /* with timing none */
    uint64_t seen_us;     /* the machine's clock at the last sim_bus_catch_up() */
    uint8_t mux_address;  /* 0: there is none */
    uint8_t mux_open;     /* its control register: a bit for each channel */
    struct sim_chip *chips[SIM_CHIPS_MAX];
    size_t chip_count;
    struct sim_bus *next;
};

struct sim_maker {
    const char *vendor;
    struct sim_ca *ca;
    struct sim_maker *next;
};

struct sim_panel {
    struct sim_panel_options options;
    char state_dir[400];
    uint64_t started_us; /* real time: zero of the bus clocks */
    struct sim_bus *buses;
    struct sim_vendor *vendor; /* made when the first part needs it */
    struct sim_maker *makers;  /* the other vendors' CAs, likewise */
    pthread_mutex_t trace_lock;
    int trace_fd;
    uint64_t trace_at;
};

/* ---- chip_file.c ------------------------------------------------------------- */

/* Every model and personality; NULL when there is no such kind. */
const struct sim_model *sim_find_kind(const char *kind, const char **ret_personality);

/* Load the state file or make a new part; its timing is set. */
rs_code sim_chip_start(struct sim_chip *chip, const char *kind, struct rs_err *err);
/* Forget the part and make a new one of the same personality. */
rs_code sim_chip_reset(struct sim_chip *chip, struct rs_err *err);
rs_code sim_chip_save(struct sim_chip *chip, struct rs_err *err);
void sim_chip_stop(struct sim_chip *chip);

#endif /* SIMS_PANEL_PANEL_STATE_H */
