/*
 * secret.h: bytes that never leave their holder (L9).
 *
 * Memory of its own mapping: locked, kept out of core dumps, wiped on fork and
 * at the end.  There is no way to print one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct rs_secret {
    uint8_t *p;
    size_t len;
    size_t map_len; /* what was mapped */
};

/* len bytes, zeroed.  RS_E_NO_MEMORY when the memory cannot be had. */
RS_MUST_USE rs_code rs_secret_init(struct rs_secret *s, size_t len, struct rs_err *err);
/* Wipe and give back.  NULL and zeroed are fine. */
void rs_secret_done(struct rs_secret *s);
RS_AUTO_DEFINE(struct rs_secret, rs_secret_done);

/* Read a secret file of mode 0600 or stricter, 1 to 4096 bytes; one trailing newline is dropped. */
RS_MUST_USE rs_code rs_secret_read_file(const char *path, struct rs_secret *ret_secret,
                                        struct rs_err *err);
/* The same for bytes that are no text: nothing is dropped. */
RS_MUST_USE rs_code rs_secret_read_bytes(const char *path, struct rs_secret *ret_secret,
                                         struct rs_err *err);

/* How many secrets are alive: tests demand 0 at the end. */
unsigned rs_secret_count(void);

/*
 * Make this process hard to look into: no core dumps, not traceable, no new
 * rights by exec, files made for nobody else.  Called first thing by the signer
 * and others that hold keys.
 */
RS_MUST_USE rs_code rs_process_harden(struct rs_err *err);

#endif /* BASE_SECRET_H */
