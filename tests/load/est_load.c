/*
 * est_load.c: many EST clients in one program, and a log of what each was told.
 *
 * Keys and requests are made first.  Then every connection takes the next
 * request, writes "asked" to the log, sends it, and after the whole answer
 * writes "got" with the certificate itself; so the log never claims less than
 * the server was asked and never more than it answered.  When a connection
 * breaks, or the server says "later", the same request goes out again until it
 * is answered.
 *
 *   asked ID MS KEYHASH DEVICE
 *   got ID MS SERIAL SHA256 DER        (hex; MS of the monotonic clock)
 *   refused ID MS STATUS TEXT          (final: a 4xx other than 429)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define CONNECTIONS_MAX 1024
#define IDENTITIES_MAX  CONNECTIONS_MAX
#define PAUSE_US        20000 /* before a request is repeated */
#define LINE_MAX_BYTES  (2 * ANSWER_MAX)

static const char help[] =
    "est_load --url https://HOST:PORT --ca FILE --cert FILE --key FILE [options]\n"
    "\n"
    "  --mode MODE        board (a station asks under an order), device, renew; default board\n"
    "  --label LABEL      EST label: the order, or a profile\n"
    "  --name NAME        prefix of the boards' serials, or the device that asks\n"
    "  --count N          requests to make and send; default 1000\n"
    "  --first N          number of the first board; default 1\n"
    "  --seconds S        stop asking after S seconds\n"
    "  --connections C    default 8\n"
    "  --identities I     the files of --cert and --key have {n} in their names, for 1 to I;\n"
    "                     each connection has one of them, and asks for its own\n"
    "  --rate R           at most so many new requests a second; default: as many as get through\n"
    "  --log FILE         append what was asked and got\n"
    "  --json FILE        figures\n";

struct options {
    const char *url, *ca, *cert, *key, *label, *name, *log, *json;
    enum request_kind kind;
    size_t count, first;
    double seconds, rate;
    unsigned connections, identities;
};

static struct {
    struct options o;
    struct wire_config wires[IDENTITIES_MAX];
    const X509_NAME *subjects[IDENTITIES_MAX];
    struct request *requests;
    uint32_t *took_us; /* of each answered request, in order of completion */
    char path[320];
    int log_fd;
    atomic_size_t next_made, next, answered, refused, repeated;
    uint64_t started_us; /* of the first request */
    atomic_int failed, stop;
} load;

static uint64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
die(const char *what)
{
    (void)fprintf(stderr, "est_load: %s\n", what);
    exit(2);
}

/* ---- The log ---------------------------------------------------------------------------- */

/* One write(2) per line: it survives our own death, and lines of threads never mix. */
static void
note(const char *line, int len)
{
    if (load.log_fd >= 0 && write(load.log_fd, line, (size_t)len) != len)
        die("the log cannot be written");
}

static void
note_asked(size_t i)
{
    const struct request *r = &load.requests[i];
    char line[256];

    note(line, snprintf(line, sizeof(line), "asked %zu %" PRIu64 " %s %s\n", load.o.first + i,
                        now_us() / 1000, r->key_hash, r->device));
}

static void
note_refused(size_t i, int status, const char *body, size_t len)
{
    char line[512];
    size_t n = len < 200 ? len : 200;

    n = strcspn(body, "\n") < n ? strcspn(body, "\n") : n;
    note(line, snprintf(line, sizeof(line), "refused %zu %" PRIu64 " %d %.*s\n", load.o.first + i,
                        now_us() / 1000, status, (int)n, body));
}

static int
put_hex(char *out, const unsigned char *p, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    return (int)(2 * len);
}

