/*
 * chip.h: the inside of a simulated STSAFE-A100, A110 or A120.
 *
 * Bus layer (bus.c): power, sleep, busy, whole commands and answers.  Frames
 * (frame.c): CRC, header, length.  Host channel (channel.c): C-MAC, R-MAC,
 * encryption.  Dispatch (dispatch.c): which command a part has, who may send
 * it, how long it takes.  Commands (cmd_*.c): one file per group, each a
 * function from a payload to a status and an answer.  Memory (memory.c): the
 * one door to NVM writes, where a power cut can tear them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_STSAFE_CHIP_H
#define SIMS_STSAFE_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/bytes.h"
#include "sims/common/cipher.h"
#include "sims/common/curve.h"
#include "sims/common/runner.h"

#define STSAFE_FRAME_MAX       752 /* of the largest part, without CRC and lengths */
#define STSAFE_ANSWER_MAX      (STSAFE_FRAME_MAX + 4)
#define STSAFE_NUMBER_SIZE     9 /* the "ST number" */
#define STSAFE_ZONES_MAX       8
#define STSAFE_MEMORY_SIZE     8192
#define STSAFE_PRIVATE_MAX     5
#define STSAFE_PUBLIC_MAX      4
#define STSAFE_SYMMETRIC_MAX   16
#define STSAFE_ENVELOPE_MAX    2
#define STSAFE_RECORDS_MAX     16
#define STSAFE_MAC_SIZE        4
#define STSAFE_EPHEMERAL       0xFFu
#define STSAFE_ANONYMOUS       0xFFu /* no slot of a public key */
#define STSAFE_UNLIMITED       0xFFFFu
#define STSAFE_DEFAULT_ADDRESS 0x20

/* Status codes: low five bits of an answer's header. */
enum {
    STSAFE_OK = 0x00,
    STSAFE_COMMUNICATION = 0x01,
    STSAFE_INCONSISTENT = 0x02,
    STSAFE_PARAMETER = 0x03,
    STSAFE_UNSUPPORTED = 0x04,
    STSAFE_UNEXPECTED = 0x05,
    STSAFE_OVERFLOW = 0x06,
    STSAFE_INVALID_SESSION = 0x07,
    STSAFE_MAC_COUNTER_SPENT = 0x09,
    STSAFE_KEY_NOT_FOUND = 0x0A,
    STSAFE_LIFE_CYCLE = 0x0F,
    STSAFE_NOT_FOUND = 0x10,
    STSAFE_ACCESS = 0x11,
    STSAFE_ZONE_TYPE = 0x12,
    STSAFE_COUNTER_LIMIT = 0x13,
    STSAFE_BOUNDARY = 0x14,
    STSAFE_INVALID_MAC = 0x16,
    STSAFE_NO_CHALLENGE = 0x17,
    STSAFE_INVALID_PUBLIC = 0x19,
    STSAFE_USAGE_LIMIT = 0x1B,
    STSAFE_MAC_LENGTH = 0x1D,
    STSAFE_LOST = -1, /* not a status: power went during a memory write */
};

/* Access conditions of zones, and of commands in the authorisation table. */
enum {
    STSAFE_ZONE_ALWAYS = 0,
    STSAFE_ZONE_HOST = 1,
    STSAFE_ZONE_AUTHENTICATED = 6,
    STSAFE_ZONE_NEVER = 7,
};

enum {
    STSAFE_COMMAND_NEVER = 0,
    STSAFE_COMMAND_FREE = 1,
    STSAFE_COMMAND_ADMIN = 2,
    STSAFE_COMMAND_HOST = 3,
};

/* Life cycle; 0x80 beside it: locked. */
enum {
    STSAFE_BORN = 1,
    STSAFE_PATCHING = 2,
    STSAFE_OPERATIONAL = 3,
    STSAFE_TERMINATED = 4,
};

/* Provisioning control of host keys. */
#define STSAFE_CONTROL_WRAPPED     0x01u
#define STSAFE_CONTROL_PLAIN       0x02u
#define STSAFE_CONTROL_REPROVISION 0x04u
#define STSAFE_CONTROL_CHANGE      0x08u
/* And of symmetric keys. */
#define STSAFE_SYMMETRIC_ECDHE   0x01u
#define STSAFE_SYMMETRIC_WRAPPED 0x02u
#define STSAFE_SYMMETRIC_PUT     0x04u
#define STSAFE_SYMMETRIC_CHANGE  0x08u
#define STSAFE_SYMMETRIC_PLAIN   0x10u
#define STSAFE_SYMMETRIC_DERIVED 0x20u

