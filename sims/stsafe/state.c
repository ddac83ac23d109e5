/*
 * state.c: what survives without power, as JSON and back.
 *
 * In words where there are words: whoever reads the file sees what the part
 * holds and who may touch it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define TYPE_COUNTER 1
#define UINT32_LIMIT 0xFFFFFFFFll

/* ---- Words ------------------------------------------------------------------------------------ */

struct word {
    const char *text;
    unsigned value;
};

static const struct word life_cycles[] = {{"born", STSAFE_BORN},
                                          {"patching", STSAFE_PATCHING},
                                          {"operational", STSAFE_OPERATIONAL},
                                          {"terminated", STSAFE_TERMINATED},
                                          {NULL, 0}};
static const struct word zone_types[] = {{"data", 0}, {"counter", TYPE_COUNTER}, {NULL, 0}};
static const struct word zone_access[] = {{"always", STSAFE_ZONE_ALWAYS},
                                          {"host", STSAFE_ZONE_HOST},
                                          {"authenticated host", STSAFE_ZONE_AUTHENTICATED},
                                          {"never", STSAFE_ZONE_NEVER},
                                          {NULL, 0}};
static const struct word command_access[] = {{"never", STSAFE_COMMAND_NEVER},
                                             {"free", STSAFE_COMMAND_FREE},
                                             {"admin", STSAFE_COMMAND_ADMIN},
                                             {"host", STSAFE_COMMAND_HOST},
                                             {NULL, 0}};

static const struct word locks[] = {{"unlocked", STSAFE_UNLOCKED},
                                    {"locked", STSAFE_LOCKED},
                                    {"erasable", STSAFE_ERASABLE},
                                    {NULL, 0}};
static const struct word key_types[] = {{"AES-128", STSAFE_TYPE_AES128},
                                        {"AES-256", STSAFE_TYPE_AES256},
                                        {"generic", STSAFE_TYPE_GENERIC},
                                        {NULL, 0}};
static const struct word key_modes[] = {{"CCM", STSAFE_MODE_CCM},
                                        {"CMAC", STSAFE_MODE_CMAC},
                                        {"ECB", STSAFE_MODE_ECB},
                                        {"GCM", STSAFE_MODE_GCM},
                                        {"HKDF", STSAFE_MODE_HKDF},
                                        {"HMAC", STSAFE_MODE_HMAC},
                                        {NULL, 0}};

static json_t *
put_word(const struct word *words, unsigned value)
{
    for (; words->text != NULL; words++)
        if (words->value == value)
            return json_string(words->text);
    return NULL;
}

static rs_code
read_word(const json_t *object, const char *name, const struct word *words, unsigned *ret_value,
          struct rs_err *err)
{
    const char *text;
    rs_code rc = rs_json_text(object, name, &text, err);

    if (rc != RS_OK)
        return rc;
    for (; words->text != NULL; words++) {
        if (strcmp(words->text, text) == 0) {
            *ret_value = words->value;
            return RS_OK;
        }
    }
    return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s: no %.32s", name, text);
}

static json_t *
put_hex(const uint8_t *p, size_t len)
{
    char text[2 * STSAFE_MEMORY_SIZE + 1];
    json_t *value;

    rs_hex(rs_bytes_of(p, len), text, sizeof(text));
    value = json_string(text);
    rs_wipe(text, sizeof(text));
    return value;
}

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

/* Missing: 0. */
static rs_code
read_number(const json_t *object, const char *name, int64_t max, uint32_t *ret_value,
            struct rs_err *err)
{
    int64_t value = 0;
    rs_code rc = RS_OK;

    if (json_object_get(object, name) != NULL)
        rc = rs_json_int(object, name, 0, max, &value, err);
    if (rc == RS_OK)
        *ret_value = (uint32_t)value;
    return rc;
}

static int
is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* ---- Saved form ------------------------------------------------------------------------------- */

