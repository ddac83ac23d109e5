/*
 * link_test.c: frames that are lost, broken, late or twice; chains that are wrong; quirks of the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/bytes.h"
#include "desk.h"

/* OpenApplication and GetRandom of 8 bytes, as packets without the presentation layer. */
static const uint8_t open_packet[] = {0x00, 0x70, 0x00, 0x00, 0x10, 0xD2, 0x76,
                                      0x00, 0x00, 0x04, 0x47, 0x65, 0x6E, 0x41,
                                      0x75, 0x74, 0x68, 0x41, 0x70, 0x70, 0x6C};
static const uint8_t random_packet[] = {0x00, 0x0C, 0x00, 0x00, 0x02, 0x00, 0x08};

static void
expect_control(struct desk *d, uint8_t fctr)
{
    uint8_t frame[300];

    assert_int_equal(desk_fetch(d, frame), 5);
    assert_int_equal(frame[0], fctr);
    assert_int_equal(rs_get_u16(frame + 1), 0);
    assert_int_equal(rs_get_u16(frame + 3), optiga_fcs(frame, 3));
}

static void
expect_nothing(struct desk *d)
{
    uint8_t state[4];

    assert_int_equal(desk_read(d, 0x82, state, 4), 1);
    assert_int_equal(state[0] & 0x40, 0);
    assert_int_equal(rs_get_u16(state + 2), 0);
}

/* A data frame with this FCTR; its length. */
static size_t
expect_data(struct desk *d, uint8_t fctr, uint8_t *frame)
{
    size_t len = desk_fetch(d, frame);

    assert_true(len > 5);
    assert_int_equal(frame[0], fctr);
    assert_int_equal(rs_get_u16(frame + len - 2), optiga_fcs(frame, len - 2));
    return len;
}

/* ---- What the receiver refuses -------------------------------------------------------- */

static void
test_bad_frames(void **state)
{
    static const char *const refused[] = {
        "80",                 /* nothing: only a register */
        "80 00 0001",         /* too short for a checksum */
        "80 03 0001 00 0000", /* wrong checksum */
        "80 03 0002 00 10E2", /* shorter than it says */
        "80 FF",              /* one byte */
    };
    uint8_t frame[300], bytes[400];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_t len = hex(refused[i], bytes, sizeof(bytes));

        assert_int_equal(desk_write(&d, bytes, len), 1);
        if (len > 1)
            expect_control(&d, 0xA0);
        else
            expect_nothing(&d);
    }
    /* Good checksum, and a length that does not fit: a data frame gets NAK, a control frame nothing. */
    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 0x80;
    bytes[1] = 0x03;
    bytes[3] = 7;
    rs_set_u16(bytes + 10, optiga_fcs(bytes + 1, 9));
    assert_int_equal(desk_write(&d, bytes, 12), 1);
    expect_control(&d, 0xA0);
    bytes[1] = 0x83;
    bytes[3] = 1;
    rs_set_u16(bytes + 5, optiga_fcs(bytes + 1, 4));
    assert_int_equal(desk_write(&d, bytes, 7), 1);
    expect_nothing(&d);
    /* No packet in it; sequence control 11, and resync in a data frame. */
    assert_int_equal(desk_frame(&d, 0x03, NULL, 0), 1);
    expect_control(&d, 0xA0);
    assert_int_equal(desk_frame(&d, 0x63, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0xA0);
    assert_int_equal(desk_frame(&d, 0x43, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0xA0);
    assert_int_equal(desk_frame(&d, 0xE0, NULL, 0), 1);
    expect_control(&d, 0xA0);
    assert_int_equal(d.commands, 0);
    /* None of it has moved a counter. */
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    (void)expect_data(&d, 0x00, frame);
    desk_done(&d);
}

/* A frame longer than the register that the host asked for. */
static void
test_register_length(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_w(&d, "81 0019");
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0xA0);
    desk_w(&d, "81 001A");
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    (void)expect_data(&d, 0x00, frame);
    desk_done(&d);
}

/* The number of the frame before, or of none: acknowledged again, and not run twice. */
static void
test_repeated_frame(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(desk_frame(&d, 0x07, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0x83);
    assert_int_equal(d.commands, 0);
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    (void)expect_data(&d, 0x00, frame);
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0x80);
    assert_int_equal(d.commands, 1);
    desk_done(&d);
}

