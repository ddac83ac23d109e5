/*
 * path.c: see path.h.  RFC 5280 6.1, for the case in which nothing is unusual.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/path.h"

#include <stdlib.h>
#include <string.h>

#include "x509/oid.h"

#define KU_DIGITAL_SIGNATURE (1u << 0)
#define KU_KEY_CERT_SIGN     (1u << 5)
#define NO_LIMIT             255

struct ca {
    struct cert cert;
    struct crypto_known *key;  /* owned; NULL: not usable */
    struct path_window window; /* of this one and all above it */
    int below;                 /* CAs that may stand below it; -1: it was not reached from a root */
};

struct path_trust {
    struct ca cas[PATH_CAS_MAX];
    size_t count;
    uint8_t *bytes; /* owned: what the certificates point into */
};

/* ---- The CAs -------------------------------------------------------------------------------- */

/* What a CA must be by itself to have a place in a path of ours. */
static int
is_usable_ca(const struct cert *c)
{
    return c->is_ca && (c->key_usage & KU_KEY_CERT_SIGN) != 0 && !c->unknown_critical &&
           !c->name_constraints && c->eku.len == 0;
}

static int
is_issuer_of(const struct ca *ca, const struct cert *c)
{
    return rs_bytes_equal(ca->cert.subject, c->issuer) &&
           (c->aki.len == 0 || rs_bytes_equal(ca->cert.ski, c->aki)) &&
           crypto_known_verify(ca->key, c->sig_alg, c->tbs, c->signature);
}

static int
least(int a, int b)
{
    return a < b ? a : b;
}

static struct path_window
both(struct path_window w, const struct cert *c)
{
    if (c->not_before > w.from)
        w.from = c->not_before;
    if (c->not_after < w.until)
        w.until = c->not_after;
    return w;
}

static void
place_below(struct ca *ca, int limit, struct path_window above)
{
    int own = ca->cert.path_length < 0 ? NO_LIMIT : (int)ca->cert.path_length;

    ca->below = least(limit, own);
    ca->window = both(above, &ca->cert);
}

/* One more CA that hangs under what was reached already, or is a root; 0: there is none. */
static int
reach_one(struct path_trust *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct ca *ca = &t->cas[i];
        if (ca->key == NULL || ca->below >= 0)
            continue;
        if (rs_bytes_equal(ca->cert.subject, ca->cert.issuer)) {
            if (is_issuer_of(ca, &ca->cert)) {
                place_below(ca, NO_LIMIT, (struct path_window){INT64_MIN, INT64_MAX});
                return 1;
            }
            continue;
        }
        for (size_t k = 0; k < t->count; k++) {
            const struct ca *above = &t->cas[k];
            if (above->below > 0 && is_issuer_of(above, &ca->cert)) {
                place_below(ca, above->below - 1, above->window);
                return 1;
            }
        }
    }
    return 0;
}

static void
add_ca(struct path_trust *t, struct rs_bytes der)
{
    struct ca *ca = &t->cas[t->count];
    struct crypto_pub pub;

    ca->below = -1;
    if (cert_read(der, &ca->cert, NULL) == RS_OK && is_usable_ca(&ca->cert) &&
        crypto_pub_read(ca->cert.spki, &pub, NULL) == RS_OK &&
        crypto_known_new(&pub, &ca->key, NULL) == RS_OK)
        t->count++;
}

rs_code
path_trust_new(const struct rs_bytes *cas, size_t count, struct path_trust **ret_trust,
               struct rs_err *err)
{
    struct path_trust *t = calloc(1, sizeof(*t));
    size_t total = 1, at = 0;

    for (size_t i = 0; i < count; i++)
        total += cas[i].len;
    if (t == NULL || (t->bytes = malloc(total)) == NULL) {
        free(t);
        return rs_fail(err, RS_E_NO_MEMORY, "certification paths");
    }
    for (size_t i = 0; i < count && t->count < PATH_CAS_MAX; i++) {
        memcpy(t->bytes + at, cas[i].p, cas[i].len);
        add_ca(t, rs_bytes_of(t->bytes + at, cas[i].len));
        at += cas[i].len;
    }
    while (reach_one(t)) {
    }
    *ret_trust = t;
    return RS_OK;
}

void
path_trust_free(struct path_trust *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        crypto_known_free(t->cas[i].key);
    free(t->bytes);
    free(t);
}

/* ---- A client ------------------------------------------------------------------------------- */

/* RFC 5280 4.2.1.3, 4.2.1.12; an end entity: what can sign certificates is no client. */
static int
is_client(const struct cert *c)
{
    return !c->is_ca && (c->key_usage & KU_KEY_CERT_SIGN) == 0 && !c->unknown_critical &&
           (c->key_usage == 0 || (c->key_usage & KU_DIGITAL_SIGNATURE) != 0) &&
           (c->eku.len == 0 || cert_has_eku(c, oid_eku_client));
}

int
path_check_client(const struct path_trust *t, struct rs_bytes der, struct path_window *ret_window)
{
    struct crypto_pub pub;
    struct cert c;

    if (cert_read(der, &c, NULL) != RS_OK || !is_client(&c))
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct ca *ca = &t->cas[i];
        if (ca->below < 0 || !is_issuer_of(ca, &c))
            continue;
        /* Only now: a stranger's key costs nothing. */
        if (crypto_pub_read(c.spki, &pub, NULL) != RS_OK)
            return 0;
        *ret_window = both(ca->window, &c);
        return 1;
    }
    return 0;
}
