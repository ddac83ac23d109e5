/*
 * base_test.c: the test directory, injection rules, and child processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inject.h"

char base_test_dir[64];

const char *
base_test_path(const char *name)
{
    static char room[4][128];
    static unsigned turn;
    char *path = room[turn++ % 4];

    (void)snprintf(path, sizeof(room[0]), "%s/%s", base_test_dir, name);
    return path;
}

const char *
base_test_file(const char *name, const char *text)
{
    const char *path = base_test_path(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

int
base_test_setup(void **state)
{
    (void)state;
    (void)snprintf(base_test_dir, sizeof(base_test_dir), "/tmp/base_test.XXXXXX");
    if (mkdtemp(base_test_dir) == NULL)
        return -1;
    (void)setenv("ROOTSMITH_INJECT_FILE", base_test_path("rules"), 1);
    rs_inject_program("base_test");
    return 0;
}

int
base_test_teardown(void **state)
{
    DIR *dir = opendir(base_test_dir);
    const struct dirent *e;

    (void)state;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (unlinkat(dirfd(dir), e->d_name, 0) != 0)
            (void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return rmdir(base_test_dir);
}

void
base_test_rules(const char *rules)
{
    static time_t stamp = 1000000;
    struct timespec times[2];
    const char *path;

    if (!rs_inject_built())
        skip();
    path = base_test_file("rules", rules);
    times[0] = times[1] = (struct timespec){.tv_sec = ++stamp};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    rs_inject_mark("rules-changed");
}

int
base_test_child(void (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
