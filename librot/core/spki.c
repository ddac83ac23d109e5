/*
 * spki.c: public keys between raw form and SubjectPublicKeyInfo.
 *
 * DER has one encoding, so all of a SubjectPublicKeyInfo in front of the key
 * itself is a constant per algorithm: reading is a comparison, and whatever
 * differs (a compressed point, explicit curve parameters, RFC 5480 2.1.1 and
 * 2.2, an unused bit) is refused by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

struct spki_form {
    uint8_t alg;
    uint8_t prefix_len;
    uint8_t prefix[27];
};

static const struct spki_form forms[] = {
    /* id-ecPublicKey, secp256r1, BIT STRING, uncompressed point */
    {ROT_ALG_P256, 27, {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                        0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04}},
    /* id-ecPublicKey, secp384r1 */
    {ROT_ALG_P384, 24, {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                        0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04}},
    /* RFC 8410 3: 1.3.101.112 and 1.3.101.110, no parameters */
    {ROT_ALG_ED25519, 12, {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}},
    {ROT_ALG_X25519, 12, {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00}},
};

#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

rot_err
rot_spki_from_point(enum rot_alg alg, const uint8_t *point, uint8_t *spki, size_t cap,
                    size_t *ret_len)
{
    size_t i, need;

    if (point == NULL || spki == NULL || ret_len == NULL)
        return ROT_E_ARG;
    for (i = 0; i < FORM_COUNT && forms[i].alg != (uint8_t)alg; i++)
        continue;
    if (i == FORM_COUNT)
        return ROT_E_ARG;
    need = rot_alg_spki_size(alg);
    if (rot_check_space(need, cap, ret_len) != ROT_OK)
        return ROT_E_SPACE;
    memcpy(spki, forms[i].prefix, forms[i].prefix_len);
    memcpy(spki + forms[i].prefix_len, point, rot_alg_point_size(alg));
    *ret_len = need;
    return ROT_OK;
}

rot_err
rot_spki_to_point(const uint8_t *spki, size_t spki_len, uint8_t point[96], enum rot_alg *ret_alg)
{
    if (spki == NULL || point == NULL || ret_alg == NULL)
        return ROT_E_ARG;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        enum rot_alg alg = (enum rot_alg)forms[i].alg;

        if (spki_len != rot_alg_spki_size(alg) ||
            memcmp(spki, forms[i].prefix, forms[i].prefix_len) != 0)
            continue;
        memcpy(point, spki + forms[i].prefix_len, rot_alg_point_size(alg));
        *ret_alg = alg;
        return ROT_OK;
    }
    return ROT_E_FORMAT;
}
