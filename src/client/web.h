/*
 * web.h: one HTTPS connection to a server, kept alive, over libcurl.
 *
 * A struct web is one connection's worth of state: where, whom to trust, who
 * we are.  It belongs to one thread at a time; open one per thread.  Requests
 * block, up to the timeout.  Certificates are judged by base's clock, so that
 * tests may shift it, and host names are always checked.
 *
 *     struct web_config config = { .base = "https://localhost:8443", .trust_path = "root.pem",
 *                                  .cert_path = "me.pem", .key_path = "me.key" };
 *     struct web_request ask = { .method = "GET", .path = "/station/v1/orders" };
 *     struct web_reply reply = { 0 };
 *     struct web *web;
 *
 *     rc = web_open(&config, &web, err);
 *     rc = web_call(web, &ask, &reply, err);      a reply of any status is RS_OK
 *     rc = web_check(&reply, err);                2xx, or the server's own refusal
 *     web_reply_done(&reply);
 *     web_close(web);
 *
 * Nothing is taken from the environment: no proxy, no trust store of the system.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_WEB_H
#define CLIENT_WEB_H

#include "base/bytes.h"

#define WEB_TIMEOUT_MS  30000u
#define WEB_REPLY_MAX   (16u << 20)
#define WEB_TYPE_MAX    96
#define WEB_HEADERS_MAX 8
#define WEB_RETRY_MAX_S 604800 /* no server sends a client away for longer than a week */

struct web;
struct evp_pkey_st;

/* Borrowed during web_open() only.  Each PEM may come from a path or from memory, not from both. */
struct web_config {
    const char *base;       /* "https://host:port", no path; "http://" for what is public */
    const char *trust_path; /* PEM of the roots; one of trust_path and trust is needed for https */
    struct rs_bytes trust;
    const char *cert_path; /* PEM of our certificate and its chain; none: nobody */
    struct rs_bytes cert;
    const char *key_path; /* PEM of its private key */
    struct rs_bytes key;
    /*
     * A private key that is no file (an OpenSSL key of a provider), borrowed until
     * web_close(); cert has its certificate and chain then.
     */
    struct evp_pkey_st *pkey;
    unsigned timeout_ms; /* of one request; 0: WEB_TIMEOUT_MS */
    /*
     * For a machine whose clock is known to be behind: certificates are judged at
     * this time instead of now, and one that begins later is not refused for that.
     */
    int64_t not_earlier_than;
    /*
     * Do not judge the server's certificate.  For a first enrolment only,
     * where the root that comes back is proved otherwise before it is used.
     */
    int insecure;
};

/*
 * The header line of HTTP Basic (RFC 7617) for "user:password", with its NUL; out must be a
 * secret buffer.
 */
void web_put_basic(struct rs_buf *out, struct rs_bytes user_password);

struct web_request {
    const char *method; /* "GET", "POST", "PUT"... */
    const char *path;   /* "/station/v1/orders?state=open": sent as it is */
    const char *type;   /* content type of the body; NULL: none */
    struct rs_bytes body;
    const char *headers[WEB_HEADERS_MAX]; /* further "Name: value" lines; NULL ends the list */
};

/* Zero-initialise once; web_call() reuses its memory; web_reply_done() at the end. */
struct web_reply {
    int status;
    char type[WEB_TYPE_MAX]; /* content type in lower case, without parameters; "" when none */
    int64_t date;            /* the server's Date (RFC 9110 6.6.1); 0: it did not say */
    int64_t retry_after_s;   /* at most WEB_RETRY_MAX_S; -1: the server did not say */
    int64_t retry_at;        /* while it is read: the time that the server named instead */
    struct rs_buf body;
};

void web_reply_done(struct web_reply *reply);
RS_AUTO_DEFINE(struct web_reply, web_reply_done);

/*
 * Prepare a connection; nothing is sent yet.  RS_E_USAGE: the base is no URL
 * of ours, or https without trust; RS_E_NO_MEMORY.  A PEM that cannot be used
 * is noticed by the first call.
 */
RS_MUST_USE rs_code web_open(const struct web_config *config, struct web **ret_web,
                             struct rs_err *err);
void web_close(struct web *web); /* NULL is fine */

/*
 * Ask, and wait for the whole reply.  RS_OK for every HTTP status.
 *
 * RS_E_NET_UNREACHABLE  no connection, or it broke; whether the server acted is not known
 * RS_E_NET_TRUST        its certificate does not chain to the trust, is out of its time, or
 *                       is for another name
 * RS_E_FILE_FAILED      our own certificate, key or trust cannot be used
 * RS_E_REQUEST_TOO_LARGE  the reply exceeds WEB_REPLY_MAX
 */
RS_MUST_USE rs_code web_call(struct web *web, const struct web_request *request,
                             struct web_reply *reply, struct rs_err *err);

/* The server's own time in its last answer (RFC 9110 6.6.1); 0: it did not say. */
int64_t web_date(const struct web *web);

/*
 * Keying material of the connection that the last call used (RFC 5705, RFC 9266), 32 bytes;
 * it is kept alive, so that the next call uses it too.  RS_E_NET_UNREACHABLE: there is none.
 */
RS_MUST_USE rs_code web_exporter(struct web *web, const char *label, uint8_t out[32],
                                 struct rs_err *err);

/*
 * An answer that comes from elsewhere than a connection: begin, each line of its
 * header as it came (a status line starts over), put the body, end.
 */
void web_reply_begin(struct web_reply *reply);
void web_reply_line(struct web_reply *reply, const char *line, size_t len);
void web_reply_end(struct web_reply *reply, int status);

/*
 * RS_OK for 2xx.  Otherwise the refusal that the server named, in a problem
 * document (RFC 9457 with our member "code") or a line "code: text" (EST);
 * a status without a code of ours becomes the nearest one.
 */
RS_MUST_USE rs_code web_check(const struct web_reply *reply, struct rs_err *err);

#endif /* CLIENT_WEB_H */
