/*
 * bytes.c: buffers, readers, and text forms of bytes.  See bytes.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define BUF_FIRST 256

struct rs_bytes
rs_bytes_of(const void *p, size_t len)
{
    return (struct rs_bytes){p, len};
}

struct rs_bytes
rs_bytes_str(const char *text)
{
    return (struct rs_bytes){(const uint8_t *)text, strlen(text)};
}

int
rs_bytes_equal(struct rs_bytes a, struct rs_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int
rs_bytes_equal_secret(struct rs_bytes a, struct rs_bytes b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.p, b.p, a.len) == 0);
}

void
rs_wipe(void *p, size_t len)
{
    if (p != NULL && len > 0)
        OPENSSL_cleanse(p, len);
}

/* ---- Owning buffer ------------------------------------------------------------ */

void
rs_buf_init(struct rs_buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max;
}

void
rs_buf_init_fixed(struct rs_buf *b, uint8_t *p, size_t cap)
{
    memset(b, 0, sizeof(*b));
    b->p = p;
    b->cap = cap;
    b->max = cap;
    b->fixed = 1;
}

void
rs_buf_done(struct rs_buf *b)
{
    size_t max;

    if (b == NULL)
        return;
    if (b->secret)
        rs_wipe(b->p, b->cap);
    if (!b->fixed)
        free(b->p);
    max = b->fixed ? 0 : b->max;
    rs_buf_init(b, max);
}

void
rs_buf_reset(struct rs_buf *b)
{
    b->len = 0;
    b->failed = 0;
}

int
rs_buf_ok(const struct rs_buf *b)
{
    return !b->failed;
}

struct rs_bytes
rs_buf_bytes(const struct rs_buf *b)
{
    return (struct rs_bytes){b->p, b->len};
}

/* realloc() may leave a copy behind, so a secret buffer moves by hand. */
static int
grow(struct rs_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    uint8_t *p;

    if (b->fixed || need > b->max)
        return 0;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    p = malloc(cap);
    if (p == NULL)
        return 0;
    if (b->len > 0)
        memcpy(p, b->p, b->len);
    if (b->secret)
        rs_wipe(b->p, b->cap);
    free(b->p);
    b->p = p;
    b->cap = cap;
    return 1;
}

uint8_t *
rs_buf_extend(struct rs_buf *b, size_t len)
{
    uint8_t *p;

    if (b->failed || len > SIZE_MAX - b->len || (b->len + len > b->cap && !grow(b, b->len + len))) {
        b->failed = 1;
        return NULL;
    }
    p = b->p + b->len;
    b->len += len;
    return p;
}

void
rs_buf_put(struct rs_buf *b, const void *p, size_t len)
{
    uint8_t *at;

    if (len == 0)
        return;
    at = rs_buf_extend(b, len);
    if (at != NULL)
        memcpy(at, p, len);
}

void
rs_buf_put_bytes(struct rs_buf *b, struct rs_bytes bytes)
{
    rs_buf_put(b, bytes.p, bytes.len);
}

void
rs_buf_put_u8(struct rs_buf *b, unsigned v)
{
    uint8_t x = (uint8_t)v;

    if (v > 0xff)
        b->failed = 1;
    rs_buf_put(b, &x, 1);
}

void
rs_buf_put_u16(struct rs_buf *b, unsigned v)
{
    uint8_t x[2];

    if (v > 0xffff)
        b->failed = 1;
    rs_set_u16(x, v);
    rs_buf_put(b, x, sizeof(x));
}

void
rs_buf_put_u32(struct rs_buf *b, uint32_t v)
{
    uint8_t x[4];

    rs_set_u32(x, v);
    rs_buf_put(b, x, sizeof(x));
}

void
rs_buf_put_u64(struct rs_buf *b, uint64_t v)
{
    uint8_t x[8];

    rs_set_u64(x, v);
    rs_buf_put(b, x, sizeof(x));
}

void
rs_buf_put_str(struct rs_buf *b, const char *text)
{
    rs_buf_put(b, text, strlen(text));
}

