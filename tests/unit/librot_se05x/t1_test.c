/*
 * t1_test.c: T=1 over I2C against a script of what passes the bus.
 *
 * The blocks are those of the reference, section 2.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../librot/transports/t1_i2c.h"
#include "hex.h"

#define ATR "00A0000003960403E800FE020B03E80801000000006400000A4A434F5034204154504F"

/* ---- Vectors -------------------------------------------------------------------------- */

static const char *const from_host[] = {
    "5A C0 00 FF FC",
    "5A C7 00 F7 B1",
    "5A CF 00 37 7F",
    "5A C5 00 47 82",
    "5A C6 00 2F A8",
    "5A DF 00 A6 EA",
    "5A 80 00 99 BA",
    "5A 90 00 08 2F",
    "5A 81 00 41 A3",
    "5A 91 00 D0 36",
    "5A 82 00 29 89",
    "5A 92 00 B8 1C",
    "5A E3 01 01 F2 1B",
    "5A 00 16 00A4040010 A0000003965453000000010300000000 00 A8 C8",
    "5A 40 05 80 04 00 20 00 22 93",
    "5A 40 0D 80500B00080001020304050607 EC 7D",
    "5A 00 15 8482330010 35B03A6E11B87CC8 77C0135D259ADBF7 06 A3",
};

static const char *const from_part[] = {
    "A5 E0 00 3F 19",
    "A5 E7 23 " ATR " 2A 8D",
    "A5 EF 23 " ATR " 87 77",
    "A5 E5 00 87 67",
    "A5 E6 00 EF 4D",
    "A5 FF 00 66 0F",
    "A5 90 00 FB E9",
    "A5 80 00 6A 7C",
    "A5 C3 01 01 1B DD",
    "A5 00 09 07 02 00 6F FF 01 0B 90 00 2C A1",
    "A5 00 09 03 01 00 6F FF 01 0B 90 00 19 14",
    "A5 40 0B 41 07 07 02 00 6F FF 01 0B 90 00 C5 34",
    "A5 00 02 9000 02 AF",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
crc_is_x25(void **state)
{
    (void)state;
    assert_int_equal(t1_crc((const uint8_t *)"123456789", 9), 0x906e);
}

static void
blocks_of_the_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(from_host); i++) {
        uint8_t want[T1_FRAME_MAX], got[T1_FRAME_MAX];
        size_t len = hex(from_host[i], want);

        assert_int_equal(t1_build(want[1], want + 3, len - 5, got), len);
        assert_memory_equal(got, want, len);
    }
}

/* Each is taken, and none of them with one bit another, or one byte more or less. */
static void
blocks_of_the_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(from_part); i++) {
        uint8_t b[T1_FRAME_MAX + 1];
        size_t len = hex(from_part[i], b);

        assert_int_equal(t1_check(b, len), ROT_OK);
        for (size_t bit = 0; bit < len * 8; bit++) {
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(t1_check(b, len), ROT_E_BUS);
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t n = 0; n < len; n++)
            assert_int_equal(t1_check(b, n), ROT_E_BUS);
        b[len] = 0;
        assert_int_equal(t1_check(b, len + 1), ROT_E_BUS);
    }
}

static void
answer_to_reset(void **state)
{
    uint8_t atr[64];
    size_t len = hex(ATR, atr);
    struct t1_atr a;

    (void)state;
    assert_int_equal(len, 35);
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_OK);
    assert_int_equal(a.bwt_ms, 1000);
    assert_int_equal(a.ifsc, 254);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(t1_read_atr(atr, n, &a), ROT_E_FORMAT);
    atr[9] = 0x01; /* more than a block: as much as one */
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_OK);
    assert_int_equal(a.ifsc, 254);
    atr[9] = atr[10] = 0;
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_E_FORMAT);
    atr[10] = 32;
    atr[7] = atr[8] = 0; /* no time at all: the least */
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_OK);
    assert_int_equal(a.bwt_ms, 100);
    atr[7] = 0xff;
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_OK);
    assert_int_equal(a.bwt_ms, 10000);
    atr[6] = 3;
    assert_int_equal(t1_read_atr(atr, len, &a), ROT_E_FORMAT);
}

