/*
 * http_load.c: the same request over and over, plain HTTP, as many times as asked for.
 *
 * One thread; in every turn it asks on all connections and then reads all answers.
 * An answer without status 200 or of quite another length than the first one ends it.
 *
 *   http_load PORT CONNECTIONS TURNS REQUEST-FILE... [close]
 *
 * The files hold whole requests; connection n sends file n, n + files, and so on.
 * close: a new connection for every request.  Prints "ready", waits for a line on
 * standard input, prints "ANSWERS BYTES" (of the body) at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define CONNECTIONS_MAX 256
#define MESSAGE_MAX     8192
#define SLACK           8

struct request {
    char bytes[MESSAGE_MAX];
    size_t len;
};

static struct {
    struct sockaddr_in address;
    struct request *requests;
    unsigned request_count, connections;
    int fds[CONNECTIONS_MAX];
    size_t body_len; /* of every answer; 0: not known yet */
} h;

static void
read_request(const char *path, struct request *r)
{
    FILE *f = fopen(path, "rb");

    bench_must(f != NULL, path);
    r->len = fread(r->bytes, 1, sizeof(r->bytes), f);
    bench_must(r->len > 0 && r->len < sizeof(r->bytes), path);
    (void)fclose(f);
}

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    bench_must(fd >= 0 && connect(fd, (struct sockaddr *)&h.address, sizeof(h.address)) == 0,
               "connection");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void
ask(int fd, const struct request *r)
{
    bench_must(send(fd, r->bytes, r->len, MSG_NOSIGNAL) == (ssize_t)r->len, "request");
}

/* Content-Length of a whole head; 0: none, the body ends with the connection. */
static size_t
length_of(const char *head, const char *end)
{
    for (const char *line = head; line < end; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

static void
take_answer(int fd)
{
    char answer[MESSAGE_MAX];
    size_t len = 0, body = 0;
    const char *end = NULL;
    ssize_t n;

    do {
        n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
        answer[len] = '\0';
        if (end == NULL && (end = strstr(answer, "\r\n\r\n")) != NULL)
            body = length_of(answer, end);
    } while (n > 0 && (end == NULL || body == 0 || len < (size_t)(end + 4 - answer) + body));
    bench_must(end != NULL && strncmp(answer + 8, " 200 ", 5) == 0, answer);
    body = len - (size_t)(end + 4 - answer);
    if (h.body_len == 0)
        h.body_len = body;
    /* Signatures differ by a byte or two. */
    bench_must(body > 0 && body + SLACK >= h.body_len && body <= h.body_len + SLACK,
               "length of an answer");
}

static void
turn(int close_each)
{
    for (unsigned i = 0; i < h.connections; i++) {
        if (close_each)
            h.fds[i] = dial();
        ask(h.fds[i], &h.requests[i % h.request_count]);
    }
    for (unsigned i = 0; i < h.connections; i++) {
        take_answer(h.fds[i]);
        if (close_each)
            (void)close(h.fds[i]);
    }
}

int
main(int argc, char **argv)
{
    int close_each = argc > 5 && strcmp(argv[argc - 1], "close") == 0;
    unsigned turns;
    char line[16];

    bench_must(argc >= 5, "PORT CONNECTIONS TURNS REQUEST-FILE... [close]");
    h.address.sin_family = AF_INET;
    h.address.sin_port = htons((uint16_t)atoi(argv[1]));
    h.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h.connections = (unsigned)atoi(argv[2]);
    turns = (unsigned)atoi(argv[3]);
    h.request_count = (unsigned)(argc - 4 - close_each);
    bench_must(h.connections > 0 && h.connections <= CONNECTIONS_MAX && h.request_count > 0,
               "numbers");
    h.requests = calloc(h.request_count, sizeof(*h.requests));
    bench_must(h.requests != NULL, "memory");
    for (unsigned i = 0; i < h.request_count; i++)
        read_request(argv[4 + i], &h.requests[i]);
    for (unsigned i = 0; i < h.connections && !close_each; i++)
        h.fds[i] = dial();
    (void)printf("ready\n");
    (void)fflush(stdout);
    bench_must(fgets(line, sizeof(line), stdin) != NULL, "the word to go");
    for (unsigned i = 0; i < turns; i++)
        turn(close_each);
    (void)printf("%u %zu\n", h.connections * turns, h.body_len);
    free(h.requests);
    return 0;
}
