/*
 * hostile_line: runs of one family against one station's journal; see tests/prove/hostile.sh.
 *
 *   hostile_line makers DIR
 *   hostile_line run --home DIR --makers DIR --order NAME --kind KIND --model MODEL
 *       --variant on|off --name PREFIX --seed N --first N --count N [--length N] [--secrets FILE]
 *       [--trace FILE]
 *
 * --length: transactions of a whole recipe, so that places in it are the same each time; what a
 * server puts into a certificate changes it by a few.
 *
 * Standard output has one JSON object a line: what was learned first, then each run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "run.h"

#define POST_EVERY 64

struct options {
    const char *home, *makers, *order, *kind, *model, *variant, *name, *secrets, *trace;
    uint64_t seed, first, count, length;
};

static void
stop(const char *what, const char *why)
{
    (void)fprintf(stderr, "hostile_line: %s: %s\n", what, why);
    exit(2);
}

static void
read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **text;
        uint64_t *number;
    } rows[] = {{"--home", &o->home, NULL},    {"--makers", &o->makers, NULL},
                {"--order", &o->order, NULL},  {"--kind", &o->kind, NULL},
                {"--model", &o->model, NULL},  {"--variant", &o->variant, NULL},
                {"--name", &o->name, NULL},    {"--secrets", &o->secrets, NULL},
                {"--trace", &o->trace, NULL},  {"--seed", NULL, &o->seed},
                {"--first", NULL, &o->first},  {"--count", NULL, &o->count},
                {"--length", NULL, &o->length}};

    for (int i = 2; i + 1 < argc; i += 2) {
        size_t n = 0;

        while (n < sizeof(rows) / sizeof(rows[0]) && strcmp(rows[n].name, argv[i]) != 0)
            n++;
        if (n == sizeof(rows) / sizeof(rows[0]))
            stop(argv[i], "no such option");
        if (rows[n].text != NULL)
            *rows[n].text = argv[i + 1];
        else
            *rows[n].number = strtoull(argv[i + 1], NULL, 10);
    }
    if (o->home == NULL || o->makers == NULL || o->order == NULL || o->kind == NULL ||
        o->model == NULL || o->variant == NULL || o->name == NULL)
        stop("options", "one is missing");
}

/* The master that the station made when it enrolled. */
static int
read_master(const char *home, uint8_t master[32])
{
    char path[600];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/channel.secret", home);
    f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    n = fread(master, 1, 32, f);
    (void)fclose(f);
    return n == 32;
}

/* ---- What is said of a run ---------------------------------------------------------------- */

static void
say(json_t *j)
{
    if (j == NULL || json_dumpf(j, stdout, JSON_COMPACT) != 0)
        stop("result", "no memory");
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(j);
}

static json_t *
board_json(const struct run_board *b)
{
    const struct line_end *last = &b->ends[b->end_count - 1];
    json_t *ends = json_array();
    uint8_t hash[32];
    char hex[65] = "";

    for (unsigned i = 0; i < b->end_count; i++)
        (void)json_array_append_new(ends,
                                    json_pack("[s, s, s, s, s]", b->ends[i].state, b->ends[i].code,
                                              b->ends[i].step, b->ends[i].text, b->ends[i].again));
    if (last->cert_len > 0) {
        SHA256(last->cert, last->cert_len, hash);
        for (size_t i = 0; i < sizeof(hash); i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:i, s:b}", "label", b->label, "ends",
                     ends, "uid", last->uid, "cert", hex, "key", b->key, "verdict",
                     judge_names[b->verdict], "why", b->why, "hits", (int)b->hits, "identity_used",
                     last->identity_used);
}

static json_t *
run_json(const struct run *run)
{
    json_t *boards = json_array(), *problems = json_array(), *kinds = json_array();
    char text[PLAN_TEXT];

    for (unsigned i = 0; i < run->board_count; i++)
        (void)json_array_append_new(boards, board_json(&run->boards[i]));
    for (unsigned i = 0; i < run->problem_count; i++)
        (void)json_array_append_new(problems, json_string(run->problems[i]));
    for (unsigned i = 0; i < run->plan.fault_count[0]; i++)
        (void)json_array_append_new(kinds,
                                    json_string(bus_kind_names[run->plan.faults[0][i].kind]));
    plan_text(&run->plan, text);
    return json_pack("{s:I, s:s, s:o, s:o, s:o, s:{s:i, s:b, s:b, s:b, s:b, s:b, s:b}}", "run",
                     (json_int_t)run->number, "plan", text, "kinds", kinds, "boards", boards,
                     "problems", problems, "swap", "other", (int)run->plan.other, "happened",
                     run->swap.happened, "known", run->swap.was_known[0] || run->swap.was_known[1],
                     "back", run->swap.is_back, "effect", run->swap.had_effect, "noticed",
                     run->swap.noticed, "stays", run->plan.stays);
}

/* ---- The whole -------------------------------------------------------------------------------- */

static FILE *
open_file(const char *path)
{
    FILE *f = path != NULL ? fopen(path, "a") : NULL;

    if (path != NULL && f == NULL)
        stop(path, "cannot be written");
    return f;
}

static void
learn(struct run_line *at, const struct options *o)
{
    char label[64], why[JUDGE_TEXT];

    (void)snprintf(label, sizeof(label), "%s-%llu-like", o->name, (unsigned long long)o->first);
    if (!run_learn(at, label, why))
        stop(label, why);
    say(json_pack("{s:s, s:i}", "learned", label, "transactions", (int)at->length));
    if (o->length > 0)
        at->length = (unsigned)o->length;
}

static void
run_all(const struct options *o)
{
    struct line_config config = {o->home, o->order, strcmp(o->variant, "on") == 0};
    struct run_line at = {.model = o->model, .seed = o->seed};
    uint8_t master[32];
    struct run *run = malloc(sizeof(*run));
    FILE *trace = open_file(o->trace);

    if (run == NULL || (config.production && !read_master(o->home, master)))
        stop(o->home, "no channel secret");
    at.secrets = open_file(o->secrets);
    at.judge = judge_new(o->model, config.production ? master : NULL);
    if (at.judge == NULL)
        stop(o->model, "no such model");
    at.line = line_open(&config);
    for (size_t i = 0; i < line_cas(at.line); i++) {
        size_t len;
        const uint8_t *der = line_ca(at.line, i, &len);
        judge_add_ca(at.judge, der, len);
    }
    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        at.parts[i] = far_new_from(o->kind, o->makers);
        line_bus(at.line, i)->trace = trace;
    }
    learn(&at, o);
    for (uint64_t n = o->first; n < o->first + o->count; n++) {
        run_do(run, &at, o->name, n);
        say(run_json(run));
        if (n % POST_EVERY == 0)
            (void)line_post(at.line);
    }
    if (!line_post(at.line))
        stop("reports", "the server does not take them");
    for (unsigned i = 0; i < LINE_FIXTURES; i++)
        far_free(at.parts[i]);
    line_close(at.line);
    judge_free(at.judge);
    if (trace != NULL)
        (void)fclose(trace);
    if (at.secrets != NULL)
        (void)fclose(at.secrets);
    free(run);
}

int
main(int argc, char **argv)
{
    struct options o = {.seed = 1, .count = 1};

    if (argc == 3 && strcmp(argv[1], "makers") == 0) {
        far_free(far_new_from("blank608b", argv[2]));
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "run") != 0)
        stop("usage", "hostile_line makers DIR | run OPTIONS");
    read_options(argc, argv, &o);
    chance_take_over();
    run_all(&o);
    return 0;
}
