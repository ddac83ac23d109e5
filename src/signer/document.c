/*
 * document.c: approved documents, and the one-time code that makes an officer.
 *
 * A document takes effect when enough distinct officers signed exactly its
 * bytes, it obeys the rules of its kind, and it is newer than what it replaces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/cbor.h"
#include "base/clock.h"
#include "base/io.h"
#include "crypto/hash.h"
#include "signer/core.h"
#include "signer/issuer.h"

#define CLAIM_LABEL "rootsmith claim v1"
#define ROOT_LABEL  "rootsmith root v1"

/* ---- Approvals ------------------------------------------------------------------------- */

static rs_code
check_one(struct signer *s, const struct proto_document *m, const struct doc_approval *a,
          struct rs_bytes message, struct rs_err *err)
{
    struct state_officer *officer = state_find_officer(&s->state, m->tenant, a->key_hash);
    struct crypto_pub pub;
    struct rs_err why = {0};

    if (officer == NULL)
        return rs_fail(err, RS_E_APPROVAL_INVALID, "approval: by a key of no active officer");
    if (crypto_pub_read(officer->doc.spki, &pub, &why) != RS_OK ||
        crypto_verify(&pub, crypto_sig_for(pub.alg), message, a->signature, &why) != RS_OK)
        return rs_fail(err, RS_E_APPROVAL_INVALID,
                       "approval: the signature is not over this document (by %.*s)",
                       (int)officer->doc.name.len, (const char *)officer->doc.name.p);
    return RS_OK;
}

/* TM-384: distinct keys, each over exactly these bytes; one bad one spoils all. */
static rs_code
check_approvals(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    size_t needed = state_approvals_needed(&s->state, m->kind);
    char kind[32];
    rs_code rc = RS_OK;

    RS_AUTO(rs_buf_done) struct rs_buf message;
    rs_buf_init(&message, 512);
    if (m->kind.len >= sizeof(kind))
        return rs_fail(err, RS_E_APPROVAL_INVALID, "approval: unknown kind of document");
    memcpy(kind, m->kind.p, m->kind.len);
    kind[m->kind.len] = '\0';
    doc_approval_message(kind, m->name, m->document, &message);
    for (size_t i = 0; i < m->approval_count && rc == RS_OK; i++) {
        rc = check_one(s, m, &m->approvals[i], rs_buf_bytes(&message), err);
        for (size_t k = 0; k < i && rc == RS_OK; k++) {
            if (memcmp(m->approvals[k].key_hash, m->approvals[i].key_hash, 32) == 0)
                rc = rs_fail(err, RS_E_APPROVAL_INVALID, "approval: one officer counts once");
        }
    }
    if (rc == RS_OK && m->approval_count < needed)
        rc = rs_fail(err, RS_E_APPROVAL_INVALID, "approval: %zu of %zu officers signed",
                     m->approval_count, needed);
    return rc;
}

/* ---- Rules by kind -------------------------------------------------------------------------- */

static rs_code
check_name(struct rs_bytes said, struct rs_bytes name, struct rs_err *err)
{
    if (!rs_bytes_equal(said, name))
        return rs_fail(err, RS_E_APPROVAL_INVALID, "document: its name is another one");
    return RS_OK;
}

static rs_code
check_profile(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    struct doc_profile doc;
    struct state_profile *before = state_find_profile_named(&s->state, m->tenant, m->name);
    rs_code rc;

    rc = doc_profile_read(m->document, &doc, err);
    if (rc == RS_OK)
        rc = check_name(doc.name, m->name, err);
    if (rc == RS_OK)
        rc = doc_profile_check(&doc, err);
    if (rc == RS_OK && doc.type == DOC_PROFILE_CA)
        rc = rs_fail(err, RS_E_PROFILE_LIMIT, "profile: CAs have issuer documents, not profiles");
    if (rc == RS_OK && doc.version != (before != NULL ? before->doc.version + 1 : 1))
        rc = rs_fail(err, RS_E_EXISTS, "profile %.*s: the next version is %llu", (int)m->name.len,
                     (const char *)m->name.p,
                     (unsigned long long)(before != NULL ? before->doc.version + 1 : 1));
    return rc;
}

static rs_code
check_order_change(const struct state_order *before, const struct doc_order *doc,
                   struct rs_err *err)
{
    const struct doc_order *b = &before->doc;

    if (doc->created_at <= b->created_at)
        return rs_fail(err, RS_E_APPROVAL_INVALID,
                       "order: this version is not newer than the one in force");
    if (!rs_bytes_equal(doc->issuer, b->issuer) || !rs_bytes_equal(doc->product, b->product) ||
        !rs_bytes_equal(doc->profile_hash, b->profile_hash))
        return rs_fail(err, RS_E_PROFILE_LIMIT,
                       "order: product, issuer and profile never change; make another order");
    if (b->state == DOC_ORDER_CLOSED)
        return rs_fail(err, RS_E_ORDER_CLOSED, "order: closed stays closed");
    if (doc->quantity < before->taken)
        return rs_fail(err, RS_E_ORDER_EXHAUSTED, "order: %llu are made already",
                       (unsigned long long)before->taken);
    return RS_OK;
}

