/*
 * nests.c: see nests.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/nests.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rot/registry.h>

#include "base/bytes.h"
#include "base/config.h"
#include "base/io.h"

#define FILE_MAX     ((size_t)256 * 1024)
#define ARENA_MAX    ((size_t)4 << 20)
#define BUS_MAX      63
#define OFFSET_MAX   1023
#define ADDRESS_MIN  0x08
#define ADDRESS_MAX  0x77
#define MUX_FIRST    0x70
#define EVERY_MIN    60
#define CHOICE_FIRST 2 /* of muxes: none, kernel, then addresses */

struct adapter_text {
    const char *name, *usb, *sim, *bus;
    int mux;
};

struct nest_text {
    const char *name, *adapter, *chip, *part, *power, *reset;
    int channel;
    struct rs_config_list addresses;
};

struct reference_text {
    const char *name, *part, *nest, *certificate, *uid, *defect;
};

struct references_text {
    int64_t every_s;
    struct rs_config_items golden, bad;
};

struct file_text {
    const char *sysfs;
    struct rs_config_items adapters, nests;
    struct references_text references;
};

struct reader {
    const struct file_text *t;
    const struct rs_config_file *file;
    struct rs_config_errors *errors;
    struct nest_file *out;
    const char *dir; /* of the file, with its slash */
    int dir_len;
};

/* ---- Schema ---------------------------------------------------------------------- */

static const char *const muxes[] = {"none", "kernel", "0x70", "0x71", "0x72", "0x73",
                                    "0x74", "0x75",   "0x76", "0x77", NULL};
static const char *const channels[] = {"none", "0", "1", "2", "3", "4", "5", "6", "7", NULL};

static const struct rs_config_field adapter_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct adapter_text, name),
     .required = 1,
     .help = "what nests call it"},
    {.name = "usb",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct adapter_text, usb),
     .min = 3,
     .max = NEST_TEXT_MAX - 1,
     .help = "its place on the USB: 1-1.4, or one of its interfaces: 1-1.4:1.1"},
    {.name = "bus",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct adapter_text, bus),
     .help = "or the kernel's number: 3 is /dev/i2c-3"},
    {.name = "sim",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct adapter_text, sim),
     .min = 1,
     .max = NEST_PATH_MAX - 1,
     .help = "or a bus of a simulator: BUS, or SOCKET#BUS"},
    {.name = "mux",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct adapter_text, mux),
     .choices = muxes,
     .otherwise = "none",
     .help = "address of a PCA9548 or the like, or kernel: the kernel drives it"},
    {.name = NULL},
};

static const struct rs_config_field nest_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct nest_text, name),
     .required = 1,
     .help = "what the tile and the reports call it"},
    {.name = "adapter",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct nest_text, adapter),
     .help = "on which adapter its wires are"},
    {.name = "chip",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct nest_text, chip),
     .min = 1,
     .max = NEST_PATH_MAX - 1,
     .help = "instead of adapter: tpm:device:/dev/tpmrm1, soft:{serial}.rot"},
    {.name = "channel",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct nest_text, channel),
     .choices = channels,
     .otherwise = "none",
     .help = "of the adapter's mux"},
    {.name = "part",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct nest_text, part),
     .max = NEST_TEXT_MAX - 1,
     .help = "model of the part that belongs in it"},
    {.name = "addresses",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct nest_text, addresses),
     .help = "where that part may answer, 7 bits: [0x60, 0x36]"},
    {.name = "power",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct nest_text, power),
     .otherwise = "none",
     .help = "none, gpio:gpiochip0:17, sysfs:FILE, sim:CHIP; :low behind it for active low"},
    {.name = "reset",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct nest_text, reset),
     .otherwise = "none",
     .help = "the same for the part's reset"},
    {.name = NULL},
};

static const struct rs_config_field golden_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, name),
     .required = 1,
     .help = "its label"},
    {.name = "part",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, part),
     .max = NEST_TEXT_MAX - 1,
     .help = "for nests of this part; else for all"},
    {.name = "nest",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, nest),
     .help = "it stays in there"},
    {.name = "certificate",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct reference_text, certificate),
     .required = 1,
     .min = 1,
     .max = NEST_PATH_MAX / 2 - 1,
     .help = "PEM of its identity"},
    {.name = NULL},
};

