/*
 * server.c: evhttp behind our interface.
 *
 * Answers may come from any thread: they are put on their loop's list and the
 * loop is woken.  A connection that closes while an answer is outstanding
 * leaves the exchange without a request; the answer then goes nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>

#include "http/request.h"
#include "http/tls.h"

#define LOOPS_MAX      64
#define LISTENERS_MAX  8
#define IDLE_TIMEOUT_S 30
#define HEADERS_MAX    8

struct loop;

struct http_exchange {
    struct http_exchange *next; /* on its loop's list of answers */
    struct loop *loop;
    struct evhttp_request *req; /* NULL: the client is gone */
    SSL *ssl;
    struct http_request request;
    struct http_seen *seen; /* holds the bytes of request.peer_cert */
    char *path;
    char content_type[HTTP_TYPE_SIZE];
    struct late *late;
};

/* What goes out; everything borrowed. */
struct answer {
    int status;
    const char *type;
    struct rs_bytes body;
    const struct http_header *headers;
    size_t header_count;
};

/* A copy of an answer that waits for its loop. */
struct late {
    struct answer answer; /* of what follows */
    char type[96];
    struct http_header headers[HEADERS_MAX];
    struct {
        char name[48], value[160];
    } texts[HEADERS_MAX];
    uint8_t body[];
};

struct loop_listener {
    struct loop *loop;
    const struct http_listener *listener;
    struct evhttp *http;
};

struct loop {
    struct http_server *server;
    struct event_base *base;
    struct event *wake;
    pthread_t thread, self; /* self: known to the loop from its first moment */
    pthread_mutex_t lock;
    struct http_exchange *answers;
    atomic_int stopping;
    struct loop_listener listeners[LISTENERS_MAX];
};

struct http_server {
    struct http_listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct loop loops[LOOPS_MAX];
    unsigned loop_count;
    atomic_uint_fast64_t requests, open;
};

/* ---- Exchanges --------------------------------------------------------------------------- */

static void
free_exchange(struct http_exchange *x)
{
    atomic_fetch_sub(&x->loop->server->open, 1);
    http_seen_drop(x->seen);
    free(x->path);
    free(x->late);
    free(x);
}

static void
on_client_gone(struct evhttp_connection *connection, void *arg)
{
    struct http_exchange *x = arg;

    (void)connection;
    x->req = NULL;
    x->ssl = NULL;
}

/* On the loop's thread.  The exchange ends with it. */
static void
send_answer(struct http_exchange *x, const struct answer *answer)
{
    struct evkeyvalq *out;
    struct evbuffer *body;

    if (x->req == NULL) {
        free_exchange(x);
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), NULL, NULL);
    out = evhttp_request_get_output_headers(x->req);
    if (answer->type != NULL && answer->type[0] != '\0')
        (void)evhttp_add_header(out, "Content-Type", answer->type);
    for (size_t i = 0; i < answer->header_count; i++)
        (void)evhttp_add_header(out, answer->headers[i].name, answer->headers[i].value);
    body = evhttp_request_get_output_buffer(x->req);
    if (answer->body.len > 0)
        (void)evbuffer_add(body, answer->body.p, answer->body.len);
    evhttp_send_reply(x->req, answer->status, NULL, NULL);
    free_exchange(x);
}

static void
send_late(struct http_exchange *x)
{
    static const struct answer none = {.status = 503};

    send_answer(x, x->late != NULL ? &x->late->answer : &none);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    struct http_exchange *list;

    (void)fd;
    (void)what;
    (void)pthread_mutex_lock(&l->lock);
    list = l->answers;
    l->answers = NULL;
    (void)pthread_mutex_unlock(&l->lock);
    while (list != NULL) {
        struct http_exchange *x = list;
        list = x->next;
        send_late(x);
    }
    if (atomic_load(&l->stopping)) {
        struct timeval soon = {0, 50000};
        (void)event_base_loopexit(l->base, &soon);
    }
}

