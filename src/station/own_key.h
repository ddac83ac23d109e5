/*
 * own_key.h: a station's own key inside a chip, and the counter beside it.
 *
 * The key authenticates the station to its server (TLS client authentication
 * through bindings/provider); it is made in the chip and never leaves it.  The
 * counter says how often the line was started, so that a journal that was put
 * back from a copy is noticed (docs/protocols/station.md).
 *
 * A chip's name is what rot/linux.h takes ("tpm", "soft:FILE"), or a rot: URI that
 * may also name the object; without one it is the chip's IDevID.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_OWN_KEY_H
#define STATION_OWN_KEY_H

#include <rot/rot_limits.h>

#include "base/bytes.h"

#define OWN_KEY_URI_MAX 1024

struct evp_pkey_st;

/* A chip's name into its one URI.  RS_E_USAGE: it is none. */
RS_MUST_USE rs_code own_key_uri(const char *text, char uri[OWN_KEY_URI_MAX], struct rs_err *err);

/* SubjectPublicKeyInfo of the key that is there, or of a new one.  RS_E_CHIP_...: what went wrong. */
RS_MUST_USE rs_code own_key_make(const char *uri, uint8_t spki[ROT_PUBLIC_KEY_MAX], size_t *ret_len,
                                 struct rs_err *err);

/* Sign a request: a client_sign_fn (client/csr.h) whose arg is the URI. */
rs_code own_key_sign(void *uri, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
                     struct rs_err *err);

/* The key for TLS; lives as long as the process. */
RS_MUST_USE rs_code own_key_tls(const char *uri, struct evp_pkey_st **ret_key, struct rs_err *err);

/*
 * The chip's counter 0, read or counted up first.  *ret_has 0: the chip has none, which is
 * no failure; the value is 0 then.
 */
RS_MUST_USE rs_code own_key_counter(const char *uri, int count_up, int *ret_has,
                                    uint64_t *ret_value, struct rs_err *err);

#endif /* STATION_OWN_KEY_H */