static const struct rs_config_field bad_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, name),
     .required = 1,
     .help = "its label"},
    {.name = "part",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, part),
     .max = NEST_TEXT_MAX - 1,
     .help = "for nests of this part; else for all"},
    {.name = "nest",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct reference_text, nest),
     .help = "it stays in there"},
    {.name = "uid",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct reference_text, uid),
     .required = 1,
     .help = "unique id of its chip, hex"},
    {.name = "defect",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct reference_text, defect),
     .required = 1,
     .max = 47,
     .help = "the code that it must be refused with: chip.wrong-part"},
    {.name = NULL},
};

static const struct rs_config_field references_schema[] = {
    {.name = "every",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct references_text, every_s),
     .otherwise = "8h",
     .help = "how long a check of a nest counts; never: run asks for none"},
    {.name = "golden",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct references_text, golden),
     .max = NEST_REFERENCES_MAX / 2,
     .fields = golden_schema,
     .item_size = sizeof(struct reference_text),
     .help = "boards that must pass"},
    {.name = "bad",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct references_text, bad),
     .max = NEST_REFERENCES_MAX / 2,
     .fields = bad_schema,
     .item_size = sizeof(struct reference_text),
     .help = "boards that must be refused"},
    {.name = NULL},
};

static const struct rs_config_field file_schema[] = {
    {.name = "sysfs",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, sysfs),
     .min = 1,
     .max = NEST_PATH_MAX - 1,
     .otherwise = "/sys",
     .help = "where sysfs is"},
    {.name = "adapters",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct file_text, adapters),
     .max = NESTS_MAX,
     .fields = adapter_schema,
     .item_size = sizeof(struct adapter_text),
     .help = "what the nests' wires end in"},
    {.name = "nests",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct file_text, nests),
     .required = 1,
     .min = 1,
     .max = NESTS_MAX,
     .fields = nest_schema,
     .item_size = sizeof(struct nest_text),
     .help = "where boards are put"},
    {.name = "references",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file_text, references),
     .fields = references_schema,
     .help = "boards that show that a nest tells good from bad"},
    {.name = NULL},
};

/* ---- Words ----------------------------------------------------------------------- */

static RS_PRINTF(5, 6) void complain_at(struct reader *r, const char *list, size_t index,
                                        const char *field, const char *fmt, ...)
{
    char where[96], text[200];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)snprintf(where, sizeof(where), "%s[%zu]%s%s", list, index, field != NULL ? "." : "",
                   field != NULL ? field : "");
    rs_config_complain(r->errors, r->file, where, "%s", text);
}

