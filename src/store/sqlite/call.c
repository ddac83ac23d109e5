/*
 * call.c: statements, transactions, and what SQLite's codes mean here.
 *
 * A transaction takes the write lock at its start (BEGIN IMMEDIATE) and ends in
 * sqlite_finish.  SQLite may have rolled back by itself when a write failed
 * (a full disk); the roll-back here is then a no-op.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/inject.h"
#include "store/sqlite/sqlite.h"

static const char *const sql_text[] = {
#define SQLITE_SQL(id, text) text,
#include "store/sqlite/statements.def"
#undef SQLITE_SQL
};

/* ---- Failures ------------------------------------------------------------------ */

static rs_code
code_of(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RS_E_STORE_BUSY;
    case SQLITE_FULL:
        return RS_E_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RS_E_STORE_DAMAGED;
    case SQLITE_NOMEM:
        return RS_E_NO_MEMORY;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return RS_E_FILE_FAILED;
    case SQLITE_IOERR:
        /* Space can also run out where SQLite does not expect it: the shared-memory file. */
        return sqlite3_system_errno(db) == ENOSPC ? RS_E_DISK_FULL : RS_E_STORE_FAILED;
    default:
        return RS_E_STORE_FAILED;
    }
}

rs_code
sqlite_fail(sqlite3 *db, int rc, struct rs_err *err, const char *doing)
{
    rs_code code = code_of(db, rc);

    if (err != NULL && err->code == RS_OK)
        (void)snprintf(err->detail, sizeof(err->detail), "SQLite %d: %s", rc,
                       db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    return rs_fail(err, code, "store: %s: %s", doing, rs_code_info(code)->title);
}

/* ---- Transactions ---------------------------------------------------------------- */

rs_code
sqlite_run(sqlite3 *db, const char *sql, struct rs_err *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? RS_OK : sqlite_fail(db, rc, err, "cannot set up");
}

static rs_code
run_statement(struct sqlite_store *s, enum sqlite_sql id, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, id);
    return sqlite_step(&c, err);
}

/* The pragma gives no row and works outside a transaction only. */
static rs_code
make_durable(struct sqlite_store *s, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (s->relaxed)
        rc = sqlite_run(s->db, "PRAGMA synchronous = FULL", err);
    if (rc == RS_OK)
        s->relaxed = 0;
    return rc;
}

rs_code
sqlite_begin(struct sqlite_store *s, struct rs_err *err)
{
    rs_code rc = make_durable(s, err);

    memset(&s->tally, 0, sizeof(s->tally));
    return rc == RS_OK ? run_statement(s, SQLITE_SQL_BEGIN, err) : rc;
}

rs_code
sqlite_begin_relaxed(struct sqlite_store *s, struct rs_err *err)
{
    rs_code rc;

    memset(&s->tally, 0, sizeof(s->tally));
    s->relaxed = 1; /* until proved otherwise, whatever fails here */
    rc = sqlite_run(s->db, "PRAGMA synchronous = NORMAL", err);
    return rc == RS_OK ? run_statement(s, SQLITE_SQL_BEGIN, err) : rc;
}

rs_code
sqlite_finish(struct sqlite_store *s, rs_code rc, struct rs_err *err)
{
    if (rc == RS_OK)
        rc = sqlite_flush_tally(s, err);
    if (rc == RS_OK) {
        rs_inject_mark("store-commit-begin");
        sqlite_gather_writes(!s->relaxed);
        rc = run_statement(s, SQLITE_SQL_COMMIT, err);
        sqlite_gather_writes(0);
        if (rc == RS_OK)
            rs_inject_mark("store-committed");
    }
    if (!sqlite3_get_autocommit(s->db)) {
        /* The first failure is the one to report; this one can only repeat it. */
        rs_code ignored = run_statement(s, SQLITE_SQL_ROLLBACK, NULL);
        (void)ignored;
    }
    return rc;
}

rs_code
sqlite_look(struct store *store, struct rs_err *err)
{
    return run_statement((struct sqlite_store *)store, SQLITE_SQL_LOOK, err);
}

/* Ending a transaction that only read cannot fail for the disk; what else fails, the next look tells. */
void
sqlite_look_done(struct store *store)
{
    rs_code ignored = run_statement((struct sqlite_store *)store, SQLITE_SQL_COMMIT, NULL);
    (void)ignored;
}

/* ---- One statement ----------------------------------------------------------------- */

