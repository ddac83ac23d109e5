/*
 * sqlite.h: what the files of the SQLite backend share.
 *
 * A handle has one connection and its prepared statements (statements.def),
 * prepared at first use and kept.  A statement is run through struct
 * sqlite_call: bind in the order of its parameters, step, read columns.  Binding
 * is sticky: a failure shows at the step.  The call's cleanup resets the
 * statement, so that no reader holds back the write-ahead log by accident.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_SQLITE_SQLITE_H
#define STORE_SQLITE_SQLITE_H

#include <sqlite3.h>

#include "store/backend.h"

#define SQLITE_VFS_NAME "rootsmith" /* vfs.c */

enum sqlite_sql {
#define SQLITE_SQL(id, text) SQLITE_SQL_##id,
#include "store/sqlite/statements.def"
#undef SQLITE_SQL
    SQLITE_SQL_COUNT
};

/* What the figures of a tenant count. */
enum sqlite_figure {
    SQLITE_FIGURE_CERTS,
    SQLITE_FIGURE_REVOKED,
    SQLITE_FIGURE_DEVICES,
    SQLITE_FIGURE_ORDERS,
    SQLITE_FIGURE_BOARDS,
    SQLITE_FIGURE_COUNT
};

/*
 * Counts of a running transaction that many rows of a batch share.  They are
 * added up here and written once, when the key changes and before the commit.
 * Text is borrowed from the batch.
 */
struct sqlite_tally {
    const char *tenant;
    int64_t figures[SQLITE_FIGURE_COUNT];
    const char *order_tenant, *order, *station;
    int64_t taken;
};

struct sqlite_store {
    struct store head; /* must be first */
    sqlite3 *db;
    sqlite3 *tidy_db; /* opened by the first store_tidy, used by nothing else */
    char *path;
    int lock_fd; /* writer: PATH.lock, held as long as the handle lives */
    int fold_at; /* length of the log at which the writer folds it */
    int relaxed; /* synchronous is not FULL: no durable transaction may begin */
    struct sqlite_tally tally;
    sqlite3_stmt *statements[SQLITE_SQL_COUNT];
};

/* ---- Failures ------------------------------------------------------------------ */

/* Turn what SQLite last said on db into a code of ours. */
rs_code sqlite_fail(sqlite3 *db, int rc, struct rs_err *err, const char *doing);

/* ---- Transactions (call.c) --------------------------------------------------------- */

/* Take the write lock now: a transaction never finds out at its end that another one wrote. */
RS_MUST_USE rs_code sqlite_begin(struct sqlite_store *s, struct rs_err *err);
/*
 * The same for what may be lost with the power: the commit appends to the log and
 * leaves the sync to the next one.  Order is kept, so nothing later survives it.
 */
RS_MUST_USE rs_code sqlite_begin_relaxed(struct sqlite_store *s, struct rs_err *err);
/* rc is how the work went: commit on RS_OK, else roll back and hand rc on. */
RS_MUST_USE rs_code sqlite_finish(struct sqlite_store *s, rs_code rc, struct rs_err *err);
/* Run constant SQL without results. */
RS_MUST_USE rs_code sqlite_run(sqlite3 *db, const char *sql, struct rs_err *err);

/* ---- One statement ----------------------------------------------------------------- */

struct sqlite_call {
    struct sqlite_store *store;
    sqlite3_stmt *statement;
    int own; /* finalize at the end: built for this call only */
    int at;  /* parameters bound so far */
    int rc;
    int row; /* 1 after a step that gave a row */
};

void sqlite_call_init(struct sqlite_call *c, struct sqlite_store *s, enum sqlite_sql id);
/* The same with SQL put together for this call: lists with filters. */
void sqlite_call_init_text(struct sqlite_call *c, struct sqlite_store *s, const char *sql);
void sqlite_call_done(struct sqlite_call *c);
RS_AUTO_DEFINE(struct sqlite_call, sqlite_call_done);

/* Bound values are borrowed until the call is done.  NULL text is "". */
void sqlite_put_text(struct sqlite_call *c, const char *text);
void sqlite_put_int(struct sqlite_call *c, int64_t v);
void sqlite_put_blob(struct sqlite_call *c, struct rs_bytes bytes);
void sqlite_put_hash(struct sqlite_call *c, const uint8_t hash[32]);

