/*
 * store.c: checks what callers bring, then hands it to the backend.
 *
 * Lengths are checked here once, so that no backend does; parsers have refused
 * longer text long before, hence a violation is a mistake of ours
 * (RS_E_INTERNAL) and nothing is done.  Writing through a reader's handle is
 * refused the same way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/backend.h"
#include "store/requests.h"

static const struct store_backend *const backends[] = {&store_sqlite};

/* ---- Checks --------------------------------------------------------------------------- */

static int
text_fits(const char *text, size_t size)
{
    return text == NULL || strnlen(text, size) < size;
}

/* A name that may be "" or NULL. */
static int
fits(const char *name)
{
    return text_fits(name, STORE_NAME_MAX);
}

static int
name_ok(const char *name)
{
    return name != NULL && name[0] != '\0' && fits(name);
}

static int
bytes_ok(struct rs_bytes bytes, size_t min, size_t max)
{
    return bytes.len >= min && bytes.len <= max && (bytes.len == 0 || bytes.p != NULL);
}

static int
limit_ok(size_t limit)
{
    return limit > 0 && limit <= STORE_PAGE_MAX;
}

static rs_code
bad(struct rs_err *err, const char *call)
{
    return rs_fail(err, RS_E_INTERNAL, "store: %s: an argument breaks the contract", call);
}

static rs_code
check_writer(const struct store *store, const char *call, struct rs_err *err)
{
    if (store == NULL)
        return bad(err, call);
    if (!store->writer)
        return rs_fail(err, RS_E_INTERNAL, "store: %s: this handle only reads", call);
    return RS_OK;
}

/* ---- Opening ------------------------------------------------------------------------------ */

rs_code
store_open(const char *url, int writer, struct store **ret_store, struct rs_err *err)
{
    const char *colon;

    if (url == NULL || url[0] == '\0' || ret_store == NULL)
        return bad(err, "open");
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        size_t len = strlen(backends[i]->scheme);
        if (strncmp(url, backends[i]->scheme, len) == 0 && url[len] == ':' && url[len + 1] != '\0')
            return backends[i]->open(url + len + 1, writer, ret_store, err);
    }
    /* A bare path; a scheme that nobody here knows is no path. */
    colon = strchr(url, ':');
    if (colon != NULL && memchr(url, '/', (size_t)(colon - url)) == NULL)
        return rs_fail(err, RS_E_STORE_FAILED, "store: no such kind of database: %.40s", url);
    return store_sqlite.open(url, writer, ret_store, err);
}

void
store_close(struct store *store)
{
    if (store != NULL)
        store->backend->close(store);
}

rs_code
store_check(struct store *store, struct rs_err *err)
{
    return store->backend->check(store, err);
}

rs_code
store_look(struct store *store, struct rs_err *err)
{
    if (store == NULL || store->writer)
        return bad(err, "look");
    return store->backend->look(store, err);
}

void
store_look_done(struct store *store)
{
    store->backend->look_done(store);
}

/* ---- Issuing --------------------------------------------------------------------------------- */

static int
cert_ok(const struct store_cert *c)
{
    if (!name_ok(c->tenant) || !name_ok(c->issuer) || !name_ok(c->holder))
        return 0;
    if (!fits(c->profile) || !fits(c->device) || !fits(c->object) ||
        !text_fits(c->subject, STORE_TEXT_MAX))
        return 0;
    if (!bytes_ok(c->serial, 1, STORE_SERIAL_MAX) || !bytes_ok(c->der, 0, STORE_DER_MAX))
        return 0;
    if (c->state != STORE_CERT_ISSUED && c->state != STORE_CERT_LOST)
        return 0;
    if ((c->state == STORE_CERT_ISSUED) != (c->revoked_at == 0) || c->revoked_at < 0)
        return 0;
    return c->leaf < INT64_MAX && c->not_after >= c->not_before && c->reason <= 10;
}