static json_t *
save_zones(const struct stsafe_nvm *nvm)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < nvm->zone_count; i++) {
        const struct stsafe_zone *z = &nvm->zones[i];
        json_t *zone = json_pack(
            "{s:i, s:o, s:o, s:b, s:o, s:b, s:i}", "zone", (int)i, "type",
            put_word(zone_types, z->type), "read", put_word(zone_access, z->access >> 4 & 7u),
            "read_may_change", z->access >> 7 & 1, "update", put_word(zone_access, z->access & 7u),
            "update_may_change", z->access >> 3 & 1, "size", (int)z->size);

        if (z->type == TYPE_COUNTER)
            (void)json_object_set_new(zone, "counter", json_integer(z->counter));
        if (json_object_set_new(zone, "data", put_hex(nvm->memory + z->at, z->size)) != 0 ||
            json_array_append_new(array, zone) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *
save_private(const struct stsafe_nvm *nvm, const struct stsafe_spec *spec)
{
    json_t *array = json_array();

    for (unsigned slot = 0; slot < spec->private_slots; slot++) {
        const struct stsafe_private *k = &nvm->private_keys[slot];
        const struct sim_curve_info *info = sim_curve_info(k->curve);

        (void)json_array_append_new(
            array, info == NULL ? json_pack("{s:i, s:i}", "slot", (int)slot, "mode", (int)k->mode)
                                : json_pack("{s:i, s:i, s:s, s:o, s:i}", "slot", (int)slot, "mode",
                                            (int)k->mode, "curve", info->name, "key",
                                            put_hex(k->key, info->size), "uses", (int)k->uses));
    }
    return array;
}

static json_t *
save_public(const struct stsafe_nvm *nvm, const struct stsafe_spec *spec)
{
    json_t *array = json_array();

    for (unsigned slot = 0; slot < spec->public_slots; slot++) {
        const struct stsafe_public *k = &nvm->public_keys[slot];
        const struct sim_curve_info *info = sim_curve_info(k->curve);

        (void)json_array_append_new(
            array, info == NULL
                       ? json_pack("{s:i, s:i}", "slot", (int)slot, "rights", (int)k->rights)
                       : json_pack("{s:i, s:i, s:s, s:o}", "slot", (int)slot, "rights",
                                   (int)k->rights, "curve", info->name, "point",
                                   put_hex(k->point, sim_curve_point_size(k->curve))));
    }
    return array;
}

static json_t *
save_symmetric(const struct stsafe_nvm *nvm)
{
    json_t *array = json_array();

    for (unsigned slot = 0; slot < STSAFE_SYMMETRIC_MAX; slot++) {
        const struct stsafe_symmetric *k = &nvm->symmetric[slot];

        if (k->present)
            (void)json_array_append_new(
                array, json_pack("{s:i, s:o, s:o, s:o, s:i, s:i, s:o}", "slot", (int)slot, "lock",
                                 put_word(locks, k->lock), "type", put_word(key_types, k->type),
                                 "mode", put_word(key_modes, k->mode), "usage", (int)k->usage,
                                 "limit", (int)k->limit, "key", put_hex(k->key, k->len)));
    }
    return array;
}

static json_t *
save_envelopes(const struct stsafe_nvm *nvm)
{
    json_t *array = json_array();

    for (unsigned slot = 0; slot < STSAFE_ENVELOPE_MAX; slot++)
        if (nvm->envelope[slot].len > 0)
            (void)json_array_append_new(
                array, json_pack("{s:i, s:o}", "slot", (int)slot, "key",
                                 put_hex(nvm->envelope[slot].key, nvm->envelope[slot].len)));
    return array;
}

static json_t *
save_host(const struct stsafe_nvm *nvm)
{
    const struct stsafe_host_key *k = &nvm->host;

    if (k->len == 0)
        return json_null();
    return json_pack("{s:i, s:I, s:o, s:o}", "type", (int)k->type, "counter",
                     (json_int_t)k->counter, "mac", put_hex(k->mac, k->len), "cipher",
                     put_hex(k->cipher, k->len));
}

static json_t *
save_control(const struct stsafe_control *control)
{
    return json_pack("{s:b, s:b, s:b, s:b, s:i}", "wrapped",
                     (control->flags & STSAFE_CONTROL_WRAPPED) != 0, "plain",
                     (control->flags & STSAFE_CONTROL_PLAIN) != 0, "again",
                     (control->flags & STSAFE_CONTROL_REPROVISION) != 0, "may_change",
                     (control->flags & STSAFE_CONTROL_CHANGE) != 0, "slot", (int)control->slot);
}

static json_t *
save_symmetric_control(const struct stsafe_control *k)
{
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:i, s:i}", "ecdhe",
                     (k->flags & STSAFE_SYMMETRIC_ECDHE) != 0, "wrapped",
                     (k->flags & STSAFE_SYMMETRIC_WRAPPED) != 0, "put",
                     (k->flags & STSAFE_SYMMETRIC_PUT) != 0, "may_change",
                     (k->flags & STSAFE_SYMMETRIC_CHANGE) != 0, "plain",
                     (k->flags & STSAFE_SYMMETRIC_PLAIN) != 0, "derived",
                     (k->flags & STSAFE_SYMMETRIC_DERIVED) != 0, "wrapped_slot", (int)k->slot,
                     "ecdhe_slot", (int)k->other_slot);
}

