/*
 * board.c: one board in one fixture, from the label to the tile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rot/linux.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "station/recognise.h"
#include "station/station_inner.h"
#include "x509/cert.h"

#define CONTACT_TRIES      3
#define CONTACT_PAUSE_US   150000u
#define SERVER_PAUSE_MAX_S 5
#define REPORT_MAX         16384
#define PROGRESS_EVERY     20
#define FINGERPRINT_TEXT   65

/* One board while it is in the fixture. */
struct run {
    struct fixture *fx;
    struct station *st;
    const struct job *job;
    struct work_order *order;
    uint64_t board;
    const struct nest *nest; /* the fixture's, or listed */
    struct nest listed;      /* where the list of boards says that this one is */
    char chip[STATION_URI_MAX];
    int lock_fd;
    struct wire wire;
    struct rot_chip rot;
    struct recognised what; /* what is in there instead; text "" while that is not known */
    struct recipe_host host;
    struct recipe_result result;
    uint64_t start_us;
    unsigned again_count; /* of this failure's class, before */
    int loses_identity;   /* nobody gets what was signed for this label, if it is thrown away now */
    uint8_t lost_uid
        [MEMORY_UID_MAX]; /* the chip that it was signed for, when another is here, or none */
    size_t lost_uid_len;
};

/* ---- The chip's place ------------------------------------------------------------------ */

/* "{serial}" in a chip's name becomes the device serial. */
static rs_code
expand_chip(struct run *run, struct rs_err *err)
{
    const char *from = run->nest->chip;
    const char *mark = strstr(from, "{serial}");
    int n;

    if (mark == NULL)
        n = snprintf(run->chip, sizeof(run->chip), "%s", from);
    else
        n = snprintf(run->chip, sizeof(run->chip), "%.*s%s%s", (int)(mark - from), from,
                     run->job->board.device, mark + strlen("{serial}"));
    if (n < 0 || (size_t)n >= sizeof(run->chip))
        return rs_fail(err, RS_E_USAGE, "fixture %s: the chip's name is too long",
                       run->fx->nest->name);
    return RS_OK;
}

/* The nest's own wires, unless the list of boards names another chip. */
static rs_code
find_place(struct run *run, struct rs_err *err)
{
    const struct nest *own = run->fx->nest;
    const struct adapter *a;
    int n;

    run->nest = own;
    if (run->job->board.chip[0] != '\0') {
        run->listed = *own;
        run->listed.adapter = run->listed.channel = -1;
        run->listed.power.kind = run->listed.reset.kind = LINE_NONE;
        (void)snprintf(run->listed.chip, sizeof(run->listed.chip), "%s", run->job->board.chip);
        run->nest = &run->listed;
    }
    a = nests_adapter(&run->st->nests, run->nest);
    if (a == NULL)
        return expand_chip(run, err);
    n = snprintf(run->chip, sizeof(run->chip), "%s%u%s/%d/0x%02x", a->usb, a->bus, a->sim,
                 own->channel, own->addresses[0]);
    return n > 0 && (size_t)n < sizeof(run->chip)
               ? RS_OK
               : rs_fail(err, RS_E_USAGE, "fixture %s: its adapter's name is too long", own->name);
}

/* Stations on one machine share a file per chip, beside their directories. */
static rs_code
lock_chip(struct run *run, struct rs_err *err)
{
    uint8_t hash[32];
    char hex[17], path[HOME_PATH_MAX + 64];
    struct rs_err why = {0};
    rs_code rc;

    crypto_sha256(rs_bytes_str(run->chip), hash);
    rs_hex(rs_bytes_of(hash, 8), hex, sizeof(hex));
    (void)snprintf(path, sizeof(path), "%s/../.rootsmith-chip-%s.lock", run->st->home.dir, hex);
    rc = rs_file_open(path, RS_OPEN_CREATE, &run->lock_fd, err);
    if (rc == RS_OK && rs_file_lock(run->lock_fd, &why) != RS_OK)
        rc = rs_fail(err, RS_E_CHIP_BUSY, "another station works with %.120s", run->chip);
    return rc;
}

