/*
 * trust.c: whom the device believes.
 *
 * The chip decides: its trust objects are, or name, the roots that count.  What
 * lies in files are certificates that may be looked at, no more.  Only a chip
 * that names nobody yet takes the configuration's word, and keeps it from the
 * first success on.
 *
 * A root is followed by a new one when the old one says so: the server gives
 * the new root's key in a certificate that the old root signed (RFC 4210 4.4,
 * RFC 7030 4.1.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "agent/inner.h"
#include "base/io.h"
#include "client/anchor.h"
#include "x509/name.h"

#define DEPTH_MAX 8

void
trust_init(struct trust *t)
{
    memset(t, 0, sizeof(*t));
    rs_arena_init(&t->arena, 1u << 20);
}

void
trust_done(struct trust *t)
{
    rs_arena_done(&t->arena);
}

/* ---- Sets of certificates ------------------------------------------------------------------ */

struct set {
    struct rs_bytes items[AGENT_CERTS_MAX];
    size_t count;
};

static int
has(const struct rs_bytes *list, size_t count, struct rs_bytes der)
{
    for (size_t i = 0; i < count; i++) {
        if (rs_bytes_equal(list[i], der))
            return 1;
    }
    return 0;
}

static void
set_add(struct set *s, struct rs_arena *arena, struct rs_bytes der)
{
    if (s->count == AGENT_CERTS_MAX || has(s->items, s->count, der))
        return;
    s->items[s->count] = rs_arena_copy(arena, der);
    if (s->items[s->count].p != NULL)
        s->count++;
}

/* All certificates of a PEM file; a file that is not there has none. */
static rs_code
set_add_file(struct set *s, struct rs_arena *arena, const char *path, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(rs_buf_done) struct rs_buf der;
    struct rs_bytes rest;
    rs_code rc;

    rs_buf_init(&text, AGENT_FILE_MAX);
    rs_buf_init(&der, CERT_BYTES_MAX);
    if (!rs_path_exists(path))
        return RS_OK;
    rc = rs_file_read(path, AGENT_FILE_MAX, &text, err);
    rest = rs_buf_bytes(&text);
    while (rc == RS_OK && cert_next_pem(&rest, "CERTIFICATE", &der, NULL) == RS_OK)
        set_add(s, arena, rs_buf_bytes(&der));
    return rc;
}

/* ---- What the chip says ------------------------------------------------------------------------ */

struct objects {
    struct rs_bytes items[AGENT_TRUSTS];
    uint8_t is_torn[AGENT_TRUSTS]; /* something is there that is no anchor: nobody is named */
    size_t named;
};

static rs_code
read_objects(struct agent *a, struct rs_arena *arena, struct objects *o, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf bytes;
    rs_code rc = RS_OK;

    memset(o, 0, sizeof(*o));
    rs_buf_init(&bytes, ROT_CERTIFICATE_MAX);
    for (unsigned i = 0; i < AGENT_TRUSTS && rc == RS_OK; i++) {
        rc = chip_read(a, ROT_TRUST(i), ROT_PART_DATA, &bytes, err);
        o->is_torn[i] = bytes.len > 0 && !anchor_is_whole(rs_buf_bytes(&bytes));
        if (rc == RS_OK && bytes.len > 0 && !o->is_torn[i]) {
            o->items[i] = rs_arena_copy(arena, rs_buf_bytes(&bytes));
            o->named++;
        }
    }
    return rc;
}

static int
is_named(const struct objects *o, struct rs_bytes der)
{
    for (unsigned i = 0; i < AGENT_TRUSTS; i++) {
        if (anchor_names(o->items[i], der))
            return 1;
    }
    return 0;
}

/* The chip names something, and nothing at hand is it. */
static int
lacks_any(const struct objects *o, const struct trust *t)
{
    for (unsigned i = 0; i < AGENT_TRUSTS; i++) {
        int found = o->items[i].len == 0;
        for (size_t k = 0; k < t->count && !found; k++)
            found = anchor_names(o->items[i], t->anchors[k]);
        if (!found)
            return 1;
    }
    return 0;
}

static void
take_anchors(struct trust *t, const struct objects *o, const struct set *candidates)
{
    for (size_t i = 0; i < candidates->count && t->count < AGENT_CERTS_MAX; i++) {
        if (!t->from_chip || is_named(o, candidates->items[i]))
            t->anchors[t->count++] = candidates->items[i];
    }
    t->lacks = t->from_chip && lacks_any(o, t);
}

