/*
 * ifx_i2c_test.c: the data link and transport layers of Infineon's I2C protocol.
 *
 * The vectors are those of the public reference: control frames, the log of a
 * real part in the data sheet (A.2), and what the vendor's library sends.
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

#include <rot/port_openssl.h>

#include "fake_optiga.h"
#include "ifx_i2c.h"
#include "script.h"

static struct rot_port_openssl crypto;
static struct fake_optiga fake;
static struct ifx_i2c line;
static struct script script;
static uint8_t rx[2100];

/* A line that has been opened, at this place of its counters. */
static void
set_line(const struct rot_transport *wire, unsigned fctr)
{
    memset(&line, 0, sizeof(line));
    line.wire = wire;
    line.address = IFX_I2C_ADDRESS;
    line.packet_max = IFX_I2C_FRAME_MAX - IFX_I2C_OVERHEAD;
    line.sent = (uint8_t)(((fctr >> 2) - 1) & 3);
    line.received = fctr & 3;
}

/* ---- Frames ------------------------------------------------------------------------- */

static void
check_sum(void **state)
{
    (void)state;
    assert_int_equal(ifx_i2c_fcs((const uint8_t *)"123456789", 9), 0x2189);
    assert_int_equal(ifx_i2c_fcs(NULL, 0), 0);
}

static void
control_frames(void **state)
{
    static const char *const frames[] = {"F C0 00 00 0A 9A", "F 80 00 00 0C EC", "F 81 00 00 56 30",
                                         "F 82 00 00 B9 54", "F 83 00 00 E3 88", "F A0 00 00 0F D7",
                                         "F A1 00 00 55 0B"};
    uint8_t want[SCRIPT_MAX], have[8];

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        assert_int_equal(script_bytes(frames[i], want), 5);
        assert_int_equal(ifx_i2c_close_frame(have, want[0], 0), 5);
        assert_memory_equal(have, want, 5);
        assert_int_equal(ifx_i2c_check_frame(want, 5), ROT_OK);
    }
}

static void
damaged_frames_are_refused(void **state)
{
    uint8_t frame[16] = {0, 0, 0, 1, 2, 3}, bad[16];
    size_t len = ifx_i2c_close_frame(frame, 0x03, 3);

    (void)state;
    assert_int_equal(len, 8);
    assert_int_equal(ifx_i2c_check_frame(frame, len), ROT_OK);
    for (size_t i = 0; i < len * 8; i++) {
        memcpy(bad, frame, len);
        bad[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(ifx_i2c_check_frame(bad, len), ROT_E_BUS);
    }
    for (size_t n = 0; n < len; n++)
        assert_int_equal(ifx_i2c_check_frame(frame, n), ROT_E_BUS);
    assert_int_equal(ifx_i2c_check_frame(frame, len + 1), ROT_E_BUS);
}

/* The check sum is right, and the frame is none. */
static void
impossible_frames_are_refused(void **state)
{
    static const uint8_t control[] = {0x90, 0xe0, 0xf0}, data[] = {0x10, 0x60, 0x40, 0x70, 0x80};
    uint8_t frame[16] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(control); i++) {
        size_t len = ifx_i2c_close_frame(frame, control[i], 0);

        assert_int_equal(ifx_i2c_check_frame(frame, len), ROT_E_BUS);
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        size_t len = ifx_i2c_close_frame(frame, data[i], 4);

        assert_int_equal(ifx_i2c_check_frame(frame, len), ROT_E_BUS);
    }
    assert_int_equal(ifx_i2c_check_frame(frame, ifx_i2c_close_frame(frame, 0x00, 0)), ROT_E_BUS);
}

/* ---- The log of the data sheet ----------------------------------------------------------- */

