/*
 * devices.c: devices, and which of them a chip is in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite.h"

/* ---- Chips ---------------------------------------------------------------------------- */

static rs_code
take_owner(struct sqlite_call *c, struct rs_arena *arena, const char **ret_device,
           struct rs_err *err)
{
    struct sqlite_row r = {.call = c, .arena = arena};
    const char *device;
    rs_code rc = sqlite_step(c, err);

    if (rc != RS_OK)
        return rc;
    if (!c->row)
        return rs_fail(err, RS_E_DEVICE_UNKNOWN, "store: it belongs to no device");
    device = sqlite_next_text(&r);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK)
        *ret_device = device;
    return rc;
}

rs_code
sqlite_find_chip(struct store *store, const char *tenant, const char *model, struct rs_bytes uid,
                 struct rs_arena *arena, const char **ret_device, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_CHIP);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, model);
    sqlite_put_blob(&c, uid);
    return take_owner(&c, arena, ret_device, err);
}

/* ---- Devices ----------------------------------------------------------------------------- */

static void
read_device(struct sqlite_row *r, struct store_device *d)
{
    d->tenant = sqlite_next_text(r);
    d->device = sqlite_next_text(r);
    d->state = (enum store_device_state)sqlite_next_int(r);
    d->product = sqlite_next_text(r);
    d->order = sqlite_next_text(r);
    d->station = sqlite_next_text(r);
    d->fixture = sqlite_next_text(r);
    d->chip_model = sqlite_next_text(r);
    d->chip_uid = sqlite_next_blob(r);
    d->provenance = sqlite_next_text(r);
    d->made_at = sqlite_next_int(r);
    d->took_ms = sqlite_next_int(r);
}

rs_code
sqlite_find_device(struct store *store, const char *tenant, const char *device,
                   struct rs_arena *arena, struct store_device *ret_device, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    struct store_device d = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_DEVICE);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, device);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row)
        return rs_fail(err, RS_E_DEVICE_UNKNOWN, "store: there is no device %s", device);
    read_device(&r, &d);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK)
        *ret_device = d;
    return rc;
}

static rs_code
add_device(struct sqlite_store *s, const struct store_device *d, int *ret_added, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct rs_bytes none = {NULL, 0};

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_DEVICE);
    sqlite_put_text(&c, d->tenant);
    sqlite_put_text(&c, d->device);
    sqlite_put_int(&c, STORE_DEVICE_EXPECTED);
    sqlite_put_text(&c, d->product);
    for (int i = 0; i < 4; i++) /* order, station, fixture, chip: nobody has seen it */
        sqlite_put_text(&c, "");
    sqlite_put_blob(&c, none);
    sqlite_put_text(&c, d->provenance);
    sqlite_put_blob(&c, none);
    sqlite_put_int(&c, d->made_at);
    sqlite_put_int(&c, 0);
    return sqlite_change(&c, ret_added, err);
}

rs_code
sqlite_add_device(struct store *store, const struct store_device *device, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int added = 0;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = add_device(s, device, &added, err);
    if (rc == RS_OK && !added)
        rc = rs_fail(err, RS_E_DEVICE_EXISTS, "store: device %s is there already", device->device);
    if (rc == RS_OK)
        rc = sqlite_add_figure(s, device->tenant, SQLITE_FIGURE_DEVICES, 1, err);
    return sqlite_finish(s, rc, err);
}

static rs_code
set_state(struct sqlite_store *s, const char *tenant, const char *device,
          enum store_device_state state, const char *fixture, int64_t took_ms, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    int changed = 0;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_SET_DEVICE_STATE);
    sqlite_put_int(&c, state);
    sqlite_put_text(&c, fixture);
    sqlite_put_int(&c, took_ms);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, device);
    rc = sqlite_change(&c, &changed, err);
    if (rc == RS_OK && !changed)
        rc = rs_fail(err, RS_E_DEVICE_UNKNOWN, "store: there is no device %s", device);
    return rc;
}

rs_code
sqlite_set_device_state(struct store *store, const char *tenant, const char *device,
                        enum store_device_state state, const char *fixture, int64_t took_ms,
                        struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = set_state(s, tenant, device, state, fixture, took_ms, err);
    return sqlite_finish(s, rc, err);
}

/* ---- Lists --------------------------------------------------------------------------------- */

/* The parts of the statement; bind_filter follows the same order. */
static void
put_query(struct rs_buf *sql, const struct store_device_filter *f)
{
    int by_order = f->order != NULL && f->order[0] != '\0';

    rs_buf_put_str(sql, "SELECT tenant, device, state, product, work_order, station, fixture,"
                        " chip_model, chip_uid, provenance, made_at, took_ms FROM device");
    rs_buf_put_str(sql, by_order ? " INDEXED BY device_order WHERE tenant = ? AND work_order <> ''"
                                 : " WHERE tenant = ?");
    if (f->order != NULL)
        rs_buf_put_str(sql, " AND work_order = ?");
    if (f->product != NULL)
        rs_buf_put_str(sql, " AND product = ?");
    if (f->station != NULL)
        rs_buf_put_str(sql, " AND station = ?");
    if (f->state != 0)
        rs_buf_put_str(sql, " AND state = ?");
    if (f->after != NULL)
        rs_buf_put_str(sql, " AND device > ?");
    rs_buf_put_str(sql, " ORDER BY device LIMIT ?");
    rs_buf_put_u8(sql, 0);
}

static void
bind_filter(struct sqlite_call *c, const struct store_device_filter *f)
{
    if (f->order != NULL)
        sqlite_put_text(c, f->order);
    if (f->product != NULL)
        sqlite_put_text(c, f->product);
    if (f->station != NULL)
        sqlite_put_text(c, f->station);
    if (f->state != 0)
        sqlite_put_int(c, f->state);
    if (f->after != NULL)
        sqlite_put_text(c, f->after);
    sqlite_put_int(c, (int64_t)f->limit);
}

rs_code
sqlite_list_devices(struct store *store, const char *tenant,
                    const struct store_device_filter *filter, store_device_fn each, void *arg,
                    struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    char text[768];
    struct rs_buf sql;
    rs_code rc;

    rs_buf_init_fixed(&sql, (uint8_t *)text, sizeof(text));
    put_query(&sql, filter);
    if (!rs_buf_ok(&sql))
        return rs_fail(err, RS_E_INTERNAL, "store: a list statement does not fit");
    sqlite_call_init_text(&c, (struct sqlite_store *)store, text);
    sqlite_put_text(&c, tenant);
    bind_filter(&c, filter);
    for (;;) {
        struct sqlite_row r = {.call = &c};
        struct store_device d = {0};
        rc = sqlite_step(&c, err);
        if (rc != RS_OK || !c.row)
            return rc;
        read_device(&r, &d);
        rc = sqlite_row_check(&r, err);
        if (rc != RS_OK || each(arg, &d) != 0)
            return rc;
    }
}
