/*
 * io.c: files over system calls, each with its injection point.  See io.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/inject.h"

#define ZERO_CHUNK    65536
#define DIR_NAMES_MAX 65536

/* Map errno: a full disk has a code of its own, everything else is a file failure. */
static rs_code
failed(struct rs_err *err, const char *what, const char *path)
{
    int full = errno == ENOSPC || errno == EDQUOT;

    return rs_fail_errno(err, full ? RS_E_DISK_FULL : RS_E_FILE_FAILED, "cannot %s %s", what, path);
}

/* The same for an open file: its name comes from the system, so that people read which one. */
static rs_code
failed_fd(struct rs_err *err, const char *what, int fd)
{
    int saved = errno;
    char link[32], path[200];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    errno = saved;
    return failed(err, what, n > 0 ? path : "file");
}

/* 1 when a test wants this call to fail; errno is set. */
static int
injected(const char *point)
{
    int error = rs_inject_before(point);

    if (error != 0)
        errno = error;
    return error != 0;
}

rs_code
rs_file_open(const char *path, enum rs_open how, int *ret_fd, struct rs_err *err)
{
    static const int flags[] = {0, O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL};
    int fd;

    if (injected("open"))
        return failed(err, "open", path);
    do
        fd = open(path, flags[how] | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 && errno == EEXIST)
        return rs_fail_errno(err, RS_E_EXISTS, "%s exists already", path);
    if (fd < 0)
        return failed(err, "open", path);
    rs_inject_after("open");
    *ret_fd = fd;
    return RS_OK;
}

void
rs_file_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

