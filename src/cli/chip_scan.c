/*
 * chip_scan.c: which parts are there?  On every bus of this machine, on one, or on the panel of a
 * simulator.  Never changes a part, ours or another's.
 *
 * At the addresses of roots of trust there are other parts, too, and to some of them a
 * write is an order: a GPIO expander at 0x20 switches its outputs, a memory module
 * at 0x30 to 0x37 write-protects itself for good, a sensor at 0x48 takes it for a
 * setting.  So reads come first:
 *
 *   an ATECC608 says 04 11 33 43 after a wake pulse, and nobody else does
 *   an SE05x acknowledges its address and gives nothing to read before it is asked;
 *     what can be read at once is something else
 *   an STSAFE-A and an OPTIGA cannot be told apart from those others without a write:
 *     they are asked when their address is named with --probe
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "cli/chip.h"
#include "cli/sim_control.h"

#define BUSES_MAX     64
#define ADDRESS_FIRST 0x08
#define ADDRESS_LAST  0x77
#define WAKE_US       80
#define WAKE_WAIT_US  1500
#define WATCHDOG_US   1800000 /* an ATECC608 that somebody woke sleeps again after 1.7 s */

enum look { BY_WAKE = 1, BY_READ, ON_REQUEST };

static const struct {
    uint8_t address;
    enum look look;
    const char *driver;
    const char *others; /* who else lives there */
} places[] = {
    {0x20, ON_REQUEST, "stsafe", "GPIO expanders, whose outputs a probe switches"},
    {0x21, ON_REQUEST, "stsafe", "GPIO expanders, whose outputs a probe switches"},
    {0x30, ON_REQUEST, "optiga", "memory modules, which a probe can write-protect for good"},
    {0x35, BY_WAKE, "atecc", "memory modules"},
    {0x36, BY_WAKE, "atecc", "memory modules"},
    {0x48, BY_READ, "se05x", "temperature sensors and converters"},
    {0x60, BY_WAKE, "atecc", "converters and clock generators"},
};

#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

enum found { NOBODY = 0, OURS, SOMEBODY };

struct scan {
    struct cli *cli;
    const char *panel;
    unsigned buses[BUSES_MAX];
    size_t bus_count;
    int has_tpm;
    uint8_t asked[ADDRESS_LAST + 1]; /* --probe */
    json_t *items, *others, *skipped;
    size_t done, total;
};

/* ---- What was found ------------------------------------------------------------------------------ */

static void
add_part(struct scan *s, const char *name, const struct rot_linux *lin, unsigned address,
         const struct rot_identity *id)
{
    char uid[2 * ROT_UID_MAX + 1], brief[24], where[8] = "";

    rs_hex(rs_bytes_of(id->uid, id->uid_len), uid, sizeof(uid));
    desk_short_hex(s->cli, rs_bytes_of(id->uid, id->uid_len), brief);
    if (address != 0)
        (void)snprintf(where, sizeof(where), "0x%02x", address & 0x7fu);
    (void)json_array_append_new(
        s->items, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", name, "family",
                            lin->setup.driver->name, "vendor", id->vendor, "model", id->model,
                            "address", where, "uid", uid, "uid_text", brief, "lifecycle",
                            desk_life_name(id->lifecycle), "simulated", (int)id->simulated));
}

static void
add_other(struct scan *s, const char *name, const char *what)
{
    (void)json_array_append_new(s->others, json_pack("{s:s, s:s}", "name", name, "what", what));
}

static void
add_skipped(struct scan *s, const char *name, const char *why)
{
    (void)json_array_append_new(s->skipped, json_pack("{s:s, s:s}", "name", name, "why", why));
}

/* ---- One part ------------------------------------------------------------------------------------- */

/* A driver's own probe, which changes nothing in its part. */
static rot_err
identify(struct rot_linux *lin, struct rot_identity *id)
{
    struct rot_chip chip;
    rot_err rot = rot_open(&chip, &lin->setup);

    if (rot != ROT_OK)
        return rot;
    rot = rot_identify(&chip, id);
    rot_close(&chip);
    return rot;
}

