/*
 * placeholder.h: every number of the wire that is not public.
 *
 * How a TA100 speaks is under NDA.  What stands here is docs/chips/ta100-placeholder.md,
 * an invention of this project that only its simulator understands; "section" is one of
 * that page's.  Who has Microchip's documents puts the part's own numbers here and says
 * TA100_IS_PLACEHOLDER 0; until then the driver speaks to simulators only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_TA100_PLACEHOLDER_H
#define ROT_TA100_PLACEHOLDER_H

#define TA100_IS_PLACEHOLDER 1
#define TA100_MODEL          "ta100-placeholder"

/* ---- Section 1: instructions, status, times ------------------------------------------ */

#define TA100_WORD_COMMAND   0x10u
#define TA100_WORD_ANSWER    0x20u
#define TA100_WORD_STATUS    0x30u
#define TA100_STATUS_NOTHING 0x00u
#define TA100_STATUS_READY   0x01u
#define TA100_STATUS_RUNNING 0x02u

#define TA100_WAKE_US 5000u /* after power, and after the transaction that wakes it */
#define TA100_POLL_US 2000u

/* ---- Section 2: packets ------------------------------------------------------------------ */

#define TA100_COMMAND_MIN 8u
#define TA100_ANSWER_MIN  5u
#define TA100_PACKET_MAX  1000u
#define TA100_CRC_POLY    0x1021u
#define TA100_CRC_START   0xffffu

enum ta100_status {
    TA100_DONE = 0x00,
    TA100_E_CRC = 0x01,
    TA100_E_LENGTH = 0x02,
    TA100_E_OPCODE = 0x03,
    TA100_E_MODE = 0x04,
    TA100_E_ELEMENT = 0x05,
    TA100_E_EXISTS = 0x06,
    TA100_E_DENIED = 0x07,
    TA100_E_LOCKED = 0x08,
    TA100_E_RANGE = 0x09,
    TA100_E_FULL = 0x0a,
    TA100_E_EMPTY = 0x0b,
    TA100_E_KEY = 0x0c,
    TA100_E_TAG = 0x0d,
    TA100_E_COUNTER = 0x0e,
    TA100_E_INSIDE = 0x0f,
};

/* ---- Section 3: handles and attributes ------------------------------------------------------ */

#define TA100_REGISTERS      0x4000u
#define TA100_REGISTER_COUNT 4u
#define TA100_COUNTERS       0x4010u
#define TA100_CONFIGURATION  0x4020u
#define TA100_ELEMENTS       0x8000u
#define TA100_AT_ADDRESS     16u /* in the configuration: the address, shifted left by one */

/* The first of the seven fields: class and key type. */
#define TA100_IS_PUBLIC  0x00u
#define TA100_IS_PRIVATE 0x01u
#define TA100_IS_DATA    0x03u
#define TA100_IS_HMAC    0x42u
#define TA100_IS_AES128  0x62u

/* Properties of a private key, and of a symmetric one. */
#define TA100_SIGNS        0x0100u
#define TA100_SIGNS_INSIDE 0x0200u
#define TA100_AGREES       0x0400u
#define TA100_IS_MADE      0x1000u
#define TA100_GIVES_SECRET 0x2000u
#define TA100_SECRET_USES  0x0600u

/* Permission: two bits each for use, write, read, delete; and the last field. */
#define TA100_USE_ONLY   0x01u
#define TA100_ALL        0x55u
#define TA100_LOCKABLE   0x04u
#define TA100_NEVER_READ 0x08u

/* Of Info 2, and of Info 0. */
#define TA100_HAS_CONTENT   0x01u
#define TA100_IS_LOCKED     0x02u
#define TA100_CONFIG_LOCKED 0x01u
#define TA100_SETUP_LOCKED  0x02u

/* ---- Section 4: commands and modes ---------------------------------------------------------- */

enum ta100_op {
    TA100_INFO = 0x01,
    TA100_SELF_TEST = 0x02,
    TA100_RANDOM = 0x03,
    TA100_POWER = 0x04,
    TA100_LOCK = 0x05,
    TA100_COUNTER = 0x06,
    TA100_CREATE = 0x10,
    TA100_WRITE = 0x12,
    TA100_READ = 0x13,
    TA100_GENKEY = 0x20,
    TA100_SIGN = 0x21,
    TA100_VERIFY = 0x22,
    TA100_ECDH = 0x23,
    TA100_KDF = 0x30,
    TA100_MAC = 0x31,
    TA100_GCM = 0x32,
};

#define TA100_INFO_IDENTITY   0u
#define TA100_INFO_ELEMENT    2u
#define TA100_POWER_RESET     0u
#define TA100_POWER_SLEEP     1u
#define TA100_LOCK_CONFIG     0u
#define TA100_LOCK_SETUP      1u
#define TA100_LOCK_ELEMENT    2u
#define TA100_COUNTER_READ    0u
#define TA100_COUNTER_ADD     1u
#define TA100_GENKEY_MAKE     0u
#define TA100_GENKEY_PUBLIC   1u
#define TA100_SIGN_DIGEST     0u
#define TA100_SIGN_INSIDE     1u
#define TA100_VERIFY_GIVEN    0u
#define TA100_VERIFY_STORED   1u
#define TA100_ECDH_OUT        0u
#define TA100_ECDH_INTO       1u
#define TA100_KDF_HKDF        0u
#define TA100_KDF_PRF         1u
#define TA100_KDF_SINGLE_STEP 3u
#define TA100_MAC_HMAC        0u
#define TA100_MAC_CMAC        1u
#define TA100_GCM_SEAL        0u
#define TA100_GCM_OPEN        1u

#define TA100_RANDOM_MAX    512u
#define TA100_KDF_FIELD_MAX 256u

/* What Info 0 says first. */
#define TA100_MARKER       "SIM-TA100-PLACEHOLDER"
#define TA100_MARKER_LEN   21u
#define TA100_VERSION      1u
#define TA100_IDENTITY_LEN 38u

#endif /* ROT_TA100_PLACEHOLDER_H */