/* Symmetric keys: what they are for, whether they may be replaced, what they may do. */
enum {
    STSAFE_MODE_CCM = 0,
    STSAFE_MODE_CMAC = 1,
    STSAFE_MODE_ECB = 2,
    STSAFE_MODE_GCM = 3,
    STSAFE_MODE_HKDF = 4,
    STSAFE_MODE_HMAC = 5,
};

enum {
    STSAFE_TYPE_AES128 = 0,
    STSAFE_TYPE_AES256 = 1,
    STSAFE_TYPE_GENERIC = 2, /* 16 to 32 bytes, for HKDF and HMAC */
};

enum {
    STSAFE_UNLOCKED = 0,
    STSAFE_LOCKED = 1,
    STSAFE_ERASABLE = 2, /* replaced only after it was erased */
};

#define STSAFE_USE_VERIFY         0x01u
#define STSAFE_USE_MAC            0x02u
#define STSAFE_USE_DECRYPT        0x04u
#define STSAFE_USE_ENCRYPT        0x08u
#define STSAFE_USE_DERIVE         0x40u
#define STSAFE_USE_DECRYPT_CHUNKS 0x10u
#define STSAFE_USE_ENCRYPT_CHUNKS 0x20u

/* What a public key may sign for, and whether that may be changed. */
#define STSAFE_PUBLIC_CHANGE    0x01u
#define STSAFE_PUBLIC_SYMMETRIC 0x02u
#define STSAFE_PUBLIC_KEK       0x04u
#define STSAFE_PUBLIC_ENTITY    0x08u
#define STSAFE_PUBLIC_HOST      0x10u

enum stsafe_kind {
    STSAFE_A100 = 0,
    STSAFE_A110,
    STSAFE_A120,
    STSAFE_KIND_COUNT,
};

/* What the three parts differ in. */
struct stsafe_spec {
    enum stsafe_kind kind;
    const char *name;        /* "STSAFE-A110" */
    const char *personality; /* "blank-a110" */
    uint8_t mask_id[3];
    uint16_t frame_max, nvm_size;
    uint8_t extra_fields;      /* three-byte fields at the end of the product data */
    uint8_t host_counter_size; /* 3 or 4 bytes */
    uint8_t private_slots;     /* without the ephemeral one */
    uint8_t public_slots, symmetric_slots;
    uint32_t curves;                             /* bit per enum sim_curve */
    uint8_t records[2 + 3 * STSAFE_RECORDS_MAX]; /* as Query 24 gives them, none extended */
};

struct stsafe_zone {
    uint8_t type; /* 0 data, 1 one-way counter with data */
    uint8_t access;
    uint16_t size, at; /* of the data, in memory */
    uint32_t counter;
};

struct stsafe_private {
    enum sim_curve curve; /* SIM_CURVE_NONE: empty */
    uint8_t key[SIM_KEY_MAX];
    uint16_t mode, uses;
};

struct stsafe_public {
    enum sim_curve curve;
    uint8_t point[SIM_POINT_MAX];
    uint8_t rights; /* of the slot; an A120's */
};

struct stsafe_signature {
    enum sim_hash hash;
    uint8_t rs[SIM_POINT_MAX];
};

struct stsafe_symmetric {
    uint8_t present, lock, type, mode;
    uint8_t usage; /* the lower of two bytes; the upper one is empty */
    uint8_t
        limit; /* CCM, GCM: bytes of the tag; CMAC, HMAC: least of a MAC to check; HKDF: rights */
    uint8_t len;
    uint8_t key[SIM_AES_MAX];
};

struct stsafe_envelope_key {
    uint8_t len; /* 0: empty */
    uint8_t key[SIM_AES_MAX];
};

struct stsafe_host_key {
    uint8_t len, type; /* len 0: empty */
    uint8_t mac[SIM_AES_MAX], cipher[SIM_AES_MAX];
    uint32_t counter;
};

