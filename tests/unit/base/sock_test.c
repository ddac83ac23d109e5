/*
 * sock_test.c: peers that are gone, too much at once, and descriptors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base_test.h"

static void
addresses_that_are_none(void **state)
{
    static const char *const bad[] = {"", "localhost", "localhost:", ":",
                                      "localhost:12345678901234567"};
    char path[200] = "unix:/";
    int fd = -7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rs_sock_listen(bad[i], 1, &fd, NULL), RS_E_USAGE);
    memset(path + 6, 'a', 150);
    assert_int_equal(rs_sock_connect(path, 10, &fd, NULL), RS_E_USAGE);
    assert_int_equal(rs_sock_connect("127.0.0.1:99999x", 10, &fd, NULL), RS_E_NET_UNREACHABLE);
    assert_int_equal(fd, -7);
}

static void
nobody_listens(void **state)
{
    struct rs_err err = {0};
    char address[64];
    int fd, port;

    (void)state;
    assert_int_equal(rs_sock_listen("127.0.0.1:0", 1, &fd, NULL), RS_OK);
    port = rs_sock_port(fd);
    rs_sock_close(fd);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    fd = -7;
    assert_int_equal(rs_sock_connect(address, 1000, &fd, &err), RS_E_NET_UNREACHABLE);
    assert_non_null(strstr(err.text, address));
    assert_int_equal(fd, -7);
    (void)snprintf(address, sizeof(address), "unix:%s", base_test_path("nobody"));
    assert_int_equal(rs_sock_connect(address, 1000, &fd, NULL), RS_E_NET_UNREACHABLE);
}

static void
a_taken_port_is_named(void **state)
{
    struct rs_err err = {0};
    char address[64];
    int fd, other = -7;

    (void)state;
    assert_int_equal(rs_sock_listen("127.0.0.1:0", 1, &fd, NULL), RS_OK);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", rs_sock_port(fd));
    assert_int_equal(rs_sock_listen(address, 1, &other, &err), RS_E_PORT_IN_USE);
    assert_non_null(strstr(err.text, address));
    assert_int_equal(other, -7);
    rs_sock_close(fd);
}

/* A file that is no socket is not ours to remove. */
static void
a_file_in_the_way_stays(void **state)
{
    char address[160];
    int fd = -7;

    (void)state;
    (void)snprintf(address, sizeof(address), "unix:%s", base_test_file("precious", "x"));
    assert_int_equal(rs_sock_listen(address, 1, &fd, NULL), RS_E_PORT_IN_USE);
    assert_int_equal(rs_path_exists(base_test_path("precious")), 1);
    assert_int_equal(fd, -7);
}

static void
exchange(const char *address)
{
    uint8_t got[3];
    char target[160];
    int server, a, b = -1;

    assert_int_equal(rs_sock_listen(address, 4, &server, NULL), RS_OK);
    assert_int_equal(rs_sock_accept(server, 0, &b, NULL), RS_OK);
    assert_int_equal(b, -1); /* nobody came */
    if (rs_sock_port(server) > 0)
        (void)snprintf(target, sizeof(target), "localhost:%d", rs_sock_port(server));
    else
        (void)snprintf(target, sizeof(target), "%s", address);
    assert_int_equal(rs_sock_connect(target, 2000, &a, NULL), RS_OK);
    assert_int_equal(rs_sock_accept(server, 2000, &b, NULL), RS_OK);
    assert_true(b >= 0);
    assert_int_equal(rs_sock_write(a, rs_bytes_str("abc"), NULL), RS_OK);
    assert_int_equal(rs_sock_read(b, got, 3, NULL), RS_OK);
    assert_memory_equal(got, "abc", 3);
    assert_int_equal(rs_sock_write(a, rs_bytes_str("de"), NULL), RS_OK);
    rs_sock_shutdown(a);
    assert_int_equal(rs_sock_read(b, got, 3, NULL), RS_E_NET_UNREACHABLE); /* two of three */
    assert_int_equal(rs_sock_write(a, rs_bytes_str("x"), NULL), RS_E_NET_UNREACHABLE);
    rs_sock_close(a);
    rs_sock_close(b);
    rs_sock_close(server);
}

