/*
 * chip.h: the inside of a simulated EdgeLock SE050 or SE051.
 *
 * Wire (t1.c): T=1 blocks over I2C, a byte FIFO, time, fault rules.  Commands
 * (apdu.c): ISO 7816-4 cases, SELECT, secure channel, dispatch.  Secure channel
 * (scp03.c), sessions (session.c), objects and the one door to memory writes
 * (objects.c), rights (policy.c), one file per group of commands (cmd_*.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SE05X_CHIP_H
#define SIMS_SE05X_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "sims/common/sim.h"
#include "sims/se05x/scp03.h"
#include "sims/se05x/uncertain.h"

#define SE05X_ADDRESS      0x48
#define SE05X_UID_SIZE     18
#define SE05X_OBJECTS_MAX  256
#define SE05X_POOL_SIZE    112640 /* values and policies of the largest part, RAM included */
#define SE05X_POLICY_MAX   128
#define SE05X_VALUE_MAX    1024  /* of an object that is written as a whole */
#define SE05X_CURVES       8     /* places for curves by their dense index (crypto.h) */
#define SE05X_CURVE_MADE   0x80u /* bits of such a place: made, and the five parameters */
#define SE05X_CURVE_WHOLE  0x9Fu
#define SE05X_CRYPTO_MAX   8
#define SE05X_APDU_MAX     1100 /* a command with everything around its payload */
#define SE05X_ANSWER_MAX   1160 /* an answer with everything around it */
#define SE05X_BLOCK_MAX    264  /* prologue, 254 bytes, CRC, one byte of a quirk */
#define SE05X_INF_MAX      254
#define SE05X_SESSION_SIZE 8

/* Reserved ids (section 5). */
enum {
    SE05X_ID_TRANSPORT = 0x7FFF0200,
    SE05X_ID_CHIP_KEY = 0x7FFF0201,
    SE05X_ID_FEATURE = 0x7FFF0204,
    SE05X_ID_FACTORY_RESET = 0x7FFF0205,
    SE05X_ID_UNIQUE = 0x7FFF0206,
    SE05X_ID_PLATFORM_SCP = 0x7FFF0207,
    SE05X_ID_RESTRICT = 0x7FFF020A,
};

/* Status words.  SE05X_LOST is none: power went during a memory write. */
enum {
    SE05X_LOST = 0,
    SE05X_OK = 0x9000,
    SE05X_E_LENGTH = 0x6700,
    SE05X_E_SECURITY = 0x6982,
    SE05X_E_DATA_INVALID = 0x6984,
    SE05X_E_CONDITIONS = 0x6985,
    SE05X_E_NOT_ALLOWED = 0x6986,
    SE05X_E_WRONG_DATA = 0x6A80,
    SE05X_E_NOT_FOUND = 0x6A82,
    SE05X_E_NO_MEMORY = 0x6A84,
    SE05X_E_P1P2 = 0x6A86,
    SE05X_E_INS = 0x6D00,
    SE05X_E_CLA = 0x6E00,
};

/* ---- Objects -------------------------------------------------------------------- */

enum se05x_kind {
    SE05X_EC_PAIR = 1,
    SE05X_EC_PRIVATE,
    SE05X_EC_PUBLIC,
    SE05X_AES,
    SE05X_HMAC,
    SE05X_BINARY,
    SE05X_USER_ID,
    SE05X_COUNTER,
    SE05X_PCR,
};

enum se05x_origin {
    SE05X_EXTERNAL = 1,
    SE05X_INTERNAL,
    SE05X_PROVISIONED,
};

/*
 * The policy and the value stand in the chip's pool, one behind the other.  Value of a key
 * pair: private number, then the public point.
 */
struct se05x_object {
    uint32_t id, owner, version;
    enum se05x_kind kind;
    enum se05x_origin origin;
    uint8_t curve;          /* EC keys: the id of the curve */
    unsigned transient : 1; /* the value is lost with the selection */
    unsigned auth : 1;      /* a credential */
    unsigned set : 1;       /* there is a value */
    uint16_t failed, max_attempts, min_tag, min_derived;
    uint16_t policy_len;
    uint32_t len, at;
};

/* ---- Crypto objects: operations of several steps ---------------------------------- */