static const char *const data_sheet[] = {
    "W 80 03 00 15 00 70 00 00 10 D2 76 00 00 04 47 65 6E 41 75 74 68 41 70 70 6C 04 1A",
    "W 82",
    "R C8 80 00 05",
    "W 80",
    "R 80 00 00 0C EC",
    "W 82",
    "R 48 80 00 0A",
    "W 80",
    "R 00 00 05 00 00 00 00 00 14 87",
    "W 80 80 00 00 0C EC",
    "W 80 04 00 0B 00 01 00 00 06 E0 C2 00 00 00 64 F0 9F",
    "W 82",
    "R 48 80 00 25",
    "W 80",
    /* The document leaves identifier and check sum out; the identifier is a V3's. */
    "r 05 00 00 00 00 1B CD 16 33 93 01 00 1C 00 05 00 00 0A 09 A4 13 00 0A 00 2F 00 2E 80 10 10 "
    "71 24 40",
    "W 80 81 00 00 56 30",
    NULL,
};

static void
data_sheet_log(void **state)
{
    uint8_t tx[SCRIPT_MAX];
    size_t n = 0, len;

    (void)state;
    script_raw(&script, data_sheet);
    set_line(&script.transport, 0x03);
    len = script_bytes("> 70 00 00 10 D2 76 00 00 04 47 65 6E 41 75 74 68 41 70 70 6C", tx);
    assert_int_equal(ifx_i2c_exchange(&line, 0, tx, len, rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(rx, "\0\0\0\0", 4);
    len = script_bytes("> 01 00 00 06 E0 C2 00 00 00 64", tx);
    assert_int_equal(ifx_i2c_exchange(&line, 0, tx, len, rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, 31);
    assert_memory_equal(rx, "\0\0\0\x1b\xcd\x16", 6);
    assert_true(script_is_done(&script));
}

/* ---- What the vendor's library sends ------------------------------------------------------- */

struct vector {
    const char *name, *sent, *answered; /* frames; answered may be NULL */
};

static const struct vector vectors[] = {
    {"open", "W 80 03 00 16 08 20 F0 00 00 10 D2760000 0447656E 41757468 4170706C BE 40",
     "R 00 00 06 08 20 00 00 00 00 19 04"},
    {"uid", "W 80 04 00 0C 08 20 81 00 00 06 E0 C2 00 00 02 58 1F 8E",
     "R 05 00 21 08 20 00 00 00 1B CD16339301001C000500000A09A413000A002F002E801010712440 3B D7"},
    {"metadata", "W 80 09 00 08 08 20 81 01 00 02 E0 F0 79 AD",
     "R 0A 00 17 08 20 00 00 00 11 200FC00101D001FFD30100E00103E10101 F6 BA"},
    {"random", "W 80 0E 00 08 08 20 8C 00 00 02 00 20 D8 C4", NULL},
    {"pair", "W 80 03 00 0F 08 20 B8 03 00 09 01 00 02 E0 F1 02 00 01 10 8D B0", NULL},
    {"sign",
     "W 80 04 00 2E 08 20 B1 11 00 28 01 00 20 "
     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 03 00 02 E0 F1 75 F7",
     NULL},
    {"hash", "W 80 0E 00 0C 08 20 B0 E2 00 06 01 00 03 61 62 63 89 81",
     "R 0F 00 29 08 20 00 00 00 23 01 00 20 "
     "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD F5 E2"},
    {"write", "W 80 03 00 0F 08 20 82 40 00 09 F1 D0 00 00 68 65 6C 6C 6F A1 A1", NULL},
    {"life cycle", "W 80 04 00 0F 08 20 82 01 00 09 F1 D0 00 00 20 03 C0 01 07 50 68", NULL},
    {"bad OID", "W 80 09 00 0C 08 20 81 00 00 06 F1 DF 00 00 02 58 A0 C0",
     "R 0A 00 06 08 20 FF 00 00 00 38 E6"},
    {"error", "W 80 0E 00 0C 08 20 01 00 00 06 F1 C2 00 00 00 01 C6 31",
     "R 0F 00 07 08 20 00 00 00 01 01 62 0F"},
    {"close", "W 80 03 00 06 08 20 F1 00 00 00 A4 93", NULL},
};

/* As the bytes on the wire have it; an answer that is not given is one of nothing. */
static void
play(const struct vector *v)
{
    char ready[20], nothing[40], ack[20];
    const char *lines[] = {v->sent, "W 82", ready, "W 80", v->answered, ack, NULL};
    uint8_t sent[SCRIPT_MAX], answered[SCRIPT_MAX], control[8];
    size_t len = script_bytes(v->sent, sent), answer_len = 11, n = 0;
    unsigned number = (sent[1] + 1u) & 3u;

    (void)snprintf(nothing, sizeof(nothing), "r %02X 08 20 00 00 00 00",
                   number << 2 | (sent[1] >> 2 & 3u));
    if (v->answered != NULL)
        answer_len = script_bytes(v->answered, answered);
    else
        lines[4] = nothing;
    (void)snprintf(ready, sizeof(ready), "R 48 80 00 %02zX", answer_len);
    (void)ifx_i2c_close_frame(control, 0x80u | number, 0);
    (void)snprintf(ack, sizeof(ack), "W 80 %02X0000%02X%02X", control[0], control[3], control[4]);
    script_raw(&script, lines);
    set_line(&script.transport, sent[1]);
    assert_int_equal(
        ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, sent + 5, len - 7, rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, answer_len - 6);
    if (v->answered != NULL)
        assert_memory_equal(rx, answered + 4, n);
    assert_true(script_is_done(&script));
}

static void
vendor_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        print_message("%s\n", vectors[i].name);
        play(&vectors[i]);
    }
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void
opens_as_the_library_does(void **state)
{
    static const char *const lines[] = {"W 82", "R 08 80 00 00", "W 88 00 00",
                                        "W 84", "R 00 00 01 90", "W 81 01 15",
                                        "W 81", "R 01 15",       NULL};

    (void)state;
    script_raw(&script, lines);
    assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_OK);
    assert_true(script_is_done(&script));
    assert_int_equal(line.packet_max, 0x110);
}

static void
waits_for_a_part_that_wakes_up(void **state)
{
    static const char *const lines[] = {
        "N", "N",    "W 82",          "N", "W 82",       "R C8 80 00 05", "W 88 00 00", "N", "W 84",
        "N", "W 84", "R 00 00 03 E8", "N", "W 81 01 15", "W 81",          "R 01 15",    NULL};

    (void)state;
    script_raw(&script, lines);
    assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_OK);
    assert_true(script_is_done(&script));
}

