/*
 * line.c: /station/v1 for stations: enrolment, orders, boards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "server/front.h"

#define CSR_MAX       32768
#define BOARDS_MAX    256
#define STATION_LABEL "rootsmith station v1"
#define ROOT_LABEL    "rootsmith root v1"

/* ---- Enrolment ----------------------------------------------------------------------------- */

struct take_token {
    const char *tenant;
    uint8_t id[32];
    struct rs_arena *arena;
    struct rs_bytes document;
};

static rs_code
take_token(struct store *store, void *arg, struct rs_err *err)
{
    struct take_token *t = arg;

    return store_take_token(store, t->tenant, t->id, rs_now(), t->arena, &t->document, err);
}

struct enrol {
    struct call *call;
    uint8_t key[32];
};

static rs_code
mark_active(struct store *store, void *arg, struct rs_err *err)
{
    struct call *call = arg;
    struct store_object o = {.tenant = pki_tenant(call->front->pki),
                             .kind = "station",
                             .name = rs_json_text_or(call->body, "name", ""),
                             .state = "active",
                             .document = rs_bytes_str("{}"),
                             .created_at = rs_now(),
                             .updated_at = rs_now()};
    int64_t version;

    return store_put_object(store, &o, -1, &version, err);
}

/* The server proves that it knows the code too, over the root that it hands out. */
static json_t *
prove(struct call *call, const char *issuer, const uint8_t key[32])
{
    struct rs_bytes chain[8];
    size_t n = pki_chain(call->front->pki, issuer, chain, 8);
    uint8_t hash[32] = {0}, mac[32];
    struct rs_bytes parts[] = {rs_bytes_str(ROOT_LABEL), RS_BYTES(hash)};

    if (n > 0)
        cert_fingerprint(chain[n - 1], hash);
    crypto_hmac_sha256(rs_bytes_of(key, 32), parts, 2, mac);
    return json_base64(RS_BYTES(mac));
}

static void
on_station_cert(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct enrol *e = arg;

    if (rc != RS_OK) {
        call_refuse(e->call, err);
    } else {
        json_t *j = json_cert(e->call->front, cert);
        (void)json_object_set_new(j, "proof", prove(e->call, cert->issuer, e->key));
        call_reply(e->call, 201, j);
    }
    rs_wipe(e->key, sizeof(e->key));
    rs_arena_done(&e->call->arena);
    json_decref(e->call->body);
    free(e->call);
    free(e);
}

static rs_code
check_token(struct call *call, struct rs_bytes csr, struct enrol *e, struct rs_err *err)
{
    struct take_token t = {.tenant = pki_tenant(call->front->pki), .arena = &call->arena};
    const char *name = rs_json_text_or(call->body, "name", "");
    struct rs_bytes proof, parts[] = {rs_bytes_str(STATION_LABEL), rs_bytes_str(name), csr};
    uint8_t mac[32];
    size_t len = 0;
    json_t *doc = NULL;
    rs_code rc;

    rc = rs_json_hex(call->body, "token", t.id, sizeof(t.id), &len, err);
    if (rc == RS_OK)
        rc = call_bytes(call, "proof", 32, &proof, err);
    if (rc == RS_OK && len != 32)
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "token: 32 bytes of hex");
    if (rc == RS_OK)
        rc = pki_write(call->front->pki, take_token, &t, err);
    if (rc == RS_OK)
        rc = rs_json_read(t.document, &doc, err);
    if (rc == RS_OK)
        rc = rs_json_hex(doc, "key", e->key, 32, &len, err);
    if (rc == RS_OK && strcmp(rs_json_text_or(doc, "name", ""), name) != 0)
        rc = rs_fail(err, RS_E_AUTH_TOKEN, "token: it was made for another station");
    json_decref(doc);
    if (rc != RS_OK)
        return rc;
    crypto_hmac_sha256(RS_BYTES(e->key), parts, 3, mac);
    if (!rs_bytes_equal_secret(RS_BYTES(mac), proof))
        return rs_fail(err, RS_E_AUTH_TOKEN, "token: the proof is not made with the code");
    return RS_OK;
}

