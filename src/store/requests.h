/*
 * requests.h: the newest requests of one public key, as they stand in the key's row.
 *
 * A retry is the same bytes, so it names the same key: what it got at first is
 * found in the row of that key, which is read anyway (L8).  The list is short
 * and has the requests that live longest.  What falls out of it is answered
 * anew: a further certificate, never a wrong one.
 *
 * An entry is: u64 until, the request id (32 bytes), u8 length and issuer, u8
 * length and serial; the longest living first.  For backends; nothing here
 * knows a database.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_REQUESTS_H
#define STORE_REQUESTS_H

#include "store/store.h"

#define REQUESTS_MAX 4
#define REQUESTS_BYTES_MAX                                                                         \
    (REQUESTS_MAX * (8 + 32 + 1 + (STORE_NAME_MAX - 1) + 1 + STORE_SERIAL_MAX))

struct requests_entry {
    struct rs_bytes id; /* 32 */
    int64_t until;      /* seconds: it lives before this moment */
    struct rs_bytes issuer, serial;
};

/*
 * The live entry of this id: *ret_found, and *ret_entry, which points into list.
 * RS_E_STORE_DAMAGED when list is none.
 */
RS_MUST_USE rs_code requests_find(struct rs_bytes list, const uint8_t id[32], int64_t now,
                                  struct requests_entry *ret_entry, int *ret_found,
                                  struct rs_err *err);
/*
 * Append to out what list becomes with this entry: what has expired is left
 * out, and what is one too many.  out has room for REQUESTS_BYTES_MAX.  The
 * caller has looked for a live entry of the same id.
 */
RS_MUST_USE rs_code requests_add(struct rs_bytes list, const struct requests_entry *entry,
                                 int64_t now, struct rs_buf *out, struct rs_err *err);

#endif /* STORE_REQUESTS_H */
