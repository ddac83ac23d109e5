/*
 * certs.c: finding, listing and revoking certificates, and what a key got.
 *
 * Lists never touch the DER and page by key: the next page starts after the
 * last (issuer, serial) seen, which costs the same on page one and on page one
 * thousand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "store/requests.h"
#include "store/sqlite/sqlite.h"

/* ---- One certificate ----------------------------------------------------------------- */

static void
read_cert(struct sqlite_row *r, struct store_cert *cert)
{
    cert->tenant = sqlite_next_text(r);
    cert->issuer = sqlite_next_text(r);
    cert->serial = sqlite_next_blob(r);
    cert->state = (enum store_cert_state)sqlite_next_int(r);
    cert->signer_id = (uint32_t)sqlite_next_int(r);
    cert->leaf = (uint64_t)sqlite_next_int(r);
    sqlite_next_hash(r, cert->request_id);
    cert->profile = sqlite_next_text(r);
    cert->device = sqlite_next_text(r);
    cert->object = sqlite_next_text(r);
    cert->holder = sqlite_next_text(r);
    cert->subject = sqlite_next_text(r);
    sqlite_next_hash(r, cert->key_hash);
    sqlite_next_hash(r, cert->fingerprint);
    cert->not_before = sqlite_next_int(r);
    cert->not_after = sqlite_next_int(r);
    cert->revoked_at = sqlite_next_int(r);
    cert->reason = (uint8_t)sqlite_next_int(r);
}

static rs_code
take_cert(struct sqlite_call *c, struct rs_arena *arena, struct store_cert *ret_cert,
          struct rs_err *err)
{
    struct sqlite_row r = {.call = c, .arena = arena};
    struct store_cert cert = {0};
    rs_code rc = sqlite_step(c, err);

    if (rc != RS_OK)
        return rc;
    if (!c->row)
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such certificate");
    read_cert(&r, &cert);
    cert.der = sqlite_next_blob(&r);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK)
        *ret_cert = cert;
    return rc;
}

static rs_code
find_by_serial(struct store *store, enum sqlite_sql id, const char *tenant, const char *issuer,
               struct rs_bytes serial, struct rs_arena *arena, struct store_cert *ret_cert,
               struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, (struct sqlite_store *)store, id);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, issuer);
    sqlite_put_blob(&c, serial);
    return take_cert(&c, arena, ret_cert, err);
}

rs_code
sqlite_find_cert(struct store *store, const char *tenant, const char *issuer,
                 struct rs_bytes serial, struct rs_arena *arena, struct store_cert *ret_cert,
                 struct rs_err *err)
{
    return find_by_serial(store, SQLITE_SQL_FIND_CERT, tenant, issuer, serial, arena, ret_cert,
                          err);
}

rs_code
sqlite_find_record(struct store *store, const char *tenant, const char *issuer,
                   struct rs_bytes serial, struct rs_arena *arena, struct store_cert *ret_cert,
                   struct rs_err *err)
{
    return find_by_serial(store, SQLITE_SQL_FIND_RECORD, tenant, issuer, serial, arena, ret_cert,
                          err);
}

rs_code
sqlite_cert_status(struct store *store, const char *tenant, const char *issuer,
                   struct rs_bytes serial, struct store_status *ret_status, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_CERT_STATUS);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, issuer);
    sqlite_put_blob(&c, serial);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row)
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such certificate");
    ret_status->state = (enum store_cert_state)sqlite_next_int(&r);
    ret_status->revoked_at = sqlite_next_int(&r);
    ret_status->reason = (uint8_t)sqlite_next_int(&r);
    ret_status->not_after = sqlite_next_int(&r);
    return RS_OK;
}

/* ---- Keys, and what was asked for with them ---------------------------------------------- */

rs_code
sqlite_find_key(struct store *store, const char *tenant, const uint8_t key_hash[32],
                struct rs_arena *arena, struct store_key *ret_key, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c, .arena = arena};
    struct store_key key;
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_FIND_KEY);
    sqlite_put_text(&c, tenant);
    sqlite_put_hash(&c, key_hash);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row)
        return rs_fail(err, RS_E_DEVICE_UNKNOWN, "store: the key belongs to nobody");
    key.device = sqlite_next_text(&r);
    key.requests = sqlite_next_blob(&r);
    memcpy(key.key_hash, key_hash, 32);
    rc = sqlite_row_check(&r, err);
    if (rc == RS_OK)
        *ret_key = key;
    return rc;
}

