/*
 * recognise.c: see recognise.h.
 *
 * The nest's own addresses are tried first.  If nobody is there, all addresses are, each by
 * a transaction without data: 11 bits on the wire, and no part takes it for a command.  Some
 * adapters have no such transaction; behind them only the nest's own part is looked for.  Who
 * acknowledges is then asked by the driver of the family that is usually found there, for a driver
 * of another family would poll long for an answer that never comes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/recognise.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rot/registry.h>

#include "base/bytes.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/oid.h"

#define MAKERS        "%s%s, configured and sealed by its maker"
#define START_US      20000u /* the slowest part to start: after that it would have answered */
#define FOUND_MAX     8
#define ADDRESS_FIRST 0x08
#define ADDRESS_LAST  0x77

/* ---- Words ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *todo;
    rs_code code;
} kinds[REEL_KINDS] = {
    [REEL_EMPTY] = {"empty", "Put a board in.", RS_E_CHIP_ABSENT},
    [REEL_BLANK] = {"blank", "Ready to be made.", RS_OK},
    [REEL_VENDOR] = {"pre-provisioned", "Its maker sealed it: for an order that says so.",
                     RS_E_CHIP_FOREIGN},
    [REEL_HALF] = {"half-done", "Run it again where it was begun.", RS_OK},
    [REEL_DONE] = {"done", "It has an identity: ship it, or check it.", RS_OK},
    [REEL_FOREIGN] = {"foreign", "Used before: red box.", RS_E_CHIP_FOREIGN},
    [REEL_WRONG_ADDRESS] = {"wrong-address", "Wrong reel: red box.", RS_E_CHIP_WRONG_ADDRESS},
    [REEL_WRONG_PART] = {"wrong-part", "Wrong reel: red box.", RS_E_CHIP_WRONG_PART},
    [REEL_UNKNOWN] = {"unknown", "Nothing we know: red box.", RS_E_CHIP_WRONG_PART},
    [REEL_FAULT] = {"fault", "Chip failed: blue box (repair).", RS_E_CHIP_FAULT},
};

const char *
reel_name(enum reel_kind kind)
{
    return kinds[kind].name;
}

rs_code
reel_code(enum reel_kind kind)
{
    return kinds[kind].code;
}

static void
put_at(char *out, size_t cap, uint8_t address)
{
    if (address == 0)
        out[0] = '\0';
    else
        (void)snprintf(out, cap, " at 0x%02x", address);
}

static RS_PRINTF(3, 4) void say(struct recognised *what, enum reel_kind kind, const char *fmt, ...)
{
    va_list ap;

    what->kind = kind;
    va_start(ap, fmt);
    (void)vsnprintf(what->text, sizeof(what->text), fmt, ap);
    va_end(ap);
    (void)snprintf(what->todo, sizeof(what->todo), "%s", kinds[kind].todo);
}

/* ---- An open chip ---------------------------------------------------------------- */

/* Has the layout a certificate of the maker's, and is there one? */
static int
has_maker_cert(struct rot_chip *chip)
{
    size_t size = 0;

    return rot_object_size(chip, ROT_VENDOR(0), ROT_PART_CERT, &size) == ROT_OK && size > 0;
}

/* A part sealed as its maker delivers it, where the driver does not know that by itself. */
static int
is_at_makers_address(const struct recognised *what)
{
    return strncmp(what->id.model, "atecc", 5) == 0 &&
           (what->address == 0x36 || what->address == 0x35);
}

static rot_err
find_foreign(struct rot_chip *chip, int *ret_foreign)
{
    static const enum rot_stage stages[] = {ROT_STAGE_CONFIG, ROT_STAGE_DATA};
    const struct rot_layout *layout = chip->setup.layout;
    rot_err rot = ROT_OK;

    *ret_foreign = 0;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && rot == ROT_OK; i++) {
        enum rot_seal_state state = ROT_SEAL_OPEN;
        if ((layout->stages & 1u << stages[i]) == 0)
            continue;
        rot = rot_seal_state(chip, stages[i], 0, &state);
        *ret_foreign = *ret_foreign || (rot == ROT_OK && state == ROT_SEAL_FOREIGN);
    }
    return rot;
}

