/*
 * wire_test.c: the client of the simulator socket: against answers that are none, and
 * against the simulator's own session in this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "sims/panel/panel.h"
#include "sims/panel/session.h"
#include "sims/shim/wire.h"

/* ---- A peer that says what it is told to ------------------------------------------------- */

struct script {
    uint8_t bytes[4096];
    size_t len, at;
    uint8_t sent[WIRE_SPI_MAX + 64];
    size_t sent_len;
    int send_fails;
};

static int
script_send(void *self, const uint8_t *p, size_t len)
{
    struct script *s = self;

    if (s->send_fails)
        return -EIO;
    if (len <= sizeof(s->sent)) {
        memcpy(s->sent, p, len);
        s->sent_len = len;
    }
    return 0;
}

static int
script_receive(void *self, uint8_t *p, size_t len)
{
    struct script *s = self;

    if (len > s->len - s->at)
        return -EIO;
    memcpy(p, s->bytes + s->at, len);
    s->at += len;
    return 0;
}

static struct wire
script_start(struct script *s, const char *hex)
{
    memset(s, 0, sizeof(*s));
    assert_true(rs_hex_read(hex, strlen(hex), s->bytes, sizeof(s->bytes), &s->len));
    return (struct wire){.self = s, .send = script_send, .receive = script_receive};
}

static void
answers_that_are_none_break_the_line(void **state)
{
    static const char *const bad[] = {
        "",             /* hung up */
        "0003",         /* half a head */
        "00001700",     /* a length that has no head */
        "00011700",     /* and half of one */
        "00041800AABB", /* of another request */
        "00031700AA",   /* too short */
        "00051700AABBCC" /* too long */,
        "00041700AA",     /* cut off */
        "000B1703626164", /* a text that is cut off */
    };
    uint8_t rx[2];
    const struct wire_message m = {0x48, 1, rx, sizeof(rx)};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct script s;
        struct wire w = script_start(&s, bad[i]);

        assert_int_equal(wire_transfer(&w, &m, 1), -EIO);
        assert_int_equal(w.broken, 1);
        s.at = 0;
        s.sent_len = 0;
        assert_int_equal(wire_transfer(&w, &m, 1), -EIO);
        assert_int_equal(s.sent_len, 0); /* nothing goes out on a broken line */
    }
}

static void
a_status_is_an_errno(void **state)
{
    static const struct {
        const char *answer;
        int want;
    } cases[] = {
        {"00021701", -ENXIO},     {"0005170278797A", -EIO},    {"00021703", -EIO},
        {"00021704", -EIO},       {"0005170578797A", -ENODEV}, {"00021706", -EOPNOTSUPP},
        {"0005170778797A", -EIO}, {"00041700AABB", 0},
    };
    uint8_t rx[2];
    const struct wire_message m = {0x48, 1, rx, sizeof(rx)};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script s;
        struct wire w = script_start(&s, cases[i].answer);

        assert_int_equal(wire_transfer(&w, &m, 1), cases[i].want);
        assert_int_equal(w.broken, 0);
        assert_int_equal(s.at, s.len); /* the next answer is read from its beginning */
    }
    assert_int_equal(rx[0], 0xAA);
    assert_int_equal(rx[1], 0xBB);
}

