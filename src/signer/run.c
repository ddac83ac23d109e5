/*
 * run.c: the signer's threads and what flows between them.
 *
 *   receiver  -> commit queue -> committer -> sign queue -> signers -> socket
 *
 * The receiver turns one message into a batch of jobs.  The committer takes all
 * batches that have queued, checks each claim, appends the leaves of all of
 * them with one sync, and hands the batches on; while the signers sign one, it
 * can sync the next.  Answers go out as one message per piece of a batch.
 *
 * Memory is fixed: when all batches are in use the receiver waits, and so, at
 * the other end of the socket, does the front.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/clock.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/thread.h"
#include "signer/core.h"

#define BATCHES     8
#define COMMIT_MAX  4 /* batches in one append: 4 x 64 leaves */
#define THREADS_MAX 16
#define RECOVER_MAX 256

struct batch {
    struct job jobs[PROTO_BATCH_MAX];
    size_t count;
    atomic_uint pieces_left;
    uint8_t message[PROTO_MESSAGE_MAX];
};

/* A run of jobs of one batch, signed and answered by one thread. */
struct piece {
    struct batch *batch;
    size_t first, count;
};

struct runner {
    struct signer signer;
    int fd;
    struct batch *batches;
    struct piece *pieces; /* BATCHES x THREADS_MAX, one row per batch */
    struct rs_queue idle, to_commit, to_sign;
    pthread_t signers[THREADS_MAX];
    pthread_t committer;
    unsigned thread_count;
    atomic_int failed; /* the ledger or the socket broke: nothing more is accepted */
    struct rs_err why; /* written by the committer before `failed` */
};

/* The queues have room for every batch and piece there is. */
static void
put_sure(struct rs_queue *q, void *item)
{
    if (!rs_queue_put(q, item))
        abort();
}

/* ---- Answers ------------------------------------------------------------------------------ */

struct answers {
    struct runner *r;
    struct proto_writer w;
    struct rs_buf message;
    uint8_t room[PROTO_MESSAGE_MAX];
};

static void
send_message(struct answers *a)
{
    struct rs_err err = {0};

    if (a->w.count == 0)
        return;
    proto_end(&a->w);
    if (rs_sock_send(a->r->fd, rs_buf_bytes(&a->message), &err) != RS_OK)
        atomic_store(&a->r->failed, 1);
    proto_begin(&a->w, &a->message);
}

static struct answers *
answers_new(struct runner *r)
{
    struct answers *a = malloc(sizeof(*a));

    if (a == NULL)
        return NULL;
    a->r = r;
    rs_buf_init_fixed(&a->message, a->room, sizeof(a->room));
    proto_begin(&a->w, &a->message);
    return a;
}

static void
put_answer(struct answers *a, const struct proto_item *item)
{
    if (proto_put(&a->w, item))
        return;
    send_message(a);
    if (!proto_put(&a->w, item))
        rs_log(RS_LOG_ERROR, "signer", "an answer does not fit a message", "type=%u",
               (unsigned)item->type);
}

static void
put_refused(struct answers *a, uint32_t seq, rs_code code, const char *text)
{
    struct proto_item item = {.type = PROTO_REFUSED, .seq = seq};
    char clean[240];
    size_t n = 0;

    for (; text[n] != '\0' && n < sizeof(clean) - 1; n++)
        clean[n] = text[n] >= 0x20 && text[n] != 0x7f ? text[n] : '?';
    clean[n] = '\0';
    item.as.refused.code = rs_bytes_str(rs_code_info(code)->name);
    item.as.refused.text = rs_bytes_str(clean);
    put_answer(a, &item);
}

static void
put_done(struct answers *a, uint32_t seq, uint64_t leaf, struct rs_bytes payload)
{
    struct proto_item item = {.type = PROTO_DONE, .seq = seq};

    item.as.done.leaf = leaf;
    item.as.done.payload = payload;
    put_answer(a, &item);
}