static int
note_got(size_t i, X509 *cert)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    unsigned char *der = NULL, hash[32];
    int len = i2d_X509(cert, &der), n;
    char *line = len > 0 ? malloc((size_t)len * 2 + 256) : NULL;

    if (line == NULL)
        return 0;
    SHA256(der, (size_t)len, hash);
    n = sprintf(line, "got %zu %" PRIu64 " ", load.o.first + i, now_us() / 1000);
    n += put_hex(line + n, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    line[n++] = ' ';
    n += put_hex(line + n, hash, sizeof(hash));
    line[n++] = ' ';
    n += put_hex(line + n, der, (size_t)len);
    line[n++] = '\n';
    note(line, n);
    free(line);
    OPENSSL_free(der);
    return 1;
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* An answer that says 200 and holds no certificate is a defect, never a retry. */
static void
take_cert(size_t i, const char *body, size_t len, uint64_t started)
{
    X509 *cert = answer_cert(body, len);

    if (cert == NULL || !note_got(i, cert)) {
        (void)fprintf(stderr, "est_load: request %zu: 200 without a certificate\n", i);
        atomic_store(&load.failed, 1);
    } else {
        uint64_t took = now_us() - started;
        size_t at = atomic_fetch_add(&load.answered, 1);
        load.took_us[at] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    }
    X509_free(cert);
}

static void
ask(struct wire *w, size_t i)
{
    const struct request *r = &load.requests[i];
    uint64_t started = now_us();

    for (;;) {
        const char *body = "";
        size_t len;
        int status;

        note_asked(i);
        status = wire_post(w, load.path, r->body, r->body_len, &body, &len);
        if (status == 200) {
            take_cert(i, body, len, started);
            return;
        }
        if (status >= 400 && status < 500 && status != 429) {
            note_refused(i, status, body, len);
            atomic_fetch_add(&load.refused, 1);
            return;
        }
        if (atomic_load(&load.stop) == 2)
            return;
        atomic_fetch_add(&load.repeated, 1);
        (void)usleep(PAUSE_US);
    }
}

/* ---- Threads -------------------------------------------------------------------------------- */

static void *
make_loop(void *arg)
{
    size_t i;

    (void)arg;
    while ((i = atomic_fetch_add(&load.next_made, 1)) < load.o.count) {
        if (!request_make(&load.requests[i], load.o.kind, load.o.name, load.o.first - 1 + i,
                          load.subjects[i % load.o.identities]))
            die("cannot make a request");
    }
    return NULL;
}

/* Request i is due i / rate seconds after the first one. */
static void
wait_turn(size_t i)
{
    uint64_t due = load.started_us + (uint64_t)((double)i * 1e6 / load.o.rate), now = now_us();

    if (now < due)
        (void)usleep((useconds_t)(due - now));
}

/* The next request of any identity; of one's own when there are several. */
static size_t
next_request(size_t connection, size_t turn)
{
    return load.o.identities > 1 ? connection + turn * load.o.connections
                                 : atomic_fetch_add(&load.next, 1);
}

static void *
ask_loop(void *arg)
{
    size_t connection = (size_t)(uintptr_t)arg, turn = 0, i;
    struct wire *w = malloc(sizeof(*w));

    if (w == NULL)
        die("no memory");
    wire_init(w, &load.wires[connection % load.o.identities]);
    while (!atomic_load(&load.stop) && (i = next_request(connection, turn++)) < load.o.count) {
        if (load.o.rate > 0)
            wait_turn(i);
        ask(w, i);
    }
    wire_close(w);
    free(w);
    return NULL;
}

static void
run_threads(void *(*loop)(void *), unsigned count)
{
    static pthread_t threads[CONNECTIONS_MAX];

    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, loop, (void *)(uintptr_t)i) != 0)
            die("cannot start a thread");
    }
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

/* SIGTERM: finish what was asked.  A second one: give up what is not answered. */
static void
on_signal(int sig)
{
    (void)sig;
    (void)atomic_fetch_add(&load.stop, atomic_load(&load.stop) < 2);
}

/* ---- Figures ---------------------------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void
report(double seconds)
{
    size_t n = atomic_load(&load.answered);
    double rate = seconds > 0 ? (double)n / seconds : 0, p50, p99, max;
    FILE *f;

    qsort(load.took_us, n, sizeof(*load.took_us), by_size);
    p50 = n > 0 ? load.took_us[n / 2] / 1e3 : 0;
    p99 = n > 0 ? load.took_us[n * 99 / 100] / 1e3 : 0;
    max = n > 0 ? load.took_us[n - 1] / 1e3 : 0;
    (void)printf("%zu answered, %zu refused, %zu repeated, %.2f s, %.0f/s, "
                 "p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
                 n, atomic_load(&load.refused), atomic_load(&load.repeated), seconds, rate, p50,
                 p99, max);
    f = load.o.json != NULL ? fopen(load.o.json, "w") : NULL;
    if (f != NULL) {
        (void)fprintf(f,
                      "{\"answered\": %zu, \"refused\": %zu, \"repeated\": %zu, \"seconds\": %.3f, "
                      "\"per_second\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, "
                      "\"connections\": %u}\n",
                      n, atomic_load(&load.refused), atomic_load(&load.repeated), seconds, rate,
                      p50, p99, max, load.o.connections);
        (void)fclose(f);
    }
}

/* ---- Start ------------------------------------------------------------------------------------- */

static enum request_kind
kind_named(const char *name)
{
    if (strcmp(name, "board") == 0)
        return REQUEST_BOARD;
    if (strcmp(name, "device") == 0)
        return REQUEST_DEVICE;
    if (strcmp(name, "renew") == 0)
        return REQUEST_RENEW;
    die("--mode is board, device or renew");
    return REQUEST_BOARD;
}

