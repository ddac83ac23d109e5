/*
 * run.c: `run`: boards in, results out.
 *
 * Boards come from a list (--boards), one name (--serial), or scans at the
 * keyboard.  A board from a list that gets AGAIN is tried again by itself, as
 * nobody is there to press it down.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

#define LINE_MAX_CHARS 1024
#define FLUSH_S        5

static volatile sig_atomic_t interrupted;

static void
on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

struct feed {
    struct station *st;
    const struct options *o;
    FILE *in;
    int is_over;
    int worst; /* exit code so far */
};

/* ---- Boards in ---------------------------------------------------------------------- */

int
board_read(char *line, struct station_board *b)
{
    char *words[3] = {NULL}, *rest = line, *save = NULL;
    size_t n = 0;

    memset(b, 0, sizeof(*b));
    while (n < 3 && (words[n] = strtok_r(rest, " \t\r\n", &save)) != NULL) {
        rest = NULL;
        n++;
    }
    if (n == 0 || words[0][0] == '#')
        return 0;
    if (n == 1) {
        (void)snprintf(b->device, sizeof(b->device), "%s", words[0]);
        return 1;
    }
    if (strcmp(words[0], "-") != 0)
        (void)snprintf(b->fixture, sizeof(b->fixture), "%s", words[0]);
    (void)snprintf(b->device, sizeof(b->device), "%s", words[1]);
    if (n == 3)
        (void)snprintf(b->chip, sizeof(b->chip), "%s", words[2]);
    return 1;
}

static void
put_board(struct feed *f, const struct station_board *b)
{
    struct rs_err err = {0};

    if (station_put(f->st, b, NULL, &err) == RS_OK)
        return;
    if (failure_find(err.code)->tile == TILE_STOP && err.code != RS_E_USAGE)
        return; /* the line stopped: said there */
    f->worst = f->worst > 1 ? f->worst : program_refuse(f->o, b->device, &err);
}

static void
feed_all(struct feed *f)
{
    char line[LINE_MAX_CHARS];
    struct station_board b;

    if (f->o->serial != NULL) {
        memset(&b, 0, sizeof(b));
        (void)snprintf(b.device, sizeof(b.device), "%s", f->o->serial);
        put_board(f, &b);
        return;
    }
    while (!interrupted && f->in != NULL && fgets(line, sizeof(line), f->in) != NULL) {
        if (!board_read(line, &b))
            continue;
        put_board(f, &b);
        if (f->o->once)
            return;
    }
}

/* ---- The end -------------------------------------------------------------------------- */

