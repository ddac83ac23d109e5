/*
 * wire_test.c: who is spoken to, and a bus and a part that are not as they should be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

/* ---- Who -------------------------------------------------------------------------------- */

/* No byte of a placeholder goes to a bus that may have a real part. */
static void
a_real_bus_is_left_alone(void **state)
{
    struct desk *d = *state;

    d->part.transport.simulated = 0;
    assert_int_equal(desk_open(d), ROT_E_UNSUPPORTED);
    assert_int_equal(d->part.transfers, 0);
}

static void
production_takes_no_simulator(void **state)
{
    struct desk *d = *state;

    d->setup.flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(desk_open(d), ROT_E_AUTH);
    assert_int_equal(d->part.transfers, 0);
}

static void
nobody_or_somebody_else(void **state)
{
    struct desk *d = *state;

    d->part.is_deaf = 1;
    assert_int_equal(desk_open(d), ROT_E_BUS);
    assert_true(d->part.waits_us <= 60000);
    d->part.is_deaf = 0;
    d->part.transport.address = 0x18;
    assert_int_equal(desk_open(d), ROT_E_BUS);
    d->part.transport.address = 0;
    d->part.marker = "SIM-TA100-PLACEHOLDEZ";
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    d->part.marker = "THE REAL ONE, PERHAPS";
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    d->part.marker = NULL;
    d->part.status_byte = 0xff;
    d->part.polls = 0;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    assert_true(d->part.polls <= 3);
    d->part.status_byte = 0;
    d->part.failing = 0x01;
    d->part.failing_with = 0x03;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    assert_int_equal(desk_open(d), ROT_OK);
    d->part.config[16] = 0x40;
    rot_close(&d->chip);
    fake_ta100_power(&d->part);
    d->part.transport.address = 0x20;
    assert_int_equal(desk_open(d), ROT_OK);
}

static size_t
in_other_words(void *arg, uint8_t *answer, size_t len)
{
    (void)arg;
    answer[0] ^= 0x80;
    return len;
}

static void
vanish(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    struct fake_ta100 *f = arg;

    (void)command;
    (void)len;
    (void)a;
    f->is_deaf = 1;
}

/* Answers that are none: a bad wire, or a part that also takes what a TA100 does not. */
static void
a_bad_wire_is_no_other_part(void **state)
{
    struct desk *d = *state;

    d->part.tamper = in_other_words;
    assert_int_equal(desk_open(d), ROT_E_BUS);
    d->part.takes_all = 1;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    d->part.takes_all = 0;
    d->part.tamper = NULL;
    /* One that is gone after the command. */
    d->part.arg = &d->part;
    d->part.lie = vanish;
    d->part.waits_us = 0;
    assert_int_equal(desk_open(d), ROT_E_BUS);
    assert_true(d->part.waits_us <= 30000);
    d->part.lie = NULL;
    d->part.is_deaf = 0;
    assert_int_equal(desk_open(d), ROT_OK);
}

static size_t
another_version(void *arg, uint8_t *answer, size_t len)
{
    (void)arg;
    if (len == 43) {
        answer[3 + 21] = 2;
        ta100_command_end(answer, len); /* the two have their CRC in one place */
    }
    return len;
}

static void
another_version_is_another_part(void **state)
{
    struct desk *d = *state;

    d->part.tamper = another_version;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
}

static void
it_says_what_it_is(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_string_equal(id.vendor, "microchip");
    assert_string_equal(id.model, "ta100-placeholder");
    assert_int_equal(id.simulated, 1);
    assert_int_equal(id.revision, 0x6001);
    assert_int_equal(id.uid_len, 8);
    assert_memory_equal(id.uid, d->part.config, 8);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    assert_int_equal(id.sealed, 0);
    /* A blank part is asked once. */
    d->part.commands = 0;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(d->part.commands, 1);
}

/* The example of the page, with the instruction in front. */
static void
info_is_that_of_the_page(void **state)
{
    static const uint8_t want[] = {0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7a, 0x89};
    struct desk *d = *state;

    assert_int_equal(d->part.heard_len, sizeof(want));
    assert_memory_equal(d->part.heard, want, sizeof(want));
}

