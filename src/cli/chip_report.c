/*
 * chip_report.c: a real part beside the simulator of its model: one file with every difference.
 *
 * The part is read and asked, and never changed: what its driver reads, in the
 * clear, and how it says no (chip_probes.c).  All of that passes a recorder.
 * Then simulated parts of the same model get the same bytes (chip_replay.c).
 *
 * Nothing secret can be in the file, for nothing secret passes: no channel is
 * opened, no key is used, and what its owner keeps in data objects is not read.
 *
 * The file is described in docs/chips/report.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/chip.h"
#include "cli/chip_probes.h"
#include "cli/chip_record.h"
#include "cli/chip_replay.h"
#include "cli/sim_control.h"
#include "cli/sim_process.h"

#include <rot/rot_driver.h>

#define FORMAT    "rootsmith chip report"
#define VERSION   1
#define STEPS_MAX 256
#define SHOWN_MAX 10 /* contradictions, for people */

struct report {
    struct desk *d;
    struct record record;
    struct rot_identity id;
    struct rot_chip chip; /* by the recorder, in the clear */
    struct rot_layout layout;
    struct rot_port port;
    struct rot_port_ops ops;
    const char *kind;
    json_t *steps;              /* name, result */
    uint8_t natural[STEPS_MAX]; /* enum replay_class, or 0 */
    int is_new;                 /* as its maker delivers it: nobody has written to it */
    json_t *differences, *agreed;
    json_t *uncertain; /* what the simulator says that it assumes */
    struct sim_process sims[REPLAY_PARTS];
    struct sim_control control; /* of the first */
    struct rot_linux *lines[REPLAY_PARTS];
};

/* ---- Which simulated part ------------------------------------------------------------------------ */

static const struct {
    const char *kind, *model, *driver;
} kinds[] = {
    {"blank608a", "atecc608a", "atecc"},       {"blank608b", "atecc608b", "atecc"},
    {"tngtls", "atecc608b", "atecc"},          {"tflxtls", "atecc608b", "atecc"},
    {"blank-a100", "stsafe-a100", "stsafe"},   {"blank-a110", "stsafe-a110", "stsafe"},
    {"blank-a120", "stsafe-a120", "stsafe"},   {"blank-se050", "se050", "se05x"},
    {"blank-se051", "se051", "se05x"},         {"blank-m1", "optiga-trust-m1", "optiga"},
    {"blank-m3", "optiga-trust-m3", "optiga"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* The first of the model, which is blank; NULL: there is none. */
static const char *
kind_of(const struct rot_identity *id, unsigned address)
{
    /* At these addresses their maker has configured them. */
    if (strncmp(id->model, "atecc", 5) == 0 && (address == 0x35 || address == 0x36))
        return address == 0x35 ? "tngtls" : "tflxtls";
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].model, id->model) == 0)
            return kinds[i].kind;
    }
    return NULL;
}

static size_t
find_kind(const char *kind)
{
    size_t i = 0;

    while (i < KIND_COUNT && strcmp(kinds[i].kind, kind) != 0)
        i++;
    return i;
}

/* A delivered STSAFE is in its operational life cycle; a Trust&GO part is closed altogether. */
static int
is_as_delivered(const struct report *r)
{
    if (strcmp(r->kind, "tngtls") == 0)
        return 1;
    if (strncmp(r->id.model, "stsafe", 6) == 0)
        return r->id.lifecycle == ROT_LIFE_CONFIGURED;
    return r->id.lifecycle == ROT_LIFE_BLANK;
}

/* ---- Reading the part ------------------------------------------------------------------------------- */

static void
add_step(struct report *r, const char *name, int natural)
{
    size_t n = json_array_size(r->steps);

    if (n == STEPS_MAX)
        return;
    r->natural[n] = (uint8_t)natural;
    (void)json_array_append_new(r->steps, json_pack("{s:s}", "name", name));
    record_step(&r->record, (uint16_t)n);
}

/* What an owner may have written is natural in a part that has one. */
static void
begin_step(void *arg, const char *name, int is_content)
{
    struct report *r = arg;

    add_step(r, name, is_content && !r->is_new ? REPLAY_CONTENT : 0);
}

