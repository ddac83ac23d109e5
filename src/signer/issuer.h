/*
 * issuer.h: making CAs, and putting documents into the ledger; private to src/signer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_ISSUER_H
#define SIGNER_ISSUER_H

#include "signer/core.h"

/* One document leaf, applied to the state. */
RS_MUST_USE rs_code signer_put_document(struct signer *s, enum ledger_type type,
                                        const struct proto_document *m, uint64_t *ret_leaf,
                                        struct rs_err *err);

/* The rules for an issuer document: parent, path length, dates, key algorithm, profiles. */
RS_MUST_USE rs_code signer_check_issuer(struct signer *s, const struct proto_document *m,
                                        struct rs_err *err);
/*
 * Put the document, make the key, and certify it by its parent (itself for a
 * root): leaf first, then signature, then the file ca/NAME.cer.  What was cut
 * off before goes on from where it stands.
 */
RS_MUST_USE rs_code signer_make_issuer(struct signer *s, const struct proto_document *m,
                                       uint64_t *ret_leaf, struct rs_err *err);
/* The leaf stands and the file does not: sign what the leaf says, and write it. */
RS_MUST_USE rs_code signer_complete_issuer(struct signer *s, const struct state_issuer *rec,
                                           struct crypto_key *key, struct rs_err *err);

/* cross.c: the rules for a certificate between two keys of one root, and the making of it. */
RS_MUST_USE rs_code signer_check_cross(struct signer *s, const struct proto_document *m,
                                       struct rs_err *err);
RS_MUST_USE rs_code signer_make_cross(struct signer *s, const struct proto_document *m,
                                      uint64_t *ret_leaf, struct rs_err *err);

#endif /* SIGNER_ISSUER_H */
