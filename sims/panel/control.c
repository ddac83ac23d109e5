/*
 * control.c: what people and tests ask of a panel: one JSON object in, one out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sims/panel/panel_state.h"

static rs_code
no_memory(struct rs_err *err)
{
    return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for an answer");
}

static rs_code
find_chip(struct sim_panel *panel, const json_t *request, struct sim_chip **ret_chip,
          struct rs_err *err)
{
    const char *name;
    struct sim_chip *chip;
    rs_code rc = rs_json_text(request, "chip", &name, err);

    if (rc != RS_OK)
        return rc;
    chip = sim_panel_find(panel, name);
    if (chip == NULL)
        return rs_fail(err, RS_E_CHIP_ABSENT, "simulator: no chip %.64s; see rot-sim list", name);
    *ret_chip = chip;
    return RS_OK;
}

static json_t *
full_name(const struct sim_chip *chip)
{
    return json_sprintf("%s/%s", chip->bus->name, chip->name);
}

/* ---- list -------------------------------------------------------------------------- */

static json_t *
list_chip(struct sim_chip *chip)
{
    json_t *row;
    uint8_t serial[SIM_SERIAL_MAX];
    size_t serial_len = chip->model->get_serial(chip->state, serial);
    char hex[2 * SIM_SERIAL_MAX + 1], locks[80], address[8];
    json_t *faults = json_array();

    rs_hex(rs_bytes_of(serial, serial_len), hex, sizeof(hex));
    chip->model->get_locks(chip->state, locks, sizeof(locks));
    (void)snprintf(address, sizeof(address), "%02x", chip->model->get_address(chip->state));
    for (unsigned i = 0; i < chip->rules.count; i++)
        (void)json_array_append_new(faults,
                                    json_pack("{s:i, s:s}", "id", (int)chip->rules.list[i].id,
                                              "rule", chip->rules.list[i].text));
    row = json_pack("{s:o, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:s}", "chip", full_name(chip),
                    "model", chip->model->name, "personality", chip->personality, "serial", hex,
                    "address", address, "power", chip->model->get_power(chip->state), "locks",
                    locks, "faults", faults, "state_file", chip->path);
    if (row != NULL && chip->channel >= 0)
        (void)json_object_set_new(row, "channel", json_integer(chip->channel));
    return row;
}

static rs_code
do_list(struct sim_panel *panel, const char *socket, json_t **ret_answer, struct rs_err *err)
{
    json_t *chips = json_array(), *answer;

    for (struct sim_bus *bus = panel->buses; bus != NULL; bus = bus->next) {
        (void)pthread_mutex_lock(&bus->lock);
        for (size_t i = 0; i < bus->chip_count; i++)
            (void)json_array_append_new(chips, list_chip(bus->chips[i]));
        (void)pthread_mutex_unlock(&bus->lock);
    }
    answer = json_pack("{s:s, s:s, s:o}", "timing", panel->options.real_time ? "real" : "none",
                       "socket", socket, "chips", chips);
    if (answer == NULL)
        return no_memory(err);
    *ret_answer = answer;
    return RS_OK;
}

/* ---- one chip ------------------------------------------------------------------------ */