/* ---- What the sender repeats --------------------------------------------------------------- */

static void
test_nak_of_host(void **state)
{
    uint8_t first[300], again[300];
    struct desk d;
    size_t len;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 1);
    len = expect_data(&d, 0x05, first);
    expect_nothing(&d);
    assert_int_equal(desk_frame(&d, 0xA1, NULL, 0), 1);
    assert_int_equal(expect_data(&d, 0x05, again), len);
    assert_memory_equal(first, again, len);
    /* In a data frame that is a command of its own: the new command goes first. */
    assert_int_equal(desk_frame(&d, 0x29, random_packet, sizeof(random_packet)), 1);
    (void)expect_data(&d, 0x0A, again);
    assert_int_equal(desk_frame(&d, 0x82, NULL, 0), 1);
    expect_nothing(&d);
    assert_int_equal(d.commands, 3);
    desk_done(&d);
}

/* Read and not acknowledged: offered again three times, then with fresh numbers. */
static void
test_no_acknowledgement(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 1);
    (void)expect_data(&d, 0x05, frame);
    for (unsigned i = 0; i < 3; i++) {
        expect_nothing(&d);
        desk_advance(&d, 9999);
        expect_nothing(&d);
        desk_advance(&d, 1);
        (void)expect_data(&d, 0x05, frame);
    }
    desk_advance(&d, 10000);
    expect_control(&d, 0xC0);
    (void)expect_data(&d, 0x03, frame);
    assert_int_equal(desk_frame(&d, 0x80, NULL, 0), 1);
    expect_nothing(&d);
    assert_int_equal(desk_frame(&d, 0x00, random_packet, sizeof(random_packet)), 1);
    (void)expect_data(&d, 0x04, frame);
    assert_int_equal(d.commands, 3);
    desk_done(&d);
}

static void
test_resync_of_host(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 1);
    desk_w(&d, "80 C000000A9A");
    expect_nothing(&d);
    assert_int_equal(desk_frame(&d, 0x03, random_packet, sizeof(random_packet)), 1);
    (void)expect_data(&d, 0x00, frame);
    desk_done(&d);
}

/* ---- Busy ----------------------------------------------------------------------------------------- */

/* What was announced is what is read, even if the answer becomes ready in between. */
static void
test_announced_stays(void **state)
{
    const struct sim_timing timing = {.busy_us = 5000};
    uint8_t frame[300], bytes[8];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.model->set_timing(&d.chip, &timing);
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    desk_r(&d, 0x82, "C8800005");
    desk_advance(&d, 6000);
    desk_r(&d, 0x82, "48800005");
    assert_int_equal(desk_read(&d, 0x80, bytes, 4), 1); /* not to its end */
    desk_r(&d, 0x80, "8000000CEC");
    desk_r(&d, 0x82, "4880000A");
    (void)expect_data(&d, 0x00, frame);
    desk_done(&d);
}

static void
test_write_when_busy(void **state)
{
    const struct sim_timing timing = {.busy_us = 5000};
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.model->set_timing(&d.chip, &timing);
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 0);
    desk_advance(&d, 5000);
    (void)expect_data(&d, 0x00, frame);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 1);
    assert_int_equal(d.commands, 2);
    desk_done(&d);
}

