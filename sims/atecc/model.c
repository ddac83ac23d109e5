/*
 * model.c: a part from nothing, from a saved object, and back into one.
 *
 * Saved is what survives without power: the three zones, in hex, 32 bytes a
 * line of the configuration, one text per slot.  Whoever reads the file sees
 * the memory of the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/atecc/model.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sims/atecc/chip.h"
#include "sims/atecc/uncertain.h"

extern const struct sim_assumption atecc_assumptions[];

#define REVISION_608A 0x02
#define REVISION_608B 0x03

static rs_code
prepare(struct atecc_chip *c, const struct sim_host *host, uint8_t revision, struct rs_err *err)
{
    memset(c, 0, sizeof(*c));
    sim_runner_init(&c->run, host);
    c->revision = revision;
    c->p256 = atecc_p256_new();
    return c->p256 == NULL ? rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a chip")
                           : RS_OK;
}

/* Serial number in bytes 0-3 and 8-12, revision in 4-7, the rest by the blank configuration. */
static void
fill_blank(struct atecc_chip *c, const uint8_t unique[8])
{
    static const char blank[] = ATECC_U_BLANK_CONFIG;
    size_t len = 0;
    const uint8_t head[16] = {
        0x01,        0x23,      unique[0], unique[1], 0x00,      0x00, 0x60,
        c->revision, unique[2], unique[3], unique[4], unique[5], 0xEE, ATECC_U_BLANK_AES_ENABLE,
        0x01,        0x00};

    memcpy(c->config, head, sizeof(head));
    if (!rs_hex_read(blank, sizeof(blank) - 1, c->config + 16, ATECC_CONFIG_SIZE - 16, &len))
        memset(c->config + 16, 0, ATECC_CONFIG_SIZE - 16);
    memset(c->otp, ATECC_U_BLANK_FILL, sizeof(c->otp));
    memset(c->data, ATECC_U_BLANK_FILL, sizeof(c->data));
}

static rs_code
create_part(void *state, const struct sim_host *host, const struct sim_create *how,
            uint8_t revision, struct rs_err *err)
{
    struct atecc_chip *c = state;
    rs_code rc = prepare(c, host, revision, err);

    if (rc != RS_OK)
        return rc;
    fill_blank(c, how->unique);
    (void)snprintf(c->personality, sizeof(c->personality), "%s", how->personality);
    rc = atecc_personality_apply(c, how, err);
    if (rc != RS_OK) {
        atecc_p256_free(c->p256);
        return rc;
    }
    atecc_set_power(c, 1);
    return RS_OK;
}

static rs_code
create_608a(void *state, const struct sim_host *host, const struct sim_create *how,
            struct rs_err *err)
{
    return create_part(state, host, how, REVISION_608A, err);
}

static rs_code
create_608b(void *state, const struct sim_host *host, const struct sim_create *how,
            struct rs_err *err)
{
    return create_part(state, host, how, REVISION_608B, err);
}

static void
done(void *state)
{
    struct atecc_chip *c = state;

    atecc_p256_free(c->p256);
    rs_wipe(c, sizeof(*c));
}

/* ---- Saved form ------------------------------------------------------------- */

static int
put_hex(json_t *array, const uint8_t *p, size_t len)
{
    char text[2 * 416 + 1];

    rs_hex(rs_bytes_of(p, len), text, sizeof(text));
    return json_array_append_new(array, json_string(text)) == 0;
}

static int
save(const void *state, json_t *object)
{
    /* The slot table works on a chip that may change; nothing here changes it. */
    struct atecc_chip c = *(const struct atecc_chip *)state;
    json_t *config = json_array(), *otp = json_array(), *slots = json_array();
    int ok = 1;

    for (size_t at = 0; at < ATECC_CONFIG_SIZE; at += 32)
        ok = put_hex(config, c.config + at, 32) && ok;
    for (size_t at = 0; at < ATECC_OTP_SIZE; at += 32)
        ok = put_hex(otp, c.otp + at, 32) && ok;
    for (unsigned slot = 0; slot < ATECC_SLOT_COUNT; slot++)
        ok = put_hex(slots, atecc_slot(&c, slot), atecc_slot_size(slot)) && ok;
    ok = json_object_set_new(object, "personality", json_string(c.personality)) == 0 && ok;
    ok = json_object_set_new(object, "config", config) == 0 && ok;
    ok = json_object_set_new(object, "otp", otp) == 0 && ok;
    ok = json_object_set_new(object, "slots", slots) == 0 && ok;
    rs_wipe(&c, sizeof(c));
    return ok;
}

/* One array member of hex texts, each exactly as long as it must be. */
static rs_code
load_line(const json_t *array, size_t index, const char *name, uint8_t *p, size_t len,
          struct rs_err *err)
{
    const char *text = json_string_value(json_array_get(array, index));
    size_t got = 0;

    if (text == NULL || !rs_hex_read(text, strlen(text), p, len, &got) || got != len)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s[%zu] must be %zu bytes in hex",
                       name, index, len);
    return RS_OK;
}

