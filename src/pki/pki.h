/*
 * pki.h: the one way to a certificate, and to its status.
 *
 * EST, REST, the station and the CLI are wordings; what may be issued to whom
 * is decided here.  A caller says who asks and how that was authenticated; the
 * rest (product, profile, names, counts) comes from approved documents.
 *
 * Threads: pki_issue() and the other submitting calls may be used from any
 * thread; answers come on the writer's thread, after the transaction that
 * recorded them.  Reading calls use a reader handle of the calling thread.
 *
 * Order on the path (docs/design/issuing.md): checks and proof of possession,
 * reservation in memory, signer (ledger, signature), store, answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include "attest/tpm.h"
#include "attest/vendor.h"
#include "base/arena.h"
#include "keys/doc.h"
#include "keys/signer_client.h"
#include "store/store.h"
#include "x509/cert.h"

#define PKI_WHO_MAX 96

struct pki;

/* Who asks, as authentication found out.  0 is nobody: default deny (L10). */
enum pki_role {
    PKI_NOBODY = 0,
    PKI_STATION = 1, /* a Local RA: may ask for boards of the orders that name it */
    PKI_DEVICE = 2,  /* may ask for itself */
    PKI_PERSON = 3,  /* administration */
    PKI_SERVER = 4,  /* this process: TLS and OCSP certificates */
    /* A TPM whose maker stands for it (pki_authenticate_endorsed): may ask for its first identity. */
    PKI_ENDORSED = 5,
};

struct pki_caller {
    enum pki_role role;
    char name[STORE_NAME_MAX];    /* "sz-1", device serial, person */
    char who[PKI_WHO_MAX];        /* "station:sz-1" */
    char profile[STORE_NAME_MAX]; /* of the certificate that authenticated */
    char issuer[STORE_NAME_MAX];
    uint8_t serial[STORE_SERIAL_MAX];
    size_t serial_len;
    uint8_t key_hash[32];
    struct rs_bytes subject; /* Name, borrowed from the certificate shown */
    uint8_t chip[32];        /* PKI_ENDORSED: digest of the EK */
    uint8_t nonce[32];       /* PKI_ENDORSED: of the challenge that was answered */
};

struct pki_config {
    const char *store_url;
    const char *tenant;
    struct signer_client *signer;
    uint32_t signer_id;
    const struct makers *tpm_roots; /* TPM makers; NULL: no TPM is believed */
    const struct makers *vendors;   /* makers of secure elements; NULL: none is believed */
};

/*
 * Open the writer's store handle, take over from the ledger what the store does
 * not have yet, and start the writer.
 */
RS_MUST_USE rs_code pki_open(const struct pki_config *config, struct pki **ret_pki,
                             struct rs_err *err);
void pki_close(struct pki *pki);

/* The calling thread's reader. */
RS_MUST_USE rs_code pki_reader(struct pki *pki, struct store **ret_store, struct rs_err *err);
const char *pki_tenant(const struct pki *pki);
struct signer_client *pki_signer(const struct pki *pki);

/* ---- Authentication ---------------------------------------------------------------- */

/*
 * Map a client certificate (already chained by TLS) to a record, by issuer and
 * serial, never by its text.  expired: TLS said so.  RS_E_AUTH_UNKNOWN,
 * RS_E_AUTH_EXPIRED, RS_E_AUTH_REVOKED, RS_E_DEVICE_BLOCKED.
 */
RS_MUST_USE rs_code pki_authenticate(struct pki *pki, struct rs_bytes cert_der, int expired,
                                     struct pki_caller *ret_caller, struct rs_err *err);

/*
 * Another number after anything was revoked, blocked or superseded, before that is
 * acknowledged: what was read from the store under this number still holds under it.
 * It does not change with what is issued: what was not there may be there since.
 */
uint64_t pki_generation(struct pki *pki);

/* ---- Endorsement (docs/design/attest.md) --------------------------------------------- */

#define PKI_CHALLENGE_ID 16
#define PKI_CHALLENGE_S  600
#define PKI_FIELD        "field" /* the station of a share that devices may draw on by themselves */

/* Who wants to be challenged, for what. */
struct pki_challenge_ask {
    const struct pki_caller *caller; /* a station, for a board; NULL: the device itself */
    const char *source;              /* without a caller: where it comes from, for the limit */
    const char *label;       /* the order of a station; the product (or order) of a device */
    struct rs_bytes ek_cert; /* DER */
    struct rs_bytes iak;     /* TPM2B_PUBLIC */
};

struct pki_challenge {
    uint8_t id[PKI_CHALLENGE_ID];
    uint8_t nonce[TPM_NONCE_SIZE]; /* for TPM2_Certify */
    uint8_t credential[TPM_CREDENTIAL_MAX];
    size_t credential_len;
    int64_t until;
};

