/*
 * stsafe.h: what the files of the STSAFE-A driver share.
 *
 * codec.c builds commands and reads answers, channel.c is the arithmetic of the
 * host secure channel, wire.c runs a command through it, zones.c keeps bytes and
 * counters, keys.c and secret.c use keys, inside.c secrets in an A120, attest.c has the vendor's certificate
 * and evidence over it, seal.c closes zones, layout.c says what lives where,
 * driver.c is the table.  Frames are transports/stsafe_frame.c.
 *
 * One driver for A100, A110 and A120: what differs goes by the model that the
 * part's mask names.  "Section" is that of the project's ST reference, which
 * docs/chips/stsafe.md names the public sources of.
 *
 * The channel's secret (rot_port.h, rot_channel_rotate()) is 32 bytes: the host
 * MAC key, then the host cipher key, AES-128 both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_STSAFE_H
#define ROT_STSAFE_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

/* ---- What the reference is not sure of: in one place, with its section ----------- */

/* 3.1, 11: the two bytes behind the usage limit of Generate key. */
#define STSAFE_U_KEY_FLAGS 0x0000u
/* 4: the type of a pair of AES-128 keys in the A120's host key slot; section 9 and ST's host have 0. */
#define STSAFE_U_HOST_AES128 0x00u
/* 3.1: the length of an envelope's key. The text has 10 and 20, ST's host sends 0 and 1. */
#define STSAFE_U_ENVELOPE_AES256 0x01u
/* 3.1: that an access condition is changed by writing a byte of the zone anew. */
#define STSAFE_U_CHANGE_LENGTH 1u
/* 5: private key slots of an A120. */
#define STSAFE_U_A120_SLOTS 5u

/* ---- Sizes ------------------------------------------------------------------------ */

/* Parts take frames of 507 bytes and more; these have room for the longest that we need, encrypted. */
#define STSAFE_BUFFER    288u
#define STSAFE_CHUNK     240u /* bytes of one Read or Update */
#define STSAFE_UID       9u   /* the ST number */
#define STSAFE_MAC       4u
#define STSAFE_KEY       16u
#define STSAFE_SECRET    (2u * STSAFE_KEY)
#define STSAFE_TRAILER   12u
#define STSAFE_POINT     96u /* P-384 */
#define STSAFE_ENVELOPE  (ROT_SECRET_MAX + 8u)
#define STSAFE_ENVELOPES 2u
#define STSAFE_INSIDES   2u
#define STSAFE_ROLES     2u /* slots of one secret, each for another mode */

enum stsafe_model { STSAFE_A100 = 0, STSAFE_A110 = 1, STSAFE_A120 = 2 };

/* Command codes (section 3); extended ones have 0x1f in the upper byte. */
enum stsafe_code {
    STSAFE_RESET = 0x01,
    STSAFE_RANDOM = 0x02,
    STSAFE_DECREMENT = 0x04,
    STSAFE_READ = 0x05,
    STSAFE_UPDATE = 0x06,
    STSAFE_GENERATE_MAC = 0x09,
    STSAFE_WRAP = 0x0e,
    STSAFE_UNWRAP = 0x0f,
    STSAFE_PUT_ATTRIBUTE = 0x10,
    STSAFE_GENERATE_KEY = 0x11,
    STSAFE_QUERY = 0x14,
    STSAFE_SIGN = 0x16,
    STSAFE_VERIFY = 0x17,
    STSAFE_ESTABLISH = 0x18,
    STSAFE_ENCRYPT = 0x1b,
    STSAFE_DECRYPT = 0x1c,
    STSAFE_EXTENDED = 0x1f,
    STSAFE_WRITE_HOST_KEY = 0x1f07,
    STSAFE_DERIVE = 0x1f10,
    STSAFE_WRITE_SYMMETRIC = 0x1f17,
    STSAFE_ERASE_SYMMETRIC = 0x1f19,
};

/* Tags of Query and Put attribute (section 4). */
enum stsafe_tag {
    STSAFE_TAG_LIFE_CYCLE = 0x08,
    STSAFE_TAG_PRODUCT = 0x11,
    STSAFE_TAG_PARTITION = 0x12,
    STSAFE_TAG_HOST_KEY = 0x17,
    STSAFE_TAG_RULES = 0x24,
    STSAFE_TAG_HOST_KEY_V2 = 0x47,
};

