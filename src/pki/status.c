/*
 * status.c: revocation, CRLs, documents, claims: operations that wait.
 *
 * Each goes to the signer first (its leaf is the durable fact), and then into
 * the store by taking over what was written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "pki/inner.h"
#include "x509/crl.h"

#define CRL_MAX              ((size_t)64 << 20)
#define CERTS_PER_DEVICE_MAX 64

/* ---- Revocation --------------------------------------------------------------------------- */

static rs_code
send_revoke(struct pki *pki, const char *who, const char *issuer, struct rs_bytes serial,
            uint8_t reason, const char *text, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_REVOKE};
    struct proto_revoke *m = &item.as.revoke;
    struct rs_bytes parts[] = {rs_bytes_str("revoke"), rs_bytes_str(issuer), serial};
    uint8_t id[32];

    crypto_sha256_parts(parts, 3, id);
    m->request_id = RS_BYTES(id);
    m->tenant = rs_bytes_str(pki->tenant);
    m->issuer = rs_bytes_str(issuer);
    m->serial = serial;
    m->who = rs_bytes_str(who);
    m->text = rs_bytes_str(text);
    m->reason = reason;
    return pki_call(pki, &item, NULL, err);
}

rs_code
pki_revoke(struct pki *pki, const char *who, const char *issuer, struct rs_bytes serial,
           uint8_t reason, const char *text, struct rs_err *err)
{
    struct store_status status;
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    if (rc == RS_OK) /* L5: what we did not issue cannot be revoked either */
        rc = store_cert_status(store, pki->tenant, issuer, serial, &status, err);
    if (rc == RS_OK && status.state != STORE_CERT_ISSUED)
        rc = rs_fail(err, RS_E_CERT_REVOKED, "it is revoked already");
    if (rc == RS_OK)
        rc = send_revoke(pki, who, issuer, serial, reason, text, err);
    return rc;
}

struct collect {
    struct rs_arena *arena;
    struct {
        const char *issuer;
        struct rs_bytes serial;
    } certs[CERTS_PER_DEVICE_MAX];
    size_t count;
};

static int
collect_cert(void *arg, const struct store_cert *cert)
{
    struct collect *c = arg;

    if (cert->state != STORE_CERT_ISSUED || strcmp(cert->holder, "device") != 0)
        return 0;
    c->certs[c->count].issuer = rs_arena_text(c->arena, cert->issuer, strlen(cert->issuer));
    c->certs[c->count].serial = rs_arena_copy(c->arena, cert->serial);
    return ++c->count == CERTS_PER_DEVICE_MAX;
}

struct set_state {
    const char *tenant, *device;
    enum store_device_state state;
};

static rs_code
write_state(struct store *store, void *arg, struct rs_err *err)
{
    const struct set_state *s = arg;

    return store_set_device_state(store, s->tenant, s->device, s->state, "", 0, err);
}

rs_code
pki_revoke_device(struct pki *pki, const char *who, const char *device, uint8_t reason,
                  const char *text, size_t *ret_count, struct rs_err *err)
{
    struct store_cert_filter filter = {.device = device, .limit = CERTS_PER_DEVICE_MAX};
    struct set_state set = {pki->tenant, device, STORE_DEVICE_REVOKED};
    struct collect c = {0};
    struct store_device d;
    struct store *store;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    c.arena = &arena;
    rc = pki_reader(pki, &store, err);
    if (rc == RS_OK)
        rc = store_find_device(store, pki->tenant, device, &arena, &d, err);
    if (rc == RS_OK)
        rc = store_list_certs(store, pki->tenant, &filter, collect_cert, &c, err);
    /* The state first: from here on nothing new is issued for it. */
    if (rc == RS_OK)
        rc = pki_write(pki, write_state, &set, err);
    for (size_t i = 0; i < c.count && rc == RS_OK; i++)
        rc = send_revoke(pki, who, c.certs[i].issuer, c.certs[i].serial, reason, text, err);
    if (rc == RS_OK)
        *ret_count = c.count;
    return rc;
}

