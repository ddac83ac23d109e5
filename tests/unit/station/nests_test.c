/*
 * nests_test.c: fixtures.yaml: mistakes at their place, and what is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "station/nests.h"

static struct nest_file file;
static struct rs_buf said;

static rs_code
read_text(const char *text)
{
    struct rs_err err = {0};

    rs_buf_reset(&said);
    return nests_parse("line/fixtures.yaml", rs_bytes_str(text), &file, &said, &err);
}

/* What is said is at that line and has those words. */
static void
refuses(const char *text, const char *place, const char *words)
{
    char all[8192], *line;

    if (read_text(text) != RS_E_CONFIG_INVALID)
        fail_msg("taken: %s", text);
    (void)snprintf(all, sizeof(all), "%.*s", (int)said.len, (const char *)said.p);
    line = strstr(all, words);
    if (line == NULL)
        fail_msg("\"%s\" is not said of\n%s\nbut\n%s", words, text, all);
    while (line > all && line[-1] != '\n')
        line--;
    if (strncmp(line, "line/fixtures.yaml", strlen("line/fixtures.yaml")) != 0 ||
        strncmp(line + strlen("line/fixtures.yaml"), place, strlen(place)) != 0)
        fail_msg("\"%s\" is not at %s of\n%s\nbut\n%s", words, place, text, all);
}

#define LEFT  "adapters: [{name: left, usb: \"1-1.4\"}]\n"
#define MUXED "adapters: [{name: left, usb: \"1-1.4\", mux: 0x70}]\n"
#define ONE   "{name: 1, adapter: left, part: atecc608b, addresses: [0x60]}"

static void
adapters_that_are_none(void **state)
{
    (void)state;
    refuses("adapters: [{usb: \"1-1\"}]\nnests: [{name: 1, chip: a}]\n", ":1:", "name");
    refuses("adapters:\n  - {name: a}\nnests: [{name: 1, chip: a}]\n", ":2:", "one of usb, bus");
    refuses("adapters:\n  - {name: a, bus: 1, usb: \"1-1\"}\nnests: [{name: 1, chip: a}]\n",
            ":2:", "one of usb, bus");
    for (const char *const *p =
             (const char *const[]){"1.4", "1-", "-1-1", "1-1.", "1-1..2", "1-a", "1-1:", "1-1:1",
                                   "1-1:1.", "1-1:.1", "usb1", "1-1.4/x", NULL};
         *p != NULL; p++) {
        char text[200];
        (void)snprintf(text, sizeof(text),
                       "adapters:\n  - {name: a, usb: \"%s\"}\nnests: [{name: 1, chip: a}]\n", *p);
        refuses(text, ":2:", strlen(*p) < 3 ? "usb" : "no place on the USB");
    }
    refuses("adapters:\n  - {name: a, bus: 64}\nnests: [{name: 1, chip: a}]\n", ":2:20", "0 to 63");
    refuses("adapters:\n  - {name: a, bus: x}\nnests: [{name: 1, chip: a}]\n", ":2:20", "0 to 63");
    refuses("adapters:\n  - {name: a, bus: 1, mux: 0x78}\nnests: [{name: 1, chip: a}]\n",
            ":2:", "mux");
    refuses("adapters:\n  - {name: a, sim: b, mux: kernel}\nnests: [{name: 1, chip: a}]\n",
            ":2:", "no kernel drives");
    refuses(
        "adapters:\n  - {name: a, bus: 1}\n  - {name: a, bus: 2}\nnests: [{name: 1, chip: a}]\n",
        ":3:", "two adapters with one name");
    refuses(
        "adapters:\n  - {name: a, bus: 1}\n  - {name: b, bus: 1}\nnests: [{name: 1, chip: a}]\n",
        ":3:", "this is adapter a once more");
}