/* ---- A bus that follows a script ----------------------------------------------------------- */

/*
 * Steps: "H kind bytes" the host must send just that block; "P kind bytes" a block of the
 * part's is in the queue from then on, and "R bytes" bytes that may be none; "N n" that many
 * reads find nobody; "B" the next write finds nobody, "X" the wire breaks under it.
 */
struct script {
    const char *const *steps;
    size_t count, at;
    uint8_t queue[600];
    size_t len, pos;
    unsigned nacks, writes, reads;
    uint64_t waited_us;
    const char *for_ever; /* what answers every write once the script is at its end */
};

static struct script script;
static struct t1_i2c t1;

static size_t
block(uint8_t nad, const char *text, uint8_t out[600])
{
    uint8_t b[300];
    size_t n = hex(text, b), len = n - 1;
    uint16_t crc;

    out[0] = nad;
    out[1] = b[0];
    out[2] = (uint8_t)len;
    memcpy(out + 3, b + 1, len);
    crc = t1_crc(out, 3 + len);
    out[3 + len] = (uint8_t)crc;
    out[4 + len] = (uint8_t)(crc >> 8);
    return 5 + len;
}

static void
load(const char *step)
{
    script.len = step[0] == 'R' ? hex(step + 2, script.queue) : block(0xa5, step + 2, script.queue);
    script.pos = 0;
}

static void
advance(void)
{
    for (; script.at < script.count; script.at++) {
        const char *step = script.steps[script.at];

        if (step[0] == 'R' || step[0] == 'P')
            load(step);
        else if (step[0] == 'N')
            script.nacks = (unsigned)(step[2] - '0');
        else
            break;
    }
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    uint8_t want[600];
    const char *step;

    (void)self;
    assert_int_equal(address, 0x48);
    script.writes++;
    script.len = script.pos = 0;
    if (script.at == script.count) {
        assert_non_null(script.for_ever);
        load(script.for_ever);
        return ROT_OK;
    }
    step = script.steps[script.at++];
    if (step[0] == 'H') {
        assert_int_equal(block(0x5a, step + 2, want), len);
        assert_memory_equal(tx, want, len);
    }
    advance();
    return step[0] == 'H' ? ROT_OK : (step[0] == 'B' ? ROT_BUSY : ROT_E_BUS);
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    (void)self;
    assert_int_equal(address, 0x48);
    script.reads++;
    if (script.nacks != 0) {
        script.nacks--;
        return ROT_BUSY;
    }
    if (script.pos >= script.len)
        return ROT_BUSY;
    for (size_t i = 0; i < len; i++)
        rx[i] = script.pos < script.len ? script.queue[script.pos++] : 0;
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    (void)self;
    script.waited_us += us;
}

static const struct rot_line_ops line = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c = {.write = on_write, .read = on_read};
static const struct rot_transport transport = {.line = &line, .i2c = &i2c};

#define START   "H C0", "P E0", "H C7", ("P E7" ATR)
#define SELECT  "00A4040010A000000396545300000001030000000000"
#define VERSION "8004002000"

static rot_err
play(const char *const *steps, size_t count)
{
    memset(&script, 0, sizeof(script));
    script.steps = steps;
    script.count = count;
    advance();
    return t1_i2c_open(&t1, &transport, 0x48);
}
#define PLAY(steps) play(steps, COUNT(steps))

static void
finish(void)
{
    assert_int_equal(script.at, script.count);
    assert_int_equal(script.len, script.pos);
}

static rot_err
say(const char *command, uint8_t *rx, size_t cap, size_t *ret_len)
{
    uint8_t tx[64];

    return t1_i2c_exchange(&t1, tx, hex(command, tx), rx, cap, ret_len);
}

/* The first command must give just these bytes. */
static void
gives(const char *command, const char *answer)
{
    uint8_t rx[64], want[64];
    size_t n = 0;

    assert_int_equal(say(command, rx, sizeof(rx), &n), ROT_OK);
    assert_int_equal(n, hex(answer, want));
    assert_memory_equal(rx, want, n);
}