static void
say_refusal(struct scan *s, const char *name, const char *family, rot_err rot)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "answers where %s parts are, and: %s", family,
                   desk_why(rot));
    add_other(s, name, text);
}

/* Simulators and TPMs: nobody else is behind such a name. */
static void
ask_named(struct scan *s, const char *uri, const char *name)
{
    struct rot_identity id;
    struct rot_linux lin;
    rot_err rot = rot_linux_open(&lin, uri);

    if (rot != ROT_OK) {
        add_skipped(s, name, lin.error);
        return;
    }
    rot = identify(&lin, &id);
    if (rot == ROT_OK)
        add_part(s, name, &lin, lin.transport.address, &id);
    else
        say_refusal(s, name, lin.setup.driver->name, rot);
    rot_linux_close(&lin);
}

/* ---- I2C: looking before asking --------------------------------------------------------------------- */

static rot_err
read_at(const struct rot_linux *lin, uint8_t *buf, size_t len)
{
    return lin->transport.i2c->read(lin->transport.self, lin->transport.address, buf, len);
}

static enum found
look_once_awake(const struct rot_linux *lin)
{
    static const uint8_t awake[4] = {0x04, 0x11, 0x33, 0x43};
    const struct rot_transport *t = &lin->transport;
    uint8_t rx[4] = {0};

    if (t->i2c->wake == NULL || t->i2c->wake(t->self, WAKE_US) != ROT_OK)
        return NOBODY;
    t->line->delay_us(t->self, WAKE_WAIT_US);
    if (read_at(lin, rx, sizeof(rx)) != ROT_OK)
        return NOBODY;
    /* 07: its self-test failed. */
    return memcmp(rx, awake, sizeof(rx)) == 0 || (rx[0] == 4 && rx[1] == 7) ? OURS : SOMEBODY;
}

/* Whoever was awake already says something else; it sleeps when its watchdog is through. */
static enum found
look_by_wake(const struct rot_linux *lin)
{
    enum found f = look_once_awake(lin);

    if (f != SOMEBODY)
        return f;
    lin->transport.line->delay_us(lin->transport.self, WATCHDOG_US);
    return look_once_awake(lin);
}

static enum found
look_by_read(const struct rot_linux *lin)
{
    const struct rot_transport *t = &lin->transport;
    uint8_t byte;
    rot_err rot;

    if (read_at(lin, &byte, 1) == ROT_OK)
        return SOMEBODY;
    rot = t->i2c->write(t->self, t->address, NULL, 0);
    return rot == ROT_BUSY ? NOBODY : OURS; /* an adapter that cannot send nothing: ask */
}

static void
say_answer(struct scan *s, struct rot_linux *lin, const char *uri, rot_err rot,
           const struct rot_identity *id)
{
    if (rot == ROT_OK)
        add_part(s, uri, lin, lin->transport.address, id);
    else if (rot == ROT_E_BUS)
        add_other(s, uri, "acknowledges its address, and says nothing that a driver knows");
    else
        say_refusal(s, uri, lin->setup.driver->name, rot);
}

/* Every driver in turn, at an address that a person named; the one that is usual there first. */
static void
ask_all(struct scan *s, struct rot_linux *lin, const char *uri, const struct rot_driver *usual)
{
    const struct rot_driver *told_by = NULL;
    rot_err told = ROT_E_BUS;
    uint8_t address = lin->transport.address;
    struct rot_identity id;

    for (size_t i = 0; i == 0 || rot_registry_at(i - 1) != NULL; i++) {
        const struct rot_driver *d = i == 0 ? usual : rot_registry_at(i - 1);
        rot_err rot;

        if (d == NULL || (i > 0 && d == usual) || rot_linux_choose(lin, d, address) != ROT_OK)
            continue;
        rot = identify(lin, &id);
        if (rot == ROT_OK) {
            add_part(s, uri, lin, address, &id);
            return;
        }
        if (told == ROT_E_BUS && rot != ROT_E_UNSUPPORTED) {
            told = rot;
            told_by = d;
        }
    }
    if (told_by != NULL && told != ROT_E_BUS)
        say_refusal(s, uri, told_by->name, told);
}

