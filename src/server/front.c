/*
 * front.c: the process that faces the network.
 *
 * Quick things (EST, OCSP, CRLs) are answered from the loops; calls that may
 * wait for the signer or write to the store run on a few workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/front.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/inject.h"
#include "base/io.h"
#include "base/jail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sock.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "msg/est.h"
#include "msg/ocsp.h"
#include "server/publish.h"
#include "x509/crl.h"
#include "x509/path.h"

#define WORKERS          4
#define SLOW_MAX         1024
#define LISTENERS        3
#define TENANT           "default"
#define TLS_PROFILE      "tls-server"
#define TIDY_S           10
#define CODE_RETRY_AFTER "600" /* CODE_WINDOW_S */
#define FIELD_PATH       "/.well-known/rootsmith/v1/"

/* ---- Calls on workers ---------------------------------------------------------------------- */

/* One piece of work for a worker. */
struct slow {
    void (*run)(void *arg);
    void *arg;
};

struct call_run {
    struct call *call;
    call_fn handler;
};

static void
free_call(struct call *call)
{
    rs_arena_done(&call->arena);
    json_decref(call->body);
    free(call);
}

static void *
work_loop(void *arg)
{
    struct front *f = arg;
    void *item;

    while (rs_queue_take(&f->slow, &item, 1) == 1) {
        struct slow *s = item;
        s->run(s->arg);
        free(s);
    }
    return NULL;
}

/* 0 when too many wait. */
static int
put_slow(struct front *f, void (*run)(void *arg), void *arg)
{
    struct slow *s = malloc(sizeof(*s));

    if (s == NULL)
        return 0;
    *s = (struct slow){run, arg};
    if (rs_queue_put(&f->slow, s))
        return 1;
    free(s);
    return 0;
}

static void
run_call(void *arg)
{
    struct call_run *r = arg;

    r->handler(r->call);
    free_call(r->call);
    free(r);
}

static void
run_on_worker(struct call *call, call_fn handler)
{
    struct call_run *r = malloc(sizeof(*r));

    if (r != NULL) {
        *r = (struct call_run){call, handler};
        if (put_slow(call->front, run_call, r))
            return;
        free(r);
    }
    call_refuse_code(call, RS_E_REQUEST_LIMIT, "too many calls wait");
    free_call(call);
}

/* ---- Routes ---------------------------------------------------------------------------------- */

/* "orders/NAME/revoke" into its segments, cut in place. */
static void
split_path(struct call *call, char *rest, const char **ret_collection)
{
    char *slash = strchr(rest, '/');

    *ret_collection = rest;
    call->name = call->action = "";
    if (slash == NULL)
        return;
    *slash = '\0';
    call->name = slash + 1;
    slash = strchr(slash + 1, '/');
    if (slash != NULL) {
        *slash = '\0';
        call->action = slash + 1;
    }
}

static const struct route *
find_route(const struct route *routes, const struct call *call, const char *collection,
           int *ret_other_method)
{
    *ret_other_method = 0;
    for (const struct route *r = routes; r->collection != NULL; r++) {
        if (strcmp(r->collection, collection) != 0 || r->has_name != (call->name[0] != '\0') ||
            strcmp(r->action != NULL ? r->action : "", call->action) != 0)
            continue;
        if (r->method == call->request.method)
            return r;
        *ret_other_method = 1;
    }
    return NULL;
}

/* What the certificate shown makes of the caller; refuses what cannot be a caller at all. */
static rs_code
identify(struct front *f, const struct http_request *request, struct pki_caller *ret_caller,
         struct rs_err *err)
{
    memset(ret_caller, 0, sizeof(*ret_caller));
    if (request->peer == HTTP_PEER_NONE)
        return RS_OK;
    if (request->peer == HTTP_PEER_UNTRUSTED)
        return rs_fail(err, RS_E_AUTH_UNKNOWN, "auth: not issued by a CA of this installation");
    return pki_authenticate(f->pki, request->peer_cert, request->peer == HTTP_PEER_EXPIRED,
                            ret_caller, err);
}

