/*
 * reference.c: key reference files, read and written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reference.h"

#include <string.h>

#include <rot/rot_driver.h>

#define TAG_INTEGER  0x02
#define TAG_UTF8     0x0c
#define TAG_SEQUENCE 0x30
#define HEAD_MAX     4 /* tag, and a length of at most 65,535 */

/* What is left to read. */
struct in {
    const uint8_t *p;
    size_t len;
};

/* One element: its content, and with its head in *ret_whole if that is wanted. */
static int
take(struct in *in, uint8_t tag, struct rot_bytes *ret_content, struct rot_bytes *ret_whole)
{
    size_t head = 2, n;

    if (in->len < 2 || in->p[0] != tag)
        return 0;
    n = in->p[1];
    if (n == 0x81 && in->len >= 3 && in->p[2] >= 0x80) {
        n = in->p[2];
        head = 3;
    } else if (n == 0x82 && in->len >= 4 && in->p[2] != 0) {
        n = (size_t)in->p[2] << 8 | in->p[3];
        head = 4;
    } else if (n >= 0x80) {
        return 0;
    }
#ifdef RS_PLANTED_BUG_key_reference
    if (n > in->len - head + 1)
#else
    if (n > in->len - head)
#endif
        return 0;
    *ret_content = (struct rot_bytes){in->p + head, n};
    if (ret_whole != NULL)
        *ret_whole = (struct rot_bytes){in->p, head + n};
    in->p += head + n;
    in->len -= head + n;
    return 1;
}

/* A URI that names a key: the chip and one object, and not which half of it. */
static int
read_uri(struct rot_bytes text, struct rot_reference *ref)
{
    if (text.len >= sizeof(ref->uri) || memchr(text.p, '\0', text.len) != NULL)
        return 0;
    memcpy(ref->uri, text.p, text.len);
    ref->uri[text.len] = '\0';
    return rot_uri_parse(ref->uri, &ref->parsed) == ROT_OK && ref->parsed.object != 0 &&
           ref->parsed.type == ROT_URI_ALL;
}

rot_err
rot_reference_read(const uint8_t *der, size_t len, struct rot_reference *ret)
{
    struct in outer = {der, len}, in;
    struct rot_bytes content, version, uri, inside;
    uint8_t point[96];
    enum rot_alg alg;

    if (der == NULL || ret == NULL)
        return ROT_E_ARG;
    if (!take(&outer, TAG_SEQUENCE, &content, NULL) || outer.len != 0)
        return ROT_E_FORMAT;
    in = (struct in){content.p, content.len};
    if (!take(&in, TAG_INTEGER, &version, NULL) || version.len != 1 || version.p[0] != 1 ||
        !take(&in, TAG_UTF8, &uri, NULL) || !take(&in, TAG_SEQUENCE, &inside, &ret->spki) ||
        in.len != 0 || !read_uri(uri, ret))
        return ROT_E_FORMAT;
    if (rot_spki_to_point(ret->spki.p, ret->spki.len, point, &alg) != ROT_OK ||
        (alg != ROT_ALG_P256 && alg != ROT_ALG_P384))
        return ROT_E_FORMAT;
    return ROT_OK;
}

/* Tag and length in front of n bytes; gives how many bytes that took. */
static size_t
put_head(uint8_t *p, uint8_t tag, size_t n)
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
rot_reference_write(const char *uri, struct rot_bytes spki, uint8_t *der, size_t cap,
                    size_t *ret_len)
{
    uint8_t content[ROT_REFERENCE_MAX], head[HEAD_MAX];
    struct rot_reference check;
    size_t text_len = uri != NULL ? strnlen(uri, ROT_URI_MAX) : 0, n = 0, head_len;

    if (uri == NULL || spki.p == NULL || der == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (text_len == ROT_URI_MAX || spki.len > ROT_PUBLIC_KEY_MAX)
        return ROT_E_FORMAT;
    n += put_head(content, TAG_INTEGER, 1);
    content[n++] = 1;
    n += put_head(content + n, TAG_UTF8, text_len);
    memcpy(content + n, uri, text_len);
    n += text_len;
    memcpy(content + n, spki.p, spki.len);
    n += spki.len;
    head_len = put_head(head, TAG_SEQUENCE, n);
    *ret_len = head_len + n;
    if (*ret_len > cap)
        return ROT_E_SPACE;
    memcpy(der, head, head_len);
    memcpy(der + head_len, content, n);
    return rot_reference_read(der, *ret_len, &check);
}
