/*
 * ocsp_ready.c: see ocsp_ready.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/ocsp_ready.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"

void
ready_init(struct ready_table *t)
{
    memset(t, 0, sizeof(*t));
    (void)pthread_mutex_init(&t->lock, NULL);
}

void
ready_done(struct ready_table *t)
{
    for (size_t i = 0; i < READY_ENTRIES; i++)
        ready_drop(t->entries[i]);
    (void)pthread_mutex_destroy(&t->lock);
}

struct ready *
ready_new(struct rs_bytes request, struct rs_bytes response)
{
    struct ready *r;

    if (request.len == 0 || request.len > READY_REQUEST_MAX || response.len == 0 ||
        response.len > READY_RESPONSE_MAX)
        return NULL;
    r = calloc(1, sizeof(*r) + request.len + response.len);
    if (r == NULL)
        return NULL;
    atomic_init(&r->count, 1);
    memcpy(r->bytes, request.p, request.len);
    memcpy(r->bytes + request.len, response.p, response.len);
    r->request = rs_bytes_of(r->bytes, request.len);
    r->response = rs_bytes_of(r->bytes + request.len, response.len);
    return r;
}

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static void
put_date(int64_t seconds, char out[32])
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began on a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day = seconds / 86400;
    struct rs_utc t;

    rs_utc_from_time(seconds, &t);
    (void)snprintf(out, 32, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + day % 7 * 3, t.day,
                   months + (t.month - 1) * 3, t.year, t.hour, t.minute, t.second);
}

/* RFC 5019 5.2 */
void
ready_describe(struct ready *r)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char hex[41];

    crypto_sha256(r->response, hash);
    rs_hex(rs_bytes_of(hash, 20), hex, sizeof(hex));
    (void)snprintf(r->etag, sizeof(r->etag), "\"%s\"", hex);
    put_date(r->from, r->modified);
    put_date(r->until, r->expires);
}

void
ready_drop(struct ready *r)
{
    if (r != NULL && atomic_fetch_sub(&r->count, 1) == 1)
        free(r);
}

static struct ready **
row_of(struct ready_table *t, struct rs_bytes request)
{
    size_t at = rs_crc32c(0, request);

    return &t->entries[at % (READY_ENTRIES / READY_WAYS) * READY_WAYS];
}

struct ready *
ready_find(struct ready_table *t, struct rs_bytes request, int64_t now)
{
    struct ready **row = row_of(t, request), *found = NULL;

    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < READY_WAYS && found == NULL; i++) {
        if (row[i] != NULL && rs_bytes_equal(row[i]->request, request))
            found = row[i];
    }
    /* A clock that was put back must not serve what is signed in its future. */
    if (found != NULL && (now < found->from || now >= found->renew_at))
        found = NULL;
    if (found != NULL)
        (void)atomic_fetch_add(&found->count, 1);
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}

/* That of the same request, a free one, or the one that ends first. */
static struct ready **
place_in(struct ready **row, struct rs_bytes request)
{
    struct ready **best = row;

    for (size_t i = 0; i < READY_WAYS; i++) {
        if (row[i] != NULL && rs_bytes_equal(row[i]->request, request))
            return &row[i];
    }
    for (size_t i = 0; i < READY_WAYS; i++) {
        if (row[i] == NULL)
            return &row[i];
        if (row[i]->until < (*best)->until)
            best = &row[i];
    }
    return best;
}

void
ready_keep(struct ready_table *t, struct ready *r)
{
    struct ready **place, *old;

    (void)atomic_fetch_add(&r->count, 1);
    (void)pthread_mutex_lock(&t->lock);
    place = place_in(row_of(t, r->request), r->request);
    old = *place;
    *place = r;
    (void)pthread_mutex_unlock(&t->lock);
    ready_drop(old);
}