static json_t *
save_symmetric_controls(const struct stsafe_nvm *nvm, const struct stsafe_spec *spec)
{
    json_t *array = json_array();

    for (unsigned slot = 0; slot < spec->symmetric_slots; slot++)
        (void)json_array_append_new(array, save_symmetric_control(&nvm->symmetric_control[slot]));
    return array;
}

static json_t *
save_records(const struct stsafe_nvm *nvm)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < nvm->record_count; i++) {
        const struct stsafe_record *r = &nvm->records[i];
        char code[8];

        (void)snprintf(code, sizeof(code), r->code == STSAFE_EXTENDED ? "%02x %02x" : "%02x",
                       (unsigned)r->code, (unsigned)r->extended);
        (void)json_array_append_new(array, json_pack("{s:s, s:o, s:b, s:b}", "command", code,
                                                     "access", put_word(command_access, r->access),
                                                     "command_encrypted", r->encrypted >> 1 & 1,
                                                     "answer_encrypted", r->encrypted & 1));
    }
    return array;
}

int
stsafe_save(const struct stsafe_chip *c, json_t *object)
{
    const struct stsafe_nvm *nvm = &c->nvm;
    unsigned locked = nvm->life_cycle & STSAFE_U_LIFE_CYCLE_LOCK;
    const struct {
        const char *name;
        json_t *value;
    } members[] = {
        {"personality", json_string(c->spec->personality)},
        {"number", put_hex(nvm->number, sizeof(nvm->number))},
        {"life_cycle", put_word(life_cycles, nvm->life_cycle & ~STSAFE_U_LIFE_CYCLE_LOCK)},
        {"life_cycle_locked", json_boolean(locked)},
        {"i2c",
         json_pack("{s:i, s:i}", "address", nvm->i2c.address >> 1, "flags", (int)nvm->i2c.flags)},
        {"zones", save_zones(nvm)},
        {"private_keys", save_private(nvm, c->spec)},
        {"public_keys", save_public(nvm, c->spec)},
        {"symmetric_keys", save_symmetric(nvm)},
        {"envelope_keys", save_envelopes(nvm)},
        {"host_key", save_host(nvm)},
        {"host_control", save_control(&nvm->host_control)},
        {"symmetric_control", save_symmetric_controls(nvm, c->spec)},
        {"command_table_may_change", json_boolean(nvm->record_change)},
        {"commands", save_records(nvm)},
    };
    int ok = 1;

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        ok = json_object_set_new(object, members[i].name, members[i].value) == 0 && ok;
    return ok;
}

/* ---- Loading ---------------------------------------------------------------------------------- */

static rs_code
load_zone(struct stsafe_nvm *nvm, unsigned index, uint16_t at, const json_t *object,
          struct rs_err *err)
{
    struct stsafe_zone *z = &nvm->zones[index];
    unsigned type = 0, read = 0, update = 0;
    uint32_t size = 0;
    rs_code rc = read_word(object, "type", zone_types, &type, err);

    if (rc == RS_OK)
        rc = read_word(object, "read", zone_access, &read, err);
    if (rc == RS_OK)
        rc = read_word(object, "update", zone_access, &update, err);
    if (rc == RS_OK)
        rc = read_number(object, "size", STSAFE_MEMORY_SIZE - at, &size, err);
    if (rc == RS_OK)
        rc = read_number(object, "counter", UINT32_LIMIT, &z->counter, err);
    if (rc != RS_OK)
        return rc;
    z->type = (uint8_t)type;
    z->access = (uint8_t)(read << 4 | update | (is_true(object, "read_may_change") ? 0x80u : 0u) |
                          (is_true(object, "update_may_change") ? 0x08u : 0u));
    z->size = (uint16_t)size;
    z->at = at;
    return read_hex(object, "data", nvm->memory + at, size, err);
}

