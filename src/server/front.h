/*
 * front.h: what the files of the front share; private to src/server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

#include <jansson.h>

#include "base/thread.h"
#include "http/http.h"
#include "pki/pki.h"
#include "proto/est.h"
#include "proto/ocsp.h"
#include "server/code.h"
#include "server/server.h"

struct front {
    const struct server_config *config;
    struct pki *pki;
    struct ocsp_responder *ocsp;
    struct path_trust *paths; /* of clients' certificates */
    pthread_mutex_t publish_lock;
    int publish_failed; /* told once, until it is over */
    struct code_tries tries;
    struct rs_queue slow; /* calls that may wait for the signer, run by workers */
    char ready_text[160];
};

/* One REST or station call, on a worker's thread. */
struct call {
    struct front *front;
    struct http_request request;
    struct pki_caller caller;
    const char *name;   /* the variable segment of the path; "" if none */
    const char *action; /* the segment after it; "" if none */
    json_t *body;       /* NULL when there is none */
    struct rs_arena arena;
    char path[512];
};

/*
 * Make and keep the next CRL of an issuer, and put it into the directories that are
 * configured; what fails there is told and tried again every ten seconds.
 */
RS_MUST_USE rs_code front_publish_crl(struct front *front, const char *issuer, uint64_t *ret_number,
                                      struct rs_err *err);

/* Answer with JSON, taking over the reference. */
void call_reply(struct call *call, int status, json_t *json);
/* Answer with an RFC 9457 problem document. */
void call_refuse(struct call *call, const struct rs_err *err);
void call_refuse_code(struct call *call, rs_code code, const char *text);
/* Plain bytes. */
void call_reply_bytes(struct call *call, const char *content_type, struct rs_bytes bytes);

typedef void (*call_fn)(struct call *call);

/* One row: who may do what.  Everything that has no row is refused (L10). */
struct route {
    enum http_method method;
    const char *collection; /* "orders": the segment after the base */
    int has_name;           /* a second segment is required, or must be absent */
    const char *action;     /* a third segment; NULL: none */
    enum pki_role role;     /* who may; PKI_NOBODY: anybody (claims and tokens prove themselves) */
    call_fn handler;
};

extern const struct route rest_routes[];    /* below /api/v1/ */
extern const struct route field_routes[];   /* below /.well-known/rootsmith/v1/ */
extern const struct route station_routes[]; /* below /station/v1/ */

/* /station/v1/tpm/...: NAME is "challenge" or "answer". */
void post_station_tpm(struct call *call);
void post_station_part(struct call *call);
/*
 * Who has answered a challenge to a TPM: Basic "tpm-ID:SECRET", both hex.  *ret_is 0: the header
 * is of another kind, and nothing was done.
 */
RS_MUST_USE rs_code tpm_identify(struct front *front, const char *header, int *ret_is,
                                 struct pki_caller *ret_caller, struct rs_err *err);

/* base64 member of a JSON body into the arena. */
RS_MUST_USE rs_code call_bytes(struct call *call, const char *member, size_t max,
                               struct rs_bytes *ret_bytes, struct rs_err *err);
json_t *json_base64(struct rs_bytes bytes);
json_t *json_hex(struct rs_bytes bytes);
json_t *json_time(int64_t seconds);
/* PEM of a certificate and its chain as a JSON text. */
json_t *json_pem(struct rs_bytes der);
json_t *json_chain(struct front *front, const char *issuer);
json_t *json_cert(struct front *front, const struct store_cert *cert);

#endif /* SERVER_FRONT_H */
