/*
 * template.c: see template.h.
 *
 * The order of a TBSCertificate (RFC 5280 4.1): version, serial, signature,
 * issuer, validity, subject, SPKI, extensions.  Written backwards, so the code
 * below reads from the extensions up.  Inside the extensions the variable ones
 * (SKI, SAN) come first and the constant ones (the "tail") after them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/template.h"

#include <string.h>

#include "crypto/hash.h"
#include "x509/oid.h"

/* ---- Extensions ------------------------------------------------------------------------ */

/* Everything since mark becomes the value of an extension. */
static void
put_extension(struct der_out *o, struct rs_bytes oid, int critical, size_t mark)
{
    der_put_header(o, DER_OCTET_STRING, mark);
    if (critical)
        der_put_boolean(o, 1);
    der_put_element(o, DER_OID, oid);
    der_put_header(o, DER_SEQUENCE, mark);
}

static void
put_basic_constraints(struct der_out *o, const struct template_spec *spec)
{
    size_t mark = der_mark(o);

    if (!spec->is_ca && !spec->basic_constraints)
        return;
    if (spec->is_ca && spec->path_length >= 0)
        der_put_small(o, (uint64_t)spec->path_length);
    if (spec->is_ca)
        der_put_boolean(o, 1);
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, oid_basic_constraints, 1, mark);
}

static void
put_key_usage(struct der_out *o, const struct template_spec *spec)
{
    size_t mark = der_mark(o);

    if (spec->key_usage == 0)
        return;
    der_put_named_bits(o, spec->key_usage, 9);
    put_extension(o, oid_key_usage, 1, mark);
}

/* A SEQUENCE OF OBJECT IDENTIFIER, each wrapped in one more SEQUENCE for policies. */
static int
put_oid_list(struct der_out *o, struct rs_bytes ext, const struct rs_bytes *list, size_t count,
             int wrap)
{
    size_t mark = der_mark(o);

    if (count == 0)
        return 1;
    for (size_t i = count; i-- > 0;) {
        uint8_t oid[64];
        size_t len, at = der_mark(o);
        if (!oid_read(list[i], oid, sizeof(oid), &len))
            return 0;
        der_put_element(o, DER_OID, rs_bytes_of(oid, len));
        if (wrap)
            der_put_header(o, DER_SEQUENCE, at);
    }
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, ext, 0, mark);
    return 1;
}

static void
put_access(struct der_out *o, struct rs_bytes method, struct rs_bytes url)
{
    size_t mark = der_mark(o);

    if (url.len == 0)
        return;
    der_put_element(o, DER_CONTEXT_PRIMITIVE(6), url);
    der_put_element(o, DER_OID, method);
    der_put_header(o, DER_SEQUENCE, mark);
}

static void
put_aia(struct der_out *o, const struct template_spec *spec)
{
    size_t mark = der_mark(o);

    if (spec->ocsp_url.len == 0 && spec->ca_url.len == 0)
        return;
    put_access(o, oid_ad_ca_issuers, spec->ca_url);
    put_access(o, oid_ad_ocsp, spec->ocsp_url);
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, oid_aia, 0, mark);
}

/* RFC 5280 4.2.1.13: DistributionPoint { [0] { [0] { [6] URI } } } */
static void
put_crl_dp(struct der_out *o, struct rs_bytes url)
{
    size_t mark = der_mark(o);

    if (url.len == 0)
        return;
    der_put_element(o, DER_CONTEXT_PRIMITIVE(6), url);
    der_put_header(o, DER_CONTEXT(0), mark);
    der_put_header(o, DER_CONTEXT(0), mark);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, oid_crl_dp, 0, mark);
}

static void
put_aki(struct der_out *o, struct rs_bytes key_id)
{
    size_t mark = der_mark(o);

    if (key_id.len == 0)
        return;
    der_put_element(o, DER_CONTEXT_PRIMITIVE(0), key_id);
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, oid_aki, 0, mark);
}

static void
put_nocheck(struct der_out *o)
{
    size_t mark = der_mark(o);

    der_put_element(o, DER_NULL, (struct rs_bytes){NULL, 0});
    put_extension(o, oid_ocsp_nocheck, 0, mark);
}

/* ---- Compiling ------------------------------------------------------------------------- */

static struct rs_bytes
keep(struct template *t, struct rs_bytes bytes, struct rs_err *err)
{
    struct rs_bytes at = rs_bytes_of(t->fixed + t->fixed_len, bytes.len);

    if (sizeof(t->fixed) - t->fixed_len < bytes.len) {
        (void)rs_fail(err, RS_E_PROFILE_LIMIT, "template: more than %d constant bytes",
                      TEMPLATE_FIXED_MAX);
        return (struct rs_bytes){NULL, 0};
    }
    memcpy(t->fixed + t->fixed_len, bytes.p, bytes.len);
    t->fixed_len += bytes.len;
    return at;
}