/* Whose identity it is. */
static void
find_device(struct rot_chip *chip, struct recognised *what)
{
    uint8_t piece[512];
    size_t len = sizeof(piece);
    struct cert cert;
    struct rs_bytes serial;
    RS_AUTO(rs_buf_done) struct rs_buf der;

    rs_buf_init(&der, ROT_CERTIFICATE_MAX);
    while (len == sizeof(piece)) {
        if (rot_object_read(chip, ROT_IDEVID, ROT_PART_CERT, der.len, piece, sizeof(piece), &len) !=
            ROT_OK)
            return;
        rs_buf_put(&der, piece, len);
    }
    if (!rs_buf_ok(&der) || cert_read(rs_buf_bytes(&der), &cert, NULL) != RS_OK)
        return;
    serial = name_find(cert.subject, oid_serial_number);
    if (serial.len < sizeof(what->device)) {
        memcpy(what->device, serial.p, serial.len);
        what->device[serial.len] = '\0';
        rs_text_clean(what->device);
    }
}

/*
 * Some parts are delivered operational, with nothing of ours in them; and one whose channel is
 * ours was begun here, whatever its life cycle says.
 */
static int
is_blank(const struct rot_identity *id)
{
    if (id->protection == ROT_PROTECTION_OWN)
        return 0;
    return id->lifecycle == ROT_LIFE_BLANK ||
           (id->lifecycle == ROT_LIFE_CONFIGURED && id->sealed == 1u << ROT_STAGE_LIFECYCLE);
}

/* A certificate that the layout can read. */
static int
has_identity(struct rot_chip *chip)
{
    size_t size = 0;

    return rot_object_size(chip, ROT_IDEVID, ROT_PART_CERT, &size) == ROT_OK;
}

static void
tell_life(struct rot_chip *chip, struct recognised *what, const char *at)
{
    const char *model = what->id.model;

    switch (what->id.lifecycle) {
    case ROT_LIFE_BLANK:
    case ROT_LIFE_CONFIGURED:
        if (is_blank(&what->id))
            say(what, REEL_BLANK, "%s%s, blank%s", model, at,
                has_maker_cert(chip) ? ", with its maker's certificate" : "");
        else
            say(what, REEL_HALF, "%s%s, begun and not finished", model, at);
        return;
    case ROT_LIFE_PROVISIONED:
    case ROT_LIFE_SEALED:
        if (is_at_makers_address(what) && !has_identity(chip))
            say(what, REEL_VENDOR, MAKERS, model, at);
        else
            say(what, REEL_DONE, "%s%s, finished before", model, at);
        return;
    case ROT_LIFE_END:
    default:
        say(what, REEL_FAULT, "%s%s, at its life's end", model, at);
    }
}

void
recognise_chip(struct rot_chip *chip, const char *part, struct recognised *ret_what)
{
    const uint8_t address = ret_what->address;
    char at[16];
    int foreign = 0;
    rot_err rot;

    memset(ret_what, 0, sizeof(*ret_what));
    ret_what->address = address;
    put_at(at, sizeof(at), address);
    rot = rot_identify(chip, &ret_what->id);
    if (rot != ROT_OK) {
        say(ret_what, REEL_FAULT, "a part%s that does not say who it is: %s", at,
            rot_err_name(rot));
        return;
    }
    if (part[0] != '\0' && strcmp(ret_what->id.model, part) != 0) {
        say(ret_what, REEL_WRONG_PART, "%s%s, where %s belongs", ret_what->id.model, at, part);
        return;
    }
    rot = find_foreign(chip, &foreign);
    if (rot != ROT_OK)
        say(ret_what, REEL_FAULT, "%s%s does not say what is sealed: %s", ret_what->id.model, at,
            rot_err_name(rot));
    else if (foreign && is_at_makers_address(ret_what))
        say(ret_what, REEL_VENDOR, MAKERS, ret_what->id.model, at);
    else if (foreign)
        say(ret_what, REEL_FOREIGN, "%s%s, configured by somebody else", ret_what->id.model, at);
    else
        tell_life(chip, ret_what, at);
}

void
recognise_device(struct rot_chip *chip, struct recognised *what)
{
    char at[16];

    if (what->kind != REEL_DONE)
        return;
    put_at(at, sizeof(at), what->address);
    find_device(chip, what);
    if (what->device[0] != '\0')
        say(what, REEL_DONE, "%s%s, has the identity of %s", what->id.model, at, what->device);
    else
        say(what, REEL_FOREIGN, "%s%s, sealed, with something else in its identity's place",
            what->id.model, at);
}

/* ---- Who is on the bus ----------------------------------------------------------- */

/* The family that is found at an address, as parts come from their makers. */
static const struct rot_driver *
usual_driver(uint8_t address)
{
    static const struct {
        uint8_t address;
        const char *driver;
    } rows[] = {{0x60, "atecc"},  {0x36, "atecc"},  {0x35, "atecc"},  {0x48, "se05x"},
                {0x30, "optiga"}, {0x20, "stsafe"}, {0x21, "stsafe"}, {0x17, "ta100"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].address == address)
            return rot_registry_find(rows[i].driver);
    }
    return NULL;
}

