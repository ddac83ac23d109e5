/*
 * ocsp.h: OCSP requests and responses (RFC 6960, 9654).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MSG_OCSP_H
#define MSG_OCSP_H

#include "crypto/pub.h"
#include "x509/der.h"

#define OCSP_REQUEST_MAX 4096
#define OCSP_IDS_MAX     16
#define OCSP_NONCE_MAX   128 /* RFC 9654 2.1: servers take 1 to 128 octets */

enum ocsp_hash {
    OCSP_SHA1 = 1,
    OCSP_SHA256 = 2,
};

struct ocsp_id {
    enum ocsp_hash hash;
    struct rs_bytes name_hash; /* of the issuer's Name */
    struct rs_bytes key_hash;  /* of the issuer's key, the BIT STRING's content */
    struct rs_bytes serial;    /* unsigned */
    struct rs_bytes whole;     /* CertID as received: goes back unchanged */
};

struct ocsp_request {
    struct ocsp_id ids[OCSP_IDS_MAX];
    size_t count;
    struct rs_bytes nonce; /* content of the OCTET STRING; empty: none */
};

enum ocsp_status {
    OCSP_GOOD = 0,
    OCSP_REVOKED = 1,
    OCSP_UNKNOWN = 2,
};

/* OCSPResponseStatus (RFC 6960 4.2.1). */
enum ocsp_answer {
    OCSP_SUCCESSFUL = 0,
    OCSP_MALFORMED = 1,
    OCSP_INTERNAL = 2,
    OCSP_TRY_LATER = 3,
    OCSP_UNAUTHORIZED = 6,
};

/* RS_E_REQUEST_FORMAT: answer with malformedRequest. */
RS_MUST_USE rs_code ocsp_request_read(struct rs_bytes der, struct ocsp_request *ret_request,
                                      struct rs_err *err);

/* The request in a GET path (RFC 6960 A.1): percent and base64, both spellings, into out. */
RS_MUST_USE rs_code ocsp_path_read(struct rs_bytes path, struct rs_buf *out, struct rs_err *err);

/* For clients and tests: a request for one certificate. */
RS_MUST_USE rs_code ocsp_request_put(struct rs_buf *out, enum ocsp_hash hash,
                                     struct rs_bytes issuer_name, struct rs_bytes issuer_key,
                                     struct rs_bytes serial, struct rs_bytes nonce,
                                     struct rs_err *err);

/* One answer of a response. */
struct ocsp_single {
    struct rs_bytes id; /* CertID, whole */
    enum ocsp_status status;
    int64_t revoked_at;
    uint8_t reason;
};

struct ocsp_response_spec {
    const struct ocsp_single *singles;
    size_t count;
    struct rs_bytes responder_key_hash; /* SHA-1 of the responder's key: byKey */
    int64_t produced_at, this_update, next_update;
    struct rs_bytes nonce; /* echoed when not empty */
    enum crypto_sig sig_alg;
};

/* ResponseData into buf (at its end), to be signed. */
RS_MUST_USE rs_code ocsp_response_data(const struct ocsp_response_spec *spec, uint8_t *buf,
                                       size_t cap, struct rs_bytes *ret_tbs, struct rs_err *err);
/* The whole OCSPResponse from signed data and the responder's certificate. */
RS_MUST_USE rs_code ocsp_response_put(struct rs_buf *out, struct rs_bytes tbs, enum crypto_sig sig,
                                      struct rs_bytes signature, struct rs_bytes certificate,
                                      struct rs_err *err);
/* A response without content: an error status. */
void ocsp_error_put(struct rs_buf *out, enum ocsp_answer answer);

#endif /* MSG_OCSP_H */
