/*
 * finding.c: what people must look at: the same chip or key at two devices (L8).
 *
 * One finding for each device that has a twin, with the first few other occurrences.
 * Refusals are counted in the ledger; here stands who, so that both boards can be
 * found.  What is told again and again is written once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "pki/inner.h"

#define SECONDS_MAX  8
#define DOCUMENT_MAX 16384

void
pki_finding_name(const char *device, char name[STORE_NAME_MAX])
{
    uint8_t hash[32];
    char hex[17];

    crypto_sha256(rs_bytes_str(device), hash);
    rs_hex(rs_bytes_of(hash, 8), hex, sizeof(hex));
    (void)snprintf(name, STORE_NAME_MAX, "twin-%s", hex);
}

static json_t *
json_time(int64_t seconds)
{
    char text[RS_TIME_TEXT_SIZE];

    rs_time_text(seconds, text);
    return json_string(text);
}

/* Who had it first, as the device's record says. */
static json_t *
describe_first(struct store *store, const char *tenant, const char *device, struct rs_arena *arena)
{
    struct store_device d;
    char uid[2 * STORE_UID_MAX + 1];

    if (store_find_device(store, tenant, device, arena, &d, NULL) != RS_OK)
        return json_pack("{s:s}", "device", device);
    rs_hex(d.chip_uid, uid, sizeof(uid));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "device", device, "order", d.order,
                     "station", d.station, "time", json_time(d.made_at), "model", d.chip_model,
                     "uid", uid);
}

static json_t *
describe_second(const struct twin *t)
{
    char uid[2 * STORE_UID_MAX + 1];

    rs_hex(t->uid, uid, sizeof(uid));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "device", t->second, "order",
                     t->order, "who", t->who, "time", json_time(rs_now()), "model", t->model, "uid",
                     uid, "code", rs_code_info(t->why->code)->name, "text", t->why->text);
}

static int
is_known(const json_t *seconds, const struct twin *t)
{
    for (size_t i = 0; i < json_array_size(seconds); i++) {
        const json_t *j = json_array_get(seconds, i);
        if (strcmp(rs_json_text_or(j, "device", ""), t->second) == 0 &&
            strcmp(rs_json_text_or(j, "who", ""), t->who) == 0)
            return 1;
    }
    return json_array_size(seconds) >= SECONDS_MAX;
}

/* The finding as it is, or a new one. */
static json_t *
load(struct store *store, const char *tenant, const char *name, const struct twin *t,
     struct rs_arena *arena)
{
    struct store_object o;
    json_t *doc = NULL;

    if (store_find_object(store, tenant, "finding", name, 0, arena, &o, NULL) == RS_OK &&
        rs_json_read(o.document, &doc, NULL) == RS_OK)
        return doc;
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:[]}", "kind", "finding", "name", name, "what",
                     "twin", "since", json_time(rs_now()), "first",
                     describe_first(store, tenant, t->first, arena), "again");
}

struct note {
    struct pki *pki;
    const struct twin *twin;
};

static rs_code
write_twin(struct store *store, void *arg, struct rs_err *err)
{
    const struct note *n = arg;
    const char *tenant = n->pki->tenant;
    char name[STORE_NAME_MAX];
    int64_t version;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_json_done) json_t *doc = NULL;
    rs_arena_init(&arena, 262144);
    rs_buf_init(&text, DOCUMENT_MAX);
    pki_finding_name(n->twin->first, name);
    doc = load(store, tenant, name, n->twin, &arena);
    if (doc == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "finding");
    if (is_known(json_object_get(doc, "again"), n->twin))
        return RS_OK;
    (void)json_array_append_new(json_object_get(doc, "again"), describe_second(n->twin));
    rs_json_put(&text, doc);
    if (!rs_buf_ok(&text))
        return rs_fail(err, RS_E_NO_MEMORY, "finding");
    struct store_object o = {.tenant = tenant,
                             .kind = "finding",
                             .name = name,
                             .state = "open",
                             .document = rs_buf_bytes(&text),
                             .created_at = rs_now(),
                             .updated_at = rs_now()};
    return store_put_object(store, &o, -1, &version, err);
}

void
finding_note_twin(struct pki *pki, const struct twin *twin)
{
    struct note n = {pki, twin};
    struct rs_err err = {0};

    if (pki_write(pki, write_twin, &n, &err) != RS_OK)
        rs_log_err(RS_LOG_ERROR, "pki", "a finding was not kept", &err);
}