static rs_code
do_stats(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const struct sim_stats *s = &chip->stats;

    (void)request;
    *ret_answer = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "chip", full_name(chip),
                            "commands", (json_int_t)s->commands, "bus_bytes",
                            (json_int_t)s->bus_bytes, "transactions", (json_int_t)s->transactions,
                            "nacks", (json_int_t)s->nacks, "nvm_writes", (json_int_t)s->nvm_writes,
                            "chip_time_us", (json_int_t)chip->model->get_chip_time_us(chip->state),
                            "bus_time_us", (json_int_t)s->bus_time_us);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_fault(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const char *rule;
    unsigned id;
    rs_code rc = rs_json_text(request, "rule", &rule, err);

    if (rc == RS_OK)
        rc = sim_rules_add(&chip->rules, rule, &id, err);
    if (rc != RS_OK)
        return rc;
    *ret_answer =
        json_pack("{s:o, s:s, s:i}", "chip", full_name(chip), "rule", rule, "id", (int)id);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_clear(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    int64_t id = 0;
    rs_code rc = RS_OK;

    if (json_object_get(request, "id") != NULL)
        rc = rs_json_int(request, "id", 1, 1000000, &id, err);
    if (rc != RS_OK)
        return rc;
    *ret_answer = json_pack("{s:o, s:i}", "chip", full_name(chip), "cleared",
                            (int)sim_rules_clear(&chip->rules, (unsigned)id));
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_power(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const json_t *on = json_object_get(request, "on");

    if (!json_is_boolean(on))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "simulator: power: on must be true or false");
    chip->model->set_power(chip->state, json_is_true(on));
    *ret_answer = json_pack("{s:o, s:b}", "chip", full_name(chip), "power", json_is_true(on));
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_quirk(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const char *quirk;
    rs_code rc = rs_json_text(request, "quirk", &quirk, err);

    if (rc != RS_OK)
        return rc;
    if (!chip->model->set_quirk(chip->state, quirk))
        return rs_fail(err, RS_E_USAGE, "simulator: a %s has no quirk %.40s", chip->model->name,
                       quirk);
    *ret_answer = json_pack("{s:o, s:s}", "chip", full_name(chip), "quirk", quirk);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

/* ---- what is only assumed ------------------------------------------------------------ */

static json_t *
describe_assumption(const struct sim_assumption *a)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "name", a->name, "value", a->text, "note", a->note,
                     "answer", (int)a->is_answer);
}

static rs_code
do_uncertain(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const struct sim_assumption *a = chip->model->assumptions;
    json_t *items = json_array();

    (void)request;
    for (; a != NULL && a->name != NULL; a++)
        (void)json_array_append_new(items, describe_assumption(a));
    *ret_answer =
        json_pack("{s:o, s:s, s:b, s:o}", "chip", full_name(chip), "model", chip->model->name,
                  "placeholder", chip->model->assumptions == NULL, "items", items);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

/* What the answers since the last such question rested on. */
static rs_code
do_said(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const struct sim_assumption *a = chip->model->assumptions;
    json_t *names = json_array();

    (void)request;
    for (unsigned i = 0; a != NULL && a[i].name != NULL; i++) {
        if (sim_is_noted(&chip->assumed, i))
            (void)json_array_append_new(names, json_string(a[i].name));
    }
    sim_forget_notes(&chip->assumed);
    *ret_answer = json_pack("{s:o, s:o, s:I}", "chip", full_name(chip), "assumed", names,
                            "chip_time_us", (json_int_t)chip->model->get_chip_time_us(chip->state));
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_assume(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    const struct sim_assumption *a = chip->model->assumptions;
    const char *name;
    int64_t value = 0;
    unsigned row = 0;
    rs_code rc = rs_json_text(request, "name", &name, err);

    if (rc == RS_OK)
        rc = rs_json_int(request, "value", 0, 0xFFFF, &value, err);
    if (rc != RS_OK)
        return rc;
    while (a != NULL && a[row].name != NULL && strcmp(a[row].name, name) != 0)
        row++;
    if (a == NULL || a[row].name == NULL || !a[row].is_answer)
        return rs_fail(err, RS_E_USAGE, "simulator: %.60s is no status that a %s only assumes",
                       name, chip->model->name);
    /* 0 and 9000 are what parts say when they have done it. */
    if (value == 0 || value == 0x9000)
        return rs_fail(err, RS_E_USAGE,
                       "simulator: %.60s says why something is refused; %s does not", name,
                       value == 0 ? "0" : "9000");
    if (!sim_assume_otherwise(&chip->assumed, row, (int)value))
        return rs_fail(err, RS_E_USAGE, "simulator: no more than %d are assumed otherwise",
                       SIM_OTHERWISE_MAX);
    *ret_answer = json_pack("{s:o, s:s, s:I}", "chip", full_name(chip), "name", name, "value",
                            (json_int_t)value);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_reset(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    rs_code rc = sim_chip_reset(chip, err);

    (void)request;
    if (rc != RS_OK)
        return rc;
    *ret_answer = json_pack("{s:o}", "chip", full_name(chip));
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

static rs_code
do_eeprom(struct sim_chip *chip, const json_t *request, json_t **ret_answer, struct rs_err *err)
{
    (void)request;
    *ret_answer = chip->model->dump(chip->state);
    if (*ret_answer == NULL)
        return no_memory(err);
    (void)json_object_set_new(*ret_answer, "chip", full_name(chip));
    return RS_OK;
}

static rs_code
do_save(struct sim_panel *panel, json_t **ret_answer, struct rs_err *err)
{
    rs_code rc = RS_OK;
    int saved = 0;

    for (struct sim_bus *bus = panel->buses; bus != NULL; bus = bus->next) {
        (void)pthread_mutex_lock(&bus->lock);
        for (size_t i = 0; rc == RS_OK && i < bus->chip_count; i++, saved++)
            rc = sim_chip_save(bus->chips[i], err);
        (void)pthread_mutex_unlock(&bus->lock);
    }
    if (rc != RS_OK)
        return rc;
    *ret_answer = json_pack("{s:i}", "saved", saved);
    return *ret_answer == NULL ? no_memory(err) : RS_OK;
}

typedef rs_code chip_action(struct sim_chip *chip, const json_t *request, json_t **ret_answer,
                            struct rs_err *err);

static chip_action *
find_action(const char *name)
{
    static const struct {
        const char *name;
        chip_action *run;
    } rows[] = {
        {"stats", do_stats},   {"fault", do_fault},         {"clear", do_clear},
        {"power", do_power},   {"quirk", do_quirk},         {"reset", do_reset},
        {"eeprom", do_eeprom}, {"uncertain", do_uncertain}, {"said", do_said},
        {"assume", do_assume},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].run;
    return NULL;
}

rs_code
sim_panel_control(struct sim_panel *panel, const json_t *request, const char *socket,
                  json_t **ret_answer, struct rs_err *err)
{
    struct sim_chip *chip = NULL;
    chip_action *action;
    const char *what;
    rs_code rc = rs_json_text(request, "do", &what, err);

    if (rc != RS_OK)
        return rc;
    if (strcmp(what, "list") == 0)
        return do_list(panel, socket, ret_answer, err);
    if (strcmp(what, "save") == 0)
        return do_save(panel, ret_answer, err);
    action = find_action(what);
    if (action == NULL)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "simulator: nothing is called %.32s", what);
    rc = find_chip(panel, request, &chip, err);
    if (rc != RS_OK || chip == NULL)
        return rc;
    (void)pthread_mutex_lock(&chip->bus->lock);
    rc = action(chip, request, ret_answer, err);
    (void)pthread_mutex_unlock(&chip->bus->lock);
    return rc;
}
