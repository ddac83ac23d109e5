/*
 * desk.h: a fake part with the driver on it, and OpenSSL as the port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_OPTIGA_DESK_H
#define TESTS_UNIT_LIBROT_OPTIGA_DESK_H

#include <rot/port_openssl.h>
#include <rot/rot_driver.h>

#include "fake_optiga.h"

struct desk {
    struct fake_optiga part;
    struct rot_port_openssl crypto;
    struct rot_port port; /* the driver's: a copy, so that a test can take things away */
    struct rot_port_ops ops;
    struct rot_chip chip;
    uint64_t state[300];
};

/* Fixture: *state is a desk whose part is new and whose chip is closed, or open. */
int desk_closed(void **state);
int desk_open(void **state);
/* The same, paired: the host has a secret, and the part has it. */
int desk_paired(void **state);
int desk_done(void **state);

rot_err desk_try(struct desk *d, uint32_t flags);
/* The secret that this host has for the part. */
void desk_secret(struct desk *d, uint8_t secret[64]);
/* Give the host secrets. */
void desk_give_secrets(struct desk *d);
/* The data of an object, for a test to look at. */
const uint8_t *desk_data(struct desk *d, unsigned oid);

#endif /* TESTS_UNIT_LIBROT_OPTIGA_DESK_H */
