/*
 * orders.c: work orders, the shares of stations, and what was made.
 *
 * Counts stand in order_count, one row for the order and one per station, and
 * are only ever added to by issuing (issue.c) and by boards (boards.c), never
 * set: a new version of an order keeps them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite.h"

static void
read_order(struct sqlite_row *r, struct store_order *o)
{
    o->tenant = sqlite_next_text(r);
    o->order = sqlite_next_text(r);
    o->state = (enum store_order_state)sqlite_next_int(r);
    o->product = sqlite_next_text(r);
    o->quantity = sqlite_next_int(r);
    o->target = sqlite_next_int(r);
    o->taken = sqlite_next_int(r);
    o->good = sqlite_next_int(r);
    o->scrapped = sqlite_next_int(r);
    o->rejected = sqlite_next_int(r);
    o->valid_from = sqlite_next_int(r);
    o->valid_until = sqlite_next_int(r);
    o->created_at = sqlite_next_int(r);
    o->document = sqlite_next_blob(r);
}

/* ---- Writing ------------------------------------------------------------------------- */

static rs_code
put_row(struct sqlite_store *s, const struct store_order *o, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_PUT_ORDER);
    sqlite_put_text(&c, o->tenant);
    sqlite_put_text(&c, o->order);
    sqlite_put_int(&c, o->state);
    sqlite_put_text(&c, o->product);
    sqlite_put_int(&c, o->quantity);
    sqlite_put_int(&c, o->target);
    sqlite_put_int(&c, o->valid_from);
    sqlite_put_int(&c, o->valid_until);
    sqlite_put_int(&c, o->created_at);
    sqlite_put_blob(&c, o->document);
    return sqlite_change(&c, NULL, err);
}

/* Run a statement whose parameters are the order's key; *ret_row: it gave a row. */
static rs_code
run_for_order(struct sqlite_store *s, enum sqlite_sql id, const struct store_order *o, int *ret_row,
              struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    rs_code rc;

    sqlite_call_init(&c, s, id);
    sqlite_put_text(&c, o->tenant);
    sqlite_put_text(&c, o->order);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK)
        *ret_row = c.row;
    return rc;
}

static rs_code
add_share(struct sqlite_store *s, const struct store_order *o, const struct store_share *share,
          struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_SHARE);
    sqlite_put_text(&c, o->tenant);
    sqlite_put_text(&c, o->order);
    sqlite_put_text(&c, share->station);
    sqlite_put_int(&c, share->size);
    return sqlite_change(&c, NULL, err);
}

rs_code
sqlite_put_order(struct store *store, const struct store_order *order,
                 const struct store_share *shares, size_t share_count, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int known = 0, ignored = 0;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = run_for_order(s, SQLITE_SQL_HAS_ORDER, order, &known, err);
    if (rc == RS_OK)
        rc = put_row(s, order, err);
    if (rc == RS_OK)
        rc = run_for_order(s, SQLITE_SQL_DROP_SHARES, order, &ignored, err);
    for (size_t i = 0; rc == RS_OK && i < share_count; i++)
        rc = add_share(s, order, &shares[i], err);
    if (rc == RS_OK && !known)
        rc = sqlite_add_figure(s, order->tenant, SQLITE_FIGURE_ORDERS, 1, err);
    return sqlite_finish(s, rc, err);
}

/* ---- Reading ------------------------------------------------------------------------- */

rs_code
sqlite_find_order(struct store *store, const char *tenant, const char *order,
                  struct rs_arena *arena, struct store_order *ret_order, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    struct store_order o = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_ORDER);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, order);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row)
        return rs_fail(err, RS_E_REQUEST_UNKNOWN, "store: there is no order %s", order);
    read_order(&r, &o);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK)
        *ret_order = o;
    return rc;
}

rs_code
sqlite_find_share(struct store *store, const char *tenant, const char *order, const char *station,
                  struct store_share *ret_share, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_SHARE);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, order);
    sqlite_put_text(&c, station);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row)
        return rs_fail(err, RS_E_ORDER_STATION, "store: order %s gives no share to station %s",
                       order, station);
    ret_share->station = station;
    ret_share->size = sqlite_next_int(&r);
    ret_share->taken = sqlite_next_int(&r);
    return RS_OK;
}

rs_code
sqlite_list_orders(struct store *store, const char *tenant, const char *after, size_t limit,
                   store_order_fn each, void *arg, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_LIST_ORDERS);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, after);
    sqlite_put_int(&c, (int64_t)limit);
    for (;;) {
        struct sqlite_row r = {.call = &c};
        struct store_order o = {0};
        rc = sqlite_step(&c, err);
        if (rc != RS_OK || !c.row)
            return rc;
        read_order(&r, &o);
        rc = sqlite_row_check(&r, err);
        if (rc != RS_OK || each(arg, &o) != 0)
            return rc;
    }
}