struct stsafe_control {
    uint8_t flags, slot;
    uint8_t other_slot; /* of symmetric keys: for ECDHE, slot is for envelopes */
};

/* One row of the authorisation table. */
struct stsafe_record {
    uint8_t code, extended; /* extended: when code is 0x1F */
    uint8_t access;
    uint8_t encrypted; /* bit 1 command, bit 0 answer */
};

struct stsafe_i2c {
    uint8_t address; /* shifted left by one, as on the wire */
    uint8_t flags;   /* from the lowest bit: locked (1), low-power mode (2), idle time (5) */
};

/* What survives without power. */
struct stsafe_nvm {
    uint8_t number[STSAFE_NUMBER_SIZE];
    uint8_t life_cycle;
    struct stsafe_i2c i2c;
    struct stsafe_zone zones[STSAFE_ZONES_MAX];
    uint8_t zone_count;
    uint8_t memory[STSAFE_MEMORY_SIZE];
    struct stsafe_private private_keys[STSAFE_PRIVATE_MAX];
    struct stsafe_public public_keys[STSAFE_PUBLIC_MAX];
    struct stsafe_symmetric symmetric[STSAFE_SYMMETRIC_MAX];
    struct stsafe_envelope_key envelope[STSAFE_ENVELOPE_MAX];
    struct stsafe_host_key host;
    struct stsafe_control host_control, symmetric_control[STSAFE_SYMMETRIC_MAX];
    struct stsafe_record records[STSAFE_RECORDS_MAX];
    uint8_t record_count, record_change;
};

/* A message that comes in pieces. */
struct stsafe_chunks {
    struct stsafe_symmetric key;
    unsigned active : 1;
    unsigned decrypt : 1;
    uint8_t nonce[64];
    uint8_t nonce_len;
    uint16_t aad_total; /* CCM: as announced */
    uint32_t message_total;
    struct rs_buf aad, message; /* in clear, as far as it came */
};

/* What a reset or a loss of power clears. */
struct stsafe_volatile {
    struct stsafe_private ephemeral;
    EVP_MD_CTX *hash; /* NULL: none started */
    uint8_t kek[32];
    unsigned kek_active : 1;
    unsigned challenge_valid : 1;
    unsigned entity_answered : 1; /* the last challenge that was answered, rightly */
    uint8_t challenge[16];
    uint32_t envelopes; /* counter of the next envelope's key */
    uint8_t kek_signer; /* who opened the session: slot of a public key, or STSAFE_ANONYMOUS */
    uint8_t secret[SIM_KEY_MAX]; /* of symmetric keys to be confirmed; length 0: none */
    uint8_t secret_len, secret_signer;
    struct stsafe_chunks chunks;
};

enum stsafe_sleep {
    STSAFE_AWAKE = 0,
    STSAFE_STANDBY,
    STSAFE_HIBERNATE,
    STSAFE_HIBERNATE_RESET, /* only a reset ends it */
};

enum stsafe_quirk {
    STSAFE_QUIRK_NONE = 0,
    STSAFE_QUIRK_HEADER_FLAGS, /* answers repeat the command's three upper bits */
    STSAFE_QUIRK_WRONG_RMAC,
    STSAFE_QUIRK_LONG_LENGTH, /* an answer says that it is longer than a frame may be */
};

struct stsafe_chip {
    struct sim_runner run;
    const struct stsafe_spec *spec;
    enum stsafe_quirk quirk;
    struct stsafe_nvm nvm;
    struct stsafe_volatile v;

    /* The bus. */
    uint8_t address; /* 7 bit; taken from the attribute when power comes */
    enum stsafe_sleep sleep, sleep_next;
    uint8_t answer[STSAFE_ANSWER_MAX];
    size_t answer_len;
};

/* A command on its way through the layers. */
struct stsafe_command {
    uint8_t header;   /* with its three flags */
    uint8_t code;     /* without them */
    uint8_t extended; /* when code is 0x1F */
    int host;         /* its C-MAC was right */
    const uint8_t *payload;
    size_t len; /* without C-MAC and CRC */
    const uint8_t *mac;
    struct stsafe_host_key
        key; /* the channel's, counter raised: a command may replace the part's */
};

