/*
 * crypto.h: key derivation, CCM, hashes and symmetric chains, over OpenSSL.
 *
 * What returns int gives 1 when it worked, 0 when the library failed or the
 * check did not hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_CRYPTO_H
#define SIMS_OPTIGA_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* TLS 1.2 PRF (RFC 5246 5); bits: 256, 384, 512; label_seed: label and seed, one after the other. */
int optiga_prf(unsigned bits, struct rs_bytes secret, struct rs_bytes label_seed, uint8_t *out,
               size_t len);
/* HKDF (RFC 5869). */
int optiga_hkdf(unsigned bits, struct rs_bytes secret, struct rs_bytes salt, struct rs_bytes info,
                uint8_t *out, size_t len);
/* mac has bits / 8 bytes. */
int optiga_hmac(unsigned bits, struct rs_bytes key, struct rs_bytes data, uint8_t *mac);

/* AES-128-CCM with a tag of 8 bytes. */
struct optiga_ccm {
    uint8_t key[16];
    uint8_t nonce[13];
    size_t nonce_len;
    uint8_t aad[8];
    size_t aad_len;
};
/* out: ciphertext and tag. */
int optiga_ccm_seal(const struct optiga_ccm *ccm, struct rs_bytes plain, uint8_t *out);
/* in: ciphertext and tag. */
int optiga_ccm_open(const struct optiga_ccm *ccm, struct rs_bytes in, uint8_t *plain);

/* ---- SHA-256 whose state can leave the part ------------------------------------------------ */

struct optiga_hash {
    unsigned active : 1;
    uint32_t h[8];
    uint64_t total;
    uint8_t block[64];
    uint8_t fill;
};

#define OPTIGA_HASH_CONTEXT 209 /* what the vendor's host sets aside */

void optiga_hash_start(struct optiga_hash *hash);
void optiga_hash_add(struct optiga_hash *hash, const uint8_t *p, size_t len);
/* Digest of what was added so far; more may follow. */
void optiga_hash_digest(const struct optiga_hash *hash, uint8_t digest[32]);
void optiga_hash_export(const struct optiga_hash *hash, uint8_t out[OPTIGA_HASH_CONTEXT]);
int optiga_hash_import(struct optiga_hash *hash, const uint8_t *p, size_t len);

/* ---- Symmetric chains ------------------------------------------------------------------------- */

enum {
    OPTIGA_MODE_ECB = 0x08,
    OPTIGA_MODE_CBC = 0x09,
    OPTIGA_MODE_CBC_MAC = 0x0A,
    OPTIGA_MODE_CMAC = 0x0B,
    OPTIGA_MODE_HMAC_256 = 0x20,
    OPTIGA_MODE_HMAC_384 = 0x21,
    OPTIGA_MODE_HMAC_512 = 0x22,
};

/* Bits of the hash of an HMAC mode. */
unsigned optiga_hmac_bits(unsigned mode);

struct optiga_sym;

/* iv: CBC only.  NULL when the library fails. */
struct optiga_sym *optiga_sym_new(unsigned mode, int encrypt, struct rs_bytes key,
                                  const uint8_t iv[16]);
void optiga_sym_free(struct optiga_sym *sym);
unsigned optiga_sym_mode(const struct optiga_sym *sym);
int optiga_sym_encrypts(const struct optiga_sym *sym);
/* ECB and CBC: whole blocks in and out.  The others give nothing until the end. */
int optiga_sym_add(struct optiga_sym *sym, struct rs_bytes in, uint8_t *out, size_t *ret_len);
/* MAC of at most 64 bytes; nothing for ECB and CBC. */
int optiga_sym_end(struct optiga_sym *sym, uint8_t *out, size_t *ret_len);

#endif /* SIMS_OPTIGA_CRYPTO_H */