static void
streams_over_tcp_and_unix(void **state)
{
    struct stat st;
    char address[160];

    (void)state;
    exchange("127.0.0.1:0"); /* reached as localhost, which may be ::1 first */
    (void)snprintf(address, sizeof(address), "unix:%s", base_test_path("sock"));
    exchange(address);
    exchange(address); /* over the dead socket of the first */
    assert_int_equal(stat(base_test_path("sock"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* A full backlog says EAGAIN at once; connecting waits for its timeout and then says so. */
static void
a_full_backlog_is_unreachable(void **state)
{
    char address[160];
    int server, fd[8], got = 0;
    rs_code rc = RS_OK;
    uint64_t start = 0;

    (void)state;
    (void)snprintf(address, sizeof(address), "unix:%s", base_test_path("full"));
    assert_int_equal(rs_sock_listen(address, 0, &server, NULL), RS_OK);
    while (got < 8 && rc == RS_OK) {
        start = rs_mono_us();
        rc = rs_sock_connect(address, 100, &fd[got], NULL);
        got += rc == RS_OK;
    }
    assert_int_equal(rc, RS_E_NET_UNREACHABLE);
    assert_true(rs_mono_us() - start >= 100000);
    while (got > 0)
        rs_sock_close(fd[--got]);
    rs_sock_close(server);
}

static void
messages_are_whole_or_refused(void **state)
{
    static uint8_t big[1 << 22];
    uint8_t got[16];
    size_t len = 77;
    int fd[2];

    (void)state;
    assert_int_equal(rs_sock_pair(65536, fd, NULL), RS_OK);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), 20, &len, NULL), RS_E_SIGNER_AWAY);
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("0123456789abcdefg"), NULL), RS_OK);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), -1, &len, NULL),
                     RS_E_SIGNER_PROTOCOL);
    assert_int_equal(len, 77);
    assert_int_equal(rs_sock_send(fd[0], RS_BYTES(big), NULL), RS_E_SIGNER_PROTOCOL);
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("ab"), NULL), RS_OK);
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("cd"), NULL), RS_OK);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), 0, &len, NULL), RS_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(got, "ab", 2);
    rs_sock_close(fd[0]);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), 0, &len, NULL), RS_OK);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), -1, &len, NULL), RS_OK);
    assert_int_equal(len, 0); /* the peer is gone */
    assert_int_equal(rs_sock_send(fd[1], rs_bytes_str("x"), NULL), RS_E_SIGNER_AWAY);
    rs_sock_close(fd[1]);
    rs_sock_close(-1);
}

static void
nothing(int signal)
{
    (void)signal;
}

struct pester {
    pthread_t whom;
};

static void *
pester(void *arg)
{
    const struct pester *p = arg;

    for (int i = 0; i < 10; i++) {
        rs_sleep_us(10000);
        (void)pthread_kill(p->whom, SIGUSR1);
    }
    return NULL;
}

/* Signals neither end the wait early nor make it endless. */
static void
a_deadline_holds_over_signals(void **state)
{
    struct sigaction act = {.sa_handler = nothing};
    struct pester p = {.whom = pthread_self()};
    uint64_t start = rs_mono_us();
    pthread_t thread;
    uint8_t got[4];
    size_t len;
    int fd[2];

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &act, NULL), 0);
    assert_int_equal(rs_sock_pair(4096, fd, NULL), RS_OK);
    assert_int_equal(pthread_create(&thread, NULL, pester, &p), 0);
    assert_int_equal(rs_sock_receive(fd[1], got, sizeof(got), 200, &len, NULL), RS_E_SIGNER_AWAY);
    assert_true(rs_mono_us() - start >= 200000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    rs_sock_close(fd[0]);
    rs_sock_close(fd[1]);
}

static int
open_count(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += dup2(fd, fd) == fd;
    return count;
}

