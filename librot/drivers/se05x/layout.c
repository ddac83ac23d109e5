/*
 * layout.c: which object has which id.
 *
 * Ids of ours begin with "RS" (52 53), in the customer's range (ref 5).  `also` of what is
 * written is its second id.  What trust/0 holds can be sealed, so it has to fit into
 * one command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define STORED 2040u
#define SECOND 0x1000u

#define PRIVATE   ROT_PLACE_ENCRYPTED
#define RENEWABLE (ROT_PLACE_SIGN | ROT_PLACE_REGENERATE | ROT_PLACE_ENCRYPTED)

#define KEY(obj, alg, flags, id) {obj, ROT_PART_KEY, alg, flags, 0, 0, id, 0}
#define BYTES(obj, part, flags, size, id)                                                          \
    {obj, part, ROT_ALG_NONE, flags, 0, size, id, (id) + SECOND}
#define TRUST(n)   BYTES(ROT_TRUST(n), ROT_PART_DATA, 0, STORED, 0x52530120u + (n))
#define COUNTER(n) {ROT_COUNTER(n), ROT_PART_DATA, ROT_ALG_NONE, 0, 0, 8, 0x52530501u + (n), 0}
#define VENDOR(n, flags, id)                                                                       \
    KEY(ROT_VENDOR(n), ROT_ALG_P256, ROT_PLACE_READ_ONLY | (flags), id),                           \
        {ROT_VENDOR(n), ROT_PART_CERT, ROT_ALG_NONE, ROT_PLACE_READ_ONLY, 0, STORED, (id) + 1, 0}

static const struct rot_place places[] = {
    KEY(ROT_IDEVID, ROT_ALG_P256, ROT_PLACE_SIGN | ROT_PLACE_LOCKABLE | ROT_PLACE_SEAL | PRIVATE,
        0x52530001u),
    BYTES(ROT_IDEVID, ROT_PART_CERT, 0, STORED, 0x52530101u),
    BYTES(ROT_IDEVID, ROT_PART_CHAIN, 0, STORED, 0x52530102u),
    KEY(ROT_LDEVID(0), ROT_ALG_P256, RENEWABLE | ROT_PLACE_AGREE, 0x52530011u),
    BYTES(ROT_LDEVID(0), ROT_PART_CERT, 0, STORED, 0x52530111u),
    BYTES(ROT_LDEVID(0), ROT_PART_CHAIN, 0, STORED, 0x52530115u),
    KEY(ROT_LDEVID(1), ROT_ALG_P256, RENEWABLE | ROT_PLACE_AGREE | ROT_PLACE_EXPORT, 0x52530012u),
    BYTES(ROT_LDEVID(1), ROT_PART_CERT, 0, STORED, 0x52530112u),
    BYTES(ROT_LDEVID(1), ROT_PART_CHAIN, 0, STORED, 0x52530116u),
    /* What the maker put in: the key that speaks for the part, and one for its owner's use. */
    VENDOR(0, 0, 0xf0000012u),
    VENDOR(1, ROT_PLACE_SIGN, 0xf0000100u),
    BYTES(ROT_TRUST(0), ROT_PART_DATA, ROT_PLACE_LOCKABLE, SE05X_CHUNK - SE05X_TRAILER,
          0x52530120u),
    TRUST(1),
    TRUST(2),
    TRUST(3),
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, ROT_PLACE_PUBLIC_KEY | ROT_PLACE_LOCKABLE, 0, 91,
     0x52530201u, 0x52530201u + SECOND},
    /* The first stays inside; what is made from the second may leave. */
    KEY(ROT_SESSION(0), ROT_ALG_HMAC_SHA256, PRIVATE, 0x52530301u),
    KEY(ROT_SESSION(1), ROT_ALG_HMAC_SHA256, PRIVATE | ROT_PLACE_EXPORT, 0x52530302u),
    KEY(ROT_SESSION(2), ROT_ALG_AES128, PRIVATE, 0x52530303u),
    KEY(ROT_SESSION(3), ROT_ALG_AES256, PRIVATE, 0x52530304u),
    BYTES(ROT_DATA(0), ROT_PART_DATA, 0, STORED, 0x52530401u),
    BYTES(ROT_DATA(1), ROT_PART_DATA, 0, STORED, 0x52530402u),
    /* Of secrets: read and written by the channel only. */
    BYTES(ROT_DATA(2), ROT_PART_DATA, PRIVATE, STORED, 0x52530403u),
    COUNTER(0),
    COUNTER(1),
};

static const struct rot_layout se050 = {
    .name = "se050",
    .driver = "se05x",
    .places = places,
    .place_count = sizeof(places) / sizeof(places[0]),
    .stages = 1u << ROT_STAGE_OBJECT,
    .channel = 1,
};

const struct rot_layout *const se05x_layouts[] = {&se050, NULL};