rs_code
trust_load(struct agent *a, struct trust *t, struct rs_err *err)
{
    char path[AGENT_PATH_MAX];
    struct set candidates = {.count = 0};
    struct objects objects;
    rs_code rc = read_objects(a, &t->arena, &objects, err);

    if (rc == RS_OK)
        rc = state_path(a, "trust.pem", path, err);
    if (rc != RS_OK)
        return rc;
    t->count = 0;
    t->from_chip = objects.named > 0;
    for (unsigned i = 0; i < AGENT_TRUSTS; i++) {
        if (anchor_is_cert(objects.items[i]))
            set_add(&candidates, &t->arena, objects.items[i]);
    }
    if (t->from_chip)
        rc = set_add_file(&candidates, &t->arena, path, err);
    if (rc == RS_OK && a->config->trust != NULL) {
        if (!rs_path_exists(a->config->trust) && !t->from_chip)
            return rs_fail(err, RS_E_FILE_FAILED, "trust: there is no file %.120s",
                           a->config->trust);
        rc = set_add_file(&candidates, &t->arena, a->config->trust, err);
    }
    if (rc == RS_OK)
        take_anchors(t, &objects, &candidates);
    return rc;
}

/* ---- Paths --------------------------------------------------------------------------------------- */

static int
signed_by(const struct cert *cert, const struct cert *issuer)
{
    struct crypto_pub pub;

    return issuer->is_ca && name_equal(issuer->subject, cert->issuer) &&
           crypto_pub_read(issuer->spki, &pub, NULL) == RS_OK &&
           crypto_verify(&pub, cert->sig_alg, cert->tbs, cert->signature, NULL) == RS_OK;
}

/* The certificate of list that signed cert, or NULL bytes. */
static struct rs_bytes
find_issuer(const struct cert *cert, const struct rs_bytes *list, size_t count)
{
    struct cert issuer;

    for (size_t i = 0; i < count; i++) {
        if (cert_read(list[i], &issuer, NULL) == RS_OK && !rs_bytes_equal(list[i], cert->whole) &&
            signed_by(cert, &issuer))
            return list[i];
    }
    return rs_bytes_of(NULL, 0);
}

static int
is_self_issued(const struct cert *c)
{
    return rs_bytes_equal(c->issuer, c->subject);
}

void
trust_put_chain(const struct cert *cert, const struct rs_bytes *certs, size_t count,
                struct rs_buf *out)
{
    struct cert at = *cert;

    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        struct rs_bytes issuer = find_issuer(&at, certs, count);

        if (issuer.len == 0 || cert_read(issuer, &at, NULL) != RS_OK || is_self_issued(&at))
            return;
        cert_put_pem(out, "CERTIFICATE", issuer);
    }
}

rs_code
trust_check(const struct trust *t, const struct cert *cert, const struct rs_bytes *certs,
            size_t count, struct rs_err *err)
{
    struct cert at = *cert;

    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        struct rs_bytes issuer = find_issuer(&at, t->anchors, t->count);

        if (issuer.len > 0)
            return RS_OK;
        issuer = find_issuer(&at, certs, count);
        if (issuer.len == 0 || cert_read(issuer, &at, NULL) != RS_OK)
            break;
    }
    return rs_fail(err, RS_E_NET_TRUST, "the certificate does not chain to a root of this device");
}

/* ---- Following the root --------------------------------------------------------------------------- */

/* An anchor signed this root's name and key: newWithOld, beside newWithNew. */
static int
is_followed(const struct agent *a, const struct trust *t, const struct cert *root,
            const struct rs_bytes *certs, size_t count)
{
    struct cert link, anchor;

    if (!root->is_ca || !is_self_issued(root) || !signed_by(root, root))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (cert_read(certs[i], &link, NULL) != RS_OK || !link.is_ca ||
            !rs_bytes_equal(link.spki, root->spki) ||
            !rs_bytes_equal(link.subject, root->subject) || rs_bytes_equal(link.whole, root->whole))
            continue;
        for (size_t k = 0; k < t->count; k++) {
            if (cert_read(t->anchors[k], &anchor, NULL) == RS_OK && signed_by(&link, &anchor) &&
                clock_now(a) <= link.not_after)
                return 1;
        }
    }
    return 0;
}

