/*
 * far.c: see far.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sims/optiga/chip.h"
#include "sims/panel/panel_state.h"

#define NAME "bench/1"

struct far {
    struct sim_panel *panel;
    struct sim_chip *chip;
};

static void
want(int ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "simulator: %s failed\n", what);
    abort();
}

static void
add_maker(struct sim_panel *panel, const char *vendor, const char *dir)
{
    struct sim_maker *m = calloc(1, sizeof(*m));

    want(m != NULL && sim_ca_open(dir, vendor, &m->ca, NULL) == RS_OK, vendor);
    m->vendor = vendor;
    m->next = panel->makers;
    panel->makers = m;
}

struct far *
far_new_from(const char *kind, const char *makers)
{
    static const char *const vendors[] = {"nxp", "st", "infineon"};
    const struct sim_panel_options options = {.real_time = 0};
    struct far *f = calloc(1, sizeof(*f));

    want(f != NULL && sim_panel_new(&options, &f->panel, NULL) == RS_OK, "panel");
    for (size_t i = 0; makers != NULL && i < sizeof(vendors) / sizeof(vendors[0]); i++)
        add_maker(f->panel, vendors[i], makers);
    want(sim_panel_add(f->panel, NAME, kind, &f->chip, NULL) == RS_OK, kind);
    return f;
}

struct far *
far_new(const char *kind)
{
    return far_new_from(kind, NULL);
}

void
far_add(struct far *f, const char *name, const char *kind)
{
    struct sim_chip *chip;

    want(sim_panel_add(f->panel, name, kind, &chip, NULL) == RS_OK, kind);
}

void
far_free(struct far *f)
{
    sim_panel_free(f->panel);
    free(f);
}

const char *
far_model(const struct far *f)
{
    return sim_chip_model(f->chip);
}

uint8_t
far_address(struct far *f)
{
    return sim_chip_address(f->chip);
}

int
far_write(struct far *f, uint32_t speed_hz, uint8_t address, const uint8_t *p, size_t len)
{
    int ack = 0;

    want(sim_bus_write(sim_chip_bus(f->chip), speed_hz, address, p, len, &ack, NULL) == RS_OK,
         "write");
    return ack;
}

int
far_read(struct far *f, uint32_t speed_hz, uint8_t address, uint8_t *p, size_t len)
{
    int ack = 0;

    want(sim_bus_read(sim_chip_bus(f->chip), speed_hz, address, p, len, &ack, NULL) == RS_OK,
         "read");
    return ack;
}

void
far_wake(struct far *f, uint32_t low_us)
{
    sim_bus_wake(sim_chip_bus(f->chip), low_us);
}

void
far_delay(struct far *f, uint32_t us)
{
    sim_bus_delay(sim_chip_bus(f->chip), us);
}

void
far_power(struct far *f, int on)
{
    sim_bus_power(sim_chip_bus(f->chip), f->chip, on);
}

int
far_has_power(struct far *f)
{
    return f->chip->model->get_power(f->chip->state);
}

size_t
far_maker(const struct far *f, int signer, uint8_t *out, size_t cap)
{
    const struct sim_maker *m = f->panel->makers;
    struct rs_bytes der;

    if (m == NULL)
        return 0;
    der = signer ? sim_ca_signer(m->ca) : sim_ca_root(m->ca);
    want(der.len <= cap, "maker");
    memcpy(out, der.p, der.len);
    return der.len;
}

static void
control(struct far *f, const char *what, const char *name, const char *value)
{
    json_t *request = json_pack("{s:s, s:s, s:s}", "do", what, "chip", NAME, name, value);
    json_t *answer = NULL;

    want(request != NULL && sim_panel_control(f->panel, request, "bench", &answer, NULL) == RS_OK,
         value);
    json_decref(request);
    json_decref(answer);
}

void
far_fault(struct far *f, const char *rule)
{
    control(f, "fault", "rule", rule);
}

void
far_clear(struct far *f)
{
    control(f, "clear", "of", "all");
}

void
far_reset(struct far *f)
{
    control(f, "reset", "to", "new");
}

void
far_quirk(struct far *f, const char *quirk)
{
    control(f, "quirk", "quirk", quirk);
}

unsigned
far_commands(struct far *f)
{
    return (unsigned)f->chip->stats.commands;
}

char *
far_memory(struct far *f)
{
    json_t *object = json_object();
    char *text;

    want(object != NULL && f->chip->model->save(f->chip->state, object), "save");
    text = json_dumps(object, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    want(text != NULL, "text");
    json_decref(object);
    return text;
}

void
far_remember(struct far *f, const char *memory)
{
    json_t *object = json_loads(memory, 0, NULL);
    struct sim_chip *c = f->chip;

    want(object != NULL, "memory");
    far_clear(f);
    c->model->done(c->state);
    memset(c->state, 0, c->model->state_size);
    want(c->model->load(c->state, &c->host, object, NULL) == RS_OK, "load");
    json_decref(object);
}

void
far_optiga_numbers(struct far *f, uint32_t from_host, uint32_t from_part)
{
    struct optiga_chip *c = f->chip->state;

    c->comms.shield.keys.master_seq = from_host;
    c->comms.shield.keys.slave_seq = from_part;
}
