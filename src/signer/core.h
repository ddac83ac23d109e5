/*
 * core.h: the signer's parts, for the files of this folder.
 *
 * struct signer belongs to the committer thread: it alone checks claims,
 * changes the state and appends to the ledger.  Signing threads only use a
 * job's key and bytes, which no longer change when they get it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_CORE_H
#define SIGNER_CORE_H

#include "keys/keystore.h"
#include "keys/proto.h"
#include "ledger/leaf.h"
#include "ledger/ledger.h"
#include "signer/signer.h"
#include "signer/state.h"
#include "x509/cert.h"
#include "x509/template.h"

#define SIGNER_TEMPLATES_MAX 64
#define SIGNER_LEDGER_KEY    "ledger" /* its name in the key store */
#define SIGNER_TBS_MAX       4096
#define SIGNER_SERIAL_SIZE   20
#define SIGNER_DRAW          12   /* random bytes of a serial */
#define SIGNER_DRAWS         32   /* drawn at once */
#define SIGNER_SERIALS_MAX   4096 /* remembered of the current time unit */

/* An issuer with its key open. */
struct issuer {
    char tenant[STATE_NAME_SIZE];
    char name[STATE_NAME_SIZE];
    struct crypto_key *key;
    uint8_t *der; /* certificate */
    size_t der_len;
    struct cert cert; /* borrows from der */
};

/* A template compiled for (issuer, profile). */
struct compiled {
    const struct issuer *issuer; /* NULL: empty */
    uint8_t profile_hash[32];
    struct template template;
};

struct refusal {
    rs_code code;
    uint32_t count;
    int64_t first_ms, last_ms;
    char who[96];
    char text[240];
};
#define SIGNER_REFUSALS_MAX 32

struct signer {
    struct signer_config config;
    struct state state;
    struct ledger *ledger;
    struct keystore keys;
    struct crypto_key *ledger_key;
    uint8_t ledger_pub[32];
    uint8_t mac_key[32]; /* of snapshots */
    struct issuer *issuers;
    size_t issuer_count;
    struct compiled *compiled; /* SIGNER_TEMPLATES_MAX */
    size_t next_compiled;
    /* Serials drawn in the current time unit, by 64 of their random bits. */
    uint64_t serial_unit;
    uint64_t *serials; /* open addressing, SIGNER_SERIALS_MAX * 2; 0: empty */
    size_t serial_count;
    uint8_t draws[SIGNER_DRAWS * SIGNER_DRAW]; /* random bytes of serials to come */
    size_t draws_left;
    struct refusal refusals[SIGNER_REFUSALS_MAX];
    size_t refusal_count;
    int64_t refusals_flushed_ms;
    uint64_t checkpoint_size; /* of the newest checkpoint */
    int64_t checkpoint_ms;
    uint64_t issued, refused; /* since start */
    rs_code stuck;            /* why a leaf could not be recorded: the process must end */
};

/* One request on its way through the signer. */
struct job {
    struct proto_item item; /* borrows from the batch's message */
    rs_code rc;             /* RS_OK: sign and answer ISSUED; else REFUSED with text */
    int answered;           /* a reply went out already */
    char text[240];
    const struct crypto_key *key; /* stays where it is when issuers move */
    uint64_t leaf;
    struct rs_bytes tbs; /* inside room */
    uint8_t room[SIGNER_TBS_MAX];
    uint8_t sig[CRYPTO_SIGNATURE_MAX]; /* signer_sign_jobs() */
    size_t sig_len;
};

/* ---- start.c --------------------------------------------------------------------------- */

RS_MUST_USE rs_code signer_start(struct signer *s, const struct signer_config *config,
                                 struct rs_err *err);
void signer_stop(struct signer *s);
/* Open the key and certificate of an issuer that the state knows. */
RS_MUST_USE rs_code signer_open_issuer(struct signer *s, struct state_issuer *from,
                                       struct rs_err *err);
struct issuer *signer_find_issuer(struct signer *s, struct rs_bytes tenant, struct rs_bytes name);

