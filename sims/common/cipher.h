/*
 * cipher.h: symmetric cryptography for simulated parts, over OpenSSL.
 *
 * Every function gives 1 when it was done and 0 when the library failed or the
 * answer is no (a tag that is wrong, a wrapped key that is none).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_CIPHER_H
#define SIMS_COMMON_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SIM_AES_BLOCK 16
#define SIM_AES_MAX   32

enum sim_hash {
    SIM_HASH_NONE = 0,
    SIM_HASH_SHA256,
    SIM_HASH_SHA384,
    SIM_HASH_SHA512,
    SIM_HASH_SHA3_256,
    SIM_HASH_SHA3_384,
    SIM_HASH_SHA3_512,
};

enum sim_aead {
    SIM_AEAD_CCM = 1,
    SIM_AEAD_GCM,
};

/* An AES key of 16 or 32 bytes. */
struct sim_aes {
    const uint8_t *key;
    size_t len;
};

/* Whole blocks, at any place: in and out may be the same. */
int sim_aes_ecb(struct sim_aes aes, int encrypt, struct rs_bytes in, uint8_t *out);
int sim_aes_cbc(struct sim_aes aes, int encrypt, const uint8_t iv[SIM_AES_BLOCK],
                struct rs_bytes in, uint8_t *out);
int sim_aes_cmac(struct sim_aes aes, struct rs_bytes in, uint8_t mac[SIM_AES_BLOCK]);
/* RFC 3394, with its own initial value: 8 bytes more, or 8 less. */
int sim_aes_wrap(struct sim_aes aes, struct rs_bytes in, uint8_t *out);
int sim_aes_unwrap(struct sim_aes aes, struct rs_bytes in, uint8_t *out);

/* What an AEAD takes besides the message; tag is written or compared. */
struct sim_aead_input {
    enum sim_aead mode;
    struct sim_aes aes;
    struct rs_bytes nonce, aad;
    size_t tag_len;
};

/* out has the length of in. */
int sim_aead_seal(const struct sim_aead_input *how, struct rs_bytes in, uint8_t *out, uint8_t *tag);
int sim_aead_open(const struct sim_aead_input *how, struct rs_bytes in, const uint8_t *tag,
                  uint8_t *out);

/* The length of the digest, at most 64 bytes; 0: no such hash, or the library failed. */
size_t sim_hash(enum sim_hash hash, struct rs_bytes in, uint8_t *digest);
const char *sim_hash_name(enum sim_hash hash);
int sim_hmac_sha256(struct rs_bytes key, struct rs_bytes in, uint8_t mac[32]);
/* RFC 5869 with SHA-256; expand gives up to 255 blocks. */
int sim_hkdf_extract(struct rs_bytes salt, struct rs_bytes secret, uint8_t prk[32]);
int sim_hkdf_expand(const uint8_t prk[32], struct rs_bytes info, uint8_t *out, size_t len);

#endif /* SIMS_COMMON_CIPHER_H */