static rs_code
check_order(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    struct state_order *before = state_find_order(&s->state, m->tenant, m->name);
    struct state_profile *profile;
    struct doc_order doc;
    rs_code rc;

    rc = doc_order_read(m->document, &doc, err);
    if (rc == RS_OK)
        rc = check_name(doc.name, m->name, err);
    if (rc == RS_OK)
        rc = doc_order_check(&doc, err);
    if (rc != RS_OK)
        return rc;
    if (signer_find_issuer(s, m->tenant, doc.issuer) == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "order: no issuer %.*s", (int)doc.issuer.len,
                       (const char *)doc.issuer.p);
    profile = state_find_profile(&s->state, m->tenant, doc.profile_hash);
    if (profile == NULL || !rs_bytes_equal(profile->doc.name, doc.profile))
        return rs_fail(err, RS_E_PROFILE_UNKNOWN, "order: no approved profile %.*s of this hash",
                       (int)doc.profile.len, (const char *)doc.profile.p);
    return before != NULL ? check_order_change(before, &doc, err) : RS_OK;
}

static rs_code
check_officer(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    struct doc_officer doc;
    struct crypto_pub pub;
    rs_code rc;

    rc = doc_officer_read(m->document, &doc, err);
    if (rc == RS_OK)
        rc = check_name(doc.name, m->name, err);
    if (rc == RS_OK)
        rc = crypto_pub_read(doc.spki, &pub, err);
    for (size_t i = 0; i < s->state.officer_count && rc == RS_OK; i++) {
        const struct state_officer *o = &s->state.officers[i];
        if (rs_bytes_equal(o->doc.name, doc.name) && doc.version <= o->doc.version)
            rc = rs_fail(err, RS_E_APPROVAL_INVALID,
                         "officer: this version is not newer than the one in force");
    }
    return rc;
}

/* ---- Taking effect --------------------------------------------------------------------------- */

static void
put_approvals(struct rs_buf *out, const struct proto_document *m)
{
    rs_cbor_put_array(out, m->approval_count * 2);
    for (size_t i = 0; i < m->approval_count; i++) {
        rs_cbor_put_bytes(out, RS_BYTES(m->approvals[i].key_hash));
        rs_cbor_put_bytes(out, m->approvals[i].signature);
    }
}

rs_code
signer_put_document(struct signer *s, enum ledger_type type, const struct proto_document *m,
                    uint64_t *ret_leaf, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct leaf_document leaf = {.tenant = m->tenant,
                                 .kind = m->kind,
                                 .name = m->name,
                                 .document = m->document,
                                 .hash = RS_BYTES(hash),
                                 .who = m->who};

    RS_AUTO(rs_buf_done) struct rs_buf approvals, content;
    rs_buf_init(&approvals, 4096);
    rs_buf_init(&content, LEDGER_CONTENT_MAX);
    crypto_sha256(m->document, hash);
    put_approvals(&approvals, m);
    leaf.approvals = rs_buf_bytes(&approvals);
    leaf_document_put(&content, &leaf);
    if (!rs_buf_ok(&approvals) || !rs_buf_ok(&content))
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "document: it does not fit a ledger leaf");
    return signer_commit_one(s, type, rs_buf_bytes(&content), ret_leaf, err);
}

rs_code
signer_document(struct signer *s, const struct proto_document *m, uint64_t *ret_leaf,
                struct rs_err *err)
{
    enum ledger_type type;
    rs_code rc;

    if (rs_bytes_equal(m->kind, rs_bytes_str("profile"))) {
        type = LEDGER_PROFILE;
        rc = check_profile(s, m, err);
    } else if (rs_bytes_equal(m->kind, rs_bytes_str("order"))) {
        type = LEDGER_ORDER;
        rc = check_order(s, m, err);
    } else if (rs_bytes_equal(m->kind, rs_bytes_str("officer"))) {
        type = LEDGER_CONFIG;
        rc = check_officer(s, m, err);
    } else if (rs_bytes_equal(m->kind, rs_bytes_str("issuer"))) {
        type = LEDGER_CONFIG;
        rc = signer_check_issuer(s, m, err);
    } else if (rs_bytes_equal(m->kind, rs_bytes_str("cross"))) {
        type = LEDGER_CONFIG;
        rc = signer_check_cross(s, m, err);
    } else {
        return rs_fail(err, RS_E_APPROVAL_INVALID, "document: unknown kind %.*s", (int)m->kind.len,
                       (const char *)m->kind.p);
    }
    if (rc == RS_OK)
        rc = check_approvals(s, m, err);
    if (rc != RS_OK)
        return rc;
    if (rs_bytes_equal(m->kind, rs_bytes_str("issuer")))
        return signer_make_issuer(s, m, ret_leaf, err);
    if (rs_bytes_equal(m->kind, rs_bytes_str("cross")))
        return signer_make_cross(s, m, ret_leaf, err);
    return signer_put_document(s, type, m, ret_leaf, err);
}

/* ---- Claims ------------------------------------------------------------------------------------- */

