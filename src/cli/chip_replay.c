/*
 * chip_replay.c: see chip_replay.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/chip_replay.h"

#include <string.h>

#include "base/json.h"

#define READ_MAX  1024
#define TRIES_MAX 3000 /* of a simulated part that is busy */
#define AGAIN_US  1000

const char *
replay_class_name(enum replay_class c)
{
    static const char *const names[] = {"same", "identity", "content", "uncertain",
                                        "contradiction"};

    return names[c];
}

struct run {
    const struct record *record;
    const struct replay *replay;
    uint8_t address; /* of the real part */
    json_t *differences, *agreed;
    json_t *assumed; /* what the answer to the command under way rests on */
    uint8_t answers[REPLAY_PARTS][READ_MAX];
};

/* ---- What is the same question ------------------------------------------------------------------- */

static int
is_transaction(const struct record_event *e)
{
    return e->kind == RECORD_WRITE || e->kind == RECORD_READ;
}

static int
is_same_question(const struct record *r, const struct record_event *a, const struct record_event *b)
{
    if (a->kind != b->kind || a->address != b->address || a->len != b->len || a->step != b->step)
        return 0;
    return a->kind != RECORD_WRITE || rs_bytes_equal(record_bytes(r, a), record_bytes(r, b));
}

/* The last of those that ask the same as the one at i, with nothing but waiting between. */
static size_t
last_of(const struct record *r, size_t i)
{
    size_t last = i;

    for (size_t k = i + 1; k < r->count && !r->events[last].ack; k++) {
        if (r->events[k].kind == RECORD_DELAY)
            continue;
        if (!is_transaction(&r->events[k]) || !is_same_question(r, &r->events[i], &r->events[k]))
            break;
        last = k;
    }
    return last;
}

/* ---- What the answer rests on ------------------------------------------------------------------------- */

static void
take_assumptions(struct run *run, int is_new_command)
{
    RS_AUTO(rs_json_done) json_t *names = run->replay->said(run->replay->arg);
    size_t i;
    json_t *name;

    if (is_new_command)
        (void)json_array_clear(run->assumed);
    json_array_foreach(names, i, name)
    {
        (void)json_array_append(run->assumed, name);
    }
}

static void
note_agreed(struct run *run)
{
    size_t i;
    json_t *name;

    json_array_foreach(run->assumed, i, name)
    {
        (void)json_object_set_new(run->agreed, json_string_value(name), json_true());
    }
}

/* ---- Differences ---------------------------------------------------------------------------------------- */

static json_t *
hex_of(struct rs_bytes b)
{
    char text[2 * READ_MAX + 1];

    rs_hex(b, text, sizeof(text));
    return json_string(text);
}

static void
add_difference(struct run *run, const struct record_event *e, enum replay_class c, const char *what,
               size_t at, json_t *part, json_t *simulator)
{
    json_t *d = json_pack("{s:i, s:i, s:s, s:s, s:i, s:o, s:o}", "step", (int)e->step, "event",
                          (int)(e - run->record->events), "class", replay_class_name(c), "what",
                          what, "at", (int)at, "part", part, "simulator", simulator);

    if (c == REPLAY_UNCERTAIN && d != NULL)
        (void)json_object_set_new(d, "assumed", json_copy(run->assumed));
    (void)json_array_append_new(run->differences, d);
}

void
replay_judge(struct rs_bytes part, const uint8_t *const *others, size_t other_count, int is_assumed,
             int natural, uint8_t *ret_classes)
{
    for (size_t i = 0; i < part.len; i++) {
        enum replay_class c = REPLAY_CONTRADICTION;
        int varies = 0;

        for (size_t k = 1; k < other_count; k++)
            varies = varies || others[k][i] != others[0][i];
        if (part.p[i] == others[0][i] && !varies)
            c = REPLAY_SAME;
        else if (varies)
            c = REPLAY_IDENTITY;
        else if (natural != 0)
            c = (enum replay_class)natural; /* an assumption is not what it is about */
        else if (is_assumed)
            c = REPLAY_UNCERTAIN;
        ret_classes[i] = (uint8_t)c;
    }
}

/* Runs of one class are one difference. */
static void
compare_read(struct run *run, const struct record_event *e)
{
    struct rs_bytes part = record_bytes(run->record, e);
    const uint8_t *others[REPLAY_PARTS];
    uint8_t classes[READ_MAX];
    int differs = 0;

    for (size_t k = 0; k < REPLAY_PARTS; k++)
        others[k] = run->answers[k];
    replay_judge(part, others, run->replay->part_count, json_array_size(run->assumed) != 0,
                 run->replay->natural(run->replay->arg, e->step), classes);
    for (size_t i = 0, n; i < part.len; i += n) {
        enum replay_class c = (enum replay_class)classes[i];

        for (n = 1; i + n < part.len && classes[i + n] == classes[i]; n++)
            continue;
        if (c == REPLAY_SAME)
            continue;
        add_difference(run, e, c, "bytes", i, hex_of(rs_bytes_of(part.p + i, n)),
                       hex_of(rs_bytes_of(others[0] + i, n)));
        differs = differs || c != REPLAY_IDENTITY;
    }
    if (!differs)
        note_agreed(run);
}

