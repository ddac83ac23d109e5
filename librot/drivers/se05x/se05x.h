/*
 * se05x.h: what the files of the SE05x driver share.
 *
 * apdu.c builds commands and takes answers apart, scp03.c protects them,
 * wire.c moves them and keeps the conversation alive, channel.c opens it and
 * changes its keys, published.c has those that parts come with, object.c asks
 * about objects and says what may be done with them, keys.c, secret.c, store.c,
 * seal.c and attest.c do the work, layout.c says what lives where, driver.c is
 * the table.
 *
 * "ref" is the part's wire reference; docs/chips/se05x.md has its sections.
 *
 * The host's secret for a part's channel (rot_port.h, channel_secret) is 48
 * bytes: the SCP03 keys ENC, MAC and DEK of 16 bytes each.  The part's
 * unique id is the content of object 7FFF0206, 18 bytes.
 *
 * Evidence (rot_attest(), ROT_EVIDENCE_SE05X_READ) is an attested read of the
 * key's object; numbers are big-endian:
 *
 *   1   version of this form, 1
 *   1   generation of the part's signature: 1 (applets before 7.2) or 2
 *   4   object id of the key that signed
 *   2+n the command as the part got it: CLA INS P1 P2, 00, length (2), data,
 *       no Le
 *   2+n the answer's TLVs, without the status word
 *   2+n the X.509 certificate of the key that signed, DER; n is 0 when the part
 *       has none
 *
 * The command's tag 47 is the first 16 bytes of SHA-256 over the 32 bytes
 * of the nonce, so that all of them count.  Signed is (ref 6), by ECDSA with
 * SHA-256:
 *
 *   1   the values of tags 41 to 45 of the answer, one behind the other; tag 46
 *       is the signature
 *   2   SHA-256 of the command, then the answer's TLVs 41 to 4F with each length
 *       written as 82 and two bytes; tag 52 is the signature
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_SE05X_H
#define ROT_SE05X_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#include "../../transports/t1_i2c.h"

/* ---- What the reference leaves open, one constant each -------------------------- */

/* ref 7: the version of the channel's keys asked for first, and if there is none, any. */
#define SE05X_KEY_VERSION 0x0bu
#define SE05X_KEY_ANY     0x00u
/* PUT KEY is not in the reference: GlobalPlatform Card Specification 2.3.1, 11.8, and its
 * Amendment D, 7.2: three AES keys from the first on, in the place of a version. */
#define SE05X_PUT_KEY       0xd8u
#define SE05X_PUT_KEY_FIRST 0x81u
#define SE05X_KEY_TYPE_AES  0x88u
/* ref 3.3 "Card identify": where in the configuration id the two bytes of the OEF are. */
#define SE05X_OEF_AT 2u
/* ref 3.3 "AEAD one-shot": bytes of the length in tag 46 when it seals. */
#define SE05X_TAG_LENGTH_SIZE 2u
/* ref 4: that the platform's channel is secure messaging in the sense of this right. */
#define SE05X_ALLOW_CHANNEL_ONLY 0x00020000u
/* ref 10: from which applet on there are AEAD, and a target for an agreement. */
#define SE05X_MODERN(major, minor) ((major) > 7 || ((major) == 7 && (minor) >= 2))
#define SE05X_HAS_AEAD(major)      ((major) >= 6)
/* ref 3.5: what is said of an object that is not there; ref 3.3: of a curve that is not set up. */
#define SE05X_SW_ABSENT   0x6985u
#define SE05X_SW_NO_CURVE 0x6985u
/* ref 7; which applets, NXP's library says: the channel's counter stands still for a command without data. */
#define SE05X_SKIPS_DATALESS(major, minor) ((major) < 4 || ((major) == 4 && (minor) < 3))
/* ref 7, and no number: the byte i and the diversification data of INITIALIZE UPDATE are not looked at. */

/* ---- Sizes ------------------------------------------------------------------------ */

