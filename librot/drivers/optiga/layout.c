/*
 * layout.c: which object lives where.
 *
 * Keys and certificates are where Infineon's documents have them; E0F0 and E0E0
 * stay the vendor's.  `also` of a key pair is the small object that keeps its
 * public key.  F1D4 to F1D7 and F1DB are left to others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

/* Sizes of objects (SRM), less what tells the length of content that does not. */
#define CERT  (1728u - OPTIGA_TRAILER)
#define TRUST (1200u - OPTIGA_TRAILER)
#define SMALL (140u - OPTIGA_TRAILER)
#define LARGE (1500u - OPTIGA_TRAILER)
#define SPKI  91u

#define PAIR(obj, flags, oid, kept)                                                                \
    {obj, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN | (flags), 0, 0, oid, kept}
#define BYTES(obj, part, flags, size, oid) {obj, part, ROT_ALG_NONE, flags, 0, size, oid, 0}
#define DATA(n, flags, size, oid)          BYTES(ROT_DATA(n), ROT_PART_DATA, flags, size, oid)
#define SESSION(n)                                                                                 \
    {ROT_SESSION(n),                                                                               \
     ROT_PART_KEY,                                                                                 \
     ROT_ALG_HMAC_SHA256,                                                                          \
     ROT_PLACE_EXPORT,                                                                             \
     0,                                                                                            \
     0,                                                                                            \
     OPTIGA_OID_SESSION + (n),                                                                     \
     0}
#define COUNTER(n) BYTES(ROT_COUNTER(n), ROT_PART_DATA, ROT_PLACE_REGENERATE, 4, 0xe120u + (n))

#define VENDOR_KEY                                                                                 \
    {ROT_VENDOR(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_READ_ONLY, 0, 0, OPTIGA_OID_VENDOR_KEY, 0}
#define VENDOR_CERT                                                                                \
    BYTES(ROT_VENDOR(0), ROT_PART_CERT, ROT_PLACE_READ_ONLY, 1728, OPTIGA_OID_VENDOR_CERT)

#define RENEWED (ROT_PLACE_AGREE | ROT_PLACE_EXPORT | ROT_PLACE_REGENERATE)
#define SEALED  (ROT_PLACE_LOCKABLE | ROT_PLACE_SEAL)

static const struct rot_place places[] = {
    PAIR(ROT_IDEVID, 0, 0xe0f1u, 0xf1d8u),
    BYTES(ROT_IDEVID, ROT_PART_CERT, 0, CERT, 0xe0e1u),
    BYTES(ROT_IDEVID, ROT_PART_CHAIN, 0, CERT, 0xe0e2u),
    VENDOR_KEY,
    VENDOR_CERT,
    PAIR(ROT_LDEVID(0), RENEWED, 0xe0f2u, 0xf1d9u),
    BYTES(ROT_LDEVID(0), ROT_PART_CERT, ROT_PLACE_REGENERATE, CERT, 0xe0e3u),
    PAIR(ROT_LDEVID(1), RENEWED, 0xe0f3u, 0xf1dau),
    BYTES(ROT_LDEVID(1), ROT_PART_CERT, ROT_PLACE_REGENERATE, LARGE, 0xf1e0u),
    BYTES(ROT_TRUST(0), ROT_PART_DATA, SEALED, TRUST, 0xe0e8u),
    BYTES(ROT_TRUST(1), ROT_PART_DATA, ROT_PLACE_REGENERATE, TRUST, OPTIGA_OID_ANCHOR),
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, ROT_PLACE_PUBLIC_KEY | SEALED, 0, SPKI, 0xe0efu,
     0},
    SESSION(0),
    SESSION(1),
    SESSION(2),
    SESSION(3),
    /* Not volatile, and made inside; V1 has none. */
    {ROT_SESSION(4), ROT_PART_KEY, ROT_ALG_AES128, ROT_PLACE_REGENERATE, 0, 0, 0xe200u, 0},
    DATA(0, ROT_PLACE_REGENERATE, SMALL, 0xf1d0u),
    DATA(1, ROT_PLACE_REGENERATE, SMALL, 0xf1d1u),
    DATA(2, ROT_PLACE_REGENERATE, SMALL, 0xf1d2u),
    DATA(3, ROT_PLACE_REGENERATE, SMALL, 0xf1d3u),
    DATA(4, ROT_PLACE_REGENERATE, LARGE, 0xf1e1u),
    COUNTER(0),
    COUNTER(1),
    COUNTER(2),
    COUNTER(3),
};