static void
nests_that_are_none(void **state)
{
    (void)state;
    refuses("adapters: []\n", ":1:", "nests");
    refuses("nests: []\n", ":1:", "nests");
    refuses("nests:\n  - {name: 1}\n", ":2:", "adapter or chip");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, chip: a}\n", ":3:", "adapter or chip");
    refuses(LEFT "nests:\n  - {name: 1, adapter: right, part: atecc608b, addresses: [0x60]}\n",
            ":3:24", "no adapter right");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, addresses: [0x60]}\n", ":3:", "part:");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b}\n", ":3:", "addresses:");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: x99, addresses: [0x60]}\n", ":3:36",
            "no driver for a x99");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: soft, addresses: [0x60]}\n", ":3:36",
            "not for an I2C adapter");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, addresses: [0x78]}\n",
            ":3:", "0x78 is no 7-bit");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, addresses: [7, 0xg]}\n",
            ":3:", "0xg is no 7-bit");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, addresses: [7]}\n",
            ":3:", "7 is no 7-bit address (0x08 to 0x77)");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, "
                 "addresses: [8, 9, 10, 11, 12]}\n",
            ":3:", "at most 4");
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, channel: 0, part: atecc608b, "
                 "addresses: [0x60]}\n",
            ":3:39", "has no mux");
    refuses(MUXED "nests:\n  - " ONE "\n", ":3:", "which channel");
    refuses(MUXED "nests:\n  - {name: 1, adapter: left, channel: 8, part: atecc608b, "
                  "addresses: [0x60]}\n",
            ":3:", "channel");
    refuses("nests:\n  - {name: 1, chip: a, channel: 1}\n", ":2:", "go with an adapter");
    refuses("nests:\n  - {name: 1, chip: a, power: \"gpio:0:1\"}\n", ":2:", "go with an adapter");
    refuses("nests:\n  - {name: 1, chip: a}\n  - {name: 1, chip: b}\n", ":3:", "one name");
    refuses("nests:\n  - {name: 1, chip: a}\n  - {name: 2, chip: a}\n", ":3:", "chip of nest 1");
    refuses(LEFT "nests:\n  - " ONE "\n  - {name: 2, adapter: left, part: se050, "
                 "addresses: [0x48, 0x60]}\n",
            ":4:", "nest 1 has the same wires");
    refuses("nest:\n  - {name: 1, chip: a}\n", ":1:", "nests");
}

static void
lines_that_are_none(void **state)
{
    (void)state;
    for (const char *const *p =
             (const char *const[]){"gpio", "gpio:", "gpio:0", "gpio:0:", "gpio::1", "gpio:0:1024",
                                   "gpio:0:x", "gpio:a/b:1", "sysfs:", "sysfs:a/../b",
                                   "sim:", "sim:a/b", "sim:*", "17", "None", NULL};
         *p != NULL; p++) {
        char text[300];
        (void)snprintf(text, sizeof(text),
                       LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, "
                            "addresses: [0x60], power: \"%s\"}\n",
                       *p);
        refuses(text, ":3:", "none, gpio:CHIP:LINE");
    }
    refuses(LEFT "nests:\n  - {name: 1, adapter: left, part: atecc608b, addresses: [0x60], "
                 "power: \"sim:u1\"}\n",
            ":3:", "a simulator's adapter");
    refuses("adapters: [{name: left, sim: b}]\nnests:\n  - {name: 1, adapter: left, "
            "part: atecc608b, addresses: [0x60], reset: \"sim:u1\"}\n",
            ":3:", "no reset line");
}

#define GOLDEN "{name: G, certificate: g.pem}"
#define BAD    "{name: B, uid: 01ff, defect: chip.wrong-part}"

