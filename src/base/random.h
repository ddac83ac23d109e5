/*
 * random.h: random bytes, or nothing.
 *
 * OpenSSL's generator, mixed with a fresh getrandom() by exclusive or, so that
 * a cloned virtual machine does not repeat user-space state (TM-327).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* RS_E_CRYPTO_RANDOM when either source fails: the caller issues nothing. */
RS_MUST_USE rs_code rs_random(uint8_t *buf, size_t len, struct rs_err *err);

/* Crockford base32 text of count characters (5 bits each) with NUL: ids and codes. */
RS_MUST_USE rs_code rs_random_text(char *text, size_t count, struct rs_err *err);

#endif /* BASE_RANDOM_H */
