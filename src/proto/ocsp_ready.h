/*
 * ocsp_ready.h: private to src/proto: answers that are signed already.
 *
 * Whole OCSPResponses, found by the whole request, in a bounded table.  An answer
 * counts while the store says of the certificate what it said when it was signed:
 * under the generation that was noted before the store was asked it is served as it
 * is; under another one its owner asks the store again, and signs again only when
 * the certificate's state is another.  So what was revoked is not answered as good
 * from the moment that the revocation is acknowledged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROTO_OCSP_READY_H
#define PROTO_OCSP_READY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"

#define READY_ENTRIES      8192 /* a power of two */
#define READY_WAYS         4    /* entries among which the one that ends first makes room */
#define READY_REQUEST_MAX  192
#define READY_RESPONSE_MAX 1536 /* with the request and the rest: 16 MB in all, at most */

/* What the store says of a certificate; equal ones stand for equal answers. */
struct ready_state {
    int status; /* enum ocsp_status */
    uint8_t reason;
    int64_t revoked_at;
};

/* Constant but for the generation; counted. */
struct ready {
    atomic_uint count;
    atomic_uint_fast64_t generation;
    struct ready_state state;
    int64_t from, renew_at, until;  /* thisUpdate; when a new one is made; nextUpdate */
    char etag[2 * 20 + 3];          /* with its quotation marks */
    char modified[32], expires[32]; /* HTTP dates of thisUpdate and nextUpdate */
    struct rs_bytes request, response;
    uint8_t bytes[];
};

struct ready_table {
    pthread_mutex_t lock; /* of what follows */
    struct ready *entries[READY_ENTRIES];
};

void ready_init(struct ready_table *t);
void ready_done(struct ready_table *t);

/* NULL: too long to be kept, or no memory.  The times and the state are the caller's to fill in. */
struct ready *ready_new(struct rs_bytes request, struct rs_bytes response);
/* Fill in what HTTP says of it. */
void ready_describe(struct ready *r);
void ready_drop(struct ready *r); /* NULL is fine */

/* The answer to these bytes, the caller's to drop; NULL: none, or it is time for a new one. */
struct ready *ready_find(struct ready_table *t, struct rs_bytes request, int64_t now);
/* The table shares it with the caller. */
void ready_keep(struct ready_table *t, struct ready *r);

#endif /* PROTO_OCSP_READY_H */
