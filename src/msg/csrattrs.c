/*
 * csrattrs.c: see csrattrs.h.
 *
 *   CsrAttrs ::= SEQUENCE OF CHOICE { OID, Attribute { OID, SET OF value } }
 *
 * Written backwards, as x509/der.h explains: the last field first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "msg/csrattrs.h"

#include <string.h>

#include "x509/der.h"
#include "x509/oid.h"

#define ITEMS_MAX 64
#define RSA_MAX   16384 /* bits */

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_csrattrs
#define SLACK 1u
#else
#define SLACK 0u
#endif

static const uint8_t rsa_exponent[] = {0x01, 0x00, 0x01};

/* ---- Writing -------------------------------------------------------------------------- */

/* AlgorithmIdentifier (RFC 5480 2.1.1, RFC 3279 2.3.1, RFC 8410 3). */
static void
put_algorithm(struct der_out *o, const struct csrattrs *a)
{
    size_t mark = der_mark(o);

    if (a->curve.len > 0)
        der_put_element(o, DER_OID, a->curve);
    else if (rs_bytes_equal(a->key, oid_rsa_encryption))
        der_put_element(o, DER_NULL, (struct rs_bytes){NULL, 0});
    der_put_element(o, DER_OID, a->key);
    der_put_header(o, DER_SEQUENCE, mark);
}

/* RFC 9908 3.4: a key that stands for the wanted size, and for nothing else. */
static void
put_placeholder(struct der_out *o, unsigned bits)
{
    uint8_t modulus[RSA_MAX / 8] = {0x80};
    size_t mark = der_mark(o);

    der_put_uint(o, RS_BYTES(rsa_exponent));
    der_put_uint(o, rs_bytes_of(modulus, bits / 8));
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_byte(o, 0); /* no unused bits */
    der_put_header(o, DER_BIT_STRING, mark);
}

static void
put_subject(struct der_out *o, const struct csrattrs *a)
{
    size_t whole = der_mark(o);

    if (a->rdn_count == 0)
        return;
    for (size_t i = a->rdn_count; i-- > 0;) {
        const struct csrattrs_rdn *r = &a->rdns[i];
        size_t mark = der_mark(o);
        if (r->tag != 0)
            der_put_element(o, r->tag, r->value);
        der_put_element(o, DER_OID, r->oid);
        der_put_header(o, DER_SEQUENCE, mark);
        der_put_header(o, DER_SET, mark);
    }
    der_put_header(o, DER_SEQUENCE, whole);
}

/* The extensions as one attribute; in the older form only those that have a value. */
static void
put_extensions(struct der_out *o, const struct csrattrs *a, struct rs_bytes type, int all)
{
    size_t whole = der_mark(o);

    for (size_t i = a->extension_count; i-- > 0;) {
        const struct csrattrs_extension *e = &a->extensions[i];
        size_t mark = der_mark(o);
        if (!all && !e->has_value)
            continue;
        if (e->has_value)
            der_put_element(o, DER_OCTET_STRING, e->value);
        if (e->critical)
            der_put_boolean(o, 1);
        der_put_element(o, DER_OID, e->oid);
        der_put_header(o, DER_SEQUENCE, mark);
    }
    if (der_mark(o) == whole)
        return;
    der_put_header(o, DER_SEQUENCE, whole);
    der_put_header(o, DER_SET, whole);
    der_put_element(o, DER_OID, type);
    der_put_header(o, DER_SEQUENCE, whole);
}

/* CertificationRequestInfoTemplate { version, subject, [0] key, [1] attributes } */
static void
put_template(struct der_out *o, const struct csrattrs *a)
{
    size_t whole = der_mark(o), mark;

    put_extensions(o, a, oid_extension_req_template, 1);
    der_put_header(o, DER_CONTEXT(1), whole);
    if (a->key.len > 0) {
        mark = der_mark(o);
        if (a->rsa_bits > 0)
            put_placeholder(o, a->rsa_bits);
        put_algorithm(o, a);
        der_put_header(o, DER_CONTEXT(0), mark);
    }
    put_subject(o, a);
    der_put_small(o, 0); /* version v1 */
    der_put_header(o, DER_SEQUENCE, whole);
    der_put_header(o, DER_SET, whole);
    der_put_element(o, DER_OID, oid_request_template);
    der_put_header(o, DER_SEQUENCE, whole);
}

/* Attribute { kind of key, SET { curve or size } } (RFC 9908 3.2, RFC 8951 3.5). */
static void
put_key(struct der_out *o, const struct csrattrs *a)
{
    size_t mark = der_mark(o);

    if (a->key.len == 0)
        return;
    if (a->curve.len > 0)
        der_put_element(o, DER_OID, a->curve);
    if (a->rsa_bits > 0)
        der_put_small(o, a->rsa_bits);
    der_put_header(o, DER_SET, mark);
    der_put_element(o, DER_OID, a->key);
    der_put_header(o, DER_SEQUENCE, mark);
}

