/*
 * writer.c: the one thread that writes to the store.
 *
 * It takes whatever has queued while the last transaction ran, commits the
 * certificates of the batch in one transaction, and answers after that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/log.h"
#include "pki/inner.h"

#define QUEUE_MAX  8192
#define MARK_EVERY 8 /* transactions between two watermarks: what a start reads again */

static void
finish(struct work *w)
{
    struct pending *p = w->pending;
    rs_code rc = p->record.result;
    struct rs_err err = {0};

    if (rc != RS_OK)
        (void)rs_fail(&err, rc, "%s", rs_code_info(rc)->title);
    pending_leave(p);
    pending_answer(p, rc, &p->record.cert, rc == RS_OK ? NULL : &err);
    pending_free(p);
    free(w);
}

static void
fail(struct work *w, rs_code rc, const struct rs_err *err)
{
    pki_owe(w->pending->pki, w->pending->leaf_floor);
    pending_leave(w->pending);
    pending_answer(w->pending, rc, NULL, err);
    pending_free(w->pending);
    free(w);
}

/* The leaves stand in the ledger: what a failed transaction leaves out is taken over later. */
static void
commit(struct pki *pki, struct work **list, size_t count)
{
    struct store_issue *items = calloc(count, sizeof(*items));
    struct rs_err err = {0};
    rs_code rc = RS_E_NO_MEMORY;

    if (items != NULL) {
        for (size_t i = 0; i < count; i++)
            items[i] = list[i]->pending->record;
        rs_inject_mark("issue-recording"); /* signed; not in the store */
        rc = store_commit_issued(pki->writer_store, items, count, &err);
        if (rc == RS_OK)
            rs_inject_mark("issue-recorded"); /* in the store; not answered */
    }
    for (size_t i = 0; i < count; i++) {
        if (rc == RS_OK) {
            list[i]->pending->record.result = items[i].result;
            finish(list[i]);
        } else {
            fail(list[i], rc, &err);
        }
    }
    if (rc != RS_OK)
        rs_log_err(RS_LOG_ERROR, "store", "a batch was not recorded", &err);
    free(items);
}

static void
run_one(struct pki *pki, struct work *w)
{
    rs_code rc = w->fn(pki->writer_store, w->arg, w->err);

    catalog_raise(&pki->catalog); /* whatever it was and however it ended; before it is answered */
    (void)pthread_mutex_lock(&w->lock);
    w->rc = rc;
    w->finished = 1;
    (void)pthread_cond_signal(&w->done);
    (void)pthread_mutex_unlock(&w->lock);
}

static void
raise_watermark(struct pki *pki)
{
    uint64_t mark = pki_safe_watermark(pki);
    struct rs_err err = {0};

    if (mark <= pki->watermark)
        return;
    if (store_set_next_leaf(pki->writer_store, pki->config.signer_id, mark, &err) == RS_OK)
        pki->watermark = mark;
}

static void
do_batch(struct pki *pki, void **items, size_t n)
{
    struct work *issued[PKI_BATCH_MAX];
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        struct work *w = items[i];
        if (w->kind == WORK_ISSUED) {
            issued[count++] = w;
            continue;
        }
        if (count > 0)
            commit(pki, issued, count);
        count = 0;
        run_one(pki, w);
    }
    if (count > 0)
        commit(pki, issued, count);
}

static void *
write_loop(void *arg)
{
    struct pki *pki = arg;
    void *items[PKI_BATCH_MAX];
    unsigned since_mark = 0;
    size_t n;

    while ((n = rs_queue_take_batch(&pki->to_write, items, PKI_BATCH_MAX)) > 0) {
        do_batch(pki, items, n);
        if (++since_mark >= MARK_EVERY) {
            raise_watermark(pki);
            since_mark = 0;
        }
    }
    raise_watermark(pki);
    return NULL;
}

rs_code
writer_start(struct pki *pki, struct rs_err *err)
{
    rs_code rc = rs_queue_init(&pki->to_write, QUEUE_MAX, err);

    if (rc == RS_OK && pthread_create(&pki->writer, NULL, write_loop, pki) != 0)
        rc = rs_fail(err, RS_E_NO_MEMORY, "cannot start a thread");
    return rc;
}

void
writer_stop(struct pki *pki)
{
    rs_queue_close(&pki->to_write);
    (void)pthread_join(pki->writer, NULL);
    rs_queue_done(&pki->to_write);
}

int
writer_put(struct pki *pki, struct work *work)
{
    return rs_queue_put(&pki->to_write, work);
}

rs_code
pki_write(struct pki *pki, rs_code (*fn)(struct store *store, void *arg, struct rs_err *err),
          void *arg, struct rs_err *err)
{
    struct work w = {.kind = WORK_RUN,
                     .fn = fn,
                     .arg = arg,
                     .err = err,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .done = PTHREAD_COND_INITIALIZER};

    if (!writer_put(pki, &w))
        return rs_fail(err, RS_E_REQUEST_LIMIT, "too many writes wait");
    (void)pthread_mutex_lock(&w.lock);
    while (!w.finished)
        (void)pthread_cond_wait(&w.done, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    return w.rc;
}
