/*
 * open.c: opening, closing, checking and tidying.
 *
 * One process writes: PATH.lock is held exclusively as long as the writer
 * lives.  SQLite's own locks would let two writers take turns, and each would
 * believe what it keeps in memory.  Once the schema exists the lock file has
 * contents; a database file of no bytes beside such a lock file was emptied by
 * somebody, and is not silently made anew.
 *
 * Commits append to the write-ahead log and sync it (synchronous = FULL).
 * Folding the log into the database is the work of another thread (store_tidy,
 * on a connection of its own); the writer only helps when the log has become
 * long.  A failed sync needs no special state here: frames after the last good
 * commit are written again by the next transaction, and a checkpoint that
 * failed starts over from the log, which is only reset after the database was
 * synced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "store/sqlite/sqlite.h"

#define PATH_MAX_BYTES    4096
#define WRITER_BUSY_MS    200
#define READER_BUSY_MS    1000
#define CHECK_AT_OPEN_MAX (64 << 20)
#define LOG_FRAMES_MAX    16384  /* 64 MiB of log: time to start it over */
#define LOG_FRAMES_STEP   2048   /* and if a reader was in the way, again after so many more */
#define CACHE_KIB         "8192" /* of the writer: a commit that splits a page walks all of it */

#define SETTINGS                                                                                   \
    "PRAGMA trusted_schema = OFF;"                                                                 \
    "PRAGMA cell_size_check = ON;"                                                                 \
    "PRAGMA foreign_keys = ON;"                                                                    \
    "PRAGMA temp_store = MEMORY;"                                                                  \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA wal_autocheckpoint = 0;"

static const uint8_t lock_text[] = "Held by the one process that writes the database.\n";

/* ---- Connections -------------------------------------------------------------------- */

static rs_code
configure(sqlite3 *db, int busy_ms, struct rs_err *err)
{
    static const struct {
        int op, value;
    } switches[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                    {SQLITE_DBCONFIG_DQS_DDL, 0},
                    {SQLITE_DBCONFIG_DQS_DML, 0},
                    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}};
    int rc = sqlite3_extended_result_codes(db, 1);

    for (size_t i = 0; rc == SQLITE_OK && i < sizeof(switches) / sizeof(switches[0]); i++)
        rc = sqlite3_db_config(db, switches[i].op, switches[i].value, (int *)NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db, busy_ms);
    if (rc != SQLITE_OK)
        return sqlite_fail(db, rc, err, "cannot set up");
    return sqlite_run(db, SETTINGS, err);
}

rs_code
sqlite_connect(const char *path, int flags, int busy_ms, sqlite3 **ret_db, struct rs_err *err)
{
    sqlite3 *db = NULL;
    rs_code rc = sqlite_register_vfs(err);
    int code, keep_log = 1;

    if (rc != RS_OK)
        return rc;
    code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, SQLITE_VFS_NAME);
    rc = code == SQLITE_OK ? configure(db, busy_ms, err)
                           : sqlite_fail(db, code, err, "cannot open the database");
    /* Its side files stay: a jailed process could not make them again (base/jail.h). */
    if (rc == RS_OK)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log);
    if (rc != RS_OK) {
        (void)sqlite3_close(db);
        return rc;
    }
    *ret_db = db;
    return RS_OK;
}

/* ---- Integrity ------------------------------------------------------------------------ */

/* pragma is quick_check or integrity_check: one row "ok", or the findings. */
static rs_code
check_pages(sqlite3 *db, const char *pragma, struct rs_err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);
    rs_code code;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) {
        code = sqlite_fail(db, rc, err, "cannot check the database");
    } else {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        code = RS_OK;
        if (text == NULL || strcmp(text, "ok") != 0)
            code = rs_fail(err, RS_E_STORE_DAMAGED, "store: the database is damaged: %.120s",
                           text != NULL ? text : "?");
    }
    (void)sqlite3_finalize(statement);
    return code;
}

rs_code
sqlite_check(struct store *store, struct rs_err *err)
{
    return check_pages(((struct sqlite_store *)store)->db, "PRAGMA integrity_check(1)", err);
}

static rs_code
file_size(sqlite3 *db, sqlite3_int64 *ret_size, struct rs_err *err)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    if (rc == SQLITE_OK && file->pMethods != NULL)
        rc = file->pMethods->xFileSize(file, ret_size);
    return rc == SQLITE_OK ? RS_OK : sqlite_fail(db, rc, err, "cannot look at the database");
}