static int
device_ok(const struct store_device *d)
{
    if (!fits(d->device) || !fits(d->product) || !fits(d->order) || !fits(d->station) ||
        !fits(d->fixture) || !fits(d->chip_model) || !fits(d->provenance))
        return 0;
    if (!bytes_ok(d->chip_uid, 0, STORE_UID_MAX) ||
        (d->chip_uid.len > 0 && !name_ok(d->chip_model)))
        return 0;
    if (d->device == NULL || d->device[0] == '\0')
        return 1;
    return d->state >= STORE_DEVICE_EXPECTED && d->state <= STORE_DEVICE_SCRAPPED &&
           d->took_ms >= 0;
}

rs_code
store_commit_issued(struct store *store, struct store_issue *items, size_t count,
                    struct rs_err *err)
{
    rs_code rc = check_writer(store, "commit_issued", err);

    if (rc != RS_OK)
        return rc;
    if (items == NULL || count == 0 || count > STORE_BATCH_MAX)
        return bad(err, "commit_issued");
    for (size_t i = 0; i < count; i++) {
        if (!cert_ok(&items[i].cert) || !device_ok(&items[i].device))
            return bad(err, "commit_issued");
    }
    return store->backend->commit_issued(store, items, count, err);
}

rs_code
store_find_key(struct store *store, const char *tenant, const uint8_t key_hash[32],
               struct rs_arena *arena, struct store_key *ret_key, struct rs_err *err)
{
    if (!name_ok(tenant) || key_hash == NULL || arena == NULL || ret_key == NULL)
        return bad(err, "find_key");
    return store->backend->find_key(store, tenant, key_hash, arena, ret_key, err);
}

rs_code
store_find_request(struct store *store, const char *tenant, const struct store_key *key,
                   const uint8_t request_id[32], struct rs_arena *arena,
                   struct store_cert *ret_cert, struct rs_err *err)
{
    if (!name_ok(tenant) || key == NULL || !bytes_ok(key->requests, 0, REQUESTS_BYTES_MAX) ||
        request_id == NULL || arena == NULL || ret_cert == NULL)
        return bad(err, "find_request");
    return store->backend->find_request(store, tenant, key, request_id, arena, ret_cert, err);
}

rs_code
store_find_chip(struct store *store, const char *tenant, const char *model, struct rs_bytes uid,
                struct rs_arena *arena, const char **ret_device, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(model) || !bytes_ok(uid, 1, STORE_UID_MAX) || arena == NULL ||
        ret_device == NULL)
        return bad(err, "find_chip");
    return store->backend->find_chip(store, tenant, model, uid, arena, ret_device, err);
}

rs_code
store_next_leaf(struct store *store, uint32_t signer_id, uint64_t *ret_leaf, struct rs_err *err)
{
    return store->backend->next_leaf(store, signer_id, ret_leaf, err);
}

rs_code
store_set_next_leaf(struct store *store, uint32_t signer_id, uint64_t leaf, struct rs_err *err)
{
    rs_code rc = check_writer(store, "set_next_leaf", err);

    if (rc == RS_OK && leaf > INT64_MAX)
        rc = bad(err, "set_next_leaf");
    return rc == RS_OK ? store->backend->set_next_leaf(store, signer_id, leaf, err) : rc;
}

/* ---- Certificates ------------------------------------------------------------------------------ */

rs_code
store_find_cert(struct store *store, const char *tenant, const char *issuer, struct rs_bytes serial,
                struct rs_arena *arena, struct store_cert *ret_cert, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(issuer) || arena == NULL || ret_cert == NULL)
        return bad(err, "find_cert");
    /* Serials come from outside: an impossible one is simply not here. */
    if (!bytes_ok(serial, 1, STORE_SERIAL_MAX))
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such certificate");
    return store->backend->find_cert(store, tenant, issuer, serial, arena, ret_cert, err);
}

rs_code
store_find_record(struct store *store, const char *tenant, const char *issuer,
                  struct rs_bytes serial, struct rs_arena *arena, struct store_cert *ret_cert,
                  struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(issuer) || arena == NULL || ret_cert == NULL)
        return bad(err, "find_record");
    if (!bytes_ok(serial, 1, STORE_SERIAL_MAX))
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such certificate");
    return store->backend->find_record(store, tenant, issuer, serial, arena, ret_cert, err);
}

