/*
 * template.c: the public areas that keys are made from.
 *
 * IDevID and IAK are those of keys, template H-2 (ECC NIST P-256, SHA-256): two
 * primary keys of the endorsement hierarchy, so that one endorsement seed gives
 * one identity, whoever asks and however often.  Their administrator is a
 * policy: the endorsement hierarchy's owner may certify them and activate
 * credentials with them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define OURS   (TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_SENSITIVE_ORIGIN)
#define IDEVID (OURS | TPM2_USER_WITH_AUTH | TPM2_ADMIN_WITH_POLICY | TPM2_SIGN)

struct template
{
    uint16_t type;
    uint32_t attributes;
    const uint8_t *policy; /* NULL: none */
    const char *unique;    /* of an ECC key, both coordinates */
};

const uint8_t tpm2_policies[2][TPM2_HASH] = {
    /* IDevID */
    {0xad, 0x6b, 0x3a, 0x22, 0x84, 0xfd, 0x69, 0x8a, 0x07, 0x10, 0xbf,
     0x5c, 0xc1, 0xb9, 0xbd, 0xf1, 0x5e, 0x25, 0x32, 0xe3, 0xf6, 0x01,
     0xfa, 0x4b, 0x93, 0xa6, 0xa8, 0xfa, 0x8d, 0xe5, 0x79, 0xea},
    /* IAK */
    {0x54, 0x37, 0x18, 0x23, 0x26, 0xe4, 0x14, 0xfc, 0xa7, 0x97, 0xd5,
     0xf1, 0x74, 0x61, 0x5a, 0x16, 0x41, 0xf6, 0x12, 0x55, 0x79, 0x7c,
     0x3a, 0x2b, 0x22, 0xc2, 0x1d, 0x12, 0x0b, 0x2d, 0x1e, 0x07},
};

#define BRANCH_USER                                                                                \
    {                                                                                              \
        0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,                          \
        0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,                          \
        0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa}
#define BRANCH_CERTIFY                                                                             \
    {                                                                                              \
        0xb2, 0xa6, 0x9e, 0x63, 0x91, 0xe2, 0x68, 0x4a, 0x0f, 0xe7, 0x52,                          \
        0xd3, 0x9e, 0x14, 0xac, 0xd2, 0xe5, 0xcb, 0x92, 0x2e, 0x4b, 0xd0,                          \
        0x35, 0x83, 0x0e, 0xea, 0x31, 0xf2, 0xaa, 0xbe, 0x98, 0x70}
#define BRANCH_ACTIVATE                                                                            \
    {                                                                                              \
        0xcd, 0x99, 0x17, 0xcf, 0x18, 0xc3, 0x84, 0x8c, 0x3a, 0x2e, 0x60,                          \
        0x69, 0x86, 0xa0, 0x66, 0xc6, 0x81, 0x42, 0xf9, 0xbc, 0x27, 0x10,                          \
        0xa2, 0x78, 0x28, 0x7a, 0x65, 0x0c, 0xa3, 0xbb, 0xf2, 0x45}

/* PolicySecret; with Certify; with ActivateCredential; what an NV index of the maker's allows. */
const uint8_t tpm2_branches[2][4][TPM2_HASH] = {
    {BRANCH_USER, BRANCH_CERTIFY, BRANCH_ACTIVATE, {0x62, 0x9c, 0x50, 0xb0, 0x5f, 0x1a, 0xdb,
                                                    0x5b, 0x42, 0x97, 0xfe, 0xb2, 0x41, 0x54,
                                                    0x9d, 0x42, 0x17, 0xa1, 0xc7, 0x92, 0xc1,
                                                    0x62, 0xfe, 0xb8, 0x61, 0x02, 0x2d, 0xef,
                                                    0x88, 0xfa, 0x95, 0x01}},
    {BRANCH_USER, BRANCH_CERTIFY, BRANCH_ACTIVATE, {0x10, 0x1e, 0x68, 0x9d, 0xad, 0xf1, 0x45,
                                                    0x22, 0x24, 0x12, 0xc0, 0x5b, 0x76, 0xe1,
                                                    0x45, 0x32, 0xaf, 0x1e, 0x5c, 0x74, 0x20,
                                                    0x8e, 0x0a, 0xe7, 0xcd, 0xb0, 0xcf, 0xf1,
                                                    0x90, 0x6c, 0x8a, 0x09}},
};

static const uint8_t ek_policy[TPM2_HASH] = BRANCH_USER;

