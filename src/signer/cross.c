/*
 * cross.c: the certificates between a root and its next key (RFC 4210 4.4).
 *
 * A root that is rolled over keeps its name and gets another key: a second root
 * (issuer.c).  Who trusts the one comes to the other by two certificates: the new
 * key by the old one (newWithOld) and the old key by the new one (oldWithNew).
 * Each is asked for by an approved document of its own, and is made like any
 * other certificate: leaf first; the signature is made when the leaf is taken
 * over (run.c).
 *
 * What may be asked for is just this: both CAs are roots of one tenant with one
 * name, so that no foreign CA, and no CA from lower down, ever comes under a root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "signer/core.h"
#include "signer/issuer.h"

#define KU_KEY_CERT_SIGN (1u << 5)
#define KU_CRL_SIGN      (1u << 6)
#define FRESH_S          86400 /* an approval does not stand for another certificate next year */

/* Both ends of the link. */
struct link {
    struct doc_cross doc;
    const struct state_issuer *of_record, *by_record;
    const struct issuer *of, *by;
};

static rs_code
find_ends(struct signer *s, const struct proto_document *m, struct link *l, struct rs_err *err)
{
    l->of_record = state_find_issuer(&s->state, m->tenant, l->doc.of);
    l->by_record = state_find_issuer(&s->state, m->tenant, l->doc.by);
    l->of = signer_find_issuer(s, m->tenant, l->doc.of);
    l->by = signer_find_issuer(s, m->tenant, l->doc.by);
    if (l->of == NULL || l->by == NULL || l->of_record == NULL || l->by_record == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "cross: one of the two CAs is not here");
    return RS_OK;
}

static rs_code
check(struct signer *s, const struct proto_document *m, struct link *l, struct rs_err *err)
{
    int64_t now = rs_now();
    rs_code rc = doc_cross_read(m->document, &l->doc, err);

    if (rc == RS_OK && !rs_bytes_equal(l->doc.of, m->name))
        rc = rs_fail(err, RS_E_APPROVAL_INVALID, "document: its name is another one");
    if (rc == RS_OK && (l->doc.created_at > now + 60 || l->doc.created_at < now - FRESH_S))
        rc = rs_fail(err, RS_E_APPROVAL_INVALID, "cross: it was approved too long ago");
    if (rc == RS_OK)
        rc = find_ends(s, m, l, err);
    if (rc != RS_OK)
        return rc;
    if (l->of == l->by || l->of_record->doc.parent.len != 0 || l->by_record->doc.parent.len != 0 ||
        !rs_bytes_equal(l->of->cert.subject, l->by->cert.subject))
        return rs_fail(err, RS_E_PROFILE_LIMIT,
                       "cross: only between two roots of one name (RFC 4210 4.4)");
    return RS_OK;
}

rs_code
signer_check_cross(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    struct link l;

    return check(s, m, &l, err);
}

static void
fill_spec(const struct link *l, struct template_spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    spec->sig_alg = crypto_sig_for(crypto_key_alg(l->by->key));
    spec->issuer_name = l->by->cert.subject;
    spec->issuer_key_id = l->by->cert.ski;
    spec->subject = l->of_record->doc.subject;
    spec->ski = TEMPLATE_SKI_SHA256;
    spec->is_ca = 1;
    spec->path_length = l->of_record->doc.path_length;
    spec->key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
    spec->crl_url = l->by_record->doc.crl_url;
    spec->ca_url = l->by_record->doc.ca_url;
}

/* As long as both keys are good. */
static void
fill_dates(const struct link *l, struct template_values *v)
{
    const struct doc_issuer *a = &l->of_record->doc, *b = &l->by_record->doc;

    v->not_before = a->not_before > b->not_before ? a->not_before : b->not_before;
    v->not_after = a->not_after < b->not_after ? a->not_after : b->not_after;
}

static rs_code
build(struct signer *s, const struct link *l, uint8_t *room, size_t cap, struct rs_bytes *ret_tbs,
      struct rs_err *err)
{
    struct template_values v = {.pub = crypto_key_pub(l->of->key)};
    uint8_t serial[SIGNER_SERIAL_SIZE];
    struct template *t = malloc(sizeof(*t));
    struct template_spec spec;
    int64_t now;
    rs_code rc;

    if (t == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "template");
    fill_spec(l, &spec);
    fill_dates(l, &v);
    rc = template_compile(&spec, t, err);
    if (rc == RS_OK)
        rc = signer_now(s, &now, err);
    if (rc == RS_OK)
        rc = signer_draw_serial(s, now, serial, err);
    v.serial = RS_BYTES(serial);
    if (rc == RS_OK)
        rc = template_build(t, &v, room, cap, ret_tbs, err);
    free(t);
    return rc;
}

/* The document with its approvals, then what is to be signed because of it. */
rs_code
signer_make_cross(struct signer *s, const struct proto_document *m, uint64_t *ret_leaf,
                  struct rs_err *err)
{
    uint8_t room[SIGNER_TBS_MAX], hash[CRYPTO_SHA256_SIZE];
    struct leaf_issued leaf = {.tenant = m->tenant,
                               .profile = rs_bytes_str("ca"),
                               .profile_hash = RS_BYTES(hash),
                               .request_id = RS_BYTES(hash),
                               .device = m->name,
                               .object = rs_bytes_str("cross"),
                               .who = m->who};
    struct link l;
    rs_code rc = check(s, m, &l, err);

    RS_AUTO(rs_buf_done) struct rs_buf content;
    rs_buf_init(&content, LEDGER_CONTENT_MAX);
    crypto_sha256(m->document, hash);
    if (rc == RS_OK)
        rc = build(s, &l, room, sizeof(room), &leaf.tbs, err);
    if (rc != RS_OK)
        return rc;
    leaf.issuer = l.doc.by;
    leaf_issued_put(&content, &leaf);
    if (!rs_buf_ok(&content))
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "cross: does not fit a leaf");
    rc = signer_put_document(s, LEDGER_CONFIG, m, NULL, err);
    if (rc == RS_OK)
        rc = signer_commit_one(s, LEDGER_ISSUED, rs_buf_bytes(&content), ret_leaf, err);
    return rc;
}
