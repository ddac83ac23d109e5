/*
 * life_test.c: memory on disk, power cuts, faults, time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness.h"

#define ID       "01 1700 000000 01 00"
#define HMAC     "42 0600 000000 55 08"
#define DATA_8   "03 0008 000000 55 04"
#define COUNT_32 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

static void
fill(struct part *p)
{
    assert_int_equal(part_send(p, "10 00 8000" ID), 0);
    assert_int_equal(part_send(p, "20 00 8000"), 0);
    assert_int_equal(part_send(p, "10 00 8001" HMAC), 0);
    assert_int_equal(part_send(p, "12 00 8001 0000" COUNT_32), 0);
    assert_int_equal(part_send(p, "10 00 8002" DATA_8), 0);
    assert_int_equal(part_send(p, "12 00 8002 0000 0102"), 0);
    assert_int_equal(part_send(p, "05 02 8000"), 0);
    assert_int_equal(part_send(p, "06 01 4011"), 0);
    assert_int_equal(part_send(p, "12 00 4020 0010 30"), 0);
    assert_int_equal(part_send(p, "05 00 0000"), 0);
}

static void
a_part_comes_back_from_its_file(void **state)
{
    json_t *object = json_object(), *second = json_object(), *read = NULL;
    struct ta100_chip again;
    struct part p;
    char *text;

    (void)state;
    part_init(&p);
    fill(&p);
    assert_true(ta100_model.save(&p.chip, object));
    text = json_dumps(object, JSON_INDENT(2));
    assert_int_equal(rs_json_read(rs_bytes_str(text), &read, NULL), RS_OK);
    assert_int_equal(ta100_model.load(&again, &p.holder.host, read, NULL), RS_OK);
    assert_int_equal(ta100_model.get_address(&again), 0x18);
    assert_int_equal(again.nvm.count, 3);
    assert_memory_equal(again.nvm.memory, p.chip.nvm.memory, sizeof(again.nvm.memory));
    assert_true(ta100_model.save(&again, second));
    assert_true(json_equal(object, second));
    ta100_model.done(&again);
    free(text);
    json_decref(object);
    json_decref(second);
    json_decref(read);
    part_done(&p);
}

static void
damaged_files_are_refused(void **state)
{
    static const struct {
        const char *member, *value;
    } cases[] = {
        {"serial", "\"01\""},
        {"config", "\"00\""},
        {"counters", "[1]"},
        {"counters", "[1, -1]"},
        {"counters", "[1, 4294967296]"},
        {"elements", "[{\"handle\": \"80\"}]"},
        {"elements", "[{\"handle\": \"8000\", \"attributes\": \"03\"}]"},
        {"elements", "[{\"handle\": \"8000\", \"attributes\": \"0300080000005504\"}]"},
        {"elements", "[{\"handle\": \"7000\", \"attributes\": \"0300010000005504\", \"content\": "
                     "\"00\"}]"},
        {"elements", "[{\"handle\": \"8000\", \"attributes\": \"0300010000005514\", \"content\": "
                     "\"00\"}]"},
        {"elements", "[{\"handle\": \"8000\", \"attributes\": \"0340000000005504\", \"content\": "
                     "\"00\"}]"},
        {"elements", "[{\"handle\": \"8000\", \"attributes\": \"0300010000005504\", \"content\": "
                     "\"00\"}, {\"handle\": \"8000\", \"attributes\": \"0300010000005504\", "
                     "\"content\": \"00\"}]"},
    };
    struct ta100_chip again;
    struct part p;

    (void)state;
    part_init(&p);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *object = json_object();

        assert_true(ta100_model.save(&p.chip, object));
        assert_int_equal(json_object_set_new(object, cases[i].member,
                                             json_loads(cases[i].value, JSON_DECODE_ANY, NULL)),
                         0);
        if (ta100_model.load(&again, &p.holder.host, object, NULL) == RS_OK)
            fail_msg("%s: %s was taken", cases[i].member, cases[i].value);
        json_decref(object);
    }
    part_done(&p);
}

static void
people_see_no_keys(void **state)
{
    char hex[65] = "", *text;
    struct part p;
    json_t *object;

    (void)state;
    part_init(&p);
    fill(&p);
    object = ta100_model.dump(&p.chip);
    text = json_dumps(object, 0);
    rs_hex(rs_bytes_of(p.chip.nvm.memory, 32), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    rs_hex(rs_bytes_of(p.chip.nvm.memory + 32, 32), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    assert_non_null(strstr(text, "\"private\""));
    assert_non_null(strstr(text, "\"secret\""));
    assert_non_null(strstr(text, "\"0102000000000000\""));
    free(text);
    json_decref(object);
    part_done(&p);
}

static void
power_back(struct part *p)
{
    assert_false(ta100_model.get_power(&p->chip));
    ta100_model.set_power(&p->chip, 1);
    part_advance(p, 5000);
}

/* After a cut the memory is what it was before the command, or what it is after it. */
static void
commands_are_old_or_new(void **state)
{
    static const char *const commands[] = {
        "10 00 8001" ID, "11 00 8002", "20 00 8000", "05 02 8002",
        "05 00 0000",    "05 01 0000", "06 01 4010", "12 00 8003 0000" COUNT_32};
    static const struct {
        struct sim_fate fate;
        int is_new;
    } rows[] = {
        {{SIM_FATE_CUT_BEFORE, 0}, 0},
        {{SIM_FATE_CUT_WRITE, 0}, 0},
        {{SIM_FATE_CUT_WRITE, -1}, 0},
        {{SIM_FATE_CUT_AFTER, 0}, 1},
    };
    struct ta100_nvm before;
    struct part p;

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
            part_init(&p);
            assert_int_equal(part_send(&p, "10 00 8000" ID), 0);
            assert_int_equal(part_send(&p, "10 00 8002" DATA_8), 0);
            assert_int_equal(part_send(&p, "10 00 8003" HMAC), 0);
            before = p.chip.nvm;
            p.holder.fate = rows[row].fate;
            assert_int_equal(part_send(&p, commands[i]), -1);
            power_back(&p);
            if ((memcmp(&before, &p.chip.nvm, sizeof(before)) != 0) != rows[row].is_new)
                fail_msg("%s: cut %zu", commands[i], row);
            assert_int_equal(part_send(&p, "01 00 0000"), 0);
            part_done(&p);
        }
    }
}

