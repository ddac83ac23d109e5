/*
 * model.c: a part from nothing, from a saved object, and what people ask of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/stsafe/model.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

extern const struct sim_assumption stsafe_assumptions[];

/* ---- New parts ------------------------------------------------------------------------------ */

static rs_code
prepare(struct stsafe_chip *c, const struct sim_host *host, const char *personality,
        struct rs_err *err)
{
    memset(c, 0, sizeof(*c));
    sim_runner_init(&c->run, host);
    c->spec = stsafe_spec_find(personality);
    return c->spec == NULL
               ? rs_fail(err, RS_E_USAGE, "simulator: no personality %.32s", personality)
               : RS_OK;
}

static rs_code
create(void *state, const struct sim_host *host, const struct sim_create *how, struct rs_err *err)
{
    struct stsafe_chip *c = state;
    rs_code rc = prepare(c, host, how->personality, err);

    if (rc == RS_OK)
        rc = stsafe_personality_apply(c, how, err);
    if (rc == RS_OK)
        stsafe_set_power(c, 1);
    return rc;
}

static void
done(void *state)
{
    struct stsafe_chip *c = state;

    stsafe_volatile_clear(c);
    rs_wipe(c, sizeof(*c));
}

/* ---- Saved parts ----------------------------------------------------------------------------- */

static rs_code
load(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    struct stsafe_chip *c = state;
    rs_code rc = prepare(c, host, rs_json_text_or(object, "personality", ""), err);

    if (rc == RS_OK)
        rc = stsafe_load(c, object, err);
    if (rc == RS_OK)
        stsafe_set_power(c, 1);
    return rc;
}

static int
save(const void *state, json_t *object)
{
    return stsafe_save(state, object);
}

/* ---- What people ask -------------------------------------------------------------------------- */

static void
set_timing(void *state, const struct sim_timing *timing)
{
    ((struct stsafe_chip *)state)->run.timing = *timing;
}

static int
set_quirk(void *state, const char *name)
{
    static const struct {
        const char *name;
        enum stsafe_quirk quirk;
    } rows[] = {{"none", STSAFE_QUIRK_NONE},
                {"header-flags", STSAFE_QUIRK_HEADER_FLAGS},
                {"wrong-rmac", STSAFE_QUIRK_WRONG_RMAC},
                {"long-length", STSAFE_QUIRK_LONG_LENGTH}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            ((struct stsafe_chip *)state)->quirk = rows[i].quirk;
            return 1;
        }
    }
    return 0;
}

static int
get_power(const void *state)
{
    return ((const struct stsafe_chip *)state)->run.powered;
}

static uint8_t
get_address(const void *state)
{
    return ((const struct stsafe_chip *)state)->address;
}

static size_t
get_serial(const void *state, uint8_t serial[SIM_SERIAL_MAX])
{
    memcpy(serial, ((const struct stsafe_chip *)state)->nvm.number, STSAFE_NUMBER_SIZE);
    return STSAFE_NUMBER_SIZE;
}

static uint64_t
get_chip_time_us(const void *state)
{
    return ((const struct stsafe_chip *)state)->run.chip_time_us;
}

/* The life cycle, a host key that cannot be replaced, and zones that nobody writes any more. */
static void
get_locks(const void *state, char *text, size_t cap)
{
    const struct stsafe_nvm *nvm = &((const struct stsafe_chip *)state)->nvm;
    size_t len = 0;

    text[0] = '\0';
    if (nvm->life_cycle & STSAFE_U_LIFE_CYCLE_LOCK)
        len += (size_t)snprintf(text, cap, "life-cycle");
    if (nvm->host.len > 0 && len < cap)
        len += (size_t)snprintf(text + len, cap - len, "%shost-key", len > 0 ? "," : "");
    for (unsigned i = 0; i < nvm->zone_count && len < cap; i++)
        if ((nvm->zones[i].access & 0x0Fu) == STSAFE_ZONE_NEVER)
            len += (size_t)snprintf(text + len, cap - len, "%s%u", len > 0 ? "," : "", i);
}

static int
hide(json_t *object, const char *name, const char *what)
{
    return json_object_get(object, name) == NULL ||
           json_object_set_new(object, name, json_string(what)) == 0;
}

static int
hide_each(json_t *array, const char *name, const char *what)
{
    int ok = 1;

    for (size_t i = 0; i < json_array_size(array); i++)
        ok = hide(json_array_get(array, i), name, what) && ok;
    return ok;
}

/* Keys are named, not shown. */
static json_t *
dump(const void *state)
{
    json_t *object = json_object();

    if (object != NULL && save(state, object) &&
        hide_each(json_object_get(object, "private_keys"), "key", "private") &&
        hide_each(json_object_get(object, "symmetric_keys"), "key", "secret") &&
        hide_each(json_object_get(object, "envelope_keys"), "key", "secret") &&
        hide(json_object_get(object, "host_key"), "mac", "secret") &&
        hide(json_object_get(object, "host_key"), "cipher", "secret"))
        return object;
    json_decref(object);
    return NULL;
}

static const char *const personalities_a100[] = {"blank-a100", NULL};
static const char *const personalities_a110[] = {"blank-a110", NULL};
static const char *const personalities_a120[] = {"blank-a120", NULL};

#define STSAFE_COMMON                                                                              \
    .assumptions = stsafe_assumptions, .vendor = "st", .state_size = sizeof(struct stsafe_chip),   \
    .create = create, .load = load, .done = done, .save = save, .set_timing = set_timing,          \
    .set_time = stsafe_set_time, .set_power = stsafe_set_power, .get_power = get_power,            \
    .set_quirk = set_quirk, .wake = stsafe_wake, .i2c_write = stsafe_i2c_write,                    \
    .i2c_read = stsafe_i2c_read, .get_address = get_address, .get_serial = get_serial,             \
    .get_locks = get_locks, .get_chip_time_us = get_chip_time_us, .dump = dump

const struct sim_model stsafe_a100_model = {
    .name = "stsafe-a100", .personalities = personalities_a100, STSAFE_COMMON};

const struct sim_model stsafe_a110_model = {
    .name = "stsafe-a110", .personalities = personalities_a110, STSAFE_COMMON};

const struct sim_model stsafe_a120_model = {
    .name = "stsafe-a120", .personalities = personalities_a120, STSAFE_COMMON};
