/*
 * chip.h: the inside of a simulated ATECC608A or 608B.
 *
 * Bus layer (bus.c): wake, idle, sleep, packets, busy, watchdog.  Command layer
 * (dispatch.c): Count, CRC, opcode table.  Commands (cmd_*.c): one file per
 * group, each a function from a parsed command to a status and an answer.
 * Memory (memory.c): zones, slots, permissions, and the one door to EEPROM
 * writes, where a power cut can tear them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_CHIP_H
#define SIMS_ATECC_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "sims/atecc/crypto.h"
#include "sims/atecc/sha256.h"
#include "sims/common/runner.h"

#define ATECC_CONFIG_SIZE 128
#define ATECC_OTP_SIZE    64
#define ATECC_DATA_SIZE   1208
#define ATECC_SLOT_COUNT  16
#define ATECC_SERIAL_SIZE 9
#define ATECC_KEY_SIZE    32
#define ATECC_PACKET_MAX  151 /* the input buffer of the part */
#define ATECC_ANSWER_MAX  112 /* largest: 102, a SHA context */

/* Places in the configuration zone. */
enum {
    ATECC_AT_AES_ENABLE = 13,
    ATECC_AT_ADDRESS = 16,
    ATECC_AT_COUNT_MATCH = 18,
    ATECC_AT_CHIP_MODE = 19,
    ATECC_AT_SLOT_CONFIG = 20,
    ATECC_AT_COUNTER = 52,
    ATECC_AT_VOLATILE_KEY = 69,
    ATECC_AT_SECURE_BOOT = 70,
    ATECC_AT_KDF_IV_LOC = 72,
    ATECC_AT_KDF_IV_STR = 73,
    ATECC_AT_USER_EXTRA = 84,
    ATECC_AT_USER_EXTRA_ADD = 85,
    ATECC_AT_LOCK_VALUE = 86,
    ATECC_AT_LOCK_CONFIG = 87,
    ATECC_AT_SLOT_LOCKED = 88,
    ATECC_AT_CHIP_OPTIONS = 90,
    ATECC_AT_KEY_CONFIG = 96,
};

/* Status bytes. */
enum {
    ATECC_OK = 0x00,
    ATECC_MISCOMPARE = 0x01,
    ATECC_PARSE = 0x03,
    ATECC_ECC_FAULT = 0x05,
    ATECC_SELF_TEST = 0x07,
    ATECC_EXEC = 0x0F,
    ATECC_AWAKE = 0x11,
    ATECC_COMM = 0xFF,
    ATECC_LOST = -1, /* not a status: power went during a memory write */
};

/* SlotConfig. */
#define ATECC_SLOT_READ_KEY(c)     ((c) & 0x0Fu)
#define ATECC_SLOT_NO_MAC(c)       (((c) >> 4) & 1u)
#define ATECC_SLOT_LIMITED_USE(c)  (((c) >> 5) & 1u)
#define ATECC_SLOT_ENCRYPT_READ(c) (((c) >> 6) & 1u)
#define ATECC_SLOT_SECRET(c)       (((c) >> 7) & 1u)
#define ATECC_SLOT_WRITE_KEY(c)    (((c) >> 8) & 0x0Fu)
#define ATECC_SLOT_WRITE_CONFIG(c) (((c) >> 12) & 0x0Fu)
/* The read key of a private slot is a set of permissions. */
#define ATECC_PRIV_SIGN_EXTERNAL 1u
#define ATECC_PRIV_SIGN_INTERNAL 2u
#define ATECC_PRIV_ECDH          4u
#define ATECC_PRIV_ECDH_TO_SLOT  8u
/* WriteConfig bits. */
#define ATECC_WRITE_PUB_INVALID 1u
#define ATECC_WRITE_GENKEY      2u
#define ATECC_WRITE_ENCRYPTED   4u
#define ATECC_WRITE_NEVER       8u

