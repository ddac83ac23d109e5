/*
 * issuer.c: see issuer.h.  Also the bootstrap, which is issuers without officers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cbor.h"
#include "base/io.h"
#include "crypto/hash.h"

#define KU_KEY_CERT_SIGN (1u << 5)
#define KU_CRL_SIGN      (1u << 6)

static enum crypto_alg
issuer_alg(uint64_t key_alg)
{
    switch (key_alg) {
    case DOC_KEY_P384:
        return CRYPTO_P384;
    case DOC_KEY_ED25519:
        return CRYPTO_ED25519;
    case DOC_KEY_RSA3072:
        return CRYPTO_RSA3072;
    default:
        return CRYPTO_P256;
    }
}

static rs_code
check_parent(struct signer *s, const struct proto_document *m, const struct doc_issuer *doc,
             struct rs_err *err)
{
    struct state_issuer *parent = state_find_issuer(&s->state, m->tenant, doc->parent);

    if (doc->parent.len == 0)
        return RS_OK;
    if (parent == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "issuer: no parent %.*s", (int)doc->parent.len,
                       (const char *)doc->parent.p);
    if (parent->doc.path_length == 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT,
                       "issuer: its parent may have no CA below it (path length 0)");
    if (doc->path_length < 0 ||
        (parent->doc.path_length > 0 && doc->path_length >= parent->doc.path_length))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "issuer: path length must be below its parent's");
    if (doc->not_after > parent->doc.not_after || doc->not_before < parent->doc.not_before)
        return rs_fail(err, RS_E_ISSUER_EXPIRY, "issuer: it would outlive its parent");
    return RS_OK;
}

rs_code
signer_check_issuer(struct signer *s, const struct proto_document *m, struct rs_err *err)
{
    const struct state_issuer *rec;
    struct doc_issuer doc;
    rs_code rc;

    rc = doc_issuer_read(m->document, &doc, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_bytes_equal(doc.name, m->name))
        return rs_fail(err, RS_E_APPROVAL_INVALID, "document: its name is another one");
    rec = state_find_issuer(&s->state, m->tenant, doc.name);
    if (rec != NULL && (signer_find_issuer(s, m->tenant, doc.name) != NULL ||
                        !rs_bytes_equal(rec->document, m->document)))
        return rs_fail(err, RS_E_EXISTS, "issuer %.*s exists already", (int)doc.name.len,
                       (const char *)doc.name.p);
    if (doc.key_alg != DOC_KEY_P256 && doc.key_alg != DOC_KEY_P384 &&
        doc.key_alg != DOC_KEY_ED25519 && doc.key_alg != DOC_KEY_RSA3072)
        return rs_fail(err, RS_E_KEY_WEAK, "issuer: key must be p256, p384, ed25519 or rsa3072");
    if (doc.not_after <= doc.not_before || doc.not_after == DOC_NEVER || doc.path_length > 8)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "issuer: dates or path length out of range");
    return check_parent(s, m, &doc, err);
}

/* ---- Certificate ---------------------------------------------------------------------------- */

struct maker {
    struct signer *s;
    const struct proto_document *m;
    struct doc_issuer doc;
    struct crypto_key *key;
    const struct issuer *parent; /* NULL: a root */
    char name[STATE_NAME_SIZE];
};

static rs_code
subject_name(const struct maker *k, uint8_t *buf, size_t cap, struct rs_bytes *ret_name,
             struct rs_err *err)
{
    struct name_pattern pattern;
    struct der_out o;
    rs_code rc = name_pattern_read(k->doc.subject, &pattern, err);

    der_out_init(&o, buf, cap);
    if (rc == RS_OK)
        rc = name_put(&o, &pattern, NULL, NULL, err);
    if (rc == RS_OK && !der_out_ok(&o))
        rc = rs_fail(err, RS_E_CONFIG_INVALID, "issuer: subject too long");
    if (rc == RS_OK)
        *ret_name = der_out_bytes(&o);
    return rc;
}

static void
fill_spec(const struct maker *k, struct rs_bytes own_name, struct template_spec *spec)
{
    const struct state_issuer *parent_rec;

    memset(spec, 0, sizeof(*spec));
    spec->subject = k->doc.subject;
    spec->ski = TEMPLATE_SKI_SHA256;
    spec->is_ca = 1;
    spec->path_length = k->doc.path_length;
    spec->key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
    if (k->parent == NULL) {
        spec->issuer_name = own_name;
        spec->sig_alg = crypto_sig_for(crypto_key_alg(k->key));
        return;
    }
    spec->issuer_name = k->parent->cert.subject;
    spec->issuer_key_id = k->parent->cert.ski;
    spec->sig_alg = crypto_sig_for(crypto_key_alg(k->parent->key));
    parent_rec = state_find_issuer(&k->s->state, k->m->tenant, k->doc.parent);
    if (parent_rec != NULL) {
        spec->crl_url = parent_rec->doc.crl_url;
        spec->ca_url = parent_rec->doc.ca_url;
    }
}