rs_code
store_cert_status(struct store *store, const char *tenant, const char *issuer,
                  struct rs_bytes serial, struct store_status *ret_status, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(issuer) || ret_status == NULL)
        return bad(err, "cert_status");
    if (!bytes_ok(serial, 1, STORE_SERIAL_MAX))
        return rs_fail(err, RS_E_CERT_UNKNOWN, "store: there is no such certificate");
    return store->backend->cert_status(store, tenant, issuer, serial, ret_status, err);
}

static int
revocation_ok(const struct store_revocation *r)
{
    return name_ok(r->tenant) && name_ok(r->issuer) && bytes_ok(r->serial, 1, STORE_SERIAL_MAX) &&
           r->revoked_at > 0 && r->reason <= 10 && r->leaf < INT64_MAX;
}

rs_code
store_revoke(struct store *store, struct store_revocation *items, size_t count, struct rs_err *err)
{
    rs_code rc = check_writer(store, "revoke", err);

    if (rc != RS_OK)
        return rc;
    if (items == NULL || count == 0 || count > STORE_BATCH_MAX)
        return bad(err, "revoke");
    for (size_t i = 0; i < count; i++) {
        if (!revocation_ok(&items[i]))
            return bad(err, "revoke");
    }
    return store->backend->revoke(store, items, count, err);
}

rs_code
store_list_certs(struct store *store, const char *tenant, const struct store_cert_filter *filter,
                 store_cert_fn each, void *arg, struct rs_err *err)
{
    if (!name_ok(tenant) || filter == NULL || each == NULL || !limit_ok(filter->limit))
        return bad(err, "list_certs");
    if (!fits(filter->issuer) || !fits(filter->device) || !fits(filter->holder) ||
        filter->state < STORE_CERT_NOT_GOOD || filter->state > STORE_CERT_LOST ||
        !bytes_ok(filter->after, 0, STORE_NAME_MAX + STORE_SERIAL_MAX))
        return bad(err, "list_certs");
    return store->backend->list_certs(store, tenant, filter, each, arg, err);
}

/* ---- Devices ----------------------------------------------------------------------------------- */

rs_code
store_find_device(struct store *store, const char *tenant, const char *device,
                  struct rs_arena *arena, struct store_device *ret_device, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(device) || arena == NULL || ret_device == NULL)
        return bad(err, "find_device");
    return store->backend->find_device(store, tenant, device, arena, ret_device, err);
}

rs_code
store_add_device(struct store *store, const struct store_device *device, struct rs_err *err)
{
    rs_code rc = check_writer(store, "add_device", err);

    if (rc != RS_OK)
        return rc;
    if (!name_ok(device->tenant) || !name_ok(device->device) || !fits(device->product) ||
        !fits(device->provenance))
        return bad(err, "add_device");
    return store->backend->add_device(store, device, err);
}

rs_code
store_set_device_state(struct store *store, const char *tenant, const char *device,
                       enum store_device_state state, const char *fixture, int64_t took_ms,
                       struct rs_err *err)
{
    rs_code rc = check_writer(store, "set_device_state", err);

    if (rc != RS_OK)
        return rc;
    if (!name_ok(tenant) || !name_ok(device) || !fits(fixture) || took_ms < 0 ||
        state < STORE_DEVICE_EXPECTED || state > STORE_DEVICE_SCRAPPED)
        return bad(err, "set_device_state");
    return store->backend->set_device_state(store, tenant, device, state, fixture, took_ms, err);
}

rs_code
store_list_devices(struct store *store, const char *tenant,
                   const struct store_device_filter *filter, store_device_fn each, void *arg,
                   struct rs_err *err)
{
    if (!name_ok(tenant) || filter == NULL || each == NULL || !limit_ok(filter->limit))
        return bad(err, "list_devices");
    if (!fits(filter->order) || !fits(filter->product) || !fits(filter->station) ||
        !fits(filter->after) || filter->state < 0 || filter->state > STORE_DEVICE_SCRAPPED)
        return bad(err, "list_devices");
    return store->backend->list_devices(store, tenant, filter, each, arg, err);
}

