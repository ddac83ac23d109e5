/*
 * snapshot.c: see snapshot.h.
 *
 * One CBOR array per kind of record, then HMAC-SHA-256 over all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cbor.h"
#include "base/io.h"
#include "crypto/hash.h"

#define SNAPSHOT_MAX ((size_t)1 << 30)
#define RECORDS_MAX  1000000u
#define REVOKED_SIZE 30 /* serial 20, length 1, reason 1, time 8 */
#define VERSION      1

/* ---- Saving ----------------------------------------------------------------------------- */

static void
put_head(struct rs_buf *b, const struct state *s)
{
    rs_cbor_put_array(b, 14);
    rs_cbor_put_uint(b, VERSION);
    rs_cbor_put_text(b, s->installation);
    rs_cbor_put_text(b, s->tenant);
    rs_cbor_put_bool(b, s->production);
    rs_cbor_put_uint(b, s->epoch);
    rs_cbor_put_uint(b, s->next_index);
    rs_cbor_put_int(b, s->floor_ms);
    rs_cbor_put_bytes(b, RS_BYTES(s->claim_hash));
    rs_cbor_put_int(b, s->claim_until);
    rs_cbor_put_uint(b, s->claims_left);
    rs_cbor_put_uint(b, s->profile_count);
    rs_cbor_put_uint(b, s->issuer_count);
    rs_cbor_put_uint(b, s->order_count);
    rs_cbor_put_uint(b, s->officer_count);
}

static void
put_issuer(struct rs_buf *b, const struct state_issuer *i)
{
    rs_cbor_put_text(b, i->tenant);
    rs_cbor_put_bytes(b, i->document);
    rs_cbor_put_bytes(b, i->tbs);
    rs_cbor_put_uint(b, i->crl_number);
    rs_cbor_put_int(b, i->crl_this_update);
    rs_cbor_put_uint(b, i->revoked_count);
    for (size_t k = 0; k < i->revoked_count; k++) {
        rs_buf_put(b, i->revoked[k].serial, sizeof(i->revoked[k].serial));
        rs_buf_put_u8(b, i->revoked[k].serial_len);
        rs_buf_put_u8(b, i->revoked[k].reason);
        rs_buf_put_u64(b, (uint64_t)i->revoked[k].revoked_at);
    }
}

static void
put_order(struct rs_buf *b, const struct state_order *o)
{
    rs_cbor_put_text(b, o->tenant);
    rs_cbor_put_bytes(b, o->document);
    rs_cbor_put_uint(b, o->taken);
    rs_cbor_put_uint(b, o->doc.share_count);
    for (size_t k = 0; k < o->doc.share_count; k++)
        rs_cbor_put_uint(b, o->shares[k].taken);
}

rs_code
snapshot_save(const struct state *s, const uint8_t mac_key[32], const char *path,
              struct rs_err *err)
{
    uint8_t mac[CRYPTO_SHA256_SIZE];

    RS_AUTO(rs_buf_done) struct rs_buf b;
    rs_buf_init(&b, SNAPSHOT_MAX);
    put_head(&b, s);
    for (size_t i = 0; i < s->profile_count; i++) {
        rs_cbor_put_text(&b, s->profiles[i].tenant);
        rs_cbor_put_bytes(&b, s->profiles[i].document);
    }
    for (size_t i = 0; i < s->issuer_count; i++)
        put_issuer(&b, &s->issuers[i]);
    for (size_t i = 0; i < s->order_count; i++)
        put_order(&b, &s->orders[i]);
    for (size_t i = 0; i < s->officer_count; i++) {
        rs_cbor_put_text(&b, s->officers[i].tenant);
        rs_cbor_put_bytes(&b, s->officers[i].document);
    }
    if (!rs_buf_ok(&b))
        return rs_fail(err, RS_E_NO_MEMORY, "snapshot does not fit");
    struct rs_bytes all = rs_buf_bytes(&b);
    crypto_hmac_sha256(rs_bytes_of(mac_key, 32), &all, 1, mac);
    rs_buf_put(&b, mac, sizeof(mac));
    return rs_file_replace(path, rs_buf_bytes(&b), 0600, err);
}