static const struct template templates[] = {
    [TPM2_TEMPLATE_STORAGE] = {TPM2_ALG_ECC,
                               OURS | TPM2_USER_WITH_AUTH | TPM2_NO_DA | TPM2_RESTRICTED |
                                   TPM2_DECRYPT,
                               NULL, ""},
    [TPM2_TEMPLATE_IDEVID] = {TPM2_ALG_ECC, IDEVID, tpm2_policies[0], "IDEVID"},
    [TPM2_TEMPLATE_IAK] = {TPM2_ALG_ECC, IDEVID | TPM2_RESTRICTED, tpm2_policies[1], "IAK"},
    [TPM2_TEMPLATE_LDEVID] = {TPM2_ALG_ECC,
                              OURS | TPM2_USER_WITH_AUTH | TPM2_NO_DA | TPM2_DECRYPT | TPM2_SIGN,
                              NULL, ""},
    [TPM2_TEMPLATE_HMAC] = {TPM2_ALG_KEYEDHASH, OURS | TPM2_USER_WITH_AUTH | TPM2_NO_DA | TPM2_SIGN,
                            NULL, ""},
    [TPM2_TEMPLATE_SEALED] = {TPM2_ALG_KEYEDHASH,
                              TPM2_FIXED_TPM | TPM2_FIXED_PARENT | TPM2_USER_WITH_AUTH | TPM2_NO_DA,
                              NULL, ""},
    [TPM2_TEMPLATE_EK] = {TPM2_ALG_RSA,
                          OURS | TPM2_ADMIN_WITH_POLICY | TPM2_RESTRICTED | TPM2_DECRYPT, ek_policy,
                          ""},
};

/* TPMT_SYM_DEF_OBJECT of a parent. */
static void
put_aes(struct rot_chip *chip)
{
    tpm2_put_u16(chip, TPM2_ALG_AES);
    tpm2_put_u16(chip, 128);
    tpm2_put_u16(chip, TPM2_ALG_CFB);
}

static void
put_ecc(struct rot_chip *chip, const struct template *t)
{
    size_t n = 0;

    while (t->unique[n] != '\0')
        n++;
    if ((t->attributes & (TPM2_RESTRICTED | TPM2_DECRYPT)) == (TPM2_RESTRICTED | TPM2_DECRYPT))
        put_aes(chip);
    else
        tpm2_put_u16(chip, TPM2_ALG_NULL);
    /* A key that does both names its scheme at each use (Part 2, 12.2.3.6). */
    if ((t->attributes & (TPM2_SIGN | TPM2_DECRYPT)) == TPM2_SIGN) {
        tpm2_put_u16(chip, TPM2_ALG_ECDSA);
        tpm2_put_u16(chip, TPM2_ALG_SHA256);
    } else {
        tpm2_put_u16(chip, TPM2_ALG_NULL);
    }
    tpm2_put_u16(chip, TPM2_CURVE_P256);
    tpm2_put_u16(chip, TPM2_ALG_NULL); /* no key derivation of its own */
    tpm2_put_sized(chip, t->unique, n);
    tpm2_put_sized(chip, t->unique, n);
}

static void
put_rsa(struct rot_chip *chip)
{
    put_aes(chip);
    tpm2_put_u16(chip, TPM2_ALG_NULL);
    tpm2_put_u16(chip, 2048);
    tpm2_put_u32(chip, 0); /* 65537 */
    tpm2_put_u16(chip, TPM2_RSA_BYTES);
    for (unsigned i = 0; i < TPM2_RSA_BYTES / 4; i++)
        tpm2_put_u32(chip, 0);
}

void
tpm2_put_template(struct rot_chip *chip, enum tpm2_template which)
{
    const struct template *t = &templates[which];
    size_t at = tpm2_open_sized(chip);

    tpm2_put_u16(chip, t->type);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    tpm2_put_u32(chip, t->attributes);
    tpm2_put_sized(chip, t->policy, t->policy == NULL ? 0 : TPM2_HASH);
    if (t->type == TPM2_ALG_ECC) {
        put_ecc(chip, t);
    } else if (t->type == TPM2_ALG_RSA) {
        put_rsa(chip);
    } else {
        if ((t->attributes & TPM2_SIGN) != 0) {
            tpm2_put_u16(chip, TPM2_ALG_HMAC);
            tpm2_put_u16(chip, TPM2_ALG_SHA256);
        } else {
            tpm2_put_u16(chip, TPM2_ALG_NULL);
        }
        tpm2_put_sized(chip, NULL, 0);
    }
    tpm2_close_sized(chip, at);
}

enum tpm2_template
tpm2_template_of(const struct rot_place *place)
{
    switch (ROT_OBJECT_KIND(place->object)) {
    case ROT_KIND_IDEVID:
        return TPM2_TEMPLATE_IDEVID;
    case ROT_KIND_ATTEST:
        return TPM2_TEMPLATE_IAK;
    case ROT_KIND_VENDOR:
        return TPM2_TEMPLATE_EK;
    case ROT_KIND_CHANNEL:
        return TPM2_TEMPLATE_STORAGE;
    case ROT_KIND_LDEVID:
    case ROT_KIND_TRUST:
    case ROT_KIND_FIRMWARE:
    case ROT_KIND_SESSION:
    case ROT_KIND_DATA:
    case ROT_KIND_COUNTER:
        break;
    }
    return TPM2_TEMPLATE_LDEVID;
}

int
tpm2_only_decrypts(const struct rot_place *place)
{
    enum tpm2_template t = tpm2_template_of(place);

    return t == TPM2_TEMPLATE_EK || t == TPM2_TEMPLATE_STORAGE;
}

int
tpm2_is_primary(const struct rot_place *place)
{
    enum tpm2_template t = tpm2_template_of(place);

    return t == TPM2_TEMPLATE_IDEVID || t == TPM2_TEMPLATE_IAK;
}