static rot_err
mute_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    (void)address;
    assert_int_equal(tx_len, 1);
    assert_int_equal(tx[0], 0x82);
    return *(int *)self ? ROT_OK : ROT_BUSY;
}

static rot_err
mute_read(void *self, uint8_t address, uint8_t *bytes, size_t len)
{
    (void)self;
    (void)address;
    (void)bytes;
    (void)len;
    return ROT_BUSY;
}

static void
no_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

/* Nobody at all is no part; somebody who acknowledges and never says anything is another one. */
static void
silence_is_told_from_absence(void **state)
{
    static const struct rot_line_ops ops = {.delay_us = no_delay};
    static const struct rot_i2c_ops i2c = {.write = mute_write, .read = mute_read};
    int is_there = 0;
    const struct rot_transport mute = {.self = &is_there, .line = &ops, .i2c = &i2c};

    (void)state;
    assert_int_equal(ifx_i2c_open(&line, &mute, 0x30), ROT_E_BUS);
    is_there = 1;
    assert_int_equal(ifx_i2c_open(&line, &mute, 0x30), ROT_E_WRONG_PART);
}

/* What is another part's is not written to, but for the number of the register. */
static void
another_part_is_left_alone(void **state)
{
    static const char *const states[] = {"R FF FF FF FF", "R 00 00 00 00", "R 00 80 00 00",
                                         "R 08 00 00 00", "R 0C 80 00 00", "R 07 80 00 00",
                                         "R 18 80 00 00", "R 08 81 00 00"};

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        const char *const lines[] = {"W 82", states[i], NULL};

        script_raw(&script, lines);
        assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_E_WRONG_PART);
        assert_true(script_is_done(&script));
    }
}

