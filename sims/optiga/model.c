/*
 * model.c: a part from nothing, from a saved object, and back into one.
 *
 * Saved is what survives without power: each object with its metadata in the
 * part's own coding and its data in lines of 32 bytes, zeros at the end left
 * out; and what the part was told to keep for later.  Whoever reads the file
 * sees the memory of the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/optiga/model.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/text.h"
#include "sims/optiga/uncertain.h"

extern const struct sim_assumption optiga_assumptions[];

#define LINE     32
#define HEX_LINE (2 * LINE + 1)

static void
prepare(struct optiga_chip *c, const struct sim_host *host, unsigned v3)
{
    memset(c, 0, sizeof(*c));
    c->host = host;
    c->v3 = v3;
    optiga_objects_init(c);
}

static rs_code
create(void *state, const struct sim_host *host, const struct sim_create *how, unsigned v3,
       struct rs_err *err)
{
    struct optiga_chip *c = state;
    rs_code rc;

    prepare(c, host, v3);
    (void)snprintf(c->personality, sizeof(c->personality), "%s", how->personality);
    rc = optiga_factory(c, how, err);
    if (rc == RS_OK)
        optiga_set_power(c, 1);
    return rc;
}

static rs_code
create_m1(void *state, const struct sim_host *host, const struct sim_create *how,
          struct rs_err *err)
{
    return create(state, host, how, 0, err);
}

static rs_code
create_m3(void *state, const struct sim_host *host, const struct sim_create *how,
          struct rs_err *err)
{
    return create(state, host, how, 1, err);
}

static void
done(void *state)
{
    struct optiga_chip *c = state;

    optiga_sym_drop(c);
    rs_wipe(c, sizeof(*c));
}

/* ---- Saved form: out ------------------------------------------------------------------------- */

static json_t *
hex_text(const uint8_t *p, size_t len)
{
    char text[2 * OPTIGA_SESSION_MAX + 1];

    rs_hex(rs_bytes_of(p, len), text, sizeof(text));
    return json_string(text);
}

/* Lines of bytes; zeros at the end are left out. */
static json_t *
hex_lines(const uint8_t *p, size_t len)
{
    json_t *lines = json_array();

    while (len > 0 && p[len - 1] == 0)
        len--;
    for (size_t at = 0; at < len; at += LINE)
        if (json_array_append_new(lines, hex_text(p + at, len - at < LINE ? len - at : LINE)) != 0)
            break;
    return lines;
}

