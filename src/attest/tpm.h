/*
 * tpm.h: what a TPM says about itself, and whether to believe it.
 *
 * A TPM has an endorsement key (EK) with its maker's certificate, which can only
 * decrypt; an attestation key (IAK), which signs nothing but what the TPM says
 * itself; and the key that is to be certified (IDevID).  From the one to the other:
 *
 *   1. the EK certificate chains to a maker whom the configuration trusts;
 *   2. a credential made for that EK and for the IAK's Name can be opened only by
 *      a TPM that holds both (TPM2_ActivateCredential gives the secret back);
 *   3. the IAK has signed that the key with this Name is in the same TPM, over our
 *      nonce (TPM2_Certify), and its attributes say that it was made there and
 *      never leaves.
 *
 * Everything a TPM marshals is read strictly: exact sizes, nothing behind the end,
 * and only the forms that the templates below have.  Numbers and layouts are those
 * of "TPM 2.0 Library, Part 2: Structures" and "TPM 2.0 Keys for Device Identity and
 * Attestation"; the latter is called the templates document here.
 *
 * Refusals: RS_E_ATTEST_INVALID for structures, templates and evidence;
 * RS_E_CHIP_NOT_GENUINE for an endorsement that no configured maker stands for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEST_TPM_H
#define ATTEST_TPM_H

#include "attest/makers.h"
#include "base/bytes.h"
#include "crypto/pub.h"

#define TPM_NAME_SIZE    34 /* algorithm, SHA-256 */
#define TPM_NONCE_SIZE   32
#define TPM_SECRET_SIZE  32
#define TPM_SPKI_SIZE    91 /* of a P-256 key */
#define TPM_PUBLIC_MAX   256
#define TPM_EVIDENCE_MAX 2048
/* TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, for the largest EK. */
#define TPM_CREDENTIAL_MAX 512

/* ---- Structures ---------------------------------------------------------------- */

/* TPMT_PUBLIC of an ECC signing key.  Borrows. */
struct tpm_public {
    struct rs_bytes area; /* the TPMT_PUBLIC itself */
    uint16_t name_alg;
    uint32_t attributes;
    struct rs_bytes policy;
    uint16_t scheme, scheme_hash;
    uint16_t curve;
    struct rs_bytes x, y; /* as they came: at most 32 bytes */
};

/* TPMS_ATTEST of the kind that TPM2_Certify makes.  Borrows. */
struct tpm_attest {
    struct rs_bytes signer; /* qualified Name */
    struct rs_bytes extra;  /* our nonce */
    uint64_t clock;         /* milliseconds the TPM was powered */
    uint32_t resets, restarts;
    int clock_is_safe;
    uint64_t firmware;
    struct rs_bytes name, qualified_name; /* of the certified key */
};

/* The evidence that a part gives (rot_attest, ROT_EVIDENCE_TPM_CERTIFY).  Borrows. */
struct tpm_evidence {
    struct tpm_public iak, key;
    struct rs_bytes signed_bytes; /* the TPMS_ATTEST */
    struct tpm_attest attest;
    struct rs_bytes r, s; /* of the ECDSA signature, SHA-256 */
};

/* One TPM2B_PUBLIC and nothing behind it. */
RS_MUST_USE rs_code tpm_public_read(struct rs_bytes bytes, struct tpm_public *ret_public,
                                    struct rs_err *err);
/* One TPMS_ATTEST; the kind and the magic are checked here. */
RS_MUST_USE rs_code tpm_attest_read(struct rs_bytes bytes, struct tpm_attest *ret_attest,
                                    struct rs_err *err);
/* IAK's TPM2B_PUBLIC, key's TPM2B_PUBLIC, TPM2B_ATTEST, TPMT_SIGNATURE; nothing else. */
RS_MUST_USE rs_code tpm_evidence_read(struct rs_bytes bytes, struct tpm_evidence *ret_evidence,
                                      struct rs_err *err);

/* nameAlg and the digest of the public area (Part 1, 16): SHA-256 only. */
void tpm_public_name(const struct tpm_public *pub, uint8_t name[TPM_NAME_SIZE]);
/* SubjectPublicKeyInfo.  RS_E_KEY_WEAK: not a P-256 key on its curve. */
RS_MUST_USE rs_code tpm_public_spki(const struct tpm_public *pub, uint8_t spki[TPM_SPKI_SIZE],
                                    struct rs_err *err);

/* TPM2B_PUBLIC of the IAK whose SPKI this is: all but the point is the template's. */
RS_MUST_USE rs_code tpm_put_iak(struct rs_bytes spki, struct rs_buf *out, struct rs_err *err);

/* ---- Templates ------------------------------------------------------------------- */

/* Exactly the H-2 template of an IAK or IDevID key: attributes, policy, scheme, curve. */
RS_MUST_USE rs_code tpm_check_iak(const struct tpm_public *pub, struct rs_err *err);
RS_MUST_USE rs_code tpm_check_idevid(const struct tpm_public *pub, struct rs_err *err);

/* ---- Endorsement ------------------------------------------------------------------- */

/* Who a TPM is, by its endorsement.  Borrows the certificate. */
struct tpm_ek {
    struct crypto_pub pub;
    uint8_t digest[32]; /* SHA-256 of its SPKI: the chip's identifier (L8), as the driver has it */
    struct rs_bytes maker; /* "id:00001014"; empty when the certificate does not say */
};

/*
 * Believe an EK certificate (TCG EK Credential Profile 2.5) at this time: chain to a
 * trusted maker, purpose 2.23.133.8.1, a key that a credential can be made for (RSA of
 * 2048 bits or P-256, templates L-1 and L-2).  RS_E_CHIP_NOT_GENUINE with the rule.
 */
RS_MUST_USE rs_code tpm_ek_check(const struct makers *makers, struct rs_bytes der, int64_t now,
                                 struct tpm_ek *ret_ek, struct rs_err *err);

/*
 * TPM2_MakeCredential without a TPM (Part 1, 24): what only the TPM with this EK and a
 * key of this Name can open.  Appends TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
 */
RS_MUST_USE rs_code tpm_make_credential(const struct crypto_pub *ek,
                                        const uint8_t name[TPM_NAME_SIZE],
                                        const uint8_t secret[TPM_SECRET_SIZE], struct rs_buf *out,
                                        struct rs_err *err);

/* ---- Evidence -------------------------------------------------------------------------- */

/* What we know before: the IAK that was activated, our nonce, the key that is asked for. */
struct tpm_expect {
    const uint8_t *iak_name; /* TPM_NAME_SIZE */
    const uint8_t *nonce;    /* TPM_NONCE_SIZE */
    struct rs_bytes spki;
};

/* All of point 3 above, for an IDevID. */
RS_MUST_USE rs_code tpm_evidence_check(const struct tpm_evidence *evidence,
                                       const struct tpm_expect *expect, struct rs_err *err);

#endif /* ATTEST_TPM_H */