static rs_code
open_chip_once(struct run *run, struct rs_err *err)
{
    const char *secret = run->st->channel_secret[0] != '\0' ? run->st->channel_secret : NULL;
    rs_code rc = wire_open(&run->st->wires, run->nest, run->chip, secret, &run->wire, err);

    if (rc != RS_OK)
        return rc;
    if (run->st->production && run->wire.lin.transport.simulated)
        rc = rs_fail(err, RS_E_CHIP_SIMULATED, "%.120s is a simulator", run->chip);
    if (rc == RS_OK)
        rc = recognise_open(&run->wire, run->order->order.layout,
                            run->st->production ? ROT_OPEN_PRODUCTION : 0, &run->rot, &run->what,
                            err);
    if (rc != RS_OK)
        wire_close(&run->wire);
    return rc;
}

/* Off and on again: what a part remembers of a bad start is gone. */
static void
cycle_power(struct run *run)
{
    struct rs_err ignored = {0};
    const char *secret = run->st->channel_secret[0] != '\0' ? run->st->channel_secret : NULL;

    if (run->nest->power.kind == LINE_NONE ||
        wire_open(&run->st->wires, run->nest, run->chip, secret, &run->wire, &ignored) != RS_OK)
        return;
    (void)!wire_power(&run->wire, 0, &ignored);
    wire_close(&run->wire);
}

/* C1: two more tries before a person has to press. */
static rs_code
open_chip(struct run *run, struct rs_err *err)
{
    rs_code rc = RS_OK;

    for (unsigned i = 0; i < CONTACT_TRIES; i++) {
        struct rs_err why = {0};

        if (i > 0) {
            rs_sleep_us(CONTACT_PAUSE_US);
            cycle_power(run);
        }
        rc = open_chip_once(run, &why);
        if (rc != RS_E_CHIP_ABSENT || i + 1 == CONTACT_TRIES) {
            if (rc != RS_OK)
                *err = why;
            return rc;
        }
    }
    return rc;
}

/* ---- What the recipe needs ----------------------------------------------------------------- */

rs_code
station_note(struct station *st, struct journal_record *record, int durable, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&st->lock);
    rc = memory_check(st->memory, record, err);
    if (rc == RS_OK && st->est.server != NULL && record->type == JOURNAL_ASK)
        rc = foreign_check(st, record->board, err);
    if (rc == RS_OK)
        rc = journal_put(st->journal, record, err);
    if (rc == RS_OK)
        rc = memory_take(st->memory, record, err);
    (void)pthread_mutex_unlock(&st->lock);
    return rc == RS_OK && durable ? journal_sync(st->journal, err) : rc;
}

static rs_code
host_note(void *arg, struct journal_record *record, int durable, struct rs_err *err)
{
    struct run *run = arg;

    return station_note(run->st, record, durable, err);
}

static rs_code
host_recall(void *arg, struct rs_bytes uid, struct memory_chip *ret_chip, struct rs_err *err)
{
    struct run *run = arg;
    rs_code rc;

    (void)pthread_mutex_lock(&run->st->lock);
    rc = memory_copy(run->st->memory, uid, ret_chip, err);
    (void)pthread_mutex_unlock(&run->st->lock);
    return rc;
}

static enum memory_holder
host_holder(void *arg, const char *device, struct rs_bytes uid)
{
    struct run *run = arg;
    enum memory_holder held;

    (void)pthread_mutex_lock(&run->st->lock);
    held = memory_holder(run->st->memory, device, uid, NULL);
    (void)pthread_mutex_unlock(&run->st->lock);
    return held;
}

static void
host_progress(void *arg, enum recipe_step step)
{
    struct run *run = arg;

    (void)pthread_mutex_lock(&run->st->lock);
    run->fx->tile.step = step;
    (void)snprintf(run->fx->tile.model, sizeof(run->fx->tile.model), "%s", run->result.model);
    (void)pthread_mutex_unlock(&run->st->lock);
    events_note(run->st, run->order, "board.step",
                json_pack("{s:s, s:I, s:s, s:s}", "fixture", run->fx->nest->name, "board",
                          (json_int_t)run->board, "serial", run->job->board.device, "step",
                          recipe_step_name(step)));
}

static void
set_waiting(struct run *run, int waiting)
{
    (void)pthread_mutex_lock(&run->st->lock);
    run->fx->tile.waiting = waiting;
    run->st->server_ok = !waiting;
    (void)pthread_mutex_unlock(&run->st->lock);
}

static int
is_stopping(struct station *st)
{
    int stopping;

    (void)pthread_mutex_lock(&st->lock);
    stopping = st->stopping;
    (void)pthread_mutex_unlock(&st->lock);
    return stopping;
}

