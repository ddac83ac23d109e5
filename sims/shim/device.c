/*
 * device.c: an open device.
 *
 * What a program holds is a real descriptor: a small file in memory whose bytes
 * are our state of the open device.  So dup(), close-on-exec, fork(), passing on
 * to another program and closing need nothing from us: the kernel does them, and
 * all copies share one state, as copies of a real device do.  A descriptor is
 * recognised by its content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/shim/real.h"
#include "sims/shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL "rot-sim-device"

static const char magic[8] = {'R', 'O', 'T', 'S', 'I', 'M', 'D', '1'};

/* The bytes in the file. */
struct record {
    char magic[8];
    uint32_t entry; /* its number in the map */
    uint32_t spi_hz;
    uint16_t address;
    uint8_t can_read, can_write, spi_mode;
    uint8_t line_count, is_input, is_output, is_active_low;
    uint8_t lines[SHIM_LINES_MAX];
    uint8_t pad[7];
};

_Static_assert(sizeof(struct record) == 48, "no byte of it is left to chance");

/* 0 as long as this process cannot have a device: then no descriptor is looked at. */
static atomic_int may_have;

int
shim_device_set(int fd, const struct shim_device *d)
{
    struct record r = {.entry = (uint32_t)(d->entry - shim_settings()->map.entries),
                       .spi_hz = d->spi_hz,
                       .address = d->address,
                       .can_read = (uint8_t)d->can_read,
                       .can_write = (uint8_t)d->can_write,
                       .spi_mode = d->spi_mode,
                       .line_count = d->line_count,
                       .is_input = d->is_input,
                       .is_output = d->is_output,
                       .is_active_low = d->is_active_low};

    memcpy(r.magic, magic, sizeof(magic));
    memcpy(r.lines, d->lines, sizeof(r.lines));
    return pwrite(fd, &r, sizeof(r), 0) == (ssize_t)sizeof(r) ? 0 : -EIO;
}

int
shim_device_get(int fd, struct shim_device *ret_device)
{
    const struct shim_settings *s = shim_settings();
    struct record r;
    struct stat st;

    if (!s->active || !atomic_load_explicit(&may_have, memory_order_relaxed))
        return 0;
    if (REAL(fstat)(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(r) ||
        st.st_nlink != 0 || pread(fd, &r, sizeof(r), 0) != (ssize_t)sizeof(r) ||
        memcmp(r.magic, magic, sizeof(magic)) != 0 || r.entry >= s->map.count)
        return 0;
    *ret_device = (struct shim_device){.entry = &s->map.entries[r.entry],
                                       .can_read = r.can_read,
                                       .can_write = r.can_write,
                                       .address = r.address,
                                       .spi_mode = r.spi_mode,
                                       .spi_hz = r.spi_hz,
                                       .line_count = r.line_count,
                                       .is_input = r.is_input,
                                       .is_output = r.is_output,
                                       .is_active_low = r.is_active_low};
    memcpy(ret_device->lines, r.lines, sizeof(r.lines));
    return 1;
}

/* A device is there when its simulator answers. */
static int
is_reachable(const struct shim_entry *entry)
{
    struct wire *wire;
    int rc = shim_line_begin(entry, &wire);

    if (rc == 0)
        shim_line_end(entry);
    return rc;
}

int
shim_device_make(const struct shim_device *d, int close_on_exec)
{
    int saved = errno, rc;
    int fd = memfd_create(LABEL, MFD_ALLOW_SEALING | (close_on_exec ? MFD_CLOEXEC : 0u));

    if (fd < 0)
        return -errno;
    rc = shim_device_set(fd, d);
    if (rc != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        (void)close(fd);
        return rc != 0 ? rc : -EIO;
    }
    atomic_store_explicit(&may_have, 1, memory_order_relaxed);
    errno = saved;
    return fd;
}

int
shim_device_open(const struct shim_entry *entry, int open_flags)
{
    int how = open_flags & O_ACCMODE, rc = is_reachable(entry);
    const struct shim_device d = {.entry = entry,
                                  .can_read = how == O_RDONLY || how == O_RDWR,
                                  .can_write = how == O_WRONLY || how == O_RDWR,
                                  .spi_hz = 1000000};

    return rc != 0 ? rc : shim_device_make(&d, (open_flags & O_CLOEXEC) != 0);
}

/* A program may have been started with a device open. */
static void __attribute__((constructor))
look_for_inherited(void)
{
    DIR *dir = shim_settings()->active ? opendir("/proc/self/fd") : NULL;
    int at = dir == NULL ? -1 : dirfd(dir);
    const struct dirent *e;
    char target[64];

    while (at >= 0 && (e = readdir(dir)) != NULL) {
        ssize_t n = readlinkat(at, e->d_name, target, sizeof(target) - 1);

        target[n > 0 ? n : 0] = '\0';
        if (strstr(target, "memfd:" LABEL) != NULL)
            atomic_store_explicit(&may_have, 1, memory_order_relaxed);
    }
    if (dir != NULL)
        (void)closedir(dir);
}
