/*
 * store.c: how fast batches of issued certificates become durable.
 *
 * Each row is a whole issuance: certificate with 1.2 KB of DER, request id, key,
 * chip, device, order count.  A second pass writes certificates alone (no
 * device, no request id), which is what a table of certificates costs by
 * itself.  A thread folds the log meanwhile, as in the server.  One line per
 * batch size: rows per second, median and 99th percentile of one commit.
 *
 *   bench_store [DIRECTORY [ROWS]]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/store.h"

#define BATCH_MAX     256
#define TIDY_EVERY_US 200000

struct row {
    uint8_t serial[19];
    uint8_t uid[9];
    char device[24];
    uint8_t der[1200];
};

struct bench {
    struct store *store;
    const char *path;
    int whole;   /* 0: certificates alone */
    int by_time; /* serials begin with time */
    uint64_t made;
    uint64_t seed, mixed; /* scatter() */
    uint64_t *took_us;
    struct row rows[BATCH_MAX];
    struct store_issue items[BATCH_MAX];
};

static atomic_int stop;

static void
fail(const char *what, const struct rs_err *err)
{
    (void)fprintf(stderr, "%s: %s (%s)\n", what, err->text, err->detail);
    exit(1);
}

static void *
tidy(void *arg)
{
    struct rs_err err = {0};
    struct store *store = NULL;

    if (store_open(arg, 0, &store, &err) != RS_OK)
        fail("open", &err);
    while (!atomic_load(&stop)) {
        if (store_tidy(store, &err) != RS_OK)
            fail("tidy", &err);
        rs_sleep_us(TIDY_EVERY_US);
    }
    store_close(store);
    return NULL;
}

/* Well spread and cheap: the bench measures the store, not the generator. */
static void
scatter(struct bench *b, uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) {
            b->seed += 0x9e3779b97f4a7c15U;
            b->mixed = (b->seed ^ (b->seed >> 30)) * 0xbf58476d1ce4e5b9U;
            b->mixed ^= b->mixed >> 31;
        }
        p[i] = (uint8_t)(b->mixed >> (8 * (i % 8)));
    }
}

/* CPU of the calling thread, user and system. */
static double
cpu_us(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_THREAD, &u);
    return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
fill_device(struct bench *b, struct row *row, struct store_issue *item)
{
    (void)snprintf(row->device, sizeof(row->device), "X2-%08llu", (unsigned long long)b->made);
    row->uid[0] = 1;
    rs_set_u64(row->uid + 1, b->made);
    item->cert.device = row->device;
    item->cert.object = "idevid";
    item->new_device = 1;
    item->device = (struct store_device){.tenant = "acme",
                                         .device = row->device,
                                         .state = STORE_DEVICE_MADE,
                                         .product = "sensor-x2",
                                         .order = "sensor-x2-0007",
                                         .station = "sz-1",
                                         .fixture = "3",
                                         .chip_model = "atecc608b",
                                         .chip_uid = RS_BYTES(row->uid),
                                         .provenance = "attested"};
}

static void
fill_row(struct bench *b, struct row *row, struct store_issue *item)
{
    struct store_cert *c = &item->cert;

    memset(item, 0, sizeof(*item));
    scatter(b, row->serial, sizeof(row->serial));
    scatter(b, c->key_hash, 32);
    scatter(b, c->fingerprint, 32);
    row->serial[0] = 1;
    if (b->by_time)
        rs_set_u32(row->serial + 1, (uint32_t)(rs_mono_us() >> 24));
    c->tenant = "acme";
    c->issuer = "devices-2026";
    c->serial = RS_BYTES(row->serial);
    c->state = STORE_CERT_ISSUED;
    c->signer_id = 1;
    c->leaf = b->made;
    c->profile = "idevid";
    c->device = "";
    c->object = "";
    c->holder = "device";
    c->subject = "CN=sensor,O=Acme";
    c->not_after = INT64_MAX;
    c->der = RS_BYTES(row->der);
    item->request_until = rs_now() + 600;
    if (b->whole) {
        scatter(b, c->request_id, 32);
        fill_device(b, row, item);
    }
    b->made++;
}

static int
by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void
run(struct bench *b, size_t batch, size_t commits)
{
    struct rs_err err = {0};
    uint64_t total = 0;
    double cpu = 0;

    for (size_t n = 0; n < commits; n++) {
        for (size_t i = 0; i < batch; i++)
            fill_row(b, &b->rows[i], &b->items[i]);
        double cpu_start = cpu_us();
        uint64_t start = rs_mono_us();
        if (store_commit_issued(b->store, b->items, batch, &err) != RS_OK)
            fail("commit", &err);
        b->took_us[n] = rs_mono_us() - start;
        total += b->took_us[n];
        cpu += cpu_us() - cpu_start;
    }
    qsort(b->took_us, commits, sizeof(b->took_us[0]), by_size);
    (void)printf("%-12s %-7s batch %4zu  %8.0f rows/s  CPU %6.1f us/row  commit p50 %6.2f ms"
                 "  p99 %6.2f ms\n",
                 b->whole ? "issuance" : "certificate", b->by_time ? "time" : "random", batch,
                 1e6 * (double)(batch * commits) / (double)total, cpu / (double)(batch * commits),
                 (double)b->took_us[commits / 2] / 1000,
                 (double)b->took_us[commits * 99 / 100] / 1000);
    (void)fflush(stdout);
}

int
main(int argc, char **argv)
{
    static const size_t batches[] = {1, 10, 64, 100};
    static struct bench b;
    size_t rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
    char path[512];
    struct rs_err err = {0};
    pthread_t thread;

    if (rs_path_join(argc > 1 ? argv[1] : ".", "bench.db", path, sizeof(path), &err) != RS_OK ||
        store_open(path, 1, &b.store, &err) != RS_OK)
        fail("open", &err);
    b.took_us = calloc(rows + 1, sizeof(uint64_t));
    if (b.took_us == NULL || pthread_create(&thread, NULL, tidy, path) != 0)
        return 1;
    for (b.whole = 0; b.whole < 2; b.whole++) {
        for (b.by_time = 1; b.by_time >= 0; b.by_time--) {
            for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
                run(&b, batches[i], batches[i] == 1 ? rows / 10 : rows / batches[i]);
        }
    }
    atomic_store(&stop, 1);
    (void)pthread_join(thread, NULL);
    store_close(b.store);
    free(b.took_us);
    return 0;
}
