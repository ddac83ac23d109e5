/*
 * panel.c: see panel.h.
 *
 * A transaction takes the bus lock, lets the bus time pass (a sleep, or a jump
 * of the clock), tells every chip of the bus the time, and offers it the bytes.
 * Chips that share an address on one bus all listen, as on a wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/panel/panel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "sims/atecc/vendor.h"
#include "sims/panel/panel_state.h"

#define MUX_FIRST           0x70u
#define MUX_LAST            0x77u
#define GENERAL_CALL_HZ_MAX 100000u /* faster, SDA is not low long enough to wake a chip */

/* ---- Making a panel --------------------------------------------------------------- */

static rs_code
open_trace(struct sim_panel *panel, struct rs_err *err)
{
    rs_code rc;

    panel->trace_fd = -1;
    if (panel->options.trace == NULL)
        return RS_OK;
    rc = rs_file_open(panel->options.trace, RS_OPEN_CREATE, &panel->trace_fd, err);
    return rc == RS_OK ? rs_file_truncate(panel->trace_fd, 0, err) : rc;
}

rs_code
sim_panel_new(const struct sim_panel_options *options, struct sim_panel **ret_panel,
              struct rs_err *err)
{
    struct sim_panel *panel = calloc(1, sizeof(*panel));
    rs_code rc = RS_OK;

    if (panel == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a panel");
    panel->options = *options;
    panel->started_us = rs_mono_us();
    (void)pthread_mutex_init(&panel->trace_lock, NULL);
    if (options->state_dir != NULL) {
        (void)snprintf(panel->state_dir, sizeof(panel->state_dir), "%s", options->state_dir);
        panel->options.state_dir = panel->state_dir;
        rc = rs_dir_make(options->state_dir, 0700, err);
    }
    if (rc == RS_OK)
        rc = open_trace(panel, err);
    if (rc == RS_OK)
        *ret_panel = panel;
    else
        free(panel);
    return rc;
}

static void
free_bus(struct sim_bus *bus)
{
    for (size_t i = 0; i < bus->chip_count; i++) {
        sim_chip_stop(bus->chips[i]);
        free(bus->chips[i]);
    }
    (void)pthread_mutex_destroy(&bus->lock);
    free(bus);
}

void
sim_panel_free(struct sim_panel *panel)
{
    struct sim_bus *next;

    if (panel == NULL)
        return;
    for (struct sim_bus *bus = panel->buses; bus != NULL; bus = next) {
        next = bus->next;
        free_bus(bus);
    }
    if (panel->vendor != NULL)
        rs_wipe(panel->vendor, sizeof(*panel->vendor));
    while (panel->makers != NULL) {
        struct sim_maker *m = panel->makers;
        panel->makers = m->next;
        sim_ca_free(m->ca);
        free(m);
    }
    free(panel->vendor);
    rs_file_close(panel->trace_fd);
    (void)pthread_mutex_destroy(&panel->trace_lock);
    free(panel);
}

int
sim_panel_real_time(const struct sim_panel *panel)
{
    return panel->options.real_time;
}

size_t
sim_panel_count(const struct sim_panel *panel)
{
    size_t count = 0;

    for (const struct sim_bus *bus = panel->buses; bus != NULL; bus = bus->next)
        count += bus->chip_count;
    return count;
}

/* ---- Names --------------------------------------------------------------------------- */

/* "bus/chip" apart; a name without a bus is on "main".  0: not a name. */
static int
split_name(const char *name, char bus[SIM_NAME_MAX + 1], char chip[SIM_NAME_MAX + 1])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._-";
    const char *slash = strchr(name, '/'), *rest = slash == NULL ? name : slash + 1;
    size_t bus_len = slash == NULL ? 4 : (size_t)(slash - name);

    if (strlen(name) > SIM_NAME_MAX || bus_len == 0 || rest[0] == '\0' ||
        rest[strspn(rest, allowed)] != '\0' || rest[0] == '.' ||
        (slash != NULL && (strspn(name, allowed) != bus_len || name[0] == '.')))
        return 0;
    memcpy(bus, slash == NULL ? "main" : name, bus_len);
    bus[bus_len] = '\0';
    memcpy(chip, rest, strlen(rest) + 1);
    return 1;
}