static rs_code
authorise(const struct route *route, const struct call *call, struct rs_err *err)
{
    if (route->role == PKI_NOBODY || route->role == call->caller.role)
        return RS_OK;
    if (call->caller.role == PKI_NOBODY)
        return rs_fail(err, RS_E_AUTH_REQUIRED, "auth: a client certificate is needed here");
    return rs_fail(err, RS_E_AUTH_DENIED, "auth: %s may not do this", call->caller.who);
}

static struct call *
new_call(struct front *f, const struct http_request *request, const char *rest)
{
    struct call *call = calloc(1, sizeof(*call));

    if (call == NULL)
        return NULL;
    call->front = f;
    call->request = *request;
    rs_arena_init(&call->arena, (size_t)4 << 20);
    (void)snprintf(call->path, sizeof(call->path), "%s", rest);
    return call;
}

static void
dispatch(struct front *f, const struct http_request *request, const char *rest,
         const struct route *routes)
{
    struct call *call = new_call(f, request, rest);
    const struct route *route;
    const char *collection;
    struct rs_err err = {0};
    int other = 0;
    rs_code rc;

    if (call == NULL) {
        http_reply(request->exchange, 503, NULL, (struct rs_bytes){NULL, 0}, NULL, 0);
        return;
    }
    split_path(call, call->path, &collection);
    route = find_route(routes, call, collection, &other);
    rc = route != NULL ? RS_OK
                       : rs_fail(&err, other ? RS_E_REQUEST_METHOD : RS_E_REQUEST_UNKNOWN,
                                 "there is no such resource for this method");
    if (rc == RS_OK)
        rc = identify(f, request, &call->caller, &err);
    if (rc == RS_OK)
        rc = authorise(route, call, &err);
    if (rc == RS_OK && request->body.len > 0)
        rc = rs_json_read(request->body, &call->body, &err);
    if (rc == RS_OK && request->method != HTTP_GET && !json_is_object(call->body)) {
        json_decref(call->body);
        call->body = json_object();
    }
    if (rc != RS_OK) {
        call_refuse(call, &err);
        free_call(call);
        return;
    }
    run_on_worker(call, route->handler);
}

/* ---- EST ---------------------------------------------------------------------------------------- */

struct est_exchange {
    struct est_call call;
    struct front *front;
    struct http_exchange *exchange;
    struct code_ask ask; /* with a code: who, and what for */
    char address[64];
    struct rs_buf link; /* base64 of what names the connection */
    struct rs_buf body; /* with a code: the bytes of the request, which may be gone by then */
};

static void
on_est_reply(void *arg, const struct est_reply *reply)
{
    struct est_exchange *e = arg;
    struct http_header header = {reply->header, reply->value};

    http_reply(e->exchange, reply->status, reply->content_type, reply->body, &header,
               reply->header != NULL);
    rs_buf_done(&e->link);
    rs_buf_done(&e->body);
    free(e);
}

/* RFC 7030 3.5: base64 of the connection's binding.  On the handler's thread. */
static void
take_link(struct est_exchange *e)
{
    uint8_t binding[HTTP_BINDING_MAX];
    size_t len = http_binding(e->exchange, binding);

    rs_buf_init(&e->link, (size_t)2 * HTTP_BINDING_MAX);
    if (len > 0)
        rs_base64_put(&e->link, rs_bytes_of(binding, len), 0);
}

static int
is_linked(void *arg, struct rs_bytes text)
{
    struct est_exchange *e = arg;

    /* Without a code on the handler's thread still, and only now that somebody asks. */
    if (e->body.p == NULL && e->link.p == NULL)
        take_link(e);
    return e->link.len > 0 && rs_bytes_equal_secret(rs_buf_bytes(&e->link), text);
}

static void
refuse_est(struct est_exchange *e, const struct rs_err *err)
{
    pki_note_refusal(e->front->pki, "est", err);
    est_refuse(&e->call, err, on_est_reply, e);
}

/* libest names itself; nobody else who is known needs line breaks. */
static int
needs_lines(const struct http_request *request)
{
    const char *agent = http_request_header(request->exchange, "User-Agent");

    return agent != NULL &&
           (strncmp(agent, "libest ", 7) == 0 || strncmp(agent, "Cisco EST client", 16) == 0);
}

