/*
 * port_openssl.h: the whole rot_port table, by OpenSSL 3.
 *
 * Algorithms are fetched by name once, at init, and kept: fetching takes locks
 * and string searches, and none of that belongs on a line that makes boards.
 *
 * A port may serve several chips as long as one thread at a time uses it.
 * Keys on P-256, P-384, Ed25519 and X25519.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_PORT_OPENSSL_H
#define ROT_PORT_OPENSSL_H

#include <rot/rot_port.h>

#define ROT_CHANNEL_MASTER_SIZE 32 /* bytes, of a master and of a part's own secret */

struct evp_md_st;
struct evp_mac_st;
struct evp_kdf_st;
struct evp_cipher_st;

/* What was fetched.  The fields are the port's own. */
struct rot_port_openssl {
    struct rot_port port; /* for rot_setup; port.self is this struct, so it must not be moved */
    struct evp_md_st *md[3];
    struct evp_mac_st *hmac, *cmac;
    struct evp_kdf_st *hkdf, *tls_prf, *single_step, *pbkdf2;
    struct evp_cipher_st *cipher[5][2]; /* mode, then 128 or 256 bits */
    struct {
        enum { ROT_CHANNEL_NONE = 0, ROT_CHANNEL_MASTER, ROT_CHANNEL_PART } kind;
        uint8_t secret[ROT_CHANNEL_MASTER_SIZE];
        char driver[ROT_NAME_MAX]; /* of a part's own: whose it is */
        uint8_t uid[ROT_UID_MAX];
        size_t uid_len;
    } channel;
};

/* Fetch.  ROT_E_PORT when OpenSSL lacks one of them; nothing is held then. */
ROT_MUST_USE rot_err rot_port_openssl_init(struct rot_port_openssl *p);
/*
 * The secret that those of all parts' channels come from, for a station.  A part's own is
 * HKDF-SHA-256 of it with "rootsmith channel", the driver's name and the part's unique id as
 * info, a zero byte between them; the bytes of its keys are HKDF-SHA-256 of that with
 * "rootsmith channel keys".  So a device can be given its own part's secret and no other's.
 * NULL: none, as after init; parts are then spoken to by what their vendor published.
 */
void rot_port_openssl_channel(struct rot_port_openssl *p,
                              const uint8_t master[ROT_CHANNEL_MASTER_SIZE]);
/* The secret of one part, for the device that it is in.  ROT_E_ARG: no such driver's name or id. */
ROT_MUST_USE rot_err rot_port_openssl_channel_part(struct rot_port_openssl *p, const char *driver,
                                                   struct rot_bytes uid,
                                                   const uint8_t secret[ROT_CHANNEL_MASTER_SIZE]);
/* A part's own secret, to be handed to its device.  ROT_E_EMPTY: there is none for it here. */
ROT_MUST_USE rot_err rot_port_openssl_part_secret(struct rot_port_openssl *p, const char *driver,
                                                  struct rot_bytes uid,
                                                  uint8_t secret[ROT_CHANNEL_MASTER_SIZE]);
/* Give back.  NULL and zeroed are fine. */
void rot_port_openssl_done(struct rot_port_openssl *p);

#endif /* ROT_PORT_OPENSSL_H */
