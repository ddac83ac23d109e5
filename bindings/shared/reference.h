/*
 * reference.h: files that name a key in a root of trust.
 *
 * A program that can only load key files gets one of these.  It holds no secret:
 * where the key is, and its public half, so that a certificate can be matched
 * without asking the part.
 *
 *     -----BEGIN ROT KEY REFERENCE-----
 *     base64 of
 *         SEQUENCE {
 *             version    INTEGER 1,
 *             uri        UTF8String,            a rot: URI with an object, no type
 *             publicKey  SubjectPublicKeyInfo } P-256 or P-384, as RFC 5480
 *     -----END ROT KEY REFERENCE-----
 *
 * DER; one form only, nothing behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BINDINGS_SHARED_REFERENCE_H
#define BINDINGS_SHARED_REFERENCE_H

#include "uri.h"

#define ROT_REFERENCE_LABEL "ROT KEY REFERENCE"
#define ROT_REFERENCE_MAX   (ROT_URI_MAX + ROT_PUBLIC_KEY_MAX + 16)

struct rot_reference {
    char uri[ROT_URI_MAX];
    struct rot_uri parsed; /* the same, in parts */
    struct rot_bytes spki; /* inside the bytes that were read */
};

/* Bytes to a reference.  ROT_E_FORMAT for anything but the form above. */
ROT_MUST_USE rot_err rot_reference_read(const uint8_t *der, size_t len, struct rot_reference *ret);

/* The bytes for a URI and a public key; both are checked as by reading. */
ROT_MUST_USE rot_err rot_reference_write(const char *uri, struct rot_bytes spki, uint8_t *der,
                                         size_t cap, size_t *ret_len);

#endif /* BINDINGS_SHARED_REFERENCE_H */