static void
a_frame_size_that_was_not_asked_for_is_refused(void **state)
{
    static const char *const sizes[] = {"R 01 16", "R 00 0F", "R 00 00", "R FF FF"};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const char *const lines[] = {"W 82", "R 08 80 00 00", "W 88 00 00",
                                     "W 84", "R 00 00 01 90", "W 81 01 15",
                                     "W 81", sizes[i],        NULL};

        script_raw(&script, lines);
        assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_E_FORMAT);
        assert_true(script_is_done(&script));
    }
}

static void
a_bus_that_is_too_slow_for_everything_is_refused(void **state)
{
    static const char *const speeds[] = {"R 00 00 00 63", "R FF FF FF FF", "R 00 01 01 90"};

    (void)state;
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        const char *const lines[] = {"W 82", "R 08 80 00 00", "W 88 00 00",
                                     "W 84", speeds[i],       NULL};

        script_raw(&script, lines);
        assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_E_FORMAT);
    }
}

static void
nobody_is_a_bus_error(void **state)
{
    (void)state;
    fake_optiga_init(&fake, &crypto.port);
    fake.is_deaf = 1;
    assert_int_equal(ifx_i2c_open(&line, &fake.transport, 0x30), ROT_E_BUS);
    assert_true(fake.waits < 1000);
    fake.is_deaf = 0;
    assert_int_equal(ifx_i2c_open(&line, &fake.transport, 0x31), ROT_E_BUS);
    assert_int_equal(fake.resets, 0);
}

/* ---- A line with faults ------------------------------------------------------------------------ */

/* One frame of four bytes out, and this is what happens until the answer "20 00 00 00 00" is in. */
static rot_err
exchange_at(unsigned fctr, const char *const *lines)
{
    static const uint8_t tx[] = {0x20, 0xf1, 0, 0, 0};
    size_t n = 0;
    rot_err rc;

    script_raw(&script, lines);
    set_line(&script.transport, fctr);
    rc = ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizeof(tx), rx, sizeof(rx), &n);
    if (rc == ROT_OK) {
        assert_int_equal(n, 5);
        assert_memory_equal(rx, "\x20\0\0\0\0", 5);
        assert_true(script_is_done(&script));
    }
    return rc;
}

static rot_err
exchange(const char *const *lines)
{
    return exchange_at(0x03, lines);
}

#define SENT   "W 80 03 00 06 08 20 F1 00 00 00 A4 93"
#define GOOD   "R 00 00 06 08 20 00 00 00 00 19 04"
#define POLL   "W 82"
#define FETCH  "W 80"
#define READY  "R 48 80 00 0B"
#define IDLE   "R 08 80 00 00"
#define BUSY   "R 88 80 00 00"
#define SHORT  "R 48 80 00 05"
#define ACK0   "W 80 80 00 00 0C EC"
#define NAK0   "W 80 A0 00 00 0F D7"
#define RESYNC "W 80 C0 00 00 0A 9A"
#define ANSWER POLL, READY, FETCH, GOOD, ACK0
#define SILENT                                                                                     \
    POLL, IDLE, POLL, IDLE, POLL, IDLE, POLL, IDLE, POLL, IDLE, POLL, IDLE, POLL, IDLE, POLL,      \
        IDLE, POLL, IDLE, POLL, IDLE, POLL, IDLE