/* Next row, or the end.  c->row says which. */
RS_MUST_USE rs_code sqlite_step(struct sqlite_call *c, struct rs_err *err);
/* Step a statement that gives no row; *ret_changed is 1 when it changed one (may be NULL). */
RS_MUST_USE rs_code sqlite_change(struct sqlite_call *c, int *ret_changed, struct rs_err *err);

/* ---- Reading a row -------------------------------------------------------------------- */

/* Columns from left to right.  With an arena values are copied, without one borrowed. */
struct sqlite_row {
    struct sqlite_call *call;
    struct rs_arena *arena;
    int at;
    int failed; /* sticky: no memory, or a value of the wrong size */
};

const char *sqlite_next_text(struct sqlite_row *r);
int64_t sqlite_next_int(struct sqlite_row *r);
struct rs_bytes sqlite_next_blob(struct sqlite_row *r);
void sqlite_next_hash(struct sqlite_row *r, uint8_t hash[32]);
/* RS_OK, or RS_E_NO_MEMORY when the arena is full. */
RS_MUST_USE rs_code sqlite_row_check(const struct sqlite_row *r, struct rs_err *err);

/* ---- Tallies (figures.c) ------------------------------------------------------------------ */

RS_MUST_USE rs_code sqlite_add_figure(struct sqlite_store *s, const char *tenant,
                                      enum sqlite_figure figure, int64_t delta, struct rs_err *err);
RS_MUST_USE rs_code sqlite_add_taken(struct sqlite_store *s, const char *tenant, const char *order,
                                     const char *station, struct rs_err *err);
/* Write all that is pending; sqlite_finish does it. */
RS_MUST_USE rs_code sqlite_flush_tally(struct sqlite_store *s, struct rs_err *err);

/* ---- Opening (open.c, schema.c, vfs.c) ------------------------------------------------------- */

RS_MUST_USE rs_code sqlite_register_vfs(struct rs_err *err);
/* On this thread: writes to the log are gathered until the sync.  For commits that end with one. */
void sqlite_gather_writes(int on);
/* Bring an empty or older database to this schema, or refuse a foreign or newer one. */
RS_MUST_USE rs_code sqlite_migrate(sqlite3 *db, struct rs_err *err);
/* Readers: the schema is exactly ours. */
RS_MUST_USE rs_code sqlite_check_schema(sqlite3 *db, struct rs_err *err);
/* A connection with all our settings; flags of sqlite3_open_v2. */
RS_MUST_USE rs_code sqlite_connect(const char *path, int flags, int busy_ms, sqlite3 **ret_db,
                                   struct rs_err *err);

/* ---- The backend's calls, by file --------------------------------------------------------------- */

rs_code sqlite_open(const char *where, int writer, struct store **ret_store, struct rs_err *err);
void sqlite_close(struct store *store);
rs_code sqlite_check(struct store *store, struct rs_err *err);
rs_code sqlite_tidy(struct store *store, struct rs_err *err);

rs_code sqlite_commit_issued(struct store *store, struct store_issue *items, size_t count,
                             struct rs_err *err);

rs_code sqlite_look(struct store *store, struct rs_err *err);
void sqlite_look_done(struct store *store);
rs_code sqlite_find_request(struct store *store, const char *tenant, const struct store_key *key,
                            const uint8_t request_id[32], struct rs_arena *arena,
                            struct store_cert *ret_cert, struct rs_err *err);
rs_code sqlite_find_cert(struct store *store, const char *tenant, const char *issuer,
                         struct rs_bytes serial, struct rs_arena *arena,
                         struct store_cert *ret_cert, struct rs_err *err);
rs_code sqlite_find_record(struct store *store, const char *tenant, const char *issuer,
                           struct rs_bytes serial, struct rs_arena *arena,
                           struct store_cert *ret_cert, struct rs_err *err);
rs_code sqlite_cert_status(struct store *store, const char *tenant, const char *issuer,
                           struct rs_bytes serial, struct store_status *ret_status,
                           struct rs_err *err);
