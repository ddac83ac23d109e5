/*
 * shim_answer_fuzz.c: a hostile simulator answers the library that stands in a program.
 *
 * The first bytes of a case say what the program does, the rest is what comes
 * back.  Whatever that is: a call gives 0 or an errno of its contract, nothing is
 * written outside of what it was given, and a line that is broken says no more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sims/shim/wire.h"

#define CALLS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
    const uint8_t *p;
    size_t left;
    size_t sent; /* requests so far */
};

static int
take_request(void *self, const uint8_t *p, size_t len)
{
    struct peer *peer = self;

    /* A frame, whole, and with the length that it says. */
    if (len < 3 || ((size_t)p[0] << 8 | p[1]) != len - 2)
        abort();
    peer->sent++;
    return 0;
}

static int
give_answer(void *self, uint8_t *p, size_t len)
{
    struct peer *peer = self;

    if (len > peer->left)
        return peer->left % 2 == 0 ? -EIO : -ETIMEDOUT;
    memcpy(p, peer->p, len);
    peer->p += len;
    peer->left -= len;
    return 0;
}

/* Two reads around a write, in memory of exactly their sizes. */
static int
transfer(struct wire *w, unsigned a, unsigned b)
{
    size_t first_len = a % 64 + 1, second_len = (size_t)b * 4 + 1;
    uint8_t *first = malloc(first_len), *second = malloc(second_len), out[3] = {1, 2, 3};
    const struct wire_message messages[] = {{(uint8_t)(a % 128), 1, first, first_len},
                                            {0x48, 0, out, b % 4},
                                            {0x30, 1, second, second_len}};
    int rc = first == NULL || second == NULL ? 0 : wire_transfer(w, messages, 3);

    free(first);
    free(second);
    return rc;
}

static int
spi(struct wire *w, unsigned a, unsigned b)
{
    size_t len = (size_t)a * 16 + b % 16;
    uint8_t *tx = calloc(1, len + 1), *rx = malloc(len == 0 ? 1 : len);
    int rc = tx == NULL || rx == NULL ? 0 : wire_spi(w, b * 100000, tx, rx, len, b % 2);

    free(tx);
    free(rx);
    return rc;
}

static int
call(struct wire *w, unsigned what, unsigned a, unsigned b)
{
    switch (what % 5) {
    case 0:
        return wire_begin(w, a % 2 == 0 ? "main/u1" : "main/*");
    case 1:
        return wire_delay(w, a << 24 | b);
    case 2:
        return wire_power(w, a % 2 == 0);
    case 3:
        return spi(w, a, b);
    default:
        return transfer(w, a, b);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer peer = {NULL, 0, 0};
    struct wire w = {.self = &peer, .send = take_request, .receive = give_answer};

    if (size < 3 * CALLS)
        return 0;
    peer.p = data + 3 * CALLS;
    peer.left = size - 3 * CALLS;
    for (size_t i = 0; i < CALLS; i++) {
        size_t sent = peer.sent;
        int was_broken = w.broken, rc = call(&w, data[3 * i], data[3 * i + 1], data[3 * i + 2]);

        if (rc != 0 && rc != -ENXIO && rc != -EIO && rc != -ENODEV && rc != -EOPNOTSUPP &&
            rc != -ETIMEDOUT)
            abort();
        if (rc == -ETIMEDOUT && !w.broken)
            abort();
        if (was_broken && data[3 * i] % 5 != 0 && (rc != -EIO || peer.sent != sent))
            abort();
    }
    return 0;
}