static rs_code
compile_tail(const struct template_spec *spec, struct template *t, struct rs_err *err)
{
    uint8_t buf[TEMPLATE_FIXED_MAX];
    struct der_out o;

    der_out_init(&o, buf, sizeof(buf));
    if (spec->ocsp_nocheck)
        put_nocheck(&o);
    put_aia(&o, spec);
    put_crl_dp(&o, spec->crl_url);
    put_aki(&o, spec->issuer_key_id);
    if (!put_oid_list(&o, oid_policies, spec->policies, spec->policy_count, 1) ||
        !put_oid_list(&o, oid_eku, spec->eku, spec->eku_count, 0))
        return rs_fail(err, RS_E_CONFIG_INVALID, "template: not an object identifier");
    put_key_usage(&o, spec);
    put_basic_constraints(&o, spec);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "template: extensions over %d bytes",
                       TEMPLATE_FIXED_MAX);
    t->extensions_tail = keep(t, der_out_bytes(&o), err);
    return t->extensions_tail.p != NULL || der_out_bytes(&o).len == 0 ? RS_OK : RS_E_PROFILE_LIMIT;
}

static rs_code
compile_names(const struct template_spec *spec, struct template *t, struct rs_err *err)
{
    t->empty_subject = spec->subject.len == 0;
    if (spec->dns_count > TEMPLATE_LIST_MAX)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "template: over %d names", TEMPLATE_LIST_MAX);
    for (size_t i = 0; i < spec->dns_count; i++) {
        if (sizeof(t->text) - t->text_len < spec->dns[i].len)
            return rs_fail(err, RS_E_PROFILE_LIMIT, "template: names too long");
        t->dns[i] = rs_bytes_of(t->text + t->text_len, spec->dns[i].len);
        memcpy(t->text + t->text_len, spec->dns[i].p, spec->dns[i].len);
        t->text_len += spec->dns[i].len;
    }
    t->dns_count = spec->dns_count;
    if (spec->hardware_type.len > 0 && !oid_read(spec->hardware_type, t->hardware_type,
                                                 sizeof(t->hardware_type), &t->hardware_type_len))
        return rs_fail(err, RS_E_CONFIG_INVALID, "template: hardware type is not an OID");
    if (t->empty_subject)
        return RS_OK;
    return name_pattern_read(spec->subject, &t->subject, err);
}

rs_code
template_compile(const struct template_spec *spec, struct template *ret_t, struct rs_err *err)
{
    rs_code rc;

    memset(ret_t, 0, sizeof(*ret_t));
    ret_t->ski = spec->ski;
    rc = compile_names(spec, ret_t, err);
    if (rc == RS_OK)
        rc = compile_tail(spec, ret_t, err);
    if (rc != RS_OK)
        return rc;
    ret_t->sig_alg = crypto_sig_identifier(spec->sig_alg); /* constant: no copy needed */
    ret_t->issuer_name = keep(ret_t, spec->issuer_name, err);
    return ret_t->issuer_name.p != NULL ? RS_OK : RS_E_PROFILE_LIMIT;
}

/* ---- Building -------------------------------------------------------------------------- */

void
template_key_id(enum template_ski method, const struct crypto_pub *pub, uint8_t out[20])
{
    uint8_t hash[CRYPTO_SHA256_SIZE];

    if (method == TEMPLATE_SKI_SHA1) {
        crypto_sha1(pub->key, out);
        return;
    }
    crypto_sha256(pub->key, hash);
    memcpy(out, hash, 20);
}

static void
put_ski(struct der_out *o, const struct template *t, const struct crypto_pub *pub)
{
    uint8_t id[20];
    size_t mark = der_mark(o);

    if (t->ski == TEMPLATE_SKI_NONE)
        return;
    template_key_id(t->ski, pub, id);
    der_put_element(o, DER_OCTET_STRING, RS_BYTES(id));
    put_extension(o, oid_ski, 0, mark);
}

/* RFC 4108 5: hardwareModuleName { hwType OID, hwSerialNum OCTET STRING } as otherName. */
static void
put_hardware(struct der_out *o, const struct template *t, struct rs_bytes uid)
{
    size_t mark = der_mark(o);

    der_put_element(o, DER_OCTET_STRING, uid);
    der_put_element(o, DER_OID, rs_bytes_of(t->hardware_type, t->hardware_type_len));
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_CONTEXT(0), mark);
    der_put_element(o, DER_OID, oid_hardware_module_name);
    der_put_header(o, DER_CONTEXT(0), mark);
}

/* RFC 5280 4.2.1.6: IA5String; a blank or a control character is in no host name. */
static rs_code
put_dns(struct der_out *o, struct rs_bytes name, struct rs_err *err)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
            return rs_fail(err, RS_E_CSR_SUBJECT,
                           "name: a DNS name has a character that it must not have");
    }
    if (name.len == 0)
        return rs_fail(err, RS_E_CSR_SUBJECT, "name: a DNS name is empty");
    der_put_element(o, DER_CONTEXT_PRIMITIVE(2), name);
    return RS_OK;
}

