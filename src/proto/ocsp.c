/*
 * ocsp.c: see ocsp.h.
 *
 * All CertIDs of a request must be of one issuer: its delegated key signs the
 * answer.  A serial that was never issued is "unknown", never "good" (L5); such
 * an answer is not kept, because the next moment may issue it, and because
 * anybody can make them up.
 *
 * A kept answer is replaced after half of its life, so whoever gets it has the
 * other half.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/ocsp.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "msg/ocsp.h"
#include "proto/ocsp_ready.h"

#define DELEGATES_MAX 16
#define FRESH_S       3600 /* nextUpdate: how long an answer may be used */
#define PROFILE       "ocsp"
#define REPLY_MAX     65536

struct delegate {
    const struct pki_issuer *issuer;
    struct crypto_key *key;
    struct rs_buf der;
    uint8_t key_hash[20];
    int64_t from, until; /* of its certificate */
};

struct ocsp_responder {
    struct pki *pki;
    struct ready_table ready;
    pthread_rwlock_t lock; /* of the keys and certificates of the delegates */
    struct delegate delegates[DELEGATES_MAX];
    size_t count;
};

static void
free_delegate(struct delegate *d)
{
    crypto_key_free(d->key);
    d->key = NULL;
    rs_buf_done(&d->der);
}

static rs_code
make_delegate(struct pki *pki, const struct pki_issuer *issuer, struct delegate *ret_delegate,
              struct rs_err *err)
{
    struct delegate d = {.issuer = issuer};
    struct cert cert;
    rs_code rc;