static void
a_write_tears(void **state)
{
    struct part p;

    (void)state;
    for (int through = -1; through <= 9; through++) {
        uint8_t wanted[8] = {0};

        part_init(&p);
        assert_int_equal(part_send(&p, "10 00 8000" DATA_8), 0);
        memset(wanted, 0xEE, through < 0 ? 4 : (size_t)(through > 8 ? 8 : through));
        p.holder.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, through};
        assert_int_equal(part_send(&p, "12 00 8000 0000 EEEEEEEEEEEEEEEE"), -1);
        power_back(&p);
        assert_int_equal(part_send(&p, "13 00 8000 0000 0008"), 0);
        assert_memory_equal(p.data, wanted, 8);
        part_done(&p);
    }
}

static void
answers_that_are_bent(void **state)
{
    static const uint8_t choose = 0x20;
    uint8_t good[6], got[6];
    struct part p;

    (void)state;
    part_init(&p);
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    assert_true(part_write(&p, &choose, 1));
    assert_true(part_read(&p, good, 6));
    p.holder.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    p.holder.fate = (struct sim_fate){SIM_FATE_STATUS, 0x0B};
    assert_int_equal(part_send(&p, "06 01 4010"), 0x0B);
    assert_int_equal(p.holder.stored, 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_LIE, 0x07};
    assert_int_equal(part_send(&p, "06 01 4010"), 0x07);
    assert_int_equal(p.holder.stored, 1);
    p.holder.fate = (struct sim_fate){SIM_FATE_FLIP, 8191};
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    /* Bent on the wire: the packet is put together by hand. */
    for (int kind = 0; kind < 2; kind++) {
        uint8_t packet[9] = {0x10, 0x00, 0x08, 0x02};

        rs_set_u16(packet + 7, ta100_crc(packet + 1, 6));
        p.holder.fate =
            kind == 0 ? (struct sim_fate){SIM_FATE_CRC, 0} : (struct sim_fate){SIM_FATE_FLIP, 24};
        assert_true(part_write(&p, packet, sizeof(packet)));
        assert_true(part_write(&p, &choose, 1));
        assert_true(part_read(&p, got, 6));
        got[kind == 0 ? 5 : 3] ^= 0x01;
        assert_memory_equal(got, good, 6);
    }
    assert_true(ta100_model.set_quirk(&p.chip, "long-length"));
    assert_false(ta100_model.set_quirk(&p.chip, "wrong-rmac"));
    {
        uint8_t packet[9] = {0x10, 0x00, 0x08, 0x02};

        rs_set_u16(packet + 7, ta100_crc(packet + 1, 6));
        assert_true(part_write(&p, packet, sizeof(packet)));
        assert_true(part_write(&p, &choose, 1));
        assert_true(part_read(&p, got, 2));
        assert_int_equal(rs_get_u16(got), 0xFFFF);
    }
    assert_true(ta100_model.set_quirk(&p.chip, "never-ready"));
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    part_done(&p);
}

