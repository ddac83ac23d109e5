/*
 * doc.c: the signed documents as deterministic CBOR.
 *
 * Each document is a map whose keys 0, 1, 2... are all present, in order: there
 * is exactly one encoding of a document, so its hash is its identity.  Key 0 is
 * the document's kind, so that one kind can never be read as another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys/doc.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/cbor.h"

#define PROFILE_KEYS 18
#define ISSUER_KEYS  13
#define ORDER_KEYS   19
#define OFFICER_KEYS 5
#define CROSS_KEYS   4
#define TEXT_MAX     512
#define URL_MAX      255

/* ---- Writing ---------------------------------------------------------------- */

static void
put_key_text(struct rs_buf *out, unsigned key, struct rs_bytes text)
{
    rs_cbor_put_uint(out, key);
    rs_cbor_put_text_bytes(out, text);
}

static void
put_key_uint(struct rs_buf *out, unsigned key, uint64_t v)
{
    rs_cbor_put_uint(out, key);
    rs_cbor_put_uint(out, v);
}

static void
put_key_int(struct rs_buf *out, unsigned key, int64_t v)
{
    rs_cbor_put_uint(out, key);
    rs_cbor_put_int(out, v);
}

static void
put_key_list(struct rs_buf *out, unsigned key, const struct doc_text_list *list)
{
    rs_cbor_put_uint(out, key);
    rs_cbor_put_array(out, list->count);
    for (size_t i = 0; i < list->count; i++)
        rs_cbor_put_text_bytes(out, list->items[i]);
}

void
doc_profile_put(struct rs_buf *out, const struct doc_profile *doc)
{
    rs_cbor_put_map(out, PROFILE_KEYS);
    put_key_text(out, 0, rs_bytes_str("profile"));
    put_key_text(out, 1, doc->name);
    put_key_uint(out, 2, doc->version);
    put_key_uint(out, 3, (uint64_t)doc->type);
    put_key_text(out, 4, doc->subject);
    put_key_int(out, 5, doc->valid_s);
    put_key_int(out, 6, doc->backdate_s);
    put_key_uint(out, 7, doc->key_algs);
    put_key_uint(out, 8, doc->key_usage);
    put_key_list(out, 9, &doc->eku);
    put_key_list(out, 10, &doc->policies);
    put_key_uint(out, 11, doc->flags);
    put_key_uint(out, 12, doc->from_request);
    put_key_list(out, 13, &doc->dns);
    put_key_text(out, 14, doc->hardware_type);
    put_key_uint(out, 15, doc->max_size);
    put_key_int(out, 16, doc->renew_before_s);
    put_key_uint(out, 17, 1); /* revision of this encoding */
}

void
doc_issuer_put(struct rs_buf *out, const struct doc_issuer *doc)
{
    rs_cbor_put_map(out, ISSUER_KEYS);
    put_key_text(out, 0, rs_bytes_str("issuer"));
    put_key_text(out, 1, doc->name);
    put_key_text(out, 2, doc->parent);
    put_key_text(out, 3, doc->subject);
    put_key_uint(out, 4, doc->key_alg);
    put_key_int(out, 5, doc->not_before);
    put_key_int(out, 6, doc->not_after);
    put_key_int(out, 7, doc->path_length);
    put_key_list(out, 8, &doc->profiles);
    put_key_text(out, 9, doc->crl_url);
    put_key_text(out, 10, doc->ocsp_url);
    put_key_text(out, 11, doc->ca_url);
    put_key_int(out, 12, doc->crl_every_s);
}

void
doc_order_put(struct rs_buf *out, const struct doc_order *doc)
{
    rs_cbor_put_map(out, ORDER_KEYS);
    put_key_text(out, 0, rs_bytes_str("order"));
    put_key_text(out, 1, doc->name);
    put_key_text(out, 2, doc->product);
    put_key_uint(out, 3, doc->product_version);
    put_key_text(out, 4, doc->issuer);
    put_key_text(out, 5, doc->profile);
    rs_cbor_put_uint(out, 6);
    rs_cbor_put_bytes(out, doc->profile_hash);
    put_key_uint(out, 7, doc->quantity);
    put_key_uint(out, 8, doc->target);
    put_key_uint(out, 9, doc->state);
    put_key_int(out, 10, doc->valid_from);
    put_key_int(out, 11, doc->valid_until);
    rs_cbor_put_uint(out, 12);
    rs_cbor_put_array(out, doc->share_count * 2);
    for (size_t i = 0; i < doc->share_count; i++) {
        rs_cbor_put_text_bytes(out, doc->shares[i].station);
        rs_cbor_put_uint(out, doc->shares[i].size);
    }
    put_key_text(out, 13, doc->serial_match);
    put_key_text(out, 14, doc->rot);
    put_key_text(out, 15, doc->layout);
    put_key_int(out, 16, doc->created_at);
    put_key_uint(out, 17, 2); /* revision of this encoding */
    put_key_text(out, 18, doc->provenance);
}

