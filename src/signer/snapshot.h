/*
 * snapshot.h: the state on disk, so that a start need not replay the whole log.
 *
 * A cache and nothing more: it is believed only when its MAC holds and it
 * belongs to a prefix of the ledger; otherwise the fold starts from leaf 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_SNAPSHOT_H
#define SIGNER_SNAPSHOT_H

#include "signer/state.h"

RS_MUST_USE rs_code snapshot_save(const struct state *s, const uint8_t mac_key[32],
                                  const char *path, struct rs_err *err);
/* 1 and a filled state, or 0 and an empty one. */
int snapshot_load(struct state *s, const uint8_t mac_key[32], const char *path);

#endif /* SIGNER_SNAPSHOT_H */