void
rs_buf_printf(struct rs_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = 1;
        return;
    }
    /* One byte more for the NUL that vsnprintf writes; it is not counted. */
    uint8_t *at = rs_buf_extend(b, (size_t)n + 1);
    if (at == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf((char *)at, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len--;
}

void
rs_buf_put_u16_bytes(struct rs_buf *b, struct rs_bytes bytes)
{
    if (bytes.len > 0xffff) {
        b->failed = 1;
        return;
    }
    rs_buf_put_u16(b, (unsigned)bytes.len);
    rs_buf_put_bytes(b, bytes);
}

void
rs_buf_put_u32_bytes(struct rs_buf *b, struct rs_bytes bytes)
{
    if (bytes.len > UINT32_MAX) {
        b->failed = 1;
        return;
    }
    rs_buf_put_u32(b, (uint32_t)bytes.len);
    rs_buf_put_bytes(b, bytes);
}

void
rs_buf_set_u32(struct rs_buf *b, size_t at, uint32_t v)
{
    if (b->failed || at > b->len || b->len - at < 4) {
        b->failed = 1;
        return;
    }
    rs_set_u32(b->p + at, v);
}

/* ---- Reader -------------------------------------------------------------------- */

void
rs_reader_init(struct rs_reader *r, struct rs_bytes bytes)
{
    r->p = bytes.p;
    r->left = bytes.len;
    r->failed = 0;
}

int
rs_reader_ok(const struct rs_reader *r)
{
    return !r->failed;
}

int
rs_reader_done(const struct rs_reader *r)
{
    return !r->failed && r->left == 0;
}

struct rs_bytes
rs_read_bytes(struct rs_reader *r, size_t len)
{
    struct rs_bytes out = {r->p, len};

    if (r->failed || len > r->left) {
        r->failed = 1;
        return (struct rs_bytes){NULL, 0};
    }
    if (len > 0)
        r->p += len;
    r->left -= len;
    return out;
}

unsigned
rs_read_u8(struct rs_reader *r)
{
    struct rs_bytes b = rs_read_bytes(r, 1);

    return b.len == 1 ? b.p[0] : 0;
}

unsigned
rs_read_u16(struct rs_reader *r)
{
    struct rs_bytes b = rs_read_bytes(r, 2);

    return b.len == 2 ? rs_get_u16(b.p) : 0;
}

uint32_t
rs_read_u32(struct rs_reader *r)
{
    struct rs_bytes b = rs_read_bytes(r, 4);

    return b.len == 4 ? rs_get_u32(b.p) : 0;
}

uint64_t
rs_read_u64(struct rs_reader *r)
{
    struct rs_bytes b = rs_read_bytes(r, 8);

    return b.len == 8 ? rs_get_u64(b.p) : 0;
}

static struct rs_bytes
read_bounded(struct rs_reader *r, size_t len, size_t max)
{
    if (len > max)
        r->failed = 1;
    return rs_read_bytes(r, len);
}

struct rs_bytes
rs_read_u16_bytes(struct rs_reader *r, size_t max)
{
    return read_bounded(r, rs_read_u16(r), max);
}

struct rs_bytes
rs_read_u32_bytes(struct rs_reader *r, size_t max)
{
    return read_bounded(r, rs_read_u32(r), max);
}

/* ---- Big-endian in place --------------------------------------------------------- */

uint16_t
rs_get_u16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

uint32_t
rs_get_u32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

uint64_t
rs_get_u64(const uint8_t *p)
{
    return ((uint64_t)rs_get_u32(p) << 32) | rs_get_u32(p + 4);
}

void
rs_set_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void
rs_set_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

void
rs_set_u64(uint8_t *p, uint64_t v)
{
    rs_set_u32(p, (uint32_t)(v >> 32));
    rs_set_u32(p + 4, (uint32_t)v);
}

/* ---- Text forms -------------------------------------------------------------------- */

void
rs_hex(struct rs_bytes bytes, char *text, size_t cap)
{
    static const char digits[] = "0123456789abcdef";

    if (cap == 0)
        return;
    text[0] = '\0';
    if (bytes.len > (cap - 1) / 2)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[bytes.p[i] >> 4];
        text[2 * i + 1] = digits[bytes.p[i] & 15];
    }
    text[2 * bytes.len] = '\0';
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int
rs_hex_read(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (text_len % 2 != 0 || text_len / 2 > cap)
        return 0;
    for (size_t i = 0; i < text_len / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i] = (uint8_t)((high << 4) | low);
    }
    *ret_len = text_len / 2;
    return 1;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four characters. */
static void
base64_group(const uint8_t *p, size_t n, uint8_t out[4])
{
    uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0u);

    out[0] = (uint8_t)base64_digits[v >> 18];
    out[1] = (uint8_t)base64_digits[(v >> 12) & 63];
    out[2] = n > 1 ? (uint8_t)base64_digits[(v >> 6) & 63] : '=';
    out[3] = n > 2 ? (uint8_t)base64_digits[v & 63] : '=';
}

