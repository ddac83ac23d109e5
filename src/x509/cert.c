/*
 * cert.c: see cert.h.  RFC 5280 4.1 and 4.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/cert.h"

#include <string.h>

#include "crypto/hash.h"
#include "x509/name.h"
#include "x509/oid.h"

#define SERIAL_MAX     20
#define EXTENSIONS_MAX 32

static void
read_basic_constraints(struct rs_bytes value, struct cert *c, struct der *ext)
{
    struct der d, seq;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &seq);
    c->has_basic_constraints = 1;
    if (der_peek(&seq) == DER_BOOLEAN) {
        c->is_ca = der_take_boolean(&seq);
        if (!c->is_ca)
            der_fail(ext); /* DEFAULT FALSE is not encoded (X.690 11.5) */
    }
    if (der_peek(&seq) == DER_INTEGER)
        c->path_length = (int64_t)der_take_small(&seq, 255);
    if (!der_done(&d) || !der_done(&seq))
        der_fail(ext);
}

static void
read_key_usage(struct rs_bytes value, struct cert *c, struct der *ext)
{
    struct der d;

    der_init(&d, value);
    struct rs_bytes bits = der_take(&d, DER_BIT_STRING);
    if (!der_done(&d) || bits.len < 2 || bits.len > 3 || bits.p[0] > 7) {
        der_fail(ext);
        return;
    }
    for (unsigned n = 0; n < (bits.len - 1) * 8; n++) {
        if ((bits.p[1 + n / 8] & (0x80u >> (n % 8))) != 0)
            c->key_usage |= 1u << n;
    }
}

static struct rs_bytes
whole_content(struct rs_bytes value, unsigned tag, struct der *ext)
{
    struct der d;

    der_init(&d, value);
    struct rs_bytes content = der_take(&d, tag);
    if (!der_done(&d))
        der_fail(ext);
    return content;
}

static struct rs_bytes
read_aki(struct rs_bytes value, struct der *ext)
{
    struct der d;
    struct rs_bytes id = {NULL, 0};

    der_init(&d, whole_content(value, DER_SEQUENCE, ext));
    if (der_peek(&d) == DER_CONTEXT_PRIMITIVE(0))
        id = der_take(&d, DER_CONTEXT_PRIMITIVE(0));
    if (!der_ok(&d))
        der_fail(ext);
    return id;
}

/* Its identifier, so that the caller sees one that stands twice. */
static struct rs_bytes
read_extension(struct der *list, struct cert *c)
{
    struct der ext;
    int critical = 0;

    der_enter(list, DER_SEQUENCE, &ext);
    struct rs_bytes oid = der_take(&ext, DER_OID);
    if (der_peek(&ext) == DER_BOOLEAN)
        critical = der_take_boolean(&ext);
    struct rs_bytes value = der_take(&ext, DER_OCTET_STRING);
    if (rs_bytes_equal(oid, oid_basic_constraints))
        read_basic_constraints(value, c, &ext);
    else if (rs_bytes_equal(oid, oid_key_usage))
        read_key_usage(value, c, &ext);
    else if (rs_bytes_equal(oid, oid_eku))
        c->eku = whole_content(value, DER_SEQUENCE, &ext);
    else if (rs_bytes_equal(oid, oid_san))
        c->san = value;
    else if (rs_bytes_equal(oid, oid_ski))
        c->ski = whole_content(value, DER_OCTET_STRING, &ext);
    else if (rs_bytes_equal(oid, oid_aki))
        c->aki = read_aki(value, &ext);
    else if (rs_bytes_equal(oid, oid_name_constraints))
        c->name_constraints = 1;
    else if (critical && !rs_bytes_equal(oid, oid_policies))
        c->unknown_critical = 1;
    if (!der_done(&ext))
        der_fail(list);
    return oid;
}

static void
read_extensions(struct der *tbs, struct cert *c)
{
    struct rs_bytes seen[EXTENSIONS_MAX];
    struct der wrapped, list;
    unsigned count = 0;

    if (!der_enter_optional(tbs, DER_CONTEXT(3), &wrapped))
        return;
    der_enter(&wrapped, DER_SEQUENCE, &list);
    for (; der_peek(&list) != 0 && count < EXTENSIONS_MAX; count++) {
        seen[count] = read_extension(&list, c);
        for (unsigned i = 0; i < count; i++) {
            if (rs_bytes_equal(seen[i], seen[count]))
                der_fail(&list); /* RFC 5280 4.2: each at most once */
        }
    }
    if (!der_done(&wrapped) || !der_done(&list))
        der_fail(tbs);
}

