/*
 * uncertain.h: every choice about the STSAFE-A that public documents leave open.
 *
 * Data sheet and command reference are under NDA.  Each constant below is a
 * reasoned guess, with the section of the reference (ref/chip-st-stsafe.md)
 * that leaves it open; whoever has the part corrects it here, in one line, and
 * nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_STSAFE_UNCERTAIN_H
#define SIMS_STSAFE_UNCERTAIN_H

/* ---- Frames (2) ---------------------------------------------------------------------------- */

/*
 * A command longer than the input buffer, an answer longer than the output buffer.  The buffers are
 * for header, payload and MAC: ST's host library sends a CRC beyond their size, and counts neither
 * the CRC nor the length of an answer.
 */
#define STSAFE_U_LONG_FRAME_STATUS 0x06
/* Upper three bits of an answer's header. */
#define STSAFE_U_ANSWER_FLAGS 0x00
/* R-MAC wanted without a C-MAC, or the host flag alone. */
#define STSAFE_U_LONE_FLAG_STATUS 0x02
/* A command too short for the C-MAC that its header announces. */
#define STSAFE_U_SHORT_MAC_STATUS 0x16
/* A read before any command was sent: nobody answers. */
#define STSAFE_U_EMPTY_READ_ACK 0
/* Past the end of the answer the bus reads as ones. */
#define STSAFE_U_FILL 0xFF

/* ---- Host channel (6) ---------------------------------------------------------------------- */

/* C-MAC sent, and no host key there to check it with. */
#define STSAFE_U_NO_HOST_KEY_STATUS 0x0A
/* Does a refused command's answer carry an R-MAC?  A bare status here. */
#define STSAFE_U_RMAC_ON_REFUSAL 0
/* What a new host key starts with. */
#define STSAFE_U_COUNTER_START 0
/* An answer without payload is not encrypted, even where the table says so. */
#define STSAFE_U_ENCRYPT_EMPTY 0

/* ---- Which status for what (2, 7) ---------------------------------------------------------- */

/* A payload too short, too long, or with a length inside that does not fit. */
#define STSAFE_U_LENGTH_STATUS 0x02
/* A number out of its range: slot, tag, mode, curve, zone option. */
#define STSAFE_U_RANGE_STATUS 0x03
/* A zone that there is not. */
#define STSAFE_U_NO_ZONE_STATUS 0x10
/* The command table says never, or asks for a host who is not there. */
#define STSAFE_U_NOT_ALLOWED_STATUS 0x11
/* A key that cannot do what is asked: a curve that only agrees, a mode that forbids. */
#define STSAFE_U_KEY_KIND_STATUS 0x0C
#define STSAFE_U_KEY_MODE_STATUS 0x1C
/* A wrapped key or envelope whose check value is wrong. */
#define STSAFE_U_UNWRAP_STATUS 0x18
/* No password was ever set, and none can be (its creation is under NDA). */
#define STSAFE_U_NO_PASSWORD_STATUS 0x10

/* ---- Zones (3.1, 4, 5) --------------------------------------------------------------------- */

/* An access condition may be made stricter (0, 1, 6, 7 in this order), never looser. */
#define STSAFE_U_ACCESS_ONLY_STRICTER 1
/* An atomic update longer than the part's atomicity buffer. */
#define STSAFE_U_ATOMIC_MAX         64
#define STSAFE_U_LONG_ATOMIC_STATUS 0x06
/* Zones 1 to 7 of a new part, as users' A110s show them: both conditions "always", changeable. */
#define STSAFE_U_ZONE_ACCESS 0x88
/* One-way counters of a new part (a real A110 showed this value). */
#define STSAFE_U_COUNTER_VALUE 500000
/* Unwritten zones, and what follows the certificate in zone 0. */
#define STSAFE_U_BLANK_FILL 0x00

/* ---- Private keys (3.1, 4, 7) -------------------------------------------------------------- */

/* The delivered key in slot 0 stays: Generate key there is refused. */
#define STSAFE_U_SLOT_0_STATUS 0x11
/*
 * Mode bits, as ST's host library names them: what the key may do; none of them: both.  Bit 15: the
 * mode may be changed.
 */
#define STSAFE_U_MODE_SIGN  0x0004
#define STSAFE_U_MODE_AGREE 0x0001
#define STSAFE_U_MODE_EMPTY 0x8000
/* Sign: digests of these lengths, and messages on Ed25519 up to so many bytes. */
#define STSAFE_U_EDDSA_MAX 512
/* Verify on Ed25519: the variant byte for the plain algorithm. */
#define STSAFE_U_EDDSA_PURE 0x00

