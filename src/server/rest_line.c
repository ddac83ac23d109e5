/*
 * rest_line.c: what the line did: one station, and the reconciliation of an order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/json.h"
#include "server/rest.h"

#define PAGE 1000

void
rest_get_station(struct call *call)
{
    struct store_object o;
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, &err);

    if (rc == RS_OK)
        rc = store_find_object(store, pki_tenant(call->front->pki), "station", call->name, 0,
                               &call->arena, &o, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:s, s:s, s:s, s:o}", "kind", "station", "name", o.name, "state",
                             o.state, "updated", json_time(o.updated_at)));
}

/* Devices of the order by state, and those that nobody finished or scrapped. */
struct tally {
    struct call *call;
    json_int_t states[STORE_DEVICE_SCRAPPED + 1];
    json_t *open;
    const char *last;
    size_t seen;
};

static int
count_device(void *arg, const struct store_device *d)
{
    struct tally *t = arg;

    t->states[d->state]++;
    t->seen++;
    t->last = rs_arena_text(&t->call->arena, d->device, strlen(d->device));
    if (d->state == STORE_DEVICE_MADE && json_array_size(t->open) < 100)
        (void)json_array_append_new(t->open, json_string(d->device));
    return t->last == NULL;
}

static rs_code
count_devices(struct tally *t, struct store *store, struct rs_err *err)
{
    struct store_device_filter filter = {.order = t->call->name, .limit = PAGE};
    rs_code rc;

    do {
        t->seen = 0;
        rc = store_list_devices(store, pki_tenant(t->call->front->pki), &filter, count_device, t,
                                err);
        filter.after = t->last;
    } while (rc == RS_OK && t->seen == PAGE);
    return rc;
}

/*
 * A unit needs an explanation when its identity was signed and nothing says
 * that the board is good or scrapped.
 */
void
rest_get_order_report(struct call *call)
{
    struct tally t = {.call = call, .open = json_array()};
    struct store_order o;
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, &err);

    if (rc == RS_OK)
        rc = store_find_order(store, pki_tenant(call->front->pki), call->name, &call->arena, &o,
                              &err);
    if (rc == RS_OK)
        rc = count_devices(&t, store, &err);
    if (rc != RS_OK) {
        json_decref(t.open);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200,
               json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "kind",
                         "order-report", "order", call->name, "product", o.product, "allowed",
                         (json_int_t)o.quantity, "signed", (json_int_t)o.taken, "good",
                         (json_int_t)o.good, "scrapped", (json_int_t)o.scrapped, "rejected",
                         (json_int_t)o.rejected, "unfinished", t.states[STORE_DEVICE_MADE],
                         "explained", t.states[STORE_DEVICE_MADE] == 0, "unfinished_devices",
                         t.open));
}
