/*
 * port.h: what the files of the OpenSSL port share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_PORTS_OPENSSL_PORT_H
#define ROT_PORTS_OPENSSL_PORT_H

#include <rot/port_openssl.h>

enum cipher_mode { MODE_ECB, MODE_CBC, MODE_CFB, MODE_GCM, MODE_CCM };

#define SIZE_INT_MAX 0x7fffffffu /* what OpenSSL's int lengths can say */

/* symmetric.c */
rot_err port_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t part_count,
                  uint8_t *out);
rot_err port_hmac(void *self, enum rot_hash alg, struct rot_bytes key,
                  const struct rot_bytes *parts, size_t part_count, uint8_t *out);
rot_err port_aes_ecb(void *self, struct rot_bytes key, int encrypt, const uint8_t *in, size_t len,
                     uint8_t *out);
rot_err port_aes_cbc(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt,
                     const uint8_t *in, size_t len, uint8_t *out);
rot_err port_aes_cfb(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt,
                     const uint8_t *in, size_t len, uint8_t *out);
rot_err port_aes_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts,
                      size_t part_count, uint8_t mac[16]);

/* aead.c */
rot_err port_aead(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
                  struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out);

/* ec.c */
rot_err port_ec_generate(void *self, enum rot_alg alg, uint8_t *priv, uint8_t *pub);
rot_err port_ec_public(void *self, enum rot_alg alg, const uint8_t *priv, uint8_t *pub);
rot_err port_ec_sign(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *in,
                     size_t in_len, uint8_t *sig);
rot_err port_ec_verify(void *self, enum rot_alg alg, const uint8_t *pub, const uint8_t *in,
                       size_t in_len, const uint8_t *sig);
rot_err port_ecdh(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer,
                  uint8_t *secret);

/* kdf.c */
rot_err port_kdf(void *self, struct rot_bytes secret, const struct rot_kdf_params *params,
                 uint8_t *out);
rot_err port_channel_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret,
                            size_t len);
rot_err port_stretch(void *self, struct rot_bytes passphrase, struct rot_bytes salt,
                     uint32_t iterations, uint8_t *out, size_t out_len);

#endif /* ROT_PORTS_OPENSSL_PORT_H */
