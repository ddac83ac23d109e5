/*
 * bytes.h: memory with a length, growing buffers, bounded readers, hex, base64.
 *
 * struct rs_bytes borrows.  struct rs_buf owns, grows up to a stated maximum,
 * and is sticky: after the first failed put every further put does nothing and
 * rs_buf_ok() is 0, so that a message is built in straight lines and checked
 * once.  struct rs_reader walks over borrowed bytes and is sticky too.  Numbers
 * are big-endian on every wire and in every file of ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed bytes.  p may be NULL when len is 0. */
struct rs_bytes {
    const uint8_t *p;
    size_t len;
};

#define RS_BYTES(array) ((struct rs_bytes){(array), sizeof(array)})

struct rs_bytes rs_bytes_of(const void *p, size_t len);
struct rs_bytes rs_bytes_str(const char *text); /* without its NUL */
int rs_bytes_equal(struct rs_bytes a, struct rs_bytes b);
/* Constant in time over equal lengths: for MACs, tokens and secrets. */
int rs_bytes_equal_secret(struct rs_bytes a, struct rs_bytes b);

/* Wipe memory in a way that the compiler keeps. */
void rs_wipe(void *p, size_t len);

/* ---- Owning buffer ------------------------------------------------------- */

struct rs_buf {
    uint8_t *p; /* heap, or the caller's memory when fixed */
    size_t len;
    size_t cap;
    size_t max; /* it never grows past this */
    unsigned char fixed;
    unsigned char failed; /* sticky */
    unsigned char secret; /* wiped on growth and at the end */
};

/* An empty buffer that grows up to max bytes; nothing is allocated yet. */
void rs_buf_init(struct rs_buf *b, size_t max);
/* The same over memory of the caller; never allocates. */
void rs_buf_init_fixed(struct rs_buf *b, uint8_t *p, size_t cap);
/* Free (and wipe, if secret).  NULL and zeroed are fine; usable again after rs_buf_init. */
void rs_buf_done(struct rs_buf *b);
RS_AUTO_DEFINE(struct rs_buf, rs_buf_done);
void rs_buf_reset(struct rs_buf *b); /* len = 0, failed = 0, memory kept */

/* 1 if every put so far succeeded. */
int rs_buf_ok(const struct rs_buf *b);
struct rs_bytes rs_buf_bytes(const struct rs_buf *b);

void rs_buf_put(struct rs_buf *b, const void *p, size_t len);
void rs_buf_put_bytes(struct rs_buf *b, struct rs_bytes bytes);
void rs_buf_put_u8(struct rs_buf *b, unsigned v);
void rs_buf_put_u16(struct rs_buf *b, unsigned v);
void rs_buf_put_u32(struct rs_buf *b, uint32_t v);
void rs_buf_put_u64(struct rs_buf *b, uint64_t v);
void rs_buf_put_str(struct rs_buf *b, const char *text); /* no NUL, no length */
void rs_buf_printf(struct rs_buf *b, const char *fmt, ...) RS_PRINTF(2, 3);
/* Length-prefixed: u16 or u32 length, then the bytes. */
void rs_buf_put_u16_bytes(struct rs_buf *b, struct rs_bytes bytes);
void rs_buf_put_u32_bytes(struct rs_buf *b, struct rs_bytes bytes);
/* Room for len bytes, uninitialised, counted as written; NULL when it does not fit. */
uint8_t *rs_buf_extend(struct rs_buf *b, size_t len);
/* Overwrite at an earlier position (lengths filled in later). */
void rs_buf_set_u32(struct rs_buf *b, size_t at, uint32_t v);

/* ---- Reader -------------------------------------------------------------- */

struct rs_reader {
    const uint8_t *p;
    size_t left;
    unsigned char failed; /* sticky: a read past the end; all further reads give zeros */
};

void rs_reader_init(struct rs_reader *r, struct rs_bytes bytes);
int rs_reader_ok(const struct rs_reader *r);   /* nothing failed so far */
int rs_reader_done(const struct rs_reader *r); /* nothing failed and nothing is left */
unsigned rs_read_u8(struct rs_reader *r);
unsigned rs_read_u16(struct rs_reader *r);
uint32_t rs_read_u32(struct rs_reader *r);
uint64_t rs_read_u64(struct rs_reader *r);
struct rs_bytes rs_read_bytes(struct rs_reader *r, size_t len);
/* Length-prefixed; a length above max fails the reader. */
struct rs_bytes rs_read_u16_bytes(struct rs_reader *r, size_t max);
struct rs_bytes rs_read_u32_bytes(struct rs_reader *r, size_t max);

/* ---- Big-endian in place -------------------------------------------------- */

uint16_t rs_get_u16(const uint8_t *p);
uint32_t rs_get_u32(const uint8_t *p);
uint64_t rs_get_u64(const uint8_t *p);
void rs_set_u16(uint8_t *p, unsigned v);
void rs_set_u32(uint8_t *p, uint32_t v);
void rs_set_u64(uint8_t *p, uint64_t v);

/* ---- Text forms ----------------------------------------------------------- */

/* Lower-case hex with NUL; cap must be at least 2 * len + 1, else an empty string. */
void rs_hex(struct rs_bytes bytes, char *text, size_t cap);
/* Even number of hex digits, either case; nothing else. */
RS_MUST_USE int rs_hex_read(const char *text, size_t text_len, uint8_t *out, size_t cap,
                            size_t *ret_len);

/* Base64 (RFC 4648 4) in lines of line_len characters ending with LF; 0: one line, no LF. */
void rs_base64_put(struct rs_buf *b, struct rs_bytes bytes, size_t line_len);
/*
 * Base64 in: white space anywhere is skipped, padding must be right, no other
 * character.  Appends to out; 0 on malformed input, with part of it appended.
 */
RS_MUST_USE int rs_base64_read(struct rs_bytes text, struct rs_buf *out);

/* Length of the valid UTF-8 sequence at p (RFC 3629), or 0. */
size_t rs_utf8_len(const uint8_t *p, size_t left);
/* Make text safe to show: control characters and what is not UTF-8 become "?". */
void rs_text_clean(char *text);

/* CRC-32C (Castagnoli), as in the ledger and journals. */
uint32_t rs_crc32c(uint32_t crc, struct rs_bytes bytes);

#endif /* BASE_BYTES_H */