static void
closing_lets_it_sleep(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    assert_int_equal(d->part.is_asleep, 1);
    assert_int_equal(desk_open(d), ROT_OK); /* and the first command wakes it */
    /* One that was never open is not spoken to. */
    rot_close(&d->chip);
    d->part.marker = "somebody else, and so";
    d->part.commands = 0;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
    assert_int_equal(d->part.commands, 1);
}

/* ---- Slow, deaf, damaged ----------------------------------------------------------------- */

static rot_err
draw(struct desk *d)
{
    uint8_t b[40];

    return rot_random(&d->chip, b, sizeof(b));
}

static void
a_slow_part_is_waited_for(void **state)
{
    struct desk *d = *state;

    d->part.busy = 21; /* 40 ms */
    assert_int_equal(draw(d), ROT_OK);
    d->part.busy = 480;
    assert_int_equal(draw(d), ROT_OK);
    d->part.busy = 600;
    d->part.waits_us = 0;
    assert_int_equal(draw(d), ROT_E_BUS);
    assert_true(d->part.waits_us <= 1100000);
    /* And when somebody left it busy, for as long as the longest command takes. */
    d->part.busy = 0;
    d->part.nak = 11;
    d->part.left = 0;
    assert_int_equal(draw(d), ROT_OK);
    d->part.nak = 12;
    assert_int_equal(draw(d), ROT_E_BUS);
}

/* Power was gone for a moment: the part is asleep, and has nothing to say. */
static void
a_lost_command_is_not_waited_for(void **state)
{
    struct desk *d = *state;

    d->part.brownout = d->part.commands + 1;
    d->part.polls = 0;
    assert_int_equal(draw(d), ROT_E_BUS);
    assert_int_equal(d->part.polls, 1);
    assert_int_equal(draw(d), ROT_OK);
}

static void
stuck_is_not_forever(void **state)
{
    struct desk *d = *state;

    d->part.status_byte = 0x02;
    d->part.polls = 0;
    assert_int_equal(draw(d), ROT_E_BUS);
    assert_int_equal(d->part.polls, 500);
    d->part.status_byte = 0x55; /* a state that there is not */
    d->part.polls = 0;
    assert_int_equal(draw(d), ROT_E_FORMAT);
    assert_int_equal(d->part.polls, 3);
    d->part.status_byte = 0;
    assert_int_equal(draw(d), ROT_OK);
}

struct damage {
    unsigned times; /* answers that are damaged */
    unsigned how;
    unsigned done;
};

static size_t
damage(void *arg, uint8_t *answer, size_t len)
{
    struct damage *g = arg;

    if (g->done / 2 >= g->times) /* each answer is read in two pieces */
        return len;
    g->done++;
    switch (g->how) {
    case 0: /* one bit */
        answer[len / 2] ^= 0x10;
        return len;
    case 1: /* as long as nothing is */
        answer[0] = answer[1] = 0xff;
        return len;
    case 2: /* shorter than anything */
        answer[0] = 0;
        answer[1] = 4;
        g->done++; /* is not read to its end */
        return len;
    default: /* cut off */
        return len - 1;
    }
}

static void
a_damaged_answer_is_read_again(void **state)
{
    struct desk *d = *state;
    struct damage g;

    d->part.arg = &g;
    d->part.tamper = damage;
    for (unsigned how = 0; how < 4; how++) {
        unsigned before = d->part.commands;

        g = (struct damage){2, how, 0};
        if (how == 1)
            g.times = 1; /* read to where it cannot be */
        assert_int_equal(draw(d), ROT_OK);
        assert_int_equal(d->part.commands, before + 1);
        g = (struct damage){9, how, 0};
        assert_int_equal(draw(d), ROT_E_BUS);
        assert_int_equal(d->part.commands, before + 2);
    }
    d->part.tamper = NULL;
    assert_int_equal(draw(d), ROT_OK);
}

static void
a_damaged_command_is_sent_again(void **state)
{
    struct desk *d = *state;
    uint64_t value = 0;
    unsigned before = d->part.commands;

    d->part.bad_crcs = 2;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &value), ROT_OK);
    assert_int_equal(value, 1);
    assert_int_equal(d->part.commands, before + 3);
    d->part.bad_crcs = 3;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &value), ROT_E_BUS);
    assert_int_equal(rot_raw_status(&d->chip), 0x01);
    assert_int_equal(d->part.counters[0], 1);
}

