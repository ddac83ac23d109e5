/*
 * rest.c: /api/v1 for people: claims, products, orders, stations, devices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "server/rest.h"
#include "x509/crl.h"

#define PAGE    500
#define CSR_MAX 32768

/* ---- Reading helpers --------------------------------------------------------------------- */

static rs_code
reader(struct call *call, struct store **ret_store, struct rs_err *err)
{
    return pki_reader(call->front->pki, ret_store, err);
}

static const char *
tenant(const struct call *call)
{
    return pki_tenant(call->front->pki);
}

static json_t *
list_of(json_t *items)
{
    return json_pack("{s:o, s:n}", "items", items, "next");
}

/* ---- claim --------------------------------------------------------------------------------- */

struct issue_wait {
    struct call *call;
    json_t *answer;
};

static void
on_person_cert(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct issue_wait *w = arg;

    if (rc != RS_OK) {
        json_decref(w->answer);
        call_refuse(w->call, err);
    } else {
        (void)json_object_update_new(w->answer, json_cert(w->call->front, cert));
        call_reply(w->call, 201, w->answer);
    }
    rs_arena_done(&w->call->arena);
    json_decref(w->call->body);
    free(w->call);
    free(w);
}

/*
 * Issue asynchronously and answer from the writer's thread: the call lives on
 * until then.
 */
static void
issue_and_reply(struct call *call, const struct pki_issue_request *request, json_t *answer)
{
    struct issue_wait *w = calloc(1, sizeof(*w));
    struct call *kept = malloc(sizeof(*kept));

    if (w == NULL || kept == NULL) {
        free(w);
        free(kept);
        json_decref(answer);
        call_refuse_code(call, RS_E_NO_MEMORY, "request");
        return;
    }
    *kept = *call;
    /* The original is freed by the worker: its memory moved to the copy. */
    rs_arena_init(&call->arena, 1);
    call->body = NULL;
    w->call = kept;
    w->answer = answer;
    pki_issue(call->front->pki, request, on_person_cert, w);
}

static void
post_claim(struct call *call)
{
    struct pki_issue_request request = {.protocol = "claim", .label = "person"};
    struct rs_bytes spki, csr_der, proof;
    struct rs_err err = {0};
    struct csr csr;
    const char *name;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf server_proof;
    rs_buf_init(&server_proof, 64);
    rc = rs_json_text(call->body, "name", &name, &err);
    if (rc == RS_OK)
        rc = call_bytes(call, "csr", CSR_MAX, &csr_der, &err);
    if (rc == RS_OK)
        rc = call_bytes(call, "proof", 32, &proof, &err);
    if (rc == RS_OK)
        rc = csr_read(csr_der, &csr, &err);
    if (rc == RS_OK)
        rc = csr_check_proof(&csr, &err);
    if (rc == RS_OK && strlen(name) > DOC_NAME_MAX)
        rc = rs_fail(&err, RS_E_REQUEST_FORMAT, "claim: name too long");
    if (rc == RS_OK) {
        spki = csr.spki;
        rc = pki_claim(call->front->pki, name, spki, proof, &server_proof, &err);
    }
    if (rc != RS_OK) {
        call_refuse(call, &err);
        return;
    }
    request.caller.role = PKI_PERSON;
    (void)snprintf(request.caller.name, sizeof(request.caller.name), "%s", name);
    (void)snprintf(request.caller.who, sizeof(request.caller.who), "person:%.60s", name);
    request.csr = csr_der;
    issue_and_reply(call, &request,
                    json_pack("{s:o}", "proof", json_base64(rs_buf_bytes(&server_proof))));
}

/* ---- status ---------------------------------------------------------------------------------- */

static void
get_status(struct call *call)
{
    struct store_stats s = {0};
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_get_stats(store, tenant(call), &s, &err);
    if (rc != RS_OK) {
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200,
               json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "kind", "status", "name",
                         call->front->config->installation, "mode",
                         call->front->config->production ? "production" : "test", "certificates",
                         (json_int_t)s.certs, "revoked", (json_int_t)s.revoked, "devices",
                         (json_int_t)s.devices, "orders", (json_int_t)s.orders, "boards",
                         (json_int_t)s.boards, "signer",
                         signer_client_alive(pki_signer(call->front->pki))));
}

