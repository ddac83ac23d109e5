/*
 * frame_test.c: frames of the STSAFE-A on the wire, refusals first.
 *
 * The strings are those of the public reference (section 9).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stsafe_frame.h"

/* ---- A wire with a script ------------------------------------------------------------ */

struct wire {
    struct rot_transport transport;
    const uint8_t *answer;
    size_t answer_len;
    unsigned write_nacks, read_nacks; /* how many before one is acknowledged */
    unsigned bad_reads;               /* reads whose last byte is wrong */
    unsigned broken_at;               /* the transfer that breaks, from 1 */
    unsigned writes, reads, transfers;
    uint64_t waited_us;
    uint8_t sent[64];
    size_t sent_len;
};

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct wire *w = self;

    assert_int_equal(address, 0x20);
    if (++w->transfers == w->broken_at)
        return ROT_E_BUS;
    w->writes++;
    if (w->write_nacks != 0) {
        w->write_nacks--;
        return ROT_BUSY;
    }
    assert_true(len <= sizeof(w->sent));
    memcpy(w->sent, tx, len);
    w->sent_len = len;
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct wire *w = self;

    assert_int_equal(address, 0x20);
    if (++w->transfers == w->broken_at)
        return ROT_E_BUS;
    if (w->read_nacks != 0) {
        w->read_nacks--;
        return ROT_BUSY;
    }
    w->reads++;
    for (size_t i = 0; i < len; i++)
        rx[i] = i < w->answer_len ? w->answer[i] : 0xff;
    if (w->bad_reads != 0 && len == w->answer_len) {
        w->bad_reads--;
        rx[len - 1] ^= 1;
    }
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    struct wire *w = self;

    w->waited_us += us;
}

static const struct rot_line_ops line = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c = {.write = on_write, .read = on_read};

static const uint8_t random8[] = {0x00, 0x00, 0x0a, 0x00, 0x01, 0x02, 0x03,
                                  0x04, 0x05, 0x06, 0x07, 0x50, 0x96};
static const uint8_t done[] = {0x00, 0x00, 0x02, 0xf0, 0x78};

static rot_err
ask(struct wire *w, const uint8_t *answer, size_t answer_len, uint8_t *rx, size_t cap,
    size_t *ret_len)
{
    uint8_t tx[8] = {0x02, 0x00, 0x08};

    w->transport = (struct rot_transport){.self = w, .line = &line, .i2c = &i2c};
    w->answer = answer;
    w->answer_len = answer_len;
    return stsafe_frame_exchange(&w->transport, 0x20, tx, 3, rx, cap, ret_len);
}

/* ---- Refusals --------------------------------------------------------------------------- */

static void
refuses_damaged_answers(void **state)
{
    uint8_t p[sizeof(random8) + 1];

    (void)state;
    for (size_t bit = 0; bit < sizeof(random8) * 8; bit++) {
        memcpy(p, random8, sizeof(random8));
        p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(stsafe_frame_check(p, sizeof(random8)), ROT_E_BUS);
    }
    for (size_t n = 0; n < sizeof(random8); n++)
        assert_int_equal(stsafe_frame_check(random8, n), ROT_E_BUS);
    memcpy(p, random8, sizeof(random8));
    p[sizeof(random8)] = 0;
    assert_int_equal(stsafe_frame_check(p, sizeof(p)), ROT_E_BUS);
    assert_int_equal(stsafe_frame_check(random8, sizeof(random8)), ROT_OK);
}

static void
gives_up_on_a_silent_part(void **state)
{
    struct wire deaf = {.write_nacks = 1000}, busy = {.read_nacks = 100000};
    uint8_t rx[32];
    size_t n = 0;

    (void)state;
    assert_int_equal(ask(&deaf, done, sizeof(done), rx, sizeof(rx), &n), ROT_E_BUS);
    assert_true(deaf.writes <= 10 && deaf.waited_us <= 100000 && deaf.reads == 0);
    assert_int_equal(ask(&busy, done, sizeof(done), rx, sizeof(rx), &n), ROT_E_BUS);
    assert_true(busy.waited_us >= 900000 && busy.waited_us <= 1100000);
    assert_int_equal(busy.writes, 1);
}