/* ---- Folding the log ------------------------------------------------------------------- */

static rs_code
fold(sqlite3 *db, struct rs_err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    /* Busy: another one is folding; nothing is lost, the next turn goes on. */
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
        return RS_OK;
    return sqlite_fail(db, rc, err, "cannot fold the log into the database");
}

/*
 * SQLite tells the length of the log after each commit.  The log starts over
 * when all of it is folded, and under load the folding thread never quite gets
 * there: new frames come in behind it.  So when the log has become long, the
 * writer folds the rest itself between two commits.
 */
static int
on_commit(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct sqlite_store *s = arg;

    (void)name;
    if (frames < LOG_FRAMES_MAX)
        s->fold_at = LOG_FRAMES_MAX;
    if (frames < s->fold_at)
        return SQLITE_OK;
    s->fold_at = frames + LOG_FRAMES_STEP;
    /* The commit stands whatever comes of this. */
    rs_code ignored = fold(db, NULL);
    (void)ignored;
    return SQLITE_OK;
}

/* ---- The writer -------------------------------------------------------------------------- */

static rs_code
join(const char *path, const char *suffix, char name[PATH_MAX_BYTES], struct rs_err *err)
{
    struct rs_buf b;

    rs_buf_init_fixed(&b, (uint8_t *)name, PATH_MAX_BYTES);
    rs_buf_put_str(&b, path);
    rs_buf_put_str(&b, suffix);
    rs_buf_put_u8(&b, 0);
    return rs_buf_ok(&b) ? RS_OK : rs_fail(err, RS_E_FILE_FAILED, "store: the path is too long");
}

/* Take PATH.lock; *ret_made is 1 when a schema was made under it before. */
static rs_code
take_lock(struct sqlite_store *s, int *ret_made, struct rs_err *err)
{
    char name[PATH_MAX_BYTES];
    uint64_t size = 0;
    rs_code rc = join(s->path, ".lock", name, err);

    if (rc == RS_OK)
        rc = rs_file_open(name, RS_OPEN_CREATE, &s->lock_fd, err);
    if (rc == RS_OK)
        rc = rs_file_lock(s->lock_fd, err);
    if (rc == RS_OK)
        rc = rs_file_size(s->lock_fd, &size, err);
    *ret_made = size > 0;
    return rc;
}

/* What a removed database left beside it would be replayed into the new one. */
static rs_code
remove_leftovers(const char *path, struct rs_err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char name[PATH_MAX_BYTES];
    rs_code rc = RS_OK;

    for (size_t i = 0; rc == RS_OK && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        rc = join(path, suffixes[i], name, err);
        if (rc == RS_OK && rs_path_exists(name))
            rc = rs_file_remove(name, err);
    }
    return rc;
}

/*
 * A database that is not there yet is made here, with mode 0600.  One that is
 * there must not be opened through another descriptor: closing that would drop
 * SQLite's locks on it (POSIX, fcntl).
 */
static rs_code
make_file(const char *path, struct rs_err *err)
{
    int fd = -1;
    rs_code rc;

    if (rs_path_exists(path))
        return RS_OK;
    rc = remove_leftovers(path, err);
    if (rc == RS_OK)
        rc = rs_file_open(path, RS_OPEN_CREATE, &fd, err);
    rs_file_close(fd);
    return rc;
}

static rs_code
set_up_writer(struct sqlite_store *s, int made, struct rs_err *err)
{
    sqlite3_int64 size = 0;
    rs_code rc = file_size(s->db, &size, err);

    if (rc == RS_OK && size == 0 && made)
        return rs_fail(err, RS_E_STORE_DAMAGED, "store: the database file is empty and was not");
    if (rc == RS_OK)
        rc = sqlite_run(s->db,
                        "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
                        "PRAGMA cache_size = -" CACHE_KIB ";",
                        err);
    if (rc == RS_OK && size > 0 && size <= CHECK_AT_OPEN_MAX)
        rc = check_pages(s->db, "PRAGMA quick_check(1)", err);
    if (rc == RS_OK)
        rc = sqlite_migrate(s->db, err);
    if (rc == RS_OK && !made)
        rc = rs_file_write_at(s->lock_fd, 0, rs_bytes_of(lock_text, sizeof(lock_text) - 1), err);
    return rc;
}

