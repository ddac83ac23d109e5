/*
 * open.c: the life of struct pki, its readers, and the issuers it knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "pki/inner.h"

#define PKI_OBJECT_MAX 65536

/* ---- Readers -------------------------------------------------------------------------- */

static void
close_reader(void *arg)
{
    store_close(arg);
}

rs_code
pki_reader(struct pki *pki, struct store **ret_store, struct rs_err *err)
{
    struct store *store = pthread_getspecific(pki->reader_key);
    rs_code rc;

    if (store == NULL) {
        rc = store_open(pki->store_url, 0, &store, err);
        if (rc != RS_OK)
            return rc;
        if (pthread_setspecific(pki->reader_key, store) != 0) {
            store_close(store);
            return rs_fail(err, RS_E_NO_MEMORY, "store reader");
        }
    }
    *ret_store = store;
    return RS_OK;
}

const char *
pki_tenant(const struct pki *pki)
{
    return pki->tenant;
}

struct signer_client *
pki_signer(const struct pki *pki)
{
    return pki->config.signer;
}

/* ---- Issuers ----------------------------------------------------------------------------- */

static void
free_issuer(struct pki_issuer *i)
{
    if (i == NULL)
        return;
    free((void *)(uintptr_t)i->der.p);
    free((void *)(uintptr_t)i->name);
    free(i);
}

/* The record keeps copies of everything: name, document and certificate share one block. */
static struct pki_issuer *
new_issuer(const struct store_object *o, struct rs_bytes der)
{
    struct pki_issuer *i = calloc(1, sizeof(*i));
    uint8_t *block = malloc(der.len + o->document.len + 1);

    if (i == NULL || block == NULL || (i->name = strdup(o->name)) == NULL) {
        free(block);
        free(i);
        return NULL;
    }
    memcpy(block, der.p, der.len);
    memcpy(block + der.len, o->document.p, o->document.len);
    i->der = rs_bytes_of(block, der.len);
    /* The struct of const bytes owns the block.  NOLINTBEGIN(clang-analyzer-unix.Malloc) */
    if (cert_read(i->der, &i->cert, NULL) != RS_OK ||
        doc_issuer_read(rs_bytes_of(block + der.len, o->document.len), &i->doc, NULL) != RS_OK) {
        free_issuer(i);
        return NULL;
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return i;
}

/* RFC 6960 4.1.1: issuerKeyHash is over the BIT STRING's content. */
static rs_code
hash_issuer(struct pki_issuer *i, struct rs_err *err)
{
    struct crypto_pub pub;
    rs_code rc = crypto_pub_read(i->cert.spki, &pub, err);

    if (rc != RS_OK)
        return rc;
    crypto_sha1(i->cert.subject, i->name_sha1);
    crypto_sha256(i->cert.subject, i->name_sha256);
    crypto_sha1(pub.key, i->key_sha1);
    crypto_sha256(pub.key, i->key_sha256);
    return RS_OK;
}

struct search {
    const char *name;
    struct rs_arena *arena;
    struct rs_bytes serial;
    char issuer[STORE_NAME_MAX];
};

static int
match_ca(void *arg, const struct store_cert *cert)
{
    struct search *s = arg;

    if (strcmp(cert->device, s->name) != 0)
        return 0;
    s->serial = rs_arena_copy(s->arena, cert->serial);
    (void)snprintf(s->issuer, sizeof(s->issuer), "%s", cert->issuer);
    return 1;
}

struct load {
    struct pki *pki;
    struct store *store;
    struct rs_err *err;
    rs_code rc;
};

static rs_code
load_issuer(struct load *l, const struct store_object *o)
{
    struct store_cert_filter filter = {.holder = "ca", .limit = STORE_PAGE_MAX};
    struct search search = {.name = o->name};
    struct store_cert cert;
    struct pki_issuer *i;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, PKI_OBJECT_MAX);
    search.arena = &arena;
    rc = store_list_certs(l->store, l->pki->tenant, &filter, match_ca, &search, l->err);
    if (rc != RS_OK || search.serial.len == 0)
        return rc; /* its certificate is not there yet: the next catch-up finds it */
    rc = store_find_cert(l->store, l->pki->tenant, search.issuer, search.serial, &arena, &cert,
                         l->err);
    if (rc != RS_OK)
        return rc;
    i = new_issuer(o, cert.der);
    if (i == NULL)
        return rs_fail(l->err, RS_E_STORE_DAMAGED, "issuer %s cannot be read", o->name);
    rc = hash_issuer(i, l->err);
    if (rc != RS_OK) {
        free_issuer(i);
        return rc;
    }
    (void)pthread_rwlock_wrlock(&l->pki->issuers_lock);
    l->pki->issuers[l->pki->issuer_count++] = i;
    (void)pthread_rwlock_unlock(&l->pki->issuers_lock);
    return RS_OK;
}