static void
a_damaged_answer_is_asked_for_again(void **state)
{
    static const char *const once[] = {
        SENT, POLL, READY, FETCH, "R 00 00 06 08 20 00 00 01 00 19 04", NAK0, ANSWER, NULL};
    static const char *const length[] = {
        SENT, POLL, READY, FETCH, "R 00 00 07 08 20 00 00 00 00 19 04", NAK0, ANSWER, NULL};

    (void)state;
    assert_int_equal(exchange(once), ROT_OK);
    assert_int_equal(exchange(length), ROT_OK);
}

#define BAD POLL, READY, FETCH, "R 00 00 06 08 20 00 00 00 00 19 05"

static void
answers_that_stay_damaged_are_given_up(void **state)
{
    static const char *const lines[] = {SENT, BAD, NAK0, BAD, NAK0, BAD, NAK0, BAD, NAK0, NULL};

    (void)state;
    assert_int_equal(exchange(lines), ROT_E_BUS);
    assert_true(script_is_done(&script));
}

static void
what_the_part_did_not_get_is_sent_again(void **state)
{
    static const char *const refused[] = {SENT, POLL,   SHORT, FETCH, "R A0 00 00 0F D7",
                                          SENT, ANSWER, NULL};
    static const char *const stale[] = {SENT, POLL,   SHORT, FETCH, "R 83 00 00 E3 88",
                                        SENT, ANSWER, NULL};
    static const char *const silent[] = {SENT, SILENT, SENT, ANSWER, NULL};

    (void)state;
    assert_int_equal(exchange(refused), ROT_OK);
    assert_int_equal(exchange(stale), ROT_OK);
    assert_int_equal(exchange(silent), ROT_OK);
}

static void
a_part_that_works_is_waited_for(void **state)
{
    static const char *const busy[] = {SENT, POLL, BUSY, POLL, BUSY,   "N",
                                       POLL, "N",  POLL, BUSY, ANSWER, NULL};
    static const char *const first[] = {SENT,   POLL,   "R C8 80 00 05", FETCH, "R 80 00 00 0C EC",
                                        SILENT, SILENT, ANSWER,          NULL};

    (void)state;
    assert_int_equal(exchange(busy), ROT_OK);
    assert_int_equal(exchange(first), ROT_OK);
}

#define REFUSED POLL, SHORT, FETCH, "R A0 00 00 0F D7"

/* Protocol: three times again, then the counters are set back. */
static void
counters_are_set_back_once(void **state)
{
    static const char *const saved[] = {SENT, REFUSED, SENT,   REFUSED, SENT,   REFUSED,
                                        SENT, REFUSED, RESYNC, SENT,    ANSWER, NULL};
    static const char *const lost[] = {SENT,    REFUSED, SENT,    REFUSED, SENT,    REFUSED,
                                       SENT,    REFUSED, RESYNC,  SENT,    REFUSED, SENT,
                                       REFUSED, SENT,    REFUSED, SENT,    REFUSED, NULL};

    (void)state;
    assert_int_equal(exchange(saved), ROT_OK);
    assert_int_equal(exchange(lost), ROT_E_BUS);
    assert_true(script_is_done(&script));
}

/* The part sets the counters back: the frame has another number then. */
static void
a_resent_frame_has_the_new_number(void **state)
{
    static const char *const lines[] = {"w 09 08 20 F1 00 00 00", POLL, SHORT,  FETCH,
                                        "R C0 00 00 0A 9A",       SENT, ANSWER, NULL};

    (void)state;
    assert_int_equal(exchange_at(0x09, lines), ROT_OK);
}

