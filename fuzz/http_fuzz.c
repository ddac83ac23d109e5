/*
 * http_fuzz.c: whatever a client sends, through evhttp into request.c.
 *
 * One listening socket on loopback for the whole run; every input is one
 * connection that is reset afterwards, so that no port lingers.  Nothing else
 * waits: one thread turns the loop until the server has closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/http.h>

#include "http/request.h"

#define TURNS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct sockaddr_in address = {.sin_family = AF_INET};

/* ---- The server ---------------------------------------------------------------------- */

static void
check(const struct http_request *r, const char *path, const char *type, const char *uri)
{
    size_t whole = strlen(r->path) + (r->query[0] != '\0' ? 1 + strlen(r->query) : 0);

    if (r->path != path || r->path[0] != '/' || strchr(r->path, '?') != NULL)
        abort();
    /* Nothing is lost of the target but a "?" at its end. */
    if (strlen(uri) != whole && strlen(uri) != whole + 1)
        abort();
    if (r->content_type != type || strlen(type) >= HTTP_TYPE_SIZE ||
        strcspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ; ") != strlen(type))
        abort();
    if (r->method < HTTP_GET || r->method > HTTP_DELETE || r->body.len > HTTP_BODY_MAX)
        abort();
    for (size_t i = 0; i < r->body.len; i++) {
        volatile uint8_t seen = r->body.p[i]; /* every byte is there */
        (void)seen;
    }
}

static void
on_request(struct evhttp_request *req, void *arg)
{
    struct http_request r = {0};
    char type[HTTP_TYPE_SIZE], *path = NULL;
    int ok = http_request_take(req, &r, &path, type);

    (void)arg;
    if (ok)
        check(&r, path, type, evhttp_request_get_uri(req));
    free(path);
    evhttp_send_reply(req, ok ? 200 : 400, NULL, NULL);
}

static void
quiet(int severity, const char *text)
{
    (void)severity;
    (void)text;
}

static void
open_server(void)
{
    struct evhttp_bound_socket *bound;
    struct evhttp *http;
    socklen_t len = sizeof(address);

    event_set_log_callback(quiet);
    base = event_base_new();
    http = base == NULL ? NULL : evhttp_new(base);
    if (http == NULL)
        abort();
    http_request_limits(http);
    evhttp_set_gencb(http, on_request, NULL);
    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0)
        abort();
}

/* ---- The client ---------------------------------------------------------------------- */

/* The fuzzer's own alarm may come in between, as it does on a busy machine. */
static int
connect_to(int fd, const struct sockaddr_in *to)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int error = 0, n;

    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
        return 1;
    if (errno != EINPROGRESS && errno != EINTR)
        return 0;
    do
        n = poll(&p, 1, -1);
    while (n < 0 && errno == EINTR);
    if (n == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        return 1;
    errno = error;
    return 0;
}

/*
 * Where the server closed first, the pair of ports rests for a minute: clients
 * come from many loopback addresses, so that thousands a second find a free one.
 */
static int
connect_client(void)
{
    static uint32_t runs;
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct linger reset = {1, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    from.sin_addr.s_addr = htonl(0x7f010000u + runs++ % 4096u);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        !connect_to(fd, &address) ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0) {
        perror("http_fuzz: no client");
        abort();
    }
    return fd;
}

/* 0 when the server has closed. */
static int
drain(int fd)
{
    char answer[4096];
    ssize_t n;

    do
        n = recv(fd, answer, sizeof(answer), 0);
    while (n > 0);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t sent = 0;
    int fd;

    if (base == NULL)
        open_server();
    fd = connect_client();
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        ssize_t n = sent < size ? send(fd, data + sent, size - sent, MSG_NOSIGNAL) : 0;
        if (n > 0)
            sent += (size_t)n;
        if (sent == size && (size == 0 || n >= 0))
            (void)shutdown(fd, SHUT_WR);
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
        if (!drain(fd))
            break;
    }
    (void)close(fd);
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
    return 0;
}
