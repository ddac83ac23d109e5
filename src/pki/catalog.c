/*
 * catalog.c: the documents that requests ask for, kept in memory.
 *
 * Every request of a device names the same few profiles, every board the same
 * order.  Reading them from the store costs a transaction and two joins each
 * time, for bytes that change when an officer approves something.
 *
 * What is kept is tagged with a generation.  The writer's thread raises it after
 * each work that may have changed a document, before the call that asked for
 * the work returns (writer.c).  A request notes the generation before it looks
 * at the store, so what it keeps is at least as new as its tag says; and a
 * kept document counts only under the very generation that is noted.  Hence
 * nobody who asks after a write was answered gets what was there before it.
 *
 * Issuances change certificates, devices and counts, and no document: they do
 * not raise it.  No other process can write: this front's handle holds the
 * store's lock as long as struct pki lives (docs/design/store.md), and what
 * pki_open() takes over is before the first request.
 *
 * Refusals ("there is no such profile") are not kept: names come from requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "pki/inner.h"

void
catalog_init(struct catalog *c)
{
    (void)pthread_rwlock_init(&c->lock, NULL);
    atomic_store(&c->generation, 1); /* an entry that was never used has 0 */
}

void
catalog_done(struct catalog *c)
{
    for (size_t i = 0; i < CATALOG_ENTRIES; i++)
        free(c->entries[i].bytes);
    (void)pthread_rwlock_destroy(&c->lock);
}

uint64_t
catalog_generation(struct catalog *c)
{
    return atomic_load(&c->generation);
}

void
catalog_raise(struct catalog *c)
{
    (void)atomic_fetch_add(&c->generation, 1);
}

/* ---- What is kept ---------------------------------------------------------------------- */

static int
is_named(const struct catalog_entry *e, enum catalog_kind kind, const char *name)
{
    return e->kind == kind && strcmp(e->name, name) == 0;
}

/* A copy for the request: the entry may be replaced while it works. */
static int
recall(struct catalog *c, const struct catalog_look *look, enum catalog_kind kind, const char *name,
       struct rs_arena *arena, struct catalog_document *ret)
{
    int found = 0;

    (void)pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; i < CATALOG_ENTRIES && !found; i++) {
        const struct catalog_entry *e = &c->entries[i];
        if (e->generation != look->generation || !is_named(e, kind, name))
            continue;
        ret->document = rs_arena_copy(arena, rs_bytes_of(e->bytes, e->len));
        ret->order_state = e->order_state;
        memcpy(ret->hash, e->hash, sizeof(ret->hash));
        found = ret->document.p != NULL;
    }
    (void)pthread_rwlock_unlock(&c->lock);
    return found;
}

/* Its own entry if it has one, else one that counts no more, else one after the other. */
static struct catalog_entry *
pick_entry(struct catalog *c, uint64_t generation, enum catalog_kind kind, const char *name)
{
    struct catalog_entry *old = NULL;

    for (size_t i = 0; i < CATALOG_ENTRIES; i++) {
        struct catalog_entry *e = &c->entries[i];
        if (is_named(e, kind, name))
            return e;
        if (old == NULL && e->generation < generation)
            old = e;
    }
    return old != NULL ? old : &c->entries[c->next++ % CATALOG_ENTRIES];
}

/* What cannot be kept is read again the next time. */
static void
keep(struct catalog *c, const struct catalog_look *look, enum catalog_kind kind, const char *name,
     const struct catalog_document *d)
{
    struct catalog_entry *e;
    uint8_t *bytes;

    if (d->document.len == 0 || d->document.len > CATALOG_DOCUMENT_MAX ||
        strlen(name) >= sizeof(e->name) || catalog_generation(c) != look->generation)
        return;
    bytes = malloc(d->document.len);
    if (bytes == NULL)
        return;
    memcpy(bytes, d->document.p, d->document.len);
    (void)pthread_rwlock_wrlock(&c->lock);
    e = pick_entry(c, look->generation, kind, name);
    free(e->bytes);
    *e = (struct catalog_entry){.generation = look->generation,
                                .kind = kind,
                                .order_state = d->order_state,
                                .bytes = bytes,
                                .len = d->document.len};
    memcpy(e->hash, d->hash, sizeof(e->hash));
    (void)snprintf(e->name, sizeof(e->name), "%s", name);
    (void)pthread_rwlock_unlock(&c->lock);
}

/* ---- What the store has ------------------------------------------------------------------ */

static rs_code
read_document(struct catalog_look *look, enum catalog_kind kind, const char *name,
              struct rs_arena *arena, struct catalog_document *ret, struct rs_err *err)
{
    const char *tenant = look->pki->tenant;
    struct store_object object;
    struct store_order order;
    rs_code rc;

    if (kind == CATALOG_ORDER) {
        rc = store_find_order(look->store, tenant, name, arena, &order, err);
        if (rc == RS_OK)
            *ret =
                (struct catalog_document){.document = order.document, .order_state = order.state};
    } else {
        rc = store_find_object(look->store, tenant, kind == CATALOG_PRODUCT ? "product" : "profile",
                               name, 0, arena, &object, err);
        if (rc == RS_OK)
            *ret = (struct catalog_document){.document = object.document};
    }
    if (rc == RS_OK)
        crypto_sha256(ret->document, ret->hash);
    return rc;
}

/* ---- A look ------------------------------------------------------------------------------- */

void
catalog_look(struct pki *pki, struct store *store, struct catalog_look *ret_look)
{
    *ret_look = (struct catalog_look){
        .pki = pki, .store = store, .generation = catalog_generation(&pki->catalog)};
}

rs_code
catalog_find(struct catalog_look *look, enum catalog_kind kind, const char *name,
             struct rs_arena *arena, struct catalog_document *ret, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (recall(&look->pki->catalog, look, kind, name, arena, ret))
        return RS_OK;
    if (!look->begun)
        rc = store_look(look->store, err);
    if (rc != RS_OK)
        return rc;
    look->begun = 1;
    rc = read_document(look, kind, name, arena, ret, err);
    if (rc == RS_OK)
        keep(&look->pki->catalog, look, kind, name, ret);
    return rc;
}

void
catalog_look_done(struct catalog_look *look)
{
    if (look->begun)
        store_look_done(look->store);
    look->begun = 0;
}
