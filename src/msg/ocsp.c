/*
 * ocsp.c: see ocsp.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "msg/ocsp.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "x509/oid.h"

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_ocsp_request
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* ---- Requests --------------------------------------------------------------------------- */

static int
read_hash(struct der *d, struct ocsp_id *id)
{
    struct der alg;
    size_t want;

    der_enter(d, DER_SEQUENCE, &alg);
    struct rs_bytes oid = der_take(&alg, DER_OID);
    if (der_peek(&alg) == DER_NULL)
        (void)der_take(&alg, DER_NULL);
    if (!der_done(&alg))
        return 0;
    if (rs_bytes_equal(oid, oid_sha1))
        id->hash = OCSP_SHA1;
    else if (rs_bytes_equal(oid, oid_sha256))
        id->hash = OCSP_SHA256;
    else
        return 0;
    want = id->hash == OCSP_SHA1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE;
    id->name_hash = der_take(d, DER_OCTET_STRING);
    id->key_hash = der_take(d, DER_OCTET_STRING);
    return id->name_hash.len == want && id->key_hash.len == want;
}

static int
read_id(struct der *list, struct ocsp_id *id)
{
    struct der request, d, extensions;

    der_enter(list, DER_SEQUENCE, &request);
    id->whole = der_take_whole(&request, DER_SEQUENCE);
    (void)der_enter_optional(&request, DER_CONTEXT(0), &extensions); /* none is ours */
    if (!der_done(&request))
        return 0;
    der_init(&d, id->whole);
    der_enter(&d, DER_SEQUENCE, &request);
    if (!read_hash(&request, id))
        return 0;
    id->serial = der_take_uint(&request, 20);
    return der_done(&request);
}

/* RFC 9654 2.1: an OCTET STRING of 1 to 128 octets inside the extension's value. */
static int
read_nonce(struct der *extensions, struct ocsp_request *r)
{
    struct der list;

    der_enter(extensions, DER_SEQUENCE, &list);
    while (der_peek(&list) != 0 && der_ok(&list)) {
        struct der ext, value;
        der_enter(&list, DER_SEQUENCE, &ext);
        struct rs_bytes oid = der_take(&ext, DER_OID);
        if (der_peek(&ext) == DER_BOOLEAN)
            (void)der_take_boolean(&ext);
        der_init(&value, der_take(&ext, DER_OCTET_STRING));
        if (!der_done(&ext))
            return 0;
        if (!rs_bytes_equal(oid, oid_ocsp_nonce))
            continue;
        r->nonce = der_take(&value, DER_OCTET_STRING);
        if (!der_done(&value) || r->nonce.len == 0 || r->nonce.len > OCSP_NONCE_MAX)
            return 0;
    }
    return der_done(&list) && der_done(extensions);
}

static int
read_tbs(struct der *tbs, struct ocsp_request *r)
{
    struct der version, list, extensions;

    if (der_enter_optional(tbs, DER_CONTEXT(0), &version))
        return 0; /* DEFAULT v1 is not encoded, and there is no other */
    if (der_peek(tbs) == DER_CONTEXT(1))
        (void)der_take(tbs, DER_CONTEXT(1)); /* requestorName: not needed */
    der_enter(tbs, DER_SEQUENCE, &list);
    while (der_peek(&list) != 0) {
        if (r->count == OCSP_IDS_MAX || !read_id(&list, &r->ids[r->count]))
            return 0;
        r->count++;
    }
    if (!der_done(&list) || r->count == 0)
        return 0;
    if (der_enter_optional(tbs, DER_CONTEXT(2), &extensions) && !read_nonce(&extensions, r))
        return 0;
    return der_done(tbs);
}

