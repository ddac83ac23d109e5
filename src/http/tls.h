/*
 * tls.h: private to src/http.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <openssl/ssl.h>

#include "http/http.h"

struct http_tls {
    SSL_CTX *ctx;
};

/* What the certificate shown on this connection is worth. */
enum http_peer http_tls_peer(SSL *ssl);

#endif /* HTTP_TLS_H */
