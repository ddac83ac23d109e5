/*
 * endorse.h: letting a TPM (docs/protocols/tpm.md) or another part (docs/protocols/part.md) be
 * challenged by the server, the asking side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_ENDORSE_H
#define CLIENT_ENDORSE_H

#include "client/web.h"

#define CLIENT_CHALLENGE_ID_MAX 64
#define CLIENT_CREDENTIAL_MAX   1024

/* What the server asks: a credential that only that TPM opens, and a nonce for its evidence. */
struct client_challenge {
    char id[CLIENT_CHALLENGE_ID_MAX];
    uint8_t nonce[32];
    uint8_t credential[CLIENT_CREDENTIAL_MAX]; /* TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET */
    size_t credential_len;
};

/* Who asks, and for what: a device for a product, a station for an order. */
struct client_endorsement {
    const char *path;        /* where on the server */
    const char *what, *name; /* "product" or "order", and its name */
    struct rs_bytes ek_cert; /* DER */
    struct rs_bytes iak;     /* TPM2B_PUBLIC */
};

/* *ret_wait_s as in client/est.h.  RS_E_REQUEST_FORMAT: the answer is no challenge. */
RS_MUST_USE rs_code client_endorse_ask(struct web *web, const struct client_endorsement *ask,
                                       struct client_challenge *ret_challenge, int64_t *ret_wait_s,
                                       struct rs_err *err);
/* The answer's body alone. */
RS_MUST_USE rs_code client_challenge_read(struct rs_bytes body,
                                          struct client_challenge *ret_challenge,
                                          struct rs_err *err);
/* Say what the TPM found in the credential. */
RS_MUST_USE rs_code client_endorse_answer(struct web *web, const char *path, const char *id,
                                          struct rs_bytes secret, int64_t *ret_wait_s,
                                          struct rs_err *err);

/* A nonce for a part with this number, for an order; no credential.  As client_endorse_ask(). */
RS_MUST_USE rs_code client_part_ask(struct web *web, const char *order, struct rs_bytes uid,
                                    struct client_challenge *ret_challenge, int64_t *ret_wait_s,
                                    struct rs_err *err);
/* The answer's body alone. */
RS_MUST_USE rs_code client_part_read(struct rs_bytes body, struct client_challenge *ret_challenge,
                                     struct rs_err *err);
/* Say what the part said over it; format: of librot (enum rot_evidence_format). */
RS_MUST_USE rs_code client_part_answer(struct web *web, const char *id, unsigned format,
                                       struct rs_bytes evidence, int64_t *ret_wait_s,
                                       struct rs_err *err);

#endif /* CLIENT_ENDORSE_H */
