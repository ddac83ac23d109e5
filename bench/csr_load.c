/*
 * csr_load.c: the same requests for certificates to different servers, plain HTTP, kept alive.
 *
 *   csr_load make FILE NAME COUNT                      keys and requests for CN=NAME-1 and on,
 *                                                      one a line, base64
 *   csr_load est|cfssl PORT PATH FILE FIRST COUNT CONNECTIONS
 *
 * One thread; it asks on all connections and then reads all answers, each of which must
 * be 200 and hold a certificate.  Prints "ready", waits for a line on standard input,
 * and prints "CERTIFICATES SECONDS" at the end.
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
#include <time.h>
#include <unistd.h>

#include "../tests/load/load.h"
#include "bench.h"

#define CONNECTIONS_MAX 256
#define MESSAGE_MAX     16384

static struct {
    struct sockaddr_in address;
    int is_cfssl;
    const char *path;
    char **requests; /* base64 of each CSR */
    unsigned count, connections;
    int fds[CONNECTIONS_MAX];
} l;

static int
make_requests(const char *file, const char *name, size_t count)
{
    FILE *f = fopen(file, "w");

    bench_must(f != NULL, file);
    for (size_t i = 0; i < count; i++) {
        X509_NAME *subject = X509_NAME_new();
        struct request r;
        char cn[64];
        (void)snprintf(cn, sizeof(cn), "%s-%zu", name, i + 1);
        bench_must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                              (const unsigned char *)cn, -1, -1, 0) == 1 &&
                       request_make(&r, REQUEST_RENEW, name, i, subject),
                   "request");
        bench_must(fprintf(f, "%s\n", r.body) > 0, file);
        request_free(&r);
        X509_NAME_free(subject);
    }
    bench_must(fclose(f) == 0, file);
    return 0;
}

static void
read_requests(const char *file, unsigned first)
{
    FILE *f = fopen(file, "r");
    char line[CSR_MAX * 2];

    l.requests = calloc(l.count, sizeof(*l.requests));
    bench_must(f != NULL && l.requests != NULL, file);
    for (unsigned i = 0; i < first; i++)
        bench_must(fgets(line, sizeof(line), f) != NULL, "so many requests");
    for (unsigned i = 0; i < l.count; i++) {
        bench_must(fgets(line, sizeof(line), f) != NULL, "so many requests");
        line[strcspn(line, "\n")] = '\0';
        l.requests[i] = strdup(line);
        bench_must(l.requests[i] != NULL, "memory");
    }
    (void)fclose(f);
}

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    bench_must(fd >= 0 && connect(fd, (struct sockaddr *)&l.address, sizeof(l.address)) == 0,
               "connection");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void
ask(int fd, const char *csr)
{
    char body[CSR_MAX * 2 + 256], message[MESSAGE_MAX];
    int len, total;

    if (l.is_cfssl)
        len = snprintf(body, sizeof(body),
                       "{\"certificate_request\":\"-----BEGIN CERTIFICATE REQUEST-----\\n%s\\n"
                       "-----END CERTIFICATE REQUEST-----\\n\"}",
                       csr);
    else
        len = snprintf(body, sizeof(body), "%s", csr);
    total = snprintf(message, sizeof(message),
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                     "Content-Length: %d\r\n\r\n%s",
                     l.path, l.is_cfssl ? "application/json" : "application/pkcs10", len, body);
    bench_must(total < (int)sizeof(message) &&
                   send(fd, message, (size_t)total, MSG_NOSIGNAL) == total,
               "request");
}

/* 1 when the body is whole: by its length, or by the last chunk. */
static int
is_whole(const char *answer, const char *end, size_t len)
{
    for (const char *line = answer; line < end; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return len >= (size_t)(end + 4 - answer) + strtoul(line + 15, NULL, 10);
    }
    return len >= 5 && memcmp(answer + len - 5, "0\r\n\r\n", 5) == 0;
}

static void
take_answer(int fd)
{
    char answer[MESSAGE_MAX];
    size_t len = 0;
    const char *end;
    ssize_t n;

    do {
        n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        bench_must(n > 0, "answer");
        len += (size_t)n;
        answer[len] = '\0';
        end = strstr(answer, "\r\n\r\n");
    } while (end == NULL || !is_whole(answer, end, len));
    bench_must(strncmp(answer + 8, " 200 ", 5) == 0 &&
                   strstr(end, l.is_cfssl ? "BEGIN CERTIFICATE" : "MII") != NULL,
               answer);
}

static double
seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    double start;
    char line[16];

    if (argc == 5 && strcmp(argv[1], "make") == 0)
        return make_requests(argv[2], argv[3], strtoul(argv[4], NULL, 10));
    bench_must(argc == 8, "est|cfssl PORT PATH FILE FIRST COUNT CONNECTIONS");
    l.is_cfssl = strcmp(argv[1], "cfssl") == 0;
    l.address.sin_family = AF_INET;
    l.address.sin_port = htons((uint16_t)atoi(argv[2]));
    l.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l.path = argv[3];
    l.count = (unsigned)atoi(argv[6]);
    l.connections = (unsigned)atoi(argv[7]);
    bench_must(l.connections > 0 && l.connections <= CONNECTIONS_MAX, "connections");
    read_requests(argv[4], (unsigned)atoi(argv[5]));
    for (unsigned i = 0; i < l.connections; i++)
        l.fds[i] = dial();
    (void)printf("ready\n");
    (void)fflush(stdout);
    bench_must(fgets(line, sizeof(line), stdin) != NULL, "the word to go");
    start = seconds();
    for (unsigned i = 0; i < l.count; i += l.connections) {
        unsigned n = l.count - i < l.connections ? l.count - i : l.connections;
        for (unsigned k = 0; k < n; k++)
            ask(l.fds[k], l.requests[i + k]);
        for (unsigned k = 0; k < n; k++)
            take_answer(l.fds[k]);
    }
    (void)printf("%u %.3f\n", l.count, seconds() - start);
    return 0;
}
