/*
 * ledger_prove.c: every small change of a 1,000-record ledger, one at a time,
 * through the real verifier over real files (law L6).
 *
 * A ledger is made by the writer and kept in memory.  Each worker has a
 * directory of its own, changes one thing in it, asks ledger_verify(), compares
 * what it names with what was done, and puts the thing back.  What counts:
 * found (any damage), and named (kind and place are exactly what was done).
 *
 *   ledger_prove DIR [--seed N] [--records N] [--speed N] [--json FILE]
 *
 * Exit 0 only when everything was found, and named where one record is to blame.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "ledger/ledger.h"
#include "ledger/verify.h"

#define ORIGIN       "prove/ledger/1"
#define SEGMENT_SIZE 16384u
#define SEGMENTS_MAX 256
#define PIECES_MAX   20000
#define NOTES_MAX    4096
#define WORKERS_MAX  8
#define PATH_CAP     512
#define HEADER       72u

struct segment {
    char name[16];
    uint8_t *bytes;
    size_t len, used;
    uint64_t first, end; /* leaf indexes */
    size_t piece_first, piece_end;
};

/* One record of the file. */
struct piece {
    size_t segment, at, len;
    uint64_t index;
    uint64_t batch_first; /* of a batch end: its first leaf */
    int is_end;
};

struct note {
    uint64_t size;
    struct rs_buf text;
};

/* What one kind of change gave. */
struct tally {
    const char *name;
    uint64_t tried, found, to_name, named;
    uint64_t silent; /* not provable, and the verdict says so */
};

enum {
    BITS,
    DELETED,
    SWAPPED,
    RANDOM,
    DOUBLED,
    CUT_KEPT,
    CUT_OUTSIDE,
    CUT_ALONE,
    SHORTER,
    TALLIES
};

static const char *const tally_names[TALLIES] = {
    "every bit flipped",
    "each record deleted",
    "neighbours swapped",
    "random pairs swapped",
    "each record doubled",
    "tail cut, own checkpoints kept",
    "tail cut, own checkpoints cut back, one outside",
    "tail cut, own checkpoints cut back, none outside",
    "file shortened, every length",
};

static struct {
    struct segment segments[SEGMENTS_MAX];
    size_t segment_count;
    struct piece pieces[PIECES_MAX];
    size_t piece_count;
    struct note notes[NOTES_MAX];
    size_t note_count;
    uint8_t key[32];
    EVP_PKEY *pkey;
    unsigned workers;
    uint64_t seed;
    size_t records;
} log_;

struct worker {
    pthread_t thread;
    unsigned id;
    char dir[PATH_CAP], witness[PATH_CAP];
    struct tally tallies[TALLIES];
    uint64_t random;
    unsigned complaints;
};

static void die(const char *fmt, ...) RS_PRINTF(1, 2) __attribute__((noreturn));

static void
die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(2);
}

static void
must(rs_code rc, const struct rs_err *err, const char *what)
{
    if (rc != RS_OK)
        die("%s: %s (%s)", what, err->text, err->detail);
}

/* xorshift64*: the cases depend on the seed only. */
static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

/* ---- Making the ledger -------------------------------------------------------------- */

static rs_code
sign_note(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;
    int ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, arg) == 1 &&
             EVP_DigestSign(ctx, sig, &len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "cannot sign");
}

static void
join(const char *dir, const char *name, char path[PATH_CAP])
{
    struct rs_err err = {0};

    must(rs_path_join(dir, name, path, PATH_CAP, &err), &err, "path");
}

static struct ledger *
open_ledger(const char *dir, const char *witness, uint64_t segment_size)
{
    struct ledger_config config = {.dir = dir,
                                   .witness_dir = witness,
                                   .origin = ORIGIN,
                                   .signer_id = 1,
                                   .epoch = 1,
                                   .sign = sign_note,
                                   .sign_arg = log_.pkey,
                                   .segment_size = segment_size};
    struct ledger_opened opened;
    struct ledger *ledger = NULL;
    struct rs_err err = {0};

    memcpy(config.public_key, log_.key, sizeof(log_.key));
    must(ledger_open(&config, &ledger, &opened, &err), &err, "ledger_open");
    return ledger;
}