/*
 * Believe an endorsement, and make a credential that only this TPM can open.  It is
 * open for ten minutes, in memory: a restart voids it.
 *
 * RS_E_CHIP_NOT_GENUINE, RS_E_ATTEST_INVALID: see attest/tpm.h; also when no maker is
 * configured.  RS_E_ORDER_STATION, RS_E_ORDER_CLOSED, RS_E_REQUEST_UNKNOWN: no order
 * grants it.  RS_E_REQUEST_LIMIT: too many are open, in all or of this source.
 */
RS_MUST_USE rs_code pki_challenge(struct pki *pki, const struct pki_challenge_ask *ask,
                                  struct pki_challenge *ret_challenge, struct rs_err *err);

/*
 * What the TPM of a station's board gave back.  RS_E_ATTEST_CHALLENGE: no such challenge
 * of this station is open; RS_E_CHIP_NOT_GENUINE: wrong, and the challenge is gone.
 */
RS_MUST_USE rs_code pki_answer(struct pki *pki, const struct pki_caller *caller, struct rs_bytes id,
                               struct rs_bytes secret, struct rs_err *err);

/* The same for a device that asked by itself: it is the caller of one enrolment then. */
RS_MUST_USE rs_code pki_authenticate_endorsed(struct pki *pki, struct rs_bytes id,
                                              struct rs_bytes secret, struct pki_caller *ret_caller,
                                              struct rs_err *err);

/* ---- Secure elements (docs/protocols/part.md) ------------------------------------------- */

/* Who has which part at hand, and for what. */
struct pki_part_ask {
    const struct pki_caller *caller; /* a station */
    const char *order;
    struct rs_bytes uid; /* of the part, as its driver has it */
};

struct pki_part_challenge {
    uint8_t id[PKI_CHALLENGE_ID];
    uint8_t nonce[VENDOR_NONCE_SIZE];
    int64_t until;
};

/* What an order demands its parts to prove here and now. */
enum vendor_level pki_part_demand(const struct pki *pki, const struct doc_order *order);

/*
 * A nonce for one part of an order: what it says over it is believed for ten minutes.
 * RS_E_ORDER_STATION, RS_E_ORDER_CLOSED, RS_E_REQUEST_UNKNOWN, RS_E_REQUEST_LIMIT.
 */
RS_MUST_USE rs_code pki_part_challenge(struct pki *pki, const struct pki_part_ask *ask,
                                       struct pki_part_challenge *ret_challenge,
                                       struct rs_err *err);

/*
 * What the part said, before anything is written to it.  RS_E_ATTEST_CHALLENGE: no such
 * challenge of this station is open; RS_E_ATTEST_INVALID, RS_E_CHIP_NOT_GENUINE: see
 * attest/vendor.h; the challenge is gone then.
 */
RS_MUST_USE rs_code pki_part_answer(struct pki *pki, const struct pki_caller *caller,
                                    struct rs_bytes id, unsigned format, struct rs_bytes evidence,
                                    struct rs_err *err);

/* ---- Issuing ------------------------------------------------------------------------ */

struct pki_issue_request {
    struct pki_caller caller;
    const char *protocol; /* "est", "rest": part of the request's identity */
    const char *label;   /* what is asked for: an order (stations), a product or profile (others) */
    struct rs_bytes csr; /* DER */
    int renew;           /* EST simplereenroll: same subject, same profile as the caller's */
    const char *device;  /* PERSON only: the device it is for; NULL: none */
    const char *fixture;
    /*
     * RFC 7030 3.5: 1 when this text of the request names the connection that it came
     * over.  NULL: nobody can tell, and what a request says about it is passed over.
     */
    int (*is_linked)(void *arg, struct rs_bytes text);
    void *link;
    int must_link; /* a request that says nothing is refused */
};

/* cert is borrowed; its der is there.  err when rc is not RS_OK. */
typedef void (*pki_issued_fn)(void *arg, rs_code rc, const struct store_cert *cert,
                              const struct rs_err *err);

/* What an enrolment under a label of EST is about. */
struct pki_label {
    char product[STORE_NAME_MAX]; /* "" unless the label names a product */
    char order[STORE_NAME_MAX];   /* "" unless it names an order */
    char profile[STORE_NAME_MAX];
    char issuer[STORE_NAME_MAX];
    char first_issuer[STORE_NAME_MAX]; /* of a product: who signs its IDevIDs */
    struct doc_profile doc;            /* borrowed from the arena */
    uint8_t profile_hash[32];
};

/*
 * A profile, else a product, else an order of that name; "" is what devices may
 * ask for without a label.  A product means the LDevID profile that it names
 * ("ldevid", or the profile of that name) from the issuer that it names
 * ("ldevid_issuer", else "issuer").  RS_E_PROFILE_UNKNOWN: nothing has this name;
 * RS_E_ISSUER_UNKNOWN: no CA, or not the product's, may sign the profile.
 */
