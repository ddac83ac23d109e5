/*
 * orders.c: which orders a run works for, and which of them a board is of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "station/station_inner.h"

#define OPEN_MAX 64

/* ---- Labels -------------------------------------------------------------------------- */

/* The same patterns as the signer's: * any text, ? one character, # one digit. */
int
station_serial_fits(const char *pattern, const char *serial)
{
    const char *star = NULL, *mark = NULL;

    if (pattern[0] == '\0')
        return 1;
    while (*serial != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            mark = serial;
        } else if (*pattern != '\0' && (*pattern == *serial || *pattern == '?' ||
                                        (*pattern == '#' && *serial >= '0' && *serial <= '9'))) {
            pattern++;
            serial++;
        } else if (star != NULL) {
            pattern = star + 1;
            serial = ++mark;
        } else {
            return 0;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static int
is_for(const struct station_order *order, const struct nest *nest)
{
    return nest->part[0] == '\0' || strcmp(nest->part, order->rot) == 0;
}

static rs_code
refuse_label(const struct station *st, const struct nest *nest, const char *device,
             struct rs_err *err)
{
    const struct station_order *only = &st->orders[0].order;

    for (size_t i = 0; i < st->order_count; i++) {
        const struct station_order *o = &st->orders[i].order;
        if (o->serials[0] != '\0' && station_serial_fits(o->serials, device) && !is_for(o, nest))
            return rs_fail(err, RS_E_LABEL_PATTERN,
                           "\"%s\" is a board of %s (%s), nest %s is for %s", device, o->name,
                           o->rot, nest->name, nest->part);
    }
    if (st->order_count == 1)
        return rs_fail(err, RS_E_LABEL_PATTERN, "\"%s\" is not a board label of %s (%s)", device,
                       only->name, only->serials[0] != '\0' ? only->serials : "any text");
    return rs_fail(err, RS_E_LABEL_PATTERN, "\"%s\" is not a board label of any order of this run",
                   device);
}

rs_code
orders_find(struct station *st, const struct nest *nest, const char *device,
            struct work_order **ret_order, struct rs_err *err)
{
    struct work_order *found = NULL;

    for (size_t i = 0; i < st->order_count; i++) {
        struct work_order *w = &st->orders[i];
        if (!is_for(&w->order, nest) || !station_serial_fits(w->order.serials, device))
            continue;
        if (found != NULL)
            return rs_fail(err, RS_E_LABEL_PATTERN,
                           "\"%s\" may be of %s or of %s: run one of them at a time", device,
                           found->order.name, w->order.name);
        found = w;
    }
    if (found == NULL || device[0] == '\0')
        return refuse_label(st, nest, device, err);
    *ret_order = found;
    if (found->stopped_by != RS_OK)
        return rs_fail(err, found->stopped_by, "%s", found->stop_text);
    return RS_OK;
}

/* ---- What the server has -------------------------------------------------------------- */

static void
copy_member(const json_t *j, const char *name, char out[STATION_TEXT_MAX])
{
    (void)snprintf(out, STATION_TEXT_MAX, "%s", rs_json_text_or(j, name, ""));
}

static int64_t
number_member(const json_t *j, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(j, name));
}

static void
read_order(const json_t *j, struct station_order *o)
{
    memset(o, 0, sizeof(*o));
    copy_member(j, "name", o->name);
    copy_member(j, "rot", o->rot);
    copy_member(j, "layout", o->layout);
    copy_member(j, "serials", o->serials);
    copy_member(j, "provenance", o->provenance);
    o->production = json_is_true(json_object_get(j, "production"));
    o->quantity = number_member(j, "quantity");
    o->target = number_member(j, "target");
    o->signed_ = number_member(j, "signed");
    o->good = number_member(j, "good");
    o->share = number_member(j, "share");
    o->taken = number_member(j, "taken");
}

rs_code
station_orders(struct web *web, struct station_order *list, size_t cap, size_t *ret_count,
               struct rs_err *err)
{
    struct web_request ask = {.method = "GET", .path = "/station/v1/orders"};
    const json_t *items;
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_json_done) json_t *j = NULL;
    rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&reply.body), &j, err);
    if (rc != RS_OK)
        return rc;
    items = json_object_get(j, "items");
    if (!json_is_array(items))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "orders: the reply has no items");
    *ret_count = json_array_size(items);
    for (size_t i = 0; i < *ret_count && i < cap; i++)
        read_order(json_array_get(items, i), &list[i]);
    return RS_OK;
}

