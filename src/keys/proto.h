/*
 * proto.h: the messages between the front and the signer (docs/protocols/signer.md).
 *
 * One SEQPACKET message carries a batch of items.  Header: magic "RSGP",
 * version (2), count (2).  Item: length (4), type (2), sequence number (4),
 * body.  All integers big-endian; strings are length-prefixed (2); byte strings
 * (4).  An answer carries the sequence number of its request; answers come in
 * any order.  Unknown types, versions, lengths and trailing bytes end the
 * connection: neither side guesses.
 *
 * The codec knows no sockets and allocates nothing: items are read in place.
 * Both directions are fuzzed with the other side hostile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEYS_PROTO_H
#define KEYS_PROTO_H

#include <stdint.h>

#include "base/bytes.h"
#include "keys/doc.h"

#define PROTO_MAGIC       0x52534750u
#define PROTO_VERSION     1u
#define PROTO_MESSAGE_MAX 131072 /* bytes of one message */
#define PROTO_BATCH_MAX   64     /* items in one message */
#define PROTO_PART_MAX    49152  /* bytes of one PROTO_PART */
#define PROTO_VALUES_MAX  24

enum proto_type {
    /* front -> signer */
    PROTO_HELLO = 1,      /* must be the first; answered by READY */
    PROTO_ISSUE = 2,      /* answered by ISSUED or REFUSED */
    PROTO_REVOKE = 3,     /* answered by DONE or REFUSED */
    PROTO_CRL = 4,        /* answered by PARTs or REFUSED */
    PROTO_DOCUMENT = 5,   /* answered by DONE (leaf) or REFUSED */
    PROTO_RECOVER = 6,    /* answered by LEAFs, then DONE (next index) */
    PROTO_CHECKPOINT = 7, /* answered by PART (note text) */
    PROTO_SEEN = 8,       /* a checkpoint kept elsewhere: DONE or REFUSED (fenced) */
    PROTO_REFUSAL = 9,    /* the front refused something: for the ledger; DONE */
    PROTO_LOGIN = 10,     /* somebody signed in: for the ledger; DONE */
    PROTO_BOOTSTRAP = 11, /* only while there is no issuer: DONE or REFUSED */
    PROTO_CLAIM = 12,     /* the one-time code makes an officer: DONE or REFUSED */
    PROTO_STATUS = 13,    /* answered by PART (CBOR figures) */
    PROTO_EXPORT = 14,    /* answered by PART (JSON-free CBOR of documents) */
    /* signer -> front */
    PROTO_READY = 128,
    PROTO_ISSUED = 129,
    PROTO_DONE = 130,
    PROTO_REFUSED = 131,
    PROTO_PART = 132,
    PROTO_LEAF = 133,
};

struct proto_value {
    enum doc_value id;
    struct rs_bytes text;
};

/* A claim: everything the signer needs for one certificate, and nothing it would have to parse. */
struct proto_issue {
    struct rs_bytes request_id; /* 32 */
    struct rs_bytes tenant;
    struct rs_bytes issuer;
    struct rs_bytes profile_hash; /* 32 */
    struct rs_bytes order;        /* "" when the profile needs none */
    struct rs_bytes station;      /* whose share; "" without an order */
    struct rs_bytes who;
    struct rs_bytes object;
    struct rs_bytes chip_model;
    struct rs_bytes chip_uid;   /* raw */
    struct rs_bytes provenance; /* how the chip is known, for the leaf: "attested"... */
    struct rs_bytes spki;
    int64_t not_after; /* wish; 0: what the profile says */
    struct proto_value values[PROTO_VALUES_MAX];
    size_t value_count;
};

struct proto_revoke {
    struct rs_bytes request_id, tenant, issuer, serial, who, text;
    uint8_t reason;
};

struct proto_crl {
    struct rs_bytes tenant, issuer;
    int64_t next_update; /* 0: the issuer's own period */
};

struct proto_document {
    struct rs_bytes tenant;
    struct rs_bytes kind; /* "profile" "issuer" "order" "officer" */
    struct rs_bytes name;
    struct rs_bytes who;
    struct rs_bytes document;
    struct doc_approval approvals[4];
    size_t approval_count;
};