static void
compare_ack(struct run *run, const struct record_event *e, int simulator)
{
    int natural = run->replay->natural(run->replay->arg, e->step);
    enum replay_class c = natural != 0                         ? (enum replay_class)natural
                          : json_array_size(run->assumed) != 0 ? REPLAY_UNCERTAIN
                                                               : REPLAY_CONTRADICTION;

    add_difference(run, e, c, "acknowledge", 0, json_boolean(e->ack), json_boolean(simulator));
}

/* ---- The simulated parts ----------------------------------------------------------------------------------- */

/* ROT_BUSY: it does not acknowledge, however often it is asked. */
static rot_err
ask_one(const struct run *run, size_t k, const struct record_event *e, uint8_t *answer)
{
    const struct replay_part *p = &run->replay->parts[k];
    const struct rot_transport *t = p->line;
    struct rs_bytes tx = record_bytes(run->record, e);
    /* The real part may have been given another address. */
    uint8_t to = e->address == run->address ? p->address : e->address;
    rot_err rot = ROT_BUSY;

    for (int i = 0; rot == ROT_BUSY && i < (e->ack ? TRIES_MAX : 1); i++) {
        if (i > 0)
            t->line->delay_us(t->self, AGAIN_US);
        rot = e->kind == RECORD_WRITE ? t->i2c->write(t->self, to, tx.p, tx.len)
                                      : t->i2c->read(t->self, to, answer, e->len);
    }
    return rot;
}

static rot_err
run_transaction(struct run *run, const struct record_event *e)
{
    int acks = 0;

    if (e->kind == RECORD_READ && (e->len == 0 || e->len > READ_MAX))
        return ROT_OK;
    for (size_t k = 0; k < run->replay->part_count; k++) {
        rot_err rot = ask_one(run, k, e, run->answers[k]);

        if (rot != ROT_OK && rot != ROT_BUSY)
            return ROT_E_BUS;
        acks += rot == ROT_OK;
    }
    /* A write of more than a word or a register is a command: what comes is about that one. */
    take_assumptions(run, e->kind == RECORD_WRITE && e->len > 2);
    if ((acks != 0) != (e->ack != 0))
        compare_ack(run, e, acks != 0);
    else if (e->kind == RECORD_READ && e->ack)
        compare_read(run, e);
    return ROT_OK;
}

static rot_err
run_other(const struct run *run, const struct record_event *e)
{
    for (size_t k = 0; k < run->replay->part_count; k++) {
        const struct rot_transport *t = run->replay->parts[k].line;
        rot_err rot = ROT_OK;

        if (e->kind == RECORD_WAKE && t->i2c->wake != NULL)
            rot = t->i2c->wake(t->self, e->number);
        else if (e->kind == RECORD_DELAY)
            t->line->delay_us(t->self, e->number);
        else if (e->kind == RECORD_POWER && t->line->set_power != NULL)
            rot = t->line->set_power(t->self, (int)e->number);
        if (rot < 0)
            return rot;
    }
    return ROT_OK;
}

rot_err
replay_run(const struct record *record, uint8_t address, const struct replay *replay,
           json_t *differences, json_t *agreed)
{
    struct run run = {.record = record,
                      .replay = replay,
                      .address = address,
                      .differences = differences,
                      .agreed = agreed,
                      .assumed = json_array()};
    rot_err rot = run.assumed != NULL ? ROT_OK : ROT_E_PORT;

    for (size_t i = 0; i < record->count && rot == ROT_OK; i++) {
        const struct record_event *e = &record->events[i];

        if (e->kind == RECORD_WAKE || (i > 0 && e->step != record->events[i - 1].step))
            (void)json_array_clear(run.assumed); /* what is read now answers something else */
        if (!is_transaction(e)) {
            rot = run_other(&run, e);
            continue;
        }
        i = last_of(record, i);
        rot = run_transaction(&run, &record->events[i]);
    }
    json_decref(run.assumed);
    return rot;
}

/* ---- Afterwards ---------------------------------------------------------------------------------- */

static void
weigh_one(json_t *d, const json_t *agreed, int (*is_status)(void *arg, const char *name), void *arg)
{
    const json_t *names = json_object_get(d, "assumed");
    json_t *left = json_array();
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        if (json_object_get(agreed, json_string_value(name)) == NULL ||
            is_status(arg, json_string_value(name)))
            (void)json_array_append(left, name);
    }
    if (json_array_size(left) != 0) {
        (void)json_object_set_new(d, "assumed", left);
        return;
    }
    json_decref(left);
    (void)json_object_del(d, "assumed");
    (void)json_object_set_new(d, "class", json_string(replay_class_name(REPLAY_CONTRADICTION)));
}

void
replay_weigh(json_t *differences, const json_t *agreed,
             int (*is_status)(void *arg, const char *name), void *arg)
{
    size_t i;
    json_t *d;

    json_array_foreach(differences, i, d)
    {
        if (json_object_get(d, "assumed") != NULL)
            weigh_one(d, agreed, is_status, arg);
    }
}
