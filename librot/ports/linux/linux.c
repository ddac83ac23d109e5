/*
 * linux.c: from the name of a chip to driver, transport and port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rot/registry.h>

#define BUS_MAX 63u

rot_err
linux_fail(struct rot_linux *lin, rot_err rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(lin->error, sizeof(lin->error), format, args);
    va_end(args);
    return rc;
}

rot_err
linux_say(char *error, rot_err rc, const char *format, ...)
{
    va_list args;

    if (error == NULL)
        return rc;
    va_start(args, format);
    (void)vsnprintf(error, ROT_LINUX_ERROR_MAX, format, args);
    va_end(args);
    return rc;
}

/* What all names have in common once the driver is known. */
static rot_err
use_driver(struct rot_linux *lin, const struct rot_driver *driver)
{
    if (driver->state_size > sizeof(lin->state))
        return linux_fail(lin, ROT_E_UNSUPPORTED, "driver %s needs %zu bytes of state",
                          driver->name, driver->state_size);
    lin->setup.driver = driver;
    lin->setup.transport = &lin->transport;
    lin->setup.port = &lin->crypto.port;
    lin->setup.state = lin->state;
    lin->setup.state_size = sizeof(lin->state);
    return ROT_OK;
}

/* ---- sim: -------------------------------------------------------------------- */

static rot_err
open_sim(struct rot_linux *lin, const char *name)
{
    const struct rot_driver *driver;
    rot_err rc = linux_open_sim(lin, name);

    if (rc != ROT_OK)
        return rc;
    driver = rot_registry_match(lin->model);
    if (driver == NULL)
        return linux_fail(lin, ROT_E_UNSUPPORTED, "simulator: no driver for a %s", lin->model);
    return use_driver(lin, driver);
}

/* ---- i2c: ---------------------------------------------------------------------- */

/* A number and the character behind it; *p is left behind that. */
static int
take_number(const char **p, char stop, unsigned long max, unsigned *ret_value)
{
    char *end = NULL;
    unsigned long value;

    if (**p < '0' || **p > '9')
        return 0;
    value = strtoul(*p, &end, 0);
    if (end == NULL || *end != stop || value > max)
        return 0;
    *p = end + 1;
    *ret_value = (unsigned)value;
    return 1;
}

/* The n-th driver for parts on such a bus, or NULL. */
static const struct rot_driver *
bus_driver(enum rot_bus bus, size_t n)
{
    const struct rot_driver *d;

    for (size_t i = 0; (d = rot_registry_at(i)) != NULL; i++) {
        if (d->bus == bus && n-- == 0)
            return d;
    }
    return NULL;
}

/*
 * The driver whose part answers.  Probing changes nothing in a part.  A driver that keeps off
 * this bus has nothing to say about what is there.
 */
static rot_err
probe_bus(struct rot_linux *lin, enum rot_bus bus)
{
    const struct rot_driver *d;
    rot_err told = ROT_E_BUS;

    for (size_t i = 0; (d = bus_driver(bus, i)) != NULL; i++) {
        struct rot_chip chip;
        rot_err rc = use_driver(lin, d);

        if (rc == ROT_OK)
            rc = rot_open(&chip, &lin->setup);
        if (rc == ROT_OK) {
            rot_close(&chip);
            return ROT_OK;
        }
        if (told == ROT_E_BUS && rc != ROT_E_UNSUPPORTED) /* says less than any other */
            told = rc;
    }
    return told;
}

static rot_err
open_i2c(struct rot_linux *lin, const char *text)
{
    const struct rot_driver *first = bus_driver(ROT_BUS_I2C, 0);
    unsigned bus, address;
    const char *p = text;
    rot_err rc;

    if (!take_number(&p, ':', BUS_MAX, &bus) || !take_number(&p, '\0', 0x77, &address) ||
        address < 0x08)
        return linux_fail(lin, ROT_E_FORMAT, "i2c: want i2c:BUS:ADDRESS, as in i2c:1:0x60");
    if (first == NULL)
        return linux_fail(lin, ROT_E_UNSUPPORTED, "i2c: this build has no driver for an I2C part");
    rc = linux_open_i2c(lin, bus, address);
    if (rc != ROT_OK)
        return rc;
    if (bus_driver(ROT_BUS_I2C, 1) == NULL)
        return use_driver(lin, first); /* nothing to choose from: rot_open() will tell */
    rc = probe_bus(lin, ROT_BUS_I2C);
    if (rc != ROT_OK)
        return linux_fail(lin, rc, "i2c: no part that a driver knows at %#x on bus %u", address,
                          bus);
    return ROT_OK;
}

/* ---- spi: ---------------------------------------------------------------------- */