static void
keep_note(struct ledger *ledger)
{
    struct note *note = &log_.notes[log_.note_count];
    struct ledger_head head;
    struct rs_err err = {0};

    if (log_.note_count++ == NOTES_MAX)
        die("too many checkpoints");
    ledger_get_head(ledger, &head);
    note->size = head.size;
    rs_buf_init(&note->text, 4096);
    must(ledger_checkpoint(ledger, &note->text, &err), &err, "ledger_checkpoint");
}

/* Batches of 1 to 40 leaves with contents of 1 to 64 random bytes; a checkpoint after each. */
static void
make_ledger(const char *dir, const char *witness)
{
    static uint8_t contents[64][64];
    struct ledger_leaf leaves[64];
    struct ledger *ledger = open_ledger(dir, witness, SEGMENT_SIZE);
    struct rs_err err = {0};
    uint64_t random = log_.seed;

    keep_note(ledger);
    for (size_t made = 0; made < log_.records;) {
        size_t n = 1 + next_random(&random) % 40;
        if (n > log_.records - made)
            n = log_.records - made;
        for (size_t i = 0; i < n; i++) {
            size_t len = 1 + next_random(&random) % 64;
            for (size_t k = 0; k < len; k++)
                contents[i][k] = (uint8_t)next_random(&random);
            leaves[i] = (struct ledger_leaf){
                .type = (enum ledger_type)(1 + next_random(&random) % 16),
                .time_ms = 1700000000000 + (int64_t)(made + i) * 3,
                .content = {contents[i], len},
            };
        }
        must(ledger_append(ledger, leaves, n, &err), &err, "ledger_append");
        keep_note(ledger);
        made += n;
    }
    ledger_close(ledger);
}

static void
list_pieces(struct segment *seg, size_t number)
{
    size_t at = HEADER;
    uint64_t batch_first = 0;

    seg->first = rs_get_u64(seg->bytes + 16);
    seg->end = seg->first;
    seg->piece_first = log_.piece_count;
    while (at + 28 <= seg->len && rs_get_u32(seg->bytes + at) != 0) {
        struct piece *piece = &log_.pieces[log_.piece_count];
        if (log_.piece_count++ == PIECES_MAX)
            die("too many records");
        *piece = (struct piece){.segment = number,
                                .at = at,
                                .len = 28 + rs_get_u32(seg->bytes + at),
                                .is_end = rs_get_u16(seg->bytes + at + 4) == 0xffff,
                                .index = rs_get_u64(seg->bytes + at + 16)};
        if (piece->is_end) {
            piece->batch_first = at == HEADER ? piece->index : batch_first;
            batch_first = piece->index;
            seg->end = piece->index;
        }
        at += piece->len;
    }
    seg->used = at;
    seg->piece_end = log_.piece_count;
}

static void
load_ledger(const char *dir)
{
    for (size_t i = 0; i < SEGMENTS_MAX; i++) {
        struct segment *seg = &log_.segments[i];
        struct rs_err err = {0};
        struct rs_buf buf;
        char path[PATH_CAP];
        (void)snprintf(seg->name, sizeof(seg->name), "%08u.seg", (unsigned)(i + 1) % 100000000u);
        join(dir, seg->name, path);
        if (!rs_path_exists(path))
            return;
        rs_buf_init(&buf, 1u << 24);
        must(rs_file_read(path, 1u << 24, &buf, &err), &err, path);
        seg->bytes = buf.p;
        seg->len = buf.len;
        list_pieces(seg, i);
        log_.segment_count = i + 1;
    }
}

/* ---- Changing and asking --------------------------------------------------------------- */