struct sim_bus *
sim_panel_find_bus(struct sim_panel *panel, const char *name)
{
    for (struct sim_bus *bus = panel->buses; bus != NULL; bus = bus->next)
        if (strcmp(bus->name, name) == 0)
            return bus;
    return NULL;
}

static struct sim_chip *
find_on_bus(struct sim_bus *bus, const char *name)
{
    for (size_t i = 0; i < bus->chip_count; i++)
        if (strcmp(bus->chips[i]->name, name) == 0)
            return bus->chips[i];
    return NULL;
}

struct sim_chip *
sim_panel_find(struct sim_panel *panel, const char *name)
{
    char bus_name[SIM_NAME_MAX + 1], chip_name[SIM_NAME_MAX + 1];
    struct sim_chip *found = NULL;
    struct sim_bus *bus;

    if (!split_name(name, bus_name, chip_name))
        return NULL;
    bus = sim_panel_find_bus(panel, bus_name);
    if (bus != NULL)
        found = find_on_bus(bus, chip_name);
    if (found != NULL || strchr(name, '/') != NULL)
        return found;
    for (bus = panel->buses; bus != NULL; bus = bus->next) {
        struct sim_chip *here = find_on_bus(bus, chip_name);

        if (here != NULL && found != NULL)
            return NULL;
        if (here != NULL)
            found = here;
    }
    return found;
}

static struct sim_bus *
make_bus(struct sim_panel *panel, const char *name)
{
    struct sim_bus *bus = calloc(1, sizeof(*bus)), **end = &panel->buses;

    if (bus == NULL)
        return NULL;
    bus->panel = panel;
    bus->seen_us = panel->started_us;
    (void)snprintf(bus->name, sizeof(bus->name), "%s", name);
    (void)pthread_mutex_init(&bus->lock, NULL);
    while (*end != NULL)
        end = &(*end)->next;
    *end = bus;
    return bus;
}

rs_code
sim_panel_add(struct sim_panel *panel, const char *name, const char *kind,
              struct sim_chip **ret_chip, struct rs_err *err)
{
    char bus_name[SIM_NAME_MAX + 1], chip_name[SIM_NAME_MAX + 1];
    struct sim_chip *chip;
    struct sim_bus *bus;
    rs_code rc;

    if (!split_name(name, bus_name, chip_name))
        return rs_fail(err, RS_E_USAGE,
                       "simulator: %.64s is no name: BUS/CHIP of letters, digits, . _ -", name);
    bus = sim_panel_find_bus(panel, bus_name);
    if (bus != NULL && find_on_bus(bus, chip_name) != NULL)
        return rs_fail(err, RS_E_USAGE, "simulator: two chips named %s/%s", bus_name, chip_name);
    if (sim_panel_count(panel) >= SIM_CHIPS_MAX)
        return rs_fail(err, RS_E_USAGE, "simulator: more than %d chips", SIM_CHIPS_MAX);
    if (bus == NULL)
        bus = make_bus(panel, bus_name);
    chip = bus == NULL ? NULL : calloc(1, sizeof(*chip));
    if (chip == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a chip");
    chip->bus = bus;
    chip->channel = -1;
    (void)snprintf(chip->name, sizeof(chip->name), "%s", chip_name);
    if (panel->options.state_dir != NULL)
        (void)snprintf(chip->path, sizeof(chip->path), "%s/%.63s,%.63s.json",
                       panel->options.state_dir, bus->name, chip->name);
    rc = sim_chip_start(chip, kind, err);
    if (rc != RS_OK) {
        sim_chip_stop(chip);
        free(chip);
        return rc;
    }
    bus->chips[bus->chip_count++] = chip;
    *ret_chip = chip;
    return RS_OK;
}

/* ---- Multiplexers ------------------------------------------------------------------------ */

rs_code
sim_panel_add_mux(struct sim_panel *panel, const char *bus_name, unsigned address,
                  struct rs_err *err)
{
    char name[SIM_NAME_MAX + 1], none[SIM_NAME_MAX + 1], whole[SIM_NAME_MAX + 4];
    struct sim_bus *bus;

