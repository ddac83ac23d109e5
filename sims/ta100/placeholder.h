/*
 * placeholder.h: every number of the simulated TA100 that no public document gives.
 *
 * NOT TA100 WIRE PROTOCOL.  The part's instruction bytes, opcodes, packet
 * layouts, CRC, status codes, attribute bits, handles and times are under NDA.
 * What stands here is this project's own invention, so that lines and drivers
 * can be tried before anybody signs anything; whoever has the documents puts
 * the real numbers here.  docs/chips/ta100-placeholder.md is the same in prose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_TA100_PLACEHOLDER_H
#define SIMS_TA100_PLACEHOLDER_H

/* What Info says first: a driver talks on only when it reads this. */
#define TA100_P_MARKER  "SIM-TA100-PLACEHOLDER"
#define TA100_P_VERSION 1

/* ---- Instructions: first byte of every write --------------------------------------------- */

#define TA100_P_WRITE_COMMAND 0x10
#define TA100_P_READ_RESPONSE 0x20
#define TA100_P_READ_STATUS   0x30

/* The status byte. */
#define TA100_P_IDLE      0x00
#define TA100_P_READY     0x01
#define TA100_P_EXECUTING 0x02

/* ---- Packets ----------------------------------------------------------------------------- */

#define TA100_P_PACKET_MAX 1000
#define TA100_P_CRC_START  0xFFFFu
#define TA100_P_CRC_POLY   0x1021u

/* ---- Opcodes ----------------------------------------------------------------------------- */

#define TA100_P_INFO      0x01
#define TA100_P_SELF_TEST 0x02
#define TA100_P_RANDOM    0x03
#define TA100_P_POWER     0x04
#define TA100_P_LOCK      0x05
#define TA100_P_COUNTER   0x06
#define TA100_P_CREATE    0x10
#define TA100_P_DELETE    0x11
#define TA100_P_WRITE     0x12
#define TA100_P_READ      0x13
#define TA100_P_GENKEY    0x20
#define TA100_P_SIGN      0x21
#define TA100_P_VERIFY    0x22
#define TA100_P_ECDH      0x23
#define TA100_P_KDF       0x30
#define TA100_P_MAC       0x31
#define TA100_P_GCM       0x32

/* ---- Status ------------------------------------------------------------------------------ */

#define TA100_P_OK       0x00
#define TA100_P_E_CRC    0x01
#define TA100_P_E_LENGTH 0x02
#define TA100_P_E_OPCODE 0x03
#define TA100_P_E_MODE   0x04
#define TA100_P_E_HANDLE 0x05 /* no such element, or not of a kind that can do this */
#define TA100_P_E_EXISTS 0x06
#define TA100_P_E_DENIED 0x07 /* attributes do not allow it */
#define TA100_P_E_LOCKED 0x08
#define TA100_P_E_RANGE  0x09
#define TA100_P_E_SPACE  0x0A
#define TA100_P_E_EMPTY  0x0B /* the element has no content yet */
#define TA100_P_E_KEY    0x0C /* not a key, not on the curve */
#define TA100_P_E_CHECK  0x0D /* a tag is wrong */
#define TA100_P_E_LIMIT  0x0E
#define TA100_P_E_FAILED 0x0F

/* ---- Handles ----------------------------------------------------------------------------- */

#define TA100_P_REGISTER_0    0x4000 /* four volatile registers */
#define TA100_P_COUNTER_0     0x4010 /* two counters */
#define TA100_P_CONFIG        0x4020
#define TA100_P_ELEMENT_FIRST 0x8000
#define TA100_P_ELEMENT_LAST  0x81FF

/* ---- Attributes -------------------------------------------------------------------------- */

/* Property of a private key. */
#define TA100_P_SIGN_EXTERNAL 0x0100u
#define TA100_P_SIGN_INTERNAL 0x0200u
#define TA100_P_AGREE         0x0400u
#define TA100_P_GENERATE      0x1000u
#define TA100_P_SECRET_OUT    0x2000u /* the agreed secret may leave the part */
/* Property of a symmetric key. */
#define TA100_P_MAC_OR_SEAL 0x0200u
#define TA100_P_DERIVE      0x0400u
/* Permission: two bits each; 0: never. */
#define TA100_P_USE_SHIFT    0
#define TA100_P_WRITE_SHIFT  2
#define TA100_P_READ_SHIFT   4
#define TA100_P_DELETE_SHIFT 6
#define TA100_P_ALWAYS       1u
#define TA100_P_AUTHORISED   2u /* by a session, which this model does not have */
/* Last byte. */
#define TA100_P_LOCKABLE 0x04u
#define TA100_P_SECRET   0x08u /* never read, whatever the permission says; lockable too */

/* ---- Time -------------------------------------------------------------------------------- */

#define TA100_P_BOOT_US       5000u
#define TA100_P_TIME_SHORT_MS 2
#define TA100_P_TIME_WRITE_MS 10
#define TA100_P_TIME_CURVE_MS 40

#endif /* SIMS_TA100_PLACEHOLDER_H */
