/*
 * cmd_sign.c: CalcSign, VerifySign (section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    SCHEME_RSA_256 = 0x01,
    SCHEME_RSA_384 = 0x02,
    SCHEME_RSA_512 = 0x03,
    SCHEME_ECDSA = 0x11,
    TAG_DIGEST = 0x01,
    TAG_SIGNATURE = 0x02,
    TAG_KEY = 0x03,
    TAG_CERT = 0x04,
    TAG_ALGORITHM = 0x05,
    TAG_PUBLIC = 0x06,
};

#define DIGEST_MIN    10
#define SIGNATURE_MAX 520

static int
scheme_ok(const struct optiga_chip *c, uint8_t scheme)
{
    if (scheme == SCHEME_RSA_512)
        return (int)c->v3;
    return scheme == SCHEME_ECDSA || scheme == SCHEME_RSA_256 || scheme == SCHEME_RSA_384;
}

/* Bits of the hash of an RSA scheme. */
static unsigned
scheme_bits(uint8_t scheme)
{
    if (scheme == SCHEME_RSA_512)
        return 512;
    return scheme == SCHEME_RSA_384 ? 384 : 256;
}

static int
digest_ok(uint8_t scheme, const struct optiga_curve *curve, const struct optiga_tlv *digest)
{
    if (digest == NULL || (scheme == SCHEME_ECDSA) != (curve != NULL))
        return 0;
    if (curve != NULL)
        return digest->len >= DIGEST_MIN && digest->len <= curve->size;
    return digest->len == scheme_bits(scheme) / 8;
}

static int
sign_ec(struct optiga_chip *c, const struct optiga_curve *curve, const struct optiga_key *key,
        const struct optiga_tlv *digest, struct optiga_answer *a)
{
    uint8_t rs[SIM_POINT_MAX];

    if (!sim_curve_sign(curve->curve, key->p, digest->p, digest->len, c->host->random,
                        c->host->self, rs))
        return OPTIGA_E_INTERNAL;
    optiga_integer_put(a, rs, curve->size);
    optiga_integer_put(a, rs + curve->size, curve->size);
    return OPTIGA_OK;
}

static int
sign_rsa(uint8_t scheme, const struct optiga_key *key, const struct optiga_tlv *digest,
         struct optiga_answer *a)
{
    uint8_t sig[OPTIGA_RSA_MAX];

    if (!optiga_rsa_sign(key->alg, key->p, scheme_bits(scheme), rs_bytes_of(digest->p, digest->len),
                         sig))
        return OPTIGA_E_INTERNAL;
    optiga_put(a, sig, optiga_rsa_size(key->alg));
    return OPTIGA_OK;
}

int
optiga_do_sign(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    const struct optiga_curve *curve;
    const struct optiga_tlv *digest;
    struct optiga_tlvs t;
    struct optiga_key key;
    int status;

    if (!scheme_ok(c, cmd->param))
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(cmd->data, cmd->len, OPTIGA_TAGS(TAG_DIGEST, TAG_KEY), &t);
    if (status == OPTIGA_OK)
        status = optiga_private_key(c, cmd, optiga_tlv_u16(&t, TAG_KEY),
                                    OPTIGA_USE_SIGN | OPTIGA_USE_AUTH, &key);
    if (status != OPTIGA_OK)
        return status;
    digest = optiga_tlv(&t, TAG_DIGEST);
    curve = optiga_curve(key.alg);
    if (!digest_ok(cmd->param, curve, digest))
        return OPTIGA_E_PARAMETER;
    return curve != NULL ? sign_ec(c, curve, &key, digest, a)
                         : sign_rsa(cmd->param, &key, digest, a);
}

static int
verify(uint8_t scheme, const struct optiga_public *key, const struct optiga_tlv *digest,
       const struct optiga_tlv *signature)
{
    struct rs_bytes sig = rs_bytes_of(signature->p, signature->len);
    uint8_t rs[SIM_POINT_MAX];

    if (key->curve == NULL)
        return optiga_rsa_verify(&key->rsa, scheme_bits(scheme),
                                 rs_bytes_of(digest->p, digest->len), sig)
                   ? OPTIGA_OK
                   : OPTIGA_E_SIGNATURE;
    if (!optiga_signature_read(key->curve, sig, rs))
        return OPTIGA_E_PARAMETER;
    return sim_curve_verify(key->curve->curve, key->point, digest->p, digest->len, rs)
               ? OPTIGA_OK
               : OPTIGA_E_SIGNATURE;
}

int
optiga_do_verify(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    const struct optiga_tlv *digest, *signature;
    struct optiga_public key;
    struct optiga_tlvs t;
    int status;

    (void)a;
    if (!scheme_ok(c, cmd->param))
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(
        cmd->data, cmd->len,
        OPTIGA_TAGS(TAG_DIGEST, TAG_SIGNATURE, TAG_CERT, TAG_ALGORITHM, TAG_PUBLIC), &t);
    if (status == OPTIGA_OK)
        status = optiga_public_key(c, cmd, &t, OPTIGA_CERT_SIGNATURE | OPTIGA_CERT_CERT_SIGN, &key);
    if (status != OPTIGA_OK)
        return status;
    digest = optiga_tlv(&t, TAG_DIGEST);
    signature = optiga_tlv(&t, TAG_SIGNATURE);
    if (!digest_ok(cmd->param, key.curve, digest) || signature == NULL ||
        signature->len > SIGNATURE_MAX)
        return OPTIGA_E_PARAMETER;
    return verify(cmd->param, &key, digest, signature);
}
