/*
 * anchor.h: what a trust object of a chip means.
 *
 * A chip keeps a trust anchor in the largest form that it has room for:
 *   - the certificate itself;
 *   - its SubjectPublicKeyInfo, where the part verifies with keys;
 *   - SHA-256 of the certificate as a DER OCTET STRING.
 * For the last two the certificate lies somewhere else, where anybody may change
 * it: it counts only if the chip's form names it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_ANCHOR_H
#define CLIENT_ANCHOR_H

#include "base/bytes.h"

#define ANCHOR_DIGEST_SIZE 34 /* bytes of a digest as an object */

/* 1 when the object is, or names, this certificate (DER). */
int anchor_names(struct rs_bytes object, struct rs_bytes cert);
/* 1 when the object holds a whole certificate: nothing else is needed to use it. */
int anchor_is_cert(struct rs_bytes object);
/* 1 when the object has one of these forms: what a torn write left has none, and names nobody. */
int anchor_is_whole(struct rs_bytes object);
/* Append the digest of a certificate in the form above. */
void anchor_put_digest(struct rs_buf *out, struct rs_bytes cert);

#endif /* CLIENT_ANCHOR_H */