/* ---- CRLs ----------------------------------------------------------------------------------- */

struct put_crl {
    struct store_object object;
    uint64_t number;
};

/* L4: of two that were made at the same time the later one stays, whoever writes last. */
static rs_code
write_crl(struct store *store, void *arg, struct rs_err *err)
{
    struct put_crl *p = arg;
    struct store_object old;
    struct crl crl;
    int64_t version;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, CRL_MAX);
    if (store_find_object(store, p->object.tenant, "crl", p->object.name, 0, &arena, &old, NULL) ==
            RS_OK &&
        crl_read(old.document, &crl, NULL) == RS_OK && crl.number >= p->number)
        return RS_OK;

    return store_put_object(store, &p->object, -1, &version, err);
}

rs_code
pki_publish_crl(struct pki *pki, const char *issuer, uint64_t *ret_number, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_CRL};
    struct put_crl put = {{.tenant = pki->tenant,
                           .kind = "crl",
                           .name = issuer,
                           .state = "active",
                           .created_at = rs_now(),
                           .updated_at = rs_now()},
                          0};
    struct crl crl;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CRL_MAX);
    item.as.crl.tenant = rs_bytes_str(pki->tenant);
    item.as.crl.issuer = rs_bytes_str(issuer);
    rc = pki_call(pki, &item, &der, err);
    if (rc == RS_OK)
        rc = crl_read(rs_buf_bytes(&der), &crl, err);
    put.object.document = rs_buf_bytes(&der);
    put.number = rc == RS_OK ? crl.number : 0;
    if (rc == RS_OK)
        rc = pki_write(pki, write_crl, &put, err);
    if (rc == RS_OK)
        *ret_number = crl.number;
    return rc;
}

rs_code
pki_find_crl(struct pki *pki, const char *issuer, struct rs_buf *out, struct rs_err *err)
{
    struct store_object o;
    struct store *store;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, CRL_MAX);
    rc = pki_reader(pki, &store, err);
    if (rc == RS_OK)
        rc = store_find_object(store, pki->tenant, "crl", issuer, 0, &arena, &o, err);
    if (rc == RS_OK)
        rs_buf_put_bytes(out, o.document);
    return rc;
}

/* ---- Documents ----------------------------------------------------------------------------------- */

rs_code
pki_put_document(struct pki *pki, const struct proto_document *document, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_DOCUMENT};

    item.as.document = *document;
    return pki_call(pki, &item, NULL, err);
}

rs_code
pki_claim(struct pki *pki, const char *name, struct rs_bytes spki, struct rs_bytes proof,
          struct rs_buf *ret_proof, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_CLAIM};

    item.as.claim.tenant = rs_bytes_str(pki->tenant);
    item.as.claim.name = rs_bytes_str(name);
    item.as.claim.spki = spki;
    item.as.claim.proof = proof;
    return pki_call(pki, &item, ret_proof, err);
}

static void
ignore_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    (void)arg;
    (void)rc;
    (void)item;
    (void)err;
}

void
pki_note_refusal(struct pki *pki, const char *who, const struct rs_err *why)
{
    struct proto_item item = {.type = PROTO_REFUSAL};
    struct rs_err none = {0};
    char clean[240];
    size_t n = 0;

    for (; why->text[n] != '\0' && n < sizeof(clean) - 1; n++)
        clean[n] = why->text[n] >= 0x20 && why->text[n] < 0x7f ? why->text[n] : '?';
    clean[n] = '\0';
    item.as.note.code = rs_bytes_str(rs_code_info(why->code)->name);
    item.as.note.who = rs_bytes_str(who);
    item.as.note.text = rs_bytes_str(clean);
    item.as.note.count = 1;
    item.as.note.first_ms = item.as.note.last_ms = rs_now_ms();
    /* Best effort: a refusal that cannot be told now was still refused. */
    rs_code told = signer_client_submit(pki->config.signer, &item, ignore_answer, NULL, &none);
    (void)told;
}
