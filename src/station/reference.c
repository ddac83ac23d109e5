/*
 * reference.c: boards that show that a nest tells good from bad.
 *
 * A golden board has an identity that is known: the nest must read its certificate and
 * get a fresh challenge answered.  A known-bad board has a defect that is known: the nest must name
 * it.  Nothing is written to either.  What came of it stands in the journal, and a nest that
 * was wrong, or was not asked for too long, takes no board of an order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/random.h"
#include "crypto/pub.h"
#include "station/recognise.h"
#include "station/station_inner.h"
#include "x509/cert.h"

#define PEM_MAX        65536
#define CHALLENGE_SIZE 32
#define AGE_TEXT       32

struct show {
    struct fixture *fx;
    const struct job *job;
    struct wire wire;
    struct rot_chip chip;
    struct recognised what;
    struct rs_err err; /* why the nest is wrong; code RS_OK: it is right */
    uint64_t start_us;
    enum tile tile;
    int64_t took_ms;
};

/* ---- Who is due ----------------------------------------------------------------------- */

static int
is_fresh(const struct station *st, int64_t when_ms)
{
    int64_t age_ms = rs_now_ms() - when_ms;

    return when_ms > 0 && age_ms >= 0 && age_ms / 1000 < st->nests.every_s;
}

int
reference_is_checked(const struct station *st, const struct nest *nest)
{
    const struct memory_check *c;

    if (st->nests.every_s == 0 || st->only_check)
        return 1;
    c = memory_find_check(st->memory, nest->name);
    return c != NULL && is_fresh(st, c->golden_ms) && is_fresh(st, c->bad_ms);
}

const struct nest_reference *
reference_find(const struct nest_file *file, const char *name)
{
    for (size_t i = 0; i < file->reference_count; i++) {
        if (strcmp(file->references[i].name, name) == 0)
            return &file->references[i];
    }
    return NULL;
}

struct fixture *
reference_next(struct station *st, const struct nest_reference *reference)
{
    for (size_t i = 0; i < st->fixture_count; i++) {
        struct fixture *fx = &st->fixtures[i];
        const struct memory_check *c = memory_find_check(st->memory, fx->nest->name);
        int64_t when_ms = c == NULL ? 0 : reference->is_golden ? c->golden_ms : c->bad_ms;

        if (!fx->is_gone && fx->queue.first == NULL && nests_reference_fits(reference, fx->nest) &&
            !is_fresh(st, when_ms))
            return fx;
    }
    return NULL;
}

static void
put_age(int64_t when_ms, char out[AGE_TEXT])
{
    int64_t minutes = (rs_now_ms() - when_ms) / 60000;

    if (when_ms == 0)
        (void)snprintf(out, AGE_TEXT, "never");
    else if (minutes < 0)
        (void)snprintf(out, AGE_TEXT, "in the future");
    else if (minutes < 120)
        (void)snprintf(out, AGE_TEXT, "%lld min ago", (long long)minutes);
    else
        (void)snprintf(out, AGE_TEXT, "%lld h ago", (long long)(minutes / 60));
}

void
station_unchecked(struct station *st, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    (void)pthread_mutex_lock(&st->lock);
    for (size_t i = 0; i < st->fixture_count && len < cap; i++) {
        const struct fixture *fx = &st->fixtures[i];
        const struct memory_check *c = memory_find_check(st->memory, fx->nest->name);
        char golden[AGE_TEXT], bad[AGE_TEXT];

        if (fx->is_gone || fx->nest->is_reference || reference_is_checked(st, fx->nest))
            continue;
        put_age(c != NULL ? c->golden_ms : 0, golden);
        put_age(c != NULL ? c->bad_ms : 0, bad);
        len +=
            (size_t)snprintf(out + len, cap - len, "%snest %s: golden board %s, known-bad board %s",
                             len > 0 ? "; " : "", fx->nest->name, golden, bad);
    }
    (void)pthread_mutex_unlock(&st->lock);
}

/* ---- Golden --------------------------------------------------------------------------- */

