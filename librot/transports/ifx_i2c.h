/*
 * ifx_i2c.h: Infineon's I2C protocol under OPTIGA Trust M.
 *
 * Registers, frames with counters and a check sum, and chains of packets: one
 * command goes in, one answer comes back, however often the wire failed in
 * between.  What is in the packets is the presentation layer's (ifx_shield.h)
 * and the application's.
 *
 * "Protocol" is Infineon's I2C Protocol 2.03; "data sheet" that of OPTIGA Trust
 * M, 3.70.  Every number is big-endian.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_IFX_I2C_H
#define ROT_IFX_I2C_H

#include <rot/rot_transport.h>

#define IFX_I2C_ADDRESS   0x30u
#define IFX_I2C_FRAME_MAX 277u /* DATA_REG_LEN of Trust M (data sheet, register map) */
#define IFX_I2C_OVERHEAD  5u   /* FCTR, length and check sum around a packet */

/* FCTR (protocol, data link layer): a control frame, and what a frame says of the other's. */
#define IFX_I2C_CONTROL 0x80u
#define IFX_I2C_ACK     0x00u
#define IFX_I2C_NAK     0x20u
#define IFX_I2C_RESYNC  0x40u

/* PCTR, the first byte of a packet (protocol, network and transport layer). */
#define IFX_I2C_PRESENCE 0x08u
#define IFX_I2C_SINGLE   0x00u
#define IFX_I2C_FIRST    0x01u
#define IFX_I2C_MIDDLE   0x02u
#define IFX_I2C_LAST     0x04u
#define IFX_I2C_BROKEN   0x07u

/* One line to one part.  The fields are the layer's own. */
struct ifx_i2c {
    const struct rot_transport *wire;
    uint32_t waited_us;  /* for the command under way */
    uint16_t packet_max; /* bytes of a packet, PCTR with them */
    uint8_t address;
    uint8_t sent, received;               /* numbers of the last frames that arrived, modulo 4 */
    uint8_t frame[1 + IFX_I2C_FRAME_MAX]; /* the register first when sending */
};

/* ---- Pure functions ---------------------------------------------------------- */

/* The check sum over FCTR, length and packet; it goes out high byte first. */
uint16_t ifx_i2c_fcs(const uint8_t *p, size_t len);

/* Put FCTR, length and check sum around the packet that starts at frame + 3; the frame's length. */
size_t ifx_i2c_close_frame(uint8_t *frame, unsigned fctr, size_t packet_len);

/* ROT_E_BUS for a wrong length, check sum or form. */
ROT_MUST_USE rot_err ifx_i2c_check_frame(const uint8_t *frame, size_t len);

/* ---- The line ------------------------------------------------------------------- */

/*
 * Look whether such a part answers, reset it, and agree on a frame's size.  A
 * part that does not look like one is left as it was.
 *
 * ROT_E_BUS         nobody acknowledges
 * ROT_E_WRONG_PART  what answers is another part
 */
ROT_MUST_USE rot_err ifx_i2c_open(struct ifx_i2c *l, const struct rot_transport *wire,
                                  uint8_t address);

/*
 * One command, one answer.  presence is IFX_I2C_PRESENCE or 0 and goes for both
 * directions; rx may be the memory that tx is in.  Waits for the part at most
 * 30 s; each frame is sent at most 8 times.
 *
 * ROT_E_BUS     no valid answer came; the line must be opened anew
 * ROT_E_FORMAT  the answer is no packet, or longer than cap; the same
 */
ROT_MUST_USE rot_err ifx_i2c_exchange(struct ifx_i2c *l, unsigned presence, const uint8_t *tx,
                                      size_t tx_len, uint8_t *rx, size_t cap, size_t *ret_len);

#endif /* ROT_IFX_I2C_H */
