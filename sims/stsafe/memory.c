/*
 * memory.c: the one door to NVM, and what a reset forgets.
 *
 * Data of a zone is written as it comes: a power cut leaves the bytes that got
 * through.  Everything else (keys, access conditions, counters, an atomic
 * update) is written as a whole: after a cut it is what it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/evp.h>

#include "sims/stsafe/chip.h"

int
stsafe_store(struct stsafe_chip *c, void *at, const void *bytes, size_t len)
{
    return sim_runner_store(&c->run, at, bytes, len) ? STSAFE_OK : STSAFE_LOST;
}

int
stsafe_store_whole(struct stsafe_chip *c, void *at, const void *bytes, size_t len)
{
    return sim_runner_store_whole(&c->run, at, bytes, len) ? STSAFE_OK : STSAFE_LOST;
}

void
stsafe_store_counter(struct stsafe_chip *c, uint32_t value)
{
    c->nvm.host.counter = value;
    c->run.host->stored(c->run.host->self);
}

void
stsafe_volatile_clear(struct stsafe_chip *c)
{
    EVP_MD_CTX_free(c->v.hash);
    stsafe_chunks_stop(c);
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
