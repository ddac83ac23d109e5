/*
 * desk.h: a fake part on a desk, with OpenSSL as the port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_TA100_DESK_H
#define TESTS_UNIT_LIBROT_TA100_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "fake_ta100.h"
#include "ta100.h"

extern const struct rot_driver rot_driver_ta100;

struct desk {
    struct fake_ta100 part;
    struct rot_port_openssl openssl;
    struct rot_setup setup;
    struct rot_chip chip;
};

static inline const struct rot_port_ops *
desk_ops(struct desk *d)
{
    return d->openssl.port.ops;
}

static inline rot_err
desk_open(struct desk *d)
{
    rot_close(&d->chip);
    return rot_open(&d->chip, &d->setup);
}

/* A new part that nobody has opened. */
static inline int
desk_closed(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));

    if (d == NULL || rot_port_openssl_init(&d->openssl) != ROT_OK)
        return -1;
    fake_ta100_init(&d->part, &d->openssl.port);
    d->setup = (struct rot_setup){.driver = &rot_driver_ta100,
                                  .transport = &d->part.transport,
                                  .port = &d->openssl.port,
                                  .state = calloc(1, rot_driver_ta100.state_size),
                                  .state_size = rot_driver_ta100.state_size};
    *state = d;
    return d->setup.state != NULL ? 0 : -1;
}

static inline int
desk_ready(void **state)
{
    return desk_closed(state) == 0 && desk_open(*state) == ROT_OK ? 0 : -1;
}

static inline int
desk_done(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    rot_port_openssl_done(&d->openssl);
    free(d->setup.state);
    free(d);
    return 0;
}

/* A pair in its place, and its point. */
static inline void
desk_make(struct desk *d, rot_object obj, uint8_t spki[91], uint8_t point[64])
{
    enum rot_alg alg = ROT_ALG_NONE;
    uint8_t found[96];
    size_t n = 0;

    assert_int_equal(rot_key_generate(&d->chip, obj, ROT_ALG_P256, spki, 91, &n), ROT_OK);
    assert_int_equal(n, 91);
    assert_int_equal(rot_spki_to_point(spki, n, found, &alg), ROT_OK);
    memcpy(point, found, 64);
}

/* A pair of the host's. */
static inline void
desk_peer(struct desk *d, uint8_t priv[32], uint8_t spki[91])
{
    uint8_t point[64];
    size_t n = 0;

    assert_int_equal(desk_ops(d)->ec_generate(d->openssl.port.self, ROT_ALG_P256, priv, point),
                     ROT_OK);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, spki, 91, &n), ROT_OK);
}

#define CLOSED(f) cmocka_unit_test_setup_teardown(f, desk_closed, desk_done)
#define READY(f)  cmocka_unit_test_setup_teardown(f, desk_ready, desk_done)

#endif /* TESTS_UNIT_LIBROT_TA100_DESK_H */
