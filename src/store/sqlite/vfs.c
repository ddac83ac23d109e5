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
#include <string.h>

#include "base/inject.h"
#include "store/sqlite/sqlite.h"

struct vfs_file {
    sqlite3_file head; /* must be first */
    sqlite3_file *below;
    int is_wal;
    uint8_t *gathered; /* GATHER_MAX bytes, once they are wanted; length of what is in them: */
    int gathered_len;
    sqlite3_int64 gathered_at;
};

/*
 * A commit appends hundreds of frames to the log, each in two writes, and then syncs: they are
 * gathered and written in few.  Nobody else may look at them before the sync, which SQLite says
 * to others only afterwards; this holds for synced commits alone, so it is switched on for those.
 */
#define GATHER_MAX 65536 /* the unix VFS takes fewer than 131,072 bytes at a time */
static _Thread_local int gathers;

void
sqlite_gather_writes(int on)
{
    gathers = on;
}

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
write_through(struct vfs_file *f, const void *p, int len, sqlite3_int64 at)
{
    int rc = injected("write", SQLITE_IOERR_WRITE);

    if (rc != SQLITE_OK)
        return rc;
    len = (int)rs_inject_torn("write", (size_t)len);
    rc = f->below->pMethods->xWrite(f->below, p, len, at);
    rs_inject_after("write");
    return rc;
}

/* What was gathered is written; it is forgotten even when that fails, as SQLite's own would be. */
static int
write_gathered(struct vfs_file *f)
{
    int len = f->gathered_len;

    f->gathered_len = 0;
    return len == 0 ? SQLITE_OK : write_through(f, f->gathered, len, f->gathered_at);
}

/* 1: it is kept for later. */
static int
gather(struct vfs_file *f, const void *p, int len, sqlite3_int64 at)
{
    if (!gathers || !f->is_wal || len > GATHER_MAX - f->gathered_len ||
        (f->gathered_len > 0 && at != f->gathered_at + f->gathered_len))
        return 0;
    if (f->gathered == NULL)
        f->gathered = sqlite3_malloc(GATHER_MAX);
    if (f->gathered == NULL)
        return 0;
    if (f->gathered_len == 0)
        f->gathered_at = at;
    memcpy(f->gathered + f->gathered_len, p, (size_t)len);
    f->gathered_len += len;
    return 1;
}

static int
file_close(sqlite3_file *file)
{
    struct vfs_file *f = (struct vfs_file *)file;

    sqlite3_free(f->gathered);
    f->gathered = NULL;
    return below(file)->pMethods->xClose(below(file));
}

static int
file_read(sqlite3_file *file, void *p, int len, sqlite3_int64 at)
{
    int rc = write_gathered((struct vfs_file *)file);

    if (rc == SQLITE_OK)
        rc = injected("read", SQLITE_IOERR_READ);
    return rc != SQLITE_OK ? rc : below(file)->pMethods->xRead(below(file), p, len, at);
}

static int
file_write(sqlite3_file *file, const void *p, int len, sqlite3_int64 at)
{
    struct vfs_file *f = (struct vfs_file *)file;
    int rc = SQLITE_OK;

    if (gather(f, p, len, at))
        return SQLITE_OK;
    rc = write_gathered(f);
    if (rc == SQLITE_OK && gather(f, p, len, at))
        return SQLITE_OK;
    return rc == SQLITE_OK ? write_through(f, p, len, at) : rc;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = write_gathered((struct vfs_file *)file);

    if (rc == SQLITE_OK)
        rc = injected("truncate", SQLITE_IOERR_TRUNCATE);
    if (rc != SQLITE_OK)
        return rc;
    rc = below(file)->pMethods->xTruncate(below(file), size);
    rs_inject_after("truncate");
    return rc;
}

static int
file_sync(sqlite3_file *file, int flags)
{
    int rc = write_gathered((struct vfs_file *)file);

    if (rc == SQLITE_OK)
        rc = injected("sync", SQLITE_IOERR_FSYNC);
    if (rc != SQLITE_OK)
        return rc;
    rc = below(file)->pMethods->xSync(below(file), flags);
    rs_inject_after("sync");
    return rc;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = write_gathered((struct vfs_file *)file);

    return rc == SQLITE_OK ? below(file)->pMethods->xFileSize(below(file), size) : rc;
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
    f->is_wal = 0;
    f->gathered = NULL;
    f->gathered_len = 0;
    rc = below_vfs(vfs)->xOpen(below_vfs(vfs), name, f->below, flags, ret_flags);
    /* SQLite closes a file that has methods, even when its opening failed. */
    if (f->below->pMethods != NULL)
        f->head.pMethods = &methods;
    /* Where SQLite pads the log to a sector, something may follow the sync: nothing is gathered. */
    if (rc == SQLITE_OK && f->below->pMethods != NULL && (flags & SQLITE_OPEN_WAL) != 0)
        f->is_wal = (f->below->pMethods->xDeviceCharacteristics(f->below) &
                     SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
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
