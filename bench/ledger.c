/*
 * ledger.c: what the ledger costs.
 *
 * Leaves a second with 700-byte contents at batches of 1, 16, 64 and 256, each
 * batch one write and one fdatasync; CPU for each leaf; time to open; and the
 * verifier's entries a second over what was written.
 *
 *   bench_ledger [DIR] [SECONDS]     DIR on the disk that is meant (default: .)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/io.h"
#include "ledger/ledger.h"
#include "ledger/verify.h"

#define CONTENT  700
#define PATH_CAP 512

static rs_code
sign_note(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;
    int ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, arg) == 1 &&
             EVP_DigestSign(ctx, sig, &len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "cannot sign");
}

static void
must(rs_code rc, const struct rs_err *err)
{
    if (rc == RS_OK)
        return;
    (void)fprintf(stderr, "%s (%s)\n", err->text, err->detail);
    exit(1);
}

static uint64_t
cpu_us(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static struct ledger *
open_ledger(const char *dir, EVP_PKEY *key)
{
    struct ledger_config config = {.dir = dir,
                                   .origin = "bench/ledger/1",
                                   .signer_id = 1,
                                   .epoch = 1,
                                   .sign = sign_note,
                                   .sign_arg = key};
    struct ledger_opened opened;
    struct ledger *ledger = NULL;
    struct rs_err err = {0};
    size_t len = sizeof(config.public_key);

    if (EVP_PKEY_get_raw_public_key(key, config.public_key, &len) != 1)
        exit(1);
    must(ledger_open(&config, &ledger, &opened, &err), &err);
    return ledger;
}

/* Append for so long; returns leaves a second. */
static void
append(const char *dir, EVP_PKEY *key, size_t batch, double seconds)
{
    static uint8_t content[CONTENT];
    struct ledger_leaf leaves[LEDGER_BATCH_MAX];
    struct ledger *ledger = open_ledger(dir, key);
    struct rs_err err = {0};
    uint64_t start = rs_mono_us(), cpu = cpu_us(), done = 0, took;

    memset(content, 0x5c, sizeof(content));
    do {
        for (size_t i = 0; i < batch; i++)
            leaves[i] = (struct ledger_leaf){.type = LEDGER_ISSUED,
                                             .time_ms = 1700000000000,
                                             .content = {content, sizeof(content)}};
        must(ledger_append(ledger, leaves, batch, &err), &err);
        done += batch;
        took = rs_mono_us() - start;
    } while ((double)took < seconds * 1e6);
    (void)printf("append, batch %3zu: %8.0f leaves/s, %5.2f us CPU a leaf\n", batch,
                 (double)done * 1e6 / (double)took, (double)(cpu_us() - cpu) / (double)done);
    (void)fflush(stdout);
    ledger_close(ledger);
}

static void
verify(const char *dir)
{
    struct ledger_verify_config config = {.dir = dir};
    struct ledger_verdict verdict;
    struct rs_err err = {0};
    uint64_t start = rs_mono_us();
    double took;

    must(ledger_verify(&config, &verdict, &err), &err);
    took = (double)(rs_mono_us() - start) / 1e6;
    (void)printf("verify: %llu entries, %s, %8.0f entries/s\n", (unsigned long long)verdict.entries,
                 ledger_damage_name(verdict.damage), (double)verdict.entries / took);
}

int
main(int argc, char **argv)
{
    static const size_t batches[] = {1, 16, 64, 256};
    static const uint8_t secret[32] = {1};
    char dir[PATH_CAP], command[PATH_CAP + 16];
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
    uint64_t start;

    (void)snprintf(dir, sizeof(dir), "%.400s/bench-ledger-XXXXXX", argc > 1 ? argv[1] : ".");
    if (key == NULL || mkdtemp(dir) == NULL)
        return 1;
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
        append(dir, key, batches[i], seconds);
    start = rs_mono_us();
    ledger_close(open_ledger(dir, key));
    (void)printf("open and close: %.0f ms\n", (double)(rs_mono_us() - start) / 1e3);
    verify(dir);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    EVP_PKEY_free(key);
    return system(command) == 0 ? 0 : 1;
}