static rs_code
put_dns_pattern(struct der_out *o, const struct template_values *v, struct rs_bytes pattern,
                struct rs_err *err)
{
    char text[NAME_VALUE_MAX + 1];
    size_t len;
    rs_code rc = name_expand(pattern, v->value, v->arg, text, sizeof(text), &len, err);

    return rc == RS_OK ? put_dns(o, rs_bytes_of(text, len), err) : rc;
}

static rs_code
put_san(struct der_out *o, const struct template *t, const struct template_values *v,
        struct rs_err *err)
{
    size_t mark = der_mark(o);
    rs_code rc = RS_OK;

    for (size_t i = v->ip_count; i-- > 0;)
        der_put_element(o, DER_CONTEXT_PRIMITIVE(7), v->ip[i]);
    for (size_t i = v->dns_count; i-- > 0 && rc == RS_OK;)
        rc = put_dns(o, v->dns[i], err);
    for (size_t i = t->dns_count; i-- > 0 && rc == RS_OK;)
        rc = put_dns_pattern(o, v, t->dns[i], err);
    if (rc == RS_OK && t->hardware_type_len > 0) {
        if (v->chip_uid.len == 0)
            return rs_fail(err, RS_E_CSR_SUBJECT, "name: the profile needs a chip UID");
        put_hardware(o, t, v->chip_uid);
    }
    if (rc != RS_OK || der_mark(o) == mark) {
        if (rc == RS_OK && t->empty_subject)
            return rs_fail(err, RS_E_CSR_SUBJECT, "name: neither subject nor alternative name");
        return rc;
    }
    der_put_header(o, DER_SEQUENCE, mark);
    put_extension(o, oid_san, t->empty_subject, mark);
    return RS_OK;
}

static rs_code
put_extensions(struct der_out *o, const struct template *t, const struct template_values *v,
               struct rs_err *err)
{
    size_t mark = der_mark(o);
    rs_code rc;

    der_put(o, t->extensions_tail);
    rc = put_san(o, t, v, err);
    if (rc != RS_OK)
        return rc;
    put_ski(o, t, v->pub);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_CONTEXT(3), mark);
    return RS_OK;
}

static void
put_validity(struct der_out *o, const struct template_values *v)
{
    size_t mark = der_mark(o);

    der_put_time(o, v->not_after);
    der_put_time(o, v->not_before);
    der_put_header(o, DER_SEQUENCE, mark);
}

rs_code
template_build(const struct template *t, const struct template_values *values, uint8_t *buf,
               size_t cap, struct rs_bytes *ret_tbs, struct rs_err *err)
{
    static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
    struct der_out o;
    rs_code rc;

    der_out_init(&o, buf, cap);
    rc = put_extensions(&o, t, values, err);
    if (rc != RS_OK)
        return rc;
    der_put(&o, values->pub->spki);
    if (t->empty_subject)
        der_put_element(&o, DER_SEQUENCE, (struct rs_bytes){NULL, 0});
    else
        rc = name_put(&o, &t->subject, values->value, values->arg, err);
    if (rc != RS_OK)
        return rc;
    put_validity(&o, values);
    der_put(&o, t->issuer_name);
    der_put(&o, t->sig_alg);
    der_put_uint(&o, values->serial);
    der_put(&o, RS_BYTES(version_3));
    der_put_header(&o, DER_SEQUENCE, 0);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "certificate: more than %zu bytes", cap);
    *ret_tbs = der_out_bytes(&o);
    return RS_OK;
}

/* ---- Assembling ------------------------------------------------------------------------ */

static void
put_length(struct rs_buf *out, size_t len)
{
    if (len < 0x80) {
        rs_buf_put_u8(out, (unsigned)len);
    } else if (len < 0x100) {
        rs_buf_put_u8(out, 0x81);
        rs_buf_put_u8(out, (unsigned)len);
    } else if (len < 0x10000) {
        rs_buf_put_u8(out, 0x82);
        rs_buf_put_u16(out, (unsigned)len);
    } else {
        rs_buf_put_u8(out, 0x83);
        rs_buf_put_u8(out, (unsigned)(len >> 16) & 0xff);
        rs_buf_put_u16(out, (unsigned)len & 0xffff);
    }
}

rs_code
x509_assemble(struct rs_bytes tbs, enum crypto_sig sig, struct rs_bytes signature,
              struct rs_buf *out, struct rs_err *err)
{
    struct rs_bytes id = crypto_sig_identifier(sig);
    size_t bits_len = signature.len + 1;
    size_t bits_header = bits_len < 0x80 ? 2 : bits_len < 0x100 ? 3 : 4;

    rs_buf_put_u8(out, DER_SEQUENCE);
    put_length(out, tbs.len + id.len + bits_header + bits_len);
    rs_buf_put_bytes(out, tbs);
    rs_buf_put_bytes(out, id);
    rs_buf_put_u8(out, DER_BIT_STRING);
    put_length(out, bits_len);
    rs_buf_put_u8(out, 0);
    rs_buf_put_bytes(out, signature);
    if (!rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "no room to assemble %zu bytes", tbs.len);
    return RS_OK;
}
