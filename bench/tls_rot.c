/*
 * tls_rot.c: mutual TLS with the client's key in a root of trust.
 *
 *   tls_rot NAME URI [SECONDS]
 *
 * One TLS 1.3 handshake after the other between a client and a server in this
 * process (no resumption, no socket); the client's key is what the rot: URI
 * names, its certificate is made here.  Beside it: the same handshakes with a
 * key in memory, and the part's own signatures on the open part.  The ratio is
 *
 *   (a handshake with a key in memory + a signature of the part) / a handshake
 *
 * by the clock on the wall, because a part's time is no CPU time; in turns,
 * the median of five.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "bench.h"
#include "provider/rot_provider.h"
#include "shared/chips.h"
#include "shared/uri.h"

#define ROUNDS 5

static X509 *
certificate(EVP_PKEY *key, const char *name)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_NAME_new();

    bench_must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1,
                                          -1, 0) == 1 &&
                   X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, subject) == 1,
               "a name");
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    bench_must(X509_set_version(x, X509_VERSION_3) == 1 && X509_set_pubkey(x, key) == 1 &&
                   X509_sign(x, key, EVP_sha256()) > 0,
               "a certificate");
    X509_NAME_free(subject);
    return x;
}

/* One side: its key, and the other side's certificate as its trust. */
static SSL_CTX *
side(const SSL_METHOD *method, EVP_PKEY *key, X509 *own, X509 *other, int verify)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    bench_must(ctx != NULL && SSL_CTX_use_certificate(ctx, own) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
                   X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), other) == 1 &&
                   SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1,
               "a side");
    SSL_CTX_set_verify(ctx, verify, NULL);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static void
handshake(SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    BIO *a = NULL, *b = NULL;
    int c = 0, s = 0;

    bench_must(BIO_new_bio_pair(&a, 0, &b, 0) == 1, "a pipe");
    SSL_set_bio(client, a, a);
    SSL_set_bio(server, b, b);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 20 && (c != 1 || s != 1); i++) {
        if (c != 1)
            c = SSL_do_handshake(client);
        if (s != 1)
            s = SSL_do_handshake(server);
    }
    if (c != 1 || s != 1)
        ERR_print_errors_fp(stderr);
    bench_must(c == 1 && s == 1, "a handshake");
    SSL_free(client);
    SSL_free(server);
}

/* us for one, in so many seconds. */
static double
time_handshakes(SSL_CTX *client, SSL_CTX *server, double seconds)
{
    uint64_t begin = rs_mono_us(), end = begin;
    size_t count = 0;

    for (; (double)(end - begin) < seconds * 1e6; end = rs_mono_us()) {
        handshake(client, server);
        count++;
    }
    return (double)(end - begin) / (double)count;
}

static double
time_signatures(struct chips *chips, rot_object obj, size_t digest_len, double seconds)
{
    uint8_t digest[64] = {1}, sig[ROT_SIGNATURE_MAX];
    struct rot_chip *chip;
    uint64_t begin, end;
    size_t count = 0, len;

    bench_must(chips_lock(chips, &chip) == ROT_OK, chips_error());
    for (begin = end = rs_mono_us(); (double)(end - begin) < seconds * 1e6; end = rs_mono_us()) {
        digest[0]++;
        bench_must(rot_sign_digest(chip, obj, digest, digest_len, sig, sizeof(sig), &len) == ROT_OK,
                   "a signature");
        count++;
    }
    chips_unlock(chips);
    return (double)(end - begin) / (double)count;
}

static void
figure(const char *name, const char *what, double value)
{
    static char names[8][64]; /* they are kept by their address */
    static size_t count;

    (void)snprintf(names[count], sizeof(names[0]), "%s_%s", name, what);
    bench_figure(names[count++], value);
}

int
main(int argc, char **argv)
{
    double seconds = argc > 3 ? atof(argv[3]) : 2, memory[ROUNDS], part[ROUNDS], own[ROUNDS],
           ratio[ROUNDS], r;
    struct chips *chips = NULL;
    struct rot_uri uri;
    EVP_PKEY *server_key, *key, *plain;
    X509 *server_cert, *cert, *plain_cert;
    SSL_CTX *server, *server_plain, *client, *client_plain;

    bench_must(argc > 2 && rot_uri_parse(argv[2], &uri) == ROT_OK, "tls_rot NAME URI [SECONDS]");
    bench_must(OSSL_PROVIDER_load(NULL, "default") != NULL &&
                   OSSL_PROVIDER_add_builtin(NULL, "rot", rot_provider_init) == 1 &&
                   OSSL_PROVIDER_load(NULL, "rot") != NULL,
               "the provider");
    key = rot_provider_key(NULL, argv[2]);
    if (key == NULL)
        ERR_print_errors_fp(stderr);
    bench_must(key != NULL && chips_take(argv[2], &chips, NULL) == ROT_OK, "the key");
    server_key = EVP_EC_gen("P-256");
    plain = EVP_EC_gen("P-256");
    server_cert = certificate(server_key, "server");
    cert = certificate(key, "device");
    plain_cert = certificate(plain, "device");
    server = side(TLS_server_method(), server_key, server_cert, cert,
                  SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    server_plain = side(TLS_server_method(), server_key, server_cert, plain_cert,
                        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    client = side(TLS_client_method(), key, cert, server_cert, SSL_VERIFY_PEER);
    client_plain = side(TLS_client_method(), plain, plain_cert, server_cert, SSL_VERIFY_PEER);
    for (size_t i = 0; i < ROUNDS; i++) {
        memory[i] = time_handshakes(client_plain, server_plain, seconds / 4);
        own[i] =
            time_signatures(chips, uri.object, EVP_PKEY_get_bits(key) == 384 ? 48 : 32, seconds);
        part[i] = time_handshakes(client, server, seconds);
        ratio[i] = (memory[i] + own[i]) / part[i];
    }
    r = bench_median(ratio, ROUNDS);
    printf(
        "%-6s %8.1f handshakes/s, %9.1f us each; the part signs in %9.1f us; in memory %7.1f us; "
        "ratio %.2f\n",
        argv[1], 1e6 / bench_median(part, ROUNDS), bench_median(part, ROUNDS),
        bench_median(own, ROUNDS), bench_median(memory, ROUNDS), r);
    figure(argv[1], "handshakes_per_s", 1e6 / bench_median(part, ROUNDS));
    figure(argv[1], "handshake_us", bench_median(part, ROUNDS));
    figure(argv[1], "part_signs_us", bench_median(own, ROUNDS));
    figure(argv[1], "memory_handshake_us", bench_median(memory, ROUNDS));
    figure(argv[1], "ratio", r);
    bench_write_figures();
    return 0;
}
