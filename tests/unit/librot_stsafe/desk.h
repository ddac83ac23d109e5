/*
 * desk.h: a fake part on a desk, with a port whose channel secret a test chooses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_STSAFE_DESK_H
#define TESTS_UNIT_LIBROT_STSAFE_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "fake_part.h"
#include "stsafe.h"

extern const struct rot_driver rot_driver_stsafe;

struct desk {
    struct fake_part part;
    struct rot_port_openssl openssl;
    struct rot_port_ops ops;
    struct rot_port port;
    struct rot_setup setup;
    struct rot_chip chip;
    uint8_t secret[32];
    int has_secret;
};

static const uint8_t desk_keys[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* In place of the table's own, for this desk: it asks with the right name and identifier. */
static rot_err
desk_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    struct desk *d = (struct desk *)(void *)((char *)self - offsetof(struct desk, openssl));

    assert_string_equal(driver, "stsafe");
    assert_int_equal(uid.len, 9);
    assert_memory_equal(uid.p, d->part.number, 9);
    assert_int_equal(len, 32);
    if (!d->has_secret)
        return ROT_E_EMPTY;
    memcpy(secret, d->secret, 32);
    return ROT_OK;
}

static rot_err
desk_open(struct desk *d)
{
    return rot_open(&d->chip, &d->setup);
}

static int
desk_make(void **state, unsigned model, int paired)
{
    struct desk *d = calloc(1, sizeof(*d));

    if (d == NULL || rot_port_openssl_init(&d->openssl) != ROT_OK)
        return -1;
    fake_part_init(&d->part, model);
    d->ops = *d->openssl.port.ops;
    d->ops.channel_secret = desk_secret;
    d->port = (struct rot_port){d->openssl.port.self, &d->ops};
    d->setup = (struct rot_setup){.driver = &rot_driver_stsafe,
                                  .transport = &d->part.transport,
                                  .port = &d->port,
                                  .state = calloc(1, rot_driver_stsafe.state_size),
                                  .state_size = rot_driver_stsafe.state_size};
    memcpy(d->secret, desk_keys, 32);
    d->has_secret = paired;
    if (paired)
        fake_part_pair(&d->part, desk_keys, 41);
    *state = d;
    return desk_open(d) == ROT_OK ? 0 : -1;
}

static int
desk_done(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    fake_part_done(&d->part);
    rot_port_openssl_done(&d->openssl);
    free(d->setup.state);
    free(d);
    return 0;
}

/* An A110 in the clear; one with host keys; an A120 with host keys. */
static inline int
desk_clear(void **state)
{
    return desk_make(state, 1, 0);
}

static inline int
desk_paired(void **state)
{
    return desk_make(state, 1, 1);
}

static inline int
desk_a120(void **state)
{
    return desk_make(state, 2, 1);
}

#define CLEAR(f)  cmocka_unit_test_setup_teardown(f, desk_clear, desk_done)
#define PAIRED(f) cmocka_unit_test_setup_teardown(f, desk_paired, desk_done)
#define A120(f)   cmocka_unit_test_setup_teardown(f, desk_a120, desk_done)

#endif /* TESTS_UNIT_LIBROT_STSAFE_DESK_H */