enum se05x_context {
    SE05X_CONTEXT_NONE = 0,
    SE05X_CONTEXT_DIGEST,
    SE05X_CONTEXT_CIPHER,
    SE05X_CONTEXT_MAC,
    SE05X_CONTEXT_AEAD,
};

/* Modes of AES (section 3.4). */
enum {
    SE05X_AES_CBC = 0x0D,
    SE05X_AES_ECB = 0x0E,
    SE05X_AES_CBC_ZEROS = 0x16, /* ISO 9797-1 padding method 1 */
    SE05X_AES_CBC_BIT = 0x17,   /* method 2 */
    SE05X_AES_GCM = 0xB0,
    SE05X_AES_CTR = 0xF0,
    SE05X_AES_GCM_CHIP_IV = 0xF3,
    SE05X_AES_CCM = 0xF4,
};

struct se05x_crypto {
    uint16_t id;
    uint8_t context, subtype; /* context 0: the place is free */
    /* The operation under way; lost with the selection. */
    uint8_t validate, encrypt;
    uint16_t min_tag;
    EVP_MD_CTX *digest;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};

/* ---- Sessions ------------------------------------------------------------------------ */

enum se05x_session_state {
    SE05X_SESSION_FREE = 0,
    SE05X_SESSION_CREATED,
    SE05X_SESSION_OPEN,
};

struct se05x_session {
    enum se05x_session_state state;
    uint8_t id[SE05X_SESSION_SIZE];
    uint32_t auth;        /* the credential */
    enum se05x_kind by;   /* what kind of credential */
    struct se05x_scp scp; /* AES and EC keys */
};

/* ---- The wire ------------------------------------------------------------------------- */

enum se05x_quirk {
    SE05X_QUIRK_NONE = 0,
    SE05X_QUIRK_WTX_STORM,
    SE05X_QUIRK_WRONG_SEQUENCE,
    SE05X_QUIRK_STRAY_BYTE,
    SE05X_QUIRK_GARBAGE,
    SE05X_QUIRK_GP_PROFILE,
    SE05X_QUIRK_COUNT_OTHERWISE,
};

struct se05x_link {
    unsigned expect_ns : 1, next_ns : 1;
    unsigned seen : 1;         /* an I-block was taken since the numbers started anew */
    unsigned too_long : 1;     /* the chained command does not fit: bytes are only counted */
    unsigned pending : 1;      /* an answer waits for done_at_us */
    unsigned asked_time : 1;   /* S(WTX request) is out */
    unsigned more : 1;         /* of a chained answer is left */
    unsigned cut_answered : 1; /* power goes when the queue has been read */
    unsigned spoil_crc : 1;    /* of the next I-block, once */
    int spoil_bit;             /* the same for one bit; -1: none */
    size_t ifsd;               /* the host's largest INF */
    uint64_t done_at_us, ask_at_us;

    uint8_t in[SE05X_APDU_MAX]; /* the command so far */
    size_t in_len;
    size_t out_at;                 /* how much of the answer is on its way */
    uint8_t last[SE05X_BLOCK_MAX]; /* the last block sent, for repetition */
    size_t last_len;
    uint8_t fifo[SE05X_BLOCK_MAX]; /* what the bus can read */
    size_t fifo_len, fifo_at;
};

enum se05x_applet {
    SE05X_APPLET_NONE = 0,
    SE05X_APPLET_IOT,
    SE05X_APPLET_DOMAIN,
};

/* One of the two generations. */
struct se05x_generation {
    const char *model;
    uint8_t version[3];
    unsigned newer : 1; /* applet 7.2: attestation format 2, versions, derivation into objects */
    size_t payload_max;
    uint32_t nvm;
    uint16_t oef;
    const char *enc, *mac, *dek; /* the published keys */
};

struct se05x_chip {
    const struct sim_host *host;
    const struct se05x_generation *gen;
    struct sim_timing timing;
    char personality[16];
    enum se05x_quirk quirk;

    /* Memory that survives without power. */
    uint8_t uid[SE05X_UID_SIZE];
    struct se05x_keys keys;
    uint8_t scp_required, locked, restricted;
    uint32_t starts;              /* in which the time was asked */
    uint8_t curves[SE05X_CURVES]; /* by dense index: bits of the parameters that are set */
    struct se05x_object objects[SE05X_OBJECTS_MAX];
    size_t object_count;
    uint8_t pool[SE05X_POOL_SIZE];
    size_t pool_used;
    struct se05x_crypto crypto[SE05X_CRYPTO_MAX];

