/*
 * sessions.h: private to src/http: TLS sessions that clients may resume.
 *
 * Kept here, in memory, and not in tickets that clients carry: there is no key
 * whose loss would open old connections, nothing of a client's certificate
 * travels again, and it need not be decoded again, which costs more than the rest
 * of a resumed handshake.  A bounded table: a new one takes the place of an older
 * one, whose client then makes a full handshake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SESSIONS_H
#define HTTP_SESSIONS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>

#define SESSIONS_ENTRIES 4096 /* a power of two */
#define SESSIONS_WAYS    4    /* entries among which the oldest makes room */
#define SESSIONS_LIFE_S  3600

struct sessions_entry {
    SSL_SESSION *session; /* owned; NULL: free */
    uint64_t until_us;    /* of the monotonic clock */
};

struct sessions {
    pthread_mutex_t lock; /* of what follows */
    struct sessions_entry entries[SESSIONS_ENTRIES];
};

void sessions_init(struct sessions *s);
void sessions_done(struct sessions *s);
/* Takes over the reference. */
void sessions_keep(struct sessions *s, SSL_SESSION *session, uint64_t now_us);
/*
 * The caller's to free, or NULL.  once: it is not found a second time; else a copy, since
 * the library spoils the session of a connection that ends in an unusual way.
 */
SSL_SESSION *sessions_find(struct sessions *s, const unsigned char *id, size_t len, int once,
                           uint64_t now_us);

#endif /* HTTP_SESSIONS_H */
