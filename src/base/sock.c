/*
 * sock.c: sockets over system calls, with injection points.  See sock.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/inject.h"

#define FDS_MAX       8
#define ADDRESSES_MAX 8
#define RETRY_US      10000

static int
injected(const char *point)
{
    int error = rs_inject_before(point);

    if (error != 0)
        errno = error;
    return error != 0;
}

rs_code
rs_sock_pair(size_t buf_size, int ret_fd[2], struct rs_err *err)
{
    int fd[2], size = (int)buf_size;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
        return rs_fail_errno(err, RS_E_INTERNAL, "cannot make a socket pair");
    for (int i = 0; i < 2; i++) {
        /* The forced form passes the system's maximum where we may; the plain one else. */
        if (setsockopt(fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
            (void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        ret_fd[i] = fd[i];
    }
    return RS_OK;
}

/* ---- Addresses ------------------------------------------------------------------ */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } as;
    socklen_t len;
    int family;
};

static rs_code
unix_address(const char *path, struct address *a, struct rs_err *err)
{
    memset(a, 0, sizeof(*a));
    a->family = AF_UNIX;
    a->as.local.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(a->as.local.sun_path))
        return rs_fail(err, RS_E_USAGE, "socket path too long: %.60s", path);
    memcpy(a->as.local.sun_path, path, strlen(path) + 1);
    a->len = sizeof(a->as.local);
    return RS_OK;
}

/* "host:port" and "[v6]:port" into two texts. */
static rs_code
split_host_port(const char *text, char host[256], char port[16], struct rs_err *err)
{
    const char *colon = strrchr(text, ':');
    size_t host_len;

    if (colon == NULL || strlen(colon + 1) >= 16 || colon[1] == '\0')
        return rs_fail(err, RS_E_USAGE, "\"%.80s\" is not host:port", text);
    host_len = (size_t)(colon - text);
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len >= 256)
        return rs_fail(err, RS_E_USAGE, "host name too long");
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    (void)snprintf(port, 16, "%s", colon + 1);
    return RS_OK;
}

/* All addresses of a name, in the system's order: "localhost" is often two. */
static rs_code
resolve(const char *text, int passive, struct address list_out[ADDRESSES_MAX], size_t *ret_count,
        struct rs_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char host[256], port[16];
    rs_code rc;
    int n;

    *ret_count = 1;
    if (strncmp(text, "unix:", 5) == 0)
        return unix_address(text + 5, &list_out[0], err);
    rc = split_host_port(text, host, port, err);
    if (rc != RS_OK)
        return rc;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    n = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
    if (n != 0)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "cannot find %.80s: %s", text, gai_strerror(n));
    *ret_count = 0;
    for (const struct addrinfo *i = list; i != NULL && *ret_count < ADDRESSES_MAX; i = i->ai_next) {
        struct address *a = &list_out[(*ret_count)++];
        memset(a, 0, sizeof(*a));
        memcpy(&a->as.room, i->ai_addr, i->ai_addrlen);
        a->len = i->ai_addrlen;
        a->family = i->ai_family;
    }
    freeaddrinfo(list);
    return RS_OK;
}

/* ---- Listen and connect ------------------------------------------------------------ */

static rs_code
bind_and_listen(int fd, const char *text, const struct address *a, int backlog, struct rs_err *err)
{
    int on = 1, local = a->family == AF_UNIX;
    struct stat st;

    if (local && lstat(a->as.local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(a->as.local.sun_path);
    if (!local)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* Nobody connects before listen(), so the mode is right from the first moment. */
    if (bind(fd, &a->as.any, a->len) != 0 || (local && chmod(a->as.local.sun_path, 0600) != 0) ||
        listen(fd, backlog) != 0) {
        if (errno == EADDRINUSE)
            return rs_fail_errno(err, RS_E_PORT_IN_USE, "cannot listen on %s: in use", text);
        return rs_fail_errno(err, RS_E_FILE_FAILED, "cannot listen on %s", text);
    }
    return RS_OK;
}

rs_code
rs_sock_listen(const char *address, int backlog, int *ret_fd, struct rs_err *err)
{
    struct address a[ADDRESSES_MAX];
    size_t count;
    rs_code rc;
    int fd, on = 1;

    rc = resolve(address, 1, a, &count, err);
    if (rc != RS_OK)
        return rc;
    fd = socket(a[0].family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return rs_fail_errno(err, RS_E_FILE_FAILED, "cannot make a socket for %s", address);
    rc = bind_and_listen(fd, address, &a[0], backlog, err);
    if (rc != RS_OK) {
        (void)close(fd);
        return rc;
    }
    /* Connections inherit it: an answer in two writes would wait for a late acknowledgement. */
    if (a[0].family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *ret_fd = fd;
    return RS_OK;
}

rs_code
rs_sock_accept(int listen_fd, int timeout_ms, int *ret_fd, struct rs_err *err)
{
    struct pollfd p = {.fd = listen_fd, .events = POLLIN};
    int fd = -1;

    if (poll(&p, 1, timeout_ms) > 0) {
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return rs_fail_errno(err, RS_E_FILE_FAILED, "cannot take a connection");
    }
    *ret_fd = fd;
    return RS_OK;
}

void
rs_sock_shutdown(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

int
rs_sock_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } a = {.room = {0}};
    socklen_t len = sizeof(a);

    if (getsockname(fd, &a.any, &len) != 0)
        return -1;
    if (a.any.sa_family == AF_INET)
        return ntohs(a.v4.sin_port);
    return a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port) : -1;
}

/* Milliseconds until a moment of rs_mono_us(), 0 when it is over. */
static int
left_ms(uint64_t until_us)
{
    uint64_t now = rs_mono_us();

    return now >= until_us ? 0 : (int)((until_us - now + 999) / 1000);
}

/* poll() that goes on after signals. */
static int
poll_until(int fd, short events, uint64_t until_us)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;

    do
        n = poll(&p, 1, left_ms(until_us));
    while (n < 0 && errno == EINTR);
    return n;
}

static int
connect_until(int fd, const struct address *a, uint64_t until_us)
{
    int error = 0;
    socklen_t len = sizeof(error);

    /* A Unix socket whose backlog is full says EAGAIN, and there is nothing to poll for. */
    while (connect(fd, &a->as.any, a->len) != 0) {
        if (errno == EINPROGRESS)
            break;
        if (errno != EAGAIN || left_ms(until_us) == 0)
            return 0;
        rs_sleep_us(RETRY_US);
    }
    if (poll_until(fd, POLLOUT, until_us) <= 0) {
        errno = ETIMEDOUT;
        return 0;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        errno = error;
        return 0;
    }
    return 1;
}

rs_code
rs_sock_connect(const char *address, unsigned timeout_ms, int *ret_fd, struct rs_err *err)
{
    uint64_t until_us = rs_mono_us() + (uint64_t)timeout_ms * 1000;
    struct address a[ADDRESSES_MAX];
    size_t count, i;
    rs_code rc;
    int fd = -1, on = 1, why = 0;

    rc = resolve(address, 0, a, &count, err);
    if (rc != RS_OK)
        return rc;
    for (i = 0; i < count; i++) {
        fd = socket(a[i].family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect_until(fd, &a[i], until_us))
            break;
        why = errno;
        rs_sock_close(fd);
    }
    if (i == count) {
        errno = why;
        return rs_fail_errno(err, RS_E_NET_UNREACHABLE, "cannot connect to %s", address);
    }
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (a[i].family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *ret_fd = fd;
    return RS_OK;
}

void
rs_sock_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* ---- Messages -------------------------------------------------------------------------- */

rs_code
rs_sock_send(int fd, struct rs_bytes message, struct rs_err *err)
{
    ssize_t n;

    if (injected("send"))
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "cannot send");
    do
        n = send(fd, message.p, message.len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EMSGSIZE)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "a message of %zu bytes does not fit",
                       message.len);
    if (n != (ssize_t)message.len)
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "the other side is gone");
    rs_inject_after("send");
    return RS_OK;
}