static struct late *
copy_answer(const struct answer *from)
{
    struct late *late = calloc(1, sizeof(*late) + from->body.len);

    if (late == NULL)
        return NULL;
    late->answer.status = from->status;
    if (from->type != NULL)
        (void)snprintf(late->type, sizeof(late->type), "%s", from->type);
    late->answer.type = late->type;
    if (from->body.len > 0)
        memcpy(late->body, from->body.p, from->body.len);
    late->answer.body = rs_bytes_of(late->body, from->body.len);
    for (size_t i = 0; i < from->header_count; i++) {
        (void)snprintf(late->texts[i].name, sizeof(late->texts[i].name), "%s",
                       from->headers[i].name);
        (void)snprintf(late->texts[i].value, sizeof(late->texts[i].value), "%s",
                       from->headers[i].value);
        late->headers[i] = (struct http_header){late->texts[i].name, late->texts[i].value};
    }
    late->answer.headers = late->headers;
    late->answer.header_count = from->header_count;
    return late;
}

void
http_reply(struct http_exchange *x, int status, const char *content_type, struct rs_bytes body,
           const struct http_header *headers, size_t header_count)
{
    struct answer answer = {.status = status,
                            .type = content_type,
                            .body = body,
                            .headers = headers,
                            .header_count =
                                header_count < HEADERS_MAX ? header_count : HEADERS_MAX};
    struct loop *l = x->loop;
    int first;

    if (pthread_equal(pthread_self(), l->self)) {
        send_answer(x, &answer); /* from the handler itself */
        return;
    }
    x->late = copy_answer(&answer);
    (void)pthread_mutex_lock(&l->lock);
    first = l->answers == NULL;
    x->next = l->answers;
    l->answers = x;
    (void)pthread_mutex_unlock(&l->lock);
    if (first)
        event_active(l->wake, 0, 0);
}

int
http_exporter(struct http_exchange *x, const char *label, uint8_t out[HTTP_EXPORTER_SIZE])
{
    return x->ssl != NULL && SSL_export_keying_material(x->ssl, out, HTTP_EXPORTER_SIZE, label,
                                                        strlen(label), NULL, 0, 0) == 1;
}

/*
 * RFC 5929 3.1: the first Finished of the latest handshake, the client's in a full
 * one and ours in a resumed one.  Without RFC 7627 two connections could share it.
 */
size_t
http_binding(struct http_exchange *x, uint8_t out[HTTP_BINDING_MAX])
{
    if (x->ssl == NULL)
        return 0;
    if (SSL_version(x->ssl) >= TLS1_3_VERSION)
        return http_exporter(x, "EXPORTER-Channel-Binding", out) ? HTTP_EXPORTER_SIZE : 0;
    if (SSL_get_extms_support(x->ssl) != 1)
        return 0;
    return SSL_session_reused(x->ssl) ? SSL_get_finished(x->ssl, out, HTTP_BINDING_MAX)
                                      : SSL_get_peer_finished(x->ssl, out, HTTP_BINDING_MAX);
}

const char *
http_request_header(struct http_exchange *x, const char *name)
{
    return x->req == NULL ? NULL
                          : evhttp_find_header(evhttp_request_get_input_headers(x->req), name);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static void
take_peer(struct http_exchange *x, struct evhttp_request *req)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(req);
    char *address = NULL;
    ev_uint16_t port;

    evhttp_connection_get_peer(connection, &address, &port);
    x->request.address = address != NULL ? address : "";
    x->ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    if (x->ssl == NULL)
        return;
    x->request.peer = http_tls_peer(x->ssl, &x->seen);
    if (x->seen != NULL)
        x->request.peer_cert = x->seen->cert;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
    struct loop_listener *ll = arg;
    struct http_exchange *x = calloc(1, sizeof(*x));

    if (x == NULL) {
        evhttp_send_error(req, 503, NULL);
        return;
    }
    x->loop = ll->loop;
    x->req = req;
    x->request.exchange = x;
    atomic_fetch_add(&ll->loop->server->requests, 1);
    atomic_fetch_add(&ll->loop->server->open, 1);
    if (!http_request_take(req, &x->request, &x->path, x->content_type)) {
        evhttp_send_error(req, 400, NULL);
        free_exchange(x);
        return;
    }
    take_peer(x, req);
    evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_client_gone, x);
    ll->listener->handler(ll->listener->arg, &x->request);
}