static size_t
scan(struct wire *w, uint8_t found[FOUND_MAX])
{
    const struct adapter *a = nests_adapter(w->all->file, w->nest);
    size_t n = 0;

    wire_wake(w);
    for (unsigned address = ADDRESS_FIRST; address <= ADDRESS_LAST && n < FOUND_MAX; address++) {
        if (a->mux == MUX_OURS && address == a->mux_address)
            continue;
        if (wire_probe(w, (uint8_t)address) == ROT_OK)
            found[n++] = (uint8_t)address;
    }
    return n;
}

static rot_err
open_at(struct wire *w, const struct rot_driver *driver, uint8_t address, const char *layout,
        uint32_t flags, struct rot_chip *chip)
{
    struct rs_err ignored = {0};

    if (wire_choose(w, driver, address, &ignored) != RS_OK)
        return ROT_E_UNSUPPORTED;
    w->lin.setup.layout = NULL;
    if (layout[0] != '\0') {
        w->lin.setup.layout = rot_registry_layout(w->lin.setup.driver, layout);
        if (w->lin.setup.layout == NULL)
            return ROT_E_UNSUPPORTED;
    }
    w->lin.setup.flags = flags;
    return rot_open(chip, &w->lin.setup);
}

/* A stranger: by the driver of its address, or by ours, for ours may have moved. */
static void
ask_stranger(struct wire *w, uint8_t address, struct recognised *what)
{
    const struct rot_driver *ours = rot_registry_match(w->nest->part);
    const struct rot_driver *driver = usual_driver(address);
    struct rot_chip chip;
    rot_err rot;

    if (driver == NULL)
        driver = ours;
    rot = driver != NULL ? open_at(w, driver, address, "", 0, &chip) : ROT_E_UNSUPPORTED;
    what->address = address;
    if (rot == ROT_OK) {
        recognise_chip(&chip, "", what);
        rot_close(&chip);
    } else if (rot == ROT_E_AUTH) {
        say(what, REEL_FOREIGN, "a part of the %s family at 0x%02x that takes no channel of ours",
            driver->name, address);
    } else {
        say(what, REEL_UNKNOWN, "something at 0x%02x that no driver knows", address);
    }
}

static void
tell_stranger(struct wire *w, struct recognised *what)
{
    char is[sizeof(what->text)];
    const struct nest *n = w->nest;

    what->is_stranger = 1;
    if (what->kind == REEL_UNKNOWN || what->id.model[0] == '\0')
        return;
    (void)snprintf(is, sizeof(is), "%s", what->text);
    if (strcmp(what->id.model, n->part) != 0)
        say(what, REEL_WRONG_PART, "%.90s, where %.30s belongs", is, n->part);
    else if (what->kind == REEL_VENDOR)
        say(what, REEL_VENDOR, "%.90s, where 0x%02x is expected", is, n->addresses[0]);
    else
        say(what, REEL_WRONG_ADDRESS, "%.90s, where 0x%02x is expected", is, n->addresses[0]);
}

static void
look_around(struct wire *w, struct recognised *what)
{
    uint8_t found[FOUND_MAX];
    size_t n = scan(w, found);

    memset(what, 0, sizeof(*what));
    say(what, REEL_EMPTY, "nobody answers");
    for (size_t i = 0; i < n; i++) {
        ask_stranger(w, found[i], what);
        tell_stranger(w, what);
        if (what->kind != REEL_UNKNOWN)
            return;
    }
}

/* ---- Opening --------------------------------------------------------------------- */

static rs_code
refuse_open(const struct wire *w, rot_err rot, struct recognised *what, struct rs_err *err)
{
    const char *part = w->nest->part[0] != '\0' ? w->nest->part : "part";
    char at[16];

    put_at(at, sizeof(at), what->address);
    if (rot == ROT_E_BUS) {
        say(what, REEL_EMPTY, "nobody answers%s", at);
        return rs_fail(err, RS_E_CHIP_ABSENT, "%s", what->text);
    }
    if (rot == ROT_E_WRONG_PART) {
        say(what, REEL_UNKNOWN, "something%s that is no %s", at, part);
        return rs_fail(err, RS_E_CHIP_WRONG_PART, "%s", what->text);
    }
    if (rot == ROT_E_AUTH) {
        say(what, REEL_FOREIGN, "a %s%s that takes no channel secret of ours", part, at);
        return rs_fail(err, RS_E_CHIP_FOREIGN, "%s", what->text);
    }
    if (rot == ROT_BUSY) {
        say(what, REEL_FAULT, "the %s%s is in use", part, at);
        return rs_fail(err, RS_E_CHIP_BUSY, "%s", what->text);
    }
    say(what, REEL_FAULT, "the %s%s says %s", part, at, rot_err_name(rot));
    return rs_fail(err, RS_E_CHIP_FAULT, "%s", what->text);
}