static void
write_file(const char *dir, const char *name, const void *p, size_t len)
{
    struct rs_err err = {0};
    char path[PATH_CAP];
    int fd = -1;
    rs_code rc;

    join(dir, name, path);
    rc = rs_file_open(path, RS_OPEN_CREATE, &fd, &err);
    if (rc == RS_OK)
        rc = rs_file_write_at(fd, 0, rs_bytes_of(p, len), &err);
    if (rc == RS_OK)
        rc = rs_file_truncate(fd, len, &err);
    rs_file_close(fd);
    must(rc, &err, path);
}

static void
remove_file(const char *dir, const char *name)
{
    struct rs_err err = {0};
    char path[PATH_CAP];

    join(dir, name, path);
    must(rs_file_remove(path, &err), &err, path);
}

static void
restore_segment(struct worker *w, size_t number)
{
    const struct segment *seg = &log_.segments[number];

    write_file(w->dir, seg->name, seg->bytes, seg->len);
}

static void
write_notes(struct worker *w, const struct note *note)
{
    write_file(w->dir, "checkpoint", note->text.p, note->text.len);
    write_file(w->witness, "checkpoint", note->text.p, note->text.len);
}

static const struct note *
newest_note(void)
{
    return &log_.notes[log_.note_count - 1];
}

static struct ledger_verdict
ask(struct worker *w, int with_outside)
{
    struct rs_bytes outside = rs_buf_bytes(&newest_note()->text);
    struct ledger_verify_config config = {.dir = w->dir,
                                          .witness_dir = w->witness,
                                          .public_key = log_.key,
                                          .origin = ORIGIN,
                                          .notes = &outside,
                                          .note_count = with_outside ? 1 : 0};
    struct ledger_verdict verdict;
    struct rs_err err = {0};

    must(ledger_verify(&config, &verdict, &err), &err, "ledger_verify");
    return verdict;
}

/* Count one case.  named: 1 right, 0 wrong, -1 nothing single to name. */
static void
count(struct worker *w, int tally, const struct ledger_verdict *verdict, int named,
      const char *what, uint64_t where)
{
    struct tally *t = &w->tallies[tally];
    int is_found = verdict->damage != LEDGER_WHOLE;

    t->tried++;
    t->found += (uint64_t)is_found;
    t->to_name += named >= 0;
    t->named += named > 0;
    if ((!is_found || named == 0) && w->complaints++ < 10)
        (void)fprintf(stderr, "  %s: %s %" PRIu64 ": verdict: %s\n", tally_names[tally], what,
                      where, verdict->text);
}

/* ---- Bits ------------------------------------------------------------------------------- */

/* The record, header or padding in which a byte lies: what must be named. */
struct place {
    uint64_t index;
    size_t least, most; /* offsets that name it */
};

static struct place
place_of(const struct segment *seg, size_t byte)
{
    if (byte < HEADER)
        return (struct place){seg->first, 0, byte};
    for (size_t i = seg->piece_first; i < seg->piece_end; i++) {
        const struct piece *piece = &log_.pieces[i];
        if (byte < piece->at + piece->len)
            return (struct place){piece->index, piece->at, piece->at};
    }
    return (struct place){seg->end, byte < seg->used + 28 ? seg->used : byte, byte};
}

static void
flip_segment(struct worker *w, size_t number)
{
    const struct segment *seg = &log_.segments[number];
    struct rs_err err = {0};
    char path[PATH_CAP];
    int fd;

    join(w->dir, seg->name, path);
    must(rs_file_open(path, RS_OPEN_WRITE, &fd, &err), &err, path);
    for (size_t byte = w->id; byte < seg->len; byte += log_.workers) {
        struct place place = place_of(seg, byte);
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t changed = (uint8_t)(seg->bytes[byte] ^ (1u << bit));
            struct ledger_verdict v;
            must(rs_file_write_at(fd, byte, rs_bytes_of(&changed, 1), &err), &err, path);
            v = ask(w, 0);
            count(w, BITS, &v,
                  v.damage == LEDGER_CHANGED && v.first_bad == place.index &&
                      v.offset >= place.least && v.offset <= place.most &&
                      strcmp(v.segment, seg->name) == 0,
                  seg->name, byte);
        }
        must(rs_file_write_at(fd, byte, rs_bytes_of(seg->bytes + byte, 1), &err), &err, path);
    }
    rs_file_close(fd);
}

