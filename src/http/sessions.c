/*
 * sessions.c: see sessions.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/sessions.h"

#include <string.h>

#define LIFE_US ((uint64_t)SESSIONS_LIFE_S * 1000000u)

void
sessions_init(struct sessions *s)
{
    memset(s, 0, sizeof(*s));
    (void)pthread_mutex_init(&s->lock, NULL);
}

void
sessions_done(struct sessions *s)
{
    for (size_t i = 0; i < SESSIONS_ENTRIES; i++)
        SSL_SESSION_free(s->entries[i].session);
    (void)pthread_mutex_destroy(&s->lock);
}

/* Ids are random, and ours: any bytes of them spread well. */
static struct sessions_entry *
row_of(struct sessions *s, const unsigned char *id, size_t len)
{
    size_t at = len >= 2 ? (size_t)id[0] << 8 | id[1] : 0;

    return &s->entries[at % (SESSIONS_ENTRIES / SESSIONS_WAYS) * SESSIONS_WAYS];
}

/* A free entry of the row, or else the one that ends first. */
static struct sessions_entry *
place_in(struct sessions_entry *row)
{
    struct sessions_entry *best = row;

    for (size_t i = 0; i < SESSIONS_WAYS; i++) {
        if (row[i].session == NULL)
            return &row[i];
        if (row[i].until_us < best->until_us)
            best = &row[i];
    }
    return best;
}

void
sessions_keep(struct sessions *s, SSL_SESSION *session, uint64_t now_us)
{
    unsigned int len;
    const unsigned char *id = SSL_SESSION_get_id(session, &len);
    struct sessions_entry *e;
    SSL_SESSION *old;

    (void)pthread_mutex_lock(&s->lock);
    e = place_in(row_of(s, id, len));
    old = e->session;
    *e = (struct sessions_entry){.session = session, .until_us = now_us + LIFE_US};
    (void)pthread_mutex_unlock(&s->lock);
    SSL_SESSION_free(old);
}

static int
is_it(const struct sessions_entry *e, const unsigned char *id, size_t len)
{
    unsigned int own_len;
    const unsigned char *own;

    if (e->session == NULL)
        return 0;
    own = SSL_SESSION_get_id(e->session, &own_len);
    return own_len == len && memcmp(own, id, len) == 0;
}

SSL_SESSION *
sessions_find(struct sessions *s, const unsigned char *id, size_t len, int once, uint64_t now_us)
{
    struct sessions_entry *row = row_of(s, id, len);
    SSL_SESSION *found = NULL, *ended = NULL;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SESSIONS_WAYS && found == NULL && ended == NULL; i++) {
        struct sessions_entry *e = &row[i];
        if (!is_it(e, id, len))
            continue;
        if (e->until_us <= now_us)
            ended = e->session;
        else
            found = once ? e->session : SSL_SESSION_dup(e->session);
        if (once || ended != NULL)
            e->session = NULL; /* its reference goes to the caller, or ends below */
    }
    (void)pthread_mutex_unlock(&s->lock);
    SSL_SESSION_free(ended);
    return found;
}
