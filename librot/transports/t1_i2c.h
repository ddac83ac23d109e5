/*
 * t1_i2c.h: T=1 over I2C, the block protocol between a host and a smart card
 * chip on an I2C bus (UM11225 profile: one byte of length, low byte of the CRC
 * first).
 *
 * One exchange carries one command and its answer; both may be longer than a
 * block.  The layer knows nothing of what is in them.  Damaged blocks are asked
 * for again or sent again, requests for more time are granted, and everything
 * is bounded: T1_FAULTS_MAX faults, T1_WTX_MAX requests for time and
 * T1_TOTAL_MS of waiting in one exchange.
 *
 * Order of calls: t1_i2c_open() first and again after anything that gave
 * ROT_E_BUS or ROT_E_FORMAT: whether the part ran the command is then not
 * known, so nothing is sent again by itself.
 *
 * Source: the part's wire reference, sections 1 and 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_TRANSPORTS_T1_I2C_H
#define ROT_TRANSPORTS_T1_I2C_H

#include <rot/rot_driver.h>

#define T1_INF_MAX   254u /* bytes that one block can carry */
#define T1_FRAME_MAX (3u + T1_INF_MAX + 2u)

#define T1_FAULTS_MAX 5u     /* of one exchange: damaged, refused or missing blocks */
#define T1_WTX_MAX    60u    /* requests for time in one exchange; one comes about every second */
#define T1_TOTAL_MS   60000u /* of waiting in one exchange */

/* Kinds of blocks, by their second byte. */
#define T1_I_SEQUENCE 0x40u /* N(S) */
#define T1_I_MORE     0x20u
#define T1_R          0x80u
#define T1_R_SEQUENCE 0x10u /* N(R) */
#define T1_R_CRC      0x01u
#define T1_R_OTHER    0x02u
#define T1_S          0xc0u
#define T1_S_ANSWER   0x20u

enum t1_service {
    T1_RESYNC = 0x00,
    T1_IFS = 0x01,
    T1_ABORT = 0x02,
    T1_WTX = 0x03,
    T1_END_SESSION = 0x05,
    T1_CHIP_RESET = 0x06,
    T1_GET_ATR = 0x07,
};

/* What the answer to reset says, as far as it matters here. */
struct t1_atr {
    uint16_t bwt_ms; /* the part answers, or asks for time, within this */
    uint8_t ifsc;    /* bytes that it takes in one block */
};

/* The fields are the layer's own. */
struct t1_i2c {
    const struct rot_transport *transport;
    struct t1_atr atr;
    uint32_t left_ms; /* of waiting in this exchange */
    uint8_t faults, waits;
    uint8_t address;
    uint8_t ns;         /* number of our next block */
    uint8_t nr;         /* number that the part's next block must have */
    uint8_t multiplier; /* of the time for the next answer */
    uint8_t is_open;
    uint8_t is_there, is_known; /* it acknowledged since it was opened; and sent a whole block */
    uint8_t frame[T1_FRAME_MAX];
};

/* ---- Pure functions ---------------------------------------------------------- */

/* CRC-16/X-25. */
uint16_t t1_crc(const uint8_t *p, size_t len);

/* A block from the host; gives its length.  inf_len is at most T1_INF_MAX. */
size_t t1_build(uint8_t pcb, const uint8_t *inf, size_t inf_len, uint8_t frame[T1_FRAME_MAX]);

/* A block from the part: its address byte, length and CRC.  ROT_E_BUS when one is wrong. */
ROT_MUST_USE rot_err t1_check(const uint8_t *frame, size_t len);

/* ROT_E_FORMAT for an answer to reset that is none. */
ROT_MUST_USE rot_err t1_read_atr(const uint8_t *p, size_t len, struct t1_atr *ret_atr);

/* ---- The conversation --------------------------------------------------------- */

/*
 * Get into step with the part: both sides count from 0 again.  A part of this kind does not
 * acknowledge reads while it was asked nothing: one that does is left alone.
 *
 * ROT_E_BUS         nothing answers, or the line fails
 * ROT_E_WRONG_PART  something acknowledges and says nothing that is a block, or its answer to
 *                   reset is none
 */
ROT_MUST_USE rot_err t1_i2c_open(struct t1_i2c *t, const struct rot_transport *transport,
                                 uint8_t address);

/*
 * Send tx and receive the answer into rx.  The two may overlap: tx is not read
 * any more once a byte of the answer has come.
 *
 * ROT_E_BUS     no answer, or none without damage, or not open
 * ROT_E_FORMAT  the answer is longer than cap
 */
ROT_MUST_USE rot_err t1_i2c_exchange(struct t1_i2c *t, const uint8_t *tx, size_t tx_len,
                                     uint8_t *rx, size_t cap, size_t *ret_len);

/* Let the part sleep: it forgets what was selected and all sessions.  Closed is fine. */
void t1_i2c_close(struct t1_i2c *t);

/* Ask the part to reset itself; open again afterwards. */
ROT_MUST_USE rot_err t1_i2c_reset(struct t1_i2c *t);

#endif /* ROT_TRANSPORTS_T1_I2C_H */
