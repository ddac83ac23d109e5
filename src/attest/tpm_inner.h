/*
 * tpm_inner.h: numbers of the TPM library (Part 2, 6 and 8) that src/attest needs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEST_TPM_INNER_H
#define ATTEST_TPM_INNER_H

#include "attest/tpm.h"

#define TPM_ALG_SHA256 0x000bu
#define TPM_ALG_NULL   0x0010u
#define TPM_ALG_ECDSA  0x0018u
#define TPM_ALG_ECC    0x0023u

#define TPM_ECC_NIST_P256 0x0003u

#define TPM_GENERATED         0xff544347u
#define TPM_ST_ATTEST_CERTIFY 0x8017u

#define TPM_NAME_MAX 66 /* algorithm and the largest digest, or a handle */

/* TPMA_OBJECT. */
#define TPM_FIXED_TPM      0x00000002u
#define TPM_FIXED_PARENT   0x00000010u
#define TPM_MADE_INSIDE    0x00000020u /* sensitiveDataOrigin */
#define TPM_USER_WITH_AUTH 0x00000040u
#define TPM_ADMIN_POLICY   0x00000080u
#define TPM_RESTRICTED     0x00010000u
#define TPM_SIGNS          0x00040000u

#endif /* ATTEST_TPM_INNER_H */