/* A whole number, decimal or 0x; -1 for anything else and above max. */
static long
read_int(const char *text, long max)
{
    char *end = NULL;
    long v;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    v = strtol(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
    return *end != '\0' || v > max ? -1 : v;
}

static int
is_digits(const char *from, const char *end)
{
    if (from == end)
        return 0;
    for (; from < end; from++) {
        if (*from < '0' || *from > '9')
            return 0;
    }
    return 1;
}

/* BUS-PORT.PORT...[:CONFIGURATION.INTERFACE], as sysfs writes it. */
static int
is_usb_place(const char *text)
{
    const char *colon = strchr(text, ':'), *dash = strchr(text, '-');
    const char *end = colon != NULL ? colon : text + strlen(text);
    const char *dot;

    if (dash == NULL || dash > end || !is_digits(text, dash))
        return 0;
    for (const char *p = dash + 1;; p = dot + 1) {
        dot = p;
        while (dot < end && *dot != '.')
            dot++;
        if (!is_digits(p, dot))
            return 0;
        if (dot == end)
            break;
    }
    if (colon == NULL)
        return 1;
    dot = strchr(colon, '.');
    return dot != NULL && is_digits(colon + 1, dot) && is_digits(dot + 1, dot + strlen(dot));
}

/* Cut ":low" off; 1 when it was there. */
static int
take_low(char *text)
{
    size_t n = strlen(text);

    if (n < 4 || strcmp(text + n - 4, ":low") != 0)
        return 0;
    text[n - 4] = '\0';
    return 1;
}

/* "gpiochip0:17" or "0:17". */
static int
take_gpio(char *rest, struct nest_line *ret)
{
    char *colon = strchr(rest, ':');
    const char *prefix;
    long offset;

    if (colon == NULL || colon == rest || strchr(rest, '/') != NULL)
        return 0;
    offset = read_int(colon + 1, OFFSET_MAX);
    *colon = '\0';
    if (offset < 0)
        return 0;
    ret->offset = (unsigned)offset;
    prefix = read_int(rest, 999) >= 0 ? "gpiochip" : "";
    return snprintf(ret->where, sizeof(ret->where), "%s%s", prefix, rest) < NEST_TEXT_MAX;
}

static int
read_line(const char *text, struct nest_line *ret)
{
    char copy[sizeof(ret->where)];

    memset(ret, 0, sizeof(*ret));
    if (strcmp(text, "none") == 0)
        return 1;
    if (strlen(text) >= sizeof(copy))
        return 0;
    memcpy(copy, text, strlen(text) + 1);
    if (strncmp(copy, "sim:", 4) == 0 && copy[4] != '\0' && strpbrk(copy + 4, "/*#:") == NULL) {
        ret->kind = LINE_SIM;
        memcpy(ret->where, copy + 4, strlen(copy + 4) + 1);
        return 1;
    }
    ret->is_low = take_low(copy);
    if (strncmp(copy, "sysfs:", 6) == 0 && copy[6] != '\0' && strstr(copy, "..") == NULL) {
        ret->kind = LINE_SYSFS;
        memcpy(ret->where, copy + 6, strlen(copy + 6) + 1);
        return 1;
    }
    ret->kind = LINE_GPIO;
    return strncmp(copy, "gpio:", 5) == 0 && take_gpio(copy + 5, ret);
}

/* ---- Adapters -------------------------------------------------------------------- */

static void
take_adapter(struct reader *r, size_t index, const struct adapter_text *t)
{
    struct adapter *a = &r->out->adapters[index];
    int ways = (t->usb != NULL) + (t->bus != NULL) + (t->sim != NULL);
    long bus = t->bus != NULL ? read_int(t->bus, BUS_MAX) : 0;

    (void)snprintf(a->name, sizeof(a->name), "%s", t->name);
    if (ways != 1)
        complain_at(r, "adapters", index, NULL, "one of usb, bus and sim says where it is");
    if (t->usb != NULL && !is_usb_place(t->usb))
        complain_at(r, "adapters", index, "usb",
                    "no place on the USB: as in 1-1.4, see: ls /sys/bus/usb/devices");
    if (bus < 0)
        complain_at(r, "adapters", index, "bus", "a number of 0 to %d", BUS_MAX);
    if (t->sim != NULL && t->mux == MUX_KERNEL)
        complain_at(r, "adapters", index, "mux", "no kernel drives a simulator's mux");
    a->kind = t->usb != NULL ? ADAPTER_USB : t->sim != NULL ? ADAPTER_SIM : ADAPTER_BUS;
    a->bus = bus < 0 ? 0 : (unsigned)bus;
    (void)snprintf(a->usb, sizeof(a->usb), "%s", t->usb != NULL ? t->usb : "");
    (void)snprintf(a->sim, sizeof(a->sim), "%s", t->sim != NULL ? t->sim : "");
    a->mux = t->mux >= CHOICE_FIRST ? MUX_OURS : (enum adapter_mux)t->mux;
    a->mux_address = a->mux == MUX_OURS ? (uint8_t)(MUX_FIRST + t->mux - CHOICE_FIRST) : 0;
    for (size_t i = 0; i < index; i++) {
        const struct adapter *b = &r->out->adapters[i];
        if (strcmp(a->name, b->name) == 0)
            complain_at(r, "adapters", index, "name", "two adapters with one name");
        if (a->kind == b->kind && strcmp(a->usb, b->usb) == 0 && strcmp(a->sim, b->sim) == 0 &&
            a->bus == b->bus && a->mux_address == b->mux_address)
            complain_at(r, "adapters", index, NULL, "this is adapter %s once more", b->name);
    }
    r->out->adapter_count = index + 1;
}

static int
find_adapter(const struct nest_file *f, const char *name)
{
    for (size_t i = 0; i < f->adapter_count; i++) {
        if (strcmp(f->adapters[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* ---- Nests ----------------------------------------------------------------------- */

static void
take_addresses(struct reader *r, size_t index, const struct nest_text *t, struct nest *n)
{
    if (t->addresses.count > NEST_ADDRESSES_MAX)
        complain_at(r, "nests", index, "addresses", "at most %d addresses", NEST_ADDRESSES_MAX);
    for (size_t i = 0; i < t->addresses.count && i < NEST_ADDRESSES_MAX; i++) {
        long v = read_int(t->addresses.items[i], ADDRESS_MAX);
        if (v < ADDRESS_MIN) {
            complain_at(r, "nests", index, "addresses", "%.20s is no 7-bit address (0x08 to 0x77)",
                        t->addresses.items[i]);
            continue;
        }
        n->addresses[n->address_count++] = (uint8_t)v;
    }
}

static void
check_part(struct reader *r, size_t index, const struct nest *n)
{
    const struct rot_driver *d = rot_registry_match(n->part);

    if (n->part[0] != '\0' && d == NULL)
        complain_at(r, "nests", index, "part", "no driver for a %s", n->part);
    else if (d != NULL && n->adapter >= 0 && d->bus != ROT_BUS_I2C)
        complain_at(r, "nests", index, "part", "a %s is not for an I2C adapter: say chip instead",
                    n->part);
}

/* What a nest on an adapter needs, and what one that names its chip cannot have. */
static void
check_wires(struct reader *r, size_t index, const struct nest_text *t, const struct nest *n)
{
    const struct adapter *a = n->adapter >= 0 ? &r->out->adapters[n->adapter] : NULL;

    if (a == NULL) {
        if (n->channel >= 0 || n->address_count > 0 || n->power.kind != LINE_NONE ||
            n->reset.kind != LINE_NONE)
            complain_at(r, "nests", index, NULL,
                        "channel, addresses, power and reset go with an adapter");
        return;
    }
    if (a->mux != MUX_NONE && n->channel < 0)
        complain_at(r, "nests", index, NULL, "adapter %s has a mux: which channel?", a->name);
    if (a->mux == MUX_NONE && n->channel >= 0)
        complain_at(r, "nests", index, "channel", "adapter %s has no mux", a->name);
    if (n->part[0] == '\0')
        complain_at(r, "nests", index, NULL, "part: which part belongs in it?");
    if (t->addresses.count == 0)
        complain_at(r, "nests", index, NULL, "addresses: where does its part answer?");
    if (a->kind != ADAPTER_SIM && (n->power.kind == LINE_SIM || n->reset.kind == LINE_SIM))
        complain_at(r, "nests", index, NULL, "sim: is a line of a simulator's adapter");
    if (n->reset.kind == LINE_SIM)
        complain_at(r, "nests", index, "reset", "a simulator has power, no reset line");
}

static int
share_address(const struct nest *a, const struct nest *b)
{
    for (size_t i = 0; i < a->address_count; i++) {
        for (size_t j = 0; j < b->address_count; j++) {
            if (a->addresses[i] == b->addresses[j])
                return 1;
        }
    }
    return 0;
}

static void
check_others(struct reader *r, size_t index, const struct nest *n)
{
    for (const struct nest *o = r->out->nests; o < n; o++) {
        /* An array in a cleared struct: NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
        if (strcmp(n->name, o->name) == 0)
            complain_at(r, "nests", index, "name", "two nests with one name");
        if (n->adapter < 0 && strcmp(n->chip, o->chip) == 0 && strstr(n->chip, "{serial}") == NULL)
            complain_at(r, "nests", index, "chip", "this is the chip of nest %s", o->name);
        if (n->adapter >= 0 && n->adapter == o->adapter && n->channel == o->channel &&
            share_address(n, o))
            complain_at(r, "nests", index, NULL, "nest %s has the same wires and address", o->name);
    }
}

static void
take_nest(struct reader *r, size_t index, const struct nest_text *t)
{
    struct nest *n = &r->out->nests[index];

    (void)snprintf(n->name, sizeof(n->name), "%s", t->name);
    (void)snprintf(n->chip, sizeof(n->chip), "%s", t->chip != NULL ? t->chip : "");
    (void)snprintf(n->part, sizeof(n->part), "%s", t->part != NULL ? t->part : "");
    n->channel = t->channel - 1;
    n->adapter = t->adapter != NULL ? find_adapter(r->out, t->adapter) : -1;
    if ((t->adapter == NULL) == (t->chip == NULL))
        complain_at(r, "nests", index, NULL, "adapter or chip says where it is");
    if (t->adapter != NULL && n->adapter < 0)
        complain_at(r, "nests", index, "adapter", "there is no adapter %s", t->adapter);
    if (!read_line(t->power, &n->power))
        complain_at(r, "nests", index, "power", "none, gpio:CHIP:LINE, sysfs:FILE or sim:CHIP");
    if (!read_line(t->reset, &n->reset))
        complain_at(r, "nests", index, "reset", "none, gpio:CHIP:LINE or sysfs:FILE");
    take_addresses(r, index, t, n);
    check_part(r, index, n);
    if (t->adapter == NULL || n->adapter >= 0)
        check_wires(r, index, t, n);
    check_others(r, index, n);
    r->out->nest_count = index + 1;
}

/* ---- References ------------------------------------------------------------------ */

int
nests_reference_fits(const struct nest_reference *reference, const struct nest *nest)
{
    if (reference->nest[0] != '\0')
        return strcmp(reference->nest, nest->name) == 0;
    return !nest->is_reference &&
           (reference->part[0] == '\0' || strcmp(reference->part, nest->part) == 0);
}

/* What a nest can tell of a part without a server, by reading (recognise.h). */
static int
is_defect(const char *text)
{
    static const rs_code codes[] = {RS_E_CHIP_WRONG_PART, RS_E_CHIP_WRONG_ADDRESS,
                                    RS_E_CHIP_FOREIGN, RS_E_CHIP_FAULT, RS_E_CHIP_NOT_GENUINE};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(rs_code_info(codes[i])->name, text) == 0)
            return 1;
    }
    return 0;
}

static void
take_reference(struct reader *r, const char *list, size_t index, const struct reference_text *t)
{
    struct nest_reference *out = &r->out->references[r->out->reference_count];
    struct nest *home = NULL;

    out->is_golden = t->certificate != NULL;
    (void)snprintf(out->name, sizeof(out->name), "%s", t->name);
    (void)snprintf(out->part, sizeof(out->part), "%s", t->part != NULL ? t->part : "");
    (void)snprintf(out->nest, sizeof(out->nest), "%s", t->nest != NULL ? t->nest : "");
    (void)snprintf(out->defect, sizeof(out->defect), "%s", t->defect != NULL ? t->defect : "");
    if (t->certificate != NULL)
        (void)snprintf(out->certificate, sizeof(out->certificate), "%.*s%s",
                       t->certificate[0] == '/' ? 0 : r->dir_len, r->dir, t->certificate);
    if (t->uid != NULL && (t->uid[0] == '\0' || !rs_hex_read(t->uid, strlen(t->uid), out->uid,
                                                             sizeof(out->uid), &out->uid_len)))
        complain_at(r, list, index, "uid", "hex of at most %d bytes", NEST_UID_MAX);
    if (t->defect != NULL && !is_defect(t->defect))
        complain_at(r, list, index, "defect",
                    "chip.wrong-part, chip.wrong-address, chip.foreign, chip.fault or "
                    "chip.not-genuine");
    for (size_t i = 0; i < r->out->nest_count; i++) {
        if (strcmp(r->out->nests[i].name, out->nest) == 0)
            home = &r->out->nests[i];
    }
    if (home != NULL)
        home->is_reference = 1;
    else if (out->nest[0] != '\0')
        complain_at(r, list, index, "nest", "there is no nest %s", out->nest);
    for (size_t i = 0; i < r->out->reference_count; i++) {
        if (strcmp(r->out->references[i].name, out->name) == 0)
            complain_at(r, list, index, "name", "two reference boards with one name");
        else if (home != NULL && strcmp(r->out->references[i].nest, out->nest) == 0)
            complain_at(r, list, index, "nest", "%s is in there", r->out->references[i].name);
    }
    r->out->reference_count++;
}

/* Each nest that makes boards is shown one of each kind. */
static void
check_covered(struct reader *r)
{
    for (size_t i = 0; i < r->out->nest_count; i++) {
        const struct nest *n = &r->out->nests[i];
        int has[2] = {0, 0};
        for (size_t k = 0; k < r->out->reference_count; k++) {
            const struct nest_reference *ref = &r->out->references[k];
            if (ref->nest[0] == '\0' && nests_reference_fits(ref, n))
                has[ref->is_golden != 0] = 1;
        }
        if (!n->is_reference && (!has[0] || !has[1]))
            complain_at(r, "nests", i, NULL, "references have no %s board for it",
                        has[1] ? "bad" : "golden");
    }
}

static void
take_references(struct reader *r)
{
    const struct references_text *t = &r->t->references;
    const struct reference_text *golden = t->golden.items, *bad = t->bad.items;

    for (size_t i = 0; i < t->golden.count && i < NEST_REFERENCES_MAX / 2; i++)
        take_reference(r, "references.golden", i, &golden[i]);
    for (size_t i = 0; i < t->bad.count && i < NEST_REFERENCES_MAX / 2; i++)
        take_reference(r, "references.bad", i, &bad[i]);
    if (t->every_s < EVERY_MIN)
        rs_config_complain(r->errors, r->file, "references.every", "every: at least 1min");
    if (r->out->reference_count == 0)
        return;
    r->out->every_s = t->every_s == INT64_MAX ? 0 : t->every_s;
    check_covered(r);
}

/* ---- The whole ------------------------------------------------------------------- */

static void
take_all(struct reader *r)
{
    const struct adapter_text *adapters = r->t->adapters.items;
    const struct nest_text *nests = r->t->nests.items;
    int boards = 0;

    if (r->t->adapters.count > NESTS_MAX)
        rs_config_complain(r->errors, r->file, "adapters", "at most %d adapters", NESTS_MAX);
    if (r->t->nests.count == 0 || r->t->nests.count > NESTS_MAX)
        rs_config_complain(r->errors, r->file, "nests", "1 to %d nests", NESTS_MAX);
    if (r->t->references.golden.count > NEST_REFERENCES_MAX / 2 ||
        r->t->references.bad.count > NEST_REFERENCES_MAX / 2)
        rs_config_complain(r->errors, r->file, "references", "at most %d of a kind",
                           NEST_REFERENCES_MAX / 2);
    (void)snprintf(r->out->sysfs, sizeof(r->out->sysfs), "%s", r->t->sysfs);
    for (size_t i = 0; i < r->t->adapters.count && i < NESTS_MAX; i++)
        take_adapter(r, i, &adapters[i]);
    for (size_t i = 0; i < r->t->nests.count && i < NESTS_MAX; i++)
        take_nest(r, i, &nests[i]);
    take_references(r);
    for (size_t i = 0; i < r->out->nest_count; i++)
        boards += !r->out->nests[i].is_reference;
    if (r->out->nest_count > 0 && boards == 0)
        rs_config_complain(r->errors, r->file, "nests", "no nest is left for boards");
}

rs_code
nests_parse(const char *path, struct rs_bytes text, struct nest_file *ret_file,
            struct rs_buf *ret_text, struct rs_err *err)
{
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    struct rs_config_errors errors;
    struct rs_config_file *file = NULL;
    struct file_text t;
    const char *slash = strrchr(path, '/');
    struct reader r = {.t = &t, .errors = &errors, .out = ret_file, .dir = path};

    rs_arena_init(&arena, ARENA_MAX);
    rs_config_errors_init(&errors, &arena);
    memset(ret_file, 0, sizeof(*ret_file));
    r.dir_len = slash != NULL ? (int)(slash - path + 1) : 0;
    if (r.dir_len >= NEST_PATH_MAX / 2)
        return rs_fail(err, RS_E_CONFIG_INVALID, "the path of the fixtures file is too long");
    if (rs_config_load(&arena, path, text, file_schema, &t, &file, &errors) == 0) {
        r.file = file;
        take_all(&r);
    }
    if (errors.count == 0)
        return RS_OK;
    rs_config_errors_put(&errors, ret_text);
    return rs_fail(err, RS_E_CONFIG_INVALID, "%zu mistakes in %.160s", errors.count, path);
}

rs_code
nests_read(const char *path, struct nest_file *ret_file, struct rs_buf *ret_text,
           struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    struct rs_err why = {0};

    rs_buf_init(&text, FILE_MAX);
    if (rs_file_read(path, FILE_MAX, &text, &why) != RS_OK)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s", why.text);
    return nests_parse(path, rs_buf_bytes(&text), ret_file, ret_text, err);
}

const struct adapter *
nests_adapter(const struct nest_file *file, const struct nest *nest)
{
    return nest->adapter >= 0 ? &file->adapters[nest->adapter] : NULL;
}

void
nests_place(const struct nest_file *file, const struct nest *nest, char out[NEST_PATH_MAX])
{
    const struct adapter *a = nests_adapter(file, nest);

    if (a == NULL)
        (void)snprintf(out, NEST_PATH_MAX, "%s", nest->chip);
    else if (nest->channel >= 0)
        (void)snprintf(out, NEST_PATH_MAX, "%s/%d", a->name, nest->channel);
    else
        (void)snprintf(out, NEST_PATH_MAX, "%s", a->name);
}