static void
post_enroll(struct call *call)
{
    struct pki_issue_request request = {.protocol = "token", .label = "station"};
    struct rs_err err = {0};
    struct enrol *e = calloc(1, sizeof(*e));
    struct call *kept = malloc(sizeof(*kept));
    rs_code rc = RS_OK;

    if (e == NULL || kept == NULL)
        rc = rs_fail(&err, RS_E_NO_MEMORY, "request");
    if (rc == RS_OK)
        rc = call_bytes(call, "csr", CSR_MAX, &request.csr, &err);
    if (rc == RS_OK)
        rc = check_token(call, request.csr, e, &err);
    if (rc == RS_OK)
        rc = pki_write(call->front->pki, mark_active, call, &err);
    if (rc != RS_OK) {
        free(e);
        free(kept);
        call_refuse(call, &err);
        return;
    }
    request.caller.role = PKI_PERSON; /* the code stands for the person who made it */
    (void)snprintf(request.caller.name, sizeof(request.caller.name), "%s",
                   rs_json_text_or(call->body, "name", ""));
    (void)snprintf(request.caller.who, sizeof(request.caller.who), "token:%.60s",
                   request.caller.name);
    *kept = *call;
    rs_arena_init(&call->arena, 1);
    call->body = NULL;
    e->call = kept;
    pki_issue(kept->front->pki, &request, on_station_cert, e);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

struct order_list {
    struct call *call;
    json_t *items;
};

static json_t *
json_work_order(struct call *call, const struct store_order *o, const struct doc_order *d,
                const struct doc_share *share)
{
    struct store_share counted = {0};
    struct rs_err err = {0};
    struct store *store;
    int64_t taken = 0;

    if (pki_reader(call->front->pki, &store, &err) == RS_OK &&
        store_find_share(store, pki_tenant(call->front->pki), o->order, call->caller.name, &counted,
                         &err) == RS_OK)
        taken = counted.taken;
    return json_pack(
        "{s:s, s:s, s:s%, s:s%, s:I, s:I, s:I, s:I, s:I, s:I, s:s%, s:s, s:b, s:o}", "kind",
        "order", "name", o->order, "rot", d->rot.p, d->rot.len, "layout",
        d->layout.p ? (const char *)d->layout.p : "", d->layout.len, "quantity",
        (json_int_t)o->quantity, "target", (json_int_t)o->target, "signed", (json_int_t)o->taken,
        "good", (json_int_t)o->good, "share", (json_int_t)share->size, "taken", (json_int_t)taken,
        "serials", d->serial_match.p ? (const char *)d->serial_match.p : "", d->serial_match.len,
        "provenance", vendor_level_name(pki_part_demand(call->front->pki, d)), "production",
        call->front->config->production, "document", json_base64(o->document));
}

static int
add_order(void *arg, const struct store_order *o)
{
    struct order_list *l = arg;
    struct doc_order d;
    const struct doc_share *share;

    if (doc_order_read(o->document, &d, NULL) != RS_OK || o->state != STORE_ORDER_OPEN)
        return 0;
    share = doc_order_share(&d, rs_bytes_str(l->call->caller.name));
    if (share == NULL)
        return 0;
    return json_array_append_new(l->items, json_work_order(l->call, o, &d, share)) != 0;
}

static void
get_orders(struct call *call)
{
    struct order_list l = {call, json_array()};
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, &err);

    if (rc == RS_OK)
        rc = store_list_orders(store, pki_tenant(call->front->pki), NULL, 500, add_order, &l, &err);
    if (rc != RS_OK) {
        json_decref(l.items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, json_pack("{s:o, s:n}", "items", l.items, "next"));
}

/* ---- Boards ------------------------------------------------------------------------------------ */

struct board_batch {
    const char *tenant;
    struct store_board boards[BOARDS_MAX];
    size_t count;
    int64_t next_seq;
};

static rs_code
write_boards(struct store *store, void *arg, struct rs_err *err)
{
    struct board_batch *b = arg;

    return store_add_boards(store, b->boards, b->count, &b->next_seq, err);
}

static rs_code
read_board(struct call *call, const json_t *j, struct store_board *b, struct rs_err *err)
{
    uint8_t uid[32];
    size_t uid_len = 0;
    int64_t took = 0, time_ms = 0;
    rs_code rc;

    memset(b, 0, sizeof(*b));
    b->tenant = pki_tenant(call->front->pki);
    b->station = call->caller.name;
    rc = rs_json_int(j, "seq", 1, INT64_MAX, &b->seq, err);
    if (rc == RS_OK)
        rc = rs_json_text(j, "state", &b->state, err);
    if (rc == RS_OK && json_object_get(j, "uid") != NULL)
        rc = rs_json_hex(j, "uid", uid, sizeof(uid), &uid_len, err);
    if (rc == RS_OK)
        rc = rs_json_int(j, "took_ms", 0, 86400000, &took, err);
    if (rc == RS_OK)
        rc = rs_json_int(j, "time_ms", 0, INT64_MAX, &time_ms, err);
    if (rc != RS_OK)
        return rc;
    b->fixture = rs_json_text_or(j, "fixture", "");
    b->board = rs_json_text_or(j, "board", "");
    b->device = rs_json_text_or(j, "device", "");
    b->order = rs_json_text_or(j, "order", "");
    b->code = rs_json_text_or(j, "code", "");
    b->step = rs_json_text_or(j, "step", "");
    b->chip_model = rs_json_text_or(j, "model", "");
    b->chip_uid = rs_arena_copy(&call->arena, rs_bytes_of(uid, uid_len));
    b->took_ms = took;
    b->time_ms = time_ms;
    b->identity_used = json_is_true(json_object_get(j, "identity_used"));
    return RS_OK;
}

static void
post_boards(struct call *call)
{
    const json_t *items = json_object_get(call->body, "items");
    struct board_batch *b = calloc(1, sizeof(*b));
    struct rs_err err = {0};
    rs_code rc = RS_OK;

    if (b == NULL || json_array_size(items) == 0 || json_array_size(items) > BOARDS_MAX)
        rc = rs_fail(&err, RS_E_REQUEST_FORMAT, "boards: 1 to %d items", BOARDS_MAX);
    for (size_t i = 0; rc == RS_OK && i < json_array_size(items); i++)
        rc = read_board(call, json_array_get(items, i), &b->boards[b->count++], &err);
    if (rc == RS_OK)
        rc = pki_write(call->front->pki, write_boards, b, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_pack("{s:I}", "next_seq", (json_int_t)b->next_seq));
    free(b);
}

const struct route station_routes[] = {
    {HTTP_POST, "enroll", 0, NULL, PKI_NOBODY, post_enroll},
    {HTTP_GET, "orders", 0, NULL, PKI_STATION, get_orders},
    {HTTP_POST, "boards", 0, NULL, PKI_STATION, post_boards},
    {HTTP_POST, "tpm", 1, NULL, PKI_STATION, post_station_tpm},
    {HTTP_POST, "part", 1, NULL, PKI_STATION, post_station_part},
    {HTTP_GET, NULL, 0, NULL, PKI_NOBODY, NULL},
};