/* Status (section 2), the low five bits of an answer's header. */
enum stsafe_status {
    STSAFE_OK = 0x00,
    STSAFE_COMMUNICATION = 0x01,
    STSAFE_NO_ACCESS = 0x11,
    STSAFE_BOUNDARY = 0x14,
    STSAFE_BAD_MAC = 0x16,
};

/* Access conditions of zones (section 4). */
enum stsafe_access { STSAFE_AC_ALWAYS = 0, STSAFE_AC_HOST = 1, STSAFE_AC_NEVER = 7 };

/* Who may use a command (section 4), and what of it is encrypted. */
enum stsafe_rule {
    STSAFE_RULE_NEVER = 0,
    STSAFE_RULE_FREE = 1,
    STSAFE_RULE_ADMIN = 2,
    STSAFE_RULE_HOST = 3,
    STSAFE_RULE_ADMIN_PASSWORD = 4,
    STSAFE_RULE_ADMIN_HOST = 5,
};
#define STSAFE_ENCRYPTED_COMMAND 0x02u
#define STSAFE_ENCRYPTED_ANSWER  0x01u

/* `where` of a secret that lives in symmetric slots of an A120. */
#define STSAFE_SYMMETRIC 0x100u
/* Zone and offset in a place's `also`; 0: none, for nothing of ours begins there. */
#define STSAFE_AT(zone, offset) ((uint32_t)(zone) << 16 | (uint32_t)(offset))

/* ---- State ------------------------------------------------------------------------- */

/* What a command may and must be sent as. */
struct stsafe_rules {
    uint8_t who[2][32];    /* enum stsafe_rule: plain, extended */
    uint8_t hidden[2][32]; /* STSAFE_ENCRYPTED_... */
};

/* The host channel. */
struct stsafe_channel {
    uint8_t keys[STSAFE_SECRET];
    uint32_t counter;  /* of the next command */
    uint32_t floor;    /* the last that a command was sent with: none below is used again */
    uint8_t is_open;   /* the keys are the part's */
    uint8_t is_unsure; /* the part may count differently: ask before the next command */
};

/* A secret that only the part can open, kept by us while the chip is open. */
struct stsafe_envelope {
    rot_object object; /* 0: free */
    uint8_t len;
    uint8_t bytes[STSAFE_ENVELOPE];
};

/* A secret in the part's symmetric slots. */
struct stsafe_inside {
    rot_object object; /* 0: free */
    uint8_t slots[STSAFE_ROLES];
};

struct stsafe_state {
    uint8_t tx[STSAFE_BUFFER];
    uint8_t rx[STSAFE_BUFFER];
    size_t tx_len;      /* header and payload */
    uint16_t code;      /* enum stsafe_code */
    uint8_t is_too_big; /* something did not fit */
    uint8_t address;
    uint8_t model; /* enum stsafe_model */
    uint8_t mask[3];
    uint8_t uid[STSAFE_UID];
    struct stsafe_rules rules;
    struct stsafe_channel channel;
    struct stsafe_envelope envelopes[STSAFE_ENVELOPES];
    struct stsafe_inside inside[STSAFE_INSIDES];
    uint8_t is_tidy; /* the slots of sessions that nobody has are empty */
    uint8_t has_vendor_point;
    uint8_t vendor_point[64];

    /* An object being written piece by piece. */
    const struct rot_place *pending;
    size_t pending_filled, pending_total;
    uint32_t pending_sequence;
    uint8_t pending_copy;
};

static inline struct stsafe_state *
stsafe_of(const struct rot_chip *chip)
{
    return chip->setup.state;
}

/* Bytes of an answer.  is_bad stays set from the first read past the end on. */
struct stsafe_reader {
    const uint8_t *p;
    size_t len;
    uint8_t is_bad;
};

/* ---- codec.c: pure, but for the command that it builds in the state ------------------ */

void stsafe_begin(struct rot_chip *chip, enum stsafe_code code);
void stsafe_put_u8(struct rot_chip *chip, unsigned v);
void stsafe_put_u16(struct rot_chip *chip, unsigned v);
void stsafe_put_u32(struct rot_chip *chip, uint32_t v);
void stsafe_put(struct rot_chip *chip, const void *p, size_t len);
void stsafe_put_sized(struct rot_chip *chip, const void *p, size_t len);
void stsafe_put_curve(struct rot_chip *chip, enum rot_alg alg);
void stsafe_put_point(struct rot_chip *chip, enum rot_alg alg, const uint8_t *point);

