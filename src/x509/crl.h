/*
 * crl.h: certificate revocation lists (RFC 5280 5), written and read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_CRL_H
#define X509_CRL_H

#include "crypto/pub.h"
#include "x509/der.h"

/* CRLReason (RFC 5280 5.3.1).  0 is never encoded; 7 does not exist. */
enum crl_reason {
    CRL_UNSPECIFIED = 0,
    CRL_KEY_COMPROMISE = 1,
    CRL_CA_COMPROMISE = 2,
    CRL_AFFILIATION_CHANGED = 3,
    CRL_SUPERSEDED = 4,
    CRL_CESSATION = 5,
    CRL_HOLD = 6,
    CRL_REMOVE = 8,
    CRL_PRIVILEGE_WITHDRAWN = 9,
    CRL_AA_COMPROMISE = 10,
};

struct crl_entry {
    struct rs_bytes serial; /* unsigned */
    int64_t revoked_at;
    uint8_t reason;
};

struct crl_spec {
    enum crypto_sig sig_alg;
    struct rs_bytes issuer_name;
    struct rs_bytes issuer_key_id;
    int64_t this_update, next_update;
    uint64_t number;
    size_t entry_count;
    /* Entry i, 0 to entry_count - 1, in any order. */
    void (*entry)(void *arg, size_t i, struct crl_entry *ret_entry);
    void *arg;
};

/* The TBSCertList into buf (at its end).  RS_E_NO_MEMORY when it does not fit. */
RS_MUST_USE rs_code crl_build(const struct crl_spec *spec, uint8_t *buf, size_t cap,
                              struct rs_bytes *ret_tbs, struct rs_err *err);
/* A capacity that is always enough. */
size_t crl_capacity(const struct crl_spec *spec);

struct crl {
    struct rs_bytes tbs;
    struct rs_bytes issuer;
    int64_t this_update, next_update;
    uint64_t number;
    struct rs_bytes entries; /* content of revokedCertificates */
    enum crypto_sig sig_alg;
    struct rs_bytes signature;
};

RS_MUST_USE rs_code crl_read(struct rs_bytes der, struct crl *ret_crl, struct rs_err *err);
/* Step through crl->entries (a copy of the slice); 0 at the end. */
int crl_next(struct rs_bytes *entries, struct crl_entry *ret_entry);

#endif /* X509_CRL_H */
