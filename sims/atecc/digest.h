/*
 * digest.h: the messages that the ATECC608 hashes, each in one place.
 *
 * Every MAC, key derivation and session of the part is SHA-256 over a fixed
 * row of fields.  All end in pieces of the serial number and zeros, so that a
 * digest belongs to one command, one slot and one chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_DIGEST_H
#define SIMS_ATECC_DIGEST_H

#include "sims/atecc/chip.h"

/*
 * first(32) | params(4) | SN8 SN0 SN1 | middle(25, NULL: zeros) | last: GenDig,
 * GenKey, DeriveKey and the encrypted Write share this row.
 */
void atecc_digest_row(const struct atecc_chip *c, const uint8_t first[32], const uint8_t params[4],
                      const uint8_t middle[25], const uint8_t *last, size_t last_len,
                      uint8_t digest[32]);
/* Opcode, param1, param2 in little-endian. */
void atecc_digest_params(const struct atecc_command *cmd, uint8_t params[4]);

/* Nonce: RandOut | NumIn | 16 | p1 | p2 low. */
void atecc_digest_nonce(const uint8_t rand_out[32], const uint8_t num_in[20],
                        const struct atecc_command *cmd, uint8_t digest[32]);
/* PrivWrite: TempKey | params | SN8 SN0 SN1 | z(21) | key with padding (36). */
void atecc_digest_privwrite(const struct atecc_chip *c, const struct atecc_command *cmd,
                            const uint8_t plain[36], uint8_t digest[32]);
/* DeriveKey's input MAC: parent | params | SN8 SN0 SN1. */
void atecc_digest_derive_mac(const struct atecc_chip *c, const uint8_t parent[32],
                             const struct atecc_command *cmd, uint8_t digest[32]);
/* Sign internal: the 55 bytes, hashed.  key_slot is what TempKey speaks of. */
void atecc_digest_sign_internal(struct atecc_chip *c, const struct atecc_command *cmd,
                                uint8_t digest[32]);
/* Verify Validate: TempKey | 41 | OtherData in pieces. */
void atecc_digest_validate(const struct atecc_chip *c, const uint8_t other[19], uint8_t digest[32]);
/* SHA-256(key | first 16 bytes of nonce): the mask under IO protection. */
void atecc_digest_io_mask(const uint8_t key[32], const uint8_t nonce[16], uint8_t mask[32]);
/* Verify's output MAC: IO key | message | system nonce | signature | params. */
void atecc_digest_verify_mac(const uint8_t key[32], const uint8_t message[32],
                             const uint8_t nonce[32], const struct atecc_command *cmd,
                             uint8_t mac[32]);
/* SecureBoot: the key over the digest on the wire, and the output MAC (signature may be NULL). */
void atecc_digest_boot_key(const uint8_t key[32], const uint8_t nonce[32], uint8_t hashed_key[32]);
void atecc_digest_boot_mac(const uint8_t hashed_key[32], const uint8_t digest[32],
                           const uint8_t *signature, const struct atecc_command *cmd,
                           uint8_t mac[32]);

#endif /* SIMS_ATECC_DIGEST_H */
