/*
 * optiga.h: what the files of the OPTIGA Trust M driver share.
 *
 * apdu.c builds commands and reads answers, meta.c the metadata of objects,
 * both as pure functions; wire.c moves commands and keeps the channel; store.c
 * keeps bytes and counters, keys.c key pairs, secret.c session secrets, seal.c
 * access conditions, attest.c evidence, layout.c says what lives where,
 * driver.c is the table.  Under them are transports/ifx_i2c and ifx_shield.
 *
 * "SRM" is Infineon's OPTIGA Trust M Solution Reference Manual 3.70,
 * "configuration guide" its guide 2.2, "dumps" the contents of real parts that
 * Infineon publishes (docs/chips/optiga.md, sources).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_OPTIGA_H
#define ROT_OPTIGA_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#include "../../transports/ifx_shield.h"

/* ---- What no document says for sure: one place for each ------------------------- */

/* Dumps, UID (27 bytes): where firmware id and build stand, and what tells the models apart. */
#define OPTIGA_AT_FIRMWARE    21u
#define OPTIGA_AT_BUILD       25u
#define OPTIGA_BUILD_V3       0x1000u     /* V1 is 0x0809, all later ones 0x2440 */
#define OPTIGA_FIRMWARE_CLOUD 0x80101070u /* Express and MTR; V3 is 0x80101071 */
#define OPTIGA_MODEL_V1       "optiga-trust-m1"
#define OPTIGA_MODEL_V3       "optiga-trust-m3"
#define OPTIGA_MODEL_EXPRESS  "optiga-trust-m-express"
#define OPTIGA_MODEL_MTR      "optiga-trust-m-mtr"
/* Dumps have no value of an untouched counter: one without threshold gets this one. */
#define OPTIGA_COUNTER_MAX 0xffu /* in each of its bytes */
/* SRM, GenSymKey: which usage CMAC wants is not said; the vendor's tests use this one for all modes. */
#define OPTIGA_USE_SECRET 0x02u /* Enc */

/* ---- Sizes ------------------------------------------------------------------------ */

#define OPTIGA_UID       27u
#define OPTIGA_META_MAX  44u  /* metadata of an object (SRM) */
#define OPTIGA_CHUNK     520u /* bytes of one access: what two frames carry in both directions */
#define OPTIGA_MAC_CHUNK 512u
#define OPTIGA_APDU_HEAD 4u
/* Head of a record, the longest command (a piece for an object), MAC. */
#define OPTIGA_BUFFER         (IFX_SHIELD_HEAD + OPTIGA_APDU_HEAD + 6u + OPTIGA_CHUNK + IFX_SHIELD_MAC)
#define OPTIGA_SECRET_MIN     32u
#define OPTIGA_PUBLISHED      64u /* the secret that parts come with */
#define OPTIGA_PRF_INPUT_MIN  8u  /* label and seed (SRM, DeriveKey) */
#define OPTIGA_HKDF_INFO_MAX  256u
#define OPTIGA_V1_SESSION_MAX 48u /* bytes that DeriveKey puts into a session of V1 */
#define OPTIGA_AT_THRESHOLD   4u  /* in a counter: rot_place.offset of what it counts to */
#define OPTIGA_TRAILER        4u  /* behind stored bytes that do not tell their own length */

/* ---- Numbers of the SRM ------------------------------------------------------------- */

enum optiga_cmd {
    OPTIGA_GET_ERROR = 0x01, /* GetDataObject that does not clear the last error */
    OPTIGA_GET = 0x81,
    OPTIGA_SET = 0x82,
    OPTIGA_SET_PROTECTED = 0x83,
    OPTIGA_RANDOM = 0x8c,
    OPTIGA_ENCRYPT_SYM = 0x94,
    OPTIGA_SIGN = 0xb1,
    OPTIGA_VERIFY = 0xb2,
    OPTIGA_AGREE = 0xb3,
    OPTIGA_DERIVE = 0xb4,
    OPTIGA_MAKE_PAIR = 0xb8,
    OPTIGA_MAKE_SECRET = 0xb9,
    OPTIGA_OPEN = 0xf0,
    OPTIGA_CLOSE = 0xf1,
};

/* Param of GetDataObject and SetDataObject. */
#define OPTIGA_DATA  0x00u
#define OPTIGA_META  0x01u
#define OPTIGA_COUNT 0x02u
#define OPTIGA_ERASE 0x40u /* the used length becomes what is written */

#define OPTIGA_ECDSA       0x11u
#define OPTIGA_ECDH        0x01u
#define OPTIGA_PRF_SHA256  0x01u
#define OPTIGA_HKDF_SHA256 0x08u
#define OPTIGA_CMAC        0x0bu
#define OPTIGA_HMAC_SHA256 0x20u
#define OPTIGA_AES128      0x81u

