/*
 * chance.h: numbers that a seed decides, so that any run can be made again.
 *
 * The programs' own generators (the library's and the system's) take their bytes from here
 * in a thread that was given a seed: the parts then have the same ids and keys each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_HOSTILE_CHANCE_H
#define TESTS_HOSTILE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* The same words and numbers give the same chances. */
struct chance chance_of(uint64_t seed, const char *word, uint64_t number);
uint64_t chance_next(struct chance *c);
/* 0 to below - 1. */
unsigned chance_below(struct chance *c, unsigned below);
/* 1 in so many per cent of all cases. */
int chance_percent(struct chance *c, unsigned percent);
void chance_fill(struct chance *c, uint8_t *p, size_t len);

/* Once, at the start. */
void chance_take_over(void);
/* What this thread draws from now on comes from there; NULL: from the system again. */
void chance_thread(const struct chance *c);

#endif /* TESTS_HOSTILE_CHANCE_H */
