/*
 * panel_test.c: the parts on a panel: made with their maker, kept in files, found again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "sims/panel/panel.h"

#define SPEED_HZ 400000

static void
exchange(struct sim_bus *bus, const char *command, uint8_t *answer, size_t len)
{
    uint8_t bytes[64];
    size_t n = hex_read(command, bytes, sizeof(bytes));
    int ack = 0;

    rs_set_u16(bytes + n, crc_x25(bytes, n));
    assert_int_equal(sim_bus_write(bus, SPEED_HZ, 0x20, bytes, n + 2, &ack, NULL), RS_OK);
    assert_true(ack);
    assert_int_equal(sim_bus_read(bus, SPEED_HZ, 0x20, answer, len, &ack, NULL), RS_OK);
    assert_true(ack);
    assert_int_equal(answer[0], 0);
}

static void
add(struct sim_panel *panel, const char *name, const char *kind)
{
    struct sim_chip *chip;
    struct rs_err err = {0};

    if (sim_panel_add(panel, name, kind, &chip, &err) != RS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(sim_chip_address(chip), 0x20);
    sim_bus_delay(sim_chip_bus(chip), 10000);
}

static void
forget(const char *dir)
{
    static const char *const names[] = {"a,u1.json", "b,u1.json", "simulator-st.json",
                                        "simulator-st-root.der", "simulator-st-signer.der"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void
parts_are_kept(void **state)
{
    char dir[] = "/tmp/sim-stsafe.XXXXXX", path[64];
    struct sim_panel_options options = {.state_dir = dir};
    struct sim_panel *panel;
    uint8_t before[64], after[64];
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    add(panel, "a/u1", "stsafe-a110");
    add(panel, "b/u1", "blank-a120");
    exchange(sim_panel_find_bus(panel, "a"), "06 00 01 0000 0102", before, 5);
    exchange(sim_panel_find_bus(panel, "a"), "14 11", before, sizeof(before));
    sim_panel_free(panel);
    (void)snprintf(path, sizeof(path), "%s/a,u1.json", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    add(panel, "a/u1", "blank-a110");
    exchange(sim_panel_find_bus(panel, "a"), "14 11", after, sizeof(after));
    assert_memory_equal(before, after, sizeof(before));
    exchange(sim_panel_find_bus(panel, "a"), "05 00 01 0000 0002", after, 7);
    assert_memory_equal(after + 3, "\x01\x02", 2);
    sim_panel_free(panel);
    forget(dir);
}

static void
an_unknown_kind_names_the_known_ones(void **state)
{
    struct sim_panel_options options = {.state_dir = NULL};
    struct sim_panel *panel;
    struct sim_chip *chip;
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "a/u1", "blank-a130", &chip, &err), RS_E_USAGE);
    assert_non_null(strstr(err.text, " blank608a"));
    assert_non_null(strstr(err.text, " blank-a120"));
    sim_panel_free(panel);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_kept),
        cmocka_unit_test(an_unknown_kind_names_the_known_ones),
    };

    return cmocka_run_group_tests_name("sims_stsafe/panel", tests, NULL, NULL);
}
