/*
 * takeover.c: from ledger leaves to store records.
 *
 * The store is a projection of the ledger.  What a crash left out, and what
 * other operations wrote (orders, profiles, revocations), is read back from the
 * signer leaf by leaf and recorded; the same leaf twice changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "ledger/leaf.h"
#include "ledger/ledger.h"
#include "pki/inner.h"
#include "x509/name.h"
#include "x509/oid.h"

#define CHUNK          128
#define REQUEST_LIFE_S 1200

/* A leaf's content, read. */
struct pki_leaf {
    uint64_t index;
    int64_t time_ms;
    struct leaf_issued issued;
    struct leaf_revoked revoked;
    struct leaf_document document;
};

static const char *
text_of(struct rs_arena *arena, struct rs_bytes bytes)
{
    const char *text = rs_arena_text(arena, (const char *)bytes.p, bytes.len);

    return text != NULL ? text : "";
}

/* ---- Certificates --------------------------------------------------------------------- */

rs_code
record_from_cert(struct rs_arena *arena, struct rs_bytes der, struct store_issue *record,
                 struct rs_err *err)
{
    struct store_cert *c = &record->cert;
    char subject[NAME_TEXT_MAX];
    struct cert cert;
    rs_code rc = cert_read(der, &cert, err);

    if (rc != RS_OK)
        return rc;
    c->der = rs_arena_copy(arena, der);
    c->serial = rs_arena_copy(arena, cert.serial);
    name_text(cert.subject, subject, sizeof(subject));
    c->subject = rs_arena_text(arena, subject, strlen(subject));
    if (c->der.p == NULL || c->serial.p == NULL || c->subject == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "certificate record");
    c->not_before = cert.not_before;
    c->not_after = cert.not_after;
    crypto_sha256(cert.spki, c->key_hash);
    cert_fingerprint(der, c->fingerprint);
    c->state = STORE_CERT_ISSUED;
    return RS_OK;
}

/* Who holds a certificate follows from the object that it was made for. */
const char *
pki_holder_of(const char *object)
{
    static const char *const own[] = {"station", "person", "server", "ocsp", "ca", "cross"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcmp(own[i], object) == 0)
            return own[i];
    }
    return "device";
}

static void
fill_device(struct store_issue *r, const struct pki_leaf *leaf, struct rs_arena *arena)
{
    struct store_device *d = &r->device;

    d->tenant = r->cert.tenant;
    d->device = r->cert.device;
    d->state = STORE_DEVICE_MADE;
    d->product = "";
    d->order = text_of(arena, leaf->issued.order);
    d->station = text_of(arena, leaf->issued.station);
    d->fixture = "";
    d->chip_model = text_of(arena, leaf->issued.chip_model);
    d->chip_uid = rs_arena_copy(arena, leaf->issued.chip_uid);
    d->provenance =
        leaf->issued.provenance.len > 0 ? text_of(arena, leaf->issued.provenance) : "station";
    d->made_at = leaf->time_ms / 1000;
    r->new_device = 1;
}

void
pki_blank_device(struct store_issue *record)
{
    struct store_device *d = &record->device;

    d->tenant = record->cert.tenant;
    d->state = STORE_DEVICE_MADE;
    d->device = d->product = d->order = d->station = d->fixture = d->chip_model = "";
    d->provenance = "station";
}

/*
 * An ISSUED leaf and its certificate; without one it can no longer be completed.
 * The signature here is a new one: what a request in flight was answered with
 * would not be the same certificate any more.
 */
static rs_code
take_issued(struct store *store, struct pki *pki, const struct pki_leaf *leaf, struct rs_bytes der,
            struct rs_arena *arena, struct rs_err *err)
{
    struct store_issue r = {0};
    rs_code rc;

    if (pki_in_flight(pki, leaf->issued.request_id))
        return RS_OK;
    if (der.len == 0) {
        rs_log(RS_LOG_ERROR, "pki", "a leaf cannot be completed", "leaf=%llu",
               (unsigned long long)leaf->index);
        return RS_OK;
    }
    rc = record_from_cert(arena, der, &r, err);
    if (rc != RS_OK)
        return rc;
    r.cert.tenant = pki->tenant;
    r.cert.issuer = text_of(arena, leaf->issued.issuer);
    r.cert.profile = text_of(arena, leaf->issued.profile);
    r.cert.object = text_of(arena, leaf->issued.object);
    r.cert.device = text_of(arena, leaf->issued.device);
    r.cert.holder = pki_holder_of(r.cert.object);
    r.cert.signer_id = pki->config.signer_id;
    r.cert.leaf = leaf->index;
    memcpy(r.cert.request_id, leaf->issued.request_id.p, 32);
    r.request_until = leaf->time_ms / 1000 + REQUEST_LIFE_S;
    pki_blank_device(&r);
    if (strcmp(r.cert.object, "idevid") == 0)
        fill_device(&r, leaf, arena);
    return store_commit_issued(store, &r, 1, err);
}

