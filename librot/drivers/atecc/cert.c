/*
 * cert.c: certificates in less room, and back byte for byte.
 *
 * The signature goes into the part's 72-byte form.  The rest is packed against
 * text that both sides know: the object's public key (read from the part),
 * DER runs that certificates are made of, and what came before.
 *
 * Packed: 0nnnnnnn, then n+1 bytes as they are; or 1lllllpp pppppppp, a copy of
 * l+3 bytes from position p of the window.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define COPY_MIN 3u
#define COPY_MAX 34u
#define RUN_MAX  128u

/* RFC 5480 SubjectPublicKeyInfo header; RFC 5280 extensions and names as they are written most. */
static const uint8_t common[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};
static const uint8_t more[] = {
    0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x13, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x04, 0x03, 0x02, 0x30, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x06, 0x03,
    0x55, 0x04, 0x03, 0x0c, 0x06, 0x03, 0x55, 0x04, 0x05, 0x13, 0x17, 0x0d, '3',  '0',  '0',  '0',
    '0',  '0',  '0',  'Z',  0x18, 0x0f, '9',  '9',  '9',  '9',  '1',  '2',  '3',  '1',  '2',  '3',
    '5',  '9',  '5',  '9',  'Z',  0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04,
    0x02, 0x30, 0x00, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03,
    0x02, 0x07, 0x80, 0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14, 0x30, 0x1f,
    0x06, 0x03, 0x55, 0x1d, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14, 0x06, 0x03, 0x55, 0x1d, 0x11,
    0x04, 0xa0, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x04, 0x06, 0x08, 0x2b, 0x06,
    0x01, 0x05, 0x05, 0x07, 0x01, 0x01, 0x04, 0x30, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,
    0x30, 0x01, 0x86, 'h',  't',  't',  'p',  ':',  '/',  '/',  0x30, 0x06, 0x08, 0x2b, 0x06, 0x01,
    0x05, 0x05, 0x07, 0x30, 0x02, 0x86, 0x06, 0x03, 0x55, 0x1d, 0x1f, 0x04, 0x30, 0xa0, 0x86, '/',
    'o',  'c',  's',  'p',  '.',  'c',  'r',  'l',  '.',  'c',  'e',  'r',  'd',  'e',  'v',  'i',
    'c',  'e',  's',
};
static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

/* Never change these bytes: parts in the field are packed against them. */
size_t
atecc_known_text(const uint8_t point[64], uint8_t *window)
{
    memcpy(window, common, sizeof(common));
    memcpy(window + sizeof(common), point, 64);
    memcpy(window + sizeof(common) + 64, more, sizeof(more));
    return sizeof(common) + 64 + sizeof(more);
}

/* A DER header of a SEQUENCE or BIT STRING; ROT_E_FORMAT unless the shortest form. */
static rot_err
take_header(const uint8_t *p, size_t len, uint8_t tag, size_t *ret_header, size_t *ret_len)
{
    size_t n, h = 2;

    if (len < 2 || p[0] != tag)
        return ROT_E_FORMAT;
    n = p[1];
    if (n == 0x81 && len >= 3 && p[2] >= 0x80) {
        n = p[2];
        h = 3;
    } else if (n == 0x82 && len >= 4 && p[2] != 0) {
        n = (size_t)p[2] << 8 | p[3];
        h = 4;
    } else if (n >= 0x80) {
        return ROT_E_FORMAT;
    }
    if (n > len - h)
        return ROT_E_FORMAT;
    *ret_header = h;
    *ret_len = n;
    return ROT_OK;
}

/* RFC 5280 4.1: the TBS stands first, right after the outer header. */
rot_err
atecc_cert_split(const uint8_t *der, size_t len, size_t *ret_tbs_len, uint8_t sig[64])
{
    size_t outer, n, h, tbs, at;

    if (take_header(der, len, 0x30, &outer, &n) != ROT_OK || outer + n != len)
        return ROT_E_FORMAT;
    if (take_header(der + outer, n, 0x30, &h, &tbs) != ROT_OK)
        return ROT_E_FORMAT;
    tbs += h;
    at = outer + tbs;
    if (len - at < sizeof(algorithm) || memcmp(der + at, algorithm, sizeof(algorithm)) != 0)
        return ROT_E_FORMAT;
    at += sizeof(algorithm);
    if (take_header(der + at, len - at, 0x03, &h, &n) != ROT_OK || at + h + n != len || n < 1 ||
        der[at + h] != 0)
        return ROT_E_FORMAT;
    *ret_tbs_len = tbs;
    return rot_ecdsa_from_der(der + at + h + 1, n - 1, 32, sig);
}

