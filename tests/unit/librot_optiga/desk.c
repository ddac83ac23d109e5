/*
 * desk.c: see desk.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

extern const struct rot_driver rot_driver_optiga;

int
desk_closed(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));

    if (d == NULL || rot_port_openssl_init(&d->crypto) != ROT_OK)
        return -1;
    d->ops = *d->crypto.port.ops;
    d->port = (struct rot_port){d->crypto.port.self, &d->ops};
    fake_optiga_init(&d->part, &d->crypto.port);
    *state = d;
    return 0;
}

rot_err
desk_try(struct desk *d, uint32_t flags)
{
    struct rot_setup setup = {.driver = &rot_driver_optiga,
                              .transport = &d->part.transport,
                              .port = &d->port,
                              .state = d->state,
                              .state_size = sizeof(d->state),
                              .flags = flags};

    rot_close(&d->chip);
    return rot_open(&d->chip, &setup);
}

int
desk_open(void **state)
{
    return desk_closed(state) == 0 && desk_try(*state, 0) == ROT_OK ? 0 : -1;
}

void
desk_give_secrets(struct desk *d)
{
    static const uint8_t master[ROT_CHANNEL_MASTER_SIZE] = {0x4d, 0x41};

    rot_port_openssl_channel(&d->crypto, master);
}

void
desk_secret(struct desk *d, uint8_t secret[64])
{
    struct rot_bytes uid = {fake_find(&d->part, 0xe0c2)->data, 27};

    if (d->ops.channel_secret(d->port.self, "optiga", uid, secret, 64) != ROT_OK)
        abort();
}

int
desk_paired(void **state)
{
    uint8_t secret[64];
    struct desk *d;

    if (desk_closed(state) != 0)
        return -1;
    d = *state;
    desk_give_secrets(d);
    desk_secret(d, secret);
    fake_bind(&d->part, secret, 64);
    return desk_try(d, 0) == ROT_OK ? 0 : -1;
}

int
desk_done(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    rot_port_openssl_done(&d->crypto);
    free(d);
    return 0;
}

const uint8_t *
desk_data(struct desk *d, unsigned oid)
{
    return fake_find(&d->part, oid)->data;
}
