/*
 * tls_test.c: what a client's certificate is worth, in full and resumed connections.
 *
 * A server of one loop tells every client what it takes it for.  Clients are
 * OpenSSL's own; the clock is moved by the rules of inject.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recipe_help.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/inject.h"
#include "base/sock.h"
#include "http/http.h"

static struct {
    EVP_PKEY *root_key, *ca_key, *client_key;
    X509 *root, *ca;
    struct crypto_key *server_key;
    struct http_tls *tls;
    struct http_server *server;
    int fd, port;
    char rules[64];
    atomic_int judged; /* how often the fast way was asked */
    int fast;          /* what it says */
} t;

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    SSL_SESSION *session; /* the newest that came */
    int peer;             /* what the server took it for */
    size_t cert_len;
    int linked; /* the server could bind something to the connection */
};

/* ---- The server -------------------------------------------------------------------------- */

static void
tell(void *arg, const struct http_request *request)
{
    uint8_t link[HTTP_BINDING_MAX];
    char text[48];
    int n = snprintf(text, sizeof(text), "%d %zu %d.", (int)request->peer, request->peer_cert.len,
                     http_binding(request->exchange, link) > 0);

    (void)arg;
    http_reply(request->exchange, 200, "text/plain", rs_bytes_of(text, (size_t)n), NULL, 0);
}

static int
judge(void *arg, struct rs_bytes cert, int64_t window[2])
{
    (void)arg;
    (void)cert;
    atomic_fetch_add(&t.judged, 1);
    window[0] = RECIPE_NOW - 50;
    window[1] = RECIPE_NOW + 50;
    return t.fast;
}

static void
set_clock(long shift)
{
    static int turn;
    FILE *f = fopen(t.rules, "w");
    char text[80];

    /* The file is read again when its time differs. */
    (void)snprintf(text, sizeof(text), "clock=@%ld%*s\n", (long)RECIPE_NOW + shift, turn++ % 8, "");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    (void)fclose(f);
    (void)usleep(20000);
    rs_inject_mark("clock-moved");
    assert_in_range(rs_now(), RECIPE_NOW + shift, RECIPE_NOW + shift + 20);
}

static struct help_der
der_of(X509 *cert)
{
    struct help_der d;
    uint8_t *p = d.p;

    d.len = (size_t)i2d_X509(cert, NULL);
    assert_true(d.len <= sizeof(d.p));
    (void)i2d_X509(cert, &p);
    return d;
}

static X509 *
server_cert(void)
{
    struct recipe r = recipe_ca("localhost", t.ca, t.ca_key, crypto_key_evp(t.server_key));

    r.constraints = "critical,CA:FALSE";
    r.usage = "critical,digitalSignature";
    return recipe_make(&r);
}

