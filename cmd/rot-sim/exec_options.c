/*
 * exec_options.c: the command line of rot-sim exec.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rot_sim.h"

#define BUS_MAX     63u
#define GPIO_MAX    1023u
#define BUSY_US_MAX 10000000u

struct reader {
    struct exec_plan *plan;
    unsigned bus; /* --bus: of the chips that follow */
    const char *gpios[EXEC_GPIOS_MAX];
    size_t gpio_count;
};

static rs_code
copy_text(const char *option, const char *value, size_t len, char *out, size_t cap,
          struct rs_err *err)
{
    if (len == 0 || len >= cap)
        return rs_fail(err, RS_E_USAGE, "exec: %s %.60s: %s", option, value,
                       len == 0 ? "something is missing" : "too long");
    memcpy(out, value, len);
    out[len] = '\0';
    return RS_OK;
}

/* A number up to max and then `stop`; *ret_end is left on it. */
static int
read_number(const char *text, char stop, unsigned max, unsigned *ret_number, const char **ret_end)
{
    char *end = NULL;
    unsigned long n;

    if (text[0] < '0' || text[0] > '9')
        return 0;
    n = strtoul(text, &end, 0);
    if (end == NULL || *end != stop || n > max)
        return 0;
    *ret_number = (unsigned)n;
    *ret_end = end;
    return 1;
}

/* ---- Chips ------------------------------------------------------------------------- */

/* What stands after '@': an address on the bus, or spiB.C. */
static int
read_place(const char *text, struct exec_chip *chip)
{
    unsigned address = 0;
    const char *end = text;

    if (strncmp(text, "spi", 3) == 0) {
        chip->is_spi = 1;
        return read_number(text + 3, '.', BUS_MAX, &chip->bus, &end) &&
               read_number(end + 1, '\0', BUS_MAX, &chip->select, &end);
    }
    if (!read_number(text, '\0', 0x77, &address, &end) || address < 0x08)
        return 0;
    chip->address = (int)address;
    return 1;
}

/* Two of a kind on a bus are told apart by a number. */
static rs_code
name_chip(const struct exec_plan *plan, struct exec_chip *chip, struct rs_err *err)
{
    unsigned same = 0;
    int n;

    for (size_t i = 0; i < plan->chip_count; i++) {
        const struct exec_chip *c = &plan->chips[i];

        same +=
            c->is_spi == chip->is_spi && c->bus == chip->bus && strcmp(c->kind, chip->kind) == 0;
        if (chip->is_spi && c->is_spi && c->bus == chip->bus && c->select == chip->select)
            return rs_fail(err, RS_E_USAGE, "exec: two chips on /dev/spidev%u.%u", chip->bus,
                           chip->select);
    }
    n = snprintf(chip->name, sizeof(chip->name), same == 0 ? "%s-%u/%s" : "%s-%u/%s-%u",
                 chip->is_spi ? "spi" : "i2c", chip->bus, chip->kind, same + 1);
    if (n < 0 || (size_t)n >= sizeof(chip->name))
        return rs_fail(err, RS_E_USAGE, "exec: --chip %s: the name is too long", chip->kind);
    return RS_OK;
}

static rs_code
take_chip(struct reader *r, const char *value, struct rs_err *err)
{
    struct exec_chip *chip = &r->plan->chips[r->plan->chip_count];
    const char *at = strrchr(value, '@');
    size_t len = at == NULL ? strlen(value) : (size_t)(at - value);
    int is_named = memchr(value, '/', len) != NULL;
    rs_code rc;

    if (r->plan->chip_count == EXEC_CHIPS_MAX)
        return rs_fail(err, RS_E_USAGE, "exec: more than %d chips", EXEC_CHIPS_MAX);
    *chip = (struct exec_chip){.bus = r->bus, .address = -1};
    if (at != NULL && !read_place(at + 1, chip))
        return rs_fail(err, RS_E_USAGE,
                       "exec: --chip %.60s: after @ comes an address (0x08 to 0x77) or spiB.C",
                       value);
    if (is_named)
        rc = copy_text("--chip", value, len, chip->name, sizeof(chip->name), err);
    else
        rc = copy_text("--chip", value, len, chip->kind, sizeof(chip->kind), err);
    if (rc == RS_OK && !is_named)
        rc = name_chip(r->plan, chip, err);
    if (rc == RS_OK)
        r->plan->chip_count++;
    return rc;
}

