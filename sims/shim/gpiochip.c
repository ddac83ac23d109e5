/*
 * gpiochip.c: /dev/gpiochip0, both forms of its interface (linux/gpio.h).
 *
 * Its lines are those of the map, at their own numbers; a number between them is
 * taken, as a line is that the kernel uses.  A request for lines is a descriptor
 * of its own.  What is set goes the way of /sys/class/gpio: gpio.c acts on it.
 * Edges are not watched: no simulated part drives a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>

#include "sims/shim/shim.h"

#define NAME  "gpiochip0"
#define LABEL "rot-sim"

/* Flags of the second form that a line here can have. */
#define FLAGS_KNOWN                                                                                \
    ((uint64_t)(GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_INPUT |                           \
                GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_OPEN_DRAIN |                          \
                GPIO_V2_LINE_FLAG_OPEN_SOURCE | GPIO_V2_LINE_FLAG_BIAS_PULL_UP |                   \
                GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN | GPIO_V2_LINE_FLAG_BIAS_DISABLED))

/* ---- Lines ------------------------------------------------------------------------------- */

static unsigned
line_count(void)
{
    const struct shim_map *map = &shim_settings()->map;
    unsigned count = 0;

    for (size_t i = 0; i < map->count; i++)
        if (map->entries[i].kind == SHIM_GPIO && map->entries[i].number >= count)
            count = map->entries[i].number + 1;
    return count;
}

/* By its number; -1: none of the map. */
static int
find_line(uint32_t offset)
{
    const struct shim_map *map = &shim_settings()->map;

    for (size_t i = 0; i < map->count; i++)
        if (map->entries[i].kind == SHIM_GPIO && map->entries[i].number == offset)
            return (int)i;
    return -1;
}

static const struct shim_entry *
line_of(const struct shim_device *d, size_t i)
{
    return &shim_settings()->map.entries[d->lines[i]];
}

/* A level as the requester sees it. */
static int
get_level(const struct shim_device *d, size_t i)
{
    return shim_gpio_get(line_of(d, i)) ^ (d->is_active_low != 0);
}

static void
set_level(const struct shim_device *d, size_t i, int level)
{
    shim_gpio_put(line_of(d, i), level ^ (d->is_active_low != 0) ? "1" : "0");
}

/* Direction and first levels of a request, or of new settings for it. */
static void
configure(const struct shim_device *d, uint64_t levels)
{
    for (size_t i = 0; i < d->line_count; i++) {
        int level = (int)(levels >> i & 1) ^ (d->is_active_low != 0);

        if (d->is_output)
            shim_gpio_put(line_of(d, i), level ? "high" : "low");
        else if (d->is_input)
            shim_gpio_put(line_of(d, i), "in");
    }
}

/* The lines of a request: 0 or a negative errno. */
static int
take_lines(struct shim_device *d, const uint32_t *offsets, uint32_t count)
{
    if (count == 0 || count > SHIM_LINES_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        int line = find_line(offsets[i]);

        if (offsets[i] >= line_count())
            return -EINVAL;
        if (line < 0)
            return -EBUSY;
        d->lines[i] = (uint8_t)line;
    }
    d->line_count = (uint8_t)count;
    return 0;
}

/* ---- The chip ---------------------------------------------------------------------------- */

static int
tell_chip(struct gpiochip_info *info)
{
    memset(info, 0, sizeof(*info));
    (void)snprintf(info->name, sizeof(info->name), NAME);
    (void)snprintf(info->label, sizeof(info->label), LABEL);
    info->lines = line_count();
    return 0;
}

static void
name_line(int line, uint32_t offset, char *name, size_t cap)
{
    if (line >= 0)
        (void)snprintf(name, cap, "GPIO%u", offset);
}

static int
tell_line_1(struct gpioline_info *info)
{
    uint32_t offset = info->line_offset;
    int line = find_line(offset);

    if (offset >= line_count())
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    info->line_offset = offset;
    name_line(line, offset, info->name, sizeof(info->name));
    if (line < 0)
        info->flags = GPIOLINE_FLAG_KERNEL;
    else if (shim_gpio_is_output(&shim_settings()->map.entries[line]))
        info->flags = GPIOLINE_FLAG_IS_OUT;
    return 0;
}

static int
tell_line_2(struct gpio_v2_line_info *info)
{
    uint32_t offset = info->offset;
    int line = find_line(offset);

    if (offset >= line_count())
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    info->offset = offset;
    name_line(line, offset, info->name, sizeof(info->name));
    if (line < 0)
        info->flags = GPIO_V2_LINE_FLAG_USED | GPIO_V2_LINE_FLAG_INPUT;
    else if (shim_gpio_is_output(&shim_settings()->map.entries[line]))
        info->flags = GPIO_V2_LINE_FLAG_OUTPUT;
    else
        info->flags = GPIO_V2_LINE_FLAG_INPUT;
    return 0;
}

/* The request's descriptor, or a negative errno; then the lines are as asked for. */
static int
make_request(const struct shim_device *d, uint64_t levels)
{
    int fd = d->is_input && d->is_output ? -EINVAL : shim_device_make(d, 1);

    if (fd >= 0)
        configure(d, levels);
    return fd;
}

static uint64_t
bits_of(const uint8_t *values, size_t count)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < count; i++)
        bits |= (uint64_t)(values[i] != 0) << i;
    return bits;
}

