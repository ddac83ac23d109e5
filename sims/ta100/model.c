/*
 * model.c: a part from nothing, from a saved object, and what people ask of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/ta100/model.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sims/ta100/chip.h"

static void
prepare(struct ta100_chip *c, const struct sim_host *host)
{
    memset(c, 0, sizeof(*c));
    sim_runner_init(&c->run, host);
}

static rs_code
create(void *state, const struct sim_host *host, const struct sim_create *how, struct rs_err *err)
{
    struct ta100_chip *c = state;

    (void)err;
    prepare(c, host);
    memcpy(c->nvm.serial, how->unique, sizeof(c->nvm.serial));
    memcpy(c->nvm.config, how->unique, sizeof(c->nvm.serial));
    c->nvm.config[TA100_AT_ADDRESS] = TA100_ADDRESS << 1;
    ta100_set_power(c, 1);
    return RS_OK;
}

static rs_code
load(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    struct ta100_chip *c = state;
    rs_code rc;

    prepare(c, host);
    rc = ta100_load(c, object, err);
    if (rc == RS_OK)
        ta100_set_power(c, 1);
    return rc;
}

static void
done(void *state)
{
    rs_wipe(state, sizeof(struct ta100_chip));
}

static int
save(const void *state, json_t *object)
{
    return ta100_save(state, object);
}

static void
set_timing(void *state, const struct sim_timing *timing)
{
    ((struct ta100_chip *)state)->run.timing = *timing;
}

static int
set_quirk(void *state, const char *name)
{
    static const struct {
        const char *name;
        enum ta100_quirk quirk;
    } rows[] = {{"none", TA100_QUIRK_NONE},
                {"never-ready", TA100_QUIRK_NEVER_READY},
                {"long-length", TA100_QUIRK_LONG_LENGTH}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            ((struct ta100_chip *)state)->quirk = rows[i].quirk;
            return 1;
        }
    }
    return 0;
}

static int
get_power(const void *state)
{
    return ((const struct ta100_chip *)state)->run.powered;
}

static uint8_t
get_address(const void *state)
{
    return ((const struct ta100_chip *)state)->address;
}

static size_t
get_serial(const void *state, uint8_t serial[SIM_SERIAL_MAX])
{
    memcpy(serial, ((const struct ta100_chip *)state)->nvm.serial, TA100_SERIAL_SIZE);
    return TA100_SERIAL_SIZE;
}

static uint64_t
get_chip_time_us(const void *state)
{
    return ((const struct ta100_chip *)state)->run.chip_time_us;
}

static void
get_locks(const void *state, char *text, size_t cap)
{
    const struct ta100_nvm *nvm = &((const struct ta100_chip *)state)->nvm;
    size_t len = 0;

    text[0] = '\0';
    if (nvm->config_locked)
        len += (size_t)snprintf(text, cap, "config");
    if (nvm->setup_locked && len < cap)
        len += (size_t)snprintf(text + len, cap - len, "%ssetup", len > 0 ? "," : "");
    for (unsigned i = 0; i < nvm->count && len < cap; i++)
        if (nvm->elements[i].locked)
            len += (size_t)snprintf(text + len, cap - len, "%s%04x", len > 0 ? "," : "",
                                    (unsigned)nvm->elements[i].handle);
}

/* Keys are named, not shown; so is data that the part keeps to itself. */
static json_t *
dump(const void *state)
{
    const struct ta100_nvm *nvm = &((const struct ta100_chip *)state)->nvm;
    json_t *object = json_object(), *elements;
    int ok = object != NULL && save(state, object);

    elements = ok ? json_object_get(object, "elements") : NULL;
    for (unsigned i = 0; ok && i < nvm->count; i++) {
        const struct ta100_attributes *a = &nvm->elements[i].attributes;
        unsigned class = TA100_CLASS(a);
        const char *what = NULL;

        if (class == TA100_CLASS_PRIVATE)
            what = "private";
        else if (class == TA100_CLASS_SYMMETRIC || a->last & TA100_P_SECRET)
            what = "secret";
        if (what != NULL)
            ok =
                json_object_set_new(json_array_get(elements, i), "content", json_string(what)) == 0;
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static const char *const personalities[] = {"blank-ta100", NULL};

const struct sim_model ta100_model = {
    .name = "ta100",
    .personalities = personalities,
    .state_size = sizeof(struct ta100_chip),
    .create = create,
    .load = load,
    .done = done,
    .save = save,
    .set_timing = set_timing,
    .set_time = ta100_set_time,
    .set_power = ta100_set_power,
    .get_power = get_power,
    .set_quirk = set_quirk,
    .wake = ta100_wake,
    .i2c_write = ta100_i2c_write,
    .i2c_read = ta100_i2c_read,
    .spi = ta100_spi,
    .get_address = get_address,
    .get_serial = get_serial,
    .get_locks = get_locks,
    .get_chip_time_us = get_chip_time_us,
    .dump = dump,
};