static enum found
look(const struct rot_linux *lin, enum look how)
{
    uint8_t byte;

    if (how == BY_WAKE)
        return look_by_wake(lin);
    if (how == BY_READ)
        return look_by_read(lin);
    return read_at(lin, &byte, 1) == ROT_OK ? SOMEBODY : NOBODY;
}

static void
look_at(struct scan *s, struct rot_linux *lin, const char *uri, size_t i)
{
    const struct rot_driver *driver = rot_registry_find(places[i].driver);
    struct rot_identity id;
    enum found f;
    char text[160];

    if (driver == NULL || rot_linux_choose(lin, driver, places[i].address) != ROT_OK)
        return;
    f = look(lin, places[i].look);
    if (f == OURS)
        say_answer(s, lin, uri, identify(lin, &id), &id);
    (void)snprintf(text, sizeof(text), "answers, and was not asked: %s live there, too",
                   places[i].others);
    if (f == SOMEBODY)
        add_other(s, uri, text);
}

static size_t
place_of(unsigned address)
{
    size_t i = 0;

    while (i < PLACE_COUNT && places[i].address != address)
        i++;
    return i;
}

/* Can the bus be used at all? */
static int
open_bus(struct scan *s, struct rot_linux *lin, unsigned bus)
{
    const char *secret = getenv("ROOTSMITH_CHANNEL_SECRET");
    char uri[32], name[32];

    (void)snprintf(uri, sizeof(uri), "i2c:%u", bus);
    (void)snprintf(name, sizeof(name), "i2c-%u", bus);
    if (rot_linux_open_bus(lin, uri, secret != NULL && secret[0] != '\0' ? secret : NULL) == ROT_OK)
        return 1;
    add_skipped(s, name, lin->error);
    return 0;
}

static void
scan_address(struct scan *s, struct rot_linux *lin, const char *uri, unsigned address)
{
    size_t i = place_of(address);
    int known = i < PLACE_COUNT;

    lin->transport.address = (uint8_t)address;
    /* A wake pulse tells an ATECC608 from all others, so that it is not asked anything more. */
    if (known && (!s->asked[address] || places[i].look == BY_WAKE))
        look_at(s, lin, uri, i);
    else
        ask_all(s, lin, uri, known ? rot_registry_find(places[i].driver) : NULL);
}

static void
scan_bus(struct scan *s, unsigned bus)
{
    struct rot_linux lin;
    int usable = open_bus(s, &lin, bus);

    for (unsigned address = ADDRESS_FIRST; address <= ADDRESS_LAST; address++) {
        char uri[32];

        if (place_of(address) == PLACE_COUNT && !s->asked[address])
            continue;
        (void)snprintf(uri, sizeof(uri), "i2c:%u:0x%02x", bus, address);
        desk_progress(s->cli, uri, s->done++, s->total);
        if (usable)
            scan_address(s, &lin, uri, address);
    }
    if (usable)
        rot_linux_close(&lin);
}

/* ---- Where to look ------------------------------------------------------------------------------------ */

static int
add_bus(void *arg, const char *name)
{
    struct scan *s = arg;
    unsigned bus;
    char rest;

    if (sscanf(name, "i2c-%u%c", &bus, &rest) == 1 && s->bus_count < BUSES_MAX)
        s->buses[s->bus_count++] = bus;
    return 0;
}

static int
take_bus(struct scan *s, const char *text)
{
    const char *digits = strncmp(text, "i2c-", 4) == 0 ? text + 4 : text;
    char *end = NULL;
    unsigned long bus = strtoul(digits, &end, 10);

    if (digits[0] < '0' || digits[0] > '9' || *end != '\0' || bus >= BUSES_MAX)
        return 0;
    s->buses[s->bus_count++] = (unsigned)bus;
    return 1;
}