static void
fill_est_call(struct front *f, const struct http_request *request, struct est_call *call)
{
    call->pki = f->pki;
    call->method = request->method == HTTP_POST                                  ? EST_POST
                   : request->method == HTTP_GET || request->method == HTTP_HEAD ? EST_GET
                                                                                 : EST_OTHER;
    call->has_length = http_request_header(request->exchange, "Content-Length") != NULL ||
                       http_request_header(request->exchange, "Transfer-Encoding") != NULL;
    call->content_type = request->content_type;
    call->body = request->body;
    call->lines = needs_lines(request);
}

/*
 * RFC 7030 3.3.1: cacerts answers anybody; csrattrs too, and says more to whom it
 * knows.  A certificate of somebody else's is not one to renew here.
 */
static rs_code
identify_est(struct front *f, const struct http_request *request, struct est_call *call,
             struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code rc;

    if (call->operation == EST_CSRATTRS && identify(f, request, &call->caller, &why) != RS_OK)
        call->caller = (struct pki_caller){0};
    if (!est_needs_caller(call->operation))
        return RS_OK;
    rc = identify(f, request, &call->caller, &why);
    if (rc == RS_E_AUTH_UNKNOWN && call->operation == EST_SIMPLEREENROLL)
        rc = RS_E_AUTH_DENIED;
    return rc == RS_OK ? RS_OK : rs_fail(err, rc, "%s", why.text);
}

/* On a worker, because a code waits for the store: who it is, and then as for everybody. */
static void
run_est_by_code(void *arg)
{
    struct est_exchange *e = arg;
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf csr;
    rs_buf_init(&csr, EST_BODY_MAX);
    e->call.body = rs_buf_bytes(&e->body);
    rc = est_body_read(e->call.body, &csr, &err);
    e->ask.csr = rs_buf_bytes(&csr);
    if (rc == RS_OK)
        rc = code_admit(e->front->pki, &e->front->tries, &e->ask, &e->call.caller, &err);
    if (rc == RS_E_REQUEST_LIMIT)
        e->call.retry_after = CODE_RETRY_AFTER;
    if (rc == RS_OK)
        est_handle(&e->call, on_est_reply, e);
    else
        refuse_est(e, &err);
}

/* RFC 7030 3.2.3: a device without a certificate of ours, with a code made for it. */
static void
handle_est_by_code(struct est_exchange *e, const struct http_request *request, const char *header)
{
    struct rs_err err = {0};

    if (!code_read(header, &e->ask))
        (void)rs_fail(&err, RS_E_AUTH_TOKEN, "auth: Authorization is not Basic user:code");
    else if (est_check(&e->call, &err) == RS_OK) {
        rs_buf_init(&e->body, HTTP_BODY_MAX);
        rs_buf_put_bytes(&e->body, request->body);
        (void)snprintf(e->address, sizeof(e->address), "%s", request->address);
        take_link(e); /* the worker must not touch the connection */
        e->ask.is_linked = is_linked;
        e->ask.link = e;
        e->ask.must_link = e->call.must_link;
        e->ask.address = e->address;
        e->ask.label = e->call.label;
        if (rs_buf_ok(&e->body) && put_slow(e->front, run_est_by_code, e))
            return;
        (void)rs_fail(&err, RS_E_REQUEST_LIMIT, "too many calls wait");
    }
    refuse_est(e, &err);
}

/* A TPM that has answered its challenge, else a device with a code. */
static void
handle_est_by_header(struct est_exchange *e, const struct http_request *request, const char *header)
{
    struct rs_err err = {0};
    int is_tpm = 0;

    if (tpm_identify(e->front, header, &is_tpm, &e->call.caller, &err) != RS_OK)
        refuse_est(e, &err);
    else if (is_tpm)
        est_handle(&e->call, on_est_reply, e);
    else
        handle_est_by_code(e, request, header);
}

static void
handle_est(struct front *f, const struct http_request *request)
{
    const char *header = http_request_header(request->exchange, "Authorization");
    struct est_exchange *e = calloc(1, sizeof(*e));
    struct rs_err err = {0};
    struct call call = {.front = f, .request = *request};

    if (e == NULL || !est_parse_path(request->path, e->call.label, &e->call.operation)) {
        free(e);
        call_refuse_code(&call, RS_E_REQUEST_UNKNOWN, "not an EST path");
        return;
    }
    e->front = f;
    e->exchange = request->exchange;
    fill_est_call(f, request, &e->call);
    e->call.is_linked = is_linked;
    e->call.link = e;
    e->call.must_link = f->config->must_link;
    /* A certificate that counts nothing here does not stand in the way of a code. */
    if (request->peer != HTTP_PEER_VALID && header != NULL && e->call.operation == EST_SIMPLEENROLL)
        handle_est_by_header(e, request, header);
    else if (identify_est(f, request, &e->call, &err) != RS_OK)
        refuse_est(e, &err);
    else
        est_handle(&e->call, on_est_reply, e);
}