/* ---- cas and profiles ---------------------------------------------------------------------------- */

/* The signed document again: there is one encoding of it. */
static json_t *
json_issuer_document(const struct pki_issuer *i)
{
    RS_AUTO(rs_buf_done) struct rs_buf document;

    rs_buf_init(&document, DOC_BYTES_MAX);
    doc_issuer_put(&document, &i->doc);
    return json_base64(rs_buf_bytes(&document));
}

static json_t *
json_ca(const struct pki_issuer *i)
{
    char parent[STORE_NAME_MAX], subject[1024];

    (void)snprintf(parent, sizeof(parent), "%.*s", (int)i->doc.parent.len,
                   (const char *)i->doc.parent.p);
    (void)snprintf(subject, sizeof(subject), "%.*s", (int)i->doc.subject.len,
                   (const char *)i->doc.subject.p);
    json_t *profiles = json_array();
    for (size_t k = 0; k < i->doc.profiles.count; k++)
        (void)json_array_append_new(profiles, json_stringn((const char *)i->doc.profiles.items[k].p,
                                                           i->doc.profiles.items[k].len));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "kind", "ca", "name", i->name,
                     "subject", subject, "parent", parent, "until", json_time(i->cert.not_after),
                     "issues", profiles, "pem", json_pem(i->der), "document",
                     json_issuer_document(i));
}

static void
get_cas(struct call *call)
{
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(call->front->pki, list, 64);
    json_t *items = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(items, json_ca(list[i]));
    call_reply(call, 200, list_of(items));
}

static void
get_ca(struct call *call)
{
    const struct pki_issuer *i = pki_find_issuer(call->front->pki, call->name);

    if (i == NULL)
        call_refuse_code(call, RS_E_ISSUER_UNKNOWN, "there is no CA of this name");
    else
        call_reply(call, 200, json_ca(i));
}

static json_t *
json_object_record(const char *kind, const struct store_object *o)
{
    uint8_t hash[32];

    crypto_sha256(o->document, hash);
    return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:o}", "kind", kind, "name", o->name,
                     "version", (json_int_t)o->version, "state", o->state, "hash",
                     json_hex(RS_BYTES(hash)), "document", json_base64(o->document), "updated",
                     json_time(o->updated_at));
}

struct object_list {
    const char *kind;
    json_t *items;
    int as_json;
};

static int
add_object(void *arg, const struct store_object *o)
{
    struct object_list *l = arg;
    json_t *j = NULL;

    if (l->as_json) {
        j = json_loadb((const char *)o->document.p, o->document.len, 0, NULL);
        if (j != NULL)
            (void)json_object_set_new(j, "version", json_integer((json_int_t)o->version));
    } else {
        j = json_object_record(l->kind, o);
    }
    (void)json_array_append_new(l->items, j != NULL ? j : json_null());
    return 0;
}

