/*
 * harness.h: one simulated TA100 on a desk, and a host that speaks the placeholder
 * protocol of docs/chips/ta100-placeholder.md.
 *
 * Packets are built here by the text of that page, not by the simulator's functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SIMS_TA100_HARNESS_H
#define TESTS_SIMS_TA100_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sims/ta100/chip.h"
#include "sims/ta100/model.h"
#include "tests/unit/sims/holder.h"

#define PACKET_MAX 1024

struct part {
    struct ta100_chip chip;
    struct sim_holder holder;
    uint64_t now_us;
    uint8_t data[PACKET_MAX]; /* of the last answer */
    size_t len;
};

/* The part has booted. */
void part_init(struct part *p);
void part_done(struct part *p);
void part_advance(struct part *p, uint64_t us);

/* Raw transactions at the part's own address. */
int part_write(struct part *p, const uint8_t *bytes, size_t len);
int part_read(struct part *p, uint8_t *bytes, size_t len);

/* Opcode, mode, handle and data in hex with blanks; the status, or -1 when there is no answer. */
int part_send(struct part *p, const char *command);
int part_send_bytes(struct part *p, const uint8_t *command, size_t len);
/* The last answer's data is this. */
void part_expect(const struct part *p, const char *hex);

size_t hex_read(const char *text, uint8_t *bytes, size_t cap);
/* Upper-case hex behind what is there. */
void hex_add(char *text, const uint8_t *p, size_t len);

#endif /* TESTS_SIMS_TA100_HARNESS_H */