struct proto_bootstrap {
    struct rs_bytes installation; /* name */
    struct rs_bytes tenant;
    uint8_t production;
    struct rs_bytes claim_key; /* 32: HMAC key derived from the one-time code */
    int64_t claim_until;
    struct rs_bytes documents[DOC_LIST_MAX]; /* profiles, then issuers (root first) */
    struct rs_bytes kinds[DOC_LIST_MAX];     /* "profile", "issuer" */
    size_t document_count;
};

struct proto_claim {
    struct rs_bytes tenant;
    struct rs_bytes name; /* of the person */
    struct rs_bytes spki;
    struct rs_bytes proof; /* HMAC-SHA-256(claim key, "rootsmith claim v1" NUL name NUL spki) */
};

struct proto_note {
    struct rs_bytes code; /* REFUSAL: dotted code; LOGIN: "login", "logout" */
    struct rs_bytes who;
    struct rs_bytes text;
    uint32_t count;
    int64_t first_ms, last_ms;
};

struct proto_ready {
    uint16_t version;
    uint16_t epoch;
    uint32_t signer_id;
    uint64_t size;        /* of the ledger */
    struct rs_bytes root; /* 32 */
    struct rs_bytes installation;
    uint8_t production;
    uint32_t issuers;
    uint32_t officers;
    struct rs_bytes ledger_key; /* 32: Ed25519, of checkpoints */
};

struct proto_issued {
    uint64_t leaf;
    struct rs_bytes der;
};

struct proto_done {
    uint64_t leaf; /* index that was written, or as the request says */
    struct rs_bytes payload;
};

struct proto_refused {
    struct rs_bytes code; /* dotted, a row of codes.def */
    struct rs_bytes text;
};

struct proto_part {
    uint64_t offset, total;
    struct rs_bytes bytes;
};

struct proto_leaf {
    uint64_t index;
    uint16_t type; /* enum ledger_type's numbers */
    int64_t time_ms;
    struct rs_bytes content;
    struct rs_bytes
        der; /* LEDGER_ISSUED: the certificate, signed again; empty: cannot be completed */
};

/* One item as read; `as` is chosen by type. */
struct proto_item {
    enum proto_type type;
    uint32_t seq;
    union {
        struct {
            uint16_t version;
            struct rs_bytes program;
        } hello;
        struct proto_issue issue;
        struct proto_revoke revoke;
        struct proto_crl crl;
        struct proto_document document;
        struct {
            uint64_t from;
            uint32_t max;
        } recover;
        struct {
            struct rs_bytes note;
        } seen;
        struct proto_note note;
        struct proto_bootstrap bootstrap;
        struct proto_claim claim;
        struct proto_ready ready;
        struct proto_issued issued;
        struct proto_done done;
        struct proto_refused refused;
        struct proto_part part;
        struct proto_leaf leaf;
    } as;
};

/* ---- Writing: one message into a buffer of PROTO_MESSAGE_MAX ---------------------- */

struct proto_writer {
    struct rs_buf *out;
    unsigned count;
};

void proto_begin(struct proto_writer *w, struct rs_buf *out);
/* 0 when it does not fit this message: finish it and begin another. */
RS_MUST_USE int proto_put(struct proto_writer *w, const struct proto_item *item);
void proto_end(struct proto_writer *w);

/* ---- Reading ------------------------------------------------------------------------ */

struct proto_reader {
    struct rs_reader in;
    unsigned left;
    int from_front; /* which direction is allowed */
};

/* RS_E_SIGNER_PROTOCOL for anything that is not exactly a message of this version. */
RS_MUST_USE rs_code proto_open(struct proto_reader *r, struct rs_bytes message, int from_front,
                               struct rs_err *err);
/* The next item, borrowed from the message.  *ret_more 0: there was none left. */
RS_MUST_USE rs_code proto_next(struct proto_reader *r, struct proto_item *ret_item, int *ret_more,
                               struct rs_err *err);

#endif /* KEYS_PROTO_H */
