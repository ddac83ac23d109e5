/*
 * state.c: the fold over the ledger.
 *
 * Each leaf type has one function that applies it.  Documents are copied out of
 * the leaf and parsed again from the copy, so that a record owns its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer/state.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/cbor.h"

#define GROW_STEP 16

void
state_init(struct state *s)
{
    memset(s, 0, sizeof(*s));
}

static void
free_bytes(struct rs_bytes *b)
{
    free((void *)(uintptr_t)b->p);
    *b = (struct rs_bytes){0};
}

void
state_done(struct state *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->profile_count; i++)
        free_bytes(&s->profiles[i].document);
    for (size_t i = 0; i < s->issuer_count; i++) {
        free_bytes(&s->issuers[i].document);
        free_bytes(&s->issuers[i].tbs);
        free(s->issuers[i].revoked);
    }
    for (size_t i = 0; i < s->order_count; i++)
        free_bytes(&s->orders[i].document);
    for (size_t i = 0; i < s->officer_count; i++)
        free_bytes(&s->officers[i].document);
    free(s->profiles);
    free(s->issuers);
    free(s->orders);
    free(s->officers);
    state_init(s);
}

/* ---- Small helpers --------------------------------------------------------------- */

static rs_code
damaged(const struct ledger_leaf *leaf, const char *what, struct rs_err *err)
{
    return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: leaf %llu: %s",
                   (unsigned long long)leaf->index, what);
}

/* Room for one more element; the new one is zeroed. */
static void *
grow(void *items, size_t *count, size_t *cap, size_t size)
{
    char *p = items;

    if (*count == *cap) {
        size_t more = *cap + GROW_STEP + *cap / 2;
        p = realloc(items, more * size);
        if (p == NULL)
            return NULL;
        *cap = more;
    }
    memset(p + *count * size, 0, size);
    (*count)++;
    return p;
}

static int
copy_name(char out[STATE_NAME_SIZE], struct rs_bytes name)
{
    if (name.len >= STATE_NAME_SIZE || memchr(name.p ? (const char *)name.p : "", 0, name.len))
        return 0;
    if (name.p != NULL)
        memcpy(out, name.p, name.len);
    out[name.len] = '\0';
    return 1;
}

static int
copy_bytes(struct rs_bytes *out, struct rs_bytes bytes)
{
    uint8_t *p = malloc(bytes.len ? bytes.len : 1);

    if (p == NULL)
        return 0;
    if (bytes.len > 0)
        memcpy(p, bytes.p, bytes.len);
    *out = (struct rs_bytes){p, bytes.len};
    return 1;
}

static int
is_name(const char *name, struct rs_bytes text)
{
    return rs_bytes_equal(rs_bytes_str(name), text);
}

/* ---- Finding ------------------------------------------------------------------------ */

struct state_profile *
state_find_profile(struct state *s, struct rs_bytes tenant, struct rs_bytes hash)
{
    for (size_t i = s->profile_count; i-- > 0;) {
        if (hash.len == 32 && memcmp(s->profiles[i].hash, hash.p, 32) == 0 &&
            is_name(s->profiles[i].tenant, tenant))
            return &s->profiles[i];
    }
    return NULL;
}

struct state_profile *
state_find_profile_named(struct state *s, struct rs_bytes tenant, struct rs_bytes name)
{
    for (size_t i = s->profile_count; i-- > 0;) {
        if (rs_bytes_equal(s->profiles[i].doc.name, name) && is_name(s->profiles[i].tenant, tenant))
            return &s->profiles[i];
    }
    return NULL;
}

struct state_issuer *
state_find_issuer(struct state *s, struct rs_bytes tenant, struct rs_bytes name)
{
    for (size_t i = 0; i < s->issuer_count; i++) {
        if (rs_bytes_equal(s->issuers[i].doc.name, name) && is_name(s->issuers[i].tenant, tenant))
            return &s->issuers[i];
    }
    return NULL;
}

struct state_order *
state_find_order(struct state *s, struct rs_bytes tenant, struct rs_bytes name)
{
    for (size_t i = s->order_count; i-- > 0;) {
        if (rs_bytes_equal(s->orders[i].doc.name, name) && is_name(s->orders[i].tenant, tenant))
            return &s->orders[i];
    }
    return NULL;
}

struct state_share *
state_find_share(struct state_order *order, struct rs_bytes station)
{
    for (size_t i = 0; i < order->doc.share_count; i++) {
        if (is_name(order->shares[i].station, station))
            return &order->shares[i];
    }
    return NULL;
}