/* Our acknowledgement was lost, and the part says the answer before once more. */
static void
an_old_answer_is_not_taken_for_the_new_one(void **state)
{
    static const char *const lines[] = {"w 04 08 20 F1 00 00 00",
                                        POLL,
                                        READY,
                                        FETCH,
                                        "r 00 08 20 FF 00 00 00",
                                        ACK0,
                                        POLL,
                                        SHORT,
                                        FETCH,
                                        "R 81 00 00 56 30",
                                        POLL,
                                        READY,
                                        FETCH,
                                        "r 05 08 20 00 00 00 00",
                                        "W 80 81 00 00 56 30",
                                        NULL};

    (void)state;
    assert_int_equal(exchange_at(0x04, lines), ROT_OK);
}

/* Its number is right, and it acknowledges frame 2, not 0. */
static void
an_answer_to_something_else_is_refused(void **state)
{
    static const char *const late[] = {
        SENT,  POLL,  "R C8 80 00 05",          FETCH, "R 80 00 00 0C EC", POLL,
        READY, FETCH, "r 02 08 20 00 00 00 00", NULL};
    static const char *const once[] = {SENT, POLL,   READY, FETCH, "r 02 08 20 00 00 00 00",
                                       SENT, POLL,   READY, FETCH, "r 20 08 20 00 00 00 00",
                                       SENT, ANSWER, NULL};

    (void)state;
    assert_int_equal(exchange(late), ROT_E_BUS);
    assert_true(script_is_done(&script));
    assert_int_equal(exchange(once), ROT_OK);
}

/* ---- Chains, over the fake part ------------------------------------------------------------------ */

struct trouble {
    unsigned every, count; /* every n-th frame... */
    int how;               /* 0: is lost, 1: has a bit wrong, 2: comes short */
    int is_endless;
};

static struct trouble trouble;

static size_t
disturb(void *arg, uint8_t *frame, size_t len)
{
    struct trouble *t = arg;

    if (t->every == 0 || ++t->count % t->every != 0)
        return len;
    if (t->how == 0)
        return 0;
    if (t->how == 1)
        frame[t->count % len] ^= 0x20;
    return t->how == 2 ? len - 1 : len;
}

/* The part gives back what it got, twice. */
static size_t
echo(void *arg, uint8_t *p, size_t len)
{
    struct trouble *t = arg;

    (void)len;
    if (t->is_endless) {
        memset(p, 0x77, 2000);
        return 2000;
    }
    memcpy(p, fake.in, fake.in_len);
    return fake.in_len;
}

static void
start_fake(void)
{
    memset(&trouble, 0, sizeof(trouble));
    fake_optiga_init(&fake, &crypto.port);
    fake.arg = &trouble;
    fake.tamper = disturb;
    fake.twist = echo;
    assert_int_equal(ifx_i2c_open(&line, &fake.transport, 0x30), ROT_OK);
}

static void
long_commands_and_answers(void **state)
{
    static const size_t sizes[] = {1, 270, 271, 272, 541, 542, 543, 609, 1400};
    static uint8_t tx[1400];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(tx); i++)
        tx[i] = (uint8_t)(i * 7 + 1);
    tx[0] = 0x99; /* nothing that the fake's channel knows */
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        start_fake();
        assert_int_equal(
            ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizes[i], rx, sizeof(rx), &n), ROT_OK);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(rx, tx, n);
    }
}

/* What goes to the part in data frames: PCTR and bytes of the packet. */
static struct {
    unsigned count, pctr[8], len[8];
} heard;

static rot_err
watched_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    if (tx[0] == 0x80 && len > 6 && heard.count < 8) {
        heard.pctr[heard.count] = tx[4];
        heard.len[heard.count++] = (unsigned)tx[2] << 8 | tx[3];
    }
    return fake.transport.i2c->write(self, address, tx, len);
}