static void
end_step(struct report *r, rot_err rot)
{
    json_t *step = json_array_get(r->steps, json_array_size(r->steps) - 1);

    (void)json_object_set_new(step, "result", json_string(rot_err_name(rot)));
}

/* The driver speaks in the clear: the layout wants no channel, and the port has no secret. */
static void
set_up(struct report *r, struct rot_setup *setup)
{
    *setup = r->d->lin.setup;
    r->layout = setup->layout != NULL ? *setup->layout : *setup->driver->layouts[0];
    r->layout.channel = 0;
    r->ops = *setup->port->ops;
    r->ops.channel_secret = NULL;
    r->port = (struct rot_port){.self = setup->port->self, .ops = &r->ops};
    setup->layout = &r->layout;
    setup->port = &r->port;
    setup->transport = &r->record.transport;
}

/* Keys' public halves, certificates, trust and firmware keys; what is an owner's own is his. */
static int
is_read(const struct rot_place *p)
{
    enum rot_kind kind = ROT_OBJECT_KIND(p->object);

    if ((p->flags & ROT_PLACE_ENCRYPTED) != 0 && p->part != ROT_PART_KEY)
        return 0;
    if (p->part == ROT_PART_KEY)
        return rot_alg_secret_size((enum rot_alg)p->alg) == 0;
    return kind != ROT_KIND_DATA && kind != ROT_KIND_SESSION && kind != ROT_KIND_CHANNEL;
}

static rot_err
read_place(struct report *r, const struct rot_place *p)
{
    uint8_t bytes[ROT_CERTIFICATE_MAX];
    uint64_t value;
    size_t len;

    if (p->part == ROT_PART_KEY)
        return rot_key_public(&r->chip, p->object, bytes, sizeof(bytes), &len);
    if (ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER)
        return rot_counter_read(&r->chip, p->object, &value);
    return rot_object_read(&r->chip, p->object, (enum rot_part)p->part, 0, bytes, sizeof(bytes),
                           &len);
}

/* A maker's certificates are like nobody else's, from their names to their signatures. */
static int
natural_of(const struct report *r, const struct rot_place *p)
{
    int is_makers = (p->flags & ROT_PLACE_READ_ONLY) != 0 || strcmp(r->kind, "tngtls") == 0 ||
                    strcmp(r->kind, "tflxtls") == 0;

    return is_makers ? REPLAY_IDENTITY : r->is_new ? 0 : REPLAY_CONTENT;
}

static void
read_places(struct report *r)
{
    for (size_t i = 0; i < r->layout.place_count; i++) {
        const struct rot_place *p = &r->layout.places[i];
        char name[ROT_NAME_MAX] = "", step[ROT_NAME_MAX + 16];

        if (!is_read(p) || rot_object_name(p->object, name) != ROT_OK)
            continue;
        (void)snprintf(step, sizeof(step), "%s of %s", layout_part_name(p->part), name);
        desk_progress(r->d->cli, step, i, r->layout.place_count + 1);
        add_step(r, step, natural_of(r, p));
        end_step(r, read_place(r, p));
    }
}

static void
read_seals(struct report *r)
{
    static const char *const names[] = {"is the configuration locked", "is the data locked", "",
                                        "is the life cycle locked"};
    enum rot_seal_state state;

    for (int i = 0; i < 4; i++) {
        if (names[i][0] == '\0')
            continue;
        begin_step(r, names[i], 1);
        end_step(r, rot_seal_state(&r->chip, (enum rot_stage)i, 0, &state));
    }
}

/* By its driver, then by questions of our own.  A part that does not let itself be opened is asked, too. */
static void
read_part(struct report *r)
{
    struct rot_identity id;
    struct rot_setup setup;
    rot_err rot;

    set_up(r, &setup);
    begin_step(r, "open", 1);
    rot = rot_open(&r->chip, &setup);
    end_step(r, rot);
    if (rot == ROT_OK) {
        begin_step(r, "identify", 1);
        end_step(r, rot_identify(&r->chip, &id));
        read_seals(r);
        read_places(r);
        begin_step(r, "close", 0);
        rot_close(&r->chip);
        end_step(r, ROT_OK);
    }
    desk_progress(r->d->cli, "asking", r->layout.place_count, r->layout.place_count + 1);
    (void)probes_ask(setup.driver->name, &r->record.transport, setup.transport->address, begin_step,
                     r);
    desk_progress(r->d->cli, "", 1, 1);
}

