/*
 * stsafe_frame.h: frames of ST's STSAFE-A over I2C.
 *
 *   command   header | payload | CRC                no length: the stop ends it
 *   answer    header | length (2) | payload | CRC   length counts payload and CRC
 *
 * The CRC is CRC-16/X-25, high byte first; an answer's leaves its two length
 * bytes out (ST reference, section 2).  A part that works does not acknowledge
 * its address.  Each read begins at the first byte of the answer again, and the
 * answer stays until the next command: what was damaged is read once more, and
 * the command never sent twice.
 *
 * Bounds: a command waits 0.1 s for a part that sleeps, an answer 1 s.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_STSAFE_FRAME_H
#define ROT_STSAFE_FRAME_H

#include <rot/rot_transport.h>

#define STSAFE_FRAME_HEAD 3u /* header and length of an answer */
#define STSAFE_FRAME_CRC  2u
#define STSAFE_FRAME_MIN  (STSAFE_FRAME_HEAD + STSAFE_FRAME_CRC)

/* The CRC of what came before (0: nothing) and these bytes. */
uint16_t stsafe_frame_crc(uint16_t before, const uint8_t *p, size_t len);

/* Append the CRC to len bytes; p has room for two more.  Gives the new length. */
size_t stsafe_frame_close(uint8_t *p, size_t len);

/* A whole answer of exactly len bytes; ROT_E_BUS when its length or CRC is wrong. */
ROT_MUST_USE rot_err stsafe_frame_check(const uint8_t *p, size_t len);

/*
 * Send len bytes of command (tx has room for the CRC) and fetch the answer,
 * all of it, into rx; cap is at least STSAFE_FRAME_MIN.
 *
 * ROT_E_BUS  nobody acknowledged, or no answer came whole and in time: the
 *            part may have run the command
 */
ROT_MUST_USE rot_err stsafe_frame_exchange(const struct rot_transport *t, uint8_t address,
                                           uint8_t *tx, size_t len, uint8_t *rx, size_t cap,
                                           size_t *ret_len);

#endif /* ROT_STSAFE_FRAME_H */
