/*
 * chip_file.c: a chip of the panel and its state file.
 *
 * One JSON file a chip, replaced as a whole after every memory write of the
 * chip and before its answer can be read.  So whatever kills the simulator, the
 * file is a state that the chip really had.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/random.h"
#include "sims/atecc/model.h"
#include "sims/atecc/vendor.h"
#include "sims/optiga/model.h"
#include "sims/panel/panel_state.h"
#include "sims/se05x/model.h"
#include "sims/stsafe/model.h"
#include "sims/ta100/model.h"

#define FORMAT         "rot-sim 1"
#define STATE_FILE_MAX 524288 /* the largest memory of a part, in hex */

static const struct sim_model *const models[] = {
    &atecc608a_model,   &atecc608b_model,   &se050_model, &se051_model,     &stsafe_a100_model,
    &stsafe_a110_model, &stsafe_a120_model, &ta100_model, &optiga_m1_model, &optiga_m3_model};

const struct sim_model *
sim_find_kind(const char *kind, const char **ret_personality)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        const char *const *p = models[i]->personalities;

        if (strcmp(kind, models[i]->name) == 0) {
            *ret_personality = p[0];
            return models[i];
        }
        for (; *p != NULL; p++) {
            if (strcmp(kind, *p) == 0) {
                *ret_personality = *p;
                return models[i];
            }
        }
    }
    return NULL;
}

/* " blank608a blank608b ...", for people who named one that is not there. */
static void
list_kinds(char *text, size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        for (const char *const *p = models[i]->personalities; *p != NULL && len < cap; p++)
            len += (size_t)snprintf(text + len, cap - len, " %s", *p);
}

/* ---- What the model asks of us ------------------------------------------------ */

static struct sim_fate
on_command(void *self)
{
    struct sim_chip *chip = self;

    chip->stats.commands++;
    return sim_rules_next(&chip->rules);
}

static void
on_stored(void *self)
{
    struct sim_chip *chip = self;

    chip->stats.nvm_writes++;
    if (chip->failed.code == RS_OK)
        (void)sim_chip_save(chip, &chip->failed);
}

static void
on_random(void *self, uint8_t *p, size_t len)
{
    struct sim_chip *chip = self;

    if (rs_random(p, len, &chip->failed) != RS_OK)
        memset(p, 0, len);
}

/* ---- Files ---------------------------------------------------------------------- */

rs_code
sim_chip_save(struct sim_chip *chip, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *object = json_object();
    char *text;
    rs_code rc;

    if (chip->path[0] == '\0')
        return RS_OK;
    if (object == NULL || json_object_set_new(object, "format", json_string(FORMAT)) != 0 ||
        json_object_set_new(object, "model", json_string(chip->model->name)) != 0 ||
        !chip->model->save(chip->state, object))
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory to save a chip");
    text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory to save a chip");
    rc = rs_file_replace(chip->path, rs_bytes_str(text), 0600, err);
    rs_wipe(text, strlen(text));
    free(text);
    return rc;
}

/* The CA of a vendor, made or read when the first of its parts is made. */
static rs_code
find_maker(struct sim_panel *panel, const char *vendor, struct sim_ca **ret_ca, struct rs_err *err)
{
    struct sim_maker *m = panel->makers;
    rs_code rc;

    while (m != NULL && strcmp(m->vendor, vendor) != 0)
        m = m->next;
    if (m == NULL) {
        m = calloc(1, sizeof(*m));
        if (m == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a maker");
        rc = sim_ca_open(panel->options.state_dir, vendor, &m->ca, err);
        if (rc != RS_OK) {
            free(m);
            return rc;
        }
        m->vendor = vendor;
        m->next = panel->makers;
        panel->makers = m;
    }
    *ret_ca = m->ca;
    return RS_OK;
}

static rs_code
make_new(struct sim_chip *chip, struct rs_err *err)
{
    struct sim_panel *panel = chip->bus->panel;
    struct sim_create how = {.personality = chip->personality};
    rs_code rc = rs_random(how.unique, sizeof(how.unique), err);

    if (rc == RS_OK && chip->personality[0] == 't' && panel->vendor == NULL) {
        panel->vendor = calloc(1, sizeof(*panel->vendor));
        if (panel->vendor == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for the vendor's keys");
        rc = sim_vendor_open(panel->options.state_dir, panel->vendor, err);
        if (rc != RS_OK) {
            free(panel->vendor);
            panel->vendor = NULL;
        }
    }
    if (rc == RS_OK && chip->model->vendor != NULL)
        rc = find_maker(panel, chip->model->vendor, &how.ca, err);
    if (rc != RS_OK)
        return rc;
    how.vendor = panel->vendor;
    rc = chip->model->create(chip->state, &chip->host, &how, err);
    if (rc != RS_OK)
        return rc;
    chip->loaded = 1;
    return sim_chip_save(chip, err);
}

static rs_code
load_old(struct sim_chip *chip, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_json_done) json_t *object = NULL;
    rs_code rc;

    rs_buf_init(&text, STATE_FILE_MAX);
    text.secret = 1;
    rc = rs_file_read(chip->path, STATE_FILE_MAX, &text, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&text), &object, err);
    if (rc != RS_OK)
        return rc;
    if (strcmp(rs_json_text_or(object, "format", ""), FORMAT) != 0 ||
        strcmp(rs_json_text_or(object, "model", ""), chip->model->name) != 0)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s is not a %s of format %s",
                       chip->path, chip->model->name, FORMAT);
    rc = chip->model->load(chip->state, &chip->host, object, err);
    if (rc == RS_OK)
        chip->loaded = 1;
    return rc;
}

static void
start_timing(struct sim_chip *chip)
{
    const struct sim_panel_options *options = &chip->bus->panel->options;
    struct sim_timing timing = {.busy_us = options->busy_us};

    if (options->real_time)
        timing = (struct sim_timing){.typical_permille = SIM_TYPICAL_PERMILLE};
    chip->model->set_timing(chip->state, &timing);
}

rs_code
sim_chip_start(struct sim_chip *chip, const char *kind, struct rs_err *err)
{
    const char *personality;
    char kinds[160];
    rs_code rc;

    chip->model = sim_find_kind(kind, &personality);
    if (chip->model == NULL) {
        list_kinds(kinds, sizeof(kinds));
        return rs_fail(err, RS_E_USAGE, "simulator: no chip of kind %.40s; there are%s", kind,
                       kinds);
    }
    (void)snprintf(chip->personality, sizeof(chip->personality), "%s", personality);
    chip->host = (struct sim_host){chip, on_command, on_stored, on_random};
    chip->state = calloc(1, chip->model->state_size);
    if (chip->state == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a chip");
    if (chip->path[0] != '\0' && rs_path_exists(chip->path))
        rc = load_old(chip, err);
    else
        rc = make_new(chip, err);
    if (rc == RS_OK)
        start_timing(chip);
    return rc;
}

void
sim_chip_stop(struct sim_chip *chip)
{
    if (chip->loaded)
        chip->model->done(chip->state);
    chip->loaded = 0;
    free(chip->state);
    chip->state = NULL;
}

rs_code
sim_chip_reset(struct sim_chip *chip, struct rs_err *err)
{
    rs_code rc;

    if (chip->loaded)
        chip->model->done(chip->state);
    chip->loaded = 0;
    memset(&chip->stats, 0, sizeof(chip->stats));
    (void)sim_rules_clear(&chip->rules, 0);
    chip->failed.code = RS_OK;
    rc = make_new(chip, err);
    if (rc == RS_OK)
        start_timing(chip);
    return rc;
}
