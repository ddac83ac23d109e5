/*
 * atecc.h: what the files of the ATECC608 driver share.
 *
 * frame.c builds and checks packets, wire.c moves them, store.c keeps bytes in
 * slots, cert.c packs certificates, config.c has the layouts, seal.c locks, io.c
 * is the IO protection key, session.c has secrets in the part's buffers, aes.c
 * modes over its block cipher, attest.c its word for a key, driver.c is the table.
 *
 * Until its data zone is locked the part takes data but does not give any
 * back.  What was written since rot_open() is therefore kept in a shadow.
 *
 * The channel's secret (rot_port.h, rot_channel_rotate()) is the IO protection
 * key, 32 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ATECC_H
#define ROT_ATECC_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#define ATECC_CONFIG_SIZE   128u
#define ATECC_PACKET_MAX    155u
#define ATECC_SHADOW_BLOCKS 35u /* slot 8: 13; slots 9 to 15: 3 each; slot 5: one */
#define ATECC_WINDOW        1024u
#define ATECC_PACKED_MAX    416u

/* What the reference is not sure of: in one place, with its section. */
#define ATECC_U_HKDF_TEMPKEY_LENGTH   32u /* 3, KDF: length of a message that is TempKey */
#define ATECC_U_SECUREBOOT_NEEDS_DATA 1   /* 3, SecureBoot: not before the data zone is locked */

/* Where a secret is that is in no slot. */
#define ATECC_TEMPKEY 0xffffu

enum atecc_op {
    ATECC_OP_READ = 0x02,
    ATECC_OP_MAC = 0x08,
    ATECC_OP_WRITE = 0x12,
    ATECC_OP_GENDIG = 0x15,
    ATECC_OP_NONCE = 0x16,
    ATECC_OP_LOCK = 0x17,
    ATECC_OP_RANDOM = 0x1b,
    ATECC_OP_UPDATE_EXTRA = 0x20,
    ATECC_OP_COUNTER = 0x24,
    ATECC_OP_INFO = 0x30,
    ATECC_OP_GENKEY = 0x40,
    ATECC_OP_SIGN = 0x41,
    ATECC_OP_ECDH = 0x43,
    ATECC_OP_VERIFY = 0x45,
    ATECC_OP_SHA = 0x47,
    ATECC_OP_AES = 0x51,
    ATECC_OP_KDF = 0x56,
    ATECC_OP_SELFTEST = 0x77,
    ATECC_OP_SECUREBOOT = 0x80,
};

struct atecc_state {
    uint8_t packet[ATECC_PACKET_MAX + 1]; /* word address first */
    uint8_t shadow[ATECC_SHADOW_BLOCKS][32];
    uint8_t is_known[ATECC_SHADOW_BLOCKS];
    uint8_t window[ATECC_WINDOW + 160]; /* the known text, then a certificate */
    uint8_t packed[ATECC_PACKED_MAX];
    uint8_t address;
    uint8_t revision[4];
    uint8_t serial[9];
    uint8_t has_io; /* the part has the host's IO protection key */
    uint8_t io_key[32];
    uint8_t secret_len; /* of a session's secret in TempKey: 32, 48 or 64; 0: none of ours */
    uint8_t config[ATECC_CONFIG_SIZE];
    uint8_t config_known; /* bits: blocks of it that were read and have not changed since */
    uint8_t point[64];    /* the public key of point_slot, as the part told it last */
    uint8_t point_slot;
    uint8_t has_point;
};

struct atecc_command {
    uint8_t op;
    uint8_t p1;
    uint16_t p2;
    const uint8_t *data;
    size_t data_len;
};

/* frame.c: pure functions. */
uint16_t atecc_crc(const uint8_t *p, size_t len, uint16_t start);
size_t atecc_build_command(const struct atecc_command *c, uint8_t out[ATECC_PACKET_MAX]);
/* ROT_E_BUS for a bad length or CRC. */
rot_err atecc_check_response(const uint8_t *p, size_t len);
rot_err atecc_map_status(uint8_t status);

/* wire.c: a whole command; rx takes exactly rx_len bytes, 0 for a bare status. */
rot_err atecc_run(struct rot_chip *chip, const struct atecc_command *c, uint8_t *rx, size_t rx_len);
rot_err atecc_find(struct rot_chip *chip);
void atecc_sleep(struct rot_chip *chip);

/* config.c: a layout's configuration, from byte 16 on. */
unsigned atecc_slot_config(const struct rot_layout *l, unsigned slot);
unsigned atecc_io_slot(const struct rot_layout *l);
/* Whether a slot keeps the number that counter 0 stops at. */
int atecc_is_limit(const struct rot_layout *l, unsigned slot);
/* Whether SecureBoot verifies with the public key of that slot, and keeps the digest. */
int atecc_is_boot_key(const struct rot_layout *l, unsigned slot);
extern const struct rot_layout *const atecc_layouts[];

/* seal.c */
/* Blocks of the configuration: the serial number and slots; slots and counters; locks; keys. */
#define ATECC_BLOCK_SERIAL 0x01u
#define ATECC_BLOCK_LOCKS  0x04u
#define ATECC_BLOCKS       0x0fu
/* These blocks are read again when they are needed next. */
void atecc_forget_config(struct rot_chip *chip, unsigned blocks);
/* What is not known of it is read. */
rot_err atecc_read_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE]);
rot_err atecc_seal_prepare(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p);
rot_err atecc_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p);
rot_err atecc_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                         enum rot_seal_state *ret_state);
int atecc_is_config_locked(const uint8_t *config);
int atecc_is_data_locked(const uint8_t *config);
int atecc_is_slot_locked(const uint8_t *config, unsigned slot);

