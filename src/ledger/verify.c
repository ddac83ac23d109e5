/*
 * verify.c: walk a ledger from the first record and name the first that is not
 * what was written.  See verify.h; the rules are those of
 * docs/protocols/ledger.md section 7.
 *
 * Everything that a segment says besides its leaves follows from the leaves,
 * so the walk computes it and compares.  Only when something does not fit does
 * the verifier look further ahead, to tell a missing record from one that has
 * changed places.  Memory: one window over one file, and the checkpoints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "ledger/verify_inner.h"

#define PATH_CAP       1024
#define BATCH_MOST     256u
#define RECORD_HEAD    28u /* zeros for longer than this are padding, not the start of a record */
#define PROGRESS_EVERY 65536u
#define NOTES_MOST     65536u

/* A tree of some size: the compact range. */
struct tree {
    uint64_t size;
    unsigned count;
    uint8_t hash[V_LEVELS][V_HASH];
};

struct verifier {
    const struct ledger_verify_config *config;
    struct ledger_hasher h;
    struct ledger_verdict verdict;

    struct v_note *notes; /* by rising size */
    size_t note_count, note_at;
    uint64_t agreed; /* size of the last checkpoint that agreed */
    const char *bad_note;
    int64_t signer; /* from an origin, or -1 */

    unsigned *numbers; /* of the segment files */
    size_t number_count;

    struct tree tree;    /* all leaves so far */
    struct tree settled; /* up to the last batch end */
    int64_t time_ms, settled_ms;
    uint8_t chain[V_HASH]; /* hash of the last record */
    int opened;            /* this segment's opening record was read */
    int torn;

    struct v_header header; /* of the segment being read */
    uint16_t epoch;         /* of the segment before */
    char name[64];
    size_t segment; /* its place in numbers */
};

const char *
ledger_damage_name(enum ledger_damage damage)
{
    static const char *const names[] = {"whole", "changed", "missing",   "inserted", "reordered",
                                        "cut",   "forked",  "torn-tail", "unsigned"};

    return (size_t)damage < sizeof(names) / sizeof(names[0]) ? names[damage] : "unknown";
}

/* Note a finding.  1, so that "return found(...)" stops the walk. */
static int
found(struct verifier *v, enum ledger_damage damage, uint64_t index, uint64_t offset,
      const char *text)
{
    struct ledger_verdict *out = &v->verdict;

    out->damage = damage;
    out->first_bad = index;
    out->offset = offset;
    (void)snprintf(out->segment, sizeof(out->segment), "%s", v->name);
    (void)snprintf(out->text, sizeof(out->text), "%s: record %llu, at byte %llu of %s: %s",
                   ledger_damage_name(damage), (unsigned long long)index,
                   (unsigned long long)offset, v->name, text);
    return 1;
}

/* ---- The tree (RFC 6962 2.1) ----------------------------------------------------- */

static void
hash_record(struct verifier *v, const struct v_record *r, uint8_t out[V_HASH])
{
    static const uint8_t zero = 0;
    struct rs_bytes pieces[3] = {{&zero, 1}, r->head, r->content};

    ledger_sha256(&v->h, pieces, 3, out);
}

static void
hash_pair(struct verifier *v, const uint8_t *left, const uint8_t *right, uint8_t out[V_HASH])
{
    uint8_t joined[65] = {1};
    struct rs_bytes piece = RS_BYTES(joined);

    memcpy(joined + 1, left, V_HASH);
    memcpy(joined + 33, right, V_HASH);
    ledger_sha256(&v->h, &piece, 1, out);
}

/* One more leaf: merge from the right as long as the two last subtrees are of one width. */
static void
grow(struct verifier *v, struct tree *t, const uint8_t leaf[V_HASH])
{
    uint64_t width = 1;

    memcpy(t->hash[t->count++], leaf, V_HASH);
    while ((t->size & width) != 0) {
        t->count--;
        hash_pair(v, t->hash[t->count - 1], t->hash[t->count], t->hash[t->count - 1]);
        width <<= 1;
    }
    t->size++;
}

