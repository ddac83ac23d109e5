/*
 * est_plain.c: what the server does for an enrolment, over plain HTTP and without asking who.
 *
 * The same loops, EST handler, PKI, signer process, ledger and store as in the server's
 * front; only TLS and the client's identity are left out, so that it can stand beside
 * servers that have neither.  It is no part of the product, listens on loopback, and
 * takes everybody for the person that it is started with.
 *
 *   est_plain SIGNER DATA PERSON        prints "PORT SIGNER-PID"; ends with its standard input
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sock.h"
#include "bench.h"
#include "http/http.h"
#include "proto/est.h"

#define BUFFER ((size_t)4 << 20)

static struct {
    struct pki *pki;
    struct signer_client *client;
    pid_t signer;
    struct pki_caller caller;
} e;

struct exchange {
    struct est_call call;
    struct http_exchange *exchange;
};

static void
on_reply(void *arg, const struct est_reply *reply)
{
    struct exchange *x = arg;
    struct http_header header = {reply->header, reply->value};

    http_reply(x->exchange, reply->status, reply->content_type, reply->body, &header,
               reply->header != NULL);
    free(x);
}

static void
on_request(void *arg, const struct http_request *request)
{
    struct exchange *x = calloc(1, sizeof(*x));

    (void)arg;
    bench_must(x != NULL && est_parse_path(request->path, x->call.label, &x->call.operation),
               "request");
    x->exchange = request->exchange;
    x->call.pki = e.pki;
    x->call.caller = e.caller;
    x->call.method = request->method == HTTP_POST ? EST_POST : EST_GET;
    x->call.has_length = 1;
    x->call.content_type = request->content_type;
    x->call.body = request->body;
    est_handle(&x->call, on_reply, x);
}

static void
start_signer(const char *program, const char *data, int *ret_fd)
{
    char dir[512], witness[512], fd[16];
    int pair[2];

    bench_must(rs_sock_pair(BUFFER, pair, NULL) == RS_OK, "socket pair");
    (void)snprintf(dir, sizeof(dir), "%s/signer", data);
    (void)snprintf(witness, sizeof(witness), "%s/witness", data);
    (void)snprintf(fd, sizeof(fd), "%d", pair[1]);
    e.signer = fork();
    bench_must(e.signer >= 0, "fork");
    if (e.signer == 0) {
        (void)fcntl(pair[1], F_SETFD, 0);
        (void)execl(program, program, "--data", dir, "--witness", witness, "--fd", fd, NULL);
        _exit(127);
    }
    rs_sock_close(pair[1]);
    *ret_fd = pair[0];
}

int
main(int argc, char **argv)
{
    struct pki_config config = {.tenant = "default"};
    struct http_listener listener = {.handler = on_request};
    struct http_server *server;
    struct proto_ready ready;
    struct rs_err err = {0};
    char url[600], byte;
    int fd;

    bench_must(argc == 4, "SIGNER DATA PERSON");
    e.caller.role = PKI_PERSON;
    (void)snprintf(e.caller.name, sizeof(e.caller.name), "%s", argv[3]);
    (void)snprintf(e.caller.who, sizeof(e.caller.who), "person:%s", argv[3]);
    start_signer(argv[1], argv[2], &fd);
    bench_must(signer_client_new(fd, "bench", &e.client, &ready, &err) == RS_OK, err.text);
    (void)snprintf(url, sizeof(url), "sqlite:%s/store.db", argv[2]);
    config.store_url = url;
    config.signer = e.client;
    config.signer_id = ready.signer_id;
    bench_must(pki_open(&config, &e.pki, &err) == RS_OK, err.text);
    bench_must(rs_sock_listen("127.0.0.1:0", 128, &listener.fd, &err) == RS_OK, err.text);
    bench_must(http_server_new(&listener, 1, 0, &server, &err) == RS_OK, err.text);
    (void)printf("%d %d\n", rs_sock_port(listener.fd), (int)e.signer);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    http_server_free(server);
    signer_client_free(e.client);
    (void)waitpid(e.signer, NULL, 0);
    pki_close(e.pki);
    return 0;
}