/* KeyConfig. */
#define ATECC_KEY_PRIVATE(k)            ((k) & 1u)
#define ATECC_KEY_PUB_INFO(k)           (((k) >> 1) & 1u)
#define ATECC_KEY_TYPE(k)               (((k) >> 2) & 7u)
#define ATECC_KEY_LOCKABLE(k)           (((k) >> 5) & 1u)
#define ATECC_KEY_REQ_RANDOM(k)         (((k) >> 6) & 1u)
#define ATECC_KEY_REQ_AUTH(k)           (((k) >> 7) & 1u)
#define ATECC_KEY_AUTH_KEY(k)           (((k) >> 8) & 0x0Fu)
#define ATECC_KEY_PERSISTENT_DISABLE(k) (((k) >> 12) & 1u)
#define ATECC_TYPE_P256                 4u
#define ATECC_TYPE_AES                  6u

struct atecc_temp_key {
    uint8_t value[64];
    unsigned valid : 1;
    unsigned is64 : 1;
    unsigned from_input : 1; /* sourceFlag */
    unsigned gen_dig : 1;
    unsigned gen_key : 1;
    unsigned no_mac : 1;
    unsigned is_private : 1; /* holds an ephemeral P-256 key: nothing but ECDH may use it */
    unsigned key_id : 4;
};

/* Lost by sleep, kept by idle. */
struct atecc_volatile {
    struct atecc_temp_key temp_key;
    uint8_t digest[64]; /* Message Digest Buffer */
    unsigned digest_valid : 1;
    unsigned digest_is64 : 1;
    uint8_t alt_key[32];
    unsigned alt_key_valid : 1;
    unsigned seed_updated : 1;
    unsigned auth_valid : 1;
    unsigned auth_key : 4;
    unsigned sha_active : 1;
    unsigned sha_is_hmac : 1;
    struct atecc_sha256 sha;
    uint8_t hmac_key[ATECC_KEY_SIZE];
};

enum atecc_awake {
    ATECC_ASLEEP = 0,
    ATECC_IDLE,
    ATECC_WOKEN,
};

/* After a wake pulse; the vendor's library knows a failed self-test only by a wrong CRC. */
enum atecc_wake_answer {
    ATECC_WAKE_OK = 0,
    ATECC_WAKE_SELF_TEST,
    ATECC_WAKE_SELF_TEST_VENDOR,
};

struct atecc_chip {
    struct sim_runner run;
    struct atecc_p256 *p256;
    char personality[16];
    uint8_t revision; /* last byte of Info Revision: 0x02 608A, 0x03 608B */

    /* EEPROM. */
    uint8_t config[ATECC_CONFIG_SIZE];
    uint8_t otp[ATECC_OTP_SIZE];
    uint8_t data[ATECC_DATA_SIZE];

    /* Kept until power goes. */
    unsigned latch : 1;
    unsigned secure_boot_prohibited : 1;

    struct atecc_volatile v;

    /* The bus. */
    enum atecc_awake awake;
    uint8_t address; /* 7 bit; taken from the configuration when power comes or sleep ends */
    uint64_t ready_at_us, watchdog_at_us;
    uint8_t answer[ATECC_ANSWER_MAX];
    size_t answer_len, answer_pos;

    enum atecc_wake_answer wake_answer;
};

/* A command as it came in, and the payload going out (the status when there is none). */
struct atecc_command {
    uint8_t opcode, p1;
    uint16_t p2;
    const uint8_t *data;
    size_t len;
};

struct atecc_reply {
    uint8_t data[ATECC_ANSWER_MAX - 3];
    size_t len;
};

/* ---- Memory (memory.c) ---------------------------------------------------- */

size_t atecc_slot_size(unsigned slot);
uint8_t *atecc_slot(struct atecc_chip *c, unsigned slot);
unsigned atecc_slot_config(const struct atecc_chip *c, unsigned slot);
unsigned atecc_key_config(const struct atecc_chip *c, unsigned slot);
unsigned atecc_chip_options(const struct atecc_chip *c);
int atecc_config_locked(const struct atecc_chip *c);
int atecc_data_locked(const struct atecc_chip *c);
int atecc_slot_locked(const struct atecc_chip *c, unsigned slot);
/* A P-256 slot with or without a private key. */
int atecc_slot_is_private(const struct atecc_chip *c, unsigned slot);
int atecc_slot_is_public(const struct atecc_chip *c, unsigned slot);
/* A public key whose validity is kept in its first nibble (PubInfo), and whether it is valid. */
int atecc_slot_has_validity(const struct atecc_chip *c, unsigned slot);
int atecc_slot_is_valid(struct atecc_chip *c, unsigned slot);
void atecc_serial(const struct atecc_chip *c, uint8_t serial[ATECC_SERIAL_SIZE]);
void atecc_slot_public(struct atecc_chip *c, unsigned slot, uint8_t xy[64]);