    /* Lost with the selection. */
    enum se05x_applet applet;
    struct se05x_scp scp;
    struct se05x_session sessions[SE05X_U_SESSIONS_MAX];
    uint8_t tls_random[32];
    uint8_t tls_ready;

    /* Lost with power. */
    unsigned powered : 1, stuck : 1, counted : 1, locked_now : 1;
    uint64_t now_us, started_us;
    struct se05x_link link;

    /* Of the command that runs. */
    unsigned forced_sw; /* a fault rule's: refuse with it instead of running; 0: run */
    int tear_after;     /* bytes that still reach the memory; -1 half, INT_MAX no cut */
    uint64_t took_us;
    uint64_t chip_time_us;
    uint8_t answer[SE05X_ANSWER_MAX];
    size_t answer_len;
    uint8_t plain[2][SE05X_APDU_MAX]; /* a command without its secure messaging: two layers */
};

/* ---- Commands -------------------------------------------------------------------------- */

/* ISO 7816-4, any case.  raw is the whole command. */
struct se05x_apdu {
    uint8_t cla, ins, p1, p2;
    const uint8_t *raw, *data;
    size_t len;
};

/* Tags as bits: 41 .. 4B as T(1) .. T(11), 10 .. 15 as S(0) .. S(5). */
#define SE05X_T(n) (1u << (n))
#define SE05X_S(n) (1u << (16 + (n)))
#define SE05X_TAGS 22
/* Places of the arguments of a command. */
#define SE05X_AT_T(n)         (n)
#define SE05X_AT_SESSION      16
#define SE05X_AT_POLICY       17
#define SE05X_AT_MAX_ATTEMPTS 18
#define SE05X_AT_POLICY_CHECK 21

struct se05x_call {
    struct se05x_chip *c;
    uint8_t ins, p1, p2;
    const struct se05x_apdu *apdu;   /* without secure messaging */
    struct rs_bytes arg[SE05X_TAGS]; /* p NULL: the tag is not there */
    struct se05x_session *session;   /* NULL: none */
    unsigned secure : 1;             /* under MAC and encryption, of whatever channel */
    unsigned channel : 1;            /* under those of the platform */
    struct rs_buf *out;
};

typedef unsigned se05x_handler(struct se05x_call *call); /* a status word, or SE05X_LOST */

se05x_handler se05x_do_version, se05x_do_timestamp, se05x_do_memory, se05x_do_random,
    se05x_do_self_test, se05x_do_state, se05x_do_lock, se05x_do_scp_request, se05x_do_restrict;
se05x_handler se05x_do_write_ec, se05x_do_write_symm, se05x_do_write_binary, se05x_do_write_user_id,
    se05x_do_write_counter, se05x_do_write_pcr;
se05x_handler se05x_do_read, se05x_do_attributes, se05x_do_size, se05x_do_type, se05x_do_list,
    se05x_do_exists, se05x_do_delete, se05x_do_delete_all;
se05x_handler se05x_do_curve_create, se05x_do_curve_param, se05x_do_curve_list, se05x_do_curve_id,
    se05x_do_curve_delete;
se05x_handler se05x_do_sign, se05x_do_verify, se05x_do_agree;
se05x_handler se05x_do_crypto_create, se05x_do_crypto_list, se05x_do_crypto_delete,
    se05x_do_digest_once, se05x_do_digest_step, se05x_do_cipher_once, se05x_do_cipher_init,
    se05x_do_cipher_step, se05x_do_aead_once, se05x_do_aead_init, se05x_do_aead_step,
    se05x_do_mac_once, se05x_do_mac_init, se05x_do_mac_step;
se05x_handler se05x_do_hkdf, se05x_do_pbkdf2, se05x_do_tls_random, se05x_do_tls_pms,
    se05x_do_tls_prf;
se05x_handler se05x_do_session_create, se05x_do_session_close, se05x_do_session_verify;

/* Run a whole command; c->answer is filled in.  0: power went during a memory write. */
int se05x_run(struct se05x_chip *c, const uint8_t *raw, size_t len);
/* 0: the lengths do not fit together. */
int se05x_apdu_read(const uint8_t *raw, size_t len, struct se05x_apdu *apdu);
/* One command of the applet, without secure messaging and not of a session's frame. */
unsigned se05x_run_applet(struct se05x_call *call);
/* `80 05`: a command inside a session (session.c). */
unsigned se05x_run_in_session(struct se05x_call *call);
/* The selection ends: sessions, channel, transient values, operations under way. */
void se05x_deselect(struct se05x_chip *c);