/* ---- Loops --------------------------------------------------------------------------------- */

static struct bufferevent *
make_tls_bufferevent(struct event_base *base, void *arg)
{
    const struct http_tls *tls = arg;
    SSL *ssl = SSL_new(tls->ctx);

    if (ssl == NULL)
        return NULL;
    return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static int
open_listener(struct loop *l, size_t i)
{
    struct loop_listener *ll = &l->listeners[i];
    const struct http_listener *from = &l->server->listeners[i];
    int fd;

    ll->loop = l;
    ll->listener = from;
    ll->http = evhttp_new(l->base);
    fd = dup(from->fd);
    if (ll->http == NULL || fd < 0)
        return 0;
    http_request_limits(ll->http);
    evhttp_set_timeout(ll->http, IDLE_TIMEOUT_S);
    if (from->tls != NULL)
        evhttp_set_bevcb(ll->http, make_tls_bufferevent, from->tls);
    evhttp_set_gencb(ll->http, on_request, ll);
    return evhttp_accept_socket(ll->http, fd) == 0;
}

static void *
run_loop(void *arg)
{
    struct loop *l = arg;

    l->self = pthread_self();
    (void)event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

/*
 * Changes of what is waited for are gathered until the loop waits: half of the calls of a
 * small answer.  That needs descriptors that are not duplicated while they are waited for;
 * connections are not, and the listening sockets' copies stay until the end.
 */
static struct event_base *
new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    return base;
}

static int
open_loop(struct http_server *s, struct loop *l)
{
    l->server = s;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->base = new_base();
    if (l->base == NULL)
        return 0;
    l->wake = event_new(l->base, -1, EV_PERSIST, on_wake, l);
    if (l->wake == NULL || event_add(l->wake, NULL) != 0)
        return 0;
    for (size_t i = 0; i < s->listener_count; i++) {
        if (!open_listener(l, i))
            return 0;
    }
    return pthread_create(&l->thread, NULL, run_loop, l) == 0;
}

rs_code
http_server_new(const struct http_listener *listeners, size_t count, unsigned threads,
                struct http_server **ret_server, struct rs_err *err)
{
    struct http_server *s = calloc(1, sizeof(*s));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (s == NULL || count > LISTENERS_MAX || evthread_use_pthreads() != 0) {
        free(s);
        return rs_fail(err, RS_E_NO_MEMORY, "HTTP server");
    }
    memcpy(s->listeners, listeners, count * sizeof(*listeners));
    s->listener_count = count;
    if (threads == 0)
        threads = cores > 0 ? (unsigned)cores : 1;
    if (threads > LOOPS_MAX)
        threads = LOOPS_MAX;
    for (s->loop_count = 0; s->loop_count < threads; s->loop_count++) {
        if (!open_loop(s, &s->loops[s->loop_count])) {
            http_server_free(s);
            return rs_fail(err, RS_E_NO_MEMORY, "HTTP loop");
        }
    }
    *ret_server = s;
    return RS_OK;
}

void
http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->loop_count; i++) {
        atomic_store(&s->loops[i].stopping, 1);
        event_active(s->loops[i].wake, 0, 0);
    }
    for (unsigned i = 0; i < s->loop_count; i++) {
        struct loop *l = &s->loops[i];
        (void)pthread_join(l->thread, NULL);
        for (size_t k = 0; k < s->listener_count; k++)
            evhttp_free(l->listeners[k].http);
        event_free(l->wake);
        event_base_free(l->base);
        (void)pthread_mutex_destroy(&l->lock);
    }
    free(s);
}

void
http_get_figures(const struct http_server *s, struct http_figures *ret_figures)
{
    ret_figures->requests = atomic_load(&s->requests);
    ret_figures->open = atomic_load(&s->open);
}
