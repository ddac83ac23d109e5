/*
 * thread.c: the bounded queue.  See thread.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/thread.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

rs_code
rs_queue_init(struct rs_queue *q, size_t cap, struct rs_err *err)
{
    memset(q, 0, sizeof(*q));
    if (cap == 0)
        return rs_fail(err, RS_E_INTERNAL, "a queue without room");
    q->ring = calloc(cap, sizeof(*q->ring));
    if (q->ring == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "queue of %zu", cap);
    q->cap = cap;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->filled, NULL);
    return RS_OK;
}

void
rs_queue_done(struct rs_queue *q)
{
    if (q == NULL || q->ring == NULL)
        return;
    free(q->ring);
    q->ring = NULL;
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->filled);
}

int
rs_queue_put(struct rs_queue *q, void *item)
{
    int done = 0;

    (void)pthread_mutex_lock(&q->lock);
    if (!q->closed && q->count < q->cap) {
        q->ring[(q->head + q->count) % q->cap] = item;
        q->count++;
        done = 1;
        if (q->count == 1)
            (void)pthread_cond_signal(&q->filled);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return done;
}

/* The lock is held. */
static size_t
take(struct rs_queue *q, void **items, size_t max)
{
    size_t n = q->count < max ? q->count : max;

    for (size_t i = 0; i < n; i++)
        items[i] = q->ring[(q->head + i) % q->cap];
    q->head = (q->head + n) % q->cap;
    q->count -= n;
    if (q->count > 0)
        (void)pthread_cond_signal(&q->filled); /* another taker may go on with the rest */
    return n;
}

size_t
rs_queue_take(struct rs_queue *q, void **items, size_t max)
{
    size_t n;

    (void)pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed)
        (void)pthread_cond_wait(&q->filled, &q->lock);
    n = take(q, items, max);
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

size_t
rs_queue_take_batch(struct rs_queue *q, void **items, size_t max)
{
    size_t n;
    int closed;

    do {
        (void)pthread_mutex_lock(&q->lock);
        while (q->count == 0 && !q->closed)
            (void)pthread_cond_wait(&q->filled, &q->lock);
        (void)pthread_mutex_unlock(&q->lock);
        (void)sched_yield();
        (void)pthread_mutex_lock(&q->lock);
        n = take(q, items, max); /* nothing, if another taker was faster */
        closed = q->closed;
        (void)pthread_mutex_unlock(&q->lock);
    } while (n == 0 && !closed);
    return n;
}

size_t
rs_queue_take_now(struct rs_queue *q, void **items, size_t max)
{
    size_t n;

    (void)pthread_mutex_lock(&q->lock);
    n = take(q, items, max);
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

size_t
rs_queue_count(struct rs_queue *q)
{
    size_t n;

    (void)pthread_mutex_lock(&q->lock);
    n = q->count;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

void
rs_queue_close(struct rs_queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = 1;
    (void)pthread_cond_broadcast(&q->filled);
    (void)pthread_mutex_unlock(&q->lock);
}