rs_code
ocsp_request_read(struct rs_bytes der, struct ocsp_request *ret_request, struct rs_err *err)
{
    struct ocsp_request r;
    struct der d, outer, tbs;

    memset(&r, 0, sizeof(r));
    if (der.len > OCSP_REQUEST_MAX)
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "ocsp: request of more than %d bytes",
                       OCSP_REQUEST_MAX);
    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &outer);
    der_enter(&outer, DER_SEQUENCE, &tbs);
    if (der_peek(&outer) == DER_CONTEXT(0))
        (void)der_take(&outer, DER_CONTEXT(0)); /* a signed request: the signature is not needed */
    if (!read_tbs(&tbs, &r) || !der_done(&outer) || !der_done(&d))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "ocsp: RFC 6960 4.1.1: malformed request");
    *ret_request = r;
    return RS_OK;
}

rs_code
ocsp_path_read(struct rs_bytes path, struct rs_buf *out, struct rs_err *err)
{
    uint8_t text[OCSP_REQUEST_MAX * 2];
    size_t n = 0, len;

    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.p[i];
        if (c == '%' && i + 2 < path.len + SLACK &&
            rs_hex_read((const char *)path.p + i + 1, 2, &c, 1, &len))
            i += 2;
        c = c == '-' || c == ' ' ? '+' : c == '_' ? '/' : c;
        if (c == '=')
            continue; /* padding is put back below */
        if (n + 4 >= sizeof(text))
            return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "ocsp: path too long");
        text[n++] = c;
    }
    while (n % 4 != 0)
        text[n++] = '=';
    if (!rs_base64_read(rs_bytes_of(text, n), out) || out->len == 0)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "ocsp: RFC 6960 A.1: the path is not base64");
    return RS_OK;
}

static void
put_hash_of(struct der_out *o, enum ocsp_hash hash, struct rs_bytes what)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];

    if (hash == OCSP_SHA1)
        crypto_sha1(what, digest);
    else
        crypto_sha256(what, digest);
    der_put_element(o, DER_OCTET_STRING,
                    rs_bytes_of(digest, hash == OCSP_SHA1 ? CRYPTO_SHA1_SIZE : CRYPTO_SHA256_SIZE));
}

static void
put_nonce(struct der_out *o, struct rs_bytes nonce, unsigned tag)
{
    size_t mark = der_mark(o);

    if (nonce.len == 0)
        return;
    der_put_element(o, DER_OCTET_STRING, nonce);
    der_put_header(o, DER_OCTET_STRING, mark);
    der_put_element(o, DER_OID, oid_ocsp_nonce);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, tag, mark);
}

rs_code
ocsp_request_put(struct rs_buf *out, enum ocsp_hash hash, struct rs_bytes issuer_name,
                 struct rs_bytes issuer_key, struct rs_bytes serial, struct rs_bytes nonce,
                 struct rs_err *err)
{
    uint8_t room[512];
    struct der_out o;
    size_t id, alg;

    der_out_init(&o, room, sizeof(room));
    put_nonce(&o, nonce, DER_CONTEXT(2));
    id = der_mark(&o);
    der_put_uint(&o, serial);
    put_hash_of(&o, hash, issuer_key);
    put_hash_of(&o, hash, issuer_name);
    alg = der_mark(&o);
    der_put_element(&o, DER_NULL, (struct rs_bytes){NULL, 0});
    der_put_element(&o, DER_OID, hash == OCSP_SHA1 ? oid_sha1 : oid_sha256);
    der_put_header(&o, DER_SEQUENCE, alg);
    der_put_header(&o, DER_SEQUENCE, id); /* CertID */
    der_put_header(&o, DER_SEQUENCE, id); /* Request */
    der_put_header(&o, DER_SEQUENCE, id); /* requestList */
    der_put_header(&o, DER_SEQUENCE, 0);
    der_put_header(&o, DER_SEQUENCE, 0);
    rs_buf_put_bytes(out, der_out_bytes(&o));
    if (!der_out_ok(&o) || !rs_buf_ok(out))
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "ocsp: request does not fit");
    return RS_OK;
}

/* ---- Responses ---------------------------------------------------------------------------- */