static void
fails(const char *command)
{
    uint8_t rx[64];
    size_t n = 0;

    assert_int_equal(say(command, rx, sizeof(rx), &n), ROT_E_BUS);
    assert_int_equal(say(command, rx, sizeof(rx), &n), ROT_E_BUS); /* and stays closed */
}

/* ---- Good days ----------------------------------------------------------------------------- */

static void
opens_speaks_and_closes(void **state)
{
    static const char *const steps[] = {
        START,
        ("H 00" SELECT),
        "N 3",
        "P 00 0702006FFF010B9000",
        ("H 40" VERSION),
        "P 40 41070702006FFF010B9000",
        "H C5",
        "P E5",
    };

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(SELECT, "0702006FFF010B9000");
    gives(VERSION, "41070702006FFF010B9000");
    t1_i2c_close(&t1);
    finish();
    t1_i2c_close(&t1);
    fails(VERSION);
}

static void
patience_is_granted(void **state)
{
    static const char *const steps[] = {START,     ("H 00" SELECT), "P C3 01",  "H E3 01",
                                        "P C3 05", "H E3 05",       "P 00 9000"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(SELECT, "9000");
    finish();
}

static void
part_may_reset_itself(void **state)
{
    static const char *const steps[] = {START, "H C6", "P E6"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    assert_int_equal(t1_i2c_reset(&t1), ROT_OK);
    assert_int_equal(t1_i2c_reset(&t1), ROT_E_BUS);
    finish();
    fails(VERSION);
}

/* 520 bytes leave as 254, 254 and 12 (reference 2.1), and 600 come in three blocks. */
static struct {
    unsigned blocks;
    uint8_t pcb[16], len[16];
} seen;

static rot_err
chain_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    static const char *const answers[] = {"P 90", "P 80"};
    uint8_t inf[254];
    uint16_t crc;

    (void)self;
    (void)address;
    assert_true(seen.blocks < 16);
    seen.pcb[seen.blocks] = tx[1];
    seen.len[seen.blocks] = tx[2];
    assert_int_equal(len, tx[2] + 5u);
    for (unsigned i = 0; i < tx[2]; i++)
        assert_int_equal(tx[3 + i], (uint8_t)(seen.blocks * 254 + i));
    seen.blocks++;
    if (seen.blocks <= 2) {
        load(answers[seen.blocks - 1]);
        return ROT_OK;
    }
    memset(inf, (int)seen.blocks, sizeof(inf));
    script.queue[0] = 0xa5;
    script.queue[1] = (uint8_t)((seen.blocks % 2 == 0 ? 0x40 : 0) | (seen.blocks < 5 ? 0x20 : 0));
    script.queue[2] = seen.blocks < 5 ? 254 : 92;
    memcpy(script.queue + 3, inf, script.queue[2]);
    crc = t1_crc(script.queue, 3u + script.queue[2]);
    script.queue[3 + script.queue[2]] = (uint8_t)crc;
    script.queue[4 + script.queue[2]] = (uint8_t)(crc >> 8);
    script.len = 5u + script.queue[2];
    script.pos = 0;
    return ROT_OK;
}

static void
chains_both_ways(void **state)
{
    static const struct rot_i2c_ops chain = {.write = chain_write, .read = on_read};
    static const struct rot_transport wire = {.line = &line, .i2c = &chain};
    static const char *const steps[] = {START};
    static const uint8_t want[] = {0x20, 0x60, 0x00, 0x90, 0x80};
    static uint8_t buf[600];
    size_t n = 0;

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    memset(&seen, 0, sizeof(seen));
    t1.transport = &wire;
    for (size_t i = 0; i < 520; i++)
        buf[i] = (uint8_t)i;
    /* In and out of the same memory. */
    assert_int_equal(t1_i2c_exchange(&t1, buf, 520, buf, sizeof(buf), &n), ROT_OK);
    assert_int_equal(n, 600);
    assert_int_equal(seen.blocks, 5);
    assert_memory_equal(seen.pcb, want, sizeof(want));
    assert_int_equal(seen.len[0], 254);
    assert_int_equal(seen.len[1], 254);
    assert_int_equal(seen.len[2], 12);
    assert_int_equal(seen.len[3], 0);
    assert_int_equal(buf[0], 3);
    assert_int_equal(buf[253], 3);
    assert_int_equal(buf[254], 4);
    assert_int_equal(buf[599], 5);
    /* One byte less of room, and the conversation is over. */
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(PLAY(steps), ROT_OK);
    t1.transport = &wire;
    for (size_t i = 0; i < 520; i++)
        buf[i] = (uint8_t)i;
    assert_int_equal(t1_i2c_exchange(&t1, buf, 520, buf, 599, &n), ROT_E_FORMAT);
    assert_false(t1.is_open);
}

/* ---- Bad days ---------------------------------------------------------------------------------- */

/* A busy part, a bad CRC, a stray byte, a block that it did not get: in the end the same answer. */
static void
damage_is_repaired(void **state)
{
    static const char *const steps[] = {
        START,
        "B",
        "B",
        ("H 00" SELECT),
        "R A500090702006FFF010B90002CA2",
        "H 81",
        "R 00A500090702006FFF010B90002CA1",
        ("H 40" VERSION),
        "P 81", /* "the CRC was wrong": again */
        ("H 40" VERSION),
        "P 92", /* "something was wrong": again */
        ("H 40" VERSION),
        "P 00 9000", /* the answer before this one: again */
        ("H 40" VERSION),
        "P 40 41070702006FFF010B9000",
    };

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(SELECT, "0702006FFF010B9000");
    gives(VERSION, "41070702006FFF010B9000");
    finish();
}

static void
silence_is_asked_about(void **state)
{
    static const char *const steps[] = {START, ("H 00" SELECT), "H 81", "P 00 9000"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(SELECT, "9000");
    assert_true(script.waited_us > 1000000); /* the time that the part promised */
    finish();
}

static void
wire_may_break_for_a_moment(void **state)
{
    static const char *const steps[] = {START, "X", ("H 00" SELECT), "P 00 9000"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(SELECT, "9000");
    finish();
}

static void
smaller_blocks_may_be_asked_for(void **state)
{
    static const char *const steps[] = {START,     ("H 00" VERSION), "P C1 03",
                                        "H E1 03", "P 00 9000",      "H 60 800400",
                                        "P 80",    "H 00 2000",      "P 40 9000"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    gives(VERSION, "9000");
    gives(VERSION, "9000");
    finish();
}

/* What never ends, ends here. */
static void
storms_are_bounded(void **state)
{
    static const char *const start[] = {START};
    static const char *const for_ever[] = {
        "P C3 01",        /* more time */
        "P C3 FF",        /* much more time */
        "P C1 20",        /* smaller blocks */
        "P 81",           /* a bad CRC */
        "P 80",           /* an acknowledgement of nothing */
        "P 90",           /* of the whole command, and nothing behind it */
        "P 40 9000",      /* a number that is not due */
        "P 01 9000",      /* a kind that there is not */
        "P 20",           /* a chain of nothing */
        "P C3",           /* time without a number */
        "P C3 00",        /* no time */
        "P C1 FF",        /* a size that there is not */
        "P C2 01",        /* it gives up */
        "P C0",           /* it wants to begin again */
        "P E0",           /* an answer to nothing */
        "R A5",           /* one byte */
        "R A500FF",       /* a length that there is not */
        "R A50009070200", /* a block that stops */
        "R FFFFFFFFFFFF", /* a line that is stuck */
        "R 0082000000",   /* the part's own way to complain */
        "R 5A00029000",   /* an echo */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(for_ever); i++) {
        assert_int_equal(PLAY(start), ROT_OK);
        script.for_ever = for_ever[i];
        script.waited_us = 0;
        fails(SELECT);
        assert_true(script.writes <= 2 + 1 + T1_WTX_MAX + T1_FAULTS_MAX);
        assert_true(script.waited_us <= (T1_TOTAL_MS + 100) * 1000ull);
    }
}

/* A chain that goes on is stopped by the room there is. */
static rot_err
endless_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    (void)self;
    (void)address;
    (void)len;
    load((tx[1] & 0x80) == 0 ? "P 20 00" : ((tx[1] & 0x10) != 0 ? "P 60 00" : "P 20 00"));
    return ROT_OK;
}

static void
endless_answers_stop(void **state)
{
    static const struct rot_i2c_ops endless = {.write = endless_write, .read = on_read};
    static const struct rot_transport wire = {.line = &line, .i2c = &endless};
    static const char *const start[] = {START};
    uint8_t rx[100];
    size_t n = 0;

    (void)state;
    assert_int_equal(PLAY(start), ROT_OK);
    t1.transport = &wire;
    assert_int_equal(say(SELECT, rx, sizeof(rx), &n), ROT_E_FORMAT);
}

static void
nobody_is_there(void **state)
{
    static const char *const steps[] = {"B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B",
                                        "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B",
                                        "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B",
                                        "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B", "B"};
    static const char *const broken[] = {"X", "X", "X", "X", "X", "X"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_E_BUS);
    assert_true(script.waited_us < 1000000);
    assert_int_equal(PLAY(broken), ROT_E_BUS);
    finish();
}

static void
something_else_is_there(void **state)
{
    static const char *const atr[] = {"H C0", "P E0", "H C7", "P E7 00"};

    (void)state;
    memset(&script, 0, sizeof(script));
    script.for_ever = "R 1234567890";
    assert_int_equal(t1_i2c_open(&t1, &transport, 0x48), ROT_E_WRONG_PART);
    assert_true(script.waited_us < 3000000);
    assert_int_equal(PLAY(atr), ROT_E_WRONG_PART);
}

static rot_err
sensor_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    (void)self;
    (void)address;
    memset(rx, 0x1c, len);
    script.reads++;
    return ROT_OK;
}

/* What answers without being asked is not written to. */
static void
sensors_are_left_alone(void **state)
{
    static const struct rot_i2c_ops sensor = {.write = on_write, .read = sensor_read};
    static const struct rot_transport wire = {.line = &line, .i2c = &sensor};

    (void)state;
    memset(&script, 0, sizeof(script));
    assert_int_equal(t1_i2c_open(&t1, &wire, 0x48), ROT_E_WRONG_PART);
    assert_int_equal(script.writes, 0);
    assert_true(script.reads < 10);
}

/* Its block did not arrive: the part wants that one, and not the next. */
static void
a_block_of_a_chain_is_sent_again(void **state)
{
    static const char *const steps[] = {START,  "H 20 00A40400", "P 80",     "H 20 00A40400",
                                        "P 90", "H 40 10A00000", "P 00 9000"};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    t1.atr.ifsc = 4;
    gives("00A4040010A00000", "9000");
    finish();
}

/* What an earlier host left is heard and passed over. */
static void
old_answers_are_passed_over(void **state)
{
    static const char *const steps[] = {"P 60 0102", "H C0",   "P 00 0102039000",
                                        "H C0",      "R 3344", "H C0",
                                        "P E0",      "H C7",   ("P E7" ATR)};

    (void)state;
    assert_int_equal(PLAY(steps), ROT_OK);
    finish();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_x25),
        cmocka_unit_test(blocks_of_the_host),
        cmocka_unit_test(blocks_of_the_part),
        cmocka_unit_test(answer_to_reset),
        cmocka_unit_test(opens_speaks_and_closes),
        cmocka_unit_test(patience_is_granted),
        cmocka_unit_test(part_may_reset_itself),
        cmocka_unit_test(chains_both_ways),
        cmocka_unit_test(damage_is_repaired),
        cmocka_unit_test(silence_is_asked_about),
        cmocka_unit_test(wire_may_break_for_a_moment),
        cmocka_unit_test(a_block_of_a_chain_is_sent_again),
        cmocka_unit_test(smaller_blocks_may_be_asked_for),
        cmocka_unit_test(storms_are_bounded),
        cmocka_unit_test(endless_answers_stop),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(something_else_is_there),
        cmocka_unit_test(sensors_are_left_alone),
        cmocka_unit_test(old_answers_are_passed_over),
    };

    return cmocka_run_group_tests_name("librot_se05x t1", tests, NULL, NULL);
}
