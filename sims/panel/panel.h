/*
 * panel.h: many simulated chips on named buses, with clock, state and counters.
 *
 * A panel is what one rot-sim process holds.  Each bus has one lock and one
 * clock; every call below is one bus transaction and may come from any thread.
 * With real timing the calls take the time that the wire would take.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_PANEL_PANEL_H
#define SIMS_PANEL_PANEL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sims/common/sim.h"

#define SIM_CHIPS_MAX 256
#define SIM_NAME_MAX  63
#define SIM_IO_MAX    1024 /* bytes of one I2C message */
#define SIM_SPI_MAX   4096 /* bytes of one SPI transfer */

struct sim_panel;
struct sim_bus;
struct sim_chip;

struct sim_panel_options {
    int real_time;
    uint32_t busy_us;      /* with timing none: how long a command keeps the chip busy */
    const char *state_dir; /* NULL: nothing is kept */
    const char *trace;     /* NULL: none; a file that is started anew */
};

RS_MUST_USE rs_code sim_panel_new(const struct sim_panel_options *options,
                                  struct sim_panel **ret_panel, struct rs_err *err);
/* Chips lose power; state was saved at every memory write. */
void sim_panel_free(struct sim_panel *panel);

/*
 * Add a chip: from its state file if there is one (kind must fit), else new.
 * name is "bus/chip" or "chip"; kind is a personality ("blank608b") or a model
 * ("atecc608b": its blank one).  RS_E_USAGE for a bad name, a name used twice
 * or an unknown kind.
 */
RS_MUST_USE rs_code sim_panel_add(struct sim_panel *panel, const char *name, const char *kind,
                                  struct sim_chip **ret_chip, struct rs_err *err);

/*
 * A multiplexer (PCA9548 and the like) on a bus, and a chip behind one of its channels: it
 * sees the bus while the channel is selected.  After power-up none is.  RS_E_USAGE for an
 * address outside 0x70 to 0x77, a second one on the bus, a channel above 7 or without a mux.
 */
RS_MUST_USE rs_code sim_panel_add_mux(struct sim_panel *panel, const char *bus, unsigned address,
                                      struct rs_err *err);
RS_MUST_USE rs_code sim_chip_put_behind(struct sim_chip *chip, unsigned channel,
                                        struct rs_err *err);

int sim_panel_real_time(const struct sim_panel *panel);
size_t sim_panel_count(const struct sim_panel *panel);

/* By "bus/chip", or by a chip name that only one bus has.  NULL: none. */
struct sim_chip *sim_panel_find(struct sim_panel *panel, const char *name);
/* By name of the bus.  NULL: none. */
struct sim_bus *sim_panel_find_bus(struct sim_panel *panel, const char *name);
struct sim_bus *sim_chip_bus(struct sim_chip *chip);
const char *sim_chip_model(const struct sim_chip *chip);
uint8_t sim_chip_address(struct sim_chip *chip);

/*
 * Transactions.  RS_OK with *ret_ack 1 or 0; an error only when the simulator
 * itself failed (a state file cannot be written).
 */
RS_MUST_USE rs_code sim_bus_write(struct sim_bus *bus, uint32_t speed_hz, uint8_t address,
                                  const uint8_t *p, size_t len, int *ret_ack, struct rs_err *err);
RS_MUST_USE rs_code sim_bus_read(struct sim_bus *bus, uint32_t speed_hz, uint8_t address,
                                 uint8_t *p, size_t len, int *ret_ack, struct rs_err *err);
/* A message of a transaction: a read into out, or a write of in. */
struct sim_message {
    uint8_t address;
    int is_read;
    const uint8_t *in;
    uint8_t *out;
    size_t len;
};
/*
 * Several messages as one transaction, with repeated starts: nobody else's come
 * between.  *ret_done counts those before the first that nobody acknowledged.
 */
RS_MUST_USE rs_code sim_bus_transfer(struct sim_bus *bus, uint32_t speed_hz,
                                     const struct sim_message *messages, size_t message_count,
                                     size_t *ret_done, struct rs_err *err);
/*
 * SPI: len bytes both ways with the chip selected; it stays so if keep is not 0.
 * RS_E_USAGE for a part that has none.
 */
RS_MUST_USE rs_code sim_bus_spi(struct sim_bus *bus, struct sim_chip *chip, uint32_t speed_hz,
                                const uint8_t *tx, uint8_t *rx, size_t len, int keep,
                                struct rs_err *err);
/*
 * For masters that wait by themselves: with timing none the bus clock moves by
 * what the machine's has since the last such call.
 */
void sim_bus_catch_up(struct sim_bus *bus);
void sim_bus_wake(struct sim_bus *bus, uint32_t low_us);
/* chip NULL: every chip of the bus. */
void sim_bus_power(struct sim_bus *bus, struct sim_chip *chip, int on);
void sim_bus_delay(struct sim_bus *bus, uint32_t us);

/*
 * Control: one JSON object in, one out (docs/protocols/simulator.md section 5).
 * RS_E_REQUEST_FORMAT, RS_E_USAGE (refused) or RS_E_CHIP_ABSENT (no such chip).
 */
RS_MUST_USE rs_code sim_panel_control(struct sim_panel *panel, const json_t *request,
                                      const char *socket, json_t **ret_answer, struct rs_err *err);

#endif /* SIMS_PANEL_PANEL_H */