/* ---- Arguments and answers (tlv.c) ------------------------------------------------------- */

/* Tags outside allowed, twice, or lengths that do not fit: 0. */
int se05x_args_read(struct rs_bytes data, uint32_t allowed, struct rs_bytes arg[SE05X_TAGS]);
/* A number of exactly size bytes at the place: 0 when it is not there or of another size. */
int se05x_arg_number(const struct se05x_call *call, unsigned place, size_t size, uint32_t *ret);
int se05x_has(const struct se05x_call *call, unsigned place);
/* A TLV with the shortest form of length, and one that always has 82 hi lo. */
void se05x_put(struct rs_buf *out, unsigned tag, const void *p, size_t len);
void se05x_put_long(struct rs_buf *out, unsigned tag, const void *p, size_t len);
void se05x_put_u8(struct rs_buf *out, unsigned tag, unsigned value);
void se05x_put_u16(struct rs_buf *out, unsigned tag, unsigned value);
/* Result byte: 1 success, 2 failure. */
void se05x_put_result(struct rs_buf *out, int ok);
/* One TLV off the front of r: 0 at the end or when it is none.  Two-byte tags (5F37, 7F49) too. */
int se05x_tlv_next(struct rs_reader *r, unsigned *ret_tag, struct rs_bytes *ret_value);

/* ---- Objects (objects.c) ------------------------------------------------------------------ */

struct se05x_object *se05x_find(struct se05x_chip *c, uint32_t id);
struct rs_bytes se05x_policy(const struct se05x_chip *c, const struct se05x_object *o);
struct rs_bytes se05x_value(const struct se05x_chip *c, const struct se05x_object *o);
/* EC keys: the private number and the public point; empty when the object has none. */
struct rs_bytes se05x_private(const struct se05x_chip *c, const struct se05x_object *o);
struct rs_bytes se05x_public(const struct se05x_chip *c, const struct se05x_object *o);
int se05x_is_ec(const struct se05x_object *o);
/* The type as ReadType and the attributes say it. */
uint8_t se05x_type(const struct se05x_chip *c, const struct se05x_object *o);
uint32_t se05x_free_persistent(const struct se05x_chip *c);
uint32_t se05x_free_transient(const struct se05x_chip *c);

/*
 * Memory writes: each is one step of the chip where power can go, and each returns SE05X_OK,
 * a refusal before anything changed, or SE05X_LOST.
 *
 * object: the one with this id becomes what is said, new or instead of what it was, as a whole.
 * A value with p NULL is zeros.
 */
unsigned se05x_store_object(struct se05x_chip *c, const struct se05x_object *o,
                            struct rs_bytes policy, struct rs_bytes value);
/* A new value for an object, its policy and all else as before. */
unsigned se05x_store_value(struct se05x_chip *c, const struct se05x_object *o,
                           struct rs_bytes value);
/* A new file with some of its bytes, and bytes into an old one: torn at a byte. */
unsigned se05x_store_file(struct se05x_chip *c, const struct se05x_object *o,
                          struct rs_bytes policy, size_t size, size_t offset,
                          struct rs_bytes bytes);
unsigned se05x_store_part(struct se05x_chip *c, struct se05x_object *o, size_t offset,
                          struct rs_bytes bytes);
unsigned se05x_store_delete(struct se05x_chip *c, struct se05x_object *o);
/* Rows in the order of the table, torn between two of them. */
unsigned se05x_store_delete_list(struct se05x_chip *c, struct se05x_object *const *list,
                                 size_t count);
/* Any field of the chip's memory, as a whole. */
unsigned se05x_store_field(struct se05x_chip *c, void *at, const void *bytes, size_t len);
/* The values of transient objects are gone. */
void se05x_forget_transient(struct se05x_chip *c);
/* Take an object out of the table and its bytes out of the pool, without a memory write. */
void se05x_remove(struct se05x_chip *c, struct se05x_object *o);

/* ---- Rights (policy.c) ---------------------------------------------------------------------- */

