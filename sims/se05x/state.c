/*
 * state.c: the memory of a part in JSON.
 *
 * Saved is what survives without power, one JSON object for each of the part's
 * objects, with names where there are any and hex elsewhere.  Whoever reads the
 * file sees the memory of the chip; the dump is the same without its secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define FILE_VALUE_MAX 65535

static const char *const kind_names[] = {
    [SE05X_EC_PAIR] = "ec-pair",
    [SE05X_EC_PRIVATE] = "ec-private",
    [SE05X_EC_PUBLIC] = "ec-public",
    [SE05X_AES] = "aes",
    [SE05X_HMAC] = "hmac",
    [SE05X_BINARY] = "binary",
    [SE05X_USER_ID] = "user-id",
    [SE05X_COUNTER] = "counter",
    [SE05X_PCR] = "pcr",
};

static const char *const origin_names[] = {
    [SE05X_EXTERNAL] = "external",
    [SE05X_INTERNAL] = "internal",
    [SE05X_PROVISIONED] = "provisioned",
};

/* Bits of a curve's place, by name. */
static const struct {
    char name;
    uint8_t bit;
} param_names[] = {{'a', 0x01}, {'b', 0x02}, {'g', 0x04}, {'n', 0x08}, {'p', 0x10}};

/* ---- Saving ------------------------------------------------------------------------------------ */

static int
put_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text)) == 0;
}

static int
put_number(json_t *object, const char *name, uint32_t value)
{
    return json_object_set_new(object, name, json_integer(value)) == 0;
}

static int
put_hex(json_t *object, const char *name, struct rs_bytes bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    int ok;

    if (text == NULL)
        return 0;
    rs_hex(bytes, text, 2 * bytes.len + 1);
    ok = put_text(object, name, text);
    rs_wipe(text, 2 * bytes.len);
    free(text);
    return ok;
}

static int
put_secret(json_t *object, const char *name, struct rs_bytes bytes, int secrets)
{
    return secrets ? put_hex(object, name, bytes) : put_text(object, name, "secret");
}

static int
put_id(json_t *object, const char *name, uint32_t id)
{
    uint8_t bytes[4];

    rs_set_u32(bytes, id);
    return put_hex(object, name, RS_BYTES(bytes));
}

static int
is_secret(const struct se05x_object *o)
{
    return o->kind == SE05X_AES || o->kind == SE05X_HMAC || o->kind == SE05X_USER_ID;
}

static int
put_value(const struct se05x_chip *c, const struct se05x_object *o, json_t *j, int secrets)
{
    struct rs_bytes private = se05x_private(c, o), public = se05x_public(c, o);

    if (o->transient)
        return put_number(j, "length", o->len);
    if (!se05x_is_ec(o))
        return put_secret(j, "value", se05x_value(c, o), secrets || !is_secret(o));
    return (private.p == NULL || put_secret(j, "private", private, secrets)) &&
           (public.p == NULL || put_hex(j, "public", public));
}

static json_t *
object_json(const struct se05x_chip *c, const struct se05x_object *o, int secrets)
{
    json_t *j = json_object();
    int ok = j != NULL && put_id(j, "id", o->id) && put_text(j, "kind", kind_names[o->kind]) &&
             put_text(j, "origin", origin_names[o->origin]);

    if (ok && se05x_is_ec(o))
        ok = put_text(j, "curve", se05x_curve_find(o->curve)->name);
    if (ok && o->transient)
        ok = json_object_set_new(j, "transient", json_true()) == 0;
    if (ok && o->auth)
        ok = json_object_set_new(j, "credential", json_true()) == 0 &&
             put_number(j, "failed", o->failed) && put_number(j, "max_attempts", o->max_attempts);
    if (ok && o->owner != 0)
        ok = put_id(j, "owner", o->owner);
    if (ok && o->version != 0)
        ok = put_number(j, "version", o->version);
    if (ok && o->min_tag != 0)
        ok = put_number(j, "min_tag", o->min_tag);
    if (ok && o->min_derived != 0)
        ok = put_number(j, "min_derived", o->min_derived);
    if (ok && o->policy_len > 0)
        ok = put_hex(j, "policy", se05x_policy(c, o));
    if (ok && put_value(c, o, j, secrets))
        return j;
    json_decref(j);
    return NULL;
}