#define STSAFE_FLAG_CMAC 0x80u
#define STSAFE_FLAG_RMAC 0x40u
#define STSAFE_FLAG_HOST 0x20u
#define STSAFE_EXTENDED  0x1Fu

/* A command: reads its payload from in, puts the answer's into out, gives a status. */
typedef int stsafe_handler(struct stsafe_chip *c, const struct stsafe_command *cmd,
                           struct rs_reader *in, struct rs_buf *out);

/* ---- Memory (memory.c) ----------------------------------------------------------------------- */

/* One write of len bytes, which a power cut tears: STSAFE_OK or STSAFE_LOST. */
int stsafe_store(struct stsafe_chip *c, void *at, const void *bytes, size_t len);
/* One write that is done or not done. */
int stsafe_store_whole(struct stsafe_chip *c, void *at, const void *bytes, size_t len);
/* The channel's counter, before the command runs: a cut in a command is for its own writes. */
void stsafe_store_counter(struct stsafe_chip *c, uint32_t value);
void stsafe_volatile_clear(struct stsafe_chip *c);
/* One use of a key that has so many left: STSAFE_OK, STSAFE_USAGE_LIMIT, STSAFE_LOST. */
int stsafe_spend(struct stsafe_chip *c, uint16_t *uses);

/* ---- Frames (frame.c) ------------------------------------------------------------------------ */

uint16_t stsafe_crc(uint16_t before, const uint8_t *p, size_t len); /* start with 0 */
/* From the bus to a command: STSAFE_OK or what is wrong with it. */
int stsafe_frame_read(const struct stsafe_chip *c, const uint8_t *p, size_t len,
                      struct stsafe_command *cmd);
/* payload and mac (NULL: none) become c->answer. */
void stsafe_frame_answer(struct stsafe_chip *c, unsigned header, struct rs_bytes payload,
                         const uint8_t *mac);

/* ---- Host channel (channel.c) ---------------------------------------------------------------- */

/* Check a C-MAC and count it; STSAFE_OK for a command without one. */
int stsafe_channel_open(struct stsafe_chip *c, struct stsafe_command *cmd);
/* In place: the plain payload's length into *ret_len, or a status. */
int stsafe_channel_decrypt(const struct stsafe_chip *c, const struct stsafe_command *cmd,
                           uint8_t *plain, size_t *ret_len);
/* The answer's payload, encrypted where it stands. */
int stsafe_channel_encrypt(const struct stsafe_chip *c, const struct stsafe_command *cmd,
                           struct rs_buf *out);
void stsafe_channel_rmac(const struct stsafe_chip *c, const struct stsafe_command *cmd,
                         unsigned header, struct rs_bytes payload, uint8_t mac[STSAFE_MAC_SIZE]);

/* ---- Dispatch (dispatch.c) ------------------------------------------------------------------- */

/* Run one frame: fills c->answer; STSAFE_LOST when the power went. */
int stsafe_run(struct stsafe_chip *c, const uint8_t *p, size_t len);
/* How long the frame takes by the reference's figures. */
uint32_t stsafe_time_us(const struct stsafe_chip *c, const uint8_t *p, size_t len);

/* ---- Bus (bus.c) ----------------------------------------------------------------------------- */

void stsafe_set_time(void *state, uint64_t now_us);
void stsafe_set_power(void *state, int on);
void stsafe_wake(void *state, uint32_t low_us);
int stsafe_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len);
int stsafe_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len);

/* ---- Payloads (payload.c) -------------------------------------------------------------------- */

/* Curve id: length, OID.  SIM_CURVE_NONE: unknown, or not one of this part's. */
enum sim_curve stsafe_read_curve(const struct stsafe_chip *c, struct rs_reader *in);
/* A point of a known curve.  The reader fails when form or lengths are wrong. */
void stsafe_read_point(enum sim_curve curve, struct rs_reader *in, uint8_t point[SIM_POINT_MAX]);
/* r and s, each with its length. */
void stsafe_read_signature(enum sim_curve curve, struct rs_reader *in, uint8_t rs[SIM_POINT_MAX]);
void stsafe_put_curve(enum sim_curve curve, struct rs_buf *out);
void stsafe_put_point(enum sim_curve curve, const uint8_t *point, struct rs_buf *out);
void stsafe_put_signature(enum sim_curve curve, const uint8_t *rs, struct rs_buf *out);
/* STSAFE_OK when the whole payload was read, no more and no less. */
int stsafe_read_end(const struct rs_reader *in);

