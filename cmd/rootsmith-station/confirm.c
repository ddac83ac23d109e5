/*
 * confirm.c: what cannot be undone is named by whoever wants it, before a run begins.
 *
 * Outside production mode only: there the order was signed, and nobody is asked for each
 * board.  A test station is where somebody locks the wrong reel by mistake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "station/plan.h"

#define ANSWER_MAX 80

static int
is_said(const struct options *o, const char *model)
{
    for (size_t i = 0; i < o->yes_count; i++) {
        if (strcmp(o->yes[i], model) == 0)
            return 1;
    }
    return 0;
}

/* Boards that may be made at most. */
static long long
count_of(const struct options *o, const struct station_order *order)
{
    long long left = order->share - order->taken;

    if (o->once || o->serial != NULL)
        return 1;
    return left > 0 ? left : 0;
}

static rs_code
ask(const struct options *o, const struct station_order *order, const char *what,
    struct rs_err *err)
{
    long long count = count_of(o, order);
    char answer[ANSWER_MAX];

    if (o->json || !isatty(STDIN_FILENO) || (o->boards != NULL && strcmp(o->boards, "-") == 0))
        return rs_fail(err, RS_E_UNCONFIRMED,
                       "%s of %s parts would be locked for good: --yes-irreversible %s", what,
                       order->rot, order->rot);
    (void)fprintf(stderr,
                  "%s locks in each %s for good: %s.\n"
                  "Type the model's name to lock %s%lld part%s, or anything else to stop: ",
                  order->name, order->rot, what, count == 1 ? "" : "up to ", count,
                  count == 1 ? "" : "s");
    (void)fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) == NULL)
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strcmp(answer, order->rot) != 0)
        return rs_fail(err, RS_E_UNCONFIRMED, "\"%s\" was typed, not %s", answer, order->rot);
    return RS_OK;
}

rs_code
confirm_orders(const struct options *o, const struct station_view *v, struct rs_err *err)
{
    char what[120];

    for (size_t i = 0; i < v->order_count; i++) {
        const struct station_order *order = &v->orders[i].order;
        rs_code rc = RS_OK;

        plan_irreversible(order->rot, order->layout, what, sizeof(what));
        if (what[0] != '\0' && !o->production && !order->production && !is_said(o, order->rot))
            rc = ask(o, order, what, err);
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}