static void
test_quirks(void **state)
{
    const struct sim_timing timing = {.busy_us = 5000};
    uint8_t frame[300], bytes[4];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(d.model->set_quirk(&d.chip, "wake-self-test"), 0);
    assert_int_equal(d.model->set_quirk(&d.chip, "ack-first"), 1);
    assert_int_equal(desk_frame(&d, 0x03, open_packet, sizeof(open_packet)), 1);
    expect_control(&d, 0x80);
    (void)expect_data(&d, 0x00, frame);

    assert_int_equal(d.model->set_quirk(&d.chip, "guard"), 1);
    desk_advance(&d, 50);
    assert_int_equal(desk_write(&d, (const uint8_t *)"\x82", 1), 1);
    desk_advance(&d, 49);
    assert_int_equal(d.model->i2c_read(&d.chip, 0x30, bytes, 4), 0);
    desk_advance(&d, 50);
    assert_int_equal(d.model->i2c_read(&d.chip, 0x30, bytes, 4), 1);

    assert_int_equal(d.model->set_quirk(&d.chip, "sleep"), 1);
    desk_advance(&d, 19999);
    assert_int_equal(desk_read(&d, 0x82, bytes, 4), 1);
    desk_advance(&d, 20000);
    assert_int_equal(desk_read(&d, 0x82, bytes, 4), 0);
    assert_int_equal(desk_read(&d, 0x82, bytes, 4), 1);

    assert_int_equal(d.model->set_quirk(&d.chip, "busy-nak"), 1);
    d.model->set_timing(&d.chip, &timing);
    assert_int_equal(desk_frame(&d, 0x04, random_packet, sizeof(random_packet)), 1);
    assert_int_equal(desk_read(&d, 0x82, bytes, 4), 0);
    desk_advance(&d, 5000);
    (void)expect_data(&d, 0x05, frame);

    assert_int_equal(d.model->set_quirk(&d.chip, "short-register"), 1);
    desk_w(&d, "81 0115");
    desk_r(&d, 0x81, "0040");
    assert_int_equal(d.model->set_quirk(&d.chip, "long-length"), 1);
    desk_r(&d, 0x82, "08800000");
    d.model->set_timing(&d.chip, &(const struct sim_timing){.busy_us = 0});
    assert_int_equal(desk_frame(&d, 0x09, random_packet, sizeof(random_packet)), 1);
    desk_r(&d, 0x82, "4880FFFF");
    assert_int_equal(d.model->set_quirk(&d.chip, "none"), 1);
    (void)expect_data(&d, 0x0A, frame);
    desk_w(&d, "81 0115");
    desk_r(&d, 0x81, "0115");
    desk_done(&d);
}

/* ---- Chains ------------------------------------------------------------------------------------------ */

static void
expect_chain_error(struct desk *d)
{
    uint8_t frame[300];

    assert_int_equal(desk_fetch(d, frame), 6);
    assert_int_equal(frame[3], 0x07);
    d->rx = (d->rx + 1) & 3;
    assert_int_equal(frame[0] & 0xF0, 0);
    assert_int_equal(desk_frame(d, (uint8_t)(0x80 | d->rx), NULL, 0), 1);
}

static void
send_chain(struct desk *d, uint8_t pctr, size_t len)
{
    uint8_t packet[0x110] = {pctr};

    d->tx = (d->tx + 1) & 3;
    assert_int_equal(desk_frame(d, (uint8_t)(d->tx << 2 | d->rx), packet, len), 1);
}

static void
test_chain_errors(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    send_chain(&d, 0x01, 0x10F); /* first, and not full */
    expect_chain_error(&d);
    send_chain(&d, 0x02, 0x110); /* a middle without a first */
    expect_chain_error(&d);
    send_chain(&d, 0x04, 20);
    expect_chain_error(&d);
    send_chain(&d, 0x03, 20); /* reserved */
    expect_chain_error(&d);
    send_chain(&d, 0x10, 20); /* channel 1 */
    expect_chain_error(&d);
    send_chain(&d, 0x01, 0x110);
    expect_control(&d, (uint8_t)(0x80 | d.tx));
    send_chain(&d, 0x00, 10); /* before the last */
    expect_chain_error(&d);
    send_chain(&d, 0x01, 0x110);
    expect_control(&d, (uint8_t)(0x80 | d.tx));
    for (unsigned i = 0; i < 4; i++) {
        send_chain(&d, 0x02, 0x110);
        expect_control(&d, (uint8_t)(0x80 | d.tx));
    }
    send_chain(&d, 0x02, 0x110); /* more than the part can hold */
    expect_chain_error(&d);
    assert_int_equal(d.commands, 1);
    send_chain(&d, 0x00, 1); /* an APDU without a byte */
    assert_int_equal(desk_fetch(&d, frame), 10);
    assert_int_equal(frame[4], 0xFF);
    desk_done(&d);
}