#define OPTIGA_USE_SIGN  0x10u
#define OPTIGA_USE_AGREE 0x20u

enum optiga_oid {
    OPTIGA_OID_LIFE = 0xe0c0,
    OPTIGA_OID_UID = 0xe0c2,
    OPTIGA_OID_VENDOR_CERT = 0xe0e0,
    OPTIGA_OID_ANCHOR = 0xe0e9, /* of signed update sets */
    OPTIGA_OID_VENDOR_KEY = 0xe0f0,
    OPTIGA_OID_SESSION = 0xe100, /* the first of OPTIGA_SESSIONS */
    OPTIGA_OID_COUNTER = 0xe120, /* the first of OPTIGA_COUNTERS */
    OPTIGA_OID_BINDING = 0xe140,
    OPTIGA_OID_ERROR = 0xf1c2,
};

#define OPTIGA_SESSIONS 4u
#define OPTIGA_COUNTERS 4u

/* Life cycle of an object or of the part; it never goes back. */
#define OPTIGA_LIFE_OPERATIONAL 0x07u
#define OPTIGA_LIFE_TERMINATED  0x0fu

/* Last errors that the driver acts on. */
#define OPTIGA_E_ACCESS 0x07u
#define OPTIGA_E_CLOSED 0x0cu

/* ---- apdu.c: pure functions -------------------------------------------------------------- */

/* A command under construction.  is_bad stays set from the first byte that did not fit. */
struct optiga_apdu {
    uint8_t *p;
    size_t cap, len;
    uint8_t is_bad;
};

void optiga_apdu_begin(struct optiga_apdu *a, uint8_t *p, size_t cap, enum optiga_cmd cmd,
                       unsigned param);
void optiga_put(struct optiga_apdu *a, const void *p, size_t len);
void optiga_put_u16(struct optiga_apdu *a, unsigned v);
void optiga_put_tlv(struct optiga_apdu *a, unsigned tag, const void *p, size_t len);
void optiga_put_tlv_u8(struct optiga_apdu *a, unsigned tag, unsigned v);
void optiga_put_tlv_u16(struct optiga_apdu *a, unsigned tag, unsigned v);
/* Fill in the length; ROT_E_ARG when something did not fit. */
ROT_MUST_USE rot_err optiga_apdu_end(struct optiga_apdu *a);

/* OutData of an answer.  ROT_E_CHIP: the part has an error to tell; ROT_E_FORMAT: no answer. */
ROT_MUST_USE rot_err optiga_apdu_read(struct rot_bytes answer, struct rot_bytes *ret_out);

/* Take a TLV (length in two bytes) with this tag off the front. */
ROT_MUST_USE rot_err optiga_take_tlv(struct rot_bytes *in, unsigned tag,
                                     struct rot_bytes *ret_value);

/* Take a DER INTEGER off the front, into half bytes; a part may pad it as it likes. */
ROT_MUST_USE rot_err optiga_take_number(struct rot_bytes *in, uint8_t *out, size_t half);

/* The code of rot.h for a last error (SRM, error codes). */
ROT_MUST_USE rot_err optiga_map_error(unsigned code);

/* ---- meta.c: pure functions ----------------------------------------------------------------- */

/* Metadata of an object, as far as the driver reads it; borrows.  An absent access is never. */
struct optiga_meta {
    uint8_t life;       /* OPTIGA_LIFE_...; absent means operational */
    uint8_t alg;        /* of the key; 0: none was made */
    uint16_t max, used; /* bytes */
    struct rot_bytes change, read, execute;
};

ROT_MUST_USE rot_err optiga_meta_read(struct rot_bytes in, struct optiga_meta *ret_meta);

/* Whether an access condition reads so. */
int optiga_is_condition(struct rot_bytes have, struct rot_bytes want);

/* Whether it can be met now: ROT_E_AUTH wants the channel, ROT_E_STATE cannot be met any more. */
ROT_MUST_USE rot_err optiga_meta_allows(const struct optiga_meta *meta, struct rot_bytes condition,
                                        int has_channel);

/* ---- The state of a chip ------------------------------------------------------------------------ */

/* An object being written piece by piece. */
struct optiga_pending {
    const struct rot_place *place;
    uint16_t oid, total, filled;
    uint8_t first;   /* its first byte, which goes in when the others are right */
    uint8_t is_bare; /* it tells its own length */
};