RS_MUST_USE rs_code pki_find_label(struct pki *pki, const char *name, struct rs_arena *arena,
                                   struct pki_label *ret_label, struct rs_err *err);

/* The callback runs exactly once: at once (refused, or known from before) or later. */
void pki_issue(struct pki *pki, const struct pki_issue_request *request, pki_issued_fn done,
               void *arg);

/*
 * What pki_issue() would refuse now, without asking the signer; waits for the
 * store.  *ret_certified: its key has a certificate already.
 */
RS_MUST_USE rs_code pki_check_issue(struct pki *pki, const struct pki_issue_request *request,
                                    int *ret_certified, struct rs_err *err);

/*
 * A certificate for this process itself, for a key made here; waits.  names are
 * DNS names or IPv4 addresses for TLS, ignored for OCSP.
 */
RS_MUST_USE rs_code pki_issue_own(struct pki *pki, const char *profile, const char *issuer,
                                  const char *name, const char *const *names, size_t name_count,
                                  struct rs_bytes spki, struct rs_buf *ret_der, struct rs_err *err);

/* ---- Findings ------------------------------------------------------------------------- */

/*
 * A key or a chip that turned up at a second device (L8) is an object of kind "finding"
 * in the store, with both occurrences; this is its name, by the device that had it first.
 */
void pki_finding_name(const char *device, char name[STORE_NAME_MAX]);

/* ---- Revocation and status ----------------------------------------------------------- */

/* Revoke one certificate; waits until ledger and store have it. */
RS_MUST_USE rs_code pki_revoke(struct pki *pki, const char *who, const char *issuer,
                               struct rs_bytes serial, uint8_t reason, const char *text,
                               struct rs_err *err);
/* All certificates of a device, and the device itself. */
RS_MUST_USE rs_code pki_revoke_device(struct pki *pki, const char *who, const char *device,
                                      uint8_t reason, const char *text, size_t *ret_count,
                                      struct rs_err *err);

/* Make and keep the next CRL of an issuer; waits.  *ret_number is its number. */
RS_MUST_USE rs_code pki_publish_crl(struct pki *pki, const char *issuer, uint64_t *ret_number,
                                    struct rs_err *err);
/* The newest CRL, DER, into out. */
RS_MUST_USE rs_code pki_find_crl(struct pki *pki, const char *issuer, struct rs_buf *out,
                                 struct rs_err *err);

/* An issuer as the front knows it. */
struct pki_issuer {
    const char *name;
    struct rs_bytes der; /* its certificate */
    struct cert cert;
    struct doc_issuer doc;
    uint8_t name_sha1[20], key_sha1[20], name_sha256[32], key_sha256[32];
};
/* Issuers live as long as pki; NULL when there is none of that name. */
const struct pki_issuer *pki_find_issuer(struct pki *pki, const char *name);
size_t pki_issuers(struct pki *pki, const struct pki_issuer **list, size_t cap);
/* The certificates between the keys of rolled-over roots (RFC 4210 4.4), DER; as long as pki. */
size_t pki_crosses(struct pki *pki, struct rs_bytes *list, size_t cap);
/* The chain above and including an issuer, DER, nearest first. */
size_t pki_chain(struct pki *pki, const char *issuer, struct rs_bytes *list, size_t cap);

/* ---- Documents ------------------------------------------------------------------------ */

/* Hand an approved document to the signer, then take it over into the store; waits. */
RS_MUST_USE rs_code pki_put_document(struct pki *pki, const struct proto_document *document,
                                     struct rs_err *err);
/*
 * The claim of a first officer; the proof goes to the signer as it came.
 * ret_proof gets the signer's own: that the root belongs to who printed the code.
 */
RS_MUST_USE rs_code pki_claim(struct pki *pki, const char *name, struct rs_bytes spki,
                              struct rs_bytes proof, struct rs_buf *ret_proof, struct rs_err *err);
/* Take over leaves that the store does not have; called after anything that wrote some. */
RS_MUST_USE rs_code pki_catch_up(struct pki *pki, struct rs_err *err);
/* 1 when leaves may be missing from the store; nothing is issued before pki_catch_up(). */
int pki_is_behind(struct pki *pki);

/* Run fn(store, arg) on the writer's thread and wait: for small writes of the server. */
RS_MUST_USE rs_code pki_write(struct pki *pki,
                              rs_code (*fn)(struct store *store, void *arg, struct rs_err *err),
                              void *arg, struct rs_err *err);

/* A refusal that the front decided: reaches the ledger in aggregate. */
void pki_note_refusal(struct pki *pki, const char *who, const struct rs_err *why);

#endif /* PKI_PKI_H */