static void
root_of(struct verifier *v, const struct tree *t, uint8_t out[V_HASH])
{
    if (t->count == 0) {
        ledger_sha256(&v->h, NULL, 0, out);
        return;
    }
    memcpy(out, t->hash[t->count - 1], V_HASH);
    for (unsigned i = t->count; i-- > 1;)
        hash_pair(v, t->hash[i - 1], out, out);
}

/* ---- Checkpoints -------------------------------------------------------------------- */

static void
add_note(struct verifier *v, const char *whose, struct rs_bytes text)
{
    struct v_note note = {.whose = whose};
    int64_t signer = -1;

    if (!v_note_read(&v->h, text, v->config->public_key, v->config->origin, &note, &signer)) {
        if (v->bad_note == NULL)
            v->bad_note = whose;
        return;
    }
    if (signer >= 0)
        v->signer = signer;
    v->notes[v->note_count++] = note;
}

static rs_code
add_note_file(struct verifier *v, const char *dir, const char *whose, struct rs_err *err)
{
    uint8_t text[V_NOTE_MAX + 1]; /* one more than allowed: a longer file is refused */
    char path[PATH_CAP];
    size_t got = 0;
    int fd = -1;
    rs_code rc = rs_path_join(dir, "checkpoint", path, sizeof(path), err);

    if (rc != RS_OK || !rs_path_exists(path))
        return rc;
    rc = rs_file_open(path, RS_OPEN_READ, &fd, err);
    if (rc == RS_OK)
        rc = rs_file_read_at(fd, 0, text, sizeof(text), &got, err);
    rs_file_close(fd);
    if (rc == RS_OK)
        add_note(v, whose, rs_bytes_of(text, got));
    return rc;
}

static int
by_size(const void *a, const void *b)
{
    const struct v_note *x = a, *y = b;

    return x->size < y->size ? -1 : x->size > y->size;
}

static rs_code
load_notes(struct verifier *v, struct rs_err *err)
{
    const struct ledger_verify_config *config = v->config;
    rs_code rc;

    if (config->note_count > NOTES_MOST)
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "ledger: more than %u checkpoints", NOTES_MOST);
    v->notes = calloc(config->note_count + 2, sizeof(*v->notes));
    if (v->notes == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory for checkpoints");
    rc = add_note_file(v, config->dir, "its own checkpoint", err);
    if (rc == RS_OK && config->witness_dir != NULL)
        rc = add_note_file(v, config->witness_dir, "the witness directory", err);
    for (size_t i = 0; rc == RS_OK && i < config->note_count; i++)
        add_note(v, "a checkpoint kept outside", config->notes[i]);
    qsort(v->notes, v->note_count, sizeof(*v->notes), by_size);
    return rc;
}

/* Our root at the size of each checkpoint that lies here. */
static void
reach_notes(struct verifier *v)
{
    while (v->note_at < v->note_count && v->notes[v->note_at].size == v->tree.size) {
        struct v_note *note = &v->notes[v->note_at++];
        root_of(v, &v->tree, note->computed);
        note->reached = 1;
    }
}

/* Judge those up to a batch end, after the batch itself was found whole. */
static int
judge_notes(struct verifier *v, uint64_t offset)
{
    char text[120];

    for (size_t i = v->verdict.checkpoints; i < v->note_at; i++) {
        const struct v_note *note = &v->notes[i];
        if (memcmp(note->computed, note->root, V_HASH) != 0) {
            (void)snprintf(text, sizeof(text), "%s over %llu records has another history",
                           note->whose, (unsigned long long)note->size);
            return found(v, LEDGER_FORKED, v->agreed, offset, text);
        }
        v->agreed = note->size;
        v->verdict.checkpoints++;
    }
    return 0;
}

/* ---- Looking ahead ---------------------------------------------------------------- */

/* What comes behind a place where something does not fit. */
struct ahead {
    uint64_t wanted, seen; /* leaf indexes */
    int wanted_later, seen_later, opening_later;
};

static rs_code
segment_path(const struct verifier *v, size_t place, char path[PATH_CAP], struct rs_err *err)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "%08u.seg", v->numbers[place]);
    return rs_path_join(v->config->dir, name, path, PATH_CAP, err);
}