/* ---- Commands (cmd_*.c) ---------------------------------------------------------------------- */

stsafe_handler stsafe_do_echo, stsafe_do_reset, stsafe_do_random, stsafe_do_hibernate,
    stsafe_do_standby, stsafe_do_delete, stsafe_do_password, stsafe_do_read, stsafe_do_update,
    stsafe_do_decrement, stsafe_do_query, stsafe_do_put, stsafe_do_generate, stsafe_do_sign,
    stsafe_do_verify, stsafe_do_establish, stsafe_do_wrap, stsafe_do_unwrap, stsafe_do_make_mac,
    stsafe_do_check_mac, stsafe_do_encrypt, stsafe_do_decrypt, stsafe_do_hash_start,
    stsafe_do_hash_process, stsafe_do_hash_finish, stsafe_do_kek_start, stsafe_do_kek_stop,
    stsafe_do_host_plain, stsafe_do_host_wrapped, stsafe_do_host_establish, stsafe_do_public_write,
    stsafe_do_ecdhe, stsafe_do_challenge, stsafe_do_entity, stsafe_do_symmetric_plain,
    stsafe_do_symmetric_erase, stsafe_do_symmetric_wrapped, stsafe_do_symmetric_establish,
    stsafe_do_symmetric_confirm, stsafe_do_encrypt_start, stsafe_do_encrypt_process,
    stsafe_do_encrypt_finish, stsafe_do_decrypt_start, stsafe_do_decrypt_process,
    stsafe_do_decrypt_finish, stsafe_do_derive, stsafe_do_decompress;

/* Key information: all but the slot, which stands behind the lock where there is one (NULL: none). */
int stsafe_read_key_info(struct rs_reader *in, struct stsafe_symmetric *key, unsigned *ret_slot);
/* The same, then the key itself, and nothing more. */
int stsafe_read_key(struct rs_reader *in, struct stsafe_symmetric *key, unsigned *ret_slot);
/* May a key be put there?  is_open: what the slot's control says of the way it comes. */
int stsafe_symmetric_place(const struct stsafe_chip *c, unsigned slot, int is_open);
void stsafe_chunks_stop(struct stsafe_chip *c);
/* One that is there and may do this in this mode. */
int stsafe_find_symmetric(struct stsafe_chip *c, unsigned slot, unsigned mode, unsigned use,
                          struct stsafe_symmetric **ret_key);
/* Length, then a hash's OID. */
enum sim_hash stsafe_read_hash(struct rs_reader *in);

/* One that is there and may sign for this (STSAFE_PUBLIC_...). */
int stsafe_find_public(struct stsafe_chip *c, unsigned slot, unsigned right,
                       struct stsafe_public **ret_key);
/* The end of a payload that this key's holder signed. */
int stsafe_read_signed(const struct stsafe_public *key, struct rs_reader *in,
                       struct stsafe_signature *ret_sig);
int stsafe_verify(const struct stsafe_public *key, const struct stsafe_signature *sig,
                  struct rs_bytes message);

/* Host keys of 16 or 32 bytes each; is_open: what the part's control says of the way they come. */
int stsafe_host_key_write(struct stsafe_chip *c, const struct stsafe_command *cmd, int is_open,
                          unsigned type, struct rs_bytes keys);
/* The same from 00 00 00, type, both keys. */
int stsafe_host_record_write(struct stsafe_chip *c, const struct stsafe_command *cmd, int is_open,
                             struct rs_bytes record);

/* ---- Parts (personality.c) ------------------------------------------------------------------- */

const struct stsafe_spec *stsafe_spec_find(const char *personality);
rs_code stsafe_personality_apply(struct stsafe_chip *c, const struct sim_create *how,
                                 struct rs_err *err);

/* ---- Saved form (state.c) -------------------------------------------------------------------- */

/* As members of object; 0 when out of memory. */
int stsafe_save(const struct stsafe_chip *c, json_t *object);
/* Into a part that is otherwise new, with its spec. */
rs_code stsafe_load(struct stsafe_chip *c, const json_t *object, struct rs_err *err);

#endif /* SIMS_STSAFE_CHIP_H */