/* One write of the EEPROM: ATECC_OK, or ATECC_LOST when the power went during it. */
int atecc_store(struct atecc_chip *c, uint8_t *at, const uint8_t *bytes, size_t len);
/* Set the validity nibble. */
int atecc_store_validity(struct atecc_chip *c, unsigned slot, unsigned nibble);

/* Counter 0 or 1. */
#define ATECC_COUNTER_MAX 2097151u
void atecc_counter_encode(uint32_t value, uint8_t field[8]);
uint32_t atecc_counter_decode(const uint8_t field[8]);
uint32_t atecc_counter(const struct atecc_chip *c, unsigned counter);
int atecc_counter_increment(struct atecc_chip *c, unsigned counter);

/*
 * May this slot's key be used now?  PersistentDisable, ReqAuth, and LimitedUse,
 * which costs one count: ask last.  ATECC_OK, a status, or ATECC_LOST.
 */
int atecc_use_key(struct atecc_chip *c, unsigned slot);

void atecc_temp_key_clear(struct atecc_chip *c);
/* 32 bytes that are the result of a command, flags cleared. */
void atecc_temp_key_set(struct atecc_chip *c, const uint8_t value[32], int from_input);

/* The mask for outputs under IO protection: SHA-256(IO key, nonce); 0 when it is not enabled. */
int atecc_io_key(struct atecc_chip *c, uint8_t key[ATECC_KEY_SIZE]);

/* ---- Commands (cmd_*.c) --------------------------------------------------- */

typedef int atecc_handler(struct atecc_chip *c, const struct atecc_command *cmd,
                          struct atecc_reply *reply);

atecc_handler atecc_do_info, atecc_do_random, atecc_do_nonce, atecc_do_counter, atecc_do_self_test,
    atecc_do_genkey, atecc_do_sign, atecc_do_verify, atecc_do_ecdh, atecc_do_read, atecc_do_write,
    atecc_do_privwrite, atecc_do_lock, atecc_do_update_extra, atecc_do_mac, atecc_do_checkmac,
    atecc_do_gendig, atecc_do_derivekey, atecc_do_sha, atecc_do_aes, atecc_do_kdf,
    atecc_do_secureboot;

void atecc_reply_put(struct atecc_reply *reply, const void *p, size_t len);

/* ---- Dispatch (dispatch.c) ------------------------------------------------ */

uint16_t atecc_crc(const uint8_t *p, size_t len);
/* Run one packet (Count to CRC): fills c->answer; ATECC_LOST when the power went. */
int atecc_run(struct atecc_chip *c, const uint8_t *packet, size_t len);
/* Put a payload with Count and CRC into c->answer. */
void atecc_answer(struct atecc_chip *c, const uint8_t *payload, size_t len);
void atecc_answer_status(struct atecc_chip *c, int status);
/* How long the packet takes by the reference's maximum; 0 when unknown. */
uint32_t atecc_time_max_us(const struct atecc_chip *c, const uint8_t *packet, size_t len);

/* ---- Bus (bus.c) ---------------------------------------------------------- */

void atecc_set_time(void *state, uint64_t now_us);
void atecc_set_power(void *state, int on);
void atecc_wake(void *state, uint32_t low_us);
int atecc_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len);
int atecc_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len);

/* ---- Parts that come with contents (personality.c) ------------------------- */

rs_code atecc_personality_apply(struct atecc_chip *c, const struct sim_create *how,
                                struct rs_err *err);

#endif /* SIMS_ATECC_CHIP_H */