static rot_err
open_spi(struct rot_linux *lin, const char *text)
{
    unsigned bus, select;
    const char *p = text;
    rot_err rc;

    if (!take_number(&p, '.', BUS_MAX, &bus) || !take_number(&p, '\0', BUS_MAX, &select))
        return linux_fail(lin, ROT_E_FORMAT, "spi: want spi:BUS.SELECT, as in spi:0.0");
    if (bus_driver(ROT_BUS_SPI, 0) == NULL)
        return linux_fail(lin, ROT_E_UNSUPPORTED, "spi: this build has no driver for an SPI part");
    rc = linux_open_spi(lin, bus, select);
    if (rc == ROT_OK)
        rc = probe_bus(lin, ROT_BUS_SPI);
    if (rc != ROT_OK && lin->error[0] == '\0')
        return linux_fail(lin, rc, "spi: no part that a driver knows at %u.%u", bus, select);
    return rc;
}

/* ---- soft: --------------------------------------------------------------------- */

static rot_err
open_soft(struct rot_linux *lin, const char *text)
{
    const struct rot_driver *driver = rot_registry_find("soft");
    const char *hash = strrchr(text, '#');
    char path[ROT_SOFT_PATH_MAX], key[ROT_SOFT_PATH_MAX + 8];
    size_t len = hash != NULL ? (size_t)(hash - text) : strlen(text);
    rot_err rc;

    if (len == 0 || len >= sizeof(path) ||
        (hash != NULL && (hash[1] == '\0' || strlen(hash + 1) >= sizeof(key))))
        return linux_fail(lin, ROT_E_FORMAT, "soft: want soft:FILE or soft:FILE#KEYFILE");
    if (driver == NULL)
        return linux_fail(lin, ROT_E_UNSUPPORTED, "soft: not in this build");
    memcpy(path, text, len);
    path[len] = '\0';
    (void)snprintf(key, sizeof(key), hash != NULL ? "%s" : "%s.key",
                   hash != NULL ? hash + 1 : path);

    rc = linux_load_secret(lin, key);
    if (rc == ROT_OK)
        rc = rot_soft_init(&lin->soft, path, lin->soft_secret, sizeof(lin->soft_secret));
    if (rc != ROT_OK)
        return rc;
    lin->soft.iterations = 0;
    rc = rot_soft_create(&lin->soft, &lin->crypto.port);
    if (rc == ROT_BUSY)
        return linux_fail(lin, rc, "soft: %s is in use by another program", path);
    if (rc != ROT_OK && rc != ROT_E_STATE)
        return linux_fail(lin, rc, "soft: cannot make %s", path);
    lin->transport = lin->soft.transport;
    return use_driver(lin, driver);
}

/* ---- tpm: ---------------------------------------------------------------------- */

static rot_err
open_tpm(struct rot_linux *lin, const char *tcti)
{
    const struct rot_driver *driver = rot_registry_find("tpm2");
    rot_err rc;

    if (driver == NULL)
        return linux_fail(lin, ROT_E_UNSUPPORTED, "tpm: not in this build");
    rc = linux_open_tcti(lin, tcti);
    return rc == ROT_OK ? use_driver(lin, driver) : rc;
}

/* ---- auto ---------------------------------------------------------------------------- */

/* Where parts answer as they come: ATECC608 (blank, TrustFLEX, Trust&GO), SE05x. */
static const uint8_t usual_addresses[] = {0x60, 0x36, 0x35, 0x48};

static void
close_line(struct rot_linux *lin)
{
    linux_close_tcti(lin);
    if (lin->fd >= 0)
        (void)close(lin->fd);
    lin->fd = -1;
    memset(&lin->transport, 0, sizeof(lin->transport));
}

static rot_err
find_on_buses(struct rot_linux *lin)
{
    if (linux_has_tpm())
        return open_tpm(lin, NULL);
    for (unsigned bus = 0; bus <= BUS_MAX; bus++) {
        for (size_t i = 0; i < sizeof(usual_addresses); i++) {
            if (linux_open_i2c(lin, bus, usual_addresses[i]) == ROT_OK &&
                probe_bus(lin, ROT_BUS_I2C) == ROT_OK)
                return ROT_OK;
            close_line(lin);
        }
    }
    return linux_fail(lin, ROT_E_BUS,
                      "auto: ROOTSMITH_CHIP is not set, there is no TPM, and no known part "
                      "answers on an I2C bus");
}

/* ---- The public calls ------------------------------------------------------------------- */