static size_t
put_header(uint8_t *p, uint8_t tag, size_t n)
{
    p[0] = tag;
    if (n < 0x80) {
        p[1] = (uint8_t)n;
        return 2;
    }
    if (n < 0x100) {
        p[1] = 0x81;
        p[2] = (uint8_t)n;
        return 3;
    }
    p[1] = 0x82;
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
    return 4;
}

rot_err
atecc_cert_join(const uint8_t *tbs, size_t tbs_len, const uint8_t sig[64], uint8_t *der, size_t cap,
                size_t *ret_len)
{
    uint8_t tail[sizeof(algorithm) + 3 + 72], head[4];
    size_t sig_len = 0, t = sizeof(algorithm), h;
    rot_err rc = rot_ecdsa_to_der(sig, 32, tail + t + 3, 72, &sig_len);

    if (rc != ROT_OK)
        return rc;
    memcpy(tail, algorithm, sizeof(algorithm));
    t += put_header(tail + t, 0x03, sig_len + 1);
    tail[t++] = 0;
    t += sig_len;
    h = put_header(head, 0x30, tbs_len + t);
    if (h + tbs_len + t > cap)
        return ROT_E_FORMAT;
    memmove(der + h, tbs, tbs_len);
    memcpy(der, head, h);
    memcpy(der + h + tbs_len, tail, t);
    *ret_len = h + tbs_len + t;
    return ROT_OK;
}

/* The longest run before at that goes on as at does; it may run into itself. */
static size_t
find_copy(const uint8_t *w, size_t at, size_t end, size_t *ret_from)
{
    size_t best = 0;

    for (size_t from = 0; from < at; from++) {
        size_t n = 0;

        while (n < COPY_MAX && at + n < end && w[from + n] == w[at + n])
            n++;
        if (n > best) {
            best = n;
            *ret_from = from;
        }
    }
    return best;
}

/* Writes within cap and counts beyond it, so that the need is known. */
rot_err
atecc_pack(const uint8_t *w, size_t start, size_t end, uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t n = 0, run_at = 0, run = 0;

    if (end > ATECC_WINDOW)
        return ROT_E_FORMAT;
    for (size_t at = start; at < end;) {
        size_t from = 0, copy = find_copy(w, at, end, &from);

        if (copy > COPY_MIN || (copy == COPY_MIN && run == 0)) {
            if (n + 2 <= cap) {
                out[n] = (uint8_t)(0x80u | (copy - COPY_MIN) << 2 | from >> 8);
                out[n + 1] = (uint8_t)from;
            }
            n += 2;
            at += copy;
            run = 0;
            continue;
        }
        if (run == 0 || run == RUN_MAX) {
            run_at = n++;
            run = 0;
        }
        if (n < cap) {
            out[run_at] = (uint8_t)run;
            out[n] = w[at];
        }
        run++;
        n++;
        at++;
    }
    *ret_len = n;
    return n <= cap ? ROT_OK : ROT_E_SPACE;
}

rot_err
atecc_unpack(const uint8_t *in, size_t len, uint8_t *w, size_t start, size_t cap, size_t *ret_end)
{
    size_t at = start;

    for (size_t i = 0; i < len;) {
        unsigned c = in[i++];
        size_t n = c < 0x80 ? c + 1u : (c >> 2 & 0x1fu) + COPY_MIN;

#ifdef RS_PLANTED_BUG_atecc_response
        if (n > cap - at + 1)
#else
        if (n > cap - at)
#endif
            return ROT_E_FORMAT;
        if (c < 0x80) {
            if (n > len - i)
                return ROT_E_FORMAT;
            memcpy(w + at, in + i, n);
            i += n;
        } else {
            size_t from = i < len ? (size_t)(c & 3u) << 8 | in[i] : at;

            i++;
            if (from >= at)
                return ROT_E_FORMAT;
            for (size_t k = 0; k < n; k++)
                w[at + k] = w[from + k];
        }
        at += n;
    }
    *ret_end = at;
    return ROT_OK;
}