/* io.c: what the IO protection key does.  Digests are the reference's, section 3. */
struct atecc_mac_input {
    uint8_t op, p1;
    uint16_t p2;
    const uint8_t *serial; /* 9 bytes */
};
/* H(first || op, p1, p2 || serial || 25 zeroes || last): GenDig, encrypted Write. */
rot_err atecc_chain_digest(const struct rot_port *port, const struct atecc_mac_input *in,
                           const uint8_t first[32], const uint8_t last[32], uint8_t out[32]);
rot_err atecc_nonce_digest(const struct rot_port *port, const uint8_t random[32],
                           const uint8_t num_in[20], uint8_t out[32]);
/* The MAC command's, without OTP; p1 bit 6 puts all of the serial number in. */
rot_err atecc_mac_digest(const struct rot_port *port, const struct atecc_mac_input *in,
                         const uint8_t key[32], const uint8_t second[32], uint8_t out[32]);
rot_err atecc_verify_mac(const struct rot_port *port, const struct atecc_mac_input *in,
                         const uint8_t key[32], const uint8_t message[32], const uint8_t nonce[32],
                         const uint8_t sig[64], uint8_t out[32]);
rot_err atecc_boot_key(const struct rot_port *port, const uint8_t key[32],
                       const uint8_t tempkey[32], uint8_t out[32]);
rot_err atecc_boot_mac(const struct rot_port *port, const struct atecc_mac_input *in,
                       const uint8_t hashed[32], const uint8_t digest[32], const uint8_t sig[64],
                       uint8_t out[32]);
/* Undo the mask over an output: nonce is 32 bytes, len 32 or 64. */
rot_err atecc_unmask(const struct rot_port *port, const uint8_t key[32], const uint8_t nonce[32],
                     uint8_t *p, size_t len);

rot_err atecc_load_serial(struct rot_chip *chip);
/* A random Nonce; both sides know TempKey then. */
rot_err atecc_nonce(struct rot_chip *chip, uint8_t tempkey[32]);
rot_err atecc_io_open(struct rot_chip *chip);
rot_err atecc_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);
rot_err atecc_channel_has(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);
/* A block of 32 bytes of a slot that wants encryption; ROT_E_AUTH without the key. */
rot_err atecc_read_hidden(struct rot_chip *chip, uint16_t address, uint8_t out[32]);
rot_err atecc_write_hidden(struct rot_chip *chip, uint16_t address, const uint8_t in[32]);

/* session.c */
rot_err atecc_agree_inside(struct rot_chip *chip, unsigned slot, const uint8_t point[64]);
rot_err atecc_derive(struct rot_chip *chip, const struct rot_place *from,
                     const struct rot_kdf_params *params, const struct rot_place *into,
                     uint8_t *out, size_t cap, size_t *ret_len);
rot_err atecc_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                  size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
rot_err atecc_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                         const uint8_t *wrapped, size_t wrapped_len);

/* aes.c */
rot_err atecc_cmac(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes msg,
                   uint8_t mac[16]);
rot_err atecc_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg,
                   int seal, struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in,
                   uint8_t *out, size_t cap, size_t *ret_len);

/* attest.c */
rot_err atecc_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
                     struct rot_evidence *evidence);

/* keys.c */
rot_err atecc_point(struct rot_chip *chip, unsigned slot, uint8_t point[64]);
/* The same, from memory where it was told before. */
rot_err atecc_known_point(struct rot_chip *chip, unsigned slot, uint8_t point[64]);
rot_err atecc_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                           uint8_t *pub, size_t cap, size_t *ret_len);
rot_err atecc_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                         size_t cap, size_t *ret_len);
rot_err atecc_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                          const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                          size_t *ret_len);
rot_err atecc_verify_digest(struct rot_chip *chip, const struct rot_place *place,
                            const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                            size_t digest_len, const uint8_t *sig, size_t sig_len);
rot_err atecc_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                    size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                    size_t *ret_len);

/* store.c */
rot_err atecc_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err atecc_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                          uint8_t *buf, size_t cap, size_t *ret_len);
rot_err atecc_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                           const uint8_t *buf, size_t len, size_t total, size_t *ret_need);

/* cert.c: window holds known text, then the TBS. */
size_t atecc_known_text(const uint8_t point[64], uint8_t *window);
rot_err atecc_cert_split(const uint8_t *der, size_t len, size_t *ret_tbs_len, uint8_t sig[64]);
rot_err atecc_cert_join(const uint8_t *tbs, size_t tbs_len, const uint8_t sig[64], uint8_t *der,
                        size_t cap, size_t *ret_len);
rot_err atecc_pack(const uint8_t *window, size_t start, size_t end, uint8_t *out, size_t cap,
                   size_t *ret_len);
rot_err atecc_unpack(const uint8_t *in, size_t len, uint8_t *window, size_t start, size_t cap,
                     size_t *ret_end);

#endif /* ROT_ATECC_H */