static rs_code
load_certificate(const char *path, struct rs_buf *out, struct rs_err *err)
{
    struct rs_bytes text;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_buf_init(&pem, PEM_MAX);
    rc = rs_file_read(path, PEM_MAX, &pem, err);
    text = rs_buf_bytes(&pem);
    return rc == RS_OK ? cert_next_pem(&text, "CERTIFICATE", out, err) : rc;
}

static rs_code
read_certificate(struct rot_chip *chip, struct rs_buf *out, struct rs_err *err)
{
    uint8_t piece[512];
    size_t len = sizeof(piece);
    rot_err rot;

    while (len == sizeof(piece)) {
        rot =
            rot_object_read(chip, ROT_IDEVID, ROT_PART_CERT, out->len, piece, sizeof(piece), &len);
        if (rot != ROT_OK)
            return rs_fail(err, RS_E_FIXTURE_FAILED, "its certificate cannot be read: %s",
                           rot_err_name(rot));
        rs_buf_put(out, piece, len);
    }
    return rs_buf_ok(out) ? RS_OK
                          : rs_fail(err, RS_E_FIXTURE_FAILED, "its certificate is too large");
}

/* A fresh challenge, verified with the certificate's key. */
static rs_code
challenge(struct rot_chip *chip, struct rs_bytes der, struct rs_err *err)
{
    uint8_t nonce[CHALLENGE_SIZE], sig[ROT_SIGNATURE_MAX];
    struct crypto_pub pub;
    struct cert cert;
    size_t len = 0;
    rot_err rot;
    rs_code rc = cert_read(der, &cert, err);

    if (rc == RS_OK)
        rc = crypto_pub_read(cert.spki, &pub, err);
    if (rc == RS_OK)
        rc = rs_random(nonce, sizeof(nonce), err);
    if (rc != RS_OK)
        return rc;
    rot = rot_sign_message(chip, ROT_IDEVID, nonce, sizeof(nonce), sig, sizeof(sig), &len);
    if (rot != ROT_OK)
        return rs_fail(err, RS_E_CHIP_FAULT, "it does not answer a challenge: %s",
                       rot_err_name(rot));
    if (crypto_verify(&pub, crypto_sig_for(pub.alg), RS_BYTES(nonce), rs_bytes_of(sig, len),
                      NULL) != RS_OK)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "its answer to a challenge is wrong");
    return RS_OK;
}

static rs_code
check_golden(struct show *s, struct rs_err *err)
{
    const struct nest_reference *ref = s->job->reference;
    struct rs_err why = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf known, there;
    rs_buf_init(&known, CERT_BYTES_MAX);
    rs_buf_init(&there, ROT_CERTIFICATE_MAX);
    rc = load_certificate(ref->certificate, &known, err);
    if (rc == RS_OK)
        rc = read_certificate(&s->chip, &there, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_bytes_equal(rs_buf_bytes(&known), rs_buf_bytes(&there)))
        return rs_fail(err, RS_E_FIXTURE_FAILED, "the board has another certificate than %s",
                       ref->name);
    if (challenge(&s->chip, rs_buf_bytes(&there), &why) != RS_OK)
        return rs_fail(err, RS_E_FIXTURE_FAILED, "%s", why.text);
    return RS_OK;
}

/* ---- Bad ------------------------------------------------------------------------------ */

/* What a board of an order would be refused with; RS_OK: it would not. */
static rs_code
find_defect(struct show *s, int is_open)
{
    struct rs_err why = {0};
    rs_code code = reel_code(s->what.kind);
    RS_AUTO(rs_buf_done) struct rs_buf der;

    rs_buf_init(&der, ROT_CERTIFICATE_MAX);
    if (code != RS_OK || !is_open || s->what.kind != REEL_DONE)
        return code;
    /* Somebody else's certificate, copied into this chip? */
    if (read_certificate(&s->chip, &der, &why) != RS_OK)
        return RS_E_CHIP_FAULT;
    return challenge(&s->chip, rs_buf_bytes(&der), &why);
}