struct state_officer *
state_find_officer(struct state *s, struct rs_bytes tenant, const uint8_t key_hash[32])
{
    for (size_t i = 0; i < s->officer_count; i++) {
        if (memcmp(s->officers[i].key_hash, key_hash, 32) == 0 && s->officers[i].doc.active &&
            is_name(s->officers[i].tenant, tenant))
            return &s->officers[i];
    }
    return NULL;
}

size_t
state_approvals_needed(const struct state *s, struct rs_bytes kind)
{
    (void)kind; /* every kind of document lowers or raises a safeguard (TM-383) */
    return s->production ? 2 : 1;
}

/* ---- Revocations ---------------------------------------------------------------------- */

static int
compare_serial(const struct state_revoked *entry, struct rs_bytes serial)
{
    size_t n = entry->serial_len < serial.len ? entry->serial_len : serial.len;
    int c = n ? memcmp(entry->serial, serial.p, n) : 0;

    if (c != 0)
        return c;
    return entry->serial_len < serial.len ? -1 : entry->serial_len > serial.len;
}

/* Where the serial is, or where it belongs. */
static size_t
revoked_position(const struct state_issuer *issuer, struct rs_bytes serial)
{
    size_t low = 0, high = issuer->revoked_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_serial(&issuer->revoked[mid], serial) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int
state_is_revoked(const struct state_issuer *issuer, struct rs_bytes serial)
{
    size_t at = revoked_position(issuer, serial);

    return at < issuer->revoked_count && compare_serial(&issuer->revoked[at], serial) == 0;
}

static rs_code
add_revoked(struct state_issuer *issuer, const struct leaf_revoked *r, struct rs_err *err)
{
    size_t at = revoked_position(issuer, r->serial);
    struct state_revoked *items;

    if (r->serial.len == 0 || r->serial.len > sizeof(items->serial))
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: revoked serial of %zu bytes",
                       r->serial.len);
    if (state_is_revoked(issuer, r->serial))
        return RS_OK; /* the first one stands: L4 */
    items = grow(issuer->revoked, &issuer->revoked_count, &issuer->revoked_cap, sizeof(*items));
    if (items == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "revoked set of %zu entries", issuer->revoked_count);
    issuer->revoked = items;
    memmove(&items[at + 1], &items[at], (issuer->revoked_count - 1 - at) * sizeof(*items));
    memset(&items[at], 0, sizeof(items[at]));
    memcpy(items[at].serial, r->serial.p, r->serial.len);
    items[at].serial_len = (uint8_t)r->serial.len;
    items[at].reason = r->reason;
    items[at].revoked_at = r->revoked_at;
    return RS_OK;
}

/* ---- Documents ---------------------------------------------------------------------------- */

static rs_code
add_profile(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct state_profile *items =
        grow(s->profiles, &s->profile_count, &s->profile_cap, sizeof(*items));

    if (items == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "profile");
    s->profiles = items;
    struct state_profile *p = &items[s->profile_count - 1];
    if (!copy_name(p->tenant, d->tenant) || !copy_bytes(&p->document, d->document))
        return rs_fail(err, RS_E_NO_MEMORY, "profile");
    (void)SHA256(p->document.p, p->document.len, p->hash);
    return doc_profile_read(p->document, &p->doc, err);
}

static rs_code
add_issuer(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct state_issuer *items = grow(s->issuers, &s->issuer_count, &s->issuer_cap, sizeof(*items));

    if (items == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "issuer");
    s->issuers = items;
    struct state_issuer *i = &items[s->issuer_count - 1];
    if (!copy_name(i->tenant, d->tenant) || !copy_bytes(&i->document, d->document))
        return rs_fail(err, RS_E_NO_MEMORY, "issuer");
    return doc_issuer_read(i->document, &i->doc, err);
}

/* The shares of a new version keep what their stations have taken. */
static void
set_shares(struct state_order *o, const struct state_share *before, size_t before_count)
{
    for (size_t i = 0; i < o->doc.share_count; i++) {
        (void)copy_name(o->shares[i].station, o->doc.shares[i].station);
        o->shares[i].size = o->doc.shares[i].size;
        o->shares[i].taken = 0;
        for (size_t k = 0; k < before_count; k++) {
            if (strcmp(before[k].station, o->shares[i].station) == 0)
                o->shares[i].taken = before[k].taken;
        }
    }
}

