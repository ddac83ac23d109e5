/*
 * survey.c: see survey.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

const char *
nest_state_name(enum nest_state state)
{
    static const char *const names[] = {"", "ready", "missing", "wrong"};

    return names[state];
}

/* A chip that is a file for each board cannot be looked at before there is one. */
static int
is_made_later(const struct nest *n)
{
    return n->adapter < 0 &&
           (strstr(n->chip, "{serial}") != NULL || strncmp(n->chip, "soft:", 5) == 0);
}

static int
is_wrong(const struct recognised *what)
{
    return what->is_stranger || what->kind == REEL_WRONG_PART || what->kind == REEL_UNKNOWN;
}

static void
look_into(struct wires *wires, const struct nest *n, const char *secret, int whose, struct wire *w,
          struct survey_nest *ret)
{
    uint64_t start_us = rs_mono_us();
    struct rs_err ignored = {0};
    rs_code rc;

    ret->state = NEST_READY;
    if (is_made_later(n)) {
        ret->is_skipped = 1;
        return;
    }
    rc = wire_open(wires, n, n->chip, secret, w, &ret->err);
    if (rc != RS_OK) {
        ret->state = rc == RS_E_CHIP_WRONG_PART ? NEST_WRONG : NEST_MISSING;
        return;
    }
    recognise(w, "", 0, whose, &ret->what);
    (void)!wire_power(w, 0, &ignored);
    wire_close(w);
    ret->state = is_wrong(&ret->what) ? NEST_WRONG : NEST_READY;
    ret->took_ms = (int64_t)(rs_mono_us() - start_us) / 1000;
}

rs_code
survey_take(struct wires *wires, const char *channel_secret, int whose, struct survey *ret_survey,
            struct rs_err *err)
{
    const struct nest_file *f = wires->file;
    struct wire *w = malloc(sizeof(*w));

    if (w == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "survey: no memory");
    memset(ret_survey, 0, sizeof(*ret_survey));
    ret_survey->file = f;
    for (size_t i = 0; i < f->adapter_count; i++)
        (void)!wires_look(wires, i, &ret_survey->adapters[i]);
    for (size_t i = 0; i < f->nest_count; i++) {
        look_into(wires, &f->nests[i], channel_secret, whose, w, &ret_survey->nests[i]);
        ret_survey->ready += ret_survey->nests[i].state == NEST_READY;
    }
    free(w);
    return RS_OK;
}

static void
put_ready(const struct survey *s, struct rs_buf *out)
{
    size_t n = 0;

    if (s->ready == s->file->nest_count) {
        rs_buf_printf(out, s->ready == 1 ? "the nest is ready" : "all %zu nests are ready",
                      s->ready);
        return;
    }
    if (s->ready == 0) {
        rs_buf_put_str(out, "no nest is ready");
        return;
    }
    rs_buf_put_str(out, s->ready == 1 ? "nest " : "nests ");
    for (size_t i = 0; i < s->file->nest_count; i++) {
        if (s->nests[i].state == NEST_READY)
            rs_buf_printf(out, "%s%s", n++ > 0 ? ", " : "", s->file->nests[i].name);
    }
    rs_buf_put_str(out, s->ready == 1 ? " is ready" : " are ready");
}

void
survey_text(const struct survey *survey, struct rs_buf *out)
{
    for (size_t i = 0; i < survey->file->nest_count; i++) {
        const struct survey_nest *n = &survey->nests[i];
        if (n->state == NEST_READY)
            continue;
        rs_buf_printf(out, "nest %s: %s; ", survey->file->nests[i].name,
                      n->err.code != RS_OK ? n->err.text : n->what.text);
    }
    put_ready(survey, out);
}
