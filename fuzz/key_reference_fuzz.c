/*
 * key_reference_fuzz.c: files that name a key, and the URIs in them.
 *
 * The first byte chooses what the rest is: 0 a reference, 1 a URI.  Whatever is
 * taken has one form: written again it is the same bytes, or, for a URI, read
 * again it is the same parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "shared/reference.h"

static void
must(int ok)
{
    if (!ok)
        abort();
}

static void
try_reference(const uint8_t *p, size_t len)
{
    uint8_t der[ROT_REFERENCE_MAX];
    struct rot_reference ref;
    size_t n = 0;

    if (rot_reference_read(p, len, &ref) != ROT_OK)
        return;
    must(ref.spki.p >= p && ref.spki.p + ref.spki.len <= p + len);
    must(ref.parsed.object != 0 && ref.parsed.type == ROT_URI_ALL);
    must(rot_reference_write(ref.uri, ref.spki, der, sizeof(der), &n) == ROT_OK);
    must(n == len && memcmp(der, p, n) == 0);
}

static int
is_same(const struct rot_uri *a, const struct rot_uri *b)
{
    return strcmp(a->chip, b->chip) == 0 && strcmp(a->layout, b->layout) == 0 &&
           a->object == b->object && a->type == b->type;
}

static void
try_uri(const uint8_t *p, size_t len)
{
    char *text = malloc(len + 1), again[ROT_URI_MAX];
    struct rot_uri uri, second;

    must(text != NULL);
    memcpy(text, p, len);
    text[len] = '\0';
    if (rot_uri_parse(text, &uri) == ROT_OK) {
        rot_err rc = rot_uri_format(&uri, again, sizeof(again));

        must(rc == ROT_OK || rc == ROT_E_SPACE); /* escapes can make it longer than it was */
        if (rc == ROT_OK)
            must(rot_uri_parse(again, &second) == ROT_OK && is_same(&uri, &second));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy; /* of exactly that size, so that a byte too far is seen */

    if (size < 2)
        return 0;
    copy = malloc(size - 1);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 2 == 0)
        try_reference(copy, size - 1);
    else
        try_uri(copy, size - 1);
    free(copy);
    return 0;
}
