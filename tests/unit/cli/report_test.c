/*
 * report_test.c: what a recorder writes down, and how answers are judged that simulated parts give
 * to the same questions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "cli/chip_probes.h"
#include "cli/chip_record.h"
#include "cli/chip_replay.h"

/* ---- A part that answers with what it is told ------------------------------------------------------ */

struct fake {
    uint8_t answer[8];
    size_t answer_len;
    int busy; /* so many times it does not acknowledge */
    int is_broken;
    unsigned writes, reads, wakes, delays, power;
    uint8_t last_address;
};

static rot_err
fake_ack(struct fake *f, uint8_t address)
{
    f->last_address = address;
    if (f->is_broken)
        return ROT_E_BUS;
    return f->busy > 0 ? (f->busy--, ROT_BUSY) : ROT_OK;
}

static rot_err
fake_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake *f = self;

    (void)tx;
    (void)len;
    f->writes++;
    return fake_ack(f, address);
}

static rot_err
fake_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake *f = self;

    f->reads++;
    memset(rx, 0xff, len);
    memcpy(rx, f->answer, len < f->answer_len ? len : f->answer_len);
    return fake_ack(f, address);
}

static rot_err
fake_wake(void *self, uint32_t low_us)
{
    (void)low_us;
    ((struct fake *)self)->wakes++;
    return ROT_OK;
}

static rot_err
fake_power(void *self, int on)
{
    (void)on;
    ((struct fake *)self)->power++;
    return ROT_OK;
}

static void
fake_delay(void *self, uint32_t us)
{
    (void)us;
    ((struct fake *)self)->delays++;
}

static const struct rot_line_ops fake_line = {.delay_us = fake_delay, .set_power = fake_power};
static const struct rot_i2c_ops fake_i2c = {
    .write = fake_write, .read = fake_read, .wake = fake_wake};

static struct rot_transport
wire(struct fake *f)
{
    return (struct rot_transport){.self = f, .line = &fake_line, .i2c = &fake_i2c, .address = 0x60};
}

/* ---- The recorder -------------------------------------------------------------------------------------- */

static void
only_i2c_is_recorded(void **state)
{
    const struct rot_transport none = {.line = &fake_line};
    struct record r;

    (void)state;
    assert_int_equal(record_init(&r, NULL), ROT_E_UNSUPPORTED);
    record_done(&r);
    assert_int_equal(record_init(&r, &none), ROT_E_UNSUPPORTED);
    record_done(&r);
}

static void
what_passes_is_written_down(void **state)
{
    struct fake f = {.answer = {1, 2, 3}, .answer_len = 3};
    struct rot_transport t = wire(&f);
    const struct rot_transport *over;
    struct record r;
    uint8_t rx[3];

    (void)state;
    assert_int_equal(record_init(&r, &t), ROT_OK);
    over = &r.transport;
    record_step(&r, 7);
    assert_int_equal(over->i2c->wake(over->self, 80), ROT_OK);
    over->line->delay_us(over->self, 1500);
    assert_int_equal(over->i2c->write(over->self, 0x60, (const uint8_t[]){9, 8}, 2), ROT_OK);
    assert_int_equal(over->i2c->read(over->self, 0x60, rx, 3), ROT_OK);
    f.busy = 1;
    assert_int_equal(over->i2c->read(over->self, 0x60, rx, 3), ROT_BUSY);
    assert_int_equal(over->line->set_power(over->self, 0), ROT_OK);

    assert_int_equal(r.count, 6);
    assert_int_equal(r.events[0].kind, RECORD_WAKE);
    assert_int_equal(r.events[0].number, 80);
    assert_int_equal(r.events[1].number, 1500);
    assert_int_equal(r.events[2].kind, RECORD_WRITE);
    assert_memory_equal(record_bytes(&r, &r.events[2]).p, ((const uint8_t[]){9, 8}), 2);
    assert_true(r.events[3].ack);
    assert_memory_equal(record_bytes(&r, &r.events[3]).p, ((const uint8_t[]){1, 2, 3}), 3);
    assert_false(r.events[4].ack);
    assert_int_equal(r.events[4].len, 3);
    assert_int_equal(record_bytes(&r, &r.events[4]).len, 0); /* nobody sent any */
    assert_int_equal(r.events[5].kind, RECORD_POWER);
    assert_int_equal(r.events[3].step, 7);
    assert_true(r.events[3].at_us >= r.events[2].at_us);
    assert_false(r.is_full);
    assert_int_equal(over->address, 0x60);
    assert_null(over->i2c->set_speed); /* what the wire cannot do, it cannot do either */
    record_done(&r);
}

