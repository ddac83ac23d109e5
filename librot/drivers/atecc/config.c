/*
 * config.c: the layouts: what lives in which slot, and the configuration that
 * makes it so.
 *
 * trust/1 and trust/2 have room for a digest each: roots that are larger than any
 * slot, or of a curve that the part does not know, are kept by the host and bound
 * by those.  Two, so that a new one never overwrites the one in use.
 *
 * Slot 8 is shared: its first 352 bytes keep what the compressed form of the
 * identity certificate leaves out, the last 64 are data/0.
 *
 * "atecc608b-counted" is for a key whose uses the part counts, as the CA of a
 * station has one: ldevid/0 moves counter 0 with each use and stops at the number in
 * data/2.  Its slot 5 holds data that is read and written with the IO protection key
 * only, instead of an AES key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

/* Bytes 16 to 127.  Bytes 16 (address) and 84 to 89 (locks) stay as the part has them. */
static const uint8_t flex_config[112] = {
    0x6c, 0x00, 0x00, 0x01, 0x85, 0x00, 0x82, 0x00, 0x85, 0x20, 0x85, 0x20, 0x85, 0x20, 0x8f, 0x46,
    0x8f, 0x0f, 0x9f, 0x8f, 0x0f, 0x0f, 0x8f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0d, 0x1f, 0x0f, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xf7, 0x00, 0x69, 0x76, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x0e, 0x60, 0x00, 0x00, 0x00, 0x00,
    0x53, 0x00, 0x53, 0x00, 0x73, 0x00, 0x73, 0x00, 0x73, 0x00, 0x38, 0x00, 0x7c, 0x00, 0x1c, 0x00,
    0x3c, 0x00, 0x1a, 0x00, 0x3c, 0x00, 0x30, 0x00, 0x3c, 0x00, 0x30, 0x00, 0x12, 0x00, 0x30, 0x00,
};

#define KEY_FLAGS (ROT_PLACE_SIGN | ROT_PLACE_AGREE | ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE)
#define PUB_FLAGS (ROT_PLACE_PUBLIC_KEY | ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE)

/* An agreed secret in TempKey, and what is derived from it in slot 9. */
#define SESSIONS                                                                                   \
    {ROT_SESSION(0), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT, 0, 0, ATECC_TEMPKEY, 0}, \
        {ROT_SESSION(1), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, 9, 0}
#define COUNTERS                                                                                   \
    {ROT_COUNTER(0), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 0, 8, 0, 0},                          \
        {ROT_COUNTER(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 0, 8, 1, 0}
/* It signs what the part itself put together, and nothing else; first, for it speaks for the others. */
#define ATTESTATION {ROT_ATTEST(0), ROT_PART_KEY, ROT_ALG_P256, 0, 0, 0, 1, 0}

static const struct rot_place flex_places[] = {
    ATTESTATION,
    {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0},
    {ROT_IDEVID, ROT_PART_CERT, 0, ROT_PLACE_COMPRESSED | ROT_PLACE_REGENERATE, 0, 352, 10, 8},
    {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256, KEY_FLAGS, 0, 0, 2, 0},
    {ROT_LDEVID(1), ROT_PART_KEY, ROT_ALG_P256, KEY_FLAGS | ROT_PLACE_EXPORT, 0, 0, 3, 0},
    {ROT_TRUST(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 13, 0},
    {ROT_TRUST(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE, 0, 68, 12, 0},
    {ROT_TRUST(2), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE, 0, 68, 11, 0},
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 15, 0},
    {ROT_DATA(0), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 352, 60, 8, 0},
    COUNTERS,
    SESSIONS,
    {ROT_SESSION(2), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, 5, 0},
};

static const struct rot_layout flex = {
    .name = "atecc608b-tflxtls",
    .driver = "atecc",
    .places = flex_places,
    .place_count = sizeof(flex_places) / sizeof(flex_places[0]),
    .config = flex_config,
    .config_len = sizeof(flex_config),
    .stages = 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA,
};

/* As above, but: CountMatch by slot 12; slot 2 counted; slot 5 plain data, hidden both ways. */
static const uint8_t counted_config[112] = {
    0x6c, 0x00, 0xc1, 0x01, 0x85, 0x00, 0x82, 0x00, 0xa5, 0x20, 0x85, 0x20, 0x85, 0x20, 0xc6, 0x46,
    0x8f, 0x0f, 0x9f, 0x8f, 0x0f, 0x0f, 0x8f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0d, 0x1f, 0x0f, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xf7, 0x00, 0x69, 0x76, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x0e, 0x60, 0x00, 0x00, 0x00, 0x00,
    0x53, 0x00, 0x53, 0x00, 0x73, 0x00, 0x73, 0x00, 0x73, 0x00, 0x3c, 0x00, 0x7c, 0x00, 0x1c, 0x00,
    0x3c, 0x00, 0x1a, 0x00, 0x3c, 0x00, 0x30, 0x00, 0x3c, 0x00, 0x30, 0x00, 0x12, 0x00, 0x30, 0x00,
};

static const struct rot_place counted_places[] = {
    ATTESTATION,
    {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0},
    {ROT_IDEVID, ROT_PART_CERT, 0, ROT_PLACE_COMPRESSED | ROT_PLACE_REGENERATE, 0, 352, 10, 8},
    {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN | ROT_PLACE_LOCKABLE, 0, 0, 2, 0},
    {ROT_TRUST(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 13, 0},
    {ROT_TRUST(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE, 0, 68, 11, 0},
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 15, 0},
    {ROT_DATA(0), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 352, 60, 8, 0},
    {ROT_DATA(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_ENCRYPTED, 0, 28, 5, 0},
    {ROT_DATA(2), ROT_PART_DATA, 0, ROT_PLACE_LOCKABLE | ROT_PLACE_SEAL, 0, 4, 12, 0},
    COUNTERS,
    SESSIONS,
};

static const struct rot_layout counted = {
    .name = "atecc608b-counted",
    .driver = "atecc",
    .places = counted_places,
    .place_count = sizeof(counted_places) / sizeof(counted_places[0]),
    .config = counted_config,
    .config_len = sizeof(counted_config),
    .stages = 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA | 1u << ROT_STAGE_OBJECT,
};

const struct rot_layout *const atecc_layouts[] = {&flex, &counted, NULL};

/* ---- What a configuration says ---------------------------------------------------------- */

/* Two bytes, low one first, of the part's configuration as the layout has it. */
static unsigned
config_u16(const struct rot_layout *l, unsigned at)
{
    const uint8_t *image = l->config;

    return image[at - 16] | (unsigned)image[at - 15] << 8;
}

unsigned
atecc_slot_config(const struct rot_layout *l, unsigned slot)
{
    return config_u16(l, 20 + 2 * slot);
}

unsigned
atecc_io_slot(const struct rot_layout *l)
{
    return config_u16(l, 90) >> 12;
}

int
atecc_is_limit(const struct rot_layout *l, unsigned slot)
{
    unsigned match = config_u16(l, 18) & 0xffu;

    return (match & 1u) != 0 && match >> 4 == slot;
}

/* Mode 3: the digest is what is kept. */
int
atecc_is_boot_key(const struct rot_layout *l, unsigned slot)
{
    unsigned boot = config_u16(l, 70);

    return (boot & 3u) == 3 && boot >> 12 == slot;
}
