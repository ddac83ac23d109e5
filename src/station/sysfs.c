/*
 * sysfs.c: see sysfs.h.
 *
 * ROOT/bus/i2c/devices has a link for every bus and for every part on one, whose text is
 * the way through the machine: .../usb1/1-1/1-1.4/1-1.4:1.0/i2c-7.  A bus belongs to the last
 * place of the USB on that way, so that one behind a hub is not taken for the hub's.  A
 * bus below another bus is a channel of a mux; the mux's own directory has a link for each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/sysfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define LINK_MAX 1024
#define BUS_MAX  63

struct search {
    const char *dir; /* ROOT/bus/i2c/devices */
    const char *place;
    unsigned found[2]; /* the first two */
    size_t count;
    unsigned parent; /* of muxes */
    char mux[64];
};

/* "i2c-7"; 0 for anything else. */
static int
read_bus_name(const char *name, unsigned *ret_bus)
{
    char *end = NULL;
    unsigned long v;

    if (strncmp(name, "i2c-", 4) != 0 || name[4] < '0' || name[4] > '9')
        return 0;
    v = strtoul(name + 4, &end, 10);
    if (*end != '\0' || v > BUS_MAX)
        return 0;
    *ret_bus = (unsigned)v;
    return 1;
}

/* A device of the USB (1-1.4), or one of its interfaces (1-1.4:1.0); parts on a bus look like 7-0070. */
static int
is_usb_name(const char *name)
{
    const char *dash = strchr(name, '-');

    return name[0] >= '0' && name[0] <= '9' && dash != NULL && dash[1] >= '0' && dash[1] <= '9' &&
           name[strspn(name, "0123456789-.:")] == '\0';
}

/* Is the way one to a bus of its own at that place? */
static int
is_at(char *way, const char *place)
{
    int by_interface = strchr(place, ':') != NULL, matches = 0;
    char *rest = NULL;
    unsigned bus;

    for (char *name = strtok_r(way, "/", &rest); name != NULL; name = strtok_r(NULL, "/", &rest)) {
        if (read_bus_name(name, &bus))
            return matches && (rest == NULL || *rest == '\0'); /* below it: a channel of a mux */
        if (is_usb_name(name) && (strchr(name, ':') != NULL) == by_interface)
            matches = strcmp(name, place) == 0;
    }
    return 0;
}

static int
read_way(const struct search *s, const char *name, char way[LINK_MAX])
{
    char path[LINK_MAX];

    return rs_path_join(s->dir, name, path, sizeof(path), NULL) == RS_OK &&
           rs_link_read(path, way, LINK_MAX, NULL) == RS_OK;
}

static int
look_for_bus(void *arg, const char *name)
{
    struct search *s = arg;
    char way[LINK_MAX];
    unsigned bus;

    if (!read_bus_name(name, &bus) || !read_way(s, name, way) || !is_at(way, s->place))
        return 0;
    if (s->count < 2)
        s->found[s->count] = bus;
    s->count++;
    return 0;
}

/* "7-0070" is a part on bus 7; one with a link for a channel is a mux. */
static int
look_for_mux(void *arg, const char *name)
{
    struct search *s = arg;
    char start[16], path[LINK_MAX], way[LINK_MAX];

    (void)snprintf(start, sizeof(start), "%u-", s->parent);
    if (strncmp(name, start, strlen(start)) != 0)
        return 0;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s/channel-0", s->dir, name) >= sizeof(path) ||
        rs_link_read(path, way, sizeof(way), NULL) != RS_OK)
        return 0;
    (void)snprintf(s->mux, sizeof(s->mux), "%s", name);
    s->count++;
    return 0;
}

static rs_code
find_on_usb(struct search *s, const struct adapter *adapter, unsigned *ret_bus, struct rs_err *err)
{
    s->place = adapter->usb;
    if (rs_dir_list(s->dir, look_for_bus, s, NULL) != RS_OK || s->count == 0)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s is not there", adapter->usb);
    if (s->count > 1)
        return rs_fail(
            err, RS_E_CONFIG_INVALID,
            "adapter %s has %zu buses (i2c-%u, i2c-%u): name the interface, as in %s:1.0",
            adapter->usb, s->count, s->found[0], s->found[1], adapter->usb);
    *ret_bus = s->found[0];
    return RS_OK;
}

static rs_code
find_channel(struct search *s, const struct adapter *adapter, int channel, unsigned *ret_bus,
             struct rs_err *err)
{
    char path[LINK_MAX], way[LINK_MAX];
    const char *last;

    s->parent = *ret_bus;
    s->count = 0;
    if (rs_dir_list(s->dir, look_for_mux, s, NULL) != RS_OK || s->count == 0)
        return rs_fail(
            err, RS_E_FIXTURE_ABSENT,
            "adapter %s: the kernel knows no mux on i2c-%u; see modprobe i2c-mux-pca954x",
            adapter->name, s->parent);
    if (s->count > 1)
        return rs_fail(err, RS_E_CONFIG_INVALID,
                       "adapter %s: two muxes on i2c-%u; name the channels' buses instead",
                       adapter->name, s->parent);
    if ((size_t)snprintf(path, sizeof(path), "%s/%s/channel-%d", s->dir, s->mux, channel) >=
            sizeof(path) ||
        rs_link_read(path, way, sizeof(way), NULL) != RS_OK)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: its mux has no channel %d",
                       adapter->name, channel);
    last = strrchr(way, '/');
    if (!read_bus_name(last != NULL ? last + 1 : way, ret_bus))
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: channel %d is no bus", adapter->name,
                       channel);
    return RS_OK;
}

static rs_code
find_by_number(const struct search *s, const struct adapter *adapter, unsigned *ret_bus,
               struct rs_err *err)
{
    char name[16], path[LINK_MAX];

    (void)snprintf(name, sizeof(name), "i2c-%u", adapter->bus);
    *ret_bus = adapter->bus;
    if (rs_path_join(s->dir, name, path, sizeof(path), NULL) == RS_OK && rs_path_exists(path))
        return RS_OK;
    return rs_fail(err, RS_E_FIXTURE_ABSENT, "adapter %s: there is no bus %u (i2c-%u)",
                   adapter->name, adapter->bus, adapter->bus);
}

rs_code
sysfs_find_bus(const char *root, const struct adapter *adapter, int channel, unsigned *ret_bus,
               struct rs_err *err)
{
    char dir[LINK_MAX];
    struct search s = {.dir = dir};
    rs_code rc;

    (void)snprintf(dir, sizeof(dir), "%.900s/bus/i2c/devices", root);
    rc = adapter->kind == ADAPTER_USB ? find_on_usb(&s, adapter, ret_bus, err)
                                      : find_by_number(&s, adapter, ret_bus, err);
    if (rc == RS_OK && adapter->mux == MUX_KERNEL && channel >= 0)
        rc = find_channel(&s, adapter, channel, ret_bus, err);
    return rc;
}