static int
on_ca(void *arg, const struct store_object *o)
{
    struct load *l = arg;

    if (l->pki->issuer_count == PKI_ISSUERS_MAX || pki_find_issuer(l->pki, o->name) != NULL)
        return 0;
    l->rc = load_issuer(l, o);
    return l->rc != RS_OK;
}

/* A certificate between two roots that is not known yet; its bytes stay as long as pki. */
static rs_code
load_cross(struct load *l, const struct store_cert *listed)
{
    struct pki *pki = l->pki;
    struct store_cert cert;
    uint8_t *copy;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, PKI_OBJECT_MAX);
    rc = store_find_cert(l->store, pki->tenant, listed->issuer, listed->serial, &arena, &cert,
                         l->err);
    for (size_t i = 0; rc == RS_OK && i < pki->cross_count; i++) {
        if (rs_bytes_equal(pki->crosses[i], cert.der))
            return RS_OK;
    }
    if (rc != RS_OK || pki->cross_count == PKI_ISSUERS_MAX)
        return rc;
    copy = malloc(cert.der.len);
    if (copy == NULL)
        return rs_fail(l->err, RS_E_NO_MEMORY, "CA certificate");
    memcpy(copy, cert.der.p, cert.der.len);
    (void)pthread_rwlock_wrlock(&pki->issuers_lock);
    pki->crosses[pki->cross_count++] = (struct rs_bytes){copy, cert.der.len};
    (void)pthread_rwlock_unlock(&pki->issuers_lock);
    return RS_OK;
}

struct cross_list {
    struct rs_arena *arena;
    struct store_cert certs[PKI_ISSUERS_MAX];
    size_t count;
};

static int
note_cross(void *arg, const struct store_cert *cert)
{
    struct cross_list *list = arg;
    struct store_cert *to = &list->certs[list->count];

    if (cert->state != STORE_CERT_ISSUED)
        return 0;
    to->issuer = rs_arena_text(list->arena, cert->issuer, strlen(cert->issuer));
    to->serial = rs_arena_copy(list->arena, cert->serial);
    return ++list->count == PKI_ISSUERS_MAX;
}

static rs_code
load_crosses(struct load *l)
{
    struct store_cert_filter filter = {.holder = "cross", .limit = STORE_PAGE_MAX};
    struct cross_list list = {.count = 0};
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, PKI_OBJECT_MAX);
    list.arena = &arena;
    rc = store_list_certs(l->store, l->pki->tenant, &filter, note_cross, &list, l->err);
    for (size_t i = 0; rc == RS_OK && i < list.count; i++)
        rc = load_cross(l, &list.certs[i]);
    return rc;
}

rs_code
issuers_load(struct pki *pki, struct store *store, struct rs_err *err)
{
    struct load l = {pki, store, err, RS_OK};
    rs_code rc = store_list_objects(store, pki->tenant, "ca", NULL, STORE_PAGE_MAX, on_ca, &l, err);

    if (rc == RS_OK)
        rc = l.rc;
    return rc == RS_OK ? load_crosses(&l) : rc;
}

size_t
pki_crosses(struct pki *pki, struct rs_bytes *list, size_t cap)
{
    size_t n;

    (void)pthread_rwlock_rdlock(&pki->issuers_lock);
    n = pki->cross_count < cap ? pki->cross_count : cap;
    for (size_t i = 0; i < n; i++)
        list[i] = pki->crosses[i];
    (void)pthread_rwlock_unlock(&pki->issuers_lock);
    return n;
}

const struct pki_issuer *
pki_find_issuer(struct pki *pki, const char *name)
{
    const struct pki_issuer *found = NULL;

    (void)pthread_rwlock_rdlock(&pki->issuers_lock);
    for (size_t i = 0; i < pki->issuer_count; i++) {
        if (strcmp(pki->issuers[i]->name, name) == 0)
            found = pki->issuers[i];
    }
    (void)pthread_rwlock_unlock(&pki->issuers_lock);
    return found;
}

