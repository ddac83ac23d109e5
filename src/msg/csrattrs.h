/*
 * csrattrs.h: what a server wants to find in a request (RFC 7030 4.5, RFC 8951 3.5,
 * RFC 9908), for server and client.
 *
 * One struct says it; two forms are written from it, side by side:
 *
 *   - the template of RFC 9908 3.4 (id-aa-certificationRequestInfoTemplate): subject,
 *     kind of key, extensions, each with its value or left for the client to fill in;
 *   - for clients from before it: the kind of key as an attribute, extensions with
 *     their values (extensionRequest, RFC 9908 3.2), a signature algorithm, and
 *     challengePassword as plain identifiers.
 *
 * Reading takes the template where there is one, and the older form where not.
 * What is not known is passed over (RFC 8951 3.5); what is known must have the
 * form that the standard gives it.
 *
 * Everything is borrowed: from the caller when writing, from the bytes when reading.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MSG_CSRATTRS_H
#define MSG_CSRATTRS_H

#include "base/bytes.h"

#define CSRATTRS_RDN_MAX       16
#define CSRATTRS_EXTENSION_MAX 16
#define CSRATTRS_BYTES_MAX     16384

/* One attribute of the subject, in a RelativeDistinguishedName of its own. */
struct csrattrs_rdn {
    struct rs_bytes oid;   /* content octets */
    unsigned tag;          /* string type of the value; 0: the client fills it in */
    struct rs_bytes value; /* content octets */
};

struct csrattrs_extension {
    struct rs_bytes oid;
    int critical;
    int has_value; /* 0: the client fills it in */
    struct rs_bytes value;
};

/* Zero: nothing is wanted. */
struct csrattrs {
    struct csrattrs_rdn rdns[CSRATTRS_RDN_MAX]; /* in the order of the encoding */
    size_t rdn_count;                           /* 0: any subject */
    struct rs_bytes key;                        /* OID of the kind of key; empty: any */
    struct rs_bytes curve;                      /* its named curve; empty: none, or any */
    unsigned rsa_bits;                          /* 0: any */
    struct rs_bytes sig;                        /* OID of a signature algorithm; empty: any */
    struct csrattrs_extension extensions[CSRATTRS_EXTENSION_MAX];
    size_t extension_count;
    int challenge; /* challengePassword links request and connection (RFC 7030 3.5) */
};

/* CsrAttrs, DER.  RS_E_NO_MEMORY: out or CSRATTRS_BYTES_MAX is too small. */
RS_MUST_USE rs_code csrattrs_put(struct rs_buf *out, const struct csrattrs *attrs,
                                 struct rs_err *err);

/* RS_E_REQUEST_FORMAT names the rule. */
RS_MUST_USE rs_code csrattrs_read(struct rs_bytes der, struct csrattrs *ret_attrs,
                                  struct rs_err *err);

#endif /* MSG_CSRATTRS_H */
