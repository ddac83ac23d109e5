/*
 * layout.c: which object lives at which handle or index.
 *
 * Keys of the endorsement hierarchy and their certificates are where the TCG's
 * document and the vendors' practice have them (docs/chips/tpm2.md section 2).
 * The owner's keys and indices are in the owner's ranges.  `also` of what is
 * written is its second index.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define STORED 2040u /* with its trailer what every TPM of the PC class takes in one index */

#define KEY(obj, alg, flags, handle) {obj, ROT_PART_KEY, alg, flags, 0, 0, handle, 0}
#define NV(obj, part, flags, index)  {obj, part, ROT_ALG_NONE, flags, 0, STORED, index, (index) + 1}
#define COUNTER(n, index)            {ROT_COUNTER(n), ROT_PART_DATA, ROT_ALG_NONE, 0, 0, 8, index, 0}
#define TRUST(n, flags)              NV(ROT_TRUST(n), ROT_PART_DATA, flags, 0x01800200u + 2u * (n))

static const struct rot_place places[] = {
    /* The attestation key first: it speaks for the others. */
    KEY(ROT_ATTEST(0), ROT_ALG_P256, 0, 0x81020001u),
    KEY(ROT_IDEVID, ROT_ALG_P256, ROT_PLACE_SIGN, 0x81020000u),
    NV(ROT_IDEVID, ROT_PART_CERT, 0, 0x01c90000u),
    NV(ROT_IDEVID, ROT_PART_CHAIN, 0, 0x01c90010u),
    KEY(ROT_VENDOR(0), ROT_ALG_RSA2048, ROT_PLACE_READ_ONLY, 0x81010001u),
    {ROT_VENDOR(0), ROT_PART_CERT, ROT_ALG_NONE, ROT_PLACE_READ_ONLY, 0, 2048, 0x01c00002u, 0},
    KEY(ROT_LDEVID(0), ROT_ALG_P256, ROT_PLACE_SIGN | ROT_PLACE_AGREE | ROT_PLACE_EXPORT,
        0x81008000u),
    NV(ROT_LDEVID(0), ROT_PART_CERT, 0, 0x01800100u),
    NV(ROT_LDEVID(0), ROT_PART_CHAIN, 0, 0x01800102u),
    KEY(ROT_LDEVID(1), ROT_ALG_P256, ROT_PLACE_SIGN | ROT_PLACE_AGREE | ROT_PLACE_EXPORT,
        0x81008001u),
    NV(ROT_LDEVID(1), ROT_PART_CERT, 0, 0x01800110u),
    NV(ROT_LDEVID(1), ROT_PART_CHAIN, 0, 0x01800112u),
    TRUST(0, ROT_PLACE_LOCKABLE),
    TRUST(1, 0),
    TRUST(2, 0),
    TRUST(3, 0),
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, ROT_PLACE_PUBLIC_KEY | ROT_PLACE_LOCKABLE, 0, 91,
     0x01800300u, 0x01800301u},
    /* The storage key: made anew each time, and the same each time.  Session keys are wrapped for it. */
    KEY(ROT_CHANNEL(0), ROT_ALG_P256, ROT_PLACE_READ_ONLY, 0),
    KEY(ROT_SESSION(0), ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT, 0),
    NV(ROT_DATA(0), ROT_PART_DATA, 0, 0x01800400u),
    NV(ROT_DATA(1), ROT_PART_DATA, 0, 0x01800402u),
    {ROT_DATA(2), ROT_PART_DATA, ROT_ALG_NONE, ROT_PLACE_ENCRYPTED, 0, 120, 0x81008010u,
     0x81008011u},
    COUNTER(0, 0x01800500u),
    COUNTER(1, 0x01800501u),
};

static const struct rot_layout idevid = {
    .name = "tpm2-idevid",
    .driver = "tpm2",
    .places = places,
    .place_count = sizeof(places) / sizeof(places[0]),
    .stages = 0, /* nothing in a TPM is sealed for all: objects are, one by one */
};

const struct rot_layout *const tpm2_layouts[] = {&idevid, NULL};
