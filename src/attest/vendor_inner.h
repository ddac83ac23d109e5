/*
 * vendor_inner.h: what the readers of parts' evidence share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEST_VENDOR_INNER_H
#define ATTEST_VENDOR_INNER_H

#include "attest/vendor.h"

/* One for each format: bytes to struct, and nothing believed yet. */
rs_code vendor_read_atecc(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err);
rs_code vendor_read_se05x(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err);
rs_code vendor_read_stsafe(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err);
rs_code vendor_read_optiga(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err);

/* What is signed, over this nonce: appended to out. */
rs_code vendor_put_atecc(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                         struct rs_buf *out, struct rs_err *err);
rs_code vendor_put_se05x(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                         struct rs_buf *out, struct rs_err *err);
rs_code vendor_put_stsafe(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                          struct rs_buf *out, struct rs_err *err);
rs_code vendor_put_optiga(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                          struct rs_buf *out, struct rs_err *err);

/* SubjectPublicKeyInfo of an uncompressed point on P-256 or P-384; 0 when it is neither. */
size_t vendor_put_spki(struct rs_bytes point, uint8_t spki[VENDOR_SPKI_MAX]);
/* A key that came as SubjectPublicKeyInfo; 0 when it does not fit. */
int vendor_take_spki(struct rs_bytes spki, struct vendor_evidence *e);
/* The DER element at the start, without what a part pads it with. */
struct rs_bytes vendor_trim(struct rs_bytes cert);

#endif /* ATTEST_VENDOR_INNER_H */