    (void)snprintf(whole, sizeof(whole), "%.63s/x", bus_name);
    if (!split_name(whole, name, none))
        return rs_fail(err, RS_E_USAGE, "simulator: %.64s is no name of a bus", bus_name);
    if (address < MUX_FIRST || address > MUX_LAST)
        return rs_fail(err, RS_E_USAGE, "simulator: a mux is at 0x70 to 0x77");
    bus = sim_panel_find_bus(panel, name);
    if (bus == NULL)
        bus = make_bus(panel, name);
    if (bus == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a bus");
    if (bus->mux_address != 0)
        return rs_fail(err, RS_E_USAGE, "simulator: two muxes on bus %s", name);
    bus->mux_address = (uint8_t)address;
    return RS_OK;
}

rs_code
sim_chip_put_behind(struct sim_chip *chip, unsigned channel, struct rs_err *err)
{
    if (chip->bus->mux_address == 0)
        return rs_fail(err, RS_E_USAGE, "simulator: %s/%s has a channel, its bus has no mux",
                       chip->bus->name, chip->name);
    if (channel > 7)
        return rs_fail(err, RS_E_USAGE, "simulator: a mux has channels 0 to 7");
    chip->channel = (int)channel;
    return RS_OK;
}

static int
is_connected(const struct sim_chip *chip)
{
    return chip->channel < 0 || (chip->bus->mux_open & 1u << chip->channel) != 0;
}

struct sim_bus *
sim_chip_bus(struct sim_chip *chip)
{
    return chip->bus;
}

const char *
sim_chip_model(const struct sim_chip *chip)
{
    return chip->model->name;
}

uint8_t
sim_chip_address(struct sim_chip *chip)
{
    uint8_t address;

    (void)pthread_mutex_lock(&chip->bus->lock);
    address = chip->model->get_address(chip->state);
    (void)pthread_mutex_unlock(&chip->bus->lock);
    return address;
}

/* ---- Time ------------------------------------------------------------------------------ */

static uint64_t
bus_now_us(const struct sim_bus *bus)
{
    return bus->panel->options.real_time ? rs_mono_us() - bus->panel->started_us : bus->now_us;
}

/* Let time pass and tell the chips.  The bus lock is held: the wire is in use. */
static void
pass_time(struct sim_bus *bus, uint64_t us)
{
    if (bus->panel->options.real_time)
        rs_sleep_us(us);
    else
        bus->now_us += us;
    for (size_t i = 0; i < bus->chip_count; i++)
        bus->chips[i]->model->set_time(bus->chips[i]->state, bus_now_us(bus));
}

/* Nine bit times a byte, address included, two for start and stop. */
static uint64_t
wire_us(uint32_t speed_hz, size_t len)
{
    return ((uint64_t)(len + 1) * 9 + 2) * 1000000 / speed_hz;
}

/* ---- Trace ------------------------------------------------------------------------------ */

static void
trace(struct sim_bus *bus, char direction, int address, const char *result, const char *text)
{
    struct sim_panel *panel = bus->panel;
    char line[4 * SIM_SPI_MAX + 256], where[4] = "--";
    int len;

    if (panel->trace_fd < 0)
        return;
    if (address >= 0)
        (void)snprintf(where, sizeof(where), "%02x", (unsigned)address & 0x7F);
    len = snprintf(line, sizeof(line), "%llu %s %c %s %s %s\n", (unsigned long long)bus_now_us(bus),
                   bus->name, direction, where, result, text);
    if (len <= 0 || (size_t)len >= sizeof(line))
        return;
    (void)pthread_mutex_lock(&panel->trace_lock);
    /* A trace that cannot be written ends; the chips go on. */
    if (rs_file_write_at(panel->trace_fd, panel->trace_at, rs_bytes_of(line, (size_t)len), NULL) ==
        RS_OK)
        panel->trace_at += (uint64_t)len;
    (void)pthread_mutex_unlock(&panel->trace_lock);
}

static void
trace_bytes(struct sim_bus *bus, char direction, uint8_t address, int ack, const uint8_t *p,
            size_t len)
{
    char hex[2 * SIM_IO_MAX + 1];

    if (bus->panel->trace_fd < 0)
        return;
    rs_hex(rs_bytes_of(p, len), hex, sizeof(hex));
    trace(bus, direction, address, ack ? "ack" : "nack", hex);
}

/* "tx/rx", and "+" when the chip stays selected. */
static void
trace_spi(struct sim_bus *bus, const uint8_t *tx, const uint8_t *rx, size_t len, int keep)
{
    size_t cap = 4 * len + 4, half = 2 * len;
    char *text;

    if (bus->panel->trace_fd < 0)
        return;
    text = malloc(cap);
    if (text == NULL)
        return;
    rs_hex(rs_bytes_of(tx, len), text, half + 1);
    text[half] = '/';
    rs_hex(rs_bytes_of(rx, len), text + half + 1, half + 1);
    memcpy(text + 2 * half + 1, keep ? "+" : "", keep ? 2 : 1);
    trace(bus, 'X', -1, "-", text);
    free(text);
}

static void
trace_number(struct sim_bus *bus, char direction, uint32_t value)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", value);
    trace(bus, direction, -1, "-", text);
}

/* ---- Transactions ------------------------------------------------------------------------- */

static void
count(struct sim_chip *chip, size_t len, int ack, uint64_t us)
{
    chip->stats.transactions++;
    chip->stats.bus_bytes += len + 1;
    chip->stats.bus_time_us += us;
    chip->stats.nacks += !ack;
}

/* A chip's trouble with its file is told once, with the transaction it spoilt. */
static rs_code
take_failure(struct sim_chip *chip, struct rs_err *err)
{
    struct rs_err failed = chip->failed;

    if (failed.code == RS_OK)
        return RS_OK;
    memset(&chip->failed, 0, sizeof(chip->failed));
    return rs_fail(err, failed.code, "%s", failed.text);
}

static void
wake_all(struct sim_bus *bus, uint32_t low_us)
{
    for (size_t i = 0; i < bus->chip_count; i++) {
        struct sim_chip *chip = bus->chips[i];

        if (!is_connected(chip))
            continue;
        sim_assume_for(&chip->assumed);
        chip->model->wake(chip->state, low_us);
        sim_assume_for(NULL);
    }
}

/* The lock is held. */
static rs_code
write_locked(struct sim_bus *bus, uint32_t speed_hz, uint8_t address, const uint8_t *p, size_t len,
             int *ret_ack, struct rs_err *err)
{
    uint64_t us = wire_us(speed_hz, len);
    rs_code rc = RS_OK;
    int ack = address != 0 && address == bus->mux_address;

    pass_time(bus, us);
    if (address == 0 && speed_hz <= GENERAL_CALL_HZ_MAX)
        wake_all(bus, 8000000u / speed_hz);
    for (size_t i = 0; i < bus->chip_count; i++) {
        struct sim_chip *chip = bus->chips[i];
        int mine = chip->model->get_address(chip->state) == address;
        int here;

        if (!is_connected(chip))
            continue;
        sim_assume_for(&chip->assumed);
        here = chip->model->i2c_write(chip->state, address, p, len);
        sim_assume_for(NULL);

        if (mine || here)
            count(chip, len, here, us);
        ack |= here;
        if (rc == RS_OK)
            rc = take_failure(chip, err);
    }
    /* It takes the last byte, and lets the channel through when the transaction has ended. */
    if (address != 0 && address == bus->mux_address && len > 0)
        bus->mux_open = p[len - 1];
    trace_bytes(bus, 'W', address, ack, p, len);
    if (rc == RS_OK)
        *ret_ack = ack;
    return rc;
}

/* Chips that answer together pull the line low together: the bytes are ANDed. */
static rs_code
read_locked(struct sim_bus *bus, uint32_t speed_hz, uint8_t address, uint8_t *p, size_t len,
            int *ret_ack, struct rs_err *err)
{
    uint64_t us = wire_us(speed_hz, len);
    uint8_t bytes[SIM_IO_MAX];
    rs_code rc = RS_OK;
    int ack = address != 0 && address == bus->mux_address;

    if (len > sizeof(bytes))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "simulator: a read of more than %d bytes",
                       SIM_IO_MAX);
    pass_time(bus, us);
    memset(p, ack ? bus->mux_open : 0xFF, len);
    for (size_t i = 0; i < bus->chip_count; i++) {
        struct sim_chip *chip = bus->chips[i];
        int mine = chip->model->get_address(chip->state) == address;
        int here;

        if (!is_connected(chip))
            continue;
        sim_assume_for(&chip->assumed);
        here = chip->model->i2c_read(chip->state, address, bytes, len);
        sim_assume_for(NULL);

        if (mine || here)
            count(chip, len, here, us);
        for (size_t b = 0; here && b < len; b++)
            p[b] &= bytes[b];
        ack |= here;
        if (rc == RS_OK)
            rc = take_failure(chip, err);
    }
    trace_bytes(bus, 'R', address, ack, p, ack ? len : 0);
    if (rc == RS_OK)
        *ret_ack = ack;
    return rc;
}

