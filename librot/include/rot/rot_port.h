/*
 * rot_port.h: what the host lends to drivers.
 *
 * Parts with a secure channel, and the `soft` driver, need crypto on the host
 * side.  It comes through this table, so that librot itself links no crypto
 * library: ports/openssl fills all of it, a Cortex-M port fills what its
 * drivers need and leaves the rest NULL (the driver then gives ROT_E_PORT).
 *
 *   driver          needs
 *   atecc           hash and random, for the IO protection key only
 *   optiga          hmac and aead for its channel; hash for evidence
 *   soft            random, hash, hmac, aes_cmac, aead, ec_*, ecdh, kdf, stretch
 *   se05x (SCP03)   aes_cbc, aes_cmac, random
 *   stsafe          aes_cmac, aes_ecb, aes_cbc; hash for evidence; hmac, kdf, aead for sessions
 *   tpm2 sessions   hash, hmac, aes_cfb, ecdh, random
 *
 * Inputs are lists of pieces, so that nothing is copied together first.
 * All functions give ROT_OK or ROT_E_PORT unless they say more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_PORT_H
#define ROT_ROT_PORT_H

#include <rot/rot.h>

struct rot_port_ops {
    /* Milliseconds since some start; wraps never.  For timeouts only. */
    uint64_t (*time_ms)(void *self);

    /* Cryptographically strong random bytes. */
    rot_err (*random)(void *self, uint8_t *buf, size_t len);

    /* out has the hash's size: 32, 48 or 64 bytes. */
    rot_err (*hash)(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t part_count,
                    uint8_t *out);
    rot_err (*hmac)(void *self, enum rot_hash alg, struct rot_bytes key,
                    const struct rot_bytes *parts, size_t part_count, uint8_t *out);

    /*
     * Raw AES on whole blocks; key 16 or 32 bytes; iv is updated in place for
     * chaining.  in and out may be the same.  The last piece of CFB may be short.
     */
    rot_err (*aes_ecb)(void *self, struct rot_bytes key, int encrypt, const uint8_t *in, size_t len,
                       uint8_t *out);
    rot_err (*aes_cbc)(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt,
                       const uint8_t *in, size_t len, uint8_t *out);
    rot_err (*aes_cfb)(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt,
                       const uint8_t *in, size_t len, uint8_t *out);
    rot_err (*aes_cmac)(void *self, struct rot_bytes key, const struct rot_bytes *parts,
                        size_t part_count, uint8_t mac[16]);
    /* out: cipher and tag, or plain; ROT_E_MISMATCH when the tag is wrong.  out may be in.p. */
    rot_err (*aead)(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
                    struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out);

    /*
     * Elliptic curve keys of the host: private keys and points are raw
     * big-endian, points X || Y (or the raw 32 bytes for Ed25519/X25519).
     */
    rot_err (*ec_generate)(void *self, enum rot_alg alg, uint8_t *priv, uint8_t *pub);
    rot_err (*ec_public)(void *self, enum rot_alg alg, const uint8_t *priv, uint8_t *pub);
    /* sig: r || s, or the raw EdDSA signature; in is the digest, or the message for EdDSA. */
    rot_err (*ec_sign)(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *in,
                       size_t in_len, uint8_t *sig);
    /* ROT_E_MISMATCH when the signature is wrong; ROT_E_FORMAT when pub is not on the curve. */
    rot_err (*ec_verify)(void *self, enum rot_alg alg, const uint8_t *pub, const uint8_t *in,
                         size_t in_len, const uint8_t *sig);
    rot_err (*ecdh)(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer,
                    uint8_t *secret);
    rot_err (*kdf)(void *self, struct rot_bytes secret, const struct rot_kdf_params *params,
                   uint8_t *out);
    /* A key from what a person remembers: PBKDF2 with HMAC-SHA-256 (RFC 8018 5.2). */
    rot_err (*stretch)(void *self, struct rot_bytes passphrase, struct rot_bytes salt,
                       uint32_t iterations, uint8_t *out, size_t out_len);

    /*
     * Optional.  The secret that this host shares, or is to share, with one part for its
     * secure channel: len bytes, always the same ones for a driver's name and a part's unique
     * id.  What they are (SCP03 keys, a binding secret, host keys, an IO protection key) is said
     * in the driver's header.  ROT_E_EMPTY: the host has none; a driver then tries what the
     * vendor published, if anything.
     */
    rot_err (*channel_secret)(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret,
                              size_t len);
};

struct rot_port {
    void *self;
    const struct rot_port_ops *ops;
};

#endif /* ROT_ROT_PORT_H */
