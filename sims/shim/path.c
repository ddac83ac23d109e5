/*
 * path.c: the calls of a program that name a file.
 *
 * A device that is simulated is a character device with the kernel's numbers, a
 * device of such a kind that is not simulated is not there (a program under test
 * must not reach a real part by mistake), and the folders of /sys that tell of
 * them are folders of rot-sim exec.  A terminal of the map is another terminal.
 * Only absolute paths are looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sims/shim/real.h"
#include "sims/shim/shim.h"

#define STAND_IN   "/dev/null" /* what is asked about a device: a character device for everybody */
#define I2C_MAJOR  89
#define SPI_MAJOR  153
#define SPI_LINES  8 /* chip selects of a controller, for its minor number */
#define GPIO_MAJOR 254

/*
 * A program may pass NULL, whatever the headers say; the kernel has an answer to that.  The compiler
 * believes the headers, so it must not see what is compared.
 */
static int
is_null(const char *path)
{
    const char *volatile seen = path;

    return seen == NULL;
}

/* ---- Where a path leads ------------------------------------------------------------- */

static enum shim_place
find(const char *path, const struct shim_entry **ret_entry)
{
    const struct shim_settings *s = shim_settings();

    if (!s->active || is_null(path) || path[0] != '/')
        return SHIM_ELSEWHERE;
    return shim_map_find(&s->map, s->dir[0] != '\0', path, ret_entry);
}

static const char *
in_tree(const char *path, char *room, size_t cap)
{
    int n = snprintf(room, cap, "%s%s", shim_settings()->dir, path);

    return n > 0 && (size_t)n < cap ? room : NULL;
}

const char *
shim_divert(const char *path, char *room, size_t cap, const struct shim_entry **ret_entry)
{
    const struct shim_entry *entry = NULL;

    *ret_entry = NULL;
    switch (find(path, &entry)) {
    case SHIM_ABSENT:
        return NULL;
    case SHIM_DEVICE:
        if (entry->kind == SHIM_TTY)
            return entry->target;
        *ret_entry = entry;
        return STAND_IN;
    case SHIM_GPIO_VALUE:
    case SHIM_IN_TREE:
        shim_gpio_sync();
        return in_tree(path, room, cap);
    case SHIM_ELSEWHERE:
    default:
        return path;
    }
}

int
shim_divert_open(struct shim_opening *o, int *ret_fd)
{
    const struct shim_entry *entry = NULL;
    const char *was = o->path;
    enum shim_place place = find(was, &entry);

    if (place == SHIM_DEVICE && entry->kind != SHIM_TTY) {
        *ret_fd = shim_device_open(entry, o->flags);
        return 1;
    }
    if (place == SHIM_GPIO_VALUE && (o->flags & O_ACCMODE) != O_RDONLY) {
        /* Nothing that is written may be lost: each write is an event. */
        o->flags = (o->flags & ~(O_TRUNC | O_CREAT | O_EXCL)) | O_APPEND;
        *ret_fd = shim_gpio_log_path(entry, o->room, sizeof(o->room));
        o->path = o->room;
        return *ret_fd != 0;
    }
    o->path = shim_divert(o->path, o->room, sizeof(o->room), &entry);
    *ret_fd = is_null(was) ? -EFAULT : -ENOENT;
    return o->path == NULL;
}

/* ---- stat and its family ------------------------------------------------------------- */

static dev_t
number_of(const struct shim_entry *e)
{
    if (e->kind == SHIM_I2C)
        return makedev(I2C_MAJOR, e->number);
    if (e->kind == SHIM_GPIO)
        return makedev(GPIO_MAJOR, 0);
    return makedev(SPI_MAJOR, e->number * SPI_LINES + e->select);
}

static int
is_empty(const char *path)
{
    return !is_null(path) && path[0] == '\0';
}

static int
missing(const char *path)
{
    errno = is_null(path) ? EFAULT : ENOENT;
    return -1;
}

/* CALL with `use` in place of the path; then the numbers of a device. */
#define ASK(path, call)                                                                            \
    char room[SHIM_PATH_MAX + 64];                                                                 \
    const struct shim_entry *entry;                                                                \
    const char *use = shim_divert(path, room, sizeof(room), &entry);                               \
    int rc;                                                                                        \
                                                                                                   \
    if (use == NULL)                                                                               \
        return missing(path);                                                                      \
    rc = (call);                                                                                   \
    if (rc == 0 && entry != NULL)                                                                  \
        st->st_rdev = number_of(entry);                                                            \
    return rc

/* The same for a descriptor. */
#define ASK_FD(call)                                                                               \
    struct shim_device d;                                                                          \
    int rc;                                                                                        \
                                                                                                   \
    if (!shim_device_get(fd, &d))                                                                  \
        return (call);                                                                             \
    rc = REAL_STAND_IN(st);                                                                        \
    if (rc == 0)                                                                                   \
        st->st_rdev = number_of(d.entry);                                                          \
    return rc

SHIM_EXPORT int
stat(const char *path, struct stat *st)
{
    ASK(path, REAL(stat)(use, st));
}