/* ---- Listeners ------------------------------------------------------------------------------------ */

static void
reply_text(const struct http_request *request, int status, const char *text)
{
    http_reply(request->exchange, status, "text/plain; charset=utf-8", rs_bytes_str(text), NULL, 0);
}

static void
on_device_request(void *arg, const struct http_request *request)
{
    struct front *f = arg;

    if (strncmp(request->path, "/.well-known/est/", 17) == 0)
        handle_est(f, request);
    else if (strncmp(request->path, "/station/v1/", 12) == 0)
        dispatch(f, request, request->path + 12, station_routes);
    else if (strncmp(request->path, FIELD_PATH, sizeof(FIELD_PATH) - 1) == 0)
        dispatch(f, request, request->path + sizeof(FIELD_PATH) - 1, field_routes);
    else
        reply_text(request, 404, "request.unknown: there is nothing here\n");
}

static void
reply_metrics(struct front *f, const struct http_request *request)
{
    struct store_stats s = {0};
    struct store *store;
    char text[1024];

    if (pki_reader(f->pki, &store, NULL) != RS_OK ||
        store_get_stats(store, pki_tenant(f->pki), &s, NULL) != RS_OK) {
        reply_text(request, 503, "store\n");
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "# TYPE rootsmith_certificates_total counter\n"
                   "rootsmith_certificates_total %lld\n"
                   "# TYPE rootsmith_revoked_total counter\nrootsmith_revoked_total %lld\n"
                   "# TYPE rootsmith_devices gauge\nrootsmith_devices %lld\n"
                   "# TYPE rootsmith_signer_up gauge\nrootsmith_signer_up %d\n",
                   (long long)s.certs, (long long)s.revoked, (long long)s.devices,
                   signer_client_alive(pki_signer(f->pki)));
    reply_text(request, 200, text);
}

static void
on_people_request(void *arg, const struct http_request *request)
{
    struct front *f = arg;

    if (strncmp(request->path, "/api/v1/", 8) == 0)
        dispatch(f, request, request->path + 8, rest_routes);
    else if (strcmp(request->path, "/healthz") == 0)
        reply_text(request, signer_client_alive(pki_signer(f->pki)) ? 200 : 503, "ok\n");
    else if (strcmp(request->path, "/metrics") == 0)
        reply_metrics(f, request);
    else
        reply_text(request, 404, "request.unknown: there is nothing here\n");
}

/* RFC 9110 13.1.2, for the one strong tag that we give. */
static int
client_has(const struct http_request *request, const char *etag)
{
    const char *tags = http_request_header(request->exchange, "If-None-Match");

    return tags != NULL && (strstr(tags, etag) != NULL || strcmp(tags, "*") == 0);
}

/*
 * RFC 5019 5 and 6.2: a GET may be answered by caches.  They keep an answer until we
 * would sign a new one, so that theirs is never older than ours could be.
 */
static void
reply_ocsp(const struct http_request *request, const struct ocsp_reply *reply)
{
    char cache[80];
    struct ocsp_caching c;
    struct http_header headers[4];

    if (request->method == HTTP_POST || !ocsp_reply_caching(reply, &c)) {
        http_reply(request->exchange, 200, "application/ocsp-response", reply->der, NULL, 0);
        return;
    }
    (void)snprintf(cache, sizeof(cache), "max-age=%lld, public, no-transform, must-revalidate",
                   (long long)c.max_age);
    headers[0] = (struct http_header){"Cache-Control", cache};
    headers[1] = (struct http_header){"ETag", c.etag};
    headers[2] = (struct http_header){"Expires", c.expires};
    headers[3] = (struct http_header){"Last-Modified", c.modified};
    if (client_has(request, c.etag))
        http_reply(request->exchange, 304, NULL, (struct rs_bytes){NULL, 0}, headers, 4);
    else
        http_reply(request->exchange, 200, "application/ocsp-response", reply->der, headers, 4);
}

