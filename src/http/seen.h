/*
 * seen.h: private to src/http: what was found out about a client's certificate.
 *
 * Judged once, in a full handshake; counted, because a connection, the sessions
 * that may resume it and the connections that do share it.  What may change later
 * is not in the verdict: the clock is compared for every request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SEEN_H
#define HTTP_SEEN_H

#include <stdatomic.h>

#include "http/http.h"

struct http_seen {
    atomic_uint count;
    enum http_peer peer;  /* VALID: within the window */
    int64_t from, until;  /* from the one second to before the other: it and its CAs */
    struct rs_bytes cert; /* DER; its bytes follow */
    uint8_t bytes[];
};

/* NULL: no memory. */
struct http_seen *http_seen_new(struct rs_bytes cert);
struct http_seen *http_seen_share(struct http_seen *seen);
void http_seen_drop(struct http_seen *seen); /* NULL is fine */
/* What it is worth at this time. */
enum http_peer http_seen_peer(const struct http_seen *seen, int64_t now);

#endif /* HTTP_SEEN_H */