void
rs_base64_put(struct rs_buf *b, struct rs_bytes bytes, size_t line_len)
{
    size_t groups = (bytes.len + 2) / 3;
    size_t per_line = line_len != 0 ? (line_len + 3) / 4 : groups;
    size_t lines = line_len != 0 ? (groups + per_line - 1) / per_line : 0;
    uint8_t *at = groups > 0 ? rs_buf_extend(b, 4 * groups + lines) : NULL;

    for (size_t i = 0; at != NULL && i < groups; i++, at += 4) {
        base64_group(bytes.p + 3 * i, bytes.len - 3 * i, at);
        if (line_len != 0 && ((i + 1) % per_line == 0 || i + 1 == groups))
            *(at++ + 4) = '\n';
    }
}

/* The value of a digit and one more; 0: it is none. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static int
is_base64_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whole groups without anything between them, as far as they go; gives the characters taken. */
static size_t
base64_groups(struct rs_bytes text, size_t from, struct rs_buf *out)
{
    uint8_t room[96];
    size_t n = 0, at = from;

    for (; at + 4 <= text.len; at += 4) {
        uint8_t a = base64_values[text.p[at]], b = base64_values[text.p[at + 1]];
        uint8_t c = base64_values[text.p[at + 2]], d = base64_values[text.p[at + 3]];
        if (a == 0 || b == 0 || c == 0 || d == 0)
            break;
        uint32_t bits = (uint32_t)(a - 1) << 18 | (uint32_t)(b - 1) << 12 | (uint32_t)(c - 1) << 6 |
                        (uint32_t)(d - 1);
        room[n++] = (uint8_t)(bits >> 16);
        room[n++] = (uint8_t)(bits >> 8);
        room[n++] = (uint8_t)bits;
        if (n == sizeof(room)) {
            rs_buf_put(out, room, n);
            n = 0;
        }
    }
    rs_buf_put(out, room, n);
    if (out->secret)
        rs_wipe(room, sizeof(room));
    return at - from;
}

/* Bits that the padding cuts off must be zero, so that there is one text per value. */
static int
base64_quad(const uint8_t v[4], unsigned count, struct rs_buf *out)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < 4; i++)
        bits = (bits << 6) | (i < count ? v[i] : 0u);
    if (count == 1 || (count == 2 && (bits & 0xffff) != 0) || (count == 3 && (bits & 0xff) != 0))
        return 0;
    rs_buf_put_u8(out, (bits >> 16) & 0xff);
    if (count > 2)
        rs_buf_put_u8(out, (bits >> 8) & 0xff);
    if (count > 3)
        rs_buf_put_u8(out, bits & 0xff);
    return 1;
}

int
rs_base64_read(struct rs_bytes text, struct rs_buf *out)
{
    uint8_t quad[4], c;
    unsigned count = 0;
    size_t padding = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (count == 0 && padding == 0)
            i += base64_groups(text, i, out);
        if (i == text.len)
            break;
        c = text.p[i];
        if (is_base64_space(c))
            continue;
        if (c == '=') {
            padding++;
            continue;
        }
        if (base64_values[c] == 0 || padding > 0)
            return 0;
        quad[count++] = (uint8_t)(base64_values[c] - 1);
        if (count == 4) {
            (void)base64_quad(quad, 4, out);
            count = 0;
        }
    }
    if (count == 0)
        return padding == 0 && rs_buf_ok(out);
    return count + padding == 4 && base64_quad(quad, count, out) && rs_buf_ok(out);
}

/* RFC 3629: no surrogates, no overlong forms. */
size_t
rs_utf8_len(const uint8_t *p, size_t left)
{
    uint32_t v;
    size_t n;

    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
        return 0;
    v = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = (v << 6) | (p[i] & 0x3fu);
    }
    if ((n == 3 && (v < 0x800 || (v >= 0xd800 && v <= 0xdfff))) ||
        (n == 4 && (v < 0x10000 || v > 0x10ffff)))
        return 0;
    return n;
}

void
rs_text_clean(char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t n = rs_utf8_len((const uint8_t *)text, left);
        unsigned char c = (unsigned char)text[0];
        int control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0);
        if (n == 0 || control)
            memset(text, '?', n > 0 ? n : 1);
        text += n > 0 ? n : 1;
        left -= n > 0 ? n : 1;
    }
}

/* ---- CRC-32C ------------------------------------------------------------------------- */

/* Nibble table of the reflected polynomial 0x82f63b78: 64 bytes instead of 1 KiB. */
static const uint32_t crc32c_nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t
rs_crc32c(uint32_t crc, struct rs_bytes bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.p[i];
        crc = (crc >> 4) ^ crc32c_nibble[crc & 15];
        crc = (crc >> 4) ^ crc32c_nibble[crc & 15];
    }
    return ~crc;
}