static void
handle_ocsp(struct front *f, const struct http_request *request)
{
    RS_AUTO(rs_buf_done) struct rs_buf der;
    RS_AUTO(ocsp_reply_done) struct ocsp_reply reply = {0};

    rs_buf_init(&der, 8192);
    if (request->method == HTTP_POST &&
        strcmp(request->content_type, "application/ocsp-request") == 0)
        ocsp_answer(f->ocsp, request->body, &reply);
    else if ((request->method == HTTP_GET || request->method == HTTP_HEAD) &&
             strlen(request->path) > 6 &&
             ocsp_path_read(rs_bytes_str(request->path + 6), &der, NULL) == RS_OK)
        ocsp_answer(f->ocsp, rs_buf_bytes(&der), &reply);
    else
        ocsp_answer_malformed(&reply);
    reply_ocsp(request, &reply);
}

/* "/crl/NAME.crl" and "/ca/NAME.cer": the name between prefix and suffix. */
static int
published_name(const char *path, const char *prefix, const char *suffix, char name[STORE_NAME_MAX])
{
    size_t p = strlen(prefix), s = strlen(suffix), n = strlen(path);

    if (n <= p + s || strncmp(path, prefix, p) != 0 || strcmp(path + n - s, suffix) != 0 ||
        n - p - s >= STORE_NAME_MAX)
        return 0;
    memcpy(name, path + p, n - p - s);
    name[n - p - s] = '\0';
    return 1;
}

static void
on_plain_request(void *arg, const struct http_request *request)
{
    struct front *f = arg;
    const struct pki_issuer *issuer;
    char name[STORE_NAME_MAX];

    RS_AUTO(rs_buf_done) struct rs_buf crl;
    rs_buf_init(&crl, (size_t)64 << 20);
    if (strncmp(request->path, "/ocsp", 5) == 0) {
        handle_ocsp(f, request);
    } else if (published_name(request->path, "/crl/", ".crl", name) &&
               pki_find_crl(f->pki, name, &crl, NULL) == RS_OK) {
        http_reply(request->exchange, 200, "application/pkix-crl", rs_buf_bytes(&crl), NULL, 0);
    } else if (published_name(request->path, "/ca/", ".cer", name) &&
               (issuer = pki_find_issuer(f->pki, name)) != NULL) {
        http_reply(request->exchange, 200, "application/pkix-cert", issuer->der, NULL, 0);
    } else {
        reply_text(request, 404, "request.unknown: there is nothing here\n");
    }
}

/* ---- Start ------------------------------------------------------------------------------------------ */

/* The issuer that may sign our TLS certificate. */
static const struct pki_issuer *
tls_issuer(struct pki *pki)
{
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(pki, list, 64);

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < list[i]->doc.profiles.count; k++) {
            if (rs_bytes_equal(list[i]->doc.profiles.items[k], rs_bytes_str(TLS_PROFILE)))
                return list[i];
        }
    }
    return NULL;
}

/* "https://host:port" -> host */
static void
host_of(const char *url, char host[256])
{
    const char *start = strstr(url, "://");
    size_t n;

    start = start != NULL ? start + 3 : url;
    n = strcspn(start, ":/");
    (void)snprintf(host, 256, "%.*s", (int)(n < 255 ? n : 255), start);
}

/* The certificates of ours are known here; the library need not find out again. */
static int
judge_client(void *arg, struct rs_bytes cert, int64_t ret_window[2])
{
    struct path_window window;

    if (!path_check_client(arg, cert, &window))
        return 0;
    ret_window[0] = window.from;
    ret_window[1] = window.until;
    return 1;
}