rs_code
rs_sock_receive(int fd, uint8_t *buf, size_t cap, int timeout_ms, size_t *ret_len,
                struct rs_err *err)
{
    uint64_t until_us = rs_mono_us() + (timeout_ms > 0 ? (uint64_t)timeout_ms * 1000 : 0);
    ssize_t n;

    if (injected("receive"))
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "cannot receive");
    if (timeout_ms >= 0 && poll_until(fd, POLLIN, until_us) == 0)
        return rs_fail(err, RS_E_SIGNER_AWAY, "no message within %d ms", timeout_ms);
    do
        n = recv(fd, buf, cap, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "cannot receive");
    if (n > (ssize_t)cap)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "message of %zd bytes, at most %zu", n, cap);
    *ret_len = n < 0 ? 0 : (size_t)n;
    rs_inject_after("receive");
    return RS_OK;
}

rs_code
rs_sock_write(int fd, struct rs_bytes bytes, struct rs_err *err)
{
    size_t at = 0;

    while (at < bytes.len) {
        ssize_t n = send(fd, bytes.p + at, bytes.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return rs_fail_errno(err, RS_E_NET_UNREACHABLE, "the other side is gone");
        at += (size_t)n;
    }
    return RS_OK;
}

rs_code
rs_sock_read(int fd, uint8_t *buf, size_t len, struct rs_err *err)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = recv(fd, buf + at, len - at, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            return rs_fail_errno(err, RS_E_NET_UNREACHABLE, "the other side is gone");
        at += (size_t)n;
    }
    return RS_OK;
}

/* ---- Descriptors --------------------------------------------------------------------------- */

union fd_room {
    char buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    struct cmsghdr align;
};

rs_code
rs_sock_send_fds(int fd, const int *fds, size_t count, struct rs_err *err)
{
    union fd_room room;
    char byte = 'f';
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.buf};
    struct cmsghdr *c;

    if (count == 0 || count > FDS_MAX)
        return rs_fail(err, RS_E_INTERNAL, "%zu descriptors", count);
    memset(&room, 0, sizeof(room));
    m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    if (sendmsg(fd, &m, MSG_NOSIGNAL) != 1)
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "cannot hand over descriptors");
    return RS_OK;
}

rs_code
rs_sock_receive_fds(int fd, int *fds, size_t cap, size_t *ret_count, struct rs_err *err)
{
    union fd_room room;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room.buf,
                       .msg_controllen = sizeof(room.buf)};
    const struct cmsghdr *c;
    int got[FDS_MAX];
    size_t count;
    ssize_t n;

    do
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        return rs_fail_errno(err, RS_E_SIGNER_AWAY, "no descriptors came");
    c = CMSG_FIRSTHDR(&m);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "no descriptors in the message");
    count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(got, CMSG_DATA(c), count * sizeof(int));
    if (count > cap) {
        for (size_t i = 0; i < count; i++)
            rs_sock_close(got[i]);
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "%zu descriptors, at most %zu", count, cap);
    }
    memcpy(fds, got, count * sizeof(int));
    *ret_count = count;
    return RS_OK;
}

/* ---- The service manager ---------------------------------------------------------------- */

void
rs_sock_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct address a;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@') || unix_address(path, &a, NULL) != RS_OK)
        return;
    if (path[0] == '@')
        a.as.local.sun_path[0] = '\0'; /* an abstract name, which has no end but its length */
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (!injected("notify"))
        (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, &a.as.any, a.len);
    (void)close(fd);
}
