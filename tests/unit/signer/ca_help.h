/*
 * ca_help.h: a whole signer in a directory of its own, run by a thread of the
 * test and driven over its socketpair, with a CA, profiles and one officer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_HELP_H
#define TESTS_CA_HELP_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "keys/signer_client.h"
#include "signer/signer.h"

#define CA_TENANT  "acme"
#define CA_ROOT    "acme-root"
#define CA_ISSUER  "acme-devices"
#define CA_DOC_MAX 14

struct ca {
    char dir[64], signer_dir[80], witness_dir[80];
    struct rs_secret passphrase;
    struct signer_config config;
    uint8_t claim_key[32];
    /* The signer's side. */
    pthread_t thread;
    int fd, running;
    rs_code rc; /* what signer_run() gave */
    struct rs_err why;
    /* The front's side. */
    struct signer_client *client;
    struct proto_ready ready;
    struct crypto_key *officer, *device;
    struct rs_buf documents[CA_DOC_MAX];
    const char *kinds[CA_DOC_MAX];
    size_t document_count;
    int64_t now; /* when it was made: issuers begin here */
    uint64_t next_request;
    uint8_t request_id[32];
};

/* A directory, a running signer with CA and profiles, and the officer "m.keller". */
void ca_make(struct ca *ca);
/* The same in production: two approvals for everything; no officer yet. */
void ca_make_production(struct ca *ca);
/* Ends the signer, whose result it demands to be RS_OK, and removes everything. */
void ca_drop(struct ca *ca);
/* The same, whatever the signer's end was. */
void ca_abandon(struct ca *ca);

/* A directory and documents, and nothing running: for tests of the start. */
void ca_prepare(struct ca *ca);
rs_code ca_start(struct ca *ca, struct rs_err *err);
/* End the signer in order; gives what signer_run() gave. */
rs_code ca_stop(struct ca *ca);
/* Only the signer's thread: the test speaks at *ret_fd itself. */
void ca_start_raw(struct ca *ca, int *ret_fd);
rs_code ca_join(struct ca *ca);
rs_code ca_bootstrap(struct ca *ca, int production, struct rs_err *err);
rs_code ca_claim_officer(struct ca *ca, const char *name, const struct crypto_key *key,
                         struct rs_err *err);

/* Send one request and wait; payload is appended to out (may be NULL). */
rs_code ca_call(struct ca *ca, const struct proto_item *item, uint64_t *ret_leaf,
                struct rs_buf *out, struct rs_err *err);

/* SHA-256 of the first document of this profile's name. */
void ca_profile_hash(const struct ca *ca, const char *profile, uint8_t hash[32]);

/* ---- Documents --------------------------------------------------------------------- */

/* The officer's key over these bytes; sig has room for CRYPTO_SIGNATURE_MAX. */
void ca_approve(const struct crypto_key *officer, const char *kind, struct rs_bytes name,
                struct rs_bytes document, struct doc_approval *ret, uint8_t *sig);
/* Hand in a document that the officer approved. */
rs_code ca_document(struct ca *ca, const char *kind, const char *name, struct rs_bytes document,
                    struct rs_err *err);
/* Fill in an open order of idevids; doc borrows from hash[32] and the arguments. */
void ca_order_doc(const struct ca *ca, struct doc_order *doc, const char *name, uint64_t quantity,
                  const char *station, uint64_t share, uint8_t hash[32]);
rs_code ca_put_order(struct ca *ca, const struct doc_order *doc, struct rs_err *err);
/* Both in one: an order of one station with all of it. */
void ca_order(struct ca *ca, const char *name, uint64_t quantity);
/* The same, approved, as a message for somebody else to send; out owns the bytes. */
struct ca_approved {
    struct rs_buf document;
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    struct proto_document message;
};
void ca_approved_order(struct ca *ca, const struct doc_order *doc, struct ca_approved *ret);

/* ---- Issuing ------------------------------------------------------------------------- */

/* A claim for the device key under a profile; hash[32] is filled. */
void ca_claim(struct ca *ca, struct proto_issue *m, const char *profile, uint8_t hash[32]);
/* A board of an order, at station sz-1. */
void ca_claim_board(struct ca *ca, struct proto_issue *m, const char *order, const char *serial,
                    uint8_t hash[32]);
rs_code ca_issue(struct ca *ca, const struct proto_issue *m, struct rs_buf *ret_der,
                 struct rs_err *err);
rs_code ca_revoke(struct ca *ca, struct rs_bytes serial, uint8_t reason, struct rs_err *err);
rs_code ca_crl(struct ca *ca, struct rs_buf *ret_der, struct rs_err *err);

/* ---- Faults ------------------------------------------------------------------------------ */

/* Rules for this process from now on ("sync@2=EIO"), counted anew; "" for none. */
void ca_inject(const char *rules);

#endif /* TESTS_CA_HELP_H */
