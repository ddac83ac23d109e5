/*
 * state.c: what survives without power, as JSON and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sims/ta100/chip.h"

static json_t *
put_hex(const uint8_t *p, size_t len)
{
    char text[2 * TA100_MEMORY_SIZE + 1];
    json_t *value;

    rs_hex(rs_bytes_of(p, len), text, sizeof(text));
    value = json_string(text);
    rs_wipe(text, sizeof(text));
    return value;
}

/* For people only. */
static const char *
kind_name(const struct ta100_attributes *a)
{
    switch (TA100_CLASS(a)) {
    case TA100_CLASS_PUBLIC:
        return "P-256 public key";
    case TA100_CLASS_PRIVATE:
        return "P-256 private key";
    case TA100_CLASS_SYMMETRIC:
        return TA100_TYPE(a) == TA100_TYPE_HMAC ? "HMAC key" : "AES-128 key";
    default:
        return "data";
    }
}

static json_t *
save_element(const struct ta100_nvm *nvm, const struct ta100_element *e)
{
    uint8_t room[TA100_ATTRIBUTES_SIZE];
    char handle[8];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, sizeof(room));
    ta100_put_attributes(&e->attributes, &b);
    (void)snprintf(handle, sizeof(handle), "%04x", e->handle);
    return json_pack("{s:s, s:s, s:o, s:b, s:b, s:o}", "handle", handle, "kind",
                     kind_name(&e->attributes), "attributes", put_hex(room, sizeof(room)), "filled",
                     e->filled, "locked", e->locked, "content",
                     put_hex(nvm->memory + e->at, e->size));
}

int
ta100_save(const struct ta100_chip *c, json_t *object)
{
    const struct ta100_nvm *nvm = &c->nvm;
    json_t *elements = json_array();
    int ok = 1;

    for (unsigned i = 0; i < nvm->count; i++)
        ok = json_array_append_new(elements, save_element(nvm, &nvm->elements[i])) == 0 && ok;
    ok = json_object_set_new(object, "personality", json_string("blank-ta100")) == 0 && ok;
    ok =
        json_object_set_new(object, "serial", put_hex(nvm->serial, sizeof(nvm->serial))) == 0 && ok;
    ok =
        json_object_set_new(object, "config", put_hex(nvm->config, sizeof(nvm->config))) == 0 && ok;
    ok = json_object_set_new(object, "config_locked", json_boolean(nvm->config_locked)) == 0 && ok;
    ok = json_object_set_new(object, "setup_locked", json_boolean(nvm->setup_locked)) == 0 && ok;
    ok = json_object_set_new(object, "counters",
                             json_pack("[I, I]", (json_int_t)nvm->counters[0],
                                       (json_int_t)nvm->counters[1])) == 0 &&
         ok;
    return json_object_set_new(object, "elements", elements) == 0 && ok;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static rs_code
read_hex(const json_t *object, const char *name, uint8_t *p, size_t len, struct rs_err *err)
{
    size_t got = 0;
    rs_code rc = rs_json_hex(object, name, p, len, &got, err);

    if (rc == RS_OK && got != len)
        rc = rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s must be %zu bytes in hex", name,
                     len);
    return rc;
}

static uint8_t
is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name)) ? 1 : 0;
}

static rs_code
load_element(struct ta100_nvm *nvm, const json_t *object, struct rs_err *err)
{
    struct ta100_element *e = &nvm->elements[nvm->count];
    uint8_t handle[2], attributes[TA100_ATTRIBUTES_SIZE];
    struct rs_reader in;
    rs_code rc = read_hex(object, "handle", handle, sizeof(handle), err);

    if (rc == RS_OK)
        rc = read_hex(object, "attributes", attributes, sizeof(attributes), err);
    if (rc != RS_OK)
        return rc;
    rs_reader_init(&in, RS_BYTES(attributes));
    ta100_read_attributes(&in, &e->attributes);
    e->handle = rs_get_u16(handle);
    if (!ta100_attributes_ok(&e->attributes) || e->handle < TA100_P_ELEMENT_FIRST ||
        e->handle > TA100_P_ELEMENT_LAST || ta100_find(nvm, e->handle) != NULL ||
        ta100_size_of(&e->attributes) > (size_t)TA100_MEMORY_SIZE - nvm->used)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: element %04x cannot be",
                       (unsigned)e->handle);
    e->size = (uint16_t)ta100_size_of(&e->attributes);
    e->at = nvm->used;
    e->filled = is_true(object, "filled");
    e->locked = is_true(object, "locked");
    rc = read_hex(object, "content", nvm->memory + e->at, e->size, err);
    nvm->used = (uint16_t)(nvm->used + e->size);
    nvm->count++;
    return rc;
}

static rs_code
load_counters(struct ta100_nvm *nvm, const json_t *array, struct rs_err *err)
{
    for (size_t i = 0; i < TA100_COUNTER_COUNT; i++) {
        const json_t *value = json_array_get(array, i);

        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT32_MAX)
            return rs_fail(err, RS_E_FILE_FAILED, "simulator state: counters[%zu] is no counter",
                           i);
        nvm->counters[i] = (uint32_t)json_integer_value(value);
    }
    return RS_OK;
}

rs_code
ta100_load(struct ta100_chip *c, const json_t *object, struct rs_err *err)
{
    const json_t *elements = json_object_get(object, "elements");
    struct ta100_nvm *nvm = &c->nvm;
    rs_code rc = read_hex(object, "serial", nvm->serial, sizeof(nvm->serial), err);

    if (rc == RS_OK)
        rc = read_hex(object, "config", nvm->config, sizeof(nvm->config), err);
    if (rc == RS_OK)
        rc = load_counters(nvm, json_object_get(object, "counters"), err);
    nvm->config_locked = is_true(object, "config_locked");
    nvm->setup_locked = is_true(object, "setup_locked");
    if (rc == RS_OK && json_array_size(elements) > TA100_ELEMENTS_MAX)
        rc = rs_fail(err, RS_E_FILE_FAILED, "simulator state: more than %d elements",
                     TA100_ELEMENTS_MAX);
    for (size_t i = 0; rc == RS_OK && i < json_array_size(elements); i++)
        rc = load_element(nvm, json_array_get(elements, i), err);
    return rc;
}
