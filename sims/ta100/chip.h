/*
 * chip.h: the inside of the capability-level TA100.
 *
 * NOT TA100 WIRE PROTOCOL: see placeholder.h.  What is public is real here: the
 * I2C address, an instruction byte in front of every transfer, answers that
 * start with a two-byte length and a status and end with a CRC, elements with
 * handles and seven attributes.
 *
 * Bus (bus.c: I2C, spi.c), packets and opcodes (dispatch.c), elements and the one door to
 * NVM (element.c), commands by group (cmd_*.c), saved form (state.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_TA100_CHIP_H
#define SIMS_TA100_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sims/common/cipher.h"
#include "sims/common/curve.h"
#include "sims/common/runner.h"
#include "sims/ta100/placeholder.h"

#define TA100_SERIAL_SIZE    8
#define TA100_CONFIG_SIZE    48
#define TA100_AT_ADDRESS     16 /* in the configuration: shifted left by one, as on the wire */
#define TA100_ADDRESS        0x17
#define TA100_ELEMENTS_MAX   32
#define TA100_MEMORY_SIZE    8192
#define TA100_REGISTER_COUNT 4
#define TA100_COUNTER_COUNT  2
#define TA100_SECRET_MAX     64
#define TA100_LOST           (-1) /* not a status: power went during a memory write */

/* Class: low three bits of the first attribute; key type above. */
enum {
    TA100_CLASS_PUBLIC = 0,
    TA100_CLASS_PRIVATE = 1,
    TA100_CLASS_SYMMETRIC = 2,
    TA100_CLASS_DATA = 3,
};

enum {
    TA100_TYPE_P256 = 0,
    TA100_TYPE_HMAC = 8,
    TA100_TYPE_AES128 = 12,
};

#define TA100_CLASS(a) ((a)->element_cka & 0x07u)
#define TA100_TYPE(a)  ((a)->element_cka >> 3)

/* The seven fields of the vendor's public tests. */
struct ta100_attributes {
    uint8_t element_cka;
    uint16_t property; /* of a data element: its size */
    uint8_t usage_key, write_key, read_key;
    uint8_t permission, last;
};

#define TA100_ATTRIBUTES_SIZE 8

struct ta100_element {
    uint16_t handle;
    struct ta100_attributes attributes;
    uint8_t filled, locked;
    uint16_t size, at; /* of the content, in memory */
};

struct ta100_nvm {
    uint8_t serial[TA100_SERIAL_SIZE];
    uint8_t config[TA100_CONFIG_SIZE];
    uint8_t config_locked, setup_locked;
    uint32_t counters[TA100_COUNTER_COUNT];
    struct ta100_element elements[TA100_ELEMENTS_MAX];
    uint8_t count;
    uint8_t memory[TA100_MEMORY_SIZE];
    uint16_t used;
};

/* A volatile register: a secret, or the private key of an ephemeral pair. */
struct ta100_register {
    uint8_t len; /* 0: empty */
    uint8_t is_private;
    uint8_t value[TA100_SECRET_MAX];
};

enum ta100_quirk {
    TA100_QUIRK_NONE = 0,
    TA100_QUIRK_NEVER_READY, /* the status byte says "executing" for ever */
    TA100_QUIRK_LONG_LENGTH, /* answers say that they are longer than a packet may be */
};

/* A frame on SPI, from the first byte after chip select fell. */
struct ta100_frame {
    unsigned is_begun : 1;
    unsigned deaf : 1; /* the part was not awake when it began */
    uint8_t instruction;
    uint8_t packet[TA100_P_PACKET_MAX];
    size_t len; /* of the packet, also of what did not fit */
};

struct ta100_chip {
    struct sim_runner run;
    enum ta100_quirk quirk;
    struct ta100_nvm nvm;
    struct ta100_register registers[TA100_REGISTER_COUNT];

