/*
 * far.h: the far side of the wire: a simulated chip, in a library of its own.
 *
 * A driver and the simulator of its chip are written by different hands, and
 * both use the chip's words as names.  So they are never linked together: the
 * simulators are behind these few calls, and show nothing else.
 *
 * What fails here ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_MEET_FAR_H
#define TESTS_MEET_FAR_H

#include <stddef.h>
#include <stdint.h>

#define FAR_PUBLIC __attribute__((visibility("default")))

struct far;

/* A new chip of this kind on a bus of its own, and further ones ("bench/2") beside it. */
FAR_PUBLIC struct far *far_new(const char *kind);
/* The same, of makers whose keys and certificates are kept in a directory. */
FAR_PUBLIC struct far *far_new_from(const char *kind, const char *makers);
FAR_PUBLIC void far_add(struct far *f, const char *name, const char *kind);
FAR_PUBLIC void far_free(struct far *f);

FAR_PUBLIC const char *far_model(const struct far *f);
FAR_PUBLIC uint8_t far_address(struct far *f);

/* Transactions; 1 when somebody acknowledged. */
FAR_PUBLIC int far_write(struct far *f, uint32_t speed_hz, uint8_t address, const uint8_t *p,
                         size_t len);
FAR_PUBLIC int far_read(struct far *f, uint32_t speed_hz, uint8_t address, uint8_t *p, size_t len);
FAR_PUBLIC void far_wake(struct far *f, uint32_t low_us);
FAR_PUBLIC void far_delay(struct far *f, uint32_t us);

/* Of the first chip. */
FAR_PUBLIC void far_power(struct far *f, int on);
FAR_PUBLIC int far_has_power(struct far *f);
FAR_PUBLIC void far_fault(struct far *f, const char *rule);
FAR_PUBLIC void far_clear(struct far *f);
/* Another part of the same kind in its place, as it comes from its maker. */
FAR_PUBLIC void far_reset(struct far *f);
FAR_PUBLIC void far_quirk(struct far *f, const char *quirk);
FAR_PUBLIC unsigned far_commands(struct far *f);
/* What it remembers without power: the text of its state file.  To be freed. */
FAR_PUBLIC char *far_memory(struct far *f);
/* A part with this memory in its place, which has just got power; rules are forgotten. */
FAR_PUBLIC void far_remember(struct far *f, const char *memory);

/* The certificate of its maker's root, or of the signer below it: DER; 0 when it has no maker. */
FAR_PUBLIC size_t far_maker(const struct far *f, int signer, uint8_t *out, size_t cap);

/* OPTIGA: the numbers of the last protected records. */
FAR_PUBLIC void far_optiga_numbers(struct far *f, uint32_t from_host, uint32_t from_part);

#endif /* TESTS_MEET_FAR_H */