static const char *
after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static rot_err
open_by_name(struct rot_linux *lin, const char *uri)
{
    const char *rest;

    rest = after(uri, "sim:");
    if (rest != NULL)
        return open_sim(lin, rest);
    rest = after(uri, "i2c:");
    if (rest != NULL)
        return open_i2c(lin, rest);
    rest = after(uri, "spi:");
    if (rest != NULL)
        return open_spi(lin, rest);
    rest = after(uri, "soft:");
    if (rest != NULL)
        return open_soft(lin, rest);
    rest = after(uri, "tpm:");
    if (rest != NULL || strcmp(uri, "tpm") == 0)
        return open_tpm(lin, rest);
    if (strcmp(uri, "auto") == 0)
        return find_on_buses(lin);
    return linux_fail(lin, ROT_E_FORMAT,
                      "chip: want sim:, i2c:, spi:, soft:, tpm: or auto, not \"%.80s\"", uri);
}

static rot_err
open_bus_by_name(struct rot_linux *lin, const char *uri)
{
    const char *rest = after(uri, "sim:");
    unsigned bus, select;
    rot_err rc;

    if (rest != NULL) {
        rc = linux_open_sim(lin, rest);
        lin->transport.address = 0;
        lin->model[0] = '\0';
        return rc;
    }
    rest = after(uri, "i2c:");
    if (rest != NULL && take_number(&rest, '\0', BUS_MAX, &bus))
        return linux_open_i2c(lin, bus, 0);
    rest = after(uri, "spi:");
    if (rest != NULL && take_number(&rest, '.', BUS_MAX, &bus) &&
        take_number(&rest, '\0', BUS_MAX, &select))
        return linux_open_spi(lin, bus, select);
    return linux_fail(lin, ROT_E_FORMAT,
                      "bus: want i2c:BUS, spi:BUS.SELECT or sim:BUS/CHIP, not \"%.80s\"", uri);
}

static rot_err
open_by(struct rot_linux *lin, const char *uri, const char *channel_secret,
        rot_err (*open)(struct rot_linux *, const char *))
{
    rot_err rc;

    memset(lin, 0, sizeof(*lin));
    lin->fd = -1;
    if (rot_port_openssl_init(&lin->crypto) != ROT_OK)
        return linux_fail(lin, ROT_E_PORT, "OpenSSL lacks an algorithm that chips need");
    rc = channel_secret != NULL ? linux_load_channel(lin, channel_secret) : ROT_OK;
    if (rc == ROT_OK)
        rc = open(lin, uri);
    if (rc != ROT_OK) {
        if (lin->error[0] == '\0')
            (void)linux_fail(lin, rc, "chip %.80s: %s", uri, rot_err_name(rc));
        close_line(lin);
        rot_port_openssl_done(&lin->crypto);
        rot_wipe_memory(lin->soft_secret, sizeof(lin->soft_secret));
        memset(&lin->setup, 0, sizeof(lin->setup));
        return rc;
    }
    lin->error[0] = '\0';
    return ROT_OK;
}

rot_err
rot_linux_open(struct rot_linux *lin, const char *uri)
{
    const char *channel = getenv("ROOTSMITH_CHANNEL_SECRET");

    return rot_linux_open_with(lin, uri, channel != NULL && channel[0] != '\0' ? channel : NULL);
}

rot_err
rot_linux_open_with(struct rot_linux *lin, const char *uri, const char *channel_secret)
{
    const char *named = getenv("ROOTSMITH_CHIP");

    if (lin == NULL || uri == NULL)
        return ROT_E_ARG;
    if (strcmp(uri, "auto") == 0 && named != NULL && named[0] != '\0')
        uri = named;
    return open_by(lin, uri, channel_secret, open_by_name);
}

rot_err
rot_linux_open_bus(struct rot_linux *lin, const char *uri, const char *channel_secret)
{
    return lin == NULL || uri == NULL ? ROT_E_ARG
                                      : open_by(lin, uri, channel_secret, open_bus_by_name);
}

rot_err
rot_linux_choose(struct rot_linux *lin, const struct rot_driver *driver, uint8_t address)
{
    if (lin == NULL || driver == NULL)
        return ROT_E_ARG;
    if ((driver->bus != ROT_BUS_I2C || lin->transport.i2c == NULL) &&
        (driver->bus != ROT_BUS_SPI || lin->transport.spi == NULL))
        return linux_fail(lin, ROT_E_UNSUPPORTED, "driver %s is not for a part on this bus",
                          driver->name);
    lin->transport.address = address;
    return use_driver(lin, driver);
}

void
rot_linux_close(struct rot_linux *lin)
{
    if (lin == NULL)
        return;
    close_line(lin);
    rot_port_openssl_done(&lin->crypto);
    rot_wipe_memory(lin->soft_secret, sizeof(lin->soft_secret));
    rot_wipe_memory(lin->state, sizeof(lin->state));
    memset(&lin->setup, 0, sizeof(lin->setup));
}