rs_code
csrattrs_put(struct rs_buf *out, const struct csrattrs *a, struct rs_err *err)
{
    uint8_t room[CSRATTRS_BYTES_MAX];
    struct der_out o;

    der_out_init(&o, room, sizeof(room));
    if (a->challenge)
        der_put_element(&o, DER_OID, oid_challenge_password);
    if (a->sig.len > 0)
        der_put_element(&o, DER_OID, a->sig);
    put_extensions(&o, a, oid_extension_request, 0);
    put_key(&o, a);
    if (a->rdn_count > 0 || a->key.len > 0 || a->extension_count > 0)
        put_template(&o, a);
    der_put_header(&o, DER_SEQUENCE, 0);
    rs_buf_put_bytes(out, der_out_bytes(&o));
    if (!der_out_ok(&o) || !rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "csrattrs: more than %d bytes", CSRATTRS_BYTES_MAX);
    return RS_OK;
}

/* ---- Reading -------------------------------------------------------------------------- */

/* What has been met so far. */
struct reading {
    struct csrattrs old;      /* by plain attributes */
    struct csrattrs template; /* by the template */
    int has_template, has_key, has_extensions;
};

static int
is_string(unsigned tag)
{
    return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING;
}

/* SET { SEQUENCE { type, value OPTIONAL } }: one attribute, as in every name of ours. */
static void
read_rdn(struct der *list, struct csrattrs *a)
{
    struct der set, one;

    der_enter(list, DER_SET, &set);
    der_enter(&set, DER_SEQUENCE, &one);
    struct csrattrs_rdn r = {.oid = der_take(&one, DER_OID)};
    r.tag = der_peek(&one);
    if (r.tag != 0)
        r.value = der_take(&one, r.tag);
    if (!der_done(&set) || !der_done(&one) || (r.tag != 0 && !is_string(r.tag)) ||
        a->rdn_count == CSRATTRS_RDN_MAX)
        der_fail(list);
    else
        a->rdns[a->rdn_count++] = r;
}

/* Extension, or ExtensionTemplate, whose value may be missing (may_lack). */
static void
read_extension(struct der *list, struct csrattrs *a, int may_lack)
{
    struct csrattrs_extension e = {0};
    struct der one;

    der_enter(list, DER_SEQUENCE, &one);
    e.oid = der_take(&one, DER_OID);
    if (der_peek(&one) == DER_BOOLEAN) {
        e.critical = der_take_boolean(&one);
        if (!e.critical)
            der_fail(&one); /* X.690 11.5: a default is left out */
    }
    e.has_value = der_peek(&one) == DER_OCTET_STRING;
    if (e.has_value)
        e.value = der_take(&one, DER_OCTET_STRING);
    if (!der_done(&one) || (!e.has_value && !may_lack) ||
        a->extension_count == CSRATTRS_EXTENSION_MAX)
        der_fail(list);
    else
        a->extensions[a->extension_count++] = e;
}

/* SET { SEQUENCE OF ... }: the one value of extensionRequest and its template. */
static void
read_extensions(struct der *values, struct csrattrs *a, int may_lack)
{
    struct der list;

    if (a->extension_count > 0)
        der_fail(values); /* RFC 9908 3.4: once, in one of the two forms */
    der_enter(values, DER_SEQUENCE, &list);
    do {
        read_extension(&list, a, may_lack);
    } while (der_peek(&list) != 0 && der_ok(&list));
    if (!der_done(&list))
        der_fail(values);
}

static unsigned
bits_of(struct rs_bytes modulus)
{
    unsigned bits = (unsigned)modulus.len * 8;

    for (unsigned top = modulus.p[0]; bits > 0 && (top & 0x80) == 0; top <<= 1)
        bits--;
    return bits;
}

/* The size of an RSA key that stands for others. */
static unsigned
read_placeholder(struct der *d)
{
    struct der inner, key;

    der_init(&inner, der_take_bits(d));
    der_enter(&inner, DER_SEQUENCE, &key);
    struct rs_bytes modulus = der_take_uint(&key, RSA_MAX / 8);
    (void)der_take_uint(&key, 8);
    if (!der_done(&inner) || !der_done(&key) || modulus.len == 0) {
        der_fail(d);
        return 0;
    }
    return bits_of(modulus);
}

/* SubjectPublicKeyInfoTemplate { algorithm, subjectPublicKey OPTIONAL } */
static void
read_key_template(struct der *spki, struct csrattrs *a)
{
    struct der alg;

    der_enter(spki, DER_SEQUENCE, &alg);
    a->key = der_take(&alg, DER_OID);
    if (der_peek(&alg) == DER_OID)
        a->curve = der_take(&alg, DER_OID);
    else if (der_peek(&alg) == DER_NULL)
        (void)der_take(&alg, DER_NULL);
    if (der_peek(spki) == DER_BIT_STRING && rs_bytes_equal(a->key, oid_rsa_encryption))
        a->rsa_bits = read_placeholder(spki);
    else if (der_peek(spki) == DER_BIT_STRING)
        (void)der_take_bits(spki);
    if (!der_done(&alg))
        der_fail(spki);
}