/* The certificate that an entry names: it is there, and it is the one that was asked for. */
static rs_code
take_answer(struct store *store, const char *tenant, const struct store_key *key,
            const struct requests_entry *entry, struct rs_arena *arena, struct store_cert *ret_cert,
            struct rs_err *err)
{
    char issuer[STORE_NAME_MAX] = "";
    struct rs_err none = {0};
    struct store_cert cert;
    rs_code rc;

    memcpy(issuer, entry->issuer.p, entry->issuer.len);
    rc = sqlite_find_cert(store, tenant, issuer, entry->serial, arena, &cert, &none);
    if (rc != RS_OK && rc != RS_E_CERT_UNKNOWN)
        return rs_fail(err, rc, "%s", none.text);
    if (rc != RS_OK || memcmp(cert.request_id, entry->id.p, 32) != 0 ||
        memcmp(cert.key_hash, key->key_hash, 32) != 0)
        return rs_fail(err, RS_E_STORE_DAMAGED,
                       "store: a key's list names a certificate that is not its own");
    *ret_cert = cert;
    return RS_OK;
}

rs_code
sqlite_find_request(struct store *store, const char *tenant, const struct store_key *key,
                    const uint8_t request_id[32], struct rs_arena *arena,
                    struct store_cert *ret_cert, struct rs_err *err)
{
    struct requests_entry entry;
    int found;
    rs_code rc = requests_find(key->requests, request_id, rs_now(), &entry, &found, err);

    if (rc != RS_OK)
        return rc;
    if (!found)
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such request");
    return take_answer(store, tenant, key, &entry, arena, ret_cert, err);
}

/* ---- Revoking --------------------------------------------------------------------------- */

/* Nothing was changed: unknown, revoked before, or this very leaf again. */
static rs_code
judge_revoked(struct sqlite_store *s, struct store_revocation *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    int again;
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_FIND_REVOKED);
    sqlite_put_text(&c, item->tenant);
    sqlite_put_text(&c, item->issuer);
    sqlite_put_blob(&c, item->serial);
    rc = sqlite_step(&c, err);
    if (rc != RS_OK)
        return rc;
    if (!c.row) {
        item->result = RS_E_CERT_UNKNOWN;
        return RS_OK;
    }
    again = sqlite_next_int(&r) == STORE_CERT_REVOKED;
    again &= sqlite_next_int(&r) == item->signer_id;
    again &= sqlite_next_int(&r) == (int64_t)item->leaf;
    item->result = again ? RS_OK : RS_E_CERT_REVOKED;
    return RS_OK;
}

static rs_code
revoke_item(struct sqlite_store *s, struct store_revocation *item, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    int changed = 0;
    rs_code rc;

    item->result = RS_OK;
    sqlite_call_init(&c, s, SQLITE_SQL_REVOKE);
    sqlite_put_int(&c, item->revoked_at);
    sqlite_put_int(&c, item->reason);
    sqlite_put_int(&c, item->signer_id);
    sqlite_put_int(&c, (int64_t)item->leaf);
    sqlite_put_text(&c, item->tenant);
    sqlite_put_text(&c, item->issuer);
    sqlite_put_blob(&c, item->serial);
    rc = sqlite_change(&c, &changed, err);
    if (rc == RS_OK && !changed)
        rc = judge_revoked(s, item, err);
    else if (rc == RS_OK)
        rc = sqlite_add_figure(s, item->tenant, SQLITE_FIGURE_REVOKED, 1, err);
    return rc;
}

rs_code
sqlite_revoke(struct store *store, struct store_revocation *items, size_t count, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    rs_code rc = sqlite_begin(s, err);

    for (size_t i = 0; rc == RS_OK && i < count; i++)
        rc = revoke_item(s, &items[i], err);
    return sqlite_finish(s, rc, err);
}

/* ---- Lists --------------------------------------------------------------------------------- */

/* The last row of the page before: issuer NUL serial. */
struct place {
    const char *issuer; /* NULL: from the start */
    struct rs_bytes serial;
};

static rs_code
read_place(const struct store_cert_filter *f, struct place *ret_place, struct rs_err *err)
{
    const uint8_t *end;

    if (f->after.len == 0)
        return RS_OK;
    end = memchr(f->after.p, 0, f->after.len);
    if (end == NULL || (f->issuer != NULL && strcmp((const char *)f->after.p, f->issuer) != 0))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "store: a page starts after issuer NUL serial");
    ret_place->issuer = (const char *)f->after.p;
    ret_place->serial = rs_bytes_of(end + 1, f->after.len - (size_t)(end + 1 - f->after.p));
    return RS_OK;
}

