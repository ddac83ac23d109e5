/*
 * plan.c: see plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "plan.h"

#include <string.h>

#define SWAPS_PERCENT 40
#define BACK_MAX      60

/* A place in a recipe, by its share of the whole: one command more moves it by one, not anywhere. */
static unsigned
place_in(struct chance *c, unsigned length)
{
    return (unsigned)((uint64_t)chance_below(c, 1u << 20) * length >> 20);
}

static struct bus_fault
make_fault(struct chance *c, unsigned length)
{
    struct bus_fault f = {
        .at = place_in(c, length), .kind = (enum bus_kind)chance_below(c, BUS_KINDS), .count = 1};

    if (f.kind == BUS_NACK || f.kind == BUS_FLAT)
        f.count = 1 + chance_below(c, 12);
    else if (f.kind == BUS_OLD)
        f.count = 1 + chance_below(c, 4);
    else if (f.kind == BUS_DROP && chance_percent(c, 30))
        f.count = 2 + chance_below(c, 3);
    f.seed = chance_next(c);
    return f;
}

static void
make_noise(struct plan *plan, struct chance *c, unsigned length)
{
    unsigned attempts = chance_percent(c, 20) ? 2 : 1;

    for (unsigned a = 0; a < attempts; a++) {
        unsigned n = chance_percent(c, 60) ? 1 : 2 + chance_below(c, BUS_FAULTS_MAX - 1);
        for (unsigned i = 0; i < n; i++)
            plan->faults[a][i] = make_fault(c, length);
        plan->fault_count[a] = n;
    }
}

static void
make_swap(struct plan *plan, struct chance *c, unsigned length)
{
    unsigned how = chance_below(c, 10);

    plan->other = how < 3 ? PLAN_BLANK : how < 5 ? PLAN_FINISHED : PLAN_IN_WORK;
    plan->swap_at = place_in(c, length);
    plan->other_at = place_in(c, length);
    plan->back_after = chance_percent(c, 40) ? 1 + chance_below(c, BACK_MAX) : 0;
    plan->other_goes_on = chance_percent(c, 50);
    plan->stays = plan->back_after == 0 && chance_percent(c, 40);
    if (chance_percent(c, 10)) {
        plan->faults[0][0] = make_fault(c, length);
        plan->fault_count[0] = 1;
    }
}

void
plan_make(struct plan *plan, struct chance *c, unsigned length)
{
    memset(plan, 0, sizeof(*plan));
    plan->keeps_power = chance_percent(c, 50);
    if (chance_percent(c, SWAPS_PERCENT))
        make_swap(plan, c, length);
    else
        make_noise(plan, c, length);
}

void
plan_text(const struct plan *plan, char text[PLAN_TEXT])
{
    static const char *const others[] = {"", "a blank board", "a finished board",
                                         "the board in the other fixture"};
    size_t n = 0;

    text[0] = '\0';
    for (unsigned a = 0; a < PLAN_DISTURBED; a++) {
        for (unsigned i = 0; i < plan->fault_count[a]; i++) {
            const struct bus_fault *f = &plan->faults[a][i];
            n += (size_t)snprintf(text + n, PLAN_TEXT - n, "%s%s@%u%s", n > 0 ? " " : "",
                                  bus_kind_names[f->kind], f->at, a > 0 ? " (2nd attempt)" : "");
            if (f->count > 1)
                n += (size_t)snprintf(text + n, PLAN_TEXT - n, " x%u", f->count);
        }
    }
    if (plan->other == PLAN_NOBODY)
        return;
    n += (size_t)snprintf(text + n, PLAN_TEXT - n, "%sexchanged with %s at %u", n > 0 ? "; " : "",
                          others[plan->other], plan->swap_at);
    if (plan->other == PLAN_IN_WORK)
        n += (size_t)snprintf(text + n, PLAN_TEXT - n, " and %u (%s goes on first)", plan->other_at,
                              plan->other_goes_on ? "that one" : "this one");
    if (plan->back_after > 0)
        (void)snprintf(text + n, PLAN_TEXT - n, ", back after %u", plan->back_after);
    else
        (void)snprintf(text + n, PLAN_TEXT - n, "%s", plan->stays ? ", and left so" : "");
}
