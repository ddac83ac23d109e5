/*
 * callers.c: who asked lately, kept in memory.
 *
 * A device, a station or a person asks many times over one connection, and each
 * time the same certificate is looked up: two rows and a transaction.  The answer
 * changes when a certificate is revoked or a device is blocked, and every such
 * change raises the generation before it is answered (catalog.c): what is kept
 * counts under the generation that was noted before the store was asked, and
 * under no other.  Issuances change no certificate and no device that exists.
 *
 * Only whoever was let in is kept, and by every byte of the certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "pki/inner.h"

void
callers_init(struct callers *c)
{
    (void)pthread_rwlock_init(&c->lock, NULL);
}

void
callers_done(struct callers *c)
{
    for (size_t i = 0; i < CALLERS_ENTRIES; i++)
        free(c->entries[i].cert);
    (void)pthread_rwlock_destroy(&c->lock);
}

/* A certificate ends with its signature, and no two signatures are alike. */
static struct callers_entry *
entry_of(struct callers *c, struct rs_bytes cert)
{
    unsigned at = 0;

    if (cert.len >= 2)
        at = (unsigned)cert.p[cert.len - 2] << 8 | cert.p[cert.len - 1];
    return &c->entries[at % CALLERS_ENTRIES];
}

int
callers_recall(struct callers *c, uint64_t generation, struct rs_bytes cert,
               struct pki_caller *ret_caller)
{
    const struct callers_entry *e = entry_of(c, cert);
    int found;

    (void)pthread_rwlock_rdlock(&c->lock);
    found = e->generation == generation && rs_bytes_equal(rs_bytes_of(e->cert, e->cert_len), cert);
    if (found) {
        *ret_caller = e->caller;
        ret_caller->subject.p = cert.p + e->subject_at;
    }
    (void)pthread_rwlock_unlock(&c->lock);
    return found;
}

void
callers_keep(struct callers *c, uint64_t generation, struct rs_bytes cert,
             const struct pki_caller *caller)
{
    struct callers_entry *e = entry_of(c, cert);
    uint8_t *copy;

    if (cert.len > CALLERS_CERT_MAX || (copy = malloc(cert.len)) == NULL)
        return;
    memcpy(copy, cert.p, cert.len);
    (void)pthread_rwlock_wrlock(&c->lock);
    free(e->cert);
    *e = (struct callers_entry){.generation = generation,
                                .cert = copy,
                                .cert_len = cert.len,
                                .subject_at = (size_t)(caller->subject.p - cert.p),
                                .caller = *caller};
    e->caller.subject.p = NULL; /* the next caller's own bytes */
    (void)pthread_rwlock_unlock(&c->lock);
}
