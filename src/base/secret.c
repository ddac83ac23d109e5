/*
 * secret.c: locked mappings for secrets, and hardening a process.  See secret.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/secret.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define SECRET_MAX     65536
#define FILE_MAX_BYTES 4096

static atomic_uint alive;

rs_code
rs_secret_init(struct rs_secret *s, size_t len, struct rs_err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t map_len = (len / page + 1) * page;
    void *p;

    memset(s, 0, sizeof(*s));
    if (len > SECRET_MAX)
        return rs_fail(err, RS_E_NO_MEMORY, "secret of %zu bytes", len);
    p = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return rs_fail_errno(err, RS_E_NO_MEMORY, "secret of %zu bytes", len);
    /* Best effort each: limits and old kernels may not allow them. */
    (void)mlock(p, map_len);
    (void)madvise(p, map_len, MADV_DONTDUMP);
    (void)madvise(p, map_len, MADV_WIPEONFORK);
    s->p = p;
    s->len = len;
    s->map_len = map_len;
    atomic_fetch_add(&alive, 1);
    return RS_OK;
}

void
rs_secret_done(struct rs_secret *s)
{
    if (s == NULL || s->p == NULL)
        return;
    rs_wipe(s->p, s->map_len);
    (void)munmap(s->p, s->map_len);
    memset(s, 0, sizeof(*s));
    atomic_fetch_sub(&alive, 1);
}

unsigned
rs_secret_count(void)
{
    return atomic_load(&alive);
}

static rs_code
check_mode(int fd, const char *path, struct rs_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return rs_fail_errno(err, RS_E_FILE_FAILED, "cannot look at %s", path);
    if ((st.st_mode & 077) != 0)
        return rs_fail(err, RS_E_KEY_LOCKED, "%s may be read by others: mode %03o, must be 0600",
                       path, (unsigned)st.st_mode & 0777u);
    return RS_OK;
}

static rs_code
read_secret(const char *path, int is_text, struct rs_secret *ret_secret, struct rs_err *err)
{
    uint8_t buf[FILE_MAX_BYTES + 1];
    size_t len = 0;
    int fd;
    rs_code rc;

    rc = rs_file_open(path, RS_OPEN_READ, &fd, err);
    if (rc != RS_OK)
        return rc;
    rc = check_mode(fd, path, err);
    if (rc == RS_OK)
        rc = rs_file_read_at(fd, 0, buf, sizeof(buf), &len, err);
    rs_file_close(fd);
    if (rc == RS_OK && len > FILE_MAX_BYTES)
        rc = rs_fail(err, RS_E_KEY_LOCKED, "%s has more than %d bytes", path, FILE_MAX_BYTES);
    if (rc == RS_OK && is_text && len > 0 && buf[len - 1] == '\n')
        len--;
    if (rc == RS_OK && len == 0)
        rc = rs_fail(err, RS_E_KEY_LOCKED, "%s is empty", path);
    if (rc == RS_OK)
        rc = rs_secret_init(ret_secret, len, err);
    if (rc == RS_OK)
        memcpy(ret_secret->p, buf, len);
    rs_wipe(buf, sizeof(buf));
    return rc;
}

rs_code
rs_secret_read_file(const char *path, struct rs_secret *ret_secret, struct rs_err *err)
{
    return read_secret(path, 1, ret_secret, err);
}

rs_code
rs_secret_read_bytes(const char *path, struct rs_secret *ret_secret, struct rs_err *err)
{
    return read_secret(path, 0, ret_secret, err);
}

rs_code
rs_process_harden(struct rs_err *err)
{
    struct rlimit none = {0, 0};

    /* RLIMIT_CORE alone does not stop a core handler behind a pipe (TM-326). */
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return rs_fail_errno(err, RS_E_INTERNAL, "cannot harden this process");
    (void)umask(077);
    return RS_OK;
}