#define SE05X_ADDRESS 0x48u
#define SE05X_BUFFER  840u /* one command or answer; the oldest applets take 892 (ref 3) */
#define SE05X_HEAD    7u   /* CLA INS P1 P2 and three bytes of length */
/* What a conversation's beginning needs of the buffer, while a command waits behind it. */
#define SE05X_ASIDE 72u
/* Data of one command: with header, Le and what the channel adds (26 bytes) it fits, too. */
#define SE05X_DATA_MAX (SE05X_BUFFER - SE05X_ASIDE)
/* Bytes of the caller's in one command: less the TLVs in front of them. */
#define SE05X_CHUNK   720u
#define SE05X_UID     18u
#define SE05X_KEYS    48u
#define SE05X_TRAILER 8u
#define SE05X_POINT   97u /* 04, X, Y on P-384 */

/* ---- Words of the applet (ref 3.1, 3.2, 3.4) ---------------------------------------- */

/*
 * Commands: INS, P1, P2 in three bytes, and whether the answer may be longer than
 * 256 bytes, so that the command has the long form.
 */
#define SE05X_LONG      0x01000000u
#define SE05X_TRANSIENT 0x00800000u /* of the commands that write */

enum se05x_op {
    SE05X_OP_WRITE_AES = 0x010300,
    SE05X_OP_WRITE_HMAC = 0x010500,
    SE05X_OP_WRITE_BINARY = 0x010600,
    SE05X_OP_WRITE_COUNTER = 0x010800,
    SE05X_OP_CREATE_CURVE = 0x010b04,
    SE05X_OP_SET_CURVE = 0x010b40,
    SE05X_OP_WRITE_PUBLIC = 0x012100,
    SE05X_OP_WRITE_PAIR = 0x016100,
    SE05X_OP_READ = 0x1020000,
    SE05X_OP_READ_SIZE = 0x020007,
    SE05X_OP_READ_ATTRIBUTES = 0x102003b,
    SE05X_OP_READ_CURVES = 0x020b25,
    SE05X_OP_HKDF = 0x03002d,
    SE05X_OP_HKDF_EXPAND = 0x03002f,
    SE05X_OP_AGREE = 0x03010f,
    SE05X_OP_SIGN = 0x030c09,
    SE05X_OP_VERIFY = 0x030c0a,
    SE05X_OP_MAC = 0x030d45,
    SE05X_OP_PRE_MASTER = 0x030f4a,
    SE05X_OP_SEAL = 0x1031137,
    SE05X_OP_OPEN = 0x1031138,
    SE05X_OP_EXISTS = 0x040027,
    SE05X_OP_DELETE = 0x040028,
    SE05X_OP_RANDOM = 0x1040049,
    SE05X_OP_READ_ATTESTED = 0x1220000,
};

enum se05x_tag {
    SE05X_TAG_POLICY = 0x11,
    SE05X_TAG_1 = 0x41,
    SE05X_TAG_2 = 0x42,
    SE05X_TAG_3 = 0x43,
    SE05X_TAG_4 = 0x44,
    SE05X_TAG_5 = 0x45,
    SE05X_TAG_6 = 0x46,
    SE05X_TAG_7 = 0x47,
    SE05X_TAG_TIME = 0x4f,
    SE05X_TAG_SIGNATURE = 0x52,
};

enum se05x_alg {
    SE05X_SHA256 = 0x04,
    SE05X_HMAC_SHA256 = 0x19,
    SE05X_ECDSA_SHA256 = 0x21,
    SE05X_ECDSA_SHA384 = 0x22,
    SE05X_CMAC = 0x31,
    SE05X_GCM = 0xb0,
    SE05X_CCM = 0xf4,
};

#define SE05X_CURVE_P256 0x03u
#define SE05X_CURVE_P384 0x04u

#define SE05X_YES 1u
#define SE05X_NO  2u

