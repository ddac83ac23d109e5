/*
 * ta100.h: what the files of the TA100 driver share.
 *
 * What a TA100 can do, behind rot.h: handles, attributes and operations as the vendor's
 * public tests show them.  How it is asked is not public: all of that is in placeholder.h,
 * which see.  docs/chips/ta100.md says which is which.
 *
 * frame.c builds and checks packets, as pure functions; wire.c moves them; element.c
 * knows elements and their attributes, store.c keeps bytes in them, keys.c is about key
 * pairs, secret.c about secrets, seal.c about locks, attest.c about evidence, layout.c
 * says what lives where, driver.c is the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_TA100_H
#define ROT_TA100_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#include "placeholder.h"

/* Microchip's public host library: 8-bit 2E; 8 bytes of serial number. */
#define TA100_ADDRESS 0x17u
#define TA100_SERIAL  8u

#define TA100_ATTRIBUTES 8u
#define TA100_DIGEST     32u
#define TA100_POINT      64u
#define TA100_SPKI       91u
#define TA100_CHUNK      512u /* bytes of one access to stored bytes */
#define TA100_TRAILER    8u   /* behind the room for stored bytes: see store.c */

/* ---- frame.c: pure functions ----------------------------------------------------------- */

uint16_t ta100_crc(const uint8_t *p, size_t len);

/* Fill in length and CRC of a command of len bytes, both included; len fits. */
void ta100_command_end(uint8_t *packet, size_t len);

/*
 * Status and data of an answer that should be len bytes.  ROT_E_BUS: its length or CRC is
 * wrong; ROT_E_FORMAT: a refusal that has data.
 */
ROT_MUST_USE rot_err ta100_answer_read(const uint8_t *packet, size_t len, uint8_t *ret_status,
                                       struct rot_bytes *ret_data);

/* The code of rot.h for a status. */
ROT_MUST_USE rot_err ta100_map_status(unsigned status);

/* ---- The state of a chip ---------------------------------------------------------------- */

/* What Info says of the part. */
struct ta100_identity {
    uint8_t serial[TA100_SERIAL];
    uint32_t revision;
    uint8_t locks;
};

/* What Info says of an element. */
struct ta100_element {
    uint8_t attributes[TA100_ATTRIBUTES];
    uint8_t state;
    uint16_t size;
};

/* An object being written piece by piece. */
struct ta100_pending {
    const struct rot_place *place;
    uint16_t handle, total, filled, sequence;
};

/*
 * What is known of an element since the part was opened; only our own commands change it,
 * and a failing bus, or another serial number, ends it.
 */
enum ta100_seen {
    TA100_SEEN_RIGHT = 0x01,  /* it is there, with the layout's attributes */
    TA100_SEEN_BLANK = 0x02,  /* created by us; no content was written since */
    TA100_SEEN_FILLED = 0x04, /* a key: it has one */
    TA100_SEEN_WHOLE = 0x08,  /* bytes: their trailer was read, or written, and is right */
};
#define TA100_SEEN_CONTENT (TA100_SEEN_BLANK | TA100_SEEN_FILLED | TA100_SEEN_WHOLE)
#define TA100_SEEN_PLACES  32u /* of a layout; two elements each */

struct ta100_state {
    struct ta100_pending pending;
    uint8_t serial[TA100_SERIAL];
    uint8_t seen[2 * TA100_SEEN_PLACES];
    size_t len; /* of the command in buf, from its instruction on */
    uint8_t address;
    uint8_t is_open;
    uint8_t is_bad;                    /* something did not fit into the command */
    uint8_t buf[1 + TA100_PACKET_MAX]; /* instruction and command, then the answer */
};

static inline struct ta100_state *
ta100_of(const struct rot_chip *chip)
{
    return chip->setup.state;
}

/* ---- wire.c ------------------------------------------------------------------------------- */

/* A command to fill in and to send; what it answers lies in the state until the next one. */
void ta100_begin(struct rot_chip *chip, enum ta100_op op, unsigned mode, uint32_t handle);
void ta100_put(struct rot_chip *chip, const void *p, size_t len);
void ta100_put_u16(struct rot_chip *chip, size_t v);
/* Length in two bytes, and the bytes. */
void ta100_put_field(struct rot_chip *chip, struct rot_bytes field);
/* ROT_E_ARG when something did not fit. */
ROT_MUST_USE rot_err ta100_run(struct rot_chip *chip, struct rot_bytes *ret_data);
/* The answer has exactly len bytes of data: they go to out. */
ROT_MUST_USE rot_err ta100_run_into(struct rot_chip *chip, uint8_t *out, size_t len);
ROT_MUST_USE rot_err ta100_run_plain(struct rot_chip *chip);
/* After a command that failed: 1 when what is there does not behave as a TA100 does. */
int ta100_is_another(struct rot_chip *chip);
/* The state's buffer held a secret. */
void ta100_forget(struct rot_chip *chip);

/* ---- element.c ---------------------------------------------------------------------------- */

ROT_MUST_USE rot_err ta100_identity(struct rot_chip *chip, struct ta100_identity *ret_identity);
ROT_MUST_USE rot_err ta100_element(struct rot_chip *chip, uint32_t handle,
                                   struct ta100_element *ret_element);

/* Bits of enum ta100_seen; 0 of a place beyond those that are remembered. */
unsigned ta100_seen(const struct rot_chip *chip, const struct rot_place *place, uint32_t handle);
void ta100_see(struct rot_chip *chip, const struct rot_place *place, uint32_t handle, unsigned set,
               unsigned clear);
void ta100_see_nothing(struct rot_chip *chip);

