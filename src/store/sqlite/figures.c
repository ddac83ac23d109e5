/*
 * figures.c: ledger positions, checkpoints, and counts.
 *
 * Rows of one batch mostly share tenant, order and station.  Their counts are
 * added up in the handle's tally and written when one of these changes, and
 * once before the commit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

/* ---- Tally ----------------------------------------------------------------------------- */

static rs_code
flush_figures(struct sqlite_store *s, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_tally *t = &s->tally;
    rs_code rc;

    if (t->tenant == NULL)
        return RS_OK;
    sqlite_call_init(&c, s, SQLITE_SQL_ADD_FIGURES);
    sqlite_put_text(&c, t->tenant);
    for (int i = 0; i < SQLITE_FIGURE_COUNT; i++)
        sqlite_put_int(&c, t->figures[i]);
    rc = sqlite_change(&c, NULL, err);
    t->tenant = NULL;
    memset(t->figures, 0, sizeof(t->figures));
    return rc;
}

rs_code
sqlite_add_figure(struct sqlite_store *s, const char *tenant, enum sqlite_figure figure,
                  int64_t delta, struct rs_err *err)
{
    struct sqlite_tally *t = &s->tally;
    rs_code rc = RS_OK;

    if (t->tenant != NULL && strcmp(t->tenant, tenant) != 0)
        rc = flush_figures(s, err);
    t->tenant = tenant;
    t->figures[figure] += delta;
    return rc;
}

static rs_code
add_taken(struct sqlite_store *s, const char *station, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    const struct sqlite_tally *t = &s->tally;

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_ORDER_COUNT);
    sqlite_put_text(&c, t->order_tenant);
    sqlite_put_text(&c, t->order);
    sqlite_put_text(&c, station);
    sqlite_put_int(&c, t->taken);
    for (int i = 0; i < 3; i++)
        sqlite_put_int(&c, 0); /* good, scrapped, rejected: boards.c */
    return sqlite_change(&c, NULL, err);
}

static rs_code
flush_taken(struct sqlite_store *s, struct rs_err *err)
{
    struct sqlite_tally *t = &s->tally;
    rs_code rc;

    if (t->taken == 0)
        return RS_OK;
    rc = add_taken(s, "", err);
    if (rc == RS_OK && t->station[0] != '\0')
        rc = add_taken(s, t->station, err);
    t->taken = 0;
    return rc;
}

rs_code
sqlite_add_taken(struct sqlite_store *s, const char *tenant, const char *order, const char *station,
                 struct rs_err *err)
{
    struct sqlite_tally *t = &s->tally;
    rs_code rc = RS_OK;

    if (t->taken > 0 && (strcmp(t->order_tenant, tenant) != 0 || strcmp(t->order, order) != 0 ||
                         strcmp(t->station, station) != 0))
        rc = flush_taken(s, err);
    t->order_tenant = tenant;
    t->order = order;
    t->station = station;
    t->taken++;
    return rc;
}

rs_code
sqlite_flush_tally(struct sqlite_store *s, struct rs_err *err)
{
    rs_code rc = flush_figures(s, err);

    if (rc == RS_OK)
        rc = flush_taken(s, err);
    return rc;
}

/* ---- Ledger positions and checkpoints ------------------------------------------------------ */

rs_code
sqlite_next_leaf(struct store *store, uint32_t signer_id, uint64_t *ret_leaf, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_NEXT_LEAF);
    sqlite_put_int(&c, signer_id);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK)
        *ret_leaf = c.row ? (uint64_t)sqlite_next_int(&r) : 0;
    return rc;
}

static rs_code
raise_leaf(struct sqlite_store *s, uint32_t signer_id, uint64_t leaf, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_RAISE_LEAF);
    sqlite_put_int(&c, signer_id);
    sqlite_put_int(&c, (int64_t)leaf);
    return sqlite_change(&c, NULL, err);
}

/* A raise that is lost means that some leaves are replayed: it waits for nobody's sync. */
rs_code
sqlite_set_next_leaf(struct store *store, uint32_t signer_id, uint64_t leaf, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = sqlite_begin_relaxed(s, err);

    if (rc == RS_OK)
        rc = raise_leaf(s, signer_id, leaf, err);
    return sqlite_finish(s, rc, err);
}

static rs_code
put_note(struct sqlite_store *s, uint32_t signer_id, uint64_t size, struct rs_bytes note,
         struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_PUT_CHECKPOINT);
    sqlite_put_int(&c, signer_id);
    sqlite_put_int(&c, (int64_t)size);
    sqlite_put_blob(&c, note);
    return sqlite_change(&c, NULL, err);
}

rs_code
sqlite_put_checkpoint(struct store *store, uint32_t signer_id, uint64_t size, struct rs_bytes note,
                      struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = put_note(s, signer_id, size, note, err);
    return sqlite_finish(s, rc, err);
}

rs_code
sqlite_find_checkpoint(struct store *store, uint32_t signer_id, struct rs_arena *arena,
                       struct rs_bytes *ret_note, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    struct rs_bytes note = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_CHECKPOINT);
    sqlite_put_int(&c, signer_id);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK && c.row) {
        note = sqlite_next_blob(&r);
        rc = sqlite_row_check(&r, err);
    }
    if (rc == RS_OK)
        *ret_note = note;
    return rc;
}

/* ---- Figures ------------------------------------------------------------------------------- */

rs_code
sqlite_get_stats(struct store *store, const char *tenant, struct store_stats *ret_stats,
                 struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    struct store_stats stats = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_GET_FIGURES);
    sqlite_put_text(&c, tenant);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK && c.row) {
        stats.certs = sqlite_next_int(&r);
        stats.revoked = sqlite_next_int(&r);
        stats.devices = sqlite_next_int(&r);
        stats.orders = sqlite_next_int(&r);
        stats.boards = sqlite_next_int(&r);
    }
    if (rc == RS_OK)
        *ret_stats = stats;
    return rc;
}