static void
flip_note(struct worker *w, const char *dir)
{
    const struct rs_buf *text = &newest_note()->text;
    uint8_t changed[4096];

    for (size_t byte = w->id; byte < text->len; byte += log_.workers) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct ledger_verdict v;
            memcpy(changed, text->p, text->len);
            changed[byte] = (uint8_t)(changed[byte] ^ (1u << bit));
            write_file(dir, "checkpoint", changed, text->len);
            v = ask(w, 0);
            count(w, BITS, &v, v.damage == LEDGER_UNSIGNED, "checkpoint", byte);
        }
    }
    write_file(dir, "checkpoint", text->p, text->len);
}

static void
flip_bits(struct worker *w)
{
    for (size_t i = 0; i < log_.segment_count; i++)
        flip_segment(w, i);
    flip_note(w, w->dir);
    flip_note(w, w->witness);
}

/* ---- Records ------------------------------------------------------------------------------ */

/* The segment with the pieces of `order` behind its header, zeros behind them. */
static void
write_order(struct worker *w, const struct segment *seg, const size_t *order, size_t order_count)
{
    uint8_t *out = calloc(1, seg->len);
    size_t at = HEADER;

    if (out == NULL)
        die("no memory");
    memcpy(out, seg->bytes, HEADER);
    for (size_t i = 0; i < order_count; i++) {
        const struct piece *piece = &log_.pieces[order[i]];
        if (at + piece->len > seg->len)
            die("a changed segment does not fit");
        memcpy(out + at, log_.segments[piece->segment].bytes + piece->at, piece->len);
        at += piece->len;
    }
    write_file(w->dir, seg->name, out, seg->len);
    free(out);
}

static size_t
whole_order(const struct segment *seg, size_t *order)
{
    for (size_t i = seg->piece_first; i < seg->piece_end; i++)
        order[i - seg->piece_first] = i;
    return seg->piece_end - seg->piece_first;
}

/* A leaf must be named exactly; of a batch end, its batch. */
static int
names_piece(const struct piece *piece, const struct ledger_verdict *v)
{
    if (!piece->is_end)
        return v->first_bad == piece->index;
    return v->first_bad >= piece->batch_first && v->first_bad <= piece->index;
}

static void
delete_record(struct worker *w, size_t number, size_t *order)
{
    const struct piece *piece = &log_.pieces[number];
    const struct segment *seg = &log_.segments[piece->segment];
    size_t n = whole_order(seg, order), gone = number - seg->piece_first;
    enum ledger_damage want = number + 1 == log_.piece_count ? LEDGER_CUT : LEDGER_MISSING;
    struct ledger_verdict v;

    memmove(order + gone, order + gone + 1, (n - gone - 1) * sizeof(*order));
    write_order(w, seg, order, n - 1);
    v = ask(w, 0);
    count(w, DELETED, &v, v.damage == want && names_piece(piece, &v), "record", number);
    restore_segment(w, piece->segment);
}

static void
double_record(struct worker *w, size_t number, size_t *order)
{
    const struct piece *piece = &log_.pieces[number];
    const struct segment *seg = &log_.segments[piece->segment];
    size_t n = whole_order(seg, order), at = number - seg->piece_first;
    struct ledger_verdict v;

    memmove(order + at + 1, order + at, (n - at) * sizeof(*order));
    write_order(w, seg, order, n + 1);
    v = ask(w, 0);
    count(w, DOUBLED, &v, v.damage == LEDGER_INSERTED && v.first_bad == piece->index, "record",
          number);
    restore_segment(w, piece->segment);
}

