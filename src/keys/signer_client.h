/*
 * signer_client.h: the front's end of the signer protocol.
 *
 * Asynchronous: submit a request, its callback runs once, on the client's own
 * thread, with the answer or an error.  Requests that queue while a message is
 * under way go out together (batches), with at most two messages waiting for
 * their answers at a time so that the signer syncs one while it signs another.
 *
 * When the signer dies, every waiting callback gets RS_E_SIGNER_AWAY and so do
 * new requests until signer_client_attach() brings a new socket.  Nothing is
 * repeated by itself: requests carry an identity and may be sent again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEYS_SIGNER_CLIENT_H
#define KEYS_SIGNER_CLIENT_H

#include "keys/proto.h"

struct signer_client;

/*
 * rc RS_OK: item is the answer (ISSUED, DONE, LEAF or READY; PARTs are
 * assembled into item->as.part with offset 0).  LEAFs come in several calls,
 * closed by the DONE.  Otherwise err says why.  item is borrowed.
 */
typedef void (*signer_answer_fn)(void *arg, rs_code rc, const struct proto_item *item,
                                 const struct rs_err *err);

/* fd: the front's end; owned from now on.  Says HELLO and waits for READY. */
RS_MUST_USE rs_code signer_client_new(int fd, const char *program,
                                      struct signer_client **ret_client,
                                      struct proto_ready *ret_ready, struct rs_err *err);
void signer_client_free(struct signer_client *client);

/* A new signer was started: go on with this socket. */
RS_MUST_USE rs_code signer_client_attach(struct signer_client *client, int fd, struct rs_err *err);

/* 1 while a signer answers. */
int signer_client_alive(struct signer_client *client);
/* Called (on the client's thread) whenever the signer goes away. */
void signer_client_on_away(struct signer_client *client, void (*fn)(void *arg), void *arg);

/*
 * Queue a request; item is encoded before this returns.  RS_E_REQUEST_LIMIT
 * when 4,096 are waiting, RS_E_SIGNER_AWAY when there is no signer; then the
 * callback does not run.
 */
RS_MUST_USE rs_code signer_client_submit(struct signer_client *client,
                                         const struct proto_item *item, signer_answer_fn answer,
                                         void *arg, struct rs_err *err);

/* Submit and wait; payload bytes of the answer are appended to out (may be NULL). */
RS_MUST_USE rs_code signer_client_call(struct signer_client *client, const struct proto_item *item,
                                       uint64_t *ret_leaf, struct rs_buf *out, struct rs_err *err);

#endif /* KEYS_SIGNER_CLIENT_H */
