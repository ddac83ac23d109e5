/*
 * tls_bare.c: the least that a server of mutual TLS can cost: OpenSSL, blocking, one at a time.
 *
 * Accepts, shakes hands with a client certificate asked for and verified, reads one
 * request and answers it with a fixed text, closes.  No event loop, no parsing, no
 * other thread.  "same" has our server's groups, algorithms and number of tickets,
 * and holds sessions in memory as it does; "default" is what OpenSSL does by itself.
 *
 *   tls_bare same|default CERT-CHAIN KEY CLIENT-CAS      prints its port, serves until killed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench.h"

static const char answer[] = "HTTP/1.1 404 Not Found\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Date: Sun, 29 Nov 2026 00:00:00 GMT\r\n"
                             "Content-Length: 40\r\n"
                             "Connection: close\r\n\r\n"
                             "request.unknown: there is nothing here.\n";

static SSL_CTX *
make_context(char **argv)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char groups[] = "X25519:P-256:P-384";
    char sigalgs[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:"
                     "RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

    bench_must(ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, argv[2]) == 1 &&
                   SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_load_verify_locations(ctx, argv[4], NULL) == 1 &&
                   SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bare", 4) == 1,
               "certificates");
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(argv[4]));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (strcmp(argv[1], "default") == 0)
        return ctx;
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    bench_must(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
                   SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
                   SSL_CTX_set1_sigalgs_list(ctx, sigalgs) == 1,
               "settings");
    return ctx;
}

static int
open_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    bench_must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
                   listen(fd, 1024) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0,
               "port");
    (void)printf("%d\n", ntohs(a.sin_port));
    (void)fflush(stdout);
    return fd;
}

static void
serve(SSL *ssl)
{
    char request[4096];
    int len = 0, n;

    if (SSL_accept(ssl) != 1)
        return;
    do {
        n = SSL_read(ssl, request + len, (int)sizeof(request) - 1 - len);
        len += n > 0 ? n : 0;
        request[len] = '\0';
    } while (n > 0 && strstr(request, "\r\n\r\n") == NULL);
    if (n > 0 && SSL_write(ssl, answer, (int)sizeof(answer) - 1) > 0)
        (void)SSL_shutdown(ssl);
}

int
main(int argc, char **argv)
{
    SSL_CTX *ctx;
    int fd, on = 1;

    bench_must(argc == 5, "same|default CERT-CHAIN KEY CLIENT-CAS");
    (void)signal(SIGPIPE, SIG_IGN);
    ctx = make_context(argv);
    fd = open_port();
    for (;;) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        SSL *ssl;
        if (client < 0)
            continue;
        (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        ssl = SSL_new(ctx);
        bench_must(ssl != NULL && SSL_set_fd(ssl, client) == 1, "connection");
        serve(ssl);
        SSL_free(ssl);
        (void)close(client);
    }
}