/* One question to the server; *ret_wait_s: how long it wants us to wait. */
typedef rs_code (*ask_fn)(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err);

/* Ask again while the server is away or busy: nothing is lost by waiting (N1). */
static rs_code
ask_patiently(struct run *run, ask_fn ask, void *question, struct rs_err *err)
{
    uint64_t end_us = rs_mono_us() + (uint64_t)run->st->wait_s * 1000000u;
    rs_code rc;

    for (int64_t pause_s = 1;; pause_s = pause_s < SERVER_PAUSE_MAX_S ? pause_s + 1 : pause_s) {
        struct rs_err why = {0};
        int64_t wait_s = 0;

        rc = ask(run, question, &wait_s, &why);
        if (rc == RS_OK || rs_code_info(rc)->kind != RS_KIND_BUSY || is_stopping(run->st) ||
            rs_mono_us() + (uint64_t)pause_s * 1000000u >= end_us) {
            if (rc != RS_OK)
                *err = why;
            break;
        }
        set_waiting(run, 1);
        rs_sleep_us((uint64_t)(wait_s > 0 && wait_s < 60 ? wait_s : pause_s) * 1000000u);
    }
    set_waiting(run, 0);
    return rc;
}

struct enroll_question {
    const char *order;
    struct rs_bytes csr;
    struct rs_buf *cert;
};

static rs_code
ask_enroll(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err)
{
    const struct enroll_question *q = question;

    if (run->st->est.server != NULL)
        return foreign_enroll(run->st, run->fx->web, q->csr, q->cert, ret_wait_s, err);
    return client_est_enroll(run->fx->web, q->order, q->csr, q->cert, ret_wait_s, err);
}

static rs_code
host_enroll(void *arg, const char *order, struct rs_bytes csr, struct rs_buf *ret_cert,
            struct rs_err *err)
{
    struct enroll_question q = {order, csr, ret_cert};

    return ask_patiently(arg, ask_enroll, &q, err);
}

struct genuine_question {
    const char *order, *id;
    struct rs_bytes ek_cert, iak, secret;
    struct client_challenge *challenge;
};

static rs_code
ask_challenge(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err)
{
    const struct genuine_question *q = question;

    struct client_endorsement ask = {.path = "/station/v1/tpm/challenge",
                                     .what = "order",
                                     .name = q->order,
                                     .ek_cert = q->ek_cert,
                                     .iak = q->iak};

    return client_endorse_ask(run->fx->web, &ask, q->challenge, ret_wait_s, err);
}

static rs_code
ask_answer(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err)
{
    const struct genuine_question *q = question;

    return client_endorse_answer(run->fx->web, "/station/v1/tpm/answer", q->id, q->secret,
                                 ret_wait_s, err);
}

static rs_code
host_challenge(void *arg, const char *order, struct rs_bytes ek_cert, struct rs_bytes iak,
               struct client_challenge *ret_challenge, struct rs_err *err)
{
    struct genuine_question q = {
        .order = order, .ek_cert = ek_cert, .iak = iak, .challenge = ret_challenge};

    return ask_patiently(arg, ask_challenge, &q, err);
}

static rs_code
host_answer(void *arg, const char *id, struct rs_bytes secret, struct rs_err *err)
{
    struct genuine_question q = {.id = id, .secret = secret};

    return ask_patiently(arg, ask_answer, &q, err);
}

struct part_question {
    const char *order, *id;
    struct rs_bytes uid, evidence;
    unsigned format;
    struct client_challenge *challenge;
};

static rs_code
ask_part_challenge(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err)
{
    const struct part_question *q = question;

    return client_part_ask(run->fx->web, q->order, q->uid, q->challenge, ret_wait_s, err);
}

static rs_code
ask_part_answer(struct run *run, void *question, int64_t *ret_wait_s, struct rs_err *err)
{
    const struct part_question *q = question;

    return client_part_answer(run->fx->web, q->id, q->format, q->evidence, ret_wait_s, err);
}

static rs_code
host_part_challenge(void *arg, const char *order, struct rs_bytes uid,
                    struct client_challenge *ret_challenge, struct rs_err *err)
{
    struct part_question q = {.order = order, .uid = uid, .challenge = ret_challenge};

    return ask_patiently(arg, ask_part_challenge, &q, err);
}