static rs_code
open_writer(struct sqlite_store *s, struct rs_err *err)
{
    int made = 0;
    rs_code rc = take_lock(s, &made, err);

    if (rc == RS_OK && made && !rs_path_exists(s->path)) {
        /* Removed on purpose, to be rebuilt from the ledger: forget that there was one. */
        rc = rs_file_truncate(s->lock_fd, 0, err);
        made = 0;
    }
    if (rc == RS_OK)
        rc = make_file(s->path, err);
    if (rc == RS_OK)
        rc = sqlite_connect(s->path, SQLITE_OPEN_READWRITE, WRITER_BUSY_MS, &s->db, err);
    if (rc == RS_OK)
        rc = set_up_writer(s, made, err);
    if (rc == RS_OK)
        (void)sqlite3_wal_hook(s->db, on_commit, s);
    return rc;
}

static rs_code
open_reader(struct sqlite_store *s, struct rs_err *err)
{
    rs_code rc;

    /* Not read-only for SQLite: readers too keep the shared memory of the log. */
    rc = sqlite_connect(s->path, SQLITE_OPEN_READWRITE, READER_BUSY_MS, &s->db, err);
    if (rc == RS_OK)
        rc = sqlite_run(s->db, "PRAGMA query_only = ON; PRAGMA cache_size = -16384", err);
    if (rc == RS_OK)
        rc = sqlite_check_schema(s->db, err);
    return rc;
}

/* ---- The backend's calls --------------------------------------------------------------------- */

void
sqlite_close(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    for (size_t i = 0; i < SQLITE_SQL_COUNT; i++)
        (void)sqlite3_finalize(s->statements[i]);
    (void)sqlite3_close(s->db);
    (void)sqlite3_close(s->tidy_db);
    rs_file_close(s->lock_fd);
    free(s->path);
    free(s);
}

rs_code
sqlite_open(const char *where, int writer, struct store **ret_store, struct rs_err *err)
{
    struct sqlite_store *s = calloc(1, sizeof(*s));
    rs_code rc;

    if (s == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "store: no memory for a handle");
    s->head.backend = &store_sqlite;
    s->head.writer = writer;
    s->lock_fd = -1;
    s->path = strdup(where);
    if (s->path == NULL)
        rc = rs_fail(err, RS_E_NO_MEMORY, "store: no memory for a handle");
    else
        rc = writer ? open_writer(s, err) : open_reader(s, err);
    if (rc != RS_OK) {
        sqlite_close(&s->head);
        return rc;
    }
    *ret_store = &s->head;
    return RS_OK;
}

rs_code
sqlite_tidy(struct store *store, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = RS_OK;

    if (s->tidy_db == NULL)
        rc = sqlite_connect(s->path, SQLITE_OPEN_READWRITE, 0, &s->tidy_db, err);
    return rc == RS_OK ? fold(s->tidy_db, err) : rc;
}

const struct store_backend store_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .check = sqlite_check,
    .commit_issued = sqlite_commit_issued,
    .look = sqlite_look,
    .look_done = sqlite_look_done,
    .find_request = sqlite_find_request,
    .find_key = sqlite_find_key,
    .find_chip = sqlite_find_chip,
    .next_leaf = sqlite_next_leaf,
    .set_next_leaf = sqlite_set_next_leaf,
    .find_cert = sqlite_find_cert,
    .find_record = sqlite_find_record,
    .cert_status = sqlite_cert_status,
    .revoke = sqlite_revoke,
    .list_certs = sqlite_list_certs,
    .find_device = sqlite_find_device,
    .add_device = sqlite_add_device,
    .set_device_state = sqlite_set_device_state,
    .list_devices = sqlite_list_devices,
    .put_order = sqlite_put_order,
    .find_order = sqlite_find_order,
    .find_share = sqlite_find_share,
    .list_orders = sqlite_list_orders,
    .add_boards = sqlite_add_boards,
    .list_boards = sqlite_list_boards,
    .put_object = sqlite_put_object,
    .find_object = sqlite_find_object,
    .list_objects = sqlite_list_objects,
    .take_token = sqlite_take_token,
    .put_token = sqlite_put_token,
    .put_checkpoint = sqlite_put_checkpoint,
    .find_checkpoint = sqlite_find_checkpoint,
    .get_stats = sqlite_get_stats,
    .tidy = sqlite_tidy,
};
