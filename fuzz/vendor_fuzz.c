/*
 * vendor_fuzz.c: what a secure element, or whoever says that it is one, says about itself.
 *
 * The first byte is the format.  Every slice must lie inside the input and within its bound.
 * Evidence that reads well is then taken as signed by the key that it is about, so that what is
 * signed is put together, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "attest/vendor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct rs_bytes whole, struct rs_bytes part, size_t max)
{
    if (part.len > max)
        abort();
    if (part.len > 0 &&
        (part.p < whole.p || part.len > whole.len || part.p > whole.p + whole.len - part.len))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nonce[VENDOR_NONCE_SIZE];
    struct vendor_evidence e;
    enum vendor_level level;
    struct rs_bytes whole;

    if (size == 0)
        return 0;
    whole = rs_bytes_of(data + 1, size - 1);
    if (vendor_read(data[0], whole, &e, NULL) != RS_OK)
        return 0;
    check_inside(whole, e.cert, CERT_BYTES_MAX);
    check_inside(whole, e.freshness, 16);
    check_inside(whole, e.head, 64);
    check_inside(whole, e.tail, VENDOR_EVIDENCE_MAX);
    if (e.uid_len == 0 || e.uid_len > VENDOR_UID_MAX || e.spki_len == 0 ||
        e.spki_len > VENDOR_SPKI_MAX)
        abort();
    /* Nobody stands for it, so that it cannot be more than the station's word. */
    if (vendor_check(&e, NULL, nonce, 0, &level, NULL) == RS_OK && level != VENDOR_STATION)
        abort();
    e.cert = rs_bytes_of(NULL, 0);
    e.signer = rs_bytes_of(e.spki, e.spki_len);
    (void)!vendor_check(&e, NULL, nonce, 0, &level, NULL);
    return 0;
}