static int
take_probes(struct scan *s, const char *text)
{
    while (*text != '\0') {
        char *end = NULL;
        unsigned long address = strtoul(text, &end, 0);

        if (text[0] < '0' || text[0] > '9' || (*end != ',' && *end != '\0') ||
            address < ADDRESS_FIRST || address > ADDRESS_LAST)
            return 0;
        s->asked[address] = 1;
        text = end + (*end == ',');
    }
    return 1;
}

static void
count_places(struct scan *s)
{
    size_t each = PLACE_COUNT;

    for (unsigned a = ADDRESS_FIRST; a <= ADDRESS_LAST; a++)
        each += s->asked[a] && place_of(a) == PLACE_COUNT;
    s->total = s->bus_count * each + (size_t)s->has_tpm;
}

/* As the kernel lists them; a machine without the module that makes them files has none. */
static void
find_buses(struct scan *s)
{
    struct rs_err none = {0};

    s->has_tpm = rs_path_exists("/dev/tpmrm0");
    if (rs_dir_list("/sys/class/i2c-dev", add_bus, s, &none) != RS_OK)
        (void)!rs_dir_list("/dev", add_bus, s, &none);
}

static rs_code
scan_machine(struct scan *s)
{
    if (s->bus_count == 0)
        find_buses(s);
    count_places(s);
    if (s->has_tpm) {
        desk_progress(s->cli, "tpm", s->done, s->total);
        ask_named(s, "tpm", "tpm");
        s->done++;
    }
    for (size_t i = 0; i < s->bus_count; i++)
        scan_bus(s, s->buses[i]);
    desk_progress(s->cli, "", 1, 1);
    return RS_OK;
}

static rs_code
scan_panel(struct scan *s, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    struct sim_control control;
    const json_t *chips;
    size_t i;
    json_t *chip;
    rs_code rc = sim_control_open(&control, s->panel, err);

    if (rc != RS_OK)
        return rc;
    rc = sim_control_ask(&control, json_pack("{s:s}", "do", "list"), &answer, err);
    sim_control_close(&control);
    if (rc != RS_OK)
        return rc;
    chips = json_object_get(answer, "chips");
    s->total = json_array_size(chips);
    json_array_foreach(chips, i, chip)
    {
        char uri[256];

        (void)snprintf(uri, sizeof(uri), "sim:%s#%s", s->panel, rs_json_text_or(chip, "chip", ""));
        desk_progress(s->cli, rs_json_text_or(chip, "chip", ""), s->done++, s->total);
        ask_named(s, uri, uri);
    }
    desk_progress(s->cli, "", 1, 1);
    return RS_OK;
}

/* ---- What is said --------------------------------------------------------------------------------------- */

/* A panel's names without its socket, which stands above the table. */
static void
put_parts(const struct scan *s)
{
    static const struct cli_column columns[] = {{"NAME", "short"},         {"FAMILY", "family"},
                                                {"MODEL", "model"},        {"ADDRESS", "address"},
                                                {"UNIQUE ID", "uid_text"}, {"LIFE", "lifecycle"}};
    size_t i;
    json_t *item;

    json_array_foreach(s->items, i, item)
    {
        const char *name = rs_json_text_or(item, "name", "");
        const char *hash = s->panel != NULL ? strrchr(name, '#') : NULL;

        (void)json_object_set_new(item, "short", json_string(hash != NULL ? hash + 1 : name));
    }
    if (s->panel != NULL)
        cli_say(s->cli, "panel %s\n", s->panel);
    if (json_array_size(s->items) != 0)
        cli_put_table(s->cli, s->items, columns, 6);
    else
        cli_say(s->cli, "No part was found%s.",
                s->bus_count == 0 && s->panel == NULL && !s->has_tpm
                    ? ": this machine has no I2C bus and no TPM"
                    : "");
}