static rs_code
scan_file(struct v_file *f, struct ahead *a, struct rs_err *err)
{
    struct v_record r;
    struct rs_bytes bytes;
    rs_code rc;

    for (;;) {
        rc = v_file_look(f, &bytes, err);
        if (rc != RS_OK || !v_record_parse(bytes, &r))
            return rc;
        if (r.is_end) {
            a->opening_later |= r.end_count == 0 && r.index == a->wanted;
        } else {
            a->wanted_later |= r.index == a->wanted;
            a->seen_later |= r.index == a->seen;
        }
        f->at += r.size;
    }
}

/* From offset `from` of this segment to the end of the log. */
static rs_code
look_ahead(struct verifier *v, struct v_file *here, uint64_t from, struct ahead *a,
           struct rs_err *err)
{
    rs_code rc;

    here->at = from;
    rc = scan_file(here, a, err);
    for (size_t i = v->segment + 1; rc == RS_OK && i < v->number_count; i++) {
        char path[PATH_CAP];
        struct v_file f = {.fd = -1};
        rc = segment_path(v, i, path, err);
        if (rc == RS_OK)
            rc = v_file_open(&f, path, err);
        f.at = V_HEADER_SIZE;
        if (rc == RS_OK)
            rc = scan_file(&f, a, err);
        v_file_close(&f);
    }
    return rc;
}

/* ---- Records ------------------------------------------------------------------------ */

/* A leaf, or the size in a batch end, is beyond what was read so far. */
static rs_code
name_gap(struct verifier *v, struct v_file *f, const struct v_record *r, uint64_t at, int *stop,
         struct rs_err *err)
{
    uint64_t expected = v->tree.size;
    struct ahead a = {.wanted = expected, .seen = r->is_end ? UINT64_MAX : r->index};
    char text[96];
    rs_code rc = look_ahead(v, f, at + r->size, &a, err);

    if (rc != RS_OK)
        return rc;
    (void)snprintf(text, sizeof(text), "%s %llu stands in its place",
                   r->is_end ? "the batch end of size" : "record", (unsigned long long)r->index);
    *stop = found(v,
                  !a.wanted_later ? LEDGER_MISSING
                  : a.seen_later  ? LEDGER_INSERTED
                                  : LEDGER_REORDERED,
                  expected, at, text);
    return RS_OK;
}

static rs_code
take_leaf(struct verifier *v, struct v_file *f, const struct v_record *r, uint64_t at, int *stop,
          struct rs_err *err)
{
    uint8_t hash[V_HASH];
    uint64_t pending = v->tree.size - v->settled.size;

    if (r->index > v->tree.size)
        return name_gap(v, f, r, at, stop, err);
    if (r->index < v->tree.size)
        *stop = found(v, LEDGER_INSERTED, r->index, at, "it was read before");
    else if (r->epoch != v->header.epoch || r->time_ms < v->time_ms)
        *stop = found(v, LEDGER_CHANGED, r->index, at, "epoch or time do not follow");
    else if (pending == BATCH_MOST)
        *stop = found(v, LEDGER_MISSING, r->index, at, "a batch end should stand here");
    if (*stop)
        return RS_OK;
    hash_record(v, r, hash);
    grow(v, &v->tree, hash);
    if (v->verdict.entries++ == 0)
        v->verdict.first_time_ms = r->time_ms;
    v->time_ms = r->time_ms;
    reach_notes(v);
    if (v->config->progress != NULL && v->tree.size % PROGRESS_EVERY == 0)
        v->config->progress(v->config->progress_arg, v->tree.size);
    return RS_OK;
}

/* Root, compact range, epoch and time of a batch end, against our own. */
static int
end_follows(struct verifier *v, const struct v_record *r)
{
    const uint8_t *p = r->content.p;
    uint8_t root[V_HASH];

    root_of(v, &v->tree, root);
    return r->epoch == v->header.epoch && r->time_ms == v->time_ms &&
           memcmp(p + 4, root, V_HASH) == 0 &&
           memcmp(p + 36, v->tree.hash, (size_t)v->tree.count * V_HASH) == 0;
}