static void
what_does_not_fit_is_not_sent(void **state)
{
    static uint8_t big[WIRE_SPI_MAX + 1];
    struct script s;
    struct wire w = script_start(&s, "");
    struct wire_message many[WIRE_MESSAGES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
        many[i] = (struct wire_message){0x48, 0, big, WIRE_MESSAGE_MAX};
    assert_int_equal(wire_transfer(&w, many, 0), -EINVAL);
    assert_int_equal(wire_transfer(&w, many, WIRE_MESSAGES_MAX + 1), -EINVAL);
    assert_int_equal(wire_transfer(&w, many, 17), -EOPNOTSUPP); /* a request's limit */
    many[0].len = WIRE_MESSAGE_MAX + 1;
    assert_int_equal(wire_transfer(&w, many, 1), -EOPNOTSUPP);
    many[0] = (struct wire_message){0x80, 0, big, 1};
    assert_int_equal(wire_transfer(&w, many, 1), -EOPNOTSUPP);
    many[0] = (struct wire_message){0x48, 1, big, 0};
    assert_int_equal(wire_transfer(&w, many, 1), -EOPNOTSUPP);
    assert_int_equal(wire_spi(&w, 1000000, big, big, sizeof(big), 0), -EMSGSIZE);
    assert_int_equal(
        wire_begin(&w, "1234567890123456789012345678901234567890123456789012345678901234"),
        -ENAMETOOLONG);
    assert_int_equal(s.sent_len, 0);
    assert_int_equal(w.broken, 0);
    s.send_fails = 1;
    assert_int_equal(wire_delay(&w, 1), -EIO);
    assert_int_equal(w.broken, 1);
}

static void
assert_sent(const struct script *s, const char *hex)
{
    uint8_t want[64];
    size_t len = 0;

    assert_true(rs_hex_read(hex, strlen(hex), want, sizeof(want), &len));
    assert_int_equal(s->sent_len, len);
    assert_memory_equal(s->sent, want, len);
}

/* The bytes of the document; times and speeds within its limits. */
static void
requests_are_as_documented(void **state)
{
    uint8_t tx[2] = {0x01, 0x02}, rx[3];
    const struct wire_message m[] = {{0x30, 0, tx, 2}, {0x31, 1, rx, 1}};
    struct script s;
    struct wire w = script_start(&s, "0003170077");

    (void)state;
    assert_int_equal(wire_transfer(&w, m, 2), 0);
    assert_int_equal(rx[0], 0x77);
    assert_sent(&s, "000C170230000002010231010001");

    w = script_start(&s, "00041800AABB");
    assert_int_equal(wire_spi(&w, 1, tx, rx, 2, 1), 0);
    assert_int_equal(rx[1], 0xBB);
    assert_sent(&s, "00081800002710010102"); /* no slower than the simulator has it */

    w = script_start(&s, "00021500");
    assert_int_equal(wire_delay(&w, 0xFFFFFFFF), 0);
    assert_sent(&s, "00051503938700"); /* a minute at most */
}

/* ---- The simulator itself -------------------------------------------------------------------- */

struct loop {
    struct sim_session session;
    struct rs_buf out;
    size_t at;
};

static int
loop_send(void *self, const uint8_t *p, size_t len)
{
    struct loop *l = self;

    assert_true(len > 2);
    assert_int_equal(rs_get_u16(p), len - 2);
    l->at = 0;
    return sim_session_answer(&l->session, rs_bytes_of(p + 2, len - 2), &l->out) ? 0 : -EIO;
}

static int
loop_receive(void *self, uint8_t *p, size_t len)
{
    struct loop *l = self;

    if (len > l->out.len - l->at)
        return -EIO;
    memcpy(p, l->out.p + l->at, len);
    l->at += len;
    return 0;
}

static void
a_part_answers(void **state)
{
    const struct sim_panel_options options = {.real_time = 0};
    uint8_t info[] = {0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5d}, rewind = 0, rx[11];
    const struct wire_message command[] = {{0x60, 1, rx, 4},
                                           {0x60, 0, info, sizeof(info)},
                                           {0x60, 0, &rewind, 1},
                                           {0x60, 1, rx + 4, 7}};
    const struct wire_message general = {0x00, 0, &rewind, 1}, probe = {0x60, 0, NULL, 0};
    static const uint8_t want[] = {0x04, 0x11, 0x33, 0x43, 0x07, 0x00,
                                   0x00, 0x60, 0x03, 0x83, 0xbb};
    struct sim_panel *panel;
    struct sim_chip *chip;
    struct loop l = {.at = 0};
    struct wire w = {.self = &l, .send = loop_send, .receive = loop_receive};

    (void)state;
    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "b/c", "blank608b", &chip, NULL), RS_OK);
    sim_session_init(&l.session, panel, "socket");
    rs_buf_init(&l.out, SIM_ANSWER_MAX + 2);

    assert_int_equal(wire_begin(&w, "b/x"), -ENODEV);
    assert_int_equal(wire_begin(&w, "b/c"), 0);
    assert_int_equal(wire_transfer(&w, &probe, 1), -ENXIO);
    assert_int_equal(wire_transfer(&w, &general, 1), -ENXIO); /* and wakes it */
    assert_int_equal(wire_delay(&w, 1500), 0);
    assert_int_equal(wire_transfer(&w, command, 4), 0);
    assert_memory_equal(rx, want, sizeof(want));
    assert_int_equal(wire_spi(&w, 1000000, rx, rx, 4, 0), -EOPNOTSUPP);
    assert_int_equal(wire_power(&w, 0), 0);
    assert_int_equal(wire_transfer(&w, &probe, 1), -ENXIO);
    assert_int_equal(w.broken, 0);
    sim_session_done(&l.session);
    rs_buf_done(&l.out);
    sim_panel_free(panel);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_are_none_break_the_line),
        cmocka_unit_test(a_status_is_an_errno),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(requests_are_as_documented),
        cmocka_unit_test(a_part_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
