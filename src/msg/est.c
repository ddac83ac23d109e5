/*
 * est.c: see est.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "msg/est.h"

#include <stdlib.h>
#include <string.h>

#include "x509/der.h"
#include "x509/oid.h"

#define PEM_DASHES "-----"

/* What off-by-ones, planted to prove the fuzz targets, let through. */
#ifdef RS_PLANTED_BUG_est_body
#define LINE_SLACK 1u
#else
#define LINE_SLACK 0u
#endif
#ifdef RS_PLANTED_BUG_cert
#define COUNT_SLACK 1u
#else
#define COUNT_SLACK 0u
#endif

/* PEM armour: what stands between the end of the BEGIN line and the END line. */
static struct rs_bytes
strip_armour(struct rs_bytes body)
{
    const uint8_t *begin, *line, *end;

    begin = body.len ? memmem(body.p, body.len, PEM_DASHES "BEGIN ", 11) : NULL;
    if (begin == NULL)
        return body;
    struct rs_bytes rest = rs_bytes_of(begin, (size_t)(body.p + body.len - begin));
    line = memchr(rest.p, '\n', rest.len + LINE_SLACK);
    if (line == NULL)
        return body;
    rest = rs_bytes_of(line + 1, (size_t)(rest.p + rest.len - line - 1));
    end = rest.len ? memmem(rest.p, rest.len, PEM_DASHES "END ", 9) : NULL;
    if (end == NULL)
        return body;
    return rs_bytes_of(rest.p, (size_t)(end - rest.p));
}

rs_code
est_body_read(struct rs_bytes body, struct rs_buf *out, struct rs_err *err)
{
    if (body.len > EST_BODY_MAX)
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "est: body of more than %d bytes",
                       EST_BODY_MAX);
    if (!rs_base64_read(strip_armour(body), out) || out->len == 0)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "est: RFC 8951 3: the body is not base64");
    return RS_OK;
}

void
est_body_put(struct rs_buf *out, struct rs_bytes der, int lines)
{
    rs_base64_put(out, der, lines ? 64 : 0);
}

/* RFC 5652 3 and 5.1: ContentInfo { signedData, SignedData { 1, {}, { data }, [0] certs, {} } } */
rs_code
est_certs_only_put(struct rs_buf *out, const struct rs_bytes *certs, size_t count,
                   struct rs_err *err)
{
    struct der_out o;
    size_t cap = 128, mark;
    uint8_t *room;

    for (size_t i = 0; i < count; i++)
        cap += certs[i].len;
    room = malloc(cap);
    if (room == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "certs-only message");
    der_out_init(&o, room, cap);
    der_put_element(&o, DER_SET, (struct rs_bytes){NULL, 0});
    mark = der_mark(&o);
    for (size_t i = count; i-- > 0;)
        der_put(&o, certs[i]);
    der_put_header(&o, DER_CONTEXT(0), mark);
    mark = der_mark(&o);
    der_put_element(&o, DER_OID, oid_data);
    der_put_header(&o, DER_SEQUENCE, mark);
    der_put_element(&o, DER_SET, (struct rs_bytes){NULL, 0});
    der_put_small(&o, 1);
    der_put_header(&o, DER_SEQUENCE, 0);
    der_put_header(&o, DER_CONTEXT(0), 0);
    der_put_element(&o, DER_OID, oid_signed_data);
    der_put_header(&o, DER_SEQUENCE, 0);
    rs_buf_put_bytes(out, der_out_bytes(&o));
    free(room);
    if (!der_out_ok(&o) || !rs_buf_ok(out))
        return rs_fail(err, RS_E_NO_MEMORY, "certs-only message");
    return RS_OK;
}

static void
read_certs(struct der *list, struct rs_bytes *certs, size_t cap, size_t *count)
{
    while (der_peek(list) != 0 && der_ok(list)) {
        struct rs_bytes cert = der_take_whole(list, DER_SEQUENCE);
        if (*count == cap + COUNT_SLACK)
            der_fail(list);
        else
            certs[(*count)++] = cert;
    }
}

rs_code
est_certs_only_read(struct rs_bytes der, struct rs_bytes *certs, size_t cap, size_t *ret_count,
                    struct rs_err *err)
{
    struct der d, info, wrapped, signed_data, list;
    size_t count = 0;

    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &info);
    if (!rs_bytes_equal(der_take(&info, DER_OID), oid_signed_data))
        der_fail(&info);
    der_enter(&info, DER_CONTEXT(0), &wrapped);
    der_enter(&wrapped, DER_SEQUENCE, &signed_data);
    (void)der_take_small(&signed_data, 5);
    (void)der_take(&signed_data, DER_SET);
    (void)der_take(&signed_data, DER_SEQUENCE);
    if (der_enter_optional(&signed_data, DER_CONTEXT(0), &list))
        read_certs(&list, certs, cap, &count);
    else
        der_fail(&signed_data);
    if (!der_done(&d) || !der_done(&info) || !der_done(&wrapped) || !der_ok(&signed_data) ||
        !der_done(&list) || count == 0)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "est: not a certs-only message (RFC 5652)");
    *ret_count = count;
    return RS_OK;
}
