/*
 * post.c: reports to the server, each exactly once.
 *
 * Reports are numbered without gaps and stay in the journal until the server
 * says which number it wants next; what it already has it ignores.  A server
 * that has more than this journal ever wrote means that the journal is an old
 * copy: the station stops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "station/station_inner.h"

#define BATCH_MAX     64
#define BODY_MAX      (1u << 20)
#define PAUSE_FIRST_S 1u
#define PAUSE_MAX_S   30u

/* The next batch as a body; *ret_first is 0 when there is none. */
static void
put_batch(struct station *st, struct rs_buf *body, uint64_t *ret_first)
{
    const struct memory_report *r;
    size_t n = 0;

    *ret_first = 0;
    (void)pthread_mutex_lock(&st->lock);
    rs_buf_put_str(body, "{\"items\":[");
    for (r = memory_reports(st->memory); r != NULL && n < BATCH_MAX; r = r->next) {
        if (n++ == 0)
            *ret_first = r->number;
        else
            rs_buf_put_str(body, ",");
        rs_buf_put(body, r->json, r->json_len);
    }
    rs_buf_put_str(body, "]}");
    (void)pthread_mutex_unlock(&st->lock);
}

static rs_code
take_answer(struct station *st, const struct web_reply *reply, uint64_t first, struct rs_err *err)
{
    struct journal_record record = {.type = JOURNAL_POSTED};
    int64_t next = 0;
    uint64_t ours;
    RS_AUTO(rs_json_done) json_t *j = NULL;
    rs_code rc = rs_json_read(rs_buf_bytes(&reply->body), &j, err);

    if (rc == RS_OK)
        rc = rs_json_int(j, "next_seq", 1, INT64_MAX, &next, err);
    if (rc != RS_OK)
        return rc;
    (void)pthread_mutex_lock(&st->lock);
    ours = memory_next_report(st->memory);
    (void)pthread_mutex_unlock(&st->lock);
    if ((uint64_t)next > ours)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED,
                       "the server has report %lld, this journal ends at %llu: it is an old copy",
                       (long long)next - 1, (unsigned long long)ours - 1);
    if ((uint64_t)next < first)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED,
                       "the server wants report %lld again, the journal says it was taken",
                       (long long)next);
    record.board = (uint64_t)next;
    return station_note(st, &record, 0, err);
}

static rs_code
post_batch(struct station *st, struct web *web, const struct rs_buf *body, uint64_t first,
           struct rs_err *err)
{
    struct web_request ask = {.method = "POST",
                              .path = "/station/v1/boards",
                              .type = "application/json",
                              .body = rs_buf_bytes(body)};
    uint64_t start_us = rs_mono_us();
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    rc = web_call(web, &ask, &reply, err);
    (void)pthread_mutex_lock(&st->lock);
    st->server_ok = rc == RS_OK;
    st->server_ms = (int64_t)(rs_mono_us() - start_us) / 1000;
    (void)pthread_mutex_unlock(&st->lock);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    return rc == RS_OK ? take_answer(st, &reply, first, err) : rc;
}

rs_code
post_reports(struct station *st, struct web *web, struct rs_err *err)
{
    uint64_t first = 1;
    rs_code rc = RS_OK;

    while (rc == RS_OK) {
        RS_AUTO(rs_buf_done) struct rs_buf body = {0};
        rs_buf_init(&body, BODY_MAX);
        put_batch(st, &body, &first);
        if (first == 0)
            return RS_OK;
        if (!rs_buf_ok(&body))
            return rs_fail(err, RS_E_NO_MEMORY, "reports: no memory");
        rc = post_batch(st, web, &body, first, err);
    }
    return rc;
}

/* Wait until there is something, or for a while after a failure; 0 when it is time to leave. */
static int
wait_for_work(struct station *st, unsigned pause_s)
{
    struct timespec until;
    uint64_t end_us = rs_mono_us() + (uint64_t)pause_s * 1000000u;
    int leave;

    (void)pthread_mutex_lock(&st->lock);
    while (!st->poster_leaves &&
           (pause_s > 0 ? rs_mono_us() < end_us : memory_reports(st->memory) == NULL)) {
        if (pause_s == 0) {
            (void)pthread_cond_wait(&st->changed, &st->lock);
            continue;
        }
        until.tv_sec = (time_t)(end_us / 1000000u);
        until.tv_nsec = (long)(end_us % 1000000u) * 1000;
        (void)pthread_cond_clockwait(&st->changed, &st->lock, CLOCK_MONOTONIC, &until);
    }
    leave = st->poster_leaves;
    (void)pthread_mutex_unlock(&st->lock);
    return !leave;
}

void *
post_thread(void *arg)
{
    struct station *st = arg;
    unsigned pause_s = 0;

    while (wait_for_work(st, pause_s)) {
        struct rs_err err = {0};
        rs_code rc = post_reports(st, st->poster_web, &err);

        if (rc == RS_OK) {
            pause_s = 0;
            continue;
        }
        if (rc == RS_E_JOURNAL_DAMAGED)
            station_stop(st, rc, err.text);
        pause_s = pause_s == 0 ? PAUSE_FIRST_S : pause_s * 2;
        pause_s = pause_s > PAUSE_MAX_S ? PAUSE_MAX_S : pause_s;
    }
    return NULL;
}
