/*
 * ifx_shield.h: the presentation layer of Infineon's I2C protocol, the
 * "shielded connection".
 *
 * Host and part share a binding secret.  A handshake draws keys from it; after
 * that every command and every answer is encrypted and authenticated
 * (AES-128-CCM with 8 bytes of MAC) under numbers that only grow.
 *
 * The port lends HMAC-SHA-256 and ROT_AEAD_AES_CCM_8, which must work in place.
 * "Protocol" is Infineon's I2C Protocol 2.03, presentation layer.
 *
 * A record that does not hold ends the channel: the alert 0x44, by which the
 * peer would be asked to say it again, is neither sent nor honoured.  Nothing of
 * a command whose answer was lost is known, and whoever asked may ask again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_IFX_SHIELD_H
#define ROT_IFX_SHIELD_H

#include <rot/rot_port.h>

#include "ifx_i2c.h"

#define IFX_SHIELD_HEAD 5u /* SCTR and sequence, in front of what is protected */
#define IFX_SHIELD_MAC  8u
#define IFX_SHIELD_KEYS 40u
#define IFX_SHIELD_RND  32u

/* SCTR, the first byte of what a packet carries. */
#define IFX_SHIELD_HELLO    0x00u
#define IFX_SHIELD_FINISHED 0x08u
#define IFX_SHIELD_PLAIN    0x20u /* a record that nothing protects */
#define IFX_SHIELD_BOTH     0x23u /* a record of a channel that protects both directions */
#define IFX_SHIELD_FATAL    0x40u
#define IFX_SHIELD_VERSION  0x01u /* pre-shared secret */

struct ifx_shield {
    uint8_t keys[IFX_SHIELD_KEYS]; /* the host's, the part's, and their nonces' beginnings */
    uint32_t sent, received;       /* numbers of the last records */
};

/* TLS 1.2 PRF with SHA-256 (RFC 5246 5) over "Platform Binding" and what the part drew. */
ROT_MUST_USE rot_err ifx_shield_derive(const struct rot_port *port, struct rot_bytes secret,
                                       const uint8_t rnd[IFX_SHIELD_RND],
                                       uint8_t keys[IFX_SHIELD_KEYS]);

/*
 * Encrypt a command of len bytes at p + IFX_SHIELD_HEAD in place; p must have
 * room for head and MAC.  *ret_len is what goes out.  ROT_E_STATE when the
 * numbers are used up: shake hands again.
 */
ROT_MUST_USE rot_err ifx_shield_seal(struct ifx_shield *s, const struct rot_port *port, uint8_t *p,
                                     size_t len, size_t *ret_len);

/* Check an answer of len bytes and decrypt it in place; ROT_E_BUS when it does not hold. */
ROT_MUST_USE rot_err ifx_shield_open(struct ifx_shield *s, const struct rot_port *port, uint8_t *p,
                                     size_t len, struct rot_bytes *ret_plain);

/*
 * Shake hands.
 *
 * ROT_E_AUTH  the part does not know this secret
 * ROT_E_PORT  the port lacks HMAC or AEAD
 */
ROT_MUST_USE rot_err ifx_shield_start(struct ifx_shield *s, struct ifx_i2c *link,
                                      const struct rot_port *port, struct rot_bytes secret);

#endif /* ROT_IFX_SHIELD_H */