static rs_code
load_zones(struct stsafe_nvm *nvm, const json_t *array, struct rs_err *err)
{
    size_t count = json_array_size(array);
    uint16_t at = 0;

    if (count == 0 || count > STSAFE_ZONES_MAX)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: 1 to %d zones", STSAFE_ZONES_MAX);
    for (unsigned i = 0; i < count; i++) {
        rs_code rc = load_zone(nvm, i, at, json_array_get(array, i), err);

        if (rc != RS_OK)
            return rc;
        at = (uint16_t)(at + nvm->zones[i].size);
    }
    nvm->zone_count = (uint8_t)count;
    return RS_OK;
}

static rs_code
load_curve(const struct stsafe_chip *c, const json_t *object, enum sim_curve *ret_curve,
           struct rs_err *err)
{
    const char *name;
    rs_code rc = rs_json_text(object, "curve", &name, err);

    if (rc != RS_OK)
        return rc;
    *ret_curve = sim_curve_of_name(name);
    if (!(c->spec->curves >> *ret_curve & 1u))
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: no curve %.32s", name);
    return RS_OK;
}

/* One member of an array of keys, at its slot of c's memory. */
typedef rs_code load_slot(struct stsafe_chip *c, unsigned slot, const json_t *object,
                          struct rs_err *err);

static rs_code
load_private(struct stsafe_chip *c, unsigned slot, const json_t *object, struct rs_err *err)
{
    struct stsafe_private *k = &c->nvm.private_keys[slot];
    uint32_t mode = 0, uses = 0;
    rs_code rc = read_number(object, "mode", 0xFFFF, &mode, err);

    if (rc == RS_OK)
        rc = read_number(object, "uses", 0xFFFF, &uses, err);
    k->mode = (uint16_t)mode;
    k->uses = (uint16_t)uses;
    if (rc != RS_OK || json_object_get(object, "curve") == NULL)
        return rc;
    rc = load_curve(c, object, &k->curve, err);
    return rc == RS_OK ? read_hex(object, "key", k->key, sim_curve_info(k->curve)->size, err) : rc;
}

static rs_code
load_public(struct stsafe_chip *c, unsigned slot, const json_t *object, struct rs_err *err)
{
    struct stsafe_public *k = &c->nvm.public_keys[slot];
    uint32_t rights = 0;
    rs_code rc = read_number(object, "rights", 0xFF, &rights, err);

    k->rights = (uint8_t)rights;
    if (rc != RS_OK || json_object_get(object, "curve") == NULL)
        return rc;
    rc = load_curve(c, object, &k->curve, err);
    return rc == RS_OK ? read_hex(object, "point", k->point, sim_curve_point_size(k->curve), err)
                       : rc;
}

static rs_code
load_symmetric(struct stsafe_chip *c, unsigned slot, const json_t *object, struct rs_err *err)
{
    struct stsafe_symmetric *k = &c->nvm.symmetric[slot];
    unsigned lock = 0, type = 0, mode = 0;
    uint32_t usage = 0, limit = 0;
    size_t len = 0;
    rs_code rc = read_word(object, "lock", locks, &lock, err);

    if (rc == RS_OK)
        rc = read_word(object, "type", key_types, &type, err);
    if (rc == RS_OK)
        rc = read_word(object, "mode", key_modes, &mode, err);
    if (rc == RS_OK)
        rc = read_number(object, "usage", 0xFF, &usage, err);
    if (rc == RS_OK)
        rc = read_number(object, "limit", 0xFF, &limit, err);
    if (rc == RS_OK)
        rc = rs_json_hex(object, "key", k->key, sizeof(k->key), &len, err);
    if (rc != RS_OK)
        return rc;
    if (len < 16 || (type == STSAFE_TYPE_AES128 && len != 16) ||
        (type == STSAFE_TYPE_AES256 && len != 32))
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: a symmetric key of %zu bytes", len);
    k->present = 1;
    k->lock = (uint8_t)lock;
    k->type = (uint8_t)type;
    k->mode = (uint8_t)mode;
    k->usage = (uint8_t)usage;
    k->limit = (uint8_t)limit;
    k->len = (uint8_t)len;
    return RS_OK;
}

