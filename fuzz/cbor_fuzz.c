/*
 * cbor_fuzz.c: what the reader accepts as a whole has one encoding only: walked
 * item by item and written again, it must be the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_item(struct rs_cbor *c, struct rs_buf *out);

static void
copy_map(struct rs_cbor *c, struct rs_buf *out)
{
    size_t pairs = rs_cbor_map(c, SIZE_MAX);

    rs_cbor_put_map(out, pairs);
    for (size_t i = 0; i < pairs && rs_cbor_ok(c); i++) {
        rs_cbor_put_uint(out, rs_cbor_uint(c));
        copy_item(c, out);
    }
}

/* rs_cbor_int() holds 63 bits; a larger negative number is copied as it stands. */
static void
copy_negative(struct rs_cbor *c, struct rs_buf *out)
{
    struct rs_cbor probe = *c;
    int64_t v = rs_cbor_int(&probe);

    if (!rs_cbor_ok(&probe)) {
        rs_buf_put_bytes(out, rs_cbor_item(c));
        return;
    }
    rs_cbor_put_int(out, v);
    *c = probe;
}

/* The caller has seen that the whole is well formed, so depth is bounded. */
static void
copy_item(struct rs_cbor *c, struct rs_buf *out)
{
    size_t n;

    switch (rs_cbor_peek(c)) {
    case RS_CBOR_UINT:
        rs_cbor_put_uint(out, rs_cbor_uint(c));
        break;
    case RS_CBOR_NEGATIVE:
        copy_negative(c, out);
        break;
    case RS_CBOR_BYTES:
        rs_cbor_put_bytes(out, rs_cbor_bytes(c, SIZE_MAX));
        break;
    case RS_CBOR_TEXT:
        rs_cbor_put_text_bytes(out, rs_cbor_text(c, SIZE_MAX));
        break;
    case RS_CBOR_ARRAY:
        n = rs_cbor_array(c, SIZE_MAX);
        rs_cbor_put_array(out, n);
        while (n-- > 0 && rs_cbor_ok(c))
            copy_item(c, out);
        break;
    case RS_CBOR_MAP:
        copy_map(c, out);
        break;
    case RS_CBOR_BOOL:
        rs_cbor_put_bool(out, rs_cbor_bool(c));
        break;
    case RS_CBOR_NULL:
        if (!rs_cbor_null(c))
            abort();
        rs_cbor_put_null(out);
        break;
    case RS_CBOR_END:
    default:
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes in = rs_bytes_of(data, size);
    struct rs_cbor c;

    rs_cbor_init(&c, in);
    (void)rs_cbor_item(&c);
    if (rs_cbor_done(&c)) {
        RS_AUTO(rs_buf_done) struct rs_buf out;
        rs_buf_init(&out, size + 16);
        rs_cbor_init(&c, in);
        copy_item(&c, &out);
        if (!rs_cbor_done(&c) || !rs_buf_ok(&out) || !rs_bytes_equal(rs_buf_bytes(&out), in))
            abort();
    }
    return 0;
}
