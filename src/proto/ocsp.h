/*
 * ocsp.h: the OCSP responder (RFC 6960, 5019), with delegated keys.
 *
 * A request for one certificate without a nonce gets an answer that was signed
 * before, if there is one (ocsp_ready.h); all others are signed for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROTO_OCSP_H
#define PROTO_OCSP_H

#include "pki/pki.h"

struct ocsp_responder;
struct ready;

/* A key and certificate per issuer are made at start, through the signer. */
RS_MUST_USE rs_code ocsp_responder_new(struct pki *pki, struct ocsp_responder **ret_responder,
                                       struct rs_err *err);
void ocsp_responder_free(struct ocsp_responder *responder);
/* New keys and certificates before the old ones end; called now and then, by one thread. */
RS_MUST_USE rs_code ocsp_responder_tidy(struct ocsp_responder *responder, struct rs_err *err);

/* An answer; zeroed first, done with ocsp_reply_done(). */
struct ocsp_reply {
    struct rs_bytes der; /* always there: an error status if need be */
    struct ready *ready; /* counted; NULL: it is for this request alone */
    struct rs_buf own;   /* of what is not ready */
};

/* Answer a DER request.  Any thread. */
void ocsp_answer(struct ocsp_responder *responder, struct rs_bytes request,
                 struct ocsp_reply *ret_reply);
/* As with an unreadable request. */
void ocsp_answer_malformed(struct ocsp_reply *ret_reply);
void ocsp_reply_done(struct ocsp_reply *reply);
RS_AUTO_DEFINE(struct ocsp_reply, ocsp_reply_done);

/* What HTTP may say of a ready answer (RFC 5019 5.2); 0: it is none, and not to be cached. */
struct ocsp_caching {
    const char *etag, *modified, *expires; /* texts of the headers */
    int64_t max_age;
};
int ocsp_reply_caching(const struct ocsp_reply *reply, struct ocsp_caching *ret_caching);

#endif /* PROTO_OCSP_H */