/* ---- time.c ------------------------------------------------------------------------------ */

/* Now, never before the floor; RS_E_CLOCK_BEHIND when the clock is more than 2 s behind it. */
RS_MUST_USE rs_code signer_now(struct signer *s, int64_t *ret_ms, struct rs_err *err);
/* Draw a serial number (docs/design/issuing.md): 20 octets. */
RS_MUST_USE rs_code signer_draw_serial(struct signer *s, int64_t now_ms,
                                       uint8_t serial[SIGNER_SERIAL_SIZE], struct rs_err *err);

/* ---- issue.c ------------------------------------------------------------------------------- */

/*
 * Check a claim against what the signer holds, build the TBS into the job, and
 * append the leaf's content to contents.  Takes one from the order (pending).
 */
RS_MUST_USE rs_code signer_prepare_issue(struct signer *s, struct job *job, int64_t now_ms,
                                         struct rs_buf *contents, struct rs_err *err);
/*
 * Sign those of the jobs that are to be signed, and check the signatures, many
 * at a time; one that fails gets rc and text.  Any thread.
 */
void signer_sign_jobs(struct job *jobs, size_t count);
/* A job that gets no answer but the error. */
void signer_refuse_job(struct job *job, const struct rs_err *err);
/* A signed job's certificate, appended to out. */
RS_MUST_USE rs_code signer_put_issued(const struct job *job, struct rs_buf *out,
                                      struct rs_err *err);
/* The whole for one TBS: sign, check, assemble.  Any thread. */
RS_MUST_USE rs_code signer_finish_issue(const struct crypto_key *key, struct rs_bytes tbs,
                                        struct rs_buf *out, struct rs_err *err);
void signer_clear_pending(struct signer *s);

/* ---- document.c, bootstrap.c, revoke.c, recover.c: whole operations, committer thread ------- */

/* Append leaves, apply them to the state.  A failure here ends the process. */
RS_MUST_USE rs_code signer_commit(struct signer *s, struct ledger_leaf *leaves, size_t count,
                                  struct rs_err *err);
/* One leaf. */
RS_MUST_USE rs_code signer_commit_one(struct signer *s, enum ledger_type type,
                                      struct rs_bytes content, uint64_t *ret_leaf,
                                      struct rs_err *err);

RS_MUST_USE rs_code signer_document(struct signer *s, const struct proto_document *m,
                                    uint64_t *ret_leaf, struct rs_err *err);
/*
 * ret_proof: HMAC with the claim key over the root certificate's hash, so that
 * the person's program can trust that root without having seen it before.
 */
RS_MUST_USE rs_code signer_claim(struct signer *s, const struct proto_claim *m, uint64_t *ret_leaf,
                                 uint8_t ret_proof[32], struct rs_err *err);
RS_MUST_USE rs_code signer_bootstrap(struct signer *s, const struct proto_bootstrap *m,
                                     struct rs_err *err);
RS_MUST_USE rs_code signer_new_claim(struct signer *s, const uint8_t key[32], int64_t until,
                                     struct rs_err *err);
RS_MUST_USE rs_code signer_prepare_revoke(struct signer *s, const struct proto_revoke *m,
                                          int64_t now_ms, struct rs_buf *contents,
                                          struct rs_err *err);
RS_MUST_USE rs_code signer_crl(struct signer *s, const struct proto_crl *m, struct rs_buf *ret_der,
                               struct rs_err *err);

/* Count a refusal; it reaches the ledger in aggregate. */
void signer_note_refusal(struct signer *s, rs_code code, struct rs_bytes who, const char *text,
                         uint32_t count, int64_t first_ms, int64_t last_ms);
RS_MUST_USE rs_code signer_flush_refusals(struct signer *s, int force, struct rs_err *err);
/* Checkpoint and snapshot, when due or forced. */
RS_MUST_USE rs_code signer_checkpoint(struct signer *s, int force, struct rs_buf *ret_note,
                                      struct rs_err *err);

#endif /* SIGNER_CORE_H */