static void
list_objects(struct call *call, const char *kind, int as_json)
{
    struct object_list l = {kind, json_array(), as_json};
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_list_objects(store, tenant(call), kind, NULL, PAGE, add_object, &l, &err);
    if (rc != RS_OK) {
        json_decref(l.items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, list_of(l.items));
}

static void
show_object(struct call *call, const char *kind, int as_json)
{
    struct object_list l = {kind, json_array(), as_json};
    struct store_object o;
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_find_object(store, tenant(call), kind, call->name, 0, &call->arena, &o, &err);
    if (rc != RS_OK) {
        json_decref(l.items);
        call_refuse(call, &err);
        return;
    }
    (void)add_object(&l, &o);
    call_reply(call, 200, json_incref(json_array_get(l.items, 0)));
    json_decref(l.items);
}

static void
get_profiles(struct call *call)
{
    list_objects(call, "profile", 0);
}

static void
get_profile(struct call *call)
{
    show_object(call, "profile", 0);
}

static void
get_products(struct call *call)
{
    list_objects(call, "product", 1);
}

static void
get_product(struct call *call)
{
    show_object(call, "product", 1);
}

static void
get_findings(struct call *call)
{
    list_objects(call, "finding", 1);
}

static void
get_finding(struct call *call)
{
    show_object(call, "finding", 1);
}

/* ---- products --------------------------------------------------------------------------------------- */

static rs_code
write_object(struct store *store, void *arg, struct rs_err *err)
{
    int64_t version;

    return store_put_object(store, arg, -1, &version, err);
}

/* A name that EST would read as something else would make a label without meaning. */
static rs_code
check_label_name(struct call *call, struct rs_err *err)
{
    char path[128], label[STORE_NAME_MAX];
    enum est_operation operation;
    struct rs_err none = {0};
    struct store_object o;
    struct store *store;
    rs_code rc;

    (void)snprintf(path, sizeof(path), "/.well-known/est/%.90s/cacerts", call->name);
    if (!est_parse_path(path, label, &operation) || operation != EST_CACERTS)
        return rs_fail(err, RS_E_CONFIG_INVALID, "product: \"%.60s\" is an operation of EST",
                       call->name);
    rc = reader(call, &store, err);
    if (rc == RS_OK && store_find_object(store, tenant(call), "profile", call->name, 0,
                                         &call->arena, &o, &none) == RS_OK)
        rc = rs_fail(err, RS_E_EXISTS, "product: a profile has the name \"%.60s\"", call->name);
    return rc;
}

/* What its devices enrol for by themselves, when the product says so ("ldevid", "ldevid_issuer"). */
static rs_code
check_product_ldevid(struct call *call, struct rs_err *err)
{
    const char *profile = rs_json_text_or(call->body, "ldevid", "");
    const char *issuer = rs_json_text_or(call->body, "ldevid_issuer", "");
    struct pki_label label;
    rs_code rc = RS_OK;

    if (issuer[0] != '\0' && pki_find_issuer(call->front->pki, issuer) == NULL)
        rc = rs_fail(err, RS_E_ISSUER_UNKNOWN, "product: there is no CA \"%.60s\"", issuer);
    if (rc == RS_OK && profile[0] != '\0')
        rc = pki_find_label(call->front->pki, profile, &call->arena, &label, err);
    if (rc == RS_OK && profile[0] != '\0' && label.doc.type != DOC_PROFILE_LDEVID)
        rc = rs_fail(err, RS_E_PROFILE_LIMIT, "product: profile %s makes no LDevIDs", profile);
    return rc;
}

/* No board of a product that demands more than its chip can prove would ever pass. */
static rs_code
check_product_provenance(struct call *call, const char *rot, struct rs_err *err)
{
    const char *text = rs_json_text_or(call->body, "provenance", "");
    enum vendor_level level = VENDOR_STATION, most = vendor_level_of(rs_bytes_str(rot));

    if (text[0] == '\0')
        return RS_OK;
    if (!vendor_level_read(text, &level))
        return rs_fail(err, RS_E_REQUEST_FORMAT,
                       "product: provenance is attested, vendor or station");
    if (level > most)
        return rs_fail(err, RS_E_PROFILE_LIMIT,
                       "product: provenance: a %.30s proves \"%s\" at most", rot,
                       vendor_level_name(most));
    return RS_OK;
}

static void
put_product(struct call *call)
{
    struct store_object o = {.tenant = tenant(call),
                             .kind = "product",
                             .name = call->name,
                             .state = "active",
                             .created_at = rs_now(),
                             .updated_at = rs_now()};
    struct rs_err err = {0};
    const char *rot, *issuer;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, 65536);
    rc = rs_json_text(call->body, "rot", &rot, &err);
    if (rc == RS_OK)
        rc = rs_json_text(call->body, "issuer", &issuer, &err);
    if (rc == RS_OK && pki_find_issuer(call->front->pki, issuer) == NULL)
        rc = rs_fail(&err, RS_E_ISSUER_UNKNOWN, "product: there is no CA \"%.60s\"", issuer);
    if (rc == RS_OK)
        rc = check_label_name(call, &err);
    if (rc == RS_OK)
        rc = check_product_provenance(call, rot, &err);
    if (rc == RS_OK)
        rc = check_product_ldevid(call, &err);
    (void)json_object_set_new(call->body, "name", json_string(call->name));
    (void)json_object_set_new(call->body, "kind", json_string("product"));
    rs_json_put(&text, call->body);
    o.document = rs_buf_bytes(&text);
    if (rc == RS_OK)
        rc = pki_write(call->front->pki, write_object, &o, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_incref(call->body));
}

