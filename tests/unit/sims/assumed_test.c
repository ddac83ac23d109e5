/*
 * assumed_test.c: what a simulated part only assumes: the list, what an answer rested on, and a part
 * that does otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "harness.h"
#include "sims/common/assumed.h"
#include "sims/panel/panel.h"

static struct sim_panel *panel;

static int
setup(void **state)
{
    static const char *const kinds[] = {"blank608b",   "blank608b", "blank-a110",
                                        "blank-se050", "blank-m3",  "blank-ta100"};
    const struct sim_panel_options options = {.busy_us = 0};
    struct sim_chip *chip;
    char name[8];

    (void)state;
    if (sim_panel_new(&options, &panel, NULL) != RS_OK)
        return -1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        (void)snprintf(name, sizeof(name), "b%zu/u", i);
        if (sim_panel_add(panel, name, kinds[i], &chip, NULL) != RS_OK)
            return -1;
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sim_panel_free(panel);
    return 0;
}

static json_t *
ask(json_t *request, rs_code want)
{
    RS_AUTO(rs_json_done) json_t *owned = request;
    json_t *answer = NULL;

    assert_int_equal(sim_panel_control(panel, owned, "", &answer, NULL), want);
    return answer;
}

static rs_code
assume(const char *chip, const char *name, int value)
{
    RS_AUTO(rs_json_done) json_t *request = json_pack("{s:s, s:s, s:s, s:i}", "do", "assume",
                                                      "chip", chip, "name", name, "value", value);
    RS_AUTO(rs_json_done) json_t *answer = NULL;

    return sim_panel_control(panel, request, "", &answer, NULL);
}

static const uint8_t idle[] = {0x02};

/* A command to an ATECC608, and the status that it answers. */
static unsigned
status_of(const char *chip, const uint8_t *packet, size_t len)
{
    struct sim_bus *bus = sim_chip_bus(sim_panel_find(panel, chip));
    uint8_t answer[4] = {0};
    int ack = 0;

    sim_bus_wake(bus, 80);
    sim_bus_delay(bus, 1500);
    assert_int_equal(sim_bus_write(bus, 100000, 0x60, packet, len, &ack, NULL), RS_OK);
    assert_int_equal(ack, 1);
    assert_int_equal(sim_bus_read(bus, 100000, 0x60, answer, sizeof(answer), &ack, NULL), RS_OK);
    assert_int_equal(answer[0], 4);
    assert_int_equal(sim_bus_write(bus, 100000, 0x60, idle, 1, &ack, NULL), RS_OK);
    return answer[1];
}

static int
says(const char *chip, const char *name)
{
    RS_AUTO(rs_json_done) json_t *answer =
        ask(json_pack("{s:s, s:s}", "do", "said", "chip", chip), RS_OK);
    const json_t *names = json_object_get(answer, "assumed");
    int found = name == NULL && json_array_size(names) == 0;
    size_t i;
    json_t *item;

    json_array_foreach(names, i, item)
    {
        found = found || (name != NULL && strcmp(json_string_value(item), name) == 0);
    }
    return found;
}

/* Info, and Read of a word that the configuration zone does not have; with their CRCs. */
static const uint8_t info[] = {0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5d};
static uint8_t beyond[8] = {0x03, 0x07, 0x02, 0x00, 0x20, 0x00};

static void
add_crc(uint8_t *packet, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 1; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned in = (unsigned)packet[i] >> bit & 1u, top = crc >> 15 & 1u;

            crc = crc << 1 & 0xffffu;
            crc ^= in != top ? 0x8005u : 0;
        }
    }
    packet[len] = (uint8_t)crc;
    packet[len + 1] = (uint8_t)(crc >> 8);
}

static void
what_cannot_be_assumed_is_refused(void **state)
{
    (void)state;
    assert_int_equal(assume("b0/u", "ATECC_U_NO_SUCH_STATUS", 1), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "STSAFE_U_RANGE_STATUS", 1), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "ATECC_U_WATCHDOG_US", 1), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "ATECC_U_BLANK_FILL", 1), RS_E_USAGE);
    assert_int_equal(assume("b5/u", "TA100_P_OK", 1), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "ATECC_U_READ_RANGE_STATUS", 0x10000), RS_E_REQUEST_FORMAT);
    assert_int_equal(assume("b9/u", "ATECC_U_READ_RANGE_STATUS", 1), RS_E_CHIP_ABSENT);
}

