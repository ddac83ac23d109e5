/*
 * secret.c: files that hold a secret.
 *
 * 32 random bytes, mode 0600; a file that others may read is refused.  The key
 * beside a soft store is made when it is not there, so that "soft:board.rot"
 * works at once on a desk; whoever wants the key elsewhere names another file.
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

/* At most cap bytes of a file that is its owner's alone. */
static rot_err
read_private(int fd, const char *path, uint8_t *buf, size_t cap, size_t *ret_len, char *error)
{
    uint8_t more;
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return linux_say(error, ROT_E_BUS, "%s is not a file", path);
    if ((st.st_mode & 077) != 0)
        return linux_say(error, ROT_E_AUTH, "others may read %s; its mode must be 0600", path);
    n = read(fd, buf, cap);
    if (n < 0)
        return linux_say(error, ROT_E_BUS, "cannot read %s: %s", path, strerror(errno));
    if (read(fd, &more, 1) != 0)
        return linux_say(error, ROT_E_FORMAT, "%s holds more than %zu bytes", path, cap);
    *ret_len = (size_t)n;
    return ROT_OK;
}

rot_err
linux_read_private(const char *path, uint8_t *buf, size_t cap, size_t *ret_len, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    rot_err rc;

    if (fd < 0)
        return linux_say(error, ROT_E_BUS, "cannot open %s: %s", path, strerror(errno));
    rc = read_private(fd, path, buf, cap, ret_len, error);
    (void)close(fd);
    return rc;
}

/* Bytes in a file of its own, which fd is, and durable. */
static int
fill_file(int fd, const uint8_t *bytes, size_t len)
{
    int ok = write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;

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
 * Whole before it has its name, and durable before anything is encrypted with it: a program that
 * is killed here leaves no file that is too short.  Of two that make it at once, one does.
 */
rot_err
linux_make_private(const char *path, const uint8_t *bytes, size_t len, char *error)
{
    char fresh[SECRET_PATH_MAX];
    int n = snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path), fd, named, why;

    fd = n > 0 && (size_t)n < sizeof(fresh) ? mkostemp(fresh, O_CLOEXEC) : -1;
    if (fd < 0)
        return linux_say(error, ROT_E_BUS, "cannot make %s: %s", path, strerror(errno));
    if (!fill_file(fd, bytes, len)) {
        (void)unlink(fresh);
        return linux_say(error, ROT_E_BUS, "cannot write %s", path);
    }
    named = link(fresh, path) == 0;
    why = errno;
    (void)unlink(fresh);
    if (!named && why == EEXIST)
        return linux_say(error, ROT_E_STATE, "there is a file %s already", path);
    if (!named || !sync_directory(path))
        return linux_say(error, ROT_E_BUS, "cannot make %s: %s", path,
                         strerror(named ? errno : why));
    return ROT_OK;
}

rot_err
linux_make_random(const struct rot_port *port, const char *path, uint8_t secret[32], char *error)
{
    if (port->ops->random(port->self, secret, 32) != ROT_OK)
        return linux_say(error, ROT_E_PORT, "no random bytes for %s", path);
    return linux_make_private(path, secret, 32, error);
}

rot_err
linux_load_secret(struct rot_linux *lin, const char *path)
{
    size_t len = 0;
    rot_err rc = ROT_E_STATE;

    if (access(path, F_OK) != 0 && errno == ENOENT)
        rc = linux_make_random(&lin->crypto.port, path, lin->soft_secret, lin->error);
    if (rc == ROT_E_STATE)
        rc = linux_read_private(path, lin->soft_secret, sizeof(lin->soft_secret), &len, lin->error);
    else
        len = sizeof(lin->soft_secret);
    if (rc == ROT_OK && len != sizeof(lin->soft_secret))
        rc = linux_fail(lin, ROT_E_FORMAT, "%s does not hold exactly %zu bytes", path,
                        sizeof(lin->soft_secret));
    return rc;
}
