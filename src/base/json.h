/*
 * json.h: strict JSON in (jansson), and small helpers to build and pick.
 *
 * Reading refuses duplicate keys, trailing bytes, depth over 8, more than 256
 * members an object, numbers over 20 characters (threat model 11).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/bytes.h"

static inline void
rs_json_done(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}
RS_AUTO_DEFINE(json_t *, rs_json_done);

/* RS_E_REQUEST_FORMAT with line and column. */
RS_MUST_USE rs_code rs_json_read(struct rs_bytes text, json_t **ret_json, struct rs_err *err);

/* Compact, keys in insertion order, no newline; appended to out. */
void rs_json_put(struct rs_buf *out, const json_t *json);

/* Members by name.  Wrong type or missing: RS_E_REQUEST_FORMAT naming the member. */
RS_MUST_USE rs_code rs_json_text(const json_t *object, const char *name, const char **ret_text,
                                 struct rs_err *err);
RS_MUST_USE rs_code rs_json_int(const json_t *object, const char *name, int64_t min, int64_t max,
                                int64_t *ret_value, struct rs_err *err);
/* Lower-case hex member, at most cap bytes. */
RS_MUST_USE rs_code rs_json_hex(const json_t *object, const char *name, uint8_t *buf, size_t cap,
                                size_t *ret_len, struct rs_err *err);
/* As text, but NULL when the member is missing. */
const char *rs_json_text_or(const json_t *object, const char *name, const char *otherwise);

#endif /* BASE_JSON_H */