static rs_code
put_order(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct state_order *o = state_find_order(s, d->tenant, d->name);
    struct state_share before[DOC_LIST_MAX];
    size_t before_count = 0;
    rs_code rc;

    if (o == NULL) {
        struct state_order *items = grow(s->orders, &s->order_count, &s->order_cap, sizeof(*items));
        if (items == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "order");
        s->orders = items;
        o = &items[s->order_count - 1];
        if (!copy_name(o->tenant, d->tenant))
            return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: tenant name");
    } else {
        before_count = o->doc.share_count;
        memcpy(before, o->shares, sizeof(before));
        free_bytes(&o->document);
    }
    if (!copy_bytes(&o->document, d->document))
        return rs_fail(err, RS_E_NO_MEMORY, "order");
    rc = doc_order_read(o->document, &o->doc, err);
    if (rc == RS_OK)
        set_shares(o, before, before_count);
    return rc;
}

static rs_code
put_officer(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct doc_officer doc;
    struct state_officer *o = NULL;
    rs_code rc;

    rc = doc_officer_read(d->document, &doc, err);
    if (rc != RS_OK)
        return rc;
    for (size_t i = 0; i < s->officer_count; i++) {
        if (rs_bytes_equal(s->officers[i].doc.name, doc.name) &&
            is_name(s->officers[i].tenant, d->tenant))
            o = &s->officers[i];
    }
    if (o == NULL) {
        struct state_officer *items =
            grow(s->officers, &s->officer_count, &s->officer_cap, sizeof(*items));
        if (items == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "officer");
        s->officers = items;
        o = &items[s->officer_count - 1];
    } else {
        free_bytes(&o->document);
    }
    if (!copy_name(o->tenant, d->tenant) || !copy_bytes(&o->document, d->document))
        return rs_fail(err, RS_E_NO_MEMORY, "officer");
    rc = doc_officer_read(o->document, &o->doc, err);
    if (rc == RS_OK)
        (void)SHA256(o->doc.spki.p, o->doc.spki.len, o->key_hash);
    return rc;
}

/* The bootstrap document: a CBOR array of what the installation is. */
static rs_code
apply_bootstrap(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct rs_cbor c;

    rs_cbor_init(&c, d->document);
    (void)rs_cbor_array(&c, 4);
    struct rs_bytes installation = rs_cbor_text(&c, DOC_NAME_MAX);
    int production = rs_cbor_bool(&c);
    struct rs_bytes claim_hash = rs_cbor_bytes(&c, 32);
    int64_t claim_until = rs_cbor_int(&c);
    if (!rs_cbor_done(&c) || claim_hash.len != 32 || s->installation[0] != '\0' ||
        !copy_name(s->installation, installation) || !copy_name(s->tenant, d->tenant))
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: not the one bootstrap of a log");
    s->production = production;
    memcpy(s->claim_hash, claim_hash.p, 32);
    s->claim_until = claim_until;
    s->claims_left = production ? 2 : 1;
    return RS_OK;
}

/* A new claim code: hash and end. */
static rs_code
apply_claim(struct state *s, const struct leaf_document *d, struct rs_err *err)
{
    struct rs_cbor c;

    rs_cbor_init(&c, d->document);
    (void)rs_cbor_array(&c, 2);
    struct rs_bytes hash = rs_cbor_bytes(&c, 32);
    int64_t until = rs_cbor_int(&c);
    if (!rs_cbor_done(&c) || hash.len != 32)
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: claim document");
    memcpy(s->claim_hash, hash.p, 32);
    s->claim_until = until;
    s->claims_left = 1;
    return RS_OK;
}

static rs_code
apply_document(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    struct leaf_document d;
    rs_code rc = leaf_document_read(leaf->content, &d, err);

    if (rc != RS_OK)
        return rc;
    if (rs_bytes_equal(d.kind, rs_bytes_str("profile")))
        return add_profile(s, &d, err);
    if (rs_bytes_equal(d.kind, rs_bytes_str("issuer")))
        return add_issuer(s, &d, err);
    if (rs_bytes_equal(d.kind, rs_bytes_str("order")))
        return put_order(s, &d, err);
    if (rs_bytes_equal(d.kind, rs_bytes_str("cross")))
        return RS_OK; /* why the certificate behind it was made */
    if (rs_bytes_equal(d.kind, rs_bytes_str("bootstrap")))
        return apply_bootstrap(s, &d, err);
    if (rs_bytes_equal(d.kind, rs_bytes_str("claim")))
        return apply_claim(s, &d, err);
    if (rs_bytes_equal(d.kind, rs_bytes_str("officer"))) {
        /* An officer without approvals came by the claim code. */
        if (d.approvals.len <= 1 && s->claims_left > 0 && --s->claims_left == 0)
            s->claim_until = 0;
        return put_officer(s, &d, err);
    }
    return damaged(leaf, "unknown kind of document", err);
}