/* ---- The simulated parts ------------------------------------------------------------------------------- */

static json_t *
said(void *arg)
{
    struct report *r = arg;
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    struct rs_err none = {0};

    if (sim_control_ask(&r->control, json_pack("{s:s, s:s}", "do", "said", "chip", "b/u"), &answer,
                        &none) != RS_OK)
        return json_array();
    return json_incref(json_object_get(answer, "assumed"));
}

static int
natural(void *arg, unsigned step)
{
    const struct report *r = arg;

    return step < STEPS_MAX ? r->natural[step] : 0;
}

/*
 * Each in a simulator of its own: parts of one simulator have one maker, whose name and key would
 * look like something that all parts of the model have.
 */
static rs_code
start_part(struct report *r, size_t i, struct rs_err *err)
{
    char uri[320];
    rs_code rc = sim_process_start(&r->sims[i], cli_option(r->d->args, "simulator"), r->kind, err);

    if (rc != RS_OK)
        return rc;
    (void)snprintf(uri, sizeof(uri), "sim:%s#b/u", r->sims[i].socket);
    r->lines[i] = calloc(1, sizeof(*r->lines[i]));
    if (r->lines[i] == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "no memory for a simulated part");
    return rot_linux_open_with(r->lines[i], uri, NULL) == ROT_OK
               ? RS_OK
               : rs_fail(err, RS_E_CHIP_ABSENT, "%.200s", r->lines[i]->error);
}

static rs_code
start_parts(struct report *r, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    rs_code rc = RS_OK;

    for (size_t i = 0; i < REPLAY_PARTS && rc == RS_OK; i++) {
        desk_progress(r->d->cli, "starting simulated parts", i, REPLAY_PARTS);
        rc = start_part(r, i, err);
    }
    desk_progress(r->d->cli, "", 1, 1);
    if (rc == RS_OK)
        rc = sim_control_open(&r->control, r->sims[0].socket, err);
    if (rc == RS_OK)
        rc = sim_control_ask(&r->control, json_pack("{s:s, s:s}", "do", "uncertain", "chip", "b/u"),
                             &answer, err);
    if (rc == RS_OK)
        r->uncertain = json_incref(json_object_get(answer, "items"));
    return rc;
}

static void
stop_parts(struct report *r)
{
    for (size_t i = 0; i < REPLAY_PARTS; i++) {
        if (r->lines[i] != NULL)
            rot_linux_close(r->lines[i]);
        free(r->lines[i]);
        r->lines[i] = NULL;
    }
    sim_control_close(&r->control);
    for (size_t i = 0; i < REPLAY_PARTS; i++)
        sim_process_stop(&r->sims[i]);
}

static int
is_status(void *arg, const char *name)
{
    const struct report *r = arg;
    size_t i;
    json_t *item;

    json_array_foreach(r->uncertain, i, item)
    {
        if (strcmp(rs_json_text_or(item, "name", ""), name) == 0)
            return json_is_true(json_object_get(item, "answer"));
    }
    return 0;
}

static rs_code
replay(struct report *r, struct rs_err *err)
{
    struct replay how = {.part_count = REPLAY_PARTS, .said = said, .arg = r, .natural = natural};

    for (size_t i = 0; i < REPLAY_PARTS; i++) {
        how.parts[i].line = r->lines[i]->setup.transport;
        how.parts[i].address = r->lines[i]->transport.address;
    }
    json_decref(said(r)); /* nothing of what came before */
    if (replay_run(&r->record, r->d->lin.transport.address, &how, r->differences, r->agreed) !=
        ROT_OK)
        return rs_fail(err, RS_E_CHIP_ABSENT, "the simulator hung up while it was compared");
    replay_weigh(r->differences, r->agreed, is_status, r);
    return RS_OK;
}

/* ---- The file ---------------------------------------------------------------------------------------------- */