static rs_code
check_bad(struct show *s, int is_open, struct rs_err *err)
{
    const struct nest_reference *ref = s->job->reference;
    rs_code found = find_defect(s, is_open);

    if (!rs_bytes_equal(rs_bytes_of(s->what.id.uid, s->what.id.uid_len),
                        rs_bytes_of(ref->uid, ref->uid_len)))
        return rs_fail(err, RS_E_FIXTURE_FAILED, "this is not the chip of %s: %s", ref->name,
                       s->what.text);
    if (found == RS_OK)
        return rs_fail(err, RS_E_FIXTURE_FAILED, "it was not refused: %s", s->what.text);
    if (strcmp(rs_code_info(found)->name, ref->defect) != 0)
        return rs_fail(err, RS_E_FIXTURE_FAILED, "it was refused as %s, not as %s: %s",
                       rs_code_info(found)->name, ref->defect, s->what.text);
    return RS_OK;
}

/* ---- Both ----------------------------------------------------------------------------- */

/* The nest itself, or where the list says that the board is. */
static const struct nest *
nest_of(const struct show *s, struct nest *room)
{
    if (s->job->board.chip[0] == '\0')
        return s->fx->nest;
    *room = *s->fx->nest;
    room->adapter = room->channel = -1;
    room->power.kind = room->reset.kind = LINE_NONE;
    (void)snprintf(room->chip, sizeof(room->chip), "%s", s->job->board.chip);
    return room;
}

static void
look(struct show *s, const struct nest *nest)
{
    const char *secret = s->fx->st->channel_secret;
    struct rs_err why = {0}, ignored = {0};
    int is_open;

    if (wire_open(&s->fx->st->wires, nest, nest->chip, secret[0] != '\0' ? secret : NULL, &s->wire,
                  &s->err) != RS_OK)
        return;
    is_open = recognise_open(&s->wire, "", 0, &s->chip, &s->what, &why) == RS_OK;
    if (is_open)
        recognise_chip(&s->chip, nest->part, &s->what);
    if (!s->job->reference->is_golden)
        (void)!check_bad(s, is_open, &s->err);
    else if (is_open)
        (void)!check_golden(s, &s->err);
    else
        (void)rs_fail(&s->err, RS_E_FIXTURE_FAILED, "%s", s->what.text);
    if (is_open)
        rot_close(&s->chip);
    (void)!wire_power(&s->wire, 0, &ignored);
    wire_close(&s->wire);
}

static json_t *
describe(const struct show *s)
{
    const struct nest_reference *ref = s->job->reference;
    char uid[2 * ROT_UID_MAX + 1];

    rs_hex(rs_bytes_of(s->what.id.uid, s->what.id.uid_len), uid, sizeof(uid));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "fixture", s->fx->nest->name,
        "board", ref->name, "kind", ref->is_golden ? "golden" : "bad", "state",
        s->err.code == RS_OK ? "pass" : "fail", "defect", ref->defect, "code",
        s->err.code == RS_OK ? "" : rs_code_info(s->err.code)->name, "detail", s->err.text, "model",
        s->what.id.model, "uid", uid, "what", reel_name(s->what.kind), "took_ms",
        (json_int_t)((rs_mono_us() - s->start_us) / 1000));
}

static rs_code
note_check(struct show *s, uint64_t *ret_event, struct rs_err *err)
{
    struct station *st = s->fx->st;
    struct journal_record record = {.type = JOURNAL_CHECK};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf line = {0};
    (void)pthread_mutex_lock(&st->lock);
    *ret_event = memory_next_event(st->memory);
    record.field[JOURNAL_FIXTURE] = rs_bytes_str(s->fx->nest->name);
    record.field[JOURNAL_DEVICE] = rs_bytes_str(s->job->reference->name);
    record.field[JOURNAL_UID] = rs_bytes_of(s->what.id.uid, s->what.id.uid_len);
    record.field[JOURNAL_STATE] = rs_bytes_str(s->job->reference->is_golden ? "golden" : "bad");
    record.field[JOURNAL_CODE] =
        rs_bytes_str(s->err.code == RS_OK ? "" : rs_code_info(s->err.code)->name);
    rc = events_head(st, NULL, "nest.check", describe(s), &line, err);
    record.field[JOURNAL_JSON] = rs_buf_bytes(&line);
    if (rc == RS_OK)
        rc = journal_put(st->journal, &record, err);
    if (rc == RS_OK)
        rc = journal_sync(st->journal, err);
    if (rc == RS_OK)
        rc = memory_take(st->memory, &record, err);
    if (rc == RS_OK)
        events_publish(st, rs_buf_bytes(&line));
    (void)pthread_mutex_unlock(&st->lock);
    return rc;
}