static int
set_up(void **state)
{
    struct http_tls_config config = {.judge = judge};
    static struct help_der ders[3];
    struct rs_bytes chain[1], clients[2];
    struct http_listener listener = {.handler = tell};
    struct recipe r;
    X509 *leaf;

    (void)state;
    t.root_key = EVP_EC_gen("P-256");
    t.ca_key = EVP_EC_gen("P-256");
    t.client_key = EVP_EC_gen("P-256");
    t.server_key = help_key(CRYPTO_P256);
    r = recipe_ca("root", NULL, t.root_key, t.root_key);
    t.root = recipe_make(&r);
    r = recipe_ca("devices", t.root, t.root_key, t.ca_key);
    t.ca = recipe_make(&r);
    leaf = server_cert();
    ders[0] = der_of(leaf);
    X509_free(leaf);
    ders[1] = der_of(t.root);
    ders[2] = der_of(t.ca);
    chain[0] = help_bytes(&ders[0]);
    clients[0] = help_bytes(&ders[1]);
    clients[1] = help_bytes(&ders[2]);
    config.key = t.server_key;
    config.chain = chain;
    config.chain_count = 1;
    config.clients = clients;
    config.client_count = 2;
    assert_int_equal(http_tls_new(&config, &t.tls, NULL), RS_OK);
    assert_int_equal(rs_sock_listen("127.0.0.1:0", 64, &t.fd, NULL), RS_OK);
    t.port = rs_sock_port(t.fd);
    listener.fd = t.fd;
    listener.tls = t.tls;
    assert_int_equal(http_server_new(&listener, 1, 1, &t.server, NULL), RS_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    http_server_free(t.server);
    http_tls_free(t.tls);
    rs_sock_close(t.fd);
    crypto_key_free(t.server_key);
    X509_free(t.ca);
    X509_free(t.root);
    EVP_PKEY_free(t.client_key);
    EVP_PKEY_free(t.ca_key);
    EVP_PKEY_free(t.root_key);
    (void)unlink(t.rules);
    return 0;
}

/* ---- Clients ------------------------------------------------------------------------------- */

static struct recipe
good(void)
{
    return (struct recipe){.subject = "board-1",
                           .issuer = t.ca,
                           .issuer_key = t.ca_key,
                           .key = t.client_key,
                           .from = RECIPE_NOW - 100,
                           .until = RECIPE_NOW + 100,
                           .constraints = "critical,CA:FALSE",
                           .usage = "critical,digitalSignature",
                           .eku = "clientAuth"};
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *c = SSL_get_app_data(ssl);

    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

/* recipe NULL: without a certificate. */
static void
client_init(struct client *c, const struct recipe *recipe, int version)
{
    memset(c, 0, sizeof(*c));
    c->fd = -1;
    c->ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(c->ctx, version), 1);
    (void)SSL_CTX_set_session_cache_mode(c->ctx,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(c->ctx, on_session);
    (void)SSL_CTX_set_options(c->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (recipe != NULL) {
        X509 *cert = recipe_make(recipe);
        assert_int_equal(SSL_CTX_use_certificate(c->ctx, cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(c->ctx, recipe->key), 1);
        X509_free(cert);
    }
}

static void
hang_up(struct client *c)
{
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    c->ssl = NULL;
    rs_sock_close(c->fd);
    c->fd = -1;
}

static void
client_done(struct client *c)
{
    hang_up(c);
    SSL_SESSION_free(c->session);
    SSL_CTX_free(c->ctx);
}

static void
ask(struct client *c)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[2048], *body;
    int len = 0, n;

    assert_true(SSL_write(c->ssl, request, (int)sizeof(request) - 1) > 0);
    do {
        n = SSL_read(c->ssl, answer + len, (int)sizeof(answer) - 1 - len);
        assert_true(n > 0);
        len += n;
        answer[len] = '\0';
        body = strstr(answer, "\r\n\r\n");
    } while (body == NULL || strchr(body + 4, '.') == NULL);
    assert_int_equal(sscanf(body + 4, "%d %zu %d.", &c->peer, &c->cert_len, &c->linked), 3);
}

/* A connection that offers this session, and one question; 1: it was resumed. */
static int
dial(struct client *c, SSL_SESSION *session)
{
    char address[32];

    hang_up(c);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", t.port);
    assert_int_equal(rs_sock_connect(address, 10000, &c->fd, NULL), RS_OK);
    c->ssl = SSL_new(c->ctx);
    assert_non_null(c->ssl);
    (void)SSL_set_app_data(c->ssl, c);
    assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
    if (session != NULL)
        assert_int_equal(SSL_set_session(c->ssl, session), 1);
    assert_int_equal(SSL_connect(c->ssl), 1);
    ask(c);
    return SSL_session_reused(c->ssl);
}

/* ---- Who gets a session --------------------------------------------------------------------- */

static void
expect(const struct recipe *r, enum http_peer peer, int has_session)
{
    struct client c;

    client_init(&c, r, TLS1_3_VERSION);
    assert_false(dial(&c, NULL));
    assert_int_equal(c.peer, peer);
    assert_int_equal(c.cert_len != 0, r != NULL);
    assert_int_equal(c.session != NULL, has_session);
    client_done(&c);
}

static void
only_the_valid_get_a_session(void **state)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct recipe r = good();

    (void)state;
    set_clock(0);
    expect(NULL, HTTP_PEER_NONE, 0);
    r.issuer_key = other;
    expect(&r, HTTP_PEER_UNTRUSTED, 0);
    r = good();
    r.eku = "serverAuth";
    expect(&r, HTTP_PEER_UNTRUSTED, 0);
    r = good();
    r.constraints = "critical,CA:TRUE";
    r.usage = NULL;
    expect(&r, HTTP_PEER_UNTRUSTED, 0);
    r = good();
    r.unknown = "critical,DER:05:00";
    expect(&r, HTTP_PEER_UNTRUSTED, 0);
    r = good();
    r.until = RECIPE_NOW - 1;
    expect(&r, HTTP_PEER_EXPIRED, 0);
    r = good();
    r.from = RECIPE_NOW + 60;
    expect(&r, HTTP_PEER_EXPIRED, 0);
    r = good();
    expect(&r, HTTP_PEER_VALID, 1);
    EVP_PKEY_free(other);
}

/* TLS 1.2 has session ids, which the others are told too; they lead nowhere. */
static void
others_resume_nothing(void **state)
{
    struct recipe r = good();
    struct client c;

    (void)state;
    set_clock(0);
    client_init(&c, NULL, TLS1_2_VERSION);
    assert_false(dial(&c, NULL));
    assert_false(dial(&c, c.session));
    assert_int_equal(c.peer, HTTP_PEER_NONE);
    client_done(&c);
    r.eku = "serverAuth";
    client_init(&c, &r, TLS1_2_VERSION);
    assert_false(dial(&c, NULL));
    assert_false(dial(&c, c.session));
    assert_int_equal(c.peer, HTTP_PEER_UNTRUSTED);
    client_done(&c);
}

/* ---- What a resumed connection is worth -------------------------------------------------------- */

static void
resumes(int version)
{
    struct recipe r = good();
    struct client c;
    size_t len;

    set_clock(0);
    client_init(&c, &r, version);
    assert_false(dial(&c, NULL));
    assert_int_equal(c.peer, HTTP_PEER_VALID);
    len = c.cert_len;
    for (int i = 0; i < 3; i++) {
        assert_non_null(c.session);
        assert_true(dial(&c, c.session));
        assert_int_equal(c.peer, HTTP_PEER_VALID);
        assert_int_equal(c.cert_len, len);
    }
    client_done(&c);
}

static void
a_valid_client_resumes(void **state)
{
    (void)state;
    resumes(TLS1_3_VERSION);
    resumes(TLS1_2_VERSION);
}

static void
a_ticket_is_good_once(void **state)
{
    struct recipe r = good();
    SSL_SESSION *first;
    struct client c;

    (void)state;
    set_clock(0);
    client_init(&c, &r, TLS1_3_VERSION);
    assert_false(dial(&c, NULL));
    first = c.session;
    c.session = NULL;
    assert_true(dial(&c, first));
    assert_false(dial(&c, first));
    assert_int_equal(c.peer, HTTP_PEER_VALID);
    SSL_SESSION_free(first);
    client_done(&c);
}

static void
expires(int version)
{
    struct recipe r = good();
    struct client c;

    set_clock(0);
    client_init(&c, &r, version);
    assert_false(dial(&c, NULL));
    assert_int_equal(c.peer, HTTP_PEER_VALID);
    set_clock(100); /* on the connection that is open */
    ask(&c);
    assert_int_equal(c.peer, HTTP_PEER_EXPIRED);
    assert_false(dial(&c, c.session)); /* on a new one with the session of it */
    assert_int_equal(c.peer, HTTP_PEER_EXPIRED);
    client_done(&c);

    set_clock(0); /* and on one that was resumed in time */
    client_init(&c, &r, version);
    assert_false(dial(&c, NULL));
    assert_true(dial(&c, c.session));
    set_clock(100);
    ask(&c);
    assert_int_equal(c.peer, HTTP_PEER_EXPIRED);
    client_done(&c);
}

static void
an_expired_client_is_told_so(void **state)
{
    (void)state;
    expires(TLS1_3_VERSION);
    expires(TLS1_2_VERSION);
}

/* Triple handshakes: two resumed connections of TLS 1.2 can have the same secrets. */
static void
only_what_differs_is_a_link(void **state)
{
    struct recipe r = good();
    struct client c;

    (void)state;
    set_clock(0);
    client_init(&c, &r, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(c.ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    assert_false(dial(&c, NULL));
    assert_false(c.linked);
    client_done(&c);
    client_init(&c, &r, TLS1_2_VERSION);
    assert_false(dial(&c, NULL));
    assert_true(c.linked);
    assert_true(dial(&c, c.session));
    assert_true(c.linked);
    client_done(&c);
    client_init(&c, &r, TLS1_3_VERSION);
    assert_false(dial(&c, NULL));
    assert_true(dial(&c, c.session));
    assert_true(c.linked);
    client_done(&c);
}

/* The fast way's word counts, with its window; when it does not know, the library is asked. */
static void
the_fast_way_is_asked_first(void **state)
{
    struct recipe r = good();
    int before = atomic_load(&t.judged);
    struct client c;

    (void)state;
    set_clock(0);
    t.fast = 1;
    client_init(&c, &r, TLS1_3_VERSION);
    assert_false(dial(&c, NULL));
    t.fast = 0;
    assert_int_equal(atomic_load(&t.judged), before + 1);
    assert_int_equal(c.peer, HTTP_PEER_VALID);
    set_clock(49);
    assert_true(dial(&c, c.session));
    set_clock(50);
    ask(&c);
    assert_int_equal(c.peer, HTTP_PEER_EXPIRED);
    assert_int_equal(atomic_load(&t.judged), before + 1);
    client_done(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_valid_get_a_session),
        cmocka_unit_test(others_resume_nothing),
        cmocka_unit_test(a_valid_client_resumes),
        cmocka_unit_test(a_ticket_is_good_once),
        cmocka_unit_test(an_expired_client_is_told_so),
        cmocka_unit_test(only_what_differs_is_a_link),
        cmocka_unit_test(the_fast_way_is_asked_first),
    };
    int fd;

    if (!rs_inject_built())
        return 77; /* the clock cannot be moved */
    (void)snprintf(t.rules, sizeof(t.rules), "/tmp/http_tls_test.XXXXXX");
    fd = mkstemp(t.rules);
    if (fd < 0)
        return 1;
    (void)close(fd);
    (void)setenv("ROOTSMITH_INJECT_FILE", t.rules, 1);
    return cmocka_run_group_tests_name("http/tls", tests, set_up, tear_down);
}
