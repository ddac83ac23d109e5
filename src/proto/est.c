/*
 * est.c: see est.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/est.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg/csrattrs.h"
#include "msg/est.h"

#define PREFIX    "/.well-known/est/"
#define CHAIN_MAX 32
#define LATER_S   "2" /* the signer is back by then, as a rule */

static const struct {
    const char *name;
    enum est_operation operation;
} operations[] = {
    {"cacerts", EST_CACERTS},
    {"simpleenroll", EST_SIMPLEENROLL},
    {"simplereenroll", EST_SIMPLEREENROLL},
    {"csrattrs", EST_CSRATTRS},
};

int
est_parse_path(const char *path, char label[STORE_NAME_MAX], enum est_operation *ret_operation)
{
    const char *rest, *slash;

    if (strncmp(path, PREFIX, sizeof(PREFIX) - 1) != 0)
        return 0;
    rest = path + sizeof(PREFIX) - 1;
    slash = strchr(rest, '/');
    label[0] = '\0';
    *ret_operation = EST_UNKNOWN;
    if (slash != NULL) {
        size_t len = (size_t)(slash - rest);
        if (len == 0 || len >= STORE_NAME_MAX)
            return 1;
        memcpy(label, rest, len);
        label[len] = '\0';
        rest = slash + 1;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(operations[i].name, rest) == 0)
            *ret_operation = operations[i].operation;
        if (strcmp(operations[i].name, label) == 0) /* RFC 7030 3.2.2: no label of that name */
            *ret_operation = EST_UNKNOWN;
    }
    return 1;
}

/* ---- Replies ------------------------------------------------------------------------- */

static int
enrols(enum est_operation operation)
{
    return operation == EST_SIMPLEENROLL || operation == EST_SIMPLEREENROLL;
}

int
est_needs_caller(enum est_operation operation)
{
    return enrols(operation);
}

/* The one header that the status wants (RFC 9110 11.6.1, 15.5.6, 10.2.3). */
static void
put_header(const struct est_call *call, int status, struct est_reply *r)
{
    if (status == 401) {
        r->header = "WWW-Authenticate";
        r->value = "Basic realm=\"one-time code\"";
    } else if (status == 405) {
        r->header = "Allow";
        r->value = enrols(call->operation) ? "POST" : "GET, HEAD";
    } else if (status == 503 || status == 429) {
        r->header = "Retry-After";
        r->value = call->retry_after != NULL ? call->retry_after : "1";
    }
}

/* RFC 7030 4.2.3: a refusal may be explained in a short text/plain body. */
void
est_refuse(const struct est_call *call, const struct rs_err *err, est_reply_fn reply, void *arg)
{
    const struct rs_code_info *info = rs_code_info(err->code);
    struct est_reply r = {.status = info->http, .content_type = "text/plain; charset=utf-8"};
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: %s\n", info->name, err->text);

    r.body = rs_bytes_of(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
    put_header(call, info->http, &r);
    reply(arg, &r);
}

static void
refuse_with(const struct est_call *call, rs_code code, const char *text, est_reply_fn reply,
            void *arg)
{
    struct rs_err err = {0};

    (void)rs_fail(&err, code, "%s", text);
    est_refuse(call, &err, reply, arg);
}

static void
reply_base64(const struct est_call *call, struct rs_bytes der, const char *content_type,
             est_reply_fn reply, void *arg)
{
    struct est_reply r = {.status = 200,
                          .content_type = content_type,
                          .header = "Content-Transfer-Encoding",
                          .value = "base64"};

    RS_AUTO(rs_buf_done) struct rs_buf body;
    rs_buf_init(&body, 524288);
    est_body_put(&body, der, call->lines);
    r.body = rs_buf_bytes(&body);
    reply(arg, &r);
}

static void
reply_certs(const struct est_call *call, const struct rs_bytes *certs, size_t count,
            const char *content_type, est_reply_fn reply, void *arg)
{
    struct rs_err err = {0};

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, 262144);
    if (est_certs_only_put(&der, certs, count, &err) != RS_OK)
        est_refuse(call, &err, reply, arg);
    else
        reply_base64(call, rs_buf_bytes(&der), content_type, reply, arg);
}

/* ---- cacerts ---------------------------------------------------------------------------- */