static void
show_end(struct show *s, char text[96])
{
    struct station_tile *t = &s->fx->tile;
    int right = s->err.code == RS_OK, golden = s->job->reference->is_golden;

    s->took_ms = (int64_t)(rs_mono_us() - s->start_us) / 1000;
    s->tile = !right ? TILE_AGAIN : golden ? TILE_PASS : TILE_READY;

    (void)snprintf(text, 96, "%s",
                   !right   ? "The nest is wrong. Call the supervisor."
                   : golden ? "Golden board passed. Take it out."
                            : "Bad board refused, as it must be. Take it out.");
    (void)pthread_mutex_lock(&s->fx->st->lock);
    t->tile = s->tile;
    t->took_ms = s->took_ms;
    (void)snprintf(t->operator_, sizeof(t->operator_), "%s", text);
    (void)snprintf(t->what, sizeof(t->what), "%.90s", right ? "" : s->err.text);
    (void)snprintf(t->code, sizeof(t->code), "%s", right ? "" : rs_code_info(s->err.code)->name);
    (void)snprintf(t->class, sizeof(t->class), "%s", right ? "" : failure_find(s->err.code)->class);
    (void)pthread_mutex_unlock(&s->fx->st->lock);
}

static void
tell(struct show *s, const char *text, uint64_t event)
{
    struct station *st = s->fx->st;
    struct recipe_result result = {.code = s->err.code, .err = s->err};
    struct station_end end = {.event = event,
                              .fixture = s->fx->nest->name,
                              .device = s->job->reference->name,
                              .tile = s->tile,
                              .state = s->err.code == RS_OK ? "checked" : "failed",
                              .operator_ = text,
                              .what = s->what.text,
                              .failure = s->err.code == RS_OK ? NULL : failure_find(s->err.code),
                              .result = &result,
                              .took_ms = s->took_ms};

    memcpy(result.uid, s->what.id.uid, s->what.id.uid_len);
    result.uid_len = s->what.id.uid_len;
    memcpy(result.model, s->what.id.model, sizeof(result.model));
    if (st->listener.on_end == NULL)
        return;
    (void)pthread_mutex_lock(&st->listening);
    st->listener.on_end(st->listener.arg, &end);
    (void)pthread_mutex_unlock(&st->listening);
}

static void
begin(struct show *s)
{
    struct station_tile *t = &s->fx->tile;

    s->start_us = rs_mono_us();
    (void)pthread_mutex_lock(&s->fx->st->lock);
    t->tile = TILE_BUSY;
    t->step = STEP_CONTACT;
    t->since_us = s->start_us;
    t->operator_[0] = t->code[0] = t->class[0] = t->model[0] = t->what[0] = '\0';
    (void)snprintf(t->device, sizeof(t->device), "%s", s->job->reference->name);
    (void)pthread_mutex_unlock(&s->fx->st->lock);
}

int
reference_run(struct fixture *fx, struct job *job)
{
    struct show *s = calloc(1, sizeof(*s));
    struct rs_err err = {0}, gone = {0};
    char text[96];
    struct nest room;
    uint64_t event = 0;

    if (s == NULL) {
        station_stop(fx->st, RS_E_NO_MEMORY, "no memory for a reference board");
        return 0;
    }
    s->fx = fx;
    s->job = job;
    begin(s);
    look(s, nest_of(s, &room));
    if (s->err.code != RS_OK && watch_look_at(fx, &gone))
        s->err = gone;
    if (note_check(s, &event, &err) != RS_OK)
        station_stop(fx->st, err.code, err.text);
    show_end(s, text);
    tell(s, text, event);
    free(s);
    return 0;
}
