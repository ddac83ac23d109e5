/*
 * chip_info.c: who a part is, what it can do, what is locked, who can listen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/chip.h"

/* What concerns the part and no single object. */
#define OF_PART (1u << ROT_CAN_RANDOM | 1u << ROT_CAN_WIPE | 1u << ROT_CAN_CHANNEL)

static const struct {
    enum rot_stage stage;
    const char *name;
} stages[] = {
    {ROT_STAGE_CONFIG, "config"}, {ROT_STAGE_DATA, "data"}, {ROT_STAGE_LIFECYCLE, "lifecycle"}};

static const char *
state_name(enum rot_seal_state state)
{
    return state == ROT_SEAL_DONE ? "locked" : state == ROT_SEAL_OPEN ? "open" : "foreign";
}

/* ---- Locks -------------------------------------------------------------------------------------- */

/* A stage that the part does not have is no line. */
static rs_code
add_lock(struct desk *d, json_t *locks, enum rot_stage stage, rot_object object, const char *name,
         struct rs_err *err)
{
    enum rot_seal_state state;
    rot_err rot = rot_seal_state(&d->chip, stage, object, &state);

    if (rot == ROT_E_UNSUPPORTED)
        return RS_OK;
    if (rot == ROT_E_STATE) /* not before an earlier stage */
        state = ROT_SEAL_OPEN;
    else if (rot != ROT_OK)
        return desk_fail(d, rot, "ask what is locked", err);
    (void)json_array_append_new(locks,
                                json_pack("{s:s, s:s}", "what", name, "state", state_name(state)));
    return RS_OK;
}

static rs_code
find_locks(struct desk *d, json_t *locks, struct rs_err *err)
{
    const struct rot_layout *l = desk_layout(d);
    rs_code rc = RS_OK;
    char name[ROT_NAME_MAX];

    for (size_t i = 0; i < 3 && rc == RS_OK; i++)
        rc = add_lock(d, locks, stages[i].stage, 0, stages[i].name, err);
    for (size_t i = 0; i < l->place_count && rc == RS_OK; i++) {
        if ((l->places[i].flags & ROT_PLACE_LOCKABLE) != 0 &&
            rot_object_name(l->places[i].object, name) == ROT_OK)
            rc = add_lock(d, locks, ROT_STAGE_OBJECT, l->places[i].object, name, err);
    }
    return rc;
}

/* "open: config, data; locked: ldevid/0" */
static void
say_locks(struct desk *d, const json_t *locks)
{
    static const char *const states[] = {"open", "locked", "foreign"};
    char text[1024] = "";
    size_t at = 0, i;
    json_t *lock;

    for (size_t s = 0; s < 3; s++) {
        int first = 1;

        json_array_foreach(locks, i, lock)
        {
            if (strcmp(rs_json_text_or(lock, "state", ""), states[s]) != 0)
                continue;
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%s%s",
                                   first && at > 0 ? "; " : "", first ? states[s] : "",
                                   first ? ": " : ", ", rs_json_text_or(lock, "what", ""));
            first = 0;
            if (at >= sizeof(text) - 64)
                break;
        }
    }
    if (!d->cli->quiet)
        desk_put_field(d->cli, "locks", 14,
                       text[0] != '\0' ? text : "this part has none that rot.h knows");
}

/* ---- Abilities ------------------------------------------------------------------------------------ */

static json_t *
primitives(const struct rot_capability *can, enum rot_where where)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < ROT_PRIMITIVES; i++) {
        if (can->where[i] == where && (OF_PART & 1u << i) == 0)
            (void)json_array_append_new(list, json_string(desk_primitive_name(i)));
    }
    return list;
}

static json_t *
describe(const char *name, const struct rot_capability *can)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i, s:i}", "object", name, "algorithm",
                     layout_algorithm_name(can->alg), "chip", primitives(can, ROT_IN_CHIP), "host",
                     primitives(can, ROT_ON_HOST), "cert", (int)can->cert_size, "chain",
                     (int)can->chain_size, "data", (int)can->data_size);
}

static rs_code
find_objects(struct desk *d, json_t *objects, unsigned *ret_of_part, struct rs_err *err)
{
    const struct rot_layout *l = desk_layout(d);
    rot_object last = 0;
    char name[ROT_NAME_MAX];

    *ret_of_part = 0;
    for (size_t i = 0; i < l->place_count; i++) {
        struct rot_capability can;
        rot_err rot;

        if (l->places[i].object == last || rot_object_name(l->places[i].object, name) != ROT_OK)
            continue; /* the parts of an object stand together */
        last = l->places[i].object;
        rot = rot_capabilities(&d->chip, last, &can);
        if (rot != ROT_OK)
            return desk_fail(d, rot, "ask what it can do", err);
        for (unsigned p = 0; p < ROT_PRIMITIVES; p++)
            *ret_of_part |= can.where[p] != ROT_NOWHERE ? 1u << p & OF_PART : 0;
        (void)json_array_append_new(objects, describe(name, &can));
    }
    return RS_OK;
}

