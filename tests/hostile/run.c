/*
 * run.c: see run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "run.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ONES_MORE 3 /* times that a board in AGAIN is placed anew before this is no line any more */

/* Who works: one fixture at a time, so that a run is the same each time. */
struct stage {
    struct run *run;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned turn;
    int is_over[LINE_FIXTURES];    /* of the attempts in which boards are exchanged */
    unsigned between;              /* transactions since the exchange */
    char *memories[LINE_FIXTURES]; /* of the parts at the exchange */
    unsigned heard[LINE_FIXTURES]; /* answers until then */
};

static void problem(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
problem(struct run *run, const char *format, ...)
{
    va_list args;

    if (run->problem_count == RUN_PROBLEMS)
        return;
    va_start(args, format);
    (void)vsnprintf(run->problems[run->problem_count++], sizeof(run->problems[0]), format, args);
    va_end(args);
}

/* ---- Exchanging boards ---------------------------------------------------------------- */

static struct bus *
bus_of(const struct run *run, unsigned fixture)
{
    return line_bus(run->at->line, fixture);
}

static void
exchange(struct run *run)
{
    struct bus *a = bus_of(run, 0), *b = bus_of(run, 1);
    struct far *part = a->chip;

    a->chip = b->chip;
    b->chip = part;
    if (run->plan.keeps_power)
        return;
    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        far_power(run->at->parts[i], 0);
        far_power(run->at->parts[i], 1);
    }
}

static void
exchange_now(struct stage *s)
{
    struct run *run = s->run;

    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        s->memories[i] = far_memory(run->at->parts[i]);
        run->swap.was_known[i] =
            !s->is_over[i] && !bus_of(run, i)->is_closing && bus_of(run, i)->known != NULL;
        s->heard[i] = bus_of(run, i)->heard;
    }
    run->swap.happened = 1;
    exchange(run);
}

/* What the parts keep changed, or they are not in their places. */
static void
weigh(struct stage *s)
{
    struct run *run = s->run;
    char why[JUDGE_TEXT];

    if (!run->swap.happened || s->memories[0] == NULL)
        return;
    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        char *now = far_memory(run->at->parts[i]);
        if (!run->swap.is_back || !judge_same(run->at->judge, s->memories[i], now, why))
            run->swap.had_effect = 1;
        free(now);
        free(s->memories[i]);
        s->memories[i] = NULL;
    }
}

static void
hand_over(struct stage *s, unsigned to)
{
    if (s->is_over[to])
        return;
    s->turn = to;
    (void)pthread_cond_broadcast(&s->changed);
}

static void
wait_for_turn(struct stage *s, unsigned fixture)
{
    while (s->turn != fixture)
        (void)pthread_cond_wait(&s->changed, &s->lock);
}

static int
is_due(const struct stage *s, unsigned fixture, unsigned at)
{
    const struct plan *plan = &s->run->plan;

    if (s->run->swap.happened)
        return 0;
    if (plan->other != PLAN_IN_WORK)
        return fixture == 0 && at >= plan->swap_at;
    /* The first one waits at its place for the other, which comes to its own. */
    return fixture == 1 && at >= plan->other_at;
}