static json_t *
describe_event(const struct record *r, const struct record_event *e)
{
    struct rs_bytes b = record_bytes(r, e);
    const char op[2] = {(char)e->kind, '\0'};
    json_t *j =
        json_pack("{s:I, s:i, s:s}", "t_us", (json_int_t)e->at_us, "step", (int)e->step, "op", op);
    char address[8], hex[2 * 1024 + 1];

    if (e->kind == RECORD_WRITE || e->kind == RECORD_READ) {
        (void)snprintf(address, sizeof(address), "0x%02x", e->address);
        rs_hex(b, hex, sizeof(hex));
        (void)json_object_set_new(j, "address", json_string(address));
        (void)json_object_set_new(j, "ack", json_boolean(e->ack));
        (void)json_object_set_new(j, "hex", json_string(hex));
    } else {
        (void)json_object_set_new(j, "number", json_integer(e->number));
    }
    (void)json_object_set_new(j, "took_us", json_integer(e->took_us));
    return j;
}

static json_t *
describe_trace(const struct record *r)
{
    json_t *trace = json_array();

    for (size_t i = 0; i < r->count; i++)
        (void)json_array_append_new(trace, describe_event(r, &r->events[i]));
    return trace;
}

/* What the part showed where the simulator assumed something else; NULL: nowhere. */
static const json_t *
shown_instead(const struct report *r, const char *name)
{
    size_t i, k;
    json_t *d, *other;

    json_array_foreach(r->differences, i, d)
    {
        json_array_foreach(json_object_get(d, "assumed"), k, other)
        {
            if (strcmp(json_string_value(other), name) == 0)
                return json_object_get(d, "part");
        }
    }
    return NULL;
}

/* Each assumption of the family, and what became of it. */
static json_t *
describe_uncertain(const struct report *r)
{
    json_t *list = json_array(), *item;
    size_t i;

    json_array_foreach(r->uncertain, i, item)
    {
        const char *name = rs_json_text_or(item, "name", "");
        const json_t *shown = shown_instead(r, name);
        int agreed = json_object_get(r->agreed, name) != NULL;
        json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "assumed",
                                rs_json_text_or(item, "value", ""), "about",
                                rs_json_text_or(item, "note", ""), "seen",
                                shown != NULL ? "differs"
                                : agreed      ? "agrees"
                                              : "not seen");

        if (shown != NULL)
            (void)json_object_set_new(row, "shown", json_copy((json_t *)(uintptr_t)shown));
        (void)json_array_append_new(list, row);
    }
    return list;
}

static int
count_class(const json_t *differences, enum replay_class c)
{
    size_t i;
    json_t *d;
    int n = 0;

    json_array_foreach(differences, i, d)
    {
        n += strcmp(rs_json_text_or(d, "class", ""), replay_class_name(c)) == 0;
    }
    return n;
}

static int
count_seen(const json_t *uncertain, const char *how)
{
    size_t i;
    json_t *u;
    int n = 0;

    json_array_foreach(uncertain, i, u)
    {
        n += strcmp(rs_json_text_or(u, "seen", ""), how) == 0;
    }
    return n;
}

static json_t *
summarise(const struct report *r, const json_t *uncertain)
{
    const json_t *d = r->differences;

    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "transactions",
                     (int)r->record.count, "identity", count_class(d, REPLAY_IDENTITY), "content",
                     count_class(d, REPLAY_CONTENT), "uncertain", count_class(d, REPLAY_UNCERTAIN),
                     "contradiction", count_class(d, REPLAY_CONTRADICTION), "assumptions_agreed",
                     count_seen(uncertain, "agrees"), "assumptions_differed",
                     count_seen(uncertain, "differs"), "assumptions_not_seen",
                     count_seen(uncertain, "not seen"), "complete", !r->record.is_full);
}

static json_t *
describe_part(const struct report *r)
{
    char uid[2 * ROT_UID_MAX + 1], address[8];

    rs_hex(rs_bytes_of(r->id.uid, r->id.uid_len), uid, sizeof(uid));
    (void)snprintf(address, sizeof(address), "0x%02x", r->d->lin.transport.address);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b, s:b}", "name", r->d->uri,
                     "driver", r->d->lin.setup.driver->name, "vendor", r->id.vendor, "model",
                     r->id.model, "revision", (json_int_t)r->id.revision, "uid", uid, "address",
                     address, "lifecycle", desk_life_name(r->id.lifecycle), "as_delivered",
                     r->is_new, "simulated", (int)r->id.simulated);
}