struct optiga_state {
    struct ifx_i2c link;
    struct ifx_shield shield;
    struct optiga_apdu apdu;
    struct optiga_pending pending;
    rot_err ready;   /* of the command in apdu: why it cannot be sent */
    uint8_t is_open; /* the application in the part is */
    uint8_t is_shielded;
    uint8_t is_unpaired; /* the host has a secret that it did not know */
    uint8_t is_old;      /* V1 */
    uint8_t sessions;    /* bits: which of them hold a secret */
    uint32_t unlike;     /* bits: rules whose object was seen open, with other conditions */
    uint8_t uid[OPTIGA_UID];
    uint8_t secret[ROT_SECRET_MAX]; /* of the channel, for as long as the chip is open */
    uint8_t secret_len;             /* 0: we speak in the clear */
    uint8_t buf[OPTIGA_BUFFER];     /* command, then answer */
};

static inline struct optiga_state *
optiga_of(const struct rot_chip *chip)
{
    return chip->setup.state;
}

/* ---- wire.c ------------------------------------------------------------------------------------- */

/* Find the part, open its application, and the channel if the host has a secret for it. */
ROT_MUST_USE rot_err optiga_probe(struct rot_chip *chip);
ROT_MUST_USE rot_err optiga_reset(struct rot_chip *chip);
void optiga_close(struct rot_chip *chip);
ROT_MUST_USE rot_err optiga_channel_rotate(struct rot_chip *chip, const uint8_t *secret,
                                           size_t secret_len);

/* A command to fill in and to send; what it answers lies in the state until the next one. */
struct optiga_apdu *optiga_begin(struct rot_chip *chip, enum optiga_cmd cmd, unsigned param);
ROT_MUST_USE rot_err optiga_run(struct rot_chip *chip, struct rot_bytes *ret_out);
/* For commands without OutData. */
ROT_MUST_USE rot_err optiga_run_plain(struct rot_chip *chip);

/* ---- store.c -------------------------------------------------------------------------------------- */

/* Where in an object the bytes are that a caller means. */
struct optiga_content {
    uint16_t oid, start, len;
    uint8_t first; /* its first byte, wherever that stands */
};

ROT_MUST_USE rot_err optiga_get_meta(struct rot_chip *chip, unsigned oid,
                                     struct optiga_meta *ret_meta);
/* At most OPTIGA_CHUNK bytes, which stay where they are until the next command. */
ROT_MUST_USE rot_err optiga_get_piece(struct rot_chip *chip, unsigned oid, size_t offset,
                                      size_t len, struct rot_bytes *ret_piece);
ROT_MUST_USE rot_err optiga_get(struct rot_chip *chip, unsigned oid, size_t offset, uint8_t *buf,
                                size_t len);
ROT_MUST_USE rot_err optiga_set(struct rot_chip *chip, unsigned param, unsigned oid, size_t offset,
                                const uint8_t *p, size_t len);

/* The bytes of a place; ROT_E_EMPTY when there are none, or they are not whole. */
ROT_MUST_USE rot_err optiga_find(struct rot_chip *chip, const struct rot_place *place,
                                 struct optiga_content *ret_content);
/* May an object be changed now?  ROT_E_STATE or ROT_E_AUTH. */
ROT_MUST_USE rot_err optiga_check_change(struct rot_chip *chip, unsigned oid);
/* Make it empty; put bytes that tell their own length into one that is. */
ROT_MUST_USE rot_err optiga_clear(struct rot_chip *chip, unsigned oid);
ROT_MUST_USE rot_err optiga_keep(struct rot_chip *chip, unsigned oid, const uint8_t *p, size_t len);

ROT_MUST_USE rot_err optiga_object_size(struct rot_chip *chip, const struct rot_place *place,
                                        size_t *ret_size);
ROT_MUST_USE rot_err optiga_object_read(struct rot_chip *chip, const struct rot_place *place,
                                        size_t offset, uint8_t *buf, size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err optiga_object_write(struct rot_chip *chip, const struct rot_place *place,
                                         size_t offset, const uint8_t *buf, size_t len,
                                         size_t total, size_t *ret_need);
/* See that a counter has a threshold. */
ROT_MUST_USE rot_err optiga_counter_set_up(struct rot_chip *chip, unsigned oid);
ROT_MUST_USE rot_err optiga_counter_read(struct rot_chip *chip, const struct rot_place *place,
                                         uint64_t *ret_value);
ROT_MUST_USE rot_err optiga_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                                              uint64_t *ret_value);

/* ---- keys.c ----------------------------------------------------------------------------------------- */

/* Algorithm of the part for a curve; 0: it has none. */
unsigned optiga_curve(enum rot_alg alg);
/* What a SubjectPublicKeyInfo ends with, as the part takes keys; ROT_E_FORMAT when it is none. */
ROT_MUST_USE rot_err optiga_bit_string(struct rot_bytes spki, enum rot_alg *ret_alg,
                                       struct rot_bytes *ret_bit_string);
/*
 * Why a command that uses an object failed with rc.  For want of a key a part
 * has many errors, and its metadata says it in one way: ROT_E_EMPTY then.
 * ROT_E_AUTH when the channel would have done, or else rc.
 */