/* Anything larger than one item goes out in parts. */
static void
put_parts(struct answers *a, uint32_t seq, struct rs_bytes all)
{
    struct proto_item item = {.type = PROTO_PART, .seq = seq};
    size_t at = 0;

    item.as.part.total = all.len;
    do {
        size_t n = all.len - at < PROTO_PART_MAX ? all.len - at : PROTO_PART_MAX;
        item.as.part.offset = at;
        item.as.part.bytes = rs_bytes_of(all.p + at, n);
        put_answer(a, &item);
        at += n;
    } while (at < all.len);
}

static void
put_result(struct answers *a, uint32_t seq, rs_code rc, uint64_t leaf, const struct rs_err *err)
{
    if (rc == RS_OK)
        put_done(a, seq, leaf, (struct rs_bytes){NULL, 0});
    else
        put_refused(a, seq, rc, err->text);
}

/* ---- Signing threads -------------------------------------------------------------------------- */

static void
answer_job(struct answers *a, struct job *job)
{
    struct proto_item item = {.type = PROTO_ISSUED, .seq = job->item.seq};
    uint8_t room[CERT_BYTES_MAX];
    struct rs_err err = {0};
    struct rs_buf der;
    rs_code rc;

    if (job->answered)
        return;
    if (job->rc != RS_OK) {
        /* If the leaf stands, it is completed, or marked lost, at the next recovery. */
        put_refused(a, job->item.seq, job->rc, job->text);
        return;
    }
    if (job->item.type == PROTO_REVOKE) {
        put_done(a, job->item.seq, job->leaf, (struct rs_bytes){NULL, 0});
        return;
    }
    rs_buf_init_fixed(&der, room, sizeof(room));
    rc = signer_put_issued(job, &der, &err);
    if (rc != RS_OK) {
        put_refused(a, job->item.seq, rc, err.text);
        return;
    }
    item.as.issued.leaf = job->leaf;
    item.as.issued.der = rs_buf_bytes(&der);
    put_answer(a, &item);
}

static void *
sign_loop(void *arg)
{
    struct runner *r = arg;
    struct answers *a = answers_new(r);
    void *item;

    while (a != NULL && rs_queue_take(&r->to_sign, &item, 1) == 1) {
        struct piece *p = item;
        struct batch *b = p->batch;
        signer_sign_jobs(b->jobs + p->first, p->count);
        for (size_t i = 0; i < p->count; i++)
            answer_job(a, &b->jobs[p->first + i]);
        send_message(a);
        if (atomic_fetch_sub(&b->pieces_left, 1) == 1)
            put_sure(&r->idle, b);
    }
    free(a);
    return NULL;
}

/* Split a batch over the signing threads; short ones are not worth two wake-ups. */
static void
hand_to_signers(struct runner *r, struct batch *b)
{
    size_t row = (size_t)(b - r->batches) * THREADS_MAX;
    size_t parts = b->count >= 16 ? r->thread_count : 1, at = 0;

    atomic_store(&b->pieces_left, (unsigned)parts);
    for (size_t i = 0; i < parts; i++) {
        struct piece *p = &r->pieces[row + i];
        p->batch = b;
        p->first = at;
        p->count = b->count / parts + (i < b->count % parts);
        at += p->count;
        put_sure(&r->to_sign, p);
    }
}

/* ---- Committer: single operations ---------------------------------------------------------------- */

struct recover {
    struct runner *r;
    struct answers *a;
    uint32_t seq;
    uint64_t next;
    size_t left;
};

/* Sign a leaf's TBS again: same body, same serial, one certificate (L2). */
static void
complete(struct runner *r, const struct ledger_leaf *leaf, struct rs_buf *der)
{
    struct leaf_issued issued;
    struct issuer *issuer;

    if (leaf->type != LEDGER_ISSUED || leaf_issued_read(leaf->content, &issued, NULL) != RS_OK)
        return;
    if (rs_bytes_equal(issued.object, rs_bytes_str("ca"))) {
        /* A CA's certificate was kept as it was signed: others hold copies of those bytes. */
        issuer = signer_find_issuer(&r->signer, issued.tenant, issued.device);
        if (issuer != NULL)
            rs_buf_put(der, issuer->der, issuer->der_len);
        return;
    }
    issuer = signer_find_issuer(&r->signer, issued.tenant, issued.issuer);
    if (issuer == NULL || signer_finish_issue(issuer->key, issued.tbs, der, NULL) != RS_OK)
        rs_buf_reset(der);
}