static void
a_full_recorder_says_so(void **state)
{
    struct fake f = {.answer_len = 0};
    struct rot_transport t = wire(&f);
    struct record r;

    (void)state;
    assert_int_equal(record_init(&r, &t), ROT_OK);
    for (int i = 0; i < RECORD_EVENTS_MAX; i++)
        r.transport.line->delay_us(r.transport.self, 1);
    assert_false(r.is_full);
    assert_int_equal(r.transport.i2c->write(r.transport.self, 0x60, NULL, 0), ROT_OK);
    assert_true(r.is_full);
    assert_int_equal(r.count, RECORD_EVENTS_MAX);
    assert_int_equal(f.writes, 1); /* the part was asked all the same */
    record_done(&r);
}

/* ---- One answer -------------------------------------------------------------------------------------------- */

static void
judge(const uint8_t part[4], const uint8_t a[4], const uint8_t b[4], int assumed, int natural,
      const uint8_t want[4])
{
    const uint8_t *others[2] = {a, b};
    uint8_t got[4];

    replay_judge(rs_bytes_of(part, 4), others, 2, assumed, natural, got);
    assert_memory_equal(got, want, 4);
}

static void
bytes_are_judged(void **state)
{
    static const uint8_t part[4] = {1, 2, 3, 4}, a[4] = {1, 2, 9, 7}, b[4] = {1, 2, 9, 8};

    (void)state;
    judge(part, a, b, 0, 0,
          (const uint8_t[]){REPLAY_SAME, REPLAY_SAME, REPLAY_CONTRADICTION, REPLAY_IDENTITY});
    judge(part, a, b, 1, 0,
          (const uint8_t[]){REPLAY_SAME, REPLAY_SAME, REPLAY_UNCERTAIN, REPLAY_IDENTITY});
    judge(part, a, b, 1, REPLAY_CONTENT,
          (const uint8_t[]){REPLAY_SAME, REPLAY_SAME, REPLAY_CONTENT, REPLAY_IDENTITY});
    judge(part, a, b, 0, REPLAY_IDENTITY,
          (const uint8_t[]){REPLAY_SAME, REPLAY_SAME, REPLAY_IDENTITY, REPLAY_IDENTITY});
    /* Where parts differ, one that is like the first is not the same as all of them. */
    judge(a, a, b, 0, 0, (const uint8_t[]){REPLAY_SAME, REPLAY_SAME, REPLAY_SAME, REPLAY_IDENTITY});
}

/* ---- A conversation ------------------------------------------------------------------------------------------ */

struct conversation {
    struct fake real, parts[3];
    struct rot_transport wires[4];
    struct record record;
    struct replay replay;
    const char *assumes; /* NULL: nothing */
    int natural;
    json_t *differences, *agreed;
};

static json_t *
said(void *arg)
{
    const struct conversation *c = arg;

    return c->assumes != NULL ? json_pack("[s]", c->assumes) : json_array();
}

static int
natural(void *arg, unsigned step)
{
    (void)step;
    return ((const struct conversation *)arg)->natural;
}

static void
meet(struct conversation *c, const uint8_t real[3], const uint8_t parts[3])
{
    memset(c, 0, sizeof(*c));
    memcpy(c->real.answer, real, 3);
    c->real.answer_len = 3;
    c->wires[3] = wire(&c->real);
    for (size_t i = 0; i < 3; i++) {
        memcpy(c->parts[i].answer, parts, 3);
        c->parts[i].answer_len = 3;
        c->wires[i] = wire(&c->parts[i]);
        c->replay.parts[i].line = &c->wires[i];
        c->replay.parts[i].address = 0x35;
    }
    c->replay.part_count = 3;
    c->replay.said = said;
    c->replay.natural = natural;
    c->replay.arg = c;
    c->differences = json_array();
    c->agreed = json_object();
    assert_int_equal(record_init(&c->record, &c->wires[3]), ROT_OK);
}