/* A batch end whose size or count does not fit; its size is at most ours. */
static int
name_wrong_end(struct verifier *v, const struct v_record *r, uint64_t at)
{
    uint64_t size = v->tree.size, pending = size - v->settled.size;

    if (r->index == size && r->end_count > 0 && r->end_count < pending)
        return found(v, LEDGER_MISSING, size - r->end_count, at,
                     "a batch end should stand before it");
    if (r->index < size && r->index > v->settled.size && r->index - r->end_count == v->settled.size)
        return found(v, LEDGER_REORDERED, r->index, at, "its batch ends before it");
    if (r->index <= v->settled.size || r->end_count == 0)
        return found(v, LEDGER_INSERTED, size, at, "a batch end too many stands before it");
    return found(v, LEDGER_CHANGED, v->settled.size, at, "its batch end counts wrongly");
}

static rs_code
take_end(struct verifier *v, struct v_file *f, const struct v_record *r, uint64_t at, int *stop,
         struct rs_err *err)
{
    uint64_t pending = v->tree.size - v->settled.size;
    int opening = !v->opened;

    if (r->index > v->tree.size)
        return name_gap(v, f, r, at, stop, err);
    if (r->index != v->tree.size || r->end_count != pending || (pending == 0 && !opening))
        *stop = name_wrong_end(v, r, at);
    else if (!end_follows(v, r))
        *stop =
            found(v, LEDGER_CHANGED, v->settled.size, at, "this batch does not hash to its root");
    if (*stop)
        return RS_OK;
    v->opened = 1;
    v->settled = v->tree;
    v->settled_ms = v->time_ms;
    hash_record(v, r, v->chain);
    *stop = judge_notes(v, at);
    return RS_OK;
}

/* ---- Segments ------------------------------------------------------------------------ */