static rs_code
build_tbs(struct maker *k, uint8_t *buf, size_t cap, struct rs_bytes *ret_tbs, struct rs_err *err)
{
    struct template_values v = {.not_before = k->doc.not_before,
                                .not_after = k->doc.not_after,
                                .pub = crypto_key_pub(k->key)};
    uint8_t serial[SIGNER_SERIAL_SIZE], name[NAME_TEXT_MAX];
    struct rs_bytes own_name = {NULL, 0};
    struct template_spec spec;
    int64_t now;
    rs_code rc;

    struct template *t = malloc(sizeof(*t));
    if (t == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "template");
    rc = subject_name(k, name, sizeof(name), &own_name, err);
    if (rc == RS_OK) {
        fill_spec(k, own_name, &spec);
        rc = template_compile(&spec, t, err);
    }
    if (rc == RS_OK)
        rc = signer_now(k->s, &now, err);
    if (rc == RS_OK)
        rc = signer_draw_serial(k->s, now, serial, err);
    v.serial = RS_BYTES(serial);
    if (rc == RS_OK)
        rc = template_build(t, &v, buf, cap, ret_tbs, err);
    free(t);
    return rc;
}

static rs_code
put_issued_leaf(struct maker *k, struct rs_bytes tbs, uint64_t *ret_leaf, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct leaf_issued leaf = {.tenant = k->m->tenant,
                               .issuer = k->doc.parent.len ? k->doc.parent : k->doc.name,
                               .profile = rs_bytes_str("ca"),
                               .profile_hash = RS_BYTES(hash),
                               .request_id = RS_BYTES(hash),
                               .device = k->doc.name,
                               .object = rs_bytes_str("ca"),
                               .who = k->m->who,
                               .tbs = tbs};

    RS_AUTO(rs_buf_done) struct rs_buf content;
    rs_buf_init(&content, LEDGER_CONTENT_MAX);
    crypto_sha256(k->m->document, hash);
    leaf_issued_put(&content, &leaf);
    if (!rs_buf_ok(&content))
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "issuer: does not fit a leaf");
    return signer_commit_one(k->s, LEDGER_ISSUED, rs_buf_bytes(&content), ret_leaf, err);
}