static rs_code
host_part_answer(void *arg, const char *id, unsigned format, struct rs_bytes evidence,
                 struct rs_err *err)
{
    struct part_question q = {.id = id, .format = format, .evidence = evidence};

    return ask_patiently(arg, ask_part_answer, &q, err);
}

/* ---- The result -------------------------------------------------------------------------------- */

static int
is_pass(rs_code code)
{
    return code == RS_OK || code == RS_E_BOARD_DONE;
}

/* What the end is called in the journal and at the server. */
static const char *
state_of(const struct run *run, enum tile tile)
{
    switch (tile) {
    case TILE_PASS:
        return "pass";
    case TILE_AGAIN:
    case TILE_BUSY:
        return "again";
    case TILE_READY:
        return "label";
    case TILE_REJECT:
        return run->loses_identity ? "scrap" : "reject";
    case TILE_STOP:
    case TILE_OFF:
    default:
        return "stop";
    }
}

static json_t *
describe(const struct run *run, const char *state)
{
    const struct recipe_result *r = &run->result;
    char uid[2 * ROT_UID_MAX + 1];
    const char *code = r->code == RS_OK ? "" : rs_code_info(r->code)->name;

    rs_hex(rs_bytes_of(r->uid, r->uid_len), uid, sizeof(uid));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "fixture",
                     run->fx->nest->name, "board", run->job->board.device, "device",
                     run->job->board.device, "order", run->order->order.name, "state", state,
                     "code", code, "step", recipe_step_name(r->step), "model", r->model, "uid", uid,
                     "took_ms", (json_int_t)((rs_mono_us() - run->start_us) / 1000), "time_ms",
                     (json_int_t)rs_now_ms(), "identity_used", r->identity_used);
}

/* The report: u64 number, then the JSON that the server reads. */
static rs_code
put_report(struct run *run, const char *state, struct rs_buf *out, struct rs_err *err)
{
    uint64_t number = memory_next_report(run->st->memory);
    RS_AUTO(rs_json_done) json_t *j = describe(run, state);

    if (j == NULL || json_object_set_new(j, "seq", json_integer((json_int_t)number)) != 0)
        return rs_fail(err, RS_E_NO_MEMORY, "report: no memory");
    rs_buf_init(out, REPORT_MAX);
    rs_buf_put_u64(out, number);
    rs_json_put(out, j);
    return rs_buf_ok(out) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "report: no memory");
}

static json_t *
times_of(const struct recipe_result *r)
{
    json_t *times = json_object();

    for (unsigned i = 0; i <= r->step; i++)
        (void)json_object_set_new(times, recipe_step_name((enum recipe_step)i),
                                  json_integer((json_int_t)(r->took_us[i] / 1000)));
    return times;
}

/* board.end: result, class, code, serial, uid, certificate, times (docs/protocols/station.md). */
static json_t *
describe_end(const struct run *run, const char *state)
{
    const struct recipe_result *r = &run->result;
    json_t *j = describe(run, state);
    char text[FINGERPRINT_TEXT] = "", serial[64] = "";
    uint8_t hash[32];
    struct cert cert;

    if (j == NULL)
        return NULL;
    if (cert_read(rs_buf_bytes(&r->cert), &cert, NULL) == RS_OK) {
        cert_fingerprint(cert.whole, hash);
        rs_hex(RS_BYTES(hash), text, sizeof(text));
        rs_hex(cert.serial, serial, sizeof(serial));
    }
    (void)json_object_set_new(j, "class",
                              json_string(r->code == RS_OK ? "" : failure_find(r->code)->class));
    (void)json_object_set_new(j, "board", json_integer((json_int_t)run->board));
    (void)json_object_set_new(j, "serial", json_string(run->job->board.device));
    (void)json_object_set_new(j, "detail", json_string(r->err.text));
    (void)json_object_set_new(j, "certificate", json_string(serial));
    (void)json_object_set_new(j, "fingerprint", json_string(text));
    (void)json_object_set_new(j, "times", times_of(r));
    if (run->what.text[0] != '\0') {
        (void)json_object_set_new(j, "what", json_string(reel_name(run->what.kind)));
        (void)json_object_set_new(j, "found", json_string(run->what.text));
    }
    if (run->result.again != RS_OK)
        (void)json_object_set_new(j, "again", json_string(rs_code_info(run->result.again)->name));
    (void)json_object_del(j, "order"); /* in the head of every event */
    return j;
}