static void
read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},     {"ca", required_argument, NULL, 'a'},
        {"cert", required_argument, NULL, 'c'},    {"key", required_argument, NULL, 'k'},
        {"label", required_argument, NULL, 'l'},   {"name", required_argument, NULL, 'n'},
        {"log", required_argument, NULL, 'o'},     {"json", required_argument, NULL, 'j'},
        {"mode", required_argument, NULL, 'm'},    {"count", required_argument, NULL, 'N'},
        {"seconds", required_argument, NULL, 's'}, {"connections", required_argument, NULL, 'C'},
        {"first", required_argument, NULL, 'f'},   {"identities", required_argument, NULL, 'I'},
        {"rate", required_argument, NULL, 'r'},    {NULL, 0, NULL, 0},
    };
    const char *values[128] = {[0] = NULL};
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == '?' || c >= 128) {
            (void)fputs(help, stderr);
            exit(2);
        }
        values[c] = optarg;
    }
    *o = (struct options){.url = values['u'],
                          .ca = values['a'],
                          .cert = values['c'],
                          .key = values['k'],
                          .label = values['l'],
                          .name = values['n'] != NULL ? values['n'] : "LOAD",
                          .log = values['o'],
                          .json = values['j']};
    o->kind = kind_named(values['m'] != NULL ? values['m'] : "board");
    o->count = values['N'] != NULL ? strtoul(values['N'], NULL, 10) : 1000;
    o->first = values['f'] != NULL ? strtoul(values['f'], NULL, 10) : 1;
    o->seconds = values['s'] != NULL ? strtod(values['s'], NULL) : 0;
    o->rate = values['r'] != NULL ? strtod(values['r'], NULL) : 0;
    o->connections = values['C'] != NULL ? (unsigned)strtoul(values['C'], NULL, 10) : 8;
    o->identities = values['I'] != NULL ? (unsigned)strtoul(values['I'], NULL, 10) : 1;
    if (o->url == NULL || o->ca == NULL || o->cert == NULL || o->key == NULL || o->count == 0 ||
        o->first == 0 || o->connections == 0 || o->connections > CONNECTIONS_MAX ||
        o->identities == 0 || o->connections % o->identities != 0 || optind != argc) {
        (void)fputs(help, stderr);
        exit(2);
    }
}

/* "dir/d{n}.pem" -> "dir/d7.pem" */
static void
file_of(const char *pattern, unsigned n, char *out, size_t cap)
{
    const char *at = strstr(pattern, "{n}");

    if (at == NULL || load.o.identities == 1)
        (void)snprintf(out, cap, "%s", pattern);
    else
        (void)snprintf(out, cap, "%.*s%u%s", (int)(at - pattern), pattern, n, at + 3);
}

/* The context keeps the certificate, and so the subject. */
static void
set_up_identity(const struct options *o, unsigned i)
{
    char cert[512], key[512];
    SSL *probe;

    file_of(o->cert, i + 1, cert, sizeof(cert));
    file_of(o->key, i + 1, key, sizeof(key));
    if (!wire_configure(&load.wires[i], o->url, o->ca, cert, key))
        die("the url, or one of the files of CA, certificate and key, is wrong");
    probe = SSL_new(load.wires[i].tls);
    load.subjects[i] = X509_get_subject_name(SSL_get_certificate(probe));
    SSL_free(probe);
}

static void
set_up(const struct options *o)
{
    for (unsigned i = 0; i < o->identities; i++)
        set_up_identity(o, i);
    (void)snprintf(load.path, sizeof(load.path), "/.well-known/est/%s%s%s",
                   o->label != NULL ? o->label : "", o->label != NULL ? "/" : "",
                   o->kind == REQUEST_RENEW ? "simplereenroll" : "simpleenroll");
    load.requests = calloc(o->count, sizeof(*load.requests));
    load.took_us = calloc(o->count, sizeof(*load.took_us));
    if (load.requests == NULL || load.took_us == NULL)
        die("no memory");
    load.log_fd =
        o->log != NULL ? open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (o->log != NULL && load.log_fd < 0)
        die("the log cannot be opened");
}

int
main(int argc, char **argv)
{
    struct sigaction on_term = {.sa_handler = on_signal}, on_alarm = {.sa_handler = on_signal};
    struct options *o = &load.o;
    struct itimerval limit = {0};

    read_options(argc, argv, o);
    limit.it_value.tv_sec = (time_t)o->seconds;
    limit.it_value.tv_usec = (suseconds_t)((o->seconds - (double)(time_t)o->seconds) * 1e6);
    set_up(o);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigaction(SIGTERM, &on_term, NULL);
    run_threads(make_loop, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    (void)printf("%zu requests are made\n", o->count);
    (void)fflush(stdout);
    (void)sigaction(SIGALRM, &on_alarm, NULL);
    if (setitimer(ITIMER_REAL, &limit, NULL) != 0)
        die("--seconds is not a time");
    load.started_us = now_us();
    run_threads(ask_loop, o->connections);
    report((double)(now_us() - load.started_us) / 1e6);
    for (size_t i = 0; i < o->count; i++)
        request_free(&load.requests[i]);
    free(load.requests);
    free(load.took_us);
    for (unsigned i = 0; i < o->identities; i++)
        SSL_CTX_free(load.wires[i].tls);
    return atomic_load(&load.failed) ? 1 : 0;
}