static int
send_leaf(void *arg, const struct ledger_leaf *leaf)
{
    struct recover *rec = arg;
    struct proto_item item = {.type = PROTO_LEAF, .seq = rec->seq};
    uint8_t room[CERT_BYTES_MAX];
    struct rs_buf der;

    rs_buf_init_fixed(&der, room, sizeof(room));
    complete(rec->r, leaf, &der);
    item.as.leaf.index = leaf->index;
    item.as.leaf.type = (uint16_t)leaf->type;
    item.as.leaf.time_ms = leaf->time_ms;
    item.as.leaf.content = leaf->content;
    item.as.leaf.der = rs_buf_bytes(&der);
    put_answer(rec->a, &item);
    rec->next = leaf->index + 1;
    return --rec->left == 0;
}

static void
do_recover(struct runner *r, struct answers *a, const struct proto_item *in)
{
    size_t max = in->as.recover.max == 0 || in->as.recover.max > RECOVER_MAX ? RECOVER_MAX
                                                                             : in->as.recover.max;
    struct recover rec = {r, a, in->seq, in->as.recover.from, max};
    struct rs_err err = {0};
    rs_code rc = ledger_read(r->signer.ledger, in->as.recover.from, send_leaf, &rec, &err);

    put_result(a, in->seq, rc, rec.next, &err);
}

static void
do_crl(struct runner *r, struct answers *a, const struct proto_item *in)
{
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, (size_t)64 << 20);
    rc = signer_crl(&r->signer, &in->as.crl, &der, &err);
    if (rc == RS_OK)
        put_parts(a, in->seq, rs_buf_bytes(&der));
    else
        put_refused(a, in->seq, rc, err.text);
}

static void
do_checkpoint(struct runner *r, struct answers *a, const struct proto_item *in)
{
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf note;
    rs_buf_init(&note, 4096);
    rc = signer_checkpoint(&r->signer, 1, &note, &err);
    if (rc == RS_OK)
        put_parts(a, in->seq, rs_buf_bytes(&note));
    else
        put_refused(a, in->seq, rc, err.text);
}

/* Figures as a CBOR map: 1 size, 2 issued, 3 refused, 4 issuers, 5 orders, 6 officers, 7 epoch. */
static void
do_status(struct runner *r, struct answers *a, const struct proto_item *in)
{
    const struct signer *s = &r->signer;
    uint8_t room[256];
    struct rs_buf b;
    uint64_t figures[] = {
        s->state.next_index,    s->issued,     s->refused, s->issuer_count, s->state.order_count,
        s->state.officer_count, s->state.epoch};

    rs_buf_init_fixed(&b, room, sizeof(room));
    rs_cbor_put_map(&b, sizeof(figures) / sizeof(figures[0]));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        rs_cbor_put_uint(&b, i + 1);
        rs_cbor_put_uint(&b, figures[i]);
    }
    put_parts(a, in->seq, rs_buf_bytes(&b));
}

static rs_code
do_login(struct runner *r, const struct proto_note *m, uint64_t *ret_leaf, struct rs_err *err)
{
    struct leaf_note note = {.text = m->code, .number = m->count, .who = m->who};

    RS_AUTO(rs_buf_done) struct rs_buf content;
    rs_buf_init(&content, 2048);
    leaf_note_put(&content, &note);
    return signer_commit_one(&r->signer, LEDGER_LOGIN, rs_buf_bytes(&content), ret_leaf, err);
}

