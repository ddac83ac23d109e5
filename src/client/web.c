/*
 * web.c: see web.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/clock.h"

#define BASE_MAX           512
#define URL_MAX            2048
#define CONNECT_TIMEOUT_MS 10000L

struct web {
    CURL *curl;
    EVP_PKEY *pkey;           /* borrowed; NULL: the key is curl's business */
    struct rs_buf chain;      /* PEM, with pkey: our certificate, then the others */
    int64_t not_earlier_than; /* 0: now */
    struct web_reply *reply;  /* during a call */
    SSL *ssl;                 /* of the last call's connection; curl's */
    int64_t date;             /* the server's, in its last answer */
    char base[BASE_MAX];
    char error[CURL_ERROR_SIZE];
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void
start_library(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- Opening -------------------------------------------------------------------- */

/* The certificate and chain of a key that is no file. */
static int
use_chain(const struct web *web, SSL_CTX *ctx)
{
    BIO *in = BIO_new_mem_buf(web->chain.p, (int)web->chain.len);
    X509 *x;
    int count = 0, ok = in != NULL;

    while (ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        ok = count++ == 0 ? SSL_CTX_use_certificate(ctx, x) : (int)SSL_CTX_add1_chain_cert(ctx, x);
        X509_free(x);
    }
    ERR_clear_error(); /* the end of the file is one */
    BIO_free(in);
    return ok && count > 0;
}

/* A clock that is behind cannot tell that something is not valid yet. */
static int
forgive_early(int ok, X509_STORE_CTX *ctx)
{
    if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CERT_NOT_YET_VALID) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    return ok;
}

/* Certificates are judged at base's time, not at the library's. */
static CURLcode
on_ssl_ctx(CURL *curl, void *ctx, void *arg)
{
    const struct web *web = arg;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    int64_t at = web->not_earlier_than != 0 ? web->not_earlier_than : rs_now();

    (void)curl;
    X509_VERIFY_PARAM_set_time(param, (time_t)at);
    if (web->not_earlier_than != 0 && SSL_CTX_get_verify_mode(ctx) != SSL_VERIFY_NONE)
        SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), forgive_early);
    if (web->pkey != NULL && (!use_chain(web, ctx) || SSL_CTX_use_PrivateKey(ctx, web->pkey) != 1))
        return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

/* Collects the results of many settings: each can only fail for want of memory. */
struct settings {
    CURL *curl;
    CURLcode rc;
};

#define SET(s, option, value)                                                                      \
    do {                                                                                           \
        if ((s)->rc == CURLE_OK)                                                                   \
            (s)->rc = curl_easy_setopt((s)->curl, option, value);                                  \
    } while (0)

static void
set_blob(struct settings *s, CURLoption option, struct rs_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len);
    struct curl_blob blob = {copy, bytes.len, CURL_BLOB_COPY};

    if (copy == NULL) {
        s->rc = CURLE_OUT_OF_MEMORY;
        return;
    }
    memcpy(copy, bytes.p, bytes.len);
    if (s->rc == CURLE_OK)
        s->rc = curl_easy_setopt(s->curl, option, &blob);
    rs_wipe(copy, bytes.len);
    free(copy);
}

static void
set_identity(struct settings *s, const struct web_config *config)
{
    if (config->cert_path != NULL)
        SET(s, CURLOPT_SSLCERT, config->cert_path);
    if (config->cert.len > 0 && config->pkey == NULL)
        set_blob(s, CURLOPT_SSLCERT_BLOB, config->cert);
    if (config->key_path != NULL)
        SET(s, CURLOPT_SSLKEY, config->key_path);
    if (config->key.len > 0)
        set_blob(s, CURLOPT_SSLKEY_BLOB, config->key);
}

