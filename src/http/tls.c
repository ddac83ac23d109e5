/*
 * tls.c: the server's TLS context, and what a client certificate is worth.
 *
 * A client's certificate is judged in the full handshake: by the fast way that
 * the configuration may bring, and by the library when that does not know.  The
 * verdict hangs on the connection and on its sessions.  A resumed connection has
 * shown no certificate again, so it is worth what its session's verdict says at
 * this time; whether the certificate was revoked meanwhile is asked for each
 * request by who maps it to a caller, resumed or not.
 *
 * Only clients with a valid certificate get a session: nobody else can fill the
 * table, and nobody else comes often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "crypto/key.h"

#define CERT_MAX 16384 /* a longer certificate is worth nothing */

static int ssl_index = -1, session_index = -1; /* ex_data slots: struct http_seen, counted */

/* ---- The verdict ------------------------------------------------------------------------ */

static void
free_seen(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    http_seen_drop(ptr);
}

/* TLS 1.3: the session of a further ticket is a copy of the first one. */
static int
copy_seen(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **ptr, int index, long argl,
          void *argp)
{
    (void)to;
    (void)from;
    (void)index;
    (void)argl;
    (void)argp;
    if (*ptr != NULL)
        *ptr = http_seen_share(*ptr);
    return 1;
}

static void
make_slots(void)
{
    ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_seen);
    session_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, copy_seen, free_seen);
}

static struct http_seen *
seen_of(SSL *ssl)
{
    struct http_seen *seen = SSL_get_ex_data(ssl, ssl_index);
    const SSL_SESSION *session;

    if (seen != NULL || SSL_session_reused(ssl) != 1)
        return seen;
    session = SSL_get_session(ssl);
    return session != NULL ? SSL_SESSION_get_ex_data(session, session_index) : NULL;
}

enum http_peer
http_tls_peer(SSL *ssl, struct http_seen **ret_seen)
{
    struct http_seen *seen = seen_of(ssl);

    *ret_seen = seen != NULL ? http_seen_share(seen) : NULL;
    if (seen == NULL)
        return SSL_get0_peer_certificate(ssl) == NULL ? HTTP_PEER_NONE : HTTP_PEER_UNTRUSTED;
    return http_seen_peer(seen, rs_now());
}

/* ---- Judging ---------------------------------------------------------------------------- */

static int64_t
seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

/* The time in which all of the chain is valid. */
static void
take_window(X509_STORE_CTX *ctx, struct http_seen *seen)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

    seen->from = INT64_MIN;
    seen->until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509 *cert = sk_X509_value(chain, i);
        int64_t from = seconds_of(X509_get0_notBefore(cert));
        int64_t until = seconds_of(X509_get0_notAfter(cert));
        seen->from = from > seen->from ? from : seen->from;
        seen->until = until < seen->until ? until : seen->until;
    }
}

/* Judge the chain by our own clock, with all that the library knows of certificates. */
static void
judge_long(X509_STORE_CTX *ctx, struct http_seen *seen)
{
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
    int error;

    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)rs_now());
    if (X509_verify_cert(ctx) == 1) {
        /* RFC 5280 4.2.1.9: what may sign certificates is nobody's identity in TLS. */
        if (X509_check_ca(leaf) == 0) {
            seen->peer = HTTP_PEER_VALID;
            take_window(ctx, seen);
        }
        return;
    }
    error = X509_STORE_CTX_get_error(ctx);
    if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)
        seen->peer = HTTP_PEER_EXPIRED;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
}

static struct http_seen *
new_seen(X509 *cert)
{
    uint8_t der[CERT_MAX], *at = der;
    int len = i2d_X509(cert, NULL);

    if (len <= 0 || len > CERT_MAX || i2d_X509(cert, &at) != len)
        return NULL;
    return http_seen_new(rs_bytes_of(der, (size_t)len));
}

/* Note the verdict, and let the handshake go on whatever it is. */
static int
judge(X509_STORE_CTX *ctx, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct http_seen *seen = new_seen(X509_STORE_CTX_get0_cert(ctx));
    const struct http_tls *tls = arg;
    int64_t window[2];

    if (seen == NULL)
        return 1; /* no verdict: untrusted */
    if (tls->judge != NULL && tls->judge(tls->judge_arg, seen->cert, window)) {
        seen->peer = HTTP_PEER_VALID;
        seen->from = window[0];
        seen->until = window[1];
    } else {
        judge_long(ctx, seen);
    }
    if (http_seen_peer(seen, rs_now()) == HTTP_PEER_VALID)
        (void)SSL_set_num_tickets(ssl, 1);
    http_seen_drop(SSL_get_ex_data(ssl, ssl_index));
    if (SSL_set_ex_data(ssl, ssl_index, seen) != 1)
        http_seen_drop(seen);
    return 1;
}

/* ---- Sessions --------------------------------------------------------------------------- */

/*
 * What is kept is a copy: the library makes the session of a connection that ends
 * without a close_notify useless, and RFC 8446 6.1 no longer asks for that.  0: the
 * library's own reference stays its own.
 */
