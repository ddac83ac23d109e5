/*
 * csr.h: certification requests (PKCS#10, RFC 2986), read in place.
 *
 * Only what policy needs is picked out; everything else is kept as bytes or
 * noticed so that policy can refuse it.  Nothing of a request ever reaches a
 * certificate unless a profile says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_CSR_H
#define X509_CSR_H

#include "crypto/pub.h"
#include "x509/der.h"

#define CSR_SAN_MAX      32
#define CSR_EVIDENCE_MAX 4096
#define CSR_BYTES_MAX    32768

enum san_kind {
    SAN_EMAIL = 1,
    SAN_DNS = 2,
    SAN_DIRECTORY = 4,
    SAN_URI = 6,
    SAN_IP = 7,
    SAN_HARDWARE = 32,  /* otherName hardwareModuleName (RFC 4108): value is hwSerialNum */
    SAN_PERMANENT = 33, /* otherName permanentIdentifier (RFC 4043) */
};

struct san {
    enum san_kind kind;
    struct rs_bytes value; /* text, 4 or 16 address bytes, or the otherName's bytes */
    struct rs_bytes type;  /* SAN_HARDWARE: hwType OID content */
};

struct csr {
    struct rs_bytes whole;
    struct rs_bytes tbs;     /* what the signature covers, as received */
    struct rs_bytes subject; /* Name */
    struct rs_bytes spki;
    enum crypto_sig sig_alg;
    struct rs_bytes signature;
    struct crypto_pub pub; /* of spki, checked */
    struct san sans[CSR_SAN_MAX];
    size_t san_count;
    struct rs_bytes challenge;     /* challengePassword; empty: none */
    struct rs_bytes evidence;      /* of a TPM (attest/tpm.h); empty: none */
    struct rs_bytes part_evidence; /* of another part (docs/protocols/part.md); empty: none */
    struct rs_bytes linking;       /* estIdentityLinking (RFC 7894 3.3); empty: none */
    int asks_ca;                   /* basicConstraints cA TRUE, or keyCertSign, or a CMC right */
    int unknown_critical;          /* a critical extension that we do not know */
};

/*
 * Read a request.  RS_E_CSR_FORMAT: not strict DER, or more than one
 * extensionRequest; RS_E_KEY_WEAK: see crypto_pub_read().  The proof is not
 * checked here.
 */
RS_MUST_USE rs_code csr_read(struct rs_bytes der, struct csr *ret_csr, struct rs_err *err);

/* RFC 2986 4.2: the signature made with the key inside.  RS_E_KEY_PROOF. */
RS_MUST_USE rs_code csr_check_proof(const struct csr *csr, struct rs_err *err);

/* GeneralNames into list; 0 when malformed, of an unknown kind, or too many. */
int san_read(struct rs_bytes general_names, struct san *list, size_t cap, size_t *ret_count);

#endif /* X509_CSR_H */