uint32_t stsafe_get_int(struct stsafe_reader *r, size_t bytes);
struct rot_bytes stsafe_get(struct stsafe_reader *r, size_t len);
/* Two numbers of at most half bytes, right-aligned: R and S of a signature, X and Y. */
void stsafe_get_pair(struct stsafe_reader *r, size_t half, uint8_t *out);
void stsafe_get_point(struct stsafe_reader *r, enum rot_alg alg, uint8_t *point);
/* ROT_OK when all was read and nothing was missing; ROT_E_FORMAT otherwise. */
rot_err stsafe_get_end(const struct stsafe_reader *r);

/* Answers of Query.  ROT_E_FORMAT when they are none. */
rot_err stsafe_read_product(struct stsafe_reader *r, uint8_t mask[3], uint8_t uid[STSAFE_UID],
                            uint8_t *ret_model);
rot_err stsafe_read_rules(struct stsafe_reader *r, struct stsafe_rules *rules);

struct stsafe_zone {
    uint8_t is_counter;
    uint8_t access; /* of updates: enum stsafe_access */
    uint8_t may_change;
    uint32_t counter;
};
/* The entry of one zone; ROT_E_UNSUPPORTED when the part has no such zone. */
rot_err stsafe_read_zone(struct stsafe_reader *r, unsigned zone, struct stsafe_zone *ret_zone);

/* What a status means for a caller. */
rot_err stsafe_map_status(uint8_t status);

/* ---- channel.c: sections 6 and 9 ------------------------------------------------------- */

/* `counter` is always that of the command, as the part tells it before. */
struct stsafe_crypto {
    const struct rot_port *port;
    const uint8_t *keys; /* STSAFE_SECRET */
    uint8_t width;       /* of the counter: three bytes, an A120's four */
};

int stsafe_has_crypto(const struct rot_port *port);
/* command: header bytes and payload as sent, without CRC and without C-MAC. */
struct stsafe_sent {
    struct rot_bytes header, payload;
};
rot_err stsafe_command_mac(const struct stsafe_crypto *c, uint32_t counter,
                           const struct stsafe_sent *sent, uint8_t mac[STSAFE_MAC]);
rot_err stsafe_answer_mac(const struct stsafe_crypto *c, uint32_t counter,
                          const struct stsafe_sent *sent, uint8_t header, struct rot_bytes payload,
                          uint8_t mac[STSAFE_MAC]);
/* In place; len becomes that of the padded text.  p has room for 16 bytes more. */
rot_err stsafe_encrypt_command(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p,
                               size_t *len);
rot_err stsafe_decrypt_command(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p,
                               size_t *len);
/* ROT_E_FORMAT when the padding is none. */
rot_err stsafe_decrypt_answer(const struct stsafe_crypto *c, uint32_t counter, uint8_t *p,
                              size_t *len);

/* ---- wire.c ------------------------------------------------------------------------------ */

/* Send what was built.  The reader gets the payload, checked and decrypted, in rx. */
rot_err stsafe_run(struct rot_chip *chip, struct stsafe_reader *ret_answer);
/* For commands whose answer has no payload, and for those whose answer is just so many bytes. */
rot_err stsafe_run_plain(struct rot_chip *chip);
rot_err stsafe_run_into(struct rot_chip *chip, uint8_t *out, size_t len);
/* ROT_OK when the part's rules let us use a command in this conversation. */
rot_err stsafe_may(const struct rot_chip *chip, enum stsafe_code code);

rot_err stsafe_query(struct rot_chip *chip, enum stsafe_tag tag, struct stsafe_reader *ret_answer);
/* Whether the part has host keys, and their counter.  Always in the clear. */
rot_err stsafe_host_key(struct rot_chip *chip, int *ret_present, uint32_t *ret_counter);
/*
 * Try keys: ROT_OK and the channel is open; ROT_E_AUTH when they are not the
 * part's, and the channel is closed.
 */
rot_err stsafe_open_channel(struct rot_chip *chip, const uint8_t keys[STSAFE_SECRET],
                            uint32_t counter);
rot_err stsafe_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);

/* ---- zones.c -------------------------------------------------------------------------------- */

/* At most STSAFE_CHUNK bytes; they are in rx until the next command. */
rot_err stsafe_zone_read(struct rot_chip *chip, unsigned zone, size_t offset, size_t len,
                         struct rot_bytes *ret_bytes);
rot_err stsafe_zone_update(struct rot_chip *chip, unsigned option, unsigned zone, size_t offset,
                           const uint8_t *p, size_t len);
rot_err stsafe_zone_find(struct rot_chip *chip, unsigned zone, struct stsafe_zone *ret_zone);