static void
part_ways(struct conversation *c)
{
    record_done(&c->record);
    json_decref(c->differences);
    json_decref(c->agreed);
}

/* A command, and its answer when the part is no longer busy. */
static void
talk(struct conversation *c)
{
    const struct rot_transport *t = &c->record.transport;
    uint8_t rx[3];
    rot_err rot;

    assert_int_equal(t->i2c->wake(t->self, 80), ROT_OK);
    assert_int_equal(t->i2c->write(t->self, 0x60, (const uint8_t[]){3, 7, 0x30, 0}, 4), ROT_OK);
    c->real.busy = 3;
    do {
        rot = t->i2c->read(t->self, 0x60, rx, 3);
        t->line->delay_us(t->self, 1000);
    } while (rot == ROT_BUSY);
    assert_int_equal(rot, ROT_OK);
}

static rot_err
put_to_parts(struct conversation *c)
{
    return replay_run(&c->record, 0x60, &c->replay, c->differences, c->agreed);
}

static const char *
class_of(const struct conversation *c, size_t i)
{
    return rs_json_text_or(json_array_get(c->differences, i), "class", "");
}

static void
a_broken_simulator_is_no_answer(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    talk(&c);
    c.parts[1].is_broken = 1;
    assert_int_equal(put_to_parts(&c), ROT_E_BUS);
    part_ways(&c);
}

static void
the_same_answer_is_no_difference(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    c.assumes = "X_U_A";
    talk(&c);
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_int_equal(json_array_size(c.differences), 0);
    assert_non_null(json_object_get(c.agreed, "X_U_A"));
    /* Asking again while it was busy was one question; each part has the real one's place. */
    assert_int_equal(c.parts[0].reads, 1);
    assert_int_equal(c.parts[0].wakes, 1);
    assert_int_equal(c.parts[0].last_address, 0x35);
    part_ways(&c);
}

static void
a_busy_simulator_is_waited_for(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    talk(&c);
    c.parts[2].busy = 40;
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_int_equal(json_array_size(c.differences), 0);
    part_ways(&c);
}

static void
another_answer_is_a_contradiction(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 9, 9});
    talk(&c);
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_int_equal(json_array_size(c.differences), 1);
    assert_string_equal(class_of(&c, 0), "contradiction");
    assert_string_equal(rs_json_text_or(json_array_get(c.differences, 0), "part", ""), "0203");
    assert_string_equal(rs_json_text_or(json_array_get(c.differences, 0), "simulator", ""), "0909");
    part_ways(&c);
}

static void
an_assumed_answer_is_uncertain(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 9, 3});
    c.assumes = "X_U_A";
    talk(&c);
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_string_equal(class_of(&c, 0), "uncertain");
    assert_string_equal(json_string_value(json_array_get(
                            json_object_get(json_array_get(c.differences, 0), "assumed"), 0)),
                        "X_U_A");
    assert_null(json_object_get(c.agreed, "X_U_A"));
    part_ways(&c);
}

static void
who_does_not_acknowledge_is_a_difference(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    talk(&c);
    for (size_t i = 0; i < 3; i++)
        c.parts[i].busy = 1000000;
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_string_equal(class_of(&c, 0), "contradiction");
    assert_string_equal(rs_json_text_or(json_array_get(c.differences, 0), "what", ""),
                        "acknowledge");
    assert_true(json_is_true(json_object_get(json_array_get(c.differences, 0), "part")));
    part_ways(&c);
}

static void
contents_are_natural(void **state)
{
    struct conversation c;

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 9, 3});
    c.assumes = "X_U_A";
    c.natural = REPLAY_CONTENT;
    talk(&c);
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_string_equal(class_of(&c, 0), "content");
    part_ways(&c);
}