rs_code
sim_bus_write(struct sim_bus *bus, uint32_t speed_hz, uint8_t address, const uint8_t *p, size_t len,
              int *ret_ack, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&bus->lock);
    rc = write_locked(bus, speed_hz, address, p, len, ret_ack, err);
    (void)pthread_mutex_unlock(&bus->lock);
    return rc;
}

rs_code
sim_bus_read(struct sim_bus *bus, uint32_t speed_hz, uint8_t address, uint8_t *p, size_t len,
             int *ret_ack, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&bus->lock);
    rc = read_locked(bus, speed_hz, address, p, len, ret_ack, err);
    (void)pthread_mutex_unlock(&bus->lock);
    return rc;
}

rs_code
sim_bus_transfer(struct sim_bus *bus, uint32_t speed_hz, const struct sim_message *messages,
                 size_t message_count, size_t *ret_done, struct rs_err *err)
{
    rs_code rc = RS_OK;
    size_t done = 0;
    int ack = 1;

    (void)pthread_mutex_lock(&bus->lock);
    while (done < message_count) {
        const struct sim_message *m = &messages[done];

        rc = m->is_read ? read_locked(bus, speed_hz, m->address, m->out, m->len, &ack, err)
                        : write_locked(bus, speed_hz, m->address, m->in, m->len, &ack, err);
        if (rc != RS_OK || !ack)
            break;
        done++;
    }
    (void)pthread_mutex_unlock(&bus->lock);
    if (rc == RS_OK)
        *ret_done = done;
    return rc;
}

