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
};

struct est_call {
    struct pki *pki;
    struct pki_caller caller;   /* role PKI_NOBODY: not authenticated */
    char label[STORE_NAME_MAX]; /* "" when the path has none */
    enum est_operation operation;
    int is_post;
    const char *content_type;
    struct rs_bytes body;
    int lines; /* the client needs base64 in lines (msg/est.h) */
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

/* Everything in call must live until the reply. */
void est_handle(const struct est_call *call, est_reply_fn reply, void *arg);

#endif /* PROTO_EST_H */
