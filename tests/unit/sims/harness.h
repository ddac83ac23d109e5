/*
 * harness.h: one simulated part on a desk, and the reader of the vector files.
 *
 * The part's host is the test: it hands out the random bytes it was given, one
 * fate for the next command, and counts memory writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_HARNESS_H
#define TESTS_SIMS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/model.h"

#include "holder.h"

struct part {
    struct atecc_chip chip;
    const struct sim_model *model;
    struct sim_holder holder;
    uint64_t now_us;
    int no_idle; /* part_run leaves the part awake, as one session */
};

void part_init(struct part *p, const struct sim_model *model, const char *personality);
void part_done(struct part *p);
void part_advance(struct part *p, uint64_t us);

/* Raw transactions at the part's own address. */
int part_write(struct part *p, const uint8_t *bytes, size_t len);
int part_read(struct part *p, uint8_t *bytes, size_t len);
/* Pulse and wait; 1 when the part then says 04 11 33 43. */
int part_wake(struct part *p);

/*
 * One command as a host does it: wake if needed, write, poll, read in two
 * steps, idle.  Returns the status byte of a 4-byte answer, or the payload's
 * length plus 0x100; -1 when nobody acknowledged.
 */
#define PART_DATA 0x100
int part_run(struct part *p, unsigned opcode, unsigned p1, unsigned p2, const uint8_t *data,
             size_t len, uint8_t *answer);

/* Vectors: tests/vectors/atecc/FILE, a value as bytes.  Fails the test when it is not there. */
size_t vector_get(const char *file, const char *section, const char *name, uint8_t *bytes,
                  size_t cap);
/* Every value of a section, in order. */
void vector_each(const char *file, const char *section,
                 void (*each)(void *arg, const char *name, const uint8_t *bytes, size_t len),
                 void *arg);
/* Every section of a file. */
void vector_sections(const char *file, void (*each)(void *arg, const char *section), void *arg);

/* Blank part to: configuration of the vector file written and locked, address taken. */
void part_lock_config(struct part *p, const uint8_t from16[112]);
void part_lock_data(struct part *p);

#endif /* TESTS_SIMS_HARNESS_H */
