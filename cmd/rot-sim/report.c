/*
 * report.c: what each chip of a panel did, by its own clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "rot_sim.h"

static double
ms_of(const json_t *stats, const char *name)
{
    return (double)json_integer_value(json_object_get(stats, name)) / 1000.0;
}

static void
print_stats(FILE *out, const json_t *stats, int json)
{
    char *text;

    if (json) {
        text = json_dumps(stats, JSON_COMPACT);
        (void)fprintf(out, "%s\n", text == NULL ? "{}" : text);
        free(text);
        return;
    }
    (void)fprintf(out, "  %-24s %6lld commands  %7lld bus bytes  %8.1f ms chip  %8.1f ms bus\n",
                  json_string_value(json_object_get(stats, "chip")),
                  (long long)json_integer_value(json_object_get(stats, "commands")),
                  (long long)json_integer_value(json_object_get(stats, "bus_bytes")),
                  ms_of(stats, "chip_time_us"), ms_of(stats, "bus_time_us"));
}

json_t *
panel_stats(struct sim_panel *panel)
{
    RS_AUTO(rs_json_done) json_t *request = json_pack("{s:s}", "do", "list");
    RS_AUTO(rs_json_done) json_t *list = NULL;
    json_t *all = json_array(), *chip;
    size_t i;

    if (request == NULL || sim_panel_control(panel, request, "", &list, NULL) != RS_OK)
        return all;
    json_array_foreach(json_object_get(list, "chips"), i, chip)
    {
        RS_AUTO(rs_json_done) json_t *ask =
            json_pack("{s:s, s:O}", "do", "stats", "chip", json_object_get(chip, "chip"));
        json_t *stats = NULL;

        if (ask != NULL && sim_panel_control(panel, ask, "", &stats, NULL) == RS_OK)
            (void)json_array_append_new(all, stats);
    }
    return all;
}

void
say_done(struct sim_panel *panel, FILE *out, int json)
{
    RS_AUTO(rs_json_done) json_t *all = panel_stats(panel);
    json_t *stats;
    size_t i;

    json_array_foreach(all, i, stats)
    {
        print_stats(out, stats, json);
    }
}
