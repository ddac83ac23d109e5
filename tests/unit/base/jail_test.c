/*
 * jail_test.c: a jailed process has no way out, and what it needs still works.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/jail.h"
#include "base_test.h"

/* In a child of its own: the jail has no door.  Returns what act() returned there. */
static int
jailed(enum rs_jail jail, int (*act)(void))
{
    struct rs_err err = {0};
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(rs_jail(jail, &err) == RS_OK ? act() : 100);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char true_name[] = "true";

static int
no_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM;
}

static int
no_program(void)
{
    static char *const argv[] = {true_name, NULL};

    return execv("/bin/true", argv) == -1 && errno == EPERM;
}

static int
no_program_by_descriptor(void)
{
    static char *const argv[] = {true_name, NULL};
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);

    return fd >= 0 && fexecve(fd, argv, argv + 1) == -1 && errno == EPERM;
}

static int
no_tracing(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM;
}

/* An accept on what is no socket: the jail answers first, if it does. */
static int
no_accept(void)
{
    return accept(-1, NULL, NULL) == -1 && errno == EPERM;
}

static int
may_accept(void)
{
    return accept(-1, NULL, NULL) == -1 && errno == EBADF;
}

static int
files_and_pairs(void)
{
    int pair[2], fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, "x", 1) == 1 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 &&
           write(pair[0], "x", 1) == 1;
}

static void
test_no_way_out(void **state)
{
    static int (*const acts[])(void) = {no_socket, no_program, no_program_by_descriptor,
                                        no_tracing};

    (void)state;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        assert_int_equal(jailed(RS_JAIL_CLOSED, acts[i]), 1);
        assert_int_equal(jailed(RS_JAIL_ACCEPTS, acts[i]), 1);
    }
}

static void
test_accepting_is_given(void **state)
{
    (void)state;
    assert_int_equal(jailed(RS_JAIL_CLOSED, no_accept), 1);
    assert_int_equal(jailed(RS_JAIL_ACCEPTS, may_accept), 1);
}

static void
test_work_goes_on(void **state)
{
    (void)state;
    assert_int_equal(jailed(RS_JAIL_CLOSED, files_and_pairs), 1);
    assert_int_equal(jailed(RS_JAIL_ACCEPTS, files_and_pairs), 1);
}

/* ---- Hidden folders --------------------------------------------------------------------- */

static char *open_dir, *secret_dir; /* side by side */

static int
in(const char *dir, const char *name, int flags)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static int
look_around(void)
{
    char from[256], to[256];

    (void)snprintf(from, sizeof(from), "%s/key", secret_dir);
    (void)snprintf(to, sizeof(to), "%s/key", open_dir);
    if (in(secret_dir, "key", O_RDONLY) != -1 || in(secret_dir, "key", O_WRONLY) != -1)
        return 2;
    if (in(secret_dir, "new", O_WRONLY | O_CREAT) != -1 || unlink(from) == 0)
        return 3;
    if (rename(from, to) == 0 || link(from, to) == 0)
        return 4;
    if (in(open_dir, "way", O_RDONLY) != -1) /* a link that points into the hidden folder */
        return 5;
    return in(open_dir, "note", O_RDWR) >= 0 && in(open_dir, "new", O_WRONLY | O_CREAT) >= 0;
}

static int
hidden_look(void)
{
    const char *folder = secret_dir;
    struct rs_err err = {0};

    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1u) < 1)
        return 77; /* no Landlock in this kernel: rs_hide() says so and goes on */
    return rs_hide(&folder, 1, &err) == RS_OK ? look_around() : 101;
}

static int
hide_nothing_there(void)
{
    const char *folder = "/nonexistent/folder";
    struct rs_err err = {0};

    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1u) < 1)
        return 77;
    return rs_hide(&folder, 1, &err) != RS_OK;
}

static void
test_hidden_folder(void **state)
{
    char top[] = "/tmp/rs-jail-XXXXXX", a[64], b[64], link_path[96];
    int rc;

    (void)state;
    assert_non_null(mkdtemp(top));
    (void)snprintf(a, sizeof(a), "%s/open", top);
    (void)snprintf(b, sizeof(b), "%s/secret", top);
    open_dir = a;
    secret_dir = b;
    assert_int_equal(mkdir(a, 0700) | mkdir(b, 0700), 0);
    assert_true(in(b, "key", O_WRONLY | O_CREAT) >= 0 && in(a, "note", O_WRONLY | O_CREAT) >= 0);
    (void)snprintf(link_path, sizeof(link_path), "%s/way", a);
    assert_int_equal(symlink("../secret/key", link_path), 0);
    rc = jailed(RS_JAIL_CLOSED, hidden_look);
    if (rc == 77)
        skip();
    assert_int_equal(rc, 1);
    assert_int_equal(jailed(RS_JAIL_CLOSED, hide_nothing_there), 1);
    assert_true(in(b, "key", O_RDONLY) >= 0); /* still there, and still readable for others */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_way_out),
        cmocka_unit_test(test_accepting_is_given),
        cmocka_unit_test(test_work_goes_on),
        cmocka_unit_test(test_hidden_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