static void
put_list(const struct scan *s, const json_t *list, const char *member)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        char label[80];

        (void)snprintf(label, sizeof(label), "%s %.60s", cli_sign(s->cli, '!'),
                       rs_json_text_or(item, "name", ""));
        desk_put_field(s->cli, label, cli_text_width(label) + 4, rs_json_text_or(item, member, ""));
    }
}

static void
put_not_asked(const struct scan *s)
{
    int first = 1;

    for (size_t i = 0; i < PLACE_COUNT && s->bus_count != 0; i++) {
        char label[32];

        if (places[i].look != ON_REQUEST || s->asked[places[i].address])
            continue;
        if (first)
            cli_say(s->cli,
                    "\nNot asked, because parts of others may be there; --probe names them:");
        first = 0;
        (void)snprintf(label, sizeof(label), "0x%02x  %s", places[i].address, places[i].driver);
        desk_put_field(s->cli, label, 18, places[i].others);
    }
}

static void
put_next(const struct scan *s)
{
    const json_t *first = json_array_get(s->items, 0);
    char text[320];

    if (first == NULL)
        return;
    (void)snprintf(text, sizeof(text), "rootsmith chip info --chip %s",
                   rs_json_text_or(first, "name", ""));
    (void)fputc('\n', stdout);
    cli_next(s->cli, text, NULL, NULL);
}

static int
put_scan(struct scan *s)
{
    if (s->cli->json) {
        size_t i;
        json_t *item;
        RS_AUTO(rs_json_done) json_t *unasked = json_array();

        json_array_foreach(s->items, i, item)
        {
            (void)json_object_del(item, "uid_text");
        }
        for (i = 0; i < PLACE_COUNT && s->bus_count != 0; i++) {
            if (places[i].look == ON_REQUEST && !s->asked[places[i].address])
                (void)json_array_append_new(
                    unasked, json_pack("{s:i, s:s, s:s}", "address", (int)places[i].address,
                                       "family", places[i].driver, "why", places[i].others));
        }
        RS_AUTO(rs_json_done) json_t *out =
            json_pack("{s:O, s:O, s:O, s:O, s:n}", "items", s->items, "others", s->others,
                      "skipped", s->skipped, "not_asked", unasked, "next");
        return cli_put_json(s->cli, out);
    }
    if (s->cli->quiet)
        return 0;
    put_parts(s);
    if (json_array_size(s->others) + json_array_size(s->skipped) != 0)
        (void)fputc('\n', stdout);
    put_list(s, s->others, "what");
    put_list(s, s->skipped, "why");
    put_not_asked(s);
    put_next(s);
    return 0;
}

int
verb_chip_scan(struct cli *cli, const struct cli_args *args)
{
    const char *bus = cli_option(args, "bus"), *probes = cli_option(args, "probe");
    struct scan s = {.cli = cli, .panel = cli_option(args, "panel")};
    struct rs_err err = {0};
    rs_code rc;
    int code;

    if (bus != NULL && (s.panel != NULL || !take_bus(&s, bus)))
        return cli_usage(cli, "--bus takes the number of one bus, as 1 or i2c-1; not with --panel");
    if (probes != NULL && (s.panel != NULL || !take_probes(&s, probes)))
        return cli_usage(cli, "--probe takes addresses from 0x08 to 0x77, as 0x20,0x30; "
                              "not with --panel");
    s.items = json_array();
    s.others = json_array();
    s.skipped = json_array();
    rc = s.panel != NULL ? scan_panel(&s, &err) : scan_machine(&s);
    if (rc == RS_OK && bus != NULL && json_array_size(s.skipped) != 0)
        rc = rs_fail(&err, RS_E_CHIP_ABSENT, "%s",
                     rs_json_text_or(json_array_get(s.skipped, 0), "why", ""));
    code = rc == RS_OK ? put_scan(&s) : cli_fail(cli, "Not scanned", &err);
    json_decref(s.items);
    json_decref(s.others);
    json_decref(s.skipped);
    return code;
}