/* A record that is not whole in the last file: nothing, an unfinished write, or damage. */
static rs_code
judge_last_tail(struct verifier *v, struct v_file *f, uint64_t settled_at, uint64_t bad, int *stop,
                struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf tail = {0};
    uint64_t first, end, nonzero;
    size_t got = 0;
    uint8_t *p;
    rs_code rc = v_file_rest(f, settled_at, &first, &end, &nonzero, err);

    if (rc != RS_OK || end <= settled_at)
        return rc;
    if (end - settled_at <= V_WRITE_MAX) {
        rs_buf_init(&tail, V_WRITE_MAX);
        p = rs_buf_extend(&tail, (size_t)(end - settled_at));
        if (p == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to judge a tail");
        rc = rs_file_read_at(f->fd, settled_at, p, tail.len, &got, err);
        if (rc != RS_OK)
            return rc;
        v->torn =
            v_tail_unfinished(rs_buf_bytes(&tail), settled_at, (size_t)(bad - settled_at), nonzero);
    }
    if (v->torn)
        (void)found(v, LEDGER_TORN_TAIL, v->settled.size, settled_at,
                    "the last write did not finish; nothing in it was acknowledged");
    else
        *stop = found(v, LEDGER_CHANGED, v->tree.size, first >= bad + RECORD_HEAD ? first : bad,
                      "it, or what stands at its place, is not what was written");
    return RS_OK;
}

/* The walk has come to something that is not a whole record. */
static rs_code
end_segment(struct verifier *v, struct v_file *f, uint64_t settled_at, uint64_t bad, int *stop,
            struct rs_err *err)
{
    uint64_t first, end, nonzero;
    rs_code rc;

    if (v->segment + 1 == v->number_count)
        return judge_last_tail(v, f, settled_at, bad, stop, err);
    rc = v_file_rest(f, bad, &first, &end, &nonzero, err);
    if (rc != RS_OK)
        return rc;
    if (nonzero > 0)
        *stop = found(v, LEDGER_CHANGED, v->tree.size, first >= bad + RECORD_HEAD ? first : bad,
                      "it, or what stands at its place, is not what was written");
    else if (!v->opened || v->tree.size != v->settled.size)
        *stop = found(v, LEDGER_MISSING, v->settled.size, bad, "its batch has no end");
    return RS_OK;
}

static rs_code
walk_records(struct verifier *v, struct v_file *f, int *stop, struct rs_err *err)
{
    uint64_t settled_at = 0;
    struct v_record r;
    struct rs_bytes bytes;

    while (!*stop) {
        uint64_t at = f->at;
        rs_code rc = v_file_look(f, &bytes, err);
        if (rc != RS_OK)
            return rc;
        if (!v_record_parse(bytes, &r))
            return end_segment(v, f, settled_at, at, stop, err);
        f->at += r.size;
        if (r.is_end) {
            rc = take_end(v, f, &r, at, stop, err);
            settled_at = at + r.size;
        } else if (!v->opened) {
            struct ahead a = {.wanted = v->tree.size, .seen = UINT64_MAX};
            rc = look_ahead(v, f, at + r.size, &a, err);
            *stop = found(v, a.opening_later ? LEDGER_REORDERED : LEDGER_MISSING, v->tree.size, at,
                          "the opening record of the segment should stand before it");
        } else {
            rc = take_leaf(v, f, &r, at, stop, err);
        }
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* Does a later segment start where this one should? */
static rs_code
starts_later(struct verifier *v, uint64_t first, int *ret_later, struct rs_err *err)
{
    *ret_later = 0;
    for (size_t i = v->segment + 1; i < v->number_count; i++) {
        char path[PATH_CAP];
        struct v_file f = {.fd = -1};
        struct rs_bytes bytes;
        struct v_header header;
        rs_code rc = segment_path(v, i, path, err);
        if (rc == RS_OK)
            rc = v_file_open(&f, path, err);
        if (rc == RS_OK)
            rc = v_file_look(&f, &bytes, err);
        if (rc == RS_OK && v_header_parse(bytes, &header))
            *ret_later |= header.first == first;
        v_file_close(&f);
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* The header against the segments before. */
static rs_code
check_header(struct verifier *v, const struct v_file *f, int *stop, struct rs_err *err)
{
    const struct v_header *h = &v->header;
    uint64_t size = v->tree.size;
    int later;
    rs_code rc;

    if (h->first > size) {
        rc = starts_later(v, size, &later, err);
        *stop = found(v, later ? LEDGER_REORDERED : LEDGER_MISSING, size, 0,
                      "the segment that starts with it is not here");
        return rc;
    }
    if (h->first < size)
        *stop = found(v, LEDGER_INSERTED, h->first, 0, "a segment that was read before");
    else if (f->size != h->file_size)
        *stop = found(v, f->size < h->file_size ? LEDGER_CUT : LEDGER_CHANGED, size, f->size,
                      "the file does not have the size that its header says");
    else if (memcmp(h->previous, v->chain, V_HASH) != 0)
        *stop = found(v, LEDGER_CHANGED, size, 32, "the segment does not follow the one before");
    else if (h->epoch < v->epoch)
        *stop = found(v, LEDGER_CHANGED, size, 10, "the epoch went back");
    else if (v->signer >= 0 && h->signer != (uint64_t)v->signer)
        *stop = found(v, LEDGER_CHANGED, size, 12, "the segment is of another signer");
    return RS_OK;
}

static rs_code
walk_segment(struct verifier *v, struct v_file *f, int *stop, struct rs_err *err)
{
    struct v_header header;
    struct rs_bytes bytes;
    rs_code rc = v_file_look(f, &bytes, err);

    if (rc != RS_OK)
        return rc;
    v->opened = 0;
    if (!v_header_parse(bytes, &header))
        return end_segment(v, f, 0, 0, stop, err);
    v->epoch = v->header.epoch;
    v->header = header;
    if (v->segment == 0 && v->signer < 0)
        v->signer = header.signer;
    rc = check_header(v, f, stop, err);
    f->at = V_HEADER_SIZE;
    return rc == RS_OK && !*stop ? walk_records(v, f, stop, err) : rc;
}

static int
on_name(void *arg, const char *name)
{
    struct verifier *v = arg;
    unsigned number = 0;
    unsigned *more;

    if (strlen(name) != 12 || strcmp(name + 8, ".seg") != 0)
        return 0;
    for (int i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(name[i] - '0');
    }
    more = realloc(v->numbers, (v->number_count + 1) * sizeof(*more));
    if (more == NULL)
        return 1; /* a gap then shows at the end of the list */
    v->numbers = more;
    v->numbers[v->number_count++] = number;
    return 0;
}

static rs_code
walk_all(struct verifier *v, struct rs_err *err)
{
    int stop = 0;
    rs_code rc = rs_dir_list(v->config->dir, on_name, v, err);

    for (size_t i = 0; rc == RS_OK && !stop && i < v->number_count; i++) {
        char path[PATH_CAP];
        struct v_file f = {.fd = -1};
        v->segment = i;
        (void)snprintf(v->name, sizeof(v->name), "%08u.seg", (unsigned)i + 1);
        if (v->numbers[i] != i + 1) {
            stop = found(v, v->numbers[i] > i + 1 ? LEDGER_MISSING : LEDGER_INSERTED, v->tree.size,
                         0, "the file is not here, one with another number is");
            break;
        }
        rc = segment_path(v, i, path, err);
        if (rc == RS_OK)
            rc = v_file_open(&f, path, err);
        if (rc == RS_OK)
            rc = walk_segment(v, &f, &stop, err);
        v_file_close(&f);
    }
    return rc;
}

/* ---- The verdict ---------------------------------------------------------------------- */

/* The records are whole, or end in an unfinished write: what do the checkpoints say? */
static void
judge_whole(struct verifier *v)
{
    struct ledger_verdict *out = &v->verdict;
    const struct v_note *newest = v->note_count > 0 ? &v->notes[v->note_count - 1] : NULL;
    unsigned long long size = v->settled.size;
    char text[120];

    if (judge_notes(v, 0)) /* those over nothing, where there is no batch end either */
        return;
    if (newest != NULL && newest->size > v->settled.size) {
        (void)snprintf(text, sizeof(text), "the log ends here, %s covers %llu records",
                       newest->whose, (unsigned long long)newest->size);
        (void)found(v, LEDGER_CUT, v->settled.size, out->damage == LEDGER_WHOLE ? 0 : out->offset,
                    text);
    } else if (v->bad_note != NULL) {
        (void)snprintf(v->name, sizeof(v->name), "checkpoint");
        (void)found(v, LEDGER_UNSIGNED, v->settled.size, 0,
                    "malformed, of another log, or not signed by the key");
        (void)snprintf(out->text, sizeof(out->text),
                       "unsigned: %s is malformed, of another log, or not signed by the key",
                       v->bad_note);
    } else if (out->damage == LEDGER_TORN_TAIL) {
        return;
    } else if (newest == NULL) {
        (void)snprintf(out->text, sizeof(out->text),
                       "whole: %llu records; no checkpoint to compare with, so a log cut back or "
                       "rewritten as a whole would look the same",
                       size);
    } else {
        (void)snprintf(out->text, sizeof(out->text),
                       "whole: %llu records; checkpoints%s cover %llu%s", size,
                       v->config->public_key == NULL ? " (signatures not checked)" : "",
                       (unsigned long long)newest->size,
                       v->config->note_count == 0
                           ? "; none kept outside, so a log cut back with its own is not excluded"
                           : "");
    }
}

static void
finish(struct verifier *v)
{
    struct ledger_verdict *out = &v->verdict;
    const struct tree *whole = v->torn ? &v->settled : &v->tree;

    if (out->damage == LEDGER_WHOLE || out->damage == LEDGER_TORN_TAIL)
        judge_whole(v);
    out->entries = whole->size;
    out->last_time_ms = v->torn ? v->settled_ms : v->time_ms;
    root_of(v, whole, out->root);
}

rs_code
ledger_verify(const struct ledger_verify_config *config, struct ledger_verdict *ret_verdict,
              struct rs_err *err)
{
    struct verifier *v = calloc(1, sizeof(*v));
    rs_code rc;

    if (v == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no memory to verify");
    v->config = config;
    v->signer =
        config->origin == NULL ? -1 : v_origin_signer(config->origin, strlen(config->origin));
    rc = ledger_hasher_init(&v->h, err);
    if (rc == RS_OK)
        rc = load_notes(v, err);
    if (rc == RS_OK) {
        reach_notes(v); /* a checkpoint over nothing */
        rc = walk_all(v, err);
    }
    if (rc == RS_OK) {
        finish(v);
        if (v->h.failed)
            rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
        else
            *ret_verdict = v->verdict;
    }
    ledger_hasher_done(&v->h);
    free(v->notes);
    free(v->numbers);
    free(v);
    return rc;
}