/* ---- Choosing ------------------------------------------------------------------------- */

/* Each nest that names its part: the open order for that part, or none. */
static rs_code
choose_by_part(const struct nest_file *nests, const struct station_order *list, size_t count,
               struct station_order *ret, size_t *ret_count, struct rs_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int is_wanted = 0;
        for (size_t k = 0; k < nests->nest_count; k++)
            is_wanted =
                is_wanted || (!nests->nests[k].is_reference && is_for(&list[i], &nests->nests[k]));
        for (size_t k = 0; k < *ret_count && is_wanted; k++) {
            if (strcmp(ret[k].rot, list[i].rot) == 0)
                return rs_fail(err, RS_E_USAGE,
                               "%s and %s are both open for %s: choose with --order", ret[k].name,
                               list[i].name, list[i].rot);
        }
        if (is_wanted && *ret_count < STATION_ORDERS_MAX)
            ret[(*ret_count)++] = list[i];
    }
    return RS_OK;
}

static int
names_all_parts(const struct nest_file *nests)
{
    for (size_t i = 0; i < nests->nest_count; i++) {
        if (nests->nests[i].part[0] == '\0')
            return 0;
    }
    return 1;
}

static rs_code
choose_named(const char *name, const struct station_order *list, size_t count,
             struct station_order *ret, size_t *ret_count, struct rs_err *err)
{
    for (size_t i = 0; i < *ret_count; i++) {
        if (strcmp(ret[i].name, name) == 0)
            return RS_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0 && *ret_count < STATION_ORDERS_MAX) {
            ret[(*ret_count)++] = list[i];
            return RS_OK;
        }
    }
    return rs_fail(err, RS_E_ORDER_CLOSED, "no open order %s names this station", name);
}

rs_code
station_choose_orders(const struct station_config *config, const struct station_order *list,
                      size_t count, struct station_order ret[STATION_ORDERS_MAX], size_t *ret_count,
                      struct rs_err *err)
{
    rs_code rc = RS_OK;

    *ret_count = 0;
    for (size_t i = 0; i < config->order_count && rc == RS_OK; i++)
        rc = choose_named(config->orders[i], list, count, ret, ret_count, err);
    if (rc != RS_OK || config->order_count > 0)
        return rc;
    if (count > 1 && !names_all_parts(config->nests))
        return rs_fail(err, RS_E_USAGE, "%zu orders are open: choose one with --order", count);
    rc = choose_by_part(config->nests, list, count, ret, ret_count, err);
    if (rc == RS_OK && *ret_count == 0)
        rc = rs_fail(err, RS_E_ORDER_CLOSED,
                     count == 0 ? "no open order names this station"
                                : "no open order is for a part of these nests");
    return rc;
}

rs_code
orders_choose(struct station *st, const struct station_config *config, struct rs_err *err)
{
    struct station_order *list = calloc(OPEN_MAX + STATION_ORDERS_MAX, sizeof(*list));
    struct station_order *chosen;
    size_t count = 0;
    rs_code rc;

    if (list == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "orders: no memory");
    chosen = list + OPEN_MAX;
    rc = station_orders(st->poster_web, list, OPEN_MAX, &count, err);
    count = count > OPEN_MAX ? OPEN_MAX : count;
    if (rc == RS_OK)
        rc = station_choose_orders(config, list, count, chosen, &st->order_count, err);
    for (size_t i = 0; rc == RS_OK && i < st->order_count; i++)
        st->orders[i].order = chosen[i];
    free(list);
    return rc;
}

/* ---- Stopping ------------------------------------------------------------------------- */

void
orders_stop(struct station *st, struct work_order *order, rs_code code, const char *text)
{
    size_t left = 0;
    int first;

    (void)pthread_mutex_lock(&st->lock);
    first = order->stopped_by == RS_OK;
    if (first) {
        order->stopped_by = code;
        (void)snprintf(order->stop_text, sizeof(order->stop_text), "%s", text);
    }
    for (size_t i = 0; i < st->order_count; i++)
        left += st->orders[i].stopped_by == RS_OK;
    (void)pthread_mutex_unlock(&st->lock);
    if (left == 0)
        station_stop(st, code, text);
    else if (first)
        events_note(st, order, "order.stop",
                    json_pack("{s:s, s:s, s:s}", "code", rs_code_info(code)->name, "class",
                              failure_find(code)->class, "detail", text));
}
