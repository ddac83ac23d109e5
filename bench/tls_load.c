/*
 * tls_load.c: clients that connect with mutual TLS, ask once, and leave.
 *
 * Every thread has devices of its own and takes them in turns, one connection at a
 * time.  With --resume a device offers the session of its last connection; how many
 * connections were resumed is printed, so that nobody has to believe it.
 *
 *   tls_load HOST PORT CA CERT-PATTERN KEY-PATTERN DEVICES THREADS COUNT [resume]
 *
 * {n} in the patterns is the device's number, from 1 on.  COUNT: connections of each
 * thread.  Prints "ready", waits for a line on standard input, and at the end prints
 * "CONNECTIONS RESUMED".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench.h"

#define DEVICES_MAX 256

static struct {
    struct sockaddr_in address;
    const char *host;
    SSL_CTX *devices[DEVICES_MAX];
    SSL_SESSION *sessions[DEVICES_MAX];
    unsigned device_count, threads, count;
    int resume;
    atomic_uint done, resumed;
} t;

/* TLS 1.3 tickets come with or after the answer. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **slot = SSL_get_app_data(ssl);

    SSL_SESSION_free(*slot);
    *slot = session;
    return 1;
}

static void
file_of(const char *pattern, unsigned n, char *out, size_t cap)
{
    const char *at = strstr(pattern, "{n}");

    bench_must(at != NULL, "{n} in a pattern");
    (void)snprintf(out, cap, "%.*s%u%s", (int)(at - pattern), pattern, n, at + 3);
}

static SSL_CTX *
make_device(char **argv, unsigned n)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char cert[512], key[512];

    file_of(argv[4], n, cert, sizeof(cert));
    file_of(argv[5], n, key, sizeof(key));
    bench_must(ctx != NULL && SSL_CTX_load_verify_locations(ctx, argv[3], NULL) == 1 &&
                   SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 &&
                   SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1,
               cert);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    /* Else a server that ends without a close_notify makes the session useless. */
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (t.resume) {
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                                      SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(ctx, on_session);
    }
    return ctx;
}

static void
ask(SSL *ssl)
{
    static const char request[] =
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char answer[4096];
    int len = 0, n;

    bench_must(SSL_connect(ssl) == 1, "handshake");
    bench_must(SSL_write(ssl, request, (int)sizeof(request) - 1) > 0, "request");
    while ((n = SSL_read(ssl, answer + len, (int)sizeof(answer) - 1 - len)) > 0)
        len += n;
    answer[len] = '\0';
    bench_must(strstr(answer, " 404 ") != NULL, "answer");
    t.resumed += (unsigned)SSL_session_reused(ssl);
}

static void
connect_once(unsigned device)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    SSL *ssl = SSL_new(t.devices[device]);

    bench_must(fd >= 0 && ssl != NULL &&
                   connect(fd, (struct sockaddr *)&t.address, sizeof(t.address)) == 0,
               "connection");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    bench_must(SSL_set_fd(ssl, fd) == 1 && SSL_set1_host(ssl, t.host) == 1, "connection");
    (void)SSL_set_app_data(ssl, &t.sessions[device]);
    if (t.resume && t.sessions[device] != NULL)
        bench_must(SSL_set_session(ssl, t.sessions[device]) == 1, "session");
    ask(ssl);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
    t.done++;
}

static void *
run(void *arg)
{
    unsigned first = (unsigned)(uintptr_t)arg, own = t.device_count / t.threads;

    for (unsigned i = 0; i < t.count; i++)
        connect_once(first + i % own * t.threads);
    return NULL;
}

int
main(int argc, char **argv)
{
    pthread_t threads[64];
    char line[16];

    bench_must(argc >= 9, "HOST PORT CA CERT KEY DEVICES THREADS COUNT [resume]");
    t.host = argv[1];
    t.address.sin_family = AF_INET;
    t.address.sin_port = htons((uint16_t)atoi(argv[2]));
    t.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t.device_count = (unsigned)atoi(argv[6]);
    t.threads = (unsigned)atoi(argv[7]);
    t.count = (unsigned)atoi(argv[8]);
    t.resume = argc > 9;
    bench_must(t.threads > 0 && t.threads <= 64 && t.device_count >= t.threads &&
                   t.device_count <= DEVICES_MAX,
               "numbers");
    (void)signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < t.device_count; i++)
        t.devices[i] = make_device(argv, i + 1);
    (void)printf("ready\n");
    (void)fflush(stdout);
    bench_must(fgets(line, sizeof(line), stdin) != NULL, "the word to go");
    for (uintptr_t i = 0; i < t.threads; i++)
        bench_must(pthread_create(&threads[i], NULL, run, (void *)i) == 0, "thread");
    for (unsigned i = 0; i < t.threads; i++)
        (void)pthread_join(threads[i], NULL);
    (void)printf("%u %u\n", t.done, t.resumed);
    return 0;
}
