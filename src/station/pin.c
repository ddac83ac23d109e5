/*
 * pin.c: see pin.h.  Version 2 of the kernel's GPIO interface, or files that take 0 and 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/pin.h"

#include <errno.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/io.h"

static rs_code
ask_for_line(const struct nest_line *line, int on, int *fd, struct rs_err *err)
{
    struct gpio_v2_line_request ask = {.num_lines = 1, .offsets = {line->offset}};
    struct rs_err why = {0};
    char path[sizeof(line->where) + 8];
    int chip = -1, failed;

    (void)snprintf(path, sizeof(path), "/dev/%s", line->where);
    if (rs_file_open(path, RS_OPEN_WRITE, &chip, &why) != RS_OK)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "line %s:%u: %.120s", line->where, line->offset,
                       why.text);
    (void)snprintf(ask.consumer, sizeof(ask.consumer), "rootsmith-station");
    ask.config.flags =
        GPIO_V2_LINE_FLAG_OUTPUT | (line->is_low ? (__u64)GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0);
    ask.config.num_attrs = 1;
    ask.config.attrs[0].mask = 1;
    ask.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
    ask.config.attrs[0].attr.values = on ? 1 : 0;
    failed = ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &ask) != 0 ? errno : 0;
    rs_file_close(chip);
    if (failed != 0)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "line %s:%u: %s", line->where, line->offset,
                       failed == EBUSY    ? "another program holds it"
                       : failed == EINVAL ? "there is no such line"
                       : failed == ENOTTY ? "this is no gpiochip of version 2"
                                          : "the kernel does not give it");
    *fd = ask.fd;
    return RS_OK;
}

static rs_code
set_gpio(const struct nest_line *line, int on, int *fd, struct rs_err *err)
{
    struct gpio_v2_line_values values = {.bits = on ? 1 : 0, .mask = 1};

    if (*fd < 0)
        return ask_for_line(line, on, fd, err);
    if (ioctl(*fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) == 0)
        return RS_OK;
    pin_let_go(fd); /* its chip was pulled: the next call asks anew */
    return rs_fail(err, RS_E_FIXTURE_ABSENT, "line %s:%u is gone", line->where, line->offset);
}

static rs_code
set_file(const char *sysfs, const struct nest_line *line, int on, struct rs_err *err)
{
    char path[NEST_PATH_MAX + sizeof(line->where) + 2];
    struct rs_err why = {0};
    int fd = -1;
    rs_code rc;

    (void)snprintf(path, sizeof(path), "%s/%s", sysfs, line->where);
    rc = rs_file_open(path, RS_OPEN_WRITE, &fd, &why);
    if (rc == RS_OK)
        rc = rs_file_write_at(fd, 0, rs_bytes_str((on != 0) != line->is_low ? "1" : "0"), &why);
    rs_file_close(fd);
    return rc == RS_OK ? RS_OK : rs_fail(err, RS_E_FIXTURE_ABSENT, "line %.160s", why.text);
}

rs_code
pin_set(const char *sysfs, const struct nest_line *line, int on, int *fd, struct rs_err *err)
{
    switch (line->kind) {
    case LINE_GPIO:
        return set_gpio(line, on, fd, err);
    case LINE_SYSFS:
        return set_file(sysfs, line, on, err);
    case LINE_NONE:
    case LINE_SIM:
    default:
        return RS_OK;
    }
}

void
pin_let_go(int *fd)
{
    rs_file_close(*fd);
    *fd = -1;
}