static int
exit_code(const struct feed *f, const struct station_view *v)
{
    if (v->stopped_by != RS_OK)
        return EXIT_LINE_STOP;
    if (interrupted)
        return EXIT_INTERRUPTED;
    if (f->worst != 0)
        return f->worst;
    if (v->rejected + v->scrapped > 0)
        return EXIT_REFUSED;
    /* Tries that were followed by a result do not count: a board in AGAIN is what is left. */
    for (size_t i = 0; i < v->tile_count; i++) {
        if (v->tiles[i].tile == TILE_AGAIN)
            return EXIT_AGAIN;
        if (v->tiles[i].tile == TILE_OFF && !v->tiles[i].is_gone)
            return EXIT_REFUSED;
        if (v->tiles[i].tile == TILE_READY && v->tiles[i].code[0] != '\0')
            return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static void
put_summary(const struct options *o, const struct station_view *v)
{
    if (o->json || o->ui == UI_NONE)
        return;
    if (v->stopped_by != RS_OK)
        (void)printf("STOP  %s\n      %s\n      code %s\n", failure_find(v->stopped_by)->operator_,
                     v->stop_text, rs_code_info(v->stopped_by)->name);
    (void)printf("%llu good, %llu rejected, %llu scrapped", (unsigned long long)v->passed,
                 (unsigned long long)v->rejected, (unsigned long long)v->scrapped);
    if (v->unsent > 0)
        (void)printf("; %zu reports wait for the server", v->unsent);
    (void)printf("\n");
}

/* ---- Views ------------------------------------------------------------------------------ */

static void
json_on_event(void *arg, const char *json)
{
    (void)arg;
    (void)puts(json);
    (void)fflush(stdout);
}

static int
feed_is_over(void *arg)
{
    struct feed *f = arg;

    return interrupted || (f->is_over && station_is_idle(f->st));
}

static void
wait_plain(struct feed *f)
{
    struct station_view v;

    while (!feed_is_over(f)) {
        station_look(f->st, &v);
        if (v.stopped_by != RS_OK)
            break;
        rs_sleep_us(20000);
    }
    if (interrupted)
        station_interrupt(f->st);
}

static int
run_line(struct feed *f, const struct home *home, enum ui ui)
{
    int scans = f->in == NULL && f->o->serial == NULL;
    struct rs_err err = {0};
    struct station_view v;

    if (station_start(f->st, &err) != RS_OK)
        return program_refuse(f->o, "Not started", &err);
    if (ui == UI_FULL) {
        if (!scans)
            feed_all(f);
        f->is_over = !scans;
        full_run(f->st, home->name, scans, feed_is_over, f);
    } else {
        if (scans)
            f->in = stdin;
        feed_all(f);
        f->is_over = 1;
        wait_plain(f);
    }
    station_finish(f->st);
    station_flush(f->st, FLUSH_S);
    station_look(f->st, &v);
    put_summary(f->o, &v);
    return exit_code(f, &v);
}

static FILE *
open_boards(const struct options *o, struct rs_err *err)
{
    FILE *in;

    if (o->boards == NULL || strcmp(o->boards, "-") == 0)
        return o->boards == NULL ? NULL : stdin;
    in = fopen(o->boards, "re"); /* lint: clock: may be a pipe from the line */
    if (in == NULL)
        (void)rs_fail_errno(err, RS_E_USAGE, "%s cannot be read", o->boards);
    return in;
}

static rs_code
confirm(const struct options *o, struct station *st, struct rs_err *err)
{
    static struct station_view v;

    station_look(st, &v);
    return confirm_orders(o, &v, err);
}

/* Everything is read and open: run it to its end. */
static int
run_with(const struct options *o, const struct home *home, const struct nest_file *nests)
{
    struct feed f = {.o = o};
    enum ui ui = o->json                   ? UI_NONE
                 : o->ui != UI_AUTO        ? o->ui
                 : full_fits() && !o->once ? UI_FULL
                                           : UI_PLAIN;
    int by_itself = o->boards != NULL || o->serial != NULL || !isatty(STDIN_FILENO);
    struct station_config config = {.order_count = o->order_count,
                                    .nests = nests,
                                    .wait_s = o->wait_s,
                                    .est = o->est,
                                    .channel_secret = o->channel_secret,
                                    .channel_out = o->channel_out,
                                    .firmware_key = o->firmware_key,
                                    .vendor_roots = o->vendor_roots.items,
                                    .vendor_root_count = o->vendor_roots.count,
                                    .production = o->production,
                                    .tries = by_itself && !o->once ? STATION_TRIES : 1};
    struct rs_err err = {0};
    int code;

    memcpy(config.orders, o->orders, sizeof(config.orders));
    if (o->json)
        config.listener.on_event = json_on_event;
    else if (ui == UI_PLAIN)
        config.listener.on_end = plain_on_end;
    f.in = open_boards(o, &err);
    if (err.code == RS_OK && o->dry_run) {
        code = dry_run(o, home, nests, f.in);
        if (f.in != NULL && f.in != stdin)
            (void)fclose(f.in);
        return code;
    }
    if (err.code == RS_OK)
        err.code = station_open(home, &config, &f.st, &err);
    if (err.code == RS_OK)
        err.code = confirm(o, f.st, &err);
    if (err.code == RS_OK) {
        code = run_line(&f, home, ui);
    } else {
        code = program_refuse(o, "Not started", &err);
        if (o->once && code == EXIT_REFUSED)
            code = EXIT_LINE_STOP;
    }
    station_close(f.st);
    if (f.in != NULL && f.in != stdin)
        (void)fclose(f.in);
    return code;
}

int
program_run(const struct options *o)
{
    static struct nest_file nests;
    struct home home;
    struct options full;
    int code;
    RS_AUTO(rs_arena_done) struct rs_arena arena = {0};

    rs_arena_init(&arena, 1u << 20);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    code = options_complete(o, "Not started", &home, &arena, &full);
    if (code == EXIT_DONE)
        code = options_nests(&full, "Not started", &nests);
    return code == EXIT_DONE ? run_with(&full, &home, &nests) : code;
}
