/*
 * secret.c: the key file beside a soft key store.
 *
 * 32 random bytes, mode 0600.  It is made when it is not there, so that
 * "soft:board.rot" works at once on a desk; whoever wants the key elsewhere
 * names another file.  A file that others may read is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_PATH_MAX 4096

static rot_err
read_secret(struct rot_linux *lin, int fd, const char *path)
{
    uint8_t more;
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return linux_fail(lin, ROT_E_BUS, "soft: %s is not a file", path);
    if ((st.st_mode & 077) != 0)
        return linux_fail(lin, ROT_E_AUTH, "soft: others may read %s; its mode must be 0600", path);
    n = read(fd, lin->soft_secret, sizeof(lin->soft_secret));
    if (n != (ssize_t)sizeof(lin->soft_secret) || read(fd, &more, 1) != 0)
        return linux_fail(lin, ROT_E_FORMAT, "soft: %s does not hold exactly %zu bytes", path,
                          sizeof(lin->soft_secret));
    return ROT_OK;
}

static rot_err
open_secret(struct rot_linux *lin, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    rot_err rc;

    if (fd < 0)
        return linux_fail(lin, ROT_E_BUS, "soft: cannot open %s: %s", path, strerror(errno));
    rc = read_secret(lin, fd, path);
    (void)close(fd);
    return rc;
}

/* New random bytes in a file of its own, which fd is, and durable. */
static int
fill_secret(struct rot_linux *lin, int fd)
{
    const struct rot_port *port = &lin->crypto.port;
    int ok = port->ops->random(port->self, lin->soft_secret, sizeof(lin->soft_secret)) == ROT_OK &&
             write(fd, lin->soft_secret, sizeof(lin->soft_secret)) ==
                 (ssize_t)sizeof(lin->soft_secret) &&
             fsync(fd) == 0;

    return close(fd) == 0 && ok;
}

/* The name lasts when its directory does. */
static int
sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[SECRET_PATH_MAX];
    int fd, ok;

    (void)snprintf(dir, sizeof(dir), "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
                   slash != NULL ? path : ".");
    fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    ok = fd >= 0 && fsync(fd) == 0;
    return (fd < 0 || close(fd) == 0) && ok;
}

/*
 * Whole before it has its name, and durable before a store is encrypted with it: a program that
 * is killed here leaves no file that is too short.  Of two that make it at once, one does.
 */
static rot_err
make_secret(struct rot_linux *lin, const char *path)
{
    char fresh[SECRET_PATH_MAX];
    int n = snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path), fd, named, why;

    fd = n > 0 && (size_t)n < sizeof(fresh) ? mkostemp(fresh, O_CLOEXEC) : -1;
    if (fd < 0)
        return linux_fail(lin, ROT_E_BUS, "soft: cannot make %s: %s", path, strerror(errno));
    if (!fill_secret(lin, fd)) {
        (void)unlink(fresh);
        return linux_fail(lin, ROT_E_BUS, "soft: cannot write %s", path);
    }
    named = link(fresh, path) == 0;
    why = errno;
    (void)unlink(fresh);
    if (!named && why == EEXIST)
        return open_secret(lin, path);
    if (!named || !sync_directory(path))
        return linux_fail(lin, ROT_E_BUS, "soft: cannot make %s: %s", path,
                          strerror(named ? errno : why));
    return ROT_OK;
}

rot_err
linux_load_secret(struct rot_linux *lin, const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT ? make_secret(lin, path)
                                                      : open_secret(lin, path);
}