static rs_code
take_revoked(struct store *store, const struct pki *pki, const struct pki_leaf *leaf,
             struct rs_arena *arena, struct rs_err *err)
{
    struct store_revocation r = {.tenant = pki->tenant,
                                 .issuer = text_of(arena, leaf->revoked.issuer),
                                 .serial = leaf->revoked.serial,
                                 .revoked_at = leaf->revoked.revoked_at,
                                 .reason = leaf->revoked.reason,
                                 .signer_id = pki->config.signer_id,
                                 .leaf = leaf->index};

    return store_revoke(store, &r, 1, err);
}

/* ---- Documents -------------------------------------------------------------------------- */

static rs_code
take_object(struct store *store, const struct pki *pki, const char *kind,
            const struct pki_leaf *leaf, struct rs_arena *arena, struct rs_err *err)
{
    struct store_object o = {.tenant = pki->tenant,
                             .kind = kind,
                             .name = text_of(arena, leaf->document.name),
                             .state = "active",
                             .document = leaf->document.document,
                             .created_at = leaf->time_ms / 1000,
                             .updated_at = leaf->time_ms / 1000};
    struct store_object before;
    int64_t version;

    /* The same leaf again, or one from before the newest, must not become another version. */
    for (version = 0;; version = before.version - 1) {
        if (store_find_object(store, pki->tenant, kind, o.name, version, arena, &before, NULL) !=
            RS_OK)
            break;
        if (rs_bytes_equal(before.document, o.document))
            return RS_OK;
        if (before.version <= 1)
            break;
    }
    return store_put_object(store, &o, -1, &version, err);
}

static rs_code
take_order(struct store *store, const struct pki *pki, const struct pki_leaf *leaf,
           struct rs_arena *arena, struct rs_err *err)
{
    struct doc_order doc;
    struct store_share shares[DOC_LIST_MAX];
    struct store_order o = {.tenant = pki->tenant, .document = leaf->document.document}, newer;
    rs_code rc = doc_order_read(leaf->document.document, &doc, err);

    if (rc != RS_OK)
        return rc;
    o.order = text_of(arena, doc.name);
    if (store_find_order(store, pki->tenant, o.order, arena, &newer, NULL) == RS_OK &&
        newer.created_at > doc.created_at)
        return RS_OK; /* a leaf from before, read again: what was closed does not open */
    o.product = text_of(arena, doc.product);
    o.state = doc.state == DOC_ORDER_OPEN     ? STORE_ORDER_OPEN
              : doc.state == DOC_ORDER_PAUSED ? STORE_ORDER_PAUSED
                                              : STORE_ORDER_CLOSED;
    o.quantity = (int64_t)doc.quantity;
    o.target = (int64_t)doc.target;
    o.valid_from = doc.valid_from;
    o.valid_until = doc.valid_until;
    o.created_at = doc.created_at;
    for (size_t i = 0; i < doc.share_count; i++) {
        shares[i].station = text_of(arena, doc.shares[i].station);
        shares[i].size = (int64_t)doc.shares[i].size;
        shares[i].taken = 0;
    }
    return store_put_order(store, &o, shares, doc.share_count, err);
}

static rs_code
take_document(struct store *store, const struct pki *pki, const struct pki_leaf *leaf,
              struct rs_arena *arena, struct rs_err *err)
{
    static const struct {
        const char *kind, *object;
    } kinds[] = {{"profile", "profile"}, {"issuer", "ca"}, {"officer", "officer"}};

    if (rs_bytes_equal(leaf->document.kind, rs_bytes_str("order")))
        return take_order(store, pki, leaf, arena, err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (rs_bytes_equal(leaf->document.kind, rs_bytes_str(kinds[i].kind)))
            return take_object(store, pki, kinds[i].object, leaf, arena, err);
    }
    return RS_OK; /* bootstrap and claims concern the signer alone */
}

static rs_code
take_leaf(struct store *store, struct pki *pki, const struct proto_leaf *m, struct rs_err *err)
{
    struct pki_leaf leaf = {.index = m->index, .time_ms = m->time_ms};
    rs_code rc = RS_OK;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 262144);
    switch (m->type) {
    case LEDGER_ISSUED:
        rc = leaf_issued_read(m->content, &leaf.issued, err);
        return rc == RS_OK ? take_issued(store, pki, &leaf, m->der, &arena, err) : rc;
    case LEDGER_REVOKED:
        rc = leaf_revoked_read(m->content, &leaf.revoked, err);
        return rc == RS_OK ? take_revoked(store, pki, &leaf, &arena, err) : rc;
    case LEDGER_ORDER:
    case LEDGER_CONFIG:
    case LEDGER_PROFILE:
        rc = leaf_document_read(m->content, &leaf.document, err);
        return rc == RS_OK ? take_document(store, pki, &leaf, &arena, err) : rc;
    default:
        return RS_OK; /* facts for auditors: the store keeps none of them */
    }
}

/* ---- Reading them from the signer ---------------------------------------------------------- */

struct copied_leaf {
    struct proto_leaf leaf;
    uint8_t bytes[];
};

