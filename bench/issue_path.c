/*
 * issue_path.c: issuing through pki, the signer's process, ledger and store.
 *
 * What the server does for a board of an order, without TLS and HTTP: threads
 * as many as loops submit requests, 64 are in flight, answers come after the
 * transaction that recorded them.  CPU of both processes (this one is the
 * front) for one certificate against the raw loop, in turns; at least 0.65 is
 * asked.  Requests are made before; run by bench/issue_path.sh, which makes the
 * installation and the order.
 *
 *   issue_path SIGNER DATA ORDER STATION [COUNT]     requests in each of five rounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/sock.h"
#include "bench.h"
#include "pki/pki.h"

#define IN_FLIGHT   64
#define THREADS     2
#define ROUNDS      5
#define RAW_SECONDS 2
#define LIMIT       0.65
#define BUFFER      ((size_t)4 << 20)

struct request {
    uint8_t *der;
    size_t len;
};

static struct {
    struct pki *pki;
    struct signer_client *client;
    pid_t signer;
    const char *order, *station;
    struct request *requests;
    size_t next, end, answered, in_flight;
    pthread_mutex_t lock;
    pthread_cond_t room;
} b;

/* ---- Requests ----------------------------------------------------------------------------- */

/* RFC 4108 5: the chip's number as hardwareModuleName, as an ATECC608 has it: nine bytes. */
static STACK_OF(X509_EXTENSION) * chip_extension(size_t n)
{
    char text[160];
    CONF *conf = NCONF_new(NULL);
    BIO *bio;
    long line;
    STACK_OF(X509_EXTENSION) *list = NULL;
    X509V3_CTX ctx = {0};

    (void)snprintf(text, sizeof(text),
                   "[ext]\nsubjectAltName=otherName:1.3.6.1.5.5.7.8.4;SEQUENCE:hw\n"
                   "[hw]\ntype=OID:1.3.6.1.4.1.32473.7\n"
                   "serial=FORMAT:HEX,OCTETSTRING:0123%012zxee\n",
                   n);
    bio = BIO_new_mem_buf(text, -1);
    bench_must(conf != NULL && NCONF_load_bio(conf, bio, &line) == 1, "configuration");
    X509V3_set_nconf(&ctx, conf);
    bench_must(X509V3_EXT_add_nconf_sk(conf, &ctx, "ext", &list) == 1, "extension");
    BIO_free(bio);
    NCONF_free(conf);
    return list;
}

static void
make_request(struct request *r, size_t n)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *req = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *extensions = chip_extension(n);
    char serial[32];
    int len;

    (void)snprintf(serial, sizeof(serial), "P-%08zu", n);
    len = req != NULL && X509_REQ_set_version(req, 0) &&
                  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "serialNumber",
                                             MBSTRING_ASC, (const uint8_t *)serial, -1, -1, 0) &&
                  X509_REQ_add_extensions(req, extensions) && X509_REQ_set_pubkey(req, key) &&
                  X509_REQ_sign(req, key, EVP_sha256()) > 0
              ? i2d_X509_REQ(req, &r->der)
              : 0;
    bench_must(len > 0, "request");
    r->len = (size_t)len;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
}

/* ---- Load ----------------------------------------------------------------------------------- */

static void
on_issued(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    (void)arg;
    if (rc != RS_OK || cert->der.len == 0) {
        (void)fprintf(stderr, "refused: %s\n", err != NULL ? err->text : "no certificate");
        exit(1);
    }
    (void)pthread_mutex_lock(&b.lock);
    b.answered++;
    if (b.in_flight-- == IN_FLIGHT || b.answered == b.end)
        (void)pthread_cond_broadcast(&b.room);
    (void)pthread_mutex_unlock(&b.lock);
}

/* The next request, when there is room; NULL at the end of the round. */
static const struct request *
next_request(void)
{
    const struct request *r = NULL;

    (void)pthread_mutex_lock(&b.lock);
    while (b.in_flight >= IN_FLIGHT && b.next < b.end)
        (void)pthread_cond_wait(&b.room, &b.lock);
    if (b.next < b.end) {
        r = &b.requests[b.next++];
        b.in_flight++;
    }
    (void)pthread_mutex_unlock(&b.lock);
    return r;
}

static void *
submit_loop(void *arg)
{
    struct pki_issue_request issue = {
        .caller = {.role = PKI_STATION}, .protocol = "est", .label = b.order};
    const struct request *r;

    (void)arg;
    (void)snprintf(issue.caller.name, sizeof(issue.caller.name), "%s", b.station);
    (void)snprintf(issue.caller.who, sizeof(issue.caller.who), "station:%s", b.station);
    while ((r = next_request()) != NULL) {
        issue.csr = rs_bytes_of(r->der, r->len);
        pki_issue(b.pki, &issue, on_issued, NULL);
    }
    return NULL;
}