rs_code
rs_file_write_at(int fd, uint64_t offset, struct rs_bytes bytes, struct rs_err *err)
{
    size_t at = 0, len;

    if (injected("write"))
        return failed_fd(err, "write", fd);
    len = rs_inject_torn("write", bytes.len);
    while (at < len) {
        ssize_t n = pwrite(fd, bytes.p + at, len - at, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed_fd(err, "write", fd);
        at += (size_t)n;
    }
    rs_inject_after("write");
    return RS_OK;
}

rs_code
rs_file_read_at(int fd, uint64_t offset, uint8_t *buf, size_t cap, size_t *ret_len,
                struct rs_err *err)
{
    size_t at = 0;

    if (injected("read"))
        return failed_fd(err, "read", fd);
    while (at < cap) {
        ssize_t n = pread(fd, buf + at, cap - at, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed_fd(err, "read", fd);
        if (n == 0)
            break;
        at += (size_t)n;
    }
    *ret_len = at;
    return RS_OK;
}

rs_code
rs_file_sync(int fd, struct rs_err *err)
{
    if (injected("sync") || fdatasync(fd) != 0)
        return failed_fd(err, "sync", fd);
    rs_inject_after("sync");
    return RS_OK;
}

rs_code
rs_file_size(int fd, uint64_t *ret_size, struct rs_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed_fd(err, "look at", fd);
    *ret_size = (uint64_t)st.st_size;
    return RS_OK;
}

rs_code
rs_file_truncate(int fd, uint64_t size, struct rs_err *err)
{
    if (injected("truncate") || ftruncate(fd, (off_t)size) != 0)
        return failed_fd(err, "truncate", fd);
    rs_inject_after("truncate");
    return RS_OK;
}

rs_code
rs_file_preallocate(int fd, uint64_t size, struct rs_err *err)
{
    static const uint8_t zeros[ZERO_CHUNK];
    uint64_t at;
    rs_code rc;

    rc = rs_file_size(fd, &at, err);
    while (rc == RS_OK && at < size) {
        size_t n = size - at < ZERO_CHUNK ? (size_t)(size - at) : ZERO_CHUNK;
        rc = rs_file_write_at(fd, at, rs_bytes_of(zeros, n), err);
        at += n;
    }
    return rc == RS_OK ? rs_file_sync(fd, err) : rc;
}

rs_code
rs_file_lock(int fd, struct rs_err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return rs_fail_errno(err, RS_E_STORE_BUSY, "it is in use by another process");
    return RS_OK;
}

rs_code
rs_file_read(const char *path, size_t max, struct rs_buf *ret_buf, struct rs_err *err)
{
    uint64_t size;
    size_t got = 0;
    uint8_t *p;
    int fd;
    rs_code rc;

    rc = rs_file_open(path, RS_OPEN_READ, &fd, err);
    if (rc != RS_OK)
        return rc;
    rc = rs_file_size(fd, &size, err);
    if (rc == RS_OK && size > max)
        rc = rs_fail(err, RS_E_FILE_FAILED, "%s has more than %zu bytes", path, max);
    if (rc == RS_OK && size > 0) {
        p = rs_buf_extend(ret_buf, (size_t)size);
        if (p == NULL)
            rc = rs_fail(err, RS_E_NO_MEMORY, "no room to read %s", path);
        else
            rc = rs_file_read_at(fd, 0, p, (size_t)size, &got, err);
        if (p != NULL)
            ret_buf->len -= (size_t)size - got; /* all of it when reading failed */
    }
    rs_file_close(fd);
    return rc;
}

static void
directory_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(out, cap, ".");
    else
        (void)snprintf(out, cap, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static rs_code
write_temporary(const char *temporary, struct rs_bytes bytes, unsigned mode, struct rs_err *err)
{
    int fd;
    rs_code rc;

    (void)unlink(temporary);
    rc = rs_file_open(temporary, RS_OPEN_EXCLUSIVE, &fd, err);
    if (rc != RS_OK)
        return rc;
    if (fchmod(fd, (mode_t)mode) != 0)
        rc = failed(err, "set the mode of", temporary);
    if (rc == RS_OK)
        rc = rs_file_write_at(fd, 0, bytes, err);
    if (rc == RS_OK)
        rc = rs_file_sync(fd, err);
    rs_file_close(fd);
    return rc;
}

rs_code
rs_file_replace(const char *path, struct rs_bytes bytes, unsigned mode, struct rs_err *err)
{
    static atomic_uint turn; /* two threads may replace the same file */
    char temporary[1024], dir[1024];
    rs_code rc;

    if (snprintf(temporary, sizeof(temporary), "%s.%d.%u.tmp", path, (int)getpid(),
                 atomic_fetch_add(&turn, 1)) >= (int)sizeof(temporary))
        return rs_fail(err, RS_E_FILE_FAILED, "path too long: %.60s", path);
    rc = write_temporary(temporary, bytes, mode, err);
    if (rc == RS_OK && (injected("rename") || rename(temporary, path) != 0))
        rc = failed(err, "replace", path);
    if (rc != RS_OK) {
        (void)unlink(temporary);
        return rc;
    }
    rs_inject_after("rename");
    directory_of(path, dir, sizeof(dir));
    return rs_dir_sync(dir, err);
}

rs_code
rs_file_make(const char *path, struct rs_bytes bytes, unsigned mode, struct rs_err *err)
{
    int fd;
    rs_code rc = rs_file_open(path, RS_OPEN_EXCLUSIVE, &fd, err);

    if (rc != RS_OK)
        return rc;
    if (fchmod(fd, (mode_t)mode) != 0)
        rc = failed(err, "set the mode of", path);
    if (rc == RS_OK)
        rc = rs_file_write_at(fd, 0, bytes, err);
    if (rc == RS_OK)
        rc = rs_file_sync(fd, err);
    rs_file_close(fd);
    return rc;
}

rs_code
rs_path_rename(const char *from, const char *to, struct rs_err *err)
{
    char dir[1024];

    if (injected("rename") || rename(from, to) != 0)
        return failed(err, "rename to", to);
    rs_inject_after("rename");
    directory_of(to, dir, sizeof(dir));
    return rs_dir_sync(dir, err);
}

rs_code
rs_link_replace(const char *target, const char *path, struct rs_err *err)
{
    char temporary[1024];

    if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
        return rs_fail(err, RS_E_FILE_FAILED, "path too long: %.60s", path);
    (void)unlink(temporary);
    if (symlink(target, temporary) != 0)
        return failed(err, "link", temporary);
    return rs_path_rename(temporary, path, err);
}

rs_code
rs_link_read(const char *path, char *out, size_t cap, struct rs_err *err)
{
    ssize_t n = readlink(path, out, cap);

    if (n < 0 && errno == ENOENT)
        return rs_fail(err, RS_E_REQUEST_UNKNOWN, "there is no link %.160s", path);
    if (n < 0)
        return failed(err, "read the link", path);
    if ((size_t)n >= cap)
        return rs_fail(err, RS_E_FILE_FAILED, "the link %.160s is too long", path);
    out[n] = '\0';
    return RS_OK;
}

int
rs_path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

rs_code
rs_dir_make(const char *path, unsigned mode, struct rs_err *err)
{
    struct stat st;

    if (mkdir(path, (mode_t)mode) == 0)
        return RS_OK;
    if (errno != EEXIST)
        return failed(err, "make directory", path);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return rs_fail(err, RS_E_EXISTS, "%s exists and is no directory", path);
    return RS_OK;
}

static int
remove_in(void *arg, const char *name)
{
    char path[1024];

    if (snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name) < (int)sizeof(path))
        (void)unlink(path);
    return 0;
}

rs_code
rs_dir_remove(const char *path, struct rs_err *err)
{
    char copy[1024];
    rs_code rc;

    if (!rs_path_exists(path))
        return RS_OK;
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return rs_fail(err, RS_E_FILE_FAILED, "path too long: %.60s", path);
    rc = rs_dir_list(path, remove_in, copy, err);
    if (rc == RS_OK && rmdir(path) != 0)
        rc = failed(err, "remove directory", path);
    return rc;
}

rs_code
rs_dir_sync(const char *path, struct rs_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rs_code rc = RS_OK;

    if (fd < 0)
        return failed(err, "open directory", path);
    if (injected("sync") || fsync(fd) != 0)
        rc = failed(err, "sync directory", path);
    else
        rs_inject_after("sync");
    (void)close(fd);
    return rc;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names of a directory on the heap; the caller frees each and the list. */
static rs_code
read_names(DIR *dir, char ***ret_names, size_t *ret_count, struct rs_err *err)
{
    char **names = NULL;
    size_t count = 0;
    const struct dirent *e;

    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (count % 64 == 0) {
            char **more = realloc(names, (count + 64) * sizeof(*names));
            if (more == NULL)
                break;
            names = more;
        }
        names[count] = strdup(e->d_name);
        if (names[count] == NULL || ++count == DIR_NAMES_MAX)
            break;
    }
    *ret_names = names;
    *ret_count = count;
    if (e != NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "too many files in a directory");
    return RS_OK;
}

rs_code
rs_dir_list(const char *path, int (*each)(void *arg, const char *name), void *arg,
            struct rs_err *err)
{
    char **names;
    size_t count;
    int stop = 0;
    DIR *dir = opendir(path);
    rs_code rc;

    if (dir == NULL)
        return failed(err, "read directory", path);
    rc = read_names(dir, &names, &count, err);
    (void)closedir(dir);
    if (count > 1)
        qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (rc == RS_OK && !stop)
            stop = each(arg, names[i]);
        free(names[i]);
    }
    free(names);
    return rc;
}

rs_code
rs_file_remove(const char *path, struct rs_err *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return failed(err, "remove", path);
    return RS_OK;
}

rs_code
rs_path_join(const char *dir, const char *name, char *out, size_t cap, struct rs_err *err)
{
    int n = snprintf(out, cap, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= cap)
        return rs_fail(err, RS_E_FILE_FAILED, "path too long: %.60s/%.60s", dir, name);
    return RS_OK;
}
