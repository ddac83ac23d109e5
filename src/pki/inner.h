/*
 * inner.h: what the files of src/pki share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PKI_INNER_H
#define PKI_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "pki/pki.h"

#define PKI_ISSUERS_MAX     64
#define PKI_PENDING_BUCKETS 4096
#define PKI_BATCH_MAX       256

struct waiter {
    struct waiter *next;
    pki_issued_fn done;
    void *arg;
};

/* One issuance in flight: from the checks to the store. */
struct pending {
    struct pending *by_request, *by_key; /* next in their buckets */
    struct pending *older, *newer;       /* all in flight, in order of submission */
    uint8_t request_id[32];
    uint8_t key_hash[32];
    uint64_t leaf_floor; /* no leaf below this can be this request's */
    struct waiter *waiters;
    struct pki *pki;
    struct rs_arena arena; /* everything the store record borrows */
    struct store_issue record;
    char other[STORE_NAME_MAX]; /* not entered: the device that its key is in flight for */
    rs_code rc;
    struct rs_err err;
};

/* A call that writes a leaf and is not a request in flight: the watermark stays below it. */
struct hold {
    struct hold *next;
    uint64_t leaf_floor;
};

/* Something for the writer: an issued certificate, or a function to run. */
enum work_kind {
    WORK_ISSUED = 1,
    WORK_RUN = 2,
};