static void
gate(struct bus *b)
{
    struct stage *s = b->gate_self;
    struct run *run = s->run;
    unsigned fixture = b == bus_of(run, 0) ? 0 : 1;

    (void)pthread_mutex_lock(&s->lock);
    wait_for_turn(s, fixture);
    if (fixture == 0 && run->plan.other == PLAN_IN_WORK && !run->swap.happened &&
        b->at >= run->plan.swap_at && !s->is_over[1]) {
        hand_over(s, 1);
        wait_for_turn(s, fixture);
    }
    if (is_due(s, fixture, b->at)) {
        exchange_now(s);
        if (run->plan.other == PLAN_IN_WORK && !run->plan.other_goes_on) {
            hand_over(s, 0);
            wait_for_turn(s, fixture);
        }
    } else if (run->swap.happened && !run->swap.is_back && run->plan.back_after > 0 &&
               ++s->between > run->plan.back_after) {
        run->swap.is_back = 1;
        exchange(run);
        weigh(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- Attempts ---------------------------------------------------------------------------- */

static int
is_in_box(const struct line_end *e)
{
    return strcmp(e->state, "reject") == 0 || strcmp(e->state, "scrap") == 0;
}

static int
is_last(const struct line_end *e)
{
    return strcmp(e->state, "pass") == 0 || is_in_box(e);
}

static const struct line_end *
last_of(const struct run_board *b)
{
    return &b->ends[b->end_count - 1];
}

static unsigned
number_of(const struct run *run, const struct far *part)
{
    return part == run->at->parts[0] ? 0 : 1;
}

/* One attempt; *tries as the station counts them.  What struck is counted. */
static void
attempt(struct run *run, unsigned fixture, const struct bus_fault *faults, size_t count,
        unsigned *tries)
{
    struct run_board *b = &run->boards[fixture];
    struct line_end *e = &b->ends[b->end_count];
    struct bus *bus = bus_of(run, fixture);
    struct far *part = bus->chip;
    struct chance c = chance_of(run->at->seed, b->label, b->end_count);
    int again;

    chance_thread(&c);
    bus_begin(bus, faults, count);
    again = line_run(run->at->line, fixture, b->label, *tries, e);
    b->end_count++;
    b->hits += bus_hits(bus);
    b->part = number_of(run, part);
    for (unsigned i = 0; i < run->board_count; i++) {
        if (e->uid[0] != '\0' && strcmp(e->uid, run->uids[i]) == 0)
            b->part = i;
    }
    *tries = again ? *tries + 1 : 0;
    chance_thread(NULL);
}

static void
power_up(struct run *run, unsigned fixture)
{
    struct far *part = bus_of(run, fixture)->chip;

    if (run->plan.keeps_power)
        return;
    far_power(part, 0);
    far_power(part, 1);
}

/* Each label's own board; that is the one that passed with it, if one did, or that it was begun with. */
static void
put_right(struct run *run)
{
    unsigned crossed = run->is_crossed;

    for (unsigned i = 0; i < run->board_count; i++) {
        const struct run_board *b = &run->boards[i];
        if (b->end_count > 0 && strcmp(last_of(b)->state, "pass") == 0)
            crossed = b->part != i;
    }
    for (unsigned i = 0; i < LINE_FIXTURES; i++)
        bus_of(run, i)->chip = run->at->parts[i ^ crossed];
}

/* Nothing disturbs it any more: again as often as the line would. */
static void
finish(struct run *run, unsigned fixture, unsigned tries)
{
    struct run_board *b = &run->boards[fixture];

    for (unsigned n = 0; b->end_count == 0 || !is_last(last_of(b)); n++) {
        if (n == ONES_MORE || b->end_count == RUN_ENDS_MAX) {
            problem(run, "%s never ends: %s %s", b->label, last_of(b)->state, last_of(b)->code);
            return;
        }
        if (b->end_count > 0 && strcmp(last_of(b)->state, "label") == 0)
            put_right(run);
        power_up(run, fixture);
        attempt(run, fixture, NULL, 0, &tries);
        /* It is the other board's label, says the station: they were exchanged before they were begun. */
        if (strcmp(last_of(b)->state, "label") == 0)
            run->is_crossed = number_of(run, bus_of(run, fixture)->chip) == fixture;
    }
}

/* ---- Runs with one board ---------------------------------------------------------------------- */

static void
run_noise(struct run *run)
{
    struct run_board *b = &run->boards[0];
    unsigned tries = 0;

    for (unsigned a = 0; a < PLAN_DISTURBED && run->plan.fault_count[a] > 0; a++) {
        if (a > 0)
            power_up(run, 0);
        attempt(run, 0, run->plan.faults[a], run->plan.fault_count[a], &tries);
        if (is_last(last_of(b)))
            break;
    }
    finish(run, 0, tries);
}

/* ---- Runs with two ------------------------------------------------------------------------------ */

struct worker {
    struct stage *stage;
    unsigned fixture, tries;
};

/* The attempt in which boards are exchanged, in one fixture. */
static void *
work(void *arg)
{
    struct worker *w = arg;
    struct stage *s = w->stage;
    struct run *run = s->run;
    struct bus *bus = bus_of(run, w->fixture);

    bus->gate = gate;
    bus->gate_self = s;
    attempt(run, w->fixture, w->fixture == 0 ? run->plan.faults[0] : NULL,
            w->fixture == 0 ? run->plan.fault_count[0] : 0, &w->tries);
    bus->gate = NULL;
    (void)pthread_mutex_lock(&s->lock);
    s->is_over[w->fixture] = 1;
    /* The other one finished before its place came: its board is exchanged as it is. */
    if (run->plan.other == PLAN_IN_WORK && w->fixture == 1 && !run->swap.happened && !s->is_over[0])
        exchange_now(s);
    hand_over(s, 1 - w->fixture);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void
need_thread(int failed)
{
    if (!failed)
        return;
    (void)fprintf(stderr, "run: no thread\n");
    exit(2);
}

static int
is_stopped(const struct run_board *b, unsigned n)
{
    return b->end_count > n &&
           (strcmp(b->ends[n].state, "pass") != 0 || b->ends[n].again[0] != '\0');
}

static void
show_again(struct run *run, unsigned fixture)
{
    unsigned tries = 0;

    put_right(run);
    do {
        power_up(run, fixture);
        attempt(run, fixture, NULL, 0, &tries);
    } while (!is_last(last_of(&run->boards[fixture])) && tries > 0 &&
             run->boards[fixture].end_count < RUN_ENDS_MAX);
}

static void
run_swap(struct run *run)
{
    struct stage s = {
        .run = run, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct worker workers[LINE_FIXTURES] = {{&s, 0, 0}, {&s, 1, 0}};
    unsigned before[LINE_FIXTURES];
    pthread_t second;

    if (run->plan.other == PLAN_FINISHED)
        finish(run, 1, 0);
    for (unsigned i = 0; i < LINE_FIXTURES; i++)
        before[i] = run->boards[i].end_count;
    s.is_over[1] = run->plan.other != PLAN_IN_WORK;
    if (!s.is_over[1])
        need_thread(pthread_create(&second, NULL, work, &workers[1]));
    (void)work(&workers[0]);
    if (run->plan.other == PLAN_IN_WORK)
        (void)pthread_join(second, NULL);
    weigh(&s);
    /* A station that was not given one more answer cannot know. */
    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        if (bus_of(run, i)->heard == s.heard[i])
            run->swap.was_known[i] = 0;
    }
    run->swap.noticed =
        is_stopped(&run->boards[0], before[0]) || is_stopped(&run->boards[1], before[1]);
    if (!run->plan.stays)
        put_right(run);
    for (unsigned i = 0; i < LINE_FIXTURES; i++)
        finish(run, i, workers[i].tries);
    /* Whoever exchanged boards shows both of them again. */
    for (unsigned i = 0; i < LINE_FIXTURES && run->swap.noticed; i++) {
        if (strcmp(last_of(&run->boards[i])->state, "pass") == 0)
            show_again(run, i);
    }
}

/* ---- What became of it ----------------------------------------------------------------------------- */

static void
judge_board(struct run *run, unsigned n, char *const starts[], char *const now[])
{
    struct run_board *b = &run->boards[n];
    const struct line_end *e = last_of(b);
    struct judge_claim claim = {b->label, e->uid, e->cert, e->cert_len};
    unsigned part = b->part;

    b->verdict = judge_part(run->at->judge, starts[part], now[part], &claim, b->why);
    judge_key(run->at->judge, now[part], b->key);
    if (strcmp(e->state, "pass") == 0 && b->verdict != JUDGE_PROVISIONED)
        problem(run, "%s passed and is %s: %s", b->label, judge_names[b->verdict], b->why);
    for (unsigned i = 0; i < run->board_count; i++) {
        const struct line_end *other = last_of(&run->boards[i]);
        /* What is in the box may have a certificate that is useless without its key. */
        if (i != n && run->boards[i].part != part && !is_in_box(e) &&
            judge_holds(run->at->judge, now[part], other->cert, other->cert_len))
            problem(run, "%s is in the part of %s", run->boards[i].label, b->label);
    }
}

/* Boards that are in their places again, each whole with what is its own and nothing else. */
static int
left_nothing(const struct run *run)
{
    return run->swap.is_back && run->boards[0].verdict == JUDGE_PROVISIONED &&
           run->boards[1].verdict == JUDGE_PROVISIONED;
}

/* Whoever was known and is another part now must not pass. */
static void
judge_swap(struct run *run)
{
    struct run_swap *s = &run->swap;

    if (!s->noticed && left_nothing(run))
        s->had_effect = 0;

    if (s->happened && s->had_effect && !s->noticed && (s->was_known[0] || s->was_known[1]))
        problem(run, "the exchange was not noticed");
}

static void
judge_all(struct run *run, char *const starts[])
{
    char *now[LINE_FIXTURES] = {NULL};

    for (unsigned i = 0; i < run->board_count; i++) {
        now[i] = far_memory(run->at->parts[i]);
        if (run->at->secrets != NULL)
            judge_secrets(run->at->judge, now[i], run->at->secrets);
    }
    for (unsigned i = 0; i < run->board_count; i++)
        judge_board(run, i, starts, now);
    judge_swap(run);
    for (unsigned i = 0; i < run->board_count; i++)
        free(now[i]);
}

void
run_do(struct run *run, const struct run_line *at, const char *name, uint64_t number)
{
    char *starts[LINE_FIXTURES] = {NULL};
    struct chance c = chance_of(at->seed, name, number);

    memset(run, 0, sizeof(*run));
    run->at = at;
    run->name = name;
    run->number = number;
    plan_make(&run->plan, &c, at->length);
    run->board_count = run->plan.other == PLAN_NOBODY ? 1 : 2;
    chance_thread(&c);
    for (unsigned i = 0; i < run->board_count; i++) {
        far_reset(at->parts[i]);
        starts[i] = far_memory(at->parts[i]);
        judge_uid(at->judge, starts[i], run->uids[i]);
        bus_forget(bus_of(run, i));
        (void)snprintf(run->boards[i].label, sizeof(run->boards[i].label), "%s-%llu%s", name,
                       (unsigned long long)number, i == 0 ? "a" : "b");
    }
    chance_thread(NULL);
    put_right(run);
    if (run->plan.other == PLAN_NOBODY)
        run_noise(run);
    else
        run_swap(run);
    judge_all(run, starts);
    for (unsigned i = 0; i < run->board_count; i++)
        free(starts[i]);
}

int
run_learn(struct run_line *at, const char *label, char why[JUDGE_TEXT])
{
    struct run run = {.at = at, .board_count = 1};
    struct run_board *b = &run.boards[0];
    struct judge_claim claim = {.label = label};
    unsigned tries = 0;
    char *start, *end;
    int ok;

    (void)snprintf(b->label, sizeof(b->label), "%s", label);
    far_reset(at->parts[0]);
    start = far_memory(at->parts[0]);
    put_right(&run);
    attempt(&run, 0, NULL, 0, &tries);
    at->length = bus_of(&run, 0)->at;
    end = far_memory(at->parts[0]);
    claim.uid = b->ends[0].uid;
    claim.cert = b->ends[0].cert;
    claim.cert_len = b->ends[0].cert_len;
    ok = strcmp(b->ends[0].state, "pass") == 0 && b->ends[0].code[0] == '\0';
    if (!ok)
        (void)snprintf(why, JUDGE_TEXT, "%s %s: %.150s", b->ends[0].state, b->ends[0].code,
                       b->ends[0].text);
    ok = ok && judge_learn(at->judge, start, end, &claim, why);
    free(start);
    free(end);
    return ok;
}
