/*
 * state.h: what the signer knows by itself.
 *
 * The state is a fold over the ledger: apply every leaf in order and you have
 * it.  Nothing else changes it, so that it can always be rebuilt, and a front
 * that was taken over cannot change it past a check.  A snapshot file saves
 * replaying from leaf 0; it is believed only when it belongs to a prefix of the
 * ledger that is there (same index and root), and ignored otherwise.
 *
 * One thread (the committer) reads and changes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_STATE_H
#define SIGNER_STATE_H

#include <stdint.h>

#include "base/bytes.h"
#include "keys/doc.h"
#include "ledger/leaf.h"
#include "ledger/ledger.h"

#define STATE_NAME_SIZE (DOC_NAME_MAX + 1)

/* A profile as the officers approved it.  One version; older ones stay for open orders. */
struct state_profile {
    char tenant[STATE_NAME_SIZE];
    uint8_t hash[32];
    struct rs_bytes document; /* owned */
    struct doc_profile doc;   /* borrows from document */
};

struct state_revoked {
    uint8_t serial[20];
    uint8_t serial_len;
    uint8_t reason;
    int64_t revoked_at;
};

struct state_issuer {
    char tenant[STATE_NAME_SIZE];
    struct rs_bytes document; /* owned */
    struct doc_issuer doc;
    struct rs_bytes tbs; /* owned: what its certificate says; empty until it was issued */
    uint64_t crl_number;
    int64_t crl_this_update;
    struct state_revoked *revoked; /* sorted by serial */
    size_t revoked_count, revoked_cap;
};

struct state_share {
    char station[STATE_NAME_SIZE];
    uint64_t size, taken;
    uint64_t pending; /* taken by leaves of the batch that is being prepared */
};

struct state_order {
    char tenant[STATE_NAME_SIZE];
    struct rs_bytes document; /* owned */
    struct doc_order doc;
    uint64_t taken;   /* identities for which a leaf was written (L7) */
    uint64_t pending; /* as in the share */
    struct state_share shares[DOC_LIST_MAX];
};

struct state_officer {
    char tenant[STATE_NAME_SIZE];
    struct rs_bytes document; /* owned */
    struct doc_officer doc;
    uint8_t key_hash[32];
};

struct state {
    char installation[STATE_NAME_SIZE];
    char tenant[STATE_NAME_SIZE]; /* of the bootstrap */
    int production;
    uint16_t epoch;
    uint64_t next_index;    /* leaves applied so far */
    int64_t floor_ms;       /* the largest time that was made durable */
    uint8_t claim_hash[32]; /* SHA-256 of the claim key, which is kept in a file outside the log */
    int64_t claim_until;    /* 0: no claim open */
    unsigned claims_left;
    struct state_profile *profiles;
    size_t profile_count, profile_cap;
    struct state_issuer *issuers;
    size_t issuer_count, issuer_cap;
    struct state_order *orders;
    size_t order_count, order_cap;
    struct state_officer *officers;
    size_t officer_count, officer_cap;
};

void state_init(struct state *s);
void state_done(struct state *s);

/* Apply one leaf.  RS_E_LEDGER_DAMAGED when it does not fit what came before. */
RS_MUST_USE rs_code state_apply(struct state *s, const struct ledger_leaf *leaf,
                                struct rs_err *err);

/* NULL when there is none. */
struct state_profile *state_find_profile(struct state *s, struct rs_bytes tenant,
                                         struct rs_bytes hash);
struct state_profile *state_find_profile_named(struct state *s, struct rs_bytes tenant,
                                               struct rs_bytes name); /* the newest version */
struct state_issuer *state_find_issuer(struct state *s, struct rs_bytes tenant,
                                       struct rs_bytes name);
struct state_order *state_find_order(struct state *s, struct rs_bytes tenant, struct rs_bytes name);
struct state_share *state_find_share(struct state_order *order, struct rs_bytes station);
struct state_officer *state_find_officer(struct state *s, struct rs_bytes tenant,
                                         const uint8_t key_hash[32]);
/* 1 when the issuer has revoked this serial. */
int state_is_revoked(const struct state_issuer *issuer, struct rs_bytes serial);

/* How many officers must sign a document of this kind. */
size_t state_approvals_needed(const struct state *s, struct rs_bytes kind);

#endif /* SIGNER_STATE_H */
