/*
 * est.h: the bodies of EST (RFC 7030, RFC 8951), for server and client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MSG_EST_H
#define MSG_EST_H

#include "base/bytes.h"

#define EST_BODY_MAX 65536

/*
 * A request or response body: base64 with or without line breaks, or PEM armour
 * around it (RFC 8951 3).  Decoded into out.  RS_E_REQUEST_FORMAT otherwise.
 */
RS_MUST_USE rs_code est_body_read(struct rs_bytes body, struct rs_buf *out, struct rs_err *err);

/*
 * Base64 on one line (RFC 8951 3, RFC 4648 3.1); with lines != 0 in lines of 64
 * and a final newline, which libest cannot do without and strongSwan 5.9 cannot
 * read.
 */
void est_body_put(struct rs_buf *out, struct rs_bytes der, int lines);

/* A certs-only SignedData (RFC 5652 5, RFC 7030 4.1.3) of these certificates, DER. */
RS_MUST_USE rs_code est_certs_only_put(struct rs_buf *out, const struct rs_bytes *certs,
                                       size_t count, struct rs_err *err);

/* The certificates of a certs-only message, borrowed from der; at most cap. */
RS_MUST_USE rs_code est_certs_only_read(struct rs_bytes der, struct rs_bytes *certs, size_t cap,
                                        size_t *ret_count, struct rs_err *err);

#endif /* MSG_EST_H */
