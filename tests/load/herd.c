/*
 * herd.c: many devices that renew after an outage, each with its own identity and patience.
 *
 * First all are made: boards of an order, asked for with a station's certificate, and an
 * operational certificate for each.  Then, with the server gone, every device finds its
 * renewal due at a random moment and does as rootsmith-agent does: it tries, and after a
 * failure it waits anything up to a bound that doubles with each failure (full jitter),
 * and what a Retry-After says besides.  When the server is back the clock starts.
 *
 * A device's answer counts from the first packet of its connection to the last byte, the
 * handshake included.
 *
 *   herd URL CA STATION-CERT STATION-KEY ORDER DEVICES FIRST-S BOUND-S FIGURES
 *
 * Prints "made" and waits for a line (the server is gone), prints nothing until the next
 * line (the server is back), and ends when all are renewed or after twice the bound.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define DEVICES_MAX 10000
#define MAKERS      8
#define STACK       262144
#define TRIES_MAX   64 /* of one device: more are not kept as figures */

struct device {
    X509 *idevid, *ldevid;
    EVP_PKEY *idevid_key, *ldevid_key;
    struct request renewal;
    int renewed;
    double renewed_at; /* seconds after the server came back */
    unsigned tries, answers;
    float took_ms[TRIES_MAX];
    char early[TRIES_MAX]; /* it began while the server was starting, and waited for that too */
};

static struct {
    struct wire_config config;
    const char *order;
    struct device *devices;
    size_t count;
    double first_s, bound_s;
    atomic_size_t next;
    atomic_int stop;
    atomic_uint renewed, down, shed, refused;
    _Atomic double back_at; /* of the monotonic clock; 0: it is away */
} h;

static void
die(const char *what)
{
    (void)fprintf(stderr, "herd: %s\n", what);
    exit(2);
}

static double
now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 0 to 1. */
static double
chance(void)
{
    uint32_t r = 0;

    if (RAND_bytes((unsigned char *)&r, sizeof(r)) != 1)
        die("no random");
    return (double)r / 4294967296.0;
}

/* ---- Making --------------------------------------------------------------------------------- */

/* As many attempts as it takes: this is not what is measured. */
static X509 *
enrol(struct wire *w, const char *path, const struct request *r)
{
    for (int i = 0; i < 100; i++) {
        const char *body;
        size_t len;
        int status = wire_post(w, path, r->body, r->body_len, &body, &len);
        if (status == 200)
            return answer_cert(body, len);
        if (status >= 400 && status < 500) {
            (void)fprintf(stderr, "%d %.*s\n", status, (int)len, body);
            return NULL;
        }
        (void)usleep(50000);
    }
    return NULL;
}

static void
make_device(struct device *d, size_t i, struct wire *station, struct wire *own)
{
    struct request r;
    char path[160];

    (void)snprintf(path, sizeof(path), "/.well-known/est/%s/simpleenroll", h.order);
    if (!request_make_key(&r, REQUEST_BOARD, "H", i, NULL, &d->idevid_key) ||
        (d->idevid = enrol(station, path, &r)) == NULL)
        die("a board was not made");
    request_free(&r);
    wire_init(own, &h.config);
    own->cert = d->idevid;
    own->key = d->idevid_key;
    (void)snprintf(path, sizeof(path), "H-%06zu", i + 1);
    if (!request_make_key(&r, REQUEST_DEVICE, path, i, NULL, &d->ldevid_key) ||
        (d->ldevid = enrol(own, "/.well-known/est/ldevid/simpleenroll", &r)) == NULL)
        die("an operational certificate was not made");
    request_free(&r);
    wire_close(own);
    if (!request_make(&d->renewal, REQUEST_RENEW, path, i, X509_get_subject_name(d->ldevid)))
        die("cannot make a request");
}

static void *
make_loop(void *arg)
{
    struct wire *station = malloc(sizeof(*station)), *own = malloc(sizeof(*own));
    size_t i;

    (void)arg;
    if (station == NULL || own == NULL)
        die("no memory");
    wire_init(station, &h.config);
    while ((i = atomic_fetch_add(&h.next, 1)) < h.count)
        make_device(&h.devices[i], i, station, own);
    wire_close(station);
    free(station);
    free(own);
    return NULL;
}

static void
make_all(void)
{
    pthread_t threads[MAKERS];

    for (int i = 0; i < MAKERS; i++) {
        if (pthread_create(&threads[i], NULL, make_loop, NULL) != 0)
            die("cannot start a thread");
    }
    for (int i = 0; i < MAKERS; i++)
        (void)pthread_join(threads[i], NULL);
}

/* ---- Renewing ------------------------------------------------------------------------------- */

/* 0 when there is nothing more to wait for. */
static int
wait_s(double seconds)
{
    double until = now_s() + seconds;

    while (!atomic_load(&h.stop)) {
        double left = until - now_s();
        if (left <= 0)
            return 1;
        (void)usleep((useconds_t)((left < 0.5 ? left : 0.5) * 1e6) + 1);
    }
    return 0;
}

static void
note_renewal(struct device *d, const char *body, size_t len)
{
    X509 *cert = answer_cert(body, len);
    double back;

    if (cert == NULL)
        die("200 without a certificate");
    X509_free(cert);
    d->renewed = 1;
    back = atomic_load(&h.back_at); /* one may be quicker than the word that the server is back */
    d->renewed_at = back > 0 ? now_s() - back : 0;
    (void)atomic_fetch_add(&h.renewed, 1);
}

