/*
 * shift.c: `shift start`: every nest is shown a golden and a known-bad board.
 *
 * One board goes from nest to nest, so all nests see the golden one first.  What is in a
 * nest is said by scanning the board's label, or by Enter when it is the one that was asked for; a
 * line with the nest's name before it may come in any order, for lines without people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

#define LINE_MAX_CHARS 1024
#define WORDS_MAX      3

/* What one nest has shown so far in this run. */
struct shown {
    int golden, bad;
};

struct shift {
    struct station *st;
    const struct options *o;
    const struct nest_file *nests;
    struct shown shown[NESTS_MAX];
    FILE *in;
    int is_tty; /* there is somebody to ask */
};

static const char *
sign(int good)
{
    if (good)
        return terminal_is_utf8() ? "✓" : "ok";
    return terminal_is_utf8() ? "✗" : "x";
}

/* ---- What is to be done ---------------------------------------------------------- */

static const struct nest_reference *
find_reference(const struct nest_file *f, const char *name)
{
    for (size_t i = 0; i < f->reference_count; i++) {
        if (strcmp(f->references[i].name, name) == 0)
            return &f->references[i];
    }
    return NULL;
}

static int
find_nest(const struct nest_file *f, const char *name)
{
    for (size_t i = 0; i < f->nest_count; i++) {
        if (strcmp(f->nests[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static int
is_missing(const struct shift *s, size_t nest)
{
    struct station_view *v = calloc(1, sizeof(*v));
    int missing;

    if (v == NULL)
        return 0;
    station_look(s->st, v);
    missing = v->tiles[nest].is_gone;
    free(v);
    return missing;
}

static int
is_done(const struct shift *s, size_t nest, int golden)
{
    return golden ? s->shown[nest].golden : s->shown[nest].bad;
}

/* The first of that kind that goes from nest to nest and fits. */
static const struct nest_reference *
proposal(const struct shift *s, size_t nest, int golden)
{
    for (size_t i = 0; i < s->nests->reference_count; i++) {
        const struct nest_reference *r = &s->nests->references[i];
        if (r->is_golden == golden && r->nest[0] == '\0' &&
            nests_reference_fits(r, &s->nests->nests[nest]))
            return r;
    }
    return NULL;
}

/* The next nest and board for somebody's hands; 0: there is nothing left. */
static int
find_next(const struct shift *s, size_t *ret_nest, const struct nest_reference **ret_board)
{
    for (int golden = 1; golden >= 0; golden--) {
        for (size_t i = 0; i < s->nests->nest_count; i++) {
            if (s->nests->nests[i].is_reference || is_done(s, i, golden) || is_missing(s, i))
                continue;
            *ret_nest = i;
            *ret_board = proposal(s, i, golden);
            if (*ret_board != NULL)
                return 1;
        }
    }
    return 0;
}

/* ---- Showing --------------------------------------------------------------------- */

static void
on_end(void *arg, const struct station_end *end)
{
    struct shift *s = arg;
    int nest = find_nest(s->nests, end->fixture);
    const struct nest_reference *r = find_reference(s->nests, end->device);
    int good = strcmp(end->state, "checked") == 0;

    if (nest < 0 || r == NULL)
        return;
    if (r->is_golden)
        s->shown[nest].golden = good;
    else
        s->shown[nest].bad = good;
    if (s->o->json)
        return;
    if (good && r->is_golden)
        (void)printf(
            "  %s nest %-4s %s passed: its certificate, and a challenge answered, %lld ms\n",
            sign(1), end->fixture, r->name, (long long)end->took_ms);
    else if (good)
        (void)printf("  %s nest %-4s %s refused, as it must be: %s, %lld ms\n", sign(1),
                     end->fixture, r->name, r->defect, (long long)end->took_ms);
    else
        (void)printf("  %s nest %-4s %s: %s\n", sign(0), end->fixture, r->name,
                     end->result->err.text);
    (void)fflush(stdout);
}

static void
on_event(void *arg, const char *json)
{
    (void)arg;
    (void)puts(json);
    (void)fflush(stdout);
}

static void
show(struct shift *s, const char *nest, const char *board, const char *chip)
{
    struct station_board b = {.fixture = ""};
    struct rs_err err = {0};

    (void)snprintf(b.fixture, sizeof(b.fixture), "%s", nest);
    (void)snprintf(b.device, sizeof(b.device), "%s", board);
    (void)snprintf(b.chip, sizeof(b.chip), "%s", chip);
    if (station_put(s->st, &b, NULL, &err) != RS_OK) {
        (void)fprintf(stderr, "  %s nest %-4s %s\n", sign(0), nest, err.text);
        return;
    }
    while (!station_is_idle(s->st))
        rs_sleep_us(5000);
}

/* Boards that stay in nests of their own need no hands. */
static void
show_resident(struct shift *s)
{
    for (size_t i = 0; i < s->nests->reference_count; i++) {
        const struct nest_reference *r = &s->nests->references[i];
        if (r->nest[0] != '\0')
            show(s, r->nest, r->name, "");
    }
}

/* ---- Hands ----------------------------------------------------------------------- */

/* "" | BOARD | NEST BOARD [CHIP], where a nest and a board were asked for.  0: not understood. */
static int
take_line(struct shift *s, char *line, size_t nest, const struct nest_reference *board)
{
    char *words[WORDS_MAX] = {NULL}, *rest = line, *save = NULL;
    size_t n = 0;

    while (n < WORDS_MAX && (words[n] = strtok_r(rest, " \t\r\n", &save)) != NULL) {
        rest = NULL;
        n++;
    }
    if (n > 0 && words[0][0] == '#')
        return 1;
    if (n == 0)
        show(s, s->nests->nests[nest].name, board->name, "");
    else if (n == 1 && find_reference(s->nests, words[0]) != NULL)
        show(s, s->nests->nests[nest].name, words[0], "");
    else if (n > 1 && find_reference(s->nests, words[1]) != NULL)
        show(s, words[0], words[1], n > 2 ? words[2] : "");
    else
        return 0;
    return 1;
}

static void
work(struct shift *s)
{
    const struct nest_reference *board = NULL;
    char line[LINE_MAX_CHARS];
    size_t nest = 0;

    show_resident(s);
    while (find_next(s, &nest, &board)) {
        if (s->is_tty) {
            (void)fprintf(stderr, "  nest %s: put in %s (%s%s) and scan it, or press Enter: ",
                          s->nests->nests[nest].name, board->name,
                          board->is_golden ? "golden" : "known bad: ", board->defect);
            (void)fflush(stderr);
        }
        if (s->in == NULL || fgets(line, sizeof(line), s->in) == NULL)
            return;
        if (!take_line(s, line, nest, board))
            (void)fprintf(stderr, "  %s that is none of the reference boards\n", sign(0));
    }
}

/* ---- The verb -------------------------------------------------------------------- */

static int
say_end(struct shift *s)
{
    char text[240];
    struct rs_err err = {0};
    size_t missing = 0;

    for (size_t i = 0; i < s->nests->nest_count; i++) {
        if (!s->nests->nests[i].is_reference && is_missing(s, i)) {
            (void)fprintf(stderr, "  ! nest %s is not there: rootsmith-station fixtures check\n",
                          s->nests->nests[i].name);
            missing++;
        }
        if (s->nests->nests[i].is_reference || is_missing(s, i) ||
            (s->shown[i].golden && s->shown[i].bad))
            continue;
        (void)snprintf(text, sizeof(text), "nest %s has not shown that it tells good from bad",
                       s->nests->nests[i].name);
        (void)rs_fail(&err, RS_E_FIXTURE_UNCHECKED, "%s", text);
    }
    if (err.code != RS_OK)
        return program_refuse(s->o, "Not ready", &err);
    if (!s->o->json)
        (void)printf("%s nests are checked for %lld h.\n\nNext\n  rootsmith-station run\n",
                     missing == 0 ? "All" : "The other", (long long)(s->nests->every_s / 3600));
    return EXIT_DONE;
}

static int
run(struct shift *s, const struct home *home)
{
    struct station_config config = {.nests = s->nests,
                                    .only_check = 1,
                                    .wait_s = s->o->wait_s,
                                    .channel_secret = s->o->channel_secret,
                                    .listener = {.arg = s, .on_end = on_end}};
    struct rs_err err = {0};
    int code;

    if (s->o->json)
        config.listener.on_event = on_event;
    if (station_open(home, &config, &s->st, &err) != RS_OK || station_start(s->st, &err) != RS_OK) {
        code = program_refuse(s->o, "Not started", &err);
    } else {
        work(s);
        code = say_end(s);
    }
    station_close(s->st);
    return code;
}

int
program_shift(const struct options *o)
{
    static struct nest_file nests;
    static struct shift s;
    struct home home;
    struct options full;
    struct rs_err err = {0};
    int code;
    RS_AUTO(rs_arena_done) struct rs_arena arena = {0};

    rs_arena_init(&arena, 1u << 20);
    code = options_complete(o, "Not started", &home, &arena, &full);
    if (code == EXIT_DONE)
        code = options_nests(&full, "Not started", &nests);
    if (code != EXIT_DONE)
        return code;
    if (nests.reference_count == 0)
        (void)rs_fail(&err, RS_E_USAGE, "the fixtures file names no reference boards");
    s = (struct shift){.o = &full, .nests = &nests, .in = stdin};
    if (err.code == RS_OK && o->boards != NULL && strcmp(o->boards, "-") != 0) {
        s.in = fopen(o->boards, "re"); /* lint: clock: may be a pipe from the line */
        if (s.in == NULL)
            (void)rs_fail_errno(&err, RS_E_USAGE, "%s cannot be read", o->boards);
    }
    if (err.code != RS_OK)
        return program_refuse(o, "Not started", &err);
    s.is_tty = s.in == stdin && isatty(STDIN_FILENO) && !o->json;
    code = run(&s, &home);
    if (s.in != stdin)
        (void)fclose(s.in);
    return code;
}