struct work {
    enum work_kind kind;
    struct pending *pending;
    rs_code (*fn)(struct store *store, void *arg, struct rs_err *err);
    void *arg;
    struct rs_err *err;
    rs_code rc;
    int finished;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

/* ---- catalog.c: documents in memory ------------------------------------------------------ */

#define CATALOG_ENTRIES      64
#define CATALOG_DOCUMENT_MAX 16384 /* longer ones are read each time: a megabyte in all */

enum catalog_kind {
    CATALOG_PROFILE = 1,
    CATALOG_ORDER = 2,
    CATALOG_PRODUCT = 3,
};

struct catalog_entry {
    uint64_t generation; /* it counts under this one only; 0: unused */
    enum catalog_kind kind;
    enum store_order_state order_state;
    char name[STORE_NAME_MAX];
    uint8_t hash[32];
    uint8_t *bytes; /* owned */
    size_t len;
};

struct catalog {
    atomic_uint_fast64_t generation;
    pthread_rwlock_t lock; /* of what follows */
    struct catalog_entry entries[CATALOG_ENTRIES];
    size_t next;
};

/* ---- callers.c: who asked lately ---------------------------------------------------------- */

#define CALLERS_ENTRIES  1024 /* a power of two; a megabyte in all */
#define CALLERS_CERT_MAX 2048 /* longer ones are looked up each time */

struct callers_entry {
    uint64_t generation; /* it counts under this one only; 0: unused */
    uint8_t *cert;       /* owned */
    size_t cert_len;
    size_t subject_at; /* where in the certificate the subject is */
    struct pki_caller caller;
};

struct callers {
    pthread_rwlock_t lock; /* of what follows */
    struct callers_entry entries[CALLERS_ENTRIES];
};

/* ---- endorse.c: open challenges -------------------------------------------------------------- */

#define CHALLENGES_MAX    1024
#define CHALLENGES_SOURCE 32 /* of them, of one source */
#define PART_ANSWER_S     30 /* a part that is still in its fixture has answered by then */

struct challenge {
    int64_t until; /* 0: unused */
    uint8_t id[PKI_CHALLENGE_ID];
    uint8_t secret_hash[32];
    uint8_t nonce[TPM_NONCE_SIZE];
    uint8_t chip[32];
    uint8_t iak[TPM_NAME_SIZE];
    uint8_t key_hash[32]; /* the one key that it served for */
    int has_key, is_answered;
    int is_part;             /* a station's to a secure element; else a TPM's */
    char owner[PKI_WHO_MAX]; /* "station:sz-1", "from:192.0.2.7" */
    char label[STORE_NAME_MAX];
};

struct challenges {
    pthread_mutex_t lock;
    struct challenge list[CHALLENGES_MAX];
};

struct pki {
    struct pki_config config;
    char tenant[STORE_NAME_MAX];
    char store_url[512];
    struct store *writer_store;
    pthread_t writer;
    struct rs_queue to_write;
    pthread_key_t reader_key;
    pthread_mutex_t lock; /* of the tables below */
    struct pending *by_request[PKI_PENDING_BUCKETS];
    struct pending *by_key[PKI_PENDING_BUCKETS];
    struct pending *oldest, *newest;
    struct hold *holds;
    uint64_t highest_leaf; /* highest index seen in an answer, plus one */
    uint64_t watermark;    /* leaves below it are in the store */
    uint64_t owed_from;    /* a leaf from here on may lack its row; UINT64_MAX: none does */
    uint64_t owed_count;   /* how often that happened */
    pthread_mutex_t catch_up_lock;
    pthread_rwlock_t issuers_lock;
    struct pki_issuer *issuers[PKI_ISSUERS_MAX];
    size_t issuer_count;
    struct rs_bytes crosses[PKI_ISSUERS_MAX]; /* owned */
    size_t cross_count;
    struct catalog catalog;
    struct callers callers;
    struct challenges challenges;
};

void challenges_init(struct challenges *c);
void challenges_done(struct challenges *c);
/* Take a place for it; RS_E_REQUEST_LIMIT. */
RS_MUST_USE rs_code challenges_enter(struct challenges *c, const struct challenge *wanted,
                                     struct rs_err *err);
/* The open one of this id and owner, copied.  RS_E_ATTEST_CHALLENGE. */
RS_MUST_USE rs_code challenges_find(struct challenges *c, const char *owner, struct rs_bytes id,
                                    struct challenge *ret_copy, struct rs_err *err);
/* It was answered, well or not: a wrong answer ends it. */
void challenges_answer(struct challenges *c, struct rs_bytes id, int is_right);
/* An answered one serves this key from here on, and no other; by_id, or else by nonce. */
RS_MUST_USE rs_code challenges_use(struct challenges *c, const struct pki_issue_request *request,
                                   struct rs_bytes by_id, struct rs_bytes by_nonce,
                                   const uint8_t key_hash[32], struct challenge *ret_copy,
                                   struct rs_err *err);
/* An order that is open and names this station; its document is in the arena. */
RS_MUST_USE rs_code challenges_order(struct pki *pki, struct store *store,
                                     const struct pki_caller *caller, const char *label,
                                     struct rs_arena *arena, struct doc_order *ret_doc,
                                     struct rs_err *err);

/* ---- proof.c: what other parts than TPMs say ----------------------------------------------- */

/*
 * What a request's evidence proves, or that nothing is demanded; uid: the part that the
 * request claims.  RS_E_ATTEST_REQUIRED, and as pki_part_answer().
 */
RS_MUST_USE rs_code proof_check(struct pki *pki, const struct pki_issue_request *request,
                                const struct csr *csr, const struct doc_order *order,
                                struct rs_bytes uid, enum vendor_level *ret_level,
                                struct rs_err *err);

#define ENDORSED_MODEL "tpm2"

/* 1 when no identity is made for a part of this model without evidence. */
int endorse_is_needed(struct rs_bytes model);
/*
 * Believe a request's evidence: the challenge is this caller's, for this label, and
 * served no other key.  RS_E_ATTEST_REQUIRED, RS_E_ATTEST_CHALLENGE, RS_E_ATTEST_INVALID.
 */
RS_MUST_USE rs_code endorse_check(struct pki *pki, const struct pki_issue_request *request,
                                  const struct csr *csr, uint8_t ret_chip[32], struct rs_err *err);
/*
 * The order that lets this chip ask for its first identity by itself under a label: the
 * one that it was made under, else one with room, else any.  Text and document: the arena's.
 */
RS_MUST_USE rs_code endorse_order(struct pki *pki, struct store *store, const char *label,
                                  const uint8_t chip[32], struct rs_arena *arena,
                                  char ret_order[STORE_NAME_MAX], struct rs_err *err);

/* ---- finding.c ---------------------------------------------------------------------------------- */

/* A second occurrence of what belongs to one device (L8). */
struct twin {
    const char *first;  /* the device that has it */
    const char *second; /* the serial that was asked for */
    const char *who, *order;
    const char *model;
    struct rs_bytes uid;
    const struct rs_err *why;
};
/* Keep both occurrences as a finding; a failure is logged. */
void finding_note_twin(struct pki *pki, const struct twin *twin);

void callers_init(struct callers *c);
void callers_done(struct callers *c);
/* 1: this very certificate was let in under this generation; the subject points into cert. */
int callers_recall(struct callers *c, uint64_t generation, struct rs_bytes cert,
                   struct pki_caller *ret_caller);
/* generation: as it was before the store was asked. */
void callers_keep(struct callers *c, uint64_t generation, struct rs_bytes cert,
                  const struct pki_caller *caller);

void catalog_init(struct catalog *c);
void catalog_done(struct catalog *c);
/* All that is kept from the store, documents and callers, counts under one generation. */
uint64_t catalog_generation(struct catalog *c);
/* Something kept may have changed, and counts no more.  After the write, before its answer. */
void catalog_raise(struct catalog *c);

/* One request's view: all it finds is at least as new as the moment of catalog_look(). */
struct catalog_look {
    struct pki *pki;
    struct store *store;
    uint64_t generation;
    int begun; /* the store had to be asked: a look of it is open */
};

struct catalog_document {
    struct rs_bytes document;
    enum store_order_state order_state; /* of orders; counts are not kept */
    uint8_t hash[32];                   /* SHA-256 of the document */
};

void catalog_look(struct pki *pki, struct store *store, struct catalog_look *ret_look);
/* From memory or else the store, into the arena.  RS_E_REQUEST_UNKNOWN when there is none. */
RS_MUST_USE rs_code catalog_find(struct catalog_look *look, enum catalog_kind kind,
                                 const char *name, struct rs_arena *arena,
                                 struct catalog_document *ret, struct rs_err *err);
void catalog_look_done(struct catalog_look *look);

/* ---- label.c ------------------------------------------------------------------------- */

/* pki_find_label() within a look that is open already. */
RS_MUST_USE rs_code label_find(struct pki *pki, struct catalog_look *look, const char *name,
                               struct rs_arena *arena, struct pki_label *ret, struct rs_err *err);
/* The first issuer that may sign this profile. */
RS_MUST_USE rs_code label_issuer(struct pki *pki, const char *profile, char issuer[STORE_NAME_MAX],
                                 struct rs_err *err);

/* ---- table.c: requests in flight ----------------------------------------------------- */

struct pending *pending_new(struct pki *pki);
void pending_free(struct pending *p);
/*
 * Enter the tables.  RS_BUSY-like outcomes: *ret_same is an identical request in
 * flight (the waiter was added to it); RS_E_KEY_UNIQUE: the key is in flight for
 * somebody else.
 */
RS_MUST_USE rs_code pending_enter(struct pending *p, pki_issued_fn done, void *arg, int *ret_same,
                                  struct rs_err *err);
void pending_leave(struct pending *p);
/* Answer all waiters. */
void pending_answer(struct pending *p, rs_code rc, const struct store_cert *cert,
                    const struct rs_err *err);
/* 1 while the request of this leaf is on its way: its own answer brings the record. */
int pki_in_flight(struct pki *pki, struct rs_bytes request_id);
void pki_saw_leaf(struct pki *pki, uint64_t leaf);
/* A request failed when its leaf may have been written: the store owes a row. */
void pki_owe(struct pki *pki, uint64_t leaf_floor);
void pki_hold(struct pki *pki, struct hold *hold);
void pki_release(struct pki *pki, struct hold *hold);
/* All that was owed when the count was taken is in the store now. */
void pki_settle(struct pki *pki, uint64_t owed_count);
/* Leaves below this are all in the store. */
uint64_t pki_safe_watermark(struct pki *pki);

/* ---- writer.c -------------------------------------------------------------------------- */

RS_MUST_USE rs_code writer_start(struct pki *pki, struct rs_err *err);
void writer_stop(struct pki *pki);
/* 0 when the queue is full. */
RS_MUST_USE int writer_put(struct pki *pki, struct work *work);

/* ---- takeover.c -------------------------------------------------------------------------- */

/* Fill the store's record from an issued leaf's facts and the certificate. */
RS_MUST_USE rs_code record_from_cert(struct rs_arena *arena, struct rs_bytes der,
                                     struct store_issue *record, struct rs_err *err);
/* From leaf `from` to the ledger's end; direct: the writer's thread does not run yet. */
RS_MUST_USE rs_code pki_take_over(struct pki *pki, uint64_t from, int direct, struct rs_err *err);
/* Ask the signer for something that writes a leaf, and take that leaf over. */
RS_MUST_USE rs_code pki_call(struct pki *pki, const struct proto_item *item, struct rs_buf *out,
                             struct rs_err *err);
const char *pki_holder_of(const char *object);
void pki_blank_device(struct store_issue *record);

/* ---- open.c -------------------------------------------------------------------------------- */

RS_MUST_USE rs_code issuers_load(struct pki *pki, struct store *store, struct rs_err *err);

#endif /* PKI_INNER_H */
