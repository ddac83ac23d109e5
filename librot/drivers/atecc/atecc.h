/*
 * atecc.h: what the files of the ATECC608 driver share.
 *
 * frame.c builds and checks packets, wire.c moves them, store.c keeps bytes in
 * slots, cert.c packs certificates, config.c has the layouts, seal.c locks,
 * driver.c is the table.
 *
 * Until its data zone is locked the part takes data but does not give any
 * back.  What was written since rot_open() is therefore kept in a shadow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ATECC_H
#define ROT_ATECC_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#define ATECC_CONFIG_SIZE   128u
#define ATECC_PACKET_MAX    155u
#define ATECC_SHADOW_BLOCKS 34u /* slot 8: 13; slots 9 to 15: 3 each */
#define ATECC_WINDOW        1024u
#define ATECC_PACKED_MAX    416u

enum atecc_op {
    ATECC_OP_READ = 0x02,
    ATECC_OP_WRITE = 0x12,
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
    ATECC_OP_SELFTEST = 0x77,
};

struct atecc_state {
    uint8_t packet[ATECC_PACKET_MAX + 1]; /* word address first */
    uint8_t shadow[ATECC_SHADOW_BLOCKS][32];
    uint8_t is_known[ATECC_SHADOW_BLOCKS];
    uint8_t window[ATECC_WINDOW + 160]; /* the known text, then a certificate */
    uint8_t packed[ATECC_PACKED_MAX];
    uint8_t address;
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

/* config.c */
extern const struct rot_layout *const atecc_layouts[];

/* seal.c */
rot_err atecc_read_config(struct rot_chip *chip, uint8_t config[ATECC_CONFIG_SIZE]);
rot_err atecc_seal_prepare(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p);
rot_err atecc_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p);
rot_err atecc_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                         enum rot_seal_state *ret_state);
int atecc_is_config_locked(const uint8_t *config);
int atecc_is_data_locked(const uint8_t *config);
int atecc_is_slot_locked(const uint8_t *config, unsigned slot);

/* keys.c */
rot_err atecc_point(struct rot_chip *chip, unsigned slot, uint8_t point[64]);
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