/* The reference: PCTR 09, 0A, 0C with 110, 110 and 44 bytes. */
static void
a_write_of_600_bytes_is_the_library_s(void **state)
{
    static uint8_t tx[1 + 4 + 4 + 600] = {0x99};
    struct rot_i2c_ops ops;
    struct rot_transport watched;
    size_t n = 0;

    (void)state;
    start_fake();
    ops = *fake.transport.i2c;
    ops.write = watched_write;
    watched = fake.transport;
    watched.i2c = &ops;
    line.wire = &watched;
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizeof(tx), rx, sizeof(rx), &n),
                     ROT_OK);
    assert_int_equal(heard.count, 3);
    assert_int_equal(heard.pctr[0], 0x09);
    assert_int_equal(heard.pctr[1], 0x0a);
    assert_int_equal(heard.pctr[2], 0x0c);
    assert_int_equal(heard.len[0], 0x110);
    assert_int_equal(heard.len[1], 0x110);
    assert_int_equal(heard.len[2], 0x44);
}

static void
a_wire_that_fails_now_and_then(void **state)
{
    static uint8_t tx[900];
    size_t n = 0;

    (void)state;
    memset(tx, 0x31, sizeof(tx));
    tx[0] = 0x99;
    for (unsigned every = 2; every < 9; every++) {
        for (int how = 0; how < 3; how++) {
            start_fake();
            trouble.every = every;
            trouble.how = how;
            fake.ack_first = every % 2 == 0;
            assert_int_equal(
                ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizeof(tx), rx, sizeof(rx), &n),
                ROT_OK);
            assert_int_equal(n, sizeof(tx));
            assert_memory_equal(rx, tx, n);
        }
    }
}

static void
an_answer_longer_than_its_place(void **state)
{
    static const uint8_t tx[] = {0x99, 1};
    size_t n = 0;

    (void)state;
    start_fake();
    trouble.is_endless = 1;
    memset(rx, 0x11, sizeof(rx));
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, 2, rx, 1999, &n), ROT_E_FORMAT);
    assert_int_equal(rx[1999], 0x11);
    start_fake();
    trouble.is_endless = 1;
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, 2, rx, 2000, &n), ROT_OK);
    assert_int_equal(n, 2000);
}

static void
a_smaller_frame_is_used_as_it_is(void **state)
{
    static uint8_t tx[100];
    size_t n = 0;

    (void)state;
    memset(tx, 0x42, sizeof(tx));
    tx[0] = 0x99;
    for (unsigned size = 16; size < 60; size++) {
        start_fake();
        fake.frame_len = (uint16_t)size;
        line.packet_max = (uint16_t)(size - 5);
        assert_int_equal(
            ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizeof(tx), rx, sizeof(rx), &n), ROT_OK);
        assert_int_equal(n, sizeof(tx));
        assert_memory_equal(rx, tx, n);
    }
}

/* What no packet looks like. */
static void
impossible_packets(void **state)
{
    static const char *const packets[] = {
        "r 00 00 20 00 00 00 00", "r 00 18 20 00 00 00 00", "r 00 0A 20 00 00 00 00",
        "r 00 0C 20 00 00 00 00", "r 00 09 20 00 00 00 00", "r 00 0B 20 00 00 00 00",
        "r 00 0D 20 00 00 00 00", "r 00 0E 20 00 00 00 00", "r 00 88 20 00 00 00 00"};

    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        const char *const lines[] = {SENT, POLL, READY, FETCH, packets[i], ACK0, NULL};

        assert_int_equal(exchange(lines), ROT_E_FORMAT);
        assert_true(script_is_done(&script));
    }
}

#define BROKEN POLL, "R 48 80 00 06", FETCH

/* The part lost a packet of ours: the chain goes out once more, and not twice. */
static void
a_broken_chain_is_sent_once_more(void **state)
{
    static const char *const once[] = {SENT,
                                       BROKEN,
                                       "r 00 07",
                                       ACK0,
                                       "w 04 08 20 F1 00 00 00",
                                       POLL,
                                       READY,
                                       FETCH,
                                       "r 05 08 20 00 00 00 00",
                                       "W 80 81 00 00 56 30",
                                       NULL};
    static const char *const twice[] = {SENT,
                                        BROKEN,
                                        "r 00 07",
                                        ACK0,
                                        "w 04 08 20 F1 00 00 00",
                                        BROKEN,
                                        "r 05 07",
                                        "W 80 81 00 00 56 30",
                                        NULL};

    (void)state;
    assert_int_equal(exchange(once), ROT_OK);
    assert_int_equal(exchange(twice), ROT_E_FORMAT);
    assert_true(script_is_done(&script));
}

