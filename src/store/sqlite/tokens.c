/*
 * tokens.c: one-time codes, stored by the hash of the code only.
 *
 * A use is one UPDATE that takes from what is left if the code is still good,
 * so two takers cannot both get the last use.  Unknown, used up and expired
 * look the same from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/sqlite/sqlite.h"

static rs_code
add_token(struct sqlite_store *s, const char *tenant, const uint8_t token_hash[32], int64_t uses,
          int64_t expires_at, struct rs_bytes document, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    int added = 0;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_TOKEN);
    sqlite_put_text(&c, tenant);
    sqlite_put_hash(&c, token_hash);
    sqlite_put_int(&c, uses);
    sqlite_put_int(&c, expires_at);
    sqlite_put_blob(&c, document);
    rc = sqlite_change(&c, &added, err);
    if (rc == RS_OK && !added)
        rc = rs_fail(err, RS_E_EXISTS, "store: this one-time code exists already");
    return rc;
}

rs_code
sqlite_put_token(struct store *store, const char *tenant, const uint8_t token_hash[32],
                 int64_t uses, int64_t expires_at, struct rs_bytes document, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = add_token(s, tenant, token_hash, uses, expires_at, document, err);
    return sqlite_finish(s, rc, err);
}

static rs_code
use_token(struct sqlite_store *s, const char *tenant, const uint8_t token_hash[32], int64_t now,
          struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    int taken = 0;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_TAKE_TOKEN);
    sqlite_put_text(&c, tenant);
    sqlite_put_hash(&c, token_hash);
    sqlite_put_int(&c, now);
    rc = sqlite_change(&c, &taken, err);
    if (rc == RS_OK && !taken)
        rc = rs_fail(err, RS_E_AUTH_TOKEN, "store: the one-time code is not valid");
    return rc;
}

static rs_code
read_document(struct sqlite_store *s, const char *tenant, const uint8_t token_hash[32],
              struct rs_arena *arena, struct rs_bytes *ret_document, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_TOKEN);
    sqlite_put_text(&c, tenant);
    sqlite_put_hash(&c, token_hash);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    *ret_document = sqlite_next_blob(&r);
    return sqlite_row_check(&r, err);
}

rs_code
sqlite_take_token(struct store *store, const char *tenant, const uint8_t token_hash[32],
                  int64_t now, struct rs_arena *arena, struct rs_bytes *ret_document,
                  struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct rs_bytes document = {0};
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = use_token(s, tenant, token_hash, now, err);
    if (rc == RS_OK)
        rc = read_document(s, tenant, token_hash, arena, &document, err);
    rc = sqlite_finish(s, rc, err);
    if (rc == RS_OK)
        *ret_document = document;
    return rc;
}
