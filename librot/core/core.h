/*
 * core.h: what the files of the core share, and nobody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_CORE_CORE_H
#define ROT_CORE_CORE_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

/* ---- Checks at the door (check.c) ----------------------------------------- */

/*
 * The chip is there and open; the last status word is forgotten, so that it
 * belongs to this call.  ROT_E_ARG otherwise.
 */
ROT_MUST_USE rot_err rot_check_open(struct rot_chip *chip);

/* ROT_E_AUTH where production may not change a part yet: see ROT_OPEN_PRODUCTION. */
ROT_MUST_USE rot_err rot_check_change(const struct rot_chip *chip);

/* The place of a key that may be used with the given flags; ROT_E_UNSUPPORTED when there is none. */
ROT_MUST_USE rot_err rot_check_key(const struct rot_chip *chip, rot_object obj, unsigned flags,
                                   const struct rot_place **ret_place);

/* The place of bytes: CERT, CHAIN or DATA, and not a counter's. */
ROT_MUST_USE rot_err rot_check_stored(const struct rot_chip *chip, rot_object obj,
                                      enum rot_part part, const struct rot_place **ret_place);

/*
 * Where an agreed or derived secret goes.  Into an object: its place in
 * *ret_into, and secret must be NULL.  Out (into == 0): *ret_into is NULL,
 * from must allow it and secret and ret_len be given.
 */
ROT_MUST_USE rot_err rot_check_into(const struct rot_chip *chip, const struct rot_place *from,
                                    rot_object into, const uint8_t *secret, const size_t *ret_len,
                                    const struct rot_place **ret_into);

/* ROT_E_SPACE with *ret_len = need when need is more than cap. */
ROT_MUST_USE rot_err rot_check_space(size_t need, size_t cap, size_t *ret_len);

/* A piece of memory is either empty or somewhere. */
int rot_bytes_ok(struct rot_bytes b);

/* The place that ROT_STAGE_OBJECT seals for an object: the first that is lockable, or NULL. */
const struct rot_place *rot_find_lockable(const struct rot_layout *layout, rot_object obj);

/* ---- Algorithms (alg.c) ---------------------------------------------------- */

int rot_alg_is_ecdsa(enum rot_alg alg);
int rot_alg_is_secret(enum rot_alg alg); /* AES and HMAC keys */
int rot_alg_is_aes(enum rot_alg alg);

/* The hash that goes with an ECDSA curve; only for algorithms that rot_alg_is_ecdsa(). */
enum rot_hash rot_alg_hash(enum rot_alg alg);

/* ---- DER (der.c) ------------------------------------------------------------ */

/*
 * Take one element with this tag off the front of *in.  Strict DER (X.690
 * 10.1): definite, shortest length, at most 65,535 bytes, inside *in.
 */
ROT_MUST_USE rot_err rot_der_take(struct rot_bytes *in, uint8_t tag, struct rot_bytes *ret_content);

/*
 * Take an INTEGER that is positive or zero and fits in len bytes, and write
 * it there, zeroes in front.
 */
ROT_MUST_USE rot_err rot_der_take_uint(struct rot_bytes *in, uint8_t *out, size_t len);

/* Bytes that an INTEGER of this magnitude takes with its header; len is at most 126. */
size_t rot_der_uint_size(const uint8_t *magnitude, size_t len);

/* Write that INTEGER at p and give the end. */
uint8_t *rot_der_put_uint(uint8_t *p, const uint8_t *magnitude, size_t len);

#endif /* ROT_CORE_CORE_H */