ROT_MUST_USE rot_err optiga_blame(struct rot_chip *chip, unsigned oid, int is_key, rot_err rc);
/* Sign with any key; the signature is DER. */
ROT_MUST_USE rot_err optiga_sign_with(struct rot_chip *chip, unsigned oid, enum rot_alg alg,
                                      const uint8_t *digest, uint8_t *sig, size_t cap,
                                      size_t *ret_len);

ROT_MUST_USE rot_err optiga_key_generate(struct rot_chip *chip, const struct rot_place *place,
                                         enum rot_alg alg, uint8_t *pub, size_t cap,
                                         size_t *ret_len);
ROT_MUST_USE rot_err optiga_key_public(struct rot_chip *chip, const struct rot_place *place,
                                       uint8_t *pub, size_t cap, size_t *ret_len);
/* Can the key of this place be brought by a signed set? */
int optiga_takes_sets(const struct rot_chip *chip, const struct rot_place *place);
ROT_MUST_USE rot_err optiga_key_import(struct rot_chip *chip, const struct rot_place *place,
                                       enum rot_alg alg, const uint8_t *wrapped,
                                       size_t wrapped_len);
ROT_MUST_USE rot_err optiga_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                                        const uint8_t *digest, size_t digest_len, uint8_t *sig,
                                        size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err optiga_verify_digest(struct rot_chip *chip, const struct rot_place *place,
                                          const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                                          size_t digest_len, const uint8_t *sig, size_t sig_len);

/* ---- secret.c ------------------------------------------------------------------------------------------ */

ROT_MUST_USE rot_err optiga_secret_generate(struct rot_chip *chip, const struct rot_place *place);
ROT_MUST_USE rot_err optiga_agree(struct rot_chip *chip, const struct rot_place *place,
                                  const uint8_t *peer, size_t peer_len,
                                  const struct rot_place *into, uint8_t *secret, size_t cap,
                                  size_t *ret_len);
ROT_MUST_USE rot_err optiga_derive(struct rot_chip *chip, const struct rot_place *from,
                                   const struct rot_kdf_params *params,
                                   const struct rot_place *into, uint8_t *out, size_t cap,
                                   size_t *ret_len);
ROT_MUST_USE rot_err optiga_mac(struct rot_chip *chip, const struct rot_place *place,
                                const uint8_t *msg, size_t msg_len, uint8_t *mac, size_t cap,
                                size_t *ret_len);

/* ---- seal.c ---------------------------------------------------------------------------------------------- */

/* Who may change, read and use an object once it is operational. */
enum optiga_access {
    OPTIGA_FIXED = 1,         /* nobody changes it */
    OPTIGA_CHANNEL = 2,       /* whoever has the channel changes it */
    OPTIGA_PRIVATE = 3,       /* whoever has the channel changes and reads it */
    OPTIGA_BINDING = 4,       /* the channel's secret: changed through the channel, never read */
    OPTIGA_FIXED_USED = 5,    /* nobody changes it; whoever has the channel uses, or counts, it */
    OPTIGA_USED = 6,          /* whoever has the channel changes and uses it */
    OPTIGA_FIXED_COUNTED = 7, /* as FIXED_USED, as often as the first counter lets it be used */
    OPTIGA_RENEWED = 8,       /* as USED; and sets that OPTIGA_OID_ANCHOR signed are a change */
};

/* rot_layout.config: what the seals make of each object. */
struct optiga_rule {
    uint16_t oid;
    uint8_t access; /* enum optiga_access */
    uint8_t stage;  /* enum rot_stage */
};

ROT_MUST_USE rot_err optiga_seal_prepare(struct rot_chip *chip, enum rot_stage stage,
                                         const struct rot_place *place);
ROT_MUST_USE rot_err optiga_seal(struct rot_chip *chip, enum rot_stage stage,
                                 const struct rot_place *place);
ROT_MUST_USE rot_err optiga_seal_state(struct rot_chip *chip, enum rot_stage stage,
                                       const struct rot_place *place,
                                       enum rot_seal_state *ret_state);
/* Whether it is done, and as the layout has it. */
ROT_MUST_USE rot_err optiga_is_sealed(struct rot_chip *chip, enum rot_stage stage, int *ret_done);

/* ---- attest.c -------------------------------------------------------------------------------------------- */

ROT_MUST_USE rot_err optiga_attest(struct rot_chip *chip, const struct rot_place *place,
                                   const uint8_t nonce[32], struct rot_evidence *evidence);

/* ---- layout.c ---------------------------------------------------------------------------------------------- */

extern const struct rot_layout *const optiga_layouts[];

#endif /* ROT_OPTIGA_H */