/* One round: us of CPU of both processes for a certificate. */
static double
run_path(size_t count, double *ret_per_second)
{
    pthread_t threads[THREADS];
    uint64_t cpu = bench_cpu_us(0) + bench_cpu_us(b.signer), start = rs_mono_us();

    b.end += count;
    for (int i = 0; i < THREADS; i++)
        bench_must(pthread_create(&threads[i], NULL, submit_loop, NULL) == 0, "thread");
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_mutex_lock(&b.lock);
    while (b.answered < b.end)
        (void)pthread_cond_wait(&b.room, &b.lock);
    (void)pthread_mutex_unlock(&b.lock);
    *ret_per_second = 1e6 * (double)count / (double)(rs_mono_us() - start);
    return (double)(bench_cpu_us(0) + bench_cpu_us(b.signer) - cpu) / (double)count;
}

/* ---- The two processes -------------------------------------------------------------------------- */

static void
start_signer(const char *program, const char *data, int *ret_fd)
{
    char dir[512], witness[512], fd[16];
    struct rs_err err = {0};
    int pair[2];

    bench_must(rs_sock_pair(BUFFER, pair, &err) == RS_OK, "socket pair");
    (void)snprintf(dir, sizeof(dir), "%s/signer", data);
    (void)snprintf(witness, sizeof(witness), "%s/witness", data);
    (void)snprintf(fd, sizeof(fd), "%d", pair[1]);
    b.signer = fork();
    bench_must(b.signer >= 0, "fork");
    if (b.signer == 0) {
        (void)fcntl(pair[1], F_SETFD, 0);
        (void)execl(program, program, "--data", dir, "--witness", witness, "--fd", fd, NULL);
        _exit(127);
    }
    rs_sock_close(pair[1]);
    *ret_fd = pair[0];
}

static void
open_path(const char *program, const char *data)
{
    struct pki_config config = {.tenant = "default"};
    struct proto_ready ready;
    struct rs_err err = {0};
    char url[600];
    int fd;

    start_signer(program, data, &fd);
    (void)snprintf(url, sizeof(url), "sqlite:%s/store.db", data);
    bench_must(signer_client_new(fd, "bench", &b.client, &ready, &err) == RS_OK, err.text);
    config.store_url = url;
    config.signer = b.client;
    config.signer_id = ready.signer_id;
    bench_must(pki_open(&config, &b.pki, &err) == RS_OK, err.text);
}

static void
close_path(void)
{
    signer_client_free(b.client);
    (void)waitpid(b.signer, NULL, 0);
    pki_close(b.pki);
}

int
main(int argc, char **argv)
{
    size_t count = argc > 5 ? strtoul(argv[5], NULL, 10) : 10000;
    double ratios[ROUNDS], raws[ROUNDS], paths[ROUNDS], rates[ROUNDS], ratio, warm;

    bench_must(argc >= 5 && count >= IN_FLIGHT, "SIGNER DATA ORDER STATION [COUNT]");
    b.order = argv[3];
    b.station = argv[4];
    (void)pthread_mutex_init(&b.lock, NULL);
    (void)pthread_cond_init(&b.room, NULL);
    b.requests = calloc((ROUNDS + 1) * count, sizeof(*b.requests));
    bench_must(b.requests != NULL, "memory");
    open_path(argv[1], argv[2]);
    for (size_t i = 0; i < (ROUNDS + 1) * count; i++)
        make_request(&b.requests[i], i);
    (void)run_path(count, &warm);
    for (size_t i = 0; i < ROUNDS; i++) {
        raws[i] = bench_raw_us(argv[0], RAW_SECONDS);
        paths[i] = run_path(count, &rates[i]);
        ratios[i] = raws[i] / paths[i];
        printf("raw %.1f us, path %.1f us CPU, ratio %.3f; %.0f/s\n", raws[i], paths[i], ratios[i],
               rates[i]);
    }
    close_path();
    ratio = bench_median(ratios, ROUNDS);
    printf("issue path, %d in flight, against raw: median %.3f of %d (asked: %.2f)\n", IN_FLIGHT,
           ratio, ROUNDS, LIMIT);
    bench_figure("raw_cpu_us", bench_median(raws, ROUNDS));
    bench_figure("path_cpu_us", bench_median(paths, ROUNDS));
    bench_figure("per_second", bench_median(rates, ROUNDS));
    bench_figure("in_flight", IN_FLIGHT);
    bench_figure("ratio", ratio);
    bench_figure("limit", LIMIT);
    bench_write_figures();
    return ratio >= LIMIT ? 0 : 1;
}
