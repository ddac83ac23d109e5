/*
 * soft_help.h: a soft chip in a directory of its own, and files that fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_LIBROT_SOFT_HELP_H
#define TESTS_LIBROT_SOFT_HELP_H

#include <rot/port_openssl.h>
#include <rot/rot_soft.h>

struct bench {
    char dir[64];
    char path[80];
    struct rot_port_openssl crypto;
    struct rot_soft soft;
    struct rot_setup setup;
    struct rot_chip chip;
    uint64_t state[ROT_SOFT_STATE_SIZE / sizeof(uint64_t)];
};

extern const uint8_t bench_secret[32];

/* A new directory, a new store, opened. */
void bench_start(struct bench *b);
/* Close, and remove the directory. */
void bench_stop(struct bench *b);
/* Close and open again with the layout of that name (NULL: default). */
rot_err bench_reopen(struct bench *b, const struct rot_layout *layout);

/*
 * Files of which one call fails.  What fails is like a power cut: the call and
 * all later ones do nothing; a write that fails has written half.
 */
struct fault_files {
    unsigned fail_at; /* which call, from 1; 0: none */
    unsigned calls;
    int once; /* 1: the calls after the failing one work again */
    /* What reached the disk, in order: w write, s flush of a file, r rename, d flush of a directory. */
    char trace[256];
};
extern const struct rot_soft_files fault_table;

/* The whole of a file, and back. */
size_t file_read(const char *path, uint8_t *buf, size_t cap);
void file_write(const char *path, const uint8_t *buf, size_t len);

#endif /* TESTS_LIBROT_SOFT_HELP_H */