/* A key made here and now, its certificate through the signer: nothing of it is on a disk. */
static rs_code
make_tls(struct front *f, struct crypto_key **ret_key, struct http_tls **ret_tls,
         struct rs_err *err)
{
    const struct pki_issuer *issuer = tls_issuer(f->pki), *all[64];
    struct http_tls_config config = {0};
    struct rs_bytes chain[8], clients[64];
    const char *names[] = {"localhost", "127.0.0.1", NULL};
    char host[256];
    size_t n;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CERT_BYTES_MAX);
    if (issuer == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "no CA may sign profile " TLS_PROFILE);
    host_of(f->config->url, host);
    names[2] = host;
    rc = crypto_key_generate(CRYPTO_P256, ret_key, err);
    if (rc == RS_OK)
        rc = pki_issue_own(f->pki, TLS_PROFILE, issuer->name, host, names,
                           strcmp(host, "localhost") == 0 ? 2 : 3, crypto_key_pub(*ret_key)->spki,
                           &der, err);
    if (rc != RS_OK)
        return rc;
    chain[0] = rs_buf_bytes(&der);
    n = pki_chain(f->pki, issuer->name, chain + 1, 6);
    config.key = *ret_key;
    config.chain = chain;
    config.chain_count = n > 1 ? n : 1; /* the root stays out */
    n = pki_issuers(f->pki, all, 64);
    for (size_t i = 0; i < n; i++)
        clients[i] = all[i]->der;
    config.clients = clients;
    config.client_count = n;
    rc = path_trust_new(clients, n, &f->paths, err);
    if (rc != RS_OK)
        return rc;
    config.judge = judge_client;
    config.judge_arg = f->paths;
    return http_tls_new(&config, ret_tls, err);
}

/* ---- CRLs as files ---------------------------------------------------------------------------------- */

/* The newest list of an issuer into all directories. */
static rs_code
publish_files(struct front *f, const char *issuer, struct rs_err *err)
{
    rs_code rc, first = RS_OK;

    RS_AUTO(rs_buf_done) struct rs_buf crl;
    rs_buf_init(&crl, (size_t)64 << 20);
    rc = pki_find_crl(f->pki, issuer, &crl, err);
    if (rc != RS_OK)
        return rc;
    for (size_t i = 0; i < f->config->publish_count; i++) {
        rc = publish_crl(f->config->publish[i], issuer, rs_buf_bytes(&crl), err);
        first = first == RS_OK ? rc : first; /* the others are served all the same */
    }
    return first;
}

static rs_code
publish_and_tell(struct front *f, const char *issuer)
{
    struct rs_err err = {0};
    rs_code rc;

    if (f->config->publish_count == 0)
        return RS_OK;
    (void)pthread_mutex_lock(&f->publish_lock);
    rc = publish_files(f, issuer, &err);
    if (rc != RS_OK && !f->publish_failed)
        rs_log_err(RS_LOG_ERROR, "front", "a CRL could not be published as a file", &err);
    f->publish_failed = rc != RS_OK;
    (void)pthread_mutex_unlock(&f->publish_lock);
    return rc;
}

rs_code
front_publish_crl(struct front *f, const char *issuer, uint64_t *ret_number, struct rs_err *err)
{
    rs_code rc = pki_publish_crl(f->pki, issuer, ret_number, err);

    if (rc == RS_OK)
        (void)(publish_and_tell(f, issuer) == RS_OK);
    return rc;
}

/* At the start, and for as long as something failed: what the files lack. */
static void
publish_all_files(struct front *f)
{
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(f->pki, list, 64);

    for (size_t i = 0; i < n; i++) {
        if (publish_and_tell(f, list[i]->name) != RS_OK)
            return;
    }
}

/* First lists of all issuing CAs, so that a CRL is there before anybody asks. */
static rs_code
publish_missing_crls(struct front *f, struct rs_err *err)
{
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(f->pki, list, 64);
    rs_code rc = RS_OK;

    for (size_t i = 0; i < n && rc == RS_OK; i++) {
        uint64_t number;
        RS_AUTO(rs_buf_done) struct rs_buf crl;
        rs_buf_init(&crl, (size_t)64 << 20);
        if (pki_find_crl(f->pki, list[i]->name, &crl, NULL) != RS_OK)
            rc = front_publish_crl(f, list[i]->name, &number, err);
    }
    return rc;
}

struct running {
    struct front front;
    struct store *first; /* see jail_front() */
    struct signer_client *signer;
    struct makers *tpm_roots, *vendors;
    struct crypto_key *tls_key;
    struct http_tls *tls;
    struct http_server *http;
    pthread_t workers[WORKERS];
    unsigned worker_count;
};

