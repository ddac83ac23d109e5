/*
 * leaf.h: what ledger leaves contain, as structs.
 *
 * Each content is a deterministic CBOR map with small integer keys, listed in
 * docs/protocols/ledger.md.  Unknown keys are refused: a leaf says what this
 * version knows, or is not read at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_LEAF_H
#define LEDGER_LEAF_H

#include <stdint.h>

#include "base/bytes.h"

/* LEDGER_ISSUED.  Text is UTF-8 without NUL, borrowed from the content when read. */
struct leaf_issued {
    struct rs_bytes tenant;
    struct rs_bytes issuer;
    struct rs_bytes profile;      /* name */
    struct rs_bytes profile_hash; /* 32 */
    struct rs_bytes request_id;   /* 32 */
    struct rs_bytes order;        /* empty: none */
    struct rs_bytes station;      /* empty: none */
    struct rs_bytes device;       /* serial of the device; empty: none */
    struct rs_bytes chip_model;   /* empty: none */
    struct rs_bytes chip_uid;     /* raw bytes */
    struct rs_bytes object;       /* "idevid", "ldevid/0"; empty: none */
    struct rs_bytes who;          /* who asked: "station:sz-1", "device:X2-1", "person:m.keller" */
    struct rs_bytes tbs;
    struct rs_bytes
        provenance; /* how the chip is known: "attested" "vendor" "station"; empty: no chip */
};

struct leaf_revoked {
    struct rs_bytes tenant;
    struct rs_bytes issuer;
    struct rs_bytes serial;
    struct rs_bytes request_id;
    struct rs_bytes who;
    struct rs_bytes text; /* the reason a person gave */
    uint8_t reason;       /* CRLReason, RFC 5280 5.3.1 */
    int64_t revoked_at;   /* seconds */
};

struct leaf_crl {
    struct rs_bytes tenant;
    struct rs_bytes issuer;
    uint64_t number;
    int64_t this_update, next_update;
    uint64_t entries;
    struct rs_bytes tbs_hash; /* SHA-256 of the TBSCertList */
};

/* LEDGER_ORDER, _PROFILE, _CONFIG, _APPROVAL: a document and who agreed to it. */
struct leaf_document {
    struct rs_bytes tenant;
    struct rs_bytes kind; /* "order", "profile", "issuer", "officer", "bootstrap" */
    struct rs_bytes name;
    struct rs_bytes before;    /* SHA-256 of what it replaces; empty: new */
    struct rs_bytes document;  /* the signed bytes, or empty when only the hash is kept */
    struct rs_bytes hash;      /* SHA-256 of the document */
    struct rs_bytes approvals; /* CBOR array of [officer key hash, signature] */
    struct rs_bytes who;
};

/* LEDGER_REFUSED: one leaf for count refusals of one kind. */
struct leaf_refused {
    struct rs_bytes code; /* "order.exhausted" */
    struct rs_bytes who;
    struct rs_bytes text; /* of the first */
    int64_t first_ms, last_ms;
    uint64_t count;
};

/* LEDGER_LOGIN, _EPOCH, _TORN, _SEEN, _LOST: small facts as one text and one number. */
struct leaf_note {
    struct rs_bytes text;
    uint64_t number;
    struct rs_bytes who;
};

void leaf_issued_put(struct rs_buf *out, const struct leaf_issued *leaf);
void leaf_revoked_put(struct rs_buf *out, const struct leaf_revoked *leaf);
void leaf_crl_put(struct rs_buf *out, const struct leaf_crl *leaf);
void leaf_document_put(struct rs_buf *out, const struct leaf_document *leaf);
void leaf_refused_put(struct rs_buf *out, const struct leaf_refused *leaf);
void leaf_note_put(struct rs_buf *out, const struct leaf_note *leaf);

/* RS_E_LEDGER_DAMAGED when the content is not exactly such a leaf. */
RS_MUST_USE rs_code leaf_issued_read(struct rs_bytes content, struct leaf_issued *ret_leaf,
                                     struct rs_err *err);
RS_MUST_USE rs_code leaf_revoked_read(struct rs_bytes content, struct leaf_revoked *ret_leaf,
                                      struct rs_err *err);
RS_MUST_USE rs_code leaf_crl_read(struct rs_bytes content, struct leaf_crl *ret_leaf,
                                  struct rs_err *err);
RS_MUST_USE rs_code leaf_document_read(struct rs_bytes content, struct leaf_document *ret_leaf,
                                       struct rs_err *err);
RS_MUST_USE rs_code leaf_refused_read(struct rs_bytes content, struct leaf_refused *ret_leaf,
                                      struct rs_err *err);
RS_MUST_USE rs_code leaf_note_read(struct rs_bytes content, struct leaf_note *ret_leaf,
                                   struct rs_err *err);

#endif /* LEDGER_LEAF_H */