rs_code sqlite_revoke(struct store *store, struct store_revocation *items, size_t count,
                      struct rs_err *err);
rs_code sqlite_list_certs(struct store *store, const char *tenant,
                          const struct store_cert_filter *filter, store_cert_fn each, void *arg,
                          struct rs_err *err);

rs_code sqlite_find_key(struct store *store, const char *tenant, const uint8_t key_hash[32],
                        struct rs_arena *arena, struct store_key *ret_key, struct rs_err *err);
rs_code sqlite_find_chip(struct store *store, const char *tenant, const char *model,
                         struct rs_bytes uid, struct rs_arena *arena, const char **ret_device,
                         struct rs_err *err);
rs_code sqlite_find_device(struct store *store, const char *tenant, const char *device,
                           struct rs_arena *arena, struct store_device *ret_device,
                           struct rs_err *err);
rs_code sqlite_add_device(struct store *store, const struct store_device *device,
                          struct rs_err *err);
rs_code sqlite_set_device_state(struct store *store, const char *tenant, const char *device,
                                enum store_device_state state, const char *fixture, int64_t took_ms,
                                struct rs_err *err);
rs_code sqlite_list_devices(struct store *store, const char *tenant,
                            const struct store_device_filter *filter, store_device_fn each,
                            void *arg, struct rs_err *err);

rs_code sqlite_put_order(struct store *store, const struct store_order *order,
                         const struct store_share *shares, size_t share_count, struct rs_err *err);
rs_code sqlite_find_order(struct store *store, const char *tenant, const char *order,
                          struct rs_arena *arena, struct store_order *ret_order,
                          struct rs_err *err);
rs_code sqlite_find_share(struct store *store, const char *tenant, const char *order,
                          const char *station, struct store_share *ret_share, struct rs_err *err);
rs_code sqlite_list_orders(struct store *store, const char *tenant, const char *after, size_t limit,
                           store_order_fn each, void *arg, struct rs_err *err);

rs_code sqlite_add_boards(struct store *store, const struct store_board *boards, size_t count,
                          int64_t *ret_next_seq, struct rs_err *err);
rs_code sqlite_list_boards(struct store *store, const char *tenant, const char *station,
                           int64_t after_seq, size_t limit, store_board_fn each, void *arg,
                           struct rs_err *err);

rs_code sqlite_put_object(struct store *store, const struct store_object *object,
                          int64_t expected_version, int64_t *ret_version, struct rs_err *err);
rs_code sqlite_find_object(struct store *store, const char *tenant, const char *kind,
                           const char *name, int64_t version, struct rs_arena *arena,
                           struct store_object *ret_object, struct rs_err *err);
rs_code sqlite_list_objects(struct store *store, const char *tenant, const char *kind,
                            const char *after, size_t limit, store_object_fn each, void *arg,
                            struct rs_err *err);

rs_code sqlite_take_token(struct store *store, const char *tenant, const uint8_t token_hash[32],
                          int64_t now, struct rs_arena *arena, struct rs_bytes *ret_document,
                          struct rs_err *err);
rs_code sqlite_put_token(struct store *store, const char *tenant, const uint8_t token_hash[32],
                         int64_t uses, int64_t expires_at, struct rs_bytes document,
                         struct rs_err *err);

rs_code sqlite_next_leaf(struct store *store, uint32_t signer_id, uint64_t *ret_leaf,
                         struct rs_err *err);
rs_code sqlite_set_next_leaf(struct store *store, uint32_t signer_id, uint64_t leaf,
                             struct rs_err *err);
rs_code sqlite_put_checkpoint(struct store *store, uint32_t signer_id, uint64_t size,
                              struct rs_bytes note, struct rs_err *err);
rs_code sqlite_find_checkpoint(struct store *store, uint32_t signer_id, struct rs_arena *arena,
                               struct rs_bytes *ret_note, struct rs_err *err);
rs_code sqlite_get_stats(struct store *store, const char *tenant, struct store_stats *ret_stats,
                         struct rs_err *err);

#endif /* STORE_SQLITE_SQLITE_H */