static rs_code
write_certificate(struct maker *k, struct rs_bytes tbs, struct rs_err *err)
{
    char path[640], file[STATE_NAME_SIZE + 16];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CERT_BYTES_MAX);
    rc = signer_finish_issue(k->parent != NULL ? k->parent->key : k->key, tbs, &der, err);
    (void)snprintf(file, sizeof(file), "ca/%s.cer", k->name);
    if (rc == RS_OK)
        rc = rs_path_join(k->s->config.dir, "ca", path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_dir_make(path, 0700, err);
    if (rc == RS_OK)
        rc = rs_path_join(k->s->config.dir, file, path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_file_replace(path, rs_buf_bytes(&der), 0600, err);
    return rc;
}

static rs_code
certify(struct maker *k, uint64_t *ret_leaf, struct rs_err *err)
{
    uint8_t room[SIGNER_TBS_MAX];
    struct rs_bytes tbs;
    rs_code rc;

    rc = build_tbs(k, room, sizeof(room), &tbs, err);
    if (rc == RS_OK)
        rc = put_issued_leaf(k, tbs, ret_leaf, err);
    if (rc == RS_OK)
        rc = write_certificate(k, tbs, err);
    return rc;
}

rs_code
signer_complete_issuer(struct signer *s, const struct state_issuer *rec, struct crypto_key *key,
                       struct rs_err *err)
{
    struct maker k = {.s = s, .doc = rec->doc, .key = key};
    char path[640], file[STATE_NAME_SIZE + 16];
    rs_code rc;

    memcpy(k.name, k.doc.name.p, k.doc.name.len);
    (void)snprintf(file, sizeof(file), "ca/%s.cer", k.name);
    rc = rs_path_join(s->config.dir, file, path, sizeof(path), err);
    if (rc != RS_OK || rs_path_exists(path))
        return rc;
    if (k.doc.parent.len != 0) {
        k.parent = signer_find_issuer(s, rs_bytes_str(rec->tenant), k.doc.parent);
        if (k.parent == NULL)
            return rs_fail(err, RS_E_ISSUER_UNKNOWN, "issuer: its parent's key is not here");
    }
    return write_certificate(&k, rec->tbs, err);
}

/* A key that an attempt left behind has signed nothing yet: it is taken, if it is of the kind. */
static rs_code
make_key(struct maker *k, struct rs_err *err)
{
    struct state *state = &k->s->state;
    struct keystore *keys = &k->s->keys;
    enum crypto_alg alg = issuer_alg(k->doc.key_alg);
    int taken = strcmp(k->name, SIGNER_LEDGER_KEY) == 0;
    rs_code rc;

    for (size_t i = 0; i < state->issuer_count; i++) {
        taken |= rs_bytes_equal(state->issuers[i].doc.name, k->doc.name) &&
                 !rs_bytes_equal(rs_bytes_str(state->issuers[i].tenant), k->m->tenant);
    }
    if (taken)
        return rs_fail(err, RS_E_EXISTS, "issuer: another key has the name %s", k->name);
    if (!keystore_has(keys, k->name))
        return keystore_generate(keys, k->name, alg, &k->key, err);
    rc = keystore_load(keys, k->name, &k->key, err);
    if (rc == RS_OK && crypto_key_alg(k->key) != alg)
        rc = rs_fail(err, RS_E_EXISTS, "issuer: there is a key %s of another kind", k->name);
    return rc;
}

rs_code
signer_make_issuer(struct signer *s, const struct proto_document *m, uint64_t *ret_leaf,
                   struct rs_err *err)
{
    struct maker k = {.s = s, .m = m};
    struct state_issuer *rec;
    rs_code rc;

    rc = doc_issuer_read(m->document, &k.doc, err);
    if (rc != RS_OK)
        return rc;
    memcpy(k.name, k.doc.name.p, k.doc.name.len);
    if (k.doc.parent.len != 0)
        k.parent = signer_find_issuer(s, m->tenant, k.doc.parent);
    if (k.doc.parent.len != 0 && k.parent == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "issuer: its parent's key is not here");
    rc = make_key(&k, err);
    rec = state_find_issuer(&s->state, m->tenant, k.doc.name);
    if (rc == RS_OK && rec == NULL)
        rc = signer_put_document(s, LEDGER_CONFIG, m, NULL, err);
    if (rc == RS_OK && (rec == NULL || rec->tbs.len == 0))
        rc = certify(&k, ret_leaf, err);
    else if (rc == RS_OK)
        rc = write_certificate(&k, rec->tbs, err);
    crypto_key_free(k.key);
    if (rc != RS_OK)
        return rc;
    rec = state_find_issuer(&s->state, m->tenant, k.doc.name);
    return signer_open_issuer(s, rec, err);
}

/* ---- Bootstrap ------------------------------------------------------------------------------- */

static rs_code
put_bootstrap(struct signer *s, const struct proto_bootstrap *m, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct proto_document d = {.tenant = m->tenant,
                               .kind = rs_bytes_str("bootstrap"),
                               .name = m->installation,
                               .who = rs_bytes_str("init")};
    char path[640];
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, 512);
    crypto_sha256(m->claim_key, hash);
    rs_cbor_put_array(&document, 4);
    rs_cbor_put_text_bytes(&document, m->installation);
    rs_cbor_put_bool(&document, m->production);
    rs_cbor_put_bytes(&document, RS_BYTES(hash));
    rs_cbor_put_int(&document, m->claim_until);
    d.document = rs_buf_bytes(&document);
    rc = rs_path_join(s->config.dir, "claim.key", path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_file_replace(path, m->claim_key, 0600, err);
    if (rc == RS_OK)
        rc = signer_put_document(s, LEDGER_CONFIG, &d, NULL, err);
    return rc;
}

static rs_code
put_epoch(struct signer *s, struct rs_err *err)
{
    struct leaf_note note = {
        .text = rs_bytes_str("created"), .number = 1, .who = rs_bytes_str("init")};

    RS_AUTO(rs_buf_done) struct rs_buf content;
    rs_buf_init(&content, 256);
    leaf_note_put(&content, &note);
    return signer_commit_one(s, LEDGER_EPOCH, rs_buf_bytes(&content), NULL, err);
}

static rs_code
put_first_document(struct signer *s, const struct proto_bootstrap *m, size_t i, struct rs_err *err)
{
    struct proto_document d = {.tenant = m->tenant,
                               .kind = m->kinds[i],
                               .who = rs_bytes_str("init"),
                               .document = m->documents[i]};
    struct doc_profile profile;
    struct doc_issuer issuer;
    rs_code rc;

    if (rs_bytes_equal(m->kinds[i], rs_bytes_str("profile"))) {
        rc = doc_profile_read(d.document, &profile, err);
        d.name = profile.name;
        if (rc == RS_OK)
            rc = doc_profile_check(&profile, err);
        return rc == RS_OK ? signer_put_document(s, LEDGER_PROFILE, &d, NULL, err) : rc;
    }
    if (!rs_bytes_equal(m->kinds[i], rs_bytes_str("issuer")))
        return rs_fail(err, RS_E_APPROVAL_INVALID, "bootstrap: profiles and issuers only");
    rc = doc_issuer_read(d.document, &issuer, err);
    d.name = issuer.name;
    if (rc == RS_OK)
        rc = signer_check_issuer(s, &d, err);
    return rc == RS_OK ? signer_make_issuer(s, &d, NULL, err) : rc;
}

rs_code
signer_bootstrap(struct signer *s, const struct proto_bootstrap *m, struct rs_err *err)
{
    rs_code rc;

    if (s->state.next_index != 0)
        return rs_fail(err, RS_E_EXISTS, "bootstrap: this ledger has begun already");
    rc = put_epoch(s, err);
    if (rc == RS_OK)
        rc = put_bootstrap(s, m, err);
    for (size_t i = 0; i < m->document_count && rc == RS_OK; i++)
        rc = put_first_document(s, m, i, err);
    return rc;
}
