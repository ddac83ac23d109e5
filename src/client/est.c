/*
 * est.c: see est.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/est.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "msg/est.h"

#define PATH_MAX_EST 256
#define PKCS7_MAX    (1u << 20)

static rs_code
put_path(const char *label, const char *operation, char path[PATH_MAX_EST], struct rs_err *err)
{
    int n = snprintf(path, PATH_MAX_EST, "/.well-known/est/%s%s%s", label,
                     label[0] != '\0' ? "/" : "", operation);

    if (n < 0 || n >= PATH_MAX_EST || strpbrk(label, "/?#% ") != NULL)
        return rs_fail(err, RS_E_USAGE, "est: \"%.60s\" is no label", label);
    return RS_OK;
}

/* The certificates of a reply body (RFC 7030 4.1.3, 4.2.3), borrowed from der. */
static rs_code
read_certs(const struct web_reply *reply, struct rs_buf *der, struct rs_bytes *certs, size_t cap,
           size_t *ret_count, struct rs_err *err)
{
    rs_code rc;

    if (strcmp(reply->type, "application/pkcs7-mime") != 0)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "est: the reply is \"%s\", not PKCS#7",
                       reply->type);
    rc = est_body_read(rs_buf_bytes(&reply->body), der, err);
    if (rc == RS_OK)
        rc = est_certs_only_read(rs_buf_bytes(der), certs, cap, ret_count, err);
    return rc;
}

/* RFC 7030 4.2.3: taken, and not decided yet. */
static rs_code
check_waiting(const struct web_reply *reply, struct rs_err *err)
{
    if (reply->status != 202)
        return RS_OK;
    return rs_fail(err, RS_E_REQUEST_WAITING, "est: the server has the request and decides later");
}

static rs_code
take_cert(const struct web_reply *reply, struct rs_buf *ret_cert, struct rs_err *err)
{
    struct rs_bytes cert;
    size_t count = 0;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    rs_buf_init(&der, PKCS7_MAX);
    rc = read_certs(reply, &der, &cert, 1, &count, err);
    if (rc == RS_OK && count != 1)
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "est: RFC 7030 4.2.3: exactly one certificate");
    if (rc == RS_OK)
        rs_buf_put_bytes(ret_cert, cert);
    if (rc == RS_OK && !rs_buf_ok(ret_cert))
        rc = rs_fail(err, RS_E_NO_MEMORY, "est: no room for the certificate");
    return rc;
}

rs_code
client_est_ask(struct web *web, const struct client_est_ask *ask, struct rs_buf *ret_cert,
               int64_t *ret_wait_s, struct rs_err *err)
{
    char path[PATH_MAX_EST];
    struct web_request request = {.method = "POST",
                                  .path = path,
                                  .type = "application/pkcs10",
                                  .headers = {ask->authorization}};
    rs_code rc = put_path(ask->label, ask->renew ? "simplereenroll" : "simpleenroll", path, err);

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_buf_done) struct rs_buf body = {0};
    rs_buf_init(&body, EST_BODY_MAX * 2);
    *ret_wait_s = 0;
    if (rc != RS_OK)
        return rc;
    est_body_put(&body, ask->csr, 1); /* libest cannot read one long line */
    if (!rs_buf_ok(&body))
        return rs_fail(err, RS_E_NO_MEMORY, "est: no memory for a request");
    request.body = rs_buf_bytes(&body);
    rc = web_call(web, &request, &reply, err);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = check_waiting(&reply, err);
    if (rc == RS_OK)
        return take_cert(&reply, ret_cert, err);
    *ret_wait_s = reply.retry_after_s > 0 ? reply.retry_after_s : 0;
    return rc;
}

rs_code
client_est_enroll(struct web *web, const char *label, struct rs_bytes csr, struct rs_buf *ret_cert,
                  int64_t *ret_wait_s, struct rs_err *err)
{
    struct client_est_ask ask = {.label = label, .csr = csr};

    return client_est_ask(web, &ask, ret_cert, ret_wait_s, err);
}

rs_code
client_est_reenroll(struct web *web, const char *label, struct rs_bytes csr,
                    struct rs_buf *ret_cert, int64_t *ret_wait_s, struct rs_err *err)
{
    struct client_est_ask ask = {.label = label, .csr = csr, .renew = 1};

    return client_est_ask(web, &ask, ret_cert, ret_wait_s, err);
}

rs_code
client_est_csrattrs(struct web *web, const char *label, struct rs_arena *arena,
                    struct csrattrs *ret_attrs, struct rs_err *err)
{
    char path[PATH_MAX_EST];
    struct web_request ask = {.method = "GET", .path = path};
    struct rs_bytes kept;
    rs_code rc = put_path(label, "csrattrs", path, err);

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    rs_buf_init(&der, CSRATTRS_BYTES_MAX);
    memset(ret_attrs, 0, sizeof(*ret_attrs));
    if (rc == RS_OK)
        rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK && (reply.status == 204 || reply.status == 404))
        return RS_OK;
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK && strcmp(reply.type, "application/csrattrs") != 0)
        rc =
            rs_fail(err, RS_E_REQUEST_FORMAT, "est: the reply is \"%s\", not csrattrs", reply.type);
    if (rc == RS_OK)
        rc = est_body_read(rs_buf_bytes(&reply.body), &der, err);
    if (rc != RS_OK)
        return rc;
    kept = rs_arena_copy(arena, rs_buf_bytes(&der));
    if (kept.p == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "est: no memory for csrattrs");
    return csrattrs_read(kept, ret_attrs, err);
}

rs_code
client_est_cacerts(struct web *web, const char *label, struct rs_arena *arena,
                   struct rs_bytes certs[CLIENT_EST_CERTS_MAX], size_t *ret_count,
                   struct rs_err *err)
{
    char path[PATH_MAX_EST];
    struct web_request ask = {.method = "GET", .path = path};
    struct rs_bytes found[CLIENT_EST_CERTS_MAX];
    size_t count = 0;
    rs_code rc = put_path(label, "cacerts", path, err);

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    rs_buf_init(&der, PKCS7_MAX);
    if (rc == RS_OK)
        rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = read_certs(&reply, &der, found, CLIENT_EST_CERTS_MAX, &count, err);
    for (size_t i = 0; rc == RS_OK && i < count; i++) {
        certs[i] = rs_arena_copy(arena, found[i]);
        if (certs[i].p == NULL)
            rc = rs_fail(err, RS_E_NO_MEMORY, "est: no memory for certificates");
    }
    if (rc == RS_OK)
        *ret_count = count;
    return rc;
}