/* What a wake pulse answers has nothing to do with the command before it. */
static void
assumptions_are_of_one_command(void **state)
{
    struct conversation c;
    const struct rot_transport *t = &c.record.transport;
    uint8_t rx[3];

    (void)state;
    meet(&c, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    talk(&c);
    c.assumes = NULL;
    memcpy(c.real.answer, (const uint8_t[]){7, 7, 7}, 3);
    assert_int_equal(t->i2c->wake(t->self, 80), ROT_OK);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 3), ROT_OK);
    assert_int_equal(put_to_parts(&c), ROT_OK);
    assert_string_equal(class_of(&c, 0), "contradiction");
    part_ways(&c);
}

static int
is_status(void *arg, const char *name)
{
    (void)arg;
    return strstr(name, "STATUS") != NULL;
}

static void
what_held_elsewhere_is_not_to_blame(void **state)
{
    RS_AUTO(rs_json_done) json_t *agreed =
        json_pack("{s:b, s:b}", "X_U_SIZE", 1, "X_U_A_STATUS", 1);
    RS_AUTO(rs_json_done) json_t *d = json_pack(
        "[{s:s, s:[s]}, {s:s, s:[s, s]}, {s:s, s:[s, s]}, {s:s}]", "class", "uncertain", "assumed",
        "X_U_SIZE", "class", "uncertain", "assumed", "X_U_SIZE", "X_U_A_STATUS", "class",
        "uncertain", "assumed", "X_U_SIZE", "X_U_OTHER", "class", "identity");

    (void)state;
    replay_weigh(d, agreed, is_status, NULL);
    assert_string_equal(rs_json_text_or(json_array_get(d, 0), "class", ""), "contradiction");
    assert_null(json_object_get(json_array_get(d, 0), "assumed"));
    assert_int_equal(json_array_size(json_object_get(json_array_get(d, 1), "assumed")), 1);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(json_array_get(d, 2), "assumed"), 0)),
        "X_U_OTHER");
    assert_string_equal(rs_json_text_or(json_array_get(d, 3), "class", ""), "identity");
}

/* ---- Questions ---------------------------------------------------------------------------------------------- */

static void
count_step(void *arg, const char *name, int is_content)
{
    (void)is_content;
    assert_true(name[0] != '\0');
    (*(size_t *)arg)++;
}

/* A part that says nothing is asked each question and waited for in vain; nobody is asked for ever. */
static void
a_dead_part_is_asked_and_left(void **state)
{
    static const char *const drivers[] = {"atecc", "stsafe", "se05x", "optiga"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct fake f = {.busy = 1 << 30};
        struct rot_transport t = wire(&f);
        size_t steps = 0;

        assert_true(probes_ask(drivers[i], &t, 0x60, count_step, &steps) > 0);
        assert_true(steps > 0);
    }
}

static void
a_driver_without_questions(void **state)
{
    struct fake f = {.busy = 0};
    struct rot_transport t = wire(&f);
    size_t steps = 0;

    (void)state;
    assert_int_equal(probes_ask("tpm2", &t, 0x60, count_step, &steps), 0);
    assert_int_equal(steps, 0);
    assert_int_equal(f.writes + f.reads, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_i2c_is_recorded),
        cmocka_unit_test(what_passes_is_written_down),
        cmocka_unit_test(a_full_recorder_says_so),
        cmocka_unit_test(bytes_are_judged),
        cmocka_unit_test(a_broken_simulator_is_no_answer),
        cmocka_unit_test(the_same_answer_is_no_difference),
        cmocka_unit_test(a_busy_simulator_is_waited_for),
        cmocka_unit_test(another_answer_is_a_contradiction),
        cmocka_unit_test(an_assumed_answer_is_uncertain),
        cmocka_unit_test(who_does_not_acknowledge_is_a_difference),
        cmocka_unit_test(contents_are_natural),
        cmocka_unit_test(assumptions_are_of_one_command),
        cmocka_unit_test(what_held_elsewhere_is_not_to_blame),
        cmocka_unit_test(a_dead_part_is_asked_and_left),
        cmocka_unit_test(a_driver_without_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
