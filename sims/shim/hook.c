/*
 * hook.c: the calls of a program on files and devices.
 *
 * Both widths of off_t, and the checked forms that fortified programs call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sims/shim/real.h"
#include "sims/shim/shim.h"

/* A result of ours as the C library gives it. */
static ssize_t
result(ssize_t rc)
{
    if (rc >= 0)
        return rc;
    errno = (int)-rc;
    return -1;
}

/* ---- open ------------------------------------------------------------------------------ */

#define NEEDS_MODE(flags) (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

/* CALL opens o.path with o.flags. */
#define OPEN(path_, flags_, call)                                                                  \
    struct shim_opening o;                                                                         \
    int fd;                                                                                        \
                                                                                                   \
    o.path = (path_);                                                                              \
    o.flags = (flags_);                                                                            \
    return shim_divert_open(&o, &fd) ? (int)result(fd) : (call)

#define OPEN_WITH_MODE(path_, flags_, call)                                                        \
    mode_t mode = 0;                                                                               \
    va_list args;                                                                                  \
                                                                                                   \
    if (NEEDS_MODE(flags_)) {                                                                      \
        va_start(args, flags);                                                                     \
        mode = (mode_t)va_arg(args, int);                                                          \
        va_end(args);                                                                              \
    }                                                                                              \
    OPEN(path_, flags_, call)

SHIM_EXPORT int
open(const char *path, int flags, ...)
{
    OPEN_WITH_MODE(path, flags, REAL(open)(o.path, o.flags, mode));
}

SHIM_EXPORT int
open64(const char *path, int flags, ...)
{
    OPEN_WITH_MODE(path, flags, REAL(open64)(o.path, o.flags, mode));
}

SHIM_EXPORT int
openat(int dir, const char *path, int flags, ...)
{
    OPEN_WITH_MODE(path, flags, REAL(openat)(dir, o.path, o.flags, mode));
}

SHIM_EXPORT int
openat64(int dir, const char *path, int flags, ...)
{
    OPEN_WITH_MODE(path, flags, REAL(openat64)(dir, o.path, o.flags, mode));
}

SHIM_EXPORT int open_2(const char *path, int flags) __asm__("__open_2");
SHIM_EXPORT int open64_2(const char *path, int flags) __asm__("__open64_2");
SHIM_EXPORT int openat_2(int dir, const char *path, int flags) __asm__("__openat_2");
SHIM_EXPORT int openat64_2(int dir, const char *path, int flags) __asm__("__openat64_2");

int
open_2(const char *path, int flags)
{
    OPEN(path, flags, REAL_NAMED(open_2, "__open_2")(o.path, o.flags));
}

int
open64_2(const char *path, int flags)
{
    OPEN(path, flags, REAL_NAMED(open64_2, "__open64_2")(o.path, o.flags));
}

int
openat_2(int dir, const char *path, int flags)
{
    OPEN(path, flags, REAL_NAMED(openat_2, "__openat_2")(dir, o.path, o.flags));
}

int
openat64_2(int dir, const char *path, int flags)
{
    OPEN(path, flags, REAL_NAMED(openat64_2, "__openat64_2")(dir, o.path, o.flags));
}

/* ---- fopen ------------------------------------------------------------------------------ */

static int
flags_of(const char *mode)
{
    if (strchr(mode, '+') != NULL)
        return O_RDWR;
    return mode[0] == 'r' ? O_RDONLY : O_WRONLY;
}

/*
 * The path to give to the real fopen, and the mode: what the program said, or
 * "a" where open() would append.  NULL with errno: there is no such file, or it
 * is a device, which no program reads through a buffer.
 */
static const char *
divert_fopen(struct shim_opening *o, const char *path, const char **mode)
{
    const struct shim_entry *entry = NULL;
    int rc;

    if (shim_divert(path, o->room, sizeof(o->room), &entry) != NULL && entry != NULL) {
        errno = EOPNOTSUPP;
        return NULL;
    }
    o->path = path;
    o->flags = flags_of(*mode);
    if (shim_divert_open(o, &rc)) {
        errno = -rc;
        return NULL;
    }
    if ((o->flags & O_APPEND) != 0)
        *mode = "a";
    return o->path;
}

SHIM_EXPORT FILE *
fopen(const char *restrict path, const char *restrict mode)
{
    struct shim_opening o;
    const char *how = mode, *use = divert_fopen(&o, path, &how);

    return use == NULL ? NULL : REAL(fopen)(use, how);
}

SHIM_EXPORT FILE *
fopen64(const char *restrict path, const char *restrict mode)
{
    struct shim_opening o;
    const char *how = mode, *use = divert_fopen(&o, path, &how);

    return use == NULL ? NULL : REAL(fopen64)(use, how);
}

/* ---- read, write, ioctl ------------------------------------------------------------------ */

SHIM_EXPORT ssize_t
read(int fd, void *p, size_t len)
{
    struct shim_device d;

    if (!shim_device_get(fd, &d))
        return REAL(read)(fd, p, len);
    if (!d.can_read)
        return result(-EBADF);
    if (d.entry->kind == SHIM_GPIO)
        return result(-EINVAL);
    return result(d.entry->kind == SHIM_I2C ? shim_i2c_read(&d, p, len)
                                            : shim_spi_read(&d, p, len));
}

SHIM_EXPORT ssize_t read_chk(int fd, void *p, size_t len, size_t room) __asm__("__read_chk");

ssize_t
read_chk(int fd, void *p, size_t len, size_t room)
{
    struct shim_device d;

    if (len > room || !shim_device_get(fd, &d))
        return REAL_NAMED(read_chk, "__read_chk")(fd, p, len, room);
    return read(fd, p, len);
}

SHIM_EXPORT ssize_t
write(int fd, const void *p, size_t len)
{
    struct shim_device d;

    if (!shim_device_get(fd, &d))
        return REAL(write)(fd, p, len);
    if (!d.can_write)
        return result(-EBADF);
    if (d.entry->kind == SHIM_GPIO)
        return result(-EINVAL);
    return result(d.entry->kind == SHIM_I2C ? shim_i2c_write(&d, p, len)
                                            : shim_spi_write(&d, p, len));
}

SHIM_EXPORT int
ioctl(int fd, unsigned long request, ...)
{
    struct shim_device d;
    int changed = 0, rc;
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    if (!shim_device_get(fd, &d)) {
        rc = shim_tty_ioctl(fd, request, arg);
        return rc == 0 ? REAL(ioctl)(fd, request, arg) : (int)result(rc > 0 ? 0 : rc);
    }
    if (d.entry->kind == SHIM_I2C)
        rc = shim_i2c_ioctl(&d, request, arg, &changed);
    else if (d.entry->kind == SHIM_SPI)
        rc = shim_spi_ioctl(&d, request, arg, &changed);
    else
        rc = shim_gpiochip_ioctl(&d, request, arg, &changed);
    if (rc >= 0 && changed)
        rc = shim_device_set(fd, &d);
    return (int)result(rc);
}
