/*
 * thread.h: a bounded queue between threads, taken in batches.
 *
 * The pattern of the hot path: "take whatever has queued while the last batch
 * ran", never wait for a batch to fill.  Items are pointers that the queue
 * does not own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

#include "base/err.h"

struct rs_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **ring;
    size_t cap, head, count;
    int closed;
};

RS_MUST_USE rs_code rs_queue_init(struct rs_queue *q, size_t cap, struct rs_err *err);
void rs_queue_done(struct rs_queue *q);
/* 0 when full or closed: the caller answers "busy". */
RS_MUST_USE int rs_queue_put(struct rs_queue *q, void *item);
/* Waits for at least one item, takes up to max; 0 when closed and empty. */
size_t rs_queue_take(struct rs_queue *q, void **items, size_t max);
/*
 * The same, but lets whoever is ready to run have its turn first: under load those who are
 * about to put do so, and what comes back is a batch.  On an idle machine it costs nothing.
 */
size_t rs_queue_take_batch(struct rs_queue *q, void **items, size_t max);
/* The same without waiting. */
size_t rs_queue_take_now(struct rs_queue *q, void **items, size_t max);
size_t rs_queue_count(struct rs_queue *q);
/* Takers wake up; puts fail from now on. */
void rs_queue_close(struct rs_queue *q);

#endif /* BASE_THREAD_H */
