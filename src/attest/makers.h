/*
 * makers.h: whose chips are believed: certificates of chip makers, from the configuration.
 *
 * Those that signed themselves are trusted, the others link to them.  Paths are found by
 * name and key identifier, and every certificate on one is checked: signature, time, CA
 * rights, path length, unknown critical extensions (RFC 5280 6.1).  Revocation lists of
 * makers are not fetched (docs/design/attest.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEST_MAKERS_H
#define ATTEST_MAKERS_H

#include "x509/cert.h"

struct makers;

RS_MUST_USE rs_code makers_new(struct makers **ret_makers, struct rs_err *err);
void makers_free(struct makers *makers); /* NULL is fine */
/*
 * Add the certificates of a file, PEM or one in DER; name is for messages.
 * RS_E_CONFIG_INVALID: a certificate that cannot be read, is no CA's, or stands twice,
 * or none at all.
 */
RS_MUST_USE rs_code makers_add(struct makers *makers, const char *name, struct rs_bytes file,
                               struct rs_err *err);
/* After the last: RS_E_CONFIG_INVALID when one links to no certificate that is there. */
RS_MUST_USE rs_code makers_check(const struct makers *makers, struct rs_err *err);
size_t makers_count(const struct makers *makers);
/* One of them is a simulator's own, and stands for no chip: it says so in its name. */
int makers_have_simulator(const struct makers *makers);

/* The certificate leads to one of them, and all on the way were valid at this time. */
int makers_stand_for(const struct makers *makers, const struct cert *cert, int64_t now);

/* The n-th that signed itself, or NULL past the end: for chips that carry less than a certificate. */
const struct cert *makers_root(const struct makers *makers, size_t n);

#endif /* ATTEST_MAKERS_H */