/* Put result, report and event into one record, under the lock, and make it durable. */
static rs_code
note_end(struct run *run, const char *state, uint64_t *ret_event, struct rs_err *err)
{
    struct station *st = run->st;
    const struct recipe_result *r = &run->result;
    struct journal_record record = {.type = JOURNAL_END, .board = run->board};
    int is_counted = strcmp(state, "label") != 0 && strcmp(state, "stop") != 0;
    rs_code rc = RS_OK;

    RS_AUTO(rs_buf_done) struct rs_buf report = {0};
    RS_AUTO(rs_buf_done) struct rs_buf line = {0};
    (void)pthread_mutex_lock(&st->lock);
    *ret_event = memory_next_event(st->memory);
    record.field[JOURNAL_DEVICE] = rs_bytes_str(run->job->board.device);
    if (r->began)
        record.field[JOURNAL_UID] = rs_bytes_of(r->uid, r->uid_len);
    else if (run->loses_identity)
        record.field[JOURNAL_UID] = rs_bytes_of(run->lost_uid, run->lost_uid_len);
    record.field[JOURNAL_STATE] = rs_bytes_str(state);
    record.field[JOURNAL_CODE] = rs_bytes_str(r->code == RS_OK ? "" : rs_code_info(r->code)->name);
    if (is_counted)
        rc = put_report(run, state, &report, err);
    if (is_counted)
        record.field[JOURNAL_REPORT] = rs_buf_bytes(&report);
    if (rc == RS_OK)
        rc = events_head(st, run->order, "board.end", describe_end(run, state), &line, err);
    record.field[JOURNAL_JSON] = rs_buf_bytes(&line);
    if (rc == RS_OK)
        rc = journal_put(st->journal, &record, err);
    if (rc == RS_OK)
        rc = journal_sync(st->journal, err); /* under the lock: events keep their order */
    if (rc == RS_OK)
        rc = memory_take(st->memory, &record, err);
    if (rc == RS_OK)
        events_publish(st, rs_buf_bytes(&line));
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    return rc;
}

static const char *
operator_text(const struct run *run, enum tile tile)
{
    const struct failure *f = failure_find(run->result.code);

    if (run->result.code == RS_OK)
        return "Take it out.";
    return tile == TILE_REJECT ? f->operator_last : f->operator_;
}

static void
count_end(struct run *run, enum tile tile, const char *state)
{
    struct station *st = run->st;

    if (tile == TILE_PASS && run->result.code == RS_OK) { /* else finished before: counted then */
        st->passed++;
        run->order->passed++;
        cycle_add(&run->order->cycle, run->result.took_us,
                  (int64_t)(rs_mono_us() - run->start_us) / 1000);
        cycle_summarise(&run->order->cycle, &run->order->summary);
    } else if (tile == TILE_PASS)
        return;
    else if (strcmp(state, "scrap") == 0)
        st->scrapped++;
    else if (tile == TILE_REJECT)
        st->rejected++;
    else if (tile == TILE_AGAIN || tile == TILE_BUSY)
        st->again++;
}

/* Now and then, how the order gets on. */
static void
tell_progress(struct run *run)
{
    struct station *st = run->st;
    json_t *progress = NULL;

    (void)pthread_mutex_lock(&st->lock);
    if (run->result.code == RS_OK && run->order->passed % PROGRESS_EVERY == 0)
        progress = station_progress(run->order);
    (void)pthread_mutex_unlock(&st->lock);
    if (progress != NULL)
        events_note(st, run->order, "order.progress", progress);
}

static void
show_end(struct run *run, enum tile tile, const char *state)
{
    struct station *st = run->st;
    struct station_tile *t = &run->fx->tile;
    const struct recipe_result *r = &run->result;
    const struct failure *f = failure_find(r->code);
    struct rs_utc utc;

    (void)pthread_mutex_lock(&st->lock);
    count_end(run, tile, state);
    t->tile = tile == TILE_BUSY ? TILE_AGAIN : tile;
    t->took_ms = (int64_t)((rs_mono_us() - run->start_us) / 1000);
    t->step = r->step;
    (void)snprintf(t->operator_, sizeof(t->operator_), "%s", operator_text(run, tile));
    (void)snprintf(t->code, sizeof(t->code), "%s",
                   r->code == RS_OK ? "" : rs_code_info(r->code)->name);
    (void)snprintf(t->class, sizeof(t->class), "%s", r->code == RS_OK ? "" : f->class);
    (void)snprintf(t->what, sizeof(t->what), "%.90s", run->what.text);
    memmove(st->recent[1], st->recent[0], sizeof(st->recent[0]) * (STATION_RECENT - 1));
    rs_utc_from_time(rs_now(), &utc);
    (void)snprintf(st->recent[0], sizeof(st->recent[0]),
                   "%02d:%02d:%02d  %-16.24s %-7s %s%s%.20s%s%.60s", utc.hour, utc.minute,
                   utc.second, run->job->board.device, state, r->code == RS_OK ? "" : f->class,
                   r->code == RS_OK ? "" : " ", r->code == RS_OK ? "" : f->name,
                   run->what.text[0] != '\0' ? ": " : "", run->what.text);
    (void)pthread_mutex_unlock(&st->lock);
}