static rs_code
load_claim_key(const struct signer *s, struct rs_secret *key, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct rs_err why = {0}; /* names a path, which is not for who claims */
    char path[640];
    rs_code rc;

    rc = rs_path_join(s->config.dir, "claim.key", path, sizeof(path), &why);
    if (rc == RS_OK)
        rc = rs_secret_read_bytes(path, key, &why);
    if (rc != RS_OK)
        return rs_fail(err, RS_E_AUTH_TOKEN, "claim: no code is open");
    crypto_sha256(rs_bytes_of(key->p, key->len), hash);
    if (memcmp(hash, s->state.claim_hash, sizeof(hash)) != 0)
        return rs_fail(err, RS_E_AUTH_TOKEN, "claim: the file is not the one the ledger names");
    return RS_OK;
}

/* The first CA that may sign for people: whoever claims gets a certificate of it. */
static const struct state_issuer *
peoples_issuer(const struct signer *s)
{
    for (size_t i = 0; i < s->state.issuer_count; i++) {
        const struct doc_text_list *list = &s->state.issuers[i].doc.profiles;
        for (size_t k = 0; k < list->count; k++) {
            if (rs_bytes_equal(list->items[k], rs_bytes_str("person")))
                return &s->state.issuers[i];
        }
    }
    return NULL;
}

/* There may be several roots (cross.c): the one that the claimer's chain ends in is proved. */
static void
prove_root(struct signer *s, const struct rs_secret *key, uint8_t proof[32])
{
    uint8_t hash[CRYPTO_SHA256_SIZE] = {0};
    struct rs_bytes parts[] = {rs_bytes_str(ROOT_LABEL), RS_BYTES(hash)};
    const struct state_issuer *at = peoples_issuer(s);

    while (at != NULL && at->doc.parent.len != 0)
        at = state_find_issuer(&s->state, rs_bytes_str(at->tenant), at->doc.parent);
    for (size_t i = 0; at != NULL && i < s->issuer_count; i++) {
        if (rs_bytes_equal(rs_bytes_str(s->issuers[i].name), at->doc.name))
            cert_fingerprint(rs_bytes_of(s->issuers[i].der, s->issuers[i].der_len), hash);
    }
    crypto_hmac_sha256(rs_bytes_of(key->p, key->len), parts, 2, proof);
}

static rs_code
check_claim(struct signer *s, const struct proto_claim *m, uint8_t ret_proof[32],
            struct rs_err *err)
{
    static const uint8_t nul = 0;
    struct rs_bytes parts[] = {rs_bytes_str(CLAIM_LABEL), {&nul, 1}, m->name, {&nul, 1}, m->spki};
    uint8_t mac[CRYPTO_SHA256_SIZE];
    rs_code rc;

    RS_AUTO(rs_secret_done) struct rs_secret key = {0};
    if (s->state.claims_left == 0 || s->state.claim_until < rs_now())
        return rs_fail(err, RS_E_AUTH_TOKEN, "claim: no code is open, or it has expired");
    rc = load_claim_key(s, &key, err);
    if (rc != RS_OK)
        return rc;
    crypto_hmac_sha256(rs_bytes_of(key.p, key.len), parts, sizeof(parts) / sizeof(parts[0]), mac);
    if (!rs_bytes_equal_secret(RS_BYTES(mac), m->proof))
        return rs_fail(err, RS_E_AUTH_TOKEN, "claim: the proof is not made with the code");
    prove_root(s, &key, ret_proof);
    return RS_OK;
}

rs_code
signer_claim(struct signer *s, const struct proto_claim *m, uint64_t *ret_leaf,
             uint8_t ret_proof[32], struct rs_err *err)
{
    struct doc_officer doc = {.name = m->name, .version = 1, .spki = m->spki, .active = 1};
    struct proto_document d = {.tenant = m->tenant,
                               .kind = rs_bytes_str("officer"),
                               .name = m->name,
                               .who = rs_bytes_str("claim")};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rc = check_claim(s, m, ret_proof, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_init(&document, 4096);
    doc_officer_put(&document, &doc);
    d.document = rs_buf_bytes(&document);
    rc = check_officer(s, &d, err);
    if (rc == RS_OK)
        rc = signer_put_document(s, LEDGER_CONFIG, &d, ret_leaf, err);
    return rc;
}

rs_code
signer_new_claim(struct signer *s, const uint8_t key[32], int64_t until, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct proto_document d = {.tenant = rs_bytes_str(s->state.tenant),
                               .kind = rs_bytes_str("claim"),
                               .name = rs_bytes_str("claim"),
                               .who = rs_bytes_str("console")};
    char path[640];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, 256);
    crypto_sha256(rs_bytes_of(key, 32), hash);
    rs_cbor_put_array(&document, 2);
    rs_cbor_put_bytes(&document, RS_BYTES(hash));
    rs_cbor_put_int(&document, until);
    d.document = rs_buf_bytes(&document);
    rc = rs_path_join(s->config.dir, "claim.key", path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_file_replace(path, rs_bytes_of(key, 32), 0600, err);
    if (rc == RS_OK)
        rc = signer_put_document(s, LEDGER_CONFIG, &d, NULL, err);
    return rc;
}
