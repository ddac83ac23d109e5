/*
 * io.h: files, the only way to them.
 *
 * Every call can be made to fail, or the process to die, at its n-th use in
 * builds with -Dfaults=true (inject.h): that is how the crash tests reach each
 * point.  A failed sync means that nothing is known: the caller stops using the
 * file (never "try the sync again").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum rs_open {
    RS_OPEN_READ = 1,      /* must exist */
    RS_OPEN_WRITE = 2,     /* read and write; must exist */
    RS_OPEN_CREATE = 3,    /* read and write; made if missing, mode 0600 */
    RS_OPEN_EXCLUSIVE = 4, /* read and write; must not exist, mode 0600 */
};

/* Opens close-on-exec.  ENOSPC anywhere below becomes RS_E_DISK_FULL. */
RS_MUST_USE rs_code rs_file_open(const char *path, enum rs_open how, int *ret_fd,
                                 struct rs_err *err);
void rs_file_close(int fd); /* -1 is fine */

/* All of it or an error; no short counts. */
RS_MUST_USE rs_code rs_file_write_at(int fd, uint64_t offset, struct rs_bytes bytes,
                                     struct rs_err *err);
/* Up to cap bytes; fewer only at the end of the file. */
RS_MUST_USE rs_code rs_file_read_at(int fd, uint64_t offset, uint8_t *buf, size_t cap,
                                    size_t *ret_len, struct rs_err *err);
RS_MUST_USE rs_code rs_file_sync(int fd, struct rs_err *err); /* fdatasync */
RS_MUST_USE rs_code rs_file_size(int fd, uint64_t *ret_size, struct rs_err *err);
RS_MUST_USE rs_code rs_file_truncate(int fd, uint64_t size, struct rs_err *err);
/* Write zeros once, up to size, and sync: later writes change no metadata. */
RS_MUST_USE rs_code rs_file_preallocate(int fd, uint64_t size, struct rs_err *err);
/* Exclusive advisory lock, at once or RS_E_STORE_BUSY. */
RS_MUST_USE rs_code rs_file_lock(int fd, struct rs_err *err);

/* Whole files, at most max bytes; a larger one is RS_E_FILE_FAILED. */
RS_MUST_USE rs_code rs_file_read(const char *path, size_t max, struct rs_buf *ret_buf,
                                 struct rs_err *err);
/* Temporary file, sync, rename, sync of the directory.  mode e.g. 0600. */
RS_MUST_USE rs_code rs_file_replace(const char *path, struct rs_bytes bytes, unsigned mode,
                                    struct rs_err *err);

/* A new file (it must not exist), written and synced; its directory is not: several such files
 * and one rs_dir_sync() cost less than as many replacements. */
RS_MUST_USE rs_code rs_file_make(const char *path, struct rs_bytes bytes, unsigned mode,
                                 struct rs_err *err);
/* Rename a file or a directory, and sync the directory that both are in. */
RS_MUST_USE rs_code rs_path_rename(const char *from, const char *to, struct rs_err *err);
/* Let the symbolic link at path point to target, in one step that a crash cannot halve. */
RS_MUST_USE rs_code rs_link_replace(const char *target, const char *path, struct rs_err *err);
/* What a symbolic link says; RS_E_REQUEST_UNKNOWN when there is none. */
RS_MUST_USE rs_code rs_link_read(const char *path, char *out, size_t cap, struct rs_err *err);

int rs_path_exists(const char *path);
RS_MUST_USE rs_code rs_dir_make(const char *path, unsigned mode,
                                struct rs_err *err); /* exists: ok */
RS_MUST_USE rs_code rs_dir_sync(const char *path, struct rs_err *err);
/* Remove a directory with the plain files in it; missing: ok. */
RS_MUST_USE rs_code rs_dir_remove(const char *path, struct rs_err *err);
/* Names in a directory, sorted, without dot files; calls each(arg, name) until it gives non-zero. */
RS_MUST_USE rs_code rs_dir_list(const char *path, int (*each)(void *arg, const char *name),
                                void *arg, struct rs_err *err);
RS_MUST_USE rs_code rs_file_remove(const char *path, struct rs_err *err);

/* "dir/name" into out; RS_E_FILE_FAILED when it does not fit. */
RS_MUST_USE rs_code rs_path_join(const char *dir, const char *name, char *out, size_t cap,
                                 struct rs_err *err);

#endif /* BASE_IO_H */