static rs_code
do_refusal(struct runner *r, const struct proto_note *m)
{
    char code[96], text[240];
    const struct rs_code_info *info;
    size_t n = m->code.len < sizeof(code) ? m->code.len : sizeof(code) - 1;
    size_t t = m->text.len < sizeof(text) ? m->text.len : sizeof(text) - 1;

    memcpy(code, m->code.len ? m->code.p : (const uint8_t *)"", n);
    code[n] = '\0';
    memcpy(text, m->text.len ? m->text.p : (const uint8_t *)"", t);
    text[t] = '\0';
    info = rs_code_find(code);
    if (info != NULL)
        signer_note_refusal(&r->signer, info->code, m->who, text, m->count, m->first_ms,
                            m->last_ms);
    return RS_OK;
}

static void
do_single(struct runner *r, struct answers *a, struct job *job)
{
    struct proto_item *in = &job->item;
    struct rs_err err = {0};
    uint8_t proof[32];
    uint64_t leaf = 0;
    rs_code rc = RS_OK;

    job->answered = 1;
    switch ((int)in->type) {
    case PROTO_CRL:
        do_crl(r, a, in);
        return;
    case PROTO_RECOVER:
        do_recover(r, a, in);
        return;
    case PROTO_CHECKPOINT:
        do_checkpoint(r, a, in);
        return;
    case PROTO_STATUS:
        do_status(r, a, in);
        return;
    case PROTO_DOCUMENT:
        rc = signer_document(&r->signer, &in->as.document, &leaf, &err);
        break;
    case PROTO_CLAIM:
        rc = signer_claim(&r->signer, &in->as.claim, &leaf, proof, &err);
        if (rc == RS_OK) {
            put_done(a, in->seq, leaf, RS_BYTES(proof));
            return;
        }
        break;
    case PROTO_BOOTSTRAP:
        rc = signer_bootstrap(&r->signer, &in->as.bootstrap, &err);
        leaf = r->signer.state.next_index;
        break;
    case PROTO_SEEN:
        rc = ledger_check_seen(r->signer.ledger, in->as.seen.note, &err);
        break;
    case PROTO_REFUSAL:
        rc = do_refusal(r, &in->as.note);
        break;
    case PROTO_LOGIN:
        rc = do_login(r, &in->as.note, &leaf, &err);
        break;
    default:
        rc = rs_fail(&err, RS_E_SIGNER_PROTOCOL, "signer protocol: type %u has no handler",
                     (unsigned)in->type);
    }
    if (rc != RS_OK)
        signer_note_refusal(&r->signer, rc, rs_bytes_str("front"), err.text, 1, rs_now_ms(),
                            rs_now_ms());
    put_result(a, in->seq, rc, leaf, &err);
}

/* ---- Committer: batches ----------------------------------------------------------------------------- */

/* The leaves that are being gathered, and the jobs that they belong to. */
struct gather {
    struct rs_buf contents;
    struct ledger_leaf leaves[LEDGER_BATCH_MAX];
    size_t starts[LEDGER_BATCH_MAX + 1];
    struct job *jobs[LEDGER_BATCH_MAX];
    size_t count;
};

static void
broken(struct runner *r, const struct rs_err *err)
{
    r->why = *err;
    atomic_store(&r->failed, 1);
    rs_log_err(RS_LOG_ERROR, "signer", "stopping: nothing more can be recorded", err);
    (void)shutdown(r->fd, SHUT_RDWR);
}

/* Append what was gathered; every job then knows its leaf. */
static void
flush_gathered(struct runner *r, struct gather *g)
{
    struct rs_err err = {0};

    if (g->count == 0)
        return;
    for (size_t i = 0; i < g->count; i++)
        g->leaves[i].content =
            rs_bytes_of(g->contents.p + g->starts[i], g->starts[i + 1] - g->starts[i]);
    if (signer_commit(&r->signer, g->leaves, g->count, &err) != RS_OK) {
        for (size_t i = 0; i < g->count; i++)
            signer_refuse_job(g->jobs[i], &err);
        broken(r, &err);
    } else {
        rs_inject_mark("issue-synced"); /* in the ledger; nothing is signed yet */
    }
    for (size_t i = 0; i < g->count; i++)
        g->jobs[i]->leaf = g->leaves[i].index;
    r->signer.issued += g->count;
    g->count = 0;
    rs_buf_reset(&g->contents);
}

