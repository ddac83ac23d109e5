/*
 * bench.h: a driver and a simulated chip on one bench, in one process.
 *
 * Between them is a transport that a test can listen to and lie in.  Fault rules,
 * power and memory of the chip are far.h's.  Time is the simulator's: nothing
 * here waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_MEET_BENCH_H
#define TESTS_MEET_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rot/port_openssl.h>
#include <rot/rot_driver.h>

#include "far.h"

#define BENCH_STATE_SIZE 8192

struct bench {
    struct far *far;
    struct rot_port_openssl crypto;
    struct rot_transport transport;
    struct rot_setup setup;
    struct rot_chip rot;
    uint64_t state[BENCH_STATE_SIZE / sizeof(uint64_t)];
    uint32_t speed_hz;
    /* Sees each transaction, and may change what was read or is to be written. */
    void (*tap)(struct bench *b, int is_read, uint8_t *p, size_t len);
    void *tap_self;
};

/* A new chip of this kind, whose driver the registry finds; closed. */
struct bench *bench_new(const char *kind);
void bench_free(struct bench *b);

/* The host's master for channel secrets; NULL: none. */
void bench_host(struct bench *b, const char *master);
/* Close, and open with these flags.  In production the chip does not say that it is simulated. */
rot_err bench_open(struct bench *b, uint32_t flags);

/* The code is this one, or the test fails with both names. */
void bench_is(rot_err got, rot_err want, const char *file, int line, const char *what);
#define IS(call, code) bench_is((call), (code), __FILE__, __LINE__, #call)

#endif /* TESTS_MEET_BENCH_H */
