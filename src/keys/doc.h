/*
 * doc.h: the documents that people sign and the signer believes.
 *
 * A profile, an issuer, a work order, an officer: each is one deterministic
 * CBOR map.  Its SHA-256 is its identity; officers sign those bytes (approval),
 * the ledger keeps them whole, and the signer enforces what they say, whatever
 * the front asks.  The same structs are filled from YAML files by the CLI and
 * the server.
 *
 * Reading is strict: unknown keys, longer forms and trailing bytes are refused.
 * Text is borrowed from the bytes read and NUL-free.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEYS_DOC_H
#define KEYS_DOC_H

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define DOC_NAME_MAX  63
#define DOC_BYTES_MAX 12288     /* fits a ledger leaf with its approvals */
#define DOC_LIST_MAX  16        /* entries of any list below */
#define DOC_NEVER     INT64_MAX /* "no end": 99991231235959Z (RFC 5280 4.1.2.5) */

/* ---- Profiles --------------------------------------------------------------- */

enum doc_profile_type {
    DOC_PROFILE_IDEVID = 1,
    DOC_PROFILE_LDEVID = 2,
    DOC_PROFILE_STATION = 3,
    DOC_PROFILE_PERSON = 4,
    DOC_PROFILE_TLS_SERVER = 5,
    DOC_PROFILE_TLS_CLIENT = 6,
    DOC_PROFILE_OCSP = 7,
    DOC_PROFILE_CA = 8, /* sub-CAs: only inside a bootstrap or a ceremony, never enrolled */
};

/* Subject values that may stand as {device.serial} in a pattern, or come from a request. */
enum doc_value {
    DOC_VALUE_DEVICE_SERIAL = 1,
    DOC_VALUE_CHIP_UID = 2, /* upper-case hex */
    DOC_VALUE_PRODUCT = 3,
    DOC_VALUE_ORDER = 4,
    DOC_VALUE_NAME = 5, /* the common name asked for, or of the station or person */
    DOC_VALUE_DNS = 6,  /* SAN entries, repeatable */
    DOC_VALUE_IP = 7,   /* text form */
    DOC_VALUE_MAX = 7,
};

#define DOC_KEY_P256    0x01u
#define DOC_KEY_P384    0x02u
#define DOC_KEY_ED25519 0x04u
#define DOC_KEY_RSA2048 0x08u
#define DOC_KEY_RSA3072 0x10u

#define DOC_PROFILE_NEEDS_ORDER     0x01u /* only under a work order, counted */
#define DOC_PROFILE_NEEDS_DEVICE    0x02u /* a device serial must be given */
#define DOC_PROFILE_SKI_SHA1        0x04u /* key identifiers as the ATECC608's compressed form wants */
#define DOC_PROFILE_SAN_HARDWARE    0x08u /* hardwareModuleName from the chip's UID (RFC 4108) */
#define DOC_PROFILE_OCSP_NOCHECK    0x10u
#define DOC_PROFILE_WHOLE_HOURS     0x20u /* dates without minutes: fits the compressed form */
#define DOC_PROFILE_SERIAL_FROM_KEY 0x40u /* reserved: refused in this version */

struct doc_text_list {
    struct rs_bytes items[DOC_LIST_MAX];
    size_t count;
};

struct doc_profile {
    struct rs_bytes name;
    uint64_t version; /* from 1 */
    enum doc_profile_type type;
    struct rs_bytes subject;  /* RFC 4514 with {placeholders} */
    int64_t valid_s;          /* DOC_NEVER for 99991231235959Z */
    int64_t backdate_s;       /* at most 3600 */
    uint64_t key_algs;        /* DOC_KEY_... */
    uint64_t key_usage;       /* bit n of RFC 5280 4.2.1.3 is 1 << n (digitalSignature 0) */
    struct doc_text_list eku; /* dotted OIDs */
    struct doc_text_list policies;
    uint64_t flags;                /* DOC_PROFILE_... */
    uint64_t from_request;         /* bits 1 << doc_value: may come from the request */
    struct doc_text_list dns;      /* SAN patterns with placeholders; or "*.example" globs that a
                                  requested name must match when DOC_VALUE_DNS is allowed */
    struct rs_bytes hardware_type; /* dotted OID of hardwareModuleName.hwType */
    uint64_t max_size;             /* bytes of DER; 0: no limit */
    int64_t renew_before_s;        /* LDevID: how early renewal is accepted; 0: any time */
};

/* ---- Issuers ------------------------------------------------------------------ */

