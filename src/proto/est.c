/*
 * est.c: see est.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/est.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg/est.h"

#define PREFIX    "/.well-known/est/"
#define CHAIN_MAX 32

static const struct {
    const char *name;
    enum est_operation operation;
} operations[] = {
    {"cacerts", EST_CACERTS},
    {"simpleenroll", EST_SIMPLEENROLL},
    {"simplereenroll", EST_SIMPLEREENROLL},
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

/* RFC 7030 4.2.3: a refusal may be explained in a short text/plain body. */
static void
refuse(est_reply_fn reply, void *arg, const struct rs_err *err)
{
    const struct rs_code_info *info = rs_code_info(err->code);
    struct est_reply r = {.status = info->http, .content_type = "text/plain; charset=utf-8"};
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: %s\n", info->name, err->text);

    r.body = rs_bytes_of(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
    if (info->http == 401) {
        r.header = "WWW-Authenticate";
        r.value = "Basic realm=\"one-time code\"";
    }
    if (info->http == 503 || info->http == 429) {
        r.header = "Retry-After";
        r.value = "1";
    }
    reply(arg, &r);
}

static void
refuse_with(est_reply_fn reply, void *arg, rs_code code, const char *text)
{
    struct rs_err err = {0};

    (void)rs_fail(&err, code, "%s", text);
    refuse(reply, arg, &err);
}

static void
reply_certs(est_reply_fn reply, void *arg, const struct rs_bytes *certs, size_t count,
            const char *content_type, int lines)
{
    struct rs_err err = {0};
    struct est_reply r = {.status = 200,
                          .content_type = content_type,
                          .header = "Content-Transfer-Encoding",
                          .value = "base64"};

    RS_AUTO(rs_buf_done) struct rs_buf der, body;
    rs_buf_init(&der, 262144);
    rs_buf_init(&body, 524288);
    if (est_certs_only_put(&der, certs, count, &err) != RS_OK) {
        refuse(reply, arg, &err);
        return;
    }
    est_body_put(&body, rs_buf_bytes(&der), lines);
    r.body = rs_buf_bytes(&body);
    reply(arg, &r);
}

/* ---- cacerts ---------------------------------------------------------------------------- */

/* RFC 7030 4.1: every CA certificate a client needs, without authentication. */
static void
handle_cacerts(const struct est_call *call, est_reply_fn reply, void *arg)
{
    const struct pki_issuer *issuers[CHAIN_MAX];
    struct rs_bytes certs[CHAIN_MAX];
    size_t n = pki_issuers(call->pki, issuers, CHAIN_MAX);

    for (size_t i = 0; i < n; i++)
        certs[i] = issuers[i]->der;
    reply_certs(reply, arg, certs, n, "application/pkcs7-mime", call->lines);
}

/* ---- Enrolment -------------------------------------------------------------------------- */

struct enrol {
    est_reply_fn reply;
    void *arg;
    struct pki *pki;
    char who[PKI_WHO_MAX];
    int lines;
    struct rs_buf csr;
};

static void
on_issued(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct enrol *e = arg;

    if (rc == RS_OK) {
        /* RFC 7030 4.2.3: the issued certificate, and only that one. */
        reply_certs(e->reply, e->arg, &cert->der, 1,
                    "application/pkcs7-mime; smime-type=certs-only", e->lines);
    } else {
        pki_note_refusal(e->pki, e->who, err);
        refuse(e->reply, e->arg, err);
    }
    rs_buf_done(&e->csr);
    free(e);
}

static void
handle_enrol(const struct est_call *call, est_reply_fn reply, void *arg)
{
    struct pki_issue_request request = {.caller = call->caller,
                                        .protocol = "est",
                                        .label = call->label,
                                        .renew = call->operation == EST_SIMPLEREENROLL};
    struct rs_err err = {0};
    struct enrol *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        refuse_with(reply, arg, RS_E_NO_MEMORY, "no memory for a request");
        return;
    }
    e->reply = reply;
    e->arg = arg;
    e->pki = call->pki;
    e->lines = call->lines;
    (void)snprintf(e->who, sizeof(e->who), "%s", call->caller.who);
    rs_buf_init(&e->csr, EST_BODY_MAX);
    if (est_body_read(call->body, &e->csr, &err) != RS_OK) {
        on_issued(e, err.code, NULL, &err);
        return;
    }
    request.csr = rs_buf_bytes(&e->csr);
    pki_issue(call->pki, &request, on_issued, e);
}

/* Cheapest checks first: operation, method, type, who. */
void
est_handle(const struct est_call *call, est_reply_fn reply, void *arg)
{
    int enrols = call->operation == EST_SIMPLEENROLL || call->operation == EST_SIMPLEREENROLL;

    if (call->operation == EST_UNKNOWN)
        refuse_with(reply, arg, RS_E_REQUEST_UNKNOWN, "est: no such operation (RFC 7030 3.2.2)");
    else if (enrols != call->is_post)
        refuse_with(reply, arg, RS_E_REQUEST_METHOD,
                    "est: cacerts is a GET, enrolment a POST (RFC 7030 3.2.2)");
    else if (!enrols)
        handle_cacerts(call, reply, arg);
    else if (strcmp(call->content_type, "application/pkcs10") != 0)
        refuse_with(reply, arg, RS_E_REQUEST_MEDIA,
                    "est: the body must be application/pkcs10 (RFC 7030 4.2.1)");
    else if (call->caller.role == PKI_NOBODY)
        refuse_with(reply, arg, RS_E_AUTH_REQUIRED,
                    "est: a client certificate is needed (RFC 7030 3.3.2)");
    else
        handle_enrol(call, reply, arg);
}