/* Two records change places, in one segment or across two; 0 when they do not fit. */
static int
swap_records(struct worker *w, int tally, size_t a, size_t b, size_t *order)
{
    const struct piece *pa = &log_.pieces[a], *pb = &log_.pieces[b];
    const struct segment *sa = &log_.segments[pa->segment], *sb = &log_.segments[pb->segment];
    struct ledger_verdict v;
    int both_leaves = !pa->is_end && !pb->is_end, named;
    size_t n;

    if (sa != sb &&
        (sa->used - pa->len + pb->len > sa->len || sb->used - pb->len + pa->len > sb->len))
        return 0;
    n = whole_order(sa, order);
    order[a - sa->piece_first] = b;
    if (sa == sb)
        order[b - sa->piece_first] = a;
    write_order(w, sa, order, n);
    if (sa != sb) {
        n = whole_order(sb, order);
        order[b - sb->piece_first] = a;
        write_order(w, sb, order, n);
    }
    v = ask(w, 0);
    named = both_leaves ? v.damage == LEDGER_REORDERED && v.first_bad == pa->index : -1;
    count(w, tally, &v, named, "records from", a);
    restore_segment(w, pa->segment);
    restore_segment(w, pb->segment);
    return 1;
}

static void
change_records(struct worker *w)
{
    static _Thread_local size_t order[PIECES_MAX + 1];

    for (size_t i = w->id; i < log_.piece_count; i += log_.workers) {
        delete_record(w, i, order);
        double_record(w, i, order);
        if (i + 1 < log_.piece_count)
            (void)swap_records(w, SWAPPED, i, i + 1, order);
    }
    for (size_t i = w->id; i < log_.records;) {
        size_t a = next_random(&w->random) % log_.piece_count;
        size_t b = next_random(&w->random) % log_.piece_count;
        if (a < b && swap_records(w, RANDOM, a, b, order))
            i += log_.workers;
    }
}

/* ---- Tails ---------------------------------------------------------------------------------- */

/* Leaves in whole batches before offset `at` of a segment. */
static uint64_t
settled_before(const struct segment *seg, size_t at)
{
    uint64_t settled = seg->first;

    for (size_t i = seg->piece_first; i < seg->piece_end; i++) {
        const struct piece *piece = &log_.pieces[i];
        if (piece->is_end && piece->at + piece->len <= at)
            settled = piece->index;
    }
    return settled;
}

static const struct note *
note_up_to(uint64_t size)
{
    const struct note *best = &log_.notes[0];

    for (size_t i = 0; i < log_.note_count; i++)
        if (log_.notes[i].size <= size)
            best = &log_.notes[i];
    return best;
}

/* All three questions about a log that ends at byte `at` of a segment. */
static void
cut_at(struct worker *w, size_t number, size_t at, uint8_t *scratch)
{
    const struct segment *seg = &log_.segments[number];
    uint64_t settled = settled_before(seg, at);
    struct ledger_verdict v;

    memcpy(scratch, seg->bytes, at);
    memset(scratch + at, 0, seg->len - at);
    write_file(w->dir, seg->name, scratch, seg->len);
    v = ask(w, 0);
    count(w, CUT_KEPT, &v, v.first_bad == settled, seg->name, at);
    write_notes(w, note_up_to(settled));
    v = ask(w, 1);
    count(w, CUT_OUTSIDE, &v, v.first_bad == settled, seg->name, at);
    v = ask(w, 0);
    if (v.damage == LEDGER_WHOLE && strstr(v.text, "not excluded") != NULL)
        w->tallies[CUT_ALONE].silent++;
    else
        count(w, CUT_ALONE, &v, -1, seg->name, at);
    /* The file itself shorter, with all checkpoints cut back: found without any. */
    write_file(w->dir, seg->name, seg->bytes, at);
    v = ask(w, 0);
    /* A last file without content is what a crash leaves that was making it. */
    if (at == 0 && v.damage == LEDGER_WHOLE)
        w->tallies[SHORTER].silent++;
    else
        count(w, SHORTER, &v, -1, seg->name, at);
    write_notes(w, newest_note());
}