void
doc_officer_put(struct rs_buf *out, const struct doc_officer *doc)
{
    rs_cbor_put_map(out, OFFICER_KEYS);
    put_key_text(out, 0, rs_bytes_str("officer"));
    put_key_text(out, 1, doc->name);
    rs_cbor_put_uint(out, 2);
    rs_cbor_put_bytes(out, doc->spki);
    put_key_uint(out, 3, doc->active);
    put_key_uint(out, 4, doc->version);
}

void
doc_cross_put(struct rs_buf *out, const struct doc_cross *doc)
{
    rs_cbor_put_map(out, CROSS_KEYS);
    put_key_text(out, 0, rs_bytes_str("cross"));
    put_key_text(out, 1, doc->of);
    put_key_text(out, 2, doc->by);
    put_key_int(out, 3, doc->created_at);
}

/* ---- Reading ---------------------------------------------------------------- */

/* Text without NUL and control characters; names have their own alphabet on top. */
static struct rs_bytes
read_text(struct rs_cbor *c, unsigned key, size_t max)
{
    rs_cbor_key(c, key);
    struct rs_bytes text = rs_cbor_text(c, max);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            c->in.failed = 1;
    }
    return text;
}

static struct rs_bytes
read_name(struct rs_cbor *c, unsigned key, int may_be_empty)
{
    struct rs_bytes text = read_text(c, key, DOC_NAME_MAX);

    if (text.len == 0 && !may_be_empty)
        c->in.failed = 1;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t ch = text.p[i];
        int alnum =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!alnum && (i == 0 || (ch != '.' && ch != '_' && ch != '-')))
            c->in.failed = 1;
    }
    return text;
}

static uint64_t
read_uint(struct rs_cbor *c, unsigned key)
{
    rs_cbor_key(c, key);
    return rs_cbor_uint(c);
}

static int64_t
read_int(struct rs_cbor *c, unsigned key)
{
    rs_cbor_key(c, key);
    return rs_cbor_int(c);
}

static struct rs_bytes
read_bytes(struct rs_cbor *c, unsigned key, size_t max)
{
    rs_cbor_key(c, key);
    return rs_cbor_bytes(c, max);
}

static void
read_list(struct rs_cbor *c, unsigned key, struct doc_text_list *list)
{
    rs_cbor_key(c, key);
    list->count = rs_cbor_array(c, DOC_LIST_MAX);
    for (size_t i = 0; i < list->count && rs_cbor_ok(c); i++)
        list->items[i] = rs_cbor_text(c, URL_MAX);
}

/* Start reading: the map's size and key 0, the kind. */
static void
begin(struct rs_cbor *c, struct rs_bytes bytes, size_t keys, const char *kind)
{
    rs_cbor_init(c, bytes);
    if (bytes.len > DOC_BYTES_MAX || rs_cbor_map(c, keys) != keys)
        c->in.failed = 1;
    if (!rs_bytes_equal(read_text(c, 0, 16), rs_bytes_str(kind)))
        c->in.failed = 1;
}

static rs_code
end(const struct rs_cbor *c, const char *kind, struct rs_err *err)
{
    if (!rs_cbor_done(c))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "%s document: not the one encoding of version 1",
                       kind);
    return RS_OK;
}

rs_code
doc_profile_read(struct rs_bytes bytes, struct doc_profile *ret_doc, struct rs_err *err)
{
    struct doc_profile d = {0};
    struct rs_cbor c;
    rs_code rc;

    begin(&c, bytes, PROFILE_KEYS, "profile");
    d.name = read_name(&c, 1, 0);
    d.version = read_uint(&c, 2);
    uint64_t type = read_uint(&c, 3);
    if (type < DOC_PROFILE_IDEVID || type > DOC_PROFILE_CA)
        c.in.failed = 1;
    d.type = (enum doc_profile_type)type;
    d.subject = read_text(&c, 4, TEXT_MAX);
    d.valid_s = read_int(&c, 5);
    d.backdate_s = read_int(&c, 6);
    d.key_algs = read_uint(&c, 7);
    d.key_usage = read_uint(&c, 8);
    read_list(&c, 9, &d.eku);
    read_list(&c, 10, &d.policies);
    d.flags = read_uint(&c, 11);
    d.from_request = read_uint(&c, 12);
    read_list(&c, 13, &d.dns);
    d.hardware_type = read_text(&c, 14, 64);
    d.max_size = read_uint(&c, 15);
    d.renew_before_s = read_int(&c, 16);
    if (read_uint(&c, 17) != 1)
        c.in.failed = 1;
    rc = end(&c, "profile", err);
    if (rc == RS_OK)
        *ret_doc = d;
    return rc;
}