/* Answers of another length than the command's. */
static void
cut_by_one(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    const int *more = arg;

    (void)command;
    (void)len;
    if (*more)
        a->data[a->len++] = 0;
    else if (a->len != 0)
        a->len--;
}

static void
answers_have_their_length(void **state)
{
    struct desk *d = *state;
    uint8_t sig[80], digest[32] = {1}, spki[91], point[64];
    uint64_t value = 0;
    struct rot_identity id;
    int more = 0;
    size_t n = 0;

    desk_make(d, ROT_IDEVID, spki, point);
    d->part.arg = &more;
    d->part.lie = cut_by_one;
    for (more = 0; more < 2; more++) {
        assert_int_equal(draw(d), ROT_E_FORMAT);
        assert_int_equal(rot_identify(&d->chip, &id), ROT_E_FORMAT);
        assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &value), ROT_E_FORMAT);
        assert_int_equal(rot_self_test(&d->chip), ROT_E_FORMAT);
        assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, spki, 91, &n), ROT_E_FORMAT);
        assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, 80, &n),
                         ROT_E_FORMAT);
        assert_int_equal(rot_verify_digest(&d->chip, ROT_IDEVID, NULL, 0, digest, 32,
                                           (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8),
                         ROT_E_FORMAT);
        assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, spki, 91, &n),
                         ROT_E_FORMAT);
    }
    d->part.lie = NULL;
}

/* ---- The rest of the part ----------------------------------------------------------------- */

static void
random_in_pieces(void **state)
{
    static uint8_t a[ROT_RANDOM_MAX], b[ROT_RANDOM_MAX];
    struct desk *d = *state;
    unsigned before = d->part.seen[0x03];

    assert_int_equal(rot_random(&d->chip, a, sizeof(a)), ROT_OK);
    assert_int_equal(d->part.seen[0x03], before + 8);
    assert_int_equal(rot_random(&d->chip, b, sizeof(b)), ROT_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(rot_random(&d->chip, a, 513), ROT_OK);
    assert_int_equal(d->part.seen[0x03], before + 18);
}

static void
self_test(void **state)
{
    struct desk *d = *state;

    assert_int_equal(rot_self_test(&d->chip), ROT_OK);
    d->part.test_result = 0x12;
    assert_int_equal(rot_self_test(&d->chip), ROT_E_CHIP);
    assert_int_equal(rot_raw_status(&d->chip), 0x12);
}

static void
counters(void **state)
{
    struct desk *d = *state;
    uint64_t value = 9;

    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &value), ROT_OK);
    assert_int_equal(value, 0);
    d->part.counters[1] = 0xfffffffe;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &value), ROT_OK);
    assert_int_equal(value, 0xffffffff);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &value), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), 0x0e);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &value), ROT_OK);
    assert_int_equal(value, 0xffffffff);
    assert_int_equal(rot_raw_status(&d->chip), 0);
}

static void
reset(void **state)
{
    struct desk *d = *state;

    d->part.registers[0].what = 1;
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(d->part.registers[0].what, 0);
    d->part.is_deaf = 1;
    assert_int_equal(rot_reset(&d->chip), ROT_E_BUS);
    d->part.is_deaf = 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(a_real_bus_is_left_alone),
        CLOSED(production_takes_no_simulator),
        CLOSED(nobody_or_somebody_else),
        CLOSED(a_bad_wire_is_no_other_part),
        CLOSED(another_version_is_another_part),
        READY(it_says_what_it_is),
        READY(info_is_that_of_the_page),
        READY(closing_lets_it_sleep),
        READY(a_slow_part_is_waited_for),
        READY(a_lost_command_is_not_waited_for),
        READY(stuck_is_not_forever),
        READY(a_damaged_answer_is_read_again),
        READY(a_damaged_command_is_sent_again),
        READY(answers_have_their_length),
        READY(random_in_pieces),
        READY(self_test),
        READY(counters),
        READY(reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
