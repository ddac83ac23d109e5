/*
 * vfs.c: SQLite's own reads and writes, with our injection points in them.
 *
 * A layer over the default VFS: each call goes straight down, and in builds
 * with -Dfaults=true may fail, or the process die, at the n-th open, read,
 * write, sync or truncate, like every other file of ours (base/inject.h).
 * Locks, shared memory and everything else are the layer's below.
 *
 * A file of this layer is our struct, followed by the file of the VFS below in
 * the same allocation, which SQLite makes by szOsFile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>

#include "base/inject.h"
#include "store/sqlite/sqlite.h"

struct vfs_file {
    sqlite3_file head; /* must be first */
    sqlite3_file *below;
};

static sqlite3_vfs *
below_vfs(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static sqlite3_file *
below(sqlite3_file *file)
{
    return ((struct vfs_file *)file)->below;
}

/* What SQLite is told when a rule of the test makes this call fail. */
static int
injected(const char *point, int otherwise)
{
    int error = rs_inject_before(point);

    if (error == 0)
        return SQLITE_OK;
    return error == ENOSPC ? SQLITE_FULL : otherwise;
}

/* ---- Files ---------------------------------------------------------------------- */

static int
file_close(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

static int
file_read(sqlite3_file *file, void *p, int len, sqlite3_int64 at)
{
    int rc = injected("read", SQLITE_IOERR_READ);

    return rc != SQLITE_OK ? rc : below(file)->pMethods->xRead(below(file), p, len, at);
}

static int
file_write(sqlite3_file *file, const void *p, int len, sqlite3_int64 at)
{
    int rc = injected("write", SQLITE_IOERR_WRITE);

    if (rc != SQLITE_OK)
        return rc;
    len = (int)rs_inject_torn("write", (size_t)len);
    rc = below(file)->pMethods->xWrite(below(file), p, len, at);
    rs_inject_after("write");
    return rc;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = injected("truncate", SQLITE_IOERR_TRUNCATE);

    if (rc != SQLITE_OK)
        return rc;
    rc = below(file)->pMethods->xTruncate(below(file), size);
    rs_inject_after("truncate");
    return rc;
}

static int
file_sync(sqlite3_file *file, int flags)
{
    int rc = injected("sync", SQLITE_IOERR_FSYNC);

    if (rc != SQLITE_OK)
        return rc;
    rc = below(file)->pMethods->xSync(below(file), flags);
    rs_inject_after("sync");
    return rc;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return below(file)->pMethods->xFileSize(below(file), size);
}

static int
file_lock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xLock(below(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int
file_check_reserved(sqlite3_file *file, int *ret)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
    return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int
file_sector_size(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int
file_characteristics(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int
file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return below(file)->pMethods->xShmMap(below(file), page, size, extend, ret);
}

static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int
file_shm_unmap(sqlite3_file *file, int remove)
{
    return below(file)->pMethods->xShmUnmap(below(file), remove);
}

/* Version 2: shared memory for the write-ahead log, no memory-mapped reads. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- The VFS ---------------------------------------------------------------------- */

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct vfs_file *f = (struct vfs_file *)file;
    int rc = injected("open", SQLITE_CANTOPEN);

    f->head.pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    f->below = (sqlite3_file *)(f + 1);
    rc = below_vfs(vfs)->xOpen(below_vfs(vfs), name, f->below, flags, ret_flags);
    /* SQLite closes a file that has methods, even when its opening failed. */
    if (f->below->pMethods != NULL)
        f->head.pMethods = &methods;
    rs_inject_after("open");
    return rc;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Nobody asks how much memory SQLite uses; counting takes a lock of all threads each time. */
static void
set_up_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused when somebody began before us */
}

/*
 * The rest of the VFS (names, access, random seeds, sleep) is copied from the
 * one below; those calls look only at what they are given, which is why the
 * unix VFS may be handed our struct.
 */
rs_code
sqlite_register_vfs(struct rs_err *err)
{
    static sqlite3_vfs ours;
    sqlite3_mutex *mutex;
    sqlite3_vfs *unix_vfs;
    int rc;

    (void)pthread_once(&once, set_up_library);
    rc = sqlite3_initialize();
    if (rc != SQLITE_OK)
        return sqlite_fail(NULL, rc, err, "cannot start SQLite");
    mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
    sqlite3_mutex_enter(mutex);
    unix_vfs = sqlite3_vfs_find("unix");
    if (unix_vfs == NULL) {
        rc = SQLITE_NOTFOUND;
    } else if (ours.zName == NULL) {
        ours = *unix_vfs;
        ours.pNext = NULL;
        ours.zName = SQLITE_VFS_NAME;
        ours.szOsFile = (int)sizeof(struct vfs_file) + unix_vfs->szOsFile;
        ours.pAppData = unix_vfs;
        ours.xOpen = vfs_open;
        rc = sqlite3_vfs_register(&ours, 0);
    }
    sqlite3_mutex_leave(mutex);
    return rc == SQLITE_OK ? RS_OK : sqlite_fail(NULL, rc, err, "cannot set up file access");
}