static rs_code
load_envelope(struct stsafe_chip *c, unsigned slot, const json_t *object, struct rs_err *err)
{
    struct stsafe_envelope_key *k = &c->nvm.envelope[slot];
    size_t len = 0;
    rs_code rc = rs_json_hex(object, "key", k->key, sizeof(k->key), &len, err);

    if (rc == RS_OK && len != 16 && len != 32)
        rc = rs_fail(err, RS_E_FILE_FAILED, "simulator state: an envelope key of %zu bytes", len);
    k->len = (uint8_t)len;
    return rc;
}

static rs_code
load_slots(struct stsafe_chip *c, const json_t *object, const char *name, unsigned slots,
           load_slot *load, struct rs_err *err)
{
    const json_t *array = json_object_get(object, name);
    rs_code rc = RS_OK;

    for (size_t i = 0; rc == RS_OK && i < json_array_size(array); i++) {
        const json_t *key = json_array_get(array, i);
        int64_t slot = 0;

        if (slots == 0)
            return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s on a part without", name);
        rc = rs_json_int(key, "slot", 0, (int64_t)slots - 1, &slot, err);
        if (rc == RS_OK)
            rc = load(c, (unsigned)slot, key, err);
    }
    return rc;
}

static rs_code
load_host(struct stsafe_chip *c, const json_t *object, struct rs_err *err)
{
    struct stsafe_host_key *k = &c->nvm.host;
    uint32_t type = 0;
    size_t len = 0;
    rs_code rc;

    if (object == NULL || json_is_null(object))
        return RS_OK;
    rc = read_number(object, "type", STSAFE_U_HOST_TYPE_AES256, &type, err);
    if (rc == RS_OK)
        rc = read_number(object, "counter",
                         c->spec->host_counter_size == 3 ? 0xFFFFFF : UINT32_LIMIT, &k->counter,
                         err);
    if (rc == RS_OK)
        rc = rs_json_hex(object, "mac", k->mac, sizeof(k->mac), &len, err);
    if (rc != RS_OK)
        return rc;
    if (len != 16 && (len != 32 || c->spec->kind != STSAFE_A120))
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: a host key of %zu bytes", len);
    k->type = (uint8_t)type;
    k->len = (uint8_t)len;
    return read_hex(object, "cipher", k->cipher, len, err);
}

static rs_code
load_control(const json_t *object, struct stsafe_control *control, struct rs_err *err)
{
    uint32_t slot = 0;
    rs_code rc = read_number(object, "slot", 0xFF, &slot, err);

    control->slot = (uint8_t)slot;
    control->flags = (uint8_t)((is_true(object, "wrapped") ? STSAFE_CONTROL_WRAPPED : 0u) |
                               (is_true(object, "plain") ? STSAFE_CONTROL_PLAIN : 0u) |
                               (is_true(object, "again") ? STSAFE_CONTROL_REPROVISION : 0u) |
                               (is_true(object, "may_change") ? STSAFE_CONTROL_CHANGE : 0u));
    return rc;
}

static rs_code
load_symmetric_control(const json_t *object, struct stsafe_control *k, struct rs_err *err)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {{"ecdhe", STSAFE_SYMMETRIC_ECDHE}, {"wrapped", STSAFE_SYMMETRIC_WRAPPED},
                 {"put", STSAFE_SYMMETRIC_PUT},     {"may_change", STSAFE_SYMMETRIC_CHANGE},
                 {"plain", STSAFE_SYMMETRIC_PLAIN}, {"derived", STSAFE_SYMMETRIC_DERIVED}};
    uint32_t wrapped = 0, ecdhe = 0;
    rs_code rc = read_number(object, "wrapped_slot", 0xFF, &wrapped, err);

    if (rc == RS_OK)
        rc = read_number(object, "ecdhe_slot", 0xFF, &ecdhe, err);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        k->flags |= (uint8_t)(is_true(object, flags[i].name) ? flags[i].flag : 0);
    k->slot = (uint8_t)wrapped;
    k->other_slot = (uint8_t)ecdhe;
    return rc;
}