static void
parts_that_go_away(void **state)
{
    struct part p;

    (void)state;
    part_init(&p);
    p.holder.fate = (struct sim_fate){SIM_FATE_BUSY, 0};
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    part_advance(&p, 60000000);
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    ta100_model.set_power(&p.chip, 0);
    power_back(&p);
    p.holder.fate = (struct sim_fate){SIM_FATE_CUT_ANSWERED, 0};
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    power_back(&p);
    p.holder.fate = (struct sim_fate){SIM_FATE_BROWNOUT, 0};
    assert_int_equal(part_send(&p, "06 01 4010"), -1);
    assert_int_equal(p.holder.stored, 0);
    part_advance(&p, 5000);
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_SLOW, 3};
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    part_advance(&p, 3000);
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    part_done(&p);
}

static void
time_passes(void **state)
{
    static const uint8_t status = 0x30, choose = 0x20;
    struct sim_timing timing = {.typical_permille = SIM_TYPICAL_PERMILLE};
    uint8_t byte;
    struct part p;

    (void)state;
    part_init(&p);
    ta100_model.set_power(&p.chip, 0);
    ta100_model.set_power(&p.chip, 1);
    part_advance(&p, 4999);
    assert_false(part_write(&p, NULL, 0));
    part_advance(&p, 1);
    assert_true(part_write(&p, NULL, 0));
    ta100_model.set_timing(&p.chip, &timing);
    assert_int_equal(part_send(&p, "02 00 0000"), -1); /* 40 ms times 0.30 */
    assert_true(part_write(&p, &status, 1));
    assert_true(part_read(&p, &byte, 1));
    assert_int_equal(byte, 0x02);
    assert_false(part_write(&p, &choose, 1));
    part_advance(&p, 12000);
    assert_true(part_read(&p, &byte, 1));
    assert_int_equal(byte, 0x01);
    assert_int_equal(ta100_model.get_chip_time_us(&p.chip), 12000);
    timing = (struct sim_timing){.busy_us = 0};
    ta100_model.set_timing(&p.chip, &timing);
    /* Sleep: the registers are gone, the first start is not answered, a wake pulse means nothing. */
    assert_int_equal(part_send(&p, "20 00 4000"), 0);
    assert_int_equal(part_send(&p, "04 01 0000"), 0);
    ta100_model.wake(&p.chip, 100);
    part_advance(&p, 5000);
    assert_int_equal(part_send(&p, "02 00 0000"), -1);
    part_advance(&p, 5000);
    assert_int_equal(part_send(&p, "02 00 0000"), 0);
    assert_int_equal(part_send(&p, "31 00 4000"), 0x0B);
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_comes_back_from_its_file),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(people_see_no_keys),
        cmocka_unit_test(commands_are_old_or_new),
        cmocka_unit_test(a_write_tears),
        cmocka_unit_test(answers_that_are_bent),
        cmocka_unit_test(parts_that_go_away),
        cmocka_unit_test(time_passes),
    };

    return cmocka_run_group_tests_name("sims_ta100/life", tests, NULL, NULL);
}
