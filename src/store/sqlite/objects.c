/*
 * objects.c: named documents with versions.
 *
 * The newest version stands in `object`; what it replaces moves to
 * `object_history`, except for CRLs, which are large, many, and recorded by
 * hash in the ledger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

static void
put_key(struct sqlite_call *c, const struct store_object *o)
{
    sqlite_put_text(c, o->tenant);
    sqlite_put_text(c, o->kind);
    sqlite_put_text(c, o->name);
}

/* The newest version's number, 0 when there is none. */
static rs_code
newest_version(struct sqlite_store *s, const struct store_object *o, int64_t *ret_version,
               struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_OBJECT_VERSION);
    put_key(&c, o);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK && c.row)
        *ret_version = sqlite_next_int(&r);
    return rc;
}

static rs_code
keep_old(struct sqlite_store *s, const struct store_object *o, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    if (strcmp(o->kind, "crl") == 0)
        return RS_OK;
    sqlite_call_init(&c, s, SQLITE_SQL_KEEP_OBJECT);
    put_key(&c, o);
    return sqlite_change(&c, NULL, err);
}

static rs_code
put_newest(struct sqlite_store *s, const struct store_object *o, int64_t version,
           struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_PUT_OBJECT);
    put_key(&c, o);
    sqlite_put_int(&c, version);
    sqlite_put_text(&c, o->state);
    sqlite_put_blob(&c, o->document);
    sqlite_put_int(&c, o->created_at);
    sqlite_put_int(&c, o->updated_at);
    return sqlite_change(&c, NULL, err);
}

static rs_code
put_in_transaction(struct sqlite_store *s, const struct store_object *o, int64_t expected_version,
                   int64_t *ret_version, struct rs_err *err)
{
    int64_t version = 0;
    rs_code rc = newest_version(s, o, &version, err);

    if (rc != RS_OK)
        return rc;
    if (expected_version != -1 && expected_version != version)
        return rs_fail(err, RS_E_EXISTS, "store: %s %s is at version %lld, not %lld", o->kind,
                       o->name, (long long)version, (long long)expected_version);
    if (version > 0)
        rc = keep_old(s, o, err);
    if (rc == RS_OK)
        rc = put_newest(s, o, version + 1, err);
    if (rc == RS_OK)
        *ret_version = version + 1;
    return rc;
}

rs_code
sqlite_put_object(struct store *store, const struct store_object *object, int64_t expected_version,
                  int64_t *ret_version, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int64_t version = 0;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = put_in_transaction(s, object, expected_version, &version, err);
    rc = sqlite_finish(s, rc, err);
    if (rc == RS_OK && ret_version != NULL)
        *ret_version = version;
    return rc;
}

/* ---- Reading ------------------------------------------------------------------------- */

static void
read_object(struct sqlite_row *r, struct store_object *o)
{
    o->tenant = sqlite_next_text(r);
    o->kind = sqlite_next_text(r);
    o->name = sqlite_next_text(r);
    o->version = sqlite_next_int(r);
    o->state = sqlite_next_text(r);
    o->document = sqlite_next_blob(r);
    o->created_at = sqlite_next_int(r);
    o->updated_at = sqlite_next_int(r);
}

/* The object from one of the two tables; *ret_found 0 and RS_OK when it is not there. */
static rs_code
find_in(struct sqlite_store *s, enum sqlite_sql id, const struct store_object *key,
        struct rs_arena *arena, struct store_object *ret_object, int *ret_found, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    struct store_object o = {0};
    rs_code rc;

    sqlite_call_init(&c, s, id);
    put_key(&c, key);
    sqlite_put_int(&c, key->version);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK || !c.row)
        return rc;
    read_object(&r, &o);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK) {
        *ret_object = o;
        *ret_found = 1;
    }
    return rc;
}

rs_code
sqlite_find_object(struct store *store, const char *tenant, const char *kind, const char *name,
                   int64_t version, struct rs_arena *arena, struct store_object *ret_object,
                   struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    const struct store_object key = {
        .tenant = tenant, .kind = kind, .name = name, .version = version};
    int found = 0;
    rs_code rc = find_in(s, SQLITE_SQL_FIND_OBJECT, &key, arena, ret_object, &found, err);

    if (rc == RS_OK && !found && version > 0)
        rc = find_in(s, SQLITE_SQL_FIND_OLD_OBJECT, &key, arena, ret_object, &found, err);
    if (rc == RS_OK && !found)
        rc = rs_fail(err, RS_E_REQUEST_UNKNOWN, "store: there is no %s %s", kind, name);
    return rc;
}

rs_code
sqlite_list_objects(struct store *store, const char *tenant, const char *kind, const char *after,
                    size_t limit, store_object_fn each, void *arg, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_LIST_OBJECTS);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, kind);
    sqlite_put_text(&c, after);
    sqlite_put_int(&c, (int64_t)limit);
    for (;;) {
        struct sqlite_row r = {.call = &c};
        struct store_object o = {0};
        rc = sqlite_step(&c, err);
        if (rc != RS_OK || !c.row)
            return rc;
        read_object(&r, &o);
        rc = sqlite_row_check(&r, err);
        if (rc != RS_OK || each(arg, &o) != 0)
            return rc;
    }
}