/* One attempt; *ret_later is what the server asked for, in seconds. */
static void
try_renewal(struct device *d, double *ret_later)
{
    struct wire *w = malloc(sizeof(*w));
    double start = now_s();
    const char *body;
    size_t len;
    int status;

    if (w == NULL)
        die("no memory");
    wire_init(w, &h.config);
    w->cert = d->ldevid;
    w->key = d->ldevid_key;
    status = wire_post(w, "/.well-known/est/ldevid/simplereenroll", d->renewal.body,
                       d->renewal.body_len, &body, &len);
    d->tries++;
    *ret_later = 0;
    if (status != 0 && d->answers < TRIES_MAX) {
        double back = atomic_load(&h.back_at);
        d->early[d->answers] = back == 0 || start < back;
        d->took_ms[d->answers++] = (float)((now_s() - start) * 1e3);
    }
    if (status == 200) {
        note_renewal(d, body, len);
    } else if (status == 0) {
        (void)atomic_fetch_add(&h.down, 1);
    } else {
        long later = wire_header(w, "Retry-After");
        *ret_later = later > 0 ? (double)later : 0;
        (void)atomic_fetch_add(status == 503 || status == 429 ? &h.shed : &h.refused, 1);
    }
    wire_close(w);
    free(w);
}

/* The rule of rootsmith-agent (src/agent/agent.c, back_off()). */
static void *
live(void *arg)
{
    struct device *d = arg;
    double bound = h.first_s, later;

    if (!wait_s(chance() * h.first_s))
        return NULL;
    for (;;) {
        try_renewal(d, &later);
        if (d->renewed || !wait_s(1 + chance() * bound + later))
            return NULL;
        bound = bound * 2 < h.bound_s ? bound * 2 : h.bound_s;
    }
}

/* ---- Figures --------------------------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

/* 0.99: what 99 of 100 took at most; sorts. */
static double
share_of(float *took, size_t n, double share)
{
    qsort(took, n, sizeof(*took), by_size);
    return n > 0 ? (double)took[(size_t)((double)(n - 1) * share)] : 0;
}

static int
report(const char *path)
{
    float *took = malloc(h.count * TRIES_MAX * sizeof(*took));
    float *up = malloc(h.count * TRIES_MAX * sizeof(*up)); /* without the early ones */
    double last = 0, p50, p99;
    size_t n = 0, n_up = 0;
    FILE *f;

    if (took == NULL || up == NULL)
        die("no memory");
    for (size_t i = 0; i < h.count; i++) {
        const struct device *d = &h.devices[i];
        for (unsigned k = 0; k < d->answers; k++) {
            took[n++] = d->took_ms[k];
            if (!d->early[k])
                up[n_up++] = d->took_ms[k];
        }
        last = d->renewed && d->renewed_at > last ? d->renewed_at : last;
    }
    p50 = share_of(took, n, 0.5);
    p99 = share_of(took, n, 0.99);
    f = fopen(path, "w");
    if (f == NULL)
        die("the figures cannot be written");
    (void)fprintf(f,
                  "{\"devices\": %zu, \"renewed\": %u, \"last_s\": %.1f, \"bound_s\": %.0f, "
                  "\"first_s\": %.0f, \"p50_ms\": %.1f, \"p99_ms\": %.1f, \"max_ms\": %.1f, "
                  "\"p99_up_ms\": %.1f, \"while_starting\": %zu, \"answers\": %zu, "
                  "\"server_away\": %u, \"told_later\": %u, \"refused\": %u}\n",
                  h.count, atomic_load(&h.renewed), last, h.bound_s, h.first_s, p50, p99,
                  share_of(took, n, 1), share_of(up, n_up, 0.99), n - n_up, n, atomic_load(&h.down),
                  atomic_load(&h.shed), atomic_load(&h.refused));
    free(took);
    free(up);
    return fclose(f) == 0 && atomic_load(&h.renewed) == h.count && atomic_load(&h.refused) == 0;
}

static void
wait_for_word(void)
{
    char line[32];

    if (fgets(line, sizeof(line), stdin) == NULL)
        die("nobody says how it goes on");
}

int
main(int argc, char **argv)
{
    pthread_t *threads;
    pthread_attr_t small;
    double end;

    if (argc != 10)
        die("URL CA STATION-CERT STATION-KEY ORDER DEVICES FIRST-S BOUND-S FIGURES");
    (void)signal(SIGPIPE, SIG_IGN);
    if (!wire_configure(&h.config, argv[1], argv[2], argv[3], argv[4]))
        die("the url, or one of the files of CA, certificate and key, is wrong");
    h.order = argv[5];
    h.count = strtoul(argv[6], NULL, 10);
    h.first_s = strtod(argv[7], NULL);
    h.bound_s = strtod(argv[8], NULL);
    if (h.count == 0 || h.count > DEVICES_MAX || h.first_s <= 0 || h.bound_s < h.first_s)
        die("these numbers make no herd");
    h.devices = calloc(h.count, sizeof(*h.devices));
    threads = calloc(h.count, sizeof(*threads));
    if (h.devices == NULL || threads == NULL)
        die("no memory");
    make_all();
    (void)printf("made\n");
    (void)fflush(stdout);
    wait_for_word();
    if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, STACK) != 0)
        die("threads");
    for (size_t i = 0; i < h.count; i++) {
        if (pthread_create(&threads[i], &small, live, &h.devices[i]) != 0)
            die("cannot start a thread");
    }
    wait_for_word();
    atomic_store(&h.back_at, now_s());
    end = now_s() + 2 * h.bound_s;
    while (now_s() < end && atomic_load(&h.renewed) < h.count)
        (void)usleep(50000);
    atomic_store(&h.stop, 1);
    for (size_t i = 0; i < h.count; i++)
        (void)pthread_join(threads[i], NULL);
    return report(argv[9]) ? 0 : 1;
}
