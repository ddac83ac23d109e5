/*
 * fixtures.c: `fixtures check`: adapters, nests, and what is in them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "program.h"
#include "station/survey.h"

#define EXIT_NO  3
#define TEXT_MAX 16384

static const char *
sign(int good)
{
    if (good)
        return terminal_is_utf8() ? "✓" : "ok";
    return terminal_is_utf8() ? "✗" : "x ";
}

static void
put_place(const struct adapter *a, char *out, size_t cap)
{
    char mux[16] = "";

    if (a->mux == MUX_OURS)
        (void)snprintf(mux, sizeof(mux), ", mux 0x%02x", a->mux_address);
    else if (a->mux == MUX_KERNEL)
        (void)snprintf(mux, sizeof(mux), ", kernel mux");
    if (a->kind == ADAPTER_USB)
        (void)snprintf(out, cap, "USB %s%s", a->usb, mux);
    else if (a->kind == ADAPTER_BUS)
        (void)snprintf(out, cap, "i2c-%u%s", a->bus, mux);
    else
        (void)snprintf(out, cap, "simulator %s%s", a->sim, mux);
}

/* ---- For people ------------------------------------------------------------------ */

static void
draw_adapters(const struct survey *s)
{
    char place[NEST_PATH_MAX + 40];

    if (s->file->adapter_count > 0)
        (void)printf("ADAPTER\n");
    for (size_t i = 0; i < s->file->adapter_count; i++) {
        int good = s->adapters[i].code == RS_OK;
        put_place(&s->file->adapters[i], place, sizeof(place));
        (void)printf("  %s %-10s %s%s%s\n", sign(good), s->file->adapters[i].name, place,
                     good ? "" : "   ", good ? "" : s->adapters[i].text);
    }
}

/* What is in a nest, its part left out where the column before says it. */
static const char *
in_it(const struct survey_nest *n)
{
    if (n->is_skipped)
        return "made with the first board";
    if (n->err.code != RS_OK)
        return n->err.text;
    return n->what.kind == REEL_EMPTY ? "empty" : n->what.text;
}

static void
draw_nest(const struct survey *s, size_t i)
{
    const struct survey_nest *n = &s->nests[i];
    const struct nest *nest = &s->file->nests[i];
    char place[NEST_PATH_MAX], uid[2 * ROT_UID_MAX + 1];

    nests_place(s->file, nest, place);
    (void)printf("  %s %-5s %-9s %s%s\n", sign(n->state == NEST_READY), nest->name, place, in_it(n),
                 nest->is_reference ? " (reference)" : "");
    if (n->is_skipped || n->err.code != RS_OK || n->what.kind == REEL_EMPTY)
        return;
    rs_hex(rs_bytes_of(n->what.id.uid, n->what.id.uid_len), uid, sizeof(uid));
    (void)printf("%20s%s\n%20s%s%s%lld ms\n", "", n->what.todo, "", uid,
                 uid[0] != '\0' ? "   " : "", (long long)n->took_ms);
}

static void
draw(const struct survey *s)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;

    draw_adapters(s);
    (void)printf("NEST\n");
    for (size_t i = 0; i < s->file->nest_count; i++)
        draw_nest(s, i);
    rs_buf_init(&text, TEXT_MAX);
    survey_text(s, &text);
    (void)printf("%.*s\n", (int)text.len, (const char *)text.p);
}

/* ---- For programs ---------------------------------------------------------------- */

static json_t *
json_adapter(const struct survey *s, size_t i)
{
    char place[NEST_PATH_MAX + 40];

    put_place(&s->file->adapters[i], place, sizeof(place));
    return json_pack("{s:s, s:s, s:s, s:s}", "name", s->file->adapters[i].name, "place", place,
                     "state", s->adapters[i].code == RS_OK ? "ready" : "missing", "detail",
                     s->adapters[i].text);
}

