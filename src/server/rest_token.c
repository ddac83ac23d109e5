/*
 * rest_token.c: one-time codes for devices: made, listed, withdrawn.
 *
 * The code itself never comes here; its hash finds the token (code.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "server/rest.h"

#define LIFE_S     86400
#define LIFE_MAX_S ((int64_t)366 * 86400)
#define PAGE       500

struct new_token {
    struct store_object token;
    struct store_device device; /* device.device NULL: it is there already */
};

/* A code for a device that nobody knew yet is what makes it known. */
static rs_code
write_token(struct store *store, void *arg, struct rs_err *err)
{
    struct new_token *t = arg;
    int64_t version;
    rs_code rc = RS_OK;

    if (t->device.device != NULL)
        rc = store_add_device(store, &t->device, err);
    return rc == RS_OK ? store_put_object(store, &t->token, 0, &version, err) : rc;
}

/* What the body says; what it leaves out is a day, and one use. */
struct wish {
    uint8_t id[32];
    int64_t until, uses;
    const char *product;
};

static rs_code
read_wish(struct call *call, struct wish *w, struct rs_err *err)
{
    size_t len = 0;
    rs_code rc = rs_json_hex(call->body, "token", w->id, sizeof(w->id), &len, err);

    w->until = rs_now() + LIFE_S;
    w->uses = 1;
    w->product = rs_json_text_or(call->body, "product", "");
    if (rc == RS_OK && len != sizeof(w->id))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "token: 32 bytes of hex");
    if (rc == RS_OK && json_object_get(call->body, "uses") != NULL)
        rc = rs_json_int(call->body, "uses", 1, CODE_USES_MAX, &w->uses, err);
    if (rc == RS_OK && json_object_get(call->body, "until") != NULL)
        rc = rs_json_int(call->body, "until", rs_now() + 1, rs_now() + LIFE_MAX_S, &w->until, err);
    return rc;
}

/* The device and its product: known from before, or to be. */
static rs_code
find_device(struct call *call, struct wish *w, struct new_token *t, struct rs_err *err)
{
    const char *tenant = pki_tenant(call->front->pki);
    struct rs_err none = {0};
    struct store_object product;
    struct store_device d;
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, err);

    if (rc == RS_OK && w->product[0] != '\0' &&
        store_find_object(store, tenant, "product", w->product, 0, &call->arena, &product, &none) !=
            RS_OK)
        rc = rs_fail(err, RS_E_REQUEST_UNKNOWN, "there is no product \"%.60s\"", w->product);
    if (rc != RS_OK)
        return rc;
    none = (struct rs_err){0};
    rc = store_find_device(store, tenant, call->name, &call->arena, &d, &none);
    if (rc == RS_OK && w->product[0] != '\0' && strcmp(d.product, w->product) != 0)
        return rs_fail(err, RS_E_DEVICE_EXISTS, "device %s is one of product %s", call->name,
                       d.product);
    if (rc == RS_OK) {
        w->product = d.product;
        return RS_OK;
    }
    if (rc != RS_E_DEVICE_UNKNOWN || w->product[0] == '\0')
        return rs_fail(err, rc, "%s", none.text);
    t->device = (struct store_device){.tenant = tenant,
                                      .device = call->name,
                                      .product = w->product,
                                      .provenance = "token",
                                      .made_at = rs_now()};
    return RS_OK;
}

void
rest_put_device_token(struct call *call)
{
    struct new_token t = {{0}, {0}};
    struct rs_err err = {0};
    struct wish w;
    char name[CODE_NAME_SIZE] = "";
    json_t *doc;
    rs_code rc = read_wish(call, &w, &err);

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, CODE_DOCUMENT_MAX);
    if (rc == RS_OK)
        rc = find_device(call, &w, &t, &err);
    if (rc != RS_OK) {
        call_refuse(call, &err);
        return;
    }
    code_name(w.id, name);
    doc =
        json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:s, s:[]}", "kind", "token", "id",
                  json_hex(RS_BYTES(w.id)), "device", call->name, "product", w.product, "until",
                  (json_int_t)w.until, "uses", (json_int_t)w.uses, "by", call->caller.who, "used");
    rs_json_put(&text, doc);
    json_decref(doc);
    t.token = (struct store_object){.tenant = pki_tenant(call->front->pki),
                                    .kind = "token",
                                    .name = name,
                                    .state = "open",
                                    .document = rs_buf_bytes(&text),
                                    .created_at = rs_now(),
                                    .updated_at = rs_now()};
    rc = pki_write(call->front->pki, write_token, &t, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 201,
                   json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "kind", "token", "id", name,
                             "for", "device", "name", call->name, "product", w.product, "uses",
                             (json_int_t)w.uses, "until", json_time(w.until)));
}

/* ---- List and withdraw -------------------------------------------------------------------- */

static const char *
state_of(const struct store_object *o, const json_t *doc)
{
    int64_t uses = (int64_t)json_integer_value(json_object_get(doc, "uses"));

    if (strcmp(o->state, "open") != 0)
        return o->state;
    if ((int64_t)json_array_size(json_object_get(doc, "used")) >= uses)
        return "used";
    return rs_now() >= (int64_t)json_integer_value(json_object_get(doc, "until")) ? "expired"
                                                                                  : "open";
}

static json_t *
json_token(const struct store_object *o)
{
    RS_AUTO(rs_json_done) json_t *doc = NULL;

    if (rs_json_read(o->document, &doc, NULL) != RS_OK)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:s}", "kind", "token", "id",
                     o->name, "name", rs_json_text_or(doc, "device", ""), "product",
                     rs_json_text_or(doc, "product", ""), "state", state_of(o, doc), "uses",
                     (json_int_t)json_integer_value(json_object_get(doc, "uses")), "used",
                     (json_int_t)json_array_size(json_object_get(doc, "used")), "until",
                     json_time((int64_t)json_integer_value(json_object_get(doc, "until"))), "by",
                     rs_json_text_or(doc, "by", ""));
}

static int
add_token(void *arg, const struct store_object *o)
{
    return json_array_append_new(arg, json_token(o)) != 0;
}

void
rest_get_tokens(struct call *call)
{
    json_t *items = json_array();
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, &err);

    if (rc == RS_OK)
        rc = store_list_objects(store, pki_tenant(call->front->pki), "token", NULL, PAGE, add_token,
                                items, &err);
    if (rc != RS_OK) {
        json_decref(items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, json_pack("{s:o, s:n}", "items", items, "next"));
}

struct withdrawal {
    const char *tenant, *name;
    struct rs_arena *arena;
    struct store_object token;
};

static rs_code
withdraw(struct store *store, void *arg, struct rs_err *err)
{
    struct withdrawal *w = arg;
    int64_t version;
    rs_code rc = store_find_object(store, w->tenant, "token", w->name, 0, w->arena, &w->token, err);

    if (rc != RS_OK)
        return rc;
    w->token.state = "revoked";
    w->token.updated_at = rs_now();
    return store_put_object(store, &w->token, w->token.version, &version, err);
}

void
rest_revoke_token(struct call *call)
{
    struct withdrawal w = {
        .tenant = pki_tenant(call->front->pki), .name = call->name, .arena = &call->arena};
    struct rs_err err = {0};

    if (pki_write(call->front->pki, withdraw, &w, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_token(&w.token));
}
