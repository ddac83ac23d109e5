/*
 * csrattrs.c: what a profile wants to find in a request; see est.h.
 *
 * A profile writes names and extensions itself, whatever is asked for.  What is
 * said here is therefore what the certificate will have; a request that follows
 * it to the letter is accepted (tests/unit/proto/csrattrs_test.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "msg/csrattrs.h"
#include "proto/est.h"
#include "x509/name.h"
#include "x509/oid.h"

#define USAGE_BITS 9 /* RFC 5280 4.2.1.3 */

/* ---- Subject ---------------------------------------------------------------------------- */

struct known {
    const struct pki_caller *caller;
    const struct pki_label *label;
};

/* What is known before the request: who asks, and under which label. */
static int
known_value(void *arg, struct rs_bytes placeholder, struct rs_bytes *ret_value)
{
    const struct known *k = arg;

    if (rs_bytes_equal(placeholder, rs_bytes_str("device.serial")) && k->caller->role == PKI_DEVICE)
        *ret_value = rs_bytes_str(k->caller->name);
    else if (rs_bytes_equal(placeholder, rs_bytes_str("product.name")) &&
             k->label->product[0] != '\0')
        *ret_value = rs_bytes_str(k->label->product);
    else
        return 0;
    return 1;
}

/* A pattern is most specific first; a name in DER is the other way round (RFC 4514 2.1). */
static rs_code
put_subject(const struct known *k, struct rs_arena *arena, struct csrattrs *a, struct rs_err *err)
{
    struct name_pattern pattern;
    rs_code rc;

    if (k->label->doc.subject.len == 0)
        return RS_OK;
    rc = name_pattern_read(k->label->doc.subject, &pattern, err);
    for (size_t i = rc == RS_OK ? pattern.count : 0; i-- > 0;) {
        struct csrattrs_rdn *r = &a->rdns[a->rdn_count++];
        char text[NAME_VALUE_MAX + 1];
        size_t len;

        *r = (struct csrattrs_rdn){.oid = *pattern.rdns[i].oid};
        if (name_expand(rs_bytes_str(pattern.rdns[i].value), known_value, (void *)(uintptr_t)k,
                        text, sizeof(text), &len, NULL) != RS_OK)
            continue; /* the client knows it */
        r->value = rs_arena_copy(arena, rs_bytes_of(text, len));
        r->tag = pattern.rdns[i].tag;
        if (r->value.p == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "csrattrs");
    }
    return rc;
}

/* ---- Key ---------------------------------------------------------------------------------- */

/* The first that the profile allows, of those that chips can do best. */
static void
put_key(uint64_t algs, struct csrattrs *a)
{
    static const struct {
        uint64_t alg;
        const struct rs_bytes *key, *curve, *sig;
        unsigned rsa_bits;
    } keys[] = {
        {DOC_KEY_P256, &oid_ec_public_key, &oid_p256, &oid_ecdsa_sha256, 0},
        {DOC_KEY_P384, &oid_ec_public_key, &oid_p384, &oid_ecdsa_sha384, 0},
        {DOC_KEY_ED25519, &oid_ed25519, NULL, &oid_ed25519, 0},
        {DOC_KEY_RSA3072, &oid_rsa_encryption, NULL, &oid_rsa_sha256, 3072},
        {DOC_KEY_RSA2048, &oid_rsa_encryption, NULL, &oid_rsa_sha256, 2048},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if ((algs & keys[i].alg) == 0)
            continue;
        a->key = *keys[i].key;
        if (keys[i].curve != NULL)
            a->curve = *keys[i].curve;
        a->sig = *keys[i].sig;
        a->rsa_bits = keys[i].rsa_bits;
        return;
    }
}

/* ---- Extensions ----------------------------------------------------------------------------- */

static rs_code
add(struct csrattrs *a, struct rs_arena *arena, struct rs_bytes oid, int critical,
    const struct der_out *value, struct rs_err *err)
{
    struct csrattrs_extension *e = &a->extensions[a->extension_count++];

    *e = (struct csrattrs_extension){.oid = oid, .critical = critical};
    if (value == NULL)
        return RS_OK;
    e->has_value = 1;
    e->value = rs_arena_copy(arena, der_out_bytes(value));
    return der_out_ok(value) && e->value.p != NULL ? RS_OK
                                                   : rs_fail(err, RS_E_NO_MEMORY, "csrattrs");
}

/* Rights that no request may ask for (x509/csr.h), though a profile may give them. */
static int
may_be_asked_for(struct rs_bytes oid)
{
    return !rs_bytes_equal(oid, oid_eku_cmc_ca) && !rs_bytes_equal(oid, oid_eku_cmc_ra) &&
           !rs_bytes_equal(oid, oid_eku_ocsp) && !rs_bytes_equal(oid, oid_eku_any);
}

static rs_code
add_usages(const struct doc_profile *p, struct rs_arena *arena, struct csrattrs *a,
           struct rs_err *err)
{
    uint8_t room[512];
    struct der_out o;
    rs_code rc;

    der_out_init(&o, room, sizeof(room));
    der_put_named_bits(&o, (uint32_t)p->key_usage, USAGE_BITS);
    rc = add(a, arena, oid_key_usage, 1, &o, err);
    der_out_init(&o, room, sizeof(room));
    for (size_t i = p->eku.count; i-- > 0;) {
        uint8_t oid[64];
        size_t len;
        if (oid_read(p->eku.items[i], oid, sizeof(oid), &len) &&
            may_be_asked_for(rs_bytes_of(oid, len)))
            der_put_element(&o, DER_OID, rs_bytes_of(oid, len));
    }
    if (rc != RS_OK || der_mark(&o) == 0)
        return rc;
    der_put_header(&o, DER_SEQUENCE, 0);
    return add(a, arena, oid_eku, 0, &o, err);
}

/* Names that come from the request: the client fills them in. */
static int
wants_names(const struct pki_label *l)
{
    uint64_t names = (1u << DOC_VALUE_DNS) | (1u << DOC_VALUE_IP);

    return (l->doc.from_request & names) != 0 ||
           (l->order[0] != '\0' && (l->doc.flags & DOC_PROFILE_SAN_HARDWARE) != 0);
}

rs_code
est_csrattrs(const struct pki_caller *caller, const struct pki_label *label, int linking,
             struct rs_arena *arena, struct rs_buf *out, struct rs_err *err)
{
    struct known k = {caller, label};
    struct csrattrs a = {.challenge = linking};
    rs_code rc = put_subject(&k, arena, &a, err);

    put_key(label->doc.key_algs, &a);
    if (rc == RS_OK)
        rc = add_usages(&label->doc, arena, &a, err);
    if (rc == RS_OK && wants_names(label))
        rc = add(&a, arena, oid_san, 0, NULL, err);
    return rc == RS_OK ? csrattrs_put(out, &a, err) : rc;
}