static void
every_family_lists_what_it_assumes(void **state)
{
    static const size_t least[] = {40, 40, 50, 60, 30};

    (void)state;
    for (size_t c = 0; c < sizeof(least) / sizeof(least[0]); c++) {
        char name[8];
        size_t i;
        json_t *item;
        RS_AUTO(rs_json_done) json_t *answer = NULL;

        (void)snprintf(name, sizeof(name), "b%zu/u", c);
        answer = ask(json_pack("{s:s, s:s}", "do", "uncertain", "chip", name), RS_OK);
        assert_true(json_is_false(json_object_get(answer, "placeholder")));
        assert_true(json_array_size(json_object_get(answer, "items")) >= least[c]);
        json_array_foreach(json_object_get(answer, "items"), i, item)
        {
            if (rs_json_text_or(item, "note", "")[0] == '\0')
                fail_msg("%s has no word on what it is", rs_json_text_or(item, "name", ""));
            assert_true(rs_json_text_or(item, "value", "")[0] != '\0');
        }
    }
}

static void
a_placeholder_is_called_one(void **state)
{
    RS_AUTO(rs_json_done) json_t *answer =
        ask(json_pack("{s:s, s:s}", "do", "uncertain", "chip", "b5/u"), RS_OK);

    (void)state;
    assert_true(json_is_true(json_object_get(answer, "placeholder")));
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
}

static void
an_answer_says_what_it_rests_on(void **state)
{
    uint8_t revision[7];
    int ack = 0;
    struct sim_bus *bus = sim_chip_bus(sim_panel_find(panel, "b0/u"));

    (void)state;
    add_crc(beyond, 6);
    (void)says("b0/u", "");
    sim_bus_wake(bus, 80);
    sim_bus_delay(bus, 1500);
    assert_int_equal(sim_bus_write(bus, 100000, 0x60, info, sizeof(info), &ack, NULL), RS_OK);
    assert_int_equal(sim_bus_read(bus, 100000, 0x60, revision, 7, &ack, NULL), RS_OK);
    assert_false(says("b0/u", "ATECC_U_READ_RANGE_STATUS"));
    assert_int_equal(sim_bus_write(bus, 100000, 0x60, idle, 1, &ack, NULL), RS_OK);

    assert_int_equal(status_of("b0/u", beyond, sizeof(beyond)), 0x03);
    assert_true(says("b0/u", "ATECC_U_READ_RANGE_STATUS"));
    assert_true(says("b0/u", NULL)); /* asked once */
}

static void
a_part_that_does_otherwise(void **state)
{
    (void)state;
    add_crc(beyond, 6);
    assert_int_equal(assume("b0/u", "ATECC_U_READ_RANGE_STATUS", 0), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "ATECC_U_READ_RANGE_STATUS", 0x9000), RS_E_USAGE);
    assert_int_equal(assume("b0/u", "ATECC_U_READ_RANGE_STATUS", 0x0f), RS_OK);
    assert_int_equal(status_of("b0/u", beyond, sizeof(beyond)), 0x0f);
    assert_int_equal(status_of("b1/u", beyond, sizeof(beyond)), 0x03); /* its neighbour does not */
    assert_true(says("b0/u", "ATECC_U_READ_RANGE_STATUS"));
    assert_int_equal(assume("b0/u", "ATECC_U_READ_RANGE_STATUS", 0x05), RS_OK);
    assert_int_equal(status_of("b0/u", beyond, sizeof(beyond)), 0x05);
}

static void
only_so_many_are_assumed_otherwise(void **state)
{
    struct sim_assumed a = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < SIM_OTHERWISE_MAX; i++)
        assert_int_equal(sim_assume_otherwise(&a, i, (int)i), 1);
    assert_int_equal(sim_assume_otherwise(&a, 99, 1), 0);
    assert_int_equal(sim_assume_otherwise(&a, 3, 77), 1);
    assert_int_equal(sim_answer(3, 5), 5); /* for nobody */
    sim_assume_for(&a);
    assert_int_equal(sim_answer(3, 5), 77);
    assert_int_equal(sim_answer(99, 5), 5);
    sim_note(SIM_ASSUMPTIONS_MAX);
    sim_assume_for(NULL);
    assert_true(sim_is_noted(&a, 3) && sim_is_noted(&a, 99));
    assert_false(sim_is_noted(&a, 4) || sim_is_noted(&a, SIM_ASSUMPTIONS_MAX));
    sim_forget_notes(&a);
    assert_false(sim_is_noted(&a, 3));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_assumed_is_refused),
        cmocka_unit_test(every_family_lists_what_it_assumes),
        cmocka_unit_test(a_placeholder_is_called_one),
        cmocka_unit_test(an_answer_says_what_it_rests_on),
        cmocka_unit_test(a_part_that_does_otherwise),
        cmocka_unit_test(only_so_many_are_assumed_otherwise),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
