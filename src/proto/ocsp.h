/*
 * ocsp.h: the OCSP responder (RFC 6960), signing on request with delegated keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROTO_OCSP_H
#define PROTO_OCSP_H

#include "pki/pki.h"

struct ocsp_responder;

/* A key and certificate per issuer are made at start, through the signer. */
RS_MUST_USE rs_code ocsp_responder_new(struct pki *pki, struct ocsp_responder **ret_responder,
                                       struct rs_err *err);
void ocsp_responder_free(struct ocsp_responder *responder);

/* Answer a DER request; out always gets a DER response (an error status if need be). */
void ocsp_answer(struct ocsp_responder *responder, struct rs_bytes request, struct rs_buf *out);
/* As with an unreadable request. */
void ocsp_answer_malformed(struct rs_buf *out);

#endif /* PROTO_OCSP_H */