static rs_code
open_pki(struct running *r, int signer_fd, struct rs_err *err)
{
    struct pki_config config = {.store_url = r->front.config->store, .tenant = TENANT};
    struct proto_ready ready;
    rs_code rc;

    rc = server_makers_new(&r->front.config->tpm, &r->tpm_roots, err);
    if (rc == RS_OK)
        rc = server_makers_new(&r->front.config->vendors, &r->vendors, err);
    if (rc == RS_OK)
        rc = signer_client_new(signer_fd, "front", &r->signer, &ready, err);
    if (rc != RS_OK)
        return rc;
    config.tpm_roots = r->tpm_roots;
    config.vendors = r->vendors;
    config.signer = r->signer;
    config.signer_id = ready.signer_id;
    (void)snprintf(r->front.ready_text, sizeof(r->front.ready_text),
                   "ready issuers=%u ledger=%llu\n", ready.issuers, (unsigned long long)ready.size);
    rc = pki_open(&config, &r->front.pki, err);
    store_close(r->first);
    r->first = NULL;
    if (rc == RS_OK)
        rc = ocsp_responder_new(r->front.pki, &r->front.ocsp, err);
    if (rc == RS_OK)
        rc = publish_missing_crls(&r->front, err);
    if (rc == RS_OK)
        publish_all_files(&r->front);
    return rc;
}

static rs_code
start_workers(struct running *r, struct rs_err *err)
{
    rs_code rc = rs_queue_init(&r->front.slow, SLOW_MAX, err);

    while (rc == RS_OK && r->worker_count < WORKERS) {
        if (pthread_create(&r->workers[r->worker_count], NULL, work_loop, &r->front) != 0)
            rc = rs_fail(err, RS_E_NO_MEMORY, "cannot start a thread");
        else
            r->worker_count++;
    }
    return rc;
}

static rs_code
start(struct running *r, const int fds[LISTENERS + 1], struct rs_err *err)
{
    struct http_listener listeners[LISTENERS] = {
        {.fd = fds[0], .handler = on_device_request, .arg = &r->front},
        {.fd = fds[1], .handler = on_people_request, .arg = &r->front},
        {.fd = fds[2], .handler = on_plain_request, .arg = &r->front},
    };
    rs_code rc;

    rc = open_pki(r, fds[3], err);
    if (rc == RS_OK)
        rc = start_workers(r, err);
    if (rc == RS_OK)
        rc = make_tls(&r->front, &r->tls_key, &r->tls, err);
    if (rc != RS_OK)
        return rc;
    listeners[0].tls = r->tls;
    listeners[1].tls = r->tls;
    return http_server_new(listeners, LISTENERS, (unsigned)r->front.config->threads, &r->http, err);
}

static void
stop(struct running *r)
{
    http_server_free(r->http);
    if (r->worker_count > 0)
        rs_queue_close(&r->front.slow);
    for (unsigned i = 0; i < r->worker_count; i++)
        (void)pthread_join(r->workers[i], NULL);
    rs_queue_done(&r->front.slow);
    store_close(r->first);
    signer_client_free(r->signer);
    ocsp_responder_free(r->front.ocsp);
    pki_close(r->front.pki);
    makers_free(r->tpm_roots);
    makers_free(r->vendors);
    http_tls_free(r->tls);
    path_trust_free(r->front.paths);
    crypto_key_free(r->tls_key);
}

/* Fold the store's log from this thread, so that no commit has to; renew lists that end soon. */
static void
tidy(struct running *r)
{
    const struct pki_issuer *list[64];
    size_t n = pki_issuers(r->front.pki, list, 64);
    struct rs_err err = {0};
    struct store *store;

    if (pki_reader(r->front.pki, &store, &err) == RS_OK && store_tidy(store, &err) != RS_OK)
        rs_log_err(RS_LOG_WARN, "front", "the store's log was not folded", &err);
    if (r->front.publish_failed)
        publish_all_files(&r->front);
    if (ocsp_responder_tidy(r->front.ocsp, &err) != RS_OK)
        rs_log_err(RS_LOG_ERROR, "front", "an OCSP responder's certificate was not renewed", &err);
    for (size_t i = 0; i < n; i++) {
        uint64_t number;
        struct crl crl;
        RS_AUTO(rs_buf_done) struct rs_buf der;
        rs_buf_init(&der, (size_t)64 << 20);
        if (pki_find_crl(r->front.pki, list[i]->name, &der, NULL) != RS_OK ||
            crl_read(rs_buf_bytes(&der), &crl, NULL) != RS_OK ||
            rs_now() < crl.this_update + (crl.next_update - crl.this_update) / 2)
            continue;
        if (front_publish_crl(&r->front, list[i]->name, &number, &err) != RS_OK)
            rs_log_err(RS_LOG_ERROR, "front", "a CRL could not be renewed", &err);
    }
}