/* Rights of a policy (ref 4). */
#define SE05X_ALLOW_SIGN     0x10000000u
#define SE05X_ALLOW_VERIFY   0x08000000u
#define SE05X_ALLOW_AGREE    0x04000000u
#define SE05X_ALLOW_ENCRYPT  0x02000000u
#define SE05X_ALLOW_DECRYPT  0x01000000u
#define SE05X_ALLOW_KDF      0x00800000u
#define SE05X_ALLOW_READ     0x00200000u
#define SE05X_ALLOW_WRITE    0x00100000u
#define SE05X_ALLOW_GENERATE 0x00080000u
#define SE05X_ALLOW_DELETE   0x00040000u
/* From applet 7.2 on. */
#define SE05X_FORBID_OUTPUT 0x00000800u
#define SE05X_ALLOW_INPUT   0x00000100u

#define SE05X_ORIGIN_INTERNAL 2u

/* Objects of the part's maker, and the last that is its owner's (ref 5). */
#define SE05X_ID_UID          0x7fff0206u
#define SE05X_ID_CUSTOMER_MAX 0x7bffffffu

/* Status words (ref 3.5). */
#define SE05X_SW_OK          0x9000u
#define SE05X_SW_THROUGHPUT  0x66a6u
#define SE05X_SW_SECURITY    0x6982u
#define SE05X_SW_BLOCKED     0x6983u
#define SE05X_SW_DATA        0x6984u
#define SE05X_SW_CONDITIONS  0x6985u
#define SE05X_SW_POLICY      0x6986u
#define SE05X_SW_SM_MISSING  0x6987u
#define SE05X_SW_SM_WRONG    0x6988u
#define SE05X_SW_WRONG_DATA  0x6a80u
#define SE05X_SW_NOT_FOUND   0x6a82u
#define SE05X_SW_MEMORY      0x6a84u
#define SE05X_SW_P1P2        0x6a86u
#define SE05X_SW_NO_KEY      0x6a88u
#define SE05X_SW_INSTRUCTION 0x6d00u
#define SE05X_SW_CLASS       0x6e00u

/* ---- Structures ------------------------------------------------------------------------ */

/* A command being built: its data stand at SE05X_HEAD of the buffer. */
struct se05x_command {
    uint8_t header[4];
    uint8_t is_long; /* the answer may be longer than 256 bytes: three-byte length and Le */
    uint8_t is_bad;  /* something did not fit */
    size_t len;      /* bytes of data */
};

/* TLVs of an answer.  is_bad stays set from the first that is not as it should be on. */
struct se05x_reader {
    const uint8_t *p;
    size_t len;
    uint8_t is_bad;
};

/* SCP03 (ref 7). */
struct se05x_channel {
    uint8_t enc[16], mac[16], rmac[16];
    uint8_t chain[16]; /* the MAC chaining value */
    uint32_t counter;
    uint8_t skips_dataless; /* a command without data does not count */
    uint8_t is_on;
    uint8_t version; /* of the static keys, as the part reports it */
    uint8_t keys;    /* which of the sets known to the host they are */
};

/* What a part says about one of its objects (ref 4). */
struct se05x_attributes {
    uint8_t type;
    uint8_t origin;
    uint8_t rule_count;
    uint32_t auth;   /* whom the first rule is for; 0: everybody */
    uint32_t rights; /* of the first rule */
};

/* One slot of a stored object. */
struct se05x_slot {
    uint32_t id;
    uint32_t sequence;
    uint16_t size;    /* bytes of content */
    uint8_t is_there; /* the object exists */
    uint8_t is_whole; /* and its trailer is in place */
};

/* What is used most stands first: short offsets make short code. */
struct se05x_state {
    uint8_t is_ready;   /* the applet is selected, and the channel is open if there is one */
    uint8_t is_modern;  /* by the applet's version */
    uint8_t version[3]; /* of the applet */
    uint8_t model;      /* last digit of the model's name */
    uint8_t curves;     /* bits 1 << curve: known to be set */
    uint8_t has_uid;    /* read in the clear: the next time it can be read so too */
    uint8_t has_own, has_fresh;
    rot_err error;  /* that stopped the command being built */
    uint32_t about; /* the object that must be there for it; 0: none */
    struct se05x_command command;

    /* An object being written piece by piece. */
    const struct rot_place *pending;
    struct se05x_slot pending_slot, pending_old;
    size_t pending_filled, pending_total;

