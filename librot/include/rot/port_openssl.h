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

#define ROT_CHANNEL_MASTER_SIZE 32

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
    uint8_t channel_master[ROT_CHANNEL_MASTER_SIZE];
    uint8_t has_channel_master;
};

/* Fetch.  ROT_E_PORT when OpenSSL lacks one of them; nothing is held then. */
ROT_MUST_USE rot_err rot_port_openssl_init(struct rot_port_openssl *p);
/*
 * The secret that those of all parts' channels come from: a part's is HKDF-SHA-256 of it with
 * "rootsmith channel", the driver's name and the part's unique id as info, a zero byte between
 * them.  NULL: none, as after init; parts are then spoken to by what their vendor published.
 */
void rot_port_openssl_channel(struct rot_port_openssl *p,
                              const uint8_t master[ROT_CHANNEL_MASTER_SIZE]);
/* Give back.  NULL and zeroed are fine. */
void rot_port_openssl_done(struct rot_port_openssl *p);

#endif /* ROT_PORT_OPENSSL_H */