/* ---- Leaves -------------------------------------------------------------------------------- */

static rs_code
apply_issued(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    struct leaf_issued d;
    rs_code rc = leaf_issued_read(leaf->content, &d, err);

    if (rc != RS_OK)
        return rc;
    if (rs_bytes_equal(d.object, rs_bytes_str("ca"))) {
        struct state_issuer *issuer = state_find_issuer(s, d.tenant, d.device);
        if (issuer == NULL || issuer->tbs.len != 0)
            return damaged(leaf, "certificate of an unknown or already certified issuer", err);
        free_bytes(&issuer->tbs); /* a snapshot's "none" is memory too */
        return copy_bytes(&issuer->tbs, d.tbs) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "issuer");
    }
    if (d.order.len == 0)
        return RS_OK;
    struct state_order *order = state_find_order(s, d.tenant, d.order);
    if (order == NULL)
        return damaged(leaf, "certificate under an order that does not exist", err);
    struct state_share *share = state_find_share(order, d.station);
    order->taken++;
    if (share != NULL)
        share->taken++;
    return RS_OK;
}

static rs_code
apply_revoked(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    struct leaf_revoked d;
    rs_code rc = leaf_revoked_read(leaf->content, &d, err);

    if (rc != RS_OK)
        return rc;
    struct state_issuer *issuer = state_find_issuer(s, d.tenant, d.issuer);
    if (issuer == NULL)
        return damaged(leaf, "revocation under an unknown issuer", err);
    return add_revoked(issuer, &d, err);
}

static rs_code
apply_crl(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    struct leaf_crl d;
    rs_code rc = leaf_crl_read(leaf->content, &d, err);

    if (rc != RS_OK)
        return rc;
    struct state_issuer *issuer = state_find_issuer(s, d.tenant, d.issuer);
    if (issuer == NULL || d.number <= issuer->crl_number || d.this_update < issuer->crl_this_update)
        return damaged(leaf, "CRL that does not grow (L4)", err);
    issuer->crl_number = d.number;
    issuer->crl_this_update = d.this_update;
    return RS_OK;
}

static rs_code
apply_epoch(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    struct leaf_note d;
    rs_code rc = leaf_note_read(leaf->content, &d, err);

    if (rc != RS_OK)
        return rc;
    if (d.number <= s->epoch || d.number > UINT16_MAX)
        return damaged(leaf, "epoch that does not grow", err);
    s->epoch = (uint16_t)d.number;
    return RS_OK;
}

rs_code
state_apply(struct state *s, const struct ledger_leaf *leaf, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (leaf->index != s->next_index)
        return damaged(leaf, "not the next leaf", err);
    switch (leaf->type) {
    case LEDGER_ISSUED:
        rc = apply_issued(s, leaf, err);
        break;
    case LEDGER_REVOKED:
        rc = apply_revoked(s, leaf, err);
        break;
    case LEDGER_CRL:
        rc = apply_crl(s, leaf, err);
        break;
    case LEDGER_ORDER:
    case LEDGER_APPROVAL:
    case LEDGER_CONFIG:
    case LEDGER_PROFILE:
        rc = apply_document(s, leaf, err);
        break;
    case LEDGER_EPOCH:
        rc = apply_epoch(s, leaf, err);
        break;
    case LEDGER_SSH:
    case LEDGER_KRL:
    case LEDGER_TRUST:
    case LEDGER_LOGIN:
    case LEDGER_REFUSED:
    case LEDGER_TORN:
    case LEDGER_SEEN:
    case LEDGER_LOST:
        break; /* facts for auditors; nothing here depends on them */
    default:
        return damaged(leaf, "unknown type", err);
    }
    if (rc != RS_OK)
        return rc;
    s->next_index = leaf->index + 1;
    if (leaf->time_ms > s->floor_ms)
        s->floor_ms = leaf->time_ms;
    return RS_OK;
}