static rs_code
load_zones(struct atecc_chip *c, const json_t *object, struct rs_err *err)
{
    const json_t *config = json_object_get(object, "config");
    const json_t *otp = json_object_get(object, "otp");
    const json_t *slots = json_object_get(object, "slots");
    rs_code rc = RS_OK;

    for (size_t i = 0; rc == RS_OK && i < ATECC_CONFIG_SIZE / 32; i++)
        rc = load_line(config, i, "config", c->config + 32 * i, 32, err);
    for (size_t i = 0; rc == RS_OK && i < ATECC_OTP_SIZE / 32; i++)
        rc = load_line(otp, i, "otp", c->otp + 32 * i, 32, err);
    for (unsigned slot = 0; rc == RS_OK && slot < ATECC_SLOT_COUNT; slot++)
        rc = load_line(slots, slot, "slots", atecc_slot(c, slot), atecc_slot_size(slot), err);
    return rc;
}

static rs_code
load_part(void *state, const struct sim_host *host, const json_t *object, uint8_t revision,
          struct rs_err *err)
{
    struct atecc_chip *c = state;
    const char *personality = json_string_value(json_object_get(object, "personality"));
    rs_code rc = prepare(c, host, revision, err);

    if (rc != RS_OK)
        return rc;
    rc = load_zones(c, object, err);
    if (rc != RS_OK) {
        atecc_p256_free(c->p256);
        return rc;
    }
    (void)snprintf(c->personality, sizeof(c->personality), "%s",
                   personality == NULL ? "" : personality);
    atecc_set_power(c, 1);
    return RS_OK;
}

static rs_code
load_608a(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load_part(state, host, object, REVISION_608A, err);
}

static rs_code
load_608b(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load_part(state, host, object, REVISION_608B, err);
}

/* ---- What people ask --------------------------------------------------------- */

static void
set_timing(void *state, const struct sim_timing *timing)
{
    ((struct atecc_chip *)state)->run.timing = *timing;
}

/* What a part says after a wake pulse when its power-on self-test failed. */
static int
set_quirk(void *state, const char *name)
{
    static const struct {
        const char *name;
        enum atecc_wake_answer answer;
    } rows[] = {{"none", ATECC_WAKE_OK},
                {"wake-self-test", ATECC_WAKE_SELF_TEST},
                {"wake-self-test-vendor", ATECC_WAKE_SELF_TEST_VENDOR}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            ((struct atecc_chip *)state)->wake_answer = rows[i].answer;
            return 1;
        }
    }
    return 0;
}

static int
get_power(const void *state)
{
    return ((const struct atecc_chip *)state)->run.powered;
}

static uint8_t
get_address(const void *state)
{
    return ((const struct atecc_chip *)state)->address;
}

static size_t
get_serial(const void *state, uint8_t serial[SIM_SERIAL_MAX])
{
    atecc_serial(state, serial);
    return ATECC_SERIAL_SIZE;
}

static uint64_t
get_chip_time_us(const void *state)
{
    return ((const struct atecc_chip *)state)->run.chip_time_us;
}

static void
get_locks(const void *state, char *text, size_t cap)
{
    const struct atecc_chip *c = state;
    size_t len = 0;

    text[0] = '\0';
    if (atecc_config_locked(c))
        len += (size_t)snprintf(text + len, cap - len, "config");
    if (atecc_data_locked(c) && len < cap)
        len += (size_t)snprintf(text + len, cap - len, "%sdata", len > 0 ? "," : "");
    for (unsigned slot = 0; slot < ATECC_SLOT_COUNT && len < cap; slot++)
        if (atecc_slot_locked(c, slot))
            len += (size_t)snprintf(text + len, cap - len, "%s%u", len > 0 ? "," : "", slot);
}

/* Private keys and secret slots are named, not shown. */
static json_t *
dump(const void *state)
{
    struct atecc_chip c = *(const struct atecc_chip *)state;
    json_t *object = json_object(), *slots;
    int ok = object != NULL && save(&c, object);

    slots = ok ? json_object_get(object, "slots") : NULL;
    for (unsigned slot = 0; ok && slot < ATECC_SLOT_COUNT; slot++) {
        const char *what = NULL;

        if (ATECC_KEY_PRIVATE(atecc_key_config(&c, slot)))
            what = "private";
        else if (ATECC_SLOT_SECRET(atecc_slot_config(&c, slot)))
            what = "secret";
        if (what != NULL)
            ok = json_array_set_new(slots, slot, json_string(what)) == 0;
    }
    rs_wipe(&c, sizeof(c));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static const char *const personalities_608a[] = {"blank608a", NULL};
static const char *const personalities_608b[] = {"blank608b", "tngtls", "tflxtls", NULL};

#define ATECC_COMMON                                                                               \
    .assumptions = atecc_assumptions, .state_size = sizeof(struct atecc_chip), .done = done,       \
    .save = save, .set_timing = set_timing, .set_time = atecc_set_time,                            \
    .set_power = atecc_set_power, .get_power = get_power, .set_quirk = set_quirk,                  \
    .wake = atecc_wake, .i2c_write = atecc_i2c_write, .i2c_read = atecc_i2c_read,                  \
    .get_address = get_address, .get_serial = get_serial, .get_locks = get_locks,                  \
    .get_chip_time_us = get_chip_time_us, .dump = dump

const struct sim_model atecc608a_model = {
    .name = "atecc608a",
    .personalities = personalities_608a,
    .create = create_608a,
    .load = load_608a,
    ATECC_COMMON,
};

const struct sim_model atecc608b_model = {
    .name = "atecc608b",
    .personalities = personalities_608b,
    .create = create_608b,
    .load = load_608b,
    ATECC_COMMON,
};
