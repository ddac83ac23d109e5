/*
 * signer_front_fuzz.c: messages of a hostile front to the signer, and the documents in them.
 *
 * A message that reads well has exactly one encoding: what was read is written
 * again and must be the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "keys/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever kind it is, the document's own bytes come back. */
static void
check_document(struct rs_bytes bytes)
{
    static struct doc_profile profile;
    static struct doc_issuer issuer;
    static struct doc_order order;
    static struct doc_officer officer;
    static struct doc_cross cross;
    struct rs_buf again;
    int known = 1;

    rs_buf_init(&again, DOC_BYTES_MAX);
    if (doc_profile_read(bytes, &profile, NULL) == RS_OK) {
        (void)!doc_profile_check(&profile, NULL);
        doc_profile_put(&again, &profile);
    } else if (doc_order_read(bytes, &order, NULL) == RS_OK) {
        (void)!doc_order_check(&order, NULL);
        (void)doc_order_share(&order, rs_bytes_str("s"));
        doc_order_put(&again, &order);
    } else if (doc_issuer_read(bytes, &issuer, NULL) == RS_OK) {
        doc_issuer_put(&again, &issuer);
    } else if (doc_officer_read(bytes, &officer, NULL) == RS_OK) {
        doc_officer_put(&again, &officer);
    } else if (doc_cross_read(bytes, &cross, NULL) == RS_OK) {
        doc_cross_put(&again, &cross);
    } else {
        known = 0;
    }
    if (known && !rs_bytes_equal(rs_buf_bytes(&again), bytes))
        abort();
    rs_buf_done(&again);
}

/* Read all of a message and write it again; 1 when it was well formed. */
static int
rewrite(struct rs_bytes message, struct rs_buf *out)
{
    static struct proto_item item;
    struct proto_reader r;
    struct proto_writer w;
    int more = 1;

    if (proto_open(&r, message, 1, NULL) != RS_OK)
        return 0;
    proto_begin(&w, out);
    for (;;) {
        if (proto_next(&r, &item, &more, NULL) != RS_OK)
            return 0;
        if (!more)
            break;
        if (!proto_put(&w, &item))
            abort();
        if (item.type == PROTO_DOCUMENT)
            check_document(item.as.document.document);
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
    check_document(message);
    if (rewrite(message, &out) && !rs_bytes_equal(rs_buf_bytes(&out), message))
        abort();
    rs_buf_done(&out);
    return 0;
}
