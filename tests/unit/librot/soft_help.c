/*
 * soft_help.c: see soft_help.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "soft_help.h"

const uint8_t bench_secret[32] = {7, 7, 7, 1, 2, 3};

void
bench_start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    strcpy(b->dir, "/tmp/rot-soft-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->path, sizeof(b->path), "%s/board.rot", b->dir);
    assert_int_equal(rot_port_openssl_init(&b->crypto), ROT_OK);
    assert_int_equal(rot_soft_init(&b->soft, b->path, bench_secret, sizeof(bench_secret)), ROT_OK);
    b->soft.iterations = 0;
    assert_int_equal(rot_soft_create(&b->soft, &b->crypto.port), ROT_OK);
    b->setup.driver = &rot_driver_soft;
    b->setup.transport = &b->soft.transport;
    b->setup.port = &b->crypto.port;
    b->setup.state = b->state;
    b->setup.state_size = sizeof(b->state);
    assert_int_equal(rot_open(&b->chip, &b->setup), ROT_OK);
}

void
bench_stop(struct bench *b)
{
    static const char *const endings[] = {"", ".new", ".lock", ".key", ".other"};
    char path[96];

    rot_close(&b->chip);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", b->path, endings[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(b->dir), 0);
    rot_port_openssl_done(&b->crypto);
}

rot_err
bench_reopen(struct bench *b, const struct rot_layout *layout)
{
    rot_close(&b->chip);
    b->setup.layout = layout;
    return rot_open(&b->chip, &b->setup);
}

/* ---- Files that fail ------------------------------------------------------------ */

static int
fails(void *self)
{
    struct fault_files *f = self;

    f->calls++;
    if (f->fail_at == 0 || f->calls < f->fail_at || (f->once && f->calls > f->fail_at))
        return 0;
    errno = EIO;
    return 1;
}

static void
note(void *self, char what)
{
    struct fault_files *f = self;
    size_t n = strlen(f->trace);

    if (n + 1 < sizeof(f->trace))
        f->trace[n] = what;
}

static int
fault_open(void *self, const char *path, int flags, unsigned mode)
{
    return fails(self) ? -1 : open(path, flags | O_CLOEXEC, (mode_t)mode);
}

static ptrdiff_t
fault_read(void *self, int fd, void *buf, size_t len)
{
    return fails(self) ? -1 : read(fd, buf, len);
}

static ptrdiff_t
fault_write(void *self, int fd, const void *buf, size_t len)
{
    if (fails(self)) {
        ptrdiff_t half = write(fd, buf, len / 2);

        (void)half;
        errno = EIO;
        return -1;
    }
    note(self, 'w');
    return write(fd, buf, len < 100 ? len : 100); /* short writes happen */
}

static int
fault_sync(void *self, int fd)
{
    struct stat st;

    if (fails(self))
        return -1;
    assert_int_equal(fstat(fd, &st), 0);
    note(self, S_ISDIR(st.st_mode) ? 'd' : 's');
    return fsync(fd);
}

/* A descriptor is gone after close, whatever close says. */
static int
fault_close(void *self, int fd)
{
    int failed = fails(self);
    int rc = close(fd);

    return failed ? -1 : rc;
}

static int
fault_rename(void *self, const char *from, const char *to)
{
    if (fails(self))
        return -1;
    note(self, 'r');
    return rename(from, to);
}

static int
fault_lock(void *self, int fd)
{
    return fails(self) ? -1 : flock(fd, LOCK_EX | LOCK_NB);
}

const struct rot_soft_files fault_table = {
    .open = fault_open,
    .read = fault_read,
    .write = fault_write,
    .sync = fault_sync,
    .close = fault_close,
    .rename = fault_rename,
    .lock = fault_lock,
};

size_t
file_read(const char *path, uint8_t *buf, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(buf, 1, cap, f);
    assert_true(n < cap);
    (void)fclose(f);
    return n;
}

void
file_write(const char *path, const uint8_t *buf, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(buf, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}
