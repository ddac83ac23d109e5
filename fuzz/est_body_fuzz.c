/*
 * est_body_fuzz.c: bodies of EST requests: base64 in every dress.
 *
 * What was decoded is encoded again, both ways, and must decode to the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "msg/est.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(struct rs_bytes der, int lines)
{
    struct rs_buf text, again;

    rs_buf_init(&text, EST_BODY_MAX);
    rs_buf_init(&again, EST_BODY_MAX);
    est_body_put(&text, der, lines);
    if (rs_buf_ok(&text) && (est_body_read(rs_buf_bytes(&text), &again, NULL) != RS_OK ||
                             !rs_bytes_equal(rs_buf_bytes(&again), der)))
        abort();
    rs_buf_done(&again);
    rs_buf_done(&text);
}

/* A certs-only message that reads well is written again, and holds the same certificates. */
static void
check_certs(struct rs_bytes der)
{
    struct rs_bytes certs[4], again[4];
    struct rs_buf out;
    size_t count, count_again;

    if (est_certs_only_read(der, certs, 4, &count, NULL) != RS_OK)
        return;
    rs_buf_init(&out, 2 * EST_BODY_MAX);
    if (est_certs_only_put(&out, certs, count, NULL) != RS_OK ||
        est_certs_only_read(rs_buf_bytes(&out), again, 4, &count_again, NULL) != RS_OK ||
        count_again != count || !rs_bytes_equal(certs[count - 1], again[count - 1]))
        abort();
    rs_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_buf der;

    rs_buf_init(&der, EST_BODY_MAX);
    if (est_body_read(rs_bytes_of(data, size), &der, NULL) == RS_OK && der.len > 0) {
        check_certs(rs_buf_bytes(&der));
        check_again(rs_buf_bytes(&der), 0);
        check_again(rs_buf_bytes(&der), 1);
    }
    rs_buf_done(&der);
    return 0;
}