/* ---- Loading ------------------------------------------------------------------------------ */

static int
get_name(struct rs_cbor *c, char out[STATE_NAME_SIZE])
{
    struct rs_bytes text = rs_cbor_text(c, DOC_NAME_MAX);

    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return rs_cbor_ok(c);
}

static int
get_bytes(struct rs_cbor *c, struct rs_bytes *out)
{
    struct rs_bytes v = rs_cbor_bytes(c, 65536);
    uint8_t *p = malloc(v.len ? v.len : 1);

    if (p == NULL || !rs_cbor_ok(c)) {
        free(p);
        return 0;
    }
    if (v.len > 0)
        memcpy(p, v.p, v.len);
    *out = rs_bytes_of(p, v.len); /* which owns it now: NOLINT(clang-analyzer-unix.Malloc) */
    return 1;
}

static size_t
get_count(struct rs_cbor *c)
{
    uint64_t n = rs_cbor_uint(c);

    if (n > RECORDS_MAX)
        c->in.failed = 1;
    return rs_cbor_ok(c) ? (size_t)n : 0;
}

struct counts {
    size_t profiles, issuers, orders, officers;
};

static int
get_head(struct rs_cbor *c, struct state *s, struct counts *n)
{
    (void)rs_cbor_array(c, 14);
    if (rs_cbor_uint(c) != VERSION || !get_name(c, s->installation) || !get_name(c, s->tenant))
        return 0;
    s->production = rs_cbor_bool(c);
    s->epoch = (uint16_t)rs_cbor_uint(c);
    s->next_index = rs_cbor_uint(c);
    s->floor_ms = rs_cbor_int(c);
    struct rs_bytes claim = rs_cbor_bytes(c, sizeof(s->claim_hash));
    if (claim.len == sizeof(s->claim_hash))
        memcpy(s->claim_hash, claim.p, claim.len);
    s->claim_until = rs_cbor_int(c);
    s->claims_left = (unsigned)rs_cbor_uint(c);
    n->profiles = get_count(c);
    n->issuers = get_count(c);
    n->orders = get_count(c);
    n->officers = get_count(c);
    return rs_cbor_ok(c);
}

/* Zeroed room for n records; the count grows as they are filled, so that state_done() fits. */
static void *
get_room(size_t *cap, size_t n, size_t size)
{
    *cap = n ? n : 1;
    return calloc(*cap, size);
}

static int
get_profiles(struct rs_cbor *c, struct state *s, size_t n)
{
    s->profiles = get_room(&s->profile_cap, n, sizeof(*s->profiles));
    if (s->profiles == NULL)
        return 0;
    for (size_t i = 0; i < n; i++) {
        struct state_profile *p = &s->profiles[i];
        s->profile_count++;
        if (!get_name(c, p->tenant) || !get_bytes(c, &p->document) ||
            doc_profile_read(p->document, &p->doc, NULL) != RS_OK)
            return 0;
        crypto_sha256(p->document, p->hash);
    }
    return 1;
}

static int
get_revoked(struct rs_cbor *c, struct state_issuer *i)
{
    size_t n = get_count(c);
    struct rs_bytes packed = rs_read_bytes(&c->in, n * REVOKED_SIZE);

    i->revoked = get_room(&i->revoked_cap, n, sizeof(*i->revoked));
    if (!rs_cbor_ok(c) || i->revoked == NULL)
        return 0;
    for (size_t k = 0; k < n; k++) {
        const uint8_t *p = packed.p + k * REVOKED_SIZE;
        memcpy(i->revoked[k].serial, p, 20);
        i->revoked[k].serial_len = p[20];
        i->revoked[k].reason = p[21];
        i->revoked[k].revoked_at = (int64_t)rs_get_u64(p + 22);
    }
    i->revoked_count = n;
    return 1;
}

