/*
 * chance.c: see chance.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "chance.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <openssl/rand.h>

static __thread struct chance mine;
static __thread int is_seeded;

/* ---- The numbers (splitmix64) ------------------------------------------------------ */

uint64_t
chance_next(struct chance *c)
{
    uint64_t z = c->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct chance
chance_of(uint64_t seed, const char *word, uint64_t number)
{
    struct chance c = {.state = seed};

    c.state = chance_next(&c) ^ number;
    for (; *word != '\0'; word++)
        c.state = chance_next(&c) ^ (uint64_t)(unsigned char)*word;
    c.state = chance_next(&c);
    return c;
}

unsigned
chance_below(struct chance *c, unsigned below)
{
    return below == 0 ? 0 : (unsigned)(chance_next(c) % below);
}

int
chance_percent(struct chance *c, unsigned percent)
{
    return chance_below(c, 100) < percent;
}

void
chance_fill(struct chance *c, uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(chance_next(c) >> 56);
}

/* ---- In place of the generators ------------------------------------------------------ */

void
chance_thread(const struct chance *c)
{
    is_seeded = c != NULL;
    if (c != NULL)
        mine = *c;
}

static int
draw(unsigned char *p, int len)
{
    const RAND_METHOD *usual = RAND_OpenSSL();

    if (!is_seeded)
        return usual->bytes(p, len);
    chance_fill(&mine, p, (size_t)len);
    return 1;
}

static int
is_ready(void)
{
    return 1;
}

void
chance_take_over(void)
{
    static const RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = is_ready};

    if (RAND_set_rand_method(&method) != 1)
        abort();
}

/* That of the C library, for everybody in this process. */
__attribute__((visibility("default"))) ssize_t
getrandom(void *buffer, size_t length, unsigned flags)
{
    if (!is_seeded)
        return syscall(SYS_getrandom, buffer, length, flags);
    chance_fill(&mine, buffer, length);
    return (ssize_t)length;
}
