/*
 * cert.h: certificates (RFC 5280), read in place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_CERT_H
#define X509_CERT_H

#include "base/arena.h"
#include "crypto/pub.h"
#include "x509/csr.h"

#define CERT_BYTES_MAX 16384

struct cert {
    struct rs_bytes whole;
    struct rs_bytes tbs;
    struct rs_bytes serial;        /* unsigned, no sign byte */
    struct rs_bytes issuer;        /* Name */
    struct rs_bytes subject;       /* Name */
    int64_t not_before, not_after; /* seconds; INT64_MAX: 99991231235959Z */
    struct rs_bytes spki;
    enum crypto_sig sig_alg;
    struct rs_bytes signature;
    /* Extensions; empty when absent. */
    struct rs_bytes ski, aki;
    int has_basic_constraints, is_ca;
    int64_t path_length; /* -1: none */
    uint32_t key_usage;  /* bit n = named bit n; 0 when absent */
    struct rs_bytes eku; /* SEQUENCE OF OID, content */
    struct rs_bytes san; /* GeneralNames, whole */
    int unknown_critical;
    int name_constraints; /* there are some; they are not read here */
};

/* Strict DER of a v3 certificate; RS_E_REQUEST_FORMAT otherwise. */
RS_MUST_USE rs_code cert_read(struct rs_bytes der, struct cert *ret_cert, struct rs_err *err);

void cert_fingerprint(struct rs_bytes der, uint8_t out[32]); /* SHA-256 */
/* 1 when the extended key usage names this purpose; 0 also when there is none. */
int cert_has_eku(const struct cert *cert, struct rs_bytes oid);

/* PEM, RFC 7468: lines of 64. */
void cert_put_pem(struct rs_buf *out, const char *label, struct rs_bytes der);
/*
 * The next block of this label in text, decoded into der (reset first); text
 * moves past it.  RS_E_REQUEST_UNKNOWN when there is none left.
 */
RS_MUST_USE rs_code cert_next_pem(struct rs_bytes *text, const char *label, struct rs_buf *der,
                                  struct rs_err *err);

#endif /* X509_CERT_H */