/*
 * The first of the nest's addresses where somebody acknowledges: ROT_OK.  ROT_BUSY: nowhere.
 * ROT_E_BUS: that cannot be found out.
 */
static rot_err
find_address(struct wire *w, uint8_t *ret_address)
{
    rot_err rot = ROT_BUSY;

    for (int i = 0; i < 2; i++) {
        if (i > 0)
            wire_delay(w, START_US);
        wire_wake(w);
        for (size_t k = 0; k < w->nest->address_count; k++) {
            rot = wire_probe(w, w->nest->addresses[k]);
            *ret_address = w->nest->addresses[k];
            if (rot != ROT_BUSY)
                return rot;
        }
    }
    return rot;
}

/* Address after address, by the driver: slower where nobody is. */
static rot_err
open_somewhere(struct wire *w, const struct rot_driver *driver, const char *layout, uint32_t flags,
               struct rot_chip *chip, struct recognised *what)
{
    rot_err rot = ROT_E_BUS;

    for (size_t k = 0; k < w->nest->address_count && rot == ROT_E_BUS; k++) {
        what->address = w->nest->addresses[k];
        rot = open_at(w, driver, what->address, layout, flags, chip);
    }
    return rot;
}

static rs_code
open_on_bus(struct wire *w, const char *layout, uint32_t flags, struct rot_chip *chip,
            struct recognised *what, struct rs_err *err)
{
    const struct rot_driver *driver = rot_registry_match(w->nest->part);
    rot_err rot = find_address(w, &what->address);

    if (rot == ROT_BUSY) {
        look_around(w, what);
        return rs_fail(err, reel_code(what->kind) == RS_OK ? RS_E_INTERNAL : reel_code(what->kind),
                       "%s", what->text);
    }
    if (layout[0] != '\0' && rot_registry_layout(driver, layout) == NULL)
        return rs_fail(err, RS_E_CHIP_WRONG_PART, "a %s has no layout %s", w->nest->part, layout);
    rot = rot == ROT_OK ? open_at(w, driver, what->address, layout, flags, chip)
                        : open_somewhere(w, driver, layout, flags, chip, what);
    return rot == ROT_OK ? RS_OK : refuse_open(w, rot, what, err);
}

/* A nest that names its chip has the driver already. */
static rs_code
open_named(struct wire *w, const char *layout, uint32_t flags, struct rot_chip *chip,
           struct recognised *what, struct rs_err *err)
{
    rot_err rot;

    if (layout[0] != '\0') {
        w->lin.setup.layout = rot_registry_layout(w->lin.setup.driver, layout);
        if (w->lin.setup.layout == NULL)
            return rs_fail(err, RS_E_CHIP_WRONG_PART, "a part of %s has no layout %s",
                           w->lin.setup.driver->name, layout);
    }
    w->lin.setup.flags = flags;
    rot = rot_open(chip, &w->lin.setup);
    if (rot == ROT_OK && w->transport.i2c != NULL)
        what->address = w->lin.transport.address;
    return rot == ROT_OK ? RS_OK : refuse_open(w, rot, what, err);
}

rs_code
recognise_open(struct wire *w, const char *layout, uint32_t flags, struct rot_chip *chip,
               struct recognised *ret_what, struct rs_err *err)
{
    memset(ret_what, 0, sizeof(*ret_what));
    return w->nest->adapter >= 0 ? open_on_bus(w, layout, flags, chip, ret_what, err)
                                 : open_named(w, layout, flags, chip, ret_what, err);
}

void
recognise(struct wire *w, const char *layout, uint32_t flags, int whose,
          struct recognised *ret_what)
{
    struct rs_err err = {0};
    struct rot_chip chip;

    if (recognise_open(w, layout, flags, &chip, ret_what, &err) != RS_OK) {
        if (ret_what->text[0] == '\0')
            say(ret_what, REEL_FAULT, "%s", err.text);
        return;
    }
    recognise_chip(&chip, w->nest->part, ret_what);
    if (whose)
        recognise_device(&chip, ret_what);
    rot_close(&chip);
}