static void
take_flags_1(struct shim_device *d, uint32_t flags)
{
    d->is_input = (flags & GPIOHANDLE_REQUEST_INPUT) != 0;
    d->is_output = (flags & GPIOHANDLE_REQUEST_OUTPUT) != 0;
    d->is_active_low = (flags & GPIOHANDLE_REQUEST_ACTIVE_LOW) != 0;
}

static int
request_1(const struct shim_device *chip, struct gpiohandle_request *r)
{
    struct shim_device d = *chip;
    int rc = take_lines(&d, r->lineoffsets, r->lines);

    if (rc != 0)
        return rc;
    take_flags_1(&d, r->flags);
    rc = make_request(&d, bits_of(r->default_values, d.line_count));
    if (rc >= 0)
        r->fd = rc;
    return rc < 0 ? rc : 0;
}

/* Flags and first levels; attributes for some lines only are the levels, and no others. */
static int
take_config_2(struct shim_device *d, const struct gpio_v2_line_config *config, uint64_t *ret_levels)
{
    if (config->num_attrs > GPIO_V2_LINE_NUM_ATTRS_MAX || (config->flags & ~FLAGS_KNOWN) != 0)
        return -EINVAL;
    *ret_levels = 0;
    for (uint32_t i = 0; i < config->num_attrs; i++) {
        if (config->attrs[i].attr.id != GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
            return -EOPNOTSUPP;
        *ret_levels |= config->attrs[i].attr.values & config->attrs[i].mask;
    }
    d->is_input = (config->flags & GPIO_V2_LINE_FLAG_INPUT) != 0;
    d->is_output = (config->flags & GPIO_V2_LINE_FLAG_OUTPUT) != 0;
    d->is_active_low = (config->flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW) != 0;
    return 0;
}

static int
request_2(const struct shim_device *chip, struct gpio_v2_line_request *r)
{
    struct shim_device d = *chip;
    uint64_t levels = 0;
    int rc = take_lines(&d, r->offsets, r->num_lines);

    if (rc == 0)
        rc = take_config_2(&d, &r->config, &levels);
    if (rc != 0)
        return rc;
    rc = make_request(&d, levels);
    if (rc >= 0)
        r->fd = rc;
    return rc < 0 ? rc : 0;
}

static int
ask_chip(const struct shim_device *d, unsigned long request, void *arg)
{
    switch (request) {
    case GPIO_GET_CHIPINFO_IOCTL:
        return tell_chip(arg);
    case GPIO_GET_LINEINFO_IOCTL:
        return tell_line_1(arg);
    case GPIO_V2_GET_LINEINFO_IOCTL:
        return tell_line_2(arg);
    case GPIO_GET_LINEHANDLE_IOCTL:
        return request_1(d, arg);
    case GPIO_V2_GET_LINE_IOCTL:
        return request_2(d, arg);
    case GPIO_GET_LINEEVENT_IOCTL:
    case GPIO_GET_LINEINFO_WATCH_IOCTL:
    case GPIO_V2_GET_LINEINFO_WATCH_IOCTL:
        return -EOPNOTSUPP;
    default:
        return -ENOTTY;
    }
}

/* ---- Requested lines ------------------------------------------------------------------------ */

static int
values_1(const struct shim_device *d, struct gpiohandle_data *data, int is_set)
{
    if (is_set && !d->is_output)
        return -EPERM;
    if (!is_set)
        memset(data, 0, sizeof(*data));
    for (size_t i = 0; i < d->line_count; i++) {
        if (is_set)
            set_level(d, i, data->values[i] != 0);
        else
            data->values[i] = (uint8_t)get_level(d, i);
    }
    return 0;
}

static int
values_2(const struct shim_device *d, struct gpio_v2_line_values *v, int is_set)
{
    uint64_t bits = 0;

    if (is_set && !d->is_output)
        return -EPERM;
    if ((v->mask & (((uint64_t)1 << d->line_count) - 1)) == 0)
        return -EINVAL;
    for (size_t i = 0; i < d->line_count; i++) {
        if ((v->mask >> i & 1) == 0)
            continue;
        if (is_set)
            set_level(d, i, (int)(v->bits >> i & 1));
        else
            bits |= (uint64_t)(unsigned)get_level(d, i) << i;
    }
    if (!is_set)
        v->bits = bits;
    return 0;
}

static int
ask_lines(struct shim_device *d, unsigned long request, void *arg, int *ret_changed)
{
    uint64_t levels = 0;
    int rc = 0;

    switch (request) {
    case GPIOHANDLE_GET_LINE_VALUES_IOCTL:
        return values_1(d, arg, 0);
    case GPIOHANDLE_SET_LINE_VALUES_IOCTL:
        return values_1(d, arg, 1);
    case GPIO_V2_LINE_GET_VALUES_IOCTL:
        return values_2(d, arg, 0);
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
        return values_2(d, arg, 1);
    case GPIOHANDLE_SET_CONFIG_IOCTL:
        take_flags_1(d, ((const struct gpiohandle_config *)arg)->flags);
        levels = bits_of(((const struct gpiohandle_config *)arg)->default_values, d->line_count);
        break;
    case GPIO_V2_LINE_SET_CONFIG_IOCTL:
        rc = take_config_2(d, arg, &levels);
        break;
    default:
        return -ENOTTY;
    }
    if (rc == 0 && d->is_input && d->is_output)
        rc = -EINVAL;
    if (rc != 0)
        return rc;
    configure(d, levels);
    *ret_changed = 1;
    return 0;
}

int
shim_gpiochip_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed)
{
    if (arg == NULL)
        return -EFAULT;
    return d->line_count == 0 ? ask_chip(d, request, arg) : ask_lines(d, request, arg, ret_changed);
}
