/*
 * layout.c: which object is which element, register or counter.
 *
 * The elements take 7,672 of the part's 8,192 bytes and 18 of its 32 places.  What a
 * device renews has two elements each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define CHAIN_SIZE 800u
#define LARGE      1024u

#define PAIR(obj, flags, where) {obj, ROT_PART_KEY, ROT_ALG_P256, flags, 0, 0, where, 0}
#define BYTES(obj, part, flags, size, where, also)                                                 \
    {obj, part, ROT_ALG_NONE, flags, 0, size, where, also}
#define SECRET(n, alg, flags, where) {ROT_SESSION(n), ROT_PART_KEY, alg, flags, 0, 0, where, 0}
#define COUNTER(n)                   BYTES(ROT_COUNTER(n), ROT_PART_DATA, ROT_PLACE_REGENERATE, 4, 0x4010u + (n), 0)

#define RENEWED ROT_PLACE_REGENERATE
#define SEALED  (ROT_PLACE_LOCKABLE | ROT_PLACE_SEAL)

static const struct rot_place places[] = {
    PAIR(ROT_ATTEST(0), 0, 0x8001u),
    PAIR(ROT_IDEVID, ROT_PLACE_SIGN, 0x8000u),
    BYTES(ROT_IDEVID, ROT_PART_CERT, 0, LARGE, 0x8020u, 0),
    BYTES(ROT_IDEVID, ROT_PART_CHAIN, 0, CHAIN_SIZE, 0x8021u, 0),
    PAIR(ROT_LDEVID(0), ROT_PLACE_SIGN | ROT_PLACE_AGREE | RENEWED, 0x8002u),
    BYTES(ROT_LDEVID(0), ROT_PART_CERT, RENEWED, 800, 0x8022u, 0x8023u),
    PAIR(ROT_LDEVID(1), ROT_PLACE_SIGN | ROT_PLACE_AGREE | RENEWED, 0x8003u),
    BYTES(ROT_LDEVID(1), ROT_PART_CERT, RENEWED, 800, 0x8024u, 0x8025u),
    BYTES(ROT_TRUST(0), ROT_PART_DATA, SEALED, 800, 0x8030u, 0),
    BYTES(ROT_TRUST(1), ROT_PART_DATA, RENEWED, 640, 0x8031u, 0x8032u),
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, ROT_PLACE_PUBLIC_KEY | SEALED, 0, TA100_SPKI,
     0x8010u, 0},
    /* Registers: agreed and derived secrets.  What is derived from the first two may leave. */
    SECRET(0, ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT, 0x4000u),
    SECRET(1, ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT, 0x4001u),
    SECRET(2, ROT_ALG_AES128, 0, 0x4002u),
    SECRET(3, ROT_ALG_AES256, 0, 0x4003u),
    /* Elements: keys that were brought in, and stay. */
    SECRET(4, ROT_ALG_HMAC_SHA256, RENEWED, 0x8008u),
    SECRET(5, ROT_ALG_AES128, RENEWED, 0x8009u),
    BYTES(ROT_DATA(0), ROT_PART_DATA, RENEWED, 120, 0x8040u, 0x8041u),
    COUNTER(0),
    COUNTER(1),
};

static const struct rot_layout ta100 = {
    .name = "ta100",
    .driver = "ta100",
    .places = places,
    .place_count = sizeof(places) / sizeof(places[0]),
    .stages = 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA | 1u << ROT_STAGE_OBJECT,
};

const struct rot_layout *const ta100_layouts[] = {&ta100, NULL};