static int
get_issuers(struct rs_cbor *c, struct state *s, size_t n)
{
    s->issuers = get_room(&s->issuer_cap, n, sizeof(*s->issuers));
    if (s->issuers == NULL)
        return 0;
    for (size_t k = 0; k < n; k++) {
        struct state_issuer *i = &s->issuers[k];
        s->issuer_count++;
        if (!get_name(c, i->tenant) || !get_bytes(c, &i->document) || !get_bytes(c, &i->tbs) ||
            doc_issuer_read(i->document, &i->doc, NULL) != RS_OK)
            return 0;
        i->crl_number = rs_cbor_uint(c);
        i->crl_this_update = rs_cbor_int(c);
        if (!get_revoked(c, i))
            return 0;
    }
    return 1;
}

static int
get_orders(struct rs_cbor *c, struct state *s, size_t n)
{
    s->orders = get_room(&s->order_cap, n, sizeof(*s->orders));
    if (s->orders == NULL)
        return 0;
    for (size_t k = 0; k < n; k++) {
        struct state_order *o = &s->orders[k];
        s->order_count++;
        if (!get_name(c, o->tenant) || !get_bytes(c, &o->document) ||
            doc_order_read(o->document, &o->doc, NULL) != RS_OK)
            return 0;
        o->taken = rs_cbor_uint(c);
        if (get_count(c) != o->doc.share_count)
            return 0;
        for (size_t i = 0; i < o->doc.share_count; i++) {
            struct rs_bytes station = o->doc.shares[i].station;
            memcpy(o->shares[i].station, station.p, station.len);
            o->shares[i].size = o->doc.shares[i].size;
            o->shares[i].taken = rs_cbor_uint(c);
        }
    }
    return 1;
}

static int
get_officers(struct rs_cbor *c, struct state *s, size_t n)
{
    s->officers = get_room(&s->officer_cap, n, sizeof(*s->officers));
    if (s->officers == NULL)
        return 0;
    for (size_t k = 0; k < n; k++) {
        struct state_officer *o = &s->officers[k];
        s->officer_count++;
        if (!get_name(c, o->tenant) || !get_bytes(c, &o->document) ||
            doc_officer_read(o->document, &o->doc, NULL) != RS_OK)
            return 0;
        crypto_sha256(o->doc.spki, o->key_hash);
    }
    return 1;
}

static int
parse(struct rs_bytes body, struct state *s)
{
    struct rs_cbor c;
    struct counts n = {0};

    rs_cbor_init(&c, body);
    return get_head(&c, s, &n) && get_profiles(&c, s, n.profiles) &&
           get_issuers(&c, s, n.issuers) && get_orders(&c, s, n.orders) &&
           get_officers(&c, s, n.officers) && rs_cbor_done(&c);
}

int
snapshot_load(struct state *s, const uint8_t mac_key[32], const char *path)
{
    uint8_t mac[CRYPTO_SHA256_SIZE];
    struct rs_bytes body;

    RS_AUTO(rs_buf_done) struct rs_buf b;
    rs_buf_init(&b, SNAPSHOT_MAX);
    state_init(s);
    if (!rs_path_exists(path) || rs_file_read(path, SNAPSHOT_MAX, &b, NULL) != RS_OK ||
        b.len < sizeof(mac))
        return 0;
    body = rs_bytes_of(b.p, b.len - sizeof(mac));
    crypto_hmac_sha256(rs_bytes_of(mac_key, 32), &body, 1, mac);
    if (!rs_bytes_equal_secret(RS_BYTES(mac), rs_bytes_of(b.p + body.len, sizeof(mac))))
        return 0;
    if (!parse(body, s)) {
        state_done(s);
        return 0;
    }
    return 1;
}