    rs_buf_init(&d.der, CERT_BYTES_MAX);
    rc = crypto_key_generate(CRYPTO_P256, &d.key, err);
    if (rc != RS_OK)
        return rc;
    crypto_sha1(crypto_key_pub(d.key)->key, d.key_hash);
    rc = pki_issue_own(pki, PROFILE, issuer->name, "ocsp", NULL, 0, crypto_key_pub(d.key)->spki,
                       &d.der, err);
    if (rc == RS_OK)
        rc = cert_read(rs_buf_bytes(&d.der), &cert, err);
    if (rc != RS_OK) {
        free_delegate(&d);
        return rc;
    }
    d.from = cert.not_before;
    d.until = cert.not_after;
    *ret_delegate = d;
    return RS_OK;
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
    ready_init(&r->ready);
    (void)pthread_rwlock_init(&r->lock, NULL);
    for (size_t i = 0; i < n && rc == RS_OK; i++) {
        if (!may_delegate(list[i]))
            continue;
        rc = make_delegate(pki, list[i], &r->delegates[r->count], err);
        if (rc == RS_OK)
            r->count++;
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
    for (size_t i = 0; i < r->count; i++)
        free_delegate(&r->delegates[i]);
    ready_done(&r->ready);
    (void)pthread_rwlock_destroy(&r->lock);
    free(r);
}

/* Answers that the old key signed stay good: they end before its certificate does. */
rs_code
ocsp_responder_tidy(struct ocsp_responder *r, struct rs_err *err)
{
    int64_t now = rs_now();

    for (size_t i = 0; i < r->count; i++) {
        struct delegate *d = &r->delegates[i], fresh, old;
        rs_code rc;
        if (now < d->from + (d->until - d->from) / 2)
            continue;
        rc = make_delegate(r->pki, d->issuer, &fresh, err);
        if (rc != RS_OK)
            return rc;
        (void)pthread_rwlock_wrlock(&r->lock);
        old = *d;
        d->key = fresh.key; /* its issuer stays, and is read without the lock */
        d->der = fresh.der;
        memcpy(d->key_hash, fresh.key_hash, sizeof(d->key_hash));
        d->from = fresh.from;
        d->until = fresh.until;
        (void)pthread_rwlock_unlock(&r->lock);
        free_delegate(&old);
    }
    return RS_OK;
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

/* Under the lock: which key signs, and until when. */
static rs_code
sign_answer(const struct delegate *d, const struct ocsp_request *request,
            struct ocsp_response_spec *spec, struct rs_buf *out, struct rs_err *err)
{
    uint8_t room[8192], sig[CRYPTO_SIGNATURE_MAX];
    enum crypto_sig alg = crypto_sig_for(crypto_key_alg(d->key));
    struct rs_bytes tbs;
    size_t sig_len;
    rs_code rc;

    spec->count = request->count;
    spec->nonce = request->nonce;
    spec->responder_key_hash = RS_BYTES(d->key_hash);
    spec->produced_at = spec->this_update = rs_now();
    spec->next_update = spec->this_update + FRESH_S;
    if (spec->next_update > d->until)
        spec->next_update = d->until;
    rc = ocsp_response_data(spec, room, sizeof(room), &tbs, err);
    if (rc == RS_OK)
        rc = crypto_sign(d->key, tbs, sig, sizeof(sig), &sig_len, err);
    if (rc == RS_OK)
        rc =
            ocsp_response_put(out, tbs, alg, rs_bytes_of(sig, sig_len), rs_buf_bytes(&d->der), err);
    return rc;
}

/* ---- Ready answers -------------------------------------------------------------------------- */

static struct ready_state
state_of(const struct ocsp_single *single)
{
    return (struct ready_state){
        .status = (int)single->status, .reason = single->reason, .revoked_at = single->revoked_at};
}

static int
is_same(const struct ready_state *a, const struct ready_state *b)
{
    return a->status == b->status && a->reason == b->reason && a->revoked_at == b->revoked_at;
}

/* Whether what is ready may be served; the store is asked when something was written since. */
static int
holds(struct ocsp_responder *r, struct ready *ready)
{
    uint64_t generation = pki_generation(r->pki);
    struct ocsp_request request;
    struct ocsp_single single;
    struct ready_state state;
    struct delegate *d;

    if (atomic_load(&ready->generation) == generation)
        return 1;
    if (ocsp_request_read(ready->request, &request, NULL) != RS_OK ||
        (d = find_delegate(r, &request)) == NULL ||
        look_up(r, d, &request.ids[0], &single, NULL) != RS_OK)
        return 0;
    state = state_of(&single);
    if (!is_same(&state, &ready->state))
        return 0;
    atomic_store(&ready->generation, generation);
    return 1;
}

static int
may_be_kept(const struct ocsp_request *request, const struct ocsp_single *singles)
{
    return request->count == 1 && request->nonce.len == 0 && singles[0].status != OCSP_UNKNOWN;
}

/* generation: as it was before the store was asked. */
static void
keep(struct ocsp_responder *r, uint64_t generation, struct rs_bytes der,
     const struct ocsp_response_spec *spec, struct ocsp_reply *reply)
{
    struct ready *ready = ready_new(der, reply->der);

    if (ready == NULL)
        return;
    atomic_init(&ready->generation, generation);
    ready->state = state_of(&spec->singles[0]);
    ready->from = spec->this_update;
    ready->until = spec->next_update;
    ready->renew_at = spec->this_update + (spec->next_update - spec->this_update) / 2;
    ready_describe(ready);
    ready_keep(&r->ready, ready);
    reply->ready = ready;
}

/* ---- Answering ------------------------------------------------------------------------------ */

static void
answer_error(struct ocsp_reply *reply, enum ocsp_answer answer)
{
    rs_buf_reset(&reply->own);
    ocsp_error_put(&reply->own, answer);
    reply->der = rs_buf_bytes(&reply->own);
}

void
ocsp_answer_malformed(struct ocsp_reply *ret_reply)
{
    rs_buf_init(&ret_reply->own, REPLY_MAX);
    answer_error(ret_reply, OCSP_MALFORMED);
}

static void
answer_fresh(struct ocsp_responder *r, struct rs_bytes der, struct ocsp_reply *reply)
{
    struct ocsp_single singles[OCSP_IDS_MAX];
    struct ocsp_response_spec spec = {.singles = singles};
    uint64_t generation = pki_generation(r->pki);
    struct ocsp_request request;
    struct rs_err err = {0};
    struct delegate *d;
    rs_code rc = RS_OK;

    if (ocsp_request_read(der, &request, &err) != RS_OK) {
        answer_error(reply, OCSP_MALFORMED);
        return;
    }
    d = find_delegate(r, &request);
    if (d == NULL) {
        answer_error(reply, OCSP_UNAUTHORIZED);
        return;
    }
    for (size_t i = 0; i < request.count && rc == RS_OK; i++)
        rc = look_up(r, d, &request.ids[i], &singles[i], &err);
    if (rc == RS_OK) {
        (void)pthread_rwlock_rdlock(&r->lock);
        rc = sign_answer(d, &request, &spec, &reply->own, &err);
        (void)pthread_rwlock_unlock(&r->lock);
    }
    if (rc != RS_OK) {
        rs_log_err(RS_LOG_WARN, "ocsp", "no answer", &err);
        answer_error(reply, OCSP_TRY_LATER);
        return;
    }
    reply->der = rs_buf_bytes(&reply->own);
    if (may_be_kept(&request, singles))
        keep(r, generation, der, &spec, reply);
}

void
ocsp_answer(struct ocsp_responder *r, struct rs_bytes der, struct ocsp_reply *ret_reply)
{
    struct ready *ready = ready_find(&r->ready, der, rs_now());

    rs_buf_init(&ret_reply->own, REPLY_MAX);
    if (ready != NULL && holds(r, ready)) {
        ret_reply->ready = ready;
        ret_reply->der = ready->response;
        return;
    }
    ready_drop(ready);
    answer_fresh(r, der, ret_reply);
}

void
ocsp_reply_done(struct ocsp_reply *reply)
{
    ready_drop(reply->ready);
    rs_buf_done(&reply->own);
    memset(reply, 0, sizeof(*reply));
}

int
ocsp_reply_caching(const struct ocsp_reply *reply, struct ocsp_caching *ret_caching)
{
    const struct ready *ready = reply->ready;

    if (ready == NULL)
        return 0;
    *ret_caching = (struct ocsp_caching){.etag = ready->etag,
                                         .modified = ready->modified,
                                         .expires = ready->expires,
                                         .max_age = ready->renew_at - rs_now()};
    if (ret_caching->max_age < 0)
        ret_caching->max_age = 0;
    return 1;
}
