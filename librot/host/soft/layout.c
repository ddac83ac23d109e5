/*
 * layout.c: which objects a store has.
 *
 * A file has no slots, so the layouts differ in the algorithms of their keys
 * only.  The numbers in `where` and `also` are not used.
 *
 * After the data seal the identity, and whatever firmware is verified with,
 * stay; what is renewed in the field (ROT_PLACE_REGENERATE) may still change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "soft.h"

#define RENEW ROT_PLACE_REGENERATE

#define KEY(obj, alg, flags) {obj, ROT_PART_KEY, alg, flags, 0, 0, 0, 0}
#define CERT(obj, flags)                                                                           \
    {obj, ROT_PART_CERT, ROT_ALG_NONE, flags, 0, ROT_CERTIFICATE_MAX, 0, 0},                       \
        {obj, ROT_PART_CHAIN, ROT_ALG_NONE, flags, 0, ROT_CERTIFICATE_MAX, 0, 0}
#define DATA(obj, flags, size) {obj, ROT_PART_DATA, ROT_ALG_NONE, flags, 0, size, 0, 0}
#define FIRMWARE(n, alg)                                                                           \
    {ROT_FIRMWARE(n),                                                                              \
     ROT_PART_DATA,                                                                                \
     alg,                                                                                          \
     ROT_PLACE_PUBLIC_KEY | ROT_PLACE_LOCKABLE,                                                    \
     0,                                                                                            \
     ROT_PUBLIC_KEY_MAX,                                                                           \
     0,                                                                                            \
     0}
#define COUNTER(n) DATA(ROT_COUNTER(n), RENEW, 8)

/* What no layout does differently.  fw: a curve that verifies digests. */
#define COMMON_PLACES(fw)                                                                          \
    CERT(ROT_IDEVID, 0), CERT(ROT_LDEVID(0), RENEW), CERT(ROT_LDEVID(1), RENEW),                   \
        CERT(ROT_LDEVID(2), RENEW), CERT(ROT_LDEVID(3), RENEW),                                    \
        DATA(ROT_TRUST(0), RENEW | ROT_PLACE_LOCKABLE, ROT_CERTIFICATE_MAX),                       \
        DATA(ROT_TRUST(1), RENEW, ROT_CERTIFICATE_MAX),                                            \
        DATA(ROT_TRUST(2), RENEW, ROT_CERTIFICATE_MAX),                                            \
        DATA(ROT_TRUST(3), RENEW, ROT_CERTIFICATE_MAX), FIRMWARE(0, fw), FIRMWARE(1, fw),          \
        KEY(ROT_SESSION(0), ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT),                                \
        KEY(ROT_SESSION(1), ROT_ALG_AES128, 0), KEY(ROT_SESSION(2), ROT_ALG_AES256, 0),            \
        KEY(ROT_SESSION(3), ROT_ALG_HMAC_SHA256, 0), DATA(ROT_DATA(0), 0, 4096),                   \
        DATA(ROT_DATA(1), RENEW | ROT_PLACE_LOCKABLE, 4096), DATA(ROT_DATA(2), RENEW, 4096),       \
        KEY(ROT_DATA(3), ROT_ALG_AES256, 0), COUNTER(0), COUNTER(1)

#define SIGN ROT_PLACE_SIGN
#define BOTH (ROT_PLACE_SIGN | ROT_PLACE_AGREE)

static const struct rot_place p256_places[] = {
    KEY(ROT_IDEVID, ROT_ALG_P256, SIGN),
    KEY(ROT_LDEVID(0), ROT_ALG_P256, BOTH | RENEW),
    KEY(ROT_LDEVID(1), ROT_ALG_P256, BOTH | RENEW | ROT_PLACE_EXPORT),
    KEY(ROT_LDEVID(2), ROT_ALG_P384, BOTH | RENEW | ROT_PLACE_EXPORT),
    KEY(ROT_LDEVID(3), ROT_ALG_ED25519, SIGN | RENEW),
    COMMON_PLACES(ROT_ALG_P256),
};

static const struct rot_place p384_places[] = {
    KEY(ROT_IDEVID, ROT_ALG_P384, SIGN),
    KEY(ROT_LDEVID(0), ROT_ALG_P384, BOTH | RENEW),
    KEY(ROT_LDEVID(1), ROT_ALG_P384, BOTH | RENEW | ROT_PLACE_EXPORT),
    KEY(ROT_LDEVID(2), ROT_ALG_P384, BOTH | RENEW | ROT_PLACE_EXPORT),
    KEY(ROT_LDEVID(3), ROT_ALG_P384, SIGN | RENEW),
    COMMON_PLACES(ROT_ALG_P384),
};

static const struct rot_place ed25519_places[] = {
    KEY(ROT_IDEVID, ROT_ALG_ED25519, SIGN),
    KEY(ROT_LDEVID(0), ROT_ALG_ED25519, SIGN | RENEW),
    KEY(ROT_LDEVID(1), ROT_ALG_ED25519, SIGN | RENEW),
    KEY(ROT_LDEVID(2), ROT_ALG_ED25519, SIGN | RENEW),
    KEY(ROT_LDEVID(3), ROT_ALG_X25519, ROT_PLACE_AGREE | RENEW | ROT_PLACE_EXPORT),
    COMMON_PLACES(ROT_ALG_P256),
};

#define LAYOUT(text, list)                                                                         \
    {.name = (text),                                                                               \
     .driver = "soft",                                                                             \
     .places = (list),                                                                             \
     .place_count = sizeof(list) / sizeof((list)[0]),                                              \
     .stages = 1u << ROT_STAGE_DATA}

static const struct rot_layout p256_layout = LAYOUT("soft", p256_places);
static const struct rot_layout p384_layout = LAYOUT("soft-p384", p384_places);
static const struct rot_layout ed25519_layout = LAYOUT("soft-ed25519", ed25519_places);

const struct rot_layout *const soft_layouts[] = {&p256_layout, &p384_layout, &ed25519_layout, NULL};