/* All roots that count, and the new one: before the chip names it, it means nothing. */
static rs_code
save_file(const struct agent *a, const struct rs_bytes *certs, size_t count, struct rs_err *err)
{
    char path[AGENT_PATH_MAX];
    RS_AUTO(rs_buf_done) struct rs_buf pem;
    RS_AUTO(rs_buf_done) struct rs_buf there;
    rs_code rc = state_path(a, "trust.pem", path, err);

    rs_buf_init(&pem, AGENT_FILE_MAX);
    rs_buf_init(&there, AGENT_FILE_MAX);
    for (size_t i = 0; i < count; i++)
        cert_put_pem(&pem, "CERTIFICATE", certs[i]);
    if (!rs_buf_ok(&pem))
        return rs_fail(err, RS_E_NO_MEMORY, "too many roots");
    if (rc == RS_OK && rs_path_exists(path) &&
        rs_file_read(path, AGENT_FILE_MAX, &there, NULL) == RS_OK &&
        rs_bytes_equal(rs_buf_bytes(&there), rs_buf_bytes(&pem)))
        return RS_OK;
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&pem), 0644, err) : rc;
}

/* Into one place, in the largest form that it takes. */
static rs_code
put_anchor(struct agent *a, unsigned place, const struct cert *root, int *ret_kept,
           struct rs_err *err)
{
    uint8_t room[ANCHOR_DIGEST_SIZE];
    struct rs_buf digest;
    rs_code rc = chip_write(a, ROT_TRUST(place), ROT_PART_DATA, root->whole, ret_kept, err);

    if (rc == RS_OK && !*ret_kept)
        rc = chip_write(a, ROT_TRUST(place), ROT_PART_DATA, root->spki, ret_kept, err);
    if (rc != RS_OK || *ret_kept)
        return rc;
    rs_buf_init_fixed(&digest, room, sizeof(room));
    anchor_put_digest(&digest, root->whole);
    return chip_write(a, ROT_TRUST(place), ROT_PART_DATA, rs_buf_bytes(&digest), ret_kept, err);
}

/* 1: the object is an anchor that the server still shows; it is not given up. */
static int
is_in_use(struct rs_bytes object, const struct rs_bytes *certs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (anchor_names(object, certs[i]))
            return 1;
    }
    return 0;
}

enum use { PLACE_EMPTY, PLACE_TORN, PLACE_SPENT, PLACE_USED };

static enum use
use_of(const struct objects *o, unsigned place, const struct rs_bytes *certs, size_t count)
{
    if (o->items[place].len == 0)
        return o->is_torn[place] ? PLACE_TORN : PLACE_EMPTY;
    return o->named > 1 && !is_in_use(o->items[place], certs, count) ? PLACE_SPENT : PLACE_USED;
}

/* An empty place first, a torn one, then one whose root nobody shows any more: never one in use. */
static rs_code
keep_anchor(struct agent *a, const struct objects *o, const struct cert *root,
            const struct rs_bytes *certs, size_t count, struct rs_err *err)
{
    rs_code rc = RS_OK;
    int kept = 0;

    for (int use = PLACE_EMPTY; use < PLACE_USED; use++) {
        for (unsigned i = 0; i < AGENT_TRUSTS && rc == RS_OK && !kept; i++) {
            if ((int)use_of(o, i, certs, count) == use)
                rc = put_anchor(a, i, root, &kept, err);
        }
    }
    if (rc == RS_OK && !kept)
        rc = rs_fail(err, RS_E_CHIP_FULL, "the chip has no room for another root");
    return rc;
}

rs_code
trust_learn(struct agent *a, struct trust *t, const struct rs_bytes *certs, size_t count,
            int *ret_changed, struct rs_err *err)
{
    struct objects objects;
    struct cert root;
    rs_code rc = read_objects(a, &t->arena, &objects, err);
    size_t old_count = t->count;

    *ret_changed = 0;
    for (size_t i = 0; i < count && rc == RS_OK && t->count < AGENT_CERTS_MAX; i++) {
        if (cert_read(certs[i], &root, NULL) != RS_OK || has(t->anchors, t->count, certs[i]))
            continue;
        if (is_named(&objects, certs[i]) || is_followed(a, t, &root, certs, count))
            t->anchors[t->count++] = rs_arena_copy(&t->arena, certs[i]);
    }
    if (rc == RS_OK && t->count > 0)
        rc = save_file(a, t->anchors, t->count, err);
    for (size_t i = 0; i < t->count && rc == RS_OK; i++) {
        if (is_named(&objects, t->anchors[i]))
            continue;
        rc = cert_read(t->anchors[i], &root, err);
        if (rc == RS_OK)
            rc = keep_anchor(a, &objects, &root, certs, count, err);
        if (rc == RS_OK)
            rc = read_objects(a, &t->arena, &objects, err);
        *ret_changed = 1;
    }
    if (rc == RS_OK && t->count > old_count)
        *ret_changed = 1;
    return rc;
}