static void
gather_job(struct runner *r, struct gather *g, struct job *job, int64_t now_ms)
{
    struct rs_err err = {0};
    size_t start = g->contents.len;
    int issue = job->item.type == PROTO_ISSUE;

    if (issue)
        job->rc = signer_prepare_issue(&r->signer, job, now_ms, &g->contents, &err);
    else
        job->rc =
            signer_prepare_revoke(&r->signer, &job->item.as.revoke, now_ms, &g->contents, &err);
    if (job->rc == RS_OK && !rs_buf_ok(&g->contents))
        job->rc = rs_fail(&err, RS_E_NO_MEMORY, "leaf");
    if (job->rc != RS_OK) {
        struct rs_bytes who = issue ? job->item.as.issue.who : job->item.as.revoke.who;
        g->contents.len = start;
        g->contents.failed = 0;
        memcpy(job->text, err.text, sizeof(job->text));
        signer_note_refusal(&r->signer, job->rc, who, err.text, 1, now_ms, now_ms);
        return;
    }
    g->starts[g->count] = start;
    g->starts[g->count + 1] = g->contents.len;
    g->leaves[g->count] =
        (struct ledger_leaf){.type = issue ? LEDGER_ISSUED : LEDGER_REVOKED, .time_ms = now_ms};
    g->jobs[g->count++] = job;
}

/* Two revocations of one serial in one batch: the second must see the first. */
static void
commit_batch(struct runner *r, struct gather *g, struct batch *b, struct answers *a)
{
    struct rs_err err = {0};
    int64_t now_ms = 0;
    rs_code rc = signer_now(&r->signer, &now_ms, &err);

    for (size_t i = 0; i < b->count; i++) {
        struct job *job = &b->jobs[i];
        if (atomic_load(&r->failed))
            (void)rs_fail(&err, RS_E_SIGNER_AWAY, "the signer is stopping");
        if (rc != RS_OK || err.code != RS_OK) {
            signer_refuse_job(job, &err);
            continue;
        }
        if (job->item.type == PROTO_ISSUE) {
            gather_job(r, g, job, now_ms);
            continue;
        }
        flush_gathered(r, g);
        if (job->item.type == PROTO_REVOKE) {
            gather_job(r, g, job, now_ms);
            flush_gathered(r, g);
        } else {
            do_single(r, a, job);
        }
    }
}

static void
keep_house(struct runner *r)
{
    struct rs_err err = {0};

    if (r->signer.stuck != RS_OK) {
        (void)rs_fail(&err, r->signer.stuck, "a leaf was not recorded");
        broken(r, &err);
        return;
    }
    if (signer_flush_refusals(&r->signer, 0, &err) != RS_OK ||
        signer_checkpoint(&r->signer, 0, NULL, &err) != RS_OK)
        broken(r, &err);
}

static void *
commit_loop(void *arg)
{
    struct runner *r = arg;
    struct answers *a = answers_new(r);
    struct gather *g = calloc(1, sizeof(*g));
    void *items[COMMIT_MAX];
    size_t n;

    if (a == NULL || g == NULL)
        abort();
    rs_buf_init(&g->contents, (size_t)LEDGER_BATCH_MAX * LEDGER_CONTENT_MAX);
    while ((n = rs_queue_take(&r->to_commit, items, COMMIT_MAX)) > 0) {
        for (size_t i = 0; i < n; i++)
            commit_batch(r, g, items[i], a);
        flush_gathered(r, g);
        send_message(a);
        for (size_t i = 0; i < n; i++)
            hand_to_signers(r, items[i]);
        if (!atomic_load(&r->failed))
            keep_house(r);
    }
    rs_buf_done(&g->contents);
    free(g);
    free(a);
    return NULL;
}

