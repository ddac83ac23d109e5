/*
 * est.h: enrolment by EST (RFC 7030), the asking side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_EST_H
#define CLIENT_EST_H

#include "base/arena.h"
#include "client/web.h"
#include "msg/csrattrs.h"

#define CLIENT_EST_CERTS_MAX 32

/*
 * Ask for a certificate over a request (DER); label may be "".  The certificate
 * is appended to ret_cert.  *ret_wait_s: how long the server wants us to wait
 * when it says "later" (RS_KIND_BUSY; RS_E_REQUEST_WAITING: it was accepted and
 * is not decided, RFC 7030 4.2.3: the same request is asked again), else 0.
 *
 * RS_E_REQUEST_FORMAT: the answer is not exactly one certificate; what
 * web_call() and web_check() say.
 */
RS_MUST_USE rs_code client_est_enroll(struct web *web, const char *label, struct rs_bytes csr,
                                      struct rs_buf *ret_cert, int64_t *ret_wait_s,
                                      struct rs_err *err);
/* The same as a renewal of the certificate of this connection (RFC 7030 4.2.2). */
RS_MUST_USE rs_code client_est_reenroll(struct web *web, const char *label, struct rs_bytes csr,
                                        struct rs_buf *ret_cert, int64_t *ret_wait_s,
                                        struct rs_err *err);

/* What the two above have in common, and what only some devices need. */
struct client_est_ask {
    const char *label;
    struct rs_bytes csr;
    int renew;
    const char
        *authorization; /* a whole header line, for HTTP Basic (RFC 7030 3.2.3); NULL: none */
};
RS_MUST_USE rs_code client_est_ask(struct web *web, const struct client_est_ask *ask,
                                   struct rs_buf *ret_cert, int64_t *ret_wait_s,
                                   struct rs_err *err);

/*
 * What a request under this label should have (RFC 7030 4.5), borrowed from the
 * arena; all zero when the server wants nothing (204 or 404).
 */
RS_MUST_USE rs_code client_est_csrattrs(struct web *web, const char *label, struct rs_arena *arena,
                                        struct csrattrs *ret_attrs, struct rs_err *err);

/* The CA certificates (RFC 7030 4.1) into the arena, at most CLIENT_EST_CERTS_MAX. */
RS_MUST_USE rs_code client_est_cacerts(struct web *web, const char *label, struct rs_arena *arena,
                                       struct rs_bytes certs[CLIENT_EST_CERTS_MAX],
                                       size_t *ret_count, struct rs_err *err);

#endif /* CLIENT_EST_H */