static void
references_that_are_none(void **state)
{
#define WITH(golden, bad)                                                                          \
    LEFT "nests:\n  - " ONE "\nreferences:\n  golden:\n    - " golden "\n  bad:\n    - " bad "\n"
    (void)state;
    refuses(WITH("{name: G}", BAD), ":6:", "certificate");
    refuses(WITH(GOLDEN, "{name: B, defect: chip.foreign}"), ":8:", "uid");
    refuses(WITH(GOLDEN, "{name: B, uid: 0, defect: chip.foreign}"), ":8:22", "hex");
    refuses(WITH(GOLDEN, "{name: B, uid: 0g, defect: chip.foreign}"), ":8:22", "hex");
    refuses(WITH(GOLDEN, "{name: B, uid: \"+1\", defect: chip.foreign}"), ":8:22", "hex");
    refuses(WITH(GOLDEN, "{name: B, uid: \"\\t1\", defect: chip.foreign}"), ":8:22", "hex");
    refuses(WITH(GOLDEN, "{name: B, uid: \"\", defect: chip.foreign}"), ":8:22", "hex");
    refuses(WITH(GOLDEN, "{name: B, uid: 00, defect: chip.absent}"),
            ":8:", "chip.wrong-part, chip.wrong-address");
    refuses(WITH(GOLDEN, "{name: B, uid: 00, defect: board.done}"),
            ":8:", "chip.wrong-part, chip.wrong-address");
    refuses(WITH(GOLDEN, "{name: B, uid: 00, defect: chip.twin}"),
            ":8:", "chip.wrong-part, chip.wrong-address");
    refuses(WITH(GOLDEN, "{name: B, uid: 00, defect: nonsense}"),
            ":8:", "chip.wrong-part, chip.wrong-address");
    refuses(WITH(GOLDEN, "{name: G, uid: 00, defect: chip.foreign}"), ":8:", "one name");
    refuses(WITH("{name: G, certificate: g.pem, nest: 9}", BAD), ":6:", "no nest 9");
    refuses(WITH("{name: G, certificate: g.pem, part: se050}", BAD), ":3:", "no golden board");
    refuses(WITH("{name: G, certificate: g.pem, nest: 1}", BAD), ":3:", "no nest is left");
    refuses(LEFT "nests:\n  - " ONE "\nreferences: {every: 30s, golden: [" GOLDEN "], bad: [" BAD
                 "]}\n",
            ":4:", "every");
    refuses(LEFT "nests:\n  - " ONE "\nreferences: {golden: [" GOLDEN "]}\n",
            ":3:", "no bad board");
    refuses(LEFT "nests:\n  - " ONE "\nreferences: {bad: [" BAD "]}\n", ":3:", "no golden board");
    refuses(LEFT
            "nests:\n  - " ONE "\n  - {name: 2, chip: a}\nreferences:\n  golden:\n    - " GOLDEN
            "\n  bad:\n    - " BAD "\n    - {name: C, uid: 02, defect: chip.foreign, nest: 2}\n"
            "    - {name: D, uid: 03, defect: chip.foreign, nest: 2}\n",
            ":11:", "C is in there");
#undef WITH
}