/* ---- orders --------------------------------------------------------------------------------------------- */

static json_t *
json_order(const struct store_order *o)
{
    static const char *const states[] = {"unknown", "waiting", "open", "paused", "closed"};

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:{s:o, s:o}, s:o}",
                     "kind", "order", "name", o->order, "state", states[o->state], "product",
                     o->product, "quantity", (json_int_t)o->quantity, "target",
                     (json_int_t)o->target, "counts", "signed", (json_int_t)o->taken, "good",
                     (json_int_t)o->good, "scrapped", (json_int_t)o->scrapped, "rejected",
                     (json_int_t)o->rejected, "valid", "from", json_time(o->valid_from), "until",
                     json_time(o->valid_until), "document", json_base64(o->document));
}

static int
add_order(void *arg, const struct store_order *o)
{
    return json_array_append_new(arg, json_order(o)) != 0;
}

static void
get_orders(struct call *call)
{
    json_t *items = json_array();
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_list_orders(store, tenant(call), NULL, PAGE, add_order, items, &err);
    if (rc != RS_OK) {
        json_decref(items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, list_of(items));
}

static void
get_order(struct call *call)
{
    struct store_order o;
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_find_order(store, tenant(call), call->name, &call->arena, &o, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_order(&o));
}

static rs_code
read_approval(struct call *call, size_t i, struct proto_document *d, struct rs_err *err)
{
    const json_t *a = json_array_get(json_object_get(call->body, "approvals"), i);
    const char *text;
    size_t len;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf sig;
    rs_buf_init(&sig, 512);
    rc = rs_json_hex(a, "key", d->approvals[i].key_hash, 32, &len, err);
    if (rc == RS_OK && len != 32)
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "approval: key must be 32 bytes of hex");
    if (rc == RS_OK)
        rc = rs_json_text(a, "signature", &text, err);
    if (rc == RS_OK && !rs_base64_read(rs_bytes_str(text), &sig))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "approval: signature must be base64");
    if (rc == RS_OK)
        d->approvals[i].signature = rs_arena_copy(&call->arena, rs_buf_bytes(&sig));
    return rc;
}

/* A signed document of any kind: {"document", "approvals": [{"key", "signature"}]} */
static rs_code
put_document(struct call *call, const char *kind, const char *name, struct rs_err *err)
{
    struct proto_document d = {.tenant = rs_bytes_str(tenant(call)),
                               .kind = rs_bytes_str(kind),
                               .name = rs_bytes_str(name),
                               .who = rs_bytes_str(call->caller.who)};
    size_t count = json_array_size(json_object_get(call->body, "approvals"));
    rs_code rc;

    if (count > sizeof(d.approvals) / sizeof(d.approvals[0]))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "at most 4 approvals");
    rc = call_bytes(call, "document", DOC_BYTES_MAX, &d.document, err);
    for (size_t i = 0; i < count && rc == RS_OK; i++)
        rc = read_approval(call, i, &d, err);
    d.approval_count = count;
    return rc == RS_OK ? pki_put_document(call->front->pki, &d, err) : rc;
}

/* A new CA: whoever asks for its list next finds one. */
static void
put_ca(struct call *call)
{
    struct rs_err err = {0};
    uint64_t number;

    if (put_document(call, "issuer", call->name, &err) != RS_OK ||
        pki_publish_crl(call->front->pki, call->name, &number, &err) != RS_OK)
        call_refuse(call, &err);
    else
        get_ca(call);
}

/* The certificate of this root's key by another one of its keys. */
static void
put_cross(struct call *call)
{
    struct rs_err err = {0};

    if (put_document(call, "cross", call->name, &err) != RS_OK)
        call_refuse(call, &err);
    else
        get_ca(call);
}

static void
put_order(struct call *call)
{
    struct rs_err err = {0};

    if (put_document(call, "order", call->name, &err) != RS_OK)
        call_refuse(call, &err);
    else
        get_order(call);
}

static void
put_profile(struct call *call)
{
    struct rs_err err = {0};

    if (put_document(call, "profile", call->name, &err) != RS_OK)
        call_refuse(call, &err);
    else
        get_profile(call);
}

/* ---- stations -------------------------------------------------------------------------------------------- */