/* A nest that nobody makes contact in is switched off until somebody cleans its pins. */
static int
count_contact(struct run *run, const struct failure *f)
{
    run->fx->contact_failures++;
    if (run->fx->contact_failures < f->stop_count)
        return 0;
    run->fx->tile.tile = TILE_OFF;
    (void)snprintf(run->fx->tile.operator_, sizeof(run->fx->tile.operator_),
                   "Fixture off. Clean the pins.");
    return 1;
}

/* So many of one kind in a row stop their order, or switch the fixture off. */
static void
count_in_a_row(struct run *run, enum tile tile)
{
    struct station *st = run->st;
    struct work_order *w = run->order;
    const struct failure *f = failure_find(run->result.code);
    int stop = 0, off = 0;

    (void)pthread_mutex_lock(&st->lock);
    if (is_pass(run->result.code)) {
        w->in_a_row.count = 0;
        run->fx->contact_failures = 0;
    } else if (f->stops_fixture) {
        off = count_contact(run, f);
    } else if (f->stop_count > 0) {
        w->in_a_row.count = strcmp(w->in_a_row.class, f->class) == 0 ? w->in_a_row.count + 1 : 1;
        (void)snprintf(w->in_a_row.class, sizeof(w->in_a_row.class), "%s", f->class);
        stop = w->in_a_row.count >= f->stop_count;
    }
    (void)pthread_mutex_unlock(&st->lock);
    if (off)
        events_note(st, w, "fixture.off",
                    json_pack("{s:s, s:s, s:s, s:s}", "fixture", run->fx->nest->name, "code",
                              rs_code_info(run->result.code)->name, "class", f->class, "detail",
                              "no contact, board after board"));
    if (!stop && tile != TILE_STOP)
        return;
    /* What is wrong with the station is wrong for every order. */
    if (strcmp(f->class, "S1") == 0)
        station_stop(st, run->result.code, run->result.err.text);
    else
        orders_stop(st, w, run->result.code, run->result.err.text);
}

static enum tile
decide(struct run *run)
{
    const struct recipe_result *r = &run->result;
    const struct failure *f = failure_find(r->code);
    struct failure_case c = {.code = r->code,
                             .was_irreversible = r->was_irreversible || r->identity_used};

    if (r->code == RS_OK)
        return TILE_PASS;
    c.again_count = strcmp(run->job->again, f->class) == 0 ? run->job->tries : 0;
    if (strcmp(f->class, "C1") == 0 && r->again_count[0] > c.again_count)
        c.again_count = r->again_count[0];
    if (strcmp(f->class, "F1") == 0 && r->again_count[1] > c.again_count)
        c.again_count = r->again_count[1];
    return failure_tile(&c);
}

static void
tell(struct run *run, enum tile tile, const char *state, uint64_t event)
{
    struct station *st = run->st;
    struct station_end end = {.event = event,
                              .fixture = run->fx->nest->name,
                              .device = run->job->board.device,
                              .tile = tile,
                              .state = state,
                              .operator_ = operator_text(run, tile),
                              .what = run->what.text,
                              .failure =
                                  run->result.code == RS_OK ? NULL : failure_find(run->result.code),
                              .result = &run->result,
                              .took_ms = (int64_t)((rs_mono_us() - run->start_us) / 1000)};

    if (st->listener.on_end == NULL)
        return;
    (void)pthread_mutex_lock(&st->listening);
    st->listener.on_end(st->listener.arg, &end);
    (void)pthread_mutex_unlock(&st->listening);
}

