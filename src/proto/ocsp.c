/*
 * ocsp.c: see ocsp.h.
 *
 * All CertIDs of a request must be of one issuer: its delegated key signs the
 * answer.  A serial that was never issued is "unknown", never "good" (L5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/ocsp.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "msg/ocsp.h"

#define DELEGATES_MAX 16
#define FRESH_S       3600 /* nextUpdate: how long an answer may be used */
#define PROFILE       "ocsp"

struct delegate {
    const struct pki_issuer *issuer;
    struct crypto_key *key;
    struct rs_buf der;
    uint8_t key_hash[20];
};

struct ocsp_responder {
    struct pki *pki;
    struct delegate delegates[DELEGATES_MAX];
    size_t count;
};

static rs_code
make_delegate(struct ocsp_responder *r, const struct pki_issuer *issuer, struct rs_err *err)
{
    struct delegate *d = &r->delegates[r->count];
    rs_code rc;

    d->issuer = issuer;
    rs_buf_init(&d->der, CERT_BYTES_MAX);
    rc = crypto_key_generate(CRYPTO_P256, &d->key, err);
    if (rc != RS_OK)
        return rc;
    r->count++;
    crypto_sha1(crypto_key_pub(d->key)->key, d->key_hash);
    return pki_issue_own(r->pki, PROFILE, issuer->name, "ocsp", NULL, 0,
                         crypto_key_pub(d->key)->spki, &d->der, err);
}

static int
may_delegate(const struct pki_issuer *issuer)
{
    for (size_t i = 0; i < issuer->doc.profiles.count; i++) {
        if (rs_bytes_equal(issuer->doc.profiles.items[i], rs_bytes_str(PROFILE)))
            return 1;
    }
    return 0;
}

rs_code
ocsp_responder_new(struct pki *pki, struct ocsp_responder **ret_responder, struct rs_err *err)
{
    struct ocsp_responder *r = calloc(1, sizeof(*r));
    const struct pki_issuer *list[DELEGATES_MAX];
    size_t n = pki_issuers(pki, list, DELEGATES_MAX);
    rs_code rc = RS_OK;

    if (r == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "OCSP responder");
    r->pki = pki;
    for (size_t i = 0; i < n && rc == RS_OK; i++) {
        if (may_delegate(list[i]))
            rc = make_delegate(r, list[i], err);
    }
    if (rc != RS_OK) {
        ocsp_responder_free(r);
        return rc;
    }
    *ret_responder = r;
    return RS_OK;
}

void
ocsp_responder_free(struct ocsp_responder *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++) {
        crypto_key_free(r->delegates[i].key);
        rs_buf_done(&r->delegates[i].der);
    }
    free(r);
}

/* RFC 6960 4.1.1: both hashes must be the issuer's. */
static int
is_issuer(const struct pki_issuer *issuer, const struct ocsp_id *id)
{
    if (id->hash == OCSP_SHA1)
        return rs_bytes_equal(id->name_hash, RS_BYTES(issuer->name_sha1)) &&
               rs_bytes_equal(id->key_hash, RS_BYTES(issuer->key_sha1));
    return rs_bytes_equal(id->name_hash, RS_BYTES(issuer->name_sha256)) &&
           rs_bytes_equal(id->key_hash, RS_BYTES(issuer->key_sha256));
}

static struct delegate *
find_delegate(struct ocsp_responder *r, const struct ocsp_request *request)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t k = 0;
        while (k < request->count && is_issuer(r->delegates[i].issuer, &request->ids[k]))
            k++;
        if (k == request->count)
            return &r->delegates[i];
    }
    return NULL;
}

static rs_code
look_up(struct ocsp_responder *r, const struct delegate *d, const struct ocsp_id *id,
        struct ocsp_single *single, struct rs_err *err)
{
    struct rs_err none = {0};
    struct store_status status;
    struct store *store;
    rs_code rc = pki_reader(r->pki, &store, err);

    if (rc != RS_OK)
        return rc;
    memset(single, 0, sizeof(*single));
    single->id = id->whole;
    rc = store_cert_status(store, pki_tenant(r->pki), d->issuer->name, id->serial, &status, &none);
    if (rc == RS_E_CERT_UNKNOWN) {
        single->status = OCSP_UNKNOWN;
        return RS_OK;
    }
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", none.text);
    single->status = status.state == STORE_CERT_ISSUED ? OCSP_GOOD : OCSP_REVOKED;
    single->revoked_at = status.revoked_at;
    single->reason = status.reason;
    return RS_OK;
}

static rs_code
sign_answer(const struct delegate *d, const struct ocsp_request *request,
            const struct ocsp_single *singles, struct rs_buf *out, struct rs_err *err)
{
    int64_t now = rs_now();
    struct ocsp_response_spec spec = {.singles = singles,
                                      .count = request->count,
                                      .responder_key_hash = RS_BYTES(d->key_hash),
                                      .produced_at = now,
                                      .this_update = now,
                                      .next_update = now + FRESH_S,
                                      .nonce = request->nonce};
    uint8_t room[8192], sig[CRYPTO_SIGNATURE_MAX];
    enum crypto_sig alg = crypto_sig_for(crypto_key_alg(d->key));
    struct rs_bytes tbs;
    size_t sig_len;
    rs_code rc;

    rc = ocsp_response_data(&spec, room, sizeof(room), &tbs, err);
    if (rc == RS_OK)
        rc = crypto_sign(d->key, tbs, sig, sizeof(sig), &sig_len, err);
    if (rc == RS_OK)
        rc =
            ocsp_response_put(out, tbs, alg, rs_bytes_of(sig, sig_len), rs_buf_bytes(&d->der), err);
    return rc;
}

void
ocsp_answer_malformed(struct rs_buf *out)
{
    ocsp_error_put(out, OCSP_MALFORMED);
}

void
ocsp_answer(struct ocsp_responder *r, struct rs_bytes der, struct rs_buf *out)
{
    struct ocsp_single singles[OCSP_IDS_MAX];
    struct ocsp_request request;
    struct rs_err err = {0};
    struct delegate *d;
    rs_code rc = RS_OK;

    if (ocsp_request_read(der, &request, &err) != RS_OK) {
        ocsp_answer_malformed(out);
        return;
    }
    d = find_delegate(r, &request);
    if (d == NULL) {
        ocsp_error_put(out, OCSP_UNAUTHORIZED);
        return;
    }
    for (size_t i = 0; i < request.count && rc == RS_OK; i++)
        rc = look_up(r, d, &request.ids[i], &singles[i], &err);
    if (rc == RS_OK)
        rc = sign_answer(d, &request, singles, out, &err);
    if (rc != RS_OK) {
        rs_log_err(RS_LOG_WARN, "ocsp", "no answer", &err);
        rs_buf_reset(out);
        ocsp_error_put(out, OCSP_TRY_LATER);
    }
}