struct new_token {
    const char *tenant;
    uint8_t id[32];
    int64_t expires_at;
    struct rs_bytes document;
    struct store_object station;
};

static rs_code
write_station(struct store *store, void *arg, struct rs_err *err)
{
    struct new_token *t = arg;
    int64_t version;
    rs_code rc = store_put_object(store, &t->station, 0, &version, err);

    if (rc == RS_OK)
        rc = store_put_token(store, t->tenant, t->id, 1, t->expires_at, t->document, err);
    return rc;
}

/* The code itself never comes here: its id finds the token, its key proves possession. */
static void
put_station(struct call *call)
{
    struct new_token t = {.tenant = tenant(call), .expires_at = rs_now() + 86400};
    struct rs_err err = {0};
    uint8_t key[32];
    size_t id_len = 0, key_len = 0;
    rs_code rc;

    rc = rs_json_hex(call->body, "token", t.id, sizeof(t.id), &id_len, &err);
    if (rc == RS_OK)
        rc = rs_json_hex(call->body, "key", key, sizeof(key), &key_len, &err);
    if (rc == RS_OK && (id_len != 32 || key_len != 32))
        rc = rs_fail(&err, RS_E_REQUEST_FORMAT, "station: token and key are 32 bytes of hex");
    if (rc == RS_OK && strcmp(call->name, PKI_FIELD) == 0)
        rc = rs_fail(&err, RS_E_EXISTS, "station: \"" PKI_FIELD "\" stands for devices in orders");
    json_t *doc = json_pack("{s:s, s:s, s:o}", "kind", "station", "name", call->name, "key",
                            json_hex(RS_BYTES(key)));
    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, 1024);
    rs_json_put(&text, doc);
    json_decref(doc);
    t.document = rs_buf_bytes(&text);
    t.station = (struct store_object){.tenant = t.tenant,
                                      .kind = "station",
                                      .name = call->name,
                                      .state = "new",
                                      .document = rs_bytes_str("{}"),
                                      .created_at = rs_now(),
                                      .updated_at = rs_now()};
    if (rc == RS_OK)
        rc = pki_write(call->front->pki, write_station, &t, &err);
    rs_wipe(key, sizeof(key));
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 201,
                   json_pack("{s:s, s:s, s:s, s:o}", "kind", "station", "name", call->name, "state",
                             "new", "until", json_time(t.expires_at)));
}

static int
add_station(void *arg, const struct store_object *o)
{
    return json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:o}", "kind", "station", "name",
                                                o->name, "state", o->state, "updated",
                                                json_time(o->updated_at))) != 0;
}

static void
get_stations(struct call *call)
{
    json_t *items = json_array();
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_list_objects(store, tenant(call), "station", NULL, PAGE, add_station, items,
                                &err);
    if (rc != RS_OK) {
        json_decref(items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, list_of(items));
}

/* ---- devices ------------------------------------------------------------------------------------------------ */

static json_t *
json_device(const struct store_device *d)
{
    static const char *const states[] = {"unknown", "expected", "made",    "active",
                                         "blocked", "revoked",  "scrapped"};

    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:o, s:s}, s:{s:o, s:s, s:s, s:s, s:I}}", "kind",
                     "device", "serial", d->device, "state", states[d->state], "product",
                     d->product, "chip", "model", d->chip_model, "uid", json_hex(d->chip_uid),
                     "provenance", d->provenance, "made", "time", json_time(d->made_at), "station",
                     d->station, "fixture", d->fixture, "order", d->order, "took_ms",
                     (json_int_t)d->took_ms);
}

static int
add_device(void *arg, const struct store_device *d)
{
    return json_array_append_new(arg, json_device(d)) != 0;
}