    struct se05x_channel scp;
    uint8_t uid[SE05X_UID];
    uint8_t own[SE05X_KEYS];    /* what rot_channel_rotate() put in place */
    uint8_t fresh[SE05X_KEYS];  /* what it is putting in place: there already, or not yet */
    uint8_t apdu[SE05X_BUFFER]; /* the command, then its answer */
    struct t1_i2c t1;
};

static inline struct se05x_state *
se05x_of(const struct rot_chip *chip)
{
    return chip->setup.state;
}

/* Room for a point at the end of the buffer, where short commands do not reach. */
static inline uint8_t *
se05x_kept(struct rot_chip *chip)
{
    return se05x_of(chip)->apdu + SE05X_BUFFER - SE05X_POINT;
}

static inline int
se05x_is_modern(const struct rot_chip *chip)
{
    return se05x_of(chip)->is_modern;
}

/* ---- apdu.c: pure functions --------------------------------------------------------- */

/* Add a TLV to the data of a command. */
void se05x_add(struct se05x_command *c, uint8_t *buf, uint8_t tag, const void *p, size_t len);
/* The same, without the value: its place in buf, or NULL. */
uint8_t *se05x_reserve(struct se05x_command *c, uint8_t *buf, uint8_t tag, size_t len);
/* Header and length in front of len bytes of data; gives where they start. */
size_t se05x_put_head(const struct se05x_command *c, uint8_t *buf, size_t len);
/* Le behind len bytes of data, where there is one; gives where the command ends. */
size_t se05x_put_tail(const struct se05x_command *c, uint8_t *buf, size_t len);

/* The value of the next TLV, which must have this tag. */
struct rot_bytes se05x_take(struct se05x_reader *r, uint8_t tag);
/* A number of exactly len bytes, at most 4. */
uint32_t se05x_take_number(struct se05x_reader *r, uint8_t tag, size_t len);
/* ROT_OK when all was read and nothing was wrong. */
rot_err se05x_take_end(const struct se05x_reader *r);

rot_err se05x_map_status(uint32_t sw);
/* ROT_E_FORMAT when the block is none, or another object's. */
rot_err se05x_take_attributes(struct rot_bytes block, uint32_t id, struct se05x_attributes *a);
/* Bytes of a DER SEQUENCE by its first four; 0 when it is none. */
size_t se05x_der_size(const uint8_t head[4]);

void se05x_store_u16(uint8_t *p, unsigned v);
void se05x_store_u32(uint8_t *p, uint32_t v);
uint32_t se05x_load_u32(const uint8_t *p);

/* ---- scp03.c -------------------------------------------------------------------------- */

/* What the two sides show each other. */
struct se05x_cryptograms {
    uint8_t card[8], host[8];
};

/* Session keys from static ones and both challenges, host's first. */
rot_err se05x_derive_session(const struct rot_port *port, const uint8_t keys[SE05X_KEYS],
                             const uint8_t challenges[16], struct se05x_channel *ch,
                             struct se05x_cryptograms *ret_cryptograms);
/* EXTERNAL AUTHENTICATE in buf; the channel is on once the part agrees. */
rot_err se05x_put_authenticate(const struct rot_port *port, struct se05x_channel *ch,
                               const uint8_t host[8], uint8_t *buf, size_t *ret_start,
                               size_t *ret_end);
/* Encrypt and authenticate the command in buf. */
rot_err se05x_wrap(const struct rot_port *port, struct se05x_channel *ch,
                   const struct se05x_command *c, uint8_t *buf, size_t *ret_start, size_t *ret_end);
/* The data of a command that was wrapped, sent and not run, in plain again. */
rot_err se05x_unwrap_command(const struct rot_port *port, struct se05x_channel *ch,
                             const struct se05x_command *c, uint8_t *buf);
/* The answer of len bytes with its status word: check, decrypt in place, give the body's length.
 * ROT_E_BUS when it is not the part's. */