static void
add_cert(struct rs_bytes *certs, size_t *count, struct rs_bytes cert)
{
    size_t k = 0;

    while (k < *count && !rs_bytes_equal(certs[k], cert))
        k++;
    if (k == *count && k < CHAIN_MAX)
        certs[(*count)++] = cert;
}

static void
add_chain(struct pki *pki, const char *issuer, struct rs_bytes *certs, size_t *count)
{
    struct rs_bytes chain[8];
    size_t n = issuer[0] != '\0' ? pki_chain(pki, issuer, chain, 8) : 0;

    for (size_t i = 0; i < n; i++)
        add_cert(certs, count, chain[i]);
}

/* 1: one of certs is a root of this name. */
static int
has_root(const struct rs_bytes *certs, size_t count, struct rs_bytes name)
{
    struct cert cert;

    for (size_t i = 0; i < count; i++) {
        if (cert_read(certs[i], &cert, NULL) == RS_OK && rs_bytes_equal(cert.subject, name) &&
            rs_bytes_equal(cert.issuer, name))
            return 1;
    }
    return 0;
}

/*
 * RFC 7030 4.1.3, RFC 4210 4.4: beside a root that was rolled over stand its other
 * keys, and the certificates that lead from one to the other.
 */
static void
add_other_keys(struct pki *pki, struct rs_bytes *certs, size_t *count)
{
    const struct pki_issuer *issuers[CHAIN_MAX];
    struct rs_bytes crosses[CHAIN_MAX];
    size_t n = pki_issuers(pki, issuers, CHAIN_MAX);
    struct cert cert;

    for (size_t i = 0; i < n; i++) {
        if (issuers[i]->doc.parent.len == 0 && has_root(certs, *count, issuers[i]->cert.subject))
            add_cert(certs, count, issuers[i]->der);
    }
    n = pki_crosses(pki, crosses, CHAIN_MAX);
    for (size_t i = 0; i < n; i++) {
        if (cert_read(crosses[i], &cert, NULL) == RS_OK && has_root(certs, *count, cert.subject))
            add_cert(certs, count, crosses[i]);
    }
}

/* What certificates under a label chain to: those it gives, and those its devices are made with. */
static rs_code
label_chain(const struct est_call *call, struct rs_bytes *certs, size_t *count, struct rs_err *err)
{
    struct pki_label label;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    rc = pki_find_label(call->pki, call->label, &arena, &label, err);
    if (rc == RS_OK) {
        add_chain(call->pki, label.issuer, certs, count);
        add_chain(call->pki, label.first_issuer, certs, count);
    }
    return rc;
}

/* RFC 7030 4.1: every CA certificate a client needs, without authentication. */
static void
handle_cacerts(const struct est_call *call, est_reply_fn reply, void *arg)
{
    const struct pki_issuer *issuers[CHAIN_MAX];
    struct rs_bytes certs[CHAIN_MAX];
    struct rs_err err = {0};
    size_t n = 0;

    if (call->label[0] == '\0') {
        n = pki_issuers(call->pki, issuers, CHAIN_MAX);
        for (size_t i = 0; i < n; i++)
            certs[i] = issuers[i]->der;
    } else if (label_chain(call, certs, &n, &err) != RS_OK) {
        est_refuse(call, &err, reply, arg);
        return;
    }
    add_other_keys(call->pki, certs, &n);
    reply_certs(call, certs, n, "application/pkcs7-mime", reply, arg);
}

/* ---- csrattrs --------------------------------------------------------------------------- */

/* RFC 7030 4.5: what a request should have, for whoever asks. */
static void
handle_csrattrs(const struct est_call *call, est_reply_fn reply, void *arg)
{
    struct pki_label label;
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_arena_init(&arena, 65536);
    rs_buf_init(&der, CSRATTRS_BYTES_MAX);
    rc = pki_find_label(call->pki, call->label, &arena, &label, &err);
    if (rc == RS_OK)
        rc = est_csrattrs(&call->caller, &label, call->must_link, &arena, &der, &err);
    if (rc != RS_OK)
        est_refuse(call, &err, reply, arg);
    else
        reply_base64(call, rs_buf_bytes(&der), "application/csrattrs", reply, arg);
}

/* ---- Enrolment -------------------------------------------------------------------------- */