/* The place where the public key of a slot is kept: forget it, keep another, find it. */
rot_err stsafe_point_forget(struct rot_chip *chip, const struct rot_place *key);
rot_err stsafe_point_keep(struct rot_chip *chip, const struct rot_place *key, const uint8_t *point);
rot_err stsafe_point_find(struct rot_chip *chip, const struct rot_place *key, uint8_t *point);

rot_err stsafe_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err stsafe_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                           uint8_t *buf, size_t cap, size_t *ret_len);
rot_err stsafe_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                            const uint8_t *buf, size_t len, size_t total, size_t *ret_need);
rot_err stsafe_counter_read(struct rot_chip *chip, const struct rot_place *place,
                            uint64_t *ret_value);
rot_err stsafe_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                                 uint64_t *ret_value);

/* ---- keys.c ---------------------------------------------------------------------------------- */

/* Whether this part has the slot that a key's place names. */
int stsafe_has_slot(const struct rot_chip *chip, const struct rot_place *place);
/* The point of a key pair: kept in a zone, or in the vendor's certificate. */
rot_err stsafe_point(struct rot_chip *chip, const struct rot_place *key, uint8_t *point);
rot_err stsafe_sign_raw(struct rot_chip *chip, unsigned slot, enum rot_alg alg,
                        const uint8_t *digest, uint8_t *raw);

rot_err stsafe_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                            uint8_t *pub, size_t cap, size_t *ret_len);
rot_err stsafe_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                          size_t cap, size_t *ret_len);
rot_err stsafe_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                           const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                           size_t *ret_len);
rot_err stsafe_verify_digest(struct rot_chip *chip, const struct rot_place *place,
                             const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                             size_t digest_len, const uint8_t *sig, size_t sig_len);
rot_err stsafe_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                     size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                     size_t *ret_len);

/* ---- secret.c ----------------------------------------------------------------------------------- */

/* Secrets in envelopes: whether the part's rules let this conversation have them. */
int stsafe_has_envelopes(const struct rot_chip *chip);
rot_err stsafe_secret_keep(struct rot_chip *chip, const struct rot_place *place,
                           const uint8_t *secret, size_t len);
rot_err stsafe_secret_generate(struct rot_chip *chip, const struct rot_place *place);
void stsafe_secrets_forget(struct rot_chip *chip);

rot_err stsafe_key_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err stsafe_derive(struct rot_chip *chip, const struct rot_place *from,
                      const struct rot_kdf_params *params, const struct rot_place *into,
                      uint8_t *out, size_t cap, size_t *ret_len);
rot_err stsafe_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                   size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
rot_err stsafe_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg,
                    int seal, struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in,
                    uint8_t *out, size_t cap, size_t *ret_len);
rot_err stsafe_random(struct rot_chip *chip, uint8_t *buf, size_t len);

/* ---- inside.c ------------------------------------------------------------------------------------- */

rot_err stsafe_inside_keep(struct rot_chip *chip, const struct rot_place *place,
                           const uint8_t *secret, size_t len);
rot_err stsafe_inside_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err stsafe_inside_derive(struct rot_chip *chip, const struct rot_place *from,
                             const struct rot_kdf_params *params, const struct rot_place *into);
rot_err stsafe_inside_mac(struct rot_chip *chip, const struct rot_place *place,
                          struct rot_bytes msg, uint8_t *mac, size_t len);
rot_err stsafe_inside_aead(struct rot_chip *chip, const struct rot_place *place, int seal,
                           struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in,
                           uint8_t *out, size_t *ret_len);

/* ---- attest.c -------------------------------------------------------------------------------------- */

/* Bytes of the vendor's certificate in a zone; ROT_E_EMPTY when there is none. */
rot_err stsafe_leaf_size(struct rot_chip *chip, unsigned zone, size_t *ret_len);
rot_err stsafe_leaf_point(struct rot_chip *chip, unsigned zone, enum rot_alg alg, uint8_t *point);
rot_err stsafe_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
                      struct rot_evidence *evidence);

/* ---- seal.c ------------------------------------------------------------------------------------------ */

rot_err stsafe_life_cycle(struct rot_chip *chip, uint8_t *ret_state);
rot_err stsafe_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place);
rot_err stsafe_seal_state(struct rot_chip *chip, enum rot_stage stage,
                          const struct rot_place *place, enum rot_seal_state *ret_state);

/* ---- layout.c ----------------------------------------------------------------------------------------- */

extern const struct rot_layout *const stsafe_layouts[];

#endif /* ROT_STSAFE_H */