/*
 * A label that is thrown away takes the identity with it that was signed for it, whoever was in the
 * fixture last; but for a board that had passed.
 */
static void
find_loss(struct run *run)
{
    const struct recipe_result *r = &run->result;
    const struct memory_chip *chip = NULL;

    run->loses_identity = r->began && r->identity_used && !r->was_finished;
    if (r->began || r->was_finished)
        return;
    (void)pthread_mutex_lock(&run->st->lock);
    if (memory_holder(run->st->memory, run->job->board.device, rs_bytes_of(NULL, 0), &chip) ==
            MEMORY_IN_WORK &&
        chip->cert.len > 0) {
        run->loses_identity = 1;
        run->lost_uid_len = chip->uid_len;
        memcpy(run->lost_uid, chip->uid, chip->uid_len);
    }
    (void)pthread_mutex_unlock(&run->st->lock);
}

static enum tile
finish(struct run *run)
{
    struct rs_err err = {0};
    uint64_t event = 0;
    enum tile tile = decide(run);
    const char *state;

    if (tile == TILE_REJECT)
        find_loss(run);
    state = state_of(run, tile);

    if (note_end(run, state, &event, &err) != RS_OK) {
        /* Not recorded is not done: the board comes back and is finished then. */
        run->result.code = err.code;
        run->result.err = err;
        tile = TILE_STOP;
        state = "stop";
    }
    show_end(run, tile, state);
    tell_progress(run);
    count_in_a_row(run, tile);
    tell(run, tile, state, event);
    return tile;
}

/* ---- The whole --------------------------------------------------------------------------------- */

static void
begin(struct run *run)
{
    struct station *st = run->st;
    struct station_tile *t = &run->fx->tile;

    run->start_us = rs_mono_us();
    (void)pthread_mutex_lock(&st->lock);
    run->board = st->next_board++;
    t->tile = TILE_BUSY;
    t->step = STEP_CONTACT;
    t->since_us = run->start_us;
    t->operator_[0] = t->code[0] = t->class[0] = t->model[0] = t->what[0] = '\0';
    (void)snprintf(t->device, sizeof(t->device), "%s", run->job->board.device);
    (void)pthread_mutex_unlock(&st->lock);
    events_note(st, run->order, "board.start",
                json_pack("{s:s, s:I, s:s}", "fixture", run->fx->nest->name, "board",
                          (json_int_t)run->board, "serial", run->job->board.device));
}

/* The part's own secret for whoever puts the device's files on the board (docs/design/channel.md). */
static void
hand_over_channel(struct run *run)
{
    struct recipe_result *r = &run->result;
    struct rs_err why = {0}; /* a finished board has its own word already */
    char path[2 * STATION_URI_MAX];
    int n;

    if (run->st->channel_out[0] == '\0' || run->rot.protection != ROT_PROTECTION_OWN ||
        (r->code != RS_OK && r->code != RS_E_BOARD_DONE))
        return;
    n = snprintf(path, sizeof(path), "%s/%s.channel", run->st->channel_out, run->job->board.device);
    if (n < 0 || (size_t)n >= sizeof(path) || strchr(run->job->board.device, '/') != NULL)
        r->code = rs_fail(&why, RS_E_FILE_FAILED, "channel_out: no name for the file of %.60s",
                          run->job->board.device);
    else if (rot_channel_write_part(&run->wire.lin, (struct rot_bytes){r->uid, r->uid_len}, path) !=
             ROT_OK)
        r->code = rs_fail(&why, RS_E_FILE_FAILED, "channel_out: %.200s", run->wire.lin.error);
    if (why.code != RS_OK)
        r->err = why;
}

/* May a board of this order be begun here? */
static rs_code
check_may_begin(struct run *run, struct rs_err *err)
{
    rs_code rc = RS_OK;

    (void)pthread_mutex_lock(&run->st->lock);
    if (run->order->stopped_by != RS_OK)
        rc = rs_fail(err, run->order->stopped_by, "%s", run->order->stop_text);
    else if (!reference_is_checked(run->st, run->fx->nest))
        rc = rs_fail(err, RS_E_FIXTURE_UNCHECKED,
                     "nest %s was not shown its reference boards lately", run->fx->nest->name);
    (void)pthread_mutex_unlock(&run->st->lock);
    return rc;
}