static json_t *
describe_masked(void)
{
    return json_pack("[s, s, s]",
                     "data objects, session and channel secrets: not read, they are their owner's",
                     "secure channels: not opened, so no secret of one was used",
                     "private keys: not used, and no part gives them out");
}

static json_t *
describe_report(const struct report *r, json_t *uncertain)
{
    char now[RS_TIME_TEXT_SIZE];

    rs_time_text(rs_now(), now);
    return json_pack("{s:s, s:i, s:s, s:s, s:o, s:{s:s, s:i}, s:o, s:o, s:o, s:O, s:O, s:o}",
                     "format", FORMAT, "version", VERSION, "made", now, "commit", cli_commit,
                     "part", describe_part(r), "simulator", "kind", r->kind, "parts", REPLAY_PARTS,
                     "masked", describe_masked(), "summary", summarise(r, uncertain), "uncertain",
                     uncertain, "differences", r->differences, "steps", r->steps, "trace",
                     describe_trace(&r->record));
}

/* ---- What is said -------------------------------------------------------------------------------------------- */

static void
say_wrapped(const struct report *r, char sign, const char *text)
{
    FILE *to = r->d->cli->output != NULL ? stdout : stderr;

    if (r->d->cli->quiet || r->d->cli->json)
        return;
    (void)fprintf(to, "  %s ", cli_sign(r->d->cli, sign));
    cli_put_wrapped(to, 4, text);
}

/* Bytes, or whether there was an answer at all. */
static void
put_value(const json_t *d, const char *member, char out[48])
{
    const json_t *value = json_object_get(d, member);

    if (json_is_string(value))
        (void)snprintf(out, 48, "%.32s%s", json_string_value(value),
                       json_string_length(value) > 32 ? "..." : "");
    else
        (void)snprintf(out, 48, json_is_true(value) ? "acknowledges" : "does not acknowledge");
}

static const char *
step_of(const struct report *r, const json_t *d)
{
    size_t n = (size_t)json_integer_value(json_object_get(d, "step"));

    return rs_json_text_or(json_array_get(r->steps, n), "name", "");
}

static int
is_contradiction(const json_t *d)
{
    return strcmp(rs_json_text_or(d, "class", ""), "contradiction") == 0;
}

/* The same bytes at the same place instead of the same others. */
static int
is_alike(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"what", "at", "part", "simulator"};
    int alike = is_contradiction(a) && is_contradiction(b);

    for (size_t i = 0; alike && i < sizeof(members) / sizeof(members[0]); i++)
        alike = json_equal(json_object_get(a, members[i]), json_object_get(b, members[i]));
    return alike;
}

/* How many are like the i-th; 0 when one of them was before it. */
static size_t
count_alike(const json_t *differences, size_t i)
{
    const json_t *d = json_array_get(differences, i);
    size_t n = 0;

    for (size_t k = 0; k < json_array_size(differences); k++) {
        if (!is_alike(json_array_get(differences, k), d))
            continue;
        if (k < i)
            return 0;
        n++;
    }
    return n;
}

/* What is wrong again and again is one line; the rest is in the file. */
static void
say_contradictions(const struct report *r)
{
    size_t i, count = 0;
    json_t *d;
    char text[320], part[48], simulator[48];

    json_array_foreach(r->differences, i, d)
    {
        size_t alike = is_contradiction(d) ? count_alike(r->differences, i) : 0;

        if (alike == 0 || count++ >= SHOWN_MAX)
            continue;
        put_value(d, "part", part);
        put_value(d, "simulator", simulator);
        (void)snprintf(text, sizeof(text),
                       "contradiction  %s: the part %s, the simulator %s (%zu answer%s)",
                       step_of(r, d), part, simulator, alike, alike == 1 ? "" : "s");
        say_wrapped(r, 'n', text);
    }
    if (count > SHOWN_MAX)
        desk_say(r->d, "  %s and %zu more, in the file", cli_sign(r->d->cli, '.'),
                 count - SHOWN_MAX);
}