/* ---- Orders ------------------------------------------------------------------------------------ */

static int
order_ok(const struct store_order *o)
{
    return o != NULL && name_ok(o->tenant) && name_ok(o->order) && fits(o->product) &&
           o->state >= STORE_ORDER_WAITING && o->state <= STORE_ORDER_CLOSED && o->quantity >= 0 &&
           o->target >= 0 && bytes_ok(o->document, 0, STORE_DOCUMENT_MAX);
}

/* L7: the shares never add up to more than the quantity. */
static int
shares_ok(const struct store_order *o, const struct store_share *shares, size_t count)
{
    int64_t left = o->quantity;

    if (shares == NULL && count > 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!name_ok(shares[i].station) || shares[i].size < 0 || shares[i].size > left)
            return 0;
        left -= shares[i].size;
    }
    return 1;
}

rs_code
store_put_order(struct store *store, const struct store_order *order,
                const struct store_share *shares, size_t share_count, struct rs_err *err)
{
    rs_code rc = check_writer(store, "put_order", err);

    if (rc != RS_OK)
        return rc;
    if (!order_ok(order) || !shares_ok(order, shares, share_count))
        return bad(err, "put_order");
    return store->backend->put_order(store, order, shares, share_count, err);
}

rs_code
store_find_order(struct store *store, const char *tenant, const char *order, struct rs_arena *arena,
                 struct store_order *ret_order, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(order) || arena == NULL || ret_order == NULL)
        return bad(err, "find_order");
    return store->backend->find_order(store, tenant, order, arena, ret_order, err);
}

rs_code
store_find_share(struct store *store, const char *tenant, const char *order, const char *station,
                 struct store_share *ret_share, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(order) || !name_ok(station) || ret_share == NULL)
        return bad(err, "find_share");
    return store->backend->find_share(store, tenant, order, station, ret_share, err);
}

rs_code
store_list_orders(struct store *store, const char *tenant, const char *after, size_t limit,
                  store_order_fn each, void *arg, struct rs_err *err)
{
    if (!name_ok(tenant) || !fits(after) || !limit_ok(limit) || each == NULL)
        return bad(err, "list_orders");
    return store->backend->list_orders(store, tenant, after, limit, each, arg, err);
}

/* ---- Boards ------------------------------------------------------------------------------------ */

static int
board_ok(const struct store_board *b)
{
    static const char *const states[] = {"pass", "reject", "again", "scrap"};

    if (!name_ok(b->tenant) || !name_ok(b->station) || b->seq < 1 || b->took_ms < 0)
        return 0;
    if (!fits(b->fixture) || !fits(b->board) || !fits(b->device) || !fits(b->order) ||
        !fits(b->code) || !fits(b->step) || !fits(b->chip_model) ||
        !bytes_ok(b->chip_uid, 0, STORE_UID_MAX))
        return 0;
    for (size_t i = 0; b->state != NULL && i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(b->state, states[i]) == 0)
            return 1;
    }
    return 0;
}

rs_code
store_add_boards(struct store *store, const struct store_board *boards, size_t count,
                 int64_t *ret_next_seq, struct rs_err *err)
{
    rs_code rc = check_writer(store, "add_boards", err);

    if (rc != RS_OK)
        return rc;
    if (boards == NULL || count == 0 || count > STORE_BATCH_MAX || ret_next_seq == NULL)
        return bad(err, "add_boards");
    for (size_t i = 0; i < count; i++) {
        if (!board_ok(&boards[i]) || strcmp(boards[i].tenant, boards[0].tenant) != 0 ||
            strcmp(boards[i].station, boards[0].station) != 0)
            return bad(err, "add_boards");
    }
    return store->backend->add_boards(store, boards, count, ret_next_seq, err);
}

rs_code
store_list_boards(struct store *store, const char *tenant, const char *station, int64_t after_seq,
                  size_t limit, store_board_fn each, void *arg, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(station) || !limit_ok(limit) || each == NULL)
        return bad(err, "list_boards");
    return store->backend->list_boards(store, tenant, station, after_seq, limit, each, arg, err);
}