static void
get_devices(struct call *call)
{
    struct store_device_filter filter = {.limit = PAGE};
    json_t *items = json_array();
    struct rs_err err = {0};
    struct store *store;
    rs_code rc = reader(call, &store, &err);

    if (rc == RS_OK)
        rc = store_list_devices(store, tenant(call), &filter, add_device, items, &err);
    if (rc != RS_OK) {
        json_decref(items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, list_of(items));
}

struct cert_list {
    struct call *call;
    json_t *items;
    struct store *store;
    int with_der;
};

static int
add_cert(void *arg, const struct store_cert *cert)
{
    struct cert_list *l = arg;
    struct store_cert full;

    if (l->with_der && store_find_cert(l->store, tenant(l->call), cert->issuer, cert->serial,
                                       &l->call->arena, &full, NULL) == RS_OK)
        cert = &full;
    return json_array_append_new(l->items, json_cert(l->call->front, cert)) != 0;
}

/* What people must look at, when this device has a twin. */
static json_t *
json_finding(struct call *call, struct store *store, const char *device)
{
    struct store_object o;
    json_t *j = NULL;
    char name[STORE_NAME_MAX];

    pki_finding_name(device, name);
    if (store_find_object(store, tenant(call), "finding", name, 0, &call->arena, &o, NULL) !=
            RS_OK ||
        rs_json_read(o.document, &j, NULL) != RS_OK)
        return json_null();
    return j;
}

static void
get_device(struct call *call)
{
    struct store_cert_filter filter = {.device = call->name, .limit = 50};
    struct cert_list l = {.call = call, .items = json_array(), .with_der = 1};
    struct store_device d;
    struct rs_err err = {0};
    rs_code rc = reader(call, &l.store, &err);
    json_t *j;

    if (rc == RS_OK)
        rc = store_find_device(l.store, tenant(call), call->name, &call->arena, &d, &err);
    if (rc == RS_OK)
        rc = store_list_certs(l.store, tenant(call), &filter, add_cert, &l, &err);
    if (rc != RS_OK) {
        json_decref(l.items);
        call_refuse(call, &err);
        return;
    }
    j = json_device(&d);
    (void)json_object_set_new(j, "objects", l.items);
    (void)json_object_set_new(j, "finding", json_finding(call, l.store, call->name));
    call_reply(call, 200, j);
}

static void
post_device_revoke(struct call *call)
{
    struct rs_err err = {0};
    const char *text = rs_json_text_or(call->body, "reason", "");
    size_t count = 0;
    uint64_t number = 0;
    rs_code rc;

    if (text[0] == '\0') {
        call_refuse_code(call, RS_E_REQUEST_FORMAT, "revoke: say why (\"reason\")");
        return;
    }
    rc = pki_revoke_device(call->front->pki, call->caller.who, call->name, CRL_PRIVILEGE_WITHDRAWN,
                           text, &count, &err);
    if (rc != RS_OK) {
        call_refuse(call, &err);
        return;
    }
    /* Every issuer that has something new to say gets a new list at once. */
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(call->front->pki, list, 64);
    for (size_t i = 0; i < n && rc == RS_OK; i++) {
        if (list[i]->doc.path_length == 0)
            rc = front_publish_crl(call->front, list[i]->name, &number, &err);
    }
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:s, s:s, s:I, s:s, s:{s:s, s:I}}", "kind", "revocation", "device",
                             call->name, "certificates", (json_int_t)count, "reason",
                             "privilegeWithdrawn", "visible", "ocsp", "now", "crl",
                             (json_int_t)number));
}

/* ---- certificates, CRLs --------------------------------------------------------------------------------------- */

static void
get_certificates(struct call *call)
{
    struct store_cert_filter filter = {.limit = PAGE};
    struct cert_list l = {.call = call, .items = json_array()};
    struct rs_err err = {0};
    rs_code rc = reader(call, &l.store, &err);

    if (rc == RS_OK)
        rc = store_list_certs(l.store, tenant(call), &filter, add_cert, &l, &err);
    if (rc != RS_OK) {
        json_decref(l.items);
        call_refuse(call, &err);
        return;
    }
    call_reply(call, 200, list_of(l.items));
}

static void
post_certificate(struct call *call)
{
    struct pki_issue_request request = {.caller = call->caller, .protocol = "rest"};
    struct rs_err err = {0};
    const char *device = rs_json_text_or(call->body, "device", NULL);
    rs_code rc;

    rc = rs_json_text(call->body, "profile", &request.label, &err);
    if (rc == RS_OK)
        rc = call_bytes(call, "csr", CSR_MAX, &request.csr, &err);
    if (rc != RS_OK) {
        call_refuse(call, &err);
        return;
    }
    request.device = device;
    issue_and_reply(call, &request, json_object());
}