size_t
pki_issuers(struct pki *pki, const struct pki_issuer **list, size_t cap)
{
    size_t n;

    (void)pthread_rwlock_rdlock(&pki->issuers_lock);
    n = pki->issuer_count < cap ? pki->issuer_count : cap;
    for (size_t i = 0; i < n; i++)
        list[i] = pki->issuers[i];
    (void)pthread_rwlock_unlock(&pki->issuers_lock);
    return n;
}

size_t
pki_chain(struct pki *pki, const char *issuer, struct rs_bytes *list, size_t cap)
{
    const struct pki_issuer *i = pki_find_issuer(pki, issuer);
    size_t n = 0;

    while (i != NULL && n < cap) {
        char parent[STORE_NAME_MAX];
        list[n++] = i->der;
        if (i->doc.parent.len == 0)
            break;
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)i->doc.parent.len,
                       (const char *)i->doc.parent.p);
        i = pki_find_issuer(pki, parent);
    }
    return n;
}

/* ---- Life --------------------------------------------------------------------------------- */

/* A checkpoint that the store kept is newer than the ledger: the signer must not go on. */
static rs_code
show_checkpoint(struct pki *pki, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_SEEN};
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 16384);
    rc = store_find_checkpoint(pki->writer_store, pki->config.signer_id, &arena, &item.as.seen.note,
                               err);
    if (rc != RS_OK || item.as.seen.note.len == 0)
        return rc;
    return signer_client_call(pki->config.signer, &item, NULL, NULL, err);
}

static rs_code
open_store(struct pki *pki, struct rs_err *err)
{
    uint64_t from;
    rs_code rc = store_open(pki->store_url, 1, &pki->writer_store, err);

    if (rc == RS_OK)
        rc = show_checkpoint(pki, err);
    if (rc == RS_OK)
        rc = store_next_leaf(pki->writer_store, pki->config.signer_id, &from, err);
    if (rc == RS_OK)
        rc = pki_take_over(pki, from, 1, err);
    if (rc == RS_OK)
        rc = issuers_load(pki, pki->writer_store, err);
    return rc;
}

rs_code
pki_open(const struct pki_config *config, struct pki **ret_pki, struct rs_err *err)
{
    struct pki *pki = calloc(1, sizeof(*pki));
    rs_code rc;

    if (pki == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "pki");
    pki->config = *config;
    pki->owed_from = UINT64_MAX;
    (void)snprintf(pki->tenant, sizeof(pki->tenant), "%s", config->tenant);
    (void)snprintf(pki->store_url, sizeof(pki->store_url), "%s", config->store_url);
    (void)pthread_mutex_init(&pki->lock, NULL);
    (void)pthread_mutex_init(&pki->catch_up_lock, NULL);
    (void)pthread_rwlock_init(&pki->issuers_lock, NULL);
    catalog_init(&pki->catalog);
    callers_init(&pki->callers);
    challenges_init(&pki->challenges);
    if (pthread_key_create(&pki->reader_key, close_reader) != 0)
        abort();
    rc = open_store(pki, err);
    if (rc == RS_OK)
        rc = writer_start(pki, err);
    if (rc != RS_OK) {
        store_close(pki->writer_store);
        free(pki);
        return rc;
    }
    *ret_pki = pki;
    return RS_OK;
}

/* The signer client must have been freed before: its answers use the writer. */
void
pki_close(struct pki *pki)
{
    if (pki == NULL)
        return;
    writer_stop(pki);
    store_close(pki->writer_store);
    store_close(pthread_getspecific(pki->reader_key));
    (void)pthread_key_delete(pki->reader_key);
    for (size_t i = 0; i < pki->issuer_count; i++)
        free_issuer(pki->issuers[i]);
    for (size_t i = 0; i < pki->cross_count; i++)
        free((void *)(uintptr_t)pki->crosses[i].p);
    (void)pthread_mutex_destroy(&pki->lock);
    (void)pthread_mutex_destroy(&pki->catch_up_lock);
    (void)pthread_rwlock_destroy(&pki->issuers_lock);
    catalog_done(&pki->catalog);
    callers_done(&pki->callers);
    challenges_done(&pki->challenges);
    free(pki);
}
