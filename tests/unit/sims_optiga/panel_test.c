/*
 * panel_test.c: the part on a panel: by name, with a state file, with rules.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "sims/panel/panel.h"

/* DATA with OpenApplication, and with a write of 3 bytes to F1D0 as the next frame. */
static const uint8_t open_frame[] = {0x80, 0x03, 0x00, 0x15, 0x00, 0x70, 0x00, 0x00, 0x10,
                                     0xD2, 0x76, 0x00, 0x00, 0x04, 0x47, 0x65, 0x6E, 0x41,
                                     0x75, 0x74, 0x68, 0x41, 0x70, 0x70, 0x6C, 0x04, 0x1A};

static void
control(struct sim_panel *panel, json_t *request, json_t **ret_answer)
{
    assert_int_equal(sim_panel_control(panel, request, "s", ret_answer, NULL), RS_OK);
    json_decref(request);
}

static void
open_application(struct sim_chip *chip)
{
    static const uint8_t data = 0x80;
    uint8_t answer[10];
    int ack = 0;

    assert_int_equal(
        sim_bus_write(sim_chip_bus(chip), 400000, 0x30, open_frame, sizeof(open_frame), &ack, NULL),
        RS_OK);
    assert_int_equal(ack, 1);
    assert_int_equal(sim_bus_write(sim_chip_bus(chip), 400000, 0x30, &data, 1, &ack, NULL), RS_OK);
    assert_int_equal(
        sim_bus_read(sim_chip_bus(chip), 400000, 0x30, answer, sizeof(answer), &ack, NULL), RS_OK);
    assert_memory_equal(answer, "\x00\x00\x05\x00\x00\x00\x00\x00\x14\x87", 10);
}

static void
test_panel(void **state)
{
    char dir[] = "/tmp/optiga-panel-XXXXXX", path[600];
    struct sim_panel_options options = {.state_dir = dir};
    RS_AUTO(rs_json_done) json_t *before = NULL, *after = NULL, *fault = NULL, *quirk = NULL;
    struct sim_panel *panel;
    struct sim_chip *chip;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "line/u1", "optiga-trust-m3", &chip, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "desk/u2", "optiga-trust-m1", &chip, NULL), RS_OK);
    chip = sim_panel_find(panel, "line/u1");
    assert_int_equal(sim_chip_address(chip), 0x30);
    assert_string_equal(sim_chip_model(chip), "optiga-trust-m3");
    open_application(chip);
    control(panel, json_pack("{s:s, s:s}", "do", "eeprom", "chip", "line/u1"), &before);
    control(panel, json_pack("{s:s, s:s, s:s}", "do", "fault", "chip", "line/u1", "rule", "crc@1"),
            &fault);
    control(panel,
            json_pack("{s:s, s:s, s:s}", "do", "quirk", "chip", "desk/u2", "quirk", "ack-first"),
            &quirk);
    sim_panel_free(panel);

    (void)snprintf(path, sizeof(path), "%s/line,u1.json", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(st.st_size < 16384);
    (void)snprintf(path, sizeof(path), "%s/simulator-infineon-root.der", dir);
    assert_int_equal(stat(path, &st), 0);

    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "line/u1", "optiga-trust-m1", &chip, NULL),
                     RS_E_FILE_FAILED);
    sim_panel_free(panel);
    assert_int_equal(sim_panel_new(&options, &panel, NULL), RS_OK);
    assert_int_equal(sim_panel_add(panel, "line/u1", "optiga-trust-m3", &chip, NULL), RS_OK);
    control(panel, json_pack("{s:s, s:s}", "do", "eeprom", "chip", "line/u1"), &after);
    assert_int_equal(json_equal(before, after), 1);
    open_application(chip);
    sim_panel_free(panel);
    (void)snprintf(path, sizeof(path), "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_panel)};

    return cmocka_run_group_tests_name("optiga panel", tests, NULL, NULL);
}