struct chunk {
    struct pki *pki;
    struct copied_leaf *leaves[CHUNK];
    size_t count;
    uint64_t next;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int finished;
    rs_code rc;
    struct rs_err err;
};

static struct copied_leaf *
copy_leaf(const struct proto_leaf *m)
{
    struct copied_leaf *c = malloc(sizeof(*c) + m->content.len + m->der.len);

    if (c == NULL)
        return NULL;
    c->leaf = *m;
    memcpy(c->bytes, m->content.p, m->content.len);
    if (m->der.len > 0)
        memcpy(c->bytes + m->content.len, m->der.p, m->der.len);
    c->leaf.content = rs_bytes_of(c->bytes, m->content.len);
    c->leaf.der = rs_bytes_of(c->bytes + m->content.len, m->der.len);
    return c;
}

static void
on_leaf(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct chunk *c = arg;

    (void)pthread_mutex_lock(&c->lock);
    if (rc == RS_OK && item->type == PROTO_LEAF) {
        if (c->count < CHUNK && (c->leaves[c->count] = copy_leaf(&item->as.leaf)) != NULL)
            c->count++;
        else
            c->rc = RS_E_NO_MEMORY;
    } else {
        if (rc == RS_OK)
            c->next = item->as.done.leaf;
        else
            c->err = *err;
        if (rc != RS_OK)
            c->rc = rc;
        c->finished = 1;
        (void)pthread_cond_signal(&c->done);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

static rs_code
fetch_chunk(struct pki *pki, uint64_t from, struct chunk *c, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_RECOVER};
    rs_code rc;

    item.as.recover.from = from;
    item.as.recover.max = CHUNK;
    rc = signer_client_submit(pki->config.signer, &item, on_leaf, c, err);
    if (rc != RS_OK)
        return rc;
    (void)pthread_mutex_lock(&c->lock);
    while (!c->finished)
        (void)pthread_cond_wait(&c->done, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    if (c->rc != RS_OK)
        return rs_fail(err, c->rc, "%s", c->err.text);
    return RS_OK;
}

static rs_code
store_chunk(struct store *store, void *arg, struct rs_err *err)
{
    struct chunk *c = arg;
    uint64_t mark;
    rs_code rc = RS_OK;

    pki_saw_leaf(c->pki, c->next - 1);
    mark = pki_safe_watermark(c->pki); /* before looking: what was in flight then stays above it */
    mark = c->next < mark ? c->next : mark;
    for (size_t i = 0; i < c->count && rc == RS_OK; i++)
        rc = take_leaf(store, c->pki, &c->leaves[i]->leaf, err);
    if (rc == RS_OK)
        rc = store_set_next_leaf(store, c->pki->config.signer_id, mark, err);
    return rc;
}

static void
free_chunk(struct chunk *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->leaves[i]);
}

/* On the writer's thread when it runs, else directly. */
rs_code
pki_take_over(struct pki *pki, uint64_t from, int direct, struct rs_err *err)
{
    for (;;) {
        struct chunk c = {.pki = pki,
                          .next = from,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .done = PTHREAD_COND_INITIALIZER};
        rs_code rc = fetch_chunk(pki, from, &c, err);

        if (rc == RS_OK && c.count > 0)
            rc = direct ? store_chunk(pki->writer_store, &c, err)
                        : pki_write(pki, store_chunk, &c, err);
        free_chunk(&c);
        if (rc != RS_OK)
            return rc;
        if (c.next > 0)
            pki_saw_leaf(pki, c.next - 1);
        if (c.count < CHUNK)
            return RS_OK;
        from = c.next;
    }
}

rs_code
pki_catch_up(struct pki *pki, struct rs_err *err)
{
    struct store *store;
    uint64_t from, owed;
    rs_code rc;

    (void)pthread_mutex_lock(&pki->catch_up_lock);
    (void)pthread_mutex_lock(&pki->lock);
    owed = pki->owed_count;
    (void)pthread_mutex_unlock(&pki->lock);
    rc = pki_reader(pki, &store, err);
    if (rc == RS_OK)
        rc = store_next_leaf(store, pki->config.signer_id, &from, err);
    if (rc == RS_OK)
        rc = pki_take_over(pki, from, 0, err);
    if (rc == RS_OK)
        pki_settle(pki, owed);
    if (rc == RS_OK)
        rc = issuers_load(pki, store, err);
    (void)pthread_mutex_unlock(&pki->catch_up_lock);
    return rc;
}

rs_code
pki_call(struct pki *pki, const struct proto_item *item, struct rs_buf *out, struct rs_err *err)
{
    struct hold hold;
    rs_code rc;

    pki_hold(pki, &hold);
    rc = signer_client_call(pki->config.signer, item, NULL, out, err);
    if (rc == RS_OK)
        rc = pki_catch_up(pki, err);
    if (rc != RS_OK && rs_code_info(rc)->http >= 500) /* not a refusal: the leaf may be there */
        pki_owe(pki, hold.leaf_floor);
    pki_release(pki, &hold);
    return rc;
}