    /* The bus. */
    unsigned asleep : 1;
    unsigned sleep_next : 1; /* when the answer was read */
    uint8_t address;         /* 7 bit; taken from the configuration when power comes */
    uint8_t selected;        /* instruction of the last write */
    uint64_t ready_at_us;
    uint8_t answer[TA100_P_PACKET_MAX];
    size_t answer_len, answer_pos;
    struct ta100_frame spi;
};

struct ta100_command {
    uint8_t opcode, mode;
    uint16_t handle;
};

/* Reads the data behind the handle from in, puts the answer's data into out, gives a status. */
typedef int ta100_handler(struct ta100_chip *c, const struct ta100_command *cmd,
                          struct rs_reader *in, struct rs_buf *out);

ta100_handler ta100_do_info, ta100_do_self_test, ta100_do_random, ta100_do_power, ta100_do_lock,
    ta100_do_counter, ta100_do_create, ta100_do_delete, ta100_do_write, ta100_do_read,
    ta100_do_genkey, ta100_do_sign, ta100_do_verify, ta100_do_ecdh, ta100_do_kdf, ta100_do_mac,
    ta100_do_gcm;

/* ---- The bus (bus.c, spi.c) ------------------------------------------------------------------- */

/* Awake long enough to take part; a sleeping part begins to wake. */
int ta100_is_awake(struct ta100_chip *c);
int ta100_is_executing(const struct ta100_chip *c);
uint8_t ta100_status_byte(const struct ta100_chip *c);
/* A whole command, under the fault rules; 0: it was not taken. */
int ta100_take_packet(struct ta100_chip *c, const uint8_t *p, size_t len);
/* The last byte of the answer is out. */
void ta100_answer_was_read(struct ta100_chip *c);

/* ---- Elements (element.c) ------------------------------------------------------------------- */

/* len bytes of NVM that a power cut tears, or the whole NVM at once: TA100_P_OK or TA100_LOST. */
int ta100_store(struct ta100_chip *c, uint8_t *at, const uint8_t *bytes, size_t len);
int ta100_store_all(struct ta100_chip *c, const struct ta100_nvm *next);
void ta100_volatile_clear(struct ta100_chip *c);

/* NULL: there is none. */
struct ta100_element *ta100_find(struct ta100_nvm *nvm, unsigned handle);
struct ta100_register *ta100_find_register(struct ta100_chip *c, unsigned handle);
int ta100_allows(const struct ta100_element *e, unsigned shift);
/* The size that attributes ask for; 0: no such kind of element. */
size_t ta100_size_of(const struct ta100_attributes *a);
void ta100_read_attributes(struct rs_reader *in, struct ta100_attributes *a);
void ta100_put_attributes(const struct ta100_attributes *a, struct rs_buf *out);
/* 1: the attributes mean something in this model. */
int ta100_attributes_ok(const struct ta100_attributes *a);
/* All of an element's content, replaced at once; its state too. */
int ta100_fill(struct ta100_chip *c, const struct ta100_element *e, const uint8_t *content);

/* ---- Dispatch (dispatch.c) -------------------------------------------------------------------- */

uint16_t ta100_crc(const uint8_t *p, size_t len);
/* Run one packet: fills c->answer; TA100_LOST when the power went. */
int ta100_run(struct ta100_chip *c, const uint8_t *p, size_t len);
void ta100_answer(struct ta100_chip *c, unsigned status, struct rs_bytes data);
uint32_t ta100_time_us(const uint8_t *p, size_t len);

/* ---- Bus (bus.c) ------------------------------------------------------------------------------ */

void ta100_set_time(void *state, uint64_t now_us);
void ta100_set_power(void *state, int on);
void ta100_wake(void *state, uint32_t low_us);
int ta100_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len);
int ta100_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len);
void ta100_spi(void *state, const uint8_t *tx, uint8_t *rx, size_t len, int keep);

/* ---- Saved form (state.c) --------------------------------------------------------------------- */

/* As members of object; 0 when out of memory. */
int ta100_save(const struct ta100_chip *c, json_t *object);
/* Into a part that is otherwise new. */
rs_code ta100_load(struct ta100_chip *c, const json_t *object, struct rs_err *err);

#endif /* SIMS_TA100_CHIP_H */
