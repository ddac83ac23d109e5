/*
 * vendor_stsafe.c: STSAFE-A (docs/chips/stsafe.md, Evidence).
 *
 *   length (2) | ST's leaf | length (2) | SubjectPublicKeyInfo of the key |
 *   length (2) | signature by the leaf's key over LABEL 00 | nonce | SubjectPublicKeyInfo
 *
 * The part's number is not in it: the leaf's serial number ends in that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/vendor_inner.h"

#define NUMBER 9

static const char label[] = "rootsmith stsafe 1"; /* with its NUL */

rs_code
vendor_read_stsafe(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err)
{
    struct rs_reader r;
    struct cert cert;
    struct rs_bytes spki;

    rs_reader_init(&r, bytes);
    e->cert = rs_read_u16_bytes(&r, CERT_BYTES_MAX);
    spki = rs_read_u16_bytes(&r, VENDOR_SPKI_MAX);
    e->signature = rs_read_u16_bytes(&r, 80);
    if (!rs_reader_done(&r) || !vendor_take_spki(spki, e))
        return rs_fail(err, RS_E_ATTEST_INVALID, "stsafe: evidence: malformed");
    e->tail = spki;
    if (cert_read(e->cert, &cert, NULL) != RS_OK || cert.serial.len < NUMBER)
        return rs_fail(err, RS_E_ATTEST_INVALID, "stsafe: evidence: no certificate of ST's in it");
    memcpy(e->uid, cert.serial.p + cert.serial.len - NUMBER, NUMBER);
    e->uid_len = NUMBER;
    return RS_OK;
}

rs_code
vendor_put_stsafe(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                  struct rs_buf *out, struct rs_err *err)
{
    (void)err;
    rs_buf_put(out, label, sizeof(label));
    rs_buf_put(out, nonce, VENDOR_NONCE_SIZE);
    rs_buf_put_bytes(out, e->tail);
    return RS_OK;
}