static void
gives_up_on_a_broken_wire(void **state)
{
    uint8_t rx[32];
    size_t n = 0;

    (void)state;
    for (unsigned at = 1; at <= 3; at++) {
        struct wire w = {.broken_at = at};
        rot_err rc = ask(&w, random8, sizeof(random8), rx, sizeof(rx), &n);

        /* A read that failed once is made again; the command is not. */
        assert_int_equal(rc, at == 1 ? ROT_E_BUS : ROT_OK);
        assert_int_equal(w.writes, at == 1 ? 0 : 1);
    }
}

static void
refuses_lengths_that_lie(void **state)
{
    static const uint8_t none[] = {0x00, 0x00, 0x00, 0xf0, 0x78};
    static const uint8_t one[] = {0x00, 0x00, 0x01, 0xf0, 0x78};
    static const uint8_t endless[] = {0x00, 0xff, 0xff, 0xf0, 0x78};
    static const uint8_t *const lies[] = {none, one, endless};
    uint8_t rx[32];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct wire w = {.read_nacks = 0};
        assert_int_equal(ask(&w, lies[i], 5, rx, sizeof(rx), &n), ROT_E_BUS);
        assert_true(w.reads <= 6 && w.writes == 1);
    }
}

/* Longer than we have room for, by one byte. */
static void
refuses_what_does_not_fit(void **state)
{
    struct wire w = {.read_nacks = 0};
    uint8_t rx[sizeof(random8) - 1];
    size_t n = 0;

    (void)state;
    assert_int_equal(ask(&w, random8, sizeof(random8), rx, sizeof(rx), &n), ROT_E_BUS);
}

/* ---- And what is good ------------------------------------------------------------------------ */

static void
has_the_check_value_of_x25(void **state)
{
    static const uint8_t digits[] = "123456789";
    uint16_t part;

    (void)state;
    assert_int_equal(stsafe_frame_crc(0, digits, 9), 0x906e);
    part = stsafe_frame_crc(0, digits, 4);
    assert_int_equal(stsafe_frame_crc(part, digits + 4, 5), 0x906e);
}

static void
reads_again_from_the_start(void **state)
{
    struct wire w = {.read_nacks = 7, .write_nacks = 2};
    uint8_t rx[32];
    size_t n = 0;

    (void)state;
    assert_int_equal(ask(&w, random8, sizeof(random8), rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, sizeof(random8));
    assert_memory_equal(rx, random8, n);
    assert_memory_equal(w.sent, ((const uint8_t[]){0x02, 0x00, 0x08, 0xff, 0x3c}), 5);
    assert_int_equal(w.sent_len, 5);
    assert_int_equal(w.reads, 2); /* five bytes, then all of it */
}

static void
takes_an_empty_answer_from_one_read(void **state)
{
    struct wire w = {.read_nacks = 0};
    uint8_t rx[STSAFE_FRAME_MIN];
    size_t n = 0;

    (void)state;
    assert_int_equal(ask(&w, done, sizeof(done), rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, sizeof(done));
    assert_int_equal(w.reads, 1);
}

static void
reads_a_damaged_answer_once_more(void **state)
{
    uint8_t rx[32];
    size_t n = 0;

    (void)state;
    for (unsigned bad = 1; bad <= 4; bad++) {
        struct wire w = {.bad_reads = bad};
        rot_err rc = ask(&w, random8, sizeof(random8), rx, sizeof(rx), &n);
        assert_int_equal(rc, bad < 3 ? ROT_OK : ROT_E_BUS);
        assert_int_equal(w.writes, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_damaged_answers),
        cmocka_unit_test(gives_up_on_a_silent_part),
        cmocka_unit_test(gives_up_on_a_broken_wire),
        cmocka_unit_test(refuses_lengths_that_lie),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(has_the_check_value_of_x25),
        cmocka_unit_test(reads_again_from_the_start),
        cmocka_unit_test(takes_an_empty_answer_from_one_read),
        cmocka_unit_test(reads_a_damaged_answer_once_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
