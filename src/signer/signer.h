/*
 * signer.h: the process that holds the CA keys and writes the ledger.
 *
 * It reads one socket (the front's requests, proto.h), its own directory, and
 * nothing else; it has no network.  What it does for whom is decided by what it
 * holds itself: approved profiles, issuers, orders and officers, all of them
 * folded from its ledger.
 *
 * Its directory:  ledger/  keys/  ca/NAME.cer  state.snapshot  claim.key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNER_SIGNER_H
#define SIGNER_SIGNER_H

#include <stdint.h>

#include "base/secret.h"

struct signer_config {
    const char *dir;                    /* the signer's own directory; must exist */
    const char *witness_dir;            /* second place for checkpoints */
    const struct rs_secret *passphrase; /* of the key store */
    unsigned threads;                   /* signing threads; 0: one per core */
    int start_empty;                    /* 1: an empty directory is fine (bootstrap follows) */
};

/*
 * Serve requests on fd until the other side closes it or a stop signal comes.
 * Says READY (or REFUSED, when it must not sign) after HELLO.  Returns when
 * everything accepted is answered and a checkpoint is written.
 */
RS_MUST_USE rs_code signer_run(const struct signer_config *config, int fd, struct rs_err *err);

/*
 * Make a new one-time claim code valid until `until`; the key derived from the
 * code is kept outside the log.  For `rootsmithd --new-claim`, while no signer runs.
 */
RS_MUST_USE rs_code signer_make_claim(const struct signer_config *config, const uint8_t key[32],
                                      int64_t until, struct rs_err *err);

#endif /* SIGNER_SIGNER_H */