static void
put_status(struct der_out *o, const struct ocsp_single *s)
{
    size_t mark = der_mark(o);

    if (s->status == OCSP_GOOD) {
        der_put_element(o, DER_CONTEXT_PRIMITIVE(0), (struct rs_bytes){NULL, 0});
    } else if (s->status == OCSP_UNKNOWN) {
        der_put_element(o, DER_CONTEXT_PRIMITIVE(2), (struct rs_bytes){NULL, 0});
    } else {
        if (s->reason != 0) {
            size_t reason = der_mark(o);
            der_put_element(o, DER_ENUMERATED, rs_bytes_of(&s->reason, 1));
            der_put_header(o, DER_CONTEXT(0), reason);
        }
        der_put_generalized_time(o, s->revoked_at);
        der_put_header(o, DER_CONTEXT(1), mark);
    }
}

static void
put_single(struct der_out *o, const struct ocsp_single *s, const struct ocsp_response_spec *spec)
{
    size_t mark = der_mark(o);

    der_put_generalized_time(o, spec->next_update);
    der_put_header(o, DER_CONTEXT(0), mark);
    der_put_generalized_time(o, spec->this_update);
    put_status(o, s);
    der_put(o, s->id);
    der_put_header(o, DER_SEQUENCE, mark);
}

rs_code
ocsp_response_data(const struct ocsp_response_spec *spec, uint8_t *buf, size_t cap,
                   struct rs_bytes *ret_tbs, struct rs_err *err)
{
    struct der_out o;
    size_t mark;

    der_out_init(&o, buf, cap);
    put_nonce(&o, spec->nonce, DER_CONTEXT(1));
    mark = der_mark(&o);
    for (size_t i = spec->count; i-- > 0;)
        put_single(&o, &spec->singles[i], spec);
    der_put_header(&o, DER_SEQUENCE, mark);
    der_put_generalized_time(&o, spec->produced_at);
    mark = der_mark(&o);
    der_put_element(&o, DER_OCTET_STRING, spec->responder_key_hash);
    der_put_header(&o, DER_CONTEXT(2), mark);
    der_put_header(&o, DER_SEQUENCE, 0);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_NO_MEMORY, "ocsp: response does not fit");
    *ret_tbs = der_out_bytes(&o);
    return RS_OK;
}

rs_code
ocsp_response_put(struct rs_buf *out, struct rs_bytes tbs, enum crypto_sig sig,
                  struct rs_bytes signature, struct rs_bytes certificate, struct rs_err *err)
{
    size_t cap = tbs.len + signature.len + certificate.len + 256;
    uint8_t *room = malloc(cap);
    uint8_t ok = OCSP_SUCCESSFUL;
    struct der_out o;

    if (room == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "ocsp: response");
    der_out_init(&o, room, cap);
    der_put(&o, certificate);
    der_put_header(&o, DER_SEQUENCE, 0);
    der_put_header(&o, DER_CONTEXT(0), 0);
    der_put_bits(&o, signature);
    der_put(&o, crypto_sig_identifier(sig));
    der_put(&o, tbs);
    der_put_header(&o, DER_SEQUENCE, 0); /* BasicOCSPResponse */
    der_put_header(&o, DER_OCTET_STRING, 0);
    der_put_element(&o, DER_OID, oid_ocsp_basic);
    der_put_header(&o, DER_SEQUENCE, 0); /* ResponseBytes */
    der_put_header(&o, DER_CONTEXT(0), 0);
    der_put_element(&o, DER_ENUMERATED, rs_bytes_of(&ok, 1));
    der_put_header(&o, DER_SEQUENCE, 0);
    rs_buf_put_bytes(out, der_out_bytes(&o));
    free(room);
    if (!der_out_ok(&o) || !rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "ocsp: response");
    return RS_OK;
}

void
ocsp_error_put(struct rs_buf *out, enum ocsp_answer answer)
{
    uint8_t body[] = {DER_SEQUENCE, 3, DER_ENUMERATED, 1, (uint8_t)answer};

    rs_buf_put(out, body, sizeof(body));
}