static json_t *
curves_json(const struct se05x_chip *c)
{
    json_t *j = json_object();
    int ok = j != NULL;

    for (size_t i = 0; ok && i < se05x_curve_count(); i++) {
        char text[sizeof(param_names) / sizeof(param_names[0]) + 1];
        size_t len = 0;

        if (c->curves[i] == 0)
            continue;
        for (size_t p = 0; p < sizeof(param_names) / sizeof(param_names[0]); p++)
            if (c->curves[i] & param_names[p].bit)
                text[len++] = param_names[p].name;
        text[len] = '\0';
        ok = put_text(j, se05x_curve_at(i)->name, text);
    }
    if (ok)
        return j;
    json_decref(j);
    return NULL;
}

static json_t *
crypto_json(const struct se05x_chip *c)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < SE05X_CRYPTO_MAX; i++) {
        const struct se05x_crypto *k = &c->crypto[i];

        if (k->context != SE05X_CONTEXT_NONE &&
            json_array_append_new(list, json_pack("{s:i, s:i, s:i}", "id", (int)k->id, "context",
                                                  (int)k->context, "subtype", (int)k->subtype)) !=
                0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *
keys_json(const struct se05x_keys *keys, int secrets)
{
    json_t *j = json_object();

    if (j != NULL && put_number(j, "version", keys->version) &&
        put_secret(j, "enc", rs_bytes_of(keys->enc, keys->len), secrets) &&
        put_secret(j, "mac", rs_bytes_of(keys->mac, keys->len), secrets) &&
        put_secret(j, "dek", rs_bytes_of(keys->dek, keys->len), secrets))
        return j;
    json_decref(j);
    return NULL;
}

int
se05x_state_put(const struct se05x_chip *c, json_t *object, int secrets)
{
    json_t *list = json_array();
    int ok = put_text(object, "personality", c->personality) &&
             put_hex(object, "uid", RS_BYTES(c->uid)) && put_number(object, "starts", c->starts) &&
             json_object_set_new(object, "locked", json_boolean(c->locked)) == 0 &&
             json_object_set_new(object, "scp_required", json_boolean(c->scp_required)) == 0 &&
             put_number(object, "restricted", c->restricted) &&
             json_object_set_new(object, "scp_keys", keys_json(&c->keys, secrets)) == 0 &&
             json_object_set_new(object, "curves", curves_json(c)) == 0 &&
             json_object_set_new(object, "crypto_objects", crypto_json(c)) == 0;

    for (size_t i = 0; ok && i < c->object_count; i++)
        ok = json_array_append_new(list, object_json(c, &c->objects[i], secrets)) == 0;
    return json_object_set_new(object, "objects", list) == 0 && ok;
}

/* ---- Loading ------------------------------------------------------------------------------------ */

static rs_code
bad(struct rs_err *err, const char *what)
{
    return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s", what);
}

/* The index of a name in a list that starts at 1; 0: not there. */
static unsigned
find_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (unsigned)i;
    return 0;
}

/* A number that may be left out when it is 0. */
static rs_code
read_number(const json_t *j, const char *name, int64_t max, uint32_t *ret, struct rs_err *err)
{
    int64_t value = 0;
    rs_code rc = RS_OK;

    if (json_object_get(j, name) != NULL)
        rc = rs_json_int(j, name, 0, max, &value, err);
    *ret = (uint32_t)value;
    return rc;
}

static rs_code
read_id(const json_t *j, const char *name, uint32_t *ret, struct rs_err *err)
{
    uint8_t bytes[4];
    size_t len = 0;
    rs_code rc = rs_json_hex(j, name, bytes, sizeof(bytes), &len, err);

    if (rc == RS_OK && len != sizeof(bytes))
        rc = bad(err, "an id is four bytes");
    if (rc == RS_OK)
        *ret = rs_get_u32(bytes);
    return rc;
}

/* Is the value what the rest of the simulator takes for granted of its kind? */
static int
value_fits(const struct se05x_object *o, size_t len)
{
    const struct se05x_curve *curve = se05x_is_ec(o) ? se05x_curve_find(o->curve) : NULL;

    switch (o->kind) {
    case SE05X_EC_PAIR:
        return curve != NULL && len == curve->size + se05x_point_size(curve);
    case SE05X_EC_PRIVATE:
        return curve != NULL && len == curve->size;
    case SE05X_EC_PUBLIC:
        return curve != NULL && len == se05x_point_size(curve);
    case SE05X_AES:
        return len == 16 || len == 24 || len == 32;
    case SE05X_HMAC:
        return len >= 1 && len <= 256;
    case SE05X_BINARY:
        return len >= 1;
    case SE05X_USER_ID:
        return len >= 4 && len <= 16;
    case SE05X_COUNTER:
        return len >= 1 && len <= 8;
    case SE05X_PCR:
        return len == 32;
    }
    return 0;
}

static rs_code
read_value(const json_t *j, const struct se05x_object *o, uint8_t *room, struct rs_bytes *value,
           struct rs_err *err)
{
    uint32_t length = 0;
    size_t len = 0, more = 0;
    rs_code rc = RS_OK;

    *value = rs_bytes_of(NULL, 0);
    if (o->transient) {
        rc = read_number(j, "length", FILE_VALUE_MAX, &length, err);
        value->len = length;
    } else if (se05x_is_ec(o)) {
        if (o->kind != SE05X_EC_PUBLIC)
            rc = rs_json_hex(j, "private", room, SE05X_SCALAR_MAX, &len, err);
        if (rc == RS_OK && o->kind != SE05X_EC_PRIVATE)
            rc = rs_json_hex(j, "public", room + len, SE05X_POINT_MAX, &more, err);
        *value = rs_bytes_of(room, len + more);
    } else {
        rc = rs_json_hex(j, "value", room, FILE_VALUE_MAX, &len, err);
        *value = rs_bytes_of(room, len);
    }
    if (rc == RS_OK && !value_fits(o, value->len))
        rc = bad(err, "an object's value has a length that its kind cannot have");
    return rc;
}

static rs_code
read_row(const json_t *j, struct se05x_object *o, struct rs_err *err)
{
    const char *curve_name = rs_json_text_or(j, "curve", "");
    const struct se05x_curve *curve = se05x_curve_named(curve_name);
    uint32_t failed = 0, max_attempts = 0, min_tag = 0, min_derived = 0;
    rs_code rc = read_id(j, "id", &o->id, err);

    o->kind = find_name(kind_names, sizeof(kind_names) / sizeof(kind_names[0]),
                        rs_json_text_or(j, "kind", ""));
    o->origin = find_name(origin_names, sizeof(origin_names) / sizeof(origin_names[0]),
                          rs_json_text_or(j, "origin", ""));
    o->transient = json_is_true(json_object_get(j, "transient"));
    o->auth = json_is_true(json_object_get(j, "credential"));
    if (rc == RS_OK && (o->kind == 0 || o->origin == 0 || (se05x_is_ec(o) && curve == NULL)))
        rc = bad(err, "an object's kind, origin or curve is not known");
    if (curve != NULL)
        o->curve = curve->id;
    if (rc == RS_OK && json_object_get(j, "owner") != NULL)
        rc = read_id(j, "owner", &o->owner, err);
    if (rc == RS_OK)
        rc = read_number(j, "version", UINT32_MAX, &o->version, err);
    if (rc == RS_OK)
        rc = read_number(j, "failed", UINT16_MAX, &failed, err);
    if (rc == RS_OK)
        rc = read_number(j, "max_attempts", UINT16_MAX, &max_attempts, err);
    if (rc == RS_OK)
        rc = read_number(j, "min_tag", 16, &min_tag, err);
    if (rc == RS_OK)
        rc = read_number(j, "min_derived", UINT16_MAX, &min_derived, err);
    o->failed = (uint16_t)failed;
    o->max_attempts = (uint16_t)max_attempts;
    o->min_tag = (uint16_t)min_tag;
    o->min_derived = (uint16_t)min_derived;
    return rc;
}

static rs_code
load_object(struct se05x_chip *c, const json_t *j, uint8_t *room, struct rs_err *err)
{
    uint8_t policy[SE05X_POLICY_MAX];
    struct se05x_object o = {0};
    struct rs_bytes value;
    size_t len = 0;
    rs_code rc = read_row(j, &o, err);

    if (rc == RS_OK && json_object_get(j, "policy") != NULL) {
        rc = rs_json_hex(j, "policy", policy, sizeof(policy), &len, err);
        if (rc == RS_OK && !se05x_policy_ok(rs_bytes_of(policy, len)))
            rc = bad(err, "an object's policy is none");
    }
    if (rc == RS_OK)
        rc = read_value(j, &o, room, &value, err);
    if (rc != RS_OK)
        return rc;
    if (se05x_find(c, o.id) != NULL)
        return bad(err, "two objects with one id");
    if (se05x_store_object(c, &o, rs_bytes_of(policy, len), value) != SE05X_OK)
        return bad(err, "more than the part has room for");
    if (o.transient)
        c->objects[c->object_count - 1].set = 0;
    return RS_OK;
}

static rs_code
load_objects(struct se05x_chip *c, const json_t *list, struct rs_err *err)
{
    uint8_t *room = malloc(FILE_VALUE_MAX);
    rs_code rc = RS_OK;

    if (room == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory for a chip");
    if (!json_is_array(list))
        rc = bad(err, "there is no list of objects");
    for (size_t i = 0; rc == RS_OK && i < json_array_size(list); i++)
        rc = load_object(c, json_array_get(list, i), room, err);
    rs_wipe(room, FILE_VALUE_MAX);
    free(room);
    return rc;
}

static rs_code
load_curves(struct se05x_chip *c, const json_t *curves, struct rs_err *err)
{
    for (size_t i = 0; i < se05x_curve_count(); i++) {
        const json_t *j = json_object_get(curves, se05x_curve_at(i)->name);
        const char *text = json_string_value(j);

        if (j == NULL)
            continue;
        if (text == NULL || text[strspn(text, "abgnp")] != '\0')
            return bad(err, "the parameters of a curve are a, b, g, n, p");
        c->curves[i] = SE05X_CURVE_MADE;
        for (size_t p = 0; p < sizeof(param_names) / sizeof(param_names[0]); p++)
            if (strchr(text, param_names[p].name) != NULL)
                c->curves[i] |= param_names[p].bit;
    }
    return RS_OK;
}

static rs_code
load_crypto(struct se05x_chip *c, const json_t *list, struct rs_err *err)
{
    if (json_array_size(list) > SE05X_CRYPTO_MAX)
        return bad(err, "more crypto objects than the part has");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *j = json_array_get(list, i);
        uint32_t id = 0, context = 0, subtype = 0;
        rs_code rc = read_number(j, "id", UINT16_MAX, &id, err);

        if (rc == RS_OK)
            rc = read_number(j, "context", SE05X_CONTEXT_AEAD, &context, err);
        if (rc == RS_OK)
            rc = read_number(j, "subtype", UINT8_MAX, &subtype, err);
        if (rc != RS_OK)
            return rc;
        if (!se05x_subtype_ok(c, context, subtype))
            return bad(err, "a crypto object of no kind");
        c->crypto[i].id = (uint16_t)id;
        c->crypto[i].context = (uint8_t)context;
        c->crypto[i].subtype = (uint8_t)subtype;
    }
    return RS_OK;
}

static rs_code
load_keys(struct se05x_keys *keys, const json_t *j, struct rs_err *err)
{
    size_t enc = 0, mac = 0, dek = 0;
    uint32_t version = 0;
    rs_code rc = read_number(j, "version", 0x7F, &version, err);

    if (rc == RS_OK)
        rc = rs_json_hex(j, "enc", keys->enc, SE05X_KEY_MAX, &enc, err);
    if (rc == RS_OK)
        rc = rs_json_hex(j, "mac", keys->mac, SE05X_KEY_MAX, &mac, err);
    if (rc == RS_OK)
        rc = rs_json_hex(j, "dek", keys->dek, SE05X_KEY_MAX, &dek, err);
    if (rc == RS_OK && (enc != mac || enc != dek || (enc != 16 && enc != 24 && enc != 32)))
        rc = bad(err, "the keys of the channel are three of one length");
    keys->version = (uint8_t)version;
    keys->len = (uint8_t)enc;
    return rc;
}

rs_code
se05x_state_read(struct se05x_chip *c, const json_t *object, struct rs_err *err)
{
    uint32_t restricted = 0;
    size_t len = 0;
    rs_code rc = rs_json_hex(object, "uid", c->uid, sizeof(c->uid), &len, err);

    (void)snprintf(c->personality, sizeof(c->personality), "%s",
                   rs_json_text_or(object, "personality", ""));
    if (rc == RS_OK && len != sizeof(c->uid))
        rc = bad(err, "a unique id has 18 bytes");
    if (rc == RS_OK)
        rc = read_number(object, "starts", UINT32_MAX, &c->starts, err);
    if (rc == RS_OK)
        rc = read_number(object, "restricted", SE05X_U_RESTRICT_ALL, &restricted, err);
    c->restricted = (uint8_t)restricted;
    c->locked = json_is_true(json_object_get(object, "locked"));
    c->scp_required = json_is_true(json_object_get(object, "scp_required"));
    if (rc == RS_OK)
        rc = load_keys(&c->keys, json_object_get(object, "scp_keys"), err);
    if (rc == RS_OK)
        rc = load_curves(c, json_object_get(object, "curves"), err);
    if (rc == RS_OK)
        rc = load_crypto(c, json_object_get(object, "crypto_objects"), err);
    return rc == RS_OK ? load_objects(c, json_object_get(object, "objects"), err) : rc;
}
