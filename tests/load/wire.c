/*
 * wire.c: one kept-alive HTTPS connection, blocking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

#define TIMEOUT_S 20
#define HEAD_MAX  1024

/* ---- Configuration ---------------------------------------------------------------------- */

static int
read_url(struct wire_config *c, const char *url)
{
    const char *host, *colon;

    if (strncmp(url, "https://", 8) != 0)
        return 0;
    host = url + 8;
    colon = strrchr(host, ':');
    if (colon == NULL || (size_t)(colon - host) >= sizeof(c->host))
        return 0;
    memcpy(c->host, host, (size_t)(colon - host));
    c->host[colon - host] = '\0';
    (void)snprintf(c->port, sizeof(c->port), "%.*s", (int)strcspn(colon + 1, "/"), colon + 1);
    return c->host[0] != '\0' && c->port[0] != '\0';
}

int
wire_configure(struct wire_config *c, const char *url, const char *ca_file, const char *cert_file,
               const char *key_file)
{
    memset(c, 0, sizeof(*c));
    c->tls = SSL_CTX_new(TLS_client_method());
    if (c->tls == NULL || !read_url(c, url))
        return 0;
    SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(c->tls, SSL_MODE_AUTO_RETRY);
    return SSL_CTX_load_verify_locations(c->tls, ca_file, NULL) == 1 &&
           SSL_CTX_use_certificate_chain_file(c->tls, cert_file) == 1 &&
           SSL_CTX_use_PrivateKey_file(c->tls, key_file, SSL_FILETYPE_PEM) == 1;
}

void
wire_init(struct wire *w, const struct wire_config *config)
{
    w->config = config;
    w->cert = NULL;
    w->key = NULL;
    w->ssl = NULL;
    w->fd = -1;
}

void
wire_close(struct wire *w)
{
    SSL_free(w->ssl);
    w->ssl = NULL;
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
}

/* ---- Connecting ------------------------------------------------------------------------- */

static int
dial(const struct wire_config *c)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    int fd = -1, on = 1;

    if (getaddrinfo(c->host, c->port, &hints, &list) != 0)
        return -1;
    for (a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    return fd;
}

/* As SSL_set_tlsext_host_name(), whose macro casts a const away. */
static int
name_it(struct wire *w)
{
    char host[sizeof(w->config->host)];

    memcpy(host, w->config->host, sizeof(host));
    return SSL_set_tlsext_host_name(w->ssl, host) == 1;
}

static int
be_somebody(struct wire *w)
{
    return w->cert == NULL ||
           (SSL_use_certificate(w->ssl, w->cert) == 1 && SSL_use_PrivateKey(w->ssl, w->key) == 1);
}

static int
connect_tls(struct wire *w)
{
    w->fd = dial(w->config);
    if (w->fd < 0)
        return 0;
    w->ssl = SSL_new(w->config->tls);
    if (w->ssl != NULL && SSL_set_fd(w->ssl, w->fd) == 1 &&
        SSL_set1_host(w->ssl, w->config->host) == 1 && name_it(w) && be_somebody(w) &&
        SSL_connect(w->ssl) == 1)
        return 1;
    wire_close(w);
    return 0;
}

/* ---- One exchange ------------------------------------------------------------------------ */

static int
send_request(struct wire *w, const char *path, const char *body, size_t body_len)
{
    char message[HEAD_MAX + CSR_MAX * 4 / 3 + 8];
    int head = snprintf(message, HEAD_MAX,
                        "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/pkcs10\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        path, w->config->host, w->config->port, body_len);
    int total;

    if (head <= 0 || head >= HEAD_MAX || body_len > sizeof(message) - HEAD_MAX)
        return 0;
    memcpy(message + head, body, body_len); /* one record, one segment */
    total = head + (int)body_len;
    return SSL_write(w->ssl, message, total) == total;
}

/* -1 while the head is not whole; else where the body begins. */
static long
find_body(struct wire *w, size_t *ret_len)
{
    const char *end, *line;

    w->buf[w->len] = '\0';
    end = strstr(w->buf, "\r\n\r\n");
    if (end == NULL)
        return -1;
    *ret_len = 0;
    for (line = w->buf; line < end; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            *ret_len = strtoul(line + 15, NULL, 10);
    }
    return (long)(end + 4 - w->buf);
}

static int
read_answer(struct wire *w, const char **ret_body, size_t *ret_len)
{
    long at = -1;

    w->len = 0;
    while (at < 0 || w->len < (size_t)at + *ret_len) {
        int n = SSL_read(w->ssl, w->buf + w->len, (int)(sizeof(w->buf) - 1 - w->len));
        if (n <= 0)
            return 0;
        w->len += (size_t)n;
        if (at < 0)
            at = find_body(w, ret_len);
    }
    *ret_body = w->buf + at;
    return (int)strtol(w->buf + strcspn(w->buf, " "), NULL, 10);
}

long
wire_header(const struct wire *w, const char *name)
{
    const char *line = w->buf, *end = strstr(w->buf, "\r\n\r\n");
    size_t len = strlen(name);

    for (; end != NULL && line < end; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return strtol(line + len + 1, NULL, 10);
    }
    return -1;
}

int
wire_post(struct wire *w, const char *path, const char *body, size_t body_len,
          const char **ret_body, size_t *ret_len)
{
    int status = 0;

    *ret_len = 0;
    if (w->fd < 0 && !connect_tls(w))
        return 0;
    if (send_request(w, path, body, body_len))
        status = read_answer(w, ret_body, ret_len);
    if (status == 0)
        wire_close(w);
    return status;
}
