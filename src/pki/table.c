/*
 * table.c: what is in flight between the checks and the store.
 *
 * Identical requests join the one that is under way; a second request for the
 * same key by somebody else is refused before it costs anything (L8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/inner.h"

#define ARENA_MAX 65536

static size_t
bucket(const uint8_t hash[32])
{
    return rs_get_u32(hash) % PKI_PENDING_BUCKETS;
}

struct pending *
pending_new(struct pki *pki)
{
    struct pending *p = calloc(1, sizeof(*p));

    if (p != NULL) {
        p->pki = pki;
        rs_arena_init(&p->arena, ARENA_MAX);
    }
    return p;
}

void
pending_free(struct pending *p)
{
    while (p->waiters != NULL) {
        struct waiter *w = p->waiters;
        p->waiters = w->next;
        free(w);
    }
    rs_arena_done(&p->arena);
    free(p);
}

static int
add_waiter(struct pending *p, pki_issued_fn done, void *arg)
{
    struct waiter *w = malloc(sizeof(*w));

    if (w == NULL)
        return 0;
    w->done = done;
    w->arg = arg;
    w->next = p->waiters;
    p->waiters = w;
    return 1;
}

static struct pending *
find_request(struct pki *pki, const uint8_t id[32])
{
    struct pending *p = pki->by_request[bucket(id)];

    while (p != NULL && memcmp(p->request_id, id, 32) != 0)
        p = p->by_request;
    return p;
}

static struct pending *
find_key(struct pki *pki, const uint8_t hash[32])
{
    struct pending *p = pki->by_key[bucket(hash)];

    while (p != NULL && memcmp(p->key_hash, hash, 32) != 0)
        p = p->by_key;
    return p;
}

static void
link_all(struct pki *pki, struct pending *p)
{
    size_t r = bucket(p->request_id), k = bucket(p->key_hash);

    p->by_request = pki->by_request[r];
    pki->by_request[r] = p;
    p->by_key = pki->by_key[k];
    pki->by_key[k] = p;
    p->leaf_floor = pki->highest_leaf;
    p->older = pki->newest;
    if (pki->newest != NULL)
        pki->newest->newer = p;
    else
        pki->oldest = p;
    pki->newest = p;
}

rs_code
pending_enter(struct pending *p, pki_issued_fn done, void *arg, int *ret_same, struct rs_err *err)
{
    struct pki *pki = p->pki;
    struct pending *same, *other;
    rs_code rc = RS_OK;

    *ret_same = 0;
    (void)pthread_mutex_lock(&pki->lock);
    same = find_request(pki, p->request_id);
    if (same != NULL) {
        *ret_same = 1;
        if (!add_waiter(same, done, arg))
            rc = rs_fail(err, RS_E_NO_MEMORY, "request");
    } else if ((other = find_key(pki, p->key_hash)) != NULL) {
        (void)snprintf(p->other, sizeof(p->other), "%s", other->record.cert.device);
        rc = rs_fail(err, RS_E_KEY_UNIQUE, "key: it is being certified for another request");
    } else if (!add_waiter(p, done, arg)) {
        rc = rs_fail(err, RS_E_NO_MEMORY, "request");
    } else {
        link_all(pki, p);
    }
    (void)pthread_mutex_unlock(&pki->lock);
    return rc;
}

void
pending_leave(struct pending *p)
{
    struct pki *pki = p->pki;
    struct pending **at;

    (void)pthread_mutex_lock(&pki->lock);
    for (at = &pki->by_request[bucket(p->request_id)]; *at != p; at = &(*at)->by_request)
        continue;
    *at = p->by_request;
    for (at = &pki->by_key[bucket(p->key_hash)]; *at != p; at = &(*at)->by_key)
        continue;
    *at = p->by_key;
    if (p->older != NULL)
        p->older->newer = p->newer;
    else
        pki->oldest = p->newer;
    if (p->newer != NULL)
        p->newer->older = p->older;
    else
        pki->newest = p->older;
    (void)pthread_mutex_unlock(&pki->lock);
}

/* After pending_leave(): nobody can add a waiter any more. */
void
pending_answer(struct pending *p, rs_code rc, const struct store_cert *cert,
               const struct rs_err *err)
{
    for (struct waiter *w = p->waiters; w != NULL; w = w->next)
        w->done(w->arg, rc, cert, err);
}

int
pki_in_flight(struct pki *pki, struct rs_bytes request_id)
{
    int found;

    if (request_id.len != 32)
        return 0;
    (void)pthread_mutex_lock(&pki->lock);
    found = find_request(pki, request_id.p) != NULL;
    (void)pthread_mutex_unlock(&pki->lock);
    return found;
}

void
pki_saw_leaf(struct pki *pki, uint64_t leaf)
{
    (void)pthread_mutex_lock(&pki->lock);
    if (leaf + 1 > pki->highest_leaf)
        pki->highest_leaf = leaf + 1;
    (void)pthread_mutex_unlock(&pki->lock);
}

/* ---- What the store owes ------------------------------------------------------------ */

/*
 * The signer went away, or something broke behind it: whether the leaf was
 * written is not known here.  Until the ledger was read again, the same request
 * must not be signed a second time, and the watermark must not pass it.
 */
void
pki_owe(struct pki *pki, uint64_t leaf_floor)
{
    (void)pthread_mutex_lock(&pki->lock);
    if (leaf_floor < pki->owed_from)
        pki->owed_from = leaf_floor;
    pki->owed_count++;
    (void)pthread_mutex_unlock(&pki->lock);
}

void
pki_settle(struct pki *pki, uint64_t owed_count)
{
    (void)pthread_mutex_lock(&pki->lock);
    if (pki->owed_count == owed_count)
        pki->owed_from = UINT64_MAX;
    (void)pthread_mutex_unlock(&pki->lock);
}

int
pki_is_behind(struct pki *pki)
{
    int behind;

    (void)pthread_mutex_lock(&pki->lock);
    behind = pki->owed_from != UINT64_MAX;
    (void)pthread_mutex_unlock(&pki->lock);
    return behind;
}

void
pki_hold(struct pki *pki, struct hold *hold)
{
    (void)pthread_mutex_lock(&pki->lock);
    hold->leaf_floor = pki->highest_leaf;
    hold->next = pki->holds;
    pki->holds = hold;
    (void)pthread_mutex_unlock(&pki->lock);
}

void
pki_release(struct pki *pki, struct hold *hold)
{
    struct hold **at;

    (void)pthread_mutex_lock(&pki->lock);
    for (at = &pki->holds; *at != hold; at = &(*at)->next)
        continue;
    *at = hold->next;
    (void)pthread_mutex_unlock(&pki->lock);
}

/*
 * A request's leaf is written after the request was sent, so it lies above
 * every leaf that had been answered then.  The oldest request in flight bounds
 * what can be missing.
 */
uint64_t
pki_safe_watermark(struct pki *pki)
{
    uint64_t mark;

    (void)pthread_mutex_lock(&pki->lock);
    mark = pki->oldest != NULL ? pki->oldest->leaf_floor : pki->highest_leaf;
    for (const struct hold *h = pki->holds; h != NULL; h = h->next)
        mark = h->leaf_floor < mark ? h->leaf_floor : mark;
    if (mark > pki->owed_from)
        mark = pki->owed_from;
    (void)pthread_mutex_unlock(&pki->lock);
    return mark;
}
