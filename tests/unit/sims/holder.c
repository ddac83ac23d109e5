/*
 * holder.c: see holder.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "holder.h"

#include <string.h>

static struct sim_fate
on_command(void *self)
{
    struct sim_holder *h = self;
    struct sim_fate fate = h->fate;

    h->fate = (struct sim_fate){SIM_FATE_RUN, 0};
    h->commands++;
    return fate;
}

static void
on_stored(void *self)
{
    ((struct sim_holder *)self)->stored++;
}

static void
on_random(void *self, uint8_t *out, size_t len)
{
    struct sim_holder *h = self;

    for (size_t i = 0; i < len; i++) {
        if (h->random_len > 0) {
            out[i] = h->random[0];
            memmove(h->random, h->random + 1, --h->random_len);
        } else {
            out[i] = h->random_next += 7;
        }
    }
}

void
sim_holder_init(struct sim_holder *h)
{
    memset(h, 0, sizeof(*h));
    h->host = (struct sim_host){h, on_command, on_stored, on_random};
}