/* ---- Receiver ------------------------------------------------------------------------------------------ */

static rs_code
parse_batch(struct batch *b, size_t len, struct rs_err *err)
{
    struct proto_reader reader;
    int more = 1;
    rs_code rc = proto_open(&reader, rs_bytes_of(b->message, len), 1, err);

    b->count = 0;
    while (rc == RS_OK) {
        struct job *job = &b->jobs[b->count];
        rc = proto_next(&reader, &job->item, &more, err);
        if (rc != RS_OK || !more)
            break;
        job->rc = RS_OK;
        job->answered = 0;
        job->tbs = (struct rs_bytes){NULL, 0};
        if (job->item.type == PROTO_HELLO)
            rc = rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: HELLO again");
        b->count++;
    }
    return rc;
}

static rs_code
receive_loop(struct runner *r, struct rs_err *err)
{
    for (;;) {
        void *item;
        size_t len = 0;
        rs_code rc;

        if (rs_queue_take(&r->idle, &item, 1) != 1)
            return RS_OK;
        struct batch *b = item;
        rc = rs_sock_receive(r->fd, b->message, sizeof(b->message), -1, &len, err);
        if (rc == RS_OK && len > 0)
            rc = parse_batch(b, len, err);
        if (rc != RS_OK || len == 0 || atomic_load(&r->failed))
            return rc;
        put_sure(&r->to_commit, b);
    }
}

/* ---- Hello ------------------------------------------------------------------------------------------------ */

static void
say_ready(struct runner *r, uint32_t seq)
{
    struct proto_item item = {.type = PROTO_READY, .seq = seq};
    struct proto_ready *m = &item.as.ready;
    struct ledger_head head;
    struct answers *a = answers_new(r);

    if (a == NULL)
        abort();
    ledger_get_head(r->signer.ledger, &head);
    m->version = PROTO_VERSION;
    m->epoch = r->signer.state.epoch;
    m->signer_id = 1;
    m->size = head.size;
    m->root = RS_BYTES(head.root);
    m->installation = rs_bytes_str(r->signer.state.installation);
    m->production = (uint8_t)r->signer.state.production;
    m->issuers = (uint32_t)r->signer.issuer_count;
    m->officers = (uint32_t)r->signer.state.officer_count;
    m->ledger_key = RS_BYTES(r->signer.ledger_pub);
    put_answer(a, &item);
    send_message(a);
    free(a);
}

static void
say_refused(struct runner *r, uint32_t seq, const struct rs_err *why)
{
    struct answers *a = answers_new(r);

    if (a == NULL)
        return;
    put_refused(a, seq, why->code, why->text);
    send_message(a);
    free(a);
}

static rs_code
take_hello(struct runner *r, uint32_t *ret_seq, struct rs_err *err)
{
    struct batch *b = &r->batches[0];
    struct proto_reader reader;
    struct proto_item item = {0};
    size_t len = 0;
    int more = 0;
    rs_code rc;

    rc = rs_sock_receive(r->fd, b->message, sizeof(b->message), -1, &len, err);
    if (rc == RS_OK && len == 0)
        rc = rs_fail(err, RS_E_SIGNER_AWAY, "the front went away before HELLO");
    if (rc == RS_OK)
        rc = proto_open(&reader, rs_bytes_of(b->message, len), 1, err);
    if (rc == RS_OK)
        rc = proto_next(&reader, &item, &more, err);
    if (rc == RS_OK &&
        (!more || item.type != PROTO_HELLO || item.as.hello.version != PROTO_VERSION))
        rc = rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: HELLO of version %u expected",
                     PROTO_VERSION);
    *ret_seq = item.seq;
    return rc;
}

/* ---- The whole ------------------------------------------------------------------------------------------------ */

