/*
 * path.h: a client's certificate against the CAs of this installation, fast.
 *
 * The CAs are judged once, when they are known: down from a self-signed root of
 * the same set, each a CA that may sign certificates, long enough, without
 * constraints on names.  A certificate of one of these then costs one signature.
 *
 * Only the ordinary case is decided here, and only for good: whatever is out of
 * the ordinary (certificates in between that we do not have, name constraints,
 * unusual names) is left to whoever knows all of RFC 5280.  So what passes here
 * would pass there, and what does not is asked there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_PATH_H
#define X509_PATH_H

#include "x509/cert.h"

#define PATH_CAS_MAX 64

struct path_trust; /* constant once made: any thread may ask */

/* From the one second to before the other: the library, too, takes notAfter for over. */
struct path_window {
    int64_t from, until;
};

/* Copies the certificates (DER), in any order.  What is no usable CA is passed over. */
RS_MUST_USE rs_code path_trust_new(const struct rs_bytes *cas, size_t count,
                                   struct path_trust **ret_trust, struct rs_err *err);
void path_trust_free(struct path_trust *trust); /* NULL is fine */

/*
 * 1: a certificate for clients (RFC 5280 4.2.1.12), of an allowed algorithm, signed
 * by a CA of the set; *ret_window is when it and all above it are valid, which the
 * caller compares with its clock.  0: not known; ask in the long way.
 */
RS_MUST_USE int path_check_client(const struct path_trust *trust, struct rs_bytes der,
                                  struct path_window *ret_window);

#endif /* X509_PATH_H */