/* The narrowest index that the filter allows; the order of rows is the same in each. */
static const char *
pick_index(const struct store_cert_filter *f)
{
    if (f->device != NULL && f->device[0] != '\0')
        return " INDEXED BY certificate_device";
    if (f->holder != NULL && strcmp(f->holder, "device") != 0)
        return " INDEXED BY certificate_holder";
    if (f->state != 0 && f->state != STORE_CERT_ISSUED)
        return " INDEXED BY certificate_not_good";
    return "";
}

/* The parts of the WHERE clause; bind_filter follows the same order. */
static void
put_filter(struct rs_buf *sql, const struct store_cert_filter *f, const struct place *place)
{
    if (f->issuer != NULL)
        rs_buf_put_str(sql, " AND issuer = ?");
    if (f->device != NULL)
        rs_buf_put_str(sql, f->device[0] != '\0' ? " AND device = ? AND device <> ''"
                                                 : " AND device = ?");
    if (f->holder != NULL)
        rs_buf_put_str(sql, strcmp(f->holder, "device") != 0
                                ? " AND holder = ? AND holder <> 'device'"
                                : " AND holder = ?");
    if (f->state > 0)
        rs_buf_put_str(sql, f->state != STORE_CERT_ISSUED ? " AND state = ? AND state <> 1"
                                                          : " AND state = ?");
    else if (f->state == STORE_CERT_NOT_GOOD)
        rs_buf_put_str(sql, " AND state <> 1");
    /* Within one issuer the serial alone is the key: that keeps the index usable. */
    if (place->issuer != NULL)
        rs_buf_put_str(sql,
                       f->issuer != NULL ? " AND serial > ?" : " AND (issuer, serial) > (?, ?)");
    rs_buf_put_str(sql, " ORDER BY issuer, serial LIMIT ?");
    rs_buf_put_u8(sql, 0);
}

static void
bind_filter(struct sqlite_call *c, const struct store_cert_filter *f, const struct place *place)
{
    if (f->issuer != NULL)
        sqlite_put_text(c, f->issuer);
    if (f->device != NULL)
        sqlite_put_text(c, f->device);
    if (f->holder != NULL)
        sqlite_put_text(c, f->holder);
    if (f->state > 0)
        sqlite_put_int(c, f->state);
    if (place->issuer != NULL && f->issuer == NULL)
        sqlite_put_text(c, place->issuer);
    if (place->issuer != NULL)
        sqlite_put_blob(c, place->serial);
    sqlite_put_int(c, (int64_t)f->limit);
}

static rs_code
walk_certs(struct sqlite_call *c, store_cert_fn each, void *arg, struct rs_err *err)
{
    rs_code rc;

    for (;;) {
        struct sqlite_row r = {.call = c};
        struct store_cert cert = {0};
        rc = sqlite_step(c, err);
        if (rc != RS_OK || !c->row)
            return rc;
        read_cert(&r, &cert);
        rc = sqlite_row_check(&r, err);
        if (rc != RS_OK || each(arg, &cert) != 0)
            return rc;
    }
}

rs_code
sqlite_list_certs(struct store *store, const char *tenant, const struct store_cert_filter *filter,
                  store_cert_fn each, void *arg, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct place place = {0};
    char text[1024];
    struct rs_buf sql;
    rs_code rc = read_place(filter, &place, err);

    if (rc != RS_OK)
        return rc;
    rs_buf_init_fixed(&sql, (uint8_t *)text, sizeof(text));
    rs_buf_put_str(&sql, "SELECT tenant, issuer, serial, state, signer_id, leaf, request_id,"
                         " profile, device, object, holder, subject, key_hash, fingerprint,"
                         " not_before, not_after, revoked_at, reason FROM certificate");
    rs_buf_put_str(&sql, pick_index(filter));
    rs_buf_put_str(&sql, " WHERE tenant = ?");
    put_filter(&sql, filter, &place);
    if (!rs_buf_ok(&sql))
        return rs_fail(err, RS_E_INTERNAL, "store: a list statement does not fit");

    sqlite_call_init_text(&c, (struct sqlite_store *)store, text);
    sqlite_put_text(&c, tenant);
    bind_filter(&c, filter, &place);
    return walk_certs(&c, each, arg, err);
}
