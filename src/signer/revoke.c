/*
 * revoke.c: revocations and the lists of them.
 *
 * The signer keeps every issuer's revoked set itself, so that a list can never
 * leave an entry out, whatever the front asks (L4).  Entries are never dropped:
 * a list with expired entries is valid, a list without a needed one is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "signer/core.h"
#include "x509/crl.h"

#define REASON_UNUSED 7

rs_code
signer_prepare_revoke(struct signer *s, const struct proto_revoke *m, int64_t now_ms,
                      struct rs_buf *contents, struct rs_err *err)
{
    struct state_issuer *issuer = state_find_issuer(&s->state, m->tenant, m->issuer);
    struct leaf_revoked leaf = {.tenant = m->tenant,
                                .issuer = m->issuer,
                                .serial = m->serial,
                                .request_id = m->request_id,
                                .who = m->who,
                                .text = m->text,
                                .reason = m->reason,
                                .revoked_at = now_ms / 1000};

    if (issuer == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "signer: no issuer %.*s", (int)m->issuer.len,
                       (const char *)m->issuer.p);
    if (m->serial.len == 0 || m->reason > CRL_AA_COMPROMISE || m->reason == REASON_UNUSED ||
        m->reason == CRL_REMOVE)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "revoke: serial or reason (RFC 5280 5.3.1)");
    if (state_is_revoked(issuer, m->serial))
        return rs_fail(err, RS_E_CERT_REVOKED, "revoke: it is revoked already");
    leaf_revoked_put(contents, &leaf);
    return RS_OK;
}

static void
get_entry(void *arg, size_t i, struct crl_entry *ret_entry)
{
    const struct state_issuer *issuer = arg;
    const struct state_revoked *r = &issuer->revoked[i];

    ret_entry->serial = rs_bytes_of(r->serial, r->serial_len);
    ret_entry->revoked_at = r->revoked_at;
    ret_entry->reason = r->reason;
}

static rs_code
put_crl_leaf(struct signer *s, const struct proto_crl *m, const struct crl_spec *spec,
             struct rs_bytes tbs, struct rs_err *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct leaf_crl leaf = {.tenant = m->tenant,
                            .issuer = m->issuer,
                            .number = spec->number,
                            .this_update = spec->this_update,
                            .next_update = spec->next_update,
                            .entries = spec->entry_count,
                            .tbs_hash = RS_BYTES(hash)};

    RS_AUTO(rs_buf_done) struct rs_buf content;
    rs_buf_init(&content, 1024);
    crypto_sha256(tbs, hash);
    leaf_crl_put(&content, &leaf);
    return signer_commit_one(s, LEDGER_CRL, rs_buf_bytes(&content), NULL, err);
}

static rs_code
sign_crl(struct signer *s, const struct proto_crl *m, const struct issuer *issuer,
         const struct crl_spec *spec, struct rs_buf *ret_der, struct rs_err *err)
{
    size_t cap = crl_capacity(spec);
    uint8_t *room = malloc(cap);
    struct rs_bytes tbs;
    rs_code rc;

    if (room == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "CRL of %zu entries", spec->entry_count);
    rc = crl_build(spec, room, cap, &tbs, err);
    if (rc == RS_OK)
        rc = put_crl_leaf(s, m, spec, tbs, err);
    if (rc == RS_OK)
        rc = signer_finish_issue(issuer->key, tbs, ret_der, err);
    free(room);
    return rc;
}

rs_code
signer_crl(struct signer *s, const struct proto_crl *m, struct rs_buf *ret_der, struct rs_err *err)
{
    struct state_issuer *rec = state_find_issuer(&s->state, m->tenant, m->issuer);
    struct issuer *issuer = signer_find_issuer(s, m->tenant, m->issuer);
    struct crl_spec spec = {0};
    int64_t now;
    rs_code rc;

    if (rec == NULL || issuer == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "signer: no issuer %.*s", (int)m->issuer.len,
                       (const char *)m->issuer.p);
    rc = signer_now(s, &now, err);
    if (rc != RS_OK)
        return rc;
    spec.sig_alg = crypto_sig_for(crypto_key_alg(issuer->key));
    spec.issuer_name = issuer->cert.subject;
    spec.issuer_key_id = issuer->cert.ski;
    spec.this_update = now / 1000 > rec->crl_this_update ? now / 1000 : rec->crl_this_update;
    spec.next_update =
        m->next_update != 0 ? m->next_update : spec.this_update + rec->doc.crl_every_s;
    spec.number = rec->crl_number + 1;
    spec.entry_count = rec->revoked_count;
    spec.entry = get_entry;
    spec.arg = rec;
    if (spec.next_update <= spec.this_update)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "CRL: it would end before it begins");
    return sign_crl(s, m, issuer, &spec, ret_der, err);
}