void
sqlite_call_init(struct sqlite_call *c, struct sqlite_store *s, enum sqlite_sql id)
{
    *c = (struct sqlite_call){.store = s, .statement = s->statements[id], .rc = SQLITE_OK};
    if (c->statement == NULL) {
        c->rc = sqlite3_prepare_v3(s->db, sql_text[id], -1, SQLITE_PREPARE_PERSISTENT,
                                   &s->statements[id], NULL);
        c->statement = s->statements[id];
    }
}

void
sqlite_call_init_text(struct sqlite_call *c, struct sqlite_store *s, const char *sql)
{
    *c = (struct sqlite_call){.store = s, .own = 1, .rc = SQLITE_OK};
    c->rc = sqlite3_prepare_v3(s->db, sql, -1, 0, &c->statement, NULL);
}

void
sqlite_call_done(struct sqlite_call *c)
{
    if (c->own)
        (void)sqlite3_finalize(c->statement);
    else if (c->statement != NULL)
        (void)sqlite3_reset(c->statement);
    c->statement = NULL;
}

void
sqlite_put_text(struct sqlite_call *c, const char *text)
{
    if (c->rc == SQLITE_OK)
        c->rc =
            sqlite3_bind_text(c->statement, ++c->at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

void
sqlite_put_int(struct sqlite_call *c, int64_t v)
{
    if (c->rc == SQLITE_OK)
        c->rc = sqlite3_bind_int64(c->statement, ++c->at, v);
}

void
sqlite_put_blob(struct sqlite_call *c, struct rs_bytes bytes)
{
    /* A NULL pointer would bind NULL, which is not the empty value. */
    const void *p = bytes.len > 0 ? (const void *)bytes.p : "";

    if (c->rc == SQLITE_OK)
        c->rc = sqlite3_bind_blob64(c->statement, ++c->at, p, bytes.len, SQLITE_STATIC);
}

void
sqlite_put_hash(struct sqlite_call *c, const uint8_t hash[32])
{
    sqlite_put_blob(c, rs_bytes_of(hash, 32));
}

rs_code
sqlite_step(struct sqlite_call *c, struct rs_err *err)
{
    if (c->rc == SQLITE_OK) {
        int rc = sqlite3_step(c->statement);
        c->row = rc == SQLITE_ROW;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            c->rc = rc;
    }
    if (c->rc == SQLITE_OK)
        return RS_OK;
    return sqlite_fail(c->store->db, c->rc, err, "cannot run a statement");
}

rs_code
sqlite_change(struct sqlite_call *c, int *ret_changed, struct rs_err *err)
{
    rs_code rc = sqlite_step(c, err);

    if (rc == RS_OK && ret_changed != NULL)
        *ret_changed = sqlite3_changes(c->store->db) > 0;
    return rc;
}

/* ---- Reading a row -------------------------------------------------------------------- */

const char *
sqlite_next_text(struct sqlite_row *r)
{
    sqlite3_stmt *statement = r->call->statement;
    const char *text = (const char *)sqlite3_column_text(statement, r->at);
    size_t len = (size_t)sqlite3_column_bytes(statement, r->at);

    r->at++;
    if (text != NULL && r->arena != NULL)
        text = rs_arena_text(r->arena, text, len);
    if (text == NULL) {
        r->failed = 1;
        return "";
    }
    return text;
}

int64_t
sqlite_next_int(struct sqlite_row *r)
{
    return sqlite3_column_int64(r->call->statement, r->at++);
}

struct rs_bytes
sqlite_next_blob(struct sqlite_row *r)
{
    sqlite3_stmt *statement = r->call->statement;
    const void *p = sqlite3_column_blob(statement, r->at);
    struct rs_bytes bytes = rs_bytes_of(p, (size_t)sqlite3_column_bytes(statement, r->at));

    r->at++;
    if (bytes.len == 0 || r->arena == NULL)
        return bytes;
    bytes = rs_arena_copy(r->arena, bytes);
    if (bytes.p == NULL)
        r->failed = 1;
    return bytes;
}

void
sqlite_next_hash(struct sqlite_row *r, uint8_t hash[32])
{
    const void *p = sqlite3_column_blob(r->call->statement, r->at);
    int len = sqlite3_column_bytes(r->call->statement, r->at);

    r->at++;
    if (len == 32 && p != NULL)
        memcpy(hash, p, 32);
    else
        r->failed = 1;
}

rs_code
sqlite_row_check(const struct sqlite_row *r, struct rs_err *err)
{
    if (!r->failed)
        return RS_OK;
    return rs_fail(err, RS_E_NO_MEMORY, "store: a row does not fit the memory of this request");
}