static void
post_crl(struct call *call)
{
    struct rs_err err = {0};
    uint64_t number;

    if (front_publish_crl(call->front, call->name, &number, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:s, s:s, s:I}", "kind", "crl", "name", call->name, "number",
                             (json_int_t)number));
}

static void
post_checkpoint(struct call *call)
{
    struct proto_item item = {.type = PROTO_CHECKPOINT};
    struct rs_err err = {0};

    RS_AUTO(rs_buf_done) struct rs_buf note;
    rs_buf_init(&note, 4096);
    if (signer_client_call(pki_signer(call->front->pki), &item, NULL, &note, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:s, s:o}", "kind", "checkpoint", "note",
                             json_stringn((const char *)note.p, note.len)));
}

/* ---- The table ---------------------------------------------------------------------------------------------------- */

const struct route rest_routes[] = {
    {HTTP_POST, "claim", 0, NULL, PKI_NOBODY, post_claim},
    {HTTP_GET, "status", 0, NULL, PKI_PERSON, get_status},
    {HTTP_GET, "cas", 0, NULL, PKI_PERSON, get_cas},
    {HTTP_GET, "cas", 1, NULL, PKI_PERSON, get_ca},
    {HTTP_PUT, "cas", 1, NULL, PKI_PERSON, put_ca},
    {HTTP_PUT, "cas", 1, "cross", PKI_PERSON, put_cross},
    {HTTP_GET, "profiles", 0, NULL, PKI_PERSON, get_profiles},
    {HTTP_GET, "profiles", 1, NULL, PKI_PERSON, get_profile},
    {HTTP_PUT, "profiles", 1, NULL, PKI_PERSON, put_profile},
    {HTTP_GET, "products", 0, NULL, PKI_PERSON, get_products},
    {HTTP_GET, "products", 1, NULL, PKI_PERSON, get_product},
    {HTTP_PUT, "products", 1, NULL, PKI_PERSON, put_product},
    {HTTP_GET, "orders", 0, NULL, PKI_PERSON, get_orders},
    {HTTP_GET, "orders", 1, NULL, PKI_PERSON, get_order},
    {HTTP_PUT, "orders", 1, NULL, PKI_PERSON, put_order},
    {HTTP_GET, "orders", 1, "report", PKI_PERSON, rest_get_order_report},
    {HTTP_GET, "stations", 0, NULL, PKI_PERSON, get_stations},
    {HTTP_GET, "stations", 1, NULL, PKI_PERSON, rest_get_station},
    {HTTP_PUT, "stations", 1, NULL, PKI_PERSON, put_station},
    {HTTP_GET, "findings", 0, NULL, PKI_PERSON, get_findings},
    {HTTP_GET, "findings", 1, NULL, PKI_PERSON, get_finding},
    {HTTP_GET, "devices", 0, NULL, PKI_PERSON, get_devices},
    {HTTP_GET, "devices", 1, NULL, PKI_PERSON, get_device},
    {HTTP_POST, "devices", 1, "revoke", PKI_PERSON, post_device_revoke},
    {HTTP_PUT, "devices", 1, "token", PKI_PERSON, rest_put_device_token},
    {HTTP_GET, "tokens", 0, NULL, PKI_PERSON, rest_get_tokens},
    {HTTP_POST, "tokens", 1, "revoke", PKI_PERSON, rest_revoke_token},
    {HTTP_GET, "certificates", 0, NULL, PKI_PERSON, get_certificates},
    {HTTP_POST, "certificates", 0, NULL, PKI_PERSON, post_certificate},
    {HTTP_GET, "certificates", 1, NULL, PKI_PERSON, rest_get_certificate},
    {HTTP_POST, "certificates", 1, "revoke", PKI_PERSON, rest_revoke_certificate},
    {HTTP_GET, "crls", 0, NULL, PKI_PERSON, rest_get_crls},
    {HTTP_GET, "crls", 1, NULL, PKI_PERSON, rest_get_crl},
    {HTTP_GET, "crls", 1, "file", PKI_PERSON, rest_get_crl_file},
    {HTTP_POST, "crls", 1, "publish", PKI_PERSON, post_crl},
    {HTTP_POST, "checkpoints", 0, NULL, PKI_PERSON, post_checkpoint},
    {HTTP_GET, NULL, 0, NULL, PKI_NOBODY, NULL},
};
