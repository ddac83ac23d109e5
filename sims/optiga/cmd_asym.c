/*
 * cmd_asym.c: EncryptAsym, DecryptAsym: RSA by PKCS #1 v1.5 (section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    SCHEME_PKCS1 = 0x11,
    TAG_SESSION = 0x02,
    TAG_KEY = 0x03,
    TAG_CERT = 0x04,
    TAG_ALGORITHM = 0x05,
    TAG_PUBLIC = 0x06,
    TAG_DATA = 0x61,
};

#define PADDING_MIN 11

/* The message, or a secret that is in a session. */
static int
read_plain(struct optiga_chip *c, const struct optiga_tlvs *t, struct rs_bytes *ret)
{
    const struct optiga_tlv *data = optiga_tlv(t, TAG_DATA);
    int oid = optiga_tlv_u16(t, TAG_SESSION);
    const struct optiga_session *s = oid < 0 ? NULL : optiga_session(c, (unsigned)oid);

    if ((data != NULL) == (oid != -1))
        return OPTIGA_E_PARAMETER;
    if (data != NULL) {
        *ret = rs_bytes_of(data->p, data->len);
        return OPTIGA_OK;
    }
    if (s == NULL)
        return OPTIGA_E_OID;
    if (s->kind != OPTIGA_SESSION_SECRET)
        return OPTIGA_U_NO_KEY_ERROR;
    *ret = rs_bytes_of(s->bytes, s->len);
    return OPTIGA_OK;
}

/* A secret of a session is encrypted for key encipherment only, bytes of the host for data, too. */
static unsigned
usages_for(const struct optiga_tlvs *t)
{
    return optiga_tlv(t, TAG_SESSION) != NULL
               ? (unsigned)OPTIGA_CERT_KEY_ENCIPHERMENT
               : OPTIGA_CERT_KEY_ENCIPHERMENT | OPTIGA_CERT_DATA_ENCIPHERMENT;
}

int
optiga_do_encrypt_asym(struct optiga_chip *c, const struct optiga_command *cmd,
                       struct optiga_answer *a)
{
    uint8_t out[OPTIGA_RSA_MAX];
    struct rs_bytes plain = {NULL, 0};
    struct optiga_public key;
    struct optiga_tlvs t;
    int status;

    if (cmd->param != SCHEME_PKCS1)
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(
        cmd->data, cmd->len,
        OPTIGA_TAGS(TAG_SESSION, TAG_CERT, TAG_ALGORITHM, TAG_PUBLIC, TAG_DATA), &t);
    if (status == OPTIGA_OK)
        status = read_plain(c, &t, &plain);
    if (status == OPTIGA_OK)
        status = optiga_public_key(c, cmd, &t, usages_for(&t), &key);
    if (status != OPTIGA_OK)
        return status;
    if (key.curve != NULL || plain.len == 0 || plain.len > key.rsa.size - PADDING_MIN)
        return OPTIGA_E_PARAMETER;
    if (!optiga_rsa_encrypt(&key.rsa, plain, out))
        return OPTIGA_E_INTERNAL;
    optiga_put_tlv(a, TAG_DATA, out, key.rsa.size);
    return OPTIGA_OK;
}

/* Out, or into a session. */
static int
give_plain(struct optiga_chip *c, const struct optiga_tlvs *t, const uint8_t *plain, size_t len,
           struct optiga_answer *a)
{
    int oid = optiga_tlv_u16(t, TAG_SESSION);
    struct optiga_session *s = oid < 0 ? NULL : optiga_session(c, (unsigned)oid);

    if (oid == -1) {
        optiga_put_tlv(a, TAG_DATA, plain, len);
        return OPTIGA_OK;
    }
    if (s == NULL)
        return OPTIGA_E_OID;
    if (len > optiga_secret_max(c))
        return OPTIGA_U_RANGE_ERROR;
    memset(s, 0, sizeof(*s));
    s->kind = OPTIGA_SESSION_SECRET;
    s->len = (uint16_t)len;
    memcpy(s->bytes, plain, len);
    return OPTIGA_OK;
}

int
optiga_do_decrypt_asym(struct optiga_chip *c, const struct optiga_command *cmd,
                       struct optiga_answer *a)
{
    uint8_t plain[OPTIGA_RSA_MAX];
    const struct optiga_tlv *data;
    struct optiga_tlvs t;
    struct optiga_key key;
    size_t len = 0;
    int status;

    if (cmd->param != SCHEME_PKCS1)
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(cmd->data, cmd->len, OPTIGA_TAGS(TAG_SESSION, TAG_KEY, TAG_DATA), &t);
    if (status == OPTIGA_OK)
        status = optiga_private_key(c, cmd, optiga_tlv_u16(&t, TAG_KEY), OPTIGA_USE_ENC, &key);
    if (status != OPTIGA_OK)
        return status;
    data = optiga_tlv(&t, TAG_DATA);
    if (data == NULL || data->len != optiga_rsa_size(key.alg) || data->len == 0)
        return OPTIGA_E_PARAMETER;
    if (!optiga_rsa_decrypt(key.alg, key.p, rs_bytes_of(data->p, data->len), plain, &len))
        return OPTIGA_E_DECRYPTION;
    status = give_plain(c, &t, plain, len, a);
    rs_wipe(plain, sizeof(plain));
    return status;
}