static void
what_is_said_is_read(void **state)
{
    const struct nest *n;
    char place[NEST_PATH_MAX];

    (void)state;
    assert_int_equal(
        read_text("adapters:\n"
                  "  - {name: left, usb: \"1-1.4\", mux: 0x71}\n"
                  "  - {name: right, usb: \"1-1.3:1.1\", mux: kernel}\n"
                  "  - {name: soc, bus: 3}\n"
                  "  - {name: desk, sim: \"x.sock#b\"}\n"
                  "nests:\n"
                  "  - {name: 1, adapter: left, channel: 7, part: atecc608b, "
                  "addresses: [0x60, 54], power: \"gpio:0:17\", reset: \"gpio:gpiochip2:4:low\"}\n"
                  "  - {name: 2, adapter: right, channel: 0, part: se050, addresses: [0x48], "
                  "power: \"sysfs:class/gpio/gpio4/value:low\"}\n"
                  "  - {name: 3, adapter: soc, part: atecc608a, addresses: [0x60]}\n"
                  "  - {name: 4, adapter: desk, part: atecc608b, addresses: [0x60], "
                  "power: \"sim:u1\"}\n"
                  "  - {name: 5, chip: \"soft:{serial}.rot\", part: soft}\n"
                  "  - {name: 6, chip: \"soft:{serial}.rot\"}\n"
                  "  - {name: ref, chip: \"tpm\", part: tpm2}\n"
                  "references:\n"
                  "  every: 90min\n"
                  "  golden:\n"
                  "    - {name: G-1, certificate: /abs/g.pem, part: atecc608b}\n"
                  "    - {name: G-2, certificate: g.pem}\n"
                  "    - {name: G-3, certificate: g.pem, nest: ref}\n"
                  "  bad:\n"
                  "    - {name: B-1, uid: 0123E0ff, defect: chip.not-genuine}\n"),
        RS_OK);
    assert_int_equal(file.adapter_count, 4);
    assert_string_equal(file.sysfs, "/sys");
    assert_int_equal(file.adapters[0].kind, ADAPTER_USB);
    assert_int_equal(file.adapters[0].mux, MUX_OURS);
    assert_int_equal(file.adapters[0].mux_address, 0x71);
    assert_int_equal(file.adapters[1].mux, MUX_KERNEL);
    assert_int_equal(file.adapters[2].bus, 3);
    assert_int_equal(file.adapters[3].kind, ADAPTER_SIM);
    assert_int_equal(file.nest_count, 7);
    n = &file.nests[0];
    assert_int_equal(n->channel, 7);
    assert_int_equal(n->address_count, 2);
    assert_int_equal(n->addresses[1], 0x36);
    assert_int_equal(n->power.kind, LINE_GPIO);
    assert_string_equal(n->power.where, "gpiochip0");
    assert_int_equal(n->power.offset, 17);
    assert_false(n->power.is_low);
    assert_string_equal(n->reset.where, "gpiochip2");
    assert_true(n->reset.is_low);
    nests_place(&file, n, place);
    assert_string_equal(place, "left/7");
    assert_int_equal(file.nests[1].power.kind, LINE_SYSFS);
    assert_string_equal(file.nests[1].power.where, "class/gpio/gpio4/value");
    assert_true(file.nests[1].power.is_low);
    assert_int_equal(file.nests[2].channel, -1);
    assert_int_equal(file.nests[2].power.kind, LINE_NONE);
    nests_place(&file, &file.nests[2], place);
    assert_string_equal(place, "soc");
    assert_string_equal(file.nests[3].power.where, "u1");
    assert_null(nests_adapter(&file, &file.nests[4]));
    nests_place(&file, &file.nests[4], place);
    assert_string_equal(place, "soft:{serial}.rot");
    assert_true(file.nests[6].is_reference);
    assert_false(file.nests[0].is_reference);

    assert_int_equal(file.every_s, 5400);
    assert_int_equal(file.reference_count, 4);
    assert_string_equal(file.references[0].certificate, "/abs/g.pem");
    assert_string_equal(file.references[1].certificate, "line/g.pem");
    assert_true(nests_reference_fits(&file.references[0], &file.nests[0]));
    assert_false(nests_reference_fits(&file.references[0], &file.nests[1]));
    assert_true(nests_reference_fits(&file.references[1], &file.nests[1]));
    assert_false(nests_reference_fits(&file.references[1], &file.nests[6]));
    assert_true(nests_reference_fits(&file.references[2], &file.nests[6]));
    assert_false(nests_reference_fits(&file.references[2], &file.nests[0]));
    assert_int_equal(file.references[3].uid_len, 4);
    assert_memory_equal(file.references[3].uid, "\x01\x23\xe0\xff", 4);
    assert_string_equal(file.references[3].defect, "chip.not-genuine");

    assert_int_equal(read_text(LEFT "nests:\n  - " ONE "\n"), RS_OK);
    assert_int_equal(file.every_s, 0);
    assert_int_equal(read_text(LEFT "nests:\n  - " ONE
                                    "\nreferences: {every: never, golden: [" GOLDEN "], bad: [" BAD
                                    "]}\n"),
                     RS_OK);
    assert_int_equal(file.every_s, 0);
    assert_int_equal(file.reference_count, 2);
}

static void
a_missing_file_is_a_mistake(void **state)
{
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(nests_read("/nonexistent/fixtures.yaml", &file, &said, &err),
                     RS_E_CONFIG_INVALID);
    assert_non_null(strstr(err.text, "/nonexistent/fixtures.yaml"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_that_are_none), cmocka_unit_test(nests_that_are_none),
        cmocka_unit_test(lines_that_are_none),    cmocka_unit_test(references_that_are_none),
        cmocka_unit_test(what_is_said_is_read),   cmocka_unit_test(a_missing_file_is_a_mistake),
    };
    int failed;

    rs_buf_init(&said, 1u << 16);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rs_buf_done(&said);
    return failed;
}