/* ---- Lines ------------------------------------------------------------------------- */

static rs_code
take_tty(struct reader *r, const char *value, struct rs_err *err)
{
    struct exec_tty *tty = &r->plan->ttys[r->plan->tty_count];
    const char *eq = strchr(value, '=');
    rs_code rc;

    if (r->plan->tty_count == EXEC_TTYS_MAX)
        return rs_fail(err, RS_E_USAGE, "exec: more than %d serial lines", EXEC_TTYS_MAX);
    if (eq == NULL || value[0] != '/' || memchr(value, ' ', (size_t)(eq - value)) != NULL)
        return rs_fail(err, RS_E_USAGE,
                       "exec: --tty %.60s: want a device and a Unix socket, as in "
                       "/dev/ttyUSB0=target.sock",
                       value);
    rc = copy_text("--tty", value, (size_t)(eq - value), tty->name, sizeof(tty->name), err);
    if (rc == RS_OK)
        rc = copy_text("--tty", eq + 1, strlen(eq + 1), tty->socket, sizeof(tty->socket), err);
    if (rc == RS_OK)
        r->plan->tty_count++;
    return rc;
}

/* Which chip a line feeds is looked up when all chips are known. */
static rs_code
take_gpio(struct reader *r, const char *value, struct rs_err *err)
{
    if (r->gpio_count == EXEC_GPIOS_MAX)
        return rs_fail(err, RS_E_USAGE, "exec: more than %d GPIO lines", EXEC_GPIOS_MAX);
    r->gpios[r->gpio_count++] = value;
    return RS_OK;
}

/* By its whole name, or by what stands behind the bus. */
static size_t
find_chip(const struct exec_plan *plan, const char *name)
{
    size_t i = 0;

    while (i < plan->chip_count && strcmp(plan->chips[i].name, name) != 0 &&
           strcmp(strchr(plan->chips[i].name, '/') + 1, name) != 0)
        i++;
    return i;
}

static rs_code
connect_gpio(struct exec_plan *plan, const char *value, struct rs_err *err)
{
    struct exec_gpio *gpio = &plan->gpios[plan->gpio_count];
    const char *end = value;

    gpio->chip = 0;
    if (read_number(value, '=', GPIO_MAX, &gpio->line, &end))
        gpio->chip = find_chip(plan, end + 1);
    else if (!read_number(value, '\0', GPIO_MAX, &gpio->line, &end))
        return rs_fail(err, RS_E_USAGE, "exec: --gpio %.60s: want LINE or LINE=CHIP", value);
    if (gpio->chip >= plan->chip_count)
        return rs_fail(err, RS_E_USAGE, "exec: --gpio %.60s: there is no such chip", value);
    plan->gpio_count++;
    return RS_OK;
}

/* ---- All of it --------------------------------------------------------------------- */

static rs_code
take_bus(struct reader *r, const char *value, struct rs_err *err)
{
    const char *end = value;

    if (!read_number(value, '\0', BUS_MAX, &r->bus, &end))
        return rs_fail(err, RS_E_USAGE, "exec: --bus %.40s: want 0 to %u", value, BUS_MAX);
    return RS_OK;
}

static rs_code
take_timing(struct reader *r, const char *value, struct rs_err *err)
{
    r->plan->config.real_time = strcmp(value, "real") == 0;
    if (!r->plan->config.real_time && strcmp(value, "none") != 0)
        return rs_fail(err, RS_E_USAGE, "exec: --timing is none or real, not %.40s", value);
    return RS_OK;
}

