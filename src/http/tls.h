/*
 * tls.h: private to src/http.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <openssl/ssl.h>

#include "http/seen.h"
#include "http/sessions.h"

struct http_tls {
    SSL_CTX *ctx;
    http_judge_fn judge;
    void *judge_arg;
    struct sessions sessions;
};

/*
 * What the certificate shown on this connection is worth now.  *ret_seen is what was
 * found out about it, the caller's to drop; NULL: nothing.
 */
enum http_peer http_tls_peer(SSL *ssl, struct http_seen **ret_seen);

#endif /* HTTP_TLS_H */