rs_code
doc_issuer_read(struct rs_bytes bytes, struct doc_issuer *ret_doc, struct rs_err *err)
{
    struct doc_issuer d = {0};
    struct rs_cbor c;
    rs_code rc;

    begin(&c, bytes, ISSUER_KEYS, "issuer");
    d.name = read_name(&c, 1, 0);
    d.parent = read_name(&c, 2, 1);
    d.subject = read_text(&c, 3, TEXT_MAX);
    d.key_alg = read_uint(&c, 4);
    d.not_before = read_int(&c, 5);
    d.not_after = read_int(&c, 6);
    d.path_length = read_int(&c, 7);
    read_list(&c, 8, &d.profiles);
    d.crl_url = read_text(&c, 9, URL_MAX);
    d.ocsp_url = read_text(&c, 10, URL_MAX);
    d.ca_url = read_text(&c, 11, URL_MAX);
    d.crl_every_s = read_int(&c, 12);
    rc = end(&c, "issuer", err);
    if (rc == RS_OK)
        *ret_doc = d;
    return rc;
}

static void
read_shares(struct rs_cbor *c, struct doc_order *d)
{
    rs_cbor_key(c, 12);
    size_t items = rs_cbor_array(c, (size_t)DOC_LIST_MAX * 2);
    if (items % 2 != 0)
        c->in.failed = 1;
    d->share_count = items / 2;
    for (size_t i = 0; i < d->share_count && rs_cbor_ok(c); i++) {
        d->shares[i].station = rs_cbor_text(c, DOC_NAME_MAX);
        d->shares[i].size = rs_cbor_uint(c);
    }
}

rs_code
doc_order_read(struct rs_bytes bytes, struct doc_order *ret_doc, struct rs_err *err)
{
    struct doc_order d = {0};
    struct rs_cbor c;
    rs_code rc;

    begin(&c, bytes, ORDER_KEYS, "order");
    d.name = read_name(&c, 1, 0);
    d.product = read_name(&c, 2, 0);
    d.product_version = read_uint(&c, 3);
    d.issuer = read_name(&c, 4, 0);
    d.profile = read_name(&c, 5, 0);
    d.profile_hash = read_bytes(&c, 6, 32);
    if (d.profile_hash.len != 32)
        c.in.failed = 1;
    d.quantity = read_uint(&c, 7);
    d.target = read_uint(&c, 8);
    d.state = read_uint(&c, 9);
    d.valid_from = read_int(&c, 10);
    d.valid_until = read_int(&c, 11);
    read_shares(&c, &d);
    d.serial_match = read_text(&c, 13, 64);
    d.rot = read_name(&c, 14, 0);
    d.layout = read_name(&c, 15, 1);
    d.created_at = read_int(&c, 16);
    if (read_uint(&c, 17) != 2)
        c.in.failed = 1;
    d.provenance = read_name(&c, 18, 1);
    rc = end(&c, "order", err);
    if (rc == RS_OK)
        *ret_doc = d;
    return rc;
}

rs_code
doc_officer_read(struct rs_bytes bytes, struct doc_officer *ret_doc, struct rs_err *err)
{
    struct doc_officer d = {0};
    struct rs_cbor c;
    rs_code rc;

    begin(&c, bytes, OFFICER_KEYS, "officer");
    d.name = read_name(&c, 1, 0);
    d.spki = read_bytes(&c, 2, 512);
    d.active = read_uint(&c, 3);
    d.version = read_uint(&c, 4);
    if (d.active > 1)
        c.in.failed = 1;
    rc = end(&c, "officer", err);
    if (rc == RS_OK)
        *ret_doc = d;
    return rc;
}

rs_code
doc_cross_read(struct rs_bytes bytes, struct doc_cross *ret_doc, struct rs_err *err)
{
    struct doc_cross d = {0};
    struct rs_cbor c;
    rs_code rc;

    begin(&c, bytes, CROSS_KEYS, "cross");
    d.of = read_name(&c, 1, 0);
    d.by = read_name(&c, 2, 0);
    d.created_at = read_int(&c, 3);
    rc = end(&c, "cross", err);
    if (rc == RS_OK)
        *ret_doc = d;
    return rc;
}