/* As it is saved, or for people: then without what is secret, and with conditions in words. */
static json_t *
object_out(struct optiga_chip *c, const struct optiga_object *o, int for_people)
{
    uint8_t bytes[OPTIGA_META_MAX];
    size_t len = optiga_meta_write(&o->meta, bytes);
    json_t *out = json_object();
    json_t *data = for_people && optiga_is_secret(o)
                       ? json_string(optiga_used(o) > 0 ? "secret" : "none")
                       : hex_lines(optiga_data(c, o), o->place->size);
    int ok = json_object_set_new(out, "oid", json_sprintf("%04X", o->place->oid)) == 0;

    ok = json_object_set_new(out, "name", json_string(o->place->name)) == 0 && ok;
    ok = json_object_set_new(out, "metadata", hex_text(bytes, len)) == 0 && ok;
    ok = (!for_people || optiga_conditions_out(&o->meta, out)) && ok;
    ok = json_object_set_new(out, "data", data) == 0 && ok;
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *
session_out(const struct optiga_session *s)
{
    return json_pack("{s:i, s:i, s:i, s:o}", "kind", (int)s->kind, "algorithm", (int)s->alg,
                     "usage", (int)s->usage, "data", hex_text(s->bytes, s->len));
}

static json_t *
hibernation_out(const struct optiga_hibernation *h)
{
    const struct optiga_context *k = &h->context;
    json_t *sessions = json_array(), *authorized = json_array();

    for (size_t i = 0; i < OPTIGA_SESSION_COUNT; i++)
        (void)json_array_append_new(sessions, session_out(&k->sessions[i]));
    for (size_t i = 0; i < OPTIGA_AUTO_COUNT; i++)
        (void)json_array_append_new(authorized, json_integer(k->authorized[i]));
    return json_pack("{s:o, s:i, s:i, s:o, s:o}", "handle", hex_text(h->handle, sizeof(h->handle)),
                     "status_global", (int)k->status_g, "status_application", (int)k->status_a,
                     "authorized", authorized, "sessions", sessions);
}

static json_t *
shield_out(const struct optiga_shield_keys *k)
{
    return json_pack("{s:o, s:I, s:I}", "keys", hex_text(k->block, sizeof(k->block)),
                     "master_sequence", (json_int_t)k->master_seq, "slave_sequence",
                     (json_int_t)k->slave_seq);
}

static int
write_objects(struct optiga_chip *c, int for_people, json_t *object)
{
    json_t *objects = json_array();
    int ok = 1;

    for (size_t i = 0; i < c->object_count; i++)
        ok = json_array_append_new(objects, object_out(c, &c->objects[i], for_people)) == 0 && ok;
    return json_object_set_new(object, "objects", objects) == 0 && ok;
}

static int
save(const void *state, json_t *object)
{
    /* The directory works on a chip that may change; nothing here changes it. */
    struct optiga_chip c = *(const struct optiga_chip *)state;
    int ok = json_object_set_new(object, "personality", json_string(c.personality)) == 0;

    ok = json_object_set_new(object, "address", json_integer(c.address_kept)) == 0 && ok;
    ok = json_object_set_new(object, "bus_mode", json_integer(c.mode_kept)) == 0 && ok;
    ok = write_objects(&c, 0, object) && ok;
    if (c.hibernation.valid)
        ok = json_object_set_new(object, "hibernation", hibernation_out(&c.hibernation)) == 0 && ok;
    if (c.shield_saved.valid)
        ok = json_object_set_new(object, "shielded_connection", shield_out(&c.shield_saved.keys)) ==
                 0 &&
             ok;
    rs_wipe(&c, sizeof(c));
    return ok;
}

static json_t *
dump(const void *state)
{
    struct optiga_chip c = *(const struct optiga_chip *)state;
    json_t *object = json_object();
    int ok = object != NULL && write_objects(&c, 1, object);

    rs_wipe(&c, sizeof(c));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- Saved form: in ----------------------------------------------------------------------------- */

static rs_code
bad(struct rs_err *err, const char *what)
{
    return rs_fail(err, RS_E_FILE_FAILED, "simulator state: %s is not what was saved", what);
}

/* Lines one after the other into at most cap bytes. */
static int
lines_in(const json_t *lines, uint8_t *p, size_t cap)
{
    size_t at = 0;

    if (!json_is_array(lines))
        return 0;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *text = json_string_value(json_array_get(lines, i));
        size_t got = 0;

        if (text == NULL || !rs_hex_read(text, strlen(text), p + at, cap - at, &got))
            return 0;
        at += got;
    }
    return 1;
}

/* Sizes that the code relies on. */
static int
sizes_ok(const struct optiga_object *o)
{
    if (o->place->kind != OPTIGA_KIND_DATA)
        return optiga_used(o) <= o->place->size &&
               (!(o->meta.has & OPTIGA_HAS_ALG) || optiga_used(o) > 0);
    return optiga_used(o) <= o->place->size;
}

static rs_code
object_in(struct optiga_chip *c, const json_t *in, size_t index, struct rs_err *err)
{
    struct optiga_object *o = &c->objects[index];
    uint8_t bytes[OPTIGA_META_MAX];
    char oid[8];
    size_t len = 0;
    rs_code rc;

    (void)snprintf(oid, sizeof(oid), "%04X", o->place->oid);
    if (strcmp(rs_json_text_or(in, "oid", ""), oid) != 0)
        return rs_fail(err, RS_E_FILE_FAILED, "simulator state: objects[%zu] must be %s", index,
                       oid);
    rc = rs_json_hex(in, "metadata", bytes, sizeof(bytes), &len, err);
    if (rc != RS_OK)
        return rc;
    if (!optiga_meta_read(bytes, len, &o->meta) || !sizes_ok(o) ||
        !lines_in(json_object_get(in, "data"), optiga_data(c, o), o->place->size))
        return bad(err, oid);
    return RS_OK;
}

static rs_code
session_in(const json_t *in, struct optiga_session *s, struct rs_err *err)
{
    int64_t kind, alg, usage;
    size_t len = 0;
    rs_code rc = rs_json_int(in, "kind", 0, OPTIGA_SESSION_NONCE, &kind, err);

    if (rc == RS_OK)
        rc = rs_json_int(in, "algorithm", 0, 0xFF, &alg, err);
    if (rc == RS_OK)
        rc = rs_json_int(in, "usage", 0, 0xFF, &usage, err);
    if (rc == RS_OK)
        rc = rs_json_hex(in, "data", s->bytes, sizeof(s->bytes), &len, err);
    if (rc != RS_OK)
        return rc;
    s->kind = (enum optiga_session_kind)kind;
    s->alg = (uint8_t)alg;
    s->usage = (uint8_t)usage;
    s->len = (uint16_t)len;
    if (s->kind == OPTIGA_SESSION_KEY &&
        (optiga_curve(s->alg) == NULL || len != optiga_key_size(s->alg)))
        return bad(err, "a session key");
    return RS_OK;
}

static rs_code
hibernation_in(const json_t *in, struct optiga_hibernation *h, struct rs_err *err)
{
    const json_t *sessions = json_object_get(in, "sessions");
    const json_t *authorized = json_object_get(in, "authorized");
    int64_t status_g, status_a;
    size_t len = 0;
    rs_code rc = rs_json_hex(in, "handle", h->handle, sizeof(h->handle), &len, err);

    if (rc == RS_OK)
        rc = rs_json_int(in, "status_global", 0, 0xFF, &status_g, err);
    if (rc == RS_OK)
        rc = rs_json_int(in, "status_application", 0, 0xFF, &status_a, err);
    for (size_t i = 0; rc == RS_OK && i < OPTIGA_SESSION_COUNT; i++)
        rc = session_in(json_array_get(sessions, i), &h->context.sessions[i], err);
    if (rc != RS_OK)
        return rc;
    if (len != sizeof(h->handle))
        return bad(err, "hibernation");
    for (size_t i = 0; i < OPTIGA_AUTO_COUNT; i++)
        h->context.authorized[i] = (uint16_t)json_integer_value(json_array_get(authorized, i));
    h->context.status_g = (uint8_t)status_g;
    h->context.status_a = (uint8_t)status_a;
    h->valid = 1;
    return RS_OK;
}

static rs_code
shield_in(const json_t *in, struct optiga_shield_saved *s, struct rs_err *err)
{
    int64_t master, slave;
    size_t len = 0;
    rs_code rc = rs_json_hex(in, "keys", s->keys.block, sizeof(s->keys.block), &len, err);

    if (rc == RS_OK)
        rc = rs_json_int(in, "master_sequence", 0, UINT32_MAX, &master, err);
    if (rc == RS_OK)
        rc = rs_json_int(in, "slave_sequence", 0, UINT32_MAX, &slave, err);
    if (rc != RS_OK)
        return rc;
    if (len != sizeof(s->keys.block))
        return bad(err, "shielded_connection");
    s->keys.master_seq = (uint32_t)master;
    s->keys.slave_seq = (uint32_t)slave;
    s->valid = 1;
    return RS_OK;
}

static rs_code
bus_in(struct optiga_chip *c, const json_t *object, struct rs_err *err)
{
    int64_t address, mode;
    rs_code rc = rs_json_int(object, "address", 0, 0x7F, &address, err);

    if (rc == RS_OK)
        rc = rs_json_int(object, "bus_mode", 1, 4, &mode, err);
    if (rc != RS_OK)
        return rc;
    c->address_kept = (uint8_t)address;
    c->mode_kept = (uint8_t)mode;
    return RS_OK;
}

static rs_code
load(void *state, const struct sim_host *host, const json_t *object, unsigned v3,
     struct rs_err *err)
{
    struct optiga_chip *c = state;
    const json_t *objects = json_object_get(object, "objects");
    const json_t *hibernation = json_object_get(object, "hibernation");
    const json_t *shield = json_object_get(object, "shielded_connection");
    rs_code rc;

    prepare(c, host, v3);
    (void)snprintf(c->personality, sizeof(c->personality), "%s",
                   rs_json_text_or(object, "personality", ""));
    rc = bus_in(c, object, err);
    if (rc == RS_OK && json_array_size(objects) != c->object_count)
        rc = bad(err, "objects");
    for (size_t i = 0; rc == RS_OK && i < c->object_count; i++)
        rc = object_in(c, json_array_get(objects, i), i, err);
    if (rc == RS_OK && hibernation != NULL)
        rc = hibernation_in(hibernation, &c->hibernation, err);
    if (rc == RS_OK && shield != NULL)
        rc = shield_in(shield, &c->shield_saved, err);
    if (rc == RS_OK)
        optiga_set_power(c, 1);
    return rc;
}

static rs_code
load_m1(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load(state, host, object, 0, err);
}

static rs_code
load_m3(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load(state, host, object, 1, err);
}

/* ---- What people ask ------------------------------------------------------------------------------ */

static void
set_timing(void *state, const struct sim_timing *timing)
{
    ((struct optiga_chip *)state)->timing = *timing;
}

static int
set_quirk(void *state, const char *name)
{
    static const char *const names[] = {"none",        "guard",     "sleep",
                                        "busy-nak",    "ack-first", "short-register",
                                        "long-length", "wrong-mac", "tear"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            ((struct optiga_chip *)state)->quirk = (enum optiga_quirk)i;
            return 1;
        }
    }
    return 0;
}

