/*
 * pki_help.h: a whole PKI: signer (ca_help.h), store, and requests to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_PKI_HELP_H
#define TESTS_PKI_HELP_H

#include "ca_help.h"

#include "pki/pki.h"
#include "x509/cert.h"

struct pk {
    struct ca ca;
    struct pki *pki;
    const struct makers *tpm_roots; /* NULL: no maker is believed */
    const struct makers *vendors;   /* the same, of other parts */
    char store[96], url[112];
};

/* A CA with an officer and the order "o-1" (station sz-1), taken over into a new store. */
void pk_make(struct pk *k);
void pk_drop(struct pk *k);
/* Open and close the store's side alone; the signer goes on. */
rs_code pk_open(struct pk *k, struct rs_err *err);
void pk_close(struct pk *k);
/* The signer died: start another, and read the ledger up to its end. */
void pk_mend(struct pk *k);

/* ---- Requests --------------------------------------------------------------------------- */

/* What a CSR asks for; NULL leaves a name out. */
struct pk_csr {
    const struct crypto_key *key;
    const char *cn, *serial, *uid, *dns, *challenge;
    struct rs_bytes subject; /* instead of cn and serial */
    struct rs_bytes evidence, part_evidence;
};
/* DER into room. */
struct rs_bytes pk_csr(const struct pk_csr *from, uint8_t *room, size_t cap);
/* A request with one extension ("critical,CA:TRUE") and a key of its own, made by OpenSSL. */
struct rs_bytes pk_csr_with(int nid, const char *value, uint8_t *room, size_t cap);
struct crypto_key *pk_key(void);

/* Who asks. */
struct pki_caller pk_caller(enum pki_role role, const char *name);

/* What came back; cert points into der. */
struct pk_got {
    rs_code rc;
    struct rs_err err;
    uint8_t der[CERT_BYTES_MAX];
    struct cert cert;
};
/* Ask and wait. */
rs_code pk_ask(struct pk *k, const struct pki_caller *caller, const char *label,
               struct rs_bytes csr, struct pk_got *ret);
/* The same with everything that a request has. */
rs_code pk_request(struct pk *k, const struct pki_issue_request *request, struct pk_got *ret);
/* A board of an order from station sz-1, with this key, serial and chip. */
rs_code pk_board(struct pk *k, const struct crypto_key *key, const char *order, const char *serial,
                 const char *uid, struct pk_got *ret);
/* A station's certificate, asked for by a person. */
rs_code pk_station(struct pk *k, const struct crypto_key *key, const char *name,
                   struct pk_got *ret);

/* How many certificates of this state a device has. */
size_t pk_count(struct pk *k, const char *device, int state);

#endif /* TESTS_PKI_HELP_H */
