/*
 * schema.c: how an empty or older database becomes a current one.
 *
 * Migrations are steps in one transaction, with the version in user_version: a
 * process killed in the middle has migrated nothing.  The tables stand in
 * tables.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "store/sqlite/sqlite.h"

#define APPLICATION_ID 1381190449 /* "RST1" in the file header */

static const char version_1[] =
#include "store/sqlite/tables.def"
    ;

/* Step n makes version n + 1 out of version n. */
static const char *const steps[] = {version_1};

#define VERSION ((int)(sizeof(steps) / sizeof(steps[0])))

/* One number from a statement without parameters. */
static rs_code
ask_number(sqlite3 *db, const char *sql, int *ret_value, struct rs_err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret_value = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    if (rc == SQLITE_ROW)
        return RS_OK;
    return sqlite_fail(db, rc, err, "cannot read the schema");
}

/* The version in the file, after making sure that the file is ours or empty. */
static rs_code
read_version(sqlite3 *db, int *ret_version, struct rs_err *err)
{
    int version = 0, id = 0, tables = 0;
    rs_code rc;

    rc = ask_number(db, "PRAGMA user_version", &version, err);
    if (rc == RS_OK)
        rc = ask_number(db, "PRAGMA application_id", &id, err);
    if (rc == RS_OK)
        rc = ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (rc != RS_OK)
        return rc;
    if (tables > 0 && id != APPLICATION_ID)
        return rs_fail(err, RS_E_STORE_FAILED, "store: the file is a database of another program");
    if (tables == 0 && (id != 0 || version != 0))
        return rs_fail(err, RS_E_STORE_DAMAGED, "store: the tables are gone");
    if (version > VERSION)
        return rs_fail(err, RS_E_STORE_FAILED,
                       "store: written by a newer release (schema %d, this one knows %d)", version,
                       VERSION);
    *ret_version = version;
    return RS_OK;
}

static rs_code
run_steps(sqlite3 *db, int from, struct rs_err *err)
{
    char text[96];
    rs_code rc = RS_OK;

    for (int i = from; rc == RS_OK && i < VERSION; i++)
        rc = sqlite_run(db, steps[i], err);
    (void)snprintf(text, sizeof(text), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   APPLICATION_ID, VERSION);
    if (rc == RS_OK)
        rc = sqlite_run(db, text, err);
    return rc;
}

rs_code
sqlite_migrate(sqlite3 *db, struct rs_err *err)
{
    int version = 0;
    rs_code rc;

    rc = read_version(db, &version, err);
    if (rc != RS_OK || version == VERSION)
        return rc;
    rc = sqlite_run(db, "BEGIN IMMEDIATE", err);
    if (rc == RS_OK)
        rc = run_steps(db, version, err);
    if (rc == RS_OK)
        rc = sqlite_run(db, "COMMIT", err);
    if (!sqlite3_get_autocommit(db))
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

rs_code
sqlite_check_schema(sqlite3 *db, struct rs_err *err)
{
    int version = 0;
    rs_code rc = read_version(db, &version, err);

    if (rc == RS_OK && version != VERSION)
        rc = rs_fail(err, RS_E_STORE_FAILED,
                     "store: schema %d, expected %d: start the server first", version, VERSION);
    return rc;
}