static rs_code
make_room(struct runner *r, struct rs_err *err)
{
    rs_code rc;

    r->batches = calloc(BATCHES, sizeof(*r->batches));
    r->pieces = calloc((size_t)BATCHES * THREADS_MAX, sizeof(*r->pieces));
    if (r->batches == NULL || r->pieces == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "signer");
    rc = rs_queue_init(&r->idle, BATCHES, err);
    if (rc == RS_OK)
        rc = rs_queue_init(&r->to_commit, BATCHES, err);
    if (rc == RS_OK)
        rc = rs_queue_init(&r->to_sign, (size_t)BATCHES * THREADS_MAX, err);
    for (size_t i = 0; i < BATCHES && rc == RS_OK; i++)
        put_sure(&r->idle, &r->batches[i]);
    return rc;
}

static rs_code
start_threads(struct runner *r, struct rs_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned want = r->signer.config.threads != 0 ? r->signer.config.threads
                    : cores > 0                   ? (unsigned)cores
                                                  : 1;

    if (want > THREADS_MAX)
        want = THREADS_MAX;
    if (pthread_create(&r->committer, NULL, commit_loop, r) != 0)
        return rs_fail(err, RS_E_NO_MEMORY, "cannot start a thread");
    for (r->thread_count = 0; r->thread_count < want; r->thread_count++) {
        if (pthread_create(&r->signers[r->thread_count], NULL, sign_loop, r) != 0)
            abort();
    }
    return RS_OK;
}

static void
stop_threads(struct runner *r)
{
    rs_queue_close(&r->to_commit);
    (void)pthread_join(r->committer, NULL);
    rs_queue_close(&r->to_sign);
    for (unsigned i = 0; i < r->thread_count; i++)
        (void)pthread_join(r->signers[i], NULL);
}

static rs_code
serve(struct runner *r, struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code rc = start_threads(r, err);

    if (rc != RS_OK)
        return rc;
    rc = receive_loop(r, &why);
    stop_threads(r);
    if (atomic_load(&r->failed) && r->why.code != RS_OK) {
        *err = r->why;
        return r->why.code;
    }
    if (rc != RS_OK)
        rs_log_err(RS_LOG_WARN, "signer", "the front's connection ended badly", &why);
    rc = signer_flush_refusals(&r->signer, 1, err);
    if (rc == RS_OK)
        rc = signer_checkpoint(&r->signer, 1, NULL, err);
    return rc;
}

/* The ledger is read while the front still opens its store: HELLO waits in the socket. */
static rs_code
open_and_greet(struct runner *r, const struct signer_config *config, struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code opened = signer_start(&r->signer, config, &why), rc;
    uint32_t seq = 0;

    rc = take_hello(r, &seq, err);
    if (rc != RS_OK)
        return rc;
    if (opened == RS_OK) {
        say_ready(r, seq);
    } else {
        say_refused(r, seq, &why);
        *err = why;
    }
    return opened;
}

rs_code
signer_run(const struct signer_config *config, int fd, struct rs_err *err)
{
    struct runner *r = calloc(1, sizeof(*r));
    rs_code rc;

    if (r == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "signer");
    r->fd = fd;
    rc = make_room(r, err);
    if (rc == RS_OK)
        rc = open_and_greet(r, config, err);
    if (rc == RS_OK)
        rc = serve(r, err);
    signer_stop(&r->signer);
    rs_queue_done(&r->idle);
    rs_queue_done(&r->to_commit);
    rs_queue_done(&r->to_sign);
    free(r->batches);
    free(r->pieces);
    free(r);
    return rc;
}

rs_code
signer_make_claim(const struct signer_config *config, const uint8_t key[32], int64_t until,
                  struct rs_err *err)
{
    struct signer s;
    rs_code rc = signer_start(&s, config, err);

    if (rc == RS_OK)
        rc = signer_new_claim(&s, key, until, err);
    if (rc == RS_OK)
        rc = signer_checkpoint(&s, 1, NULL, err);
    signer_stop(&s);
    return rc;
}