/* From the last segment backwards; those behind the cut are gone. */
static void
cut_tails(struct worker *w)
{
    uint8_t *scratch = malloc(log_.segments[0].len * 2);

    if (scratch == NULL)
        die("no memory");
    for (size_t i = log_.segment_count; i-- > 0;) {
        const struct segment *seg = &log_.segments[i];
        for (size_t at = w->id; at < seg->used; at += log_.workers)
            cut_at(w, i, at, scratch);
        /* Lengths between the last record and the end of the file. */
        write_notes(w, note_up_to(seg->end));
        for (size_t at = seg->used + w->id; at < seg->len; at += log_.workers) {
            struct ledger_verdict v;
            write_file(w->dir, seg->name, seg->bytes, at);
            v = ask(w, 0);
            count(w, SHORTER, &v, -1, seg->name, at);
        }
        write_notes(w, newest_note());
        remove_file(w->dir, seg->name);
    }
    for (size_t i = 0; i < log_.segment_count; i++)
        restore_segment(w, i);
    free(scratch);
}

/* ---- All of it -------------------------------------------------------------------------------- */

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct ledger_verdict v = ask(w, 1);

    if (v.damage != LEDGER_WHOLE)
        die("before any change: %s", v.text);
    change_records(w);
    cut_tails(w);
    flip_bits(w);
    v = ask(w, 1);
    if (v.damage != LEDGER_WHOLE)
        die("after all was put back: %s", v.text);
    return NULL;
}

static void
start_worker(struct worker *w, unsigned id, const char *root)
{
    struct rs_err err = {0};

    w->id = id;
    w->random = log_.seed * 77 + id + 1;
    (void)snprintf(w->dir, sizeof(w->dir), "%.400s/worker-%u", root, id);
    (void)snprintf(w->witness, sizeof(w->witness), "%.400s/witness-%u", root, id);
    must(rs_dir_make(w->dir, 0700, &err), &err, w->dir);
    must(rs_dir_make(w->witness, 0700, &err), &err, w->witness);
    for (size_t i = 0; i < log_.segment_count; i++)
        restore_segment(w, i);
    write_notes(w, newest_note());
    if (pthread_create(&w->thread, NULL, work, w) != 0)
        die("cannot start a thread");
}

/* Entries a second over leaves of 700 bytes, one thread. */
static double
measure_speed(const char *root, size_t leaves)
{
    static uint8_t content[700];
    struct ledger_leaf batch[64];
    struct ledger *ledger;
    struct ledger_verdict verdict;
    struct rs_err err = {0};
    char dir[PATH_CAP];
    struct ledger_verify_config config = {.dir = dir, .public_key = log_.key, .origin = ORIGIN};
    uint64_t start;

    (void)snprintf(dir, sizeof(dir), "%.400s/speed", root);
    memset(content, 0x5c, sizeof(content));
    ledger = open_ledger(dir, NULL, 0);
    for (size_t i = 0; i < leaves; i += 64) {
        for (size_t k = 0; k < 64; k++)
            batch[k] = (struct ledger_leaf){.type = LEDGER_ISSUED,
                                            .time_ms = 1700000000000,
                                            .content = {content, sizeof(content)}};
        must(ledger_append(ledger, batch, 64, &err), &err, "ledger_append");
    }
    ledger_close(ledger);
    start = rs_mono_us();
    must(ledger_verify(&config, &verdict, &err), &err, "ledger_verify");
    if (verdict.damage != LEDGER_WHOLE)
        die("speed: %s", verdict.text);
    return (double)verdict.entries * 1e6 / (double)(rs_mono_us() - start + 1);
}