static void
read_tbs(struct der *tbs, struct cert *c, struct rs_bytes outer_identifier)
{
    struct der version, validity;

    der_enter(tbs, DER_CONTEXT(0), &version);
    if (der_take_small(&version, 2) != 2 || !der_done(&version))
        der_fail(tbs); /* v3 only */
    c->serial = der_take_uint(tbs, SERIAL_MAX);
    if (!rs_bytes_equal(der_take_whole(tbs, DER_SEQUENCE), outer_identifier))
        der_fail(tbs); /* RFC 5280 4.1.1.2: both must be the same */
    c->issuer = der_take_whole(tbs, DER_SEQUENCE);
    der_enter(tbs, DER_SEQUENCE, &validity);
    c->not_before = der_take_time(&validity);
    c->not_after = der_take_time(&validity);
    if (!der_done(&validity))
        der_fail(tbs);
    c->subject = der_take_whole(tbs, DER_SEQUENCE);
    c->spki = der_take_whole(tbs, DER_SEQUENCE);
    read_extensions(tbs, c);
}

rs_code
cert_read(struct rs_bytes der, struct cert *ret_cert, struct rs_err *err)
{
    struct cert c;
    struct der d, outer, t, tbs;

    memset(&c, 0, sizeof(c));
    c.path_length = -1;
    c.whole = der;
    if (der.len > CERT_BYTES_MAX)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "certificate: more than %d bytes", CERT_BYTES_MAX);
    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &outer);
    c.tbs = der_take_whole(&outer, DER_SEQUENCE);
    struct rs_bytes identifier = der_take_whole(&outer, DER_SEQUENCE);
    c.signature = der_take_bits(&outer);
    if (!der_done(&d) || !der_done(&outer))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "certificate: not one strict DER Certificate");
    if (!crypto_sig_find(identifier, &c.sig_alg))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "certificate: signature algorithm not allowed");
    der_init(&t, c.tbs);
    der_enter(&t, DER_SEQUENCE, &tbs);
    read_tbs(&tbs, &c, identifier);
    if (!der_done(&tbs))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "certificate: malformed (RFC 5280 4.1)");
    *ret_cert = c;
    return RS_OK;
}

void
cert_fingerprint(struct rs_bytes der, uint8_t out[32])
{
    crypto_sha256(der, out);
}

int
cert_has_eku(const struct cert *cert, struct rs_bytes oid)
{
    struct der d;

    der_init(&d, cert->eku);
    while (der_peek(&d) != 0 && der_ok(&d)) {
        if (rs_bytes_equal(der_take(&d, DER_OID), oid))
            return 1;
    }
    return 0;
}

/* ---- PEM (RFC 7468) --------------------------------------------------------------------- */

void
cert_put_pem(struct rs_buf *out, const char *label, struct rs_bytes der)
{
    rs_buf_printf(out, "-----BEGIN %s-----\n", label);
    rs_base64_put(out, der, 64);
    rs_buf_printf(out, "-----END %s-----\n", label);
}

static const uint8_t *
find(struct rs_bytes text, const char *what)
{
    return text.len ? memmem(text.p, text.len, what, strlen(what)) : NULL;
}

rs_code
cert_next_pem(struct rs_bytes *text, const char *label, struct rs_buf *der, struct rs_err *err)
{
    char begin[64], end[64];
    struct rs_buf b;
    const uint8_t *start, *stop;

    rs_buf_init_fixed(&b, (uint8_t *)begin, sizeof(begin));
    rs_buf_printf(&b, "-----BEGIN %s-----", label);
    rs_buf_init_fixed(&b, (uint8_t *)end, sizeof(end));
    rs_buf_printf(&b, "-----END %s-----", label);
    start = find(*text, begin);
    if (start == NULL)
        return rs_fail(err, RS_E_REQUEST_UNKNOWN, "no %s in the text", label);
    start += strlen(begin);
    struct rs_bytes rest = rs_bytes_of(start, (size_t)(text->p + text->len - start));
    stop = find(rest, end);
    rs_buf_reset(der);
    if (stop == NULL || !rs_base64_read(rs_bytes_of(start, (size_t)(stop - start)), der))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "malformed PEM %s (RFC 7468)", label);
    stop += strlen(end);
    *text = rs_bytes_of(stop, (size_t)(rest.p + rest.len - stop));
    return RS_OK;
}