static rs_code
load_controls(struct stsafe_chip *c, const json_t *object, struct rs_err *err)
{
    const json_t *array = json_object_get(object, "symmetric_control");
    rs_code rc = load_control(json_object_get(object, "host_control"), &c->nvm.host_control, err);

    for (unsigned slot = 0; rc == RS_OK && slot < c->spec->symmetric_slots; slot++)
        rc = load_symmetric_control(json_array_get(array, slot), &c->nvm.symmetric_control[slot],
                                    err);
    return rc;
}

static rs_code
load_record(const json_t *object, struct stsafe_record *r, struct rs_err *err)
{
    unsigned code = 0, extended = 0, access = 0;
    const char *text;
    rs_code rc = rs_json_text(object, "command", &text, err);

    if (rc == RS_OK && (sscanf(text, "%2x %2x", &code, &extended) < 1 || code > STSAFE_EXTENDED))
        rc = rs_fail(err, RS_E_FILE_FAILED, "simulator state: no command %.16s", text);
    if (rc == RS_OK)
        rc = read_word(object, "access", command_access, &access, err);
    *r = (struct stsafe_record){.code = (uint8_t)code,
                                .extended = (uint8_t)extended,
                                .access = (uint8_t)access,
                                .encrypted = (uint8_t)(2 * is_true(object, "command_encrypted") +
                                                       is_true(object, "answer_encrypted"))};
    return rc;
}

static rs_code
load_records(struct stsafe_nvm *nvm, const json_t *array, struct rs_err *err)
{
    size_t count = json_array_size(array);
    rs_code rc = RS_OK;

    if (count > STSAFE_RECORDS_MAX)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: at most %d commands",
                       STSAFE_RECORDS_MAX);
    for (size_t i = 0; rc == RS_OK && i < count; i++)
        rc = load_record(json_array_get(array, i), &nvm->records[i], err);
    nvm->record_count = (uint8_t)count;
    return rc;
}

static rs_code
load_basics(struct stsafe_chip *c, const json_t *object, struct rs_err *err)
{
    const json_t *i2c = json_object_get(object, "i2c");
    unsigned life_cycle = 0;
    uint32_t address = 0, flags = 0;
    rs_code rc = read_hex(object, "number", c->nvm.number, sizeof(c->nvm.number), err);

    if (rc == RS_OK)
        rc = read_word(object, "life_cycle", life_cycles, &life_cycle, err);
    if (rc == RS_OK)
        rc = read_number(i2c, "address", 0x77, &address, err);
    if (rc == RS_OK)
        rc = read_number(i2c, "flags", 0xFF, &flags, err);
    c->nvm.life_cycle =
        (uint8_t)(life_cycle |
                  (is_true(object, "life_cycle_locked") ? STSAFE_U_LIFE_CYCLE_LOCK : 0u));
    c->nvm.i2c = (struct stsafe_i2c){(uint8_t)(address << 1), (uint8_t)flags};
    c->nvm.record_change = (uint8_t)is_true(object, "command_table_may_change");
    return rc;
}

rs_code
stsafe_load(struct stsafe_chip *c, const json_t *object, struct rs_err *err)
{
    rs_code rc = load_basics(c, object, err);

    if (rc == RS_OK)
        rc = load_zones(&c->nvm, json_object_get(object, "zones"), err);
    if (rc == RS_OK)
        rc = load_slots(c, object, "private_keys", c->spec->private_slots, load_private, err);
    if (rc == RS_OK)
        rc = load_slots(c, object, "public_keys", c->spec->public_slots, load_public, err);
    if (rc == RS_OK)
        rc = load_slots(c, object, "symmetric_keys", c->spec->symmetric_slots, load_symmetric, err);
    if (rc == RS_OK)
        rc = load_slots(c, object, "envelope_keys", STSAFE_ENVELOPE_MAX, load_envelope, err);
    if (rc == RS_OK)
        rc = load_host(c, json_object_get(object, "host_key"), err);
    if (rc == RS_OK)
        rc = load_controls(c, object, err);
    return rc == RS_OK ? load_records(&c->nvm, json_object_get(object, "commands"), err) : rc;
}