static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct http_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct http_seen *seen = seen_of(ssl);
    SSL_SESSION *copy;

    if (seen == NULL || http_seen_peer(seen, rs_now()) != HTTP_PEER_VALID ||
        (copy = SSL_SESSION_dup(session)) == NULL)
        return 0;
    if (SSL_SESSION_get_ex_data(copy, session_index) == NULL &&
        SSL_SESSION_set_ex_data(copy, session_index, http_seen_share(seen)) != 1) {
        http_seen_drop(seen);
        SSL_SESSION_free(copy);
        return 0;
    }
    sessions_keep(&tls->sessions, copy, rs_mono_us());
    return 0;
}

/* TLS 1.3: a ticket is good once, so that nobody can tell that it is the same client. */
static SSL_SESSION *
on_get_session(SSL *ssl, const unsigned char *id, int len, int *copy)
{
    struct http_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    int once = SSL_version(ssl) == TLS1_3_VERSION;
    SSL_SESSION *session = sessions_find(&tls->sessions, id, (size_t)len, once, rs_mono_us());
    const struct http_seen *seen;

    *copy = 0;
    if (session == NULL)
        return NULL;
    seen = SSL_SESSION_get_ex_data(session, session_index);
    if (seen == NULL || http_seen_peer(seen, rs_now()) != HTTP_PEER_VALID) {
        SSL_SESSION_free(session); /* a full handshake says why */
        return NULL;
    }
    (void)SSL_set_num_tickets(ssl, 1);
    return session;
}

static int
set_sessions(SSL_CTX *ctx)
{
    static const unsigned char name[] = "rootsmith"; /* without one nothing is resumed */

    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL |
                                                  SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_sess_set_get_cb(ctx, on_get_session);
    (void)SSL_CTX_set_timeout(ctx, SESSIONS_LIFE_S);
    (void)SSL_CTX_set_num_tickets(ctx, 0); /* one for whoever is valid */
    return SSL_CTX_set_session_id_context(ctx, name, sizeof(name) - 1);
}

/* ---- The context ------------------------------------------------------------------------ */

static X509 *
read_cert(struct rs_bytes der)
{
    const unsigned char *at = der.p;

    return d2i_X509(NULL, &at, (long)der.len);
}

static int
add_chain(SSL_CTX *ctx, const struct http_tls_config *config)
{
    for (size_t i = 0; i < config->chain_count; i++) {
        X509 *cert = read_cert(config->chain[i]);
        int ok = cert != NULL && (i == 0 ? SSL_CTX_use_certificate(ctx, cert)
                                         : (int)SSL_CTX_add1_chain_cert(ctx, cert)) == 1;
        X509_free(cert);
        if (!ok)
            return 0;
    }
    return config->chain_count > 0;
}

static int
add_clients(SSL_CTX *ctx, const struct http_tls_config *config)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);

    for (size_t i = 0; i < config->client_count; i++) {
        X509 *cert = read_cert(config->clients[i]);
        int ok = cert != NULL && X509_STORE_add_cert(store, cert) == 1 &&
                 SSL_CTX_add_client_CA(ctx, cert) == 1;
        X509_free(cert);
        if (!ok)
            return 0;
    }
    return 1;
}

/*
 * Few groups and algorithms: 20 to 30 % less work per handshake, and nothing weak to fall to.
 * Sessions live here (sessions.h), so a ticket is no more than a number.
 */
static int
set_policy(SSL_CTX *ctx)
{
    char groups[] = "X25519:P-256:P-384"; /* these calls take no constants */
    char sigalgs[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:"
                     "RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(ctx, 6);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, sigalgs) == 1 && set_sessions(ctx);
}

rs_code
http_tls_new(const struct http_tls_config *config, struct http_tls **ret_tls, struct rs_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_tls *tls = calloc(1, sizeof(*tls));

    (void)pthread_once(&once, make_slots);
    if (tls == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "TLS context");
    sessions_init(&tls->sessions);
    tls->judge = config->judge;
    tls->judge_arg = config->judge_arg;
    tls->ctx = SSL_CTX_new(TLS_server_method());
    if (tls->ctx == NULL || !set_policy(tls->ctx) || !add_chain(tls->ctx, config) ||
        !add_clients(tls->ctx, config) || SSL_CTX_set_app_data(tls->ctx, tls) != 1 ||
        SSL_CTX_use_PrivateKey(tls->ctx, crypto_key_evp(config->key)) != 1 ||
        SSL_CTX_check_private_key(tls->ctx) != 1) {
        http_tls_free(tls);
        return rs_fail(err, RS_E_CRYPTO_FAILED, "cannot set up TLS: key and chain do not fit");
    }
    SSL_CTX_set_cert_verify_callback(tls->ctx, judge, tls);
    *ret_tls = tls;
    return RS_OK;
}

void
http_tls_free(struct http_tls *tls)
{
    if (tls == NULL)
        return;
    sessions_done(&tls->sessions);
    SSL_CTX_free(tls->ctx);
    free(tls);
}
