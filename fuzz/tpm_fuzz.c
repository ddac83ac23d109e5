/*
 * tpm_fuzz.c: what a TPM, or whoever says that it is one, sends about itself.
 *
 * Every slice must lie inside the input and within its bound.  Evidence that reads
 * well is checked against what it says itself, so that all rules are reached.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "attest/tpm.h"

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

static void
check_public(struct rs_bytes whole, const struct tpm_public *p)
{
    uint8_t spki[TPM_SPKI_SIZE], name[TPM_NAME_SIZE];

    check_inside(whole, p->area, TPM_PUBLIC_MAX);
    check_inside(whole, p->policy, 64);
    check_inside(whole, p->x, 32);
    check_inside(whole, p->y, 32);
    tpm_public_name(p, name);
    (void)!tpm_public_spki(p, spki, NULL);
    (void)!tpm_check_iak(p, NULL);
    (void)!tpm_check_idevid(p, NULL);
}

static void
check_attest(struct rs_bytes whole, const struct tpm_attest *a)
{
    check_inside(whole, a->signer, 66);
    check_inside(whole, a->extra, 64);
    check_inside(whole, a->name, 66);
    check_inside(whole, a->qualified_name, 66);
}

/* As if all that it says were what we expect. */
static void
believe(const struct tpm_evidence *e)
{
    uint8_t name[TPM_NAME_SIZE], nonce[TPM_NONCE_SIZE] = {0}, spki[TPM_SPKI_SIZE];
    struct tpm_expect expect = {name, nonce, RS_BYTES(spki)};

    tpm_public_name(&e->iak, name);
    if (e->attest.extra.len == sizeof(nonce))
        memcpy(nonce, e->attest.extra.p, sizeof(nonce));
    if (tpm_public_spki(&e->key, spki, NULL) == RS_OK)
        (void)!tpm_evidence_check(e, &expect, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes whole = rs_bytes_of(data, size);
    struct tpm_evidence e;
    struct tpm_attest a;
    struct tpm_public p;

    if (tpm_public_read(whole, &p, NULL) == RS_OK) {
        if (p.area.len + 2 != size) /* nothing stands behind it */
            abort();
        check_public(whole, &p);
    }
    if (tpm_attest_read(whole, &a, NULL) == RS_OK)
        check_attest(whole, &a);
    if (tpm_evidence_read(whole, &e, NULL) != RS_OK)
        return 0;
    check_public(whole, &e.iak);
    check_public(whole, &e.key);
    check_inside(whole, e.signed_bytes, TPM_EVIDENCE_MAX);
    check_attest(e.signed_bytes, &e.attest);
    check_inside(whole, e.r, 32);
    check_inside(whole, e.s, 32);
    believe(&e);
    return 0;
}
