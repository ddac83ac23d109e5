/*
 * est.h: EST (RFC 7030, 8951) as messages: no sockets, no HTTP library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROTO_EST_H
#define PROTO_EST_H

#include "pki/pki.h"

enum est_operation {
    EST_UNKNOWN = 0,
    EST_CACERTS = 1,
    EST_SIMPLEENROLL = 2,
    EST_SIMPLEREENROLL = 3,
    EST_CSRATTRS = 4,
};

enum est_method {
    EST_GET = 1, /* HEAD too: who sends leaves the body out */
    EST_POST = 2,
    EST_OTHER = 3,
};

struct est_call {
    struct pki *pki;
    struct pki_caller caller;   /* role PKI_NOBODY: not authenticated */
    char label[STORE_NAME_MAX]; /* "" when the path has none */
    enum est_operation operation;
    enum est_method method;
    int has_length; /* the request said how long its body is, or sent it in chunks */
    const char *content_type;
    struct rs_bytes body;
    int lines; /* the client needs base64 in lines (msg/est.h) */
    int (*is_linked)(void *arg, struct rs_bytes text); /* as in pki.h */
    void *link;
    int must_link;
    const char *retry_after; /* seconds, for a refusal that passes; NULL: "1" */
};

struct est_reply {
    int status;
    const char *content_type;
    struct rs_bytes body;
    const char *header, *value; /* one more header; NULL: none */
};

/* Runs exactly once, on any thread; everything is borrowed. */
typedef void (*est_reply_fn)(void *arg, const struct est_reply *reply);

/*
 * "/.well-known/est/[label/]operation" into label and operation; 0 when the
 * path is not EST's at all.  EST_UNKNOWN: it is, and names no operation.
 */
int est_parse_path(const char *path, char label[STORE_NAME_MAX], enum est_operation *ret_operation);

/* 1 when the operation asks who calls; the others answer anybody. */
int est_needs_caller(enum est_operation operation);

/* What is wrong with an enrolment before anybody looks who asks. */
RS_MUST_USE rs_code est_check(const struct est_call *call, struct rs_err *err);

/*
 * Everything in call must live until the reply.  est_refuse() answers with a
 * refusal that was found before: RFC 7030 4.2.3, a line of text/plain, with the
 * headers that go with its status.
 */
void est_handle(const struct est_call *call, est_reply_fn reply, void *arg);
void est_refuse(const struct est_call *call, const struct rs_err *err, est_reply_fn reply,
                void *arg);

/*
 * What a request under this label should have (RFC 7030 4.5, RFC 9908), DER.
 * linking: with the proof that it belongs to its connection.
 */
RS_MUST_USE rs_code est_csrattrs(const struct pki_caller *caller, const struct pki_label *label,
                                 int linking, struct rs_arena *arena, struct rs_buf *out,
                                 struct rs_err *err);

#endif /* PROTO_EST_H */