/* How many answers rest on it and are other ones; the first of them. */
static size_t
count_resting(const struct report *r, const char *name, const json_t **ret_first)
{
    size_t i, k, n = 0;
    json_t *d, *other;

    json_array_foreach(r->differences, i, d)
    {
        json_array_foreach(json_object_get(d, "assumed"), k, other)
        {
            if (strcmp(json_string_value(other), name) != 0)
                continue;
            *ret_first = n++ == 0 ? d : *ret_first;
        }
    }
    return n;
}

/* An assumption that does not hold is one line, however many answers rest on it. */
static void
say_assumptions(const struct report *r, const json_t *uncertain)
{
    size_t i;
    json_t *u;
    char text[400], part[48];

    json_array_foreach(uncertain, i, u)
    {
        const json_t *first = NULL;
        size_t n = count_resting(r, rs_json_text_or(u, "name", ""), &first);

        if (first == NULL)
            continue;
        put_value(first, "part", part);
        (void)snprintf(text, sizeof(text),
                       "uncertain  %s: assumed %.40s, the part shows %s (%s; %zu answer%s)",
                       rs_json_text_or(u, "name", ""), rs_json_text_or(u, "assumed", ""), part,
                       step_of(r, first), n, n == 1 ? "" : "s");
        say_wrapped(r, '!', text);
    }
}

static long long
number(const json_t *j, const char *name)
{
    return (long long)json_integer_value(json_object_get(j, name));
}

static int
say_report(const struct report *r, const json_t *all)
{
    const json_t *summary = json_object_get(all, "summary");
    long long wrong = number(summary, "contradiction");
    long long guessed = number(summary, "assumptions_differed");

    desk_say(r->d, "%s   %s\n", r->d->uri, r->id.model);
    desk_say(r->d, "  asked        %lld transactions, put to %d simulated parts (%s)",
             number(summary, "transactions"), REPLAY_PARTS, r->kind);
    say_contradictions(r);
    say_assumptions(r, json_object_get(all, "uncertain"));
    desk_say(r->d, "  natural      %lld differences of identity, %lld of contents",
             number(summary, "identity"), number(summary, "content"));
    desk_say(r->d, "  assumptions  %lld hold, %lld do not, %lld cannot be seen by reading",
             number(summary, "assumptions_agreed"), guessed,
             number(summary, "assumptions_not_seen"));
    if (r->d->cli->output != NULL)
        desk_say(r->d, "  written      %s", r->d->cli->output);
    if (r->record.is_full)
        desk_say(r->d, "  %s not complete: more than %d transactions", cli_sign(r->d->cli, '!'),
                 RECORD_EVENTS_MAX);
    if (wrong + guessed == 0) {
        desk_say(r->d, "%s The simulator answers as this part does.", cli_sign(r->d->cli, 'y'));
        return 0;
    }
    desk_say(r->d, "%s The simulator answers otherwise.", cli_sign(r->d->cli, 'n'));
    return 3;
}

static int
put_report(struct report *r, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *all = describe_report(r, describe_uncertain(r));
    int code;

    if (all == NULL) {
        (void)rs_fail(err, RS_E_NO_MEMORY, "no memory for the report");
        return -1;
    }
    code = cli_put_json(r->d->cli, all);
    if (code != 0)
        return code;
    return say_report(r, all);
}

/* ---- The verb ------------------------------------------------------------------------------------------------- */

/* By the driver that knows it; asleep afterwards, so that what follows begins as in a simulated part. */
static rs_code
find_part(struct report *r, struct rs_err *err)
{
    struct desk *d = r->d;
    rs_code rc = desk_open(d, err);
    rot_err rot;

    if (rc != RS_OK)
        return rc;
    rot = rot_identify(&d->chip, &r->id);
    if (rot != ROT_OK)
        rc = desk_fail(d, rot, "ask who it is", err);
    rot_close(&d->chip);
    if (rc == RS_OK)
        r->kind = kind_of(&r->id, d->lin.transport.address);
    if (rc == RS_OK && r->kind == NULL)
        rc = rs_fail(err, RS_E_CHIP_UNSUPPORTED, "%.80s: there is no simulator of a %s", d->uri,
                     r->id.model);
    if (rc != RS_OK)
        rot_linux_close(&d->lin);
    return rc;
}

