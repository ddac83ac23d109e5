/*
 * seen.c: see seen.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/seen.h"

#include <stdlib.h>
#include <string.h>

struct http_seen *
http_seen_new(struct rs_bytes cert)
{
    struct http_seen *seen = calloc(1, sizeof(*seen) + cert.len);

    if (seen == NULL)
        return NULL;
    atomic_init(&seen->count, 1);
    seen->peer = HTTP_PEER_UNTRUSTED;
    if (cert.len > 0)
        memcpy(seen->bytes, cert.p, cert.len);
    seen->cert = rs_bytes_of(seen->bytes, cert.len);
    return seen;
}

struct http_seen *
http_seen_share(struct http_seen *seen)
{
    (void)atomic_fetch_add(&seen->count, 1);
    return seen;
}

void
http_seen_drop(struct http_seen *seen)
{
    if (seen != NULL && atomic_fetch_sub(&seen->count, 1) == 1)
        free(seen);
}

enum http_peer
http_seen_peer(const struct http_seen *seen, int64_t now)
{
    if (seen->peer == HTTP_PEER_VALID && (now < seen->from || now >= seen->until))
        return HTTP_PEER_EXPIRED;
    return seen->peer;
}
