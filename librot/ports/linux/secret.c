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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Durable before a store is encrypted with it. */
static rot_err
make_secret(struct rot_linux *lin, const char *path)
{
    const struct rot_port *port = &lin->crypto.port;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int ok;

    if (fd < 0)
        return linux_fail(lin, ROT_E_BUS, "soft: cannot make %s: %s", path, strerror(errno));
    ok = port->ops->random(port->self, lin->soft_secret, sizeof(lin->soft_secret)) == ROT_OK &&
         write(fd, lin->soft_secret, sizeof(lin->soft_secret)) ==
             (ssize_t)sizeof(lin->soft_secret) &&
         fsync(fd) == 0;
    if (close(fd) != 0 || !ok) {
        (void)unlink(path);
        return linux_fail(lin, ROT_E_BUS, "soft: cannot write %s", path);
    }
    return ROT_OK;
}

rot_err
linux_load_secret(struct rot_linux *lin, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    rot_err rc;

    if (fd < 0 && errno == ENOENT)
        return make_secret(lin, path);
    if (fd < 0)
        return linux_fail(lin, ROT_E_BUS, "soft: cannot open %s: %s", path, strerror(errno));
    rc = read_secret(lin, fd, path);
    (void)close(fd);
    return rc;
}