SHIM_EXPORT int
stat64(const char *path, struct stat64 *st)
{
    ASK(path, REAL(stat64)(use, st));
}

SHIM_EXPORT int
lstat(const char *path, struct stat *st)
{
    ASK(path, REAL(lstat)(use, st));
}

SHIM_EXPORT int
lstat64(const char *path, struct stat64 *st)
{
    ASK(path, REAL(lstat64)(use, st));
}

#define REAL_STAND_IN(st) REAL(stat)(STAND_IN, st)

SHIM_EXPORT int
fstat(int fd, struct stat *st)
{
    ASK_FD(REAL(fstat)(fd, st));
}

#undef REAL_STAND_IN
#define REAL_STAND_IN(st) REAL(stat64)(STAND_IN, st)

SHIM_EXPORT int
fstat64(int fd, struct stat64 *st)
{
    ASK_FD(REAL(fstat64)(fd, st));
}

SHIM_EXPORT int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
    if (is_empty(path) && (flags & AT_EMPTY_PATH) != 0)
        return fstat(dir, st);
    ASK(path, REAL(fstatat)(dir, use, st, flags));
}

SHIM_EXPORT int
fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
    if (is_empty(path) && (flags & AT_EMPTY_PATH) != 0)
        return fstat64(dir, st);
    ASK(path, REAL(fstatat64)(dir, use, st, flags));
}

SHIM_EXPORT int
statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict st)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry = NULL;
    struct shim_device d;
    const char *use;
    int rc;

    if (is_empty(path) && shim_device_get(dir, &d)) {
        entry = d.entry;
        use = STAND_IN;
    } else {
        use = shim_divert(path, room, sizeof(room), &entry);
    }
    if (use == NULL)
        return missing(path);
    rc = REAL(statx)(dir, use, flags, mask, st);
    if (rc == 0 && entry != NULL) {
        st->stx_rdev_major = major(number_of(entry));
        st->stx_rdev_minor = minor(number_of(entry));
    }
    return rc;
}

/* Programs that were built before glibc 2.33 ask by these. */
#if __WORDSIZE == 64
SHIM_EXPORT int old_xstat(int version, const char *path, struct stat *st) __asm__("__xstat");
SHIM_EXPORT int old_xstat64(int version, const char *path, struct stat64 *st) __asm__("__xstat64");
SHIM_EXPORT int old_lxstat(int version, const char *path, struct stat *st) __asm__("__lxstat");
SHIM_EXPORT int old_lxstat64(int version, const char *path,
                             struct stat64 *st) __asm__("__lxstat64");
SHIM_EXPORT int old_fxstat(int version, int fd, struct stat *st) __asm__("__fxstat");
SHIM_EXPORT int old_fxstat64(int version, int fd, struct stat64 *st) __asm__("__fxstat64");

int
old_xstat(int version, const char *path, struct stat *st)
{
    (void)version;
    return stat(path, st);
}

int
old_xstat64(int version, const char *path, struct stat64 *st)
{
    (void)version;
    return stat64(path, st);
}

int
old_lxstat(int version, const char *path, struct stat *st)
{
    (void)version;
    return lstat(path, st);
}

int
old_lxstat64(int version, const char *path, struct stat64 *st)
{
    (void)version;
    return lstat64(path, st);
}

int
old_fxstat(int version, int fd, struct stat *st)
{
    (void)version;
    return fstat(fd, st);
}

int
old_fxstat64(int version, int fd, struct stat64 *st)
{
    (void)version;
    return fstat64(fd, st);
}
#endif

/* ---- May I, where to, what is there ---------------------------------------------------- */

SHIM_EXPORT int
access(const char *path, int mode)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(access)(use, mode);
}

SHIM_EXPORT int
eaccess(const char *path, int mode)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(eaccess)(use, mode);
}

SHIM_EXPORT int
faccessat(int dir, const char *path, int mode, int flags)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(faccessat)(dir, use, mode, flags);
}

SHIM_EXPORT ssize_t
readlink(const char *restrict path, char *restrict out, size_t cap)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(readlink)(use, out, cap);
}

SHIM_EXPORT DIR *
opendir(const char *path)
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);
    DIR *(*real)(const char *) = REAL(opendir);

    if (use != NULL)
        return real(use);
    (void)missing(path);
    return NULL;
}

SHIM_EXPORT int
scandir(const char *restrict path, struct dirent ***restrict names,
        int (*filter)(const struct dirent *),
        int (*compare)(const struct dirent **, const struct dirent **))
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(scandir)(use, names, filter, compare);
}

SHIM_EXPORT int
scandir64(const char *restrict path, struct dirent64 ***restrict names,
          int (*filter)(const struct dirent64 *),
          int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
    char room[SHIM_PATH_MAX + 64];
    const struct shim_entry *entry;
    const char *use = shim_divert(path, room, sizeof(room), &entry);

    return use == NULL ? missing(path) : REAL(scandir64)(use, names, filter, compare);
}
