/*
 * csr_fuzz.c: certification requests from anybody.
 *
 * A request that reads well is also checked for its proof, and every slice it
 * hands out must lie inside the input.  The name of its subject must print.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "x509/csr.h"
#include "x509/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct rs_bytes whole, struct rs_bytes part)
{
    if (part.len > 0 &&
        (part.p < whole.p || part.len > whole.len || part.p > whole.p + whole.len - part.len))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes whole = rs_bytes_of(data, size);
    struct san sans[3];
    struct csr csr;
    char text[NAME_TEXT_MAX];
    size_t count;

    if (san_read(whole, sans, 3, &count) && (count == 0 || count > 3))
        abort();
    name_text(whole, text, sizeof(text));
    if (csr_read(whole, &csr, NULL) != RS_OK)
        return 0;
    check_inside(whole, csr.tbs);
    check_inside(whole, csr.subject);
    check_inside(whole, csr.spki);
    check_inside(whole, csr.signature);
    check_inside(whole, csr.challenge);
    check_inside(whole, csr.evidence);
    if (csr.evidence.len > CSR_EVIDENCE_MAX)
        abort();
    check_inside(whole, csr.linking);
    if (csr.san_count > CSR_SAN_MAX)
        abort();
    for (size_t i = 0; i < csr.san_count; i++) {
        check_inside(whole, csr.sans[i].value);
        check_inside(whole, csr.sans[i].type);
    }
    name_text(csr.subject, text, sizeof(text));
    (void)!csr_check_proof(&csr, NULL);
    return 0;
}
