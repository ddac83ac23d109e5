/*
 * hide.c: folders that this process can no longer reach.  See jail.h.
 *
 * Landlock grants, it does not forbid: everything beside the way to a hidden
 * folder is granted, level by level, and the way itself is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/jail.h"
#include "base/log.h"

#define HIDDEN_MAX 4

/* Kernel headers older than Linux 6.2 do not name it. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define OF_FOLDERS                                                                                 \
    (LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                                \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

struct hide {
    int ruleset;
    uint64_t of_files; /* what this kernel can hold back of files */
    char hidden[HIDDEN_MAX][PATH_MAX];
    size_t count;
};

static int
is_hidden(const struct hide *h, const char *path)
{
    for (size_t i = 0; i < h->count; i++) {
        if (strcmp(h->hidden[i], path) == 0)
            return 1;
    }
    return 0;
}

static int
leads_to_hidden(const struct hide *h, const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < h->count; i++) {
        if (strncmp(h->hidden[i], path, len) == 0 && h->hidden[i][len] == '/')
            return 1;
    }
    return 0;
}

/*
 * A link would grant where it points to; that has a rule of its own or must have none.
 * Names that come and go while this looks are not granted: nobody counts on them.
 */
static int
grant(const struct hide *h, const char *path)
{
    struct landlock_path_beneath_attr rule = {0};
    struct stat st;
    int rc, fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0 || S_ISLNK(st.st_mode)) {
        (void)close(fd);
        return 0;
    }
    rule.parent_fd = fd;
    rule.allowed_access = S_ISDIR(st.st_mode) ? h->of_files | OF_FOLDERS : h->of_files;
    rc = (int)syscall(SYS_landlock_add_rule, h->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(fd);
    return rc;
}

static int
grant_beside(const struct hide *h, const char *folder)
{
    DIR *dir = opendir(folder[0] != '\0' ? folder : "/");
    const struct dirent *entry;
    char path[PATH_MAX];
    int rc = 0;

    if (dir == NULL)
        return -1;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path))
            continue; /* no program of ours could name it either */
        if (is_hidden(h, path))
            continue;
        /* As deep as the hidden folder lies, and no deeper. */
        rc = leads_to_hidden(h, path) ? grant_beside(h, path) : grant(h, path);
    }
    (void)closedir(dir);
    return rc;
}

static rs_code
find_hidden(struct hide *h, const char *const *folders, size_t count, struct rs_err *err)
{
    for (size_t i = 0; i < count && h->count < HIDDEN_MAX; i++) {
        if (realpath(folders[i], h->hidden[h->count]) == NULL)
            return rs_fail_errno(err, RS_E_INTERNAL, "cannot hide %s", folders[i]);
        h->count++;
    }
    return RS_OK;
}

rs_code
rs_hide(const char *const *folders, size_t count, struct rs_err *err)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = OF_FILES | OF_FOLDERS};
    struct hide *h;
    long version;
    rs_code rc;

    version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        rs_log(RS_LOG_WARN, "jail", "this kernel has no Landlock; folders are not hidden",
               "errno=%d", errno);
        return RS_OK;
    }
    h = calloc(1, sizeof(*h));
    if (h == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "jail");
    h->of_files = OF_FILES | (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    attr.handled_access_fs |= h->of_files;
    rc = find_hidden(h, folders, count, err);
    h->ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
    if (rc == RS_OK && (h->ruleset < 0 || grant_beside(h, "") != 0 ||
                        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                        syscall(SYS_landlock_restrict_self, h->ruleset, 0) != 0))
        rc = rs_fail_errno(err, RS_E_INTERNAL, "folders cannot be hidden");
    if (h->ruleset >= 0)
        (void)close(h->ruleset);
    free(h);
    return rc;
}
