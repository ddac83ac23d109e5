/*
 * bench.h: a chip that is a fake part, opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_SE05X_BENCH_H
#define TESTS_UNIT_LIBROT_SE05X_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "fake_se05x.h"
#include "se05x.h"

extern const struct rot_driver rot_driver_se05x;

static struct fake_se05x part;
static struct rot_port_openssl crypto;
static struct rot_chip chip;
static uint64_t memory[(sizeof(struct se05x_state) + 7) / 8];
static uint32_t open_flags;

static rot_err
bench_open(void)
{
    struct rot_setup setup = {.driver = &rot_driver_se05x,
                              .transport = &part.transport,
                              .port = &crypto.port,
                              .state = memory,
                              .state_size = sizeof(memory),
                              .flags = open_flags};

    return rot_open(&chip, &setup);
}

static int
bench_start(void (*init)(struct fake_se05x *f))
{
    open_flags = 0;
    init(&part);
    assert_int_equal(rot_port_openssl_init(&crypto), ROT_OK);
    assert_int_equal(bench_open(), ROT_OK);
    return 0;
}

static int
new_part(void **state)
{
    (void)state;
    return bench_start(fake_init);
}

/* Every command that the applet got came by the channel, and the part found no MAC wrong. */
static int
end_part(void **state)
{
    (void)state;
    assert_int_equal(part.bad_macs, 0);
    rot_close(&chip);
    rot_port_openssl_done(&crypto);
    return 0;
}

#endif /* TESTS_UNIT_LIBROT_SE05X_BENCH_H */