static void
descriptors_travel_and_never_leak(void **state)
{
    int fd[2], pipe_fd[2], got[8] = {-1, -1, -1}, before;
    size_t count = 77;
    char byte;

    (void)state;
    assert_int_equal(rs_sock_pair(4096, fd, NULL), RS_OK);
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(rs_sock_send_fds(fd[0], pipe_fd, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(rs_sock_send_fds(fd[0], pipe_fd, 9, NULL), RS_E_INTERNAL);
    before = open_count();
    assert_int_equal(rs_sock_send_fds(fd[0], pipe_fd, 2, NULL), RS_OK);
    assert_int_equal(rs_sock_receive_fds(fd[1], got, 1, &count, NULL), RS_E_SIGNER_PROTOCOL);
    assert_int_equal(count, 77);
    assert_int_equal(open_count(), before);
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("x"), NULL), RS_OK);
    assert_int_equal(rs_sock_receive_fds(fd[1], got, 8, &count, NULL), RS_E_SIGNER_PROTOCOL);
    assert_int_equal(rs_sock_send_fds(fd[0], pipe_fd, 2, NULL), RS_OK);
    assert_int_equal(rs_sock_receive_fds(fd[1], got, 8, &count, NULL), RS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(write(got[1], "y", 1), 1);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    rs_sock_close(fd[0]);
    assert_int_equal(rs_sock_receive_fds(fd[1], got + 2, 6, &count, NULL), RS_E_SIGNER_AWAY);
    rs_sock_close(fd[1]);
    for (int i = 0; i < 2; i++) {
        (void)close(got[i]);
        (void)close(pipe_fd[i]);
    }
}

static void
rules_break_messages(void **state)
{
    uint8_t got[4];
    size_t len;
    int fd[2];

    (void)state;
    assert_int_equal(rs_sock_pair(4096, fd, NULL), RS_OK);
    base_test_rules("send@2=EIO,receive@1=EIO");
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("a"), NULL), RS_OK);
    assert_int_equal(rs_sock_send(fd[0], rs_bytes_str("b"), NULL), RS_E_SIGNER_AWAY);
    assert_int_equal(rs_sock_receive(fd[1], got, 4, 0, &len, NULL), RS_E_SIGNER_AWAY);
    assert_int_equal(rs_sock_receive(fd[1], got, 4, 0, &len, NULL), RS_OK);
    base_test_rules("");
    rs_sock_close(fd[0]);
    rs_sock_close(fd[1]);
}

/* A listener of the service manager's kind, at a path or an abstract name. */
static int
manager(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(at.sun_path, path, strlen(path));
    if (path[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
    return fd;
}

static void
expect_notice(const char *path)
{
    char got[32] = "";
    int fd = manager(path);

    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    rs_sock_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), 7);
    assert_string_equal(got, "READY=1");
    base_test_rules("notify@1=EIO");
    rs_sock_notify("READY=1");
    base_test_rules("");
    assert_int_equal(recv(fd, got, sizeof(got), 0), -1);
    rs_sock_close(fd);
    rs_sock_notify("READY=1"); /* nobody listens any more: nothing happens */
}

static void
the_service_manager_is_told(void **state)
{
    static char far[200];
    char abstract[64];

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    rs_sock_notify("READY=1");
    (void)setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
    rs_sock_notify("READY=1");
    memset(far, 'a', sizeof(far) - 1);
    far[0] = '/';
    (void)setenv("NOTIFY_SOCKET", far, 1);
    rs_sock_notify("READY=1");
    expect_notice(base_test_path("notify"));
    (void)snprintf(abstract, sizeof(abstract), "@rootsmith-test-%ld", (long)getpid());
    expect_notice(abstract);
    (void)unsetenv("NOTIFY_SOCKET");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(a_file_in_the_way_stays),
        cmocka_unit_test(streams_over_tcp_and_unix),
        cmocka_unit_test(a_full_backlog_is_unreachable),
        cmocka_unit_test(messages_are_whole_or_refused),
        cmocka_unit_test(a_deadline_holds_over_signals),
        cmocka_unit_test(descriptors_travel_and_never_leak),
        cmocka_unit_test(rules_break_messages),
        cmocka_unit_test(the_service_manager_is_told),
    };

    return cmocka_run_group_tests(tests, base_test_setup, base_test_teardown);
}