/* The line to a part that may say nothing of itself; an address after the second colon is I2C's. */
static rot_err
open_line(struct desk *d, const struct rot_driver *driver)
{
    const char *colon = strncmp(d->uri, "i2c:", 4) == 0 ? strchr(d->uri + 4, ':') : NULL;
    char bus[32];
    rot_err rot;

    if (colon == NULL)
        return rot_linux_open_with(&d->lin, d->uri, NULL);
    (void)snprintf(bus, sizeof(bus), "%.*s", (int)(colon - d->uri), d->uri);
    rot = rot_linux_open_bus(&d->lin, bus, NULL);
    if (rot == ROT_OK)
        rot = rot_linux_choose(&d->lin, driver, (uint8_t)strtoul(colon + 1, NULL, 0));
    return rot;
}

/* As somebody says that it is: a part that is so odd that no driver opens it is worth a report most. */
static rs_code
take_part(struct report *r, const char *kind, struct rs_err *err)
{
    size_t i = find_kind(kind);
    const struct rot_driver *driver;

    if (i == KIND_COUNT)
        return rs_fail(err, RS_E_USAGE,
                       "--kind takes a kind of simulated part, as blank608b or "
                       "blank-se050 (rot-sim --help), not %.40s",
                       kind);
    driver = rot_registry_find(kinds[i].driver);
    if (driver == NULL || open_line(r->d, driver) != ROT_OK)
        return rs_fail(err, RS_E_CHIP_ABSENT, "%.200s", r->d->lin.error);
    if (r->d->lin.setup.driver != driver) {
        rot_linux_close(&r->d->lin);
        return rs_fail(err, RS_E_USAGE, "%.80s is no part of the driver %s, which %s is for",
                       r->d->uri, kinds[i].driver, kind);
    }
    r->kind = kinds[i].kind;
    (void)snprintf(r->id.model, sizeof(r->id.model), "%s", kinds[i].model);
    (void)snprintf(r->id.vendor, sizeof(r->id.vendor), "%s", driver->vendor);
    r->id.lifecycle = ROT_LIFE_BLANK; /* as far as anybody says: contents count as differences */
    return RS_OK;
}

static int
make_report(struct report *r, struct rs_err *err)
{
    rot_err rot = record_init(&r->record, r->d->lin.setup.transport);
    rs_code rc = RS_OK;

    r->is_new = is_as_delivered(r);
    if (rot != ROT_OK)
        rc = rs_fail(err, RS_E_CHIP_UNSUPPORTED, "%.80s: only parts on an I2C bus are recorded",
                     r->d->uri);
    if (rc == RS_OK)
        rc = start_parts(r, err); /* before the part is bothered */
    if (rc == RS_OK) {
        read_part(r);
        rc = replay(r, err);
    }
    return rc == RS_OK ? put_report(r, err) : -1;
}

static int
run_report(struct report *r, struct rs_err *err)
{
    const char *kind = cli_option(r->d->args, "kind");
    rs_code rc;
    int code;

    desk_take_uri(r->d);
    rc = kind != NULL ? take_part(r, kind, err) : find_part(r, err);
    if (rc != RS_OK)
        return -1;
    code = make_report(r, err);
    stop_parts(r);
    record_done(&r->record);
    rot_linux_close(&r->d->lin);
    return code;
}

int
verb_chip_report(struct cli *cli, const struct cli_args *args)
{
    struct desk *d = calloc(1, sizeof(*d));
    struct report *r = calloc(1, sizeof(*r));
    struct rs_err err = {0};
    int code = 5;

    if (d != NULL && r != NULL) {
        d->cli = cli;
        d->args = args;
        r->d = d;
        r->control.fd = -1;
        r->steps = json_array();
        r->differences = json_array();
        r->agreed = json_object();
        code = run_report(r, &err);
        json_decref(r->steps);
        json_decref(r->differences);
        json_decref(r->agreed);
        json_decref(r->uncertain);
        if (code < 0)
            code = cli_fail(cli, "No report", &err);
    }
    free(r);
    free(d);
    return code;
}