struct enrol {
    const struct est_call *call;
    est_reply_fn reply;
    void *arg;
    struct rs_buf csr;
};

/*
 * RFC 7030 4.2.3: the request is good, and nothing decided yet.  What is known of it
 * is its identity (pki.h): who asks, and every byte.  The same request later gets
 * the certificate that the ledger has for it by then, or a new one; a restart in
 * between changes nothing.
 */
static void
reply_later(const struct rs_err *err, est_reply_fn reply, void *arg)
{
    struct est_reply r = {.status = 202,
                          .content_type = "text/plain; charset=utf-8",
                          .header = "Retry-After",
                          .value = LATER_S};
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: send the same request again (%s)\n",
                     rs_code_info(RS_E_REQUEST_WAITING)->name, rs_code_info(err->code)->name);

    r.body = rs_bytes_of(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
    reply(arg, &r);
}

static void
on_issued(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct enrol *e = arg;

    rs_buf_done(&e->csr);
    if (rc == RS_OK) {
        /* RFC 7030 4.2.3: the issued certificate, and only that one. */
        reply_certs(e->call, &cert->der, 1, "application/pkcs7-mime; smime-type=certs-only",
                    e->reply, e->arg);
    } else if (rc == RS_E_SIGNER_AWAY) {
        reply_later(err, e->reply, e->arg);
    } else {
        pki_note_refusal(e->call->pki, e->call->caller.who, err);
        est_refuse(e->call, err, e->reply, e->arg);
    }
    free(e);
}

static void
handle_enrol(const struct est_call *call, est_reply_fn reply, void *arg)
{
    struct pki_issue_request request = {.caller = call->caller,
                                        .protocol = "est",
                                        .label = call->label,
                                        .renew = call->operation == EST_SIMPLEREENROLL,
                                        .is_linked = call->is_linked,
                                        .link = call->link,
                                        .must_link = call->must_link};
    struct rs_err err = {0};
    struct enrol *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        refuse_with(call, RS_E_NO_MEMORY, "no memory for a request", reply, arg);
        return;
    }
    *e = (struct enrol){.call = call, .reply = reply, .arg = arg};
    rs_buf_init(&e->csr, EST_BODY_MAX);
    if (est_body_read(call->body, &e->csr, &err) != RS_OK) {
        on_issued(e, err.code, NULL, &err);
        return;
    }
    request.csr = rs_buf_bytes(&e->csr);
    pki_issue(call->pki, &request, on_issued, e);
}

/* Cheapest checks first. */
rs_code
est_check(const struct est_call *call, struct rs_err *err)
{
    if (call->method != EST_POST)
        return rs_fail(err, RS_E_REQUEST_METHOD, "est: enrolment is a POST (RFC 7030 3.2.2)");
    if (!call->has_length)
        return rs_fail(err, RS_E_REQUEST_LENGTH, "est: the length of the body is missing");
    if (strcmp(call->content_type, "application/pkcs10") != 0)
        return rs_fail(err, RS_E_REQUEST_MEDIA,
                       "est: the body must be application/pkcs10 (RFC 7030 4.2.1)");
    return RS_OK;
}

static void
check_and_enrol(const struct est_call *call, est_reply_fn reply, void *arg)
{
    struct rs_err err = {0};

    if (est_check(call, &err) != RS_OK)
        est_refuse(call, &err, reply, arg);
    else if (call->caller.role == PKI_NOBODY)
        refuse_with(call, RS_E_AUTH_REQUIRED,
                    "est: a client certificate is needed (RFC 7030 3.3.2)", reply, arg);
    else
        handle_enrol(call, reply, arg);
}

void
est_handle(const struct est_call *call, est_reply_fn reply, void *arg)
{
    if (call->operation == EST_UNKNOWN)
        refuse_with(call, RS_E_REQUEST_UNKNOWN, "est: no such operation (RFC 7030 3.2.2)", reply,
                    arg);
    else if (enrols(call->operation))
        check_and_enrol(call, reply, arg);
    else if (call->method != EST_GET)
        refuse_with(call, RS_E_REQUEST_METHOD,
                    "est: cacerts and csrattrs are a GET (RFC 7030 3.2.2)", reply, arg);
    else if (call->operation == EST_CACERTS)
        handle_cacerts(call, reply, arg);
    else
        handle_csrattrs(call, reply, arg);
}