static const struct optiga_rule rules[] = {
    {OPTIGA_OID_BINDING, OPTIGA_BINDING, ROT_STAGE_CONFIG},
    /* The identity: key, public key, certificate, chain. */
    {0xe0f1, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xf1d8, OPTIGA_FIXED, ROT_STAGE_DATA},
    {0xe0e1, OPTIGA_FIXED, ROT_STAGE_DATA},
    {0xe0e2, OPTIGA_FIXED, ROT_STAGE_DATA},
    /* What a device renews, through the channel only. */
    {0xe0f2, OPTIGA_RENEWED, ROT_STAGE_DATA},
    {0xf1d9, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xe0e3, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xe0f3, OPTIGA_RENEWED, ROT_STAGE_DATA},
    {0xf1da, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xf1e0, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {OPTIGA_OID_ANCHOR, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xe200, OPTIGA_USED, ROT_STAGE_DATA},
    {0xf1d0, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xf1d1, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xf1d2, OPTIGA_PRIVATE, ROT_STAGE_DATA},
    {0xf1d3, OPTIGA_PRIVATE, ROT_STAGE_DATA},
    {0xf1e1, OPTIGA_CHANNEL, ROT_STAGE_DATA},
    {0xe120, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xe121, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xe122, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xe123, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xe0e8, OPTIGA_FIXED, ROT_STAGE_OBJECT},
    {0xe0ef, OPTIGA_FIXED, ROT_STAGE_OBJECT},
};
_Static_assert(sizeof(rules) / sizeof(rules[0]) < 32, "they are bits in seal.c");

static const struct rot_layout trust_m = {
    .name = "optiga-trust-m",
    .driver = "optiga",
    .places = places,
    .place_count = sizeof(places) / sizeof(places[0]),
    .config = rules,
    .config_len = sizeof(rules),
    .stages = 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA | 1u << ROT_STAGE_OBJECT,
    .channel = 1,
};

/*
 * A key whose uses the part counts, as a station's CA has one: each use of
 * ldevid/0 moves counter/0, and at the number in data/2 the part uses it no
 * more.  The seal of the data fixes that number.
 */
static const struct rot_place counted_places[] = {
    PAIR(ROT_IDEVID, 0, 0xe0f1u, 0xf1d8u),
    BYTES(ROT_IDEVID, ROT_PART_CERT, 0, CERT, 0xe0e1u),
    BYTES(ROT_IDEVID, ROT_PART_CHAIN, 0, CERT, 0xe0e2u),
    VENDOR_KEY,
    VENDOR_CERT,
    PAIR(ROT_LDEVID(0), 0, 0xe0f2u, 0xf1d9u),
    BYTES(ROT_LDEVID(0), ROT_PART_CERT, ROT_PLACE_REGENERATE, CERT, 0xe0e3u),
    COUNTER(0),
    {ROT_DATA(2), ROT_PART_DATA, ROT_ALG_NONE, 0, OPTIGA_AT_THRESHOLD, 4, OPTIGA_OID_COUNTER, 0},
};

static const struct optiga_rule counted_rules[] = {
    {OPTIGA_OID_BINDING, OPTIGA_BINDING, ROT_STAGE_CONFIG},
    {0xe0f1, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xf1d8, OPTIGA_FIXED, ROT_STAGE_DATA},
    {0xe0e1, OPTIGA_FIXED, ROT_STAGE_DATA},
    {0xe0e2, OPTIGA_FIXED, ROT_STAGE_DATA},
    {OPTIGA_OID_COUNTER, OPTIGA_FIXED_USED, ROT_STAGE_DATA},
    {0xe0f2, OPTIGA_FIXED_COUNTED, ROT_STAGE_DATA},
    {0xf1d9, OPTIGA_FIXED, ROT_STAGE_DATA},
    {0xe0e3, OPTIGA_CHANNEL, ROT_STAGE_DATA},
};

static const struct rot_layout trust_m_counted = {
    .name = "optiga-trust-m-counted",
    .driver = "optiga",
    .places = counted_places,
    .place_count = sizeof(counted_places) / sizeof(counted_places[0]),
    .config = counted_rules,
    .config_len = sizeof(counted_rules),
    .stages = 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA,
    .channel = 1,
};

const struct rot_layout *const optiga_layouts[] = {&trust_m, &trust_m_counted, NULL};
