/*
 * memory.c: the one door to NVM, and what a reset forgets.
 *
 * Data of a zone is written as it comes: a power cut leaves the bytes that got
 * through.  Everything else (keys, access conditions, counters, an atomic
 * update) is written as a whole: after a cut it is what it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include "sims/stsafe/chip.h"

int
stsafe_store(struct stsafe_chip *c, void *at, const void *bytes, size_t len)
{
    size_t through = len;

    if (c->tear_after != INT_MAX) {
        through = c->tear_after < 0 ? len / 2 : (size_t)c->tear_after;
        if (through > len)
            through = len;
    }
    memcpy(at, bytes, through);
    c->host->stored(c->host->self);
    return c->tear_after == INT_MAX ? STSAFE_OK : STSAFE_LOST;
}

int
stsafe_store_whole(struct stsafe_chip *c, void *at, const void *bytes, size_t len)
{
    if (c->tear_after == INT_MAX)
        memcpy(at, bytes, len);
    c->host->stored(c->host->self);
    return c->tear_after == INT_MAX ? STSAFE_OK : STSAFE_LOST;
}

void
stsafe_store_counter(struct stsafe_chip *c, uint32_t value)
{
    c->nvm.host.counter = value;
    c->host->stored(c->host->self);
}

void
stsafe_volatile_clear(struct stsafe_chip *c)
{
    EVP_MD_CTX_free(c->v.hash);
    rs_wipe(&c->v, sizeof(c->v));
}

int
stsafe_spend(struct stsafe_chip *c, uint16_t *uses)
{
    uint16_t left = (uint16_t)(*uses - 1u);

    if (*uses == STSAFE_UNLIMITED)
        return STSAFE_OK;
    if (*uses == 0)
        return STSAFE_USAGE_LIMIT;
    return stsafe_store_whole(c, uses, &left, sizeof(left));
}