struct doc_issuer {
    struct rs_bytes name;
    struct rs_bytes parent;  /* "" for a root */
    struct rs_bytes subject; /* RFC 4514 */
    uint64_t key_alg;        /* one of DOC_KEY_... */
    int64_t not_before;
    int64_t not_after;
    int64_t path_length;                       /* -1: none (a root) */
    struct doc_text_list profiles;             /* names that it may sign; nothing else */
    struct rs_bytes crl_url, ocsp_url, ca_url; /* go into certificates; "" leaves them out */
    int64_t crl_every_s;
};

/* ---- Orders ------------------------------------------------------------------- */

struct doc_share {
    struct rs_bytes station;
    uint64_t size; /* identities this station may make; they never add up to more than quantity */
};

struct doc_order {
    struct rs_bytes name;
    struct rs_bytes product;
    uint64_t product_version;
    struct rs_bytes issuer;
    struct rs_bytes profile;      /* of the IDevID */
    struct rs_bytes profile_hash; /* 32 */
    uint64_t quantity;            /* identities that can ever be made, scrap included */
    uint64_t target;              /* good boards wanted */
    uint64_t state;               /* enum doc_order_state */
    int64_t valid_from, valid_until;
    struct doc_share shares[DOC_LIST_MAX];
    size_t share_count;
    struct rs_bytes serial_match; /* shell pattern of device serials; "" any */
    struct rs_bytes rot;          /* model that the product names: "atecc608b", "soft" */
    struct rs_bytes layout;
    struct rs_bytes provenance; /* "attested" "vendor" "station": demanded; "": see pki/proof.c */
    int64_t created_at; /* when this version was signed; rises, so that no old one comes back */
};

enum doc_order_state {
    DOC_ORDER_OPEN = 1,
    DOC_ORDER_PAUSED = 2,
    DOC_ORDER_CLOSED = 3,
};

/* ---- Officers and approvals ----------------------------------------------------- */

struct doc_officer {
    struct rs_bytes name;
    uint64_t version;     /* rises with each change: an old document is never taken again */
    struct rs_bytes spki; /* the key that approvals are verified with */
    uint64_t active;      /* 0: may no longer approve */
};

/* A certificate of one root's key by another key of the same root (RFC 4210 4.4). */
struct doc_cross {
    struct rs_bytes of; /* issuer whose key is certified */
    struct rs_bytes by; /* issuer that signs */
    int64_t created_at;
};

/* What an officer signs: kind, name and the document's bytes, domain-separated. */
struct doc_approval {
    uint8_t key_hash[32]; /* SHA-256 of the officer's SPKI */
    struct rs_bytes signature;
};

void doc_profile_put(struct rs_buf *out, const struct doc_profile *doc);
void doc_issuer_put(struct rs_buf *out, const struct doc_issuer *doc);
void doc_order_put(struct rs_buf *out, const struct doc_order *doc);
void doc_officer_put(struct rs_buf *out, const struct doc_officer *doc);
void doc_cross_put(struct rs_buf *out, const struct doc_cross *doc);

/* RS_E_REQUEST_FORMAT, naming the field, when the bytes are not such a document. */
RS_MUST_USE rs_code doc_profile_read(struct rs_bytes bytes, struct doc_profile *ret_doc,
                                     struct rs_err *err);
RS_MUST_USE rs_code doc_issuer_read(struct rs_bytes bytes, struct doc_issuer *ret_doc,
                                    struct rs_err *err);
RS_MUST_USE rs_code doc_order_read(struct rs_bytes bytes, struct doc_order *ret_doc,
                                   struct rs_err *err);
RS_MUST_USE rs_code doc_officer_read(struct rs_bytes bytes, struct doc_officer *ret_doc,
                                     struct rs_err *err);

RS_MUST_USE rs_code doc_cross_read(struct rs_bytes bytes, struct doc_cross *ret_doc,
                                   struct rs_err *err);

/*
 * Rules that hold for every profile, whoever wrote it: backdate, key usage
 * without keyCertSign unless type CA, EKU never "any", patterns parse.
 * RS_E_PROFILE_LIMIT naming the rule.
 */
RS_MUST_USE rs_code doc_profile_check(const struct doc_profile *doc, struct rs_err *err);
RS_MUST_USE rs_code doc_order_check(const struct doc_order *doc, struct rs_err *err);

/* The bytes an approval signs: a fixed prefix, kind, name, SHA-256 of the document. */
void doc_approval_message(const char *kind, struct rs_bytes name, struct rs_bytes document,
                          struct rs_buf *out);

/* The share of a station in an order, or NULL. */
const struct doc_share *doc_order_share(const struct doc_order *doc, struct rs_bytes station);

#endif /* KEYS_DOC_H */
