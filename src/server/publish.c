/*
 * publish.c: see publish.h.
 *
 * A lock file keeps writers apart, those of other hosts included where the share
 * knows locks: between reading the number that is there and the rename nobody else
 * comes in.  The new list is written beside the old one, synced, and takes its name;
 * what a writer that died left beside it goes with the next one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/publish.h"

#include <stdio.h>
#include <string.h>

#include "base/inject.h"
#include "base/io.h"
#include "x509/crl.h"

#define CRL_MAX   ((size_t)64 << 20)
#define LOCK      ".rootsmith-lock"
#define PATH_SIZE 1024

struct leftovers {
    const char *dir, *prefix;
};

/* "NAME.crl.PID.N.tmp", as rs_file_replace() names them. */
static int
remove_leftover(void *arg, const char *name)
{
    const struct leftovers *l = arg;
    size_t prefix = strlen(l->prefix), len = strlen(name);
    char path[PATH_SIZE];

    if (len > prefix + 4 && strncmp(name, l->prefix, prefix) == 0 &&
        strcmp(name + len - 4, ".tmp") == 0 &&
        rs_path_join(l->dir, name, path, sizeof(path), NULL) == RS_OK)
        (void)(rs_file_remove(path, NULL) == RS_OK);
    return 0;
}

/* *ret_write 0: what is there is as new. */
static rs_code
compare(const char *path, const struct crl *ours, int *ret_write, struct rs_err *err)
{
    struct crl theirs;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf old;
    rs_buf_init(&old, CRL_MAX);
    *ret_write = 1;
    if (!rs_path_exists(path))
        return RS_OK;
    rc = rs_file_read(path, CRL_MAX, &old, err);
    if (rc != RS_OK)
        return rc;
    if (crl_read(rs_buf_bytes(&old), &theirs, NULL) != RS_OK ||
        !rs_bytes_equal(theirs.issuer, ours->issuer))
        return rs_fail(err, RS_E_FILE_FAILED, "%s is no list of this CA: it stays as it is", path);
    *ret_write = theirs.number < ours->number;
    return RS_OK;
}

static rs_code
publish_locked(const char *dir, const char *file, const struct crl *crl, struct rs_bytes der,
               struct rs_err *err)
{
    char path[PATH_SIZE], prefix[260];
    struct leftovers l = {dir, prefix};
    int write = 0;
    rs_code rc;

    (void)snprintf(prefix, sizeof(prefix), "%s.", file);
    rc = rs_path_join(dir, file, path, sizeof(path), err);
    if (rc == RS_OK)
        rc = rs_dir_list(dir, remove_leftover, &l, err);
    if (rc == RS_OK)
        rc = compare(path, crl, &write, err);
    if (rc != RS_OK || !write)
        return rc;
    rs_inject_mark("crl-replacing");
    rc = rs_file_replace(path, der, 0644, err);
    rs_inject_mark("crl-replaced");
    return rc;
}

rs_code
publish_crl(const char *dir, const char *name, struct rs_bytes der, struct rs_err *err)
{
    char lock[PATH_SIZE], file[256];
    struct crl crl;
    int fd = -1;
    rs_code rc;

    if (snprintf(file, sizeof(file), "%s.crl", name) >= (int)sizeof(file) ||
        strchr(name, '/') != NULL || name[0] == '.')
        return rs_fail(err, RS_E_FILE_FAILED, "CRL: \"%.60s\" is no name of a file", name);
    rc = crl_read(der, &crl, err);
    if (rc == RS_OK)
        rc = rs_path_join(dir, LOCK, lock, sizeof(lock), err);
    if (rc == RS_OK)
        rc = rs_file_open(lock, RS_OPEN_CREATE, &fd, err);
    if (rc == RS_OK)
        rc = rs_file_lock(fd, err);
    if (rc == RS_OK)
        rc = publish_locked(dir, file, &crl, der, err);
    rs_file_close(fd);
    return rc;
}
