/*
 * der.h: strict DER in, DER out, without allocation.
 *
 * Reading: a cursor over borrowed bytes; definite, minimal lengths only; sticky
 * failure like rs_reader.  Depth is bounded because every level is a cursor in
 * a C variable.
 *
 * Writing goes backwards, from the end of a buffer to its start: when a header
 * is written its content is already there, so lengths are known and nothing is
 * moved.  A message is therefore built in the reverse order of its fields.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_DER_H
#define X509_DER_H

#include <stdint.h>

#include "base/bytes.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* Context tags: constructed [n] and primitive [n]. */
#define DER_CONTEXT(n)           (0xa0u | (unsigned)(n))
#define DER_CONTEXT_PRIMITIVE(n) (0x80u | (unsigned)(n))

/* ---- Reading ------------------------------------------------------------------- */

struct der {
    struct rs_reader in;
};

void der_init(struct der *d, struct rs_bytes bytes);
int der_ok(const struct der *d);
int der_done(const struct der *d); /* ok, and nothing is left */
/* The next tag without consuming it; 0 at the end. */
unsigned der_peek(const struct der *d);

/* The content of the next element, which must have this tag. */
struct rs_bytes der_take(struct der *d, unsigned tag);
/* The same with its header. */
struct rs_bytes der_take_whole(struct der *d, unsigned tag);
/* Any element, with its header. */
struct rs_bytes der_take_any(struct der *d);
/* Enter a constructed element. */
void der_enter(struct der *d, unsigned tag, struct der *ret_inner);
/* 1 and entered if the next element has this tag. */
int der_enter_optional(struct der *d, unsigned tag, struct der *ret_inner);

/* A non-negative INTEGER as minimal big-endian bytes without a sign byte (0 is one zero byte). */
struct rs_bytes der_take_uint(struct der *d, size_t max);
/* A small non-negative INTEGER. */
uint64_t der_take_small(struct der *d, uint64_t max);
int der_take_boolean(struct der *d);
/* BIT STRING without unused bits. */
struct rs_bytes der_take_bits(struct der *d);
/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them; 99991231235959Z is INT64_MAX. */
int64_t der_take_time(struct der *d);
/* Mark the cursor as failed: a rule above DER was broken. */
void der_fail(struct der *d);

/* ---- Writing --------------------------------------------------------------------- */

struct der_out {
    uint8_t *start; /* of the buffer */
    uint8_t *at;    /* the first byte written so far */
    uint8_t *end;
    int failed;
};

void der_out_init(struct der_out *o, uint8_t *buf, size_t cap);
int der_out_ok(const struct der_out *o);
/* What has been written. */
struct rs_bytes der_out_bytes(const struct der_out *o);
/* A mark: bytes written so far; der_put_header() counts from it. */
size_t der_mark(const struct der_out *o);

void der_put(struct der_out *o, struct rs_bytes bytes);
void der_put_byte(struct der_out *o, unsigned byte);
/* The header of everything written since mark. */
void der_put_header(struct der_out *o, unsigned tag, size_t mark);
/* Whole elements. */
void der_put_element(struct der_out *o, unsigned tag, struct rs_bytes content);
/* INTEGER from unsigned big-endian bytes: leading zeros dropped, a sign byte where needed. */
void der_put_uint(struct der_out *o, struct rs_bytes value);
void der_put_small(struct der_out *o, uint64_t value);
void der_put_boolean(struct der_out *o, int value);
void der_put_bits(struct der_out *o, struct rs_bytes bytes);
/* Named bits (RFC 5280 keyUsage): bit n of value is named bit n; trailing zeros are cut. */
void der_put_named_bits(struct der_out *o, uint32_t value, unsigned count);
/* Seconds since 1970 as UTCTime through 2049, else GeneralizedTime; INT64_MAX: no end. */
void der_put_time(struct der_out *o, int64_t seconds);
void der_put_generalized_time(struct der_out *o, int64_t seconds);

#endif /* X509_DER_H */