rs_code
sim_bus_spi(struct sim_bus *bus, struct sim_chip *chip, uint32_t speed_hz, const uint8_t *tx,
            uint8_t *rx, size_t len, int keep, struct rs_err *err)
{
    uint64_t us = (uint64_t)len * 8000000u / speed_hz;
    rs_code rc;

    if (chip->model->spi == NULL)
        return rs_fail(err, RS_E_USAGE, "simulator: a %s has no SPI here", chip->model->name);
    (void)pthread_mutex_lock(&bus->lock);
    pass_time(bus, us);
    sim_assume_for(&chip->assumed);
    chip->model->spi(chip->state, tx, rx, len, keep);
    sim_assume_for(NULL);
    count(chip, len, 1, us);
    trace_spi(bus, tx, rx, len, keep);
    rc = take_failure(chip, err);
    (void)pthread_mutex_unlock(&bus->lock);
    return rc;
}

void
sim_bus_catch_up(struct sim_bus *bus)
{
    uint64_t now_us = rs_mono_us();

    (void)pthread_mutex_lock(&bus->lock);
    if (!bus->panel->options.real_time && now_us > bus->seen_us) {
        pass_time(bus, now_us - bus->seen_us);
        bus->seen_us = now_us;
    }
    (void)pthread_mutex_unlock(&bus->lock);
}

void
sim_bus_wake(struct sim_bus *bus, uint32_t low_us)
{
    (void)pthread_mutex_lock(&bus->lock);
    pass_time(bus, low_us);
    wake_all(bus, low_us);
    trace_number(bus, 'K', low_us);
    (void)pthread_mutex_unlock(&bus->lock);
}

void
sim_bus_power(struct sim_bus *bus, struct sim_chip *chip, int on)
{
    char text[SIM_NAME_MAX + 4];

    (void)pthread_mutex_lock(&bus->lock);
    for (size_t i = 0; i < bus->chip_count; i++)
        if (chip == NULL || bus->chips[i] == chip)
            bus->chips[i]->model->set_power(bus->chips[i]->state, on);
    (void)snprintf(text, sizeof(text), "%s %d", chip == NULL ? "*" : chip->name, on != 0);
    trace(bus, 'P', -1, "-", text);
    (void)pthread_mutex_unlock(&bus->lock);
}

/* The master waits; the wire is free meanwhile. */
void
sim_bus_delay(struct sim_bus *bus, uint32_t us)
{
    if (bus->panel->options.real_time)
        rs_sleep_us(us);
    (void)pthread_mutex_lock(&bus->lock);
    pass_time(bus, bus->panel->options.real_time ? 0 : us);
    trace_number(bus, 'D', us);
    (void)pthread_mutex_unlock(&bus->lock);
}