/* 1,400 bytes in six packets; a host that did not like the chain gets it again, once. */
static void
test_long_answer(void **state)
{
    static const uint8_t read_packet[] = {0x00, 0x01, 0x00, 0x00, 0x06, 0xF1,
                                          0xE0, 0x00, 0x00, 0x05, 0x78};
    static const uint8_t complaint = 0x07;
    uint8_t data[1400], frame[300], got[2000];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(desk_put(&d, 0xF1E0, data, sizeof(data)), 0);
    d.tx = (d.tx + 1) & 3;
    assert_int_equal(desk_frame(&d, (uint8_t)(d.tx << 2 | d.rx), read_packet, sizeof(read_packet)),
                     1);
    for (unsigned round = 0; round < 2; round++) {
        size_t at = 0;

        for (unsigned i = 0; i < 6; i++) {
            size_t len = desk_fetch(&d, frame);

            assert_int_equal(frame[3], i == 0 ? 1 : i == 5 ? 4 : 2);
            assert_int_equal(len, i < 5 ? 0x110 + 5 : 6 + 1404 - 5 * 271);
            memcpy(got + at, frame + 4, len - 6);
            at += len - 6;
            d.rx = (d.rx + 1) & 3;
            if (i == 5)
                break;
            expect_nothing(&d); /* window 1 */
            assert_int_equal(desk_frame(&d, (uint8_t)(0x80 | d.rx), NULL, 0), 1);
        }
        assert_int_equal(at, 1404);
        assert_memory_equal(got + 4, data, sizeof(data));
        d.tx = (d.tx + 1) & 3;
        assert_int_equal(desk_frame(&d, (uint8_t)(d.tx << 2 | d.rx), &complaint, 1), 1);
    }
    expect_control(&d, (uint8_t)(0x80 | d.tx)); /* not a third time */
    expect_nothing(&d);
    desk_done(&d);
}

/* With a register of 0x40 bytes packets have 0x3B, both ways. */
static void
test_small_packets(void **state)
{
    static const uint8_t read_packet[] = {0x00, 0x01, 0x00, 0x00, 0x06, 0xF1,
                                          0xE0, 0x00, 0x00, 0x00, 0x64};
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    desk_w(&d, "81 0040");
    d.tx = (d.tx + 1) & 3;
    assert_int_equal(desk_frame(&d, (uint8_t)(d.tx << 2 | d.rx), read_packet, sizeof(read_packet)),
                     1);
    assert_int_equal(desk_fetch(&d, frame), 0x40);
    assert_int_equal(frame[3], 0x01);
    desk_done(&d);
}

/* ---- Faults of the wire ------------------------------------------------------------------------------- */

static void
test_wire_faults(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    /* Not acknowledged, not run, no counter moved: the desk sends the same frame again. */
    d.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", out, &len), 0);
    assert_int_equal(len, 8);
    assert_int_equal(d.commands, 3);
    /* The answer is broken once, and refused: the second is whole. */
    d.fate = (struct sim_fate){SIM_FATE_CRC, 0};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", out, &len), 0);
    d.fate = (struct sim_fate){SIM_FATE_FLIP, 12};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", out, &len), 0);
    d.fate = (struct sim_fate){SIM_FATE_FLIP, 8000};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", out, &len), 0);
    assert_int_equal(d.commands, 6);
    d.fate = (struct sim_fate){SIM_FATE_BUSY, 0};
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008", out, &len), DESK_LOST);
    assert_int_equal(d.model->get_power(&d.chip), 1);
    desk_restart(&d);
    desk_open(&d);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_register_length),
        cmocka_unit_test(test_repeated_frame),
        cmocka_unit_test(test_nak_of_host),
        cmocka_unit_test(test_no_acknowledgement),
        cmocka_unit_test(test_resync_of_host),
        cmocka_unit_test(test_announced_stays),
        cmocka_unit_test(test_write_when_busy),
        cmocka_unit_test(test_quirks),
        cmocka_unit_test(test_chain_errors),
        cmocka_unit_test(test_long_answer),
        cmocka_unit_test(test_small_packets),
        cmocka_unit_test(test_wire_faults),
    };

    return cmocka_run_group_tests_name("optiga link", tests, NULL, NULL);
}
