/*
 * scp03.h: the chip's end of a secure channel (GlobalPlatform SCP03).
 *
 * One is the platform's, each AESKey and ECKey session has another.  A channel
 * starts with two challenges, is open when the host showed its cryptogram, and
 * then takes commands apart and puts answers together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SE05X_SCP03_H
#define SIMS_SE05X_SCP03_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SE05X_KEY_MAX 32 /* AES-128 or AES-256 */

/* Static keys. */
struct se05x_keys {
    uint8_t version; /* KVN */
    uint8_t len;     /* 16, 24 or 32 */
    uint8_t enc[SE05X_KEY_MAX], mac[SE05X_KEY_MAX], dek[SE05X_KEY_MAX];
};

enum se05x_scp_state {
    SE05X_SCP_CLOSED = 0,
    SE05X_SCP_CHALLENGED,
    SE05X_SCP_OPEN,
};

struct se05x_scp {
    enum se05x_scp_state state;
    uint8_t len;
    uint8_t enc[SE05X_KEY_MAX], mac[SE05X_KEY_MAX], rmac[SE05X_KEY_MAX];
    uint8_t host_cryptogram[8];
    uint8_t chain[16]; /* MAC chaining value */
    uint32_t next;     /* counter of the next command */
    uint32_t now;      /* of the one that is being answered */
};

struct se05x_apdu;

/* INITIALIZE UPDATE: session keys; the card's cryptogram goes to cryptogram.  0: no crypto. */
int se05x_scp_start(struct se05x_scp *s, const struct se05x_keys *keys, const uint8_t host[8],
                    const uint8_t card[8], uint8_t cryptogram[8]);
/* EXTERNAL AUTHENTICATE: 1 when cryptogram and MAC are right; the channel is open then. */
int se05x_scp_authenticate(struct se05x_scp *s, const struct se05x_apdu *apdu);
/* An open channel from an agreed master secret (ECKey sessions). */
int se05x_scp_from_master(struct se05x_scp *s, const uint8_t master[16]);

/*
 * Take a command apart: MAC checked, data decrypted into room, which must hold apdu->len bytes.
 * skip_dataless: a command without data does not count.  0: wrong, and the channel is closed.
 */
int se05x_scp_open_command(struct se05x_scp *s, const struct se05x_apdu *apdu, int skip_dataless,
                           uint8_t *room, struct se05x_apdu *ret_plain);
/* Put an answer together: out is encrypted in place and gets its MAC.  0: no crypto. */
int se05x_scp_close_answer(struct se05x_scp *s, unsigned sw, struct rs_buf *out);

void se05x_scp_end(struct se05x_scp *s);

#endif /* SIMS_SE05X_SCP03_H */
