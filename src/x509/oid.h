/*
 * oid.h: object identifiers, by name and as DER.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_OID_H
#define X509_OID_H

#include "base/bytes.h"

/* Content octets (without header) of the identifiers that code compares with. */
extern const struct rs_bytes oid_cn, oid_serial_number, oid_o, oid_ou, oid_c, oid_l, oid_st,
    oid_street, oid_dc, oid_title, oid_email;
extern const struct rs_bytes oid_ski, oid_key_usage, oid_san, oid_basic_constraints,
    oid_name_constraints, oid_crl_dp, oid_policies, oid_aki, oid_eku, oid_aia, oid_crl_number,
    oid_crl_reason, oid_ocsp_nocheck, oid_ad_ocsp, oid_ad_ca_issuers;
extern const struct rs_bytes oid_eku_server, oid_eku_client, oid_eku_ocsp, oid_eku_cmc_ra,
    oid_eku_cmc_ca, oid_eku_any, oid_eku_tpm_ek;
extern const struct rs_bytes oid_hardware_module_name, oid_permanent_identifier,
    oid_extension_request, oid_challenge_password;
/* RFC 9908 3.4, RFC 7894 3.3. */
extern const struct rs_bytes oid_request_template, oid_extension_req_template, oid_identity_linking;
extern const struct rs_bytes oid_ec_public_key, oid_p256, oid_p384, oid_ed25519, oid_rsa_encryption,
    oid_ecdsa_sha256, oid_ecdsa_sha384, oid_rsa_sha256;
/* The attribute of draft-ietf-lamps-csr-attestation, and what TCG's documents name. */
extern const struct rs_bytes oid_attestation, oid_tpm_certify, oid_tpm_manufacturer;
/* Ours: what another part says of a key (docs/protocols/part.md). */
extern const struct rs_bytes oid_part_evidence;
extern const struct rs_bytes oid_signed_data, oid_data;
extern const struct rs_bytes oid_ocsp_basic, oid_ocsp_nonce, oid_sha1, oid_sha256;

/* "1.3.6.1.5.5.7.3.2" into content octets; 0 when it is not an OID or does not fit. */
int oid_read(struct rs_bytes text, uint8_t *out, size_t cap, size_t *ret_len);
/* The other way; an empty string when it does not fit or is malformed. */
void oid_text(struct rs_bytes oid, char *text, size_t cap);

#endif /* X509_OID_H */