/* ---- Objects and tokens --------------------------------------------------------------------------- */

static int
object_ok(const struct store_object *o)
{
    return o != NULL && name_ok(o->tenant) && name_ok(o->kind) && name_ok(o->name) &&
           fits(o->state) && bytes_ok(o->document, 0, STORE_DOCUMENT_MAX);
}

rs_code
store_put_object(struct store *store, const struct store_object *object, int64_t expected_version,
                 int64_t *ret_version, struct rs_err *err)
{
    rs_code rc = check_writer(store, "put_object", err);

    if (rc != RS_OK)
        return rc;
    if (!object_ok(object) || expected_version < -1)
        return bad(err, "put_object");
    return store->backend->put_object(store, object, expected_version, ret_version, err);
}

rs_code
store_find_object(struct store *store, const char *tenant, const char *kind, const char *name,
                  int64_t version, struct rs_arena *arena, struct store_object *ret_object,
                  struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(kind) || !name_ok(name) || version < 0 || arena == NULL ||
        ret_object == NULL)
        return bad(err, "find_object");
    return store->backend->find_object(store, tenant, kind, name, version, arena, ret_object, err);
}

rs_code
store_list_objects(struct store *store, const char *tenant, const char *kind, const char *after,
                   size_t limit, store_object_fn each, void *arg, struct rs_err *err)
{
    if (!name_ok(tenant) || !name_ok(kind) || !fits(after) || !limit_ok(limit) || each == NULL)
        return bad(err, "list_objects");
    return store->backend->list_objects(store, tenant, kind, after, limit, each, arg, err);
}

rs_code
store_take_token(struct store *store, const char *tenant, const uint8_t token_hash[32], int64_t now,
                 struct rs_arena *arena, struct rs_bytes *ret_document, struct rs_err *err)
{
    rs_code rc = check_writer(store, "take_token", err);

    if (rc != RS_OK)
        return rc;
    if (!name_ok(tenant) || token_hash == NULL || arena == NULL || ret_document == NULL)
        return bad(err, "take_token");
    return store->backend->take_token(store, tenant, token_hash, now, arena, ret_document, err);
}

rs_code
store_put_token(struct store *store, const char *tenant, const uint8_t token_hash[32], int64_t uses,
                int64_t expires_at, struct rs_bytes document, struct rs_err *err)
{
    rs_code rc = check_writer(store, "put_token", err);

    if (rc != RS_OK)
        return rc;
    if (!name_ok(tenant) || token_hash == NULL || uses < 1 ||
        !bytes_ok(document, 0, STORE_DOCUMENT_MAX))
        return bad(err, "put_token");
    return store->backend->put_token(store, tenant, token_hash, uses, expires_at, document, err);
}

/* ---- Checkpoints and figures ---------------------------------------------------------------------- */

rs_code
store_put_checkpoint(struct store *store, uint32_t signer_id, uint64_t size, struct rs_bytes note,
                     struct rs_err *err)
{
    rs_code rc = check_writer(store, "put_checkpoint", err);

    if (rc != RS_OK)
        return rc;
    if (size > INT64_MAX || !bytes_ok(note, 1, STORE_DER_MAX))
        return bad(err, "put_checkpoint");
    return store->backend->put_checkpoint(store, signer_id, size, note, err);
}

rs_code
store_find_checkpoint(struct store *store, uint32_t signer_id, struct rs_arena *arena,
                      struct rs_bytes *ret_note, struct rs_err *err)
{
    if (arena == NULL || ret_note == NULL)
        return bad(err, "find_checkpoint");
    return store->backend->find_checkpoint(store, signer_id, arena, ret_note, err);
}

rs_code
store_get_stats(struct store *store, const char *tenant, struct store_stats *ret_stats,
                struct rs_err *err)
{
    if (!name_ok(tenant) || ret_stats == NULL)
        return bad(err, "get_stats");
    return store->backend->get_stats(store, tenant, ret_stats, err);
}

rs_code
store_tidy(struct store *store, struct rs_err *err)
{
    return store->backend->tidy(store, err);
}