static int
report(struct worker *workers, double speed, double seconds, const char *json)
{
    FILE *f = json == NULL ? NULL : fopen(json, "w");
    int bad = 0;

    if (f != NULL)
        (void)fprintf(f, "{\"prove\":\"ledger\",\"records\":%zu,\"seed\":%" PRIu64 ",\"cases\":[",
                      log_.records, log_.seed);
    for (int i = 0; i < TALLIES; i++) {
        struct tally t = {0};
        for (unsigned k = 0; k < log_.workers; k++) {
            const struct tally *part = &workers[k].tallies[i];
            t.tried += part->tried;
            t.found += part->found;
            t.to_name += part->to_name;
            t.named += part->named;
            t.silent += part->silent;
        }
        bad |= t.found != t.tried || t.named != t.to_name || t.tried == 0;
        (void)printf("  %-50s found %" PRIu64 "/%" PRIu64, tally_names[i], t.found, t.tried);
        if (t.to_name > 0)
            (void)printf(", named %" PRIu64 "/%" PRIu64, t.named, t.to_name);
        if (t.silent > 0)
            (void)printf(", not provable and said so %" PRIu64, t.silent);
        (void)printf("\n");
        if (f != NULL)
            (void)fprintf(
                f,
                "%s{\"case\":\"%s\",\"tried\":%" PRIu64 ",\"found\":%" PRIu64
                ",\"to_name\":%" PRIu64 ",\"named\":%" PRIu64 ",\"not_provable\":%" PRIu64 "}",
                i == 0 ? "" : ",", tally_names[i], t.tried, t.found, t.to_name, t.named, t.silent);
    }
    (void)printf("  verifier: %.0f entries/s (700-byte leaves, one thread); took %.0f s\n", speed,
                 seconds);
    if (f != NULL) {
        (void)fprintf(f, "],\"entries_per_second\":%.0f,\"seconds\":%.1f,\"ok\":%s}\n", speed,
                      seconds, bad ? "false" : "true");
        (void)fclose(f);
    }
    return bad;
}

static void
make_key(void)
{
    static const uint8_t secret[32] = {9, 9, 9};
    size_t len = sizeof(log_.key);

    log_.pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
    if (log_.pkey == NULL || EVP_PKEY_get_raw_public_key(log_.pkey, log_.key, &len) != 1)
        die("no Ed25519");
}

int
main(int argc, char **argv)
{
    static struct worker workers[WORKERS_MAX];
    const char *json = NULL, *root = argc > 1 ? argv[1] : NULL;
    char dir[PATH_CAP], witness[PATH_CAP];
    size_t speed_leaves = 200000;
    uint64_t start = rs_mono_us();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double speed;

    log_.seed = 1;
    log_.records = 1000;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            log_.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--records") == 0)
            log_.records = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--speed") == 0)
            speed_leaves = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--json") == 0)
            json = argv[i + 1];
    }
    if (root == NULL || log_.seed == 0 || log_.records == 0 || argc % 2 != 0)
        die("usage: ledger_prove DIR [--seed N] [--records N] [--speed N] [--json FILE]");
    log_.workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
    make_key();
    (void)snprintf(dir, sizeof(dir), "%.400s/made", root);
    (void)snprintf(witness, sizeof(witness), "%.400s/made-witness", root);
    make_ledger(dir, witness);
    load_ledger(dir);
    (void)printf("ledger: %zu records in %zu segments, %zu records and batch ends, seed %" PRIu64
                 ", %u workers\n",
                 log_.records, log_.segment_count, log_.piece_count, log_.seed, log_.workers);
    (void)fflush(stdout);
    speed = measure_speed(root, speed_leaves);
    for (unsigned i = 0; i < log_.workers; i++)
        start_worker(&workers[i], i, root);
    for (unsigned i = 0; i < log_.workers; i++)
        (void)pthread_join(workers[i].thread, NULL);
    return report(workers, speed, (double)(rs_mono_us() - start) / 1e6, json);
}