/* ---- Rules -------------------------------------------------------------------- */

#define KU_KEY_CERT_SIGN (1u << 5)
#define KU_CRL_SIGN      (1u << 6)
#define EKU_ANY          "2.5.29.37.0"
#define MAX_VALID_S      ((int64_t)100 * 366 * 86400)

/* RFC 5280 4.2.1.3, 4.2.1.12; threat model TM-422..424. */
rs_code
doc_profile_check(const struct doc_profile *doc, struct rs_err *err)
{
    int is_ca = doc->type == DOC_PROFILE_CA;

    if (doc->key_usage == 0 || doc->key_usage > 0x1ff)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: key_usage must name at least one usage");
    if (!is_ca && (doc->key_usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT,
                       "profile: keyCertSign and cRLSign belong to CAs only (RFC 5280 4.2.1.3)");
    for (size_t i = 0; i < doc->eku.count; i++) {
        if (rs_bytes_equal(doc->eku.items[i], rs_bytes_str(EKU_ANY)))
            return rs_fail(err, RS_E_PROFILE_LIMIT,
                           "profile: anyExtendedKeyUsage is never granted");
    }
    if (doc->backdate_s < 0 || doc->backdate_s > 3600)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: backdate is at most 3600 s");
    if (doc->valid_s <= 0 || (doc->valid_s != DOC_NEVER && doc->valid_s > MAX_VALID_S))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: valid must be positive, or never");
    if (doc->valid_s == DOC_NEVER && doc->type != DOC_PROFILE_IDEVID)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: only an IDevID may never end (802.1AR)");
    if (doc->key_algs == 0 || (doc->key_algs & ~(uint64_t)0x1f) != 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: key names no allowed algorithm");
    if ((doc->flags & DOC_PROFILE_SERIAL_FROM_KEY) != 0 || doc->flags > 0x7f)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: unknown flag");
    if (doc->type == DOC_PROFILE_IDEVID && (doc->flags & DOC_PROFILE_NEEDS_ORDER) == 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: an IDevID is made under an order only");
    if (doc->subject.len == 0 && doc->dns.count == 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: neither subject nor name");
    return RS_OK;
}

rs_code
doc_order_check(const struct doc_order *doc, struct rs_err *err)
{
    uint64_t sum = 0;

    if (doc->quantity == 0 || doc->quantity > 1000000000u || doc->target > doc->quantity)
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "order: quantity must be 1 to 1,000,000,000 and target not above it");
    if (doc->state < DOC_ORDER_OPEN || doc->state > DOC_ORDER_CLOSED)
        return rs_fail(err, RS_E_CONFIG_INVALID, "order: unknown state");
    if (doc->valid_until <= doc->valid_from)
        return rs_fail(err, RS_E_CONFIG_INVALID, "order: it ends before it begins");
    if (doc->share_count == 0)
        return rs_fail(err, RS_E_CONFIG_INVALID, "order: it names no station");
    for (size_t i = 0; i < doc->share_count; i++) {
        if (doc->shares[i].size > doc->quantity)
            return rs_fail(err, RS_E_CONFIG_INVALID, "order: a share is larger than the order");
        sum += doc->shares[i].size;
        for (size_t k = 0; k < i; k++) {
            if (rs_bytes_equal(doc->shares[k].station, doc->shares[i].station))
                return rs_fail(err, RS_E_CONFIG_INVALID, "order: a station is named twice");
        }
    }
    if (sum > doc->quantity)
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "order: the shares add up to more than the quantity (L7)");
    return RS_OK;
}

void
doc_approval_message(const char *kind, struct rs_bytes name, struct rs_bytes document,
                     struct rs_buf *out)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    (void)SHA256(document.p, document.len, hash);
    rs_buf_put_str(out, "rootsmith approval v1");
    rs_buf_put_u8(out, 0);
    rs_buf_put_u16_bytes(out, rs_bytes_str(kind));
    rs_buf_put_u16_bytes(out, name);
    rs_buf_put(out, hash, sizeof(hash));
}

const struct doc_share *
doc_order_share(const struct doc_order *doc, struct rs_bytes station)
{
    for (size_t i = 0; i < doc->share_count; i++) {
        if (rs_bytes_equal(doc->shares[i].station, station))
            return &doc->shares[i];
    }
    return NULL;
}
