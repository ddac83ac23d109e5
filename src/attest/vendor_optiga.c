/*
 * vendor_optiga.c: OPTIGA Trust M (docs/chips/optiga.md, Evidence).
 *
 *   01 | size (2), E0E0 | size (2), unique id (27) | size (2), OID and metadata of the key |
 *   size (2), SubjectPublicKeyInfo of the key |
 *   size (2), signature by E0F0 over LABEL 00 | nonce | all above
 *
 * E0E0 is a bare certificate, or a TLS certificate list behind C0 and a length
 * (SRM, "Certificate object formats"): its first entry counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/vendor_inner.h"

#define UID      27
#define CERT_MAX 1728
#define META_MIN 4 /* OID, 20, length */
#define META_MAX 64
#define LIST     0xc0

static const char label[] = "rootsmith optiga evidence"; /* with its NUL */

static uint32_t
read_u24(struct rs_reader *r)
{
    uint32_t high = rs_read_u8(r);

    return high << 16 | rs_read_u16(r);
}

/* Lengths within each other, exactly: the object, the list, the first certificate in it. */
static int
take_cert(struct rs_bytes object, struct rs_bytes *ret_cert)
{
    struct rs_reader r;
    uint32_t list, first;

    if (object.len == 0 || object.p[0] != LIST) {
        *ret_cert = vendor_trim(object);
        return object.len > 0;
    }
    rs_reader_init(&r, rs_bytes_of(object.p + 1, object.len - 1));
    if (rs_read_u16(&r) != r.left)
        return 0;
    list = read_u24(&r);
    if (list != r.left)
        return 0;
    first = read_u24(&r);
    *ret_cert = rs_read_bytes(&r, first);
    return rs_reader_ok(&r) && first > 0;
}

static int
is_meta(struct rs_bytes meta)
{
    return meta.len >= META_MIN && meta.p[2] == 0x20 && meta.p[3] == meta.len - META_MIN;
}

rs_code
vendor_read_optiga(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err)
{
    struct rs_bytes object, uid, meta, spki;
    struct rs_reader r;
    unsigned version;

    rs_reader_init(&r, bytes);
    version = rs_read_u8(&r);
    object = rs_read_u16_bytes(&r, CERT_MAX);
    uid = rs_read_u16_bytes(&r, UID);
    meta = rs_read_u16_bytes(&r, META_MAX);
    spki = rs_read_u16_bytes(&r, VENDOR_SPKI_MAX);
    e->tail = rs_bytes_of(bytes.p, bytes.len - r.left);
    e->signature = rs_read_u16_bytes(&r, 80);
    if (!rs_reader_done(&r) || version != 1 || uid.len != UID || !is_meta(meta) ||
        !vendor_take_spki(spki, e) || !take_cert(object, &e->cert))
        return rs_fail(err, RS_E_ATTEST_INVALID, "optiga: evidence: malformed");
    memcpy(e->uid, uid.p, UID);
    e->uid_len = UID;
    return RS_OK;
}

rs_code
vendor_put_optiga(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                  struct rs_buf *out, struct rs_err *err)
{
    (void)err;
    rs_buf_put(out, label, sizeof(label));
    rs_buf_put(out, nonce, VENDOR_NONCE_SIZE);
    rs_buf_put_bytes(out, e->tail);
    return RS_OK;
}