rot_err se05x_unwrap(const struct rot_port *port, struct se05x_channel *ch, uint8_t *buf,
                     size_t len, size_t *ret_len);
/* The data of PUT KEY: version, then three keys encrypted by the DEK in place; gives the length. */
#define SE05X_PUT_KEY_ONE  23u
#define SE05X_PUT_KEY_SIZE (1u + 3u * SE05X_PUT_KEY_ONE)
rot_err se05x_put_keys(const struct rot_port *port, const uint8_t dek[16], uint8_t version,
                       const uint8_t keys[SE05X_KEYS], uint8_t out[SE05X_PUT_KEY_SIZE]);

/* ---- wire.c ---------------------------------------------------------------------------- */

/* Begin a command; connects when there is no conversation. */
void se05x_begin(struct rot_chip *chip, uint32_t op);
/* The same about an object, which tag 41 names; and about one that is made with these rights. */
void se05x_begin_on(struct rot_chip *chip, uint32_t op, uint32_t id);
void se05x_begin_new(struct rot_chip *chip, uint32_t op, uint32_t id, uint32_t rights);
void se05x_put(struct rot_chip *chip, enum se05x_tag tag, const void *p, size_t len);
/* A number of len bytes. */
void se05x_put_number(struct rot_chip *chip, enum se05x_tag tag, uint32_t v, size_t len);
/*
 * Send it; the reader gets the answer.  A part that has forgotten the conversation has not run it:
 * then a new one is begun, and it is sent once more.  ROT_E_EMPTY when what it is about is not there.
 */
rot_err se05x_run(struct rot_chip *chip, struct se05x_reader *ret_answer);
/* For commands whose answer is a status only. */
rot_err se05x_run_plain(struct rot_chip *chip);
/* One value with tag 41: of exactly len bytes, or for 0 of any number but none. */
rot_err se05x_run_value(struct rot_chip *chip, size_t len, struct rot_bytes *ret_value);
/* The same copied, and the answer wiped. */
rot_err se05x_run_secret(struct rot_chip *chip, uint8_t *out, size_t len);
/* Yes or no. */
rot_err se05x_run_question(struct rot_chip *chip, int *ret_yes);

/* Bytes of s->apdu from start to end as they are; the length of the answer, with its status word. */
rot_err se05x_exchange(struct rot_chip *chip, size_t start, size_t end, size_t *ret_len);
/* The code of the status word at the end of such an answer; kept as the chip's raw status. */
rot_err se05x_status(struct rot_chip *chip, size_t len);
/* Forget the conversation: the next command begins a new one. */
void se05x_drop(struct rot_chip *chip);

/* ---- channel.c ---------------------------------------------------------------------------- */

/* From nothing to a selected applet, by its channel if layout and port have it. */
rot_err se05x_connect(struct rot_chip *chip);
rot_err se05x_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);

/* ---- published.c -------------------------------------------------------------------------- */

/* ENC, MAC and DEK of parts as they are delivered; everybody knows them. */
extern const uint8_t se05x_published[][SE05X_KEYS];
extern const unsigned se05x_published_count;

/* ---- object.c ------------------------------------------------------------------------------- */

rot_err se05x_exists(struct rot_chip *chip, uint32_t id, int *ret_there);
/* ROT_E_EMPTY when it is not there, ROT_E_STATE when the part keeps it. */
rot_err se05x_delete(struct rot_chip *chip, uint32_t id);
rot_err se05x_attributes(struct rot_chip *chip, uint32_t id, struct se05x_attributes *a);

/* The rights that a place is created with; is_locked: so that it cannot change any more. */
uint32_t se05x_rights(const struct rot_chip *chip, const struct rot_place *place, int is_locked);
/* Whether an object has exactly these rights, for everybody. */
int se05x_has_rights(const struct se05x_attributes *a, uint32_t rights);
/*
 * What is to be written to: ROT_E_UNSUPPORTED for an id that is not the customer's (ref 5),
 * ROT_E_AUTH for a place that wants the secure channel when there is none.
 */
rot_err se05x_check_place(const struct rot_chip *chip, const struct rot_place *place);