static int
get_power(const void *state)
{
    return ((const struct optiga_chip *)state)->powered;
}

/* The part needs no pulse: the bus wakes it. */
static void
wake(void *state, uint32_t low_us)
{
    (void)state;
    (void)low_us;
}

static uint8_t
get_address(const void *state)
{
    return ((const struct optiga_chip *)state)->address;
}

static size_t
get_serial(const void *state, uint8_t serial[SIM_SERIAL_MAX])
{
    struct optiga_chip c = *(const struct optiga_chip *)state;

    memcpy(serial, optiga_byte(&c, OPTIGA_OID_UID), OPTIGA_UID_SIZE);
    rs_wipe(&c, sizeof(c));
    return OPTIGA_UID_SIZE;
}

static uint64_t
get_chip_time_us(const void *state)
{
    return ((const struct optiga_chip *)state)->chip_time_us;
}

/* Objects whose own life cycle has become operational. */
static void
get_locks(const void *state, char *text, size_t cap)
{
    const struct optiga_chip *c = state;
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < c->object_count && len + 6 < cap; i++) {
        const struct optiga_object *o = &c->objects[i];

        if (o->meta.has & OPTIGA_HAS_LCSO && o->meta.lcso >= OPTIGA_OPERATIONAL)
            len += (size_t)snprintf(text + len, cap - len, "%s%04X", len > 0 ? "," : "",
                                    o->place->oid);
    }
}

static const char *const personalities_m1[] = {"blank-m1", NULL};
static const char *const personalities_m3[] = {"blank-m3", NULL};

#define OPTIGA_COMMON                                                                              \
    .assumptions = optiga_assumptions, .vendor = "infineon",                                       \
    .state_size = sizeof(struct optiga_chip), .done = done, .save = save,                          \
    .set_timing = set_timing, .set_time = optiga_set_time, .set_power = optiga_set_power,          \
    .get_power = get_power, .set_quirk = set_quirk, .wake = wake, .i2c_write = optiga_i2c_write,   \
    .i2c_read = optiga_i2c_read, .get_address = get_address, .get_serial = get_serial,             \
    .get_locks = get_locks, .get_chip_time_us = get_chip_time_us, .dump = dump

const struct sim_model optiga_m1_model = {.name = "optiga-trust-m1",
                                          .personalities = personalities_m1,
                                          .create = create_m1,
                                          .load = load_m1,
                                          OPTIGA_COMMON};

const struct sim_model optiga_m3_model = {.name = "optiga-trust-m3",
                                          .personalities = personalities_m3,
                                          .create = create_m3,
                                          .load = load_m3,
                                          OPTIGA_COMMON};