int ta100_is_register(const struct rot_place *place);
/* What the place is in is an element: created, with attributes. */
int ta100_is_element(const struct rot_place *place);
/* The attributes that the place's element has; they follow from the place. */
void ta100_attributes(const struct rot_place *place, uint8_t attributes[TA100_ATTRIBUTES]);
/* ROT_E_EMPTY: there is none; ROT_E_MISMATCH: it has other attributes. */
ROT_MUST_USE rot_err ta100_check(struct rot_chip *chip, const struct rot_place *place,
                                 uint32_t handle, struct ta100_element *ret_element);
/* There, as the layout has it, from now on.  ROT_E_STATE: somebody else's stands there. */
ROT_MUST_USE rot_err ta100_create(struct rot_chip *chip, const struct rot_place *place,
                                  uint32_t handle);
/* The same, where it should be there. */
ROT_MUST_USE rot_err ta100_ensure(struct rot_chip *chip, const struct rot_place *place,
                                  uint32_t handle);

/* ---- store.c --------------------------------------------------------------------------------- */

ROT_MUST_USE rot_err ta100_object_size(struct rot_chip *chip, const struct rot_place *place,
                                       size_t *ret_size);
ROT_MUST_USE rot_err ta100_object_read(struct rot_chip *chip, const struct rot_place *place,
                                       size_t offset, uint8_t *buf, size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err ta100_object_write(struct rot_chip *chip, const struct rot_place *place,
                                        size_t offset, const uint8_t *buf, size_t len, size_t total,
                                        size_t *ret_need);
ROT_MUST_USE rot_err ta100_counter_read(struct rot_chip *chip, const struct rot_place *place,
                                        uint64_t *ret_value);
ROT_MUST_USE rot_err ta100_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                                             uint64_t *ret_value);
ROT_MUST_USE rot_err ta100_read(struct rot_chip *chip, uint32_t handle, size_t offset, uint8_t *buf,
                                size_t len);
/* Written, read back and compared. */
ROT_MUST_USE rot_err ta100_write(struct rot_chip *chip, uint32_t handle, size_t offset,
                                 const uint8_t *p, size_t len);

/* ---- keys.c ------------------------------------------------------------------------------------ */

/* The point of a SubjectPublicKeyInfo on P-256; ROT_E_FORMAT when it is none. */
ROT_MUST_USE rot_err ta100_point_of(struct rot_bytes spki, uint8_t point[TA100_POINT]);
/* The public key of a pair. */
ROT_MUST_USE rot_err ta100_point(struct rot_chip *chip, uint32_t handle,
                                 uint8_t point[TA100_POINT]);
ROT_MUST_USE rot_err ta100_key_generate(struct rot_chip *chip, const struct rot_place *place,
                                        enum rot_alg alg, uint8_t *pub, size_t cap,
                                        size_t *ret_len);
ROT_MUST_USE rot_err ta100_key_public(struct rot_chip *chip, const struct rot_place *place,
                                      uint8_t *pub, size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err ta100_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                                       const uint8_t *digest, size_t digest_len, uint8_t *sig,
                                       size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err ta100_verify_digest(struct rot_chip *chip, const struct rot_place *place,
                                         const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                                         size_t digest_len, const uint8_t *sig, size_t sig_len);

/* ---- secret.c ---------------------------------------------------------------------------------- */

ROT_MUST_USE rot_err ta100_key_import(struct rot_chip *chip, const struct rot_place *place,
                                      enum rot_alg alg, const uint8_t *wrapped, size_t wrapped_len);
ROT_MUST_USE rot_err ta100_agree(struct rot_chip *chip, const struct rot_place *place,
                                 const uint8_t *peer, size_t peer_len, const struct rot_place *into,
                                 uint8_t *secret, size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err ta100_derive(struct rot_chip *chip, const struct rot_place *from,
                                  const struct rot_kdf_params *params, const struct rot_place *into,
                                  uint8_t *out, size_t cap, size_t *ret_len);
ROT_MUST_USE rot_err ta100_mac(struct rot_chip *chip, const struct rot_place *place,
                               const uint8_t *msg, size_t msg_len, uint8_t *mac, size_t cap,
                               size_t *ret_len);
ROT_MUST_USE rot_err ta100_aead(struct rot_chip *chip, const struct rot_place *place,
                                enum rot_aead alg, int seal, struct rot_bytes nonce,
                                struct rot_bytes aad, struct rot_bytes in, uint8_t *out, size_t cap,
                                size_t *ret_len);

/* ---- seal.c ------------------------------------------------------------------------------------- */

ROT_MUST_USE rot_err ta100_seal_prepare(struct rot_chip *chip, enum rot_stage stage,
                                        const struct rot_place *place);
ROT_MUST_USE rot_err ta100_seal(struct rot_chip *chip, enum rot_stage stage,
                                const struct rot_place *place);
ROT_MUST_USE rot_err ta100_seal_state(struct rot_chip *chip, enum rot_stage stage,
                                      const struct rot_place *place,
                                      enum rot_seal_state *ret_state);
/* Which stages are taken, of a part with these locks; bits 1 << stage. */
ROT_MUST_USE rot_err ta100_sealed(struct rot_chip *chip, unsigned locks, uint32_t *ret_sealed);

/* ---- attest.c ------------------------------------------------------------------------------------ */

ROT_MUST_USE rot_err ta100_attest(struct rot_chip *chip, const struct rot_place *place,
                                  const uint8_t nonce[32], struct rot_evidence *evidence);

/* ---- layout.c -------------------------------------------------------------------------------------- */

extern const struct rot_layout *const ta100_layouts[];

#endif /* ROT_TA100_H */
