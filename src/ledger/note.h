/*
 * note.h: C2SP signed notes that carry a checkpoint, the writer's side.
 *
 * Text: origin, size, base64 root; a blank line; signature lines.  Only
 * Ed25519 (signature type 0x01).  c2sp.org/signed-note, c2sp.org/tlog-checkpoint.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_NOTE_H
#define LEDGER_NOTE_H

#include "ledger/hash.h"
#include "ledger/ledger.h"

#define NOTE_MAX        16384 /* bytes; others may add witness signatures */
#define NOTE_ORIGIN_MAX 256

/* 1 if a text can be an origin and key name: not empty, no space, no plus, no control character. */
int note_origin_ok(const char *origin);

/*
 * 1 unless the last component of origin is a number other than signer_id: the
 * origin is what binds the id in the segment headers to signed checkpoints.
 */
int note_origin_names(const char *origin, uint32_t signer_id);

/* Make and sign a checkpoint note; appends to ret_note. */
RS_MUST_USE rs_code note_put(struct ledger_hasher *h, const struct ledger_config *config,
                             const struct ledger_head *head, struct rs_buf *ret_note,
                             struct rs_err *err);

/*
 * Read a checkpoint of this origin and check its signature.
 * RS_E_LEDGER_DAMAGED when it is malformed, of another origin, or not signed by the key.
 */
RS_MUST_USE rs_code note_read(struct ledger_hasher *h, const struct ledger_config *config,
                              struct rs_bytes note, struct ledger_head *ret_head,
                              struct rs_err *err);

#endif /* LEDGER_NOTE_H */