/* In the middle of a chain too; anything else there is no answer. */
static void
a_chain_that_breaks_in_the_middle(void **state)
{
    static uint8_t tx[300] = {0x99};
    size_t n = 0;

    (void)state;
    start_fake();
    fake.frame_len = 276; /* the part wants other fragments than it said */
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, sizeof(tx), rx, sizeof(rx), &n),
                     ROT_E_FORMAT);
    assert_int_equal(fake.commands, 0);
}

/* Noise without end: the time and the number of frames are bounded. */
static size_t
always_old(void *arg, uint8_t *frame, size_t len)
{
    (void)arg;
    if (len > 5) {
        frame[0] ^= 0x04;
        return ifx_i2c_close_frame(frame, frame[0], len - 5);
    }
    return len;
}

static void
a_part_that_never_gets_to_the_point(void **state)
{
    static const uint8_t tx[] = {0x99, 1};
    size_t n = 0;

    (void)state;
    start_fake();
    fake.tamper = always_old;
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, 2, rx, sizeof(rx), &n),
                     ROT_E_BUS);
    start_fake();
    fake.busy_polls = 100000;
    fake.waits = 0;
    assert_int_equal(ifx_i2c_exchange(&line, IFX_I2C_PRESENCE, tx, 2, rx, sizeof(rx), &n),
                     ROT_E_BUS);
    assert_true(fake.waits < 30000);
    assert_true(line.waited_us <= 30005000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_sum),
        cmocka_unit_test(control_frames),
        cmocka_unit_test(damaged_frames_are_refused),
        cmocka_unit_test(impossible_frames_are_refused),
        cmocka_unit_test(data_sheet_log),
        cmocka_unit_test(vendor_frames),
        cmocka_unit_test(opens_as_the_library_does),
        cmocka_unit_test(waits_for_a_part_that_wakes_up),
        cmocka_unit_test(silence_is_told_from_absence),
        cmocka_unit_test(another_part_is_left_alone),
        cmocka_unit_test(a_frame_size_that_was_not_asked_for_is_refused),
        cmocka_unit_test(a_bus_that_is_too_slow_for_everything_is_refused),
        cmocka_unit_test(nobody_is_a_bus_error),
        cmocka_unit_test(a_damaged_answer_is_asked_for_again),
        cmocka_unit_test(answers_that_stay_damaged_are_given_up),
        cmocka_unit_test(what_the_part_did_not_get_is_sent_again),
        cmocka_unit_test(a_part_that_works_is_waited_for),
        cmocka_unit_test(counters_are_set_back_once),
        cmocka_unit_test(a_resent_frame_has_the_new_number),
        cmocka_unit_test(an_old_answer_is_not_taken_for_the_new_one),
        cmocka_unit_test(an_answer_to_something_else_is_refused),
        cmocka_unit_test(long_commands_and_answers),
        cmocka_unit_test(a_write_of_600_bytes_is_the_library_s),
        cmocka_unit_test(a_wire_that_fails_now_and_then),
        cmocka_unit_test(an_answer_longer_than_its_place),
        cmocka_unit_test(a_smaller_frame_is_used_as_it_is),
        cmocka_unit_test(impossible_packets),
        cmocka_unit_test(a_broken_chain_is_sent_once_more),
        cmocka_unit_test(a_chain_that_breaks_in_the_middle),
        cmocka_unit_test(a_part_that_never_gets_to_the_point),
    };

    if (rot_port_openssl_init(&crypto) != ROT_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
