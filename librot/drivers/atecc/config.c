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

static const struct rot_place flex_places[] = {
    {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0},
    {ROT_IDEVID, ROT_PART_CERT, 0, ROT_PLACE_COMPRESSED | ROT_PLACE_REGENERATE, 0, 352, 10, 8},
    {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256, KEY_FLAGS, 0, 0, 2, 0},
    {ROT_LDEVID(1), ROT_PART_KEY, ROT_ALG_P256, KEY_FLAGS | ROT_PLACE_EXPORT, 0, 0, 3, 0},
    {ROT_TRUST(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 13, 0},
    {ROT_TRUST(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE, 0, 68, 12, 0},
    {ROT_TRUST(2), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE | ROT_PLACE_LOCKABLE, 0, 68, 11, 0},
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, PUB_FLAGS, 0, 91, 15, 0},
    {ROT_DATA(0), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 352, 60, 8, 0},
    {ROT_COUNTER(0), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 0, 8, 0, 0},
    {ROT_COUNTER(1), ROT_PART_DATA, 0, ROT_PLACE_REGENERATE, 0, 8, 1, 0},
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

const struct rot_layout *const atecc_layouts[] = {&flex, NULL};
