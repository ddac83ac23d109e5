/*
 * http.h: HTTP/1.1 with and without TLS, over libevent; knows nothing of PKI.
 *
 * A server has several loops, one thread each; every loop accepts on every
 * listening socket.  A handler gets a request, on a loop's thread, and answers
 * it at once or later, from any thread, with http_reply().  The interface is
 * narrow on purpose: the loop underneath can be exchanged.
 *
 * Client certificates are asked for and never cause a failed handshake: what
 * they are worth is said in the request, so that a refusal can have a status
 * and a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/bytes.h"

struct crypto_key;
struct http_server;
struct http_exchange; /* one request and its answer */

#define HTTP_BODY_MAX      262144
#define HTTP_HEADERS_MAX   16384
#define HTTP_EXPORTER_SIZE 32

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 3,
    HTTP_PUT = 4,
    HTTP_PATCH = 5,
    HTTP_DELETE = 6,
};

/* What the client's certificate is worth; only VALID ever authenticates anybody. */
enum http_peer {
    HTTP_PEER_NONE = 0,      /* none was shown, or no TLS */
    HTTP_PEER_VALID = 1,     /* chains to a configured CA, at this time, for clients */
    HTTP_PEER_EXPIRED = 2,   /* would be valid at another time */
    HTTP_PEER_UNTRUSTED = 3, /* anything else */
};

struct http_request {
    struct http_exchange *exchange;
    enum http_method method;
    const char *path;         /* as sent, without the query; begins with "/" */
    const char *query;        /* after "?", or "" */
    const char *content_type; /* lower-case media type without parameters, or "" */
    struct rs_bytes body;
    enum http_peer peer;
    struct rs_bytes peer_cert; /* DER; empty when peer is NONE */
    const char *address;       /* of the client, text */
};

/* The request and its bytes live until the reply. */
typedef void (*http_handler)(void *arg, const struct http_request *request);

/* A header of a reply. */
struct http_header {
    const char *name;
    const char *value;
};

/*
 * Answer, exactly once; request and exchange are gone when it returns.  Copies
 * everything.  A HEAD request gets no body.  At most 8 headers, of 47 and 159
 * characters.  Safe from any thread; a client that went away meanwhile is fine.
 */
void http_reply(struct http_exchange *exchange, int status, const char *content_type,
                struct rs_bytes body, const struct http_header *headers, size_t header_count);

/* RFC 5705 keying material of this connection; 0 without TLS. */
int http_exporter(struct http_exchange *exchange, const char *label,
                  uint8_t out[HTTP_EXPORTER_SIZE]);

#define HTTP_BINDING_MAX 64

/*
 * What names this connection and no other: tls-exporter in TLS 1.3 (RFC 9266),
 * tls-unique in TLS 1.2 with the extended master secret (RFC 5929 3, RFC 7627).
 * Its length; 0 when there is none.  Like the request's bytes: on the handler's
 * thread only.
 */
size_t http_binding(struct http_exchange *exchange, uint8_t out[HTTP_BINDING_MAX]);

/* A header of the request; NULL when absent. */
const char *http_request_header(struct http_exchange *exchange, const char *name);

/* ---- TLS ---------------------------------------------------------------------------- */

struct http_tls; /* shared by listeners; may be replaced while running */

/*
 * 1: the certificate (DER) chains to a CA of the configuration, for clients, from
 * ret_window[0] to before ret_window[1] (seconds).  0: the library is
 * asked.  Called by the loops, from many threads at once.
 */
typedef int (*http_judge_fn)(void *arg, struct rs_bytes cert, int64_t ret_window[2]);

struct http_tls_config {
    const struct crypto_key *key;
    const struct rs_bytes *chain; /* DER, leaf first */
    size_t chain_count;
    const struct rs_bytes *clients; /* DER of the CAs that client certificates chain to */
    size_t client_count;
    http_judge_fn judge; /* optional: a faster way to the same verdict */
    void *judge_arg;
};

/*
 * TLS 1.2 and 1.3; verification time comes from base's clock.  Clients with a valid
 * certificate may resume a session within the hour, as long as the certificate is valid.
 */
RS_MUST_USE rs_code http_tls_new(const struct http_tls_config *config, struct http_tls **ret_tls,
                                 struct rs_err *err);
void http_tls_free(struct http_tls *tls);

/* ---- Server --------------------------------------------------------------------------- */

/* One listening socket: who answers on it, and with which TLS (NULL: plain). */
struct http_listener {
    int fd; /* listening, non-blocking; owned by the caller */
    struct http_tls *tls;
    http_handler handler;
    void *arg;
};

/* threads 0: one per core.  Starts serving at once. */
RS_MUST_USE rs_code http_server_new(const struct http_listener *listeners, size_t count,
                                    unsigned threads, struct http_server **ret_server,
                                    struct rs_err *err);
/* Stop accepting, let answers go out for at most a second, end the loops. */
void http_server_free(struct http_server *server);

/* Figures since start. */
struct http_figures {
    uint64_t requests, open;
};
void http_get_figures(const struct http_server *server, struct http_figures *ret_figures);

#endif /* HTTP_HTTP_H */
