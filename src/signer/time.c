/*
 * time.c: the signer's clock and its serial numbers.
 *
 * A serial has a first octet 0x01 (the scheme's version, and positive), five
 * octets of time in units of 1/256 s since 2020, two octets of epoch and 96
 * random bits.  Time first makes the store append its widest rows; the epoch
 * keeps two lives of a signer apart, whatever was restored or cloned; the random
 * bits are what L2 rests on within one unit of time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "signer/core.h"

#define BACKWARD_MS   2000
#define EPOCH_2020_MS 1577836800000
#define SERIAL_UNITS  256 /* a second; five octets of them last until 2156 */
#define SERIAL_SCHEME 0x01
#define TRIES         4

rs_code
signer_now(struct signer *s, int64_t *ret_ms, struct rs_err *err)
{
    int64_t now = rs_now_ms();

    if (now < s->state.floor_ms - BACKWARD_MS)
        return rs_fail(err, RS_E_CLOCK_BEHIND, "clock: %lld ms behind the last recorded time",
                       (long long)(s->state.floor_ms - now));
    *ret_ms = now > s->state.floor_ms ? now : s->state.floor_ms;
    return RS_OK;
}

/* 1 when this value was drawn before in the current unit of time; remembers it. */
static int
is_repeated(struct signer *s, uint64_t value)
{
    size_t mask = (size_t)SIGNER_SERIALS_MAX * 2 - 1, at = (size_t)value & mask;

    if (s->serial_count >= SIGNER_SERIALS_MAX)
        return 0; /* a million a second: the 96 bits have to do alone */
    while (s->serials[at] != 0) {
        if (s->serials[at] == value)
            return 1;
        at = (at + 1) & mask;
    }
    s->serials[at] = value;
    s->serial_count++;
    return 0;
}

/* 96 random bits.  They are drawn for many serials at once, and used once. */
static rs_code
draw(struct signer *s, uint8_t out[SIGNER_DRAW], struct rs_err *err)
{
    rs_code rc = RS_OK;
    uint8_t *from;

    if (s->draws_left == 0) {
        rc = rs_random(s->draws, sizeof(s->draws), err);
        s->draws_left = rc == RS_OK ? SIGNER_DRAWS : 0;
    }
    if (rc != RS_OK)
        return rc;
    from = s->draws + --s->draws_left * SIGNER_DRAW;
    memcpy(out, from, SIGNER_DRAW);
    memset(from, 0, SIGNER_DRAW);
    return RS_OK;
}

static void
enter_unit(struct signer *s, uint64_t unit)
{
    if (unit == s->serial_unit)
        return;
    s->serial_unit = unit;
    s->serial_count = 0;
    memset(s->serials, 0, (size_t)SIGNER_SERIALS_MAX * 2 * sizeof(*s->serials));
}

rs_code
signer_draw_serial(struct signer *s, int64_t now_ms, uint8_t serial[SIGNER_SERIAL_SIZE],
                   struct rs_err *err)
{
    int64_t since = now_ms - EPOCH_2020_MS;
    uint64_t unit = since > 0 ? (uint64_t)since * SERIAL_UNITS / 1000 : 0;
    rs_code rc;

    enter_unit(s, unit);
    serial[0] = SERIAL_SCHEME;
    serial[1] = (uint8_t)(unit >> 32);
    rs_set_u32(serial + 2, (uint32_t)unit);
    rs_set_u16(serial + 6, s->state.epoch);
    for (int i = 0; i < TRIES; i++) {
        rc = draw(s, serial + 8, err);
        if (rc != RS_OK)
            return rc;
        if (!is_repeated(s, rs_get_u64(serial + 12) | 1))
            return RS_OK;
    }
    return rs_fail(err, RS_E_SERIAL_COLLISION, "serial: %d draws gave a known value", TRIES);
}