static rs_code
take_busy(struct reader *r, const char *value, struct rs_err *err)
{
    const char *end = value;

    if (!read_number(value, '\0', BUSY_US_MAX, &r->plan->config.busy_us, &end))
        return rs_fail(err, RS_E_USAGE, "exec: --busy %.40s: want microseconds, at most %u", value,
                       BUSY_US_MAX);
    return RS_OK;
}

static rs_code
take_value(struct reader *r, const char *name, const char *value, struct rs_err *err)
{
    struct exec_plan *plan = r->plan;

    if (strcmp(name, "--chip") == 0)
        return take_chip(r, value, err);
    if (strcmp(name, "--bus") == 0)
        return take_bus(r, value, err);
    if (strcmp(name, "--timing") == 0)
        return take_timing(r, value, err);
    if (strcmp(name, "--busy") == 0)
        return take_busy(r, value, err);
    if (strcmp(name, "--tty") == 0)
        return take_tty(r, value, err);
    if (strcmp(name, "--gpio") == 0)
        return take_gpio(r, value, err);
    if (strcmp(name, "--state") == 0)
        return copy_text(name, value, strlen(value), plan->config.state, sizeof(plan->config.state),
                         err);
    if (strcmp(name, "--trace") == 0)
        return copy_text(name, value, strlen(value), plan->config.trace, sizeof(plan->config.trace),
                         err);
    if (strcmp(name, "--socket") == 0)
        return copy_text(name, value, strlen(value), plan->socket, sizeof(plan->socket), err);
    return rs_fail(err, RS_E_USAGE, "exec: unknown option %.40s; see rot-sim exec --help", name);
}

/* What does not go together. */
static rs_code
check_plan(struct exec_plan *plan, struct rs_err *err)
{
    int attached = plan->socket[0] != '\0';

    if (plan->program == NULL || plan->program[0] == NULL)
        return rs_fail(err, RS_E_USAGE, "exec: which program? rot-sim exec --chip KIND -- PROGRAM");
    if (plan->chip_count == 0 && plan->tty_count == 0)
        return rs_fail(err, RS_E_USAGE, "exec: which chip? as in --chip atecc608b");
    if (attached && (plan->config.state[0] != '\0' || plan->config.trace[0] != '\0' ||
                     plan->config.real_time || plan->config.busy_us != 0))
        return rs_fail(err, RS_E_USAGE,
                       "exec: --state, --trace, --timing and --busy belong to the rot-sim that "
                       "--socket names");
    for (size_t i = 0; i < plan->chip_count; i++) {
        if (attached && plan->chips[i].kind[0] != '\0')
            return rs_fail(err, RS_E_USAGE,
                           "exec: with --socket a chip is named as rot-sim list does: BUS/CHIP");
        if (!attached && plan->chips[i].kind[0] == '\0')
            return rs_fail(err, RS_E_USAGE,
                           "exec: --chip %s names a chip of a running rot-sim: say --socket",
                           plan->chips[i].name);
    }
    return RS_OK;
}

/* 1: a word without a value was taken. */
static int
take_flag(struct exec_plan *plan, const char *word)
{
    if (strcmp(word, "--json") == 0)
        return plan->json = 1;
    if (strcmp(word, "--quiet") == 0)
        return plan->quiet = 1;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return plan->help = 1;
    return 0;
}

rs_code
exec_options(int argc, char **argv, struct exec_plan *plan, struct rs_err *err)
{
    struct reader r = {.plan = plan, .bus = 1};
    rs_code rc = RS_OK;
    int i = 0;

    for (; rc == RS_OK && i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        if (take_flag(plan, argv[i]))
            continue;
        if (i + 1 == argc)
            return rs_fail(err, RS_E_USAGE, "exec: %.40s: unknown, or without its value", argv[i]);
        rc = take_value(&r, argv[i], argv[i + 1], err);
        i++;
    }
    if (rc != RS_OK || plan->help)
        return rc;
    plan->program = argv + (i < argc && strcmp(argv[i], "--") == 0 ? i + 1 : i);
    rc = check_plan(plan, err);
    for (size_t g = 0; rc == RS_OK && g < r.gpio_count; g++)
        rc = connect_gpio(plan, r.gpios[g], err);
    return rc;
}