enum {
    SE05X_MAY_SIGN = 0x10000000,
    SE05X_MAY_VERIFY = 0x08000000,
    SE05X_MAY_AGREE = 0x04000000,
    SE05X_MAY_ENCRYPT = 0x02000000,
    SE05X_MAY_DECRYPT = 0x01000000,
    SE05X_MAY_DERIVE = 0x00800000,
    SE05X_MAY_WRAP = 0x00400000,
    SE05X_MAY_READ = 0x00200000,
    SE05X_MAY_WRITE = 0x00100000,
    SE05X_MAY_GENERATE = 0x00080000,
    SE05X_MAY_DELETE = 0x00040000,
    SE05X_MAY_ATTEST = 0x00008000,
    /* Of applet 7.2. */
    SE05X_NO_OUTPUT = 0x00000800,
    SE05X_NO_EXTERNAL_IV = 0x00000020,
};

/* Is this a list of rules? */
int se05x_policy_ok(struct rs_bytes policy);
/* The header that counts for this call; 0: no rights at all. */
uint32_t se05x_rights(const struct se05x_call *call, const struct se05x_object *o);
/* SE05X_OK or SE05X_E_NOT_ALLOWED. */
unsigned se05x_may(const struct se05x_call *call, const struct se05x_object *o, uint32_t right);
/* Does any rule give the right, to whomever? */
int se05x_anybody_may(const struct se05x_chip *c, const struct se05x_object *o, uint32_t right);
/* The policy as the attributes show it: its own, or one rule for everybody. */
void se05x_policy_show(const struct se05x_chip *c, const struct se05x_object *o,
                       struct rs_buf *out);

/*
 * A key named by a command: there, with a value, no credential, and with the right.
 * SE05X_OK with *ret_key, or why not.
 */
unsigned se05x_use_key(struct se05x_call *call, unsigned place, uint32_t right,
                       struct se05x_object **ret_key);
/* A secret of a derivation into an object (rights, kind and size are checked). */
unsigned se05x_derive_into(struct se05x_call *call, uint32_t target, struct rs_bytes secret);

/* ---- The rest ----------------------------------------------------------------------------------- */

/* Attributes of an object, appended (section 4). */
void se05x_attributes(const struct se05x_chip *c, const struct se05x_object *o, struct rs_buf *out);
/* Timestamp of 12 bytes; the first of a start is a memory write. */
unsigned se05x_timestamp(struct se05x_chip *c, uint8_t stamp[12]);
/* The answer of an attested read: data (p NULL: none), attributes, identity, signature. */
unsigned se05x_attest(struct se05x_call *call, const struct se05x_object *o, struct rs_bytes data);
/* The command takes so much time more. */
void se05x_take(struct se05x_chip *c, uint64_t us);
/* May a crypto object of this part be of this kind? */
int se05x_subtype_ok(const struct se05x_chip *c, unsigned context, unsigned subtype);
/* The crypto object that tag 42 names, of the right kind: SE05X_OK, or why not. */
unsigned se05x_use_crypto(struct se05x_call *call, enum se05x_context context,
                          struct se05x_crypto **ret);
/* A step went wrong, and so did the operation; returns sw. */
unsigned se05x_fail_step(struct se05x_crypto *k, unsigned sw);
/* Operations under way end. */
void se05x_crypto_forget(struct se05x_crypto *k);

/* PUT KEY, and what the card says of itself before an applet is selected (card.c). */
unsigned se05x_put_key(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out);
unsigned se05x_identify(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out);

/* ---- Wire (t1.c) ----------------------------------------------------------------------------------- */

uint16_t se05x_crc(const uint8_t *p, size_t len);
void se05x_link_reset(struct se05x_link *link);
void se05x_set_time(void *state, uint64_t now_us);
void se05x_set_power(void *state, int on);
int se05x_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len);
int se05x_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len);

/* ---- State in JSON (state.c) ----------------------------------------------------------- */

/* Members of object; secrets: as they are, or only their names.  0: no memory. */
int se05x_state_put(const struct se05x_chip *c, json_t *object, int secrets);
/* All that put() wrote, into a chip of zeros. */
rs_code se05x_state_read(struct se05x_chip *c, const json_t *object, struct rs_err *err);

/* ---- Parts as delivered (personality.c) -------------------------------------------------------------- */

rs_code se05x_provision(struct se05x_chip *c, const struct sim_create *how, struct rs_err *err);

#endif /* SIMS_SE05X_CHIP_H */
