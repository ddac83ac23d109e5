/*
 * jail_test.c: a jailed process has no way out, and what it needs still works.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
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

static int
no_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM;
}

static int
no_program(void)
{
    static char *const argv[] = {(char *)"true", NULL};

    return execv("/bin/true", argv) == -1 && errno == EPERM;
}

static int
no_program_by_descriptor(void)
{
    static char *const argv[] = {(char *)"true", NULL};
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_way_out),
        cmocka_unit_test(test_accepting_is_given),
        cmocka_unit_test(test_work_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
