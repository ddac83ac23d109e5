/*
 * crl.c: see crl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/crl.h"

#include <string.h>

#include "x509/oid.h"

#define ENTRY_MAX 64 /* bytes of one entry: serial 23, time 17, reason 14, headers */

static void
put_crl_extension(struct der_out *o, struct rs_bytes oid, size_t mark)
{
    der_put_header(o, DER_OCTET_STRING, mark);
    der_put_element(o, DER_OID, oid);
    der_put_header(o, DER_SEQUENCE, mark);
}

/* RFC 5280 5.3.1: reason unspecified is left out rather than written. */
static void
put_entry(struct der_out *o, const struct crl_entry *e)
{
    size_t mark = der_mark(o);

    if (e->reason != CRL_UNSPECIFIED) {
        uint8_t reason = e->reason;
        der_put_element(o, DER_ENUMERATED, rs_bytes_of(&reason, 1));
        put_crl_extension(o, oid_crl_reason, mark);
        der_put_header(o, DER_SEQUENCE, mark);
    }
    der_put_time(o, e->revoked_at);
    der_put_uint(o, e->serial);
    der_put_header(o, DER_SEQUENCE, mark);
}

static void
put_extensions(struct der_out *o, const struct crl_spec *spec)
{
    size_t whole = der_mark(o), mark = whole;

    der_put_small(o, spec->number);
    put_crl_extension(o, oid_crl_number, mark);
    mark = der_mark(o);
    der_put_element(o, DER_CONTEXT_PRIMITIVE(0), spec->issuer_key_id);
    der_put_header(o, DER_SEQUENCE, mark);
    put_crl_extension(o, oid_aki, mark);
    der_put_header(o, DER_SEQUENCE, whole);
    der_put_header(o, DER_CONTEXT(0), whole);
}

size_t
crl_capacity(const struct crl_spec *spec)
{
    return spec->entry_count * ENTRY_MAX + spec->issuer_name.len + 512;
}

rs_code
crl_build(const struct crl_spec *spec, uint8_t *buf, size_t cap, struct rs_bytes *ret_tbs,
          struct rs_err *err)
{
    struct der_out o;
    size_t mark;

    der_out_init(&o, buf, cap);
    put_extensions(&o, spec);
    mark = der_mark(&o);
    for (size_t i = spec->entry_count; i-- > 0;) {
        struct crl_entry e;
        spec->entry(spec->arg, i, &e);
        put_entry(&o, &e);
    }
    if (spec->entry_count > 0) /* RFC 5280 5.1.2.6: absent when empty */
        der_put_header(&o, DER_SEQUENCE, mark);
    der_put_time(&o, spec->next_update);
    der_put_time(&o, spec->this_update);
    der_put(&o, spec->issuer_name);
    der_put(&o, crypto_sig_identifier(spec->sig_alg));
    der_put_small(&o, 1); /* v2 */
    der_put_header(&o, DER_SEQUENCE, 0);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_NO_MEMORY, "CRL of %zu entries does not fit", spec->entry_count);
    *ret_tbs = der_out_bytes(&o);
    return RS_OK;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static void
read_crl_extensions(struct der *tbs, struct crl *crl)
{
    struct der wrapped, list;

    if (!der_enter_optional(tbs, DER_CONTEXT(0), &wrapped))
        return;
    der_enter(&wrapped, DER_SEQUENCE, &list);
    while (der_peek(&list) != 0 && der_ok(&list)) {
        struct der ext, value;
        der_enter(&list, DER_SEQUENCE, &ext);
        struct rs_bytes oid = der_take(&ext, DER_OID);
        if (der_peek(&ext) == DER_BOOLEAN)
            (void)der_take_boolean(&ext);
        der_init(&value, der_take(&ext, DER_OCTET_STRING));
        if (rs_bytes_equal(oid, oid_crl_number))
            crl->number = der_take_small(&value, UINT64_MAX);
        if (!der_done(&ext) || !der_ok(&value))
            der_fail(&list);
    }
    if (!der_done(&list) || !der_done(&wrapped))
        der_fail(tbs);
}

/* A list whose end cannot be reached would hide the revocations after the damage. */
static int
all_entries_read(struct rs_bytes entries)
{
    struct crl_entry e;

    while (crl_next(&entries, &e))
        continue;
    return entries.len == 0;
}

rs_code
crl_read(struct rs_bytes der, struct crl *ret_crl, struct rs_err *err)
{
    struct crl c;
    struct der d, outer, t, tbs, entries;

    memset(&c, 0, sizeof(c));
    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &outer);
    c.tbs = der_take_whole(&outer, DER_SEQUENCE);
    struct rs_bytes identifier = der_take_whole(&outer, DER_SEQUENCE);
    c.signature = der_take_bits(&outer);
    if (!der_done(&d) || !der_done(&outer) || !crypto_sig_find(identifier, &c.sig_alg))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "CRL: not one strict DER CertificateList");
    der_init(&t, c.tbs);
    der_enter(&t, DER_SEQUENCE, &tbs);
    if (der_take_small(&tbs, 1) != 1 ||
        !rs_bytes_equal(der_take_whole(&tbs, DER_SEQUENCE), identifier))
        der_fail(&tbs);
    c.issuer = der_take_whole(&tbs, DER_SEQUENCE);
    c.this_update = der_take_time(&tbs);
    c.next_update = der_take_time(&tbs);
    if (der_enter_optional(&tbs, DER_SEQUENCE, &entries))
        c.entries = rs_bytes_of(entries.in.p, entries.in.left);
    read_crl_extensions(&tbs, &c);
    if (!der_done(&tbs) || !der_done(&t) || !all_entries_read(c.entries))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "CRL: malformed (RFC 5280 5.1)");
    *ret_crl = c;
    return RS_OK;
}

static void
read_reason(struct der *extensions, struct crl_entry *e)
{
    while (der_peek(extensions) != 0 && der_ok(extensions)) {
        struct der ext, value;
        der_enter(extensions, DER_SEQUENCE, &ext);
        struct rs_bytes oid = der_take(&ext, DER_OID);
        der_init(&value, der_take(&ext, DER_OCTET_STRING));
        if (rs_bytes_equal(oid, oid_crl_reason)) {
            struct rs_bytes v = der_take(&value, DER_ENUMERATED);
            e->reason = v.len == 1 ? v.p[0] : 0;
        }
        if (!der_done(&ext))
            der_fail(extensions);
    }
}

int
crl_next(struct rs_bytes *entries, struct crl_entry *ret_entry)
{
    struct der list, entry, extensions;

    memset(ret_entry, 0, sizeof(*ret_entry));
    der_init(&list, *entries);
    if (der_peek(&list) == 0)
        return 0;
    der_enter(&list, DER_SEQUENCE, &entry);
    ret_entry->serial = der_take_uint(&entry, 20);
    ret_entry->revoked_at = der_take_time(&entry);
    if (der_enter_optional(&entry, DER_SEQUENCE, &extensions))
        read_reason(&extensions, ret_entry);
    if (!der_done(&entry))
        return 0;
    *entries = rs_bytes_of(list.in.p, list.in.left);
    return 1;
}
