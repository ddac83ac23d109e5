/*
 * layout.c: what lives where, in zones as an A110 of the evaluation profile has
 * them (section 5): 1: 700 bytes, 2 and 3: 600, 4: 1,696, 7: 1,578, 5 and 6
 * counters.  An A120 needs zones of these numbers that are at least as large.
 *
 * An A110 has two private key slots, and ST has filled the first and sealed its
 * certificate in zone 0.  So the identity is that key, with our certificate over it
 * in zone 7: it is the one key whose birth ST vouches for, and leaves the other
 * slot for an operational key.  "stsafe-own" makes the identity's key in slot 1
 * instead; operational keys are then for parts with more slots.
 *
 * Zone 7 is closed for good by the data seal.  trust/0 and firmware/0 have a zone
 * each, so that they can be sealed one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define P256       ROT_ALG_P256
#define VENDOR_KEY ROT_PLACE_READ_ONLY
#define NEW        ROT_PLACE_REGENERATE
#define SEALABLE   (ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE)
#define LDEVID     (ROT_PLACE_SIGN | ROT_PLACE_AGREE | ROT_PLACE_EXPORT | ROT_PLACE_REGENERATE)

/* The vendor's first: it speaks for the others. */
#define VENDOR                                                                                     \
    {ROT_VENDOR(0), ROT_PART_KEY, P256, VENDOR_KEY, 0, 0, 0, 0},                                   \
        {ROT_VENDOR(0), ROT_PART_CERT, 0, ROT_PLACE_READ_ONLY, 0, 1000, 0, 0}

/* The operational key's certificate has two copies; its public key stands behind them. */
#define REST(slot)                                                                                 \
    {ROT_LDEVID(0), ROT_PART_KEY, P256, LDEVID, 0, 0, slot, STSAFE_AT(4, 1620)},                   \
        {ROT_LDEVID(0), ROT_PART_CERT, 0, NEW, 0, 798, 4, STSAFE_AT(4, 810)},                      \
        {ROT_TRUST(0), ROT_PART_DATA, 0, SEALABLE, 0, 588, 3, 0},                                  \
        {ROT_TRUST(1), ROT_PART_DATA, 0, NEW, 0, 560, 1, 0},                                       \
        {ROT_FIRMWARE(0),  ROT_PART_DATA, P256, SEALABLE | ROT_PLACE_PUBLIC_KEY, 0, 91, 2,         \
         STSAFE_AT(2, 103)},                                                                       \
        {ROT_SESSION(0), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, 0, 0, 0, 0, 0},                        \
        {ROT_SESSION(1), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, 0, 0},                             \
        {ROT_SESSION(2), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, 0, 0, 0, STSAFE_SYMMETRIC, 0},         \
        {ROT_SESSION(3), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, STSAFE_SYMMETRIC, 0},              \
        {ROT_DATA(0), ROT_PART_DATA, 0, NEW, 572, 52, 1, STSAFE_AT(1, 636)},                       \
        {ROT_COUNTER(0), ROT_PART_DATA, 0, NEW, 0, 4, 5, 0},                                       \
        {ROT_COUNTER(1), ROT_PART_DATA, 0, NEW, 0, 4, 6, 0}

static const struct rot_place vendor_places[] = {
    VENDOR,
    {ROT_IDEVID, ROT_PART_KEY, P256, ROT_PLACE_SIGN | VENDOR_KEY, 0, 0, 0, 0},
    {ROT_IDEVID, ROT_PART_CERT, 0, 0, 0, 850, 7, 0},
    {ROT_IDEVID, ROT_PART_CHAIN, 0, 0, 862, 704, 7, 0},
    REST(1),
};

static const struct rot_place own_places[] = {
    VENDOR,
    {ROT_IDEVID, ROT_PART_KEY, P256, ROT_PLACE_SIGN, 0, 0, 1, STSAFE_AT(7, 1502)},
    {ROT_IDEVID, ROT_PART_CERT, 0, 0, 0, 850, 7, 0},
    {ROT_IDEVID, ROT_PART_CHAIN, 0, 0, 862, 628, 7, 0},
    REST(2),
};

#define STAGES (1u << ROT_STAGE_DATA | 1u << ROT_STAGE_LIFECYCLE)

static const struct rot_layout vendor = {
    .name = "stsafe-a110",
    .driver = "stsafe",
    .places = vendor_places,
    .place_count = sizeof(vendor_places) / sizeof(vendor_places[0]),
    .stages = STAGES,
    .channel = 1,
};

static const struct rot_layout own = {
    .name = "stsafe-own",
    .driver = "stsafe",
    .places = own_places,
    .place_count = sizeof(own_places) / sizeof(own_places[0]),
    .stages = STAGES,
    .channel = 1,
};

const struct rot_layout *const stsafe_layouts[] = {&vendor, &own, NULL};