static json_t *
json_nest(const struct survey *s, size_t i)
{
    const struct survey_nest *n = &s->nests[i];
    const struct nest *nest = &s->file->nests[i];
    const char *code = n->err.code != RS_OK ? rs_code_info(n->err.code)->name : "";
    char place[NEST_PATH_MAX], uid[2 * ROT_UID_MAX + 1], address[8] = "";

    nests_place(s->file, nest, place);
    rs_hex(rs_bytes_of(n->what.id.uid, n->what.id.uid_len), uid, sizeof(uid));
    if (n->what.address != 0)
        (void)snprintf(address, sizeof(address), "0x%02x", n->what.address);
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}",
                     "name", nest->name, "place", place, "part", nest->part, "reference",
                     nest->is_reference, "state", nest_state_name(n->state), "what",
                     n->is_skipped || n->state == NEST_MISSING ? "" : reel_name(n->what.kind),
                     "model", n->what.id.model, "uid", uid, "address", address, "device",
                     n->what.device, "detail", n->err.code != RS_OK ? n->err.text : n->what.text,
                     "todo", n->what.todo, "code", code, "took_ms", (json_int_t)n->took_ms);
}

static void
print_json(const struct survey *s)
{
    json_t *adapters = json_array(), *nests = json_array();
    RS_AUTO(rs_json_done) json_t *j = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf text, out;

    rs_buf_init(&text, TEXT_MAX);
    rs_buf_init(&out, 4 * TEXT_MAX);
    for (size_t i = 0; i < s->file->adapter_count; i++)
        (void)json_array_append_new(adapters, json_adapter(s, i));
    for (size_t i = 0; i < s->file->nest_count; i++)
        (void)json_array_append_new(nests, json_nest(s, i));
    survey_text(s, &text);
    rs_buf_put_u8(&text, 0);
    j = json_pack("{s:s, s:o, s:o, s:I, s:s}", "kind", "fixtures", "adapters", adapters, "nests",
                  nests, "ready", (json_int_t)s->ready, "text",
                  rs_buf_ok(&text) ? (const char *)text.p : "");
    rs_json_put(&out, j);
    (void)printf("%.*s\n", (int)out.len, (const char *)out.p);
}

/* ---- The verb -------------------------------------------------------------------- */

struct look {
    struct wires wires;
    struct survey survey;
};

int
fixtures_look(const struct options *o, const struct nest_file *nests)
{
    struct look *look = calloc(1, sizeof(*look));
    struct rs_err err = {0};
    rs_code rc = RS_E_NO_MEMORY;
    int code;

    if (look != NULL) {
        wires_init(&look->wires, nests);
        rc = survey_take(&look->wires, o->channel_secret, o->verbose, &look->survey, &err);
        wires_done(&look->wires);
    }
    if (rc != RS_OK) {
        free(look);
        (void)rs_fail(&err, rc, "fixtures: no memory");
        return program_refuse(o, "Not looked at", &err);
    }
    if (o->json)
        print_json(&look->survey);
    else
        draw(&look->survey);
    code = look->survey.ready == nests->nest_count ? EXIT_DONE : EXIT_NO;
    free(look);
    return code;
}

int
program_fixtures(const struct options *o)
{
    static struct nest_file nests;
    char secret[HOME_PATH_MAX + 32];
    struct options full = *o;
    struct rs_err err = {0};
    int code = options_nests(o, "Not looked at", &nests);

    if (code != EXIT_DONE)
        return code;
    if (nests.nest_count == 0) {
        (void)rs_fail(&err, RS_E_USAGE, "there is no fixtures.yaml in %.120s; --fixtures FILE",
                      o->data);
        return program_refuse(o, "Not looked at", &err);
    }
    /* No station need be enrolled for this. */
    (void)snprintf(secret, sizeof(secret), "%s/channel.secret", o->data);
    if (full.channel_secret == NULL && rs_path_exists(secret))
        full.channel_secret = secret;
    return fixtures_look(&full, &nests);
}