/* A byte and a descriptor: a new signer.  The end of the socket: stop. */
static void
serve(struct running *r, int control_fd)
{
    struct pollfd p = {.fd = control_fd, .events = POLLIN};
    int64_t next_check = rs_now() + TIDY_S;

    for (;;) {
        struct rs_err err = {0};
        int fds[1];
        size_t count = 0;
        int n = poll(&p, 1, 1000);

        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            if (rs_sock_receive_fds(control_fd, fds, 1, &count, &err) != RS_OK || count != 1)
                return;
            if (signer_client_attach(r->signer, fds[0], &err) != RS_OK ||
                pki_catch_up(r->front.pki, &err) != RS_OK)
                rs_log_err(RS_LOG_ERROR, "front", "the new signer cannot be used", &err);
        }
        /* Something broke behind the signer, or the ledger could not be read at once. */
        if (n == 0 && signer_client_alive(r->signer) && pki_is_behind(r->front.pki) &&
            pki_catch_up(r->front.pki, &err) != RS_OK)
            rs_log_err(RS_LOG_ERROR, "front", "the ledger cannot be read", &err);
        if (rs_now() >= next_check) {
            next_check = rs_now() + TIDY_S;
            tidy(r);
        }
    }
}

/*
 * A front that was taken over must not reach the keys or the ledger.  The store
 * lies beside them: its files must be there before nothing can be made there.
 * A reader stays open until the writer is: while it is, nobody has to read
 * again the whole log that a crash left behind.
 */
static rs_code
jail_front(const struct server_config *config, struct store **ret_first, struct rs_err *err)
{
    char signer[700], witness[700];
    const char *const hidden[] = {signer, witness};
    struct store *store = NULL;
    rs_code rc = RS_OK;

    if (store_open(config->store, 0, ret_first, NULL) != RS_OK)
        rc = store_open(config->store, 1, &store, err); /* the first start, or what is wrong */
    store_close(store);
    if (rc == RS_OK)
        rc = rs_path_join(config->data, "signer", signer, sizeof(signer), err);
    if (rc == RS_OK)
        rc = rs_path_join(config->data, "witness", witness, sizeof(witness), err);
    if (rc == RS_OK)
        rc = rs_hide(hidden, 2, err);
    return rc == RS_OK ? rs_jail(RS_JAIL_ACCEPTS, err) : rc;
}

rs_code
server_front(const struct server_config *config, int control_fd, struct rs_err *err)
{
    struct running *r = calloc(1, sizeof(*r));
    int fds[LISTENERS + 1];
    size_t count = 0;
    rs_code rc;

    if (r == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "front");
    r->front.config = config;
    (void)pthread_mutex_init(&r->front.publish_lock, NULL);
    (void)pthread_mutex_init(&r->front.tries.lock, NULL);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    rc = jail_front(config, &r->first, err);
    if (rc == RS_OK)
        rc = rs_sock_receive_fds(control_fd, fds, LISTENERS + 1, &count, err);
    if (rc == RS_OK && count != LISTENERS + 1)
        rc = rs_fail(err, RS_E_SIGNER_PROTOCOL, "front: %zu descriptors", count);
    if (rc == RS_OK)
        rc = start(r, fds, err);
    if (rc == RS_OK) {
        rc = rs_sock_send(control_fd, rs_bytes_str(r->front.ready_text), err);
        serve(r, control_fd);
    } else {
        char text[400];
        int n = snprintf(text, sizeof(text), "failed %s %s\n", rs_code_info(err->code)->name,
                         err->text);
        struct rs_err none = {0};
        (void)(rs_sock_send(control_fd, rs_bytes_of(text, (size_t)n), &none) == RS_OK);
    }
    stop(r);
    free(r);
    return rc;
}
