/*
 * uncertain.h: every choice about the ATECC608 that public documents leave open.
 *
 * The complete data sheet is not public.  Each constant below is a reasoned
 * guess; whoever has the part or the data sheet corrects it here, in one line,
 * and nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_UNCERTAIN_H
#define SIMS_ATECC_UNCERTAIN_H

/* Lock with a wrong summary CRC: "legal command, wrong state" fits best. */
#define ATECC_U_LOCK_CRC_STATUS 0x0F

/* Encrypted Write and PrivWrite with a wrong MAC: 0x0F here, 0x01 in some texts. */
#define ATECC_U_WRITE_MAC_STATUS 0x0F

/* AES while AES_Enable (config byte 13 bit 0) is 0. */
#define ATECC_U_AES_OFF_STATUS 0x0F

/* A public point that is not on the curve: ECDH, Verify. */
#define ATECC_U_OFF_CURVE_STATUS 0x0F

/* A stored or private key that cannot be one (0, or not below the order). */
#define ATECC_U_BAD_KEY_STATUS 0x0F

/* KeyConfig.ReqRandom on Sign: the seed was updated (Random, Nonce) since the last sleep. */
#define ATECC_U_SIGN_NEEDS_SEED 1
/* The same before a new private key is made: the stricter reading, so that hosts do it. */
#define ATECC_U_GENKEY_NEEDS_SEED 1

/* Pass-through Nonce to another buffer marks TempKey invalid (the vendor's host model does). */
#define ATECC_U_NONCE_OTHER_CLEARS_TEMPKEY 1

/* Sign needs the configuration zone locked; the data zone may be open. */
#define ATECC_U_SIGN_NEEDS_DATA_LOCK 0

/* MAC, CheckMac, GenDig, DeriveKey and SHA-HMAC with a slot: configuration locked is enough. */
#define ATECC_U_MAC_NEEDS_DATA_LOCK 0

/* ChipOptions bits 8-9 and 10-11, output of ECDH and KDF. */
#define ATECC_U_PROTECT_CLEAR     0 /* clear output is fine */
#define ATECC_U_PROTECT_ENCRYPTED 1 /* encrypted output only */
#define ATECC_U_PROTECT_INSIDE    2 /* no output at all */
#define ATECC_U_PROTECT_OFF       3 /* the command is disabled */

/* KDF with HKDF: the message in a slot is read from this slot, named in the details. */
#define ATECC_U_HKDF_SLOT_SHIFT 8
/* KDF into a slot asks only that the slot is neither private nor locked. */
#define ATECC_U_KDF_SLOT_NEEDS_WRITE_ALWAYS 0

/* SHA update and end with more than 64 bytes: a parse error. */
#define ATECC_U_SHA_UPDATE_MAX 64

/*
 * The limit of a counted key that does not stand twice: the vendor's suite overwrites it with
 * other data and wants the key to work afterwards.
 */
#define ATECC_U_BOTH_LIMITS 0

/* Behind the end of a slot, when its short last block is read as 32 bytes. */
#define ATECC_U_PAST_SLOT 0x00

/* Verify(Validate): whether OtherData repeats the slot's configuration.  The vendor's suite has zeros there. */
#define ATECC_U_VALIDATE_NEEDS_CONFIG 0

/* Info GPIO on an I2C part. */
#define ATECC_U_INFO_GPIO_STATUS 0x0F
/* Info State: where the flags are in the two bytes (508 layout). */
#define ATECC_U_STATE_SOURCE_BIT 4
#define ATECC_U_STATE_GENDIG_BIT 5
#define ATECC_U_STATE_GENKEY_BIT 6
#define ATECC_U_STATE_NOMAC_BIT  7
#define ATECC_U_STATE_AUTH_BIT   12
#define ATECC_U_STATE_VALID_BIT  15

/* UseLock (config byte 68) is stored and has no effect. */
#define ATECC_U_USE_LOCK 0
/* GenDig with a transport key (param2 of 0x8000 and up in zone 2). */
#define ATECC_U_GENDIG_TRANSPORT_STATUS 0x0F
/* UpdateExtra mode 2 (decrement a limited-use counter) is gone on the 608. */
#define ATECC_U_UPDATE_EXTRA_2_STATUS 0x03

/* A Read beyond the end of a zone or slot: the vendor's tests take 0x03 or 0x0F. */
#define ATECC_U_READ_RANGE_STATUS 0x03

/* Fewer bytes on the bus than Count says, or a Count that cannot be. */
#define ATECC_U_SHORT_PACKET_STATUS 0xFF
/* More bytes than Count says: the rest is ignored. */
#define ATECC_U_LONG_PACKET_IGNORED 1
/* Word addresses 0x04 to 0xFF: acknowledged and without effect. */
#define ATECC_U_RESERVED_WORD_ACK 1

/* SecureBoot prohibit (mode bit 6) takes effect when the command succeeded. */
#define ATECC_U_SECUREBOOT_PROHIBIT_ON_SUCCESS 1
/* SecureBoot Full in the modes FullSig and FullDig. */
#define ATECC_U_SECUREBOOT_FULL_ALWAYS 1

/* TempKey.sourceFlag after ECDH, KDF, SHA end and CheckMac-Copy: as if it were an input. */
#define ATECC_U_DERIVED_SOURCE 1

/* An awake part answers 0xEE when a command would outlast the watchdog. */
#define ATECC_U_WATCHDOG_STATUS 0xEE
/* Watchdog, typical of 0.7 / 1.3 / 1.7 s, and the long one (ChipMode bit 2). */
#define ATECC_U_WATCHDOG_US      1300000u
#define ATECC_U_WATCHDOG_LONG_US 13000000u

/* A wake pulse shorter than tWLO is not seen; after a good one tWHI passes. */
#define ATECC_U_WAKE_LOW_US            60u
#define ATECC_U_WAKE_WAIT_US           1500u
#define ATECC_U_WAKE_WAIT_SELF_TEST_US 20000u

/* What is in data and OTP of a new part. */
#define ATECC_U_BLANK_FILL 0xFF
/* Config byte 13: AES_Enable and factory bits. */
#define ATECC_U_BLANK_AES_ENABLE 0x61

/* Configuration of a new part from byte 16; public dumps show it up to byte 31. */
#define ATECC_U_BLANK_CONFIG                                                                       \
    "C0000000"                                                                                     \
    "83208720"                                                                                     \
    "8F20C48F"                                                                                     \
    "8F8F8F8F"                                                                                     \
    "9F8FAF8F"                                                                                     \
    "0000000000000000"                                                                             \
    "000000000000AF8F"                                                                             \
    "FFFFFFFF00000000"                                                                             \
    "FFFFFFFF00000000"                                                                             \
    "00000000000000000000000000000000"                                                             \
    "00005555"                                                                                     \
    "FFFF0000"                                                                                     \
    "00000000"                                                                                     \
    "33003300"                                                                                     \
    "33001C00"                                                                                     \
    "1C001C00"                                                                                     \
    "1C001C00"                                                                                     \
    "3C003C00"                                                                                     \
    "3C003C00"                                                                                     \
    "3C003C00"                                                                                     \
    "3C001C00"

/* Made from this file: each use is noted, for reports (tools/uncertain.py). */
#include "sims/atecc/uncertain_marks.h"

#endif /* SIMS_ATECC_UNCERTAIN_H */