/* ---- keys.c ---------------------------------------------------------------------------------- */

/*
 * 04, X, Y of an EC object, 1 + rot_alg_point_size() bytes: in the buffer until the next command,
 * or kept.
 */
rot_err se05x_read_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg,
                         const uint8_t **ret_point);
rot_err se05x_keep_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg);
/* The same of a SubjectPublicKeyInfo. */
rot_err se05x_keep_spki(struct rot_chip *chip, const uint8_t *spki, size_t len,
                        enum rot_alg *ret_alg);
/* What is kept as a public key object of its own, in the place of what was there; read back. */
rot_err se05x_write_point(struct rot_chip *chip, uint32_t id, enum rot_alg alg, uint32_t rights);

rot_err se05x_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                           uint8_t *pub, size_t cap, size_t *ret_len);
rot_err se05x_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                         size_t cap, size_t *ret_len);
rot_err se05x_key_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err se05x_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                          const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                          size_t *ret_len);
rot_err se05x_verify_digest(struct rot_chip *chip, const struct rot_place *place,
                            const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                            size_t digest_len, const uint8_t *sig, size_t sig_len);
rot_err se05x_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                    size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                    size_t *ret_len);

/* ---- curve.c ----------------------------------------------------------------------------------- */

/* Be sure that the part has the curve; 0 when the driver does not know it. */
uint8_t se05x_curve_of(enum rot_alg alg);
rot_err se05x_need_curve(struct rot_chip *chip, uint8_t curve);
/* Tell it again: its parameters may have been cut off half-way. */
rot_err se05x_finish_curve(struct rot_chip *chip, uint8_t curve);

/* ---- secret.c ---------------------------------------------------------------------------------- */

/* An object for a secret to come, filled with zeroes; gone again when it did not come. */
rot_err se05x_make_target(struct rot_chip *chip, const struct rot_place *into, size_t len);
rot_err se05x_keep_target(struct rot_chip *chip, const struct rot_place *into, rot_err rc);
rot_err se05x_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                         const uint8_t *wrapped, size_t wrapped_len);
rot_err se05x_derive(struct rot_chip *chip, const struct rot_place *from,
                     const struct rot_kdf_params *params, const struct rot_place *into,
                     uint8_t *out, size_t cap, size_t *ret_len);
rot_err se05x_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                  size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
rot_err se05x_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg,
                   int seal, struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in,
                   uint8_t *out, size_t cap, size_t *ret_len);

/* ---- store.c ------------------------------------------------------------------------------------ */

/* Bytes of a binary object from offset on, exactly len of them; they are in s->apdu. */
rot_err se05x_read_piece(struct rot_chip *chip, uint32_t id, size_t offset, size_t len,
                         struct rot_bytes *ret_bytes);
/* The slot of a place that holds its content, and the other one. */
rot_err se05x_find_slots(struct rot_chip *chip, const struct rot_place *place,
                         struct se05x_slot *ret_current, struct se05x_slot *ret_other);
rot_err se05x_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err se05x_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                          uint8_t *buf, size_t cap, size_t *ret_len);
rot_err se05x_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                           const uint8_t *buf, size_t len, size_t total, size_t *ret_need);
rot_err se05x_counter_read(struct rot_chip *chip, const struct rot_place *place,
                           uint64_t *ret_value);
rot_err se05x_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                                uint64_t *ret_value);

/* ---- seal.c --------------------------------------------------------------------------------------- */

rot_err se05x_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place);
rot_err se05x_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                         enum rot_seal_state *ret_state);
rot_err se05x_wipe(struct rot_chip *chip);

/* ---- attest.c --------------------------------------------------------------------------------------- */

rot_err se05x_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
                     struct rot_evidence *evidence);

/* ---- layout.c ---------------------------------------------------------------------------------------- */

extern const struct rot_layout *const se05x_layouts[];
/* Where public keys that somebody shows are put to verify with: a transient object. */
#define SE05X_ID_VERIFIER 0x52530f01u

#endif /* ROT_SE05X_H */