/* Of a part that the recipe refuses: what it is, for whoever holds the board. */
static void
tell_what(struct run *run)
{
    const char *class = failure_find(run->result.code)->class;

    if (strcmp(class, "P1") == 0 || strcmp(class, "P2") == 0 || strcmp(class, "T1") == 0)
        recognise_chip(&run->rot, run->order->order.rot, &run->what);
}

/* A part that is refused, under a label that another part was begun with: it is the wrong board. */
static void
blame_label(struct run *run)
{
    struct recipe_result *r = &run->result;
    const char *class = failure_find(r->code)->class;

    if (r->began ||
        (strcmp(class, "P1") != 0 && strcmp(class, "P2") != 0 && strcmp(class, "T1") != 0))
        return;
    if (host_holder(run, run->job->board.device, rs_bytes_of(r->uid, r->uid_len)) != MEMORY_IN_WORK)
        return;
    memset(&r->err, 0, sizeof(r->err)); /* else the first failure would stay */
    r->code = rs_fail(&r->err, RS_E_LABEL_OTHER, "%s was begun with another chip",
                      run->job->board.device);
}

/* Fails with the wire gone: it is the adapter that is to be put right, not the board. */
static void
blame_adapter(struct run *run)
{
    struct recipe_result *r = &run->result;
    struct rs_err gone = {0};

    if (r->code != RS_E_CHIP_ABSENT && r->code != RS_E_CHIP_INTERRUPTED &&
        r->code != RS_E_CHIP_FAULT && r->code != RS_E_FIXTURE_ABSENT &&
        r->code != RS_E_CONFIG_INVALID)
        return;
    if (run->nest != run->fx->nest || !watch_look_at(run->fx, &gone))
        return;
    r->err = gone;
    r->code = gone.code;
}

static void
work(struct run *run)
{
    struct rs_err ignored = {0};
    struct recipe_job job = {.fixture = run->fx->nest->name,
                             .device = run->job->board.device,
                             .order = run->order->order.name,
                             .model = run->order->order.rot,
                             .board = run->board,
                             .chip = &run->rot,
                             .host = &run->host};
    rs_code rc = check_may_begin(run, &run->result.err);

    run->host =
        (struct recipe_host){.arg = run,
                             .note = host_note,
                             .recall = host_recall,
                             .holder = host_holder,
                             .enroll = host_enroll,
                             .challenge = host_challenge,
                             .answer = host_answer,
                             .part_challenge = host_part_challenge,
                             .part_answer = host_part_answer,
                             .asks_part = run->st->est.server == NULL &&
                                          strcmp(run->order->order.provenance, "station") != 0,
                             .vendors = run->st->vendors,
                             .progress = host_progress,
                             .ca_certs = run->st->ca_certs,
                             .ca_count = run->st->ca_count,
                             .root = run->st->root,
                             .firmware_key = run->st->firmware_key};
    if (rc == RS_OK)
        rc = find_place(run, &run->result.err);
    if (rc == RS_OK)
        rc = lock_chip(run, &run->result.err);
    if (rc == RS_OK)
        rc = open_chip(run, &run->result.err);
    if (rc != RS_OK) {
        run->result.code = rc;
        blame_label(run);
        blame_adapter(run);
        return;
    }
    run->what.text[0] = '\0';
    recipe_run(&job, &run->result);
    blame_label(run);
    hand_over_channel(run);
    tell_what(run);
    rot_close(&run->rot);
    (void)!wire_power(&run->wire, 0, &ignored);
    wire_close(&run->wire);
    blame_adapter(run);
}

int
board_run(struct fixture *fx, struct job *job)
{
    struct run *run = calloc(1, sizeof(*run));
    enum tile tile;
    int again;

    if (run == NULL) {
        station_stop(fx->st, RS_E_NO_MEMORY, "no memory for a board");
        return 0;
    }
    run->fx = fx;
    run->st = fx->st;
    run->job = job;
    run->order = job->order;
    run->nest = fx->nest;
    run->lock_fd = -1;
    begin(run);
    work(run);
    rs_file_close(run->lock_fd);
    tile = finish(run);
    job->tries++;
    (void)snprintf(job->again, sizeof(job->again), "%s",
                   tile == TILE_AGAIN ? failure_find(run->result.code)->class : "");
    again = (tile == TILE_AGAIN || tile == TILE_BUSY) && job->tries < fx->st->tries;
    job->put_us = rs_mono_us();
    recipe_result_done(&run->result);
    free(run);
    return again;
}
