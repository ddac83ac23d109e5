/*
 * signer_back_fuzz.c: messages of a hostile signer to the front.
 *
 * A message that reads well has exactly one encoding: what was read is written
 * again and must be the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "keys/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read all of a message and write it again; 1 when it was well formed. */
static int
rewrite(struct rs_bytes message, struct rs_buf *out)
{
    static struct proto_item item;
    struct proto_reader r;
    struct proto_writer w;
    int more = 1;

    if (proto_open(&r, message, 0, NULL) != RS_OK)
        return 0;
    proto_begin(&w, out);
    for (;;) {
        if (proto_next(&r, &item, &more, NULL) != RS_OK)
            return 0;
        if (!more)
            break;
        if (!proto_put(&w, &item))
            abort();
    }
    proto_end(&w);
    return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes message = rs_bytes_of(data, size);
    struct rs_buf out;

    rs_buf_init(&out, PROTO_MESSAGE_MAX);
    if (rewrite(message, &out) && !rs_bytes_equal(rs_buf_bytes(&out), message))
        abort();
    rs_buf_done(&out);
    return 0;
}