static size_t
put_words(char *text, size_t at, size_t cap, const json_t *list, const char *before)
{
    size_t i;
    json_t *word;

    json_array_foreach(list, i, word)
    {
        if (at + 64 >= cap)
            return at;
        at += (size_t)snprintf(text + at, cap - at, "%s%s", i == 0 ? before : ", ",
                               json_string_value(word));
    }
    return at;
}

static size_t
put_size(char *text, size_t at, size_t cap, const json_t *o, const char *part)
{
    json_int_t n = json_integer_value(json_object_get(o, part));

    if (n == 0 || at + 32 >= cap)
        return at;
    return at + (size_t)snprintf(text + at, cap - at, "%s%s %lld B", at > 0 ? "; " : "", part,
                                 (long long)n);
}

static void
say_object(struct desk *d, const json_t *o)
{
    const char *alg = rs_json_text_or(o, "algorithm", "");
    const json_t *chip = json_object_get(o, "chip"), *host = json_object_get(o, "host");
    char text[512];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", alg);

    at = put_words(text, at, sizeof(text), chip, at > 0 ? ": " : "");
    at = put_words(text, at, sizeof(text), host, at > 0 ? "; on the host: " : "on the host: ");
    at = put_size(text, at, sizeof(text), o, "cert");
    at = put_size(text, at, sizeof(text), o, "chain");
    (void)put_size(text, at, sizeof(text), o, "data");
    desk_put_field(d->cli, rs_json_text_or(o, "object", ""), 14, text);
}

/* ---- info ------------------------------------------------------------------------------------------ */

static const char *
channel_words(const struct desk *d, unsigned protection, unsigned of_part)
{
    if (protection == ROT_PROTECTION_OWN)
        return "own: what is said to the part is protected by this host's secret";
    if (protection == ROT_PROTECTION_DEFAULT)
        return "default: protected by a secret that the vendor published, which is worth nothing";
    if ((of_part & 1u << ROT_CAN_CHANNEL) == 0)
        return "none: this part has none";
    return desk_layout(d)->channel
               ? "none: whoever is on the bus can read along and change what is said"
               : "none, and this layout does not ask for one";
}

static void
say_part(struct desk *d, const struct rot_identity *id, const char *uid, unsigned of_part)
{
    struct cli *cli = d->cli;

    cli_say(cli, "%s   %s%s\n", d->uri, id->model, id->simulated ? "   SIMULATOR" : "");
    cli_field(cli, "vendor", "%s, revision 0x%x", id->vendor, (unsigned)id->revision);
    cli_field(cli, "uid", "%s", uid);
    cli_field(cli, "life", "%s", desk_life_name(id->lifecycle));
    cli_field(cli, "layout", "%s", desk_layout(d)->name);
    if (!cli->quiet)
        desk_put_field(cli, "channel", 14, channel_words(d, id->protection, of_part));
}

static void
say_next(struct desk *d, const struct rot_identity *id)
{
    char first[160], second[160];

    (void)snprintf(first, sizeof(first), "rootsmith chip layout --chip %.100s", d->uri);
    (void)snprintf(second, sizeof(second), "rootsmith chip %s --chip %.100s",
                   id->lifecycle == ROT_LIFE_BLANK ? "genkey idevid" : "challenge", d->uri);
    (void)fputc('\n', stdout);
    cli_next(d->cli, first, second, NULL);
}

static int
put_info(struct desk *d, const struct rot_identity *id, const json_t *locks, const json_t *objects,
         unsigned of_part)
{
    char uid[2 * ROT_UID_MAX + 1];
    size_t i;
    json_t *o;

    rs_hex(rs_bytes_of(id->uid, id->uid_len), uid, sizeof(uid));
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:b, s:O, s:O}", "kind",
                      "chip", "name", d->uri, "driver", d->lin.setup.driver->name, "vendor",
                      id->vendor, "model", id->model, "revision", (json_int_t)id->revision, "uid",
                      uid, "lifecycle", desk_life_name(id->lifecycle), "layout",
                      desk_layout(d)->name, "protection", desk_protection_name(id->protection),
                      "simulated", (int)id->simulated, "locks", locks, "objects", objects);
        return cli_put_json(d->cli, j);
    }
    if (d->cli->quiet)
        return 0;
    say_part(d, id, uid, of_part);
    say_locks(d, locks);
    (void)printf("\n%s  %-12sCAN DO IN THE PART%s\n", d->cli->color ? "\033[1m" : "", "OBJECT",
                 d->cli->color ? "\033[0m" : "");
    json_array_foreach(objects, i, o)
    {
        say_object(d, o);
    }
    say_next(d, id);
    return 0;
}

int
chip_info(struct desk *d, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *locks = json_array(), *objects = json_array();
    struct rot_identity id;
    unsigned of_part = 0;
    rot_err rot = rot_identify(&d->chip, &id);

    if (rot != ROT_OK) {
        (void)desk_fail(d, rot, "ask who it is", err);
        return -1;
    }
    if (find_locks(d, locks, err) != RS_OK || find_objects(d, objects, &of_part, err) != RS_OK)
        return -1;
    return put_info(d, &id, locks, objects, of_part);
}