/* Generate key, local envelope: the text has key lengths of 10 and 20, ST's host library sends these. */
#define STSAFE_U_ENVELOPE_AES128 0x00
#define STSAFE_U_ENVELOPE_AES256 0x01

/* ---- Attributes (4) ------------------------------------------------------------------------ */

/* A tag that the part does not have, or does not give out. */
#define STSAFE_U_TAG_STATUS 0x03
/* Product data: tags after the first two count on. */
#define STSAFE_U_PRODUCT_TAGS_FROM 0x03
/* Mask ids and NVM sizes where no part was seen. */
#define STSAFE_U_MASK_A100 {0xAA, 0x40, 0x02}
#define STSAFE_U_NVM_A100  6376
#define STSAFE_U_NVM_A120  16384
/* Authorisation table of a new A120 (change right, count, records): the one of the vectors. */
#define STSAFE_U_RECORDS_A120 {0x00, 0x02, 0x0E, 0x03, 0x02, 0x0F, 0x03, 0x01}
/*
 * I2C parameters: bit of the flags that locks them, and their length (2, or 3 with a byte that
 * says nothing), as ST's host library has them on all parts; the address holds from the next
 * power-up on.
 */
#define STSAFE_U_I2C_LOCK 0x01
#define STSAFE_U_I2C_LEN  2
/* Life cycle by Put attribute: anybody may; bit 7 locks it. */
#define STSAFE_U_LIFE_CYCLE_LOCK 0x80u
/* Provisioning control of a new part's host and symmetric keys: all bits, no key. */
#define STSAFE_U_CONTROL           0x0F
#define STSAFE_U_SYMMETRIC_CONTROL 0x3F
#define STSAFE_U_CONTROL_SLOT      0xFF
/* A host key that is there is replaced only by a host who holds it. */
#define STSAFE_U_REPLACE_NEEDS_HOST 1
/* Public key slots of an A120: documents say 3 or 4. */
#define STSAFE_U_PUBLIC_SLOTS_A120 3

/* ---- Symmetric keys of the A120 (3.1, 4) --------------------------------------------------- */

/*
 * Section 3.1 leaves out key information, modes and Derive keys (1F 10); they are here as ST's host
 * library, which section 0 calls the arbiter, sends and takes them.  What that leaves open:
 */
/* A CCM key with a counter in its nonce: where the counter starts and ends. */
#define STSAFE_U_CCM_COUNTER_STATUS 0x04
/* A key that was not made for what is asked: another mode, or a usage bit that is not set. */
#define STSAFE_U_USAGE_STATUS 0x1C
/* Messages in pieces: associated data after the message has begun. */
#define STSAFE_U_LATE_DATA_STATUS 0x02
/* Parameters of HKDF and HMAC keys in Query 23: one byte, as others have. */
/* Derive keys: no slot is left (the library's comment). */
#define STSAFE_U_NO_SLOT_STATUS 0x14
/* What a key made by extraction may: derive, and give out what its secret could. */
#define STSAFE_U_EXTRACTED_USAGE STSAFE_USE_DERIVE

/* ---- Host keys and envelopes of the A120 (3.1, 6) ------------------------------------------ */

/* Query 47's type of a key that is not there. */
#define STSAFE_U_HOST_TYPE_NONE 0x00
/* Types of keys.  The text has 1 and 2; the vector of section 9 has 0, and so has ST's host library. */
#define STSAFE_U_HOST_TYPE_AES128 0x00
#define STSAFE_U_HOST_TYPE_AES256 0x01
/* A signature of agreed keys that is not right; a list of keys whose MAC is not. */
#define STSAFE_U_WRONG_SIGNATURE_STATUS 0x11
#define STSAFE_U_CONFIRM_STATUS         0x11
/* What the public key slots of a new part may sign for: all, and that may be changed. */
#define STSAFE_U_PUBLIC_RIGHTS 0x1F

/* ---- Time (1, 8) --------------------------------------------------------------------------- */

/* Milliseconds of a command where section 8 has no figure. */
#define STSAFE_U_TIME_MS 25

/* Made from this file: each use is noted, for reports (tools/uncertain.py). */
#include "sims/stsafe/uncertain_marks.h"

#endif /* SIMS_STSAFE_UNCERTAIN_H */