static void
set_trust(struct settings *s, const struct web_config *config)
{
    SET(s, CURLOPT_CAPATH, NULL);
    if (config->insecure) {
        SET(s, CURLOPT_SSL_VERIFYPEER, 0L);
        SET(s, CURLOPT_SSL_VERIFYHOST, 0L);
        return;
    }
    SET(s, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(s, CURLOPT_SSL_VERIFYHOST, 2L);
    if (config->trust_path != NULL)
        SET(s, CURLOPT_CAINFO, config->trust_path);
    if (config->trust.len > 0)
        set_blob(s, CURLOPT_CAINFO_BLOB, config->trust);
}

static size_t on_body(char *p, size_t size, size_t count, void *arg);
static size_t on_header(char *p, size_t size, size_t count, void *arg);

static void
set_manners(struct settings *s, const struct web_config *config)
{
    long timeout_ms = (long)(config->timeout_ms != 0 ? config->timeout_ms : WEB_TIMEOUT_MS);

    SET(s, CURLOPT_NOSIGNAL, 1L); /* other threads are running */
    SET(s, CURLOPT_PROXY, "");
    SET(s, CURLOPT_FOLLOWLOCATION, 0L);
    SET(s, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(s, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(s, CURLOPT_PROTOCOLS_STR, "https,http");
    SET(s, CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(s, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(s, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(s, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    SET(s, CURLOPT_WRITEFUNCTION, on_body);
    SET(s, CURLOPT_HEADERFUNCTION, on_header);
}

static int
is_base(const char *base)
{
    const char *host;

    if (base == NULL || strlen(base) >= BASE_MAX)
        return 0;
    if (strncmp(base, "https://", 8) == 0)
        host = base + 8;
    else if (strncmp(base, "http://", 7) == 0)
        host = base + 7;
    else
        return 0;
    return host[0] != '\0' && strpbrk(host, "/?#@ ") == NULL;
}

static rs_code
check_config(const struct web_config *config, struct rs_err *err)
{
    int has_trust = config->trust_path != NULL || config->trust.len > 0;

    if (!is_base(config->base))
        return rs_fail(err, RS_E_USAGE, "server: \"%.80s\" is not https://HOST:PORT",
                       config->base != NULL ? config->base : "");
    if (strncmp(config->base, "https:", 6) == 0 && !has_trust && !config->insecure)
        return rs_fail(err, RS_E_USAGE, "server: no trust anchor is configured for %.80s",
                       config->base);
    return RS_OK;
}

rs_code
web_open(const struct web_config *config, struct web **ret_web, struct rs_err *err)
{
    struct settings s = {NULL, CURLE_OK};
    struct web *web;
    rs_code rc = check_config(config, err);

    if (rc != RS_OK)
        return rc;
    (void)pthread_once(&global_once, start_library);
    web = calloc(1, sizeof(*web));
    s.curl = web != NULL && global_result == CURLE_OK ? curl_easy_init() : NULL;
    if (s.curl == NULL) {
        free(web);
        return rs_fail(err, RS_E_NO_MEMORY, "connection: no memory");
    }
    web->curl = s.curl;
    (void)snprintf(web->base, sizeof(web->base), "%s", config->base);
    rs_buf_init(&web->chain, WEB_REPLY_MAX);
    web->pkey = config->pkey;
    web->not_earlier_than = config->not_earlier_than;
    if (config->pkey != NULL)
        rs_buf_put_bytes(&web->chain, config->cert);
    if (!rs_buf_ok(&web->chain))
        s.rc = CURLE_OUT_OF_MEMORY;
    SET(&s, CURLOPT_ERRORBUFFER, web->error);
    SET(&s, CURLOPT_SSL_CTX_DATA, web);
    set_manners(&s, config);
    set_trust(&s, config);
    set_identity(&s, config);
    if (s.rc != CURLE_OK) {
        web_close(web);
        return rs_fail(err, RS_E_NO_MEMORY, "connection: %s", curl_easy_strerror(s.rc));
    }
    *ret_web = web;
    return RS_OK;
}

void
web_close(struct web *web)
{
    if (web == NULL)
        return;
    curl_easy_cleanup(web->curl);
    rs_buf_done(&web->chain);
    free(web);
}

/* ---- Replies ---------------------------------------------------------------------- */

/* Called with pieces of the body; giving back less than it got ends the transfer. */
static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
    struct web_reply *reply = arg;

    rs_buf_put(&reply->body, p, size * count);
    return rs_buf_ok(&reply->body) ? size * count : 0;
}

/* The connection can be asked for its TLS while it answers only. */
static void
note_tls(struct web *web)
{
    const struct curl_tlssessioninfo *info = NULL;

    web->ssl = NULL;
    if (curl_easy_getinfo(web->curl, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
        info->backend == CURLSSLBACKEND_OPENSSL)
        web->ssl = info->internals;
}

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
    struct web *web = arg;

    note_tls(web);
    web_reply_line(web->reply, p, size * count);
    return size * count;
}

/* ---- Calling ------------------------------------------------------------------------ */

static rs_code
explain(const struct web *web, CURLcode code, struct rs_err *err)
{
    const char *why = web->error[0] != '\0' ? web->error : curl_easy_strerror(code);
    rs_code rc;

    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR)
        rc = rs_fail(err, RS_E_NET_TRUST,
                     "the certificate of %.100s is not one that is trusted here", web->base);
    else if (code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM)
        rc = rs_fail(err, RS_E_FILE_FAILED, "own certificate, key or trust anchor is not usable");
    else if (code == CURLE_WRITE_ERROR)
        rc = rs_fail(err, RS_E_REQUEST_TOO_LARGE, "the reply of %.100s is too large", web->base);
    else if (code == CURLE_OUT_OF_MEMORY)
        rc = rs_fail(err, RS_E_NO_MEMORY, "connection: no memory");
    else
        rc = rs_fail(err, RS_E_NET_UNREACHABLE, "%.100s does not answer: %.110s", web->base, why);
    if (err != NULL && err->detail[0] == '\0')
        (void)snprintf(err->detail, sizeof(err->detail), "%.150s", why);
    return rc;
}

void
web_put_basic(struct rs_buf *out, struct rs_bytes user_password)
{
    rs_buf_put_str(out, "Authorization: Basic ");
    rs_base64_put(out, user_password, 0);
    rs_buf_put_u8(out, 0);
}

static rs_code
put_headers(const struct web_request *request, struct curl_slist **ret_list)
{
    char type[WEB_TYPE_MAX + 32];
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *next;
    const char *lines[WEB_HEADERS_MAX + 1] = {NULL};
    size_t n = 0;

    if (request->type != NULL) {
        (void)snprintf(type, sizeof(type), "Content-Type: %s", request->type);
        lines[n++] = type;
    }
    for (size_t i = 0; i < WEB_HEADERS_MAX && request->headers[i] != NULL; i++)
        lines[n++] = request->headers[i];
    for (size_t i = 0; i < n && list != NULL; i++) {
        next = curl_slist_append(list, lines[i]);
        if (next == NULL) {
            curl_slist_free_all(list);
            list = NULL;
        } else {
            list = next;
        }
    }
    *ret_list = list;
    return list != NULL ? RS_OK : RS_E_NO_MEMORY;
}

static void
set_request(struct settings *s, struct web *web, const struct web_request *request, const char *url,
            struct curl_slist *headers, struct web_reply *reply)
{
    int has_body = request->body.len > 0 || request->type != NULL;

    SET(s, CURLOPT_HTTPGET, 1L); /* forget the last request's method and body */
    if (has_body || strcmp(request->method, "GET") != 0) {
        SET(s, CURLOPT_POST, 1L);
        SET(s, CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.p : "");
        SET(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    }
    SET(s, CURLOPT_CUSTOMREQUEST, request->method);
    SET(s, CURLOPT_URL, url);
    SET(s, CURLOPT_HTTPHEADER, headers);
    SET(s, CURLOPT_WRITEDATA, reply);
    SET(s, CURLOPT_HEADERDATA, web);
}

rs_code
web_call(struct web *web, const struct web_request *request, struct web_reply *reply,
         struct rs_err *err)
{
    struct settings s = {web->curl, CURLE_OK};
    struct curl_slist *headers = NULL;
    char url[URL_MAX];
    long status = 0;
    int n = snprintf(url, sizeof(url), "%s%s", web->base, request->path);

    if (n < 0 || (size_t)n >= sizeof(url) || request->path[0] != '/')
        return rs_fail(err, RS_E_USAGE, "request: path too long, or not a path");
    if (put_headers(request, &headers) != RS_OK)
        return rs_fail(err, RS_E_NO_MEMORY, "connection: no memory");
    web_reply_begin(reply);
    web->error[0] = '\0';
    web->reply = reply;
    web->ssl = NULL;
    web->date = 0;
    set_request(&s, web, request, url, headers, reply);
    if (s.rc == CURLE_OK)
        s.rc = curl_easy_perform(web->curl);
    if (s.rc == CURLE_OK)
        s.rc = curl_easy_getinfo(web->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_setopt(web->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (s.rc != CURLE_OK)
        return explain(web, s.rc, err);
    web_reply_end(reply, (int)status);
    web->date = reply->date;
    return RS_OK;
}

/* ---- The connection itself ----------------------------------------------------------------- */

int64_t
web_date(const struct web *web)
{
    return web->date;
}

rs_code
web_exporter(struct web *web, const char *label, uint8_t out[32], struct rs_err *err)
{
    if (web->ssl == NULL ||
        SSL_export_keying_material(web->ssl, out, 32, label, strlen(label), NULL, 0, 0) != 1)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "connection: it has no TLS to bind to");
    return RS_OK;
}