static void
read_template_attribute(struct der *list, struct csrattrs *a)
{
    struct der attribute, values;

    der_enter(list, DER_SEQUENCE, &attribute);
    struct rs_bytes type = der_take(&attribute, DER_OID);
    der_enter(&attribute, DER_SET, &values);
    if (rs_bytes_equal(type, oid_extension_req_template))
        read_extensions(&values, a, 1);
    else if (rs_bytes_equal(type, oid_extension_request))
        read_extensions(&values, a, 0);
    else
        while (der_peek(&values) != 0 && der_ok(&values))
            (void)der_take_any(&values);
    if (!der_done(&attribute) || !der_done(&values))
        der_fail(list);
}

static void
read_template(struct der *values, struct reading *r)
{
    struct csrattrs *a = &r->template;
    struct der t, part;

    if (r->has_template++)
        der_fail(values);
    der_enter(values, DER_SEQUENCE, &t);
    (void)der_take_small(&t, 0);
    if (der_enter_optional(&t, DER_SEQUENCE, &part)) {
        while (der_peek(&part) != 0 && der_ok(&part))
            read_rdn(&part, a);
        if (!der_done(&part))
            der_fail(values);
    }
    if (der_enter_optional(&t, DER_CONTEXT(0), &part)) {
        read_key_template(&part, a);
        if (!der_done(&part))
            der_fail(values);
    }
    der_enter(&t, DER_CONTEXT(1), &part);
    while (der_peek(&part) != 0 && der_ok(&part))
        read_template_attribute(&part, a);
    if (!der_done(&part) || !der_done(&t))
        der_fail(values);
}

/* The kind of key, with a curve or a size, or with none. */
static void
read_key(struct der *values, struct rs_bytes type, struct reading *r)
{
    if (r->has_key++)
        der_fail(values);
    r->old.key = type;
    if (der_peek(values) == DER_OID)
        r->old.curve = der_take(values, DER_OID);
    else if (der_peek(values) == DER_INTEGER)
        r->old.rsa_bits = (unsigned)der_take_small(values, RSA_MAX);
}

static void
read_attribute(struct der *list, struct reading *r)
{
    struct der attribute, values;

    der_enter(list, DER_SEQUENCE, &attribute);
    struct rs_bytes type = der_take(&attribute, DER_OID);
    der_enter(&attribute, DER_SET, &values);
    if (rs_bytes_equal(type, oid_request_template)) {
        read_template(&values, r);
    } else if (rs_bytes_equal(type, oid_extension_request)) {
        if (r->has_extensions++)
            der_fail(list);
        read_extensions(&values, &r->old, 0);
    } else if (rs_bytes_equal(type, oid_ec_public_key) ||
               rs_bytes_equal(type, oid_rsa_encryption) || rs_bytes_equal(type, oid_ed25519)) {
        read_key(&values, type, r);
    } else {
        if (rs_bytes_equal(type, oid_challenge_password))
            r->old.challenge = 1;
        while (der_peek(&values) != 0 && der_ok(&values))
            (void)der_take_any(&values);
    }
    if (!der_done(&attribute) || !der_done(&values))
        der_fail(list);
}

static void
read_identifier(struct der *list, struct reading *r)
{
    struct rs_bytes oid = der_take(list, DER_OID);

    if (rs_bytes_equal(oid, oid_challenge_password))
        r->old.challenge = 1;
    else if (rs_bytes_equal(oid, oid_ec_public_key) || rs_bytes_equal(oid, oid_rsa_encryption) ||
             rs_bytes_equal(oid, oid_ed25519))
        r->old.key = r->old.key.len > 0 ? r->old.key : rs_bytes_of(oid.p, oid.len + SLACK);
    else if (rs_bytes_equal(oid, oid_ecdsa_sha256) || rs_bytes_equal(oid, oid_ecdsa_sha384) ||
             rs_bytes_equal(oid, oid_rsa_sha256))
        r->old.sig = r->old.sig.len > 0 ? r->old.sig : oid;
}

rs_code
csrattrs_read(struct rs_bytes der, struct csrattrs *ret_attrs, struct rs_err *err)
{
    struct reading r;
    struct der d, list;
    unsigned count = 0;

    memset(&r, 0, sizeof(r));
    if (der.len > CSRATTRS_BYTES_MAX)
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "csrattrs: more than %d bytes",
                       CSRATTRS_BYTES_MAX);
    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &list);
    while (der_peek(&list) != 0 && der_ok(&list)) {
        if (++count > ITEMS_MAX)
            der_fail(&list);
        else if (der_peek(&list) == DER_OID)
            read_identifier(&list, &r);
        else
            read_attribute(&list, &r);
    }
    if (!der_done(&d) || !der_done(&list))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "csrattrs: malformed (RFC 8951 3.5, RFC 9908 3)");
    /* RFC 9908 3.4: who knows the template goes by it. */
    *ret_attrs = r.has_template ? r.template : r.old;
    ret_attrs->challenge = r.old.challenge;
    if (r.has_template)
        ret_attrs->sig = r.old.sig;
    return RS_OK;
}
