/*
 * cbor.h: deterministic CBOR (RFC 8949 4.2.1), as ledger leaves and signed
 * documents use it.
 *
 * Writing is straight puts into a struct rs_buf.  Reading is strict and in
 * place: shortest lengths only, definite lengths only, map keys are unsigned
 * integers in rising order, text is valid UTF-8, no tags, no floats, nothing
 * after the end.  Sticky like rs_reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H

#include "base/bytes.h"

void rs_cbor_put_uint(struct rs_buf *b, uint64_t v);
void rs_cbor_put_int(struct rs_buf *b, int64_t v);
void rs_cbor_put_bytes(struct rs_buf *b, struct rs_bytes v);
void rs_cbor_put_text(struct rs_buf *b, const char *v);
void rs_cbor_put_text_bytes(struct rs_buf *b, struct rs_bytes v);
void rs_cbor_put_bool(struct rs_buf *b, int v);
void rs_cbor_put_null(struct rs_buf *b);
void rs_cbor_put_array(struct rs_buf *b, size_t count);
void rs_cbor_put_map(struct rs_buf *b, size_t pairs); /* then key (uint, rising), value, ... */

struct rs_cbor {
    struct rs_reader in;
    unsigned depth; /* at most 8 */
};

enum rs_cbor_type {
    RS_CBOR_END = 0, /* nothing left, or failed */
    RS_CBOR_UINT,
    RS_CBOR_NEGATIVE,
    RS_CBOR_BYTES,
    RS_CBOR_TEXT,
    RS_CBOR_ARRAY,
    RS_CBOR_MAP,
    RS_CBOR_BOOL,
    RS_CBOR_NULL,
};

void rs_cbor_init(struct rs_cbor *c, struct rs_bytes bytes);
int rs_cbor_ok(const struct rs_cbor *c);
int rs_cbor_done(const struct rs_cbor *c); /* ok and nothing is left */
enum rs_cbor_type rs_cbor_peek(const struct rs_cbor *c);
uint64_t rs_cbor_uint(struct rs_cbor *c);
int64_t rs_cbor_int(struct rs_cbor *c);
struct rs_bytes rs_cbor_bytes(struct rs_cbor *c, size_t max);
struct rs_bytes rs_cbor_text(struct rs_cbor *c, size_t max); /* not NUL-terminated */
int rs_cbor_bool(struct rs_cbor *c);
size_t rs_cbor_array(struct rs_cbor *c, size_t max); /* number of items that follow */
size_t rs_cbor_map(struct rs_cbor *c, size_t max);   /* number of pairs that follow */
/* The next map key must be this one. */
void rs_cbor_key(struct rs_cbor *c, uint64_t key);
/* 1 and consumed if the next item is null. */
int rs_cbor_null(struct rs_cbor *c);
void rs_cbor_skip(struct rs_cbor *c);
/* The raw bytes of the next item, consumed. */
struct rs_bytes rs_cbor_item(struct rs_cbor *c);

#endif /* BASE_CBOR_H */
