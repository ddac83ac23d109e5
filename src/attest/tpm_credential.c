/*
 * tpm_credential.c: TPM2_MakeCredential in software (TPM 2.0 Library, Part 1, 24 and annexes B, C).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/tpm_inner.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "crypto/wrap.h"

#define SEED_SIZE 32
#define MAC_SIZE  CRYPTO_SHA256_SIZE

/* Labels count their NUL (Part 1, 11.4.10.2 and B.4). */
static const uint8_t identity[] = "IDENTITY", storage[] = "STORAGE", integrity[] = "INTEGRITY";

/* KDFa (Part 1, 11.4.10.2) for at most one block of SHA-256. */
static void
kdfa(const uint8_t seed[SEED_SIZE], struct rs_bytes label, struct rs_bytes context, uint32_t bits,
     uint8_t out[32])
{
    uint8_t counter[4], size[4];
    struct rs_bytes parts[] = {RS_BYTES(counter), label, context, RS_BYTES(size)};

    rs_set_u32(counter, 1);
    rs_set_u32(size, bits);
    crypto_hmac_sha256(rs_bytes_of(seed, SEED_SIZE), parts, 4, out);
}

/* KDFe (Part 1, 11.4.10.3): the seed from an agreement. */
static void
kdfe(const uint8_t shared[32], struct rs_bytes own_x, struct rs_bytes peer_x,
     uint8_t seed[SEED_SIZE])
{
    uint8_t counter[4];
    struct rs_bytes parts[] = {RS_BYTES(counter), rs_bytes_of(shared, 32), RS_BYTES(identity),
                               own_x, peer_x};

    rs_set_u32(counter, 1);
    crypto_sha256_parts(parts, 5, seed);
}

/* RSA (Part 1, B.10.3): the seed is drawn and wrapped. */
static rs_code
share_rsa(const struct crypto_pub *ek, uint8_t seed[SEED_SIZE], struct rs_buf *wrapped,
          struct rs_err *err)
{
    rs_code rc = rs_random(seed, SEED_SIZE, err);

    return rc == RS_OK
               ? crypto_oaep(ek, RS_BYTES(identity), rs_bytes_of(seed, SEED_SIZE), wrapped, err)
               : rc;
}

/* ECC (Part 1, C.6.1): the seed follows from a key that is used once; its point goes along. */
static rs_code
share_ecc(const struct crypto_pub *ek, uint8_t seed[SEED_SIZE], struct rs_buf *wrapped,
          struct rs_err *err)
{
    uint8_t point[65], shared[CRYPTO_P256_X];
    rs_code rc = crypto_agree_once(ek, point, shared, err);

    if (rc != RS_OK)
        return rc;
    kdfe(shared, rs_bytes_of(point + 1, 32), rs_bytes_of(ek->key.p + 1, 32), seed);
    rs_buf_put_u16_bytes(wrapped, rs_bytes_of(point + 1, 32));
    rs_buf_put_u16_bytes(wrapped, rs_bytes_of(point + 33, 32));
    rs_wipe(shared, sizeof(shared));
    return RS_OK;
}

/* TPM2B_ID_OBJECT: the MAC, then TPM2B_DIGEST(secret) enciphered. */
static rs_code
put_id_object(const uint8_t seed[SEED_SIZE], const uint8_t name[TPM_NAME_SIZE],
              const uint8_t secret[TPM_SECRET_SIZE], struct rs_buf *out, struct rs_err *err)
{
    uint8_t key[32], sealed[2 + TPM_SECRET_SIZE], mac[MAC_SIZE];
    struct rs_bytes parts[] = {RS_BYTES(sealed), rs_bytes_of(name, TPM_NAME_SIZE)};
    rs_code rc;

    rs_set_u16(sealed, TPM_SECRET_SIZE);
    memcpy(sealed + 2, secret, TPM_SECRET_SIZE);
    kdfa(seed, RS_BYTES(storage), rs_bytes_of(name, TPM_NAME_SIZE), 128, key);
    rc = crypto_aes_cfb(key, sealed, sizeof(sealed), err);
    kdfa(seed, RS_BYTES(integrity), rs_bytes_of(NULL, 0), 256, key);
    crypto_hmac_sha256(RS_BYTES(key), parts, 2, mac);
    if (rc == RS_OK) {
        rs_buf_put_u16(out, 2 + MAC_SIZE + sizeof(sealed));
        rs_buf_put_u16_bytes(out, RS_BYTES(mac));
        rs_buf_put_bytes(out, RS_BYTES(sealed));
    }
    rs_wipe(key, sizeof(key));
    rs_wipe(sealed, sizeof(sealed));
    return rc;
}

rs_code
tpm_make_credential(const struct crypto_pub *ek, const uint8_t name[TPM_NAME_SIZE],
                    const uint8_t secret[TPM_SECRET_SIZE], struct rs_buf *out, struct rs_err *err)
{
    uint8_t seed[SEED_SIZE], room[CRYPTO_OAEP_MAX];
    struct rs_buf wrapped;
    rs_code rc;

    rs_buf_init_fixed(&wrapped, room, sizeof(room));
    if (ek->alg == CRYPTO_RSA2048)
        rc = share_rsa(ek, seed, &wrapped, err);
    else if (ek->alg == CRYPTO_P256)
        rc = share_ecc(ek, seed, &wrapped, err);
    else
        rc = rs_fail(err, RS_E_CHIP_NOT_GENUINE, "tpm: EK: neither RSA of 2048 bits nor P-256");
    if (rc == RS_OK)
        rc = put_id_object(seed, name, secret, out, err);
    if (rc == RS_OK)
        rs_buf_put_u16_bytes(out, rs_buf_bytes(&wrapped));
    rs_wipe(seed, sizeof(seed));
    if (rc == RS_OK && (!rs_buf_ok(out) || !rs_buf_ok(&wrapped)))
        rc = rs_fail(err, RS_E_NO_MEMORY, "no room for a credential");
    return rc;
}
